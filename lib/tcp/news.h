/* SPDX-License-Identifier: MIT */
/*
 * news.h - what one ACK has told: gathered from the records that it
 * acknowledges or SACKs (ack.c, score.c), and asked by those who draw
 * conclusions (rack.c, recover.c, prr.c, undo.c).
 */
#ifndef TCP_NEWS_H
#define TCP_NEWS_H

#include "conn.h"
#include "xmit.h"

#define DUP_THRESH 3 /* segments that came later tell of a loss */

struct news {
	const struct segment *seg; /* NULL: a timer, no ACK */
	uint32_t fack;		   /* the highest delivered: before */
	uint32_t prior;		   /* conn_pipe() before */
	uint32_t flight;	   /* conn_flight() before */
	uint32_t acked;		   /* how far SND.UNA moves */
	uint32_t delivered; /* octets that the peer has now, and had not */
	uint32_t lost;	    /* octets newly marked lost */
	/* of those delivered: sent before the time-out, and not since */
	uint32_t before_rto;
	bool reordered; /* ... of what others had overtaken */
	bool original;	/* ... of what was never sent twice */
	bool dsack;
	bool sacks;	/* it has SACK blocks of what is in flight */
	bool again;	/* a retransmission of this recovery is lost */
	bool duplicate; /* RFC 5681, 2 */
	bool ece;	/* of marks that count (ecn.c) */
	/* of those delivered: text that went once, marked; other */
	bool marked, plain;
	bool cwnd_limited;
	uint8_t dupacks; /* in a row before this one */
	/* the record sent last, of those delivered that went once: Karn */
	bool any;
	bool resent; /* acknowledged: some that went more than once */
	tcpd_time rtt, sent_at;
	struct rate rate;
};

/* --- score.c: the sums over the records, and the marks of SACK blocks */
void score_lost(struct tcp *t, struct conn *c, struct xmit *x);
/* What was marked lost is in flight: it was not lost. */
void score_none_lost(struct tcp *t, struct conn *c);
/* The peer has thrown away what it had SACKed: all of it may be missing. */
void score_renege(struct tcp *t, struct conn *c);
/* |x| has left again. */
void score_resent(struct tcp *t, struct conn *c, struct xmit *x);
/* The first |len| octets of |x| are acknowledged. */
void score_acked(struct tcp *t, struct conn *c, struct news *n, struct xmit *x,
		 uint32_t len);
/* [left, right) has arrived, says the peer. */
void score_sacked(struct tcp *t, struct conn *c, struct news *n, uint32_t left,
		  uint32_t right);

/* --- rack.c: RFC 8985, 6 */
void rack_delivered(struct tcp *t, struct conn *c, struct news *n,
		    const struct xmit *x, uint32_t end);
/* After all was gathered: who is lost now; when to look again, 0: never. */
void rack_detect(struct tcp *t, struct conn *c, struct news *n);
/* Those that a time-out finds lost, besides the first (6.3). */
void rack_mark_old(struct tcp *t, struct conn *c, struct news *n);
void rack_recovered(struct flow *f);

/* --- prr.c: RFC 9937 */
void prr_begin(const struct conn *c, struct flow *f, const struct news *n);
void prr_heard(struct conn *c, struct flow *f, const struct news *n);
void prr_sent(struct flow *f, uint32_t len);

/* --- undo.c: was it a loss at all?  RFC 5682, RFC 4015, RFC 2883 */
void undo_begin(struct tcp *t, struct conn *c);
/* |x| goes again. */
void undo_resent(struct tcp *t, struct conn *c, const struct xmit *x);
/* [left, right) came twice, says the peer. */
void undo_twice(struct flow *f, uint32_t left, uint32_t right);
/* It was none: true, and all is as before. */
bool undo_heard(struct tcp *t, struct conn *c, const struct news *n);
void undo_end(struct flow *f);
/* F-RTO (RFC 5682): a time-out, and what each ACK says then. */
void frto_begin(struct tcp *t, struct conn *c);
enum frto_verdict { FRTO_LOST, FRTO_WAIT, FRTO_SPURIOUS };
enum frto_verdict frto_heard(struct tcp *t, struct conn *c,
			     const struct news *n);

/* --- recover.c: what an ACK means for the recovery of losses */
void recover_heard(struct tcp *t, struct conn *c, struct news *n);
/* The peer says that congestion was marked: once a round trip. */
void recover_marked(struct tcp *t, struct conn *c, const struct news *n);
/* CT_REORDER: RFC 8985, 6.2, step 5. */
void recover_reorder(struct tcp *t, struct conn *c);

/* A probe of the tail has repaired a loss: congestion, but no recovery. */
void recover_at_once(struct tcp *t, struct conn *c);

/* --- rexmt.c */
/* An ACK has come: the timers begin anew if it has |moved| SND.UNA; if not, one
 * of the reordering window may be due or not any more. */
void rexmt_heard(struct tcp *t, struct conn *c, bool moved);
/* A time-out was none in vain: what else is lost. */
void rexmt_mark_rest(struct tcp *t, struct conn *c, struct news *n);

#endif /* TCP_NEWS_H */
