/* SPDX-License-Identifier: MIT */
/*
 * client.c - a client on tcpd's stack: stdin to the peer, what comes back to
 * stdout, until the peer has ended.
 *
 *	client ADDRESS PORT
 */
#include <arpa/inet.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tcpd_app.h"

static int fail(const char *what)
{
	(void)fprintf(stderr, "client: %s: %s\n", what, strerror(errno));
	return 1;
}

/* All of |in| to |out|: 0, or -1 and errno. */
static int copy(int in, int out)
{
	char buf[65536];
	ssize_t n, w, at;

	while ((n = read(in, buf, sizeof(buf))) > 0)
		for (at = 0; at < n; at += w)
			if ((w = write(out, buf + at, (size_t)(n - at))) < 0)
				return -1;
	return n < 0 ? -1 : 0;
}

int main(int argc, char **argv)
{
	struct sockaddr_in sa = {.sin_family = AF_INET};
	pid_t pid;
	int fd, r;

	if (argc != 3 || inet_pton(AF_INET, argv[1], &sa.sin_addr) != 1) {
		(void)fputs("usage: client ADDRESS PORT\n", stderr);
		return 2;
	}
	sa.sin_port = htons((uint16_t)strtoul(argv[2], NULL, 10));
	(void)signal(SIGPIPE, SIG_IGN); /* write() says EPIPE */
	fd = tcpd_app_socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return fail("socket");
	if (tcpd_app_connect(fd, (struct sockaddr *)&sa, sizeof(sa)) < 0)
		return fail("connect");
	/* One process a direction: the fd is an ordinary one. */
	pid = fork();
	if (pid == 0) {
		r = copy(STDIN_FILENO, fd);
		shutdown(fd, SHUT_WR); /* our FIN */
		_exit(r ? 1 : 0);
	}
	if (pid < 0 || copy(fd, STDOUT_FILENO) < 0)
		return fail("connection");
	(void)kill(pid, SIGTERM); /* stdin may go on for ever */
	return 0;
}
