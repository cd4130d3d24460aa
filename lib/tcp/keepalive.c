/* SPDX-License-Identifier: MIT */
/* keepalive.c - RFC 9293, 3.8.4: probes on an idle connection, off unless
 * asked for (MUST-25). */
#include "conn.h"
#include "uto.h"

static tcpd_time last_heard(const struct conn *c)
{
	return max_u64(c->last_rcv, c->born);
}

void keepalive_arm(struct tcp *t, struct conn *c)
{
	if (!c->keepalive || !conn_synchronized(c)) {
		conn_disarm(c, CT_KEEPALIVE);
		return;
	}
	conn_arm(t, c, CT_KEEPALIVE,
		 max_u64(last_heard(c) + uto_keepidle(c), t->now));
}

void keepalive_timeout(struct tcp *t, struct conn *c)
{
	tcpd_time idle = t->now - last_heard(c);
	tcpd_time wait = uto_keepidle(c);

	if (!c->keepalive || !conn_synchronized(c))
		return;
	if (idle < wait || conn_flight(c) || conn_unsent(c)) {
		/* MUST-26: only while nothing else is under way */
		c->nkeep = 0;
		conn_arm(t, c, CT_KEEPALIVE,
			 max_u64(last_heard(c) + wait, t->now + TCPD_SEC(1)));
		return;
	}
	/* a time-out of the app's decides, as in Linux */
	if (c->user_timeout && !uto_adopted(c)
		    ? idle >= c->user_timeout && c->nkeep
		    : c->nkeep >= c->keepcnt) {
		t->stat.timeouts_gave_up++;
		rst_send(t, c, TCPD_RESET_TIMEOUT);
		conn_move(t, c, EV_TIMEOUT_R2);
		conn_ended(t, c, c->soft_err ? c->soft_err : TCPD_ERR_TIMEOUT,
			   TCPD_EV_TIMEOUT);
		return;
	}
	c->keep_due = true;
	conn_want_output(t, c);
	conn_arm(t, c, CT_KEEPALIVE, t->now + TCPD_MS(c->keepintvl_ms));
}
