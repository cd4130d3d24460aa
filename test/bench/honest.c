/* SPDX-License-Identifier: MIT */
/*
 * honest.c - a client that means it, beside whatever else goes on: it connects
 * to an echo at a steady pace, and each connection sends an octet, gets it
 * back and closes.
 *
 *	honest ADDRESS PORT COUNT PER_SECOND [PATIENCE]
 *
 * A connection fails when it is not through PATIENCE seconds (3) after its
 * SYN.  Prints: ok N first N failed N; rtt p50 N p99 N max N us.  "first":
 * those that needed no SYN again.  The round trips are the kernel's own, from
 * SYN to SYN-ACK, of these (TCP_INFO).
 */
#include "bench.h"

#define MAX_COUNT 100000u

struct client {
	int fd;
	bool asked;
	uint64_t deadline;
};

static struct client *all;
static uint32_t *rtt; /* us */
static unsigned ok, first, failed;

static void begin(int ep, const struct place *to, unsigned i, uint64_t patience)
{
	struct client *c = &all[i];

	c->fd = place_socket(to, SOCK_NONBLOCK);
	if (c->fd < 0)
		die("socket");
	c->deadline = now_ns() + patience;
	if (connect(c->fd, &to->any, to->len) < 0 && errno != EINPROGRESS)
		die("connect");
	watch(ep, EPOLL_CTL_ADD, c->fd, EPOLLOUT, i);
}

static void end(struct client *c, bool good)
{
	close(c->fd);
	c->fd = -1;
	if (good)
		ok++;
	else
		failed++;
}

/* It is connected: at the first try, and after how long? */
static void note(int fd)
{
	struct tcp_info info;
	socklen_t n = sizeof(info);

	if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &n) < 0)
		die("TCP_INFO");
	if (info.tcpi_total_retrans == 0)
		rtt[first++] = info.tcpi_rtt;
}

static void step(int ep, unsigned i)
{
	struct client *c = &all[i];
	int error = 0;
	socklen_t n = sizeof(error);
	char octet;

	if (c->asked) {
		ssize_t rc = read(c->fd, &octet, 1);

		if (rc >= 0 || errno != EAGAIN)
			end(c, rc == 1);
		return;
	}
	if (getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &error, &n) < 0 || error) {
		end(c, false);
		return;
	}
	note(c->fd);
	if (write(c->fd, "x", 1) != 1) {
		end(c, false);
		return;
	}
	c->asked = true;
	watch(ep, EPOLL_CTL_MOD, c->fd, EPOLLIN, i);
}

/* Those whose time is up, of the first |n|; |*from|: all before it are done. */
static void give_up(unsigned *from, unsigned n, uint64_t now)
{
	while (*from < n) {
		struct client *c = &all[*from];

		if (c->fd >= 0 && now < c->deadline)
			return;
		if (c->fd >= 0)
			end(c, false);
		(*from)++;
	}
}

static int by_value(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

static uint32_t rank(unsigned percent)
{
	return first ? rtt[(first - 1) * percent / 100] : 0;
}

static void run(const struct place *to, unsigned count, double gap,
		uint64_t patience)
{
	struct epoll_event ev[64];
	uint64_t start = now_ns();
	unsigned begun = 0, oldest = 0;
	int ep = epoll_create1(0);

	while (ok + failed < count) {
		uint64_t now = now_ns();
		uint64_t next = start + (uint64_t)(begun * gap);
		int wait = 10, n;

		if (begun < count && now >= next) {
			begin(ep, to, begun++, patience);
			continue;
		}
		if (begun < count && next - now < 10000000u)
			wait = (int)((next - now) / 1000000u);
		n = epoll_wait(ep, ev, 64, wait);
		for (int i = 0; i < n; i++)
			step(ep, (unsigned)ev[i].data.u64);
		give_up(&oldest, begun, now_ns());
	}
}

int main(int argc, char **argv)
{
	struct place to;
	unsigned count;
	double rate;

	if (argc != 5 && argc != 6) {
		(void)fputs("usage: honest ADDRESS PORT COUNT PER_SECOND "
			    "[PATIENCE]\n",
			    stderr);
		return 2;
	}
	to = place(argv[1], (unsigned)number(argv[2]));
	count = (unsigned)number(argv[3]);
	rate = number(argv[4]);
	if (!count || count > MAX_COUNT || rate <= 0)
		return 2;
	all = calloc(count, sizeof(*all));
	rtt = calloc(count, sizeof(*rtt));
	if (!all || !rtt)
		die("calloc");
	many_fds();
	run(&to, count, 1e9 / rate,
	    (uint64_t)((argc == 6 ? number(argv[5]) : 3) * 1e9));
	qsort(rtt, first, sizeof(*rtt), by_value);
	printf("ok %u first %u failed %u; rtt p50 %u p99 %u max %u us\n", ok,
	       first, failed, rank(50), rank(99), rank(100));
	return 0;
}
