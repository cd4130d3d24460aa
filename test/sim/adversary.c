/* SPDX-License-Identifier: MIT */
/*
 * adversary.c - somebody who knows addresses and ports, and guesses numbers
 * near the edges of the windows, but never the one that a reset or text needs
 * (RFC 5961): whatever he sends, the streams and the states stay as they are.
 */
#include <stdlib.h>

#include "sim.h"

static struct endpoint *victim(struct sim *s)
{
	struct pair *p = &s->pair[rng_below(&s->rng, s->npairs)];
	struct endpoint *e = &p->ep[rng_below(&s->rng, 2)];

	return e->open ? e : NULL;
}

/* A number just outside, just inside or far from [lo, lo + len). */
static uint32_t near_edge(struct rng *r, uint32_t lo, uint32_t len)
{
	switch (rng_below(r, 6)) {
	case 0:
		return lo - rng_in(r, 1, 3);
	case 1:
		return lo + rng_in(r, 1, 3);
	case 2:
		return lo + len + rng_in(r, 0, 3);
	case 3:
		return lo + len - rng_in(r, 0, 3);
	case 4:
		return lo + rng_below(r, 100000);
	default:
		return (uint32_t)rng_next(r);
	}
}

/* An RST anywhere but at RCV.NXT; where the window is closed every other
 * number is outside. */
static void forge_rst(struct rng *r, struct packet *p,
		      const struct tcpd_status *st)
{
	p->flags = rng_below(r, 2) ? FLAG_RST : FLAG_RST | FLAG_ACK;
	p->seq = near_edge(r, st->rcv_nxt, st->rcv_wnd);
	if (p->seq == st->rcv_nxt)
		p->seq--;
	p->ack = near_edge(r, st->snd_una, st->snd_nxt - st->snd_una);
}

static void forge_syn(struct rng *r, struct packet *p,
		      const struct tcpd_status *st)
{
	p->flags = rng_below(r, 2) ? FLAG_SYN : FLAG_SYN | FLAG_ACK;
	p->seq = near_edge(r, st->rcv_nxt, st->rcv_wnd);
	p->ack = near_edge(r, st->snd_una, st->snd_nxt - st->snd_una);
}

/* Text that claims to acknowledge what was never sent, or ages ago. */
static void forge_text(struct rng *r, struct packet *p,
		       const struct tcpd_status *st)
{
	p->flags = FLAG_ACK | (rng_below(r, 2) ? FLAG_PSH : 0) |
		   (rng_below(r, 4) ? 0 : FLAG_FIN);
	p->seq = near_edge(r, st->rcv_nxt, st->rcv_wnd);
	if (rng_below(r, 2))
		p->ack = st->snd_nxt + rng_in(r, 1, 5);
	else
		p->ack = st->snd_una - st->max_snd_wnd - rng_in(r, 1, 5);
	p->len = rng_below(r, 100);
}

/* Text outside the window, whatever it acknowledges. */
static void forge_outside(struct rng *r, struct packet *p,
			  const struct tcpd_status *st)
{
	p->flags = FLAG_ACK;
	p->len = rng_in(r, 1, 100);
	if (rng_below(r, 2))
		p->seq = st->rcv_nxt - p->len - rng_below(r, 5);
	else /* twice the window: what was announced may be ahead of it */
		p->seq = st->rcv_nxt + (1u << 30) + rng_below(r, 5);
	p->ack = st->snd_una;
}

/* Nothing that a synchronized connection may heed. */
static void forge_null(struct rng *r, struct packet *p,
		       const struct tcpd_status *st)
{
	static const uint8_t flags[] = {0, FLAG_FIN, FLAG_PSH | FLAG_URG,
					FLAG_FIN | FLAG_PSH | FLAG_URG};

	p->flags = flags[rng_below(r, 4)];
	p->seq = near_edge(r, st->rcv_nxt, st->rcv_wnd);
	p->len = rng_below(r, 50);
	if (p->flags & FLAG_URG)
		p->urg = (uint16_t)rng_next(r);
}

void adversary_act(struct sim *s)
{
	static uint8_t noise[128];
	static void (*const forge[])(struct rng *, struct packet *,
				     const struct tcpd_status *) = {
		forge_rst, forge_syn, forge_text, forge_outside, forge_null};
	struct endpoint *e = victim(s);
	struct packet p = {.protocol = PROTO_TCP, .data = noise};
	struct tcpd_offload off = {0};
	struct tcpd_status st;
	uint8_t *buf;
	uint32_t len;

	if (!e || tcpd_status(s->side[e->side].st, e->h, &st, s->now) ||
	    st.state < TCPD_ESTABLISHED || st.state == TCPD_TIME_WAIT)
		return; /* RFC 6191 lets a good guess end TIME-WAIT */
	p.version = st.local.family;
	for (int i = 0; i < 16; i++) {
		p.src[i] = st.peer.ip[i];
		p.dst[i] = st.local.ip[i];
	}
	p.sport = st.peer.port;
	p.dport = st.local.port;
	p.wnd = (uint16_t)rng_next(&s->rng);
	for (size_t i = 0; i < sizeof(noise); i++)
		noise[i] = (uint8_t)rng_next(&s->rng);
	forge[rng_below(&s->rng, 5)](&s->rng, &p, &st);
	if (p.flags & FLAG_SYN || !(p.flags & FLAG_ACK))
		p.ack = p.flags & FLAG_ACK ? p.ack : 0;
	buf = malloc(PACKET_MAX);
	if (!buf)
		abort();
	len = (uint32_t)packet_build(&p, buf);
	buf = realloc(buf, len);
	if (!buf)
		abort();
	sim_say(s, "forged for %c of %u: flags %#x seq %d of %u ack %d len %u",
		"AB"[e->side], e -> pair -> port, p.flags,
		(int32_t)(p.seq - st.rcv_nxt), st.rcv_wnd,
		(int32_t)(p.ack - st.snd_una), p.len);
	world_input(s, e->side, buf, len, &off);
	world_turn(s, e->side);
}
