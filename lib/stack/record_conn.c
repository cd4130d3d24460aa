/* SPDX-License-Identifier: MIT */
/*
 * record_conn.c - a connection to and from a record: its fields, its queues
 * block by block (how the stream is cut decides how it is sent), and its
 * records of transmissions.  What is read is trusted as little as in
 * record_load.c.
 */
#include "stack/record.h"

/* --- writing */

void record_put_place(struct record_out *o, const struct slab *s, uint32_t slot)
{
	const uint32_t place[] = {slot, s->gen ? s->gen[slot] : 0};

	record_u32s(o, MORE_PLACE, place, ARRAY_SIZE(place));
}

void record_put_block(struct record_out *o, const struct pool *p, uint16_t tag,
		      uint32_t b)
{
	const uint32_t block[] = {b, p->block[b].order};

	record_u32s(o, tag, block, ARRAY_SIZE(block));
}

#define OWNER_BIT 31 /* above a block's length: what its owner says of it */

static void put_blocks(struct record_out *o, const struct pool *p, uint16_t tag,
		       uint32_t b)
{
	uint64_t begun = record_begin(o, tag, REC_U32);

	for (; b != POOL_NONE; b = p->block[b].next) {
		record_put_int(o, b, 4);
		record_put_int(o, p->block[b].order, 4);
		record_put_int(o, p->block[b].off, 4);
		record_put_int(o,
			       p->block[b].len | (uint32_t)p->block[b].owner
							 << OWNER_BIT,
			       4);
	}
	record_end(o, begun);
}

static void put_send_queue(struct record_out *o, const struct tcp *t,
			   const struct conn *c)
{
	const struct pool *p = &t->pool;
	uint64_t begun;

	if (c->sq.head == POOL_NONE)
		return;
	put_blocks(o, p, MORE_SEND_BLOCKS, c->sq.head);
	begun = record_begin(o, MORE_SEND_TEXT, REC_OCTETS);
	for (uint32_t b = c->sq.head; b != POOL_NONE; b = p->block[b].next)
		record_put(o, pool_at(p, b), p->block[b].len);
	record_end(o, begun);
}

/* [seq, end) out of the blocks from |*b| on, which are left where it ends. */
static void put_text(struct record_out *o, const struct pool *p, uint32_t *b,
		     uint32_t seq, uint32_t end)
{
	while (seq != end) {
		const struct pool_block *k = &p->block[*b];
		uint32_t at = seq - k->off;
		uint32_t part;

		if (at >= k->len) { /* it lies before */
			*b = k->next;
			continue;
		}
		part = min_u32(end - seq, k->len - at);
		record_put(o, pool_at(p, *b) + at, part);
		seq += part;
	}
}

static void put_recv_queue(struct record_out *o, const struct tcp *t,
			   const struct conn *c)
{
	const struct pool *p = &t->pool;
	const struct range *r = recvq_ranges(t, c);
	uint32_t b = c->rq.head;
	uint64_t begun;

	if (b == POOL_NONE)
		return;
	put_blocks(o, p, MORE_RECV_BLOCKS, b);
	if (r) {
		record_put_block(o, p, MORE_RANGES_BLOCK, c->rq.ranges);
		begun = record_begin(o, MORE_RANGES, REC_U32);
		for (unsigned i = 0; i < c->rq.nranges; i++) {
			record_put_int(o, r[i].left, 4);
			record_put_int(o, r[i].right, 4);
		}
		record_end(o, begun);
	}
	/* only what arrived: the rest of a block is anybody's old octets */
	begun = record_begin(o, MORE_RECV_TEXT, REC_OCTETS);
	put_text(o, p, &b, c->rq.read, c->rq.read + conn_readable(c));
	for (unsigned i = 0; r && i < c->rq.nranges; i++)
		put_text(o, p, &b, r[i].left, r[i].right);
	record_end(o, begun);
}

void record_put_conn(struct record_out *o, const struct tcp *t, uint32_t slot)
{
	const struct conn *c = conn_at(t, slot);
	uint64_t begun = record_begin(o, TOP_CONN, REC_GROUP);
	uint64_t begun_order;

	record_put_place(o, &t->conns, slot);
	record_fields(o, &record_conn, c);
	record_u64(o, MORE_USER, (uintptr_t)c->user);
	put_send_queue(o, t, c);
	put_recv_queue(o, t, c);
	if (c->sackq) {
		uint64_t group = record_begin(o, MORE_SACKQ, REC_GROUP);

		record_fields(o, &record_sackq, sackq_of(t, c));
		record_end(o, group);
	}
	if (c->flow) {
		uint64_t group = record_begin(o, MORE_FLOW, REC_GROUP);

		record_fields(o, &record_flow, flow_of(t, c));
		record_end(o, group);
	}
	if (c->inflow) {
		uint64_t group = record_begin(o, MORE_INFLOW, REC_GROUP);

		record_fields(o, &record_inflow, inflow_of(t, c));
		record_end(o, group);
	}
	for (uint32_t link = c->xmit_first; link;
	     link = xmit_at(t, link - 1)->next) {
		uint64_t group = record_begin(o, MORE_XMIT, REC_GROUP);

		record_fields(o, &record_xmit, xmit_at(t, link - 1));
		record_end(o, group);
	}
	begun_order = record_begin(o, MORE_SENT_ORDER, REC_U32);
	for (uint32_t link = c->sent_first; link;
	     link = xmit_at(t, link - 1)->in[XT_SET].right)
		record_put_int(o, xmit_at(t, link - 1)->seq, 4);
	record_end(o, begun_order);
	record_end(o, begun);
}

/* --- reading */

bool record_place(struct slab *s, struct octets group, uint32_t *slot)
{
	struct octets place = record_find(group, MORE_PLACE, REC_U32);
	uint32_t gen;

	*slot = record_u32(&place);
	gen = record_u32(&place);
	return !place.bad && slab_restore(s, *slot, gen);
}

void *record_user(struct octets group)
{
	struct octets user = record_find(group, MORE_USER, REC_U64);

	/* NOLINTNEXTLINE(performance-no-int-to-ptr): the caller's word */
	return (void *)(uintptr_t)record_int(&user, 8);
}

/* A block of |p| that is used: "block, order". */
bool record_block(struct pool *p, struct octets *o, uint32_t *b)
{
	uint32_t order;

	*b = record_u32(o);
	order = record_u32(o);
	return !o->bad && pool_restore_block(p, *b, order, POOL_USED, 0);
}

/* A chain of blocks; how much memory they are. */
static bool take_blocks(struct pool *p, struct octets o, uint32_t *head,
			uint32_t *tail, uint32_t *mem)
{
	while (octets_left(&o)) {
		struct pool_block *k;
		uint32_t b;

		if (!record_block(p, &o, &b))
			return false;
		k = &p->block[b];
		k->off = record_u32(&o);
		k->len = record_u32(&o);
		k->owner = (uint16_t)(k->len >> OWNER_BIT);
		k->len &= (1u << OWNER_BIT) - 1;
		if (o.bad || k->len == 0 || k->len > pool_size(k->order))
			return false;
		k->prev = *tail;
		if (*tail == POOL_NONE)
			*head = b;
		else
			p->block[*tail].next = b;
		*tail = b;
		*mem += pool_size(k->order);
	}
	return true;
}

static bool send_queue(struct tcp *t, struct conn *c, struct octets group)
{
	struct octets text = record_find(group, MORE_SEND_TEXT, REC_OCTETS);
	struct octets o = record_find(group, MORE_SEND_BLOCKS, REC_U32);
	struct sendq *q = &c->sq;

	if (!take_blocks(&t->pool, o, &q->head, &q->tail, &q->mem))
		return false;
	t->send_mem += q->mem;
	for (uint32_t b = q->head; b != POOL_NONE; b = t->pool.block[b].next) {
		uint32_t len = t->pool.block[b].len;
		struct octets part = octets_take(&text, len);

		q->neors += t->pool.block[b].owner;

		if (part.bad)
			return false;
		memcpy(pool_at(&t->pool, b), part.p, len);
	}
	return octets_left(&text) == 0;
}

/* Octets of the stream from |seq| on to their place in the blocks from |*b|
 * on, which are left where it ends. */
static bool fill(const struct pool *p, uint32_t *b, uint32_t seq, uint32_t len,
		 struct octets *text)
{
	while (len) {
		const struct pool_block *k;
		struct octets part;
		uint32_t at;

		if (*b == POOL_NONE)
			return false;
		k = &p->block[*b];
		at = seq - k->off;
		if (at >= k->len) {
			*b = k->next;
			continue;
		}
		part = octets_take(text, min_u32(len, k->len - at));
		if (part.bad)
			return false;
		memcpy(pool_at(p, *b) + at, part.p, octets_left(&part));
		seq += (uint32_t)octets_left(&part);
		len -= (uint32_t)octets_left(&part);
	}
	return true;
}

static bool ranges(struct tcp *t, struct conn *c, struct octets group)
{
	struct octets o = record_find(group, MORE_RANGES, REC_U32);
	struct octets block = record_find(group, MORE_RANGES_BLOCK, REC_U32);
	size_t n = octets_left(&o) / sizeof(struct range);
	struct range *r;

	if (n == 0)
		return true;
	if (n > POOL_UNIT / sizeof(*r) ||
	    !record_block(&t->pool, &block, &c->rq.ranges))
		return false;
	c->rq.mem += pool_size(t->pool.block[c->rq.ranges].order);
	c->rq.nranges = (uint16_t)n;
	r = (struct range *)(void *)pool_at(&t->pool, c->rq.ranges);
	for (size_t i = 0; i < n; i++) {
		r[i].left = record_u32(&o);
		r[i].right = record_u32(&o);
	}
	return !o.bad;
}

static bool recv_queue(struct tcp *t, struct conn *c, struct octets group)
{
	struct octets text = record_find(group, MORE_RECV_TEXT, REC_OCTETS);
	struct octets o = record_find(group, MORE_RECV_BLOCKS, REC_U32);
	struct recvq *q = &c->rq;
	const struct range *r;
	uint32_t b;

	if (!take_blocks(&t->pool, o, &q->head, &q->tail, &q->mem) ||
	    !ranges(t, c, group))
		return false;
	r = recvq_ranges(t, c);
	b = q->head;
	if (!fill(&t->pool, &b, q->read, conn_readable(c), &text))
		return false;
	for (unsigned i = 0; r && i < q->nranges; i++)
		if (!fill(&t->pool, &b, r[i].left, r[i].right - r[i].left,
			  &text))
			return false;
	return octets_left(&text) == 0;
}

/* They follow each other without a gap; anything else is no record of ours,
 * and could make a tree of them that is as deep as it is large. */
/* Who is in flight, by time; tcpd_check() misses those that are not told. */
static bool sent_order(const struct tcp *t, struct conn *c, struct octets group)
{
	struct octets o = record_find(group, MORE_SENT_ORDER, REC_U32);

	xmit_forget_order(t, c);
	while (octets_left(&o))
		if (!xmit_put_next(t, c, record_u32(&o)))
			return false;
	return !o.bad;
}

static bool xmits(struct tcp *t, struct conn *c, struct octets group)
{
	struct octets all = group;
	uint32_t end = c->snd_una;
	struct item it;

	while (record_next(&group, &it)) {
		struct xmit x = {0};
		uint32_t slot;

		if (it.tag != MORE_XMIT || it.kind != REC_GROUP)
			continue;
		if (!record_read(it.data, &record_xmit, &x) || x.seq != end ||
		    !seq_lt(x.seq, x.end) || seq_gt(x.end, c->snd_nxt))
			return false;
		end = x.end;
		slot = xmit_add(t, c, x.seq, x.end);
		if (slot == SLAB_NONE)
			return false;
		record_read(it.data, &record_xmit, xmit_at(t, slot));
	}
	return !group.bad && sent_order(t, c, all);
}

static bool sackq(struct tcp *t, struct conn *c, struct octets group)
{
	struct octets o = record_find(group, MORE_SACKQ, REC_GROUP);

	if (!c->sack || (!c->rq.nranges && octets_left(&o) == 0))
		return octets_left(&o) == 0;
	c->sackq = slab_take(&t->sackqs) + 1;
	return record_read(o, &record_sackq, sackq_of(t, c));
}

static bool flow(struct tcp *t, struct conn *c, struct octets group)
{
	struct octets o = record_find(group, MORE_FLOW, REC_GROUP);

	if (octets_left(&o) == 0)
		return true; /* tcpd_check() knows who needs one */
	c->flow = slab_take(&t->flows) + 1;
	return record_read(o, &record_flow, flow_of(t, c));
}

static bool inflow(struct tcp *t, struct conn *c, struct octets group)
{
	struct octets o = record_find(group, MORE_INFLOW, REC_GROUP);

	if (octets_left(&o) == 0)
		return true;
	c->inflow = slab_take(&t->inflows) + 1;
	return record_read(o, &record_inflow, inflow_of(t, c));
}

bool record_get_conn(struct tcp *t, struct octets group)
{
	struct conn *c;
	uint32_t slot;
	bool hashed;

	if (!record_place(&t->conns, group, &slot))
		return false;
	c = conn_at(t, slot);
	c->sq.head = c->sq.tail = c->sq.room = POOL_NONE;
	c->rq.head = c->rq.tail = c->rq.last = c->rq.ranges = POOL_NONE;
	if (!record_read(group, &record_conn, c))
		return false;
	c->user = record_user(group);
	hashed = c->hashed;
	c->hashed = false;
	if (c->bound)
		conn_bind(t, c);
	if (hashed && (!port_tuple_free(t, &c->tu) || !conn_hash(t, c)))
		return false;
	return send_queue(t, c, group) && recv_queue(t, c, group) &&
	       xmits(t, c, group) && sackq(t, c, group) && flow(t, c, group) &&
	       inflow(t, c, group);
}
