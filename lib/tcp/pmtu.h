/* SPDX-License-Identifier: MIT */
/*
 * pmtu.h - what is known of the path to a peer: the greatest packet that
 * arrives, and how that was found.  A connection has its own; a bounded table
 * keeps what was found for the next connection to the same peer.
 */
#ifndef TCP_PMTU_H
#define TCP_PMTU_H

#include <stdbool.h>
#include <stdint.h>

#include "tcpd.h"

struct tcp;
struct conn;

/* What was found ages: RFC 1191, 6.3; RFC 8201, 4; RFC 4821, 7.3. */
#define PMTU_AGE    TCPD_SEC(600)

/* Neither an ICMP message nor a table's cell says less (RFC 8201, 4; for IPv4
 * today's practice: a forged 68 would be a cheap attack). */
#define PMTU_V4_MIN 552u
#define PMTU_V6_MIN 1280u

#define PMTU_WAYS   4u
#define PMTU_CELLS  4096u
#define PMTU_SETS   (PMTU_CELLS / PMTU_WAYS)

struct pmtu_cell {
	uint64_t hash;	 /* of the peer's address */
	tcpd_time until; /* forgotten then; 0: free */
	tcpd_time next;	 /* nothing larger is tried before */
	uint16_t mtu;
	uint16_t high; /* the search goes on up to this; 0: it is over */
	uint8_t how;   /* enum tcpd_pmtu */
};

/* What the table knows of |peer|, not older than PMTU_AGE; NULL: nothing. */
const struct pmtu_cell *pmtu_known(const struct tcp *t, const uint8_t peer[16]);

/* |c| opens: it begins with what the table knows. */
void pmtu_open(const struct tcp *t, struct conn *c);

/* A router says that a packet of |quoted| octets (0: not known), whose text
 * began at |seq|, was larger than |mtu| (0: it does not say). */
void pmtu_too_big(struct tcp *t, struct conn *c, uint32_t mtu, uint32_t quoted,
		  uint32_t seq);
/* The same about a SYN-ACK: for the connection that follows. */
void pmtu_too_big_for(struct tcp *t, const uint8_t peer[16], uint32_t mtu,
		      uint32_t quoted);

/* The retransmission timer has fired: are full segments swallowed without a
 * word?  Then they are smaller from here on (RFC 4821, 7.7). */
void pmtu_timeout(struct tcp *t, struct conn *c);

/* SND.UNA has moved. */
void pmtu_acked(struct tcp *t, struct conn *c);

/* Text of the probe that is due, 0: none is. */
uint32_t pmtu_probe_len(const struct tcp *t, const struct conn *c);
/* Nothing may go but the probe, for which there is no room yet. */
void pmtu_probe_sent(struct tcp *t, struct conn *c, uint32_t seq);
/* What the probe carries is sent again: its fate says nothing any more. */
void pmtu_probe_end(struct conn *c);
/* Its loss, and no other, is what the third duplicate ACK tells: true, and it
 * is marked for retransmission in small segments. */
bool pmtu_probe_lost(struct tcp *t, struct conn *c, uint32_t seq);

/* What is in use now, and how it was found. */
uint32_t pmtu_now(const struct tcp *t, const struct conn *c);
enum tcpd_pmtu pmtu_how(const struct tcp *t, const struct conn *c);

#endif /* TCP_PMTU_H */
