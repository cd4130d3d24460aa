/* SPDX-License-Identifier: MIT */
/*
 * test_attacks.c - what a peer may do to one connection to cost us memory,
 * time or fairness, and peers that vanish: played against the whole stack.
 *
 * LINK: test/unit/rig.c
 */
#include <string.h>

#include "rig.h"

#define SALT 5u

/* A segment of the peer's without the check of the whole stack. */
static void send_at(const struct peer *p, uint32_t at, uint32_t len)
{
	uint8_t text[RIG_MSS];
	struct peer to = *p;
	struct packet k;

	pattern_fill(SALT, at, text, len);
	to.seq += at;
	k = peer_packet(&to, FLAG_ACK);
	k.data = text;
	k.len = len;
	rig_in(&k);
}

static void ack_at(const struct peer *p, uint32_t ack)
{
	struct peer to = *p;
	struct packet k;

	to.ack = ack;
	k = peer_packet(&to, FLAG_ACK);
	rig_in(&k);
}

static void open_one(struct peer *p, uint8_t version)
{
	*p = peer_new(version, 80, 4000);
	peer_accept(p, rig_listen(80));
	rig_drain();
}

/* SegmentSmack: every second octet by itself, then those between, then what
 * was not kept; by a reader that takes nothing until the end. */
START_TEST(attack_octets_apart_are_put_together_again)
{
	enum { OCTETS = 60000 };
	struct peer p;
	uint32_t at = 0;
	uint8_t text[4096];
	int64_t n;

	open_one(&p, _i ? 6 : 4);
	for (uint32_t i = 1; i < OCTETS; i += 2) {
		send_at(&p, i, 1);
		ck_assert_uint_le(p.c->rq.nranges, 256);
		rig_drain();
	}
	ck_assert_uint_le(p.c->rq.mem, p.c->rcv_buf + (8u << 10));
	for (uint32_t i = 0; i < OCTETS; i += 2) {
		send_at(&p, i, 1);
		ck_assert_uint_le(p.c->rq.nranges, 256);
		rig_drain();
	}
	rig_check();
	for (uint32_t i = 0; i < OCTETS; i++)
		if (p.c->rcv_nxt == p.seq + i)
			send_at(&p, i, 1);
	ck_assert_uint_eq(p.c->rcv_nxt, p.seq + OCTETS);
	ck_assert_uint_eq(p.c->rq.nranges, 0);
	while ((n = tcpd_recv(rig.st, p.h, text, sizeof(text), rig.now)) > 0) {
		ck_assert_uint_eq(pattern_same(SALT, at, text, (size_t)n),
				  (size_t)n);
		at += (uint32_t)n;
	}
	ck_assert_uint_eq(at, OCTETS);
}
END_TEST

/* ACK division: RFC 3465, and RFC 5681, 3.1. */
START_TEST(attack_a_segment_acknowledged_by_octets_counts_once)
{
	static uint8_t text[20 * RIG_MSS];
	struct peer p;
	uint32_t cwnd, una, mss;

	open_one(&p, _i ? 6 : 4);
	mss = p.c->mss;
	ck_assert_int_gt(tcpd_send(rig.st, p.h, text, sizeof(text), rig.now),
			 0);
	rig_drain();
	cwnd = p.c->ccs.cwnd;
	una = p.c->snd_una;
	for (uint32_t i = 1; i <= mss; i++)
		ack_at(&p, una + i);
	ck_assert_uint_eq(p.c->snd_una, una + mss);
	ck_assert_uint_le(p.c->ccs.cwnd, cwnd + mss);
}
END_TEST

/* Optimistic ACKs: nothing that was not sent counts as delivered. */
START_TEST(attack_acks_of_what_was_never_sent_change_nothing)
{
	static uint8_t text[20 * RIG_MSS];
	struct peer p;
	uint32_t cwnd, una;

	open_one(&p, _i ? 6 : 4);
	tcpd_send(rig.st, p.h, text, sizeof(text), rig.now);
	rig_drain();
	cwnd = p.c->ccs.cwnd;
	una = p.c->snd_una;
	for (uint32_t i = 1; i <= 1000; i++)
		ack_at(&p, p.c->snd_nxt + i * 100);
	ck_assert_uint_eq(p.c->snd_una, una);
	ck_assert_uint_eq(p.c->ccs.cwnd, cwnd);
	ck_assert_uint_le(rig_drain(), 1);
}
END_TEST

START_TEST(attack_bare_duplicate_acks_open_no_window)
{
	static uint8_t text[40 * RIG_MSS];
	struct peer p;
	uint32_t flight;

	open_one(&p, _i ? 6 : 4);
	tcpd_send(rig.st, p.h, text, sizeof(text), rig.now);
	rig_drain();
	flight = conn_flight(p.c);
	for (uint32_t i = 0; i < 10000; i++) {
		ack_at(&p, p.c->snd_una);
		rig_drain();
	}
	ck_assert_uint_le(rig.t->stat.recovery_fast, 1);
	ck_assert_uint_le(p.c->ccs.cwnd, flight + 3 * p.c->mss);
	/* each may stand for a segment that has left, but for none twice */
	ck_assert_uint_le(conn_flight(p.c), 2 * flight + 3 * p.c->mss);
	rig_check();
}
END_TEST

/* --- peers that vanish */

static void to_syn_sent(struct peer *p)
{
	ck_assert_int_eq(tcpd_connect(rig.st, &p->h, &p->us, &p->them, rig.now),
			 0);
}

static void to_syn_received(struct peer *p)
{
	p->us.port = 80;
	rig_listen(80);
	peer_send(p, FLAG_SYN, NULL, 0);
}

static void write_some(struct peer *p)
{
	uint8_t text[3000] = {0};

	tcpd_send(rig.st, p->h, text, sizeof(text), rig.now);
}

static void to_established(struct peer *p)
{
	peer_connect(p);
	write_some(p);
}

static void to_idle(struct peer *p)
{
	peer_connect(p);
	tcpd_set_option(rig.st, p->h, TCPD_OPT_KEEPALIVE, 1, rig.now);
}

static void to_fin_wait_1(struct peer *p)
{
	peer_connect(p);
	tcpd_shutdown(rig.st, p->h, rig.now);
	peer_take(p, FLAG_FIN | FLAG_ACK);
}

static void to_fin_wait_2(struct peer *p)
{
	to_fin_wait_1(p);
	peer_send(p, FLAG_ACK, NULL, 0);
}

static void to_fin_wait_2_alive(struct peer *p)
{
	to_idle(p);
	tcpd_shutdown(rig.st, p->h, rig.now);
	peer_take(p, FLAG_FIN | FLAG_ACK);
	peer_send(p, FLAG_ACK, NULL, 0);
}

static void to_close_wait(struct peer *p)
{
	peer_connect(p);
	peer_send(p, FLAG_FIN | FLAG_ACK, NULL, 0);
	rig_drain();
	write_some(p);
}

static void to_closing(struct peer *p)
{
	uint32_t ack;

	peer_connect(p);
	ack = p->ack;
	tcpd_shutdown(rig.st, p->h, rig.now);
	peer_take(p, FLAG_FIN | FLAG_ACK);
	p->ack = ack;
	peer_send(p, FLAG_FIN | FLAG_ACK, NULL, 0);
}

static void to_last_ack(struct peer *p)
{
	peer_connect(p);
	peer_send(p, FLAG_FIN | FLAG_ACK, NULL, 0);
	tcpd_shutdown(rig.st, p->h, rig.now);
}

static void to_time_wait(struct peer *p)
{
	to_fin_wait_2(p);
	peer_send(p, FLAG_FIN | FLAG_ACK, NULL, 0);
}

/* R2 of 15 retransmissions whose waits begin at 200 ms or 1 s and end at
 * 120 s, of 8, of a SYN; keep-alive's 7200 + 9 * 75 s. */
#define R2	 1900
#define R2_LAST	 400
#define R2_SYN	 400
#define KEEP	 8000
#define TIMEWAIT 60

static const struct vanish_row {
	const char *name;
	void (*to)(struct peer *p);
	bool closes;	 /* the app, too */
	unsigned within; /* s */
} vanish_rows[] = {
	{"SYN-SENT", to_syn_sent, false, R2_SYN},
	{"SYN-SENT, closed", to_syn_sent, true, 1},
	{"SYN-RECEIVED", to_syn_received, false, 64},
	{"ESTABLISHED with data", to_established, false, R2},
	{"ESTABLISHED with data, closed", to_established, true, R2_LAST},
	{"ESTABLISHED with keep-alive", to_idle, false, KEEP},
	{"FIN-WAIT-1", to_fin_wait_1, false, R2},
	{"FIN-WAIT-1, closed", to_fin_wait_1, true, R2_LAST},
	{"FIN-WAIT-2 with keep-alive", to_fin_wait_2_alive, false, KEEP},
	{"FIN-WAIT-2, closed", to_fin_wait_2, true, 61},
	{"CLOSE-WAIT with data", to_close_wait, false, R2},
	{"CLOSE-WAIT with data, closed", to_close_wait, true, R2_LAST},
	{"CLOSING", to_closing, false, R2},
	{"CLOSING, closed", to_closing, true, R2_LAST},
	{"LAST-ACK", to_last_ack, false, R2},
	{"LAST-ACK, closed", to_last_ack, true, R2_LAST},
	{"TIME-WAIT", to_time_wait, false, TIMEWAIT + 1},
	{"TIME-WAIT, closed", to_time_wait, true, TIMEWAIT + 1},
};

/* An app that lets go of what it is told has ended. */
static void let_go(void)
{
	struct tcpd_event ev;

	while ((ev = rig_event()).mask)
		if (ev.mask & (TCPD_EV_RESET | TCPD_EV_TIMEOUT) &&
		    !(ev.mask & TCPD_EV_GONE))
			tcpd_close(rig.st, ev.h, rig.now);
}

START_TEST(attack_a_peer_that_vanishes_leaves_nothing_behind)
{
	const struct vanish_row *row = &vanish_rows[_i];
	struct peer p = peer_new(_i % 2 ? 6 : 4, 0, 4000);
	tcpd_time end;

	row->to(&p);
	if (row->closes)
		tcpd_close(rig.st, p.h, rig.now);
	end = rig.now + TCPD_SEC(row->within);
	while (rig.now < end) {
		rig_pass(TCPD_MS(250));
		rig_drain();
		let_go();
		rig_check();
	}
	if (p.h && !row->closes)
		tcpd_close(rig.st, p.h, rig.now); /* stale, unless it is held */
	ck_assert_uint_eq(rig.t->conns.count, 0);
	ck_assert_uint_eq(rig.t->halves.count, 0);
	ck_assert_uint_eq(rig.t->tws.count, 0);
	ck_assert_uint_eq(rig.t->xmits.count, 0);
	ck_assert_uint_eq(rig.t->norphans, 0);
	ck_assert_uint_eq(rig.t->pool.nused, 0);
	ck_assert_uint_eq(rig.t->wheel.count,
			  wheel_armed(&rig.t->wheel, &rig.t->misc));
}
END_TEST

int main(void)
{
	Suite *s = suite_create("attacks");
	TCase *tc = rig_case(s, "attacks");

	tcase_add_loop_test(tc, attack_octets_apart_are_put_together_again, 0,
			    2);
	tcase_add_loop_test(
		tc, attack_a_segment_acknowledged_by_octets_counts_once, 0, 2);
	tcase_add_loop_test(
		tc, attack_acks_of_what_was_never_sent_change_nothing, 0, 2);
	tcase_add_loop_test(tc, attack_bare_duplicate_acks_open_no_window, 0,
			    2);
	tcase_add_loop_test(tc,
			    attack_a_peer_that_vanishes_leaves_nothing_behind,
			    0, (int)ARRAY_SIZE(vanish_rows));
	return rig_run(s);
}
