/* SPDX-License-Identifier: MIT */
/*
 * recvq_model.h - a map of octets beside a receive queue: what it says it took,
 * what its reader must see, and which blocks it may hold.  For test_recvq.c.
 */
#ifndef TEST_UNIT_RECVQ_MODEL_H
#define TEST_UNIT_RECVQ_MODEL_H

#include <stdlib.h>
#include <string.h>

#include "rig.h"
#include "tcp/mem.h"

#define SALT   99u
#define STREAM 1000000u
#define AHEAD  60000u /* a window */

static struct {
	struct conn *c;
	bool have[STREAM + AHEAD]; /* octets that the queue says it took */
	uint32_t next, read;	   /* offsets: first missing, first unread */
	uint8_t *lent[512];	   /* packets that are borrowed */
	unsigned nlent;
} m;

static inline uint32_t seq_of(uint32_t at)
{
	return m.c->irs + 1 + at;
}

static inline void model(uint32_t irs)
{
	memset(&m, 0, sizeof(m));
	m.c = rig_conn(1, irs);
	m.c->rcv_buf = AHEAD;
}

/* The packet is an own copy, which lives until the batch ends. */
static inline enum recvq_took put(uint32_t at, uint32_t len)
{
	uint8_t *p = malloc(len);
	uint32_t had = m.c->rcv_nxt, ooo = m.c->rq.ooo;
	enum recvq_took took;

	ck_assert_ptr_nonnull(p);
	pattern_fill(SALT, at, p, len);
	ck_assert_uint_lt(m.nlent, ARRAY_SIZE(m.lent));
	m.lent[m.nlent++] = p;
	m.c->rcv_adv = m.c->rcv_nxt + AHEAD;
	took = recvq_put(rig.t, m.c, seq_of(at), p, len);
	if (took == RQ_NOTHING) {
		ck_assert_uint_eq(m.c->rcv_nxt, had);
		ck_assert_uint_eq(m.c->rq.ooo, ooo);
		return took;
	}
	memset(m.have + at, true, len);
	while (m.have[m.next])
		m.next++;
	return took;
}

static inline void settle(void)
{
	recvq_settle(rig.t);
	ck_assert_uint_eq(rig.t->borrowed, 0);
	ck_assert_uint_eq(rig.t->nborrows, 0);
	while (m.nlent)
		free(m.lent[--m.nlent]);
}

static inline void check_ranges(void)
{
	const struct range *r = recvq_ranges(rig.t, m.c);
	unsigned n = 0;
	uint32_t ooo = 0;

	for (uint32_t at = m.next; at < m.next + AHEAD; at++) {
		uint32_t from = at;

		if (!m.have[at])
			continue;
		while (m.have[at])
			at++;
		ck_assert_uint_lt(n, m.c->rq.nranges);
		ck_assert_uint_eq(r[n].left, seq_of(from));
		ck_assert_uint_eq(r[n].right, seq_of(at));
		ooo += at - from;
		n++;
	}
	ck_assert_uint_eq(m.c->rq.nranges, n);
	ck_assert_uint_eq(m.c->rq.ooo, ooo);
	ck_assert(n || !r);
}

static inline void check_blocks(void)
{
	const struct recvq *q = &m.c->rq;
	const struct pool *pool = &rig.t->pool;
	uint32_t prev = POOL_NONE, mem = 0;
	bool last = q->last == POOL_NONE;

	for (uint32_t b = q->head; b != POOL_NONE; b = pool->block[b].next) {
		const struct pool_block *k = &pool->block[b];

		ck_assert_uint_eq(k->prev, prev);
		if (prev != POOL_NONE)
			ck_assert(seq_le(pool->block[prev].off +
						 pool->block[prev].len,
					 k->off));
		ck_assert_uint_le(k->len, pool_size(k->order));
		mem += pool_size(k->order);
		last |= b == q->last;
		prev = b;
	}
	ck_assert_uint_eq(q->tail, prev);
	ck_assert(last);
	if (q->ranges != POOL_NONE)
		mem += pool_size(pool->block[q->ranges].order);
	ck_assert_uint_eq(q->ranges != POOL_NONE, q->nranges != 0);
	ck_assert_uint_eq(q->mem, mem);
	ck_assert_uint_eq(pool->nused, mem);
	if (m.next == m.read && !q->nranges)
		ck_assert_uint_eq(mem, 0);
}

/* All that is in order, as its reader would see it now. */
static inline void check_reader(void)
{
	struct tcpd_slice s[2048];
	unsigned n = recvq_peek(rig.t, m.c, s, ARRAY_SIZE(s));
	uint32_t at = m.read;

	ck_assert_uint_eq(m.c->rcv_nxt, seq_of(m.next));
	ck_assert_uint_eq(conn_readable(m.c), m.next - m.read);
	for (unsigned i = 0; i < n; i++) {
		ck_assert_uint_gt(s[i].len, 0);
		ck_assert_uint_eq(pattern_same(SALT, at, s[i].p, s[i].len),
				  s[i].len);
		at += s[i].len;
	}
	ck_assert_uint_eq(at, m.next);
}

static inline void check(void)
{
	check_ranges();
	check_blocks();
	check_reader();
}

static inline void read_some(uint32_t n)
{
	recvq_read(rig.t, m.c, n);
	m.read += n;
}

/* What the answer must be, from the map alone. */
static inline enum recvq_took expected(uint32_t at, uint32_t len)
{
	bool ahead = false;

	if (at > m.next) {
		for (uint32_t i = at; i < at + len; i++)
			if (!m.have[i])
				return RQ_OUT_OF_ORDER;
		return RQ_NOTHING;
	}
	for (uint32_t i = at + 1; i < m.next + AHEAD && !ahead; i++)
		ahead = m.have[i];
	return ahead ? RQ_FILLED_GAP : RQ_IN_ORDER;
}

#endif /* TEST_UNIT_RECVQ_MODEL_H */
