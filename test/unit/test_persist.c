/* SPDX-License-Identifier: MIT */
/*
 * test_persist.c - closed and silly windows: when a probe goes, what is in it,
 * who gives up, and how it ends.
 *
 * LINK: test/unit/rig.c
 */
#include "rig.h"

static struct conn *c;

/* Text waits behind a window of |wnd|. */
static void stuck(uint32_t n, uint32_t wnd)
{
	c = rig_conn(1000, 1);
	c->snd_wnd = wnd;
	rig_fill(c, 1, 0, n);
	conn_want_output(rig.t, c);
}

static void ack(uint32_t octets, uint16_t wnd)
{
	struct segment s = {.tu = c->tu, .nwire = 1};

	s.h.flags = TCP_ACK;
	s.h.seq = c->rcv_nxt;
	s.h.ack = c->snd_una + octets;
	s.h.wnd = wnd;
	tcp_input(rig.t, &s);
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

START_TEST(persist_probes_after_an_rto_and_doubles)
{
	static const unsigned gaps[] = {1, 2, 4, 8, 16, 32, 64, 120, 120};
	struct packet p;

	stuck(100, 0);
	rig_expect_nothing();
	for (unsigned i = 0; i < ARRAY_SIZE(gaps); i++) {
		ck_assert_uint_eq(until_sent(&p, TCPD_SEC(200)),
				  TCPD_SEC(gaps[i]));
		/* the same octet until it is taken */
		ck_assert_uint_eq(p.seq, 1001);
		ck_assert_uint_eq(p.len, 1);
		ack(0, 0);
		rig_expect_nothing();
	}
	ck_assert_uint_eq(rig.t->stat.timeouts_persist, ARRAY_SIZE(gaps));
	ck_assert_uint_eq(c->srtt, 0);
	ck_assert_uint_eq(c->retransmits, 0);
}
END_TEST

START_TEST(persist_goes_on_as_long_as_the_peer_answers)
{
	unsigned sent = 0;
	struct packet p;

	stuck(100, 0);
	for (unsigned i = 0; i < 40; i++) { /* MUST-37 */
		sent += until_sent(&p, TCPD_SEC(200)) != TCPD_NEVER;
		c->last_rcv = rig.now;
		ack(0, 0);
	}
	ck_assert_uint_eq(sent, 40);
	ck_assert_int_eq(c->state, TCPD_ESTABLISHED);
}
END_TEST

static const struct silent {
	const char *name;
	bool orphan, answers;
	unsigned most;
} silents[] = {
	{"a silent peer", false, false, 16},
	{"a silent peer, and the app has gone", true, false, 9},
	{"a peer that answers, and the app has gone", true, true, 9},
};

START_TEST(persist_gives_up)
{
	const struct silent *row = &silents[_i];
	unsigned sent = 0;
	struct packet p;

	stuck(100, 0);
	if (row->orphan)
		user_close(rig.t, c);
	while (!c->ev_mask && until_sent(&p, TCPD_SEC(200)) != TCPD_NEVER) {
		ck_assert_msg(++sent < 50, "%s", row->name);
		if (p.flags & FLAG_RST)
			break;
		if (!row->answers)
			continue;
		c->last_rcv = rig.now;
		ack(0, 0);
	}
	ck_assert_msg(sent <= row->most + 1, "%s: %u", row->name, sent);
	ck_assert_uint_eq(rig.t->stat.resets_sent[TCPD_RESET_TIMEOUT], 1);
	ck_assert_uint_eq(rig_event().mask,
			  row->orphan ? TCPD_EV_GONE : TCPD_EV_TIMEOUT);
}
END_TEST

START_TEST(persist_ends_when_the_window_opens)
{
	struct packet p;

	stuck(100, 0);
	until_sent(&p, TCPD_SEC(2));
	ack(0, 1000);
	/* the probe's octet was not taken: all of it goes, from there */
	p = rig_expect(FLAG_ACK);
	ck_assert_uint_eq(p.seq, 1001);
	ck_assert_uint_eq(p.len, 100);
	ck_assert_uint_eq(c->timer[CT_PERSIST], 0);
	ck_assert_uint_ne(c->timer[CT_REXMT], 0);
	ck_assert_uint_eq(c->nprobes, 0);
	ack(100, 1000);
	ck_assert_uint_eq(rig.t->xmits.count, 0);
	ck_assert_uint_eq(c->timer[CT_REXMT], 0);
}
END_TEST

START_TEST(persist_octet_that_was_taken_is_not_sent_again)
{
	struct packet p;

	stuck(100, 0);
	until_sent(&p, TCPD_SEC(2));
	ack(1, 0);
	ck_assert_uint_eq(c->snd_una, 1002);
	ck_assert_uint_ne(until_sent(&p, TCPD_SEC(2)), TCPD_NEVER);
	ck_assert_uint_eq(p.seq, 1002);
	ack(1, 1000);
	p = rig_expect(FLAG_ACK);
	ck_assert_uint_eq(p.seq, 1003);
	ck_assert_uint_eq(p.len, 98);
}
END_TEST

START_TEST(persist_probes_with_the_fin_when_no_text_is_left)
{
	struct packet p;

	c = rig_conn(1000, 1);
	rig_fill(c, 1, 0, 10);
	conn_want_output(rig.t, c);
	rig_drain();
	ack(10, 0);
	ck_assert_int_eq(user_shutdown(rig.t, c), 0);
	if (!rig_out(&p))
		ck_assert_uint_ne(until_sent(&p, TCPD_SEC(2)), TCPD_NEVER);
	ck_assert_uint_eq(p.flags, FLAG_FIN | FLAG_ACK);
	ck_assert_uint_eq(p.seq, 1011);
	ack(1, 0);
	ck_assert_int_eq(c->state, TCPD_FIN_WAIT_2);
}
END_TEST

/* 3.8.6.2.1: a silly window is used after 0.1 to 1 s. */
START_TEST(persist_overrides_a_silly_window)
{
	struct packet p;

	stuck(5000, 100); /* below half of the largest window */
	rig_expect_nothing();
	ck_assert_uint_eq(until_sent(&p, TCPD_SEC(2)), TCPD_MS(200));
	ck_assert_uint_eq(p.seq, 1001);
	ck_assert_uint_eq(p.len, 100);
	ck_assert_uint_eq(rig.t->stat.timeouts_persist, 0);
}
END_TEST

START_TEST(persist_lets_corked_text_go)
{
	struct packet p;

	c = rig_conn(1000, 1);
	c->cork = true;
	rig_fill(c, 1, 0, 100);
	conn_want_output(rig.t, c);
	rig_expect_nothing();
	ck_assert_uint_eq(until_sent(&p, TCPD_SEC(2)), TCPD_MS(200));
	ck_assert_uint_eq(p.len, 100);
}
END_TEST

START_TEST(persist_and_the_retransmission_timer_exclude_each_other)
{
	c = rig_conn(1000, 1);
	rig_fill(c, 1, 0, 1000);
	conn_want_output(rig.t, c);
	rig_drain();
	ack(0, 0); /* closed under what is in flight */
	rig_fill(c, 1, 1000, 1000);
	conn_want_output(rig.t, c);
	rig_expect_nothing();
	ck_assert_uint_ne(c->timer[CT_REXMT], 0);
	ck_assert_uint_eq(c->timer[CT_PERSIST], 0);
	ack(1000, 0);
	rig_expect_nothing();
	ck_assert_uint_eq(c->timer[CT_REXMT], 0);
	ck_assert_uint_ne(c->timer[CT_PERSIST], 0);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("persist");
	TCase *tc = rig_case(s, "windows");

	tcase_add_test(tc, persist_probes_after_an_rto_and_doubles);
	tcase_add_test(tc, persist_goes_on_as_long_as_the_peer_answers);
	tcase_add_loop_test(tc, persist_gives_up, 0, ARRAY_SIZE(silents));
	tcase_add_test(tc, persist_ends_when_the_window_opens);
	tcase_add_test(tc, persist_octet_that_was_taken_is_not_sent_again);
	tcase_add_test(tc, persist_probes_with_the_fin_when_no_text_is_left);
	tcase_add_test(tc, persist_overrides_a_silly_window);
	tcase_add_test(tc, persist_lets_corked_text_go);
	tcase_add_test(tc,
		       persist_and_the_retransmission_timer_exclude_each_other);
	return rig_run(s);
}
