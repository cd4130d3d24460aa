/* SPDX-License-Identifier: MIT */
/*
 * applag.c - random exchanges between an fd of tcpd's and a kernel socket, in
 * one process: every octet in its place, no stall, and the right end.
 *
 *	applag TCPD_ADDRESS KERNEL_ADDRESS ROUNDS SEED
 *
 * Each round makes a connection (either side connects), writes and reads
 * pieces of random sizes both ways, with urgent octets and options in
 * between, and ends it in one of the ways below.  Prints a line for what went
 * wrong (exit code 1), or what was done.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/sockios.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "tcpd_app.h"
#include "test/net/place.h"

#define PATIENCE 5000 /* ms without any progress */

/* clang-format off */
#define ENDS(X) \
	X(BOTH_SHUT, "both shut down and read to the end") \
	X(APP_CLOSES, "the app closes with all read") \
	X(APP_UNREAD, "the app closes with data unread") \
	X(APP_LINGER, "the app closes with SO_LINGER {1,0}") \
	X(APP_ABORTS, "the app aborts") \
	X(PEER_CLOSES, "the peer closes") \
	X(PEER_RESETS, "the peer resets")
/* clang-format on */
enum end {
#define X(name, text) name,
	ENDS(X)
#undef X
		NENDS
};
static const char *const texts[NENDS] = {
#define X(name, text) text,
	ENDS(X)
#undef X
};

static uint64_t state;
static unsigned long long total;
static unsigned round_no;
static enum end end = BOTH_SHUT;
static bool ending;

static uint32_t rnd(uint32_t n)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (uint32_t)(state >> 32) % n;
}

static void fail(const char *what, long got)
{
	printf("round %u (%s): %s: %ld, errno %s\n", round_no,
	       end < NENDS ? texts[end] : "", what, got,
	       strerrorname_np(errno));
	exit(1);
}

/* One direction of the stream. */
struct dir {
	int from, to;
	uint32_t salt, len; /* what is to be sent */
	uint32_t sent, got;
	bool shut, eof;
	int err; /* of the reader */
};

static uint8_t octet_at(const struct dir *d, uint32_t pos)
{
	return (uint8_t)(d->salt + pos * 31 + (pos >> 8));
}

static uint32_t length(void)
{
	switch (rnd(6)) {
	case 0:
		return rnd(3);
	case 1:
	case 2:
		return 1 + rnd(200);
	case 3:
		return 1 + rnd(70000);
	case 4:
		return 1 + rnd(20000);
	default:
		return rnd(8) ? 1 + rnd(3000) : 1 + rnd(1500000);
	}
}

static bool send_some(struct dir *d)
{
	static uint8_t buf[100000];
	uint32_t n = d->len - d->sent;
	int flags = MSG_DONTWAIT | MSG_NOSIGNAL;
	ssize_t r;

	if (!n || d->from < 0)
		return false;
	n = rnd(2) ? n : 1 + rnd(n);
	if (n > sizeof(buf))
		n = sizeof(buf);
	if (rnd(50) == 0) {
		n = 1;
		flags |= MSG_OOB; /* stays in its place in the stream */
	}
	for (uint32_t i = 0; i < n; i++)
		buf[i] = octet_at(d, d->sent + i);
	r = send(d->from, buf, n, flags);
	if (r < 0 && (errno == EAGAIN || errno == EPIPE || errno == ECONNRESET))
		return false;
	if (r < 0)
		fail("send", r);
	d->sent += (uint32_t)r;
	total += (unsigned long long)r;
	return true;
}

static bool recv_some(struct dir *d)
{
	static uint8_t buf[100000];
	size_t n = rnd(3) ? sizeof(buf) : 1 + rnd(4000);
	ssize_t r;

	if (d->eof || d->err)
		return false;
	r = recv(d->to, buf, n, MSG_DONTWAIT);
	if (r < 0 && errno == EAGAIN)
		return false;
	if (r < 0)
		d->err = errno;
	if (r == 0)
		d->eof = true;
	for (ssize_t i = 0; i < r; i++)
		if (buf[i] != octet_at(d, d->got + (uint32_t)i))
			fail("wrong octet at", (long)d->got + i);
	d->got += r > 0 ? (uint32_t)r : 0;
	if (d->got > d->sent)
		fail("more than was sent", d->got);
	return true;
}

static void toggle(int app)
{
	int option = rnd(2) ? TCP_CORK : TCP_NODELAY, v = (int)rnd(2);

	if (tcpd_app_setsockopt(app, IPPROTO_TCP, option, &v, sizeof(v)) < 0)
		fail("setsockopt", option);
	v = 0;
	if (tcpd_app_setsockopt(app, IPPROTO_TCP, TCP_CORK, &v, sizeof(v)) < 0)
		fail("uncork", v);
}

/* Until |done| says so; nothing for PATIENCE is a stall. */
static void pump(struct dir d[2], bool (*done)(const struct dir d[2]))
{
	while (!done(d)) {
		struct pollfd p[2] = {{.fd = d[0].from}, {.fd = d[0].to}};
		bool moved = false;

		for (int i = 0; i < 2; i++) {
			struct dir *one = &d[(unsigned)i ^ rnd(2)];

			moved |= send_some(one);
			if (rnd(4))
				moved |= recv_some(one);
		}
		if (!ending && rnd(400) == 0)
			toggle(d[0].from);
		if (moved || done(d))
			continue;
		for (int i = 0; i < 2; i++) {
			if (!d[!i].eof && !d[!i].err)
				p[i].events |= POLLIN;
			if (d[i].sent < d[i].len)
				p[i].events |= POLLOUT;
			if (!p[i].events)
				p[i].fd = -1;
		}
		if (poll(p, 2, PATIENCE) == 0) {
			printf("app sent %u of %u, peer got %u; peer sent %u "
			       "of %u, app got %u\n",
			       d[0].sent, d[0].len, d[0].got, d[1].sent,
			       d[1].len, d[1].got);
			fail("stalled", 0);
		}
	}
}

static bool all_there(const struct dir d[2])
{
	return d[0].got == d[0].len && d[1].got == d[1].len;
}

static bool app_got_all(const struct dir d[2])
{
	return d[1].got == d[1].len && d[0].sent == d[0].len;
}

static bool peer_sent_all(const struct dir d[2])
{
	return d[1].sent == d[1].len;
}

static bool peer_ended(const struct dir d[2])
{
	return d[0].eof || d[0].err;
}

static bool app_ended(const struct dir d[2])
{
	return d[1].eof || d[1].err;
}

static bool both_ended(const struct dir d[2])
{
	return peer_ended(d) && app_ended(d);
}

static void linger(int fd, bool app)
{
	struct linger l = {1, 0};

	if (app ? tcpd_app_setsockopt(fd, SOL_SOCKET, SO_LINGER, &l, sizeof(l))
		: setsockopt(fd, SOL_SOCKET, SO_LINGER, &l, sizeof(l)))
		fail("SO_LINGER", -1);
}

static void expect_reset(struct dir *d, const char *who)
{
	if (d->err != ECONNRESET)
		fail(who, d->eof ? 0 : d->err);
}

/* The kernel has everything acknowledged: nothing is lost by a reset. */
static void wait_acked(struct dir *d, int fd)
{
	int q = 1;

	for (int i = 0; i < 100 * PATIENCE && q; i++) {
		if (ioctl(fd, SIOCOUTQ, &q) < 0 || !q)
			break;
		if (!recv_some(d)) /* its window may be shut */
			poll(NULL, 0, 1);
	}
	if (q)
		fail("unacknowledged", q);
}

static void app_ends(struct dir d[2], int a)
{
	ending = true;
	if (end == APP_LINGER)
		linger(a, true);
	if (end == APP_UNREAD) {
		/* Something lies in its fd for sure. */
		struct pollfd p = {.fd = a, .events = POLLIN};

		d[1].len = d[1].sent + 1;
		while (d[1].sent < d[1].len)
			send_some(&d[1]);
		while (poll(&p, 1, PATIENCE) != 1)
			fail("no data", 0);
	}
	if (end == APP_ABORTS) {
		if (tcpd_app_abort(a) < 0)
			fail("abort", -1);
		pump(d, app_ended);
		expect_reset(&d[1], "the app after its abort");
	}
	close(a);
	d[0].from = d[1].to = -1;
	d[0].len = d[0].sent;
	d[1].eof = true;
	d[1].len = d[1].sent;
	pump(d, peer_ended);
	if (end == APP_CLOSES) {
		if (!d[0].eof || d[0].got != d[0].sent)
			fail("the peer's end of file", d[0].err);
	} else {
		expect_reset(&d[0], "the peer after the app's end");
	}
}

static void peer_ends(struct dir d[2], int k)
{
	int err = 0;
	socklen_t len = sizeof(err);

	ending = true;
	wait_acked(&d[1], k);
	if (end == PEER_RESETS)
		linger(k, false);
	close(k);
	d[0].to = d[1].from = -1;
	d[0].eof = true;
	d[0].len = d[0].sent;
	pump(d, app_ended);
	if (d[1].got != d[1].sent)
		fail("the app's data before the end", d[1].got);
	if (end == PEER_CLOSES) {
		if (!d[1].eof)
			fail("the app's end of file", d[1].err);
		return;
	}
	expect_reset(&d[1], "the app after the peer's reset");
	if (tcpd_app_getsockopt(d[1].to, SOL_SOCKET, SO_ERROR, &err, &len) <
		    0 ||
	    err != ECONNRESET)
		fail("SO_ERROR", err);
}

static void exchange(int a, int k)
{
	struct dir d[2] = {{.from = a, .to = k}, {.from = k, .to = a}};

	for (int i = 0; i < 2; i++) {
		d[i].salt = rnd(256);
		d[i].len = length();
	}
	end = (enum end)rnd(NENDS);
	ending = false;
	switch (end) {
	case BOTH_SHUT:
		pump(d, app_got_all);
		shutdown(a, SHUT_WR);
		shutdown(k, SHUT_WR);
		pump(d, both_ended);
		if (!all_there(d) || d[0].err || d[1].err)
			fail("both ends", d[0].got);
		break;
	case APP_CLOSES:
		pump(d, app_got_all);
		app_ends(d, a);
		close(k);
		return;
	case APP_UNREAD:
	case APP_LINGER:
	case APP_ABORTS:
		pump(d, peer_sent_all);
		app_ends(d, a);
		close(k);
		return;
	case PEER_CLOSES:
		pump(d, all_there);
		peer_ends(d, k);
		close(a);
		return;
	case PEER_RESETS:
		pump(d, peer_sent_all);
		peer_ends(d, k);
		close(a);
		return;
	case NENDS:
		break;
	}
	close(a);
	close(k);
}

/* A connection, from whichever side. */
static void meet(const struct place *t, const struct place *k, int lt, int lk,
		 int *a, int *p)
{
	int one = 1;

	if (rnd(2)) {
		*p = place_socket(t, 0);
		if (connect(*p, &t->any, t->len) < 0)
			fail("connect of the kernel", -1);
		*a = tcpd_app_accept(lt, NULL, NULL, SOCK_CLOEXEC);
		if (*a < 0)
			fail("tcpd_app_accept", -1);
	} else {
		*a = tcpd_app_socket(k->any.sa_family, SOCK_STREAM, 0);
		if (tcpd_app_connect(*a, &k->any, k->len) < 0)
			fail("tcpd_app_connect", -1);
		*p = accept(lk, NULL, NULL);
		if (*p < 0)
			fail("accept", -1);
	}
	setsockopt(*p, SOL_SOCKET, SO_OOBINLINE, &one, sizeof(one));
}

int main(int argc, char **argv)
{
	struct place t, k;
	unsigned rounds;
	int lt, lk, a = -1, p = -1, one = 1;

	if (argc != 5) {
		(void)fputs("usage: applag TCPD_ADDRESS KERNEL_ADDRESS ROUNDS "
			    "SEED\n",
			    stderr);
		return 2;
	}
	t = place(argv[1], 5000);
	k = place(argv[2], 5001);
	rounds = (unsigned)strtoul(argv[3], NULL, 10);
	state = strtoull(argv[4], NULL, 10) * 2654435761u + 88172645463325252u;
	(void)signal(SIGPIPE, SIG_IGN);
	lt = tcpd_app_socket(t.any.sa_family, SOCK_STREAM, 0);
	lk = place_socket(&k, 0);
	setsockopt(lk, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	(void)tcpd_app_setsockopt(lt, SOL_SOCKET, SO_REUSEADDR, &one,
				  sizeof(one));
	if (tcpd_app_bind(lt, &t.any, t.len) < 0 || tcpd_app_listen(lt, 16) < 0)
		fail("listen of tcpd", -1);
	if (bind(lk, &k.any, k.len) < 0 || listen(lk, 16) < 0)
		fail("listen of the kernel", -1);
	for (round_no = 0; round_no < rounds; round_no++) {
		meet(&t, &k, lt, lk, &a, &p);
		exchange(a, p);
	}
	printf("%u rounds, %llu octets\n", rounds, total);
	return 0;
}
