/* SPDX-License-Identifier: MIT */
/*
 * run.c - what the caller's loop asks for: packets out, time, events, traces,
 * counters.
 */
#include <string.h>

#include "stack/stack.h"

bool tcpd_output(struct tcpd_stack *st, struct tcpd_out *out, tcpd_time now)
{
	struct tcp *t = &st->t;

	stack_enter(st, now);
	recvq_settle(t);
	if (!output_next(t, &t->plan))
		return false;
	if (t->plan.kind == PLAN_REPLY)
		emit_reply(t, out, &t->plan);
	else
		emit_segment(t, out, &t->plan);
	t->stat.packets_out++;
	t->stat.packets_octets_out += out->len;
	return true;
}

void tcpd_output_done(struct tcpd_stack *st, const struct tcpd_out *out,
		      int error, tcpd_time now)
{
	struct tcp *t = &st->t;

	if (t->plan.kind == PLAN_NONE)
		return;
	if (now > t->now)
		t->now = now;
	if (!error) {
		output_commit(t);
		return;
	}
	t->stat.packets_out--;
	t->stat.packets_octets_out -= out->len;
	output_failed(t);
}

tcpd_time tcpd_expiry(const struct tcpd_stack *st)
{
	return min_u64(tcp_expiry(&st->t), frag_expiry(st));
}

void tcpd_expire(struct tcpd_stack *st, tcpd_time now)
{
	stack_enter(st, now);
	tcp_expire(&st->t);
	frag_expire(st);
}

bool tcpd_next_event(struct tcpd_stack *st, struct tcpd_event *ev)
{
	struct tcp *t = &st->t;
	uint32_t ref;
	struct conn *c;

	stack_enter(st, 0);
	ref = rlist_pop(t, &t->events, LINK_EVENT);
	if (!ref)
		return false;
	*ev = (struct tcpd_event){.h = stack_handle(t, ref)};
	if (REF_KIND(ref) == REF_LISTENER) {
		struct listener *l = listener_at(t, REF_SLOT(ref));

		ev->user = l->user;
		ev->mask = l->ev_mask;
		if (ev->mask & TCPD_EV_RESET) /* its address has gone */
			ev->err = TCPD_ERR_NOT_OURS;
		l->ev_mask = 0;
		return true;
	}
	c = conn_at(t, REF_SLOT(ref));
	ev->user = c->user;
	ev->mask = c->ev_mask;
	ev->err = c->err;
	c->ev_mask = 0;
	if (!ev->err && ev->mask & TCPD_EV_SOFT)
		ev->err = c->soft_err;
	if (ev->mask & TCPD_EV_GONE)
		conn_free(t, c);
	return true;
}

static struct tcpd_addr addr_of(const uint8_t ip[16], uint16_t port)
{
	struct tcpd_addr a = {.port = port,
			      .family = ip_is_any(ip) ? 0
					: ip_is4(ip)  ? 4
						      : 6};

	memcpy(a.ip, ip, sizeof(a.ip));
	return a;
}

static const char *event_of(const struct trace_entry *e)
{
	switch ((enum tcpd_trace_kind)e->kind) {
	case TCPD_TRACE_STATE:
		break;
	case TCPD_TRACE_RST_SENT:
	case TCPD_TRACE_RST_RECEIVED:
		return tcpd_reset_name((enum tcpd_reset)e->cause);
	case TCPD_TRACE_RST_IGNORED:
		return tcpd_drop_name((enum tcpd_drop)e->cause);
	}
	return fsm_event_name((enum fsm_event)e->event);
}

bool tcpd_next_trace(struct tcpd_stack *st, struct tcpd_trace *tr,
		     uint64_t *lost)
{
	struct tcp *t = &st->t;
	uint64_t waiting;
	const struct trace_entry *e;

	if (t->trace_in == t->trace_out)
		rst_tell_left_out(t);
	waiting = t->trace_in - t->trace_out;
	*lost = waiting > NTRACES ? waiting - NTRACES : 0;
	t->trace_out += *lost;
	if (waiting == 0)
		return false;
	e = &t->traces[t->trace_out++ % NTRACES];
	*tr = (struct tcpd_trace){.at = e->at,
				  .id = e->id,
				  .local = addr_of(e->tu.local, e->tu.lport),
				  .peer = addr_of(e->tu.peer, e->tu.pport),
				  .from = (enum tcpd_state)e->from,
				  .to = (enum tcpd_state)e->to,
				  .event = event_of(e),
				  .kind = (enum tcpd_trace_kind)e->kind,
				  .left_out = e->left_out};
	return true;
}

bool tcpd_arrow(const struct tcpd_stack *st, unsigned i, struct tcpd_arrow *a)
{
	if (i >= fsm_nedges)
		return false;
	*a = (struct tcpd_arrow){
		.from = (enum tcpd_state)fsm_edges[i].from,
		.to = (enum tcpd_state)fsm_edges[i].to,
		.event = fsm_event_name((enum fsm_event)fsm_edges[i].event),
		.where = fsm_edges[i].where,
		.taken = st->t.taken[i]};
	return true;
}

const struct tcpd_stats *tcpd_stats(struct tcpd_stack *st)
{
	struct tcp *t = &st->t;

	t->stat.now_connections = t->conns.count;
	t->stat.now_half_open = t->halves.count;
	t->stat.now_time_wait = t->tws.count;
	t->stat.now_listeners = t->listeners.count;
	t->stat.now_blocks = t->pool.nused;
	t->stat.now_send_blocks = t->send_mem;
	t->stat.now_records = t->xmits.count;
	t->stat.now_orphans = t->norphans;
	t->stat.now_fragmented = st->frags.slab.count;
	t->stat.now_fragment_blocks = st->frags.mem;
	t->stat.now_timers = t->wheel.count + t->tw_wheel.count;
	return &t->stat;
}
