/* SPDX-License-Identifier: MIT */
/*
 * app.c - the app channel as a whole: its tables, its epoll set and its part
 * of a turn of the loop.
 *
 * Fds of apps live in an edge-triggered epoll set of their own (the lag octet
 * keeps them readable for ever), which libev watches as one fd.  What could
 * not be finished in a turn waits in the run queue, since no edge comes again
 * for it.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/sockios.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clamp.h"
#include "bridge.h"

#define SPARE_FDS     128  /* for everything that is no bridge */
#define SPARE_SOCKETS 1024 /* beside `connections`: listeners, CLOSED ones */
#define SNDBUF_MIN    (64 * 1024)
#define SNDBUF_MAX    (256 * 1024)
#define ROUNDS	      4

/* An error of the stack's as an errno of the host. */
int app_errno(int err)
{
	static const int errnos[] = {0,
#define X(name, number, text) number,
				     TCPD_ERRORS(X)
#undef X
	};

	if (err < 0)
		err = -err;
	return (size_t)err < ARRAY_SIZE(errnos) ? errnos[err] : EIO;
}

/* --- users and owners */

struct app_user *app_user_get(struct app *a, uid_t uid)
{
	struct app_user *u;

	for (u = a->users; u; u = u->next)
		if (u->uid == uid)
			return u;
	u = calloc(1, sizeof(*u));
	if (!u)
		abort();
	u->uid = uid;
	u->next = a->users;
	a->users = u;
	return u;
}

void app_user_put(struct app *a, struct app_user *u)
{
	struct app_user **at = &a->users;

	if (u->nbridges || u->nclients)
		return;
	while (*at != u)
		at = &(*at)->next;
	*at = u->next;
	free(u);
}

bool app_is_privileged(const struct app *a, uid_t uid)
{
	return uid == 0 || uid == a->d->uid;
}

static void read_comm(struct app_owner *o)
{
	char path[32];
	ssize_t n = -1;
	int fd;

	(void)snprintf(path, sizeof(path), "/proc/%d/comm", o->pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd >= 0) {
		n = read(fd, o->comm, sizeof(o->comm) - 1);
		close(fd);
	}
	o->comm[n > 0 ? n : 0] = '\0';
	o->comm[strcspn(o->comm, "\n")] = '\0';
}

struct app_owner *app_owner_new(const struct app_client *c)
{
	struct app_owner *o = calloc(1, sizeof(*o));

	if (!o)
		return NULL;
	o->refs = 1;
	o->uid = c->uid;
	o->gid = c->gid;
	o->pid = c->pid;
	read_comm(o);
	return o;
}

struct app_owner *app_owner_ref(struct app_owner *o)
{
	o->refs++;
	return o;
}

void app_owner_unref(struct app_owner *o)
{
	if (--o->refs == 0)
		free(o);
}

/* --- the epoll set: a tag is kind, generation and slot */

#define TAG_CLIENT (UINT64_C(1) << 63)

static uint64_t tag_of(const struct slab *s, const void *p)
{
	uint32_t slot = slab_slot(s, p);

	return (uint64_t)s->gen[slot] << 32 | slot;
}

uint64_t app_tag_bridge(const struct app *a, const struct bridge *b)
{
	return tag_of(&a->bridges, b);
}

uint64_t app_tag_client(const struct app *a, const struct app_client *c)
{
	return TAG_CLIENT | tag_of(&a->clients, c);
}

int app_watch(struct app *a, int fd, uint64_t tag, uint32_t events)
{
	struct epoll_event ev = {.events = events, .data.u64 = tag};

	return epoll_ctl(a->set, EPOLL_CTL_ADD, fd, &ev);
}

/* An entry that went earlier in the same batch is told by its generation. */
static void dispatch(struct app *a, const struct epoll_event *ev)
{
	bool client = ev->data.u64 & TAG_CLIENT;
	struct slab *s = client ? &a->clients : &a->bridges;
	uint32_t slot = (uint32_t)ev->data.u64;
	uint32_t gen = (uint32_t)((ev->data.u64 & ~TAG_CLIENT) >> 32);

	if (!slab_is(s, slot, gen))
		return;
	if (client)
		app_client_event(a, slab_at(s, slot));
	else
		bridge_fd_events(slab_at(s, slot), ev->events);
}

void app_settle(struct app *a)
{
	struct epoll_event ev[APP_TURN_EVENTS];
	int n;

	(void)daemon_now(a->d);
	for (int round = 0; round < ROUNDS; round++) {
		n = epoll_wait(a->set, ev, APP_TURN_EVENTS, 0);
		for (int i = 0; i < n; i++)
			dispatch(a, &ev[i]);
		if (n < APP_TURN_EVENTS)
			break;
	}
}

static void on_set(struct ev_loop *loop, ev_io *w, int revents)
{
	struct app *a = w->data;

	(void)loop;
	(void)revents;
	app_settle(a);
	daemon_kick(a->d);
}

/* --- the run queue */

void app_queue(struct app *a, struct bridge *b)
{
	if (b->queued)
		return;
	b->queued = true;
	b->run_next = NULL;
	b->run_prev = a->run_last;
	if (a->run_last)
		a->run_last->run_next = b;
	else
		a->run_first = b;
	a->run_last = b;
	/* An idle watcher keeps the loop from sleeping. */
	ev_idle_start(a->d->loop, &a->idle);
}

void app_unqueue(struct app *a, struct bridge *b)
{
	if (!b->queued)
		return;
	b->queued = false;
	if (b->run_prev)
		b->run_prev->run_next = b->run_next;
	else
		a->run_first = b->run_next;
	if (b->run_next)
		b->run_next->run_prev = b->run_prev;
	else
		a->run_last = b->run_prev;
}

/* Each that is in the queue now once; who queues again waits a turn. */
static void on_turn(struct ev_loop *loop, ev_check *w, int revents)
{
	struct app *a = w->data;
	struct bridge *last = a->run_last, *b;

	(void)revents;
	a->turn++;
	if (!last) {
		ev_idle_stop(loop, &a->idle);
		return;
	}
	(void)daemon_now(a->d);
	do {
		b = a->run_first;
		app_unqueue(a, b);
		bridge_run(b);
	} while (b != last && a->run_first);
	daemon_kick(a->d);
}

static void on_idle(struct ev_loop *loop, ev_idle *w, int revents)
{
	(void)loop;
	(void)w;
	(void)revents;
}

static void on_retry(struct ev_loop *loop, ev_timer *w, int revents)
{
	(void)loop;
	(void)revents;
	bridge_retry(w->data);
}

/* --- start and stop */

/* As many sockets as the configuration and the kernel let us have. */
static uint32_t max_bridges(const struct daemon *d)
{
	uint64_t want = (uint64_t)d->conf->connections + SPARE_SOCKETS;
	struct rlimit r;

	if (getrlimit(RLIMIT_NOFILE, &r) == 0) {
		if (r.rlim_cur < r.rlim_max) {
			r.rlim_cur = r.rlim_max;
			setrlimit(RLIMIT_NOFILE, &r);
			getrlimit(RLIMIT_NOFILE, &r);
		}
		want = min_u64(want, sub_sat(r.rlim_cur, SPARE_FDS));
	}
	return clamp_u32(want, 16, 1u << 24);
}

static size_t aligned(size_t n)
{
	return (n + 63) & ~(size_t)63;
}

static void *carve(uint8_t **p, size_t n)
{
	void *at = *p;

	*p += aligned(n);
	return at;
}

/* Tables in one mapping that is touched only as it is used. */
static int make_tables(struct app *a)
{
	uint32_t n = max_bridges(a->d);
	struct slab_need b = slab_need(sizeof(struct bridge), n);
	struct slab_need c = slab_need(sizeof(struct app_client), APP_CLIENTS);
	uint32_t cells = htab_cells(n + APP_ENDED);
	size_t ncells = sizeof(struct htab_cell) * cells;
	uint8_t *p;

	a->nmem = aligned(b.mem) + aligned(b.gen) + aligned(b.free) +
		  aligned(c.mem) + aligned(c.gen) + aligned(c.free) +
		  aligned(ncells) +
		  aligned(sizeof(struct app_ended) * APP_ENDED);
	p = mmap(NULL, a->nmem, PROT_READ | PROT_WRITE,
		 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (p == MAP_FAILED)
		return -1;
	a->mem = p;
	slab_init(&a->bridges, sizeof(struct bridge), n, p, p + aligned(b.mem),
		  p + aligned(b.mem) + aligned(b.gen));
	p += aligned(b.mem) + aligned(b.gen) + aligned(b.free);
	slab_init(&a->clients, sizeof(struct app_client), APP_CLIENTS, p,
		  p + aligned(c.mem), p + aligned(c.mem) + aligned(c.gen));
	p += aligned(c.mem) + aligned(c.gen) + aligned(c.free);
	htab_init(&a->cookies, carve(&p, ncells), cells);
	a->ended = carve(&p, sizeof(struct app_ended) * APP_ENDED);
	return 0;
}

/* What this kernel's socketpairs are like. */
static int probe(struct app *a)
{
	struct app_pair p;
	int size = 0, one = 0;
	socklen_t len = sizeof(size);

	a->force_sndbuf = true;
	a->passrights = true;
	a->spare.fd = a->spare.app_fd = -1;
	if (bridge_pair(a, &p, false) < 0)
		return -1;
	if (send(p.fd, "", 1, MSG_DONTWAIT) == 1)
		ioctl(p.fd, SIOCOUTQ, &one);
	a->unit = one > 0 ? (uint32_t)one : 1;
	/* What waits there is not in TCP's window: not much, nor too little.
	 * The usual default suits, and saves a call a connection. */
	if (getsockopt(p.fd, SOL_SOCKET, SO_SNDBUF, &size, &len) == 0 &&
	    (size < SNDBUF_MIN || size > SNDBUF_MAX))
		a->own_sndbuf = SNDBUF_MAX / 2; /* the kernel doubles it */
	bridge_pair_close(&p);
	return 0;
}

static void start_watchers(struct app *a)
{
	struct ev_loop *loop = a->d->loop;

	ev_io_init(&a->set_io, on_set, a->set, EV_READ);
	a->set_io.data = a;
	ev_io_start(loop, &a->set_io);
	ev_check_init(&a->check, on_turn);
	a->check.data = a;
	ev_check_start(loop, &a->check);
	ev_idle_init(&a->idle, on_idle);
	ev_timer_init(&a->retry, on_retry, 0.01, 0.01);
	a->retry.data = a;
}

int app_start(struct daemon *d, char *err, size_t nerr)
{
	struct app *a = calloc(1, sizeof(*a));

	if (!a) {
		(void)snprintf(err, nerr, "app.sock: out of memory");
		return -1;
	}
	a->d = d;
	d->app = a;
	a->sock = a->reserve_fd = a->diag_fd = -1;
	a->set = epoll_create1(EPOLL_CLOEXEC);
	if (a->set < 0 || make_tables(a) < 0 || probe(a) < 0 ||
	    getrandom(&a->nonce, sizeof(a->nonce), 0) < 0) {
		(void)snprintf(err, nerr, "app.sock: %s", strerror(errno));
	} else if (app_listen(a, err, nerr) == 0) {
		bridge_info_start(a);
		start_watchers(a);
		return 0;
	}
	if (a->set >= 0)
		close(a->set);
	if (a->mem)
		munmap(a->mem, a->nmem);
	free(a);
	d->app = NULL;
	return -1;
}

static void stop_watchers(struct app *a)
{
	struct ev_loop *loop = a->d->loop;

	ev_io_stop(loop, &a->set_io);
	ev_check_stop(loop, &a->check);
	ev_idle_stop(loop, &a->idle);
	ev_timer_stop(loop, &a->retry);
}

void app_stop(struct daemon *d)
{
	struct app *a = d->app;

	if (!a)
		return;
	stop_watchers(a);
	app_sock_stop(a);
	for (uint32_t i = 0; i < a->clients.high; i++)
		if (slab_used(&a->clients, i))
			app_client_free(a, slab_at(&a->clients, i));
	for (uint32_t i = 0; i < a->bridges.high; i++)
		if (slab_used(&a->bridges, i))
			bridge_stop(bridge_at(a, i));
	for (uint32_t i = 0; i < APP_ENDED; i++)
		if (a->ended[i].cookie)
			app_owner_unref(a->ended[i].owner);
	bridge_pair_close(&a->spare);
	close(a->set);
	if (a->diag_fd >= 0)
		close(a->diag_fd);
	munmap(a->mem, a->nmem);
	free(a);
	d->app = NULL;
}

/* Our side is done with it and a program still has the fd; but the stack waits
 * for the peer, and says in which state. */
static bool goes_on(const struct daemon *d, const struct app_socket *s)
{
	return s->peer.port && tcpd_lives(d->st, s->id, &s->local, &s->peer);
}

void app_each_closed(struct daemon *d,
		     void (*fn)(void *arg, const struct app_socket *s),
		     void *arg)
{
	struct app *a = d->app;
	struct app_socket s;

	if (!a)
		return;
	bridge_dump(a);
	for (uint32_t i = 0; i < a->bridges.high; i++) {
		struct bridge *b = bridge_at(a, i);

		if (!slab_used(&a->bridges, i) || b->h)
			continue;
		memset(&s, 0, sizeof(s));
		s.id = b->number;
		s.local = b->local;
		s.peer = b->peer;
		bridge_info(d, &b->ep, &s.info);
		if (!goes_on(d, &s))
			fn(arg, &s);
	}
	for (uint32_t i = 0; i < APP_ENDED; i++) {
		const struct app_ended *e = &a->ended[i];

		if (!e->cookie || e->seen != a->dump_turn)
			continue;
		memset(&s, 0, sizeof(s));
		s.id = e->number;
		s.local = e->local;
		s.peer = e->peer;
		s.info.has_process = true;
		s.info.uid = e->owner->uid;
		s.info.pid = e->owner->pid;
		memcpy(s.info.comm, e->owner->comm, sizeof(s.info.comm));
		if (!goes_on(d, &s))
			fn(arg, &s);
	}
}
