/* SPDX-License-Identifier: MIT */
/* test_cksum.c - every way to sum gives what adding 16-bit words gives. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "wire/cksum_avx2.h"

static uint64_t rnd(uint64_t *s)
{
	*s ^= *s << 13;
	*s ^= *s >> 7;
	*s ^= *s << 17;
	return *s;
}

/* RFC 1071, word by word. */
static uint16_t naive(const uint8_t *p, size_t len)
{
	uint32_t s = 0;

	for (size_t i = 0; i < len; i++) {
		s += i % 2 ? p[i] : (uint32_t)p[i] << 8;
		s = (s & 0xffff) + (s >> 16);
	}
	return (uint16_t)s;
}

static cksum_fn *ways[3];
static const char *const names[] = {"portable", "chosen", "avx2"};

static int nways(void)
{
	ways[0] = cksum_portable;
	ways[1] = cksum_choose();
#ifdef __x86_64__
	if (__builtin_cpu_supports("avx2")) {
		ways[2] = cksum_avx2;
		return 3;
	}
#endif
	return 2;
}

enum fill { RANDOM, ZEROS, ONES };

/* Exact-size heap copies: ASan sees one octet too far. */
static uint8_t *filled(enum fill how, size_t len, uint64_t *seed)
{
	uint8_t *p = malloc(len ? len : 1);

	ck_assert_ptr_nonnull(p);
	for (size_t i = 0; i < len; i++)
		p[i] = how == RANDOM ? (uint8_t)rnd(seed)
		       : how == ONES ? 255
				     : 0;
	return p;
}

START_TEST(cksum_is_the_same_every_way_for_all_lengths_and_alignments)
{
	uint64_t seed = 88172645463325252u;
	int n = nways();

	/* 0 to 300, and where wide registers begin to pay */
	for (size_t len = 0; len <= 1100; len += len == 300 ? 400 : 1)
		for (size_t at = 0; at < 33; at++) {
			uint8_t *p = filled((enum fill)_i, at + len, &seed);

			for (int w = 0; w < n; w++)
				if (cksum_fold(ways[w](p + at, len)) !=
				    naive(p + at, len))
					ck_abort_msg("%s: %zu octets at %zu",
						     names[w], len, at);
			free(p);
		}
}
END_TEST

START_TEST(cksum_loses_no_carry_in_a_long_run)
{
	uint64_t seed = 1;
	int n = nways();

	for (size_t len = 65000; len <= 65540; len += 27) {
		uint8_t *p = filled((enum fill)_i, len, &seed);

		for (int w = 0; w < n; w++)
			ck_assert_uint_eq(cksum_fold(ways[w](p, len)),
					  naive(p, len));
		free(p);
	}
}
END_TEST

START_TEST(cksum_of_parts_adds_up)
{
	uint64_t seed = 7;
	uint8_t *p = filled(RANDOM, 1000, &seed);
	cksum_fn *fn = cksum_choose();

	for (size_t cut = 0; cut <= 1000; cut++) {
		cksum_t a = cksum_sum(fn, p, cut);
		cksum_t b = cksum_sum(fn, p + cut, 1000 - cut);

		ck_assert_uint_eq(cksum_fold(a + (cut % 2 ? cksum_swap(b) : b)),
				  naive(p, 1000));
	}
	free(p);
}
END_TEST

START_TEST(cksum_folds_any_64_bits)
{
	static const struct {
		cksum_t sum;
		uint16_t want;
	} rows[] = {
		{0, 0},
		{0xffff, 0xffff},
		{0x10000, 1},
		{0x1fffe, 0xffff},
		{0xffffffff, 0xffff},
		{0xffffffffffffffff, 0xffff},
		{0xffffffff00000001, 1},
		{0x0001000100010001, 4},
		{0xfffe0001, 0xffff},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		ck_assert_uint_eq(cksum_fold(rows[i].sum), rows[i].want);
}
END_TEST

START_TEST(cksum_of_the_pseudo_headers)
{
	/* 192.0.2.1 to 198.51.100.2, 0 6, 40; RFC 9293, 3.1 */
	static const uint8_t head4[12] = {192, 0, 2, 1, 198, 51,
					  100, 2, 0, 6, 0,   40};
	uint8_t src[16] = {[10] = 255, 255, 192, 0, 2, 1};
	uint8_t dst[16] = {[10] = 255, 255, 198, 51, 100, 2};
	/* RFC 8200, 8.1: addresses, 32-bit length, 3 zeros, next header */
	uint8_t head6[40] = {[34] = 1, [35] = 2, [39] = 58};
	uint64_t seed = 9;

	ck_assert_uint_eq(cksum_fold(cksum_pseudo(src, dst, 6, 40)),
			  naive(head4, sizeof(head4)));
	for (int i = 0; i < 32; i++)
		head6[i] = (uint8_t)rnd(&seed);
	ck_assert_uint_eq(
		cksum_fold(cksum_pseudo(head6, head6 + 16, 58, 0x102)),
		naive(head6, sizeof(head6)));
}
END_TEST

int main(void)
{
	Suite *s = suite_create("cksum");
	TCase *tc = tcase_create("cksum");
	SRunner *sr = srunner_create(s);
	int failed;

	tcase_set_timeout(tc, 60);
	tcase_add_loop_test(
		tc, cksum_is_the_same_every_way_for_all_lengths_and_alignments,
		0, 3);
	tcase_add_loop_test(tc, cksum_loses_no_carry_in_a_long_run, 0, 3);
	tcase_add_test(tc, cksum_of_parts_adds_up);
	tcase_add_test(tc, cksum_folds_any_64_bits);
	tcase_add_test(tc, cksum_of_the_pseudo_headers);
	suite_add_tcase(s, tc);
	srunner_set_tap(sr, "-");
	srunner_run_all(sr, CK_SILENT);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed != 0;
}
