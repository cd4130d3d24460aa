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

static inline uint8_t pattern_octet(uint32_t salt, uint64_t k)
{
	uint64_t v = (k + 1) * 0x9e3779b97f4a7c15u + salt * 0x85ebca6bu;

	return (uint8_t)(v >> 56);
}

static inline void pattern_fill(uint32_t salt, uint64_t at, uint8_t *p,
				size_t n)
{
	for (size_t i = 0; i < n; i++)
		p[i] = pattern_octet(salt, at + i);
}

/* How many octets from |p| on are those of the stream at |at|. */
static inline size_t pattern_same(uint32_t salt, uint64_t at,
				  const uint8_t *p, size_t n)
{
	size_t i = 0;

	while (i < n && p[i] == pattern_octet(salt, at + i))
		i++;
	return i;
}

#endif /* HARNESS_PATTERN_H */
