/* SPDX-License-Identifier: MIT */
/*
 * test_rexmt.c - what is thought lost, and when: RFC 6298, section 5, and fast
 * retransmit and recovery by RFC 5681, 3.2, and RFC 6582.
 *
 * LINK: test/unit/rig.c
 */
#include <string.h>

#include "rig.h"

#define MSS UINT64_C(1460)

static struct conn *c;

static void queue(uint32_t n)
{
	rig_fill(c, 1, c->sq.end - c->iss - 1, n);
	conn_want_output(rig.t, c);
}

static void send(uint32_t n)
{
	queue(n);
	rig_drain();
}

static void acked(uint32_t octets)
{
	struct segment s = {.tu = c->tu, .nwire = 1};

	s.h.flags = TCP_ACK;
	s.h.seq = c->rcv_nxt;
	s.h.ack = c->snd_una + octets;
	s.h.wnd = 65535;
	tcp_input(rig.t, &s);
}

static void with_window(unsigned segments)
{
	c = rig_conn(1000, 1);
	c->ccs.cwnd = segments * RIG_MSS;
	c->recover = c->snd_una - 1;
	rtt_sample(rig.t, c, TCPD_MS(100));
}

/* Pass time in ms steps until something is sent; the time that took. */
static tcpd_time until_sent(struct packet *p, tcpd_time most)
{
	tcpd_time from = rig.now;

	while (rig.now - from < most) {
		rig_pass(TCPD_MS(1));
		if (rig_out(p))
			return rig.now - from;
	}
	return TCPD_NEVER;
}

/* --- RFC 6298, 5 */

START_TEST(rexmt_timer_starts_stops_and_restarts)
{
	tcpd_time first;

	c = rig_conn(1000, 1);
	c->nodelay = true;
	send(100);
	first = c->timer[CT_REXMT];
	ck_assert_uint_eq(first, rig.now + TCPD_SEC(1)); /* 5.1 */
	rig_pass(TCPD_MS(10));
	send(100);
	ck_assert_uint_eq(c->timer[CT_REXMT], first); /* it runs already */
	rig_pass(TCPD_MS(10));
	acked(100);
	ck_assert_uint_eq(c->timer[CT_REXMT],
			  rig.now + rtt_rto(rig.t, c)); /* 5.3 */
	acked(100);
	ck_assert_uint_eq(c->timer[CT_REXMT], 0); /* 5.2 */
}
END_TEST

START_TEST(rexmt_repeats_the_first_segment_and_doubles)
{
	static const unsigned gaps[] = {200, 400, 800, 1600, 3200, 6400};
	/* pmtu.c: perhaps it is too large for the path */
	static const unsigned lens[] = {MSS, 984, 984, 984, 984, 472};
	struct packet p;

	c = rig_conn(1000, 1);
	rtt_sample(rig.t, c, TCPD_MS(10)); /* RTO: the least, 200 ms */
	send(3 * MSS);
	for (unsigned i = 0; i < ARRAY_SIZE(gaps); i++) {
		ck_assert_uint_eq(until_sent(&p, TCPD_SEC(10)),
				  TCPD_MS(gaps[i]));
		ck_assert_uint_eq(p.seq, 1001);
		ck_assert_uint_eq(p.len, lens[i]);
		ck_assert_uint_eq(rig_drain(), 0); /* cwnd is one segment */
	}
	ck_assert_uint_eq(rig.t->stat.recovery_rto, 1);
	ck_assert_uint_eq(c->retransmits, ARRAY_SIZE(gaps));
	ck_assert_uint_eq(c->ccs.ssthresh, 2 * MSS); /* once: 5681-4 */
}
END_TEST

/* R2, by state, and with whom gone. */
static const struct r2 {
	const char *name;
	enum tcpd_state state;
	bool orphan;
	unsigned want;
} r2s[] = {
	{"SYN-SENT", TCPD_SYN_SENT, false, 7},
	{"ESTABLISHED", TCPD_ESTABLISHED, false, 15},
	{"LAST-ACK of an orphan", TCPD_LAST_ACK, true, 8},
};

START_TEST(rexmt_gives_up_at_r2)
{
	const struct r2 *r = &r2s[_i];
	struct tcpd_event ev;
	unsigned sent = 0;

	c = rig_conn(1000, 1);
	c->state = (uint8_t)r->state;
	c->soft_err = r->orphan ? 0 : TCPD_ERR_HOST_UNREACH;
	if (r->state == TCPD_SYN_SENT) {
		c->snd_una = c->snd_nxt = c->iss;
		c->syn_due = true;
		conn_want_output(rig.t, c);
		rig_drain();
	} else {
		send(100);
	}
	c->orphan = r->orphan;
	for (unsigned i = 0;
	     i < 5000 && !(c->ev_mask & ~(uint32_t)TCPD_EV_SOFT); i++) {
		rig_pass(TCPD_MS(500));
		sent += rig_drain();
	}
	ck_assert_msg(sent == r->want, "%s: %u", r->name, sent);
	ev = rig_event();
	ck_assert_uint_eq(ev.mask, r->orphan ? TCPD_EV_GONE
					     : TCPD_EV_TIMEOUT | TCPD_EV_SOFT);
	ck_assert_int_eq(ev.err,
			 r->orphan ? TCPD_ERR_TIMEOUT : TCPD_ERR_HOST_UNREACH);
	ck_assert_uint_eq(rig.t->stat.timeouts_gave_up, 1);
	rig_drain();
}
END_TEST

/* SHLD-17: the window was closed under what is in flight. */
START_TEST(rexmt_holds_on_to_a_peer_that_closed_its_window_and_answers)
{
	unsigned sent = 0;

	c = rig_conn(1000, 1);
	send(100);
	c->snd_wnd = 0;
	for (unsigned i = 0; i < 4000; i++) {
		rig_pass(TCPD_MS(500));
		if (rig_drain()) {
			sent++;
			c->last_rcv = rig.now;
		}
	}
	ck_assert_uint_gt(sent, 15);
	ck_assert_int_eq(c->state, TCPD_ESTABLISHED);
}
END_TEST

START_TEST(rexmt_timeout_sends_all_again_in_slow_start)
{
	with_window(10);
	send(10 * MSS);
	rig_pass(TCPD_MS(300));
	ck_assert_uint_eq(rig_drain(), 1);
	ck_assert_uint_eq(c->ccs.ssthresh, 5 * MSS);
	acked(MSS);
	ck_assert_uint_eq(c->ccs.cwnd, 2 * MSS);
	ck_assert_uint_eq(rig_drain(), 2);
	acked(2 * MSS);
	ck_assert_uint_eq(rig_drain(), 4);
	acked(4 * MSS);
	rig_drain();
	acked(3 * MSS);
	ck_assert_int_eq(c->recovery, REC_OPEN);
	ck_assert_uint_eq(c->retransmits, 10);
	ck_assert_uint_eq(rig.t->xmits.count, 0);
}
END_TEST

/* --- RFC 5681, 3.2; RFC 6582 */

START_TEST(rexmt_third_duplicate_sends_the_first_again)
{
	struct packet p;

	with_window(10);
	send(10 * MSS);
	for (unsigned i = 0; i < 2; i++) {
		acked(0);
		ck_assert_uint_eq(rig_drain(), 0);
	}
	ck_assert_uint_eq(c->ccs.cwnd, 10 * MSS);
	acked(0);
	p = rig_expect(FLAG_ACK);
	ck_assert_uint_eq(p.seq, 1001);
	ck_assert_uint_eq(p.len, MSS);
	rig_expect_nothing();
	ck_assert_uint_eq(c->ccs.ssthresh, 5 * MSS);
	ck_assert_int_eq(c->recovery, REC_FAST);
	ck_assert_uint_eq(rig.t->stat.recovery_fast, 1);
}
END_TEST

/* RFC 3042: the first two let one segment each go, beyond cwnd. */
START_TEST(rexmt_first_duplicates_let_new_segments_go)
{
	with_window(10);
	queue(20 * MSS);
	ck_assert_uint_eq(rig_drain(), 10);
	acked(0);
	ck_assert_uint_eq(rig_expect(FLAG_ACK).seq, 1001 + 10 * MSS);
	rig_expect_nothing();
	acked(0);
	ck_assert_uint_eq(rig_expect(FLAG_ACK).seq, 1001 + 11 * MSS);
	rig_expect_nothing();
	acked(0);
	ck_assert_uint_eq(rig_expect(FLAG_ACK).seq, 1001);
}
END_TEST

START_TEST(rexmt_more_duplicates_let_more_go)
{
	with_window(10);
	queue(20 * MSS);
	rig_drain();
	for (unsigned i = 0; i < 3; i++)
		acked(0);
	rig_drain();
	/* of ten five are to be in flight at the end: every second one that
	 * arrives lets one in (9937-4), until they are; then each */
	for (unsigned i = 0, sent = 0; i < 5; i++) {
		acked(0);
		if (i == 0 || i >= 3)
			ck_assert_uint_eq(rig_expect(FLAG_ACK).seq,
					  1001 + (10 + sent++) * MSS);
		rig_expect_nothing();
	}
}
END_TEST

START_TEST(rexmt_partial_acks_fill_one_hole_each)
{
	with_window(10);
	send(10 * MSS);
	for (unsigned i = 0; i < 3; i++)
		acked(0);
	rig_drain();
	rig_pass(TCPD_MS(50));
	acked(4 * MSS); /* the fifth is missing too */
	ck_assert_uint_eq(rig_expect(FLAG_ACK).seq, 1001 + 4 * MSS);
	ck_assert_int_eq(c->recovery, REC_FAST);
	rig_pass(TCPD_MS(50));
	acked(2 * MSS); /* and the seventh */
	ck_assert_uint_eq(rig_expect(FLAG_ACK).seq, 1001 + 6 * MSS);
	/* 6298-8: a whole RTO from the last transmission on */
	ck_assert_uint_eq(c->timer[CT_REXMT], rig.now + rtt_rto(rig.t, c));
	ck_assert_uint_eq(rig.t->stat.recovery_partial_acks, 2);
	acked(4 * MSS);
	ck_assert_int_eq(c->recovery, REC_OPEN);
	ck_assert_uint_eq(c->ccs.ssthresh, 5 * MSS); /* halved once */
	ck_assert_uint_le(c->ccs.cwnd, 5 * MSS);
	ck_assert_uint_eq(c->dupacks | c->duped | c->lost, 0);
}
END_TEST

/* RFC 6582, 3.2, step 2: duplicates of what an RTO sent again. */
START_TEST(rexmt_duplicates_after_a_timeout_begin_no_recovery)
{
	with_window(10);
	send(10 * MSS);
	rig_pass(TCPD_MS(300));
	rig_drain();
	for (unsigned i = 0; i < 5; i++)
		acked(0);
	ck_assert_int_eq(c->recovery, REC_RTO);
	ck_assert_uint_eq(rig.t->stat.recovery_fast, 0);
	/* nor does a recovery that ended just now begin again */
	acked(10 * MSS);
	send(MSS);
	c->recover = c->snd_una;
	for (unsigned i = 0; i < 5; i++)
		acked(0);
	ck_assert_int_eq(c->recovery, REC_OPEN);
}
END_TEST

START_TEST(rexmt_of_a_lost_retransmission_is_a_second_event)
{
	with_window(16);
	send(16 * MSS);
	for (unsigned i = 0; i < 3; i++)
		acked(0);
	rig_drain();
	ck_assert_uint_eq(c->ccs.ssthresh, 8 * MSS);
	rig_pass(TCPD_SEC(1)); /* 5681-10 */
	ck_assert_uint_eq(rig_drain(), 1);
	ck_assert_uint_eq(c->ccs.cwnd, MSS);
	ck_assert_uint_eq(c->ccs.ssthresh, 4 * MSS);
	ck_assert_int_eq(c->recovery, REC_RTO);
}
END_TEST

/* |recover| and the end of the last small segment are numbers that SND.UNA
 * has passed: in half of the number space they must not be ahead again. */
START_TEST(rexmt_forgets_numbers_that_are_behind)
{
	with_window(10);
	c->nodelay = false;
	c->recover = c->snd_sml = c->snd_una - 1;
	for (unsigned i = 0; i < 20; i++) {
		/* an eighth of the space at a time, as if it had been sent */
		uint32_t by = UINT32_MAX / 8 - 10 * RIG_MSS;

		c->snd_una += by;
		c->snd_nxt += by;
		c->sq.end += by;
		send(10 * MSS);
		acked(10 * MSS);
		ck_assert(seq_gt(c->snd_una, c->recover));
		ck_assert(!seq_gt(c->snd_sml, c->snd_una));
	}
}
END_TEST

START_TEST(rexmt_of_a_super_segment_is_its_first_segment)
{
	struct packet p;

	rig.t->set.tso4 = rig.t->set.csum = true;
	with_window(10);
	send(10 * MSS);
	ck_assert_uint_eq(rig.t->xmits.count, 1);
	for (unsigned i = 0; i < 3; i++)
		acked(0);
	p = rig_expect(FLAG_ACK);
	ck_assert_uint_eq(p.seq, 1001);
	ck_assert_uint_eq(p.len, MSS);
	rig_expect_nothing();
	ck_assert_uint_eq(c->lost, MSS);
	ck_assert_uint_eq(rig.t->xmits.count, 2);
	acked(10 * MSS);
	ck_assert_uint_eq(rig.t->xmits.count, 0);
}
END_TEST

START_TEST(rexmt_carries_the_user_timeout)
{
	c = rig_conn(1000, 1);
	send(10);
	ck_assert_uint_eq(c->timer[CT_USER], 0);
	acked(10);
	c->user_timeout = TCPD_SEC(5);
	send(10);
	ck_assert_uint_eq(c->timer[CT_USER], rig.now + TCPD_SEC(5));
	rig_pass(TCPD_SEC(3));
	rig_drain(); /* from the first transmission on */
	ck_assert_uint_eq(c->timer[CT_USER], RIG_START + TCPD_SEC(5));
	acked(10);
	ck_assert_uint_eq(c->timer[CT_USER], 0);
}
END_TEST

START_TEST(rexmt_too_big_sends_all_again_as_acks_come_without_congestion)
{
	struct packet p;
	uint32_t sent = 0, acks = 0;

	with_window(10);
	send(4 * MSS);
	c->pmtu = 1000;
	conn_set_mss(rig.t, c);
	rexmt_too_big(rig.t, c);
	while (acks < 4 * MSS) {
		uint32_t before = sent;

		while (rig_out(&p)) {
			ck_assert_uint_le(p.len, 960);
			ck_assert_uint_eq(p.seq, 1001 + sent);
			sent += p.len;
		}
		ck_assert(sent > before || sent == 4 * MSS);
		/* one segment, then two for each that is acknowledged */
		ck_assert_uint_le(sent - acks, 960 + acks);
		acked(min_u32(960, sent - acks));
		acks += min_u32(960, sent - acks);
	}
	ck_assert_uint_eq(sent, 4 * MSS);
	ck_assert_uint_eq(c->ccs.cwnd, 10 * MSS);
	ck_assert_int_eq(c->recovery, REC_OPEN);
	ck_assert_uint_eq(c->lost | c->resent, 0);
	rexmt_too_big(rig.t, c); /* nothing is in flight: nothing happens */
	rig_expect_nothing();
}
END_TEST

int main(void)
{
	Suite *s = suite_create("rexmt");
	TCase *tc = rig_case(s, "loss");

	tcase_add_test(tc, rexmt_timer_starts_stops_and_restarts);
	tcase_add_test(tc, rexmt_repeats_the_first_segment_and_doubles);
	tcase_add_loop_test(tc, rexmt_gives_up_at_r2, 0, ARRAY_SIZE(r2s));
	tcase_add_test(
		tc,
		rexmt_holds_on_to_a_peer_that_closed_its_window_and_answers);
	tcase_add_test(tc, rexmt_timeout_sends_all_again_in_slow_start);
	tcase_add_test(tc, rexmt_third_duplicate_sends_the_first_again);
	tcase_add_test(tc, rexmt_first_duplicates_let_new_segments_go);
	tcase_add_test(tc, rexmt_more_duplicates_let_more_go);
	tcase_add_test(tc, rexmt_partial_acks_fill_one_hole_each);
	tcase_add_test(tc, rexmt_duplicates_after_a_timeout_begin_no_recovery);
	tcase_add_test(tc, rexmt_of_a_lost_retransmission_is_a_second_event);
	tcase_add_test(tc, rexmt_forgets_numbers_that_are_behind);
	tcase_add_test(tc, rexmt_of_a_super_segment_is_its_first_segment);
	tcase_add_test(tc, rexmt_carries_the_user_timeout);
	tcase_add_test(
		tc,
		rexmt_too_big_sends_all_again_as_acks_come_without_congestion);
	return rig_run(s);
}
