/* SPDX-License-Identifier: MIT */
/*
 * test_option.c - each option by itself: its default, what a connection keeps
 * of it, and what a listener hands on.  (Ranges: test_status.c.)
 *
 * LINK: test/unit/rig.c
 */
#include <string.h>

#include "rig.h"
#include "tcp/option.h"

/* A value that is in the range of |o| and not its default. */
static uint64_t some(enum tcpd_option o)
{
	static const uint64_t tries[] = {1,    0,	    4,
					 2048, TCPD_SEC(3), TCPD_SEC(100)};

	for (size_t i = 0; i < ARRAY_SIZE(tries); i++) {
		uint64_t v = tries[i];

		if (option_ok(o, &v) && v != option_default(o))
			return v;
	}
	return option_default(o); /* congestion: there is one */
}

START_TEST(option_has_a_default_that_a_new_connection_has)
{
	enum tcpd_option o = (enum tcpd_option)_i;
	struct conn *c = rig_conn(1, 1);
	uint64_t v = option_default(o);

	/* buffers, and what came of the MSS, are the settings' */
	if (o == TCPD_OPT_RCVBUF || o == TCPD_OPT_SNDBUF ||
	    o == TCPD_OPT_MAXSEG || o == TCPD_OPT_CONGESTION)
		return; /* settings say */
	ck_assert(option_ok(o, &v));
	ck_assert_uint_eq(v, option_default(o));
	if (o == TCPD_OPT_QUICKACK) /* used up as ACKs go */
		c->quick = 1;
	ck_assert_uint_eq(option_get(c, o), v);
}
END_TEST

START_TEST(option_that_was_put_is_read)
{
	enum tcpd_option o = (enum tcpd_option)_i;
	struct conn *c = rig_conn(1, 1);
	uint64_t v = some(o);

	c->mss = 0; /* MAXSEG: what was asked for */
	option_put(rig.t, c, o, v);
	ck_assert_uint_eq(option_get(c, o), v);
	c->mss = 1000;
	rig_drain();
}
END_TEST

START_TEST(options_that_were_set_are_inherited_and_no_others)
{
	struct options s = {.set = 0};
	struct conn *c = rig_conn(1, 1);
	uint32_t had = c->keepintvl_ms;

	c->advmss = 1460;
	s.value[TCPD_OPT_KEEPINTVL] = TCPD_SEC(1); /* not said to be set */
	s.set = UINT64_C(1) << TCPD_OPT_TOS | UINT64_C(1) << TCPD_OPT_MAXSEG;
	s.value[TCPD_OPT_TOS] = 8;
	s.value[TCPD_OPT_MAXSEG] = 700;
	options_inherit(rig.t, c, &s);
	ck_assert_uint_eq(c->tos, 8);
	ck_assert_uint_eq(c->advmss, 700);
	ck_assert_uint_eq(c->keepintvl_ms, had);
	ck_assert_uint_eq(c->options, s.set);
	s.value[TCPD_OPT_MAXSEG] = 900; /* never more than the path has */
	options_inherit(rig.t, c, &s);
	ck_assert_uint_eq(c->advmss, 700);
	ck_assert_uint_eq(options_get(&s, TCPD_OPT_TOS), 8);
	ck_assert_uint_eq(options_get(&s, TCPD_OPT_KEEPCNT), 9);
}
END_TEST

START_TEST(option_user_timeout_counts_for_what_is_under_way)
{
	struct conn *c = rig_conn(1, 1);

	option_put(rig.t, c, TCPD_OPT_USER_TIMEOUT, TCPD_SEC(5));
	ck_assert_uint_eq(c->timer[CT_USER], 0);
	c->stalled_at = rig.now;
	option_put(rig.t, c, TCPD_OPT_USER_TIMEOUT, TCPD_SEC(7));
	ck_assert_uint_eq(c->timer[CT_USER], rig.now + TCPD_SEC(7));
	c->timer[CT_USER] = 0;
	c->stalled_at = 0;
}
END_TEST

int main(void)
{
	Suite *s = suite_create("option");
	TCase *tc = rig_case(s, "option");

	tcase_add_loop_test(tc, option_has_a_default_that_a_new_connection_has,
			    0, TCPD_NOPTIONS);
	tcase_add_loop_test(tc, option_that_was_put_is_read, 0, TCPD_NOPTIONS);
	tcase_add_test(tc, options_that_were_set_are_inherited_and_no_others);
	tcase_add_test(tc, option_user_timeout_counts_for_what_is_under_way);
	return rig_run(s);
}
