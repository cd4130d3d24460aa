/* SPDX-License-Identifier: MIT */
/*
 * synq_open.c - a passive open becomes a TCB: by the handshake's last ACK, out
 * of its entry, or at once, by a SYN with a good Fast Open cookie (RFC 7413,
 * 4.2.2).  That one is accepted, has the SYN's text and may send before its
 * last ACK; until then it is in SYN-RECEIVED.
 */
#include "conn.h"
#include "synq.h"

static void negotiate(const struct tcp *t, struct conn *c, const struct half *h)
{
	c->peer_mss = h->mss;
	c->ts = h->has_ts;
	c->ts_recent = h->ts_recent;
	c->ts_recent_at = t->now;
	c->sack = h->sack;
	c->ecn = h->ecn;
	c->wscale = h->has_wscale;
	if (h->has_wscale) {
		c->snd_wscale = h->wscale;
		c->rcv_wscale = tcp_wscale(t, c->rcv_max);
	}
}

/* When the first SYN-ACK was due. */
static tcpd_time first_sent(const struct tcp *t, const struct half *h)
{
	const struct listener *l = listener_at(t, h->listener);
	tcpd_time at = h->due;

	for (unsigned i = 0; i < h->nwait; i++)
		at -= l->set.synack_wait[i];
	return at;
}

/* The entry becomes a TCB in SYN-RECEIVED, which the ACK then establishes. */
static void grow_up(struct tcp *t, struct conn *c, const struct half *h)
{
	const struct listener *l = listener_at(t, h->listener);

	conn_adopt(c, &h->tu, h->id);
	c->rcv_max = l->set.receive_buffer;
	c->snd_max = l->set.send_buffer;
	c->time_wait = l->set.time_wait;
	c->cc = l->set.congestion;
	c->share = l->share;
	c->owner = l->owner;
	c->advmss = tcp_advmss(t, &c->tu);
	options_inherit(t, c, &l->opt);
	negotiate(t, c, h);
	conn_open_send(t, c, h->iss);
	c->snd_nxt = h->iss + 1;
	conn_open_recv(c, h->irs);
	c->snd_wnd = h->wnd;
	c->snd_wl1 = h->irs;
	c->snd_wl2 = h->iss;
	c->max_snd_wnd = h->wnd;
	conn_set_mss(t, c);
	/* Karn: not of a SYN-ACK that was repeated, nor of a later segment;
	 * and when one was sent that left no entry, nobody knows */
	if (h->nsent == 1 && !h->acked && !h->deferred)
		rtt_sample(t, c, t->now - first_sent(t, h));
	if (h->nsent)
		c->nrexmt = (uint8_t)(h->nsent - 1);
	conn_hash(t, c);
}

bool synq_open(struct tcp *t, struct half *h, uint32_t slot,
	       struct segment *seg)
{
	struct listener *l = listener_at(t, h->listener);
	struct conn *c = conn_new(t);

	if (!c)
		return false;
	if (slot != SLAB_NONE) {
		synq_forget(t, slot);
	} else {
		h->id = t->next_id++;
		conn_trace(t, h->id, &h->tu, TCPD_LISTEN, EV_RCV_SYN);
		t->stat.opens_passive++;
	}
	grow_up(t, c, h);
	listen_queue(t, l, c);
	c->segs_in = seg->nwire;
	c->last_rcv = t->now;
	input_other(t, c, seg);
	return true;
}

bool synq_open_fast(struct tcp *t, struct listener *l, struct segment *seg,
		    uint8_t tells)
{
	struct half h = synq_half(t, l, seg, false);
	struct conn *c = conn_new(t);

	if (!c)
		return false;
	h.id = t->next_id++;
	conn_trace(t, h.id, &h.tu, TCPD_LISTEN, EV_RCV_SYN);
	t->stat.opens_passive++;
	t->stat.fast_open_taken++;
	grow_up(t, c, &h);
	c->snd_nxt = c->iss;
	c->fo_form = tells;
	conn_start_window(t, c, conn_initial_window(c->mss)); /* 4.2.2 */
	fo_begin(t, l, c);
	listen_queue(t, l, c);
	c->segs_in = seg->nwire;
	c->data_segs_in = seg->len ? seg->nwire : 0;
	c->last_rcv = t->now;
	c->fo_took = seg->len > 0;
	seg->h.seq++;
	seg->h.flags &= (uint8_t)~TCP_SYN;
	input_text_and_fin(t, c, seg);
	c->syn_due = true;
	conn_want_output(t, c);
	return true;
}
