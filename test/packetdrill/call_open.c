/* SPDX-License-Identifier: MIT */
/*
 * call_open.c - socket, bind, listen, accept, connect, shutdown, close, fcntl.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "call.h"
#include "sock.h"

static int do_socket(void *u, int domain, int type, int protocol)
{
	struct world *w = u;
	struct sock *s;

	if (domain != AF_INET && domain != AF_INET6) {
		errno = EAFNOSUPPORT;
		return -1;
	}
	if ((type & ~(SOCK_NONBLOCK | SOCK_CLOEXEC)) != SOCK_STREAM ||
	    (protocol && protocol != IPPROTO_TCP)) {
		errno = EPROTONOSUPPORT;
		return -1;
	}
	world_enter(w);
	sysctl_look(w);
	s = sock_new(w, domain);
	if (!s)
		return (int)world_leave(w, -errno);
	s->nonblock = (type & SOCK_NONBLOCK) != 0;
	return (int)world_leave(w, s->fd);
}

static int do_bind(void *u, int fd, const struct sockaddr *sa, socklen_t len)
{
	struct world *w = u;
	struct tcpd_addr a;
	struct sock *s;
	int r;

	world_enter(w);
	s = sock_of(w, fd);
	r = s ? addr_in(&a, sa, len) : -ENOTSOCK;
	if (!r)
		r = sock_name(w, s, &a);
	return (int)world_leave(w, r);
}

static int listen_on(struct world *w, struct sock *s, int backlog)
{
	struct tcpd_conn_settings cs = w->set.conn;
	struct tcpd_addr any = {.family = s->domain == AF_INET ? 4 : 0};
	int r = 0;

	if (s->connects)
		return -EINVAL;
	cs.backlog = backlog > 0 ? (uint32_t)backlog : 1;
	if (!s->h)
		r = sock_name(w, s, &any);
	if (!r)
		r = errno_of(tcpd_listen(w->st, &s->h, NULL, 0, &cs, w->now));
	if (!r) {
		s->listens = true;
		tcpd_set_user(w->st, s->h, s);
	}
	return r;
}

static int do_listen(void *u, int fd, int backlog)
{
	struct world *w = u;
	struct sock *s;

	world_enter(w);
	sysctl_look(w);
	s = sock_of(w, fd);
	return (int)world_leave(w, s ? listen_on(w, s, backlog) : -ENOTSOCK);
}

static long try_accept(struct world *w, struct op *op)
{
	struct sock *l = op->sock, *s;
	tcpd_handle h;
	int r = tcpd_accept(w->st, l->h, &h, w->now);

	if (r)
		return errno_of(r);
	s = sock_new(w, l->domain);
	if (!s) {
		tcpd_abort(w->st, h, w->now);
		return -errno;
	}
	s->h = h;
	s->connects = true;
	s->sndbuf = l->sndbuf;
	s->lowat = l->lowat;
	s->inq = l->inq;
	tcpd_set_user(w->st, h, s);
	return s->fd;
}

static int do_accept(void *u, int fd, struct sockaddr *sa, socklen_t *len)
{
	struct world *w = u;
	struct op op = {.attempt = try_accept, .deadline = TCPD_NEVER};
	long r = -EINVAL;

	world_enter(w);
	op.sock = sock_of(w, fd);
	if (!op.sock)
		return (int)world_leave(w, -ENOTSOCK);
	if (op.sock->listens)
		r = world_do(w, &op, !op.sock->nonblock);
	if (r >= 0) {
		struct sock *s = sock_of(w, (int)r);
		struct tcpd_status st = sock_status(w, s);

		addr_out(s, &st.peer, sa, len);
	}
	return (int)world_leave(w, r);
}

static long try_connect(struct world *w, struct op *op)
{
	struct sock *s = op->sock;

	if (s->ev & TCPD_EV_OPEN)
		return 0;
	if (s->err)
		return -sock_error(s);
	if (sock_status(w, s).state == TCPD_CLOSED)
		return -ECONNABORTED;
	return -EAGAIN;
}

/* connect(2) to AF_UNSPEC: the socket is as new. */
static int disconnect(struct world *w, struct sock *s)
{
	if (s->h)
		tcpd_abort(w->st, s->h, w->now);
	s->h = 0;
	s->listens = s->connects = false;
	s->rd_shut = s->wr_shut = false;
	s->ev = 0;
	s->err = 0;
	s->tail = 0;
	return 0;
}

static long connect_to(struct world *w, struct sock *s,
		       const struct tcpd_addr *peer)
{
	struct op op = {
		.attempt = try_connect, .sock = s, .deadline = TCPD_NEVER};
	long r;

	if (s->listens)
		return -EISCONN;
	if (s->connects)
		return s->ev & TCPD_EV_OPEN || tcpd_syn_room(w->st, s->h)
			       ? -EISCONN
			       : -EALREADY;
	r = sock_connect(w, s, peer, false);
	if (r)
		return r;
	if (tcpd_syn_room(w->st, s->h)) /* it waits for text */
		return 0;
	if (s->nonblock)
		return -EINPROGRESS;
	return world_do(w, &op, true);
}

static int do_connect(void *u, int fd, const struct sockaddr *sa, socklen_t len)
{
	struct world *w = u;
	struct tcpd_addr a;
	struct sock *s;
	long r;

	world_enter(w);
	sysctl_look(w);
	s = sock_of(w, fd);
	if (!s)
		r = -ENOTSOCK;
	else if (sa && sa->sa_family == AF_UNSPEC)
		r = disconnect(w, s);
	else if ((r = addr_in(&a, sa, len)) == 0)
		r = connect_to(w, s, &a);
	return (int)world_leave(w, r);
}

static int shut(struct world *w, struct sock *s, int how)
{
	int r = 0;

	if (how != SHUT_RD && how != SHUT_WR && how != SHUT_RDWR)
		return -EINVAL;
	if (!s->connects || sock_status(w, s).state == TCPD_CLOSED)
		return -ENOTCONN;
	if (how != SHUT_WR)
		s->rd_shut = true;
	if (how != SHUT_RD && !s->wr_shut) {
		r = errno_of(tcpd_shutdown(w->st, s->h, w->now));
		s->wr_shut = true;
	}
	return r;
}

static int do_shutdown(void *u, int fd, int how)
{
	struct world *w = u;
	struct sock *s;

	world_enter(w);
	s = sock_of(w, fd);
	return (int)world_leave(w, s ? shut(w, s, how) : -ENOTSOCK);
}

static int do_close(void *u, int fd)
{
	struct world *w = u;
	struct sock *s;

	world_enter(w);
	s = sock_of(w, fd);
	if (s) {
		tcpd_handle h = s->h;

		sock_forget(w, s);
		if (h)
			tcpd_close(w->st, h, w->now);
		return (int)world_leave(w, close(fd) ? -errno : 0);
	}
	if (fd >= 0 && fd < WORLD_FDS && w->epoll[fd]) {
		free(w->epoll[fd]);
		w->epoll[fd] = NULL;
	}
	return (int)world_leave(w, close(fd) ? -errno : 0);
}

static int do_fcntl(void *u, int fd, int cmd, ...)
{
	struct world *w = u;
	struct sock *s;
	va_list ap;
	int arg = 0;

	if (cmd == F_SETFL) {
		va_start(ap, cmd);
		arg = va_arg(ap, int);
		va_end(ap);
	}
	world_enter(w);
	s = sock_of(w, fd);
	if (!s)
		return (int)world_leave(w, -EBADF);
	if (cmd == F_GETFL)
		return (int)world_leave(
			w, O_RDWR | (s->nonblock ? O_NONBLOCK : 0));
	if (cmd != F_SETFL)
		return (int)world_leave(w, -EINVAL);
	s->nonblock = (arg & O_NONBLOCK) != 0;
	return (int)world_leave(w, 0);
}

void call_open_fill(struct packetdrill_interface *ifc)
{
	ifc->socket = do_socket;
	ifc->bind = do_bind;
	ifc->listen = do_listen;
	ifc->accept = do_accept;
	ifc->connect = do_connect;
	ifc->shutdown = do_shutdown;
	ifc->close = do_close;
	ifc->fcntl = do_fcntl;
}
