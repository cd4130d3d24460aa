/* SPDX-License-Identifier: MIT */
/*
 * pool.c - a buddy system inside spans of 64 KiB.
 *
 * Free buddies merge at once, so that whole spans can be discarded.  To keep
 * reuse last-in first-out all the same, a free block remembers which of its
 * units was given back last (|off|), and splitting it follows that unit: the
 * block that is taken next is the one that was in use just now.
 *
 * The lists are doubly linked and closed in one direction: the head's |prev|
 * is the tail, where the coldest block is.  Of fresh memory only the
 * bookkeeping is written.
 */
#include <assert.h>

#include "pool.h"

#define SPAN_ORDER (POOL_ORDERS - 1u)
#define SPAN	   (1u << SPAN_ORDER) /* units */

enum {
	POOL_ST_INSIDE, /* not the first unit of a block */
	POOL_ST_USED,
	POOL_ST_FREE,
	POOL_ST_COLD
};

size_t pool_need(uint64_t len)
{
	return (size_t)(len / POOL_MAX) * SPAN * sizeof(struct pool_block);
}

void pool_init(struct pool *p, void *mem, uint64_t len, void *block,
	       void (*discard)(void *arg, void *p, size_t len), void *arg)
{
	*p = (struct pool){
		.mem = mem,
		.block = block,
		.units = (uint32_t)(len / POOL_MAX) * SPAN,
		.cold = POOL_NONE,
		.discard = discard,
		.arg = arg,
	};
	for (unsigned i = 0; i < POOL_ORDERS; i++)
		p->free[i] = POOL_NONE;
}

unsigned pool_order(uint32_t n)
{
	unsigned order = 0;

	while (order < SPAN_ORDER && pool_size(order) < n)
		order++;
	return order;
}

uint64_t pool_free(const struct pool *p)
{
	return (uint64_t)p->units * POOL_UNIT - p->nused;
}

static void list_add(struct pool *p, uint32_t *head, uint32_t b)
{
	struct pool_block *n = &p->block[b];

	n->next = *head;
	n->prev = b;
	if (*head != POOL_NONE) {
		n->prev = p->block[*head].prev;
		p->block[*head].prev = b;
	}
	*head = b;
}

static void list_del(struct pool *p, uint32_t *head, uint32_t b)
{
	struct pool_block *n = &p->block[b];
	uint32_t after = n->next != POOL_NONE ? n->next : *head;

	if (*head == b)
		*head = n->next;
	else
		p->block[n->prev].next = n->next;
	if (after != b)
		p->block[after].prev = n->prev;
}

/* A block of class |order| becomes free; |hot|: its unit used last. */
static void put_free(struct pool *p, uint32_t b, unsigned order, uint32_t hot)
{
	struct pool_block *n = &p->block[b];

	n->order = (uint8_t)order;
	n->state = POOL_ST_FREE;
	n->off = hot;
	list_add(p, &p->free[order], b);
	if (order == SPAN_ORDER)
		p->nhot++;
}

static void take_free(struct pool *p, uint32_t b)
{
	unsigned order = p->block[b].order;

	list_del(p, &p->free[order], b);
	if (order == SPAN_ORDER && --p->nhot < p->low_hot)
		p->low_hot = p->nhot;
}

/* A span that holds nothing: a discarded one, or one never used. */
static uint32_t empty_span(struct pool *p)
{
	uint32_t b = p->cold;

	if (b != POOL_NONE) {
		list_del(p, &p->cold, b);
	} else if (p->high < p->units) {
		b = p->high;
		p->high += SPAN;
		for (uint32_t i = b; i < p->high; i++)
			p->block[i].state = POOL_ST_INSIDE;
	} else {
		return POOL_NONE;
	}
	p->block[b].order = SPAN_ORDER;
	p->block[b].off = b;
	return b;
}

/* A block of at least class |order|, out of its list; POOL_NONE: none. */
static uint32_t find(struct pool *p, unsigned order)
{
	uint32_t b;

	for (unsigned i = order; i < POOL_ORDERS; i++) {
		b = p->free[i];
		if (b != POOL_NONE) {
			take_free(p, b);
			return b;
		}
	}
	b = empty_span(p);
	for (unsigned i = order; b == POOL_NONE && i-- > 0;) {
		b = p->free[i];
		if (b != POOL_NONE)
			take_free(p, b);
	}
	return b;
}

/* Halve |b| down to class |order|, each time keeping the hotter half. */
static uint32_t split(struct pool *p, uint32_t b, unsigned order)
{
	uint32_t hot = p->block[b].off;
	unsigned have = p->block[b].order;

	while (have > order) {
		uint32_t upper = b + (1u << --have);

		if (hot >= upper) {
			put_free(p, b, have, b);
			b = upper;
		} else {
			put_free(p, upper, have, upper);
		}
	}
	p->block[b].order = (uint8_t)have;
	return b;
}

uint32_t pool_take(struct pool *p, unsigned order)
{
	uint32_t b;
	struct pool_block *n;

	if (order > SPAN_ORDER)
		order = SPAN_ORDER;
	b = find(p, order);
	if (b == POOL_NONE)
		return POOL_NONE;
	b = split(p, b, order);
	n = &p->block[b];
	*n = (struct pool_block){
		.next = POOL_NONE,
		.prev = POOL_NONE,
		.order = n->order,
		.state = POOL_ST_USED,
	};
	p->nused += pool_size(n->order);
	return b;
}

void pool_give(struct pool *p, uint32_t b)
{
	uint32_t hot = b;
	unsigned order;

	/* a block given twice would get two owners */
	assert(b < p->high && p->block[b].state == POOL_ST_USED);
	order = p->block[b].order;
	p->nused -= pool_size(order);
	for (; order < SPAN_ORDER; order++) {
		uint32_t buddy = b ^ 1u << order;
		const struct pool_block *n = &p->block[buddy];

		if (n->state != POOL_ST_FREE || n->order != order)
			break;
		take_free(p, buddy);
		p->block[b | 1u << order].state = POOL_ST_INSIDE;
		b &= ~(1u << order);
	}
	put_free(p, b, order, hot);
}

/* Take a free span out of its list; it is cold from now on. */
static uint32_t chill(struct pool *p, uint32_t b)
{
	list_del(p, &p->free[SPAN_ORDER], b);
	p->nhot--;
	p->block[b].state = POOL_ST_COLD;
	list_add(p, &p->cold, b);
	return b;
}

/* A free span that is not the very one that will be taken next. */
static bool is_spare(const struct pool *p, uint32_t b)
{
	return b < p->high && p->block[b].state == POOL_ST_FREE &&
	       p->block[b].order == SPAN_ORDER && b != p->free[SPAN_ORDER];
}

bool pool_trim(struct pool *p)
{
	uint32_t n = p->low_hot;

	while (n > 0) {
		/* the tail, and its neighbours for the same call */
		uint32_t first = p->block[p->free[SPAN_ORDER]].prev;
		uint32_t end = first + SPAN;

		chill(p, first);
		for (n--; n > 0 && is_spare(p, end); n--, end += SPAN)
			chill(p, end);
		for (; n > 0 && is_spare(p, first - SPAN); n--)
			first = chill(p, first - SPAN);
		p->discard(p->arg, pool_at(p, first),
			   (size_t)(end - first) * POOL_UNIT);
	}
	p->low_hot = p->nhot;
	return p->nhot > 0;
}

bool pool_restore(struct pool *p, uint32_t high)
{
	if (p->high || high > p->units || high % SPAN)
		return false;
	p->high = high; /* all of it POOL_ST_INSIDE: never used, so zeroed */
	return true;
}

bool pool_restore_block(struct pool *p, uint32_t b, unsigned order,
			enum pool_use use, uint32_t hot)
{
	struct pool_block *n;

	if (b >= p->high || order > SPAN_ORDER || b % (1u << order) ||
	    p->block[b].state != POOL_ST_INSIDE)
		return false;
	n = &p->block[b];
	switch (use) {
	case POOL_USED:
		*n = (struct pool_block){.next = POOL_NONE,
					 .prev = POOL_NONE,
					 .order = (uint8_t)order,
					 .state = POOL_ST_USED};
		p->nused += pool_size(order);
		return true;
	case POOL_FREE:
		put_free(p, b, order, hot);
		return hot >= b && hot - b < 1u << order;
	case POOL_DISCARDED:
		n->order = SPAN_ORDER;
		n->state = POOL_ST_COLD;
		list_add(p, &p->cold, b);
		return order == SPAN_ORDER;
	}
	return false;
}

/* Two free halves of one block would have been merged. */
static bool is_unmerged(const struct pool *p, uint32_t b)
{
	const struct pool_block *n = &p->block[b];
	const struct pool_block *buddy = &p->block[b ^ 1u << n->order];

	return n->state == POOL_ST_FREE && n->order < SPAN_ORDER &&
	       buddy->state == POOL_ST_FREE && buddy->order == n->order;
}

bool pool_restored(struct pool *p, uint32_t low_hot)
{
	uint32_t b = 0;

	while (b < p->high) {
		const struct pool_block *n = &p->block[b];
		uint32_t end = b + (1u << n->order);

		if (n->state == POOL_ST_INSIDE || is_unmerged(p, b))
			return false;
		while (++b < end)
			if (p->block[b].state != POOL_ST_INSIDE)
				return false;
	}
	p->low_hot = low_hot;
	return low_hot <= p->nhot;
}
