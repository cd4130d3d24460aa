/* SPDX-License-Identifier: MIT */
/* test_filter.c - FILTER of ss(8): what matches, and what is refused.
 * LINK: daemon/filter.c
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/daemon.h"
#include "wire/pretty.h"

static const struct row {
	const char *filter;
	const char *local, *peer;
	enum tcpd_state state;
	bool match;
} rows[] = {
#define WEB "10.77.0.2:80", "10.77.0.1:40112", TCPD_ESTABLISHED
#define SIX "[fd77::2]:443", "[fd77::1]:50000", TCPD_FIN_WAIT_1
#define LIS "*:80", "*:*", TCPD_LISTEN
	{"", WEB, true},
	{"  ", WEB, true},
	{"sport = 80", WEB, true},
	{"sport = :80", WEB, true},
	{"sport 80", WEB, true},
	{"sport=80", WEB, true},
	{"dport = 80", WEB, false},
	{"dport 40112", WEB, true},
	{"sport != 80", WEB, false},
	{"sport ne 81", WEB, true},
	{"dport > 40111", WEB, true},
	{"dport > 40112", WEB, false},
	{"dport >= 40112", WEB, true},
	{"dport < 40112", WEB, false},
	{"dport le 40112", WEB, true},
	{"src 10.77.0.2", WEB, true},
	{"src = 10.77.0.2", WEB, true},
	{"src 10.77.0.3", WEB, false},
	{"src 10.77.0.2:80", WEB, true},
	{"src 10.77.0.2:81", WEB, false},
	{"src :80", WEB, true},
	{"src *:80", WEB, true},
	{"dst 10.77.0.0/24", WEB, true},
	{"dst 10.77.0.0/31", WEB, true},
	{"dst 10.77.0.2/31", WEB, false},
	{"dst 10.0.0.0/8:40112", WEB, true},
	{"dst 0.0.0.0/0", WEB, true},
	{"dst 0.0.0.0/0", SIX, false},
	{"src fd77::2", SIX, true},
	{"src [fd77::2]", SIX, true},
	{"src [fd77::2]:443", SIX, true},
	{"src [fd77::2]:80", SIX, false},
	{"src [fd77::]/16:443", SIX, true},
	{"src fd78::/16", SIX, false},
	{"src fd78::/12", SIX, true},
	{"sport = 80 and dport = 40112", WEB, true},
	{"sport = 80 dport = 1", WEB, false},
	{"sport = 1 or dport = 40112", WEB, true},
	{"sport = 1 or sport = 2 and dport = 40112", WEB, false},
	{"sport = 80 or sport = 2 and dport = 1", WEB, true},
	{"( sport = 80 or sport = 2 ) and dport = 1", WEB, false},
	{"(sport=80|sport=2)&dport=40112", WEB, true},
	{"not sport = 80", WEB, false},
	{"! sport = 81", WEB, true},
	{"not not sport = 80", WEB, true},
	{"not (sport = 80 and dport = 1)", WEB, true},
	{"state established", WEB, true},
	{"state ESTABLISHED", WEB, true},
	{"state syn-recv", WEB, false},
	{"state connected", WEB, true},
	{"state connected", LIS, false},
	{"state listening", LIS, true},
	{"state fin-wait-1 state established", WEB, true},
	{"state fin-wait-1 state established dport = 1", WEB, false},
	{"exclude established", WEB, false},
	{"exclude listen", WEB, true},
	{"state all exclude established", WEB, false},
	{"SPORT = 80 AND NOT DPORT = 1", WEB, true},
	{"sport = 80", LIS, true},
	{"src 10.77.0.2", LIS, false},
};

START_TEST(filter_matches_what_ss_would_match)
{
	const struct row *r = &rows[_i];
	struct tcpd_addr local, peer;
	char err[200] = "";
	struct filter *f = filter_parse(r->filter, err, sizeof(err));

	ck_assert_msg(f != NULL, "%s: %s", r->filter, err);
	memset(&peer, 0, sizeof(peer));
	ck_assert(pretty_parse_addr(&local, r->local));
	if (strcmp(r->peer, "*:*") != 0)
		ck_assert(pretty_parse_addr(&peer, r->peer));
	ck_assert_msg(filter_match(f, &local, &peer, r->state) == r->match,
		      "%s: %s > %s", r->filter, r->local, r->peer);
	filter_free(f);
}
END_TEST

static const struct {
	const char *filter, *says;
} wrong[] = {
	{"dport", "expected a port, found the end"},
	{"dport =", "expected a port, found the end"},
	{"dport = 65536", "port 65536, expected a number"},
	{"dport = 99999999999999999999", "expected a number"},
	{"dport = http", "port http"},
	{"dport = -1", "port -1"},
	{"src", "expected an address"},
	{"src 10.77.0", "address 10.77.0, expected"},
	{"src 10.77.0.2/33", "prefix length 33, expected 0 to 32"},
	{"src fd77::/129", "prefix length 129"},
	{"src 10.77.0.2/", "prefix length"},
	{"src [fd77::2", "expected [ADDRESS]:PORT"},
	{"src [fd77::2]x", "expected [ADDRESS]:PORT"},
	{"src 10.77.0.2:", "port"},
	{"state", "big, found the end"},
	{"state open", "big, found open"},
	{"and dport = 80", "found and"},
	{"dport = 80 and", "found the end"},
	{"dport = 80 or", "found the end"},
	{"( dport = 80", "expected ), found the end"},
	{"dport = 80 )", "expected the end, found )"},
	{"not", "found the end"},
	{"frobnicate", "found frobnicate"},
	{"dport = 80 80", "found 80"},
};

START_TEST(filter_says_what_it_expected)
{
	char err[200] = "";

	ck_assert_ptr_null(filter_parse(wrong[_i].filter, err, sizeof(err)));
	ck_assert_msg(strstr(err, wrong[_i].says) != NULL, "%s: said \"%s\"",
		      wrong[_i].filter, err);
}
END_TEST

static char many[8000];

/* |first|, then |n| times |next|. */
static const char *repeat(const char *first, const char *next, int n)
{
	size_t at = (size_t)snprintf(many, sizeof(many), "%s", first);

	while (n-- > 0)
		at += (size_t)snprintf(many + at, sizeof(many) - at, "%s",
				       next);
	return many;
}

static const struct {
	const char *first, *next;
	int n;
	const char *says; /* NULL: it is fine */
} bounds[] = {
	{"", "(", 200, "levels"},
	{"", "not ", 200, "levels"},
	{"dport = 1", " or dport = 1", 300, "terms"},
	{"", "x", 200, "octets"},
	/* brackets beside each other are no depth */
	{"(dport = 1)", " or (dport = 1)", 60, NULL},
	{"dport = 1", " or dport = 1", 120, NULL},
};

START_TEST(filter_bounds_depth_length_and_words)
{
	char err[200] = "";
	struct filter *f = filter_parse(
		repeat(bounds[_i].first, bounds[_i].next, bounds[_i].n), err,
		sizeof(err));

	if (bounds[_i].says)
		ck_assert_msg(!f && strstr(err, bounds[_i].says), "%s...: %s",
			      bounds[_i].next, err);
	else
		ck_assert_msg(f != NULL, "%s...: %s", bounds[_i].next, err);
	filter_free(f);
}
END_TEST

START_TEST(filter_knows_whether_it_asks_for_states)
{
	static const char *const with[] = {"state listen", "(STATE listen)",
					   "sport = 1 or !exclude closed"};
	static const char *const without[] = {"", "sport = 1", "not src ::1"};
	char err[200];

	for (int i = 0; i < 3; i++) {
		struct filter *f = filter_parse(with[i], err, sizeof(err));
		struct filter *g = filter_parse(without[i], err, sizeof(err));

		ck_assert(f && g);
		ck_assert_msg(filter_has_state(f), "%s", with[i]);
		ck_assert_msg(!filter_has_state(g), "%s", without[i]);
		filter_free(f);
		filter_free(g);
	}
}
END_TEST

START_TEST(filter_null_matches_everything)
{
	struct tcpd_addr a;

	memset(&a, 0, sizeof(a));
	ck_assert(filter_match(NULL, &a, &a, TCPD_CLOSED));
}
END_TEST

int main(void)
{
	Suite *s = suite_create("filter");
	TCase *tc = tcase_create("filter");
	SRunner *sr = srunner_create(s);
	int failed;

	tcase_add_loop_test(tc, filter_matches_what_ss_would_match, 0,
			    (int)(sizeof(rows) / sizeof(rows[0])));
	tcase_add_loop_test(tc, filter_says_what_it_expected, 0,
			    (int)(sizeof(wrong) / sizeof(wrong[0])));
	tcase_add_loop_test(tc, filter_bounds_depth_length_and_words, 0,
			    (int)(sizeof(bounds) / sizeof(bounds[0])));
	tcase_add_test(tc, filter_knows_whether_it_asks_for_states);
	tcase_add_test(tc, filter_null_matches_everything);
	suite_add_tcase(s, tc);
	srunner_set_tap(sr, "-");
	srunner_run_all(sr, CK_SILENT);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed != 0;
}
