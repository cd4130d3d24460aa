/* SPDX-License-Identifier: MIT */
/* stack.h - the object behind tcpd.h: TCP's tables and the internet layer. */
#ifndef STACK_STACK_H
#define STACK_STACK_H

#include "stack/frag.h"
#include "tcp/conn.h"
#include "tcp/listen.h"
#include "tcp/port.h"
#include "wire/ip.h"

struct tcpd_stack {
	struct tcp t;
	void *mem; /* the one region that map gave */
	size_t nmem;
	struct frags frags;
	/* ICMP errors (RFC 1812, 4.3.2.8; RFC 4443, 2.4): buckets of all, and
	 * of each source that had one of late */
	uint64_t icmp_full_at;
	struct icmp_peer *icmp_peers;
	uint64_t split_full_at; /* bucket of what goes in fragments */
	uint32_t ip_id;		/* so many had an identification */
};

struct icmp_peer {
	uint64_t hash, full_at;
};
#define ICMP_PEERS 4096u
#define ICMP_WAYS  4u /* of a set: one cache line */

/* Every call that acts: what was offered before counts as sent. */
void stack_enter(struct tcpd_stack *st, tcpd_time now);

/* Is each of a listener's settings in its range? */
bool stack_conn_settings_ok(const struct tcpd_conn_settings *c);

/* Handles. */
tcpd_handle stack_handle(const struct tcp *t, uint32_t ref);
struct conn *stack_conn(const struct tcpd_stack *st, tcpd_handle h);
struct listener *stack_listener(const struct tcpd_stack *st, tcpd_handle h);

/* A connection that somebody may still use: not one whose GONE is pending. */
static inline bool stack_usable(const struct conn *c)
{
	return c->held && !c->orphan;
}

/* --- setopt.c: what was set on a socket becomes its listener's. */
void stack_options_to_listener(const struct conn *c, struct listener *l);

/* --- status.c: what is in a place of a table (|kind|: enum tcpd_kind) */
void status_of(const struct tcp *t, uint32_t kind, uint32_t slot,
	       struct tcpd_status *s, tcpd_time now);

/* --- icmp_in.c; |in_pieces|: it came in fragments */
void icmp_input(struct tcpd_stack *st, const struct ip *ip, const uint8_t *p,
		bool csum_valid, bool in_pieces);

/* --- icmp_out.c: answers to the packet |p| of |len| octets, whose header is
 * |ip| */
void icmp_echo(struct tcpd_stack *st, const struct ip *ip, const uint8_t *p,
	       bool in_pieces); /* |p|: the message, |ip->len| octets */
/* Port or protocol unreachable. */
void icmp_unreachable(struct tcpd_stack *st, const struct ip *ip,
		      const uint8_t *p, uint32_t len);
void icmp_parameter(struct tcpd_stack *st, const struct ip *ip,
		    const uint8_t *p, uint32_t len, enum ip_problem problem,
		    uint32_t at);
/* Reassembly took too long. */
void icmp_time_exceeded(struct tcpd_stack *st, const struct ip *ip,
			const uint8_t *p, uint32_t len);

/* --- ipid.c: the identification of a datagram from |to->src| to |to->dst|
 * that will go in fragments */
uint32_t ipid_next(struct tcpd_stack *st, const struct ip *to);

#endif /* STACK_STACK_H */
