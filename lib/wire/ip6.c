/* SPDX-License-Identifier: MIT */
/*
 * ip6.c - the headers between IPv6's fixed one and the payload (RFC 8200, 4).
 *
 * They are walked within bounds (RFC 8504, 5.3): 8 headers, 256 octets, 8
 * options that are not padding in one of them.  What is beyond is dropped in
 * silence; what RFC 8200 wants to be answered is told with the place that is
 * wrong.  A header that is none of those here is the payload's.
 */
#include "ip.h"

enum {
	HOP_BY_HOP = 0,
	ROUTING = 43,
	DESTINATION = 60,
	MAX_HEADERS = 8,
	MAX_OCTETS = 256,
	MAX_OPTIONS = 8,
	OPT_PAD1 = 0,
	OPT_PADN = 1,
	ICMP6_REDIRECT = 137,
	ICMP6_INFORMATIONAL = 128
};

static enum ip_verdict problem(struct ip *ip, enum ip_problem code, size_t at)
{
	ip->problem = (uint8_t)code;
	ip->problem_at = (uint16_t)at;
	return IP_PROBLEM;
}

/* Options of a hop-by-hop or destination header; the two highest bits of a
 * type say what is to be done by who does not know it (4.2): we know none. */
static enum ip_verdict options(struct ip *ip, const uint8_t *p,
			       struct octets in)
{
	unsigned n = 0;

	while (octets_left(&in)) {
		const uint8_t *at = in.p;
		uint8_t type = octets_u8(&in);

		if (type == OPT_PAD1)
			continue;
		octets_take(&in, octets_u8(&in));
		if (in.bad)
			return IP_EXTENSION;
		if (type == OPT_PADN)
			continue;
		if (++n > MAX_OPTIONS || type >> 6 == 1)
			return IP_EXTENSION;
		if (type >> 6 > 1) /* to multicast, too, 11 would be silent:
				      but none of these addresses is ours */
			return problem(ip, IP_PROBLEM_OPTION, (size_t)(at - p));
	}
	return IP_GOOD;
}

static bool is_extension(uint8_t protocol)
{
	return protocol == HOP_BY_HOP || protocol == ROUTING ||
	       protocol == IP6_FRAGMENT || protocol == DESTINATION;
}

/* Octets of a header of |kind| whose length octet is |units|. */
static size_t size_of(uint8_t kind, uint8_t units)
{
	return kind == IP6_FRAGMENT ? IP6_FRAGMENT_HEAD
				    : (units + (size_t)1) * 8;
}

/* One header of kind |kind| that begins at |at|; |v| is what follows its
 * length octet. */
static enum ip_verdict header(struct ip *ip, const uint8_t *p, size_t at,
			      uint8_t kind, struct octets v)
{
	uint16_t frag;

	switch (kind) {
	case HOP_BY_HOP: /* 4.3: right after the fixed header alone */
		if (at != IP6_HEAD)
			return problem(ip, IP_PROBLEM_NEXT_HEADER,
				       ip->named_at);
		return options(ip, p, v);
	case DESTINATION:
		return options(ip, p, v);
	case ROUTING: /* 4.4, of whatever type: type 0 is gone (RFC 5095) */
		octets_u8(&v);
		if (octets_u8(&v) != 0)
			return problem(ip, IP_PROBLEM_FIELD, at + 2);
		return IP_GOOD;
	default: /* a fragment; one alone is none (RFC 6946) */
		frag = octets_be16(&v);
		ip->id = octets_be32(&v);
		ip->more = frag & 1;
		ip->offset = frag & 0xfff8u;
		ip->fragment = ip->more || ip->offset;
		return IP_GOOD;
	}
}

enum ip_verdict ip6_walk(struct ip *ip, const uint8_t *p, struct octets in)
{
	size_t all = octets_left(&in);
	bool seen_fragment = false;

	for (int i = 0; is_extension(ip->protocol) && !ip->fragment; i++) {
		size_t at = (size_t)(in.p - p);
		uint8_t kind = ip->protocol;
		uint8_t next = octets_u8(&in);
		size_t n = size_of(kind, octets_u8(&in));
		struct octets v = octets_take(&in, n - 2);
		enum ip_verdict got;

		if (in.bad)
			return IP_SHORT;
		if (i == MAX_HEADERS || all - octets_left(&in) > MAX_OCTETS ||
		    (kind == IP6_FRAGMENT && seen_fragment))
			return IP_EXTENSION;
		got = header(ip, p, at, kind, v);
		if (got != IP_GOOD)
			return got;
		seen_fragment |= kind == IP6_FRAGMENT;
		ip->protocol = next;
		if (!ip->fragment)
			ip->named_at = (uint16_t)at;
	}
	ip->nhead = (uint16_t)(ip->nhead + (all - octets_left(&in)));
	ip->len = (uint32_t)octets_left(&in);
	return IP_GOOD;
}

/* On to the upper layer, whatever is on the way: its protocol. */
static uint8_t upper(uint8_t protocol, struct octets *in)
{
	while (is_extension(protocol) && !in->bad) {
		uint8_t next = octets_u8(in);
		uint8_t units = octets_u8(in);

		if (protocol == IP6_FRAGMENT) {
			if (octets_be16(in) & 0xfff8)
				return IP_NOTHING; /* not the first one */
			octets_take(in, 4);
		} else {
			octets_take(in, size_of(protocol, units) - 2);
		}
		protocol = next;
	}
	return protocol;
}

bool ip6_chain_whole(const struct ip *ip, const uint8_t *p, size_t len)
{
	struct octets in = octets_of(p, len);
	struct octets tcp;
	uint8_t protocol;

	octets_take(&in, ip->nhead);
	protocol = upper(ip->protocol, &in);
	switch (protocol) {
	case IP_TCP:
		tcp = in;
		octets_take(&tcp, 12);
		octets_take(&in, (octets_u8(&tcp) >> 4) * (size_t)4);
		octets_take(&tcp, 7);
		return !in.bad && !tcp.bad;
	case IP_UDP:
	case IP_ICMP6:
		octets_take(&in, 8);
		break;
	default:
		break;
	}
	return !in.bad;
}

bool ip6_is_error(const struct ip *ip, struct octets in)
{
	bool icmp = upper(ip->protocol, &in) == IP_ICMP6;
	uint8_t type = octets_u8(&in);

	return icmp && !in.bad &&
	       (type < ICMP6_INFORMATIONAL || type == ICMP6_REDIRECT);
}
