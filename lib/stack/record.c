/* SPDX-License-Identifier: MIT */
/*
 * record.c - tcpd_save(): the whole stack as a record (record.h).  What
 * decides anything later goes in with its order: lists, free blocks, free
 * slots, timers.  Not recorded: the settings (but for what must be equal), and
 * traces that nobody has taken yet.
 */
#include "stack/record.h"
#include "tcp/pace.h"

/* A list of references: their slots, as an item. */
static void put_list(struct record_out *o, const struct tcp *t, uint16_t tag,
		     const struct rlist *l)
{
	uint64_t begun = record_begin(o, tag, REC_U32);

	for (uint32_t ref = l->head; ref;
	     ref = conn_at(t, REF_SLOT(ref))->out.next)
		record_put_int(o, REF_SLOT(ref), 4);
	record_end(o, begun);
}

static void put_orphans(struct record_out *o, const struct tcp *t)
{
	uint64_t begun = record_begin(o, TOP_ORPHANS, REC_U32);

	for (uint32_t ref = t->orphans.head; ref;
	     ref = conn_at(t, REF_SLOT(ref))->orphans.next)
		record_put_int(o, REF_SLOT(ref), 4);
	record_end(o, begun);
}

static void put_paced(struct record_out *o, const struct tcp *t)
{
	uint64_t begun = record_begin(o, TOP_PACED, REC_U32);

	for (uint32_t i = 0; i < t->npaced; i++)
		record_put_int(o, t->paced[i].conn, 4);
	record_end(o, begun);
}

static void put_events(struct record_out *o, const struct tcp *t)
{
	uint64_t begun = record_begin(o, TOP_EVENTS, REC_U32);
	uint32_t ref = t->events.head;

	while (ref) {
		bool listens = REF_KIND(ref) == REF_LISTENER;
		const struct listener *l = listener_at(t, REF_SLOT(ref));
		const struct conn *c = conn_at(t, REF_SLOT(ref));

		record_put_int(o, ref, 4);
		record_put_int(o, listens ? l->ev_mask : c->ev_mask, 4);
		ref = listens ? l->ev.next : c->ev.next;
	}
	record_end(o, begun);
}

static void put_cookies(struct record_out *o, const struct tcp *t)
{
	uint64_t begun = record_begin(o, TOP_COOKIES, REC_U32);

	for (uint32_t link = t->cookie_head; link;
	     link = half_at(t, link - 1)->next)
		record_put_int(o, link - 1, 4);
	record_end(o, begun);
}

/* --- listeners */

static void put_accept(struct record_out *o, const struct tcp *t, uint32_t slot)
{
	const struct listener *l = listener_at(t, slot);
	uint64_t begun;

	if (!l->accept.head)
		return;
	begun = record_begin(o, TOP_ACCEPT, REC_U32);
	record_put_int(o, slot, 4);
	for (uint32_t ref = l->accept.head; ref;
	     ref = conn_at(t, REF_SLOT(ref))->aq.next)
		record_put_int(o, REF_SLOT(ref), 4);
	record_end(o, begun);
}

/* Those of one port follow each other in the order in which they are asked. */
static void put_port(struct record_out *o, const struct tcp *t, uint16_t port)
{
	uint32_t link = t->ports[port].listeners;

	while (link) {
		const struct listener *l = listener_at(t, link - 1);
		uint64_t begun = record_begin(o, TOP_LISTENER, REC_GROUP);

		record_put_place(o, &t->listeners, link - 1);
		record_fields(o, &record_listener, l);
		record_u64(o, MORE_USER, (uintptr_t)l->user);
		record_end(o, begun);
		link = l->next;
	}
}

static void put_listeners(struct record_out *o, const struct tcp *t)
{
	for (uint32_t i = 0; i < t->listeners.high; i++) {
		const struct listener *l = listener_at(t, i);

		if (slab_used(&t->listeners, i) &&
		    t->ports[l->port].listeners == i + 1)
			put_port(o, t, l->port);
	}
}

/* --- what else there is */

static void put_small(struct record_out *o, const struct slab *s, uint16_t tag,
		      const struct record_type *ty)
{
	for (uint32_t i = 0; s->count && i < s->high; i++) {
		uint64_t begun;

		if (!slab_used(s, i))
			continue;
		begun = record_begin(o, tag, REC_GROUP);
		record_put_place(o, s, i);
		record_fields(o, ty, slab_at(s, i));
		record_end(o, begun);
	}
}

static void put_replies(struct record_out *o, const struct tcp *t)
{
	for (uint32_t i = 0; i < t->nreplies; i++) {
		const struct reply *r =
			&t->replies[(t->reply_head + i) % NREPLIES];
		uint64_t begun = record_begin(o, TOP_REPLY, REC_GROUP);

		record_fields(o, &record_reply, r);
		if (r->kind == REPLY_ICMP) {
			record_put_block(o, &t->pool, MORE_MESSAGE_BLOCK,
					 r->block);
			record_item(o, MORE_MESSAGE, REC_OCTETS, r->len);
			record_put(o, pool_at(&t->pool, r->block), r->len);
		}
		record_end(o, begun);
	}
}

/* Which slot a new entry gets, and when a handle is stale, stays as it was. */
static void put_slab(struct record_out *o, const struct slab *s, uint16_t tag)
{
	uint64_t group = record_begin(o, tag, REC_GROUP);
	uint64_t begun = record_begin(o, SLAB_SPENT, REC_U32);

	for (uint32_t i = 0; i < s->high; i++)
		if (slab_spent(s, i))
			record_put_int(o, i, 4);
	record_end(o, begun);
	begun = record_begin(o, SLAB_FREE, REC_U32);
	for (uint32_t i = 0; i < s->nfree; i++) {
		record_put_int(o, s->free[i], 4);
		record_put_int(o, s->gen[s->free[i]], 4);
	}
	record_end(o, begun);
	record_end(o, group);
}

/* Which block is taken next, and how large it will be. */
static void put_pool(struct record_out *o, const struct pool *p)
{
	const uint32_t high[] = {p->high, p->low_hot};
	uint64_t group = record_begin(o, TOP_POOL, REC_GROUP);
	uint64_t begun;

	record_u32s(o, POOL_HIGH, high, ARRAY_SIZE(high));
	begun = record_begin(o, POOL_COLD, REC_U32);
	for (uint32_t b = p->cold; b != POOL_NONE; b = p->block[b].next)
		record_put_int(o, b, 4);
	record_end(o, begun);
	for (uint16_t i = 0; i < POOL_ORDERS; i++) {
		begun = record_begin(o, (uint16_t)(POOL_LIST + i), REC_U32);
		for (uint32_t b = p->free[i]; b != POOL_NONE;
		     b = p->block[b].next) {
			record_put_int(o, b, 4);
			record_put_int(o, p->block[b].off, 4);
		}
		record_end(o, begun);
	}
	record_end(o, group);
}

static void put_recent(struct record_out *o, const struct tcp *t)
{
	uint64_t begun = record_begin(o, TOP_RECENT, REC_U64);

	for (uint32_t i = 0; i < RECENT_CELLS; i++) {
		const struct recent_cell *c = &t->recent.cell[i];

		if (!c->at || t->now - c->at >= TCPD_SEC(1))
			continue;
		record_put_int(o, i, 8);
		record_put_int(o, c->hash, 8);
		record_put_int(o, c->at, 8);
	}
	record_end(o, begun);
}

static void put_paths(struct record_out *o, const struct tcp *t)
{
	uint64_t begun = record_begin(o, TOP_PATHS, REC_U64);

	for (uint32_t i = 0; i < PMTU_CELLS; i++) {
		const struct pmtu_cell *p = &t->paths[i];

		if (p->until <= t->now)
			continue;
		record_put_int(o, i, 8);
		record_put_int(o, p->hash, 8);
		record_put_int(o, p->until, 8);
		record_put_int(o, p->next, 8);
		record_put_int(o,
			       p->mtu | (uint64_t)p->high << 16 |
				       (uint64_t)p->how << 32,
			       8);
	}
	record_end(o, begun);
}

static void put_servers(struct record_out *o, const struct tcp *t)
{
	uint64_t begun = record_begin(o, TOP_SERVERS, REC_U64);

	for (uint32_t i = 0; i < FO_CELLS; i++) {
		const struct fo_cell *s = &t->servers[i];
		uint64_t rest = s->mss | (uint64_t)s->fails << 16 |
				(uint64_t)s->form << 24 |
				(uint64_t)s->len << 32 |
				(uint64_t)s->vain << 40;

		if (!s->used)
			continue;
		record_put_int(o, i, 8);
		record_put_int(o, s->hash, 8);
		record_put_int(o, s->used, 8);
		record_put_int(o, s->failed_at, 8);
		record_put_int(o, rest, 8);
		record_put(o, s->cookie, sizeof(s->cookie));
	}
	record_end(o, begun);
}

static void put_wheel(struct record_out *o, const struct wheel *w, uint16_t tag)
{
	uint64_t group = record_begin(o, tag, REC_GROUP);
	uint64_t begun;

	record_u64(o, WHEEL_TIME, w->now);
	begun = record_begin(o, WHEEL_ARMED, REC_U64);
	for (unsigned i = 0; i < WHEEL_LEVELS * WHEEL_SLOTS; i++) {
		uint32_t ref = w->head[i / WHEEL_SLOTS][i % WHEEL_SLOTS];

		while (ref) {
			const struct wheel_node *n = w->node(w->arg, ref);
			int32_t ahead = (int32_t)(n->tick - (uint32_t)w->now);

			record_put_int(o, ref, 8);
			record_put_int(o, w->now + (uint64_t)(int64_t)ahead, 8);
			ref = n->next;
		}
	}
	record_end(o, begun);
	record_end(o, group);
}

static void put_all(struct record_out *o, const struct tcpd_stack *st)
{
	const struct tcp *t = &st->t;
	uint64_t begun = record_begin(o, TOP_SIZES, REC_GROUP);

	record_fields(o, &record_sizes, &t->set);
	record_end(o, begun);
	begun = record_begin(o, TOP_STACK, REC_GROUP);
	record_fields(o, &record_stack, st);
	record_end(o, begun);
	put_pool(o, &t->pool);
	put_listeners(o, t);
	for (uint32_t i = 0; i < t->conns.high; i++)
		if (slab_used(&t->conns, i))
			record_put_conn(o, t, i);
	put_small(o, &t->halves, TOP_HALF, &record_half);
	put_small(o, &t->tws, TOP_TIMEWAIT, &record_timewait);
	put_cookies(o, t);
	put_slab(o, &t->conns, TOP_CONNS);
	put_slab(o, &t->listeners, TOP_LISTENERS);
	put_list(o, t, TOP_ACKS, &t->acks);
	put_list(o, t, TOP_SENDS, &t->sends);
	put_orphans(o, t);
	put_paced(o, t);
	for (uint32_t i = 0; i < t->listeners.high; i++)
		if (slab_used(&t->listeners, i))
			put_accept(o, t, i);
	put_events(o, t);
	put_replies(o, t);
	put_wheel(o, &t->wheel, TOP_WHEEL);
	put_wheel(o, &t->tw_wheel, TOP_TW_WHEEL);
	put_recent(o, t);
	put_paths(o, t);
	put_servers(o, t);
	record_put_frags(o, st);
}

/* Rooms that were given out and not filled: they end here. */
static void end_rooms(struct tcp *t)
{
	for (uint32_t i = 0; i < t->conns.high; i++)
		if (slab_used(&t->conns, i))
			sendq_filled(t, conn_at(t, i), 0);
}

int64_t tcpd_save(struct tcpd_stack *st, void *buf, size_t len, tcpd_time now)
{
	struct record_out o = {
		.p = buf, .room = buf ? len : 0, .at = RECORD_HEAD};
	struct record_out head;

	stack_enter(st, now);
	recvq_settle(&st->t);
	end_rooms(&st->t);
	put_all(&o, st);
	if (!buf)
		return (int64_t)o.at;
	if (o.at > len)
		return -TCPD_ERR_SPACE;
	head = o;
	head.at = 0;
	record_put(&head, RECORD_MAGIC, 8);
	record_put_int(&head, RECORD_VERSION, 4);
	record_put_int(&head, o.at - RECORD_HEAD, 8);
	record_put_int(&head, record_sum(o.p + RECORD_HEAD, o.at - RECORD_HEAD),
		       8);
	return (int64_t)o.at;
}
