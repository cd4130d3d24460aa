/* SPDX-License-Identifier: MIT */
/*
 * bbr.h - BBR version 3 (draft-ietf-ccwg-bbr): the state in a connection's
 * words for congestion control, and what cc_bbr.c (what goes
 * out) has of bbr_state.c (what it is doing) and bbr_model.c (what it believes
 * of the path).  Names are the
 * draft's.  Rates are octets a second, gains are in hundredths, and a bound
 * that is not set is the largest number of its type.
 */
#ifndef TCP_BBR_H
#define TCP_BBR_H

#include <assert.h>

#include "base/clamp.h"
#include "cc.h"

enum bbr_state {
	BBR_STARTUP,
	BBR_DRAIN,
	BBR_DOWN,
	BBR_CRUISE,
	BBR_REFILL,
	BBR_UP,
	BBR_PROBE_RTT,
	BBR_NSTATES
};

enum bbr_ack_phase {
	BBR_ACKS_INIT,
	BBR_ACKS_REFILLING,
	BBR_ACKS_PROBE_STARTING,
	BBR_ACKS_PROBE_FEEDBACK,
	BBR_ACKS_PROBE_STOPPING
};

struct bbr {
	/* the path's rate */
	uint64_t max_bw[2]; /* in this cycle of probing, and in the last one */
	uint64_t bw, bw_shortterm, bw_latest, full_bw, undo_bw_shortterm;
	/* rounds: numbers of octets delivered */
	uint64_t delivered; /* so far */
	uint64_t begun_at;  /* when this began */
	uint64_t next_round, loss_round;
	uint64_t limited_until; /* samples from before it say too little */
	tcpd_time min_rtt, min_rtt_at; /* min_rtt 0: not known */
	tcpd_time probe_rtt_min, probe_rtt_min_at;
	tcpd_time probe_rtt_done; /* 0: not enough has left the path yet */
	tcpd_time cycle_at;
	tcpd_time extra_at; /* since when more than expected is acked ... */
	uint64_t extra_delivered; /* ... which was so much in all */
	uint64_t seed;
	/* octets in flight */
	uint32_t longterm, shortterm, latest;
	uint32_t undo_longterm, undo_shortterm;
	uint32_t prior_cwnd, initial_cwnd;
	uint32_t extra_acked[2]; /* in this half of the window; the other */
	uint32_t up_acked, up_acked_per_inc;
	uint32_t lost_end;   /* of the last range lost */
	uint32_t probe_wait; /* ns */
	/* counts of rounds */
	uint32_t round, drain_round, rounds_since_up;
	uint8_t extra_rounds, up_rounds, full_bw_count;
	uint8_t nlost; /* ranges lost in this round, of Startup */
	uint8_t state, undo_state, ack_phase;
	bool round_start : 1, loss_round_start : 1;
	bool full_bw_now : 1, full_bw_reached : 1;
	bool probe_sample : 1; /* ACKs are of what a probe sent */
	bool loss_in_round : 1;
	bool too_high : 1, careful : 1; /* prev_probe_... */
	bool idle_restart : 1, probe_rtt_expired : 1, probe_rtt_round_done : 1;
	bool recovering : 1, saved : 1;	   /* what undo() is to restore */
	bool limited : 1, was_limited : 1; /* by cwnd, in this round; before */
	bool rtt_seen : 1, one_loss : 1;   /* no SACK: one is known a round */
};
static_assert(sizeof(struct bbr) <= CC_NPRIV * sizeof(uint64_t),
	      "it lives in struct flow");

/* One ACK. */
struct bbr_ack {
	const struct cc_sample *rs;
	uint64_t rate; /* of delivery; 0: no valid sample */
	bool app_limited;
};

#define BBR_NO_RATE	   UINT64_MAX
#define BBR_NO_LIMIT	   UINT32_MAX
#define BBR_RATE_MAX	   (UINT64_MAX / TCPD_SEC(1)) /* 147 Gbit/s */
#define BBR_PROBE_RTT_GAIN 50u
#define BBR_BETA	   70u
#define BBR_MIN_PIPE	   4u /* segments */

static inline bool bbr_in_probe_bw(const struct bbr *b)
{
	return b->state >= BBR_DOWN && b->state <= BBR_UP;
}

static inline uint64_t bbr_max_bw(const struct bbr *b)
{
	return max_u64(b->max_bw[0], b->max_bw[1]);
}

static inline void bbr_start_round(struct bbr *b)
{
	b->next_round = b->delivered;
}

/* --- bbr_model.c */

/* The octets that |rate| delivers in |time|. */
uint32_t bbr_volume(uint64_t rate, tcpd_time time);
/* Near the start of an ACK, and near its end. */
void bbr_model_begin(struct bbr *b, const struct cc_state *s,
		     const struct bbr_ack *k);
void bbr_model_end(struct bbr *b, const struct bbr_ack *k);
void bbr_update_min_rtt(struct bbr *b, const struct cc_sample *rs);
void bbr_reset_short_term(struct bbr *b);
void bbr_reset_congestion(struct bbr *b);
void bbr_reset_full_bw(struct bbr *b, uint64_t from);
/* Once a cycle: what was measured two cycles ago is forgotten. */
void bbr_next_cycle(struct bbr *b);
/* gain * bdp; the first window while there is no round trip time. */
uint32_t bbr_bdp(const struct bbr *b, uint64_t bw, uint32_t gain);
/* ... and at least what offloads and the ACKs of pairs need. */
uint32_t bbr_inflight(const struct bbr *b, const struct cc_state *s,
		      uint32_t cap);
uint32_t bbr_extra_acked(const struct bbr *b);
/* Were |lost| of |in_flight| octets more than a probe may lose? */
bool bbr_too_many_lost(const struct bbr *b, const struct cc_state *s,
		       uint32_t in_flight, uint32_t lost);
/* Up to where |l| filled the path without so much loss. */
uint32_t bbr_inflight_at_loss(const struct cc_loss *l);

/* --- bbr_state.c */

/* 5.3.2 to 5.3.3, and the end of Startup. */
void bbr_update_state(struct bbr *b, const struct cc_state *s,
		      const struct bbr_ack *k);
void bbr_start_down(struct bbr *b, tcpd_time now);
void bbr_start_refill(struct bbr *b);
void bbr_check_probe_rtt(struct bbr *b, struct cc_state *s,
			 const struct cc_sample *rs);
/* Is it over? */
void bbr_probe_rtt_done(struct bbr *b, struct cc_state *s, tcpd_time now);
uint32_t bbr_probe_rtt_cwnd(const struct bbr *b, const struct cc_state *s);
/* What is to be in flight, unless congestion has cut the window. */
uint32_t bbr_target(const struct bbr *b, const struct cc_state *s);
uint32_t bbr_with_headroom(const struct bbr *b, const struct cc_state *s);
/* The last window that no recovery and no ProbeRTT made smaller. */
void bbr_save_cwnd(struct bbr *b, const struct cc_state *s);
void bbr_restore_cwnd(const struct bbr *b, struct cc_state *s);

#endif /* TCP_BBR_H */
