/* SPDX-License-Identifier: MIT */
/*
 * sim.h - two stacks, a bad network between them and programs at both ends,
 * in virtual time, everything out of one seed.
 *
 *	swarm.c      what a seed switches on: settings, faults, programs
 *	world.c      the clock: packets, timers and programs in their order
 *	life.c       what befalls a host: pauses, clocks that jump, restarts
 *	net.c        loss, delay, rate and queue, path MTU, damage
 *	queue.c      what is under way, by the time it arrives
 *	app.c        the programs, friendly and hostile (mischief.c)
 *	wire.c       what each packet on the wire must be
 *	rules.c      what each connection must be after every event
 *	arrows.c     what each change of state must be
 *	adversary.c  forged segments near the edges of windows (forge.c)
 *	jobs.c       seeds shared between processes
 *	golden.c     what congestion controls make of a path
 *	log.c        narration, the digest of everything, pcapng
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
	/* rules.c: what must not go back, since |h| is |seen| */
	tcpd_handle seen;
	uint32_t una, nxt, rcv_nxt, in_flight;
};

struct pair {
	struct endpoint ep[2]; /* the one that connects, the one that accepts */
	uint8_t version;
	uint16_t port;	 /* of the one that connects; 0: not known yet */
	bool hostile;	 /* its programs may do anything */
	bool crossing;	 /* both connect at the same time */
	bool matched;	 /* was accepted */
	tcpd_time start; /* TCPD_NEVER: it has */
	uint32_t iss[2]; /* of each end; a port alone may be used again */
};

#define MAX_HELD 32

struct held {
	uint8_t *data;	    /* NULL: free */
	uint32_t len, left; /* goes after so many others, */
	tcpd_time at;	    /* or then */
	struct tcpd_offload off;
	bool honest;
	uint8_t gen;
};

struct faults {
	uint32_t loss, dup, reorder, corrupt, truncate; /* of 1,000,000 */
	uint32_t burst; /* chance that a burst of losses begins */
	tcpd_time delay, jitter, late; /* late: of a reordered one */
	tcpd_time burst_time, burst_end;
	tcpd_time dark_from, dark_to; /* nothing arrives */
	uint32_t hold, depth; /* chance that up to |depth| others overtake */
	uint64_t rate;	      /* octets a second, 0: no limit */
	uint32_t queue;	      /* octets that wait for the link at most */
	tcpd_time busy_until; /* the link's queue is empty then */
	uint32_t mtu;	      /* of the path; 0: the device's */
	uint32_t mtu_next;    /* from mtu_at on */
	tcpd_time mtu_at;
	bool hole;   /* what is too large vanishes without a word */
	uint32_t ce; /* chance that ECT becomes CE */
	bool bleach; /* ECT becomes Not-ECT */
	struct held held[MAX_HELD];
};

#define MAX_TRAILS 64
#define MAX_OFFERS 4

/* What one end has put on the wire, for wire.c. */
struct trail {
	uint8_t ip[16], peer[16];
	uint16_t sport, dport;
	bool used, has_ack, has_edge;
	tcpd_id id;		      /* of its connection; 0: none yet */
	uint32_t iss, top;	      /* top: behind the highest number sent */
	uint32_t other[MAX_OFFERS];   /* ISNs of SYN-ACKs before, */
	int other_wscale[MAX_OFFERS]; /* and what they offered */
	unsigned nothers;
	uint32_t ack, edge, peer_edge; /* peer_edge: what it may send up to */
	bool has_peer_edge;
	bool heard; /* an ACK has come since its SYN */
	uint8_t wscale;
	int wscale_offered; /* on its SYN, -1: none */
	struct endpoint *e; /* whose stream it carries; NULL: not known */
	uint32_t ts_val;    /* its last time stamp */
	bool has_ts;
	uint32_t sacks; /* what its last SACK blocks sum up to */
	uint8_t gen;	/* of the last packet that came for it (war) */
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
	tcpd_time ahead;	/* of its clock before the world's */
	tcpd_time jump_at, jump_by;
	tcpd_time stop_at, stop_until; /* stopped in between */
	unsigned nwaiting;	       /* packets that came meanwhile */
	tcpd_time restart_at;
};

struct flight {
	tcpd_time at, sent;
	uint64_t order;
	uint8_t to;  /* side */
	bool honest; /* neither forged nor damaged */
	uint8_t gen; /* answers in a row that brought nothing new (wire.c) */
	uint32_t len;
	struct tcpd_offload off;
	uint8_t *data; /* exact */
};

struct sim {
	uint64_t seed;
	struct rng rng;
	bool verbose;
	tcpd_time now, begin, faults_end, patience;
	struct side side[2];
	struct pair pair[MAX_PAIRS];
	unsigned npairs;
	bool adversary, split_always;
	bool patient;	/* programs close when all is acknowledged */
	uint32_t forge; /* chance of a forged segment after an event */
	struct flight *heap;
	unsigned nheap, heap_room;
	uint64_t norder;
	uint8_t **kept; /* borrowed by a batch */
	unsigned nkept, kept_room;
	uint64_t nevents, npackets, nforged;
	uint64_t quiet;	       /* packets since there was progress */
	uint64_t record_every; /* events between two records; 0: none */
	uint64_t *hash;	       /* of each packet (--records) */
	size_t nhash, hash_room;
	uint64_t digest; /* of everything that happened */
	uint64_t arrows; /* of the diagram, that were taken */
	void *pcap[2];	 /* FILE, of a replay */
	bool errnos;	 /* cwnd must not fall */
	bool ending;	 /* the programs have been told to close */
	char why[600];
};

__attribute__((format(printf, 2, 3))) bool sim_fail(struct sim *s,
						    const char *format, ...);
__attribute__((format(printf, 2, 3))) void sim_say(struct sim *s,
						   const char *format, ...);
double sim_clock(const struct sim *s);

/* What the clock of one side says. */
static inline tcpd_time sim_now(const struct sim *s, unsigned side)
{
	return s->now + s->side[side].ahead;
}

/* One more thing that happened, for the digest. */
static inline void sim_mix(struct sim *s, uint64_t v)
{
	s->digest = (s->digest ^ v) * 0x9e3779b97f4a7c15u;
	s->digest ^= s->digest >> 29;
}

/* log.c */
void log_sent(struct sim *s, unsigned from, const struct packet *p, tcpd_id id);
void log_came(struct sim *s, const struct flight *f);
/* The octets of a packet into the digest. */
void log_mix(struct sim *s, unsigned from, const uint8_t *p, size_t n);
/* PREFIX-a.pcapng, PREFIX-b.pcapng; a packet that one of them sends or takes
 */
bool log_pcap_open(struct sim *s, const char *prefix);
void log_pcap(struct sim *s, unsigned side, bool out, const uint8_t *p,
	      size_t n);
void log_pcap_close(struct sim *s);

/* swarm.c: everything that a seed decides beforehand */
void swarm_draw(struct sim *s);

/* world.c */
bool world_open(struct sim *s);
void world_close(struct sim *s);
/* Until everything is over and gone, or something is wrong. */
bool world_run(struct sim *s);
bool world_make(struct sim *s, unsigned side);
bool world_listen(struct sim *s, unsigned side);
bool world_record(struct sim *s, unsigned side);
void world_progress(struct sim *s);
/* One packet in; its octets stay until the turn ends. */
void world_input(struct sim *s, unsigned side, uint8_t *data, uint32_t len,
		 const struct tcpd_offload *off);
/* Events, end of batch and output of one stack. */
void world_turn(struct sim *s, unsigned side);
void world_place(struct tcpd_addr *a, unsigned side, uint8_t version,
		 uint16_t port);

/* life.c */
bool life_stopped(const struct sim *s, unsigned side);
/* Is one packet more to wait for a side that is stopped? */
bool life_room(struct sim *s, unsigned side);
/* When something is due next, and what is due now: bits of sides. */
tcpd_time life_next(const struct sim *s);
unsigned life_act(struct sim *s);

/* net.c */
void net_send(struct sim *s, unsigned from, const struct packet *p,
	      const uint8_t *data, uint32_t len, const struct tcpd_offload *off,
	      uint8_t gen);
/* Held packets whose time has come are on their way again. */
void net_release(struct sim *s);
tcpd_time net_next(const struct sim *s);
void net_close(struct sim *s);

/* queue.c: a copy of |f| is on its way; the first that arrives until |at|,
 * whose data is the caller's */
void queue_put(struct sim *s, const struct flight *f);
bool queue_take(struct sim *s, tcpd_time at, struct flight *f);

/* app.c */
void app_start(struct sim *s, struct pair *p);
void app_events(struct sim *s, unsigned side);
void app_act(struct sim *s, struct endpoint *e);
void app_end(struct sim *s); /* every program closes what it has */
/* The host of |side| starts anew: whatever its programs had is gone. */
void app_restarted(struct sim *s, unsigned side);
bool app_all_over(const struct sim *s);
bool app_verdict(struct sim *s);
/* ... what its files share */
struct tcpd_stack *app_stack(const struct sim *s, const struct endpoint *e);
void app_close(struct sim *s, struct endpoint *e);
void app_shutdown(struct sim *s, struct endpoint *e);
void app_over(struct endpoint *e);

/* mischief.c: one of the things that a hostile program does; true: the handle
 * is dead now */
bool mischief(struct sim *s, struct endpoint *e);

/* arrows.c: every change of state is an arrow of the diagram */
void arrows_check(struct sim *s, unsigned side);
/* Those that |side| has taken so far go to s->arrows. */
void arrows_count(struct sim *s, unsigned side);
/* Says which are not among |taken|. */
void arrows_say(uint64_t taken);

/* rules.c */
void rules_check(struct sim *s, unsigned side);
/* Text has left for the connection |id|. */
void rules_sent(struct sim *s, unsigned side, const struct packet *p,
		tcpd_id id);

/* wire.c */
/* The count of answers in a row that |p| belongs to, which brought nothing. */
uint8_t wire_out(struct sim *s, unsigned from, const struct packet *p,
		 tcpd_id id);
void wire_in(struct sim *s, const struct flight *f);
/* Something else than a packet moved the connections of a side. */
void wire_moved(struct sim *s, unsigned side);
const struct trail *wire_trail(const struct sim *s, unsigned side,
			       const struct tcpd_addr *local,
			       const struct tcpd_addr *peer);

/* adversary.c */
void adversary_act(struct sim *s);
/* forge.c: a segment, or (|p|'s protocol says so) an ICMP message, for the
 * connection that |st| describes */
struct forgery {
	struct packet *p;
	const struct tcpd_status *st;
	uint8_t *noise; /* 1600 octets for text, or the message */
	bool old;	/* its time stamp is one that PAWS refuses */
	bool opening;	/* only what an opening that is not promised may get */
};
void forge(struct rng *r, struct forgery *f);

/* jobs.c */
#define MAX_JOBS 64

struct tally {
	uint64_t seeds, failed, events, digest, arrows;
};
typedef void jobs_part(uint64_t first, uint64_t n, uint64_t step,
		       const void *arg, struct tally *t);
/* |n| seeds from |first| on, in so many processes; the sums go to |sum|. */
void jobs_run(uint64_t first, uint64_t n, unsigned jobs, jobs_part *part,
	      const void *arg, struct tally *sum);
/* Named if the process ends by a signal. */
void jobs_playing(uint64_t seed);

/* golden.c: the table |name|; false: there is none of that name */
bool golden_print(const char *name);

/* modes.c, crowd.c: TAP tests of their own; the number that failed */
unsigned modes_records(uint64_t first, uint64_t n, unsigned *test);
unsigned modes_errnos(uint64_t first, unsigned *test);
unsigned modes_memory(unsigned *test);
unsigned crowd_run(uint64_t seed, unsigned *test, bool verbose);

#endif /* SIM_H */
