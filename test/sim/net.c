/* SPDX-License-Identifier: MIT */
/*
 * net.c - the network: a heap of packets by the time they arrive.  It does
 * what devices do (cuts super-segments, fills in checksums) and what bad
 * networks do (loses, delays, reorders, doubles, damages).
 */
#include <stdlib.h>
#include <string.h>

#include "sim.h"

static bool before(const struct flight *a, const struct flight *b)
{
	return a->at != b->at ? a->at < b->at : a->order < b->order;
}

void net_put(struct sim *s, const struct flight *flight)
{
	struct flight f = *flight;
	unsigned i;

	if (!f.order) /* one that is put back keeps its place */
		f.order = ++s->norder;
	f.data = malloc(f.len ? f.len : 1);
	if (s->nheap == s->heap_room) {
		s->heap_room = s->heap_room ? 2 * s->heap_room : 64;
		s->heap = realloc(s->heap, s->heap_room * sizeof(*s->heap));
	}
	if (!f.data || !s->heap)
		abort();
	memcpy(f.data, flight->data, f.len);
	for (i = s->nheap++; i && before(&f, &s->heap[(i - 1) / 2]);
	     i = (i - 1) / 2)
		s->heap[i] = s->heap[(i - 1) / 2];
	s->heap[i] = f;
}

tcpd_time net_next(const struct sim *s)
{
	return s->nheap ? s->heap[0].at : TCPD_NEVER;
}

/* The next packet that arrives until |at|; its data is the caller's. */
bool net_take(struct sim *s, tcpd_time at, struct flight *f)
{
	struct flight last;
	unsigned i = 0;

	if (!s->nheap || s->heap[0].at > at)
		return false;
	*f = s->heap[0];
	last = s->heap[--s->nheap];
	while (2 * i + 1 < s->nheap) {
		unsigned child = 2 * i + 1;

		if (child + 1 < s->nheap &&
		    before(&s->heap[child + 1], &s->heap[child]))
			child++;
		if (before(&last, &s->heap[child]))
			break;
		s->heap[i] = s->heap[child];
		i = child;
	}
	if (s->nheap)
		s->heap[i] = last;
	return true;
}

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

static bool lost(struct sim *s, struct faults *f)
{
	if (s->now < f->burst_end)
		return true;
	if (rng_chance(&s->rng, f->burst))
		f->burst_end = s->now + rng_next(&s->rng) % f->burst_time;
	return rng_chance(&s->rng, f->loss);
}

static tcpd_time arrival(struct sim *s, struct faults *f, bool bad)
{
	tcpd_time at = s->now + f->delay;

	if (f->jitter)
		at += rng_next(&s->rng) % f->jitter;
	if (bad && f->reorder && rng_chance(&s->rng, f->reorder))
		at += rng_next(&s->rng) % (f->late + 1);
	return at;
}

/* One packet of the wire, complete: its fate. */
static void cross(struct sim *s, unsigned from, uint8_t *data, uint32_t len,
		  const struct tcpd_offload *off)
{
	struct faults *f = &s->side[from].out;
	bool bad = s->now < s->faults_end;
	struct flight out = {.to = !from,
			     .honest = true,
			     .len = len,
			     .off = *off,
			     .data = data};

	if (bad && lost(s, f)) {
		sim_say(s, "    lost");
		return;
	}
	if (s->side[!from].set.csum && !off->flags && !rng_below(&s->rng, 4))
		out.off.flags = TCPD_PKT_CSUM_VALID;
	out.at = arrival(s, f, bad);
	if (bad && rng_chance(&s->rng, f->dup)) {
		sim_say(s, "    doubled");
		net_put(s, &out);
		out.at = arrival(s, f, bad);
	}
	if (bad && !out.off.flags && rng_chance(&s->rng, f->corrupt))
		out.honest = damage(s, data, len);
	net_put(s, &out);
}

/* A segment of |p| from |at| on, as a device would cut it off. */
static void cut(struct sim *s, unsigned from, const struct packet *p,
		uint32_t at, uint32_t n)
{
	static const struct tcpd_offload none;
	struct packet part = *p;
	uint8_t *buf = malloc(PACKET_MAX);

	if (!buf)
		abort();
	part.seq += at;
	part.data += at;
	part.len = n;
	part.gso = 0;
	part.sum = SUM_FULL;
	if (at + n < p->len)
		part.flags &= (uint8_t) ~(FLAG_FIN | FLAG_PSH);
	cross(s, from, buf, (uint32_t)packet_build(&part, buf), &none);
	free(buf);
}

void net_send(struct sim *s, unsigned from, const struct packet *p,
	      const uint8_t *data, uint32_t len, const struct tcpd_offload *off)
{
	uint32_t size = p->gso ? p->gso : p->len;
	uint8_t *copy;

	if (p->protocol == PROTO_TCP && p->sum == SUM_PARTIAL &&
	    (s->split_always || !s->side[!from].set.csum ||
	     (p->gso && !s->side[!from].set.tso4))) {
		uint32_t at = 0;

		do {
			cut(s, from, p, at,
			    p->len - at < size ? p->len - at : size);
			at += size;
		} while (at < p->len);
		return;
	}
	copy = malloc(len);
	if (!copy)
		abort();
	memcpy(copy, data, len);
	cross(s, from, copy, len, off);
	free(copy);
}
