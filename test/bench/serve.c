/* SPDX-License-Identifier: MIT */
/*
 * serve.c - the servers of the measurements: on the kernel's sockets, or
 * with --app on tcpd's.
 *
 *	serve [--app] ADDRESS KIND:PORT...
 *
 * KIND: discard, chargen, echo, daytime (one line, then it closes first) and
 * hold (writes 100 octets, reads nothing).  Prints "ready" when all listen.
 */
#include "bench.h"
#include "tcpd_app.h"

enum kind { DISCARD, CHARGEN, ECHO, DAYTIME, HOLD, NKINDS };
static const char *const kinds[NKINDS] = {"discard", "chargen", "echo",
					  "daytime", "hold"};

#define LISTENER 256u /* flag beside the kind in epoll's data */

static bool app;
static int ep;
static char buf[256 * 1024];

static int listen_on(struct place p)
{
	int type = SOCK_STREAM | SOCK_NONBLOCK, one = 1;
	int fd = app ? tcpd_app_socket(p.any.sa_family, type, 0)
		     : socket(p.any.sa_family, type, 0);

	if (fd < 0)
		die("socket");
	if (app)
		(void)tcpd_app_setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one,
					  sizeof(one));
	else
		set_flag(fd, SOL_SOCKET, SO_REUSEADDR);
	if ((app ? tcpd_app_bind(fd, &p.any, p.len) : bind(fd, &p.any, p.len)) <
	    0)
		die("bind");
	if ((app ? tcpd_app_listen(fd, 4096) : listen(fd, 4096)) < 0)
		die("listen");
	return fd;
}

static void greet(int fd, enum kind k)
{
	uint32_t events = k == CHARGEN ? EPOLLOUT : EPOLLIN;

	if (!app && k == ECHO)
		set_flag(fd, IPPROTO_TCP, TCP_NODELAY);
	if (k == DAYTIME) {
		static const char line[] = "2026-01-01 00:00:00\r\n";

		(void)!write(fd, line, sizeof(line) - 1);
		close(fd);
		return;
	}
	if (k == HOLD) {
		(void)!write(fd, buf, 100);
		return;
	}
	watch(ep, EPOLL_CTL_ADD, fd, events, (uint64_t)fd << 32 | k);
}

static void welcome(int lfd, enum kind k)
{
	for (int i = 0; i < 64; i++) {
		int fd = app ? tcpd_app_accept(lfd, NULL, NULL, SOCK_NONBLOCK)
			     : accept4(lfd, NULL, NULL, SOCK_NONBLOCK);

		if (fd < 0)
			return;
		greet(fd, k);
	}
}

/* What the peer does not take at once waits until it does (blocking would
 * stop the other connections). */
static void echo_back(int fd, size_t n)
{
	size_t at = 0;

	while (at < n) {
		ssize_t rc = write(fd, buf + at, n - at);

		if (rc > 0) {
			at += (size_t)rc;
		} else if (rc < 0 && errno == EAGAIN) {
			/* the measurements' pings and streams stay below what
			 * a socket holds: a short wait is enough */
			usleep(100);
		} else {
			return;
		}
	}
}

static void turn(int fd, enum kind k)
{
	ssize_t n;

	if (k == CHARGEN) {
		n = write(fd, buf, sizeof(buf));
	} else {
		n = read(fd, buf, k == ECHO ? 65536 : sizeof(buf));
		if (k == ECHO && n > 0)
			echo_back(fd, (size_t)n);
	}
	if (n == 0 || (n < 0 && errno != EAGAIN))
		close(fd);
}

static void open_service(const char *ip, char *spec)
{
	char *colon = strchr(spec, ':');
	unsigned k = 0;
	int fd;

	if (colon)
		*colon++ = '\0';
	while (k < NKINDS && strcmp(spec, kinds[k]) != 0)
		k++;
	if (!colon || k == NKINDS) {
		(void)fprintf(stderr, "serve: %s: expected KIND:PORT\n", spec);
		exit(2);
	}
	fd = listen_on(place(ip, (unsigned)number(colon)));
	watch(ep, EPOLL_CTL_ADD, fd, EPOLLIN,
	      (uint64_t)fd << 32 | k | LISTENER);
}

int main(int argc, char **argv)
{
	struct epoll_event ev[256];
	int at = 1;

	if (argc > 1 && strcmp(argv[1], "--app") == 0) {
		app = true;
		at++;
	}
	if (argc - at < 2) {
		(void)fputs("usage: serve [--app] ADDRESS KIND:PORT...\n",
			    stderr);
		return 2;
	}
	many_fds();
	(void)signal(SIGPIPE, SIG_IGN);
	memset(buf, 'x', sizeof(buf));
	ep = epoll_create1(0);
	for (int i = at + 1; i < argc; i++)
		open_service(argv[at], argv[i]);
	(void)puts("ready");
	(void)fflush(stdout);
	for (;;) {
		int n = epoll_wait(ep, ev, 256, -1);

		for (int i = 0; i < n; i++) {
			int fd = (int)(ev[i].data.u64 >> 32);
			unsigned k = (unsigned)ev[i].data.u64;

			if (k & LISTENER)
				welcome(fd, (enum kind)(k & ~LISTENER));
			else
				turn(fd, (enum kind)k);
		}
	}
}
