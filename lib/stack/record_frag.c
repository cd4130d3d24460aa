/* SPDX-License-Identifier: MIT */
/*
 * record_frag.c - datagrams in pieces, and who had ICMP errors, to and from a
 * record.  Pieces go as they lie in their blocks; whether they are what their
 * entry says is tcpd_check()'s question.
 */
#include "stack/record.h"

static void put_blocks(struct record_out *o, const struct pool *p,
		       const struct frag *d)
{
	uint64_t begun = record_begin(o, MORE_FRAG_BLOCKS, REC_U32);

	for (uint32_t b = d->head; b != POOL_NONE; b = p->block[b].next) {
		record_put_int(o, b, 4);
		record_put_int(o, p->block[b].order, 4);
		record_put_int(o, p->block[b].len, 4);
	}
	record_end(o, begun);
	begun = record_begin(o, MORE_FRAG_PIECES, REC_OCTETS);
	for (uint32_t b = d->head; b != POOL_NONE; b = p->block[b].next)
		record_put(o, pool_at(p, b), p->block[b].len);
	record_end(o, begun);
}

void record_put_frags(struct record_out *o, const struct tcpd_stack *st)
{
	const struct frags *f = &st->frags;
	uint64_t begun;

	for (uint32_t link = f->first[FRAG_BY_AGE]; link;) {
		const struct frag *d = frag_at(f, link - 1);

		begun = record_begin(o, TOP_FRAG, REC_GROUP);
		record_put_place(o, &f->slab, link - 1);
		record_fields(o, &record_frag, d);
		put_blocks(o, &st->t.pool, d);
		record_end(o, begun);
		link = d->next[FRAG_BY_AGE];
	}
	begun = record_begin(o, TOP_FRAGS_USED, REC_U32);
	for (uint32_t link = f->first[FRAG_BY_USE]; link;
	     link = frag_at(f, link - 1)->next[FRAG_BY_USE])
		record_put_int(o, link - 1, 4);
	record_end(o, begun);
	begun = record_begin(o, TOP_ICMP_PEERS, REC_U64);
	for (uint32_t i = 0; i < ICMP_PEERS; i++) {
		if (!st->icmp_peers[i].hash)
			continue;
		record_put_int(o, i, 8);
		record_put_int(o, st->icmp_peers[i].hash, 8);
		record_put_int(o, st->icmp_peers[i].full_at, 8);
	}
	record_end(o, begun);
}

static bool get_blocks(struct tcpd_stack *st, struct frag *d,
		       struct octets group)
{
	struct pool *p = &st->t.pool;
	struct octets o = record_find(group, MORE_FRAG_BLOCKS, REC_U32);
	struct octets text = record_find(group, MORE_FRAG_PIECES, REC_OCTETS);

	d->head = d->tail = POOL_NONE;
	while (octets_left(&o)) {
		struct pool_block *k;
		struct octets part;
		uint32_t b;

		if (!record_block(p, &o, &b))
			return false;
		k = &p->block[b];
		k->len = record_u32(&o);
		part = octets_take(&text, k->len);
		if (o.bad || part.bad || !k->len ||
		    k->len > pool_size(k->order))
			return false;
		memcpy(pool_at(p, b), part.p, k->len);
		k->prev = d->tail;
		if (d->tail == POOL_NONE)
			d->head = b;
		else
			p->block[d->tail].next = b;
		d->tail = b;
		d->mem += pool_size(k->order);
	}
	return octets_left(&text) == 0;
}

bool record_get_frag(struct tcpd_stack *st, struct octets group)
{
	struct frag *d;
	uint32_t slot;

	if (!record_place(&st->frags.slab, group, &slot))
		return false;
	d = frag_at(&st->frags, slot);
	return record_read(group, &record_frag, d) &&
	       get_blocks(st, d, group) && frag_restore(st, slot);
}

/* All of them, in their order: each goes to the end in turn. */
bool record_get_frags_used(struct tcpd_stack *st, struct octets o)
{
	while (octets_left(&o)) {
		uint32_t slot = record_u32(&o);

		if (o.bad || !slab_used(&st->frags.slab, slot))
			return false;
		frag_used(&st->frags, slot);
	}
	return true;
}

bool record_get_icmp_peers(struct tcpd_stack *st, struct octets o)
{
	while (octets_left(&o)) {
		uint64_t cell = record_int(&o, 8);
		struct icmp_peer k = {.hash = record_int(&o, 8)};

		k.full_at = record_int(&o, 8);
		if (o.bad || cell >= ICMP_PEERS)
			return false;
		st->icmp_peers[cell] = k;
	}
	return true;
}
