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

enum { IP_ICMP = 1, IP_TCP = 6, IP_ICMP6 = 58, IP4_HEAD = 20, IP6_HEAD = 40 };

enum ip_verdict {
	IP_GOOD,
	IP_SHORT,    /* cut short, or lengths that contradict each other */
	IP_VERSION,  /* neither 4 nor 6 */
	IP_CHECKSUM, /* of the IPv4 header */
	IP_OPTION,   /* source route, or an option past the header's end */
	IP_EXTENSION /* an IPv6 header before the payload that is not walked:
			only hop-by-hop and destination options are, up to 8
			headers and 256 octets in all */
};

struct ip {
	uint8_t src[16], dst[16];
	uint8_t version;   /* 4, 6 */
	uint8_t protocol;  /* of the payload */
	uint8_t tos;	   /* TOS, traffic class */
	uint8_t ttl;	   /* TTL, hop limit */
	bool df, fragment; /* fragment: IPv4 MF or offset, IPv6 header */
	uint16_t id;	   /* IPv4 */
	uint32_t flow;	   /* IPv6 flow label */
	uint16_t nhead;	   /* octets before the payload */
	uint32_t len;	   /* octets of the payload */
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
 * Write a header without options for |h->len| octets of payload: version,
 * src, dst, protocol, tos, ttl, df, id, flow are taken from |h|.  The length
 * written, 0: |room| is too small or the packet is above 65535 octets.
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

/* The first |len| bits (of the family's own 32 or 128) are the same. */
bool ip_in_prefix(const uint8_t ip[16], const uint8_t prefix[16],
		  uint8_t family, uint8_t len);

#endif /* WIRE_IP_H */
