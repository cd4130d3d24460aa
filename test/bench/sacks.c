/* SPDX-License-Identifier: MIT */
/*
 * sacks.c - what an ACK costs a sender that has 4 MiB in flight, in segments of
 * 48 octets, with 10 holes and with 10,000 among them.
 *
 *	sacks [TURNS]	prints ns an ACK for both, medians of so many turns (9),
 *			one after the other
 *
 * Each ACK has four SACK blocks: of one segment more, at the end of what has
 * arrived, and of the last three islands before it, which a receiver repeats
 * (RFC 2018, 4).
 * CPU time of this thread, from the packet in to the last one out.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#include "stack/stack.h"

#define SEG	48u
#define FLIGHT	(4u << 20)
#define WINDOW	(8u << 20)
#define SHIFT	7
#define ACKS	2000u /* that are measured */
#define NBLOCKS 4u
#define HEAD	20u /* of IP; of TCP without options */
#define TURNS	9
#define MANY	10000u
#define FEW	10u

static struct {
	struct tcpd_stack *st;
	struct tcp *t;
	tcpd_time now;
	struct conn *c;
	uint8_t pkt[2 * HEAD + 4 + 8 * NBLOCKS];
	struct tcpd_packet in;
} b;

static void *map(void *arg, size_t len)
{
	void *p = mmap(NULL, len, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	(void)arg;
	return p == MAP_FAILED ? NULL : p;
}

static void discard(void *arg, void *p, size_t len)
{
	(void)arg;
	(void)p;
	(void)len;
}

static void unmap(void *arg, void *p, size_t len)
{
	(void)arg;
	(void)munmap(p, len);
}

static uint64_t cpu_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static void put32(uint8_t *p, uint32_t v)
{
	for (int i = 0; i < 4; i++)
		p[i] = (uint8_t)(v >> (24 - 8 * i));
}

/* 10.77.0.1:4000 > 10.77.0.2:80, ACK, NOP NOP SACK; checksum of IP. */
static void packet_new(void)
{
	static const uint8_t heads[2 * HEAD + 4] = {
		0x45,	     0,		  0,	sizeof(b.pkt),
		0,	     0,		  0x40, 0,
		64,	     6,		  0,	0,
		10,	     77,	  0,	1,
		10,	     77,	  0,	2,
		0x0f,	     0xa0,	  0,	80,
		[32] = 0xe0, [33] = 0x10, 0xff, 0xff,
		[40] = 1,    1,		  5,	2 + 8 * NBLOCKS};
	uint32_t sum = 0;

	memcpy(b.pkt, heads, sizeof(heads));
	for (unsigned i = 0; i < HEAD; i += 2)
		sum += (uint32_t)b.pkt[i] << 8 | b.pkt[i + 1];
	sum = ~(sum % 0xffff) & 0xffff;
	b.pkt[10] = (uint8_t)(sum >> 8);
	b.pkt[11] = (uint8_t)sum;
	b.in = (struct tcpd_packet){.data = b.pkt,
				    .len = sizeof(b.pkt),
				    .off.flags = TCPD_PKT_CSUM_VALID};
}

static void stack_new(void)
{
	struct tcpd_settings s;

	tcpd_settings_init(&s);
	s.max_conns = 16;
	s.map = map;
	s.discard = discard;
	s.unmap = unmap;
	s.naddrs = 1;
	s.addr[0] = (struct tcpd_prefix){.family = 4, .len = 24};
	memcpy(s.addr[0].ip,
	       (const uint8_t[16]){[10] = 0xff, 0xff, 10, 77, 0, 2}, 16);
	b.now = TCPD_SEC(1);
	if (tcpd_new(&b.st, &s, b.now) != 0)
		abort();
	b.t = &b.st->t;
}

static void drain(void)
{
	struct tcpd_out out;

	tcpd_input_done(b.st, b.now);
	while (tcpd_output(b.st, &out, b.now))
		tcpd_output_done(b.st, &out, 0, b.now);
}

static void fill(struct conn *c, uint32_t n)
{
	while (n) {
		struct tcpd_room r[4];
		int k = sendq_room(b.t, c, n, r, 4);
		uint32_t got = 0;

		if (k <= 0)
			abort();
		for (int i = 0; i < k; i++)
			got += r[i].len;
		sendq_filled(b.t, c, min_u32(got, n));
		n -= min_u32(got, n);
	}
}

/* ESTABLISHED, and FLIGHT octets have left. */
static void conn_open(void)
{
	struct conn *c = conn_new(b.t);

	if (!c)
		abort();
	memcpy(c->tu.local, b.t->set.addr[0].ip, 16);
	memcpy(c->tu.peer, b.t->set.addr[0].ip, 16);
	c->tu.peer[15] = 1;
	c->tu.lport = 80;
	c->tu.pport = 4000;
	c->id = b.t->next_id++;
	c->held = c->sack = c->wscale = c->nodelay = true;
	c->snd_wscale = c->rcv_wscale = SHIFT;
	c->advmss = c->peer_mss = 1460;
	c->snd_max = c->rcv_max = WINDOW;
	conn_open_send(b.t, c, 1);
	conn_open_recv(c, 1000);
	c->snd_una = c->snd_nxt = 2;
	c->snd_wnd = c->max_snd_wnd = WINDOW;
	c->snd_wl1 = c->rcv_nxt;
	c->snd_wl2 = 2;
	c->state = TCPD_ESTABLISHED;
	conn_set_mss(b.t, c);
	conn_start_window(b.t, c, WINDOW);
	if (!conn_hash(b.t, c))
		abort();
	b.c = c;
	fill(c, FLIGHT);
	c->mss = c->ccs.mss = SEG; /* not sooner: of such a queue is short */
	conn_want_output(b.t, c);
	for (unsigned i = 0; conn_unsent(c) >= SEG && i < 100000; i++) {
		b.now += TCPD_MS(1); /* whatever its pace */
		tcpd_expire(b.st, b.now);
		drain();
	}
	if (conn_unsent(c) >= SEG)
		abort();
}

static void conn_close(void)
{
	struct tcpd_event ev;

	user_abort(b.t, b.c, TCPD_RESET_ABORT);
	drain();
	while (tcpd_next_event(b.st, &ev))
		;
}

/* Segment |i| of the flight has arrived, alone; and |more| before. */
static void ack(uint32_t i, const uint32_t *more)
{
	put32(b.pkt + HEAD + 4, b.c->rcv_nxt);
	put32(b.pkt + HEAD + 8, 2);
	for (unsigned k = 0; k < NBLOCKS; k++) {
		uint32_t at = 2 + SEG * (k ? more[k - 1] : i);

		put32(b.pkt + 2 * HEAD + 4 + 8 * k, at);
		put32(b.pkt + 2 * HEAD + 8 + 8 * k, at + SEG);
	}
	tcpd_input(b.st, &b.in, b.now);
	drain();
	b.now += TCPD_US(10);
}

/* ns an ACK, where |holes| are open. */
static double run(uint32_t holes)
{
	uint32_t more[NBLOCKS - 1], at = 0;
	uint64_t begin;

	conn_open();
	for (uint32_t i = 0; i < holes; i++) {
		more[0] = i ? at : 1;
		more[1] = more[2] = more[0];
		at = 2 * i + 1;
		ack(at, more);
	}
	begin = cpu_ns();
	for (uint32_t i = 0; i < ACKS; i++) {
		for (uint32_t k = 0; k < NBLOCKS - 1; k++)
			more[k] = 2 * (holes - 2 - k) + 1;
		ack(++at, more);
	}
	begin = cpu_ns() - begin;
	conn_close();
	return (double)begin / ACKS;
}

static int compare(const void *x, const void *y)
{
	double d = *(const double *)x - *(const double *)y;

	return (d > 0) - (d < 0);
}

static double median(double *v, unsigned n)
{
	qsort(v, n, sizeof(*v), compare);
	return v[n / 2];
}

int main(int argc, char **argv)
{
	unsigned n = argc > 1 ? (unsigned)strtoul(argv[1], NULL, 10) : TURNS;
	double *few = calloc(n ? n : 1, sizeof(*few));
	double *many = calloc(n ? n : 1, sizeof(*many));

	if (!n || !few || !many)
		return 2;
	stack_new();
	packet_new();
	for (unsigned i = 0; i < n; i++) {
		few[i] = run(FEW);
		many[i] = run(MANY);
	}
	printf("few %.0f many %.0f\n", median(few, n), median(many, n));
	free(few);
	free(many);
	return 0;
}
