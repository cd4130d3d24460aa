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
#include "conn.h"
#include "wire/ip.h"

#define FLAGS	 (TCP_ECE | TCP_CWR)
#define PLAIN_IN 3u /* segments of a peer who should have marked them */

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
		if (c->ecn_plain == PLAIN_IN)
			give_up(c, &t->stat.ecn_off_changed);
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
	p->ect = !c->ect_off;
	/* not in a probe of the path, which nobody misses */
	if (c->cwr_due && p->kind == PLAN_DATA)
		p->flags |= TCP_CWR;
}

void ecn_sent(struct tcp *t, struct conn *c, const struct plan *p)
{
	if (!(p->flags & TCP_CWR))
		return;
	c->cwr_due = false;
	t->stat.ecn_cwr_out++;
}
