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

const struct service_kind service_discard = {"discard", NULL,
					     service_conn_accept, turn};
