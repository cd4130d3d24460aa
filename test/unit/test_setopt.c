/* SPDX-License-Identifier: MIT */
/*
 * test_setopt.c - options of sockets, connections and listeners: who takes
 * which, from a bound socket to its listener and on; soft errors.  (Ranges:
 * test_status.c.)
 *
 * LINK: test/unit/rig.c
 */
#include <string.h>

#include "rig.h"

static uint64_t get(tcpd_handle h, enum tcpd_option o)
{
	uint64_t v = 12345;

	ck_assert_int_eq(tcpd_get_option(rig.st, h, o, &v), 0);
	return v;
}

static int set(tcpd_handle h, enum tcpd_option o, uint64_t v)
{
	return tcpd_set_option(rig.st, h, o, v, rig.now);
}

START_TEST(setopt_on_a_listener_reaches_what_it_accepts)
{
	tcpd_handle l = rig_listen(80);
	struct peer p = peer_new(4, 80, 5000);

	ck_assert_uint_eq(get(l, TCPD_OPT_KEEPCNT), 9);
	ck_assert_int_eq(set(l, TCPD_OPT_KEEPCNT, 3), 0);
	ck_assert_int_eq(set(l, TCPD_OPT_RCVBUF, 9000), 0);
	ck_assert_int_eq(set(l, TCPD_OPT_SNDBUF, 8000), 0);
	ck_assert_int_eq(set(l, TCPD_OPT_CONGESTION, 0), 0);
	ck_assert_uint_eq(get(l, TCPD_OPT_RCVBUF), 9000);
	peer_accept(&p, l);
	ck_assert_uint_eq(get(p.h, TCPD_OPT_KEEPCNT), 3);
	ck_assert_uint_eq(get(p.h, TCPD_OPT_RCVBUF), 9000);
	ck_assert_uint_eq(get(p.h, TCPD_OPT_SNDBUF), 8000);
}
END_TEST

START_TEST(setopt_on_a_bound_socket_is_its_listeners)
{
	struct tcpd_addr a = {.port = 80};
	tcpd_handle h;

	ck_assert_int_eq(tcpd_bind(rig.st, &h, &a, 0, rig.now), 0);
	ck_assert_int_eq(set(h, TCPD_OPT_TTL, 9), 0);
	ck_assert_int_eq(set(h, TCPD_OPT_DEFER_ACCEPT, TCPD_SEC(4)), 0);
	ck_assert_int_eq(set(h, TCPD_OPT_UNREAD, 1), 0);
	ck_assert_int_eq(tcpd_listen(rig.st, &h, NULL, 0, NULL, rig.now), 0);
	ck_assert_uint_eq(get(h, TCPD_OPT_TTL), 9);
	ck_assert_uint_eq(get(h, TCPD_OPT_DEFER_ACCEPT), TCPD_SEC(4));
}
END_TEST

START_TEST(setopt_refuses_what_has_no_meaning_there)
{
	tcpd_handle l = rig_listen(80);
	struct peer p = peer_new(4, 0, 80);
	uint64_t v;

	peer_connect(&p);
	ck_assert_int_eq(set(l, TCPD_OPT_UNREAD, 1), -TCPD_ERR_OPTION);
	ck_assert_int_eq(tcpd_get_option(rig.st, l, TCPD_OPT_LINGERING, &v),
			 -TCPD_ERR_OPTION);
	ck_assert_int_eq(set(p.h, TCPD_OPT_DEFER_ACCEPT, 1), -TCPD_ERR_INVALID);
	ck_assert_int_eq(set(p.h, TCPD_OPT_MAXSEG, 500), -TCPD_ERR_INVALID);
	ck_assert_int_eq(set(p.h + 1, TCPD_OPT_TTL, 1), -TCPD_ERR_HANDLE);
	ck_assert_int_eq(tcpd_get_option(rig.st, p.h + 1, TCPD_OPT_TTL, &v),
			 -TCPD_ERR_HANDLE);
	ck_assert_int_eq(tcpd_soft_error(rig.st, l), 0);
}
END_TEST

START_TEST(setopt_soft_error_is_told_once_and_not_when_unwanted)
{
	struct peer p = peer_new(4, 0, 80);

	peer_connect(&p);
	while (rig_event().mask)
		;
	conn_soft_error(rig.t, p.c, TCPD_ERR_NET_UNREACH);
	ck_assert_uint_eq(rig_event().mask, TCPD_EV_SOFT);
	ck_assert_int_eq(tcpd_soft_error(rig.st, p.h), TCPD_ERR_NET_UNREACH);
	ck_assert_int_eq(tcpd_soft_error(rig.st, p.h), 0);
	conn_soft_error(rig.t, p.c, TCPD_ERR_NET_UNREACH);
	ck_assert_int_eq(set(p.h, TCPD_OPT_SOFT_ERRORS, 0), 0);
	ck_assert_int_eq(tcpd_soft_error(rig.st, p.h), 0);
	(void)rig_event();
	conn_soft_error(rig.t, p.c, TCPD_ERR_NET_UNREACH);
	ck_assert_uint_eq(rig_event().mask, 0);
	/* it is still the reason in the end */
	ck_assert_int_eq(p.c->soft_err, TCPD_ERR_NET_UNREACH);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("setopt");
	TCase *tc = rig_case(s, "setopt");

	tcase_add_test(tc, setopt_on_a_listener_reaches_what_it_accepts);
	tcase_add_test(tc, setopt_on_a_bound_socket_is_its_listeners);
	tcase_add_test(tc, setopt_refuses_what_has_no_meaning_there);
	tcase_add_test(tc,
		       setopt_soft_error_is_told_once_and_not_when_unwanted);
	return rig_run(s);
}
