/* SPDX-License-Identifier: MIT */
/*
 * tlp.c - a probe for a tail that is lost (RFC 8985, 7), on connections with
 * SACK: when no ACK has come for two round trips, one segment goes, new text or
 * else the last one again, and its ACK tells what the time-out would only
 * guess.  One probe a tail.
 */
#include "base/clamp.h"
#include "base/seq.h"
#include "news.h"

#define HELD TCPD_MS(200) /* how long a peer may hold a single ACK */

/* 7.2; what is SACKed is RACK's. */
static bool wanted(const struct tcp *t, const struct conn *c)
{
	const struct flow *f = flow_of(t, c);

	return conn_has_sack(t, c) && c->srtt && f && f->sampled &&
	       conn_synchronized(c) &&
	       (c->recovery == REC_OPEN || c->recovery == REC_CWR) &&
	       !c->sacked && !c->tlp_out && !c->tlp_due && !c->nrexmt &&
	       !c->nprobes && !c->lost && conn_flight(c);
}

tcpd_time tlp_at(const struct tcp *t, const struct conn *c, tcpd_time rto)
{
	tcpd_time late = t->set.tlp_delay;

	if (!wanted(t, c))
		return 0;
	/* not later than the time-out, and with room for the ACK that a peer
	 * may hold back when it has got a single segment */
	if (conn_flight(c) <= c->mss)
		late = max_u64(late, HELD);
	return min_u64(t->now + 2 * c->srtt + late, rto);
}

void tlp_timeout(struct tcp *t, struct conn *c)
{
	if (wanted(t, c)) {
		c->tlp_due = true;
		conn_want_output(t, c);
	}
	/* a whole RTO from the probe on */
	rexmt_arm(t, c);
}

bool tlp_plan(const struct tcp *t, const struct conn *c, struct plan *p)
{
	const struct xmit *x;
	uint32_t end;

	if (!c->tlp_due || !c->xmit_last)
		return false;
	x = xmit_at(t, c->xmit_last - 1);
	if (x->flags & XMIT_SACKED)
		return false;
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
	flow_of(t, c)->sampled = false;
	t->stat.timeouts_tlp++;
	rexmt_arm(t, c);
}

void tlp_sent_new(struct tcp *t, struct conn *c)
{
	if (!c->tlp_due)
		return;
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
	commit_sent_again(t, c, x);
	c->retransmits++;
	c->octets_retrans += p->len;
	t->stat.segments_retransmitted++;
	c->tlp_resent = true;
	sent(t, c);
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
	if (c->tlp_resent)
		recover_at_once(t, c);
	c->tlp_out = false;
}

void tlp_came_twice(struct conn *c, uint32_t ack)
{
	if (c->tlp_out && c->tlp_resent && ack == c->tlp_end)
		c->tlp_out = false;
}
