/* SPDX-License-Identifier: MIT */
/*
 * test_app_req.c - what can be asked for: connect in all its outcomes, and
 * requests that are refused.
 *
 * LINK: daemon/app.c daemon/app_allow.c daemon/app_client.c daemon/app_req.c
 * LINK: daemon/bridge.c daemon/bridge_accept.c daemon/bridge_info.c
 * LINK: daemon/bridge_io.c daemon/bridge_opt.c daemon/bridge_optval.c
 * LINK: daemon/bridge_send.c daemon/tcpinfo.c
 */
#include "test/unit/bridge_rig.h"

START_TEST(an_fd_that_connects_is_not_writable_before_it_is_open)
{
	peer_listen(99);
	a = rig_socket(4);
	ck_assert(app_events(a) & POLLOUT);
	rig.cut = true;
	ck_assert_int_eq(rig_connect(a, RIG_PEER, 99), EINPROGRESS);
	rig_settle();
	ck_assert(!(app_events(a) & POLLOUT));
	ck_assert_int_eq(rig_connect(a, RIG_PEER, 99), EALREADY);
	app_writes("early");
	rig.cut = false;
	rig_pass(TCPD_SEC(5));
	ck_assert(app_events(a) & POLLOUT);
	ck_assert(!(app_events(a) & (POLLHUP | POLLERR)));
	ck_assert_int_eq(rig_connect(a, RIG_PEER, 99), EISCONN);
	ck_assert_int_eq(tcpd_accept(rig.peer, plist, &p, rig.d.now), 0);
	peer_reads("early");
	ck_assert_int_eq(app_error(), 0);
}
END_TEST

START_TEST(a_connection_of_the_apps_own_is_like_any_other)
{
	reach();
	app_writes("hello");
	rig_settle();
	peer_reads("hello");
	peer_writes("world");
	app_reads("world");
	tcpd_abort(rig.peer, p, rig.d.now);
	rig_settle();
	app_read_fails(ECONNRESET);
	ck_assert_int_eq(app_error(), ECONNRESET);
}
END_TEST

START_TEST(a_refused_connect_is_hung_up_and_so_error_says_why)
{
	a = rig_socket(4);
	ck_assert_int_eq(rig_connect(a, RIG_PEER, 98), EINPROGRESS);
	rig_settle();
	ck_assert((app_events(a) & (POLLHUP | POLLERR)) == (POLLHUP | POLLERR));
	ck_assert_int_eq(app_error(), ECONNREFUSED);
	ck_assert_int_eq(app_error(), 0);
	ck_assert_int_eq(rig_connect(a, RIG_PEER, 98), ECONNABORTED);
}
END_TEST

START_TEST(a_second_connect_after_a_refusal_says_why_too)
{
	a = rig_socket(4);
	ck_assert_int_eq(rig_connect(a, RIG_PEER, 98), EINPROGRESS);
	rig_settle();
	ck_assert_int_eq(rig_connect(a, RIG_PEER, 98), ECONNREFUSED);
	ck_assert_int_eq(rig_connect(a, RIG_PEER, 98), ECONNABORTED);
}
END_TEST

START_TEST(a_connect_that_nobody_answers_is_etimedout)
{
	a = rig_socket(4);
	rig.cut = true;
	ck_assert_int_eq(rig_connect(a, RIG_PEER, 98), EINPROGRESS);
	rig_pass(TCPD_SEC(3600));
	ck_assert(app_events(a) & POLLHUP);
	ck_assert_int_eq(app_error(), ETIMEDOUT);
}
END_TEST

START_TEST(an_app_that_closes_while_it_connects_leaves_nothing)
{
	a = rig_socket(4);
	rig.cut = true;
	ck_assert_int_eq(rig_connect(a, RIG_PEER, 98), EINPROGRESS);
	rig_settle();
	ck_assert_uint_eq(tcpd_stats(rig.d.st)->now_connections, 1);
	close_fd(&a);
	rig_settle();
	ck_assert_uint_eq(tcpd_stats(rig.d.st)->now_connections, 0);
}
END_TEST

START_TEST(what_is_written_before_connect_is_not_sent)
{
	peer_listen(99);
	a = rig_socket(4);
	app_writes("to nobody");
	ck_assert_int_eq(rig_connect(a, RIG_PEER, 99), EINPROGRESS);
	rig_settle();
	ck_assert_int_eq(tcpd_accept(rig.peer, plist, &p, rig.d.now), 0);
	app_writes("hello");
	rig_settle();
	peer_reads("hello");
}
END_TEST

START_TEST(an_fd_that_is_not_tcpds_is_enotsock)
{
	int s[2], v = 1;

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, s), 0);
	ck_assert_int_eq(rig_bind(s[0], RIG_LOCAL, 80), ENOTSOCK);
	ck_assert_int_eq(rig_connect(STDIN_FILENO, RIG_PEER, 80), ENOTSOCK);
	ck_assert_int_eq(rig_connect(-1, RIG_PEER, 80), EBADF);
	ck_assert_int_eq(rig_set(s[0], IPPROTO_TCP, TCP_NODELAY, &v, sizeof(v)),
			 ENOTSOCK);
	close(s[0]);
	close(s[1]);
}
END_TEST

START_TEST(an_unknown_op_is_enosys)
{
	struct proto_msg m = {.op = 999, .seq = 7};

	ck_assert_int_eq(rig_ask(&m, -1, NULL), ENOSYS);
	ck_assert_uint_eq(m.seq, 7);
}
END_TEST

START_TEST(ops_on_the_wrong_kind_of_socket_are_refused)
{
	meet();
	ck_assert_int_eq(rig_bind(a, RIG_LOCAL, 81), EINVAL);
	ck_assert_int_eq(rig_listen(a, 5), EINVAL);
	ck_assert_int_eq(rig_connect(a, RIG_PEER, 99), EISCONN);
	ck_assert_int_eq(rig_connect(l, RIG_PEER, 99), EISCONN);
	ck_assert_int_eq(rig_listen(l, 3), 0);
}
END_TEST

START_TEST(a_user_without_a_rule_gets_nothing)
{
	struct proto_msg m = {.op = PROTO_SOCKET,
			      .has = PROTO_HAS(PROTO_TLV_DOMAIN),
			      .domain = 4};
	uid_t uid = rig_client.uid;

	rig_client.uid = 54321;
	ck_assert_int_eq(rig_ask(&m, -1, NULL), EACCES);
	rig_client.uid = uid;
}
END_TEST

static void add(TCase *tc)
{
	tcase_add_test(tc,
		       an_fd_that_connects_is_not_writable_before_it_is_open);
	tcase_add_test(tc, a_connection_of_the_apps_own_is_like_any_other);
	tcase_add_test(tc, a_refused_connect_is_hung_up_and_so_error_says_why);
	tcase_add_test(tc, a_second_connect_after_a_refusal_says_why_too);
	tcase_add_test(tc, a_connect_that_nobody_answers_is_etimedout);
	tcase_add_test(tc, an_app_that_closes_while_it_connects_leaves_nothing);
	tcase_add_test(tc, what_is_written_before_connect_is_not_sent);
	tcase_add_test(tc, an_fd_that_is_not_tcpds_is_enotsock);
	tcase_add_test(tc, an_unknown_op_is_enosys);
	tcase_add_test(tc, ops_on_the_wrong_kind_of_socket_are_refused);
	tcase_add_test(tc, a_user_without_a_rule_gets_nothing);
}

int main(void)
{
	return run_suite("app_req", add);
}
