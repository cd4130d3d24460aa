/* SPDX-License-Identifier: MIT */
/* test_report.c - tables and JSON of tcpctl, from values made up here.
 * LINK: daemon/report.c daemon/report_ss.c daemon/report_show.c
 * LINK: daemon/report_stats.c daemon/report_fsm.c daemon/text.c
 * LINK: daemon/trace.c
 */
#include <check.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/clamp.h"
#include "daemon/report.h"
#include "wire/pretty.h"

static struct text t;

static void setup(void)
{
	memset(&t, 0, sizeof(t));
}

static void teardown(void)
{
	text_free(&t);
}

static void addr(struct tcpd_addr *a, const char *text)
{
	memset(a, 0, sizeof(*a));
	if (strcmp(text, "*:*") != 0)
		ck_assert(pretty_parse_addr(a, text));
}

/* The keys that programs rely on. */
static struct report_row half_open(void)
{
	struct report_row r;

	memset(&r, 0, sizeof(r));
	r.s.id = 7;
	r.s.kind = TCPD_KIND_HALF_OPEN;
	r.s.state = TCPD_SYN_RECEIVED;
	addr(&r.s.local, "10.77.0.2:80");
	addr(&r.s.peer, "10.77.0.1:40112");
	r.s.timer = TCPD_TIMER_SYNACK;
	r.s.timer_left = TCPD_MS(2990);
	r.s.retries = 1;
	r.info.has_process = true;
	r.info.uid = 1000;
	r.info.pid = 4242;
	strcpy(r.info.comm, "nginx");
	return r;
}

static struct report_row listener(void)
{
	struct report_row r;

	memset(&r, 0, sizeof(r));
	r.s.id = 1;
	r.s.kind = TCPD_KIND_LISTENER;
	r.s.state = TCPD_LISTEN;
	addr(&r.s.local, "*:80");
	addr(&r.s.peer, "*:*");
	r.s.recv_q = 3;
	r.s.send_q = 4096;
	strcpy(r.info.comm, "web");
	return r;
}

START_TEST(report_json_row_is_the_one_that_was_promised)
{
	struct report_row r = half_open();
	struct report_ss ss = {.json = true};

	report_ss_rows(&ss, &t, &r, 1);
	report_ss_end(&ss, &t);
	ck_assert_str_eq(
		t.p,
		"[{\"id\":7,\"state\":\"SYN-RECEIVED\","
		"\"local\":\"10.77.0.2:80\",\"peer\":\"10.77.0.1:40112\","
		"\"recv_q\":0,\"send_q\":0,\"timer\":\"synack\","
		"\"timer_ms\":2990,\"retries\":1,\"uid\":1000,\"pid\":4242,"
		"\"comm\":\"nginx\"}\n]\n");
}
END_TEST

START_TEST(report_json_key_without_meaning_is_null)
{
	struct report_row r = listener();
	json_t *j = report_ss_json(&r);

	ck_assert_str_eq(json_string_value(json_object_get(j, "local")),
			 "*:80");
	ck_assert_str_eq(json_string_value(json_object_get(j, "peer")), "*:*");
	ck_assert(json_is_null(json_object_get(j, "timer")));
	ck_assert(json_is_null(json_object_get(j, "timer_ms")));
	ck_assert(json_is_null(json_object_get(j, "retries")));
	ck_assert(json_is_null(json_object_get(j, "uid")));
	ck_assert(json_is_null(json_object_get(j, "pid")));
	ck_assert_str_eq(json_string_value(json_object_get(j, "comm")), "web");
	ck_assert_uint_eq(json_object_size(j), 12);
	json_decref(j);
}
END_TEST

/* Rows are written by hand; what they say is what the object says. */
START_TEST(report_json_row_is_written_as_its_object_is)
{
	static const char *const names[] = {"", "nginx", "a\"b", "\\", "\"\\"};

	for (size_t i = 0; i < 44 * ARRAY_SIZE(names); i++) {
		struct report_row r = i % 2 ? half_open() : listener();
		struct report_ss ss = {.json = true};
		char *want, row[600];
		json_t *j;

		r.s.kind = (enum tcpd_kind)(i % 4);
		r.s.state = (enum tcpd_state)(i / 4 % 11);
		r.s.timer = (enum tcpd_timer)(i % TCPD_NTIMERS);
		r.s.id = (UINT64_C(1) << 53) - i;
		r.s.recv_q = (uint64_t)i << 31;
		(void)snprintf(r.info.comm, sizeof(r.info.comm), "%s",
			       names[i / 44]);
		teardown();
		report_ss_rows(&ss, &t, &r, 1);
		j = report_ss_json(&r);
		want = json_dumps(j, JSON_COMPACT);
		json_decref(j);
		ck_assert_int_lt(snprintf(row, sizeof(row), "[%s\n", want),
				 (int)sizeof(row));
		ck_assert_str_eq(t.p, row);
		free(want);
	}
}
END_TEST

START_TEST(report_json_of_no_rows_is_an_empty_array)
{
	struct report_ss ss = {.json = true};

	report_ss_end(&ss, &t);
	ck_assert_str_eq(t.p, "[]\n");
}
END_TEST

START_TEST(report_json_of_many_pieces_is_one_array)
{
	struct report_ss ss = {.json = true};
	struct report_row r[3] = {half_open(), listener(), half_open()};
	json_t *j;

	report_ss_rows(&ss, &t, r, 2);
	report_ss_rows(&ss, &t, r + 2, 1);
	report_ss_end(&ss, &t);
	j = json_loads(t.p, 0, NULL);
	ck_assert_ptr_nonnull(j);
	ck_assert_uint_eq(json_array_size(j), 3);
	json_decref(j);
}
END_TEST

START_TEST(report_table_has_its_columns_aligned)
{
	struct report_row r[2] = {half_open(), listener()};
	struct report_ss ss = {.processes = true};

	report_ss_rows(&ss, &t, r, 2);
	report_ss_end(&ss, &t);
	ck_assert_str_eq(
		t.p,
		"State         Recv-Q  Send-Q  Local         Peer             "
		"Timer             Process\n"
		"SYN-RECEIVED       0       0  10.77.0.2:80  10.77.0.1:40112  "
		"synack 2.99s (1)  nginx pid=4242 uid=1000\n"
		"LISTEN             3    4096  *:80          *:*              "
		"-                 web\n");
}
END_TEST

START_TEST(report_table_without_rows_has_its_head)
{
	struct report_ss ss = {.json = false};

	report_ss_end(&ss, &t);
	ck_assert_str_eq(t.p, "State  Recv-Q  Send-Q  Local  Peer  Timer  "
			      "Process\n");
}
END_TEST

static void some_info(struct daemon *d, struct endpoint *e,
		      struct endpoint_info *info)
{
	(void)d;
	(void)e;
	info->has_process = true;
	info->unread = 1000;
	memcpy(info->comm, "a\x1b[31m\xff\"b<\0", 11);
}

START_TEST(report_recv_q_counts_what_the_app_has_not_read)
{
	const struct endpoint_ops ops = {NULL, some_info};
	struct endpoint e = {&ops};
	struct tcpd_status s;
	struct report_row r;

	memset(&s, 0, sizeof(s));
	s.kind = TCPD_KIND_CONN;
	s.recv_q = 7;
	s.user = &e;
	report_row_make(NULL, &s, &r);
	ck_assert_uint_eq(r.s.recv_q, 1007);
	s.kind = TCPD_KIND_LISTENER;
	report_row_make(NULL, &s, &r);
	ck_assert_uint_eq(r.s.recv_q, 7);
}
END_TEST

START_TEST(report_cleans_the_name_that_a_program_gave_itself)
{
	const struct endpoint_ops ops = {NULL, some_info};
	struct endpoint e = {&ops};
	struct tcpd_status s;
	struct report_row r;
	json_t *j;

	memset(&s, 0, sizeof(s));
	s.user = &e;
	report_row_make(NULL, &s, &r);
	ck_assert_str_eq(r.info.comm, "a?[31m?\"b<");
	j = report_ss_json(&r);
	ck_assert_ptr_nonnull(j);
	json_decref(j);
	text_html(&t, r.info.comm);
	ck_assert_str_eq(t.p, "a?[31m?&quot;b&lt;");
}
END_TEST

static const struct {
	tcpd_time ns;
	const char *text;
} durations[] = {
	{0, "0ns"},
	{999, "999ns"},
	{TCPD_US(1), "1us"},
	{TCPD_US(999), "999us"},
	{TCPD_US(1230), "1.23ms"},
	{TCPD_MS(200), "200ms"},
	{TCPD_MS(2990), "2.99s"},
	{TCPD_SEC(48), "48.0s"},
	{TCPD_SEC(237) + TCPD_MS(999), "3min57s"},
	{TCPD_SEC(300), "5min00s"},
	{TCPD_SEC(7200), "2.0h"},
	{TCPD_SEC(86400) * 25, "25d"},
};

START_TEST(report_durations_have_a_fitting_unit)
{
	char buf[24];

	ck_assert_str_eq(report_duration(buf, sizeof(buf), durations[_i].ns),
			 durations[_i].text);
}
END_TEST

static const struct {
	uint64_t n;
	const char *text;
} counts[] = {
	{0, "0"},
	{99999, "99999"},
	{100000, "100k"},
	{999499, "999k"},
	{999500, "1.0M"},
	{12345678, "12.3M"},
	{99949999, "99.9M"},
	{99950000, "100M"},
	{UINT64_MAX, "18.4E"},
};

START_TEST(report_counts_fit_five_octets)
{
	char buf[24];

	ck_assert_str_eq(report_count(buf, sizeof(buf), counts[_i].n),
			 counts[_i].text);
	ck_assert_uint_le(strlen(buf), 5);
}
END_TEST

START_TEST(report_show_tells_all_of_a_connection)
{
	struct report_row r = half_open();
	static const char *const keys[] = {
		"srtt_us", "cwnd",    "ssthresh", "snd_una",	 "rcv_nxt",
		"mss",	   "pmtu",    "ts",	  "congestion",	 "segs_in",
		"iss",	   "rcv_ooo", "error",	  "octets_acked"};
	json_t *j;

	r.s.kind = TCPD_KIND_CONN;
	r.s.state = TCPD_ESTABLISHED;
	r.s.congestion = "newreno";
	r.s.ssthresh = UINT32_MAX;
	r.s.srtt = TCPD_US(120);
	r.s.born = TCPD_SEC(1);
	r.s.soft_err = TCPD_ERR_HOST_UNREACH;
	r.info.unread = 12;
	report_show_text(&t, &r, TCPD_SEC(3));
	ck_assert_ptr_nonnull(strstr(t.p, "7  ESTABLISHED  10.77.0.2:80  peer "
					  "10.77.0.1:40112"));
	ck_assert_ptr_nonnull(strstr(t.p, "begun 2.00s ago"));
	ck_assert_ptr_nonnull(strstr(t.p, "nginx, pid 4242, uid 1000"));
	ck_assert_ptr_nonnull(strstr(t.p, "12 of them in the app's fd"));
	ck_assert_ptr_nonnull(strstr(t.p, "120us smoothed"));
	ck_assert_ptr_nonnull(strstr(t.p, "threshold none"));
	ck_assert_ptr_nonnull(strstr(t.p, "host unreachable"));

	j = report_show_json(&r, TCPD_SEC(3));
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		ck_assert_msg(json_object_get(j, keys[i]) != NULL, "%s",
			      keys[i]);
	ck_assert_int_eq(json_integer_value(json_object_get(j, "id")), 7);
	ck_assert_int_eq(json_integer_value(json_object_get(j, "age_ms")),
			 2000);
	ck_assert(json_is_null(json_object_get(j, "last_snd_ms")));
	json_decref(j);
}
END_TEST

START_TEST(report_show_of_an_entry_has_no_made_up_figures)
{
	struct report_row r = half_open();
	json_t *j = report_show_json(&r, TCPD_SEC(3));

	ck_assert_ptr_null(json_object_get(j, "cwnd"));
	json_decref(j);
	report_show_text(&t, &r, TCPD_SEC(3));
	ck_assert_ptr_null(strstr(t.p, "congestion"));
	ck_assert_ptr_nonnull(strstr(t.p, "synack in 2.99s, 1 retries"));
}
END_TEST

static struct tcpd_stats stats;

START_TEST(report_stats_text_leaves_zeros_out_unless_asked)
{
	struct report_stats s = {.st = &stats};

	memset(&stats, 0, sizeof(stats));
	report_stats_text(&t, &s, false);
	ck_assert_str_eq(t.p, "nothing was counted yet\n");
	text_free(&t);

	stats.drops[TCPD_DROP_PAWS] = 5;
	stats.resets_sent[TCPD_RESET_NO_LISTENER] = 2;
	s.log_lost = 1;
	report_stats_text(&t, &s, false);
	ck_assert_ptr_nonnull(strstr(t.p, "drops\n  paws "));
	ck_assert_ptr_nonnull(strstr(t.p, "resets sent\n  no_listener "));
	ck_assert_ptr_nonnull(strstr(t.p, "log\n  lost "));
	ck_assert_ptr_null(strstr(t.p, "ip_short"));
	text_free(&t);

	report_stats_text(&t, &s, true);
	ck_assert_ptr_nonnull(strstr(t.p, "ip_short"));
	ck_assert_ptr_nonnull(strstr(t.p, "resets received"));
}
END_TEST

START_TEST(report_stats_json_has_every_counter_by_group)
{
	struct report_stats s = {.st = &stats, .tun = {.offload = true}};
	const struct tcpd_stat_row *row;
	json_t *j, *g;

	memset(&stats, 0, sizeof(stats));
	stats.resets_received[TCPD_RESET_ABORT] = 3;
	stats.octets_copied = 1234567890123;
	j = report_stats_json(&s);
	for (unsigned i = 0; (row = tcpd_stat_row(i)) != NULL; i++) {
		g = json_object_get(j, row->group);
		ck_assert_msg(json_is_integer(json_object_get(g, row->key)),
			      "%s.%s", row->group, row->key);
	}
	ck_assert_uint_eq(json_object_size(json_object_get(j, "drops")),
			  TCPD_NDROPS);
	g = json_object_get(json_object_get(j, "resets"), "received");
	ck_assert_uint_eq(json_object_size(g), TCPD_NRESETS);
	ck_assert_int_eq(json_integer_value(json_object_get(g, "abort")), 3);
	g = json_object_get(j, "octets");
	ck_assert_int_eq(json_integer_value(json_object_get(g, "copied")),
			 1234567890123);
	ck_assert(json_is_true(
		json_object_get(json_object_get(j, "device"), "offload")));
	json_decref(j);
}
END_TEST

static struct report_fsm fsm;

START_TEST(report_fsm_puts_counts_into_the_figure)
{
	const struct tcpd_arrow arrows[] = {
		{TCPD_LISTEN, TCPD_SYN_RECEIVED, "RCV SYN", "fig 5", 31337},
		{TCPD_LISTEN, TCPD_CLOSED, "CLOSE", "fig 5", 55},
		{TCPD_LISTEN, TCPD_CLOSED, "ABORT", "3.10.5", 66},
		{TCPD_ESTABLISHED, TCPD_CLOSED, "RCV RST", "3.10.7.4", 777},
	};
	size_t widest = 0;

	memset(&fsm, 0, sizeof(fsm));
	memcpy(fsm.arrow, arrows, sizeof(arrows));
	fsm.narrows = 4;
	fsm.live[TCPD_ESTABLISHED] = 12345;
	report_fsm_text(&t, &fsm);
	ck_assert_ptr_nonnull(strstr(t.p, "| 31337"));
	ck_assert_ptr_nonnull(strstr(t.p, "|   12345    |"));
	ck_assert_ptr_nonnull(strstr(t.p, "| 55"));
	ck_assert_ptr_nonnull(
		strstr(t.p, "  LISTEN       -> CLOSED       ABORT"));
	ck_assert_ptr_nonnull(
		strstr(t.p, "  ESTABLISHED  -> CLOSED       RCV RST"));
	ck_assert_ptr_null(strstr(t.p, "@"));
	for (char *l = strtok(t.p, "\n"); l; l = strtok(NULL, "\n"))
		if (strlen(l) > widest)
			widest = strlen(l);
	ck_assert_uint_le(widest, 80);
}
END_TEST

START_TEST(report_fsm_json_has_all_states_and_arrows)
{
	json_t *j, *states;

	memset(&fsm, 0, sizeof(fsm));
	fsm.live[TCPD_TIME_WAIT] = 4;
	fsm.narrows = 1;
	fsm.arrow[0] = (struct tcpd_arrow){TCPD_LISTEN, TCPD_SYN_RECEIVED,
					   "RCV SYN", "fig 5", 9};
	j = report_fsm_json(&fsm);
	states = json_object_get(j, "states");
	ck_assert_uint_eq(json_object_size(states), TCPD_NSTATES);
	ck_assert_int_eq(
		json_integer_value(json_object_get(states, "TIME-WAIT")), 4);
	j = (json_decref(j), report_fsm_json(&fsm));
	ck_assert_int_eq(
		json_integer_value(json_object_get(
			json_array_get(json_object_get(j, "arrows"), 0),
			"taken")),
		9);
	json_decref(j);
}
END_TEST

START_TEST(text_drops_from_its_front_and_pads)
{
	text_add(&t, "%s", "hello world");
	text_drop(&t, 6);
	ck_assert_str_eq(t.p, "world");
	text_pad(&t, 0, 8);
	ck_assert_str_eq(t.p, "world   ");
	text_drop(&t, 100);
	ck_assert_uint_eq(t.len, 0);
	for (int i = 0; i < 1000; i++)
		text_add(&t, "%0100d", i);
	ck_assert_uint_eq(t.len, 100000);
	ck_assert_str_eq(t.p + t.len - 3, "999");
}
END_TEST

static TCase *cases(void)
{
	TCase *tc = tcase_create("report");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, report_json_row_is_the_one_that_was_promised);
	tcase_add_test(tc, report_json_key_without_meaning_is_null);
	tcase_add_test(tc, report_json_row_is_written_as_its_object_is);
	tcase_add_test(tc, report_json_of_no_rows_is_an_empty_array);
	tcase_add_test(tc, report_json_of_many_pieces_is_one_array);
	tcase_add_test(tc, report_table_has_its_columns_aligned);
	tcase_add_test(tc, report_table_without_rows_has_its_head);
	tcase_add_test(tc, report_recv_q_counts_what_the_app_has_not_read);
	tcase_add_test(tc, report_cleans_the_name_that_a_program_gave_itself);
	tcase_add_loop_test(tc, report_durations_have_a_fitting_unit, 0,
			    (int)(sizeof(durations) / sizeof(durations[0])));
	tcase_add_loop_test(tc, report_counts_fit_five_octets, 0,
			    (int)(sizeof(counts) / sizeof(counts[0])));
	tcase_add_test(tc, report_show_tells_all_of_a_connection);
	tcase_add_test(tc, report_show_of_an_entry_has_no_made_up_figures);
	tcase_add_test(tc, report_stats_text_leaves_zeros_out_unless_asked);
	tcase_add_test(tc, report_stats_json_has_every_counter_by_group);
	tcase_add_test(tc, report_fsm_puts_counts_into_the_figure);
	tcase_add_test(tc, report_fsm_json_has_all_states_and_arrows);
	tcase_add_test(tc, text_drops_from_its_front_and_pads);
	return tc;
}

int main(void)
{
	Suite *s = suite_create("report");
	SRunner *sr = srunner_create(s);
	int failed;

	suite_add_tcase(s, cases());
	srunner_set_tap(sr, "-");
	srunner_run_all(sr, CK_SILENT);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed != 0;
}
