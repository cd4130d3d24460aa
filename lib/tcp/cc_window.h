/* SPDX-License-Identifier: MIT */
/*
 * cc_window.h - what modules that keep a congestion window have in common:
 * round trips, whether the window is in use (RFC 7661), and what is left of it
 * after a pause; and the end of the first slow start (hystart.c).
 *
 * Their words of the module's state come first in |priv|.
 */
#ifndef TCP_CC_WINDOW_H
#define TCP_CC_WINDOW_H

#include "cc.h"

enum {
	W_ROUND_END, /* of total_delivered; 0: none has begun */
	W_PEAK,	     /* octets that were in flight at a time in this round */
	W_VALID_AT,  /* when the window was last in use */
	W_LINUX,     /* with Linux's numbers */
	W_WORDS
};

enum {
	H_PHASE = W_WORDS, /* enum hystart_phase */
	H_SAMPLES,	   /* of the round-trip time, in this round */
	H_ROUNDS,	   /* of conservative slow start that are over */
	H_LAST,		   /* least round trip of the round before; 0: none */
	H_LEAST,	   /* ... of this one */
	H_BASE,		   /* ... that began conservative slow start */
	H_WORDS
};

enum hystart_phase { HYSTART_SLOW_START, HYSTART_CSS };

/* --- cc_window.c */

void window_init(uint64_t *priv, const struct cc_begin *b);

/*
 * For every ACK, before all else: rounds, slow start, and what becomes of a
 * window that is not in use.  The octets that are left for congestion
 * avoidance; 0: the window does not grow by this ACK.
 */
uint32_t window_acked(struct cc_state *s, uint64_t *priv,
		      const struct cc_sample *rs);

/* It is less than half full: what could be in flight of it is not known. */
bool window_unproven(const struct cc_state *s, const uint64_t *priv,
		     uint32_t in_flight);

/* Nothing was sent for an RTO (RFC 5681, 4.1). */
void window_restart(struct cc_state *s, uint64_t *priv, uint32_t iw,
		    tcpd_time now);

/* --- hystart.c: RFC 9406 */

/* For every ACK of the first slow start: true, it is over. */
bool hystart_acked(const struct cc_state *s, uint64_t *priv,
		   const struct cc_sample *rs, bool round);

/* What |n| octets acknowledged make the window larger by. */
uint32_t hystart_gain(const uint64_t *priv, uint32_t n);

#endif /* TCP_CC_WINDOW_H */
