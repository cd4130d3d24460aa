/* SPDX-License-Identifier: MIT */
/*
 * way.c - one way of the emulated link (see way.h).  Packets under way are in
 * a heap by the time at which they leave, and among equals by their order.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "test/harness/rng.h"
#include "test/link/way.h"

void way_init(struct way *w, const struct way_set *set, uint32_t room)
{
	memset(w, 0, sizeof(*w));
	w->set = *set;
	w->room = room;
	w->heap = malloc(room * sizeof(*w->heap));
	if (!w->heap) {
		(void)fputs("link: no memory\n", stderr);
		exit(1);
	}
}

void way_free(struct way *w)
{
	free(w->heap);
	w->heap = NULL;
}

static bool before(const struct way_entry *a, const struct way_entry *b)
{
	return a->due != b->due ? a->due < b->due : a->order < b->order;
}

static void push(struct way *w, struct way_entry e)
{
	uint32_t i = w->n++;

	while (i > 0 && before(&e, &w->heap[(i - 1) / 2])) {
		w->heap[i] = w->heap[(i - 1) / 2];
		i = (i - 1) / 2;
	}
	w->heap[i] = e;
}

static struct way_entry pop(struct way *w)
{
	struct way_entry top = w->heap[0], last = w->heap[--w->n];
	uint32_t i = 0, child;

	while ((child = 2 * i + 1) < w->n) {
		if (child + 1 < w->n &&
		    before(&w->heap[child + 1], &w->heap[child]))
			child++;
		if (!before(&w->heap[child], &last))
			break;
		w->heap[i] = w->heap[child];
		i = child;
	}
	w->heap[i] = last;
	return top;
}

/* From 0 to below 1. */
static double chance(struct rng *r)
{
	return (double)(rng_next(r) >> 11) * 0x1p-53;
}

/* Losses in a row have the mean length |burst| (Gilbert's two states: in one
 * of them everything is lost), and |loss| remains their share. */
static bool is_lost(struct way *w, struct rng *r)
{
	const struct way_set *s = &w->set;
	double c = chance(r);

	if (s->burst <= 1)
		return c < s->loss;
	if (w->losing)
		w->losing = c >= 1 / s->burst;
	else
		w->losing = c < s->loss / (s->burst * (1 - s->loss));
	return w->losing;
}

/* The line is busy until what stands before it is gone: that is the queue. */
static bool through_queue(struct way *w, uint32_t len, uint64_t *now)
{
	const struct way_set *s = &w->set;
	uint64_t start, waits;

	if (s->rate <= 0)
		return true;
	start = w->busy_until > *now ? w->busy_until : *now;
	waits = (uint64_t)((double)(start - *now) * s->rate / 8e9) + len;
	/* to an idle line every packet goes */
	if (s->queue && start > *now && waits > s->queue) {
		w->count.dropped++;
		return false;
	}
	if (waits > w->count.queue_max)
		w->count.queue_max = waits;
	w->busy_until = start + (uint64_t)((double)len * 8e9 / s->rate);
	*now = w->busy_until;
	return true;
}

/* A packet goes past those that wait to be overtaken. */
static void overtake(struct way *w, uint64_t due)
{
	for (unsigned i = 0; i < w->nheld; i++)
		w->held[(w->held_first + i) % WAY_HELD].left--;
	while (w->nheld && w->held[w->held_first].left == 0) {
		struct way_entry e = w->held[w->held_first].e;

		if (e.due < due)
			e.due = due;
		e.order = w->order++;
		push(w, e);
		w->count.reordered++;
		w->held_first = (w->held_first + 1) % WAY_HELD;
		w->nheld--;
	}
}

static void hold(struct way *w, struct way_entry e)
{
	unsigned at = (w->held_first + w->nheld++) % WAY_HELD;

	w->held[at].e = e;
	w->held[at].left = w->set.depth;
}

/* The jitter wanders between 0 and its limit.  Were it drawn anew for each
 * packet, those that may not overtake would all have the greatest. */
static uint64_t wander(struct way *w, double c)
{
	double limit = (double)w->set.jitter;

	w->jitter += (c - 0.5) * limit / 8;
	if (w->jitter < 0)
		w->jitter = -w->jitter;
	if (w->jitter > limit)
		w->jitter = 2 * limit - w->jitter;
	return (uint64_t)w->jitter;
}

unsigned way_arrive(struct way *w, uint32_t slot, uint32_t len, uint64_t now)
{
	const struct way_set *s = &w->set;
	struct rng r = {s->seed};
	double twice, late, aside;
	struct way_entry e = {.slot = slot, .len = len};
	bool lost;

	/* every decision is drawn, so that none shifts another */
	r.state = rng_next(&r) ^ w->count.in * 0xd1342543de82ef95u;
	w->count.in++;
	w->count.in_octets += len;
	lost = is_lost(w, &r);
	twice = chance(&r);
	late = chance(&r);
	aside = chance(&r);
	if (w->n + w->nheld + 2 > w->room || !through_queue(w, len, &now)) {
		w->count.dropped += w->n + w->nheld + 2 > w->room;
		return 0;
	}
	if (lost) {
		w->count.lost++;
		return 0;
	}
	e.due = now + s->delay + wander(w, late);
	if (e.due < w->last_due)
		e.due = w->last_due;
	w->last_due = e.due;
	e.order = w->order++;
	if (aside < s->reorder && s->depth && w->nheld < WAY_HELD) {
		hold(w, e);
		return 1;
	}
	push(w, e);
	overtake(w, e.due);
	if (twice >= s->duplicate)
		return 1;
	e.order = w->order++;
	push(w, e);
	w->count.duplicated++;
	return 2;
}

/* When one that nothing overtakes goes all the same. */
static uint64_t held_until(const struct way *w)
{
	return w->nheld ? w->held[w->held_first].e.due + w->set.hold
			: WAY_NEVER;
}

uint64_t way_next(const struct way *w)
{
	uint64_t held = held_until(w);
	uint64_t due = w->n ? w->heap[0].due : WAY_NEVER;

	return held < due ? held : due;
}

bool way_take(struct way *w, uint64_t now, struct way_entry *out)
{
	if (way_next(w) > now)
		return false;
	if (held_until(w) < (w->n ? w->heap[0].due : WAY_NEVER)) {
		*out = w->held[w->held_first].e;
		w->held_first = (w->held_first + 1) % WAY_HELD;
		w->nheld--;
	} else {
		*out = pop(w);
	}
	w->count.out++;
	w->count.out_octets += out->len;
	return true;
}
