/* SPDX-License-Identifier: MIT */
/*
 * call_opt.c - socket options and ioctl.  One row an option of the stack's:
 * how the kernel's value becomes the stack's; the rest, which only the socket
 * layer knows, stands below.
 */
#include <errno.h>
#include <linux/sockios.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <string.h>
#include <sys/ioctl.h>

#include "base/clamp.h"
#include "call.h"
#include "daemon/tcpinfo.h"
#include "sock.h"

struct row {
	int level, name;
	enum tcpd_option option;
	uint64_t unit; /* of the stack, in one of the kernel's */
};

/* clang-format off */
static const struct row rows[] = {
	{IPPROTO_TCP, TCP_NODELAY,      TCPD_OPT_NODELAY,      1},
	{IPPROTO_TCP, TCP_CORK,         TCPD_OPT_CORK,         1},
	{IPPROTO_TCP, TCP_MAXSEG,       TCPD_OPT_MAXSEG,       1},
	{IPPROTO_TCP, TCP_KEEPIDLE,     TCPD_OPT_KEEPIDLE,     TCPD_SEC(1)},
	{IPPROTO_TCP, TCP_KEEPINTVL,    TCPD_OPT_KEEPINTVL,    TCPD_SEC(1)},
	{IPPROTO_TCP, TCP_KEEPCNT,      TCPD_OPT_KEEPCNT,      1},
	{IPPROTO_TCP, TCP_USER_TIMEOUT, TCPD_OPT_USER_TIMEOUT, TCPD_MS(1)},
	{IPPROTO_TCP, TCP_SYNCNT,       TCPD_OPT_SYNCNT,       1},
	{IPPROTO_TCP, TCP_DEFER_ACCEPT, TCPD_OPT_DEFER_ACCEPT, TCPD_SEC(1)},
	{IPPROTO_TCP, TCP_LINGER2,      TCPD_OPT_LINGER2,      TCPD_SEC(1)},
	{IPPROTO_TCP, TCP_WINDOW_CLAMP, TCPD_OPT_WINDOW_CLAMP, 1},
	{IPPROTO_TCP, TCP_QUICKACK,     TCPD_OPT_QUICKACK,     1},
	{IPPROTO_TCP, TCP_FASTOPEN,     TCPD_OPT_FASTOPEN,     1},
	{IPPROTO_TCP, TCP_FASTOPEN_CONNECT, TCPD_OPT_FASTOPEN_CONNECT, 1},
	{IPPROTO_TCP, TCP_FASTOPEN_NO_COOKIE, TCPD_OPT_FASTOPEN_NO_COOKIE, 1},
	{SOL_SOCKET,  SO_KEEPALIVE,     TCPD_OPT_KEEPALIVE,    1},
	{SOL_SOCKET,  SO_RCVBUF,        TCPD_OPT_RCVBUF,       1},
	{IPPROTO_IP,  IP_TOS,           TCPD_OPT_TOS,          1},
	{IPPROTO_IP,  IP_TTL,           TCPD_OPT_TTL,          1},
	{IPPROTO_IPV6, IPV6_TCLASS,     TCPD_OPT_TOS,          1},
	{IPPROTO_IPV6, IPV6_UNICAST_HOPS, TCPD_OPT_TTL,        1},
};
/* clang-format on */

static const struct row *row_of(int level, int name)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (rows[i].level == level && rows[i].name == name)
			return &rows[i];
	return NULL;
}

/* An int, or (as the kernel takes it on level IP) one octet. */
static int value_in(int level, const void *p, socklen_t len, int *v)
{
	if (!p)
		return -EFAULT;
	*v = 0;
	if (len >= sizeof(*v))
		memcpy(v, p, sizeof(*v));
	else if (level == IPPROTO_IP && len)
		*v = *(const uint8_t *)p;
	else
		return -EINVAL;
	return 0;
}

static int set_linger(struct world *w, struct sock *s, const void *p,
		      socklen_t len)
{
	struct linger l;

	if (len < sizeof(l) || !p)
		return -EINVAL;
	memcpy(&l, p, sizeof(l));
	return sock_set(w, s, TCPD_OPT_LINGER,
			l.l_onoff ? TCPD_SEC(l.l_linger) : TCPD_NEVER);
}

/* Those of the socket layer; 1: not one of them. */
static int set_own(struct world *w, struct sock *s, int level, int name, int v)
{
	if (level == SOL_SOCKET && name == SO_REUSEADDR) {
		s->reuse = v != 0;
		return 0;
	}
	if (level == SOL_SOCKET && name == SO_SNDBUF) {
		s->sndbuf = 2 * clamp_u32((uint32_t)max_u64(0, (uint64_t)v),
					  2048, 1u << 30);
		return 0;
	}
	if (level == IPPROTO_TCP && name == TCP_NOTSENT_LOWAT) {
		s->lowat = (uint32_t)v;
		return 0;
	}
	if (level == IPPROTO_TCP && name == TCP_INQ) {
		if (v != 0 && v != 1)
			return -EINVAL;
		s->inq = v;
		return 0;
	}
	if (level == IPPROTO_TCP && name == TCP_FASTOPEN_CONNECT) {
		sysctl_look(w);
		if (v && !(w->set.fast_open & TCPD_FO_CLIENT))
			return -EOPNOTSUPP;
		return s->connects ? -EINVAL : 1;
	}
	/* where a packet may be fragmented on the way: tcpd's never are */
	if (level == IPPROTO_IP &&
	    (name == IP_MTU_DISCOVER || name == IP_FREEBIND))
		return 0;
	if (level == SOL_SOCKET && name == SO_MARK)
		return 0;
	(void)w;
	return 1;
}

static int set(struct world *w, struct sock *s, int level, int name,
	       const void *p, socklen_t len)
{
	const struct row *row = row_of(level, name);
	int v, r;

	if (level == SOL_SOCKET && name == SO_LINGER)
		return set_linger(w, s, p, len);
	r = value_in(level, p, len, &v);
	if (r)
		return r;
	r = set_own(w, s, level, name, v);
	if (r <= 0)
		return r;
	if (!row)
		return -ENOPROTOOPT;
	if (v < 0)
		return -EINVAL;
	return sock_set(w, s, row->option, (uint64_t)v * row->unit);
}

static int do_setsockopt(void *u, int fd, int level, int name, const void *p,
			 socklen_t len)
{
	struct world *w = u;
	struct sock *s;

	world_enter(w);
	s = sock_of(w, fd);
	return (int)world_leave(w,
				s ? set(w, s, level, name, p, len) : -ENOTSOCK);
}

static int put(void *p, socklen_t *len, const void *from, size_t n)
{
	if (!p || !len)
		return -EFAULT;
	*len = (socklen_t)min_u64(*len, n);
	memcpy(p, from, *len);
	return 0;
}

static int put_int(void *p, socklen_t *len, uint64_t v)
{
	int i = (int)min_u64(v, INT32_MAX);

	return put(p, len, &i, sizeof(i));
}

/* Structures that code in a script wants to see; 1: not one of them. */
static int get_struct(struct world *w, struct sock *s, int level, int name,
		      void *p, socklen_t *len)
{
	struct tcpinfo info;
	static const uint32_t mem[9];
	static const uint8_t cc[16];

	if (level == IPPROTO_TCP && name == TCP_INFO) {
		struct tcpd_status st = sock_status(w, s);

		tcpinfo_fill(&info, &st, w->now);
		return put(p, len, &info, sizeof(info));
	}
	if (level == IPPROTO_TCP && name == TCP_CC_INFO)
		return put(p, len, cc, sizeof(cc));
	if (level == SOL_SOCKET && name == SO_MEMINFO)
		return put(p, len, mem, sizeof(mem));
	if (level == IPPROTO_TCP && name == TCP_CONGESTION) {
		struct tcpd_status st = sock_status(w, s);
		const char *word = st.congestion ? st.congestion : "";

		return put(p, len, word, strlen(word) + 1);
	}
	return 1;
}

static int get(struct world *w, struct sock *s, int level, int name, void *p,
	       socklen_t *len)
{
	const struct row *row = row_of(level, name);
	uint64_t v;
	int r = get_struct(w, s, level, name, p, len);

	if (r <= 0)
		return r;
	if (level == SOL_SOCKET && name == SO_ERROR)
		return put_int(p, len, (uint64_t)sock_error(s));
	if (level == SOL_SOCKET && name == SO_SNDBUF)
		return put_int(p, len, s->sndbuf ? s->sndbuf : w->sysctl.wmem);
	if (level == SOL_SOCKET && name == SO_REUSEADDR)
		return put_int(p, len, s->reuse);
	if (level == IPPROTO_TCP && name == TCP_NOTSENT_LOWAT)
		return put_int(p, len, s->lowat);
	if (level == IPPROTO_TCP && name == TCP_INQ)
		return put_int(p, len, s->inq);
	if (!row)
		return -ENOPROTOOPT;
	r = sock_get(w, s, row->option, &v);
	return r ? r : put_int(p, len, v / row->unit);
}

int call_getsockopt(void *u, int fd, int level, int name, void *p,
		    socklen_t *len)
{
	struct world *w = u;
	struct sock *s;

	world_enter(w);
	s = sock_of(w, fd);
	return (int)world_leave(w,
				s ? get(w, s, level, name, p, len) : -ENOTSOCK);
}

static int do_ioctl(void *u, int fd, unsigned long req, ...)
{
	struct world *w = u;
	struct sock *s;
	va_list ap;
	int *out;
	long r = 0;

	va_start(ap, req);
	out = va_arg(ap, int *);
	va_end(ap);
	world_enter(w);
	s = sock_of(w, fd);
	if (!s || !out)
		return (int)world_leave(w, s ? -EFAULT : -EBADF);
	if (!s->connects)
		r = -EINVAL;
	else if (req == SIOCINQ)
		*out = (int)tcpd_readable(w->st, s->h);
	else if (req == SIOCOUTQ)
		*out = (int)tcpd_unacked(w->st, s->h);
	else if (req == SIOCOUTQNSD)
		*out = (int)tcpd_unsent(w->st, s->h);
	else
		r = -ENOTTY;
	return (int)world_leave(w, r);
}

void call_opt_fill(struct packetdrill_interface *ifc)
{
	ifc->setsockopt = do_setsockopt;
	ifc->getsockopt = call_getsockopt;
	ifc->ioctl = do_ioctl;
}
