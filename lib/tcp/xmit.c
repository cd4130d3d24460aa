/* SPDX-License-Identifier: MIT */
/*
 * xmit.c - the records of transmissions: a treap (found by sequence number in
 * log n) threaded as a list.  The priorities are hashed from the slot, so the
 * shape is the same in every run.
 */
#include <assert.h>

#include "conn.h"
#include "xmit.h"

#define AT(t, link) xmit_at((t), (link)-1)

bool xmit_room(const struct tcp *t)
{
	return t->xmits.count + t->conns.max < t->xmits.max;
}

static uint32_t priority(uint32_t slot)
{
	uint32_t x = slot * 0x9e3779b1u;

	return (x ^ x >> 15) * 0x85ebca6bu;
}

/* Cut the tree |n| into records below |seq| and the others. */
static void cut(const struct tcp *t, uint32_t n, uint32_t seq, uint32_t *lo,
		uint32_t *hi)
{
	while (n) {
		struct xmit *x = AT(t, n);

		if (seq_lt(x->seq, seq)) {
			*lo = n;
			lo = &x->right;
			n = x->right;
		} else {
			*hi = n;
			hi = &x->left;
			n = x->left;
		}
	}
	*lo = *hi = 0;
}

/* One tree of two: all of |a| lies before all of |b|. */
static uint32_t join(const struct tcp *t, uint32_t a, uint32_t b)
{
	uint32_t root = 0;
	uint32_t *at = &root;

	while (a && b) {
		struct xmit *x = AT(t, a);
		struct xmit *y = AT(t, b);

		if (x->pri >= y->pri) {
			*at = a;
			at = &x->right;
			a = x->right;
		} else {
			*at = b;
			at = &y->left;
			b = y->left;
		}
	}
	*at = a ? a : b;
	return root;
}

static void tree_add(const struct tcp *t, struct conn *c, uint32_t link)
{
	struct xmit *x = AT(t, link);
	uint32_t *at = &c->xmit_root;

	while (*at && AT(t, *at)->pri >= x->pri) {
		struct xmit *y = AT(t, *at);

		at = seq_lt(x->seq, y->seq) ? &y->left : &y->right;
	}
	cut(t, *at, x->seq, &x->left, &x->right);
	*at = link;
}

static void tree_del(const struct tcp *t, struct conn *c, uint32_t link)
{
	struct xmit *x = AT(t, link);
	uint32_t *at = &c->xmit_root;

	while (*at != link) {
		struct xmit *y = AT(t, *at);

		at = seq_lt(x->seq, y->seq) ? &y->left : &y->right;
	}
	*at = join(t, x->left, x->right);
}

/* Into the list behind |after| (slot + 1; 0: nothing there yet). */
static void thread(const struct tcp *t, struct conn *c, uint32_t link,
		   uint32_t after)
{
	struct xmit *x = AT(t, link);

	x->prev = after;
	x->next = after ? AT(t, after)->next : 0;
	if (x->prev)
		AT(t, x->prev)->next = link;
	else
		c->xmit_first = link;
	if (x->next)
		AT(t, x->next)->prev = link;
	else
		c->xmit_last = link;
}

uint32_t xmit_add(struct tcp *t, struct conn *c, uint32_t seq, uint32_t end)
{
	uint32_t slot = slab_take(&t->xmits);
	struct xmit *x;

	if (slot == SLAB_NONE)
		return SLAB_NONE;
	x = xmit_at(t, slot);
	x->seq = seq;
	x->end = end;
	x->pri = priority(slot);
	thread(t, c, slot + 1, c->xmit_last);
	tree_add(t, c, slot + 1);
	return slot;
}

uint32_t xmit_find(const struct tcp *t, const struct conn *c, uint32_t seq)
{
	uint32_t n = c->xmit_root;

	while (n) {
		const struct xmit *x = AT(t, n);

		if (seq_lt(seq, x->seq))
			n = x->left;
		else if (seq_ge(seq, x->end))
			n = x->right;
		else
			return n - 1;
	}
	return SLAB_NONE;
}

uint32_t xmit_split(struct tcp *t, struct conn *c, uint32_t slot, uint32_t seq)
{
	struct xmit *x = xmit_at(t, slot);
	uint32_t second = xmit_room(t) ? slab_take(&t->xmits) : SLAB_NONE;
	struct xmit *y;

	assert(seq_lt(x->seq, seq) && seq_lt(seq, x->end));
	if (second == SLAB_NONE)
		return SLAB_NONE;
	y = xmit_at(t, second);
	*y = *x;
	y->seq = seq;
	y->pri = priority(second);
	y->left = y->right = 0;
	x->end = seq;
	thread(t, c, second + 1, slot + 1);
	tree_add(t, c, second + 1);
	return second;
}

void xmit_del(struct tcp *t, struct conn *c, uint32_t slot)
{
	struct xmit *x = xmit_at(t, slot);

	tree_del(t, c, slot + 1);
	if (x->prev)
		AT(t, x->prev)->next = x->next;
	else
		c->xmit_first = x->next;
	if (x->next)
		AT(t, x->next)->prev = x->prev;
	else
		c->xmit_last = x->prev;
	slab_give(&t->xmits, slot);
}

void xmit_clear(struct tcp *t, struct conn *c)
{
	while (c->xmit_first) {
		uint32_t link = c->xmit_first;

		c->xmit_first = AT(t, link)->next;
		slab_give(&t->xmits, link - 1);
	}
	c->xmit_root = c->xmit_last = 0;
}
