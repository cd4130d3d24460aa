/* SPDX-License-Identifier: MIT */
/*
 * each.c - everything that there is, in turn, and ending something by its
 * number.  The tables may have millions of places: a walk can be taken in
 * pieces, and what it has found needs no search.
 */
#include <string.h>

#include "stack/stack.h"
#include "tcp/synq.h"
#include "tcp/timewait.h"

static const struct slab *slab_of(const struct tcp *t, uint32_t kind)
{
	switch (kind) {
	case TCPD_KIND_CONN:
		return &t->conns;
	case TCPD_KIND_LISTENER:
		return &t->listeners;
	case TCPD_KIND_HALF_OPEN:
		return &t->halves;
	case TCPD_KIND_TIME_WAIT:
		return &t->tws;
	default:
		return NULL;
	}
}

/* Is there something to be shown in a place of a table? */
static bool shown(const struct tcp *t, const struct tcpd_cursor *c,
		  const struct slab *slab, uint32_t slot, tcpd_time now)
{
	const struct timewait *w;
	int32_t late;

	if (!slab_used(slab, slot))
		return false;
	if (c->kind != TCPD_KIND_TIME_WAIT)
		return true;
	w = timewait_at(t, slot);
	if (w->held)
		return false; /* its TCB's row says it */
	/* What entered TIME-WAIT in the course of this walk may have been
	 * shown in another state.  Ticks are no finer than 1 ms. */
	late = (int32_t)(timewait_began(t, w) - (uint32_t)tick_of(c->begun));
	return late < 0 || (late == 0 && now == c->begun);
}

bool tcpd_each(const struct tcpd_stack *st, struct tcpd_cursor *c,
	       struct tcpd_status *s, tcpd_time now)
{
	const struct tcp *t = &st->t;
	const struct slab *slab;

	if (!c->begun)
		c->begun = now;
	while ((slab = slab_of(t, c->kind)) != NULL) {
		while (slab->count && c->slot < slab->high) {
			uint32_t slot = c->slot;

			if (c->looks && c->looked >= c->looks)
				return false;
			c->slot++;
			c->looked++;
			if (shown(t, c, slab, slot, now)) {
				status_of(t, c->kind, slot, s, now);
				return true;
			}
		}
		c->kind++;
		c->slot = 0;
	}
	return false;
}

/* --- by number */

static tcpd_id id_of(const struct tcp *t, uint32_t kind, uint32_t slot)
{
	const struct slab *slab = slab_of(t, kind);

	if (!slab || !slab_used(slab, slot))
		return 0;
	if (kind == TCPD_KIND_CONN)
		return conn_at(t, slot)->id;
	if (kind == TCPD_KIND_LISTENER)
		return listener_at(t, slot)->id;
	if (kind == TCPD_KIND_HALF_OPEN)
		return half_at(t, slot)->id;
	return timewait_id(t, timewait_at(t, slot));
}

bool tcpd_lives(const struct tcpd_stack *st, tcpd_id id,
		const struct tcpd_addr *local, const struct tcpd_addr *peer)
{
	const struct tcp *t = &st->t;
	struct tuple tu = {.lport = local->port, .pport = peer->port};
	uint32_t at[TCPD_NKINDS] = {[TCPD_KIND_LISTENER] = SLAB_NONE};
	uint32_t hash;

	memcpy(tu.local, local->ip, sizeof(tu.local));
	memcpy(tu.peer, peer->ip, sizeof(tu.peer));
	hash = tuple_hash(t, &tu);
	at[TCPD_KIND_CONN] = conn_find(t, &tu, hash);
	at[TCPD_KIND_HALF_OPEN] = synq_find(t, &tu, hash);
	at[TCPD_KIND_TIME_WAIT] = timewait_find(t, &tu, hash);
	for (uint32_t k = 0; k < TCPD_NKINDS; k++)
		if (at[k] != SLAB_NONE && id_of(t, k, at[k]) == id)
			return true;
	return false;
}

static uint32_t find_id(const struct tcp *t, tcpd_id id, uint32_t *kind)
{
	const struct slab *slab;

	for (*kind = 0; (slab = slab_of(t, *kind)) != NULL; ++*kind)
		for (uint32_t i = 0; slab->count && i < slab->high; i++)
			if (id && id_of(t, *kind, i) == id)
				return i;
	return SLAB_NONE;
}

static void abort_conn(struct tcp *t, struct conn *c)
{
	bool held = stack_usable(c);

	if (!held || c->state == TCPD_CLOSED) {
		if (!held)
			user_abort(t, c, TCPD_RESET_ABORT);
		return;
	}
	/* its holder learns of it as of a peer's RST */
	if (c->state != TCPD_SYN_SENT)
		rst_send(t, c, TCPD_RESET_ABORT);
	conn_move(t, c, EV_ABORT);
	conn_ended(t, c, TCPD_ERR_RESET, TCPD_EV_RESET);
}

static int abort_at(struct tcpd_stack *st, uint32_t kind, uint32_t slot,
		    tcpd_time now)
{
	struct tcp *t = &st->t;

	switch (slot == SLAB_NONE ? TCPD_NKINDS : kind) {
	case TCPD_KIND_CONN:
		abort_conn(t, conn_at(t, slot));
		return 0;
	case TCPD_KIND_LISTENER:
		return tcpd_abort(st, stack_handle(t, REF(REF_LISTENER, slot)),
				  now);
	case TCPD_KIND_HALF_OPEN:
		synq_abort(t, slot);
		return 0;
	case TCPD_KIND_TIME_WAIT:
		timewait_remove(t, slot);
		return 0;
	default:
		return -TCPD_ERR_HANDLE;
	}
}

static int close_at(struct tcpd_stack *st, uint32_t kind, uint32_t slot,
		    tcpd_time now)
{
	struct tcp *t = &st->t;

	if (slot != SLAB_NONE && kind == TCPD_KIND_CONN &&
	    stack_usable(conn_at(t, slot)))
		return user_shutdown(t, conn_at(t, slot));
	return abort_at(st, kind, slot, now);
}

int tcpd_abort_id(struct tcpd_stack *st, tcpd_id id, tcpd_time now)
{
	uint32_t kind, slot;

	stack_enter(st, now);
	slot = find_id(&st->t, id, &kind);
	return abort_at(st, kind, slot, now);
}

int tcpd_close_id(struct tcpd_stack *st, tcpd_id id, tcpd_time now)
{
	uint32_t kind, slot;

	stack_enter(st, now);
	slot = find_id(&st->t, id, &kind);
	return close_at(st, kind, slot, now);
}

/* The place that |c| has shown last, if |id| is still there. */
static uint32_t seen(const struct tcpd_stack *st, const struct tcpd_cursor *c,
		     tcpd_id id)
{
	if (!c->slot || !id || id_of(&st->t, c->kind, c->slot - 1) != id)
		return SLAB_NONE;
	return c->slot - 1;
}

int tcpd_abort_seen(struct tcpd_stack *st, const struct tcpd_cursor *c,
		    tcpd_id id, tcpd_time now)
{
	stack_enter(st, now);
	return abort_at(st, c->kind, seen(st, c, id), now);
}

int tcpd_close_seen(struct tcpd_stack *st, const struct tcpd_cursor *c,
		    tcpd_id id, tcpd_time now)
{
	stack_enter(st, now);
	return close_at(st, c->kind, seen(st, c, id), now);
}

/* --- addresses that have gone */

static bool removed(const struct tcp *t, uint32_t kind, uint32_t slot)
{
	const uint8_t *ip;

	switch (kind) {
	case TCPD_KIND_CONN:
		if (conn_at(t, slot)->state == TCPD_CLOSED)
			return false;
		ip = conn_at(t, slot)->tu.local;
		break;
	case TCPD_KIND_LISTENER:
		if (listener_at(t, slot)->any ||
		    listener_at(t, slot)->ev_mask & TCPD_EV_RESET)
			return false;
		ip = listener_at(t, slot)->ip;
		break;
	case TCPD_KIND_HALF_OPEN:
		ip = half_at(t, slot)->tu.local;
		break;
	default:
		ip = timewait_at(t, slot)->tu.local;
		break;
	}
	return !port_is_ours(t, ip);
}

bool tcpd_end_removed(struct tcpd_stack *st, tcpd_time now)
{
	struct tcp *t = &st->t;
	const struct slab *slab;

	stack_enter(st, now);
	for (uint32_t kind = 0; (slab = slab_of(t, kind)) != NULL; kind++)
		for (uint32_t i = 0; slab->count && i < slab->high; i++) {
			if (!slab_used(slab, i) || !removed(t, kind, i))
				continue;
			if (reply_full(t))
				return true;
			if (kind == TCPD_KIND_LISTENER)
				listen_event(t, listener_at(t, i),
					     TCPD_EV_RESET);
			else
				abort_at(st, kind, i, now);
		}
	return false;
}
