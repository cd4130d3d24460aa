/* SPDX-License-Identifier: MIT */
/*
 * conn.c - the life of a TCB: its slot, its place in tables, lists and the
 * wheel, its start values, and conn_move(), the only code that assigns a
 * state.
 */
#include <assert.h>
#include <string.h>

#include "conn.h"
#include "listen.h"
#include "option.h"
#include "pace.h"
#include "port.h"
#include "timewait.h"
#include "wire/ip.h"
#include "xmit.h"

#define RCV_BUF_START (64u << 10)

struct conn *conn_new(struct tcp *t)
{
	uint32_t slot = slab_take(&t->conns);
	struct conn *c;

	if (slot == SLAB_NONE)
		return NULL;
	c = conn_at(t, slot);
	c->born = t->now;
	c->sq.head = c->sq.tail = c->sq.room = POOL_NONE;
	c->rq.head = c->rq.tail = c->rq.last = c->rq.ranges = POOL_NONE;
	c->keepidle_ms = (uint32_t)tick_of(option_default(TCPD_OPT_KEEPIDLE));
	c->keepintvl_ms = (uint32_t)tick_of(option_default(TCPD_OPT_KEEPINTVL));
	c->keepcnt = (uint8_t)option_default(TCPD_OPT_KEEPCNT);
	c->rto = t->set.rto_init;
	c->rcv_max = t->set.conn.receive_buffer;
	c->snd_max = t->set.conn.send_buffer;
	c->time_wait = t->set.conn.time_wait;
	c->cc = t->set.conn.congestion;
	return c;
}

void conn_adopt(struct conn *c, const struct tuple *tu, tcpd_id id)
{
	c->tu = *tu;
	c->id = id;
	c->state = TCPD_SYN_RECEIVED;
}

void conn_trace(struct tcp *t, tcpd_id id, const struct tuple *tu,
		enum tcpd_state from, enum fsm_event ev)
{
	const struct fsm_edge *e = fsm_find(from, ev);
	struct trace_entry *tr;

	assert(e);
	t->taken[e - fsm_edges]++;
	tr = &t->traces[t->trace_in++ % NTRACES];
	*tr = (struct trace_entry){.at = t->now,
				   .id = id,
				   .tu = *tu,
				   .from = e->from,
				   .to = e->to,
				   .event = e->event};
}

void conn_move(struct tcp *t, struct conn *c, enum fsm_event ev)
{
	enum tcpd_state from = (enum tcpd_state)c->state;
	const struct fsm_edge *e = fsm_find(from, ev);

	if (!e) {
		conn_fault(t, c);
		return;
	}
	conn_trace(t, c->id, &c->tu, from, ev);
	c->state = e->to;
	orphan_update(t, c);
}

void conn_fault(struct tcp *t, struct conn *c)
{
#ifdef TCPD_DEBUG
	assert(false && "a check of our own");
#endif
	c->faulty = true;
	conn_arm(t, c, CT_USER, t->now);
}

static bool same_conn(const void *arg, uint32_t ref, const void *key)
{
	const struct tcp *t = arg;

	return tuple_same(&conn_at(t, ref)->tu, key);
}

uint32_t conn_find(const struct tcp *t, const struct tuple *tu, uint32_t hash)
{
	return htab_find(&t->conn_tab, hash, same_conn, t, tu);
}

static void take_port(struct tcp *t, struct conn *c)
{
	struct port *p = &t->ports[c->tu.lport];

	p->nuse++;
	rlist_push(t, &p->conns, LINK_PORT, conn_ref(t, c));
}

static void give_port(struct tcp *t, struct conn *c)
{
	struct port *p = &t->ports[c->tu.lport];

	p->nuse--;
	rlist_del(t, &p->conns, LINK_PORT, conn_ref(t, c));
	port_give(t, c->tu.lport);
}

void conn_bind(struct tcp *t, struct conn *c)
{
	c->bound = true;
	t->ports[c->tu.lport].nbound++;
	take_port(t, c);
}

bool conn_hash(struct tcp *t, struct conn *c)
{
	uint32_t hash = tuple_hash(t, &c->tu);

	if (conn_find(t, &c->tu, hash) != HTAB_NONE)
		return false;
	if (!htab_add(&t->conn_tab, hash, conn_slot(t, c)))
		return false;
	c->hashed = true;
	if (!c->bound)
		take_port(t, c);
	return true;
}

void conn_unhash(struct tcp *t, struct conn *c)
{
	bool there;

	if (!c->hashed)
		return;
	there = htab_del(&t->conn_tab, tuple_hash(t, &c->tu), conn_slot(t, c));
	assert(there);
	(void)there;
	c->hashed = false;
	if (!c->bound)
		give_port(t, c);
}

/* It waits for no output any more. */
static void leave_output(struct tcp *t, struct conn *c)
{
	uint32_t ref = conn_ref(t, c);

	if (c->on_list == ON_PACED)
		pace_leave(t, c);
	else if (c->on_list)
		rlist_del(t, c->on_list == ON_ACKS ? &t->acks : &t->sends,
			  LINK_OUT, ref);
	c->on_list = ON_NONE;
}

static void leave_lists(struct tcp *t, struct conn *c)
{
	uint32_t ref = conn_ref(t, c);

	leave_output(t, c);
	if (c->ev_mask)
		rlist_del(t, &t->events, LINK_EVENT, ref);
	c->ev_mask = 0;
	if (c->listener)
		listen_unqueue(t, c);
	c->orphan = false;
	orphan_update(t, c);
}

/* Nothing is to be sent any more: queue, records and timers go. */
static void stop_sending(struct tcp *t, struct conn *c)
{
	sendq_clear(t, c);
	xmit_clear(t, c);
	memset(c->timer, 0, sizeof(c->timer));
	wheel_cancel(&t->wheel, conn_ref(t, c));
	c->syn_due = c->fin_queued = c->ack_due = c->ack_delayed = false;
	c->probe_due = c->keep_due = c->rexmt_force = false;
	c->tlp_due = c->tlp_out = false;
	c->acks_owed = 0;
	sack_forget(t, c);
	c->urg_out = false;
	c->snd_una = c->snd_nxt;
	c->mtu_probe = 0;
	c->recovery = REC_OPEN;
	if (c->flow)
		flow_of(t, c)->reorder_at = 0;
	leave_output(t, c);
}

void conn_free(struct tcp *t, struct conn *c)
{
	uint32_t tw = timewait_of(t, c);

	if (c->fo_from)
		fo_end(t, c, false);
	if (tw != HTAB_NONE)
		timewait_at(t, tw)->held = false;
	stop_sending(t, c);
	recvq_clear(t, c);
	leave_lists(t, c);
	conn_unhash(t, c);
	if (c->bound) {
		t->ports[c->tu.lport].nbound--;
		give_port(t, c);
	}
	if (c->flow)
		slab_give(&t->flows, c->flow - 1);
	grow_free(t, c);
	slab_give(&t->conns, conn_slot(t, c));
}

/* As Linux: it has ended before somebody accepted it, who is to find what its
 * peer had sent. */
static bool is_waited_for(const struct tcp *t, const struct conn *c,
			  uint32_t ev)
{
	return t->set.as_linux && c->listener && ev && conn_readable(c);
}

void conn_ended(struct tcp *t, struct conn *c, int err, uint32_t ev)
{
	if (err)
		c->err = (uint8_t)err;
	fo_failed(t, c, err);
	if (c->fo_from)
		fo_end(t, c, false);
	conn_unhash(t, c);
	stop_sending(t, c);
	if (is_waited_for(t, c, ev)) {
		c->state = TCPD_CLOSED;
		return;
	}
	if (c->listener)
		listen_unqueue(t, c);
	if (!c->held) {
		conn_free(t, c);
		return;
	}
	c->state = TCPD_CLOSED; /* figure 5's arrows have led here already */
	if (c->orphan) {
		/* GONE is delivered first; tcpd_next_event() frees the slot. */
		recvq_clear(t, c);
		conn_event(t, c, TCPD_EV_GONE);
		return;
	}
	if (ev)
		conn_event(t, c, ev);
}

void conn_event(struct tcp *t, struct conn *c, uint32_t mask)
{
	if (!c->held)
		return;
	if (!c->ev_mask)
		rlist_push(t, &t->events, LINK_EVENT, conn_ref(t, c));
	c->ev_mask |= mask;
}

void conn_soft_error(struct tcp *t, struct conn *c, int err)
{
	c->soft_err = (uint8_t)err;
	c->soft_new = !c->soft_quiet && !c->orphan;
	if (c->soft_new)
		conn_event(t, c, TCPD_EV_SOFT);
}

void conn_want_output(struct tcp *t, struct conn *c)
{
	uint32_t ref = conn_ref(t, c);

	if (c->on_list == ON_SENDS || c->state == TCPD_CLOSED)
		return;
	leave_output(t, c);
	rlist_push(t, &t->sends, LINK_OUT, ref);
	c->on_list = ON_SENDS;
}

void conn_want_ack(struct tcp *t, struct conn *c)
{
	if (c->on_list == ON_PACED) { /* an ACK does not */
		conn_want_output(t, c);
		return;
	}
	if (c->on_list || c->state == TCPD_CLOSED)
		return;
	rlist_push(t, &t->acks, LINK_OUT, conn_ref(t, c));
	c->on_list = ON_ACKS;
}

/*
 * One node a connection, armed for the earliest of its timers.  A timer that
 * moves away leaves the node where it is: it comes out early, finds nothing
 * due and is armed again (timeout.c).
 */
void conn_arm(struct tcp *t, struct conn *c, enum conn_timer which,
	      tcpd_time at)
{
	uint64_t tick = tick_of(at);

	c->timer[which] = at;
	if (wheel_armed(&t->wheel, &c->node) && c->armed <= tick)
		return;
	c->armed = tick;
	wheel_arm(&t->wheel, conn_ref(t, c), tick);
}

void conn_disarm(struct conn *c, enum conn_timer which)
{
	c->timer[which] = 0;
}

#define WSCALE_MAX 14u /* RFC 7323, 2.3 */
#define MSS_MIN	   48u /* of a peer: less is a cheap way to cost us much */
#define MSS_LEAST  8u  /* of the device: an MTU of 68 less the heads of IPv6 */

uint8_t tcp_wscale(const struct tcp *t, uint32_t rcv_max)
{
	uint8_t shift = t->set.wscale;

	while (shift && shift < WSCALE_MAX &&
	       (uint32_t)UINT16_MAX << shift < rcv_max)
		shift++;
	while (shift && 8u << shift > rcv_max)
		shift--;
	return shift;
}

uint32_t tcp_advmss(const struct tcp *t, const struct tuple *tu)
{
	uint32_t heads = ip_is4(tu->local) ? TCP4_HEADS : TCP6_HEADS;

	return max_u32(t->set.mtu, heads + MSS_LEAST) - heads;
}

/* Eff.snd.MSS: RFC 9293, 3.7.1 (MUST-16); options come off it (RFC 6691). */
uint32_t conn_mss_at(const struct conn *c, uint32_t mtu)
{
	bool v4 = ip_is4(c->tu.local);
	uint32_t heads = v4 ? TCP4_HEADS : TCP6_HEADS;
	uint32_t mss = max_u32(mtu, heads + MSS_LEAST) - heads;
	/* MUST-15: 536 over IPv4, 1220 over IPv6, where the peer is silent */
	uint32_t peer = c->peer_mss ? c->peer_mss : v4 ? 536u : 1220u;

	mss = min_u32(mss, max_u32(peer, MSS_MIN));
	if (c->advmss)
		mss = min_u32(mss, max_u32(c->advmss, MSS_MIN));
	if (c->ts && mss > TS_OPTION + 8)
		mss -= TS_OPTION;
	return mss;
}

void conn_set_mss(const struct tcp *t, struct conn *c)
{
	uint32_t mss = conn_mss_at(c, pmtu_now(t, c));

	c->mss = mss;
	c->ccs.mss = mss;
	if (c->ccs.cwnd)
		c->ccs.cwnd = max_u32(c->ccs.cwnd, mss);
}

void conn_open_send(struct tcp *t, struct conn *c, uint32_t iss)
{
	pmtu_open(t, c);
	c->iss = c->snd_una = c->snd_nxt = iss;
	c->sq.end = iss + 1;
	c->recover = c->snd_sml = c->rtt_round = iss;
	c->burst_end = iss;
	c->rcv_buf = c->rcv_max;
	if (!conn_fixed_buffer(c))
		c->rcv_buf = min_u32(RCV_BUF_START, c->rcv_max);
}

void conn_open_recv(struct conn *c, uint32_t irs)
{
	c->irs = irs;
	c->rcv_nxt = c->rq.read = c->last_ack_sent = irs + 1;
	c->rcv_adv = c->rcv_nxt + conn_syn_window(c);
	if (!(c->options >> TCPD_OPT_QUICKACK & 1))
		c->quick = QUICK_ACKS;
	c->rcv_mss = min_u32(c->advmss, 536);
}

/* RFC 6928, (1). */
uint32_t conn_initial_window(uint32_t mss)
{
	return min_u32(10 * mss, max_u32(2 * mss, 14600));
}

/* One segment after a lost SYN or SYN-ACK (RFC 5681, 3.1). */
static uint32_t initial_window(const struct conn *c)
{
	return c->nrexmt ? c->mss : conn_initial_window(c->mss);
}

static void begin_module(struct tcp *t, struct conn *c)
{
	struct flow *f = flow_of(t, c);
	struct cc_begin b = {.now = t->now,
			     .srtt = c->srtt,
			     .total_delivered = f->rate.delivered,
			     .seed = c->id,
			     .sack = c->sack,
			     .as_linux = t->set.as_linux};

	memset(f->cc, 0, sizeof(f->cc));
	cc_ops_of(c->cc)->init(&c->ccs, f->cc, &b);
}

void conn_flow(struct tcp *t, struct conn *c)
{
	struct flow *f;

	if (c->flow)
		return;
	c->flow = slab_take(&t->flows) + 1;
	f = flow_of(t, c);
	f->fack = f->rack_end = f->dsack_round = f->undo_from = c->snd_una;
	f->reo_mult = 1;
	f->dsack_counts = f->sampled = true;
	begin_module(t, c);
}

void conn_start_window(struct tcp *t, struct conn *c, uint32_t cwnd)
{
	c->ccs.cwnd = cwnd;
	c->ccs.ssthresh = UINT32_MAX;
	c->ccs.burst = 0;
	c->ccs.pacing_rate = 0;
	if (c->flow)
		begin_module(t, c);
}

void conn_change_cc(struct tcp *t, struct conn *c, uint8_t cc)
{
	bool other = c->cc != cc;

	c->cc = cc;
	if (other && c->flow)
		begin_module(t, c);
}

void conn_syn_acked(struct tcp *t, struct conn *c)
{
	bool begun = c->fo_from && c->data_segs_out;

	if (c->fo_from)
		fo_end(t, c, false);
	conn_set_mss(t, c);
	if (!begun)
		conn_start_window(t, c, initial_window(c));
	if (c->nrexmt && c->srtt == 0) /* RFC 6298, 5.7 */
		c->rto = max_u64(c->rto, TCPD_SEC(3));
	c->rto = max_u64(c->rto, t->set.rto_min); /* no sample was taken yet */
	c->nrexmt = c->backoff = 0;
	c->syn_due = false; /* what asked for it again is answered, too */
	rexmt_disarm(c);
	if (begun)
		return;
	c->snd_sml = c->snd_una;
}

void conn_established(struct tcp *t, struct conn *c)
{
	t->stat.ecn_agreed += c->ecn;
	if (c->keepalive)
		keepalive_arm(t, c);
	conn_event(t, c, TCPD_EV_OPEN | TCPD_EV_WRITABLE);
	if (conn_unsent(c) || c->fin_queued)
		conn_want_output(t, c);
}
