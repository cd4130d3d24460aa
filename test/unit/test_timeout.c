/* SPDX-License-Identifier: MIT */
/*
 * test_timeout.c - RFC 9293, 3.10.8: each timer's meaning, the order within a
 * tick, and that what a handler ends is not touched again.
 *
 * LINK: test/unit/rig.c
 */
#include "rig.h"

START_TEST(timeout_expiry_is_the_earlier_of_both_wheels)
{
	struct conn *c = rig_conn(1, 1), *d = rig_conn(1, 1);

	ck_assert_uint_eq(tcpd_expiry(rig.st), TCPD_NEVER);
	d->held = false;
	d->time_wait = TCPD_MS(40);
	timewait_enter(rig.t, d);
	ck_assert_uint_eq(tcpd_expiry(rig.st), rig.now + TCPD_MS(40));
	conn_arm(rig.t, c, CT_KEEPALIVE, rig.now + TCPD_MS(20));
	ck_assert_uint_eq(tcpd_expiry(rig.st), rig.now + TCPD_MS(20));
	rig_pass(TCPD_MS(50));
	ck_assert_uint_eq(tcpd_expiry(rig.st), TCPD_NEVER);
}
END_TEST

START_TEST(timeout_fires_not_early_and_at_most_a_tick_late)
{
	struct conn *c = rig_conn(1, 1);

	c->ack_delayed = true;
	conn_arm(rig.t, c, CT_DELACK, rig.now + 12345678);
	rig_pass(12345677);
	ck_assert(!c->ack_due);
	rig_pass(TCPD_MS(1));
	ck_assert(c->ack_due);
	ck_assert_uint_eq(c->timer[CT_DELACK], 0);
}
END_TEST

START_TEST(timeout_order_within_a_tick_is_that_of_birth)
{
	struct conn *c[8];
	static const unsigned arm[8] = {5, 2, 7, 0, 3, 6, 1, 4};
	uint16_t was = 0;

	for (unsigned i = 0; i < 8; i++)
		c[i] = rig_conn(1, 1);
	for (unsigned i = 0; i < 8; i++) {
		c[arm[i]]->ack_delayed = true;
		conn_arm(rig.t, c[arm[i]], CT_DELACK, rig.now + TCPD_MS(10));
	}
	rig_pass(TCPD_MS(10));
	for (unsigned i = 0; i < 8; i++) {
		struct packet p = rig_expect(FLAG_ACK);

		ck_assert_uint_gt(p.dport, was);
		was = p.dport;
	}
}
END_TEST

START_TEST(timeout_finwait2_ends_an_orphan_only)
{
	struct conn *a = rig_conn(1, 1), *b = rig_conn(1, 1);

	a->state = b->state = TCPD_FIN_WAIT_2;
	user_close(rig.t, a);
	conn_arm(rig.t, b, CT_ORPHAN, rig.now + rig.set.fin_wait_2);
	rig_pass(rig.set.fin_wait_2 - TCPD_MS(1));
	ck_assert_int_eq(a->state, TCPD_FIN_WAIT_2);
	rig_pass(TCPD_MS(1));
	ck_assert_uint_eq(rig_event().mask, TCPD_EV_GONE);
	ck_assert_int_eq(b->state, TCPD_FIN_WAIT_2);
	ck_assert_uint_eq(rig.t->stat.timeouts_finwait2, 1);
	rig_expect_nothing();
}
END_TEST

static const struct user_row {
	const char *name;
	enum tcpd_state state;
	bool reset;
} user_rows[] = {
	{"SYN-SENT", TCPD_SYN_SENT, false},
	{"ESTABLISHED", TCPD_ESTABLISHED, true},
	{"CLOSE-WAIT", TCPD_CLOSE_WAIT, true},
};

START_TEST(timeout_of_the_user_ends_what_stands_still)
{
	const struct user_row *row = &user_rows[_i];
	struct conn *c = rig_conn(1000, 1);
	struct packet p;

	c->state = (uint8_t)row->state;
	c->user_timeout = TCPD_SEC(5);
	c->snd_nxt++; /* something is out */
	c->stalled_at = rig.now;
	conn_arm(rig.t, c, CT_USER, rig.now + TCPD_SEC(5));
	rig_pass(TCPD_SEC(3));
	c->stalled_at = rig.now; /* there was an answer meanwhile */
	rig_pass(TCPD_SEC(3));
	ck_assert_uint_eq(rig_event().mask, 0);
	rig_pass(TCPD_SEC(2));
	ck_assert_uint_eq(rig_event().mask, TCPD_EV_TIMEOUT);
	ck_assert_int_eq(c->err, TCPD_ERR_TIMEOUT);
	ck_assert_msg(rig_out(&p) == row->reset, "%s", row->name);
	ck_assert_uint_eq(rig.t->stat.opens_failed, !row->reset);
}
END_TEST

START_TEST(timeout_of_the_user_needs_something_unanswered)
{
	struct conn *c = rig_conn(1000, 1);

	c->user_timeout = TCPD_SEC(5);
	conn_arm(rig.t, c, CT_USER, rig.now + TCPD_SEC(5));
	rig_pass(TCPD_SEC(6));
	ck_assert_int_eq(c->state, TCPD_ESTABLISHED);
	c->user_timeout = 0;
	c->stalled_at = rig.now;
	conn_arm(rig.t, c, CT_USER, rig.now + 1);
	rig_pass(TCPD_SEC(6));
	ck_assert_int_eq(c->state, TCPD_ESTABLISHED);
}
END_TEST

/* All timers due at once, and the first of them ends the connection. */
START_TEST(timeout_does_not_touch_what_a_handler_ended)
{
	struct conn *c = rig_conn(1000, 1);

	rig_fill(c, 1, 0, 10);
	conn_want_output(rig.t, c);
	rig_drain();
	c->nrexmt = 200;
	c->held = _i; /* the slot goes at once, or not */
	for (unsigned i = 0; i < CT_NTIMERS; i++)
		conn_arm(rig.t, c, (enum conn_timer)i, rig.now + 1);
	rig_pass(TCPD_MS(1));
	ck_assert_uint_eq(rig.t->conns.count, _i ? 1 : 0);
	ck_assert_uint_eq(rig_event().mask, _i ? TCPD_EV_TIMEOUT : 0);
	ck_assert_uint_eq(rig.t->stat.timeouts_gave_up, 1);
	rig_expect_nothing();
	ck_assert_uint_eq(tcpd_expiry(rig.st), TCPD_NEVER);
}
END_TEST

START_TEST(timeout_gives_idle_blocks_back_to_the_system)
{
	struct peer p = peer_new(4, 0, 80);
	struct tcpd_room r[8];

	peer_connect(&p);
	p.c->ccs.cwnd = 1u << 20;
	ck_assert_int_gt(tcpd_send_room(rig.st, p.h, 500000, r, 8), 0);
	ck_assert_int_eq(tcpd_send_filled(rig.st, p.h, 0, rig.now), 0);
	for (unsigned i = 0; i < 10 && tcpd_expiry(rig.st) != TCPD_NEVER; i++)
		rig_fire();
	/* all of it, and nothing is armed for ever */
	ck_assert_uint_ge(rig.mem.discarded, 400000);
	ck_assert_uint_eq(tcpd_expiry(rig.st), TCPD_NEVER);
}
END_TEST

/* 25 days later (a suspended machine): at once, and all in order. */
START_TEST(timeout_jump_of_the_clock_costs_no_loop)
{
	struct conn *c = rig_conn(1, 1);

	c->keepalive = true;
	keepalive_arm(rig.t, c);
	rig_fill(c, 1, 0, 10);
	conn_want_output(rig.t, c);
	rig_drain();
	rig_pass(TCPD_SEC(25u * 86400u));
	ck_assert_uint_eq(rig_drain(), 1); /* one retransmission */
	ck_assert_uint_eq(c->nrexmt, 1);
}
END_TEST

START_TEST(timeout_reference_of_no_kind_is_the_misc_node)
{
	ck_assert_ptr_eq(timeout_node(rig.t, REF(REF_MISC, MISC_TRIM)),
			 &rig.t->misc);
	ck_assert_uint_eq(timeout_key(rig.t, REF(REF_MISC, MISC_TRIM)), 0);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("timeout");
	TCase *tc = rig_case(s, "timers");

	tcase_add_test(tc, timeout_expiry_is_the_earlier_of_both_wheels);
	tcase_add_test(tc, timeout_fires_not_early_and_at_most_a_tick_late);
	tcase_add_test(tc, timeout_order_within_a_tick_is_that_of_birth);
	tcase_add_test(tc, timeout_finwait2_ends_an_orphan_only);
	tcase_add_loop_test(tc, timeout_of_the_user_ends_what_stands_still, 0,
			    ARRAY_SIZE(user_rows));
	tcase_add_test(tc, timeout_of_the_user_needs_something_unanswered);
	tcase_add_loop_test(tc, timeout_does_not_touch_what_a_handler_ended, 0,
			    2);
	tcase_add_test(tc, timeout_gives_idle_blocks_back_to_the_system);
	tcase_add_test(tc, timeout_jump_of_the_clock_costs_no_loop);
	tcase_add_test(tc, timeout_reference_of_no_kind_is_the_misc_node);
	return rig_run(s);
}
