/* SPDX-License-Identifier: MIT */
/*
 * commit.c - what becomes of a packet that output.c planned: the caller has
 * sent it (commit), or could not (failed).  Only here does anything change.
 */
#include <assert.h>

#include "news.h"
#include "pace.h"
#include "synq.h"

static void commit_reply(struct tcp *t, const struct reply *r)
{
	uint32_t done = r->done + emit_piece(t, r);

	t->stat.fragments_out += r->split && (r->done || done < r->len);
	if (r->split && done < r->len) {
		t->replies[t->reply_head].done = done;
		t->reply_run += t->reply_run < REPLY_RUN;
		return;
	}
	t->nsplit -= r->split;
	t->reply_head = (t->reply_head + 1) % NREPLIES;
	t->nreplies--;
	t->reply_run += t->reply_run < REPLY_RUN;
	if (r->kind == REPLY_SYNACK)
		half_at(t, r->half)->queued = false;
	else if (r->kind == REPLY_ICMP)
		pool_give(&t->pool, r->block);
	else if (r->kind == REPLY_COOKIE)
		t->stat.cookies_sent++;
	if (r->kind != REPLY_ICMP)
		t->stat.segments_out++;
	if (r->kind == REPLY_SEGMENT && (r->flags & TCP_RST))
		rst_left(t, r);
	else if (r->kind == REPLY_SEGMENT)
		t->stat.segments_acks_out++;
}

/* |x| leaves, with |in_flight| octets out already. */
static void snapshot(const struct tcp *t, struct conn *c, struct xmit *x,
		     uint32_t in_flight)
{
	const struct cc_ops *ops = cc_ops_of(c->cc);
	struct flow *f = flow_of(t, c);

	if (in_flight == 0 && ops->sending)
		ops->sending(&c->ccs, f->cc, f->rate.app_limited != 0, t->now);
	rate_sent(&f->rate, x, in_flight, t->now);
}

static void remember(struct tcp *t, struct conn *c, uint32_t end, uint32_t mss)
{
	uint32_t in_flight = conn_pipe(c);
	uint32_t slot = xmit_add(t, c, c->snd_nxt, end);
	struct xmit *x;

	assert(slot != SLAB_NONE);
	x = xmit_at(t, slot);
	if (end != c->iss + 1)
		conn_flow(t, c);
	if (c->flow)
		snapshot(t, c, x, in_flight);
	x->sent_at = t->now;
	x->mss = (uint16_t)min_u32(mss, UINT16_MAX);
	x->nsent = 1;
}

void commit_sent_again(struct tcp *t, struct conn *c, struct xmit *x)
{
	uint32_t in_flight = conn_pipe(c);

	if (!xmit_waits(x))
		in_flight -= min_u32(in_flight, x->end - x->seq);
	score_resent(t, c, x);
	snapshot(t, c, x, in_flight);
	x->flags |= XMIT_EVER | XMIT_CWND_LIMITED;
	if (x->nsent < UINT8_MAX)
		x->nsent++;
}

/* Of a recovery, new text too. */
static void count_prr(const struct tcp *t, const struct conn *c, uint32_t len)
{
	if (c->recovery == REC_FAST || c->recovery == REC_CWR)
		prr_sent(flow_of(t, c), len);
}

/* Less is unsent than before. */
static void wake_app(struct tcp *t, struct conn *c)
{
	if (c->want_unsent && conn_unsent(c) <= c->unsent_low) {
		c->want_unsent = false;
		conn_event(t, c, TCPD_EV_WRITABLE);
	}
	if (c->lowat)
		sendq_wake(t, c);
}

/* A lost SYN is rarely congestion: the wait doubles only after these. */
#define SYNS_LINEAR 4

/* Text on a SYN has a record of its own: the peer may take the SYN alone. */
static void syn_text_sent(struct tcp *t, struct conn *c, const struct plan *p)
{
	remember(t, c, p->seq + 1 + p->len, p->mss);
	c->snd_nxt += p->len;
	c->syn_text = true;
	c->syn_sent = (uint16_t)p->len;
	c->octets_sent += p->len;
	t->stat.octets_sent += p->len;
	wake_app(t, c);
}

static void commit_syn(struct tcp *t, struct conn *c, const struct plan *p)
{
	c->syn_due = false;
	if (c->snd_nxt == c->iss) {
		remember(t, c, c->iss + 1, c->mss);
		c->snd_nxt = c->iss + 1;
		if (p->len)
			syn_text_sent(t, c, p);
		if (c->fo_from)
			delack_sent(t, c, p->wnd);
		wake_app(t, c);
	} else if (c->xmit_first) {
		xmit_at(t, c->xmit_first - 1)->flags |= XMIT_EVER;
	}
	if (c->rexmt_force) { /* by the timer, not by the peer's SYN */
		ecn_syn_again(t, c);
		c->rexmt_force = false;
		if (c->nrexmt < UINT8_MAX)
			c->nrexmt++;
		if (c->backoff < UINT8_MAX &&
		    (!t->set.as_linux || c->nrexmt > SYNS_LINEAR))
			c->backoff++;
		c->retransmits++;
		t->stat.segments_retransmitted++;
		rexmt_disarm(c);
	}
	/* or it runs on (RFC 6298, 5.1): a peer that repeats its SYN for ever
	 * must not hold off R2 */
	rexmt_sent(t, c);
}

/*
 * Is the window in use: at least half of it in slow start, else all but a
 * segment?  Then all that is out has used it, also what left when it was not
 * so full yet.
 */
static void mark_use(struct tcp *t, struct conn *c)
{
	bool half = c->ccs.cwnd < c->ccs.ssthresh &&
		    conn_pipe(c) >= c->ccs.cwnd / 2;
	uint32_t link = c->xmit_last;

	if (!half && conn_pipe(c) + c->mss < c->ccs.cwnd)
		return;
	while (link) {
		struct xmit *x = xmit_at(t, link - 1);

		if (x->flags & XMIT_CWND_LIMITED)
			break; /* and all before it */
		x->flags |= XMIT_CWND_LIMITED;
		link = x->prev;
	}
}

static void commit_data(struct tcp *t, struct conn *c, const struct plan *p)
{
	bool fin = (p->flags & TCP_FIN) != 0;
	uint32_t end = p->seq + p->len + fin;

	remember(t, c, end, p->mss);
	c->snd_nxt = end;
	c->burst_end = p->kind == PLAN_DATA ? p->burst_end : end;
	c->fin_sent |= fin;
	if (p->kind == PLAN_MTU)
		pmtu_probe_sent(t, c, p->seq);
	else if (p->len % p->mss)
		c->snd_sml = p->seq + p->len;
	c->push_small = false;
	ecn_sent(t, c, p);
	c->octets_sent += p->len;
	t->stat.octets_sent += p->len;
	count_prr(t, c, end - p->seq);
	flow_of(t, c)->frto_room -=
		min_u32(flow_of(t, c)->frto_room, end - p->seq);
	mark_use(t, c);
	wake_app(t, c);
	rexmt_sent(t, c);
	tlp_sent_new(t, c);
}

static void commit_rexmt(struct tcp *t, struct conn *c, const struct plan *p)
{
	struct xmit *x = xmit_at(t, p->xmit);
	uint32_t end = p->seq + p->len + ((p->flags & TCP_FIN) != 0);
	uint32_t n = (p->len + p->mss - 1) / p->mss;

	if (x->end != end)
		xmit_split(t, c, p->xmit, end);
	commit_sent_again(t, c, x);
	undo_resent(t, c, x);
	count_prr(t, c, x->end - x->seq);
	pmtu_probe_end(c);
	if (c->rexmt_force && c->recovery == REC_RTO && p->seq == c->snd_una) {
		if (c->nrexmt < UINT8_MAX)
			c->nrexmt++;
		if (c->backoff < UINT8_MAX)
			c->backoff++;
	}
	/* a whole RTO from this transmission on (RFC 6298, 5) */
	if (p->seq == c->snd_una)
		rexmt_disarm(c);
	c->rexmt_force = false;
	c->retransmits += max_u32(n, 1);
	c->octets_retrans += p->len;
	t->stat.segments_retransmitted += max_u32(n, 1);
	rexmt_sent(t, c);
}

/*
 * A probe's octet is in flight from now on, for the peer may take it; but the
 * persist timer sends it again, not RFC 6298's, and no RTT comes of it.
 */
static void commit_probe(struct tcp *t, struct conn *c, const struct plan *p)
{
	bool fin = (p->flags & TCP_FIN) != 0;

	c->probe_due = false;
	c->last_snd = t->now;
	if (c->nprobes < UINT8_MAX)
		c->nprobes++;
	t->stat.timeouts_persist++;
	if (conn_flight(c) == 0 && (p->len || fin) && xmit_room(t)) {
		remember(t, c, p->seq + p->len + fin, c->mss);
		xmit_at(t, c->xmit_last - 1)->flags |= XMIT_EVER;
		c->snd_nxt = p->seq + p->len + fin;
		c->fin_sent |= fin;
		wake_app(t, c);
	}
	if (!c->stalled_at)
		c->stalled_at = t->now;
	if (c->user_timeout && !c->faulty)
		conn_arm(t, c, CT_USER, c->stalled_at + c->user_timeout);
	persist_update(t, c);
}

/* As Linux: a request that is itself the handshake's last ACK. */
static bool rides_on_ack(const struct tcp *t, const struct conn *c,
			 const struct plan *p)
{
	return t->set.as_linux && p->kind == PLAN_DATA && c->active &&
	       (c->ack_due || c->acks_owed) && c->last_ack_sent == c->irs + 1 &&
	       c->rcv_nxt == c->irs + 1;
}

static void commit_conn(struct tcp *t, struct conn *c, const struct plan *p)
{
	uint32_t n = p->len > p->mss ? (p->len + p->mss - 1) / p->mss : 1;
	uint32_t ref = conn_ref(t, c);

	t->reply_run = 0;
	c->segs_out += n;
	t->stat.segments_out += n;
	t->stat.segments_super_out += n > 1;
	if (p->len) {
		c->data_segs_out += n;
		c->last_snd = t->now;
		if (c->data_segs_in || rides_on_ack(t, c, p))
			c->quick = 0; /* a dialogue: ACKs ride on answers */
	}
	switch (p->kind) {
	case PLAN_SYN:
		commit_syn(t, c, p);
		break;
	case PLAN_DATA:
	case PLAN_MTU:
		commit_data(t, c, p);
		break;
	case PLAN_REXMT:
		commit_rexmt(t, c, p);
		break;
	case PLAN_TLP:
		tlp_commit(t, c, p);
		break;
	case PLAN_PROBE:
		commit_probe(t, c, p);
		break;
	case PLAN_KEEP:
		c->keep_due = false;
		c->nkeep++;
		t->stat.timeouts_keepalive++;
		break;
	case PLAN_ACK:
		t->stat.segments_acks_out++;
		if (p->uto)
			c->uto_due = false;
		break;
	case PLAN_NONE:
	case PLAN_REPLY:
		break;
	}
	if (p->len)
		pace_sent(t, c, p->len);
	if (p->kind != PLAN_SYN && (p->flags & TCP_ACK)) {
		sack_sent(t, c, p->nsacks);
		delack_sent(t, c, p->wnd);
	}
	/* behind the others: turns are fair */
	if (c->on_list == ON_SENDS) {
		rlist_pop(t, &t->sends, LINK_OUT);
		rlist_push(t, &t->sends, LINK_OUT, ref);
	} else if (!c->ack_due && !c->acks_owed) {
		rlist_pop(t, &t->acks, LINK_OUT);
		c->on_list = ON_NONE;
	}
}

void output_commit(struct tcp *t)
{
	const struct plan *p = &t->plan;

	if (p->kind == PLAN_REPLY)
		commit_reply(t, &p->reply);
	else if (p->kind != PLAN_NONE)
		commit_conn(t, conn_at(t, p->conn), p);
	t->plan.kind = PLAN_NONE;
}

/* It did not leave: it is offered again, behind the others that wait. */
void output_failed(struct tcp *t)
{
	const struct plan *p = &t->plan;

	t->stat.packets_unsent++;
	if (p->kind == PLAN_REPLY) {
		struct reply r = p->reply;

		t->reply_head = (t->reply_head + 1) % NREPLIES;
		t->nreplies--;
		reply_push_back(t, &r);
	} else if (p->kind != PLAN_NONE) {
		struct conn *c = conn_at(t, p->conn);
		bool sends = c->on_list == ON_SENDS;
		struct rlist *l = sends ? &t->sends : &t->acks;

		rlist_pop(t, l, LINK_OUT);
		rlist_push(t, l, LINK_OUT, conn_ref(t, c));
	}
	t->plan.kind = PLAN_NONE;
}
