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

/*
 * What two stacks may have differently: a line each.  Half of the seeds leave
 * a line alone; the others draw one of its values for each stack.
 */
struct knob {
	size_t at, size; /* of the setting */
	uint8_t n;
	uint64_t value[6];
};

#define KNOB(setting, count, ...)                                            \
	{                                                                    \
		offsetof(struct tcpd_settings, setting),                     \
			sizeof(((struct tcpd_settings *)0)->setting), count, \
		{                                                            \
			__VA_ARGS__                                          \
		}                                                            \
	}

static const struct knob knobs[] = {
	KNOB(memory, 4, 1u << 18, 1u << 20, 4u << 20, 16u << 20),
	KNOB(conn.backlog, 3, 1, 2, 16),
	KNOB(conn.time_wait, 2, TCPD_SEC(60), TCPD_SEC(120)),
	KNOB(conn.receive_buffer, 4, 4096, 20000, 65536, 1u << 20),
	KNOB(conn.send_buffer, 4, 4096, 20000, 65536, 1u << 20),
	KNOB(wscale, 4, 0, 2, 7, 14),
	KNOB(timestamps, 2, 0, 1),
	KNOB(sack, 2, 0, 1),
	KNOB(delack, 4, TCPD_MS(1), TCPD_MS(40), TCPD_MS(200), TCPD_MS(500)),
	KNOB(rto_min, 3, TCPD_MS(50), TCPD_MS(200), TCPD_MS(1000)),
	KNOB(rto_max, 2, TCPD_SEC(60), TCPD_SEC(120)),
	KNOB(ts_tick, 3, TCPD_MS(1), TCPD_MS(10), TCPD_MS(100)),
	KNOB(mtu, 4, 1280, 1500, 9000, 65535),
	KNOB(resets_per_second, 3, 1, 100, 10000),
	KNOB(as_linux, 2, 0, 1),
	KNOB(pacing, 2, 0, 1),
	KNOB(conn.ecn, 3, TCPD_ECN_OFF, TCPD_ECN_PASSIVE, TCPD_ECN_ON),
};

static void turn_knobs(struct sim *s)
{
	struct rng *r = &s->rng;

	for (size_t k = 0; k < sizeof(knobs) / sizeof(*knobs); k++) {
		const struct knob *knob = &knobs[k];

		if (rng_below(r, 2))
			continue;
		for (unsigned i = 0; i < 2; i++) {
			uint64_t v = knob->value[rng_below(r, knob->n)];
			char *at = (char *)&s->side[i].set + knob->at;

			/* little-endian, as the daemon's machines are */
			memcpy(at, &v, knob->size);
		}
	}
}

static void draw_settings(struct sim *s, unsigned i)
{
	struct rng *r = &s->rng;
	struct tcpd_settings *set = &s->side[i].set;

	/* what was promised outlives the faults */
	set->syn_retries = set->retries = set->orphan_retries = 100;
	if (set->conn.receive_buffer < 65536 && set->wscale > 7)
		set->wscale = 7;
	if (set->rto_max < set->rto_init)
		set->rto_max = set->rto_init;
	set->csum = rng_below(r, 2);
	set->tso4 = set->tso6 = set->csum && rng_below(r, 2);
	set->queue = (uint8_t)rng_below(r, 64);
	set->conn.congestion = (uint8_t)rng_below(r, TCPD_NCCS);
	/* not drawn: what a seed of the others plays stays the same */
	set->conn.ecn = (uint8_t)((s->seed / 4 + i) % TCPD_NECNS);
	if (!rng_below(r, 3)) { /* entries give way, or there are none */
		set->max_half_open = PICK(r, 1, 2, 4);
		set->conn.syn_cookies =
			(uint8_t)PICK(r, TCPD_COOKIES_AUTO, TCPD_COOKIES_AUTO,
				      TCPD_COOKIES_ALWAYS);
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

static void defaults(struct tcpd_settings *set)
{
	tcpd_settings_init(set);
	set->max_conns = 32;
	set->max_listeners = 2;
	set->max_half_open = 32;
	set->max_time_wait = 32;
	set->memory = 4u << 20;
	set->conn.backlog = 16;
	set->conn.receive_buffer = set->conn.send_buffer = 256u << 10;
}

/* A router on the way takes less than the hosts know of. */
static void draw_path(struct sim *s, struct faults *f)
{
	struct rng *r = &s->rng;

	f->mtu_at = TCPD_NEVER;
	if (!rng_below(r, 6)) {
		f->mtu = PICK(r, 576, 1006, 1280, 1400, 1492);
		/* the search for less than that takes many time-outs */
		f->hole = f->mtu >= 1280 && rng_below(r, 2);
	}
	if (!rng_below(r, 8)) {
		f->mtu_at = s->begin + TCPD_MS(rng_below(r, 5000));
		f->mtu_next = f->hole ? PICK(r, 1280, 1499, 9000)
				      : PICK(r, 576, 1280, 1499, 9000);
	}
	if (!rng_below(r, 4)) {
		f->rate = PICK(r, 10000, 100000, 1000000, 10000000, 100000000);
		f->queue = PICK(r, 5000, 20000, 100000, 1000000);
	}
	if (!rng_below(r, 8))
		f->ce = PICK(r, 1000, 100000, 1000000);
	f->bleach = !rng_below(r, 16);
}

/* Less than any path should take: nothing is promised. */
static void draw_narrow(struct sim *s, unsigned i)
{
	struct rng *r = &s->rng;

	if (!rng_below(r, 8)) {
		s->side[i].out.mtu = PICK(r, 68, 296, 552);
		s->side[i].out.hole = rng_below(r, 2);
	}
	if (!rng_below(r, 8)) {
		s->side[i].mtu_at = s->begin + TCPD_MS(rng_below(r, 3000));
		/* with room for any header, as IPv6 promises */
		s->side[i].mtu_next = (uint16_t)rng_in(r, 100, 65535);
	}
}

static void draw_faults(struct sim *s, struct faults *f)
{
	struct rng *r = &s->rng;

	if (rng_below(r, 16))
		f->delay = TCPD_US(PICK(r, 1, 100, 1000, 20000, 150000));
	else
		f->delay = TCPD_MS(PICK(r, 1000, 10000));
	if (rng_below(r, 2))
		f->jitter = f->delay / PICK(r, 1, 2, 10);
	if (rng_below(r, 3))
		f->loss = PICK(r, 1000, 10000, 50000, 100000, 300000, 500000);
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
	if (!rng_below(r, 4)) {
		f->hold = PICK(r, 1000, 10000, 100000);
		f->depth = PICK(r, 1, 3, 10, 100, 1000);
	}
	if (!rng_below(r, 4))
		f->corrupt = PICK(r, 5000, 50000);
	if (!rng_below(r, 4))
		f->truncate = PICK(r, 5000, 50000);
	draw_path(s, f);
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
 * clock (RFC 6528), so the hosts' clocks are ahead by what brings the first
 * connection's to just below 2^32.
 */
static void near_wrap(struct sim *s)
{
	struct pair *p = &s->pair[0];
	unsigned i = p->ep[0].side;
	struct side *side = &s->side[i];
	struct tcpd_status st;
	struct tcpd_addr peer;
	tcpd_handle h = 0;
	uint32_t below = rng_below(&s->rng, 40000);
	tcpd_time wait = 0;

	world_place(&peer, !p->ep[0].side, p->version, PORT);
	if (!world_make(s, i))
		return;
	if (!tcpd_connect(side->st, &h, NULL, &peer, sim_now(s, i)) &&
	    !tcpd_status(side->st, h, &st, sim_now(s, i)))
		wait = TCPD_US((uint64_t)(0u - below - st.iss)) * 64 / 1000;
	tcpd_free(side->st);
	side->st = NULL;
	s->side[0].ahead += wait; /* the hosts' clocks, not the world's */
	s->side[1].ahead += wait;
	p->start = s->begin;
}

/* What befalls the two hosts (life.c). */
static void draw_life(struct sim *s, unsigned i)
{
	struct rng *r = &s->rng;
	struct side *side = &s->side[i];

	side->mtu_at = side->jump_at = side->stop_at = side->restart_at =
		TCPD_NEVER;
	if (!rng_below(r, 8)) {
		side->mtu_at = s->begin + TCPD_MS(rng_below(r, 3000));
		side->mtu_next = (uint16_t)PICK(r, 1280, 1400, 9000, 65535);
	}
	if (!rng_below(r, 10)) {
		side->jump_at = s->begin + TCPD_MS(rng_below(r, 5000));
		side->jump_by = TCPD_MS(PICK(r, 1, 50, 1000, 60000, 3600000));
	}
	if (!rng_below(r, 10)) {
		side->stop_at = s->begin + TCPD_MS(rng_below(r, 5000));
		side->stop_until = side->stop_at +
				   TCPD_MS(PICK(r, 1, 100, 3000, 8000, 60000));
	}
	if (!rng_below(r, 12))
		side->restart_at = s->begin + TCPD_MS(rng_below(r, 6000));
}

/* One direction is dark for up to five minutes. */
static void draw_dark(struct sim *s)
{
	struct rng *r = &s->rng;
	struct faults *f = &s->side[rng_below(r, 2)].out;

	if (rng_below(r, 10))
		return;
	f->dark_from = s->begin + TCPD_MS(rng_below(r, 5000));
	f->dark_to = f->dark_from +
		     TCPD_MS(PICK(r, 100, 3000, 20000, 60000, 300000));
	if (f->dark_to > s->faults_end)
		s->faults_end = f->dark_to;
	for (unsigned i = 0; i < 2; i++) {
		struct tcpd_settings *set = &s->side[i].set;

		set->conn.nsynack_waits = TCPD_MAX_WAITS;
		for (unsigned k = 6; k < TCPD_MAX_WAITS; k++)
			set->conn.synack_wait[k] = TCPD_SEC(60);
	}
}

/*
 * A cookie is good for two minutes, an entry for one and a half, what an app
 * has closed for two behind a closed window: no promise where any of these
 * may take longer.
 */
static void draw_slow(struct sim *s)
{
	for (unsigned i = 0; i < 2; i++) {
		const struct side *side = &s->side[i];

		s->patient = s->patient || side->out.loss >= 300000 ||
			     side->out.delay >= TCPD_SEC(1) ||
			     side->out.dark_to - side->out.dark_from >=
				     TCPD_SEC(3) ||
			     (side->stop_at != TCPD_NEVER &&
			      side->stop_until - side->stop_at >= TCPD_SEC(3));
	}
	for (unsigned i = 0; s->patient && i < 2; i++) {
		struct tcpd_settings *set = &s->side[i].set;

		set->conn.syn_cookies = TCPD_COOKIES_OFF;
		set->conn.nsynack_waits = TCPD_MAX_WAITS;
		for (unsigned k = 6; k < TCPD_MAX_WAITS; k++)
			set->conn.synack_wait[k] = TCPD_SEC(60);
	}
}

/* How long what was promised may take once the faults are over: the longest
 * time-out, and what delay and rate ask for. */
static void draw_patience(struct sim *s)
{
	s->patience = TCPD_SEC(120);
	for (unsigned i = 0; i < 2; i++) {
		const struct side *side = &s->side[i];
		uint64_t octets = 0;

		for (unsigned k = 0; k < s->npairs; k++)
			octets +=
				s->pair[k].ep[0].total + s->pair[k].ep[1].total;
		s->patience += side->set.rto_max +
			       200 * (side->out.delay + side->out.jitter);
		if (side->out.hole) /* two time-outs, and it is seen */
			s->patience += 3 * TCPD_SEC(120);
		if (side->out.rate) /* and what its queue drops */
			s->patience += TCPD_SEC(2 * octets / side->out.rate) +
				       3 * side->set.rto_max;
		if (side->stop_at != TCPD_NEVER &&
		    side->stop_until > s->faults_end)
			s->faults_end = side->stop_until;
	}
}

/* Both ends connect: neither may stand still, or forget, meanwhile. */
static void draw_crossing(struct sim *s, struct pair *p)
{
	p->crossing = !rng_below(&s->rng, 8);
	for (unsigned i = 0; i < 2; i++)
		if (s->side[i].stop_at != TCPD_NEVER ||
		    s->side[i].restart_at != TCPD_NEVER)
			p->crossing = false;
}

void swarm_draw(struct sim *s)
{
	struct rng *r = &s->rng;
	bool rude;

	r->state = s->seed * 0x2545f4914f6cdd1du + 1;
	s->begin = s->now = SIM_START;
	for (unsigned i = 0; i < 2; i++)
		defaults(&s->side[i].set);
	turn_knobs(s);
	for (unsigned i = 0; i < 2; i++) {
		draw_settings(s, i);
		draw_faults(s, &s->side[i].out);
		draw_life(s, i);
	}
	if (rng_below(r, 2))
		s->side[0].out = s->side[1].out;
	s->faults_end = s->begin + TCPD_MS(rng_in(r, 100, 20000));
	draw_dark(s);
	draw_slow(s);
	s->split_always = rng_below(r, 2);
	s->adversary = !rng_below(r, 3);
	rude = !rng_below(r, 4);
	s->forge = s->adversary ? 100000 : 0;
	if (rude) /* 2MSL that does not outlive the faults */
		for (unsigned i = 0; i < 2; i++) {
			s->side[i].set.max_time_wait = 2;
			s->side[i].set.conn.time_wait = TCPD_SEC(1);
			s->side[i].set.orphan_retries = 3;
			s->side[i].set.retries = 4;
			s->side[i].set.syn_retries = 6;
			draw_narrow(s, i);
		}
	s->npairs = rng_in(r, 1, rng_below(r, 4) ? 2 : MAX_PAIRS);
	for (unsigned i = 0; i < s->npairs; i++) {
		draw_pair(s, &s->pair[i], rude);
		draw_crossing(s, &s->pair[i]);
	}
	draw_patience(s);
	if (!rng_below(r, 4))
		near_wrap(s);
}
