/* SPDX-License-Identifier: MIT */
/*
 * test_recvq.c - the receive queue against a map of octets: what is in order,
 * what lies ahead, what its reader sees, and which blocks are held for it.
 *
 * LINK: test/unit/rig.c
 */
#include "recvq_model.h"

START_TEST(recvq_is_what_a_map_of_octets_is)
{
	struct rng r = {.state = (uint64_t)_i};
	uint32_t disorder = _i % 3 ? 40 : 0;

	model(_i % 2 ? 12345u : UINT32_MAX - 300000u);
	m.c->rcv_buf = AHEAD << _i % 7; /* blocks ahead of each size */
	while (m.next < STREAM / 4) {
		uint32_t left = AHEAD - (m.next - m.read);
		unsigned what = rng_below(&r, 10);
		uint32_t n = 1u << rng_below(&r, 16);
		uint32_t len = min_u32(rng_in(&r, 1, n), left);
		uint32_t at = m.next;

		if (what >= 4 && len) {
			enum recvq_took want;

			if (rng_below(&r, 100) < disorder)
				at += rng_below(&r, left - len + 1);
			want = expected(at, len);
			ck_assert_int_eq(put(at, len), want);
		} else if (what >= 2) {
			uint32_t have = m.next - m.read;

			read_some(rng_below(&r, 3) ? rng_below(&r, have + 1)
						   : have);
		} else if (what == 1) {
			settle();
		}
		if (m.nlent == ARRAY_SIZE(m.lent))
			settle();
		check();
	}
	settle();
	check();
	ck_assert_uint_eq(m.c->octets_received, m.next);
	ck_assert_uint_eq(rig.t->stat.octets_received, m.next);
	recvq_clear(rig.t, m.c);
	ck_assert_uint_eq(rig.t->pool.nused, 0);
}
END_TEST

/* The map as the queue says that it is; what is in it is looked at when it
 * is read. */
static void believe(void)
{
	const struct range *r = recvq_ranges(rig.t, m.c);

	m.next = m.c->rcv_nxt - seq_of(0);
	memset(m.have + m.read, false, sizeof(m.have) - m.read);
	memset(m.have + m.read, true, m.next - m.read);
	for (unsigned i = 0; i < m.c->rq.nranges; i++)
		memset(m.have + (r[i].left - seq_of(0)), true,
		       r[i].right - r[i].left);
}

/* Others take and give memory all the time: what was taken is still right. */
START_TEST(recvq_short_of_memory_is_never_wrong)
{
	struct rng r = {.state = (uint64_t)_i};
	uint32_t others[64];
	unsigned n = 0, refused = 0;

	rig_stop();
	rig.set.memory = POOL_MAX;
	rig_start();
	model(12345u);
	m.c->rcv_buf = AHEAD << _i % 7;
	while (m.next < STREAM - 2 * AHEAD) {
		uint32_t left = AHEAD - (m.next - m.read);
		unsigned what = rng_below(&r, 12);
		uint32_t len = min_u32(rng_in(&r, 1, 4000), left);

		if (what < 6 && len) {
			uint32_t at = m.next;
			uint8_t *p = malloc(len);

			if (what < 3)
				at += rng_below(&r, left - len + 1);
			ck_assert_ptr_nonnull(p);
			pattern_fill(SALT, at, p, len);
			m.lent[m.nlent++] = p;
			m.c->rcv_adv = m.c->rcv_nxt + left;
			refused += recvq_put(rig.t, m.c, seq_of(at), p, len) ==
				   RQ_NOTHING;
			believe();
		} else if (what < 8) {
			read_some(rng_below(&r, m.next - m.read + 1));
		} else if (what < 10 && n < ARRAY_SIZE(others) &&
			   mem_left(rig.t) > POOL_UNIT) {
			others[n++] = pool_take(&rig.t->pool, 0);
		} else if (what == 10 && n) {
			pool_give(&rig.t->pool, others[--n]);
		} else {
			settle();
		}
		if (m.nlent == ARRAY_SIZE(m.lent))
			settle();
		while (m.next == m.read && n && rng_below(&r, 3) == 0)
			pool_give(&rig.t->pool, others[--n]);
		check_ranges();
		check_reader();
	}
	ck_assert_uint_gt(refused, 20);
	ck_assert_uint_gt(rig.t->stat.memory_ooo_pruned, 0);
	settle();
}
END_TEST

/* What is left of an aligned stretch, between a block that ends within it and
 * the next one, is larger than any block that fits: text at its end. */
START_TEST(recvq_puts_text_behind_what_one_block_would_hold)
{
	model(0); /* sequence numbers are offsets, and one */
	m.c->rcv_buf = 1u << 20;
	put(0, 1);
	settle();
	put(32767, 1000);
	put(23000, 1000);
	put(30000, 2767);
	settle();
	check();
	put(1, 22999);
	put(24000, 6000);
	settle();
	check();
	read_some(33767);
	ck_assert_uint_eq(rig.t->pool.nused, 0);
}
END_TEST

START_TEST(recvq_copies_nothing_for_a_reader_that_keeps_up)
{
	model(1);
	for (uint32_t at = 0; at < 600000; at += 60000) {
		struct tcpd_slice s[2];

		ck_assert_int_eq(put(at, 60000), RQ_IN_ORDER);
		ck_assert_uint_eq(recvq_peek(rig.t, m.c, s, 2), 1);
		ck_assert_ptr_eq(s[0].p, m.lent[m.nlent - 1]);
		read_some(60000);
		settle();
	}
	ck_assert_uint_eq(rig.t->stat.octets_copied, 0);
	ck_assert_uint_eq(rig.t->pool.high, 0);
}
END_TEST

START_TEST(recvq_settles_what_was_read_in_part)
{
	model(1);
	put(0, 1000);
	put(1000, 1000);
	read_some(1500);
	check_reader();
	settle();
	ck_assert_uint_eq(rig.t->stat.octets_copied, 500);
	check();
	read_some(500);
	check();
}
END_TEST

START_TEST(recvq_lends_no_more_than_its_list_holds)
{
	model(1);
	for (uint32_t i = 0; i < 300; i++)
		ck_assert_int_eq(put(i * 10, 10), RQ_IN_ORDER);
	check();
	settle();
	check();
}
END_TEST

START_TEST(recvq_settles_with_the_peers_fin_behind_the_text)
{
	model(1);
	put(0, 700);
	m.c->rcv_nxt++;
	m.c->fin_rcvd = true;
	ck_assert_uint_eq(conn_readable(m.c), 700);
	recvq_settle_conn(rig.t, m.c);
	free(m.lent[--m.nlent]);
	m.c->rcv_nxt--;
	m.c->fin_rcvd = false;
	check_reader();
	m.c->rcv_nxt++;
	m.c->fin_rcvd = true;
	read_some(700);
	ck_assert_uint_eq(rig.t->pool.nused, 0);
}
END_TEST

/* A range is 8 octets, and they have one block of 2 KiB. */
START_TEST(recvq_keeps_256_ranges_and_drops_what_would_need_one_more)
{
	model(1);
	for (uint32_t i = 0; i < 256; i++)
		ck_assert_int_eq(put(2 + 4 * i, 2), RQ_OUT_OF_ORDER);
	check();
	ck_assert_int_eq(put(2 + 4 * 256, 2), RQ_NOTHING);
	ck_assert_uint_eq(rig.t->stat.drops[TCPD_DROP_OOO_RANGES], 1);
	/* what begins in one of them or at its end needs none of its own */
	ck_assert_int_eq(put(4, 1), RQ_OUT_OF_ORDER);
	ck_assert_int_eq(put(7, 2), RQ_OUT_OF_ORDER);
	check();
	/* two become one: there is room again */
	ck_assert_int_eq(put(5, 1), RQ_OUT_OF_ORDER);
	ck_assert_int_eq(put(2 + 4 * 256, 2), RQ_OUT_OF_ORDER);
	check();
	ck_assert_int_eq(put(0, 2), RQ_FILLED_GAP);
	check();
	settle();
}
END_TEST

/*
 * The list is full, a segment would have touched a range, but its memory ends
 * before it gets there: what found its place would need a range of its own.
 */
START_TEST(recvq_with_a_full_list_drops_what_memory_cuts_short)
{
	uint8_t *p = calloc(1, 40000);
	uint32_t i;

	ck_assert_ptr_nonnull(p);
	rig_stop();
	rig.set.memory = POOL_MAX;
	rig_start();
	model(1);
	for (i = 0; i < 20; i++) /* unread: 40 of the 64 KiB */
		put(i * 2048, 2048);
	settle();
	for (i = 0; i < 255; i++)
		ck_assert_int_eq(put(50000 + 2 * i, 1), RQ_OUT_OF_ORDER);
	ck_assert_int_eq(put(100000, 1), RQ_OUT_OF_ORDER);
	ck_assert_uint_eq(m.c->rq.nranges, 256);
	/* it is not memory that the list lacks */
	ck_assert_int_eq(recvq_put(rig.t, m.c, seq_of(60000), p, 1),
			 RQ_NOTHING);
	ck_assert_uint_eq(rig.t->stat.drops[TCPD_DROP_OOO_RANGES], 1);
	ck_assert_int_eq(recvq_put(rig.t, m.c, seq_of(60000), p, 40000),
			 RQ_NOTHING);
	ck_assert_uint_eq(m.c->rq.nranges, 256);
	free(p);
	settle();
}
END_TEST

START_TEST(recvq_gives_up_what_lies_ahead_for_text_in_order)
{
	rig_stop();
	rig.set.memory = POOL_MAX;
	rig_start();
	model(1);
	put(10, 1000);
	put(20000, 20000);
	put(45000, 9000);
	settle();
	ck_assert_uint_gt(m.c->rq.ooo, 25000);
	/* memory for a half of this one is left, and theirs */
	while (pool_free(&rig.t->pool) > POOL_UNIT)
		ck_assert_uint_ne(pool_take(&rig.t->pool, 0), POOL_NONE);
	memset(m.have, 0, sizeof(m.have));
	m.c->fin_ooo = true;
	ck_assert_int_eq(put(0, 8000), RQ_IN_ORDER);
	ck_assert_uint_eq(m.c->rcv_nxt, seq_of(8000));
	ck_assert_uint_eq(m.c->rq.nranges, 0);
	ck_assert_uint_eq(m.c->rq.ooo, 0);
	ck_assert(!m.c->fin_ooo);
	ck_assert_uint_gt(rig.t->stat.memory_ooo_pruned, 25000);
	check_reader();
	settle();
}
END_TEST

/* Where the |i|th of octets that arrive apart from each other lies. */
static uint32_t step_up(uint32_t i)
{
	return 1 + 2 * i;
}

static uint32_t step_down(uint32_t i)
{
	return AHEAD - 1 - 2 * i;
}

static uint32_t wide_up(uint32_t i)
{
	return 1 + 233 * i;
}

static uint32_t wide_down(uint32_t i)
{
	return AHEAD - 1 - 233 * i;
}

static uint32_t a_unit_down(uint32_t i)
{
	return AHEAD - 1 - 2049 * i;
}

static uint32_t scattered(uint32_t i)
{
	return 1 + i * 22307u % (AHEAD - 1);
}

/* Each where a block twice as large as the last one would follow it. */
static uint32_t doubling(uint32_t i)
{
	return (2048u << i) - 2048u + 1;
}

static const struct apart_row {
	const char *name;
	uint32_t (*at)(uint32_t i);
	uint32_t n;
} apart_rows[] = {
	{"every second one, upwards", step_up, 20000},
	{"every second one, downwards", step_down, 20000},
	{"far apart, upwards", wide_up, 256},
	{"far apart, downwards", wide_down, 256},
	{"a block apart, downwards", a_unit_down, 29},
	{"anywhere", scattered, 20000},
	{"each behind the last one's block", doubling, 5},
};

START_TEST(recvq_of_octets_apart_is_no_larger_than_the_window)
{
	const struct apart_row *row = &apart_rows[_i];

	model(0x7ffffe12);
	for (uint32_t i = 0; i < row->n; i++) {
		put(row->at(i), 1);
		settle();
		ck_assert_uint_le(m.c->rq.nranges, 256);
	}
	ck_assert_uint_gt(m.c->rq.nranges, 4);
	ck_assert_uint_le(m.c->rq.mem, AHEAD + (8u << 10));
	check_ranges();
	rig_check();
	put(0, 1);
	check_reader();
	settle();
}
END_TEST

START_TEST(recvq_takes_nothing_ahead_when_memory_is_tight)
{
	model(1);
	while (pool_free(&rig.t->pool) >= rig.set.memory / 8)
		ck_assert_uint_ne(pool_take(&rig.t->pool, 5), POOL_NONE);
	ck_assert_int_eq(put(10, 1000), RQ_NOTHING);
	ck_assert_uint_eq(rig.t->stat.drops[TCPD_DROP_OOO_MEMORY], 1);
	ck_assert_int_eq(put(0, 1000), RQ_IN_ORDER);
	settle();
}
END_TEST

START_TEST(recvq_without_any_memory_says_so)
{
	model(1);
	while (pool_take(&rig.t->pool, 5) != POOL_NONE)
		;
	ck_assert_int_eq(put(0, 1000), RQ_NOTHING);
	ck_assert_uint_eq(rig.t->stat.drops[TCPD_DROP_MEMORY], 1);
	ck_assert_uint_eq(rig.t->nborrows, 0);
	settle();
}
END_TEST

/* What lies in packets was promised a place: nobody else may take that. */
START_TEST(recvq_keeps_what_it_promised_to_borrowed_packets)
{
	struct conn *other;
	uint8_t *p = calloc(1, 60000);

	ck_assert_ptr_nonnull(p);
	rig_stop();
	rig.set.memory = POOL_MAX;
	rig_start();
	model(1);
	other = rig_conn(1, 1);
	ck_assert_int_eq(recvq_put(rig.t, other, other->rcv_nxt + 5, p, 1),
			 RQ_OUT_OF_ORDER);
	ck_assert_int_eq(put(0, 50000), RQ_IN_ORDER);
	ck_assert_uint_eq(rig.t->borrowed, 50000);
	/* in order, but with a gap behind it: it cannot be borrowed */
	recvq_put(rig.t, other, other->rcv_nxt, p, 60000);
	settle();
	check_reader();
	free(p);
}
END_TEST

START_TEST(recvq_clear_leaves_no_block_and_no_borrow)
{
	model(1);
	put(0, 5000);
	settle();
	put(20000, 5000);
	put(30000, 5000);
	put(5000, 4000);
	recvq_clear(rig.t, m.c);
	ck_assert_uint_eq(rig.t->pool.nused, 0);
	ck_assert_uint_eq(rig.t->borrowed, 0);
	ck_assert_uint_eq(conn_readable(m.c), 0);
	ck_assert_ptr_null(recvq_ranges(rig.t, m.c));
	settle();
	/* and while its text is borrowed */
	m.next = m.read = 9000;
	memset(m.have, 0, sizeof(m.have));
	put(9000, 500);
	put(9500, 500);
	recvq_clear(rig.t, m.c);
	ck_assert_uint_eq(rig.t->borrowed, 0);
	settle();
	ck_assert_uint_eq(rig.t->pool.nused, 0);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("recvq");
	TCase *tc = rig_case(s, "queue");

	tcase_add_loop_test(tc, recvq_is_what_a_map_of_octets_is, 0, 9);
	tcase_add_loop_test(tc, recvq_short_of_memory_is_never_wrong, 0, 4);
	tcase_add_test(tc, recvq_puts_text_behind_what_one_block_would_hold);
	tcase_add_test(tc, recvq_copies_nothing_for_a_reader_that_keeps_up);
	tcase_add_test(tc, recvq_settles_what_was_read_in_part);
	tcase_add_test(tc, recvq_lends_no_more_than_its_list_holds);
	tcase_add_test(tc, recvq_settles_with_the_peers_fin_behind_the_text);
	tcase_add_test(
		tc, recvq_keeps_256_ranges_and_drops_what_would_need_one_more);
	tcase_add_test(tc, recvq_with_a_full_list_drops_what_memory_cuts_short);
	tcase_add_test(tc, recvq_gives_up_what_lies_ahead_for_text_in_order);
	tcase_add_loop_test(tc,
			    recvq_of_octets_apart_is_no_larger_than_the_window,
			    0, (int)ARRAY_SIZE(apart_rows));
	tcase_add_test(tc, recvq_takes_nothing_ahead_when_memory_is_tight);
	tcase_add_test(tc, recvq_without_any_memory_says_so);
	tcase_add_test(tc, recvq_keeps_what_it_promised_to_borrowed_packets);
	tcase_add_test(tc, recvq_clear_leaves_no_block_and_no_borrow);
	return rig_run(s);
}
