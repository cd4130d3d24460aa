/* SPDX-License-Identifier: MIT */
/*
 * status.c - what one connection, listener or small entry is like, for people
 * and for getsockopt.
 */
#include <string.h>

#include "stack/stack.h"
#include "tcp/pace.h"
#include "tcp/synq.h"
#include "tcp/timewait.h"

static const char *const timer_names[] = {
	[TCPD_TIMER_NONE] = "none",
	[TCPD_TIMER_SYNACK] = "synack",
	[TCPD_TIMER_REXMT] = "rexmt",
	[TCPD_TIMER_PERSIST] = "persist",
	[TCPD_TIMER_TLP] = "tlp",
	[TCPD_TIMER_REORDER] = "reorder",
	[TCPD_TIMER_DELACK] = "delack",
	[TCPD_TIMER_KEEPALIVE] = "keepalive",
	[TCPD_TIMER_FINWAIT2] = "finwait2",
	[TCPD_TIMER_TIMEWAIT] = "timewait",
};

const char *tcpd_timer_name(enum tcpd_timer timer)
{
	return (unsigned)timer < ARRAY_SIZE(timer_names) ? timer_names[timer]
							 : "?";
}

static const char *const pmtu_names[] = {
	[TCPD_PMTU_DEVICE] = "device",
	[TCPD_PMTU_ICMP] = "icmp",
	[TCPD_PMTU_PROBING] = "probing",
};

const char *tcpd_pmtu_name(enum tcpd_pmtu how)
{
	return (unsigned)how < ARRAY_SIZE(pmtu_names) ? pmtu_names[how] : "?";
}

static void set_addr(struct tcpd_addr *a, const uint8_t ip[16], uint16_t port)
{
	memcpy(a->ip, ip, 16);
	a->port = port;
	a->family = ip_is4(ip) ? 4 : 6;
}

static void set_tuple(struct tcpd_status *s, const struct tuple *tu)
{
	set_addr(&s->local, tu->local, tu->lport);
	set_addr(&s->peer, tu->peer, tu->pport);
}

/* The timer that ends or repeats something next; a delayed ACK only when it
 * is the only one. */
static void conn_timer(struct tcpd_status *s, const struct conn *c,
		       tcpd_time now)
{
	static const enum tcpd_timer shown[CT_NTIMERS] = {
		[CT_TLP] = TCPD_TIMER_TLP,
		[CT_REXMT] = TCPD_TIMER_REXMT,
		[CT_REORDER] = TCPD_TIMER_REORDER,
		[CT_PERSIST] = TCPD_TIMER_PERSIST,
		[CT_DELACK] = TCPD_TIMER_DELACK,
		[CT_KEEPALIVE] = TCPD_TIMER_KEEPALIVE,
		[CT_ORPHAN] = TCPD_TIMER_FINWAIT2,
		[CT_USER] = TCPD_TIMER_REXMT,
		[CT_LINGER] = TCPD_TIMER_REXMT,
	};
	tcpd_time next = TCPD_NEVER;

	for (unsigned i = 0; i < CT_NTIMERS; i++) {
		if (!c->timer[i] || i == CT_DELACK || c->timer[i] >= next)
			continue;
		next = c->timer[i];
		s->timer = shown[i];
		if (i == CT_ORPHAN && c->state != TCPD_FIN_WAIT_2)
			s->timer = TCPD_TIMER_PERSIST;
	}
	if (next == TCPD_NEVER && c->timer[CT_DELACK]) {
		next = c->timer[CT_DELACK];
		s->timer = TCPD_TIMER_DELACK;
	}
	if (next != TCPD_NEVER)
		s->timer_left = sub_sat(next, now);
}

static uint32_t delivered(const struct conn *c)
{
	uint64_t text = c->octets_acked - c->syn_took;
	uint32_t mss = max_u32(c->mss, 1);

	return conn_syn_out(c) ? 0 : 1 + (uint32_t)((text + mss - 1) / mss);
}

static void conn_numbers(const struct tcp *t, const struct conn *c,
			 struct tcpd_status *s, tcpd_time now)
{
	s->srtt = c->srtt;
	s->rttvar = c->rttvar;
	s->rto = rtt_rto(t, c);
	s->min_rtt = c->min_rtt;
	s->cwnd = c->ccs.cwnd;
	s->ssthresh = c->ccs.ssthresh;
	s->pacing_rate = pace_rate(t, c);
	s->max_pacing_rate = c->max_pacing;
	s->in_flight = conn_pipe(c);
	s->unsent = conn_unsent(c);
	s->mss = c->mss;
	s->pmtu = pmtu_now(t, c);
	s->pmtu_how = pmtu_how(t, c);
	s->advmss = c->advmss;
	s->snd_una = c->snd_una;
	s->snd_nxt = c->snd_nxt;
	s->snd_wnd = c->snd_wnd;
	s->max_snd_wnd = c->max_snd_wnd;
	s->iss = c->iss;
	s->rcv_nxt = c->rcv_nxt;
	s->rcv_wnd =
		seq_gt(c->rcv_adv, c->rcv_nxt) ? c->rcv_adv - c->rcv_nxt : 0;
	s->irs = c->irs;
	s->rcv_ooo = c->rq.ooo;
	s->urgent = urgent_unread(c);
	s->snd_wscale = c->snd_wscale;
	s->rcv_wscale = c->rcv_wscale;
	s->ts = c->ts;
	s->wscale = c->wscale;
	s->sack = c->sack;
	s->ecn = c->ecn;
	s->ecn_marks = c->ecn && !c->ect_off;
	s->ecn_seen = c->ect_in;
	s->nodelay = c->nodelay;
	s->cork = c->cork;
	s->keepalive = c->keepalive;
	s->backoff = c->backoff;
	s->probes = (uint8_t)max_u32(c->nprobes, c->nkeep);
	s->dupacks = c->dupacks;
	s->rexmits = c->nrexmt;
	s->lost = c->lost;
	s->resent = c->resent;
	if (c->flow) {
		s->sacked = flow_of(t, c)->nsacked;
		s->reordering = flow_of(t, c)->reorder_by;
		s->reordering_seen = flow_of(t, c)->reorder_seen;
	}
	s->rcv_mss = c->rcv_mss;
	s->tos = c->tos;
	s->ttl = c->ttl ? c->ttl : TTL_DEFAULT;
	s->rcv_tos = c->rcv_tos;
	s->syn_data = c->fo_took;
	s->delivered = delivered(c);
	s->in_recovery = c->recovery == REC_FAST;
	s->after_rto = c->recovery == REC_RTO;
	s->in_cwr = c->recovery == REC_CWR;
	s->congestion = tcpd_congestion_name((enum tcpd_congestion)c->cc);
	s->octets_acked = c->octets_acked;
	s->octets_received = c->octets_received;
	s->octets_sent = c->octets_sent;
	s->octets_retrans = c->octets_retrans;
	s->segs_in = c->segs_in;
	s->segs_out = c->segs_out;
	s->data_segs_in = c->data_segs_in;
	s->data_segs_out = c->data_segs_out;
	s->retransmits = c->retransmits;
	s->rcv_buffer = c->rcv_buf;
	s->snd_buffer = sendq_limit(t, c);
	if (c->inflow) {
		s->rcv_rtt = inflow_of(t, c)->rtt;
		s->rcv_space = inflow_of(t, c)->prev;
	}
	s->limited_by_window = chrono_spent(t, c, CHRONO_WINDOW, now);
	s->limited_by_buffer = chrono_spent(t, c, CHRONO_BUFFER, now);
	s->busy = chrono_spent(t, c, CHRONO_BUSY, now) + s->limited_by_window +
		  s->limited_by_buffer;
	s->born = c->born;
	s->last_snd = c->last_snd;
	s->last_rcv = c->last_rcv;
	s->last_ack = c->last_ack;
}

static tcpd_time tw_left(const struct timewait *w, tcpd_time now)
{
	uint32_t ticks = w->node.tick - (uint32_t)(now / TCPD_MS(1));

	if (ticks > INT32_MAX) /* it is due */
		return 0;
	return sub_sat(TCPD_MS(ticks), now % TCPD_MS(1));
}

static void conn_status(const struct tcp *t, const struct conn *c,
			struct tcpd_status *s, tcpd_time now)
{
	uint32_t tw = timewait_of(t, c);

	memset(s, 0, sizeof(*s));
	s->id = c->id;
	s->h = c->held ? stack_handle(t, conn_ref(t, c)) : 0;
	s->user = c->user;
	s->kind = TCPD_KIND_CONN;
	s->state = (enum tcpd_state)c->state;
	set_tuple(s, &c->tu);
	if (c->any_local)
		s->local.family = c->family;
	if (c->tu.pport == 0)
		s->peer.family = 0;
	s->recv_q = conn_readable(c);
	s->send_q = conn_queued(c);
	s->retries = max_u32(max_u32(c->nrexmt, c->nprobes), c->nkeep);
	s->err = c->err;
	s->soft_err = c->soft_err;
	s->closed = c->orphan;
	conn_timer(s, c, now);
	conn_numbers(t, c, s, now);
	if (tw != HTAB_NONE) { /* the one row of both */
		s->state = TCPD_TIME_WAIT;
		s->timer = TCPD_TIMER_TIMEWAIT;
		s->timer_left = tw_left(timewait_at(t, tw), now);
	}
}

static void listener_status(const struct tcp *t, uint32_t slot,
			    struct tcpd_status *s)
{
	const struct listener *l = listener_at(t, slot);

	memset(s, 0, sizeof(*s));
	s->id = l->id;
	s->h = stack_handle(t, REF(REF_LISTENER, slot));
	s->user = l->user;
	s->kind = TCPD_KIND_LISTENER;
	s->state = TCPD_LISTEN;
	set_addr(&s->local, l->ip, l->port);
	if (l->any)
		s->local.family = l->family;
	s->recv_q = l->nqueued;
	s->send_q = l->set.backlog;
	s->congestion =
		tcpd_congestion_name((enum tcpd_congestion)l->set.congestion);
}

static void half_status(const struct tcp *t, const struct half *h,
			struct tcpd_status *s, tcpd_time now)
{
	memset(s, 0, sizeof(*s));
	s->id = h->id;
	s->user = listener_at(t, h->listener)->user;
	s->kind = TCPD_KIND_HALF_OPEN;
	s->state = TCPD_SYN_RECEIVED;
	set_tuple(s, &h->tu);
	s->timer = TCPD_TIMER_SYNACK;
	s->timer_left = sub_sat(h->due, now);
	s->retries = h->nsent - 1u;
}

static void tw_status(const struct tcp *t, const struct timewait *w,
		      struct tcpd_status *s, tcpd_time now)
{
	memset(s, 0, sizeof(*s));
	s->id = timewait_id(t, w);
	s->kind = TCPD_KIND_TIME_WAIT;
	s->state = TCPD_TIME_WAIT;
	set_tuple(s, &w->tu);
	s->timer = TCPD_TIMER_TIMEWAIT;
	s->timer_left = tw_left(w, now);
}

int tcpd_status(const struct tcpd_stack *st, tcpd_handle h,
		struct tcpd_status *s, tcpd_time now)
{
	const struct tcp *t = &st->t;
	const struct conn *c = stack_conn(st, h);
	const struct listener *l = stack_listener(st, h);

	if (c)
		conn_status(t, c, s, now);
	else if (l)
		listener_status(t, slab_slot(&t->listeners, l), s);
	else
		return -TCPD_ERR_HANDLE;
	return 0;
}

void status_of(const struct tcp *t, uint32_t kind, uint32_t slot,
	       struct tcpd_status *s, tcpd_time now)
{
	if (kind == TCPD_KIND_CONN)
		conn_status(t, conn_at(t, slot), s, now);
	else if (kind == TCPD_KIND_LISTENER)
		listener_status(t, slot, s);
	else if (kind == TCPD_KIND_HALF_OPEN)
		half_status(t, half_at(t, slot), s, now);
	else
		tw_status(t, timewait_at(t, slot), s, now);
}

/* --- urgent data */

int64_t tcpd_urgent(const struct tcpd_stack *st, tcpd_handle h)
{
	const struct conn *c = stack_conn(st, h);

	return c ? (int64_t)urgent_unread(c) : -TCPD_ERR_HANDLE;
}

int tcpd_send_urgent(struct tcpd_stack *st, tcpd_handle h, tcpd_time now)
{
	struct conn *c;

	stack_enter(st, now);
	c = stack_conn(st, h);
	return c ? urgent_mark(&st->t, c) : -TCPD_ERR_HANDLE;
}
