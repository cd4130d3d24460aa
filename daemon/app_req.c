/* SPDX-License-Identifier: MIT */
/*
 * app_req.c - what a client of app.sock can ask for: a handler an op.
 *
 * The app's fd that comes with a request is looked up by its SO_COOKIE, so
 * whoever holds the fd may ask, from any process.  A request about a
 * connection first takes what lies in its fd, so that it has its place in the
 * stream (ABORT excepted).
 */
#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "bridge.h"

#define HAS(m, tlv) ((m)->has & PROTO_HAS(PROTO_TLV_##tlv))

struct request {
	struct app *a;
	const struct app_client *c;
	struct proto_msg *m; /* the request's values, read by the handler */
	struct proto_msg *r; /* the reply's */
	int fd;		     /* the app's end; -1: none came */
	int reply_fd;
	struct bridge *b; /* what it is an end of; NULL: see |ended| */
	struct app_ended *ended;
};

static struct proto_addr addr_out(const struct tcpd_addr *t)
{
	struct proto_addr a = {.port = t->port, .family = t->family};

	memcpy(a.ip, t->ip, sizeof(a.ip));
	return a;
}

static bool is_any(const struct proto_addr *a)
{
	static const uint8_t any[16];

	return memcmp(a->ip, any, sizeof(any)) == 0;
}

/* An address as the socket's domain allows it: 0 or an errno. */
static int addr_in(const struct bridge *b, const struct proto_addr *a,
		   struct tcpd_addr *t)
{
	uint8_t family = a->family ? a->family : b->domain;

	if (b->domain == 4 && family != 4)
		return EAFNOSUPPORT;
	if (family == 4 && b->domain == 6 && b->v6only)
		return EINVAL;
	*t = (struct tcpd_addr){.port = a->port, .family = family};
	memcpy(t->ip, a->ip, sizeof(t->ip));
	return 0;
}

/* May the user do this?  His first group, then his others. */
static bool allowed(const struct request *q, bool listen,
		    const struct tcpd_addr *a)
{
	gid_t groups[64];
	socklen_t len = sizeof(groups);

	if (app_allowed(q->a->d, q->c->uid, q->c->gid, listen, a))
		return true;
	if (getsockopt(q->c->fd, SOL_SOCKET, SO_PEERGROUPS, groups, &len) < 0)
		return false;
	for (size_t i = 0; i < len / sizeof(groups[0]); i++)
		if (app_allowed(q->a->d, q->c->uid, groups[i], listen, a))
			return true;
	return false;
}

static bool allowed_any(const struct request *q)
{
	gid_t groups[64];
	socklen_t len = sizeof(groups);

	if (app_allowed_any(q->a->d, q->c->uid, q->c->gid))
		return true;
	if (getsockopt(q->c->fd, SOL_SOCKET, SO_PEERGROUPS, groups, &len) < 0)
		return false;
	for (size_t i = 0; i < len / sizeof(groups[0]); i++)
		if (app_allowed_any(q->a->d, q->c->uid, groups[i]))
			return true;
	return false;
}

/* The local address goes into the reply. */
static void tell_local(struct request *q)
{
	struct daemon *d = q->a->d;
	struct tcpd_status s;

	if (!q->b->h || tcpd_status(d->st, q->b->h, &s, d->now) < 0)
		return;
	q->r->local = addr_out(&s.local);
	q->r->has |= PROTO_HAS(PROTO_TLV_LOCAL);
}

/* --- the ops: 0 or an errno */

static int do_hello(struct request *q)
{
	static const char version[] = TCPD_VERSION;

	q->r->has |= PROTO_HAS(PROTO_TLV_VERSION);
	q->r->nversion = sizeof(version) - 1;
	memcpy(q->r->version, version, sizeof(version));
	return 0;
}

/* A user may have half of what there is; the rest is for the others. */
static bool has_share(struct app *a, uid_t uid)
{
	struct app_user *u = app_user_get(a, uid);
	bool ok = u->nbridges < a->bridges.max / 2 || app_is_privileged(a, uid);

	app_user_put(a, u);
	return ok;
}

static int do_socket(struct request *q)
{
	struct app_owner *o;
	struct app_pair p;
	struct bridge *b;

	if (!HAS(q->m, DOMAIN))
		return EINVAL;
	if (!allowed_any(q))
		return EACCES;
	if (!has_share(q->a, q->c->uid))
		return EMFILE;
	if (bridge_pair(q->a, &p, false) < 0)
		return errno;
	o = app_owner_new(q->c);
	if (!o) {
		bridge_pair_close(&p);
		return ENOMEM;
	}
	b = bridge_new(q->a, &p, o, BRIDGE_SOCKET, q->m->domain);
	app_owner_unref(o);
	if (b) {
		struct tcpd_addr none = {.family = q->m->domain};

		if (bridge_name(b, b->fd, NAME_FRESH, &none, NULL) == 0) {
			q->reply_fd = p.app_fd;
			return 0;
		}
		bridge_free(b);
	}
	bridge_pair_close(&p);
	return errno ? errno : ENOMEM;
}

/* Whether it may have this address is not known before the port is. */
static int check_bound(const struct request *q, tcpd_handle h, bool listen)
{
	struct daemon *d = q->a->d;
	struct tcpd_status s;

	if (tcpd_status(d->st, h, &s, d->now) < 0)
		return EINVAL;
	return allowed(q, listen, &s.local) ? 0 : EACCES;
}

/* bind(2): no port left is EADDRINUSE, where connect(2) has EADDRNOTAVAIL for
 * that and for four numbers that are in use. */
static int bind_errno(int err)
{
	return app_errno(err == -TCPD_ERR_NO_PORT ? -TCPD_ERR_IN_USE : err);
}

static int connect_errno(int err)
{
	return app_errno(err == -TCPD_ERR_IN_USE ? -TCPD_ERR_NO_PORT : err);
}

static int do_bind(struct request *q)
{
	struct daemon *d = q->a->d;
	struct bridge *b = q->b;
	struct tcpd_addr local;
	tcpd_handle h;
	int r;

	if (!HAS(q->m, LOCAL) || b->kind != BRIDGE_SOCKET || b->h)
		return EINVAL;
	r = addr_in(b, &q->m->local, &local);
	if (r)
		return r;
	if (local.family == 6 && is_any(&q->m->local) && !b->v6only)
		local.family = 0;
	if (local.port && !allowed(q, true, &local) &&
	    !allowed(q, false, &local))
		return EACCES;
	r = tcpd_bind(d->st, &h, &local, bridge_bind_flags(b), d->now);
	if (r < 0)
		return bind_errno(r);
	if (!local.port && check_bound(q, h, true) &&
	    check_bound(q, h, false)) {
		tcpd_close(d->st, h, d->now);
		return EACCES;
	}
	bridge_adopt(b, h);
	tell_local(q);
	return 0;
}

/* The settings of a listener: the configuration's, with its own backlog. */
static struct tcpd_conn_settings settings_of(const struct request *q)
{
	struct tcpd_conn_settings cs = q->a->d->conf->conn;

	cs.fast_open = 0; /* it asks for it, or has none */
	if (q->m->backlog < cs.backlog)
		cs.backlog = q->m->backlog;
	return cs;
}

static int do_listen(struct request *q)
{
	struct daemon *d = q->a->d;
	struct bridge *b = q->b;
	struct tcpd_conn_settings cs = settings_of(q);
	uint32_t backlog = cs.backlog;
	struct tcpd_addr any = {.family = b->domain};
	struct tcpd_status s;
	tcpd_handle h = b->h;
	int r;

	if (!HAS(q->m, BACKLOG) ||
	    (b->kind != BRIDGE_SOCKET && b->kind != BRIDGE_LISTENER))
		return EINVAL;
	cs.backlog = bridge_stack_backlog(backlog);
	if (b->domain == 6 && !b->v6only)
		any.family = 0;
	if (h && b->kind == BRIDGE_SOCKET && check_bound(q, h, true))
		return EACCES;
	r = tcpd_listen(d->st, &h, &any, bridge_bind_flags(b), &cs, d->now);
	if (r < 0)
		return bind_errno(r);
	if (!b->h && check_bound(q, h, true)) {
		tcpd_close(d->st, h, d->now);
		return EACCES;
	}
	bridge_adopt(b, h);
	if (b->kind == BRIDGE_SOCKET &&
	    tcpd_status(d->st, h, &s, d->now) == 0) {
		b->number = s.id;
		/* It may have a name already, from a listen() that failed. */
		bridge_name(b, q->fd, NAME_LISTENER, &s.local, NULL);
	}
	bridge_listen(b, backlog);
	bridge_options_listen(b);
	tell_local(q);
	return 0;
}

/* Why it cannot connect; 0: it can. */
static int check_connect(const struct request *q)
{
	struct app_ended *e = q->ended;
	int err;

	if (e) {
		err = e->err ? e->err : ECONNABORTED;
		e->err = 0;
		return err;
	}
	switch ((enum bridge_kind)q->b->kind) {
	case BRIDGE_SOCKET:
		return HAS(q->m, PEER) ? 0 : EINVAL;
	case BRIDGE_CONNECTING:
		return EALREADY;
	case BRIDGE_LISTENER:
	case BRIDGE_CONN:
		break;
	}
	return EISCONN;
}

static int do_connect(struct request *q)
{
	struct daemon *d = q->a->d;
	struct bridge *b = q->b;
	struct tcpd_addr peer;
	struct tcpd_status s;
	int r = check_connect(q);

	if (r)
		return r;
	r = addr_in(b, &q->m->peer, &peer);
	if (r)
		return r;
	bridge_options_before(b);
	r = tcpd_connect(d->st, &b->h, NULL, &peer, d->now);
	if (r < 0)
		return connect_errno(r);
	bridge_adopt(b, b->h);
	if (check_bound(q, b->h, false)) {
		/* Nothing has been sent yet: the SYN goes with the output. */
		tcpd_set_user(d->st, b->h, NULL);
		tcpd_abort(d->st, b->h, d->now);
		b->h = 0;
		return EACCES;
	}
	/* What was written before belongs to no connection. */
	b->lag = bridge_inq(b);
	bridge_take_lag(b, 1);
	/* A SYN that is to take text waits for it: the app may write. */
	b->opening = tcpd_syn_room(d->st, b->h) > 0;
	if (!b->opening && bridge_fill(b, q->fd) < 0)
		return errno;
	b->kind = b->opening ? BRIDGE_CONN : BRIDGE_CONNECTING;
	b->rate_at = d->now;
	bridge_options_after(b);
	if (tcpd_status(d->st, b->h, &s, d->now) == 0) {
		b->number = s.id;
		b->local = s.local;
		b->peer = s.peer;
		bridge_name(b, q->fd, NAME_CONNECTION, &s.local, &s.peer);
	}
	tell_local(q);
	return b->opening ? 0 : EINPROGRESS;
}

static int do_name(struct request *q)
{
	struct daemon *d = q->a->d;
	struct tcpd_status s;

	q->r->local.family = q->b->domain;
	q->r->has |= PROTO_HAS(PROTO_TLV_LOCAL);
	tell_local(q);
	if (q->b->kind == BRIDGE_CONN && q->b->h &&
	    tcpd_status(d->st, q->b->h, &s, d->now) == 0) {
		q->r->peer = addr_out(&s.peer);
		q->r->has |= PROTO_HAS(PROTO_TLV_PEER);
	}
	return 0;
}

static int do_setopt(struct request *q)
{
	const struct proto_msg *m = q->m;
	int r;

	if (!HAS(m, LEVEL) || !HAS(m, OPTION) || !HAS(m, VALUE))
		return EINVAL;
	if (!q->b)
		return bridge_set_ended(m->level, m->option);
	q->b->asked_fd = q->fd;
	r = bridge_set(q->b, m->level, m->option, m->value, m->nvalue);
	q->b->asked_fd = -1;
	return r;
}

static int do_getopt(struct request *q)
{
	const struct proto_msg *m = q->m;
	uint16_t len;
	int r;

	if (!HAS(m, LEVEL) || !HAS(m, OPTION) || !HAS(m, LENGTH))
		return EINVAL;
	len = m->length < PROTO_VALUE_MAX ? (uint16_t)m->length
					  : PROTO_VALUE_MAX;
	if (q->b) {
		q->b->asked_fd = q->fd;
		r = bridge_get(q->b, m->level, m->option, q->r->value, &len);
		q->b->asked_fd = -1;
	} else {
		r = bridge_get_ended(q->a, q->ended, m->level, m->option,
				     q->r->value, &len);
	}
	q->r->nvalue = len;
	if (r == 0)
		q->r->has |= PROTO_HAS(PROTO_TLV_VALUE);
	return r;
}

static int do_abort(struct request *q)
{
	if (!q->b->h)
		return ENOTCONN;
	bridge_abort(q->b, ECONNABORTED);
	return 0;
}

static int do_send(struct request *q)
{
	const struct proto_msg *m = q->m;
	int r;

	if (!HAS(m, FLAGS) || !HAS(m, LENGTH) || !HAS(m, DATA) ||
	    m->length < m->ndata)
		return EINVAL;
	r = bridge_send(q->b, m->data, m->ndata, m->length, m->flags,
			&q->r->length);
	if (r == 0)
		q->r->has |= PROTO_HAS(PROTO_TLV_LENGTH);
	return r;
}

enum { ENDED_TOO = 1u << 0, AFTER_DATA = 1u << 1 };

static const struct {
	int (*run)(struct request *q);
	unsigned flags;
} handlers[PROTO_OP_END] = {
	[PROTO_HELLO] = {do_hello, 0},
	[PROTO_SOCKET] = {do_socket, 0},
	[PROTO_BIND] = {do_bind, 0},
	[PROTO_LISTEN] = {do_listen, 0},
	[PROTO_CONNECT] = {do_connect, ENDED_TOO},
	[PROTO_NAME] = {do_name, 0},
	[PROTO_SETOPT] = {do_setopt, ENDED_TOO | AFTER_DATA},
	[PROTO_GETOPT] = {do_getopt, ENDED_TOO | AFTER_DATA},
	[PROTO_ABORT] = {do_abort, 0},
	[PROTO_SEND] = {do_send, 0},
};

static bool has_name(int fd, int (*call)(int, struct sockaddr *, socklen_t *))
{
	struct sockaddr_un sun = {0};
	socklen_t len = sizeof(sun);
	const size_t head = offsetof(struct sockaddr_un, sun_path);
	struct name n;

	return call(fd, (struct sockaddr *)&sun, &len) == 0 &&
	       sun.sun_family == AF_UNIX && len > head && len <= sizeof(sun) &&
	       sun.sun_path[0] == '\0' &&
	       name_parse(&n, sun.sun_path + 1, len - head - 1);
}

static int own_name(int fd, struct sockaddr *sa, socklen_t *len)
{
	return getsockname(fd, sa, len);
}

static int peer_name(int fd, struct sockaddr *sa, socklen_t *len)
{
	return getpeername(fd, sa, len);
}

/* An fd of a tcpd's whose connection nobody remembers any more. */
static bool was_ours(int fd)
{
	return has_name(fd, own_name) || has_name(fd, peer_name);
}

/* Which socket it is about: 0 or an errno. */
static int find(struct request *q, unsigned flags)
{
	uint64_t cookie = 0;
	socklen_t len = sizeof(cookie);

	if (q->fd < 0)
		return EBADF;
	if (getsockopt(q->fd, SOL_SOCKET, SO_COOKIE, &cookie, &len) < 0)
		return ENOTSOCK;
	q->b = bridge_find(q->a, cookie);
	if (q->b)
		return 0;
	q->ended = bridge_find_ended(q->a, cookie);
	if (!q->ended)
		return was_ours(q->fd) ? ENOTCONN : ENOTSOCK;
	return flags & ENDED_TOO ? 0 : ENOTCONN;
}

static int perform(struct request *q)
{
	const struct proto_op_row *row = proto_op_row(q->m->op);
	unsigned flags;
	int r;

	if (!row)
		return ENOSYS;
	flags = handlers[q->m->op].flags;
	if (row->fds_in) {
		r = find(q, flags);
		if (r)
			return r;
	} else if (q->fd >= 0) {
		return EINVAL;
	}
	if (flags & AFTER_DATA && q->b && q->b->kind == BRIDGE_CONN &&
	    !q->b->eof_in && bridge_take_all(q->b) == FLOW_RIGHTS) {
		bridge_abort(q->b, ECONNABORTED);
		return ECONNABORTED;
	}
	return handlers[q->m->op].run(q);
}

void app_request(struct app *a, const struct app_client *c, struct proto_msg *m,
		 int fd, int *reply_fd)
{
	static struct proto_msg r;
	struct request q = {
		.a = a, .c = c, .m = m, .r = &r, .fd = fd, .reply_fd = -1};

	memset(&r, 0, sizeof(r));
	r.op = m->op;
	r.seq = m->seq;
	r.err = perform(&q);
	*m = r;
	*reply_fd = q.reply_fd;
	daemon_kick(a->d);
}
