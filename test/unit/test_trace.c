/* SPDX-License-Identifier: MIT */
/*
 * test_trace.c - a change of state, and a reset, as people read them.
 * LINK: daemon/trace.c */
#include <check.h>
#include <string.h>

#include "daemon/daemon.h"
#include "wire/pretty.h"

static struct tcpd_trace trace(const char *peer, const char *local)
{
	struct tcpd_trace tr = {
		.at = 1000 + TCPD_SEC(93) + 12999,
		.id = 7,
		.from = TCPD_SYN_RECEIVED,
		.to = TCPD_CLOSED,
		.event = "TIMEOUT",
	};

	ck_assert(pretty_parse_addr(&tr.peer, peer));
	ck_assert(pretty_parse_addr(&tr.local, local));
	return tr;
}

START_TEST(trace_line_is_as_the_design_has_it)
{
	const struct daemon d = {.start = 1000};
	struct tcpd_trace tr = trace("10.77.0.1:40112", "10.77.0.2:80");
	char line[TRACE_LINE_MAX];

	ck_assert_str_eq(trace_line(&d, &tr, line),
			 "93.000012 conn=7 10.77.0.1:40112>10.77.0.2:80 "
			 "SYN-RECEIVED -> CLOSED on=TIMEOUT");
	tr = trace("[fd77::1]:1", "[fd77::2]:80");
	tr.at += TCPD_MS(987);
	ck_assert_str_eq(trace_line(&d, &tr, line),
			 "93.987012 conn=7 [fd77::1]:1>[fd77::2]:80 "
			 "SYN-RECEIVED -> CLOSED on=TIMEOUT");
}
END_TEST

static const struct rst_row {
	enum tcpd_trace_kind kind;
	tcpd_id id;
	uint64_t left_out;
	const char *event, *line;
} rst_rows[] = {
	{TCPD_TRACE_RST_SENT, 0, 0, "no_listener",
	 "93.000012 conn=- 10.77.0.1:1>10.77.0.2:80 RST sent "
	 "cause=no_listener"},
	{TCPD_TRACE_RST_SENT, 7, 0, "abort",
	 "93.000012 conn=7 10.77.0.1:1>10.77.0.2:80 RST sent cause=abort"},
	{TCPD_TRACE_RST_RECEIVED, 7, 0, "no_connection",
	 "93.000012 conn=7 10.77.0.1:1>10.77.0.2:80 RST received "
	 "cause=no_connection"},
	{TCPD_TRACE_RST_IGNORED, 7, 12345, "sequence",
	 "93.000012 conn=7 10.77.0.1:1>10.77.0.2:80 RST ignored "
	 "cause=sequence left-out=12345"},
};

START_TEST(trace_line_of_a_reset_has_its_cause)
{
	const struct rst_row *row = &rst_rows[_i];
	const struct daemon d = {.start = 1000};
	struct tcpd_trace tr = trace("10.77.0.1:1", "10.77.0.2:80");
	char line[TRACE_LINE_MAX];

	tr.kind = row->kind;
	tr.id = row->id;
	tr.event = row->event;
	tr.left_out = row->left_out;
	ck_assert_str_eq(trace_line(&d, &tr, line), row->line);
}
END_TEST

START_TEST(trace_line_has_room_for_the_longest_addresses)
{
	const struct daemon d = {.start = 0};
	struct tcpd_trace tr =
		trace("[1111:2222:3333:4444:5555:6666:7777:8888]:65535",
		      "[1111:2222:3333:4444:5555:6666:7777:8888]:65535");
	char line[TRACE_LINE_MAX];

	tr.at = TCPD_NEVER;
	tr.id = ((tcpd_id)1 << 53) - 1;
	trace_line(&d, &tr, line);
	ck_assert_ptr_nonnull(strstr(line, " on=TIMEOUT"));
}
END_TEST

START_TEST(trace_line_before_the_start_is_at_zero)
{
	const struct daemon d = {.start = TCPD_SEC(1000)};
	struct tcpd_trace tr = trace("10.77.0.1:1", "10.77.0.2:80");
	char line[TRACE_LINE_MAX];

	trace_line(&d, &tr, line);
	ck_assert_int_eq(strncmp(line, "0.000000 conn=7 ", 16), 0);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("trace");
	TCase *tc = tcase_create("lines");
	SRunner *sr = srunner_create(s);
	int failed;

	tcase_add_test(tc, trace_line_is_as_the_design_has_it);
	tcase_add_loop_test(tc, trace_line_of_a_reset_has_its_cause, 0,
			    sizeof(rst_rows) / sizeof(rst_rows[0]));
	tcase_add_test(tc, trace_line_has_room_for_the_longest_addresses);
	tcase_add_test(tc, trace_line_before_the_start_is_at_zero);
	suite_add_tcase(s, tc);
	srunner_set_tap(sr, "-");
	srunner_run_all(sr, CK_SILENT);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed != 0;
}
