/* SPDX-License-Identifier: MIT */
/*
 * rtt.c - round trip time and RTO: RFC 6298, section 2, in nanoseconds.
 *
 * Its factors are for one sample a round trip.  With many they are divided by
 * as many as the round trip before had (RFC 7323, 4.2 and appendix G), or the
 * history would be a fraction of a round trip, and a steady one would bring
 * the RTO down to SRTT.
 */
#include "conn.h"

#define CLOCK_G	     TCPD_MS(1) /* granularity of the timer wheel */
#define LEAST_WINDOW TCPD_SEC(300)

/* Samples a round trip. */
static unsigned samples(struct conn *c)
{
	if (seq_ge(c->snd_una, c->rtt_round)) {
		c->rtt_per = c->rtt_n;
		c->rtt_n = 0;
		c->rtt_round = c->snd_nxt;
	}
	if (c->rtt_n < UINT16_MAX)
		c->rtt_n++;
	return max_u32(c->rtt_per, 1);
}

/*
 * The least of a window of time (RFC 8985, 6.2): a path may become longer.  The
 * least of its second half is there when the window is over.
 */
static void keep_least(const struct tcp *t, struct conn *c, tcpd_time rtt)
{
	struct flow *f = flow_of(t, c);

	if (f && c->min_rtt && t->now - f->min_rtt_at >= LEAST_WINDOW) {
		c->min_rtt = f->min_rtt_next ? f->min_rtt_next : rtt;
		f->min_rtt_at = t->now - LEAST_WINDOW / 2;
		f->min_rtt_next = 0;
	}
	if (c->min_rtt == 0 || rtt <= c->min_rtt) {
		c->min_rtt = rtt;
		if (f)
			f->min_rtt_at = t->now;
	}
	if (f && t->now - f->min_rtt_at >= LEAST_WINDOW / 2 &&
	    (f->min_rtt_next == 0 || rtt < f->min_rtt_next))
		f->min_rtt_next = rtt;
	if (f)
		f->sampled = true;
}

void rtt_sample(const struct tcp *t, struct conn *c, tcpd_time rtt)
{
	unsigned n = samples(c);
	tcpd_time least;

	if (rtt == 0)
		rtt = 1;
	keep_least(t, c, rtt);
	if (c->srtt == 0) {
		c->srtt = rtt;
		c->rttvar = rtt / 2;
	} else {
		tcpd_time d = c->srtt > rtt ? c->srtt - rtt : rtt - c->srtt;

		c->rttvar = ((4 * n - 1) * c->rttvar + d) / (4 * n);
		c->srtt = ((8 * n - 1) * c->srtt + rtt) / (8 * n);
	}
	/* 200 ms that hold the peer's delayed ACK come on top of the round
	 * trip: else a steady path of more than that has no margin at all */
	least = t->set.as_linux ? t->set.rto_min : CLOCK_G;
	c->rto = c->srtt + max_u64(least, 4 * c->rttvar);
	c->rto = max_u64(c->rto, t->set.rto_min);
	c->rto = min_u64(c->rto, t->set.rto_max);
}

/* The RTO in force: doubled for each retransmission (5.5), up to the cap. */
tcpd_time rtt_rto(const struct tcp *t, const struct conn *c)
{
	tcpd_time rto = c->rto;

	for (unsigned i = 0; i < c->backoff && rto < t->set.rto_max; i++)
		rto *= 2;
	return min_u64(rto, t->set.rto_max);
}
