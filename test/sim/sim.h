/* SPDX-License-Identifier: MIT */
/*
 * sim.h - two stacks, a bad network between them and programs at both ends,
 * in virtual time, everything out of one seed.
 *
 *	swarm.c      what a seed switches on: settings, faults, programs
 *	world.c      the clock: packets, timers and programs in their order
 *	net.c        delay, loss, duplication, reordering, corruption
 *	app.c        the programs, friendly and hostile
 *	wire.c       what each packet on the wire must be
 *	arrows.c     what each change of state must be
 *	adversary.c  forged segments near the edges of windows
 */
#ifndef SIM_H
#define SIM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tcpd.h"
#include "test/harness/memory.h"
#include "test/harness/packet.h"
#include "test/harness/rng.h"

#define SIM_START TCPD_SEC(1000)
#define MAX_PAIRS 8
#define PORT	  80
#define MAX_IDS	  1024

struct sim;

struct endpoint {
	struct pair *pair;
	uint8_t side; /* whose stack */
	tcpd_handle h;
	bool open; /* has a handle */
	bool shut; /* no more is written, FIN was asked for */
	bool closed, aborted, eof, ended;
	int err; /* what ended it */
	uint64_t total, wrote, took;
	uint32_t write_size, read_size;
	tcpd_time at; /* acts again; TCPD_NEVER: on events only */
	uint32_t salt;
	uint32_t cwnd; /* at first (--errnos) */
};

struct pair {
	struct endpoint ep[2]; /* the one that connects, the one that accepts */
	uint8_t version;
	uint16_t port; /* of the one that connects; 0: not known yet */
	bool hostile;  /* its programs may do anything */
	bool matched;  /* was accepted */
	tcpd_time start;
};

struct faults {
	uint32_t loss, dup, reorder, corrupt; /* of 1,000,000 */
	uint32_t burst; /* chance that a burst of losses begins */
	tcpd_time delay, jitter, late; /* late: of a reordered one */
	tcpd_time burst_time, burst_end;
};

#define MAX_TRAILS 64
#define MAX_OFFERS 4

/* What one end has put on the wire, for wire.c. */
struct trail {
	uint8_t ip[16], peer[16];
	uint16_t sport, dport;
	bool used, has_ack, has_edge;
	bool reset;		    /* it has sent RST */
	uint32_t iss, top;	    /* top: behind the highest number sent */
	uint32_t other[MAX_OFFERS]; /* ISNs of SYN-ACKs before */
	unsigned nothers;
	uint32_t ack, edge, peer_edge; /* peer_edge: what it may send up to */
	bool has_peer_edge;
	uint8_t wscale;
	int wscale_offered; /* on its SYN, -1: none */
	struct endpoint *e; /* whose stream it carries; NULL: not known */
};

struct side {
	struct tcpd_settings set;
	struct memory mem;
	struct tcpd_stack *st;
	tcpd_handle listener;
	struct faults out; /* of what it sends */
	struct trail trail[MAX_TRAILS];
	unsigned ntrails;
	unsigned nout, fail_every; /* every so many-th write fails */
	int fail_errno;
	tcpd_time mtu_at; /* the MTU changes then; TCPD_NEVER */
	uint16_t mtu_next;
	uint8_t state[MAX_IDS]; /* by number: where its last arrow led */
	tcpd_time accept_at;	/* a slow program accepts then; 0: at once */
};

struct flight {
	tcpd_time at;
	uint64_t order;
	uint8_t to;  /* side */
	bool honest; /* neither forged nor damaged */
	uint32_t len;
	struct tcpd_offload off;
	uint8_t *data; /* exact */
};

struct sim {
	uint64_t seed;
	struct rng rng;
	bool verbose;
	tcpd_time now, begin, faults_end;
	tcpd_time stop_at, stop_for; /* nobody calls anything for so long */
	struct side side[2];
	struct pair pair[MAX_PAIRS];
	unsigned npairs;
	bool adversary, split_always;
	uint32_t forge; /* chance of a forged segment after an event */
	struct flight *heap;
	unsigned nheap, heap_room;
	uint64_t norder;
	uint8_t **kept; /* borrowed by a batch */
	unsigned nkept, kept_room;
	uint64_t nevents, npackets;
	uint64_t quiet;	       /* packets since there was progress */
	uint64_t record_every; /* events between two records; 0: none */
	uint64_t *hash;	       /* of each packet (--records) */
	size_t nhash, hash_room;
	bool errnos; /* cwnd must not fall */
	bool ending; /* the programs have been told to close */
	char why[600];
};

__attribute__((format(printf, 2, 3))) bool sim_fail(struct sim *s,
						    const char *format, ...);
__attribute__((format(printf, 2, 3))) void sim_say(struct sim *s,
						   const char *format, ...);
double sim_clock(const struct sim *s);

/* swarm.c: everything that a seed decides beforehand */
void swarm_draw(struct sim *s);

/* world.c */
bool world_open(struct sim *s);
void world_close(struct sim *s);
/* Until everything is over and gone, or something is wrong. */
bool world_run(struct sim *s);
bool world_make(struct sim *s, struct side *side);
bool world_record(struct sim *s, struct side *side);
void world_progress(struct sim *s);
/* One packet in; its octets stay until the turn ends. */
void world_input(struct sim *s, unsigned side, uint8_t *data, uint32_t len,
		 const struct tcpd_offload *off);
/* Events, end of batch and output of one stack. */
void world_turn(struct sim *s, unsigned side);
void world_place(struct tcpd_addr *a, unsigned side, uint8_t version,
		 uint16_t port);

/* net.c */
void net_send(struct sim *s, unsigned from, const struct packet *p,
	      const uint8_t *data, uint32_t len,
	      const struct tcpd_offload *off);
/* A copy of |f| is on its way. */
void net_put(struct sim *s, const struct flight *f);
bool net_take(struct sim *s, tcpd_time at, struct flight *f);
tcpd_time net_next(const struct sim *s);

/* app.c */
void app_start(struct sim *s, struct pair *p);
void app_events(struct sim *s, unsigned side);
void app_act(struct sim *s, struct endpoint *e);
void app_end(struct sim *s); /* every program closes what it has */
bool app_all_over(const struct sim *s);
bool app_verdict(struct sim *s);

/* arrows.c: every change of state is an arrow of the diagram */
void arrows_check(struct sim *s, unsigned side);

/* wire.c */
void wire_out(struct sim *s, unsigned from, const struct packet *p);
void wire_in(struct sim *s, unsigned to, const uint8_t *data, uint32_t len);

/* adversary.c */
void adversary_act(struct sim *s);

/* modes.c, crowd.c: TAP tests of their own; the number that failed */
unsigned modes_records(uint64_t first, uint64_t n, unsigned *test);
unsigned modes_errnos(uint64_t first, unsigned *test);
unsigned modes_memory(unsigned *test);
unsigned crowd_run(uint64_t seed, unsigned *test, bool verbose);

#endif /* SIM_H */
