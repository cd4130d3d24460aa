/* SPDX-License-Identifier: MIT */
/*
 * ipid.c - the identification of datagrams that go in fragments (RFC 6864,
 * RFC 7739): one counter for all, seen through a keyed permutation that is
 * another one for each pair of addresses.
 *
 * So within a pair none comes again before all others have been, and nobody
 * can tell from the one he got the one that somebody else gets.  What is
 * never fragmented has none (IPv4: 0).
 */
#include <string.h>

#include "stack/stack.h"

#define ROUNDS 4 /* of a Feistel network: Luby and Rackoff */

/* A permutation of |bits| (even) bits by |key|. */
static uint32_t permute(const struct siphash_key *key, uint32_t v,
			unsigned bits)
{
	unsigned half = bits / 2;
	uint32_t mask = (1u << half) - 1;
	uint32_t left = v >> half & mask, right = v & mask;

	for (uint32_t i = 0; i < ROUNDS; i++) {
		uint32_t in[2] = {i, right};
		uint32_t next =
			left ^ ((uint32_t)siphash(key, in, sizeof(in)) & mask);

		left = right;
		right = next;
	}
	return left << half | right;
}

uint32_t ipid_next(struct tcpd_stack *st, const struct ip *to)
{
	const struct siphash_key *k = &st->t.k_recent;
	uint8_t pair[33];
	struct siphash_key key;

	memcpy(pair, to->src, 16);
	memcpy(pair + 16, to->dst, 16);
	for (uint8_t i = 0; i < 2; i++) {
		pair[32] = i;
		key.k[i] = siphash(k, pair, sizeof(pair));
	}
	return permute(&key, st->ip_id++, to->version == 4 ? 16 : 32);
}
