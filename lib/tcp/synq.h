/* SPDX-License-Identifier: MIT */
/*
 * synq.h - SYN-RECEIVED of a passive open: a small entry until the last ACK
 * of the handshake arrives, with the declared list of waits after each
 * SYN-ACK.
 */
#ifndef TCP_SYNQ_H
#define TCP_SYNQ_H

#include <assert.h>

#include "listen.h"
#include "tcp.h"

#define HALF_MS_BITS  17
#define HALF_MS_MASK  ((1u << HALF_MS_BITS) - 1)
#define SYNACK_GAP_MS 500u /* a SYN again within it is not answered */

struct half {
	struct tuple tu;
	struct wheel_node node;
	uint32_t irs, iss;
	uint32_t ts_recent;
	uint32_t next, prev;	/* of those with a cookie: slot + 1 */
	uint32_t listener : 24; /* slot; a listener's entries go with it */
	uint32_t nwait : 5;	/* waits begun */
	bool has_ts : 1;
	bool queued : 1; /* a SYN-ACK waits in the reply queue */
	bool cookie : 1; /* |iss| is one: the entry may give way */
	tcpd_id id;
	tcpd_time due; /* when the last of the waits ends */
	uint16_t mss;  /* the peer's; 0: it gave none */
	uint16_t wnd;  /* as in the SYN; |acked|: in the last ACK, scaled */
	uint32_t answered : HALF_MS_BITS; /* ms: the last SYN-ACK */
	uint32_t nsent : 5;		  /* SYN-ACKs that were due */
	uint32_t wscale : 4;
	bool has_wscale : 1;
	bool sack : 1, ecn : 1; /* what the SYN offered */
	bool acked : 1;		/* the last ACK came, and no room was there */
	bool in_line : 1;	/* ... and it has a place in listener.waiting */
	bool deferred : 1;	/* it came, and TCP_DEFER_ACCEPT wants data */
};

static_assert(sizeof(struct half) <= 96, "attacks.md, row 4");

static inline struct half *half_at(const struct tcp *t, uint32_t slot)
{
	return slab_at(&t->halves, slot);
}

uint32_t synq_find(const struct tcp *t, const struct tuple *tu, uint32_t hash);

/* LISTEN got a SYN; |iss_over|: the ISN must be above this (RFC 6191). */
void synq_syn(struct tcp *t, struct listener *l, struct segment *seg,
	      const uint32_t *iss_over);

/* What a SYN says, as an entry that is in no table.  With a |cookie| it is an
 * entry that may give way: what a cookie does not hold is not offered. */
struct half synq_half(struct tcp *t, const struct listener *l,
		      const struct segment *seg, bool cookie);

/* |h|'s SYN-ACK with all that it says, into the queue of replies; |fo_form|:
 * and with a Fast Open cookie (enum fo_form). */
bool synq_push_cookie(struct tcp *t, const struct half *h, uint8_t fo_form);

/* The slot goes back, without a word. */
void synq_forget(struct tcp *t, uint32_t slot);

/* --- synq_open.c */

/* The handshake's last ACK: |h|, a copy of the entry in |slot| (SLAB_NONE: it
 * has none), becomes a connection.  False: none is left for it. */
bool synq_open(struct tcp *t, struct half *h, uint32_t slot,
	       struct segment *seg);

/* A SYN with a good Fast Open cookie becomes a connection; |tells|: with
 * another one in the SYN-ACK.  False: none is left for it. */
bool synq_open_fast(struct tcp *t, struct listener *l, struct segment *seg,
		    uint8_t tells);

/* --- synq.c */

/* A segment for the entry |slot|. */
void synq_input(struct tcp *t, uint32_t slot, struct segment *seg);

void synq_timeout(struct tcp *t, uint32_t slot);
void synq_remove(struct tcp *t, uint32_t slot, enum fsm_event why);
void synq_abort(struct tcp *t, uint32_t slot); /* 3.10.5: with a RST */
/* An entry whose last ACK came too early; the accept queue has room again. */
void synq_wait_for_room(struct tcp *t, uint32_t slot);
void synq_room(struct tcp *t, struct listener *l);
void synq_drop_listener(struct tcp *t, uint32_t listener);

/* --- synq_cookie.c */

/* Three quarters of the table are in use. */
bool synq_pressure(const struct tcp *t);

/* The list of entries with a cookie. */
void synq_cookie_link(struct tcp *t, uint32_t slot);
void synq_cookie_unlink(struct tcp *t, uint32_t slot);

/* A free slot, if need be that of the oldest entry with a cookie. */
bool synq_make_room(struct tcp *t);

/* A SYN-ACK for a SYN that gets no entry. */
void synq_bare_cookie(struct tcp *t, const struct listener *l,
		      const struct segment *seg, uint8_t fo_form);

/*
 * LISTEN got an ACK (no SYN, no RST).  False: cookies are not in use, so that
 * it is one of nothing; otherwise it was dealt with.
 */
bool synq_cookie_ack(struct tcp *t, struct listener *l, struct segment *seg);

/*
 * The entry |slot| got an ACK of another ISN than its own.  True: of a cookie
 * that went to the same client before, when its SYN came for the first time.
 */
bool synq_cookie_instead(struct tcp *t, uint32_t slot, struct segment *seg);

/* What the SYN-ACK of |slot| says, as a reply. */
void synq_synack(struct tcp *t, uint32_t slot, struct tcphdr *h);

#endif /* TCP_SYNQ_H */
