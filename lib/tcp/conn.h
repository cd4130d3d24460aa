/* SPDX-License-Identifier: MIT */
/*
 * conn.h - one connection: the TCB (RFC 9293, 3.3.1), and what may be done to
 * it from more than one file.  conn_move() alone changes a state.
 */
#ifndef TCP_CONN_H
#define TCP_CONN_H

#include <assert.h>

#include "cc.h"
#include "fastopen.h"
#include "flow.h"
#include "grow.h"
#include "tcp.h"

enum conn_timer {
	/* of these three one runs at most (RFC 8985, 8) */
	CT_REXMT,
	CT_TLP,
	CT_REORDER,
	CT_PERSIST,
	CT_DELACK,
	CT_KEEPALIVE,
	CT_ORPHAN, /* FIN-WAIT-2 without a reader; a window that stays closed */
	CT_USER,   /* user time-out */
	CT_LINGER, /* SO_LINGER: how long a close may take */
	CT_NTIMERS
};

enum conn_list { ON_NONE, ON_ACKS, ON_SENDS, ON_PACED /* the heap */ };

/* recover.c says what they are. */
enum conn_recovery { REC_OPEN, REC_CWR, REC_FAST, REC_RTO };

/*
 * The send queue: blocks that hold [first unacknowledged, end), in order;
 * pool_block.off is the sequence number of a block's first octet, .len how
 * many it holds.
 */
struct sendq {
	uint32_t head, tail; /* blocks */
	uint32_t room;	     /* block given out by send_room, not yet filled */
	uint32_t neors;	     /* blocks that end a record (MSG_EOR) */
	uint32_t nroom;	     /* octets given out there, and in the tail */
	uint32_t end;	     /* sequence number behind the last octet */
	uint32_t mem;	     /* octets of blocks */
};

/*
 * The receive queue: blocks that hold [read, …) with gaps; .off is the
 * sequence number of a block's first octet, .len how many numbers it covers.
 * Behind the octets of the blocks follow those that lie in borrowed packets.
 */
struct recvq {
	uint32_t head, tail, last; /* blocks; last: where one was put last */
	uint32_t read;	 /* sequence number of the next octet to be read */
	uint32_t mem;	 /* octets of blocks */
	uint32_t ranges; /* block with the ranges out of order */
	uint16_t nranges;
	uint16_t borrow_first, borrow_last; /* index + 1 */
	uint32_t nborrowed;		    /* octets */
	uint32_t ooo;			    /* octets out of order */
};

struct range {
	uint32_t left, right; /* [left, right) */
};

#define NSACKS	  4u /* blocks that 40 octets of options hold */
#define NARRIVALS 8u

/*
 * What SACK blocks are to say (sack.c), of a connection where something is out
 * of order, or came twice and is not answered.  There are as many slots as
 * connections, so that one is always free; no more of them are ever touched
 * than were in use at a time.  |recent|: a number out of each block
 * that an ACK has begun with, the last one first.  Then what arrived and has
 * not been answered yet, the oldest first: where, and (if not empty) which part
 * of it had come before.
 */
struct sackq {
	uint32_t recent[NSACKS];
	uint32_t left[NARRIVALS], right[NARRIVALS];
	uint32_t episode; /* RCV.NXT when |nalone| began */
	uint8_t nrecent, narrivals;
	uint8_t nalone;	 /* arrivals since that had an ACK of their own */
	uint8_t njoined; /* that share the last one's */
};

struct conn {
	struct tuple tu;
	struct wheel_node node;
	tcpd_time timer[CT_NTIMERS]; /* 0: off */
	uint64_t armed;		     /* tick that the node is armed for */
	tcpd_id id;
	void *user;
	struct rlink out, ev, aq, orphans, at_port;
	uint32_t ev_mask;
	uint32_t listener; /* slot + 1: waits in its accept queue */

	uint8_t state;
	uint8_t on_list; /* enum conn_list */
	uint8_t err;	 /* TCPD_ERR_*: what ended it */
	uint8_t soft_err;
	uint8_t recovery; /* enum conn_recovery */
	uint8_t nrexmt;	  /* retransmissions of SND.UNA: towards R2 */
	uint8_t backoff;  /* doublings of the RTO (RFC 6298, 5.5) */
	uint8_t nprobes;  /* zero-window probes without an answer's progress */
	uint8_t nkeep;	  /* keep-alive probes unanswered */
	uint8_t nreassured;	/* ACKs of rst_reassure() since reassured_at */
	uint8_t dupacks, quick; /* quick: ACKs still sent at once */
	uint8_t snd_wscale, rcv_wscale;
	uint8_t cc; /* enum tcpd_congestion */
	uint8_t keepcnt;
	uint8_t pmtu_how;   /* enum tcpd_pmtu: of |pmtu| */
	uint8_t family;	    /* bound to any address: of this family; 0: both */
	uint8_t share;	    /* TCPD_BIND_*: who else may have its address */
	uint8_t tos, ttl;   /* of what goes out; ttl 0: the default */
	uint8_t rcv_tos;    /* of the last segment received */
	uint8_t syncnt;	    /* retries of a SYN; 0: as the settings say */
	uint8_t super_lost; /* super-segments lost, the last ones in a row */
	uint8_t ecn_plain;  /* segments of text that came unmarked (ecn.c) */
	uint16_t acks_owed; /* duplicate ACKs that must be seen each */
	uint16_t rtt_n, rtt_per; /* samples in this round, in the one before */
	uint16_t peer_mss;	 /* 0: it named none */
	uint16_t syn_sent;	 /* octets on our SYN */
	uint16_t syn_took;	 /* ... that the peer took with it */
	uint16_t fo_most; /* TCPD_OPT_FASTOPEN, of one that is to listen */
	uint8_t fo_form;  /* enum fo_form: told by the first SYN or SYN-ACK */
	uint32_t owner;	  /* of |share| */
	uint32_t fo_from; /* its SYN-ACK is not acknowledged, and it may send:
			     at which listener (fastopen.c); else 0 */

	/* what is so */
	bool bound : 1;	     /* holds its local port without a peer */
	bool hashed : 1;     /* is in the table of connections */
	bool active : 1;     /* came from an active OPEN (MUST-11) */
	bool held : 1;	     /* the caller has the handle */
	bool orphan : 1;     /* the app has closed: nobody reads */
	bool orphaned : 1;   /* ... and it is in tcp.orphans */
	bool any_local : 1;  /* bound to any address */
	bool unread : 1;     /* TCPD_OPT_UNREAD */
	bool lingering : 1;  /* TCPD_OPT_LINGERING */
	bool more : 1;	     /* TCPD_SEND_MORE: the last segment waits */
	bool tlp_due : 1;    /* a probe of the tail is to go (tlp.c) */
	bool tlp_out : 1;    /* ... has gone, up to |tlp_end| */
	bool tlp_resent : 1; /* ... and was no new text */
	bool unpushed : 1;   /* ... and goes without PSH, if as_linux */
	bool soft_new : 1;   /* nobody has been told of |soft_err| */
	bool soft_quiet : 1; /* ... nor will be */
	bool in_tw : 1;	     /* ended by TIME-WAIT, which has an entry */
	bool ts : 1, wscale : 1, sack : 1; /* offered; then negotiated */
	bool nodelay : 1, cork : 1, keepalive : 1;
	/* what is to be done */
	bool fin_sent : 1; /* our FIN was sent */
	bool fin_ooo : 1;  /* the peer's FIN is known, at fin_seq */
	bool probe_due : 1, keep_due : 1, push_small : 1;
	bool rexmt_force : 1; /* one segment goes whatever cwnd says */
	bool want_room : 1;   /* WRITABLE is awaited: room in the queue */
	bool want_mem : 1;    /* ... and only memory was missing */
	bool starved : 1;     /* the app wanted to write more than it could */
	bool want_unsent : 1; /* WRITABLE at |unsent_low| octets unsent */
	bool app_limited : 1;
	bool pmtu_guess : 1;  /* |pmtu| fell for time-outs; no ACK came since */
	bool pmtu_search : 1; /* ... what the path takes is not found yet */
	bool no_super : 1;    /* super-segments never arrive */
	/* text before snd_up is urgent, and not all acknowledged; before
	 * rcv_up, and not all read */
	bool urg_out : 1, urg_in : 1;
	/* ecn.c: our SYN asks, or has asked; then: it was agreed on */
	bool ecn_tried : 1, ecn : 1;
	bool ect_off : 1;  /* ... but text of ours goes unmarked */
	bool ece_due : 1;  /* ECE until the peer's CWR comes */
	bool cwr_due : 1;  /* CWR on the next new text */
	bool ce_now : 1;   /* the last text that came was marked CE */
	bool ect_in : 1;   /* some that came was marked: ECT or CE */
	bool hands_on : 1; /* who reads tells what his own reader has not */
	bool uto_due : 1;  /* |adv_uto| is to be told, beside no SACK blocks */
	/* TCP Fast Open.  As a client: was it asked for, without cookies; does
	 * the SYN wait for text, may it have some, had it some */
	bool fo_want : 1, fo_free : 1, fo_wait : 1, fo_text : 1, syn_text : 1;
	bool fo_took : 1; /* all text on the SYN was taken */
	bool faulty : 1; /* a check of our own failed: the next timer ends it */
	bool syn_due;	 /* SYN or SYN-ACK is to be (re)sent */
	bool ack_due;	 /* an ACK is to go with the next output */
	bool ack_delayed; /* ... or when CT_DELACK fires */
	bool fin_queued;  /* our FIN follows sendq.end */
	bool fin_rcvd;	  /* the peer's FIN is in RCV.NXT */

	/* send (RFC 9293, 3.3.1) */
	uint32_t iss, snd_una, snd_nxt, snd_wnd, snd_wl1, snd_wl2;
	uint32_t max_snd_wnd; /* the largest ever: RFC 5961, 5.2; SWS */
	uint32_t snd_sml;     /* end of the last small segment (Minshall) */
	uint32_t tlp_end;
	uint32_t burst_end;  /* the present burst's (burst.c) */
	uint32_t recover;    /* RFC 6582 */
	uint32_t dup_flight; /* in flight when the first duplicate ACK came */
	uint32_t rtt_round;  /* SND.NXT when this round of samples began */
	uint32_t mss, advmss;
	uint32_t pmtu;	    /* 0: the device's */
	uint32_t pmtu_high; /* nothing larger arrives; 0: not known */
	uint32_t mtu_probe, mtu_probe_seq; /* in flight; 0: none */
	/* after a packet that was too large: the window grows from one segment
	 * to what it was, as ACKs come (RFC 1191, 6.4); 0: it is what it was */
	uint32_t clocked;
	uint32_t unsent_low;
	uint32_t snd_up; /* behind our last urgent octet */
	struct sendq sq;
	uint32_t xmit_root, xmit_first, xmit_last; /* records, slot + 1 */
	/* of them in flight, by time; lost and waiting */
	uint32_t sent_first, sent_last, lost_root;
	/* octets: SACKed; lost; of these sent again; known to have left by
	 * duplicate ACKs without SACK */
	uint32_t sacked, lost, resent, duped;

	/* receive */
	uint32_t irs, rcv_nxt, rcv_adv; /* rcv_adv: right edge announced */
	uint32_t rcv_buf;		/* limit now */
	uint32_t last_ack_sent, ts_recent, fin_seq;
	uint32_t rcv_up; /* behind the peer's last urgent octet */
	uint32_t sackq;	 /* slot + 1; 0: nothing is to be said */
	tcpd_time ts_recent_at;
	struct recvq rq;
	uint32_t ack_pending; /* octets in order not acknowledged */
	uint32_t rcv_mss;     /* of the last text: what it had in a segment */
	uint32_t inflow;      /* slot + 1; 0: little has come yet */

	/* time */
	tcpd_time srtt, rttvar, rto, min_rtt;
	tcpd_time born, last_snd, last_rcv, last_ack, challenge_at,
		reassured_at;
	uint64_t repeat_full_at; /* bucket of rst_repeat() */
	tcpd_time user_timeout;
	/* as their options, in milliseconds */
	uint32_t keepidle_ms, keepintvl_ms;
	uint32_t linger_ms, linger2_ms, defer_accept_ms;
	uint32_t options; /* that were set: bits of enum tcpd_option */
	uint32_t adv_uto, remote_uto; /* s, RFC 5482: told, heard; 0: not */
	tcpd_time stalled_at; /* first unanswered (re)transmission, probe */
	tcpd_time closed_at;  /* since when text waits for a closed window */
	tcpd_time orphan_at;  /* when the app closed */
	tcpd_time pmtu_at;    /* nothing larger is tried before */

	/* congestion (cc.h) */
	struct cc_state ccs;
	uint64_t max_pacing; /* TCPD_OPT_MAX_PACING_RATE; 0: none */
	uint32_t flow;	     /* slot + 1; 0: has sent nothing but a SYN */

	/* limits */
	uint32_t rcv_max, snd_max;
	uint32_t lowat, clamp; /* TCPD_OPT_NOTSENT_LOWAT, _WINDOW_CLAMP */
	tcpd_time time_wait;

	/* counts for `show` and TCP_INFO */
	uint64_t octets_acked, octets_received, octets_sent, octets_retrans;
	/* modulo 2^32, as wide as in TCP_INFO */
	uint32_t segs_in, segs_out, data_segs_in, data_segs_out;
	uint32_t retransmits;
};

/* attacks.md, row 6: with the rest of what the daemon has of it an idle one
 * costs less than 1024 octets.  What few connections need at a time belongs
 * into a slab of its own, as sackq does. */
static_assert(sizeof(struct conn) <= 840, "attacks.md, row 6");
static_assert(TCPD_NOPTIONS <= 32, "a bit of |options| each");

static inline struct conn *conn_at(const struct tcp *t, uint32_t slot)
{
	return slab_at(&t->conns, slot);
}

/* NULL: it has sent nothing yet that needs one. */
static inline struct flow *flow_of(const struct tcp *t, const struct conn *c)
{
	return c->flow ? slab_at(&t->flows, c->flow - 1) : NULL;
}

/* NULL: little has come. */
static inline struct inflow *inflow_of(const struct tcp *t,
				       const struct conn *c)
{
	return c->inflow ? slab_at(&t->inflows, c->inflow - 1) : NULL;
}

/* NULL: nothing is to be said. */
static inline struct sackq *sackq_of(const struct tcp *t, const struct conn *c)
{
	return c->sackq ? slab_at(&t->sackqs, c->sackq - 1) : NULL;
}

/* Does SACK tell what arrives? */
static inline bool conn_has_sack(const struct tcp *t, const struct conn *c)
{
	return c->sack && !(c->flow && flow_of(t, c)->sack_void);
}

/* Something has arrived that is to have an ACK of its own. */
static inline bool sack_pending(const struct tcp *t, const struct conn *c)
{
	return c->sackq && sackq_of(t, c)->narrivals;
}

static inline uint32_t conn_slot(const struct tcp *t, const struct conn *c)
{
	return slab_slot(&t->conns, c);
}

static inline uint32_t conn_ref(const struct tcp *t, const struct conn *c)
{
	return REF(REF_CONN, conn_slot(t, c));
}

/* Our FIN is behind all text: its sequence number. */
static inline uint32_t conn_fin_seq(const struct conn *c)
{
	return c->sq.end;
}

/* Our SYN is not acknowledged; its number comes round again after 4 GiB. */
static inline bool conn_syn_out(const struct conn *c)
{
	return c->snd_una == c->iss && c->octets_acked == 0;
}

/* Sent and not acknowledged, in sequence numbers. */
static inline uint32_t conn_flight(const struct conn *c)
{
	return c->snd_nxt - c->snd_una;
}

/* ... less what is known to have left the network, and a SYN, which no window
 * counts. */
static inline uint32_t conn_pipe(const struct conn *c)
{
	uint32_t gone = c->sacked + c->lost - c->resent + c->duped;
	uint32_t syn = conn_syn_out(c) && c->snd_nxt != c->iss;
	uint32_t flight = conn_flight(c) - syn;

	return flight > gone ? flight - gone : 0;
}

/* Text queued and not sent for the first time. */
static inline uint32_t conn_unsent(const struct conn *c)
{
	uint32_t syn = conn_syn_out(c) && c->snd_nxt == c->iss;
	uint32_t from = c->fin_sent ? c->sq.end : c->snd_nxt + syn;

	return seq_gt(c->sq.end, from) ? c->sq.end - from : 0;
}

/* Text queued and not acknowledged. */
static inline uint32_t conn_queued(const struct conn *c)
{
	uint32_t from = c->snd_una + conn_syn_out(c);

	return seq_gt(c->sq.end, from) ? c->sq.end - from : 0;
}

/* Text in order that waits for its reader. */
static inline uint32_t conn_readable(const struct conn *c)
{
	return c->rcv_nxt - (c->fin_rcvd ? 1 : 0) - c->rq.read;
}

/* ESTABLISHED and later, but not CLOSED: RFC 9293's synchronized states. */
static inline bool conn_synchronized(const struct conn *c)
{
	return c->state >= TCPD_ESTABLISHED;
}

/* SO_RCVBUF: the app has said how much, nothing is to be tuned. */
static inline bool conn_fixed_buffer(const struct conn *c)
{
	return c->options >> TCPD_OPT_RCVBUF & 1;
}

/* --- conn.c */

/* A TCB in CLOSED, still without a number; NULL: the table is full. */
struct conn *conn_new(struct tcp *t);

/* A new TCB goes on with a half-open entry's life: its number, its identity,
 * its state, which is SYN-RECEIVED. */
void conn_adopt(struct conn *c, const struct tuple *tu, tcpd_id id);

/* Take the arrow of figure 5 that |ev| asks for. */
void conn_move(struct tcp *t, struct conn *c, enum fsm_event ev);

/* Count and trace an arrow that an entry takes (no TCB: synq, timewait). */
void conn_trace(struct tcp *t, tcpd_id id, const struct tuple *tu,
		enum tcpd_state from, enum fsm_event ev);

/*
 * A check of our own failed: fatal where TCPD_DEBUG is set; otherwise it costs
 * this connection, which is reset at the next tick, and nobody else.
 */
void conn_fault(struct tcp *t, struct conn *c);

/* It holds its local port (tu.lport, not 0) until it is freed. */
void conn_bind(struct tcp *t, struct conn *c);

/* Into the table of connections, or out of it. */
bool conn_hash(struct tcp *t, struct conn *c);
uint32_t conn_find(const struct tcp *t, const struct tuple *tu, uint32_t hash);
void conn_unhash(struct tcp *t, struct conn *c);

/* The slot goes back; nothing of it is left anywhere. */
void conn_free(struct tcp *t, struct conn *c);

/*
 * CLOSED was reached: timers stop, unsent data goes.  What was received stays
 * readable while somebody holds the handle; otherwise the TCB goes.  |c| is
 * not to be used afterwards.
 */
void conn_ended(struct tcp *t, struct conn *c, int err, uint32_t ev);

void conn_event(struct tcp *t, struct conn *c, uint32_t mask);
/* Something is wrong that may pass (MUST-47, SHLD-9). */
void conn_soft_error(struct tcp *t, struct conn *c, int err);
void conn_want_output(struct tcp *t, struct conn *c);
void conn_want_ack(struct tcp *t, struct conn *c);

void conn_arm(struct tcp *t, struct conn *c, enum conn_timer which,
	      tcpd_time at);
void conn_disarm(struct conn *c, enum conn_timer which);

#define TCP4_HEADS 40u
#define TCP6_HEADS 60u

/* Text of a full segment where the path takes packets of |mtu|. */
uint32_t conn_mss_at(const struct conn *c, uint32_t mtu);
/* Effective MSS from path, peer and options (RFC 9293, 3.7.1). */
void conn_set_mss(const struct tcp *t, struct conn *c);
/* The shift to offer: all of the receive buffer can be announced, in units that
 * are a small part of it. */
uint8_t tcp_wscale(const struct tcp *t, uint32_t rcv_max);
uint32_t tcp_advmss(const struct tcp *t, const struct tuple *tu);

/* Start values of an opened connection's send and receive side. */
void conn_open_send(struct tcp *t, struct conn *c, uint32_t iss);
void conn_open_recv(struct conn *c, uint32_t irs);

/* It sends from now on: it has a struct flow, whose module has begun. */
void conn_flow(struct tcp *t, struct conn *c);
/* Another congestion control goes on with the window that there is. */
void conn_change_cc(struct tcp *t, struct conn *c, uint8_t cc);
/* A congestion window to begin with. */
void conn_start_window(struct tcp *t, struct conn *c, uint32_t cwnd);

/* What may be sent before the first ACK. */
uint32_t conn_initial_window(uint32_t mss);

/* Our SYN is acknowledged (in SYN-RECEIVED after a CLOSE, too: FIN-WAIT-1):
 * segment size and congestion window begin. */
void conn_syn_acked(struct tcp *t, struct conn *c);

/* ESTABLISHED: the user learns of it, keep-alive begins. */
void conn_established(struct tcp *t, struct conn *c);

/* MUST-21: with a user time-out the user has set R2, as Linux has it. */
static inline bool conn_user_decides(const struct conn *c)
{
	return c->user_timeout && !c->orphan;
}

/* What a SYN announces: its window is never scaled. */
static inline uint32_t conn_syn_window(const struct conn *c)
{
	uint32_t most = c->clamp ? c->clamp : UINT16_MAX;

	return min_u32(min_u32(c->rcv_buf, most), UINT16_MAX);
}

/* --- user.c: 3.10.1 to 3.10.6 */
int user_connect(struct tcp *t, struct conn *c, const struct tcpd_addr *peer);
/* A SEND, of any number of octets: the SYN that waits for it goes. */
void user_sent(struct tcp *t, struct conn *c);
int user_shutdown(struct tcp *t, struct conn *c);
void user_close(struct tcp *t, struct conn *c);
void user_abort(struct tcp *t, struct conn *c, enum tcpd_reset why);

/* --- input.c, input_other.c: 3.10.7 */
void input_syn_sent(struct tcp *t, struct conn *c, struct segment *seg);
void input_other(struct tcp *t, struct conn *c, struct segment *seg);
/* From the fifth check on: what a SYN-ACK or final ACK brought with it. */
void input_text_and_fin(struct tcp *t, struct conn *c, struct segment *seg);

/* --- ack.c: an acknowledgment that 5961 lets through */
void ack_take(struct tcp *t, struct conn *c, const struct segment *seg);

/* --- rst.c */
void rst_send(struct tcp *t, struct conn *c, enum tcpd_reset why);
void rst_challenge(struct tcp *t, struct conn *c);
/* An ACK for an unacceptable segment without text: rarely, or two ends whose
 * ACKs the other cannot accept would answer each other for ever. */
void rst_reassure(struct tcp *t, struct conn *c);
/* An ACK for an unacceptable segment with text, at a rate that no flood of old
 * duplicates can raise: false, this one gets none. */
bool rst_repeat(struct tcp *t, struct conn *c);

/* --- rexmt.c: the timer of RFC 6298, and what it finds lost */
/* All over again: an ACK has come, or the first segment has gone again. */
void rexmt_arm(struct tcp *t, struct conn *c);
/* Something that wants an ACK has left. */
void rexmt_sent(struct tcp *t, struct conn *c);
void rexmt_disarm(struct conn *c);
/* Some timer runs that will send again what is in flight. */
static inline bool rexmt_armed(const struct conn *c)
{
	return c->timer[CT_REXMT] || c->timer[CT_TLP] || c->timer[CT_REORDER];
}
void rexmt_timeout(struct tcp *t, struct conn *c);
void rexmt_too_big(struct tcp *t, struct conn *c); /* smaller segments, now */
/* The record |slot| is lost, and that says nothing of congestion. */
void rexmt_again(struct tcp *t, struct conn *c, uint32_t slot);

/* --- rtt.c: RFC 6298, 2 */
void rtt_sample(const struct tcp *t, struct conn *c, tcpd_time rtt);
tcpd_time rtt_rto(const struct tcp *t, const struct conn *c);

/* --- persist.c: zero windows, silly windows of the sender */
void persist_update(struct tcp *t, struct conn *c);
void persist_end(struct tcp *t, struct conn *c);
void persist_timeout(struct tcp *t, struct conn *c);

/* --- orphan.c: the app has gone, its FIN is not acknowledged */
void orphan_begin(struct tcp *t, struct conn *c);
/* The state has changed: in the list or out of it. */
void orphan_update(struct tcp *t, struct conn *c);
/* Above the limit the oldest ones end. */
void orphan_trim(struct tcp *t);
/* The peer's window is closed: only for so long. */
void orphan_window(struct tcp *t, struct conn *c);
void orphan_timeout(struct tcp *t, struct conn *c);

/* FIN-WAIT-2 without a reader: only for so long. */
void orphan_fin_wait_2(struct tcp *t, struct conn *c);
#define LINGER_NONE TCPD_MS(1) /* TCPD_OPT_LINGER: at once */
/* SO_LINGER's time is over: RST, unless all was acknowledged. */
void linger_begin(struct tcp *t, struct conn *c);
void linger_timeout(struct tcp *t, struct conn *c);

/* --- keepalive.c */
void keepalive_arm(struct tcp *t, struct conn *c);
void keepalive_timeout(struct tcp *t, struct conn *c);

/* --- urgent.c: 3.8.5 */
void urgent_arrived(struct tcp *t, struct conn *c, uint32_t up);
uint32_t urgent_unread(const struct conn *c);
void urgent_read(struct conn *c);
/* What is queued is urgent: 0, or -TCPD_ERR_*. */
int urgent_mark(struct tcp *t, struct conn *c);
/* Of a segment at |seq|; 0: it has no URG bit. */
uint16_t urgent_pointer(const struct conn *c, uint32_t seq);
void urgent_acked(struct conn *c);

/* --- delack.c: when to acknowledge, and which window to announce */
void delack_in_order(struct tcp *t, struct conn *c, const struct segment *seg);
void delack_now(struct tcp *t, struct conn *c); /* one of its own, soon */
uint32_t delack_window(const struct tcp *t, const struct conn *c);
void delack_sent(struct tcp *t, struct conn *c, uint32_t wnd);
/* The reader has taken text. */
void delack_read(struct tcp *t, struct conn *c);

/* --- chrono.c: what a sender's time goes into */
void chrono_look(struct tcp *t, struct conn *c);
tcpd_time chrono_spent(const struct tcp *t, const struct conn *c,
		       enum chrono what, tcpd_time now);

/* --- grow.c: the receive buffer follows its reader */
/* An ACK has left. */
void grow_acked(struct tcp *t, struct conn *c);
/* Should its reader tell now what his own has not read? */
bool grow_asks(const struct tcp *t, const struct conn *c);
/* So many octets that were taken. */
void grow_held(struct tcp *t, struct conn *c, uint32_t held);
/* The slot goes back. */
void grow_free(struct tcp *t, struct conn *c);

/* --- output.c, commit.c, emit.c */
/* A connection's turn comes after so many replies in a row: a device that
 * takes few packets, and a flood that asks for as many answers, must not hold
 * up what is established. */
#define REPLY_RUN 64u

bool output_next(struct tcp *t, struct plan *p);
/* Text comes after a pause: RFC 5681, 4.1. */
void output_restart(struct tcp *t, struct conn *c);
void output_commit(struct tcp *t);
struct plan output_text_plan(const struct tcp *t, const struct conn *c,
			     enum plan_kind kind);
void output_failed(struct tcp *t);
void emit_segment(struct tcp *t, struct tcpd_out *out, const struct plan *p);
void emit_reply(struct tcp *t, struct tcpd_out *out, const struct plan *p);
/* REPLY_ICMP: octets of it that go next. */
uint32_t emit_piece(const struct tcp *t, const struct reply *r);

#define QUICK_ACKS  16	/* ACKs at the start that are not delayed */
#define TS_OPTION   12u /* NOP NOP TS: on every segment */
#define TTL_DEFAULT 64u /* MUST-49 */

/* --- recover.c */
void recover_reorder(struct tcp *t, struct conn *c);

/* --- commit.c: |x| has left again, and waits for nothing any more */
struct xmit;
void commit_sent_again(struct tcp *t, struct conn *c, struct xmit *x);

/* --- tlp.c: RFC 8985, 7 */
/* When a probe is due, the RTO being so at |rto|; 0: none is. */
tcpd_time tlp_at(const struct tcp *t, const struct conn *c, tcpd_time rto);
void tlp_timeout(struct tcp *t, struct conn *c);
bool tlp_plan(const struct tcp *t, const struct conn *c, struct plan *p);
void tlp_commit(struct tcp *t, struct conn *c, const struct plan *p);
void tlp_sent_new(struct tcp *t, struct conn *c);  /* new text has left */
void tlp_acked(struct tcp *t, struct conn *c);	   /* SND.UNA has moved */
void tlp_came_twice(struct conn *c, uint32_t ack); /* says the peer */

/* --- sack.c: RFC 2018, RFC 2883 */
/* Text that is out of order has arrived at |dup->left|; |dup| is the part of it
 * that had come before.  The ACK that is due for it begins with its block. */
void sack_arrived(struct tcp *t, struct conn *c, struct range dup);
/* The same, where the ACK of the arrival before, which has not left, serves for
 * this one as well: false, it does not. */
bool sack_joins(struct tcp *t, struct conn *c, uint32_t left);
/* The slot goes back, unless something is out of order or not answered. */
void sack_trim(struct tcp *t, struct conn *c);
/* Nothing is answered any more. */
void sack_forget(struct tcp *t, struct conn *c);
/* The blocks for the next segment, at most NSACKS. */
unsigned sack_blocks(const struct tcp *t, const struct conn *c,
		     struct tcpopt_sack *s);
/* ... and what they cost, with NOPs. */
uint32_t sack_octets(unsigned nblocks);
/* A segment with |n| blocks has left. */
void sack_sent(struct tcp *t, struct conn *c, unsigned n);
/* The blocks that |n->seg| brings. */
struct news;
void sack_take(struct tcp *t, struct conn *c, struct news *n);

/* --- ecn.c: RFC 3168 */
/* An ECN-setup SYN, which no path has marked. */
bool ecn_asks(const struct segment *syn);
/* Flags of a SYN or SYN-ACK of ours. */
uint8_t ecn_syn_flags(const struct conn *c);
/* A SYN of ours is sent again: without, from here on. */
void ecn_syn_again(struct tcp *t, struct conn *c);
/* Our SYN asks; a SYN or a SYN-ACK has come while it was out. */
void ecn_ask(const struct tcp *t, struct conn *c);
void ecn_answered(struct tcp *t, struct conn *c, const struct segment *seg);
/* Text inside the window has come. */
void ecn_arrived(struct tcp *t, struct conn *c, const struct segment *seg);
/* Into a plan: what its segment says, and whether it is marked. */
void ecn_plan(const struct conn *c, struct plan *p);
void ecn_sent(struct tcp *t, struct conn *c, const struct plan *p);
/* An ACK.  True: it tells of a congestion mark. */
struct news;
bool ecn_heard(struct tcp *t, struct conn *c, const struct news *n);
/* The window is to fall for a mark, as once a round trip.  False: not. */
bool ecn_cut(struct tcp *t, struct conn *c);
/* It has fallen for a loss; |ssthresh|: before that. */
void ecn_lost(struct tcp *t, struct conn *c, uint32_t ssthresh);

/* --- stall.c: connections that hold the send budget.  When it wants to be
 * asked again, TCPD_NEVER: not before the budget is used up */
tcpd_time stall_look(struct tcp *t);

/* --- sendq.c */
int sendq_room(struct tcp *t, struct conn *c, uint32_t want,
	       struct tcpd_room *r, size_t n);
void sendq_filled(struct tcp *t, struct conn *c, uint32_t n);
/* What is queued so far ends a record (MSG_EOR). */
void sendq_end_record(struct tcp *t, struct conn *c);
/* Of |len| octets from |seq|, those up to the end of their record. */
uint32_t sendq_record(const struct tcp *t, const struct conn *c, uint32_t seq,
		      uint32_t len);
/* Is there room for whoever waits for it? */
void sendq_wake(struct tcp *t, struct conn *c);
uint32_t sendq_limit(const struct tcp *t, const struct conn *c);
unsigned sendq_slices(const struct tcp *t, const struct conn *c, uint32_t seq,
		      uint32_t *len, struct tcpd_slice *s, unsigned n);
void sendq_acked(struct tcp *t, struct conn *c, uint32_t una);
void sendq_clear(struct tcp *t, struct conn *c);

/* --- recvq.c */
/* Text at |seq| (inside the window) that may be borrowed while it lies in a
 * packet: what became of it. */
enum recvq_took { RQ_NOTHING, RQ_IN_ORDER, RQ_FILLED_GAP, RQ_OUT_OF_ORDER };
enum recvq_took recvq_put(struct tcp *t, struct conn *c, uint32_t seq,
			  const uint8_t *p, uint32_t len);
unsigned recvq_peek(const struct tcp *t, const struct conn *c,
		    struct tcpd_slice *s, size_t n);
void recvq_read(struct tcp *t, struct conn *c, uint32_t n);
void recvq_settle(struct tcp *t); /* end of a batch: copy what is borrowed */
void recvq_settle_conn(struct tcp *t, struct conn *c);
void recvq_clear(struct tcp *t, struct conn *c);
const struct range *recvq_ranges(const struct tcp *t, const struct conn *c);
/* The one that holds |seq|, or NULL. */
const struct range *recvq_range_of(const struct tcp *t, const struct conn *c,
				   uint32_t seq);
/* The first part of [left, right) that is in one; empty: nothing of it is. */
struct range recvq_overlap(const struct tcp *t, const struct conn *c,
			   uint32_t left, uint32_t right);

#endif /* TCP_CONN_H */
