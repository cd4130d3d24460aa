/* SPDX-License-Identifier: MIT */
/*
 * cc_newreno.c - slow start and congestion avoidance by RFC 5681, counting
 * octets (RFC 3465).
 *
 * In slow start every octet acknowledged is one more, without RFC 3465's limit
 * a single ACK: that of a super-segment stands for dozens of segments.  The
 * first one ends by HyStart++ (cc_window.c).
 *
 * The window is not inflated by duplicate ACKs: what they say has left is
 * taken off the octets in flight instead (conn_pipe), which is the same sum.
 */
#include "base/clamp.h"
#include "cc_window.h"

enum { ACKED = H_WORDS }; /* priv: octets towards the next segment of growth */

static void init(struct cc_state *s, uint64_t *priv, const struct cc_begin *b)
{
	window_init(priv, b);
	s->pacing_rate = 0;
	s->burst = 0;
	priv[ACKED] = 0;
}

static void acked(struct cc_state *s, uint64_t *priv,
		  const struct cc_sample *rs)
{
	priv[ACKED] += window_acked(s, priv, rs);
	while (priv[ACKED] >= s->cwnd) {
		priv[ACKED] -= s->cwnd;
		s->cwnd += s->mss;
	}
}

/* RFC 5681, (4). */
static uint32_t half(const struct cc_state *s, uint32_t in_flight)
{
	return max_u32(in_flight / 2, 2 * s->mss);
}

static void enter_recovery(struct cc_state *s, uint64_t *priv,
			   uint32_t in_flight, enum cc_why why, tcpd_time now)
{
	(void)why;
	(void)now;
	s->ssthresh = half(s, in_flight);
	priv[ACKED] = 0;
}

static void exit_recovery(struct cc_state *s, uint64_t *priv,
			  uint32_t in_flight, tcpd_time now)
{
	(void)s;
	(void)priv;
	(void)in_flight;
	(void)now;
}

static void timeout(struct cc_state *s, uint64_t *priv, uint32_t in_flight,
		    bool first, tcpd_time now)
{
	(void)now;
	if (first)
		s->ssthresh = half(s, in_flight);
	s->cwnd = s->mss;
	priv[ACKED] = 0;
}

static void undo(struct cc_state *s, uint64_t *priv, const struct cc_prior *was,
		 tcpd_time now)
{
	(void)priv;
	(void)now;
	s->cwnd = max_u32(s->cwnd, was->cwnd);
	s->ssthresh = max_u32(s->ssthresh, was->ssthresh);
}

/* RFC 5681, 4.1. */
static void restart(struct cc_state *s, uint64_t *priv, uint32_t iw,
		    tcpd_time idle, tcpd_time now)
{
	(void)idle;
	window_restart(s, priv, iw, now);
}

const struct cc_ops cc_newreno = {
	.name = "newreno",
	.init = init,
	.acked = acked,
	.enter_recovery = enter_recovery,
	.exit_recovery = exit_recovery,
	.timeout = timeout,
	.undo = undo,
	.restart = restart,
};
