/* SPDX-License-Identifier: MIT */
/*
 * input.c - segment arrival in SYN-SENT: RFC 9293, 3.10.7.3, in its order.
 * (CLOSED and LISTEN are in demux.c, a passive SYN-RECEIVED in synq.c, all
 * other states in input_other.c.)
 */
#include "conn.h"

/* What both SYNs offered is on. */
static void negotiate(const struct tcp *t, struct conn *c,
		      const struct tcpopt *o)
{
	c->peer_mss = o->has_mss ? o->mss : 0;
	c->ts = c->ts && o->has_ts;
	c->sack = c->sack && o->sack_ok;
	c->ts_recent = o->ts_val;
	c->ts_recent_at = t->now;
	c->wscale = o->has_wscale;
	c->snd_wscale = o->has_wscale ? o->wscale : 0;
	if (!o->has_wscale)
		c->rcv_wscale = 0;
	conn_set_mss(t, c);
}

static void refused(struct tcp *t, struct conn *c, const struct segment *seg)
{
	rst_taken(t, c->id, seg, TCPD_RESET_NO_LISTENER);
	t->stat.opens_failed++;
	conn_move(t, c, EV_RCV_RST);
	conn_ended(t, c, TCPD_ERR_REFUSED, TCPD_EV_RESET);
}

/* RFC 3168, 6.1.1.1: it may be somebody on the way who dislikes the flags. */
static void try_without_ecn(struct tcp *t, struct conn *c,
			    const struct segment *seg)
{
	rst_ignored(t, c->id, seg, TCPD_DROP_SYN_SENT);
	ecn_syn_again(t, c);
	c->syn_due = true;
	conn_want_output(t, c);
}

/* Fourth: a SYN, alone or with an ACK of ours. */
static void syn_arrived(struct tcp *t, struct conn *c, struct segment *seg,
			bool acked)
{
	conn_open_recv(c, seg->h.seq);
	negotiate(t, c, &seg->h.opt);
	ecn_answered(t, c, seg);
	c->snd_wnd = c->max_snd_wnd = seg->h.wnd; /* a SYN's is not scaled */
	c->snd_wl1 = seg->h.seq;
	c->snd_wl2 = seg->h.ack;
	seg->h.seq++;
	seg->h.flags &= (uint8_t)~TCP_SYN;
	c->fo_wait = false;
	if (!acked) { /* simultaneous open (MUST-10): SYN,ACK with our ISS */
		conn_move(t, c, EV_RCV_SYN);
		c->syn_due = true;
		conn_want_output(t, c);
		return;
	}
	ack_take(t, c, seg);
	fo_answered(t, c, seg);
	conn_move(t, c, EV_RCV_SYN_ACK);
	conn_established(t, c);
	delack_now(t, c);
	input_text_and_fin(t, c, seg);
}

/* RFC 7323, 3.2: the echoed time stamp is one of those since the first SYN. */
static bool echo_is_ours(const struct tcp *t, const struct conn *c,
			 const struct tcpopt *o)
{
	uint32_t ticks =
		(uint32_t)((t->now - c->stalled_at) / t->set.ts_tick) + 1;

	return !t->set.as_linux || !c->ts || !o->has_ts || !o->ts_ecr ||
	       !c->stalled_at || ts_now(t, &c->tu) - o->ts_ecr <= ticks;
}

void input_syn_sent(struct tcp *t, struct conn *c, struct segment *seg)
{
	uint8_t f = seg->h.flags;
	bool acked = false;

	/* first: the ACK bit */
	if (f & TCP_ACK) {
		if (seq_le(seg->h.ack, c->iss) ||
		    seq_gt(seg->h.ack, c->snd_nxt)) {
			if (f & TCP_RST) {
				rst_ignored(t, c->id, seg, TCPD_DROP_SYN_SENT);
				return;
			}
			tcp_drop(t, TCPD_DROP_SYN_SENT);
			rst_answer(t, seg, TCPD_RESET_BAD_ACK);
			return;
		}
		acked = true;
	}
	/* second: the RST bit, judged by its ACK alone (RFC 5961, 3.2) */
	if (f & TCP_RST) {
		if (acked && c->ecn_tried && !c->ect_off)
			try_without_ecn(t, c, seg);
		else if (acked)
			refused(t, c, seg);
		else
			rst_ignored(t, c->id, seg, TCPD_DROP_RST_INVALID);
		return;
	}
	/* as Linux: an echo of what no SYN of ours has said is not its answer
	 */
	if (acked && f & TCP_SYN && !echo_is_ours(t, c, &seg->h.opt)) {
		tcp_drop(t, TCPD_DROP_SYN_SENT);
		seg->h.opt.has_ts = false; /* nor is its time anything to us */
		rst_answer(t, seg, TCPD_RESET_BAD_ACK);
		return;
	}
	/* third: security and compartment are not compared (A.1) */
	if (f & TCP_SYN) {
		syn_arrived(t, c, seg, acked);
		return;
	}
	/* fifth: neither */
	tcp_drop(t, TCPD_DROP_SYN_SENT);
}
