/* SPDX-License-Identifier: MIT */
/*
 * icmp_in.c - ICMP for the stack's addresses: echo is answered; an error
 * counts for the connection or half-open entry whose segment in flight it
 * quotes (RFC 5927) and for no other.
 */
#include <string.h>

#include "stack/stack.h"
#include "tcp/synq.h"
#include "tcp/xmit.h"
#include "wire/icmp.h"

/* The connection that has the quoted octet in flight. */
static struct conn *quoted(const struct tcp *t, const struct icmp *m,
			   const struct tuple *tu)
{
	uint32_t slot = conn_find(t, tu, tuple_hash(t, tu));
	struct conn *c;

	if (slot == HTAB_NONE)
		return NULL;
	c = conn_at(t, slot);
	if (!seq_in(m->quote_seq, c->snd_una, conn_flight(c)))
		return NULL;
	return c;
}

static bool is_hard(const struct icmp *m)
{
	return m->kind == ICMP_UNREACHABLE &&
	       (m->reason == ICMP_PORT || m->reason == ICMP_PROTOCOL);
}

/* A half-open entry whose SYN-ACK is quoted: a hard error ends it, as an RST
 * would; others wait for the next SYN-ACK.  False: there is none. */
static bool half_open(struct tcp *t, const struct icmp *m,
		      const struct tuple *tu)
{
	uint32_t slot = synq_find(t, tu, tuple_hash(t, tu));

	if (slot == HTAB_NONE || half_at(t, slot)->iss != m->quote_seq)
		return false;
	if (is_hard(m))
		synq_remove(t, slot, EV_UNREACHABLE);
	return true;
}

static int soft_error(const struct icmp *m)
{
	if (is_hard(m))
		return TCPD_ERR_REFUSED;
	if (m->kind == ICMP_UNREACHABLE && m->reason == ICMP_NET)
		return TCPD_ERR_NET_UNREACH;
	return TCPD_ERR_HOST_UNREACH;
}

/* Hard errors end a connection only before it is synchronized (RFC 5927, 5.2;
 * MUST-56, SHLD-26 with the practice of 3.9.2.2). */
static void unreachable(struct tcp *t, struct conn *c, const struct icmp *m)
{
	if (conn_synchronized(c) || !is_hard(m)) {
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
		bool csum_valid, bool in_pieces)
{
	struct tcp *t = &st->t;
	struct icmp m;
	struct tuple tu;
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
		icmp_echo(st, ip, p, in_pieces);
		return;
	case ICMP_UNREACHABLE:
	case ICMP_TOO_BIG:
	case ICMP_SOFT:
		break;
	}
	/* who sent the segment hears of it, and nobody else */
	if (!m.has_quote || memcmp(m.quote.src, ip->dst, 16) != 0) {
		tcp_drop(t, TCPD_DROP_ICMP_STRAY);
		return;
	}
	memcpy(tu.local, m.quote.src, 16);
	memcpy(tu.peer, m.quote.dst, 16);
	tu.lport = m.quote_src;
	tu.pport = m.quote_dst;
	c = quoted(t, &m, &tu);
	if (m.kind == ICMP_TOO_BIG)
		too_big(t, c, &m);
	else if (!c && !half_open(t, &m, &tu))
		tcp_drop(t, TCPD_DROP_ICMP_STRAY);
	else if (!c)
		return;
	else if (m.kind == ICMP_UNREACHABLE)
		unreachable(t, c, &m);
	else
		conn_soft_error(t, c, soft_error(&m));
}
