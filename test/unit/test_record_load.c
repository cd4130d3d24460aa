/* SPDX-License-Identifier: MIT */
/*
 * test_record_load.c - records that are damaged: refused, or read into a stack
 * in which nothing is wrong and which goes on without a fault.
 * LINK: test/unit/duo.c test/unit/duo_cases.c */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "duo.h"
#include "stack/record.h"
#include "test/harness/rng.h"

static struct duo one;
static uint8_t *whole; /* a valid record */
static size_t len;

static void prepare(void)
{
	duo_init(&one);
	duo_open(&one);
	duo_crowd(&one);
	whole = duo_save(&one, 1, &len);
}

static void finish(void)
{
	free(whole);
	duo_close(&one);
}

/* Length and sum as if it had been written so. */
static void seal(uint8_t *buf, size_t n)
{
	struct record_out head = {.p = buf, .room = n, .at = 12};

	record_put_int(&head, n - RECORD_HEAD, 8);
	record_put_int(&head, record_sum(buf + RECORD_HEAD, n - RECORD_HEAD),
		       8);
}

static void check(struct tcpd_stack *st)
{
	const char *wrong = tcpd_check(st);

	ck_assert_msg(!wrong, "%s", wrong);
}

/* Its apps read, write and close. */
static void apps(struct tcpd_stack *st, unsigned step, tcpd_time now)
{
	uint8_t text[3000] = {0};
	struct tcpd_event ev;

	while (tcpd_next_event(st, &ev))
		if (step % 3 == 1) {
			tcpd_recv(st, ev.h, text, sizeof(text), now);
			tcpd_send(st, ev.h, text, 2000, now);
		}
	for (unsigned i = 0; i < one.nh[1]; i++)
		if (step == 20)
			tcpd_shutdown(st, one.h[1][i], now);
		else if (step == 60)
			tcpd_close(st, one.h[1][i], now);
}

/* Whatever the stack wants to do now, for some minutes, with packets too. */
static void go_on(struct tcpd_stack *st, tcpd_time now)
{
	tcpd_time end = now + TCPD_SEC(400);
	struct tcpd_out out;

	for (unsigned i = 0; i < 300 && now < end; i++) {
		apps(st, i, now);
		for (unsigned n = 0; n < 200 && tcpd_output(st, &out, now); n++)
			tcpd_output_done(st, &out, n % 7 == 6, now);
		check(st);
		if (tcpd_expiry(st) > now)
			now = tcpd_expiry(st);
		for (unsigned n = 0; n < one.nflights && i == 3; n++) {
			struct tcpd_packet pkt = {.data = one.flight[n].data,
						  .len = one.flight[n].len,
						  .off = one.flight[n].off};

			tcpd_input(st, &pkt, now);
		}
		tcpd_input_done(st, now);
		tcpd_expire(st, now);
	}
}

static int load(const uint8_t *buf, size_t n, bool use)
{
	struct tcpd_settings set = one.set[1];
	struct memory mem = {0};
	struct tcpd_stack *st;
	uint8_t *exact = malloc(n ? n : 1);
	int err;

	ck_assert_ptr_nonnull(exact);
	memcpy(exact, buf, n);
	memory_serve(&mem, &set);
	ck_assert_int_eq(tcpd_new(&st, &set, one.now), 0);
	err = tcpd_load(st, exact, n, one.now);
	free(exact);
	if (err == 0) {
		check(st);
		if (use)
			go_on(st, one.now);
	} else {
		ck_assert_int_eq(err, -TCPD_ERR_RECORD);
	}
	tcpd_free(st);
	ck_assert_uint_eq(mem.nmaps, 0);
	ck_assert_ptr_null(mem.wrong);
	return err;
}

START_TEST(load_takes_what_save_wrote)
{
	prepare();
	ck_assert_int_eq(load(whole, len, true), 0);
	finish();
}
END_TEST

START_TEST(load_refuses_every_truncation)
{
	uint8_t *copy;

	prepare();
	copy = malloc(len);
	ck_assert_ptr_nonnull(copy);
	for (size_t n = 0; n < len; n += 1 + n / 300)
		ck_assert_int_eq(load(whole, n, false), -TCPD_ERR_RECORD);
	/* cut, and summed as if that were all: not always to be told */
	memcpy(copy, whole, len);
	for (size_t n = RECORD_HEAD; n < len; n += 7) {
		memcpy(copy, whole, RECORD_HEAD);
		seal(copy, n);
		load(copy, n, false);
	}
	free(copy);
	finish();
}
END_TEST

START_TEST(load_refuses_every_changed_octet)
{
	struct rng r = {1};

	prepare();
	for (size_t i = 0; i < len; i += i < 100 ? 1 : 1 + rng_below(&r, 30)) {
		uint8_t was = whole[i];

		whole[i] ^= (uint8_t)rng_in(&r, 1, 255);
		ck_assert_msg(load(whole, len, false) == -TCPD_ERR_RECORD,
			      "octet %zu", i);
		whole[i] = was;
	}
	finish();
}
END_TEST

/* ... and where the sum has been made to fit, it may change a value, not
 * more. */
START_TEST(load_of_a_changed_octet_is_refused_or_harmless)
{
	struct rng r = {(uint64_t)_i + 1};
	unsigned taken = 0;

	prepare();
	for (size_t i = RECORD_HEAD; i < len; i += rng_in(&r, 1, 15)) {
		uint8_t was = whole[i];

		whole[i] ^= (uint8_t)(rng_below(&r, 2) ? 1u << rng_below(&r, 8)
						       : rng_in(&r, 1, 255));
		seal(whole, len);
		taken += load(whole, len, true) == 0;
		whole[i] = was;
	}
	ck_assert_uint_gt(taken, 0);
	finish();
}
END_TEST

/* Numbers that bugs like, in the place of four octets. */
START_TEST(load_of_changed_numbers_is_refused_or_harmless)
{
	static const uint32_t liked[] = {0,	     1,		 2,
					 63,	     64,	 0x7fffffff,
					 0x80000000, 0xffffffff, 0xfffffffe,
					 0x08000000, 0x10000001, 0x20000000};
	struct rng r = {(uint64_t)_i + 77};
	uint8_t *copy;

	prepare();
	copy = malloc(len);
	ck_assert_ptr_nonnull(copy);
	for (unsigned i = 0; i < 800; i++) {
		memcpy(copy, whole, len);
		for (unsigned n = rng_in(&r, 1, 3); n > 0; n--) {
			size_t at = rng_in(&r, RECORD_HEAD, (uint32_t)len - 4);
			uint32_t v = liked[rng_below(&r, ARRAY_SIZE(liked))];

			memcpy(copy + at, &v, 4);
		}
		seal(copy, len);
		load(copy, len, true);
	}
	free(copy);
	finish();
}
END_TEST

/* Whole items left out, doubled, or in another order. */
START_TEST(load_of_rearranged_items_is_refused_or_harmless)
{
	struct rng r = {(uint64_t)_i + 5};
	uint8_t *copy;

	prepare();
	copy = malloc(2 * len);
	ck_assert_ptr_nonnull(copy);
	for (unsigned i = 0; i < 400; i++) {
		struct octets o =
			octets_of(whole + RECORD_HEAD, len - RECORD_HEAD);
		uint32_t victim = rng_below(&r, 60), n = 0;
		uint32_t how = rng_below(&r, 3);
		size_t to = RECORD_HEAD;
		struct item it;

		memcpy(copy, whole, RECORD_HEAD);
		while (record_next(&o, &it)) {
			size_t size = octets_left(&it.data) + RECORD_ITEM;
			const uint8_t *from = it.data.p - RECORD_ITEM;

			if (n++ == victim && how == 0)
				continue;
			memcpy(copy + to, from, size);
			to += size;
			if (n - 1 == victim && how == 1) {
				memcpy(copy + to, from, size);
				to += size;
			}
			if (n - 1 == victim && how == 2) /* of nobody's */
				copy[to - size + 1] ^= 0x40;
		}
		seal(copy, to);
		load(copy, to, true);
	}
	free(copy);
	finish();
}
END_TEST

START_TEST(load_does_not_ask_for_an_order_of_items)
{
	struct octets o;
	struct item it;
	size_t to;
	uint8_t *copy;

	prepare();
	copy = malloc(len);
	ck_assert_ptr_nonnull(copy);
	memcpy(copy, whole, RECORD_HEAD);
	to = len;
	o = octets_of(whole + RECORD_HEAD, len - RECORD_HEAD);
	while (record_next(&o, &it)) {
		size_t size = octets_left(&it.data) + RECORD_ITEM;

		to -= size;
		memcpy(copy + to, it.data.p - RECORD_ITEM, size);
	}
	ck_assert_uint_eq(to, RECORD_HEAD);
	seal(copy, len);
	ck_assert_int_eq(load(copy, len, true), 0);
	free(copy);
	finish();
}
END_TEST

static void more_conns(struct tcpd_settings *s)
{
	s->max_conns *= 2;
}

static void more_memory(struct tcpd_settings *s)
{
	s->memory *= 2;
}

static void other_queue(struct tcpd_settings *s)
{
	s->queue++;
}

static void other_ticks(struct tcpd_settings *s)
{
	s->ts_tick *= 2;
}

START_TEST(load_refuses_another_size_of_tables)
{
	static void (*const change[])(struct tcpd_settings * s) = {
		more_conns, more_memory, other_queue, other_ticks};
	struct tcpd_settings was;

	prepare();
	was = one.set[1];
	change[_i](&one.set[1]);
	ck_assert_int_eq(load(whole, len, false), -TCPD_ERR_RECORD);
	one.set[1] = was;
	ck_assert_int_eq(load(whole, len, false), 0);
	finish();
}
END_TEST

START_TEST(load_refuses_a_record_of_the_future)
{
	prepare();
	one.now--;
	ck_assert_int_eq(load(whole, len, false), -TCPD_ERR_RECORD);
	one.now += TCPD_SEC(100000); /* a late one goes on at once */
	ck_assert_int_eq(load(whole, len, true), 0);
	finish();
}
END_TEST

START_TEST(load_wants_a_fresh_stack)
{
	prepare();
	ck_assert_int_eq(tcpd_load(one.st[0], whole, len, one.now),
			 -TCPD_ERR_INVALID);
	finish();
}
END_TEST

int main(void)
{
	Suite *s = suite_create("record_load");
	TCase *tc = tcase_create("record_load");
	SRunner *sr = srunner_create(s);
	int failed;

	tcase_set_timeout(tc, 300);
	tcase_add_test(tc, load_takes_what_save_wrote);
	tcase_add_test(tc, load_refuses_every_truncation);
	tcase_add_test(tc, load_refuses_every_changed_octet);
	tcase_add_loop_test(tc, load_of_a_changed_octet_is_refused_or_harmless,
			    0, 2);
	tcase_add_loop_test(tc, load_of_changed_numbers_is_refused_or_harmless,
			    0, 2);
	tcase_add_loop_test(tc, load_of_rearranged_items_is_refused_or_harmless,
			    0, 2);
	tcase_add_test(tc, load_does_not_ask_for_an_order_of_items);
	tcase_add_loop_test(tc, load_refuses_another_size_of_tables, 0, 4);
	tcase_add_test(tc, load_refuses_a_record_of_the_future);
	tcase_add_test(tc, load_wants_a_fresh_stack);
	suite_add_tcase(s, tc);
	srunner_set_tap(sr, "-");
	srunner_run_all(sr, CK_SILENT);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed != 0;
}
