/* SPDX-License-Identifier: MIT */
/*
 * bbr_state.c - the states of BBR (draft-ietf-ccwg-bbr, 5.3): Startup, Drain,
 * the cycle that probes for a higher rate (Down, Cruise, Refill, Up), and
 * ProbeRTT, in which the queue drains so that a shorter round trip shows.
 */
#include "bbr.h"

#define PROBE_RTT_LEN TCPD_MS(200)
#define PROBE_WAIT    TCPD_SEC(2) /* and up to a second more */
#define RENO_ROUNDS   63u
#define HEADROOM      15u /* per cent */
#define FULL_LOSSES   6u  /* ranges in a round: the end of Startup */
#define DRAIN_ROUNDS  3u

/* --- small things */

static uint32_t chance(struct bbr *b, uint32_t below)
{
	b->seed ^= b->seed << 13;
	b->seed ^= b->seed >> 7;
	b->seed ^= b->seed << 17;
	return (uint32_t)((b->seed >> 32) * below >> 32);
}

uint32_t bbr_target(const struct bbr *b, const struct cc_state *s)
{
	return min_u32(bbr_bdp(b, b->bw, 100), s->cwnd);
}

/* Room for others: their share of the queue, or of the link. */
uint32_t bbr_with_headroom(const struct bbr *b, const struct cc_state *s)
{
	uint32_t room;

	if (b->longterm == BBR_NO_LIMIT)
		return BBR_NO_LIMIT;
	room = (uint32_t)((uint64_t)b->longterm * HEADROOM / 100);
	room = max_u32(room, s->mss);
	return max_u32((uint32_t)sub_sat(b->longterm, room),
		       BBR_MIN_PIPE * s->mss);
}

void bbr_save_cwnd(struct bbr *b, const struct cc_state *s)
{
	if (b->recovering || b->state == BBR_PROBE_RTT)
		b->prior_cwnd = max_u32(b->prior_cwnd, s->cwnd);
	else
		b->prior_cwnd = s->cwnd;
}

void bbr_restore_cwnd(const struct bbr *b, struct cc_state *s)
{
	s->cwnd = max_u32(s->cwnd, b->prior_cwnd);
}

/* --- the states */

void bbr_start_down(struct bbr *b, tcpd_time now)
{
	bbr_reset_congestion(b);
	b->up_acked_per_inc = BBR_NO_LIMIT;
	b->rounds_since_up = chance(b, 2);
	b->probe_wait =
		(uint32_t)(PROBE_WAIT + chance(b, (uint32_t)TCPD_SEC(1)));
	b->cycle_at = now;
	b->ack_phase = BBR_ACKS_PROBE_STOPPING;
	bbr_start_round(b);
	b->state = BBR_DOWN;
}

void bbr_start_refill(struct bbr *b)
{
	bbr_reset_short_term(b);
	b->up_rounds = 0;
	b->up_acked = 0;
	b->careful = false;
	b->ack_phase = BBR_ACKS_REFILLING;
	bbr_start_round(b);
	b->state = BBR_REFILL;
}

/* The bound on what is in flight rises by 1, 2, 4 ... segments a round. */
static void raise_slope(struct bbr *b, const struct cc_state *s)
{
	uint32_t growth = 1u << min_u32(b->up_rounds, 30);

	b->up_rounds = (uint8_t)min_u32(b->up_rounds + 1u, 30);
	b->up_acked_per_inc = max_u32(s->cwnd / growth, max_u32(s->mss, 1));
}

static void start_up(struct bbr *b, const struct cc_state *s, uint64_t rate)
{
	b->probe_sample = true;
	b->ack_phase = BBR_ACKS_PROBE_STARTING;
	bbr_start_round(b);
	bbr_reset_full_bw(b, rate);
	b->state = BBR_UP;
	raise_slope(b, s);
}

static void enter_drain(struct bbr *b)
{
	b->state = BBR_DRAIN;
	b->drain_round = b->round;
}

/* 5.3.1.3: losses end it, when a whole round of recovery had too many. */
static void check_startup(struct bbr *b, const struct cc_state *s,
			  const struct bbr_ack *k)
{
	const struct cc_sample *rs = k->rs;

	if (b->state != BBR_STARTUP)
		return;
	if (b->loss_round_start && b->recovering &&
	    b->nlost >= (b->one_loss ? 1 : FULL_LOSSES) &&
	    bbr_too_many_lost(b, s, rs->tx_in_flight, rs->sample_lost)) {
		b->undo_state = BBR_STARTUP;
		b->full_bw_reached = true;
		b->longterm = max_u32(bbr_bdp(b, b->bw, 100), b->latest);
	}
	if (b->loss_round_start)
		b->nlost = 0;
	if (b->full_bw_reached)
		enter_drain(b);
}

static void check_drain(struct bbr *b, const struct cc_state *s,
			const struct cc_sample *rs)
{
	if (b->state != BBR_DRAIN)
		return;
	if (rs->in_flight <= bbr_inflight(b, s, bbr_bdp(b, b->bw, 100)) ||
	    b->round - b->drain_round > DRAIN_ROUNDS)
		bbr_start_down(b, rs->now);
}

/* A flow of Reno's would probe after as many round trips as it has segments in
 * flight; so does this one, but for at most 63. */
static bool time_to_probe(struct bbr *b, const struct cc_state *s,
			  tcpd_time now)
{
	uint32_t reno = bbr_target(b, s) / max_u32(s->mss, 1);

	if (now <= b->cycle_at + b->probe_wait &&
	    b->rounds_since_up < min_u32(reno, RENO_ROUNDS))
		return false;
	bbr_start_refill(b);
	return true;
}

static bool time_to_cruise(const struct bbr *b, const struct cc_state *s,
			   uint32_t in_flight)
{
	return in_flight <= bbr_with_headroom(b, s) &&
	       in_flight <= bbr_inflight(b, s, bbr_bdp(b, bbr_max_bw(b), 100));
}

static bool cwnd_limited(const struct bbr *b)
{
	return b->limited || b->was_limited;
}

static bool time_to_go_down(struct bbr *b, const struct cc_state *s,
			    const struct bbr_ack *k)
{
	/* the last probe lost too much there: only as far as that */
	if (b->too_high && k->rs->in_flight >= b->longterm) {
		b->careful = true;
		return true;
	}
	if (cwnd_limited(b) && s->cwnd >= b->longterm) {
		bbr_reset_full_bw(b, k->rate); /* its own bound limits it */
		return false;
	}
	return b->full_bw_now;
}

static void raise_longterm(struct bbr *b, const struct cc_state *s,
			   uint32_t acked)
{
	uint64_t longterm = b->longterm;

	if (!cwnd_limited(b) || s->cwnd < b->longterm)
		return;
	b->up_acked += acked;
	if (b->up_acked >= b->up_acked_per_inc) {
		uint32_t n = b->up_acked / b->up_acked_per_inc;

		b->up_acked -= n * b->up_acked_per_inc;
		longterm += (uint64_t)n * s->mss;
		b->longterm = (uint32_t)min_u64(longterm, BBR_NO_LIMIT - 1);
	}
	if (b->round_start)
		raise_slope(b, s);
}

/* What the probe tells; true: the next state is decided. */
static bool adapt_long_term(struct bbr *b, const struct cc_state *s,
			    const struct bbr_ack *k)
{
	const struct cc_sample *rs = k->rs;

	if (b->ack_phase == BBR_ACKS_PROBE_STARTING && b->round_start)
		b->ack_phase = BBR_ACKS_PROBE_FEEDBACK;
	if (b->ack_phase == BBR_ACKS_PROBE_STOPPING && b->round_start) {
		b->probe_sample = false;
		b->ack_phase = BBR_ACKS_INIT;
		if (bbr_in_probe_bw(b) && !k->app_limited)
			bbr_next_cycle(b);
		if (bbr_in_probe_bw(b) && b->careful && !b->too_high) {
			bbr_start_refill(b); /* it was safe: now in earnest */
			return true;
		}
	}
	if (b->longterm == BBR_NO_LIMIT || !rs->delivered ||
	    bbr_too_many_lost(b, s, rs->tx_in_flight, rs->sample_lost))
		return false;
	b->longterm = max_u32(b->longterm, rs->tx_in_flight);
	if (b->state == BBR_UP)
		raise_longterm(b, s, rs->delivered);
	return false;
}

static void update_cycle(struct bbr *b, const struct cc_state *s,
			 const struct bbr_ack *k)
{
	if (!b->full_bw_reached || adapt_long_term(b, s, k))
		return;
	switch ((enum bbr_state)b->state) {
	case BBR_DOWN:
		if (!time_to_probe(b, s, k->rs->now) &&
		    time_to_cruise(b, s, k->rs->in_flight))
			b->state = BBR_CRUISE;
		break;
	case BBR_CRUISE:
		time_to_probe(b, s, k->rs->now);
		break;
	case BBR_REFILL:
		if (b->round_start)
			start_up(b, s, k->rate);
		break;
	case BBR_UP:
		if (time_to_go_down(b, s, k)) {
			b->too_high = false; /* not yet */
			bbr_start_down(b, k->rs->now);
		}
		break;
	case BBR_STARTUP:
	case BBR_DRAIN:
	case BBR_PROBE_RTT:
	case BBR_NSTATES:
		break;
	}
}

void bbr_update_state(struct bbr *b, const struct cc_state *s,
		      const struct bbr_ack *k)
{
	check_startup(b, s, k);
	check_drain(b, s, k->rs);
	update_cycle(b, s, k);
}

/* --- ProbeRTT */

uint32_t bbr_probe_rtt_cwnd(const struct bbr *b, const struct cc_state *s)
{
	return max_u32(bbr_bdp(b, b->bw, BBR_PROBE_RTT_GAIN),
		       BBR_MIN_PIPE * s->mss);
}

void bbr_probe_rtt_done(struct bbr *b, struct cc_state *s, tcpd_time now)
{
	if (!b->probe_rtt_done || now <= b->probe_rtt_done)
		return;
	b->probe_rtt_min_at = now;
	bbr_restore_cwnd(b, s);
	bbr_reset_short_term(b);
	if (!b->full_bw_reached) {
		b->state = BBR_STARTUP;
		return;
	}
	bbr_start_down(b, now);
	b->state = BBR_CRUISE; /* there is no queue to drain */
}

void bbr_check_probe_rtt(struct bbr *b, struct cc_state *s,
			 const struct cc_sample *rs)
{
	if (b->state != BBR_PROBE_RTT && b->probe_rtt_expired &&
	    !b->idle_restart) {
		bbr_save_cwnd(b, s);
		b->state = BBR_PROBE_RTT;
		b->probe_rtt_done = 0;
		b->ack_phase = BBR_ACKS_PROBE_STOPPING;
		bbr_start_round(b);
	}
	if (b->state == BBR_PROBE_RTT) {
		b->limited_until = b->delivered + rs->in_flight;
		if (!b->probe_rtt_done &&
		    rs->in_flight <= bbr_probe_rtt_cwnd(b, s)) {
			b->probe_rtt_done = rs->now + PROBE_RTT_LEN;
			b->probe_rtt_round_done = false;
			bbr_start_round(b);
		} else if (b->probe_rtt_done) {
			b->probe_rtt_round_done |= b->round_start;
			if (b->probe_rtt_round_done)
				bbr_probe_rtt_done(b, s, rs->now);
		}
	}
	if (rs->delivered)
		b->idle_restart = false;
}
