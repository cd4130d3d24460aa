/* SPDX-License-Identifier: MIT */
/*
 * delack.c - when to acknowledge and which window to announce: delayed ACKs
 * (RFC 9293, 3.8.6.3; RFC 5681, 4.2), the receiver's silly-window rule
 * (3.8.6.2.2), and a receive buffer that grows while the app drains it.
 */
#include "conn.h"
#include "mem.h"

#define OWED_MAX     64u /* duplicate ACKs beyond this tell a peer nothing new */

/* Loopback-like paths have round trips below the time a wake-up takes. */
#define GROW_RTT_MIN TCPD_US(100)

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
 * The window to announce, in octets: never a right edge left of the one
 * announced before (SHLD-14), and further right only by min(buffer / 2, MSS)
 * or more (MUST-39).
 */
uint32_t delack_window(const struct tcp *t, const struct conn *c)
{
	uint32_t most = (uint32_t)UINT16_MAX << c->rcv_wscale;
	uint32_t readable = conn_readable(c);
	uint32_t room = c->rcv_buf > readable ? c->rcv_buf - readable : 0;
	uint32_t had =
		seq_gt(c->rcv_adv, c->rcv_nxt) ? c->rcv_adv - c->rcv_nxt : 0;
	uint32_t unit = 1u << c->rcv_wscale;

	(void)t;
	if (c->clamp)
		room = min_u32(room, c->clamp);
	room = min_u32(room, most) & ~(unit - 1);
	if (room >= had + silly(c) && room > had)
		return room;
	/* rounded up: the edge may move right by less than a unit, not left */
	return min_u32((had + unit - 1) & ~(unit - 1), most);
}

/* A segment with ACK = RCV.NXT and this window has left. */
void delack_sent(struct tcp *t, struct conn *c, uint32_t wnd)
{
	(void)t;
	c->rcv_adv = seq_max(c->rcv_adv, c->rcv_nxt + wnd);
	c->last_ack_sent = c->rcv_nxt;
	c->ack_pending = 0;
	c->ack_due = c->ack_delayed = false;
	conn_disarm(c, CT_DELACK);
	if (c->quick)
		c->quick--;
	if (c->acks_owed)
		c->acks_owed--;
}

/*
 * Growth: when a whole window arrived within about a round trip and the app
 * took nearly all of it, the window was what held the peer back.
 */
static void grow(struct tcp *t, struct conn *c)
{
	tcpd_time rtt = max_u64(c->srtt, GROW_RTT_MIN);
	uint64_t most = min_u64(c->rcv_max, mem_share(t));

	if (t->now - c->grow_at <= 2 * rtt &&
	    c->grow_taken >= c->rcv_buf - c->rcv_buf / 4 && c->rcv_buf < most)
		c->rcv_buf = (uint32_t)min_u64(2 * (uint64_t)c->rcv_buf, most);
	c->grow_at = t->now;
	c->grow_mark = c->rcv_nxt + c->rcv_buf;
	c->grow_taken = 0;
}

/* The app took |n| octets: a window update goes when the peer may run dry. */
void delack_read(struct tcp *t, struct conn *c, uint32_t n)
{
	uint32_t left;

	if (c->state == TCPD_CLOSED || c->fin_rcvd)
		return;
	c->grow_taken += n;
	if (seq_ge(c->rcv_nxt, c->grow_mark))
		grow(t, c);
	left = seq_gt(c->rcv_adv, c->rcv_nxt) ? c->rcv_adv - c->rcv_nxt : 0;
	if (left < c->rcv_buf / 2 && delack_window(t, c) > left + 1 &&
	    delack_window(t, c) - left >= silly(c)) {
		c->ack_due = true;
		conn_want_ack(t, c);
	}
}
