/* SPDX-License-Identifier: MIT */
/*
 * uto.c - the user time-out option, RFC 5482: each side may tell the other how
 * long its data may stay unacknowledged.  Off unless the app asks for it
 * (ENABLED), for a peer that makes connections live long costs memory (RFC
 * 5482, 6); what the app has set itself no peer changes (CHANGEABLE).  A SYN's
 * is not kept: the first segment after it says the same again (3).
 */
#include "uto.h"
#include "conn.h"

#define IN_MINUTES 0x8000u
#define MOST	   0x7fffu

uint16_t uto_to_wire(uint32_t seconds)
{
	if (seconds <= MOST)
		return (uint16_t)seconds;
	return (uint16_t)(IN_MINUTES | min_u32((seconds + 59) / 60, MOST));
}

uint32_t uto_from_wire(uint16_t v)
{
	return (v & MOST) * (v & IN_MINUTES ? 60u : 1u);
}

void uto_put(struct tcpopt *o, tcpd_time v)
{
	o->has_uto = v != 0;
	o->uto = uto_to_wire((uint32_t)(v / TCPD_SEC(1)));
}

static bool is_the_apps(const struct conn *c)
{
	return c->options >> TCPD_OPT_USER_TIMEOUT & 1;
}

bool uto_adopted(const struct conn *c)
{
	return c->remote_uto && c->user_timeout && !is_the_apps(c);
}

void uto_use(struct tcp *t, struct conn *c, tcpd_time v)
{
	c->user_timeout = v;
	/* it counts for what is under way, too */
	if (v && c->stalled_at && !c->faulty && c->state != TCPD_CLOSED)
		conn_arm(t, c, CT_USER, max_u64(c->stalled_at + v, t->now));
}

/* 3.1, in its words: min(U_LIMIT, max(ADV_UTO, REMOTE_UTO, L_LIMIT)). */
static tcpd_time both(const struct tcp *t, const struct conn *c)
{
	tcpd_time least = max_u64(UTO_LEAST, rtt_rto(t, c) + TCPD_SEC(1));
	uint32_t said = max_u32(c->adv_uto, c->remote_uto);

	return min_u64(UTO_MOST, max_u64(TCPD_SEC(said), least));
}

static void adopt(struct tcp *t, struct conn *c)
{
	if (is_the_apps(c))
		return;
	uto_use(t, c, c->adv_uto && c->remote_uto ? both(t, c) : 0);
	keepalive_arm(t, c);
}

void uto_advertise(struct tcp *t, struct conn *c, tcpd_time v)
{
	uint32_t seconds = (uint32_t)(v / TCPD_SEC(1));

	c->uto_due = seconds && (c->uto_due || seconds != c->adv_uto);
	c->adv_uto = seconds;
	if (!seconds)
		c->remote_uto = 0;
	adopt(t, c);
}

/* Of a segment that the sequence and ACK checks have let through. */
void uto_take(struct tcp *t, struct conn *c, const struct segment *seg)
{
	uint32_t seconds = uto_from_wire(seg->h.opt.uto);

	/* 3.4: 0 is reserved, in either unit */
	if (!c->adv_uto || seg->stale || !seconds || c->orphan)
		return;
	c->remote_uto = seconds;
	c->nkeep = 0; /* he is there */
	adopt(t, c);
}

/* 4.2: with both in use, a peer that says nothing is asked only later. */
tcpd_time uto_keepidle(const struct conn *c)
{
	if (!uto_adopted(c))
		return TCPD_MS(c->keepidle_ms);
	return max_u64(TCPD_MS(c->keepidle_ms), c->user_timeout + TCPD_SEC(1));
}
