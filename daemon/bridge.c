/* SPDX-License-Identifier: MIT */
/*
 * bridge.c - the life of a bridge: made, run, ended, forgotten.
 *
 * bridge_run() is the one place that decides.  What the app's end looks like
 * at each end of a connection: SHUT_WR for a FIN; a close with the lag octet
 * unread for RST and time-out (queued data, then ECONNRESET); a close with
 * nothing unread when both sides have finished.  What it does not do: move
 * octets (bridge_io.c), accept (bridge_accept.c).
 */
#include "bridge.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#ifndef SO_PASSRIGHTS
#define SO_PASSRIGHTS 83
#endif

#define APP_SNDBUF  (1024 * 1024)
#define NAME_TRIES  8

#define ORPHAN_TIME TCPD_SEC(120)

/* --- a socketpair */

/* The app's end: about 1 MiB, so that its writes are large ones. */
static void set_sndbuf(struct app *a, int fd)
{
	int size = APP_SNDBUF;

	if (a->force_sndbuf && setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &size,
					  sizeof(size)) == 0)
		return;
	a->force_sndbuf = false;
	setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
}

int bridge_pair(struct app *a, struct app_pair *p, bool accepted)
{
	socklen_t len = sizeof(p->cookie);
	int s[2], on = 1, off = 0;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, s) < 0)
		return -1;
	p->fd = s[0];
	p->app_fd = s[1];
	/* An urgent octet stays in its place in the stream, both ways. */
	setsockopt(p->fd, SOL_SOCKET, SO_OOBINLINE, &on, sizeof(on));
	setsockopt(p->app_fd, SOL_SOCKET, SO_OOBINLINE, &on, sizeof(on));
	/* An fd in the lag octet would hide the app's end: refused here, or
	 * seen and answered by an abort (bridge_io.c). */
	if (a->passrights &&
	    setsockopt(p->fd, SOL_SOCKET, SO_PASSRIGHTS, &off, sizeof(off)) < 0)
		a->passrights = false;
	if (a->own_sndbuf)
		setsockopt(p->fd, SOL_SOCKET, SO_SNDBUF, &a->own_sndbuf,
			   sizeof(a->own_sndbuf));
	/* One that connects keeps the default: its filler fills a quarter. */
	if (accepted)
		set_sndbuf(a, p->app_fd);
	if (getsockopt(p->app_fd, SOL_SOCKET, SO_COOKIE, &p->cookie, &len) <
		    0 ||
	    send(p->app_fd, "L", 1, MSG_DONTWAIT | MSG_NOSIGNAL) != 1) {
		bridge_pair_close(p);
		return -1;
	}
	return 0;
}

void bridge_pair_close(struct app_pair *p)
{
	if (p->fd >= 0)
		close(p->fd);
	if (p->app_fd >= 0)
		close(p->app_fd);
	p->fd = p->app_fd = -1;
}

/* --- the table of cookies */

/* Cookies are the kernel's own counter: nobody can line them up. */
static uint32_t hash(uint64_t cookie)
{
	return (uint32_t)((cookie * UINT64_C(0x9e3779b97f4a7c15)) >> 32);
}

static bool same(const void *arg, uint32_t ref, const void *key)
{
	const struct app *a = arg;
	uint64_t cookie;

	memcpy(&cookie, key, sizeof(cookie));
	if (ref < a->bridges.max)
		return bridge_at(a, ref)->cookie == cookie;
	return a->ended[ref - a->bridges.max].cookie == cookie;
}

struct bridge *bridge_find(const struct app *a, uint64_t cookie)
{
	uint32_t ref = htab_find(&a->cookies, hash(cookie), same, a, &cookie);

	return ref < a->bridges.max ? bridge_at(a, ref) : NULL;
}

struct app_ended *bridge_find_ended(const struct app *a, uint64_t cookie)
{
	uint32_t ref = htab_find(&a->cookies, hash(cookie), same, a, &cookie);

	if (ref == HTAB_NONE || ref < a->bridges.max)
		return NULL;
	return &a->ended[ref - a->bridges.max];
}

/*
 * Why it ended is remembered while the program may hold the fd.  Those that
 * ended in order have a half of their own: they are many, and the others are
 * those that somebody will ask for.
 */
static void remember(struct bridge *b, uint64_t cookie)
{
	struct app *a = b->app;
	uint32_t half = b->err ? 0 : APP_ENDED / 2;
	uint32_t i = half + a->next_ended[!b->err]++ % (APP_ENDED / 2);
	struct app_ended *e = &a->ended[i];

	if (e->cookie) {
		htab_del(&a->cookies, hash(e->cookie), a->bridges.max + i);
		app_owner_unref(e->owner);
	}
	*e = (struct app_ended){.cookie = cookie,
				.number = b->number,
				.local = b->local,
				.peer = b->peer,
				.owner = app_owner_ref(b->owner),
				.err = b->err,
				.domain = b->domain};
	htab_add(&a->cookies, hash(cookie), a->bridges.max + i);
}

/* --- made and forgotten */

struct bridge *bridge_new(struct app *a, struct app_pair *p,
			  struct app_owner *o, enum bridge_kind kind,
			  uint8_t domain)
{
	uint32_t slot = slab_take(&a->bridges);
	struct bridge *b;

	if (slot == SLAB_NONE) {
		errno = ENFILE;
		return NULL;
	}
	b = bridge_at(a, slot);
	b->ep.ops = &bridge_ops;
	b->app = a;
	b->fd = p->fd;
	b->pending_fd = b->asked_fd = -1;
	b->lag = 1;
	b->cookie = p->cookie;
	b->number = APP_NUMBERS + a->next_number++;
	b->kind = (uint8_t)kind;
	b->domain = domain;
	if (app_watch(a, b->fd, app_tag_bridge(a, b),
		      EPOLLIN | EPOLLPRI | EPOLLOUT | EPOLLRDHUP | EPOLLET) <
	    0) {
		slab_give(&a->bridges, slot);
		return NULL;
	}
	htab_add(&a->cookies, hash(b->cookie), slot);
	b->owner = app_owner_ref(o);
	app_user_get(a, o->uid)->nbridges++;
	p->fd = -1;
	return b;
}

void bridge_free(struct bridge *b)
{
	struct app *a = b->app;
	struct app_user *u = app_user_get(a, b->owner->uid);

	app_unqueue(a, b);
	if (b->pending_fd >= 0)
		close(b->pending_fd); /* its greeting is unread: RST */
	if (b->h)
		tcpd_set_user(a->d->st, b->h, NULL);
	htab_del(&a->cookies, hash(b->cookie), slab_slot(&a->bridges, b));
	close(b->fd); /* leaves the epoll set by itself */
	u->nbridges--;
	app_user_put(a, u);
	app_owner_unref(b->owner);
	free(b->options);
	free(b->marks);
	slab_give(&a->bridges, slab_slot(&a->bridges, b));
}

void bridge_adopt(struct bridge *b, tcpd_handle h)
{
	b->h = h;
	tcpd_set_user(b->app->d->st, h, b);
	(void)tcpd_recv_held(b->app->d->st, h, 0, b->app->d->now);
}

static struct proto_addr addr_of(const struct tcpd_addr *t)
{
	struct proto_addr a = {.port = t->port, .family = t->family};

	memcpy(a.ip, t->ip, sizeof(a.ip));
	return a;
}

int bridge_name(struct bridge *b, int fd, enum name_kind kind,
		const struct tcpd_addr *local, const struct tcpd_addr *peer)
{
	struct app *a = b->app;
	struct name n = {.nonce = a->nonce,
			 .id = b->number,
			 .kind = kind,
			 .domain = b->domain};
	struct sockaddr_un sun = {.sun_family = AF_UNIX};
	char text[NAME_MAX_LEN + 1];
	size_t len;

	if (local)
		n.local = addr_of(local);
	if (peer)
		n.peer = addr_of(peer);
	for (int i = 0; i < NAME_TRIES; i++) {
		len = name_build(&n, text);
		memcpy(sun.sun_path + 1, text, len);
		len += offsetof(struct sockaddr_un, sun_path) + 1;
		if (bind(fd, (struct sockaddr *)&sun, (socklen_t)len) == 0)
			return 0;
		if (errno != EADDRINUSE)
			return -1;
		/* Somebody squats on names of ours: another nonce. */
		if (getrandom(&a->nonce, sizeof(a->nonce), 0) < 0)
			return -1;
		n.nonce = a->nonce;
	}
	return -1;
}

/* --- its ends */

/* Close the daemon's end; |clean|: the app reads an end of file, not an
 * error.  |held|: a program may still hold the other end. */
static void finish(struct bridge *b, bool clean, bool held)
{
	uint64_t cookie = b->cookie;

	if (clean && held) /* else nobody is left who could see it */
		bridge_take_lag(b, 0);
	if (held) {
		/* One entry a cookie: the bridge gives its own up first. */
		htab_del(&b->app->cookies, hash(cookie),
			 slab_slot(&b->app->bridges, b));
		remember(b, cookie);
	}
	bridge_free(b);
}

/* The handle goes back to the stack, which ends it as |call| does. */
static void give_up(struct bridge *b, int (*call)(struct tcpd_stack *st,
						  tcpd_handle h, tcpd_time now))
{
	struct daemon *d = b->app->d;

	if (!b->h)
		return;
	tcpd_set_user(d->st, b->h, NULL);
	call(d->st, b->h, d->now);
	b->h = 0;
	daemon_kick(d);
}

void bridge_abort(struct bridge *b, int err)
{
	b->err = err;
	give_up(b, b->kind == BRIDGE_LISTENER ? tcpd_close : tcpd_abort);
	finish(b, false, !b->hup);
}

void bridge_end(struct bridge *b, int err)
{
	if (!b->ending) {
		b->err = err;
		b->clean = err == 0;
	}
	b->ending = true;
	b->todo |= TODO_OUT;
}

/* The stack's side is over, and what it had for the app has been written. */
static void run_ending(struct bridge *b)
{
	if (b->full && !b->hup) {
		/* It still has to read; its writes fail from now on. */
		if (!b->eof_in) {
			shutdown(b->fd, SHUT_RD);
			b->eof_in = true;
		}
		return;
	}
	give_up(b, tcpd_close);
	finish(b, b->clean, !b->hup);
}

/* The app has closed with data unread, or wants no lingering: RST. */
static void run_dying(struct bridge *b)
{
	struct daemon *d = b->app->d;

	if (b->linger || !b->h) {
		give_up(b, tcpd_abort);
	} else {
		tcpd_set_option(d->st, b->h, TCPD_OPT_UNREAD, 1, d->now);
		give_up(b, tcpd_close);
	}
	finish(b, false, false);
}

/* The app has closed, or both sides have finished: FIN, if none was sent. */
static void run_closed(struct bridge *b)
{
	/* With our own FIN passed on, the app's shutdown looks like its close:
	 * it may still have the fd. */
	bool held = b->eof_out;

	give_up(b, tcpd_close);
	finish(b, true, held);
}

/*
 * The app has gone, and what it wrote last must wait for the peer.  That is
 * the stack's to keep as far as it has room, since only then it knows of the
 * close; for the rest the peer has ORPHAN_TIME to take something.
 */
static enum bridge_flow take_last(struct bridge *b)
{
	struct daemon *d = b->app->d;
	enum bridge_flow flow = bridge_take_all(b);
	uint64_t t = 0;

	if (flow != FLOW_HELD)
		return flow;
	if (tcpd_get_option(d->st, b->h, TCPD_OPT_LINGER, &t) == 0 && t) {
		tcpd_set_option(d->st, b->h, TCPD_OPT_LINGERING, 1, d->now);
		return flow;
	}
	if (tcpd_get_option(d->st, b->h, TCPD_OPT_USER_TIMEOUT, &t) == 0 && !t)
		tcpd_set_option(d->st, b->h, TCPD_OPT_USER_TIMEOUT, ORPHAN_TIME,
				d->now);
	return flow;
}

static void run_in(struct bridge *b)
{
	struct daemon *d = b->app->d;
	enum bridge_flow flow = FLOW_DRAINED;

	b->todo &= (uint8_t)~TODO_IN;
	if (!b->eof_in)
		flow = bridge_pump_in(b, APP_TURN_OCTETS);
	if (flow == FLOW_HELD && b->hup)
		flow = take_last(b);
	if (flow == FLOW_RIGHTS) {
		bridge_abort(b, ECONNABORTED);
		return;
	}
	if (b->hup && (b->reset || b->linger)) {
		/* What it wrote before may still go out, as far as the peer
		 * lets it in this turn: a kernel would have sent it. */
		b->dying = true;
		app_queue(b->app, b);
		return;
	}
	if (flow != FLOW_DRAINED)
		b->todo |= TODO_IN;
	if (flow == FLOW_BUDGET)
		app_queue(b->app, b);
	if (flow != FLOW_DRAINED)
		return;
	/* These bits were seen before the queue was looked at, so all that the
	 * app has written before is through. */
	if (b->opening && !(b->hup && tcpd_syn_room(d->st, b->h))) {
		/* The FIN follows when the SYN is answered, which goes now. */
		tcpd_send_filled(d->st, b->h, 0, d->now);
	} else if (b->hup) {
		run_closed(b);
	} else if (b->rdhup && !b->eof_in) {
		b->eof_in = true;
		tcpd_shutdown(d->st, b->h, d->now);
	}
}

static void run_conn(struct bridge *b)
{
	if (b->dying) {
		run_dying(b);
		return;
	}
	if (b->todo & TODO_OUT) {
		b->todo &= (uint8_t)~TODO_OUT;
		bridge_pump_out(b);
	}
	if (b->ending)
		run_ending(b);
	else if (b->todo & TODO_IN || b->hup || b->rdhup)
		run_in(b);
}

void bridge_run(struct bridge *b)
{
	switch ((enum bridge_kind)b->kind) {
	case BRIDGE_CONN:
		run_conn(b);
		break;
	case BRIDGE_SOCKET:
	case BRIDGE_CONNECTING:
		if (!b->hup && !b->ending)
			break;
		give_up(b, tcpd_close);
		finish(b, false, !b->hup);
		break;
	case BRIDGE_LISTENER:
		if (b->hup || b->ending) {
			give_up(b, tcpd_close);
			finish(b, false, !b->hup);
		} else {
			bridge_accept(b);
		}
		break;
	}
}

void bridge_stop(struct bridge *b)
{
	if (b->kind == BRIDGE_CONN && b->h && !b->eof_in && !b->ending)
		bridge_take_all(b);
	give_up(b, tcpd_close);
	bridge_free(b);
}

/* --- what happens */

void bridge_fd_events(struct bridge *b, uint32_t events)
{
	b->rdhup |= (events & EPOLLRDHUP) != 0;
	b->hup |= (events & EPOLLHUP) != 0;
	b->pri |= (events & EPOLLPRI) != 0;
	b->reset |= (events & EPOLLERR) != 0;
	if (events & EPOLLIN)
		b->todo |= TODO_IN;
	if (events & EPOLLOUT && b->full) {
		b->full = false;
		b->todo |= TODO_OUT;
	}
	bridge_run(b);
}

/* The handshake is done: the app's end becomes writable. */
static void opened(struct bridge *b)
{
	b->kind = BRIDGE_CONN;
	bridge_take_lag(b, 1);
	b->todo |= TODO_IN | TODO_OUT;
}

static void on_event(struct daemon *d, struct endpoint *e,
		     const struct tcpd_event *ev)
{
	struct bridge *b = (struct bridge *)e;

	(void)d;
	if (ev->mask & TCPD_EV_OPEN && b->kind == BRIDGE_CONNECTING)
		opened(b);
	if (ev->mask & TCPD_EV_OPEN && b->opening) {
		b->opening = false;
		b->todo |= TODO_IN | TODO_OUT;
	}
	if (ev->mask & TCPD_EV_ACCEPT)
		b->more = true;
	b->urgent |= (ev->mask & TCPD_EV_URGENT) != 0;
	if (ev->mask & (TCPD_EV_READABLE | TCPD_EV_FIN))
		b->todo |= TODO_OUT;
	if (ev->mask & TCPD_EV_WRITABLE && b->held) {
		b->held = false;
		b->todo |= TODO_IN;
	}
	if (ev->mask & (TCPD_EV_RESET | TCPD_EV_TIMEOUT))
		bridge_end(b, app_errno(ev->err));
	if (ev->mask & TCPD_EV_GONE) {
		b->h = 0;
		bridge_end(b, app_errno(ev->err));
	}
	bridge_run(b);
}

const struct endpoint_ops bridge_ops = {.event = on_event, .info = bridge_info};
