/* SPDX-License-Identifier: MIT */
/*
 * test_cc_newreno.c - RFC 5681 row by row, on the module alone.
 *
 * LINK: test/unit/rig.c
 */
#include "rig.h"

#define MSS 1000u

static uint64_t priv[CC_NPRIV];

static struct cc_state fresh(uint32_t cwnd, uint32_t ssthresh)
{
	struct cc_state s = {.mss = MSS, .cwnd = cwnd, .ssthresh = ssthresh};

	memset(priv, 0, sizeof(priv));
	cc_newreno.init(&s, priv, &(struct cc_begin){.now = 1});
	return s;
}

static void acks(struct cc_state *s, unsigned n, uint32_t each, bool limited)
{
	struct cc_sample rs = {.acked = each, .cwnd_limited = limited};

	while (n--) {
		rs.prior_in_flight = s->cwnd;
		rs.total_delivered += each;
		cc_newreno.acked(s, priv, &rs);
	}
}

static const struct growth {
	const char *name;
	uint32_t cwnd, ssthresh;
	unsigned nacks;
	uint32_t each;
	bool limited;
	uint32_t want;
} growths[] = {
	{"5681-2: slow start, one ACK of an octet", 4000, UINT32_MAX, 1, 1,
	 true, 4001},
	{"5681-2: slow start, ten ACKs of a segment", 10000, UINT32_MAX, 10,
	 MSS, true, 20000},
	{"slow start, one ACK of a super-segment", 10000, UINT32_MAX, 1, 10000,
	 true, 20000},
	{"slow start ends at ssthresh", 10000, 12000, 2, MSS, true, 12000},
	{"what is beyond ssthresh counts for avoidance", 10000, 12000, 1, 14000,
	 true, 13000},
	{"5681-3: avoidance, a window of ACKs is a segment", 20000, 20000, 20,
	 MSS, true, 21000},
	{"5681-3: avoidance, one less is nothing yet", 20000, 20000, 19, MSS,
	 true, 20000},
	{"5681-3: avoidance, one ACK for a whole window", 20000, 20000, 1,
	 20000, true, 21000},
	{"avoidance, two windows", 20000, 20000, 41, MSS, true, 22000},
	{"7661: a window that is not used does not grow", 10000, UINT32_MAX, 10,
	 MSS, false, 10000},
};

START_TEST(newreno_grows_as_rfc_5681_says)
{
	const struct growth *g = &growths[_i];
	struct cc_state s = fresh(g->cwnd, g->ssthresh);

	acks(&s, g->nacks, g->each, g->limited);
	ck_assert_msg(s.cwnd == g->want, "%s: cwnd %u, not %u", g->name, s.cwnd,
		      g->want);
}
END_TEST

START_TEST(newreno_begins_with_the_window_that_there_is)
{
	struct cc_state s = {.mss = MSS,
			     .cwnd = 14600,
			     .ssthresh = 20000,
			     .pacing_rate = 7,
			     .burst = 7};

	cc_newreno.init(&s, priv, &(struct cc_begin){.now = 1});
	ck_assert_uint_eq(s.cwnd, 14600);
	ck_assert_uint_eq(s.ssthresh, 20000);
	ck_assert_uint_eq(s.pacing_rate | s.burst, 0);
}
END_TEST

static const struct loss {
	const char *name;
	bool rto, first;
	uint32_t flight, ssthresh, cwnd;
} losses[] = {
	{"5681-4: RTO with ten in flight", true, true, 10000, 5000, MSS},
	{"5681-4: RTO with little in flight", true, true, 3000, 2000, MSS},
	{"5681-4: RTO of the same data again", true, false, 1000, 77777, MSS},
	{"5681-7: fast retransmit with ten in flight", false, true, 10000, 5000,
	 10000},
	{"5681-7: with little in flight", false, true, 1000, 2000, 10000},
};

START_TEST(newreno_answers_a_loss_as_rfc_5681_says)
{
	const struct loss *l = &losses[_i];
	struct cc_state s = fresh(10000, 77777);

	if (l->rto)
		cc_newreno.timeout(&s, priv, l->flight, l->first, 1);
	else
		cc_newreno.enter_recovery(&s, priv, l->flight, CC_LOSS, 1);
	ck_assert_msg(s.ssthresh == l->ssthresh, "%s: ssthresh %u", l->name,
		      s.ssthresh);
	ck_assert_msg(s.cwnd == l->cwnd, "%s: cwnd %u", l->name, s.cwnd);
}
END_TEST

START_TEST(newreno_does_not_grow_in_recovery)
{
	struct cc_state s = fresh(10000, 5000);
	struct cc_sample rs = {
		.acked = 50000, .cwnd_limited = true, .in_recovery = true};

	cc_newreno.acked(&s, priv, &rs);
	ck_assert_uint_eq(s.cwnd, 10000);
}
END_TEST

START_TEST(newreno_restarts_after_idle_with_at_most_iw)
{
	struct cc_state s = fresh(100000, 5000);

	cc_newreno.restart(&s, priv, 10000, TCPD_SEC(2),
			   TCPD_SEC(3)); /* 5681-8 */
	ck_assert_uint_eq(s.cwnd, 10000);
	ck_assert_uint_eq(s.ssthresh, 75000); /* what it was, but faster */
	s.cwnd = 3000;
	cc_newreno.restart(&s, priv, 10000, TCPD_SEC(2), TCPD_SEC(3));
	ck_assert_uint_eq(s.cwnd, 3000);
}
END_TEST

START_TEST(newreno_undo_takes_back_what_was_halved)
{
	struct cc_state s = fresh(10000, 20000);

	cc_newreno.timeout(&s, priv, 10000, true, 1);
	cc_newreno.undo(&s, priv, &(struct cc_prior){10000, 20000}, 1);
	ck_assert_uint_eq(s.cwnd, 10000);
	ck_assert_uint_eq(s.ssthresh, 20000);
	/* what has grown further since stays */
	s.cwnd = 30000;
	cc_newreno.undo(&s, priv, &(struct cc_prior){10000, 1}, 1);
	ck_assert_uint_eq(s.cwnd, 30000);
	ck_assert_uint_eq(s.ssthresh, 20000);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("cc_newreno");
	TCase *tc = rig_case(s, "rows");

	tcase_add_loop_test(tc, newreno_grows_as_rfc_5681_says, 0,
			    ARRAY_SIZE(growths));
	tcase_add_test(tc, newreno_begins_with_the_window_that_there_is);
	tcase_add_loop_test(tc, newreno_answers_a_loss_as_rfc_5681_says, 0,
			    ARRAY_SIZE(losses));
	tcase_add_test(tc, newreno_does_not_grow_in_recovery);
	tcase_add_test(tc, newreno_restarts_after_idle_with_at_most_iw);
	tcase_add_test(tc, newreno_undo_takes_back_what_was_halved);
	return rig_run(s);
}
