/* SPDX-License-Identifier: MIT */
/*
 * sock.c - the table of sockets, addresses and errors in the kernel's form,
 * and what a socket has to tell.
 */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "sock.h"

static const int errnos[TCPD_NERRS] = {
#define X(name, err, text) [TCPD_ERR_##name] = err,
	TCPD_ERRORS(X)
#undef X
};

int errno_of(int64_t r)
{
	if (r >= 0)
		return (int)r;
	return -r < TCPD_NERRS ? -errnos[-r] : -EPROTO;
}

int addr_in(struct tcpd_addr *a, const struct sockaddr *sa, socklen_t len)
{
	static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
	struct sockaddr_in in;
	struct sockaddr_in6 in6;

	memset(a, 0, sizeof(*a));
	if (!sa)
		return -EFAULT;
	if (sa->sa_family == AF_INET && len >= sizeof(in)) {
		memcpy(&in, sa, sizeof(in));
		a->family = 4;
		a->port = ntohs(in.sin_port);
		memcpy(a->ip, mapped, sizeof(mapped));
		memcpy(a->ip + 12, &in.sin_addr, 4);
		return 0;
	}
	if (sa->sa_family == AF_INET6 && len >= sizeof(in6)) {
		memcpy(&in6, sa, sizeof(in6));
		a->port = ntohs(in6.sin6_port);
		memcpy(a->ip, &in6.sin6_addr, 16);
		a->family = memcmp(a->ip, mapped, sizeof(mapped)) ? 6 : 4;
		return 0;
	}
	return sa->sa_family == AF_INET || sa->sa_family == AF_INET6
		       ? -EINVAL
		       : -EAFNOSUPPORT;
}

void addr_out(const struct sock *s, const struct tcpd_addr *a,
	      struct sockaddr *sa, socklen_t *len)
{
	struct sockaddr_in in = {.sin_family = AF_INET};
	struct sockaddr_in6 in6 = {.sin6_family = AF_INET6};
	const void *from = &in;
	socklen_t n = sizeof(in);

	if (!sa || !len)
		return;
	if (s->domain == AF_INET) {
		in.sin_port = htons(a->port);
		memcpy(&in.sin_addr, a->ip + 12, 4);
	} else {
		in6.sin6_port = htons(a->port);
		memcpy(&in6.sin6_addr, a->ip, 16);
		from = &in6;
		n = sizeof(in6);
	}
	memcpy(sa, from, *len < n ? *len : n);
	*len = n;
}

struct sock *sock_of(struct world *w, int fd)
{
	return fd >= 0 && fd < WORLD_FDS ? w->sock[fd] : NULL;
}

struct sock *sock_new(struct world *w, int domain)
{
	int fd = eventfd(0, EFD_CLOEXEC);
	struct sock *s;

	if (fd < 0)
		return NULL;
	s = fd < WORLD_FDS ? calloc(1, sizeof(*s)) : NULL;
	if (!s) {
		close(fd);
		errno = EMFILE;
		return NULL;
	}
	if (w->sock[fd]) /* packetdrill closed it without a word */
		sock_forget(w, w->sock[fd]);
	s->fd = fd;
	s->domain = domain;
	w->sock[fd] = s;
	return s;
}

void sock_forget(struct world *w, struct sock *s)
{
	for (int fd = 0; fd < WORLD_FDS; fd++) {
		struct epoll *e = w->epoll[fd];

		for (unsigned i = 0; e && i < e->n; i++)
			if (e->in[i].fd == s->fd)
				e->in[i--] = e->in[--e->n];
	}
	if (s->h) /* what still happens to it is nobody's news */
		tcpd_set_user(w->st, s->h, NULL);
	w->sock[s->fd] = NULL;
	free(s);
}

static int set_early(struct world *w, struct sock *s)
{
	for (unsigned o = 0; o < TCPD_NOPTIONS; o++) {
		int r;

		if (!(s->early_mask & UINT64_C(1) << o))
			continue;
		r = tcpd_set_option(w->st, s->h, (enum tcpd_option)o,
				    s->early[o], w->now);
		if (r)
			return errno_of(r);
	}
	s->early_mask = 0;
	return 0;
}

int sock_name(struct world *w, struct sock *s, const struct tcpd_addr *a)
{
	uint32_t flags = s->reuse ? TCPD_BIND_REUSE : 0;
	int r;

	if (s->h)
		return -EINVAL;
	r = tcpd_bind(w->st, &s->h, a, flags, w->now);
	if (r)
		return errno_of(r);
	tcpd_set_user(w->st, s->h, s);
	return set_early(w, s);
}

int sock_set(struct world *w, struct sock *s, enum tcpd_option o,
	     uint64_t value)
{
	if (s->h)
		return errno_of(tcpd_set_option(w->st, s->h, o, value, w->now));
	s->early[o] = value;
	s->early_mask |= UINT64_C(1) << o;
	return 0;
}

int sock_get(struct world *w, struct sock *s, enum tcpd_option o,
	     uint64_t *value)
{
	if (s->h)
		return errno_of(tcpd_get_option(w->st, s->h, o, value));
	*value = s->early[o];
	return 0;
}

long sock_connect(struct world *w, struct sock *s, const struct tcpd_addr *peer,
		  bool fast)
{
	long r;

	if (fast)
		(void)sock_set(w, s, TCPD_OPT_FASTOPEN_CONNECT, 1);
	if (!s->h && s->early_mask) { /* they are to be there before the SYN */
		struct tcpd_addr any = {.family = peer->family};

		r = sock_name(w, s, &any);
		if (r)
			return r;
	}
	r = errno_of(tcpd_connect(w->st, &s->h, NULL, peer, w->now));
	if (r)
		return r;
	tcpd_set_user(w->st, s->h, s);
	s->connects = true;
	return 0;
}

bool sock_opening(struct world *w, const struct sock *s)
{
	return s->connects && sock_status(w, s).state == TCPD_SYN_SENT;
}

struct tcpd_status sock_status(struct world *w, const struct sock *s)
{
	struct tcpd_status st = {0};

	if (s->h)
		(void)tcpd_status(w->st, s->h, &st, w->now);
	return st;
}

/* Something has happened to |s|: whoever waits for edges is told. */
static void stir(struct world *w, const struct sock *s)
{
	for (int fd = 0; fd < WORLD_FDS; fd++) {
		struct epoll *e = w->epoll[fd];

		for (unsigned i = 0; e && i < e->n; i++)
			e->in[i].ready |= e->in[i].fd == s->fd;
	}
}

void sock_event(struct world *w, const struct tcpd_event *ev)
{
	struct sock *s = ev->user;

	if (!s)
		return;
	s->ev |= ev->mask;
	if (ev->err && (ev->mask & (TCPD_EV_RESET | TCPD_EV_TIMEOUT)))
		s->err = -errno_of(-ev->err);
	/* room is told of by sock_wake_writers() */
	if (ev->mask & ~(uint32_t)TCPD_EV_WRITABLE)
		stir(w, s);
}

void sock_wake_writers(struct world *w)
{
	for (int fd = 0; fd < WORLD_FDS; fd++) {
		struct sock *s = w->sock[fd];

		if (!s || !s->starved || !room_writable(w, s))
			continue;
		s->starved = false;
		stir(w, s);
	}
}

int sock_error(struct sock *s)
{
	int err = s->err;

	s->err = 0;
	return err;
}

uint32_t sock_mask(struct world *w, struct sock *s)
{
	struct tcpd_status st = sock_status(w, s);
	uint32_t m = 0;

	if (s->listens)
		return st.recv_q ? POLLIN | POLLRDNORM : 0;
	if (!s->connects)
		return POLLOUT | POLLHUP | POLLWRNORM;
	if (s->err)
		m |= POLLERR;
	if (st.state == TCPD_SYN_SENT && !s->err)
		return tcpd_syn_room(w->st, s->h) ? POLLOUT | POLLWRNORM : m;
	if (s->ev & TCPD_EV_FIN || s->rd_shut || st.state == TCPD_CLOSED)
		m |= POLLIN | POLLRDNORM | POLLRDHUP;
	if (tcpd_readable(w->st, s->h))
		m |= POLLIN | POLLRDNORM;
	if (s->wr_shut && m & POLLRDHUP)
		m |= POLLHUP;
	if (st.state == TCPD_CLOSED)
		m |= POLLHUP;
	if (s->wr_shut || room_writable(w, s))
		m |= POLLOUT | POLLWRNORM;
	else
		s->starved = true;
	return m;
}
