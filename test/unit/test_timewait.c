/* SPDX-License-Identifier: MIT */
/*
 * test_timewait.c - TIME-WAIT entries: how long they stay, which one goes at
 * the cap, what they answer, and who may use their tuple again (RFC 6191).
 *
 * LINK: test/unit/rig.c
 */
#include <string.h>

#include "rig.h"

/* A connection in TIME-WAIT of which nobody has the handle; its entry. */
static struct timewait *enter(tcpd_time tw, bool ts)
{
	struct conn *c = rig_conn(1000, 2000);
	struct tuple tu = c->tu;
	uint32_t slot;

	c->held = false;
	c->time_wait = tw;
	c->ts = ts;
	c->ts_recent = 5000;
	timewait_enter(rig.t, c);
	slot = timewait_find(rig.t, &tu, tuple_hash(rig.t, &tu));
	ck_assert_uint_ne(slot, HTAB_NONE);
	return timewait_at(rig.t, slot);
}

static struct segment segment(const struct timewait *w, uint8_t flags)
{
	struct segment s = {.tu = w->tu, .nwire = 1};

	s.h.flags = flags;
	s.h.seq = w->rcv_nxt;
	s.h.wnd = 1000;
	return s;
}

static void arrives(struct segment *s)
{
	tcp_input(rig.t, s);
}

START_TEST(timewait_entry_has_64_octets)
{
	ck_assert_uint_eq(sizeof(struct timewait), 64);
}
END_TEST

START_TEST(timewait_entry_replaces_the_tcb_and_keeps_its_number)
{
	struct conn *c = rig_conn(1000, 2000);
	struct timewait *w;
	struct tuple tu = c->tu;
	tcpd_id id = c->id;

	rig.t->next_id += 12345;
	c->held = false;
	c->snd_nxt = 1500;
	c->rcv_nxt = 2700;
	timewait_enter(rig.t, c);
	ck_assert_uint_eq(rig.t->conns.count, 0);
	ck_assert_uint_eq(rig.t->tws.count, 1);
	w = timewait_at(rig.t, 0);
	ck_assert(tuple_same(&w->tu, &tu));
	ck_assert_uint_eq(timewait_id(rig.t, w), id);
	ck_assert_uint_eq(w->snd_nxt, 1500);
	ck_assert_uint_eq(w->rcv_nxt, 2700);
	ck_assert_uint_eq(rig.t->ports[80].nuse, 1);
	timewait_remove(rig.t, 0);
	rig_assert_empty();
}
END_TEST

/* 26 bits of the number are kept: an older one gets a new number, which its
 * holder sees too. */
START_TEST(timewait_of_a_very_old_connection_has_a_new_number)
{
	struct conn *c = rig_conn(1, 1);
	tcpd_id old = c->id, now;

	rig.t->next_id += UINT64_C(1) << 40;
	now = rig.t->next_id;
	timewait_enter(rig.t, c);
	ck_assert_uint_eq(timewait_id(rig.t, timewait_at(rig.t, 0)), now);
	ck_assert_uint_eq(c->id, now);
	ck_assert_uint_ne(c->id, old);
	ck_assert_uint_eq(timewait_of(rig.t, c), 0);
	rig.t->next_id += 1u << 24;
	ck_assert_uint_eq(timewait_id(rig.t, timewait_at(rig.t, 0)), now);
}
END_TEST

/* A flood of SYNs takes a number each: many times what its bits can tell. */
START_TEST(timewait_keeps_its_number_while_very_many_are_born)
{
	struct conn *c = rig_conn(1, 1);
	tcpd_id id = c->id;
	struct timewait *w;
	struct segment s;

	c->held = false;
	rig.t->next_id += 1u << 24;
	timewait_enter(rig.t, c);
	w = timewait_at(rig.t, 0);
	ck_assert_uint_eq(timewait_id(rig.t, w), id);
	for (unsigned i = 0; i < 59; i++) {
		rig.t->next_id += 400000;
		rig_pass(TCPD_SEC(1));
	}
	rig.t->next_id -= UINT64_C(59) * 400000; /* then it may be restarted */
	s = segment(w, TCP_FIN | TCP_ACK);
	s.h.seq--;
	arrives(&s);
	ck_assert_uint_eq(timewait_id(rig.t, w), id);
	rig_pass(TCPD_SEC(2));
	ck_assert_uint_eq(rig.t->tws.count, 1);
	rig.t->next_id += UINT64_C(1) << 40;
	ck_assert_uint_eq(timewait_id(rig.t, w), id);
	/* and not any more: 2MSL ends, rather than its number be wrong */
	arrives(&s);
	ck_assert_uint_eq(timewait_id(rig.t, w), id);
	rig_pass(TCPD_SEC(58));
	ck_assert_uint_eq(rig.t->tws.count, 0);
}
END_TEST

/* An entry that began just before a stretch of time ended, one that began just
 * after: each has the mark of its own. */
START_TEST(timewait_numbers_are_right_at_any_time)
{
	static struct conn *c[200];
	static tcpd_id id[200];

	rig.set.max_time_wait = 200;
	rig.set.max_conns = 200;
	rig_restart();
	for (unsigned i = 0; i < 200; i++) {
		c[i] = rig_conn(1, 1);
		id[i] = c[i]->id;
	}
	for (unsigned i = 0; i < 200; i++) {
		c[i]->held = false;
		c[i]->time_wait = TCPD_SEC(3600);
		timewait_enter(rig.t, c[i]);
		rig.t->next_id += 1u << 16;
		rig_pass(TCPD_MS(17001));
		for (unsigned k = 0; k <= i; k++)
			ck_assert_uint_eq(
				timewait_id(rig.t, timewait_at(rig.t, k)),
				id[k]);
	}
}
END_TEST

/* RFC 7323, 5.3 R1: PAWS. */
START_TEST(timewait_is_not_restarted_by_an_old_copy_of_the_fin)
{
	struct timewait *w = enter(TCPD_SEC(60), true);
	struct segment s = segment(w, TCP_FIN | TCP_ACK);

	s.h.seq--;
	s.h.opt.has_ts = true;
	s.h.opt.ts_val = w->ts_recent - 1;
	rig_pass(TCPD_SEC(30));
	arrives(&s);
	rig_expect(FLAG_ACK);
	ck_assert_uint_eq(w->ts_recent, s.h.opt.ts_val + 1);
	rig_pass(TCPD_SEC(30));
	ck_assert_uint_eq(rig.t->tws.count, 0);
}
END_TEST

START_TEST(timewait_ends_after_2msl)
{
	enter(TCPD_SEC(60), false);
	rig_pass(TCPD_SEC(60) - 1);
	ck_assert_uint_eq(rig.t->tws.count, 1);
	rig_pass(1);
	rig_assert_empty();
}
END_TEST

START_TEST(timewait_at_the_cap_gives_up_the_one_that_would_end_first)
{
	struct tuple first, longest, next;

	rig_stop();
	rig.set.max_time_wait = 4;
	rig_start();
	longest = enter(TCPD_SEC(120), false)->tu; /* the oldest */
	rig_pass(TCPD_MS(5));
	first = enter(TCPD_SEC(30), false)->tu;
	rig_pass(TCPD_MS(5));
	next = enter(TCPD_SEC(60), false)->tu;
	rig_pass(TCPD_MS(5));
	enter(TCPD_SEC(60), false);
	ck_assert_uint_eq(rig.t->stat.time_wait_evicted, 0);
	enter(TCPD_SEC(60), false);
	ck_assert_uint_eq(rig.t->stat.time_wait_evicted, 1);
	ck_assert_uint_eq(rig.t->tws.count, 4);
	ck_assert_uint_eq(
		timewait_find(rig.t, &first, tuple_hash(rig.t, &first)),
		HTAB_NONE);
	rig_pass(TCPD_MS(5));
	enter(TCPD_SEC(60), false);
	ck_assert_uint_eq(timewait_find(rig.t, &next, tuple_hash(rig.t, &next)),
			  HTAB_NONE);
	ck_assert_uint_ne(
		timewait_find(rig.t, &longest, tuple_hash(rig.t, &longest)),
		HTAB_NONE);
	rig_pass(TCPD_SEC(120));
	rig_assert_empty();
}
END_TEST

START_TEST(timewait_evicts_the_oldest_of_one_class)
{
	static struct tuple order[200];

	rig_stop();
	rig.set.max_time_wait = 100;
	rig_start();
	for (unsigned i = 0; i < ARRAY_SIZE(order); i++) {
		order[i] = enter(TCPD_SEC(60), false)->tu;
		rig_pass(TCPD_MS(200));
	}
	for (unsigned i = 0; i < ARRAY_SIZE(order); i++)
		ck_assert_msg((timewait_find(rig.t, &order[i],
					     tuple_hash(rig.t, &order[i])) !=
			       HTAB_NONE) == (i >= 100),
			      "entry %u", i);
}
END_TEST

START_TEST(timewait_has_sixteen_classes_and_takes_the_nearest_longer)
{
	/* class 0 is the stack's own 60 s */
	for (unsigned i = 1; i < NTW_CLASSES; i++)
		ck_assert_uint_eq(
			timewait_class(rig.t, TCPD_SEC(10 * i + 60), 0), i);
	ck_assert_uint_eq(timewait_class(rig.t, TCPD_SEC(60), 0), 0);
	ck_assert_uint_eq(timewait_class(rig.t, TCPD_SEC(100), 0), 4);
	/* a seventeenth */
	ck_assert_uint_eq(timewait_class(rig.t, TCPD_SEC(95), 0), 4);
	ck_assert_uint_eq(timewait_class(rig.t, TCPD_SEC(10), 0), 0);
	ck_assert_uint_eq(timewait_class(rig.t, TCPD_SEC(61), 0), 1);
	/* longer than all: the longest, not the first */
	ck_assert_uint_eq(timewait_class(rig.t, TCPD_SEC(1000), 0), 15);
}
END_TEST

/* When there is no class left, an entry may share less than its connection
 * did, never more. */
START_TEST(timewait_class_shares_no_more_than_was_asked)
{
	const uint8_t r = TCPD_BIND_REUSE, p = TCPD_BIND_REUSEPORT;
	uint32_t both = timewait_class(rig.t, TCPD_SEC(60), r | p);
	uint32_t reuse = timewait_class(rig.t, TCPD_SEC(90), r);

	ck_assert_uint_eq(both, 1);
	ck_assert_uint_eq(reuse, 2);
	for (unsigned i = 3; i < NTW_CLASSES; i++)
		timewait_class(rig.t, TCPD_SEC(200 + i), 0);
	ck_assert_uint_eq(rig.t->ntw_classes, NTW_CLASSES);
	ck_assert_uint_eq(timewait_class(rig.t, TCPD_SEC(60), r | p), both);
	ck_assert_uint_eq(timewait_class(rig.t, TCPD_SEC(60), r), reuse);
	ck_assert_uint_eq(timewait_class(rig.t, TCPD_SEC(60), p), 0);
	ck_assert_uint_eq(timewait_class(rig.t, TCPD_SEC(55), r | p), both);
}
END_TEST

START_TEST(timewait_keeps_a_tcb_for_who_has_not_read_all)
{
	struct conn *c = rig_conn(1, 1);

	timewait_enter(rig.t, c);
	ck_assert_int_eq(c->state, TCPD_CLOSED);
	ck_assert(c->in_tw && !c->hashed);
	ck_assert_uint_eq(timewait_of(rig.t, c), 0);
	ck_assert(timewait_at(rig.t, 0)->held);
	/* the tuple is in use again: that entry is not this connection's */
	timewait_remove(rig.t, 0);
	ck_assert_uint_eq(timewait_of(rig.t, c), HTAB_NONE);
	conn_free(rig.t, c);
	rig_assert_empty();
}
END_TEST

/* The tuple was used again and has a new entry: not this holder's. */
START_TEST(timewait_entry_of_a_later_connection_is_another_ones)
{
	struct conn *a = rig_conn(1, 1), *b = rig_conn(1, 1);

	timewait_enter(rig.t, a);
	timewait_remove(rig.t, 0);
	conn_unhash(rig.t, b);
	b->tu = a->tu;
	timewait_enter(rig.t, b);
	ck_assert_uint_eq(timewait_of(rig.t, b), 0);
	ck_assert_uint_eq(timewait_of(rig.t, a), HTAB_NONE);
	conn_free(rig.t, a);
	ck_assert(timewait_at(rig.t, 0)->held);
}
END_TEST

START_TEST(timewait_freed_tcb_leaves_an_entry_that_shows_itself)
{
	struct conn *c = rig_conn(1, 1);

	timewait_enter(rig.t, c);
	conn_free(rig.t, c);
	ck_assert_uint_eq(rig.t->tws.count, 1);
	ck_assert(!timewait_at(rig.t, 0)->held);
}
END_TEST

static const struct answer {
	const char *name;
	uint8_t flags;
	int32_t seq; /* from RCV.NXT */
	uint32_t len;
	bool ack, restart;
} answers[] = {
	{"an ACK", TCP_ACK, 0, 0, false, false},
	{"an old ACK", TCP_ACK, -5, 0, true, false},
	{"an ACK beyond the window", TCP_ACK, 70000, 0, true, false},
	{"an ACK inside the window", TCP_ACK, 1000, 0, false, false},
	{"neither SYN nor ACK", 0, -5, 0, false, false},
	{"a RST (RFC 1337)", TCP_RST, 0, 0, false, false},
	{"a RST with ACK", TCP_RST | TCP_ACK, 0, 0, false, false},
	{"old text", TCP_ACK, -5, 5, true, false},
	{"new text", TCP_ACK, 0, 5, true, false},
	{"the FIN again", TCP_FIN | TCP_ACK, -1, 0, true, true},
	{"text and the FIN again", TCP_FIN | TCP_ACK, -6, 5, true, true},
	{"a FIN of another place", TCP_FIN | TCP_ACK, -3, 0, true, false},
	{"a SYN with FIN", TCP_SYN | TCP_FIN, 1000, 0, true, false},
	{"a SYN,ACK", TCP_SYN | TCP_ACK, 0, 0, true, false},
};

START_TEST(timewait_answers_what_asks_for_an_answer)
{
	const struct answer *a = &answers[_i];
	struct timewait *w = enter(TCPD_SEC(60), true);
	struct segment s = segment(w, a->flags);
	struct packet p;

	rig_pass(TCPD_SEC(50));
	s.h.seq += (uint32_t)a->seq;
	s.len = a->len;
	s.data = rig.buf;
	s.h.ack = w->snd_nxt;
	arrives(&s);
	ck_assert_uint_eq(rig.t->stat.drops[TCPD_DROP_TIME_WAIT], 1);
	ck_assert_msg(rig_out(&p) == a->ack, "%s", a->name);
	if (a->ack) {
		uint32_t val, ecr;

		ck_assert_uint_eq(p.flags, FLAG_ACK);
		ck_assert_uint_eq(p.seq, w->snd_nxt);
		ck_assert_uint_eq(p.ack, w->rcv_nxt);
		ck_assert(packet_ts(&p, &val, &ecr));
		ck_assert_uint_eq(ecr, 5000);
		ck_assert_uint_eq(val, ts_now(rig.t, &w->tu));
	}
	rig_pass(TCPD_SEC(20));
	ck_assert_msg(rig.t->tws.count == a->restart, "%s", a->name);
}
END_TEST

/* What the SYN has, seen from the entry: TS.Recent 5000, or none at all. */
static const struct reuse {
	const char *name;
	bool old_ts, new_ts;
	int32_t ts, seq; /* to TS.Recent; to RCV.NXT */
	bool accept;
} reuses[] = {
	{"6191-1: a later time stamp, any number", true, true, 1, -100, true},
	{"6191-2: the same time stamp, a later number", true, true, 0, 1, true},
	{"6191-2: the same time stamp, the next number", true, true, 0, 0,
	 true},
	{"6191-3: no time stamp any more, a later number", true, false, 0, 10,
	 true},
	{"6191-4: an older time stamp", true, true, -1, 100, false},
	{"6191-4: the same time stamp, an old number", true, true, 0, -1,
	 false},
	{"6191-4: no time stamp any more, an old number", true, false, 0, -5,
	 false},
	{"6191-5: a time stamp at last, any number", false, true, 0, -100,
	 true},
	{"6191-6: none, and none before, a later number", false, false, 0, 1,
	 true},
	{"6191-7: none, and none before, an old number", false, false, 0, -5,
	 false},
};

static struct segment new_syn(const struct timewait *w, const struct reuse *r)
{
	struct segment s = segment(w, TCP_SYN);

	s.h.seq = w->rcv_nxt + (uint32_t)r->seq;
	s.h.opt.has_ts = r->new_ts;
	s.h.opt.ts_val = 5000u + (uint32_t)r->ts;
	s.h.opt.has_mss = true;
	s.h.opt.mss = 1460;
	return s;
}

START_TEST(timewait_is_used_again_by_rfc_6191)
{
	const struct reuse *r = &reuses[_i];
	struct timewait *w;
	struct segment s;
	uint32_t snd_nxt;
	struct packet p;

	rig_listen(80);
	w = enter(TCPD_SEC(60), r->old_ts);
	w->snd_nxt = snd_nxt = isn_for(rig.t, &w->tu) + 100000;
	s = new_syn(w, r);
	arrives(&s);
	ck_assert_msg(rig.t->halves.count == r->accept, "%s", r->name);
	ck_assert_msg(rig.t->tws.count == !r->accept, "%s", r->name);
	ck_assert_uint_eq(rig.t->stat.time_wait_reused, r->accept);
	ck_assert_uint_eq(rig.t->stat.drops[TCPD_DROP_TIME_WAIT], !r->accept);
	ck_assert_msg(rig_out(&p) == r->accept, "%s", r->name);
	if (!r->accept)
		return;
	ck_assert_uint_eq(p.flags, FLAG_SYN | FLAG_ACK);
	ck_assert_uint_eq(p.ack, s.h.seq + 1);
	/* 6191-8: above all that was sent, whatever the clock says */
	ck_assert_uint_eq(p.seq - snd_nxt, UINT16_MAX + 2);
}
END_TEST

START_TEST(timewait_reuse_lets_an_isn_that_is_ahead_as_it_is)
{
	struct timewait *w;
	struct segment s;

	rig_listen(80);
	w = enter(TCPD_SEC(60), false);
	w->snd_nxt = isn_for(rig.t, &w->tu) - 100000;
	s = new_syn(w, &reuses[7]);
	arrives(&s);
	ck_assert_uint_eq(rig_expect(FLAG_SYN | FLAG_ACK).seq,
			  isn_for(rig.t, &s.tu));
}
END_TEST

START_TEST(timewait_syn_without_a_listener_is_refused)
{
	struct timewait *w = enter(TCPD_SEC(60), false);
	struct segment s = new_syn(w, &reuses[7]);

	arrives(&s);
	rig_expect(FLAG_RST | FLAG_ACK);
	ck_assert_uint_eq(rig.t->stat.resets_sent[TCPD_RESET_NO_LISTENER], 1);
	ck_assert_uint_eq(rig.t->tws.count, 1);
}
END_TEST

START_TEST(timewait_stays_when_no_half_open_entry_is_left)
{
	struct timewait *w;
	struct segment s;

	rig_stop();
	rig.set.max_half_open = 1;
	rig_start();
	rig_listen(80);
	w = enter(TCPD_SEC(60), false);
	ck_assert_uint_eq(slab_take(&rig.t->halves), 0);
	s = new_syn(w, &reuses[7]);
	arrives(&s);
	ck_assert_uint_eq(rig.t->tws.count, 1);
	rig_expect_nothing();
	slab_give(&rig.t->halves, 0);
}
END_TEST

START_TEST(timewait_owes_the_ack_that_the_tcb_owed)
{
	struct conn *c = rig_conn(1000, 2000);

	c->held = false;
	c->ack_due = true;
	conn_want_ack(rig.t, c);
	timewait_enter(rig.t, c);
	ck_assert_uint_eq(rig_expect(FLAG_ACK).ack, 2001);
	rig_expect_nothing();
}
END_TEST

int main(void)
{
	Suite *s = suite_create("timewait");
	TCase *tc = rig_case(s, "entries");

	tcase_add_test(tc, timewait_entry_has_64_octets);
	tcase_add_test(tc,
		       timewait_entry_replaces_the_tcb_and_keeps_its_number);
	tcase_add_test(tc, timewait_of_a_very_old_connection_has_a_new_number);
	tcase_add_test(tc, timewait_keeps_its_number_while_very_many_are_born);
	tcase_add_test(tc, timewait_numbers_are_right_at_any_time);
	tcase_add_test(tc, timewait_is_not_restarted_by_an_old_copy_of_the_fin);
	tcase_add_test(tc, timewait_ends_after_2msl);
	tcase_add_test(
		tc, timewait_at_the_cap_gives_up_the_one_that_would_end_first);
	tcase_add_test(tc, timewait_evicts_the_oldest_of_one_class);
	tcase_add_test(tc, timewait_class_shares_no_more_than_was_asked);
	tcase_add_test(
		tc, timewait_has_sixteen_classes_and_takes_the_nearest_longer);
	tcase_add_test(tc, timewait_keeps_a_tcb_for_who_has_not_read_all);
	tcase_add_test(tc,
		       timewait_entry_of_a_later_connection_is_another_ones);
	tcase_add_test(tc,
		       timewait_freed_tcb_leaves_an_entry_that_shows_itself);
	tcase_add_loop_test(tc, timewait_answers_what_asks_for_an_answer, 0,
			    ARRAY_SIZE(answers));
	tcase_add_loop_test(tc, timewait_is_used_again_by_rfc_6191, 0,
			    ARRAY_SIZE(reuses));
	tcase_add_test(tc, timewait_reuse_lets_an_isn_that_is_ahead_as_it_is);
	tcase_add_test(tc, timewait_syn_without_a_listener_is_refused);
	tcase_add_test(tc, timewait_stays_when_no_half_open_entry_is_left);
	tcase_add_test(tc, timewait_owes_the_ack_that_the_tcb_owed);
	return rig_run(s);
}
