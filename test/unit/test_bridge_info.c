/* SPDX-License-Identifier: MIT */
/*
 * test_bridge_info.c - what an operator sees of an app's sockets: octets that
 * it has not read, and sockets in CLOSED.
 *
 * LINK: daemon/app.c daemon/app_allow.c daemon/app_client.c daemon/app_req.c
 * LINK: daemon/bridge.c daemon/bridge_accept.c daemon/bridge_info.c
 * LINK: daemon/bridge_io.c daemon/bridge_opt.c daemon/bridge_optval.c
 * LINK: daemon/bridge_send.c daemon/tcpinfo.c
 */
#include "test/unit/bridge_rig.h"

static struct endpoint_info info_of(void)
{
	struct tcpd_cursor c = {0};
	struct endpoint_info i;
	struct tcpd_status s;

	memset(&i, 0, sizeof(i));
	rig_settle(); /* another turn: a new look */
	while (tcpd_each(rig.d.st, &c, &s, rig.d.now))
		if (s.kind == TCPD_KIND_CONN && s.user)
			bridge_info(&rig.d, s.user, &i);
	return i;
}

START_TEST(unread_octets_are_counted_exactly)
{
	char buf[30000];
	int fd;

	l = listener(80, 8);
	p = peer_connect(80);
	ck_assert_uint_eq(info_of().unread, 0); /* the greeting is no data */
	for (int i = 0; i < 10; i++) {
		memset(buf, 'x', sizeof(buf));
		ck_assert_int_eq(tcpd_send(rig.peer, p, buf, 10000, rig.d.now),
				 10000);
		rig_settle();
	}
	ck_assert_uint_eq(info_of().unread, 100000);
	fd = app_accept(l);
	ck_assert_uint_eq(info_of().unread, 100000);
	ck_assert_int_eq(read(fd, buf, 30000), 30000);
	ck_assert_uint_eq(info_of().unread, 70000);
	ck_assert_int_eq(info_of().pid, getpid());
	ck_assert_uint_eq(info_of().uid, geteuid());
	close(fd);
}
END_TEST

static void count_closed(void *arg, const struct app_socket *s)
{
	int *n = arg;

	ck_assert_uint_ge(s->id, 1);
	if (s->peer.port) {
		ck_assert_uint_eq(s->local.port, 80);
		ck_assert_uint_eq(s->local.family, 4);
		(*n) += 100;
	}
	(*n)++;
}

START_TEST(sockets_in_closed_and_ended_ones_are_shown_while_they_are_held)
{
	int n = 0, fresh;

	fresh = rig_socket(4);
	meet();
	tcpd_abort(rig.peer, p, rig.d.now);
	rig_settle();
	app_each_closed(&rig.d, count_closed, &n);
	ck_assert_int_eq(n, 102); /* one of them had a peer */
	close(fresh);
	close_fd(&a);
	rig_settle();
	rig_settle();
	n = 0;
	app_each_closed(&rig.d, count_closed, &n);
	ck_assert_int_eq(n, 0);
}
END_TEST

START_TEST(a_listeners_backlog_is_shown_whole)
{
	static const uint32_t backlogs[] = {1, 8, 127, 128, 4000};
	struct tcpd_cursor c = {0};
	struct endpoint_info i;
	struct tcpd_status s;

	memset(&i, 0, sizeof(i));
	l = listener(80, backlogs[_i]);
	while (tcpd_each(rig.d.st, &c, &s, rig.d.now))
		if (s.kind == TCPD_KIND_LISTENER && s.user)
			bridge_info(&rig.d, s.user, &i);
	ck_assert_uint_eq(i.backlog, backlogs[_i]);
}
END_TEST

static void add(TCase *tc)
{
	tcase_add_loop_test(tc, a_listeners_backlog_is_shown_whole, 0, 5);
	tcase_add_test(tc, unread_octets_are_counted_exactly);
	tcase_add_test(
		tc,
		sockets_in_closed_and_ended_ones_are_shown_while_they_are_held);
}

int main(void)
{
	return run_suite("bridge_info", add);
}
