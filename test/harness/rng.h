/* SPDX-License-Identifier: MIT */
/* rng.h - numbers out of a seed (splitmix64): same seed, same run. */
#ifndef HARNESS_RNG_H
#define HARNESS_RNG_H

#include <stdbool.h>
#include <stdint.h>

struct rng {
	uint64_t state;
};

static inline uint64_t rng_next(struct rng *r)
{
	uint64_t z = r->state += 0x9e3779b97f4a7c15u;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
	z = (z ^ z >> 27) * 0x94d049bb133111ebu;
	return z ^ z >> 31;
}

/* 0 to n - 1. */
static inline uint32_t rng_below(struct rng *r, uint32_t n)
{
	return n ? (uint32_t)((rng_next(r) >> 32) * n >> 32) : 0;
}

/* lo to hi. */
static inline uint32_t rng_in(struct rng *r, uint32_t lo, uint32_t hi)
{
	return lo + rng_below(r, hi - lo + 1);
}

static inline bool rng_chance(struct rng *r, uint32_t of_a_million)
{
	return rng_below(r, 1000000) < of_a_million;
}

#endif /* HARNESS_RNG_H */
