/* SPDX-License-Identifier: MIT */
/*
 * grow.c - the receive buffer follows its reader: twice what came and was read
 * in the last round trip (dynamic right-sizing), so that a sender in slow start
 * always finds room to double, and a loss costs no stall.
 *
 * A round trip is the shortest that was seen.  One that is measured while the
 * buffer fills a queue on the way holds that queue, too: a buffer sized by it
 * would feed the queue for ever, at the cost of everybody who shares it.
 *
 * What is out of order does not stand in any queue on the way: the window is
 * wider by it (delack.c), so that a hole does not stop the sender.
 */
#include "conn.h"
#include "mem.h"

/* Text after which a connection is worth looking at. */
#define GROW_AFTER (8u << 10)

/* Loopback-like paths have round trips below the time a wake-up takes. */
#define ROUND_MIN  TCPD_US(100)

/* On a path shorter than the first a round lasts as long as the second: what
 * comes while the caller is held up is drained in no time, and says nothing. */
#define ROUND_SURE TCPD_MS(2)
#define ROUND_LONG TCPD_MS(10)

/* A path has become longer when for so long all round trips took so many times
 * what the shortest did. */
#define PATH_TIME  TCPD_SEC(10)
#define PATH_TIMES 8u

static uint32_t came(const struct conn *c)
{
	return (uint32_t)c->octets_received + c->rq.ooo;
}

static void begin(const struct tcp *t, const struct conn *c, struct inflow *g)
{
	g->at = t->now;
	g->read = c->rq.read;
	g->came = came(c);
	g->held_then = g->held;
}

static void take(struct tcp *t, struct conn *c)
{
	struct inflow *g;

	c->inflow = slab_take(&t->inflows) + 1;
	g = inflow_of(t, c);
	*g = (struct inflow){
		.rtt = (uint32_t)min_u64(c->min_rtt, UINT32_MAX),
		.rtt_at = t->now,
		.edge = c->rcv_adv,
		.edge_at = t->now,
	};
	begin(t, c, g);
	g->read = c->irs + 1; /* what brought it here counts */
	g->came = 0;
}

/* A round trip took at most |took|. */
static void sample(const struct tcp *t, struct inflow *g, tcpd_time took)
{
	uint32_t rtt = (uint32_t)min_u64(max_u64(took, 1), UINT32_MAX);

	if (!g->rtt || rtt <= (uint64_t)PATH_TIMES * g->rtt) {
		g->rtt = g->rtt ? min_u32(g->rtt, rtt) : rtt;
		g->longer = 0;
		g->rtt_at = t->now;
		return;
	}
	g->longer = g->longer ? min_u32(g->longer, rtt) : rtt;
	if (t->now - g->rtt_at < PATH_TIME)
		return;
	g->rtt = g->longer;
	g->longer = 0;
	g->rtt_at = t->now;
}

/* Octets that have come and were read since the round began. */
static uint32_t moved(const struct conn *c, const struct inflow *g)
{
	int64_t in = (int32_t)(came(c) - g->came);
	int64_t out = (int64_t)(c->rq.read - g->read) - g->held + g->held_then;
	int64_t n = out < in ? out : in;

	return n > 0 ? (uint32_t)min_u64((uint64_t)n, UINT32_MAX) : 0;
}

static tcpd_time round_trip(const struct inflow *g)
{
	return max_u64(g->rtt, ROUND_MIN);
}

/* Octets that the last round trip moved: this round, and of the one before as
 * much as is missing to a whole one. */
static uint32_t per_round_trip(const struct tcp *t, const struct conn *c,
			       const struct inflow *g)
{
	tcpd_time rtt = round_trip(g);
	tcpd_time took = t->now - g->at;
	uint64_t n = moved(c, g);

	if (took > rtt)
		n = n * rtt / took;
	else
		n += g->prev * (rtt - took) / rtt;
	return (uint32_t)min_u64(n, UINT32_MAX);
}

static bool is_short(const struct inflow *g)
{
	return round_trip(g) < ROUND_SURE;
}

static bool is_over(const struct tcp *t, const struct inflow *g)
{
	return t->now - g->at >= (is_short(g) ? ROUND_LONG : round_trip(g));
}

static void look(struct tcp *t, struct conn *c, struct inflow *g)
{
	uint64_t most = min_u64(c->rcv_max, mem_share(t));
	uint64_t want, n;

	/* what comes at one time is one */
	if (t->now == g->at || (is_short(g) && !is_over(t, g)))
		return;
	n = per_round_trip(t, c, g);
	want = 2 * n + sub_sat(n, g->prev); /* it will go on to rise */
	if (g->rtt && !mem_low(t))
		c->rcv_buf = max_u32(c->rcv_buf, (uint32_t)min_u64(want, most));
	if (!is_over(t, g))
		return;
	g->prev = (uint32_t)n;
	begin(t, c, g);
}

void grow_acked(struct tcp *t, struct conn *c)
{
	struct inflow *g = inflow_of(t, c);

	if (!g) {
		if (c->octets_received >= GROW_AFTER)
			take(t, c);
		return;
	}
	/* beyond what had been announced then: only what was announced later
	 * can have brought it */
	if (seq_gt(c->rcv_nxt, g->edge)) {
		sample(t, g, t->now - g->edge_at);
		g->edge = c->rcv_adv;
		g->edge_at = t->now;
	}
	if (!c->hands_on)
		look(t, c, g);
}

bool grow_asks(const struct tcp *t, const struct conn *c)
{
	const struct inflow *g = inflow_of(t, c);

	if (!c->hands_on || !g || t->now == g->at)
		return false;
	return is_over(t, g) ||
	       (!is_short(g) &&
		2 * (uint64_t)per_round_trip(t, c, g) > c->rcv_buf);
}

void grow_held(struct tcp *t, struct conn *c, uint32_t held)
{
	struct inflow *g = inflow_of(t, c);

	c->hands_on = true;
	if (!g)
		return;
	g->held = held;
	look(t, c, g);
}

void grow_free(struct tcp *t, struct conn *c)
{
	if (c->inflow)
		slab_give(&t->inflows, c->inflow - 1);
	c->inflow = 0;
}
