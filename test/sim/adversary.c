/* SPDX-License-Identifier: MIT */
/*
 * adversary.c - somebody who knows addresses and ports, and guesses numbers
 * near the edges of the windows, but never the one that a reset or text needs
 * (RFC 5961): whatever he sends, the streams and the states stay as they are.
 * Time stamps he has now and then seen; or he makes up old ones.
 */
#include <stdlib.h>
#include <string.h>

#include "sim.h"

static struct endpoint *victim(struct sim *s)
{
	struct pair *p = &s->pair[rng_below(&s->rng, s->npairs)];
	struct endpoint *e = &p->ep[rng_below(&s->rng, 2)];

	return e->open && !life_stopped(s, e->side) ? e : NULL;
}

/* Those that the two ends have sent last, or old ones. */
static bool stamps(struct sim *s, unsigned side, struct packet *p,
		   const struct tcpd_status *st)
{
	bool old;
	const struct trail *mine, *theirs;
	uint32_t v[2];

	if (!st->ts || !rng_below(&s->rng, 4))
		return false;
	mine = wire_trail(s, side, &st->local, &st->peer);
	theirs = wire_trail(s, !side, &st->peer, &st->local);
	if (!mine || !theirs || !theirs->has_ts)
		return false;
	v[0] = theirs->ts_val;
	v[1] = mine->ts_val;
	/* older than a jump of the clock could make it */
	old = !rng_below(&s->rng, 4);
	if (old)
		v[0] -= rng_in(&s->rng, 1u << 24, 1u << 30);
	p->opt[0] = p->opt[1] = OPTION_NOP;
	p->opt[2] = OPTION_TS;
	p->opt[3] = 10;
	for (int i = 0; i < 8; i++)
		p->opt[4 + i] = (uint8_t)(v[i / 4] >> (3 - i % 4) * 8);
	p->nopt = 12;
	return old;
}

void adversary_act(struct sim *s)
{
	static uint8_t noise[1600], buf[PACKET_MAX];
	struct endpoint *e = victim(s);
	struct packet p = {.protocol = PROTO_TCP, .data = noise};
	struct tcpd_offload off = {0};
	struct tcpd_status st;
	struct forgery f = {&p, &st, noise, false, false};
	uint32_t len;
	uint8_t *copy;

	if (!e ||
	    tcpd_status(s->side[e->side].st, e->h, &st, sim_now(s, e->side)) ||
	    st.state == TCPD_CLOSED || st.state == TCPD_TIME_WAIT)
		return; /* RFC 6191 lets a good guess end TIME-WAIT */
	/* a good guess ends that, too (RFC 9293, 3.9.2.2) */
	f.opening = st.state < TCPD_ESTABLISHED || st.snd_una == st.iss;
	if (f.opening && !e->pair->hostile)
		return;
	p.version = st.local.family;
	memcpy(p.src, st.peer.ip, 16);
	memcpy(p.dst, st.local.ip, 16);
	p.sport = st.peer.port;
	p.dport = st.local.port;
	p.wnd = (uint16_t)rng_next(&s->rng);
	for (size_t i = 0; i < 128; i++)
		noise[i] = (uint8_t)rng_next(&s->rng);
	f.old = stamps(s, e->side, &p, &st);
	forge(&s->rng, &f);
	len = (uint32_t)packet_build(&p, buf);
	copy = malloc(len);
	if (!copy)
		abort();
	memcpy(copy, buf, len);
	s->nforged++;
	sim_say(s,
		"forged for %c of %u: protocol %u flags %#x seq %d of %u ack %d"
		" len %u",
		"AB"[e->side], e -> pair -> port, p.protocol, p.flags,
		(int32_t)(p.seq - st.rcv_nxt), st.rcv_wnd,
		(int32_t)(p.ack - st.snd_una), p.len);
	log_pcap(s, e->side, false, copy, len);
	world_input(s, e->side, copy, len, &off);
	wire_moved(s, e->side);
	world_turn(s, e->side);
}
