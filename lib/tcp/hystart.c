/* SPDX-License-Identifier: MIT */
/*
 * hystart.c - HyStart++ (RFC 9406): the first slow start ends when round trips
 * grow longer, before anything is lost.  Round by round the least of at least
 * eight samples is compared with that of the round before; where it has grown,
 * conservative slow start (CSS) looks for five rounds whether that was a queue.
 *
 * L, the limit to what one ACK adds, is not there: an ACK of what receive
 * offload has put together stands for dozens of segments, and what leaves at
 * once is limited where it leaves (pacing, 4.3).
 *
 * With Linux's numbers: from 16 segments on, against the least round trip there
 * was, by the ninth sample, and no CSS.
 */
#include "base/clamp.h"
#include "cc_window.h"

#define MIN_RTT_THRESH	   TCPD_MS(4)
#define MAX_RTT_THRESH	   TCPD_MS(16)
#define MIN_RTT_DIVISOR	   8
#define N_RTT_SAMPLE	   8
#define CSS_GROWTH_DIVISOR 4
#define CSS_ROUNDS	   5

#define LINUX_LOW_WINDOW   16 /* segments */

static tcpd_time threshold(tcpd_time rtt)
{
	return rtt +
	       clamp_u64(rtt / MIN_RTT_DIVISOR, MIN_RTT_THRESH, MAX_RTT_THRESH);
}

static bool as_linux(const struct cc_state *s, uint64_t *priv)
{
	if (s->cwnd < LINUX_LOW_WINDOW * s->mss)
		priv[H_SAMPLES] = priv[H_LEAST] = 0;
	return priv[H_SAMPLES] > N_RTT_SAMPLE &&
	       priv[H_LEAST] > threshold(priv[H_BASE]);
}

/* A round is over: true, it was the last one of CSS. */
static bool next_round(uint64_t *priv)
{
	priv[H_LAST] = priv[H_LEAST];
	priv[H_LEAST] = 0;
	priv[H_SAMPLES] = 0;
	return priv[H_PHASE] == HYSTART_CSS && ++priv[H_ROUNDS] >= CSS_ROUNDS;
}

static tcpd_time least(tcpd_time a, tcpd_time b) /* 0: not known */
{
	return a ? min_u64(a, b) : b;
}

bool hystart_acked(const struct cc_state *s, uint64_t *priv,
		   const struct cc_sample *rs, bool round)
{
	if (round && next_round(priv))
		return true;
	if (rs->rtt) {
		priv[H_LEAST] = least(priv[H_LEAST], rs->rtt);
		priv[H_SAMPLES]++;
		if (priv[W_LINUX])
			priv[H_BASE] = least(priv[H_BASE], rs->rtt);
	}
	if (priv[W_LINUX])
		return as_linux(s, priv);
	if (priv[H_SAMPLES] < N_RTT_SAMPLE)
		return false;
	if (priv[H_PHASE] == HYSTART_CSS) {
		if (priv[H_LEAST] < priv[H_BASE])
			priv[H_PHASE] = HYSTART_SLOW_START;
	} else if (priv[H_LAST] && priv[H_LEAST] >= threshold(priv[H_LAST])) {
		priv[H_PHASE] = HYSTART_CSS;
		priv[H_BASE] = priv[H_LEAST];
		priv[H_ROUNDS] = 0;
	}
	return false;
}

uint32_t hystart_gain(const uint64_t *priv, uint32_t n)
{
	return priv[H_PHASE] == HYSTART_CSS ? n / CSS_GROWTH_DIVISOR : n;
}
