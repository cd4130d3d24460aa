/* SPDX-License-Identifier: MIT */
/*
 * test_bridge.c - how a connection ends: what the app sees of the peer's end
 * and the peer of the app's, in virtual time over real socketpairs.
 *
 * LINK: daemon/app.c daemon/app_allow.c daemon/app_client.c daemon/app_req.c
 * LINK: daemon/bridge.c daemon/bridge_accept.c daemon/bridge_info.c
 * LINK: daemon/bridge_io.c daemon/bridge_opt.c daemon/bridge_optval.c
 * LINK: daemon/bridge_send.c daemon/tcpinfo.c
 */
#include <sys/stat.h>

#include "test/unit/bridge_rig.h"

START_TEST(fin_is_the_data_and_then_end_of_file)
{
	meet();
	peer_writes("hello");
	ck_assert_int_eq(tcpd_shutdown(rig.peer, p, rig.d.now), 0);
	rig_settle();
	app_reads("hello");
	app_at_eof();
	ck_assert_int_eq(app_error(), 0);
	app_writes("still");
	rig_settle();
	peer_reads("still");
}
END_TEST

START_TEST(rst_is_the_data_then_econnreset_and_so_error_once)
{
	meet();
	peer_writes("hello");
	tcpd_abort(rig.peer, p, rig.d.now);
	rig_settle();
	app_reads("hello");
	app_read_fails(ECONNRESET);
	app_at_eof();
	ck_assert_int_eq(app_error(), ECONNRESET);
	ck_assert_int_eq(app_error(), 0);
}
END_TEST

/* More than its fd takes: the rest waits in the stack when the RST comes. */
START_TEST(rst_reaches_an_app_that_is_slow_to_read)
{
	static char big[240000];
	size_t at = 0, got = 0;
	ssize_t n;

	meet();
	for (int i = 0; i < 100 && (at < sizeof(big) || peer_status().send_q);
	     i++) {
		int64_t r = tcpd_send(rig.peer, p, big + at, sizeof(big) - at,
				      rig.d.now);

		at += r > 0 ? (size_t)r : 0;
		rig_pass(TCPD_MS(100));
	}
	ck_assert_uint_eq(at, sizeof(big));
	ck_assert_uint_eq(peer_status().send_q, 0);
	tcpd_abort(rig.peer, p, rig.d.now);
	rig_settle();
	while ((n = read(a, big, 10000)) > 0) {
		got += (size_t)n;
		rig_settle();
	}
	ck_assert_int_eq(n, -1);
	ck_assert_int_eq(errno, ECONNRESET);
	ck_assert_uint_eq(got, sizeof(big));
}
END_TEST

START_TEST(a_peer_that_vanishes_is_econnreset_with_etimedout)
{
	meet();
	rig.cut = true;
	app_writes("anybody there?");
	rig_pass(TCPD_SEC(3600));
	app_read_fails(ECONNRESET);
	ck_assert_int_eq(app_error(), ETIMEDOUT);
	ck_assert_int_eq(app_error(), 0);
}
END_TEST

START_TEST(close_with_all_read_is_fin_after_the_data)
{
	meet();
	app_writes("last words");
	close_fd(&a);
	rig_settle();
	peer_reads("last words");
	ck_assert(tcpd_recv_eof(rig.peer, p));
	ck_assert_uint_eq(rig.nrst, 0);
	/* Nobody is left to read: later data is answered by RST. */
	peer_writes("too late");
	ck_assert_uint_eq(rig.nrst, 1);
	ck_assert_int_eq(peer_err(), TCPD_ERR_RESET);
}
END_TEST

START_TEST(close_with_data_unread_is_rst_after_what_was_written)
{
	meet();
	peer_writes("unread");
	app_writes("an answer");
	close_fd(&a);
	rig_settle();
	ck_assert_uint_eq(rig.nrst, 1);
	ck_assert_int_eq(peer_err(), TCPD_ERR_RESET);
	ck_assert_uint_eq(peer_status().octets_received, 9);
	ck_assert_uint_eq(
		tcpd_stats(rig.d.st)->resets_sent[TCPD_RESET_UNREAD_DATA], 1);
}
END_TEST

START_TEST(linger_1_0_is_rst)
{
	struct linger on = {1, 0}, off = {0, 0}, got = {7, 7};

	meet();
	ck_assert_int_eq(rig_set(a, SOL_SOCKET, SO_LINGER, &on, sizeof(on)), 0);
	ck_assert_int_eq(rig_set(a, SOL_SOCKET, SO_LINGER, &off, sizeof(off)),
			 0);
	ck_assert_int_eq(rig_set(a, SOL_SOCKET, SO_LINGER, &on, sizeof(on)), 0);
	ck_assert_int_eq(rig_get(a, SOL_SOCKET, SO_LINGER, &got, sizeof(got)),
			 (int)sizeof(got));
	ck_assert_int_eq(got.l_onoff, 1);
	ck_assert_int_eq(got.l_linger, 0);
	close_fd(&a);
	rig_settle();
	ck_assert_uint_eq(rig.nrst, 1);
	ck_assert(!tcpd_recv_eof(rig.peer, p));
}
END_TEST

START_TEST(a_half_close_leaves_the_other_half)
{
	meet();
	app_writes("question");
	shutdown(a, SHUT_WR);
	rig_settle();
	peer_reads("question");
	ck_assert(tcpd_recv_eof(rig.peer, p));
	peer_writes("answer");
	app_reads("answer");
	ck_assert_int_eq(tcpd_shutdown(rig.peer, p, rig.d.now), 0);
	rig_settle();
	app_at_eof();
	ck_assert_int_eq(app_error(), 0);
	ck_assert_uint_eq(rig.nrst, 0);
}
END_TEST

START_TEST(shut_rd_drops_what_comes_and_the_rest_goes_on)
{
	meet();
	shutdown(a, SHUT_RD);
	peer_writes("for nobody");
	peer_writes("for nobody");
	app_writes("hello");
	rig_settle();
	peer_reads("hello");
	ck_assert_uint_eq(rig.nrst, 0);
	ck_assert_uint_eq(peer_status().send_q, 0);
}
END_TEST

START_TEST(abort_is_rst_at_once)
{
	meet();
	ck_assert_int_eq(rig_abort(a), 0);
	rig_settle();
	ck_assert_uint_eq(rig.nrst, 1);
	app_read_fails(ECONNRESET);
	ck_assert_int_eq(app_error(), ECONNABORTED);
	ck_assert_int_eq(rig_abort(a), ENOTCONN);
}
END_TEST

START_TEST(a_reset_by_an_operator_looks_like_the_peers)
{
	struct tcpd_cursor c = {0};
	struct tcpd_status s;

	meet();
	while (tcpd_each(rig.d.st, &c, &s, rig.d.now))
		if (s.kind == TCPD_KIND_CONN)
			tcpd_abort_id(rig.d.st, s.id, rig.d.now);
	rig_settle();
	app_read_fails(ECONNRESET);
	ck_assert_int_eq(app_error(), ECONNRESET);
}
END_TEST

START_TEST(an_app_that_is_gone_does_not_keep_a_peer_that_never_reads)
{
	static char big[65536];
	size_t n = 0;

	meet();
	for (int i = 0; i < 400; i++) {
		ssize_t r = write(a, big, sizeof(big));

		n += r > 0 ? (size_t)r : 0;
		rig_settle();
	}
	ck_assert_uint_gt(n, 300000);
	close_fd(&a);
	rig_settle();
	ck_assert_uint_eq(tcpd_stats(rig.d.st)->now_connections, 1);
	rig_pass(TCPD_SEC(3600));
	ck_assert_uint_eq(tcpd_stats(rig.d.st)->now_connections, 0);
	ck_assert_uint_eq(rig.d.app->bridges.count, 1); /* the listener */
}
END_TEST

/* SO_LINGER {1, n}: close is at once; the time counts for what is still in
 * the fd, too. */
START_TEST(linger_ends_what_an_app_left_behind)
{
	static char big[65536];
	struct linger wait = {1, 5};

	meet();
	ck_assert_int_eq(rig_set(a, SOL_SOCKET, SO_LINGER, &wait, sizeof(wait)),
			 0);
	for (int i = 0; i < 400; i++) {
		(void)!write(a, big, sizeof(big));
		rig_settle();
	}
	close_fd(&a);
	rig_settle();
	rig_pass(TCPD_MS(4900));
	ck_assert_uint_eq(tcpd_stats(rig.d.st)->now_connections, 1);
	ck_assert_uint_eq(rig.nrst, 0);
	rig_pass(TCPD_MS(200));
	ck_assert_uint_eq(tcpd_stats(rig.d.st)->now_connections, 0);
	ck_assert_uint_eq(rig.nrst, 1);
	ck_assert_uint_eq(rig.d.app->bridges.count, 1); /* the listener */
}
END_TEST

START_TEST(an_app_that_is_gone_leaves_its_data_to_a_slow_peer)
{
	static char big[65536];
	size_t n = 0, got = 0;

	meet();
	for (int i = 0; i < 400; i++) {
		ssize_t r = write(a, big, sizeof(big));

		n += r > 0 ? (size_t)r : 0;
		rig_settle();
	}
	close_fd(&a);
	for (int i = 0; i < 2000 && got < n; i++) {
		int64_t r = tcpd_recv(rig.peer, p, big, 2000, rig.d.now);

		got += r > 0 ? (size_t)r : 0;
		rig_pass(TCPD_MS(200));
	}
	ck_assert_uint_eq(got, n);
	ck_assert(tcpd_recv_eof(rig.peer, p));
}
END_TEST

START_TEST(a_daemon_that_stops_sends_what_was_written_and_fin)
{
	meet();
	app_writes("goodbye");
	bridge_stop(bridge_at(rig.d.app, 1));
	rig_settle();
	peer_reads("goodbye");
	ck_assert(tcpd_recv_eof(rig.peer, p));
	app_read_fails(ECONNRESET);
}
END_TEST

START_TEST(a_thousand_rounds_leave_nothing)
{
	struct stat st;
	int before = dup(0), after;

	close(before);
	l = listener(80, 8);
	for (int i = 0; i < 1000; i++) {
		p = peer_connect(80);
		a = app_accept(l);
		ck_assert_int_ge(a, 0);
		if (i % 3 == 0)
			peer_writes("unread");
		if (i % 3 == 1)
			tcpd_abort(rig.peer, p, rig.d.now);
		if (i % 5 == 0)
			rig_settle();
		close_fd(&a);
		rig_settle();
		if (i % 3 != 1)
			tcpd_close(rig.peer, p, rig.d.now);
		rig_pass(TCPD_SEC(1));
	}
	ck_assert_uint_eq(rig.d.app->bridges.count, 1);
	ck_assert_uint_eq(rig.d.app->cookies.count, 1 + 66);
	close_fd(&l);
	rig_settle();
	after = dup(0);
	close(after);
	ck_assert_int_eq(fstat(after, &st), -1);
}
END_TEST

static void add(TCase *tc)
{
	tcase_add_test(tc, fin_is_the_data_and_then_end_of_file);
	tcase_add_test(tc, rst_is_the_data_then_econnreset_and_so_error_once);
	tcase_add_test(tc, rst_reaches_an_app_that_is_slow_to_read);
	tcase_add_test(tc, a_peer_that_vanishes_is_econnreset_with_etimedout);
	tcase_add_test(tc, close_with_all_read_is_fin_after_the_data);
	tcase_add_test(tc,
		       close_with_data_unread_is_rst_after_what_was_written);
	tcase_add_test(tc, linger_1_0_is_rst);
	tcase_add_test(tc, a_half_close_leaves_the_other_half);
	tcase_add_test(tc, shut_rd_drops_what_comes_and_the_rest_goes_on);
	tcase_add_test(tc, abort_is_rst_at_once);
	tcase_add_test(tc, a_reset_by_an_operator_looks_like_the_peers);
	tcase_add_test(
		tc, an_app_that_is_gone_does_not_keep_a_peer_that_never_reads);
	tcase_add_test(tc, linger_ends_what_an_app_left_behind);
	tcase_add_test(tc, an_app_that_is_gone_leaves_its_data_to_a_slow_peer);
	tcase_add_test(tc, a_daemon_that_stops_sends_what_was_written_and_fin);
	tcase_add_test(tc, a_thousand_rounds_leave_nothing);
}

int main(void)
{
	return run_suite("bridge", add);
}
