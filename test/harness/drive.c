/* SPDX-License-Identifier: MIT */
/*
 * drive.c - see drive.h.  A step costs a few octets; octets that run out read
 * as zero, so that every script is a whole one.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "drive_in.h"

void drive_broken(const char *what, const char *why)
{
	(void)fprintf(stderr, "drive: %s: %s\n", what, why);
	abort();
}

uint8_t drive_u8(struct drive *d)
{
	return d->p < d->end ? *d->p++ : 0;
}

uint16_t drive_u16(struct drive *d)
{
	uint8_t hi = drive_u8(d);

	return (uint16_t)(hi << 8 | drive_u8(d));
}

uint32_t drive_u32(struct drive *d)
{
	uint32_t hi = drive_u16(d);

	return hi << 16 | drive_u16(d);
}

const uint8_t drive_ip4[16] = {0, 0, 0,	   0,	 0,  0,	 0, 0,
			       0, 0, 0xff, 0xff, 10, 77, 0, 2};
const uint8_t drive_ip6[16] = {0xfd, 0x77, 0, 0, 0, 0, 0, 0,
			       0,    0,	   0, 0, 0, 0, 0, 2};

static void settings(struct drive *d, uint8_t how)
{
	struct tcpd_settings *s = &d->set;

	tcpd_settings_init(s);
	s->max_conns = 16;
	s->max_listeners = 4;
	s->max_half_open = how & 2 ? 4 : 5;
	s->max_time_wait = 4;
	s->max_orphans = how & 4 ? 1 : 4;
	s->conn.syn_cookies = how % TCPD_NCOOKIES;
	s->memory = how & 1 ? 256u << 10 : 4u << 20;
	s->conn.backlog = how & 2 ? 1 : 8;
	s->conn.receive_buffer = how & 4 ? 3000 : 1u << 20;
	s->conn.send_buffer = how & 4 ? 5000 : 1u << 20;
	s->csum = (how & 8) != 0;
	s->tso4 = s->tso6 = (how & 8) && (how & 16);
	s->mtu = how & 32 ? 1280 : 1500;
	s->wscale = how & 64 ? 0 : 7;
	s->naddrs = 2;
	memcpy(s->addr[0].ip, drive_ip4, 16);
	s->addr[0].family = 4;
	s->addr[0].len = 24;
	memcpy(s->addr[1].ip, drive_ip6, 16);
	s->addr[1].family = 6;
	s->addr[1].len = 64;
}

void drive_start(struct drive *d)
{
	memset(&d->mem, 0, sizeof(d->mem));
	memory_serve(&d->mem, &d->set);
	if (tcpd_new(&d->st, &d->set, d->now))
		drive_broken("tcpd_new", "fails");
}

struct drive *drive_open(const uint8_t *data, size_t size)
{
	struct drive *d = calloc(1, sizeof(*d));
	struct tcpd_addr any = {.port = 80};

	if (!d)
		abort();
	d->now = TCPD_SEC(1000);
	drive_feed(d, data, size);
	settings(d, drive_u8(d));
	drive_start(d);
	if (tcpd_listen(d->st, &d->h[0], &any, 0, NULL, d->now))
		drive_broken("tcpd_listen", "fails");
	return d;
}

void drive_feed(struct drive *d, const uint8_t *data, size_t size)
{
	d->p = data;
	d->end = data ? data + size : data;
}

uint64_t drive_packets(const struct drive *d)
{
	return d->packets;
}

/* ------------------------------------------------------------------ turns */

static void events(struct drive *d)
{
	struct tcpd_event ev;

	while (tcpd_next_event(d->st, &ev)) {
		if (ev.err < 0 || ev.err >= TCPD_NERRS)
			drive_broken("an event", "its error is none");
		for (unsigned i = 0; ev.mask & TCPD_EV_GONE && i < SOCKETS; i++)
			if (d->h[i] == ev.h)
				d->h[i] = 0;
	}
}

/* In the stack's layout it is first, aligned; in a SYN behind others. */
static void note_time_stamp(struct drive *d, const struct packet *p)
{
	for (unsigned i = 0; i + 10 <= p->nopt; i++) {
		if (p->opt[i] != 8 || p->opt[i + 1] != 10)
			continue;
		d->ts = (uint32_t)p->opt[i + 2] << 24 |
			(uint32_t)p->opt[i + 3] << 16 |
			(uint32_t)p->opt[i + 4] << 8 | p->opt[i + 5];
		return;
	}
}

static void output(struct drive *d)
{
	static uint8_t buf[PACKET_MAX];
	struct tcpd_out out;
	struct packet p;

	for (unsigned n = 0; tcpd_output(d->st, &out, d->now); n++) {
		const char *wrong;

		if (n > 20000)
			drive_broken("tcpd_output", "never ends");
		if (d->fail) {
			d->fail--;
			tcpd_output_done(d->st, &out, 5, d->now);
			continue;
		}
		wrong = packet_strict(&p, buf, &out, d->set.mtu);
		if (wrong)
			drive_broken("a packet out", wrong);
		if (p.flags == (FLAG_SYN | FLAG_ACK)) {
			d->isn = p.seq;
			d->isn_port = p.dport;
		}
		note_time_stamp(d, &p);
		tcpd_output_done(d->st, &out, 0, d->now);
	}
}

static void check(struct drive *d)
{
	const char *wrong = tcpd_check(d->st);

	if (wrong)
		drive_broken("tcpd_check", wrong);
}

void drive_turn(struct drive *d)
{
	events(d);
	tcpd_input_done(d->st, d->now);
	while (d->nkept)
		free(d->kept[--d->nkept]);
	events(d);
	output(d);
	if (++d->turns % 32 == 0) /* it looks at every port there is */
		check(d);
}

void drive_input(struct drive *d, const uint8_t *p, size_t len,
		 const struct tcpd_offload *off)
{
	struct tcpd_packet pkt = {.len = (uint32_t)len, .off = *off};
	uint8_t *copy = malloc(len ? len : 1); /* exact, for ASan */

	if (!copy)
		abort();
	memcpy(copy, p, len);
	if (d->nkept == KEPT)
		drive_turn(d);
	d->kept[d->nkept++] = copy;
	pkt.data = copy;
	d->packets++;
	tcpd_input(d->st, &pkt, d->now);
}

static void pass(struct drive *d, tcpd_time until)
{
	for (unsigned n = 0; n < 20000; n++) {
		tcpd_time next = tcpd_expiry(d->st);

		if (next > until) {
			d->now = until > d->now ? until : d->now;
			return;
		}
		if (next > d->now)
			d->now = next;
		tcpd_expire(d->st, d->now);
		drive_turn(d);
	}
	drive_broken("tcpd_expiry", "never moves on");
}

bool drive_step(struct drive *d)
{
	uint8_t which;

	if (d->p == d->end)
		return false;
	which = drive_u8(d) & 31;
	if (which == 0)
		drive_raw(d);
	else if (which == 1)
		drive_handshake(d);
	else if (which < 11)
		drive_call(d, (uint8_t)(which - 2));
	else if (which == 11)
		pass(d, d->now + TCPD_US(1) * drive_u16(d));
	else if (which == 12)
		pass(d, d->now + TCPD_MS(5) * drive_u16(d));
	else if (which == 13)
		d->fail = drive_u8(d) & 7;
	else if (which < 16)
		drive_turn(d);
	else
		drive_segment(d);
	if (d->p == d->end || *d->p & 64)
		drive_turn(d);
	return true;
}

void drive_close(struct drive *d)
{
	const struct tcpd_stats *st;

	drive_turn(d);
	check(d);
	for (unsigned i = 0; i < SOCKETS; i++)
		if (d->h[i])
			tcpd_close(d->st, d->h[i], d->now);
	d->fail = 0;
	drive_turn(d);
	pass(d, d->now + TCPD_SEC(3600));
	st = tcpd_stats(d->st);
	if (st->now_connections || st->now_half_open || st->now_time_wait ||
	    st->now_listeners || st->now_blocks || st->now_records ||
	    st->now_orphans || st->now_send_blocks)
		drive_broken("the end", "something is left");
	tcpd_free(d->st);
	if (d->mem.nmaps || d->mem.wrong)
		drive_broken("memory",
			     d->mem.wrong ? d->mem.wrong : "maps are left");
	free(d);
}
