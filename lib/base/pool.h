/* SPDX-License-Identifier: MIT */
/*
 * pool.h - blocks of 2 to 64 KiB for rings: a buddy system over one region.
 *
 * A block is the number of its first 2 KiB unit.  Free blocks of a class are
 * reused last-in first-out, so that those in use stay hot in the cache.  All
 * bookkeeping lies outside the blocks, so a free block may be discarded.
 * What has not been needed for a while goes back to the system by
 * pool_trim().
 */
#ifndef BASE_POOL_H
#define BASE_POOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define POOL_UNIT   2048u
#define POOL_ORDERS 6 /* 2, 4, 8, 16, 32, 64 KiB */
#define POOL_MAX    (POOL_UNIT << (POOL_ORDERS - 1))
#define POOL_NONE   UINT32_MAX

/* One for each unit; the fields of a block are those of its first unit. */
struct pool_block {
	uint32_t next, prev; /* free: list of its class; used: the owner's */
	uint32_t off;	     /* the owner's: stream offset of its first octet */
	uint32_t len;	     /* the owner's */
	uint8_t order;	     /* of the block that begins here */
	uint8_t state;	     /* POOL_ST_* */
	uint16_t owner;	     /* the owner's */
};

struct pool {
	uint8_t *mem;
	struct pool_block *block;
	uint32_t units;		    /* a multiple of 32 */
	uint32_t high;		    /* units ever carved from the region */
	uint32_t free[POOL_ORDERS]; /* heads */
	uint32_t cold;		    /* discarded 64 KiB blocks: last resort */
	uint64_t nused;		    /* octets in blocks that are used */
	uint32_t nhot, low_hot;	    /* free 64 KiB blocks with contents; the
				       fewest since the last trim */
	void (*discard)(void *arg, void *p, size_t len);
	void *arg;
};

/* Octets of bookkeeping for |len| octets of blocks (a multiple of 64 KiB). */
size_t pool_need(uint64_t len);
void pool_init(struct pool *p, void *mem, uint64_t len, void *block,
	       void (*discard)(void *arg, void *p, size_t len), void *arg);

/* Class that holds |n| octets, or the largest one. */
unsigned pool_order(uint32_t n);

static inline uint32_t pool_size(unsigned order)
{
	return POOL_UNIT << order;
}

/*
 * A block of class |order|, or the largest smaller one that is left, or
 * POOL_NONE; p->block[b].order says which class it became.  next, prev are
 * POOL_NONE; off, len, owner 0.  The contents are anything.
 */
uint32_t pool_take(struct pool *p, unsigned order);
void pool_give(struct pool *p, uint32_t b);

static inline uint8_t *pool_at(const struct pool *p, uint32_t b)
{
	return p->mem + (size_t)b * POOL_UNIT;
}

/* Octets that are free, in blocks of whatever class. */
uint64_t pool_free(const struct pool *p);

/*
 * Discard the free 64 KiB blocks that nobody needed since the last call (the
 * low-water mark of the free ones).  True while more calls would help.
 */
bool pool_trim(struct pool *p);

/*
 * Reading a record: a pool that was never used becomes one that had carved
 * |high| units; then come its blocks, and the free and the discarded ones
 * last one of their list first (|hot|: their |off|); in the end the question
 * whether these are all, and none twice.  What is used has its owner's
 * fields still 0, as from pool_take().  False: cannot be.
 */
enum pool_use { POOL_USED, POOL_FREE, POOL_DISCARDED };
bool pool_restore(struct pool *p, uint32_t high);
bool pool_restore_block(struct pool *p, uint32_t b, unsigned order,
			enum pool_use use, uint32_t hot);
bool pool_restored(struct pool *p, uint32_t low_hot);

#endif /* BASE_POOL_H */
