/* SPDX-License-Identifier: MIT */
/*
 * test_output.c - what may go now: the order of all that waits, fair turns,
 * Nagle, silly windows, the windows' limits, and where FIN and PSH stand.
 *
 * LINK: test/unit/rig.c
 */
#include <string.h>

#include "rig.h"

#define MSS RIG_MSS

static void queue(struct conn *c, uint32_t n)
{
	rig_fill(c, 1, c->sq.end - c->iss - 1, n);
	conn_want_output(rig.t, c);
}

static void ack(struct conn *c, uint32_t octets)
{
	struct segment s = {.tu = c->tu, .nwire = 1};

	s.h.flags = TCP_ACK;
	s.h.seq = c->rcv_nxt;
	s.h.ack = c->snd_una + octets;
	s.h.wnd = (uint16_t)(c->snd_wnd >> c->snd_wscale);
	tcp_input(rig.t, &s);
}

START_TEST(output_replies_go_before_acks_and_these_before_text)
{
	struct conn *a = rig_conn(1, 1), *b = rig_conn(1, 1);
	struct packet p;

	queue(a, 100);
	delack_now(rig.t, b);
	rst_send(rig.t, a, TCPD_RESET_ABORT);
	rig_expect(FLAG_RST | FLAG_ACK);
	p = rig_expect(FLAG_ACK);
	ck_assert_uint_eq(p.dport, b->tu.pport);
	ck_assert_uint_eq(p.len, 0);
	ck_assert_uint_eq(rig.out.id, b->id);
	ck_assert_uint_eq(rig_expect(FLAG_ACK).len, 100);
	rig_expect_nothing();
}
END_TEST

START_TEST(output_takes_turns_segment_by_segment)
{
	struct conn *c[3];
	struct packet p;

	for (unsigned i = 0; i < 3; i++) {
		c[i] = rig_conn(1, 1);
		queue(c[i], 4 * MSS);
	}
	for (unsigned k = 0; k < 4; k++)
		for (unsigned i = 0; i < 3; i++) {
			p = rig_expect(FLAG_ACK);
			ck_assert_uint_eq(p.dport, c[i]->tu.pport);
			ck_assert_uint_eq(p.len, MSS);
		}
	rig_expect_nothing();
}
END_TEST

START_TEST(output_packet_that_did_not_leave_goes_behind_the_others)
{
	struct conn *a = rig_conn(1, 1), *b = rig_conn(1, 1);
	struct tcpd_out out;

	queue(a, 10);
	queue(b, 10);
	ck_assert(tcpd_output(rig.st, &out, rig.now));
	ck_assert_uint_eq(out.id, a->id);
	tcpd_output_done(rig.st, &out, 11, rig.now);
	ck_assert_uint_eq(rig_expect(FLAG_ACK).dport, b->tu.pport);
	ck_assert_uint_eq(rig_expect(FLAG_ACK).dport, a->tu.pport);
	ck_assert_uint_eq(rig.t->stat.packets_unsent, 1);
}
END_TEST

/* --- one segment: what is queued, the windows, what is out already */

static const struct fit {
	const char *name;
	uint32_t queued, wnd, cwnd;
	bool nodelay, small_out;
	uint32_t first, total; /* the first segment; all that go */
} fits[] = {
	{"a little", 10, 65535, 14600, false, false, 10, 10},
	{"a full segment", MSS, 65535, 14600, false, false, MSS, MSS},
	{"one and a half: the tail goes too", 2000, 65535, 14600, false, false,
	 MSS, 2000},
	{"Nagle: a small one is out", 10, 65535, 14600, false, true, 0, 0},
	{"Nagle: full ones go, the tail waits", 2000, 65535, 14600, false, true,
	 MSS, MSS},
	{"NODELAY", 10, 65535, 14600, true, true, 10, 10},
	{"the peer's window", 5 * MSS, 2 * MSS, 14600, true, false, MSS,
	 2 * MSS},
	{"SWS: less than half of the largest window", 5000, 1000, 14600, true,
	 false, 0, 0},
	{"SWS: half of the largest window", 100000, 32768, 1000000, true, false,
	 MSS, 22 * MSS},
	{"the congestion window: whole segments", 5000, 65535, 2 * MSS + 100,
	 true, false, MSS, 2 * MSS},
	{"a closed window", 100, 0, 14600, true, false, 0, 0},
	{"a window of exactly what is left", 100, 100, 14600, false, false, 100,
	 100},
};

START_TEST(output_sends_what_makes_sense)
{
	const struct fit *f = &fits[_i];
	struct conn *c = rig_conn(1, 1);
	uint32_t sent = 0, first = 0;
	struct packet p;

	c->nodelay = f->nodelay;
	c->ccs.cwnd = f->cwnd;
	if (f->small_out) {
		queue(c, 10);
		rig_drain();
		c->snd_wnd += 10;
	}
	c->snd_wnd = f->wnd + conn_flight(c);
	queue(c, f->queued);
	while (rig_out(&p)) {
		first = first ? first : p.len;
		sent += p.len;
	}
	ck_assert_msg(first == f->first, "%s: the first has %u", f->name,
		      first);
	ck_assert_msg(sent == f->total, "%s: %u were sent", f->name, sent);
}
END_TEST

START_TEST(output_minshall_lets_the_tail_of_large_writes_go)
{
	struct conn *c = rig_conn(1, 1);

	/* full segments in flight do not hold a small one back */
	queue(c, MSS);
	ck_assert_uint_eq(rig_drain(), 1);
	queue(c, 100);
	ck_assert_uint_eq(rig_drain(), 1);
	/* a small one does, until it is acknowledged */
	queue(c, 100);
	ck_assert_uint_eq(rig_drain(), 0);
	ack(c, MSS);
	ck_assert_uint_eq(rig_drain(), 0);
	ack(c, 100);
	ck_assert_uint_eq(rig_drain(), 1);
}
END_TEST

START_TEST(output_push_is_on_the_last_of_what_is_queued)
{
	struct conn *c = rig_conn(1, 1);
	struct packet p;

	queue(c, 2 * MSS + 10);
	for (unsigned i = 0; i < 3; i++) { /* MUST-61 */
		ck_assert(rig_out(&p));
		ck_assert_uint_eq(p.flags, FLAG_ACK | (i == 2 ? FLAG_PSH : 0));
	}
}
END_TEST

static const struct fin_row {
	const char *name;
	uint32_t queued, wnd;
	unsigned packets; /* that go; with the FIN, or not yet */
	bool cork, fin;
} fin_rows[] = {
	{"alone", 0, 65535, 1, false, true},
	{"with text", 10, 65535, 1, false, true},
	{"behind much text", 3 * MSS, 65535, 3, false, true},
	{"behind text that is corked", 10, 65535, 1, true, true},
	{"with exactly the window's text", 100, 100, 1, false, false},
	{"text that the window cuts", 3 * MSS, 2 * MSS, 2, false, false},
};

START_TEST(output_fin_follows_the_text)
{
	const struct fin_row *row = &fin_rows[_i];
	struct conn *c = rig_conn(1, 1);
	struct packet p = {0};
	unsigned n = 0;

	c->cork = row->cork;
	c->snd_wnd = row->wnd;
	if (row->queued)
		queue(c, row->queued);
	ck_assert_int_eq(user_shutdown(rig.t, c), 0);
	while (rig_out(&p))
		n++;
	ck_assert_msg(n == row->packets, "%s: %u packets", row->name, n);
	ck_assert_msg(!!(p.flags & FLAG_FIN) == row->fin, "%s", row->name);
	ck_assert_int_eq(c->fin_sent, row->fin);
	if (row->fin)
		ck_assert_uint_eq(c->snd_nxt, c->sq.end + 1);
}
END_TEST

START_TEST(output_super_segments_are_whole_segments_up_to_64_k)
{
	struct conn *c;
	struct packet p;
	uint32_t at = 0;

	rig_stop();
	rig.set.tso4 = rig.set.csum = true;
	rig_start();
	c = rig_conn(1, 1);
	c->snd_wnd = c->ccs.cwnd = 1u << 20;
	queue(c, 200000);
	while (rig_out(&p)) {
		ck_assert_uint_le(rig.out.len, 65535);
		ck_assert_uint_eq(pattern_same(1, at, p.data, p.len), p.len);
		at += p.len;
		if (at < 200000)
			ck_assert_uint_eq(p.len % MSS, 0);
		ck_assert_uint_eq(p.gso, p.len > MSS ? MSS : 0);
	}
	ck_assert_uint_eq(at, 200000);
	ck_assert_uint_lt(rig.t->xmits.count, 10);
	ck_assert_uint_eq(c->segs_out, (200000 + MSS - 1) / MSS);
}
END_TEST

START_TEST(output_of_many_small_writes_fits_its_slices)
{
	struct conn *c = rig_conn(1, 1);
	struct packet p;
	uint32_t at = 0;

	rig.set.mtu = rig.t->set.mtu = 65535;
	c->peer_mss = 65495;
	c->advmss = c->peer_mss;
	conn_set_mss(rig.t, c);
	c->nodelay = true;
	c->snd_wnd = c->ccs.cwnd = 1u << 20;
	for (unsigned i = 0; i < 600; i++)
		queue(c, 100);
	while (rig_out(&p)) {
		ck_assert_uint_eq(pattern_same(1, at, p.data, p.len), p.len);
		at += p.len;
	}
	ck_assert_uint_eq(at, 60000);
	/* and again, after a time-out */
	rig_pass(TCPD_SEC(2));
	ck_assert_uint_ge(rig_drain(), 1);
}
END_TEST

START_TEST(output_restarts_with_iw_after_idle)
{
	struct conn *c = rig_conn(1, 1);

	c->ccs.cwnd = 100 * MSS;
	queue(c, 100);
	rig_drain();
	ack(c, 100);
	rig_pass(rtt_rto(rig.t, c) + TCPD_MS(1));
	c->snd_wnd = 1u << 20;
	queue(c, 50 * MSS); /* 5681-8 */
	ck_assert_uint_eq(rig_drain(), 10);
}
END_TEST

START_TEST(output_keeps_cwnd_of_a_sender_that_is_not_idle)
{
	struct conn *c = rig_conn(1, 1);

	c->ccs.cwnd = 40 * MSS;
	queue(c, 100);
	rig_drain();
	ack(c, 100);
	rig_pass(TCPD_MS(100));
	c->snd_wnd = 1u << 20;
	queue(c, 50 * MSS);
	ck_assert_uint_eq(rig_drain(), 40);
}
END_TEST

START_TEST(output_tells_who_wants_to_know_what_is_unsent)
{
	struct conn *c = rig_conn(1, 1);

	c->ccs.cwnd = 4 * MSS;
	queue(c, 10 * MSS);
	c->want_unsent = true;
	c->unsent_low = 7 * MSS;
	rig_expect(FLAG_ACK);
	rig_expect(FLAG_ACK);
	ck_assert_uint_eq(rig_event().mask, 0);
	rig_expect(FLAG_ACK);
	ck_assert_uint_eq(rig_event().mask, TCPD_EV_WRITABLE);
	rig_drain();
	ck_assert_uint_eq(rig_event().mask, 0);
}
END_TEST

START_TEST(output_without_a_slot_for_a_record_waits)
{
	struct conn *c, *d;
	uint32_t seq = 1;

	rig_stop();
	rig.set.memory = POOL_MAX;
	rig.set.max_conns = 2;
	rig_start();
	c = rig_conn(1, 1);
	d = rig_conn(1, 1);
	while (xmit_room(rig.t))
		xmit_add(rig.t, d, seq, seq + 1), seq++;
	queue(c, 100);
	rig_expect_nothing();
	ck_assert_uint_eq(c->snd_nxt, c->snd_una);
	xmit_clear(rig.t, d);
	conn_want_output(rig.t, c);
	rig_expect(FLAG_ACK);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("output");
	TCase *tc = rig_case(s, "plans");

	tcase_add_test(tc, output_replies_go_before_acks_and_these_before_text);
	tcase_add_test(tc, output_takes_turns_segment_by_segment);
	tcase_add_test(tc,
		       output_packet_that_did_not_leave_goes_behind_the_others);
	tcase_add_loop_test(tc, output_sends_what_makes_sense, 0,
			    ARRAY_SIZE(fits));
	tcase_add_test(tc, output_minshall_lets_the_tail_of_large_writes_go);
	tcase_add_test(tc, output_push_is_on_the_last_of_what_is_queued);
	tcase_add_loop_test(tc, output_fin_follows_the_text, 0,
			    ARRAY_SIZE(fin_rows));
	tcase_add_test(tc, output_super_segments_are_whole_segments_up_to_64_k);
	tcase_add_test(tc, output_of_many_small_writes_fits_its_slices);
	tcase_add_test(tc, output_restarts_with_iw_after_idle);
	tcase_add_test(tc, output_keeps_cwnd_of_a_sender_that_is_not_idle);
	tcase_add_test(tc, output_tells_who_wants_to_know_what_is_unsent);
	tcase_add_test(tc, output_without_a_slot_for_a_record_waits);
	return rig_run(s);
}
