/* SPDX-License-Identifier: MIT */
/*
 * world.c - the clock of a simulation.  At each time at which something is
 * due: packets in (a batch a stack), timers, programs, then events and
 * output, as the daemon does it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim.h"

#define FAREWELL   TCPD_SEC(1800) /* at the end, until all state is gone */
#define BATCH	   16
#define MAX_QUIET  6000 /* packets without any progress */
#define MAX_EVENTS 400000

void world_progress(struct sim *s)
{
	s->quiet = 0;
}

void world_place(struct tcpd_addr *a, unsigned side, uint8_t version,
		 uint16_t port)
{
	static const uint8_t ip4[16] = {0, 0, 0,    0,	  0,  0,  0, 0,
					0, 0, 0xff, 0xff, 10, 77, 0, 2};
	static const uint8_t ip6[16] = {0xfd, 0x77, 0, 0, 0, 0, 0, 0,
					0,    0,    0, 0, 0, 0, 0, 2};

	memset(a, 0, sizeof(*a));
	memcpy(a->ip, version == 4 ? ip4 : ip6, 16);
	a->ip[15] = (uint8_t)(2 - side);
	a->family = version;
	a->port = port;
}

bool world_make(struct sim *s, unsigned i)
{
	struct side *side = &s->side[i];
	int err;

	memset(&side->mem, 0, sizeof(side->mem));
	memory_serve(&side->mem, &side->set);
	err = tcpd_new(&side->st, &side->set, sim_now(s, i));
	if (!err)
		return true;
	side->st = NULL;
	return sim_fail(s, "tcpd_new says %s", tcpd_err_name(err));
}

bool world_listen(struct sim *s, unsigned i)
{
	struct side *side = &s->side[i];
	struct tcpd_addr any = {.port = PORT};
	int err;

	side->listener = 0;
	err = tcpd_listen(side->st, &side->listener, &any, 0, NULL,
			  sim_now(s, i));
	if (err)
		return sim_fail(s, "tcpd_listen says %s", tcpd_err_name(err));
	tcpd_set_user(side->st, side->listener, side);
	return true;
}

bool world_open(struct sim *s)
{
	for (unsigned i = 0; i < 2; i++)
		if (!world_make(s, i) || !world_listen(s, i))
			return false;
	return true;
}

static void drop_kept(struct sim *s)
{
	while (s->nkept)
		free(s->kept[--s->nkept]);
}

void world_close(struct sim *s)
{
	for (unsigned i = 0; i < 2; i++) {
		struct side *side = &s->side[i];

		if (!side->st)
			continue;
		arrows_count(s, i);
		tcpd_free(side->st);
		side->st = NULL;
		if (side->mem.wrong)
			sim_fail(s, "memory: %s", side->mem.wrong);
		else if (side->mem.nmaps)
			sim_fail(s, "tcpd_free left memory");
	}
	net_close(s);
	drop_kept(s);
	free(s->kept);
	s->kept = NULL;
	s->kept_room = 0;
}

bool world_record(struct sim *s, unsigned i)
{
	struct side *side = &s->side[i];
	tcpd_time now = sim_now(s, i);
	int64_t len = tcpd_save(side->st, NULL, 0, now);
	uint8_t *buf;
	int err;

	if (len < 0)
		return sim_fail(s, "tcpd_save says %s",
				tcpd_err_name((int)len));
	buf = malloc((size_t)len);
	if (!buf)
		abort();
	if (tcpd_save(side->st, buf, (size_t)len, now) != len)
		sim_fail(s, "tcpd_save does not keep its word");
	tcpd_free(side->st);
	side->st = NULL;
	if (world_make(s, i)) {
		err = tcpd_load(side->st, buf, (size_t)len, now);
		if (err)
			sim_fail(s, "tcpd_load says %s", tcpd_err_name(err));
	}
	free(buf);
	return !s->why[0];
}

void world_input(struct sim *s, unsigned side, uint8_t *data, uint32_t len,
		 const struct tcpd_offload *off)
{
	struct tcpd_packet pkt = {.data = data, .len = len, .off = *off};

	if (s->nkept == s->kept_room) {
		s->kept_room = s->kept_room ? 2 * s->kept_room : 32;
		s->kept = realloc(s->kept, s->kept_room * sizeof(*s->kept));
		if (!s->kept)
			abort();
	}
	s->kept[s->nkept++] = data;
	tcpd_input(s->side[side].st, &pkt, sim_now(s, side));
}

static void note(struct sim *s, unsigned from, const uint8_t *p, size_t n)
{
	uint64_t h = 0xcbf29ce484222325u ^ s->now ^ from;

	for (size_t i = 0; i < n; i++)
		h = (h ^ p[i]) * 0x100000001b3u;
	if (!s->hash || s->nhash == s->hash_room) {
		s->hash_room = s->hash_room ? 2 * s->hash_room : 1024;
		s->hash = realloc(s->hash, s->hash_room * sizeof(*s->hash));
		if (!s->hash)
			abort();
	}
	s->hash[s->nhash++] = h;
}

static bool write_fails(struct side *side)
{
	return side->fail_every && ++side->nout % side->fail_every == 0;
}

/* What left, to whoever looks at it, and on its way. */
static void left(struct sim *s, unsigned i, const struct tcpd_out *out)
{
	static uint8_t buf[PACKET_MAX];
	struct packet p;
	const char *wrong = packet_strict(&p, buf, out, s->side[i].set.mtu);
	uint8_t gen;

	if (wrong) {
		sim_fail(s, "a packet breaks a rule: %s", wrong);
		return;
	}
	if (p.sum == SUM_PARTIAL && !s->side[i].set.csum) {
		sim_fail(s, "no checksum where nobody fills it in");
		return;
	}
	log_sent(s, i, &p, out->id);
	log_pcap(s, i, true, buf, out->len);
	log_mix(s, i, buf, out->len);
	if (s->hash || s->record_every)
		note(s, i, buf, out->len);
	gen = wire_out(s, i, &p, out->id);
	net_send(s, i, &p, buf, out->len, &out->off, gen);
	tcpd_output_done(s->side[i].st, out, 0, sim_now(s, i));
	rules_sent(s, i, &p, out->id);
}

static void output(struct sim *s, unsigned i)
{
	struct side *side = &s->side[i];
	struct tcpd_out out;

	while (!s->why[0] && tcpd_output(side->st, &out, sim_now(s, i))) {
		if (write_fails(side)) {
			tcpd_output_done(side->st, &out, side->fail_errno,
					 sim_now(s, i));
			continue;
		}
		left(s, i, &out);
		if (++s->quiet > MAX_QUIET)
			sim_fail(s, "%d packets without progress", MAX_QUIET);
		s->npackets++;
	}
}

void world_turn(struct sim *s, unsigned i)
{
	const char *wrong;

	app_events(s, i);
	tcpd_input_done(s->side[i].st, sim_now(s, i));
	drop_kept(s);
	app_events(s, i);
	output(s, i);
	arrows_check(s, i);
	rules_check(s, i);
	wrong = tcpd_check_often(s->side[i].st);
	if (wrong)
		sim_fail(s, "tcpd_check of %c says: %s", "AB"[i], wrong);
}

static tcpd_time earlier(tcpd_time a, tcpd_time b)
{
	return a < b ? a : b;
}

/* A side that is stopped does it later. */
static tcpd_time defer(const struct side *side, tcpd_time at)
{
	return at >= side->stop_at && at < side->stop_until ? side->stop_until
							    : at;
}

static tcpd_time expiry(const struct sim *s, unsigned i)
{
	tcpd_time at = tcpd_expiry(s->side[i].st);

	if (at == TCPD_NEVER)
		return at;
	at = at > s->side[i].ahead ? at - s->side[i].ahead : 0;
	return defer(&s->side[i], at > s->now ? at : s->now);
}

static tcpd_time next_time(const struct sim *s)
{
	tcpd_time next = earlier(net_next(s), life_next(s));

	for (unsigned i = 0; i < 2; i++) {
		const struct side *side = &s->side[i];

		next = earlier(next, expiry(s, i));
		if (side->accept_at)
			next = earlier(next, defer(side, side->accept_at));
	}
	for (unsigned i = 0; i < s->npairs; i++) {
		const struct pair *p = &s->pair[i];

		next = earlier(next, defer(&s->side[p->ep[0].side], p->start));
		for (unsigned k = 0; k < 2; k++)
			next = earlier(next, defer(&s->side[p->ep[k].side],
						   p->ep[k].at));
	}
	return next;
}

static unsigned packets_in(struct sim *s)
{
	struct flight f;
	unsigned touched = 0;

	for (unsigned n = 0; n < BATCH && queue_take(s, s->now, &f); n++) {
		bool stopped = life_stopped(s, f.to);

		if (stopped || (touched && !(touched & 1u << f.to))) {
			if (stopped) /* it waits in the device */
				f.at = s->side[f.to].stop_until;
			if (!stopped || life_room(s, f.to))
				queue_put(s, &f);
			free(f.data);
			if (stopped)
				continue;
			break; /* the other stack's: next time */
		}
		log_came(s, &f);
		if (f.honest)
			wire_in(s, &f);
		world_input(s, f.to, f.data, f.len, &f.off);
		touched |= 1u << f.to;
	}
	return touched;
}

static unsigned programs(struct sim *s)
{
	unsigned touched = 0;

	for (unsigned i = 0; i < s->npairs; i++) {
		struct pair *p = &s->pair[i];

		if (p->start <= s->now && !life_stopped(s, p->ep[0].side)) {
			p->start = TCPD_NEVER;
			app_start(s, p);
			touched |= p->crossing ? 3u : 1u << p->ep[0].side;
		}
		for (unsigned k = 0; k < 2; k++)
			if (p->ep[k].at <= s->now &&
			    !life_stopped(s, p->ep[k].side)) {
				p->ep[k].at = TCPD_NEVER;
				app_act(s, &p->ep[k]);
				touched |= 1u << p->ep[k].side;
			}
	}
	for (unsigned i = 0; i < 2; i++)
		if (s->side[i].accept_at && s->side[i].accept_at <= s->now &&
		    !life_stopped(s, i))
			touched |= 1u << i;
	return touched;
}

static void step(struct sim *s)
{
	unsigned touched;

	net_release(s);
	touched = packets_in(s);
	for (unsigned i = 0; i < 2; i++) /* a batch ends before anything else */
		if (touched & 1u << i && !s->why[0])
			world_turn(s, i);
	touched = 0;
	for (unsigned i = 0; i < 2; i++)
		if (expiry(s, i) <= s->now) {
			tcpd_expire(s->side[i].st, sim_now(s, i));
			touched |= 1u << i;
		}
	touched |= life_act(s);
	touched |= programs(s);
	for (unsigned i = 0; i < 2; i++)
		if (touched & 1u << i && !s->why[0]) {
			wire_moved(s, i);
			world_turn(s, i);
		}
	if (s->forge && s->now < s->faults_end && rng_chance(&s->rng, s->forge))
		adversary_act(s);
}

/* Entries that are not listeners. */
static unsigned entries(const struct sim *s)
{
	unsigned n = 0;

	for (unsigned i = 0; i < 2; i++) {
		struct tcpd_cursor cur = {0};
		struct tcpd_status st;

		while (tcpd_each(s->side[i].st, &cur, &st, sim_now(s, i)))
			n += st.kind != TCPD_KIND_LISTENER;
	}
	return n;
}

/* Packets for each octet: a segment of one, its ACK, both sent again and again
 * over a bad network. */
static bool busy(struct sim *s)
{
	uint64_t most = 2000 * (uint64_t)s->npairs + 10 * s->nforged;

	for (unsigned i = 0; i < 2 * s->npairs; i++)
		most += 4 * s->pair[i / 2].ep[i % 2].wrote;
	if (s->npackets > most)
		return sim_fail(s, "%llu packets, %llu are enough",
				(unsigned long long)s->npackets,
				(unsigned long long)most);
	return true;
}

static bool clean(struct sim *s)
{
	for (unsigned i = 0; i < 2; i++) {
		const struct tcpd_stats *st = tcpd_stats(s->side[i].st);
		/* the whole check costs as much as a seed */
		const char *wrong =
			s->seed % 16 ? NULL : tcpd_check(s->side[i].st);

		if (wrong)
			return sim_fail(s, "tcpd_check of %c says: %s", "AB"[i],
					wrong);
		if (st->now_connections || st->now_half_open ||
		    st->now_time_wait || st->now_blocks || st->now_records)
			return sim_fail(
				s,
				"left in %c: %llu connections, %llu half-open, "
				"%llu TIME-WAIT, %llu octets of blocks, %llu "
				"records",
				"AB"[i],
				(unsigned long long)st -> now_connections,
				(unsigned long long)st -> now_half_open,
				(unsigned long long)st -> now_time_wait,
				(unsigned long long)st -> now_blocks,
				(unsigned long long)st -> now_records);
	}
	return busy(s);
}

bool world_run(struct sim *s)
{
	tcpd_time end = 0;

	while (!s->why[0]) {
		tcpd_time next = next_time(s);

		if (!s->ending &&
		    (next > s->faults_end + s->patience || app_all_over(s))) {
			s->ending = true;
			end = s->now;
			if (!app_verdict(s))
				break;
			app_end(s);
			for (unsigned i = 0; i < 2; i++)
				world_turn(s, i);
			continue;
		}
		if (s->ending && !s->nheap && !entries(s))
			return clean(s);
		if (next == TCPD_NEVER || (end && next > end + FAREWELL))
			return sim_fail(s, "%u entries never go away",
					entries(s));
		if (next > s->now)
			s->now = next;
		step(s);
		if (++s->nevents > MAX_EVENTS)
			return sim_fail(s, "%d events and no end", MAX_EVENTS);
		if (s->record_every && s->nevents % s->record_every == 0)
			for (unsigned i = 0; i < 2 && !s->why[0]; i++)
				world_record(s, i);
	}
	return false;
}
