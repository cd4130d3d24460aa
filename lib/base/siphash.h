/* SPDX-License-Identifier: MIT */
/* siphash.h - SipHash-2-4: the keyed hash of tables, ISNs and ports. */
#ifndef BASE_SIPHASH_H
#define BASE_SIPHASH_H

#include <stddef.h>
#include <stdint.h>

struct siphash_key {
	uint64_t k[2];
};

/* A key from 16 octets, little endian as in the paper. */
struct siphash_key siphash_key_of(const uint8_t octets[16]);

uint64_t siphash(const struct siphash_key *key, const void *p, size_t len);

#endif /* BASE_SIPHASH_H */
