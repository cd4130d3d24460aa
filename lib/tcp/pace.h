/* SPDX-License-Identifier: MIT */
/*
 * pace.h - when text may leave (pace.c): a rate, bursts of what it takes in a
 * millisecond, and the connections that wait for their next departure.
 */
#ifndef TCP_PACE_H
#define TCP_PACE_H

#include "tcp.h"

struct conn;

/* The heap's: who waits, and until when (its flow's |depart_at|). */
struct pace_cell {
	tcpd_time at;
	uint32_t conn; /* slot */
};

/* Octets a second that hold |c| now; 0: it is not paced. */
uint64_t pace_rate(const struct tcp *t, const struct conn *c);

/*
 * Of |len| octets of text that could go now, those that may: all, or as many
 * full segments as are left of the burst, or none.
 */
uint32_t pace_allows(const struct tcp *t, const struct conn *c, uint32_t len,
		     uint32_t mss);

/* |len| octets of text have left. */
void pace_sent(const struct tcp *t, struct conn *c, uint32_t len);

/* No text before |until|, whatever its rate (RFC 3168, 6.1.2). */
void pace_hold(struct tcp *t, struct conn *c, tcpd_time until);

/* The rate is another: what was computed from the old one holds no longer. */
void pace_anew(struct tcp *t, struct conn *c);

/* --- the heap of those that wait */

/* |c| is on no list; its flow says until when it waits. */
void pace_wait(struct tcp *t, struct conn *c);
void pace_leave(struct tcp *t, struct conn *c);
tcpd_time pace_expiry(const struct tcp *t);
void pace_expire(struct tcp *t);

/* --- burst.c */

#define BURST_MAX 65536u
/* Octets a second at which a window leaves: in half a round trip in slow start,
 * in five sixths of one later; 0: no round trip is known. */
uint64_t burst_rate(const struct conn *c);
/* As Linux: where the burst ends that begins with the next |len| octets, or
 * has begun before. */
uint32_t burst_end(const struct conn *c, uint32_t len, uint32_t mss,
		   uint32_t least);
bool burst_goes_on(const struct conn *c);

#endif /* TCP_PACE_H */
