/* SPDX-License-Identifier: MIT */
/*
 * cc_bbr.c - BBR version 3 (draft-ietf-ccwg-bbr): window, pacing rate and
 * burst, out of what it is doing (bbr_state.c) and what it believes of the path
 * (bbr_model.c); and what a loss changes, and its undoing.
 *
 * What the draft leaves open is said where it is decided.  A congestion mark
 * (ECN) counts as a round with loss, and ends Startup or a probe.
 */
#include <string.h>

#include "bbr.h"

#define PACING_MARGIN 1u /* per cent below the rate */
#define QUANTUM_MAX   (64u << 10)
#define DEFAULT_RTT   TCPD_MS(1) /* while none is known */

static const struct {
	uint16_t pacing, cwnd;
} gains[BBR_NSTATES] = {
	[BBR_STARTUP] = {277, 200},
	[BBR_DRAIN] = {50, 200},
	[BBR_DOWN] = {90, 200},
	[BBR_CRUISE] = {100, 200},
	[BBR_REFILL] = {100, 200},
	[BBR_UP] = {125, 225},
	[BBR_PROBE_RTT] = {100, BBR_PROBE_RTT_GAIN},
};

/* --- small things */

static struct bbr *state_of(uint64_t *priv)
{
	struct bbr *b = (struct bbr *)priv;

	/* what a record brings back is not trusted to index or divide */
	if (b->state >= BBR_NSTATES)
		b->state = BBR_STARTUP;
	b->up_acked_per_inc = max_u32(b->up_acked_per_inc, 1);
	return b;
}

static void set_pacing(struct bbr *b, struct cc_state *s, uint32_t gain)
{
	uint64_t rate = b->bw * gain / 100 * (100 - PACING_MARGIN) / 100;

	/* two segments a second: or it would take for ever to learn more */
	rate = max_u64(rate, 2 * s->mss);
	if (b->full_bw_reached || rate > s->pacing_rate)
		s->pacing_rate = rate;
}

static void set_quantum(struct cc_state *s)
{
	uint64_t n = min_u64(s->pacing_rate / 1000, QUANTUM_MAX);

	s->burst = max_u32((uint32_t)n, 2 * s->mss);
}

/* The first window in a round trip, and twice as much in the next. */
static void init_pacing(struct bbr *b, struct cc_state *s, tcpd_time rtt)
{
	uint64_t rate = (uint64_t)b->initial_cwnd * TCPD_SEC(1) /
			(rtt ? rtt : DEFAULT_RTT);

	s->pacing_rate = max_u64(rate * gains[BBR_STARTUP].pacing / 100, 1);
	b->rtt_seen = rtt != 0;
	set_quantum(s);
}

/* --- the window */

static void bound_cwnd(const struct bbr *b, struct cc_state *s)
{
	uint32_t cap = BBR_NO_LIMIT;

	if (b->state == BBR_PROBE_RTT || b->state == BBR_CRUISE)
		cap = bbr_with_headroom(b, s);
	else if (bbr_in_probe_bw(b))
		cap = b->longterm;
	cap = min_u32(cap, b->shortterm);
	cap = max_u32(cap, BBR_MIN_PIPE * s->mss);
	s->cwnd = min_u32(s->cwnd, cap);
}

static void set_cwnd(const struct bbr *b, struct cc_state *s, uint32_t acked)
{
	uint32_t gain = gains[b->state].cwnd;
	uint64_t most = (uint64_t)bbr_bdp(b, b->bw, gain) + bbr_extra_acked(b);
	uint32_t cwnd = s->cwnd;

	most = bbr_inflight(b, s, (uint32_t)min_u64(most, UINT32_MAX / 2));
	if (b->full_bw_reached)
		cwnd = (uint32_t)min_u64((uint64_t)cwnd + acked, most);
	else if (cwnd < most || b->delivered - b->begun_at < b->initial_cwnd)
		cwnd = (uint32_t)min_u64((uint64_t)cwnd + acked,
					 UINT32_MAX / 2);
	s->cwnd = max_u32(cwnd, BBR_MIN_PIPE * s->mss);
	if (b->state == BBR_PROBE_RTT)
		s->cwnd = min_u32(s->cwnd, bbr_probe_rtt_cwnd(b, s));
	bound_cwnd(b, s);
}

/* --- operations */

static void bbr_init(struct cc_state *s, uint64_t *priv,
		     const struct cc_begin *n)
{
	struct bbr *b = state_of(priv);

	memset(b, 0, sizeof(*b));
	b->seed = (n->seed + 1) * 0x9e3779b97f4a7c15u | 1;
	b->one_loss = !n->sack;
	b->delivered = b->begun_at = n->total_delivered;
	b->next_round = b->loss_round = n->total_delivered;
	b->min_rtt = b->probe_rtt_min = n->srtt;
	b->min_rtt_at = b->probe_rtt_min_at = b->extra_at = n->now;
	b->cycle_at = n->now;
	b->longterm = b->undo_longterm = BBR_NO_LIMIT;
	b->undo_state = BBR_NSTATES;
	b->up_acked_per_inc = BBR_NO_LIMIT;
	b->initial_cwnd = s->cwnd;
	bbr_reset_short_term(b);
	b->undo_bw_shortterm = b->bw_shortterm;
	b->undo_shortterm = b->shortterm;
	init_pacing(b, s, n->srtt);
}

static void bbr_acked(struct cc_state *s, uint64_t *priv,
		      const struct cc_sample *rs)
{
	struct bbr *b = state_of(priv);
	struct bbr_ack k = {.rs = rs, .app_limited = rs->app_limited};

	if (rs->interval)
		k.rate = min_u64((uint64_t)rs->sample_delivered * TCPD_SEC(1) /
					 rs->interval,
				 BBR_RATE_MAX);
	/* what ProbeRTT lets out is limited too, though not by the app */
	k.app_limited |= rs->prior_delivered < b->limited_until;
	b->delivered = rs->total_delivered;
	if (!b->rtt_seen && rs->rtt && !b->full_bw_reached)
		init_pacing(b, s, rs->rtt);
	bbr_model_begin(b, s, &k);
	bbr_update_state(b, s, &k);
	bbr_update_min_rtt(b, rs);
	bbr_check_probe_rtt(b, s, rs);
	bbr_model_end(b, &k);
	set_pacing(b, s, gains[b->state].pacing);
	set_quantum(s);
	set_cwnd(b, s, rs->delivered);
	b->saved &= b->recovering;
}

/* What a loss may change, once an episode: the draft's every round would save
 * what the first one has changed already. */
static void save_for_undo(struct bbr *b, const struct cc_state *s)
{
	if (b->saved)
		return;
	b->saved = true;
	bbr_save_cwnd(b, s);
	b->undo_state = BBR_NSTATES;
	b->undo_bw_shortterm = b->bw_shortterm;
	b->undo_shortterm = b->shortterm;
	b->undo_longterm = b->longterm;
}

static void note_loss(struct bbr *b, const struct cc_state *s)
{
	save_for_undo(b, s);
	if (!b->loss_in_round)
		b->loss_round = b->delivered;
	b->loss_in_round = true;
}

/* The probe has gone too far, with |in_flight| octets out. */
static void too_high(struct bbr *b, const struct cc_state *s,
		     uint32_t in_flight, bool app_limited, tcpd_time now)
{
	uint32_t least =
		(uint32_t)((uint64_t)bbr_target(b, s) * BBR_BETA / 100);

	b->too_high = true;
	b->probe_sample = false; /* once a probe */
	if (!app_limited)
		b->longterm = max_u32(in_flight, least);
	if (b->state == BBR_UP) {
		b->undo_state = BBR_UP;
		bbr_start_down(b, now);
	}
}

static void bbr_lost(struct cc_state *s, uint64_t *priv,
		     const struct cc_loss *l)
{
	struct bbr *b = state_of(priv);

	b->delivered = l->total_delivered;
	note_loss(b, s);
	if (b->nlost == 0 || l->seq != b->lost_end)
		b->nlost = (uint8_t)min_u32(b->nlost + 1u, UINT8_MAX);
	b->lost_end = l->end;
	if (b->probe_sample &&
	    bbr_too_many_lost(b, s, l->tx_in_flight, l->lost_since))
		too_high(b, s, bbr_inflight_at_loss(l), l->app_limited, l->now);
}

static void bbr_enter_recovery(struct cc_state *s, uint64_t *priv,
			       uint32_t in_flight, enum cc_why why,
			       tcpd_time now)
{
	struct bbr *b = state_of(priv);

	if (why == CC_LOSS) {
		save_for_undo(b, s);
		b->recovering = true;
		return;
	}
	note_loss(b, s);
	if (b->state == BBR_STARTUP)
		b->full_bw_reached = true;
	if (b->probe_sample)
		too_high(b, s, in_flight, false, now);
}

static void bbr_exit_recovery(struct cc_state *s, uint64_t *priv,
			      uint32_t in_flight, tcpd_time now)
{
	struct bbr *b = state_of(priv);

	(void)in_flight;
	(void)now;
	b->saved = b->recovering = false;
	bbr_restore_cwnd(b, s);
	if (b->state == BBR_PROBE_RTT)
		s->cwnd = min_u32(s->cwnd, bbr_probe_rtt_cwnd(b, s));
	bound_cwnd(b, s);
}

/* One segment; the model stays, and the window is back with the first ACKs. */
static void bbr_timeout(struct cc_state *s, uint64_t *priv, uint32_t in_flight,
			bool first, tcpd_time now)
{
	struct bbr *b = state_of(priv);

	(void)in_flight;
	(void)now;
	if (first)
		note_loss(b, s);
	b->recovering = true;
	s->cwnd = s->mss;
}

static void bbr_undo(struct cc_state *s, uint64_t *priv,
		     const struct cc_prior *was, tcpd_time now)
{
	struct bbr *b = state_of(priv);
	uint8_t from = b->undo_state;

	(void)now;
	b->saved = b->recovering = false;
	b->prior_cwnd = max_u32(b->prior_cwnd, was->cwnd);
	bbr_restore_cwnd(b, s);
	b->loss_in_round = false;
	b->nlost = 0;
	bbr_reset_full_bw(b, 0);
	b->bw_shortterm = max_u64(b->bw_shortterm, b->undo_bw_shortterm);
	b->shortterm = max_u32(b->shortterm, b->undo_shortterm);
	b->longterm = max_u32(b->longterm, b->undo_longterm);
	b->undo_state = BBR_NSTATES;
	if (from == BBR_STARTUP && b->state != BBR_STARTUP) {
		b->full_bw_reached = false;
		if (b->state != BBR_PROBE_RTT)
			b->state = BBR_STARTUP;
	} else if (from == BBR_UP && b->state != BBR_UP &&
		   b->state != BBR_PROBE_RTT) {
		bbr_start_refill(b);
	}
}

/* Pacing at the known rate fills the path again within a round trip: no need
 * for a smaller window (5.4). */
static void bbr_restart(struct cc_state *s, uint64_t *priv, uint32_t iw,
			tcpd_time idle, tcpd_time now)
{
	(void)s;
	(void)priv;
	(void)iw;
	(void)idle;
	(void)now;
}

/* HandleRestartFromIdle() */
static void bbr_sending(struct cc_state *s, uint64_t *priv, bool app_limited,
			tcpd_time now)
{
	struct bbr *b = state_of(priv);

	if (!app_limited)
		return;
	b->idle_restart = true;
	b->extra_at = now;
	b->extra_delivered = 0;
	if (bbr_in_probe_bw(b))
		set_pacing(b, s, 100);
	else if (b->state == BBR_PROBE_RTT)
		bbr_probe_rtt_done(b, s, now);
	set_quantum(s);
}

const struct cc_ops cc_bbr = {
	.name = "bbr",
	.own_window = true,
	.init = bbr_init,
	.acked = bbr_acked,
	.lost = bbr_lost,
	.sending = bbr_sending,
	.enter_recovery = bbr_enter_recovery,
	.exit_recovery = bbr_exit_recovery,
	.timeout = bbr_timeout,
	.undo = bbr_undo,
	.restart = bbr_restart,
};
