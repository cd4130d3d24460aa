/* SPDX-License-Identifier: MIT */
/*
 * xmit.h - a record of every transmission that is not acknowledged yet: its
 * range, when it was sent, and what had been delivered then.  One a
 * super-segment; it is split when only a part of it is lost or acknowledged,
 * and neighbours that have been SACKed become one.
 *
 * Records are ordered by sequence number: a list for walking, a treap for
 * finding one in log n.  Each of them is besides
 *	in flight          in a list, by the time of its last transmission
 *	lost, and waits    in a treap by sequence number
 *	SACKed             in neither
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
	XMIT_CWND_LIMITED = 1u << 4,
	XMIT_SACKED = 1u << 5, /* the peer has it out of order */
	XMIT_ECT = 1u << 6     /* it went marked as ECN-capable, at first */
};

enum xmit_tree { XT_SEQ, XT_SET, XT_N };

struct xmit_links {
	uint32_t left, right; /* slot + 1 */
};

struct xmit {
	uint32_t seq, end;  /* [seq, end), SYN and FIN count */
	tcpd_time sent_at;  /* last transmission */
	uint64_t delivered; /* rate_conn.delivered then */
	tcpd_time delivered_at, first_sent_at; /* then */
	uint32_t lost;	       /* rate_conn.lost then, modulo 2^32 */
	uint32_t tx_in_flight; /* octets in flight then, with this */
	/* XT_SEQ: the treap.  XT_SET: in flight, who left before and after;
	 * lost and waiting, the treap of these. */
	struct xmit_links in[XT_N];
	uint32_t pri;
	uint32_t prev, next; /* by sequence number, slot + 1 */
	uint32_t nsegs;	     /* SACKed: segments that it stands for */
	uint16_t mss;
	uint8_t flags, nsent;
};

static inline struct xmit *xmit_at(const struct tcp *t, uint32_t slot)
{
	return slab_at(&t->xmits, slot);
}

/* Lost, and not sent again since. */
static inline bool xmit_waits(const struct xmit *x)
{
	return (x->flags & (XMIT_LOST | XMIT_RESENT)) == XMIT_LOST;
}

static inline bool xmit_in_flight(const struct xmit *x)
{
	return !(x->flags & XMIT_SACKED) && !xmit_waits(x);
}

/* Is there a slot for one more?  One for each connection is kept back: a SYN
 * always has its record, whatever the others have in flight. */
bool xmit_room(const struct tcp *t);

/* Remember [seq, end), which follows all others, as in flight.  SLAB_NONE: no
 * slot. */
uint32_t xmit_add(struct tcp *t, struct conn *c, uint32_t seq, uint32_t end);

/* The record that holds |seq|, or SLAB_NONE. */
uint32_t xmit_find(const struct tcp *t, const struct conn *c, uint32_t seq);

/* Cut |slot| before |seq|: the second part's slot, or SLAB_NONE (no room). */
uint32_t xmit_split(struct tcp *t, struct conn *c, uint32_t slot, uint32_t seq);

/* |slot| and the one behind it become one; both are SACKed. */
void xmit_merge(struct tcp *t, struct conn *c, uint32_t slot);

/* From one set to another: flags first out of date, then set here.  The sums
 * of conn.h are kept by score.c. */
void xmit_put_sacked(struct tcp *t, struct conn *c, struct xmit *x);
void xmit_put_lost(struct tcp *t, struct conn *c, struct xmit *x);
/* It has left (again) just now. */
void xmit_put_sent(struct tcp *t, struct conn *c, struct xmit *x);
/* It was not lost: in flight, as long as it has been.  Those behind it first:
 * mostly it left before all others. */
void xmit_put_back(struct tcp *t, struct conn *c, struct xmit *x);

/* Of a record: the sets anew, from the flags; who is in flight is told one
 * after the other.  False: |seq| is of none, or it was told already. */
void xmit_forget_order(const struct tcp *t, struct conn *c);
bool xmit_put_next(const struct tcp *t, struct conn *c, uint32_t seq);

/* The first, the last that is lost and waits: slot + 1, or 0. */
uint32_t xmit_first_lost(const struct tcp *t, const struct conn *c);
uint32_t xmit_last_lost(const struct tcp *t, const struct conn *c);

void xmit_del(struct tcp *t, struct conn *c, uint32_t slot);
void xmit_clear(struct tcp *t, struct conn *c);

#endif /* TCP_XMIT_H */
