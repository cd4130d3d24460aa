/* SPDX-License-Identifier: MIT */
/* test_tcphdr.c - headers read, cut short, and read back after writing. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "base/clamp.h"
#include "wire/tcphdr.h"

static bool parse(struct tcphdr *h, const uint8_t *p, size_t len)
{
	/* exact-size heap copy: ASan sees one octet too far */
	uint8_t *copy = malloc(len ? len : 1);
	bool good;

	ck_assert_ptr_nonnull(copy);
	if (len)
		memcpy(copy, p, len);
	memset(h, 0xa5, sizeof(*h)); /* nothing of before is kept */
	good = tcphdr_parse(h, copy, len);
	free(copy);
	return good;
}

START_TEST(tcphdr_reads_every_field)
{
	static const uint8_t p[24] = {
		0x12, 0x34, 0x56, 0x78, 1,    2,    3,	  4,	5, 6, 7, 8,
		0x6f, 0xd2, 0xab, 0xcd, 0xde, 0xad, 0xbe, 0xef, 2, 4, 5, 0xb4};
	struct tcphdr h;

	ck_assert(parse(&h, p, 24));
	ck_assert_uint_eq(h.src, 0x1234);
	ck_assert_uint_eq(h.dst, 0x5678);
	ck_assert_uint_eq(h.seq, 0x01020304);
	ck_assert_uint_eq(h.ack, 0x05060708);
	ck_assert_uint_eq(h.flags, TCP_CWR | TCP_ECE | TCP_ACK | TCP_SYN);
	ck_assert_uint_eq(h.wnd, 0xabcd);
	ck_assert_uint_eq(h.csum, 0xdead);
	ck_assert_uint_eq(h.urg, 0xbeef);
	ck_assert_uint_eq(h.nhead, 24);
	ck_assert(!h.opt_bad && h.opt.has_mss && h.opt.mss == 1460);
	ck_assert(!h.opt.has_ts && !h.opt.has_wscale && h.opt.nsacks == 0);
}
END_TEST

START_TEST(tcphdr_wants_its_whole_header_and_at_least_20_octets)
{
	uint8_t p[80] = {0};

	memset(p + 20, TCPOPT_NOP, 60);
	for (unsigned off = 0; off < 16; off++)
		for (size_t len = 0; len <= 80; len++) {
			bool good = off >= 5 && (size_t)off * 4 <= len;
			struct tcphdr h;

			p[12] = (uint8_t)(off << 4);
			if (parse(&h, p, len) != good)
				ck_abort_msg("offset %u, %zu octets", off, len);
			if (good && h.nhead != off * 4)
				ck_abort_msg("nhead %u", h.nhead);
		}
}
END_TEST

START_TEST(tcphdr_marks_damaged_options_and_keeps_the_rest)
{
	uint8_t p[32] = {[12] = 0x80, [20] = 2, 4, 5, 0xb4, 8, 0};
	struct tcphdr h;

	ck_assert(parse(&h, p, 32)); /* the text is still delivered */
	ck_assert(h.opt_bad);
	ck_assert(h.opt.has_mss && !h.opt.has_ts);
	p[25] = 200; /* past the header, though inside the segment */
	ck_assert(parse(&h, p, 32));
	ck_assert(h.opt_bad && !h.opt.has_ts);
}
END_TEST

START_TEST(tcphdr_reads_back_what_it_built)
{
	static const struct {
		const char *name;
		struct tcpopt opt;
		size_t len;
	} rows[] = {
		{"plain", {0}, 20},
		{"syn",
		 {.has_mss = true,
		  .mss = 1460,
		  .has_wscale = true,
		  .wscale = 7,
		  .has_ts = true,
		  .ts_val = 1,
		  .sack_ok = true},
		 40},
		{"time stamp", {.has_ts = true, .ts_val = 5, .ts_ecr = 6}, 32},
		{"all sacks", {.nsacks = 4, .sack = {{1, 2}}}, 56},
		{"60 octets",
		 {.has_ts = true, .nsacks = 3, .sack = {{1, 2}}},
		 60},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct tcphdr h = {.src = 80,
				   .dst = 65535,
				   .seq = 0xfffffffe,
				   .ack = 0x80000001,
				   .flags = TCP_ACK | TCP_PSH | TCP_FIN,
				   .wnd = 501,
				   .csum = 77,
				   .urg = 9,
				   .nhead = 99,
				   .opt = rows[i].opt};
		struct tcphdr got;
		uint8_t *p;

		for (size_t room = 0; room < rows[i].len; room++) {
			p = malloc(room ? room : 1);
			ck_assert_ptr_nonnull(p);
			ck_assert_msg(tcphdr_build(p, room, &h) == 0,
				      "%s in %zu octets", rows[i].name, room);
			free(p);
		}
		p = malloc(rows[i].len);
		ck_assert_ptr_nonnull(p);
		ck_assert_uint_eq(tcphdr_build(p, rows[i].len, &h),
				  rows[i].len);
		ck_assert(parse(&got, p, rows[i].len));
		ck_assert_uint_eq(got.src, 80);
		ck_assert_uint_eq(got.dst, 65535);
		ck_assert_uint_eq(got.seq, h.seq);
		ck_assert_uint_eq(got.ack, h.ack);
		ck_assert_uint_eq(got.flags, h.flags);
		ck_assert_uint_eq(got.wnd, 501);
		ck_assert_uint_eq(got.csum, 0); /* filled in by others */
		ck_assert_uint_eq(got.urg, 9);
		ck_assert_uint_eq(got.nhead, rows[i].len);
		ck_assert(!got.opt_bad && got.opt.nsacks == h.opt.nsacks &&
			  got.opt.has_ts == h.opt.has_ts);
		free(p);
	}
}
END_TEST

int main(void)
{
	Suite *s = suite_create("tcphdr");
	TCase *tc = tcase_create("tcphdr");
	SRunner *sr = srunner_create(s);
	int failed;

	tcase_add_test(tc, tcphdr_reads_every_field);
	tcase_add_test(tc,
		       tcphdr_wants_its_whole_header_and_at_least_20_octets);
	tcase_add_test(tc, tcphdr_marks_damaged_options_and_keeps_the_rest);
	tcase_add_test(tc, tcphdr_reads_back_what_it_built);
	suite_add_tcase(s, tc);
	srunner_set_tap(sr, "-");
	srunner_run_all(sr, CK_SILENT);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed != 0;
}
