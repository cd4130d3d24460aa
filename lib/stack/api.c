/* SPDX-License-Identifier: MIT */
/*
 * api.c - the calls of tcpd.h that open, close, send and receive: handles to
 * connections and back, arguments checked, and the work handed to lib/tcp.
 */
#include <string.h>

#include "stack/stack.h"

#define H_QUEUE		58
#define H_KIND		56
#define H_SLOT		32
#define H_KIND_CONN	1u
#define H_KIND_LISTENER 2u

tcpd_handle stack_handle(const struct tcp *t, uint32_t ref)
{
	uint32_t slot = REF_SLOT(ref);
	bool listens = REF_KIND(ref) == REF_LISTENER;
	const struct slab *s = listens ? &t->listeners : &t->conns;
	uint64_t kind = listens ? H_KIND_LISTENER : H_KIND_CONN;

	return (uint64_t)t->set.queue << H_QUEUE | kind << H_KIND |
	       (uint64_t)slot << H_SLOT | s->gen[slot];
}

static bool is_handle(const struct tcp *t, const struct slab *s, tcpd_handle h,
		      uint64_t kind, uint32_t *slot)
{
	*slot = (uint32_t)(h >> H_SLOT) & ((1u << (H_KIND - H_SLOT)) - 1);
	return h >> H_QUEUE == t->set.queue && (h >> H_KIND & 3) == kind &&
	       slab_is(s, *slot, (uint32_t)h);
}

struct conn *stack_conn(const struct tcpd_stack *st, tcpd_handle h)
{
	const struct tcp *t = &st->t;
	uint32_t slot;

	if (!is_handle(t, &t->conns, h, H_KIND_CONN, &slot) ||
	    !conn_at(t, slot)->held)
		return NULL;
	return conn_at(t, slot);
}

struct listener *stack_listener(const struct tcpd_stack *st, tcpd_handle h)
{
	const struct tcp *t = &st->t;
	uint32_t slot;

	if (!is_handle(t, &t->listeners, h, H_KIND_LISTENER, &slot))
		return NULL;
	return listener_at(t, slot);
}

/* A connection whose user has not closed it, or NULL. */
static struct conn *open_conn(const struct tcpd_stack *st, tcpd_handle h)
{
	struct conn *c = stack_conn(st, h);

	return c && !c->orphan ? c : NULL;
}

/* --- opening */

static int check_local(const struct tcp *t, const struct tcpd_addr *a,
		       bool *any)
{
	*any = a->family == 0 || ip_is_any(a->ip);
	if (a->family != 0 && a->family != 4 && a->family != 6)
		return -TCPD_ERR_FAMILY;
	if (*any)
		return 0;
	if ((a->family == 4) != ip_is4(a->ip))
		return -TCPD_ERR_FAMILY;
	return port_is_ours(t, a->ip) ? 0 : -TCPD_ERR_NOT_OURS;
}

/* What |c|, a bound socket, has. */
static struct claim claim_of(const struct conn *c)
{
	struct claim w = {.a.port = c->tu.lport,
			  .any = c->any_local,
			  .share = c->share,
			  .owner = c->owner,
			  .self = c};

	memcpy(w.a.ip, c->tu.local, 16);
	w.a.family = w.any ? c->family : ip_is4(w.a.ip) ? 4 : 6;
	return w;
}

/* A port for |w|, which names one or none. */
static int choose_port(struct tcp *t, struct claim *w)
{
	if (w->a.port)
		return listen_port_free(t, w) ? 0 : -TCPD_ERR_IN_USE;
	w->a.port = port_choose_bind(t, w);
	return w->a.port ? 0 : -TCPD_ERR_NO_PORT;
}

int tcpd_bind(struct tcpd_stack *st, tcpd_handle *out,
	      const struct tcpd_addr *local, uint64_t flags, tcpd_time now)
{
	struct tcp *t = &st->t;
	struct claim w = {.a = *local,
			  .share = flags &
				   (TCPD_BIND_REUSE | TCPD_BIND_REUSEPORT),
			  .owner = (uint32_t)(flags >> 32)};
	struct conn *c;
	int err;

	stack_enter(st, now);
	*out = 0;
	err = check_local(t, &w.a, &w.any);
	if (err)
		return err;
	if (w.a.port || !(flags & TCPD_BIND_NO_PORT))
		err = choose_port(t, &w);
	if (err)
		return err;
	c = conn_new(t);
	if (!c)
		return -TCPD_ERR_RESOURCES;
	c->id = t->next_id++;
	if (!w.any)
		memcpy(c->tu.local, w.a.ip, 16);
	c->tu.lport = w.a.port;
	c->any_local = w.any;
	c->family = w.a.family;
	c->held = true;
	c->share = w.share;
	c->owner = w.owner;
	if (w.a.port)
		conn_bind(t, c);
	*out = stack_handle(t, conn_ref(t, c));
	return 0;
}

/* A bound socket that may still become something else. */
static int take_bound(const struct tcpd_stack *st, tcpd_handle h,
		      struct conn **out)
{
	struct conn *c = open_conn(st, h);

	*out = c;
	if (!c)
		return stack_listener(st, h) ? -TCPD_ERR_EXISTS
					     : -TCPD_ERR_HANDLE;
	if (c->state == TCPD_SYN_SENT)
		return -TCPD_ERR_OPENING;
	if (c->state != TCPD_CLOSED || c->active || c->err || c->fin_rcvd)
		return -TCPD_ERR_EXISTS;
	return 0;
}

/* The bound socket |c| becomes a listener: |*out|, or what it answers. */
static int listen_bound(struct tcp *t, struct conn *c,
			const struct tcpd_conn_settings *cs,
			struct listener **out)
{
	struct claim w = claim_of(c);
	int err;

	if (!w.any && !port_is_ours(t, w.a.ip)) /* any more */
		return -TCPD_ERR_NOT_OURS;
	err = choose_port(t, &w); /* two may be bound, one may listen */
	if (err)
		return err;
	*out = listen_new(t, &w, cs ? cs : &t->set.conn, &err);
	return *out ? 0 : -err;
}

int tcpd_listen(struct tcpd_stack *st, tcpd_handle *h,
		const struct tcpd_addr *local, uint64_t flags,
		const struct tcpd_conn_settings *cs, tcpd_time now)
{
	struct tcp *t = &st->t;
	struct listener *l;
	struct conn *c;
	tcpd_handle bound = *h;
	int err;

	stack_enter(st, now);
	l = stack_listener(st, *h);
	if (l) {
		if (cs)
			listen_set_backlog(t, l, cs->backlog);
		return 0;
	}
	if (cs && !stack_conn_settings_ok(cs))
		return -TCPD_ERR_INVALID;
	if (*h == 0) {
		err = tcpd_bind(st, &bound, local, flags, now);
		if (err)
			return err;
	}
	err = take_bound(st, bound, &c);
	if (err)
		return err;
	err = listen_bound(t, c, cs, &l);
	if (err) {
		if (*h == 0)
			conn_free(t, c);
		return err;
	}
	conn_trace(t, l->id, &c->tu, TCPD_CLOSED, EV_PASSIVE_OPEN);
	l->user = c->user;
	stack_options_to_listener(c, l);
	conn_free(t, c);
	*h = stack_handle(t, REF(REF_LISTENER, slab_slot(&t->listeners, l)));
	return 0;
}

int tcpd_connect(struct tcpd_stack *st, tcpd_handle *h,
		 const struct tcpd_addr *local, const struct tcpd_addr *peer,
		 tcpd_time now)
{
	struct tcp *t = &st->t;
	struct conn *c;
	bool fresh = *h == 0;
	bool any = true;
	int err;

	stack_enter(st, now);
	if (peer->family != 4 && peer->family != 6)
		return -TCPD_ERR_FAMILY;
	if ((peer->family == 4) != ip_is4(peer->ip) && !ip_is_any(peer->ip))
		return -TCPD_ERR_FAMILY;
	if (!fresh) {
		err = take_bound(st, *h, &c);
		if (err)
			return err;
	} else {
		if (local) {
			err = check_local(t, local, &any);
			if (err)
				return err;
		}
		c = conn_new(t);
		if (!c)
			return -TCPD_ERR_RESOURCES;
		c->id = t->next_id++;
		c->held = true;
		if (local && !any)
			memcpy(c->tu.local, local->ip, 16);
		if (local)
			c->tu.lport = local->port;
	}
	err = user_connect(t, c, peer);
	if (err && fresh)
		conn_free(t, c);
	if (!err)
		*h = stack_handle(t, conn_ref(t, c));
	return err;
}

uint32_t tcpd_syn_room(const struct tcpd_stack *st, tcpd_handle h)
{
	const struct conn *c = open_conn(st, h);

	return c && c->fo_wait ? fo_room(&st->t, c) : 0;
}

void tcpd_fast_open_forget(struct tcpd_stack *st)
{
	fo_forget(&st->t);
}

int tcpd_accept(struct tcpd_stack *st, tcpd_handle listener, tcpd_handle *out,
		tcpd_time now)
{
	struct tcp *t = &st->t;
	struct listener *l;
	struct conn *c;

	stack_enter(st, now);
	*out = 0;
	l = stack_listener(st, listener);
	if (!l)
		return -TCPD_ERR_HANDLE;
	c = listen_accept(t, l);
	if (!c)
		return -TCPD_ERR_AGAIN;
	*out = stack_handle(t, conn_ref(t, c));
	/* what arrived while it waited is news to its new holder */
	if (conn_readable(c) || c->fin_rcvd)
		conn_event(t, c,
			   TCPD_EV_READABLE | (c->fin_rcvd ? TCPD_EV_FIN : 0u));
	if (c->state == TCPD_CLOSED)
		conn_event(t, c, TCPD_EV_RESET);
	return 0;
}

/* --- ending */

int tcpd_shutdown(struct tcpd_stack *st, tcpd_handle h, tcpd_time now)
{
	struct conn *c;

	stack_enter(st, now);
	c = open_conn(st, h);
	if (!c)
		return stack_listener(st, h) ? -TCPD_ERR_NOT_OPEN
					     : -TCPD_ERR_HANDLE;
	sendq_filled(&st->t, c, 0);
	return user_shutdown(&st->t, c);
}

static void close_listener(struct tcp *t, struct listener *l, enum fsm_event ev)
{
	struct tuple tu = {.lport = l->port};

	memcpy(tu.local, l->ip, 16);
	conn_trace(t, l->id, &tu, TCPD_LISTEN, ev);
	listen_close(t, l);
}

int tcpd_close(struct tcpd_stack *st, tcpd_handle h, tcpd_time now)
{
	struct listener *l;
	struct conn *c;

	stack_enter(st, now);
	l = stack_listener(st, h);
	if (l) {
		close_listener(&st->t, l, EV_CLOSE);
		return 0;
	}
	c = open_conn(st, h);
	if (!c)
		return -TCPD_ERR_HANDLE;
	sendq_filled(&st->t, c, 0);
	user_close(&st->t, c);
	return 0;
}

int tcpd_abort(struct tcpd_stack *st, tcpd_handle h, tcpd_time now)
{
	struct listener *l;
	struct conn *c;

	stack_enter(st, now);
	l = stack_listener(st, h);
	if (l) {
		close_listener(&st->t, l, EV_ABORT);
		return 0;
	}
	c = stack_conn(st, h);
	if (!c)
		return -TCPD_ERR_HANDLE;
	user_abort(&st->t, c, TCPD_RESET_ABORT);
	return 0;
}

void tcpd_set_user(struct tcpd_stack *st, tcpd_handle h, void *user)
{
	struct conn *c = stack_conn(st, h);
	struct listener *l = stack_listener(st, h);

	if (c)
		c->user = user;
	else if (l)
		l->user = user;
}

void *tcpd_user(const struct tcpd_stack *st, tcpd_handle h)
{
	const struct conn *c = stack_conn(st, h);
	const struct listener *l = stack_listener(st, h);

	return c ? c->user : l ? l->user : NULL;
}

/* --- the stream */

int tcpd_recv_peek(struct tcpd_stack *st, tcpd_handle h, struct tcpd_slice *s,
		   size_t nslices)
{
	struct conn *c = open_conn(st, h);

	if (!c)
		return -TCPD_ERR_HANDLE;
	return (int)recvq_peek(&st->t, c, s, nslices);
}

int tcpd_recv_done(struct tcpd_stack *st, tcpd_handle h, size_t n,
		   tcpd_time now)
{
	struct conn *c;

	stack_enter(st, now);
	c = open_conn(st, h);
	if (!c)
		return -TCPD_ERR_HANDLE;
	if (n > conn_readable(c))
		return -TCPD_ERR_INVALID;
	if (n == 0)
		return 0;
	recvq_read(&st->t, c, (uint32_t)n);
	urgent_read(c);
	delack_read(&st->t, c);
	return 0;
}

bool tcpd_recv_asks(struct tcpd_stack *st, tcpd_handle h, tcpd_time now)
{
	const struct conn *c;

	stack_enter(st, now);
	c = open_conn(st, h);
	return c && grow_asks(&st->t, c);
}

int tcpd_recv_held(struct tcpd_stack *st, tcpd_handle h, uint64_t octets,
		   tcpd_time now)
{
	struct conn *c;

	stack_enter(st, now);
	c = open_conn(st, h);
	if (!c)
		return -TCPD_ERR_HANDLE;
	grow_held(&st->t, c, (uint32_t)min_u64(octets, UINT32_MAX));
	return 0;
}

bool tcpd_recv_eof(const struct tcpd_stack *st, tcpd_handle h)
{
	const struct conn *c = open_conn(st, h);

	return c && c->fin_rcvd && conn_readable(c) == 0;
}

/* May the user SEND (3.10.2)? */
static int may_send(const struct conn *c)
{
	switch ((enum tcpd_state)c->state) {
	case TCPD_SYN_SENT:
	case TCPD_SYN_RECEIVED:
	case TCPD_ESTABLISHED:
	case TCPD_CLOSE_WAIT:
		return 0;
	case TCPD_CLOSED:
		if (c->err)
			return -c->err;
		return c->fin_sent ? -TCPD_ERR_CLOSING : -TCPD_ERR_NOT_OPEN;
	case TCPD_LISTEN:
		return -TCPD_ERR_NOT_OPEN;
	case TCPD_FIN_WAIT_1:
	case TCPD_FIN_WAIT_2:
	case TCPD_CLOSING:
	case TCPD_LAST_ACK:
	case TCPD_TIME_WAIT:
		break;
	}
	return -TCPD_ERR_CLOSING;
}

int tcpd_send_room(struct tcpd_stack *st, tcpd_handle h, size_t want,
		   struct tcpd_room *r, size_t nrooms)
{
	struct conn *c;
	int err;

	stack_enter(st, 0);
	c = open_conn(st, h);
	if (!c)
		return -TCPD_ERR_HANDLE;
	err = may_send(c);
	if (err)
		return err;
	return sendq_room(&st->t, c, (uint32_t)min_u64(want, UINT32_MAX), r,
			  nrooms);
}

int tcpd_send_filled_as(struct tcpd_stack *st, tcpd_handle h, size_t n,
			uint32_t flags, tcpd_time now)
{
	struct conn *c;

	stack_enter(st, now);
	c = open_conn(st, h);
	if (!c)
		return -TCPD_ERR_HANDLE;
	if (n > c->sq.nroom)
		return -TCPD_ERR_INVALID;
	sendq_filled(&st->t, c, (uint32_t)n);
	if (n)
		c->starved = false;
	if (n)
		c->more = c->unpushed = (flags & TCPD_SEND_MORE) != 0;
	if (n && flags & TCPD_SEND_EOR)
		sendq_end_record(&st->t, c);
	tcp_arm_trim(&st->t);
	user_sent(&st->t, c);
	if (n && (conn_synchronized(c) || c->fo_from))
		conn_want_output(&st->t, c);
	return 0;
}

int tcpd_send_filled(struct tcpd_stack *st, tcpd_handle h, size_t n,
		     tcpd_time now)
{
	return tcpd_send_filled_as(st, h, n, 0, now);
}

int64_t tcpd_recv(struct tcpd_stack *st, tcpd_handle h, void *p, size_t len,
		  tcpd_time now)
{
	struct tcpd_slice s[8];
	uint8_t *to = p;
	size_t done = 0;
	const struct conn *c;
	int n;

	stack_enter(st, now);
	while (done < len && (n = tcpd_recv_peek(st, h, s, 8)) > 0) {
		size_t part = 0;

		for (int i = 0; i < n && done + part < len; i++) {
			size_t k = min_u64(s[i].len, len - done - part);

			memcpy(to + done + part, s[i].p, k);
			part += k;
		}
		tcpd_recv_done(st, h, part, now);
		done += part;
	}
	if (done || len == 0)
		return (int64_t)done;
	c = open_conn(st, h);
	if (!c)
		return -TCPD_ERR_HANDLE;
	if (c->fin_rcvd)
		return 0;
	return c->err ? -c->err : -TCPD_ERR_AGAIN;
}

int64_t tcpd_send_as(struct tcpd_stack *st, tcpd_handle h, const void *p,
		     size_t len, uint32_t flags, tcpd_time now)
{
	const uint8_t *from = p;
	size_t done = 0;

	stack_enter(st, now);
	while (done < len) {
		struct tcpd_room r[4] = {0};
		size_t part = 0;
		int n = tcpd_send_room(st, h, len - done, r, 4);

		if (n < 0)
			return done ? (int64_t)done : n;
		if (n == 0)
			break;
		for (int i = 0; i < n && r[i].p && done + part < len; i++) {
			size_t k = min_u64(r[i].len, len - done - part);

			memcpy(r[i].p, from + done + part, k);
			part += k;
		}
		done += part;
		tcpd_send_filled_as(st, h, part, done < len ? 0 : flags, now);
	}
	if (len == 0)
		(void)tcpd_send_filled_as(st, h, 0, 0, now);
	return done || len == 0 ? (int64_t)done : -TCPD_ERR_AGAIN;
}

int64_t tcpd_send(struct tcpd_stack *st, tcpd_handle h, const void *p,
		  size_t len, tcpd_time now)
{
	return tcpd_send_as(st, h, p, len, 0, now);
}

uint32_t tcpd_unsent(const struct tcpd_stack *st, tcpd_handle h)
{
	const struct conn *c = open_conn(st, h);

	return c ? conn_unsent(c) : 0;
}

uint32_t tcpd_unacked(const struct tcpd_stack *st, tcpd_handle h)
{
	const struct conn *c = open_conn(st, h);

	if (!c || c->state == TCPD_CLOSED || conn_syn_out(c))
		return 0; /* the SYN does not count, nor does what waits for it
			   */
	return c->sq.end + (c->fin_queued ? 1u : 0u) - c->snd_una;
}

uint32_t tcpd_readable(const struct tcpd_stack *st, tcpd_handle h)
{
	const struct conn *c = open_conn(st, h);

	return c ? conn_readable(c) : 0;
}

int tcpd_want_writable(struct tcpd_stack *st, tcpd_handle h, uint32_t unsent)
{
	struct conn *c;

	stack_enter(st, 0);
	c = open_conn(st, h);
	if (!c)
		return -TCPD_ERR_HANDLE;
	c->unsent_low = unsent;
	c->starved = true;
	c->want_unsent = conn_unsent(c) > unsent;
	if (!c->want_unsent)
		conn_event(&st->t, c, TCPD_EV_WRITABLE);
	return 0;
}
