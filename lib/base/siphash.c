/* SPDX-License-Identifier: MIT */
/*
 * siphash.c - SipHash-2-4 (Aumasson and Bernstein, 2012).
 *
 * Words are read octet by octet, little endian: the compiler makes one load
 * of it where that is right, and nothing here depends on alignment.
 */
#include "siphash.h"

struct state {
	uint64_t v0, v1, v2, v3;
};

static inline uint64_t rotl(uint64_t x, unsigned n)
{
	return x << n | x >> (64 - n);
}

static inline uint64_t le64(const uint8_t *p)
{
	return (uint64_t)p[0] | (uint64_t)p[1] << 8 | (uint64_t)p[2] << 16 |
	       (uint64_t)p[3] << 24 | (uint64_t)p[4] << 32 |
	       (uint64_t)p[5] << 40 | (uint64_t)p[6] << 48 |
	       (uint64_t)p[7] << 56;
}

static inline void sip_round(struct state *s)
{
	s->v0 += s->v1;
	s->v2 += s->v3;
	s->v1 = rotl(s->v1, 13) ^ s->v0;
	s->v3 = rotl(s->v3, 16) ^ s->v2;
	s->v0 = rotl(s->v0, 32);
	s->v2 += s->v1;
	s->v0 += s->v3;
	s->v1 = rotl(s->v1, 17) ^ s->v2;
	s->v3 = rotl(s->v3, 21) ^ s->v0;
	s->v2 = rotl(s->v2, 32);
}

static inline void absorb(struct state *s, uint64_t m)
{
	s->v3 ^= m;
	sip_round(s);
	sip_round(s);
	s->v0 ^= m;
}

struct siphash_key siphash_key_of(const uint8_t octets[16])
{
	return (struct siphash_key){{le64(octets), le64(octets + 8)}};
}

/* The last 0 to 7 octets, and the length in the topmost one. */
static inline uint64_t last_word(const uint8_t *p, size_t len)
{
	uint64_t m = (uint64_t)len << 56;

	for (size_t i = len & ~(size_t)7; i < len; i++)
		m |= (uint64_t)p[i] << 8 * (i & 7);
	return m;
}

uint64_t siphash(const struct siphash_key *key, const void *p, size_t len)
{
	const uint8_t *in = p;
	struct state s = {
		key->k[0] ^ 0x736f6d6570736575u,
		key->k[1] ^ 0x646f72616e646f6du,
		key->k[0] ^ 0x6c7967656e657261u,
		key->k[1] ^ 0x7465646279746573u,
	};

	for (size_t i = 0; i + 8 <= len; i += 8)
		absorb(&s, le64(in + i));
	absorb(&s, last_word(in, len));
	s.v2 ^= 0xff;
	for (int i = 0; i < 4; i++)
		sip_round(&s);
	return s.v0 ^ s.v1 ^ s.v2 ^ s.v3;
}
