/* SPDX-License-Identifier: MIT */
/*
 * test_uto.c - the user time-out option (RFC 5482): its value, the formula of
 * 3.1, and who may change what.
 *
 * LINK: test/unit/rig.c
 */
#include "rig.h"
#include "tcp/option.h"
#include "tcp/uto.h"

static const struct {
	uint32_t seconds;
	uint16_t wire;
	uint32_t back;
} values[] = {
	/* clang-format off */
	{1,		1,	1},
	{300,		300,	300},
	{32767,		32767,	32767},
	{32768,		0x8000 | 547, 32820}, /* rounded up */
	{86400,		0x8000 | 1440, 86400},
	{32767 * 60,	0xffff,	32767 * 60},
	{UINT32_MAX - 59, 0xffff, 32767 * 60},
	{0,		0,	0},
	/* clang-format on */
};

START_TEST(uto_has_a_unit_and_15_bits)
{
	ck_assert_uint_eq(uto_to_wire(values[_i].seconds), values[_i].wire);
	ck_assert_uint_eq(uto_from_wire(values[_i].wire), values[_i].back);
	ck_assert_uint_eq(uto_from_wire(0x8000), 0);
}
END_TEST

static void told(struct conn *c, uint16_t uto, bool stale)
{
	struct segment s = {.tu = c->tu, .nwire = 1, .stale = stale};

	s.h.opt.has_uto = true;
	s.h.opt.uto = uto;
	uto_take(rig.t, c, &s);
}

static const struct {
	const char *name;
	uint32_t adv; /* s */
	uint16_t remote;
	tcpd_time rto;
	tcpd_time want;
} rows[] = {
	/* clang-format off */
	{"the larger: the peer's", 60, 120, 0, TCPD_SEC(120)},
	{"the larger: ours", 180, 120, 0, TCPD_SEC(180)},
	{"at least 100 s", 60, 1, 0, TCPD_SEC(100)},
	{"above the RTO", 60, 1, TCPD_SEC(110), TCPD_SEC(111)},
	{"at most a day", 60, 0xffff, 0, TCPD_SEC(86400)},
	{"minutes", 60, 0x8005, 0, TCPD_SEC(300)},
	{"0 is nothing", 60, 0, 0, 0},
	{"0 min is nothing", 60, 0x8000, 0, 0},
	{"nobody has asked", 0, 120, 0, 0},
	/* clang-format on */
};

START_TEST(uto_follows_the_formula)
{
	struct conn *c = rig_conn(1, 1);

	rig.t->set.rto_max = TCPD_SEC(120);
	if (rows[_i].rto)
		c->rto = rows[_i].rto;
	uto_advertise(rig.t, c, TCPD_SEC(rows[_i].adv));
	ck_assert_uint_eq(c->user_timeout, 0); /* before he says something */
	told(c, rows[_i].remote, false);
	ck_assert_msg(c->user_timeout == rows[_i].want, "%s: %llu",
		      rows[_i].name, (unsigned long long)c->user_timeout);
	ck_assert(uto_adopted(c) == (rows[_i].want != 0));
}
END_TEST

START_TEST(uto_of_the_app_is_its_own)
{
	struct conn *c = rig_conn(1, 1);

	uto_advertise(rig.t, c, TCPD_SEC(60));
	told(c, 200, false);
	ck_assert_uint_eq(c->user_timeout, TCPD_SEC(200));
	c->options |= UINT64_C(1) << TCPD_OPT_USER_TIMEOUT;
	option_put(rig.t, c, TCPD_OPT_USER_TIMEOUT, TCPD_SEC(30));
	told(c, 300, false);
	ck_assert_uint_eq(c->user_timeout, TCPD_SEC(30));
	uto_advertise(rig.t, c, 0);
	ck_assert_uint_eq(c->user_timeout, TCPD_SEC(30));
	ck_assert(!uto_adopted(c));
}
END_TEST

START_TEST(uto_of_an_old_segment_or_for_nobody_is_not_taken)
{
	struct conn *c = rig_conn(1, 1);

	uto_advertise(rig.t, c, TCPD_SEC(60));
	told(c, 200, true);
	ck_assert_uint_eq(c->user_timeout, 0);
	c->orphan = true;
	told(c, 200, false);
	ck_assert_uint_eq(c->user_timeout, 0);
	c->orphan = false;
}
END_TEST

START_TEST(uto_keeps_keepalive_above_it)
{
	struct conn *c = rig_conn(1, 1);

	c->keepidle_ms = 20000;
	ck_assert_uint_eq(uto_keepidle(c), TCPD_SEC(20));
	uto_advertise(rig.t, c, TCPD_SEC(60));
	told(c, 200, false);
	ck_assert_uint_gt(uto_keepidle(c), TCPD_SEC(200));
	c->keepidle_ms = 7200000;
	ck_assert_uint_eq(uto_keepidle(c), TCPD_SEC(7200));
}
END_TEST

/* What is in flight ends by the time-out that came while it was. */
START_TEST(uto_counts_for_what_is_under_way)
{
	struct conn *c = rig_conn(1, 1);

	rig_fill(c, 1, 0, 100);
	conn_want_output(rig.t, c);
	ck_assert_uint_ge(rig_drain(), 1);
	uto_advertise(rig.t, c, TCPD_SEC(60));
	told(c, 100, false);
	ck_assert_uint_eq(c->timer[CT_USER], c->stalled_at + TCPD_SEC(100));
	ck_assert(c->uto_due);
	uto_advertise(rig.t, c, TCPD_SEC(60)); /* the same is still to go */
	ck_assert(c->uto_due);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("uto");
	TCase *tc = rig_case(s, "uto");

	tcase_add_loop_test(tc, uto_has_a_unit_and_15_bits, 0,
			    ARRAY_SIZE(values));
	tcase_add_loop_test(tc, uto_follows_the_formula, 0, ARRAY_SIZE(rows));
	tcase_add_test(tc, uto_of_the_app_is_its_own);
	tcase_add_test(tc, uto_of_an_old_segment_or_for_nobody_is_not_taken);
	tcase_add_test(tc, uto_keeps_keepalive_above_it);
	tcase_add_test(tc, uto_counts_for_what_is_under_way);
	return rig_run(s);
}
