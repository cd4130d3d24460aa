/* SPDX-License-Identifier: MIT */
/*
 * listen.h - listeners: the records in LISTEN, their accept queues, and the
 * question whether a local port may be taken.
 */
#ifndef TCP_LISTEN_H
#define TCP_LISTEN_H

#include "fastopen.h"
#include "option.h"
#include "tcp.h"

struct conn;

/* Half-open entries that the accept queue takes as soon as it has room. */
#define LISTEN_WAITING 64u

struct listener {
	uint8_t ip[16];
	uint16_t port;
	uint8_t family; /* 4, 6; 0: both */
	bool any;	/* every address of the family */
	uint8_t share;	/* TCPD_BIND_* */
	uint32_t owner; /* with REUSEPORT: of those that share */
	tcpd_id id;
	void *user;
	uint32_t next; /* slot + 1: of the same port, most specific first */
	struct rlink ev;
	uint32_t ev_mask;
	struct rlist accept;
	uint32_t nqueued; /* in |accept| */
	uint32_t first_waiting, nwaiting;
	uint32_t waiting[LISTEN_WAITING]; /* slots of entries, oldest first */
	struct fo_queue fo;
	struct tcpd_conn_settings set;
	struct options opt;
};

static inline struct listener *listener_at(const struct tcp *t, uint32_t slot)
{
	return slab_at(&t->listeners, slot);
}

/* A local address that somebody wants. */
struct claim {
	struct tcpd_addr a; /* family 0: of both */
	bool any;	    /* every address of the family */
	uint8_t share;	    /* TCPD_BIND_* */
	uint32_t owner;
	const struct conn *self; /* a bound socket that does not count */
};

/* The most specific listener for a local address, or NULL.  Of several that
 * share it |hash|, the tuple's, says which. */
struct listener *listen_find(const struct tcp *t, const uint8_t ip[16],
			     uint16_t port, uint32_t hash);

/* Is the local address free to be bound, by the rules of bind(2) on Linux? */
bool listen_port_free(const struct tcp *t, const struct claim *w);

/* The MSS that its SYN-ACKs offer for |tu|. */
uint16_t listen_advmss(const struct tcp *t, const struct listener *l,
		       const struct tuple *tu);

/* A listener, or NULL and |*err| (a TCPD_ERR_). */
struct listener *listen_new(struct tcp *t, const struct claim *w,
			    const struct tcpd_conn_settings *set, int *err);
void listen_close(struct tcp *t, struct listener *l);

void listen_event(struct tcp *t, struct listener *l, uint32_t mask);

void listen_set_backlog(struct tcp *t, struct listener *l, uint32_t backlog);
bool listen_full(const struct listener *l);
void listen_queue(struct tcp *t, struct listener *l, struct conn *c);
struct conn *listen_accept(struct tcp *t, struct listener *l);

/* A connection in an accept queue ended before anybody took it. */
void listen_unqueue(struct tcp *t, struct conn *c);

#endif /* TCP_LISTEN_H */
