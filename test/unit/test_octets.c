/* SPDX-License-Identifier: MIT */
/* test_octets.c - no read and no write past the end, and both are noticed. */
#include <check.h>
#include <stdlib.h>

#include "base/octets.h"

/* Exact-size heap memory: ASan sees one octet too far. */
static uint8_t *counted(size_t len)
{
	uint8_t *p = malloc(len ? len : 1);

	ck_assert_ptr_nonnull(p);
	for (size_t i = 0; i < len; i++)
		p[i] = (uint8_t)(i + 1);
	return p;
}

START_TEST(octets_reads_what_is_there_and_0_past_the_end)
{
	size_t len = (size_t)_i;
	uint8_t *p = counted(len);
	struct octets o = octets_of(p, len);

	ck_assert_uint_eq(octets_u8(&o), len >= 1 ? 1 : 0);
	ck_assert(o.bad == (len < 1));
	ck_assert_uint_eq(octets_be16(&o), len >= 3 ? 0x0203 : 0);
	ck_assert(o.bad == (len < 3));
	ck_assert_uint_eq(octets_be32(&o), len >= 7   ? 0x04050607
					   : len >= 5 ? 0x04050000
						      : 0);
	ck_assert(o.bad == (len < 7));
	ck_assert_uint_eq(octets_left(&o), len >= 7   ? len - 7
					   : len >= 5 ? len - 5
					   : len >= 3 ? len - 3
					   : len >= 1 ? len - 1
						      : 0);
	free(p);
}
END_TEST

START_TEST(octets_stays_bad_after_one_read_too_far)
{
	uint8_t *p = counted(3);
	struct octets o = octets_of(p, 3);

	octets_be32(&o);
	ck_assert(o.bad);
	ck_assert_uint_eq(octets_u8(&o), 0); /* though one is left */
	ck_assert(octets_take(&o, 0).bad);
	free(p);
}
END_TEST

START_TEST(octets_takes_a_part_that_ends_where_it_was_told)
{
	uint8_t *p = counted(8);
	struct octets o = octets_of(p, 8);
	struct octets part = octets_take(&o, 3);

	ck_assert_uint_eq(octets_left(&part), 3);
	ck_assert_uint_eq(octets_left(&o), 5);
	ck_assert_uint_eq(octets_be16(&part), 0x0102);
	ck_assert_uint_eq(octets_be16(&part), 0);
	ck_assert(part.bad && !o.bad);
	ck_assert_uint_eq(octets_u8(&o), 4);
	ck_assert(octets_take(&o, SIZE_MAX).bad);
	ck_assert(o.bad);
	free(p);
}
END_TEST

START_TEST(octets_writes_what_fits_and_nothing_past_the_end)
{
	size_t len = (size_t)_i;
	uint8_t *p = calloc(1, len ? len : 1);
	struct octets_out out;

	ck_assert_ptr_nonnull(p);
	out = octets_into(p, len);
	octets_put_u8(&out, 1);
	octets_put_be16(&out, 0x0203);
	octets_put_be32(&out, 0x04050607);
	octets_put(&out, "\x08\x09", 2);
	ck_assert(out.bad == (len < 9));
	for (size_t i = 0; i < len && i < 9; i++)
		ck_assert(p[i] == i + 1 || (p[i] == 0 && out.bad));
	free(p);
}
END_TEST

START_TEST(octets_has_no_room_once_it_is_bad)
{
	uint8_t p[4] = {0};
	struct octets_out out = octets_into(p, sizeof(p));

	ck_assert_ptr_null(octets_room(&out, 5));
	ck_assert_ptr_null(octets_room(&out, 1));
	octets_put(&out, NULL, 0);
	ck_assert(out.bad);
	ck_assert_uint_eq(p[0], 0);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("octets");
	TCase *tc = tcase_create("octets");
	SRunner *sr = srunner_create(s);
	int failed;

	tcase_add_loop_test(tc, octets_reads_what_is_there_and_0_past_the_end,
			    0, 10);
	tcase_add_test(tc, octets_stays_bad_after_one_read_too_far);
	tcase_add_test(tc, octets_takes_a_part_that_ends_where_it_was_told);
	tcase_add_loop_test(
		tc, octets_writes_what_fits_and_nothing_past_the_end, 0, 12);
	tcase_add_test(tc, octets_has_no_room_once_it_is_bad);
	suite_add_tcase(s, tc);
	srunner_set_tap(sr, "-");
	srunner_run_all(sr, CK_SILENT);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed != 0;
}
