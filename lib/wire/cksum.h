/* SPDX-License-Identifier: MIT */
/*
 * cksum.h - the Internet checksum (RFC 1071): sums that can be added up,
 * folded to 16 bits at the end.  The fastest way this processor has is chosen
 * by cksum_choose(); every way gives the same result.
 */
#ifndef WIRE_CKSUM_H
#define WIRE_CKSUM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A sum of 16-bit words in network order; add sums of even-length parts. */
typedef uint64_t cksum_t;

typedef cksum_t cksum_fn(const void *p, size_t len);

/* The portable one, and (NULL where there is none) the AVX2 one. */
cksum_fn cksum_portable;
cksum_fn *cksum_choose(void); /* asks the processor; no state */

/* Sum of |len| octets; an odd last one counts as if a zero followed. */
static inline cksum_t cksum_sum(cksum_fn *fn, const void *p, size_t len)
{
	return fn(p, len);
}

/*
 * The sum of |b| as it counts when the octets of |b| begin at an odd place:
 * its octets swapped.
 */
static inline uint16_t cksum_fold(cksum_t s)
{
	s = (s & 0xffffffffu) + (s >> 32);
	s = (s & 0xffffffffu) + (s >> 32);
	s = (s & 0xffffu) + (s >> 16);
	s = (s & 0xffffu) + (s >> 16);
	return (uint16_t)s;
}

static inline cksum_t cksum_swap(cksum_t s)
{
	uint16_t f = cksum_fold(s);

	return (cksum_t)(uint16_t)(f << 8 | f >> 8);
}

/* Sum of the TCP or ICMPv6 pseudo header; |src|, |dst| 16 octets, IPv4 as
 * ::ffff:a.b.c.d (RFC 9293, 3.1; RFC 8200, 8.1). */
cksum_t cksum_pseudo(const uint8_t src[16], const uint8_t dst[16],
		     uint8_t protocol, uint32_t len);

#endif /* WIRE_CKSUM_H */
