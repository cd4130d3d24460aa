/* SPDX-License-Identifier: MIT */
/*
 * test_conn.c - a TCB's start values, its place in tables, lists and wheel,
 * the effective MSS, and what is left of it at its end.
 *
 * LINK: test/unit/rig.c
 */
#include <string.h>

#include "rig.h"

START_TEST(conn_new_has_the_settings_of_the_stack)
{
	struct conn *c;

	rig_stop();
	rig.set.conn.receive_buffer = 123456;
	rig.set.conn.send_buffer = 234567;
	rig.set.conn.time_wait = TCPD_SEC(9);
	rig.set.rto_init = TCPD_SEC(3);
	rig_start();
	c = conn_new(rig.t);
	ck_assert_int_eq(c->state, TCPD_CLOSED);
	ck_assert_uint_eq(c->rcv_max, 123456);
	ck_assert_uint_eq(c->snd_max, 234567);
	ck_assert_uint_eq(c->time_wait, TCPD_SEC(9));
	ck_assert_uint_eq(c->rto, TCPD_SEC(3));
	ck_assert_uint_eq(c->born, rig.now);
	ck_assert(!c->keepalive); /* MUST-25 */
	ck_assert_uint_eq(c->keepidle_ms, 7200 * 1000);
	conn_free(rig.t, c);
	rig_assert_empty();
}
END_TEST

START_TEST(conn_table_that_is_full_gives_none)
{
	for (unsigned i = 0; i < rig.set.max_conns; i++)
		ck_assert_ptr_nonnull(conn_new(rig.t));
	ck_assert_ptr_null(conn_new(rig.t));
}
END_TEST

START_TEST(conn_move_takes_counts_and_traces_an_arrow)
{
	struct conn *c = rig_conn(1, 1);
	const struct fsm_edge *e = fsm_find(TCPD_ESTABLISHED, EV_CLOSE);
	struct tcpd_trace tr;
	uint64_t lost;

	conn_move(rig.t, c, EV_CLOSE);
	ck_assert_int_eq(c->state, TCPD_FIN_WAIT_1);
	ck_assert_uint_eq(rig.t->taken[e - fsm_edges], 1);
	ck_assert(tcpd_next_trace(rig.st, &tr, &lost));
	ck_assert_uint_eq(tr.id, c->id);
	ck_assert_uint_eq(tr.at, rig.now);
	ck_assert_int_eq(tr.from, TCPD_ESTABLISHED);
	ck_assert_int_eq(tr.to, TCPD_FIN_WAIT_1);
	ck_assert_str_eq(tr.event, "CLOSE");
	ck_assert_uint_eq(tr.local.port, 80);
	ck_assert_uint_eq(tr.local.family, 4);
	ck_assert(!tcpd_next_trace(rig.st, &tr, &lost));
}
END_TEST

START_TEST(conn_tuple_is_taken_once_and_its_port_counted)
{
	struct conn *a = rig_conn(1, 1);
	struct conn *b = conn_new(rig.t);

	b->tu = a->tu;
	ck_assert(!conn_hash(rig.t, b));
	ck_assert_uint_eq(rig.t->ports[80].nuse, 1);
	conn_unhash(rig.t, a);
	conn_unhash(rig.t, a); /* twice is nothing */
	ck_assert_uint_eq(rig.t->ports[80].nuse, 0);
	ck_assert(conn_hash(rig.t, b));
	conn_free(rig.t, b);
	conn_free(rig.t, a);
	rig_assert_empty();
}
END_TEST

/* MTU of the device, path MTU, MSS of the peer, our own: Eff.snd.MSS. */
static const struct mss {
	const char *name;
	uint8_t version;
	uint16_t mtu;
	uint32_t pmtu, peer, own;
	bool ts;
	uint32_t want;
} msses[] = {
	{"Ethernet, IPv4", 4, 1500, 0, 1460, 1460, false, 1460},
	{"Ethernet, IPv6", 6, 1500, 0, 1440, 1440, false, 1440},
	{"time stamps come off it", 4, 1500, 0, 1460, 1460, true, 1448},
	{"the peer's is less", 4, 1500, 0, 1000, 1460, false, 1000},
	{"the peer's is less, with time stamps", 4, 1500, 0, 1000, 1460, true,
	 988},
	{"MUST-15: a silent peer, IPv4", 4, 1500, 0, 0, 1460, false, 536},
	{"MUST-15: a silent peer, IPv6", 6, 1500, 0, 0, 1440, false, 1220},
	{"the path's MTU", 4, 1500, 576, 1460, 1460, false, 536},
	{"a path MTU above the device's", 4, 1500, 9000, 9000, 1460, false,
	 1460},
	{"TCP_MAXSEG", 4, 1500, 0, 1460, 500, false, 500},
	{"an MSS of 0", 4, 1500, 0, 1, 1460, false, 48},
	{"an MSS of 1 with time stamps", 4, 1500, 0, 1, 1460, true, 36},
	{"the smallest MTU", 4, 68, 0, 1460, 28, false, 28},
	{"jumbo frames", 4, 9000, 0, 8960, 8960, false, 8960},
	{"the largest MTU", 4, 65535, 0, 65495, 65495, false, 65495},
};

START_TEST(conn_mss_follows_path_peer_and_options)
{
	const struct mss *m = &msses[_i];
	struct conn *c = rig_conn(1, 1);

	rig.t->set.mtu = m->mtu;
	c->tu = rig_tuple(m->version, 80, 1);
	c->pmtu = m->pmtu;
	c->peer_mss = (uint16_t)m->peer;
	c->advmss = m->own;
	c->ts = m->ts;
	conn_set_mss(rig.t, c);
	ck_assert_msg(c->mss == m->want, "%s: %u", m->name, c->mss);
	ck_assert_uint_eq(c->ccs.mss, m->want);
	c->hashed = false; /* its tuple was changed under it */
}
END_TEST

static const struct adv {
	uint8_t version;
	uint16_t mtu;
	uint32_t want;
} advs[] = {{4, 1500, 1460}, {6, 1500, 1440}, {4, 576, 536},
	    {6, 1280, 1220}, {4, 68, 28},     {4, 65535, 65495}};

START_TEST(conn_announces_what_the_device_takes)
{
	struct tuple tu = rig_tuple(advs[_i].version, 80, 1);

	rig.t->set.mtu = advs[_i].mtu;
	ck_assert_uint_eq(tcp_advmss(rig.t, &tu), advs[_i].want);
}
END_TEST

static const struct scale {
	uint32_t buffer;
	uint8_t offered, want;
} scales[] = {
	{4u << 20, 7, 7},      {4u << 20, 14, 14}, {1u << 30, 14, 14},
	{1024, 7, 7},	       {1023, 7, 6},	   {5000, 14, 9},
	{65536, 0, 0},	       {2048, 14, 8},	   {16u << 20, 7, 9},
	{65535u << 10, 7, 10}, {64u << 20, 7, 11}, {1u << 30, 1, 14},
	{15728640, 8, 8},
};

/* All of the buffer can be announced, and a unit of the window is at most an
 * eighth of it. */
START_TEST(conn_offers_the_shift_that_its_buffer_needs)
{
	rig.t->set.wscale = scales[_i].offered;
	ck_assert_uint_eq(tcp_wscale(rig.t, scales[_i].buffer),
			  scales[_i].want);
}
END_TEST

/* RFC 6928: min(10 * MSS, max(2 * MSS, 14600)). */
static const struct iw {
	const char *name;
	uint32_t mss;
	uint8_t nrexmt;
	uint32_t want;
} iws[] = {
	{"Ethernet", 1460, 0, 14600},	  {"small segments", 536, 0, 5360},
	{"jumbo frames", 8960, 0, 17920}, {"in between", 2000, 0, 14600},
	{"a lost SYN", 1460, 1, 1460},
};

START_TEST(conn_begins_with_the_initial_window)
{
	const struct iw *w = &iws[_i];
	struct conn *c = rig_conn(1, 1);

	rig.t->set.mtu = 9000;
	c->advmss = c->peer_mss = (uint16_t)w->mss;
	c->nrexmt = w->nrexmt;
	conn_syn_acked(rig.t, c);
	conn_established(rig.t, c);
	ck_assert_msg(c->ccs.cwnd == w->want, "%s: %u", w->name, c->ccs.cwnd);
	ck_assert_uint_eq(c->ccs.ssthresh, UINT32_MAX); /* 5681-5 */
	ck_assert_uint_eq(c->nrexmt, 0);
	/* 6298, 5.7: the RTO is a guess after a lost SYN */
	ck_assert_uint_eq(c->rto, TCPD_SEC(w->nrexmt ? 3 : 1));
	ck_assert_uint_eq(rig_event().mask, TCPD_EV_OPEN | TCPD_EV_WRITABLE);
}
END_TEST

START_TEST(conn_receive_side_starts_at_64_k_or_less)
{
	struct conn *c = rig_conn(1, 7000);

	ck_assert_uint_eq(c->rcv_nxt, 7001);
	ck_assert_uint_eq(c->rcv_buf, 65536);
	ck_assert_uint_eq(c->rcv_adv, 7001 + 65535);
	ck_assert_uint_eq(c->irs, 7000);
	ck_assert_uint_eq(c->last_ack_sent, 7001);
	c->rcv_max = 5000;
	conn_open_send(rig.t, c, 1);
	conn_open_recv(c, 7000);
	ck_assert_uint_eq(c->rcv_buf, 5000);
	ck_assert_uint_eq(c->rcv_adv, 7001 + 5000);
}
END_TEST

START_TEST(conn_timer_that_moves_away_leaves_its_node)
{
	struct conn *c = rig_conn(1, 1);
	uint64_t first;

	conn_arm(rig.t, c, CT_KEEPALIVE, rig.now + TCPD_SEC(10));
	first = c->armed;
	conn_arm(rig.t, c, CT_KEEPALIVE, rig.now + TCPD_SEC(20));
	ck_assert_uint_eq(c->armed, first);
	conn_arm(rig.t, c, CT_DELACK, rig.now + TCPD_SEC(1));
	ck_assert_uint_lt(c->armed, first);
	ck_assert_uint_eq(rig.t->wheel.count, 1);
	/* fires early for nothing, and is armed for what is there */
	conn_disarm(c, CT_DELACK);
	rig_pass(TCPD_SEC(1));
	ck_assert_uint_eq(c->armed, tick_of(c->timer[CT_KEEPALIVE]));
	conn_disarm(c, CT_KEEPALIVE);
	rig_pass(TCPD_SEC(30));
	ck_assert(!wheel_armed(&rig.t->wheel, &c->node));
}
END_TEST

START_TEST(conn_events_are_one_for_each_connection_in_order)
{
	struct conn *a = rig_conn(1, 1), *b = rig_conn(1, 1);
	struct tcpd_event ev;

	b->user = rig.buf;
	b->err = TCPD_ERR_RESET;
	conn_event(rig.t, b, TCPD_EV_OPEN);
	conn_event(rig.t, a, TCPD_EV_READABLE);
	conn_event(rig.t, b, TCPD_EV_RESET);
	ev = rig_event();
	ck_assert_uint_eq(ev.mask, TCPD_EV_OPEN | TCPD_EV_RESET);
	ck_assert_ptr_eq(ev.user, rig.buf);
	ck_assert_int_eq(ev.err, TCPD_ERR_RESET);
	ck_assert_uint_eq(rig_event().mask, TCPD_EV_READABLE);
	ck_assert_uint_eq(rig_event().mask, 0);
	/* nobody is there to be told */
	a->held = false;
	conn_event(rig.t, a, TCPD_EV_READABLE);
	ck_assert_uint_eq(rig_event().mask, 0);
}
END_TEST

START_TEST(conn_waits_for_output_in_one_list_at_a_time)
{
	struct conn *c = rig_conn(1, 1);

	conn_want_ack(rig.t, c);
	ck_assert_int_eq(c->on_list, ON_ACKS);
	conn_want_output(rig.t, c);
	ck_assert_int_eq(c->on_list, ON_SENDS);
	ck_assert_uint_eq(rig.t->acks.head, REF_NONE);
	conn_want_ack(rig.t, c);
	conn_want_output(rig.t, c);
	ck_assert_uint_eq(rig.t->sends.head, rig.t->sends.tail);
	c->state = TCPD_CLOSED;
	rlist_pop(rig.t, &rig.t->sends, LINK_OUT);
	c->on_list = ON_NONE;
	conn_want_output(rig.t, c);
	conn_want_ack(rig.t, c);
	ck_assert_int_eq(c->on_list, ON_NONE);
}
END_TEST

/* In every list, with every kind of memory. */
static struct conn *full_conn(void)
{
	struct conn *c = rig_conn(1, 1);
	struct tcpd_room r[4];

	rig_fill(c, 1, 0, 5000);
	ck_assert_int_gt(sendq_room(rig.t, c, 9000, r, 4), 0);
	ck_assert_uint_ne(xmit_add(rig.t, c, 2, 1000), SLAB_NONE);
	c->snd_nxt = 1000;
	recvq_put(rig.t, c, c->rcv_nxt, rig.buf, 500);
	recvq_settle(rig.t);
	recvq_put(rig.t, c, c->rcv_nxt + 500, rig.buf, 500);
	conn_arm(rig.t, c, CT_REXMT, rig.now + 1);
	conn_event(rig.t, c, TCPD_EV_READABLE);
	conn_want_output(rig.t, c);
	return c;
}

START_TEST(conn_free_leaves_nothing)
{
	conn_free(rig.t, full_conn());
	rig_assert_empty();
}
END_TEST

START_TEST(conn_ended_keeps_what_is_unread_for_who_holds_it)
{
	struct conn *c = full_conn();
	struct tcpd_slice s[2];

	conn_ended(rig.t, c, TCPD_ERR_RESET, TCPD_EV_RESET);
	ck_assert_int_eq(c->state, TCPD_CLOSED);
	ck_assert_int_eq(c->err, TCPD_ERR_RESET);
	ck_assert_uint_eq(recvq_peek(rig.t, c, s, 2), 1);
	ck_assert_uint_eq(s[0].len, 500);
	/* but nothing of what was to be sent, no timer and no place */
	ck_assert_uint_eq(c->sq.head, POOL_NONE);
	ck_assert_uint_eq(rig.t->xmits.count, 0);
	ck_assert_uint_eq(rig.t->wheel.count,
			  wheel_armed(&rig.t->wheel, &rig.t->misc));
	ck_assert_uint_eq(rig.t->sends.head, REF_NONE);
	ck_assert_uint_eq(conn_flight(c), 0);
	ck_assert(!c->hashed);
	ck_assert_uint_eq(rig_event().mask, TCPD_EV_READABLE | TCPD_EV_RESET);
	conn_free(rig.t, c);
	rig_assert_empty();
}
END_TEST

START_TEST(conn_ended_of_an_orphan_is_gone_with_its_event)
{
	struct conn *c = full_conn();
	struct tcpd_event ev;

	rig_event();
	c->orphan = true;
	conn_ended(rig.t, c, TCPD_ERR_TIMEOUT, TCPD_EV_TIMEOUT);
	ck_assert_uint_eq(rig.t->pool.nused, 0);
	ck_assert_uint_eq(rig.t->conns.count, 1);
	ev = rig_event();
	ck_assert_uint_eq(ev.mask, TCPD_EV_GONE);
	ck_assert_int_eq(ev.err, TCPD_ERR_TIMEOUT);
	rig_assert_empty();
}
END_TEST

START_TEST(conn_ended_that_nobody_holds_is_gone_at_once)
{
	struct conn *c = full_conn();

	rig_event();
	c->held = false;
	conn_ended(rig.t, c, TCPD_ERR_TIMEOUT, TCPD_EV_TIMEOUT);
	rig_assert_empty();
}
END_TEST

/* An arrow that figure 5 has not got: that connection is reset, no other. */
START_TEST(conn_fault_costs_one_connection)
{
	struct peer one = peer_new(4, 80, 1001);
	struct peer two = peer_new(4, 80, 1002);
	tcpd_handle listener = rig_listen(80);
	struct packet p;

	peer_accept(&one, listener);
	peer_accept(&two, listener);
	while (rig_event().mask)
		;
#ifndef TCPD_DEBUG /* where it is fatal, and so it should be */
	conn_move(rig.t, one.c, EV_TIMEOUT_2MSL);
	ck_assert_uint_eq(one.c->state, TCPD_ESTABLISHED);
	rig_pass(TCPD_MS(2));
	p = rig_expect(TCP_RST | TCP_ACK);
	ck_assert_uint_eq(p.dport, 1001);
	ck_assert_uint_eq(rig.t->stat.resets_sent[TCPD_RESET_FAULT], 1);
	ck_assert_uint_eq(rig_event().mask, TCPD_EV_RESET);
	ck_assert_uint_eq(one.c->state, TCPD_CLOSED);
#else
	(void)p;
#endif
	ck_assert_uint_eq(two.c->state, TCPD_ESTABLISHED);
}
END_TEST

static const struct pipe {
	const char *name;
	uint32_t flight, lost, resent, duped, want;
} pipes[] = {
	{"nothing lost", 10000, 0, 0, 0, 10000},
	{"some lost", 10000, 3000, 0, 0, 7000},
	{"lost and sent again", 10000, 3000, 3000, 0, 10000},
	{"what left by duplicate ACKs", 10000, 1000, 1000, 4000, 6000},
	{"more left than is out", 1000, 0, 0, 4000, 0},
};

START_TEST(conn_pipe_is_what_is_in_the_network)
{
	const struct pipe *p = &pipes[_i];
	struct conn *c = rig_conn(1, 1);

	c->snd_nxt = c->snd_una + p->flight;
	c->lost = p->lost;
	c->resent = p->resent;
	c->duped = p->duped;
	ck_assert_msg(conn_pipe(c) == p->want, "%s: %u", p->name, conn_pipe(c));
}
END_TEST

/* The numbers of a stream come round again; that of the SYN, too. */
START_TEST(conn_queues_are_right_however_far_the_stream_is)
{
	struct conn *c = rig_conn(1000, 1);

	for (uint64_t at = 1; at < UINT64_C(3) << 32; at += 1u << 30) {
		c->snd_una = c->iss + (uint32_t)at;
		if (at > 1 && (uint32_t)at == 1) /* a whole round: at the ISS */
			c->snd_una = c->iss;
		c->octets_acked = at - 1;
		c->snd_nxt = c->snd_una + 10;
		c->sq.end = c->snd_nxt + 20;
		ck_assert_uint_eq(conn_queued(c), 30);
		ck_assert_uint_eq(conn_unsent(c), 20);
		ck_assert(!conn_syn_out(c));
	}
}
END_TEST

int main(void)
{
	Suite *s = suite_create("conn");
	TCase *tc = rig_case(s, "tcb");

	tcase_add_test(tc, conn_new_has_the_settings_of_the_stack);
	tcase_add_test(tc, conn_table_that_is_full_gives_none);
	tcase_add_test(tc, conn_move_takes_counts_and_traces_an_arrow);
	tcase_add_test(tc, conn_tuple_is_taken_once_and_its_port_counted);
	tcase_add_loop_test(tc, conn_mss_follows_path_peer_and_options, 0,
			    ARRAY_SIZE(msses));
	tcase_add_loop_test(tc, conn_announces_what_the_device_takes, 0,
			    ARRAY_SIZE(advs));
	tcase_add_loop_test(tc, conn_offers_the_shift_that_its_buffer_needs, 0,
			    ARRAY_SIZE(scales));
	tcase_add_loop_test(tc, conn_begins_with_the_initial_window, 0,
			    ARRAY_SIZE(iws));
	tcase_add_test(tc, conn_receive_side_starts_at_64_k_or_less);
	tcase_add_test(tc, conn_timer_that_moves_away_leaves_its_node);
	tcase_add_test(tc, conn_events_are_one_for_each_connection_in_order);
	tcase_add_test(tc, conn_waits_for_output_in_one_list_at_a_time);
	tcase_add_test(tc, conn_free_leaves_nothing);
	tcase_add_test(tc, conn_ended_keeps_what_is_unread_for_who_holds_it);
	tcase_add_test(tc, conn_ended_of_an_orphan_is_gone_with_its_event);
	tcase_add_test(tc, conn_ended_that_nobody_holds_is_gone_at_once);
	tcase_add_test(tc, conn_fault_costs_one_connection);
	tcase_add_loop_test(tc, conn_pipe_is_what_is_in_the_network, 0,
			    ARRAY_SIZE(pipes));
	tcase_add_test(tc, conn_queues_are_right_however_far_the_stream_is);
	return rig_run(s);
}
