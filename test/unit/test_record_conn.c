/* SPDX-License-Identifier: MIT */
/*
 * test_record_conn.c - a connection to and from its group of items: blocks,
 * text and records of transmissions come back as they were, and what does not
 * go together is refused.
 * LINK: test/unit/duo.c test/unit/duo_cases.c */
#include <check.h>
#include <string.h>

#include "duo.h"
#include "stack/record.h"

static struct duo one, other;
static uint8_t group[1u << 18], changed[1u << 18];
static size_t len;

/* Of side 0 the first connection with much in flight, of side 1 the first
 * with more than one range. */
static uint32_t find(unsigned side)
{
	const struct tcp *t = &one.st[side]->t;

	for (uint32_t i = 0; i < t->conns.high; i++) {
		const struct conn *c = conn_at(t, i);

		if (slab_used(&t->conns, i) &&
		    (side ? c->rq.nranges > 1
			  : c->sq.head != c->sq.tail &&
				     c->xmit_first != c->xmit_last))
			return i;
	}
	ck_abort_msg("no such connection");
	return 0;
}

/* One side's interesting connection as a group; a fresh stack beside it. */
static const struct conn *begin(unsigned side)
{
	struct record_out o = {.p = group, .room = sizeof(group)};
	uint32_t slot;

	duo_init(&one);
	duo_open(&one);
	duo_crowd(&one);
	duo_init(&other);
	duo_open(&other);
	other.st[side]->t.now = one.now;
	other.st[side]->t.next_id = 1000;
	ck_assert(pool_restore(&other.st[side]->t.pool,
			       one.st[side]->t.pool.high));
	slot = find(side);
	record_put_conn(&o, &one.st[side]->t, slot);
	ck_assert_uint_le(o.at, o.room);
	len = o.at;
	return conn_at(&one.st[side]->t, slot);
}

static void finish(void)
{
	duo_close(&one);
	duo_close(&other);
}

static bool load(unsigned side, const uint8_t *p, size_t n)
{
	return record_get_conn(&other.st[side]->t,
			       octets_of(p + RECORD_ITEM, n - RECORD_ITEM));
}

static void assert_same_blocks(unsigned side, uint32_t a, uint32_t b)
{
	const struct pool *pa = &one.st[side]->t.pool;
	const struct pool *pb = &other.st[side]->t.pool;

	for (; a != POOL_NONE; a = pa->block[a].next) {
		ck_assert_uint_eq(a, b);
		ck_assert_uint_eq(pa->block[a].off, pb->block[b].off);
		ck_assert_uint_eq(pa->block[a].len, pb->block[b].len);
		ck_assert_uint_eq(pa->block[a].order, pb->block[b].order);
		b = pb->block[b].next;
	}
	ck_assert_uint_eq(b, POOL_NONE);
}

START_TEST(conn_keeps_how_its_send_queue_is_cut)
{
	const struct conn *c = begin(0);
	const struct conn *d;
	uint32_t b = c->sq.head;

	ck_assert_uint_ne(c->sq.head, c->sq.tail);
	ck_assert(load(0, group, len));
	d = conn_at(&other.st[0]->t, conn_slot(&one.st[0]->t, c));
	assert_same_blocks(0, c->sq.head, d->sq.head);
	ck_assert_uint_eq(c->sq.tail, d->sq.tail);
	ck_assert_uint_eq(c->sq.mem, d->sq.mem);
	for (; b != POOL_NONE; b = one.st[0]->t.pool.block[b].next)
		ck_assert_mem_eq(pool_at(&one.st[0]->t.pool, b),
				 pool_at(&other.st[0]->t.pool, b),
				 one.st[0]->t.pool.block[b].len);
	finish();
}
END_TEST

START_TEST(conn_keeps_its_records_of_transmissions)
{
	const struct conn *c = begin(0);
	const struct tcp *ta = &one.st[0]->t, *tb = &other.st[0]->t;
	const struct conn *d;
	uint32_t a, b;

	ck_assert(load(0, group, len));
	d = conn_at(tb, conn_slot(ta, c));
	b = d->xmit_first;
	for (a = c->xmit_first; a; a = xmit_at(ta, a - 1)->next) {
		const struct xmit *x = xmit_at(ta, a - 1);
		const struct xmit *y = xmit_at(tb, b - 1);

		ck_assert_uint_ne(b, 0);
		ck_assert(x->seq == y->seq && x->end == y->end);
		ck_assert(x->sent_at == y->sent_at && x->flags == y->flags &&
			  x->nsent == y->nsent && x->mss == y->mss &&
			  x->delivered_at == y->delivered_at);
		ck_assert_uint_eq(xmit_find(tb, d, x->seq), b - 1);
		b = y->next;
	}
	ck_assert_uint_eq(b, 0);
	finish();
}
END_TEST

START_TEST(conn_keeps_what_came_out_of_order_and_no_octet_more)
{
	const struct conn *c = begin(1);
	const struct tcp *ta = &one.st[1]->t, *tb = &other.st[1]->t;
	const struct conn *d;
	const struct range *r = recvq_ranges(ta, c), *s;
	struct octets text;

	ck_assert(load(1, group, len));
	d = conn_at(tb, conn_slot(ta, c));
	s = recvq_ranges(tb, d);
	assert_same_blocks(1, c->rq.head, d->rq.head);
	ck_assert_uint_eq(c->rq.nranges, d->rq.nranges);
	ck_assert_mem_eq(r, s, c->rq.nranges * sizeof(*r));
	ck_assert_uint_eq(c->rq.mem, d->rq.mem);
	text = record_find(octets_of(group + RECORD_ITEM, len - RECORD_ITEM),
			   MORE_RECV_TEXT, REC_OCTETS);
	ck_assert_uint_eq(octets_left(&text), conn_readable(c) + c->rq.ooo);
	for (unsigned i = 0; i < c->rq.nranges; i++) {
		uint32_t b = c->rq.head;
		uint32_t at = r[i].left - ta->pool.block[b].off;

		if (at < ta->pool.block[b].len)
			ck_assert_uint_eq(pool_at(&ta->pool, b)[at],
					  pool_at(&tb->pool, b)[at]);
	}
	finish();
}
END_TEST

/* --- a group with one item changed */

/* How many of the |n| octets |p| stay, changed or not. */
typedef size_t edit(uint8_t *p, size_t n);

static size_t cut_one(uint8_t *p, size_t n)
{
	(void)p;
	return n - 1;
}

static size_t cut_all(uint8_t *p, size_t n)
{
	(void)p;
	(void)n;
	return 0;
}

static size_t one_more(uint8_t *p, size_t n)
{
	p[n] = 0;
	return n + 1;
}

static size_t again(uint8_t *p, size_t n)
{
	memcpy(p + n, p, n);
	return 2 * n;
}

static void set(uint8_t *p, uint32_t v)
{
	struct record_out o = {.p = p, .room = 4};

	record_put_int(&o, v, 4);
}

static size_t first_wrong(uint8_t *p, size_t n)
{
	set(p, 0x12345678);
	return n;
}

static size_t first_largest(uint8_t *p, size_t n)
{
	set(p, UINT32_MAX);
	return n;
}

static size_t second_wrong(uint8_t *p, size_t n)
{
	set(p + 4, 0x12345678);
	return n;
}

static size_t third_wrong(uint8_t *p, size_t n)
{
	set(p + 8, 0x12345678);
	return n;
}

static size_t fourth_zero(uint8_t *p, size_t n)
{
	set(p + 12, 0);
	return n;
}

static size_t fourth_wrong(uint8_t *p, size_t n)
{
	set(p + 12, 0x12345678);
	return n;
}

static size_t too_many(uint8_t *p, size_t n)
{
	(void)n;
	for (uint32_t i = 0; i < 257; i++) {
		set(p + (size_t)8 * i, 10 * i);
		set(p + (size_t)8 * i + 4, 10 * i + 5);
	}
	return (size_t)257 * 8;
}

static const struct {
	const char *name;
	unsigned side;
	uint16_t tag;
	edit *edit;
} damage[] = {
	{"slot out of range", 0, MORE_PLACE, first_largest},
	{"generation of a free slot", 0, MORE_PLACE, second_wrong},
	{"no place at all", 0, MORE_PLACE, cut_all},
	{"block out of range", 0, MORE_SEND_BLOCKS, first_largest},
	{"block that does not exist", 0, MORE_SEND_BLOCKS, first_wrong},
	{"class of no block", 0, MORE_SEND_BLOCKS, second_wrong},
	{"longer than its block", 0, MORE_SEND_BLOCKS, fourth_wrong},
	{"empty block", 0, MORE_SEND_BLOCKS, fourth_zero},
	{"the same blocks twice", 0, MORE_SEND_BLOCKS, again},
	{"half a number", 0, MORE_SEND_BLOCKS, cut_one},
	{"no blocks for the text", 0, MORE_SEND_BLOCKS, cut_all},
	{"less text than blocks hold", 0, MORE_SEND_TEXT, cut_one},
	{"more text than blocks hold", 0, MORE_SEND_TEXT, one_more},
	{"no text", 0, MORE_SEND_TEXT, cut_all},
	{"a first record that is damaged", 0, MORE_XMIT, cut_one},
	{"a first record without numbers", 0, MORE_XMIT, cut_all},
	{"less text than came", 1, MORE_RECV_TEXT, cut_one},
	{"more text than came", 1, MORE_RECV_TEXT, one_more},
	{"text of elsewhere", 1, MORE_RECV_BLOCKS, third_wrong},
	{"no blocks for what came", 1, MORE_RECV_BLOCKS, cut_all},
	{"no block for the ranges", 1, MORE_RANGES_BLOCK, cut_all},
	{"a wrong block for the ranges", 1, MORE_RANGES_BLOCK, first_largest},
	{"no ranges", 1, MORE_RANGES, cut_all},
	{"too many ranges", 1, MORE_RANGES, too_many},
	{"a range of elsewhere", 1, MORE_RANGES, first_wrong},
	{"a range without end", 1, MORE_RANGES, second_wrong},
};

START_TEST(conn_that_is_damaged_is_refused)
{
	struct octets o;
	struct item it;
	size_t to = RECORD_ITEM;
	bool done = false;

	begin(damage[_i].side);
	o = octets_of(group + RECORD_ITEM, len - RECORD_ITEM);
	while (record_next(&o, &it)) {
		size_t n = octets_left(&it.data);
		struct record_out head = {.p = changed + to,
					  .room = RECORD_ITEM};
		uint8_t *data = changed + to + RECORD_ITEM;

		memcpy(data, it.data.p, n);
		if (it.tag == damage[_i].tag && !done) {
			n = damage[_i].edit(data, n);
			done = true;
		}
		record_item(&head, it.tag, (enum record_kind)it.kind,
			    (uint32_t)n);
		to += RECORD_ITEM + n;
	}
	ck_assert_msg(done, "%s: no such item", damage[_i].name);
	ck_assert_msg(!load(damage[_i].side, changed, to), "%s",
		      damage[_i].name);
	finish();
}
END_TEST

START_TEST(conn_is_refused_twice)
{
	begin(0);
	ck_assert(load(0, group, len));
	ck_assert(!load(0, group, len));
	finish();
}
END_TEST

int main(void)
{
	Suite *s = suite_create("record_conn");
	TCase *tc = tcase_create("record_conn");
	SRunner *sr = srunner_create(s);
	int failed;

	tcase_add_test(tc, conn_keeps_how_its_send_queue_is_cut);
	tcase_add_test(tc, conn_keeps_its_records_of_transmissions);
	tcase_add_test(tc, conn_keeps_what_came_out_of_order_and_no_octet_more);
	tcase_add_loop_test(tc, conn_that_is_damaged_is_refused, 0,
			    ARRAY_SIZE(damage));
	tcase_add_test(tc, conn_is_refused_twice);
	suite_add_tcase(s, tc);
	srunner_set_tap(sr, "-");
	srunner_run_all(sr, CK_SILENT);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed != 0;
}
