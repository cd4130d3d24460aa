/* SPDX-License-Identifier: MIT */
/*
 * pace.c - text leaves in bursts of what its rate takes in a millisecond, one
 * after the other, instead of all that the windows allow at once.  So an ACK
 * for very much, or ACKs that come in crowds, or a restart after a pause, fill
 * no router's queue.
 *
 * The rate is the module's (cc.h), if it has one; otherwise cwnd goes out in
 * half of a round trip in slow start, and in five sixths of one near the
 * threshold and above it.  Those are not paced where a round trip is about as
 * short as a burst takes: there the ACKs are as fine a clock, and a timer for
 * each burst would cost more than the sending.
 *
 * Not held: bare ACKs, SYN, RST, probes of any kind, the first segments ever
 * (the initial window may go at once, RFC 6928), and the retransmission that
 * begins a recovery, for which the peer waits.  What is not held counts.
 */
#include <assert.h>

#include "conn.h"
#include "pace.h"

#define UNPACED 10u	   /* segments at the start: the initial window */
#define NEAR	TCPD_MS(1) /* round trips below: the ACKs are the clock */

/* --- rates */

/* Of a module that has a window only. */
static uint64_t window_rate(const struct tcp *t, const struct conn *c)
{
	uint64_t rate;

	if (!t->set.pacing || c->min_rtt < NEAR)
		return 0;
	/* a window takes a second at most: a round trip that held a pause of
	 * one of the hosts would stop everything for as long */
	rate = max_u64(burst_rate(c), c->ccs.cwnd);
	return rate / 1000 < c->ccs.cwnd ? rate : 0;
}

uint64_t pace_rate(const struct tcp *t, const struct conn *c)
{
	uint64_t rate = c->ccs.pacing_rate;

	if (!rate)
		rate = window_rate(t, c);
	if (c->max_pacing && (!rate || rate > c->max_pacing))
		rate = c->max_pacing;
	return min_u64(rate, TCPD_PACING_MAX);
}

/* The first segments go as one, if its user has set no limit. */
static bool begins(const struct conn *c)
{
	return c->data_segs_out < UNPACED && !c->max_pacing;
}

/* How much leaves at once. */
static uint32_t quantum(const struct conn *c, uint64_t rate, uint32_t mss)
{
	uint64_t len = c->ccs.burst ? c->ccs.burst : rate >> 10;

	return max_u32((uint32_t)min_u64(len, BURST_MAX) / mss, 2) * mss;
}

uint32_t pace_allows(const struct tcp *t, const struct conn *c, uint32_t len,
		     uint32_t mss)
{
	const struct flow *f = flow_of(t, c);
	uint32_t left;
	uint64_t rate;

	if (f && f->hold && t->now < f->depart_at)
		return 0;
	if (begins(c))
		return len;
	rate = pace_rate(t, c);
	if (!rate)
		return len;
	left = f && t->now < f->depart_at ? f->burst_left
					  : quantum(c, rate, mss);
	return len <= left ? len : left / mss * mss;
}

void pace_sent(const struct tcp *t, struct conn *c, uint32_t len)
{
	struct flow *f = flow_of(t, c);
	uint64_t rate, ns;
	uint32_t cut;

	if (f && t->now >= f->depart_at)
		f->hold = false;
	if (!f || f->hold || begins(c))
		return;
	rate = pace_rate(t, c);
	if (!rate) {
		f->depart_at = 0;
		return;
	}
	if (t->now >= f->depart_at) { /* a burst begins */
		f->late = (uint32_t)min_u64(t->now - f->depart_at, UINT32_MAX);
		f->depart_at = t->now;
		f->burst_left = quantum(c, rate, c->mss);
	}
	f->burst_left -= min_u32(f->burst_left, len);
	ns = len * TCPD_SEC(1) / rate;
	/* a timer that came late costs no rate, but never makes two bursts
	 * one: at most half of the wait is taken off */
	cut = (uint32_t)min_u64(ns / 2, f->late);
	f->late -= cut;
	f->depart_at += ns - cut;
}

void pace_anew(struct tcp *t, struct conn *c)
{
	struct flow *f = flow_of(t, c);

	if (!f)
		return;
	if (c->on_list == ON_PACED)
		conn_want_output(t, c);
	f->depart_at = 0;
	f->hold = false;
}

void pace_hold(struct tcp *t, struct conn *c, tcpd_time until)
{
	struct flow *f = flow_of(t, c);

	pace_anew(t, c);
	f->depart_at = until;
	f->burst_left = 0;
	f->hold = true;
}

/* --- the heap: a child is never before its parent; of the same time, the
 * connection that was born first is the first, so that runs can be repeated */

static bool before(const struct tcp *t, const struct pace_cell *a,
		   const struct pace_cell *b)
{
	if (a->at != b->at)
		return a->at < b->at;
	return conn_at(t, a->conn)->id < conn_at(t, b->conn)->id;
}

static void put(struct tcp *t, uint32_t i, struct pace_cell cell)
{
	t->paced[i] = cell;
	flow_of(t, conn_at(t, cell.conn))->paced = i + 1;
}

static void up(struct tcp *t, uint32_t i, struct pace_cell cell)
{
	while (i) {
		uint32_t parent = (i - 1) / 2;

		if (!before(t, &cell, &t->paced[parent]))
			break;
		put(t, i, t->paced[parent]);
		i = parent;
	}
	put(t, i, cell);
}

static void down(struct tcp *t, uint32_t i, struct pace_cell cell)
{
	uint32_t child;

	while ((child = 2 * i + 1) < t->npaced) {
		if (child + 1 < t->npaced &&
		    before(t, &t->paced[child + 1], &t->paced[child]))
			child++;
		if (!before(t, &t->paced[child], &cell))
			break;
		put(t, i, t->paced[child]);
		i = child;
	}
	put(t, i, cell);
}

void pace_wait(struct tcp *t, struct conn *c)
{
	struct pace_cell cell = {.at = flow_of(t, c)->depart_at,
				 .conn = conn_slot(t, c)};

	assert(c->on_list == ON_NONE && t->npaced < t->conns.max);
	c->on_list = ON_PACED;
	up(t, t->npaced++, cell);
}

void pace_leave(struct tcp *t, struct conn *c)
{
	struct flow *f = flow_of(t, c);
	uint32_t i = f->paced - 1;
	struct pace_cell last = t->paced[--t->npaced];

	assert(c->on_list == ON_PACED);
	c->on_list = ON_NONE;
	f->paced = 0;
	if (i == t->npaced)
		return;
	if (i && before(t, &last, &t->paced[(i - 1) / 2]))
		up(t, i, last);
	else
		down(t, i, last);
}

tcpd_time pace_expiry(const struct tcp *t)
{
	return t->npaced ? t->paced[0].at : TCPD_NEVER;
}

void pace_expire(struct tcp *t)
{
	while (t->npaced && t->paced[0].at <= t->now)
		conn_want_output(t, conn_at(t, t->paced[0].conn));
}
