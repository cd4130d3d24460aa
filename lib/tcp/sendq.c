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
	bool moves = c->octets_acked && t->now - c->last_ack < TCPD_SEC(1);

	if (moves && mem_left(t) > t->set.memory / 4)
		return LIMIT_MIN;
	return clamp_u32(left / 64, POOL_UNIT, LIMIT_MIN);
}

/*
 * How much may be queued: twice the congestion window keeps the sender busy
 * while an app fills in; more only makes what is written late.  What is in
 * flight may be more than that window, as text that was SACKed leaves room for
 * more: a window beyond it.  SO_SNDBUF says how much by itself.  Segments that
 * a peer wants very small cost much more than their octets: few of them.
 */
uint32_t sendq_limit(const struct tcp *t, const struct conn *c)
{
	bool small = c->mss + (c->ts ? TS_OPTION : 0) < MSS_SMALL;
	uint32_t most = small ? min_u32(c->snd_max, LIMIT_MSS) : c->snd_max;
	uint64_t left = mem_send_left(t);
	uint64_t limit = (uint64_t)c->ccs.cwnd + LIMIT_MORE +
			 max_u32(c->ccs.cwnd, conn_flight(c));

	if (c->options >> TCPD_OPT_SNDBUF & 1)
		limit = most;
	limit = min_u64(limit, min_u64(left / 4, mem_share(t)));
	return clamp_u32(limit, min_u32(least(t, c, left), most), most);
}

#define EOR 1 /* pool_block.owner: with it a record ends (MSG_EOR) */

static bool ends_record(const struct tcp *t, uint32_t b)
{
	return t->pool.block[b].owner == EOR;
}

/* What counts towards the limit: a record has blocks of its own. */
static uint32_t charge(const struct conn *c)
{
	return conn_queued(c) + c->sq.neors * POOL_UNIT;
}

/* Octets that may be given now; 0: the app has to wait. */
static uint32_t space(const struct tcp *t, const struct conn *c)
{
	uint32_t limit = sendq_limit(t, c);
	uint32_t have = charge(c);
	uint32_t most = limit > have ? limit - have : 0;
	uint32_t unsent = conn_unsent(c);

	if (c->lowat)
		most = min_u32(most, c->lowat > unsent ? c->lowat - unsent : 0);
	return most;
}

/* A new block behind the tail. */
static uint32_t grow(struct tcp *t, struct conn *c, uint32_t want)
{
	struct sendq *q = &c->sq;
	unsigned order = pool_order(want);
	uint32_t b;

	/* small writes one after the other: each block larger than the last */
	if (q->tail != POOL_NONE && !ends_record(t, q->tail)) {
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
	t->pool.block[b].prev = q->tail;
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
	uint32_t most = space(t, c);
	size_t i = 0;

	sendq_filled(t, c, 0); /* rooms of an earlier call are gone */
	want = min_u32(want, most);
	if (q->tail != POOL_NONE && !ends_record(t, q->tail)) {
		q->room = q->tail;
		if (n && want && offer(t, q->tail, most, r))
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
		c->want_room = c->starved = true;
		if (conn_queued(c) == 0) {
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
	uint32_t last;

	if (b == POOL_NONE)
		return;
	assert(n <= q->nroom);
	/* it was the tail, with octets in it; or it follows the tail */
	last = t->pool.block[b].len ? b : t->pool.block[b].prev;
	if (c->snd_wnd == 0 && conn_queued(c) == 0)
		c->closed_at = t->now; /* that matters from now on */
	if (conn_queued(c) == 0)
		output_restart(t, c);
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

void sendq_end_record(struct tcp *t, struct conn *c)
{
	uint32_t b = c->sq.tail;

	if (b == POOL_NONE || ends_record(t, b))
		return;
	t->pool.block[b].owner = EOR;
	c->sq.neors++;
}

uint32_t sendq_record(const struct tcp *t, const struct conn *c, uint32_t seq,
		      uint32_t len)
{
	if (!c->sq.neors)
		return len;
	for (uint32_t b = c->sq.head; b != POOL_NONE;
	     b = t->pool.block[b].next) {
		uint32_t end = t->pool.block[b].off + t->pool.block[b].len;

		if (seq_ge(end, seq + len))
			break;
		if (seq_gt(end, seq) && ends_record(t, b))
			return end - seq;
	}
	return len;
}

void sendq_wake(struct tcp *t, struct conn *c)
{
	uint32_t limit = sendq_limit(t, c);
	uint32_t room = space(t, c);

	if (!c->want_room || room == 0)
		return;
	/* as Linux: from half of the low-water mark on */
	if (c->lowat && conn_unsent(c) >= c->lowat - c->lowat / 2)
		return;
	if (!c->lowat && room < min_u32(limit / 3, POOL_MAX))
		return;
	c->want_room = c->want_mem = false;
	conn_event(t, c, TCPD_EV_WRITABLE);
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
		q->neors -= ends_record(t, q->head);
		if (next != POOL_NONE)
			t->pool.block[next].prev = POOL_NONE;
		pool_give(&t->pool, q->head);
		q->head = next;
	}
	if (q->head == POOL_NONE)
		q->tail = POOL_NONE;
	if (c->want_room)
		sendq_wake(t, c);
}

void sendq_clear(struct tcp *t, struct conn *c)
{
	trim_tail(t, c, POOL_NONE);
	c->sq.neors = 0;
	c->sq.room = POOL_NONE;
	c->sq.nroom = 0;
}
