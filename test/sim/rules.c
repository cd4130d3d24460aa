/* SPDX-License-Identifier: MIT */
/*
 * rules.c - what each connection must be after every event, as far as a
 * program can see it: numbers that never go back, a flight within what the
 * peer and the congestion window allow, a timer wherever something is out.
 * (tcpd_check() looks inside, wire.c at the packets.)
 */
#include "sim.h"

/* What may leave beyond the congestion window: two segments by limited
 * transmit (RFC 3042), one by a probe of the tail (RFC 8985, 7). */
#define ALLOWED 3u

static int32_t diff(uint32_t a, uint32_t b)
{
	return (int32_t)(a - b);
}

static void monotone(struct sim *s, struct endpoint *e,
		     const struct tcpd_status *st)
{
	char who = "AB"[e->side];

	if (e->seen == e->h) {
		if (diff(st->snd_una, e->una) < 0)
			sim_fail(s, "SND.UNA of %c goes back", who);
		/* but for a probe's octet and FIN that were not taken */
		if (diff(st->snd_nxt, e->nxt) < 0 &&
		    (st->snd_nxt != st->snd_una || e->nxt - e->una > 2))
			sim_fail(s, "SND.NXT of %c goes back", who);
		if (diff(st->rcv_nxt, e->rcv_nxt) < 0)
			sim_fail(s, "RCV.NXT of %c goes back", who);
	}
	e->seen = e->h;
	e->una = st->snd_una;
	e->nxt = st->snd_nxt;
	e->rcv_nxt = st->rcv_nxt;
	e->in_flight = st->in_flight;
}

static void one(struct sim *s, struct endpoint *e)
{
	struct tcpd_status st;
	uint32_t flight;

	if (!e->open ||
	    tcpd_status(s->side[e->side].st, e->h, &st, sim_now(s, e->side)))
		return;
	if (st.state < TCPD_ESTABLISHED) {
		if (st.state != TCPD_CLOSED && !st.timer)
			sim_fail(s, "%s without a timer",
				 tcpd_state_name(st.state));
		e->seen = 0;
		return;
	}
	monotone(s, e, &st);
	flight = st.snd_nxt - st.snd_una;
	if (flight > st.max_snd_wnd + 1)
		sim_fail(s, "%u octets in flight, the widest window was %u",
			 flight, st.max_snd_wnd);
	if (flight && !st.timer && st.state != TCPD_TIME_WAIT)
		sim_fail(s, "%u octets in flight and no timer", flight);
}

void rules_check(struct sim *s, unsigned side)
{
	for (unsigned i = 0; i < s->npairs; i++)
		for (unsigned k = 0; k < 2; k++)
			if (s->pair[i].ep[k].side == side)
				one(s, &s->pair[i].ep[k]);
}

void rules_sent(struct sim *s, unsigned side, const struct packet *p,
		tcpd_id id)
{
	for (unsigned i = 0; p->len && i < 2 * s->npairs; i++) {
		struct endpoint *e = &s->pair[i / 2].ep[i % 2];
		struct tcpd_status st;
		uint32_t most;

		if (e->side != side || !e->open ||
		    tcpd_status(s->side[side].st, e->h, &st,
				sim_now(s, side)) ||
		    st.id != id)
			continue;
		most = st.cwnd + ALLOWED * st.mss;
		/* a probe of the tail goes even so (RFC 8985, 7.3) */
		if (e->seen == e->h && most < e->in_flight + st.mss)
			most = e->in_flight + st.mss;
		/* and two segments, to see whether a time-out was spurious
		 * (RFC 5682, 2.1), beside all that may still be there */
		if (e->seen == e->h && st.after_rto &&
		    most < e->nxt - e->una + 2 * st.mss)
			most = e->nxt - e->una + 2 * st.mss;
		if (st.in_flight > most && p->len > 1)
			sim_fail(s, "%u octets leave: %u in flight, cwnd %u",
				 p->len, st.in_flight, st.cwnd);
		return;
	}
}
