/* SPDX-License-Identifier: MIT */
/*
 * test_ip6.c - the place of what is wrong in a chain of IPv6 headers, whether a
 * first fragment holds all of them, and what is an error itself.  The walk and
 * its verdicts are in test_ip.c.
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "base/clamp.h"
#include "wire/ip.h"

static size_t make(uint8_t *p, uint8_t next, const char *rest, size_t n)
{
	memset(p, 0, 40);
	p[0] = 0x60;
	p[5] = (uint8_t)n;
	p[6] = next;
	p[8] = p[24] = 0xfd;
	memcpy(p + 40, rest, n);
	return 40 + n;
}

#define TEXT(s) s, sizeof(s) - 1
#define PAD	"\0\1\4\0\0\0\0"

static const struct {
	const char *name, *rest;
	size_t n;
	uint8_t next, problem;
	unsigned at;
} problems[] = {
	{"option", TEXT("\6\0\x9e\4\0\0\0\0"), 60, 2, 42},
	{"option behind others", TEXT("\6\0\1\1\0\xde\1\0"), 60, 2, 45},
	{"routing", TEXT("\6\0\0\1\0\0\0\0"), 43, 0, 42},
	{"routing, second", TEXT("\53" PAD "\6\0\0\1\0\0\0\0"), 60, 0, 50},
	{"hop-by-hop, second", TEXT("\0" PAD "\6" PAD), 60, 1, 40},
};

START_TEST(ip6_tells_the_place_of_what_is_wrong)
{
	uint8_t p[128];
	size_t len =
		make(p, problems[_i].next, problems[_i].rest, problems[_i].n);
	struct ip ip;

	ck_assert_msg(ip_parse(&ip, p, len) == IP_PROBLEM, "%s",
		      problems[_i].name);
	ck_assert_uint_eq(ip.problem, problems[_i].problem);
	ck_assert_uint_eq(ip.problem_at, problems[_i].at);
}
END_TEST

#define TCP20 "\0\1\0\2\0\0\0\0\0\0\0\0\120\0\0\0\0\0\0\0"
#define FRAG  "\0\0\1\0\0\0\7"

static const struct {
	const char *name, *rest;
	size_t n;
	bool whole;
} firsts[] = {
	{"TCP", TEXT("\6" FRAG TCP20), true},
	{"TCP, cut", TEXT("\6" FRAG "\0\1\0\2\0\0\0\0"), false},
	{"TCP with options that are cut",
	 TEXT("\6" FRAG "\0\1\0\2\0\0\0\0\0\0\0\0\140\0\0\0\0\0\0\0"), false},
	{"a header, then TCP", TEXT("\74" FRAG "\6" PAD TCP20), true},
	{"a header alone", TEXT("\74" FRAG "\6" PAD), false},
	{"a header that is cut", TEXT("\74" FRAG "\6\3\1\4\0\0\0\0"), false},
	{"ICMPv6", TEXT("\72" FRAG "\200\0\0\0\0\0\0\0"), true},
	{"UDP, cut", TEXT("\21" FRAG "\0\1\0\2"), false},
	{"another protocol", TEXT("\204" FRAG), true},
};

START_TEST(ip6_knows_a_whole_chain)
{
	uint8_t p[128];
	size_t len = make(p, 44, firsts[_i].rest, firsts[_i].n);
	struct ip ip;

	ck_assert_int_eq(ip_parse(&ip, p, len), IP_GOOD);
	ck_assert(ip.fragment);
	ck_assert_msg(ip6_chain_whole(&ip, p, len) == firsts[_i].whole, "%s",
		      firsts[_i].name);
}
END_TEST

static const struct {
	const char *name, *rest;
	size_t n;
	uint8_t next;
	bool error;
} errors[] = {
	{"unreachable", TEXT("\1\4\0\0\0\0\0\0"), 58, true},
	{"an error of a later RFC", TEXT("\144\0\0\0\0\0\0\0"), 58, true},
	{"redirect", TEXT("\211\0\0\0\0\0\0\0"), 58, true},
	{"echo", TEXT("\200\0\0\0\0\0\0\0"), 58, false},
	{"TCP", TEXT(TCP20), 6, false},
	{"an error behind headers", TEXT("\72" PAD "\1\4\0\0\0\0\0\0"), 60,
	 true},
	{"the first piece of one", TEXT("\72" FRAG "\1\4\0\0\0\0\0\0"), 44,
	 true},
	{"a later piece", TEXT("\72\0\0\11\0\0\0\7\1\4\0\0\0\0\0\0"), 44,
	 false},
	{"nothing at all", TEXT(""), 58, false},
};

START_TEST(ip6_knows_an_error)
{
	uint8_t p[128];
	size_t len = make(p, errors[_i].next, errors[_i].rest, errors[_i].n);

	ck_assert_msg(ip_is_error(p, len) == errors[_i].error, "%s",
		      errors[_i].name);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("ip6");
	TCase *tc = tcase_create("ip6");
	SRunner *sr;
	int failed;

	suite_add_tcase(s, tc);
	tcase_add_loop_test(tc, ip6_tells_the_place_of_what_is_wrong, 0,
			    ARRAY_SIZE(problems));
	tcase_add_loop_test(tc, ip6_knows_a_whole_chain, 0, ARRAY_SIZE(firsts));
	tcase_add_loop_test(tc, ip6_knows_an_error, 0, ARRAY_SIZE(errors));
	sr = srunner_create(s);
	srunner_set_tap(sr, "-");
	srunner_run_all(sr, CK_SILENT);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed != 0;
}
