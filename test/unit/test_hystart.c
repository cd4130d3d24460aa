/* SPDX-License-Identifier: MIT */
/*
 * test_hystart.c - RFC 9406 row by row: what a slow start does with the round
 * trips it is told.
 *
 * LINK: test/unit/rig.c
 */
#include "rig.h"
#include "tcp/cc_window.h"

#define MSS 1000u
#define MS  TCPD_MS(1)

static uint64_t priv[CC_NPRIV];
static struct cc_state s;
static uint64_t total;

static void begin(uint32_t cwnd, bool as_linux)
{
	memset(priv, 0, sizeof(priv));
	s = (struct cc_state){.mss = MSS, .cwnd = cwnd, .ssthresh = UINT32_MAX};
	cc_newreno.init(&s, priv,
			&(struct cc_begin){.now = 1, .as_linux = as_linux});
	total = 0;
}

/* One ACK of a segment; |left| octets are out after it. */
static void ack(tcpd_time rtt, uint32_t left)
{
	struct cc_sample rs = {.now = TCPD_SEC(1),
			       .acked = MSS,
			       .delivered = MSS,
			       .prior_in_flight = left + MSS,
			       .in_flight = left,
			       .rtt = rtt,
			       .total_delivered = total += MSS,
			       .cwnd_limited = true};

	cc_newreno.acked(&s, priv, &rs);
}

/* The rest of this round: the next ACK begins another. */
static void rest(tcpd_time rtt)
{
	do
		ack(rtt, s.cwnd);
	while (total + MSS < priv[W_ROUND_END]);
}

/* 9406-1: by what each constant does. */
static const struct threshold {
	const char *name;
	tcpd_time last, now;
	bool css;
} thresholds[] = {
	{"an eighth of 40 ms: less", 40 * MS, 45 * MS - 1, false},
	{"an eighth of 40 ms", 40 * MS, 45 * MS, true},
	{"4 ms at least: less", 8 * MS, 12 * MS - 1, false},
	{"4 ms at least", 8 * MS, 12 * MS, true},
	{"16 ms at most: less", 400 * MS, 416 * MS - 1, false},
	{"16 ms at most", 400 * MS, 416 * MS, true},
	{"it has fallen", 40 * MS, 20 * MS, false},
};

START_TEST(hystart_begins_css_when_round_trips_are_an_eighth_longer)
{
	const struct threshold *r = &thresholds[_i];

	begin(10 * MSS, false);
	for (unsigned i = 0; i < 10; i++)
		ack(r->last, 9 * MSS - i * MSS);
	for (unsigned i = 0; i < 8; i++) {
		ck_assert_msg(priv[H_PHASE] == HYSTART_SLOW_START, "%s: by %u",
			      r->name, i);
		ack(r->now, s.cwnd);
	}
	ck_assert_msg((priv[H_PHASE] == HYSTART_CSS) == r->css, "%s", r->name);
	ck_assert_uint_eq(s.ssthresh, UINT32_MAX);
}
END_TEST

START_TEST(hystart_round_ends_when_what_was_out_is_acknowledged)
{
	begin(10 * MSS, false);
	ack(40 * MS, 9 * MSS); /* what was out with it: 10 segments in all */
	for (unsigned i = 0; i < 8; i++)
		ack((41 + i) * MS, 9 * MSS);
	ck_assert_uint_eq(priv[H_SAMPLES], 9);
	ck_assert_uint_eq(priv[H_LAST], 0);
	ack(60 * MS, 9 * MSS);
	ck_assert_uint_eq(priv[H_SAMPLES], 1); /* it begins the next one */
	ck_assert_uint_eq(priv[H_LAST], 40 * MS);
	ck_assert_uint_eq(priv[H_LEAST], 60 * MS);
	ck_assert_uint_eq(priv[W_ROUND_END], 19 * MSS);
}
END_TEST

static void begin_css(void)
{
	begin(10 * MSS, false);
	rest(40 * MS);
	for (unsigned i = 0; i < 8; i++)
		ack(45 * MS, s.cwnd);
	ck_assert_uint_eq(priv[H_PHASE], HYSTART_CSS);
}

START_TEST(hystart_grows_a_quarter_as_fast_in_css)
{
	uint32_t was;

	begin_css();
	was = s.cwnd;
	for (unsigned i = 0; i < 4; i++)
		ack(45 * MS, s.cwnd);
	ck_assert_uint_eq(s.cwnd, was + MSS);
}
END_TEST

START_TEST(hystart_goes_back_when_round_trips_are_shorter_again)
{
	uint32_t was;

	begin_css();
	rest(45 * MS);
	for (unsigned i = 0; i < 7; i++)
		ack(41 * MS, s.cwnd);
	ck_assert_uint_eq(priv[H_PHASE], HYSTART_CSS); /* seven samples */
	ack(50 * MS, s.cwnd);
	ck_assert_uint_eq(priv[H_PHASE], HYSTART_SLOW_START);
	was = s.cwnd;
	ack(50 * MS, s.cwnd);
	ck_assert_uint_eq(s.cwnd, was + MSS);
	ck_assert_uint_eq(s.ssthresh, UINT32_MAX);
}
END_TEST

/* The round in which CSS began is the first. */
START_TEST(hystart_ends_slow_start_after_five_rounds_of_css)
{
	unsigned rounds = 0;

	begin_css();
	while (s.ssthresh == UINT32_MAX && rounds < 10) {
		uint64_t end = priv[W_ROUND_END];

		while (priv[W_ROUND_END] == end)
			ack(46 * MS, s.cwnd);
		rounds++;
	}
	ck_assert_uint_eq(rounds, 5);
	ck_assert_uint_le(s.cwnd, s.ssthresh + MSS);
}
END_TEST

START_TEST(hystart_is_over_when_something_is_lost)
{
	begin_css();
	cc_newreno.enter_recovery(&s, priv, s.cwnd, CC_LOSS, TCPD_SEC(1));
	ck_assert_uint_eq(s.ssthresh, s.cwnd / 2);
}
END_TEST

START_TEST(hystart_is_for_the_first_slow_start_alone)
{
	uint32_t was;

	begin(40 * MSS, false);
	cc_newreno.timeout(&s, priv, 40 * MSS, true, 1);
	s.cwnd = 10 * MSS;
	rest(40 * MS);
	was = s.cwnd;
	for (unsigned i = 0; i < 8 && s.cwnd < s.ssthresh; i++, was = s.cwnd) {
		ack(400 * MS, s.cwnd);
		ck_assert_uint_eq(s.cwnd, was + MSS);
	}
	ck_assert_uint_eq(s.ssthresh, 20 * MSS);
}
END_TEST

/* From 16 segments on, by the ninth sample that is above the least one ever. */
START_TEST(hystart_as_linux_ends_slow_start_at_once)
{
	begin(10 * MSS, true);
	rest(200 * MS);
	rest(200 * MS);
	ck_assert_uint_ge(s.cwnd, 16 * MSS);
	for (unsigned i = 0; i < 8; i++)
		ack((240 + i) * MS, s.cwnd);
	ck_assert_uint_eq(s.ssthresh, UINT32_MAX);
	ack(250 * MS, s.cwnd);
	ck_assert_uint_ne(s.ssthresh, UINT32_MAX);
	ck_assert_uint_le(s.cwnd, s.ssthresh + MSS);
}
END_TEST

START_TEST(hystart_as_linux_sees_a_new_least_round_trip)
{
	begin(20 * MSS, true);
	rest(200 * MS);
	for (unsigned i = 0; i < 8; i++)
		ack(210 * MS, s.cwnd);
	ack(29 * MS, s.cwnd);
	ack(210 * MS, s.cwnd);
	ck_assert_uint_eq(s.ssthresh, UINT32_MAX);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("hystart");
	TCase *tc = tcase_create("rows");

	suite_add_tcase(suite, tc);
	tcase_add_loop_test(
		tc, hystart_begins_css_when_round_trips_are_an_eighth_longer, 0,
		ARRAY_SIZE(thresholds));
	tcase_add_test(tc,
		       hystart_round_ends_when_what_was_out_is_acknowledged);
	tcase_add_test(tc, hystart_grows_a_quarter_as_fast_in_css);
	tcase_add_test(tc,
		       hystart_goes_back_when_round_trips_are_shorter_again);
	tcase_add_test(tc, hystart_ends_slow_start_after_five_rounds_of_css);
	tcase_add_test(tc, hystart_is_over_when_something_is_lost);
	tcase_add_test(tc, hystart_is_for_the_first_slow_start_alone);
	tcase_add_test(tc, hystart_as_linux_ends_slow_start_at_once);
	tcase_add_test(tc, hystart_as_linux_sees_a_new_least_round_trip);
	return rig_run(suite);
}
