/* SPDX-License-Identifier: MIT */
/* test_names.c - every number of the tables has its word, any other "?". */
#include <check.h>
#include <limits.h>
#include <string.h>

#include "tcpd_drop.h"
#include "tcpd_err.h"
#include "tcpd_stat.h"

START_TEST(names_of_errors_go_with_or_without_the_minus_sign)
{
	static const struct {
		int err;
		const char *name, *text;
	} rows[] = {
		{0, "OK", "no error"},
		{TCPD_ERR_HANDLE, "HANDLE", "connection does not exist"},
		{-TCPD_ERR_REFUSED, "REFUSED", "connection refused"},
		{-TCPD_ERR_RECORD, "RECORD",
		 "record is damaged or of another version"},
		{TCPD_NERRS, "?", "?"},
		{-TCPD_NERRS, "?", "?"},
		{INT_MAX, "?", "?"},
		{INT_MIN, "?", "?"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		ck_assert_str_eq(tcpd_err_name(rows[i].err), rows[i].name);
		ck_assert_str_eq(tcpd_err_text(rows[i].err), rows[i].text);
	}
	for (int e = 0; e < TCPD_NERRS; e++)
		ck_assert_str_ne(tcpd_err_name(e), "?");
}
END_TEST

START_TEST(names_of_drops_are_their_keys)
{
	ck_assert_str_eq(tcpd_drop_name(TCPD_DROP_IP_SHORT), "ip_short");
	ck_assert_str_eq(tcpd_drop_name(TCPD_DROP_REPLY_FULL), "reply_full");
	ck_assert_str_eq(tcpd_drop_text(TCPD_DROP_TCP_PORT_ZERO), "port 0");
	for (int d = 0; d < TCPD_NDROPS; d++) {
		ck_assert_str_ne(tcpd_drop_name((enum tcpd_drop)d), "?");
		for (int e = 0; e < d; e++)
			ck_assert_str_ne(tcpd_drop_name((enum tcpd_drop)d),
					 tcpd_drop_name((enum tcpd_drop)e));
	}
	ck_assert_str_eq(tcpd_drop_name(TCPD_NDROPS), "?");
	ck_assert_str_eq(tcpd_drop_text(TCPD_NDROPS), "?");
}
END_TEST

START_TEST(names_of_resets_are_their_keys)
{
	ck_assert_str_eq(tcpd_reset_name(TCPD_RESET_NO_LISTENER),
			 "no_listener");
	ck_assert_str_eq(tcpd_reset_name(TCPD_RESET_FAULT), "fault");
	ck_assert_str_eq(tcpd_reset_text(TCPD_RESET_TIMEOUT), "gave up");
	ck_assert_str_eq(tcpd_reset_name(TCPD_NRESETS), "?");
	ck_assert_str_eq(tcpd_reset_text(TCPD_NRESETS), "?");
}
END_TEST

START_TEST(names_of_counters_lead_to_their_places)
{
	struct tcpd_stats st;
	const struct tcpd_stat_row *r;
	unsigned n = 0;

	/* each counter holds its own number, so a wrong offset shows */
	memset(&st, 0, sizeof(st));
#define X(group, key, text) st.group##_##key = ++n;
	TCPD_STATS(X)
#undef X
	for (unsigned i = 0; i < n; i++) {
		uint64_t v;

		r = tcpd_stat_row(i);
		ck_assert_ptr_nonnull(r);
		memcpy(&v, (const char *)&st + r->offset, sizeof(v));
		ck_assert_msg(v == i + 1, "%s.%s", r->group, r->key);
	}
	r = tcpd_stat_row(0);
	ck_assert_str_eq(r->group, "packets");
	ck_assert_str_eq(r->key, "in");
	ck_assert_str_eq(r->text, "packets from the device");
	ck_assert_ptr_null(tcpd_stat_row(n));
	ck_assert_ptr_null(tcpd_stat_row(UINT_MAX));
}
END_TEST

int main(void)
{
	Suite *s = suite_create("names");
	TCase *tc = tcase_create("names");
	SRunner *sr = srunner_create(s);
	int failed;

	tcase_add_test(tc, names_of_errors_go_with_or_without_the_minus_sign);
	tcase_add_test(tc, names_of_drops_are_their_keys);
	tcase_add_test(tc, names_of_resets_are_their_keys);
	tcase_add_test(tc, names_of_counters_lead_to_their_places);
	suite_add_tcase(s, tc);
	srunner_set_tap(sr, "-");
	srunner_run_all(sr, CK_SILENT);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed != 0;
}
