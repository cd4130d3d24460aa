/* SPDX-License-Identifier: MIT */
/*
 * net.c - the network.  It does what devices do (cuts super-segments, fills in
 * checksums), what routers do (a rate with a queue, a path MTU with or without
 * the message that says so, marks of congestion) and what bad networks do:
 * lose, delay, reorder, double, damage, cut short.
 */
#include <stdlib.h>
#include <string.h>

#include "sim.h"

#define HELD_FOR TCPD_SEC(2) /* at most: those that overtake may not come */

/* One bit, which every checksum sees.  True: none covers it (the parts of an
 * IPv6 header that a router may change). */
static bool damage(struct sim *s, uint8_t *data, uint32_t len)
{
	bool v6 = data[0] >> 4 == 6;
	uint32_t bit = rng_below(&s->rng, len * 8);
	uint32_t at = bit / 8;

	data[at] ^= (uint8_t)(1u << bit % 8);
	sim_say(s, "    bit %u is flipped", bit);
	return v6 && (at == 7 || (at > 0 && at < 4) || (at == 0 && bit < 4));
}

/* Why it is lost, or NULL. */
static const char *lost(struct sim *s, struct faults *f)
{
	if (s->now >= f->dark_from && s->now < f->dark_to)
		return "blackout";
	if (s->now >= s->faults_end)
		return NULL;
	if (s->now < f->burst_end)
		return "burst";
	if (rng_chance(&s->rng, f->burst))
		f->burst_end = s->now + rng_next(&s->rng) % f->burst_time;
	return rng_chance(&s->rng, f->loss) ? "random loss" : NULL;
}

static void put_back_sum(uint8_t *p)
{
	uint16_t sum;

	p[10] = p[11] = 0;
	sum = (uint16_t)~packet_fold(packet_add(0, p, 20));
	p[10] = (uint8_t)(sum >> 8);
	p[11] = (uint8_t)sum;
}

/* What routers do to the ECN field. */
static void mark(struct sim *s, const struct faults *f, uint8_t *p)
{
	uint8_t *at = p + 1;
	unsigned shift = p[0] >> 4 == 4 ? 0 : 4;
	uint8_t ecn = (uint8_t)(*at >> shift & 3);

	if (ecn == 0 || (!f->bleach && (ecn == 3 || !f->ce)))
		return;
	if (f->bleach) {
		*at = (uint8_t)(*at & ~(3u << shift));
	} else if (rng_chance(&s->rng, f->ce)) {
		*at = (uint8_t)(*at | 3u << shift);
		sim_say(s, "    marked CE");
	}
	if (!shift)
		put_back_sum(p);
}

/* When the link has sent it; false: its queue is full. */
static bool link_sends(const struct sim *s, struct faults *f, uint32_t len,
		       tcpd_time *at)
{
	tcpd_time begin = f->busy_until > s->now ? f->busy_until : s->now;
	uint64_t waits;

	*at = s->now;
	if (!f->rate)
		return true;
	waits = (begin - s->now) / 1000 * f->rate / 1000000;
	if (waits && waits + len > f->queue)
		return false;
	f->busy_until = begin + (uint64_t)len * 1000000000u / f->rate;
	*at = f->busy_until;
	return true;
}

static tcpd_time arrival(struct sim *s, struct faults *f, tcpd_time from,
			 bool bad)
{
	tcpd_time at = from + f->delay;

	if (f->jitter)
		at += rng_next(&s->rng) % f->jitter;
	if (bad && f->reorder && rng_chance(&s->rng, f->reorder))
		at += rng_next(&s->rng) % (f->late + 1);
	return at;
}

/* ------------------------------------- those that others may overtake */

static bool hold(struct sim *s, struct faults *f, const struct flight *out)
{
	for (unsigned i = 0; i < MAX_HELD; i++) {
		struct held *h = &f->held[i];

		if (h->data)
			continue;
		h->data = malloc(out->len ? out->len : 1);
		if (!h->data)
			abort();
		memcpy(h->data, out->data, out->len);
		h->len = out->len;
		h->off = out->off;
		h->honest = out->honest;
		h->gen = out->gen;
		h->left = rng_in(&s->rng, 1, f->depth);
		h->at = s->now + f->delay + HELD_FOR;
		sim_say(s, "    waits for %u others", h->left);
		return true;
	}
	return false;
}

static void let_go(struct sim *s, unsigned from, struct held *h)
{
	struct flight out = {.to = !from,
			     .honest = h->honest,
			     .gen = h->gen,
			     .len = h->len,
			     .off = h->off,
			     .data = h->data,
			     .at = s->now + s->side[from].out.delay};

	queue_put(s, &out);
	free(h->data);
	h->data = NULL;
}

static void overtaken(struct sim *s, unsigned from)
{
	struct faults *f = &s->side[from].out;

	for (unsigned i = 0; f->hold && i < MAX_HELD; i++)
		if (f->held[i].data && --f->held[i].left == 0)
			let_go(s, from, &f->held[i]);
}

void net_release(struct sim *s)
{
	for (unsigned k = 0; k < 2; k++)
		for (unsigned i = 0; s->side[k].out.hold && i < MAX_HELD; i++)
			if (s->side[k].out.held[i].data &&
			    s->side[k].out.held[i].at <= s->now)
				let_go(s, k, &s->side[k].out.held[i]);
}

tcpd_time net_next(const struct sim *s)
{
	tcpd_time next = s->nheap ? s->heap[0].at : TCPD_NEVER;

	for (unsigned k = 0; k < 2; k++)
		for (unsigned i = 0; s->side[k].out.hold && i < MAX_HELD; i++)
			if (s->side[k].out.held[i].data &&
			    s->side[k].out.held[i].at < next)
				next = s->side[k].out.held[i].at;
	return next;
}

void net_close(struct sim *s)
{
	struct flight f;

	while (queue_take(s, TCPD_NEVER, &f))
		free(f.data);
	for (unsigned k = 0; k < 2; k++)
		for (unsigned i = 0; i < MAX_HELD; i++) {
			free(s->side[k].out.held[i].data);
			s->side[k].out.held[i].data = NULL;
		}
	free(s->heap);
	s->heap = NULL;
	s->heap_room = 0;
}

/* ----------------------------------------------------------------- MTU */

static uint32_t path_mtu(struct sim *s, struct faults *f, bool v4)
{
	if (f->mtu_at <= s->now) {
		f->mtu_at = TCPD_NEVER;
		f->mtu = f->mtu_next;
		sim_say(s, "the path takes %u octets", f->mtu);
	}
	return f->mtu && !v4 && f->mtu < 1280 ? 1280 : f->mtu;
}

/* A router's word about a packet that was too large for the next link. */
static void too_big(struct sim *s, unsigned to, const uint8_t *data,
		    uint32_t len, uint32_t mtu)
{
	static uint8_t buf[PACKET_MAX], body[1300];
	bool v4 = data[0] >> 4 == 4;
	uint32_t quote = v4 ? 28 : 1232;
	struct packet p = {.version = v4 ? 4 : 6,
			   .protocol = v4 ? PROTO_ICMP : PROTO_ICMP6};
	struct tcpd_addr router;
	struct flight out = {.to = (uint8_t)to, .data = buf};
	uint16_t sum;

	quote = quote < len ? quote : len;
	world_place(&router, 0, p.version, 0);
	router.ip[15] = 254;
	memcpy(p.src, router.ip, 16);
	world_place(&router, to, p.version, 0);
	memcpy(p.dst, router.ip, 16);
	memset(body, 0, 8);
	body[0] = v4 ? 3 : 2;
	body[1] = v4 ? 4 : 0;
	body[6] = (uint8_t)(mtu >> 8);
	body[7] = (uint8_t)mtu;
	memcpy(body + 8, data, quote);
	p.data = body;
	p.len = 8 + quote;
	sum = (uint16_t)~packet_fold(
		packet_add(v4 ? 0 : packet_pseudo(&p, p.len), body, p.len));
	body[2] = (uint8_t)(sum >> 8);
	body[3] = (uint8_t)sum;
	out.len = (uint32_t)packet_build(&p, buf);
	out.at = s->now + s->side[to].out.delay;
	if (!lost(s, &s->side[!to].out))
		queue_put(s, &out);
}

/* False: it goes no further. */
static bool fits(struct sim *s, unsigned from, const uint8_t *data,
		 uint32_t len)
{
	struct faults *f = &s->side[from].out;
	uint32_t mtu = path_mtu(s, f, data[0] >> 4 == 4);

	if (!mtu || len <= mtu)
		return true;
	sim_say(s, "    too large for the path%s",
		f->hole ? ", and nobody says so" : "");
	if (!f->hole)
		too_big(s, from, data, len, mtu);
	return false;
}

/* --------------------------------------------------------------- sending */

/* One packet of the wire, complete: its fate. */
static void cross(struct sim *s, unsigned from, uint8_t *data, uint32_t len,
		  const struct tcpd_offload *off, uint8_t gen)
{
	struct faults *f = &s->side[from].out;
	bool bad = s->now < s->faults_end;
	struct flight out = {.to = !from,
			     .honest = true,
			     .sent = s->now,
			     .gen = gen,
			     .len = len,
			     .off = *off,
			     .data = data};
	const char *why = lost(s, f);
	tcpd_time at;

	overtaken(s, from);
	if (!why && !link_sends(s, f, len, &at))
		why = "queue full";
	if (why) {
		sim_say(s, "    lost: %s", why);
		return;
	}
	if (!off->flags && !fits(s, from, data, len))
		return;
	mark(s, f, data);
	if (s->side[!from].set.csum && !off->flags && !rng_below(&s->rng, 4))
		out.off.flags = TCPD_PKT_CSUM_VALID;
	out.at = arrival(s, f, at, bad);
	if (bad && rng_chance(&s->rng, f->dup)) {
		sim_say(s, "    doubled");
		queue_put(s, &out);
		out.at = arrival(s, f, at, bad);
	}
	if (bad && !out.off.flags && rng_chance(&s->rng, f->corrupt))
		out.honest = damage(s, data, len);
	if (bad && !out.off.flags && rng_chance(&s->rng, f->truncate)) {
		out.len = rng_below(&s->rng, len);
		out.honest = false;
		sim_say(s, "    cut to %u octets", out.len);
	}
	if (bad && rng_chance(&s->rng, f->hold) && hold(s, f, &out))
		return;
	queue_put(s, &out);
}

/* A segment of |p| from |at| on, as a device would cut it off. */
static void cut(struct sim *s, unsigned from, const struct packet *p,
		uint32_t at, uint32_t n, uint8_t gen)
{
	static const struct tcpd_offload none;
	static uint8_t buf[PACKET_MAX];
	struct packet part = *p;

	part.seq += at;
	part.data += at;
	part.len = n;
	part.gso = 0;
	part.sum = SUM_FULL;
	if (at + n < p->len)
		part.flags &= (uint8_t) ~(FLAG_FIN | FLAG_PSH);
	if (at)
		part.flags &= (uint8_t)~FLAG_CWR;
	cross(s, from, buf, (uint32_t)packet_build(&part, buf), &none, gen);
}

void net_send(struct sim *s, unsigned from, const struct packet *p,
	      const uint8_t *data, uint32_t len, const struct tcpd_offload *off,
	      uint8_t gen)
{
	static uint8_t copy[PACKET_MAX];
	uint32_t size = p->gso ? p->gso : p->len;
	const struct faults *f = &s->side[from].out;

	if (p->protocol == PROTO_TCP && p->sum == SUM_PARTIAL &&
	    (s->split_always || f->mtu || f->mtu_next ||
	     !s->side[!from].set.csum ||
	     (p->gso && !s->side[!from].set.tso4))) {
		uint32_t at = 0;

		do {
			cut(s, from, p, at,
			    p->len - at < size ? p->len - at : size, gen);
			at += size;
		} while (at < p->len);
		return;
	}
	memcpy(copy, data, len);
	cross(s, from, copy, len, off, gen);
}
