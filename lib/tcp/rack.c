/* SPDX-License-Identifier: MIT */
/*
 * rack.c - RFC 8985, 6: a transmission is lost when one that was sent later has
 * arrived and a round trip and the reordering window are over.  Those in flight
 * are a list by time, so a look costs as many steps as it finds lost ones, and
 * one more.
 */
#include "base/clamp.h"
#include "base/seq.h"
#include "news.h"

#define REO_PERSIST  16 /* recoveries without a D-SACK (6.2, step 4) */
#define REO_MULT_MAX 255
#define REORDER_MAX  300 /* segments: more says nothing else */

/* 6.2, step 2: was |x|, which went more than once, acknowledged for an earlier
 * transmission? */
static bool ambiguous(const struct tcp *t, const struct conn *c,
		      const struct news *n, const struct xmit *x, uint32_t end)
{
	const struct segment *seg = n->seg;

	if (!(x->flags & XMIT_EVER))
		return false;
	/* an echo says something of what it acknowledges, not of SACKs */
	if (c->ts && seg->h.opt.has_ts && seq_le(end, seg->h.ack) &&
	    seq_lt(seg->h.opt.ts_ecr, ts_at(t, &c->tu, x->sent_at)))
		return true;
	return t->now - x->sent_at < c->min_rtt;
}

/* Was |at|, |end| sent before |other|, |other_end|? */
static bool sent_before(tcpd_time at, uint32_t end, tcpd_time other,
			uint32_t other_end)
{
	return at < other || (at == other && seq_lt(end, other_end));
}

/* What begins at |seq|, and went once, arrives after what was sent later. */
static void overtaken(struct tcp *t, const struct conn *c, struct flow *f,
		      struct news *n, uint32_t seq)
{
	uint32_t by = (n->fack - seq + c->mss - 1) / max_u32(c->mss, 1);

	f->reorder_by =
		(uint16_t)max_u32(f->reorder_by, min_u32(by, REORDER_MAX));
	if (!f->reordering)
		t->stat.recovery_reordering++;
	f->reordering = true;
	f->reorder_seen += !n->reordered;
	n->reordered = true;
}

/* Steps 2 and 3, of what has arrived up to |end|. */
void rack_delivered(struct tcp *t, struct conn *c, struct news *n,
		    const struct xmit *x, uint32_t end)
{
	struct flow *f = flow_of(t, c);

	/* what the same ACK tells may have arrived in any order */
	if (seq_gt(end, f->fack))
		f->fack = end;
	if (seq_lt(end, n->fack) && !(x->flags & XMIT_EVER))
		overtaken(t, c, f, n, x->seq);
	if (ambiguous(t, c, n, x, end))
		return;
	f->rack_rtt = t->now - x->sent_at;
	if (sent_before(f->rack_at, f->rack_end, x->sent_at, end)) {
		f->rack_at = x->sent_at;
		f->rack_end = end;
	}
}

/* Step 4, with RFC 2883's duplicates as a sign that the window was too small.
 */
static void adapt(struct conn *c, struct flow *f, const struct news *n)
{
	if (!f->dsack_counts && seq_ge(c->snd_una, f->dsack_round))
		f->dsack_counts = true;
	if (!n->dsack || !f->dsack_counts)
		return;
	f->dsack_counts = false;
	f->dsack_round = c->snd_nxt;
	f->reo_persist = REO_PERSIST;
	if (f->reo_mult < REO_MULT_MAX)
		f->reo_mult++;
}

void rack_recovered(struct flow *f)
{
	if (f->reo_persist && --f->reo_persist == 0)
		f->reo_mult = 1;
}

static tcpd_time window(const struct conn *c, const struct flow *f)
{
	if (!f->reordering &&
	    (c->recovery != REC_OPEN || f->nsacked >= DUP_THRESH ||
	     c->sacked > (DUP_THRESH - 1) * c->mss))
		return 0;
	return min_u64(f->reo_mult * c->min_rtt / 4, c->srtt);
}

/* The path's probe is lost, and not for congestion (RFC 4821, 7.4). */
static bool was_mtu_probe(struct tcp *t, struct conn *c, const struct xmit *x)
{
	return c->mtu_probe && x->seq == c->mtu_probe_seq &&
	       pmtu_probe_lost(t, c, x->seq);
}

static void lose(struct tcp *t, struct conn *c, struct news *n, struct xmit *x)
{
	bool again = x->flags & XMIT_RESENT && c->recovery == REC_FAST &&
		     x->sent_at >= flow_of(t, c)->reduced_at;

	if (was_mtu_probe(t, c, x))
		return;
	n->lost += x->end - x->seq;
	n->again |= again;
	t->stat.recovery_lost_again += again;
	score_lost(t, c, x);
}

/* Step 5. */
void rack_detect(struct tcp *t, struct conn *c, struct news *n)
{
	struct flow *f = flow_of(t, c);
	tcpd_time wait;

	adapt(c, f, n);
	f->reorder_at = 0;
	if (!f->rack_at)
		return;
	wait = f->rack_rtt + window(c, f);
	for (uint32_t link = c->sent_first, next; link; link = next) {
		struct xmit *x = xmit_at(t, link - 1);

		next = x->in[XT_SET].right;
		if (!sent_before(x->sent_at, x->end, f->rack_at, f->rack_end))
			break;
		if (x->sent_at + wait > t->now) {
			f->reorder_at = x->sent_at + wait;
			break; /* those behind it have longer still */
		}
		lose(t, c, n, x);
	}
}

void rack_mark_old(struct tcp *t, struct conn *c, struct news *n)
{
	struct flow *f = flow_of(t, c);
	tcpd_time wait = max_u64(f->rack_rtt, 1) + window(c, f);

	for (uint32_t link = c->sent_first, next; link; link = next) {
		struct xmit *x = xmit_at(t, link - 1);

		next = x->in[XT_SET].right;
		if (x->sent_at + wait > t->now)
			break;
		lose(t, c, n, x);
	}
}
