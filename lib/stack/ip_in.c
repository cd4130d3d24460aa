/* SPDX-License-Identifier: MIT */
/*
 * ip_in.c - a packet from the device: is it whole, is it ours, may its source
 * be answered, and whose is it; fragments wait for the others.  Then TCP's
 * header and checksum, and lib/tcp has the segment.
 */
#include <string.h>

#include "stack/stack.h"
#include "tcp/synq.h"
#include "tcp/timewait.h"

static void drop(struct tcpd_stack *st, enum tcpd_drop why)
{
	tcp_drop(&st->t, why);
}

static bool addresses_ok(struct tcpd_stack *st, const struct ip *ip);

static bool parse(struct tcpd_stack *st, const struct tcpd_packet *pkt,
		  struct ip *ip)
{
	switch (ip_parse(ip, pkt->data, pkt->len)) {
	case IP_GOOD:
		return true;
	case IP_SHORT:
		drop(st, TCPD_DROP_IP_SHORT);
		break;
	case IP_VERSION:
		drop(st, TCPD_DROP_IP_VERSION);
		break;
	case IP_CHECKSUM:
		drop(st, TCPD_DROP_IP_CHECKSUM);
		break;
	case IP_OPTION:
		drop(st, TCPD_DROP_IP_OPTION);
		break;
	case IP_EXTENSION:
		drop(st, TCPD_DROP_IP_EXTENSION);
		break;
	case IP_PROBLEM:
		if (!addresses_ok(st, ip))
			break;
		drop(st, TCPD_DROP_IP_EXTENSION);
		icmp_parameter(st, ip, pkt->data, pkt->len,
			       (enum ip_problem)ip->problem, ip->problem_at);
		break;
	}
	return false;
}

/* 0.0.0.0/8, "this host on this network", and :: (RFC 1122, 3.2.1.3). */
static bool is_nowhere(const uint8_t ip[16])
{
	return ip_is_any(ip) || (ip_is4(ip) && ip[12] == 0);
}

/* Who had this address before it was taken away: known, and so not a stranger
 * who asks for something new. */
static bool is_kept(const struct tcp *t, const struct segment *seg)
{
	uint32_t hash = tuple_hash(t, &seg->tu);

	if (conn_find(t, &seg->tu, hash) != HTAB_NONE ||
	    synq_find(t, &seg->tu, hash) != HTAB_NONE)
		return true;
	return !(seg->h.flags & TCP_SYN) &&
	       timewait_find(t, &seg->tu, hash) != HTAB_NONE;
}

/* MUST-57, MUST-63: what must not be taken or answered. */
static bool addresses_ok(struct tcpd_stack *st, const struct ip *ip)
{
	const struct tcp *t = &st->t;

	if (!(port_is_ours(t, ip->dst) || t->moved) ||
	    port_is_broadcast(t, ip->dst)) {
		drop(st, TCPD_DROP_IP_NOT_OURS);
		return false;
	}
	if (is_nowhere(ip->src) || ip_is_multicast(ip->src) ||
	    ip_is_loopback(ip->src) || ip_is_reserved(ip->src) ||
	    port_is_broadcast(t, ip->src) || port_is_ours(t, ip->src)) {
		drop(st, TCPD_DROP_IP_SOURCE);
		return false;
	}
	return true;
}

/* Offload fields are the device's word; a contradiction is a drop. */
static bool offload_ok(const struct tcpd_packet *pkt, const struct ip *ip)
{
	const struct tcpd_offload *o = &pkt->off;

	if (ip->fragment) /* a checksum or a segment is of a whole */
		return !o->gso_size && !(o->flags & TCPD_PKT_CSUM_PARTIAL);
	if (o->flags & TCPD_PKT_CSUM_PARTIAL) {
		if ((uint32_t)o->csum_start + o->csum_offset + 2 > pkt->len)
			return false;
		if (ip->protocol == IP_TCP && (o->csum_start != ip->nhead ||
					       o->csum_offset != TCP_CSUM_AT))
			return false;
	}
	return !o->gso_size || ip->protocol == IP_TCP;
}

static bool checksum_ok(const struct tcp *t, const struct tcpd_packet *pkt,
			const struct ip *ip, const uint8_t *p)
{
	if (pkt->off.flags & (TCPD_PKT_CSUM_PARTIAL | TCPD_PKT_CSUM_VALID))
		return true;
	return cksum_fold(cksum_pseudo(ip->src, ip->dst, IP_TCP, ip->len) +
			  t->sum(p, ip->len)) == UINT16_MAX;
}

static void tcp_packet(struct tcpd_stack *st, const struct tcpd_packet *pkt,
		       const struct ip *ip)
{
	const struct tcp *t = &st->t;
	const uint8_t *p = pkt->data + ip->nhead;
	struct segment seg;

	if (!tcphdr_parse(&seg.h, p, ip->len)) {
		drop(st, TCPD_DROP_TCP_SHORT);
		return;
	}
	if (!checksum_ok(&st->t, pkt, ip, p)) {
		drop(st, TCPD_DROP_TCP_CHECKSUM);
		return;
	}
	if (seg.h.src == 0 || seg.h.dst == 0) {
		drop(st, TCPD_DROP_TCP_PORT_ZERO);
		return;
	}
	memcpy(seg.tu.local, ip->dst, 16);
	memcpy(seg.tu.peer, ip->src, 16);
	seg.tu.lport = seg.h.dst;
	seg.tu.pport = seg.h.src;
	seg.data = p + seg.h.nhead;
	seg.len = ip->len - seg.h.nhead;
	seg.mss = seg.len;
	seg.nwire = 1;
	if (pkt->off.gso_size && seg.len > pkt->off.gso_size) {
		seg.mss = pkt->off.gso_size;
		seg.nwire = (seg.len + seg.mss - 1) / seg.mss;
	}
	seg.tos = ip->tos;
	seg.up = seg.h.seq + seg.h.urg;
	seg.dup = 0;
	seg.stale = false;
	if (t->moved && !port_is_ours(t, ip->dst) && !is_kept(t, &seg)) {
		drop(st, TCPD_DROP_IP_NOT_OURS);
		return;
	}
	tcp_input(&st->t, &seg);
}

/* To whom it is for: a whole datagram. */
static void deliver(struct tcpd_stack *st, const struct tcpd_packet *pkt,
		    const struct ip *ip, bool in_pieces)
{
	const struct tcp *t = &st->t;

	if (ip->protocol != IP_TCP && t->moved && !port_is_ours(t, ip->dst)) {
		drop(st, TCPD_DROP_IP_NOT_OURS);
	} else if (ip->protocol == IP_TCP) {
		tcp_packet(st, pkt, ip);
	} else if (ip->protocol == (ip->version == 4 ? IP_ICMP : IP_ICMP6)) {
		icmp_input(st, ip, pkt->data + ip->nhead,
			   (pkt->off.flags &
			    (TCPD_PKT_CSUM_PARTIAL | TCPD_PKT_CSUM_VALID)) != 0,
			   in_pieces);
	} else {
		drop(st, TCPD_DROP_IP_PROTOCOL);
		if (ip->version == 4 || ip->protocol != IP_NOTHING)
			icmp_unreachable(st, ip, pkt->data, pkt->len);
	}
}

/* A fragment; with the last one that was missing, the whole is delivered.  Its
 * octets are only lent until the next one, so none stays borrowed. */
static void fragment(struct tcpd_stack *st, const struct tcpd_packet *pkt,
		     const struct ip *ip)
{
	struct tcpd_packet whole;
	struct ip again;

	if (!frag_input(st, ip, pkt->data, &whole) ||
	    !parse(st, &whole, &again))
		return;
	if (again.fragment) { /* a fragment header among the fragments */
		drop(st, TCPD_DROP_IP_EXTENSION);
		return;
	}
	deliver(st, &whole, &again, true);
	recvq_settle(&st->t);
}

void tcpd_input(struct tcpd_stack *st, const struct tcpd_packet *pkt,
		tcpd_time now)
{
	struct tcp *t = &st->t;
	struct ip ip;

	stack_enter(st, now);
	t->stat.packets_in++;
	t->stat.packets_octets_in += pkt->len;
	if (!parse(st, pkt, &ip) || !addresses_ok(st, &ip))
		return;
	if (st->frags.mem)
		frag_yield(st);
	if (!offload_ok(pkt, &ip))
		drop(st, TCPD_DROP_OFFLOAD);
	else if (ip.fragment)
		fragment(st, pkt, &ip);
	else
		deliver(st, pkt, &ip, false);
}

void tcpd_input_done(struct tcpd_stack *st, tcpd_time now)
{
	stack_enter(st, now);
	recvq_settle(&st->t);
}
