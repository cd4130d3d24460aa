/* SPDX-License-Identifier: MIT */
/*
 * persist.c - what keeps a sender going when no ACK will: zero-window probes
 * (RFC 9293, 3.8.6.1) and the override timer of the silly-window rule and of
 * TCP_CORK (3.8.6.2.1).  Runs only while nothing is in flight; otherwise the
 * retransmission timer is in charge.
 */
#include "base/clamp.h"
#include "conn.h"
#include "xmit.h"

#define OVERRIDE TCPD_MS(200) /* 0.1 to 1 s */

/* The peer may be about to say more: within a round trip and a delayed ACK. */
static tcpd_time override(const struct tcp *t, const struct conn *c)
{
	return t->set.as_linux ? clamp_u64(c->rto, OVERRIDE, TCPD_SEC(1))
			       : OVERRIDE;
}

static bool window_closed(const struct conn *c)
{
	return c->snd_wnd == 0;
}

static tcpd_time probe_wait(const struct tcp *t, const struct conn *c)
{
	tcpd_time wait = c->rto;

	for (unsigned i = 0; i < c->nprobes && wait < t->set.rto_max; i++)
		wait *= 2;
	return min_u64(wait, t->set.rto_max);
}

/* Something waits that may not go, and nothing is in flight but a probe. */
void persist_update(struct tcp *t, struct conn *c)
{
	bool waits = conn_unsent(c) || (c->fin_queued && !c->fin_sent);
	bool probing = c->nprobes && window_closed(c);

	if (!probing && (conn_flight(c) || !waits)) {
		conn_disarm(c, CT_PERSIST);
		return;
	}
	if (c->timer[CT_PERSIST] || c->probe_due)
		return;
	conn_arm(t, c, CT_PERSIST,
		 t->now + (window_closed(c) ? probe_wait(t, c)
					    : override(t, c)));
}

/*
 * The window is open again.  An octet that a probe brought and the peer did
 * not take was never sent as far as the stream is concerned.
 */
void persist_end(struct tcp *t, struct conn *c)
{
	if (c->nprobes && conn_flight(c)) {
		xmit_clear(t, c);
		c->snd_nxt = c->snd_una;
		c->fin_sent = false;
	}
	if (c->nprobes) /* whatever the probes counted towards R2 */
		c->nrexmt = 0;
	c->nprobes = 0;
	c->probe_due = false;
	conn_disarm(c, CT_PERSIST);
}

void persist_timeout(struct tcp *t, struct conn *c)
{
	uint8_t most = c->orphan ? t->set.orphan_retries : t->set.retries;

	if (!window_closed(c)) {
		c->push_small = true;
		c->unpushed = false; /* what was to follow has not come */
		conn_want_output(t, c);
		return;
	}
	/* MUST-37: a peer that answers keeps the connection; one that is
	 * silent does not, nor does any keep one whose app has gone */
	if (!c->nprobes || c->last_rcv >= c->last_snd)
		c->nrexmt = 0;
	else if (c->nrexmt < UINT8_MAX)
		c->nrexmt++;
	if ((c->nrexmt >= most && !conn_user_decides(c)) ||
	    (c->orphan && c->nprobes >= most)) {
		t->stat.timeouts_gave_up++;
		t->stat.orphans_timed_out += c->orphan;
		rst_send(t, c, TCPD_RESET_TIMEOUT);
		conn_move(t, c, EV_TIMEOUT_R2);
		conn_ended(t, c, TCPD_ERR_TIMEOUT, TCPD_EV_TIMEOUT);
		return;
	}
	c->probe_due = true;
	conn_want_output(t, c);
}
