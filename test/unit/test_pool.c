/* SPDX-License-Identifier: MIT */
/*
 * test_pool.c - the pool against a map of units: no two blocks overlap, none
 * is lost, buddies merge, what was used last is used next, and what is
 * discarded was free, whole and held contents.
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "base/pool.h"

#define SPANS	   ((size_t)24)
#define SPAN_UNITS ((size_t)POOL_MAX / POOL_UNIT)
#define UNITS	   (SPANS * SPAN_UNITS)
#define LEN	   ((uint64_t)SPANS * POOL_MAX)

struct fixture {
	struct pool p;
	uint8_t *mem;
	void *block;
	uint8_t used[UNITS]; /* the model: in a block that is used */
	bool touched[SPANS]; /* held a block since it was discarded */
	uint32_t discards;   /* calls */
	uint32_t discarded;  /* spans, since it was last set to 0 */
};

static struct fixture fx;

static uint64_t rnd(uint64_t *s)
{
	*s ^= *s << 13;
	*s ^= *s >> 7;
	*s ^= *s << 17;
	return *s;
}

static void on_discard(void *arg, void *mem, size_t len)
{
	struct fixture *f = arg;
	size_t at = (size_t)((uint8_t *)mem - f->mem);

	ck_assert_uint_eq(at % POOL_MAX, 0);
	ck_assert_uint_eq(len % POOL_MAX, 0);
	ck_assert(len > 0 && at + len <= LEN);
	for (size_t u = at / POOL_UNIT; u < (at + len) / POOL_UNIT; u++)
		if (f->used[u])
			ck_abort_msg("unit %zu is in use", u);
	for (size_t i = at / POOL_MAX; i < (at + len) / POOL_MAX; i++) {
		ck_assert_msg(f->touched[i], "span %zu holds nothing", i);
		f->touched[i] = false;
		f->discarded++;
	}
	memset(mem, 0xdd, len);
	f->discards++;
}

static void set_up(void)
{
	memset(&fx, 0, sizeof(fx));
	fx.mem = malloc(LEN);
	fx.block = malloc(pool_need(LEN));
	ck_assert(fx.mem && fx.block);
	memset(fx.block, 0xa5, pool_need(LEN)); /* need not be zeroed */
	pool_init(&fx.p, fx.mem, LEN, fx.block, on_discard, &fx);
}

static void tear_down(void)
{
	free(fx.mem);
	free(fx.block);
}

static uint32_t take(unsigned order)
{
	uint32_t b = pool_take(&fx.p, order);
	const struct pool_block *n;

	if (b == POOL_NONE)
		return b;
	n = &fx.p.block[b];
	ck_assert_uint_le(n->order, order);
	ck_assert_msg(n->next == POOL_NONE && n->prev == POOL_NONE &&
			      n->off == 0 && n->len == 0 && n->owner == 0,
		      "a new block knows something");
	ck_assert_uint_eq(b % (1u << n->order), 0);
	ck_assert_uint_le((size_t)b + (1u << n->order), UNITS);
	for (uint32_t u = b; u < b + (1u << n->order); u++) {
		if (fx.used[u])
			ck_abort_msg("unit %u given twice", u);
		fx.used[u] = 1;
	}
	fx.touched[b / SPAN_UNITS] = true;
	/* all of it is the owner's, the fields too */
	memset(pool_at(&fx.p, b), 0xee, pool_size(n->order));
	fx.p.block[b].off = fx.p.block[b].len = 0xffffffff;
	fx.p.block[b].next = fx.p.block[b].prev = b;
	return b;
}

static void give(uint32_t b)
{
	memset(fx.used + b, 0, (size_t)1 << fx.p.block[b].order);
	pool_give(&fx.p, b);
}

static uint64_t model_free(void)
{
	uint64_t n = 0;

	for (uint32_t u = 0; u < UNITS; u++)
		n += !fx.used[u];
	return n * POOL_UNIT;
}

/* Is there an aligned hole of class |order|? */
static bool model_has(unsigned order)
{
	for (uint32_t b = 0; b < UNITS; b += 1u << order) {
		uint32_t n = 0;

		while (n < 1u << order && !fx.used[b + n])
			n++;
		if (n == 1u << order)
			return true;
	}
	return false;
}

START_TEST(pool_never_gives_one_unit_twice_and_loses_none)
{
	uint64_t seed = 88172645463325252u + (uint64_t)_i;
	uint32_t have[UNITS];
	uint32_t n = 0;

	set_up();
	for (int i = 0; i < 40000; i++) {
		/* phases that fill up and phases that drain */
		bool fill = rnd(&seed) % 100 < (i / 2000 % 2 ? 35u : 65u);

		if (fill) {
			unsigned order = (unsigned)(rnd(&seed) % POOL_ORDERS);
			bool fits = model_has(order);
			uint32_t b = take(order);

			if (b == POOL_NONE) {
				ck_assert_msg(!model_has(0),
					      "nothing, but units are free");
				continue;
			}
			ck_assert_msg(fx.p.block[b].order == order || !fits,
				      "smaller than what was free");
			have[n++] = b;
		} else if (n) {
			uint32_t k = (uint32_t)(rnd(&seed) % n);

			give(have[k]);
			have[k] = have[--n];
		}
		if (i % 1000 == 999)
			pool_trim(&fx.p);
		if (i % 64 == 0) {
			ck_assert_uint_eq(pool_free(&fx.p), model_free());
			ck_assert_uint_eq(fx.p.nused, LEN - model_free());
		}
	}
	while (n)
		give(have[--n]);
	ck_assert_uint_eq(pool_free(&fx.p), LEN);
	/* everything has merged: the region is whole again */
	for (uint32_t i = 0; i < SPANS; i++) {
		uint32_t b = take(POOL_ORDERS - 1);

		ck_assert_uint_ne(b, POOL_NONE);
		ck_assert_uint_eq(fx.p.block[b].order, POOL_ORDERS - 1);
	}
	ck_assert_uint_eq(take(0), POOL_NONE);
	ck_assert_uint_eq(pool_free(&fx.p), 0);
	tear_down();
}
END_TEST

START_TEST(pool_gives_next_what_was_given_back_last)
{
	unsigned order = (unsigned)_i;
	uint32_t b[6];

	set_up();
	for (int i = 0; i < 6; i++)
		b[i] = take(order);
	/* one at a time, each the one of before, whatever it merged with */
	for (int i = 0; i < 6; i++) {
		give(b[i]);
		ck_assert_uint_eq(take(order), b[i]);
	}
	/* blocks of their own class: the other way round */
	give(b[1]);
	give(b[4]);
	ck_assert_uint_eq(take(order), b[4]);
	ck_assert_uint_eq(take(order), b[1]);
	/* all free: the unit that was hot is at the front */
	for (int i = 0; i < 6; i++)
		if (i != 3)
			give(b[i]);
	give(b[3]);
	ck_assert_uint_eq(take(order), b[3]);
	ck_assert_uint_eq(fx.p.high, order == POOL_ORDERS - 1	? 6 * SPAN_UNITS
				     : order == POOL_ORDERS - 2 ? 3 * SPAN_UNITS
				     : order == POOL_ORDERS - 3 ? 2 * SPAN_UNITS
								: SPAN_UNITS);
	tear_down();
}
END_TEST

START_TEST(pool_splits_what_is_hot_before_it_touches_fresh_memory)
{
	uint32_t b, c;

	set_up();
	b = take(5);
	ck_assert_uint_eq(fx.p.high, SPAN_UNITS);
	give(b);
	c = take(0);
	ck_assert_uint_eq(c, b);
	for (uint32_t i = 1; i < SPAN_UNITS; i++)
		ck_assert_uint_ne(take(0), POOL_NONE);
	ck_assert_uint_eq(fx.p.high, SPAN_UNITS);
	ck_assert_uint_ne(take(0), POOL_NONE);
	ck_assert_uint_eq(fx.p.high, 2 * SPAN_UNITS);
	tear_down();
}
END_TEST

START_TEST(pool_takes_discarded_memory_only_after_what_is_hot)
{
	uint32_t b[4];

	set_up();
	for (int i = 0; i < 4; i++)
		b[i] = take(5);
	give(b[0]);
	give(b[1]);
	pool_trim(&fx.p); /* learns that two are free */
	ck_assert_uint_eq(fx.discarded, 0);
	pool_trim(&fx.p);
	ck_assert_uint_eq(fx.discarded, 2);
	give(b[2]);
	ck_assert_uint_eq(take(3), b[2]); /* split the hot one */
	ck_assert_uint_eq(take(5) / SPAN_UNITS <= b[1] / SPAN_UNITS, true);
	ck_assert_uint_eq(fx.p.high, 4 * SPAN_UNITS);
	take(5);
	ck_assert_uint_eq(fx.p.high, 4 * SPAN_UNITS);
	take(5);
	ck_assert_uint_eq(fx.p.high, 5 * SPAN_UNITS);
	tear_down();
}
END_TEST

START_TEST(pool_trims_the_low_water_mark_and_keeps_what_was_needed)
{
	uint32_t b[16], again[3];

	set_up();
	for (int i = 0; i < 16; i++)
		b[i] = take(5);
	for (int i = 0; i < 16; i++)
		give(b[i]);
	ck_assert(pool_trim(&fx.p)); /* all were in use a moment ago */
	ck_assert_uint_eq(fx.discarded, 0);
	for (int round = 0; round < 5; round++) {
		for (int i = 0; i < 3; i++)
			again[i] = take(5);
		for (int i = 3; i-- > 0;)
			give(again[i]);
		/* three of the 16 are in use now and then */
		ck_assert(pool_trim(&fx.p));
		ck_assert_uint_eq(fx.discarded, 13);
		for (int i = 0; i < 3; i++)
			ck_assert(fx.touched[again[i] / SPAN_UNITS]);
	}
	ck_assert_msg(fx.discards <= 4, "%u calls for 13 neighbours",
		      fx.discards);
	ck_assert(!pool_trim(&fx.p)); /* nobody came back: the rest */
	ck_assert_uint_eq(fx.discarded, 16);
	ck_assert(!pool_trim(&fx.p));
	ck_assert_uint_eq(fx.discarded, 16);
	tear_down();
}
END_TEST

START_TEST(pool_names_the_smallest_class_that_holds_it)
{
	ck_assert_uint_eq(pool_order(0), 0);
	ck_assert_uint_eq(pool_order(1), 0);
	for (unsigned o = 0; o < POOL_ORDERS; o++) {
		ck_assert_uint_eq(pool_order(pool_size(o)), o);
		ck_assert_uint_eq(pool_order(pool_size(o) + 1),
				  o + 1 < POOL_ORDERS ? o + 1 : o);
	}
	ck_assert_uint_eq(pool_order(UINT32_MAX), POOL_ORDERS - 1);
}
END_TEST

START_TEST(pool_keeps_the_hottest_block_when_it_trims_its_neighbours)
{
	uint32_t b[3];

	set_up();
	for (int i = 0; i < 3; i++)
		b[i] = take(5);
	give(b[0]);
	give(b[2]);
	give(b[1]); /* beside the coldest */
	pool_trim(&fx.p);
	give(take(5));
	pool_trim(&fx.p);
	ck_assert_uint_eq(fx.discarded, 2);
	ck_assert(fx.touched[b[1] / SPAN_UNITS]);
	tear_down();
}
END_TEST

/* Write a pool's list, the last one first, into a pool that reads a record. */
static bool copy_list(struct pool *to, const struct pool *from, uint32_t head,
		      enum pool_use use)
{
	uint32_t b = head == POOL_NONE ? head : from->block[head].prev;

	while (b != POOL_NONE) {
		const struct pool_block *n = &from->block[b];

		if (!pool_restore_block(to, b, n->order, use, n->off))
			return false;
		b = b == head ? POOL_NONE : n->prev;
	}
	return true;
}

static bool copy_pool(struct pool *to, const struct pool *from,
		      const uint32_t *used, uint32_t n)
{
	bool good = pool_restore(to, from->high);

	for (uint32_t i = 0; good && i < n; i++)
		good = pool_restore_block(
			to, used[i], from->block[used[i]].order, POOL_USED, 0);
	for (unsigned i = 0; good && i < POOL_ORDERS; i++)
		good = copy_list(to, from, from->free[i], POOL_FREE);
	return good && copy_list(to, from, from->cold, POOL_DISCARDED) &&
	       pool_restored(to, from->low_hot);
}

static void no_discard(void *arg, void *p, size_t len)
{
	(void)arg;
	(void)p;
	(void)len;
}

START_TEST(pool_read_from_a_record_gives_the_same_blocks_as_the_old_one)
{
	uint64_t seed = 88172645463325252u + (uint64_t)_i;
	uint32_t have[UNITS];
	uint32_t n = 0;
	struct pool copy;
	void *block;

	set_up();
	block = calloc(1, pool_need(LEN));
	ck_assert_ptr_nonnull(block);
	for (int i = 0; i < 300 + 100 * _i; i++) {
		if (n == 0 || rnd(&seed) % 100 < 55) {
			have[n] = take((unsigned)(rnd(&seed) % POOL_ORDERS));
			n += have[n] != POOL_NONE;
		} else {
			uint32_t k = (uint32_t)(rnd(&seed) % n);

			give(have[k]);
			have[k] = have[--n];
		}
		if (i % 90 == 89)
			pool_trim(&fx.p);
	}
	pool_init(&copy, fx.mem, LEN, block, no_discard, NULL);
	ck_assert(copy_pool(&copy, &fx.p, have, n));
	for (int i = 0; i < 2000; i++) {
		if (n == 0 || rnd(&seed) % 100 < 50) {
			unsigned order = (unsigned)(rnd(&seed) % POOL_ORDERS);
			uint32_t b = take(order);

			ck_assert_uint_eq(pool_take(&copy, order), b);
			if (b != POOL_NONE)
				have[n++] = b;
		} else {
			uint32_t k = (uint32_t)(rnd(&seed) % n);

			give(have[k]);
			pool_give(&copy, have[k]);
			have[k] = have[--n];
		}
		if (i % 90 == 89)
			ck_assert(pool_trim(&copy) == pool_trim(&fx.p));
		ck_assert_uint_eq(copy.nhot, fx.p.nhot);
		ck_assert_uint_eq(copy.low_hot, fx.p.low_hot);
		ck_assert_uint_eq(copy.high, fx.p.high);
		ck_assert_uint_eq(copy.nused, fx.p.nused);
	}
	free(block);
	tear_down();
}
END_TEST

static const struct {
	const char *name;
	uint32_t high;
	struct {
		uint32_t b;
		unsigned order;
		enum pool_use use;
		uint32_t hot;
	} block[3];
	uint32_t n, low_hot;
	bool good;
} records[] = {
	/* clang-format off */
	{"nothing", 0, {{0}}, 0, 0, true},
	{"one used", 32, {{0, 5, POOL_USED, 0}}, 1, 0, true},
	{"one free", 32, {{0, 5, POOL_FREE, 31}}, 1, 1, true},
	{"one discarded", 32, {{0, 5, POOL_DISCARDED, 0}}, 1, 0, true},
	{"halves", 32, {{0, 4, POOL_FREE, 3}, {16, 4, POOL_USED, 0}}, 2, 0, true},
	{"beyond the region", 32 * 25, {{0}}, 0, 0, false},
	{"half a span", 16, {{0, 4, POOL_USED, 0}}, 1, 0, false},
	{"a hole", 32, {{0, 4, POOL_USED, 0}}, 1, 0, false},
	{"a span that is not there", 32, {{0, 5, POOL_USED, 0}, {32, 5, POOL_USED, 0}}, 2, 0, false},
	{"twice", 32, {{0, 5, POOL_USED, 0}, {0, 5, POOL_USED, 0}}, 2, 0, false},
	{"used and free", 32, {{0, 5, POOL_USED, 0}, {0, 5, POOL_FREE, 0}}, 2, 0, false},
	{"one in another", 32, {{0, 5, POOL_USED, 0}, {3, 0, POOL_USED, 0}}, 2, 0, false},
	{"one around another", 32, {{3, 0, POOL_USED, 0}, {0, 5, POOL_USED, 0}}, 2, 0, false},
	{"not aligned", 32, {{2, 2, POOL_USED, 0}}, 1, 0, false},
	{"no such class", 64, {{0, 6, POOL_USED, 0}}, 1, 0, false},
	{"class 255", 64, {{0, 255, POOL_USED, 0}}, 1, 0, false},
	{"hot unit outside", 32, {{0, 4, POOL_USED, 0}, {16, 4, POOL_FREE, 15}}, 2, 0, false},
	{"hot unit behind", 32, {{0, 4, POOL_FREE, 16}, {16, 4, POOL_USED, 0}}, 2, 0, false},
	{"not merged", 32, {{0, 4, POOL_FREE, 0}, {16, 4, POOL_FREE, 16}}, 2, 0, false},
	{"half discarded", 32, {{0, 4, POOL_DISCARDED, 0}, {16, 4, POOL_USED, 0}}, 2, 0, false},
	{"more hot than free", 32, {{0, 5, POOL_FREE, 0}}, 1, 2, false},
	/* clang-format on */
};

START_TEST(pool_refuses_records_that_cannot_be)
{
	void *block = calloc(1, pool_need(LEN));
	struct pool p;
	bool good;

	ck_assert_ptr_nonnull(block);
	pool_init(&p, NULL, LEN, block, no_discard, NULL);
	good = pool_restore(&p, records[_i].high);
	for (uint32_t i = 0; good && i < records[_i].n; i++)
		good = pool_restore_block(
			&p, records[_i].block[i].b, records[_i].block[i].order,
			records[_i].block[i].use, records[_i].block[i].hot);
	good = good && pool_restored(&p, records[_i].low_hot);
	ck_assert_msg(good == records[_i].good, "%s", records[_i].name);
	free(block);
}
END_TEST

START_TEST(pool_dies_when_it_is_given_what_is_not_used)
{
	uint32_t lower, upper;

	set_up();
	memset(fx.block, 1, pool_need(LEN)); /* looks like blocks in use */
	lower = take(0);
	upper = take(0);
	switch (_i) {
	case 0: /* twice */
		give(lower);
		pool_give(&fx.p, lower);
		break;
	case 1: /* twice, and it has become a part of another */
		give(lower);
		give(upper);
		pool_give(&fx.p, upper);
		break;
	case 2: /* inside a block */
		lower = take(2);
		pool_give(&fx.p, lower + 1);
		break;
	default: /* beyond all blocks ever taken */
		pool_give(&fx.p, SPAN_UNITS);
		break;
	}
}
END_TEST

int main(void)
{
	Suite *s = suite_create("pool");
	TCase *tc = tcase_create("pool");
	SRunner *sr = srunner_create(s);
	int failed;

	tcase_set_timeout(tc, 60);
	tcase_add_loop_test(tc, pool_never_gives_one_unit_twice_and_loses_none,
			    0, 6);
	tcase_add_loop_test(tc, pool_gives_next_what_was_given_back_last, 0,
			    POOL_ORDERS);
	tcase_add_test(tc,
		       pool_splits_what_is_hot_before_it_touches_fresh_memory);
	tcase_add_test(tc, pool_takes_discarded_memory_only_after_what_is_hot);
	tcase_add_test(tc,
		       pool_trims_the_low_water_mark_and_keeps_what_was_needed);
	tcase_add_test(
		tc, pool_keeps_the_hottest_block_when_it_trims_its_neighbours);
	tcase_add_loop_test(
		tc,
		pool_read_from_a_record_gives_the_same_blocks_as_the_old_one, 0,
		8);
	tcase_add_loop_test(tc, pool_refuses_records_that_cannot_be, 0,
			    (int)(sizeof(records) / sizeof(records[0])));
	tcase_add_test(tc, pool_names_the_smallest_class_that_holds_it);
	if (srunner_fork_status(sr) == CK_FORK)
		tcase_add_loop_test_raise_signal(
			tc, pool_dies_when_it_is_given_what_is_not_used, 6, 0,
			4);
	suite_add_tcase(s, tc);
	srunner_set_tap(sr, "-");
	srunner_run_all(sr, CK_SILENT);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed != 0;
}
