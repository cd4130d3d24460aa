/* SPDX-License-Identifier: MIT */
/*
 * test_wheel.c - the wheel against a model that looks at every node for
 * everything, under random arming, cancelling and jumps of the clock; and the
 * order within a tick, whatever the history.
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "base/wheel.h"

#define NODES 300u

struct fixture {
	struct wheel w;
	struct wheel_node node[NODES + 1];
	uint64_t key[NODES + 1];
	uint64_t node_calls;
	uint32_t nodes; /* that take part */
	/* the model */
	uint64_t now;
	uint64_t tick[NODES + 1]; /* 0: not armed */
	bool due[NODES + 1];
};

static uint64_t rnd(uint64_t *s)
{
	*s ^= *s << 13;
	*s ^= *s >> 7;
	*s ^= *s << 17;
	return *s;
}

static struct wheel_node *node_of(void *arg, uint32_t ref)
{
	struct fixture *f = arg;

	if (ref < 1 || ref > NODES)
		ck_abort_msg("no such reference");
	f->node_calls++;
	return &f->node[ref];
}

static uint64_t key_of(void *arg, uint32_t ref)
{
	return ((struct fixture *)arg)->key[ref];
}

static void set_up(struct fixture *f, uint64_t now, uint64_t seed)
{
	memset(f, 0, sizeof(*f));
	f->now = now;
	f->nodes = NODES;
	/* all different, in no order */
	for (uint32_t i = 1; i <= NODES; i++)
		f->key[i] = rnd(&seed) << 16 | i;
	wheel_init(&f->w, now, node_of, key_of, f);
}

static void arm(struct fixture *f, uint32_t ref, uint64_t tick)
{
	wheel_arm(&f->w, ref, tick);
	if (tick > f->now && tick - f->now > INT32_MAX)
		tick = f->now + INT32_MAX;
	f->tick[ref] = tick;
	f->due[ref] = false;
	ck_assert(wheel_armed(&f->w, &f->node[ref]));
}

static void cancel(struct fixture *f, uint32_t ref)
{
	wheel_cancel(&f->w, ref);
	f->tick[ref] = 0;
	f->due[ref] = false;
	ck_assert(!wheel_armed(&f->w, &f->node[ref]));
}

/* The armed (or only due) node that comes first. */
static uint32_t model_first(const struct fixture *f, bool due)
{
	uint32_t best = 0;

	for (uint32_t i = 1; i <= NODES; i++) {
		if (!f->tick[i] || (due && !f->due[i]))
			continue;
		if (!best || f->tick[i] < f->tick[best] ||
		    (f->tick[i] == f->tick[best] && f->key[i] < f->key[best]))
			best = i;
	}
	return best;
}

static uint32_t model_take(struct fixture *f, uint64_t now)
{
	uint32_t ref = model_first(f, true);

	if (!ref) {
		uint32_t first = model_first(f, false);

		if (!first || f->tick[first] > now) {
			f->now = now > f->now ? now : f->now;
			return WHEEL_NONE;
		}
		if (f->tick[first] > f->now)
			f->now = f->tick[first];
		for (uint32_t i = 1; i <= NODES; i++)
			f->due[i] = f->tick[i] && f->tick[i] <= f->now;
		ref = model_first(f, true);
	}
	f->tick[ref] = 0;
	f->due[ref] = false;
	return ref;
}

static uint64_t random_ahead(uint64_t *seed)
{
	uint64_t r = rnd(seed);

	/* all magnitudes alike, up to beyond what can be armed */
	return r >> 8 & ((UINT64_C(1) << r % 33) - 1);
}

static void random_change(struct fixture *f, uint64_t *seed, uint64_t now)
{
	uint32_t ref = 1 + (uint32_t)(rnd(seed) % f->nodes);
	uint64_t ahead = random_ahead(seed);

	switch (rnd(seed) % 8) {
	case 0:
	case 1:
		cancel(f, ref);
		break;
	case 2: /* late */
		arm(f, ref, now - ahead % (now < 1000 ? now : 1000));
		break;
	case 3: /* a crowd in one tick */
		arm(f, ref, (now | 15) + 1);
		break;
	default:
		arm(f, ref, now + ahead);
		break;
	}
}

static void check_next(const struct fixture *f)
{
	uint32_t first = model_first(f, false);
	uint64_t next = wheel_next(&f->w);
	uint32_t armed = 0;

	for (uint32_t i = 1; i <= NODES; i++)
		armed += f->tick[i] != 0;
	ck_assert_uint_eq(f->w.count, armed);
	if (!first) {
		ck_assert_uint_eq(next, WHEEL_NEVER);
	} else if (f->tick[first] <= f->now) {
		ck_assert_uint_eq(next, f->now);
	} else {
		ck_assert_uint_gt(next, f->now);
		ck_assert_uint_le(next, f->tick[first]);
	}
}

/* Among few nodes it is the one with the least tick. */
static void check_first(const struct fixture *f)
{
	uint32_t want = model_first(f, false);
	uint32_t got = wheel_first(&f->w);

	ck_assert_uint_eq(got != 0, want != 0);
	if (!want)
		return;
	ck_assert_msg(f->tick[got] != 0, "%u is not armed", got);
	if (f->nodes <= 20)
		ck_assert_uint_eq(f->tick[got], f->tick[want]);
}

/* Take all that is due at |now|; now and then change something in between. */
static void run(struct fixture *f, uint64_t *seed, uint64_t now)
{
	int changes = 20;

	for (;;) {
		uint32_t waits = f->w.due ? wheel_first(&f->w) : 0;
		uint32_t want = model_take(f, now);
		uint32_t got = wheel_take(&f->w, now);

		ck_assert_uint_eq(got, want);
		if (waits)
			ck_assert_uint_eq(got, waits);
		ck_assert_uint_eq(f->w.now, f->now);
		if (!got)
			return;
		ck_assert(!wheel_armed(&f->w, &f->node[got]));
		if (changes && rnd(seed) % 4 == 0) {
			random_change(f, seed, f->now);
			changes--;
		}
	}
}

START_TEST(wheel_does_what_a_list_of_all_nodes_would_do)
{
	static const uint64_t starts[] = {1,
					  1000,
					  (1ull << 31) - 20,
					  (1ull << 32) - 5,
					  (1ull << 36) - 7,
					  1ull << 40,
					  (1ull << 36) * 63 + 12345};
	static struct fixture f;
	uint64_t seed = 88172645463325252u + (uint64_t)_i;

	set_up(&f, starts[(size_t)_i % (sizeof(starts) / sizeof(*starts))],
	       seed);
	if (_i % 2) /* sparse: mostly a node or two a level */
		f.nodes = 20;
	for (int turn = 0; turn < 1500; turn++) {
		uint64_t step = random_ahead(&seed);

		for (int i = (int)(rnd(&seed) % 8); i > 0; i--)
			random_change(&f, &seed, f.now);
		check_next(&f);
		check_first(&f);
		if (rnd(&seed) % 3 == 0 && wheel_next(&f.w) != WHEEL_NEVER)
			step = wheel_next(&f.w) - f.now; /* as the daemon */
		else if (rnd(&seed) % 4)
			step %= 200;
		run(&f, &seed, f.now + step);
	}
}
END_TEST

START_TEST(wheel_gives_nodes_of_one_tick_in_the_order_of_their_keys)
{
	static struct fixture f;
	uint64_t seed = 12345u + (uint64_t)_i;
	uint64_t tick = 5000, last = 0;

	set_up(&f, 1, seed);
	/* armed from near and far, moved, cancelled, in a random order */
	for (int i = 0; i < 2000; i++) {
		uint32_t ref = 1 + (uint32_t)(rnd(&seed) % NODES);

		if (i % 500 == 499)
			ck_assert_uint_eq(wheel_take(&f.w, (uint64_t)i * 5 / 2),
					  0);
		if (i % 3 == 0)
			wheel_arm(&f.w, ref, tick + rnd(&seed) % 100000);
		wheel_cancel(&f.w, ref);
		wheel_arm(&f.w, ref, tick);
	}
	for (uint32_t ref = 1; ref <= NODES; ref++)
		wheel_arm(&f.w, ref, tick);
	ck_assert_uint_eq(wheel_take(&f.w, tick - 1), 0);
	for (uint32_t i = 0; i < NODES; i++) {
		uint32_t ref = wheel_take(&f.w, tick + 7);

		ck_assert_uint_ne(ref, 0);
		ck_assert_uint_gt(f.key[ref], last);
		last = f.key[ref];
	}
	ck_assert_uint_eq(wheel_take(&f.w, tick + 7), 0);
	ck_assert_uint_eq(f.w.now, tick + 7);
	ck_assert_uint_eq(f.w.count, 0);
}
END_TEST

START_TEST(wheel_jumps_25_days_without_a_loop_over_ticks)
{
	static struct fixture f;
	const uint64_t day = 24ull * 3600 * 1000;

	set_up(&f, 1, 7);
	/* a loop over ticks would take 10^14 of them: the time limit ends it */
	for (int i = 0; i < 50000; i++) {
		uint64_t now = f.w.now;

		wheel_arm(&f.w, 1, now + 24 * day);
		wheel_arm(&f.w, 2, now + 2 * day + 5);
		ck_assert_uint_eq(wheel_take(&f.w, now + 25 * day), 2);
		ck_assert_uint_eq(f.w.now, now + 2 * day + 5);
		ck_assert_uint_eq(wheel_take(&f.w, now + 25 * day), 1);
		ck_assert_uint_eq(wheel_take(&f.w, now + 25 * day), 0);
	}
	ck_assert_uint_lt(f.node_calls, 50000ul * 40);
}
END_TEST

START_TEST(wheel_lets_nodes_that_are_due_be_cancelled_and_armed_again)
{
	static struct fixture f;

	set_up(&f, 100, 3);
	for (uint32_t i = 1; i <= 5; i++) {
		f.key[i] = i;
		wheel_arm(&f.w, i, 150);
	}
	ck_assert_uint_eq(wheel_take(&f.w, 200), 1);
	wheel_cancel(&f.w, 2);	 /* the head of those that wait */
	wheel_cancel(&f.w, 4);	 /* one between others */
	wheel_arm(&f.w, 5, 180); /* the last, later in the same run */
	wheel_arm(&f.w, 1, 150); /* again at once */
	wheel_arm(&f.w, 6, 201); /* not in this run */
	ck_assert_uint_eq(wheel_next(&f.w), 150);
	ck_assert_uint_eq(wheel_take(&f.w, 200), 3);
	ck_assert_uint_eq(wheel_take(&f.w, 200), 1);
	ck_assert_uint_eq(f.w.now, 150);
	ck_assert_uint_eq(wheel_take(&f.w, 200), 5);
	ck_assert_uint_eq(f.w.now, 180);
	ck_assert_uint_eq(wheel_take(&f.w, 200), 0);
	ck_assert_uint_eq(f.w.now, 200);
	ck_assert_uint_eq(wheel_take(&f.w, 201), 6);
	ck_assert_uint_eq(wheel_next(&f.w), WHEEL_NEVER);
}
END_TEST

START_TEST(wheel_knows_the_exact_tick_of_what_is_near)
{
	static struct fixture f;

	for (uint64_t now = 1; now < 5000; now += 7)
		for (uint64_t ahead = 1; ahead < 64; ahead++) {
			set_up(&f, now, 1);
			wheel_arm(&f.w, 1, now + ahead);
			wheel_arm(&f.w, 2, now + ahead + 70);
			ck_assert_uint_eq(wheel_next(&f.w), now + ahead);
		}
}
END_TEST

START_TEST(wheel_gives_out_early_what_is_armed_beyond_its_horizon)
{
	static struct fixture f;

	set_up(&f, 1000, 1);
	wheel_arm(&f.w, 1, 1ull << 62);
	ck_assert_uint_eq(wheel_take(&f.w, UINT64_C(1000) + INT32_MAX - 1), 0);
	ck_assert_uint_eq(wheel_take(&f.w, UINT64_C(1000) + INT32_MAX), 1);
	wheel_arm(&f.w, 2, 0); /* long ago */
	ck_assert_uint_eq(wheel_take(&f.w, f.w.now), 2);
}
END_TEST

/* What TIME-WAIT at its cap asks for, for longer than a slot of a high level
 * lasts: all armed for the same time ahead, the oldest given up. */
START_TEST(wheel_first_of_many_armed_alike_is_the_oldest)
{
	static struct fixture f;
	uint64_t seed = 88172645463325252u + (uint64_t)_i;
	uint64_t now = 1u << 20;

	set_up(&f, now, 1);
	for (uint32_t i = 0; i < 20000; i++, now += rnd(&seed) % 60) {
		uint32_t ref = 1 + i % NODES;
		uint32_t got;

		while ((got = wheel_take(&f.w, now)) != 0)
			f.tick[got] = 0;
		f.now = now;
		if (f.tick[ref])
			cancel(&f, ref);
		arm(&f, ref, now + 60000);
		if (rnd(&seed) % 4 == 0)
			cancel(&f, 1 + (uint32_t)(rnd(&seed) % NODES));
		got = wheel_first(&f.w);
		ck_assert_uint_eq(f.tick[got], f.tick[model_first(&f, false)]);
		if (rnd(&seed) % 2)
			cancel(&f, got);
	}
}
END_TEST

/* A slot of more nodes than one piece: each comes out once, none early, none
 * is left when all pieces are handed down; whatever is armed, cancelled or
 * asked for meanwhile, and however far the clock moves. */
START_TEST(wheel_hands_a_crowd_down_in_pieces)
{
	static struct fixture f;
	uint64_t seed = 88172645463325252u + (uint64_t)_i;
	unsigned partly = 0;

	set_up(&f, 1000 + rnd(&seed) % 300000, 1);
	f.nodes = _i % 2 ? NODES : 8; /* few: a slot is soon empty */
	f.w.piece = 1 + (uint32_t)(rnd(&seed) % 3);
	for (unsigned i = 0; i < 3000; i++) {
		uint64_t far = UINT64_C(1) << rnd(&seed) % 15;
		uint32_t ref = 1 + (uint32_t)(rnd(&seed) % f.nodes), got;

		if (rnd(&seed) % 3)
			arm(&f, ref, f.now + rnd(&seed) % far);
		else if (f.tick[ref])
			cancel(&f, ref);
		got = wheel_first(&f.w);
		ck_assert_uint_eq(got != 0, model_first(&f, false) != 0);
		ck_assert(!got || f.tick[got]);
		if (got && rnd(&seed) % 4 == 0)
			cancel(&f, got);
		if (rnd(&seed) % 8)
			continue;
		f.now += rnd(&seed) % (rnd(&seed) % 50 ? 40 : far);
		while ((got = wheel_take(&f.w, f.now)) != 0) {
			ck_assert_uint_ne(f.tick[got], 0);
			ck_assert_uint_le(f.tick[got], f.now);
			f.tick[got] = 0;
		}
		ck_assert_uint_eq(f.w.now, f.now);
		if (f.w.part) {
			partly++;
			ck_assert_uint_eq(wheel_next(&f.w), f.now);
			continue;
		}
		got = model_first(&f, false);
		ck_assert(!got || f.tick[got] > f.now);
	}
	if (f.nodes == NODES)
		ck_assert_uint_gt(partly, 0);
	while (f.w.part)
		while (wheel_take(&f.w, f.now) != 0)
			;
	for (uint32_t i = 1; i <= NODES; i++)
		wheel_cancel(&f.w, i);
	ck_assert_uint_eq(f.w.count, 0);
	ck_assert_uint_eq(wheel_next(&f.w), WHEEL_NEVER);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("wheel");
	TCase *tc = tcase_create("wheel");
	SRunner *sr = srunner_create(s);
	int failed;

	tcase_set_timeout(tc, 60);
	tcase_add_loop_test(tc, wheel_does_what_a_list_of_all_nodes_would_do, 0,
			    14);
	tcase_add_loop_test(
		tc, wheel_gives_nodes_of_one_tick_in_the_order_of_their_keys, 0,
		4);
	tcase_add_test(tc, wheel_jumps_25_days_without_a_loop_over_ticks);
	tcase_add_test(
		tc, wheel_lets_nodes_that_are_due_be_cancelled_and_armed_again);
	tcase_add_test(tc, wheel_knows_the_exact_tick_of_what_is_near);
	tcase_add_test(tc,
		       wheel_gives_out_early_what_is_armed_beyond_its_horizon);
	tcase_add_loop_test(tc, wheel_hands_a_crowd_down_in_pieces, 0, 60);
	tcase_add_loop_test(tc, wheel_first_of_many_armed_alike_is_the_oldest,
			    0, 4);
	suite_add_tcase(s, tc);
	srunner_set_tap(sr, "-");
	srunner_run_all(sr, CK_SILENT);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed != 0;
}
