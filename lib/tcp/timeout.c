/* SPDX-License-Identifier: MIT */
/*
 * timeout.c - RFC 9293, 3.10.8: what each timer means when it fires.
 *
 *	REXMT      the first unacknowledged segment is sent again, or R2 ends
 *	           the connection
 *	TLP        nothing was heard for two round trips: the tail is probed
 *	REORDER    what seemed late has not come: it is lost
 *	PERSIST    a closed window is probed; a silly one is used
 *	DELACK     the ACK that was held back goes
 *	KEEPALIVE  an idle peer is asked whether it is still there
 *	ORPHAN     nobody is left to read what the peer may still send, or it
 *	           has kept its window closed since the app closed (orphan.c)
 *	LINGER     the app let its close take only so long (SO_LINGER)
 *	USER       nothing was acknowledged for the user time-out (RFC 5482),
 *	           or a check of our own failed
 *
 * and, of the small entries, the wait after a SYN-ACK and 2MSL.
 */
#include "conn.h"
#include "pace.h"
#include "synq.h"
#include "timewait.h"

#define TRIM_EVERY TCPD_MS(500)
#define WAIT_EVERY TCPD_MS(10)

static void delack_timeout(struct tcp *t, struct conn *c)
{
	if (!c->ack_delayed)
		return;
	t->stat.timeouts_delack++;
	c->ack_due = true;
	conn_want_ack(t, c);
}

/* What conn_fault() asked for. */
static void end_faulty(struct tcp *t, struct conn *c)
{
	if (conn_synchronized(c))
		rst_send(t, c, TCPD_RESET_FAULT);
	if (c->state != TCPD_CLOSED)
		conn_move(t, c, EV_ABORT);
	conn_ended(t, c, TCPD_ERR_RESET, TCPD_EV_RESET);
}

static void user_timeout(struct tcp *t, struct conn *c)
{
	if (c->faulty) {
		end_faulty(t, c);
		return;
	}
	if (!c->user_timeout || !c->stalled_at)
		return;
	if (t->now - c->stalled_at < c->user_timeout) {
		conn_arm(t, c, CT_USER, c->stalled_at + c->user_timeout);
		return;
	}
	t->stat.timeouts_gave_up++;
	if (conn_synchronized(c))
		rst_send(t, c, TCPD_RESET_TIMEOUT);
	else
		t->stat.opens_failed++;
	conn_move(t, c, EV_TIMEOUT_R2);
	conn_ended(t, c, c->soft_err ? c->soft_err : TCPD_ERR_TIMEOUT,
		   TCPD_EV_TIMEOUT);
}

typedef void handler(struct tcp *t, struct conn *c);

static handler *const handlers[CT_NTIMERS] = {
	[CT_REXMT] = rexmt_timeout,	[CT_TLP] = tlp_timeout,
	[CT_REORDER] = recover_reorder, [CT_PERSIST] = persist_timeout,
	[CT_DELACK] = delack_timeout,	[CT_KEEPALIVE] = keepalive_timeout,
	[CT_ORPHAN] = orphan_timeout,	[CT_USER] = user_timeout,
	[CT_LINGER] = linger_timeout,
};

static bool still(const struct tcp *t, uint32_t slot, tcpd_id id)
{
	return slab_used(&t->conns, slot) && conn_at(t, slot)->id == id &&
	       conn_at(t, slot)->state != TCPD_CLOSED;
}

static void conn_fired(struct tcp *t, uint32_t slot)
{
	struct conn *c = conn_at(t, slot);
	tcpd_id id = c->id;
	tcpd_time next = TCPD_NEVER;

	for (unsigned i = 0; i < CT_NTIMERS; i++) {
		if (!c->timer[i] || c->timer[i] > t->now)
			continue;
		c->timer[i] = 0;
		handlers[i](t, c);
		if (!still(t, slot, id))
			return;
	}
	for (unsigned i = 0; i < CT_NTIMERS; i++)
		if (c->timer[i])
			next = min_u64(next, c->timer[i]);
	if (next == TCPD_NEVER ||
	    (wheel_armed(&t->wheel, &c->node) && c->armed <= tick_of(next)))
		return;
	c->armed = tick_of(next);
	wheel_arm(&t->wheel, conn_ref(t, c), c->armed);
}

/* Apps that found no memory at all, and have nothing in flight whose ACK
 * would wake them. */
static bool wake_waiters(struct tcp *t)
{
	bool more = false;

	for (uint32_t i = 0; i < t->conns.high; i++) {
		struct conn *c = conn_at(t, i);

		if (!slab_used(&t->conns, i) || !c->want_mem)
			continue;
		if (pool_free(&t->pool) < t->set.memory / 16) {
			more = true;
			continue;
		}
		c->want_room = c->want_mem = false;
		conn_event(t, c, TCPD_EV_WRITABLE);
	}
	return more;
}

static void misc_fired(struct tcp *t)
{
	bool wait = t->mem_waiters && wake_waiters(t);
	tcpd_time next = stall_look(t);

	t->mem_waiters = wait;
	if (pool_trim(&t->pool))
		next = min_u64(next, t->now + TRIM_EVERY);
	if (wait)
		next = min_u64(next, t->now + WAIT_EVERY);
	if (next != TCPD_NEVER)
		wheel_arm(&t->wheel, REF(REF_MISC, MISC_TRIM), tick_of(next));
}

/* Blocks are in use: some time later the idle ones go back to the system. */
void tcp_arm_trim(struct tcp *t)
{
	tcpd_time wait = t->mem_waiters ? WAIT_EVERY : TRIM_EVERY;

	if (!wheel_armed(&t->wheel, &t->misc) || t->mem_waiters)
		wheel_arm(&t->wheel, REF(REF_MISC, MISC_TRIM),
			  tick_of(t->now + wait));
}

struct wheel_node *timeout_node(void *arg, uint32_t ref)
{
	struct tcp *t = arg;

	switch (REF_KIND(ref)) {
	case REF_CONN:
		return &conn_at(t, REF_SLOT(ref))->node;
	case REF_HALF:
		return &half_at(t, REF_SLOT(ref))->node;
	case REF_TW:
		return &timewait_at(t, REF_SLOT(ref))->node;
	case REF_LISTENER:
	case REF_MISC:
		break;
	}
	return &t->misc;
}

/* Within one tick: in the order in which the connections were born, whatever
 * slots they have. */
uint64_t timeout_key(void *arg, uint32_t ref)
{
	const struct tcp *t = arg;

	switch (REF_KIND(ref)) {
	case REF_CONN:
		return conn_at(t, REF_SLOT(ref))->id;
	case REF_HALF:
		return half_at(t, REF_SLOT(ref))->id;
	case REF_TW:
		return timewait_id(t, timewait_at(t, REF_SLOT(ref)));
	case REF_LISTENER:
	case REF_MISC:
		break;
	}
	return 0;
}

static tcpd_time time_of(uint64_t tick)
{
	return tick == WHEEL_NEVER ? TCPD_NEVER : tick * TCPD_MS(1);
}

tcpd_time tcp_expiry(const struct tcp *t)
{
	tcpd_time next = min_u64(time_of(wheel_next(&t->wheel)),
				 time_of(wheel_next(&t->tw_wheel)));

	return min_u64(next, pace_expiry(t));
}

void tcp_expire(struct tcp *t)
{
	uint64_t now = t->now / TCPD_MS(1);
	uint32_t ref;

	while ((ref = wheel_take(&t->wheel, now)) != WHEEL_NONE) {
		switch (REF_KIND(ref)) {
		case REF_CONN:
			conn_fired(t, REF_SLOT(ref));
			break;
		case REF_HALF:
			synq_timeout(t, REF_SLOT(ref));
			break;
		case REF_MISC:
			misc_fired(t);
			break;
		case REF_LISTENER:
		case REF_TW:
			break;
		}
	}
	while ((ref = wheel_take(&t->tw_wheel, now)) != WHEEL_NONE)
		timewait_timeout(t, REF_SLOT(ref));
	pace_expire(t);
}
