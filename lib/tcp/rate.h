/* SPDX-License-Identifier: MIT */
/*
 * rate.h - samples of the delivery rate (draft-ietf-ccwg-bbr, 4.1): what the
 * path delivered between the transmission of a record and its ACK, over the
 * longer of the time it took to send that much and the time it took to be
 * acknowledged.  `struct rate_conn` lives as long as its connection sends;
 * `struct rate` gathers what one ACK says.
 */
#ifndef TCP_RATE_H
#define TCP_RATE_H

#include "xmit.h"

struct rate_conn {
	uint64_t delivered, lost;	       /* octets, whole life */
	tcpd_time delivered_at, first_sent_at; /* first: of this flight */
	/* samples of what leaves before so much is delivered measure the app,
	 * not the path; 0: the app is not slow */
	uint64_t app_limited;
};

/* Of one ACK.  What follows |any| is of the record that was sent last among
 * those that it delivered, and means nothing before rate_end(). */
struct rate {
	uint64_t delivered_before; /* rate_conn.delivered, at its beginning */
	uint64_t lost_before;
	bool any, app_limited;
	tcpd_time sent_at, first_sent_at, delivered_at; /* ... of that record */
	uint32_t end;
	uint32_t tx_in_flight;	  /* in flight when it had left, with it */
	uint32_t lost_since;	  /* octets thought lost since then */
	uint64_t prior_delivered; /* rate_conn.delivered when it left */
	tcpd_time rtt; /* 0: all it delivered had been sent more than once */
	/* rate_end() */
	uint32_t delivered, lost; /* octets, by this ACK */
	uint64_t over;		  /* octets that |interval| delivered ... */
	tcpd_time interval;	  /* ... 0: no valid sample */
};

/* A record leaves (first time or again); |in_flight|: octets, without it. */
void rate_sent(struct rate_conn *c, struct xmit *x, uint32_t in_flight,
	       tcpd_time now);

/* There is nothing to send although the window has room, with |in_flight|
 * octets out: call it when that is found, and when an ACK, a timer or the app
 * comes to a connection that is so. */
void rate_idle(struct rate_conn *c, uint32_t in_flight);

/* An ACK comes; it delivered |n| octets of |x|, by SND.UNA or SACK (each octet
 * once; the record is still as it was sent); |n| octets are thought lost; and
 * when it has said all, losses included: */
void rate_begin(struct rate *r, const struct rate_conn *c);
void rate_delivered(struct rate *r, struct rate_conn *c, const struct xmit *x,
		    uint32_t n, tcpd_time now);
void rate_lost(struct rate_conn *c, uint32_t n);
/* |min_rtt|: of the whole life; 0: none is known. */
void rate_end(struct rate *r, struct rate_conn *c, tcpd_time min_rtt);

/* Octets thought lost since |x| left. */
static inline uint32_t rate_lost_since(const struct rate_conn *c,
				       const struct xmit *x)
{
	return (uint32_t)c->lost - x->lost;
}

#endif /* TCP_RATE_H */
