/* SPDX-License-Identifier: MIT */
/*
 * test_record.c - a stack goes on from its record as if nothing had happened.
 * LINK: test/unit/duo.c test/unit/duo_cases.c */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "duo.h"
#include "stack/stack.h"

static struct duo one, other;

static const char *begin(int i)
{
	duo_init(&one);
	duo_open(&one);
	duo_cases[i].make(&one);
	return duo_cases[i].name;
}

static bool same_status(const struct tcpd_status *a,
			const struct tcpd_status *b)
{
	/* the stack zeroes them, padding too */
	/* NOLINTNEXTLINE(bugprone-suspicious-memory-comparison,cert-*) */
	return memcmp(a, b, sizeof(*a)) == 0;
}

/* Everything that a status says, of everything that there is. */
static void assert_same_status(const char *name, unsigned side)
{
	struct tcpd_cursor ca = {0}, cb = {0};
	struct tcpd_status a, b;
	bool more;

	do {
		memset(&a, 0, sizeof(a));
		memset(&b, 0, sizeof(b));
		more = tcpd_each(one.st[side], &ca, &a, one.now);
		ck_assert_msg(
			more == tcpd_each(other.st[side], &cb, &b, other.now),
			"%s: another number of entries", name);
		ck_assert_msg(same_status(&a, &b),
			      "%s: the status of %llu differs", name,
			      (unsigned long long)a.id);
	} while (more);
}

START_TEST(record_goes_on_to_the_octet)
{
	const char *name = begin(_i);

	duo_clone(&other, &one);
	for (unsigned i = 0; i < 2; i++) {
		assert_same_status(name, i);
		ck_assert_int_eq(memcmp(tcpd_stats(one.st[i]),
					tcpd_stats(other.st[i]),
					sizeof(struct tcpd_stats)),
				 0);
	}
	duo_play_on(&one);
	duo_play_on(&other);
	duo_assert_same(&one, &other, name);
	duo_close(&one);
	duo_close(&other);
}
END_TEST

START_TEST(record_of_a_loaded_stack_is_the_same_record)
{
	const char *name = begin(_i);

	duo_clone(&other, &one);
	for (unsigned i = 0; i < 2; i++) {
		size_t na, nb;
		uint8_t *a = duo_save(&one, i, &na);
		uint8_t *b = duo_save(&other, i, &nb);

		ck_assert_msg(na == nb && memcmp(a, b, na) == 0,
			      "%s: they differ", name);
		free(a);
		free(b);
	}
	duo_close(&one);
	duo_close(&other);
}
END_TEST

static void same_pool(const struct pool *a, const struct pool *b,
		      const char *name)
{
	ck_assert_uint_eq(a->high, b->high);
	ck_assert_uint_eq(a->nused, b->nused);
	ck_assert_uint_eq(a->nhot, b->nhot);
	ck_assert_uint_eq(a->low_hot, b->low_hot);
	for (unsigned i = 0; i <= POOL_ORDERS; i++) {
		uint32_t at = i < POOL_ORDERS ? a->free[i] : a->cold;

		ck_assert_uint_eq(at, i < POOL_ORDERS ? b->free[i] : b->cold);
		for (; at != POOL_NONE; at = a->block[at].next) {
			ck_assert_msg(a->block[at].next == b->block[at].next &&
					      a->block[at].prev ==
						      b->block[at].prev,
				      "%s: free blocks in another order", name);
			ck_assert_msg(i == POOL_ORDERS ||
					      a->block[at].off ==
						      b->block[at].off,
				      "%s: another half is hot", name);
		}
	}
}

static void same_slab(const struct slab *a, const struct slab *b,
		      const char *name)
{
	ck_assert_uint_eq(a->nfree, b->nfree);
	ck_assert_uint_eq(a->high, b->high);
	for (uint32_t i = 0; i < a->nfree; i++)
		ck_assert_msg(a->free[i] == b->free[i],
			      "%s: free slots in another order", name);
	for (uint32_t i = 0; i < a->high; i++)
		ck_assert_msg(a->gen[i] == b->gen[i], "%s: another generation",
			      name);
}

static void same_wheel(const struct wheel *a, const struct wheel *b,
		       const char *name)
{
	ck_assert_uint_eq(a->now, b->now);
	ck_assert_uint_eq(a->count, b->count);
	for (unsigned i = 0; i < WHEEL_LEVELS * WHEEL_SLOTS; i++) {
		uint32_t ref = a->head[i / WHEEL_SLOTS][i % WHEEL_SLOTS];

		ck_assert_uint_eq(ref,
				  b->head[i / WHEEL_SLOTS][i % WHEEL_SLOTS]);
		for (; ref; ref = a->node(a->arg, ref)->next) {
			const struct wheel_node *m = a->node(a->arg, ref);
			const struct wheel_node *n = b->node(b->arg, ref);

			ck_assert_msg(m->next == n->next && m->tick == n->tick,
				      "%s: timers in another order", name);
		}
	}
}

/* The next block, slot or timer is the same one. */
START_TEST(record_keeps_what_will_be_taken_next)
{
	const char *name = begin(_i);

	duo_clone(&other, &one);
	for (unsigned i = 0; i < 2; i++) {
		const struct tcp *a = &one.st[i]->t, *b = &other.st[i]->t;

		same_pool(&a->pool, &b->pool, name);
		same_slab(&a->conns, &b->conns, name);
		same_slab(&a->listeners, &b->listeners, name);
		same_wheel(&a->wheel, &b->wheel, name);
		same_wheel(&a->tw_wheel, &b->tw_wheel, name);
	}
	duo_close(&one);
	duo_close(&other);
}
END_TEST

START_TEST(record_says_how_much_room_it_needs_and_writes_no_octet_beyond)
{
	int64_t need;

	begin(_i);
	need = tcpd_save(one.st[1], NULL, 0, one.now);
	for (int64_t room = 0; room < need; room += 1 + need / 50) {
		uint8_t *buf = malloc((size_t)room + 1);

		ck_assert_ptr_nonnull(buf);
		buf[room] = 0x5a;
		ck_assert_int_eq(
			tcpd_save(one.st[1], buf, (size_t)room, one.now),
			-TCPD_ERR_SPACE);
		ck_assert_uint_eq(buf[room], 0x5a);
		free(buf);
	}
	ck_assert_int_eq(tcpd_save(one.st[1], NULL, 0, one.now), need);
	duo_close(&one);
}
END_TEST

START_TEST(record_leaves_the_stack_that_it_is_of_alone)
{
	const char *name = begin(_i);
	size_t len;

	/* the same again, without a record */
	duo_init(&other);
	duo_open(&other);
	duo_cases[_i].make(&other);
	for (unsigned i = 0; i < 2; i++)
		free(duo_save(&one, i, &len));
	duo_play_on(&one);
	duo_play_on(&other);
	duo_assert_same(&one, &other, name);
	duo_close(&one);
	duo_close(&other);
}
END_TEST

/* A slot that was given back may be another's by now: so it stays. */
START_TEST(record_keeps_stale_handles_stale)
{
	struct tcpd_status s;
	tcpd_handle a, b, h;

	duo_init(&one);
	duo_open(&one);
	duo_pair(&one, 4, &a, &b);
	tcpd_abort(one.st[0], a, one.now);
	tcpd_close(one.st[1], one.h[1][0], one.now);
	duo_clone(&other, &one);
	for (unsigned i = 0; i < 3; i++) {
		h = duo_connect(&other, 0, 4, DUO_PORT);
		ck_assert_uint_ne(h, a);
		ck_assert_int_eq(tcpd_status(other.st[0], a, &s, other.now),
				 -TCPD_ERR_HANDLE);
		tcpd_abort(other.st[0], h, other.now);
		h = duo_listen(&other, 1, 90);
		ck_assert_uint_ne(h, one.h[1][0]);
		ck_assert_int_eq(
			tcpd_close(other.st[1], one.h[1][0], other.now),
			-TCPD_ERR_HANDLE);
		tcpd_close(other.st[1], h, other.now);
	}
	duo_close(&one);
	duo_close(&other);
}
END_TEST

START_TEST(record_brings_its_keys_with_it)
{
	struct duo third;
	size_t len;
	uint8_t *buf;

	begin(0);
	duo_init(&third);
	for (unsigned k = 0; k < sizeof(third.set[0].key); k++)
		third.set[0].key[k] = (uint8_t)~third.set[0].key[k];
	duo_open(&third);
	buf = duo_save(&one, 0, &len);
	ck_assert_int_eq(tcpd_load(third.st[0], buf, len, third.now), 0);
	free(buf);
	/* port, ISN and time stamp all come from a key */
	duo_connect(&one, 0, 4, DUO_PORT);
	duo_connect(&third, 0, 4, DUO_PORT);
	duo_turn(&one, 0);
	duo_turn(&third, 0);
	duo_assert_same(&one, &third, "SYN");
	duo_close(&one);
	duo_close(&third);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("record");
	TCase *tc = tcase_create("record");
	SRunner *sr = srunner_create(s);
	int n = (int)duo_ncases;
	int failed;

	tcase_set_timeout(tc, 60);
	tcase_add_loop_test(tc, record_goes_on_to_the_octet, 0, n);
	tcase_add_loop_test(tc, record_of_a_loaded_stack_is_the_same_record, 0,
			    n);
	tcase_add_loop_test(tc, record_keeps_what_will_be_taken_next, 0, n);
	tcase_add_loop_test(
		tc,
		record_says_how_much_room_it_needs_and_writes_no_octet_beyond,
		0, n);
	tcase_add_loop_test(tc, record_leaves_the_stack_that_it_is_of_alone, 0,
			    n);
	tcase_add_test(tc, record_keeps_stale_handles_stale);
	tcase_add_test(tc, record_brings_its_keys_with_it);
	suite_add_tcase(s, tc);
	srunner_set_tap(sr, "-");
	srunner_run_all(sr, CK_SILENT);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed != 0;
}
