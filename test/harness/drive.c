/* SPDX-License-Identifier: MIT */
/*
 * drive.c - see drive.h.  A step costs a few octets; octets that run out read
 * as zero, so that every script is a whole one.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "drive.h"
#include "memory.h"
#include "packet.h"

#define SOCKETS 8
#define KEPT	64

struct drive {
	const uint8_t *p, *end;
	struct tcpd_settings set;
	struct memory mem;
	struct tcpd_stack *st;
	tcpd_time now;
	tcpd_handle h[SOCKETS];
	unsigned fail; /* so many of the next writes fail */
	uint8_t *kept[KEPT];
	unsigned nkept, turns;
	uint64_t packets;
	uint32_t isn;	   /* of the last SYN-ACK out, */
	uint16_t isn_port; /* and for whom it was */
};

static void broken(const char *what, const char *why)
{
	fprintf(stderr, "drive: %s: %s\n", what, why);
	abort();
}

static uint8_t u8(struct drive *d)
{
	return d->p < d->end ? *d->p++ : 0;
}

static uint16_t u16(struct drive *d)
{
	uint8_t hi = u8(d);

	return (uint16_t)(hi << 8 | u8(d));
}

static uint32_t u32(struct drive *d)
{
	uint32_t hi = u16(d);

	return hi << 16 | u16(d);
}

static const uint8_t ours4[16] = {0, 0, 0,    0,	  0,  0,  0, 0,
				  0, 0, 0xff, 0xff, 10, 77, 0, 2};
static const uint8_t ours6[16] = {0xfd, 0x77, 0, 0, 0, 0, 0, 0,
				  0,	0,    0, 0, 0, 0, 0, 2};

static void settings(struct drive *d, uint8_t how)
{
	struct tcpd_settings *s = &d->set;

	tcpd_settings_init(s);
	s->max_conns = 16;
	s->max_listeners = 4;
	s->max_half_open = 8;
	s->max_time_wait = 4;
	s->memory = how & 1 ? 256u << 10 : 4u << 20;
	s->conn.backlog = how & 2 ? 1 : 8;
	s->conn.receive_buffer = how & 4 ? 3000 : 1u << 20;
	s->conn.send_buffer = how & 4 ? 5000 : 1u << 20;
	s->csum = (how & 8) != 0;
	s->tso4 = s->tso6 = (how & 8) && (how & 16);
	s->mtu = how & 32 ? 1280 : 1500;
	s->wscale = how & 64 ? 0 : 7;
	s->naddrs = 2;
	memcpy(s->addr[0].ip, ours4, 16);
	s->addr[0].family = 4;
	s->addr[0].len = 24;
	memcpy(s->addr[1].ip, ours6, 16);
	s->addr[1].family = 6;
	s->addr[1].len = 64;
}

static void start(struct drive *d)
{
	memset(&d->mem, 0, sizeof(d->mem));
	memory_serve(&d->mem, &d->set);
	if (tcpd_new(&d->st, &d->set, d->now))
		broken("tcpd_new", "fails");
}

struct drive *drive_open(const uint8_t *data, size_t size)
{
	struct drive *d = calloc(1, sizeof(*d));
	struct tcpd_addr any = {.port = 80};

	if (!d)
		abort();
	d->now = TCPD_SEC(1000);
	drive_feed(d, data, size);
	settings(d, u8(d));
	start(d);
	if (tcpd_listen(d->st, &d->h[0], &any, 0, NULL, d->now))
		broken("tcpd_listen", "fails");
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
			broken("an event", "its error is none");
		for (unsigned i = 0; ev.mask & TCPD_EV_GONE && i < SOCKETS; i++)
			if (d->h[i] == ev.h)
				d->h[i] = 0;
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
			broken("tcpd_output", "never ends");
		if (d->fail) {
			d->fail--;
			tcpd_output_done(d->st, &out, 5, d->now);
			continue;
		}
		wrong = packet_strict(&p, buf, &out, d->set.mtu);
		if (wrong)
			broken("a packet out", wrong);
		if (p.flags == (FLAG_SYN | FLAG_ACK)) {
			d->isn = p.seq;
			d->isn_port = p.dport;
		}
		tcpd_output_done(d->st, &out, 0, d->now);
	}
}

static void check(struct drive *d)
{
	const char *wrong = tcpd_check(d->st);

	if (wrong)
		broken("tcpd_check", wrong);
}

static void turn(struct drive *d)
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

static void input(struct drive *d, const uint8_t *p, size_t len,
		  const struct tcpd_offload *off)
{
	struct tcpd_packet pkt = {.len = (uint32_t)len, .off = *off};
	uint8_t *copy = malloc(len ? len : 1); /* exact, for ASan */

	if (!copy)
		abort();
	memcpy(copy, p, len);
	if (d->nkept == KEPT)
		turn(d);
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
		turn(d);
	}
	broken("tcpd_expiry", "never moves on");
}

/* --------------------------------------------------------------- segments */

/* A number at or near one of the edges that matter. */
static uint32_t near_edge(uint32_t lo, uint32_t hi, uint8_t how)
{
	switch (how & 7) {
	case 0:
		return lo;
	case 1:
		return lo - 1;
	case 2:
		return lo + 1;
	case 3:
		return hi;
	case 4:
		return hi - 1;
	case 5:
		return hi + 1;
	case 6:
		return lo + (hi - lo) / 2;
	default:
		return lo + ((uint32_t)how << 20);
	}
}

/* The flags that make most sense, and all the others. */
static uint8_t flags(uint8_t how)
{
	static const uint8_t usual[] = {FLAG_ACK,
					FLAG_ACK | FLAG_PSH,
					FLAG_ACK | FLAG_FIN,
					FLAG_SYN,
					FLAG_SYN | FLAG_ACK,
					FLAG_RST,
					FLAG_RST | FLAG_ACK};

	return how < 224 ? usual[how % 7] : (uint8_t)(how * 7);
}

static void options(struct drive *d, struct packet *p, uint8_t how)
{
	uint8_t n = how & 3 ? (uint8_t)(u8(d) % 41) : 0;

	if ((how & 3) == 1) { /* those of a SYN of today */
		static const uint8_t usual[] = {2, 4, 5, 180, 1, 1, 8,
						10, 0, 0, 0,   0, 0, 0,
						0, 0, 1, 3,   3, 7};
		memcpy(p->opt, usual, sizeof(usual));
		p->nopt = sizeof(usual);
		p->opt[11] = n;
		return;
	}
	for (p->nopt = 0; p->nopt < n; p->nopt++)
		p->opt[p->nopt] = u8(d);
}

static void places(struct drive *d, struct packet *p, uint8_t how)
{
	p->version = how & 1 ? 6 : 4;
	p->protocol = PROTO_TCP;
	memcpy(p->dst, p->version == 4 ? ours4 : ours6, 16);
	memcpy(p->src, p->dst, 16);
	p->src[15] = 1;
	p->sport = (uint16_t)(40000 + (how >> 1 & 3));
	p->dport = how & 8 ? 81 : 80;
	p->ttl = 64;
	p->wnd = u16(d);
	p->sum = d->set.csum && how & 16 ? SUM_PARTIAL : SUM_FULL;
}

/* The entry that |p| would meet; false: none. */
static bool meets(struct drive *d, const struct packet *p,
		  struct tcpd_status *st)
{
	struct tcpd_cursor cur = {0};

	while (tcpd_each(d->st, &cur, st, d->now))
		if (st->kind != TCPD_KIND_LISTENER &&
		    st->peer.port == p->sport && st->local.port == p->dport &&
		    !memcmp(st->peer.ip, p->src, 16))
			return true;
	return false;
}

/* To a socket of ours that was opened actively. */
static void turn_to(struct drive *d, struct packet *p, uint8_t how)
{
	struct tcpd_status st;
	tcpd_handle h = d->h[how % SOCKETS];

	if (!h || tcpd_status(d->st, h, &st, d->now) ||
	    st.kind != TCPD_KIND_CONN || !st.peer.port)
		return;
	p->version = st.local.family;
	memcpy(p->src, st.peer.ip, 16);
	memcpy(p->dst, st.local.ip, 16);
	p->sport = st.peer.port;
	p->dport = st.local.port;
}

static void segment(struct drive *d)
{
	static uint8_t text[16384], buf[PACKET_MAX];
	uint8_t how = u8(d), edges = u8(d), small = u8(d);
	struct packet p = {.data = text};
	struct tcpd_offload off;
	struct tcpd_status st;
	bool there;

	places(d, &p, how);
	if (how & 32)
		turn_to(d, &p, small);
	p.flags = flags(u8(d));
	options(d, &p, edges >> 6);
	p.len = edges & 0x38 ? 0 : small;
	if (small == 255) {
		p.len = 200u * u8(d) % sizeof(text);
		p.gso = d->set.tso4 && p.len > 1400 ? 1400 : 0;
	}
	there = meets(d, &p, &st);
	if (there && st.kind == TCPD_KIND_CONN) {
		p.seq = near_edge(st.rcv_nxt, st.rcv_nxt + st.rcv_wnd,
				  edges & 7);
		p.ack = near_edge(st.snd_una, st.snd_nxt, edges >> 3 & 7);
	} else {
		p.seq = 1000u + (edges & 3);
		p.ack = there ? d->isn + 1 : u32(d);
	}
	if (!(p.flags & FLAG_ACK))
		p.ack = 0;
	off = packet_offload(&p);
	if (how & 64 && u8(d) < 8) /* fields that may contradict it */
		off.csum_start = u16(d);
	input(d, buf, packet_build(&p, buf), &off);
}

/* The last ACK of a handshake needs our ISN: a SYN, then what it takes. */
static void handshake(struct drive *d)
{
	static uint8_t buf[PACKET_MAX];
	struct packet p = {.protocol = PROTO_TCP};
	struct tcpd_offload off = {0};

	places(d, &p, u8(d) & 7);
	p.sum = SUM_FULL;
	p.flags = FLAG_SYN;
	p.seq = 999;
	options(d, &p, u8(d));
	d->isn_port = 0;
	input(d, buf, packet_build(&p, buf), &off);
	turn(d);
	if (d->isn_port != p.sport)
		return;
	p.flags = FLAG_ACK;
	p.seq = 1000;
	p.ack = d->isn + 1;
	p.nopt = 0;
	input(d, buf, packet_build(&p, buf), &off);
	turn(d);
	for (unsigned i = 1; i < SOCKETS; i++)
		if (!d->h[i] &&
		    tcpd_accept(d->st, d->h[0], &d->h[i], d->now) == 0)
			return;
}

static void raw(struct drive *d)
{
	uint8_t buf[256];
	struct tcpd_offload off = {0};
	size_t n = u8(d);
	uint8_t how = u8(d);

	for (size_t i = 0; i < n; i++)
		buf[i] = u8(d);
	if (how & 1 && n > 20) { /* an address and protocol that pass */
		buf[0] = 0x45;
		memcpy(buf + 16, ours4 + 12, 4);
		memcpy(buf + 12, ours4 + 12, 3);
		buf[15] = 1;
		buf[2] = 0;
		buf[3] = (uint8_t)n;
		buf[9] = how & 2 ? PROTO_TCP : PROTO_ICMP;
		buf[6] &= 0x40;
		buf[7] = 0;
		buf[10] = buf[11] = 0;
		n = n < 20 ? 20 : n;
		uint16_t sum =
			(uint16_t)~packet_fold(packet_add(0, buf, 20));
		buf[10] = (uint8_t)(sum >> 8);
		buf[11] = (uint8_t)sum;
		off.flags = TCPD_PKT_CSUM_VALID;
	}
	if (how & 4)
		off.gso_size = u16(d);
	if (how & 8)
		off.flags = u8(d);
	input(d, buf, n, &off);
}

/* ------------------------------------------------------------------ calls */

static unsigned pick(struct drive *d)
{
	return u8(d) % SOCKETS;
}

static void open_socket(struct drive *d)
{
	unsigned i = pick(d);
	struct tcpd_addr a = {.port = u8(d)};
	uint8_t how = u8(d);

	if (i == 0 || d->h[i])
		return;
	a.family = how & 1 ? 6 : 4;
	memcpy(a.ip, how & 1 ? ours6 : ours4, 16);
	a.ip[15] = how & 2 ? 2 : 1;
	if (how & 4)
		tcpd_bind(d->st, &d->h[i], &a, how >> 4 & 1, d->now);
	else if (how & 8)
		tcpd_listen(d->st, &d->h[i], &a, how >> 4 & 1, NULL, d->now);
	else
		tcpd_connect(d->st, &d->h[i], NULL, &a, d->now);
}

static void end_socket(struct drive *d)
{
	unsigned i = pick(d);
	uint8_t how = u8(d) & 3;
	tcpd_handle h = d->h[i];

	if (i == 0 && how > 1)
		return; /* the listener stays */
	if (how == 0 || how == 1)
		tcpd_shutdown(d->st, h, d->now);
	else if (how == 2 && tcpd_close(d->st, h, d->now) == 0)
		d->h[i] = 0;
	else if (how == 3 && tcpd_abort(d->st, h, d->now) == 0)
		d->h[i] = 0;
}

static void stream(struct drive *d)
{
	static uint8_t buf[40000];
	tcpd_handle h = d->h[pick(d)];
	uint8_t how = u8(d);
	size_t n = (size_t)u8(d) * (how & 16 ? 150 : 1);
	struct tcpd_slice s[3];
	struct tcpd_room r[3];
	int k;

	switch (how & 3) {
	case 0:
		tcpd_send(d->st, h, buf, n, d->now);
		break;
	case 1:
		tcpd_recv(d->st, h, buf, n, d->now);
		break;
	case 2:
		k = tcpd_recv_peek(d->st, h, s, 3);
		for (int i = 0; i < k; i++)
			if (!s[i].len || s[i].p[0] + s[i].p[s[i].len - 1] > 510)
				broken("tcpd_recv_peek", "an empty slice");
		tcpd_recv_done(d->st, h, n, d->now);
		break;
	default:
		k = tcpd_send_room(d->st, h, n, r, 3);
		for (int i = 0; i < k; i++)
			memset(r[i].p, 1, r[i].len);
		if (k > 0)
			tcpd_send_filled(d->st, h, r[0].len < n ? r[0].len : n,
					 d->now);
		break;
	}
}

static void option(struct drive *d)
{
	tcpd_handle h = d->h[pick(d)];
	enum tcpd_option o = (enum tcpd_option)(u8(d) % TCPD_NOPTIONS);
	uint64_t v = u8(d);

	if (v & 128)
		v = TCPD_MS(100 * (v & 127));
	tcpd_set_option(d->st, h, o, v, d->now);
	tcpd_get_option(d->st, h, o, &v);
}

static void by_id(struct drive *d)
{
	tcpd_id id = u8(d);

	if (id & 128)
		tcpd_abort_id(d->st, id & 127, d->now);
	else
		tcpd_close_id(d->st, id, d->now);
}

/* Into a record and back; damaged in one octet, it may be refused. */
static void record(struct drive *d)
{
	int64_t len;
	uint8_t *buf;
	uint8_t how = u8(d);
	struct tcpd_stack *other = NULL;

	turn(d);
	len = tcpd_save(d->st, NULL, 0, d->now);
	if (len < 0)
		broken("tcpd_save", tcpd_err_name((int)len));
	buf = malloc((size_t)len);
	if (!buf)
		abort();
	if (tcpd_save(d->st, buf, (size_t)len, d->now) != len)
		broken("tcpd_save", "another length");
	if (how & 1) {
		struct memory mem = {.nmaps = 0};
		struct tcpd_settings set = d->set;

		buf[u32(d) % (uint32_t)len] ^= (uint8_t)(u8(d) | 1);
		memory_serve(&mem, &set);
		if (tcpd_new(&other, &set, d->now))
			broken("tcpd_new", "fails");
		tcpd_load(other, buf, (size_t)len, d->now);
		tcpd_free(other);
	} else {
		tcpd_free(d->st);
		start(d);
		if (tcpd_load(d->st, buf, (size_t)len, d->now))
			broken("tcpd_load", "refuses what tcpd_save wrote");
	}
	free(buf);
}

static void reconfigure(struct drive *d)
{
	struct tcpd_settings set = d->set;
	uint8_t how = u8(d);

	set.mtu = (uint16_t)(how & 1 ? 1500 : 1280 + how);
	set.csum = (how & 2) != 0;
	set.tso4 = set.tso6 = set.csum && how & 4;
	set.conn.backlog = how & 7;
	if (tcpd_reconfigure(d->st, &set, d->now) == 0)
		d->set = set;
}

bool drive_step(struct drive *d)
{
	if (d->p == d->end)
		return false;
	switch (u8(d) & 31) {
	case 0:
		raw(d);
		break;
	case 1:
		handshake(d);
		break;
	case 2:
		open_socket(d);
		break;
	case 3:
		end_socket(d);
		break;
	case 4:
	case 5:
	case 6:
		stream(d);
		break;
	case 7:
		option(d);
		break;
	case 8:
		pass(d, d->now + TCPD_US(1) * u16(d));
		break;
	case 9:
		pass(d, d->now + TCPD_MS(5) * u16(d));
		break;
	case 10:
		d->fail = u8(d) & 7;
		break;
	case 11:
		by_id(d);
		break;
	case 12:
		record(d);
		break;
	case 13:
		reconfigure(d);
		break;
	case 14:
	case 15:
		turn(d);
		break;
	default:
		segment(d);
		break;
	}
	if (d->p == d->end || *d->p & 64)
		turn(d);
	return true;
}

void drive_close(struct drive *d)
{
	const struct tcpd_stats *st;

	turn(d);
	check(d);
	for (unsigned i = 0; i < SOCKETS; i++)
		if (d->h[i])
			tcpd_close(d->st, d->h[i], d->now);
	d->fail = 0;
	turn(d);
	pass(d, d->now + TCPD_SEC(3600));
	st = tcpd_stats(d->st);
	if (st->now_connections || st->now_half_open || st->now_time_wait ||
	    st->now_listeners || st->now_blocks || st->now_records)
		broken("the end", "something is left");
	tcpd_free(d->st);
	if (d->mem.nmaps || d->mem.wrong)
		broken("memory", d->mem.wrong ? d->mem.wrong : "maps are left");
	free(d);
}
