/* SPDX-License-Identifier: MIT */
/*
 * slab.c - equal slots, last in first out.
 *
 * A free slot holds, in its first octets, its place on the stack of free
 * ones.  So "is it free" is answered without another array: the place that
 * the octets name must be on the stack and name this slot; whatever a slot in
 * use holds there, the stack does not name it.
 */
#include <assert.h>
#include <string.h>

#include "slab.h"

struct slab_need slab_need(uint32_t size, uint32_t max)
{
	return (struct slab_need){
		.mem = (size_t)size * max,
		.gen = sizeof(uint32_t) * max,
		.free = sizeof(uint32_t) * max,
	};
}

void slab_init(struct slab *s, uint32_t size, uint32_t max, void *mem,
	       void *gen, void *free)
{
	assert(size >= sizeof(uint32_t));
	*s = (struct slab){
		.mem = mem, .gen = gen, .free = free, .size = size, .max = max};
}

/* Put |slot| at |place| of the stack. */
static void place_at(struct slab *s, uint32_t slot, uint32_t place)
{
	s->free[place] = slot;
	memcpy(slab_at(s, slot), &place, sizeof(place));
}

static void push(struct slab *s, uint32_t slot)
{
	place_at(s, slot, s->nfree++);
}

/* The place of |slot| (below |high|) on the stack, or SLAB_NONE. */
static uint32_t place_of(const struct slab *s, uint32_t slot)
{
	uint32_t place;

	memcpy(&place, slab_at(s, slot), sizeof(place));
	if (place < s->nfree && s->free[place] == slot)
		return place;
	return SLAB_NONE;
}

uint32_t slab_take(struct slab *s)
{
	uint32_t slot;

	if (s->nfree) {
		slot = s->free[--s->nfree];
		memset(slab_at(s, slot), 0, s->size);
	} else if (s->high < s->max) {
		slot = s->high++; /* zeroed: never used */
	} else {
		return SLAB_NONE;
	}
	if (s->gen)
		s->gen[slot]++;
	s->count++;
	return slot;
}

void slab_give(struct slab *s, uint32_t slot)
{
	assert(slab_used(s, slot)); /* one slot for two entries otherwise */
	s->count--;
	/* past SLAB_GEN_MAX old handles would come true again */
	if (s->gen && ++s->gen[slot] > SLAB_GEN_MAX)
		return;
	push(s, slot);
}

bool slab_used(const struct slab *s, uint32_t slot)
{
	if (slot >= s->high)
		return false;
	if (s->gen)
		return s->gen[slot] & 1;
	return place_of(s, slot) == SLAB_NONE;
}

bool slab_is(const struct slab *s, uint32_t slot, uint32_t gen)
{
	return s->gen && slot < s->high && s->gen[slot] == gen && gen & 1;
}

bool slab_restore(struct slab *s, uint32_t slot, uint32_t gen)
{
	if (slot >= s->max)
		return false;
	if (s->gen && (!(gen & 1) || gen > SLAB_GEN_MAX))
		return false;
	if (slot < s->high) {
		uint32_t place = place_of(s, slot);

		if (slab_used(s, slot) || place == SLAB_NONE)
			return false;
		s->nfree--;
		if (place < s->nfree)
			place_at(s, s->free[s->nfree], place);
		memset(slab_at(s, slot), 0, s->size);
	}
	while (s->high < slot)
		push(s, s->high++);
	if (s->high == slot)
		s->high++;
	if (s->gen)
		s->gen[slot] = gen;
	s->count++;
	return true;
}

/*
 * The slots that were passed over are on the stack already; sorted, the
 * lowest on top, it no longer depends on the order of the record.
 */
void slab_restored(struct slab *s)
{
	uint32_t top = s->nfree;

	for (uint32_t slot = 0; top && slot < s->high; slot++) {
		uint32_t place;

		if (slab_used(s, slot))
			continue;
		place = place_of(s, slot);
		if (place == SLAB_NONE)
			continue;
		place_at(s, s->free[--top], place);
		place_at(s, slot, top);
	}
}

/* The place of a free |slot| on the stack, which may have to reach up to it. */
static uint32_t reach(struct slab *s, uint32_t slot)
{
	if (slot >= s->max)
		return SLAB_NONE;
	while (s->high <= slot)
		push(s, s->high++);
	return place_of(s, slot);
}

bool slab_restore_spent(struct slab *s, uint32_t slot)
{
	uint32_t place = reach(s, slot);

	if (place == SLAB_NONE || !s->gen || slab_used(s, slot))
		return false;
	s->nfree--;
	if (place < s->nfree)
		place_at(s, s->free[s->nfree], place);
	s->gen[slot] = SLAB_GEN_MAX + 1;
	return true;
}

bool slab_restore_free(struct slab *s, uint32_t nth, uint32_t slot,
		       uint32_t gen)
{
	uint32_t place = reach(s, slot);

	/* those below |nth| have found their place */
	if (place == SLAB_NONE || place < nth || slab_used(s, slot))
		return false;
	if (s->gen) {
		if (gen & 1 || gen > SLAB_GEN_MAX)
			return false;
		s->gen[slot] = gen;
	}
	place_at(s, s->free[nth], place);
	place_at(s, slot, nth);
	return true;
}
