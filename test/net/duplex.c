/* SPDX-License-Identifier: MIT */
/*
 * duplex.c - stdin to a TCP connection and the connection to stdout, both at
 * once and neither waiting for the other; half close at the end of stdin.
 *
 *	duplex ADDRESS PORT
 *
 * (socat and nc write blocking: against an echo, both sides can then wait
 * for the other for ever.)  Exit code 0: end of file from both sides.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "test/net/place.h"

#define BUF_SIZE (256 * 1024)

struct pipe { /* one direction */
	int from, to;
	bool eof, done;
	size_t at, end;
	char buf[BUF_SIZE];
};

static struct pipe up, down;

static void die(const char *what)
{
	(void)fprintf(stderr, "duplex: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void nonblocking(int fd)
{
	int flags = fcntl(fd, F_GETFL);

	if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0)
		die("fcntl");
}

static bool later(void)
{
	return errno == EAGAIN || errno == EINTR;
}

static void move(struct pipe *p, const char *name)
{
	ssize_t n;

	if (p->at == p->end && !p->eof) {
		n = read(p->from, p->buf, sizeof(p->buf));
		if (n < 0 && !later())
			die(name);
		p->at = 0;
		p->end = n > 0 ? (size_t)n : 0;
		p->eof = n == 0;
	}
	if (p->at < p->end) {
		n = write(p->to, p->buf + p->at, p->end - p->at);
		if (n < 0 && !later())
			die(name);
		p->at += n > 0 ? (size_t)n : 0;
	}
	if (p->eof && p->at == p->end && !p->done) {
		p->done = true;
		if (p == &up && shutdown(p->to, SHUT_WR) < 0)
			die("shutdown");
	}
}

static void wait_both(int sock)
{
	struct pollfd pfd[3] = {{.fd = -1}, {.fd = sock}, {.fd = -1}};

	if (!up.done && up.at == up.end)
		pfd[0] = (struct pollfd){.fd = up.from, .events = POLLIN};
	else if (!up.done)
		pfd[1].events |= POLLOUT;
	if (!down.done && down.at == down.end)
		pfd[1].events |= POLLIN;
	else if (!down.done)
		pfd[2] = (struct pollfd){.fd = down.to, .events = POLLOUT};
	if (!pfd[1].events)
		pfd[1].fd = -1;
	if (poll(pfd, 3, -1) < 0 && errno != EINTR)
		die("poll");
}

int main(int argc, char **argv)
{
	struct place to;
	int sock;

	if (argc != 3) {
		(void)fputs("usage: duplex ADDRESS PORT\n", stderr);
		return 2;
	}
	to = place(argv[1], (unsigned)strtoul(argv[2], NULL, 10));
	sock = place_socket(&to, 0);
	if (sock < 0 || connect(sock, &to.any, to.len) < 0)
		die("connect");
	up.from = 0;
	up.to = down.from = sock;
	down.to = 1;
	nonblocking(sock);
	nonblocking(0);
	nonblocking(1);
	while (!up.done || !down.done) {
		wait_both(sock);
		if (!up.done)
			move(&up, "to the peer");
		if (!down.done)
			move(&down, "from the peer");
	}
	return 0;
}
