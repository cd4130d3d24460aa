/* SPDX-License-Identifier: MIT */
/*
 * recvq.c - the receive queue: text is put where it belongs in the stream, in
 * order or not, and stays there; what is out of order is known by at most 256
 * ranges.  Text in order that finds nobody waiting before it is not copied at
 * all while its packet is borrowed: a reader that keeps up takes it from
 * there, and the end of the batch copies the rest.
 */
#include <assert.h>
#include <string.h>

#include "conn.h"
#include "mem.h"

#define NRANGES (POOL_UNIT / sizeof(struct range))

static struct pool_block *block(const struct tcp *t, uint32_t b)
{
	return &t->pool.block[b];
}

static uint32_t apart(uint32_t a, uint32_t b)
{
	return seq_gt(a, b) ? a - b : b - a;
}

/* Where to look for |seq| from: the end of the list, or where text was put
 * last, whichever is nearest. */
static uint32_t nearest(const struct tcp *t, const struct recvq *q,
			uint32_t seq)
{
	const uint32_t from[] = {q->tail, q->last, q->head};
	uint32_t best = POOL_NONE, least = UINT32_MAX;

	for (size_t i = 0; i < ARRAY_SIZE(from); i++) {
		uint32_t way;

		if (from[i] == POOL_NONE)
			continue;
		way = apart(block(t, from[i])->off, seq);
		if (way < least) {
			least = way;
			best = from[i];
		}
	}
	return best;
}

/* The last block that begins at or before |seq|, POOL_NONE: none does. */
static uint32_t find_block(const struct tcp *t, const struct conn *c,
			   uint32_t seq)
{
	uint32_t b = nearest(t, &c->rq, seq);
	uint32_t next;

	while (b != POOL_NONE && seq_gt(block(t, b)->off, seq))
		b = block(t, b)->prev;
	if (b == POOL_NONE)
		return b;
	while ((next = block(t, b)->next) != POOL_NONE &&
	       seq_le(block(t, next)->off, seq))
		b = next;
	return b;
}

/* No block is larger than what it may hold, unless that is less than a unit. */
static unsigned at_most(unsigned order, uint32_t room)
{
	while (order && pool_size(order) > room)
		order--;
	return order;
}

/* The least size of a block ahead of RCV.NXT: so many of them make a window
 * that looking for one is quick. */
static unsigned ahead_order(const struct conn *c)
{
	return at_most(POOL_ORDERS - 1, c->rcv_buf / 32);
}

/*
 * Where a block for |seq|, behind |prev|, begins.  Ahead of RCV.NXT blocks
 * begin at multiples of their least size: octets that arrive apart from each
 * other, in whatever order, shall not have a block each.
 */
static uint32_t block_start(const struct tcp *t, const struct conn *c,
			    uint32_t prev, uint32_t seq)
{
	uint32_t low = c->rcv_nxt;

	if (seq_le(seq, low))
		return seq;
	if (prev != POOL_NONE)
		low = seq_max(low, block(t, prev)->off + block(t, prev)->len);
	return seq_max(low, seq - seq % pool_size(ahead_order(c)));
}

/*
 * A block that covers |at|, behind |prev|, |want| octets from |seq| on if
 * possible; at most up to the next one.  What borrowed packets were promised is
 * taken by them (|promised|) alone.
 */
static uint32_t add_block(struct tcp *t, struct conn *c, uint32_t prev,
			  uint32_t seq, uint32_t at, uint32_t want,
			  bool promised)
{
	struct recvq *q = &c->rq;
	uint32_t next = prev == POOL_NONE ? q->head : block(t, prev)->next;
	unsigned order = pool_order(want);
	uint32_t b, size;

	/* a stream of small segments: each block larger than the one before */
	if (prev != POOL_NONE && order <= block(t, prev)->order)
		order = min_u32(block(t, prev)->order + 1u, POOL_ORDERS - 1);
	if (seq_gt(seq, c->rcv_nxt))
		order = max_u32(order, ahead_order(c));
	order = at_most(order,
			max_u32(c->rcv_adv - seq, pool_size(ahead_order(c))));
	if (next != POOL_NONE)
		order = at_most(order, block(t, next)->off - seq);
	if (mem_left(t) < pool_size(order))
		order = 0;
	if (!promised && mem_left(t) < POOL_UNIT)
		return POOL_NONE;
	b = pool_take(&t->pool, order);
	if (b == POOL_NONE)
		return b;
	size = pool_size(block(t, b)->order);
	/* it is smaller than was meant: for want of room, or of memory */
	seq = seq_max(seq, at - at % size);
	q->mem += size;
	block(t, b)->off = seq;
	block(t, b)->len = next == POOL_NONE
				   ? size
				   : min_u32(size, block(t, next)->off - seq);
	block(t, b)->prev = prev;
	block(t, b)->next = next;
	if (prev == POOL_NONE)
		q->head = b;
	else
		block(t, prev)->next = b;
	if (next == POOL_NONE)
		q->tail = b;
	else
		block(t, next)->prev = b;
	return b;
}

static uint32_t add_ahead(struct tcp *t, struct conn *c, uint32_t prev,
			  uint32_t seq, uint32_t want, bool promised)
{
	uint32_t start = block_start(t, c, prev, seq);

	return add_block(t, c, prev, start, seq, want + (seq - start),
			 promised);
}

/* Copy to its place; how much of it found memory, from its beginning. */
static uint32_t place(struct tcp *t, struct conn *c, uint32_t seq,
		      const uint8_t *p, uint32_t len, bool promised)
{
	uint32_t b = find_block(t, c, seq);
	uint32_t done = 0;

	while (done < len) {
		uint32_t at = seq + done;
		struct pool_block *k;
		uint32_t part;

		if (b == POOL_NONE ||
		    seq_ge(at, block(t, b)->off + block(t, b)->len)) {
			uint32_t next =
				b == POOL_NONE ? c->rq.head : block(t, b)->next;

			if (next != POOL_NONE && block(t, next)->off == at)
				b = next;
			else
				b = add_ahead(t, c, b, at, len - done,
					      promised);
			if (b == POOL_NONE)
				break;
		}
		k = block(t, b);
		part = min_u32(len - done, k->off + k->len - at);
		memcpy(pool_at(&t->pool, b) + (at - k->off), p + done, part);
		c->rq.last = b;
		done += part;
	}
	t->stat.octets_copied += done;
	return done;
}

static void free_block(struct tcp *t, struct conn *c, uint32_t b)
{
	struct recvq *q = &c->rq;
	struct pool_block *k = block(t, b);

	if (k->prev == POOL_NONE)
		q->head = k->next;
	else
		block(t, k->prev)->next = k->next;
	if (k->next == POOL_NONE)
		q->tail = k->prev;
	else
		block(t, k->next)->prev = k->prev;
	if (q->last == b)
		q->last = POOL_NONE;
	q->mem -= pool_size(k->order);
	pool_give(&t->pool, b);
}

/* --- ranges out of order */

static struct range *ranges(const struct tcp *t, const struct conn *c)
{
	return (struct range *)(void *)pool_at(&t->pool, c->rq.ranges);
}

const struct range *recvq_ranges(const struct tcp *t, const struct conn *c)
{
	return c->rq.nranges ? ranges(t, c) : NULL;
}

/* The first range that ends at or behind |seq|.  Without a branch that nobody
 * can foresee: of these the search would be made. */
static unsigned first_range(const struct range *r, unsigned n, uint32_t seq)
{
	unsigned lo = 0;

	if (n == 0)
		return 0;
	while (n > 1) {
		unsigned half = n / 2;

		lo += seq_lt(r[lo + half - 1].right, seq) * half;
		n -= half;
	}
	return lo + seq_lt(r[lo].right, seq);
}

static void drop_ranges(struct tcp *t, struct conn *c, unsigned n)
{
	struct range *r = ranges(t, c);

	c->rq.nranges = (uint16_t)(c->rq.nranges - n);
	if (c->rq.nranges) {
		memmove(r, r + n, c->rq.nranges * sizeof(*r));
		return;
	}
	c->rq.mem -= pool_size(block(t, c->rq.ranges)->order);
	pool_give(&t->pool, c->rq.ranges);
	c->rq.ranges = POOL_NONE;
	sack_trim(t, c);
}

/*
 * Would what begins at |left| need a range of its own, and is there one?  Its
 * right end says nothing: memory may end before that is reached.
 */
static bool range_room(struct tcp *t, struct conn *c, uint32_t left)
{
	struct recvq *q = &c->rq;
	unsigned i;

	if (q->nranges == 0) {
		q->ranges = pool_take(&t->pool, 0);
		if (q->ranges == POOL_NONE)
			return false;
		q->mem += pool_size(block(t, q->ranges)->order);
		return true;
	}
	if (q->nranges < NRANGES)
		return true;
	i = first_range(ranges(t, c), q->nranges, left);
	return i < q->nranges && seq_le(ranges(t, c)[i].left, left);
}

/* Add [left, right): the octets of it that are new. */
static uint32_t add_range(struct tcp *t, struct conn *c, uint32_t left,
			  uint32_t right)
{
	struct range *r = ranges(t, c);
	unsigned n = c->rq.nranges;
	unsigned i = first_range(r, n, left);
	unsigned j = i;
	uint32_t had = 0;
	uint32_t l = left, h = right;

	while (j < n && seq_le(r[j].left, right)) {
		had += r[j].right - r[j].left;
		l = seq_min(l, r[j].left);
		h = seq_max(h, r[j].right);
		j++;
	}
	if (i == j) {
		memmove(r + i + 1, r + i, (n - i) * sizeof(*r));
		c->rq.nranges++;
	} else if (j > i + 1) {
		memmove(r + i + 1, r + j, (n - j) * sizeof(*r));
		c->rq.nranges = (uint16_t)(n - (j - i - 1));
	}
	r[i] = (struct range){.left = l, .right = h};
	return (h - l) - had;
}

static bool range_covers(const struct tcp *t, const struct conn *c,
			 uint32_t left, uint32_t right)
{
	const struct range *r = ranges(t, c);
	unsigned i = first_range(r, c->rq.nranges, left);

	return i < c->rq.nranges && seq_le(r[i].left, left) &&
	       seq_ge(r[i].right, right);
}

const struct range *recvq_range_of(const struct tcp *t, const struct conn *c,
				   uint32_t seq)
{
	const struct range *r = recvq_ranges(t, c);
	/* of two that touch |seq| one would end there: ranges lie apart */
	unsigned i = r ? first_range(r, c->rq.nranges, seq + 1) : 0;

	return r && i < c->rq.nranges && seq_le(r[i].left, seq) ? &r[i] : NULL;
}

struct range recvq_overlap(const struct tcp *t, const struct conn *c,
			   uint32_t left, uint32_t right)
{
	const struct range *r = recvq_ranges(t, c);
	unsigned i = r ? first_range(r, c->rq.nranges, left + 1) : 0;

	if (!r || i == c->rq.nranges || seq_ge(r[i].left, right))
		return (struct range){.left = left, .right = left};
	return (struct range){.left = seq_max(left, r[i].left),
			      .right = seq_min(right, r[i].right)};
}

/* --- what arrives */

static bool lend(struct tcp *t, struct conn *c, const uint8_t *p, uint32_t len)
{
	struct recvq *q = &c->rq;
	uint16_t link;

	if (t->nborrows == NBORROWS || mem_left(t) < len + 2 * POOL_UNIT)
		return false;
	t->borrows[t->nborrows++] =
		(struct borrow){.p = p, .len = len, .conn = conn_slot(t, c)};
	link = (uint16_t)t->nborrows;
	if (q->borrow_last)
		t->borrows[q->borrow_last - 1].next = link;
	else
		q->borrow_first = link;
	q->borrow_last = link;
	q->nborrowed += len;
	t->borrowed += len;
	return true;
}

static enum recvq_took put_ahead(struct tcp *t, struct conn *c, uint32_t seq,
				 const uint8_t *p, uint32_t len)
{
	uint32_t done;

	if (c->rq.nranges && range_covers(t, c, seq, seq + len)) {
		tcp_drop(t, TCPD_DROP_DUPLICATE);
		t->stat.segments_duplicate++;
		return RQ_NOTHING;
	}
	if (mem_tight(t)) {
		tcp_drop(t, TCPD_DROP_OOO_MEMORY);
		return RQ_NOTHING;
	}
	if (!range_room(t, c, seq)) {
		tcp_drop(t, TCPD_DROP_OOO_RANGES);
		return RQ_NOTHING;
	}
	done = place(t, c, seq, p, len, false);
	if (done)
		c->rq.ooo += add_range(t, c, seq, seq + done);
	else if (c->rq.nranges == 0)
		drop_ranges(t, c, 0);
	return done ? RQ_OUT_OF_ORDER : RQ_NOTHING;
}

/* Ranges that RCV.NXT has reached are in order now. */
static bool take_ranges(struct tcp *t, struct conn *c)
{
	struct range *r = ranges(t, c);
	unsigned n = 0;
	uint32_t from = c->rcv_nxt;

	while (n < c->rq.nranges && seq_le(r[n].left, c->rcv_nxt)) {
		c->rq.ooo -= r[n].right - r[n].left;
		c->rcv_nxt = seq_max(c->rcv_nxt, r[n].right);
		n++;
	}
	if (n)
		drop_ranges(t, c, n);
	c->octets_received += c->rcv_nxt - from;
	t->stat.octets_received += c->rcv_nxt - from;
	return n > 0;
}

/* Memory for text in order, placed up to |end|: what lies ahead is given up. */
static bool prune(struct tcp *t, struct conn *c, uint32_t end)
{
	uint32_t b = c->rq.tail;

	if (c->rq.nranges == 0)
		return false;
	t->stat.memory_ooo_pruned += c->rq.ooo;
	c->rq.ooo = 0;
	drop_ranges(t, c, c->rq.nranges);
	while (b != POOL_NONE && seq_ge(block(t, b)->off, end)) {
		uint32_t prev = block(t, b)->prev;

		free_block(t, c, b);
		b = prev;
	}
	c->fin_ooo = false;
	return true;
}

enum recvq_took recvq_put(struct tcp *t, struct conn *c, uint32_t seq,
			  const uint8_t *p, uint32_t len)
{
	uint32_t done;

	if (seq != c->rcv_nxt || c->rq.nranges)
		recvq_settle_conn(t, c);
	if (seq != c->rcv_nxt)
		return put_ahead(t, c, seq, p, len);
	if (c->rq.nranges == 0 && lend(t, c, p, len)) {
		done = len;
	} else {
		recvq_settle_conn(t, c);
		done = place(t, c, seq, p, len, false);
		if (done < len && prune(t, c, seq + done))
			done += place(t, c, seq + done, p + done, len - done,
				      false);
	}
	if (done < len)
		tcp_drop(t, TCPD_DROP_MEMORY);
	if (done == 0)
		return RQ_NOTHING;
	c->rcv_nxt += done;
	c->octets_received += done;
	t->stat.octets_received += done;
	if (c->rq.nranges && take_ranges(t, c))
		return RQ_FILLED_GAP;
	return c->rq.nranges ? RQ_FILLED_GAP : RQ_IN_ORDER;
}

/* --- borrowed packets */

void recvq_settle_conn(struct tcp *t, struct conn *c)
{
	struct recvq *q = &c->rq;
	uint32_t text_end = c->rcv_nxt - (c->fin_rcvd ? 1 : 0);
	uint32_t seq = text_end - q->nborrowed;
	uint32_t link = q->borrow_first;

	while (link) {
		struct borrow *b = &t->borrows[link - 1];
		uint32_t done;

		t->borrowed -= b->len; /* the promise is kept here */
		done = place(t, c, seq, b->p, b->len, true);
		assert(done == b->len);
		seq += done;
		link = b->next;
		*b = (struct borrow){0};
	}
	q->borrow_first = q->borrow_last = 0;
	q->nborrowed = 0;
}

void recvq_settle(struct tcp *t)
{
	for (uint32_t i = 0; i < t->nborrows; i++)
		if (t->borrows[i].p)
			recvq_settle_conn(t, conn_at(t, t->borrows[i].conn));
	t->nborrows = 0;
}

/* --- the reader */

unsigned recvq_peek(const struct tcp *t, const struct conn *c,
		    struct tcpd_slice *s, size_t n)
{
	uint32_t left = conn_readable(c) - c->rq.nborrowed;
	uint32_t seq = c->rq.read;
	uint32_t link = c->rq.borrow_first;
	unsigned i = 0;

	for (uint32_t b = c->rq.head; left && i < n; b = block(t, b)->next) {
		const struct pool_block *k = block(t, b);
		uint32_t at = seq - k->off;
		uint32_t part = min_u32(left, k->len - at);

		s[i++] = (struct tcpd_slice){.p = pool_at(&t->pool, b) + at,
					     .len = part};
		seq += part;
		left -= part;
	}
	for (; link && i < n && !left; link = t->borrows[link - 1].next)
		s[i++] = (struct tcpd_slice){.p = t->borrows[link - 1].p,
					     .len = t->borrows[link - 1].len};
	return i;
}

static void read_borrowed(struct tcp *t, struct conn *c, uint32_t n)
{
	struct recvq *q = &c->rq;

	q->nborrowed -= n;
	t->borrowed -= n;
	while (n) {
		struct borrow *b = &t->borrows[q->borrow_first - 1];
		uint32_t part = min_u32(n, b->len);

		b->p += part;
		b->len -= part;
		n -= part;
		if (b->len)
			break;
		q->borrow_first = (uint16_t)b->next;
		if (!q->borrow_first)
			q->borrow_last = 0;
		*b = (struct borrow){0};
	}
}

/* |n| octets were taken: an empty queue holds no block. */
void recvq_read(struct tcp *t, struct conn *c, uint32_t n)
{
	struct recvq *q = &c->rq;
	uint32_t in_blocks = conn_readable(c) - q->nborrowed;
	uint32_t part = min_u32(n, in_blocks);

	q->read += n;
	while (q->head != POOL_NONE) {
		const struct pool_block *k = block(t, q->head);
		bool empty = part == in_blocks && q->nranges == 0;

		if (!empty && seq_gt(k->off + k->len, q->read))
			break;
		free_block(t, c, q->head);
	}
	if (n > part)
		read_borrowed(t, c, n - part);
}

void recvq_clear(struct tcp *t, struct conn *c)
{
	struct recvq *q = &c->rq;

	while (q->borrow_first) {
		struct borrow *b = &t->borrows[q->borrow_first - 1];

		q->borrow_first = (uint16_t)b->next;
		t->borrowed -= b->len;
		*b = (struct borrow){0};
	}
	q->borrow_last = 0;
	q->nborrowed = 0;
	while (q->head != POOL_NONE)
		free_block(t, c, q->head);
	if (q->nranges)
		drop_ranges(t, c, q->nranges);
	q->ooo = 0;
	c->urg_in = false;
	q->read = c->rcv_nxt - (c->fin_rcvd ? 1 : 0);
}
