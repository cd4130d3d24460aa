/* SPDX-License-Identifier: MIT */
/*
 * chrono.c - what a sender's time goes into, for TCP_INFO: as in Linux it is
 * busy while anything is queued, and of that limited by the peer's window, or
 * by its own buffer while the app would give more.
 */
#include "conn.h"

static uint32_t wnd_room(const struct conn *c)
{
	int32_t room = seq_diff(c->snd_una + c->snd_wnd, c->snd_nxt);

	return room > 0 ? (uint32_t)room : 0;
}

/* Nothing more goes now: what for? */
static enum chrono why(const struct conn *c)
{
	uint32_t unsent = conn_unsent(c);
	bool cwnd_full = conn_pipe(c) + c->mss > c->ccs.cwnd;

	if (conn_queued(c) == 0)
		return CHRONO_NONE;
	if (cwnd_full)
		return CHRONO_BUSY;
	if (unsent && wnd_room(c) < min_u32(unsent, c->mss))
		return CHRONO_WINDOW;
	return !unsent && c->starved ? CHRONO_BUFFER : CHRONO_BUSY;
}

void chrono_look(struct tcp *t, struct conn *c)
{
	enum chrono is = why(c);
	struct flow *f = flow_of(t, c);

	if (!f) {
		if (is == CHRONO_NONE)
			return;
		conn_flow(t, c);
		f = flow_of(t, c);
	}
	if (f->chrono == is)
		return;
	f->spent[f->chrono] += t->now - f->chrono_at;
	f->chrono = (uint8_t)is;
	f->chrono_at = t->now;
}

tcpd_time chrono_spent(const struct tcp *t, const struct conn *c,
		       enum chrono what, tcpd_time now)
{
	const struct flow *f = flow_of(t, c);

	if (!f)
		return 0;
	return f->spent[what] +
	       (f->chrono == what ? sub_sat(now, f->chrono_at) : 0);
}
