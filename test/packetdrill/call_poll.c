/* SPDX-License-Identifier: MIT */
/*
 * call_poll.c - poll and epoll over the world's sockets.  Edge-triggered
 * interest is told of a socket once after each thing that happens to it, with
 * all that holds at that moment, as epoll(7) does.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "call.h"
#include "sock.h"

static tcpd_time deadline(const struct world *w, int ms)
{
	return ms < 0 ? TCPD_NEVER : w->now + TCPD_MS(ms);
}

static long try_poll(struct world *w, struct op *op)
{
	struct pollfd *p = op->p;
	long n = 0;

	for (size_t i = 0; i < op->n; i++) {
		struct sock *s = sock_of(w, p[i].fd);
		uint32_t m = s ? sock_mask(w, s) : POLLNVAL;
		uint32_t want =
			(uint16_t)p[i].events | POLLERR | POLLHUP | POLLNVAL;

		p[i].revents = (short)(m & want);
		n += p[i].revents != 0;
	}
	return n ? n : -EAGAIN;
}

static int do_poll(void *u, struct pollfd *p, nfds_t n, int ms)
{
	struct world *w = u;
	struct op op = {.attempt = try_poll, .p = p, .n = n};
	long r;

	world_enter(w);
	op.deadline = deadline(w, ms);
	r = world_do(w, &op, ms != 0);
	return (int)world_leave(w, r == -EAGAIN ? 0 : r);
}

static int do_epoll_create(void *u, int size)
{
	struct world *w = u;
	struct epoll *e;
	int fd;

	if (size <= 0) {
		errno = EINVAL;
		return -1;
	}
	fd = eventfd(0, EFD_CLOEXEC);
	if (fd < 0)
		return -1;
	world_enter(w);
	e = fd < WORLD_FDS ? calloc(1, sizeof(*e)) : NULL;
	if (!e) {
		close(fd);
		return (int)world_leave(w, -EMFILE);
	}
	e->fd = fd;
	free(w->epoll[fd]);
	w->epoll[fd] = e;
	return (int)world_leave(w, fd);
}

static struct epoll *epoll_of(struct world *w, int fd)
{
	return fd >= 0 && fd < WORLD_FDS ? w->epoll[fd] : NULL;
}

static int control(struct world *w, struct epoll *e, int op, int fd,
		   const struct epoll_event *ev)
{
	unsigned i = 0;

	if (!sock_of(w, fd))
		return -EBADF;
	if (op != EPOLL_CTL_DEL && !ev)
		return -EFAULT;
	while (i < e->n && e->in[i].fd != fd)
		i++;
	if (op == EPOLL_CTL_ADD) {
		if (i < e->n)
			return -EEXIST;
		if (e->n == sizeof(e->in) / sizeof(e->in[0]))
			return -ENOSPC;
		e->n++;
	} else if (i == e->n) {
		return -ENOENT;
	} else if (op == EPOLL_CTL_DEL) {
		e->in[i] = e->in[--e->n];
		return 0;
	} else if (op != EPOLL_CTL_MOD) {
		return -EINVAL;
	}
	e->in[i] = (struct interest){.fd = fd, .ev = *ev, .ready = true};
	return 0;
}

static int do_epoll_ctl(void *u, int ep, int op, int fd, struct epoll_event *ev)
{
	struct world *w = u;
	struct epoll *e;

	world_enter(w);
	e = epoll_of(w, ep);
	return (int)world_leave(w, e ? control(w, e, op, fd, ev) : -EBADF);
}

/* |op->flags| is the fd, |p| and |n| the room. */
static long try_epoll(struct world *w, struct op *op)
{
	struct epoll *e = epoll_of(w, op->flags);
	struct epoll_event *out = op->p;
	size_t n = 0;

	if (!e)
		return -EBADF;
	for (unsigned i = 0; i < e->n && n < op->n; i++) {
		struct interest *in = &e->in[i];
		struct sock *s = sock_of(w, in->fd);
		uint32_t m;

		if (!s || !in->ready)
			continue;
		m = sock_mask(w, s) & (in->ev.events | EPOLLERR | EPOLLHUP);
		if (!m || in->ev.events & (EPOLLET | EPOLLONESHOT))
			in->ready = false;
		if (!m)
			continue;
		if (in->ev.events & EPOLLONESHOT)
			in->ev.events &= EPOLLONESHOT | EPOLLET;
		out[n].events = m;
		out[n++].data = in->ev.data;
	}
	return n ? (long)n : -EAGAIN;
}

static int do_epoll_wait(void *u, int ep, struct epoll_event *ev, int max,
			 int ms)
{
	struct world *w = u;
	struct op op = {.attempt = try_epoll, .p = ev, .flags = ep};
	long r;

	if (max <= 0) {
		errno = EINVAL;
		return -1;
	}
	op.n = (size_t)max;
	world_enter(w);
	op.deadline = deadline(w, ms);
	r = world_do(w, &op, ms != 0);
	return (int)world_leave(w, r == -EAGAIN ? 0 : r);
}

void call_poll_fill(struct packetdrill_interface *ifc)
{
	ifc->poll = do_poll;
	ifc->epoll_create = do_epoll_create;
	ifc->epoll_ctl = do_epoll_ctl;
	ifc->epoll_wait = do_epoll_wait;
}
