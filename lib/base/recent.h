/* SPDX-License-Identifier: MIT */
/*
 * recent.h - what happened a short time ago, in memory that does not grow: a
 * set-associative table of keyed hashes and times.
 *
 * Where a set is full the oldest gives way, so under a flood something that
 * did happen may be forgotten; but nothing is remembered that did not.
 */
#ifndef BASE_RECENT_H
#define BASE_RECENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RECENT_WAYS  4u /* of a set: one cache line */
#define RECENT_CELLS 16384u
#define RECENT_SETS  (RECENT_CELLS / RECENT_WAYS)

struct recent_cell {
	uint64_t hash;
	uint64_t at; /* 0: free */
};

struct recent {
	struct recent_cell *cell; /* RECENT_CELLS of them, zeroed at first */
};

/*
 * Is it the first |hash| within |gap|?  If so that is remembered.  |hash| is
 * one that others cannot choose (base/siphash.h), |now| is never 0.
 */
bool recent_first(struct recent *r, uint64_t hash, uint64_t now, uint64_t gap);

#endif /* BASE_RECENT_H */
