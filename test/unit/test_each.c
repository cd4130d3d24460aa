/* SPDX-License-Identifier: MIT */
/*
 * test_each.c - walks over everything in pieces, and what is ended by its
 * number or by where a walk has seen it.
 *
 * LINK: test/unit/rig.c
 */
#include <string.h>

#include "rig.h"

/* |n| TIME-WAIT entries of which every |keep|-th stays. */
static unsigned sparse(unsigned n, unsigned keep)
{
	unsigned left = 0;

	for (unsigned i = 0; i < n; i++) {
		struct conn *c = rig_conn(1, 1);

		c->held = false;
		timewait_enter(rig.t, c);
	}
	for (unsigned i = 0; i < n; i++) {
		if (i % keep)
			timewait_remove(rig.t, i);
		else
			left++;
	}
	return left;
}

START_TEST(each_looks_at_no_more_places_than_it_was_told)
{
	struct tcpd_cursor cur = {.looks = 16};
	struct tcpd_status s;
	unsigned rows = 0, pieces = 0, left;

	rig.set.max_time_wait = 1000;
	rig_restart();
	left = sparse(1000, 300);
	while (cur.kind < TCPD_NKINDS) {
		uint32_t from = cur.slot, kind = cur.kind;

		cur.looked = 0;
		while (tcpd_each(rig.st, &cur, &s, rig.now)) {
			ck_assert_int_eq(s.state, TCPD_TIME_WAIT);
			rows++;
		}
		ck_assert_uint_le(cur.looked, 16);
		if (cur.kind == kind)
			ck_assert_uint_le(cur.slot - from, 16);
		pieces++;
	}
	ck_assert_uint_eq(rows, left);
	ck_assert_uint_ge(pieces, 1000 / 16);
}
END_TEST

/* Each ends while a walk is between its row and its TIME-WAIT entry. */
START_TEST(each_does_not_show_again_what_has_entered_time_wait)
{
	static const tcpd_time later[] = {TCPD_US(1), TCPD_MS(1), TCPD_SEC(1)};
	struct tcpd_cursor cur = {0};
	struct conn *c[2] = {rig_conn(1, 1), rig_conn(1, 1)};
	struct conn *old = rig_conn(1, 1);
	struct tcpd_status s;
	tcpd_id before = old->id;

	old->held = c[0]->held = c[1]->held = false;
	timewait_enter(rig.t, old);
	rig_pass(TCPD_MS(3));
	ck_assert(tcpd_each(rig.st, &cur, &s, rig.now));
	ck_assert_uint_eq(s.id, c[0]->id);
	rig_pass(later[_i]);
	timewait_enter(rig.t, c[0]);
	ck_assert(tcpd_each(rig.st, &cur, &s, rig.now));
	ck_assert_uint_eq(s.id, c[1]->id);
	ck_assert(tcpd_each(rig.st, &cur, &s, rig.now));
	ck_assert_uint_eq(s.id, before);
	ck_assert(!tcpd_each(rig.st, &cur, &s, rig.now));
	/* the next walk shows it */
	memset(&cur, 0, sizeof(cur));
	for (unsigned i = 0; i < 3; i++)
		ck_assert(tcpd_each(rig.st, &cur, &s, rig.now));
}
END_TEST

static tcpd_id see(struct tcpd_cursor *cur, enum tcpd_kind kind)
{
	struct tcpd_status s;

	memset(cur, 0, sizeof(*cur));
	while (tcpd_each(rig.st, cur, &s, rig.now))
		if (s.kind == kind)
			return s.id;
	return 0;
}

START_TEST(each_of_every_kind_is_ended_where_it_was_seen)
{
	tcpd_handle l = rig_listen(80);
	struct peer p = peer_new(4, 80, 4000), q = peer_new(4, 80, 4001);
	struct conn *w = rig_conn(1, 1);
	struct tcpd_cursor cur;
	tcpd_id id;

	w->held = false;
	timewait_enter(rig.t, w);
	peer_accept(&p, l);
	peer_send(&q, FLAG_SYN, NULL, 0);
	peer_take(&q, FLAG_SYN | FLAG_ACK);
	for (unsigned kind = 0; kind < TCPD_NKINDS; kind++) {
		if (kind == TCPD_KIND_LISTENER)
			continue; /* last: it takes others along */
		id = see(&cur, (enum tcpd_kind)kind);
		ck_assert_uint_ne(id, 0);
		ck_assert_int_eq(
			tcpd_abort_seen(rig.st, &cur, id + 1000, rig.now),
			-TCPD_ERR_HANDLE);
		ck_assert_int_eq(tcpd_abort_seen(rig.st, &cur, id, rig.now), 0);
	}
	id = see(&cur, TCPD_KIND_LISTENER);
	ck_assert_int_eq(tcpd_abort_seen(rig.st, &cur, id, rig.now), 0);
	ck_assert_int_eq(tcpd_abort_seen(rig.st, &cur, id, rig.now),
			 -TCPD_ERR_HANDLE);
	ck_assert_uint_eq(rig.t->tws.count, 0);
	ck_assert_uint_eq(rig.t->halves.count, 0);
	ck_assert_uint_eq(rig.t->listeners.count, 0);
	ck_assert_int_eq(stack_conn(rig.st, p.h)->state, TCPD_CLOSED);
}
END_TEST

START_TEST(each_close_where_it_was_seen_sends_a_fin)
{
	struct peer p = peer_new(4, 80, 4000);
	struct tcpd_cursor cur;
	tcpd_id id;

	peer_accept(&p, rig_listen(80));
	id = see(&cur, TCPD_KIND_CONN);
	ck_assert_int_eq(tcpd_close_seen(rig.st, &cur, id, rig.now), 0);
	peer_take(&p, FLAG_FIN | FLAG_ACK);
	ck_assert_int_eq(stack_conn(rig.st, p.h)->state, TCPD_FIN_WAIT_1);
}
END_TEST

START_TEST(each_cursor_that_has_seen_nothing_ends_nothing)
{
	struct tcpd_cursor cur = {0};

	rig_conn(1, 1);
	ck_assert_int_eq(tcpd_abort_seen(rig.st, &cur, 0, rig.now),
			 -TCPD_ERR_HANDLE);
	ck_assert_int_eq(tcpd_close_seen(rig.st, &cur, 1, rig.now),
			 -TCPD_ERR_HANDLE);
	cur.kind = 77;
	cur.slot = 1;
	ck_assert_int_eq(tcpd_abort_seen(rig.st, &cur, 1, rig.now),
			 -TCPD_ERR_HANDLE);
	ck_assert_uint_eq(rig.t->conns.count, 1);
}
END_TEST

START_TEST(each_knows_by_its_addresses_whether_one_lives)
{
	struct peer p = peer_new(_i % 2 ? 6 : 4, 80, 40000);
	struct tcpd_status s;

	peer_accept(&p, rig_listen(80));
	ck_assert_int_eq(tcpd_status(rig.st, p.h, &s, rig.now), 0);
	ck_assert(tcpd_lives(rig.st, s.id, &s.local, &s.peer));
	ck_assert(!tcpd_lives(rig.st, s.id + 1, &s.local, &s.peer));
	ck_assert(!tcpd_lives(rig.st, s.id, &s.peer, &s.local));
	tcpd_close(rig.st, p.h, rig.now);
	peer_take(&p, TCP_FIN | TCP_ACK);
	peer_send(&p, TCP_FIN | TCP_ACK, NULL, 0); /* TIME-WAIT */
	rig_drain();
	ck_assert(tcpd_lives(rig.st, s.id, &s.local, &s.peer));
	rig_pass(TCPD_SEC(61));
	ck_assert(!tcpd_lives(rig.st, s.id, &s.local, &s.peer));
}
END_TEST

START_TEST(each_knows_a_half_open_entry_by_its_addresses)
{
	struct peer p = peer_new(4, 80, 40000);
	struct packet syn = peer_packet(&p, TCP_SYN);
	struct tcpd_cursor cur = {.kind = TCPD_KIND_HALF_OPEN};
	struct tcpd_status s;

	rig_listen(80);
	rig_in(&syn);
	ck_assert(tcpd_each(rig.st, &cur, &s, rig.now));
	ck_assert(tcpd_lives(rig.st, s.id, &s.local, &s.peer));
	ck_assert(!tcpd_lives(rig.st, 0, &s.local, &s.peer));
	ck_assert_int_eq(tcpd_abort_id(rig.st, s.id, rig.now), 0);
	ck_assert(!tcpd_lives(rig.st, s.id, &s.local, &s.peer));
}
END_TEST

int main(void)
{
	Suite *s = suite_create("each");
	TCase *tc = rig_case(s, "walks");

	tcase_add_test(tc, each_looks_at_no_more_places_than_it_was_told);
	tcase_add_loop_test(
		tc, each_does_not_show_again_what_has_entered_time_wait, 0, 3);
	tcase_add_test(tc, each_of_every_kind_is_ended_where_it_was_seen);
	tcase_add_test(tc, each_close_where_it_was_seen_sends_a_fin);
	tcase_add_loop_test(tc, each_knows_by_its_addresses_whether_one_lives,
			    0, 2);
	tcase_add_test(tc, each_knows_a_half_open_entry_by_its_addresses);
	tcase_add_test(tc, each_cursor_that_has_seen_nothing_ends_nothing);
	return rig_run(s);
}
