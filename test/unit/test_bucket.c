/* SPDX-License-Identifier: MIT */
/* test_bucket.c - a token bucket gives what was asked of it, in any window. */
#include <check.h>

#include "base/bucket.h"

#define START 1000000u

START_TEST(bucket_gives_at_once_what_it_holds)
{
	uint64_t full = 0;
	unsigned n = 0;

	while (bucket_take(&full, START, 10, 100))
		n++;
	ck_assert_uint_eq(n, 10);
	ck_assert(!bucket_take(&full, START + 9, 10, 100));
	ck_assert(bucket_take(&full, START + 10, 10, 100));
	ck_assert(!bucket_take(&full, START + 10, 10, 100));
	/* after a long time it holds no more than that */
	for (n = 0; bucket_take(&full, (uint64_t)START * 1000u, 10, 100);)
		n++;
	ck_assert_uint_eq(n, 10);
}
END_TEST

START_TEST(bucket_that_is_smaller_than_a_token_holds_one)
{
	uint64_t full = 0;

	ck_assert(bucket_take(&full, START, 1000, 100));
	ck_assert(!bucket_take(&full, START + 999, 1000, 100));
	ck_assert(bucket_take(&full, START + 1000, 1000, 100));
}
END_TEST

START_TEST(bucket_is_no_fuller_in_any_window_than_it_may_be)
{
	enum { TIMES = 4000, GAP = 7, DEPTH = 50, WINDOW = 100 };
	static unsigned taken[TIMES];
	uint64_t full = 0;
	unsigned sum = 0, all = 0;

	for (unsigned i = 0; i < TIMES; i++) {
		/* bursts with pauses between them */
		for (unsigned k = 0; i % 61 < 40 && k < 3; k++)
			taken[i] += bucket_take(&full, START + i, GAP, DEPTH);
		sum += taken[i];
		all += taken[i];
		if (i >= WINDOW)
			sum -= taken[i - WINDOW];
		ck_assert_uint_le(sum, (WINDOW + DEPTH) / GAP + 1);
	}
	ck_assert_uint_ge(all, TIMES / GAP - DEPTH / GAP);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("bucket");
	TCase *tc = tcase_create("bucket");
	SRunner *sr;
	int failed;

	tcase_add_test(tc, bucket_gives_at_once_what_it_holds);
	tcase_add_test(tc, bucket_that_is_smaller_than_a_token_holds_one);
	tcase_add_test(tc, bucket_is_no_fuller_in_any_window_than_it_may_be);
	suite_add_tcase(s, tc);
	sr = srunner_create(s);
	srunner_set_tap(sr, "-");
	srunner_run_all(sr, CK_SILENT);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed != 0;
}
