/* SPDX-License-Identifier: MIT */
/*
 * bridge_opt.c - socket options: the table of those that work.  Whatever is
 * not in it is ENOPROTOOPT; none is accepted and ignored.  doc/sockopts.md is
 * checked against the table.
 *
 * Before there is a connection the values wait in the bridge; a connection
 * has them in the stack, which alone knows what they do.
 */
#include <errno.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/clamp.h"
#include "bridge.h"

#define NAME_LEN   16 /* TCP_CA_NAME_MAX of the kernel */
#define BUFFER_MIN 2048

enum opt_type {
	OPT_STACK,  /* an int of the stack's, in units of |scale| */
	OPT_OWN,    /* get and set below */
	OPT_KERNEL, /* libtcpd-app asks the kernel's socket */
};

struct opt {
	uint32_t level, option;
	enum opt_type type;
	enum tcpd_option stack;
	uint64_t scale;
	uint32_t min, max, initial; /* of the int; 0: as the configuration */
	int (*set)(struct bridge *b, const void *p, size_t len);
	int (*get)(struct bridge *b, void *p, uint16_t *len);
	struct bridge_opt_row row;
};

/* --- values */

static int get_int(const void *p, size_t len, int *v)
{
	if (len < sizeof(*v))
		return EINVAL;
	memcpy(v, p, sizeof(*v));
	return 0;
}

static int give(void *p, uint16_t *len, const void *v, size_t n)
{
	if (*len > n)
		*len = (uint16_t)n;
	memcpy(p, v, *len);
	return 0;
}

static int give_int(void *p, uint16_t *len, int v)
{
	return give(p, len, &v, sizeof(v));
}

/* In the stack there is a connection that has the value. */
static bool is_open(const struct bridge *b)
{
	return b->h && (b->kind == BRIDGE_CONN || b->kind == BRIDGE_CONNECTING);
}

static struct bridge_options *options_of(struct bridge *b)
{
	if (!b->options)
		b->options = calloc(1, sizeof(*b->options));
	return b->options;
}

static int store(struct bridge *b, enum tcpd_option o, uint64_t value)
{
	struct daemon *d = b->app->d;
	struct bridge_options *s;

	if (is_open(b))
		return app_errno(
			tcpd_set_option(d->st, b->h, o, value, d->now));
	s = options_of(b);
	if (!s)
		return ENOMEM;
	s->value[o] = value;
	s->set |= 1u << o;
	return 0;
}

/* The default of a buffer or of the congestion control is configured. */
static uint64_t initial(const struct bridge *b, const struct opt *o)
{
	const struct tcpd_conn_settings *cs = &b->app->d->conf->conn;

	if (o->stack == TCPD_OPT_RCVBUF)
		return cs->receive_buffer;
	if (o->stack == TCPD_OPT_SNDBUF)
		return cs->send_buffer;
	return o->initial * o->scale;
}

/* As the kernel does: what is out of the range is brought into it. */
static uint64_t clamp_buffer(int v, uint64_t most)
{
	uint64_t want = v < BUFFER_MIN ? BUFFER_MIN : (uint64_t)v;

	return min_u64(want, most);
}

static int set_stack(struct bridge *b, const struct opt *o, const void *p,
		     size_t len)
{
	int v, r = get_int(p, len, &v);

	if (r)
		return r;
	if (o->max == 1)
		v = v != 0;
	if (o->stack == TCPD_OPT_RCVBUF || o->stack == TCPD_OPT_SNDBUF)
		return store(b, o->stack, clamp_buffer(v, initial(b, o)));
	if (v < 0 || (uint32_t)v < o->min || (uint32_t)v > o->max)
		return EINVAL;
	return store(b, o->stack, (uint64_t)v * o->scale);
}

static int get_stack(struct bridge *b, const struct opt *o, void *p,
		     uint16_t *len)
{
	uint64_t v = initial(b, o);
	int r;

	if (is_open(b)) {
		r = tcpd_get_option(b->app->d->st, b->h, o->stack, &v);
		if (r < 0)
			return app_errno(r);
	} else if (b->options && b->options->set & 1u << o->stack) {
		v = b->options->value[o->stack];
	}
	return give_int(p, len, (int)min_u64(v / o->scale, INT32_MAX));
}

/* --- the bridge's own */

static int get_error(struct bridge *b, void *p, uint16_t *len)
{
	int err = b->err;

	b->err = 0;
	return give_int(p, len, err);
}

static int get_type(struct bridge *b, void *p, uint16_t *len)
{
	(void)b;
	return give_int(p, len, SOCK_STREAM);
}

static int get_domain(struct bridge *b, void *p, uint16_t *len)
{
	return give_int(p, len, b->domain == 4 ? AF_INET : AF_INET6);
}

static int get_protocol(struct bridge *b, void *p, uint16_t *len)
{
	(void)b;
	return give_int(p, len, IPPROTO_TCP);
}

static int get_acceptconn(struct bridge *b, void *p, uint16_t *len)
{
	return give_int(p, len, b->kind == BRIDGE_LISTENER);
}

static int set_reuse(struct bridge *b, const void *p, size_t len)
{
	int v, r = get_int(p, len, &v);

	if (r)
		return r;
	/* It is a matter of bind(): afterwards it would do nothing. */
	if (b->h)
		return EINVAL;
	b->reuse = v != 0;
	return 0;
}

static int get_reuse(struct bridge *b, void *p, uint16_t *len)
{
	return give_int(p, len, b->reuse);
}

static int set_reuseport(struct bridge *b, const void *p, size_t len)
{
	int v, r = get_int(p, len, &v);

	if (r)
		return r;
	if (b->h)
		return EINVAL;
	b->reuseport = v != 0;
	return 0;
}

static int get_reuseport(struct bridge *b, void *p, uint16_t *len)
{
	return give_int(p, len, b->reuseport);
}

uint64_t bridge_bind_flags(const struct bridge *b)
{
	return TCPD_BIND_OWNER(b->owner->uid) |
	       (b->reuse ? TCPD_BIND_REUSE : 0) |
	       (b->reuseport ? TCPD_BIND_REUSEPORT : 0);
}

static int set_linger(struct bridge *b, const void *p, size_t len)
{
	struct linger l;

	if (len < sizeof(l))
		return EINVAL;
	memcpy(&l, p, sizeof(l));
	/* close() of a socketpair cannot wait for the peer. */
	if (l.l_onoff && l.l_linger)
		return ENOPROTOOPT;
	b->linger = l.l_onoff != 0;
	return 0;
}

static int get_linger(struct bridge *b, void *p, uint16_t *len)
{
	struct linger l = {.l_onoff = b->linger};

	return give(p, len, &l, sizeof(l));
}

static int set_v6only(struct bridge *b, const void *p, size_t len)
{
	int v, r = get_int(p, len, &v);

	if (r)
		return r;
	if (b->domain != 6)
		return ENOPROTOOPT;
	if (b->h)
		return EINVAL;
	b->v6only = v != 0;
	return 0;
}

static int get_v6only(struct bridge *b, void *p, uint16_t *len)
{
	if (b->domain != 6)
		return ENOPROTOOPT;
	return give_int(p, len, b->v6only);
}

static int set_lowat(struct bridge *b, const void *p, size_t len)
{
	int v, r = get_int(p, len, &v);

	if (r == 0)
		b->lowat = (uint32_t)v;
	return r;
}

static int get_lowat(struct bridge *b, void *p, uint16_t *len)
{
	return give_int(p, len, (int)b->lowat);
}

static int get_maxseg(struct bridge *b, void *p, uint16_t *len)
{
	struct daemon *d = b->app->d;
	struct tcpd_status s;
	const int dflt = 536; /* RFC 9293, MUST-15 */

	if (is_open(b) && tcpd_status(d->st, b->h, &s, d->now) == 0)
		return give_int(p, len, (int)s.mss);
	if (b->options && b->options->set & 1u << TCPD_OPT_MAXSEG)
		return give_int(p, len,
				(int)b->options->value[TCPD_OPT_MAXSEG]);
	return give_int(p, len, dflt);
}

static int set_maxseg(struct bridge *b, const void *p, size_t len)
{
	int v, r = get_int(p, len, &v);

	if (r)
		return r;
	if (v < 88 || v > 32767)
		return EINVAL;
	/* It is told in the SYN; a listener's SYN-ACKs are the stack's. */
	if (b->kind == BRIDGE_LISTENER)
		return ENOPROTOOPT;
	if (b->kind != BRIDGE_SOCKET)
		return EINVAL;
	return store(b, TCPD_OPT_MAXSEG, (uint64_t)v);
}

static int set_congestion(struct bridge *b, const void *p, size_t len)
{
	char name[NAME_LEN] = "";

	memcpy(name, p, min_u64(len, sizeof(name) - 1));
	for (int cc = 0; cc < TCPD_NCCS; cc++)
		if (strcmp(name,
			   tcpd_congestion_name((enum tcpd_congestion)cc)) == 0)
			return store(b, TCPD_OPT_CONGESTION, (uint64_t)cc);
	return ENOENT;
}

static int get_congestion(struct bridge *b, void *p, uint16_t *len)
{
	uint64_t cc = b->app->d->conf->conn.congestion;
	char name[NAME_LEN] = "";

	if (is_open(b)) {
		if (tcpd_get_option(b->app->d->st, b->h, TCPD_OPT_CONGESTION,
				    &cc) < 0)
			return EINVAL;
	} else if (b->options && b->options->set & 1u << TCPD_OPT_CONGESTION) {
		cc = b->options->value[TCPD_OPT_CONGESTION];
	}
	(void)snprintf(name, sizeof(name), "%s",
		       tcpd_congestion_name((enum tcpd_congestion)cc));
	return give(p, len, name, sizeof(name));
}

static int get_info(struct bridge *b, void *p, uint16_t *len)
{
	struct daemon *d = b->app->d;
	struct tcp_info i;
	struct tcpd_status s;

	memset(&i, 0, sizeof(i));
	if (b->h && tcpd_status(d->st, b->h, &s, d->now) == 0) {
		bridge_tcp_info(b, &s, &i);
		if (s.kind == TCPD_KIND_LISTENER) {
			/* As in the kernel: the accept queue. */
			i.tcpi_unacked = (uint32_t)s.recv_q + b->nqueued;
			i.tcpi_sacked = b->backlog;
		}
	} else {
		i.tcpi_state = 7; /* TCP_CLOSE */
	}
	return give(p, len, &i, sizeof(i));
}

/* --- the table */

#define NS_S  UINT64_C(1000000000)
#define NS_MS UINT64_C(1000000)

/* clang-format off */
#define STACK(lv, name, o, sc, lo, hi, dflt, value, text) \
	{lv, name, OPT_STACK, TCPD_OPT_##o, sc, lo, hi, dflt, NULL, NULL, \
	 {#lv, #name, value, text}}
#define OWN(lv, name, set, get, value, text) \
	{lv, name, OPT_OWN, TCPD_NOPTIONS, 1, 0, 0, 0, set, get, \
	 {#lv, #name, value, text}}
#define KERNEL(lv, name, value, text) \
	{lv, name, OPT_KERNEL, TCPD_NOPTIONS, 1, 0, 0, 0, NULL, NULL, \
	 {#lv, #name, value, text}}

static const struct opt opts[] = {
	OWN(SOL_SOCKET, SO_ERROR, NULL, get_error, "int, get", "errno that ended the connection, once"),
	OWN(SOL_SOCKET, SO_TYPE, NULL, get_type, "int, get", "SOCK_STREAM"),
	OWN(SOL_SOCKET, SO_DOMAIN, NULL, get_domain, "int, get", "AF_INET or AF_INET6"),
	OWN(SOL_SOCKET, SO_PROTOCOL, NULL, get_protocol, "int, get", "IPPROTO_TCP"),
	OWN(SOL_SOCKET, SO_ACCEPTCONN, NULL, get_acceptconn, "int, get", "1 on a listener"),
	OWN(SOL_SOCKET, SO_REUSEADDR, set_reuse, get_reuse, "int", "bind over sockets, connections and TIME-WAIT that have it too, not over a listener; before bind, later EINVAL"),
	OWN(SOL_SOCKET, SO_REUSEPORT, set_reuseport, get_reuseport, "int", "bind and listen beside sockets of the same user that have it too; their listeners share what comes in; before bind, later EINVAL"),
	OWN(SOL_SOCKET, SO_LINGER, set_linger, get_linger, "struct linger", "{1, 0}: close sends RST; {0, n}: off; {1, n}: ENOPROTOOPT, since close cannot wait"),
	STACK(SOL_SOCKET, SO_KEEPALIVE, KEEPALIVE, 1, 0, 1, 0, "int", "keep-alive probes"),
	STACK(SOL_SOCKET, SO_RCVBUF, RCVBUF, 1, 0, 0, 0, "octets", "upper limit of the receive buffer, brought between 2048 and the configured one; read back as it is, not doubled"),
	STACK(SOL_SOCKET, SO_SNDBUF, SNDBUF, 1, 0, 0, 0, "octets", "upper limit of the send buffer; the same"),
	KERNEL(SOL_SOCKET, SO_RCVTIMEO, "struct timeval", "the kernel's, of the fd itself"),
	KERNEL(SOL_SOCKET, SO_SNDTIMEO, "struct timeval", "the kernel's, of the fd itself; not for connect"),
	STACK(IPPROTO_TCP, TCP_NODELAY, NODELAY, 1, 0, 1, 0, "int", "no Nagle algorithm"),
	STACK(IPPROTO_TCP, TCP_CORK, CORK, 1, 0, 1, 0, "int", "only full segments until it is cleared"),
	STACK(IPPROTO_TCP, TCP_KEEPIDLE, KEEPIDLE, NS_S, 1, 32767, 7200, "seconds", "idle time before the first probe"),
	STACK(IPPROTO_TCP, TCP_KEEPINTVL, KEEPINTVL, NS_S, 1, 32767, 75, "seconds", "time between probes"),
	STACK(IPPROTO_TCP, TCP_KEEPCNT, KEEPCNT, 1, 1, 127, 9, "count", "unanswered probes that end the connection"),
	STACK(IPPROTO_TCP, TCP_USER_TIMEOUT, USER_TIMEOUT, NS_MS, 0, INT32_MAX, 0, "milliseconds", "how long data may stay unacknowledged; 0: as the retries say"),
	OWN(IPPROTO_TCP, TCP_MAXSEG, set_maxseg, get_maxseg, "octets", "upper limit of the MSS, 88 to 32767, before connect (later EINVAL); not for listeners: ENOPROTOOPT, also from listen"),
	OWN(IPPROTO_TCP, TCP_CONGESTION, set_congestion, get_congestion, "name", "congestion control; unknown: ENOENT"),
	OWN(IPPROTO_TCP, TCP_INFO, NULL, get_info, "struct tcp_info, get", "the kernel's layout; what the stack does not have is 0"),
	OWN(IPPROTO_TCP, TCP_NOTSENT_LOWAT, set_lowat, get_lowat, "octets", "unsent octets above which the app waits; the daemon's own least (128 KiB, or what a millisecond sends) stays"),
	OWN(IPPROTO_IPV6, IPV6_V6ONLY, set_v6only, get_v6only, "int", "AF_INET6 only, before bind, later EINVAL"),
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
	const struct opt *o = find(level, option);
	struct bridge b = {.app = a,
			   .kind = BRIDGE_CONN,
			   .domain = e->domain,
			   .err = e->err};
	int r;

	if (!o)
		return ENOPROTOOPT;
	if (o->type == OPT_STACK)
		return ENOTCONN; /* the value went with the connection */
	r = o->get(&b, value, len);
	e->err = b.err;
	return r;
}

/* --- options that were set before there was a connection */

static void apply(struct bridge *b, const struct bridge_options *o,
		  uint32_t which)
{
	struct daemon *d = b->app->d;

	for (int i = 0; i < TCPD_NOPTIONS; i++)
		if (o->set & which & 1u << i)
			tcpd_set_option(d->st, b->h, (enum tcpd_option)i,
					o->value[i], d->now);
}

/* These show in the SYN, so the socket must have them before. */
#define BEFORE (1u << TCPD_OPT_MAXSEG | 1u << TCPD_OPT_RCVBUF)

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

int bridge_options_listen(const struct bridge *b, struct tcpd_conn_settings *cs)
{
	const struct bridge_options *o = b->options;

	if (!o)
		return 0;
	/* The MSS of a SYN-ACK is the stack's own. */
	if (o->set & 1u << TCPD_OPT_MAXSEG)
		return ENOPROTOOPT;
	if (o->set & 1u << TCPD_OPT_RCVBUF)
		cs->receive_buffer = (uint32_t)o->value[TCPD_OPT_RCVBUF];
	if (o->set & 1u << TCPD_OPT_SNDBUF)
		cs->send_buffer = (uint32_t)o->value[TCPD_OPT_SNDBUF];
	if (o->set & 1u << TCPD_OPT_CONGESTION)
		cs->congestion = (uint8_t)o->value[TCPD_OPT_CONGESTION];
	return 0;
}

void bridge_options_after(struct bridge *b, const struct bridge_options *o)
{
	if (o)
		apply(b, o, ~(1u << TCPD_OPT_MAXSEG));
}
