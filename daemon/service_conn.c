/* SPDX-License-Identifier: MIT */
/*
 * service_conn.c - connections of services that need nothing but the stack.
 * They come and go by the ten thousand a second, so they are taken from and
 * given back to a list, and nothing is logged about one.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/clamp.h"
#include "service.h"

#define FREE_MAX 4096 /* kept for the next ones */

static void give(struct daemon *d, struct service_conn *c)
{
	struct services *all = d->services;

	service_unref(c->s);
	if (c->prev)
		c->prev->next = c->next;
	else
		all->conns = c->next;
	if (c->next)
		c->next->prev = c->prev;
	if (all->nfree >= FREE_MAX) {
		free(c);
		return;
	}
	c->next = all->free;
	all->free = c;
	all->nfree++;
}

void service_conn_close(struct daemon *d, struct service_conn *c)
{
	tcpd_set_user(d->st, c->h, NULL);
	(void)tcpd_close(d->st, c->h, d->now);
	give(d, c);
}

void service_conn_stop(struct daemon *d)
{
	struct services *all = d->services;

	for (struct service_conn *c = all->conns, *next; c; c = next) {
		next = c->next;
		/* an echo or chargen that is cut off is no fault of the peer */
		service_discard_input(d, c->h);
		service_conn_close(d, c);
	}
	while (all->free) {
		struct service_conn *c = all->free;

		all->free = c->next;
		free(c);
	}
}

void service_discard_input(struct daemon *d, tcpd_handle h)
{
	struct tcpd_slice slice[16];
	int n;

	while ((n = tcpd_recv_peek(d->st, h, slice, ARRAY_SIZE(slice))) > 0) {
		size_t len = 0;

		for (int i = 0; i < n; i++)
			len += slice[i].len;
		if (tcpd_recv_done(d->st, h, len, d->now) < 0)
			break;
	}
}

static void event(struct daemon *d, struct endpoint *e,
		  const struct tcpd_event *ev)
{
	struct service_conn *c = (struct service_conn *)e;

	if (ev->mask & TCPD_EV_GONE)
		give(d, c);
	else if (ev->mask & (TCPD_EV_RESET | TCPD_EV_TIMEOUT))
		service_conn_close(d, c);
	else
		c->s->kind->turn(d, c);
}

static void info(struct daemon *d, struct endpoint *e, struct endpoint_info *i)
{
	const struct service_conn *c = (const struct service_conn *)e;

	(void)d;
	(void)snprintf(i->comm, sizeof(i->comm), "%.15s", c->s->conf.name);
}

static const struct endpoint_ops ops = {event, info};

/* |h| becomes a connection of ours; NULL: no memory, and it was reset. */
static struct service_conn *take(struct daemon *d, struct service *s,
				 tcpd_handle h)
{
	struct services *all = d->services;
	struct service_conn *c = all->free;

	if (c) {
		all->free = c->next;
		all->nfree--;
	} else {
		c = malloc(sizeof(*c));
	}
	if (!c) {
		(void)tcpd_abort(d->st, h, d->now);
		return NULL;
	}
	*c = (struct service_conn){.e.ops = &ops, .s = service_ref(s), .h = h};
	c->next = all->conns;
	if (c->next)
		c->next->prev = c;
	all->conns = c;
	tcpd_set_user(d->st, h, c);
	return c;
}

void service_conn_accept(struct daemon *d, struct service *s, tcpd_handle h)
{
	struct service_conn *c = take(d, s, h);

	if (c)
		s->kind->turn(d, c);
}
