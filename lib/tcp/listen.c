/* SPDX-License-Identifier: MIT */
/*
 * listen.c - listeners and bound ports: RFC 9293 3.9.1.1 (MUST-41, MUST-42),
 * and the accept queue, which holds connections that nobody has taken yet.
 */
#include <string.h>

#include "conn.h"
#include "listen.h"
#include "port.h"
#include "synq.h"
#include "timewait.h"
#include "wire/ip.h"

static bool listens_on(const struct listener *l, const uint8_t ip[16])
{
	if (!l->any)
		return memcmp(l->ip, ip, 16) == 0;
	return l->family == 0 || (l->family == 4) == ip_is4(ip);
}

/* Do they share one address, and what comes in for it? */
static bool same_group(const struct listener *a, const struct listener *b)
{
	return a->share & b->share & TCPD_BIND_REUSEPORT &&
	       a->owner == b->owner && a->any == b->any &&
	       a->family == b->family && memcmp(a->ip, b->ip, 16) == 0;
}

/* The one of |l|'s group, which stands together, that |hash| falls to. */
static struct listener *of_group(const struct tcp *t, struct listener *l,
				 uint32_t hash)
{
	const struct listener *last = l;
	uint32_t n = 1;

	while (last->next && same_group(l, listener_at(t, last->next - 1))) {
		last = listener_at(t, last->next - 1);
		n++;
	}
	for (n = (uint32_t)((uint64_t)hash * n >> 32); n; n--)
		l = listener_at(t, l->next - 1);
	return l;
}

struct listener *listen_find(const struct tcp *t, const uint8_t ip[16],
			     uint16_t port, uint32_t hash)
{
	uint32_t link = t->ports[port].listeners;

	while (link) {
		struct listener *l = listener_at(t, link - 1);

		if (listens_on(l, ip))
			return l->share & TCPD_BIND_REUSEPORT
				       ? of_group(t, l, hash)
				       : l;
		link = l->next;
	}
	return NULL;
}

/* --- may a local address be taken? */

/* Does it overlap an address (|any|: all of a family, or of both)? */
static bool overlap(const struct claim *w, const uint8_t ip[16], bool any,
		    uint8_t family)
{
	if (w->a.family && family && w->a.family != family)
		return false;
	return w->any || any || memcmp(w->a.ip, ip, 16) == 0;
}

enum holder { HOLDER_CONN, HOLDER_LISTENER, HOLDER_TIMEWAIT };

/* May both have it?  SO_REUSEADDR is for all but what listens, and both must
 * have set it; SO_REUSEPORT keeps the port in one user's hands. */
static bool shared(const struct claim *w, enum holder who, uint8_t share,
		   uint32_t owner)
{
	uint8_t both = w->share & share;

	if (both & TCPD_BIND_REUSE && who != HOLDER_LISTENER)
		return true;
	return both & TCPD_BIND_REUSEPORT &&
	       (who == HOLDER_TIMEWAIT || w->owner == owner);
}

static bool listener_in_way(const struct tcp *t, const struct claim *w)
{
	uint32_t link = t->ports[w->a.port].listeners;

	while (link) {
		const struct listener *l = listener_at(t, link - 1);

		if (overlap(w, l->ip, l->any, l->family) &&
		    !shared(w, HOLDER_LISTENER, l->share, l->owner))
			return true;
		link = l->next;
	}
	return false;
}

static bool conn_in_way(const struct tcp *t, const struct claim *w)
{
	uint32_t ref = t->ports[w->a.port].conns.head;

	while (ref) {
		const struct conn *c = conn_at(t, REF_SLOT(ref));
		uint8_t family = c->any_local	       ? c->family
				 : ip_is4(c->tu.local) ? 4
						       : 6;

		if (c != w->self &&
		    overlap(w, c->tu.local, c->any_local, family) &&
		    !shared(w, HOLDER_CONN, c->share, c->owner))
			return true;
		ref = c->at_port.next;
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

/* There may be a million entries: they are looked at only where the port's
 * counts leave it open. */
static bool timewait_in_way(const struct tcp *t, const struct claim *w)
{
	const struct port *p = &t->ports[w->a.port];
	uint32_t left = (w->a.family != 6 ? p->ntw[0] : 0) +
			(w->a.family != 4 ? p->ntw[1] : 0);

	if (w->share & TCPD_BIND_REUSE && p->ntw_alone == 0)
		return false;
	if (left == 0 ||
	    (!(w->share & (TCPD_BIND_REUSE | TCPD_BIND_REUSEPORT)) &&
	     (w->any || is_only(t, &w->a))))
		return left != 0;
	for (uint32_t i = 0; left && i < t->tws.high; i++) {
		const struct timewait *tw = timewait_at(t, i);
		uint8_t family;

		if (!slab_used(&t->tws, i) || tw->tu.lport != w->a.port)
			continue;
		family = ip_is4(tw->tu.local) ? 4 : 6;
		if (w->a.family && w->a.family != family)
			continue;
		if (overlap(w, tw->tu.local, false, family) &&
		    !shared(w, HOLDER_TIMEWAIT, t->tw_share[tw->class], 0))
			return true;
		left--;
	}
	return false;
}

bool listen_port_free(const struct tcp *t, const struct claim *w)
{
	return !listener_in_way(t, w) && !conn_in_way(t, w) &&
	       !timewait_in_way(t, w);
}

/* How specific: an address, a family, everything. */
static int rank(const struct listener *l)
{
	return !l->any ? 0 : l->family ? 1 : 2;
}

/* Its place in the port's chain: behind its group, which so stands together,
 * else behind all that are as specific. */
static uint32_t *place_of(struct tcp *t, const struct listener *l)
{
	uint32_t *at = &t->ports[l->port].listeners;
	uint32_t *behind = NULL;

	while (*at && rank(listener_at(t, *at - 1)) <= rank(l)) {
		struct listener *other = listener_at(t, *at - 1);

		at = &other->next;
		if (same_group(l, other))
			behind = at;
	}
	return behind ? behind : at;
}

struct listener *listen_new(struct tcp *t, const struct claim *w,
			    const struct tcpd_conn_settings *set, int *err)
{
	uint32_t slot = slab_take(&t->listeners);
	uint32_t *at;
	struct listener *l;

	if (slot == SLAB_NONE) {
		*err = TCPD_ERR_RESOURCES;
		return NULL;
	}
	l = listener_at(t, slot);
	memcpy(l->ip, w->a.ip, 16);
	l->port = w->a.port;
	l->family = w->a.family;
	l->any = w->any;
	l->share = w->share;
	l->owner = w->owner;
	l->id = t->next_id++;
	l->set = *set;
	at = place_of(t, l);
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
	port_give(t, l->port);
	if (l->ev_mask)
		rlist_del(t, &t->events, LINK_EVENT, REF(REF_LISTENER, slot));
	slab_give(&t->listeners, slot);
}

uint16_t listen_advmss(const struct tcp *t, const struct listener *l,
		       const struct tuple *tu)
{
	uint32_t mss = tcp_advmss(t, tu);
	uint64_t most = options_get(&l->opt, TCPD_OPT_MAXSEG);

	return (uint16_t)(most ? min_u64(mss, most) : mss);
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

void listen_event(struct tcp *t, struct listener *l, uint32_t mask)
{
	uint32_t ref = REF(REF_LISTENER, slab_slot(&t->listeners, l));

	if (!l->ev_mask)
		rlist_push(t, &t->events, LINK_EVENT, ref);
	l->ev_mask |= mask;
}

void listen_queue(struct tcp *t, struct listener *l, struct conn *c)
{
	c->listener = slab_slot(&t->listeners, l) + 1;
	rlist_push(t, &l->accept, LINK_ACCEPT, conn_ref(t, c));
	l->nqueued++;
	listen_event(t, l, TCPD_EV_ACCEPT);
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
