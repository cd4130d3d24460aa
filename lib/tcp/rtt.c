/* SPDX-License-Identifier: MIT */
/* rtt.c - round trip time and RTO: RFC 6298, section 2, in nanoseconds. */
#include "conn.h"

#define CLOCK_G TCPD_MS(1) /* granularity of the timer wheel */

void rtt_sample(const struct tcp *t, struct conn *c, tcpd_time rtt)
{
	if (rtt == 0)
		rtt = 1;
	if (c->min_rtt == 0 || rtt < c->min_rtt)
		c->min_rtt = rtt;
	if (c->srtt == 0) {
		c->srtt = rtt;
		c->rttvar = rtt / 2;
	} else {
		tcpd_time d = c->srtt > rtt ? c->srtt - rtt : rtt - c->srtt;

		c->rttvar = (3 * c->rttvar + d) / 4;
		c->srtt = (7 * c->srtt + rtt) / 8;
	}
	c->rto = c->srtt + max_u64(CLOCK_G, 4 * c->rttvar);
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
