/* SPDX-License-Identifier: MIT */
/*
 * synq_cookie.c - what is different under a flood of SYNs (RFC 4987).
 *
 * From three quarters of the table on an entry's ISN is a cookie, and of these
 * entries the oldest gives way when a slot is needed: its last ACK then finds
 * the listener, and the cookie tells what the entry said.  So nothing is lost,
 * an honest client's handshake ends well however many forged ones there are,
 * and none of the entries made before is touched.  Where no entry can give
 * way, and for a listener that keeps none, a SYN-ACK with a cookie goes alone.
 */
#include "synq.h"

bool synq_pressure(const struct tcp *t)
{
	return (uint64_t)t->halves.count * 4 >= (uint64_t)t->halves.max * 3;
}

/* --- entries with a cookie, the oldest first */

void synq_cookie_link(struct tcp *t, uint32_t slot)
{
	struct half *h = half_at(t, slot);

	h->next = 0;
	h->prev = t->cookie_tail;
	if (h->prev)
		half_at(t, h->prev - 1)->next = slot + 1;
	else
		t->cookie_head = slot + 1;
	t->cookie_tail = slot + 1;
}

void synq_cookie_unlink(struct tcp *t, uint32_t slot)
{
	const struct half *h = half_at(t, slot);

	if (h->prev)
		half_at(t, h->prev - 1)->next = h->next;
	else
		t->cookie_head = h->next;
	if (h->next)
		half_at(t, h->next - 1)->prev = h->prev;
	else
		t->cookie_tail = h->prev;
}

bool synq_make_room(struct tcp *t)
{
	if (t->halves.count < t->halves.max)
		return true;
	if (!t->cookie_head)
		return false;
	t->stat.cookies_evicted++;
	synq_remove(t, t->cookie_head - 1, EV_ABORT);
	return true;
}

/* --- without an entry */

void synq_bare_cookie(struct tcp *t, const struct listener *l,
		      const struct segment *seg, uint8_t fo_form)
{
	struct half h;

	/* one whose SYN somebody repeats gets no storm of answers */
	if (!rst_first(t, &seg->tu, TCPD_MS(SYNACK_GAP_MS))) {
		tcp_drop(t, TCPD_DROP_SYN_REPEATED);
		return;
	}
	h = synq_half(t, l, seg, true);
	synq_push_cookie(t, &h, fo_form);
}

/* The entry again, as far as cookie and time stamp tell it. */
static struct half restore(const struct tcp *t, const struct listener *l,
			   const struct segment *seg, uint16_t mss)
{
	const struct tcpopt *o = &seg->h.opt;
	struct cookie_opts told = {0};
	bool ts = o->has_ts && t->set.timestamps;

	if (ts)
		told = ts_cookie_opts(t, &seg->tu, o->ts_ecr);
	return (struct half){
		.tu = seg->tu,
		.irs = seg->h.seq - 1,
		.iss = seg->h.ack - 1,
		.ts_recent = o->ts_val,
		.listener = slab_slot(&t->listeners, l) & 0xffffffu,
		.has_ts = ts,
		.mss = mss,
		.wnd = seg->h.wnd,
		.wscale = told.wscale & 15u,
		.has_wscale = told.has_wscale,
		.sack = told.sack,
		.ecn = told.ecn && l->set.ecn != TCPD_ECN_OFF,
	};
}

static bool in_use(const struct tcp *t, const struct listener *l)
{
	return l->set.syn_cookies != TCPD_COOKIES_OFF && t->cookie.sent_at &&
	       t->now - t->cookie.sent_at < COOKIE_USE;
}

/* An ACK that may bring a cookie, for the listener or the entry |slot|.
 * False: it brings none. */
static bool take(struct tcp *t, struct listener *l, uint32_t slot,
		 struct segment *seg)
{
	int said = cookie_check(&t->cookie, &seg->tu, seg->h.seq - 1,
				seg->h.ack - 1, t->now);
	/* The bare ACK was lost: had the server been to speak first, and the
	 * client not, both would wait. */
	bool lost = seg->len || seg->h.flags & TCP_FIN;
	struct half h;

	if (!said)
		return false;
	if (said == COOKIE_LATER) { /* the first one is on its way */
		tcp_drop(t, TCPD_DROP_COOKIE_LATER);
		return true;
	}
	h = restore(t, l, seg, (uint16_t)said);
	if (slot != SLAB_NONE)
		h.id = half_at(t, slot)->id;
	if (listen_full(l)) { /* never a RST: its next segment asks again */
		tcp_drop(t, TCPD_DROP_ACCEPT_FULL);
	} else if (!synq_open(t, &h, slot, seg)) {
		tcp_drop(t, TCPD_DROP_CONNS_FULL);
	} else {
		t->stat.cookies_accepted++;
		t->stat.cookies_ack_lost += lost;
	}
	return true;
}

bool synq_cookie_ack(struct tcp *t, struct listener *l, struct segment *seg)
{
	if (!in_use(t, l) || seg->h.flags & TCP_SYN)
		return false;
	if (take(t, l, SLAB_NONE, seg))
		return true;
	tcp_drop(t, TCPD_DROP_COOKIE);
	t->stat.cookies_refused++;
	rst_answer(t, seg, TCPD_RESET_NO_CONNECTION);
	return true;
}

bool synq_cookie_instead(struct tcp *t, uint32_t slot, struct segment *seg)
{
	struct listener *l = listener_at(t, half_at(t, slot)->listener);

	return in_use(t, l) && take(t, l, slot, seg);
}
