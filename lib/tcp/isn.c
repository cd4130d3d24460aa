/* SPDX-License-Identifier: MIT */
/*
 * isn.c - numbers that others must not guess: initial sequence numbers (RFC
 * 6528), time stamp clocks (RFC 7323, 5.4), flow labels (RFC 6437), and the
 * stack's own random numbers, all from the key of the settings.
 */
#include "tcp.h"

/* M ticks every 64 ns: the whole space in 275 s, above 2MSL. */
#define ISN_TICK_NS 64u

uint32_t isn_for(const struct tcp *t, const struct tuple *tu)
{
	return (uint32_t)(t->now / ISN_TICK_NS) +
	       (uint32_t)tuple_siphash(&t->k_isn, tu);
}

/* An offset of each connection's own: its values tell nothing of uptime or of
 * other connections. */
static uint32_t ts_offset(const struct tcp *t, const struct tuple *tu)
{
	return t->ts_base + (uint32_t)tuple_siphash(&t->k_ts, tu);
}

static uint32_t ts_clock(const struct tcp *t)
{
	return (uint32_t)(t->now / t->set.ts_tick);
}

uint32_t ts_now(const struct tcp *t, const struct tuple *tu)
{
	return ts_clock(t) + ts_offset(t, tu);
}

uint32_t ts_at(const struct tcp *t, const struct tuple *tu, tcpd_time at)
{
	return (uint32_t)(at / t->set.ts_tick) + ts_offset(t, tu);
}

/* The bits are below the offset, where nobody else can read them. */
uint32_t ts_cookie(const struct tcp *t, const struct tuple *tu,
		   const struct cookie_opts *o)
{
	return cookie_ts(ts_clock(t), o) + ts_offset(t, tu);
}

struct cookie_opts ts_cookie_opts(const struct tcp *t, const struct tuple *tu,
				  uint32_t ts_ecr)
{
	return cookie_ts_opts(ts_ecr - ts_offset(t, tu));
}

uint32_t flow_label(const struct tcp *t, const struct tuple *tu)
{
	uint32_t label = (uint32_t)tuple_siphash(&t->k_flow, tu) & 0xfffff;

	return label ? label : 1; /* 0 says that there is none */
}

uint64_t tcp_random(struct tcp *t)
{
	uint64_t n = t->nrand++;

	return siphash(&t->k_rand, &n, sizeof(n));
}
