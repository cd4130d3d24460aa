/* SPDX-License-Identifier: MIT */
/*
 * rexmt.c - what is lost, and when that is concluded: the retransmission timer
 * (RFC 6298, 5) and three duplicate ACKs (RFC 5681, 3.2) with RFC 6582's rules
 * for partial ACKs.  What is lost is marked in the records; output.c sends it
 * again as the congestion window allows.
 */
#include "conn.h"
#include "xmit.h"

#define DUP_THRESH 3
#define R1	   3 /* SHLD-10 */

void rexmt_arm(struct tcp *t, struct conn *c)
{
	if (conn_flight(c) == 0) {
		conn_disarm(c, CT_REXMT);
		if (!c->faulty)
			conn_disarm(c, CT_USER);
		return;
	}
	conn_arm(t, c, CT_REXMT, t->now + rtt_rto(t, c));
	if (!c->stalled_at)
		c->stalled_at = t->now;
	if (c->user_timeout && !c->faulty)
		conn_arm(t, c, CT_USER, c->stalled_at + c->user_timeout);
}

/* Something that wants an ACK has left: 5.1, start the timer if it is off. */
void rexmt_sent(struct tcp *t, struct conn *c)
{
	conn_disarm(c, CT_PERSIST);
	if (!c->timer[CT_REXMT])
		rexmt_arm(t, c);
}

static void mark_lost(struct conn *c, struct xmit *x)
{
	uint32_t n = x->end - x->seq;

	if (!(x->flags & XMIT_LOST))
		c->lost += n;
	if (x->flags & XMIT_RESENT)
		c->resent -= n;
	x->flags |= XMIT_LOST;
	x->flags &= (uint8_t)~XMIT_RESENT;
}

static void mark_all_lost(struct tcp *t, struct conn *c)
{
	uint32_t link = c->xmit_first;

	while (link) {
		struct xmit *x = xmit_at(t, link - 1);

		mark_lost(c, x);
		link = x->next;
	}
	c->lost_hint = c->snd_una;
}

/* Without SACK only the first segment is known to be missing. */
static void mark_first_lost(struct tcp *t, struct conn *c)
{
	uint32_t slot = c->xmit_first - 1;
	struct xmit *x;

	if (!c->xmit_first)
		return;
	x = xmit_at(t, slot);
	if (x->end - x->seq > c->mss)
		xmit_split(t, c, slot, x->seq + c->mss);
	mark_lost(c, x);
	c->lost_hint = c->snd_una;
	c->rexmt_force = true;
	conn_want_output(t, c);
}

/* Duplicate ACKs cost a peer nothing: no more of them count than there was in
 * flight when the recovery began (RFC 5681, 3.2, step 4). */
static void limit_duped(struct conn *c)
{
	uint32_t then =
		seq_gt(c->recover, c->snd_una)
			? min_u32(c->recover - c->snd_una, conn_flight(c))
			: 0;

	c->duped = min_u32(c->duped, then > c->lost ? then - c->lost : 0);
}

/* RFC 6928, 12: losses in the first window are watched. */
static void count_early(struct tcp *t, const struct conn *c)
{
	t->stat.recovery_initial +=
		c->octets_acked < conn_initial_window(c->mss);
}

void rexmt_dupack(struct tcp *t, struct conn *c, const struct segment *seg)
{
	(void)seg;
	t->stat.segments_dup_acks_in++;
	if (c->dupacks == 0)
		c->dup_flight = conn_flight(c);
	if (c->dupacks < UINT8_MAX)
		c->dupacks++;
	conn_want_output(t, c); /* RFC 3042; or another segment has left */
	if (c->recovery == REC_FAST) {
		c->duped += c->mss;
		limit_duped(c);
		return;
	}
	/* RFC 6582, 3.2, step 2: not for what was sent before the last one */
	if (c->dupacks != DUP_THRESH || c->recovery == REC_RTO ||
	    !seq_gt(c->snd_una, c->recover) || pmtu_probe_lost(t, c))
		return;
	t->stat.recovery_fast++;
	count_early(t, c);
	/* RFC 5681, 3.2, step 2: without what limited transmit has sent */
	cc_ops_of(c->cc)->enter_recovery(&c->ccs, flow_of(t, c)->cc,
					 min_u32(conn_flight(c), c->dup_flight),
					 CC_LOSS, t->now);
	c->ccs.cwnd = c->ccs.ssthresh;
	c->recovery = REC_FAST;
	c->recover = c->snd_nxt;
	mark_first_lost(t, c);
	c->duped = DUP_THRESH * c->mss;
	limit_duped(c);
}

static void leave_recovery(struct tcp *t, struct conn *c)
{
	if (c->recovery == REC_FAST)
		cc_ops_of(c->cc)->exit_recovery(&c->ccs, flow_of(t, c)->cc,
						conn_flight(c), t->now);
	c->recovery = REC_OPEN;
	c->dupacks = 0;
	c->duped = 0;
}

/* A partial ACK: the next hole begins here. */
static void partial_ack(struct tcp *t, struct conn *c, uint32_t acked)
{
	t->stat.recovery_partial_acks++;
	c->duped -= min_u32(c->duped, acked > c->mss ? acked - c->mss : 0);
	mark_first_lost(t, c);
	limit_duped(c);
	/* its retransmission restarts the timer (output.c) */
}

/* Of what was lost without congestion the rest is next: what lies behind it
 * has arrived, perhaps, and no other ACK will come. */
static void repeat_rest(const struct tcp *t, struct conn *c)
{
	const struct xmit *x;

	if (!c->xmit_first || c->lost == c->resent)
		return;
	x = xmit_at(t, c->xmit_first - 1);
	if ((x->flags & (XMIT_LOST | XMIT_RESENT)) == XMIT_LOST)
		c->rexmt_force = true;
}

/* SND.UNA has moved by |acked|. */
void rexmt_advance(struct tcp *t, struct conn *c, uint32_t acked)
{
	if (seq_lt(c->lost_hint, c->snd_una))
		c->lost_hint = c->snd_una;
	switch ((enum conn_recovery)c->recovery) {
	case REC_FAST:
		if (seq_lt(c->snd_una, c->recover)) {
			partial_ack(t, c, acked);
			return;
		}
		leave_recovery(t, c);
		break;
	case REC_RTO:
		c->dupacks = 0;
		if (seq_ge(c->snd_una, c->recover))
			leave_recovery(t, c);
		break;
	case REC_OPEN:
		c->dupacks = 0;
		repeat_rest(t, c);
		break;
	}
	/* these would be ahead again after half of the number space */
	if (seq_lt(c->recover, c->snd_una))
		c->recover = c->snd_una - 1;
	c->snd_sml = seq_max(c->snd_sml, c->snd_una);
	rexmt_arm(t, c); /* 5.2, 5.3 */
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

/* 5.4 to 5.6; the back-off is counted when the segment has left. */
void rexmt_timeout(struct tcp *t, struct conn *c)
{
	bool first = c->nrexmt == 0; /* not resent by the timer yet */
	uint32_t flight = conn_flight(c);

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
	if (c->snd_una == c->iss) {
		c->syn_due = true;
		return;
	}
	pmtu_timeout(t, c);
	c->clocked = 0;
	/* what is sent again is lost again: a second indication of
	 * congestion, and both values fall again (RFC 5681, 4.3) */
	if (c->recovery != REC_OPEN)
		flight = min_u32(flight, c->ccs.cwnd);
	else
		count_early(t, c);
	t->stat.recovery_rto += c->recovery != REC_RTO;
	cc_ops_of(c->cc)->timeout(&c->ccs, flow_of(t, c)->cc, flight, first,
				  t->now);
	c->recovery = REC_RTO;
	c->recover = c->snd_nxt;
	c->dupacks = 0;
	c->duped = 0;
	mark_all_lost(t, c);
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
	mark_all_lost(t, c);
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
	struct xmit *x;

	if (slot == SLAB_NONE)
		return;
	x = xmit_at(t, slot);
	mark_lost(c, x);
	c->duped = 0;
	c->lost_hint = c->snd_una;
	c->rexmt_force = true;
	conn_want_output(t, c);
}
