/* SPDX-License-Identifier: MIT */
/*
 * world.c - the virtual clock and what happens on it: see world.h.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "daemon/conf.h"
#include "daemon/stackmem.h"
#include "sock.h"
#include "world.h"

#define START TCPD_SEC(1000)

static __thread tcpd_time pinned;

/* packetdrill's addresses, where the flags do not say others. */
static const char *const standard =
	"profile = linux\n"
	"addresses = { \"192.168.0.1/32\", \"fd3d:0a0b:17d6::1/128\" }\n"
	"connections = 256\nhalf-open = 256\ntime-wait-max = 1024\n"
	"memory = 32M\nhost-addresses = {}\nmtu = 1500\n";

/* What the flags say, as tcpd.conf would. */
static const char *settings(struct world *w)
{
	static char text[2 * FLAGS_TEXT], err[256];
	const struct flags *f = &w->flags;
	struct conf_piece piece[FLAGS_SETS + 2] = {
		{.name = "adapter", .text = standard}};
	struct conf *c;
	size_t n = 0;

	if (f->local[0])
		n = (size_t)snprintf(text, sizeof(text),
				     "addresses = { \"%s/%d\" }\n", f->local,
				     strchr(f->local, ':') ? 128 : 32);
	(void)snprintf(text + n, sizeof(text) - n, "mtu = %u\n", f->mtu);
	piece[1] = (struct conf_piece){.name = "flags", .text = text};
	for (unsigned i = 0; i < f->nsets; i++)
		piece[2 + i] =
			(struct conf_piece){.name = "set", .text = f->set[i]};
	c = conf_parse(piece, 2 + f->nsets, err, sizeof(err));
	if (!c)
		return err;
	conf_settings(c, &w->set);
	conf_free(c);
	w->set.flood_ready = false;
	w->set.tso4 = w->set.tso6 = true; /* as Linux's own packets */
	stackmem_use(&w->set);
	for (size_t i = 0; i < sizeof(w->set.key); i++)
		w->set.key[i] = (uint8_t)(i * 7 + 1);
	return NULL;
}

const char *world_start(struct world *w)
{
	const char *why = settings(w);

	if (why)
		return why;
	w->now = START;
	w->first = pthread_self();
	w->last_frame = &w->frame;
	if (pthread_mutex_init(&w->lock, NULL) ||
	    pthread_cond_init(&w->done, NULL))
		return "no lock";
	if (tcpd_new(&w->st, &w->set, w->now))
		return "no stack";
	sysctl_start(w);
	return NULL;
}

void world_end(struct world *w)
{
	sysctl_end(w);
	for (int fd = 0; fd < WORLD_FDS; fd++) {
		free(w->sock[fd]);
		free(w->epoll[fd]);
		w->sock[fd] = NULL;
		w->epoll[fd] = NULL;
	}
	while (w->frame) {
		struct frame *f = w->frame;

		w->frame = f->next;
		free(f);
	}
	w->last_frame = &w->frame;
	tcpd_free(w->st);
	w->st = NULL;
}

void world_enter(struct world *w)
{
	pthread_mutex_lock(&w->lock);
}

long world_leave(struct world *w, long r)
{
	world_turn(w);
	pthread_mutex_unlock(&w->lock);
	if (r >= 0)
		return r;
	errno = (int)-r;
	return -1;
}

/* The stack's packets into the queue, copied together. */
bool world_send(struct world *w)
{
	static struct tcpd_out out;
	bool any = false;

	while (tcpd_output(w->st, &out, w->now)) {
		struct frame *f = malloc(sizeof(*f) + out.len);
		uint8_t *to;

		if (!f)
			abort();
		to = f->octets;
		memcpy(to, out.head, out.nhead);
		to += out.nhead;
		for (unsigned i = 0; i < out.nslices; i++) {
			memcpy(to, out.slice[i].p, out.slice[i].len);
			to += out.slice[i].len;
		}
		f->next = NULL;
		f->at = w->now;
		f->len = (size_t)(to - f->octets);
		*w->last_frame = f;
		w->last_frame = &f->next;
		tcpd_output_done(w->st, &out, 0, w->now);
		any = true;
	}
	return any;
}

static void finish(struct world *w, struct op *op, long result)
{
	op->result = result;
	op->at = w->now;
	op->done = true;
	w->returning += op->foreign;
	pthread_cond_broadcast(&w->done);
}

/* The calls that block, tried again: true when one of them is done. */
static bool retry(struct world *w)
{
	bool any = false;

	for (struct op *op = w->ops; op; op = op->next) {
		long r;

		if (op->done)
			continue;
		r = op->attempt(w, op);
		if (r == -EAGAIN && w->now >= op->deadline)
			r = 0;
		if (r != -EAGAIN) {
			finish(w, op, r);
			any = true;
		}
	}
	return any;
}

void world_turn(struct world *w)
{
	bool again;

	do {
		struct tcpd_event ev;

		again = false;
		while (tcpd_next_event(w->st, &ev)) {
			sock_event(w, &ev);
			again = true;
		}
		again |= retry(w);
		tcpd_input_done(w->st, w->now);
		again |= world_send(w);
	} while (again);
	sock_wake_writers(w);
}

static tcpd_time next_due(const struct world *w)
{
	tcpd_time at = tcpd_expiry(w->st);

	for (const struct op *op = w->ops; op; op = op->next)
		if (!op->done && op->deadline < at)
			at = op->deadline;
	return at;
}

static void go_to(struct world *w, tcpd_time t)
{
	if (t > w->now)
		w->now = t;
	if (tcpd_expiry(w->st) <= w->now)
		tcpd_expire(w->st, w->now);
	world_turn(w);
}

bool world_step(struct world *w, tcpd_time limit)
{
	tcpd_time at = next_due(w);

	if (at > limit)
		return false;
	go_to(w, at);
	return true;
}

void world_until(struct world *w, tcpd_time t)
{
	while (world_step(w, t))
		;
	if (t > w->now)
		w->now = t;
}

long world_do(struct world *w, struct op *op, bool block)
{
	struct op **at;
	long r = op->attempt(w, op);

	if (r != -EAGAIN || !block)
		return r;
	op->waits = true;
	op->foreign = !pthread_equal(pthread_self(), w->first);
	for (at = &w->ops; *at; at = &(*at)->next)
		;
	*at = op;
	world_turn(w);
	while (!op->done) {
		/* nobody else is there to move the time */
		if (pthread_equal(pthread_self(), w->first)) {
			if (!world_step(w, w->now + TCPD_SEC(300)))
				finish(w, op, -EDEADLK);
		} else {
			pthread_cond_wait(&w->done, &w->lock);
		}
	}
	for (at = &w->ops; *at != op; at = &(*at)->next)
		;
	*at = op->next;
	if (!pthread_equal(pthread_self(), w->first))
		pinned = op->at;
	return op->result;
}

void world_yield(struct world *w)
{
	struct timespec until;

	if (!pthread_equal(pthread_self(), w->first) ||
	    clock_gettime(CLOCK_REALTIME, &until))
		return;
	until.tv_sec++; /* one that never asks is not waited for for ever */
	while (w->returning &&
	       !pthread_cond_timedwait(&w->done, &w->lock, &until))
		;
}

tcpd_time world_clock(struct world *w)
{
	tcpd_time at = pinned;

	pinned = 0;
	if (at) {
		w->returning--;
		pthread_cond_broadcast(&w->done);
		return at;
	}
	world_until(w, w->now + TCPD_US(1));
	return w->now;
}
