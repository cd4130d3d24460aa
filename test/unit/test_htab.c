/* SPDX-License-Identifier: MIT */
/* test_htab.c - the table against a plain array, with hashes that collide. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "base/htab.h"
#include "base/siphash.h"

#define CELLS 256u
#define REFS  256u

struct fixture {
	struct htab_cell cell[CELLS];
	struct htab h;
	uint64_t key[REFS]; /* of each reference; 0: not in the table */
	uint64_t asked;	    /* comparisons of keys */
};

static struct fixture fx;

static uint64_t rnd(uint64_t *s)
{
	*s ^= *s << 13;
	*s ^= *s >> 7;
	*s ^= *s << 17;
	return *s;
}

static bool same(const void *arg, uint32_t ref, const void *key)
{
	if (arg != &fx || ref >= REFS)
		ck_abort_msg("asked about no reference of ours");
	fx.asked++;
	return fx.key[ref] == *(const uint64_t *)key;
}

static uint32_t find(uint32_t hash, uint64_t key)
{
	return htab_find(&fx.h, hash, same, &fx, &key);
}

static void set_up(uint32_t cells)
{
	memset(&fx, 0, sizeof(fx));
	htab_init(&fx.h, fx.cell, cells);
}

/* Hashes of |kind|: spread, few different ones, all the same, wrapping. */
static uint32_t hash_of(int kind, uint64_t key)
{
	const struct siphash_key k = {{1, 2}};
	uint32_t h = (uint32_t)siphash(&k, &key, sizeof(key));

	switch (kind) {
	case 0:
		return h;
	case 1:
		return h % 4 * 64;
	case 2:
		return 0xffffffff;
	default:
		return h | (CELLS - 8); /* the last cells: wraps around */
	}
}

START_TEST(htab_holds_what_was_added_and_not_deleted)
{
	uint64_t seed = 88172645463325252u + (uint64_t)_i;
	uint64_t next_key = 1;

	set_up(CELLS);
	for (int i = 0; i < 20000; i++) {
		uint32_t ref = (uint32_t)(rnd(&seed) % REFS);
		uint64_t key = fx.key[ref];
		uint32_t hash = hash_of(_i, key);

		if (key && rnd(&seed) % 2) {
			ck_assert(htab_del(&fx.h, hash, ref));
			ck_assert_uint_eq(find(hash, key), HTAB_NONE);
			ck_assert(!htab_del(&fx.h, hash, ref));
			fx.key[ref] = 0;
		} else if (!key) {
			key = next_key++;
			hash = hash_of(_i, key);
			ck_assert_uint_eq(find(hash, key), HTAB_NONE);
			ck_assert(htab_add(&fx.h, hash, ref));
			fx.key[ref] = key;
		}
		if (i % 500)
			continue;
		for (ref = 0; ref < REFS; ref++)
			if (fx.key[ref])
				ck_assert_uint_eq(find(hash_of(_i, fx.key[ref]),
						       fx.key[ref]),
						  ref);
	}
}
END_TEST

START_TEST(htab_can_be_filled_to_the_last_cell)
{
	uint32_t cells = 1u << _i;

	set_up(cells);
	for (uint32_t i = 0; i < cells; i++) {
		fx.key[i] = i + 1;
		ck_assert(htab_add(&fx.h, hash_of(_i % 4, i + 1), i));
	}
	ck_assert_uint_eq(fx.h.count, cells);
	ck_assert(!htab_add(&fx.h, 5, 0));
	/* a search in a full table ends */
	ck_assert_uint_eq(find(12345, 1000), HTAB_NONE);
	ck_assert(!htab_del(&fx.h, 12345, REFS));
	for (uint32_t i = 0; i < cells; i++) {
		ck_assert_uint_eq(find(hash_of(_i % 4, i + 1), i + 1), i);
		ck_assert(htab_del(&fx.h, hash_of(_i % 4, i + 1), i));
		fx.key[i] = 0;
	}
	ck_assert_uint_eq(fx.h.count, 0);
	for (uint32_t i = 0; i < cells; i++)
		ck_assert_uint_eq(fx.cell[i].ref_plus_1, 0);
}
END_TEST

START_TEST(htab_never_stores_the_reference_that_is_none)
{
	set_up(8);
	ck_assert(!htab_add(&fx.h, 1, HTAB_NONE));
	ck_assert(!htab_del(&fx.h, 1, HTAB_NONE));
	ck_assert_uint_eq(fx.h.count, 0);
}
END_TEST

START_TEST(htab_keeps_searches_short_when_half_of_it_is_used)
{
	const struct siphash_key k = {{_i < 0 ? 0u : (unsigned)_i, 77}};
	const uint32_t n = 1u << 16, cells = htab_cells(n);
	struct htab_cell *cell = calloc(cells, sizeof(*cell));
	struct htab h;

	ck_assert_ptr_nonnull(cell);
	htab_init(&h, cell, cells);
	for (uint64_t i = 0; i < n; i++)
		ck_assert(htab_add(&h, (uint32_t)siphash(&k, &i, sizeof(i)),
				   (uint32_t)i));
	ck_assert_uint_le(htab_longest(&h), 12);
	free(cell);
}
END_TEST

START_TEST(htab_compares_keys_only_where_the_hash_is_the_same)
{
	set_up(16);
	for (uint32_t i = 0; i < 8; i++) {
		fx.key[i] = i + 1;
		htab_add(&fx.h, i * 16, i); /* one home, different hashes */
	}
	ck_assert_uint_eq(find(5 * 16, 6), 5);
	ck_assert_uint_eq(fx.asked, 1);
	ck_assert_uint_eq(htab_longest(&fx.h), 7);
}
END_TEST

START_TEST(htab_wants_a_power_of_two_and_twice_the_entries)
{
	static const uint32_t rows[][2] = {
		{0, 2},
		{1, 2},
		{2, 4},
		{3, 8},
		{4, 8},
		{1000, 2048},
		{1024, 2048},
		{1025, 4096},
		{1u << 30, 1u << 31},
		{UINT32_MAX, 1u << 31},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		ck_assert_uint_eq(htab_cells(rows[i][0]), rows[i][1]);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("htab");
	TCase *tc = tcase_create("htab");
	SRunner *sr = srunner_create(s);
	int failed;

	tcase_add_loop_test(tc, htab_holds_what_was_added_and_not_deleted, 0,
			    4);
	tcase_add_loop_test(tc, htab_can_be_filled_to_the_last_cell, 0, 9);
	tcase_add_test(tc, htab_never_stores_the_reference_that_is_none);
	tcase_add_loop_test(
		tc, htab_keeps_searches_short_when_half_of_it_is_used, 0, 3);
	tcase_add_test(tc, htab_compares_keys_only_where_the_hash_is_the_same);
	tcase_add_test(tc, htab_wants_a_power_of_two_and_twice_the_entries);
	suite_add_tcase(s, tc);
	srunner_set_tap(sr, "-");
	srunner_run_all(sr, CK_SILENT);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed != 0;
}
