/* SPDX-License-Identifier: MIT */
/*
 * wheel.c - where a node lies: on the level of the highest 6-bit digit in
 * which its tick differs from |now|, in the slot of that digit.  So everything
 * on a level is due before everything above it, the slots of a level lie
 * ahead of |now|'s digit, and |now| may jump to the first used slot.  Only the
 * top level wraps around: nothing is more than 2 of its slots ahead.
 *
 * Slot |now| of level 0 is free by that rule; it takes what was armed for a
 * tick that is over.  wheel_take() makes that slot the list |due|, sorted by
 * tick and key, and serves it before |now| moves again.
 *
 * A slot may hold a million nodes when |now| reaches it.  They are handed down
 * in pieces, one a wheel_take() that has nothing else to give; until then the
 * rest stays in that slot (|part|), which no other node can get into while
 * |now| is within it, and which |now| does not leave before it is empty.
 */
#include "wheel.h"

#define WHEEL_HEAD 0x80000000u
#define BITS	   6u
#define TOP	   (WHEEL_LEVELS - 1u)
#define DUE	   (WHEEL_LEVELS * WHEEL_SLOTS) /* the slot number of |due| */
#define AHEAD_MAX  ((UINT64_C(1) << 31) - 1)
#define LATE_MAX   (UINT64_C(1) << 30)
#define SCAN_MAX   32	/* nodes that wheel_next() looks at */
#define PIECE	   8192 /* nodes handed down in one go */

static inline struct wheel_node *node(const struct wheel *w, uint32_t ref)
{
	return w->node(w->arg, ref);
}

static inline uint32_t *head_of(struct wheel *w, uint32_t slot)
{
	return slot == DUE ? &w->due
			   : &w->head[slot / WHEEL_SLOTS][slot % WHEEL_SLOTS];
}

static inline uint32_t *tail_of(struct wheel *w, uint32_t slot)
{
	return &w->tail[slot / WHEEL_SLOTS][slot % WHEEL_SLOTS];
}

/* The slot in which |tick| is late or due now. */
static inline uint32_t slot_now(const struct wheel *w)
{
	return (uint32_t)w->now % WHEEL_SLOTS;
}

void wheel_init(struct wheel *w, uint64_t now,
		struct wheel_node *(*node_of)(void *arg, uint32_t ref),
		uint64_t (*key)(void *arg, uint32_t ref), void *arg)
{
	*w = (struct wheel){.now = now,
			    .piece = PIECE,
			    .node = node_of,
			    .key = key,
			    .arg = arg};
}

bool wheel_armed(const struct wheel *w, const struct wheel_node *n)
{
	(void)w;
	return n->prev != WHEEL_NONE;
}

static void put(struct wheel *w, uint32_t ref, struct wheel_node *n,
		uint32_t slot)
{
	uint32_t *head = head_of(w, slot);

	n->next = *head;
	n->prev = WHEEL_HEAD | slot;
	if (n->next)
		node(w, n->next)->prev = ref;
	else if (slot != DUE)
		*tail_of(w, slot) = ref;
	*head = ref;
	if (slot != DUE)
		w->used[slot / WHEEL_SLOTS] |= UINT64_C(1)
					       << slot % WHEEL_SLOTS;
}

/* Where it belongs; its tick is at most AHEAD_MAX from |now|. */
static uint32_t slot_of(const struct wheel *w, const struct wheel_node *n)
{
	int32_t ahead = (int32_t)(n->tick - (uint32_t)w->now);
	uint64_t tick = w->now + (uint64_t)(int64_t)ahead;
	uint32_t level;

	if (ahead <= 0)
		return slot_now(w);
	level = (63u - (uint32_t)__builtin_clzll(tick ^ w->now)) / BITS;
	if (level > TOP)
		level = TOP;
	return level * WHEEL_SLOTS +
	       (uint32_t)(tick >> level * BITS) % WHEEL_SLOTS;
}

static void unlink_node(struct wheel *w, uint32_t ref, struct wheel_node *n)
{
	if (n->next) {
		node(w, n->next)->prev = n->prev;
	} else if (!(n->prev & WHEEL_HEAD)) {
		uint32_t *tail = tail_of(w, slot_of(w, n));

		if (w->part && *head_of(w, w->part) &&
		    *tail_of(w, w->part) == ref)
			tail = tail_of(w, w->part);
		if (*tail == ref) /* it may be in |due| as well */
			*tail = n->prev;
	}
	if (n->prev & WHEEL_HEAD) {
		uint32_t slot = n->prev & ~WHEEL_HEAD;

		*head_of(w, slot) = n->next;
		if (!n->next && slot != DUE)
			w->used[slot / WHEEL_SLOTS] &=
				~(UINT64_C(1) << slot % WHEEL_SLOTS);
	} else {
		node(w, n->prev)->next = n->next;
	}
	n->next = n->prev = WHEEL_NONE;
}

void wheel_arm(struct wheel *w, uint32_t ref, uint64_t tick)
{
	struct wheel_node *n = node(w, ref);

	if (n->prev)
		unlink_node(w, ref, n);
	else
		w->count++;
	/* 32 bits are kept of it: nothing may be half a turn away */
	if (tick > w->now && tick - w->now > AHEAD_MAX)
		tick = w->now + AHEAD_MAX;
	else if (tick < w->now && w->now - tick > LATE_MAX)
		tick = w->now - LATE_MAX;
	n->tick = (uint32_t)tick;
	put(w, ref, n, slot_of(w, n));
}

void wheel_cancel(struct wheel *w, uint32_t ref)
{
	struct wheel_node *n = node(w, ref);

	if (!n->prev)
		return;
	unlink_node(w, ref, n);
	w->count--;
}

static bool has_late(const struct wheel *w)
{
	return w->used[0] >> slot_now(w) & 1;
}

/* The first used slot ahead and the tick it begins at; false: none. */
static bool first_slot(const struct wheel *w, uint32_t *slot, uint64_t *start)
{
	for (uint32_t level = 0; level < WHEEL_LEVELS; level++) {
		uint64_t used = w->used[level];
		uint64_t digit = w->now >> level * BITS;
		unsigned from = (unsigned)(digit + 1) % WHEEL_SLOTS;
		uint64_t turned;

		if (!used)
			continue;
		turned = used >> from | used << (WHEEL_SLOTS - from) % 64;
		digit += 1 + (unsigned)__builtin_ctzll(turned);
		*slot = level * WHEEL_SLOTS + (uint32_t)(digit % WHEEL_SLOTS);
		*start = digit << level * BITS;
		return true;
	}
	return false;
}

/*
 * A slot above level 0 begins before its first node is due.  Near the end of
 * 64 ticks even a short timer lies there: looking at a few nodes saves a call
 * for nothing.  In a crowd one such call does not matter.
 */
static uint64_t first_tick(const struct wheel *w, uint32_t slot, uint64_t start)
{
	uint32_t ref = w->head[slot / WHEEL_SLOTS][slot % WHEEL_SLOTS];
	uint64_t first = WHEEL_NEVER;

	for (int i = 0; ref; i++) {
		const struct wheel_node *n = node(w, ref);
		uint64_t tick = w->now + (n->tick - (uint32_t)w->now);

		if (i == SCAN_MAX)
			return start;
		if (tick < first)
			first = tick;
		ref = n->next;
	}
	return first;
}

uint64_t wheel_next(const struct wheel *w)
{
	uint32_t slot;
	uint64_t start;

	if (w->due || has_late(w) || w->part)
		return w->now;
	if (!first_slot(w, &slot, &start))
		return WHEEL_NEVER;
	if (slot < WHEEL_SLOTS || start - w->now > WHEEL_SLOTS)
		return start;
	return first_tick(w, slot, start);
}

/* The one that is due first among those that were armed first in |slot|, or
 * |first|, if there is one that is due before. */
static uint32_t earliest(const struct wheel *w, uint32_t slot, uint32_t first)
{
	uint32_t head = w->head[slot / WHEEL_SLOTS][slot % WHEEL_SLOTS];
	uint32_t ref = w->tail[slot / WHEEL_SLOTS][slot % WHEEL_SLOTS];

	for (int i = 0; head && !(ref & WHEEL_HEAD) && i < SCAN_MAX; i++) {
		const struct wheel_node *n = node(w, ref);

		if (!first || (int32_t)(n->tick - node(w, first)->tick) < 0)
			first = ref;
		ref = n->prev;
	}
	return first;
}

uint32_t wheel_first(const struct wheel *w)
{
	uint32_t slot = slot_now(w);
	uint32_t first = WHEEL_NONE;
	uint64_t start;

	if (w->due)
		return w->due;
	if (w->part)
		first = earliest(w, w->part, first);
	if (has_late(w) || first_slot(w, &slot, &start))
		first = earliest(w, slot, first);
	return first;
}

/* A run that is being merged: its first node, with what it is sorted by. */
struct run {
	uint32_t ref;
	uint32_t tick;
	uint64_t key;
};

static struct run run_at(const struct wheel *w, uint32_t ref)
{
	struct run r = {.ref = ref};

	if (ref) {
		r.tick = node(w, ref)->tick;
		r.key = w->key(w->arg, ref);
	}
	return r;
}

static bool run_before(const struct run *a, const struct run *b)
{
	if (a->tick != b->tick)
		return (int32_t)(a->tick - b->tick) < 0;
	return a->key < b->key;
}

/* Merge two sorted lists (by |next| alone) into one. */
static uint32_t merge(const struct wheel *w, uint32_t a, uint32_t b)
{
	struct run x = run_at(w, a), y = run_at(w, b);
	uint32_t first = WHEEL_NONE;
	uint32_t *tail = &first;

	while (x.ref && y.ref) {
		struct run *least = run_before(&y, &x) ? &y : &x;
		struct wheel_node *n = node(w, least->ref);

		*tail = least->ref;
		tail = &n->next;
		*least = run_at(w, n->next);
	}
	*tail = x.ref ? x.ref : y.ref;
	return first;
}

/* Merge sort from below: bin[i] is empty or a sorted list of 2^i nodes. */
static uint32_t sort(const struct wheel *w, uint32_t list)
{
	uint32_t bin[32] = {0};
	uint32_t sorted = WHEEL_NONE;

	while (list) {
		struct wheel_node *n = node(w, list);
		uint32_t one = list;
		unsigned i = 0;

		list = n->next;
		n->next = WHEEL_NONE;
		while (i < 31 && bin[i]) {
			one = merge(w, bin[i], one);
			bin[i++] = WHEEL_NONE;
		}
		bin[i] = one;
	}
	for (unsigned i = 0; i < 32; i++)
		if (bin[i])
			sorted = merge(w, bin[i], sorted);
	return sorted;
}

/* Take the list out of |slot|; its nodes still think they are in it. */
static uint32_t empty_slot(struct wheel *w, uint32_t slot)
{
	uint32_t *head = head_of(w, slot);
	uint32_t list = *head;

	*head = WHEEL_NONE;
	w->used[slot / WHEEL_SLOTS] &= ~(UINT64_C(1) << slot % WHEEL_SLOTS);
	return list;
}

/* What is late or due now becomes |due|, in order. */
static void make_due(struct wheel *w)
{
	uint32_t list = empty_slot(w, slot_now(w));
	uint32_t prev = WHEEL_HEAD | DUE;

	if (node(w, list)->next)
		list = sort(w, list);
	w->due = list;
	while (list) {
		struct wheel_node *n = node(w, list);

		n->prev = prev;
		prev = list;
		list = n->next;
	}
}

/* Hand |most| nodes of |slot| down to where they go, the one that was armed
 * first first; true: these were all. */
static bool hand_down(struct wheel *w, uint32_t slot, uint32_t most)
{
	uint32_t *head = head_of(w, slot), *tail = tail_of(w, slot);
	uint32_t ref = *head ? *tail : slot | WHEEL_HEAD;

	while (!(ref & WHEEL_HEAD) && most--) {
		struct wheel_node *n = node(w, ref);
		uint32_t prev = n->prev;

		put(w, ref, n, slot_of(w, n));
		ref = prev;
	}
	if (ref & WHEEL_HEAD) {
		*head = WHEEL_NONE;
		return true;
	}
	*tail = ref;
	node(w, ref)->next = WHEEL_NONE;
	return false;
}

/* |now| has reached a slot above level 0. */
static void cascade(struct wheel *w, uint32_t slot)
{
	w->used[slot / WHEEL_SLOTS] &= ~(UINT64_C(1) << slot % WHEEL_SLOTS);
	/* One slot is handed down in pieces: not one within it.  And the top
	 * level wraps around: what is armed next may go there. */
	if (w->part || slot / WHEEL_SLOTS == TOP)
		(void)hand_down(w, slot, UINT32_MAX);
	else if (!hand_down(w, slot, w->piece))
		w->part = slot;
}

/* Does |now| stay within the slot that is being handed down? */
static bool stays(const struct wheel *w, uint64_t now)
{
	uint32_t bits = w->part / WHEEL_SLOTS * BITS;

	return now >> bits == w->now >> bits;
}

/* Move |now| to the first used slot, or to |now|; false: arrived there. */
static bool advance(struct wheel *w, uint64_t now)
{
	uint32_t slot;
	uint64_t start;

	if (w->now >= now)
		return false;
	if (!first_slot(w, &slot, &start) || start > now) {
		w->now = now;
		return false;
	}
	w->now = start;
	if (slot >= WHEEL_SLOTS)
		cascade(w, slot);
	return true;
}

uint32_t wheel_take(struct wheel *w, uint64_t now)
{
	bool handed = false;
	uint32_t ref;

	while (!w->due) {
		if (w->part && (!handed || !stays(w, now))) {
			/* before |now| moves, and all of it if it leaves */
			if (hand_down(w, w->part,
				      stays(w, now) ? w->piece : UINT32_MAX))
				w->part = 0;
			handed = true;
		} else if (has_late(w)) {
			make_due(w);
		} else if (!advance(w, now)) {
			return WHEEL_NONE;
		} else {
			handed = handed || w->part;
		}
	}
	ref = w->due;
	unlink_node(w, ref, node(w, ref));
	w->count--;
	return ref;
}
