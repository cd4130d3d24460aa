/* SPDX-License-Identifier: MIT */
/*
 * cookie.h - SYN cookies: an initial sequence number, and a time stamp, out of
 * which a half-open entry can be made again when the handshake's last ACK
 * brings them back.  Numbers only; who gets a cookie is synq.c's question.
 *
 *	ISN = H(k0; tuple) + peer's ISN + (minute << 24)
 *	      + ((H(k1; tuple, minute) + (index of MSS << 22)) mod 2^24)
 *
 * The four good values are far from each other: were the index added as it is,
 * a segment one octet later in the stream would pass for a last ACK with
 * another MSS, and the octet would be missing.
 *
 * And of the SYN-ACK's TSval the low six bits: ECN, SACK, window scale.
 */
#ifndef TCP_COOKIE_H
#define TCP_COOKIE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/siphash.h"
#include "tcpd.h"

struct tuple;

#define COOKIE_TICK    TCPD_SEC(60)
#define COOKIE_TS_STEP 64u /* ticks of the time stamp that the bits cost */

/* How long after the last cookie was sent one is still taken. */
#define COOKIE_USE     (2 * COOKIE_TICK)

/* The secrets of one minute. */
struct cookie_keys {
	struct siphash_key isn, mss;
};

struct cookies {
	struct cookie_keys now, was; /* of |minute|, and of the one before */
	uint32_t minute;
	tcpd_time sent_at; /* the last cookie; 0: there was none */
};

/* What a SYN offered besides its MSS. */
struct cookie_opts {
	uint8_t wscale;
	bool has_wscale, sack, ecn;
};

/* The secrets go on from |now| and |was| of |k|, which the caller has set. */
void cookie_start(struct cookies *k, tcpd_time now);

/* The ISN for a SYN with |peer_isn|, whose sender takes |mss| octets. */
uint32_t cookie_make(struct cookies *k, const struct tuple *tu,
		     uint32_t peer_isn, uint32_t mss, tcpd_time now);

/*
 * Is |isn| a cookie of ours, not yet two minutes old?  Its MSS; 0: no.
 * COOKIE_LATER: it may be one if |peer_isn| is too high by less than a window,
 * as of a segment that has overtaken the first one; of forged ones hardly any
 * looks like that, but it is no proof.
 */
#define COOKIE_LATER (-1)
int cookie_check(struct cookies *k, const struct tuple *tu, uint32_t peer_isn,
		 uint32_t isn, tcpd_time now);

/* The latest TSval not after |clock| that says |o|, and what one says. */
uint32_t cookie_ts(uint32_t clock, const struct cookie_opts *o);
struct cookie_opts cookie_ts_opts(uint32_t ts);

#endif /* TCP_COOKIE_H */
