/* SPDX-License-Identifier: MIT */
/*
 * xmit.c - the records of transmissions: a treap (found by sequence number in
 * log n) threaded as a list, and the set that each record is in.  The
 * priorities are hashed from the slot, so the shape is the same in every run.
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
static void cut(const struct tcp *t, enum xmit_tree k, uint32_t n, uint32_t seq,
		struct xmit_links *parts)
{
	uint32_t *lo = &parts->left, *hi = &parts->right;

	while (n) {
		struct xmit *x = AT(t, n);

		if (seq_lt(x->seq, seq)) {
			*lo = n;
			lo = &x->in[k].right;
			n = x->in[k].right;
		} else {
			*hi = n;
			hi = &x->in[k].left;
			n = x->in[k].left;
		}
	}
	*lo = *hi = 0;
}

/* One tree of two: all of |a| lies before all of |b|. */
static uint32_t join(const struct tcp *t, enum xmit_tree k, uint32_t a,
		     uint32_t b)
{
	uint32_t root = 0;
	uint32_t *at = &root;

	while (a && b) {
		struct xmit *x = AT(t, a);
		struct xmit *y = AT(t, b);

		if (x->pri >= y->pri) {
			*at = a;
			at = &x->in[k].right;
			a = x->in[k].right;
		} else {
			*at = b;
			at = &y->in[k].left;
			b = y->in[k].left;
		}
	}
	*at = a ? a : b;
	return root;
}

static void tree_add(const struct tcp *t, enum xmit_tree k, uint32_t *at,
		     uint32_t link)
{
	struct xmit *x = AT(t, link);

	while (*at && AT(t, *at)->pri >= x->pri) {
		struct xmit *y = AT(t, *at);

		at = seq_lt(x->seq, y->seq) ? &y->in[k].left : &y->in[k].right;
	}
	cut(t, k, *at, x->seq, &x->in[k]);
	*at = link;
}

static void tree_del(const struct tcp *t, enum xmit_tree k, uint32_t *at,
		     uint32_t link)
{
	struct xmit *x = AT(t, link);

	while (*at != link) {
		struct xmit *y = AT(t, *at);

		at = seq_lt(x->seq, y->seq) ? &y->in[k].left : &y->in[k].right;
	}
	*at = join(t, k, x->in[k].left, x->in[k].right);
}

/* --- in flight, by time: |after| is slot + 1; 0: before all others */

static void time_add(const struct tcp *t, struct conn *c, uint32_t link,
		     uint32_t after)
{
	struct xmit_links *l = &AT(t, link)->in[XT_SET];

	l->left = after;
	l->right = after ? AT(t, after)->in[XT_SET].right : c->sent_first;
	*(l->left ? &AT(t, l->left)->in[XT_SET].right : &c->sent_first) = link;
	*(l->right ? &AT(t, l->right)->in[XT_SET].left : &c->sent_last) = link;
}

static void time_del(const struct tcp *t, struct conn *c, uint32_t link)
{
	const struct xmit_links *l = &AT(t, link)->in[XT_SET];

	*(l->left ? &AT(t, l->left)->in[XT_SET].right : &c->sent_first) =
		l->right;
	*(l->right ? &AT(t, l->right)->in[XT_SET].left : &c->sent_last) =
		l->left;
}

static void leave_set(const struct tcp *t, struct conn *c, struct xmit *x)
{
	uint32_t link = slab_slot(&t->xmits, x) + 1;

	if (xmit_waits(x))
		tree_del(t, XT_SET, &c->lost_root, link);
	else if (xmit_in_flight(x))
		time_del(t, c, link);
}

void xmit_put_sacked(struct tcp *t, struct conn *c, struct xmit *x)
{
	leave_set(t, c, x);
	x->flags &= (uint8_t) ~(XMIT_LOST | XMIT_RESENT);
	x->flags |= XMIT_SACKED;
}

void xmit_put_lost(struct tcp *t, struct conn *c, struct xmit *x)
{
	leave_set(t, c, x);
	x->flags &= (uint8_t) ~(XMIT_SACKED | XMIT_RESENT);
	x->flags |= XMIT_LOST;
	tree_add(t, XT_SET, &c->lost_root, slab_slot(&t->xmits, x) + 1);
}

void xmit_put_sent(struct tcp *t, struct conn *c, struct xmit *x)
{
	leave_set(t, c, x);
	x->flags |= x->flags & XMIT_LOST ? XMIT_RESENT : 0;
	time_add(t, c, slab_slot(&t->xmits, x) + 1, c->sent_last);
}

void xmit_put_back(struct tcp *t, struct conn *c, struct xmit *x)
{
	uint32_t next = c->sent_first, after = 0;

	leave_set(t, c, x);
	x->flags &= (uint8_t) ~(XMIT_LOST | XMIT_RESENT | XMIT_SACKED);
	while (next && AT(t, next)->sent_at < x->sent_at) {
		after = next;
		next = AT(t, next)->in[XT_SET].right;
	}
	time_add(t, c, slab_slot(&t->xmits, x) + 1, after);
}

void xmit_forget_order(const struct tcp *t, struct conn *c)
{
	c->sent_first = c->sent_last = c->lost_root = 0;
	for (uint32_t link = c->xmit_first; link; link = AT(t, link)->next) {
		struct xmit *x = AT(t, link);

		x->in[XT_SET] = (struct xmit_links){0};
		if (xmit_waits(x))
			tree_add(t, XT_SET, &c->lost_root, link);
	}
}

bool xmit_put_next(const struct tcp *t, struct conn *c, uint32_t seq)
{
	uint32_t slot = xmit_find(t, c, seq);
	const struct xmit *x;

	if (slot == SLAB_NONE)
		return false;
	x = xmit_at(t, slot);
	if (!xmit_in_flight(x) || c->sent_first == slot + 1 ||
	    x->in[XT_SET].left)
		return false;
	time_add(t, c, slot + 1, c->sent_last);
	return true;
}

uint32_t xmit_first_lost(const struct tcp *t, const struct conn *c)
{
	uint32_t link = c->lost_root;

	while (link && AT(t, link)->in[XT_SET].left)
		link = AT(t, link)->in[XT_SET].left;
	return link;
}

uint32_t xmit_last_lost(const struct tcp *t, const struct conn *c)
{
	uint32_t link = c->lost_root;

	while (link && AT(t, link)->in[XT_SET].right)
		link = AT(t, link)->in[XT_SET].right;
	return link;
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
	tree_add(t, XT_SEQ, &c->xmit_root, slot + 1);
	time_add(t, c, slot + 1, c->sent_last);
	return slot;
}

uint32_t xmit_find(const struct tcp *t, const struct conn *c, uint32_t seq)
{
	uint32_t n = c->xmit_root;

	while (n) {
		const struct xmit *x = AT(t, n);

		if (seq_lt(seq, x->seq))
			n = x->in[XT_SEQ].left;
		else if (seq_ge(seq, x->end))
			n = x->in[XT_SEQ].right;
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
	x->end = seq;
	thread(t, c, second + 1, slot + 1);
	tree_add(t, XT_SEQ, &c->xmit_root, second + 1);
	if (xmit_waits(y))
		tree_add(t, XT_SET, &c->lost_root, second + 1);
	else if (xmit_in_flight(y))
		time_add(t, c, second + 1, slot + 1);
	return second;
}

void xmit_merge(struct tcp *t, struct conn *c, uint32_t slot)
{
	struct xmit *x = xmit_at(t, slot);
	const struct xmit *y = AT(t, x->next);
	uint32_t end = y->end;

	assert(x->flags & y->flags & XMIT_SACKED);
	x->nsegs += y->nsegs;
	x->flags |= y->flags;
	xmit_del(t, c, x->next - 1);
	x->end = end;
}

void xmit_del(struct tcp *t, struct conn *c, uint32_t slot)
{
	struct xmit *x = xmit_at(t, slot);

	leave_set(t, c, x);
	tree_del(t, XT_SEQ, &c->xmit_root, slot + 1);
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
	c->sent_first = c->sent_last = c->lost_root = 0;
	c->sacked = c->lost = c->resent = c->duped = 0;
	if (c->flow)
		flow_of(t, c)->nsacked = 0;
}
