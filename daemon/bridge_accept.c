/* SPDX-License-Identifier: MIT */
/*
 * bridge_accept.c - listeners: connections from the stack's accept queue into
 * the fd of the program, each a message of one octet that carries its fd.
 *
 * The fd's queue holds at most APP_QUEUE of them, the rest waits in the stack,
 * so that both together are what the backlog says.  A connection begins with
 * a greeting octet, which accept() takes: as long as it is unread, closing
 * the fd counts as a close with data unread.  So the connections in the queue
 * of a listener that is closed are reset.
 */
#include <errno.h>
#include <linux/sockios.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clamp.h"
#include "bridge.h"

/*
 * As in the kernel, |backlog| + 1 connections may wait.  The stack takes one
 * more than it is told, too.  What lies in the fd's queue is taken off: once
 * and for all from a large backlog, as it changes from a small one, of which
 * the stack else had too little for a burst.
 */
#define LARGE (2 * APP_QUEUE)

uint32_t bridge_stack_backlog(uint32_t backlog)
{
	return backlog < LARGE ? backlog : backlog - APP_QUEUE;
}

void bridge_listen(struct bridge *b, uint32_t backlog)
{
	b->kind = BRIDGE_LISTENER;
	b->backlog = backlog;
	b->stack_backlog = bridge_stack_backlog(backlog);
	b->more = true;
}

/* What the program has taken shows in what is left. */
static void count_queued(struct bridge *b)
{
	int q = 0;

	if (ioctl(b->fd, SIOCOUTQ, &q) == 0)
		b->nqueued = (uint32_t)q / b->app->unit;
}

/* Room for one more in the queue of its fd? */
static bool has_room(struct bridge *b)
{
	uint32_t window = clamp_u32(b->backlog, 1, APP_QUEUE);

	if (b->nqueued >= window)
		count_queued(b);
	return b->nqueued < window;
}

static void share_backlog(struct bridge *b)
{
	struct daemon *d = b->app->d;
	struct tcpd_conn_settings cs = d->conf->conn;

	if (b->backlog >= LARGE)
		return;
	if (b->nqueued)
		count_queued(b);
	cs.fast_open = 0;
	cs.backlog = (uint32_t)sub_sat(b->backlog, b->nqueued);
	if (cs.backlog == b->stack_backlog)
		return;
	b->stack_backlog = cs.backlog;
	tcpd_listen(d->st, &b->h, NULL, 0, &cs, d->now);
	daemon_kick(d); /* one that waited for the room may be in */
}

static int send_fd(int via, int fd)
{
	union {
		struct cmsghdr align;
		char buf[CMSG_SPACE(sizeof(int))];
	} c = {.buf = {0}};
	char octet = 'C';
	struct iovec iov = {.iov_base = &octet, .iov_len = 1};
	struct msghdr mh = {.msg_iov = &iov,
			    .msg_iovlen = 1,
			    .msg_control = c.buf,
			    .msg_controllen = sizeof(c.buf)};
	struct cmsghdr *cm = CMSG_FIRSTHDR(&mh);

	cm->cmsg_level = SOL_SOCKET;
	cm->cmsg_type = SCM_RIGHTS;
	cm->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(cm), &fd, sizeof(int));
	return sendmsg(via, &mh, MSG_NOSIGNAL | MSG_DONTWAIT) < 0 ? -1 : 0;
}

/* False: the queue takes no more now. */
static bool push(struct bridge *b)
{
	struct app *a = b->app;

	if (send_fd(b->fd, b->pending_fd) < 0) {
		if (errno == ETOOMANYREFS || errno == ENOMEM ||
		    errno == ENOBUFS)
			ev_timer_again(a->d->loop, &a->retry);
		else if (errno == EAGAIN)
			b->full = true;
		return false;
	}
	b->nqueued++;
	/* The daemon's copy goes: else the app's close would go unseen. */
	close(b->pending_fd);
	b->pending_fd = -1;
	return true;
}

/* What a connection takes over from its listener; the stack does the rest. */
static void inherit(struct bridge *c, const struct bridge *l)
{
	c->linger = l->linger;
	c->lowat = l->lowat;
}

/* A connection of the stack becomes a bridge and is pending. */
static bool take(struct bridge *l, tcpd_handle h)
{
	struct app *a = l->app;
	struct daemon *d = a->d;
	struct app_pair *p = &a->spare;
	struct tcpd_status s;
	struct bridge *c;

	if (tcpd_status(d->st, h, &s, d->now) < 0)
		return false;
	c = bridge_new(a, p, l->owner, BRIDGE_CONN, l->domain);
	if (!c)
		return false;
	c->number = s.id;
	c->local = s.local;
	c->peer = s.peer;
	c->greet = c->greeted = true;
	c->rate_at = d->now;
	if (bridge_name(c, c->fd, NAME_CONNECTION, &s.local, &s.peer) < 0) {
		bridge_free(c);
		bridge_pair_close(p);
		return false;
	}
	bridge_adopt(c, h);
	inherit(c, l);
	if (l->fd_sndbuf)
		setsockopt(p->app_fd, SOL_SOCKET, SO_SNDBUF, &l->fd_sndbuf,
			   sizeof(l->fd_sndbuf));
	l->pending_fd = p->app_fd;
	p->app_fd = -1;
	bridge_pump_out(c);
	if (s.state == TCPD_CLOSED) {
		/* It ended while it waited. */
		bridge_end(c, app_errno(s.err));
		app_queue(a, c);
	}
	return true;
}

/* A pair that is ready before a connection leaves the stack's queue. */
static bool have_spare(struct app *a)
{
	if (a->bridges.count < a->bridges.max &&
	    (a->spare.fd >= 0 || bridge_pair(a, &a->spare, true) == 0))
		return true;
	ev_timer_again(a->d->loop, &a->retry);
	return false;
}

static void accept_all(struct bridge *b)
{
	struct daemon *d = b->app->d;
	tcpd_handle h;

	if (b->pending_fd >= 0 && (b->full || !push(b)))
		return;
	while (has_room(b) && have_spare(b->app)) {
		if (tcpd_accept(d->st, b->h, &h, d->now) < 0) {
			b->more = false;
			break;
		}
		if (!take(b, h)) {
			tcpd_abort(d->st, h, d->now);
			continue;
		}
		if (!push(b))
			break;
	}
	daemon_kick(d);
}

void bridge_accept(struct bridge *b)
{
	if (b->more)
		accept_all(b);
	share_backlog(b);
}

void bridge_retry(struct app *a)
{
	bool waits = false;

	for (uint32_t i = 0; i < a->bridges.high; i++) {
		struct bridge *b = bridge_at(a, i);

		if (!slab_used(&a->bridges, i) || b->kind != BRIDGE_LISTENER ||
		    !b->more)
			continue;
		waits = true;
		app_queue(a, b);
	}
	if (!waits)
		ev_timer_stop(a->d->loop, &a->retry);
}
