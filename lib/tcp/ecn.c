/* SPDX-License-Identifier: MIT */
/*
 * ecn.c - explicit congestion notification (RFC 3168), both roles: who asked
 * for it, what marked text has to be answered with, and what goes marked.
 * ECT(0) alone (RFC 8311), on new text alone.  What a mark does to the window
 * is the congestion control's (cc.h).
 *
 * A SYN that asks for Accurate ECN asks for this, too (RFC 9768, 3.1.2): its
 * third flag is a reserved bit here, and the answer says which it will be.
 */
#include "base/clamp.h"
#include "news.h"
#include "pace.h"
#include "wire/ip.h"

#define FLAGS	 (TCP_ECE | TCP_CWR)
#define PLAIN_IN 3u /* segments of a peer who should have marked them */
#define CUTS	 3u /* of a window, all of them for marks, and no ACK without */
#define FLIGHTS	 2u /* that were marked, and lost as a whole */
#define MANY	 3u /* segments: one flight of these is proof enough */

static bool is_marked(const struct segment *seg)
{
	return (seg->tos & IP_ECN) != 0;
}

/* --- the handshake: 6.1.1 */

/* No SYN is marked by its sender: one that is shows a path that does not leave
 * these bits alone. */
bool ecn_asks(const struct segment *syn)
{
	return (syn->h.flags & FLAGS) == FLAGS && !is_marked(syn);
}

void ecn_ask(const struct tcp *t, struct conn *c)
{
	c->ecn_tried = t->set.conn.ecn == TCPD_ECN_ON;
}

uint8_t ecn_syn_flags(const struct conn *c)
{
	if (c->state != TCPD_SYN_SENT)
		return c->ecn ? TCP_ECE : 0;
	return c->ecn_tried && !c->ect_off && !c->rexmt_force ? FLAGS : 0;
}

/* 6.1.1.1: who has sent one SYN without does not mark, but what an answer to
 * the first one lets the peer mark has to be understood. */
void ecn_syn_again(struct tcp *t, struct conn *c)
{
	if (c->state != TCPD_SYN_SENT || !c->ecn_tried || c->ect_off)
		return;
	c->ect_off = true;
	t->stat.ecn_syn_plain++;
}

/* Text of ours goes unmarked from here on.  CE is echoed as before, for the
 * peer may go on. */
static void give_up(struct conn *c, uint64_t *why)
{
	if (c->ect_off)
		return;
	c->ect_off = true;
	++*why;
}

void ecn_answered(struct tcp *t, struct conn *c, const struct segment *seg)
{
	bool agrees = (seg->h.flags & FLAGS) == TCP_ECE;

	if (!(seg->h.flags & TCP_ACK)) { /* both open at once */
		c->ecn = c->ecn_tried && !c->ect_off && ecn_asks(seg);
		return;
	}
	c->ecn =
		agrees && (c->ecn || c->state == TCPD_SYN_SENT) && c->ecn_tried;
	if (c->ecn && is_marked(seg))
		give_up(c, &t->stat.ecn_off_changed);
}

/* --- text that comes: 6.1.3 */

static void ack_now(struct tcp *t, struct conn *c)
{
	c->ack_due = true;
	conn_want_ack(t, c);
}

void ecn_arrived(struct tcp *t, struct conn *c, const struct segment *seg)
{
	bool ce = (seg->tos & IP_ECN) == IP_CE;

	if (is_marked(seg)) {
		c->ect_in = true;
	} else if (!c->ect_in && c->ecn_plain < PLAIN_IN) {
		uint32_t n = min_u32(seg->nwire, PLAIN_IN - c->ecn_plain);

		c->ecn_plain = (uint8_t)(c->ecn_plain + n);
		if (c->ecn_plain == PLAIN_IN) {
			give_up(c, &t->stat.ecn_off_changed);
			if (c->flow && flow_of(t, c)->ecn.gone)
				flow_of(t, c)->ecn.back = true;
		}
	}
	/* the peer's window may be a segment now, which then waits for its
	 * ACK; and it is to know soon */
	if (seg->h.flags & TCP_CWR || ce != c->ce_now)
		ack_now(t, c);
	if (seg->h.flags & TCP_CWR)
		c->ece_due = false;
	if (ce) {
		c->ece_due = true;
		t->stat.ecn_ce_in += seg->nwire;
	}
	c->ce_now = ce;
}

/* --- text that goes: 6.1.2, 6.1.4 to 6.1.6 */

void ecn_plan(const struct conn *c, struct plan *p)
{
	if (!c->ecn || !p->len)
		return;
	/* after a time-out it is to arrive whatever the path thinks of marks,
	 * and so is what probes a tail */
	p->ect = !c->ect_off && c->recovery != REC_RTO && !c->tlp_due;
	/* not in a probe of the path, which nobody misses */
	if (c->cwr_due && p->kind == PLAN_DATA)
		p->flags |= TCP_CWR;
}

void ecn_sent(struct tcp *t, struct conn *c, const struct plan *p)
{
	struct flow *f = flow_of(t, c);

	if (p->ect) {
		f->ecn.out = true;
		xmit_at(t, c->xmit_last - 1)->flags |= XMIT_ECT;
	}
	if (!(p->flags & TCP_CWR))
		return;
	c->cwr_due = false;
	f->ecn.said = true;
	f->ecn.cwr_seq = p->seq;
	t->stat.ecn_cwr_out++;
}

/* --- what comes back: 6.1.2 */

/*
 * A path that marks everything would leave us the least window there is, though
 * it may be idle.  From the start: three windows in a row; later it takes six,
 * or two time-outs, for what was marked before may mean what it says.
 */
static bool all_marked(const struct tcp *t, const struct conn *c,
		       const struct flow *f)
{
	if (f->ecn.cuts < CUTS)
		return false;
	return !f->ecn.clean || f->ecn.cuts >= 2 * CUTS ||
	       t->now - f->ecn.since >= 2 * rtt_rto(t, c);
}

/* In case that it is none: half of what was in flight may be again at once, and
 * slow start finds the rest. */
static void remember(const struct conn *c, struct flow *f, uint32_t ssthresh)
{
	f->ecn.was.cwnd = min_u32(c->ccs.cwnd, conn_flight(c)) / 2;
	f->ecn.was.ssthresh = ssthresh;
}

/* What was taken for congestion was none. */
static void go_back(struct tcp *t, struct conn *c, struct flow *f)
{
	if (!f->ecn.back)
		return;
	if (c->recovery == REC_RTO) /* what slow start repairs is much */
		c->ccs.ssthresh = max_u32(c->ccs.ssthresh, f->ecn.was.ssthresh);
	if (c->recovery != REC_OPEN)
		return;
	f->ecn.back = false;
	cc_ops_of(c->cc)->undo(&c->ccs, f->cc, &f->ecn.was, t->now);
}

/* A window of one segment cannot fall: instead a time-out passes before the
 * next one. */
static bool at_bottom(struct tcp *t, struct conn *c)
{
	if (c->ccs.cwnd >= 2 * c->mss)
		return false;
	pace_hold(t, c, t->now + rtt_rto(t, c));
	rexmt_arm(t, c);
	return true;
}

bool ecn_heard(struct tcp *t, struct conn *c, const struct news *n)
{
	struct flow *f = flow_of(t, c);

	go_back(t, c, f);
	if (f->ecn.said && seq_gt(c->snd_una, f->ecn.cwr_seq))
		f->ecn.said = false;
	f->ecn.news |= n->marked;
	f->ecn.plain = !n->marked && (n->plain || f->ecn.plain);
	if (!(n->seg->h.flags & TCP_ECE)) {
		f->ecn.clean |= n->marked && !c->ect_off;
		f->ecn.cuts = 0;
		return false;
	}
	t->stat.ecn_ece_in++;
	if (c->ect_off)
		return false; /* of what was marked before, or by nobody */
	return true;
}

bool ecn_cut(struct tcp *t, struct conn *c)
{
	struct flow *f = flow_of(t, c);

	/* the peer goes on until it gets our CWR: what it says before that is
	 * about marks that were answered */
	if (c->cwr_due || f->ecn.said)
		return false;
	if (f->ecn.cuts == 0) {
		f->ecn.since = t->now;
		if (!f->ecn.gone)
			remember(c, f, c->ccs.ssthresh);
	}
	if (all_marked(t, c, f)) {
		give_up(c, &t->stat.ecn_off_ce);
		pace_anew(t, c);
		f->ecn.back = true;
		go_back(t, c, f);
		return false;
	}
	if (f->ecn.cuts < UINT8_MAX)
		f->ecn.cuts++;
	c->cwr_due = true;
	return !at_bottom(t, c);
}

void ecn_lost(struct tcp *t, struct conn *c, uint32_t ssthresh)
{
	struct flow *f = flow_of(t, c);
	bool many = conn_flight(c) >= MANY * c->mss;

	if (!c->ecn)
		return;
	c->cwr_due = true;
	if (f->ecn.news && !(f->ecn.plain && many)) {
		f->ecn.gone = 0;
	} else if (f->ecn.out) {
		if (!f->ecn.gone++ && !f->ecn.cuts)
			remember(c, f, ssthresh);
		if (c->ect_off || f->ecn.gone >= FLIGHTS || many) {
			give_up(c, &t->stat.ecn_off_lost);
			f->ecn.back = true;
		}
	}
	f->ecn.news = f->ecn.out = false;
}
