/* SPDX-License-Identifier: MIT */
/*
 * loop.c - a wake-up of the daemon: take packets, deliver events, flush
 * output, arm the timer (wake_up()).
 *
 * The watchers of the TUN and of the timer only note that there is something
 * to do, and so does daemon_kick() for whoever acted on the stack in a watcher
 * of his own; the work is done once, before the loop sleeps again.  So packets
 * come before timers that ran out meanwhile, and what an app wrote goes out
 * with the ACK for what it read.
 *
 * One timerfd stands for all timers of the stack: libev's own are up to 1 ms
 * late.  It is set again only when something is due earlier than it is set
 * for; what is due later costs one idle wake-up.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "daemon/loop.h"
#include "daemon/thread.h"
#include "daemon/tun.h"

/* Octets out until the TUN is read again. */
#define OUTPUT_MAX ((size_t)256 * 1024)
#define ERRORS_MAX 1   /* failed writes of a turn: then the device has a rest */
#define SUMMARY	   60. /* s */

struct loop {
	ev_check woken;
	ev_prepare sleepy;
	ev_idle again;
	ev_io timer;
	ev_timer summary;
	int timer_fd;
	uint64_t armed; /* mono_now() that timer_fd is set for; 0: for none */
	bool fired, kicked;
	uint64_t mono_start;
	uint32_t scale;
	struct tcpd_stats last; /* of the summary before */
};

tcpd_time daemon_now(struct daemon *d)
{
	struct loop *l = d->turn;

	d->now = d->start + (mono_now() - l->mono_start) * l->scale;
	return d->now;
}

/* When the protocol's clock will show |t|: rounded up, so never too early. */
static uint64_t mono_of(const struct daemon *d, tcpd_time t)
{
	const struct loop *l = d->turn;
	uint64_t after = t > d->start ? t - d->start : 0;

	return l->mono_start + after / l->scale + (after % l->scale != 0);
}

void daemon_kick(struct daemon *d)
{
	d->turn->kicked = true;
}

/* Does anybody look at the changes of state?  If so it matters which packet one
 * belongs to; if not, a flood makes two of them for each of its packets, and
 * the stack remembers enough. */
static bool follow(const struct daemon *d)
{
	return capture_running(d) || ctl_follows(d) ||
	       log_wants(CONF_LOG_DEBUG);
}

static void drain_traces(struct daemon *d)
{
	char line[TRACE_LINE_MAX];
	struct tcpd_trace tr;
	uint64_t lost;

	while (tcpd_next_trace(d->st, &tr, &lost)) {
		if (lost)
			log_debug("%" PRIu64 " changes of state not shown",
				  lost);
		capture_comment(d, &tr);
		ctl_trace(d, &tr, lost);
		if (log_wants(CONF_LOG_DEBUG))
			log_debug("%s", trace_line(d, &tr, line));
	}
}

void daemon_traces(struct daemon *d)
{
	struct tcpd_trace tr;
	uint64_t lost;

	if (follow(d)) /* there are none, or they are waited for */
		return;
	while (d->st && tcpd_next_trace(d->st, &tr, &lost))
		ctl_trace(d, &tr, 0);
}

static void capture_input(struct daemon *d, const struct tcpd_packet *pkt)
{
	const struct tcpd_slice whole = {pkt->data, pkt->len};

	capture_packet(d, false, &whole, 1, &pkt->off, NULL);
}

static unsigned take_packets(struct daemon *d)
{
	bool each = follow(d);
	struct tcpd_packet pkt;
	size_t at = 0;
	unsigned n = 0;

	if (each)
		drain_traces(d);
	for (; n < TUN_BATCH && tun_read(d, &at, &pkt); n++) {
		if (capture_running(d))
			capture_input(d, &pkt);
		tcpd_input(d->st, &pkt, d->now);
		if (each)
			drain_traces(d);
	}
	if (capture_running(d))
		capture_flush(d);
	return n;
}

/* True: there were some. */
static bool deliver_events(struct daemon *d)
{
	struct tcpd_event ev;
	bool any = false;

	while (tcpd_next_event(d->st, &ev)) {
		struct endpoint *e = ev.user;

		any = true;
		if (e)
			e->ops->event(d, e, &ev);
	}
	return any;
}

static void capture_output(struct daemon *d, const struct tcpd_out *out)
{
	struct tcpd_slice part[1 + TCPD_SLICES_MAX];

	part[0] = (struct tcpd_slice){out->head, out->nhead};
	memcpy(part + 1, out->slice, sizeof(out->slice));
	capture_packet(d, true, part, 1u + out->nslices, &out->off, out);
}

/* False: there is more, and it may go in the next turn.  |*sent|: octets of
 * this turn so far. */
static bool flush_output(struct daemon *d, size_t *sent)
{
	struct tcpd_out out;
	unsigned errors = 0;

	while (tun_may_write(d) && errors < ERRORS_MAX) {
		int rc;

		if (*sent >= OUTPUT_MAX)
			return false;
		if (!tcpd_output(d->st, &out, d->now))
			return true;
		rc = tun_write(d, &out);
		if (rc == 0 && capture_running(d))
			capture_output(d, &out);
		tcpd_output_done(d->st, &out, rc, d->now);
		*sent += out.len;
		errors += rc != 0;
	}
	return true;
}

static void arm_timer(struct daemon *d)
{
	struct loop *l = d->turn;
	tcpd_time expiry = tcpd_expiry(d->st);
	uint64_t at = expiry == TCPD_NEVER ? UINT64_MAX : mono_of(d, expiry);
	uint64_t retry = tun_retry_at(d);
	struct itimerspec ts = {0};

	if (retry < at)
		at = retry;
	if (l->fired) {
		l->fired = false;
		l->armed = 0;
	} else if (at == UINT64_MAX || (l->armed && l->armed <= at)) {
		return;
	}
	/* Setting it also takes back that it has fired: no read() is needed. */
	if (at != UINT64_MAX) {
		l->armed = at;
		ts.it_value.tv_sec = (time_t)(at / 1000000000u);
		ts.it_value.tv_nsec = (long)(at % 1000000000u);
	}
	(void)timerfd_settime(l->timer_fd, TFD_TIMER_ABSTIME, &ts, NULL);
}

static void wake_up(struct daemon *d)
{
	struct loop *l = d->turn;
	size_t sent = 0;
	bool done;

	/* what apps had to be told took its time, and so does what arrives:
	 * round trips are measured from one to the other */
	daemon_now(d);
	if (take_packets(d)) {
		/* while packets can be read in place */
		(void)deliver_events(d);
		tcpd_input_done(d->st, d->now);
	}
	if (d->now >= tcpd_expiry(d->st))
		tcpd_expire(d->st, d->now);
	if (d->removing)
		d->removing = tcpd_end_removed(d->st, d->now);
	(void)deliver_events(d);
	daemon_now(d);
	do { /* what has left makes room: its writer may have more */
		l->kicked = false;
		done = flush_output(d, &sent);
	} while (done && deliver_events(d));
	if (follow(d))
		drain_traces(d);
	arm_timer(d);
	if (done && !l->kicked && !d->removing)
		ev_idle_stop(d->loop, &l->again);
	else
		ev_idle_start(d->loop, &l->again);
}

static void on_woken(EV_P_ ev_check *w, int revents)
{
	(void)loop;
	(void)revents;
	daemon_now(w->data);
}

static void on_sleepy(EV_P_ ev_prepare *w, int revents)
{
	struct daemon *d = w->data;
	struct loop *l = d->turn;

	(void)loop;
	(void)revents;
	if (l->kicked || l->fired || ev_is_active(&l->again) || tun_readable(d))
		wake_up(d);
}

static void on_timer(EV_P_ ev_io *w, int revents)
{
	struct daemon *d = w->data;

	(void)loop;
	(void)revents;
	d->turn->fired = true;
}

/* Its being active is what counts: the loop does not sleep. */
static void on_again(EV_P_ ev_idle *w, int revents)
{
	(void)loop;
	(void)w;
	(void)revents;
}

static void on_summary(EV_P_ ev_timer *w, int revents)
{
	struct daemon *d = w->data;
	struct loop *l = d->turn;
	const struct tcpd_stats *s = tcpd_stats(d->st);
	uint64_t opened = s->opens_passive + s->opens_active -
			  l->last.opens_passive - l->last.opens_active;

	(void)loop;
	(void)revents;
	if (opened)
		log_info(
			"%.0f s: %" PRIu64 " connections opened, %" PRIu64
			" failed, %" PRIu64 " now; %" PRIu64
			" segments in, %" PRIu64 " out, %" PRIu64 " sent again",
			SUMMARY, opened, s->opens_failed - l->last.opens_failed,
			s->now_connections,
			s->segments_in - l->last.segments_in,
			s->segments_out - l->last.segments_out,
			s->segments_retransmitted -
				l->last.segments_retransmitted);
	l->last = *s;
}

int loop_start(struct daemon *d, char *err, size_t nerr)
{
	struct loop *l = calloc(1, sizeof(*l));

	if (l)
		l->timer_fd = timerfd_create(CLOCK_MONOTONIC,
					     TFD_NONBLOCK | TFD_CLOEXEC);
	if (!l || l->timer_fd < 0) {
		(void)snprintf(err, nerr, "timerfd_create: %s",
			       strerror(errno));
		free(l);
		return -1;
	}
	l->scale = d->conf->time_scale ? d->conf->time_scale : 1;
	l->mono_start = mono_now();
	if (d->start == 0)
		d->start = l->mono_start;
	d->turn = l;
	daemon_now(d);
	return 0;
}

void loop_serve(struct daemon *d)
{
	struct loop *l = d->turn;

	ev_check_init(&l->woken, on_woken);
	ev_prepare_init(&l->sleepy, on_sleepy);
	ev_idle_init(&l->again, on_again);
	ev_io_init(&l->timer, on_timer, l->timer_fd, EV_READ);
	ev_timer_init(&l->summary, on_summary, SUMMARY, SUMMARY);
	l->woken.data = l->sleepy.data = l->again.data = d;
	l->timer.data = l->summary.data = d;
	/* The time first, before any watcher acts; the work last. */
	ev_set_priority(&l->woken, EV_MAXPRI);
	ev_set_priority(&l->sleepy, EV_MINPRI);
	ev_check_start(d->loop, &l->woken);
	ev_prepare_start(d->loop, &l->sleepy);
	ev_io_start(d->loop, &l->timer);
	ev_timer_start(d->loop, &l->summary);
	l->kicked = true;
}

void loop_flush(struct daemon *d)
{
	size_t sent;

	daemon_now(d);
	(void)deliver_events(d);
	if (follow(d))
		drain_traces(d);
	do
		sent = 0;
	while (!flush_output(d, &sent));
}

void loop_stop(struct daemon *d)
{
	struct loop *l = d->turn;

	if (!l)
		return;
	if (l->woken.data) {
		ev_check_stop(d->loop, &l->woken);
		ev_prepare_stop(d->loop, &l->sleepy);
		ev_idle_stop(d->loop, &l->again);
		ev_io_stop(d->loop, &l->timer);
		ev_timer_stop(d->loop, &l->summary);
	}
	close(l->timer_fd);
	free(l);
	d->turn = NULL;
}
