/* SPDX-License-Identifier: MIT */
/*
 * report.c - what all the reports of tcpctl share: rows with their owners,
 * numbers as people read them, one line of JSON.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "report.h"
#include "wire/pretty.h"

/* A program chooses its own name: neither the terminal nor a reader of JSON
 * may be harmed by it. */
static void clean(char *s, size_t size)
{
	s[size - 1] = '\0';
	for (; *s; s++)
		if (*s < ' ' || *s > '~')
			*s = '?';
}

void report_row_make(struct daemon *d, const struct tcpd_status *s,
		     struct report_row *r)
{
	struct endpoint *e = s->user;

	memset(&r->info, 0, sizeof(r->info));
	r->s = *s;
	if (!e || s->kind == TCPD_KIND_TIME_WAIT)
		return;
	e->ops->info(d, e, &r->info);
	clean(r->info.comm, sizeof(r->info.comm));
	/* what lies in the fds is the connection's, not its listener's */
	if (s->kind == TCPD_KIND_CONN)
		r->s.recv_q += r->info.unread;
	if (s->kind == TCPD_KIND_LISTENER && r->info.backlog)
		r->s.send_q = r->info.backlog;
}

void report_row_closed(const struct app_socket *a, struct report_row *r)
{
	memset(r, 0, sizeof(*r));
	r->s.id = a->id;
	r->s.kind = TCPD_KIND_CONN;
	r->s.state = TCPD_CLOSED;
	r->s.local = a->local;
	r->s.peer = a->peer;
	r->info = a->info;
	clean(r->info.comm, sizeof(r->info.comm));
}

char *report_duration(char *buf, size_t len, tcpd_time ns)
{
	double s = (double)ns / 1e9;

	if (ns < TCPD_US(1))
		(void)snprintf(buf, len, "%" PRIu64 "ns", ns);
	else if (ns < TCPD_MS(1))
		(void)snprintf(buf, len, "%" PRIu64 "us", ns / TCPD_US(1));
	else if (ns < TCPD_MS(10))
		(void)snprintf(buf, len, "%.2fms", s * 1e3);
	else if (ns < TCPD_SEC(1))
		(void)snprintf(buf, len, "%" PRIu64 "ms", ns / TCPD_MS(1));
	else if (ns < TCPD_SEC(10))
		(void)snprintf(buf, len, "%.2fs", s);
	else if (ns < TCPD_SEC(100))
		(void)snprintf(buf, len, "%.1fs", s);
	else if (ns < TCPD_SEC(2 * 3600))
		(void)snprintf(buf, len, "%" PRIu64 "min%02" PRIu64 "s",
			       ns / TCPD_SEC(60), ns / TCPD_SEC(1) % 60);
	else if (ns < TCPD_SEC(72 * 3600))
		(void)snprintf(buf, len, "%.1fh", s / 3600);
	else
		(void)snprintf(buf, len, "%.0fd", s / 86400);
	return buf;
}

char *report_count(char *buf, size_t len, uint64_t n)
{
	const char *unit = "kMGTPE";
	double v = (double)n / 1000;

	if (n < 100000) {
		(void)snprintf(buf, len, "%" PRIu64, n);
		return buf;
	}
	for (; v >= 999.5; unit++)
		v /= 1000;
	(void)snprintf(buf, len, v < 99.95 ? "%.1f%c" : "%.0f%c", v, *unit);
	return buf;
}

double report_seconds(tcpd_time ns)
{
	uint64_t us = ns / TCPD_US(1);

	return (double)us / 1e6;
}

void report_json(struct text *t, json_t *j)
{
	/* 15 digits hold microseconds, and none that was not asked for */
	const size_t how =
		JSON_COMPACT | JSON_ENCODE_ANY | JSON_REAL_PRECISION(15);
	char *s = j ? json_dumps(j, how) : NULL;

	json_decref(j);
	if (!s) {
		t->failed = true;
		return;
	}
	text_puts(t, s);
	text_puts(t, "\n");
	free(s);
}

json_t *report_trace_object(const struct daemon *d, const struct tcpd_trace *tr)
{
	char local[PRETTY_ADDR_MAX], peer[PRETTY_ADDR_MAX];
	tcpd_time at = tr->at > d->start ? tr->at - d->start : 0;
	json_t *id = tr->id ? json_integer((json_int_t)tr->id) : json_null();

	pretty_addr(local, &tr->local);
	pretty_addr(peer, &tr->peer);
	if (tr->kind == TCPD_TRACE_STATE)
		return json_pack("{s:f, s:o, s:s, s:s, s:s, s:s, s:s}", "at",
				 report_seconds(at), "id", id, "local", local,
				 "peer", peer, "from",
				 tcpd_state_name(tr->from), "to",
				 tcpd_state_name(tr->to), "event", tr->event);
	return json_pack("{s:f, s:o, s:s, s:s, s:s, s:s, s:I}", "at",
			 report_seconds(at), "id", id, "local", local, "peer",
			 peer, "rst", trace_verb(tr->kind), "cause", tr->event,
			 "left_out", (json_int_t)tr->left_out);
}

void report_trace_json(struct text *t, const struct daemon *d,
		       const struct tcpd_trace *tr)
{
	report_json(t, report_trace_object(d, tr));
}
