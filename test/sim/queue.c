/* SPDX-License-Identifier: MIT */
/* queue.c - packets that are under way: a heap by the time they arrive. */
#include <stdlib.h>
#include <string.h>

#include "sim.h"

static bool before(const struct flight *a, const struct flight *b)
{
	return a->at != b->at ? a->at < b->at : a->order < b->order;
}

void queue_put(struct sim *s, const struct flight *flight)
{
	struct flight f = *flight;
	unsigned i;

	if (!f.order) /* one that is put back keeps its place */
		f.order = ++s->norder;
	f.data = malloc(f.len ? f.len : 1);
	if (s->nheap == s->heap_room) {
		s->heap_room = s->heap_room ? 2 * s->heap_room : 64;
		s->heap = realloc(s->heap, s->heap_room * sizeof(*s->heap));
	}
	if (!f.data || !s->heap)
		abort();
	memcpy(f.data, flight->data, f.len);
	for (i = s->nheap++; i && before(&f, &s->heap[(i - 1) / 2]);
	     i = (i - 1) / 2)
		s->heap[i] = s->heap[(i - 1) / 2];
	s->heap[i] = f;
}

bool queue_take(struct sim *s, tcpd_time at, struct flight *f)
{
	struct flight last;
	unsigned i = 0;

	if (!s->nheap || s->heap[0].at > at)
		return false;
	*f = s->heap[0];
	last = s->heap[--s->nheap];
	while (2 * i + 1 < s->nheap) {
		unsigned child = 2 * i + 1;

		if (child + 1 < s->nheap &&
		    before(&s->heap[child + 1], &s->heap[child]))
			child++;
		if (before(&last, &s->heap[child]))
			break;
		s->heap[i] = s->heap[child];
		i = child;
	}
	if (s->nheap)
		s->heap[i] = last;
	return true;
}
