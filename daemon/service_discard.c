/* SPDX-License-Identifier: MIT */
/*
 * service_discard.c - the Discard Protocol (RFC 863).  What arrives is only
 * looked at, so in order it is never copied inside the stack.
 */
#include "service.h"

static void turn(struct daemon *d, struct service_conn *c)
{
	service_discard_input(d, c->h);
	if (tcpd_recv_eof(d->st, c->h))
		service_conn_close(d, c);
}

static void event(struct daemon *d, struct endpoint *e,
		  const struct tcpd_event *ev)
{
	struct service_conn *c = (struct service_conn *)e;

	if (!service_conn_ended(d, c, ev))
		turn(d, c);
}

static const struct endpoint_ops ops = {event, service_conn_info};

static void accept_one(struct daemon *d, struct service *s, tcpd_handle h)
{
	struct service_conn *c = service_conn_open(d, s, h, &ops);

	if (c)
		turn(d, c);
}

const struct service_kind service_discard = {"discard", NULL, accept_one};
