/* SPDX-License-Identifier: MIT */
/*
 * cc_cubic.c - CUBIC (RFC 9438).  Windows are octets, not segments; the time t
 * since congestion avoidance began, K and what follows from them are integers
 * in units of 2^-13 s, in 64 bits: exact for windows of 2^20 segments.
 *
 * t is the sum of the times between two ACKs of which the second one found the
 * window in use, no longer than a round trip each: neither idle nor
 * application-limited time counts (4.2).
 *
 * A loss takes its part of the window, not of what is in flight, where the
 * window is proven (cc_window.c): it does not grow while it is not in use,
 * which is what 4.6 asks for then.
 *
 * With Linux's numbers: the window itself counts always, and growth is looked
 * at 32 times a second, or once a window.
 */
#include <assert.h>
#include "base/clamp.h"
#include "cc_window.h"

/* BETA is 0.7, and C 0.4 segments a second cubed. */
#define BETA(w)	     ((uint32_t)((uint64_t)(w)*7 / 10))
#define FAST(w)	     ((uint32_t)((uint64_t)(w)*17 / 20)) /* (1 + BETA) / 2 */
#define ALPHA_NUM    9u		      /* 3 * (1 - BETA) / (1 + BETA) */
#define ALPHA_DEN    17u	      /* ... is 9 / 17 */
#define EST_BITS     12u	      /* of W_EST behind the point */
#define FAR	     ((1u << 21) - 1) /* 256 s: nobody has such a window */
#define LINUX_LOOK   (TCPD_SEC(1) / 32)
#define WINDOW_LIMIT (1u << 30) /* RFC 7323: no peer takes more */

enum {
	EVENT = H_WORDS, /* no epoch has begun since the last congestion */
	RECOVERS,	 /* ... which is being repaired */
	MARKED,		 /* ... and was a mark: the window it leads to */
	RTT,		 /* the last one; 0: none yet */
	AT,		 /* time of the last ACK */
	CREDIT,		 /* towards the next octet, below cwnd */
	/* what undo() brings back: */
	EPOCH,	    /* congestion avoidance goes on */
	T,	    /* ns of that */
	K,	    /* units */
	ORIGIN,	    /* the window at K, octets */
	W_MAX,	    /* ... that the next epoch leads to; 0: not known */
	W_EST,	    /* Reno's window, 2^-EST_BITS octets */
	CWND_PRIOR, /* the window before */
	UNDO,	    /* the same before the last congestion */
	PENDING = UNDO + (UNDO - EPOCH), /* octets that Linux looks at later */
	LOOKED_AT,
	NWORDS
};
static_assert(NWORDS <= CC_NPRIV, "cc.h");

/* The largest integer whose cube is not larger than |v|. */
static uint64_t cube_root(uint64_t v)
{
	uint64_t r = 0;

	for (int shift = 63; shift >= 0; shift -= 3) {
		uint64_t more;

		r *= 2;
		more = 3 * r * (r + 1) + 1;
		if (v >> shift >= more) {
			v -= more << shift;
			r++;
		}
	}
	return r;
}

/* 2^13 / 10^9 is 2^4 / 5^9. */
static uint64_t units(tcpd_time t)
{
	return (min_u64(t, UINT64_MAX >> 4) << 4) / 1953125;
}

/* (Wmax - cwnd_epoch) / C is 5 / 2 segments^-1 s^3, and a cubic unit 2^-39. */
static uint64_t k_of(uint32_t gap, uint32_t mss)
{
	uint64_t q = ((uint64_t)gap * 5 << 24) / (2 * (uint64_t)mss);

	return cube_root(min_u64(q, UINT64_MAX >> 15) << 15);
}

/* C * (t - K)^3 + Wmax, in octets. */
static uint32_t w_cubic(const uint64_t *priv, uint32_t mss, tcpd_time t)
{
	uint64_t now = units(t), k = priv[K];
	uint64_t x = min_u64(now > k ? now - k : k - now, FAR);
	uint64_t w = (x * x * x >> 19) * 2 * mss / 5 >> 20;

	if (now < k)
		return (uint32_t)sub_sat(priv[ORIGIN], w);
	return (uint32_t)min_u64(priv[ORIGIN] + w, WINDOW_LIMIT);
}

static void init(struct cc_state *s, uint64_t *priv, const struct cc_begin *b)
{
	s->pacing_rate = 0;
	s->burst = 0;
	window_init(priv, b);
	priv[AT] = b->now;
	priv[RTT] = b->srtt;
}

/* 4.2 and 4.3; with an unknown Wmax (4.8, 4.10) K is 0, and cwnd the origin. */
static void begin_epoch(const struct cc_state *s, uint64_t *priv, tcpd_time now)
{
	priv[LOOKED_AT] = now - LINUX_LOOK - 1;
	priv[EPOCH] = true;
	priv[EVENT] = false;
	priv[T] = priv[CREDIT] = 0;
	priv[K] = 0;
	priv[ORIGIN] = s->cwnd;
	if (s->cwnd < priv[W_MAX]) {
		priv[ORIGIN] = priv[W_MAX];
		priv[K] = k_of((uint32_t)priv[W_MAX] - s->cwnd, s->mss);
	}
	priv[W_EST] = (uint64_t)s->cwnd << EST_BITS;
	if (!priv[CWND_PRIOR])
		priv[CWND_PRIOR] = s->cwnd;
}

/* 4.3: alpha segments a round trip, until it is where it was; then one. */
static void reno(const struct cc_state *s, uint64_t *priv, uint32_t n)
{
	uint64_t more = ((uint64_t)n * s->mss << EST_BITS) / s->cwnd;

	if (priv[W_EST] >> EST_BITS < priv[CWND_PRIOR])
		more = more * ALPHA_NUM / ALPHA_DEN;
	priv[W_EST] =
		min_u64(priv[W_EST] + more, (uint64_t)WINDOW_LIMIT << EST_BITS);
}

/* 4.4 and 4.5: towards where the curve is in a round trip. */
static void grow(struct cc_state *s, uint64_t *priv, uint32_t n)
{
	uint32_t target =
		clamp_u32(w_cubic(priv, s->mss, priv[T] + priv[RTT]), s->cwnd,
			  min_u32(s->cwnd + s->cwnd / 2, WINDOW_LIMIT));

	priv[CREDIT] += (uint64_t)(target - s->cwnd) * n;
	n = (uint32_t)(priv[CREDIT] / s->cwnd);
	priv[CREDIT] %= s->cwnd;
	s->cwnd += n;
}

/* Linux does not look at each ACK. */
static bool later(const struct cc_state *s, uint64_t *priv, tcpd_time now)
{
	if (priv[PENDING] < s->cwnd && now - priv[LOOKED_AT] <= LINUX_LOOK)
		return true;
	priv[LOOKED_AT] = now;
	return false;
}

static void avoid(struct cc_state *s, uint64_t *priv, tcpd_time now, uint32_t n)
{
	uint32_t est;

	priv[PENDING] += n;
	if (priv[W_LINUX] && later(s, priv, now))
		return;
	n = (uint32_t)min_u64(priv[PENDING], s->cwnd);
	priv[PENDING] = 0;
	reno(s, priv, n);
	est = (uint32_t)(priv[W_EST] >> EST_BITS);
	if (w_cubic(priv, s->mss, priv[T]) < est)
		s->cwnd = max_u32(s->cwnd, est);
	else
		grow(s, priv, n);
}

static void acked(struct cc_state *s, uint64_t *priv,
		  const struct cc_sample *rs)
{
	tcpd_time gap = rs->now - priv[AT];
	uint32_t n = window_acked(s, priv, rs);

	priv[AT] = rs->now;
	priv[RECOVERS] = priv[RECOVERS] && rs->in_recovery;
	if (rs->rtt)
		priv[RTT] = rs->rtt;
	if (n == 0)
		return;
	if (!priv[EPOCH])
		begin_epoch(s, priv, rs->now);
	else
		priv[T] += min_u64(gap, priv[RTT]);
	avoid(s, priv, rs->now, n);
}

/* The window that congestion takes its part of: in a recovery that goes on
 * (what was sent again is lost again), the one that it leads to. */
static uint32_t window_of(const struct cc_state *s, const uint64_t *priv,
			  uint32_t in_flight)
{
	if (priv[RECOVERS])
		return s->ssthresh;
	if (!priv[W_LINUX] && window_unproven(s, priv, in_flight))
		return (uint32_t)max_u64(priv[W_PEAK], in_flight);
	return s->cwnd;
}

/* What undo() brings back. */
static void copy(uint64_t *to, const uint64_t *from)
{
	for (unsigned i = 0; i < UNDO - EPOCH; i++)
		to[i] = from[i];
}

static uint32_t congestion(struct cc_state *s, uint64_t *priv,
			   uint32_t in_flight)
{
	uint32_t w = window_of(s, priv, in_flight);

	if (!priv[EVENT])
		copy(&priv[UNDO], &priv[EPOCH]);
	priv[EVENT] = true;
	priv[EPOCH] = false;
	priv[PENDING] = 0;
	priv[MARKED] = 0;
	priv[CWND_PRIOR] = w;
	priv[W_MAX] = w < priv[W_MAX] ? FAST(w) : w; /* 4.7 */
	s->ssthresh = max_u32(BETA(w), 2 * s->mss);
	return w;
}

/* The window follows as proportional rate reduction says. */
static void enter_recovery(struct cc_state *s, uint64_t *priv,
			   uint32_t in_flight, enum cc_why why, tcpd_time now)
{
	uint32_t w = congestion(s, priv, in_flight);

	(void)now;
	priv[RECOVERS] = true;
	if (why == CC_CE)
		priv[MARKED] = max_u32(BETA(w), s->mss);
}

/* Marks bring the window down to a segment, losses to two (4.6). */
static void exit_recovery(struct cc_state *s, uint64_t *priv,
			  uint32_t in_flight, tcpd_time now)
{
	(void)in_flight;
	(void)now;
	if (priv[MARKED])
		s->cwnd = min_u32(s->cwnd, (uint32_t)priv[MARKED]);
	priv[RECOVERS] = false;
	priv[MARKED] = 0;
}

/* 4.8: the next epoch begins at its own maximum. */
static void timeout(struct cc_state *s, uint64_t *priv, uint32_t in_flight,
		    bool first, tcpd_time now)
{
	(void)now;
	if (first)
		congestion(s, priv, in_flight);
	priv[RECOVERS] = false;
	priv[EPOCH] = false;
	priv[W_MAX] = 0;
	s->cwnd = s->mss;
}

/* 4.9: an epoch goes on as if nothing had been. */
static void undo(struct cc_state *s, uint64_t *priv, const struct cc_prior *was,
		 tcpd_time now)
{
	if (s->cwnd < was->cwnd)
		copy(&priv[EPOCH], &priv[UNDO]);
	priv[EVENT] = priv[RECOVERS] = false;
	priv[MARKED] = 0;
	priv[AT] = now;
	s->cwnd = max_u32(s->cwnd, was->cwnd);
	s->ssthresh = max_u32(s->ssthresh, was->ssthresh);
}

/* The way back to the last maximum is a new epoch. */
static void restart(struct cc_state *s, uint64_t *priv, uint32_t iw,
		    tcpd_time idle, tcpd_time now)
{
	(void)idle;
	if (s->cwnd > iw)
		priv[EPOCH] = false;
	window_restart(s, priv, iw, now);
	priv[AT] = now;
}

const struct cc_ops cc_cubic = {
	.name = "cubic",
	.init = init,
	.acked = acked,
	.enter_recovery = enter_recovery,
	.exit_recovery = exit_recovery,
	.timeout = timeout,
	.undo = undo,
	.restart = restart,
};
