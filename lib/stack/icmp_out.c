/* SPDX-License-Identifier: MIT */
/*
 * icmp_out.c - what ICMP says: the answer to an echo, and errors about packets
 * that cannot be taken (RFC 1122, 3.2.2; RFC 4443).
 *
 * Errors have a budget in all and one for each source, and none is about an
 * error.  That the source is somebody who may be answered was asked before
 * (ip_in.c).  An echo larger than the MTU goes in fragments; so does one that
 * came in fragments, for its path may need them: then IPv4 leaves it to the
 * routers (no DF), and IPv6 keeps to 1280 octets.
 */
#include <string.h>

#include "base/bucket.h"
#include "stack/stack.h"
#include "tcp/mem.h"
#include "wire/icmp.h"

#define ALL_GAP	    TCPD_MS(1) /* 1000 a second, 50 at once */
#define ALL_DEPTH   (50 * ALL_GAP)
#define PEER_GAP    TCPD_MS(100) /* 10 a second, 10 at once */
#define PEER_DEPTH  (10 * PEER_GAP)
#define QUOTE_V4    548u  /* of 576 octets (RFC 1812, 4.3.2.3) */
#define QUOTE_V6    1232u /* of 1280 octets (RFC 4443, 2.4) */

/* An ID of 16 bits must not come again within the life of a datagram, 2
 * minutes (RFC 6864, 4.3): so few go, whoever they are for. */
#define SPLIT_GAP   (TCPD_SEC(120) / 65536 + 1)
#define SPLIT_DEPTH (64 * SPLIT_GAP)

enum {
	ICMP4_UNREACHABLE = 3,
	ICMP4_TIME_EXCEEDED = 11,
	ICMP6_UNREACHABLE = 1,
	ICMP6_TIME_EXCEEDED = 3,
	ICMP6_PARAMETER = 4,
	CODE_REASSEMBLY = 1
};

/* A block with |len| octets to write an answer into, or POOL_NONE; not what
 * was promised to borrowed packets. */
static uint32_t take_block(struct tcpd_stack *st, uint32_t len)
{
	struct pool *pool = &st->t.pool;
	unsigned order = pool_order(len);
	uint32_t b;

	if (mem_left(&st->t) < pool_size(order))
		return POOL_NONE;
	b = pool_take(pool, order);
	if (b == POOL_NONE)
		return b;
	if (pool_size(pool->block[b].order) < len) {
		pool_give(pool, b);
		return POOL_NONE;
	}
	return b;
}

/* The header of an answer: the addresses turned. */
static struct ip turned(const struct ip *ip)
{
	struct ip out = {.version = ip->version,
			 .protocol = ip->version == 4 ? IP_ICMP : IP_ICMP6};

	memcpy(out.src, ip->dst, 16);
	memcpy(out.dst, ip->src, 16);
	return out;
}

static void push(struct tcpd_stack *st, struct reply *r, const struct ip *to)
{
	r->kind = REPLY_ICMP;
	r->protocol = to->protocol;
	r->tos = to->tos;
	memcpy(r->tu.local, to->src, 16);
	memcpy(r->tu.peer, to->dst, 16);
	if (!reply_push(&st->t, r)) {
		pool_give(&st->t.pool, r->block);
		st->t.nsplit -= r->split;
	}
}

/* May one more go in pieces?  Few wait at a time, for each may be 64 KiB. */
static bool may_split(struct tcpd_stack *st)
{
	return st->t.nsplit < NSPLIT &&
	       bucket_take(&st->split_full_at, st->t.now, SPLIT_GAP,
			   SPLIT_DEPTH);
}

void icmp_echo(struct tcpd_stack *st, const struct ip *ip, const uint8_t *p,
	       bool in_pieces)
{
	struct tcp *t = &st->t;
	struct ip to = turned(ip);
	uint32_t head = ip->version == 4 ? IP4_HEAD : IP6_HEAD;
	struct reply r = {.len = ip->len};

	r.split = in_pieces || head + ip->len > t->set.mtu;
	r.block = POOL_NONE;
	if (!r.split || may_split(st))
		r.block = take_block(st, ip->len);
	if (r.block == POOL_NONE) {
		tcp_drop(t, TCPD_DROP_ICMP_LIMIT);
		return;
	}
	if (r.split) {
		t->nsplit++;
		r.ip_id = ipid_next(st, &to);
	}
	memcpy(pool_at(&t->pool, r.block), p, ip->len);
	to.tos = ip->tos;
	icmp_echo_reply(pool_at(&t->pool, r.block), ip->len, &to, t->sum);
	push(st, &r, &to);
}

/* --- errors */

/* The cell of |source|; where all are taken, that of who asked longest ago. */
static struct icmp_peer *peer(struct tcpd_stack *st, const uint8_t source[16])
{
	uint64_t hash = siphash(&st->t.k_recent, source, 16);
	struct icmp_peer *set =
		st->icmp_peers + hash % (ICMP_PEERS / ICMP_WAYS) * ICMP_WAYS;
	struct icmp_peer *oldest = set;

	for (unsigned i = 0; i < ICMP_WAYS; i++) {
		if (set[i].hash == hash)
			return &set[i];
		if (set[i].full_at < oldest->full_at)
			oldest = &set[i];
	}
	*oldest = (struct icmp_peer){.hash = hash};
	return oldest;
}

/* His own budget first: what is beyond it takes nothing from the others. */
static bool may_complain(struct tcpd_stack *st, const uint8_t source[16])
{
	struct icmp_peer *k = peer(st, source);

	return bucket_take(&k->full_at, st->t.now, PEER_GAP, PEER_DEPTH) &&
	       bucket_take(&st->icmp_full_at, st->t.now, ALL_GAP, ALL_DEPTH);
}

struct error {
	uint8_t type, code;
	uint32_t rest;
};

static void complain(struct tcpd_stack *st, const struct ip *ip,
		     const struct error *e, const uint8_t *p, uint32_t len)
{
	uint32_t quote = min_u32(len, ip->version == 4 ? QUOTE_V4 : QUOTE_V6);
	struct ip to = turned(ip); /* TOS 0 (RFC 1122, 3.2.2) */
	struct reply r = {.block = POOL_NONE};

	/* after a change of addresses packets for others come as far as here */
	if (ip_is_error(p, len) || !port_is_ours(&st->t, ip->dst))
		return;
	if (may_complain(st, ip->src))
		r.block = take_block(st, POOL_UNIT);
	if (r.block == POOL_NONE) {
		tcp_drop(&st->t, TCPD_DROP_ICMP_LIMIT);
		return;
	}
	r.len = (uint32_t)icmp_build_error(pool_at(&st->t.pool, r.block),
					   POOL_UNIT, &to, e->type, e->code,
					   e->rest, p, quote, st->t.sum);
	push(st, &r, &to);
}

void icmp_unreachable(struct tcpd_stack *st, const struct ip *ip,
		      const uint8_t *p, uint32_t len)
{
	bool v4 = ip->version == 4;
	bool port = ip->protocol == IP_UDP;
	struct error e = {.type = v4 ? ICMP4_UNREACHABLE : ICMP6_UNREACHABLE,
			  .code = v4 ? 3 : 4};

	if (!port && !v4) {
		icmp_parameter(st, ip, p, len, IP_PROBLEM_NEXT_HEADER,
			       ip->named_at);
		return;
	}
	if (!port)
		e.code = 2;
	complain(st, ip, &e, p, len);
}

void icmp_parameter(struct tcpd_stack *st, const struct ip *ip,
		    const uint8_t *p, uint32_t len, enum ip_problem problem,
		    uint32_t at)
{
	struct error e = {
		.type = ICMP6_PARAMETER, .code = (uint8_t)problem, .rest = at};

	complain(st, ip, &e, p, len);
}

void icmp_time_exceeded(struct tcpd_stack *st, const struct ip *ip,
			const uint8_t *p, uint32_t len)
{
	struct error e = {.type = ip->version == 4 ? ICMP4_TIME_EXCEEDED
						   : ICMP6_TIME_EXCEEDED,
			  .code = CODE_REASSEMBLY};

	complain(st, ip, &e, p, len);
}
