/* SPDX-License-Identifier: MIT */
/*
 * sendq.c - the send queue, which is also the retransmission queue: what the
 * app has given and the peer has not acknowledged, in blocks of the pool.
 * Segments point into it; nothing is copied on the way out.
 */
#include <assert.h>

#include "conn.h"
#include "mem.h"

#define LIMIT_MIN  (16u << 10)	/* what a connection may have that moves */
#define LIMIT_MORE (512u << 10) /* beyond what the window lets out */
#define MSS_SMALL  216u
#define LIMIT_MSS  (64u << 10)

/*
 * What a connection may have however short the send budget is: towards its
 * end less and less, so that it reaches for every connection there may be; but
 * one whose peer takes what it gets is not held up by those that do not.
 */
static uint32_t least(const struct tcp *t, const struct conn *c, uint64_t left)
{
	bool moves = c->delivered && t->now - c->last_ack < TCPD_SEC(1);

	if (moves && mem_left(t) > t->set.memory / 4)
		return LIMIT_MIN;
	return clamp_u32(left / 64, POOL_UNIT, LIMIT_MIN);
}

/*
 * How much may be queued: twice the congestion window keeps the sender busy
 * while an app fills in; more only makes what is written late.  Segments that
 * a peer wants very small cost much more than their octets: few of them.
 */
uint32_t sendq_limit(const struct tcp *t, const struct conn *c)
{
	bool small = c->mss + (c->ts ? TS_OPTION : 0) < MSS_SMALL;
	uint32_t most = small ? min_u32(c->snd_max, LIMIT_MSS) : c->snd_max;
	uint64_t left = mem_send_left(t);
	uint64_t limit = 2 * (uint64_t)c->ccs.cwnd + LIMIT_MORE;

	limit = min_u64(limit, min_u64(left / 4, mem_share(t)));
	return clamp_u32(limit, min_u32(least(t, c, left), most), most);
}

static uint32_t queued(const struct conn *c)
{
	uint32_t from = seq_max(c->snd_una, c->iss + 1);

	return seq_gt(c->sq.end, from) ? c->sq.end - from : 0;
}

/* A new block behind the tail. */
static uint32_t grow(struct tcp *t, struct conn *c, uint32_t want)
{
	struct sendq *q = &c->sq;
	unsigned order = pool_order(want);
	uint32_t b;

	/* small writes one after the other: each block larger than the last */
	if (q->tail != POOL_NONE) {
		unsigned next = t->pool.block[q->tail].order + 1u;

		if (order < next)
			order = min_u32(next, POOL_ORDERS - 1);
	}
	if (mem_left(t) < POOL_UNIT)
		return POOL_NONE;
	if (min_u64(mem_left(t), mem_send_left(t)) < pool_size(order))
		order = 0;
	b = pool_take(&t->pool, order);
	if (b == POOL_NONE)
		return b;
	if (q->tail != POOL_NONE)
		t->pool.block[q->tail].next = b;
	else
		q->head = b;
	q->tail = b;
	q->mem += pool_size(t->pool.block[b].order);
	t->send_mem += pool_size(t->pool.block[b].order);
	if (mem_send_left(t) == 0)
		tcp_arm_trim(t);
	return b;
}

static uint32_t block_left(const struct tcp *t, uint32_t b)
{
	const struct pool_block *k = &t->pool.block[b];

	return pool_size(k->order) - k->len;
}

static bool offer(const struct tcp *t, uint32_t b, uint32_t most,
		  struct tcpd_room *r)
{
	uint32_t left = min_u32(block_left(t, b), most);

	if (left == 0)
		return false;
	*r = (struct tcpd_room){
		.p = pool_at(&t->pool, b) + t->pool.block[b].len, .len = left};
	return true;
}

int sendq_room(struct tcp *t, struct conn *c, uint32_t want,
	       struct tcpd_room *r, size_t n)
{
	struct sendq *q = &c->sq;
	uint32_t have = queued(c);
	uint32_t limit = sendq_limit(t, c);
	uint32_t most = limit > have ? limit - have : 0;
	size_t i = 0;

	sendq_filled(t, c, 0); /* rooms of an earlier call are gone */
	want = min_u32(want, most);
	q->room = q->tail;
	if (n && want && q->tail != POOL_NONE && offer(t, q->tail, most, r)) {
		q->nroom = r[i++].len;
	}
	while (i < n && q->nroom < want) {
		uint32_t b = grow(t, c, want - q->nroom);

		if (b == POOL_NONE)
			break;
		if (q->room == POOL_NONE)
			q->room = b;
		offer(t, b, most - q->nroom, &r[i]);
		q->nroom += r[i++].len;
	}
	if (i == 0 && n) {
		c->want_room = true;
		if (have == 0) {
			c->want_mem = t->mem_waiters = true;
			t->stat.memory_short_send++;
			tcp_arm_trim(t);
		}
	}
	return (int)i;
}

/* Empty blocks behind the last filled one go back. */
static void trim_tail(struct tcp *t, struct conn *c, uint32_t last)
{
	struct sendq *q = &c->sq;
	uint32_t b = last == POOL_NONE ? q->head : t->pool.block[last].next;

	if (last == POOL_NONE)
		q->head = POOL_NONE;
	else
		t->pool.block[last].next = POOL_NONE;
	q->tail = last;
	while (b != POOL_NONE) {
		uint32_t next = t->pool.block[b].next;

		q->mem -= pool_size(t->pool.block[b].order);
		t->send_mem -= pool_size(t->pool.block[b].order);
		pool_give(&t->pool, b);
		b = next;
	}
}

void sendq_filled(struct tcp *t, struct conn *c, uint32_t n)
{
	struct sendq *q = &c->sq;
	uint32_t b = q->room;
	uint32_t last = POOL_NONE;

	if (b == POOL_NONE)
		return;
	assert(n <= q->nroom);
	if (t->pool.block[b].len)
		last = b; /* it was the tail, with octets in it */
	if (c->snd_wnd == 0 && queued(c) == 0)
		c->closed_at = t->now; /* that matters from now on */
	for (; n; b = t->pool.block[b].next) {
		struct pool_block *k = &t->pool.block[b];
		uint32_t part = min_u32(n, block_left(t, b));

		if (part == 0)
			continue;
		if (k->len == 0)
			k->off = q->end;
		k->len += part;
		q->end += part;
		n -= part;
		last = b;
	}
	trim_tail(t, c, last);
	q->room = POOL_NONE;
	q->nroom = 0;
}

unsigned sendq_slices(const struct tcp *t, const struct conn *c, uint32_t seq,
		      uint32_t *len, struct tcpd_slice *s, unsigned n)
{
	uint32_t b = c->sq.head;
	uint32_t left = *len;
	unsigned i = 0;

	while (b != POOL_NONE &&
	       seq_ge(seq, t->pool.block[b].off + t->pool.block[b].len))
		b = t->pool.block[b].next;
	for (; left && i < n && b != POOL_NONE; b = t->pool.block[b].next) {
		const struct pool_block *k = &t->pool.block[b];
		uint32_t at = seq - k->off;
		uint32_t part = min_u32(left, k->len - at);

		s[i++] = (struct tcpd_slice){.p = pool_at(&t->pool, b) + at,
					     .len = part};
		seq += part;
		left -= part;
	}
	*len -= left;
	return i;
}

void sendq_acked(struct tcp *t, struct conn *c, uint32_t una)
{
	struct sendq *q = &c->sq;

	while (q->head != POOL_NONE) {
		const struct pool_block *k = &t->pool.block[q->head];
		uint32_t next = k->next;

		if (seq_gt(k->off + k->len, una) ||
		    (k->len == 0 && q->room != POOL_NONE))
			break;
		q->mem -= pool_size(k->order);
		t->send_mem -= pool_size(k->order);
		if (q->room == q->head) {
			q->room = POOL_NONE;
			q->nroom = 0;
		}
		pool_give(&t->pool, q->head);
		q->head = next;
	}
	if (q->head == POOL_NONE)
		q->tail = POOL_NONE;
	if (c->want_room) {
		uint32_t limit = sendq_limit(t, c);
		uint32_t have = queued(c);

		if (have < limit &&
		    limit - have >= min_u32(limit / 3, POOL_MAX)) {
			c->want_room = c->want_mem = false;
			conn_event(t, c, TCPD_EV_WRITABLE);
		}
	}
}

void sendq_clear(struct tcp *t, struct conn *c)
{
	trim_tail(t, c, POOL_NONE);
	c->sq.room = POOL_NONE;
	c->sq.nroom = 0;
}
