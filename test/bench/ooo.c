/* SPDX-License-Identifier: MIT */
/*
 * ooo.c - what an octet out of order costs, from the packet to its ACK, where
 * there are so many ranges already and it may belong to any of them.
 *
 *	ooo [SEGMENTS]		prints, for 2 to 256 ranges and windows of
 *				64 KiB and 4 MiB, ns a segment, and the
 *				memory that the queue held
 *
 * CPU time of this thread, so that other load matters little.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#include "stack/stack.h"

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

#define HEADS 40u /* of IP and TCP, without options */

static struct {
	struct tcpd_stack *st;
	struct tcp *t;
	tcpd_time now;
	uint8_t pkt[HEADS + 1];
	struct tcpd_packet in;
} b;

static void put32(uint8_t *p, uint32_t v)
{
	for (int i = 0; i < 4; i++)
		p[i] = (uint8_t)(v >> (24 - 8 * i));
}

static void stack_new(void)
{
	/* 10.77.0.1:4000 > 10.77.0.2:80, one octet, ACK; IP checksum done */
	static const uint8_t heads[HEADS] = {
		0x45,	     0,		  0,	       41,	   0,	 0,
		0x40,	     0,		  64,	       6,	   0x26, 0x33,
		10,	     77,	  0,	       1,	   10,	 77,
		0,	     2,		  0x0f,	       0xa0,	   0,	 80,
		[32] = 0x50, [33] = 0x10, [34] = 0xff, [35] = 0xff};
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
	memcpy(b.pkt, heads, HEADS);
	b.in = (struct tcpd_packet){.data = b.pkt,
				    .len = sizeof(b.pkt),
				    .off.flags = TCPD_PKT_CSUM_VALID};
}

static struct conn *conn_open(uint32_t window)
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
	c->held = true;
	c->advmss = c->peer_mss = 1460;
	conn_open_send(b.t, c, 1);
	conn_open_recv(c, 0x7fffff00);
	c->snd_una = c->snd_nxt = 2;
	c->state = TCPD_ESTABLISHED;
	conn_set_mss(b.t, c);
	c->rcv_buf = c->rcv_max = window;
	c->rcv_wscale = 7;
	c->rcv_adv = c->rcv_nxt + window;
	if (!conn_hash(b.t, c))
		abort();
	put32(b.pkt + 28, c->snd_nxt);
	return c;
}

static void send_octet(uint32_t seq)
{
	put32(b.pkt + 24, seq);
	tcpd_input(b.st, &b.in, b.now);
}

/* End of a batch: the ACKs go. */
static void answer(void)
{
	struct tcpd_out out;

	tcpd_input_done(b.st, b.now);
	while (tcpd_output(b.st, &out, b.now))
		tcpd_output_done(b.st, &out, 0, b.now);
	b.now += 1000;
}

/* |n| ranges, downwards, a part of the window each; then |rounds| times an
 * octet behind each of them, in an order that no cache foresees. */
static uint64_t run(uint32_t window, uint32_t n, uint32_t rounds, uint32_t *mem)
{
	struct conn *c = conn_open(window);
	uint32_t first = c->rcv_nxt + 1;
	uint32_t part = (window - 2) / n;
	uint64_t begin, took;

	for (uint32_t i = n; i > 0; i--)
		send_octet(first + (i - 1) * part);
	answer();
	if (c->rq.nranges != n)
		abort();
	begin = cpu_ns();
	for (uint32_t k = 1, sent = 0; k <= rounds; k++)
		for (uint32_t i = 0; i < n; i++) {
			send_octet(first + i * 167 % n * part + k);
			if (++sent % 64 == 0)
				answer();
		}
	answer();
	took = cpu_ns() - begin;
	if (c->rq.ooo != n * (rounds + 1))
		abort();
	*mem = c->rq.mem;
	conn_free(b.t, c);
	return took;
}

int main(int argc, char **argv)
{
	static const uint32_t windows[] = {64u << 10, 4u << 20};
	static const uint32_t ranges[] = {2, 16, 64, 256};
	uint32_t segments =
		argc > 1 ? (uint32_t)strtoul(argv[1], NULL, 10) : 1000000;

	stack_new();
	for (size_t w = 0; w < ARRAY_SIZE(windows); w++)
		for (size_t i = 0; i < ARRAY_SIZE(ranges); i++) {
			uint32_t n = ranges[i], mem = 0;
			/* so many that two ranges do not meet */
			uint32_t rounds = windows[w] / 256 - 8;
			uint64_t ns = 0, done = 0;

			while (done < segments) {
				ns += run(windows[w], n, rounds, &mem);
				done += (uint64_t)rounds * n;
			}
			printf("window %7u, %3u ranges: %6.1f ns a segment, "
			       "%7u octets held\n",
			       windows[w], n, (double)ns / (double)done, mem);
		}
	return 0;
}
