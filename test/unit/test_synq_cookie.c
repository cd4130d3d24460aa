/* SPDX-License-Identifier: MIT */
/*
 * test_synq_cookie.c - the table of half-open entries under a flood: who gives
 * way, what is remembered without an entry, what ten million guesses open.
 * LINK: test/unit/rig.c
 */
#include <string.h>

#include "rig.h"

static struct peer client(uint32_t i)
{
	return peer_new(i % 2 ? 4 : 6, 80, (uint16_t)(10000 + i));
}

/* A stack whose table has |n| entries, and which listens. */
static tcpd_handle table_of(uint32_t n, uint8_t mode)
{
	rig_stop();
	rig.set.max_half_open = n;
	rig.set.conn.syn_cookies = mode;
	rig_start();
	return rig_listen(80);
}

static void syns(struct peer *p, uint32_t first, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		p[i] = client(first + i);
		peer_send(&p[i], FLAG_SYN, NULL, 0);
		peer_take(&p[i], FLAG_SYN | FLAG_ACK);
	}
}

START_TEST(synq_cookie_begins_at_three_quarters_of_the_table)
{
	static const uint32_t rows[][2] = {{1, 1}, {2, 2}, {3, 3},
					   {4, 3}, {5, 4}, {64, 48}};
	struct peer p[64];

	table_of(rows[_i][0], TCPD_COOKIES_AUTO);
	ck_assert(!synq_pressure(rig.t));
	syns(p, 0, rows[_i][1]);
	ck_assert(synq_pressure(rig.t));
	ck_assert_uint_eq(rig.t->stat.cookies_sent, 0);
	syns(p, rows[_i][1], 1);
	ck_assert_uint_eq(rig.t->stat.cookies_sent, 1);
}
END_TEST

START_TEST(synq_cookie_entries_give_way_the_oldest_first)
{
	tcpd_handle l = table_of(8, TCPD_COOKIES_AUTO), h;
	struct peer p[20];

	syns(p, 0, 20);
	ck_assert_uint_eq(rig.t->halves.count, 8);
	ck_assert_uint_eq(rig.t->stat.cookies_evicted, 12);
	/* the first six have plain ISNs and stay, and so do the last two */
	for (uint32_t i = 0; i < 8; i++) {
		const struct half *e = half_at(rig.t, i);
		uint32_t n = e->tu.pport - 10000u;

		ck_assert(n < 6 || n >= 18);
		ck_assert_int_eq(e->cookie, n >= 6);
	}
	/* and nobody lost anything */
	for (uint32_t i = 0; i < 20; i++) {
		peer_send(&p[i], FLAG_ACK, NULL, 0);
		ck_assert_int_eq(tcpd_accept(rig.st, l, &h, rig.now), 0);
	}
	ck_assert_uint_eq(rig.t->stat.cookies_accepted, 12);
	ck_assert_uint_eq(rig.t->halves.count, 0);
	ck_assert_uint_eq(rig.t->cookie_head | rig.t->cookie_tail, 0);
	rig_expect_nothing();
}
END_TEST

/* More SYNs in one batch than entries may have a cookie. */
START_TEST(synq_cookie_leaves_also_when_its_entry_gave_way_before)
{
	struct packet k;

	table_of(4, TCPD_COOKIES_AUTO);
	for (uint32_t i = 0; i < 20; i++) {
		struct peer p = client(i);

		peer_send(&p, FLAG_SYN, NULL, 0);
	}
	for (uint32_t i = 0; i < 20; i++) {
		k = rig_expect(FLAG_SYN | FLAG_ACK);
		ck_assert_uint_eq(k.dport, 10000 + i);
	}
	rig_expect_nothing();
}
END_TEST

START_TEST(synq_cookie_entry_in_the_middle_of_the_list_may_go)
{
	struct peer p[4];
	tcpd_handle l = table_of(16, TCPD_COOKIES_AUTO), h;
	struct peer plain[12];

	syns(plain, 100, 12);
	syns(p, 0, 4);
	for (uint32_t i = 0; i < 4; i++) { /* second, first, last, third */
		static const uint32_t order[] = {1, 0, 3, 2};

		peer_send(&p[order[i]], FLAG_ACK, NULL, 0);
		ck_assert_int_eq(tcpd_accept(rig.st, l, &h, rig.now), 0);
	}
	ck_assert_uint_eq(rig.t->cookie_head | rig.t->cookie_tail, 0);
	ck_assert_uint_eq(rig.t->stat.cookies_accepted, 0);
}
END_TEST

START_TEST(synq_cookie_keeps_no_entry_where_none_can_give_way)
{
	struct peer p[4], more[50];
	tcpd_handle l = table_of(1, TCPD_COOKIES_AUTO), h;

	syns(p, 0, 1);
	syns(more, 10, 50);
	ck_assert_uint_eq(rig.t->halves.count, 1);
	ck_assert_uint_eq(rig.t->stat.cookies_sent, 50);
	ck_assert_uint_eq(rig.t->stat.cookies_evicted, 0);
	for (uint32_t i = 0; i < 50; i++) {
		peer_send(&more[i], FLAG_ACK, NULL, 0);
		ck_assert_int_eq(tcpd_accept(rig.st, l, &h, rig.now), 0);
	}
}
END_TEST

/* --- the whole of a SYN through a cookie */

START_TEST(synq_cookie_restores_all_that_time_stamps_carry)
{
	struct half h;
	struct segment seg = {.h.flags = TCP_SYN};
	uint32_t ts;

	table_of(64, TCPD_COOKIES_ALWAYS);
	for (unsigned bits = 0; bits < 64; bits++) {
		struct cookie_opts o;

		seg.tu = rig_tuple(4, 80, 40000);
		seg.h.opt = (struct tcpopt){.has_ts = true,
					    .has_wscale = (bits & 15) < 15,
					    .wscale = bits & 15,
					    .sack_ok = (bits & 16) != 0};
		seg.h.flags = TCP_SYN | (bits & 32 ? TCP_ECE | TCP_CWR : 0);
		h = synq_half(rig.t, listener_at(rig.t, 0), &seg, true);
		o = (struct cookie_opts){.wscale = h.wscale & 15u,
					 .has_wscale = h.has_wscale,
					 .sack = h.sack,
					 .ecn = h.ecn};
		rig.t->now += TCPD_MS(7);
		ts = ts_cookie(rig.t, &seg.tu, &o);
		ck_assert_uint_le(ts_now(rig.t, &seg.tu) - ts, 63);
		o = ts_cookie_opts(rig.t, &seg.tu, ts);
		ck_assert_uint_eq((o.has_wscale ? o.wscale : 15u) |
					  (o.sack ? 16u : 0) |
					  (o.ecn ? 32u : 0),
				  bits);
	}
}
END_TEST

/* --- guesses */

START_TEST(synq_cookie_guesses_open_no_connection)
{
	const unsigned n = 10000000;
	struct rng r = {12345};
	struct peer p = client(1);
	struct segment seg = {.nwire = 1};

	table_of(64, TCPD_COOKIES_ALWAYS);
	peer_send(&p, FLAG_SYN, NULL, 0);
	peer_take(&p, FLAG_SYN | FLAG_ACK);
	for (unsigned i = 0; i < n; i++) {
		uint64_t a = rng_next(&r), b = rng_next(&r);

		seg.tu = rig_tuple(4, 80, (uint16_t)(a >> 48 | 1));
		memcpy(seg.tu.peer + 12, &b, 4);
		seg.h = (struct tcphdr){.flags = TCP_ACK,
					.wnd = 512,
					.seq = (uint32_t)a,
					.ack = (uint32_t)(b >> 32)};
		tcp_input(rig.t, &seg);
		if (rig.t->nreplies == NREPLIES)
			rig.t->nreplies = 0; /* the RSTs are not the question */
		if (i % 100000 == 0) {	     /* a tenth of a second or so */
			rig.now += TCPD_MS(100);
			rig.t->now = rig.now;
			p = client(3);
			peer_send(&p, FLAG_SYN, NULL, 0);
			rig_drain();
		}
	}
	ck_assert_uint_eq(rig.t->stat.cookies_refused +
				  rig.t->stat.drops[TCPD_DROP_COOKIE_LATER],
			  n);
	ck_assert_uint_eq(rig.t->stat.cookies_accepted, 0);
	ck_assert_uint_eq(rig.t->conns.count, 0);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("synq_cookie");
	TCase *tc = rig_case(s, "cookies");

	tcase_add_loop_test(
		tc, synq_cookie_begins_at_three_quarters_of_the_table, 0, 6);
	tcase_add_test(tc, synq_cookie_entries_give_way_the_oldest_first);
	tcase_add_test(tc,
		       synq_cookie_leaves_also_when_its_entry_gave_way_before);
	tcase_add_test(tc, synq_cookie_entry_in_the_middle_of_the_list_may_go);
	tcase_add_test(tc, synq_cookie_keeps_no_entry_where_none_can_give_way);
	tcase_add_test(tc, synq_cookie_restores_all_that_time_stamps_carry);
	tcase_add_test(tc, synq_cookie_guesses_open_no_connection);
	return rig_run(s);
}
