/* SPDX-License-Identifier: MIT */
/*
 * ip.h - IPv4 and IPv6 headers: octets to values and back.  Addresses are 16
 * octets, IPv4 as ::ffff:a.b.c.d.  No state, no policy.
 */
#ifndef WIRE_IP_H
#define WIRE_IP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/octets.h"

enum {
	IP6_FRAGMENT = 44, /* its header */
	IP_ICMP = 1,
	IP_TCP = 6,
	IP_UDP = 17,
	IP_ICMP6 = 58,
	IP_NOTHING = 59, /* IPv6: no next header */
	/* RFC 3168, 5: the two bits of TOS and traffic class */
	IP_ECT1 = 1,
	IP_ECT0 = 2,
	IP_CE = 3,
	IP_ECN = 3, /* the mask */
	IP4_HEAD = 20,
	IP6_HEAD = 40,
	IP6_FRAGMENT_HEAD = 8,
	IP_MAX = 65535 + IP6_HEAD /* octets of a packet, jumbograms aside */
};

enum ip_verdict {
	IP_GOOD,
	IP_SHORT,     /* cut short, or lengths that contradict each other */
	IP_VERSION,   /* neither 4 nor 6 */
	IP_CHECKSUM,  /* of the IPv4 header */
	IP_OPTION,    /* source route, or an option past the header's end */
	IP_EXTENSION, /* an IPv6 header before the payload beyond the bounds (8
			 headers, 256 octets, 8 options in one), or an option
			 that asks to be dropped in silence */
	IP_PROBLEM /* the same, to be answered by an ICMPv6 parameter problem:
		      |problem| at |problem_at| */
};

/* Codes of it: RFC 4443, 3.4; RFC 7112, 5. */
enum ip_problem {
	IP_PROBLEM_FIELD,
	IP_PROBLEM_NEXT_HEADER,
	IP_PROBLEM_OPTION,
	IP_PROBLEM_FIRST_FRAGMENT
};

struct ip {
	uint8_t src[16], dst[16];
	uint8_t version;   /* 4, 6 */
	uint8_t protocol;  /* of the payload */
	uint8_t tos;	   /* TOS, traffic class */
	uint8_t ttl;	   /* TTL, hop limit */
	bool df, fragment; /* fragment: one of several */
	bool more;	   /* of them: not the last */
	uint32_t offset;   /* of them: where its payload belongs, octets */
	uint32_t id;	   /* IPv4: 16 bits; IPv6: of the fragment header */
	uint32_t flow;	   /* IPv6 flow label */
	uint16_t nhead;	   /* octets before the payload; of a fragment its
			      fragment header is the last of them */
	uint16_t named_at; /* IPv6: the octet that names the payload's protocol;
			      of a fragment, that names the fragment header */
	uint16_t problem_at;
	uint8_t problem; /* enum ip_problem */
	uint32_t len;	 /* octets of the payload */
};

/*
 * Parse what begins at |p|, of |len| octets (it may be longer than the packet
 * says, never shorter).  A fragment is IP_GOOD with |fragment| set.
 */
enum ip_verdict ip_parse(struct ip *ip, const uint8_t *p, size_t len);

/*
 * The header of a packet that an ICMP error quotes: only its beginning is
 * there, and routers have touched its checksum, so lengths are not compared
 * with |len| and extension headers not walked.  False: no header.
 */
bool ip_parse_quoted(struct ip *ip, const uint8_t *p, size_t len);

/*
 * IPv6, RFC 7112: does the first fragment |p| of |len| octets, parsed as |ip|,
 * hold all headers, that of the upper layer included?
 */
bool ip6_chain_whole(const struct ip *ip, const uint8_t *p, size_t len);

/*
 * Is the packet at |p| an ICMP error or redirect, about which no error may be
 * sent (RFC 1122, 3.2.2; RFC 4443, 2.4)?  It may be cut short.
 */
bool ip_is_error(const uint8_t *p, size_t len);

/*
 * Write a header without options for |h->len| octets of payload: version,
 * src, dst, protocol, tos, ttl, df, fragment (then more, offset), id, flow are
 * taken from |h|.  The length written, with IPv6's fragment header; 0: |room|
 * is too small or the packet is above 65535 octets.
 */
size_t ip_build(uint8_t *p, size_t room, const struct ip *h);

/* In two words, for every address of every packet is asked. */
static inline bool ip_is4(const uint8_t ip[16])
{
	static const uint8_t mapped[12] = {0, 0, 0, 0, 0,   0,
					   0, 0, 0, 0, 255, 255};
	uint64_t a, zero;
	uint32_t b, ffff;

	__builtin_memcpy(&a, ip, sizeof(a));
	__builtin_memcpy(&b, ip + 8, sizeof(b));
	__builtin_memcpy(&zero, mapped, sizeof(zero));
	__builtin_memcpy(&ffff, mapped + 8, sizeof(ffff));
	return a == zero && b == ffff;
}

bool ip_is_any(const uint8_t ip[16]);	    /* 0.0.0.0/8's first, :: */
bool ip_is_multicast(const uint8_t ip[16]); /* 224/4, ff00::/8 */
bool ip_is_loopback(const uint8_t ip[16]);  /* 127/8, ::1 */
bool ip_is_reserved(const uint8_t ip[16]);  /* 240/4 */

/* ip6.c: the headers between the fixed one and the payload, which |in| is at;
 * |p| is where the packet begins. */
enum ip_verdict ip6_walk(struct ip *ip, const uint8_t *p, struct octets in);
bool ip6_is_error(const struct ip *ip, struct octets in);

/* The first |len| bits (of the family's own 32 or 128) are the same. */
bool ip_in_prefix(const uint8_t ip[16], const uint8_t prefix[16],
		  uint8_t family, uint8_t len);

#endif /* WIRE_IP_H */
