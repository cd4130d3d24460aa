/* SPDX-License-Identifier: MIT */
/*
 * test_conf_value.c - single values: text to value, and back to one text.
 * LINK: daemon/conf_value.c lib/wire/pretty.c
 */
#include <check.h>
#include <string.h>

#include "daemon/conf_value.h"

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

static void ck_why(const char *text, const char *got, const char *want)
{
	bool same = got == NULL ? want == NULL
				: want != NULL && strcmp(got, want) == 0;

	ck_assert_msg(same, "\"%s\": %s, not %s", text,
		      got != NULL ? got : "taken",
		      want != NULL ? want : "taken");
}

static const struct {
	const char *text;
	const char *why;
	uint64_t value;
} counts[] = {
	{"0", NULL, 0},
	{"1500", NULL, 1500},
	{"007", NULL, 7},
	{"18446744073709551615", NULL, UINT64_MAX},
	{"18446744073709551616", "is too large", 0},
	{"18446744073709551620", "is too large", 0},
	{"99999999999999999999", "is too large", 0},
	{"", "is no number", 0},
	{" 1", "is no number", 0},
	{"1 ", "is no number", 0},
	{"-1", "is no number", 0},
	{"+1", "is no number", 0},
	{"0x10", "is no number", 0},
	{"1.5", "is no number", 0},
};

START_TEST(conf_count_takes_decimal_numbers_that_do_not_wrap)
{
	for (size_t i = 0; i < ARRAY_SIZE(counts); i++) {
		uint64_t v;

		ck_why(counts[i].text, conf_count(counts[i].text, &v),
		       counts[i].why);
		if (counts[i].why == NULL)
			ck_assert_uint_eq(v, counts[i].value);
	}
}
END_TEST

static const struct {
	const char *text;
	const char *why;
	uint64_t value;
	const char *canonical;
} sizes[] = {
	{"4k", NULL, 4096, "4k"},
	{"1024k", NULL, 1u << 20, "1M"},
	{"1025k", NULL, 1025u << 10, "1025k"},
	{"3G", NULL, UINT64_C(3) << 30, "3G"},
	{"0M", NULL, 0, "0G"},
	{"17179869183G", NULL, UINT64_C(17179869183) << 30, "17179869183G"},
	{"17179869184G", "is too large", 0, NULL},
	{"4", "has no unit", 0, NULL},
	{"4K", "has an unknown unit", 0, NULL},
	{"4kB", "has an unknown unit", 0, NULL},
	{"4 k", "has an unknown unit", 0, NULL},
	{"k", "is no number", 0, NULL},
};

START_TEST(conf_size_needs_its_unit)
{
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		char buf[CONF_TEXT_MAX];
		uint64_t v;

		ck_why(sizes[i].text, conf_size(sizes[i].text, &v),
		       sizes[i].why);
		if (sizes[i].why != NULL)
			continue;
		ck_assert_uint_eq(v, sizes[i].value);
		ck_assert_str_eq(conf_size_text(buf, v), sizes[i].canonical);
	}
}
END_TEST

static const struct {
	const char *text;
	const char *why;
	tcpd_time value;
	const char *canonical;
} times[] = {
	{"1ms", NULL, TCPD_MS(1), "1ms"},
	{"1500ms", NULL, TCPD_MS(1500), "1500ms"},
	{"3000ms", NULL, TCPD_SEC(3), "3s"},
	{"60s", NULL, TCPD_SEC(60), "60s"},
	{"2min", NULL, TCPD_SEC(120), "120s"},
	{"18446744073s", NULL, TCPD_SEC(18446744073), "18446744073s"},
	{"18446744074s", "is too large", 0, NULL},
	{"307445735min", "is too large", 0, NULL},
	{"60", "has no unit", 0, NULL},
	{"60m", "has an unknown unit", 0, NULL},
	{"60us", "has an unknown unit", 0, NULL},
	{"60S", "has an unknown unit", 0, NULL},
	{"1s500ms", "has an unknown unit", 0, NULL},
	{"ms", "is no number", 0, NULL},
};

START_TEST(conf_time_needs_its_unit)
{
	for (size_t i = 0; i < ARRAY_SIZE(times); i++) {
		char buf[CONF_TEXT_MAX];
		tcpd_time v;

		ck_why(times[i].text, conf_time(times[i].text, &v),
		       times[i].why);
		if (times[i].why != NULL)
			continue;
		ck_assert_uint_eq(v, times[i].value);
		ck_assert_str_eq(conf_time_text(buf, v), times[i].canonical);
	}
}
END_TEST

START_TEST(conf_prefix_keeps_octets_length_and_family)
{
	static const uint8_t four[16] = {[10] = 0xff, 0xff, 10, 77, 0, 2};
	static const uint8_t six[16] = {0xfd, 0x77, [15] = 2};
	char buf[CONF_TEXT_MAX];
	struct tcpd_prefix p;

	ck_assert_ptr_null(conf_prefix("10.77.0.2/24", true, &p));
	ck_assert_mem_eq(p.ip, four, 16);
	ck_assert_uint_eq(p.family, 4);
	ck_assert_uint_eq(p.len, 24);
	ck_assert(!p.local);
	ck_assert_str_eq(conf_prefix_text(buf, &p), "10.77.0.2/24");

	ck_assert_ptr_null(conf_prefix("FD77:0::2/64 local", true, &p));
	ck_assert_mem_eq(p.ip, six, 16);
	ck_assert_uint_eq(p.family, 6);
	ck_assert_uint_eq(p.len, 64);
	ck_assert(p.local);
	ck_assert_str_eq(conf_prefix_text(buf, &p), "fd77::2/64 local");

	ck_assert_ptr_nonnull(conf_prefix("fd77::2/64 local", false, &p));
}
END_TEST

START_TEST(conf_prefix_of_31_and_32_bits_has_no_broadcast)
{
	struct tcpd_prefix p;

	ck_assert_ptr_null(conf_prefix("10.0.0.0/31", false, &p));
	ck_assert_ptr_null(conf_prefix("10.0.0.1/31", false, &p));
	ck_assert_ptr_null(conf_prefix("10.0.0.255/32", false, &p));
	ck_assert_str_eq(conf_prefix("10.0.0.0/30", false, &p),
			 "is the network's address");
	ck_assert_str_eq(conf_prefix("10.0.0.3/30", false, &p),
			 "is the network's broadcast address");
	ck_assert_ptr_null(conf_prefix("10.0.0.3/30 local", true, &p));
}
END_TEST

static const struct {
	const char *net;
	const char *ip;
	bool covered;
} covers[] = {
	{"10.77.0.2/24", "10.77.0.255", true},
	{"10.77.0.2/24", "10.77.1.0", false},
	{"10.77.0.2/20", "10.77.15.255", true},
	{"10.77.0.2/20", "10.77.16.0", false},
	{"10.77.0.2/32", "10.77.0.2", true},
	{"10.77.0.2/32", "10.77.0.3", false},
	{"0.0.0.0/0", "203.0.113.1", true},
	{"0.0.0.0/0", "fd77::1", false},
	{"::/0", "fd77::1", true},
	{"::/0", "10.77.0.1", false},
	{"fd77::2/65", "fd77::7fff:0:0:1", true},
	{"fd77::2/65", "fd77::8000:0:0:1", false},
};

START_TEST(conf_covers_counts_bits_within_a_family)
{
	for (size_t i = 0; i < ARRAY_SIZE(covers); i++) {
		struct tcpd_prefix net, ip;
		char text[64];

		(void)snprintf(text, sizeof(text), "%s local", covers[i].net);
		ck_why(text, conf_prefix(text, true, &net), NULL);
		(void)snprintf(text, sizeof(text), "%s/%s local", covers[i].ip,
			       strchr(covers[i].ip, ':') != NULL ? "128"
								 : "32");
		ck_why(text, conf_prefix(text, true, &ip), NULL);
		ck_assert_msg(conf_covers(net.ip, net.family, net.len, ip.ip) ==
				      covers[i].covered,
			      "%s and %s", covers[i].net, covers[i].ip);
	}
}
END_TEST

static const struct {
	const char *text;
	const char *canonical;
	uint8_t family, len;
	uint16_t min, max;
} rules[] = {
	{":80", "*:80", 0, 0, 80, 80},
	{"*:*", "*:*", 0, 0, 0, 65535},
	{"*:8000-8999", "*:8000-8999", 0, 0, 8000, 8999},
	{"*:1-65535", "*:1-65535", 0, 0, 1, 65535},
	{"10.77.0.2:80", "10.77.0.2:80", 4, 32, 80, 80},
	{"10.0.0.0/8:*", "10.0.0.0/8:*", 4, 8, 0, 65535},
	{"0.0.0.0/0:443", "0.0.0.0/0:443", 4, 0, 443, 443},
	{"[fd77::2]:80", "[fd77::2]:80", 6, 128, 80, 80},
	{"[fd77::0/64]:1-2", "[fd77::/64]:1-2", 6, 64, 1, 2},
};

START_TEST(conf_rule_reads_addresses_prefixes_and_ranges)
{
	for (size_t i = 0; i < ARRAY_SIZE(rules); i++) {
		struct conf_rule_addr r, again;
		char buf[CONF_TEXT_MAX];

		ck_why(rules[i].text, conf_rule(rules[i].text, &r), NULL);
		ck_assert_uint_eq(r.family, rules[i].family);
		ck_assert_uint_eq(r.len, rules[i].len);
		ck_assert_uint_eq(r.port_min, rules[i].min);
		ck_assert_uint_eq(r.port_max, rules[i].max);
		ck_assert_str_eq(conf_rule_text(buf, &r), rules[i].canonical);
		ck_assert_ptr_null(conf_rule(buf, &again));
		ck_assert_mem_eq(&again, &r, sizeof(r));
	}
}
END_TEST

START_TEST(conf_show_is_printable_and_ends)
{
	char buf[CONF_TEXT_MAX], in[1000];

	ck_assert_str_eq(conf_show(buf, "a\xff\n\x1b\""), "a\\xff\\x0a\\x1b\"");
	memset(in, 'x', sizeof(in));
	in[sizeof(in) - 1] = '\0';
	(void)conf_show(buf, in);
	ck_assert_uint_lt(strlen(buf), sizeof(buf));
	ck_assert_str_eq(buf + strlen(buf) - 4, "x...");
	memset(in, '\1', sizeof(in) - 1);
	(void)conf_show(buf, in);
	ck_assert_uint_lt(strlen(buf), sizeof(buf));
	ck_assert_str_eq(buf + strlen(buf) - 4, "1...");
}
END_TEST

int main(void)
{
	Suite *s = suite_create("conf_value");
	TCase *tc = tcase_create("values");
	SRunner *sr = srunner_create(s);
	int failed;

	tcase_add_test(tc, conf_count_takes_decimal_numbers_that_do_not_wrap);
	tcase_add_test(tc, conf_size_needs_its_unit);
	tcase_add_test(tc, conf_time_needs_its_unit);
	tcase_add_test(tc, conf_prefix_keeps_octets_length_and_family);
	tcase_add_test(tc, conf_prefix_of_31_and_32_bits_has_no_broadcast);
	tcase_add_test(tc, conf_covers_counts_bits_within_a_family);
	tcase_add_test(tc, conf_rule_reads_addresses_prefixes_and_ranges);
	tcase_add_test(tc, conf_show_is_printable_and_ends);
	suite_add_tcase(s, tc);
	srunner_set_tap(sr, "-");
	srunner_run_all(sr, CK_SILENT);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed != 0;
}
