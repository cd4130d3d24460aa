/* SPDX-License-Identifier: MIT */
/*
 * golden.c - what each congestion control makes of a path: tables of goodput
 * in virtual time, the same on any machine, so that a change of recovery or
 * congestion control shows as a difference (scripts/golden).  One bulk flow,
 * or several that begin a tenth of a second apart, from A to B.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim.h"

#define FLOWS 8u
#define MSS   1448u /* text of a segment: time stamps are on */

struct path {
	uint32_t mbits, rtt_us;
	uint32_t queue; /* hundredths of the bandwidth-delay product */
	uint32_t loss, hold, depth; /* as in struct faults */
	uint32_t ms;		    /* how long it is looked at */
};

struct flow {
	tcpd_handle h[2];
	uint16_t port;
	uint8_t cc;
	uint64_t took, resent;
};

struct golden {
	struct sim s;
	struct flow flow[FLOWS];
	unsigned nflows, opened;
	tcpd_time next_open;
};

static void fill(struct golden *g, struct flow *f)
{
	struct tcpd_room room[2];
	struct tcpd_stack *st = g->s.side[0].st;
	int n;

	do { /* what the octets are is nobody's business */
		size_t len = 0;

		n = tcpd_send_room(st, f->h[0], 1u << 18, room, 2);
		for (int i = 0; i < n; i++)
			len += room[i].len;
		if (!len)
			return;
		n = tcpd_send_filled(st, f->h[0], len, g->s.now);
	} while (!n);
}

static void drain(struct golden *g, struct flow *f)
{
	struct tcpd_slice slice[8];
	struct tcpd_stack *st = g->s.side[1].st;
	int n;

	while ((n = tcpd_recv_peek(st, f->h[1], slice, 8)) > 0) {
		size_t len = 0;

		for (int i = 0; i < n; i++)
			len += slice[i].len;
		if (tcpd_recv_done(st, f->h[1], len, g->s.now))
			return;
		f->took += len;
	}
}

static void accept_all(struct golden *g)
{
	struct side *side = &g->s.side[1];
	tcpd_handle h;

	while (tcpd_accept(side->st, side->listener, &h, g->s.now) == 0) {
		struct tcpd_status st;

		if (tcpd_status(side->st, h, &st, g->s.now))
			continue;
		for (unsigned i = 0; i < g->opened; i++) {
			struct flow *f = &g->flow[i];

			if (f->port != st.peer.port)
				continue;
			f->h[1] = h;
			tcpd_set_user(side->st, h, f);
			drain(g, f);
		}
	}
}

static void events(struct golden *g, unsigned i)
{
	struct tcpd_event ev;

	while (tcpd_next_event(g->s.side[i].st, &ev)) {
		if (ev.user == &g->s.side[i])
			accept_all(g);
		else if (ev.user && i)
			drain(g, ev.user);
		else if (ev.user)
			fill(g, ev.user);
	}
}

static void open_next(struct golden *g)
{
	struct flow *f = &g->flow[g->opened++];
	struct tcpd_stack *st = g->s.side[0].st;
	struct tcpd_addr peer;
	struct tcpd_status status;

	world_place(&peer, 1, 4, PORT);
	if (tcpd_connect(st, &f->h[0], NULL, &peer, g->s.now) ||
	    tcpd_set_option(st, f->h[0], TCPD_OPT_CONGESTION, f->cc,
			    g->s.now) ||
	    tcpd_status(st, f->h[0], &status, g->s.now))
		abort();
	f->port = status.local.port;
	tcpd_set_user(st, f->h[0], f);
	g->next_open =
		g->opened < g->nflows ? g->s.now + TCPD_MS(100) : TCPD_NEVER;
}

static void turn(struct golden *g, unsigned i)
{
	static uint8_t buf[PACKET_MAX];
	struct tcpd_stack *st = g->s.side[i].st;
	struct tcpd_out out;
	struct packet p = {.version = 4, .protocol = PROTO_TCP};

	events(g, i);
	tcpd_input_done(st, g->s.now);
	while (g->s.nkept)
		free(g->s.kept[--g->s.nkept]);
	events(g, i);
	while (tcpd_output(st, &out, g->s.now)) {
		uint32_t len = out.nhead;

		memcpy(buf, out.head, len);
		for (unsigned k = 0; k < out.nslices; k++) {
			memcpy(buf + len, out.slice[k].p, out.slice[k].len);
			len += out.slice[k].len;
		}
		net_send(&g->s, i, &p, buf, len, &out.off, 0);
		tcpd_output_done(st, &out, 0, g->s.now);
	}
}

static void step(struct golden *g)
{
	struct sim *s = &g->s;
	unsigned touched = 0;
	struct flight f;

	net_release(s);
	while (queue_take(s, s->now, &f)) {
		if (touched && !(touched & 1u << f.to)) {
			queue_put(s, &f);
			free(f.data);
			break;
		}
		world_input(s, f.to, f.data, f.len, &f.off);
		touched |= 1u << f.to;
	}
	for (unsigned i = 0; i < 2; i++) { /* packets before timers */
		if (touched & 1u << i)
			turn(g, i);
		if (tcpd_expiry(s->side[i].st) <= s->now) {
			tcpd_expire(s->side[i].st, s->now);
			turn(g, i);
		}
	}
	if (g->next_open <= s->now) {
		open_next(g);
		turn(g, 0);
	}
}

static tcpd_time next_time(const struct golden *g)
{
	tcpd_time next = net_next(&g->s);

	for (unsigned i = 0; i < 2; i++)
		if (tcpd_expiry(g->s.side[i].st) < next)
			next = tcpd_expiry(g->s.side[i].st);
	return g->next_open < next ? g->next_open : next;
}

/* Hosts as they are by default, on a device that wants no checksums and cuts
 * nothing: a segment is a packet. */
static void prepare(struct golden *g, const struct path *p)
{
	struct sim *s = &g->s;
	uint64_t bdp = (uint64_t)p->mbits * p->rtt_us / 8;

	s->begin = s->now = SIM_START;
	s->faults_end = TCPD_NEVER;
	s->rng.state = (uint64_t)p->mbits << 40 ^ (uint64_t)p->rtt_us << 8 ^
		       p->loss * 77 ^ p->depth;
	g->next_open = s->now;
	for (unsigned i = 0; i < 2; i++) {
		struct tcpd_settings *set = &s->side[i].set;
		struct faults *f = &s->side[i].out;
		struct tcpd_addr a;

		tcpd_settings_init(set);
		set->max_conns = 32;
		set->max_listeners = 2;
		set->max_half_open = set->max_time_wait = 32;
		set->memory = 256u << 20;
		set->conn.receive_buffer = set->conn.send_buffer = 64u << 20;
		set->csum = true;
		set->pacing = true;
		memset(set->key, 7, sizeof(set->key));
		set->naddrs = 1;
		world_place(&a, i, 4, 0);
		memcpy(set->addr[0].ip, a.ip, 16);
		set->addr[0].family = 4;
		set->addr[0].len = 24;
		f->mtu_at = TCPD_NEVER;
		f->delay = TCPD_US(p->rtt_us) / 2;
	}
	s->side[0].out.rate = (uint64_t)p->mbits * 125000;
	s->side[0].out.queue = (uint32_t)(bdp * p->queue / 100);
	if (s->side[0].out.queue < 10 * 1500)
		s->side[0].out.queue = 10 * 1500;
	s->side[0].out.loss = p->loss;
	s->side[0].out.hold = p->hold;
	s->side[0].out.depth = p->depth;
}

/* Play it; what each flow got is in its |took|. */
static void play(struct golden *g, const struct path *p)
{
	struct sim *s = &g->s;
	tcpd_time end;

	prepare(g, p);
	end = s->begin + TCPD_MS(p->ms);
	if (!world_open(s))
		abort();
	for (;;) {
		tcpd_time next = next_time(g);

		if (next > end)
			break;
		if (next > s->now)
			s->now = next;
		step(g);
	}
	for (unsigned i = 0; i < g->nflows; i++) {
		struct tcpd_status st;

		if (!tcpd_status(s->side[0].st, g->flow[i].h[0], &st, s->now))
			g->flow[i].resent = st.retransmits;
	}
	world_close(s);
}

static uint64_t kbits(uint64_t octets, const struct path *p)
{
	return octets * 8 / p->ms;
}

/* --------------------------------------------------------------- tables */

static void alone(struct golden *g, uint8_t cc, const struct path *p)
{
	memset(g, 0, sizeof(*g));
	g->nflows = 1;
	g->flow[0].cc = cc;
	play(g, p);
	printf("%-8s %5u %7.1f %6.1f %6.2f %6u %8llu %7llu\n",
	       tcpd_congestion_name(cc), p->mbits, p->rtt_us / 1000.0,
	       p->queue / 100.0, p->loss / 1e4, p->depth,
	       (unsigned long long)kbits(g->flow[0].took, p),
	       (unsigned long long)g->flow[0].resent);
}

static void head(const char *what)
{
	printf("# %s\n# control  Mbit/s  RTT ms  queue loss %%  depth   kbit/s "
	       " resent\n",
	       what);
}

static void losses(struct golden *g, uint8_t cc)
{
	static const uint32_t loss[] = {0, 1000, 10000, 30000, 100000};
	static const uint32_t rtt[][2] = {
		{100, 1000}, {20000, 3000}, {100000, 6000}, {300000, 15000}};

	for (unsigned i = 0; i < 4; i++)
		for (unsigned k = 0; k < 5; k++)
			alone(g, cc,
			      &(struct path){.mbits = 100,
					     .rtt_us = rtt[i][0],
					     .queue = 100,
					     .loss = loss[k],
					     .ms = rtt[i][1]});
}

static void rates(struct golden *g, uint8_t cc)
{
	static const uint32_t rate[] = {10, 100, 1000}, queue[] = {50, 100};

	for (unsigned i = 0; i < 3; i++)
		for (unsigned k = 0; k < 2; k++)
			alone(g, cc,
			      &(struct path){.mbits = rate[i],
					     .rtt_us = 20000,
					     .queue = queue[k],
					     .ms = 3000});
}

static void orders(struct golden *g, uint8_t cc)
{
	static const uint32_t depth[] = {0, 3, 10, 100};

	for (unsigned i = 0; i < 2; i++)
		for (unsigned k = 0; k < 4; k++)
			alone(g, cc,
			      &(struct path){.mbits = 100,
					     .rtt_us = i ? 100000 : 20000,
					     .queue = 100,
					     .hold = depth[k] ? 20000 : 0,
					     .depth = depth[k],
					     .ms = i ? 6000 : 3000});
}

/* The sum of the flows, and Jain's index of fairness in thousandths. */
static void fair(struct golden *g, uint8_t cc)
{
	for (unsigned n = 2; n <= FLOWS; n += 6) {
		struct path p = {.mbits = 100,
				 .rtt_us = 20000,
				 .queue = 100,
				 .ms = 15000};
		uint64_t sum = 0, squares = 0;

		memset(g, 0, sizeof(*g));
		g->nflows = n;
		for (unsigned i = 0; i < n; i++)
			g->flow[i].cc = cc;
		play(g, &p);
		for (unsigned i = 0; i < n; i++) {
			uint64_t x = kbits(g->flow[i].took, &p);

			sum += x;
			squares += x * x;
		}
		printf("%-8s %5u %8llu %6llu\n", tcpd_congestion_name(cc), n,
		       (unsigned long long)sum,
		       (unsigned long long)(squares ? sum * sum * 1000 /
							      (n * squares)
						    : 0));
	}
}

static void against(struct golden *g, uint8_t cc, uint8_t other)
{
	static const uint32_t queue[] = {50, 100, 400};

	for (unsigned i = 0; i < 3; i++) {
		struct path p = {.mbits = 100,
				 .rtt_us = 20000,
				 .queue = queue[i],
				 .ms = 10000};

		memset(g, 0, sizeof(*g));
		g->nflows = 2;
		g->flow[0].cc = cc;
		g->flow[1].cc = other;
		play(g, &p);
		printf("%-8s %-8s %6.1f %8llu %8llu\n",
		       tcpd_congestion_name(cc), tcpd_congestion_name(other),
		       queue[i] / 100.0,
		       (unsigned long long)kbits(g->flow[0].took, &p),
		       (unsigned long long)kbits(g->flow[1].took, &p));
	}
}

static void each(struct golden *g, void (*table)(struct golden *, uint8_t))
{
	for (uint8_t cc = 0; cc < TCPD_NCCS; cc++)
		table(g, cc);
}

bool golden_print(const char *name)
{
	struct golden *g = malloc(sizeof(*g));
	bool known = true;

	if (!g)
		abort();
	if (!strcmp(name, "loss")) {
		head("goodput over loss and round trip");
		each(g, losses);
	} else if (!strcmp(name, "rate")) {
		head("goodput over rate and queue (of the bandwidth-delay "
		     "product)");
		each(g, rates);
	} else if (!strcmp(name, "reorder")) {
		head("goodput where 2 % of the packets wait for up to so many "
		     "others");
		each(g, orders);
	} else if (!strcmp(name, "fair")) {
		printf("# flows of one kind, 100 Mbit/s, 20 ms: the sum, and "
		       "Jain's index\n# control flows   kbit/s /1000\n");
		each(g, fair);
	} else if (!strcmp(name, "against")) {
		printf("# one against one, 100 Mbit/s, 20 ms\n"
		       "# first  second    queue  kbit/s   kbit/s\n");
		for (uint8_t a = 0; a < TCPD_NCCS; a++)
			for (uint8_t b = (uint8_t)(a + 1); b < TCPD_NCCS; b++)
				against(g, a, b);
	} else {
		known = false;
	}
	free(g);
	return known;
}
