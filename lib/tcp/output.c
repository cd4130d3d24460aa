/* SPDX-License-Identifier: MIT */
/*
 * output.c - what may go now: the next packet as a plan, which emit.c turns
 * into octets.  Nothing changes before it has left (commit.c).
 *
 * A connection whose text has to wait for its departure (pace.c) goes from the
 * list into the heap of those, and comes back in time.
 *
 * Order: answers without a connection, bare ACKs, then one segment or
 * super-segment a connection, in turns; many answers in a row let one of the
 * others go between.
 */
#include <assert.h>

#include "conn.h"
#include "pace.h"
#include "synq.h"
#include "xmit.h"

#define SUPER_MAX (65535u - 128u) /* text in one packet, whatever its heads */

/* Text that one packet of |c| may carry: full segments, many with offload. */
static uint32_t packet_max(const struct tcp *t, const struct conn *c,
			   uint32_t mss)
{
	bool v4 = c->tu.local[0] == 0 && c->tu.local[10] == 0xff;

	/* whoever cuts it gives each part the same urgent pointer */
	if (!(v4 ? t->set.tso4 : t->set.tso6) || c->urg_out || c->no_super)
		return mss;
	return max_u32(SUPER_MAX / mss, 1) * mss;
}

/* What may leave of |len| octets; none: it has to wait. */
static uint32_t paced(struct tcp *t, const struct conn *c, uint32_t len,
		      uint32_t mss)
{
	uint32_t may = pace_allows(t, c, len, mss);

	t->held |= may < len && !may;
	return may;
}

static struct plan plan_for(const struct tcp *t, const struct conn *c,
			    enum plan_kind kind)
{
	struct tcpopt_sack s[NSACKS];
	unsigned nsacks = sack_blocks(t, c, s);
	uint8_t ece = c->ece_due ? TCP_ECE : 0;

	return (struct plan){.kind = kind,
			     .conn = conn_slot(t, c),
			     .seq = c->snd_nxt,
			     .flags = (uint8_t)(TCP_ACK | ece),
			     .nsacks = (uint8_t)nsacks,
			     .uto = kind == PLAN_ACK && c->uto_due && !nsacks,
			     .mss = c->mss,
			     .ack = c->rcv_nxt,
			     .wnd = delack_window(t, c)};
}

/* Beside text: the segment is as much smaller (RFC 6691); but of small ones
 * more than half is left for it. */
struct plan output_text_plan(const struct tcp *t, const struct conn *c,
			     enum plan_kind kind)
{
	struct plan p = plan_for(t, c, kind);

	while (p.nsacks && sack_octets(p.nsacks) > c->mss / 2)
		p.nsacks--;
	p.mss -= sack_octets(p.nsacks);
	return p;
}

/* Of |len| octets from |seq|, what the slices of one packet hold: in full
 * segments where there is more than one. */
static uint32_t sliceable(const struct tcp *t, const struct conn *c,
			  uint32_t seq, uint32_t len, uint32_t mss)
{
	struct tcpd_slice s[TCPD_SLICES_MAX];
	uint32_t had = len;

	sendq_slices(t, c, seq, &len, s, TCPD_SLICES_MAX);
	if (len < had && len > mss)
		len -= len % mss;
	return len;
}

static bool plan_syn(const struct tcp *t, const struct conn *c, struct plan *p)
{
	*p = plan_for(t, c, PLAN_SYN);
	p->seq = c->iss;
	p->flags = TCP_SYN | ecn_syn_flags(c);
	if (c->state != TCPD_SYN_SENT)
		p->flags |= TCP_ACK;
	p->wnd = conn_syn_window(c);
	if (c->fo_from) /* the text of its SYN may wait for a reader */
		p->wnd = min_u32(p->wnd, delack_window(t, c));
	/* a clamp that came later does not take back what was announced */
	if (c->state != TCPD_SYN_SENT)
		p->wnd = max_u32(p->wnd, c->rcv_adv - c->rcv_nxt);
	p->len = min_u32(conn_queued(c), fo_room(t, c));
	p->len = xmit_room(t) ? sliceable(t, c, c->iss + 1, p->len, 1) : 0;
	p->mss = max_u32(p->mss, p->len); /* one segment, whatever mss says */
	return true;
}

static uint32_t cwnd_room(const struct tcp *t, const struct conn *c)
{
	uint32_t cwnd =
		c->clocked ? min_u32(c->ccs.cwnd, c->clocked) : c->ccs.cwnd;
	uint32_t pipe = conn_pipe(c);

	/* RFC 3042: the first two duplicate ACKs let one segment each go; what
	 * is SACKed has left the pipe anyway */
	if (c->recovery == REC_OPEN && !conn_has_sack(t, c))
		cwnd += min_u32(c->dupacks, 2) * c->mss;
	return cwnd > pipe ? cwnd - pipe : 0;
}

/* As Linux: what the SYN has carried is pushed when it goes again. */
static bool ends_syn_text(const struct tcp *t, const struct conn *c,
			  uint32_t end)
{
	return t->set.as_linux && c->syn_sent &&
	       end == c->iss + 1 + c->syn_sent && c->octets_acked < c->syn_sent;
}

/* RFC 5682: only what comes next tells whether anything else is lost. */
static bool waits_for_frto(const struct tcp *t, const struct conn *c)
{
	const struct flow *f = flow_of(t, c);

	return c->recovery == REC_RTO && f->frto != FRTO_NONE;
}

static bool plan_rexmt(struct tcp *t, const struct conn *c, struct plan *p)
{
	uint32_t link = xmit_first_lost(t, c);
	uint32_t room = cwnd_room(t, c);
	uint32_t len, need;
	const struct xmit *x;

	if (!link)
		return false;
	x = xmit_at(t, link - 1);
	/* the rest of a probe of the path need not wait for a whole segment */
	need = c->recovery == REC_OPEN ? min_u32(c->mss, x->end - x->seq)
				       : c->mss;
	if (!c->rexmt_force && (room < need || waits_for_frto(t, c)))
		return false;
	*p = output_text_plan(t, c, PLAN_REXMT);
	p->xmit = link - 1;
	p->seq = x->seq;
	len = x->end - x->seq;
	if (c->fin_sent && x->end == conn_fin_seq(c) + 1)
		len--;
	if (len > p->mss && len <= c->mss) { /* again as one segment */
		p->nsacks = 0;
		p->mss = c->mss;
	}
	p->len = min_u32(len, packet_max(t, c, p->mss));
	if (p->len > room)
		p->len = max_u32(room / p->mss, 1) * p->mss;
	p->len = min_u32(p->len, len);
	if (p->len && !c->rexmt_force) {
		p->len = paced(t, c, p->len, p->mss);
		if (!p->len)
			return false;
	}
	p->len = sliceable(t, c, p->seq, p->len, p->mss);
	if (p->len == len && x->seq + len != x->end)
		p->flags |= TCP_FIN;
	if (p->len && (x->seq + p->len == c->sq.end ||
		       sendq_record(t, c, p->seq, p->len + 1) == p->len ||
		       ends_syn_text(t, c, p->seq + p->len) ||
		       (t->set.as_linux && p->len > p->mss)))
		p->flags |= TCP_PSH;
	return true;
}

/* Octets that the peer's window still takes. */
static uint32_t wnd_room(const struct conn *c)
{
	/* the SYN, unacknowledged before text of a Fast Open, needs no room */
	uint32_t from = c->snd_una + conn_syn_out(c);
	int32_t room = seq_diff(from + c->snd_wnd, c->snd_nxt);

	return room > 0 ? (uint32_t)room : 0;
}

/* Nagle's rule, in Minshall's form: one small segment in flight at most. */
static bool nagle_holds(const struct conn *c)
{
	if (c->fin_queued || c->push_small || c->urg_out)
		return false;
	if (c->cork || c->more)
		return true;
	return !c->nodelay && seq_gt(c->snd_sml, c->snd_una);
}

/* No buffer is as small: who never opens his window further wants a packet
 * for each octet, and has to wait for the override timer. */
#define WINDOW_TINY 64u

/*
 * RFC 9293, 3.8.6.2.1: of |len| octets that the windows allow, those that make
 * sense to send; |rest| is what is queued; |last|: nothing is behind that.
 */
static uint32_t sensible(const struct conn *c, uint32_t len, uint32_t rest,
			 uint32_t mss, bool last)
{
	uint32_t tail = len % mss;

	if (tail == 0)
		return len;
	if (len == rest && !(last && nagle_holds(c)))
		return len;
	if (len >= mss)
		return len - tail;
	if (len < rest && /* cut by a window: the (D, U) rule */
	    (len >= max_u32(c->max_snd_wnd / 2, WINDOW_TINY) ||
	     c->push_small) &&
	    len == wnd_room(c))
		return len;
	return 0;
}

static bool sends_text(const struct conn *c)
{
	/* 3.10.4: a FIN waits for the SYN's ACK too, but that of a Fast Open
	 * (RFC 7413, 4.2.2), behind its SYN-ACK */
	if (conn_syn_out(c) && (!c->fo_from || c->snd_nxt == c->iss))
		return false;
	switch ((enum tcpd_state)c->state) {
	case TCPD_SYN_RECEIVED: /* the line above has let it pass */
	case TCPD_ESTABLISHED:
	case TCPD_CLOSE_WAIT:
	case TCPD_FIN_WAIT_1:
	case TCPD_CLOSING:
	case TCPD_LAST_ACK:
		return true;
	case TCPD_CLOSED:
	case TCPD_LISTEN:
	case TCPD_SYN_SENT:
	case TCPD_FIN_WAIT_2:
	case TCPD_TIME_WAIT:
		break;
	}
	return false;
}

/*
 * A segment of |len| octets, to see whether the path takes it (RFC 4821, 7.4).
 * Where cwnd has no room for it yet it waits, or it would never find any among
 * smaller ones.
 */
static bool plan_mtu(struct tcp *t, struct conn *c, struct plan *p,
		     uint32_t len, bool *wait)
{
	struct tcpd_slice s[TCPD_SLICES_MAX];
	uint32_t had = len;

	*wait = cwnd_room(t, c) < len && conn_flight(c) != 0;
	sendq_slices(t, c, c->snd_nxt, &len, s, TCPD_SLICES_MAX);
	if (len < had || cwnd_room(t, c) < len || !xmit_room(t))
		return false;
	if (!paced(t, c, len, len)) {
		*wait = true;
		return false;
	}
	*p = plan_for(t, c, PLAN_MTU);
	p->len = p->mss = len;
	ecn_plan(c, p);
	return !p->nsacks; /* it would be larger than it should */
}

static bool plan_data(struct tcp *t, struct conn *c, struct plan *p)
{
	uint32_t rest = conn_unsent(c);
	uint32_t record = sendq_record(t, c, c->snd_nxt, rest);
	bool fin = c->fin_queued && !c->fin_sent;
	uint32_t wnd = wnd_room(c);
	uint32_t cwnd = cwnd_room(t, c);
	uint32_t probe = c->pmtu ? pmtu_probe_len(t, c) : 0;
	bool wait = false;
	uint32_t len;

	if ((!rest && !fin) || (t->held && !c->tlp_due))
		return false;
	if (probe && (plan_mtu(t, c, p, probe, &wait) || wait))
		return !wait;
	*p = output_text_plan(t, c, PLAN_DATA);
	len = min_u32(record, wnd);
	if (c->tlp_due)
		cwnd = max_u32(cwnd, p->mss);
	if (c->recovery == REC_RTO)
		cwnd = max_u32(cwnd, flow_of(t, c)->frto_room);
	if (len > cwnd) /* whole segments only: cwnd is no silly window */
		len = cwnd / p->mss * p->mss;
	if (t->set.as_linux) {
		len = sensible(c, len, record, p->mss, record == rest);
		p->burst_end = burst_end(c, len, p->mss, t->set.burst_segments);
		len = min_u32(len, p->burst_end - p->seq);
	}
	len = min_u32(len, packet_max(t, c, p->mss));
	len = sensible(c, len, record, p->mss, record == rest);
	if (len && !c->tlp_due)
		len = paced(t, c, len, p->mss);
	if (t->held)
		return false;
	len = sliceable(t, c, c->snd_nxt, len, p->mss);
	p->len = len;
	if (t->set.as_linux && len && p->seq + len == p->burst_end &&
	    (len > p->mss || burst_goes_on(c)))
		p->flags |= TCP_PSH;
	/* inside the window; alone also into a closed one, as a probe */
	fin = fin && len == rest &&
	      (wnd > len || (len == 0 && conn_flight(c) == 0));
	if (fin)
		p->flags |= TCP_FIN;
	ecn_plan(c, p);
	if (len && len == record && /* MUST-61 */
	    !(t->set.as_linux && c->unpushed && record == rest))
		p->flags |= TCP_PSH;
	return (len || fin) && xmit_room(t);
}

static bool plan_probe(const struct tcp *t, const struct conn *c,
		       struct plan *p)
{
	if (!c->probe_due)
		return false;
	*p = plan_for(t, c, PLAN_PROBE);
	p->seq = c->snd_una; /* the same octet until it is taken */
	p->len = c->sq.end != c->snd_una;
	if (!p->len && c->fin_queued)
		p->flags |= TCP_FIN;
	return true;
}

static bool plan_keep(const struct tcp *t, const struct conn *c, struct plan *p)
{
	if (!c->keep_due)
		return false;
	*p = plan_for(t, c, PLAN_KEEP);
	p->seq = c->snd_nxt - 1;
	return true;
}

static bool plan_ack(const struct tcp *t, const struct conn *c, struct plan *p)
{
	if (!c->ack_due && !c->acks_owed)
		return false;
	*p = plan_for(t, c, PLAN_ACK);
	return true;
}

/* RFC 5681, 4.1: nothing was sent for an RTO, so the window is stale. */
void output_restart(struct tcp *t, struct conn *c)
{
	tcpd_time idle = t->now - c->last_snd;

	if (!c->flow || conn_flight(c) || idle <= c->rto)
		return;
	cc_ops_of(c->cc)->restart(&c->ccs, flow_of(t, c)->cc,
				  conn_initial_window(c->mss), idle, t->now);
}

/* The user time-out before text, in a segment of its own: beside it there may
 * be no room. */
static void plan_uto(const struct tcp *t, const struct conn *c, struct plan *p)
{
	struct plan ack = plan_for(t, c, PLAN_ACK);

	if (ack.uto)
		*p = ack;
}

/* New text, or old; the window as it will be once this has left. */
static bool plan_text(struct tcp *t, struct conn *c, struct plan *p)
{
	bool found = plan_rexmt(t, c, p) || plan_probe(t, c, p) ||
		     plan_data(t, c, p) || tlp_plan(t, c, p);
	if (found && c->uto_due)
		plan_uto(t, c, p);
	return found;
}

static bool plan_conn(struct tcp *t, struct conn *c, struct plan *p)
{
	if (c->syn_due)
		return plan_syn(t, c, p);
	/* what has arrived gets its own ACK: none with text would be taken for
	 * a duplicate (RFC 5681, 2), and one that is cut in many would tell of
	 * a duplicate as often (RFC 2883, 4) */
	if (sack_pending(t, c) && plan_ack(t, c, p))
		return true;
	if (sends_text(c)) {
		if (plan_text(t, c, p))
			return true;
		if (!t->held)
			persist_update(t, c);
		chrono_look(t, c);
	}
	return (conn_synchronized(c) && plan_keep(t, c, p)) ||
	       plan_ack(t, c, p);
}

static bool stale_reply(const struct tcp *t, const struct reply *r)
{
	return r->kind == REPLY_SYNACK && (!slab_used(&t->halves, r->half) ||
					   half_at(t, r->half)->id != r->id);
}

static bool next_reply(struct tcp *t, struct plan *p)
{
	while (t->nreplies) {
		const struct reply *r = &t->replies[t->reply_head];

		if (!stale_reply(t, r)) {
			*p = (struct plan){.kind = PLAN_REPLY, .reply = *r};
			return true;
		}
		t->reply_head = (t->reply_head + 1) % NREPLIES;
		t->nreplies--;
	}
	return false;
}

/* It is the app that is slow, not the path (rate.h). */
static void note_idle(const struct tcp *t, const struct conn *c)
{
	if (c->flow && !conn_unsent(c) && !c->lost_root && cwnd_room(t, c))
		rate_idle(&flow_of(t, c)->rate, conn_pipe(c));
}

static bool next_of_conn(struct tcp *t, struct plan *p)
{
	uint32_t ref;

	while ((ref = t->acks.head) != 0) {
		struct conn *c = conn_at(t, REF_SLOT(ref));

		if (plan_ack(t, c, p))
			return true;
		rlist_pop(t, &t->acks, LINK_OUT);
		c->on_list = ON_NONE;
	}
	while ((ref = t->sends.head) != 0) {
		struct conn *c = conn_at(t, REF_SLOT(ref));

		t->held = false;
		if (plan_conn(t, c, p))
			return true;
		note_idle(t, c);
		rlist_pop(t, &t->sends, LINK_OUT);
		c->on_list = ON_NONE;
		if (t->held)
			pace_wait(t, c);
	}
	p->kind = PLAN_NONE; /* not one that was thought of and given up */
	return false;
}

bool output_next(struct tcp *t, struct plan *p)
{
	if (t->reply_run >= REPLY_RUN && next_of_conn(t, p))
		return true;
	return next_reply(t, p) || next_of_conn(t, p);
}
