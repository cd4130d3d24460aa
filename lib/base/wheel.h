/* SPDX-License-Identifier: MIT */
/*
 * wheel.h - a hierarchical timer wheel: 1 ms ticks, six levels of 64 slots.
 *
 * Nodes are intrusive and linked by 32-bit references, which the owner turns
 * into nodes; arming and cancelling cost O(1), and a jump of the clock costs
 * no loop over ticks (each level has a bitmap of its used slots).  What
 * expires in one tick comes out in the order of the owner's keys, however
 * and whenever it was armed, so that a run can be repeated.  Where many
 * thousands are armed for one stretch of time, it takes several calls of
 * wheel_take() to sort them out: the last of them come late by that.
 */
#ifndef BASE_WHEEL_H
#define BASE_WHEEL_H

#include <stdbool.h>
#include <stdint.h>

#define WHEEL_LEVELS 6
#define WHEEL_SLOTS  64
#define WHEEL_NONE   0 /* reference: none (so zeroed nodes are unarmed) */
#define WHEEL_NEVER  UINT64_MAX

struct wheel_node {
	uint32_t next, prev; /* prev: a reference, or WHEEL_HEAD | slot */
	uint32_t tick;	     /* low 32 bits of when it is due; with next and
				prev 0: not armed */
};

struct wheel {
	uint64_t now; /* tick up to which everything has been taken out */
	uint64_t used[WHEEL_LEVELS];
	uint32_t head[WHEEL_LEVELS][WHEEL_SLOTS]; /* armed last */
	uint32_t tail[WHEEL_LEVELS][WHEEL_SLOTS]; /* armed first; where there
						     is a head */
	uint32_t due;	/* list of nodes that are due and not yet taken */
	uint32_t part;	/* slot that is being handed down; 0: none */
	uint32_t piece; /* nodes that are handed down in one go */
	uint32_t count;
	/* What a reference means, and the order within a tick. */
	struct wheel_node *(*node)(void *arg, uint32_t ref);
	uint64_t (*key)(void *arg, uint32_t ref);
	void *arg;
};

/* References are the owner's numbers, not 0 and below 2^31. */
void wheel_init(struct wheel *w, uint64_t now,
		struct wheel_node *(*node)(void *arg, uint32_t ref),
		uint64_t (*key)(void *arg, uint32_t ref), void *arg);

/*
 * Arm |ref| for |tick| (one that is not after |w->now| is due at the next
 * wheel_take()); a node that is armed is moved.  At most 2^31 - 1 ticks
 * ahead: a later one comes out then, and its owner arms it again.
 */
void wheel_arm(struct wheel *w, uint32_t ref, uint64_t tick);
void wheel_cancel(struct wheel *w, uint32_t ref);
bool wheel_armed(const struct wheel *w, const struct wheel_node *n);

/* A tick at or before which nothing fires (exact when it is within 64 ticks
 * of now), WHEEL_NEVER: nothing is armed. */
uint64_t wheel_next(const struct wheel *w);

/*
 * The armed node that is due first, which stays armed; among very many that
 * are due far ahead, the first one of those that were armed first (so it is
 * exact where all are armed for the same time ahead).  WHEEL_NONE: nothing is
 * armed.
 */
uint32_t wheel_first(const struct wheel *w);

/*
 * The next node that is due at |now|, disarmed, or WHEEL_NONE when there is
 * none (then w->now == now).  Nodes may be armed and cancelled between calls;
 * one armed for a tick that is not after |now| comes out in the same run.
 */
uint32_t wheel_take(struct wheel *w, uint64_t now);

#endif /* BASE_WHEEL_H */
