/* SPDX-License-Identifier: MIT */
/*
 * ctl_live.c - what goes on until the client has enough: events, captures.
 *
 * Changes of state may come by the hundred thousand a second: without a
 * reader each costs one copy into a ring, and a reader that is too slow
 * loses lines and is told how many.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "ctl.h"
#include "report.h"

/* -------------------------------------------------------------- events */

static void tell_lost(struct ctl_client *c, uint64_t n)
{
	if (c->json)
		report_json(&c->out, json_pack("{s:I}", "lost", (json_int_t)n));
	else
		text_add(&c->out, "lost %" PRIu64 " lines\n", n);
}

/* Room for one more line in the queue of |c|? */
static bool queue_open(struct ctl_client *c)
{
	if (c->out.failed || c->out.len > CTL_QUEUE_MAX - 2 * TRACE_LINE_MAX) {
		c->lost++;
		return false;
	}
	if (c->lost) {
		tell_lost(c, c->lost);
		c->lost = 0;
	}
	ctl_wake(c);
	return true;
}

void ctl_events_taken(struct ctl_client *c)
{
	if (!c->lost || c->out.len > CTL_QUEUE_MAX / 2)
		return;
	tell_lost(c, c->lost);
	c->lost = 0;
}

static void put_trace(struct ctl_client *c, const struct tcpd_trace *tr)
{
	const struct daemon *d = c->ctl->d;
	char line[TRACE_LINE_MAX];

	if (c->json)
		report_trace_json(&c->out, d, tr);
	else
		text_add(&c->out, "%s\n", trace_line(d, tr, line));
}

void ctl_trace(struct daemon *d, const struct tcpd_trace *tr, uint64_t lost)
{
	struct ctl *ctl = d->ctl;

	if (!ctl)
		return;
	ctl->recent[ctl->nrecent++ % CTL_RECENT] = *tr;
	if (!ctl->nevents)
		return;
	for (struct ctl_client *c = ctl->clients; c; c = c->next) {
		if (c->mode != CTL_EVENTS)
			continue;
		c->lost += lost;
		if (queue_open(c))
			put_trace(c, tr);
	}
}

bool ctl_follows(const struct daemon *d)
{
	return d->ctl && d->ctl->nevents;
}

void ctl_note(struct ctl *ctl, const char *fmt, ...)
{
	struct daemon *d = ctl->d;
	tcpd_time at = daemon_now(d) - d->start;
	char words[TRACE_LINE_MAX / 2];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(words, sizeof(words), fmt, ap);
	va_end(ap);
	for (struct ctl_client *c = ctl->clients; c; c = c->next) {
		if (c->mode != CTL_EVENTS || !queue_open(c))
			continue;
		if (c->json)
			report_json(&c->out, json_pack("{s:f, s:s}", "at",
						       report_seconds(at),
						       "note", words));
		else
			text_add(&c->out, "%" PRIu64 ".%06" PRIu64 " %s\n",
				 at / TCPD_SEC(1),
				 at % TCPD_SEC(1) / TCPD_US(1), words);
	}
}

/* Those that are remembered, oldest first. */
static void recent(struct ctl_client *c)
{
	const struct ctl *ctl = c->ctl;
	uint64_t i = ctl->nrecent > CTL_RECENT ? ctl->nrecent - CTL_RECENT : 0;
	bool first = true;

	for (; i < ctl->nrecent; i++) {
		if (c->json)
			text_puts(&c->out, first ? "[" : ",");
		put_trace(c, &ctl->recent[i % CTL_RECENT]);
		first = false;
	}
	if (c->json)
		text_puts(&c->out, first ? "[]\n" : "]\n");
}

void ctl_cmd_events(struct ctl_client *c, const struct ctl_request *r)
{
	unsigned follow;
	int n = ctl_options(c, r, "f", &follow);

	if (n < 0)
		return;
	if (n < r->nwords) {
		ctl_refuse(c, "unexpected %s", r->word[n]);
		return;
	}
	daemon_traces(c->ctl->d);
	if (!follow) {
		recent(c);
	} else {
		c->mode = CTL_EVENTS;
		c->ctl->nevents++;
	}
}

/* ------------------------------------------------------------- capture */

static void add(struct capture_stats *sum, const struct capture *capture)
{
	struct capture_stats one = {0};

	capture_get_stats(capture, &one);
	sum->packets += one.packets;
	sum->octets += one.octets;
	sum->lost += one.lost;
}

void ctl_capture_stats(const struct ctl *ctl, struct capture_stats *s)
{
	*s = ctl->captured;
	for (const struct ctl_client *c = ctl->clients; c; c = c->next)
		if (c->capture)
			add(s, c->capture);
}

static void account(struct ctl_client *c)
{
	add(&c->ctl->captured, c->capture);
	c->capture = NULL;
	c->ctl->ncaptures--;
}

/* The writer has ended it: a write failed. */
static void ended(void *arg)
{
	struct ctl_client *c = arg;

	account(c);
	ctl_close(c);
}

void ctl_capture_stop(struct ctl_client *c)
{
	struct capture *capture = c->capture;

	account(c);
	capture_stop(c->ctl->d, capture);
}

void ctl_capture_end(struct ctl_client *c)
{
	/* what is queued still goes out, through the writer's own fd */
	ctl_capture_stop(c);
	ctl_close(c);
}

void ctl_cmd_capture(struct ctl_client *c, const struct ctl_request *r)
{
	char text[CTL_LINE_MAX], err[256];
	int fd;

	if (c->ctl->ncaptures >= CTL_MAX_CAPTURES) {
		ctl_refuse(c, "%d captures are running already",
			   CTL_MAX_CAPTURES);
		return;
	}
	fd = fcntl(c->fd, F_DUPFD_CLOEXEC, 3);
	if (fd < 0) {
		ctl_refuse(c, "capture: %s", strerror(errno));
		return;
	}
	daemon_traces(c->ctl->d);
	c->capture = capture_start(c->ctl->d, fd, ctl_rest(r, 0, text), err,
				   sizeof(err));
	if (!c->capture) {
		ctl_refuse(c, "%s", err);
		return;
	}
	capture_on_end(c->capture, ended, c);
	c->mode = CTL_CAPTURE;
	c->ctl->ncaptures++;
}
