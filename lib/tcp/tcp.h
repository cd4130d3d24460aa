/* SPDX-License-Identifier: MIT */
/*
 * tcp.h - the tables of TCP: everything that one stack has, in one object.
 *
 * Entries are slots of slabs; lists, timers and tables hold references
 * (numbers), never pointers, so that the whole can be written to a record.
 * A reference says which slab and which slot.
 */
#ifndef TCP_TCP_H
#define TCP_TCP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clamp.h"
#include "base/htab.h"
#include "base/pool.h"
#include "base/recent.h"
#include "base/seq.h"
#include "base/siphash.h"
#include "base/slab.h"
#include "base/wheel.h"
#include "tcpd.h"
#include "wire/cksum.h"
#include "wire/tcphdr.h"

#include "cookie.h"
#include "fsm.h"
#include "pmtu.h"

/* Who a connection is: the key of all three tables. */
struct tuple {
	uint8_t local[16], peer[16];
	uint16_t lport, pport;
};

enum ref_kind { REF_CONN = 1, REF_LISTENER, REF_HALF, REF_TW, REF_MISC };
#define REF_SHIFT	27
#define REF(kind, slot) ((uint32_t)(kind) << REF_SHIFT | (slot))
#define REF_KIND(ref)	((enum ref_kind)((ref) >> REF_SHIFT))
#define REF_SLOT(ref)	((ref) & ((1u << REF_SHIFT) - 1))
#define REF_NONE	0u
#define MISC_TRIM	1 /* the one miscellaneous timer: pool_trim() */

/* A list of references; the links are in the entries. */
struct rlink {
	uint32_t next, prev;
};

struct rlist {
	uint32_t head, tail;
};

enum rlink_which {
	LINK_OUT,    /* tcp.acks or tcp.sends */
	LINK_EVENT,  /* tcp.events */
	LINK_ACCEPT, /* listener.accept */
	LINK_ORPHAN, /* tcp.orphans */
	LINK_PORT    /* port.conns */
};

/* What a port is used for: a filter before the exact look. */
struct port {
	uint32_t listeners; /* slot + 1 of the first of a chain */
	uint32_t nuse;	    /* connections, bound sockets, TIME-WAIT entries */
	uint32_t nbound;    /* bound sockets of these, connected or not */
	uint32_t ntw[2];    /* TIME-WAIT entries of these: IPv4, IPv6 */
	uint32_t ntw_alone; /* ... of both, without TCPD_BIND_REUSE */
	struct rlist conns; /* connections and bound sockets */
};

/* A segment that goes out without a connection to remember it. */
enum reply_kind {
	REPLY_SEGMENT,
	REPLY_SYNACK, /* of a half-open entry */
	REPLY_ICMP,
	REPLY_COOKIE /* SYN-ACK with a cookie: needs no entry */
};

struct reply {
	struct tuple tu;
	uint8_t kind, flags;
	uint8_t reset; /* enum tcpd_reset, of an RST */
	bool ts, has_wscale, sack;
	uint8_t wscale;
	uint16_t wnd;
	uint32_t seq, ack, ts_val, ts_ecr;
	uint32_t half;	/* REPLY_SYNACK: slot of the entry */
	tcpd_id id;	/* whose; REPLY_SYNACK: stale if it is another's */
	uint32_t block; /* REPLY_ICMP: the message, in the pool */
	uint32_t len;	/* its octets */
	uint8_t protocol;
	uint8_t tos, ttl; /* ttl 0: the default */
	uint16_t mss;	  /* REPLY_COOKIE */
	uint8_t fo_form;  /* a SYN-ACK's Fast Open cookie */
	/* REPLY_ICMP: it may go in fragments; |done| of its octets have gone */
	bool split;
	uint32_t ip_id, done;
};

#define NSPLIT	     16u   /* of those may wait */
#define NREPLIES     2048u /* answers that may wait: a power of two */
#define NREPLIES_OWN 512u  /* of them kept for those of connections */

/* In-order payload that still lies in a packet of the caller's. */
struct borrow {
	const uint8_t *p;
	uint32_t len;
	uint32_t next; /* index + 1 of the connection's next one */
	uint32_t conn; /* slot */
};

#define NBORROWS 256u

struct trace_entry {
	tcpd_time at;
	tcpd_id id;
	struct tuple tu;
	uint8_t from, to, event;
	uint8_t kind;	   /* enum tcpd_trace_kind */
	uint8_t cause;	   /* of an RST */
	uint32_t left_out; /* before it */
};

#define NTRACES 4096u /* a power of two */

/* What the packet offered by tcpd_output() will change once it is sent. */
enum plan_kind {
	PLAN_NONE,
	PLAN_REPLY,
	PLAN_SYN,   /* SYN or SYN-ACK of a connection */
	PLAN_DATA,  /* new text, FIN, or both */
	PLAN_MTU,   /* new text in one segment that may be too large */
	PLAN_REXMT, /* the record |xmit|, or its first |len| octets */
	PLAN_TLP,   /* the tail again */
	PLAN_PROBE, /* zero-window probe: one octet beyond the window */
	PLAN_KEEP,  /* keep-alive: SEG.SEQ = SND.NXT - 1 */
	PLAN_ACK
};

struct plan {
	enum plan_kind kind;
	uint32_t conn; /* slot */
	uint32_t seq, len;
	uint32_t xmit; /* slot of a record */
	uint8_t flags;
	uint8_t nsacks;	   /* SACK blocks in it */
	bool uto;	   /* the user time-out is in it */
	bool ect;	   /* marked as ECN-capable */
	uint32_t mss;	   /* text of a full segment beside its options */
	uint32_t ack, wnd; /* announced: wnd in octets */
	uint32_t burst_end;
	struct reply reply;
};

/* Distinct pairs of 2MSL and TCPD_BIND_* that TIME-WAIT entries may have. */
#define NTW_CLASSES   16

/* What next_id was in each of the last stretches of 2^14 ms (in all 70 min,
 * above the longest 2MSL): an entry has only the low bits of its number. */
#define NTW_MARKS     256u
#define TW_MARK_SHIFT 14

#define NPORT_FULL    64u  /* destinations without a port that are remembered */
#define NPORT_GIVEN   256u /* ports given back that are remembered */

struct pace_cell;

struct tcp {
	struct tcpd_settings set;
	tcpd_time now; /* of the current call */

	struct pool pool;
	struct wheel wheel;
	struct wheel tw_wheel;	/* TIME-WAIT: its first entry is the oldest */
	struct wheel_node misc; /* MISC_TRIM */
	struct slab conns, listeners, halves, tws, xmits, sackqs, flows,
		inflows;
	struct htab conn_tab, half_tab, tw_tab;
	struct port *ports; /* 65536 */

	struct siphash_key k_table, k_isn, k_ts, k_rand, k_recent, k_pmtu,
		k_flow, k_fo;
	uint32_t ts_base;
	struct cookies cookie;
	uint32_t cookie_head, cookie_tail; /* halves: slot + 1, oldest first */
	uint64_t nrand;
	tcpd_id next_id;
	tcpd_time tw_class[NTW_CLASSES];
	uint8_t tw_share[NTW_CLASSES]; /* TCPD_BIND_* of a class's entries */
	tcpd_id tw_mark[NTW_MARKS];
	/* Connects to port_full[i] (a hash) found no port when |port_gone| was
	 * port_full_at[i]: until port_full_until[i] only what was given since
	 * can be free. */
	uint64_t port_full[NPORT_FULL], port_full_at[NPORT_FULL];
	tcpd_time port_full_until[NPORT_FULL];
	uint64_t port_gone;		  /* how often one was given back */
	uint16_t port_given[NPORT_GIVEN]; /* the last of these, a ring */

	struct rlist acks, sends, events;
	struct rlist orphans; /* the oldest first (orphan.c) */
	uint32_t norphans;
	struct pace_cell *paced; /* a heap: who waits for its departure */
	uint32_t npaced;
	bool held; /* text could go now but for its departure time */
	uint8_t ntw_classes;
	bool moved;	  /* addresses have changed: entries may have others */
	bool mem_waiters; /* some conn.want_mem is set */
	struct reply *replies;
	uint32_t reply_head, nreplies;
	uint32_t nsplit;	 /* of them in fragments */
	uint32_t reply_run;	 /* replies that went in a row */
	struct recent recent;	 /* who had an answer a short time ago */
	struct pmtu_cell *paths; /* PMTU_CELLS of them */
	struct fo_cell *servers; /* FO_CELLS */
	uint64_t resets_full_at; /* bucket of the resets of no connection */
	struct borrow *borrows;
	uint32_t nborrows;
	uint64_t borrowed;   /* their octets: memory that is promised */
	uint64_t send_mem;   /* octets of blocks in send queues */
	tcpd_time stall_at;  /* the next look at them (stall.c) ... */
	uint32_t stall_slot; /* ... from this connection on */
	struct trace_entry *traces;
	uint64_t trace_in, trace_out;
	tcpd_time
		rsts_traced_at; /* of a second: of the RSTs that end nothing, */
	uint32_t rsts_traced, rsts_left_out;
	struct trace_entry rst_left_out; /* the last one */
	struct plan plan;

	cksum_fn *sum;
	struct tcpd_stats stat;
	uint64_t taken[64]; /* arrows; see fsm_nedges */
};

/* One segment as it came in. */
struct segment {
	struct tuple tu; /* local, peer: as seen from here */
	struct tcphdr h;
	const uint8_t *data;
	uint32_t len;	/* text */
	uint32_t nwire; /* segments on the wire that it stands for */
	uint32_t mss;	/* text of a full one of these */
	uint32_t up;	/* with URG: behind the last urgent octet */
	uint32_t dup; /* text that was cut away before |data|: it came before */
	uint32_t hash; /* tuple_hash() of |tu| */
	uint8_t tos;
	bool stale; /* its SEQ is before RCV.NXT: only its ACK counts */
};

/* SEG.LEN: SYN and FIN count one each. */
static inline uint32_t seg_len(const struct segment *s)
{
	return s->len + ((s->h.flags & TCP_SYN) != 0) +
	       ((s->h.flags & TCP_FIN) != 0);
}

static inline void tcp_drop(struct tcp *t, enum tcpd_drop why)
{
	t->stat.drops[why]++;
}

/* SipHash of |tu|, and of |tu| and |more|. */
uint64_t tuple_siphash(const struct siphash_key *key, const struct tuple *tu);
uint64_t tuple_siphash_with(const struct siphash_key *key,
			    const struct tuple *tu, uint32_t more);
uint32_t tuple_hash(const struct tcp *t, const struct tuple *tu);
bool tuple_same(const struct tuple *a, const struct tuple *b);

/* --- lists of references (list.c) */
void rlist_push(struct tcp *t, struct rlist *l, enum rlink_which w,
		uint32_t ref);
void rlist_del(struct tcp *t, struct rlist *l, enum rlink_which w,
	       uint32_t ref);
uint32_t rlist_pop(struct tcp *t, struct rlist *l, enum rlink_which w);

/* --- demux.c: segment arrival, the entry of lib/tcp */
void tcp_input(struct tcp *t, struct segment *seg);

/* --- isn.c: RFC 6528, RFC 7323 5.4, and the stack's own random numbers */
uint32_t isn_for(const struct tcp *t, const struct tuple *tu);
uint32_t ts_now(const struct tcp *t, const struct tuple *tu);
/* ... and what it was at |at|. */
uint32_t ts_at(const struct tcp *t, const struct tuple *tu, tcpd_time at);
/* The same as ts_now(), but with |o| in its low bits, and back. */
uint32_t ts_cookie(const struct tcp *t, const struct tuple *tu,
		   const struct cookie_opts *o);
struct cookie_opts ts_cookie_opts(const struct tcp *t, const struct tuple *tu,
				  uint32_t ts_ecr);
uint64_t tcp_random(struct tcp *t);
/* The flow label of |tu| (RFC 6437): 20 bits, not 0. */
uint32_t flow_label(const struct tcp *t, const struct tuple *tu);

/* --- rst.c: answers that belong to no connection */
bool reply_push(struct tcp *t, const struct reply *r);
/* It would take none of these now. */
bool reply_full(const struct tcp *t);
/* ... of a connection's own: a flood of others leaves it room. */
bool reply_push_own(struct tcp *t, const struct reply *r);
/* ... that waited already. */
bool reply_push_back(struct tcp *t, const struct reply *r);
/* RFC 5961, 7: at most one challenge ACK of a connection in this time; no
 * counter is shared, so none can be probed (CVE-2016-5696). */
#define CHALLENGE_GAP TCPD_MS(500)
/* For entries, which have no room for a time: was |tu| not answered within
 * |gap|?  Then it may be now. */
bool rst_first(struct tcp *t, const struct tuple *tu, tcpd_time gap);
/* One was received for |id| (0: nobody) and changes nothing: |why|. */
void rst_ignored(struct tcp *t, tcpd_id id, const struct segment *seg,
		 enum tcpd_drop why);
/* One was received that ends |id|. */
void rst_taken(struct tcp *t, tcpd_id id, const struct segment *seg,
	       enum tcpd_reset why);
/* One has left. */
void rst_left(struct tcp *t, const struct reply *r);
/* A second later: how many were left out, when none has said it since. */
void rst_tell_left_out(struct tcp *t);
/* What the sender of |seg| meant by it (tcpd_stat.h). */
enum tcpd_reset rst_cause(const struct segment *seg, bool after_fin);
void rst_answer(struct tcp *t, const struct segment *seg, enum tcpd_reset why);

/* --- timeout.c */
tcpd_time tcp_expiry(const struct tcp *t);
void tcp_expire(struct tcp *t);
void tcp_arm_trim(struct tcp *t);
struct wheel_node *timeout_node(void *arg, uint32_t ref);
uint64_t timeout_key(void *arg, uint32_t ref);

static inline uint64_t tick_of(tcpd_time at)
{
	return (at + TCPD_MS(1) - 1) / TCPD_MS(1);
}

#endif /* TCP_TCP_H */
