/* SPDX-License-Identifier: MIT */
/*
 * cc_window.c - what modules that keep a congestion window have in common.
 *
 * A window that is not in use says nothing of the path.  It is proven where at
 * least half of it was in flight within a round trip (RFC 7661, 4.1); otherwise
 * it does not grow, and is kept for five minutes (4.4).
 */
#include "cc_window.h"
#include "base/clamp.h"
#include "conn.h"

#define UNPROVEN_MAX TCPD_SEC(300) /* RFC 7661, 4.4: the NVP */

/* RFC 7661, 4.4.3, as RFC 2861: slow start leads back to three quarters. */
static void remember(struct cc_state *s)
{
	s->ssthresh = max_u32(s->ssthresh, s->cwnd - s->cwnd / 4);
}

void window_init(uint64_t *priv, const struct cc_begin *b)
{
	priv[W_VALID_AT] = b->now;
	priv[W_LINUX] = b->as_linux;
}

/*
 * Does a round begin with this ACK?  It is over when what was in flight at its
 * beginning has been delivered. |peak|: that of the round that the ACK's octets
 * belong to.
 */
static bool next_round(uint64_t *priv, const struct cc_sample *rs,
		       uint64_t *peak)
{
	*peak = max_u64(priv[W_PEAK], rs->prior_in_flight);
	if (rs->total_delivered < priv[W_ROUND_END]) {
		priv[W_PEAK] = *peak;
		return false;
	}
	priv[W_ROUND_END] = max_u64(rs->total_delivered + rs->in_flight, 1);
	priv[W_PEAK] = rs->prior_in_flight;
	return true;
}

static void not_in_use(struct cc_state *s, uint64_t *priv, tcpd_time now)
{
	uint32_t iw = conn_initial_window(s->mss);

	if (now - priv[W_VALID_AT] < UNPROVEN_MAX)
		return;
	priv[W_VALID_AT] = now;
	if (s->cwnd <= iw)
		return;
	remember(s);
	s->cwnd = max_u32(s->cwnd / 2, iw);
}

uint32_t window_acked(struct cc_state *s, uint64_t *priv,
		      const struct cc_sample *rs)
{
	uint64_t peak;
	bool round = next_round(priv, rs, &peak);
	bool half = 2 * peak > s->cwnd || peak + s->mss > s->cwnd;
	uint32_t gain;

	if (rs->in_recovery || rs->cwnd_limited || half)
		priv[W_VALID_AT] = rs->now;
	else
		not_in_use(s, priv, rs->now);
	if (rs->in_recovery)
		return 0;
	if (s->ssthresh == UINT32_MAX && hystart_acked(s, priv, rs, round))
		s->ssthresh = s->cwnd;
	if (!rs->cwnd_limited)
		return 0;
	if (s->cwnd >= s->ssthresh)
		return rs->acked;
	if (!half) /* twice of what is in use at most */
		return 0;
	gain = rs->acked;
	if (s->ssthresh == UINT32_MAX)
		gain = hystart_gain(priv, gain);
	if (gain <= s->ssthresh - s->cwnd) {
		s->cwnd += gain;
		return 0;
	}
	gain -= s->ssthresh - s->cwnd;
	s->cwnd = s->ssthresh;
	return gain;
}

bool window_unproven(const struct cc_state *s, const uint64_t *priv,
		     uint32_t in_flight)
{
	return 2 * max_u64(priv[W_PEAK], in_flight) < s->cwnd;
}

void window_restart(struct cc_state *s, uint64_t *priv, uint32_t iw,
		    tcpd_time now)
{
	if (s->cwnd > iw) {
		remember(s);
		s->cwnd = iw;
	}
	priv[W_VALID_AT] = now;
	priv[W_PEAK] = 0;
	priv[W_ROUND_END] = 0;
	priv[H_LAST] = priv[H_LEAST] = 0;
	priv[H_SAMPLES] = 0;
	priv[H_PHASE] = HYSTART_SLOW_START;
}
