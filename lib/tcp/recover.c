/* SPDX-License-Identifier: MIT */
/*
 * recover.c - what an ACK means for the recovery of losses.  With SACK the
 * marks are RFC 8985's (rack.c), without it they are RFC 6582's.  A recovery
 *	OPEN   nothing is known to be lost for congestion
 *	CWR    congestion was marked (RFC 3168): the window falls, nothing is
 *	       lost
 *	FAST   something is lost: it goes again as proportional rate reduction
 *	       lets it (prr.c)
 *	RTO    the timer fired: slow start, unless F-RTO finds that it was in
 *	       vain (undo.c)
 * lasts until all that was out when it began is acknowledged.
 */
#include "base/clamp.h"
#include "base/seq.h"
#include "news.h"

/* RFC 6928, 12: losses in the first window are watched. */
static void count_early(struct tcp *t, const struct conn *c)
{
	t->stat.recovery_initial +=
		c->octets_acked < conn_initial_window(c->mss);
}

/* Congestion: the window is to fall, once for all that is out now. */
static void reduce(struct tcp *t, struct conn *c, const struct news *n,
		   uint32_t in_flight, enum cc_why why)
{
	struct flow *f = flow_of(t, c);

	cc_ops_of(c->cc)->enter_recovery(&c->ccs, f->cc, in_flight, why,
					 t->now);
	f->reduced_at = t->now;
	c->recover = c->snd_nxt;
	prr_begin(c, f, n);
}

static void enter_fast(struct tcp *t, struct conn *c, const struct news *n,
		       uint32_t in_flight)
{
	uint32_t ssthresh = c->ccs.ssthresh;

	t->stat.recovery_fast++;
	count_early(t, c);
	undo_begin(t, c);
	if (c->recovery == REC_OPEN)
		reduce(t, c, n, in_flight, CC_LOSS);
	ecn_lost(t, c, ssthresh);
	c->recovery = REC_FAST;
}

static void leave(struct tcp *t, struct conn *c)
{
	const struct cc_ops *ops = cc_ops_of(c->cc);
	struct flow *f = flow_of(t, c);

	if (c->recovery != REC_RTO) {
		if (!ops->own_window && c->ccs.ssthresh != UINT32_MAX)
			c->ccs.cwnd = max_u32(c->ccs.ssthresh, c->mss);
		rack_recovered(f);
	}
	if (c->recovery != REC_RTO || ops->own_window)
		ops->exit_recovery(&c->ccs, f->cc, conn_pipe(c), t->now);
	c->recovery = REC_OPEN;
	c->dupacks = 0;
	c->duped = 0;
	/* a D-SACK may still say that it was in vain */
	f->frto = FRTO_NONE;
	f->frto_room = 0;
}

/* --- without SACK: RFC 6582 */

/* Only the first segment is known to be missing. */
static void lose_first(struct tcp *t, struct conn *c, struct news *n)
{
	uint32_t slot = c->xmit_first - 1;
	struct xmit *x;

	if (!c->xmit_first)
		return;
	x = xmit_at(t, slot);
	if (x->end - x->seq > c->mss)
		xmit_split(t, c, slot, x->seq + c->mss);
	n->lost += x->end - x->seq;
	score_lost(t, c, x);
	c->rexmt_force = true;
	conn_want_output(t, c);
}

/* Duplicate ACKs cost a peer nothing: no more of them count than there was in
 * flight when the recovery began (RFC 9937, 6.2). */
static void limit_duped(struct conn *c)
{
	uint32_t then =
		seq_gt(c->recover, c->snd_una)
			? min_u32(c->recover - c->snd_una, conn_flight(c))
			: 0;

	c->duped = min_u32(c->duped, then > c->lost ? then - c->lost : 0);
}

/* Another segment has left. */
static void count_duped(struct conn *c, struct news *n, uint32_t len)
{
	uint32_t had = c->duped;

	c->duped += len;
	limit_duped(c);
	n->delivered += c->duped - min_u32(had, c->duped);
}

static void duplicate(struct tcp *t, struct conn *c, struct news *n)
{
	if (c->dupacks == 0)
		c->dup_flight = conn_flight(c);
	if (c->dupacks < UINT8_MAX)
		c->dupacks++;
	conn_want_output(t, c); /* RFC 3042; or another segment has left */
	if (c->recovery == REC_FAST) {
		count_duped(c, n, c->mss);
		return;
	}
	/* RFC 6582, 3.2, step 2: not for what was sent before the last one */
	if (c->dupacks != DUP_THRESH || c->recovery == REC_RTO ||
	    !seq_gt(c->snd_una, c->recover) ||
	    pmtu_probe_lost(t, c, c->snd_una))
		return;
	/* RFC 5681, 3.2, step 2: without what limited transmit has sent */
	enter_fast(t, c, n, min_u32(conn_flight(c), c->dup_flight));
	lose_first(t, c, n);
	count_duped(c, n, DUP_THRESH * c->mss);
}

/* A partial ACK: the next hole begins here. */
static void partial(struct tcp *t, struct conn *c, struct news *n)
{
	t->stat.recovery_partial_acks++;
	/* of these the duplicates have told already */
	n->delivered -= min_u32(n->delivered, min_u32(c->duped, n->acked));
	n->delivered = max_u32(n->delivered, min_u32(n->acked, c->mss));
	c->duped -=
		min_u32(c->duped, n->acked > c->mss ? n->acked - c->mss : 0);
	lose_first(t, c, n);
	limit_duped(c);
}

static void without_sack(struct tcp *t, struct conn *c, struct news *n)
{
	if (n->duplicate)
		duplicate(t, c, n);
	else if (n->acked && c->recovery == REC_FAST)
		partial(t, c, n);
	else if (n->acked)
		c->dupacks = 0;
}

/* --- both */

/* Of what was lost without congestion the rest is next: what lies behind it
 * has arrived, perhaps, and no other ACK will come. */
static void repeat_rest(const struct tcp *t, struct conn *c)
{
	if (c->recovery == REC_OPEN && c->xmit_first &&
	    xmit_waits(xmit_at(t, c->xmit_first - 1)))
		c->rexmt_force = true;
}

/* What was lost has been marked: congestion? */
static void answer_loss(struct tcp *t, struct conn *c, const struct news *n)
{
	if (!n->lost || !conn_has_sack(t, c))
		return;
	conn_want_output(t, c);
	if (c->recovery == REC_OPEN || c->recovery == REC_CWR) {
		/* RFC 5681, 3.1: without what went beyond cwnd since the first
		 * of them was SACKed */
		enter_fast(t, c, n, min_u32(n->flight, c->ccs.cwnd));
		c->rexmt_force = true;
	} else if (n->again && !t->set.as_linux) {
		/* a second indication of congestion (RFC 5681, 4.3) */
		reduce(t, c, n, min_u32(n->flight, c->ccs.ssthresh), CC_LOSS);
	}
}

static void after_timeout(struct tcp *t, struct conn *c, struct news *n)
{
	switch (frto_heard(t, c, n)) {
	case FRTO_SPURIOUS:
		c->recovery = REC_OPEN;
		c->dupacks = 0;
		break;
	case FRTO_WAIT:
		break;
	case FRTO_LOST:
		rexmt_mark_rest(t, c, n);
		break;
	}
	conn_want_output(t, c);
}

/* Is this the end of the recovery? */
static void progress(struct tcp *t, struct conn *c, struct news *n)
{
	bool all = n->acked && seq_ge(c->snd_una, c->recover);

	if (undo_heard(t, c, n)) {
		c->recovery = REC_OPEN;
		c->dupacks = 0;
		c->duped = 0;
	} else if (c->recovery != REC_OPEN && all) {
		leave(t, c);
	} else if (c->recovery == REC_RTO) {
		after_timeout(t, c, n);
	}
}

void recover_heard(struct tcp *t, struct conn *c, struct news *n)
{
	struct flow *f = flow_of(t, c);

	progress(t, c, n);
	if (conn_has_sack(t, c))
		rack_detect(t, c, n);
	else
		without_sack(t, c, n);
	answer_loss(t, c, n);
	if (n->acked)
		repeat_rest(t, c);
	if ((c->recovery == REC_FAST || c->recovery == REC_CWR) &&
	    !cc_ops_of(c->cc)->own_window)
		prr_heard(c, f, n);
}

void recover_reorder(struct tcp *t, struct conn *c)
{
	struct news n = {.prior = conn_pipe(c),
			 .flight = conn_flight(c),
			 .fack = flow_of(t, c)->fack};
	bool was = c->recovery == REC_FAST;

	t->stat.timeouts_reorder++;
	rack_detect(t, c, &n);
	answer_loss(t, c, &n);
	/* nothing is delivered: the fast retransmit alone (RFC 9937, 6.2) */
	if (!was && c->recovery == REC_FAST && !cc_ops_of(c->cc)->own_window)
		c->ccs.cwnd = conn_pipe(c) + c->mss;
	rexmt_arm(t, c);
}

void recover_at_once(struct tcp *t, struct conn *c)
{
	const struct cc_ops *ops = cc_ops_of(c->cc);
	struct flow *f = flow_of(t, c);

	if (c->recovery != REC_OPEN)
		return;
	ops->enter_recovery(&c->ccs, f->cc, c->ccs.cwnd, CC_LOSS, t->now);
	if (!ops->own_window)
		c->ccs.cwnd = c->ccs.ssthresh;
	ops->exit_recovery(&c->ccs, f->cc, conn_pipe(c), t->now);
}

/* RFC 3168, 6.1.2: the peer has seen a mark. */
void recover_marked(struct tcp *t, struct conn *c, const struct news *n)
{
	struct flow *f = flow_of(t, c);

	if (c->recovery != REC_OPEN || !ecn_cut(t, c))
		return;
	undo_end(f);
	reduce(t, c, n, min_u32(n->flight, c->ccs.cwnd), CC_CE);
	c->recovery = REC_CWR;
	if (!cc_ops_of(c->cc)->own_window)
		prr_heard(c, f, n);
}
