/* SPDX-License-Identifier: MIT */
/*
 * rate.c - samples of the delivery rate, as draft-ietf-ccwg-bbr, 4.1, has them:
 * snapshots in the records when they leave, and of all that an ACK delivers the
 * record that was sent last decides.
 */
#include "rate.h"
#include "base/clamp.h"

void rate_sent(struct rate_conn *c, struct xmit *x, uint32_t in_flight,
	       tcpd_time now)
{
	/* from here on all that is acknowledged was delivered later */
	if (in_flight == 0)
		c->first_sent_at = c->delivered_at = now;
	x->sent_at = now;
	x->delivered = c->delivered;
	x->delivered_at = c->delivered_at;
	x->first_sent_at = c->first_sent_at;
	x->lost = (uint32_t)c->lost;
	x->tx_in_flight = in_flight + (x->end - x->seq);
	x->flags &= (uint8_t)~XMIT_APP_LIMITED;
	if (c->app_limited)
		x->flags |= XMIT_APP_LIMITED;
}

/* Until the hole in the flow has left the path. */
void rate_idle(struct rate_conn *c, uint32_t in_flight)
{
	c->app_limited = max_u64(c->delivered + in_flight, 1);
}

void rate_begin(struct rate *r, const struct rate_conn *c)
{
	*r = (struct rate){.delivered_before = c->delivered,
			   .lost_before = c->lost};
}

static bool newer(const struct rate *r, const struct xmit *x)
{
	return !r->any || x->sent_at > r->sent_at ||
	       (x->sent_at == r->sent_at && seq_gt(x->end, r->end));
}

void rate_delivered(struct rate *r, struct rate_conn *c, const struct xmit *x,
		    uint32_t n, tcpd_time now)
{
	c->delivered += n;
	c->delivered_at = now;
	/* of those sent once the last one: the least (4.4.2, min_rtt) */
	if (!(x->flags & XMIT_EVER)) {
		tcpd_time rtt = max_u64(now - x->sent_at, 1);

		if (r->rtt == 0 || rtt < r->rtt)
			r->rtt = rtt;
	}
	if (!newer(r, x))
		return;
	r->any = true;
	r->sent_at = x->sent_at;
	r->end = x->end;
	r->first_sent_at = x->first_sent_at;
	r->delivered_at = x->delivered_at;
	r->prior_delivered = x->delivered;
	r->tx_in_flight = x->tx_in_flight;
	r->lost_since = x->lost; /* then; rate_end() makes it the difference */
	r->app_limited = (x->flags & XMIT_APP_LIMITED) != 0;
	c->first_sent_at = x->sent_at;
}

void rate_lost(struct rate_conn *c, uint32_t n)
{
	c->lost += n;
}

void rate_end(struct rate *r, struct rate_conn *c, tcpd_time min_rtt)
{
	r->delivered = (uint32_t)(c->delivered - r->delivered_before);
	r->lost = (uint32_t)(c->lost - r->lost_before);
	if (c->app_limited && c->delivered > c->app_limited)
		c->app_limited = 0;
	if (!r->any)
		return;
	r->lost_since = (uint32_t)c->lost - r->lost_since;
	r->over = c->delivered - r->prior_delivered;
	r->interval = max_u64(r->sent_at - r->first_sent_at,
			      c->delivered_at - r->delivered_at);
	/* sooner than the path can: it was the ACK of the first transmission */
	if (r->interval < min_rtt)
		r->interval = 0;
}
