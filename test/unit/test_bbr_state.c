/* SPDX-License-Identifier: MIT */
/*
 * test_bbr_state.c - from state to state: each condition of
 * draft-ietf-ccwg-bbr, 5.3, on ACKs and losses that are made by hand; what a
 * loss changes and its undoing; and what becomes of nonsense.
 *
 * LINK: test/unit/rig.c
 */
#include <string.h>

#include "rig.h"
#include "tcp/bbr.h"

#define MSS  1000u
#define RATE 10000000u /* octets a second */
#define RTT  TCPD_MS(20)
#define BDP  200000u
#define IW   (10 * MSS)

static uint64_t priv[CC_NPRIV];
static struct bbr *const b = (struct bbr *)priv;
static struct cc_state s;
static struct cc_sample rs;
static uint32_t tx; /* rs.tx_in_flight; 0: as now */

static void begin(bool sack)
{
	struct cc_begin n = {.now = TCPD_SEC(1000),
			     .srtt = RTT,
			     .total_delivered = 5000,
			     .seed = 1,
			     .sack = sack};

	memset(priv, 0, sizeof(priv));
	tx = 0;
	s = (struct cc_state){.cwnd = IW, .ssthresh = UINT32_MAX, .mss = MSS};
	rs = (struct cc_sample){.now = n.now, .total_delivered = 5000};
	cc_bbr.init(&s, priv, &n);
}

/* An ACK of 10 segments after |pass| that says |rate| and leaves |in_flight|;
 * its record was sent since the round began: the round ends. */
static void ack(tcpd_time pass, uint64_t rate, uint32_t in_flight)
{
	rs.now += pass;
	rs.prior_delivered = rs.total_delivered;
	rs.delivered = rs.acked = 10 * MSS;
	rs.total_delivered += rs.delivered;
	rs.in_flight = in_flight;
	rs.prior_in_flight = in_flight + rs.delivered;
	rs.tx_in_flight = tx ? tx : rs.prior_in_flight;
	rs.rtt = RTT;
	rs.interval = RTT;
	rs.sample_delivered = (uint32_t)(rate * RTT / TCPD_SEC(1));
	cc_bbr.acked(&s, priv, &rs);
}

/* |n| segments from |seq| on, of |tx_in_flight|, are lost. */
static void lose(uint32_t seq, uint32_t n, uint32_t tx_in_flight,
		 uint32_t lost_since)
{
	struct cc_loss l = {.now = rs.now,
			    .seq = seq,
			    .end = seq + n * MSS,
			    .tx_in_flight = tx_in_flight,
			    .lost_since = lost_since,
			    .total_delivered = rs.total_delivered,
			    .app_limited = rs.app_limited};

	cc_bbr.lost(&s, priv, &l);
}

/* Through Startup and Drain: in Cruise. */
static void cruise(void)
{
	begin(true);
	for (int i = 0; i < 4; i++)
		ack(RTT, RATE, 2 * BDP);
	ck_assert_uint_eq(b->state, BBR_DRAIN);
	ack(RTT, RATE, BDP); /* no queue: through Down at once */
	ck_assert_uint_eq(b->state, BBR_CRUISE);
	s.cwnd = 2 * BDP;
	for (int i = 0; i < 9; i++)
		ack(TCPD_MS(1), RATE, BDP);
}

static void up(void)
{
	cruise();
	ack(TCPD_SEC(4), RATE, BDP);
	ck_assert_uint_eq(b->state, BBR_REFILL);
	ack(RTT, RATE, BDP);
	ck_assert_uint_eq(b->state, BBR_UP);
}

START_TEST(bbr_begins_with_the_first_window_in_a_round_trip)
{
	begin(true);
	ck_assert_uint_eq(b->state, BBR_STARTUP);
	ck_assert_uint_eq(s.cwnd, IW);
	ck_assert_uint_eq(s.pacing_rate, IW * 50 * 277 / 100);
	ck_assert_uint_eq(s.burst, 2 * MSS);
	ck_assert_uint_eq(s.ssthresh, UINT32_MAX);
	/* the window is never more than the ACKs have let it be */
	ack(RTT, RATE, 0);
	ck_assert_uint_eq(s.cwnd, 2 * IW);
	ck_assert_uint_eq(s.pacing_rate, RATE / 100 * 277 * 99 / 100);
	ck_assert_uint_eq(s.burst, s.pacing_rate / 1000);
}
END_TEST

START_TEST(bbr_guesses_a_millisecond_until_a_round_trip_is_measured)
{
	struct cc_begin n = {.now = TCPD_SEC(1000), .sack = true};

	begin(true);
	cc_bbr.init(&s, priv, &n);
	ck_assert_uint_eq(s.pacing_rate, (uint64_t)IW * 1000 * 277 / 100);
	rs.total_delivered = 0;
	ack(RTT, RATE / 1000, 0);
	ck_assert_uint_eq(s.pacing_rate, (uint64_t)IW * 50 * 277 / 100);
}
END_TEST

START_TEST(bbr_goes_from_startup_to_cruise)
{
	begin(true);
	for (int i = 0; i < 3; i++) {
		ck_assert_uint_eq(b->state, BBR_STARTUP);
		ack(RTT, RATE, 2 * BDP);
	}
	ack(RTT, RATE, 2 * BDP);
	ck_assert_uint_eq(b->state, BBR_DRAIN);
	ck_assert_uint_eq(s.pacing_rate, RATE / 2 / 100 * 99);
	/* the queue does not go: three rounds, and no longer */
	for (int i = 0; i < 3; i++) {
		ack(RTT, RATE, 2 * BDP);
		ck_assert_uint_eq(b->state, BBR_DRAIN);
	}
	ack(RTT, RATE, 2 * BDP);
	ck_assert_uint_eq(b->state, BBR_DOWN);
	ck_assert_uint_eq(s.pacing_rate, RATE / 10 * 9 / 100 * 99);
	ack(RTT, RATE, BDP + MSS);
	ck_assert_uint_eq(b->state, BBR_DOWN);
	ack(RTT, RATE, BDP);
	ck_assert_uint_eq(b->state, BBR_CRUISE);
	ck_assert_uint_eq(s.pacing_rate, RATE / 100 * 99);
}
END_TEST

START_TEST(bbr_leaves_startup_after_a_round_with_many_losses)
{
	begin(true);
	ack(RTT, RATE, BDP);
	cc_bbr.enter_recovery(&s, priv, BDP, CC_LOSS, rs.now);
	rs.sample_lost = 20 * MSS;
	/* six losses in a row are one range */
	for (uint32_t i = 0; i < 6; i++)
		lose(i * MSS, 1, 2 * BDP, 6 * MSS);
	ack(RTT, 2 * RATE, BDP);
	ck_assert_uint_eq(b->state, BBR_STARTUP);
	for (uint32_t i = 0; i < 6; i++)
		lose(i * 2 * MSS, 1, 2 * BDP, 6 * MSS);
	ack(RTT, 4 * RATE, 3 * BDP);
	ck_assert_uint_eq(b->state, BBR_DRAIN);
	/* what it may have in flight is what arrived in a round */
	ck_assert_uint_ne(b->longterm, BBR_NO_LIMIT);
	ck_assert_uint_ge(b->longterm, 2 * BDP);
	/* it was not so: back */
	cc_bbr.undo(&s, priv, &(struct cc_prior){.cwnd = 5 * BDP}, rs.now);
	ck_assert_uint_eq(b->state, BBR_STARTUP);
	ck_assert(!b->full_bw_reached);
	ck_assert_uint_eq(b->longterm, BBR_NO_LIMIT);
	ck_assert_uint_eq(s.cwnd, 5 * BDP);
}
END_TEST

START_TEST(bbr_leaves_startup_after_one_loss_if_it_sees_no_more)
{
	begin(false);
	ack(RTT, RATE, BDP);
	cc_bbr.enter_recovery(&s, priv, BDP, CC_LOSS, rs.now);
	rs.sample_lost = MSS;
	lose(0, 1, BDP, MSS);
	ack(RTT, 2 * RATE, 3 * BDP);
	ck_assert_uint_eq(b->state, BBR_DRAIN);
}
END_TEST

START_TEST(bbr_probes_after_two_to_three_seconds_or_as_reno_would)
{
	cruise();
	for (tcpd_time at = rs.now; rs.now < at + TCPD_MS(1600);) {
		b->rounds_since_up = 0;
		ck_assert_uint_eq(b->state, BBR_CRUISE);
		ack(TCPD_MS(10), RATE, BDP);
	}
	for (int i = 0; i < 150 && b->state == BBR_CRUISE; i++) {
		b->rounds_since_up = 0;
		ack(TCPD_MS(10), RATE, BDP);
	}
	ck_assert_uint_eq(b->state, BBR_REFILL);
	/* a path of 62 round trips and less */
	cruise();
	b->rounds_since_up = 61;
	ack(1, RATE, BDP);
	ck_assert_uint_eq(b->state, BBR_CRUISE);
	ack(1, RATE, BDP);
	ck_assert_uint_eq(b->state, BBR_REFILL);
}
END_TEST

START_TEST(bbr_probe_ends_when_the_path_is_full)
{
	up();
	ck_assert_uint_eq(s.pacing_rate, RATE / 100 * 125 * 99 / 100);
	/* 2.25 BDP, what came in bunches, and two segments */
	ack(RTT, RATE, BDP);
	ck_assert_uint_ge(s.cwnd, BDP * 2);
	for (int i = 0; i < 2; i++) {
		ck_assert_uint_eq(b->state, BBR_UP);
		ack(RTT, RATE, BDP);
	}
	ck_assert_uint_eq(b->state, BBR_DOWN);
	ck_assert(!b->too_high && !b->careful);
	/* ... which was measured: a new cycle begins with the next round */
	ack(RTT, RATE / 2, BDP);
	ck_assert_uint_eq(b->max_bw[0], 0);
	ck_assert_uint_eq(b->max_bw[1], RATE);
}
END_TEST

START_TEST(bbr_probe_goes_on_while_the_rate_grows)
{
	up();
	for (int i = 1; i < 6; i++) {
		ack(RTT, RATE << i, BDP);
		ck_assert_uint_eq(b->state, BBR_UP);
	}
	ck_assert_uint_eq(b->bw, RATE << 5);
}
END_TEST

START_TEST(bbr_probe_ends_where_too_much_is_lost)
{
	up();
	lose(0, 3, 2 * BDP, 3 * MSS); /* 0.75 % */
	ck_assert_uint_eq(b->state, BBR_UP);
	ck_assert_uint_eq(b->longterm, BBR_NO_LIMIT);
	lose(9 * MSS, 1, 2 * BDP, 9 * MSS);
	ck_assert_uint_eq(b->state, BBR_DOWN);
	ck_assert_uint_eq(b->longterm, 2 * BDP - MSS);
	ck_assert(b->too_high);
	/* once a probe */
	lose(11 * MSS, 1, BDP, 30 * MSS);
	ck_assert_uint_eq(b->longterm, 2 * BDP - MSS);
	/* room for others is left when it cruises */
	ack(RTT, RATE, BDP);
	ack(RTT, RATE, BDP / 2);
	ck_assert_uint_eq(b->state, BBR_CRUISE);
	ck_assert_uint_le(s.cwnd, b->longterm - b->longterm * 15 / 100);
}
END_TEST

START_TEST(bbr_probe_takes_back_no_more_than_three_tenths)
{
	up();
	lose(0, 3, 10 * MSS, 3 * MSS);
	ck_assert_uint_eq(b->longterm, BDP * 7 / 10);
}
END_TEST

START_TEST(bbr_probe_of_a_slow_app_sets_no_bound)
{
	up();
	rs.app_limited = true;
	lose(0, 3, 50 * MSS, 3 * MSS);
	ck_assert_uint_eq(b->state, BBR_DOWN);
	ck_assert_uint_eq(b->longterm, BBR_NO_LIMIT);
}
END_TEST

START_TEST(bbr_probe_after_one_that_was_too_high_is_careful)
{
	up();
	b->longterm = 2 * BDP;
	b->too_high = true;
	tx = BDP;
	ack(1, RATE, 2 * BDP - MSS);
	ck_assert_uint_eq(b->state, BBR_UP);
	ack(1, RATE, 2 * BDP);
	ck_assert_uint_eq(b->state, BBR_DOWN);
	ck_assert(b->careful && !b->too_high);
	/* nothing was lost: once more, in earnest */
	ack(RTT, RATE, BDP);
	ck_assert_uint_eq(b->state, BBR_REFILL);
	ck_assert(!b->careful);
	ck_assert_uint_eq(b->bw_shortterm, BBR_NO_RATE);
}
END_TEST

START_TEST(bbr_probe_raises_its_bound_by_twice_as_much_each_round)
{
	uint32_t grown[4], had;

	up();
	for (int i = 0; i < 4; i++) {
		had = b->longterm = s.cwnd = 15 * MSS;
		bbr_reset_full_bw(b, RATE);
		tx = had;
		ack(RTT, RATE, 5 * MSS);
		ck_assert_uint_eq(b->state, BBR_UP);
		grown[i] = (b->longterm - had) / MSS;
	}
	/* 10 of 15 segments are acknowledged in each of these rounds */
	ck_assert_uint_eq(grown[0], 0);
	ck_assert_uint_ge(grown[1], 1);
	ck_assert_uint_ge(grown[2], 2);
	ck_assert_uint_ge(grown[3], 4);
	/* what was in flight without loss may be */
	tx = 0;
	ack(RTT, RATE, 30 * MSS);
	ck_assert_uint_ge(b->longterm, 40 * MSS);
}
END_TEST

START_TEST(bbr_probe_that_was_wrongly_ended_begins_again)
{
	up();
	s.cwnd = 3 * BDP;
	lose(0, 9, 2 * BDP, 9 * MSS);
	cc_bbr.enter_recovery(&s, priv, BDP, CC_LOSS, rs.now);
	ck_assert_uint_eq(b->state, BBR_DOWN);
	ack(RTT, RATE, BDP);
	lose(20 * MSS, 1, 2 * BDP, 9 * MSS); /* a later round of it */
	ack(RTT, RATE / 2, BDP);
	ck_assert_uint_ne(b->bw_shortterm, BBR_NO_RATE);
	cc_bbr.undo(&s, priv, &(struct cc_prior){.cwnd = BDP}, rs.now);
	ck_assert_uint_eq(b->state, BBR_REFILL);
	ck_assert_uint_eq(b->longterm, BBR_NO_LIMIT);
	ck_assert_uint_eq(b->bw_shortterm, BBR_NO_RATE);
	ck_assert_uint_eq(b->shortterm, BBR_NO_LIMIT);
	ck_assert_uint_eq(s.cwnd, 3 * BDP);
}
END_TEST

START_TEST(bbr_window_is_back_after_a_recovery)
{
	uint32_t had;

	cruise();
	had = s.cwnd;
	lose(0, 1, BDP, MSS);
	cc_bbr.enter_recovery(&s, priv, BDP, CC_LOSS, rs.now);
	ck_assert_uint_eq(s.cwnd, had); /* no window of the recovery's own */
	cc_bbr.timeout(&s, priv, BDP, true, rs.now);
	ck_assert_uint_eq(s.cwnd, MSS);
	ack(RTT, RATE, 0);
	ck_assert_uint_lt(s.cwnd, had);
	cc_bbr.exit_recovery(&s, priv, BDP, rs.now);
	ck_assert_uint_eq(s.cwnd, had);
	/* as far as the model allows */
	b->shortterm = 50 * MSS;
	cc_bbr.exit_recovery(&s, priv, BDP, rs.now);
	ck_assert_uint_eq(s.cwnd, 50 * MSS);
}
END_TEST

START_TEST(bbr_takes_a_congestion_mark_as_congestion)
{
	uint32_t had;

	/* in Startup: it is the end of it */
	begin(true);
	ack(RTT, RATE, BDP);
	cc_bbr.enter_recovery(&s, priv, BDP, CC_CE, rs.now);
	ack(RTT, RATE, 3 * BDP);
	ck_assert_uint_eq(b->state, BBR_DRAIN);
	/* a probe: it goes no further, now and for long */
	up();
	cc_bbr.enter_recovery(&s, priv, BDP * 3 / 2, CC_CE, rs.now);
	ck_assert_uint_eq(b->state, BBR_DOWN);
	ck_assert_uint_eq(b->longterm, BDP * 3 / 2);
	/* between probes: no more in flight than a round delivers */
	cruise();
	had = s.cwnd;
	cc_bbr.enter_recovery(&s, priv, BDP, CC_CE, rs.now);
	ack(RTT, RATE, BDP);
	ck_assert_uint_ne(b->shortterm, BBR_NO_LIMIT);
	ck_assert_uint_le(s.cwnd, had * 7 / 10);
	ck_assert_uint_eq(b->bw_shortterm, RATE);
}
END_TEST

START_TEST(bbr_probes_the_round_trip_with_half_of_the_path)
{
	uint32_t had;

	cruise();
	had = s.cwnd;
	b->longterm = 10 * BDP;
	rs.rtt = RTT + 1;
	b->probe_rtt_min_at = rs.now - TCPD_SEC(5);
	b->probe_wait = UINT32_MAX;
	rs.now += 1;
	b->rounds_since_up = 0;
	ack(0, RATE, BDP);
	ck_assert_uint_eq(b->state, BBR_PROBE_RTT);
	ck_assert_uint_eq(s.cwnd, BDP / 2);
	ck_assert_uint_eq(s.pacing_rate, RATE / 100 * 99);
	/* 200 ms from when so little is in flight */
	ack(TCPD_MS(300), RATE / 2, BDP / 2 + 1);
	ck_assert_uint_eq(b->state, BBR_PROBE_RTT);
	ack(1, RATE / 2, BDP / 2);
	ack(TCPD_MS(200), RATE / 2, BDP / 2);
	ck_assert_uint_eq(b->state, BBR_PROBE_RTT);
	ack(1, RATE / 2, BDP / 2);
	ck_assert_uint_eq(b->state, BBR_CRUISE);
	ck_assert_uint_ge(s.cwnd, had);
	ck_assert_uint_eq(b->bw, RATE);
}
END_TEST

START_TEST(bbr_goes_back_to_startup_after_a_probe_of_the_round_trip)
{
	begin(true);
	ack(RTT, RATE, BDP);
	b->state = BBR_PROBE_RTT;
	b->probe_rtt_done = rs.now;
	b->probe_rtt_round_done = true;
	ack(1, RATE, 0);
	ck_assert_uint_eq(b->state, BBR_STARTUP);
	/* and an idle time ends one, too */
	b->state = BBR_PROBE_RTT;
	b->probe_rtt_done = rs.now;
	cc_bbr.sending(&s, priv, false, rs.now + 1);
	ck_assert_uint_eq(b->state, BBR_PROBE_RTT);
	cc_bbr.sending(&s, priv, true, rs.now + 1);
	ck_assert_uint_eq(b->state, BBR_STARTUP);
}
END_TEST

START_TEST(bbr_keeps_its_window_over_an_idle_time)
{
	uint32_t had;

	up();
	had = s.cwnd;
	cc_bbr.restart(&s, priv, IW, TCPD_SEC(100), rs.now + TCPD_SEC(100));
	cc_bbr.sending(&s, priv, true, rs.now + TCPD_SEC(100));
	ck_assert_uint_eq(s.cwnd, had);
	ck_assert_uint_eq(s.pacing_rate, RATE / 100 * 99);
	ck_assert_uint_eq(s.burst, s.pacing_rate / 1000);
}
END_TEST

START_TEST(bbr_paces_a_path_of_nothing_with_two_segments_a_second)
{
	begin(true);
	b->full_bw_reached = true;
	rs.rtt = TCPD_SEC(100);
	ack(TCPD_SEC(100), 50, 0);
	ck_assert_uint_eq(s.pacing_rate, 2 * MSS);
	ck_assert_uint_eq(s.burst, 2 * MSS);
	ck_assert_uint_ge(s.cwnd, 4 * MSS);
}
END_TEST

/* From a record that something else has written. */
START_TEST(bbr_survives_any_state)
{
	struct rng r = {.state = (uint64_t)_i};

	begin(true);
	for (int n = 0; n < 200; n++) {
		for (unsigned i = 0; i < CC_NPRIV; i++)
			priv[i] = n % 2 ? rng_next(&r) : UINT64_MAX;
		s.cwnd = (uint32_t)rng_next(&r);
		rs.now = rng_next(&r) >> 2;
		rs.interval = rng_below(&r, 3);
		rs.rtt = rng_next(&r) >> 20;
		rs.delivered = (uint32_t)rng_next(&r);
		rs.sample_delivered = (uint32_t)rng_next(&r);
		rs.prior_delivered = rng_next(&r);
		rs.total_delivered = rng_next(&r);
		cc_bbr.acked(&s, priv, &rs);
		lose((uint32_t)rng_next(&r), 9, MSS, UINT32_MAX);
		cc_bbr.sending(&s, priv, true, rs.now);
		cc_bbr.undo(&s, priv, &(struct cc_prior){.cwnd = 1}, rs.now);
		ck_assert_uint_lt(b->state, BBR_NSTATES);
		ck_assert_uint_ge(s.cwnd, 1);
		ck_assert_uint_ge(s.burst, 2 * MSS);
		ck_assert_uint_le(s.burst, 64u << 10);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("bbr_state");
	TCase *tc = rig_case(suite, "states");

#define T(name) tcase_add_test(tc, name)
	T(bbr_begins_with_the_first_window_in_a_round_trip);
	T(bbr_guesses_a_millisecond_until_a_round_trip_is_measured);
	T(bbr_goes_from_startup_to_cruise);
	T(bbr_leaves_startup_after_a_round_with_many_losses);
	T(bbr_leaves_startup_after_one_loss_if_it_sees_no_more);
	T(bbr_probes_after_two_to_three_seconds_or_as_reno_would);
	T(bbr_probe_ends_when_the_path_is_full);
	T(bbr_probe_goes_on_while_the_rate_grows);
	T(bbr_probe_ends_where_too_much_is_lost);
	T(bbr_probe_takes_back_no_more_than_three_tenths);
	T(bbr_probe_of_a_slow_app_sets_no_bound);
	T(bbr_probe_after_one_that_was_too_high_is_careful);
	T(bbr_probe_raises_its_bound_by_twice_as_much_each_round);
	T(bbr_probe_that_was_wrongly_ended_begins_again);
	T(bbr_window_is_back_after_a_recovery);
	T(bbr_takes_a_congestion_mark_as_congestion);
	T(bbr_probes_the_round_trip_with_half_of_the_path);
	T(bbr_goes_back_to_startup_after_a_probe_of_the_round_trip);
	T(bbr_keeps_its_window_over_an_idle_time);
	T(bbr_paces_a_path_of_nothing_with_two_segments_a_second);
	tcase_add_loop_test(tc, bbr_survives_any_state, 0, 4);
	return rig_run(suite);
}
