/* SPDX-License-Identifier: MIT */
/*
 * check.c - tcpd_check(): do the tables, lists, timers and sums of a stack say
 * the same?  One pass over what there is, so that a simulation can ask after
 * every event; it changes nothing, takes no memory, and does not stop at a
 * wrong link.
 */
#include "stack/check.h"
#include "tcp/pace.h"

#define NEXT_ID_MAX (UINT64_C(1) << 53)
#define FAR_AWAY    (UINT64_MAX / 4) /* more, and sums run over */

static const char *slabs(const struct tcp *t)
{
	const struct slab *all[] = {&t->conns, &t->listeners, &t->halves,
				    &t->tws,   &t->xmits,     &t->sackqs,
				    &t->flows, &t->inflows};

	for (size_t i = 0; i < ARRAY_SIZE(all); i++) {
		const struct slab *s = all[i];
		uint32_t used = 0, spent = 0;

		for (uint32_t n = 0; n < s->high; n++) {
			used += slab_used(s, n);
			spent += slab_spent(s, n);
		}
		REQUIRE(used == s->count, "slab: another number is in use");
		REQUIRE(used + spent + s->nfree == s->high,
			"slab: a slot is neither free nor in use");
	}
	return NULL;
}

/* --- lists: |n| is how many say that they are on it */

static const char *out_list(const struct tcp *t, const struct rlist *l,
			    enum conn_list which, uint32_t n)
{
	uint32_t prev = REF_NONE;

	for (uint32_t ref = l->head; ref;) {
		const struct conn *c = conn_at(t, REF_SLOT(ref));

		REQUIRE(n-- && REF_KIND(ref) == REF_CONN &&
				slab_used(&t->conns, REF_SLOT(ref)),
			"output lists: more are on one than say so");
		REQUIRE(c->on_list == which && c->out.prev == prev,
			"output lists: one that is on another");
		prev = ref;
		ref = c->out.next;
	}
	REQUIRE(n == 0 && l->tail == prev,
		"output lists: fewer are on one than say so");
	return NULL;
}

/* Each not before its parent. */
static const char *paced(const struct tcp *t, uint32_t n)
{
	REQUIRE(n == t->npaced, "pace: another number waits than says so");
	for (uint32_t i = 0; i < n; i++) {
		const struct pace_cell *cell = &t->paced[i];

		REQUIRE(slab_used(&t->conns, cell->conn),
			"pace: one that does not exist");
		REQUIRE(!i || t->paced[(i - 1) / 2].at <= cell->at,
			"pace: one leaves before the one on top of it");
	}
	return NULL;
}

static const char *orphans(const struct tcp *t, uint32_t n)
{
	uint32_t prev = REF_NONE;
	tcpd_time since = 0;

	REQUIRE(n == t->norphans, "orphans: another number was counted");
	for (uint32_t ref = t->orphans.head; ref;) {
		const struct conn *c = conn_at(t, REF_SLOT(ref));

		REQUIRE(n-- && REF_KIND(ref) == REF_CONN &&
				slab_used(&t->conns, REF_SLOT(ref)),
			"orphans: more are on the list than say so");
		REQUIRE(c->orphaned && c->orphans.prev == prev &&
				c->orphan_at >= since,
			"orphans: one that is none, or a younger one before");
		since = c->orphan_at;
		prev = ref;
		ref = c->orphans.next;
	}
	REQUIRE(n == 0 && t->orphans.tail == prev,
		"orphans: fewer are on the list than say so");
	return NULL;
}

static const char *events(const struct tcp *t, uint32_t n)
{
	uint32_t prev = REF_NONE;

	for (uint32_t ref = t->events.head; ref;) {
		bool listens = REF_KIND(ref) == REF_LISTENER;
		const struct slab *s = listens ? &t->listeners : &t->conns;
		const struct rlink *link;
		uint32_t mask;

		REQUIRE(n-- && slab_used(s, REF_SLOT(ref)),
			"events: more are on the list than have any");
		if (listens) {
			link = &listener_at(t, REF_SLOT(ref))->ev;
			mask = listener_at(t, REF_SLOT(ref))->ev_mask;
		} else {
			link = &conn_at(t, REF_SLOT(ref))->ev;
			mask = conn_at(t, REF_SLOT(ref))->ev_mask;
		}
		REQUIRE(mask && link->prev == prev,
			"events: one without any, or a wrong link");
		prev = ref;
		ref = link->next;
	}
	REQUIRE(n == 0 && t->events.tail == prev,
		"events: fewer are on the list than have any");
	return NULL;
}

/* --- listeners */

static bool options_ok(const struct options *s)
{
	for (int i = 0; i < TCPD_NOPTIONS; i++) {
		enum tcpd_option o = (enum tcpd_option)i;
		uint64_t v = s->value[o];

		if (s->set >> o & 1 && (!option_ok(o, &v) || v != s->value[o]))
			return false;
	}
	return s->set >> TCPD_NOPTIONS == 0;
}

#define FAST_OPEN_MOST (TCPD_FO_CLIENT | TCPD_FO_SERVER)

static bool listener_ok(const struct tcp *t, const struct listener *l)
{
	const struct tcpd_conn_settings *s = &l->set;
	bool waits = s->nsynack_waits && s->nsynack_waits <= TCPD_MAX_WAITS;

	for (unsigned i = 0; waits && i < s->nsynack_waits; i++)
		waits = s->synack_wait[i] && s->synack_wait[i] < FAR_AWAY;
	return waits && options_ok(&l->opt) && s->congestion < TCPD_NCCS &&
	       s->time_wait && s->syn_cookies < TCPD_NCOOKIES &&
	       s->ecn < TCPD_NECNS && s->fast_open <= FAST_OPEN_MOST &&
	       s->receive_buffer >= POOL_UNIT && s->send_buffer >= POOL_UNIT &&
	       s->receive_buffer <= 1u << 30 && s->send_buffer <= 1u << 30 &&
	       l->nwaiting <= LISTEN_WAITING &&
	       l->first_waiting < LISTEN_WAITING && l->id && l->id < t->next_id;
}

static const char *accept_queue(const struct tcp *t, const struct listener *l)
{
	uint32_t slot = slab_slot(&t->listeners, l);
	uint32_t n = l->nqueued;
	uint32_t prev = REF_NONE;

	for (uint32_t ref = l->accept.head; ref;) {
		const struct conn *c = conn_at(t, REF_SLOT(ref));

		REQUIRE(n-- && slab_used(&t->conns, REF_SLOT(ref)),
			"accept queue: more are in it than were counted");
		REQUIRE(c->listener == slot + 1 && c->aq.prev == prev &&
				!c->held,
			"accept queue: one that is not in it");
		prev = ref;
		ref = c->aq.next;
	}
	REQUIRE(n == 0 && l->accept.tail == prev,
		"accept queue: fewer are in it than were counted");
	return NULL;
}

static int rank(const struct listener *l)
{
	return !l->any ? 0 : l->family ? 1 : 2;
}

/* The listeners of one port, the most specific ones first. */
static const char *chain(const struct tcp *t, uint32_t link, uint32_t *n)
{
	const struct listener *first = listener_at(t, link - 1);
	int before = 0;

	while (link) {
		const struct listener *l = listener_at(t, link - 1);

		REQUIRE(++*n <= t->listeners.count &&
				slab_used(&t->listeners, link - 1),
			"listeners: more are asked than there are");
		REQUIRE(l->port == first->port && rank(l) >= before,
			"listeners: one in the chain of another port");
		before = rank(l);
		link = l->next;
	}
	return NULL;
}

static const char *listeners(struct check *k)
{
	const struct tcp *t = k->t;
	uint64_t fast = 0;
	uint32_t asked = 0, queued = 0;

	for (uint32_t i = 0; i < t->listeners.high; i++) {
		const struct listener *l = listener_at(t, i);
		const char *wrong;

		if (!slab_used(&t->listeners, i))
			continue;
		REQUIRE(listener_ok(t, l), "listeners: a value out of range");
		fast += l->fo.pending;
		wrong = accept_queue(t, l);
		if (!wrong && t->ports[l->port].listeners == i + 1)
			wrong = chain(t, i + 1, &asked);
		if (wrong)
			return wrong;
		queued += l->nqueued;
		k->nevents += l->ev_mask != 0;
	}
	REQUIRE(asked == t->listeners.count,
		"listeners: one that no segment can find");
	REQUIRE(fast == k->nfast,
		"listeners: others wait for their last ACK than are counted");
	REQUIRE(queued == k->nqueued,
		"accept queue: another number say that they are in one");
	return NULL;
}

/* --- small entries */

/* The wheel looks less far ahead than a wait may be long. */
static bool armed_for(const struct wheel *w, const struct wheel_node *n,
		      tcpd_time at)
{
	return wheel_armed(w, n) && (n->tick == (uint32_t)tick_of(at) ||
				     tick_of(at) - w->now > INT32_MAX / 2);
}

static const char *half(const struct tcp *t, uint32_t slot)
{
	const struct half *h = half_at(t, slot);
	const struct listener *l = listener_at(t, h->listener);

	REQUIRE(h->id && h->id < t->next_id, "half-open: a number never given");
	REQUIRE(synq_find(t, &h->tu, tuple_hash(t, &h->tu)) == slot,
		"half-open: the table does not find it");
	REQUIRE(ip_is4(h->tu.local) == ip_is4(h->tu.peer),
		"half-open: addresses of two families");
	REQUIRE(slab_used(&t->listeners, h->listener),
		"half-open: an entry of no listener");
	REQUIRE(h->nsent && h->nsent <= h->nwait &&
			h->nwait <= l->set.nsynack_waits,
		"half-open: more SYN-ACKs than there are waits");
	REQUIRE(!h->has_wscale || h->wscale <= 14,
		"half-open: a window scale above 14");
	REQUIRE(h->due <= t->now + l->set.synack_wait[h->nwait - 1] &&
			armed_for(&t->wheel, &h->node, h->due),
		"half-open: an entry that never ends");
	return NULL;
}

/* The |n| entries that may give way, the oldest first. */
static const char *cookies(const struct tcp *t, uint32_t n)
{
	tcpd_id before = 0;
	uint32_t prev = 0;

	for (uint32_t link = t->cookie_head; link;) {
		const struct half *h = half_at(t, link - 1);

		REQUIRE(n-- && slab_used(&t->halves, link - 1),
			"cookies: more are on the list than have one");
		REQUIRE(h->cookie && !h->queued && h->prev == prev &&
				h->id > before,
			"cookies: an entry that is not in its place");
		before = h->id;
		prev = link;
		link = h->next;
	}
	REQUIRE(n == 0 && t->cookie_tail == prev,
		"cookies: fewer are on the list than have one");
	return NULL;
}

static const char *halves(struct check *k)
{
	const struct tcp *t = k->t;
	uint32_t synacks = 0, ncookies = 0;

	for (uint32_t i = 0; t->halves.count && i < t->halves.high; i++) {
		const char *wrong;

		if (!slab_used(&t->halves, i))
			continue;
		wrong = half(t, i);
		if (wrong)
			return wrong;
		k->narmed++;
		synacks += half_at(t, i)->queued;
		ncookies += half_at(t, i)->cookie;
	}
	for (uint32_t i = 0; i < t->nreplies; i++) {
		const struct reply *r =
			&t->replies[(t->reply_head + i) % NREPLIES];

		if (r->kind != REPLY_SYNACK ||
		    !slab_used(&t->halves, r->half) ||
		    half_at(t, r->half)->id != r->id)
			continue;
		REQUIRE(half_at(t, r->half)->queued && synacks--,
			"half-open: two SYN-ACKs wait for one entry");
	}
	REQUIRE(synacks == 0, "half-open: a SYN-ACK waits nowhere");
	REQUIRE(t->half_tab.count == t->halves.count,
		"half-open: the table holds another number");
	return cookies(t, ncookies);
}

static const char *timewaits(const struct tcp *t)
{
	for (uint32_t i = 0; t->tws.count && i < t->tws.high; i++) {
		const struct timewait *w = timewait_at(t, i);

		if (!slab_used(&t->tws, i))
			continue;
		REQUIRE(timewait_find(t, &w->tu, tuple_hash(t, &w->tu)) == i,
			"TIME-WAIT: the table does not find it");
		REQUIRE(ip_is4(w->tu.local) == ip_is4(w->tu.peer),
			"TIME-WAIT: addresses of two families");
		REQUIRE(w->class < t->ntw_classes &&
				timewait_id(t, w) < t->next_id,
			"TIME-WAIT: a value out of range");
		REQUIRE(wheel_armed(&t->tw_wheel, &w->node),
			"TIME-WAIT: an entry that never ends");
	}
	REQUIRE(t->tw_tab.count == t->tws.count,
		"TIME-WAIT: the table holds another number");
	REQUIRE(t->tw_wheel.count == t->tws.count,
		"TIME-WAIT: another number of timers is armed");
	return NULL;
}

/* --- replies, memory, timers */

static const char *replies(struct check *k)
{
	const struct tcp *t = k->t;
	const struct pool *p = &t->pool;
	uint32_t nsplit = 0;

	REQUIRE(t->nreplies <= NREPLIES && t->reply_head < NREPLIES,
		"replies: more than there is room for");
	REQUIRE(t->resets_full_at <= t->now + TCPD_SEC(1),
		"resets: a budget that does not come back");
	for (uint32_t i = 0; i < t->nreplies; i++) {
		const struct reply *r =
			&t->replies[(t->reply_head + i) % NREPLIES];

		REQUIRE(r->kind <= REPLY_COOKIE && r->reset < TCPD_NRESETS,
			"replies: a value out of range");
		REQUIRE(r->kind == REPLY_ICMP ||
				ip_is4(r->tu.local) == ip_is4(r->tu.peer),
			"replies: addresses of two families");
		if (r->kind != REPLY_ICMP)
			continue;
		REQUIRE(r->len && r->len <= UINT16_MAX &&
				r->len <= pool_size(p->block[r->block].order),
			"replies: a message longer than its block");
		REQUIRE(r->split ? r->done < r->len && r->done % 8 == 0
				 : !r->done,
			"replies: more has gone than there is");
		nsplit += r->split;
		k->mem += pool_size(p->block[r->block].order);
	}
	REQUIRE(nsplit == t->nsplit && nsplit <= NSPLIT,
		"replies: another number goes in fragments");
	return NULL;
}

static const char *sums(const struct check *k)
{
	const struct tcp *t = k->t;
	uint32_t misc = wheel_armed(&t->wheel, &t->misc);

	REQUIRE(k->nhashed == t->conn_tab.count,
		"conn: the table holds another number");
	REQUIRE(k->nrecords == t->xmits.count,
		"records: one that belongs to nobody");
	REQUIRE(k->nflows == t->flows.count,
		"flow: a slot that belongs to nobody");
	REQUIRE(k->ninflows == t->inflows.count,
		"inflow: a slot that belongs to nobody");
	REQUIRE(k->nsackqs == t->sackqs.count,
		"sack: a slot that belongs to nobody");
	REQUIRE(k->mem == t->pool.nused,
		"memory: a block that belongs to nobody, or to two");
	REQUIRE(k->send_mem == t->send_mem,
		"memory: the sum of all send queues differs");
	REQUIRE(k->borrowed == t->borrowed && t->nborrows <= NBORROWS,
		"borrows: the sum of all differs");
	REQUIRE(k->narmed + misc == t->wheel.count,
		"timers: another number is armed");
	REQUIRE(t->wheel.now <= t->now / TCPD_MS(1) &&
			t->tw_wheel.now <= t->now / TCPD_MS(1),
		"timers: the wheel is ahead of the clock");
	REQUIRE(t->next_id && t->next_id <= NEXT_ID_MAX &&
			t->ntw_classes <= NTW_CLASSES,
		"stack: a value out of range");
	return NULL;
}

/* Take the uses that are known off each port's count, or put them back. */
static void count_ports(struct tcp *t, uint32_t n)
{
	for (uint32_t i = 0; i < t->conns.high; i++) {
		const struct conn *c = conn_at(t, i);

		if (slab_used(&t->conns, i) && (c->hashed || c->bound))
			t->ports[c->tu.lport].nuse += n;
		if (slab_used(&t->conns, i) && c->bound)
			t->ports[c->tu.lport].nbound += n;
	}
	for (uint32_t i = 0; t->tws.count && i < t->tws.high; i++)
		if (slab_used(&t->tws, i))
			timewait_count(t, timewait_at(t, i), n);
}

static bool port_left(const struct port *p)
{
	return p->nuse || p->nbound || p->ntw[0] || p->ntw[1] || p->ntw_alone;
}

static bool ports_left(const struct tcp *t)
{
	for (uint32_t i = 0; i < t->conns.high; i++) {
		const struct conn *c = conn_at(t, i);

		if (slab_used(&t->conns, i) && (c->hashed || c->bound) &&
		    port_left(&t->ports[c->tu.lport]))
			return true;
	}
	for (uint32_t i = 0; t->tws.count && i < t->tws.high; i++)
		if (slab_used(&t->tws, i) &&
		    port_left(&t->ports[timewait_at(t, i)->tu.lport]))
			return true;
	return false;
}

/* Is it in its port's list, if it has a port? */
static bool in_its_port(const struct tcp *t, uint32_t slot)
{
	const struct conn *c = conn_at(t, slot);
	const struct rlist *l = &t->ports[c->tu.lport].conns;
	uint32_t ref = REF(REF_CONN, slot);
	uint32_t prev = c->at_port.prev, next = c->at_port.next;

	if (!c->hashed && !c->bound)
		return !prev && !next && l->head != ref;
	return (prev ? conn_at(t, REF_SLOT(prev))->at_port.next : l->head) ==
		       ref &&
	       (next ? conn_at(t, REF_SLOT(next))->at_port.prev : l->tail) ==
		       ref;
}

static const char *ports(struct tcp *t)
{
	bool left;

	count_ports(t, UINT32_MAX); /* minus one */
	left = ports_left(t);
	count_ports(t, 1);
	REQUIRE(!left, "ports: a count of uses differs");
	for (uint32_t i = 0; i < t->conns.high; i++)
		REQUIRE(!slab_used(&t->conns, i) || in_its_port(t, i),
			"ports: a connection that a bind would not see");
	return NULL;
}

const char *tcpd_check_often(struct tcpd_stack *st)
{
	struct tcp *t = &st->t;
	struct check k = {.t = t};
	const char *wrong = slabs(t);

	for (uint32_t i = 0; !wrong && i < t->conns.high; i++)
		if (slab_used(&t->conns, i))
			wrong = check_conn(&k, i);
	wrong = wrong ? wrong : listeners(&k);
	wrong = wrong ? wrong : halves(&k);
	wrong = wrong ? wrong : timewaits(t);
	wrong = wrong ? wrong : out_list(t, &t->acks, ON_ACKS, k.nacks);
	wrong = wrong ? wrong : out_list(t, &t->sends, ON_SENDS, k.nsends);
	wrong = wrong ? wrong : paced(t, k.npaced);
	wrong = wrong ? wrong : orphans(t, k.norphans);
	wrong = wrong ? wrong : events(t, k.nevents);
	wrong = wrong ? wrong : replies(&k);
	wrong = wrong ? wrong : check_frags(&k, st);
	wrong = wrong ? wrong : sums(&k);
	return wrong ? wrong : ports(t);
}

/* Only while nothing is there: all 65536 are to be free then. */
const char *tcpd_check(struct tcpd_stack *st)
{
	const struct tcp *t = &st->t;
	const char *wrong = tcpd_check_often(st);

	if (wrong || t->conns.count || t->tws.count)
		return wrong;
	for (uint32_t i = 0; i <= UINT16_MAX; i++)
		REQUIRE(!port_left(&t->ports[i]),
			"ports: one that nobody uses is");
	return NULL;
}
