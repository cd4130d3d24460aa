/* SPDX-License-Identifier: MIT */
/*
 * bridge_accept.c - listeners: connections from the stack's accept queue into
 * the fd of the program, each a message of one octet that carries its fd.
 *
 * The fd's queue holds at most |window| of them, the rest waits in the stack,
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
 * more than it is told, too; what the fd's queue holds is taken off.
 */
static uint32_t window_of(uint32_t backlog)
{
	return clamp_u32(backlog, 1, APP_QUEUE);
}

uint32_t bridge_stack_backlog(uint32_t backlog)
{
	return (uint32_t)sub_sat(backlog, window_of(backlog));
}

void bridge_listen(struct bridge *b, uint32_t backlog)
{
	b->kind = BRIDGE_LISTENER;
	b->window = window_of(backlog);
	b->more = true;
}

/* Room for one more in the queue of its fd? */
static bool has_room(struct bridge *b)
{
	int q = 0;

	if (b->nqueued < b->window)
		return true;
	/* What the program has taken shows in what is left. */
	if (ioctl(b->fd, SIOCOUTQ, &q) < 0)
		return false;
	b->nqueued = (uint32_t)q / b->app->unit;
	return b->nqueued < b->window;
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

/* What a connection takes over from its listener. */
static void inherit(struct bridge *c, const struct bridge *l)
{
	c->linger = l->linger;
	c->lowat = l->lowat;
	if (!l->options)
		return;
	bridge_options_after(c, l->options);
	c->options = malloc(sizeof(*c->options));
	if (c->options)
		*c->options = *l->options;
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
	c->greet = c->greeted = true;
	c->rate_at = d->now;
	if (bridge_name(c, c->fd, NAME_CONNECTION, &s.local, &s.peer) < 0) {
		bridge_free(c);
		bridge_pair_close(p);
		return false;
	}
	bridge_adopt(c, h);
	inherit(c, l);
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

void bridge_accept(struct bridge *b)
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
