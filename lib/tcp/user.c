/* SPDX-License-Identifier: MIT */
/*
 * user.c - what a user's call does in each state: RFC 9293, 3.10.1 (OPEN) and
 * 3.10.4 to 3.10.5 (CLOSE, ABORT).  SEND and RECEIVE are the queues (sendq.c,
 * recvq.c); the calls themselves are in stack/api.c.
 */
#include <string.h>

#include "conn.h"
#include "listen.h"
#include "port.h"
#include "timewait.h"
#include "wire/ip.h"

/* Fill in the local side of |tu|: 0, or a TCPD_ERR_. */
static int choose_local(struct tcp *t, struct conn *c, struct tuple *tu)
{
	if (ip_is_any(tu->local) && !port_source(t, tu->peer, tu->local))
		return TCPD_ERR_NET_UNREACH;
	if (!port_is_ours(t, tu->local)) /* any more: it was bound */
		return TCPD_ERR_NOT_OURS;
	if (ip_is4(tu->local) != ip_is4(tu->peer))
		return TCPD_ERR_FAMILY;
	if (c->any_local && c->family && (c->family == 4) != ip_is4(tu->peer))
		return TCPD_ERR_FAMILY;
	if (tu->lport == 0)
		return port_choose(t, tu) ? 0 : TCPD_ERR_NO_PORT;
	return port_tuple_usable(t, tu) ? 0 : TCPD_ERR_IN_USE;
}

/* The ISN; above what the connection before it sent, whose TIME-WAIT entry
 * |old| gives its place (as synq_syn() does it). */
static uint32_t first_seq(struct tcp *t, const struct tuple *tu, uint32_t old)
{
	uint32_t iss = isn_for(t, tu);
	uint32_t over;

	if (old == HTAB_NONE)
		return iss;
	over = timewait_reopen(t, old) + UINT16_MAX;
	return seq_gt(iss, over) ? iss : over + 2;
}

int user_connect(struct tcp *t, struct conn *c, const struct tcpd_addr *peer)
{
	struct tuple tu = c->tu;
	uint32_t old;
	int err;

	if (ip_is_any(peer->ip) || peer->port == 0)
		return -TCPD_ERR_NO_PEER;
	/* RFC 1122, 3.2.1.3 (g): not outside a host.  And what is ours the
	 * device would not bring back. */
	if (ip_is_loopback(peer->ip) || port_is_ours(t, peer->ip))
		return -TCPD_ERR_NET_UNREACH;
	if (ip_is_multicast(peer->ip) ||
	    port_is_broadcast(t, peer->ip)) /* MUST-46 */
		return -TCPD_ERR_NET_UNREACH;
	memcpy(tu.peer, peer->ip, 16);
	tu.pport = peer->port;
	err = choose_local(t, c, &tu);
	if (err)
		return -err;
	c->tu = tu;
	if (!conn_hash(t, c))
		return -TCPD_ERR_RESOURCES;
	c->any_local = false;
	c->active = true;
	c->advmss = c->advmss ? min_u32(c->advmss, tcp_advmss(t, &tu))
			      : tcp_advmss(t, &tu);
	old = timewait_find(t, &tu, tuple_hash(t, &tu));
	conn_open_send(t, c, first_seq(t, &tu, old));
	conn_set_mss(t, c);
	conn_start_window(t, c, c->mss);
	c->rcv_wscale = tcp_wscale(t, c->rcv_max);
	c->ts = t->set.timestamps;
	c->sack = t->set.sack;
	ecn_ask(t, c);
	conn_move(t, c, EV_ACTIVE_OPEN);
	t->stat.opens_active++;
	fo_connect(t, c);
	c->syn_due = !c->fo_wait;
	if (c->syn_due)
		conn_want_output(t, c);
	return 0;
}

void user_sent(struct tcp *t, struct conn *c)
{
	if (c->fo_wait) {
		c->fo_wait = false;
		c->syn_due = true;
		conn_want_output(t, c);
	}
}

static void queue_fin(struct tcp *t, struct conn *c)
{
	c->fin_queued = true;
	c->cork = c->more = false;
	conn_want_output(t, c);
}

int user_shutdown(struct tcp *t, struct conn *c)
{
	switch ((enum tcpd_state)c->state) {
	case TCPD_CLOSED:
		return c->err ? -c->err : -TCPD_ERR_NOT_OPEN;
	case TCPD_LISTEN:
	case TCPD_SYN_SENT:
		return -TCPD_ERR_NOT_OPEN;
	case TCPD_SYN_RECEIVED:
	case TCPD_ESTABLISHED:
	case TCPD_CLOSE_WAIT:
		conn_move(t, c, EV_CLOSE);
		queue_fin(t, c);
		return 0;
	case TCPD_FIN_WAIT_1:
	case TCPD_FIN_WAIT_2:
	case TCPD_CLOSING:
	case TCPD_LAST_ACK:
	case TCPD_TIME_WAIT:
		break;
	}
	return -TCPD_ERR_CLOSING;
}

/* 3.10.5: does ABORT put a RST on the wire in this state? */
static bool abort_resets(const struct conn *c)
{
	switch ((enum tcpd_state)c->state) {
	case TCPD_SYN_RECEIVED:
	case TCPD_ESTABLISHED:
	case TCPD_FIN_WAIT_1:
	case TCPD_FIN_WAIT_2:
	case TCPD_CLOSE_WAIT:
		return true;
	case TCPD_CLOSED:
	case TCPD_LISTEN:
	case TCPD_SYN_SENT:
	case TCPD_CLOSING:
	case TCPD_LAST_ACK:
	case TCPD_TIME_WAIT:
		break;
	}
	return false;
}

void user_abort(struct tcp *t, struct conn *c, enum tcpd_reset why)
{
	if (c->state != TCPD_CLOSED) {
		if (abort_resets(c))
			rst_send(t, c, why);
		conn_move(t, c, EV_ABORT);
	}
	c->held = false;
	conn_ended(t, c, TCPD_ERR_RESET, 0);
}

void user_close(struct tcp *t, struct conn *c)
{
	if (c->state == TCPD_CLOSED) {
		conn_free(t, c);
		return;
	}
	/* SHLD-3: octets that nobody will read; the peer must know */
	if (conn_readable(c) || c->unread) {
		user_abort(t, c, TCPD_RESET_UNREAD_DATA);
		return;
	}
	if (c->linger_ms && TCPD_MS(c->linger_ms) <= LINGER_NONE) {
		user_abort(t, c, TCPD_RESET_ABORT);
		return;
	}
	switch ((enum tcpd_state)c->state) {
	case TCPD_SYN_SENT:
		conn_move(t, c, EV_CLOSE);
		c->held = false;
		conn_ended(t, c, 0, 0);
		return;
	case TCPD_SYN_RECEIVED:
	case TCPD_ESTABLISHED:
	case TCPD_CLOSE_WAIT:
		conn_move(t, c, EV_CLOSE);
		queue_fin(t, c);
		break;
	case TCPD_FIN_WAIT_2:
		orphan_fin_wait_2(t, c);
		break;
	case TCPD_CLOSED:
	case TCPD_LISTEN:
	case TCPD_FIN_WAIT_1:
	case TCPD_CLOSING:
	case TCPD_LAST_ACK:
	case TCPD_TIME_WAIT:
		break;
	}
	linger_begin(t, c);
	orphan_begin(t, c);
}
