/* SPDX-License-Identifier: MIT */
/* trace.c - a change of state as a line that people read. */
#include <inttypes.h>
#include <stdio.h>

#include "daemon/daemon.h"
#include "wire/pretty.h"

char *trace_line(const struct daemon *d, const struct tcpd_trace *tr,
		 char buf[TRACE_LINE_MAX])
{
	char peer[PRETTY_ADDR_MAX], local[PRETTY_ADDR_MAX];
	tcpd_time t = tr->at > d->start ? tr->at - d->start : 0;

	(void)snprintf(
		buf, TRACE_LINE_MAX,
		"%" PRIu64 ".%06u conn=%" PRIu64 " %s>%s %s -> %s on=%s",
		t / 1000000000u, (unsigned)(t % 1000000000u / 1000u), tr->id,
		pretty_addr(peer, &tr->peer), pretty_addr(local, &tr->local),
		tcpd_state_name(tr->from), tcpd_state_name(tr->to), tr->event);
	return buf;
}
