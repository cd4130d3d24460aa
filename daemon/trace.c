/* SPDX-License-Identifier: MIT */
/* trace.c - a change of state, or an RST, as a line that people read. */
#include <inttypes.h>
#include <stdio.h>

#include "daemon/daemon.h"
#include "wire/pretty.h"

const char *trace_verb(enum tcpd_trace_kind kind)
{
	switch (kind) {
	case TCPD_TRACE_RST_SENT:
		return "sent";
	case TCPD_TRACE_RST_RECEIVED:
		return "received";
	case TCPD_TRACE_RST_IGNORED:
		return "ignored";
	case TCPD_TRACE_STATE:
		break;
	}
	return "?";
}

char *trace_line(const struct daemon *d, const struct tcpd_trace *tr,
		 char buf[TRACE_LINE_MAX])
{
	char peer[PRETTY_ADDR_MAX], local[PRETTY_ADDR_MAX];
	char id[24] = "-", more[40] = "";
	tcpd_time t = tr->at > d->start ? tr->at - d->start : 0;
	int n;

	if (tr->id)
		(void)snprintf(id, sizeof(id), "%" PRIu64, tr->id);
	if (tr->left_out)
		(void)snprintf(more, sizeof(more), " left-out=%" PRIu64,
			       tr->left_out);
	n = snprintf(buf, TRACE_LINE_MAX, "%" PRIu64 ".%06u conn=%s %s>%s ",
		     t / 1000000000u, (unsigned)(t % 1000000000u / 1000u), id,
		     pretty_addr(peer, &tr->peer),
		     pretty_addr(local, &tr->local));
	if (tr->kind == TCPD_TRACE_STATE)
		(void)snprintf(buf + n, (size_t)(TRACE_LINE_MAX - n),
			       "%s -> %s on=%s", tcpd_state_name(tr->from),
			       tcpd_state_name(tr->to), tr->event);
	else
		(void)snprintf(buf + n, (size_t)(TRACE_LINE_MAX - n),
			       "RST %s cause=%s%s", trace_verb(tr->kind),
			       tr->event, more);
	return buf;
}
