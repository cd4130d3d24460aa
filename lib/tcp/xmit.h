/* SPDX-License-Identifier: MIT */
/*
 * xmit.h - a record of every transmission that is not acknowledged yet: its
 * range, when it was sent, and what had been delivered then.  One a
 * super-segment; it is split when only a part of it is lost or acknowledged.
 * Records are ordered by sequence number: a list for walking, a treap for
 * finding one in log n.
 */
#ifndef TCP_XMIT_H
#define TCP_XMIT_H

#include "tcp.h"

struct conn;

enum xmit_flags {
	XMIT_LOST = 1u << 0,   /* thought lost */
	XMIT_RESENT = 1u << 1, /* ... and sent again since */
	XMIT_EVER = 1u << 2,   /* was retransmitted once: no RTT (Karn) */
	XMIT_APP_LIMITED = 1u << 3,
	XMIT_CWND_LIMITED = 1u << 4
};

struct xmit {
	uint32_t seq, end;  /* [seq, end), SYN and FIN count */
	tcpd_time sent_at;  /* last transmission */
	uint64_t delivered; /* conn.delivered then */
	tcpd_time delivered_at, first_sent_at; /* then */
	uint32_t lost;		   /* rate_conn.lost then, modulo 2^32 */
	uint32_t tx_in_flight;	   /* octets in flight then, with this */
	uint32_t left, right, pri; /* treap, slot + 1 */
	uint32_t prev, next;	   /* by sequence number, slot + 1 */
	uint16_t mss;
	uint8_t flags, nsent;
};

static inline struct xmit *xmit_at(const struct tcp *t, uint32_t slot)
{
	return slab_at(&t->xmits, slot);
}

/* Is there a slot for one more?  One for each connection is kept back: a SYN
 * always has its record, whatever the others have in flight. */
bool xmit_room(const struct tcp *t);

/* Remember [seq, end), which follows all others.  SLAB_NONE: no slot. */
uint32_t xmit_add(struct tcp *t, struct conn *c, uint32_t seq, uint32_t end);

/* The record that holds |seq|, or SLAB_NONE. */
uint32_t xmit_find(const struct tcp *t, const struct conn *c, uint32_t seq);

/* Cut |slot| before |seq|: the second part's slot, or SLAB_NONE (no room). */
uint32_t xmit_split(struct tcp *t, struct conn *c, uint32_t slot, uint32_t seq);

void xmit_del(struct tcp *t, struct conn *c, uint32_t slot);
void xmit_clear(struct tcp *t, struct conn *c);

#endif /* TCP_XMIT_H */
