/* SPDX-License-Identifier: MIT */
/*
 * test_cookie.c - SYN cookies as numbers: what goes in comes out, for as long
 * as it is good, for whom it is made, and for nobody else.
 * LINK: test/unit/rig.c */
#include <string.h>

#include "rig.h"
#include "tcp/cookie.h"

#define MINUTE TCPD_SEC(60)
#define START  (MINUTE * 1000)

static struct cookies fresh(void)
{
	struct cookies k = {.now = {{{1, 2}}, {{3, 4}}},
			    .was = {{{5, 6}}, {{7, 8}}}};

	cookie_start(&k, START);
	return k;
}

/* --- MSS */

static const struct {
	uint8_t version;
	uint16_t mss, back;
} sizes[] = {
	{4, 0, 536},	 {4, 535, 536},	   {4, 536, 536},   {4, 1299, 536},
	{4, 1300, 1300}, {4, 1439, 1300},  {4, 1440, 1440}, {4, 1459, 1440},
	{4, 1460, 1460}, {4, 65535, 1460}, {6, 0, 1220},    {6, 1220, 1220},
	{6, 1419, 1220}, {6, 1420, 1420},  {6, 1440, 1440}, {6, 8939, 1440},
	{6, 8940, 8940}, {6, 65535, 8940},
};

START_TEST(cookie_brings_back_the_mss_that_the_table_has)
{
	struct tuple tu = rig_tuple(sizes[_i].version, 80, 40000);
	struct cookies k = fresh();

	for (uint32_t isn = 0; isn < 1000; isn++) {
		uint32_t peer = isn * 0x9e3779b9u;
		uint32_t c = cookie_make(&k, &tu, peer, sizes[_i].mss, START);

		ck_assert_int_eq(cookie_check(&k, &tu, peer, c, START),
				 sizes[_i].back);
	}
	ck_assert_uint_eq(k.sent_at, START);
}
END_TEST

/* --- whose it is */

START_TEST(cookie_is_good_for_its_tuple_alone)
{
	struct tuple tu = rig_tuple(4, 80, 40000);
	struct cookies k = fresh();
	uint32_t c = cookie_make(&k, &tu, 77, 1460, START);

	for (size_t i = 0; i < sizeof(tu) * 8; i++) {
		struct tuple other = tu;

		((uint8_t *)&other)[i / 8] ^= (uint8_t)(1 << i % 8);
		ck_assert_int_eq(cookie_check(&k, &other, 77, c, START), 0);
	}
	ck_assert_int_eq(cookie_check(&k, &tu, 77, c, START), 1460);
}
END_TEST

/* An octet of the stream that is missing must not be hidden by another MSS. */
START_TEST(cookie_that_is_off_by_less_than_a_window_is_none)
{
	struct tuple tu = rig_tuple(4, 80, 40000);
	struct cookies k = fresh();

	for (unsigned m = 0; m < ARRAY_SIZE(sizes); m++) {
		uint32_t c = cookie_make(&k, &tu, 77, sizes[m].mss, START);

		for (uint32_t off = 1; off < 100000;
		     off += off < 100 ? 1 : 97) {
			ck_assert_int_eq(
				cookie_check(&k, &tu, 77 + off, c, START),
				off <= 65535 ? COOKIE_LATER : 0);
			ck_assert_int_eq(
				cookie_check(&k, &tu, 77 - off, c, START), 0);
			ck_assert_int_eq(
				cookie_check(&k, &tu, 77, c + off, START), 0);
			ck_assert_int_eq(
				cookie_check(&k, &tu, 77, c - off, START),
				off <= 65535 ? COOKIE_LATER : 0);
		}
	}
}
END_TEST

START_TEST(cookie_of_other_secrets_is_refused)
{
	struct tuple tu = rig_tuple(6, 80, 40000);
	struct cookies a = fresh(), b = fresh();
	uint32_t c;

	b.now.isn.k[0]++;
	b.was.isn.k[1]++;
	c = cookie_make(&b, &tu, 77, 1440, START);
	ck_assert_int_eq(cookie_check(&a, &tu, 77, c, START), 0);
	b = fresh();
	b.now.mss.k[1]++;
	b.was.mss.k[0]++;
	c = cookie_make(&b, &tu, 77, 1440, START);
	ck_assert_int_eq(cookie_check(&a, &tu, 77, c, START), 0);
}
END_TEST

/* Of 2^32 numbers eight are good: four MSS, two minutes. */
START_TEST(cookie_guessing_is_hopeless)
{
	struct tuple tu = rig_tuple(4, 80, 40000);
	struct cookies k = fresh();
	struct rng r = {1};
	unsigned good = 0, later = 0;

	for (unsigned i = 0; i < 1000000; i++) {
		int said = cookie_check(&k, &tu, (uint32_t)rng_next(&r),
					(uint32_t)rng_next(&r), START);

		good += said > 0;
		later += said == COOKIE_LATER;
	}
	ck_assert_uint_eq(good, 0);
	ck_assert_uint_lt(later, 400); /* 2^-13: 122 */
}
END_TEST

/* --- its time */

START_TEST(cookie_lives_until_the_second_minute_after_its_own)
{
	struct tuple tu = rig_tuple(4, 80, 40000);

	for (tcpd_time at = START; at < START + MINUTE;
	     at += MINUTE / 3 - TCPD_MS(1)) {
		struct cookies k = fresh();
		uint32_t c = cookie_make(&k, &tu, 77, 1300, at);
		const tcpd_time good[] = {at, START + MINUTE - 1,
					  START + MINUTE,
					  START + 2 * MINUTE - 1};

		for (unsigned i = 0; i < ARRAY_SIZE(good); i++)
			ck_assert_int_eq(cookie_check(&k, &tu, 77, c, good[i]),
					 1300);
		for (unsigned i = 2; i < 300; i++)
			ck_assert_int_eq(cookie_check(&k, &tu, 77, c,
						      START + i * MINUTE),
					 0);
	}
}
END_TEST

START_TEST(cookie_is_refused_after_a_long_sleep)
{
	static const uint32_t slept[] = {2, 3, 255, 256, 257, 258, 1000000};
	struct tuple tu = rig_tuple(4, 80, 40000);

	for (unsigned i = 0; i < ARRAY_SIZE(slept); i++) {
		struct cookies k = fresh();
		uint32_t c = cookie_make(&k, &tu, 77, 1300, START);

		ck_assert_int_eq(
			cookie_check(&k, &tu, 77, c, START + slept[i] * MINUTE),
			0);
	}
}
END_TEST

START_TEST(cookie_secrets_change_each_minute_and_leave_no_trace)
{
	struct tuple tu = rig_tuple(4, 80, 40000);
	struct cookies k = fresh(), was;
	uint32_t c[10];

	for (unsigned i = 0; i < ARRAY_SIZE(c); i++) {
		was = k;
		c[i] = cookie_make(&k, &tu, 77, 1300, START + i * MINUTE);
		ck_assert(!i || memcmp(&k.now.isn, &was.now.isn,
				       sizeof(k.now.isn)) != 0);
		ck_assert(!i || memcmp(&k.now.mss, &was.now.mss,
				       sizeof(k.now.mss)) != 0);
		ck_assert(!i || memcmp(&k.was, &was.now, sizeof(k.was)) == 0);
		for (unsigned j = 0; j < i; j++)
			ck_assert_uint_ne(c[i], c[j]);
	}
}
END_TEST

/* --- the time stamp */

START_TEST(cookie_ts_brings_back_what_the_syn_offered)
{
	struct cookie_opts o = {.sack = _i & 1, .ecn = (_i & 2) != 0};
	static const uint32_t clocks[] = {0,  1,    31,		63,  64,
					  65, 1000, 0x7fffffff, ~0u, ~0u - 63};

	for (uint8_t shift = 0; shift <= 15; shift++) {
		o.has_wscale = shift != 15;
		o.wscale = o.has_wscale ? shift : 0;
		for (unsigned i = 0; i < ARRAY_SIZE(clocks); i++) {
			uint32_t ts = cookie_ts(clocks[i], &o);
			struct cookie_opts back = cookie_ts_opts(ts);

			ck_assert_mem_eq(&o, &back, sizeof(o));
			ck_assert_uint_lt(clocks[i] - ts, COOKIE_TS_STEP);
		}
	}
}
END_TEST

int main(void)
{
	Suite *s = suite_create("cookie");
	TCase *tc = tcase_create("cookie");
	SRunner *sr = srunner_create(s);
	int failed;

	tcase_add_loop_test(tc, cookie_brings_back_the_mss_that_the_table_has,
			    0, ARRAY_SIZE(sizes));
	tcase_add_test(tc, cookie_is_good_for_its_tuple_alone);
	tcase_add_test(tc, cookie_that_is_off_by_less_than_a_window_is_none);
	tcase_add_test(tc, cookie_of_other_secrets_is_refused);
	tcase_add_test(tc, cookie_guessing_is_hopeless);
	tcase_add_test(tc, cookie_lives_until_the_second_minute_after_its_own);
	tcase_add_test(tc, cookie_is_refused_after_a_long_sleep);
	tcase_add_test(tc,
		       cookie_secrets_change_each_minute_and_leave_no_trace);
	tcase_add_loop_test(tc, cookie_ts_brings_back_what_the_syn_offered, 0,
			    4);
	suite_add_tcase(s, tc);
	srunner_set_tap(sr, "-");
	srunner_run_all(sr, CK_SILENT);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed != 0;
}
