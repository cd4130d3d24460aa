/* SPDX-License-Identifier: MIT */
/*
 * record_load.c - tcpd_load(): a record back into a fresh stack.  Nothing in
 * it is trusted: here stands what memory safety needs (slots, blocks, links,
 * lengths); whether the values go together is tcpd_check()'s question, asked
 * at the end.  The order of the items at the top does not matter.
 */
#include "stack/record.h"
#include "tcp/pace.h"

struct loader {
	struct tcpd_stack *st;
	struct tcp *t;
	bool sizes_fit;
	uint32_t low_hot;
	uint32_t last; /* listener before: slot + 1 */
};

/* --- listeners and small entries */

static bool load_listener(struct loader *ld, struct octets group)
{
	struct tcp *t = ld->t;
	struct listener *l;
	uint32_t slot, *link;

	if (!record_place(&t->listeners, group, &slot))
		return false;
	l = listener_at(t, slot);
	if (!record_read(group, &record_listener, l))
		return false;
	l->user = record_user(group);
	/* behind the one before it in the record, or the first of its port */
	link = &t->ports[l->port].listeners;
	if (*link) {
		if (!ld->last || listener_at(t, ld->last - 1)->port != l->port)
			return false;
		link = &listener_at(t, ld->last - 1)->next;
	}
	*link = slot + 1;
	ld->last = slot + 1;
	return true;
}

static bool load_half(struct loader *ld, struct octets group)
{
	struct tcp *t = ld->t;
	struct half *h;
	uint32_t slot;

	if (!record_place(&t->halves, group, &slot))
		return false;
	h = half_at(t, slot);
	if (!record_read(group, &record_half, h) ||
	    !slab_used(&t->listeners, h->listener) ||
	    !port_tuple_free(t, &h->tu) ||
	    !htab_add(&t->half_tab, tuple_hash(t, &h->tu), slot))
		return false;
	if (h->acked)
		synq_wait_for_room(t, slot);
	return true;
}

/* In the order of the record. */
static bool load_cookies(struct loader *ld, struct octets o)
{
	struct tcp *t = ld->t;

	while (octets_left(&o)) {
		uint32_t slot = record_u32(&o);
		const struct half *h;

		if (o.bad || !slab_used(&t->halves, slot))
			return false;
		h = half_at(t, slot);
		if (!h->cookie || h->prev || t->cookie_head == slot + 1)
			return false;
		synq_cookie_link(t, slot);
	}
	return true;
}

static bool load_timewait(struct loader *ld, struct octets group)
{
	struct tcp *t = ld->t;
	struct timewait *w;
	uint32_t slot;

	if (!record_place(&t->tws, group, &slot))
		return false;
	w = timewait_at(t, slot);
	if (!record_read(group, &record_timewait, w) ||
	    w->class >= t->ntw_classes || !port_tuple_free(t, &w->tu))
		return false;
	timewait_count(t, w, 1);
	return htab_add(&t->tw_tab, tuple_hash(t, &w->tu), slot);
}

static bool load_conn(struct loader *ld, struct octets group)
{
	return record_get_conn(ld->t, group);
}

/* --- the stack itself, and memory */

static bool load_sizes(struct loader *ld, struct octets group)
{
	const struct record_type *ty = &record_sizes;
	struct tcpd_settings s = {0};

	if (!record_read(group, ty, &s))
		return false;
	for (size_t i = 0; i < ty->nfields; i++) {
		const struct field *f = &ty->field[i];

		if (memcmp((const uint8_t *)&s + f->offset,
			   (const uint8_t *)&ld->t->set + f->offset,
			   (size_t)f->n * f->size) != 0)
			return false;
	}
	ld->sizes_fit = true;
	return true;
}

static bool load_stack(struct loader *ld, struct octets group)
{
	const struct record_type *ty = &record_stack;

	/* keys and 2MSLs of the settings: the record's come in their place */
	for (size_t i = 0; i < ty->nfields; i++)
		memset((uint8_t *)ld->st + ty->field[i].offset, 0,
		       (size_t)ty->field[i].n * ty->field[i].size);
	return record_read(group, ty, ld->st) &&
	       ld->t->ntw_classes <= NTW_CLASSES;
}

static bool load_pool_size(struct loader *ld, struct octets group)
{
	struct octets o = record_find(group, POOL_HIGH, REC_U32);
	uint32_t high = record_u32(&o);

	ld->low_hot = record_u32(&o);
	return !o.bad && pool_restore(&ld->t->pool, high);
}

/* Lists are filled in at their heads: the last block of each comes first. */
static bool load_free_blocks(struct loader *ld, struct octets group)
{
	struct pool *p = &ld->t->pool;
	struct octets o = record_find(group, POOL_COLD, REC_U32);

	for (size_t n = octets_left(&o) / 4; n > 0; n--) {
		struct octets one = octets_of(o.p + 4 * (n - 1), 4);

		if (!pool_restore_block(p, record_u32(&one), POOL_ORDERS - 1,
					POOL_DISCARDED, 0))
			return false;
	}
	for (uint16_t i = 0; i < POOL_ORDERS; i++) {
		o = record_find(group, (uint16_t)(POOL_LIST + i), REC_U32);
		for (size_t n = octets_left(&o) / 8; n > 0; n--) {
			struct octets one = octets_of(o.p + 8 * (n - 1), 8);
			uint32_t b = record_u32(&one);

			if (!pool_restore_block(p, b, i, POOL_FREE,
						record_u32(&one)))
				return false;
		}
	}
	return true;
}

static bool load_slab(struct slab *s, struct octets group)
{
	struct octets o = record_find(group, SLAB_SPENT, REC_U32);
	uint32_t nth = 0;

	while (octets_left(&o))
		if (!slab_restore_spent(s, record_u32(&o)))
			return false;
	o = record_find(group, SLAB_FREE, REC_U32);
	while (octets_left(&o)) {
		uint32_t slot = record_u32(&o);

		if (!slab_restore_free(s, nth++, slot, record_u32(&o)))
			return false;
	}
	return !o.bad;
}

static bool load_conns(struct loader *ld, struct octets group)
{
	return load_slab(&ld->t->conns, group);
}

static bool load_listeners(struct loader *ld, struct octets group)
{
	return load_slab(&ld->t->listeners, group);
}

/* --- lists */

static bool conn_of(struct loader *ld, struct octets *o, uint32_t *slot)
{
	*slot = record_u32(o);
	return !o->bad && slab_used(&ld->t->conns, *slot);
}

static bool out_list(struct loader *ld, struct octets o, struct rlist *l,
		     enum conn_list which)
{
	uint32_t slot;

	while (octets_left(&o)) {
		if (!conn_of(ld, &o, &slot) ||
		    conn_at(ld->t, slot)->on_list != ON_NONE)
			return false;
		conn_at(ld->t, slot)->on_list = (uint8_t)which;
		rlist_push(ld->t, l, LINK_OUT, REF(REF_CONN, slot));
	}
	return true;
}

static bool load_acks(struct loader *ld, struct octets o)
{
	return out_list(ld, o, &ld->t->acks, ON_ACKS);
}

static bool load_sends(struct loader *ld, struct octets o)
{
	return out_list(ld, o, &ld->t->sends, ON_SENDS);
}

static bool load_orphans(struct loader *ld, struct octets o)
{
	struct tcp *t = ld->t;
	uint32_t slot;

	while (octets_left(&o)) {
		if (!conn_of(ld, &o, &slot) || conn_at(t, slot)->orphaned)
			return false;
		conn_at(t, slot)->orphaned = true;
		rlist_push(t, &t->orphans, LINK_ORPHAN, REF(REF_CONN, slot));
		t->norphans++;
	}
	return true;
}

static bool load_paced(struct loader *ld, struct octets o)
{
	uint32_t slot;

	while (octets_left(&o)) {
		struct conn *c;

		if (!conn_of(ld, &o, &slot))
			return false;
		c = conn_at(ld->t, slot);
		if (c->on_list != ON_NONE || !c->flow)
			return false;
		pace_wait(ld->t, c);
	}
	return true;
}

static bool load_accept(struct loader *ld, struct octets o)
{
	uint32_t listener = record_u32(&o);
	struct listener *l;
	uint32_t slot;

	if (o.bad || !slab_used(&ld->t->listeners, listener))
		return false;
	l = listener_at(ld->t, listener);
	while (octets_left(&o)) {
		if (!conn_of(ld, &o, &slot) || conn_at(ld->t, slot)->listener)
			return false;
		conn_at(ld->t, slot)->listener = listener + 1;
		rlist_push(ld->t, &l->accept, LINK_ACCEPT, REF(REF_CONN, slot));
		l->nqueued++;
	}
	return true;
}

static bool load_events(struct loader *ld, struct octets o)
{
	struct tcp *t = ld->t;

	while (octets_left(&o)) {
		uint32_t ref = record_u32(&o);
		uint32_t mask = record_u32(&o);
		uint32_t slot = REF_SLOT(ref);
		bool listens = ref >> REF_SHIFT == REF_LISTENER;
		uint32_t *has;

		if (o.bad || mask == 0 ||
		    (!listens && ref >> REF_SHIFT != REF_CONN) ||
		    !slab_used(listens ? &t->listeners : &t->conns, slot))
			return false;
		has = listens ? &listener_at(t, slot)->ev_mask
			      : &conn_at(t, slot)->ev_mask;
		if (*has)
			return false;
		*has = mask;
		rlist_push(t, &t->events, LINK_EVENT, ref);
	}
	return true;
}

static bool load_reply(struct loader *ld, struct octets group)
{
	struct pool *p = &ld->t->pool;
	struct octets text = record_find(group, MORE_MESSAGE, REC_OCTETS);
	struct octets block = record_find(group, MORE_MESSAGE_BLOCK, REC_U32);
	struct reply r = {0};

	if (!record_read(group, &record_reply, &r))
		return false;
	if (r.kind == REPLY_ICMP) {
		if (!record_block(p, &block, &r.block) || r.len == 0 ||
		    r.len != octets_left(&text) ||
		    r.len > pool_size(p->block[r.block].order))
			return false;
		memcpy(pool_at(p, r.block), text.p, r.len);
	}
	if (r.split && r.kind != REPLY_ICMP)
		return false;
	ld->t->nsplit += r.split;
	return reply_push_back(ld->t, &r);
}

/* --- timers */

static bool arm(struct tcp *t, struct wheel *w, uint64_t ref, uint64_t tick)
{
	uint64_t kind = ref >> REF_SHIFT;
	uint32_t slot = REF_SLOT((uint32_t)ref);

	if (w == &t->tw_wheel  ? kind != REF_TW || !slab_used(&t->tws, slot)
	    : kind == REF_CONN ? !slab_used(&t->conns, slot)
	    : kind == REF_HALF ? !slab_used(&t->halves, slot)
			       : ref != REF(REF_MISC, MISC_TRIM))
		return false;
	if (wheel_armed(w, timeout_node(t, (uint32_t)ref)))
		return false;
	wheel_arm(w, (uint32_t)ref, tick);
	return true;
}

/* The last one of a list first, for the same order in it. */
static bool load_timers(struct tcp *t, struct wheel *w, struct octets group)
{
	struct octets o = record_find(group, WHEEL_TIME, REC_U64);
	uint64_t now = record_int(&o, 8);

	if (o.bad || w->count || now > t->now / TCPD_MS(1))
		return false;
	wheel_init(w, now, timeout_node, timeout_key, t);
	o = record_find(group, WHEEL_ARMED, REC_U64);
	for (size_t n = octets_left(&o) / 16; n > 0; n--) {
		struct octets one = octets_of(o.p + 16 * (n - 1), 16);
		uint64_t ref = record_int(&one, 8);

		if (!arm(t, w, ref, record_int(&one, 8)))
			return false;
	}
	return true;
}

static bool load_wheel(struct loader *ld, struct octets group)
{
	return load_timers(ld->t, &ld->t->wheel, group);
}

static bool load_tw_wheel(struct loader *ld, struct octets group)
{
	return load_timers(ld->t, &ld->t->tw_wheel, group);
}

static bool load_recent(struct loader *ld, struct octets o)
{
	while (octets_left(&o)) {
		uint64_t cell = record_int(&o, 8);
		uint64_t hash = record_int(&o, 8);
		uint64_t at = record_int(&o, 8);

		if (o.bad || cell >= RECENT_CELLS || at > ld->t->now)
			return false;
		ld->t->recent.cell[cell].hash = hash;
		ld->t->recent.cell[cell].at = at;
	}
	return true;
}

static bool load_paths(struct loader *ld, struct octets o)
{
	while (octets_left(&o)) {
		uint64_t cell = record_int(&o, 8);
		struct pmtu_cell p = {.hash = record_int(&o, 8)};
		uint64_t rest;

		p.until = record_int(&o, 8);
		p.next = record_int(&o, 8);
		rest = record_int(&o, 8);
		p.mtu = (uint16_t)rest;
		p.high = (uint16_t)(rest >> 16);
		p.how = (uint8_t)(rest >> 32);
		if (o.bad || cell >= PMTU_CELLS || p.mtu < PMTU_V4_MIN ||
		    p.how >= TCPD_NPMTUS)
			return false;
		ld->t->paths[cell] = p;
	}
	return true;
}

static bool load_servers(struct loader *ld, struct octets o)
{
	while (octets_left(&o)) {
		uint64_t cell = record_int(&o, 8);
		struct fo_cell s = {.hash = record_int(&o, 8)};
		uint64_t rest;

		s.used = record_int(&o, 8);
		s.failed_at = record_int(&o, 8);
		rest = record_int(&o, 8);
		s.mss = (uint16_t)rest;
		s.fails = (uint8_t)(rest >> 16);
		s.form = (uint8_t)(rest >> 24);
		s.len = (uint8_t)(rest >> 32);
		s.vain = (uint8_t)(rest >> 40);
		for (unsigned i = 0; i < sizeof(s.cookie); i++)
			s.cookie[i] = octets_u8(&o);
		if (o.bad || cell >= FO_CELLS || s.form > FO_EXPERIMENT ||
		    s.vain > FO_EXPERIMENT || s.len > sizeof(s.cookie) ||
		    !s.form != !s.len || s.len % 2)
			return false;
		ld->t->servers[cell] = s;
	}
	return true;
}

static bool load_frag(struct loader *ld, struct octets group)
{
	return record_get_frag(ld->st, group);
}

static bool load_frags_used(struct loader *ld, struct octets o)
{
	return record_get_frags_used(ld->st, o);
}

static bool load_icmp_peers(struct loader *ld, struct octets o)
{
	return record_get_icmp_peers(ld->st, o);
}

/* --- the whole */

/* What a later row refers to, an earlier one has made. */
static const struct {
	uint16_t tag;
	enum record_kind kind;
	bool (*load)(struct loader *ld, struct octets o);
} parts[] = {
	{TOP_SIZES, REC_GROUP, load_sizes},
	{TOP_STACK, REC_GROUP, load_stack},
	{TOP_POOL, REC_GROUP, load_pool_size},
	{TOP_LISTENER, REC_GROUP, load_listener},
	{TOP_CONN, REC_GROUP, load_conn},
	{TOP_HALF, REC_GROUP, load_half},
	{TOP_COOKIES, REC_U32, load_cookies},
	{TOP_TIMEWAIT, REC_GROUP, load_timewait},
	{TOP_CONNS, REC_GROUP, load_conns},
	{TOP_LISTENERS, REC_GROUP, load_listeners},
	{TOP_ACKS, REC_U32, load_acks},
	{TOP_SENDS, REC_U32, load_sends},
	{TOP_ORPHANS, REC_U32, load_orphans},
	{TOP_PACED, REC_U32, load_paced},
	{TOP_ACCEPT, REC_U32, load_accept},
	{TOP_EVENTS, REC_U32, load_events},
	{TOP_REPLY, REC_GROUP, load_reply},
	{TOP_FRAG, REC_GROUP, load_frag},
	{TOP_FRAGS_USED, REC_U32, load_frags_used},
	{TOP_ICMP_PEERS, REC_U64, load_icmp_peers},
	{TOP_POOL, REC_GROUP, load_free_blocks},
	{TOP_WHEEL, REC_GROUP, load_wheel},
	{TOP_TW_WHEEL, REC_GROUP, load_tw_wheel},
	{TOP_RECENT, REC_U64, load_recent},
	{TOP_PATHS, REC_U64, load_paths},
	{TOP_SERVERS, REC_U64, load_servers},
};

static bool load_part(struct loader *ld, struct octets items, size_t part)
{
	struct item it;

	while (record_next(&items, &it)) {
		if (it.tag != parts[part].tag)
			continue;
		if (it.kind != parts[part].kind ||
		    !parts[part].load(ld, it.data))
			return false;
	}
	return !items.bad;
}

static bool head_ok(struct octets *o)
{
	struct octets magic = octets_take(o, 8);
	uint64_t version = record_int(o, 4);
	uint64_t len = record_int(o, 8);
	uint64_t sum = record_int(o, 8);

	return !o->bad && memcmp(magic.p, RECORD_MAGIC, 8) == 0 &&
	       version == RECORD_VERSION && len == octets_left(o) &&
	       sum == record_sum(o->p, octets_left(o));
}

static bool is_fresh(const struct tcp *t)
{
	return !t->conns.high && !t->listeners.high && !t->halves.high &&
	       !t->tws.high && !t->pool.high && !t->nreplies;
}

int tcpd_load(struct tcpd_stack *st, const void *buf, size_t len, tcpd_time now)
{
	struct octets o = octets_of(buf, len);
	struct loader ld = {.st = st, .t = &st->t};

	if (!is_fresh(&st->t))
		return -TCPD_ERR_INVALID;
	if (!head_ok(&o))
		return -TCPD_ERR_RECORD;
	for (size_t i = 0; i < ARRAY_SIZE(parts); i++)
		if (!load_part(&ld, o, i))
			return -TCPD_ERR_RECORD;
	slab_restored(&st->t.halves);
	slab_restored(&st->t.tws);
	slab_restored(&st->frags.slab);
	if (!ld.sizes_fit || !pool_restored(&st->t.pool, ld.low_hot) ||
	    st->t.now > now || tcpd_check(st))
		return -TCPD_ERR_RECORD;
	st->t.now = now;
	orphan_trim(&st->t);
	return 0;
}
