/* SPDX-License-Identifier: MIT */
/*
 * fastopen.h - TCP Fast Open (RFC 7413): text on a SYN.
 *
 * A server gives cookies out, takes the text of SYNs that bring a good one, and
 * lets only so many of these connections be without the handshake's last ACK
 * at a time (fastopen.c).  A client keeps the cookies of servers, and what has
 * failed (fastopen_client.c).
 */
#ifndef TCP_FASTOPEN_H
#define TCP_FASTOPEN_H

#include <stdbool.h>
#include <stdint.h>

#include "tcpd.h"

struct tcp;
struct conn;
struct listener;
struct segment;
struct tuple;

/* --- fastopen.c: the server */

#define FO_COOKIE     8u /* octets of a cookie of ours */

/* A secret is in use for so long, and its cookies are good for as long again
 * (RFC 7413, 4.1.2: expire them by changing the key). */
#define FO_KEY_TIME   TCPD_SEC(6u * 3600u)

/* A connection that a RST ended before its last ACK counts for so long as one
 * that waits for it (RFC 7413, 5.1). */
#define FO_RESET_TIME TCPD_SEC(60)
#define FO_STEPS      16u /* parts of that time, each with a count */

/* Of a listener. */
struct fo_queue {
	uint32_t pending;	  /* connections without the last ACK */
	uint32_t reset[FO_STEPS]; /* ... that a RST has ended lately */
	uint64_t step;		  /* the last one of these parts */
};

/* The cookie of who has sent |tu|. */
void fo_cookie(const struct tcp *t, const struct tuple *tu,
	       uint8_t out[FO_COOKIE]);

enum fo_cookie_is { FO_BAD, FO_GOOD, FO_OLD };
enum fo_cookie_is fo_cookie_check(const struct tcp *t, const struct tuple *tu,
				  const uint8_t *p, uint8_t len);

/* What becomes of a SYN for |l|. */
struct fo_verdict {
	bool take;     /* the connection is there at once, with its text */
	uint8_t tells; /* enum fo_form: the SYN-ACK tells a cookie */
};
struct fo_verdict fo_judge(struct tcp *t, struct listener *l,
			   const struct segment *seg);

/* |c| waits for its last ACK, or does not any more (|reset|: a RST came). */
void fo_begin(struct tcp *t, struct listener *l, struct conn *c);
void fo_end(struct tcp *t, struct conn *c, bool reset);

/* The listener that |c| waits at; NULL: it does not, or that has gone. */
struct listener *fo_listener(const struct tcp *t, const struct conn *c);

/* --- fastopen_client.c */

#define FO_WAYS	 4u
#define FO_CELLS 1024u
#define FO_SETS	 (FO_CELLS / FO_WAYS)

/* From so many failures in a row on, towards one port of one server, SYNs are
 * plain for FO_SHUN, and twice as long with each further one (RFC 7413,
 * 4.1.3.1). */
#define FO_FAILS 2u
#define FO_SHUN	 TCPD_SEC(60)
#define FO_TWICE 6u /* ... up to 64 times as long */

/* What is known of a server, or (|fails|) of one port of it. */
struct fo_cell {
	uint64_t hash;	/* of the two addresses, and the port */
	tcpd_time used; /* 0: free; the one used longest ago gives way */
	tcpd_time failed_at;
	uint16_t mss;  /* 0: not known */
	uint8_t fails; /* in a row */
	uint8_t form;  /* enum fo_form, of the cookie; FO_NONE: there is none */
	uint8_t len;
	uint8_t vain; /* enum fo_form that was asked with in vain, the last */
	uint8_t cookie[16];
};

/* |c| connects: what its SYN may say. */
void fo_connect(struct tcp *t, struct conn *c);
/* Text that its first SYN may still take; 0: none, or it has gone. */
uint32_t fo_room(const struct tcp *t, const struct conn *c);
/* The cookie that it has for its SYN: octets, 0: it asks for one. */
uint8_t fo_known(const struct tcp *t, const struct conn *c,
		 const uint8_t **cookie);
/* Its SYN is acknowledged: what |seg| tells is kept, and text of the SYN that
 * the peer did not take goes again. */
void fo_answered(struct tcp *t, struct conn *c, const struct segment *seg);
/* It ended with |err| before that. */
void fo_failed(struct tcp *t, struct conn *c, int err);
/* All that is known of servers is forgotten. */
void fo_forget(struct tcp *t);

#endif /* TCP_FASTOPEN_H */
