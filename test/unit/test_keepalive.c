/* SPDX-License-Identifier: MIT */
/*
 * test_keepalive.c - RFC 9293, 3.8.4: when an idle peer is asked, with what,
 * and how often before it counts as gone.
 *
 * LINK: test/unit/rig.c
 */
#include "rig.h"

static struct conn *c;

static void idle_conn(void)
{
	c = rig_conn(1000, 5000);
	c->keepalive = true;
	c->keepidle_ms = 10000;
	c->keepintvl_ms = 3000;
	c->keepcnt = 4;
	keepalive_arm(rig.t, c);
}

static tcpd_time until_sent(struct packet *p, tcpd_time most)
{
	tcpd_time from = rig.now;

	while (rig.now - from < most) {
		rig_pass(TCPD_MS(1));
		if (rig_out(p))
			return rig.now - from;
	}
	return TCPD_NEVER;
}

static void answer(void)
{
	struct segment s = {.tu = c->tu, .nwire = 1};

	s.h.flags = TCP_ACK;
	s.h.seq = c->rcv_nxt;
	s.h.ack = c->snd_nxt;
	s.h.wnd = 65535;
	tcp_input(rig.t, &s);
}

START_TEST(keepalive_is_off_unless_asked_for)
{
	struct packet p;

	c = rig_conn(1000, 5000);
	keepalive_arm(rig.t, c);
	ck_assert_uint_eq(until_sent(&p, TCPD_SEC(10)), TCPD_NEVER);
	ck_assert_uint_eq(c->timer[CT_KEEPALIVE], 0);
}
END_TEST

START_TEST(keepalive_asks_an_idle_peer_and_gives_up)
{
	struct tcpd_event ev;
	struct packet p;

	idle_conn();
	for (unsigned i = 0; i < 4; i++) {
		ck_assert_uint_eq(until_sent(&p, TCPD_SEC(20)),
				  TCPD_SEC(i ? 3 : 10));
		ck_assert_uint_eq(p.flags, FLAG_ACK);
		ck_assert_uint_eq(p.seq, c->snd_nxt - 1);
		ck_assert_uint_eq(p.len, 0);
	}
	ck_assert_uint_eq(until_sent(&p, TCPD_SEC(20)), TCPD_SEC(3));
	ck_assert_uint_eq(p.flags, FLAG_RST | FLAG_ACK);
	ev = rig_event();
	ck_assert_uint_eq(ev.mask, TCPD_EV_TIMEOUT);
	ck_assert_int_eq(ev.err, TCPD_ERR_TIMEOUT);
	ck_assert_uint_eq(rig.t->stat.timeouts_keepalive, 4);
	ck_assert_uint_eq(rig.t->stat.timeouts_gave_up, 1);
}
END_TEST

START_TEST(keepalive_begins_again_with_an_answer)
{
	struct packet p;

	idle_conn();
	for (unsigned i = 0; i < 20; i++) {
		ck_assert_uint_ne(until_sent(&p, TCPD_SEC(20)), TCPD_NEVER);
		ck_assert_uint_eq(p.flags, FLAG_ACK);
		answer();
	}
	ck_assert_int_eq(c->state, TCPD_ESTABLISHED);
}
END_TEST

START_TEST(keepalive_waits_while_something_is_under_way)
{
	idle_conn();
	rig_fill(c, 1, 0, 10);
	conn_want_output(rig.t, c);
	rig_drain();
	conn_disarm(c, CT_REXMT); /* nothing but keep-alive here */
	rig_pass(TCPD_SEC(11));
	rig_expect_nothing(); /* MUST-26 */
	ck_assert_uint_eq(rig.t->stat.timeouts_keepalive, 0);
	ck_assert_uint_ne(c->timer[CT_KEEPALIVE], 0);
}
END_TEST

START_TEST(keepalive_ends_with_the_user_timeout)
{
	unsigned sent = 0;
	struct packet p;

	idle_conn();
	c->user_timeout = TCPD_SEC(15);
	while (until_sent(&p, TCPD_SEC(20)) != TCPD_NEVER &&
	       p.flags == FLAG_ACK)
		sent++;
	ck_assert_uint_eq(sent, 2); /* at 10 and 13 s; over at 16 s */
	ck_assert_uint_eq(rig.now - RIG_START, TCPD_SEC(16));
	ck_assert_uint_eq(rig_event().mask, TCPD_EV_TIMEOUT);
}
END_TEST

START_TEST(keepalive_that_is_switched_off_is_quiet)
{
	struct packet p;

	idle_conn();
	rig_pass(TCPD_SEC(5));
	c->keepalive = false;
	ck_assert_uint_eq(until_sent(&p, TCPD_SEC(20)), TCPD_NEVER);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("keepalive");
	TCase *tc = rig_case(s, "probes");

	tcase_add_test(tc, keepalive_is_off_unless_asked_for);
	tcase_add_test(tc, keepalive_asks_an_idle_peer_and_gives_up);
	tcase_add_test(tc, keepalive_begins_again_with_an_answer);
	tcase_add_test(tc, keepalive_waits_while_something_is_under_way);
	tcase_add_test(tc, keepalive_ends_with_the_user_timeout);
	tcase_add_test(tc, keepalive_that_is_switched_off_is_quiet);
	return rig_run(s);
}
