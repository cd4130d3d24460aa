/* SPDX-License-Identifier: MIT */
/*
 * ack.c - an acknowledgment: what it frees, what it measures, and what it
 * tells the congestion control.  RFC 5961's range check comes before
 * (input_other.c).
 */
#include "conn.h"
#include "xmit.h"

/* What is learned from the records that an ACK covers. */
struct harvest {
	tcpd_time rtt; /* of the record sent last; 0: none may be used (Karn) */
	tcpd_time sent_at;
	uint64_t delivered; /* conn.delivered when that one was sent */
	tcpd_time delivered_at, first_sent_at;
	bool any, app_limited, cwnd_limited, resent;
	uint32_t
		before_rto; /* octets that went before the RTO, and not since */
};

static void forget_loss(struct conn *c, struct harvest *h, const struct xmit *x,
			uint32_t n)
{
	if (c->recovery == REC_RTO &&
	    (x->flags & (XMIT_LOST | XMIT_RESENT)) == XMIT_LOST)
		h->before_rto += n;
	if (x->flags & XMIT_LOST)
		c->lost -= n;
	if (x->flags & XMIT_RESENT)
		c->resent -= n;
}

static void look_at(const struct tcp *t, struct harvest *h,
		    const struct xmit *x)
{
	h->cwnd_limited |= (x->flags & XMIT_CWND_LIMITED) != 0;
	if (x->flags & XMIT_EVER) {
		h->resent = true;
		return;
	}
	if (h->any && x->sent_at < h->sent_at)
		return;
	h->any = true;
	h->rtt = t->now - x->sent_at;
	h->sent_at = x->sent_at;
	h->delivered = x->delivered;
	h->delivered_at = x->delivered_at;
	h->first_sent_at = x->first_sent_at;
	h->app_limited = (x->flags & XMIT_APP_LIMITED) != 0;
}

static struct harvest harvest(struct tcp *t, struct conn *c, uint32_t ack)
{
	struct harvest h = {0};

	while (c->xmit_first) {
		uint32_t slot = c->xmit_first - 1;
		struct xmit *x = xmit_at(t, slot);

		if (seq_ge(x->seq, ack))
			break;
		look_at(t, &h, x);
		if (seq_gt(x->end, ack)) { /* a part of a super-segment */
			forget_loss(c, &h, x, ack - x->seq);
			x->seq = ack;
			break;
		}
		forget_loss(c, &h, x, x->end - x->seq);
		if (x->end - x->seq > c->mss + 1)
			c->super_lost = 0;
		xmit_del(t, c, slot);
	}
	return h;
}

/*
 * Round trip: from the record of what was sent once; from the time stamp echo
 * only where Karn's rule forbids that (RFC 7323, 4.1: only an ACK that
 * advances SND.UNA).
 */
static void measure(struct tcp *t, struct conn *c, const struct segment *seg,
		    const struct harvest *h)
{
	tcpd_time rtt = 0;

	if (h->any && !h->resent) {
		rtt = max_u64(h->rtt, 1);
	} else if (c->ts && seg->h.opt.has_ts && seg->h.opt.ts_ecr) {
		uint32_t ticks = ts_now(t, &c->tu) - seg->h.opt.ts_ecr;

		if (ticks < UINT32_MAX / 2)
			rtt = max_u64(ticks, 1) * t->set.ts_tick;
	}
	if (rtt == 0)
		return;
	rtt_sample(t, c, rtt);
	c->backoff = 0; /* the RTO is no longer a guess (RFC 6298, 5.7) */
}

/* |recovering|: this ACK belongs to a recovery, also when it ends it. */
static void tell_cc(struct tcp *t, struct conn *c, const struct harvest *h,
		    uint32_t acked, uint32_t prior, bool recovering)
{
	struct cc_sample rs = {
		.now = t->now,
		.acked = acked,
		.delivered = acked,
		.total_delivered = c->delivered,
		.prior_in_flight = prior,
		.in_flight = conn_pipe(c),
		.rtt = h->any ? h->rtt : 0,
		.app_limited = h->app_limited,
		.cwnd_limited = h->cwnd_limited,
		.in_recovery = recovering,
	};

	if (h->any) {
		tcpd_time sending = h->sent_at - h->first_sent_at;
		tcpd_time acking = t->now - h->delivered_at;

		rs.sample_delivered = (uint32_t)(c->delivered - h->delivered);
		rs.prior_delivered = h->delivered;
		rs.interval = max_u64(sending, acking);
		c->first_sent_at = h->sent_at;
	}
	cc_ops_of(c->cc)->acked(&c->ccs, flow_of(t, c)->cc, &rs);
}

/*
 * What the window may grow by, of |acked| octets.  Slow start after an RTO
 * grows by what it has sent itself (the caller has taken off the rest): one ACK
 * for all that had arrived must not let a burst go (RFC 3465, 2.3).  As Linux,
 * nor one for what was reordered: each duplicate ACK before it has let a
 * segment go already (RFC 3042).
 */
static uint32_t fresh(const struct tcp *t, const struct conn *c, uint32_t acked)
{
	uint32_t told = c->recovery == REC_OPEN ? c->dupacks * c->mss : 0;

	if (!t->set.as_linux)
		return acked;
	return max_u32(acked - min_u32(acked, told), min_u32(acked, c->mss));
}

static void advance(struct tcp *t, struct conn *c, const struct segment *seg)
{
	uint32_t acked = seg->h.ack - c->snd_una;
	uint32_t prior = conn_pipe(c);
	bool of_syn = c->snd_una == c->iss;
	bool of_probe = c->nprobes > 0;
	bool recovering = c->recovery == REC_FAST || c->clocked;
	struct harvest h = harvest(t, c, seg->h.ack);
	uint32_t text = acked - of_syn;
	uint32_t news;

	if (c->fin_sent && seg->h.ack == conn_fin_seq(c) + 1)
		text--;
	c->snd_una = seg->h.ack;
	if (!of_syn) /* conn_syn_acked() wants to know */
		c->nrexmt = 0;
	c->nprobes = 0;
	c->stalled_at = 0;
	c->soft_err = 0;
	c->soft_new = false;
	c->more = false; /* as Linux: it held only until the next push */
	c->last_ack = t->now;
	c->octets_acked += text;
	c->delivered += text;
	c->delivered_at = t->now;
	measure(t, c, seg, &h);
	sendq_acked(t, c, c->snd_una);
	pmtu_acked(t, c);
	urgent_acked(c);
	conn_want_output(t, c);
	if (of_syn)
		conn_syn_acked(t, c);
	if (of_probe)
		persist_update(t, c);
	if (of_syn || of_probe)
		return; /* what follows is about data */
	news = fresh(t, c, acked - min_u32(acked, h.before_rto));
	rexmt_advance(t, c, acked);
	tlp_acked(t, c);
	tlp_arm(t, c);
	if (c->clocked)
		c->clocked += acked;
	if (c->clocked >= c->ccs.cwnd || conn_flight(c) == 0)
		c->clocked = 0;
	tell_cc(t, c, &h, news, prior, recovering);
}

/* RFC 5681, section 2: what counts as a duplicate. */
static bool is_duplicate(const struct conn *c, const struct segment *seg)
{
	return seg->h.ack == c->snd_una && seg->len == 0 && !c->nprobes &&
	       !(seg->h.flags & (TCP_SYN | TCP_FIN)) && conn_flight(c) &&
	       (uint32_t)seg->h.wnd << c->snd_wscale == c->snd_wnd;
}

void ack_take(struct tcp *t, struct conn *c, const struct segment *seg)
{
	if (seq_gt(seg->h.ack, c->snd_una))
		advance(t, c, seg);
	else if (is_duplicate(c, seg))
		rexmt_dupack(t, c, seg);
}
