/* SPDX-License-Identifier: MIT */
/*
 * test_sendq.c - the send queue against a model: which octets are where, which
 * blocks are held for them, and when its writer hears of room.
 *
 * LINK: test/unit/rig.c
 */
#include <string.h>

#include "rig.h"

#define SALT 77u

/* The chain of blocks: one run of numbers, and its memory as it is counted. */
static void check_chain(const struct conn *c)
{
	const struct pool *pool = &rig.t->pool;
	uint32_t mem = 0, last = POOL_NONE;
	uint32_t end = 0;
	bool first = true;

	for (uint32_t b = c->sq.head; b != POOL_NONE; b = pool->block[b].next) {
		const struct pool_block *k = &pool->block[b];

		mem += pool_size(k->order);
		last = b;
		if (k->len == 0) {
			ck_assert_uint_ne(c->sq.room, POOL_NONE);
			continue;
		}
		ck_assert_uint_le(k->len, pool_size(k->order));
		if (!first)
			ck_assert_uint_eq(k->off, end);
		first = false;
		end = k->off + k->len;
	}
	ck_assert_uint_eq(c->sq.tail, last);
	ck_assert_uint_eq(c->sq.mem, mem);
	ck_assert_uint_eq(pool->nused, mem);
	if (!first)
		ck_assert_uint_eq(end, c->sq.end);
}

/* Octets [seq, seq + len) of the queue are those of the stream. */
static void check_slices(const struct conn *c, uint32_t seq, uint32_t len,
			 unsigned most)
{
	struct tcpd_slice s[64];
	uint32_t had = len, sum = 0;
	unsigned n = sendq_slices(rig.t, c, seq, &len, s, most);

	ck_assert_uint_le(n, most);
	for (unsigned i = 0; i < n; i++) {
		ck_assert_uint_gt(s[i].len, 0);
		ck_assert_uint_eq(pattern_same(SALT, seq - c->iss - 1 + sum,
					       s[i].p, s[i].len),
				  s[i].len);
		sum += s[i].len;
	}
	ck_assert_uint_eq(sum, len);
	ck_assert_uint_le(len, had);
	if (n < most)
		ck_assert_uint_eq(len, had);
}

static uint32_t room_and_fill(struct conn *c, struct rng *r)
{
	struct tcpd_room room[4];
	uint32_t want = 1 + rng_below(r, 1u << rng_in(r, 1, 17));
	int n = sendq_room(rig.t, c, want, room, 1 + rng_below(r, 4));
	uint32_t at = c->sq.end - c->iss - 1;
	uint32_t offered = 0, fill, done = 0;

	for (int i = 0; i < n; i++) {
		ck_assert_uint_gt(room[i].len, 0);
		offered += room[i].len;
	}
	ck_assert_uint_eq(c->sq.nroom, offered);
	ck_assert_uint_le(offered, sendq_limit(rig.t, c));
	fill = rng_below(r, 4) ? rng_below(r, offered + 1) : 0;
	for (int i = 0; i < n && done < fill; i++) {
		uint32_t part = min_u32(room[i].len, fill - done);

		pattern_fill(SALT, at + done, room[i].p, part);
		done += part;
	}
	check_chain(c);
	sendq_filled(rig.t, c, fill);
	ck_assert_uint_eq(c->sq.end - c->iss - 1, at + fill);
	return fill;
}

START_TEST(sendq_holds_the_stream_and_no_block_more)
{
	struct rng r = {.state = (uint64_t)_i};
	struct conn *c = rig_conn(_i % 2 ? 5 : UINT32_MAX - 400000u, 1);
	uint32_t queued = 0;

	for (unsigned i = 0; i < 3000; i++) {
		unsigned what = rng_below(&r, 3);

		if (what == 0) {
			queued += room_and_fill(c, &r);
		} else if (what == 1 && queued) {
			uint32_t from = rng_below(&r, queued);

			check_slices(c, c->snd_una + from,
				     rng_in(&r, 1, queued - from),
				     1 + rng_below(&r, 64));
		} else if (queued) {
			uint32_t n = rng_below(&r, 4)
					     ? rng_below(&r, queued + 1)
					     : queued;

			queued -= n;
			c->snd_una += n;
			c->snd_nxt = c->snd_una;
			sendq_acked(rig.t, c, c->snd_una);
		}
		check_chain(c);
		if (queued == 0)
			ck_assert_uint_eq(c->sq.head, POOL_NONE);
	}
	sendq_clear(rig.t, c);
	ck_assert_uint_eq(rig.t->pool.nused, 0);
	ck_assert_uint_eq(c->sq.head & c->sq.tail, POOL_NONE);
}
END_TEST

START_TEST(sendq_fill_of_nothing_gives_the_blocks_back)
{
	struct conn *c = rig_conn(1, 1);
	struct tcpd_room r[4];

	ck_assert_int_eq(sendq_room(rig.t, c, 100000, r, 4), 2);
	ck_assert_uint_gt(rig.t->pool.nused, 0);
	sendq_filled(rig.t, c, 0);
	ck_assert_uint_eq(rig.t->pool.nused, 0);
	/* with octets in the tail only what came new goes back */
	rig_fill(c, SALT, 0, 100);
	ck_assert_uint_eq(rig.t->pool.nused, POOL_UNIT);
	ck_assert_int_gt(sendq_room(rig.t, c, 60000, r, 4), 1);
	sendq_filled(rig.t, c, 0);
	ck_assert_uint_eq(rig.t->pool.nused, POOL_UNIT);
	/* a tail that is full to the last octet stays too */
	rig_fill(c, SALT, 100, POOL_UNIT - 100);
	ck_assert_int_eq(sendq_room(rig.t, c, 10, r, 4), 1);
	ck_assert_uint_gt(rig.t->pool.nused, POOL_UNIT);
	sendq_filled(rig.t, c, 0);
	ck_assert_uint_eq(rig.t->pool.nused, POOL_UNIT);
	check_chain(c);
	check_slices(c, c->snd_una, POOL_UNIT, 3);
}
END_TEST

START_TEST(sendq_room_asked_for_again_forgets_the_room_before)
{
	struct conn *c = rig_conn(1, 1);
	struct tcpd_room a[4], b[4];

	ck_assert_int_eq(sendq_room(rig.t, c, 1000, a, 4), 1);
	ck_assert_int_eq(sendq_room(rig.t, c, 1000, b, 4), 1);
	ck_assert_ptr_eq(a[0].p, b[0].p);
	ck_assert_uint_eq(rig.t->pool.nused, POOL_UNIT);
}
END_TEST

START_TEST(sendq_blocks_grow_with_a_stream_of_small_writes)
{
	struct conn *c = rig_conn(1, 1);
	uint64_t at = 0;
	unsigned order = 0;

	c->ccs.cwnd = 1u << 20;
	for (uint32_t b = POOL_NONE; at < 200000; at += 100) {
		rig_fill(c, SALT, at, 100);
		if (c->sq.tail == b)
			continue;
		b = c->sq.tail;
		ck_assert_uint_eq(rig.t->pool.block[b].order, order);
		order = min_u32(order + 1, POOL_ORDERS - 1);
	}
	ck_assert_uint_eq(order, POOL_ORDERS - 1);
}
END_TEST

/* Twice cwnd and some more, at most the option and a quarter of what is left
 * of the memory and of its half that is for sending; at least 16 KiB, where the
 * option allows that. */
static const struct limit_row {
	const char *name;
	uint32_t cwnd, snd_max;
	uint64_t taken; /* of 4 MiB */
	uint32_t limit;
} limit_rows[] = {
	{"the option is less", 300000, 100000, 0, 100000},
	{"the option is very small", 14600, 5000, 0, 5000},
	{"the share of the budget is less", 1u << 20, 4u << 20, 0, 512u << 10},
	{"the share of memory is less", 1u << 20, 4u << 20, 3072u << 10,
	 256u << 10},
	{"memory is short", 1u << 20, 4u << 20, 4032u << 10, 16u << 10},
	{"memory and option are short", 1u << 20, 3000, 4096u << 10, 3000},
};

START_TEST(sendq_limit_follows_window_option_and_memory)
{
	const struct limit_row *row = &limit_rows[_i];
	struct conn *c = rig_conn(1, 1);

	c->ccs.cwnd = row->cwnd;
	c->snd_max = row->snd_max;
	while (rig.t->pool.nused < row->taken)
		ck_assert_uint_ne(pool_take(&rig.t->pool, 5), POOL_NONE);
	ck_assert_msg(sendq_limit(rig.t, c) == row->limit, "%s: %u, not %u",
		      row->name, sendq_limit(rig.t, c), row->limit);
}
END_TEST

START_TEST(sendq_limit_grows_with_the_congestion_window)
{
	struct conn *c;
	uint32_t less;

	rig_stop();
	rig.set.memory = 64u << 20;
	rig_start();
	c = rig_conn(1, 1);
	c->ccs.cwnd = 14600;
	less = sendq_limit(rig.t, c);
	ck_assert_uint_ge(less, 29200);
	c->ccs.cwnd += 100000;
	ck_assert_uint_eq(sendq_limit(rig.t, c), less + 200000);
}
END_TEST

/* What was SACKed holds its place in the queue, and leaves room in the window:
 * the app must be let write. */
START_TEST(sendq_limit_leaves_a_window_beyond_what_is_in_flight)
{
	struct conn *c;

	rig_stop();
	rig.set.memory = 256u << 20;
	rig_start();
	c = rig_conn(1, 1);
	c->ccs.cwnd = 100000;
	rig_fill(c, SALT, 0, 700000);
	c->snd_nxt += 700000;
	ck_assert_uint_ge(sendq_limit(rig.t, c), 800000);
	c->snd_nxt -= 700000;
}
END_TEST

START_TEST(sendq_limit_is_what_the_app_has_set)
{
	struct conn *c;

	rig_stop();
	rig.set.memory = 256u << 20;
	rig_start();
	c = rig_conn(1, 1);
	c->ccs.cwnd = 14600;
	ck_assert_uint_lt(sendq_limit(rig.t, c), 3u << 20);
	ck_assert_int_eq(
		tcpd_set_option(rig.st, stack_handle(rig.t, conn_ref(rig.t, c)),
				TCPD_OPT_SNDBUF, 3u << 20, rig.now),
		0);
	ck_assert_uint_eq(sendq_limit(rig.t, c), 3u << 20);
	/* but no more than its share */
	rig.t->send_mem = rig.set.memory / 2 - (4u << 20);
	ck_assert_uint_eq(sendq_limit(rig.t, c), 1u << 20);
	rig.t->send_mem = 0;
}
END_TEST

START_TEST(sendq_takes_no_more_than_its_limit)
{
	struct tcpd_room r[4];
	struct conn *c;
	uint32_t limit;

	rig.set.memory = 64u << 20;
	rig_restart();
	c = rig_conn(1, 1);
	limit = sendq_limit(rig.t, c);
	rig_fill(c, SALT, 0, limit - 10);
	ck_assert_int_eq(sendq_room(rig.t, c, 4000, r, 4), 1);
	ck_assert_uint_eq(r[0].len, 10);
	sendq_filled(rig.t, c, 10);
	ck_assert(!c->want_room);
	ck_assert_int_eq(sendq_room(rig.t, c, 4000, r, 4), 0);
	ck_assert(c->want_room && !c->want_mem);
}
END_TEST

START_TEST(sendq_tells_its_writer_of_room_once_a_third_is_free)
{
	struct tcpd_room r[4];
	struct tcpd_event ev;
	uint32_t limit, enough;
	struct conn *c;

	rig.set.memory = 64u << 20;
	rig_restart();
	c = rig_conn(1, 1);
	limit = sendq_limit(rig.t, c);
	enough = min_u32(limit / 3, POOL_MAX);
	rig_fill(c, SALT, 0, limit);
	ck_assert_int_eq(sendq_room(rig.t, c, 1, r, 4), 0);
	c->snd_nxt = c->snd_una += enough - 1;
	sendq_acked(rig.t, c, c->snd_una);
	ck_assert_uint_eq(c->ev_mask, 0);
	c->snd_nxt = ++c->snd_una;
	sendq_acked(rig.t, c, c->snd_una);
	ev = rig_event();
	ck_assert_uint_eq(ev.mask, TCPD_EV_WRITABLE);
	/* once */
	sendq_acked(rig.t, c, c->snd_una += 1000);
	ck_assert_uint_eq(rig_event().mask, 0);
}
END_TEST

START_TEST(sendq_waits_for_memory_and_hears_when_there_is_some)
{
	struct conn *c = rig_conn(1, 1);
	struct tcpd_room r[4];
	uint32_t b[65]; /* and the POOL_NONE behind them */
	unsigned n = 0;

	while ((b[n] = pool_take(&rig.t->pool, 5)) != POOL_NONE)
		n++;
	ck_assert_int_eq(sendq_room(rig.t, c, 100, r, 4), 0);
	ck_assert(c->want_room && c->want_mem && rig.t->mem_waiters);
	ck_assert_uint_eq(rig.t->stat.memory_short_send, 1);
	rig_pass(TCPD_MS(20));
	ck_assert_uint_eq(rig_event().mask, 0);
	while (n > 32)
		pool_give(&rig.t->pool, b[--n]);
	rig_pass(TCPD_MS(20));
	ck_assert_uint_eq(rig_event().mask, TCPD_EV_WRITABLE);
	ck_assert(!rig.t->mem_waiters);
	ck_assert_int_eq(sendq_room(rig.t, c, 100, r, 4), 1);
}
END_TEST

START_TEST(sendq_takes_small_blocks_where_large_ones_are_gone)
{
	struct conn *c = rig_conn(1, 1);
	struct tcpd_room r[4];

	while (pool_free(&rig.t->pool) > POOL_MAX)
		ck_assert_uint_ne(pool_take(&rig.t->pool, 5), POOL_NONE);
	while (pool_free(&rig.t->pool) > UINT64_C(3) * POOL_UNIT)
		ck_assert_uint_ne(pool_take(&rig.t->pool, 0), POOL_NONE);
	ck_assert_int_eq(sendq_room(rig.t, c, 16000, r, 4), 3);
	for (unsigned i = 0; i < 3; i++)
		ck_assert_uint_eq(r[i].len, POOL_UNIT);
	ck_assert_uint_eq(c->sq.nroom, UINT64_C(3) * POOL_UNIT);
	/* nothing more is there */
	sendq_filled(rig.t, c, 3 * POOL_UNIT);
	ck_assert_int_eq(sendq_room(rig.t, c, 16000, r, 4), 0);
	ck_assert(c->want_room);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("sendq");
	TCase *tc = rig_case(s, "queue");

	tcase_add_loop_test(tc, sendq_holds_the_stream_and_no_block_more, 0, 6);
	tcase_add_test(tc, sendq_fill_of_nothing_gives_the_blocks_back);
	tcase_add_test(tc, sendq_room_asked_for_again_forgets_the_room_before);
	tcase_add_test(tc, sendq_blocks_grow_with_a_stream_of_small_writes);
	tcase_add_loop_test(tc, sendq_limit_follows_window_option_and_memory, 0,
			    ARRAY_SIZE(limit_rows));
	tcase_add_test(tc, sendq_limit_grows_with_the_congestion_window);
	tcase_add_test(tc,
		       sendq_limit_leaves_a_window_beyond_what_is_in_flight);
	tcase_add_test(tc, sendq_limit_is_what_the_app_has_set);
	tcase_add_test(tc, sendq_takes_no_more_than_its_limit);
	tcase_add_test(tc, sendq_tells_its_writer_of_room_once_a_third_is_free);
	tcase_add_test(tc, sendq_waits_for_memory_and_hears_when_there_is_some);
	tcase_add_test(tc, sendq_takes_small_blocks_where_large_ones_are_gone);
	return rig_run(s);
}
