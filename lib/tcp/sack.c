/* SPDX-License-Identifier: MIT */
/*
 * sack.c - selective acknowledgments: which blocks an ACK carries (RFC 2018,
 * with the D-SACKs of RFC 2883), and what is to be made of those that arrive.
 *
 * Blocks are not stored: an ACK names the ranges of the receive queue as they
 * are when it leaves, so nothing that was given up is ever reported.  What is
 * kept is an order, the latest first, and what has come twice.
 */
#include <string.h>

#include "news.h"

#define ALONE	   3u  /* duplicate ACKs that tell of a loss (RFC 5681, 3.2) */
#define JOINED_MAX 15u /* an ACK is for so many more: no burst answers it */

/* The blocks of one option, as they are found. */
struct blocks {
	struct tcpopt_sack *s;
	unsigned n, max;
};

static void add(struct blocks *b, uint32_t left, uint32_t right)
{
	if (b->n < b->max)
		b->s[b->n++] =
			(struct tcpopt_sack){.left = left, .right = right};
}

/* A range, unless it is among them, from |first| on. */
static void add_range(struct blocks *b, unsigned first, const struct range *r)
{
	if (!r)
		return;
	for (unsigned i = first; i < b->n; i++)
		if (b->s[i].left == r->left)
			return;
	add(b, r->left, r->right);
}

/* What came twice, once; above RCV.NXT not if it was given up meanwhile, for
 * the peer would take it for text that is queued (RFC 2883, 4). */
static unsigned add_duplicate(const struct tcp *t, const struct conn *c,
			      struct blocks *b)
{
	const struct sackq *q = sackq_of(t, c);
	uint32_t left = q->left[0], right = q->right[0];

	if (left == right)
		return 0;
	if (seq_gt(right, c->rcv_nxt) && !recvq_range_of(t, c, left))
		return 0;
	add(b, left, right);
	return 1;
}

unsigned sack_blocks(const struct tcp *t, const struct conn *c,
		     struct tcpopt_sack *s)
{
	const struct sackq *q = sackq_of(t, c);
	const struct range *r = recvq_ranges(t, c);
	struct blocks b = {.s = s, .max = c->ts ? NSACKS - 1 : NSACKS};
	unsigned first = 0;

	if (!q) /* what is out of order has arrived here */
		return 0;
	if (q->narrivals) {
		first = add_duplicate(t, c, &b);
		add_range(&b, first, recvq_range_of(t, c, q->left[0]));
	}
	for (unsigned i = 0; i < q->nrecent; i++)
		add_range(&b, first, recvq_range_of(t, c, q->recent[i]));
	for (unsigned i = 0; i < c->rq.nranges && b.n < b.max; i++)
		add_range(&b, first, &r[i]);
	return b.n;
}

uint32_t sack_octets(unsigned nblocks)
{
	return nblocks ? 4 + 8 * nblocks : 0;
}

void sack_trim(struct tcp *t, struct conn *c)
{
	if (c->sackq && !c->rq.nranges && !sackq_of(t, c)->narrivals) {
		slab_give(&t->sackqs, c->sackq - 1);
		c->sackq = 0;
	}
}

void sack_forget(struct tcp *t, struct conn *c)
{
	if (c->sackq)
		sackq_of(t, c)->narrivals = 0;
	sack_trim(t, c);
}

/* The block that holds |seq| comes first in the ACKs that follow. */
static void remember(const struct tcp *t, struct conn *c, uint32_t seq)
{
	struct sackq *q = sackq_of(t, c);
	const struct range *r = recvq_range_of(t, c, seq);
	unsigned n = 1;
	uint32_t was[NSACKS];

	if (!r)
		return;
	memcpy(was, q->recent, sizeof(was));
	q->recent[0] = seq;
	for (unsigned i = 0; i < q->nrecent && n < NSACKS; i++)
		if (seq_lt(was[i], r->left) || seq_ge(was[i], r->right))
			q->recent[n++] = was[i];
	q->nrecent = (uint8_t)n;
}

/* The oldest of the arrivals has been answered, or gets no answer of its own.
 */
static void answered(const struct tcp *t, struct conn *c)
{
	struct sackq *q = sackq_of(t, c);

	remember(t, c, q->left[0]);
	q->narrivals--;
	memmove(q->left, q->left + 1, q->narrivals * sizeof(q->left[0]));
	memmove(q->right, q->right + 1, q->narrivals * sizeof(q->right[0]));
}

void sack_arrived(struct tcp *t, struct conn *c, struct range dup)
{
	struct sackq *q;

	if (!c->sack)
		return;
	if (!c->sackq) {
		c->sackq = slab_take(&t->sackqs) + 1;
		sackq_of(t, c)->episode = c->rcv_nxt;
	}
	q = sackq_of(t, c);
	if (q->narrivals == NARRIVALS)
		answered(t, c);
	q->left[q->narrivals] = dup.left;
	q->right[q->narrivals++] = dup.right;
	q->njoined = 0;
	if (q->episode != c->rcv_nxt) {
		q->episode = c->rcv_nxt;
		q->nalone = 0;
	}
	if (q->nalone < ALONE)
		q->nalone++;
}

/*
 * Of a run behind one hole, once the sender has had the three duplicate ACKs
 * that tell it of a loss, those that come in one batch share an ACK.  None
 * waits for that: it leaves at the end of the batch as each of them would.  A
 * new hole has an ACK of its own, and so has what came twice.
 */
bool sack_joins(struct tcp *t, struct conn *c, uint32_t left)
{
	struct sackq *q = sackq_of(t, c);
	const struct range *r = recvq_range_of(t, c, left);
	unsigned last;

	if (!q || !q->narrivals || q->nalone < ALONE ||
	    q->episode != c->rcv_nxt || q->njoined == JOINED_MAX)
		return false;
	last = q->narrivals - 1u;
	if (q->left[last] != q->right[last] ||
	    recvq_range_of(t, c, q->left[last]) != r)
		return false;
	q->left[last] = q->right[last] = left;
	q->njoined++;
	t->stat.sack_joined++;
	return true;
}

void sack_sent(struct tcp *t, struct conn *c, unsigned n)
{
	struct tcpopt_sack s[NSACKS];
	struct blocks b = {.s = s, .max = 1};

	if (sack_pending(t, c)) {
		n -= add_duplicate(t, c, &b);
		t->stat.sack_dsack_sent += b.n;
		answered(t, c);
		sack_trim(t, c);
	}
	t->stat.sack_sent += n;
}

/* --- what the peer says */

/* Inside [left, right): by distances, since numbers of which one lies half of
 * the number space away have no order. */
static bool lies_in(const struct tcpopt_sack *s, uint32_t left, uint32_t right)
{
	return s->left - left < s->right - left &&
	       s->right - left <= right - left;
}

/* Text that it had twice (RFC 2883, 4): below the acknowledgment, or inside
 * the second block. */
static bool is_duplicate(const struct conn *c, const struct segment *seg)
{
	const struct tcpopt *o = &seg->h.opt;
	uint64_t back = min_u64(c->max_snd_wnd, c->octets_acked);

	if (seq_le(o->sack[0].right, seg->h.ack))
		return lies_in(&o->sack[0], c->snd_una - (uint32_t)back,
			       seg->h.ack);
	return o->nsacks > 1 && seq_ge(o->sack[0].left, o->sack[1].left) &&
	       seq_le(o->sack[0].right, o->sack[1].right);
}

/* A block of text that was sent, and is not acknowledged. */
static bool is_valid(const struct conn *c, const struct segment *seg,
		     const struct tcpopt_sack *s)
{
	return s->left != seg->h.ack && lies_in(s, seg->h.ack, c->snd_nxt);
}

void sack_take(struct tcp *t, struct conn *c, struct news *n)
{
	const struct tcpopt *o = &n->seg->h.opt;
	struct flow *f = flow_of(t, c);
	unsigned i = 0;

	if (seq_lt(o->sack[0].left, o->sack[0].right) &&
	    seq_le(o->sack[0].right, c->snd_nxt) && is_duplicate(c, n->seg)) {
		t->stat.sack_dsack_received++;
		n->dsack = true;
		undo_twice(f, o->sack[0].left, o->sack[0].right);
		tlp_came_twice(c, n->seg->h.ack);
		i++;
	}
	for (; i < o->nsacks; i++) {
		if (!is_valid(c, n->seg, &o->sack[i])) {
			t->stat.sack_invalid++;
			/* somebody changes our numbers, and not these */
			f->sack_void |= !f->sack_good;
			continue;
		}
		t->stat.sack_received++;
		f->sack_good = n->sacks = true;
		if (f->sack_void) /* now they tell what has left */
			c->duped = 0;
		f->sack_void = false;
		score_sacked(t, c, n, o->sack[i].left, o->sack[i].right);
	}
}
