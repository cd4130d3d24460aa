/* SPDX-License-Identifier: MIT */
/*
 * icmp_in.c - ICMP for the stack's addresses: echo is answered; an error
 * counts for the connection whose segment in flight it quotes (RFC 5927) and
 * for no other; what speaks another protocol hears "unreachable".
 */
#include <string.h>

#include "stack/stack.h"
#include "tcp/mem.h"
#include "tcp/synq.h"
#include "tcp/xmit.h"
#include "wire/icmp.h"

#define UDP	   17
#define ICMP_PER_S 1000u
#define ICMP_BURST 50u
#define QUOTE_V4   548u	 /* of 576 octets (RFC 1812, 4.3.2.3) */
#define QUOTE_V6   1232u /* of 1280 octets (RFC 4443, 2.4) */

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

static void send(struct tcpd_stack *st, const struct ip *to, uint32_t block,
		 uint32_t len)
{
	struct reply r = {.kind = REPLY_ICMP,
			  .block = block,
			  .len = len,
			  .protocol = to->protocol,
			  .tos = to->tos};

	memcpy(r.tu.local, to->src, 16);
	memcpy(r.tu.peer, to->dst, 16);
	if (!reply_push(&st->t, &r))
		pool_give(&st->t.pool, block);
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

static void echo(struct tcpd_stack *st, const struct ip *ip, const uint8_t *p)
{
	struct ip to = turned(ip);
	uint32_t head = ip->version == 4 ? IP4_HEAD : IP6_HEAD;
	uint32_t b = POOL_NONE;

	if (head + ip->len <= st->t.set.mtu)
		b = take_block(st, ip->len);
	if (b == POOL_NONE) {
		tcp_drop(&st->t, TCPD_DROP_ICMP_LIMIT);
		return;
	}
	memcpy(pool_at(&st->t.pool, b), p, ip->len);
	to.tos = ip->tos;
	icmp_echo_reply(pool_at(&st->t.pool, b), ip->len, &to, st->t.sum);
	send(st, &to, b, ip->len);
}

static bool may_complain(struct tcpd_stack *st)
{
	tcpd_time gap = TCPD_SEC(1) / ICMP_PER_S;
	uint64_t more = (st->t.now - st->icmp_at) / gap;

	if (more) {
		st->icmp_tokens =
			clamp_u32(st->icmp_tokens + more, 0, ICMP_BURST);
		st->icmp_at = st->t.now;
	}
	if (!st->icmp_tokens)
		return false;
	st->icmp_tokens--;
	return true;
}

void icmp_unreachable(struct tcpd_stack *st, const struct ip *ip,
		      const uint8_t *p, uint32_t len)
{
	bool v4 = ip->version == 4;
	bool port = ip->protocol == UDP;
	uint32_t quote = min_u32(len, v4 ? QUOTE_V4 : QUOTE_V6);
	struct ip to = turned(ip);
	uint32_t b;
	size_t n;
	uint8_t type = v4 ? 3 : port ? 1 : 4;
	uint8_t code = v4 ? (port ? 3 : 2) : port ? 4 : 1;

	b = may_complain(st) ? take_block(st, POOL_UNIT) : POOL_NONE;
	if (b == POOL_NONE) {
		tcp_drop(&st->t, TCPD_DROP_ICMP_LIMIT);
		return;
	}
	/* IPv6, "unrecognized next header": a pointer to the field (4443, 3.4)
	 */
	n = icmp_build_error(pool_at(&st->t.pool, b), POOL_UNIT, &to, type,
			     code, v4 || port ? 0 : 6, p, quote, st->t.sum);
	if (n == 0)
		pool_give(&st->t.pool, b);
	else
		send(st, &to, b, (uint32_t)n);
}

/* --- errors about what we sent */

/* The connection that has the quoted octet in flight. */
static struct conn *quoted(const struct tcp *t, const struct icmp *m)
{
	struct tuple tu;
	uint32_t slot;
	struct conn *c;

	if (!m->has_quote)
		return NULL;
	memcpy(tu.local, m->quote.src, 16);
	memcpy(tu.peer, m->quote.dst, 16);
	tu.lport = m->quote_src;
	tu.pport = m->quote_dst;
	slot = conn_find(t, &tu, tuple_hash(t, &tu));
	if (slot == HTAB_NONE)
		return NULL;
	c = conn_at(t, slot);
	if (!seq_in(m->quote_seq, c->snd_una, conn_flight(c)))
		return NULL;
	return c;
}

static int soft_error(const struct icmp *m)
{
	if (m->kind == ICMP_UNREACHABLE && m->reason == ICMP_NET)
		return TCPD_ERR_NET_UNREACH;
	return TCPD_ERR_HOST_UNREACH;
}

/* Hard errors end a connection only before it is synchronized (RFC 5927, 6;
 * MUST-56, SHLD-26 with the practice of 3.9.2.2). */
static void unreachable(struct tcp *t, struct conn *c, const struct icmp *m)
{
	bool hard = m->reason == ICMP_PORT || m->reason == ICMP_PROTOCOL;

	if (c->state != TCPD_SYN_SENT || !hard) {
		conn_soft_error(t, c, soft_error(m));
		return;
	}
	t->stat.opens_failed++;
	conn_move(t, c, EV_UNREACHABLE);
	conn_ended(t, c, TCPD_ERR_REFUSED, TCPD_EV_RESET);
}

/* ... a half-open entry's SYN-ACK. */
static bool quotes_synack(const struct tcp *t, const struct icmp *m)
{
	struct tuple tu = {.lport = m->quote_src, .pport = m->quote_dst};
	uint32_t slot;

	if (!m->has_quote)
		return false;
	memcpy(tu.local, m->quote.src, 16);
	memcpy(tu.peer, m->quote.dst, 16);
	slot = synq_find(t, &tu, tuple_hash(t, &tu));
	return slot != HTAB_NONE && half_at(t, slot)->iss == m->quote_seq;
}

static void too_big(struct tcp *t, struct conn *c, const struct icmp *m)
{
	uint32_t quoted = m->quote.nhead + m->quote.len;

	if (c)
		pmtu_too_big(t, c, m->mtu, quoted, m->quote_seq);
	else if (quotes_synack(t, m))
		pmtu_too_big_for(t, m->quote.dst, m->mtu, quoted);
	else
		tcp_drop(t, TCPD_DROP_ICMP_STRAY);
}

void icmp_input(struct tcpd_stack *st, const struct ip *ip, const uint8_t *p,
		bool csum_valid)
{
	struct tcp *t = &st->t;
	struct icmp m;
	struct conn *c;

	icmp_parse(&m, ip, p, ip->len, t->sum, csum_valid);
	switch (m.kind) {
	case ICMP_BAD:
		tcp_drop(t, TCPD_DROP_ICMP_BAD);
		return;
	case ICMP_OTHER:
		tcp_drop(t, TCPD_DROP_ICMP_IGNORED);
		return;
	case ICMP_ECHO:
		echo(st, ip, p);
		return;
	case ICMP_UNREACHABLE:
	case ICMP_TOO_BIG:
	case ICMP_SOFT:
		break;
	}
	c = quoted(t, &m);
	if (m.kind == ICMP_TOO_BIG)
		too_big(t, c, &m);
	else if (!c)
		tcp_drop(t, TCPD_DROP_ICMP_STRAY);
	else if (m.kind == ICMP_UNREACHABLE)
		unreachable(t, c, &m);
	else
		conn_soft_error(t, c, soft_error(&m));
}
