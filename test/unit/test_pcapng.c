/* SPDX-License-Identifier: MIT */
/*
 * test_pcapng.c - blocks of a capture, read back octet by octet.
 * LINK: daemon/pcapng.c */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/pcapng.h"

static uint32_t u32(const uint8_t *p)
{
	uint32_t v;

	memcpy(&v, p, sizeof(v));
	return v;
}

static uint16_t u16(const uint8_t *p)
{
	uint16_t v;

	memcpy(&v, p, sizeof(v));
	return v;
}

/* The value of option |code| (its |nth|, from 0) between |p| and |end|. */
static const uint8_t *option(const uint8_t *p, const uint8_t *end,
			     uint16_t code, unsigned nth, uint16_t *len)
{
	while (end - p >= 4 && u16(p) != 0) {
		*len = u16(p + 2);
		if (u16(p) == code && nth-- == 0)
			return p + 4;
		p += 4 + ((*len + 3u) & ~3u);
	}
	return NULL;
}

/* Both lengths of the block at |p| are |n|, and it is of |type|. */
static void block_is(const uint8_t *p, size_t n, uint32_t type)
{
	ck_assert_uint_eq(u32(p), type);
	ck_assert_uint_eq(u32(p + 4), n);
	ck_assert_uint_eq(u32(p + n - 4), n);
	ck_assert_uint_eq(n % 4, 0);
}

START_TEST(pcapng_begins_with_a_section_and_a_raw_interface_in_ns)
{
	uint8_t buf[256];
	size_t n = pcapng_head(buf, sizeof(buf), "tcpd0"), first;
	const uint8_t *v;
	uint16_t len;

	ck_assert_uint_gt(n, 0);
	first = u32(buf + 4);
	block_is(buf, first, 0x0A0D0D0A);
	ck_assert_uint_eq(u32(buf + 8), 0x1A2B3C4D);
	block_is(buf + first, n - first, 1);
	ck_assert_uint_eq(u16(buf + first + 8), 101);
	v = option(buf + first + 16, buf + n - 4, 9, 0, &len);
	ck_assert_ptr_nonnull(v);
	ck_assert_uint_eq(v[0], 9);
	v = option(buf + first + 16, buf + n - 4, 2, 0, &len);
	ck_assert_mem_eq(v, "tcpd0", len);
	/* hardware, OS: they would name the machine */
	ck_assert_ptr_null(option(buf + 24, buf + first - 4, 2, 0, &len));
	ck_assert_ptr_null(option(buf + 24, buf + first - 4, 3, 0, &len));
}
END_TEST

START_TEST(pcapng_packet_carries_parts_time_direction_and_comments)
{
	static const uint8_t a[] = "abc", b[] = "defgh";
	const struct tcpd_slice part[] = {{a, 3}, {b, 5}};
	struct pcapng_packet k = {
		.at = 0x0123456789abcdef,
		.part = part,
		.nparts = 2,
		.comment = {"conn=7 LISTEN -> SYN-RECEIVED", "second"},
		.ncomments = 2,
	};
	uint8_t buf[256], *data;
	const uint8_t *v, *opts;
	uint16_t n;
	size_t len, total;

	for (int out = 0; out < 2; out++) {
		k.out = out;
		total = pcapng_packet(buf, sizeof(buf), &k, &data, &len);
		block_is(buf, total, 6);
		ck_assert_uint_eq(u32(buf + 12), 0x01234567);
		ck_assert_uint_eq(u32(buf + 16), 0x89abcdef);
		ck_assert_uint_eq(u32(buf + 20), 8);
		ck_assert_uint_eq(u32(buf + 24), 8);
		ck_assert_ptr_eq(data, buf + 28);
		ck_assert_mem_eq(data, "abcdefgh", 8);
		opts = buf + 36;
		v = option(opts, buf + total - 4, 1, 0, &n);
		ck_assert_uint_eq(n, strlen(k.comment[0]));
		ck_assert_mem_eq(v, k.comment[0], n);
		v = option(opts, buf + total - 4, 1, 1, &n);
		ck_assert_mem_eq(v, "second", 6);
		v = option(opts, buf + total - 4, 2, 0, &n);
		ck_assert_uint_eq(n, 4);
		ck_assert_uint_eq(u32(v), out ? 2 : 1);
	}
}
END_TEST

START_TEST(pcapng_pads_a_packet_of_any_length_with_zeros)
{
	uint8_t octets[4] = {1, 2, 3, 4}, buf[128], *data;
	size_t len, n;

	for (uint32_t i = 0; i <= 4; i++) {
		const struct tcpd_slice part = {octets, i};
		const struct pcapng_packet k = {.part = &part, .nparts = 1};

		memset(buf, 0xee, sizeof(buf));
		n = pcapng_packet(buf, sizeof(buf), &k, &data, &len);
		block_is(buf, n, 6);
		ck_assert_uint_eq(len, i);
		for (uint32_t j = i; j % 4; j++)
			ck_assert_uint_eq(data[j], 0);
	}
}
END_TEST

START_TEST(pcapng_writes_nothing_beyond_its_room)
{
	static const uint8_t octets[61] = {0};
	const struct tcpd_slice part = {octets, sizeof(octets)};
	const struct pcapng_packet k = {
		.part = &part,
		.nparts = 1,
		.comment = {"a comment"},
		.ncomments = 1,
	};
	uint8_t big[512], *data;
	size_t len, need = pcapng_packet(big, sizeof(big), &k, &data, &len);
	size_t head = pcapng_head(big, sizeof(big), "tcpd0");
	size_t stat = pcapng_end(big, sizeof(big), 1, 2, 3);

	ck_assert_uint_le(need, pcapng_packet_room(sizeof(octets), 1));
	for (size_t room = 0; room <= need; room++) {
		uint8_t *p = malloc(room ? room : 1);

		ck_assert_uint_eq(pcapng_packet(p, room, &k, &data, &len),
				  room < need ? 0 : need);
		ck_assert_uint_eq(pcapng_head(p, room, "tcpd0"),
				  room < head ? 0 : head);
		ck_assert_uint_eq(pcapng_end(p, room, 1, 2, 3),
				  room < stat ? 0 : stat);
		free(p);
	}
}
END_TEST

START_TEST(pcapng_cuts_a_comment_that_is_too_long)
{
	static const uint8_t octet[1] = {0x45};
	const struct tcpd_slice part = {octet, 1};
	char text[300];
	struct pcapng_packet k = {.part = &part, .nparts = 1, .ncomments = 1};
	uint8_t buf[256], *data;
	uint16_t n;
	size_t len, total;

	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	k.comment[0] = text;
	total = pcapng_packet(buf, pcapng_packet_room(1, 1), &k, &data, &len);
	ck_assert_uint_gt(total, 0);
	ck_assert_ptr_nonnull(option(buf + 32, buf + total - 4, 1, 0, &n));
	ck_assert_uint_eq(n, PCAPNG_COMMENT_MAX - 1);
}
END_TEST

START_TEST(pcapng_ends_with_what_was_received_and_lost)
{
	uint8_t buf[128];
	size_t n = pcapng_end(buf, sizeof(buf), 5, 1000, 7);
	const uint8_t *v;
	uint16_t len;
	uint64_t got;

	block_is(buf, n, 5);
	v = option(buf + 20, buf + n - 4, 4, 0, &len);
	memcpy(&got, v, sizeof(got));
	ck_assert_uint_eq(got, 1000);
	v = option(buf + 20, buf + n - 4, 5, 0, &len);
	memcpy(&got, v, sizeof(got));
	ck_assert_uint_eq(got, 7);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("pcapng");
	TCase *tc = tcase_create("blocks");
	SRunner *sr = srunner_create(s);
	int failed;

	tcase_add_test(tc,
		       pcapng_begins_with_a_section_and_a_raw_interface_in_ns);
	tcase_add_test(tc,
		       pcapng_packet_carries_parts_time_direction_and_comments);
	tcase_add_test(tc, pcapng_pads_a_packet_of_any_length_with_zeros);
	tcase_add_test(tc, pcapng_writes_nothing_beyond_its_room);
	tcase_add_test(tc, pcapng_cuts_a_comment_that_is_too_long);
	tcase_add_test(tc, pcapng_ends_with_what_was_received_and_lost);
	suite_add_tcase(s, tc);
	srunner_set_tap(sr, "-");
	srunner_run_all(sr, CK_SILENT);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed != 0;
}
