/* SPDX-License-Identifier: MIT */
/*
 * test_recover.c - the states of recovery: what begins one, how often the
 * window falls, and what ends it.
 *
 * LINK: test/unit/rig.c
 */
#include "sack_rig.h"

static struct conn *c;

static void flying(unsigned n)
{
	c = sack_conn(n);
	sack_send(c, n);
	rig_pass(SACK_RTT);
}

START_TEST(recover_falls_once_for_many_losses_of_a_window)
{
	flying(10);
	sack_ack(c, 0, 1, 4);
	ck_assert_int_eq(c->recovery, REC_FAST);
	ck_assert_uint_eq(c->ccs.ssthresh, 5 * RIG_MSS);
	rig_drain();
	rig_pass(TCPD_MS(1));
	sack_ack(c, 0, 6, 10);
	ck_assert_uint_eq(c->lost, 3 * RIG_MSS);
	ck_assert_uint_eq(c->ccs.ssthresh, 5 * RIG_MSS);
	ck_assert_uint_eq(rig.t->stat.recovery_fast, 1);
}
END_TEST

START_TEST(recover_falls_again_when_a_retransmission_is_lost)
{
	flying(10);
	rig_fill(c, 1, 10 * RIG_MSS, 10 * RIG_MSS);
	sack_ack(c, 0, 1, 10);
	ck_assert_uint_ge(rig_drain(), 3); /* the first again, and new ones */
	rig_pass(SACK_RTT);
	sack_ack(c, 0, 1, 12);
	ck_assert_uint_eq(rig.t->stat.recovery_lost_again, 1);
	ck_assert_uint_eq(c->ccs.ssthresh, 5 * RIG_MSS / 2);
	ck_assert_uint_eq(rig_expect(FLAG_ACK).seq, SACK_SEQ);
	ck_assert_uint_eq(rig.t->stat.timeouts_rexmt, 0);
}
END_TEST

START_TEST(recover_ends_with_all_that_was_out)
{
	flying(10);
	sack_ack(c, 0, 1, 10);
	rig_fill(c, 1, 10 * RIG_MSS, 10 * RIG_MSS);
	conn_want_output(rig.t, c);
	rig_drain();
	sack_ack(c, 1, 1, 9);
	ck_assert_int_eq(c->recovery, REC_FAST);
	sack_ack(c, 10, 10, 10);
	ck_assert_int_eq(c->recovery, REC_OPEN);
	ck_assert_uint_eq(c->ccs.cwnd, 5 * RIG_MSS);
}
END_TEST

START_TEST(recover_of_a_mark_loses_nothing)
{
	struct news n = {.flight = 10 * RIG_MSS};

	flying(10);
	recover_marked(rig.t, c, &n);
	ck_assert_int_eq(c->recovery, REC_CWR);
	ck_assert_uint_eq(c->ccs.ssthresh, 5 * RIG_MSS);
	recover_marked(rig.t, c, &n); /* once a round trip */
	ck_assert_uint_eq(c->ccs.ssthresh, 5 * RIG_MSS);
	for (unsigned i = 1; i <= 10; i++)
		sack_ack(c, i, i, i);
	ck_assert_int_eq(c->recovery, REC_OPEN);
	ck_assert_uint_eq(c->ccs.cwnd, 5 * RIG_MSS);
	ck_assert_uint_eq(c->retransmits, 0);
}
END_TEST

START_TEST(recover_from_a_mark_to_a_loss_falls_once)
{
	struct news n = {.flight = 10 * RIG_MSS};

	flying(10);
	recover_marked(rig.t, c, &n);
	sack_ack(c, 0, 1, 5);
	ck_assert_int_eq(c->recovery, REC_FAST);
	ck_assert_uint_eq(c->ccs.ssthresh, 5 * RIG_MSS);
}
END_TEST

/* 6675-4: what was sent before the time-out begins no other recovery. */
START_TEST(recover_from_a_time_out_lets_no_other_begin)
{
	flying(10);
	sack_ack(c, 0, 1, 5);
	rig_drain();
	rexmt_timeout(rig.t, c);
	ck_assert_int_eq(c->recovery, REC_RTO);
	rig_drain();
	sack_ack(c, 0, 1, 9);
	ck_assert_int_eq(c->recovery, REC_RTO);
	ck_assert_uint_eq(rig.t->stat.recovery_fast, 1);
	sack_ack(c, 10, 10, 10);
	ck_assert_int_eq(c->recovery, REC_OPEN);
}
END_TEST

START_TEST(recover_by_the_probe_of_a_tail_is_one_of_congestion)
{
	flying(10);
	recover_at_once(rig.t, c);
	ck_assert_uint_eq(c->ccs.cwnd, 5 * RIG_MSS);
	ck_assert_int_eq(c->recovery, REC_OPEN);
}
END_TEST

/* The ACK that begins a recovery belongs to it: no growth, no new epoch. */
START_TEST(recover_begins_with_no_growth)
{
	c = sack_conn(40);
	conn_change_cc(rig.t, c, TCPD_CC_CUBIC);
	sack_send(c, 40);
	rig_pass(SACK_RTT);
	sack_ack(c, 5, 6, 9);
	ck_assert_int_eq(c->recovery, REC_FAST);
	rig_drain();
	sack_ack(c, 40, 40, 40);
	ck_assert_int_eq(c->recovery, REC_OPEN);
	sack_send(c, 100);
	for (unsigned i = 40; i < 60; i++) {
		rig_pass(TCPD_MS(1));
		sack_ack(c, i + 1, i + 1, i + 1);
		rig_drain();
	}
	ck_assert_uint_le(c->ccs.cwnd, c->ccs.ssthresh + 2 * RIG_MSS);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("recover");
	TCase *tc = rig_case(s, "recover");

	tcase_add_test(tc, recover_falls_once_for_many_losses_of_a_window);
	tcase_add_test(tc, recover_falls_again_when_a_retransmission_is_lost);
	tcase_add_test(tc, recover_ends_with_all_that_was_out);
	tcase_add_test(tc, recover_of_a_mark_loses_nothing);
	tcase_add_test(tc, recover_from_a_mark_to_a_loss_falls_once);
	tcase_add_test(tc, recover_from_a_time_out_lets_no_other_begin);
	tcase_add_test(tc, recover_by_the_probe_of_a_tail_is_one_of_congestion);
	tcase_add_test(tc, recover_begins_with_no_growth);
	return rig_run(s);
}
