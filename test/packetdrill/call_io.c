/* SPDX-License-Identifier: MIT */
/*
 * call_io.c - the eleven ways to read and to write.  All of them become one
 * attempt to receive or to send; vectors go through a buffer of their own.
 */
#include <errno.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clamp.h"
#include "call.h"
#include "sock.h"

#ifndef TCP_CM_INQ
#define TCP_CM_INQ TCP_INQ
#endif

static long try_recv(struct world *w, struct op *op)
{
	struct sock *s = op->sock;
	int64_t r;

	if (!s->connects)
		return -ENOTCONN;
	if (op->n && !op->p && tcpd_readable(w->st, s->h))
		return -EFAULT;
	if (op->flags & MSG_PEEK) {
		struct tcpd_slice v[8];
		int n = tcpd_recv_peek(w->st, s->h, v, 8);
		size_t done = 0;

		for (int i = 0; i < n && done < op->n; i++) {
			size_t part = min_u64(v[i].len, op->n - done);

			memcpy((char *)op->p + done, v[i].p, part);
			done += part;
		}
		if (done)
			return (long)done;
	}
	r = tcpd_recv(w->st, s->h, op->p, op->n, w->now);
	if (r > 0)
		return (long)r;
	if (r == 0 || s->rd_shut)
		return 0;
	if (r != -TCPD_ERR_AGAIN && s->err)
		return -sock_error(s);
	if (r != -TCPD_ERR_AGAIN) /* told before: an end like any other */
		return r == -TCPD_ERR_NOT_OPEN ? -ENOTCONN : 0;
	return -EAGAIN;
}

static long recv_into(struct world *w, struct sock *s, void *p, size_t n,
		      int flags)
{
	struct op op = {.attempt = try_recv,
			.sock = s,
			.deadline = TCPD_NEVER,
			.p = p,
			.n = n,
			.flags = flags};

	if (flags & MSG_ERRQUEUE)
		return -EAGAIN; /* nothing of the kind is kept */
	return world_do(w, &op, !s->nonblock && !(flags & MSG_DONTWAIT));
}

/* Chunk after chunk, each sent before the next: so Linux fills its queue. */
static long try_send(struct world *w, struct op *op)
{
	struct sock *s = op->sock;
	const char *from = op->p;
	bool wait = op->waits;

	if (s->err)
		return -sock_error(s);
	if (sock_opening(w, s))
		return -EAGAIN;
	if (!s->connects || s->wr_shut)
		return op->taken ? (long)op->taken : -EPIPE;
	while (op->taken < op->n && !(wait && !room_writable(w, s))) {
		size_t left = op->n - op->taken;
		size_t n = min_u64(room_now(w, s), left);
		uint32_t flags = n < left ? TCPD_SEND_MORE : 0;
		int64_t r;

		if (n == 0)
			break;
		if (n == left && op->flags & MSG_MORE)
			flags |= TCPD_SEND_MORE;
		if (n == left && op->flags & MSG_EOR)
			flags |= TCPD_SEND_EOR;
		r = tcpd_send_as(w->st, s->h, from + op->taken, n, flags,
				 w->now);
		if (r == -TCPD_ERR_AGAIN)
			break;
		if (r < 0)
			return op->taken ? (long)op->taken : errno_of(r);
		op->taken += (size_t)r;
		room_filled(w, s, (uint32_t)r, flags & TCPD_SEND_EOR);
		world_send(w);
		wait = false;
	}
	return op->taken == op->n ? (long)op->n : -EAGAIN;
}

/* The SYN that waits for it takes of |op| what fits in. */
static void send_syn(struct world *w, struct op *op)
{
	struct sock *s = op->sock;
	size_t n = min_u64(tcpd_syn_room(w->st, s->h), op->n);
	int64_t r = tcpd_send(w->st, s->h, op->p, n, w->now);

	op->taken = r > 0 ? (size_t)r : 0;
	room_filled(w, s, (uint32_t)op->taken, false);
	world_send(w);
}

static long send_from(struct world *w, struct sock *s, const void *p, size_t n,
		      int flags)
{
	bool block = !s->nonblock && !(flags & MSG_DONTWAIT);
	bool fast = s->connects && tcpd_syn_room(w->st, s->h);
	struct op op = {.attempt = try_send,
			.sock = s,
			.deadline = TCPD_NEVER,
			.n = n,
			.flags = flags};
	long r;

	op.p = (void *)(uintptr_t)p;
	if (n && !p)
		return -EFAULT;
	if (flags & MSG_ZEROCOPY)
		return -EOPNOTSUPP;
	if (fast)
		send_syn(w, &op);
	if (fast && !block)
		return n ? (long)op.taken : -EINPROGRESS;
	r = world_do(w, &op, block);
	if (r == -EAGAIN && op.taken)
		return (long)op.taken;
	return r;
}

/* MSG_FASTOPEN: connect and send in one; on what is connected it says
 * nothing. */
static long send_to(struct world *w, struct sock *s, const struct sockaddr *sa,
		    socklen_t len, const void *p, size_t n, int flags)
{
	struct tcpd_addr peer;
	long r;

	if (!(flags & MSG_FASTOPEN))
		return send_from(w, s, p, n, flags);
	flags &= ~MSG_FASTOPEN;
	sysctl_look(w);
	if (!(w->set.fast_open & TCPD_FO_CLIENT) ||
	    (sa && sa->sa_family == AF_UNSPEC))
		return -EOPNOTSUPP;
	if (n && !p)
		return -EFAULT;
	if (sock_opening(w, s) && !tcpd_syn_room(w->st, s->h))
		return -EALREADY;
	if (s->connects)
		return send_from(w, s, p, n, flags);
	r = addr_in(&peer, sa, len);
	if (!r)
		r = sock_connect(w, s, &peer, true);
	if (r)
		return r;
	world_send(w);
	if (!tcpd_syn_room(w->st, s->h) &&
	    (s->nonblock || flags & MSG_DONTWAIT))
		return -EINPROGRESS;
	return send_from(w, s, p, n, flags);
}

/* --- the members */

static ssize_t do_recv(void *u, int fd, void *p, size_t n, int flags)
{
	struct world *w = u;
	struct sock *s;

	world_enter(w);
	s = sock_of(w, fd);
	return world_leave(w, s ? recv_into(w, s, p, n, flags) : -EBADF);
}

static ssize_t do_read(void *u, int fd, void *p, size_t n)
{
	return do_recv(u, fd, p, n, 0);
}

static ssize_t do_recvfrom(void *u, int fd, void *p, size_t n, int flags,
			   struct sockaddr *sa, socklen_t *len)
{
	(void)sa;
	if (len)
		*len = 0; /* as of every connected stream */
	return do_recv(u, fd, p, n, flags);
}

static size_t total(const struct iovec *v, size_t n)
{
	size_t sum = 0;

	for (size_t i = 0; i < n; i++)
		sum += v[i].iov_len;
	return sum;
}

static ssize_t scatter(struct world *w, struct sock *s, const struct iovec *v,
		       size_t n, int flags)
{
	size_t room = total(v, n), at = 0;
	char *buf = malloc(room + 1);
	long r = buf ? recv_into(w, s, buf, room, flags) : -ENOMEM;

	for (size_t i = 0; r > 0 && i < n && at < (size_t)r; i++) {
		size_t part = min_u64(v[i].iov_len, (size_t)r - at);

		memcpy(v[i].iov_base, buf + at, part);
		at += part;
	}
	free(buf);
	return r;
}

static ssize_t gather(struct world *w, struct sock *s, const struct msghdr *m,
		      int flags)
{
	const struct iovec *v = m->msg_iov;
	size_t n = m->msg_iovlen;
	size_t len = total(v, n), at = 0;
	char *buf = malloc(len + 1);
	long r = -EFAULT;

	for (size_t i = 0; buf && i < n; i++) {
		if (v[i].iov_len && !v[i].iov_base)
			goto out;
		memcpy(buf + at, v[i].iov_base, v[i].iov_len);
		at += v[i].iov_len;
	}
	r = buf ? send_to(w, s, m->msg_name, m->msg_namelen, buf, len, flags)
		: -ENOMEM;
out:
	free(buf);
	return r;
}

static ssize_t do_readv(void *u, int fd, const struct iovec *v, int n)
{
	struct world *w = u;
	struct sock *s;

	world_enter(w);
	s = sock_of(w, fd);
	if (!s || n < 0)
		return world_leave(w, s ? -EINVAL : -EBADF);
	return world_leave(w, scatter(w, s, v, (size_t)n, 0));
}

/* What TCP_INQ adds: octets that still wait, the end of file as one. */
static void put_inq(struct world *w, struct sock *s, struct msghdr *m)
{
	int waits = (int)tcpd_readable(w->st, s->h);
	struct cmsghdr *c = CMSG_FIRSTHDR(m);

	if (!c || m->msg_controllen < CMSG_SPACE(sizeof(waits))) {
		m->msg_flags |= MSG_CTRUNC;
		m->msg_controllen = 0;
		return;
	}
	if (waits == 0 && tcpd_recv_eof(w->st, s->h))
		waits = 1;
	c->cmsg_level = SOL_TCP;
	c->cmsg_type = TCP_CM_INQ;
	c->cmsg_len = CMSG_LEN(sizeof(waits));
	memcpy(CMSG_DATA(c), &waits, sizeof(waits));
	m->msg_controllen = CMSG_SPACE(sizeof(waits));
}

static ssize_t do_recvmsg(void *u, int fd, struct msghdr *m, int flags)
{
	struct world *w = u;
	struct sock *s;
	ssize_t r;

	world_enter(w);
	s = sock_of(w, fd);
	if (!s || !m)
		return world_leave(w, s ? -EFAULT : -EBADF);
	r = scatter(w, s, m->msg_iov, m->msg_iovlen, flags);
	if (r >= 0) {
		m->msg_flags = 0;
		m->msg_namelen = 0;
		if (s->inq)
			put_inq(w, s, m);
		else
			m->msg_controllen = 0;
	}
	return world_leave(w, r);
}

static ssize_t do_send(void *u, int fd, const void *p, size_t n, int flags)
{
	struct world *w = u;
	struct sock *s;

	world_enter(w);
	s = sock_of(w, fd);
	return world_leave(w, s ? send_from(w, s, p, n, flags) : -EBADF);
}

static ssize_t do_write(void *u, int fd, const void *p, size_t n)
{
	return do_send(u, fd, p, n, 0);
}

static ssize_t do_sendto(void *u, int fd, const void *p, size_t n, int flags,
			 const struct sockaddr *sa, socklen_t len)
{
	struct world *w = u;
	struct sock *s;

	world_enter(w);
	s = sock_of(w, fd);
	return world_leave(w, s ? send_to(w, s, sa, len, p, n, flags) : -EBADF);
}

static ssize_t do_writev(void *u, int fd, const struct iovec *v, int n)
{
	struct world *w = u;
	struct msghdr m = {.msg_iov = (struct iovec *)(uintptr_t)v};
	struct sock *s;

	world_enter(w);
	s = sock_of(w, fd);
	if (!s || n < 0)
		return world_leave(w, s ? -EINVAL : -EBADF);
	m.msg_iovlen = (size_t)n;
	return world_leave(w, gather(w, s, &m, 0));
}

static ssize_t do_sendmsg(void *u, int fd, const struct msghdr *m, int flags)
{
	struct world *w = u;
	struct sock *s;

	world_enter(w);
	s = sock_of(w, fd);
	if (!s || !m)
		return world_leave(w, s ? -EFAULT : -EBADF);
	return world_leave(w, gather(w, s, m, flags));
}

static int do_pipe(void *u, int fd[2])
{
	(void)u;
	return pipe(fd);
}

/* packetdrill hands over a pointer that it should not (packetdrill.md), and
 * what is asked of the kernel here is its own plumbing. */
static int do_splice(void *u, int in, loff_t *off_in, int out, loff_t *off_out,
		     size_t n, unsigned flags)
{
	(void)u, (void)in, (void)off_in, (void)out, (void)off_out, (void)n;
	(void)flags;
	errno = EINVAL;
	return -1;
}

void call_io_fill(struct packetdrill_interface *ifc)
{
	ifc->read = do_read;
	ifc->readv = do_readv;
	ifc->recv = do_recv;
	ifc->recvfrom = do_recvfrom;
	ifc->recvmsg = do_recvmsg;
	ifc->write = do_write;
	ifc->writev = do_writev;
	ifc->send = do_send;
	ifc->sendto = do_sendto;
	ifc->sendmsg = do_sendmsg;
	ifc->pipe = do_pipe;
	ifc->splice = do_splice;
}
