/* SPDX-License-Identifier: MIT */
/*
 * arrows.c - the changes of state that a stack reports: each is an arrow of
 * RFC 9293's figure, and each begins where the one before it led.
 */
#include <stdio.h>
#include <string.h>

#include "sim.h"

static bool drawn(const struct tcpd_stack *st, const struct tcpd_trace *tr)
{
	struct tcpd_arrow a;

	for (unsigned i = 0; tcpd_arrow(st, i, &a); i++)
		if (a.from == tr->from && a.to == tr->to &&
		    !strcmp(a.event, tr->event))
			return a.taken > 0;
	return false;
}

/* Where an entry may begin its life. */
static bool birth(const struct tcpd_trace *tr)
{
	return tr->from == TCPD_CLOSED || tr->from == TCPD_LISTEN;
}

void arrows_check(struct sim *s, unsigned i)
{
	struct side *side = &s->side[i];
	struct tcpd_trace tr;
	uint64_t lost;

	while (tcpd_next_trace(side->st, &tr, &lost)) {
		uint8_t *state = &side->state[tr.id % MAX_IDS];

		if (lost)
			sim_fail(s, "%llu changes of state are lost",
				 (unsigned long long)lost);
		if (tr.kind != TCPD_TRACE_STATE)
			continue;
		sim_say(s, "%c #%llu: %s to %s on %s", "AB"[i],
			(unsigned long long)tr.id, tcpd_state_name(tr.from),
			tcpd_state_name(tr.to), tr.event);
		if (!drawn(side->st, &tr))
			sim_fail(s, "no arrow leads from %s to %s on %s",
				 tcpd_state_name(tr.from),
				 tcpd_state_name(tr.to), tr.event);
		/* where a SYN ends TIME-WAIT (MAY-2), the old number takes
		 * that arrow, and a new one goes on */
		if (*state != tr.from && !birth(&tr) &&
		    (*state || tr.from != TCPD_SYN_RECEIVED))
			sim_fail(s, "%llu goes on from %s, it was in %s",
				 (unsigned long long)tr.id,
				 tcpd_state_name(tr.from),
				 tcpd_state_name((enum tcpd_state) * state));
		*state = (uint8_t)tr.to;
	}
}

void arrows_count(struct sim *s, unsigned side)
{
	struct tcpd_arrow a;

	for (unsigned i = 0; tcpd_arrow(s->side[side].st, i, &a); i++)
		if (a.taken && i < 64)
			s->arrows |= UINT64_C(1) << i;
}

void arrows_say(uint64_t taken)
{
	static struct sim s;
	struct tcpd_arrow a;
	unsigned n = 0, i;

	s.seed = 1;
	swarm_draw(&s);
	if (!world_make(&s, 0))
		return;
	for (i = 0; tcpd_arrow(s.side[0].st, i, &a); i++)
		if (taken >> i & 1)
			n++;
		else
			printf("never: %s to %s on %s\n",
			       tcpd_state_name(a.from), tcpd_state_name(a.to),
			       a.event);
	printf("%u of the %u arrows of the state diagram were taken\n", n, i);
	world_close(&s);
}
