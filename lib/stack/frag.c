/* SPDX-License-Identifier: MIT */
/*
 * frag.c - reassembly: RFC 791 and 815, RFC 8200 4.5, in bounded memory.
 *
 * Pieces that overlap end their datagram, and what follows of it is dropped
 * until its time is over (RFC 5722, for IPv4 too); the same piece once more
 * does no harm.  A datagram is handed on when it is whole and never looked
 * into before, so a header that is spread over pieces cannot hide anything
 * (RFC 3128).
 *
 * Memory is a budget of its own.  Who wants more than his share of it, or too
 * many datagrams at once, loses his own oldest; where there is none left for
 * anybody, the datagram goes that has waited longest for its next piece.
 */
#include <string.h>

#include "stack/stack.h"
#include "tcp/mem.h"
#include "wire/icmp.h"

enum { TCP_HEAD_MIN = 20, ECN_NOT = 1u << 0, ECN_CE = 1u << 3, ECN_MASK = 3 };

static void drop(struct tcpd_stack *st, enum tcpd_drop why, uint32_t n)
{
	st->t.stat.drops[why] += n;
}

uint64_t frag_budget(const struct tcpd_stack *st)
{
	return min_u64(FRAG_MEMORY, st->t.set.memory / 8);
}

/* --- lists: what is used last stands last */

/* Where the list begins and ends that |d| is or will be in. */
static uint32_t *first_of(struct frags *f, const struct frag *d,
			  enum frag_list l)
{
	return l == FRAG_OF_SOURCE ? &frag_peer(f, d->src)->first
				   : &f->first[l];
}

static uint32_t *last_of(struct frags *f, const struct frag *d,
			 enum frag_list l)
{
	return l == FRAG_OF_SOURCE ? &frag_peer(f, d->src)->last : &f->last[l];
}

static void list_push(struct frags *f, uint32_t slot, enum frag_list l)
{
	struct frag *d = frag_at(f, slot);
	uint32_t *last = last_of(f, d, l);

	d->next[l] = 0;
	d->prev[l] = *last;
	if (*last)
		frag_at(f, *last - 1)->next[l] = slot + 1;
	else
		*first_of(f, d, l) = slot + 1;
	*last = slot + 1;
}

static void list_del(struct frags *f, uint32_t slot, enum frag_list l)
{
	const struct frag *d = frag_at(f, slot);

	if (d->prev[l])
		frag_at(f, d->prev[l] - 1)->next[l] = d->next[l];
	else
		*first_of(f, d, l) = d->next[l];
	if (d->next[l])
		frag_at(f, d->next[l] - 1)->prev[l] = d->prev[l];
	else
		*last_of(f, d, l) = d->prev[l];
}

void frag_used(struct frags *f, uint32_t slot)
{
	for (enum frag_list l = FRAG_BY_USE; l < FRAG_NLISTS; l++) {
		list_del(f, slot, l);
		list_push(f, slot, l);
	}
}

/* --- who it is (RFC 791, 3.2; RFC 8200, 4.5) */

static uint32_t hash_of(const struct frags *f, const struct frag *d)
{
	uint8_t key[40] = {0};

	memcpy(key, d->src, 16);
	memcpy(key + 16, d->dst, 16);
	memcpy(key + 32, &d->id, 4);
	key[36] = d->protocol;
	return (uint32_t)siphash(&f->key, key, sizeof(key));
}

static bool same(const void *arg, uint32_t ref, const void *key)
{
	const struct frags *f = arg;
	const struct frag *a = frag_at(f, ref), *b = key;

	return a->id == b->id && a->protocol == b->protocol &&
	       memcmp(a->src, b->src, 16) == 0 &&
	       memcmp(a->dst, b->dst, 16) == 0;
}

uint32_t frag_find(const struct frags *f, const struct frag *like)
{
	return htab_find(&f->tab, hash_of(f, like), same, f, like);
}

struct frag_peer *frag_peer(const struct frags *f, const uint8_t src[16])
{
	return &f->peers[siphash(&f->key, src, 16) % FRAG_PEERS];
}

/* --- memory */

static void clear(struct tcpd_stack *st, struct frag *d)
{
	struct pool *pool = &st->t.pool;

	while (d->head != POOL_NONE) {
		uint32_t b = d->head;

		d->head = pool->block[b].next;
		pool_give(pool, b);
	}
	d->tail = POOL_NONE;
	st->frags.mem -= d->mem;
	frag_peer(&st->frags, d->src)->mem -= d->mem;
	d->mem = 0;
}

static void end(struct tcpd_stack *st, uint32_t slot)
{
	struct frags *f = &st->frags;
	struct frag *d = frag_at(f, slot);

	clear(st, d);
	frag_peer(f, d->src)->n--;
	for (enum frag_list l = FRAG_BY_AGE; l < FRAG_NLISTS; l++)
		list_del(f, slot, l);
	htab_del(&f->tab, hash_of(f, d), slot);
	slab_give(&f->slab, slot);
}

/* Its pieces go; it stays, so that no later one begins it anew. */
static void kill(struct tcpd_stack *st, struct frag *d, enum tcpd_drop why)
{
	drop(st, why, d->npieces + 1u);
	clear(st, d);
	d->dead = true;
	d->npieces = 0;
}

/* The one that waits longest (of |peer|; NULL: of all), but not |but|, gives
 * way.  False: there is none. */
static bool evict(struct tcpd_stack *st, const struct frag_peer *peer,
		  const struct frag *but)
{
	struct frags *f = &st->frags;

	enum frag_list l = peer ? FRAG_OF_SOURCE : FRAG_BY_USE;
	uint32_t link = peer ? peer->first : f->first[l];

	if (link && frag_at(f, link - 1) == but)
		link = but->next[l];
	if (link) {
		drop(st, TCPD_DROP_FRAGMENT_LIMIT,
		     frag_at(f, link - 1)->npieces);
		end(st, link - 1);
	}
	return link != 0;
}

void frag_yield(struct tcpd_stack *st)
{
	while (st->frags.mem && mem_tight(&st->t))
		evict(st, NULL, NULL);
}

/* The class of a block for |need| octets: the more a datagram has, the larger
 * what it gets next. */
static unsigned order_for(const struct frag *d, uint32_t need)
{
	static const uint32_t has[] = {2048, 8192, 32768};
	unsigned order = 0;

	while (order < ARRAY_SIZE(has) && d->mem >= has[order])
		order++;
	return (unsigned)max_u32(order, pool_order(need));
}

/* A block of |order|, which holds |need| octets; others give way to it. */
static uint32_t take(struct tcpd_stack *st, struct frag *d, unsigned order,
		     uint32_t need)
{
	struct frags *f = &st->frags;
	struct pool *pool = &st->t.pool;
	struct frag_peer *peer = frag_peer(f, d->src);
	uint64_t budget = frag_budget(st);
	uint32_t b = POOL_NONE;

	while (peer->mem + pool_size(order) > max_u64(budget / 4, POOL_MAX * 2))
		if (!evict(st, peer, d))
			return POOL_NONE;
	while (f->mem + pool_size(order) > budget)
		if (!evict(st, NULL, d))
			return POOL_NONE;
	do {
		if (!mem_tight(&st->t) && mem_left(&st->t) >= pool_size(order))
			b = pool_take(pool, order);
		if (b != POOL_NONE && pool_size(pool->block[b].order) >= need)
			return b;
		if (b != POOL_NONE)
			pool_give(pool, b);
		b = POOL_NONE;
	} while (evict(st, NULL, d));
	return POOL_NONE;
}

/* |len| octets more; false: no memory. */
static bool put(struct tcpd_stack *st, struct frag *d, uint16_t at,
		const uint8_t *p, uint32_t len)
{
	struct pool *pool = &st->t.pool;
	struct frag_piece piece = {.at = at, .len = (uint16_t)len};
	uint32_t need = frag_size(len);
	uint32_t b = d->tail;
	uint8_t *to;

	if (b == POOL_NONE ||
	    pool->block[b].len + need > pool_size(pool->block[b].order)) {
		b = take(st, d, order_for(d, need), need);
		if (b == POOL_NONE)
			return false;
		if (d->tail == POOL_NONE)
			d->head = b;
		else
			pool->block[d->tail].next = b;
		pool->block[b].prev = d->tail;
		d->tail = b;
		d->mem += pool_size(pool->block[b].order);
		st->frags.mem += pool_size(pool->block[b].order);
		frag_peer(&st->frags, d->src)->mem +=
			pool_size(pool->block[b].order);
		tcp_arm_trim(&st->t);
	}
	to = pool_at(pool, b) + pool->block[b].len;
	memcpy(to, &piece, sizeof(piece));
	memcpy(to + sizeof(piece), p, len);
	pool->block[b].len += need;
	return true;
}

/* The next piece of |d|: true.  |*b| is its head at first, |*at| 0. */
static bool walk(const struct pool *pool, uint32_t *b, uint32_t *at,
		 struct frag_piece *piece, const uint8_t **p)
{
	while (*b != POOL_NONE && *at >= pool->block[*b].len) {
		*b = pool->block[*b].next;
		*at = 0;
	}
	if (*b == POOL_NONE)
		return false;
	*p = pool_at(pool, *b) + *at;
	memcpy(piece, *p, sizeof(*piece));
	*p += sizeof(*piece);
	*at += frag_size(piece->len);
	return true;
}

/* --- a piece arrives */

/* The place of what is wrong is told over IPv6 alone. */
static void bad(struct tcpd_stack *st, const struct ip *ip, const uint8_t *p,
		enum ip_problem problem, uint32_t at)
{
	drop(st, TCPD_DROP_IP_FRAGMENT, 1);
	if (ip->version == 6)
		icmp_parameter(st, ip, p, ip->nhead + ip->len, problem, at);
}

static void too_long(struct tcpd_stack *st, const struct ip *ip,
		     const uint8_t *p)
{
	bad(st, ip, p, IP_PROBLEM_FIELD,
	    ip->nhead - (uint32_t)IP6_FRAGMENT_HEAD + 2);
}

/*
 * Can this be a part of anything?  RFC 8200, 4.5; RFC 7112, 5; of IPv4's TCP
 * RFC 3128, 3: no first piece without its header, and none right behind its
 * first 8 octets.
 */
static bool sane(struct tcpd_stack *st, const struct ip *ip, const uint8_t *p)
{
	bool v4 = ip->version == 4;

	if (ip->len == 0 || (ip->more && ip->len % 8 != 0)) {
		bad(st, ip, p, IP_PROBLEM_FIELD, 4);
		return false;
	}
	if (frag_too_long(ip->version, ip->nhead, ip->offset + ip->len)) {
		too_long(st, ip, p);
		return false;
	}
	if ((v4 && ip->protocol == IP_TCP &&
	     (ip->offset == 8 || (!ip->offset && ip->len < TCP_HEAD_MIN))) ||
	    (!v4 && !ip->offset &&
	     !ip6_chain_whole(ip, p, ip->nhead + (size_t)ip->len))) {
		bad(st, ip, p, IP_PROBLEM_FIRST_FRAGMENT, 0);
		return false;
	}
	return true;
}

/* The datagram that it belongs to, with a new entry if there is none. */
static uint32_t datagram(struct tcpd_stack *st, const struct ip *ip)
{
	struct frags *f = &st->frags;
	struct frag key = {.id = ip->id, .version = ip->version};
	struct frag_peer *peer = frag_peer(f, ip->src);
	uint32_t slot;

	memcpy(key.src, ip->src, 16);
	memcpy(key.dst, ip->dst, 16);
	if (ip->version == 4)
		key.protocol = ip->protocol;
	slot = frag_find(f, &key);
	if (slot != HTAB_NONE)
		return slot;
	while (peer->n >= FRAG_OF_PEER)
		evict(st, peer, NULL);
	if (f->slab.count == f->slab.max)
		evict(st, NULL, NULL);
	slot = slab_take(&f->slab);
	key.head = key.tail = POOL_NONE;
	key.low = UINT32_MAX;
	key.due = st->t.now + FRAG_TIMEOUT;
	*frag_at(f, slot) = key;
	htab_add(&f->tab, hash_of(f, &key), slot);
	peer->n++;
	for (enum frag_list l = FRAG_BY_AGE; l < FRAG_NLISTS; l++)
		list_push(f, slot, l);
	return slot;
}

enum fit { FITS, SAME, CLASHES, TOO_LONG };

/* The headers of the whole are those of the first piece, and may be longer
 * than this one's. */
static bool overflows(const struct frag *d, const struct ip *ip)
{
	uint32_t nhead = ip->offset && d->first ? d->nhead : ip->nhead;
	uint32_t top = max_u32(d->top, ip->offset + ip->len);

	return frag_too_long(d->version, nhead, top);
}

/* What lies there already?  All pieces are looked at only where they may. */
static enum fit fits(const struct tcpd_stack *st, const struct frag *d,
		     const struct ip *ip)
{
	uint32_t from = ip->offset, to = from + ip->len;
	uint32_t b = d->head, at = 0;
	struct frag_piece piece;
	const uint8_t *p;

	if (from < d->top && to > d->low) {
		while (walk(&st->t.pool, &b, &at, &piece, &p)) {
			uint32_t left = piece.at * 8u;

			if (piece.at == FRAG_HEAD || left >= to ||
			    left + piece.len <= from)
				continue;
			return left == from && left + piece.len == to ? SAME
								      : CLASHES;
		}
	}
	/* one end, and nothing behind it */
	if (d->last ? to > d->end || !ip->more : !ip->more && d->top > to)
		return CLASHES;
	return overflows(d, ip) ? TOO_LONG : FITS;
}

/* RFC 3168, 5.3: CE of any piece is the datagram's; beside one that is not
 * ECN-capable it cannot be.  The others: as the first one. */
static bool mark(const struct frag *d, uint8_t *tos)
{
	if (!(d->ecn & ECN_CE))
		return true;
	*tos |= ECN_MASK;
	return !(d->ecn & ECN_NOT);
}

/* The header of the whole: lengths, marks, nothing of fragments. */
static bool heading(const struct frag *d, uint8_t *h, uint32_t len)
{
	uint8_t tos;
	uint16_t sum;

	if (d->version == 4) {
		if (!mark(d, &h[1]))
			return false;
		h[2] = (uint8_t)(len >> 8);
		h[3] = (uint8_t)len;
		h[6] = h[7] = h[10] = h[11] = 0;
		sum = (uint16_t)~cksum_fold(cksum_portable(h, d->nhead));
		h[10] = (uint8_t)(sum >> 8);
		h[11] = (uint8_t)sum;
		return true;
	}
	tos = (uint8_t)(h[0] << 4 | h[1] >> 4);
	if (!mark(d, &tos))
		return false;
	h[1] = (uint8_t)(tos << 4 | (h[1] & 15));
	len -= IP6_HEAD;
	h[4] = (uint8_t)(len >> 8);
	h[5] = (uint8_t)len;
	h[d->named_at] = h[d->nhead - IP6_FRAGMENT_HEAD];
	return true;
}

/* All pieces to their places; the entry is gone.  False: it is dropped. */
static bool assemble(struct tcpd_stack *st, uint32_t slot,
		     struct tcpd_packet *out)
{
	struct frag *d = frag_at(&st->frags, slot);
	uint8_t *whole = st->frags.whole;
	uint32_t nhead = d->version == 4
				 ? d->nhead
				 : d->nhead - (uint32_t)IP6_FRAGMENT_HEAD;
	uint32_t b = d->head, at = 0;
	struct frag_piece piece;
	const uint8_t *p;
	bool good;

	/* the header first: its last octets are overwritten by the payload */
	while (walk(&st->t.pool, &b, &at, &piece, &p))
		if (piece.at == FRAG_HEAD)
			memcpy(whole, p, piece.len);
	good = heading(d, whole, nhead + d->end);
	b = d->head;
	at = 0;
	while (walk(&st->t.pool, &b, &at, &piece, &p))
		if (piece.at != FRAG_HEAD)
			memcpy(whole + nhead + piece.at * 8u, p, piece.len);
	*out = (struct tcpd_packet){.data = whole, .len = nhead + d->end};
	if (good)
		st->t.stat.fragments_whole++;
	else
		drop(st, TCPD_DROP_IP_FRAGMENT, d->npieces);
	end(st, slot);
	return good;
}

static bool keep(struct tcpd_stack *st, struct frag *d, const struct ip *ip,
		 const uint8_t *p)
{
	uint32_t to = ip->offset + ip->len;

	if (d->npieces == FRAG_PIECES)
		return false;
	if (!ip->offset) {
		if (!put(st, d, FRAG_HEAD, p, ip->nhead))
			return false;
		d->first = true;
		d->nhead = ip->nhead;
		d->named_at = ip->named_at;
	}
	if (!put(st, d, (uint16_t)(ip->offset / 8), p + ip->nhead, ip->len))
		return false;
	if (!ip->more) {
		d->last = true;
		d->end = to;
	}
	d->npieces++;
	d->got += ip->len;
	d->low = min_u32(d->low, ip->offset);
	d->top = max_u32(d->top, to);
	d->ecn |= (uint8_t)(1u << (ip->tos & ECN_MASK));
	return true;
}

bool frag_input(struct tcpd_stack *st, const struct ip *ip, const uint8_t *p,
		struct tcpd_packet *out)
{
	struct frag *d;
	uint32_t slot;

	st->t.stat.fragments_in++;
	if (!sane(st, ip, p))
		return false;
	slot = datagram(st, ip);
	d = frag_at(&st->frags, slot);
	if (d->dead) {
		drop(st, TCPD_DROP_FRAGMENT_OVERLAP, 1);
		return false;
	}
	switch (fits(st, d, ip)) {
	case SAME:
		drop(st, TCPD_DROP_FRAGMENT_AGAIN, 1);
		return false;
	case CLASHES:
		kill(st, d, TCPD_DROP_FRAGMENT_OVERLAP);
		return false;
	case TOO_LONG:
		too_long(st, ip, p);
		return false;
	case FITS:
		break;
	}
	frag_used(&st->frags, slot);
	if (!keep(st, d, ip, p)) {
		kill(st, d, TCPD_DROP_FRAGMENT_LIMIT);
		return false;
	}
	return d->last && d->got == d->end && assemble(st, slot, out);
}

/* --- time */

tcpd_time frag_expiry(const struct tcpd_stack *st)
{
	uint32_t link = st->frags.first[FRAG_BY_AGE];

	return link ? frag_at(&st->frags, link - 1)->due : TCPD_NEVER;
}

/* RFC 792, RFC 4443 3.3: only where the first piece is there to be quoted. */
static void complain(struct tcpd_stack *st, const struct frag *d)
{
	uint8_t *quote = st->frags.whole;
	uint32_t b = d->head, at = 0, len = d->nhead;
	struct frag_piece piece;
	const uint8_t *p;
	struct ip ip;

	while (walk(&st->t.pool, &b, &at, &piece, &p)) {
		if (piece.at == FRAG_HEAD) {
			memcpy(quote, p, piece.len);
		} else if (piece.at == 0) {
			memcpy(quote + d->nhead, p, piece.len);
			len += piece.len;
		}
	}
	if (ip_parse_quoted(&ip, quote, len))
		icmp_time_exceeded(st, &ip, quote, len);
}

void frag_expire(struct tcpd_stack *st)
{
	while (st->frags.first[FRAG_BY_AGE] && frag_expiry(st) <= st->t.now) {
		uint32_t slot = st->frags.first[FRAG_BY_AGE] - 1;
		struct frag *d = frag_at(&st->frags, slot);

		drop(st, TCPD_DROP_FRAGMENT_TIMEOUT, d->npieces);
		if (d->first && !d->dead)
			complain(st, d);
		end(st, slot);
	}
}

bool frag_restore(struct tcpd_stack *st, uint32_t slot)
{
	struct frags *f = &st->frags;
	struct frag *d = frag_at(f, slot);
	struct frag_peer *peer = frag_peer(f, d->src);

	if (frag_find(f, d) != HTAB_NONE ||
	    !htab_add(&f->tab, hash_of(f, d), slot))
		return false;
	peer->n++;
	peer->mem += d->mem;
	f->mem += d->mem;
	for (enum frag_list l = FRAG_BY_AGE; l < FRAG_NLISTS; l++)
		list_push(f, slot, l);
	return true;
}
