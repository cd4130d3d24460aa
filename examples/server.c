/* SPDX-License-Identifier: MIT */
/*
 * server.c - a server on tcpd's stack: a process a connection.
 *
 *	server ADDRESS PORT [echo|sink]
 *
 * Only the calls with tcpd_app_ know of tcpd; the connection is an fd.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tcpd_app.h"

union address {
	struct sockaddr any;
	struct sockaddr_in in;
	struct sockaddr_in6 in6;
};

static void serve(int fd, bool sink)
{
	char buf[65536];
	ssize_t n, w, at;

	while ((n = read(fd, buf, sizeof(buf))) > 0)
		for (at = 0; !sink && at < n; at += w)
			if ((w = write(fd, buf + at, (size_t)(n - at))) < 0)
				return;
}

static int fail(const char *what)
{
	(void)fprintf(stderr, "server: %s: %s\n", what, strerror(errno));
	return 1;
}

static bool port_of(const char *text, uint16_t *port)
{
	char *end;
	unsigned long n = strtoul(text, &end, 10);

	*port = (uint16_t)n;
	return n >= 1 && n <= UINT16_MAX && !*end;
}

/* Of either family. */
static bool address(const char *text, union address *a)
{
	a->in.sin_family = AF_INET;
	if (inet_pton(AF_INET, text, &a->in.sin_addr) == 1)
		return true;
	a->in6.sin6_family = AF_INET6;
	return inet_pton(AF_INET6, text, &a->in6.sin6_addr) == 1;
}

int main(int argc, char **argv)
{
	union address sa = {0};
	uint16_t port;
	int fd, c, on = 1;
	bool sink;

	if (argc < 3 || !address(argv[1], &sa) || !port_of(argv[2], &port)) {
		(void)fputs("usage: server ADDRESS PORT [echo|sink]\n", stderr);
		return 2;
	}
	sa.in.sin_port = htons(port); /* at the same place in both */
	sink = argc > 3 && strcmp(argv[3], "sink") == 0;
	(void)signal(SIGPIPE, SIG_IGN); /* write() says EPIPE */
	(void)signal(SIGCHLD, SIG_IGN); /* children are not waited for */
	fd = tcpd_app_socket(sa.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return fail("socket");
	(void)tcpd_app_setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on,
				  sizeof(on));
	if (tcpd_app_bind(fd, &sa.any, sizeof(sa)) < 0)
		return fail("bind");
	if (tcpd_app_listen(fd, 128) < 0)
		return fail("listen");
	while ((c = tcpd_app_accept(fd, NULL, NULL, SOCK_CLOEXEC)) >= 0) {
		if (fork() == 0) {
			close(fd);
			serve(c, sink);
			_exit(0);
		}
		close(c);
	}
	return fail("accept");
}
