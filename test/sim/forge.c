/* SPDX-License-Identifier: MIT */
/*
 * forge.c - the grammar of what an attacker sends: each kind of segment, with
 * numbers just outside, just inside or far from the edges of the windows, and
 * each kind of ICMP message about it.
 */
#include <string.h>

#include "sim.h"

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
static void forge_rst(struct rng *r, struct forgery *f)
{
	const struct tcpd_status *st = f->st;
	struct packet *p = f->p;

	p->flags = rng_below(r, 2) ? FLAG_RST : FLAG_RST | FLAG_ACK;
	p->seq = near_edge(r, st->rcv_nxt, st->rcv_wnd);
	if (p->seq == st->rcv_nxt)
		p->seq--;
	p->ack = near_edge(r, st->snd_una, st->snd_nxt - st->snd_una);
}

static void forge_syn(struct rng *r, struct forgery *f)
{
	const struct tcpd_status *st = f->st;
	struct packet *p = f->p;

	p->flags = rng_below(r, 2) ? FLAG_SYN : FLAG_SYN | FLAG_ACK;
	p->seq = near_edge(r, st->rcv_nxt, st->rcv_wnd);
	p->ack = near_edge(r, st->snd_una, st->snd_nxt - st->snd_una);
}

/* Text that claims to acknowledge what was never sent, or ages ago. */
static void forge_text(struct rng *r, struct forgery *f)
{
	const struct tcpd_status *st = f->st;
	struct packet *p = f->p;

	p->flags = FLAG_ACK;
	if (rng_below(r, 2))
		p->flags |= FLAG_PSH;
	if (!rng_below(r, 4))
		p->flags |= FLAG_FIN;
	p->seq = near_edge(r, st->rcv_nxt, st->rcv_wnd);
	if (rng_below(r, 2))
		p->ack = st->snd_nxt + rng_in(r, 1, 5);
	else
		p->ack = st->snd_una - st->max_snd_wnd - rng_in(r, 1, 5);
	p->len = rng_below(r, 100);
}

/* Text outside the window, whatever it acknowledges. */
static void forge_outside(struct rng *r, struct forgery *f)
{
	const struct tcpd_status *st = f->st;
	struct packet *p = f->p;

	p->flags = FLAG_ACK;
	p->len = rng_in(r, 1, 100);
	if (rng_below(r, 2))
		p->seq = st->rcv_nxt - p->len - rng_below(r, 5);
	else /* twice the window: what was announced may be ahead of it */
		p->seq = st->rcv_nxt + (1u << 30) + rng_below(r, 5);
	p->ack = st->snd_una;
}

/* Nothing that a synchronized connection may heed. */
static void forge_null(struct rng *r, struct forgery *f)
{
	static const uint8_t flags[] = {0, FLAG_FIN, FLAG_PSH | FLAG_URG,
					FLAG_FIN | FLAG_PSH | FLAG_URG};
	struct packet *p = f->p;

	p->flags = flags[rng_below(r, 4)];
	p->seq = near_edge(r, f->st->rcv_nxt, f->st->rcv_wnd);
	p->len = rng_below(r, 50);
	if (p->flags & FLAG_URG)
		p->urg = (uint16_t)rng_next(r);
}

/* What nothing but its time stamp gives away (PAWS: RFC 7323, 5.2). */
static void forge_old(struct rng *r, struct forgery *f)
{
	const struct tcpd_status *st = f->st;
	struct packet *p = f->p;

	p->flags = FLAG_ACK;
	if (!rng_below(r, 4))
		p->flags |= FLAG_FIN;
	p->seq = st->rcv_nxt + (rng_below(r, 2) ? 0 : rng_below(r, 5000));
	p->ack = st->snd_una;
	p->len = rng_in(r, 1, 100);
}

static uint8_t *number(uint8_t *at, uint32_t v)
{
	for (int shift = 24; shift >= 0; shift -= 8)
		*at++ = (uint8_t)(v >> shift);
	return at;
}

/*
 * An acknowledgment of nothing new whose SACK blocks claim anything: what is
 * in flight (and was never received), what was not sent, what is long past,
 * blocks that overlap or are inside out.  A receiver may renege (RFC 2018, 8):
 * the stream has to survive it.
 */
static void forge_sack(struct rng *r, struct forgery *f)
{
	const struct tcpd_status *st = f->st;
	struct packet *p = f->p;
	uint8_t n = (uint8_t)rng_in(r, 1, 3);
	uint8_t *at = p->opt + p->nopt;
	uint32_t flight = st->snd_nxt - st->snd_una;

	p->flags = FLAG_ACK;
	p->seq = st->rcv_nxt;
	p->ack = st->snd_una;
	p->wnd = (uint16_t)(st->snd_wnd >> st->snd_wscale);
	*at++ = OPTION_NOP;
	*at++ = OPTION_NOP;
	*at++ = OPTION_SACK;
	*at++ = (uint8_t)(2 + 8 * n);
	for (uint8_t i = 0; i < n; i++) {
		uint32_t left = rng_below(r, 2)
					? st->snd_una + rng_below(r, flight + 1)
					: near_edge(r, st->snd_una, flight);
		uint32_t right = rng_below(r, 4)
					 ? left + rng_below(r, flight + 1)
					 : near_edge(r, left, 3000);

		at = number(at, left);
		at = number(at, right);
	}
	p->nopt = (uint8_t)(p->nopt + 4 + 8 * n);
}

/* An ICMP message that quotes a segment of |st|'s, in flight or not. */
static void forge_icmp(struct rng *r, struct forgery *f)
{
	static const uint8_t kinds4[][2] = {{3, 0},  {3, 1},  {3, 2},  {3, 3},
					    {3, 4},  {4, 0},  {5, 1},  {11, 0},
					    {11, 1}, {12, 0}, {3, 13}, {3, 4}};
	static const uint8_t kinds6[][2] = {{1, 0}, {1, 3}, {1, 4},   {2, 0},
					    {2, 0}, {3, 0}, {3, 1},   {4, 1},
					    {1, 1}, {4, 0}, {137, 0}, {1, 5}};
	static uint8_t inner[PACKET_MAX];
	const struct tcpd_status *st = f->st;
	struct packet *p = f->p, quoted;
	const uint8_t *kind = p->version == 4 ? kinds4[rng_below(r, 12)]
					      : kinds6[rng_below(r, 12)];
	uint32_t len, mtu = rng_below(r, 2) ? rng_below(r, 1600)
					    : (uint32_t)(rng_next(r) & 0xffff);
	uint16_t sum;

	quoted = (struct packet){.version = p->version,
				 .protocol = PROTO_TCP,
				 .sport = st->local.port,
				 .dport = st->peer.port,
				 .flags = FLAG_ACK,
				 .ack = st->rcv_nxt,
				 .data = f->noise,
				 .len = rng_below(r, 1400)};
	memcpy(quoted.src, st->local.ip, 16);
	memcpy(quoted.dst, st->peer.ip, 16);
	quoted.seq =
		f->opening && rng_below(r, 2)
			? st->iss
			: near_edge(r, st->snd_una, st->snd_nxt - st->snd_una);
	if (f->opening) {
		quoted.flags = FLAG_SYN;
		quoted.ack = 0;
		quoted.len = 0;
	}
	len = (uint32_t)packet_build(&quoted, inner);
	if (len > (p->version == 4 ? 28u : 1200u))
		len = p->version == 4 ? 28 : 1200;
	if (!rng_below(r, 8))
		len = rng_below(r, len);
	f->noise[0] = kind[0];
	f->noise[1] = kind[1];
	f->noise[2] = f->noise[3] = f->noise[4] = f->noise[5] = 0;
	f->noise[6] = (uint8_t)(mtu >> 8);
	f->noise[7] = (uint8_t)mtu;
	memcpy(f->noise + 8, inner, len);
	p->protocol = p->version == 4 ? PROTO_ICMP : PROTO_ICMP6;
	p->data = f->noise;
	p->len = 8 + len;
	sum = (uint16_t)~packet_fold(
		packet_add(p->version == 4 ? 0 : packet_pseudo(p, p->len),
			   f->noise, p->len));
	f->noise[2] = (uint8_t)(sum >> 8);
	f->noise[3] = (uint8_t)sum;
}

void forge(struct rng *r, struct forgery *f)
{
	static void (*const kinds[])(struct rng *, struct forgery *) = {
		forge_rst,  forge_syn,	forge_text, forge_outside,
		forge_null, forge_sack, forge_icmp};

	if (f->opening)
		forge_icmp(r, f);
	else if (f->old && rng_below(r, 2))
		forge_old(r, f);
	else
		kinds[rng_below(r, sizeof(kinds) / sizeof(*kinds))](r, f);
	if (f->p->flags & FLAG_SYN)
		f->p->nopt = 0;
	if (!(f->p->flags & FLAG_ACK))
		f->p->ack = 0;
}
