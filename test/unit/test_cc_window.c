/* SPDX-License-Identifier: MIT */
/*
 * test_cc_window.c - what becomes of a window that is not in use (RFC 7661),
 * in each module that has one.
 *
 * LINK: test/unit/rig.c
 */
#include "rig.h"
#include "tcp/cc_window.h"

#define MSS 1000u

static const struct cc_ops *const modules[] = {&cc_newreno, &cc_cubic};

static const struct cc_ops *cc;
static uint64_t priv[CC_NPRIV];
static struct cc_state s;
static uint64_t total;
static tcpd_time now;

static void begin(int module, uint32_t cwnd, uint32_t ssthresh)
{
	cc = modules[module];
	memset(priv, 0, sizeof(priv));
	s = (struct cc_state){
		.mss = MSS, .cwnd = cwnd * MSS, .ssthresh = ssthresh};
	total = 0;
	now = TCPD_SEC(1);
	cc->init(&s, priv, &(struct cc_begin){.now = now});
}

/* |n| segments of |out| that are in flight are acknowledged. */
static void ack(uint32_t n, uint32_t out, bool limited, tcpd_time rtt)
{
	struct cc_sample rs = {.now = now,
			       .acked = n * MSS,
			       .delivered = n * MSS,
			       .rtt = rtt,
			       .prior_in_flight = out * MSS,
			       .in_flight = (out - n) * MSS,
			       .total_delivered = total += n * MSS,
			       .cwnd_limited = limited};

	cc->acked(&s, priv, &rs);
}

static void app_limited(unsigned seconds, uint32_t out)
{
	for (unsigned i = 0; i < 10 * seconds; i++) {
		now += TCPD_MS(100);
		ack(out, out, false, TCPD_MS(100));
	}
}

START_TEST(window_that_is_not_in_use_is_kept_and_does_not_grow)
{
	begin(_i, 40, 20 * MSS);
	app_limited(10, 10);
	ck_assert_uint_eq(s.cwnd, 40 * MSS);
	ck_assert_uint_eq(s.ssthresh, 20 * MSS);
}
END_TEST

START_TEST(window_that_is_not_in_use_for_five_minutes_is_halved)
{
	begin(_i, 40, 20 * MSS);
	app_limited(299, 10);
	ck_assert_uint_eq(s.cwnd, 40 * MSS);
	app_limited(2, 10);
	ck_assert_uint_eq(s.cwnd, 20 * MSS);
	ck_assert_uint_eq(s.ssthresh, 30 * MSS);
	app_limited(301, 2); /* never below the first one */
	app_limited(301, 2);
	ck_assert_uint_eq(s.cwnd, 10 * MSS);
}
END_TEST

START_TEST(window_of_which_half_is_in_use_is_kept)
{
	begin(_i, 40, 20 * MSS);
	app_limited(700, 21);
	ck_assert_uint_eq(s.cwnd, 40 * MSS);
	app_limited(250, 1); /* the time begins again whenever it is */
	app_limited(1, 21);
	app_limited(250, 1);
	ck_assert_uint_eq(s.cwnd, 40 * MSS);
}
END_TEST

START_TEST(window_grows_to_twice_what_is_in_use_in_slow_start)
{
	begin(_i, 10, UINT32_MAX);
	for (uint32_t out = 9; out > 1; out -= 2)
		ack(2, out, true, TCPD_MS(100));
	ack(1, 1, true, TCPD_MS(100));
	ck_assert_uint_eq(s.cwnd, 18 * MSS);
	begin(_i, 10, UINT32_MAX); /* half is not more than half */
	for (uint32_t out = 5; out; out--)
		ack(1, out, true, TCPD_MS(100));
	ck_assert_uint_eq(s.cwnd, 10 * MSS);
}
END_TEST

START_TEST(window_comes_back_to_three_quarters_after_idle)
{
	begin(_i, 100, 20 * MSS);
	cc->restart(&s, priv, 10 * MSS, TCPD_SEC(2), now);
	ck_assert_uint_eq(s.cwnd, 10 * MSS);
	ck_assert_uint_eq(s.ssthresh, 75 * MSS);
	cc->restart(&s, priv, 10 * MSS, TCPD_SEC(2), now); /* nothing left */
	ck_assert_uint_eq(s.ssthresh, 75 * MSS);
}
END_TEST

/* 9438-9: round trips that grow from 40 ms by 5 ms a round, nothing lost */
START_TEST(window_leaves_its_first_slow_start_by_hystart)
{
	tcpd_time rtt = TCPD_MS(40);

	begin(_i, 10, UINT32_MAX);
	for (unsigned i = 0; i < 20 && s.ssthresh == UINT32_MAX; i++) {
		uint32_t n = s.cwnd / MSS;

		for (uint32_t out = n; out; out--)
			ack(1, out, true, rtt);
		rtt += TCPD_MS(5);
		now += rtt;
	}
	ck_assert_uint_ne(s.ssthresh, UINT32_MAX);
	ck_assert_uint_ge(s.ssthresh, 20 * MSS);
	ck_assert_uint_lt(s.ssthresh, 200 * MSS);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("cc_window");
	TCase *tc = tcase_create("window");
	int n = ARRAY_SIZE(modules);

	suite_add_tcase(suite, tc);
	tcase_add_loop_test(
		tc, window_that_is_not_in_use_is_kept_and_does_not_grow, 0, n);
	tcase_add_loop_test(
		tc, window_that_is_not_in_use_for_five_minutes_is_halved, 0, n);
	tcase_add_loop_test(tc, window_of_which_half_is_in_use_is_kept, 0, n);
	tcase_add_loop_test(
		tc, window_grows_to_twice_what_is_in_use_in_slow_start, 0, n);
	tcase_add_loop_test(tc, window_comes_back_to_three_quarters_after_idle,
			    0, n);
	tcase_add_loop_test(tc, window_leaves_its_first_slow_start_by_hystart,
			    0, n);
	return rig_run(suite);
}
