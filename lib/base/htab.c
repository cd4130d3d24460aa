/* SPDX-License-Identifier: MIT */
/*
 * htab.c - Robin Hood hashing: along a run of used cells the distance from
 * home never falls by more than it must, so a search may stop at the first
 * entry that is nearer to its home than the one looked for would be.  It
 * trusts its caller for a keyed hash: with a known one a peer could line up
 * entries behind each other.
 */
#include "htab.h"

#define CELLS_MIN 2u
#define CELLS_MAX (1u << 31)

uint32_t htab_cells(uint32_t n)
{
	uint32_t cells = CELLS_MIN;

	while (cells < CELLS_MAX && cells / 2 < n)
		cells *= 2;
	return cells;
}

void htab_init(struct htab *h, struct htab_cell *cell, uint32_t cells)
{
	*h = (struct htab){.cell = cell, .mask = cells - 1};
}

/* How far the entry in cell |i| is from its own. */
static inline uint32_t distance(const struct htab *h, uint32_t i)
{
	return (i - h->cell[i].hash) & h->mask;
}

uint32_t htab_find(const struct htab *h, uint32_t hash, htab_same *same,
		   const void *arg, const void *key)
{
	uint32_t i = hash & h->mask;

	for (uint32_t d = 0; d <= h->mask; d++, i = (i + 1) & h->mask) {
		const struct htab_cell *c = &h->cell[i];

		if (c->ref_plus_1 == 0 || distance(h, i) < d)
			break;
		if (c->hash == hash && same(arg, c->ref_plus_1 - 1, key))
			return c->ref_plus_1 - 1;
	}
	return HTAB_NONE;
}

bool htab_add(struct htab *h, uint32_t hash, uint32_t ref)
{
	struct htab_cell in = {.hash = hash, .ref_plus_1 = ref + 1};
	uint32_t i = hash & h->mask;

	if (ref == HTAB_NONE || h->count > h->mask)
		return false;
	for (uint32_t d = 0; h->cell[i].ref_plus_1; d++) {
		uint32_t there = distance(h, i);

		if (there < d) { /* the richer entry moves on */
			struct htab_cell out = h->cell[i];

			h->cell[i] = in;
			in = out;
			d = there;
		}
		i = (i + 1) & h->mask;
	}
	h->cell[i] = in;
	h->count++;
	return true;
}

/* Close the gap at |i|: entries that are not at home move back by one. */
static void shift_back(struct htab *h, uint32_t i)
{
	uint32_t next = (i + 1) & h->mask;

	while (h->cell[next].ref_plus_1 && distance(h, next) > 0) {
		h->cell[i] = h->cell[next];
		i = next;
		next = (next + 1) & h->mask;
	}
	h->cell[i] = (struct htab_cell){0};
}

bool htab_del(struct htab *h, uint32_t hash, uint32_t ref)
{
	uint32_t i = hash & h->mask;

	if (ref == HTAB_NONE)
		return false;
	for (uint32_t d = 0; d <= h->mask; d++, i = (i + 1) & h->mask) {
		const struct htab_cell *c = &h->cell[i];

		if (c->ref_plus_1 == 0 || distance(h, i) < d)
			break;
		if (c->hash == hash && c->ref_plus_1 == ref + 1) {
			shift_back(h, i);
			h->count--;
			return true;
		}
	}
	return false;
}

uint32_t htab_longest(const struct htab *h)
{
	uint32_t longest = 0;

	for (uint32_t i = 0; i <= h->mask; i++)
		if (h->cell[i].ref_plus_1 && distance(h, i) > longest)
			longest = distance(h, i);
	return longest;
}
