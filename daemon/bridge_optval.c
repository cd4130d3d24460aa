/* SPDX-License-Identifier: MIT */
/*
 * bridge_optval.c - the socket options that are more than a number of the
 * stack's: their values as setsockopt(2) has them, to and from.
 */
#include <linux/sockios.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "base/clamp.h"
#include "bridge_opt.h"
#include "tcpinfo.h"

#define NAME_LEN    16 /* TCP_CA_NAME_MAX of the kernel */
#define BUFFER_MIN  2048
#define LINGER_MOST (25 * 86400)
#define NS_S	    UINT64_C(1000000000)

/* --- what the socket is */

/* What ended it; while it lives, what ICMP said last.  That three
 * retransmissions had no answer is no error of a socket. */
int optval_get_error(struct bridge *b, void *p, uint16_t *len)
{
	int err = b->err, soft;

	if (!err && opt_is_open(b)) {
		soft = tcpd_soft_error(b->app->d->st, b->h);
		err = soft && soft != TCPD_ERR_TIMEOUT ? app_errno(soft) : 0;
	}
	b->err = 0;
	return opt_give_int(p, len, err);
}

int optval_get_type(struct bridge *b, void *p, uint16_t *len)
{
	(void)b;
	return opt_give_int(p, len, SOCK_STREAM);
}

int optval_get_domain(struct bridge *b, void *p, uint16_t *len)
{
	return opt_give_int(p, len, b->domain == 4 ? AF_INET : AF_INET6);
}

int optval_get_protocol(struct bridge *b, void *p, uint16_t *len)
{
	(void)b;
	return opt_give_int(p, len, IPPROTO_TCP);
}

int optval_get_acceptconn(struct bridge *b, void *p, uint16_t *len)
{
	return opt_give_int(p, len, b->kind == BRIDGE_LISTENER);
}

int optval_get_info(struct bridge *b, void *p, uint16_t *len)
{
	struct daemon *d = b->app->d;
	struct tcpinfo i = {.state = TCPINFO_CLOSE};
	struct tcpd_status s;

	if (b->h && tcpd_status(d->st, b->h, &s, d->now) == 0) {
		tcpinfo_fill(&i, &s, d->now);
		if (s.kind == TCPD_KIND_LISTENER) {
			/* As in the kernel: the accept queue. */
			i.unacked = (uint32_t)s.recv_q + b->nqueued;
			i.sacked = b->backlog;
		}
	}
	return opt_give(p, len, &i, sizeof(i));
}

/* --- of bind(): afterwards they would do nothing */

static int set_before_bind(struct bridge *b, const void *p, size_t len, bool *v)
{
	int n, r = opt_int(p, len, &n);

	if (r)
		return r;
	if (b->h)
		return EINVAL;
	*v = n != 0;
	return 0;
}

int optval_set_reuse(struct bridge *b, const void *p, size_t len)
{
	return set_before_bind(b, p, len, &b->reuse);
}

int optval_get_reuse(struct bridge *b, void *p, uint16_t *len)
{
	return opt_give_int(p, len, b->reuse);
}

int optval_set_reuseport(struct bridge *b, const void *p, size_t len)
{
	return set_before_bind(b, p, len, &b->reuseport);
}

int optval_get_reuseport(struct bridge *b, void *p, uint16_t *len)
{
	return opt_give_int(p, len, b->reuseport);
}

int optval_set_v6only(struct bridge *b, const void *p, size_t len)
{
	if (b->domain != 6)
		return ENOPROTOOPT;
	return set_before_bind(b, p, len, &b->v6only);
}

int optval_get_v6only(struct bridge *b, void *p, uint16_t *len)
{
	if (b->domain != 6)
		return ENOPROTOOPT;
	return opt_give_int(p, len, b->v6only);
}

/* --- closing */

int optval_set_linger(struct bridge *b, const void *p, size_t len)
{
	struct linger l;
	uint64_t ns = 0;

	if (len < sizeof(l))
		return EINVAL;
	memcpy(&l, p, sizeof(l));
	if (l.l_linger < 0 || l.l_linger > LINGER_MOST)
		l.l_linger = LINGER_MOST;
	if (l.l_onoff) /* up to 1 ms: at once */
		ns = l.l_linger ? (uint64_t)l.l_linger * NS_S : 1;
	b->linger = ns == 1;
	return opt_store(b, TCPD_OPT_LINGER, ns);
}

int optval_get_linger(struct bridge *b, void *p, uint16_t *len)
{
	struct linger l = {0};
	uint64_t ns;
	int r = opt_value(b, TCPD_OPT_LINGER, &ns);

	if (r)
		return r;
	l.l_onoff = ns != 0;
	l.l_linger = (int)(ns / NS_S);
	return opt_give(p, len, &l, sizeof(l));
}

/* As the kernel: at most 120 s. */
int optval_set_linger2(struct bridge *b, const void *p, size_t len)
{
	int v, r = opt_int(p, len, &v);

	if (r)
		return r;
	if (v < 0)
		return EINVAL;
	return opt_store(b, TCPD_OPT_LINGER2,
			 (uint64_t)(v < 120 ? v : 120) * NS_S);
}

int optval_get_linger2(struct bridge *b, void *p, uint16_t *len)
{
	uint64_t ns;
	int r = opt_value(b, TCPD_OPT_LINGER2, &ns);

	return r ? r : opt_give_int(p, len, (int)(ns / NS_S));
}

/* --- buffers */

uint64_t optval_clamp_buffer(int v, uint64_t most)
{
	uint64_t want = v < BUFFER_MIN ? BUFFER_MIN : (uint64_t)v;

	return min_u64(want, most);
}

/*
 * What the app has written and the daemon not read is a part of its send
 * buffer: the fd's shrinks with the limits that it sets, and never grows (one
 * that connects must stay full).
 */
static void shrink_fd(struct bridge *b, uint64_t octets)
{
	int is = 0, want = (int)min_u64(octets, INT32_MAX / 2);
	socklen_t len = sizeof(is);

	if (!b->fd_sndbuf || octets < b->fd_sndbuf)
		b->fd_sndbuf = (uint32_t)want;
	if (b->kind == BRIDGE_CONNECTING || b->asked_fd < 0 ||
	    getsockopt(b->asked_fd, SOL_SOCKET, SO_SNDBUF, &is, &len) < 0 ||
	    is / 2 <= want)
		return;
	(void)setsockopt(b->asked_fd, SOL_SOCKET, SO_SNDBUF, &want,
			 sizeof(want));
}

int optval_set_sndbuf(struct bridge *b, const void *p, size_t len)
{
	int v, r = opt_int(p, len, &v);
	uint64_t octets;

	if (r)
		return r;
	octets = optval_clamp_buffer(v, b->app->d->conf->conn.send_buffer);
	shrink_fd(b, octets);
	return opt_store(b, TCPD_OPT_SNDBUF, octets);
}

int optval_get_sndbuf(struct bridge *b, void *p, uint16_t *len)
{
	uint64_t v;
	int r = opt_value(b, TCPD_OPT_SNDBUF, &v);

	return r ? r : opt_give_int(p, len, (int)min_u64(v, INT32_MAX));
}

/* Below 0 or 0: off, as in the kernel. */
int optval_set_lowat(struct bridge *b, const void *p, size_t len)
{
	int v, r = opt_int(p, len, &v);

	if (r)
		return r;
	b->lowat = v > 0 ? (uint32_t)v : 0;
	if (b->lowat)
		shrink_fd(b, b->lowat);
	return 0;
}

int optval_get_lowat(struct bridge *b, void *p, uint16_t *len)
{
	return opt_give_int(p, len, (int)b->lowat);
}

int optval_set_clamp(struct bridge *b, const void *p, size_t len)
{
	int v, r = opt_int(p, len, &v);

	if (r)
		return r;
	if (v < 0)
		return EINVAL;
	return opt_store(b, TCPD_OPT_WINDOW_CLAMP,
			 min_u64((uint64_t)v, 1u << 30));
}

int optval_get_clamp(struct bridge *b, void *p, uint16_t *len)
{
	uint64_t v;
	int r = opt_value(b, TCPD_OPT_WINDOW_CLAMP, &v);

	return r ? r : opt_give_int(p, len, (int)v);
}

/* What waits where: the app's end of the fd, ours, and the stack. */
int optval_get_inq(struct bridge *b, void *p, uint16_t *len)
{
	int n = 0;

	if (!b->h || b->kind == BRIDGE_LISTENER)
		return EINVAL;
	if (b->asked_fd < 0 || ioctl(b->asked_fd, FIONREAD, &n) < 0)
		n = 0;
	return opt_give_int(p, len,
			    n + (int)tcpd_readable(b->app->d->st, b->h));
}

static int in_fd(const struct bridge *b)
{
	uint32_t n = b->kind == BRIDGE_CONN ? bridge_inq(b) : 0;

	return (int)(n > b->lag ? n - b->lag : 0);
}

int optval_get_outq(struct bridge *b, void *p, uint16_t *len)
{
	if (!b->h || b->kind == BRIDGE_LISTENER)
		return EINVAL;
	return opt_give_int(p, len,
			    in_fd(b) + (int)tcpd_unacked(b->app->d->st, b->h));
}

int optval_get_outqnsd(struct bridge *b, void *p, uint16_t *len)
{
	if (!b->h || b->kind == BRIDGE_LISTENER)
		return EINVAL;
	return opt_give_int(p, len,
			    in_fd(b) + (int)tcpd_unsent(b->app->d->st, b->h));
}

/* As in the kernel, of either width. */
int optval_set_pacing(struct bridge *b, const void *p, size_t len)
{
	uint64_t rate = 0;
	int v, r = opt_int(p, len, &v);

	if (r)
		return r;
	if (len >= sizeof(rate))
		memcpy(&rate, p, sizeof(rate));
	else if (v != -1)
		rate = (uint32_t)v;
	if (rate > TCPD_PACING_MAX)
		rate = 0;
	if (rate && rate < TCPD_PACING_MIN)
		rate = TCPD_PACING_MIN;
	return opt_store(b, TCPD_OPT_MAX_PACING_RATE, rate);
}

int optval_get_pacing(struct bridge *b, void *p, uint16_t *len)
{
	uint64_t rate;
	uint32_t low;
	int r = opt_value(b, TCPD_OPT_MAX_PACING_RATE, &rate);

	if (r)
		return r;
	if (rate == 0)
		rate = UINT64_MAX;
	if (*len >= sizeof(rate))
		return opt_give(p, len, &rate, sizeof(rate));
	low = (uint32_t)min_u64(rate, UINT32_MAX);
	return opt_give(p, len, &low, sizeof(low));
}

/* --- segments and packets */

int optval_get_maxseg(struct bridge *b, void *p, uint16_t *len)
{
	struct daemon *d = b->app->d;
	struct tcpd_status s;
	const uint64_t dflt = 536; /* RFC 9293, MUST-15 */
	uint64_t v = 0;
	int r;

	if (b->kind != BRIDGE_LISTENER && opt_is_open(b) &&
	    tcpd_status(d->st, b->h, &s, d->now) == 0)
		return opt_give_int(p, len, (int)s.mss);
	r = opt_value(b, TCPD_OPT_MAXSEG, &v);
	return r ? r : opt_give_int(p, len, (int)(v ? v : dflt));
}

int optval_set_maxseg(struct bridge *b, const void *p, size_t len)
{
	int v, r = opt_int(p, len, &v);

	if (r)
		return r;
	/* It is told in the SYN. */
	if (v < 88 || v > 32767 ||
	    (b->kind != BRIDGE_SOCKET && b->kind != BRIDGE_LISTENER))
		return EINVAL;
	return opt_store(b, TCPD_OPT_MAXSEG, (uint64_t)v);
}

int optval_set_defer(struct bridge *b, const void *p, size_t len)
{
	int v, r = opt_int(p, len, &v);

	if (r)
		return r;
	if (b->kind != BRIDGE_SOCKET && b->kind != BRIDGE_LISTENER)
		return EINVAL;
	return opt_store(b, TCPD_OPT_DEFER_ACCEPT,
			 (uint64_t)(v < 0	? 0
				    : v > 86400 ? 86400
						: v) *
				 NS_S);
}

int optval_get_defer(struct bridge *b, void *p, uint16_t *len)
{
	uint64_t ns;
	int r = opt_value(b, TCPD_OPT_DEFER_ACCEPT, &ns);

	return r ? r : opt_give_int(p, len, (int)(ns / NS_S));
}

/* One octet will do, as in the kernel. */
int optval_set_tos(struct bridge *b, const void *p, size_t len)
{
	uint8_t octet;
	int v, r = opt_int(p, len, &v);

	if (r && len == 0)
		return r;
	if (r) {
		memcpy(&octet, p, 1);
		v = octet;
	}
	if (v < 0 || v > 255)
		return EINVAL;
	return opt_store(b, TCPD_OPT_TOS, (uint64_t)v & 0xfc);
}

int optval_get_tos(struct bridge *b, void *p, uint16_t *len)
{
	uint64_t v;
	int r = opt_value(b, TCPD_OPT_TOS, &v);

	return r ? r : opt_give_int(p, len, (int)v);
}

/* -1: the default, as RFC 3542, 6.3 and 6.5 have it. */
int optval_set_tclass(struct bridge *b, const void *p, size_t len)
{
	int v, r = opt_int(p, len, &v);

	if (b->domain != 6)
		return ENOPROTOOPT;
	if (r)
		return r;
	if (v < -1 || v > 255)
		return EINVAL;
	return opt_store(b, TCPD_OPT_TOS, v < 0 ? 0 : (uint64_t)v & 0xfc);
}

int optval_get_tclass(struct bridge *b, void *p, uint16_t *len)
{
	return b->domain != 6 ? ENOPROTOOPT : optval_get_tos(b, p, len);
}

int optval_set_ttl(struct bridge *b, const void *p, size_t len)
{
	int v, r = opt_int(p, len, &v);

	if (r)
		return r;
	if (v == 0 || v < -1 || v > 255)
		return EINVAL;
	return opt_store(b, TCPD_OPT_TTL, v < 0 ? 0 : (uint64_t)v);
}

int optval_get_ttl(struct bridge *b, void *p, uint16_t *len)
{
	const uint64_t dflt = 64;
	uint64_t v;
	int r = opt_value(b, TCPD_OPT_TTL, &v);

	return r ? r : opt_give_int(p, len, (int)(v ? v : dflt));
}

int optval_set_hops(struct bridge *b, const void *p, size_t len)
{
	return b->domain != 6 ? ENOPROTOOPT : optval_set_ttl(b, p, len);
}

int optval_get_hops(struct bridge *b, void *p, uint16_t *len)
{
	return b->domain != 6 ? ENOPROTOOPT : optval_get_ttl(b, p, len);
}

/* --- others */

/* In the stream is where an urgent octet is (RFC 6093, 6): off cannot be. */
int optval_set_oobinline(struct bridge *b, const void *p, size_t len)
{
	int v, r = opt_int(p, len, &v);

	(void)b;
	if (r)
		return r;
	return v ? 0 : ENOPROTOOPT;
}

int optval_get_oobinline(struct bridge *b, void *p, uint16_t *len)
{
	(void)b;
	return opt_give_int(p, len, 1);
}

int optval_set_congestion(struct bridge *b, const void *p, size_t len)
{
	char name[NAME_LEN] = "";

	memcpy(name, p, min_u64(len, sizeof(name) - 1));
	for (int cc = 0; cc < TCPD_NCCS; cc++)
		if (strcmp(name,
			   tcpd_congestion_name((enum tcpd_congestion)cc)) == 0)
			return opt_store(b, TCPD_OPT_CONGESTION, (uint64_t)cc);
	return ENOENT;
}

int optval_get_congestion(struct bridge *b, void *p, uint16_t *len)
{
	char name[NAME_LEN] = "";
	uint64_t cc;
	int r = opt_value(b, TCPD_OPT_CONGESTION, &cc);

	if (r)
		return r;
	(void)snprintf(name, sizeof(name), "%s",
		       tcpd_congestion_name((enum tcpd_congestion)cc));
	return opt_give(p, len, name, sizeof(name));
}
