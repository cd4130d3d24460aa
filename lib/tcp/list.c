/* SPDX-License-Identifier: MIT */
/*
 * list.c - lists whose links are references: what waits for output, which
 * connections have news, a listener's accept queue.  A reference that is on
 * no list has both links 0, unless it is the only one of its list; the owner
 * knows where it put it.
 */
#include <assert.h>

#include "conn.h"
#include "listen.h"

static struct rlink *link_at(struct tcp *t, enum rlink_which w, uint32_t ref)
{
	struct conn *c;

	if (REF_KIND(ref) == REF_LISTENER) {
		assert(w == LINK_EVENT);
		return &listener_at(t, REF_SLOT(ref))->ev;
	}
	assert(REF_KIND(ref) == REF_CONN);
	c = conn_at(t, REF_SLOT(ref));
	switch (w) {
	case LINK_OUT:
		return &c->out;
	case LINK_EVENT:
		return &c->ev;
	case LINK_ORPHAN:
		return &c->orphans;
	case LINK_PORT:
		return &c->at_port;
	case LINK_ACCEPT:
		break;
	}
	return &c->aq;
}

void rlist_push(struct tcp *t, struct rlist *l, enum rlink_which w,
		uint32_t ref)
{
	struct rlink *n = link_at(t, w, ref);

	n->next = REF_NONE;
	n->prev = l->tail;
	if (l->tail)
		link_at(t, w, l->tail)->next = ref;
	else
		l->head = ref;
	l->tail = ref;
}

void rlist_del(struct tcp *t, struct rlist *l, enum rlink_which w, uint32_t ref)
{
	struct rlink *n = link_at(t, w, ref);

	if (n->prev)
		link_at(t, w, n->prev)->next = n->next;
	else
		l->head = n->next;
	if (n->next)
		link_at(t, w, n->next)->prev = n->prev;
	else
		l->tail = n->prev;
	*n = (struct rlink){0};
}

uint32_t rlist_pop(struct tcp *t, struct rlist *l, enum rlink_which w)
{
	uint32_t ref = l->head;

	if (ref)
		rlist_del(t, l, w, ref);
	return ref;
}
