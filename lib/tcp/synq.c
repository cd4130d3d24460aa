/* SPDX-License-Identifier: MIT */
/*
 * synq.c - SYN-RECEIVED of a passive open.  The entry holds what the SYN said
 * and our ISN; SYN-ACKs are repeated after the waits of the listener's list,
 * and after the last one the entry goes without a word.  The TCB is made when
 * the handshake's last ACK arrives; until an accept queue has room for it that
 * ACK is dropped, and the next SYN-ACK asks for it again.  But it has shown
 * that the peer is there: with the first room in the queue the connection opens
 * as if it came then.  Else clients that came together would be asked together,
 * all but a few of them in vain each time, until their entries are gone.
 */
#include <assert.h>
#include <string.h>

#include "conn.h"
#include "synq.h"

static bool same_half(const void *arg, uint32_t ref, const void *key)
{
	const struct tcp *t = arg;

	return tuple_same(&half_at(t, ref)->tu, key);
}

uint32_t synq_find(const struct tcp *t, const struct tuple *tu, uint32_t hash)
{
	if (t->half_tab.count == 0)
		return HTAB_NONE;
	return htab_find(&t->half_tab, hash, same_half, t, tu);
}

static const struct tcpd_conn_settings *settings(const struct tcp *t,
						 const struct half *h)
{
	return &listener_at(t, h->listener)->set;
}

/* The window that the SYN-ACK announces, which is not scaled. */
static uint32_t window(const struct tcp *t, const struct half *h)
{
	return min_u32(settings(t, h)->receive_buffer, UINT16_MAX);
}

/* The same in a segment without SYN: rounded up, for an edge that was
 * announced does not move left. */
static uint16_t scaled_window(const struct tcp *t, const struct half *h)
{
	uint8_t shift = h->has_wscale
				? tcp_wscale(t, settings(t, h)->receive_buffer)
				: 0;

	return (uint16_t)((window(t, h) + (1u << shift) - 1) >> shift);
}

static void send_synack(struct tcp *t, uint32_t slot)
{
	struct half *h = half_at(t, slot);
	struct reply r = {
		.tu = h->tu, .kind = REPLY_SYNACK, .half = slot, .id = h->id};

	if (!h->queued)
		h->queued = reply_push(t, &r);
}

static void wait_for_ack(struct tcp *t, uint32_t slot)
{
	struct half *h = half_at(t, slot);

	/* from the time this one was due, so that delays do not add up */
	h->due += settings(t, h)->synack_wait[h->nsent++];
	wheel_arm(&t->wheel, REF(REF_HALF, slot), tick_of(h->due));
}

void synq_syn(struct tcp *t, struct listener *l, const struct segment *seg,
	      const uint32_t *iss_over)
{
	const struct tcpopt *o = &seg->h.opt;
	uint32_t slot = slab_take(&t->halves);
	struct half *h;

	if (slot == SLAB_NONE) {
		tcp_drop(t, TCPD_DROP_HALF_OPEN_FULL);
		return;
	}
	h = half_at(t, slot);
	h->tu = seg->tu;
	h->id = t->next_id++;
	h->irs = seg->h.seq;
	h->iss = isn_for(t, &h->tu);
	if (iss_over && seq_le(h->iss, *iss_over + UINT16_MAX))
		h->iss = *iss_over + UINT16_MAX + 2; /* MAY-2, RFC 6191 */
	h->listener = slab_slot(&t->listeners, l);
	h->mss = o->has_mss ? o->mss : 0;
	h->wnd = seg->h.wnd;
	h->has_wscale = o->has_wscale;
	h->wscale = o->wscale;
	h->has_ts = o->has_ts;
	h->ts_recent = o->ts_val;
	h->due = t->now;
	htab_add(&t->half_tab, tuple_hash(t, &h->tu), slot);
	if (!iss_over)
		conn_trace(t, h->id, &h->tu, TCPD_LISTEN, EV_RCV_SYN);
	t->stat.opens_passive++;
	send_synack(t, slot);
	wait_for_ack(t, slot);
}

static void forget(struct tcp *t, uint32_t slot)
{
	struct half *h = half_at(t, slot);
	bool there = htab_del(&t->half_tab, tuple_hash(t, &h->tu), slot);

	assert(there);
	(void)there;
	wheel_cancel(&t->wheel, REF(REF_HALF, slot));
	slab_give(&t->halves, slot);
}

void synq_remove(struct tcp *t, uint32_t slot, enum fsm_event why)
{
	struct half *h = half_at(t, slot);

	conn_trace(t, h->id, &h->tu, TCPD_SYN_RECEIVED, why);
	t->stat.opens_failed++;
	forget(t, slot);
}

void synq_abort(struct tcp *t, uint32_t slot)
{
	const struct half *h = half_at(t, slot);
	struct reply r = {.tu = h->tu,
			  .kind = REPLY_SEGMENT,
			  .flags = TCP_RST | TCP_ACK,
			  .reset = TCPD_RESET_ABORT,
			  .seq = h->iss + 1,
			  .ack = h->irs + 1,
			  .id = h->id};

	if (h->has_ts) {
		r.ts = true;
		r.ts_val = ts_now(t, &h->tu);
		r.ts_ecr = h->ts_recent;
	}
	reply_push(t, &r);
	synq_remove(t, slot, EV_ABORT);
}

void synq_drop_listener(struct tcp *t, uint32_t listener)
{
	for (uint32_t i = 0; t->halves.count && i < t->halves.high; i++)
		if (slab_used(&t->halves, i) &&
		    half_at(t, i)->listener == listener)
			synq_remove(t, i, EV_ABORT);
}

void synq_timeout(struct tcp *t, uint32_t slot)
{
	struct half *h = half_at(t, slot);

	if (h->nsent < settings(t, h)->nsynack_waits) {
		t->stat.timeouts_synack++;
		send_synack(t, slot);
		wait_for_ack(t, slot);
		return;
	}
	t->stat.timeouts_half_open++;
	synq_remove(t, slot, EV_TIMEOUT_R2);
}

static void negotiate(const struct tcp *t, struct conn *c, const struct half *h)
{
	c->peer_mss = h->mss;
	c->ts = h->has_ts;
	c->ts_recent = h->ts_recent;
	c->ts_recent_at = t->now;
	c->wscale = h->has_wscale;
	if (h->has_wscale) {
		c->snd_wscale = h->wscale;
		c->rcv_wscale = tcp_wscale(t, c->rcv_max);
	}
}

void synq_synack(struct tcp *t, uint32_t slot, struct tcphdr *out)
{
	struct half *h = half_at(t, slot);

	*out = (struct tcphdr){.src = h->tu.lport,
			       .dst = h->tu.pport,
			       .seq = h->iss,
			       .ack = h->irs + 1,
			       .flags = TCP_SYN | TCP_ACK,
			       .wnd = (uint16_t)window(t, h)};
	out->opt.has_mss = true;
	out->opt.mss = (uint16_t)tcp_advmss(t, &h->tu);
	out->opt.has_ts = h->has_ts;
	out->opt.ts_val = ts_now(t, &h->tu);
	out->opt.ts_ecr = h->ts_recent;
	out->opt.has_wscale = h->has_wscale;
	out->opt.wscale = tcp_wscale(t, settings(t, h)->receive_buffer);
}

/* The entry becomes a TCB in SYN-RECEIVED, which the ACK then establishes. */
static struct conn *grow_up(struct tcp *t, uint32_t slot)
{
	struct half h = *half_at(t, slot);
	struct listener *l = listener_at(t, h.listener);
	struct conn *c = conn_new(t);
	tcpd_time sent = h.due - l->set.synack_wait[h.nsent - 1];

	if (!c)
		return NULL;
	forget(t, slot);
	conn_adopt(c, &h.tu, h.id);
	c->rcv_max = l->set.receive_buffer;
	c->snd_max = l->set.send_buffer;
	c->time_wait = l->set.time_wait;
	c->cc = l->set.congestion;
	c->advmss = tcp_advmss(t, &c->tu);
	negotiate(t, c, &h);
	conn_open_send(t, c, h.iss);
	c->snd_nxt = h.iss + 1;
	conn_open_recv(t, c, h.irs);
	c->snd_wnd = h.wnd;
	c->snd_wl1 = h.irs;
	c->snd_wl2 = h.iss;
	c->max_snd_wnd = h.wnd;
	c->nrexmt = (uint8_t)(h.nsent - 1);
	conn_set_mss(t, c);
	/* Karn: not of a SYN-ACK that was repeated, nor of a later segment */
	if (h.nsent == 1 && !h.acked)
		rtt_sample(t, c, t->now - sent);
	conn_hash(t, c);
	return c;
}

/* False: no connection is left for it. */
static bool open_half(struct tcp *t, uint32_t slot, struct segment *seg)
{
	struct listener *l = listener_at(t, half_at(t, slot)->listener);
	struct conn *c = grow_up(t, slot);

	if (!c)
		return false;
	listen_queue(t, l, c);
	c->segs_in = seg->nwire;
	c->last_rcv = t->now;
	input_other(t, c, seg);
	return true;
}

/* One that finds no place here is left to the ACK of the next SYN-ACK. */
void synq_wait_for_room(struct tcp *t, uint32_t slot)
{
	struct half *h = half_at(t, slot);
	struct listener *l = listener_at(t, h->listener);

	if (h->in_line || l->nwaiting == LISTEN_WAITING)
		return;
	h->in_line = true;
	l->waiting[(l->first_waiting + l->nwaiting++) % LISTEN_WAITING] = slot;
}

/* Never a RST: the client asks again, or is let in when there is room. */
static void no_room(struct tcp *t, uint32_t slot, const struct segment *seg)
{
	struct half *h = half_at(t, slot);

	tcp_drop(t, TCPD_DROP_ACCEPT_FULL);
	h->wnd = seg->h.wnd;
	if (h->has_ts && seg->h.opt.has_ts && seg->h.seq == h->irs + 1)
		h->ts_recent = seg->h.opt.ts_val;
	h->acked = true;
	synq_wait_for_room(t, slot);
}

static void last_ack(struct tcp *t, uint32_t slot, struct segment *seg)
{
	const struct half *h = half_at(t, slot);

	if (listen_full(listener_at(t, h->listener))) {
		no_room(t, slot, seg);
	} else if (!open_half(t, slot, seg)) {
		tcp_drop(t, TCPD_DROP_CONNS_FULL);
	}
}

/* The last ACK that was dropped, without what it carried. */
static bool open_late(struct tcp *t, uint32_t slot)
{
	const struct half *h = half_at(t, slot);
	struct segment seg = {.tu = h->tu,
			      .h = {.src = h->tu.pport,
				    .dst = h->tu.lport,
				    .seq = h->irs + 1,
				    .ack = h->iss + 1,
				    .flags = TCP_ACK,
				    .wnd = h->wnd},
			      .nwire = 1};

	seg.h.opt.has_ts = h->has_ts;
	seg.h.opt.ts_val = h->ts_recent;
	return open_half(t, slot, &seg);
}

void synq_room(struct tcp *t, struct listener *l)
{
	while (l->nwaiting && !listen_full(l)) {
		uint32_t slot = l->waiting[l->first_waiting];

		/* Its entry may have gone, the slot may be another's: one that
		 * waits as well has as good a right. */
		if (slab_used(&t->halves, slot) && half_at(t, slot)->acked &&
		    listener_at(t, half_at(t, slot)->listener) == l &&
		    !open_late(t, slot))
			return;
		l->first_waiting = (l->first_waiting + 1) % LISTEN_WAITING;
		l->nwaiting--;
	}
}

/* <SEQ=SND.NXT><ACK=RCV.NXT>, for a segment that the entry does not take: as
 * rarely as any challenge ACK (RFC 5961, 7). */
static void answer(struct tcp *t, const struct half *h)
{
	struct reply r = {.tu = h->tu,
			  .kind = REPLY_SEGMENT,
			  .flags = TCP_ACK,
			  .seq = h->iss + 1,
			  .ack = h->irs + 1,
			  .wnd = scaled_window(t, h),
			  .id = h->id};

	if (!rst_first(t, &h->tu, CHALLENGE_GAP)) {
		t->stat.segments_challenge_held++;
		return;
	}
	t->stat.segments_challenge_acks++;
	if (h->has_ts) {
		r.ts = true;
		r.ts_val = ts_now(t, &h->tu);
		r.ts_ecr = h->ts_recent;
	}
	reply_push(t, &r);
}

static void input_rst(struct tcp *t, uint32_t slot, const struct segment *seg)
{
	struct half *h = half_at(t, slot);
	bool exact = seg->h.seq == h->irs + 1;
	bool inside = seq_in(seg->h.seq, h->irs + 1, window(t, h));

	if (exact) {
		rst_taken(t, h->id, seg, rst_cause(seg, false));
		synq_remove(t, slot, EV_RCV_RST);
		return;
	}
	rst_ignored(t, h->id, seg, TCPD_DROP_RST_INVALID);
	if (inside)
		answer(t, h); /* RFC 5961, 3.2 */
}

void synq_input(struct tcp *t, uint32_t slot, struct segment *seg)
{
	struct half *h = half_at(t, slot);
	uint8_t f = seg->h.flags;

	if (f & TCP_RST) {
		input_rst(t, slot, seg);
		return;
	}
	if (f & TCP_SYN) {
		if (seg->h.seq == h->irs && !(f & TCP_ACK)) {
			send_synack(t, slot); /* ours was lost, or is late */
			return;
		}
		tcp_drop(t, TCPD_DROP_SYN_RECEIVED);
		answer(t, h);
		return;
	}
	if (h->has_ts && seg->h.opt.has_ts &&
	    seq_lt(seg->h.opt.ts_val, h->ts_recent)) {
		tcp_drop(t, TCPD_DROP_PAWS);
		answer(t, h);
		return;
	}
	if (!seq_in(seg->h.seq, h->irs + 1, window(t, h))) {
		tcp_drop(t, TCPD_DROP_SEQUENCE);
		answer(t, h);
		return;
	}
	if (!(f & TCP_ACK)) {
		tcp_drop(t, TCPD_DROP_SYN_RECEIVED);
		return;
	}
	if (seg->h.ack != h->iss + 1) {
		tcp_drop(t, TCPD_DROP_SYN_RECEIVED);
		rst_answer(t, seg, TCPD_RESET_BAD_ACK);
		return;
	}
	last_ack(t, slot, seg);
}
