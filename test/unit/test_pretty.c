/* SPDX-License-Identifier: MIT */
/* test_pretty.c - addresses to text and back, beside what inet_ntop says. */
#include <arpa/inet.h>
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "base/clamp.h"
#include "wire/pretty.h"

/* RFC 5952's rules: the only right text, and others that mean the same. */
static const struct {
	const char *right, *also;
} six[] = {
	{"::", "0:0:0:0:0:0:0:0"},
	{"::1", "0:0:0:0:0:0:0:1"},
	{"1::", "1:0:0:0:0:0:0:0"},
	{"fd77::2", "FD77:0000::0002"},
	{"2001:db8::1", "2001:0db8:0:0:0:0:0:1"},
	{"2001:db8:0:1:1:1:1:1", "2001:db8::1:1:1:1:1"}, /* 4.2.2 */
	{"2001:0:0:1::1", "2001:0:0:1:0:0:0:1"},	 /* 4.2.3 */
	{"2001:db8::1:0:0:1", "2001:db8:0:0:1::1"},
	{"1:2:3:4:5:6:7:8", "0001:2:3:4:5:6:7:8"},
	{"::2:3:4:5:6:7", "0:0:2:3:4:5:6:7"},
	{"1:2:3:4:5:6::", "1:2:3:4:5:6:0:0"},
	{"0:2:3:4:5:6:7:8", "::2:3:4:5:6:7:8"},
	{"1:2:3:4:5:6:7:0", "1:2:3:4:5:6:7::"},
	{"64:ff9b::c000:201", "64:ff9b::192.0.2.1"},
	{"ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
	 "ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255"},
};

START_TEST(pretty_writes_ipv6_as_rfc_5952_wants_it)
{
	char buf[PRETTY_ADDR_MAX];
	uint8_t want[16], ip[16];
	uint8_t family;

	ck_assert_int_eq(inet_pton(AF_INET6, six[_i].right, want), 1);
	ck_assert_str_eq(pretty_ip(buf, want), six[_i].right);
	ck_assert(pretty_parse_ip(ip, &family, six[_i].right));
	ck_assert_uint_eq(family, 6);
	ck_assert_mem_eq(ip, want, 16);
	ck_assert(pretty_parse_ip(ip, &family, six[_i].also));
	ck_assert_mem_eq(ip, want, 16);
}
END_TEST

START_TEST(pretty_reads_back_any_address_it_writes)
{
	uint64_t seed = 88172645463325252u;

	for (int i = 0; i < 20000; i++) {
		char buf[PRETTY_ADDR_MAX];
		uint8_t ip[16], got[16], system[16];
		uint8_t family;

		for (int k = 0; k < 16; k++) {
			seed ^= seed << 13;
			seed ^= seed >> 7;
			seed ^= seed << 17;
			/* many zeros, so that runs of all kinds occur */
			ip[k] = seed % 4 ? 0 : (uint8_t)(seed >> 20);
		}
		pretty_ip(buf, ip);
		if (!pretty_parse_ip(got, &family, buf) ||
		    inet_pton(AF_INET6, buf, system) != 1 || family != 6 ||
		    memcmp(got, ip, 16) != 0 || memcmp(system, ip, 16) != 0)
			ck_abort_msg("%s", buf);
	}
}
END_TEST

START_TEST(pretty_writes_and_reads_ipv4)
{
	static const char *const rows[] = {"0.0.0.0", "10.77.0.2", "1.20.255.9",
					   "255.255.255.255"};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		char buf[PRETTY_ADDR_MAX];
		uint8_t ip[16], four[4];
		uint8_t family = 0;

		ck_assert(pretty_parse_ip(ip, &family, rows[i]));
		ck_assert_uint_eq(family, 4);
		ck_assert_mem_eq(ip, "\0\0\0\0\0\0\0\0\0\0\xff\xff", 12);
		ck_assert_int_eq(inet_pton(AF_INET, rows[i], four), 1);
		ck_assert_mem_eq(ip + 12, four, 4);
		ck_assert_str_eq(pretty_ip(buf, ip), rows[i]);
	}
}
END_TEST

/* An exact-size heap copy: ASan sees one octet too far. */
static char *copy_of(const char *text)
{
	size_t n = strlen(text) + 1;
	char *copy = malloc(n);

	ck_assert_ptr_nonnull(copy);
	memcpy(copy, text, n);
	return copy;
}

START_TEST(pretty_refuses_what_is_no_address)
{
	static const char *const rows[] = {
		"",
		" ",
		".",
		":",
		":::",
		"1",
		"1.2.3",
		"1.2.3.",
		"1.2.3.4.",
		".1.2.3.4",
		"1.2.3.4.5",
		"1.2.3.256",
		"1.2.3.-4",
		"1.2.3.4 ",
		" 1.2.3.4",
		"1..2.3",
		"01.2.3.4",
		"1.2.3.0x4",
		"1.2.3.99999999999",
		"1:2:3:4:5:6:7",
		"1:2:3:4:5:6:7:8:9",
		"1:2:3:4:5:6:7:8::",
		"::1:2:3:4:5:6:7:8",
		"1:2:3:4::5:6:7:8",
		"1::2::3",
		"12345::",
		"::12345",
		"g::",
		"1:2:3:4:5:6:7:",
		":1:2:3:4:5:6:7",
		":1::",
		"1:::2",
		"::1%eth0",
		"[::1]",
		"::1 ",
		"::1.2.3",
		"::1.2.3.4.5",
		"1.2.3.4::",
		"1:2:3:4:5:6:7:1.2.3.4",
		"::ffff:1.2.3.256",
		"1.2.3.4/24",
		"localhost",
		"*",
		"::1.2.3.4:5",
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		uint8_t ip[16] = {0}, zero[16] = {0}, family = 9;
		char *text = copy_of(rows[i]);

		if (pretty_parse_ip(ip, &family, text))
			ck_abort_msg("'%s' was taken", text);
		/* a refused text changes nothing */
		ck_assert_mem_eq(ip, zero, 16);
		ck_assert_uint_eq(family, 9);
		free(text);
	}
}
END_TEST

static const struct {
	const char *text, *ip;
	uint8_t family;
	uint16_t port;
} addrs[] = {
	{"10.77.0.2:80", "::ffff:10.77.0.2", 4, 80},
	{"0.0.0.0:80", "::ffff:0.0.0.0", 4, 80},
	{"255.255.255.255:65535", "::ffff:255.255.255.255", 4, 65535},
	{"10.77.0.2:0", "::ffff:10.77.0.2", 4, 0},
	{"[fd77::2]:80", "fd77::2", 6, 80},
	{"[::]:80", "::", 6, 80},
	{"[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535",
	 "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", 6, 65535},
	{"*:80", "::", 0, 80},
};

START_TEST(pretty_addr_and_its_text_are_the_same)
{
	char buf[PRETTY_ADDR_MAX];
	struct tcpd_addr a;
	uint8_t ip[16];

	ck_assert_int_eq(inet_pton(AF_INET6, addrs[_i].ip, ip), 1);
	ck_assert(pretty_parse_addr(&a, addrs[_i].text));
	ck_assert_mem_eq(a.ip, ip, 16);
	ck_assert_uint_eq(a.family, addrs[_i].family);
	ck_assert_uint_eq(a.port, addrs[_i].port);
	ck_assert_str_eq(pretty_addr(buf, &a), addrs[_i].text);
}
END_TEST

START_TEST(pretty_addr_of_any_address)
{
	static const struct tcpd_addr any = {.port = 80}, none = {.port = 0},
				      four = {.port = 5, .family = 4};
	char buf[PRETTY_ADDR_MAX];
	struct tcpd_addr a;

	ck_assert(pretty_parse_addr(&a, ":80"));
	ck_assert(a.family == 0 && a.port == 80);
	ck_assert_str_eq(pretty_addr(buf, &any), "*:80");
	ck_assert_str_eq(pretty_addr(buf, &none), "*:*");
	/* all zeros of family 4 are no IPv6 address */
	ck_assert_str_eq(pretty_addr(buf, &four), "0.0.0.0:5");
}
END_TEST

START_TEST(pretty_refuses_what_is_no_address_with_port)
{
	static const char *const rows[] = {
		"",
		":",
		"80",
		"*",
		"*:",
		"*:*",
		"**:80",
		"a:80",
		"x*:80",
		"10.77.0.2",
		"10.77.0.2:",
		"10.77.0.2:65536",
		"10.77.0.2:-1",
		"10.77.0.2:+1",
		"10.77.0.2: 80",
		"10.77.0.2:80 ",
		"10.77.0.2:0x50",
		"10.77.0.2:080",
		"10.77.0.2:99999999999999999999",
		"10.77.0.2::80",
		"fd77::2:80",
		"::80",
		"[fd77::2]",
		"[fd77::2]80",
		"[fd77::2]:",
		"[fd77::2:80",
		"fd77::2]:80",
		"[]:80",
		"[:80",
		"[:]:80",
		"[10.77.0.2]:80",
		"[fd77::2]]:80",
		"[[fd77::2]]:80",
		" :80",
		"10.77.0.2:http",
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct tcpd_addr a;
		char *text = copy_of(rows[i]);

		if (pretty_parse_addr(&a, text))
			ck_abort_msg("'%s' was taken", text);
		free(text);
	}
}
END_TEST

int main(void)
{
	Suite *s = suite_create("pretty");
	TCase *tc = tcase_create("pretty");
	SRunner *sr = srunner_create(s);
	int failed;

	tcase_add_loop_test(tc, pretty_writes_ipv6_as_rfc_5952_wants_it, 0,
			    (int)ARRAY_SIZE(six));
	tcase_add_test(tc, pretty_reads_back_any_address_it_writes);
	tcase_add_test(tc, pretty_writes_and_reads_ipv4);
	tcase_add_test(tc, pretty_refuses_what_is_no_address);
	tcase_add_loop_test(tc, pretty_addr_and_its_text_are_the_same, 0,
			    (int)ARRAY_SIZE(addrs));
	tcase_add_test(tc, pretty_addr_of_any_address);
	tcase_add_test(tc, pretty_refuses_what_is_no_address_with_port);
	suite_add_tcase(s, tc);
	srunner_set_tap(sr, "-");
	srunner_run_all(sr, CK_SILENT);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed != 0;
}
