/* SPDX-License-Identifier: MIT */
/*
 * burst.c - how much leaves in one go, where bursts are kept short
 * (tcpd_settings.as_linux): what the path takes in a millisecond at twice the
 * present rate (near the threshold of slow start 1.2 times), two segments
 * (tcpd_settings.burst_segments) at least, half of the congestion window at
 * most; more where round trips are so short that it does not matter.  A burst
 * of several segments ends with PSH, so that a receiver which collects segments
 * hands them up at once.
 */
#include "base/seq.h"
#include "conn.h"
#include "pace.h"

#define NEAR_BITS 9u /* of the round trip in us: half a millisecond */

uint64_t burst_rate(const struct conn *c)
{
	bool slow_start = c->ccs.cwnd < c->ccs.ssthresh / 2;
	/* in a recovery cwnd is what goes on beside what is lost, and what is
	 * out is nearer to what the path takes */
	uint64_t window = max_u32(c->ccs.cwnd, conn_flight(c));

	if (c->srtt == 0)
		return 0;
	return window * (slow_start ? 200 : 120) / 100 * TCPD_SEC(1) / c->srtt;
}

static uint32_t octets(const struct conn *c)
{
	uint64_t rate = burst_rate(c) >> 10;
	uint64_t near = c->min_rtt / 1000 >> NEAR_BITS;

	if (c->srtt == 0)
		return BURST_MAX;
	if (near < 16)
		rate += BURST_MAX >> near;
	return (uint32_t)min_u64(rate, BURST_MAX);
}

bool burst_goes_on(const struct conn *c)
{
	return seq_gt(c->burst_end, c->snd_nxt);
}

uint32_t burst_end(const struct conn *c, uint32_t len, uint32_t mss,
		   uint32_t least)
{
	uint32_t left = c->burst_end - c->snd_nxt;
	uint32_t most;

	/* segments may have become larger meanwhile: what is left has to make
	 * sense, too (3.8.6.2.1), or nothing would ever go again */
	if (burst_goes_on(c) && (left >= mss || left >= len))
		return c->burst_end;
	most = max_u32(octets(c) / mss, least ? least : 2);
	most = min_u32(most, max_u32(c->ccs.cwnd / 2 / mss, 1));
	return c->snd_nxt + min_u32(len, most * mss);
}
