/* SPDX-License-Identifier: MIT */
/*
 * idle.c - many connections that stay, so that somebody can look at what they
 * cost.
 *
 *	idle ADDRESS PORT COUNT [OCTETS]
 *
 * PORT is an echo.  Through each connection OCTETS go and come back, some
 * connections at a time; then "ready" is printed and everything is idle until
 * the end of stdin, when all are closed by RST (no TIME-WAIT is left).
 */
#include "bench.h"

#define AT_ONCE 16

static char out[65536], in[65536];

struct flow {
	size_t sent, got;
};

static int open_one(const struct place *to)
{
	struct linger abort = {1, 0};
	int fd = place_socket(to, 0);

	if (fd < 0 || connect(fd, &to->any, to->len) < 0)
		die("connect");
	if (setsockopt(fd, SOL_SOCKET, SO_LINGER, &abort, sizeof(abort)) < 0)
		die("setsockopt");
	return fd;
}

/* One turn of a flow; true: all of it is back. */
static bool pass(int ep, int fd, uint64_t i, struct flow *f, size_t total)
{
	ssize_t n = 1;

	if (f->sent < total) {
		size_t part = total - f->sent;

		n = send(fd, out, part < sizeof(out) ? part : sizeof(out),
			 MSG_DONTWAIT);
		if (n > 0)
			f->sent += (size_t)n;
		if (f->sent == total)
			watch(ep, EPOLL_CTL_MOD, fd, EPOLLIN, i);
	}
	if (n < 0 && errno != EAGAIN)
		die("send");
	n = recv(fd, in, sizeof(in), MSG_DONTWAIT);
	if (n == 0 || (n < 0 && errno != EAGAIN))
		die("recv");
	f->got += n > 0 ? (size_t)n : 0;
	return f->got == total;
}

static void pass_all(const int *fds, size_t count, size_t total)
{
	struct flow *flow = calloc(count, sizeof(*flow));
	int ep = epoll_create1(0);
	struct epoll_event ev[AT_ONCE];
	size_t next = 0, open = 0;

	if (!flow || ep < 0)
		die("calloc");
	while (next < count || open) {
		int n;

		for (; next < count && open < AT_ONCE; next++, open++)
			watch(ep, EPOLL_CTL_ADD, fds[next], EPOLLIN | EPOLLOUT,
			      next);
		n = epoll_wait(ep, ev, AT_ONCE, 10000);
		if (n == 0) {
			errno = ETIMEDOUT;
			die("nothing moves");
		}
		for (int i = 0; i < n; i++) {
			uint64_t f = ev[i].data.u64;

			if (!pass(ep, fds[f], f, &flow[f], total))
				continue;
			watch(ep, EPOLL_CTL_DEL, fds[f], 0, 0);
			open--;
		}
	}
	close(ep);
	free(flow);
}

int main(int argc, char **argv)
{
	struct place to;
	size_t count, total;
	int *fds;

	if (argc < 4) {
		(void)fputs("usage: idle ADDRESS PORT COUNT [OCTETS]\n",
			    stderr);
		return 2;
	}
	many_fds();
	to = place(argv[1], (unsigned)number(argv[2]));
	count = (size_t)number(argv[3]);
	total = argc > 4 ? (size_t)number(argv[4]) : 0;
	fds = calloc(count, sizeof(*fds));
	if (!fds)
		die("calloc");
	for (size_t i = 0; i < count; i++)
		fds[i] = open_one(&to);
	if (total)
		pass_all(fds, count, total);
	(void)puts("ready");
	(void)fflush(stdout);
	while (getchar() != EOF)
		;
	for (size_t i = 0; i < count; i++)
		close(fds[i]);
	free(fds);
	return 0;
}
