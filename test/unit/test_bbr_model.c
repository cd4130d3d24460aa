/* SPDX-License-Identifier: MIT */
/*
 * test_bbr_model.c - what BBR believes of the path, rule by rule
 * (draft-ietf-ccwg-bbr, 5.5), on ACKs that are made by hand.
 *
 * LINK: test/unit/rig.c
 */
#include <string.h>

#include "rig.h"
#include "tcp/bbr.h"

#define MSS 1000u
#define MB  1000000u /* octets a second */

static struct bbr b;
static struct cc_state s;
static struct cc_sample rs;
static tcpd_time now;

static void begin(void)
{
	memset(&b, 0, sizeof(b));
	s = (struct cc_state){.cwnd = 100 * MSS, .mss = MSS};
	now = TCPD_SEC(1000);
	b.min_rtt_at = b.probe_rtt_min_at = b.extra_at = now;
	b.longterm = BBR_NO_LIMIT;
	bbr_reset_short_term(&b);
}

/* An ACK, |pass| later, that delivers |n| octets and says |rate|; |round|: its
 * record was sent after the last round began. */
static void ack(tcpd_time pass, uint32_t n, uint64_t rate, bool round)
{
	struct bbr_ack k = {.rs = &rs, .rate = rate};

	now += pass;
	rs.now = now;
	rs.delivered = n;
	rs.sample_delivered = 10 * n;
	rs.prior_delivered = round ? b.next_round : b.next_round - 1;
	b.delivered += n;
	k.app_limited = rs.app_limited;
	bbr_model_begin(&b, &s, &k);
	bbr_model_end(&b, &k);
}

static const struct volume {
	uint64_t rate;
	tcpd_time time;
	uint32_t want;
} volumes[] = {
	{12500000, TCPD_MS(20), 250000},
	{1250000000, TCPD_US(50), 62500},
	{1, TCPD_SEC(60), 60},
	{8000, TCPD_MS(1500), 12000},
	{0, TCPD_SEC(1), 0},
	{UINT64_MAX, UINT64_MAX, UINT32_MAX / 4},
	{BBR_RATE_MAX, TCPD_SEC(10), UINT32_MAX / 4},
};

START_TEST(bbr_volume_is_rate_times_time)
{
	const struct volume *v = &volumes[_i];

	ck_assert_uint_eq(bbr_volume(v->rate, v->time), v->want);
}
END_TEST

static const struct lost {
	const char *name;
	bool one_loss;
	uint32_t in_flight, lost;
	bool want;
} losses[] = {
	{"two per cent are borne", false, 200 * MSS, 4 * MSS, false},
	{"more are not", false, 200 * MSS, 5 * MSS, true},
	{"one of ten says nothing", false, 10 * MSS, MSS, false},
	{"nor do two", false, 10 * MSS, 2 * MSS, false},
	{"three do", false, 10 * MSS, 3 * MSS, true},
	{"none", false, 10 * MSS, 0, false},
	{"without SACK one is all that is seen", true, 200 * MSS, MSS, true},
	{"... and none is none", true, 200 * MSS, 0, false},
};

START_TEST(bbr_bears_two_per_cent_of_loss)
{
	const struct lost *l = &losses[_i];

	begin();
	b.one_loss = l->one_loss;
	ck_assert_msg(bbr_too_many_lost(&b, &s, l->in_flight, l->lost) ==
			      l->want,
		      "%s", l->name);
}
END_TEST

static const struct at_loss {
	const char *name;
	uint32_t size, tx_in_flight, lost_since, want;
} at_losses[] = {
	{"the last segment is too much", MSS, 100 * MSS, 3 * MSS, 99 * MSS},
	{"a part of a burst fits: 2 % of 60 that were before", 40 * MSS,
	 100 * MSS, 40 * MSS, 61224},
	{"nothing of it: so much was lost before", 40 * MSS, 100 * MSS,
	 50 * MSS, 60 * MSS},
	{"more than was in flight", 40 * MSS, 10 * MSS, 40 * MSS, 0},
};

START_TEST(bbr_finds_where_in_a_burst_the_loss_began)
{
	const struct at_loss *a = &at_losses[_i];
	struct cc_loss l = {.seq = UINT32_MAX - 10,
			    .end = UINT32_MAX - 10 + a->size,
			    .tx_in_flight = a->tx_in_flight,
			    .lost_since = a->lost_since};

	ck_assert_msg(bbr_inflight_at_loss(&l) == a->want, "%s: %u", a->name,
		      bbr_inflight_at_loss(&l));
}
END_TEST

START_TEST(bbr_rate_is_the_largest_of_two_cycles)
{
	begin();
	ack(1, MSS, 5 * MB, true);
	ack(1, MSS, 3 * MB, true);
	ck_assert_uint_eq(b.bw, 5 * MB);
	bbr_next_cycle(&b);
	ack(1, MSS, 4 * MB, true);
	ck_assert_uint_eq(b.bw, 5 * MB);
	bbr_next_cycle(&b);
	ack(1, MSS, 2 * MB, true);
	ck_assert_uint_eq(b.bw, 4 * MB);
	bbr_next_cycle(&b);
	bbr_next_cycle(&b); /* nothing was measured in that one */
	ck_assert_uint_eq(bbr_max_bw(&b), 2 * MB);
	/* what the app limits counts only if it is more */
	rs.app_limited = true;
	ack(1, MSS, MB, true);
	ck_assert_uint_eq(b.max_bw[0], 0);
	ack(1, MSS, 3 * MB, true);
	ck_assert_uint_eq(bbr_max_bw(&b), 3 * MB);
	rs.app_limited = false;
}
END_TEST

START_TEST(bbr_path_is_full_after_three_rounds_without_a_quarter_more)
{
	begin();
	ack(1, MSS, 4 * MB, true);
	ack(1, MSS, 5 * MB, true); /* a quarter more */
	for (int i = 0; i < 2; i++)
		ack(1, MSS, 6 * MB, true);
	for (int i = 0; i < 9; i++)
		ack(1, MSS, 6 * MB, false); /* not a round's beginning */
	ck_assert(!b.full_bw_now && !b.full_bw_reached);
	rs.app_limited = true; /* nor of a slow app */
	ack(1, MSS, MB, true);
	rs.app_limited = false;
	ack(1, MSS, 0, true); /* nor without a valid sample */
	ck_assert(!b.full_bw_now);
	ack(1, MSS, 6 * MB, true);
	ck_assert(b.full_bw_now && b.full_bw_reached);
	/* looked at again: not for ever */
	bbr_reset_full_bw(&b, 6 * MB);
	ck_assert(!b.full_bw_now && b.full_bw_reached);
	/* growth within a round is growth */
	begin();
	ack(1, MSS, 4 * MB, true);
	for (int i = 0; i < 4; i++) {
		ack(1, MSS, 4 * MB, true);
		ack(1, MSS, 4 * MB << (i + 1), false);
	}
	ck_assert(!b.full_bw_now);
}
END_TEST

START_TEST(bbr_round_trip_is_the_least_of_ten_seconds)
{
	begin();
	rs.rtt = TCPD_US(50);
	ack(1, MSS, 0, true);
	bbr_update_min_rtt(&b, &rs);
	ck_assert_uint_eq(b.min_rtt, TCPD_US(50));
	rs.rtt = TCPD_US(49);
	bbr_update_min_rtt(&b, &rs);
	ck_assert_uint_eq(b.min_rtt, TCPD_US(49));
	rs.rtt = TCPD_US(70);
	ack(TCPD_SEC(5), MSS, 0, true);
	bbr_update_min_rtt(&b, &rs);
	ck_assert(!b.probe_rtt_expired);
	ack(1, MSS, 0, true);
	bbr_update_min_rtt(&b, &rs);
	ck_assert(b.probe_rtt_expired);
	ck_assert_uint_eq(b.probe_rtt_min, TCPD_US(70));
	ck_assert_uint_eq(b.min_rtt, TCPD_US(49));
	rs.rtt = TCPD_US(60);
	ack(TCPD_SEC(5), MSS, 0, true);
	bbr_update_min_rtt(&b, &rs);
	ck_assert_uint_eq(b.min_rtt, TCPD_US(60));
	rs.rtt = 0; /* Karn: none */
	ack(TCPD_SEC(20), MSS, 0, true);
	bbr_update_min_rtt(&b, &rs);
	ck_assert_uint_eq(b.min_rtt, TCPD_US(60));
}
END_TEST

START_TEST(bbr_allows_what_more_than_expected_is_acknowledged)
{
	begin();
	b.full_bw_reached = true;
	/* a megabyte a second, in 20 kB every 20 ms */
	for (int i = 0; i < 20; i++)
		ack(TCPD_MS(20), 20000, MB, i % 2 == 0);
	ck_assert_uint_eq(bbr_extra_acked(&b), 20000);
	/* smooth again: forgotten after ten rounds, not after five */
	ack(TCPD_MS(40), 1000, MB, false);
	for (int i = 0; i < 20 * 4; i++)
		ack(TCPD_MS(1), 1000, MB, i % 20 == 0);
	ck_assert_uint_eq(bbr_extra_acked(&b), 20000);
	for (int i = 0; i < 20 * 7; i++)
		ack(TCPD_MS(1), 1000, MB, i % 20 == 0);
	ck_assert_uint_eq(bbr_extra_acked(&b), 1000);
	/* never more than the window */
	s.cwnd = 5000;
	ack(0, 50000, MB, false);
	ck_assert_uint_eq(bbr_extra_acked(&b), 5000);
}
END_TEST

static const struct shorter {
	const char *name;
	uint8_t state;
	bool lost;
	uint64_t latest_rate;
	uint64_t rate; /* wanted */
	uint32_t in_flight;
} shorters[] = {
	{"Cruise: what the round delivered", BBR_CRUISE, true, 9 * MB, 9 * MB,
	 90 * MSS},
	{"... but no less than seven tenths", BBR_CRUISE, true, MB, 7 * MB,
	 70 * MSS},
	{"Down", BBR_DOWN, true, 8 * MB, 8 * MB, 80 * MSS},
	{"Drain", BBR_DRAIN, true, 8 * MB, 8 * MB, 80 * MSS},
	{"ProbeRTT", BBR_PROBE_RTT, true, 8 * MB, 8 * MB, 80 * MSS},
	{"no loss", BBR_CRUISE, false, 9 * MB, BBR_NO_RATE, BBR_NO_LIMIT},
	{"Startup finds out", BBR_STARTUP, true, MB, BBR_NO_RATE, BBR_NO_LIMIT},
	{"so does Refill", BBR_REFILL, true, MB, BBR_NO_RATE, BBR_NO_LIMIT},
	{"and Up", BBR_UP, true, MB, BBR_NO_RATE, BBR_NO_LIMIT},
};

START_TEST(bbr_slows_down_after_a_round_with_loss)
{
	const struct shorter *o = &shorters[_i];

	begin();
	ack(1, MSS, 10 * MB, true);
	b.state = o->state;
	bbr_reset_congestion(&b);
	b.loss_round = b.delivered;
	b.next_round = b.delivered;
	b.loss_in_round = o->lost;
	ack(1, (uint32_t)(o->latest_rate / MB) * MSS, o->latest_rate, true);
	ck_assert_msg(b.bw_shortterm == o->rate, "%s: %llu", o->name,
		      (unsigned long long)b.bw_shortterm);
	ck_assert_msg(b.shortterm == o->in_flight, "%s: %u", o->name,
		      b.shortterm);
	ck_assert_uint_eq(b.bw, min_u64(10 * MB, o->rate));
	ck_assert(!b.loss_in_round);
	bbr_reset_short_term(&b);
	ack(1, MSS, MB, true);
	ck_assert_uint_eq(b.bw, 10 * MB);
}
END_TEST

START_TEST(bbr_needs_so_much_in_flight_whatever_the_path)
{
	begin();
	ck_assert_uint_eq(bbr_inflight(&b, &s, 0), 4 * MSS);
	s.burst = 2 * MSS;
	ck_assert_uint_eq(bbr_inflight(&b, &s, 0), 6 * MSS);
	ck_assert_uint_eq(bbr_inflight(&b, &s, 50 * MSS), 50 * MSS);
	b.state = BBR_UP;
	ck_assert_uint_eq(bbr_inflight(&b, &s, 50 * MSS), 52 * MSS);
	/* no round trip time is known: the first window */
	b.initial_cwnd = 10 * MSS;
	ck_assert_uint_eq(bbr_bdp(&b, 50 * MB, 200), 10 * MSS);
	b.min_rtt = TCPD_MS(1);
	ck_assert_uint_eq(bbr_bdp(&b, 50 * MB, 200), 100 * MSS);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("bbr_model");
	TCase *tc = rig_case(suite, "rules");

	tcase_add_loop_test(tc, bbr_volume_is_rate_times_time, 0,
			    ARRAY_SIZE(volumes));
	tcase_add_loop_test(tc, bbr_bears_two_per_cent_of_loss, 0,
			    ARRAY_SIZE(losses));
	tcase_add_loop_test(tc, bbr_finds_where_in_a_burst_the_loss_began, 0,
			    ARRAY_SIZE(at_losses));
	tcase_add_test(tc, bbr_rate_is_the_largest_of_two_cycles);
	tcase_add_test(
		tc, bbr_path_is_full_after_three_rounds_without_a_quarter_more);
	tcase_add_test(tc, bbr_round_trip_is_the_least_of_ten_seconds);
	tcase_add_test(tc, bbr_allows_what_more_than_expected_is_acknowledged);
	tcase_add_loop_test(tc, bbr_slows_down_after_a_round_with_loss, 0,
			    ARRAY_SIZE(shorters));
	tcase_add_test(tc, bbr_needs_so_much_in_flight_whatever_the_path);
	return rig_run(suite);
}
