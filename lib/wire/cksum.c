/* SPDX-License-Identifier: MIT */
/*
 * cksum.c - the Internet checksum (RFC 1071), portable, and the choice.
 *
 * Words are added in the byte order of the machine, 64 bits at a time: a sum
 * with end-around carry comes out the same for any word length that is a
 * multiple of 16 bits, and with its octets swapped for the other byte order
 * (RFC 1071, 2 B and C).  So the octets are put right once, at the end.
 */
#include "cksum_avx2.h"
#include "ip.h"

/* The compiler makes one load of each, whatever the alignment. */
static inline uint64_t load64(const uint8_t *p)
{
	uint64_t v;

	__builtin_memcpy(&v, p, sizeof(v));
	return v;
}

static inline uint32_t load32(const uint8_t *p)
{
	uint32_t v;

	__builtin_memcpy(&v, p, sizeof(v));
	return v;
}

static inline uint16_t load16(const uint8_t *p)
{
	uint16_t v;

	__builtin_memcpy(&v, p, sizeof(v));
	return v;
}

/* a + b with end-around carry */
static inline uint64_t add64(uint64_t a, uint64_t b)
{
	a += b;
	return a + (a < b);
}

/* The sum of the last 0 to 7 octets, in the machine's order. */
static uint64_t tail(const uint8_t *p, size_t len)
{
	uint64_t s = 0;

	if (len & 4) {
		s += load32(p);
		p += 4;
	}
	if (len & 2) {
		s += load16(p);
		p += 2;
	}
	if (len & 1) {
		const uint8_t last[2] = {p[0], 0};

		s += load16(last);
	}
	return s;
}

static cksum_t to_network(cksum_t s)
{
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
	return cksum_swap(s);
#else
	return cksum_fold(s);
#endif
}

cksum_t cksum_portable(const void *data, size_t len)
{
	const uint8_t *p = data;
	uint64_t a = 0, b = 0, c = 0, d = 0;

	/* four sums, so that no addition waits for the one before it */
	for (; len >= 32; len -= 32, p += 32) {
		a = add64(a, load64(p));
		b = add64(b, load64(p + 8));
		c = add64(c, load64(p + 16));
		d = add64(d, load64(p + 24));
	}
	for (; len >= 8; len -= 8, p += 8)
		a = add64(a, load64(p));
	b = add64(b, tail(p, len));
	return to_network(add64(add64(a, b), add64(c, d)));
}

cksum_fn *cksum_choose(void)
{
#ifdef __x86_64__
	if (__builtin_cpu_supports("avx2"))
		return cksum_avx2;
#endif
	return cksum_portable;
}

static uint32_t be32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 |
	       (uint32_t)p[2] << 8 | p[3];
}

cksum_t cksum_pseudo(const uint8_t src[16], const uint8_t dst[16],
		     uint8_t protocol, uint32_t len)
{
	cksum_t s = (cksum_t)protocol + len;
	int from = ip_is4(src) ? 12 : 0;

	for (int i = from; i < 16; i += 4)
		s += (cksum_t)be32(src + i) + be32(dst + i);
	return s;
}
