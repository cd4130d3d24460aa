/* SPDX-License-Identifier: MIT */
/*
 * icmp.c - ICMP (RFC 792) and ICMPv6 (RFC 4443): what a message means to
 * TCP, in one vocabulary for both families, and the few that are sent.
 * Whether an error is believed (RFC 5927) and whether one may be sent at all
 * is decided elsewhere.
 */
#include <string.h>

#include "base/octets.h"
#include "icmp.h"

enum {
	ICMP4_ECHO_REPLY = 0,
	ICMP4_UNREACHABLE = 3,
	ICMP4_ECHO = 8,
	ICMP4_TIME_EXCEEDED = 11,
	ICMP4_PARAMETER = 12,
	ICMP4_FRAG_NEEDED = 4, /* code of UNREACHABLE */
	ICMP6_UNREACHABLE = 1,
	ICMP6_TOO_BIG = 2,
	ICMP6_TIME_EXCEEDED = 3,
	ICMP6_PARAMETER = 4,
	ICMP6_INFORMATIONAL = 128, /* from here on */
	ICMP6_ECHO = 128,
	ICMP6_ECHO_REPLY = 129,
	ICMP_HEAD = 8,
	ICMP_CSUM_AT = 2
};

/* By code: RFC 792, RFC 1122 3.2.2.1, RFC 1812 5.2.7.1. */
static const uint8_t reason4[] = {
	ICMP_NET,	 /* 0 network unreachable */
	ICMP_HOST,	 /* 1 host unreachable */
	ICMP_PROTOCOL,	 /* 2 */
	ICMP_PORT,	 /* 3 */
	ICMP_NET,	 /* 4 is ICMP_TOO_BIG */
	ICMP_HOST,	 /* 5 source route failed */
	ICMP_NET,	 /* 6 network unknown */
	ICMP_HOST,	 /* 7 host unknown */
	ICMP_HOST,	 /* 8 source host isolated */
	ICMP_PROHIBITED, /* 9 network */
	ICMP_PROHIBITED, /* 10 host */
	ICMP_NET,	 /* 11 for this type of service */
	ICMP_HOST,	 /* 12 for this type of service */
	ICMP_PROHIBITED, /* 13 communication */
	ICMP_PROHIBITED, /* 14 host precedence violation */
	ICMP_PROHIBITED	 /* 15 precedence cutoff */
};

/* RFC 4443, 3.1. */
static const uint8_t reason6[] = {
	ICMP_NET,	 /* 0 no route */
	ICMP_PROHIBITED, /* 1 */
	ICMP_NET,	 /* 2 beyond the scope of the source */
	ICMP_HOST,	 /* 3 address unreachable */
	ICMP_PORT,	 /* 4 */
	ICMP_PROHIBITED, /* 5 source address failed a policy */
	ICMP_PROHIBITED	 /* 6 route that rejects */
};

static enum icmp_kind unreachable(struct icmp *m, const uint8_t *reason,
				  size_t n)
{
	if (m->code >= n)
		return ICMP_OTHER;
	m->reason = (enum icmp_reason)reason[m->code];
	return ICMP_UNREACHABLE;
}

static enum icmp_kind kind4(struct icmp *m, uint32_t rest)
{
	switch (m->type) {
	case ICMP4_ECHO:
		return ICMP_ECHO;
	case ICMP4_UNREACHABLE:
		if (m->code != ICMP4_FRAG_NEEDED)
			return unreachable(m, reason4, sizeof(reason4));
		m->mtu = rest & 0xffff; /* RFC 1191, 4 */
		return ICMP_TOO_BIG;
	case ICMP4_TIME_EXCEEDED:
	case ICMP4_PARAMETER:
		return ICMP_SOFT;
	default: /* a source quench too (RFC 6633) */
		return ICMP_OTHER;
	}
}

static enum icmp_kind kind6(struct icmp *m, uint32_t rest)
{
	switch (m->type) {
	case ICMP6_ECHO:
		return ICMP_ECHO;
	case ICMP6_UNREACHABLE:
		return unreachable(m, reason6, sizeof(reason6));
	case ICMP6_TOO_BIG:
		m->mtu = rest;
		return ICMP_TOO_BIG;
	case ICMP6_TIME_EXCEEDED:
	case ICMP6_PARAMETER:
		return ICMP_SOFT;
	default: /* an error of a later RFC is passed up (4443, 2.4) */
		return m->type < ICMP6_INFORMATIONAL ? ICMP_SOFT : ICMP_OTHER;
	}
}

/* Sum of a whole message, with the pseudo header where there is one. */
static cksum_t sum_of(const struct ip *ip, const uint8_t *p, size_t len,
		      cksum_fn *sum)
{
	cksum_t s = cksum_sum(sum, p, len);

	if (ip->version == 6)
		s += cksum_pseudo(ip->src, ip->dst, IP_ICMP6, (uint32_t)len);
	return s;
}

static void fill_csum(uint8_t *p, size_t len, const struct ip *ip,
		      cksum_fn *sum)
{
	uint16_t c;

	p[ICMP_CSUM_AT] = p[ICMP_CSUM_AT + 1] = 0;
	c = (uint16_t)~cksum_fold(sum_of(ip, p, len, sum));
	p[ICMP_CSUM_AT] = (uint8_t)(c >> 8);
	p[ICMP_CSUM_AT + 1] = (uint8_t)c;
}

/* The quoted packet, when it is the first of a TCP segment of this family. */
static void parse_quote(struct icmp *m, uint8_t version, struct octets in)
{
	struct ip *q = &m->quote;
	bool good = ip_parse_quoted(q, in.p, octets_left(&in));

	if (!good || q->version != version || q->protocol != IP_TCP ||
	    q->fragment) {
		*q = (struct ip){0};
		return;
	}
	octets_take(&in, q->nhead);
	m->quote_src = octets_be16(&in);
	m->quote_dst = octets_be16(&in);
	m->quote_seq = octets_be32(&in);
	m->has_quote = !in.bad;
}

void icmp_parse(struct icmp *m, const struct ip *ip, const uint8_t *p,
		size_t len, cksum_fn *sum, bool csum_valid)
{
	struct octets in = octets_of(p, len);
	uint32_t rest;

	*m = (struct icmp){.kind = ICMP_BAD};
	m->type = octets_u8(&in);
	m->code = octets_u8(&in);
	octets_take(&in, 2);
	rest = octets_be32(&in);
	if (in.bad)
		return;
	if (!csum_valid && cksum_fold(sum_of(ip, p, len, sum)) != 0xffff)
		return;
	m->kind = ip->version == 6 ? kind6(m, rest) : kind4(m, rest);
	if (m->kind != ICMP_OTHER && m->kind != ICMP_ECHO)
		parse_quote(m, ip->version, in);
}

/* A message has these fields; a struct to carry them would serve one caller.
 * NOLINTNEXTLINE(readability-function-size) */
size_t icmp_build_error(uint8_t *p, size_t room, const struct ip *ip,
			uint8_t type, uint8_t code, uint32_t rest,
			const uint8_t *quote, size_t nquote, cksum_fn *sum)
{
	struct octets_out out = octets_into(p, room);
	size_t len = ICMP_HEAD + nquote;

	octets_put_u8(&out, type);
	octets_put_u8(&out, code);
	octets_put_be16(&out, 0);
	octets_put_be32(&out, rest);
	octets_put(&out, quote, nquote);
	if (out.bad)
		return 0;
	fill_csum(p, len, ip, sum);
	return len;
}

void icmp_echo_reply(uint8_t *p, size_t len, const struct ip *ip, cksum_fn *sum)
{
	if (len < ICMP_HEAD)
		return;
	p[0] = ip->version == 6 ? ICMP6_ECHO_REPLY : ICMP4_ECHO_REPLY;
	fill_csum(p, len, ip, sum);
}
