/* SPDX-License-Identifier: MIT */
/* test_slab.c - slots against a plain array, with and without generations. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "base/slab.h"

#define MAX  64u
#define SIZE 24u

struct fixture {
	struct slab s;
	uint8_t *mem;
	uint32_t *gen, *free;
};

static struct fixture fx;

static uint64_t rnd(uint64_t *s)
{
	*s ^= *s << 13;
	*s ^= *s >> 7;
	*s ^= *s << 17;
	return *s;
}

static void set_up(bool gens)
{
	struct slab_need need = slab_need(SIZE, MAX);

	fx.mem = calloc(1, need.mem);
	fx.gen = gens ? calloc(1, need.gen) : NULL;
	fx.free = calloc(1, need.free);
	ck_assert(fx.mem && fx.free);
	slab_init(&fx.s, SIZE, MAX, fx.mem, fx.gen, fx.free);
}

static void tear_down(void)
{
	free(fx.mem);
	free(fx.gen);
	free(fx.free);
}

static uint32_t take(void)
{
	static const uint8_t zero[SIZE];
	uint32_t slot = slab_take(&fx.s);

	if (slot == SLAB_NONE)
		return slot;
	ck_assert_uint_lt(slot, MAX);
	ck_assert_msg(memcmp(slab_at(&fx.s, slot), zero, SIZE) == 0,
		      "slot %u is not zeroed", slot);
	return slot;
}

START_TEST(slab_gives_each_slot_to_one_at_a_time)
{
	uint64_t seed = 88172645463325252u + (uint64_t)_i;
	bool used[MAX + 2] = {false};
	uint32_t n = 0, high = 0;

	set_up(_i % 2);
	for (int i = 0; i < 20000; i++) {
		bool fill = rnd(&seed) % 100 < (i / 1000 % 2 ? 40u : 60u);
		uint32_t k = (uint32_t)(rnd(&seed) % MAX);

		if (fill) {
			uint32_t slot = take();

			ck_assert((slot == SLAB_NONE) == (n == MAX));
			if (slot == SLAB_NONE)
				continue;
			ck_assert(!used[slot]);
			used[slot] = true;
			n++;
			high = slot >= high ? slot + 1 : high;
			/* what an entry holds must not look like freedom */
			memset(slab_at(&fx.s, slot), (int)(rnd(&seed) % 3),
			       SIZE);
			ck_assert_uint_eq(
				slab_slot(&fx.s, slab_at(&fx.s, slot)), slot);
		} else if (used[k]) {
			slab_give(&fx.s, k);
			used[k] = false;
			n--;
		}
		ck_assert_uint_eq(fx.s.count, n);
		for (uint32_t slot = 0; slot < MAX + 2; slot++)
			if (slab_used(&fx.s, slot) != used[slot])
				ck_abort_msg("slot %u", slot);
		ck_assert(!slab_used(&fx.s, SLAB_NONE));
	}
	ck_assert_uint_eq(fx.s.high, high);
	tear_down();
}
END_TEST

START_TEST(slab_gives_next_what_was_given_back_last)
{
	set_up(_i);
	for (uint32_t i = 0; i < 5; i++)
		ck_assert_uint_eq(take(), i);
	slab_give(&fx.s, 1);
	slab_give(&fx.s, 4);
	slab_give(&fx.s, 2);
	ck_assert_uint_eq(take(), 2);
	ck_assert_uint_eq(take(), 4);
	ck_assert_uint_eq(take(), 1);
	ck_assert_uint_eq(take(), 5);
	tear_down();
}
END_TEST

START_TEST(slab_touches_nothing_above_the_highest_slot)
{
	uint8_t want[SIZE];

	set_up(true);
	memset(fx.mem, 0xa5, (size_t)SIZE * MAX);
	memset(want, 0xa5, SIZE);
	memset(fx.mem, 0, SIZE * 3ul);
	for (int i = 0; i < 3; i++)
		slab_take(&fx.s);
	slab_give(&fx.s, 2);
	slab_give(&fx.s, 0);
	slab_take(&fx.s);
	ck_assert(!slab_used(&fx.s, 3));
	for (uint32_t slot = 3; slot < MAX; slot++)
		ck_assert_mem_eq(slab_at(&fx.s, slot), want, SIZE);
	tear_down();
}
END_TEST

START_TEST(slab_handles_are_stale_once_the_slot_was_freed)
{
	uint32_t slot, gen;

	set_up(true);
	slot = take();
	gen = fx.gen[slot];
	ck_assert_uint_eq(gen & 1, 1);
	ck_assert(slab_is(&fx.s, slot, gen));
	ck_assert(!slab_is(&fx.s, slot, gen + 1));
	ck_assert(!slab_is(&fx.s, slot, 0));
	ck_assert(!slab_is(&fx.s, slot + 1, gen));
	ck_assert(!slab_is(&fx.s, SLAB_NONE, gen));
	slab_give(&fx.s, slot);
	for (uint32_t g = 0; g < 10; g++)
		ck_assert(!slab_is(&fx.s, slot, g));
	ck_assert_uint_eq(take(), slot);
	ck_assert(!slab_is(&fx.s, slot, gen));
	ck_assert(slab_is(&fx.s, slot, gen + 2));
	tear_down();
}
END_TEST

START_TEST(slab_without_generations_knows_no_handle)
{
	set_up(false);
	ck_assert(!slab_is(&fx.s, take(), 1));
	ck_assert(!slab_is(&fx.s, 0, 0));
	tear_down();
}
END_TEST

START_TEST(slab_retires_a_slot_whose_generations_are_used_up)
{
	uint32_t a, b;

	set_up(true);
	ck_assert(slab_restore(&fx.s, 0, SLAB_GEN_MAX - 2));
	slab_restored(&fx.s);
	slab_give(&fx.s, 0);
	a = take();
	ck_assert_uint_eq(a, 0);
	ck_assert(slab_is(&fx.s, 0, SLAB_GEN_MAX));
	slab_give(&fx.s, 0);
	ck_assert(!slab_used(&fx.s, 0));
	b = take();
	ck_assert_uint_eq(b, 1);
	ck_assert_uint_eq(fx.s.count, 1);
	ck_assert(!slab_restore(&fx.s, 0, 1));
	slab_restored(&fx.s);
	for (uint32_t i = 2; i < MAX; i++)
		ck_assert_uint_eq(take(), i);
	ck_assert_uint_eq(take(), SLAB_NONE);
	tear_down();
}
END_TEST

START_TEST(slab_restores_the_very_slots_of_a_record)
{
	static const uint32_t slots[] = {7, 3, 12, 0, 11};
	bool gens = _i;

	set_up(gens);
	for (uint32_t i = 0; i < 5; i++) {
		ck_assert(slab_restore(&fx.s, slots[i], 2 * i + 1));
		memset(slab_at(&fx.s, slots[i]), 0, SIZE);
		ck_assert(slab_used(&fx.s, slots[i]));
		ck_assert(!slab_used(&fx.s, 5));
	}
	ck_assert_msg(!slab_restore(&fx.s, 3, 9), "in use");
	ck_assert_msg(!slab_restore(&fx.s, MAX, 1), "out of range");
	ck_assert_msg(!slab_restore(&fx.s, SLAB_NONE, 1), "out of range");
	if (gens) {
		ck_assert_msg(!slab_restore(&fx.s, 20, 2), "even");
		ck_assert_msg(!slab_restore(&fx.s, 20, SLAB_GEN_MAX + 2),
			      "generation out of range");
	}
	slab_restored(&fx.s);
	ck_assert_uint_eq(fx.s.count, 5);
	ck_assert_uint_eq(fx.s.high, 13);
	if (gens)
		for (uint32_t i = 0; i < 5; i++)
			ck_assert(slab_is(&fx.s, slots[i], 2 * i + 1));
	/* the holes, from the lowest on, then new ones */
	for (uint32_t slot = 0; slot < MAX; slot++)
		if (slot != 7 && slot != 3 && slot != 12 && slot != 0 &&
		    slot != 11)
			ck_assert_uint_eq(take(), slot);
	ck_assert_uint_eq(take(), SLAB_NONE);
	for (uint32_t slot = 0; slot < MAX; slot++)
		slab_give(&fx.s, slot);
	ck_assert_uint_eq(fx.s.count, 0);
	tear_down();
}
END_TEST

START_TEST(slab_read_from_a_record_gives_the_same_slots_as_the_old_one)
{
	uint64_t seed = 88172645463325252u + (uint64_t)_i;
	bool gens = _i % 2;
	struct fixture old;
	uint32_t spent = 0;

	set_up(gens);
	if (gens) /* one is about to be used up */
		ck_assert(slab_restore(&fx.s, 2, SLAB_GEN_MAX));
	for (int i = 0; i < 200; i++) {
		uint32_t k = (uint32_t)(rnd(&seed) % MAX);

		if (rnd(&seed) % 2)
			take();
		else if (slab_used(&fx.s, k))
			slab_give(&fx.s, k);
	}
	if (gens && slab_used(&fx.s, 2))
		slab_give(&fx.s, 2);
	old = fx;
	set_up(gens);
	for (uint32_t slot = 0; slot < old.s.high; slot++)
		if (slab_used(&old.s, slot))
			ck_assert(slab_restore(&fx.s, slot,
					       gens ? old.gen[slot] : 0));
	slab_restored(&fx.s);
	for (uint32_t slot = 0; slot < old.s.high; slot++)
		if (slab_spent(&old.s, slot)) {
			ck_assert(slab_restore_spent(&fx.s, slot));
			ck_assert(!slab_restore_spent(&fx.s, slot));
			spent++;
		}
	ck_assert_uint_eq(spent, gens);
	for (uint32_t i = 0; i < old.s.nfree; i++) {
		uint32_t slot = old.free[i];

		ck_assert(slab_restore_free(&fx.s, i, slot,
					    gens ? old.gen[slot] : 0));
	}
	ck_assert_uint_eq(fx.s.count, old.s.count);
	ck_assert_uint_eq(fx.s.nfree, old.s.nfree);
	for (uint32_t i = 0; i < MAX + 1; i++) {
		uint32_t slot = take();

		ck_assert_uint_eq(slab_take(&old.s), slot);
		if (gens && slot != SLAB_NONE)
			ck_assert_uint_eq(fx.gen[slot], old.gen[slot]);
	}
	tear_down();
	fx = old;
	tear_down();
}
END_TEST

START_TEST(slab_refuses_free_slots_that_cannot_be)
{
	set_up(true);
	ck_assert(slab_restore(&fx.s, 4, 1));
	slab_restored(&fx.s);
	ck_assert_msg(!slab_restore_free(&fx.s, 0, 4, 2), "in use");
	ck_assert_msg(!slab_restore_free(&fx.s, 0, MAX, 2), "out of range");
	ck_assert_msg(!slab_restore_free(&fx.s, 0, SLAB_NONE, 2),
		      "out of range");
	ck_assert_msg(!slab_restore_free(&fx.s, 0, 3, 3), "odd generation");
	ck_assert_msg(!slab_restore_free(&fx.s, 0, 3, SLAB_GEN_MAX + 1),
		      "generation out of range");
	ck_assert(slab_restore_free(&fx.s, 0, 3, 2));
	ck_assert_msg(!slab_restore_free(&fx.s, 1, 3, 2), "twice");
	ck_assert_msg(!slab_restore_free(&fx.s, 70, 1, 2), "beyond the stack");
	ck_assert_msg(!slab_restore_spent(&fx.s, 4), "in use");
	ck_assert_msg(!slab_restore_spent(&fx.s, MAX), "out of range");
	ck_assert(slab_restore_spent(&fx.s, 0));
	ck_assert_msg(!slab_restore_free(&fx.s, 1, 0, 2), "spent");
	tear_down();
}
END_TEST

START_TEST(slab_dies_when_a_slot_is_given_back_twice)
{
	set_up(_i);
	take();
	slab_give(&fx.s, take());
	slab_give(&fx.s, 1);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("slab");
	TCase *tc = tcase_create("slab");
	SRunner *sr = srunner_create(s);
	int failed;

	tcase_add_loop_test(tc, slab_gives_each_slot_to_one_at_a_time, 0, 4);
	tcase_add_loop_test(tc, slab_gives_next_what_was_given_back_last, 0, 2);
	tcase_add_test(tc, slab_touches_nothing_above_the_highest_slot);
	tcase_add_test(tc, slab_handles_are_stale_once_the_slot_was_freed);
	tcase_add_test(tc, slab_without_generations_knows_no_handle);
	tcase_add_test(tc, slab_retires_a_slot_whose_generations_are_used_up);
	tcase_add_loop_test(tc, slab_restores_the_very_slots_of_a_record, 0, 2);
	tcase_add_loop_test(
		tc, slab_read_from_a_record_gives_the_same_slots_as_the_old_one,
		0, 8);
	tcase_add_test(tc, slab_refuses_free_slots_that_cannot_be);
	if (srunner_fork_status(sr) == CK_FORK)
		tcase_add_loop_test_raise_signal(
			tc, slab_dies_when_a_slot_is_given_back_twice, 6, 0, 2);
	suite_add_tcase(s, tc);
	srunner_set_tap(sr, "-");
	srunner_run_all(sr, CK_SILENT);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed != 0;
}
