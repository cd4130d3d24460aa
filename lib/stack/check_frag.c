/* SPDX-License-Identifier: MIT */
/*
 * check_frag.c - tcpd_check() of the datagrams in pieces: do lists, table,
 * budgets and pieces say the same?
 */
#include <string.h>

#include "stack/check.h"

/* What the pieces of an entry add up to. */
struct sum {
	uint32_t n, got, low, top, nhead;
};

/* One block full of pieces; false: they run past its end. */
static bool block(const struct pool *p, uint32_t b, struct sum *s)
{
	uint32_t len = p->block[b].len;

	if (len > pool_size(p->block[b].order))
		return false;
	for (uint32_t at = 0; at < len;) {
		struct frag_piece k;

		if (len - at < sizeof(k))
			return false;
		memcpy(&k, pool_at(p, b) + at, sizeof(k));
		if (frag_size(k.len) > len - at)
			return false;
		at += frag_size(k.len);
		if (k.at == FRAG_HEAD) {
			s->nhead += k.len;
			continue;
		}
		s->n++;
		s->got += k.len;
		s->low = min_u32(s->low, k.at * 8u);
		s->top = max_u32(s->top, k.at * 8u + k.len);
	}
	return true;
}

static bool pieces_ok(const struct frag *d, const struct sum *s)
{
	uint32_t least =
		d->version == 4 ? IP4_HEAD : IP6_HEAD + IP6_FRAGMENT_HEAD;

	if (d->dead)
		return s->n == 0 && d->npieces == 0 && d->head == POOL_NONE;
	if (frag_too_long(d->version, d->first ? d->nhead : least, d->top))
		return false;
	return s->n == d->npieces && s->n && s->n <= FRAG_PIECES &&
	       s->got == d->got && s->low == d->low && s->top == d->top &&
	       d->first == (s->nhead != 0) &&
	       (!d->first || (s->nhead == d->nhead && d->nhead >= least &&
			      d->named_at < d->nhead)) &&
	       (!d->last || d->end == d->top);
}

static const char *entry(struct check *k, const struct frag *d)
{
	const struct pool *p = &k->t->pool;
	struct sum s = {.low = UINT32_MAX};
	uint32_t mem = 0, n = 0;

	for (uint32_t b = d->head; b != POOL_NONE; b = p->block[b].next) {
		REQUIRE(++n <= p->units && block(p, b, &s),
			"fragments: pieces that run past their block");
		mem += pool_size(p->block[b].order);
	}
	REQUIRE(mem == d->mem, "fragments: an entry with other blocks");
	REQUIRE(pieces_ok(d, &s), "fragments: pieces that are not its own");
	REQUIRE((d->version == 4 || d->version == 6) &&
			d->due <= k->t->now + FRAG_TIMEOUT,
		"fragments: a value out of range");
	k->mem += mem;
	return NULL;
}

static const char *list(const struct frags *f, enum frag_list l)
{
	uint32_t n = f->slab.count, prev = 0;
	tcpd_time due = 0;

	for (uint32_t link = f->first[l]; link;) {
		const struct frag *d = frag_at(f, link - 1);

		REQUIRE(n-- && slab_used(&f->slab, link - 1) &&
				d->prev[l] == prev,
			"fragments: more are in a list than there are");
		REQUIRE(l != FRAG_BY_AGE || d->due >= due,
			"fragments: an older one behind a younger");
		due = d->due;
		prev = link;
		link = d->next[l];
	}
	REQUIRE(n == 0 && f->last[l] == prev,
		"fragments: fewer are in a list than there are");
	return NULL;
}

/* Its place in the list of its source. */
static bool linked(const struct frags *f, uint32_t slot)
{
	const enum frag_list l = FRAG_OF_SOURCE;
	const struct frag *d = frag_at(f, slot);
	const struct frag_peer *peer = frag_peer(f, d->src);
	uint32_t prev = d->prev[l], next = d->next[l];

	if (prev > f->slab.high || next > f->slab.high ||
	    (prev && frag_peer(f, frag_at(f, prev - 1)->src) != peer))
		return false;
	return (prev ? frag_at(f, prev - 1)->next[l] : peer->first) ==
		       slot + 1 &&
	       (next ? frag_at(f, next - 1)->prev[l] : peer->last) == slot + 1;
}

const char *check_frags(struct check *k, const struct tcpd_stack *st)
{
	const struct frags *f = &st->frags;
	uint32_t n = 0;
	uint64_t mem = 0, peers = 0, of_peers = 0;

	for (uint32_t i = 0; f->slab.count && i < f->slab.high; i++) {
		const struct frag *d = frag_at(f, i);
		const char *wrong;

		if (!slab_used(&f->slab, i))
			continue;
		wrong = entry(k, d);
		if (wrong)
			return wrong;
		REQUIRE(frag_find(f, d) == i,
			"fragments: the table does not find one");
		REQUIRE(linked(f, i), "fragments: one that its source has not");
		REQUIRE(frag_peer(f, d->src)->n <= FRAG_OF_PEER,
			"fragments: more of one source than it may have");
		n++;
		mem += d->mem;
	}
	for (uint32_t i = 0; i < FRAG_PEERS && (n || i < 1); i++) {
		peers += f->peers[i].n;
		of_peers += f->peers[i].mem;
	}
	REQUIRE(n == f->slab.count && n == f->tab.count,
		"fragments: another number was counted");
	REQUIRE(mem == f->mem && mem <= frag_budget(st),
		"fragments: another amount of memory, or too much");
	REQUIRE(!n || (peers == n && of_peers == mem),
		"fragments: the sources have something else");
	for (unsigned l = 0; l < FRAG_OF_SOURCE; l++) {
		const char *wrong = list(f, (enum frag_list)l);

		if (wrong)
			return wrong;
	}
	return NULL;
}
