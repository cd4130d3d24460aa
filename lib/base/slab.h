/* SPDX-License-Identifier: MIT */
/*
 * slab.h - a pool of equal slots in memory that the caller brought.
 *
 * Slots are numbers; free ones are reused last-in first-out; memory beyond
 * the highest slot ever used is never touched.  Each slot has a generation
 * (in an array of its own, so that it outlives the entry): a handle made of
 * both is stale as soon as the slot was freed.  A slot whose generations are
 * used up is never given again.
 */
#ifndef BASE_SLAB_H
#define BASE_SLAB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SLAB_NONE    UINT32_MAX
#define SLAB_GEN_MAX ((1u << 27) - 1)

struct slab {
	uint8_t *mem;
	uint32_t *gen;	/* of each slot: odd while it is in use; may be NULL:
			   slots without generations, whose handles do not
			   exist */
	uint32_t *free; /* a stack of free slots below |high| */
	uint32_t size;	/* of a slot, octets */
	uint32_t max;	/* slots */
	uint32_t high;	/* slots ever used */
	uint32_t nfree; /* on the stack */
	uint32_t count; /* in use */
};

/* Octets of memory that a slab of |max| slots wants, each part's own. */
struct slab_need {
	size_t mem, gen, free;
};
struct slab_need slab_need(uint32_t size, uint32_t max);

/* |mem|, |gen| (or NULL), |free|: zeroed, of the sizes of slab_need(). */
void slab_init(struct slab *s, uint32_t size, uint32_t max, void *mem,
	       void *gen, void *free);

/* A zeroed slot, or SLAB_NONE: all are in use. */
uint32_t slab_take(struct slab *s);
void slab_give(struct slab *s, uint32_t slot);

static inline void *slab_at(const struct slab *s, uint32_t slot)
{
	return s->mem + (size_t)slot * s->size;
}

/* The slot of an entry. */
static inline uint32_t slab_slot(const struct slab *s, const void *p)
{
	return (uint32_t)((size_t)((const uint8_t *)p - s->mem) / s->size);
}

/* In use; with generations also: of this one.  Any numbers may be asked. */
bool slab_used(const struct slab *s, uint32_t slot);
bool slab_is(const struct slab *s, uint32_t slot, uint32_t gen);

/*
 * Take this very slot with this very generation (reading a record); false:
 * out of range or in use.  After the last one slab_restored() puts the free
 * slots below the highest one on the stack.
 */
bool slab_restore(struct slab *s, uint32_t slot, uint32_t gen);
void slab_restored(struct slab *s);

/*
 * After that, where handles and the choice of slots must be as they were: the
 * slots whose generations are used up, then the |nth| free one of the stack
 * (0: taken last) for all of them in order.  False: not a free slot, or a
 * generation that it cannot have.
 */
bool slab_restore_spent(struct slab *s, uint32_t slot);
bool slab_restore_free(struct slab *s, uint32_t nth, uint32_t slot,
		       uint32_t gen);

/* A slot below |high| whose generations are used up. */
static inline bool slab_spent(const struct slab *s, uint32_t slot)
{
	return s->gen && s->gen[slot] > SLAB_GEN_MAX;
}

#endif /* BASE_SLAB_H */
