/* SPDX-License-Identifier: MIT */
/*
 * test_tlp.c - when the tail is probed (RFC 8985, 7.2), and what is sent.
 *
 * LINK: test/unit/rig.c
 */
#include "rig.h"

#define RTT TCPD_MS(10)

static struct conn *c;

/* |n| octets are in flight. */
static void conn(uint32_t n)
{
	rig_restart();
	c = rig_conn(1, 5000);
	c->sack = true;
	rtt_sample(rig.t, c, RTT);
	rig_fill(c, 1, 0, n);
	conn_want_output(rig.t, c);
	rig_drain();
}

START_TEST(tlp_waits_for_two_round_trips)
{
	conn(3 * RIG_MSS);
	ck_assert_uint_eq(c->timer[CT_TLP], rig.now + 2 * RTT + TCPD_MS(2));
	ck_assert_uint_lt(c->timer[CT_TLP], flow_of(rig.t, c)->rto_at);
	/* one timer at a time: 8985, 8 */
	ck_assert_uint_eq(c->timer[CT_REXMT], 0);
}
END_TEST

START_TEST(tlp_leaves_a_single_segment_s_ack_its_time_but_is_never_late)
{
	conn(RIG_MSS);
	/* 20 ms and 200 ms: the time-out of 210 ms would be first */
	ck_assert_uint_eq(c->timer[CT_TLP], flow_of(rig.t, c)->rto_at);
}
END_TEST

START_TEST(tlp_sends_the_last_segment_once)
{
	struct packet p;

	conn(2 * RIG_MSS + 100);
	rig_pass(2 * RTT + TCPD_MS(2));
	ck_assert(rig_out(&p));
	ck_assert_uint_eq(p.len, 100);
	ck_assert_uint_eq(p.seq, c->snd_nxt - 100);
	ck_assert_uint_eq(rig.t->stat.timeouts_tlp, 1);
	ck_assert_uint_eq(c->timer[CT_TLP], 0);
	ck_assert(c->tlp_out && c->tlp_resent);
	/* a whole RTO from here on */
	ck_assert_uint_eq(c->timer[CT_REXMT], rig.now + c->rto);
	ck_assert(!rig_out(&p));
}
END_TEST

static void no_sack(void)
{
	c->sack = false;
}

static void no_sample(void)
{
	c->srtt = 0;
}

static void recovers(void)
{
	c->recovery = REC_RTO;
}

static void was_probed(void)
{
	c->tlp_out = true;
}

static void not_sampled(void)
{
	flow_of(rig.t, c)->sampled = false;
}

static const struct row {
	const char *name;
	void (*change)(void);
} rows[] = {
	{"without SACK", no_sack},
	{"without a sample", no_sample},
	{"in a recovery", recovers},
	{"a second time", was_probed},
	{"before a new sample of the round trip", not_sampled},
};

START_TEST(tlp_is_not_for)
{
	conn(3 * RIG_MSS);
	rows[_i].change();
	rexmt_arm(rig.t, c);
	ck_assert_msg(c->timer[CT_TLP] == 0, "%s", rows[_i].name);
}
END_TEST

START_TEST(tlp_is_one_of_congestion_when_it_has_helped)
{
	uint32_t cwnd;

	conn(2 * RIG_MSS);
	cwnd = c->ccs.cwnd;
	c->tlp_out = c->tlp_resent = true;
	c->tlp_end = c->snd_nxt;
	c->snd_una = c->snd_nxt;
	tlp_acked(rig.t, c); /* the probe's own ACK does not tell */
	ck_assert(c->tlp_out);
	ck_assert_uint_eq(c->ccs.cwnd, cwnd);
	c->snd_una = c->snd_nxt + 1;
	tlp_acked(rig.t, c);
	ck_assert(!c->tlp_out);
	ck_assert_uint_eq(c->ccs.cwnd, cwnd / 2);
	c->snd_una = c->snd_nxt;
}
END_TEST

START_TEST(tlp_was_for_nothing_when_it_came_twice)
{
	uint32_t cwnd;

	conn(2 * RIG_MSS);
	cwnd = c->ccs.cwnd;
	c->tlp_out = c->tlp_resent = true;
	c->tlp_end = c->snd_una;
	tlp_came_twice(c, c->tlp_end);
	ck_assert(!c->tlp_out);
	tlp_acked(rig.t, c);
	ck_assert_uint_eq(c->ccs.cwnd, cwnd);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("tlp");
	TCase *tc = rig_case(s, "tlp");

	tcase_add_test(tc, tlp_waits_for_two_round_trips);
	tcase_add_test(
		tc,
		tlp_leaves_a_single_segment_s_ack_its_time_but_is_never_late);
	tcase_add_test(tc, tlp_sends_the_last_segment_once);
	tcase_add_loop_test(tc, tlp_is_not_for, 0,
			    (int)(sizeof(rows) / sizeof(rows[0])));
	tcase_add_test(tc, tlp_is_one_of_congestion_when_it_has_helped);
	tcase_add_test(tc, tlp_was_for_nothing_when_it_came_twice);
	return rig_run(s);
}
