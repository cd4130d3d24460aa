/* SPDX-License-Identifier: MIT */
/* test_chargen.c - the octets of RFC 864, in whatever pieces they are taken.
 * LINK: daemon/pattern.c
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/pattern.h"

START_TEST(chargen_lines_are_72_characters_and_move_on_by_one)
{
	uint8_t buf[PATTERN_PERIOD];

	ck_assert_uint_eq(pattern_fill(buf, sizeof(buf), 0), 0);
	for (unsigned line = 0; line < 95; line++) {
		const uint8_t *p = buf + (size_t)line * 74;

		for (unsigned i = 0; i < 72; i++)
			ck_assert_int_eq(p[i], 32 + (line + i) % 95);
		ck_assert_int_eq(p[72], '\r');
		ck_assert_int_eq(p[73], '\n');
	}
	/* RFC 864 prints the first one */
	ck_assert(memcmp(buf,
			 " !\"#$%&'()*+,-./0123456789:;<=>?@ABCDEFGHIJKLMN"
			 "OPQRSTUVWXYZ[\\]^_`abcdefg\r\n!\"#",
			 77) == 0);
}
END_TEST

START_TEST(chargen_stream_is_the_same_in_any_pieces)
{
	const size_t pieces[] = {1,    73,   74,    75,	   7029,
				 7030, 7031, 14060, 14061, 65536};
	const size_t total = 400000;
	uint8_t *whole = malloc(total), *parts = malloc(total);
	uint32_t phase = 0;
	size_t at = 0;

	ck_assert(whole && parts);
	pattern_fill(whole, total, 0);
	for (unsigned i = 0; at < total; i++) {
		size_t n = pieces[i % (sizeof(pieces) / sizeof(pieces[0]))];

		if (n > total - at)
			n = total - at;
		phase = pattern_fill(parts + at, n, phase);
		at += n;
	}
	ck_assert_uint_eq(phase, total % PATTERN_PERIOD);
	ck_assert(memcmp(whole, parts, total) == 0);
	for (size_t i = PATTERN_PERIOD; i < total; i++)
		ck_assert_int_eq(whole[i], whole[i - PATTERN_PERIOD]);
	free(whole);
	free(parts);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("chargen");
	TCase *tc = tcase_create("pattern");
	SRunner *sr = srunner_create(s);
	int failed;

	tcase_add_test(tc, chargen_lines_are_72_characters_and_move_on_by_one);
	tcase_add_test(tc, chargen_stream_is_the_same_in_any_pieces);
	suite_add_tcase(s, tc);
	srunner_set_tap(sr, "-");
	srunner_run_all(sr, CK_SILENT);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed != 0;
}
