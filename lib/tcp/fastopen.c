/* SPDX-License-Identifier: MIT */
/*
 * fastopen.c - TCP Fast Open as a server (RFC 7413, 4.1.2 and 4.2.2).
 *
 * A cookie is the SipHash of both addresses, so nothing is stored for it; who
 * brings it back can receive at the address that he sends from.  That is all it
 * says: a host that has one may still send any number of SYNs with text, each
 * of which costs a connection.  So a listener has at most as many without the
 * last ACK as its user allowed, and one that a RST has ended goes on counting
 * for a minute: it may be the RST of a host whose address was forged.
 */
#include "fastopen.h"

#include <string.h>

#include "conn.h"
#include "listen.h"
#include "wire/ip.h"

/* conn.fo_from: slot + 1 of its listener, and of which generation that was */
#define FROM_BITS 25u
#define FROM_SLOT ((1u << FROM_BITS) - 1)
static_assert(FROM_BITS > 24, "slots have 24 bits");

/* --- cookies */

/* |age| 0: the key in use; 1: the one before it.  False: there is none. */
static bool key_of(const struct tcp *t, unsigned age, struct siphash_key *key)
{
	uint64_t n = t->now / FO_KEY_TIME - age;
	uint64_t in[2] = {n << 1, n << 1 | 1};

	if (t->set.fast_open_nkeys) {
		*key = siphash_key_of(t->set.fast_open_key[age]);
		return age < t->set.fast_open_nkeys;
	}
	for (unsigned i = 0; i < 2; i++)
		key->k[i] = siphash(&t->k_fo, &in[i], sizeof(in[i]));
	return true;
}

/* As Linux has it: the addresses as in the SYN's header, little endian; hosts
 * that share a key and an address understand each other's. */
static void make(const struct siphash_key *key, const struct tuple *tu,
		 uint8_t out[FO_COOKIE])
{
	bool v4 = ip_is4(tu->local);
	size_t n = v4 ? 4 : 16;
	uint8_t in[32];
	uint64_t v;

	memcpy(in, tu->peer + 16 - n, n);
	memcpy(in + n, tu->local + 16 - n, n);
	v = siphash(key, in, 2 * n);
	for (unsigned i = 0; i < FO_COOKIE; i++)
		out[i] = (uint8_t)(v >> 8 * i);
}

void fo_cookie(const struct tcp *t, const struct tuple *tu,
	       uint8_t out[FO_COOKIE])
{
	struct siphash_key key;

	(void)key_of(t, 0, &key);
	make(&key, tu, out);
}

enum fo_cookie_is fo_cookie_check(const struct tcp *t, const struct tuple *tu,
				  const uint8_t *p, uint8_t len)
{
	for (unsigned age = 0; age < 2 && len == FO_COOKIE; age++) {
		uint8_t want[FO_COOKIE], other = 0;
		struct siphash_key key;

		if (!key_of(t, age, &key))
			break;
		make(&key, tu, want);
		/* how much of it is right shows in nobody's clock */
		for (unsigned i = 0; i < FO_COOKIE; i++)
			other |= want[i] ^ p[i];
		if (!other)
			return age ? FO_OLD : FO_GOOD;
	}
	return FO_BAD;
}

/* --- how many */

/* Time has passed: what is too old does not count. */
static void catch_up(const struct tcp *t, struct fo_queue *q)
{
	uint64_t step = t->now / (FO_RESET_TIME / FO_STEPS);

	for (unsigned i = 0; q->step < step && i <= FO_STEPS; i++) {
		q->reset[(q->step + 1) % FO_STEPS] = 0;
		q->step++;
	}
	q->step = step;
}

static uint64_t waiting(const struct tcp *t, struct fo_queue *q)
{
	uint64_t n = q->pending;

	catch_up(t, q);
	for (unsigned i = 0; i < FO_STEPS; i++)
		n += q->reset[i];
	return n;
}

/* 0: it has no Fast Open. */
static uint64_t most(const struct tcp *t, const struct listener *l)
{
	if (!(t->set.fast_open & TCPD_FO_SERVER))
		return 0;
	if (!(l->opt.set >> TCPD_OPT_FASTOPEN & 1) &&
	    (l->set.fast_open & TCPD_FO_SERVER ||
	     t->set.fast_open & TCPD_FO_ALL_LISTENERS))
		return l->set.backlog;
	return options_get(&l->opt, TCPD_OPT_FASTOPEN);
}

static bool needs_cookie(const struct tcp *t, const struct listener *l)
{
	return !(t->set.fast_open & TCPD_FO_SERVER_NO_COOKIE) &&
	       !options_get(&l->opt, TCPD_OPT_FASTOPEN_NO_COOKIE);
}

struct fo_verdict fo_judge(struct tcp *t, struct listener *l,
			   const struct segment *seg)
{
	const struct tcpopt *o = &seg->h.opt;
	struct fo_verdict v = {.tells = o->fo_form};
	uint64_t limit = most(t, l);

	if (!limit || (!seg->len && o->fo_form == FO_NONE))
		return (struct fo_verdict){0};
	t->stat.fast_open_asked += o->fo_form != FO_NONE && o->fo_len == 0;
	/* before the cookie is looked at: that costs time (4.2.2) */
	if (waiting(t, &l->fo) >= limit) {
		t->stat.fast_open_full++;
		return (struct fo_verdict){0};
	}
	if (!needs_cookie(t, l))
		return (struct fo_verdict){.take = !listen_full(l)};
	if (o->fo_form == FO_NONE || o->fo_len == 0)
		return v;
	switch (fo_cookie_check(t, &seg->tu, o->fo, o->fo_len)) {
	case FO_BAD:
		t->stat.fast_open_refused++;
		break;
	case FO_GOOD:
		v.take = !listen_full(l);
		if (v.take)
			v.tells = FO_NONE;
		break;
	case FO_OLD:
		v.take = !listen_full(l);
		break;
	}
	return v;
}

/* As much of it as there is room for; it is odd while a slot is in use. */
static uint32_t generation(const struct tcp *t, uint32_t slot)
{
	return t->listeners.gen[slot] >> 1 & (UINT32_MAX >> FROM_BITS);
}

void fo_begin(struct tcp *t, struct listener *l, struct conn *c)
{
	uint32_t slot = slab_slot(&t->listeners, l);

	c->fo_from = (slot + 1) | generation(t, slot) << FROM_BITS;
	l->fo.pending++;
}

struct listener *fo_listener(const struct tcp *t, const struct conn *c)
{
	uint32_t slot = (c->fo_from & FROM_SLOT) - 1;

	if (!c->fo_from || slot >= t->listeners.high ||
	    !slab_used(&t->listeners, slot) ||
	    c->fo_from >> FROM_BITS != generation(t, slot))
		return NULL;
	return listener_at(t, slot);
}

void fo_end(struct tcp *t, struct conn *c, bool reset)
{
	struct listener *l = fo_listener(t, c);

	c->fo_from = 0;
	if (!l)
		return;
	l->fo.pending -= l->fo.pending > 0;
	catch_up(t, &l->fo);
	if (reset && l->fo.reset[l->fo.step % FO_STEPS] < UINT32_MAX)
		l->fo.reset[l->fo.step % FO_STEPS]++;
}
