/* SPDX-License-Identifier: MIT */
/*
 * synq.c - SYN-RECEIVED of a passive open.  The entry holds what the SYN said
 * and our ISN; SYN-ACKs are repeated after the waits of the listener's list,
 * and after the last one the entry goes without a word.  The TCB is made when
 * the handshake's last ACK arrives; until an accept queue has room for it that
 * ACK is dropped, and the next SYN-ACK asks for it again.  But it has shown
 * that the peer is there: with the first room in the queue the connection opens
 * as if it came then.  Else clients that came together would be asked together,
 * all but a few of them in vain each time, until their entries are gone. What
 * is different while the table fills up: synq_cookie.c.
 */
#include <assert.h>
#include <string.h>

#include "conn.h"
#include "synq.h"
#include "uto.h"

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

static uint64_t option(const struct tcp *t, const struct half *h,
		       enum tcpd_option o)
{
	return options_get(&listener_at(t, h->listener)->opt, o);
}

/* Into what an entry sends: how its listener marks packets. */
static void mark(const struct tcp *t, const struct half *h, struct reply *r)
{
	r->tos = (uint8_t)option(t, h, TCPD_OPT_TOS);
	r->ttl = (uint8_t)option(t, h, TCPD_OPT_TTL);
}

/* How many SYN-ACKs there are at most, each with its wait. */
static unsigned nwaits(const struct tcp *t, const struct half *h)
{
	unsigned n = settings(t, h)->nsynack_waits;
	uint64_t most = option(t, h, TCPD_OPT_SYNCNT);

	return most ? min_u32(n, (uint32_t)most + 1) : n;
}

/* The window that the SYN-ACK announces, which is not scaled. */
static uint32_t window(const struct tcp *t, const struct half *h)
{
	uint64_t most = option(t, h, TCPD_OPT_WINDOW_CLAMP);
	uint32_t wnd = min_u32(settings(t, h)->receive_buffer, UINT16_MAX);

	return most ? (uint32_t)min_u64(wnd, most) : wnd;
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

/* The time stamp of an entry with a cookie always says what the SYN offered:
 * the peer may echo any of them in its last ACK. */
static uint32_t ts_val(const struct tcp *t, const struct half *h)
{
	struct cookie_opts o = {.wscale = h->wscale & 15,
				.has_wscale = h->has_wscale,
				.sack = h->sack,
				.ecn = h->ecn};

	return h->cookie ? ts_cookie(t, &h->tu, &o) : ts_now(t, &h->tu);
}

bool synq_push_cookie(struct tcp *t, const struct half *h, uint8_t fo_form)
{
	struct reply r = {
		.tu = h->tu,
		.kind = REPLY_COOKIE,
		.flags = (uint8_t)(TCP_SYN | TCP_ACK | (h->ecn ? TCP_ECE : 0)),
		.sack = h->sack,
		.has_wscale = h->has_wscale,
		.wscale = tcp_wscale(t, settings(t, h)->receive_buffer),
		.wnd = (uint16_t)window(t, h),
		.seq = h->iss,
		.ack = h->irs + 1,
		.mss = listen_advmss(t, listener_at(t, h->listener), &h->tu),
		.fo_form = fo_form,
		.id = h->id};

	mark(t, h, &r);
	if (h->has_ts) {
		r.ts = true;
		r.ts_val = ts_val(t, h);
		r.ts_ecr = h->ts_recent;
	}
	return reply_push(t, &r);
}

static uint32_t now_ms(const struct tcp *t)
{
	return (uint32_t)(t->now / TCPD_MS(1));
}

static bool push_synack(struct tcp *t, uint32_t slot, uint8_t fo_form)
{
	struct half *h = half_at(t, slot);
	struct reply r = {.tu = h->tu,
			  .kind = REPLY_SYNACK,
			  .half = slot,
			  .fo_form = fo_form,
			  .id = h->id};

	if (h->queued)
		return true;
	mark(t, h, &r);
	/* whole: the entry may give way in the batch that made it */
	if (h->cookie)
		return synq_push_cookie(t, h, fo_form);
	h->queued = reply_push(t, &r);
	return h->queued;
}

/* |fo_form|: with a Fast Open cookie; the first one alone (RFC 7413, 4.2.2) */
static void send_synack(struct tcp *t, uint32_t slot, uint8_t fo_form)
{
	struct half *h = half_at(t, slot);

	uint32_t ms = now_ms(t);

	if (!push_synack(t, slot, fo_form))
		ms -= SYNACK_GAP_MS; /* the next SYN need not wait */
	h->answered = ms & HALF_MS_MASK;
}

static bool answered_lately(const struct tcp *t, const struct half *h)
{
	return ((now_ms(t) - h->answered) & HALF_MS_MASK) < SYNACK_GAP_MS;
}

static void wait_for_ack(struct tcp *t, uint32_t slot)
{
	struct half *h = half_at(t, slot);

	/* from the time this one was due, so that delays do not add up */
	h->due += settings(t, h)->synack_wait[h->nwait++];
	wheel_arm(&t->wheel, REF(REF_HALF, slot), tick_of(h->due));
}

struct half synq_half(struct tcp *t, const struct listener *l,
		      const struct segment *seg, bool cookie)
{
	const struct tcpopt *o = &seg->h.opt;
	bool ts = o->has_ts && t->set.timestamps;
	bool more = !cookie || ts;

	return (struct half){
		.tu = seg->tu,
		.irs = seg->h.seq,
		.iss = cookie ? cookie_make(&t->cookie, &seg->tu, seg->h.seq,
					    o->has_mss ? o->mss : 0, t->now)
			      : isn_for(t, &seg->tu),
		.ts_recent = o->ts_val,
		.listener = slab_slot(&t->listeners, l) & 0xffffffu,
		.has_ts = ts,
		.cookie = cookie,
		.mss = o->has_mss ? o->mss : 0,
		.wnd = seg->h.wnd,
		.wscale = o->wscale & 15u,
		.has_wscale = more && o->has_wscale,
		.sack = more && o->sack_ok && t->set.sack,
		.ecn = more && l->set.ecn != TCPD_ECN_OFF && ecn_asks(seg),
	};
}

void synq_syn(struct tcp *t, struct listener *l, struct segment *seg,
	      const uint32_t *iss_over)
{
	struct fo_verdict fo = fo_judge(t, l, seg);
	uint8_t mode = l->set.syn_cookies;
	bool cookie = mode != TCPD_COOKIES_OFF && !iss_over && synq_pressure(t);
	bool room;
	uint32_t slot;
	struct half *h;

	if (fo.take && !iss_over && synq_open_fast(t, l, seg, fo.tells))
		return;
	room = mode == TCPD_COOKIES_ALWAYS && !iss_over ? false
							: synq_make_room(t);
	if (!room) {
		if (mode == TCPD_COOKIES_OFF || iss_over)
			tcp_drop(t, TCPD_DROP_HALF_OPEN_FULL);
		else
			synq_bare_cookie(t, l, seg, fo.tells);
		return;
	}
	slot = slab_take(&t->halves);
	assert(slot != SLAB_NONE);
	h = half_at(t, slot);
	*h = synq_half(t, l, seg, cookie);
	h->id = t->next_id++;
	if (iss_over && seq_le(h->iss, *iss_over + UINT16_MAX))
		h->iss = *iss_over + UINT16_MAX + 2; /* MAY-2, RFC 6191 */
	h->nsent = 1;
	h->due = t->now;
	htab_add(&t->half_tab, seg->hash, slot);
	if (cookie)
		synq_cookie_link(t, slot);
	if (!iss_over)
		conn_trace(t, h->id, &h->tu, TCPD_LISTEN, EV_RCV_SYN);
	t->stat.opens_passive++;
	send_synack(t, slot, fo.tells);
	wait_for_ack(t, slot);
}

void synq_forget(struct tcp *t, uint32_t slot)
{
	struct half *h = half_at(t, slot);
	bool there = htab_del(&t->half_tab, tuple_hash(t, &h->tu), slot);

	assert(there);
	(void)there;
	wheel_cancel(&t->wheel, REF(REF_HALF, slot));
	if (h->cookie)
		synq_cookie_unlink(t, slot);
	slab_give(&t->halves, slot);
}

void synq_remove(struct tcp *t, uint32_t slot, enum fsm_event why)
{
	struct half *h = half_at(t, slot);

	conn_trace(t, h->id, &h->tu, TCPD_SYN_RECEIVED, why);
	t->stat.opens_failed++;
	synq_forget(t, slot);
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

	mark(t, h, &r);
	if (h->has_ts) {
		r.ts = true;
		r.ts_val = ts_val(t, h);
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

/*
 * TCP_DEFER_ACCEPT, as Linux: until so long after the first SYN-ACK a bare ACK
 * only shows that the peer is there, and no SYN-ACK is repeated; the first one
 * after that is, and its answer opens.  One of the list is left for it.
 */
static bool defers(const struct tcp *t, const struct half *h)
{
	uint64_t wants = option(t, h, TCPD_OPT_DEFER_ACCEPT);
	tcpd_time since = 0;

	for (unsigned i = 0; i + 1 < h->nwait; i++)
		since += settings(t, h)->synack_wait[i];
	return since < wants && h->nwait < nwaits(t, h);
}

void synq_timeout(struct tcp *t, uint32_t slot)
{
	struct half *h = half_at(t, slot);

	if (h->nwait < nwaits(t, h)) {
		/* RFC 4987: no more answers to SYNs that may be forged */
		bool quiet = settings(t, h)->syn_cookies != TCPD_COOKIES_OFF &&
			     synq_pressure(t) && !h->acked && !h->deferred;

		wait_for_ack(t, slot);
		if (!quiet && !(h->deferred && defers(t, h))) {
			h->nsent++;
			t->stat.timeouts_synack++;
			send_synack(t, slot, FO_NONE);
		}
		return;
	}
	t->stat.timeouts_half_open++;
	synq_remove(t, slot, EV_TIMEOUT_R2);
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
	if (h->ecn)
		out->flags |= TCP_ECE;
	out->opt.has_mss = true;
	out->opt.mss = listen_advmss(t, listener_at(t, h->listener), &h->tu);
	out->opt.has_ts = h->has_ts;
	out->opt.ts_val = ts_val(t, h);
	out->opt.ts_ecr = h->ts_recent;
	out->opt.sack_ok = h->sack;
	out->opt.has_wscale = h->has_wscale;
	out->opt.wscale = tcp_wscale(t, settings(t, h)->receive_buffer);
	uto_put(&out->opt, option(t, h, TCPD_OPT_ADV_UTO));
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
	if (h->cookie) /* the peer is there, and will not say so again */
		synq_cookie_unlink(t, slot);
	h->cookie = false;
}

/* The peer is there: its entry does not give way any more. */
static void defer(struct tcp *t, uint32_t slot, const struct segment *seg)
{
	struct half *h = half_at(t, slot);

	tcp_drop(t, TCPD_DROP_DEFERRED);
	if (h->has_ts && seg->h.opt.has_ts && seg->h.seq == h->irs + 1)
		h->ts_recent = seg->h.opt.ts_val;
	h->deferred = true;
	if (h->cookie)
		synq_cookie_unlink(t, slot);
	h->cookie = false;
}

static void last_ack(struct tcp *t, uint32_t slot, struct segment *seg)
{
	struct half h = *half_at(t, slot);

	if (seg_len(seg) == 0 && defers(t, &h))
		defer(t, slot, seg);
	else if (listen_full(listener_at(t, h.listener)))
		no_room(t, slot, seg);
	else if (!synq_open(t, &h, slot, seg))
		tcp_drop(t, TCPD_DROP_CONNS_FULL);
}

/* The last ACK that was dropped, without what it carried. */
static bool open_late(struct tcp *t, uint32_t slot)
{
	struct half h = *half_at(t, slot);
	struct segment seg = {.tu = h.tu,
			      .h = {.src = h.tu.pport,
				    .dst = h.tu.lport,
				    .seq = h.irs + 1,
				    .ack = h.iss + 1,
				    .flags = TCP_ACK,
				    .wnd = h.wnd},
			      .nwire = 1};

	seg.h.opt.has_ts = h.has_ts;
	seg.h.opt.ts_val = h.ts_recent;
	return synq_open(t, &h, slot, &seg);
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
	mark(t, h, &r);
	if (h->has_ts) {
		r.ts = true;
		r.ts_val = ts_val(t, h);
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

/* Table 6 of RFC 9293, 3.4; the window is never closed here. */
static bool acceptable(const struct tcp *t, const struct half *h,
		       const struct segment *seg)
{
	uint32_t len = seg_len(seg);

	return seq_in(seg->h.seq, h->irs + 1, window(t, h)) ||
	       (len && seq_in(seg->h.seq + len - 1, h->irs + 1, window(t, h)));
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
			/* RFC 3168, 6.1.1.1: it gave up asking, and takes
			 * an answer without for the truth */
			h->ecn = h->ecn && ecn_asks(seg);
			if (answered_lately(t, h)) /* a flood of one tuple */
				tcp_drop(t, TCPD_DROP_SYN_REPEATED);
			else /* ours was lost, or is late */
				send_synack(t, slot, FO_NONE);
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
	if (!acceptable(t, h, seg)) {
		tcp_drop(t, TCPD_DROP_SEQUENCE);
		answer(t, h);
		return;
	}
	if (!(f & TCP_ACK)) {
		tcp_drop(t, TCPD_DROP_SYN_RECEIVED);
		return;
	}
	if (seg->h.ack != h->iss + 1) {
		if (synq_cookie_instead(t, slot, seg))
			return;
		tcp_drop(t, TCPD_DROP_SYN_RECEIVED);
		rst_answer(t, seg, TCPD_RESET_BAD_ACK);
		return;
	}
	last_ack(t, slot, seg);
}
