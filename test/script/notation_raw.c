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

/* What a line says of an ICMP message. */
struct icmp_said {
	uint8_t message[65536];
	struct ip_said ip;
	struct tcpd_addr src, dst;
	uint32_t len;
	uint8_t tos;
	bool bad;
};

static bool read_place(struct stage *s, struct line *l, unsigned w,
		       struct tcpd_addr *a)
{
	const char *word = word_at(l, w);

	return (word && flow_place(s, word, a)) ||
	       stage_fail(s, "%s is no place", word ? word : "end of line");
}

/* A word of it, with its value at |*w|. */
static bool read_icmp_word(struct stage *s, struct line *l, unsigned *w,
			   const char *word, const struct flow *f,
			   struct icmp_said *d)
{
	int64_t v;

	if (!strcmp(word, "bad")) {
		d->bad = true;
		return true;
	}
	if (!strcmp(word, "from"))
		return read_place(s, l, (*w)++, &d->src);
	if (!strcmp(word, "to"))
		return read_place(s, l, (*w)++, &d->dst);
	if (!line_number(s, l, (*w)++, &v))
		return false;
	if (!strcmp(word, "quote"))
		d->len += (uint32_t)quote(s, f, (uint32_t)v, d->message + 8);
	else if (!strcmp(word, "mtu"))
		put32(d->message + 4, (uint32_t)v);
	else if (!strcmp(word, "tos"))
		d->tos = (uint8_t)v;
	else if (!strcmp(word, "type"))
		d->message[0] = (uint8_t)v;
	else if (!strcmp(word, "code"))
		d->message[1] = (uint8_t)v;
	else if (!strcmp(word, "data") && v <= 65500)
		d->len += (uint32_t)v;
	else if (!strcmp(word, "cut"))
		d->len = (uint32_t)v;
	else
		return stage_fail(s, "'%s' is not known here", word);
	return true;
}

static void send_icmp(struct stage *s, struct icmp_said *d)
{
	struct packet p = {.version = s->version,
			   .protocol =
				   s->version == 4 ? PROTO_ICMP : PROTO_ICMP6,
			   .tos = d->tos,
			   .data = d->message,
			   .len = d->len};
	uint8_t *buf = malloc((size_t)2 * PACKET_MAX);
	struct tcpd_offload off = {0};
	size_t len;

	if (!buf)
		abort();
	memcpy(p.src, d->src.ip, 16);
	memcpy(p.dst, d->dst.ip, 16);
	put_sum(&p, d->message);
	d->message[2] ^= d->bad ? 1 : 0;
	len = packet_build(&p, buf);
	len = notation_ip_shape(&d->ip, s->version, buf, len);
	stage_input(s, buf, len, &off);
	free(buf);
}

bool notation_icmp_in(struct stage *s, struct line *l, unsigned w,
		      struct flow *f)
{
	uint16_t type = notation_icmp_type(s->version, word_at(l, w));
	struct icmp_said *d;
	bool fine = true;

	if (type == 0xffff)
		return stage_fail(s, "'%s' is no ICMP message of this family",
				  w < l->nwords ? l->words[w] : "");
	d = calloc(1, sizeof(*d));
	if (!d)
		abort();
	d->len = 8;
	d->src = f->peer;
	d->dst = f->local;
	d->message[0] = (uint8_t)(type >> 8);
	d->message[1] = (uint8_t)type;
	for (unsigned i = 8; i < sizeof(d->message); i++)
		d->message[i] = (uint8_t)(i * 7);
	for (w++; fine && w < l->nwords;) {
		const char *word = l->words[w++];

		fine = notation_ip_word(s, l, &w, word, &d->ip)
			       ? !s->why[0]
			       : read_icmp_word(s, l, &w, word, f, d);
	}
	if (fine)
		send_icmp(s, d);
	free(d);
	return !s->why[0];
}

/* Is |p| what the words from |w| on say?  NULL, or the word that is wrong. */
static const char *icmp_differs(struct stage *s, struct line *l, unsigned w,
				uint16_t type, const struct packet *p)
{
	const uint8_t *m = p->data;
	int64_t v;

	/* an echo has the octets that notation_icmp_in() gave it */
	for (uint32_t i = 8; type == 0x0000 || type == 0x8100; i++) {
		if (i >= p->len)
			break;
		if (m[i] != (uint8_t)(i * 7))
			return "echo-reply";
	}
	for (; w < l->nwords; w += 2) {
		const char *word = l->words[w];
		int64_t is;

		if (!line_number(s, l, w + 1, &v))
			return word;
		if (!strcmp(word, "len"))
			is = p->len;
		else if (!strcmp(word, "tos"))
			is = p->tos;
		else if (!strcmp(word, "code"))
			is = p->code;
		else if (!strcmp(word, "rest") && p->len >= 8)
			is = (int64_t)m[4] << 24 | m[5] << 16 | m[6] << 8 |
			     m[7];
		else
			return word;
		if (is != v)
			return word;
	}
	return NULL;
}

/* "1480@1480*i+" with its numbers worked out; "": it cannot be read. */
static void frag_word(const struct line *l, unsigned w, char *want, size_t room)
{
	char copy[80] = "", *at, *plus;
	int64_t len, off;

	(void)snprintf(copy, sizeof(copy), "%s",
		       word_at(l, w) ? word_at(l, w) : "");
	want[0] = '\0';
	at = strchr(copy, '@');
	plus = copy + strlen(copy) - 1;
	if (!at || *plus != '+')
		return;
	*at = *plus = '\0';
	if (number_expr(copy, l->index, &len) &&
	    number_expr(at + 1, l->index, &off))
		(void)snprintf(want, room, "%lld@%lld+", (long long)len,
			       (long long)off);
}

/* "> icmp frag LEN@OFFSET+": one that is not the last. */
static bool frag_out(struct stage *s, struct line *l, unsigned w,
		     const struct packet *p)
{
	char want[64], came[64];

	(void)snprintf(came, sizeof(came), "%u@%u%s", p->len, p->offset,
		       p->more ? "+" : "");
	frag_word(l, w, want, sizeof(want));
	if (p->protocol != PROTO_TCP && p->fragment && !strcmp(came, want))
		return true;
	return stage_fail(s, "came: frag %s", came);
}

bool notation_icmp_out(struct stage *s, struct line *l, unsigned w,
		       const struct packet *p)
{
	uint16_t type;
	const char *wrong;
	char text[300];

	if (word_is(l, w, "frag"))
		return frag_out(s, l, w + 1, p);
	type = notation_icmp_type(s->version, word_at(l, w));
	if (type == 0xffff)
		return stage_fail(s, "'%s' is no ICMP message of this family",
				  w < l->nwords ? l->words[w] : "");
	wrong = icmp_differs(s, l, w + 1, type, p);
	if (p->protocol != PROTO_TCP && p->type == type >> 8 && !p->more &&
	    (p->code == (uint8_t)type || l->nwords > w + 1) && !wrong)
		return true;
	if (wrong)
		stage_fail(s, "'%s' is not so", wrong);
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
