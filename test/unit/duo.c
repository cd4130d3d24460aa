/* SPDX-License-Identifier: MIT */
/* duo.c - two stacks, a wire and a clock (duo.h). */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "duo.h"
#include "test/harness/packet.h"

void duo_init(struct duo *d)
{
	memset(d, 0, sizeof(*d));
	d->now = DUO_START;
	for (unsigned i = 0; i < 2; i++) {
		struct tcpd_settings *s = &d->set[i];

		tcpd_settings_init(s);
		s->max_conns = 64;
		s->max_listeners = 16;
		s->max_half_open = 8;
		s->max_time_wait = 16;
		s->memory = 1u << 20;
		s->queue = (uint8_t)(5 + i);
		for (unsigned k = 0; k < sizeof(s->key); k++)
			s->key[k] = (uint8_t)(i + 7 * k);
		s->naddrs = 2;
		for (uint8_t n = 0; n < 2; n++) {
			struct tcpd_prefix *p = &s->addr[n];
			struct tcpd_addr a = duo_addr(i, n ? 6 : 4, 0);

			memcpy(p->ip, a.ip, 16);
			p->family = a.family;
			p->len = n ? 64 : 24;
		}
	}
}

static void make(struct duo *d, unsigned side)
{
	memory_serve(&d->mem[side], &d->set[side]);
	ck_assert_int_eq(tcpd_new(&d->st[side], &d->set[side], d->now), 0);
}

void duo_open(struct duo *d)
{
	make(d, 0);
	make(d, 1);
}

void duo_close(struct duo *d)
{
	for (unsigned i = 0; i < 2; i++) {
		tcpd_free(d->st[i]);
		ck_assert_uint_eq(d->mem[i].nmaps, 0);
		ck_assert_ptr_null(d->mem[i].wrong);
	}
	while (d->nflights)
		free(d->flight[--d->nflights].data);
}

struct tcpd_addr duo_addr(unsigned side, uint8_t version, uint16_t port)
{
	struct tcpd_addr a = {.port = port, .family = version};

	if (version == 4) {
		a.ip[10] = a.ip[11] = 0xff;
		a.ip[12] = 10;
		a.ip[13] = 77;
	} else {
		a.ip[0] = 0xfd;
		a.ip[1] = 0x77;
	}
	a.ip[15] = (uint8_t)(1 + side);
	return a;
}

/* --- what came out */

static void note(struct duo *d, const void *p, size_t n)
{
	const uint8_t *octet = p;
	uint64_t h = 0xcbf29ce484222325u ^ d->now;

	for (size_t i = 0; i < n; i++)
		h = (h ^ octet[i]) * 0x100000001b3u;
	ck_assert_uint_lt(d->nnotes, DUO_NOTES);
	d->note[d->nnotes++] = h;
}

static void note_number(struct duo *d, uint64_t v)
{
	note(d, &v, sizeof(v));
}

void duo_assert_same(const struct duo *a, const struct duo *b, const char *what)
{
	for (unsigned i = 0; i < a->nnotes && i < b->nnotes; i++)
		ck_assert_msg(a->note[i] == b->note[i],
			      "%s: number %u of %u that came out differs", what,
			      i, a->nnotes);
	ck_assert_msg(a->nnotes == b->nnotes, "%s: %u came out, not %u", what,
		      b->nnotes, a->nnotes);
}

/* --- handles */

/* The caller's own words: addresses in here. */
static char word[DUO_HANDLES + 1];

static tcpd_handle remember(struct duo *d, unsigned side, tcpd_handle h)
{
	ck_assert_uint_lt(d->nh[side], DUO_HANDLES);
	d->h[side][d->nh[side]++] = h;
	tcpd_set_user(d->st[side], h, &word[d->nh[side]]);
	return h;
}

tcpd_handle duo_listen(struct duo *d, unsigned side, uint16_t port)
{
	struct tcpd_addr any = {.port = port};
	tcpd_handle h = 0;

	ck_assert_int_eq(tcpd_listen(d->st[side], &h, &any, 0, NULL, d->now),
			 0);
	return remember(d, side, h);
}

tcpd_handle duo_connect(struct duo *d, unsigned side, uint8_t version,
			uint16_t port)
{
	struct tcpd_addr to = duo_addr(!side, version, port);
	tcpd_handle h = 0;

	ck_assert_int_eq(tcpd_connect(d->st[side], &h, NULL, &to, d->now), 0);
	return remember(d, side, h);
}

tcpd_handle duo_accept(struct duo *d, unsigned side, tcpd_handle listener)
{
	tcpd_handle h;

	ck_assert_int_eq(tcpd_accept(d->st[side], listener, &h, d->now), 0);
	return remember(d, side, h);
}

void duo_pair(struct duo *d, uint8_t version, tcpd_handle *a, tcpd_handle *b)
{
	tcpd_handle l = duo_listen(d, 1, DUO_PORT);

	*a = duo_connect(d, 0, version, DUO_PORT);
	duo_turn(d, 0);
	duo_run(d, 4 * DUO_DELAY);
	*b = duo_accept(d, 1, l);
}

void duo_send(struct duo *d, unsigned side, tcpd_handle h, size_t n)
{
	uint8_t text[65536];

	ck_assert_uint_le(n, sizeof(text));
	for (size_t i = 0; i < n; i++)
		text[i] = (uint8_t)(i * 7 + d->now / 1000);
	ck_assert_int_eq(tcpd_send(d->st[side], h, text, n, d->now),
			 (int64_t)n);
}

/* --- the clock and the wire */

static void put(struct duo *d, unsigned to, const uint8_t *p, uint32_t len,
		const struct tcpd_offload *off)
{
	struct duo_flight *f = &d->flight[d->nflights++];

	ck_assert_uint_lt(d->nflights, DUO_FLIGHTS);
	*f = (struct duo_flight){.at = d->now + DUO_DELAY,
				 .to = to,
				 .len = len,
				 .off = *off,
				 .data = malloc(len)};
	if (!f->data)
		abort();
	memcpy(f->data, p, len);
}

void duo_inject(struct duo *d, unsigned side, const uint8_t *p, uint32_t len)
{
	struct tcpd_packet pkt = {.data = p, .len = len};

	tcpd_input(d->st[side], &pkt, d->now);
	tcpd_input_done(d->st[side], d->now);
}

static bool is_lost(struct duo *d, unsigned side)
{
	bool lost = d->lose[side] & 1;

	if (d->lose[side] != UINT64_MAX)
		d->lose[side] >>= 1;
	return lost;
}

static void output(struct duo *d, unsigned side)
{
	static uint8_t buf[PACKET_MAX];
	struct tcpd_out out;

	while (!d->silent[side] && tcpd_output(d->st[side], &out, d->now)) {
		uint32_t n = out.nhead;

		memcpy(buf, out.head, n);
		for (unsigned i = 0; i < out.nslices; i++) {
			memcpy(buf + n, out.slice[i].p, out.slice[i].len);
			n += out.slice[i].len;
		}
		ck_assert_uint_eq(n, out.len);
		note(d, buf, n);
		note_number(d, out.off.gso_size);
		if (!is_lost(d, side))
			put(d, !side, buf, n, &out.off);
		tcpd_output_done(d->st[side], &out, 0, d->now);
	}
}

static void events(struct duo *d, unsigned side)
{
	struct tcpd_event ev;

	while (!d->quiet[side] && tcpd_next_event(d->st[side], &ev)) {
		note_number(d, ev.h);
		note_number(d, (uintptr_t)ev.user - (uintptr_t)word);
		note_number(d, ev.mask);
		note_number(d, (uint64_t)ev.err);
	}
}

void duo_turn(struct duo *d, unsigned side)
{
	events(d, side);
	tcpd_input_done(d->st[side], d->now);
	output(d, side);
	ck_assert_ptr_null(tcpd_check(d->st[side]));
}

/* The packet that arrives next, if it does until |until|. */
static struct duo_flight *next_flight(struct duo *d, tcpd_time until)
{
	struct duo_flight *first = NULL;

	for (unsigned i = 0; i < d->nflights; i++)
		if (d->flight[i].at <= until &&
		    (!first || d->flight[i].at < first->at))
			first = &d->flight[i];
	return first;
}

static void arrive(struct duo *d, struct duo_flight *f)
{
	struct tcpd_packet pkt = {
		.data = f->data, .len = f->len, .off = f->off};
	unsigned to = f->to;
	uint8_t *data = f->data;

	tcpd_input(d->st[to], &pkt, d->now);
	d->nflights--;
	memmove(f, f + 1, (size_t)(&d->flight[d->nflights] - f) * sizeof(*f));
	duo_turn(d, to);
	free(data);
}

/* What is due first, a packet before a timer: false, nothing until |end|. */
static bool step(struct duo *d, tcpd_time end)
{
	struct duo_flight *f = next_flight(d, end);
	tcpd_time at = f ? f->at : end + 1;
	unsigned who = 2;

	for (unsigned i = 0; i < 2; i++)
		if (tcpd_expiry(d->st[i]) < at) {
			at = tcpd_expiry(d->st[i]);
			who = i;
		}
	if (at > end)
		return false;
	if (at > d->now)
		d->now = at;
	if (who < 2) {
		tcpd_expire(d->st[who], d->now);
		duo_turn(d, who);
	} else if (f) {
		arrive(d, f);
	}
	return true;
}

void duo_run(struct duo *d, tcpd_time ns)
{
	tcpd_time end = d->now + ns;

	while (step(d, end))
		;
	d->now = end;
}

/* --- going on */

static void use(struct duo *d, unsigned side, tcpd_handle h, unsigned round)
{
	struct tcpd_stack *st = d->st[side];
	uint8_t text[3000] = {0};
	tcpd_handle got;

	if (tcpd_accept(st, h, &got, d->now) == 0)
		note_number(d, remember(d, side, got));
	for (unsigned n = 0; n < 3; n++) {
		int64_t len =
			tcpd_recv(st, h, text, 100 + (size_t)900 * n, d->now);

		note_number(d, (uint64_t)len);
		if (len > 0)
			note(d, text, (size_t)len);
	}
	if (round < 8)
		note_number(d, (uint64_t)tcpd_send(st, h, text, 700, d->now));
	else if (round == 10)
		note_number(d, (uint64_t)tcpd_shutdown(st, h, d->now));
	else if (round == 30)
		note_number(d, (uint64_t)tcpd_close(st, h, d->now));
}

void duo_play_on(struct duo *d)
{
	for (unsigned i = 0; i < 2; i++) {
		d->quiet[i] = d->silent[i] = false;
		d->lose[i] = 0;
	}
	for (unsigned round = 0; round < 32; round++)
		for (unsigned i = 0; i < 2; i++) {
			for (unsigned k = d->nh[i]; k-- > 0;)
				use(d, i, d->h[i][k], round);
			duo_turn(d, i);
			duo_run(d, TCPD_MS(20) << (round % 5));
		}
	duo_run(d, TCPD_SEC(200));
	for (unsigned i = 0; i < 2; i++) {
		const struct tcpd_stats *s = tcpd_stats(d->st[i]);

		note(d, s, sizeof(*s));
		ck_assert_uint_eq(s->now_half_open + s->now_time_wait, 0);
		ck_assert_uint_eq(s->now_blocks + s->now_records, 0);
	}
}

/* --- records */

uint8_t *duo_save(struct duo *d, unsigned side, size_t *len)
{
	int64_t n = tcpd_save(d->st[side], NULL, 0, d->now);
	uint8_t *buf;

	ck_assert_int_gt(n, 0);
	*len = (size_t)n;
	buf = malloc(*len);
	if (!buf)
		abort();
	ck_assert_int_eq(tcpd_save(d->st[side], buf, *len, d->now), n);
	return buf;
}

void duo_clone(struct duo *d, struct duo *from)
{
	*d = *from;
	memset(d->mem, 0, sizeof(d->mem));
	duo_open(d);
	for (unsigned i = 0; i < 2; i++) {
		size_t len;
		uint8_t *buf = duo_save(from, i, &len);

		ck_assert_int_eq(tcpd_load(d->st[i], buf, len, d->now), 0);
		free(buf);
	}
	for (unsigned i = 0; i < d->nflights; i++) {
		struct duo_flight *f = &d->flight[i];
		uint8_t *copy = malloc(f->len);

		if (!copy)
			abort();
		memcpy(copy, f->data, f->len);
		f->data = copy;
	}
}
