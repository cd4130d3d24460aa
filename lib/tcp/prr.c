/* SPDX-License-Identifier: MIT */
/*
 * prr.c - RFC 9937: while a recovery lasts the congestion window follows what
 * arrives, so that at its end there is as much in flight as ssthresh says.
 */
#include "base/clamp.h"
#include "news.h"

/* 6.1; what this ACK has delivered was in flight when it left its receiver. */
void prr_begin(const struct conn *c, struct flow *f, const struct news *n)
{
	f->prr_delivered = f->prr_out = 0;
	f->recover_fs = conn_flight(c) - c->sacked + n->delivered;
}

/* 6.2: octets that this ACK lets go. */
static uint32_t may_send(const struct conn *c, struct flow *f,
			 const struct news *n, uint32_t in_flight)
{
	uint32_t ssthresh = c->ccs.ssthresh;
	uint32_t out = f->prr_out, len;
	uint64_t due;

	f->prr_delivered += n->delivered;
	if (in_flight > ssthresh) {
		due = ((uint64_t)f->prr_delivered * ssthresh + f->recover_fs -
		       1) /
		      max_u32(f->recover_fs, 1);
		len = due > out ? (uint32_t)min_u64(due - out, UINT32_MAX) : 0;
	} else {
		len = (uint32_t)sub_sat(f->prr_delivered, out);
		len = max_u32(len, n->delivered);
		if (n->acked && !n->lost)
			len += c->mss;
		len = min_u32(len, ssthresh - in_flight);
	}
	/* the first ACK sends the fast retransmit */
	return out == 0 ? max_u32(len, c->mss) : len;
}

void prr_heard(struct conn *c, struct flow *f, const struct news *n)
{
	uint32_t in_flight = conn_pipe(c);

	if (n->delivered == 0)
		return;
	c->ccs.cwnd = in_flight + may_send(c, f, n, in_flight);
	c->ccs.cwnd = max_u32(c->ccs.cwnd, c->mss);
}

void prr_sent(struct flow *f, uint32_t len)
{
	f->prr_out += len;
}
