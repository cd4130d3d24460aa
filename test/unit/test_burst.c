/* SPDX-License-Identifier: MIT */
/*
 * test_burst.c - how long a burst is: by rate, by distance, by window.
 *
 * LINK: test/unit/rig.c
 */
#include "rig.h"
#include "tcp/pace.h"

#define MSS 1000u

static uint32_t burst(tcpd_time rtt, uint32_t segments, uint32_t ssthresh,
		      uint32_t may)
{
	struct conn c = {.srtt = rtt, .min_rtt = rtt, .mss = MSS};

	c.ccs.cwnd = segments * MSS;
	c.ccs.ssthresh = ssthresh;
	c.snd_una = c.snd_nxt = c.burst_end = 4000000000u;
	return burst_end(&c, may, MSS, 0) - c.snd_nxt;
}

START_TEST(burst_is_what_a_millisecond_takes)
{
	/* 20,000 segments a second: 19.5 in the millisecond of 2^-10 s */
	ck_assert_uint_eq(burst(TCPD_MS(100), 1000, UINT32_MAX, 60000), 19000);
	/* near the threshold of slow start at 1.2 times the rate */
	ck_assert_uint_eq(burst(TCPD_MS(100), 1000, 1000 * MSS, 60000), 11000);
}
END_TEST

START_TEST(burst_has_two_segments_at_least)
{
	ck_assert_uint_eq(burst(TCPD_MS(100), 10, UINT32_MAX, 60000), 2000);
	/* unless the window has only these */
	ck_assert_uint_eq(burst(TCPD_MS(100), 2, UINT32_MAX, 60000), 1000);
}
END_TEST

START_TEST(burst_is_long_where_it_is_near)
{
	ck_assert_uint_eq(burst(0, 1000, UINT32_MAX, 90000), 65000);
	ck_assert_uint_eq(burst(TCPD_US(600), 10, UINT32_MAX, 90000), 5000);
}
END_TEST

START_TEST(burst_ends_with_what_may_go)
{
	ck_assert_uint_eq(burst(0, 1000, UINT32_MAX, 1234), 1234);
}
END_TEST

START_TEST(burst_goes_on_to_its_end)
{
	struct conn c = {
		.srtt = TCPD_MS(100), .min_rtt = TCPD_MS(100), .mss = MSS};

	c.ccs.cwnd = 10 * MSS;
	c.ccs.ssthresh = UINT32_MAX;
	c.snd_nxt = 0xfffffff0u;
	c.burst_end = 1500;
	ck_assert(burst_goes_on(&c));
	ck_assert_uint_eq(burst_end(&c, 60000, MSS, 0), 1500);
	c.snd_nxt = 1500;
	ck_assert(!burst_goes_on(&c));
	ck_assert_uint_eq(burst_end(&c, 60000, MSS, 0), 3500);
}
END_TEST

START_TEST(burst_has_room_for_a_segment_that_has_grown)
{
	struct conn c = {
		.srtt = TCPD_MS(100), .min_rtt = TCPD_MS(100), .mss = MSS};

	c.ccs.cwnd = 10 * MSS;
	c.ccs.ssthresh = UINT32_MAX;
	c.snd_nxt = 7000;
	c.burst_end = 7000 + MSS - 12; /* planned beside SACK blocks */
	ck_assert_uint_eq(burst_end(&c, 60000, MSS, 0), 9000);
	/* nothing is behind it */
	ck_assert_uint_eq(burst_end(&c, MSS - 12, MSS, 0), 7000 + MSS - 12);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("burst");
	TCase *tc = rig_case(s, "burst");

	tcase_add_test(tc, burst_is_what_a_millisecond_takes);
	tcase_add_test(tc, burst_has_two_segments_at_least);
	tcase_add_test(tc, burst_is_long_where_it_is_near);
	tcase_add_test(tc, burst_ends_with_what_may_go);
	tcase_add_test(tc, burst_goes_on_to_its_end);
	tcase_add_test(tc, burst_has_room_for_a_segment_that_has_grown);
	return rig_run(s);
}
