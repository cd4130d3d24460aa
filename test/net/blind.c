/* SPDX-License-Identifier: MIT */
/*
 * blind.c - an attacker who knows a connection's four numbers and nothing
 * else, at one of tcpd's on the TUN tcpd0.
 *
 *	blind 4|6 PORT sweep N	N RSTs over all sequence numbers, none of
 *				them RCV.NXT
 *	blind 4|6 PORT data N	N segments of text with random numbers, every
 *				second at RCV.NXT itself
 *	blind 4|6 PORT hammer N	a RST in the window of B now and then, until
 *				the third challenge ACK; then the same while
 *				A gets N RSTs before each of them
 *
 * Prints "name value" lines: what was sent and answered, how long it took,
 * and whether the connection still carries text, and no foreign octet.
 */
#include <signal.h>

#include "side.h"

#define BATCH 500u /* less than the TUN's queue holds */

struct count {
	uint16_t port;
	unsigned acks, others;
};

static void tally(void *arg, const struct answer *a)
{
	struct count *n = arg;

	if (a->dport != n->port)
		return;
	if (a->flags == ACK)
		n->acks++;
	else
		n->others++;
}

static uint32_t any_number(void)
{
	static uint64_t x = 88172645463325252u;

	x ^= x << 13;
	x ^= x >> 7;
	x ^= x << 17;
	return (uint32_t)(x >> 16);
}

/* Does it still carry text, both ways, and nothing but the peer's own? */
static const char *fate(struct side *s, struct peer *c)
{
	char buf[8];
	struct answer a;
	int err;

	say(s, c, PSH | ACK, "PPPPPPPP");
	if (app_read(c->fd, buf, 8, &err) < 8)
		return err == ETIMEDOUT ? "deaf" : "dead";
	if (memcmp(buf, "PPPPPPPP", 8) != 0)
		return "poisoned";
	c->snd += 8;
	if (write(c->fd, "E", 1) != 1 || !await(s, c, 0, 1, &a))
		return "mute";
	return "alive";
}

/* Everything until the echo has been judged: none was lost in the queue. */
static void volley(struct side *s, struct peer *c, unsigned n,
		   bool (*shoot)(struct side *, struct peer *, unsigned,
				 unsigned))
{
	struct count got = {.port = c->port};
	double start = line_now();
	unsigned sent = 0;

	for (unsigned i = 0; i < n; i++) {
		sent += shoot(s, c, i, n);
		if (i % BATCH == BATCH - 1)
			until_echo(s, tally, &got);
	}
	fence(s, tally, &got);
	printf("sent %u\nacks %u\nothers %u\nseconds %.3f\n", sent, got.acks,
	       got.others, line_now() - start);
	printf("fate %s\n", fate(s, c));
}

static bool shoot_rst(struct side *s, struct peer *c, unsigned i, unsigned n)
{
	struct shot shot = segment(s, c, RST);

	shot.seq += 1 + (uint32_t)(((uint64_t)i << 32) / n);
	if (shot.seq == c->snd)
		return false;
	put(s, &shot);
	return true;
}

static bool shoot_data(struct side *s, struct peer *c, unsigned i, unsigned n)
{
	struct shot shot = segment(s, c, PSH | ACK);
	uint32_t old = c->rcv - (shot.ack = any_number());

	(void)n;
	if (i % 2)
		shot.seq = any_number();
	shot.data = "xxxxxxxx";
	shot.len = (uint16_t)(1 + any_number() % 8);
	if (old <= 0x20000) /* a guess that is good enough to be taken */
		return false;
	put(s, &shot);
	return true;
}

/* How long until three challenges of |b|: a second, for there is one in 500
 * ms.  Before each try |n| RSTs go to |a|. */
static void three(struct side *s, struct peer *a, struct peer *b, unsigned n,
		  const char *when)
{
	struct count got = {.port = b->port};
	double start = line_now();
	unsigned hammered = 0;

	while (got.acks < 3 && line_now() - start < 10) {
		struct shot shot;

		for (unsigned i = 0; i < n; i++) {
			shot = segment(s, a, RST);
			shot.seq += 1 + i;
			put(s, &shot);
		}
		hammered += n;
		shot = segment(s, b, RST);
		shot.seq++;
		put(s, &shot);
		until_echo(s, tally, &got);
		usleep(1000);
	}
	printf("%s_challenges %u\n%s_seconds %.3f\n%s_rsts %u\n", when,
	       got.acks, when, line_now() - start, when, hammered);
}

int main(int argc, char **argv)
{
	struct side s = {.dev = "tcpd0",
			 .host = {"10.77.0.2", "fd77::2"},
			 .peer = {"10.77.0.77", "fd77::77"}};
	struct peer a, b;
	unsigned n;

	if (argc < 5) {
		(void)fputs("usage: blind 4|6 PORT sweep|data|hammer N\n",
			    stderr);
		return 2;
	}
	n = (unsigned)strtoul(argv[4], NULL, 10);
	s.port = (uint16_t)strtoul(argv[2], NULL, 10);
	(void)signal(SIGPIPE, SIG_IGN);
	open_side(&s, *argv[1] == '6' ? AF_INET6 : AF_INET);
	a = peer_new(&s);
	b = peer_new(&s);
	establish(&s, &a);
	establish(&s, &b);
	if (strcmp(argv[3], "sweep") == 0) {
		volley(&s, &a, n, shoot_rst);
	} else if (strcmp(argv[3], "data") == 0) {
		volley(&s, &a, n, shoot_data);
	} else {
		three(&s, &a, &b, 0, "alone");
		usleep(500000); /* the last one's 500 ms are over */
		three(&s, &a, &b, n, "hammered");
		printf("fate %s\n", fate(&s, &b));
	}
	say(&s, &a, RST, "");
	say(&s, &b, RST, "");
	return 0;
}
