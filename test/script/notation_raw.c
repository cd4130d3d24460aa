/* SPDX-License-Identifier: MIT */
/*
 * notation_raw.c - what is not a TCP segment: ICMP by name, for both families,
 *	< icmp host-unreachable quote 1
 *	> icmp port-unreachable
 * and whole packets in hex (of one family: `setting family 4`).
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "script.h"

/* Type and code in one number; 0xffff: that family has none. */
static const struct {
	const char *name;
	uint16_t ip4, ip6;
} icmp_names[] = {
	{"echo", 0x0800, 0x8000},
	{"echo-reply", 0x0000, 0x8100},
	{"net-unreachable", 0x0300, 0x0100},
	{"host-unreachable", 0x0301, 0x0103},
	{"protocol-unreachable", 0x0302, 0x0401},
	{"port-unreachable", 0x0303, 0x0104},
	{"prohibited", 0x030d, 0x0101},
	{"too-big", 0x0304, 0x0200},
	{"source-quench", 0x0400, 0xffff},
	{"redirect", 0x0501, 0x8900},
	{"time-exceeded", 0x0b00, 0x0300},
	{"parameter-problem", 0x0c00, 0x0400},
};

uint16_t notation_icmp_type(uint8_t version, const char *name)
{
	for (size_t i = 0; i < sizeof(icmp_names) / sizeof(icmp_names[0]); i++)
		if (name && !strcmp(name, icmp_names[i].name))
			return version == 4 ? icmp_names[i].ip4
					    : icmp_names[i].ip6;
	return 0xffff;
}

static void put32(uint8_t *at, uint32_t v)
{
	for (int i = 0; i < 4; i++)
		at[i] = (uint8_t)(v >> (24 - 8 * i));
}

/* Our segment of |f| that began at |seq|, as a router would quote it. */
static size_t quote(const struct stage *s, const struct flow *f, uint32_t seq,
		    uint8_t *at)
{
	static uint8_t whole[PACKET_MAX];
	struct packet p = {.version = s->version,
			   .protocol = PROTO_TCP,
			   .sport = f->local.port,
			   .dport = f->peer.port,
			   .seq = seq + f->our_isn,
			   .flags = FLAG_ACK};
	size_t n = (s->version == 4 ? 20 : 40) + 8;

	memcpy(p.src, f->local.ip, 16);
	memcpy(p.dst, f->peer.ip, 16);
	packet_build(&p, whole);
	memcpy(at, whole, n);
	return n;
}

static void put_sum(struct packet *p, uint8_t *message)
{
	uint64_t sum = p->version == 6 ? packet_pseudo(p, p->len) : 0;
	uint16_t v;

	v = (uint16_t)~packet_fold(packet_add(sum, message, p->len));
	message[2] = (uint8_t)(v >> 8);
	message[3] = (uint8_t)v;
}

bool notation_icmp_in(struct stage *s, struct line *l, unsigned w,
		      struct flow *f)
{
	uint16_t type = notation_icmp_type(s->version, word_at(l, w));
	uint8_t message[400] = {0}, *buf;
	struct packet p = {.version = s->version};
	struct tcpd_offload off = {0};
	bool bad = false;
	size_t cut = 0, len;
	int64_t v;

	if (type == 0xffff)
		return stage_fail(s, "'%s' is no ICMP message of this family",
				  w < l->nwords ? l->words[w] : "");
	p.protocol = s->version == 4 ? PROTO_ICMP : PROTO_ICMP6;
	p.len = 8;
	message[0] = (uint8_t)(type >> 8);
	message[1] = (uint8_t)type;
	for (w++; w < l->nwords; w++) {
		if (word_is(l, w, "bad")) {
			bad = true;
			continue;
		}
		if (!line_number(s, l, w + 1, &v))
			return false;
		if (word_is(l, w, "quote"))
			p.len +=
				(uint32_t)quote(s, f, (uint32_t)v, message + 8);
		else if (word_is(l, w, "mtu"))
			put32(message + 4, (uint32_t)v);
		else if (word_is(l, w, "data") && v <= 300)
			p.len += (uint32_t)v;
		else if (word_is(l, w, "cut"))
			cut = (size_t)v;
		else
			return stage_fail(s, "'%s' is not known here",
					  l->words[w]);
		w++;
	}
	memcpy(p.src, f->peer.ip, 16);
	memcpy(p.dst, f->local.ip, 16);
	if (cut)
		p.len = (uint32_t)cut;
	put_sum(&p, message);
	message[2] ^= bad ? 1 : 0;
	p.data = message;
	buf = malloc(PACKET_MAX);
	if (!buf)
		abort();
	len = packet_build(&p, buf);
	stage_input(s, buf, len, &off);
	free(buf);
	return !s->why[0];
}

bool notation_icmp_out(struct stage *s, struct line *l, unsigned w,
		       const struct packet *p)
{
	uint16_t type = notation_icmp_type(s->version, word_at(l, w));
	char text[300];

	if (type == 0xffff)
		return stage_fail(s, "'%s' is no ICMP message of this family",
				  w < l->nwords ? l->words[w] : "");
	if (p->protocol != PROTO_TCP && p->type == type >> 8 &&
	    p->code == (uint8_t)type)
		return true;
	return stage_fail(s, "came: > %s",
			  flow_print(text, sizeof(text), NULL, p));
}

static int digit(char c)
{
	static const char digits[] = "0123456789abcdef";
	const char *at = c ? strchr(digits, c) : NULL;

	return at ? (int)(at - digits) : -1;
}

int notation_hex(const char *word, uint8_t *to, size_t room)
{
	size_t n = 0;

	for (; *word; word += 2) {
		int hi = digit(word[0]);
		int lo = hi < 0 ? -1 : digit(word[1]);

		if (n == room || lo < 0)
			return -1;
		to[n++] = (uint8_t)(hi * 16 + lo);
	}
	return (int)n;
}

bool notation_hex_in(struct stage *s, struct line *l, unsigned w)
{
	uint8_t buf[2048];
	struct tcpd_offload off = {0};
	size_t n = 0;
	int64_t v;

	for (; w < l->nwords; w++) {
		int got;
		const char *p = l->words[w];

		if (!strcmp(p, "gso") || !strcmp(p, "flags")) {
			if (!line_number(s, l, ++w, &v))
				return false;
			if (*p == 'g')
				off.gso_size = (uint16_t)v;
			else
				off.flags = (uint16_t)v;
			continue;
		}
		got = notation_hex(p, buf + n, sizeof(buf) - n);
		if (got < 0)
			return stage_fail(s, "'%s' is not in hex", p);
		n += (size_t)got;
	}
	stage_input(s, buf, n, &off);
	return !s->why[0];
}
