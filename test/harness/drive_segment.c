/* SPDX-License-Identifier: MIT */
/*
 * drive_segment.c - packets of drive: segments near the edges of a
 * connection's windows, whole handshakes, and raw octets.
 */
#include <stdlib.h>
#include <string.h>

#include "drive_in.h"

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
	static const uint8_t usual[] = {
		FLAG_ACK,	    FLAG_ACK | FLAG_PSH, FLAG_ACK | FLAG_FIN,
		FLAG_SYN,	    FLAG_SYN | FLAG_ACK, FLAG_RST,
		FLAG_RST | FLAG_ACK};

	return how < 224 ? usual[how % 7] : (uint8_t)(how * 7);
}

static void options(struct drive *d, struct packet *p, uint8_t how)
{
	uint8_t n = how & 3 ? (uint8_t)(drive_u8(d) % 41) : 0;

	if ((how & 3) == 1) { /* those of a SYN of today */
		static const uint8_t usual[] = {2,  4, 5, 180, 4, 2, 8,
						10, 0, 0, 0,   0, 0, 0,
						0,  0, 1, 3,   3, 7};
		memcpy(p->opt, usual, sizeof(usual));
		p->nopt = sizeof(usual);
		p->opt[11] = n;
		return;
	}
	for (p->nopt = 0; p->nopt < n; p->nopt++)
		p->opt[p->nopt] = drive_u8(d);
}

static void places(struct drive *d, struct packet *p, uint8_t how)
{
	p->version = how & 1 ? 6 : 4;
	p->protocol = PROTO_TCP;
	memcpy(p->dst, p->version == 4 ? drive_ip4 : drive_ip6, 16);
	memcpy(p->src, p->dst, 16);
	p->src[15] = 1;
	p->sport = (uint16_t)(40000 + (how >> 1 & 3));
	p->dport = how & 8 ? 81 : 80;
	p->ttl = 64;
	p->wnd = drive_u16(d);
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

static void put32(struct packet *p, uint32_t v)
{
	for (int shift = 24; shift >= 0; shift -= 8)
		p->opt[p->nopt++] = (uint8_t)(v >> shift);
}

/* One of now, or older; the stack's last one, or older. */
static void add_time_stamps(struct drive *d, struct packet *p, uint8_t how)
{
	p->opt[p->nopt++] = 1;
	p->opt[p->nopt++] = 1;
	p->opt[p->nopt++] = 8;
	p->opt[p->nopt++] = 10;
	put32(p, (uint32_t)(d->now / TCPD_MS(1)) - (how & 3 ? 0 : how));
	put32(p, d->ts - (how & 12 ? 0 : how >> 4));
}

/* In sixteenths of what is in flight, or beside those; before and behind it. */
static uint32_t in_flight(const struct tcpd_status *st, uint8_t how)
{
	uint32_t n = (st->snd_nxt - st->snd_una + 15) / 16;
	uint32_t beside = (how & 0xe0) == 0xe0 ? 1 : 0;

	return st->snd_una + (how & 31) * n - n + beside;
}

/* Time stamps, SACK blocks, congestion marks: what an ACK has to tell. */
static void tell(struct drive *d, struct packet *p,
		 const struct tcpd_status *st)
{
	uint8_t what = drive_u8(d);
	unsigned n = what >> 1 & 3;

	p->nopt = 0;
	if (what & 1)
		add_time_stamps(d, p, drive_u8(d));
	if (n) {
		p->opt[p->nopt++] = 1;
		p->opt[p->nopt++] = 1;
		p->opt[p->nopt++] = 5;
		p->opt[p->nopt++] = (uint8_t)(2 + 8 * n);
	}
	for (unsigned i = 0; i < n; i++) {
		put32(p, in_flight(st, drive_u8(d)));
		put32(p, in_flight(st, drive_u8(d)));
	}
	p->flags |= what & 8 ? FLAG_ECE : 0;
	p->flags |= what & 16 ? FLAG_CWR : 0;
	p->tos = what >> 6;
}

void drive_segment(struct drive *d)
{
	static uint8_t text[16384], buf[PACKET_MAX];
	uint8_t how = drive_u8(d), edges = drive_u8(d), small = drive_u8(d);
	struct packet p = {.data = text};
	struct tcpd_offload off;
	struct tcpd_status st;
	bool there;

	places(d, &p, how);
	if (how & 32)
		turn_to(d, &p, small);
	p.flags = flags(drive_u8(d));
	options(d, &p, edges >> 6);
	p.len = edges & 0x38 ? 0 : small;
	if (small == 255) {
		p.len = 200u * drive_u8(d) % (uint32_t)sizeof(text);
		p.gso = d->set.tso4 && p.len > 1400 ? 1400 : 0;
	}
	there = meets(d, &p, &st);
	if (there && st.kind == TCPD_KIND_CONN) {
		p.seq = near_edge(st.rcv_nxt, st.rcv_nxt + st.rcv_wnd,
				  edges & 7);
		p.ack = near_edge(st.snd_una, st.snd_nxt, edges >> 3 & 7);
		if ((edges & 0xc0) != 0xc0)
			tell(d, &p, &st);
	} else {
		p.seq = 1000u + (edges & 3);
		/* a SYN cookie, perhaps: there is no entry */
		p.ack = there || edges & 4 ? d->isn + 1 : drive_u32(d);
	}
	if (!(p.flags & FLAG_ACK))
		p.ack = 0;
	off = packet_offload(&p);
	if (how & 64 && drive_u8(d) < 8) /* fields that may contradict it */
		off.csum_start = drive_u16(d);
	drive_input(d, buf, packet_build(&p, buf), &off);
}

/* The last ACK of a handshake needs our ISN: a SYN, then what it takes. */
void drive_handshake(struct drive *d)
{
	static uint8_t buf[PACKET_MAX];
	struct packet p = {.protocol = PROTO_TCP};
	struct tcpd_offload off = {0};
	uint8_t how;

	places(d, &p, drive_u8(d) & 7);
	how = drive_u8(d);
	p.sum = SUM_FULL;
	p.flags = FLAG_SYN;
	p.seq = 999;
	options(d, &p, how);
	p.flags |= how & 4 ? FLAG_ECE | FLAG_CWR : 0;
	d->isn_port = 0;
	drive_input(d, buf, packet_build(&p, buf), &off);
	drive_turn(d);
	if (d->isn_port != p.sport)
		return;
	p.flags = FLAG_ACK;
	p.seq = 1000;
	p.ack = d->isn + 1;
	p.nopt = 0;
	if ((how & 3) == 1)
		add_time_stamps(d, &p, 15);
	drive_input(d, buf, packet_build(&p, buf), &off);
	drive_turn(d);
	for (unsigned i = 1; i < SOCKETS; i++)
		if (!d->h[i] &&
		    tcpd_accept(d->st, d->h[0], &d->h[i], d->now) == 0)
			return;
}

void drive_raw(struct drive *d)
{
	uint8_t buf[256];
	struct tcpd_offload off = {0};
	size_t n = drive_u8(d);
	uint8_t how = drive_u8(d);
	uint16_t sum;

	for (size_t i = 0; i < n; i++)
		buf[i] = drive_u8(d);
	if (how & 1 && n > 20) { /* an address and protocol that pass */
		buf[0] = 0x45;
		memcpy(buf + 16, drive_ip4 + 12, 4);
		memcpy(buf + 12, drive_ip4 + 12, 3);
		buf[15] = 1;
		buf[2] = 0;
		buf[3] = (uint8_t)n;
		buf[9] = how & 2 ? PROTO_TCP : PROTO_ICMP;
		buf[6] &= 0x40;
		buf[7] = 0;
		buf[10] = buf[11] = 0;
		n = n < 20 ? 20 : n;
		sum = (uint16_t)~packet_fold(packet_add(0, buf, 20));
		buf[10] = (uint8_t)(sum >> 8);
		buf[11] = (uint8_t)sum;
		off.flags = TCPD_PKT_CSUM_VALID;
	}
	if (how & 4)
		off.gso_size = drive_u16(d);
	if (how & 8)
		off.flags = drive_u8(d);
	drive_input(d, buf, n, &off);
}
