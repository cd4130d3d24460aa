/* SPDX-License-Identifier: MIT */
/*
 * undo.c - was it a loss at all?  A recovery is undone when its retransmissions
 * turn out to have been needless: the peer says that each of them came twice
 * (D-SACK, RFC 2883), an ACK echoes a time stamp from before the first of them
 * (Eifel, RFC 3522), after a time-out what was not sent again arrives (F-RTO,
 * RFC 5682), or all that was marked lost arrives before it could go again.  The
 * response is RFC 4015's: window and threshold are what they were.
 */
#include "base/clamp.h"
#include "base/seq.h"
#include "news.h"

#define FRTO_SEGMENTS 2 /* of new text (RFC 5682, 2.1, step 2b) */

void undo_begin(struct tcp *t, struct conn *c)
{
	struct flow *f = flow_of(t, c);

	f->prior.cwnd = c->ccs.cwnd;
	f->prior.ssthresh = c->ccs.ssthresh;
	f->undo_from = f->undo_to = c->snd_una;
	f->undo_octets = 0;
	f->undo_resent = false;
	f->may_undo = true;
}

void undo_end(struct flow *f)
{
	f->may_undo = false;
	f->frto = FRTO_NONE;
	f->frto_room = 0;
}

void undo_resent(struct tcp *t, struct conn *c, const struct xmit *x)
{
	struct flow *f = flow_of(t, c);

	if (!f->undo_resent)
		f->undo_ts = ts_now(t, &c->tu);
	f->undo_resent = true;
	f->undo_octets += x->end - x->seq;
	f->undo_to = seq_max(f->undo_to, x->end);
}

void undo_twice(struct flow *f, uint32_t left, uint32_t right)
{
	/* not what the network itself doubles, perhaps long after */
	if (f->may_undo && seq_ge(left, f->undo_from) &&
	    seq_le(right, f->undo_to))
		f->undo_octets -= min_u32(f->undo_octets, right - left);
}

/* It echoes what was sent before the first retransmission. */
static bool of_original(const struct conn *c, const struct flow *f,
			const struct news *n)
{
	const struct tcpopt *o = &n->seg->h.opt;

	return c->recovery != REC_OPEN && n->acked && c->ts && o->has_ts &&
	       o->ts_ecr && seq_lt(o->ts_ecr, f->undo_ts);
}

/* What was marked lost has arrived before any of it went again. */
static bool all_came(const struct conn *c, const struct flow *f,
		     const struct news *n)
{
	return c->recovery == REC_FAST && !f->undo_resent && !c->lost &&
	       n->delivered;
}

static void undo(struct tcp *t, struct conn *c)
{
	struct flow *f = flow_of(t, c);

	if (c->recovery != REC_OPEN)
		score_none_lost(t, c);
	cc_ops_of(c->cc)->undo(&c->ccs, f->cc, &f->prior, t->now);
	/* what seemed lost was late */
	f->reordering = true;
	c->rexmt_force = false;
	undo_end(f);
	t->stat.recovery_undone++;
}

bool undo_heard(struct tcp *t, struct conn *c, const struct news *n)
{
	struct flow *f = flow_of(t, c);

	if (!f->may_undo)
		return false;
	if (all_came(c, f, n)) {
		undo(t, c);
		return true;
	}
	if (!f->undo_resent)
		return false;
	if (!of_original(c, f, n) && (!n->dsack || f->undo_octets))
		return false;
	undo(t, c);
	return true;
}

void frto_begin(struct tcp *t, struct conn *c)
{
	struct flow *f = flow_of(t, c);

	/* RFC 5682, 2.1, step 1: not in a recovery that goes on */
	f->frto = c->recovery == REC_OPEN || c->recovery == REC_CWR ? FRTO_AGAIN
								    : FRTO_NONE;
	f->frto_room = 0;
}

/* Step 2b: new text tells more than old. */
static bool sends_new(const struct tcp *t, const struct conn *c, struct flow *f)
{
	if (!conn_unsent(c) || seq_ge(c->snd_nxt, c->snd_una + c->snd_wnd) ||
	    !xmit_room(t))
		return false;
	f->frto = FRTO_NEW;
	f->frto_room = FRTO_SEGMENTS * c->mss;
	return true;
}

enum frto_verdict frto_heard(struct tcp *t, struct conn *c,
			     const struct news *n)
{
	struct flow *f = flow_of(t, c);
	enum frto was = (enum frto)f->frto;

	if (was == FRTO_NONE)
		return FRTO_LOST;
	/* without SACK the first ACK may also be for what lay behind a hole */
	if (n->original &&
	    (conn_has_sack(t, c) || (was == FRTO_NEW && n->acked))) {
		t->stat.recovery_spurious_rto++;
		undo(t, c);
		return FRTO_SPURIOUS;
	}
	if (was == FRTO_AGAIN && n->acked && sends_new(t, c, f))
		return FRTO_WAIT;
	f->frto = FRTO_NONE;
	f->frto_room = 0;
	return FRTO_LOST;
}
