/* SPDX-License-Identifier: MIT */
/*
 * leaks.c - what a stranger learns from the numbers in tcpd's packets: from
 * 400 ports, and from one connection before and after a flood of RSTs.
 *
 *	leaks 4|6 N
 *
 * Prints "name value" lines: how many ISNs and how many bases of time stamps
 * are different, how far apart the nearest and the outermost are, what the
 * IPv4 headers' identifications were, and what N segments that are answered by
 * RSTs moved.
 */
#include <signal.h>

#include "side.h"

#define TUPLES 400u
#define CLOSED 5999 /* nobody listens */
#define BATCH  500u
#define TICK   1e-3 /* of the time stamps' clock */

static struct {
	struct side *s;
	unsigned packets, ids, fragmentable, resets;
} seen;

static void look(void *arg, const struct answer *a)
{
	(void)arg;
	seen.packets++;
	seen.ids += a->ip_id != 0;
	seen.fragmentable += seen.s->family == AF_INET && !a->df;
	seen.resets += (a->flags & RST) != 0;
}

static int by_size(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

static void spread(const char *what, uint32_t *n, size_t count)
{
	uint32_t nearest = UINT32_MAX;
	unsigned different = 1;

	qsort(n, count, sizeof(*n), by_size);
	for (size_t i = 1; i < count; i++) {
		uint32_t gap = n[i] - n[i - 1];

		different += gap > 0;
		if (gap < nearest)
			nearest = gap;
	}
	printf("%s_different %u\n%s_nearest %u\n%s_spread %.1f\n", what,
	       different, what, nearest, what,
	       (double)(n[count - 1] - n[0]) / 42949672.96);
}

/* The ISN and the time stamp that a SYN from |port| is given. */
static void ask(struct side *s, uint16_t port, uint32_t *isn, uint32_t *ts)
{
	struct peer c = peer_new(s);
	struct shot shot;
	struct answer a;

	c.port = port;
	c.stamped = true;
	shot = segment(s, &c, SYN);
	stamp(&c, &shot, 0);
	put(s, &shot);
	must(await(s, &c, SYN | ACK, 0, &a), s, "SYN-ACK");
	look(NULL, &a);
	must(a.nopt >= 10, s, "options");
	*isn = a.seq;
	*ts = 0;
	for (size_t i = 0; i + 10 <= a.nopt; i++)
		if (a.opt[i] == 8 && a.opt[i + 1] == 10)
			*ts = raw_get32(a.opt + i + 2);
	c.snd++;
	c.stamped = false;
	say(s, &c, RST, ""); /* so that it is not sent again */
}

static void ports(struct side *s)
{
	uint32_t isn[TUPLES], ts[TUPLES];
	double start = line_now();

	for (uint16_t i = 0; i < TUPLES; i++) {
		ask(s, (uint16_t)(30000 + i), &isn[i], &ts[i]);
		/* what the clock did since is not the connection's own */
		ts[i] -= (uint32_t)((line_now() - start) / TICK);
	}
	spread("isn", isn, TUPLES);
	spread("ts", ts, TUPLES);
}

/* Segments to a closed port; the RSTs, as far as there are any. */
static void flood(struct side *s, unsigned n)
{
	struct peer c = peer_new(s);
	struct shot shot = segment(s, &c, ACK);

	shot.dport = CLOSED;
	for (unsigned i = 0; i < n; i++) {
		shot.ack += 1000;
		shot.sport = (uint16_t)(40000 + i % 1000);
		put(s, &shot);
		if (i % BATCH == BATCH - 1)
			until_echo(s, look, NULL);
	}
	fence(s, look, NULL);
}

/* By how much |moved| seconds are more than from |t[1]| to |t[2]|, or less than
 * from |t[0]| to |t[3]|. */
static double ahead(double moved, const double t[4])
{
	if (moved < t[2] - t[1])
		return moved - (t[2] - t[1]);
	return moved > t[3] - t[0] ? moved - (t[3] - t[0]) : 0;
}

/* Numbers that another peer sees move by the clock and by nothing else. */
static void flooded(struct side *s, unsigned n)
{
	uint32_t isn[2], ts[2];
	double t[4];

	t[0] = line_now();
	ask(s, 31000, &isn[0], &ts[0]);
	t[1] = line_now();
	flood(s, n);
	t[2] = line_now();
	ask(s, 31000, &isn[1], &ts[1]);
	t[3] = line_now();
	printf("isn_ahead %.3f\nts_ahead %.3f\n",
	       ahead((double)(isn[1] - isn[0]) * 64e-9, t),
	       ahead((double)(ts[1] - ts[0]) * TICK, t));
}

int main(int argc, char **argv)
{
	struct side s = {.dev = "tcpd0",
			 .port = 5000,
			 .host = {"10.77.0.2", "fd77::2"},
			 .peer = {"10.77.0.77", "fd77::77"}};
	struct peer c;

	if (argc < 3) {
		(void)fputs("usage: leaks 4|6 N\n", stderr);
		return 2;
	}
	(void)signal(SIGPIPE, SIG_IGN);
	open_side(&s, *argv[1] == '6' ? AF_INET6 : AF_INET);
	seen.s = &s;
	ports(&s);
	flooded(&s, (unsigned)strtoul(argv[2], NULL, 10));
	c = peer_new(&s);
	establish(&s, &c); /* its data, too */
	must(write(c.fd, "data", 4) == 4, &s, "room");
	fence(&s, look, NULL);
	printf("packets %u\nids %u\nfragmentable %u\nresets %u\n", seen.packets,
	       seen.ids, seen.fragmentable, seen.resets);
	say(&s, &c, RST, "");
	return 0;
}
