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

struct half {
	struct tuple tu;
	struct wheel_node node;
	uint32_t irs, iss;
	uint32_t ts_recent;
	uint32_t listener; /* slot; a listener's entries go with it */
	tcpd_id id;
	tcpd_time due; /* when the wait after the last SYN-ACK ends */
	uint16_t mss;  /* the peer's; 0: it gave none */
	uint16_t wnd;  /* as in the SYN; |acked|: in the last ACK, scaled */
	uint8_t nsent; /* SYN-ACKs */
	uint8_t wscale;
	bool has_wscale : 1;
	bool has_ts : 1;
	bool queued : 1;  /* a SYN-ACK waits in the reply queue */
	bool acked : 1;	  /* the last ACK came, and no room was there */
	bool in_line : 1; /* ... and it has a place in listener.waiting */
};

static_assert(sizeof(struct half) <= 96, "attacks.md, row 4");

static inline struct half *half_at(const struct tcp *t, uint32_t slot)
{
	return slab_at(&t->halves, slot);
}

uint32_t synq_find(const struct tcp *t, const struct tuple *tu, uint32_t hash);

/* LISTEN got a SYN; |iss_over|: the ISN must be above this (RFC 6191). */
void synq_syn(struct tcp *t, struct listener *l, const struct segment *seg,
	      const uint32_t *iss_over);

/* A segment for the entry |slot|. */
void synq_input(struct tcp *t, uint32_t slot, struct segment *seg);

void synq_timeout(struct tcp *t, uint32_t slot);
void synq_remove(struct tcp *t, uint32_t slot, enum fsm_event why);
void synq_abort(struct tcp *t, uint32_t slot); /* 3.10.5: with a RST */
/* An entry whose last ACK came too early; the accept queue has room again. */
void synq_wait_for_room(struct tcp *t, uint32_t slot);
void synq_room(struct tcp *t, struct listener *l);
void synq_drop_listener(struct tcp *t, uint32_t listener);

/* What the SYN-ACK of |slot| says, as a reply. */
void synq_synack(struct tcp *t, uint32_t slot, struct tcphdr *h);

#endif /* TCP_SYNQ_H */
