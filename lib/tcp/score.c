/* SPDX-License-Identifier: MIT */
/*
 * score.c - the scoreboard: which records are SACKed, lost, sent again, and
 * the sums of that in conn.h.  A block marks what is new in it, and skips what
 * is known at one step, since neighbours that are SACKed are one record: the
 * cost of an ACK grows with what it tells and with log n, not with the number
 * of holes.
 */
#include "base/clamp.h"
#include "base/seq.h"
#include "news.h"

static void tell_lost(const struct tcp *t, struct conn *c, const struct xmit *x)
{
	const struct cc_ops *ops = cc_ops_of(c->cc);
	struct flow *f = flow_of(t, c);
	struct cc_loss l = {.now = t->now,
			    .seq = x->seq,
			    .end = x->end,
			    .tx_in_flight = x->tx_in_flight,
			    .total_delivered = f->rate.delivered,
			    .app_limited = (x->flags & XMIT_APP_LIMITED) != 0};

	rate_lost(&f->rate, x->end - x->seq);
	l.lost_since = rate_lost_since(&f->rate, x);
	if (ops->lost)
		ops->lost(&c->ccs, f->cc, &l);
}

void score_lost(struct tcp *t, struct conn *c, struct xmit *x)
{
	uint32_t len = x->end - x->seq;

	if (xmit_waits(x) || x->flags & XMIT_SACKED)
		return;
	if (x->flags & XMIT_RESENT)
		c->resent -= len;
	else
		c->lost += len;
	if (c->flow)
		tell_lost(t, c, x);
	xmit_put_lost(t, c, x);
}

void score_none_lost(struct tcp *t, struct conn *c)
{
	uint32_t link;

	while ((link = xmit_last_lost(t, c)) != 0) {
		struct xmit *x = xmit_at(t, link - 1);

		c->lost -= x->end - x->seq;
		xmit_put_back(t, c, x);
	}
}

void score_renege(struct tcp *t, struct conn *c)
{
	for (uint32_t link = c->xmit_first; link;) {
		struct xmit *x = xmit_at(t, link - 1);

		link = x->next;
		if (!(x->flags & XMIT_SACKED))
			continue;
		c->sacked -= x->end - x->seq;
		c->lost += x->end - x->seq;
		x->nsegs = 0;
		xmit_put_lost(t, c, x);
	}
	flow_of(t, c)->nsacked = 0;
}

void score_resent(struct tcp *t, struct conn *c, struct xmit *x)
{
	if (xmit_waits(x))
		c->resent += x->end - x->seq;
	xmit_put_sent(t, c, x);
}

/* Out of the sums. */
static void forget(struct conn *c, struct flow *f, struct xmit *x, uint32_t len)
{
	if (x->flags & XMIT_SACKED) {
		uint32_t gone = x->nsegs;

		if (len < x->end - x->seq)
			gone = min_u32(len / max_u32(x->mss, 1), gone - 1);
		c->sacked -= len;
		x->nsegs -= gone;
		f->nsacked -= gone;
	}
	if (x->flags & XMIT_LOST)
		c->lost -= len;
	if (x->flags & XMIT_RESENT)
		c->resent -= len;
}

/* |x| up to |end| is with the peer, as nobody knew before. */
static void delivered(struct tcp *t, struct conn *c, struct news *n,
		      const struct xmit *x, uint32_t end)
{
	uint32_t len = end - x->seq;

	n->delivered += len;
	n->cwnd_limited |= (x->flags & XMIT_CWND_LIMITED) != 0;
	if ((x->flags & (XMIT_ECT | XMIT_EVER)) == XMIT_ECT)
		n->marked = true;
	else
		n->plain = true;
	if (c->recovery == REC_RTO && x->sent_at < flow_of(t, c)->reduced_at)
		n->before_rto += len;
	if (!(x->flags & XMIT_EVER) && seq_lt(x->seq, c->recover))
		n->original = true;
	if (c->flow) {
		rate_delivered(&n->rate, &flow_of(t, c)->rate, x, len, t->now);
		rack_delivered(t, c, n, x, end);
	}
	if (x->flags & XMIT_EVER || (n->any && x->sent_at < n->sent_at))
		return;
	n->any = true;
	n->rtt = t->now - x->sent_at;
	n->sent_at = x->sent_at;
}

void score_acked(struct tcp *t, struct conn *c, struct news *n, struct xmit *x,
		 uint32_t len)
{
	if (!(x->flags & XMIT_SACKED))
		delivered(t, c, n, x, x->seq + len);
	n->resent |= (x->flags & XMIT_EVER) != 0;
	forget(c, flow_of(t, c), x, len);
}

/* Segments that [seq, end) of |x| was on the wire. */
static uint32_t segments(const struct xmit *x)
{
	uint32_t mss = max_u32(x->mss, 1);

	return (x->end - x->seq + mss - 1) / mss;
}

static void mark(struct tcp *t, struct conn *c, struct news *n, uint32_t slot)
{
	struct xmit *x = xmit_at(t, slot);
	struct flow *f = flow_of(t, c);

	delivered(t, c, n, x, x->end);
	forget(c, f, x, x->end - x->seq);
	x->nsegs = segments(x);
	c->sacked += x->end - x->seq;
	f->nsacked += x->nsegs;
	xmit_put_sacked(t, c, x);
}

/*
 * The part of |slot| from |left| on: segments arrive as a whole, so what is cut
 * off a super-segment has their borders, however the peer's numbers lie.
 * SLAB_NONE: no segment of it begins there, or there is no room to cut.
 */
static uint32_t from(struct tcp *t, struct conn *c, uint32_t slot,
		     uint32_t left)
{
	const struct xmit *x = xmit_at(t, slot);
	uint32_t mss = max_u32(x->mss, 1);
	uint32_t skip;

	if (seq_ge(x->seq, left) || x->flags & XMIT_SACKED)
		return slot;
	skip = (left - x->seq + mss - 1) / mss * mss;
	if (skip >= x->end - x->seq)
		return SLAB_NONE;
	return xmit_split(t, c, slot, x->seq + skip);
}

/* Is |slot|, or its part up to |right|, to be marked?  Then it ends there. */
static bool up_to(struct tcp *t, struct conn *c, uint32_t slot, uint32_t right)
{
	const struct xmit *x = xmit_at(t, slot);
	uint32_t mss = max_u32(x->mss, 1);
	uint32_t len;

	if (seq_le(x->end, right))
		return true;
	len = (right - x->seq) / mss * mss;
	return len && xmit_split(t, c, slot, x->seq + len) != SLAB_NONE;
}

static bool is_sacked(const struct tcp *t, uint32_t link)
{
	return link && xmit_at(t, link - 1)->flags & XMIT_SACKED;
}

void score_sacked(struct tcp *t, struct conn *c, struct news *n, uint32_t left,
		  uint32_t right)
{
	uint32_t slot = xmit_find(t, c, left), link;

	if (slot == SLAB_NONE)
		return;
	link = xmit_at(t, slot)->next;
	slot = from(t, c, slot, left);
	if (slot != SLAB_NONE)
		link = slot + 1;
	while (link && seq_lt(xmit_at(t, link - 1)->seq, right)) {
		struct xmit *x = xmit_at(t, link - 1);

		if (!(x->flags & XMIT_SACKED)) {
			if (!up_to(t, c, link - 1, right))
				return;
			mark(t, c, n, link - 1);
		}
		if (is_sacked(t, x->next))
			xmit_merge(t, c, link - 1);
		if (is_sacked(t, x->prev)) {
			link = x->prev;
			xmit_merge(t, c, link - 1);
		}
		link = xmit_at(t, link - 1)->next;
	}
}
