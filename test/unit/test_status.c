/* SPDX-License-Identifier: MIT */
/*
 * test_status.c - what there is, one row each and each once; options and
 * their ranges; ending something by its number.
 *
 * LINK: test/unit/rig.c
 */
#include <stdlib.h>
#include <string.h>

#include "rig.h"

static struct tcpd_status get(tcpd_handle h)
{
	struct tcpd_status s;

	memset(&s, 0xa5, sizeof(s));
	ck_assert_int_eq(tcpd_status(rig.st, h, &s, rig.now), 0);
	return s;
}

/* --- each kind */

START_TEST(status_of_a_connection_tells_its_numbers)
{
	struct peer p = peer_new(4, 0, 80);
	struct tcpd_status s;

	p.with_ts = p.with_wscale = true;
	p.wscale = 4;
	peer_connect(&p);
	tcpd_set_user(rig.st, p.h, &p);
	ck_assert_int_eq(tcpd_send(rig.st, p.h, "hello, world", 12, rig.now),
			 12);
	rig_drain();
	ck_assert_int_eq(tcpd_send(rig.st, p.h, "tail", 4, rig.now), 4);
	peer_send(&p, FLAG_ACK, "abc", 3);
	rtt_sample(rig.t, p.c, TCPD_MS(20));
	rtt_sample(rig.t, p.c, TCPD_MS(30));
	s = get(p.h);
	ck_assert_uint_eq(s.srtt, p.c->srtt);
	ck_assert_uint_eq(s.rttvar, p.c->rttvar);
	ck_assert_uint_eq(s.min_rtt, p.c->min_rtt);
	ck_assert_uint_eq(s.snd_una, p.c->snd_una);
	ck_assert_uint_eq(s.cwnd, p.c->ccs.cwnd);
	ck_assert_uint_eq(s.ssthresh, p.c->ccs.ssthresh);
	ck_assert_uint_eq(s.snd_wnd, p.c->snd_wnd);
	ck_assert_uint_eq(s.max_snd_wnd, p.c->max_snd_wnd);
	ck_assert_uint_eq(s.rcv_wnd, p.c->rcv_adv - p.c->rcv_nxt);
	ck_assert_uint_eq(s.rcv_buffer, p.c->rcv_buf);
	ck_assert_uint_eq(s.segs_in, p.c->segs_in);
	ck_assert_uint_eq(s.data_segs_in, 1);
	ck_assert_uint_eq(s.segs_out, p.c->segs_out);
	ck_assert_uint_eq(s.data_segs_out, 1);
	ck_assert_uint_eq(s.last_rcv, rig.now);
	ck_assert_uint_eq(s.id, p.c->id);
	ck_assert_uint_eq(s.h, p.h);
	ck_assert_ptr_eq(s.user, &p);
	ck_assert_int_eq(s.kind, TCPD_KIND_CONN);
	ck_assert_int_eq(s.state, TCPD_ESTABLISHED);
	ck_assert_uint_eq(s.local.port, p.us.port);
	ck_assert_uint_eq(s.peer.port, 80);
	ck_assert_uint_eq(s.local.family, 4);
	ck_assert_mem_eq(s.peer.ip, rig_peer4, 16);
	ck_assert_uint_eq(s.recv_q, 3);
	ck_assert_uint_eq(s.send_q, 16);
	ck_assert_uint_eq(s.unsent, 4);
	ck_assert_uint_eq(s.in_flight, 12);
	ck_assert_int_eq(s.timer, TCPD_TIMER_REXMT);
	ck_assert_uint_gt(s.timer_left, 0);
	ck_assert(s.ts && s.wscale && !s.sack);
	ck_assert_uint_eq(s.snd_wscale, 4);
	ck_assert_uint_eq(s.mss, 1448);
	ck_assert_uint_eq(s.pmtu, 1500);
	ck_assert_uint_eq(s.iss + 13, s.snd_nxt);
	ck_assert_uint_eq(s.irs + 4, s.rcv_nxt);
	ck_assert_uint_eq(s.octets_sent, 12);
	ck_assert_uint_eq(s.octets_received, 3);
	ck_assert_uint_eq(s.rto, p.c->rto);
	ck_assert_str_eq(s.congestion, "newreno");
	ck_assert(!s.closed && !s.err && !s.in_recovery && !s.after_rto);
	ck_assert_uint_eq(s.born, RIG_START);
}
END_TEST

START_TEST(status_of_a_bound_socket_is_closed)
{
	struct tcpd_addr a = {.port = 80, .family = 4};
	struct tcpd_status s;
	tcpd_handle h;

	ck_assert_int_eq(tcpd_bind(rig.st, &h, &a, 0, rig.now), 0);
	s = get(h);
	ck_assert_int_eq(s.state, TCPD_CLOSED);
	ck_assert_uint_eq(s.local.port, 80);
	ck_assert_uint_eq(s.local.family, 4);
	ck_assert_uint_eq(s.peer.family, 0);
	ck_assert_int_eq(s.timer, TCPD_TIMER_NONE);
	ck_assert_uint_eq(s.recv_q | s.send_q, 0);
}
END_TEST

START_TEST(status_of_a_listener_has_its_queue_and_backlog)
{
	tcpd_handle h = rig_listen(80);
	struct peer p = peer_new(4, 80, 4000);
	struct tcpd_status s;

	peer_send(&p, FLAG_SYN, NULL, 0);
	peer_take(&p, FLAG_SYN | FLAG_ACK);
	peer_send(&p, FLAG_ACK, NULL, 0);
	s = get(h);
	ck_assert_int_eq(s.kind, TCPD_KIND_LISTENER);
	ck_assert_int_eq(s.state, TCPD_LISTEN);
	ck_assert_uint_eq(s.recv_q, 1);
	ck_assert_uint_eq(s.send_q, 4096);
	ck_assert_uint_eq(s.local.family, 0);
	ck_assert_uint_eq(s.peer.port, 0);
}
END_TEST

static struct tcpd_status *last; /* one seen of each kind */

/* All that there is, counted by kind. */
static void each(unsigned n[4])
{
	struct tcpd_cursor cur = {0};
	struct tcpd_status s;
	tcpd_id seen[256];
	unsigned k = 0;

	if (!last)
		last = calloc(4, sizeof(*last));
	ck_assert_ptr_nonnull(last);
	memset(n, 0, 4 * sizeof(n[0]));
	while (tcpd_each(rig.st, &cur, &s, rig.now)) {
		for (unsigned i = 0; i < k; i++)
			ck_assert_uint_ne(seen[i], s.id);
		seen[k++] = s.id;
		n[s.kind]++;
		last[s.kind] = s;
	}
	ck_assert(!tcpd_each(rig.st, &cur, &s, rig.now));
}

START_TEST(each_shows_every_kind_once)
{
	tcpd_handle l = rig_listen(80);
	struct peer p = peer_new(4, 80, 4000), q = peer_new(6, 80, 4001);
	struct conn *w = rig_conn(1, 1);
	unsigned n[4];

	tcpd_set_user(rig.st, l, &l);
	peer_accept(&p, l);
	peer_send(&q, FLAG_SYN, NULL, 0);
	rig_drain();
	w->held = false;
	timewait_enter(rig.t, w);
	rig_pass(TCPD_MS(300));
	each(n);
	for (unsigned i = 0; i < 4; i++)
		ck_assert_uint_eq(n[i], 1);
	ck_assert_int_eq(last[TCPD_KIND_HALF_OPEN].state, TCPD_SYN_RECEIVED);
	ck_assert_ptr_eq(last[TCPD_KIND_HALF_OPEN].user, &l);
	ck_assert_uint_eq(last[TCPD_KIND_HALF_OPEN].h, 0);
	ck_assert_int_eq(last[TCPD_KIND_HALF_OPEN].timer, TCPD_TIMER_SYNACK);
	ck_assert_uint_eq(last[TCPD_KIND_HALF_OPEN].timer_left, TCPD_MS(700));
	ck_assert_uint_eq(last[TCPD_KIND_HALF_OPEN].retries, 0);
	ck_assert_uint_eq(last[TCPD_KIND_HALF_OPEN].peer.family, 6);
	ck_assert_int_eq(last[TCPD_KIND_TIME_WAIT].state, TCPD_TIME_WAIT);
	ck_assert_int_eq(last[TCPD_KIND_TIME_WAIT].timer, TCPD_TIMER_TIMEWAIT);
	ck_assert_uint_eq(last[TCPD_KIND_TIME_WAIT].timer_left,
			  TCPD_SEC(60) - TCPD_MS(300));
}
END_TEST

START_TEST(each_shows_a_held_tcb_and_its_time_wait_entry_as_one)
{
	struct peer p = peer_new(4, 0, 80);
	unsigned n[4];

	peer_connect(&p);
	ck_assert_int_eq(tcpd_shutdown(rig.st, p.h, rig.now), 0);
	peer_take(&p, FLAG_FIN | FLAG_ACK);
	peer_send(&p, FLAG_FIN | FLAG_ACK, NULL, 0);
	rig_drain();
	ck_assert_uint_eq(rig.t->tws.count, 1);
	each(n);
	ck_assert_uint_eq(n[TCPD_KIND_CONN], 1);
	ck_assert_uint_eq(n[TCPD_KIND_TIME_WAIT], 0);
	ck_assert_int_eq(last[0].state, TCPD_TIME_WAIT);
	ck_assert_int_eq(last[0].timer, TCPD_TIMER_TIMEWAIT);
	ck_assert_uint_eq(last[0].timer_left, TCPD_SEC(60));
	/* the holder goes, the entry shows itself */
	ck_assert_int_eq(tcpd_close(rig.st, p.h, rig.now), 0);
	each(n);
	ck_assert_uint_eq(n[TCPD_KIND_CONN], 0);
	ck_assert_uint_eq(n[TCPD_KIND_TIME_WAIT], 1);
}
END_TEST

START_TEST(each_shows_nothing_twice_while_things_come_and_go)
{
	struct rng r = {.state = (uint64_t)_i};
	struct tcpd_cursor cur = {0};
	struct tcpd_status s;
	bool seen[4096] = {false};
	tcpd_handle h[40];
	unsigned n = 0;

	for (unsigned i = 0; i < 2000; i++) {
		struct tcpd_addr a = {.port = (uint16_t)(1000 + i)};

		if (n < 40 && rng_below(&r, 2)) {
			ck_assert_int_eq(
				tcpd_bind(rig.st, &h[n], &a, 0, rig.now), 0);
			n++;
		} else if (n) {
			unsigned k = rng_below(&r, n);

			ck_assert_int_eq(tcpd_close(rig.st, h[k], rig.now), 0);
			h[k] = h[--n];
		}
		if (i % 7)
			continue;
		if (!tcpd_each(rig.st, &cur, &s, rig.now)) {
			memset(seen, 0, sizeof(seen));
			memset(&cur, 0, sizeof(cur));
			continue;
		}
		ck_assert(!seen[s.id]);
		seen[s.id] = true;
	}
}
END_TEST

/* --- which timer is shown */

static const struct timer_row {
	const char *name;
	enum conn_timer ct[2];
	unsigned at[2]; /* s, 0: off */
	enum tcpd_timer shown;
	unsigned left;
} timer_rows[] = {
	{"none", {CT_REXMT, CT_REXMT}, {0, 0}, TCPD_TIMER_NONE, 0},
	{"retransmission",
	 {CT_REXMT, CT_KEEPALIVE},
	 {3, 9},
	 TCPD_TIMER_REXMT,
	 3},
	{"persist", {CT_PERSIST, CT_KEEPALIVE}, {5, 9}, TCPD_TIMER_PERSIST, 5},
	{"keep-alive",
	 {CT_KEEPALIVE, CT_ORPHAN},
	 {2, 9},
	 TCPD_TIMER_KEEPALIVE,
	 2},
	{"FIN-WAIT-2",
	 {CT_ORPHAN, CT_KEEPALIVE},
	 {2, 9},
	 TCPD_TIMER_FINWAIT2,
	 2},
	{"a window that stays closed, and an orphan",
	 {CT_ORPHAN, CT_KEEPALIVE},
	 {2, 9},
	 TCPD_TIMER_PERSIST,
	 2},
	{"a delayed ACK alone",
	 {CT_DELACK, CT_DELACK},
	 {1, 1},
	 TCPD_TIMER_DELACK,
	 1},
	{"a delayed ACK and another",
	 {CT_DELACK, CT_KEEPALIVE},
	 {1, 9},
	 TCPD_TIMER_KEEPALIVE,
	 9},
};

START_TEST(status_shows_the_timer_that_matters)
{
	const struct timer_row *row = &timer_rows[_i];
	struct conn *c = rig_conn(1, 1);
	struct tcpd_status s;

	if (row->shown == TCPD_TIMER_FINWAIT2)
		c->state = TCPD_FIN_WAIT_2;
	for (unsigned i = 0; i < 2; i++)
		if (row->at[i])
			c->timer[row->ct[i]] = rig.now + TCPD_SEC(row->at[i]);
	s = get(stack_handle(rig.t, conn_ref(rig.t, c)));
	ck_assert_msg(s.timer == row->shown, "%s: %s", row->name,
		      tcpd_timer_name(s.timer));
	ck_assert_uint_eq(s.timer_left, TCPD_SEC(row->left));
	memset(c->timer, 0, sizeof(c->timer));
}
END_TEST

START_TEST(timers_have_names)
{
	for (int i = 0; i < TCPD_NTIMERS; i++) {
		ck_assert_str_ne(tcpd_timer_name((enum tcpd_timer)i), "?");
		for (int k = 0; k < i; k++)
			ck_assert_str_ne(tcpd_timer_name((enum tcpd_timer)i),
					 tcpd_timer_name((enum tcpd_timer)k));
	}
	ck_assert_str_eq(tcpd_timer_name((enum tcpd_timer)TCPD_NTIMERS), "?");
}
END_TEST

/* --- options: the least, the largest, and what is beyond each */

#define NONE UINT64_MAX

static const struct option {
	const char *name;
	enum tcpd_option o;
	uint64_t least, most, below, above;
} options[] = {
	{"NODELAY", TCPD_OPT_NODELAY, 0, 1, NONE, 2},
	{"CORK", TCPD_OPT_CORK, 0, 1, NONE, 2},
	{"KEEPALIVE", TCPD_OPT_KEEPALIVE, 0, 1, NONE, 2},
	{"KEEPIDLE", TCPD_OPT_KEEPIDLE, TCPD_SEC(1), TCPD_SEC(32767),
	 TCPD_SEC(1) - 1, TCPD_SEC(32767) + 1},
	{"KEEPINTVL", TCPD_OPT_KEEPINTVL, TCPD_SEC(1), TCPD_SEC(32767),
	 TCPD_SEC(1) - 1, TCPD_SEC(32767) + 1},
	{"KEEPCNT", TCPD_OPT_KEEPCNT, 1, 127, 0, 128},
	{"USER_TIMEOUT", TCPD_OPT_USER_TIMEOUT, 0,
	 TCPD_SEC(UINT64_C(86400) * 25), NONE,
	 TCPD_SEC(UINT64_C(86400) * 25) + 1},
	{"RCVBUF", TCPD_OPT_RCVBUF, POOL_UNIT, 1u << 30, POOL_UNIT - 1,
	 (1u << 30) + 1},
	{"SNDBUF", TCPD_OPT_SNDBUF, POOL_UNIT, 1u << 30, POOL_UNIT - 1,
	 (1u << 30) + 1},
	{"MAXSEG", TCPD_OPT_MAXSEG, 88, 32767, 87, 32768},
	{"CONGESTION", TCPD_OPT_CONGESTION, 0, TCPD_NCCS - 1, NONE, TCPD_NCCS},
	{"UNREAD", TCPD_OPT_UNREAD, 0, 1, NONE, 2},
	{"TOS", TCPD_OPT_TOS, 0, 252, NONE, 256},
	{"TTL", TCPD_OPT_TTL, 0, 255, NONE, 256},
	{"LINGER", TCPD_OPT_LINGER, 0, TCPD_SEC(UINT64_C(86400) * 25), NONE,
	 TCPD_SEC(UINT64_C(86400) * 25) + 1},
	{"LINGERING", TCPD_OPT_LINGERING, 0, 1, NONE, 2},
	{"DEFER_ACCEPT", TCPD_OPT_DEFER_ACCEPT, 0, TCPD_SEC(86400), NONE,
	 TCPD_SEC(86400) + 1},
	{"NOTSENT_LOWAT", TCPD_OPT_NOTSENT_LOWAT, 0, UINT32_MAX, NONE,
	 UINT64_C(1) << 32},
	{"SYNCNT", TCPD_OPT_SYNCNT, 0, 127, NONE, 128},
	{"LINGER2", TCPD_OPT_LINGER2, 0, TCPD_SEC(120), NONE,
	 TCPD_SEC(120) + 1},
	{"WINDOW_CLAMP", TCPD_OPT_WINDOW_CLAMP, 0, 1u << 30, NONE,
	 (1u << 30) + 1},
	{"QUICKACK", TCPD_OPT_QUICKACK, 0, 1, NONE, 2},
	{"SOFT_ERRORS", TCPD_OPT_SOFT_ERRORS, 0, 1, NONE, 2},
	{"ADV_UTO", TCPD_OPT_ADV_UTO, 0, TCPD_SEC(86400), NONE,
	 TCPD_SEC(86401)},
	{"MAX_PACING_RATE", TCPD_OPT_MAX_PACING_RATE, 0,
	 UINT64_C(1000000000000), NONE, UINT64_C(1000000000001)},
	{"FASTOPEN", TCPD_OPT_FASTOPEN, 0, 65535, NONE, 65536},
	{"FASTOPEN_CONNECT", TCPD_OPT_FASTOPEN_CONNECT, 0, 1, NONE, 2},
	{"FASTOPEN_NO_COOKIE", TCPD_OPT_FASTOPEN_NO_COOKIE, 0, 1, NONE, 2},
};

static void refused(const struct option *o, tcpd_handle h, uint64_t v)
{
	struct conn *c = stack_conn(rig.st, h);
	struct conn had = *c;

	ck_assert_msg(tcpd_set_option(rig.st, h, o->o, v, rig.now) ==
			      -TCPD_ERR_INVALID,
		      "%s = %llu", o->name, (unsigned long long)v);
	ck_assert_mem_eq(c, &had, sizeof(had));
}

START_TEST(option_takes_its_range_and_no_more)
{
	const struct option *o = &options[_i];
	struct tcpd_addr a = {.port = 80};
	uint64_t v;
	tcpd_handle h;

	ck_assert_uint_eq(ARRAY_SIZE(options), TCPD_NOPTIONS);
	ck_assert_int_eq(tcpd_bind(rig.st, &h, &a, 0, rig.now), 0);
	for (int i = 0; i < 2; i++) {
		uint64_t end = i ? o->most : o->least;

		ck_assert_int_eq(tcpd_set_option(rig.st, h, o->o, end, rig.now),
				 0);
		ck_assert_int_eq(tcpd_get_option(rig.st, h, o->o, &v), 0);
		ck_assert_msg(v == end, "%s", o->name);
	}
	if (o->below != NONE)
		refused(o, h, o->below);
	refused(o, h, o->above);
	refused(o, h, UINT64_MAX);
	if (o->above >> 32 == 0) /* nor are high bits lost on the way */
		refused(o, h, UINT64_C(1) << 32 | o->least);
}
END_TEST

START_TEST(option_that_does_not_exist_is_refused)
{
	struct tcpd_addr a = {.port = 80};
	uint64_t v;
	tcpd_handle h;

	ck_assert_int_eq(tcpd_bind(rig.st, &h, &a, 0, rig.now), 0);
	ck_assert_int_eq(tcpd_set_option(rig.st, h,
					 (enum tcpd_option)TCPD_NOPTIONS, 0,
					 rig.now),
			 -TCPD_ERR_OPTION);
	ck_assert_int_eq(
		tcpd_get_option(rig.st, h, (enum tcpd_option)TCPD_NOPTIONS, &v),
		-TCPD_ERR_OPTION);
}
END_TEST

START_TEST(option_takes_effect_at_once)
{
	struct peer p = peer_new(4, 0, 80);
	uint64_t v;

	peer_connect(&p);
	/* MAXSEG: set before the open only; read: what goes into a segment */
	ck_assert_int_eq(
		tcpd_set_option(rig.st, p.h, TCPD_OPT_MAXSEG, 500, rig.now),
		-TCPD_ERR_INVALID);
	ck_assert_int_eq(tcpd_get_option(rig.st, p.h, TCPD_OPT_MAXSEG, &v), 0);
	ck_assert_uint_eq(v, 1460);
	tcpd_set_option(rig.st, p.h, TCPD_OPT_CORK, 1, rig.now);
	tcpd_send(rig.st, p.h, "x", 1, rig.now);
	rig_expect_nothing();
	tcpd_set_option(rig.st, p.h, TCPD_OPT_CORK, 0, rig.now);
	rig_expect(FLAG_ACK);
	tcpd_send(rig.st, p.h, "x", 1, rig.now);
	rig_expect_nothing(); /* Nagle */
	tcpd_set_option(rig.st, p.h, TCPD_OPT_NODELAY, 1, rig.now);
	rig_expect(FLAG_ACK);
	tcpd_set_option(rig.st, p.h, TCPD_OPT_KEEPALIVE, 1, rig.now);
	ck_assert_uint_eq(p.c->timer[CT_KEEPALIVE], rig.now + TCPD_SEC(7200));
	tcpd_set_option(rig.st, p.h, TCPD_OPT_KEEPIDLE, TCPD_SEC(5), rig.now);
	ck_assert_uint_eq(p.c->timer[CT_KEEPALIVE], rig.now + TCPD_SEC(5));
	tcpd_set_option(rig.st, p.h, TCPD_OPT_KEEPALIVE, 0, rig.now);
	ck_assert_uint_eq(p.c->timer[CT_KEEPALIVE], 0);
}
END_TEST

/* --- by number */

START_TEST(abort_by_number_is_an_event_for_who_holds_it)
{
	struct peer p = peer_new(4, 0, 80);
	struct tcpd_event ev;

	peer_connect(&p);
	rig_event();
	ck_assert_int_eq(tcpd_abort_id(rig.st, p.c->id, rig.now), 0);
	rig_expect(FLAG_RST | FLAG_ACK);
	ev = rig_event();
	ck_assert_uint_eq(ev.h, p.h);
	ck_assert_uint_eq(ev.mask, TCPD_EV_RESET);
	ck_assert_int_eq(ev.err, TCPD_ERR_RESET);
	/* it is over: again is nothing */
	ck_assert_int_eq(tcpd_abort_id(rig.st, p.c->id, rig.now), 0);
	rig_expect_nothing();
	ck_assert_int_eq(tcpd_close(rig.st, p.h, rig.now), 0);
	rig_assert_empty();
}
END_TEST

START_TEST(close_by_number_sends_fin_and_lets_the_holder_read_on)
{
	struct peer p = peer_new(4, 0, 80);
	char buf[4];

	peer_connect(&p);
	ck_assert_int_eq(tcpd_close_id(rig.st, p.c->id, rig.now), 0);
	peer_take(&p, FLAG_FIN | FLAG_ACK);
	peer_send(&p, FLAG_ACK, "abc", 3);
	ck_assert_int_eq(tcpd_recv(rig.st, p.h, buf, 4, rig.now), 3);
	ck_assert_int_eq(tcpd_close_id(rig.st, p.c->id, rig.now),
			 -TCPD_ERR_CLOSING);
}
END_TEST

START_TEST(number_of_each_kind_is_found_and_no_other)
{
	tcpd_handle l = rig_listen(80);
	struct peer q = peer_new(4, 80, 4001);
	struct conn *w = rig_conn(1, 1), *o = rig_conn(1, 1);
	unsigned n[4];

	peer_send(&q, FLAG_SYN, NULL, 0);
	rig_drain();
	w->held = false;
	timewait_enter(rig.t, w);
	user_close(rig.t, o);
	rig_drain();
	each(n);
	ck_assert_int_eq(tcpd_abort_id(rig.st, 999999, rig.now),
			 -TCPD_ERR_HANDLE);
	ck_assert_int_eq(tcpd_close_id(rig.st, 0, rig.now), -TCPD_ERR_HANDLE);
	/* closing what is no open connection ends it; half-open entries go
	 * with their listener, so they come before it */
	for (unsigned i = 0; i < 4; i++) {
		static const enum tcpd_kind order[] = {
			TCPD_KIND_CONN, TCPD_KIND_HALF_OPEN, TCPD_KIND_LISTENER,
			TCPD_KIND_TIME_WAIT};
		tcpd_id id = last[order[i]].id;

		ck_assert_int_eq(_i ? tcpd_close_id(rig.st, id, rig.now)
				    : tcpd_abort_id(rig.st, id, rig.now),
				 0);
	}
	ck_assert_ptr_null(stack_listener(rig.st, l));
	rig_drain();
	rig_assert_empty();
}
END_TEST

int main(void)
{
	Suite *s = suite_create("status");
	TCase *tc = rig_case(s, "status");

	tcase_add_test(tc, status_of_a_connection_tells_its_numbers);
	tcase_add_test(tc, status_of_a_bound_socket_is_closed);
	tcase_add_test(tc, status_of_a_listener_has_its_queue_and_backlog);
	tcase_add_test(tc, each_shows_every_kind_once);
	tcase_add_test(tc,
		       each_shows_a_held_tcb_and_its_time_wait_entry_as_one);
	tcase_add_loop_test(
		tc, each_shows_nothing_twice_while_things_come_and_go, 0, 4);
	tcase_add_loop_test(tc, status_shows_the_timer_that_matters, 0,
			    ARRAY_SIZE(timer_rows));
	tcase_add_test(tc, timers_have_names);
	tcase_add_loop_test(tc, option_takes_its_range_and_no_more, 0,
			    ARRAY_SIZE(options));
	tcase_add_test(tc, option_that_does_not_exist_is_refused);
	tcase_add_test(tc, option_takes_effect_at_once);
	tcase_add_test(tc, abort_by_number_is_an_event_for_who_holds_it);
	tcase_add_test(tc,
		       close_by_number_sends_fin_and_lets_the_holder_read_on);
	tcase_add_loop_test(tc, number_of_each_kind_is_found_and_no_other, 0,
			    2);
	return rig_run(s);
}
