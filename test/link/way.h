/* SPDX-License-Identifier: MIT */
/*
 * way.h - one way of the emulated link: what becomes of a packet that arrives,
 * and when it leaves.  No clock and no I/O: the time goes in, packets come out.
 *
 * A packet passes these in turn: a queue of so many octets before a line of so
 * many bits a second (what does not fit is dropped at the tail), loss on the
 * line, duplication, delay and jitter (which keep the order), and for some a
 * wait until so many later packets have overtaken them.
 *
 * Chance depends on the seed, the way and the packet's number alone: the same
 * seed treats the n-th packet the same, however fast packets come.
 */
#ifndef TEST_LINK_WAY_H
#define TEST_LINK_WAY_H

#include <stdbool.h>
#include <stdint.h>

#define WAY_NEVER UINT64_MAX
#define WAY_HELD  256u /* packets that wait to be overtaken */

struct way_set {
	uint64_t delay, jitter;		 /* ns; jitter: 0 to so much is added */
	double loss, duplicate, reorder; /* 0 to 1 */
	double burst;	/* mean length of losses in a row; 1: independent */
	double rate;	/* bits a second; 0: no limit */
	uint64_t queue; /* octets; 0: no limit */
	unsigned depth; /* packets that overtake a reordered one */
	uint64_t hold;	/* ns that it waits for them at most */
	uint64_t seed;
};

struct way_count {
	uint64_t in, in_octets, out, out_octets;
	uint64_t lost, dropped, duplicated, reordered;
	uint64_t queue_max; /* octets */
};

struct way_entry {
	uint64_t due, order;
	uint32_t slot, len;
};

struct way {
	struct way_set set;
	struct way_count count;
	uint64_t order, busy_until, last_due;
	double jitter; /* ns: now */
	bool losing;   /* within a burst of losses */
	struct way_entry *heap;
	uint32_t n, room;
	struct {
		struct way_entry e;
		unsigned left;
	} held[WAY_HELD];
	unsigned held_first, nheld;
};

/* |room|: packets that may be under way at once. */
void way_init(struct way *w, const struct way_set *set, uint32_t room);
void way_free(struct way *w);
/* How often |slot| will come out: 0 (it is gone), 1 or 2. */
/* How often |slot| will come out: 0 (it is gone), 1 or 2. */
unsigned way_arrive(struct way *w, uint32_t slot, uint32_t len, uint64_t now);
/* When there is something to take, or WAY_NEVER. */
/* When there is something to take, or WAY_NEVER. */
uint64_t way_next(const struct way *w);
bool way_take(struct way *w, uint64_t now, struct way_entry *out);

#endif /* TEST_LINK_WAY_H */
