/* SPDX-License-Identifier: MIT */
/*
 * ctl_walk.c - answers that look at everything the stack has: ss, fsm, and
 * what finds a connection by its number: show, abort, close.
 *
 * There may be millions of entries, so a walk looks at no more than VISITS
 * places of the tables a piece, and only when the client has taken the last
 * one: a turn of the loop costs some tens of microseconds.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "ctl.h"
#include "report.h"

#define VISITS 512 /* places looked at */
#define ROWS   32  /* rows made */

struct walk {
	struct tcpd_cursor cursor;
	/* False: the walk is over. */
	bool (*visit)(struct ctl_client *c, const struct tcpd_status *s);
	bool (*room)(const struct walk *w); /* NULL: always */
	void (*end)(struct ctl_client *c);
};

static bool walk_more(struct ctl_client *c)
{
	struct walk *w = c->job;
	struct daemon *d = c->ctl->d;
	struct tcpd_status s;

	w->cursor.looks = VISITS;
	w->cursor.looked = 0;
	while (!w->room || w->room(w)) {
		if (tcpd_each(d->st, &w->cursor, &s, d->now)) {
			if (w->visit(c, &s))
				continue;
		} else if (w->cursor.kind < TCPD_NKINDS) {
			return true;
		}
		w->end(c);
		return false;
	}
	return true;
}

/* |job| begins with a struct walk. */
static void walk_start(struct ctl_client *c, void *job,
		       void (*job_free)(void *job))
{
	(void)daemon_now(c->ctl->d);
	c->job = job;
	c->job_free = job_free;
	c->more = walk_more;
}

/* ------------------------------------------------------------------ ss */

enum { SS_ALL = 1u << 0, SS_LISTENERS = 1u << 1, SS_PROCESSES = 1u << 2 };

struct ss {
	struct walk walk;
	struct report_ss report;
	struct filter *filter;
	unsigned options;
	bool states; /* the filter says which states are wanted */
	size_t nrows;
	struct report_row row[ROWS];
};

static void ss_flush(struct ctl_client *c)
{
	struct ss *ss = c->job;

	if (ss->nrows)
		report_ss_rows(&ss->report, &c->out, ss->row, ss->nrows);
	ss->nrows = 0;
}

static bool ss_room(const struct walk *w)
{
	return ((const struct ss *)w)->nrows < ROWS;
}

static bool ss_wanted(const struct ss *ss, const struct tcpd_status *s)
{
	if (ss->options & SS_LISTENERS)
		return s->state == TCPD_LISTEN;
	if ((ss->options & SS_ALL) || ss->states)
		return true;
	switch (s->kind) {
	case TCPD_KIND_CONN: /* a socket that was never opened has no peer */
		return s->state != TCPD_CLOSED || s->peer.port != 0;
	case TCPD_KIND_HALF_OPEN:
		return true;
	case TCPD_KIND_LISTENER:
	case TCPD_KIND_TIME_WAIT:
		return false;
	}
	return false;
}

static bool ss_visit(struct ctl_client *c, const struct tcpd_status *s)
{
	struct ss *ss = c->job;

	if (ss_wanted(ss, s) &&
	    filter_match(ss->filter, &s->local, &s->peer, s->state))
		report_row_make(c->ctl->d, s, &ss->row[ss->nrows++]);
	return true;
}

static void ss_closed(void *arg, const struct app_socket *a)
{
	struct ctl_client *c = arg;
	struct ss *ss = c->job;
	struct report_row *r;

	if (!(ss->options & SS_ALL) && !ss->states)
		return;
	if (ss->nrows == ROWS)
		ss_flush(c);
	r = &ss->row[ss->nrows];
	report_row_closed(a, r);
	if (ss_wanted(ss, &r->s) &&
	    filter_match(ss->filter, &r->s.local, &r->s.peer, r->s.state))
		ss->nrows++;
}

static void ss_end(struct ctl_client *c)
{
	struct ss *ss = c->job;

	app_each_closed(c->ctl->d, ss_closed, c);
	ss_flush(c);
	report_ss_end(&ss->report, &c->out);
}

static bool ss_more(struct ctl_client *c)
{
	bool more = walk_more(c);

	if (more)
		ss_flush(c);
	return more;
}

static void ss_free(void *job)
{
	struct ss *ss = job;

	filter_free(ss->filter);
	free(ss);
}

void ctl_cmd_ss(struct ctl_client *c, const struct ctl_request *r)
{
	char text[CTL_LINE_MAX], err[256];
	unsigned options;
	int n = ctl_options(c, r, "alp", &options);
	struct ss *ss;

	if (n < 0)
		return;
	ss = calloc(1, sizeof(*ss));
	if (!ss) {
		ctl_refuse(c, "out of memory");
		return;
	}
	ss->filter = filter_parse(ctl_rest(r, n, text), err, sizeof(err));
	if (!ss->filter) {
		ctl_refuse(c, "%s", err);
		free(ss);
		return;
	}
	ss->states = filter_has_state(ss->filter);
	ss->options = options;
	ss->report.processes = (options & SS_PROCESSES) != 0;
	ss->report.json = c->json;
	ss->walk.visit = ss_visit;
	ss->walk.room = ss_room;
	ss->walk.end = ss_end;
	walk_start(c, ss, ss_free);
	c->more = ss_more;
}

/* ----------------------------------------------------------- by number */

struct find {
	struct walk walk;
	tcpd_id id;
	bool found;
	bool abort; /* else close */
	struct report_row row;
};

static void no_such(struct ctl_client *c, tcpd_id id)
{
	ctl_refuse(c, "no connection with id %" PRIu64, id);
}

static bool find_visit(struct ctl_client *c, const struct tcpd_status *s)
{
	struct find *f = c->job;

	if (s->id != f->id)
		return true;
	report_row_make(c->ctl->d, s, &f->row);
	f->found = true;
	return false;
}

static void find_closed(void *arg, const struct app_socket *a)
{
	struct find *f = ((struct ctl_client *)arg)->job;

	if (a->id != f->id)
		return;
	report_row_closed(a, &f->row);
	f->found = true;
}

static void show_end(struct ctl_client *c)
{
	struct find *f = c->job;
	struct daemon *d = c->ctl->d;

	if (!f->found)
		app_each_closed(d, find_closed, c);
	if (!f->found)
		no_such(c, f->id);
	else if (c->json)
		report_json(&c->out, report_show_json(&f->row, d->now));
	else
		report_show_text(&c->out, &f->row, d->now);
}

static void end_end(struct ctl_client *c)
{
	struct find *f = c->job;
	struct daemon *d = c->ctl->d;
	tcpd_time now = daemon_now(d);
	int rc;

	if (!f->found) {
		no_such(c, f->id);
		return;
	}
	/* A listener ends with its service or its program; ended from here,
	 * neither would hear of it. */
	if (f->row.s.kind == TCPD_KIND_LISTENER) {
		ctl_refuse(c,
			   "id %" PRIu64 " is a listener, expected a "
			   "connection: end its program, or take its service "
			   "out of the configuration",
			   f->id);
		return;
	}
	rc = f->abort ? tcpd_abort_seen(d->st, &f->walk.cursor, f->id, now)
		      : tcpd_close_seen(d->st, &f->walk.cursor, f->id, now);
	if (rc < 0) {
		ctl_refuse(c, "id %" PRIu64 ": %s", f->id, tcpd_err_text(rc));
		return;
	}
	daemon_kick(d);
	ctl_done(c, "%s %" PRIu64, f->abort ? "aborted" : "closing", f->id);
}

static struct find *find_start(struct ctl_client *c,
			       const struct ctl_request *r,
			       void (*end)(struct ctl_client *c))
{
	struct find *f;
	tcpd_id id;

	if (!ctl_id(c, r, &id))
		return NULL;
	f = calloc(1, sizeof(*f));
	if (!f) {
		ctl_refuse(c, "out of memory");
		return NULL;
	}
	f->id = id;
	f->walk.visit = find_visit;
	f->walk.end = end;
	walk_start(c, f, free);
	return f;
}

void ctl_cmd_show(struct ctl_client *c, const struct ctl_request *r)
{
	(void)find_start(c, r, show_end);
}

void ctl_cmd_abort(struct ctl_client *c, const struct ctl_request *r)
{
	struct find *f = find_start(c, r, end_end);

	if (f)
		f->abort = true;
}

void ctl_cmd_close(struct ctl_client *c, const struct ctl_request *r)
{
	(void)find_start(c, r, end_end);
}

/* ----------------------------------------------------------------- fsm */

struct fsm {
	struct walk walk;
	struct report_fsm report;
};

static bool fsm_visit(struct ctl_client *c, const struct tcpd_status *s)
{
	struct fsm *f = c->job;

	f->report.live[s->state]++;
	return true;
}

static void fsm_closed(void *arg, const struct app_socket *a)
{
	struct fsm *f = ((struct ctl_client *)arg)->job;

	(void)a;
	f->report.live[TCPD_CLOSED]++;
}

static void fsm_end(struct ctl_client *c)
{
	struct fsm *f = c->job;
	struct report_fsm *report = &f->report;

	app_each_closed(c->ctl->d, fsm_closed, c);
	while (report->narrows < REPORT_MAX_ARROWS &&
	       tcpd_arrow(c->ctl->d->st, report->narrows,
			  &report->arrow[report->narrows]))
		report->narrows++;
	if (c->json)
		report_json(&c->out, report_fsm_json(report));
	else
		report_fsm_text(&c->out, report);
}

void ctl_cmd_fsm(struct ctl_client *c, const struct ctl_request *r)
{
	struct fsm *f;

	if (r->nwords) {
		ctl_refuse(c, "unexpected %s", r->word[0]);
		return;
	}
	f = calloc(1, sizeof(*f));
	if (!f) {
		ctl_refuse(c, "out of memory");
		return;
	}
	f->walk.visit = fsm_visit;
	f->walk.end = fsm_end;
	walk_start(c, f, free);
}
