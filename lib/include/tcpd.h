/* SPDX-License-Identifier: MIT */
/*
 * tcpd.h - a TCP/IP stack without I/O.
 *
 * The caller brings packets, requests and the time; the stack hands back
 * packets, events and the time at which it wants to be called again.  It
 * opens nothing, sleeps never, starts no thread, reads no clock, and after
 * tcpd_new() takes no memory.
 *
 * A turn of the caller:
 *
 *	while (read a packet)
 *		tcpd_input(st, &pkt, now);
 *	while (tcpd_next_event(st, &ev))
 *		... peek and take, fill in, accept, close ...
 *	tcpd_input_done(st, now);
 *	while (tcpd_output(st, &out, now))
 *		tcpd_output_done(st, &out, write it, now);
 *	wait until tcpd_expiry(st), then tcpd_expire(st, now)
 *
 * A call that can fail returns -TCPD_ERR_* (tcpd_err.h).  What a peer sends
 * is never an error of the caller's: it is counted (tcpd_drop.h, tcpd_stat.h).
 */
#ifndef TCPD_H
#define TCPD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tcpd_drop.h"
#include "tcpd_err.h"
#include "tcpd_stat.h"

#define TCPD_VERSION "0.1.0"

/* Nanoseconds on the caller's monotonic clock; never 0, never going back. */
typedef uint64_t tcpd_time;
#define TCPD_NEVER  UINT64_MAX
#define TCPD_US(n)  ((tcpd_time)(n)*1000u)
#define TCPD_MS(n)  ((tcpd_time)(n)*1000000u)
#define TCPD_SEC(n) TCPD_MS((tcpd_time)(n)*1000u)

/* The states of RFC 9293, section 3.3.2, in its order. */
enum tcpd_state {
	TCPD_CLOSED,
	TCPD_LISTEN,
	TCPD_SYN_SENT,
	TCPD_SYN_RECEIVED,
	TCPD_ESTABLISHED,
	TCPD_FIN_WAIT_1,
	TCPD_FIN_WAIT_2,
	TCPD_CLOSE_WAIT,
	TCPD_CLOSING,
	TCPD_LAST_ACK,
	TCPD_TIME_WAIT
};
#define TCPD_NSTATES 11

const char *tcpd_state_name(enum tcpd_state s); /* "FIN-WAIT-1" */

struct tcpd_stack;

/*
 * A connection, a bound socket or a listener: queue (6 bits), kind, slot and
 * generation, so that a stale handle is an error (HANDLE), never somebody
 * else's connection.  0 is no handle.
 */
typedef uint64_t tcpd_handle;

/*
 * The number that people see: given when a connection, half-open entry or
 * listener is born, kept through all its states, below 2^53 and never used
 * again by the same stack.
 */
typedef uint64_t tcpd_id;

/* An address: IPv4 as ::ffff:a.b.c.d, so that one type serves both. */
struct tcpd_addr {
	uint8_t ip[16];
	uint16_t port;	/* host order */
	uint8_t family; /* 4, 6; 0: both (a listener on every address) */
};

/* ------------------------------------------------------------- packets */

enum tcpd_pkt_flags {
	TCPD_PKT_CSUM_PARTIAL = 1u << 0, /* only the pseudo header is summed */
	TCPD_PKT_CSUM_VALID = 1u << 1,	 /* in: somebody has checked it */
	TCPD_PKT_ECN = 1u << 2		 /* a super-segment with CWR */
};

/* What a packet says about itself, as in struct virtio_net_hdr. */
struct tcpd_offload {
	uint16_t gso_size;    /* payload octets a segment, 0: one segment */
	uint16_t csum_start;  /* where the checksum begins to count */
	uint16_t csum_offset; /* where it is stored, from csum_start */
	uint16_t flags;	      /* TCPD_PKT_* */
};

/* A packet in: from the IP header on, borrowed until tcpd_input_done(). */
struct tcpd_packet {
	const uint8_t *data;
	uint32_t len;
	struct tcpd_offload off;
};

struct tcpd_slice {
	const uint8_t *p;
	uint32_t len;
};

struct tcpd_room {
	uint8_t *p;
	uint32_t len;
};

#define TCPD_HEAD_MAX	128
#define TCPD_SLICES_MAX 3

/*
 * A packet out: |head| (IP and TCP header), then the slices, for one writev.
 * The slices point into the stack's memory: valid until tcpd_output_done().
 */
struct tcpd_out {
	uint8_t head[TCPD_HEAD_MAX];
	uint8_t nhead;
	uint8_t nslices;
	struct tcpd_slice slice[TCPD_SLICES_MAX];
	struct tcpd_offload off;
	uint32_t len; /* of the whole packet */
	tcpd_id id;   /* whose segment it is; 0: nobody's */
	uint8_t rst;  /* of an RST: 1 + enum tcpd_reset; else 0 */
	bool cookie;  /* of a SYN-ACK: its ISN is a SYN cookie */
};

/*
 * One packet in.  |pkt->data| stays borrowed until tcpd_input_done(): peeked
 * slices may point into it.
 */
void tcpd_input(struct tcpd_stack *st, const struct tcpd_packet *pkt,
		tcpd_time now);

/* End of a batch: what nobody took is copied; ACKs may go from here on. */
void tcpd_input_done(struct tcpd_stack *st, tcpd_time now);

/*
 * The next packet to send: true; nothing to send: false.  Order: answers
 * without a connection (but after 64 of them in a row one of the others), bare
 * ACKs, then one segment (or super-segment) a connection in turns.  Nothing
 * changes in the stack until the caller answers with tcpd_output_done(); a
 * call in between counts as "sent".
 */
bool tcpd_output(struct tcpd_stack *st, struct tcpd_out *out, tcpd_time now);

/*
 * What became of |out|: |error| 0, or what write() said (any other value).
 * An unsent segment takes no RTT sample, no back-off and no congestion
 * response; it is offered again, behind the others that wait.
 */
void tcpd_output_done(struct tcpd_stack *st, const struct tcpd_out *out,
		      int error, tcpd_time now);

/* ---------------------------------------------------------------- time */

/* tcpd_expire() wants to be called at or after tcpd_expiry() (TCPD_NEVER). */
tcpd_time tcpd_expiry(const struct tcpd_stack *st);
void tcpd_expire(struct tcpd_stack *st, tcpd_time now);

/* -------------------------------------------------------------- events */

enum tcpd_event_mask {
	TCPD_EV_ACCEPT = 1u << 0,   /* listener: a connection to accept */
	TCPD_EV_OPEN = 1u << 1,	    /* reached ESTABLISHED */
	TCPD_EV_READABLE = 1u << 2, /* data, or the peer's FIN */
	TCPD_EV_WRITABLE = 1u << 3, /* room again, after a short send_room or
				       as tcpd_want_writable() asked */
	TCPD_EV_FIN = 1u << 4,	    /* orderly close by the peer */
	TCPD_EV_RESET = 1u << 5,    /* refused or aborted by the peer */
	TCPD_EV_TIMEOUT = 1u << 6, /* gave up (R2, user timeout), unreachable */
	TCPD_EV_GONE = 1u << 7,	   /* the handle is dead from now on */
	TCPD_EV_SOFT = 1u << 8,	   /* delivery is in trouble, and goes on: R1
				      was reached, or ICMP says unreachable;
				      |err| tells which */
	TCPD_EV_URGENT = 1u << 9   /* the end of the peer's urgent data has
				      moved on: tcpd_urgent() */
};

struct tcpd_event {
	tcpd_handle h;
	void *user;
	uint32_t mask;
	int err; /* TCPD_ERR_* that ended it (with GONE too): refused, reset,
		    timeout, unreachable; 0: none, or in order.  SOFT alone:
		    what it is about */
};

/*
 * Events out: one per connection with something new: true; none: false.
 * The order is that of the first news.
 */
bool tcpd_next_event(struct tcpd_stack *st, struct tcpd_event *ev);

/* ------------------------------------------------------------ settings */

#define TCPD_MAX_WAITS 16
#define TCPD_MAX_ADDRS 64

enum tcpd_congestion { TCPD_CC_NEWRENO, TCPD_CC_CUBIC, TCPD_CC_BBR, TCPD_NCCS };
const char *tcpd_congestion_name(enum tcpd_congestion cc);

/*
 * SYN cookies of a listener (RFC 4987).  AUTO: from three quarters of the
 * half-open table on an entry's ISN is a cookie, so that the oldest of these
 * may give way when the table is full; where none can, and with ALWAYS, the
 * SYN-ACK leaves no entry behind.
 */
enum tcpd_syn_cookies {
	TCPD_COOKIES_OFF,
	TCPD_COOKIES_AUTO,
	TCPD_COOKIES_ALWAYS,
	TCPD_NCOOKIES
};

/*
 * ECN of connections (RFC 3168).  PASSIVE: where the peer's SYN asks for it;
 * ON: our SYNs ask, too.
 */
enum tcpd_ecn { TCPD_ECN_OFF, TCPD_ECN_PASSIVE, TCPD_ECN_ON, TCPD_NECNS };

/* TCP Fast Open (RFC 7413); nobody gets it who has not asked for it, by
 * TCPD_OPT_FASTOPEN, _FASTOPEN_CONNECT or the settings of a listener. */
enum tcpd_fast_open {
	TCPD_FO_CLIENT = 1u << 0,
	TCPD_FO_SERVER = 1u << 1,
	/* no cookies, for networks where no address is forged */
	TCPD_FO_CLIENT_NO_COOKIE = 1u << 2,
	TCPD_FO_SERVER_NO_COOKIE = 1u << 3,
	/* every listener has asked for as many as its backlog */
	TCPD_FO_ALL_LISTENERS = 1u << 4
};

/* What one listener may have differently (tcpd_listen). */
struct tcpd_conn_settings {
	tcpd_time synack_wait[TCPD_MAX_WAITS]; /* after each SYN-ACK */
	uint8_t nsynack_waits;
	uint8_t congestion;  /* enum tcpd_congestion */
	uint8_t syn_cookies; /* enum tcpd_syn_cookies */
	uint8_t ecn;	     /* enum tcpd_ecn */
	/* TCPD_FO_CLIENT, TCPD_FO_SERVER: a listener with SERVER has Fast Open
	 * for as many as its backlog where TCPD_OPT_FASTOPEN is not set */
	uint8_t fast_open;
	uint32_t backlog;		      /* accept queue */
	tcpd_time time_wait;		      /* 2MSL */
	uint32_t receive_buffer, send_buffer; /* upper limits, octets */
};

/* An address of the stack's own, or (|local|) a whole prefix of them. */
struct tcpd_prefix {
	uint8_t ip[16];
	uint8_t family; /* 4 or 6 */
	uint8_t len;	/* prefix length in the family's own bits */
	bool local;
};

struct tcpd_settings {
	size_t size; /* sizeof(struct tcpd_settings) */
	uint32_t max_conns, max_listeners, max_half_open, max_time_wait;
	uint64_t memory; /* octets, all buffers together */
	struct tcpd_conn_settings conn;
	tcpd_time rto_init, rto_min, rto_max; /* RFC 6298 */
	tcpd_time delack;		      /* delayed ACK */
	/* A tail is probed two round trips and this after its last segment
	 * left, later where a peer may hold back its ACK (RFC 8985, 7.2). */
	tcpd_time tlp_delay;
	tcpd_time ts_tick; /* what a tick of the time stamp option is worth */
	tcpd_time fin_wait_2;	      /* of a connection whose app has closed */
	uint8_t syn_retries, retries; /* R2 of a SYN, R2 of data */
	uint8_t orphan_retries;	      /* R2 once the app has closed */
	/* Connections whose app has closed and whose FIN is not acknowledged:
	 * above it the oldest is reset. */
	uint32_t max_orphans;
	/* window scale shift that is offered, more where the receive buffer
	 * needs more; 0: windows are not scaled */
	uint8_t wscale;
	/* What a SYN offers and a SYN-ACK agrees to, of connections that begin
	 * from now on (RFC 7323, 2; RFC 2018, 2). */
	bool timestamps, sack;
	/* Pace those, too, whose congestion control has only a window.  One
	 * that has a rate is paced always, and so is MAX_PACING_RATE. */
	bool pacing;
	/*
	 * Where the RFCs leave a choice, as Linux chooses: the first four SYNs
	 * that are sent again do not double their wait; the RTO is SRTT and
	 * rto_min at least; what the silly-window rule, TCP_CORK and MORE hold
	 * back waits for an RTO, and what MORE has held goes without PSH if
	 * something else lets it go; text leaves in bursts of what a
	 * millisecond takes, the last segment of a burst with PSH; slow start
	 * does not grow by what duplicate ACKs have told of; SACKs open the
	 * window where reordering is usual; a retransmission that is
	 * lost again is no second congestion.
	 */
	bool as_linux;
	uint8_t burst_segments; /* ... those bursts: as many at least; 0: 2 */
	uint8_t fast_open; /* TCPD_FO_* */
	/* Keys of its cookies, the first for new ones, that other hosts have
	 * as well; none: keys of its own, a new one every 6 hours. */
	uint8_t fast_open_nkeys;
	uint8_t fast_open_key[2][16];
	/* RSTs for segments of no connection; over it the first to a source
	 * within a second goes still, the others do not */
	uint32_t resets_per_second;
	/* Touch at once what a flood of SYNs would: it then costs no memory
	 * that was not there before.  Of large tables the first few MiB. */
	bool flood_ready;
	bool tso4, tso6; /* the device cuts super-segments */
	bool csum;	 /* the device fills in TCP checksums */
	uint16_t mtu;
	uint16_t port_min, port_max; /* ephemeral ports */
	uint8_t queue;		     /* number in the handles, below 64 */
	uint8_t naddrs;
	struct tcpd_prefix addr[TCPD_MAX_ADDRS];
	uint8_t key[32]; /* the only randomness: same key, same run */
	/*
	 * For a stack that follows another whose connections may still be
	 * known to their peers: a key of its own for initial sequence numbers
	 * and time stamps (all zero: they come from |key|), and what every
	 * time stamp counts from.
	 */
	uint8_t kept_key[32];
	uint32_t ts_base;

	/*
	 * Memory comes from the caller, once, in tcpd_new(): |map| gives
	 * zeroed octets (NULL: there is none), aligned to 4096; |discard| says
	 * that the contents of a part are not needed (they may be anything
	 * afterwards); |unmap| takes back what map gave.
	 */
	void *(*map)(void *arg, size_t len);
	void (*discard)(void *arg, void *p, size_t len);
	void (*unmap)(void *arg, void *p, size_t len);
	void *arg;
};

/* The defaults of today's practice; the caller adds key, addresses, memory. */
void tcpd_settings_init(struct tcpd_settings *s);

/* RESOURCES: map gave NULL; INVALID: a setting out of its range. */
int tcpd_new(struct tcpd_stack **out, const struct tcpd_settings *s,
	     tcpd_time now);
void tcpd_free(struct tcpd_stack *st);

/*
 * Take over new settings while running.  Table sizes, memory and key cannot
 * change (INVALID, and nothing is changed); connections that exist keep what
 * they took from the old ones, but follow mtu and offloads.
 */
int tcpd_reconfigure(struct tcpd_stack *st, const struct tcpd_settings *s,
		     tcpd_time now);

/*
 * After a tcpd_reconfigure() that takes addresses away.  Connections, half-open
 * and TIME-WAIT entries that have one keep it, and their packets are taken,
 * until this is called: then they end as by tcpd_abort_id(), and a listener on
 * it has the event RESET with NOT_OURS.  True: RSTs wait, call it again when
 * they have left.
 */
bool tcpd_end_removed(struct tcpd_stack *st, tcpd_time now);

/* ------------------------- user calls: RFC 9293, sections 3.10.1 to 3.10.6 */

enum tcpd_bind_flags {
	/* as SO_REUSEADDR: over sockets, connections and TIME-WAIT entries
	 * that have it too, not over a listener */
	TCPD_BIND_REUSE = 1u << 0,
	/* as SO_REUSEPORT: beside those of the same owner that have it too,
	 * listeners among them; these share what comes in */
	TCPD_BIND_REUSEPORT = 1u << 1,
	/* as IP_BIND_ADDRESS_NO_PORT: port 0 takes none, the connect does */
	TCPD_BIND_NO_PORT = 1u << 2
};

/* With the flags: who asks.  A connection that is accepted has the flags and
 * the owner of its listener. */
#define TCPD_BIND_OWNER(n) ((uint64_t)(n) << 32)

/*
 * A socket in CLOSED that holds a local address: |local->ip| all zero is any
 * address, port 0 takes an ephemeral one.  IN_USE, NOT_OURS, NO_PORT,
 * RESOURCES.
 */
int tcpd_bind(struct tcpd_stack *st, tcpd_handle *out,
	      const struct tcpd_addr *local, uint64_t flags, tcpd_time now);

/*
 * Passive open: |*h| is 0 (then |local| is bound first) or a bound socket (it
 * becomes the listener; |local| is not looked at).  |cs| NULL: the stack's
 * settings.  |*h| is the listener's handle.  Errors as tcpd_bind(), HANDLE,
 * EXISTS, INVALID (a setting out of its range).  A second call on a listener
 * only changes its backlog.
 */
int tcpd_listen(struct tcpd_stack *st, tcpd_handle *h,
		const struct tcpd_addr *local, uint64_t flags,
		const struct tcpd_conn_settings *cs, tcpd_time now);

/*
 * Active open: |*h| is 0 or a bound socket; |local| NULL or unspecified: the
 * stack chooses, a port that may be in use towards other peers.  A connection
 * to the same peer that is in TIME-WAIT since a second, and has time stamps,
 * gives its place (RFC 6191).  The SYN goes with the next output.  OPENING or
 * EXISTS when
 * |*h| is one already; NO_PEER (port 0, unspecified address), FAMILY,
 * NET_UNREACH (no address of that family, or a broadcast or multicast peer),
 * IN_USE, NO_PORT, RESOURCES.
 */
int tcpd_connect(struct tcpd_stack *st, tcpd_handle *h,
		 const struct tcpd_addr *local, const struct tcpd_addr *peer,
		 tcpd_time now);

/*
 * After tcpd_connect() with TCPD_OPT_FASTOPEN_CONNECT: octets that its SYN,
 * which waits for them, may take; a send of any number of octets, 0 too, lets
 * it go.  0: it waits for nothing.
 */
uint32_t tcpd_syn_room(const struct tcpd_stack *st, tcpd_handle h);

/* The cookies of servers, and who has failed, are forgotten. */
void tcpd_fast_open_forget(struct tcpd_stack *st);

/* The oldest connection of the accept queue; AGAIN when it is empty. */
int tcpd_accept(struct tcpd_stack *st, tcpd_handle listener, tcpd_handle *out,
		tcpd_time now);

/* No more SEND: FIN after what is queued.  NOT_OPEN, CLOSING. */
int tcpd_shutdown(struct tcpd_stack *st, tcpd_handle h, tcpd_time now);

/*
 * CLOSE as a program means it: no more SEND and no more RECEIVE.  With data
 * unread: RST (RFC 9293, SHLD-3).  Otherwise FIN after what is queued; the
 * connection goes on without a reader and ends by GONE.  On a socket that is
 * closed already or never was open the handle dies at once, without an event.
 * A listener: its accept queue is reset, its half-open entries are dropped.
 */
int tcpd_close(struct tcpd_stack *st, tcpd_handle h, tcpd_time now);

/* RST where the state asks for one; the handle dies at once, without GONE. */
int tcpd_abort(struct tcpd_stack *st, tcpd_handle h, tcpd_time now);

/* The caller's own word for a handle; it comes back with every event. */
void tcpd_set_user(struct tcpd_stack *st, tcpd_handle h, void *user);
void *tcpd_user(const struct tcpd_stack *st, tcpd_handle h);

/* ---------------------------------------------------------- the stream */

/*
 * The octets in order that wait, at most |nslices| slices: their number is
 * returned (0: none), or HANDLE.  Valid until the next call on |st| other
 * than tcpd_recv_peek().  Then |n| of them are taken: INVALID when there are
 * fewer.
 */
int tcpd_recv_peek(struct tcpd_stack *st, tcpd_handle h, struct tcpd_slice *s,
		   size_t nslices);
int tcpd_recv_done(struct tcpd_stack *st, tcpd_handle h, size_t n,
		   tcpd_time now);

/*
 * For who hands on what he takes, through a socket or a pipe: the receive
 * buffer is to follow what the reader behind it reads.  tcpd_recv_held() says
 * how many octets that were taken have not been read there; first when the
 * connection is open (0), then whenever, after tcpd_recv_done(),
 * tcpd_recv_asks() says so: about once a round trip.  HANDLE.
 */
int tcpd_recv_held(struct tcpd_stack *st, tcpd_handle h, uint64_t octets,
		   tcpd_time now);
bool tcpd_recv_asks(struct tcpd_stack *st, tcpd_handle h, tcpd_time now);

/* All was taken and the peer has sent FIN. */
bool tcpd_recv_eof(const struct tcpd_stack *st, tcpd_handle h);

/*
 * Room for about |want| octets (more, if a block has more; less, if the
 * buffer or memory has less; 0 octets: WRITABLE will come).  The number of
 * rooms is returned, or HANDLE, NOT_OPEN (not yet, or no more),
 * CLOSING.  Valid until tcpd_send_filled(), which must follow: |n| of the
 * octets, from the first room on, are the stream's next.  In SYN-SENT and
 * SYN-RECEIVED data waits for ESTABLISHED.
 */
int tcpd_send_room(struct tcpd_stack *st, tcpd_handle h, size_t want,
		   struct tcpd_room *r, size_t nrooms);
int tcpd_send_filled(struct tcpd_stack *st, tcpd_handle h, size_t n,
		     tcpd_time now);

/* Copying wrappers: the octets taken or queued, or an error; 0 at the end of
 * file (recv), AGAIN when nothing is there or no room is left. */
int64_t tcpd_recv(struct tcpd_stack *st, tcpd_handle h, void *p, size_t len,
		  tcpd_time now);
int64_t tcpd_send(struct tcpd_stack *st, tcpd_handle h, const void *p,
		  size_t len, tcpd_time now);

/* What the octets of one SEND are besides octets (as send(2)'s flags). */
enum tcpd_send_flags {
	TCPD_SEND_MORE = 1u << 0, /* MSG_MORE: more follows at once; what does
				     not fill a segment waits for it, 200 ms at
				     most */
	TCPD_SEND_EOR = 1u << 1	  /* MSG_EOR: the end of a record; no segment
				     holds octets from both sides of it */
};

/* tcpd_send_filled() and tcpd_send() with flags; EOR and MORE belong to the
 * last of the octets, and count only when all of them were taken. */
int tcpd_send_filled_as(struct tcpd_stack *st, tcpd_handle h, size_t n,
			uint32_t flags, tcpd_time now);
int64_t tcpd_send_as(struct tcpd_stack *st, tcpd_handle h, const void *p,
		     size_t len, uint32_t flags, tcpd_time now);

/* Octets queued and not yet sent for the first time (as SIOCOUTQNSD). */
uint32_t tcpd_unsent(const struct tcpd_stack *st, tcpd_handle h);

/* Octets, and the FIN, queued and not yet acknowledged (as SIOCOUTQ). */
uint32_t tcpd_unacked(const struct tcpd_stack *st, tcpd_handle h);

/* Octets in order that wait to be received (as SIOCINQ). */
uint32_t tcpd_readable(const struct tcpd_stack *st, tcpd_handle h);

/*
 * WRITABLE, once, as soon as at most |unsent| octets wait to be sent for the
 * first time; at once if it is so already.  HANDLE.
 */
int tcpd_want_writable(struct tcpd_stack *st, tcpd_handle h, uint32_t unsent);

/*
 * Urgent data (RFC 9293, 3.8.5) stays in line (RFC 6093).  tcpd_urgent(): how
 * many octets are to be read up to its end, some of which may not have come
 * yet; 0: there is none (any more); HANDLE.  The octet that a BSD socket calls
 * out of band is the last of them: SIOCATMARK is tcpd_urgent() == 1.
 */
int64_t tcpd_urgent(const struct tcpd_stack *st, tcpd_handle h);
/*
 * What is queued is urgent, up to its last octet.  HANDLE, NOT_OPEN, CLOSING,
 * INVALID (nothing waits to be sent for the first time).
 */
int tcpd_send_urgent(struct tcpd_stack *st, tcpd_handle h, tcpd_time now);

/* ------------------------------------------------------ options, status */

enum tcpd_option {
	TCPD_OPT_NODELAY,   /* 0, 1 */
	TCPD_OPT_CORK,	    /* 0, 1 */
	TCPD_OPT_KEEPALIVE, /* 0, 1 */
	/* those of _KEEPIDLE, _KEEPINTVL, _LINGER, _LINGER2, _DEFER_ACCEPT: in
	 * whole ms, rounded up */
	TCPD_OPT_KEEPIDLE,	/* ns, at least 1 s */
	TCPD_OPT_KEEPINTVL,	/* ns, at least 1 s */
	TCPD_OPT_KEEPCNT,	/* 1 to 127 */
	TCPD_OPT_USER_TIMEOUT,	/* ns, 0: R2 alone decides */
	TCPD_OPT_RCVBUF,	/* octets: upper limit of the receive buffer */
	TCPD_OPT_SNDBUF,	/* octets: upper limit of the send buffer */
	TCPD_OPT_MAXSEG,	/* octets; set: before the open only */
	TCPD_OPT_CONGESTION,	/* enum tcpd_congestion */
	TCPD_OPT_UNREAD,	/* 1: the caller holds octets of this connection
				   that its reader has not taken: a close counts
				   as one with data unread */
	TCPD_OPT_TOS,		/* 0 to 255: DS field of what goes out; its two
				   lowest bits (ECN) are the stack's, read as 0 */
	TCPD_OPT_TTL,		/* 1 to 255; 0: the default */
	TCPD_OPT_LINGER,	/* ns: a close that is not acknowledged by then
				   becomes an ABORT; up to 1 ms: at once; 0: off */
	TCPD_OPT_LINGERING,	/* 1: the app has closed, and the caller still
				   holds octets of it: LINGER begins to count */
	TCPD_OPT_DEFER_ACCEPT,	/* ns, listeners: a bare ACK does not open; with
				   data, or the answer to the first SYN-ACK
				   after that time, it does; 0: off */
	TCPD_OPT_NOTSENT_LOWAT, /* octets: with as many unsent no room is given;
				  WRITABLE below half of it; 0: off */
	TCPD_OPT_SYNCNT,	/* 1 to 127: SYNs sent again, and of a listener
				   SYN-ACKs; 0: as the settings say */
	TCPD_OPT_LINGER2,	/* ns: FIN-WAIT-2 after a close; 0: as the
				   settings say */
	TCPD_OPT_WINDOW_CLAMP,	/* octets: most that is announced; 0: off */
	TCPD_OPT_QUICKACK, /* 1: the next ACKs are not delayed; 0: they are */
	TCPD_OPT_SOFT_ERRORS, /* 0, 1: are soft errors told (SOFT)?  At the
				 start: 1 */
	TCPD_OPT_ADV_UTO, /* ns, whole seconds, up to a day: the user time-out
			     that the peer is told (RFC 5482); and what he tells
			     is taken where USER_TIMEOUT was not set, as the
			     larger of both, at least 100 s; 0: neither */
	TCPD_OPT_MAX_PACING_RATE, /* octets a second, TCPD_PACING_MIN (which
				     less becomes) to _MAX: text leaves no
				     faster; 0: only as the congestion control
				     says */
	TCPD_OPT_FASTOPEN, /* listeners: connections that have come with a
			      cookie and wait for their last ACK; 0: no Fast
			      Open */
	TCPD_OPT_FASTOPEN_CONNECT,  /* 1: a connect asks for a cookie; where
				       there is one, the SYN waits for the first
				       send, and takes what fits of its text */
	TCPD_OPT_FASTOPEN_NO_COOKIE /* 1: text on SYNs without cookies */
};
#define TCPD_PACING_MIN UINT64_C(1000)
#define TCPD_PACING_MAX UINT64_C(1000000000000)
#define TCPD_NOPTIONS	(TCPD_OPT_FASTOPEN_NO_COOKIE + 1)

/* Of a socket, a connection or a listener: what a listener has its
 * connections take over.  HANDLE, OPTION, INVALID. */
int tcpd_set_option(struct tcpd_stack *st, tcpd_handle h, enum tcpd_option o,
		    uint64_t value, tcpd_time now);
int tcpd_get_option(const struct tcpd_stack *st, tcpd_handle h,
		    enum tcpd_option o, uint64_t *value);

/* The last soft error (TCPD_ERR_*) that nobody has been told in this way; 0:
 * none.  It is forgotten by that. */
int tcpd_soft_error(struct tcpd_stack *st, tcpd_handle h);

/* The timer that a status shows: that which ends or repeats something next. */
enum tcpd_timer {
	TCPD_TIMER_NONE,
	TCPD_TIMER_SYNACK,
	TCPD_TIMER_REXMT,
	TCPD_TIMER_PERSIST,
	TCPD_TIMER_TLP,
	TCPD_TIMER_REORDER,
	TCPD_TIMER_DELACK,
	TCPD_TIMER_KEEPALIVE,
	TCPD_TIMER_FINWAIT2,
	TCPD_TIMER_TIMEWAIT
};
#define TCPD_NTIMERS (TCPD_TIMER_TIMEWAIT + 1)
const char *tcpd_timer_name(enum tcpd_timer t);

/* How the path MTU of a status was found. */
enum tcpd_pmtu {
	TCPD_PMTU_DEVICE, /* it is the device's */
	TCPD_PMTU_ICMP,	  /* a router said it (RFC 1191, RFC 8201) */
	TCPD_PMTU_PROBING /* by what arrived and what did not (RFC 4821) */
};
#define TCPD_NPMTUS (TCPD_PMTU_PROBING + 1)
const char *tcpd_pmtu_name(enum tcpd_pmtu how);

/* What a status is about. */
enum tcpd_kind {
	TCPD_KIND_CONN,
	TCPD_KIND_LISTENER,
	TCPD_KIND_HALF_OPEN,
	TCPD_KIND_TIME_WAIT
};
#define TCPD_NKINDS (TCPD_KIND_TIME_WAIT + 1)

struct tcpd_status {
	tcpd_id id;
	tcpd_handle h; /* 0 for half-open and TIME-WAIT entries */
	void *user;    /* of the connection; half-open: of its listener */
	enum tcpd_kind kind;
	enum tcpd_state state;
	struct tcpd_addr local, peer;
	uint64_t recv_q; /* listener: accept queue */
	uint64_t send_q; /* unacknowledged and unsent; listener: backlog */
	enum tcpd_timer timer;
	tcpd_time timer_left; /* ns until it fires; 0: none, or due */
	uint32_t retries;
	int err;      /* TCPD_ERR_* that ended it, else 0 */
	int soft_err; /* last soft error (ICMP), not yet read */
	bool closed;  /* the app has closed: an orphan */

	/* kind CONN only */
	tcpd_time srtt, rttvar, rto, min_rtt;
	uint32_t cwnd, ssthresh, in_flight, unsent; /* octets */
	uint64_t pacing_rate;	    /* octets a second; 0: not paced */
	uint64_t max_pacing_rate;   /* MAX_PACING_RATE */
	uint32_t mss, pmtu, advmss; /* mss: of a data segment's payload */
	enum tcpd_pmtu pmtu_how;
	uint32_t snd_una, snd_nxt, snd_wnd, max_snd_wnd, iss;
	uint32_t rcv_nxt, rcv_wnd, irs; /* rcv_wnd: as advertised now */
	uint32_t rcv_ooo;		/* octets out of order */
	uint32_t urgent;		/* as tcpd_urgent() */
	uint8_t snd_wscale, rcv_wscale;
	bool ts, wscale, sack, nodelay, cork, keepalive;
	/* ECN was agreed on; text of ours is marked (not, once the path has
	 * shown that it does not work); some of the peer's was */
	bool ecn, ecn_marks, ecn_seen;
	bool in_recovery, after_rto;
	bool in_cwr;   /* the window falls for a congestion mark */
	bool syn_data; /* all text on the SYN was taken (Fast Open) */
	uint8_t backoff, probes, dupacks; /* RTO doubled; probes unanswered */
	uint32_t rexmits; /* of what is first unacknowledged, by the timer */
	uint32_t lost, resent; /* octets: thought lost; of them sent again */
	/* segments SACKed; by how many, at most, later ones overtook earlier
	 * ones, and how many ACKs told of that */
	uint32_t sacked, reordering, reordering_seen;
	uint32_t rcv_mss;	   /* of the last text received */
	uint8_t tos, ttl, rcv_tos; /* DS fields of ours and of the last segment
				      received; TTL or hop limit of ours */
	const char *congestion;
	uint64_t octets_acked, octets_received, octets_sent, octets_retrans;
	/* modulo 2^32, as TCP_INFO has them */
	uint64_t segs_in, segs_out, data_segs_in, data_segs_out;
	uint32_t delivered;   /* segments acknowledged, the SYN and its
				 text as one; about, where cut anew */
	uint32_t retransmits; /* segments, whole life */
	uint32_t rcv_buffer, snd_buffer; /* limits now, octets */
	tcpd_time rcv_rtt;  /* the shortest round trip, as the receiver sees
			       it; 0: little has come */
	uint32_t rcv_space; /* octets that were read in one, last */
	/* time with text queued; of this, that the peer's window was the
	 * limit, or the send buffer */
	tcpd_time busy, limited_by_window, limited_by_buffer;
	tcpd_time born, last_snd, last_rcv, last_ack; /* absolute; 0: never */
};

/* One connection, socket or listener: HANDLE. */
int tcpd_status(const struct tcpd_stack *st, tcpd_handle h,
		struct tcpd_status *s, tcpd_time now);

/*
 * Everything there is, one after the other: start with a zeroed cursor;
 * false at the end.  Calls in between are allowed: what appears or goes
 * meanwhile may be missed, nothing is shown twice.
 *
 * The tables may have a million places, most of them free: with |looks| set,
 * false with |kind| below TCPD_NKINDS means that so many were |looked| at (set
 * that to 0 and go on).
 */
struct tcpd_cursor {
	uint32_t kind, slot;
	uint32_t looks, looked; /* places; 0: as many as there are */
	tcpd_time begun;	/* of the walk: set by the first call */
};
bool tcpd_each(const struct tcpd_stack *st, struct tcpd_cursor *c,
	       struct tcpd_status *s, tcpd_time now);

/*
 * By number: ABORT or CLOSE of whatever has |id|, half-open and TIME-WAIT
 * entries too (close of one of these: as abort).  HANDLE: there is none.  A
 * connection whose handle somebody holds ends as if its peer had done it:
 * with an event (RESET; close: FIN goes out, the holder may go on reading).
 */
int tcpd_abort_id(struct tcpd_stack *st, tcpd_id id, tcpd_time now);
int tcpd_close_id(struct tcpd_stack *st, tcpd_id id, tcpd_time now);

/* The same of what tcpd_each() has shown last with |c|, which nobody has to
 * look for; HANDLE: it has not |id| (any more). */
int tcpd_abort_seen(struct tcpd_stack *st, const struct tcpd_cursor *c,
		    tcpd_id id, tcpd_time now);
int tcpd_close_seen(struct tcpd_stack *st, const struct tcpd_cursor *c,
		    tcpd_id id, tcpd_time now);

/* Is there a connection or an entry |id| still, between these addresses?
 * Unlike the walk it is no search. */
bool tcpd_lives(const struct tcpd_stack *st, tcpd_id id,
		const struct tcpd_addr *local, const struct tcpd_addr *peer);

const struct tcpd_stats *tcpd_stats(struct tcpd_stack *st);

/* The diagram: each arrow of RFC 9293, figure 5, and how often it was taken. */
struct tcpd_arrow {
	enum tcpd_state from, to;
	const char *event; /* "RCV SYN", "TIMEOUT" */
	const char *where; /* place in RFC 9293 */
	uint64_t taken;
};
bool tcpd_arrow(const struct tcpd_stack *st, unsigned i, struct tcpd_arrow *a);

/*
 * Changes of state and RSTs as they happen, for logs and captures.  An RST that
 * goes with a change of state of ours (sent for a connection, received and
 * taken) is always there; of those that change nothing at most ten a second.
 * The next one says how many were left out before it, the last of these itself
 * when a second has passed without one.
 */
enum tcpd_trace_kind {
	TCPD_TRACE_STATE,
	TCPD_TRACE_RST_SENT,
	TCPD_TRACE_RST_RECEIVED, /* and taken: it ended a connection */
	TCPD_TRACE_RST_IGNORED	 /* received */
};

struct tcpd_trace {
	tcpd_time at;
	tcpd_id id; /* 0: no connection (RSTs) */
	struct tcpd_addr local, peer;
	enum tcpd_state from, to; /* TCPD_TRACE_STATE alone */
	/* as in struct tcpd_arrow; of an RST its cause: key of an enum
	 * tcpd_reset, of one that was ignored that of an enum tcpd_drop */
	const char *event;
	enum tcpd_trace_kind kind;
	uint64_t left_out;
};

/* The next one: true.  |*lost|: how many were overwritten before this one. */
bool tcpd_next_trace(struct tcpd_stack *st, struct tcpd_trace *tr,
		     uint64_t *lost);

/* -------------------------------------------------------------- records */

/*
 * The whole state as one versioned record of tagged items: its length, or
 * SPACE when |len| is too small (no octet beyond |len| is touched; with |buf|
 * NULL only the length is worked out).  Only between batches: after
 * tcpd_input_done() and tcpd_output_done().
 */
int64_t tcpd_save(struct tcpd_stack *st, void *buf, size_t len, tcpd_time now);

/*
 * Into a fresh stack with the same table sizes (RECORD: damaged, of another
 * version, or does not fit; the stack is then to be freed; INVALID: |st| is
 * not fresh).  Handles, ids and
 * user words stay what they were; what the two stacks send from here on is
 * the same to the octet.
 */
int tcpd_load(struct tcpd_stack *st, const void *buf, size_t len,
	      tcpd_time now);

/* The "checks of our own" of a whole stack: NULL, or what is wrong (tests). */
const char *tcpd_check(struct tcpd_stack *st);
/* The same without the look at each port of a stack that has no connection,
 * which takes longer than all the rest: for after each packet. */
const char *tcpd_check_often(struct tcpd_stack *st);

#endif /* TCPD_H */
