/* SPDX-License-Identifier: MIT */
/*
 * swarm.c - what a seed decides: each switches on a random part of all the
 * faults and settings there are, so that rare ones meet undisturbed.
 */
#include <string.h>

#include "sim.h"

static uint32_t pick(struct rng *r, const uint32_t *of, uint32_t n)
{
	return of[rng_below(r, n)];
}

#define PICK(r, ...)                             \
	pick(r, (const uint32_t[]){__VA_ARGS__}, \
	     sizeof((const uint32_t[]){__VA_ARGS__}) / sizeof(uint32_t))

static void draw_settings(struct sim *s, unsigned i)
{
	struct rng *r = &s->rng;
	struct tcpd_settings *set = &s->side[i].set;

	tcpd_settings_init(set);
	set->max_conns = 32;
	set->max_listeners = 2;
	set->max_half_open = 32;
	set->max_time_wait = 32;
	set->memory = PICK(r, 1u << 20, 4u << 20, 16u << 20);
	set->conn.backlog = PICK(r, 1, 2, 16, 16);
	set->conn.time_wait = TCPD_SEC(PICK(r, 60, 120));
	set->orphan_retries = 15; /* what was promised outlives the faults */
	set->conn.receive_buffer = PICK(r, 4096, 20000, 65536, 1u << 20);
	set->conn.send_buffer = PICK(r, 4096, 20000, 65536, 1u << 20);
	set->wscale = (uint8_t)PICK(r, 0, 2, 7, 7, 7, 14);
	if (set->conn.receive_buffer < 65536 && set->wscale > 7)
		set->wscale = 7;
	set->delack = TCPD_MS(PICK(r, 1, 40, 40, 200));
	set->rto_min = TCPD_MS(PICK(r, 50, 200, 200, 1000));
	set->mtu = (uint16_t)PICK(r, 1280, 1500, 1500, 1500, 9000, 65535);
	set->csum = rng_below(r, 2);
	set->tso4 = set->tso6 = set->csum && rng_below(r, 2);
	set->queue = (uint8_t)rng_below(r, 64);
	/* not drawn: what a seed of the others plays stays the same */
	set->as_linux = s->seed % 4 == 3;
	if (set->as_linux)
		set->syn_retries = 10;
	if (!rng_below(r, 3)) { /* entries give way, or there are none */
		set->max_half_open = PICK(r, 1, 2, 4);
		set->conn.syn_cookies =
			(uint8_t)PICK(r, TCPD_COOKIES_AUTO, TCPD_COOKIES_AUTO,
				      TCPD_COOKIES_ALWAYS);
	}
	s->side[i].mtu_at = TCPD_NEVER;
	if (!rng_below(r, 8)) {
		s->side[i].mtu_at = s->begin + TCPD_MS(rng_below(r, 3000));
		s->side[i].mtu_next = (uint16_t)PICK(r, 1280, 1400, 9000);
	}
	if (!rng_below(r, 8)) {
		s->side[i].fail_every = rng_in(r, 2, 20);
		s->side[i].fail_errno = 5;
	}
	for (unsigned k = 0; k < sizeof(set->key); k++)
		set->key[k] = (uint8_t)rng_next(r);
	set->naddrs = 0;
	for (uint8_t v = 4; v <= 6; v = (uint8_t)(v + 2)) {
		struct tcpd_prefix *p = &set->addr[set->naddrs++];
		struct tcpd_addr a;

		world_place(&a, i, v, 0);
		memcpy(p->ip, a.ip, 16);
		p->family = v;
		p->len = v == 4 ? 24 : 64;
	}
}

static void draw_faults(struct sim *s, struct faults *f)
{
	struct rng *r = &s->rng;

	f->delay = TCPD_US(PICK(r, 1, 100, 1000, 20000, 150000));
	if (rng_below(r, 2))
		f->jitter = f->delay / PICK(r, 1, 2, 10);
	if (rng_below(r, 3))
		f->loss = PICK(r, 1000, 10000, 50000, 100000, 300000);
	if (!rng_below(r, 4)) {
		f->burst = 20000;
		f->burst_time = TCPD_MS(PICK(r, 2, 50, 500));
	}
	if (!rng_below(r, 3))
		f->dup = PICK(r, 10000, 100000);
	if (!rng_below(r, 3)) {
		f->reorder = PICK(r, 10000, 100000, 300000);
		f->late = f->delay * rng_in(r, 1, 8);
	}
	if (!rng_below(r, 4))
		f->corrupt = PICK(r, 5000, 50000);
}

static uint32_t draw_total(struct rng *r)
{
	return rng_below(r, PICK(r, 1, 100, 3000, 20000, 60000));
}

static void draw_pair(struct sim *s, struct pair *p, bool rude)
{
	struct rng *r = &s->rng;
	unsigned client = rng_below(r, 2);
	unsigned index = (unsigned)(p - s->pair);

	p->version = rng_below(r, 2) ? 4 : 6;
	p->hostile = rude || !rng_below(r, 3);
	p->start = s->begin + TCPD_MS(rng_below(r, 3000));
	for (unsigned i = 0; i < 2; i++) {
		struct endpoint *e = &p->ep[i];

		e->pair = p;
		e->side = (uint8_t)(i ? !client : client);
		e->total = draw_total(r);
		e->write_size = rng_in(r, 1, PICK(r, 10, 1500, 20000));
		e->read_size = rng_in(r, 1, PICK(r, 100, 5000, 100000));
		if (e->total / e->write_size > 500)
			e->write_size += (uint32_t)e->total / 500;
		if (e->total / e->read_size > 500)
			e->read_size += (uint32_t)e->total / 500;
		e->at = TCPD_NEVER;
		e->salt = 2 * index + i;
	}
	for (unsigned i = 0; i < 2; i++) /* what it reads is the other's */
		if (p->ep[!i].total / p->ep[i].read_size > 500)
			p->ep[i].read_size += (uint32_t)p->ep[!i].total / 500;
}

/*
 * Sequence numbers that wrap are rare and find mistakes.  ISNs follow the
 * clock (RFC 6528), so everything is put off until the first connection's is
 * just below 2^32.
 */
static void near_wrap(struct sim *s)
{
	struct pair *p = &s->pair[0];
	struct side *side = &s->side[p->ep[0].side];
	struct tcpd_status st;
	struct tcpd_addr peer;
	tcpd_handle h = 0;
	uint32_t below = rng_below(&s->rng, 40000);
	tcpd_time wait = 0;

	world_place(&peer, !p->ep[0].side, p->version, PORT);
	if (!world_make(s, side))
		return;
	if (!tcpd_connect(side->st, &h, NULL, &peer, s->now) &&
	    !tcpd_status(side->st, h, &st, s->now))
		wait = TCPD_US((uint64_t)(0u - below - st.iss)) * 64 / 1000;
	tcpd_free(side->st);
	side->st = NULL;
	s->now += wait;
	s->begin += wait;
	s->faults_end += wait;
	if (s->stop_at != TCPD_NEVER)
		s->stop_at += wait;
	for (unsigned i = 0; i < 2; i++)
		if (s->side[i].mtu_at != TCPD_NEVER)
			s->side[i].mtu_at += wait;
	for (unsigned i = 0; i < s->npairs; i++)
		s->pair[i].start += wait;
	p->start = s->begin;
}

void swarm_draw(struct sim *s)
{
	struct rng *r = &s->rng;
	bool rude;

	r->state = s->seed * 0x2545f4914f6cdd1du + 1;
	s->begin = s->now = SIM_START;
	for (unsigned i = 0; i < 2; i++) {
		draw_settings(s, i);
		draw_faults(s, &s->side[i].out);
	}
	if (rng_below(r, 2))
		s->side[0].out = s->side[1].out;
	s->faults_end = s->begin + TCPD_MS(rng_in(r, 100, 20000));
	s->split_always = rng_below(r, 2);
	s->stop_at = TCPD_NEVER;
	if (!rng_below(r, 8)) {
		s->stop_at = s->begin + TCPD_MS(rng_below(r, 5000));
		s->stop_for = TCPD_MS(rng_in(r, 1, 8000));
	}
	s->adversary = !rng_below(r, 3);
	rude = !rng_below(r, 4);
	s->forge = s->adversary ? 100000 : 0;
	if (rude) /* 2MSL that does not outlive the faults */
		for (unsigned i = 0; i < 2; i++) {
			s->side[i].set.max_time_wait = 2;
			s->side[i].set.conn.time_wait = TCPD_SEC(1);
			s->side[i].set.orphan_retries = 3;
			s->side[i].set.retries = 4;
		}
	s->npairs = rng_in(r, 1, rng_below(r, 4) ? 2 : MAX_PAIRS);
	for (unsigned i = 0; i < s->npairs; i++)
		draw_pair(s, &s->pair[i], rude);
	if (!rng_below(r, 4))
		near_wrap(s);
}
