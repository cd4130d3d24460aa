/* SPDX-License-Identifier: MIT */
/*
 * test_orphan.c - connections whose app has closed: which of them count, that
 * the limit holds whatever happens, and that the oldest is the one that goes.
 *
 * LINK: test/unit/rig.c
 */
#include "rig.h"

static const struct state_row {
	const char *name;
	enum tcpd_state state;
	bool counts;
} state_rows[] = {
	{"ESTABLISHED goes to FIN-WAIT-1", TCPD_ESTABLISHED, true},
	{"FIN-WAIT-1", TCPD_FIN_WAIT_1, true},
	{"FIN-WAIT-2: the peer has answered", TCPD_FIN_WAIT_2, false},
	{"CLOSE-WAIT goes to LAST-ACK", TCPD_CLOSE_WAIT, true},
	{"CLOSING", TCPD_CLOSING, true},
	{"LAST-ACK", TCPD_LAST_ACK, true},
	{"SYN-SENT: it is gone", TCPD_SYN_SENT, false},
};

START_TEST(orphan_states_that_count)
{
	const struct state_row *row = &state_rows[_i];
	struct conn *c = rig_conn(1, 1);

	ck_assert_uint_eq(tcpd_stats(rig.st)->now_orphans, 0);
	c->state = (uint8_t)row->state;
	user_close(rig.t, c);
	ck_assert_uint_eq(tcpd_stats(rig.st)->now_orphans, row->counts);
}
END_TEST

/* A connection to port |port| of the peer, closed by its app. */
static struct peer closed(uint16_t port)
{
	struct peer p = peer_new(port & 1 ? 6 : 4, 0, port);

	peer_connect(&p);
	ck_assert_int_eq(tcpd_close(rig.st, p.h, rig.now), 0);
	peer_take(&p, FLAG_FIN | FLAG_ACK);
	return p;
}

START_TEST(orphan_is_no_more_once_its_fin_is_acknowledged)
{
	struct peer p = closed(4000), q = closed(4001);

	rig_check();
	ck_assert_uint_eq(tcpd_stats(rig.st)->now_orphans, 2);
	peer_send(&p, FLAG_ACK, NULL, 0);
	ck_assert_uint_eq(tcpd_stats(rig.st)->now_orphans, 1);
	peer_send(&q, FLAG_FIN | FLAG_ACK, NULL, 0);
	ck_assert_uint_eq(tcpd_stats(rig.st)->now_orphans, 0);
	ck_assert_uint_eq(rig.t->orphans.head, REF_NONE);
}
END_TEST

START_TEST(orphan_that_is_reset_leaves_the_list)
{
	struct peer p[3];

	for (uint16_t i = 0; i < 3; i++)
		p[i] = closed((uint16_t)(4000 + i));
	peer_send(&p[1], FLAG_RST, NULL, 0);
	ck_assert_uint_eq(tcpd_stats(rig.st)->now_orphans, 2);
	rig_check();
	peer_send(&p[0], FLAG_RST, NULL, 0);
	peer_send(&p[2], FLAG_RST, NULL, 0);
	while (rig_event().mask)
		;
	ck_assert_uint_eq(rig.t->conns.count, 0);
	rig_check();
}
END_TEST

START_TEST(orphan_list_ends_by_r2_when_nobody_answers)
{
	for (uint16_t i = 0; i < 20; i++)
		closed((uint16_t)(4000 + i));
	for (unsigned i = 0; i < 400; i++) {
		rig_pass(TCPD_SEC(1));
		rig_drain();
	}
	ck_assert_uint_eq(tcpd_stats(rig.st)->now_orphans, 0);
	ck_assert_uint_eq(rig.t->stat.orphans_timed_out, 20);
	ck_assert_uint_eq(rig.t->stat.orphans_evicted, 0);
	while (rig_event().mask)
		;
	rig_assert_empty();
}
END_TEST

/* The whole of a client's life with the stack, and then silence. */
static void fall_silent(tcpd_handle l, uint32_t n)
{
	struct peer p = peer_new(4, 80, (uint16_t)(1024 + n % 60000));
	struct packet syn, ack;

	p.them.ip[14] = (uint8_t)(n / 60000);
	p.seq += n;
	syn = peer_packet(&p, FLAG_SYN);
	rig_in(&syn);
	p.ack = rig_expect(FLAG_SYN | FLAG_ACK).seq + 1;
	p.seq++;
	ack = peer_packet(&p, FLAG_ACK);
	rig_in(&ack);
	ck_assert_int_eq(tcpd_accept(rig.st, l, &p.h, rig.now), 0);
	ck_assert_int_eq(tcpd_close(rig.st, p.h, rig.now), 0);
}

START_TEST(orphan_limit_holds_for_100000_closes_to_silent_peers)
{
	enum { CLOSES = 100000, LIMIT = 1000 };
	tcpd_handle l;
	uint32_t gone = 0;

	rig.set.max_conns = LIMIT + 64;
	rig.set.max_orphans = LIMIT;
	rig_restart();
	l = rig_listen(80);
	for (uint32_t i = 0; i < CLOSES; i++) {
		fall_silent(l, i);
		/* 5,000 a second, so that some end by R2 first */
		rig_pass(TCPD_US(200));
		rig_drain();
		for (struct tcpd_event ev; (ev = rig_event()).mask;)
			gone += (ev.mask & TCPD_EV_GONE) != 0;
		ck_assert_uint_le(tcpd_stats(rig.st)->now_orphans, LIMIT);
		if (i % 20000 == 0)
			rig_check();
	}
	ck_assert_uint_eq(rig.t->norphans, LIMIT);
	ck_assert_uint_eq(gone, CLOSES - LIMIT);
	ck_assert_uint_eq(rig.t->stat.orphans_evicted +
				  rig.t->stat.orphans_timed_out,
			  CLOSES - LIMIT);
	ck_assert_uint_eq(rig.t->stat.resets_sent[TCPD_RESET_BUDGET],
			  rig.t->stat.orphans_evicted);
}
END_TEST

START_TEST(orphan_limit_spares_what_a_program_still_holds)
{
	struct peer held = peer_new(4, 0, 3999);

	rig.set.max_orphans = 3;
	rig_restart();
	peer_connect(&held);
	ck_assert_int_eq(tcpd_shutdown(rig.st, held.h, rig.now), 0);
	peer_take(&held, FLAG_FIN | FLAG_ACK);
	for (uint16_t i = 0; i < 10; i++) {
		struct peer p = peer_new(6, 0, (uint16_t)(4000 + i));

		peer_connect(&p);
		ck_assert_int_eq(tcpd_close(rig.st, p.h, rig.now), 0);
		rig_drain();
	}
	ck_assert_uint_eq(rig.t->norphans, 3);
	ck_assert_int_eq(held.c->state, TCPD_FIN_WAIT_1);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("orphan");
	TCase *tc = rig_case(s, "orphan");

	tcase_add_loop_test(tc, orphan_states_that_count, 0,
			    (int)ARRAY_SIZE(state_rows));
	tcase_add_test(tc, orphan_is_no_more_once_its_fin_is_acknowledged);
	tcase_add_test(tc, orphan_that_is_reset_leaves_the_list);
	tcase_add_test(tc, orphan_list_ends_by_r2_when_nobody_answers);
	tcase_add_test(tc,
		       orphan_limit_holds_for_100000_closes_to_silent_peers);
	tcase_add_test(tc, orphan_limit_spares_what_a_program_still_holds);
	return rig_run(s);
}
