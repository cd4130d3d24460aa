/* SPDX-License-Identifier: MIT */
/* test_seq.c - comparisons modulo 2^32, and the arithmetic of clamp.h. */
#include <check.h>

#include "base/clamp.h"
#include "base/seq.h"

START_TEST(seq_compares_around_every_edge)
{
	static const uint32_t at[] = {
		0, 1, 0x7fffffff, 0x80000000, 0x80000001, 0xffffffff, 12345};
	uint32_t a = at[_i];

	for (uint32_t d = 1; d < 0x80000000; d = d * 3 + 1) {
		uint32_t b = a + d;

		ck_assert(seq_lt(a, b) && seq_le(a, b) && !seq_gt(a, b) &&
			  !seq_ge(a, b));
		ck_assert(!seq_lt(b, a) && !seq_le(b, a) && seq_gt(b, a) &&
			  seq_ge(b, a));
		ck_assert_uint_eq(seq_max(a, b), b);
		ck_assert_uint_eq(seq_max(b, a), b);
		ck_assert_uint_eq(seq_min(a, b), a);
		ck_assert_uint_eq(seq_min(b, a), a);
		ck_assert_int_eq(seq_diff(b, a), (int32_t)d);
		ck_assert_int_eq(seq_diff(a, b), -(int32_t)d);
	}
	ck_assert(!seq_lt(a, a) && seq_le(a, a) && !seq_gt(a, a) &&
		  seq_ge(a, a));
	ck_assert(seq_in(a, a, 1) && !seq_in(a, a, 0));
	ck_assert(seq_in(a + 9, a, 10) && !seq_in(a + 10, a, 10));
	ck_assert(!seq_in(a - 1, a, 10));
}
END_TEST

START_TEST(clamp_keeps_values_in_their_range)
{
	ck_assert_uint_eq(min_u32(3, 4), 3);
	ck_assert_uint_eq(max_u32(3, 4), 4);
	ck_assert_uint_eq(min_u64(UINT64_MAX, 4), 4);
	ck_assert_uint_eq(max_u64(UINT64_MAX, 4), UINT64_MAX);
	ck_assert_uint_eq(clamp_u32(UINT64_MAX, 1, 9), 9);
	ck_assert_uint_eq(clamp_u32(0, 1, 9), 1);
	ck_assert_uint_eq(clamp_u32(5, 1, 9), 5);
	ck_assert_uint_eq(clamp_u32(UINT64_C(1) << 32, 1, UINT32_MAX),
			  UINT32_MAX);
	ck_assert_uint_eq(sub_sat(5, 3), 2);
	ck_assert_uint_eq(sub_sat(3, 5), 0);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("seq");
	TCase *tc = tcase_create("seq");
	SRunner *sr = srunner_create(s);
	int failed;

	tcase_add_loop_test(tc, seq_compares_around_every_edge, 0, 7);
	tcase_add_test(tc, clamp_keeps_values_in_their_range);
	suite_add_tcase(s, tc);
	srunner_set_tap(sr, "-");
	srunner_run_all(sr, CK_SILENT);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed != 0;
}
