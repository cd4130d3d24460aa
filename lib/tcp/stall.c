/* SPDX-License-Identifier: MIT */
/*
 * stall.c - send queues that do not move.  A peer that closes its window and
 * answers every probe may keep its connection for as long as it likes
 * (RFC 9293, MUST-37), and what was queued for it; thousands of them keep all
 * of the memory (sockstress; VU#723308).  So send queues have a budget, and
 * above it connections that have not moved for a minute end, those that hold
 * most first (RFC 6429 leaves that to the system).  They are looked for by a
 * timer, never per packet.
 */
#include "conn.h"
#include "mem.h"

#define STALLED	   TCPD_SEC(60)
#define LOOK_EVERY TCPD_SEC(1)
#define LOOK_AGAIN TCPD_MS(100) /* there were more of them */
#define LOOK_AT	   65536u	/* slots a look */
#define END_MOST   64u		/* connections a look */

/* The largest that were found, the largest first. */
struct found {
	uint32_t slot[END_MOST];
	uint32_t mem[END_MOST];
	uint32_t n;
};

/* An octet that a peer takes out of a probe now and then is no progress: its
 * window has to open. */
static bool is_stalled(const struct tcp *t, const struct conn *c)
{
	if (!c->sq.mem || !conn_synchronized(c))
		return false;
	return (c->stalled_at && t->now - c->stalled_at >= STALLED) ||
	       (c->snd_wnd == 0 && t->now - c->closed_at >= STALLED);
}

static void remember(struct found *f, uint32_t slot, uint32_t mem)
{
	uint32_t i;

	if (f->n == END_MOST && f->mem[f->n - 1] >= mem)
		return;
	if (f->n < END_MOST)
		f->n++;
	for (i = f->n - 1; i > 0 && f->mem[i - 1] < mem; i--) {
		f->mem[i] = f->mem[i - 1];
		f->slot[i] = f->slot[i - 1];
	}
	f->mem[i] = mem;
	f->slot[i] = slot;
}

static void look(struct tcp *t, struct found *f)
{
	uint32_t n = min_u32(t->conns.high, LOOK_AT);

	for (uint32_t i = 0; i < n; i++) {
		const struct conn *c;

		if (t->stall_slot >= t->conns.high)
			t->stall_slot = 0;
		c = conn_at(t, t->stall_slot);
		if (slab_used(&t->conns, t->stall_slot) && is_stalled(t, c))
			remember(f, t->stall_slot, c->sq.mem);
		t->stall_slot++;
	}
}

static void end(struct tcp *t, struct conn *c)
{
	t->stat.memory_stalled++;
	t->stat.memory_stalled_octets += c->sq.mem;
	rst_send(t, c, TCPD_RESET_BUDGET);
	conn_move(t, c, EV_ABORT);
	conn_ended(t, c, TCPD_ERR_RESET, TCPD_EV_RESET);
}

tcpd_time stall_look(struct tcp *t)
{
	struct found f = {.n = 0};
	uint32_t i;

	if (mem_send_left(t) > 0)
		return TCPD_NEVER;
	if (t->now < t->stall_at)
		return t->stall_at;
	look(t, &f);
	for (i = 0; i < f.n && mem_send_left(t) == 0; i++)
		end(t, conn_at(t, f.slot[i]));
	t->stall_at = t->now + (i == END_MOST ? LOOK_AGAIN : LOOK_EVERY);
	return mem_send_left(t) ? TCPD_NEVER : t->stall_at;
}
