/* SPDX-License-Identifier: MIT */
/*
 * bridge_opt.c - socket options: the table of those that work.  Whatever is
 * not in it is ENOPROTOOPT; none is accepted and ignored.  doc/sockopts.md is
 * checked against the table.
 *
 * Before there is a connection or a listener the values wait in the bridge;
 * from then on the stack has them, which alone knows what they do.
 */
#include "bridge_opt.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "base/clamp.h"

enum opt_type {
	OPT_STACK,  /* an int of the stack's, in units of |scale| */
	OPT_OWN,    /* bridge_optval.c */
	OPT_KERNEL, /* libtcpd-app asks the kernel's socket */
};

struct opt {
	uint32_t level, option;
	enum opt_type type;
	enum tcpd_option stack;
	uint64_t scale;
	uint32_t min, max, initial; /* of the int; 0: as the configuration */
	opt_setter *set;
	opt_getter *get;
	struct bridge_opt_row row;
};

/* --- values */

int opt_int(const void *p, size_t len, int *v)
{
	if (len < sizeof(*v))
		return EINVAL;
	memcpy(v, p, sizeof(*v));
	return 0;
}

int opt_give(void *p, uint16_t *len, const void *v, size_t n)
{
	if (*len > n)
		*len = (uint16_t)n;
	memcpy(p, v, *len);
	return 0;
}

int opt_give_int(void *p, uint16_t *len, int v)
{
	return opt_give(p, len, &v, sizeof(v));
}

bool opt_is_open(const struct bridge *b)
{
	return b->h && b->kind != BRIDGE_SOCKET;
}

static struct bridge_options *options_of(struct bridge *b)
{
	if (!b->options)
		b->options = calloc(1, sizeof(*b->options));
	return b->options;
}

int opt_store(struct bridge *b, enum tcpd_option o, uint64_t value)
{
	struct daemon *d = b->app->d;
	struct bridge_options *s;

	if (opt_is_open(b))
		return app_errno(
			tcpd_set_option(d->st, b->h, o, value, d->now));
	s = options_of(b);
	if (!s)
		return ENOMEM;
	s->value[o] = value;
	s->set |= UINT64_C(1) << o;
	return 0;
}

/* The default of a buffer or of the congestion control is configured. */
static uint64_t initial(const struct bridge *b, enum tcpd_option o)
{
	const struct tcpd_conn_settings *cs = &b->app->d->conf->conn;

	if (o == TCPD_OPT_RCVBUF)
		return cs->receive_buffer;
	if (o == TCPD_OPT_SNDBUF)
		return cs->send_buffer;
	if (o == TCPD_OPT_CONGESTION)
		return cs->congestion;
	return 0;
}

int opt_value(const struct bridge *b, enum tcpd_option o, uint64_t *value)
{
	*value = initial(b, o);
	if (b->kind == BRIDGE_CONN && !b->h)
		return ENOTCONN; /* it went with the connection */
	if (opt_is_open(b))
		return app_errno(
			tcpd_get_option(b->app->d->st, b->h, o, value));
	if (b->options && b->options->set >> o & 1)
		*value = b->options->value[o];
	return 0;
}

/* 0: the configuration lets programs have it, and it is not too late. */
static int refusal(const struct bridge *b, enum tcpd_option o, bool setting)
{
	uint8_t fast_open = b->app->d->conf->conn.fast_open;

	if (o == TCPD_OPT_FASTOPEN && !(fast_open & TCPD_FO_SERVER))
		return ENOPROTOOPT;
	if (o == TCPD_OPT_FASTOPEN_CONNECT && !(fast_open & TCPD_FO_CLIENT))
		return ENOPROTOOPT;
	if (o == TCPD_OPT_FASTOPEN_CONNECT && setting &&
	    b->kind != BRIDGE_SOCKET)
		return EINVAL;
	return 0;
}

static int set_stack(struct bridge *b, const struct opt *o, const void *p,
		     size_t len)
{
	int v, r = opt_int(p, len, &v);

	if (!r)
		r = refusal(b, o->stack, true);
	if (r)
		return r;
	if (o->max == 1)
		v = v != 0;
	if (o->stack == TCPD_OPT_RCVBUF)
		return opt_store(b, o->stack,
				 optval_clamp_buffer(v, initial(b, o->stack)));
	if (v < 0 || (uint32_t)v < o->min || (uint32_t)v > o->max)
		return EINVAL;
	return opt_store(b, o->stack, (uint64_t)v * o->scale);
}

static int get_stack(struct bridge *b, const struct opt *o, void *p,
		     uint16_t *len)
{
	bool set = b->options && b->options->set >> o->stack & 1;
	uint64_t v;
	int r = refusal(b, o->stack, false);

	if (!r)
		r = opt_value(b, o->stack, &v);
	if (r)
		return r;
	if (!opt_is_open(b) && !set && o->stack != TCPD_OPT_RCVBUF)
		v = o->initial * o->scale;
	return opt_give_int(p, len, (int)min_u64(v / o->scale, INT32_MAX));
}

uint64_t bridge_bind_flags(const struct bridge *b)
{
	return TCPD_BIND_OWNER(b->owner->uid) |
	       (b->reuse ? TCPD_BIND_REUSE : 0) |
	       (b->reuseport ? TCPD_BIND_REUSEPORT : 0);
}

/* --- the table */

#define NS_S  UINT64_C(1000000000)
#define NS_MS UINT64_C(1000000)

/* clang-format off */
#define STACK(lv, name, o, sc, lo, hi, dflt, value, text) \
	{lv, name, OPT_STACK, TCPD_OPT_##o, sc, lo, hi, dflt, NULL, NULL, \
	 {#lv, #name, value, text}}
#define OWN(lv, name, what, value, text) \
	{lv, name, OPT_OWN, TCPD_NOPTIONS, 1, 0, 0, 0, optval_set_##what, \
	 optval_get_##what, {#lv, #name, value, text}}
#define GET(lv, name, what, value, text) \
	{lv, name, OPT_OWN, TCPD_NOPTIONS, 1, 0, 0, 0, NULL, \
	 optval_get_##what, {#lv, #name, value, text}}
#define QUEUE(name, what, text) \
	{PROTO_LEVEL_QUEUES, PROTO_QUEUE_##name, OPT_OWN, TCPD_NOPTIONS, 1, \
	 0, 0, 0, NULL, optval_get_##what, \
	 {"tcpd_app_ioctl", #name, "int, get", text}}
#define KERNEL(lv, name, value, text) \
	{lv, name, OPT_KERNEL, TCPD_NOPTIONS, 1, 0, 0, 0, NULL, NULL, \
	 {#lv, #name, value, text}}

static const struct opt opts[] = {
	GET(SOL_SOCKET, SO_ERROR, error, "int, get", "errno that ended the connection, or of the last ICMP error about a live one; once"),
	GET(SOL_SOCKET, SO_TYPE, type, "int, get", "SOCK_STREAM"),
	GET(SOL_SOCKET, SO_DOMAIN, domain, "int, get", "AF_INET or AF_INET6"),
	GET(SOL_SOCKET, SO_PROTOCOL, protocol, "int, get", "IPPROTO_TCP"),
	GET(SOL_SOCKET, SO_ACCEPTCONN, acceptconn, "int, get", "1 on a listener"),
	OWN(SOL_SOCKET, SO_REUSEADDR, reuse, "int", "bind over sockets, connections and TIME-WAIT that have it too, not over a listener; before bind, later EINVAL"),
	OWN(SOL_SOCKET, SO_REUSEPORT, reuseport, "int", "bind and listen beside sockets of the same user that have it too; their listeners share what comes in; before bind, later EINVAL"),
	OWN(SOL_SOCKET, SO_LINGER, linger, "struct linger", "{1, 0}: close sends RST; {1, n}: close returns at once, and what is not acknowledged n s later ends with RST; {0, n}: off"),
	STACK(SOL_SOCKET, SO_KEEPALIVE, KEEPALIVE, 1, 0, 1, 0, "int", "keep-alive probes"),
	OWN(SOL_SOCKET, SO_OOBINLINE, oobinline, "int", "always 1: an urgent octet stays in its place; 0 is ENOPROTOOPT"),
	STACK(SOL_SOCKET, SO_RCVBUF, RCVBUF, 1, 0, 0, 0, "octets", "the receive buffer, which is tuned no more; brought between 2048 and the configured one; read back as it is, not doubled"),
	OWN(SOL_SOCKET, SO_SNDBUF, sndbuf, "octets", "the send buffer, which is tuned no more; the same; as much again may wait in the fd"),
	OWN(SOL_SOCKET, SO_MAX_PACING_RATE, pacing, "octets a second", "text leaves no faster, at least 1000; unsigned, of 32 or 64 bits; 0 and above 10^12: no limit, read as ~0"),
	KERNEL(SOL_SOCKET, SO_RCVLOWAT, "octets", "the kernel's, of the fd itself: read waits for so many, poll does not"),
	KERNEL(SOL_SOCKET, SO_RCVTIMEO, "struct timeval", "the kernel's, of the fd itself"),
	KERNEL(SOL_SOCKET, SO_SNDTIMEO, "struct timeval", "the kernel's, of the fd itself; not for connect"),
	STACK(IPPROTO_TCP, TCP_NODELAY, NODELAY, 1, 0, 1, 0, "int", "no Nagle algorithm; what waits goes at once, corked or not"),
	STACK(IPPROTO_TCP, TCP_CORK, CORK, 1, 0, 1, 0, "int", "only full segments until it is cleared, at most for 200 ms"),
	STACK(IPPROTO_TCP, TCP_QUICKACK, QUICKACK, 1, 0, 1, 1, "int", "1: the ACK that waits goes, the next ones are not delayed; 0: they are; passes, as in the kernel"),
	STACK(IPPROTO_TCP, TCP_KEEPIDLE, KEEPIDLE, NS_S, 1, 32767, 7200, "seconds", "idle time before the first probe"),
	STACK(IPPROTO_TCP, TCP_KEEPINTVL, KEEPINTVL, NS_S, 1, 32767, 75, "seconds", "time between probes"),
	STACK(IPPROTO_TCP, TCP_KEEPCNT, KEEPCNT, 1, 1, 127, 9, "count", "unanswered probes that end the connection"),
	STACK(IPPROTO_TCP, TCP_USER_TIMEOUT, USER_TIMEOUT, NS_MS, 0, INT32_MAX, 0, "milliseconds", "how long data may stay unacknowledged; 0: as the retries say"),
	STACK(IPPROTO_TCP, TCP_SYNCNT, SYNCNT, 1, 1, 127, 0, "count", "SYNs sent again, and of a listener SYN-ACKs; reads 0 while as configured"),
	OWN(IPPROTO_TCP, TCP_LINGER2, linger2, "seconds", "FIN-WAIT-2 after a close, at most 120; 0: as configured; below 0 is EINVAL"),
	OWN(IPPROTO_TCP, TCP_DEFER_ACCEPT, defer, "seconds", "of listeners: no connection before its first data, or the answer to the first SYN-ACK after that time, the last of the list at the latest; read back as set, not rounded; on a connection EINVAL"),
	OWN(IPPROTO_TCP, TCP_WINDOW_CLAMP, clamp, "octets", "most that the window announces, at least 1024; 0: off"),
	OWN(IPPROTO_TCP, TCP_MAXSEG, maxseg, "octets", "upper limit of the MSS, 88 to 32767, before connect (later EINVAL) and on listeners; reads what is in use"),
	STACK(IPPROTO_TCP, TCP_FASTOPEN, FASTOPEN, 1, 0, 65535, 0, "count", "of listeners: a SYN with a good cookie is a connection at once, with its text; at most so many without their last ACK; 0: off; on a connection EINVAL; ENOPROTOOPT where `fast-open` has no server"),
	STACK(IPPROTO_TCP, TCP_FASTOPEN_CONNECT, FASTOPEN_CONNECT, 1, 0, 1, 0, "int", "before connect, later EINVAL: connect asks for a cookie; where one is known it returns at once, and the SYN waits for the first write and takes its text; ENOPROTOOPT where `fast-open` has no client"),
	OWN(IPPROTO_TCP, TCP_CONGESTION, congestion, "name", "congestion control; unknown: ENOENT"),
	GET(IPPROTO_TCP, TCP_INFO, info, "struct tcp_info, get", "280 octets in the kernel's layout; what the stack does not have is 0"),
	OWN(IPPROTO_TCP, TCP_NOTSENT_LOWAT, lowat, "octets", "unsent octets above which the app waits; as many again may wait in the fd; 0 and below: the daemon's own (128 KiB, or what a millisecond sends)"),
	OWN(IPPROTO_IP, IP_TOS, tos, "int or octet", "DS field of what is sent, SYN-ACKs of a listener too; the two ECN bits are the stack's, and read as 0; over IPv6 the same as IPV6_TCLASS"),
	OWN(IPPROTO_IP, IP_TTL, ttl, "int", "TTL or hop limit of what is sent, 1 to 255; -1: the default, 64"),
	OWN(IPPROTO_IPV6, IPV6_TCLASS, tclass, "int", "AF_INET6 only: as IP_TOS; -1: 0"),
	OWN(IPPROTO_IPV6, IPV6_UNICAST_HOPS, hops, "int", "AF_INET6 only: as IP_TTL"),
	OWN(IPPROTO_IPV6, IPV6_V6ONLY, v6only, "int", "AF_INET6 only, before bind, later EINVAL"),
	QUEUE(SIOCINQ, inq, "octets that wait to be read, in the fd and in the stack"),
	QUEUE(SIOCOUTQ, outq, "octets written and not acknowledged, in the fd and in the stack, and the FIN"),
	QUEUE(SIOCOUTQNSD, outqnsd, "octets written and never sent"),
};
/* clang-format on */

bool bridge_opt_row(unsigned i, struct bridge_opt_row *row)
{
	if (i >= ARRAY_SIZE(opts))
		return false;
	*row = opts[i].row;
	return true;
}

static const struct opt *find(uint32_t level, uint32_t option)
{
	for (size_t i = 0; i < ARRAY_SIZE(opts); i++)
		if (opts[i].level == level && opts[i].option == option &&
		    opts[i].type != OPT_KERNEL)
			return &opts[i];
	return NULL;
}

int bridge_set(struct bridge *b, uint32_t level, uint32_t option,
	       const void *value, size_t len)
{
	const struct opt *o = find(level, option);

	if (!o)
		return ENOPROTOOPT;
	if (o->type == OPT_STACK)
		return set_stack(b, o, value, len);
	return o->set ? o->set(b, value, len) : ENOPROTOOPT;
}

int bridge_get(struct bridge *b, uint32_t level, uint32_t option, void *value,
	       uint16_t *len)
{
	const struct opt *o = find(level, option);

	if (!o)
		return ENOPROTOOPT;
	if (o->type == OPT_STACK)
		return get_stack(b, o, value, len);
	return o->get(b, value, len);
}

/* As in the kernel: taken, for there is nothing left that it could change. */
int bridge_set_ended(uint32_t level, uint32_t option)
{
	const struct opt *o = find(level, option);

	return o && (o->type == OPT_STACK || o->set) ? 0 : ENOPROTOOPT;
}

int bridge_get_ended(struct app *a, struct app_ended *e, uint32_t level,
		     uint32_t option, void *value, uint16_t *len)
{
	struct bridge b = {.app = a,
			   .kind = BRIDGE_CONN,
			   .domain = e->domain,
			   .asked_fd = -1,
			   .err = e->err};
	int r = bridge_get(&b, level, option, value, len);

	e->err = b.err;
	return r;
}

/* --- options that were set before there was a connection */

static void apply(struct bridge *b, const struct bridge_options *o,
		  uint64_t which)
{
	struct daemon *d = b->app->d;

	for (int i = 0; i < TCPD_NOPTIONS; i++)
		if (o->set & which & UINT64_C(1) << i)
			tcpd_set_option(d->st, b->h, (enum tcpd_option)i,
					o->value[i], d->now);
}

/* These show in the SYN, so the socket must have them before. */
#define BEFORE                                                             \
	(UINT64_C(1) << TCPD_OPT_MAXSEG | UINT64_C(1) << TCPD_OPT_RCVBUF | \
	 UINT64_C(1) << TCPD_OPT_FASTOPEN_CONNECT)

void bridge_options_before(struct bridge *b)
{
	struct daemon *d = b->app->d;
	struct tcpd_addr any = {.family = b->domain == 4 ? 4 : 0};
	tcpd_handle h;

	if (!b->options || !(b->options->set & BEFORE))
		return;
	if (!b->h) {
		/* the port is the connect's to choose, by its peer */
		if (tcpd_bind(d->st, &h, &any, TCPD_BIND_NO_PORT, d->now) < 0)
			return;
		bridge_adopt(b, h);
	}
	apply(b, b->options, BEFORE);
}

void bridge_options_after(struct bridge *b)
{
	if (b->options)
		apply(b, b->options,
		      ~(UINT64_C(1) << TCPD_OPT_MAXSEG |
			UINT64_C(1) << TCPD_OPT_FASTOPEN_CONNECT |
			UINT64_C(1) << TCPD_OPT_FASTOPEN));
}

void bridge_options_listen(struct bridge *b)
{
	if (b->options)
		apply(b, b->options, UINT64_MAX);
}
