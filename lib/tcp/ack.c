/* SPDX-License-Identifier: MIT */
/*
 * ack.c - an acknowledgment: what it frees, what it measures, and what it
 * tells the congestion control.  RFC 5961's range check comes before
 * (input_other.c).
 */
#include "base/clamp.h"
#include "news.h"

/* The records that |ack| covers, or their parts. */
static void harvest(struct tcp *t, struct conn *c, struct news *n, uint32_t ack)
{
	while (c->xmit_first) {
		uint32_t slot = c->xmit_first - 1;
		struct xmit *x = xmit_at(t, slot);

		if (seq_ge(x->seq, ack))
			break;
		if (seq_gt(x->end, ack)) { /* a part of a super-segment */
			score_acked(t, c, n, x, ack - x->seq);
			x->seq = ack;
			break;
		}
		score_acked(t, c, n, x, x->end - x->seq);
		if (x->end - x->seq > c->mss + 1)
			c->super_lost = 0;
		xmit_del(t, c, slot);
	}
}

/*
 * Round trip: from the record of what was sent once; from the time stamp echo
 * only where Karn's rule forbids that (RFC 7323, 4.1: only an ACK that
 * advances SND.UNA).
 */
static void measure(struct tcp *t, struct conn *c, const struct news *n)
{
	const struct segment *seg = n->seg;
	tcpd_time rtt = 0;

	if (n->any && !n->resent) {
		rtt = max_u64(n->rtt, 1);
	} else if (n->acked && c->ts && seg->h.opt.has_ts &&
		   seg->h.opt.ts_ecr) {
		uint32_t ticks = ts_now(t, &c->tu) - seg->h.opt.ts_ecr;

		if (ticks < UINT32_MAX / 2)
			rtt = max_u64(ticks, 1) * t->set.ts_tick;
	}
	if (rtt == 0)
		return;
	rtt_sample(t, c, rtt);
	if (n->acked)
		c->backoff = 0; /* it is no longer a guess (RFC 6298, 5.7) */
}

/*
 * What the window may grow by: nothing, unless SND.UNA moves (RFC 5681, 3.1;
 * RFC 3042, 2), or as Linux, what comes is known to be reordered.  Slow start
 * after an RTO grows by what it has sent itself: one ACK for all that had
 * arrived must not let a burst go (RFC 3465, 2.3).  As Linux, nor one for what
 * was reordered: each duplicate ACK before it has let a segment go already (RFC
 * 3042).
 */
static uint32_t growth(const struct tcp *t, const struct conn *c,
		       const struct news *n, bool after_rto)
{
	uint32_t len = conn_has_sack(t, c) ? n->delivered : n->acked;
	uint32_t told = c->recovery == REC_OPEN ? n->dupacks * c->mss : 0;

	if (!n->acked &&
	    !(t->set.as_linux && flow_of(t, c)->reorder_by > DUP_THRESH))
		return 0;
	if (after_rto)
		len -= min_u32(len, n->before_rto);
	if (!t->set.as_linux || conn_has_sack(t, c))
		return len;
	return max_u32(len - min_u32(len, told), min_u32(len, c->mss));
}

static bool window_falls(const struct conn *c)
{
	return c->recovery == REC_FAST || c->recovery == REC_CWR;
}

/* |recovering|: this ACK belongs to a recovery, also when it begins or ends
 * it. */
static void tell_cc(struct tcp *t, struct conn *c, struct news *n,
		    uint32_t acked, bool recovering)
{
	struct flow *f = flow_of(t, c);
	const struct rate *r = &n->rate;
	struct cc_sample rs = {
		.now = t->now,
		.acked = acked,
		.prior_in_flight = n->prior,
		.in_flight = conn_pipe(c),
		.cwnd_limited = n->cwnd_limited,
		.in_recovery = recovering,
		.ece = n->ece,
	};

	rate_end(&n->rate, &f->rate, c->min_rtt);
	rs.delivered = r->delivered;
	rs.ce = n->ece ? r->delivered : 0;
	rs.lost = r->lost;
	rs.rtt = r->rtt;
	rs.sample_delivered = (uint32_t)min_u64(r->over, UINT32_MAX);
	rs.sample_lost = r->lost_since;
	rs.tx_in_flight = r->tx_in_flight;
	rs.interval = r->interval;
	rs.prior_delivered = r->prior_delivered;
	rs.total_delivered = f->rate.delivered;
	rs.total_lost = f->rate.lost;
	rs.app_limited = r->app_limited;
	cc_ops_of(c->cc)->acked(&c->ccs, f->cc, &rs);
}

/* Of every ACK that moves SND.UNA, the one of our SYN and of a probe too. */
static void advance(struct tcp *t, struct conn *c, struct news *n)
{
	uint32_t text = n->acked - (conn_syn_out(c));

	if (c->fin_sent && n->seg->h.ack == conn_fin_seq(c) + 1)
		text--;
	if (!conn_syn_out(c)) /* conn_syn_acked() wants to know */
		c->nrexmt = 0;
	c->snd_una = n->seg->h.ack;
	c->nprobes = 0;
	c->stalled_at = 0;
	c->soft_err = 0;
	c->soft_new = false;
	c->more = false; /* as Linux: it held only until the next push */
	c->last_ack = t->now;
	c->octets_acked += text;
	sendq_acked(t, c, c->snd_una);
	pmtu_acked(t, c);
	urgent_acked(c);
	c->snd_sml = seq_max(c->snd_sml, c->snd_una);
	conn_want_output(t, c);
}

/* RFC 5681, section 2: what counts as a duplicate. */
static bool is_duplicate(const struct conn *c, const struct segment *seg)
{
	return seg->h.ack == c->snd_una && seg->len == 0 && !c->nprobes &&
	       !(seg->h.flags & (TCP_SYN | TCP_FIN)) && conn_flight(c) &&
	       (uint32_t)seg->h.wnd << c->snd_wscale == c->snd_wnd;
}

/* Our SYN is acknowledged, or a probe of a closed window: nothing follows for
 * congestion. */
static void first_or_probe(struct tcp *t, struct conn *c, struct news *n)
{
	bool of_syn = conn_syn_out(c);

	harvest(t, c, n, n->seg->h.ack);
	advance(t, c, n);
	measure(t, c, n);
	if (of_syn)
		conn_syn_acked(t, c);
	else
		persist_update(t, c);
}

/* These would be ahead again after half of the number space. */
static void drag_along(struct conn *c, struct flow *f)
{
	if (seq_lt(c->recover, c->snd_una))
		c->recover = c->snd_una - 1;
	f->fack = seq_max(f->fack, c->snd_una);
	f->rack_end = seq_max(f->rack_end, c->snd_una);
	f->dsack_round = seq_max(f->dsack_round, c->snd_una);
	f->undo_from = seq_max(f->undo_from, c->snd_una - (UINT32_MAX >> 2));
	f->undo_to = seq_max(f->undo_to, c->snd_una - (UINT32_MAX >> 2));
}

/* What is in flight: SND.UNA moves, or blocks tell what has arrived. */
static void of_flight(struct tcp *t, struct conn *c, struct news *n)
{
	bool recovering = window_falls(c) || c->clocked;
	bool after_rto = c->recovery == REC_RTO;
	struct flow *f = flow_of(t, c);
	uint32_t grown;

	n->fack = f->fack;
	n->dupacks = c->dupacks;
	rate_begin(&n->rate, &f->rate);
	if (n->acked)
		harvest(t, c, n, n->seg->h.ack);
	if (c->sack && n->seg->h.opt.nsacks)
		sack_take(t, c, n);
	n->duplicate = is_duplicate(c, n->seg);
	t->stat.segments_dup_acks_in += n->duplicate;
	if (n->acked)
		advance(t, c, n);
	measure(t, c, n);
	grown = growth(t, c, n, after_rto);
	n->ece = c->ecn && ecn_heard(t, c, n);
	recover_heard(t, c, n);
	if (n->ece) {
		recover_marked(t, c, n);
		grown = after_rto ? grown : 0; /* RFC 3168, 6.1.2 */
	}
	tlp_acked(t, c);
	if (n->acked) {
		drag_along(c, f);
		if (c->clocked)
			c->clocked += n->acked;
		if (c->clocked >= c->ccs.cwnd || conn_flight(c) == 0)
			c->clocked = 0;
	}
	if (n->delivered)
		conn_want_output(t, c); /* cwnd has more room */
	/* it tells what a probe that has not left yet would ask */
	if (n->acked || n->sacks)
		c->tlp_due = false;
	if (n->acked || f->reorder_at || c->timer[CT_REORDER] || n->sacks)
		rexmt_heard(t, c, n->acked != 0);
	tell_cc(t, c, n, grown, recovering || window_falls(c));
}

/* The last ACK of a Fast Open: of the SYN-ACK first, for text that has gone
 * behind it may be acknowledged with it, or not. */
static void of_fast_open(struct tcp *t, struct conn *c,
			 const struct segment *seg)
{
	struct segment syn = *seg;
	struct news n = {.seg = &syn,
			 .prior = conn_pipe(c),
			 .flight = conn_flight(c),
			 .acked = 1};

	syn.h.ack = c->iss + 1;
	first_or_probe(t, c, &n);
	if (conn_flight(c))
		rexmt_arm(t, c);
}

void ack_take(struct tcp *t, struct conn *c, const struct segment *seg)
{
	struct news n = {.seg = seg};

	if (c->fo_from && seq_gt(seg->h.ack, c->iss)) {
		of_fast_open(t, c, seg);
		if (seg->h.ack == c->snd_una && !seg->h.opt.nsacks)
			return;
	}
	n.prior = conn_pipe(c);
	n.flight = conn_flight(c);
	if (seq_gt(seg->h.ack, c->snd_una))
		n.acked = seg->h.ack - c->snd_una;
	if (n.acked && !conn_syn_out(c))
		conn_flow(t, c);
	if (n.acked && (conn_syn_out(c) || c->nprobes))
		first_or_probe(t, c, &n);
	else if (c->flow && (conn_flight(c) || seg->h.opt.nsacks))
		of_flight(t, c, &n);
}
