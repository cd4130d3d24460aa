/* SPDX-License-Identifier: MIT */
/*
 * stack.c - making and ending a stack: its memory is one region, laid out
 * here and never added to; pages are touched only as they are used, but for
 * what a flood is to find there (|flood_ready|).
 */
#include <string.h>

#include "stack/stack.h"
#include "tcp/pace.h"
#include "tcp/synq.h"
#include "tcp/timewait.h"
#include "tcp/xmit.h"

#define PAGE	   4096u
#define RESETS_MAX 1000000000u /* a second: one a nanosecond */
#define READY_MAX  (2u << 20)  /* octets of each part */

void tcpd_settings_init(struct tcpd_settings *s)
{
	static const uint8_t waits[] = {1, 2, 4, 8, 16, 32};

	memset(s, 0, sizeof(*s));
	s->size = sizeof(*s);
	s->max_conns = 65536;
	s->max_listeners = 1024;
	s->max_half_open = 16384;
	s->max_time_wait = 262144;
	s->memory = 256u << 20;
	for (unsigned i = 0; i < sizeof(waits); i++)
		s->conn.synack_wait[i] = TCPD_SEC(waits[i]);
	s->conn.nsynack_waits = sizeof(waits);
	s->conn.congestion = TCPD_CC_CUBIC;
	s->conn.syn_cookies = TCPD_COOKIES_AUTO;
	s->conn.ecn = TCPD_ECN_PASSIVE;
	s->conn.backlog = 4096;
	s->conn.time_wait = TCPD_SEC(60);
	s->conn.receive_buffer = 4u << 20;
	s->conn.send_buffer = 4u << 20;
	s->rto_init = TCPD_SEC(1);
	s->rto_min = TCPD_MS(200);
	s->rto_max = TCPD_SEC(120);
	s->delack = TCPD_MS(40);
	s->tlp_delay = TCPD_MS(2);
	s->ts_tick = TCPD_MS(1);
	s->fin_wait_2 = TCPD_SEC(60);
	s->syn_retries = 7;
	s->retries = 15;
	s->orphan_retries = 8;
	s->max_orphans = 8192;
	s->wscale = 7;
	s->timestamps = s->sack = s->pacing = true;
	s->fast_open = TCPD_FO_CLIENT | TCPD_FO_SERVER;
	s->resets_per_second = 10000;
	s->mtu = 1500;
	s->port_min = 32768;
	s->port_max = 60999;
}

bool stack_conn_settings_ok(const struct tcpd_conn_settings *c)
{
	if (c->nsynack_waits == 0 || c->nsynack_waits > TCPD_MAX_WAITS)
		return false;
	for (unsigned i = 0; i < c->nsynack_waits; i++)
		if (c->synack_wait[i] == 0)
			return false;
	return c->congestion < TCPD_NCCS && c->syn_cookies < TCPD_NCOOKIES &&
	       c->ecn < TCPD_NECNS &&
	       c->fast_open <= (TCPD_FO_CLIENT | TCPD_FO_SERVER) &&
	       c->time_wait > 0 && c->receive_buffer >= POOL_UNIT &&
	       c->send_buffer >= POOL_UNIT && c->receive_buffer <= 1u << 30 &&
	       c->send_buffer <= 1u << 30;
}

static bool prefix_ok(const struct tcpd_prefix *p)
{
	return (p->family == 4 && p->len <= 32 && ip_is4(p->ip)) ||
	       (p->family == 6 && p->len <= 128 && !ip_is4(p->ip));
}

static bool settings_ok(const struct tcpd_settings *s)
{
	const uint32_t most = 1u << 24; /* slots in a handle */

	if (s->size != sizeof(*s) || !s->map || !s->discard || !s->unmap)
		return false;
	if (!s->max_conns || s->max_conns > most || !s->max_listeners ||
	    s->max_listeners > most || !s->max_half_open ||
	    s->max_half_open > most || !s->max_time_wait ||
	    s->max_time_wait > most)
		return false;
	if (s->memory < POOL_MAX || s->memory > UINT64_C(1) << 40)
		return false;
	if (!s->rto_init || !s->rto_min || s->rto_max < s->rto_min ||
	    s->rto_max < s->rto_init || !s->ts_tick || !s->delack ||
	    s->tlp_delay > s->rto_max || !s->max_orphans)
		return false;
	if (s->mtu < 68 || !s->port_min || s->port_min > s->port_max ||
	    s->wscale > 14 || s->resets_per_second > RESETS_MAX ||
	    s->queue > 63 || s->naddrs > TCPD_MAX_ADDRS)
		return false;
	if (s->fast_open_nkeys > ARRAY_SIZE(s->fast_open_key))
		return false;
	for (unsigned i = 0; i < s->naddrs; i++)
		if (!prefix_ok(&s->addr[i]))
			return false;
	return stack_conn_settings_ok(&s->conn);
}

/* The region's parts, one behind the other; |base| NULL: only add up. */
struct layout {
	uint8_t *base;
	size_t at;
};

static void *part(struct layout *l, size_t len)
{
	void *p = l->base ? l->base + l->at : NULL;

	l->at += (len + PAGE - 1) / PAGE * PAGE;
	return p;
}

static void place_slab(struct layout *l, struct slab *s, uint32_t size,
		       uint32_t max, bool handles)
{
	struct slab_need n = slab_need(size, max);
	void *mem = part(l, n.mem);
	void *gen = handles ? part(l, n.gen) : NULL;
	void *free = part(l, n.free);

	if (l->base)
		slab_init(s, size, max, mem, gen, free);
}

static void place_table(struct layout *l, struct htab *h, uint32_t max)
{
	uint32_t cells = htab_cells(max);
	void *p = part(l, sizeof(struct htab_cell) * cells);

	if (l->base)
		htab_init(h, p, cells);
}

/* Datagrams in pieces, and who had ICMP errors. */
static void place_internet(struct layout *l, struct tcpd_stack *st)
{
	struct frags none = {0}; /* the first time round */
	struct frags *f = st ? &st->frags : &none;
	struct icmp_peer *peers;

	place_slab(l, &f->slab, sizeof(struct frag), FRAG_MAX, false);
	place_table(l, &f->tab, FRAG_MAX);
	f->peers = part(l, sizeof(struct frag_peer) * FRAG_PEERS);
	f->whole = part(l, FRAG_WHOLE);
	peers = part(l, sizeof(struct icmp_peer) * ICMP_PEERS);
	if (st)
		st->icmp_peers = peers;
}

static void touch(void *p, size_t len)
{
	volatile uint8_t *at = p;

	for (size_t i = 0; i < len && i < READY_MAX; i += PAGE)
		at[i] = 0;
}

/* The half-open entries and the answers that wait. */
static void make_ready(struct tcp *t, const struct tcpd_settings *s)
{
	struct slab_need n = slab_need(sizeof(struct half), s->max_half_open);

	touch(t->halves.mem, n.mem);
	touch(t->halves.free, n.free);
	touch(t->half_tab.cell,
	      sizeof(struct htab_cell) * htab_cells(s->max_half_open));
	touch(t->replies, sizeof(struct reply) * NREPLIES);
	touch(t->recent.cell, sizeof(struct recent_cell) * RECENT_CELLS);
}

static uint32_t nrecords(const struct tcpd_settings *s)
{
	uint64_t n = s->memory / 1024 + s->max_conns;

	return (uint32_t)min_u64(n, 1u << 24);
}

static uint64_t pool_len(const struct tcpd_settings *s)
{
	return s->memory / POOL_MAX * POOL_MAX;
}

static void lay_out(struct layout *l, struct tcpd_stack **out,
		    const struct tcpd_settings *s)
{
	struct tcpd_stack *st = part(l, sizeof(*st));
	struct tcp none = {0}; /* the first time round, for the sizes */
	struct tcp *t = st ? &st->t : &none;
	void *mem, *blocks;

	place_slab(l, &t->conns, sizeof(struct conn), s->max_conns, true);
	place_slab(l, &t->listeners, sizeof(struct listener), s->max_listeners,
		   true);
	place_slab(l, &t->halves, sizeof(struct half), s->max_half_open, false);
	place_slab(l, &t->tws, sizeof(struct timewait), s->max_time_wait,
		   false);
	place_slab(l, &t->xmits, sizeof(struct xmit), nrecords(s), false);
	place_slab(l, &t->flows, sizeof(struct flow), s->max_conns, false);
	place_slab(l, &t->inflows, sizeof(struct inflow), s->max_conns, false);
	place_slab(l, &t->sackqs, sizeof(struct sackq), s->max_conns, false);
	place_table(l, &t->conn_tab, s->max_conns);
	place_table(l, &t->half_tab, s->max_half_open);
	place_table(l, &t->tw_tab, s->max_time_wait);
	t->paced = part(l, sizeof(struct pace_cell) * s->max_conns);
	t->ports = part(l, sizeof(struct port) << 16);
	t->replies = part(l, sizeof(struct reply) * NREPLIES);
	t->recent.cell = part(l, sizeof(struct recent_cell) * RECENT_CELLS);
	t->paths = part(l, sizeof(struct pmtu_cell) * PMTU_CELLS);
	t->servers = part(l, sizeof(struct fo_cell) * FO_CELLS);
	t->borrows = part(l, sizeof(struct borrow) * NBORROWS);
	t->traces = part(l, sizeof(struct trace_entry) * NTRACES);
	place_internet(l, st);
	blocks = part(l, pool_need(pool_len(s)));
	mem = part(l, pool_len(s));
	if (st)
		pool_init(&t->pool, mem, pool_len(s), blocks, s->discard,
			  s->arg);
	*out = st;
}

/* Each use has a key of its own, hashed from the one of the settings. */
static struct siphash_key derive(const uint8_t key[32], uint64_t use)
{
	struct siphash_key a = siphash_key_of(key);
	struct siphash_key b = siphash_key_of(key + 16);

	return (struct siphash_key){{siphash(&a, &use, sizeof(use)),
				     siphash(&b, &use, sizeof(use))}};
}

static void take_settings(struct tcp *t, const struct tcpd_settings *s)
{
	t->set = *s;
	if (t->ntw_classes == 0 || t->tw_class[0] != s->conn.time_wait)
		timewait_class(t, s->conn.time_wait, 0);
}

int tcpd_new(struct tcpd_stack **out, const struct tcpd_settings *s,
	     tcpd_time now)
{
	static const uint8_t none[32];
	const uint8_t *numbers = s->kept_key;
	struct layout l = {0};
	struct tcpd_stack *st;
	struct tcp *t;

	*out = NULL;
	if (memcmp(numbers, none, sizeof(none)) == 0)
		numbers = s->key;
	if (!settings_ok(s))
		return -TCPD_ERR_INVALID;
	lay_out(&l, &st, s);
	l.base = s->map(s->arg, l.at);
	if (!l.base)
		return -TCPD_ERR_RESOURCES;
	l.at = 0;
	lay_out(&l, &st, s);
	st->mem = l.base;
	st->nmem = l.at;
	t = &st->t;
	if (s->flood_ready)
		make_ready(t, s);
	take_settings(t, s);
	t->now = now;
	t->next_id = 1;
	t->port_gone = 1;
	t->ts_base = s->ts_base;
	t->k_table = derive(s->key, 1);
	t->k_isn = derive(numbers, 2);
	t->k_ts = derive(numbers, 3);
	t->k_rand = derive(s->key, 5);
	t->k_recent = derive(s->key, 16);
	t->k_pmtu = derive(s->key, 17);
	t->k_flow = derive(s->key, 18);
	st->frags.key = derive(s->key, 19);
	t->k_fo = derive(s->key, 20);
	t->cookie.now.isn = derive(s->key, 6);
	t->cookie.now.mss = derive(s->key, 7);
	t->cookie.was.isn = derive(s->key, 8);
	t->cookie.was.mss = derive(s->key, 9);
	cookie_start(&t->cookie, now);
	t->sum = cksum_choose();
	wheel_init(&t->wheel, now / TCPD_MS(1), timeout_node, timeout_key, t);
	wheel_init(&t->tw_wheel, now / TCPD_MS(1), timeout_node, timeout_key,
		   t);
	*out = st;
	return 0;
}

void tcpd_free(struct tcpd_stack *st)
{
	if (st)
		st->t.set.unmap(st->t.set.arg, st->mem, st->nmem);
}

int tcpd_reconfigure(struct tcpd_stack *st, const struct tcpd_settings *s,
		     tcpd_time now)
{
	struct tcp *t = &st->t;
	const struct tcpd_settings *old = &t->set;
	bool path;

	stack_enter(st, now);
	if (!settings_ok(s) || s->max_conns != old->max_conns ||
	    s->max_listeners != old->max_listeners ||
	    s->max_half_open != old->max_half_open ||
	    s->max_time_wait != old->max_time_wait ||
	    s->memory != old->memory || s->queue != old->queue ||
	    s->ts_tick != old->ts_tick || s->wscale != old->wscale ||
	    s->ts_base != old->ts_base ||
	    memcmp(s->kept_key, old->kept_key, sizeof(s->kept_key)) != 0 ||
	    memcmp(s->key, old->key, sizeof(s->key)) != 0)
		return -TCPD_ERR_INVALID;
	path = s->mtu != old->mtu;
	t->moved = t->moved || s->naddrs != old->naddrs ||
		   memcmp(s->addr, old->addr, sizeof(s->addr)) != 0;
	t->port_gone += NPORT_GIVEN + 1; /* another range, other addresses */
	take_settings(t, s);
	orphan_trim(t);
	for (uint32_t i = 0; path && i < t->conns.high; i++) {
		struct conn *c = conn_at(t, i);

		if (slab_used(&t->conns, i) && conn_synchronized(c))
			conn_set_mss(t, c);
	}
	return 0;
}

void stack_enter(struct tcpd_stack *st, tcpd_time now)
{
	if (st->t.plan.kind != PLAN_NONE)
		output_commit(&st->t);
	if (now > st->t.now)
		st->t.now = now;
}
