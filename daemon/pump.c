/* SPDX-License-Identifier: MIT */
/*
 * pump.c - octets both ways between a connection of the stack and a socket.
 *
 * The socket is written straight from what has arrived and read straight into
 * the room for what goes out.  Neither side is taken from faster than the
 * other one takes: then the window closes, or the socket's writer waits.
 *
 *	connection	socket
 *	FIN		shutdown(SHUT_WR)
 *	RST, time-out	reset where the socket has one, else close
 *	FIN		<- end of file
 *	RST		<- error, or data for a reader who has gone
 */
#include <errno.h>
#include <linux/sockios.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/clamp.h"
#include "pump.h"

#define PIECE  65536u
#define BUDGET ((size_t)256 * 1024) /* octets a turn from the socket */

enum verdict { GOES_ON, ENDED };

/* --------------------------------------------------------- beginning, end */

static void socket_watch(struct pump *p)
{
	struct ev_loop *loop = p->d->loop;
	int events = 0;

	if (!p->connecting && !p->no_room && !p->out_ended)
		events |= EV_READ;
	if (p->connecting || p->full)
		events |= EV_WRITE;
	if (ev_is_active(&p->io) &&
	    (p->io.events & (EV_READ | EV_WRITE)) == events)
		return;
	ev_io_stop(loop, &p->io);
	if (!events)
		return;
	ev_io_set(&p->io, p->fd, events);
	ev_io_start(loop, &p->io);
}

static void forget(struct pump *p)
{
	struct services *all = p->d->services;

	ev_io_stop(p->d->loop, &p->io);
	close(p->fd);
	if (p->prev)
		p->prev->next = p->next;
	else
		all->pumps = p->next;
	if (p->next)
		p->next->prev = p->prev;
	service_unref(p->s);
	free(p);
}

/* Both in order: FIN, or RST when something is unread (RFC 9293, SHLD-3). */
static void end_close(struct pump *p)
{
	tcpd_set_user(p->d->st, p->h, NULL);
	(void)tcpd_close(p->d->st, p->h, p->d->now);
	forget(p);
}

/* The socket's side failed: RST. */
static void end_abort(struct pump *p)
{
	tcpd_set_user(p->d->st, p->h, NULL);
	(void)tcpd_abort(p->d->st, p->h, p->d->now);
	forget(p);
}

/* The connection was reset: the socket is, too, where it can be (TCP). */
static void end_reset(struct pump *p)
{
	const struct linger now = {.l_onoff = 1, .l_linger = 0};

	(void)setsockopt(p->fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
	end_close(p);
}

/* ------------------------------------------------------------- octets in */

/* What is written before all else; false: not all of it yet. */
static bool write_head(struct pump *p)
{
	ssize_t n;

	if (p->head_done == p->nhead)
		return true;
	n = send(p->fd, p->head + p->head_done,
		 (size_t)(p->nhead - p->head_done), MSG_NOSIGNAL);
	if (n >= 0)
		p->head_done = (uint8_t)(p->head_done + n);
	else if (errno != EAGAIN && errno != EINTR)
		p->nobody = true;
	p->full = p->head_done < p->nhead && !p->nobody;
	return p->head_done == p->nhead;
}

/* What lies before the socket's reader has not been read. */
static void tell_unread(struct pump *p)
{
	int n = 0;

	if (tcpd_recv_asks(p->d->st, p->h, p->d->now) &&
	    ioctl(p->fd, SIOCOUTQ, &n) == 0 && n >= 0)
		(void)tcpd_recv_held(p->d->st, p->h, (uint64_t)n, p->d->now);
}

/* Connection to socket, straight from what the stack has. */
static void to_socket(struct pump *p)
{
	struct tcpd_slice slice[16];
	struct iovec iov[16];
	struct msghdr m = {.msg_iov = iov};
	ssize_t n;
	int k;

	p->full = false;
	if (p->connecting || p->in_ended || p->nobody || !write_head(p))
		return;
	while ((k = tcpd_recv_peek(p->d->st, p->h, slice, ARRAY_SIZE(slice))) >
	       0) {
		for (int i = 0; i < k; i++)
			iov[i] = (struct iovec){.iov_base = (void *)slice[i].p,
						.iov_len = slice[i].len};
		m.msg_iovlen = (size_t)k;
		n = sendmsg(p->fd, &m, MSG_NOSIGNAL);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			p->full = errno == EAGAIN;
			p->nobody = !p->full;
			return;
		}
		if (tcpd_recv_done(p->d->st, p->h, (size_t)n, p->d->now) < 0)
			return;
	}
	if (tcpd_recv_eof(p->d->st, p->h)) {
		(void)shutdown(p->fd, SHUT_WR);
		p->in_ended = true;
	}
}

/* ------------------------------------------------------------ octets out */

static void socket_eof(struct pump *p)
{
	struct pollfd f = {.fd = p->fd};

	p->out_ended = true;
	if (poll(&f, 1, 0) > 0 && (f.revents & POLLHUP))
		p->nobody = true; /* closed, not only shut down */
	(void)tcpd_shutdown(p->d->st, p->h, p->d->now);
}

/* Socket to connection, straight into the stack's room. */
static enum verdict from_socket(struct pump *p)
{
	struct tcpd_room room[16];
	struct iovec iov[16];
	size_t total = 0;
	ssize_t n;
	int k;

	p->no_room = false;
	while (!p->connecting && !p->out_ended && total < BUDGET) {
		k = tcpd_send_room(p->d->st, p->h, PIECE, room,
				   ARRAY_SIZE(room));
		if (k == 0) {
			p->no_room = true; /* WRITABLE will come */
			return GOES_ON;
		}
		if (k < 0) { /* closed by `tcpctl close` */
			(void)shutdown(p->fd, SHUT_RD);
			p->out_ended = true;
			return GOES_ON;
		}
		for (int i = 0; i < k; i++)
			iov[i] = (struct iovec){.iov_base = room[i].p,
						.iov_len = room[i].len};
		do
			n = readv(p->fd, iov, k);
		while (n < 0 && errno == EINTR);
		(void)tcpd_send_filled(p->d->st, p->h, n > 0 ? (size_t)n : 0,
				       p->d->now);
		if (n == 0) {
			socket_eof(p);
		} else if (n < 0) {
			if (errno == EAGAIN)
				return GOES_ON;
			end_abort(p);
			return ENDED;
		} else {
			total += (size_t)n;
		}
	}
	return GOES_ON;
}

/* ------------------------------------------------------------------ turns */

static void turn(struct pump *p, bool readable)
{
	to_socket(p);
	tell_unread(p);
	if (readable && from_socket(p) == ENDED)
		return;
	if (p->out_ended && (p->in_ended || p->nobody)) {
		end_close(p);
		return;
	}
	socket_watch(p);
}

static void event(struct daemon *d, struct endpoint *e,
		  const struct tcpd_event *ev)
{
	struct pump *p = (struct pump *)e;

	(void)d;
	if (ev->mask & TCPD_EV_GONE) {
		forget(p);
	} else if (ev->mask & (TCPD_EV_RESET | TCPD_EV_TIMEOUT)) {
		to_socket(p); /* what came before it */
		end_reset(p);
	} else {
		turn(p, p->no_room && (ev->mask & TCPD_EV_WRITABLE));
	}
}

static void on_io(struct ev_loop *loop, ev_io *w, int revents)
{
	struct pump *p = w->data;
	int error = 0;
	socklen_t len = sizeof(error);

	(void)loop;
	daemon_kick(p->d);
	if (p->connecting) {
		(void)getsockopt(p->fd, SOL_SOCKET, SO_ERROR, &error, &len);
		if (error) {
			log_seldom(&p->d->services->log_limit, CONF_LOG_WARN,
				   "service %s: %s: %s", p->s->conf.name,
				   p->s->conf.to, strerror(error));
			end_abort(p);
			return;
		}
		p->connecting = false;
	}
	turn(p, (revents & EV_READ) != 0);
}

static void info(struct daemon *d, struct endpoint *e, struct endpoint_info *i)
{
	const struct pump *p = (const struct pump *)e;

	(void)d;
	(void)snprintf(i->comm, sizeof(i->comm), "%.15s", p->s->conf.name);
}

static const struct endpoint_ops ops = {event, info};

bool pump_start(struct daemon *d, struct service *s, tcpd_handle h,
		const struct pump_socket *sock)
{
	struct services *all = d->services;
	struct pump *p = calloc(1, sizeof(*p));

	if (!p || sock->nhead > sizeof(p->head)) {
		free(p);
		(void)tcpd_abort(d->st, h, d->now);
		close(sock->fd);
		return false;
	}
	p->e.ops = &ops;
	p->d = d;
	p->s = service_ref(s);
	p->h = h;
	p->fd = sock->fd;
	p->connecting = sock->connecting;
	if (sock->nhead)
		memcpy(p->head, sock->head, sock->nhead);
	p->nhead = (uint8_t)sock->nhead;
	ev_io_init(&p->io, on_io, p->fd, EV_READ);
	p->io.data = p;
	p->next = all->pumps;
	if (p->next)
		p->next->prev = p;
	all->pumps = p;
	tcpd_set_user(d->st, h, p);
	(void)tcpd_recv_held(d->st, h, 0, d->now);
	turn(p, false);
	return true; /* |p| may have ended already */
}

void pump_stop_all(struct daemon *d)
{
	for (struct pump *p = d->services->pumps, *next; p; p = next) {
		next = p->next;
		end_close(p);
	}
}
