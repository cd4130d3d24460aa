/* SPDX-License-Identifier: MIT */
/*
 * duo_cases.c - situations to write to a record: each state, and what makes
 * one hard to carry over.  They leave the two stacks in the middle of things.
 */
#include <check.h>
#include <string.h>

#include "base/clamp.h"
#include "duo.h"
#include "test/harness/packet.h"

static void nothing(struct duo *d)
{
	(void)d;
}

static tcpd_handle listen_at(struct duo *d, unsigned side, uint8_t family,
			     bool any, uint32_t backlog)
{
	struct tcpd_conn_settings cs = d->set[side].conn;
	struct tcpd_addr a = duo_addr(side, family ? family : 4, DUO_PORT);
	tcpd_handle h = 0;

	cs.backlog = backlog;
	cs.time_wait = TCPD_SEC(1 + backlog);
	if (any)
		memset(a.ip, 0, sizeof(a.ip));
	a.family = family;
	ck_assert_int_eq(
		tcpd_listen(d->st[side], &h, &a, TCPD_BIND_REUSE, &cs, d->now),
		0);
	d->h[side][d->nh[side]++] = h;
	return h;
}

/* More than one of a port is asked in an order of its own. */
static void listeners(struct duo *d)
{
	listen_at(d, 1, 4, false, 3);
	listen_at(d, 1, 6, false, 0);
	duo_listen(d, 1, 8080);
	duo_listen(d, 1, 443);
	tcpd_close(d->st[1], d->h[1][2], d->now);
	duo_connect(d, 0, 4, DUO_PORT);
	duo_connect(d, 0, 6, DUO_PORT);
	duo_connect(d, 0, 4, 8080);
}

static void bound(struct duo *d)
{
	struct tcpd_addr any = {.port = 5000}, one = duo_addr(0, 4, 0);
	tcpd_handle h;

	ck_assert_int_eq(tcpd_bind(d->st[0], &h, &any, TCPD_BIND_REUSE, d->now),
			 0);
	d->h[0][d->nh[0]++] = h;
	ck_assert_int_eq(tcpd_bind(d->st[0], &h, &one, 0, d->now), 0);
	d->h[0][d->nh[0]++] = h;
}

static void syn_not_sent(struct duo *d)
{
	duo_listen(d, 1, DUO_PORT);
	duo_connect(d, 0, 4, DUO_PORT);
}

static void syn_lost(struct duo *d)
{
	syn_not_sent(d);
	d->lose[0] = 3;
	duo_turn(d, 0);
	duo_run(d, TCPD_MS(1500));
	tcpd_send(d->st[0], d->h[0][0], "early", 5, d->now);
}

static void synack_waits(struct duo *d)
{
	syn_not_sent(d);
	duo_connect(d, 0, 6, DUO_PORT);
	duo_turn(d, 0);
	d->silent[1] = true;
	duo_run(d, 2 * DUO_DELAY);
	ck_assert_uint_eq(tcpd_stats(d->st[1])->now_half_open, 2);
}

static void half_open(struct duo *d)
{
	syn_not_sent(d);
	duo_turn(d, 0);
	d->lose[1] = UINT64_MAX;
	duo_run(d, TCPD_MS(3500));
	ck_assert_uint_eq(tcpd_stats(d->st[1])->now_half_open, 1);
}

/* Entries with a cookie, one of which gave way; SYN-ACKs that wait. */
static void cookies(struct duo *d)
{
	syn_not_sent(d);
	for (unsigned i = 0; i < 9; i++)
		duo_connect(d, 0, i % 2 ? 4 : 6, DUO_PORT);
	duo_turn(d, 0);
	d->silent[1] = true;
	duo_run(d, 2 * DUO_DELAY);
	ck_assert_uint_eq(tcpd_stats(d->st[1])->now_half_open, 8);
	ck_assert_uint_eq(tcpd_stats(d->st[1])->cookies_evicted, 2);
}

static void simultaneous(struct duo *d)
{
	struct tcpd_addr a[2] = {duo_addr(0, 4, 7000), duo_addr(1, 4, 7000)};

	for (unsigned i = 0; i < 2; i++) {
		tcpd_handle h;

		ck_assert_int_eq(tcpd_bind(d->st[i], &h, &a[i], 0, d->now), 0);
		ck_assert_int_eq(
			tcpd_connect(d->st[i], &h, NULL, &a[!i], d->now), 0);
		d->h[i][d->nh[i]++] = h;
	}
	duo_turn(d, 0);
	duo_turn(d, 1);
	d->silent[0] = d->silent[1] = true;
	duo_run(d, DUO_DELAY);
}

static void accept_queue(struct duo *d)
{
	tcpd_handle a;

	listen_at(d, 1, 0, true, 2);
	d->quiet[1] = true;
	for (unsigned i = 0; i < 5; i++) {
		a = duo_connect(d, 0, i % 2 ? 6 : 4, DUO_PORT);
		duo_turn(d, 0);
		duo_run(d, 4 * DUO_DELAY);
		tcpd_send(d->st[0], a, "first", 5, d->now);
		duo_turn(d, 0);
	}
	duo_run(d, 4 * DUO_DELAY);
}

static void both_queues(struct duo *d)
{
	tcpd_handle a, b;

	duo_pair(d, 4, &a, &b);
	d->lose[1] = UINT64_MAX; /* what comes is not acknowledged */
	for (size_t n = 1; n < 9; n++) {
		duo_send(d, 0, a, 700 * n);
		duo_turn(d, 0);
		duo_send(d, 1, b, 300 * n);
		duo_turn(d, 1);
		duo_run(d, DUO_DELAY);
	}
	ck_assert_uint_gt(tcpd_stats(d->st[0])->now_records, 3);
	ck_assert_uint_gt(tcpd_stats(d->st[1])->now_blocks, 10000);
}

static void partly_read(struct duo *d)
{
	tcpd_handle a, b;
	uint8_t text[5000];

	duo_pair(d, 6, &a, &b);
	duo_send(d, 0, a, 20000);
	duo_turn(d, 0);
	duo_run(d, 20 * DUO_DELAY);
	ck_assert_int_eq(tcpd_recv(d->st[1], b, text, 5000, d->now), 5000);
}

/* Everything cut by the sizes of blocks, and more than three in a segment. */
static void super_segments(struct duo *d)
{
	tcpd_handle a, b;

	for (unsigned i = 0; i < 2; i++) {
		d->set[i].csum = d->set[i].tso4 = d->set[i].tso6 = true;
		ck_assert_int_eq(tcpd_reconfigure(d->st[i], &d->set[i], d->now),
				 0);
	}
	duo_pair(d, 4, &a, &b);
	for (unsigned i = 0; i < 6; i++) {
		duo_send(d, 0, a, 9000 + (size_t)3000 * i);
		if (i == 2)
			duo_turn(d, 0);
	}
}

static void out_of_order(struct duo *d)
{
	tcpd_handle a, b;

	duo_pair(d, 4, &a, &b);
	d->lose[0] = 0x29; /* 1st, 4th, 6th */
	duo_send(d, 0, a, 14000);
	duo_turn(d, 0);
	d->silent[1] = true;
	duo_run(d, DUO_DELAY);
}

static void fast_recovery(struct duo *d)
{
	tcpd_handle a, b;

	duo_pair(d, 4, &a, &b);
	d->lose[0] = 5;
	duo_send(d, 0, a, 14000);
	duo_turn(d, 0);
	duo_run(d, 3 * DUO_DELAY);
	ck_assert_uint_eq(tcpd_stats(d->st[0])->recovery_fast, 1);
}

static void after_rto(struct duo *d)
{
	tcpd_handle a, b;

	duo_pair(d, 4, &a, &b);
	d->lose[0] = UINT64_MAX;
	duo_send(d, 0, a, 30000);
	duo_turn(d, 0);
	duo_run(d, TCPD_MS(900));
	d->lose[0] = 0;
	duo_run(d, TCPD_MS(400));
	ck_assert_uint_eq(tcpd_stats(d->st[0])->recovery_rto, 1);
}

static void zero_window(struct duo *d)
{
	tcpd_handle a, b;

	duo_pair(d, 4, &a, &b);
	ck_assert_int_eq(
		tcpd_set_option(d->st[1], b, TCPD_OPT_RCVBUF, 4096, d->now), 0);
	for (unsigned i = 0; i < 40; i++) {
		uint8_t text[4000] = {0};

		tcpd_send(d->st[0], a, text, sizeof(text), d->now);
		duo_turn(d, 0);
		duo_run(d, DUO_DELAY);
	}
	duo_run(d, TCPD_SEC(4));
	ck_assert_uint_gt(tcpd_stats(d->st[0])->timeouts_persist, 1);
}

static void delayed_ack(struct duo *d)
{
	tcpd_handle a, b;

	duo_pair(d, 4, &a, &b);
	for (unsigned i = 0; i < 20; i++) {
		duo_send(d, 0, a, 1);
		duo_send(d, 1, b, 1);
		duo_turn(d, 0);
		duo_turn(d, 1);
		duo_run(d, 3 * DUO_DELAY);
	}
	duo_send(d, 0, a, 1);
	duo_turn(d, 0);
	duo_run(d, DUO_DELAY + TCPD_MS(1));
}

static void options(struct duo *d)
{
	static const struct {
		enum tcpd_option o;
		uint64_t v;
	} set[] = {
		{TCPD_OPT_CORK, 1},	 {TCPD_OPT_KEEPALIVE, 1},
		{TCPD_OPT_KEEPCNT, 3},	 {TCPD_OPT_KEEPIDLE, TCPD_SEC(2)},
		{TCPD_OPT_UNREAD, 1},	 {TCPD_OPT_KEEPINTVL, TCPD_SEC(1)},
		{TCPD_OPT_RCVBUF, 9999}, {TCPD_OPT_USER_TIMEOUT, TCPD_SEC(7)},
	};
	tcpd_handle a, b;

	duo_pair(d, 4, &a, &b);
	for (unsigned i = 0; i < ARRAY_SIZE(set); i++)
		ck_assert_int_eq(tcpd_set_option(d->st[0], a, set[i].o,
						 set[i].v, d->now),
				 0);
	tcpd_want_writable(d->st[0], a, 10);
	duo_send(d, 0, a, 100);
	duo_turn(d, 0);
	duo_run(d, TCPD_MS(150));
}

static void fin_wait_1(struct duo *d)
{
	tcpd_handle a, b;

	duo_pair(d, 4, &a, &b);
	duo_send(d, 0, a, 3000);
	tcpd_close(d->st[0], a, d->now);
	d->lose[0] = 2;
	duo_turn(d, 0);
}

static void fin_wait_2(struct duo *d)
{
	tcpd_handle a, b;

	duo_pair(d, 4, &a, &b);
	tcpd_close(d->st[0], a, d->now); /* an orphan */
	duo_turn(d, 0);
	duo_run(d, 4 * DUO_DELAY);
}

static void close_wait(struct duo *d)
{
	tcpd_handle a, b;

	duo_pair(d, 6, &a, &b);
	duo_send(d, 0, a, 10);
	tcpd_shutdown(d->st[0], a, d->now);
	duo_turn(d, 0);
	duo_run(d, 4 * DUO_DELAY);
	duo_send(d, 1, b, 5000);
}

static void closing(struct duo *d)
{
	tcpd_handle a, b;

	duo_pair(d, 4, &a, &b);
	tcpd_shutdown(d->st[0], a, d->now);
	tcpd_shutdown(d->st[1], b, d->now);
	duo_turn(d, 0);
	duo_turn(d, 1);
	d->silent[0] = d->silent[1] = true;
	duo_run(d, DUO_DELAY);
}

static void last_ack(struct duo *d)
{
	tcpd_handle a, b;

	duo_pair(d, 4, &a, &b);
	tcpd_shutdown(d->st[0], a, d->now);
	duo_turn(d, 0);
	duo_run(d, 4 * DUO_DELAY);
	tcpd_close(d->st[1], b, d->now);
	d->lose[1] = 1;
	duo_turn(d, 1);
}

/* Two values of 2MSL, one entry with a holder who has not read all. */
static void time_wait(struct duo *d)
{
	tcpd_handle a, b;

	listen_at(d, 0, 0, true, 9);
	duo_pair(d, 4, &a, &b);
	duo_send(d, 1, b, 100);
	duo_turn(d, 1);
	tcpd_shutdown(d->st[0], a, d->now);
	duo_turn(d, 0);
	duo_run(d, 4 * DUO_DELAY);
	tcpd_close(d->st[1], b, d->now);
	duo_turn(d, 1);
	duo_run(d, 4 * DUO_DELAY);
	b = duo_connect(d, 1, 4, DUO_PORT);
	duo_turn(d, 1);
	duo_run(d, 4 * DUO_DELAY);
	a = duo_accept(d, 0, d->h[0][0]);
	tcpd_close(d->st[0], a, d->now);
	duo_turn(d, 0);
	duo_run(d, 4 * DUO_DELAY);
	tcpd_close(d->st[1], b, d->now);
	duo_turn(d, 1);
	duo_run(d, 4 * DUO_DELAY);
	ck_assert_uint_eq(tcpd_stats(d->st[0])->now_time_wait, 2);
}

static void reset_unread(struct duo *d)
{
	tcpd_handle a, b;

	duo_pair(d, 4, &a, &b);
	d->quiet[1] = true;
	duo_send(d, 0, a, 2000);
	duo_turn(d, 0);
	duo_run(d, 4 * DUO_DELAY);
	tcpd_abort(d->st[0], a, d->now);
	duo_turn(d, 0);
	duo_run(d, 4 * DUO_DELAY);
}

/* From 0 to 1 by hand: |data| behind an IP header. */
static void by_hand(struct duo *d, uint8_t version, uint8_t protocol,
		    const uint8_t *data, uint32_t len)
{
	static uint8_t buf[PACKET_MAX];
	struct tcpd_addr from = duo_addr(0, version, 0);
	struct tcpd_addr to = duo_addr(1, version, 0);
	struct packet p = {.version = version,
			   .protocol = protocol,
			   .ttl = 64,
			   .data = data,
			   .len = len};

	memcpy(p.src, from.ip, 16);
	memcpy(p.dst, to.ip, 16);
	duo_inject(d, 1, buf, (uint32_t)packet_build(&p, buf));
}

/* Answers without a connection: a RST, two kinds of ICMP. */
static void answers_wait(struct duo *d)
{
	static const uint8_t udp[] = {0, 9, 0, 9, 0, 12, 0, 0, 1, 2, 3, 4};
	static const uint8_t echo[] = {8, 0, 0xf7, 0xfe, 0, 0, 0, 1, 0, 0};

	uint64_t had;

	d->silent[1] = true;
	duo_connect(d, 0, 4, 81); /* refused */
	duo_turn(d, 0);
	duo_run(d, DUO_DELAY);
	had = tcpd_stats(d->st[1])->now_blocks;
	by_hand(d, 4, PROTO_UDP, udp, sizeof(udp));
	by_hand(d, 6, PROTO_UDP, udp, sizeof(udp));
	by_hand(d, 4, PROTO_ICMP, echo, sizeof(echo));
	ck_assert_uint_eq(tcpd_stats(d->st[1])->now_blocks,
			  had + 3 * (uint64_t)2048);
}

/* Handles of slots that were used before; blocks that were discarded. */
static void used_before(struct duo *d)
{
	tcpd_handle a, b;

	duo_pair(d, 4, &a, &b);
	for (unsigned i = 0; i < 4; i++) {
		a = duo_connect(d, 0, 4, DUO_PORT);
		duo_send(d, 0, a, 60000);
		duo_turn(d, 0);
		duo_run(d, 20 * DUO_DELAY);
	}
	tcpd_abort(d->st[0], d->h[0][1], d->now);
	tcpd_abort(d->st[0], d->h[0][3], d->now);
	duo_turn(d, 0);
	duo_run(d, TCPD_SEC(3));
	duo_send(d, 0, a, 100);
}

/* The block that was free last is not the first one of its span. */
static void hot_half(struct duo *d)
{
	tcpd_handle a, b;

	duo_pair(d, 4, &a, &b);
	b = duo_connect(d, 0, 4, DUO_PORT);
	duo_turn(d, 0);
	duo_run(d, 4 * DUO_DELAY);
	duo_send(d, 0, a, 100);
	duo_turn(d, 0);
	duo_send(d, 0, b, 100);
	duo_turn(d, 0);
	duo_run(d, 20 * DUO_DELAY);
	ck_assert_uint_eq(tcpd_stats(d->st[0])->now_blocks, 0);
}

/* So little memory that apps wait for it. */
static void no_memory(struct duo *d)
{
	uint8_t text[20000] = {0};

	duo_close(d);
	d->set[0].memory = d->set[1].memory = 64u << 10;
	duo_open(d);
	duo_listen(d, 1, DUO_PORT);
	d->lose[1] = UINT64_MAX;
	for (unsigned i = 0; i < 40; i++) {
		tcpd_handle a = duo_connect(d, 0, 4, DUO_PORT);

		while (tcpd_send(d->st[0], a, text, sizeof(text), d->now) > 0)
			;
	}
	ck_assert_uint_gt(tcpd_stats(d->st[0])->now_blocks, 60000);
	ck_assert_uint_gt(tcpd_stats(d->st[0])->memory_short_send, 0);
}

/* Text of |n| connections waits for its departure, the last one's the first. */
static void paced(struct duo *d, const tcpd_handle *h, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		tcpd_set_option(d->st[0], h[i], TCPD_OPT_MAX_PACING_RATE,
				1000 * (i + 1), d->now);
		duo_send(d, 0, h[i], 9000);
	}
	duo_turn(d, 0);
}

static void departures(struct duo *d)
{
	tcpd_handle a[5], b;

	duo_pair(d, 4, &a[0], &b);
	for (unsigned i = 1; i < ARRAY_SIZE(a); i++)
		a[i] = duo_connect(d, 0, 4, DUO_PORT);
	duo_turn(d, 0);
	duo_run(d, 4 * DUO_DELAY);
	paced(d, a, ARRAY_SIZE(a));
}

/*
 * A record with something of everything: half-open entries, an accept queue,
 * text both ways with holes and losses, TIME-WAIT, timers, events, answers.
 */
void duo_crowd(struct duo *d)
{
	static const struct tcpd_addr any = {.port = 4000};
	tcpd_handle a[8], b[8], l, h;

	time_wait(d);
	l = d->h[1][0];
	for (unsigned i = 0; i < ARRAY_SIZE(a); i++) {
		a[i] = duo_connect(d, 0, i % 2 ? 6 : 4, DUO_PORT);
		duo_turn(d, 0);
		duo_run(d, 4 * DUO_DELAY);
		if (i < 4)
			b[i] = duo_accept(d, 1, l);
	}
	d->quiet[0] = d->quiet[1] = true;
	tcpd_set_option(d->st[1], b[0], TCPD_OPT_KEEPALIVE, 1, d->now);
	duo_send(d, 1, b[0], 300);
	duo_send(d, 1, b[1], 4000);
	duo_send(d, 0, a[3], 1000);
	duo_send(d, 0, a[3], 11000);
	d->lose[0] = 0x2a; /* of its segments the 2nd, 4th and 6th */
	duo_turn(d, 0);
	duo_send(d, 0, a[0], 3000);
	duo_send(d, 0, a[1], 300);
	tcpd_close(d->st[0], a[2], d->now);
	duo_turn(d, 1);
	duo_turn(d, 0);
	d->silent[1] = true; /* no ACK fills the gaps */
	duo_run(d, DUO_DELAY);
	duo_send(d, 1, b[3], 200);
	tcpd_shutdown(d->st[1], b[3], d->now);
	ck_assert_int_eq(tcpd_bind(d->st[1], &h, &any, 0, d->now), 0);
	d->h[1][d->nh[1]++] = h;
	d->silent[1] = true;
	for (unsigned i = 0; i < 9; i++)
		duo_connect(d, 0, 4, DUO_PORT);
	duo_turn(d, 0);
	answers_wait(d);
	paced(d, a + 6, 2);
	duo_run(d, TCPD_MS(30));
	duo_connect(d, 1, 4, DUO_PORT);
}

#define CASE(name)          \
	{                   \
#name, name \
	}
const struct duo_case duo_cases[] = {
	CASE(nothing),	      CASE(listeners),	  CASE(bound),
	CASE(syn_not_sent),   CASE(syn_lost),	  CASE(synack_waits),
	CASE(half_open),      CASE(cookies),	  CASE(simultaneous),
	CASE(accept_queue),   CASE(both_queues),  CASE(partly_read),
	CASE(super_segments), CASE(out_of_order), CASE(fast_recovery),
	CASE(after_rto),      CASE(zero_window),  CASE(delayed_ack),
	CASE(options),	      CASE(fin_wait_1),	  CASE(fin_wait_2),
	CASE(close_wait),     CASE(closing),	  CASE(last_ack),
	CASE(time_wait),      CASE(reset_unread), CASE(answers_wait),
	CASE(used_before),    CASE(no_memory),	  CASE(hot_half),
	CASE(departures),
};
const unsigned duo_ncases = ARRAY_SIZE(duo_cases);
