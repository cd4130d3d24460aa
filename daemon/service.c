/* SPDX-License-Identifier: MIT */
/*
 * service.c - listeners that the daemon serves, at start and after a reload.
 *
 * A reload must not lose a connection: a listener that stays the same keeps
 * its accept queue and only gets the new service behind it, connections keep
 * the service that accepted them.  When a new listener cannot be had, all is
 * as it was.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clamp.h"
#include "pump.h"
#include "service.h"
#include "wire/pretty.h"

static const struct service_kind *kind_of(enum conf_kind k)
{
	switch (k) {
	case CONF_HTTP:
		return &service_http;
	case CONF_ECHO:
		return &service_echo;
	case CONF_DISCARD:
		return &service_discard;
	case CONF_CHARGEN:
		return &service_chargen;
	case CONF_DAYTIME:
		return &service_daytime;
	case CONF_FORWARD:
		return &service_forward;
	}
	return &service_discard;
}

struct service *service_ref(struct service *s)
{
	s->refs++;
	return s;
}

void service_unref(struct service *s)
{
	if (--s->refs == 0)
		free(s);
}

/* ------------------------------------------------------------ listeners */

static void listener_event(struct daemon *d, struct endpoint *e,
			   const struct tcpd_event *ev)
{
	struct service_listener *l = (struct service_listener *)e;
	tcpd_handle h;

	(void)ev;
	while (tcpd_accept(d->st, l->h, &h, d->now) == 0)
		l->s->kind->accept(d, l->s, h);
}

static void listener_info(struct daemon *d, struct endpoint *e,
			  struct endpoint_info *info)
{
	const struct service_listener *l = (const struct service_listener *)e;

	(void)d;
	(void)snprintf(info->comm, sizeof(info->comm), "%.15s",
		       l->s->conf.name);
}

static const struct endpoint_ops listener_ops = {listener_event, listener_info};

static int listener_open(struct daemon *d, struct service_listener *l)
{
	int rc;

	l->h = 0;
	/* connections of the listener before it, in TIME-WAIT or still open,
	 * shall not keep a reload from having the port */
	rc = tcpd_listen(d->st, &l->h, &l->addr, TCPD_BIND_REUSE,
			 &l->s->conf.conn, d->now);
	if (rc == 0)
		tcpd_set_user(d->st, l->h, l);
	return rc;
}

static void listener_close(struct daemon *d, struct service_listener *l)
{
	if (!l->h)
		return;
	tcpd_set_user(d->st, l->h, NULL);
	(void)tcpd_close(d->st, l->h, d->now);
	l->h = 0;
}

static bool same_addr(const struct tcpd_addr *a, const struct tcpd_addr *b)
{
	return a->family == b->family && a->port == b->port &&
	       memcmp(a->ip, b->ip, sizeof(a->ip)) == 0;
}

static bool same_conn(const struct tcpd_conn_settings *a,
		      const struct tcpd_conn_settings *b)
{
	if (a->nsynack_waits != b->nsynack_waits)
		return false;
	for (unsigned i = 0; i < a->nsynack_waits; i++)
		if (a->synack_wait[i] != b->synack_wait[i])
			return false;
	return a->congestion == b->congestion && a->backlog == b->backlog &&
	       a->syn_cookies == b->syn_cookies && a->ecn == b->ecn &&
	       a->fast_open == b->fast_open && a->time_wait == b->time_wait &&
	       a->receive_buffer == b->receive_buffer &&
	       a->send_buffer == b->send_buffer;
}

/* ---------------------------------------------------------------- lists */

/* The services of the configuration, none of them listening yet. */
static void free_list(struct daemon *d, struct service *list)
{
	while (list) {
		struct service *s = list;

		list = s->next;
		for (unsigned i = 0; i < s->nlisteners; i++) {
			if (!s->listener[i])
				continue; /* went on to another service */
			listener_close(d, s->listener[i]);
			free(s->listener[i]);
		}
		s->nlisteners = 0;
		service_unref(s);
	}
}

static struct service *make(struct daemon *d, const struct conf_service *c,
			    char *err, size_t nerr)
{
	struct service *s = calloc(1, sizeof(*s));

	if (!s) {
		(void)snprintf(err, nerr, "service %s: out of memory", c->name);
		return NULL;
	}
	s->refs = 1;
	s->conf = *c;
	s->conf.next = NULL;
	s->kind = kind_of(c->kind);
	if (s->kind->check && s->kind->check(d, s, err, nerr) < 0) {
		free(s);
		return NULL;
	}
	for (size_t i = 0; i < c->nlisten; i++) {
		struct service_listener *l = calloc(1, sizeof(*l));

		if (!l) {
			(void)snprintf(err, nerr, "service %s: out of memory",
				       c->name);
			free_list(d, s);
			return NULL;
		}
		l->e.ops = &listener_ops;
		l->s = s;
		l->addr = c->listen[i];
		s->listener[s->nlisteners++] = l;
	}
	return s;
}

static int make_list(struct daemon *d, struct service **list, char *err,
		     size_t nerr)
{
	struct service **tail = list;

	*list = NULL;
	for (const struct conf_service *c = d->conf->services; c; c = c->next) {
		*tail = make(d, c, err, nerr);
		if (!*tail) {
			free_list(d, *list);
			*list = NULL;
			return -1;
		}
		tail = &(*tail)->next;
	}
	return 0;
}

/* The listeners of a list, one after the other; NULL at the end. */
struct walk {
	struct service *s;
	unsigned i;
};

static struct service_listener *next(struct walk *w)
{
	while (w->s && w->i == w->s->nlisteners) {
		w->s = w->s->next;
		w->i = 0;
	}
	return w->s ? w->s->listener[w->i++] : NULL;
}

/* An old listener that can stay for |l|; it is spoken for afterwards. */
static void find_reuse(struct service *old, struct service_listener *l)
{
	struct walk w = {.s = old};
	struct service_listener *o;

	while ((o = next(&w)) != NULL) {
		if (o->reuse || !same_addr(&o->addr, &l->addr) ||
		    !same_conn(&o->s->conf.conn, &l->s->conf.conn))
			continue;
		o->reuse = l;
		l->reuse = o;
		return;
	}
}

static void say_wrong(const struct service_listener *l, int rc, char *err,
		      size_t nerr)
{
	char addr[PRETTY_ADDR_MAX];

	(void)snprintf(err, nerr, "service %s: listen %s: %s", l->s->conf.name,
		       pretty_addr(addr, &l->addr), tcpd_err_text(rc));
}

/* Open what is new.  |may_wait|: a port in use may be one that an old listener
 * still has.  The number that is missing for that reason, or -1. */
static int open_new(struct daemon *d, struct service *list, bool may_wait,
		    char *err, size_t nerr)
{
	struct walk w = {.s = list};
	struct service_listener *l;
	int missing = 0, rc;

	while ((l = next(&w)) != NULL) {
		if (l->reuse || l->h)
			continue;
		rc = listener_open(d, l);
		if (rc == -TCPD_ERR_IN_USE && may_wait) {
			missing++;
		} else if (rc < 0) {
			say_wrong(l, rc, err, nerr);
			return -1;
		}
	}
	return missing;
}

static void close_unused(struct daemon *d, struct service *old)
{
	struct walk w = {.s = old};
	struct service_listener *l;

	while ((l = next(&w)) != NULL)
		if (!l->reuse)
			listener_close(d, l);
}

/* As it was before: what was closed to make room is opened again. */
static void undo(struct daemon *d, struct service *old, struct service *list)
{
	struct walk w = {.s = old};
	struct service_listener *l;

	free_list(d, list);
	while ((l = next(&w)) != NULL) {
		l->reuse = NULL;
		if (!l->h && listener_open(d, l) < 0)
			log_error("service %s: a listener is lost",
				  l->s->conf.name);
	}
}

static void commit(struct daemon *d, struct service *old, struct service *list)
{
	struct walk w = {.s = list};
	char addr[PRETTY_ADDR_MAX];
	struct service_listener *l;

	while ((l = next(&w)) != NULL) {
		if (!l->reuse) {
			log_info("service %s: %s on %s", l->s->conf.name,
				 l->s->kind->name, pretty_addr(addr, &l->addr));
			continue;
		}
		l->h = l->reuse->h;
		tcpd_set_user(d->st, l->h, l);
		l->reuse->h = 0;
		l->reuse = NULL;
	}
	d->services->list = list;
	free_list(d, old);
}

int services_apply(struct daemon *d, char *err, size_t nerr)
{
	struct walk w = {.s = NULL};
	struct service *old, *list;
	struct service_listener *l;
	int missing;

	if (!d->services)
		d->services = calloc(1, sizeof(*d->services));
	if (!d->services) {
		(void)snprintf(err, nerr, "services: out of memory");
		return -1;
	}
	(void)daemon_now(d);
	old = d->services->list;
	if (make_list(d, &list, err, nerr) < 0)
		return -1;
	w.s = list;
	while ((l = next(&w)) != NULL)
		find_reuse(old, l);
	missing = open_new(d, list, old != NULL, err, nerr);
	if (missing > 0) {
		close_unused(d, old);
		missing = open_new(d, list, false, err, nerr);
	}
	if (missing < 0) {
		undo(d, old, list);
		daemon_kick(d);
		return -1;
	}
	commit(d, old, list);
	daemon_kick(d);
	return 0;
}

void services_stop(struct daemon *d)
{
	struct services *all = d->services;

	if (!all)
		return;
	free_list(d, all->list);
	all->list = NULL;
	pump_stop_all(d);
	service_http_stop(d);
	service_conn_stop(d);
	d->services = NULL;
	free(all);
}
