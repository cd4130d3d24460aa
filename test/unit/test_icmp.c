/* SPDX-License-Identifier: MIT */
/*
 * test_icmp.c - what each type and code means, what is quoted, and messages
 * of our own read back.
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "base/clamp.h"
#include "wire/icmp.h"

#define MAPPED 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255

static struct ip header(uint8_t version)
{
	struct ip ip = {.version = version,
			.protocol = version == 4 ? IP_ICMP : IP_ICMP6};

	memcpy(ip.src, (uint8_t[16]){MAPPED, 192, 0, 2, 1}, 16);
	memcpy(ip.dst, (uint8_t[16]){MAPPED, 10, 77, 0, 2}, 16);
	if (version == 6)
		ip.src[0] = ip.dst[0] = 0xfd;
	return ip;
}

/* A segment of ours as an error quotes it: header and 8 octets or more. */
static size_t make_quote(uint8_t *p, uint8_t version, uint8_t protocol)
{
	static const uint8_t tcp[20] = {0x12, 0x34, 0,	  80,
					0xfe, 0xdc, 0xba, 0x98};
	struct ip ip = header(version);
	size_t n;

	ip.protocol = protocol;
	ip.len = 1400;
	n = ip_build(p, 60, &ip);
	memcpy(p + n, tcp, sizeof(tcp));
	return n + sizeof(tcp);
}

/* Parse an exact-size heap copy: ASan sees one octet too far. */
static void parse(struct icmp *m, uint8_t version, const uint8_t *p, size_t len,
		  bool csum_valid)
{
	struct ip ip = header(version);
	uint8_t *copy = malloc(len ? len : 1);

	ck_assert_ptr_nonnull(copy);
	if (len)
		memcpy(copy, p, len);
	memset(m, 0xa5, sizeof(*m));
	icmp_parse(m, &ip, copy, len, cksum_choose(), csum_valid);
	free(copy);
}

static size_t make_error(uint8_t *p, uint8_t version, uint8_t type,
			 uint8_t code, uint32_t rest)
{
	struct ip ip = header(version);
	uint8_t quote[80];
	size_t n = make_quote(quote, version, IP_TCP);

	return icmp_build_error(p, 200, &ip, type, code, rest, quote, n,
				cksum_portable);
}

static const struct {
	const char *name;
	uint8_t version, type, code;
	uint32_t rest;
	enum icmp_kind kind;
	enum icmp_reason reason;
	uint32_t mtu;
} rows[] = {
	/* clang-format off */
	{"network unreachable",    4, 3, 0, 0, ICMP_UNREACHABLE, ICMP_NET, 0},
	{"host unreachable",       4, 3, 1, 0, ICMP_UNREACHABLE, ICMP_HOST, 0},
	{"protocol unreachable",   4, 3, 2, 0, ICMP_UNREACHABLE, ICMP_PROTOCOL, 0},
	{"port unreachable",       4, 3, 3, 0, ICMP_UNREACHABLE, ICMP_PORT, 0},
	{"fragmentation needed",   4, 3, 4, 1400, ICMP_TOO_BIG, ICMP_NET, 1400},
	{"old router: MTU 0",      4, 3, 4, 0, ICMP_TOO_BIG, ICMP_NET, 0},
	{"unused half is ignored", 4, 3, 4, 0xffff0240, ICMP_TOO_BIG, ICMP_NET, 576},
	{"source route failed",    4, 3, 5, 0, ICMP_UNREACHABLE, ICMP_HOST, 0},
	{"network unknown",        4, 3, 6, 0, ICMP_UNREACHABLE, ICMP_NET, 0},
	{"host unknown",           4, 3, 7, 0, ICMP_UNREACHABLE, ICMP_HOST, 0},
	{"host prohibited",        4, 3, 10, 0, ICMP_UNREACHABLE, ICMP_PROHIBITED, 0},
	{"network and TOS",        4, 3, 11, 0, ICMP_UNREACHABLE, ICMP_NET, 0},
	{"host and TOS",           4, 3, 12, 0, ICMP_UNREACHABLE, ICMP_HOST, 0},
	{"filtered",               4, 3, 13, 0, ICMP_UNREACHABLE, ICMP_PROHIBITED, 0},
	{"last code",              4, 3, 15, 0, ICMP_UNREACHABLE, ICMP_PROHIBITED, 0},
	{"code of nobody",         4, 3, 16, 0, ICMP_OTHER, ICMP_NET, 0},
	{"code 255",               4, 3, 255, 0, ICMP_OTHER, ICMP_NET, 0},
	{"source quench",          4, 4, 0, 0, ICMP_OTHER, ICMP_NET, 0},
	{"redirect",               4, 5, 1, 0, ICMP_OTHER, ICMP_NET, 0},
	{"echo",                   4, 8, 0, 0, ICMP_ECHO, ICMP_NET, 0},
	{"echo reply",             4, 0, 0, 0, ICMP_OTHER, ICMP_NET, 0},
	{"time exceeded",          4, 11, 0, 0, ICMP_SOFT, ICMP_NET, 0},
	{"parameter problem",      4, 12, 0, 0, ICMP_SOFT, ICMP_NET, 0},
	{"IPv6's echo in IPv4",    4, 128, 0, 0, ICMP_OTHER, ICMP_NET, 0},
	{"no route",               6, 1, 0, 0, ICMP_UNREACHABLE, ICMP_NET, 0},
	{"prohibited",             6, 1, 1, 0, ICMP_UNREACHABLE, ICMP_PROHIBITED, 0},
	{"beyond scope",           6, 1, 2, 0, ICMP_UNREACHABLE, ICMP_NET, 0},
	{"address unreachable",    6, 1, 3, 0, ICMP_UNREACHABLE, ICMP_HOST, 0},
	{"port unreachable (6)",   6, 1, 4, 0, ICMP_UNREACHABLE, ICMP_PORT, 0},
	{"policy",                 6, 1, 5, 0, ICMP_UNREACHABLE, ICMP_PROHIBITED, 0},
	{"reject route",           6, 1, 6, 0, ICMP_UNREACHABLE, ICMP_PROHIBITED, 0},
	{"code of nobody (6)",     6, 1, 7, 0, ICMP_OTHER, ICMP_NET, 0},
	{"packet too big",         6, 2, 0, 0x12345678, ICMP_TOO_BIG, ICMP_NET, 0x12345678},
	{"time exceeded (6)",      6, 3, 0, 0, ICMP_SOFT, ICMP_NET, 0},
	{"parameter problem (6)",  6, 4, 1, 0, ICMP_SOFT, ICMP_NET, 0},
	{"echo (6)",               6, 128, 0, 0, ICMP_ECHO, ICMP_NET, 0},
	{"echo reply (6)",         6, 129, 0, 0, ICMP_OTHER, ICMP_NET, 0},
	{"an error of a later RFC (6)", 6, 100, 0, 0, ICMP_SOFT, ICMP_NET, 0},
	{"neighbour solicitation", 6, 135, 0, 0, ICMP_OTHER, ICMP_NET, 0},
	/* clang-format on */
};

START_TEST(icmp_knows_what_a_type_and_code_mean)
{
	uint8_t p[200];
	size_t len = make_error(p, rows[_i].version, rows[_i].type,
				rows[_i].code, rows[_i].rest);
	bool error = rows[_i].kind != ICMP_OTHER && rows[_i].kind != ICMP_ECHO;
	struct icmp m;

	ck_assert_uint_ne(len, 0);
	parse(&m, rows[_i].version, p, len, false);
	ck_assert_msg(m.kind == rows[_i].kind && m.mtu == rows[_i].mtu &&
			      m.reason == rows[_i].reason,
		      "%s", rows[_i].name);
	ck_assert_uint_eq(m.type, rows[_i].type);
	ck_assert_uint_eq(m.code, rows[_i].code);
	ck_assert_msg(m.has_quote == error, "%s: quote", rows[_i].name);
	if (!error)
		return;
	ck_assert_uint_eq(m.quote_src, 0x1234);
	ck_assert_uint_eq(m.quote_dst, 80);
	ck_assert_uint_eq(m.quote_seq, 0xfedcba98);
	ck_assert_uint_eq(m.quote.protocol, IP_TCP);
	ck_assert_mem_eq(m.quote.src, header(rows[_i].version).src, 16);
	ck_assert_mem_eq(m.quote.dst, header(rows[_i].version).dst, 16);
}
END_TEST

START_TEST(icmp_verifies_the_checksum_unless_somebody_has)
{
	uint8_t version = _i ? 6 : 4;
	uint8_t p[200];
	size_t len = make_error(p, version, _i ? 1 : 3, 3, 0);
	struct icmp m;

	for (size_t bit = 0; bit < 8 * len; bit++) {
		p[bit / 8] ^= (uint8_t)(1u << bit % 8);
		parse(&m, version, p, len, false);
		if (m.kind != ICMP_BAD || m.has_quote)
			ck_abort_msg("bit %zu", bit);
		p[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
	p[2] ^= 0xff;
	parse(&m, version, p, len, true);
	ck_assert_int_eq(m.kind, ICMP_UNREACHABLE);
	/* an ICMPv6 checksum covers the addresses (RFC 4443, 2.3) */
	p[2] ^= 0xff;
	parse(&m, version == 6 ? 4 : 6, p, len, false);
	ck_assert_int_eq(m.kind, ICMP_BAD);
}
END_TEST

START_TEST(icmp_cut_anywhere_reads_no_octet_too_far)
{
	uint8_t version = _i ? 6 : 4;
	size_t need = 8 + (size_t)(_i ? 40 : 20) + 8;
	uint8_t p[200];
	size_t len = make_error(p, version, _i ? 1 : 3, 3, 0);
	struct icmp m;

	for (size_t cut = 0; cut <= len; cut++) {
		parse(&m, version, p, cut, true);
		ck_assert_int_eq(m.kind, cut < 8 ? ICMP_BAD : ICMP_UNREACHABLE);
		ck_assert_msg(m.has_quote == (cut >= need), "at %zu", cut);
	}
}
END_TEST

START_TEST(icmp_quotes_only_first_parts_of_tcp_of_its_family)
{
	static const struct {
		const char *name;
		uint8_t version;
		uint8_t at; /* octet of the quoted header to change */
		uint8_t value;
	} bad[] = {
		{"UDP", 4, 9, 17},
		{"later fragment", 4, 7, 1},
		{"first fragment", 4, 6, 0x20},
		{"other version", 4, 0, 0x65},
		{"no version", 4, 0, 0x55},
		{"header length 16", 4, 0, 0x44},
		{"header past the end", 4, 0, 0x4f},
		{"total length 0", 4, 3, 0},
		{"UDP over IPv6", 6, 6, 17},
		{"extension header", 6, 6, 60},
		{"IPv4 inside", 6, 0, 0x45},
	};

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		uint8_t v = bad[i].version;
		uint8_t p[200];
		size_t len = make_error(p, v, v == 4 ? 3 : 1, 3, 0);
		struct icmp m;

		p[8 + bad[i].at] = bad[i].value;
		if (bad[i].at == 3)
			p[8 + 2] = 0;
		parse(&m, v, p, len, true);
		ck_assert_int_eq(m.kind, ICMP_UNREACHABLE);
		ck_assert_msg(!m.has_quote, "%s", bad[i].name);
	}
}
END_TEST

START_TEST(icmp_quotes_nothing_of_the_other_family)
{
	uint8_t version = _i ? 6 : 4;
	struct ip ip = header(version);
	uint8_t p[200], quote[80];
	size_t n = make_quote(quote, _i ? 4 : 6, IP_TCP);
	struct icmp m;

	n = icmp_build_error(p, sizeof(p), &ip, _i ? 1 : 3, 3, 0, quote, n,
			     cksum_portable);
	parse(&m, version, p, n, false);
	ck_assert_int_eq(m.kind, ICMP_UNREACHABLE);
	ck_assert(!m.has_quote);
}
END_TEST

START_TEST(icmp_builds_errors_that_fit_and_nothing_else)
{
	struct ip ip = header(_i ? 6 : 4);
	uint8_t quote[28] = {1, 2, 3};

	for (size_t room = 0; room <= 40; room++) {
		uint8_t *p = malloc(room ? room : 1);
		size_t n;

		ck_assert_ptr_nonnull(p);
		n = icmp_build_error(p, room, &ip, 3, 1, 0x01020304, quote, 28,
				     cksum_portable);
		ck_assert_uint_eq(n, room < 36 ? 0 : 36);
		if (n) {
			ck_assert_mem_eq(p, "\3\1", 2);
			ck_assert_mem_eq(p + 4, "\1\2\3\4\1\2\3", 7);
		}
		free(p);
	}
}
END_TEST

START_TEST(icmp_echo_replies_are_right_for_any_length)
{
	uint8_t version = _i ? 6 : 4;
	struct ip ip = header(version);

	for (size_t len = 0; len < 300; len++) {
		uint8_t *p = malloc(len ? len : 1);
		struct icmp m;

		ck_assert_ptr_nonnull(p);
		for (size_t i = 0; i < len; i++)
			p[i] = (uint8_t)(i * 7);
		if (len)
			p[0] = version == 4 ? 8 : 128;
		icmp_echo_reply(p, len, &ip, cksum_choose());
		if (len < 8) {
			ck_assert(len == 0 || p[0] != (version == 4 ? 0 : 129));
			free(p);
			continue;
		}
		ck_assert_uint_eq(p[0], version == 4 ? 0 : 129);
		for (size_t i = 4; i < len; i++)
			if (p[i] != (uint8_t)(i * 7))
				ck_abort_msg("octet %zu changed", i);
		parse(&m, version, p, len, false);
		ck_assert_int_eq(m.kind, ICMP_OTHER);
		free(p);
	}
}
END_TEST

START_TEST(icmp_reply_has_the_checksum_of_a_known_packet)
{
	/* RFC 1071 by hand: 0000 + 1234 + 0001 + 6869 = 7a9e, inverted */
	uint8_t p[10] = {8, 0, 0, 0, 0x12, 0x34, 0, 1, 0x68, 0x69};
	struct ip ip = header(4);

	icmp_echo_reply(p, sizeof(p), &ip, cksum_portable);
	ck_assert_uint_eq(p[2], 0x85);
	ck_assert_uint_eq(p[3], 0x61);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("icmp");
	TCase *tc = tcase_create("icmp");
	SRunner *sr = srunner_create(s);
	int failed;

	tcase_add_loop_test(tc, icmp_knows_what_a_type_and_code_mean, 0,
			    (int)ARRAY_SIZE(rows));
	tcase_add_loop_test(tc, icmp_verifies_the_checksum_unless_somebody_has,
			    0, 2);
	tcase_add_loop_test(tc, icmp_cut_anywhere_reads_no_octet_too_far, 0, 2);
	tcase_add_test(tc, icmp_quotes_only_first_parts_of_tcp_of_its_family);
	tcase_add_loop_test(tc, icmp_quotes_nothing_of_the_other_family, 0, 2);
	tcase_add_loop_test(tc, icmp_builds_errors_that_fit_and_nothing_else, 0,
			    2);
	tcase_add_loop_test(tc, icmp_echo_replies_are_right_for_any_length, 0,
			    2);
	tcase_add_test(tc, icmp_reply_has_the_checksum_of_a_known_packet);
	suite_add_tcase(s, tc);
	srunner_set_tap(sr, "-");
	srunner_run_all(sr, CK_SILENT);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed != 0;
}
