/* SPDX-License-Identifier: MIT */
/*
 * test_synq.c - half-open entries: when their SYN-ACKs go, what these say,
 * what an entry answers, and what becomes of it.
 *
 * LINK: test/unit/rig.c
 */
#include <string.h>

#include "rig.h"

START_TEST(synq_entry_has_at_most_96_octets)
{
	ck_assert_uint_le(sizeof(struct half), 96);
}
END_TEST

static struct peer client(void)
{
	return peer_new(4, 80, 40000);
}

static struct half *half(void)
{
	ck_assert_uint_eq(rig.t->halves.count, 1);
	return half_at(rig.t, 0);
}

static const struct schedule {
	const char *name;
	uint8_t n;
	uint16_t wait[8]; /* s */
	uint16_t sent[8], gone;
} schedules[] = {
	{"modern", 6, {1, 2, 4, 8, 16, 32}, {0, 1, 3, 7, 15, 31}, 63},
	{"tutorial", 5, {3, 6, 12, 24, 48}, {0, 3, 9, 21, 45}, 93},
	{"one wait", 1, {5}, {0}, 5},
	{"waits that get shorter", 3, {9, 3, 1}, {0, 9, 12}, 13},
};

/* Whoever calls late does not move what comes after. */
START_TEST(synq_sends_at_the_declared_times_without_drift)
{
	const struct schedule *s = &schedules[_i];
	struct tcpd_conn_settings cs = rig.set.conn;
	struct tcpd_addr any = {.port = 80};
	struct peer p = client();
	tcpd_handle h = 0;

	cs.nsynack_waits = s->n;
	for (unsigned i = 0; i < s->n; i++)
		cs.synack_wait[i] = TCPD_SEC(s->wait[i]);
	ck_assert_int_eq(tcpd_listen(rig.st, &h, &any, 0, &cs, rig.now), 0);
	peer_send(&p, FLAG_SYN, NULL, 0);
	for (unsigned i = 0; i < s->n; i++) {
		tcpd_time due = RIG_START + TCPD_SEC(s->sent[i]);

		if (i) {
			rig.now = due - TCPD_MS(1);
			rig_pass(0);
			rig_expect_nothing();
			rig.now = due + TCPD_MS(300 + 50 * i);
			rig_pass(0);
		}
		rig_expect(FLAG_SYN | FLAG_ACK);
		rig_expect_nothing();
		ck_assert_uint_eq(half()->nsent, i + 1);
	}
	rig.now = RIG_START + TCPD_SEC(s->gone) - TCPD_MS(1);
	rig_pass(0);
	ck_assert_uint_eq(rig.t->halves.count, 1);
	rig.now += TCPD_MS(1);
	rig_pass(0);
	ck_assert_uint_eq(rig.t->halves.count, 0);
	ck_assert_uint_eq(rig.t->stat.timeouts_half_open, 1);
	ck_assert_uint_eq(rig.t->stat.timeouts_synack, s->n - 1u);
	rig_pass(TCPD_SEC(1000));
	rig_expect_nothing();
	ck_assert_int_eq(tcpd_close(rig.st, h, rig.now), 0);
	rig_assert_empty();
}
END_TEST

/* What the client offers, and the receive buffer of the listener. */
static const struct offer {
	const char *name;
	uint8_t version;
	bool ts, wscale;
	uint16_t mss;
	uint32_t buffer;
	uint16_t our_mss, wnd;
} offers[] = {
	{"nothing", 4, false, false, 0, 4u << 20, 1460, 65535},
	{"MSS", 4, false, false, 1000, 4u << 20, 1460, 65535},
	{"time stamps", 4, true, false, 1460, 4u << 20, 1460, 65535},
	{"window scale", 4, false, true, 1460, 4u << 20, 1460, 65535},
	{"all of them, IPv6", 6, true, true, 1440, 4u << 20, 1440, 65535},
	{"a small buffer here", 4, true, true, 1460, 5000, 1460, 5000},
};

START_TEST(synq_synack_answers_what_the_syn_offered)
{
	const struct offer *o = &offers[_i];
	struct peer p = peer_new(o->version, 80, 40000);
	struct tcpd_conn_settings cs = rig.set.conn;
	struct tcpd_addr any = {.port = 80};
	tcpd_handle h = 0;
	uint32_t val, ecr;
	struct packet k;

	cs.receive_buffer = o->buffer;
	ck_assert_int_eq(tcpd_listen(rig.st, &h, &any, 0, &cs, rig.now), 0);
	p.mss = o->mss;
	p.with_ts = o->ts;
	p.ts_val = 4711;
	p.with_wscale = o->wscale;
	p.wscale = 3;
	peer_send(&p, FLAG_SYN, NULL, 0);
	k = peer_take(&p, FLAG_SYN | FLAG_ACK);
	ck_assert_uint_eq(k.ack, p.seq);
	ck_assert_uint_eq(k.wnd, o->wnd);
	ck_assert_int_eq(packet_option(&k, OPTION_MSS), o->our_mss);
	ck_assert_int_eq(packet_option(&k, OPTION_WSCALE) >= 0, o->wscale);
	ck_assert_int_eq(packet_ts(&k, &val, &ecr), o->ts);
	if (o->ts)
		ck_assert_uint_eq(ecr, 4711);
	peer_send(&p, FLAG_ACK, NULL, 0);
	ck_assert_int_eq(tcpd_accept(rig.st, h, &p.h, rig.now), 0);
	p.c = stack_conn(rig.st, p.h);
	ck_assert_uint_eq(p.c->ts, o->ts);
	ck_assert_uint_eq(p.c->wscale, o->wscale);
	ck_assert_uint_eq(p.c->snd_wscale, o->wscale ? 3 : 0);
	ck_assert_uint_eq(p.c->snd_wnd, 65535u << (o->wscale ? 3 : 0));
	ck_assert_uint_eq(p.c->mss, (o->mss ? o->mss : 536u) - 12u * o->ts);
	ck_assert_uint_eq(p.c->rcv_max, o->buffer);
	ck_assert_uint_eq(p.c->ts_recent, o->ts ? 4711 : 0);
	ck_assert_uint_eq(p.c->segs_in, 1);
	ck_assert_uint_eq(p.c->last_rcv, rig.now);
}
END_TEST

START_TEST(synq_gives_the_listeners_settings_and_the_entrys_number)
{
	struct tcpd_conn_settings cs = rig.set.conn;
	struct tcpd_addr any = {.port = 80};
	struct peer p = client();
	tcpd_handle h = 0;
	tcpd_id id;

	cs.receive_buffer = 100000;
	cs.send_buffer = 50000;
	cs.time_wait = TCPD_SEC(7);
	ck_assert_int_eq(tcpd_listen(rig.st, &h, &any, 0, &cs, rig.now), 0);
	peer_send(&p, FLAG_SYN, NULL, 0);
	id = half()->id;
	peer_take(&p, FLAG_SYN | FLAG_ACK);
	rig_pass(TCPD_MS(25));
	peer_send(&p, FLAG_ACK, NULL, 0);
	ck_assert_uint_eq(rig.t->halves.count, 0);
	ck_assert_int_eq(tcpd_accept(rig.st, h, &p.h, rig.now), 0);
	p.c = stack_conn(rig.st, p.h);
	ck_assert_uint_eq(p.c->id, id);
	ck_assert_uint_eq(p.c->rcv_max, 100000);
	ck_assert_uint_eq(p.c->snd_max, 50000);
	ck_assert_uint_eq(p.c->time_wait, TCPD_SEC(7));
	ck_assert_uint_eq(p.c->srtt, TCPD_MS(25));
	ck_assert_uint_eq(p.c->ccs.cwnd, 14600);
	ck_assert_uint_eq(p.c->rto, rig.set.rto_min);
}
END_TEST

START_TEST(synq_repeated_synack_gives_no_sample_and_a_window_of_one)
{
	tcpd_handle h = rig_listen(80);
	struct peer p = client();

	peer_send(&p, FLAG_SYN, NULL, 0);
	rig_drain();
	rig_pass(TCPD_SEC(1));
	peer_take(&p, FLAG_SYN | FLAG_ACK);
	rig_pass(TCPD_MS(25));
	peer_send(&p, FLAG_ACK, NULL, 0);
	ck_assert_int_eq(tcpd_accept(rig.st, h, &p.h, rig.now), 0);
	p.c = stack_conn(rig.st, p.h);
	ck_assert_uint_eq(p.c->srtt, 0);	  /* 6298-6 */
	ck_assert_uint_eq(p.c->ccs.cwnd, 1460);	  /* 5681-11 */
	ck_assert_uint_ge(p.c->rto, TCPD_SEC(3)); /* 6298-10 */
}
END_TEST

/* attacks.md, 1.1: a flood of one tuple is no storm of SYN-ACKs. */
START_TEST(synq_syn_again_is_answered_after_half_a_second_and_moves_no_timer)
{
	struct peer p = client();
	tcpd_time due;

	rig_listen(80);
	peer_send(&p, FLAG_SYN, NULL, 0);
	due = half()->due;
	ck_assert_uint_eq(rig_drain(), 1);
	for (unsigned ms = 100; ms < 1000; ms += 100) {
		rig_pass(TCPD_MS(100));
		p.seq--;
		peer_send(&p, FLAG_SYN, NULL, 0);
		ck_assert_uint_eq(rig_drain(), ms == 500);
	}
	ck_assert_uint_eq(rig.t->stat.drops[TCPD_DROP_SYN_REPEATED], 8);
	ck_assert_uint_eq(half()->due, due);
	ck_assert_uint_eq(half()->nsent, 1);
	ck_assert_uint_eq(rig.t->halves.count, 1);
}
END_TEST

/* What an entry (without or with time stamps) says to a segment. */
static const struct arrival {
	const char *name;
	bool ts;
	uint8_t flags;
	int32_t seq, ack; /* from IRS + 1, from ISS + 1 */
	int32_t ts_val;	  /* from TS.Recent */
	int drop;	  /* enum tcpd_drop, -1: none */
	uint8_t answer;	  /* flags, 0: none */
	bool stays;
} arrivals[] = {
	{"the right ACK", false, FLAG_ACK, 0, 0, 0, -1, 0, false},
	{"an ACK of something else", false, FLAG_ACK, 0, 5, 0,
	 TCPD_DROP_SYN_RECEIVED, FLAG_RST, true},
	{"an ACK of nothing yet", false, FLAG_ACK, 0, -1, 0,
	 TCPD_DROP_SYN_RECEIVED, FLAG_RST, true},
	{"no ACK at all", false, FLAG_PSH, 0, 0, 0, TCPD_DROP_SYN_RECEIVED, 0,
	 true},
	{"an old number", false, FLAG_ACK, -1, 0, 0, TCPD_DROP_SEQUENCE,
	 FLAG_ACK, true},
	{"the last number of the window", false, FLAG_ACK, 65534, 0, 0, -1, 0,
	 false},
	{"a number beyond the window", false, FLAG_ACK, 65535, 0, 0,
	 TCPD_DROP_SEQUENCE, FLAG_ACK, true},
	{"RST at RCV.NXT", false, FLAG_RST, 0, 0, 0, -1, 0, false},
	{"RST in the window", false, FLAG_RST, 1, 0, 0, TCPD_DROP_RST_INVALID,
	 FLAG_ACK, true},
	{"RST outside of it", false, FLAG_RST, 70000, 0, 0,
	 TCPD_DROP_RST_INVALID, 0, true},
	{"another SYN", false, FLAG_SYN, 100, 0, 0, TCPD_DROP_SYN_RECEIVED,
	 FLAG_ACK, true},
	{"a SYN,ACK", false, FLAG_SYN | FLAG_ACK, -1, 0, 0,
	 TCPD_DROP_SYN_RECEIVED, FLAG_ACK, true},
	{"an older time stamp", true, FLAG_ACK, 0, 0, -1, TCPD_DROP_PAWS,
	 FLAG_ACK, true},
	{"the same time stamp", true, FLAG_ACK, 0, 0, 0, -1, 0, false},
};

START_TEST(synq_answers_as_syn_received_does)
{
	const struct arrival *a = &arrivals[_i];
	struct peer p = client();
	struct packet k;

	rig_listen(80);
	p.with_ts = a->ts;
	p.ts_val = 100;
	peer_send(&p, FLAG_SYN, NULL, 0);
	peer_take(&p, FLAG_SYN | FLAG_ACK);
	p.seq += (uint32_t)a->seq;
	p.ack += (uint32_t)a->ack;
	p.ts_val += (uint32_t)a->ts_val;
	peer_send(&p, a->flags, NULL, 0);
	for (int d = 0; d < TCPD_NDROPS; d++)
		ck_assert_msg(rig.t->stat.drops[d] == (d == a->drop),
			      "%s: drop %s", a->name,
			      tcpd_drop_name((enum tcpd_drop)d));
	ck_assert_msg(rig.t->halves.count == a->stays, "%s", a->name);
	ck_assert_msg(rig_out(&k) == (a->answer != 0), "%s", a->name);
	if (a->answer)
		ck_assert_msg(k.flags == a->answer, "%s: flags %#x", a->name,
			      k.flags);
	if (a->answer == FLAG_ACK) {
		ck_assert_uint_eq(k.seq, half()->iss + 1);
		ck_assert_uint_eq(k.ack, half()->irs + 1);
	}
}
END_TEST

/* A challenge says the window of the SYN-ACK, scaled, never less of it. */
static const struct challenge {
	const char *name;
	uint32_t buffer;
	bool wscale;
	uint32_t least, most; /* octets */
} challenges[] = {
	{"a large buffer, scaled", 4u << 20, true, 65535, 65535 + 128},
	{"a large buffer, not scaled", 4u << 20, false, 65535, 65535},
	{"a small buffer, scaled", 4000, true, 4000, 4127},
	{"a small buffer, not scaled", 4000, false, 4000, 4000},
};

START_TEST(synq_challenge_announces_what_the_synack_did)
{
	const struct challenge *row = &challenges[_i];
	struct tcpd_conn_settings cs = rig.set.conn;
	struct tcpd_addr any = {.port = 80};
	struct peer p = client();
	tcpd_handle h = 0;
	uint32_t wnd;
	int shift;
	struct packet k;

	cs.receive_buffer = row->buffer;
	ck_assert_int_eq(tcpd_listen(rig.st, &h, &any, 0, &cs, rig.now), 0);
	p.with_wscale = row->wscale;
	p.with_ts = true;
	p.ts_val = 88;
	peer_send(&p, FLAG_SYN, NULL, 0);
	k = peer_take(&p, FLAG_SYN | FLAG_ACK);
	shift = packet_option(&k, OPTION_WSCALE);
	ck_assert_int_eq(shift >= 0, row->wscale);
	p.seq -= 10;
	peer_send(&p, FLAG_ACK, NULL, 0);
	k = rig_expect(FLAG_ACK);
	wnd = (uint32_t)k.wnd << (shift > 0 ? shift : 0);
	ck_assert_msg(wnd >= row->least && wnd <= row->most, "%s: %u",
		      row->name, wnd);
	ck_assert(packet_ts(&k, &wnd, &wnd));
	ck_assert_uint_eq(wnd, 88);
}
END_TEST

/* On port 80, or the new backlog of who does. */
static void listen_with(tcpd_handle *h, uint32_t backlog)
{
	struct tcpd_conn_settings cs = rig.set.conn;
	struct tcpd_addr any = {.port = 80};

	cs.backlog = backlog;
	ck_assert_int_eq(tcpd_listen(rig.st, h, &any, 0, &cs, rig.now), 0);
}

/* The whole handshake, as the client sees it. */
static void knock(struct peer *p)
{
	peer_send(p, FLAG_SYN, NULL, 0);
	peer_take(p, FLAG_SYN | FLAG_ACK);
	peer_send(p, FLAG_ACK, NULL, 0);
}

START_TEST(synq_last_ack_waits_for_room_in_the_accept_queue)
{
	struct peer a = client(), b = peer_new(4, 80, 40001);
	tcpd_handle h = 0;

	listen_with(&h, 0);
	knock(&a);
	knock(&b);
	ck_assert_uint_eq(rig.t->stat.drops[TCPD_DROP_ACCEPT_FULL], 1);
	ck_assert_uint_eq(rig.t->halves.count, 1);
	rig_expect_nothing(); /* above all no RST */
	rig_pass(TCPD_SEC(1));
	peer_take(&b, FLAG_SYN | FLAG_ACK);
	ck_assert_int_eq(tcpd_accept(rig.st, h, &a.h, rig.now), 0);
	ck_assert_uint_eq(rig.t->halves.count, 0);
	rig_expect_nothing();
	ck_assert_int_eq(tcpd_accept(rig.st, h, &b.h, rig.now), 0);
}
END_TEST

/* The place in line of an entry that has gone is not for the next one in its
 * slot, which has not answered yet. */
START_TEST(synq_room_is_not_for_who_has_not_answered)
{
	struct peer a = client(), b = peer_new(4, 80, 40001);
	struct peer c = peer_new(4, 80, 40002);
	tcpd_handle h = 0;

	listen_with(&h, 0);
	knock(&a);
	knock(&b);
	peer_send(&b, FLAG_RST, NULL, 0);
	peer_send(&c, FLAG_SYN, NULL, 0);
	peer_take(&c, FLAG_SYN | FLAG_ACK);
	ck_assert_int_eq(tcpd_accept(rig.st, h, &a.h, rig.now), 0);
	ck_assert_uint_eq(rig.t->halves.count, 1);
	ck_assert_int_eq(tcpd_accept(rig.st, h, &b.h, rig.now),
			 -TCPD_ERR_AGAIN);
	peer_send(&c, FLAG_ACK, NULL, 0);
	ck_assert_int_eq(tcpd_accept(rig.st, h, &c.h, rig.now), 0);
}
END_TEST

/* As many as there are places in line; the others are asked again. */
START_TEST(synq_a_larger_backlog_lets_in_who_waits)
{
	struct peer p[LISTEN_WAITING + 3];
	tcpd_handle h = 0;

	rig_stop();
	rig.set.max_half_open = rig.set.max_conns = 2 * LISTEN_WAITING;
	rig_start();
	listen_with(&h, 0);
	for (uint16_t i = 0; i < LISTEN_WAITING + 3; i++) {
		p[i] = peer_new(4, 80, (uint16_t)(40000 + i));
		knock(&p[i]);
	}
	ck_assert_uint_eq(rig.t->halves.count, LISTEN_WAITING + 2);
	listen_with(&h, 9);
	ck_assert_uint_eq(rig.t->halves.count, LISTEN_WAITING - 7);
	listen_with(&h, 2 * LISTEN_WAITING);
	ck_assert_uint_eq(rig.t->halves.count, 2);
	rig_pass(TCPD_SEC(1));
	for (uint16_t i = LISTEN_WAITING + 1; i < LISTEN_WAITING + 3; i++) {
		peer_take(&p[i], FLAG_SYN | FLAG_ACK);
		peer_send(&p[i], FLAG_ACK, NULL, 0);
	}
	ck_assert_uint_eq(rig.t->halves.count, 0);
}
END_TEST

/* Who found no place in line takes one with an ACK that comes when there is. */
START_TEST(synq_a_later_ack_takes_the_place_in_line_that_was_missing)
{
	struct peer p[LISTEN_WAITING + 3];
	tcpd_handle h = 0;

	rig_stop();
	rig.set.max_half_open = rig.set.max_conns = 2 * LISTEN_WAITING;
	rig_start();
	listen_with(&h, 0);
	for (uint16_t i = 0; i < LISTEN_WAITING + 3; i++) {
		p[i] = peer_new(4, 80, (uint16_t)(40000 + i));
		knock(&p[i]);
	}
	for (unsigned i = 0; i < 3; i++)
		ck_assert_int_eq(tcpd_accept(rig.st, h, &p[i].h, rig.now), 0);
	rig_pass(TCPD_SEC(1));
	for (uint16_t i = 4; i < LISTEN_WAITING + 3; i++) {
		peer_take(&p[i], FLAG_SYN | FLAG_ACK);
		peer_send(&p[i], FLAG_ACK, NULL, 0);
	}
	listen_with(&h, 2 * LISTEN_WAITING);
	ck_assert_uint_eq(rig.t->halves.count, 0);
}
END_TEST

START_TEST(synq_last_ack_waits_for_a_slot_among_the_connections)
{
	tcpd_handle h;
	struct peer a = client(), b = peer_new(4, 80, 40001);

	rig_stop();
	rig.set.max_conns = 1;
	rig_start();
	h = rig_listen(80);
	peer_accept(&a, h);
	peer_send(&b, FLAG_SYN, NULL, 0);
	peer_take(&b, FLAG_SYN | FLAG_ACK);
	peer_send(&b, FLAG_ACK, NULL, 0);
	ck_assert_uint_eq(rig.t->stat.drops[TCPD_DROP_CONNS_FULL], 1);
	ck_assert_uint_eq(rig.t->halves.count, 1);
	rig_expect_nothing();
	ck_assert_int_eq(tcpd_abort(rig.st, a.h, rig.now), 0);
	rig_drain();
	peer_send(&b, FLAG_ACK, NULL, 0);
	ck_assert_int_eq(tcpd_accept(rig.st, h, &b.h, rig.now), 0);
}
END_TEST

START_TEST(synq_full_table_drops_the_new_one)
{
	struct peer p;

	rig_stop();
	rig.set.max_half_open = 2;
	rig.set.conn.syn_cookies = TCPD_COOKIES_OFF;
	rig_start();
	rig_listen(80);
	for (uint16_t i = 0; i < 3; i++) {
		p = peer_new(4, 80, (uint16_t)(40000 + i));
		peer_send(&p, FLAG_SYN, NULL, 0);
	}
	ck_assert_uint_eq(rig.t->stat.drops[TCPD_DROP_HALF_OPEN_FULL], 1);
	ck_assert_uint_eq(rig.t->halves.count, 2);
	ck_assert_uint_eq(rig_drain(), 2);
}
END_TEST

START_TEST(synq_answer_that_finds_no_place_is_sent_with_the_next_wait)
{
	struct reply r = {.tu = rig_tuple(4, 9, 9)};
	struct peer p = client();

	rig_listen(80);
	r.kind = REPLY_SEGMENT;
	r.flags = TCP_RST;
	while (rig.t->nreplies < NREPLIES)
		reply_push_own(rig.t, &r);
	peer_send(&p, FLAG_SYN, NULL, 0);
	ck_assert_uint_eq(rig.t->stat.drops[TCPD_DROP_REPLY_FULL], 1);
	ck_assert(!half()->queued);
	ck_assert_uint_eq(rig_drain(), NREPLIES);
	p.seq--; /* or at once, when its SYN comes again */
	peer_send(&p, FLAG_SYN, NULL, 0);
	rig_expect(FLAG_SYN | FLAG_ACK);
	rig_pass(TCPD_SEC(1));
	rig_expect(FLAG_SYN | FLAG_ACK);
}
END_TEST

/* The entry is gone before its answer left: nothing may go for another one in
 * the same slot. */
START_TEST(synq_answer_of_an_entry_that_is_gone_is_not_sent)
{
	struct peer a = client(), b = peer_new(4, 80, 40001);
	struct packet k;

	rig_listen(80);
	peer_send(&a, FLAG_SYN, NULL, 0);
	peer_send(&a, FLAG_RST, NULL, 0);
	ck_assert_uint_eq(rig.t->halves.count, 0);
	peer_send(&b, FLAG_SYN, NULL, 0);
	k = rig_expect(FLAG_SYN | FLAG_ACK);
	ck_assert_uint_eq(k.dport, 40001);
	rig_expect_nothing();
}
END_TEST

START_TEST(synq_entries_go_with_their_listener_and_no_other)
{
	tcpd_handle a = rig_listen(80), b = rig_listen(81);
	struct peer p = client(), q = peer_new(4, 81, 40000);

	peer_send(&p, FLAG_SYN, NULL, 0);
	peer_send(&q, FLAG_SYN, NULL, 0);
	rig_drain();
	ck_assert_int_eq(tcpd_close(rig.st, a, rig.now), 0);
	ck_assert_uint_eq(rig.t->halves.count, 1);
	ck_assert_uint_eq(half_at(rig.t, 1)->tu.lport, 81);
	ck_assert_int_eq(tcpd_close(rig.st, b, rig.now), 0);
	rig_assert_empty();
}
END_TEST

START_TEST(synq_abort_by_number_puts_a_reset)
{
	struct peer p = client();
	uint32_t val, ecr;
	struct packet k;

	rig_listen(80);
	p.with_ts = true;
	p.ts_val = 77;
	peer_send(&p, FLAG_SYN, NULL, 0);
	peer_take(&p, FLAG_SYN | FLAG_ACK);
	ck_assert_int_eq(tcpd_abort_id(rig.st, half()->id, rig.now), 0);
	k = rig_expect(FLAG_RST | FLAG_ACK);
	ck_assert_uint_eq(k.seq, p.ack);
	ck_assert_uint_eq(k.ack, p.seq);
	ck_assert(packet_ts(&k, &val, &ecr));
	ck_assert_uint_eq(val, p.ts_ecr);
	ck_assert_uint_eq(ecr, 77);
	ck_assert_uint_eq(rig.t->halves.count, 0);
	ck_assert_uint_eq(rig.t->stat.opens_failed, 1);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("synq");
	TCase *tc = rig_case(s, "entries");

	tcase_add_test(tc, synq_entry_has_at_most_96_octets);
	tcase_add_loop_test(tc, synq_sends_at_the_declared_times_without_drift,
			    0, ARRAY_SIZE(schedules));
	tcase_add_loop_test(tc, synq_synack_answers_what_the_syn_offered, 0,
			    ARRAY_SIZE(offers));
	tcase_add_test(tc,
		       synq_gives_the_listeners_settings_and_the_entrys_number);
	tcase_add_test(
		tc, synq_repeated_synack_gives_no_sample_and_a_window_of_one);
	tcase_add_test(
		tc,
		synq_syn_again_is_answered_after_half_a_second_and_moves_no_timer);
	tcase_add_loop_test(tc, synq_answers_as_syn_received_does, 0,
			    ARRAY_SIZE(arrivals));
	tcase_add_loop_test(tc, synq_challenge_announces_what_the_synack_did, 0,
			    ARRAY_SIZE(challenges));
	tcase_add_test(tc, synq_last_ack_waits_for_room_in_the_accept_queue);
	tcase_add_test(tc, synq_room_is_not_for_who_has_not_answered);
	tcase_add_test(tc, synq_a_larger_backlog_lets_in_who_waits);
	tcase_add_test(
		tc, synq_a_later_ack_takes_the_place_in_line_that_was_missing);
	tcase_add_test(tc,
		       synq_last_ack_waits_for_a_slot_among_the_connections);
	tcase_add_test(tc, synq_full_table_drops_the_new_one);
	tcase_add_test(
		tc, synq_answer_that_finds_no_place_is_sent_with_the_next_wait);
	tcase_add_test(tc, synq_answer_of_an_entry_that_is_gone_is_not_sent);
	tcase_add_test(tc, synq_entries_go_with_their_listener_and_no_other);
	tcase_add_test(tc, synq_abort_by_number_puts_a_reset);
	return rig_run(s);
}
