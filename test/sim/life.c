/* SPDX-License-Identifier: MIT */
/*
 * life.c - what befalls a host: it stands still for a while (SIGSTOP: packets
 * wait in the device's queue, and what does not fit there is lost), its clock
 * jumps ahead, it starts anew and knows nothing of its connections.
 */
#include <string.h>

#include "sim.h"

#define DEVICE_QUEUE 500u /* packets: txqueuelen */

bool life_stopped(const struct sim *s, unsigned i)
{
	const struct side *side = &s->side[i];

	return s->now >= side->stop_at && s->now < side->stop_until;
}

bool life_room(struct sim *s, unsigned i)
{
	struct side *side = &s->side[i];

	if (side->nwaiting >= DEVICE_QUEUE) {
		sim_say(s, "    lost: the device's queue is full");
		return false;
	}
	side->nwaiting++;
	return true;
}

tcpd_time life_next(const struct sim *s)
{
	tcpd_time next = TCPD_NEVER;

	for (unsigned i = 0; i < 2; i++) {
		const struct side *side = &s->side[i];

		if (side->jump_at < next)
			next = side->jump_at;
		if (side->restart_at < next)
			next = side->restart_at;
		if (side->mtu_at < next)
			next = side->mtu_at;
	}
	return next;
}

static void restart(struct sim *s, unsigned i)
{
	struct side *side = &s->side[i];

	sim_say(s, "%c starts anew, and has forgotten everything", "AB"[i]);
	tcpd_free(side->st);
	side->st = NULL;
	if (side->mem.wrong || side->mem.nmaps) {
		sim_fail(s, "memory of a stack that ends: %s",
			 side->mem.wrong ? side->mem.wrong : "is left");
		return;
	}
	side->accept_at = 0;
	memset(side->state, 0, sizeof(side->state));
	if (world_make(s, i) && world_listen(s, i))
		app_restarted(s, i);
}

static void change_mtu(struct sim *s, unsigned i)
{
	struct side *side = &s->side[i];
	struct tcpd_settings set = side->set;
	int err;

	set.mtu = side->mtu_next;
	err = tcpd_reconfigure(side->st, &set, sim_now(s, i));
	if (err)
		sim_fail(s, "tcpd_reconfigure says %s", tcpd_err_name(err));
	side->set.mtu = set.mtu;
	sim_say(s, "the MTU of %c becomes %u", "AB"[i], set.mtu);
}

/* Does |p| outlive a minute that nobody saw?  A half-open entry does not, nor
 * TIME-WAIT, nor what an app has closed while its peer's window was. */
static bool settled(const struct pair *p)
{
	return p->start != TCPD_NEVER || (p->ep[0].eof && p->ep[1].eof) ||
	       (p->matched && p->ep[0].open && p->ep[1].open &&
		!p->ep[0].shut && !p->ep[1].shut);
}

static void jump(struct sim *s, unsigned i)
{
	struct side *side = &s->side[i];

	side->ahead += side->jump_by;
	sim_say(s, "the clock of %c jumps by %.3f s", "AB"[i],
		(double)side -> jump_by / 1e9);
	for (unsigned k = 0; k < s->npairs; k++)
		if (side->jump_by >= TCPD_SEC(60) && !settled(&s->pair[k]))
			s->pair[k].hostile = true;
}

unsigned life_act(struct sim *s)
{
	unsigned touched = 0;

	for (unsigned i = 0; i < 2 && !s->why[0]; i++) {
		struct side *side = &s->side[i];

		if (side->jump_at <= s->now) {
			side->jump_at = TCPD_NEVER;
			jump(s, i);
			touched |= 1u << i;
		}
		if (side->mtu_at <= s->now) {
			side->mtu_at = TCPD_NEVER;
			change_mtu(s, i);
			touched |= 1u << i;
		}
		if (side->restart_at <= s->now) {
			side->restart_at = TCPD_NEVER;
			restart(s, i);
			touched |= 1u << i;
		}
	}
	return touched;
}
