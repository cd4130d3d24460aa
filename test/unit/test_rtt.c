/* SPDX-License-Identifier: MIT */
/*
 * test_rtt.c - RFC 6298, section 2, worked out by hand, and the back-off of
 * 5.5.
 *
 * LINK: test/unit/rig.c
 */
#include "rig.h"

#define US TCPD_US

/* Samples one after the other; what must stand after the last one. */
static const struct vector {
	const char *name;
	tcpd_time min; /* rto_min */
	tcpd_time rtt[4];
	tcpd_time srtt, rttvar, rto, min_rtt;
} vectors[] = {
	{"6298-2: the first sample",
	 1,
	 {US(100000)},
	 US(100000),
	 US(50000),
	 US(300000),
	 US(100000)},
	{"6298-3: the same again",
	 1,
	 {US(100000), US(100000)},
	 US(100000),
	 US(37500),
	 US(250000),
	 US(100000)},
	{"6298-3: 100, 100, 200 ms",
	 1,
	 {US(100000), US(100000), US(200000)},
	 US(112500),
	 US(53125),
	 US(325000),
	 US(100000)},
	{"6298-3: RTTVAR is worked out with the old SRTT",
	 1,
	 {US(100000), US(200000)},
	 US(112500),
	 US(62500),
	 US(362500),
	 US(100000)},
	{"6298-3: a shorter one",
	 1,
	 {US(200000), US(100000)},
	 US(187500),
	 US(100000),
	 US(587500),
	 US(100000)},
	{"6298-2: G where the variance is below it",
	 1,
	 {US(8), US(8), US(8), US(8)},
	 US(8),
	 US(4) * 27 / 64,
	 US(1008),
	 US(8)},
	{"6298-4: the least RTO, 1 s",
	 TCPD_SEC(1),
	 {US(100000)},
	 US(100000),
	 US(50000),
	 TCPD_SEC(1),
	 US(100000)},
	{"6298-4: the least RTO, as by default",
	 TCPD_MS(200),
	 {US(1000)},
	 US(1000),
	 US(500),
	 TCPD_MS(200),
	 US(1000)},
	{"6298-5: the largest RTO, 120 s",
	 1,
	 {TCPD_SEC(100)},
	 TCPD_SEC(100),
	 TCPD_SEC(50),
	 TCPD_SEC(120),
	 TCPD_SEC(100)},
};

START_TEST(rtt_follows_rfc_6298_section_2)
{
	const struct vector *v = &vectors[_i];
	struct conn *c = rig_conn(1, 1);

	rig.t->set.rto_min = v->min;
	for (unsigned i = 0; i < 4 && v->rtt[i]; i++)
		rtt_sample(rig.t, c, v->rtt[i]);
	ck_assert_msg(c->srtt == v->srtt, "%s: SRTT %llu", v->name,
		      (unsigned long long)c->srtt);
	ck_assert_msg(c->rttvar == v->rttvar, "%s: RTTVAR %llu", v->name,
		      (unsigned long long)c->rttvar);
	ck_assert_msg(c->rto == v->rto, "%s: RTO %llu", v->name,
		      (unsigned long long)c->rto);
	ck_assert_msg(c->min_rtt == v->min_rtt, "%s: min_rtt %llu", v->name,
		      (unsigned long long)c->min_rtt);
	ck_assert_uint_eq(rtt_rto(rig.t, c), v->rto);
}
END_TEST

/* RFC 7323, appendix G: the history of a thousand samples a round trip is as
 * long in time as that of one. */
START_TEST(rtt_of_many_samples_remembers_as_long_as_of_one)
{
	struct conn *c = rig_conn(1, 1);
	tcpd_time rto;

	rig.t->set.rto_min = 1;
	rtt_sample(rig.t, c, TCPD_MS(100));
	rto = c->rto;
	for (unsigned round = 0; round < 3; round++) {
		c->snd_nxt = c->snd_una + 1000;
		for (unsigned i = 0; i < 1000; i++) {
			rtt_sample(rig.t, c, TCPD_MS(100));
			c->snd_una++;
		}
	}
	/* three rounds: three quarters three times, but for the first one's,
	 * which could not know */
	ck_assert_uint_le(c->rto, rto);
	rto = c->rto;
	c->snd_nxt = c->snd_una + 1000;
	rtt_sample(rig.t, c, TCPD_MS(300));
	ck_assert_uint_gt(c->rto, rto);
	ck_assert_uint_lt(c->rto, rto + TCPD_MS(5));
	/* and a spike is remembered over a round trip */
	c->rttvar = TCPD_MS(40);
	for (unsigned i = 0; i < 1000; i++)
		rtt_sample(rig.t, c, c->srtt);
	ck_assert_uint_gt(c->rttvar, TCPD_MS(30));
	ck_assert_uint_lt(c->rttvar, TCPD_MS(32));
}
END_TEST

START_TEST(rtt_is_one_second_before_the_first_sample)
{
	struct conn *c = rig_conn(1, 1);

	ck_assert_uint_eq(c->srtt, 0);
	ck_assert_uint_eq(rtt_rto(rig.t, c), TCPD_SEC(1)); /* 6298-1 */
}
END_TEST

START_TEST(rtt_rto_doubles_up_to_its_cap)
{
	static const tcpd_time want[] = {1, 2, 4, 8, 16, 32, 64, 120, 120, 120};
	struct conn *c = rig_conn(1, 1);

	for (unsigned i = 0; i < ARRAY_SIZE(want); i++) {
		c->backoff = (uint8_t)i;
		ck_assert_uint_eq(rtt_rto(rig.t, c), TCPD_SEC(want[i]));
	}
	c->backoff = UINT8_MAX;
	ck_assert_uint_eq(rtt_rto(rig.t, c), TCPD_SEC(120));
}
END_TEST

START_TEST(rtt_takes_a_round_trip_of_no_time_as_one)
{
	struct conn *c = rig_conn(1, 1);

	rtt_sample(rig.t, c, 0);
	ck_assert_uint_eq(c->srtt, 1); /* 0 would mean: no sample yet */
	ck_assert_uint_eq(c->rto, rig.set.rto_min);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("rtt");
	TCase *tc = rig_case(s, "rtt");

	tcase_add_loop_test(tc, rtt_follows_rfc_6298_section_2, 0,
			    ARRAY_SIZE(vectors));
	tcase_add_test(tc, rtt_of_many_samples_remembers_as_long_as_of_one);
	tcase_add_test(tc, rtt_is_one_second_before_the_first_sample);
	tcase_add_test(tc, rtt_rto_doubles_up_to_its_cap);
	tcase_add_test(tc, rtt_takes_a_round_trip_of_no_time_as_one);
	return rig_run(s);
}
