/* SPDX-License-Identifier: MIT */
/*
 * client.c - a client on tcpd's stack: stdin to the peer, what comes back to
 * stdout, until the peer has ended.
 *
 *	client [-p LOCAL_PORT] ADDRESS PORT
 *
 * With -p it binds that port first, and so gets EADDRINUSE where an earlier
 * connection of that port is still in TIME-WAIT.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <signal.h>
#include <stdint.h>
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

union address {
	struct sockaddr any;
	struct sockaddr_in in;
	struct sockaddr_in6 in6;
};

static int usage(void)
{
	(void)fputs("usage: client [-p LOCAL_PORT] ADDRESS PORT\n", stderr);
	return 2;
}

/* Of either family. */
static int address(const char *text, union address *a)
{
	a->in.sin_family = AF_INET;
	if (inet_pton(AF_INET, text, &a->in.sin_addr) == 1)
		return 0;
	a->in6.sin6_family = AF_INET6;
	return inet_pton(AF_INET6, text, &a->in6.sin6_addr) == 1 ? 0 : -1;
}

/* 0: it is none. */
static in_port_t port(const char *text)
{
	char *end;
	unsigned long n = strtoul(text, &end, 10);

	return n <= UINT16_MAX && !*end ? htons((uint16_t)n) : 0;
}

int main(int argc, char **argv)
{
	union address to = {0}, from = {0};
	pid_t pid;
	int c, fd, r;

	while ((c = getopt(argc, argv, "p:")) != -1) {
		if (c != 'p' || !port(optarg))
			return usage();
		from.in.sin_port = port(optarg); /* in in6 at the same place */
	}
	if (argc - optind != 2 || address(argv[optind], &to) < 0)
		return usage();
	to.in.sin_port = port(argv[optind + 1]);
	if (!to.in.sin_port)
		return usage();
	from.any.sa_family = to.any.sa_family;
	(void)signal(SIGPIPE, SIG_IGN); /* write() says EPIPE */
	fd = tcpd_app_socket(to.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return fail("socket");
	if (from.in.sin_port && tcpd_app_bind(fd, &from.any, sizeof(from)) < 0)
		return fail("bind");
	if (tcpd_app_connect(fd, &to.any, sizeof(to)) < 0)
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
