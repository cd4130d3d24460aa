/* SPDX-License-Identifier: MIT */
/*
 * test_user.c - the user's calls state by state: RFC 9293, 3.10.1 and 3.10.4
 * to 3.10.5.
 *
 * LINK: test/unit/rig.c
 */
#include <string.h>

#include "rig.h"

static struct conn *conn_in(enum tcpd_state state)
{
	struct conn *c = rig_conn(1000, 2000);

	c->state = (uint8_t)state;
	return c;
}

#define STAYS 255

static const struct row {
	enum tcpd_state state;
	int shutdown;		       /* what it answers */
	uint8_t shut, closed, aborted; /* state then; STAYS; CLOSED: it goes */
	bool fin, reset; /* CLOSE queues a FIN; ABORT puts a RST */
} rows[] = {
	{TCPD_SYN_SENT, TCPD_ERR_NOT_OPEN, STAYS, TCPD_CLOSED, TCPD_CLOSED,
	 false, false},
	{TCPD_SYN_RECEIVED, 0, TCPD_FIN_WAIT_1, TCPD_FIN_WAIT_1, TCPD_CLOSED,
	 true, true},
	{TCPD_ESTABLISHED, 0, TCPD_FIN_WAIT_1, TCPD_FIN_WAIT_1, TCPD_CLOSED,
	 true, true},
	{TCPD_FIN_WAIT_1, TCPD_ERR_CLOSING, STAYS, STAYS, TCPD_CLOSED, false,
	 true},
	{TCPD_FIN_WAIT_2, TCPD_ERR_CLOSING, STAYS, STAYS, TCPD_CLOSED, false,
	 true},
	{TCPD_CLOSE_WAIT, 0, TCPD_LAST_ACK, TCPD_LAST_ACK, TCPD_CLOSED, true,
	 true},
	{TCPD_CLOSING, TCPD_ERR_CLOSING, STAYS, STAYS, TCPD_CLOSED, false,
	 false},
	{TCPD_LAST_ACK, TCPD_ERR_CLOSING, STAYS, STAYS, TCPD_CLOSED, false,
	 false},
};

static uint8_t then(const struct row *row, uint8_t to)
{
	return to == STAYS ? (uint8_t)row->state : to;
}

START_TEST(user_shutdown_in_each_state)
{
	const struct row *row = &rows[_i];
	struct conn *c = conn_in(row->state);

	ck_assert_int_eq(user_shutdown(rig.t, c), -row->shutdown);
	ck_assert_int_eq(c->state, then(row, row->shut));
	ck_assert_int_eq(c->fin_queued, row->shutdown == 0);
	ck_assert(!c->orphan); /* it may still RECEIVE */
}
END_TEST

START_TEST(user_close_in_each_state)
{
	const struct row *row = &rows[_i];
	struct conn *c = conn_in(row->state);

	user_close(rig.t, c);
	if (row->closed == TCPD_CLOSED) {
		rig_assert_empty();
		return;
	}
	ck_assert_int_eq(c->state, then(row, row->closed));
	ck_assert_int_eq(c->fin_queued, row->fin);
	ck_assert(c->orphan);
	ck_assert_int_eq(c->timer[CT_ORPHAN] != 0,
			 row->state == TCPD_FIN_WAIT_2);
	ck_assert_uint_eq(rig_event().mask, 0);
}
END_TEST

START_TEST(user_abort_in_each_state)
{
	const struct row *row = &rows[_i];
	struct packet k;

	user_abort(rig.t, conn_in(row->state), TCPD_RESET_ABORT);
	ck_assert_int_eq(rig_out(&k), row->reset);
	if (row->reset) {
		ck_assert_uint_eq(k.flags, FLAG_RST | FLAG_ACK);
		ck_assert_uint_eq(k.seq, 1001);
		ck_assert_uint_eq(k.ack, 2001);
	}
	ck_assert_uint_eq(rig.t->stat.resets_sent[TCPD_RESET_ABORT],
			  row->reset);
	rig_assert_empty();
}
END_TEST

START_TEST(user_close_of_what_never_was_open_is_quiet)
{
	struct conn *c = conn_new(rig.t);

	c->held = true;
	user_close(rig.t, c);
	rig_assert_empty();
	c = conn_new(rig.t);
	c->err = TCPD_ERR_RESET;
	ck_assert_int_eq(user_shutdown(rig.t, c), -TCPD_ERR_RESET);
	c->err = 0;
	ck_assert_int_eq(user_shutdown(rig.t, c), -TCPD_ERR_NOT_OPEN);
	user_abort(rig.t, c, TCPD_RESET_ABORT);
	rig_assert_empty();
	rig_expect_nothing();
}
END_TEST

/* SHLD-3: octets that nobody will read. */
START_TEST(user_close_with_data_unread_resets)
{
	struct conn *c = rig_conn(1, 1);

	if (_i) {
		c->unread = true; /* the caller has some of it */
	} else {
		recvq_put(rig.t, c, c->rcv_nxt, rig.buf, 1);
		recvq_settle(rig.t);
	}
	user_close(rig.t, c);
	rig_expect(FLAG_RST | FLAG_ACK);
	ck_assert_uint_eq(rig.t->stat.resets_sent[TCPD_RESET_UNREAD_DATA], 1);
	rig_assert_empty();
}
END_TEST

START_TEST(user_close_lets_what_was_corked_go)
{
	struct conn *c = rig_conn(1, 1);

	c->cork = true;
	rig_fill(c, 1, 0, 10);
	conn_want_output(rig.t, c);
	rig_expect_nothing();
	user_close(rig.t, c);
	ck_assert_uint_eq(rig_expect(FLAG_FIN | FLAG_ACK).len, 10);
}
END_TEST

/* --- OPEN */

static struct tcpd_addr peer4(uint16_t port)
{
	struct tcpd_addr a = {.family = 4, .port = port};

	memcpy(a.ip, rig_peer4, 16);
	return a;
}

static const struct open_row {
	const char *name;
	struct tcpd_addr peer;
	int err;
} open_rows[] = {
	{"0.0.0.0",
	 {.ip = RIG_IP4(0, 0, 0, 0), .port = 80, .family = 4},
	 TCPD_ERR_NO_PEER},
	{"::", {.port = 80, .family = 6}, TCPD_ERR_NO_PEER},
	{"port 0",
	 {.ip = RIG_IP4(10, 77, 0, 1), .family = 4},
	 TCPD_ERR_NO_PEER},
	{"multicast, IPv4",
	 {.ip = RIG_IP4(224, 0, 0, 1), .port = 80, .family = 4},
	 TCPD_ERR_NET_UNREACH},
	{"multicast, IPv6",
	 {.ip = {0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1},
	  .port = 80,
	  .family = 6},
	 TCPD_ERR_NET_UNREACH},
	{"broadcast",
	 {.ip = RIG_IP4(255, 255, 255, 255), .port = 80, .family = 4},
	 TCPD_ERR_NET_UNREACH},
	{"broadcast of our prefix",
	 {.ip = RIG_IP4(10, 77, 0, 255), .port = 80, .family = 4},
	 TCPD_ERR_NET_UNREACH},
};

START_TEST(user_connect_to_nobody_is_an_error)
{
	const struct open_row *row = &open_rows[_i];
	struct conn *c = conn_new(rig.t);
	int err = user_connect(rig.t, c, &row->peer);

	ck_assert_msg(err == -row->err, "%s: %s", row->name,
		      tcpd_err_name(err));
	ck_assert_int_eq(c->state, TCPD_CLOSED);
	conn_free(rig.t, c);
	rig_assert_empty();
}
END_TEST

START_TEST(user_connect_without_an_address_of_the_family)
{
	struct tcpd_addr peer = {.ip = RIG_IP6(1), .port = 80, .family = 6};
	struct conn *c = conn_new(rig.t);

	rig.t->set.naddrs = 1;
	ck_assert_int_eq(user_connect(rig.t, c, &peer), -TCPD_ERR_NET_UNREACH);
	memcpy(c->tu.local, rig_our4, 16);
	ck_assert_int_eq(user_connect(rig.t, c, &peer), -TCPD_ERR_FAMILY);
}
END_TEST

START_TEST(user_connect_chooses_and_sends_a_syn)
{
	struct tcpd_addr peer = peer4(80);
	struct conn *c = conn_new(rig.t);
	struct packet k;

	ck_assert_int_eq(user_connect(rig.t, c, &peer), 0);
	ck_assert_int_eq(c->state, TCPD_SYN_SENT);
	ck_assert_int_eq(memcmp(c->tu.local, rig_our4, 16), 0);
	ck_assert_uint_ge(c->tu.lport, rig.set.port_min);
	ck_assert_uint_eq(c->iss, isn_for(rig.t, &c->tu));
	ck_assert_uint_eq(c->mss, 536); /* MUST-15, so far */
	k = rig_expect(FLAG_SYN);
	ck_assert_uint_eq(k.seq, c->iss);
	ck_assert_int_eq(packet_option(&k, OPTION_MSS), 1460);
	ck_assert_int_ge(packet_option(&k, OPTION_WSCALE), 0);
	ck_assert_uint_eq(rig.t->stat.opens_active, 1);
}
END_TEST

START_TEST(user_connect_with_a_tuple_that_is_taken)
{
	struct tcpd_addr peer = peer4(80);
	struct conn *a = conn_new(rig.t), *b = conn_new(rig.t);

	a->tu.lport = b->tu.lport = 5000;
	ck_assert_int_eq(user_connect(rig.t, a, &peer), 0);
	ck_assert_int_eq(user_connect(rig.t, b, &peer), -TCPD_ERR_IN_USE);
	/* another peer, the same port */
	peer.port = 81;
	ck_assert_int_eq(user_connect(rig.t, b, &peer), 0);
	ck_assert_uint_eq(rig.t->ports[5000].nuse, 2);
}
END_TEST

START_TEST(user_connect_of_a_socket_bound_to_any_address_has_one_then)
{
	struct tcpd_addr peer = peer4(80);
	struct conn *c = conn_new(rig.t);

	c->tu.lport = 5000;
	c->any_local = true;
	c->family = _i ? 4 : 0;
	conn_bind(rig.t, c);
	ck_assert_int_eq(user_connect(rig.t, c, &peer), 0);
	ck_assert(!c->any_local);
	ck_assert_mem_eq(c->tu.local, rig_our4, 16);
	conn_free(rig.t, c);
	rig_assert_empty();
}
END_TEST

/* RFC 6191: whatever the connection before it has sent. */
START_TEST(user_connect_over_time_wait_begins_above_what_was_sent)
{
	static const int32_t ahead[] = {-1000000, 0, 1, 65535, 1000000};
	struct conn *old = rig_conn(1, 1), *c = conn_new(rig.t);
	struct tcpd_addr peer = {.family = 4};
	struct tuple tu = old->tu;
	uint32_t isn, last;

	rig.now += TCPD_SEC(1);
	rig.t->now = rig.now;
	isn = isn_for(rig.t, &tu);
	rig.t->now = rig.now - TCPD_SEC(1);
	last = isn + (uint32_t)ahead[_i];
	old->snd_nxt = old->snd_una = last;
	old->ts = true;
	old->held = false;
	timewait_enter(rig.t, old);
	rig.t->now = rig.now;
	memcpy(peer.ip, tu.peer, 16);
	peer.port = tu.pport;
	memcpy(c->tu.local, tu.local, 16);
	c->tu.lport = tu.lport;
	ck_assert_int_eq(user_connect(rig.t, c, &peer), 0);
	ck_assert_msg(seq_gt(c->iss, last), "ISN %d from the last number",
		      (int)(int32_t)(c->iss - last));
	if (_i == 0)
		ck_assert_uint_eq(c->iss, isn);
	else
		ck_assert_uint_eq(c->iss, last + UINT16_MAX + 2);
	ck_assert_uint_eq(rig.t->tws.count, 0);
	ck_assert_uint_eq(rig.t->stat.time_wait_reused, 1);
}
END_TEST

START_TEST(user_connect_keeps_the_mss_that_was_asked_for)
{
	struct tcpd_addr peer = peer4(80);
	struct conn *c = conn_new(rig.t);
	struct packet k;

	c->advmss = _i ? 9000 : 500;
	ck_assert_int_eq(user_connect(rig.t, c, &peer), 0);
	k = rig_expect(FLAG_SYN);
	ck_assert_int_eq(packet_option(&k, OPTION_MSS), _i ? 1460 : 500);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("user");
	TCase *tc = rig_case(s, "calls");

	tcase_add_loop_test(tc, user_shutdown_in_each_state, 0,
			    ARRAY_SIZE(rows));
	tcase_add_loop_test(tc, user_close_in_each_state, 0, ARRAY_SIZE(rows));
	tcase_add_loop_test(tc, user_abort_in_each_state, 0, ARRAY_SIZE(rows));
	tcase_add_test(tc, user_close_of_what_never_was_open_is_quiet);
	tcase_add_loop_test(tc, user_close_with_data_unread_resets, 0, 2);
	tcase_add_test(tc, user_close_lets_what_was_corked_go);
	tcase_add_loop_test(tc, user_connect_to_nobody_is_an_error, 0,
			    ARRAY_SIZE(open_rows));
	tcase_add_test(tc, user_connect_without_an_address_of_the_family);
	tcase_add_test(tc, user_connect_chooses_and_sends_a_syn);
	tcase_add_test(tc, user_connect_with_a_tuple_that_is_taken);
	tcase_add_loop_test(
		tc, user_connect_of_a_socket_bound_to_any_address_has_one_then,
		0, 2);
	tcase_add_loop_test(
		tc, user_connect_over_time_wait_begins_above_what_was_sent, 0,
		5);
	tcase_add_loop_test(tc, user_connect_keeps_the_mss_that_was_asked_for,
			    0, 2);
	return rig_run(s);
}
