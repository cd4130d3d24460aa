/* SPDX-License-Identifier: MIT */
/*
 * bbr_model.c - what BBR believes of the path (draft-ietf-ccwg-bbr, 5.5): the
 * largest delivery rate of two cycles of probing, the least round trip time of
 * ten seconds, how much more than that ACKs in bunches need, and what the last
 * rounds with loss delivered.
 */
#include "bbr.h"

#define MIN_RTT_LEN	TCPD_SEC(10)
#define PROBE_RTT_EVERY TCPD_SEC(5)
#define EXTRA_HALF	5u /* rounds: half of ExtraAckedFilterLen */
#define LOSS_THRESH	2u /* per cent */
#define NOISE		2u /* segments */
#define FULL_BW_GROWTH	125u
#define FULL_BW_ROUNDS	3u

uint32_t bbr_volume(uint64_t rate, tcpd_time time)
{
	uint64_t r = min_u64(rate, BBR_RATE_MAX);
	uint64_t n = min_u64(time / TCPD_SEC(1), UINT32_MAX);
	uint64_t whole = n && r > UINT32_MAX / n ? UINT32_MAX : r * n;

	whole += r * (time % TCPD_SEC(1)) / TCPD_SEC(1);
	return (uint32_t)min_u64(whole, UINT32_MAX / 4);
}

uint32_t bbr_bdp(const struct bbr *b, uint64_t bw, uint32_t gain)
{
	uint64_t n;

	if (!b->min_rtt)
		return b->initial_cwnd;
	n = (uint64_t)bbr_volume(bw, b->min_rtt) * gain / 100;
	return (uint32_t)min_u64(n, UINT32_MAX / 4);
}

/* QuantizationBudget() with 5.5.8.1's budget for offloads: a quantum is being
 * queued, one is cut, and one is put together again. */
uint32_t bbr_inflight(const struct bbr *b, const struct cc_state *s,
		      uint32_t cap)
{
	cap = max_u32(cap, 3 * s->burst);
	cap = max_u32(cap, BBR_MIN_PIPE * s->mss);
	return b->state == BBR_UP ? cap + 2 * s->mss : cap;
}

/* --- rounds */

static void update_round(struct bbr *b, const struct cc_sample *rs)
{
	b->round_start = rs->delivered && rs->prior_delivered >= b->next_round;
	if (!b->round_start)
		return;
	bbr_start_round(b);
	b->round++;
	if (b->rounds_since_up < UINT32_MAX)
		b->rounds_since_up++;
	b->was_limited = b->limited;
	b->limited = false;
}

/* --- rate */

/* 5.5.5: what the app limits says nothing, unless it is more. */
static void update_max_bw(struct bbr *b, const struct bbr_ack *k)
{
	if (k->rate && (k->rate >= bbr_max_bw(b) || !k->app_limited))
		b->max_bw[0] = max_u64(b->max_bw[0], k->rate);
}

void bbr_next_cycle(struct bbr *b)
{
	if (!b->max_bw[0])
		return; /* nothing was measured in this one */
	b->max_bw[1] = b->max_bw[0];
	b->max_bw[0] = 0;
}

void bbr_reset_full_bw(struct bbr *b, uint64_t from)
{
	b->full_bw = from;
	b->full_bw_count = 0;
	b->full_bw_now = false;
}

/*
 * 5.3.1.2: three rounds without a quarter more.  Any sample of a round shows
 * growth, not only the one that begins it: a single one may be the bad one.
 */
static void check_full_bw(struct bbr *b, const struct bbr_ack *k)
{
	if (b->full_bw_now || k->app_limited || !k->rate)
		return;
	if (k->rate >= b->full_bw * FULL_BW_GROWTH / 100) {
		bbr_reset_full_bw(b, k->rate);
		return;
	}
	if (!b->round_start)
		return;
	b->full_bw_count++;
	b->full_bw_now = b->full_bw_count >= FULL_BW_ROUNDS;
	b->full_bw_reached |= b->full_bw_now;
}

/* --- round trip time */

void bbr_update_min_rtt(struct bbr *b, const struct cc_sample *rs)
{
	b->probe_rtt_expired = rs->now > b->probe_rtt_min_at + PROBE_RTT_EVERY;
	if (rs->rtt && (!b->probe_rtt_min || rs->rtt < b->probe_rtt_min ||
			b->probe_rtt_expired)) {
		b->probe_rtt_min = rs->rtt;
		b->probe_rtt_min_at = rs->now;
	}
	if (!b->probe_rtt_min)
		return;
	if (!b->min_rtt || b->probe_rtt_min < b->min_rtt ||
	    rs->now > b->min_rtt_at + MIN_RTT_LEN) {
		b->min_rtt = b->probe_rtt_min;
		b->min_rtt_at = b->probe_rtt_min_at;
	}
}

/* --- ACKs in bunches (5.5.9) */

uint32_t bbr_extra_acked(const struct bbr *b)
{
	return max_u32(b->extra_acked[0], b->extra_acked[1]);
}

/* The largest of the last five to ten rounds; in Startup of one, since what
 * was the rate a round ago is half of what it is. */
static void filter_extra(struct bbr *b, uint32_t extra)
{
	uint8_t half = b->full_bw_reached ? EXTRA_HALF : 1;

	if (b->round_start && ++b->extra_rounds >= half) {
		b->extra_acked[1] = b->full_bw_reached ? b->extra_acked[0] : 0;
		b->extra_acked[0] = 0;
		b->extra_rounds = 0;
	}
	b->extra_acked[0] = max_u32(b->extra_acked[0], extra);
}

static void update_extra(struct bbr *b, const struct cc_state *s,
			 const struct cc_sample *rs)
{
	uint32_t expected = bbr_volume(b->bw, rs->now - b->extra_at);

	if (b->extra_delivered <= expected) {
		b->extra_delivered = 0;
		b->extra_at = rs->now;
		expected = 0;
	}
	b->extra_delivered += rs->delivered;
	filter_extra(b, (uint32_t)min_u64(sub_sat(b->extra_delivered, expected),
					  s->cwnd));
}

/* --- loss */

/*
 * Of a few segments in flight one is more than two per cent, and says nothing:
 * where BBR is to stand a loss rate of one per cent on a short path too, it
 * takes more than two segments (as Startup takes more than five ranges).
 */
bool bbr_too_many_lost(const struct bbr *b, const struct cc_state *s,
		       uint32_t in_flight, uint32_t lost)
{
	if (b->one_loss)
		return lost != 0;
	return lost > NOISE * s->mss &&
	       (uint64_t)lost * 100 > (uint64_t)in_flight * LOSS_THRESH;
}

uint32_t bbr_inflight_at_loss(const struct cc_loss *l)
{
	uint32_t size = l->end - l->seq;
	uint64_t before = sub_sat(l->tx_in_flight, size);
	uint64_t lost = sub_sat(l->lost_since, size);
	uint64_t prefix = sub_sat(before * LOSS_THRESH, lost * 100);

	return (uint32_t)(before + prefix / (100 - LOSS_THRESH));
}

void bbr_reset_congestion(struct bbr *b)
{
	b->loss_in_round = false;
	b->bw_latest = 0;
	b->latest = 0;
}

void bbr_reset_short_term(struct bbr *b)
{
	b->bw_shortterm = BBR_NO_RATE;
	b->shortterm = BBR_NO_LIMIT;
}

/* 5.5.10.3: not while it probes, which is to find out what is lost. */
static void adapt_short_term(struct bbr *b, const struct cc_state *s)
{
	if (b->state == BBR_STARTUP || b->state == BBR_REFILL ||
	    b->state == BBR_UP || !b->loss_in_round)
		return;
	if (b->bw_shortterm == BBR_NO_RATE)
		b->bw_shortterm = bbr_max_bw(b);
	if (b->shortterm == BBR_NO_LIMIT)
		b->shortterm = s->cwnd;
	b->bw_shortterm =
		max_u64(b->bw_latest, b->bw_shortterm / 100 * BBR_BETA);
	b->shortterm = max_u32(
		b->latest, (uint32_t)((uint64_t)b->shortterm * BBR_BETA / 100));
}

void bbr_model_begin(struct bbr *b, const struct cc_state *s,
		     const struct bbr_ack *k)
{
	const struct cc_sample *rs = k->rs;

	b->loss_round_start = false;
	if (rs->delivered) {
		b->bw_latest = max_u64(b->bw_latest, k->rate);
		b->latest = max_u32(b->latest, rs->sample_delivered);
		if (rs->prior_delivered >= b->loss_round) {
			b->loss_round = b->delivered;
			b->loss_round_start = true;
		}
	}
	update_round(b, rs);
	b->limited |= rs->prior_in_flight + s->mss >= s->cwnd;
	update_max_bw(b, k);
	if (b->loss_round_start) {
		adapt_short_term(b, s);
		b->loss_in_round = false;
	}
	update_extra(b, s, rs);
	check_full_bw(b, k);
}

void bbr_model_end(struct bbr *b, const struct bbr_ack *k)
{
	if (b->loss_round_start) {
		b->bw_latest = k->rate;
		b->latest = k->rs->sample_delivered;
	}
	b->bw = min_u64(bbr_max_bw(b), b->bw_shortterm);
}
