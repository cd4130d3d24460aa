/* SPDX-License-Identifier: MIT */
/*
 * listen.c - listeners and bound ports: RFC 9293 3.9.1.1 (MUST-41, MUST-42),
 * and the accept queue, which holds connections that nobody has taken yet.
 */
#include <string.h>

#include "conn.h"
#include "listen.h"
#include "synq.h"
#include "timewait.h"
#include "wire/ip.h"

static bool listens_on(const struct listener *l, const uint8_t ip[16])
{
	if (!l->any)
		return memcmp(l->ip, ip, 16) == 0;
	return l->family == 0 || (l->family == 4) == ip_is4(ip);
}

struct listener *listen_find(const struct tcp *t, const uint8_t ip[16],
			     uint16_t port)
{
	uint32_t link = t->ports[port].listeners;

	while (link) {
		struct listener *l = listener_at(t, link - 1);

		if (listens_on(l, ip))
			return l;
		link = l->next;
	}
	return NULL;
}

/* Do two local addresses (|any|: all of a family, or of both) overlap? */
static bool overlap(const uint8_t a[16], bool a_any, uint8_t a_family,
		    const uint8_t b[16], bool b_any, uint8_t b_family)
{
	if (a_family && b_family && a_family != b_family)
		return false;
	return a_any || b_any || memcmp(a, b, 16) == 0;
}

static bool listener_in_way(const struct tcp *t, const struct tcpd_addr *a,
			    bool any)
{
	uint32_t link = t->ports[a->port].listeners;

	while (link) {
		const struct listener *l = listener_at(t, link - 1);

		if (overlap(a->ip, any, a->family, l->ip, l->any, l->family))
			return true;
		link = l->next;
	}
	return false;
}

static bool conn_in_way(const struct conn *c, const struct tcpd_addr *a,
			bool any, bool reuse)
{
	uint8_t family = c->any_local ? c->family : ip_is4(c->tu.local) ? 4 : 6;

	if (!overlap(a->ip, any, a->family, c->tu.local, c->any_local, family))
		return false;
	/* SO_REUSEADDR: over what is open, and over those who said so too */
	return !(reuse && (c->hashed || c->reuse));
}

static bool any_conn_in_way(const struct tcp *t, const struct tcpd_addr *a,
			    bool any, bool reuse, const struct conn *self)
{
	const struct port *p = &t->ports[a->port];
	uint32_t left = p->nuse - p->ntw[0] - p->ntw[1];

	for (uint32_t i = 0; left && i < t->conns.high; i++) {
		const struct conn *c = conn_at(t, i);

		if (!slab_used(&t->conns, i) || c->tu.lport != a->port ||
		    (!c->hashed && !c->bound))
			continue;
		if (c != self && conn_in_way(c, a, any, reuse))
			return true;
		left--;
	}
	return false;
}

/* Is |a| the only address of its family, and has always been? */
static bool is_only(const struct tcp *t, const struct tcpd_addr *a)
{
	unsigned n = 0;

	for (unsigned i = 0; i < t->set.naddrs; i++)
		if (t->set.addr[i].family == a->family)
			n += t->set.addr[i].local ? 2 : 1;
	return n == 1 && !t->moved;
}

/* There may be a million entries: only one of several addresses is looked for
 * among them, and only where the port's counts leave it open. */
static bool timewait_in_way(const struct tcp *t, const struct tcpd_addr *a,
			    bool any)
{
	const struct port *p = &t->ports[a->port];
	uint32_t left = (a->family != 6 ? p->ntw[0] : 0) +
			(a->family != 4 ? p->ntw[1] : 0);

	if (left == 0 || any || is_only(t, a))
		return left != 0;
	for (uint32_t i = 0; left && i < t->tws.high; i++) {
		const struct timewait *w = timewait_at(t, i);

		if (!slab_used(&t->tws, i) || w->tu.lport != a->port ||
		    ip_is4(w->tu.local) != (a->family == 4))
			continue;
		if (memcmp(a->ip, w->tu.local, 16) == 0)
			return true;
		left--;
	}
	return false;
}

bool listen_port_free(const struct tcp *t, const struct tcpd_addr *a, bool any,
		      bool reuse, const struct conn *self)
{
	return !listener_in_way(t, a, any) &&
	       !any_conn_in_way(t, a, any, reuse, self) &&
	       (reuse || !timewait_in_way(t, a, any));
}

/* How specific: an address, a family, everything. */
static int rank(const struct listener *l)
{
	return !l->any ? 0 : l->family ? 1 : 2;
}

struct listener *listen_new(struct tcp *t, const struct tcpd_addr *a, bool any,
			    const struct tcpd_conn_settings *set, int *err)
{
	uint32_t slot = slab_take(&t->listeners);
	uint32_t *at = &t->ports[a->port].listeners;
	struct listener *l;

	if (slot == SLAB_NONE) {
		*err = TCPD_ERR_RESOURCES;
		return NULL;
	}
	l = listener_at(t, slot);
	memcpy(l->ip, a->ip, 16);
	l->port = a->port;
	l->family = a->family;
	l->any = any;
	l->id = t->next_id++;
	l->set = *set;
	while (*at && rank(listener_at(t, *at - 1)) <= rank(l))
		at = &listener_at(t, *at - 1)->next;
	l->next = *at;
	*at = slot + 1;
	return l;
}

void listen_close(struct tcp *t, struct listener *l)
{
	uint32_t slot = slab_slot(&t->listeners, l);
	uint32_t *at = &t->ports[l->port].listeners;
	uint32_t ref;

	synq_drop_listener(t, slot);
	while ((ref = l->accept.head) != 0)
		user_abort(t, conn_at(t, REF_SLOT(ref)), TCPD_RESET_ABORT);
	while (*at != slot + 1)
		at = &listener_at(t, *at - 1)->next;
	*at = l->next;
	t->port_gone++;
	if (l->ev_mask)
		rlist_del(t, &t->events, LINK_EVENT, REF(REF_LISTENER, slot));
	slab_give(&t->listeners, slot);
}

void listen_set_backlog(struct tcp *t, struct listener *l, uint32_t backlog)
{
	l->set.backlog = backlog;
	synq_room(t, l);
}

/* As Linux counts: one more than the backlog. */
bool listen_full(const struct listener *l)
{
	return l->nqueued > l->set.backlog;
}

void listen_queue(struct tcp *t, struct listener *l, struct conn *c)
{
	uint32_t slot = slab_slot(&t->listeners, l);

	c->listener = slot + 1;
	rlist_push(t, &l->accept, LINK_ACCEPT, conn_ref(t, c));
	l->nqueued++;
	if (!l->ev_mask)
		rlist_push(t, &t->events, LINK_EVENT, REF(REF_LISTENER, slot));
	l->ev_mask |= TCPD_EV_ACCEPT;
}

void listen_unqueue(struct tcp *t, struct conn *c)
{
	struct listener *l = listener_at(t, c->listener - 1);

	rlist_del(t, &l->accept, LINK_ACCEPT, conn_ref(t, c));
	l->nqueued--;
	c->listener = 0;
	synq_room(t, l);
}

struct conn *listen_accept(struct tcp *t, struct listener *l)
{
	struct conn *c;

	if (!l->accept.head)
		return NULL;
	c = conn_at(t, REF_SLOT(l->accept.head));
	listen_unqueue(t, c);
	c->held = true;
	t->stat.opens_accepted++;
	return c;
}
