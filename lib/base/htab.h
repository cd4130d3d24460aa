/* SPDX-License-Identifier: MIT */
/*
 * htab.h - a hash table of numbers: 32-bit hash -> 32-bit reference.
 *
 * Open addressing with Robin Hood displacement and backward-shift deletion:
 * no links in the entries, no tombstones, no memory of its own.  The keys
 * live with the caller, who brings the (keyed!) hash and says whether a
 * candidate is the one.  The number of cells is fixed: a caller that keeps
 * at most |cells| / 2 entries finds each in a few steps.
 */
#ifndef BASE_HTAB_H
#define BASE_HTAB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HTAB_NONE UINT32_MAX /* no reference; never stored */

struct htab_cell {
	uint32_t hash;
	uint32_t ref_plus_1; /* 0: empty, so that zeroed memory is a table */
};

struct htab {
	struct htab_cell *cell;
	uint32_t mask;	/* cells - 1 */
	uint32_t count; /* entries */
};

/* Cells (a power of two) for |n| entries, at most half of them used. */
uint32_t htab_cells(uint32_t n);

/* |cell|: zeroed, |cells| of them (a power of two). */
void htab_init(struct htab *h, struct htab_cell *cell, uint32_t cells);

/* Is the entry |ref| the one with |key|? */
typedef bool htab_same(const void *arg, uint32_t ref, const void *key);

uint32_t htab_find(const struct htab *h, uint32_t hash, htab_same *same,
		   const void *arg, const void *key);

/* False: every cell is used.  The caller has made sure it is not there. */
bool htab_add(struct htab *h, uint32_t hash, uint32_t ref);

/* False: no such pair. */
bool htab_del(struct htab *h, uint32_t hash, uint32_t ref);

/* Longest distance of an entry from its own cell (tests, statistics). */
uint32_t htab_longest(const struct htab *h);

#endif /* BASE_HTAB_H */
