/* SPDX-License-Identifier: MIT */
/*
 * world.c - the clock of a simulation.  At each time at which something is
 * due: packets in (a batch a stack), timers, programs, then events and
 * output, as the daemon does it.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim.h"

#define PATIENCE   TCPD_SEC(120) /* after the faults, for what was promised */
#define FAREWELL   TCPD_SEC(900) /* then, until all state is gone */
#define BATCH	   16
#define MAX_QUIET  6000 /* packets without any progress */
#define MAX_EVENTS 400000

bool sim_fail(struct sim *s, const char *format, ...)
{
	va_list ap;
	size_t n;

	if (s->why[0])
		return false;
	n = (size_t)snprintf(s->why, sizeof(s->why), "at %.6f: ", sim_clock(s));
	va_start(ap, format);
	(void)vsnprintf(s->why + n, sizeof(s->why) - n, format, ap);
	va_end(ap);
	sim_say(s, "FAILED %s", s->why);
	return false;
}

void sim_say(struct sim *s, const char *format, ...)
{
	va_list ap;

	if (!s->verbose)
		return;
	printf("# %11.6f ", sim_clock(s));
	va_start(ap, format);
	vprintf(format, ap);
	va_end(ap);
	putchar('\n');
}

double sim_clock(const struct sim *s)
{
	return (double)(s->now - s->begin) / 1e9;
}

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

bool world_make(struct sim *s, struct side *side)
{
	int err;

	memset(&side->mem, 0, sizeof(side->mem));
	memory_serve(&side->mem, &side->set);
	err = tcpd_new(&side->st, &side->set, s->now);
	if (!err)
		return true;
	side->st = NULL;
	return sim_fail(s, "tcpd_new says %s", tcpd_err_name(err));
}

bool world_open(struct sim *s)
{
	for (unsigned i = 0; i < 2; i++) {
		struct side *side = &s->side[i];
		struct tcpd_addr any = {.port = PORT};
		int err;

		if (!world_make(s, side))
			return false;
		err = tcpd_listen(side->st, &side->listener, &any, 0, NULL,
				  s->now);
		if (err)
			return sim_fail(s, "tcpd_listen says %s",
					tcpd_err_name(err));
		tcpd_set_user(side->st, side->listener, side);
	}
	return true;
}

static void drop_kept(struct sim *s)
{
	while (s->nkept)
		free(s->kept[--s->nkept]);
}

void world_close(struct sim *s)
{
	struct flight f;

	for (unsigned i = 0; i < 2; i++) {
		struct side *side = &s->side[i];

		if (!side->st)
			continue;
		tcpd_free(side->st);
		side->st = NULL;
		if (side->mem.wrong)
			sim_fail(s, "memory: %s", side->mem.wrong);
		else if (side->mem.nmaps)
			sim_fail(s, "tcpd_free left memory");
	}
	while (net_take(s, TCPD_NEVER, &f))
		free(f.data);
	drop_kept(s);
	free(s->heap);
	free(s->kept);
	s->heap = NULL;
	s->kept = NULL;
	s->heap_room = s->kept_room = 0;
}

bool world_record(struct sim *s, struct side *side)
{
	int64_t len = tcpd_save(side->st, NULL, 0, s->now);
	uint8_t *buf;
	int err;

	if (len < 0)
		return sim_fail(s, "tcpd_save says %s",
				tcpd_err_name((int)len));
	buf = malloc((size_t)len);
	if (!buf)
		abort();
	if (tcpd_save(side->st, buf, (size_t)len, s->now) != len)
		sim_fail(s, "tcpd_save does not keep its word");
	tcpd_free(side->st);
	side->st = NULL;
	if (world_make(s, side)) {
		err = tcpd_load(side->st, buf, (size_t)len, s->now);
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
	tcpd_input(s->side[side].st, &pkt, s->now);
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

static void narrate(struct sim *s, unsigned from, const struct packet *p)
{
	struct packet_base b = {0};
	char text[400];

	if (!s->verbose)
		return;
	for (unsigned i = 0; i < 2; i++)
		for (unsigned k = 0; k < s->side[i].ntrails; k++) {
			const struct trail *t = &s->side[i].trail[k];

			if (t->sport == (i == from ? p->sport : p->dport) &&
			    t->dport == (i == from ? p->dport : p->sport))
				*(i == from ? &b.seq : &b.ack) = t->iss;
		}
	sim_say(s, "%c%u %u>%u %s", "AB"[from], p -> version, p -> sport,
		p -> dport, packet_print(text, sizeof(text), p, &b));
}

static bool write_fails(struct side *side)
{
	return side->fail_every && ++side->nout % side->fail_every == 0;
}

static void output(struct sim *s, unsigned i)
{
	static uint8_t buf[PACKET_MAX];
	struct side *side = &s->side[i];
	struct tcpd_out out;
	struct packet p;

	while (!s->why[0] && tcpd_output(side->st, &out, s->now)) {
		const char *wrong;

		if (write_fails(side)) {
			tcpd_output_done(side->st, &out, side->fail_errno,
					 s->now);
			continue;
		}
		wrong = packet_strict(&p, buf, &out, side->set.mtu);
		if (wrong) {
			sim_fail(s, "a packet breaks a rule: %s", wrong);
			break;
		}
		if (p.sum == SUM_PARTIAL && !side->set.csum) {
			sim_fail(s, "no checksum where nobody fills it in");
			break;
		}
		narrate(s, i, &p);
		wire_out(s, i, &p);
		if (s->hash || s->record_every)
			note(s, i, buf, out.len);
		net_send(s, i, &p, buf, out.len, &out.off);
		tcpd_output_done(side->st, &out, 0, s->now);
		if (++s->quiet > MAX_QUIET)
			sim_fail(s, "%d packets without progress", MAX_QUIET);
		s->npackets++;
	}
}

void world_turn(struct sim *s, unsigned i)
{
	const char *wrong;

	app_events(s, i);
	tcpd_input_done(s->side[i].st, s->now);
	drop_kept(s);
	app_events(s, i);
	output(s, i);
	arrows_check(s, i);
	wrong = tcpd_check_often(s->side[i].st);
	if (wrong)
		sim_fail(s, "tcpd_check of %c says: %s", "AB"[i], wrong);
}

static tcpd_time earlier(tcpd_time a, tcpd_time b)
{
	return a < b ? a : b;
}

static tcpd_time next_time(const struct sim *s)
{
	tcpd_time next = net_next(s);

	for (unsigned i = 0; i < 2; i++) {
		next = earlier(next, tcpd_expiry(s->side[i].st));
		if (s->side[i].accept_at)
			next = earlier(next, s->side[i].accept_at);
		next = earlier(next, s->side[i].mtu_at);
	}
	for (unsigned i = 0; i < s->npairs; i++) {
		next = earlier(next, s->pair[i].start);
		next = earlier(next, s->pair[i].ep[0].at);
		next = earlier(next, s->pair[i].ep[1].at);
	}
	return next;
}

static unsigned packets_in(struct sim *s)
{
	struct flight f;
	unsigned touched = 0;

	for (unsigned n = 0; n < BATCH && net_take(s, s->now, &f); n++) {
		if (touched && !(touched & 1u << f.to)) {
			net_put(s, &f); /* the other stack's: next time */
			free(f.data);
			break;
		}
		if (f.honest)
			wire_in(s, f.to, f.data, f.len);
		world_input(s, f.to, f.data, f.len, &f.off);
		touched |= 1u << f.to;
	}
	return touched;
}

static void change_mtu(struct sim *s, struct side *side)
{
	struct tcpd_settings set = side->set;
	int err;

	side->mtu_at = TCPD_NEVER;
	set.mtu = side->mtu_next;
	err = tcpd_reconfigure(side->st, &set, s->now);
	if (err)
		sim_fail(s, "tcpd_reconfigure says %s", tcpd_err_name(err));
	side->set.mtu = set.mtu;
	sim_say(s, "the MTU of %c becomes %u", side == s->side ? 'A' : 'B',
		set.mtu);
}

static unsigned programs(struct sim *s)
{
	unsigned touched = 0;

	for (unsigned i = 0; i < 2; i++)
		if (s->side[i].mtu_at <= s->now) {
			change_mtu(s, &s->side[i]);
			touched |= 1u << i;
		}

	for (unsigned i = 0; i < s->npairs; i++) {
		struct pair *p = &s->pair[i];

		if (p->start <= s->now) {
			p->start = TCPD_NEVER;
			app_start(s, p);
			touched |= 1u << p->ep[0].side;
		}
		for (unsigned k = 0; k < 2; k++)
			if (p->ep[k].at <= s->now) {
				p->ep[k].at = TCPD_NEVER;
				app_act(s, &p->ep[k]);
				touched |= 1u << p->ep[k].side;
			}
	}
	for (unsigned i = 0; i < 2; i++)
		if (s->side[i].accept_at && s->side[i].accept_at <= s->now)
			touched |= 1u << i;
	return touched;
}

static void step(struct sim *s)
{
	unsigned touched = packets_in(s);

	for (unsigned i = 0; i < 2; i++) /* a batch ends before anything else */
		if (touched & 1u << i && !s->why[0])
			world_turn(s, i);
	touched = 0;
	for (unsigned i = 0; i < 2; i++)
		if (tcpd_expiry(s->side[i].st) <= s->now) {
			tcpd_expire(s->side[i].st, s->now);
			touched |= 1u << i;
		}
	touched |= programs(s);
	for (unsigned i = 0; i < 2; i++)
		if (touched & 1u << i && !s->why[0])
			world_turn(s, i);
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

		while (tcpd_each(s->side[i].st, &cur, &st, s->now))
			n += st.kind != TCPD_KIND_LISTENER;
	}
	return n;
}

static bool clean(struct sim *s)
{
	for (unsigned i = 0; i < 2; i++) {
		const struct tcpd_stats *st = tcpd_stats(s->side[i].st);

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
	return true;
}

bool world_run(struct sim *s)
{
	tcpd_time end = 0;

	while (!s->why[0]) {
		tcpd_time next = next_time(s);

		if (!s->ending &&
		    (next > s->faults_end + PATIENCE || app_all_over(s))) {
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
		if (s->now >= s->stop_at) { /* stopped, and let go on */
			s->stop_at = TCPD_NEVER;
			s->now += s->stop_for;
			sim_say(s, "nobody called for a while");
		}
		step(s);
		if (++s->nevents > MAX_EVENTS)
			return sim_fail(s, "%d events and no end", MAX_EVENTS);
		if (s->record_every && s->nevents % s->record_every == 0)
			for (unsigned i = 0; i < 2 && !s->why[0]; i++)
				world_record(s, &s->side[i]);
	}
	return false;
}
