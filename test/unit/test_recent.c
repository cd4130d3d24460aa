/* SPDX-License-Identifier: MIT */
/* test_recent.c - what was remembered, for how long, and what gives way. */
#include <check.h>
#include <string.h>

#include "base/recent.h"
#include "base/siphash.h"

#define START 1000000000000u
#define GAP   1000000000u

static struct recent_cell cells[RECENT_CELLS];
static struct recent r = {cells};

static void clear(void)
{
	memset(cells, 0, sizeof(cells));
}

static uint64_t hash_of(uint64_t n)
{
	static const struct siphash_key key = {{1, 2}};

	return siphash(&key, &n, sizeof(n));
}

START_TEST(recent_is_the_first_once_in_a_gap)
{
	ck_assert(recent_first(&r, 7, START, GAP));
	ck_assert(!recent_first(&r, 7, START, GAP));
	ck_assert(!recent_first(&r, 7, START + GAP - 1, GAP));
	/* asking does not put it off */
	ck_assert(recent_first(&r, 7, START + GAP, GAP));
	ck_assert(!recent_first(&r, 7, START + GAP + 1, GAP));
	ck_assert(recent_first(&r, 7, START + GAP + 100, 100));
}
END_TEST

START_TEST(recent_hash_of_zero_is_one_like_others)
{
	ck_assert(recent_first(&r, 0, START, GAP));
	ck_assert(!recent_first(&r, 0, START, GAP));
}
END_TEST

/* Half of its cells: nearly all are remembered, and each was new. */
START_TEST(recent_holds_about_as_many_as_it_has_cells)
{
	unsigned forgotten = 0;

	for (uint64_t i = 0; i < RECENT_CELLS / 2; i++)
		ck_assert(recent_first(&r, hash_of(i), START + i, GAP));
	for (uint64_t i = 0; i < RECENT_CELLS / 2; i++)
		forgotten +=
			recent_first(&r, hash_of(i), START + RECENT_CELLS, GAP);
	ck_assert_uint_le(forgotten, RECENT_CELLS / 10);
}
END_TEST

START_TEST(recent_flood_makes_it_forget_but_never_invent)
{
	for (uint64_t i = 0; i < UINT64_C(40) * RECENT_CELLS; i++)
		ck_assert(recent_first(&r, hash_of(i), START + i, GAP));
}
END_TEST

START_TEST(recent_oldest_of_a_set_gives_way)
{
	uint64_t h = 5;

	for (unsigned i = 0; i < RECENT_WAYS; i++)
		ck_assert(recent_first(&r, h + (uint64_t)i * RECENT_SETS,
				       START + (i ? i : 100), GAP));
	ck_assert(recent_first(&r, h + UINT64_C(100) * RECENT_SETS, START + 200,
			       GAP));
	/* that was the second one */
	ck_assert(!recent_first(&r, h, START + 201, GAP));
	for (unsigned i = 2; i < RECENT_WAYS; i++)
		ck_assert(!recent_first(&r, h + (uint64_t)i * RECENT_SETS,
					START + 201, GAP));
	ck_assert(recent_first(&r, h + RECENT_SETS, START + 202, GAP));
}
END_TEST

int main(void)
{
	Suite *s = suite_create("recent");
	TCase *tc = tcase_create("recent");
	SRunner *sr;
	int failed;

	tcase_add_checked_fixture(tc, clear, NULL);
	tcase_set_timeout(tc, 30);
	tcase_add_test(tc, recent_is_the_first_once_in_a_gap);
	tcase_add_test(tc, recent_hash_of_zero_is_one_like_others);
	tcase_add_test(tc, recent_holds_about_as_many_as_it_has_cells);
	tcase_add_test(tc, recent_flood_makes_it_forget_but_never_invent);
	tcase_add_test(tc, recent_oldest_of_a_set_gives_way);
	suite_add_tcase(s, tc);
	sr = srunner_create(s);
	srunner_set_tap(sr, "-");
	srunner_run_all(sr, CK_SILENT);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed != 0;
}
