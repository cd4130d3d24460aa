/* SPDX-License-Identifier: MIT */
/*
 * urgent.c - the urgent mechanism, RFC 9293, 3.8.5: a pointer in each
 * direction.  Urgent data is text like any other and stays in line (RFC 6093);
 * what is kept is where it ends, which is behind its last octet (MUST-62).
 */
#include "conn.h"

/* Sixth check of 3.10.7.4: the user is told whenever the pointer advances
 * (MUST-32), but of nothing that was read already. */
void urgent_arrived(struct tcp *t, struct conn *c, uint32_t up)
{
	if (c->orphan || !seq_gt(up, c->rq.read) ||
	    (c->urg_in && !seq_gt(up, c->rcv_up)))
		return;
	c->rcv_up = up;
	c->urg_in = true;
	conn_event(t, c, TCPD_EV_URGENT);
}

/* Octets up to its end that are to be read; some may not have come yet, but
 * none will that would follow the FIN. */
uint32_t urgent_unread(const struct conn *c)
{
	uint32_t end = c->rcv_up;

	if (!c->urg_in)
		return 0;
	if (c->fin_rcvd)
		end = seq_min(end, c->rcv_nxt - 1);
	return seq_gt(end, c->rq.read) ? end - c->rq.read : 0;
}

void urgent_read(struct conn *c)
{
	if (c->urg_in && seq_ge(c->rq.read, c->rcv_up))
		c->urg_in = false;
}

int urgent_mark(struct tcp *t, struct conn *c)
{
	if (c->state == TCPD_CLOSED)
		return c->err ? -c->err : -TCPD_ERR_NOT_OPEN;
	if (c->fin_queued)
		return -TCPD_ERR_CLOSING;
	if (!conn_unsent(c)) /* it goes with an octet (3.8.5) */
		return -TCPD_ERR_INVALID;
	c->snd_up = c->sq.end;
	c->urg_out = true;
	if (conn_synchronized(c))
		conn_want_output(t, c);
	return 0;
}

/* As far as 16 bits tell: what goes later tells more. */
uint16_t urgent_pointer(const struct conn *c, uint32_t seq)
{
	if (!c->urg_out || !seq_lt(seq, c->snd_up))
		return 0;
	return (uint16_t)min_u32(c->snd_up - seq, UINT16_MAX);
}

void urgent_acked(struct conn *c)
{
	if (c->urg_out && seq_ge(c->snd_una, c->snd_up))
		c->urg_out = false;
}
