/* SPDX-License-Identifier: MIT */
/* stack.h - the object behind tcpd.h: TCP's tables and the internet layer. */
#ifndef STACK_STACK_H
#define STACK_STACK_H

#include "tcp/conn.h"
#include "tcp/listen.h"
#include "tcp/port.h"
#include "wire/ip.h"

struct tcpd_stack {
	struct tcp t;
	void *mem; /* the one region that map gave */
	size_t nmem;
	/* ICMP errors: a token bucket (RFC 1812, 4.3.2.8) */
	uint32_t icmp_tokens;
	tcpd_time icmp_at;
};

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

/* --- icmp_in.c */
void icmp_input(struct tcpd_stack *st, const struct ip *ip, const uint8_t *p,
		bool csum_valid);
/* Port or protocol unreachable, about the packet |p| of |len| octets. */
void icmp_unreachable(struct tcpd_stack *st, const struct ip *ip,
		      const uint8_t *p, uint32_t len);

#endif /* STACK_STACK_H */
