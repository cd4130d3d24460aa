/* SPDX-License-Identifier: MIT */
/*
 * test_ip.c - one row a packet with its verdict; every packet also cut short
 * at every octet; and all combinations of the lengths that must agree.
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "base/clamp.h"
#include "wire/cksum.h"
#include "wire/ip.h"

#define MAPPED 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255

/* Parse an exact-size heap copy: ASan sees one octet too far. */
static enum ip_verdict parse(struct ip *ip, const uint8_t *p, size_t len)
{
	uint8_t *copy = malloc(len ? len : 1);
	enum ip_verdict v;

	ck_assert_ptr_nonnull(copy);
	if (len)
		memcpy(copy, p, len);
	v = ip_parse(ip, copy, len);
	if (v == IP_GOOD && (ip->nhead > len || ip->len > len - ip->nhead))
		ck_abort_msg("payload of %u octets after %u in %zu", ip->len,
			     ip->nhead, len);
	free(copy);
	return v;
}

/* ------------------------------------------------------------- IPv4 */

/* A packet of |nopt| octets of options and |n| of payload, checksum right. */
static size_t make4(uint8_t *p, const char *opt, size_t nopt, size_t n)
{
	static const uint8_t head[20] = {0x45, 0x10, 0,	 0,  0x12, 0x34, 0x40,
					 0,    64,   6,	 0,  0,	   10,	 77,
					 0,    1,    10, 77, 0,	   2};
	size_t len = 20 + nopt + n;
	uint16_t sum;

	memset(p, 0, len);
	memcpy(p, head, 20);
	if (nopt)
		memcpy(p + 20, opt, nopt);
	p[0] = (uint8_t)(0x40 | (20 + nopt) / 4);
	p[2] = (uint8_t)(len >> 8);
	p[3] = (uint8_t)len;
	sum = (uint16_t)~cksum_fold(cksum_portable(p, 20 + nopt));
	p[10] = (uint8_t)(sum >> 8);
	p[11] = (uint8_t)sum;
	return len;
}

START_TEST(ip_reads_the_fields_of_an_ipv4_header)
{
	static const uint8_t src[16] = {MAPPED, 10, 77, 0, 1};
	static const uint8_t dst[16] = {MAPPED, 10, 77, 0, 2};
	uint8_t p[64];
	size_t len = make4(p, NULL, 0, 30);
	struct ip ip;

	ck_assert_int_eq(parse(&ip, p, len), IP_GOOD);
	ck_assert_mem_eq(ip.src, src, 16);
	ck_assert_mem_eq(ip.dst, dst, 16);
	ck_assert_uint_eq(ip.version, 4);
	ck_assert_uint_eq(ip.protocol, IP_TCP);
	ck_assert_uint_eq(ip.tos, 0x10);
	ck_assert_uint_eq(ip.ttl, 64);
	ck_assert_uint_eq(ip.id, 0x1234);
	ck_assert(ip.df && !ip.fragment);
	ck_assert_uint_eq(ip.nhead, 20);
	ck_assert_uint_eq(ip.len, 30);
	/* octets behind the packet are not its payload */
	ck_assert_int_eq(parse(&ip, p, len + 9), IP_GOOD);
	ck_assert_uint_eq(ip.len, 30);
}
END_TEST

static const struct {
	const char *name;
	const char *opt;
	size_t nopt;
	enum ip_verdict want;
} options4[] = {
	{"none", "", 0, IP_GOOD},
	{"nops", "\1\1\1\1", 4, IP_GOOD},
	{"end, then anything", "\0\x83\0\0", 4, IP_GOOD},
	{"router alert", "\x94\4\0\0", 4, IP_GOOD},
	{"record route", "\7\7\4\0\0\0\0\0", 8, IP_GOOD},
	{"loose source route", "\x83\7\4\1\2\3\4\0", 8, IP_OPTION},
	{"strict source route", "\x89\7\4\1\2\3\4\0", 8, IP_OPTION},
	{"source route after nops", "\1\1\1\x83\3\4\0\0", 8, IP_OPTION},
	{"length 0", "\x94\0\0\0", 4, IP_OPTION},
	{"length 1", "\x94\1\0\0", 4, IP_OPTION},
	{"past the end by one", "\x94\5\0\0", 4, IP_OPTION},
	{"length 255", "\x94\377\0\0", 4, IP_OPTION},
	{"kind without length", "\1\1\1\x94", 4, IP_OPTION},
	{"40 octets",
	 "\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1"
	 "\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1",
	 40, IP_GOOD},
};

START_TEST(ip_walks_ipv4_options)
{
	uint8_t p[128];
	size_t nopt = options4[_i].nopt;
	size_t len = make4(p, options4[_i].opt, nopt, 8);
	struct ip ip;

	ck_assert_msg(parse(&ip, p, len) == options4[_i].want, "%s",
		      options4[_i].name);
	if (options4[_i].want == IP_GOOD) {
		ck_assert_uint_eq(ip.nhead, 20 + nopt);
		ck_assert_uint_eq(ip.len, 8);
	}
	for (size_t cut = 0; cut < len; cut++)
		ck_assert_msg(parse(&ip, p, cut) == IP_SHORT, "%s cut at %zu",
			      options4[_i].name, cut);
}
END_TEST

START_TEST(ip_refuses_an_ipv4_header_with_any_bit_wrong)
{
	uint8_t p[64];
	size_t len = make4(p, NULL, 0, 8);
	struct ip ip;

	for (unsigned bit = 0; bit < 160; bit++) {
		p[bit / 8] ^= (uint8_t)(1u << bit % 8);
		ck_assert_msg(parse(&ip, p, len) != IP_GOOD, "bit %u", bit);
		p[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
	p[10] ^= 1;
	ck_assert_int_eq(parse(&ip, p, len), IP_CHECKSUM);
}
END_TEST

START_TEST(ip_tells_ipv4_fragments)
{
	static const struct {
		const char *name;
		uint8_t hi, lo;
		bool df, fragment;
	} rows[] = {
		{"whole", 0, 0, false, false},
		{"DF", 0x40, 0, true, false},
		{"first", 0x20, 0, false, true},
		{"middle", 0x20, 1, false, true},
		{"last", 0, 1, false, true},
		{"last, offset above 255", 1, 0, false, true},
		{"reserved bit", 0x80, 0, false, false},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		uint8_t p[64];
		size_t len = make4(p, NULL, 0, 8);
		uint16_t sum;
		struct ip ip;

		p[6] = rows[i].hi;
		p[7] = rows[i].lo;
		p[10] = p[11] = 0;
		sum = (uint16_t)~cksum_fold(cksum_portable(p, 20));
		p[10] = (uint8_t)(sum >> 8);
		p[11] = (uint8_t)sum;
		ck_assert_int_eq(parse(&ip, p, len), IP_GOOD);
		ck_assert_msg(ip.df == rows[i].df &&
				      ip.fragment == rows[i].fragment,
			      "%s", rows[i].name);
	}
}
END_TEST

START_TEST(ip_never_believes_a_length_beyond_what_is_there)
{
	/* version and header length; total length; octets that are there */
	for (unsigned first = 0; first < 256; first++)
		for (unsigned total = 0; total <= 80; total++)
			for (size_t len = 0; len <= 80; len += 4) {
				uint8_t p[80] = {0};
				unsigned ihl = (first & 15) * 4;
				struct ip ip;
				enum ip_verdict v;

				p[0] = (uint8_t)first;
				p[3] = p[5] = (uint8_t)total;
				p[6] = 17;
				if (ihl >= 20 && first >> 4 == 4) {
					uint16_t sum = (uint16_t)~cksum_fold(
						cksum_portable(p, ihl));

					p[10] = (uint8_t)(sum >> 8);
					p[11] = (uint8_t)sum;
				}
				v = parse(&ip, p, len);
				if (len && first >> 4 != 4 && first >> 4 != 6) {
					if (v != IP_VERSION)
						ck_abort_msg("version %u",
							     first >> 4);
				} else if (first >> 4 == 4) {
					bool good = ihl >= 20 && ihl <= total &&
						    total <= len;

					if ((v == IP_GOOD) != good)
						ck_abort_msg("%u %u %zu", first,
							     total, len);
				} else if (len) {
					bool good = 40 + (size_t)total <= len;

					if ((v == IP_GOOD) != good)
						ck_abort_msg("%u %u %zu", first,
							     total, len);
				}
			}
}
END_TEST

/* ------------------------------------------------------------- IPv6 */

#define TCP20 "12345678901234567890"

static size_t make6(uint8_t *p, uint8_t next, const char *rest, size_t n)
{
	memset(p, 0, 40);
	p[0] = 0x6a; /* traffic class a5, flow label 12345 */
	p[1] = 0x51;
	p[2] = 0x23;
	p[3] = 0x45;
	p[4] = (uint8_t)(n >> 8);
	p[5] = (uint8_t)n;
	p[6] = next;
	p[7] = 63;
	p[8] = 0xfd;
	p[23] = 1;
	p[24] = 0xfd;
	p[39] = 2;
	memcpy(p + 40, rest, n);
	return 40 + n;
}

/* clang-format off */
#define ROW(name, next, text, want, head, proto, frag)             \
	{                                                          \
		name, text, sizeof(text) - 1, want, 40 + (head),   \
			next, proto, frag                          \
	}
/* clang-format on */
#define PADN "\1\4\0\0\0\0"

static const struct {
	const char *name;
	const char *rest;
	size_t n;
	enum ip_verdict want;
	unsigned nhead;
	uint8_t next, protocol;
	bool fragment;
} rows6[] = {
	/* clang-format off */
	ROW("plain", 6, TCP20, IP_GOOD, 0, 6, false),
	ROW("no payload", 59, "", IP_GOOD, 0, 59, false),
	ROW("hop-by-hop", 0, "\6\0" PADN TCP20, IP_GOOD, 8, 6, false),
	ROW("destination", 60, "\6\0" PADN TCP20, IP_GOOD, 8, 6, false),
	ROW("hop-by-hop of 16", 0, "\6\1\1\014............" TCP20, IP_GOOD, 16, 6, false),
	ROW("both", 0, "\74\0" PADN "\6\0" PADN TCP20, IP_GOOD, 16, 6, false),
	ROW("pad1 six times", 60, "\6\0\0\0\0\0\0\0" TCP20, IP_GOOD, 8, 6, false),
	ROW("router alert", 0, "\6\0\5\2\0\0\0\0" TCP20, IP_GOOD, 8, 6, false),
	ROW("hop-by-hop second", 60, "\0\0" PADN "\6\0" PADN TCP20, IP_PROBLEM, 0, 0, false),
	ROW("option not to be skipped", 60, "\6\0\100\4\0\0\0\0" TCP20, IP_EXTENSION, 0, 0, false),
	ROW("jumbo payload", 0, "\6\0\302\4\0\1\0\0" TCP20, IP_PROBLEM, 0, 0, false),
	ROW("option past the end", 60, "\6\0\1\5\0\0\0\0" TCP20, IP_EXTENSION, 0, 0, false),
	ROW("option without length", 60, "\6\0\0\0\0\0\0\1" TCP20, IP_EXTENSION, 0, 0, false),
	ROW("header past the end", 60, "\6\1" PADN, IP_SHORT, 0, 0, false),
	ROW("header of length 255", 60, "\6\377" PADN TCP20, IP_SHORT, 0, 0, false),
	ROW("one octet of a header", 60, "\6", IP_SHORT, 0, 0, false),
	ROW("routing, none left", 43, "\6\0\0\0\0\0\0\0" TCP20, IP_GOOD, 8, 6, false),
	ROW("routing, one left", 43, "\6\0\0\1\0\0\0\0" TCP20, IP_PROBLEM, 0, 0, false),
	ROW("first fragment", 44, "\6\0\0\1abcd" TCP20, IP_GOOD, 8, 6, true),
	ROW("last fragment", 44, "\6\0\0\10abcd" TCP20, IP_GOOD, 8, 6, true),
	ROW("atomic fragment", 44, "\6\0\0\6abcd" TCP20, IP_GOOD, 8, 6, false),
	ROW("atomic, then destination", 44, "\74\0\0\0abcd" "\6\0" PADN TCP20, IP_GOOD, 16, 6, false),
	ROW("fragment's payload is not walked", 44, "\74\0\0\11abcd" "\6\377", IP_GOOD, 8, 60, true),
	ROW("fragment in fragment", 44, "\54\0\0\0abcd" "\6\0\0\1abcd" TCP20, IP_EXTENSION, 0, 0, false),
	ROW("fragment header cut", 44, "\6\0\0\0abc", IP_SHORT, 0, 0, false),
	ROW("authentication", 51, "\6\1" PADN TCP20, IP_GOOD, 0, 51, false),
	ROW("mobility", 135, "\6\0" PADN TCP20, IP_GOOD, 0, 135, false),
	ROW("encrypted", 50, TCP20, IP_GOOD, 0, 50, false),
	/* clang-format on */
};

START_TEST(ip_walks_ipv6_extension_headers)
{
	uint8_t p[256];
	size_t len = make6(p, rows6[_i].next, rows6[_i].rest, rows6[_i].n);
	struct ip ip;

	ck_assert_msg(parse(&ip, p, len) == rows6[_i].want, "%s: verdict",
		      rows6[_i].name);
	if (rows6[_i].want == IP_GOOD)
		ck_assert_msg(ip.nhead == rows6[_i].nhead &&
				      ip.len == len - rows6[_i].nhead &&
				      ip.protocol == rows6[_i].protocol &&
				      ip.fragment == rows6[_i].fragment,
			      "%s: values", rows6[_i].name);
	for (size_t cut = 0; cut < len; cut++) {
		ck_assert_msg(parse(&ip, p, cut) == IP_SHORT, "%s cut at %zu",
			      rows6[_i].name, cut);
		if (cut < 40)
			continue;
		/* cut with a payload length that says so */
		p[5] = (uint8_t)(cut - 40);
		parse(&ip, p, cut);
		p[5] = (uint8_t)(len - 40);
	}
}
END_TEST

START_TEST(ip_reads_the_fields_of_an_ipv6_header)
{
	uint8_t p[64];
	size_t len = make6(p, 6, TCP20, 20);
	struct ip ip;

	ck_assert_int_eq(parse(&ip, p, len), IP_GOOD);
	ck_assert_mem_eq(ip.src, p + 8, 16);
	ck_assert_mem_eq(ip.dst, p + 24, 16);
	ck_assert_uint_eq(ip.version, 6);
	ck_assert_uint_eq(ip.tos, 0xa5);
	ck_assert_uint_eq(ip.flow, 0x12345);
	ck_assert_uint_eq(ip.ttl, 63);
	ck_assert(!ip.fragment);
}
END_TEST

START_TEST(ip_walks_eight_headers_and_256_octets_at_most)
{
	static uint8_t p[65600], rest[1000];
	struct ip ip;

	for (size_t n = 0; n <= 100; n++) {
		memset(rest, 0, sizeof(rest));
		for (size_t i = 0; i < n; i++) {
			rest[8 * i] = i + 1 < n ? 60 : 6;
			rest[8 * i + 2] = 1;
			rest[8 * i + 3] = 4;
		}
		make6(p, n ? 60 : 6, (char *)rest, 8 * n + 20);
		ck_assert_int_eq(parse(&ip, p, 40 + 8 * n + 20),
				 n <= 8 ? IP_GOOD : IP_EXTENSION);
	}
	for (unsigned units = 0; units < 64; units++) {
		memset(rest, 0, sizeof(rest));
		rest[0] = 6;
		rest[1] = (uint8_t)units;
		make6(p, 60, (char *)rest, 8 * (units + 1) + 20);
		ck_assert_int_eq(parse(&ip, p, 40 + 8 * (units + 1) + 20),
				 units < 32 ? IP_GOOD : IP_EXTENSION);
	}
}
END_TEST

START_TEST(ip_refuses_ipv4_addresses_in_an_ipv6_header)
{
	static const uint8_t mapped[16] = {MAPPED, 10, 77, 0, 1};
	uint8_t p[64];
	size_t len = make6(p, 6, TCP20, 20);
	struct ip ip;

	memcpy(p + 8, mapped, 16);
	ck_assert_int_eq(parse(&ip, p, len), IP_VERSION);
	ck_assert(!ip_parse_quoted(&ip, p, len));
	make6(p, 6, TCP20, 20);
	memcpy(p + 24, mapped, 16);
	ck_assert_int_eq(parse(&ip, p, len), IP_VERSION);
}
END_TEST

/* ---------------------------------------------------------- building */

START_TEST(ip_reads_back_what_it_built)
{
	uint8_t family = _i ? 6 : 4;
	size_t head = _i ? 40 : 20;
	struct ip h = {.version = family,
		       .protocol = 6,
		       .tos = 3,
		       .ttl = 64,
		       .df = !_i,
		       .id = _i ? 0 : 0xbeef,
		       .flow = _i ? 0xfffff : 0,
		       .len = 25};
	uint8_t p[65] = {0};
	struct ip got;

	memcpy(h.src, (uint8_t[16]){MAPPED, 10, 0, 0, 1}, 16);
	memcpy(h.dst, (uint8_t[16]){MAPPED, 10, 0, 0, 2}, 16);
	if (_i)
		h.src[0] = h.dst[0] = 0xfd;
	for (size_t room = 0; room < head; room++) {
		uint8_t *small = malloc(room ? room : 1);

		ck_assert_uint_eq(ip_build(small, room, &h), 0);
		free(small);
	}
	ck_assert_uint_eq(ip_build(p, head, &h), head);
	ck_assert_int_eq(parse(&got, p, head + 25), IP_GOOD);
	ck_assert_mem_eq(got.src, h.src, 16);
	ck_assert_mem_eq(got.dst, h.dst, 16);
	ck_assert_uint_eq(got.version, family);
	ck_assert_uint_eq(got.protocol, 6);
	ck_assert_uint_eq(got.tos, 3);
	ck_assert_uint_eq(got.ttl, 64);
	ck_assert(got.df == h.df && !got.fragment);
	ck_assert_uint_eq(got.id, h.id);
	ck_assert_uint_eq(got.flow, h.flow);
	ck_assert_uint_eq(got.nhead, head);
	ck_assert_uint_eq(got.len, 25);
}
END_TEST

START_TEST(ip_builds_nothing_above_65535_octets_or_of_no_family)
{
	struct ip h = {.version = 4, .len = 65515};
	uint8_t p[40];

	ck_assert_uint_eq(ip_build(p, sizeof(p), &h), 20);
	h.len++;
	ck_assert_uint_eq(ip_build(p, sizeof(p), &h), 0);
	h.len = UINT32_MAX;
	ck_assert_uint_eq(ip_build(p, sizeof(p), &h), 0);
	h.version = 6;
	ck_assert_uint_eq(ip_build(p, sizeof(p), &h), 0);
	h.len = 65495;
	ck_assert_uint_eq(ip_build(p, sizeof(p), &h), 40);
	h.len++;
	ck_assert_uint_eq(ip_build(p, sizeof(p), &h), 0);
	h = (struct ip){.version = 5};
	ck_assert_uint_eq(ip_build(p, sizeof(p), &h), 0);
}
END_TEST

START_TEST(ip_reads_quoted_headers_whose_packet_is_cut)
{
	uint8_t p[64];
	struct ip ip;

	make4(p, "\1\1\1\1", 4, 30);
	p[10] ^= 0xff; /* a router's checksum is not ours to judge */
	p[2] = 5;      /* total length 1280 and more */
	ck_assert(ip_parse_quoted(&ip, p, 24));
	ck_assert_uint_eq(ip.nhead, 24);
	ck_assert_uint_eq(ip.protocol, 6);
	ck_assert(!ip_parse_quoted(&ip, p, 23));
	p[0] = 0x44;
	ck_assert(!ip_parse_quoted(&ip, p, 24));
	p[0] = 0x54;
	ck_assert(!ip_parse_quoted(&ip, p, 24));
	ck_assert(!ip_parse_quoted(&ip, p, 0));
	make6(p, 6, TCP20, 20);
	ck_assert(ip_parse_quoted(&ip, p, 40));
	ck_assert_uint_eq(ip.protocol, 6);
	ck_assert_uint_eq(ip.nhead, 40);
	ck_assert(!ip_parse_quoted(&ip, p, 39));
}
END_TEST

/* --------------------------------------------------------- addresses */

START_TEST(ip_knows_special_addresses)
{
	static const struct {
		const char *name;
		uint8_t ip[16];
		bool is4, any, multicast, loopback;
	} rows[] = {
		/* clang-format off */
		{"0.0.0.0",         {MAPPED, 0, 0, 0, 0},       true,  true,  false, false},
		{"0.0.0.1",         {MAPPED, 0, 0, 0, 1},       true,  false, false, false},
		{"10.77.0.2",       {MAPPED, 10, 77, 0, 2},     true,  false, false, false},
		{"126.255.255.255", {MAPPED, 126, 255, 255, 255}, true, false, false, false},
		{"127.0.0.0",       {MAPPED, 127, 0, 0, 0},     true,  false, false, true},
		{"127.255.255.255", {MAPPED, 127, 255, 255, 255}, true, false, false, true},
		{"223.255.255.255", {MAPPED, 223, 255, 255, 255}, true, false, false, false},
		{"224.0.0.0",       {MAPPED, 224, 0, 0, 0},     true,  false, true,  false},
		{"239.255.255.255", {MAPPED, 239, 255, 255, 255}, true, false, true, false},
		{"240.0.0.0",       {MAPPED, 240, 0, 0, 0},     true,  false, false, false},
		{"::",              {0},                        false, true,  false, false},
		{"::1",             {[15] = 1},                 false, false, false, true},
		{"::2",             {[15] = 2},                 false, false, false, false},
		{"100::1",          {1, [15] = 1},              false, false, false, false},
		{"fe80::",          {0xfe, 0x80},               false, false, false, false},
		{"ff02::1",         {0xff, 2, [15] = 1},        false, false, true,  false},
		/* clang-format on */
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		ck_assert_msg(ip_is4(rows[i].ip) == rows[i].is4 &&
				      ip_is_any(rows[i].ip) == rows[i].any &&
				      ip_is_multicast(rows[i].ip) ==
					      rows[i].multicast &&
				      ip_is_loopback(rows[i].ip) ==
					      rows[i].loopback,
			      "%s", rows[i].name);
}
END_TEST

START_TEST(ip_compares_exactly_the_bits_of_a_prefix)
{
	static const uint8_t four[16] = {MAPPED, 10, 77, 0xa5, 0x5a};
	uint8_t six[16] = {0x20, 1, 0xd, 0xb8, 5, 6, 7, 8, 9, 10, 11, 12};

	for (unsigned len = 0; len <= 32; len++)
		for (unsigned bit = 0; bit < 32; bit++) {
			uint8_t other[16];

			memcpy(other, four, 16);
			other[12 + bit / 8] ^= (uint8_t)(128u >> bit % 8);
			ck_assert(ip_in_prefix(other, four, 4, (uint8_t)len) ==
				  (bit >= len));
		}
	for (unsigned len = 0; len <= 128; len++)
		for (unsigned bit = 0; bit < 128; bit++) {
			uint8_t other[16];

			memcpy(other, six, 16);
			other[bit / 8] ^= (uint8_t)(128u >> bit % 8);
			ck_assert(ip_in_prefix(other, six, 6, (uint8_t)len) ==
				  (bit >= len));
		}
	ck_assert(ip_in_prefix(four, four, 4, 32));
	ck_assert(ip_in_prefix(six, six, 6, 128));
	ck_assert_msg(!ip_in_prefix(four, four, 4, 33), "33 bits");
	ck_assert_msg(!ip_in_prefix(six, six, 6, 129), "129 bits");
	ck_assert_msg(!ip_in_prefix(four, six, 6, 0), "IPv4 in ::/0");
	ck_assert_msg(!ip_in_prefix(six, four, 4, 0), "IPv6 in 0.0.0.0/0");
	ck_assert_msg(!ip_in_prefix(six, six, 5, 0), "no family");
}
END_TEST

int main(void)
{
	Suite *s = suite_create("ip");
	TCase *tc = tcase_create("ip");
	SRunner *sr = srunner_create(s);
	int failed;

	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, ip_reads_the_fields_of_an_ipv4_header);
	tcase_add_loop_test(tc, ip_walks_ipv4_options, 0,
			    (int)ARRAY_SIZE(options4));
	tcase_add_test(tc, ip_refuses_an_ipv4_header_with_any_bit_wrong);
	tcase_add_test(tc, ip_tells_ipv4_fragments);
	tcase_add_test(tc, ip_never_believes_a_length_beyond_what_is_there);
	tcase_add_loop_test(tc, ip_walks_ipv6_extension_headers, 0,
			    (int)ARRAY_SIZE(rows6));
	tcase_add_test(tc, ip_reads_the_fields_of_an_ipv6_header);
	tcase_add_test(tc, ip_walks_eight_headers_and_256_octets_at_most);
	tcase_add_test(tc, ip_refuses_ipv4_addresses_in_an_ipv6_header);
	tcase_add_loop_test(tc, ip_reads_back_what_it_built, 0, 2);
	tcase_add_test(tc,
		       ip_builds_nothing_above_65535_octets_or_of_no_family);
	tcase_add_test(tc, ip_reads_quoted_headers_whose_packet_is_cut);
	tcase_add_test(tc, ip_knows_special_addresses);
	tcase_add_test(tc, ip_compares_exactly_the_bits_of_a_prefix);
	suite_add_tcase(s, tc);
	srunner_set_tap(sr, "-");
	srunner_run_all(sr, CK_SILENT);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed != 0;
}
