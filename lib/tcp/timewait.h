/* SPDX-License-Identifier: MIT */
/*
 * timewait.h - TIME-WAIT as a small entry: identity, sequence numbers, time
 * and a place in the wheel, 64 octets.
 */
#ifndef TCP_TIMEWAIT_H
#define TCP_TIMEWAIT_H

#include <assert.h>

#include "tcp.h"

struct conn;

#define TW_ID_BITS 26

struct timewait {
	struct tuple tu;
	struct wheel_node node;
	uint32_t snd_nxt, rcv_nxt;
	uint32_t ts_recent;
	uint32_t id : TW_ID_BITS; /* low bits: see timewait_id() */
	uint32_t class : 4;	  /* index of tcp.tw_class: its 2MSL */
	uint32_t ts : 1;	  /* the connection had time stamps */
	uint32_t held : 1;	  /* a TCB of the same number is still held */
};

static_assert(sizeof(struct timewait) == 64, "attacks.md, row 5");

static inline struct timewait *timewait_at(const struct tcp *t, uint32_t slot)
{
	return slab_at(&t->tws, slot);
}

uint32_t timewait_find(const struct tcp *t, const struct tuple *tu,
		       uint32_t hash);

/* |c| has entered TIME-WAIT: an entry in its place.  The TCB stays, in
 * CLOSED, for a holder who has not read all; otherwise it goes. */
void timewait_enter(struct tcp *t, struct conn *c);

/* The entry that |c| left behind when it entered TIME-WAIT, or HTAB_NONE. */
uint32_t timewait_of(const struct tcp *t, const struct conn *c);

/* A segment for the entry |slot|. */
void timewait_input(struct tcp *t, uint32_t slot, struct segment *seg);

void timewait_timeout(struct tcp *t, uint32_t slot);
void timewait_remove(struct tcp *t, uint32_t slot);

/* |n| entries more (UINT32_MAX: one less) like |w| use its port. */
void timewait_count(struct tcp *t, const struct timewait *w, uint32_t n);

/* The tick (low 32 bits) at which it began, or 2MSL was started again. */
uint32_t timewait_began(const struct tcp *t, const struct timewait *tw);

/* The number of the connection that it was. */
tcpd_id timewait_id(const struct tcp *t, const struct timewait *tw);

/* How long until a connection of ours may take the place of the entry (RFC
 * 6191, from the other end): 0, or TCPD_NEVER: it has no time stamps. */
tcpd_time timewait_left(const struct tcp *t, uint32_t slot);

/* One takes it: the SND.NXT that its ISN must be above. */
uint32_t timewait_reopen(struct tcp *t, uint32_t slot);

/* The class of a 2MSL and TCPD_BIND_*; a seventeenth gets the nearest longer
 * one with the same TCPD_BIND_*, or the longest of these; where there is none,
 * the first, which is the stack's own 2MSL and shares nothing. */
uint32_t timewait_class(struct tcp *t, tcpd_time tw, uint8_t share);

#endif /* TCP_TIMEWAIT_H */
