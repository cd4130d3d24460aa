/* SPDX-License-Identifier: MIT */
/*
 * test_bridge_accept.c - listeners: the backlog, who waits when one is closed,
 * and what a connection takes over.
 *
 * LINK: daemon/app.c daemon/app_allow.c daemon/app_client.c daemon/app_req.c
 * LINK: daemon/bridge.c daemon/bridge_accept.c daemon/bridge_info.c
 * LINK: daemon/bridge_io.c daemon/bridge_opt.c daemon/bridge_optval.c
 * LINK: daemon/bridge_send.c daemon/tcpinfo.c
 */
#include "test/unit/bridge_rig.h"

START_TEST(backlog_plus_one_connections_wait_and_the_rest_comes_later)
{
	tcpd_handle h[20];
	int n = 0, fd;

	l = listener(80, 5);
	for (int i = 0; i < 20; i++)
		h[i] = peer_connect(80);
	(void)h;
	ck_assert_uint_eq(tcpd_stats(rig.d.st)->now_connections, 6);
	for (int round = 0; round < 60 && n < 20; round++) {
		while ((fd = app_accept(l)) >= 0) {
			n++;
			close(fd);
		}
		rig_pass(TCPD_SEC(1));
	}
	ck_assert_int_eq(n, 20);
}
END_TEST

START_TEST(a_listener_that_is_closed_resets_those_that_wait)
{
	tcpd_handle h[7];

	l = listener(80, 8);
	for (int i = 0; i < 7; i++)
		h[i] = peer_connect(80);
	a = app_accept(l); /* this one is the app's */
	close_fd(&l);
	rig_settle();
	p = h[0];
	ck_assert_int_eq(peer_err(), 0);
	for (int i = 1; i < 7; i++) {
		p = h[i];
		ck_assert_int_eq(peer_err(), TCPD_ERR_RESET);
	}
	p = h[0];
	app_writes("hello");
	rig_settle();
	peer_reads("hello");
	ck_assert_uint_eq(tcpd_stats(rig.d.st)->now_listeners, 0);
}
END_TEST

START_TEST(a_listener_that_is_aborted_says_so)
{
	char c;

	l = listener(80, 8);
	p = peer_connect(80);
	ck_assert_int_eq(rig_abort(l), 0);
	rig_settle();
	(void)!recv(l, &c, 1, MSG_DONTWAIT);
	ck_assert_int_eq(recv(l, &c, 1, MSG_DONTWAIT), -1);
	ck_assert_int_eq(errno, ECONNRESET);
	ck_assert_uint_eq(tcpd_stats(rig.d.st)->now_listeners, 0);
}
END_TEST

START_TEST(a_port_is_given_once)
{
	int other;

	l = listener(80, 8);
	other = rig_socket(4);
	ck_assert_int_eq(rig_bind(other, RIG_LOCAL, 80), EADDRINUSE);
	ck_assert_int_eq(rig_bind(other, RIG_PEER, 81), EADDRNOTAVAIL);
	ck_assert_int_eq(rig_bind(other, RIG_LOCAL, 81), 0);
	ck_assert_int_eq(rig_bind(other, RIG_LOCAL, 82), EINVAL);
	close(other);
}
END_TEST

START_TEST(what_is_accepted_inherits_the_listeners_options)
{
	struct linger on = {1, 0};
	int one = 1, idle = 77, got = 0;

	l = listener(80, 8);
	ck_assert_int_eq(
		rig_set(l, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one)), 0);
	ck_assert_int_eq(
		rig_set(l, IPPROTO_TCP, TCP_KEEPIDLE, &idle, sizeof(idle)), 0);
	ck_assert_int_eq(rig_set(l, SOL_SOCKET, SO_LINGER, &on, sizeof(on)), 0);
	p = peer_connect(80);
	a = app_accept(l);
	rig_get(a, IPPROTO_TCP, TCP_NODELAY, &got, sizeof(got));
	ck_assert_int_eq(got, 1);
	rig_get(a, IPPROTO_TCP, TCP_KEEPIDLE, &got, sizeof(got));
	ck_assert_int_eq(got, 77);
	close_fd(&a);
	rig_settle();
	ck_assert_uint_eq(rig.nrst, 1);
}
END_TEST

static void add(TCase *tc)
{
	tcase_add_test(
		tc, backlog_plus_one_connections_wait_and_the_rest_comes_later);
	tcase_add_test(tc, a_listener_that_is_closed_resets_those_that_wait);
	tcase_add_test(tc, a_listener_that_is_aborted_says_so);
	tcase_add_test(tc, a_port_is_given_once);
	tcase_add_test(tc, what_is_accepted_inherits_the_listeners_options);
}

int main(void)
{
	return run_suite("bridge_accept", add);
}
