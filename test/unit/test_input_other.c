/* SPDX-License-Identifier: MIT */
/*
 * test_input_other.c - the eight checks of RFC 9293, 3.10.7.4, on connections
 * in each state, with segments that no header was parsed for.
 *
 * LINK: test/unit/rig.c
 */
#include <string.h>

#include "rig.h"

#define ISS 1000u
#define IRS 5000u
#define NXT (IRS + 1)

static struct conn *c;
static uint8_t text[70000];

/* ESTABLISHED, the receive window |wnd|. */
static void open_conn(uint32_t wnd)
{
	c = rig_conn(ISS, IRS);
	c->rcv_adv = c->rcv_nxt + wnd;
	memset(text, 'x', sizeof(text));
}

static struct segment segment(uint8_t flags, uint32_t seq, uint32_t len)
{
	struct segment s = {.tu = c->tu, .nwire = 1, .data = text, .len = len};

	s.h.flags = flags;
	s.h.seq = seq;
	s.h.ack = flags & TCP_ACK ? c->snd_nxt : 0;
	s.h.wnd = 65535;
	s.mss = max_u32(len, 1);
	return s;
}

static void arrives(struct segment s)
{
	tcp_input(rig.t, &s);
	recvq_settle(rig.t);
}

static void only_drop(const char *name, int drop)
{
	for (int d = 0; d < TCPD_NDROPS; d++)
		ck_assert_msg(rig.t->stat.drops[d] == (d == drop),
			      "%s: drop %s: %llu", name,
			      tcpd_drop_name((enum tcpd_drop)d),
			      (unsigned long long)rig.t->stat.drops[d]);
}

/* --- first: the four cases of table 6, and what is left after trimming */

static const struct accept_row {
	const char *name;
	uint32_t wnd;
	int32_t seq; /* from RCV.NXT */
	uint32_t len;
	bool ok;
	uint32_t readable, ooo;
} accept_rows[] = {
	{"no text, no window: RCV.NXT", 0, 0, 0, true, 0, 0},
	{"no text, no window: one before", 0, -2, 0, false, 0, 0},
	{"no text, no window: one behind", 0, 1, 0, false, 0, 0},
	{"no text, window: its first", 100, 0, 0, true, 0, 0},
	{"no text, window: its last", 100, 99, 0, true, 0, 0},
	{"no text, window: one behind", 100, 100, 0, false, 0, 0},
	{"no text, window: two before", 100, -2, 0, false, 0, 0},
	{"text, no window", 0, 0, 10, false, 0, 0},
	{"text, window: in order", 100, 0, 10, true, 10, 0},
	{"text, window: ahead", 100, 90, 10, true, 0, 10},
	{"text, window: its end reaches in", 100, -5, 6, true, 1, 0},
	{"text, window: all of it old", 100, -5, 5, false, 0, 0},
	{"text, window: cut at the edge", 100, 95, 10, true, 0, 5},
	{"text, window: beyond", 100, 100, 10, false, 0, 0},
	{"text, window: larger than it on both sides", 100, -10, 120, false, 0,
	 0},
	{"text, window: from before it to its end", 100, -10, 110, true, 100,
	 0},
};

START_TEST(check_sequence_takes_what_table_6_takes)
{
	const struct accept_row *row = &accept_rows[_i];

	open_conn(row->wnd);
	arrives(segment(TCP_ACK, NXT + (uint32_t)row->seq, row->len));
	only_drop(row->name, row->ok ? -1 : TCPD_DROP_SEQUENCE);
	ck_assert_msg(conn_readable(c) == row->readable, "%s: %u", row->name,
		      conn_readable(c));
	ck_assert_msg(c->rq.ooo == row->ooo, "%s: %u", row->name, c->rq.ooo);
	if (!row->ok) /* answered by an ACK of what is expected */
		ck_assert_uint_eq(rig_expect(FLAG_ACK).ack, NXT);
}
END_TEST

/* A SYN left of the window is not cut off with what is old (RFC 5961, 4.2). */
START_TEST(check_sequence_leaves_a_syn_to_its_challenge)
{
	open_conn(100);
	arrives(segment(TCP_SYN | TCP_ACK, NXT - 5, 10));
	only_drop("SYN and text", TCPD_DROP_SYN_IN_STATE);
	ck_assert_uint_eq(conn_readable(c), 0);
	ck_assert_uint_eq(rig_expect(FLAG_ACK).ack, NXT);
}
END_TEST

START_TEST(check_sequence_takes_a_bare_fin_without_a_window)
{
	open_conn(0);
	arrives(segment(TCP_ACK | TCP_FIN, NXT, 0));
	ck_assert_int_eq(c->state, TCPD_CLOSE_WAIT);
	ck_assert_uint_eq(rig_expect(FLAG_ACK).ack, NXT + 1);
}
END_TEST

START_TEST(check_sequence_uses_the_ack_of_a_refused_segment)
{
	struct segment s;

	open_conn(0);
	rig_fill(c, 1, 0, 100);
	conn_want_output(rig.t, c);
	rig_drain();
	c->rcv_adv = c->rcv_nxt;
	s = segment(TCP_ACK, NXT, 1); /* a probe of our closed window */
	arrives(s);
	ck_assert_uint_eq(c->snd_una, c->snd_nxt);
	ck_assert_uint_eq(conn_readable(c), 0);
	ck_assert_uint_eq(rig_expect(FLAG_ACK).ack, NXT);
}
END_TEST

/* --- PAWS, and which time stamp is kept */

static const struct ts_row {
	const char *name;
	uint8_t flags;
	int32_t seq, val; /* from RCV.NXT, from TS.Recent */
	uint32_t len;
	tcpd_time age; /* of TS.Recent */
	int drop;
	int32_t recent; /* TS.Recent then */
} ts_rows[] = {
	{"newer, in order", TCP_ACK, 0, 5, 10, 0, -1, 5},
	{"the same", TCP_ACK, 0, 0, 10, 0, -1, 0},
	{"older", TCP_ACK, 0, -1, 10, 0, TCPD_DROP_PAWS, 0},
	{"newer, but ahead of the last ACK", TCP_ACK, 100, 5, 10, 0, -1, 0},
	{"newer, and before the last ACK", TCP_ACK, -5, 5, 10, 0, -1, 5},
	{"older, of a RST", TCP_RST, 0, -100, 0, 0, -1, 0},
	{"older, after 24 days", TCP_ACK, 0, -5, 10, TCPD_SEC(25 * 86400), -1,
	 -5},
	{"older, after 23 days", TCP_ACK, 0, -5, 10, TCPD_SEC(23 * 86400),
	 TCPD_DROP_PAWS, 0},
	{"older, of a SYN", TCP_SYN, 0, -5, 0, 0, TCPD_DROP_PAWS, 0},
};

START_TEST(check_sequence_drops_old_time_stamps_first)
{
	const struct ts_row *row = &ts_rows[_i];
	struct segment s;

	open_conn(10000);
	c->ts = true;
	c->ts_recent = 0xfffffff0u; /* the comparison wraps */
	c->ts_recent_at = rig.now;
	rig.t->now += row->age + 1;
	s = segment(row->flags, NXT + (uint32_t)row->seq, row->len);
	s.h.opt.has_ts = true;
	s.h.opt.ts_val = c->ts_recent + (uint32_t)row->val;
	arrives(s);
	only_drop(row->name, row->drop);
	if (row->drop < 0 && row->val >= 0 && row->recent == row->val)
		ck_assert_uint_eq(c->ts_recent_at, rig.t->now);
	if (c->state != TCPD_CLOSED)
		ck_assert_msg(c->ts_recent ==
				      0xfffffff0u + (uint32_t)row->recent,
			      "%s", row->name);
}
END_TEST

/* --- second to fifth */

static const struct flag_row {
	const char *name;
	uint8_t flags;
	bool answered, alive;
	int32_t seq, ack; /* from RCV.NXT, from SND.NXT */
	int drop;
} flag_rows[] = {
	{"RST at RCV.NXT", TCP_RST, false, false, 0, 0, -1},
	{"RST,ACK at RCV.NXT", TCP_RST | TCP_ACK, false, false, 0, 0, -1},
	{"RST in the window", TCP_RST, true, true, 1, 0, TCPD_DROP_RST_INVALID},
	{"RST before it", TCP_RST, false, true, -1, 0, TCPD_DROP_SEQUENCE},
	{"RST behind it", TCP_RST, false, true, 10000, 0, TCPD_DROP_SEQUENCE},
	{"SYN in the window", TCP_SYN, true, true, 0, 0,
	 TCPD_DROP_SYN_IN_STATE},
	{"SYN outside of it", TCP_SYN, true, true, 20000, 0,
	 TCPD_DROP_SEQUENCE},
	{"no ACK", TCP_PSH, false, true, 0, 0, TCPD_DROP_NO_ACK_BIT},
	{"no ACK, outside of it", TCP_PSH, false, true, -1, 0,
	 TCPD_DROP_SEQUENCE},
	{"ACK of what was not sent", TCP_ACK, true, true, 0, 1,
	 TCPD_DROP_ACK_RANGE},
	{"an old ACK", TCP_ACK, false, true, 0, -65535, -1},
	{"an ACK older than any window", TCP_ACK, true, true, 0, -65536,
	 TCPD_DROP_ACK_RANGE},
	{"URG", TCP_ACK | TCP_URG, false, true, 0, 0, -1},
};

START_TEST(checks_of_rst_syn_and_ack)
{
	const struct flag_row *row = &flag_rows[_i];
	struct segment s;
	struct packet k;

	open_conn(10000);
	c->octets_acked = UINT32_MAX; /* more than any window */
	s = segment(row->flags, NXT + (uint32_t)row->seq, 0);
	s.h.ack += (uint32_t)row->ack;
	arrives(s);
	only_drop(row->name, row->drop);
	ck_assert_msg((c->state == TCPD_ESTABLISHED) == row->alive, "%s",
		      row->name);
	ck_assert_msg(rig_out(&k) == row->answered, "%s", row->name);
	if (row->answered) {
		ck_assert_uint_eq(k.flags, FLAG_ACK);
		ck_assert_uint_eq(k.seq, c->snd_nxt);
		ck_assert_uint_eq(k.ack, NXT);
	}
	if (!row->alive)
		ck_assert_int_eq(c->err, TCPD_ERR_RESET);
}
END_TEST

/* --- the window, by WL1 and WL2 */

static const struct wl_row {
	const char *name;
	int32_t seq, ack; /* from WL1, from WL2 */
	bool taken;
} wl_rows[] = {
	{"a later number", 1, 0, true},
	{"a later number, an older ACK", 1, -10, true},
	{"the same, a later ACK", 0, 10, true},
	{"the same", 0, 0, true},
	{"the same, an older ACK", 0, -1, false},
	{"an older number, the same ACK", -1, 0, false},
};

START_TEST(check_ack_takes_the_window_of_the_latest_word)
{
	const struct wl_row *row = &wl_rows[_i];
	struct segment s;

	open_conn(10000);
	c->snd_wl1 = NXT - (uint32_t)row->seq;
	c->snd_wl2 = c->snd_una - (uint32_t)row->ack;
	c->snd_wscale = 2;
	s = segment(TCP_ACK, NXT, 0);
	s.h.wnd = 300;
	arrives(s);
	ck_assert_msg(c->snd_wnd == (row->taken ? 1200u : 65535u), "%s: %u",
		      row->name, c->snd_wnd);
	ck_assert_uint_eq(c->max_snd_wnd, 65535);
}
END_TEST

/* An ACK of something new brings its window whatever its number; one inside a
 * segment that the window refuses leaves the edge where it was. */
START_TEST(check_ack_of_something_new_keeps_or_moves_the_edge)
{
	uint32_t edge;
	struct segment s;

	open_conn(_i ? 0 : 10000);
	c->snd_wl1 = NXT + 5000;
	rig_fill(c, 1, 0, 100);
	conn_want_output(rig.t, c);
	rig_drain();
	edge = c->snd_una + c->snd_wnd;
	s = segment(TCP_ACK, _i ? NXT - 1 : NXT, 1);
	s.h.wnd = 300;
	arrives(s);
	ck_assert_uint_eq(c->snd_una, c->snd_nxt);
	ck_assert_uint_eq(c->snd_una + c->snd_wnd,
			  _i ? edge : c->snd_una + 300);
}
END_TEST

/* --- fifth, seventh and eighth by state */

static const struct state_row {
	enum tcpd_state state, ack_of_fin, text, fin;
	bool takes_text;
} state_rows[] = {
	{TCPD_ESTABLISHED, TCPD_ESTABLISHED, TCPD_ESTABLISHED, TCPD_CLOSE_WAIT,
	 true},
	{TCPD_FIN_WAIT_1, TCPD_FIN_WAIT_2, TCPD_FIN_WAIT_1, TCPD_CLOSING, true},
	{TCPD_FIN_WAIT_2, TCPD_FIN_WAIT_2, TCPD_FIN_WAIT_2, TCPD_TIME_WAIT,
	 true},
	{TCPD_CLOSE_WAIT, TCPD_CLOSE_WAIT, TCPD_CLOSE_WAIT, TCPD_CLOSE_WAIT,
	 false},
	{TCPD_CLOSING, TCPD_TIME_WAIT, TCPD_CLOSING, TCPD_CLOSING, false},
	{TCPD_LAST_ACK, TCPD_CLOSED, TCPD_LAST_ACK, TCPD_LAST_ACK, false},
};

/* In the state of the row: our FIN and the peer's as they are then. */
static void enter(const struct state_row *row)
{
	enum tcpd_state st = row->state;

	open_conn(10000);
	c->state = (uint8_t)st;
	if (st == TCPD_CLOSE_WAIT || st == TCPD_CLOSING ||
	    st == TCPD_LAST_ACK) {
		c->fin_rcvd = true;
		c->rcv_nxt++;
	}
	if (st != TCPD_ESTABLISHED && st != TCPD_CLOSE_WAIT) {
		c->fin_queued = c->fin_sent = true;
		c->snd_nxt++;
		conn_flow(rig.t, c);
	}
	if (st == TCPD_FIN_WAIT_2)
		c->snd_una++;
}

static enum tcpd_state state_now(void)
{
	return rig.t->tws.count ? TCPD_TIME_WAIT : (enum tcpd_state)c->state;
}

START_TEST(check_ack_moves_what_waits_for_our_fin)
{
	const struct state_row *row = &state_rows[_i];

	enter(row);
	arrives(segment(TCP_ACK, c->rcv_nxt, 0));
	ck_assert_msg(state_now() == row->ack_of_fin, "%s: %s",
		      tcpd_state_name(row->state),
		      tcpd_state_name(state_now()));
}
END_TEST

START_TEST(check_text_takes_it_where_it_may_come)
{
	const struct state_row *row = &state_rows[_i];
	struct segment s;

	enter(row);
	s = segment(TCP_ACK, c->rcv_nxt, 10);
	s.h.ack = c->snd_una;
	arrives(s);
	ck_assert_int_eq(state_now(), row->text);
	ck_assert_uint_eq(conn_readable(c), row->takes_text ? 10 : 0);
	only_drop(tcpd_state_name(row->state),
		  row->takes_text ? -1 : TCPD_DROP_AFTER_FIN);
}
END_TEST

START_TEST(check_text_for_an_app_that_has_closed_resets)
{
	const struct state_row *row = &state_rows[_i];
	struct segment s;

	enter(row);
	if (!row->takes_text)
		return;
	c->orphan = true;
	s = segment(TCP_ACK, c->rcv_nxt, 10);
	s.h.ack = c->snd_una;
	arrives(s);
	only_drop(tcpd_state_name(row->state), TCPD_DROP_AFTER_CLOSE);
	rig_expect(FLAG_RST | FLAG_ACK);
	ck_assert_uint_eq(rig.t->stat.resets_sent[TCPD_RESET_AFTER_CLOSE], 1);
	ck_assert_uint_eq(rig_event().mask, TCPD_EV_GONE);
	rig_assert_empty();
}
END_TEST

START_TEST(check_fin_moves_each_state)
{
	const struct state_row *row = &state_rows[_i];
	struct segment s;

	enter(row);
	s = segment(TCP_ACK | TCP_FIN, c->rcv_nxt - c->fin_rcvd, 0);
	s.h.ack = c->snd_una;
	arrives(s);
	ck_assert_msg(state_now() == row->fin, "%s: %s",
		      tcpd_state_name(row->state),
		      tcpd_state_name(state_now()));
	/* acknowledged in any case */
	ck_assert_uint_eq(rig_expect(FLAG_ACK).ack, NXT + 1);
}
END_TEST

START_TEST(check_fin_that_text_is_missing_before_waits)
{
	open_conn(10000);
	arrives(segment(TCP_ACK | TCP_FIN, NXT + 10, 5));
	ck_assert_int_eq(c->state, TCPD_ESTABLISHED);
	ck_assert(c->fin_ooo && !c->fin_rcvd);
	rig_drain();
	/* nothing may follow it */
	arrives(segment(TCP_ACK, NXT + 15, 5));
	only_drop("text behind the FIN", TCPD_DROP_AFTER_FIN);
	arrives(segment(TCP_ACK, NXT, 10));
	ck_assert_int_eq(c->state, TCPD_CLOSE_WAIT);
	ck_assert_uint_eq(conn_readable(c), 15);
	ck_assert_uint_eq(c->rcv_nxt, NXT + 16);
}
END_TEST

/* ... unless it is in order: the FIN was somebody else's. */
START_TEST(check_fin_that_text_in_order_denies_is_forgotten)
{
	open_conn(10000);
	arrives(segment(TCP_ACK | TCP_FIN, NXT + 10, 0));
	arrives(segment(TCP_ACK, NXT, 11));
	ck_assert(!c->fin_ooo);
	ck_assert_int_eq(c->state, TCPD_ESTABLISHED);
	ck_assert_uint_eq(conn_readable(c), 11);
	/* text to which it would be the end already waits */
	arrives(segment(TCP_ACK, NXT + 20, 10));
	arrives(segment(TCP_ACK | TCP_FIN, NXT + 25, 0));
	arrives(segment(TCP_ACK, NXT + 11, 9));
	ck_assert(!c->fin_ooo);
	ck_assert_uint_eq(conn_readable(c), 30);
}
END_TEST

START_TEST(check_fin_alone_ahead_of_missing_text_is_answered)
{
	open_conn(10000);
	arrives(segment(TCP_ACK | TCP_FIN, NXT + 10, 0));
	ck_assert(c->fin_ooo);
	ck_assert_uint_eq(rig_expect(FLAG_ACK).ack, NXT);
	arrives(segment(TCP_ACK, NXT, 10));
	ck_assert_int_eq(c->state, TCPD_CLOSE_WAIT);
}
END_TEST

START_TEST(check_fin_of_who_has_sent_one_is_acknowledged)
{
	enter(&state_rows[3]); /* CLOSE-WAIT */
	arrives(segment(TCP_ACK | TCP_FIN, c->rcv_nxt, 0));
	ck_assert_int_eq(c->state, TCPD_CLOSE_WAIT);
	ck_assert_uint_eq(rig_expect(FLAG_ACK).ack, c->rcv_nxt);
}
END_TEST

START_TEST(check_fin_outside_the_window_is_forgotten)
{
	open_conn(10);
	arrives(segment(TCP_ACK | TCP_FIN, NXT, 11));
	ck_assert_int_eq(c->state, TCPD_ESTABLISHED);
	ck_assert(!c->fin_ooo);
	ck_assert_uint_eq(conn_readable(c), 10);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("input_other");
	TCase *tc = rig_case(s, "checks");

	tcase_add_loop_test(tc, check_sequence_takes_what_table_6_takes, 0,
			    ARRAY_SIZE(accept_rows));
	tcase_add_test(tc, check_sequence_leaves_a_syn_to_its_challenge);
	tcase_add_test(tc, check_sequence_takes_a_bare_fin_without_a_window);
	tcase_add_test(tc, check_sequence_uses_the_ack_of_a_refused_segment);
	tcase_add_loop_test(tc, check_sequence_drops_old_time_stamps_first, 0,
			    ARRAY_SIZE(ts_rows));
	tcase_add_loop_test(tc, checks_of_rst_syn_and_ack, 0,
			    ARRAY_SIZE(flag_rows));
	tcase_add_loop_test(tc, check_ack_takes_the_window_of_the_latest_word,
			    0, ARRAY_SIZE(wl_rows));
	tcase_add_loop_test(
		tc, check_ack_of_something_new_keeps_or_moves_the_edge, 0, 2);
	tcase_add_loop_test(tc, check_ack_moves_what_waits_for_our_fin, 0,
			    ARRAY_SIZE(state_rows));
	tcase_add_loop_test(tc, check_text_takes_it_where_it_may_come, 0,
			    ARRAY_SIZE(state_rows));
	tcase_add_loop_test(tc, check_text_for_an_app_that_has_closed_resets, 0,
			    ARRAY_SIZE(state_rows));
	tcase_add_loop_test(tc, check_fin_moves_each_state, 0,
			    ARRAY_SIZE(state_rows));
	tcase_add_test(tc, check_fin_that_text_is_missing_before_waits);
	tcase_add_test(tc, check_fin_that_text_in_order_denies_is_forgotten);
	tcase_add_test(tc, check_fin_alone_ahead_of_missing_text_is_answered);
	tcase_add_test(tc, check_fin_of_who_has_sent_one_is_acknowledged);
	tcase_add_test(tc, check_fin_outside_the_window_is_forgotten);
	return rig_run(s);
}
