/* SPDX-License-Identifier: MIT */
/*
 * pattern.h - streams whose octets tell where they belong: octet |k| of the
 * stream |salt| is a function of both, so that a lost, repeated, shifted or
 * foreign octet is seen where it is delivered.
 */
#ifndef HARNESS_PATTERN_H
#define HARNESS_PATTERN_H

#include <stddef.h>
#include <stdint.h>

/* Octets 8 * |i| to 8 * |i| + 7, the first in the lowest bits. */
static inline uint64_t pattern_word(uint32_t salt, uint64_t i)
{
	uint64_t z = (i + 1) * 0x9e3779b97f4a7c15u ^ (uint64_t)salt << 32;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
	z = (z ^ z >> 27) * 0x94d049bb133111ebu;
	return z ^ z >> 31;
}

static inline uint8_t pattern_octet(uint32_t salt, uint64_t k)
{
	return (uint8_t)(pattern_word(salt, k / 8) >> k % 8 * 8);
}

static inline void pattern_fill(uint32_t salt, uint64_t at, uint8_t *p,
				size_t n)
{
	uint64_t word = pattern_word(salt, at / 8);

	for (size_t i = 0; i < n; i++, at++) {
		if (at % 8 == 0)
			word = pattern_word(salt, at / 8);
		p[i] = (uint8_t)(word >> at % 8 * 8);
	}
}

/* How many octets from |p| on are those of the stream at |at|. */
static inline size_t pattern_same(uint32_t salt, uint64_t at, const uint8_t *p,
				  size_t n)
{
	uint64_t word = pattern_word(salt, at / 8);

	for (size_t i = 0; i < n; i++, at++) {
		if (at % 8 == 0)
			word = pattern_word(salt, at / 8);
		if (p[i] != (uint8_t)(word >> at % 8 * 8))
			return i;
	}
	return n;
}

#endif /* HARNESS_PATTERN_H */
