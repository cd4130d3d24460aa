/* SPDX-License-Identifier: MIT */
/*
 * test_delack.c - which segments are acknowledged at once, which window is
 * announced (RFC 9293, 3.8.6.2.2).
 *
 * LINK: test/unit/rig.c
 */
#include "rig.h"

static struct conn *c;

static void conn(void)
{
	c = rig_conn(1, 5000);
	c->quick = 0;
	c->rcv_mss = c->advmss;
}

/* |len| octets in order arrive, as |nwire| segments. */
static void text(uint32_t len, uint32_t nwire)
{
	struct segment s = {.tu = c->tu, .nwire = nwire, .len = len};

	s.mss = nwire > 1 ? (len + nwire - 1) / nwire : len;
	c->rcv_nxt += len;
	delack_in_order(rig.t, c, &s);
}

START_TEST(delack_acknowledges_every_second_full_segment)
{
	conn();
	for (unsigned i = 0; i < 10; i++) { /* SHLD-19 */
		text(RIG_MSS, 1);
		ck_assert_uint_eq(rig_drain(), i % 2);
	}
}
END_TEST

START_TEST(delack_holds_a_small_segment_for_the_set_time)
{
	conn();
	text(100, 1);
	ck_assert_uint_eq(rig_drain(), 0);
	rig_pass(rig.set.delack - TCPD_MS(1));
	ck_assert_uint_eq(rig_drain(), 0);
	/* more of it does not move the time */
	text(100, 1);
	rig_pass(TCPD_MS(1));
	ck_assert_uint_eq(rig_drain(), 1);
	ck_assert_uint_eq(rig.t->stat.timeouts_delack, 1);
	ck_assert_uint_eq(c->last_ack_sent, c->rcv_nxt);
	/* and that was it */
	rig_pass(TCPD_SEC(1));
	ck_assert_uint_eq(rig_drain(), 0);
}
END_TEST

START_TEST(delack_acknowledges_a_super_segment_at_once)
{
	conn();
	text(20 * 1000, 20);
	ck_assert_uint_eq(rig_drain(), 1);
	ck_assert_uint_eq(c->rcv_mss, 1000);
}
END_TEST

/* Small segments of a peer whose MSS is small are full ones. */
START_TEST(delack_learns_what_a_full_segment_is)
{
	conn();
	text(500, 1);
	ck_assert_uint_eq(rig_drain(), 0);
	text(500, 1);
	ck_assert_uint_eq(rig_drain(), 1);
}
END_TEST

START_TEST(delack_is_quick_at_the_start)
{
	conn();
	c->quick = 3;
	for (unsigned i = 0; i < 3; i++) {
		text(10, 1);
		ck_assert_uint_eq(rig_drain(), 1);
	}
	text(10, 1);
	ck_assert_uint_eq(rig_drain(), 0);
}
END_TEST

START_TEST(delack_sends_each_ack_that_must_be_seen)
{
	conn();
	for (unsigned i = 0; i < 5; i++)
		delack_now(rig.t, c);
	ck_assert_uint_eq(rig_drain(), 5);
	/* but not without end */
	for (unsigned i = 0; i < 1000; i++)
		delack_now(rig.t, c);
	ck_assert_uint_eq(rig_drain(), 64);
}
END_TEST

START_TEST(delack_rides_on_text)
{
	conn();
	text(100, 1);
	rig_fill(c, 1, 0, 10);
	conn_want_output(rig.t, c);
	ck_assert_uint_eq(rig_expect(FLAG_ACK).ack, c->rcv_nxt);
	rig_expect_nothing();
	ck_assert(!c->ack_delayed);
}
END_TEST

/* --- the window: what is free, what was announced, what may be said */

static const struct wnd {
	const char *name;
	uint32_t buf, unread, had; /* had: announced beyond RCV.NXT */
	uint8_t shift;
	uint32_t want;
} wnds[] = {
	{"all of it is free", 60000, 0, 0, 0, 60000},
	{"half of it is free", 60000, 30000, 0, 0, 30000},
	{"the edge moves by a segment", 60000, 30000, 28540, 0, 30000},
	{"by less it stays", 60000, 30000, 28541, 0, 28541},
	{"a small buffer: the edge moves by half of it", 1000, 300, 200, 0,
	 700},
	{"by less it stays", 1000, 300, 201, 0, 201},
	{"never to the left", 60000, 50000, 20000, 0, 20000},
	{"closed", 60000, 60000, 0, 0, 0},
	{"nearly closed: no silly window", 60000, 59000, 0, 0, 0},
	{"16 bits", 1u << 20, 0, 0, 0, 65535},
	{"with a shift", 1u << 20, 0, 0, 7, 1u << 20},
	{"with a shift, rounded down", 100001, 0, 0, 7, 100001 & ~127u},
	{"with a shift, what was announced rounded up", 60000, 59999, 1001, 7,
	 1024},
	{"with a shift, to its end", 1u << 30, 0, 0, 14, 65535u << 14},
};

START_TEST(delack_announces_a_window_that_is_not_silly)
{
	const struct wnd *w = &wnds[_i];

	conn();
	c->rcv_buf = w->buf;
	c->rcv_wscale = w->shift;
	c->rcv_nxt += w->unread;
	c->rcv_adv = c->rcv_nxt + w->had;
	ck_assert_msg(delack_window(rig.t, c) == w->want, "%s: %u", w->name,
		      delack_window(rig.t, c));
	c->rcv_nxt -= w->unread;
}
END_TEST

/* What is out of order has left the network: the sender need not stop for it.
 * One without SACK tells duplicate ACKs by their window. */
START_TEST(delack_window_is_wider_by_what_is_out_of_order)
{
	static const struct {
		bool sack;
		uint32_t most, want;
	} rows[] = {
		{true, 4u << 20, 60000 + 20000},
		{true, 70000, 70000},
		{true, 60000, 60000},
		{false, 4u << 20, 60000},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		conn();
		c->sack = rows[i].sack;
		c->rcv_max = rows[i].most;
		c->rcv_buf = 60000;
		c->rcv_adv = c->rcv_nxt + 60000 - 2 * RIG_MSS;
		c->rcv_wscale = 1;
		c->rq.ooo = 20000;
		ck_assert_uint_eq(delack_window(rig.t, c), rows[i].want);
		c->rq.ooo = 0;
	}
}
END_TEST

/* attacks.md: low, pressure, high. */
START_TEST(delack_asks_for_a_few_segments_when_memory_is_short)
{
	uint32_t had;

	conn();
	c->rcv_buf = 60000;
	c->rcv_adv = c->rcv_nxt + 20000;
	had = c->rcv_adv;
	rig.t->borrowed = rig.set.memory * 3 / 4;
	ck_assert_uint_eq(delack_window(rig.t, c), 60000);
	rig.t->borrowed += POOL_UNIT;
	ck_assert_uint_eq(delack_window(rig.t, c), 20000);
	c->rcv_nxt += 20000;
	c->rq.read += 20000;
	ck_assert_uint_eq(delack_window(rig.t, c), 4 * RIG_MSS);
	ck_assert(seq_ge(c->rcv_nxt + delack_window(rig.t, c), had));
	rig.t->borrowed = 0;
}
END_TEST

START_TEST(delack_edge_never_moves_left)
{
	struct rng r = {.state = (uint64_t)_i};
	uint32_t edge;

	conn();
	c->rcv_wscale = (uint8_t)(_i % 15);
	c->rcv_buf = 1u << rng_in(&r, 12, 24);
	edge = c->rcv_adv;
	for (unsigned i = 0; i < 20000; i++) {
		uint32_t left = c->rcv_adv - c->rcv_nxt;

		if (rng_below(&r, 2))
			c->rcv_nxt += rng_below(&r, left + 1);
		else
			c->rq.read += rng_below(&r, conn_readable(c) + 1);
		if (rng_below(&r, 3) == 0) {
			uint32_t wnd = delack_window(rig.t, c);

			ck_assert_uint_le(wnd >> c->rcv_wscale, UINT16_MAX);
			ck_assert_uint_eq(wnd % (1u << c->rcv_wscale), 0);
			ck_assert(seq_ge(c->rcv_nxt + wnd, edge));
			delack_sent(rig.t, c, wnd);
			edge = c->rcv_nxt + wnd;
		}
		ck_assert_uint_eq(c->rcv_adv, edge);
	}
	c->rcv_nxt = c->rq.read;
}
END_TEST

/* --- the reader */

START_TEST(delack_read_updates_a_window_that_is_half_used)
{
	conn();
	c->rcv_nxt += 40000; /* 25 k of 64 are left */
	recvq_settle(rig.t);
	c->rq.read += 1000;
	delack_read(rig.t, c);
	ck_assert_uint_eq(rig_drain(), 0); /* less than a segment more */
	c->rq.read += 2000;
	delack_read(rig.t, c);
	ck_assert_uint_eq(rig_drain(), 1);
	ck_assert_uint_eq(c->rcv_adv - c->rcv_nxt, c->rcv_buf - 37000);
}
END_TEST

START_TEST(delack_read_says_nothing_while_there_is_room)
{
	conn();
	c->rcv_nxt += 10000;
	c->rq.read += 10000;
	delack_read(rig.t, c);
	ck_assert_uint_eq(rig_drain(), 0);
	/* nor after the peer's FIN */
	c->rcv_nxt += 50000;
	c->rq.read += 49999;
	c->fin_rcvd = true;
	delack_read(rig.t, c);
	ck_assert_uint_eq(rig_drain(), 0);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("delack");
	TCase *tc = rig_case(s, "acks");

	tcase_add_test(tc, delack_acknowledges_every_second_full_segment);
	tcase_add_test(tc, delack_holds_a_small_segment_for_the_set_time);
	tcase_add_test(tc, delack_acknowledges_a_super_segment_at_once);
	tcase_add_test(tc, delack_learns_what_a_full_segment_is);
	tcase_add_test(tc, delack_is_quick_at_the_start);
	tcase_add_test(tc, delack_sends_each_ack_that_must_be_seen);
	tcase_add_test(tc, delack_rides_on_text);
	tcase_add_loop_test(tc, delack_announces_a_window_that_is_not_silly, 0,
			    ARRAY_SIZE(wnds));
	tcase_add_test(tc, delack_window_is_wider_by_what_is_out_of_order);
	tcase_add_test(tc, delack_asks_for_a_few_segments_when_memory_is_short);
	tcase_add_loop_test(tc, delack_edge_never_moves_left, 0, 15);
	tcase_add_test(tc, delack_read_updates_a_window_that_is_half_used);
	tcase_add_test(tc, delack_read_says_nothing_while_there_is_room);
	return rig_run(s);
}
