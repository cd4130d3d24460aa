/* SPDX-License-Identifier: MIT */
/*
 * delack.c - when to acknowledge and which window to announce: delayed ACKs
 * (RFC 9293, 3.8.6.3; RFC 5681, 4.2) and the receiver's silly-window rule
 * (3.8.6.2.2).  How large the receive buffer is: grow.c.
 */
#include "conn.h"
#include "mem.h"

#define OWED_MAX 64u /* duplicate ACKs beyond this tell a peer nothing new */
#define PRESSED	 4u  /* segments that are asked for when memory is short */

void delack_in_order(struct tcp *t, struct conn *c, const struct segment *seg)
{
	c->ack_pending += seg->len;
	c->rcv_mss = max_u32(min_u32(seg->mss, c->advmss), 1);
	if (c->quick || c->ack_pending >= 2 * c->rcv_mss) {
		c->ack_due = true; /* SHLD-19: every second full segment */
		conn_want_ack(t, c);
		return;
	}
	c->ack_delayed = true;
	if (!c->timer[CT_DELACK])
		conn_arm(t, c, CT_DELACK, t->now + t->set.delack);
}

void delack_now(struct tcp *t, struct conn *c)
{
	if (c->acks_owed < OWED_MAX)
		c->acks_owed++;
	conn_want_ack(t, c);
}

/* MUST-39: a step of the window below this is silly, whatever the size of
 * the segments that the peer happens to send. */
static uint32_t silly(const struct conn *c)
{
	uint32_t most = c->clamp ? min_u32(c->clamp, c->rcv_buf) : c->rcv_buf;

	return min_u32(most / 2, c->advmss);
}

/*
 * The buffer now: what is out of order has left the network, and would stop the
 * sender before its hole is filled.  Without SACK it stays the same, for a
 * sender tells duplicate ACKs by their window (RFC 5681, 2).
 */
static uint32_t buffer(const struct tcp *t, const struct conn *c)
{
	uint64_t wide = (uint64_t)c->rcv_buf + c->rq.ooo;

	if (!c->sack || !c->rq.ooo || mem_low(t))
		return c->rcv_buf;
	return max_u32(c->rcv_buf, (uint32_t)min_u64(wide, c->rcv_max));
}

/*
 * The window to announce, in octets: never a right edge left of the one
 * announced before (SHLD-14), and further right only by min(buffer / 2, MSS)
 * or more (MUST-39).
 */
uint32_t delack_window(const struct tcp *t, const struct conn *c)
{
	uint32_t most = (uint32_t)UINT16_MAX << c->rcv_wscale;
	uint32_t had =
		seq_gt(c->rcv_adv, c->rcv_nxt) ? c->rcv_adv - c->rcv_nxt : 0;
	uint32_t room = (uint32_t)sub_sat(buffer(t, c), conn_readable(c));
	uint32_t unit = 1u << c->rcv_wscale;

	if (c->clamp)
		room = min_u32(room, c->clamp);
	if (mem_pressure(t))
		room = min_u32(room, PRESSED * c->advmss);
	room = min_u32(room, most) & ~(unit - 1);
	if (room >= had + silly(c) && room > had)
		return room;
	/* rounded up: the edge may move right by less than a unit, not left */
	return min_u32((had + unit - 1) & ~(unit - 1), most);
}

/* A segment with ACK = RCV.NXT and this window has left. */
void delack_sent(struct tcp *t, struct conn *c, uint32_t wnd)
{
	c->rcv_adv = seq_max(c->rcv_adv, c->rcv_nxt + wnd);
	c->last_ack_sent = c->rcv_nxt;
	c->ack_pending = 0;
	c->ack_due = c->ack_delayed = false;
	conn_disarm(c, CT_DELACK);
	if (c->quick)
		c->quick--;
	if (c->acks_owed)
		c->acks_owed--;
	grow_acked(t, c);
}

/* The app took text: a window update goes when the peer may run dry. */
void delack_read(struct tcp *t, struct conn *c)
{
	uint32_t left;

	if (c->state == TCPD_CLOSED || c->fin_rcvd)
		return;
	left = seq_gt(c->rcv_adv, c->rcv_nxt) ? c->rcv_adv - c->rcv_nxt : 0;
	if (left < c->rcv_buf / 2 && delack_window(t, c) > left + 1 &&
	    delack_window(t, c) - left >= silly(c)) {
		c->ack_due = true;
		conn_want_ack(t, c);
	}
}
