/* SPDX-License-Identifier: MIT */
/*
 * test_grow.c - the receive buffer follows what is read in a round trip: of the
 * shortest that was seen, not of one that the buffer itself has made longer.
 *
 * LINK: test/unit/rig.c
 */
#include "rig.h"

#define RTT TCPD_MS(10)

static struct conn *c;

#define PARTS 16u

static uint32_t edges[PARTS]; /* as announced a round trip ago, and since */

static void conn(tcpd_time rtt)
{
	c = rig_conn(1, 5000);
	c->quick = 0;
	c->ts = c->sack = c->wscale = true;
	c->rcv_wscale = 7;
	c->rcv_max = 4u << 20;
	for (unsigned i = 0; i < PARTS; i++)
		edges[i] = c->rcv_adv;
	if (rtt)
		rtt_sample(rig.t, c, rtt);
}

/* |n| octets come, |taken| are read, and an ACK leaves. */
static void text(uint32_t n, uint32_t taken)
{
	c->rcv_nxt += n;
	c->octets_received += n;
	c->rq.read += taken;
	delack_read(rig.t, c);
	delack_sent(rig.t, c, delack_window(rig.t, c));
}

/* A round trip of |n| octets, in parts, each as far as the window that the
 * sender knows of lets it.  How many came; all of them are read. */
static uint32_t round_of(uint32_t n)
{
	uint32_t sum = 0;

	for (unsigned i = 0; i < PARTS; i++) {
		uint32_t part = n / PARTS;

		rig_pass(RTT / PARTS);
		part = min_u32(part, edges[i] - c->rcv_nxt);
		text(part, part);
		edges[i] = c->rcv_adv;
		sum += part;
	}
	return sum;
}

static void rounds_of(uint32_t n, unsigned times)
{
	while (times--)
		round_of(n);
}

static uint32_t announced(void)
{
	return c->rcv_adv - c->rcv_nxt;
}

START_TEST(grow_leaves_a_sender_in_slow_start_room_to_double)
{
	uint32_t cwnd = PARTS * 900, came = cwnd;

	conn(RTT);
	while (came < 400000) {
		came = round_of(cwnd);
		ck_assert_msg(came >= cwnd - cwnd / 8, "%u of %u", came, cwnd);
		cwnd = 2 * came;
	}
}
END_TEST

START_TEST(grow_rests_near_twice_what_a_round_trip_brings)
{
	conn(RTT);
	rounds_of(160000, 100);
	ck_assert_uint_ge(c->rcv_buf, 2 * 150000);
	ck_assert_uint_le(c->rcv_buf, 3 * 150000);
}
END_TEST

/* The path gives 1600 octets each 100 us, whatever the window: what is more
 * stands in a queue. */
START_TEST(grow_does_not_feed_a_queue)
{
	conn(RTT);
	for (unsigned i = 0; i < 20000; i++) {
		rig_pass(TCPD_US(100));
		text(1600, 1600);
	}
	ck_assert_uint_le(c->rcv_buf, 2 * 200000);
}
END_TEST

START_TEST(grow_counts_what_is_read)
{
	conn(RTT);
	for (unsigned i = 0; i < 60; i++) {
		rig_pass(RTT / 16);
		text(1000, 0);
	}
	ck_assert_uint_eq(c->rcv_buf, 65536);
	/* nor what comes while an old queue is read */
	text(0, 60000);
	ck_assert_uint_eq(c->rcv_buf, 65536);
	c->rq.read = c->rcv_nxt;
}
END_TEST

/* Who hands on says what was not read behind him. */
START_TEST(grow_counts_what_is_read_behind_the_reader)
{
	uint32_t held = 0;
	unsigned asked = 0;

	conn(RTT);
	grow_held(rig.t, c, 0);
	for (unsigned i = 0; i < 160; i++) {
		rig_pass(RTT / 16);
		text(4096, 4096);
		held += 4096;
		if (grow_asks(rig.t, c)) {
			asked++;
			grow_held(rig.t, c, held);
		}
		ck_assert(!grow_asks(rig.t, c));
	}
	ck_assert_uint_eq(c->rcv_buf, 65536);
	ck_assert_uint_gt(asked, 5);
	/* it reads again: as fast as it comes */
	for (unsigned i = 0; i < 160; i++) {
		rig_pass(RTT / 16);
		text(4096, 4096);
		if (grow_asks(rig.t, c))
			grow_held(rig.t, c, held);
	}
	ck_assert_uint_ge(c->rcv_buf, 2 * 16 * 4000);
}
END_TEST

/* All that a window allowed came at one time, after a pause. */
START_TEST(grow_takes_a_burst_for_no_rate)
{
	conn(TCPD_US(100));
	for (unsigned i = 0; i < 50; i++) {
		rig_pass(TCPD_MS(5));
		text(60000, 60000);
	}
	ck_assert_uint_eq(c->rcv_buf, 65536);
}
END_TEST

/* The caller is held up for 5 ms, then drains within 200 us what came. */
START_TEST(grow_takes_a_backlog_for_no_rate)
{
	conn(TCPD_US(100));
	for (unsigned i = 0; i < 200; i++) {
		rig_pass(TCPD_MS(5));
		for (unsigned k = 0; k < 4; k++) {
			rig_pass(TCPD_US(50));
			text(60000, 60000);
		}
	}
	ck_assert_uint_eq(c->rcv_buf, 65536);
	/* a rate that lasts */
	for (unsigned i = 0; i < 2000; i++) {
		rig_pass(TCPD_US(50));
		text(60000, 60000);
	}
	ck_assert_uint_ge(c->rcv_buf, 200000);
	ck_assert_uint_le(c->rcv_buf, 360000);
}
END_TEST

START_TEST(grow_knows_no_round_trip_and_takes_that_of_a_window)
{
	conn(0);
	rounds_of(64000, 40);
	ck_assert_uint_ge(c->rcv_buf, 2 * 60000);
	ck_assert_uint_ge(inflow_of(rig.t, c)->rtt, RTT * 9 / 10);
}
END_TEST

/* A window a round trip, which has become 20 times as long. */
START_TEST(grow_learns_that_the_path_has_become_longer)
{
	conn(TCPD_MS(1));
	for (unsigned i = 0; i < 4000; i++) {
		rig_pass(TCPD_MS(20));
		text(announced(), announced());
		if (c->rcv_buf > 65536)
			break;
	}
	ck_assert_uint_gt(c->rcv_buf, 65536);
	ck_assert_uint_ge(inflow_of(rig.t, c)->rtt, TCPD_MS(10));
}
END_TEST

START_TEST(grow_stops_at_the_limit_and_at_the_share_of_memory)
{
	conn(RTT);
	c->rcv_max = 200000;
	rounds_of(160000, 20);
	ck_assert_uint_eq(c->rcv_buf, 200000);
	c->rcv_max = 1u << 30;
	c->rcv_wscale = 14;
	rounds_of(64u << 20, 20);
	ck_assert_uint_eq(c->rcv_buf, rig.set.memory / 4);
}
END_TEST

START_TEST(grow_leaves_a_buffer_that_the_app_has_set)
{
	conn(RTT);
	ck_assert_int_eq(
		tcpd_set_option(rig.st, stack_handle(rig.t, conn_ref(rig.t, c)),
				TCPD_OPT_RCVBUF, 300000, rig.now),
		0);
	ck_assert_uint_eq(c->rcv_buf, 300000);
	rounds_of(1600000, 20);
	ck_assert_uint_eq(c->rcv_buf, 300000);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("grow");
	TCase *tc = rig_case(s, "grow");

	tcase_add_test(tc, grow_leaves_a_sender_in_slow_start_room_to_double);
	tcase_add_test(tc, grow_rests_near_twice_what_a_round_trip_brings);
	tcase_add_test(tc, grow_does_not_feed_a_queue);
	tcase_add_test(tc, grow_counts_what_is_read);
	tcase_add_test(tc, grow_counts_what_is_read_behind_the_reader);
	tcase_add_test(tc, grow_takes_a_backlog_for_no_rate);
	tcase_add_test(tc, grow_takes_a_burst_for_no_rate);
	tcase_add_test(tc, grow_knows_no_round_trip_and_takes_that_of_a_window);
	tcase_add_test(tc, grow_learns_that_the_path_has_become_longer);
	tcase_add_test(tc, grow_stops_at_the_limit_and_at_the_share_of_memory);
	tcase_add_test(tc, grow_leaves_a_buffer_that_the_app_has_set);
	return rig_run(s);
}
