/* SPDX-License-Identifier: MIT */
/*
 * rexmt.c - the retransmission timer (RFC 6298, 5), the last resort: when it
 * fires, and what it finds lost.  One timer runs at a time (RFC 8985, 8): that
 * of the reordering window, the probe of the tail or this one, whichever is
 * due first.  What is lost is marked in the records; output.c sends it again as
 * the congestion window allows.
 */
#include "news.h"

#define R1 3 /* SHLD-10 */

void rexmt_disarm(struct conn *c)
{
	conn_disarm(c, CT_REXMT);
	conn_disarm(c, CT_TLP);
	conn_disarm(c, CT_REORDER);
}

/* The first of the three, if the RTO is due at |rto|. */
static void choose(struct tcp *t, struct conn *c, tcpd_time rto)
{
	struct flow *f = flow_of(t, c);
	tcpd_time tlp;

	rexmt_disarm(c);
	if (f)
		f->rto_at = rto;
	if (f && f->reorder_at && f->reorder_at < rto) {
		conn_arm(t, c, CT_REORDER, max_u64(f->reorder_at, t->now));
		return;
	}
	tlp = f ? tlp_at(t, c, rto) : 0;
	if (tlp)
		conn_arm(t, c, CT_TLP, tlp);
	else
		conn_arm(t, c, CT_REXMT, rto);
}

void rexmt_arm(struct tcp *t, struct conn *c)
{
	if (conn_flight(c) == 0) {
		rexmt_disarm(c);
		if (!c->faulty)
			conn_disarm(c, CT_USER);
		return;
	}
	choose(t, c, t->now + rtt_rto(t, c));
	if (!c->stalled_at)
		c->stalled_at = t->now;
	if (c->user_timeout && !c->faulty)
		conn_arm(t, c, CT_USER, c->stalled_at + c->user_timeout);
}

/* 5.1, start the timer if it is off; a probe of the tail waits anew after each
 * new text (RFC 8985, 7.2), the RTO does not. */
void rexmt_sent(struct tcp *t, struct conn *c)
{
	conn_disarm(c, CT_PERSIST);
	if (!rexmt_armed(c))
		rexmt_arm(t, c);
	else if (c->timer[CT_TLP])
		choose(t, c, flow_of(t, c)->rto_at);
	else if (c->timer[CT_REXMT])
		choose(t, c, c->timer[CT_REXMT]);
}

void rexmt_heard(struct tcp *t, struct conn *c, bool moved)
{
	if (moved || !rexmt_armed(c))
		rexmt_arm(t, c);
	else if (c->timer[CT_TLP] && !flow_of(t, c)->reorder_at &&
		 tlp_at(t, c, TCPD_NEVER))
		return; /* only what is new puts it off (RFC 8985, 7.2) */
	else if (c->timer[CT_REXMT])
		choose(t, c, c->timer[CT_REXMT]);
	else
		choose(t, c, flow_of(t, c)->rto_at);
}

/* What has not left since |then|. */
static void mark_all_lost(struct tcp *t, struct conn *c, tcpd_time then)
{
	for (uint32_t link = c->xmit_first; link;) {
		struct xmit *x = xmit_at(t, link - 1);

		link = x->next;
		if (x->sent_at < then)
			score_lost(t, c, x);
	}
}

static void mark_first_lost(struct tcp *t, struct conn *c)
{
	if (c->xmit_first)
		score_lost(t, c, xmit_at(t, c->xmit_first - 1));
}

/*
 * Without SACK all is sent again.  With it what had its time and a later one
 * did arrive: the marks of the others tell (RFC 8985, 6.3).
 */
void rexmt_mark_rest(struct tcp *t, struct conn *c, struct news *n)
{
	struct flow *f = flow_of(t, c);

	if (f->went_back)
		return;
	if (conn_has_sack(t, c))
		rack_mark_old(t, c, n);
	else
		mark_all_lost(t, c, f->reduced_at);
	f->went_back = true;
}

static uint8_t most_retries(const struct tcp *t, const struct conn *c)
{
	if (c->state == TCPD_SYN_SENT || c->state == TCPD_SYN_RECEIVED)
		return c->syncnt ? c->syncnt : t->set.syn_retries;
	return c->orphan ? t->set.orphan_retries : t->set.retries;
}

static void give_up(struct tcp *t, struct conn *c)
{
	int err = c->soft_err ? c->soft_err : TCPD_ERR_TIMEOUT;

	t->stat.timeouts_gave_up++;
	t->stat.orphans_timed_out += c->orphan;
	t->stat.opens_failed += !conn_synchronized(c);
	conn_move(t, c, EV_TIMEOUT_R2);
	conn_ended(t, c, err, TCPD_EV_TIMEOUT);
}

/* SHLD-17: a peer that shrank its window to nothing and answers is alive;
 * once the app has gone, that counts for nothing (orphan.c). */
static bool held_by_window(const struct tcp *t, const struct conn *c)
{
	return c->snd_wnd == 0 && !c->orphan &&
	       t->now - c->last_rcv <= 2 * rtt_rto(t, c);
}

/*
 * RFC 2018, 8: the peer may have thrown away what it had SACKed.  It has if
 * that begins at SND.UNA; and when nothing else helps it is taken for granted.
 */
static void check_reneging(struct tcp *t, struct conn *c)
{
	const struct xmit *x = xmit_at(t, c->xmit_first - 1);

	if (!c->sacked || (!(x->flags & XMIT_SACKED) && c->nrexmt == 0))
		return;
	t->stat.sack_reneged++;
	score_renege(t, c);
}

/* 5.4 to 5.6; the back-off is counted when the segment has left. */
void rexmt_timeout(struct tcp *t, struct conn *c)
{
	bool first = c->nrexmt == 0; /* not resent by the timer yet */
	uint32_t flight = conn_flight(c);
	struct flow *f = flow_of(t, c);
	uint32_t ssthresh = c->ccs.ssthresh;
	struct news n = {0};

	if (conn_flight(c) == 0)
		return;
	if (c->nrexmt == R1) { /* SHLD-9: the app may want to know */
		t->stat.timeouts_r1++;
		conn_soft_error(t, c,
				c->soft_err ? c->soft_err : TCPD_ERR_TIMEOUT);
	}
	if (c->nrexmt >= most_retries(t, c) && !conn_user_decides(c) &&
	    !held_by_window(t, c)) { /* R2: MUST-20, MUST-23 */
		give_up(t, c);
		return;
	}
	t->stat.timeouts_rexmt++;
	conn_want_output(t, c);
	c->rexmt_force = true;
	if (conn_syn_out(c)) {
		c->syn_due = true;
		return;
	}
	pmtu_timeout(t, c);
	c->clocked = 0;
	/* the probe is among what is sent again */
	c->tlp_due = c->tlp_out = false;
	/* what is sent again is lost again: a second indication of
	 * congestion, and both values fall again (RFC 5681, 4.3) */
	if (c->recovery == REC_FAST || c->recovery == REC_CWR)
		flight = min_u32(flight, c->ccs.ssthresh); /* cwnd's aim */
	else if (c->recovery == REC_RTO)
		flight = min_u32(flight, c->ccs.cwnd);
	else
		t->stat.recovery_initial +=
			c->octets_acked < conn_initial_window(c->mss);
	if (c->sack)
		check_reneging(t, c);
	if (c->recovery == REC_OPEN || c->recovery == REC_CWR)
		undo_begin(t, c);
	frto_begin(t, c);
	t->stat.recovery_rto += c->recovery != REC_RTO;
	cc_ops_of(c->cc)->timeout(&c->ccs, f->cc, flight, first, t->now);
	ecn_lost(t, c, ssthresh);
	c->recovery = REC_RTO;
	c->recover = c->snd_nxt;
	c->dupacks = 0;
	c->duped = 0;
	f->reduced_at = t->now;
	f->reorder_at = 0;
	f->went_back = false;
	mark_first_lost(t, c);
	if (f->frto == FRTO_NONE || conn_has_sack(t, c))
		rexmt_mark_rest(t, c, &n);
}

/*
 * What is in flight was too large for the path: again, no congestion.  One
 * segment, and more as ACKs come (RFC 1191, 6.4); those of segments that did
 * arrive begin no recovery.
 */
void rexmt_too_big(struct tcp *t, struct conn *c)
{
	if (conn_flight(c) == 0)
		return;
	mark_all_lost(t, c, TCPD_NEVER);
	if (c->recovery == REC_FAST)
		c->recovery = REC_OPEN;
	c->recover = c->snd_nxt - 1;
	c->dupacks = 0;
	c->duped = 0;
	c->clocked = c->mss;
	c->rexmt_force = true;
	conn_want_output(t, c);
}

void rexmt_again(struct tcp *t, struct conn *c, uint32_t slot)
{
	if (slot == SLAB_NONE)
		return;
	score_lost(t, c, xmit_at(t, slot));
	c->duped = 0;
	c->rexmt_force = true;
	conn_want_output(t, c);
}
