/* SPDX-License-Identifier: MIT */
/*
 * test_rack.c - RFC 8985, 6, variable by variable: whose transmission counts,
 * how long the reordering window is, and who is lost when.
 *
 * LINK: test/unit/rig.c
 */
#include "sack_rig.h"

static struct conn *c;
static struct flow *f;

/* |n| segments, |gap| apart. */
static void train(unsigned n, tcpd_time gap)
{
	c = sack_conn(100);
	for (unsigned i = 0; i < n; i++) {
		if (i)
			rig_pass(gap);
		ck_assert_uint_eq(sack_send(c, 1), 1);
	}
	f = flow_of(rig.t, c);
}

START_TEST(rack_remembers_each_transmission_finely)
{
	train(2, TCPD_US(300)); /* 8985-2 */
	ck_assert_uint_eq(sack_record(c, 1)->sent_at -
				  sack_record(c, 0)->sent_at,
			  TCPD_US(300));
	/* 8985-3 */
	score_lost(rig.t, c, sack_record(c, 0));
	ck_assert(xmit_waits(sack_record(c, 0)));
	rig_pass(TCPD_MS(1));
	c->rexmt_force = true;
	conn_want_output(rig.t, c);
	rig_expect(FLAG_ACK);
	ck_assert_uint_eq(sack_record(c, 0)->sent_at, rig.now);
	ck_assert(xmit_in_flight(sack_record(c, 0)));
	ck_assert(sack_record(c, 0)->flags & XMIT_EVER);
}
END_TEST

START_TEST(rack_follows_the_transmission_sent_last)
{
	struct news n = {.fack = SACK_SEQ};
	struct segment none = {0};
	struct xmit x = {0};

	train(1, 0); /* 8985-6 */
	n.seg = &none;
	f->rack_at = 0;
	x.sent_at = rig.now - TCPD_MS(10);
	x.seq = SACK_SEQ;
	rack_delivered(rig.t, c, &n, &x, SACK_SEQ + 100);
	rack_delivered(rig.t, c, &n, &x, SACK_SEQ + 200);
	x.sent_at -= TCPD_MS(1);
	rack_delivered(rig.t, c, &n, &x, SACK_SEQ + 300);
	ck_assert_uint_eq(f->rack_at, rig.now - TCPD_MS(10));
	ck_assert_uint_eq(f->rack_end, SACK_SEQ + 200);
}
END_TEST

START_TEST(rack_passes_over_an_ack_too_early_for_a_retransmission)
{
	struct news n = {.fack = SACK_SEQ};
	struct segment none = {0};
	struct xmit x = {.flags = XMIT_EVER, .seq = SACK_SEQ};

	train(1, 0); /* 8985-5 */
	n.seg = &none;
	f->rack_rtt = SACK_RTT;
	x.sent_at = rig.now - TCPD_MS(1);
	rack_delivered(rig.t, c, &n, &x, SACK_SEQ + 100);
	ck_assert_uint_eq(f->rack_rtt, SACK_RTT);
	x.sent_at = rig.now - SACK_RTT - 1;
	rack_delivered(rig.t, c, &n, &x, SACK_SEQ + 100);
	ck_assert_uint_eq(f->rack_rtt, SACK_RTT + 1);
	/* an echo from before it says the same */
	c->ts = none.h.opt.has_ts = true;
	none.h.ack = SACK_SEQ + 100;
	x.sent_at -= TCPD_MS(5);
	none.h.opt.ts_ecr = ts_at(rig.t, &c->tu, x.sent_at) - 1;
	rack_delivered(rig.t, c, &n, &x, SACK_SEQ + 100);
	ck_assert_uint_eq(f->rack_rtt, SACK_RTT + 1);
}
END_TEST

START_TEST(rack_loses_what_had_its_round_trip_and_the_window)
{
	train(2, TCPD_MS(5)); /* 8985-11, 8985-9: min_RTT / 4 is 25 ms */
	rig_pass(SACK_RTT);
	sack_ack(c, 0, 1, 2);
	ck_assert_uint_eq(f->rack_rtt, SACK_RTT);
	ck_assert_uint_eq(c->lost, 0);
	ck_assert_uint_eq(f->reorder_at,
			  sack_record(c, 0)->sent_at + SACK_RTT + TCPD_MS(25));
	ck_assert_uint_eq(c->timer[CT_REORDER], f->reorder_at);
	rig_pass(TCPD_MS(19));
	ck_assert_uint_eq(c->lost, 0);
	rig_pass(TCPD_MS(1));
	ck_assert_uint_eq(c->lost, RIG_MSS);
	ck_assert_int_eq(c->recovery, REC_FAST);
}
END_TEST

START_TEST(rack_window_grows_with_dsacks_and_shrinks_after_16_recoveries)
{
	struct news n = {.dsack = true};

	train(3, TCPD_MS(1)); /* 8985-10 */
	for (unsigned i = 1; i <= 3; i++) {
		rack_detect(rig.t, c, &n);
		ck_assert_uint_eq(f->reo_mult, 1 + i);
		rack_detect(rig.t, c, &n); /* the same round */
		ck_assert_uint_eq(f->reo_mult, 1 + i);
		f->dsack_round = c->snd_una;
	}
	for (unsigned i = 0; i < 15; i++)
		rack_recovered(f);
	ck_assert_uint_eq(f->reo_mult, 4);
	rack_recovered(f);
	ck_assert_uint_eq(f->reo_mult, 1);
}
END_TEST

START_TEST(rack_window_is_srtt_at_most)
{
	train(2, TCPD_MS(5));
	f->reordering = true;
	f->reo_mult = 200;
	rig_pass(SACK_RTT);
	sack_ack(c, 0, 1, 2);
	ck_assert_uint_eq(f->reorder_at,
			  sack_record(c, 0)->sent_at + SACK_RTT + c->srtt);
}
END_TEST

START_TEST(rack_sees_an_original_that_was_overtaken)
{
	train(5, TCPD_MS(1)); /* 8985-7 */
	rig_pass(SACK_RTT);
	sack_ack(c, 0, 3, 4);
	ck_assert(!f->reordering);
	sack_ack(c, 0, 1, 2);
	ck_assert(f->reordering);
}
END_TEST

START_TEST(rack_time_out_spares_what_is_young)
{
	train(3, TCPD_MS(10)); /* 8985-13 */
	rig_pass(SACK_RTT);
	f->rack_rtt = SACK_RTT;
	sack_send(c, 1);
	c->nrexmt = 0;
	rexmt_timeout(rig.t, c);
	ck_assert(xmit_waits(sack_record(c, 0)));
	ck_assert(xmit_in_flight(sack_record(c, 3)));
	ck_assert_uint_ge(c->lost, RIG_MSS);
}
END_TEST

START_TEST(rack_needs_sack)
{
	train(5, TCPD_MS(1)); /* 8985-1 */
	c->sack = false;
	rig_pass(SACK_RTT);
	for (unsigned i = 0; i < 4; i++)
		sack_ack(c, 0, 0, 0);
	ck_assert_uint_eq(f->rack_at, 0);
	ck_assert_int_eq(c->recovery, REC_FAST); /* RFC 6582's */
}
END_TEST

START_TEST(rack_least_rtt_is_that_of_a_window_of_time)
{
	train(1, 0); /* 8985-4 */
	for (unsigned i = 0; i < 320; i++) {
		rig.t->now += TCPD_SEC(1);
		rtt_sample(rig.t, c, 3 * SACK_RTT);
	}
	ck_assert_uint_eq(c->min_rtt, 3 * SACK_RTT);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("rack");
	TCase *tc = rig_case(s, "rack");

	tcase_add_test(tc, rack_remembers_each_transmission_finely);
	tcase_add_test(tc, rack_follows_the_transmission_sent_last);
	tcase_add_test(tc,
		       rack_passes_over_an_ack_too_early_for_a_retransmission);
	tcase_add_test(tc, rack_loses_what_had_its_round_trip_and_the_window);
	tcase_add_test(
		tc,
		rack_window_grows_with_dsacks_and_shrinks_after_16_recoveries);
	tcase_add_test(tc, rack_window_is_srtt_at_most);
	tcase_add_test(tc, rack_sees_an_original_that_was_overtaken);
	tcase_add_test(tc, rack_time_out_spares_what_is_young);
	tcase_add_test(tc, rack_needs_sack);
	tcase_add_test(tc, rack_least_rtt_is_that_of_a_window_of_time);
	return rig_run(s);
}
