/* SPDX-License-Identifier: MIT */
/*
 * tlp.c - a probe for a tail that is lost (RFC 8985, 7), on connections with
 * SACK where tcpd_settings.as_linux asks for it: when no ACK has come for two
 * round trips, one segment goes, new text or else the last one again, and its
 * ACK may tell what the time-out would only guess.  One probe a tail.
 */
#include "base/seq.h"
#include "conn.h"
#include "xmit.h"

#define LATE TCPD_MS(2) /* of a timer's tick, here and there */

static bool wanted(const struct tcp *t, const struct conn *c)
{
	return t->set.as_linux && c->sack && c->srtt && conn_synchronized(c) &&
	       c->recovery == REC_OPEN && !c->tlp_out && !c->tlp_due &&
	       !c->nrexmt && !c->nprobes && !c->lost && conn_flight(c);
}

/* Not later than the time-out, and with room for the ACK that a peer may hold
 * back when it has got a single segment. */
void tlp_arm(struct tcp *t, struct conn *c)
{
	bool single = conn_flight(c) <= c->mss;
	tcpd_time at;

	conn_disarm(c, CT_TLP);
	if (!wanted(t, c))
		return;
	at = t->now + 2 * c->srtt + (single ? t->set.rto_min : LATE);
	if (c->timer[CT_REXMT])
		at = min_u64(at, c->timer[CT_REXMT]);
	conn_arm(t, c, CT_TLP, at);
}

void tlp_timeout(struct tcp *t, struct conn *c)
{
	if (!wanted(t, c))
		return;
	c->tlp_due = true;
	/* a whole RTO from the probe on */
	conn_disarm(c, CT_REXMT);
	conn_want_output(t, c);
}

bool tlp_plan(const struct tcp *t, const struct conn *c, struct plan *p)
{
	const struct xmit *x;
	uint32_t end;

	if (!c->tlp_due || !c->xmit_last)
		return false;
	x = xmit_at(t, c->xmit_last - 1);
	*p = output_text_plan(t, c, PLAN_TLP);
	end = x->end;
	if (c->fin_sent) {
		end--;
		p->flags |= TCP_FIN;
	}
	p->len = min_u32(end - x->seq, p->mss);
	p->seq = end - p->len;
	p->xmit = c->xmit_last - 1;
	if (p->len && end == c->sq.end)
		p->flags |= TCP_PSH;
	return true;
}

static void sent(struct tcp *t, struct conn *c)
{
	c->tlp_due = false;
	c->tlp_out = true;
	c->tlp_end = c->snd_nxt;
	t->stat.timeouts_tlp++;
	conn_disarm(c, CT_TLP);
}

void tlp_sent_new(struct tcp *t, struct conn *c)
{
	if (!c->tlp_due) {
		tlp_arm(t, c);
		return;
	}
	c->tlp_resent = false;
	sent(t, c);
}

void tlp_commit(struct tcp *t, struct conn *c, const struct plan *p)
{
	struct xmit *x = xmit_at(t, p->xmit);

	if (seq_lt(x->seq, p->seq)) {
		uint32_t slot = xmit_split(t, c, p->xmit, p->seq);

		x = xmit_at(t, slot == SLAB_NONE ? p->xmit : slot);
	}
	x->flags |= XMIT_EVER;
	x->sent_at = t->now;
	if (x->nsent < UINT8_MAX)
		x->nsent++;
	c->retransmits++;
	c->octets_retrans += p->len;
	t->stat.segments_retransmitted++;
	c->tlp_resent = true;
	sent(t, c);
	rexmt_sent(t, c);
}

/*
 * 7.4.2: the probe repaired a loss if an ACK goes beyond it and nobody has said
 * that it came twice; that is one of congestion.
 */
void tlp_acked(struct tcp *t, struct conn *c)
{
	if (!c->tlp_out || seq_lt(c->snd_una, c->tlp_end))
		return;
	if (c->tlp_resent && c->snd_una == c->tlp_end)
		return; /* what comes next tells */
	if (c->tlp_resent) {
		cc_ops_of(c->cc)->enter_recovery(&c->ccs, flow_of(t, c)->cc,
						 c->ccs.cwnd, CC_LOSS, t->now);
		c->ccs.cwnd = c->ccs.ssthresh;
	}
	c->tlp_out = false;
}

void tlp_came_twice(struct conn *c)
{
	if (c->tlp_out && c->tlp_resent && c->snd_una == c->tlp_end)
		c->tlp_out = false;
}
