/* SPDX-License-Identifier: MIT */
/*
 * test_rate.c - samples of the delivery rate: the rules of the draft's section
 * 4.1 one by one, on records that are made by hand.
 *
 * LINK: test/unit/rig.c
 */
#include <string.h>

#include "rig.h"
#include "tcp/rate.h"

#define SEG 1000u
#define T0  TCPD_SEC(1)
#define MS  TCPD_MS(1)

static struct rate_conn rc;
static struct xmit x[64];
static uint32_t in_flight;

static void begin(void)
{
	memset(&rc, 0, sizeof(rc));
	memset(x, 0, sizeof(x));
	in_flight = 0;
}

static void sent(unsigned i, tcpd_time now)
{
	x[i].seq = i * SEG;
	x[i].end = x[i].seq + SEG;
	rate_sent(&rc, &x[i], in_flight, now);
	in_flight += SEG;
}

/* One ACK that delivers records |from| to |to|. */
static struct rate acked(unsigned from, unsigned to, tcpd_time now,
			 tcpd_time min_rtt)
{
	struct rate r;

	rate_begin(&r, &rc);
	for (unsigned i = from; i <= to; i++) {
		rate_delivered(&r, &rc, &x[i], SEG, now);
		in_flight -= SEG;
	}
	rate_end(&r, &rc, min_rtt);
	return r;
}

/* Octets a second. */
static uint64_t rate_of(const struct rate *r)
{
	return r->interval ? r->over * TCPD_SEC(1) / r->interval : 0;
}

START_TEST(rate_of_acks_that_come_steadily_is_theirs)
{
	struct rate r = {0};

	begin();
	/* a burst; then an ACK a millisecond, which lets one more leave */
	for (unsigned i = 0; i < 10; i++)
		sent(i, T0);
	for (unsigned i = 0; i < 40; i++) {
		r = acked(i, i, T0 + (10 + i) * MS, 0);
		sent(i + 10, T0 + (10 + i) * MS);
	}
	ck_assert_uint_eq(rate_of(&r), 1000 * SEG);
	ck_assert_uint_eq(r.interval, 10 * MS);
	ck_assert_uint_eq(r.over, 10 * SEG);
	ck_assert_uint_eq(r.delivered, SEG);
	ck_assert_uint_eq(r.rtt, 10 * MS);
	ck_assert_uint_eq(r.tx_in_flight, 10 * SEG);
	ck_assert(!r.app_limited);
}
END_TEST

START_TEST(rate_of_acks_that_come_at_once_is_that_of_sending)
{
	struct rate r;

	begin();
	for (unsigned i = 0; i < 20; i++)
		sent(i, T0 + i * MS);
	/* 4.1.1.2.2: nothing arrives faster than it was sent */
	acked(0, 9, T0 + 25 * MS, 0);
	r = acked(10, 19, T0 + 25 * MS + 1, 0);
	ck_assert_uint_eq(r.over, 20 * SEG);
	ck_assert_uint_eq(r.interval, 25 * MS + 1);
	/* ... and of a later flight, whose ACKs come closer than it left */
	for (unsigned i = 20; i < 40; i++)
		sent(i, T0 + (30 + i) * MS);
	acked(20, 20, T0 + 80 * MS, 0);
	r = acked(21, 39, T0 + 81 * MS, 0);
	ck_assert_uint_eq(r.interval, 31 * MS);
}
END_TEST

START_TEST(rate_record_sent_last_decides)
{
	struct rate r;

	begin();
	sent(0, T0);
	sent(1, T0);
	sent(2, T0 + MS);
	/* 0 was lost and is sent again, after the others */
	rate_lost(&rc, SEG);
	in_flight -= SEG;
	x[0].flags |= XMIT_EVER;
	sent(0, T0 + 9 * MS);
	r = acked(0, 2, T0 + 20 * MS, 0);
	ck_assert_uint_eq(r.sent_at, T0 + 9 * MS);
	ck_assert_uint_eq(rc.first_sent_at, T0 + 9 * MS);
	/* the round trip is of one that was sent once only (Karn) */
	ck_assert_uint_eq(r.rtt, 19 * MS);
	ck_assert_uint_eq(r.delivered, 3 * SEG);
}
END_TEST

START_TEST(rate_of_two_sent_at_once_the_higher_numbers_decide)
{
	struct rate r;

	begin();
	x[1].seq = UINT32_MAX - SEG + 1; /* ends at 0 */
	x[1].end = 0;
	rate_sent(&rc, &x[1], 5 * SEG, T0);
	x[2].seq = 0;
	x[2].end = SEG;
	rate_sent(&rc, &x[2], 6 * SEG, T0);
	rate_begin(&r, &rc);
	rate_delivered(&r, &rc, &x[2], SEG, T0 + MS);
	rate_delivered(&r, &rc, &x[1], SEG, T0 + MS);
	rate_end(&r, &rc, 0);
	ck_assert_uint_eq(r.end, SEG);
	ck_assert_uint_eq(r.tx_in_flight, 7 * SEG);
}
END_TEST

START_TEST(rate_sample_shorter_than_the_least_round_trip_is_none)
{
	struct rate r;

	begin();
	sent(0, T0);
	r = acked(0, 0, T0 + 10 * MS, 10 * MS);
	ck_assert_uint_eq(r.interval, 10 * MS);
	sent(1, T0 + 20 * MS);
	r = acked(1, 1, T0 + 30 * MS - 1, 10 * MS);
	ck_assert_uint_eq(r.interval, 0);
	ck_assert_uint_eq(r.delivered, SEG);
}
END_TEST

START_TEST(rate_counts_nothing_of_an_ack_that_delivers_nothing)
{
	struct rate r;

	begin();
	sent(0, T0);
	rate_begin(&r, &rc);
	rate_lost(&rc, SEG);
	rate_end(&r, &rc, 0);
	ck_assert(!r.any);
	ck_assert_uint_eq(r.interval, 0);
	ck_assert_uint_eq(r.delivered, 0);
	ck_assert_uint_eq(r.lost, SEG);
}
END_TEST

START_TEST(rate_says_what_was_lost_since_the_record_left)
{
	struct rate r;

	begin();
	rc.lost = UINT32_MAX - 10; /* the record has 32 bits of it */
	sent(0, T0);
	sent(1, T0);
	rate_lost(&rc, 2 * SEG);
	sent(2, T0 + MS);
	rate_lost(&rc, SEG);
	ck_assert_uint_eq(rate_lost_since(&rc, &x[2]), SEG);
	r = acked(1, 1, T0 + 10 * MS, 0);
	ck_assert_uint_eq(r.lost_since, 3 * SEG);
	r = acked(2, 2, T0 + 11 * MS, 0);
	ck_assert_uint_eq(r.lost_since, SEG);
	/* what is marked while the ACK is read counts too */
	sent(3, T0 + 12 * MS);
	rate_begin(&r, &rc);
	rate_delivered(&r, &rc, &x[3], SEG, T0 + 20 * MS);
	rate_lost(&rc, SEG);
	rate_end(&r, &rc, 0);
	ck_assert_uint_eq(r.lost_since, SEG);
	ck_assert_uint_eq(r.lost, SEG);
}
END_TEST

START_TEST(rate_is_app_limited_until_the_hole_has_left_the_path)
{
	struct rate r;

	begin();
	sent(0, T0);
	sent(1, T0);
	rate_idle(&rc, in_flight); /* nothing more to send */
	sent(2, T0 + MS);
	r = acked(0, 1, T0 + 10 * MS, 0);
	ck_assert(!r.app_limited); /* they left before it */
	sent(3, T0 + 10 * MS);
	r = acked(2, 2, T0 + 11 * MS, 0);
	ck_assert(r.app_limited);
	ck_assert_uint_eq(rc.app_limited, 0); /* it is acknowledged */
	sent(4, T0 + 11 * MS);
	r = acked(3, 3, T0 + 20 * MS, 0);
	ck_assert(r.app_limited);
	r = acked(4, 4, T0 + 21 * MS, 0);
	ck_assert(!r.app_limited);
}
END_TEST

START_TEST(rate_is_app_limited_from_the_first_octet_too)
{
	begin();
	rate_idle(&rc, 0);
	ck_assert_uint_eq(rc.app_limited, 1);
	sent(0, T0);
	ck_assert(x[0].flags & XMIT_APP_LIMITED);
	acked(0, 0, T0 + MS, 0);
	ck_assert_uint_eq(rc.app_limited, 0);
	/* the mark is of the last transmission */
	in_flight = 0;
	sent(0, T0 + 2 * MS);
	ck_assert(!(x[0].flags & XMIT_APP_LIMITED));
}
END_TEST

START_TEST(rate_of_a_flight_after_an_idle_time_begins_with_it)
{
	struct rate r;

	begin();
	sent(0, T0);
	acked(0, 0, T0 + 10 * MS, 0);
	for (unsigned i = 1; i < 11; i++)
		sent(i, T0 + TCPD_SEC(100));
	r = acked(1, 10, T0 + TCPD_SEC(100) + 10 * MS, 0);
	ck_assert_uint_eq(r.interval, 10 * MS);
	ck_assert_uint_eq(r.over, 10 * SEG);
}
END_TEST

START_TEST(rate_of_a_part_of_a_super_segment_is_of_that_part)
{
	struct rate r;

	begin();
	x[0].seq = 0;
	x[0].end = 40 * SEG;
	rate_sent(&rc, &x[0], 0, T0);
	ck_assert_uint_eq(x[0].tx_in_flight, 40 * SEG);
	rate_begin(&r, &rc);
	rate_delivered(&r, &rc, &x[0], 10 * SEG, T0 + 5 * MS);
	rate_end(&r, &rc, 0);
	ck_assert_uint_eq(r.over, 10 * SEG);
	ck_assert_uint_eq(r.interval, 5 * MS);
	rate_begin(&r, &rc);
	rate_delivered(&r, &rc, &x[0], 30 * SEG, T0 + 20 * MS);
	rate_end(&r, &rc, 0);
	ck_assert_uint_eq(r.over, 40 * SEG);
	ck_assert_uint_eq(r.interval, 20 * MS);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("rate");
	TCase *tc = rig_case(s, "samples");

	tcase_add_test(tc, rate_of_acks_that_come_steadily_is_theirs);
	tcase_add_test(tc, rate_of_acks_that_come_at_once_is_that_of_sending);
	tcase_add_test(tc, rate_record_sent_last_decides);
	tcase_add_test(tc, rate_of_two_sent_at_once_the_higher_numbers_decide);
	tcase_add_test(tc,
		       rate_sample_shorter_than_the_least_round_trip_is_none);
	tcase_add_test(tc, rate_counts_nothing_of_an_ack_that_delivers_nothing);
	tcase_add_test(tc, rate_says_what_was_lost_since_the_record_left);
	tcase_add_test(tc,
		       rate_is_app_limited_until_the_hole_has_left_the_path);
	tcase_add_test(tc, rate_is_app_limited_from_the_first_octet_too);
	tcase_add_test(tc, rate_of_a_flight_after_an_idle_time_begins_with_it);
	tcase_add_test(tc, rate_of_a_part_of_a_super_segment_is_of_that_part);
	return rig_run(s);
}
