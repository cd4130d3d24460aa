/* SPDX-License-Identifier: MIT */
/*
 * orphan.c - connections whose app has closed and whose FIN is not yet
 * acknowledged: FIN-WAIT-1, CLOSING, LAST-ACK.  Nobody waits for them any
 * more, yet they hold a slot, a queue and a timer for as long as a silent peer
 * likes, so there are at most so many; above that the oldest gets RST, whose
 * peer has had the most time to answer.  (FIN-WAIT-2 has its own time-out:
 * that peer has answered.)
 */
#include "conn.h"

/* An app has gone, and the peer keeps its window closed: the other end is
 * alive, but nobody here would ever learn what it did with the rest. */
#define CLOSED_WINDOW TCPD_SEC(120)

static bool is_one(const struct conn *c)
{
	return c->orphan &&
	       (c->state == TCPD_FIN_WAIT_1 || c->state == TCPD_CLOSING ||
		c->state == TCPD_LAST_ACK);
}

void orphan_update(struct tcp *t, struct conn *c)
{
	bool is = is_one(c);

	if (is == c->orphaned)
		return;
	c->orphaned = is;
	if (is) {
		rlist_push(t, &t->orphans, LINK_ORPHAN, conn_ref(t, c));
		t->norphans++;
	} else {
		rlist_del(t, &t->orphans, LINK_ORPHAN, conn_ref(t, c));
		t->norphans--;
	}
}

void orphan_trim(struct tcp *t)
{
	while (t->norphans > t->set.max_orphans) {
		struct conn *c = conn_at(t, REF_SLOT(t->orphans.head));

		t->stat.orphans_evicted++;
		rst_send(t, c, TCPD_RESET_BUDGET);
		conn_move(t, c, EV_ABORT);
		conn_ended(t, c, TCPD_ERR_RESET, 0);
	}
}

void orphan_begin(struct tcp *t, struct conn *c)
{
	c->orphan = true;
	c->orphan_at = t->now;
	orphan_update(t, c);
	orphan_window(t, c);
	orphan_trim(t);
}

void orphan_window(struct tcp *t, struct conn *c)
{
	/* FIN-WAIT-2 has the timer for itself */
	if (c->orphaned && c->snd_wnd == 0)
		conn_arm(t, c, CT_ORPHAN,
			 max_u64(c->orphan_at, c->closed_at) + CLOSED_WINDOW);
}

void orphan_fin_wait_2(struct tcp *t, struct conn *c)
{
	conn_arm(t, c, CT_ORPHAN,
		 t->now + (c->linger2_ms ? TCPD_MS(c->linger2_ms)
					 : t->set.fin_wait_2));
}

/* The app has closed, and lets that take so long. */
void linger_begin(struct tcp *t, struct conn *c)
{
	if (c->linger_ms && !c->timer[CT_LINGER] && c->state != TCPD_FIN_WAIT_2)
		conn_arm(t, c, CT_LINGER, t->now + TCPD_MS(c->linger_ms));
}

void linger_timeout(struct tcp *t, struct conn *c)
{
	if (!c->orphaned && !(c->lingering && conn_synchronized(c)))
		return;
	t->stat.timeouts_gave_up++;
	t->stat.orphans_timed_out += c->orphan;
	rst_send(t, c, TCPD_RESET_TIMEOUT);
	conn_move(t, c, EV_ABORT);
	conn_ended(t, c, TCPD_ERR_TIMEOUT, TCPD_EV_TIMEOUT);
}

void orphan_timeout(struct tcp *t, struct conn *c)
{
	tcpd_time since = max_u64(c->orphan_at, c->closed_at);

	if (!c->orphan)
		return;
	if (c->state == TCPD_FIN_WAIT_2) {
		t->stat.timeouts_finwait2++;
		conn_move(t, c, EV_TIMEOUT_ORPHAN);
		conn_ended(t, c, 0, 0);
		return;
	}
	if (c->snd_wnd || !c->orphaned)
		return;	     /* it opened: the other timers see to the rest */
	if (conn_syn_out(c)) /* no window was ever told: R2 of the SYN */
		since = t->now;
	if (t->now - since < CLOSED_WINDOW) {
		conn_arm(t, c, CT_ORPHAN, since + CLOSED_WINDOW);
		return;
	}
	t->stat.timeouts_gave_up++;
	t->stat.orphans_timed_out++;
	rst_send(t, c, TCPD_RESET_TIMEOUT);
	conn_move(t, c, EV_TIMEOUT_R2);
	conn_ended(t, c, TCPD_ERR_TIMEOUT, TCPD_EV_TIMEOUT);
}
