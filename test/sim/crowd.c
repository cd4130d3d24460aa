/* SPDX-License-Identifier: MIT */
/*
 * crowd.c - a thousand flows through a stack with 32 MiB for all of them, 1 %
 * loss, and two hundred readers that stand still: the others finish.  Once
 * with the readers on the small stack (its receive queues fill), once with
 * the writers on it (its send queues do).
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim.h"
#include "test/harness/pattern.h"

#define FLOWS 1000u
#define STILL 200u
#define TOTAL (256u << 10)
#define CHUNK 16384u
#define LIMIT TCPD_SEC(1800)

struct flow {
	tcpd_handle from, to;
	uint64_t wrote, took;
	uint16_t port;
	bool still, shut, done;
};

struct crowd {
	struct sim s;
	struct flow flow[FLOWS];
	unsigned opened, finished;
	unsigned reader; /* side that reads */
	tcpd_time next_open;
};

static void write_all(struct crowd *c, struct flow *f, unsigned side)
{
	struct tcpd_stack *st = c->s.side[side].st;
	uint8_t buf[CHUNK];

	while (f->wrote < TOTAL) {
		uint32_t n = TOTAL - f->wrote < CHUNK
				     ? (uint32_t)(TOTAL - f->wrote)
				     : CHUNK;
		int64_t came;

		pattern_fill(f->port, f->wrote, buf, n);
		came = tcpd_send(st, f->from, buf, n, c->s.now);
		if (came <= 0)
			return;
		f->wrote += (uint64_t)came;
	}
	if (!f->shut)
		f->shut = tcpd_shutdown(st, f->from, c->s.now) == 0;
}

static void read_all(struct crowd *c, struct flow *f, unsigned side)
{
	struct tcpd_stack *st = c->s.side[side].st;
	uint8_t buf[CHUNK];
	int64_t came;

	while (!f->still && !f->done) {
		came = tcpd_recv(st, f->to, buf, sizeof(buf), c->s.now);
		if (came > 0) {
			size_t same = pattern_same(f->port, f->took, buf,
						   (size_t)came);

			if (same < (size_t)came)
				sim_fail(&c->s, "octet %llu of %u is wrong",
					 (unsigned long long)f->took + same,
					 f->port);
			f->took += (uint64_t)came;
			continue;
		}
		if (came == 0) {
			f->done = true;
			if (f->took != TOTAL)
				sim_fail(&c->s, "end of file after %llu",
					 (unsigned long long)f->took);
			c->finished++;
			tcpd_close(st, f->to, c->s.now);
		}
		return;
	}
}

static void accept_all(struct crowd *c, unsigned side, tcpd_handle listener)
{
	struct tcpd_stack *st = c->s.side[side].st;
	tcpd_handle h;

	while (tcpd_accept(st, listener, &h, c->s.now) == 0) {
		struct tcpd_status status;
		unsigned i = c->opened; /* the last: ports are used again */
		struct flow *f;

		tcpd_status(st, h, &status, c->s.now);
		while (i && c->flow[i - 1].port != status.peer.port)
			i--;
		f = i ? &c->flow[i - 1] : NULL;
		if (!f) {
			sim_fail(&c->s, "nobody's connection is accepted");
			return;
		}
		*(side == c->reader ? &f->to : &f->from) = h;
		tcpd_set_user(st, h, f);
		if (side != c->reader)
			write_all(c, f, side);
	}
}

static void events(struct crowd *c, unsigned side)
{
	struct tcpd_stack *st = c->s.side[side].st;
	struct tcpd_event ev;

	while (tcpd_next_event(st, &ev)) {
		if (ev.user == &c->s.side[side]) {
			accept_all(c, side, ev.h);
			continue;
		}
		if (!ev.user)
			continue;
		if (ev.mask & (TCPD_EV_RESET | TCPD_EV_TIMEOUT))
			sim_fail(&c->s, "a flow ends by %s",
				 tcpd_err_name(ev.err));
		if (side == c->reader)
			read_all(c, ev.user, side);
		else
			write_all(c, ev.user, side);
	}
}

/* The client is the one whose stack is large. */
static void open_next(struct crowd *c)
{
	struct tcpd_stack *st = c->s.side[1].st;
	struct flow *f = &c->flow[c->opened];
	struct tcpd_addr peer;
	struct tcpd_status status;
	tcpd_handle h = 0;
	int err;

	world_place(&peer, 0, 4, PORT);
	err = tcpd_connect(st, &h, NULL, &peer, c->s.now);
	if (err) {
		sim_fail(&c->s, "tcpd_connect says %s", tcpd_err_name(err));
		return;
	}
	tcpd_status(st, h, &status, c->s.now);
	f->port = status.local.port;
	f->still = c->opened % (FLOWS / STILL) == 0;
	if (c->reader == 1)
		f->to = h;
	else
		f->from = h;
	tcpd_set_user(st, h, f);
	c->opened++;
	c->next_open = c->opened < FLOWS ? c->s.now + TCPD_MS(1) : TCPD_NEVER;
	if (c->reader == 0)
		write_all(c, f, 1);
}

static void turn(struct crowd *c, unsigned side)
{
	static uint8_t buf[PACKET_MAX];
	struct tcpd_stack *st = c->s.side[side].st;
	struct tcpd_out out;
	struct packet p;

	events(c, side);
	tcpd_input_done(st, c->s.now);
	while (c->s.nkept)
		free(c->s.kept[--c->s.nkept]);
	events(c, side);
	while (tcpd_output(st, &out, c->s.now)) {
		const char *wrong =
			packet_strict(&p, buf, &out, c->s.side[side].set.mtu);

		if (wrong)
			sim_fail(&c->s, "a packet breaks a rule: %s", wrong);
		net_send(&c->s, side, &p, buf, out.len, &out.off, 0);
		tcpd_output_done(st, &out, 0, c->s.now);
		c->s.npackets++;
	}
}

static void step(struct crowd *c)
{
	struct flight f;
	unsigned touched = 0;

	if (c->next_open <= c->s.now) {
		open_next(c);
		touched |= 2;
	}
	for (unsigned n = 0; n < 64 && queue_take(&c->s, c->s.now, &f); n++) {
		if (touched && !(touched & 1u << f.to)) {
			queue_put(&c->s, &f);
			free(f.data);
			break;
		}
		world_input(&c->s, f.to, f.data, f.len, &f.off);
		touched |= 1u << f.to;
	}
	for (unsigned i = 0; i < 2; i++) /* a batch ends before anything else */
		if (touched & 1u << i)
			turn(c, i);
	for (unsigned i = 0; i < 2; i++)
		if (tcpd_expiry(c->s.side[i].st) <= c->s.now) {
			tcpd_expire(c->s.side[i].st, c->s.now);
			turn(c, i);
		}
}

static void prepare(struct crowd *c, uint64_t seed, unsigned reader,
		    bool verbose)
{
	struct sim *s = &c->s;

	memset(c, 0, sizeof(*c));
	s->seed = seed;
	swarm_draw(s);
	s->verbose = verbose;
	s->npairs = 0;
	s->split_always = true;
	s->faults_end = TCPD_NEVER;
	c->reader = reader;
	c->next_open = s->now;
	for (unsigned i = 0; i < 2; i++) {
		struct side *side = &s->side[i];

		memset(&side->out, 0, sizeof(side->out));
		side->out.delay = TCPD_MS(5);
		side->out.mtu_at = TCPD_NEVER;
		side->mtu_at = side->jump_at = TCPD_NEVER;
		side->stop_at = side->restart_at = TCPD_NEVER;
		side->ahead = 0;
		side->fail_every = 0;
		side->out.loss = 10000;
		side->set.max_conns = 2 * FLOWS;
		side->set.max_half_open = 2 * FLOWS;
		/* the accepting side speaks first: had it kept no entry, a
		 * lost last ACK would leave both waiting */
		side->set.conn.syn_cookies = TCPD_COOKIES_AUTO;
		side->set.max_time_wait = 2 * FLOWS;
		side->set.conn.backlog = FLOWS;
		side->set.conn.receive_buffer = 4u << 20;
		side->set.conn.send_buffer = 4u << 20;
		side->set.memory = i ? 1u << 30 : 32u << 20;
		side->set.wscale = 7;
		side->set.mtu = 1500;
		side->set.rto_min = TCPD_MS(200);
		side->set.delack = TCPD_MS(40);
	}
}

static bool one(struct crowd *c, uint64_t seed, unsigned reader, unsigned *test,
		bool verbose)
{
	struct sim *s = &c->s;
	bool fine;

	prepare(c, seed, reader, verbose);
	fine = world_open(s);
	while (fine && !s->why[0] && c->finished < FLOWS - STILL) {
		tcpd_time next = net_next(s);

		for (unsigned i = 0; i < 2; i++)
			if (tcpd_expiry(s->side[i].st) < next)
				next = tcpd_expiry(s->side[i].st);
		if (c->next_open < next)
			next = c->next_open;
		if (next == TCPD_NEVER || next > s->begin + LIMIT)
			fine = sim_fail(s, "%u of %u flows have finished",
					c->finished, FLOWS - STILL);
		else if (next > s->now)
			s->now = next;
		if (fine)
			step(c);
	}
	world_close(s);
	fine = fine && !s->why[0];
	if (!fine)
		printf("# %s\n", s->why);
	printf("%sok %u - %u flows with 32 MiB, 1 %% loss, %u still readers on "
	       "the %s side: the others finish in %.1f s\n",
	       fine ? "" : "not ", ++*test, FLOWS, STILL,
	       reader ? "far" : "near", sim_clock(s));
	return fine;
}

unsigned crowd_run(uint64_t seed, unsigned *test, bool verbose)
{
	struct crowd *c = malloc(sizeof(*c));
	unsigned failed = 0;

	if (!c)
		abort();
	for (unsigned reader = 0; reader < 2; reader++)
		failed += !one(c, seed, reader, test, verbose);
	free(c);
	return failed;
}
