/* SPDX-License-Identifier: MIT */
/*
 * test_proto.c - messages of the control protocol: round trips,
 * every cut, every wrong length, and that doc/protocol.md has every row.
 */
#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/proto.h"

/* Every field has a value of its own. */
static struct proto_msg full(uint16_t op)
{
	struct proto_msg m = {
		.op = op,
		.major = PROTO_MAJOR,
		.minor = PROTO_MINOR,
		.seq = 0x01020304,
		.err = 0,
		.domain = 6,
		.local = {.port = 80, .family = 4},
		.peer = {.port = 40112, .family = 6},
		.backlog = 17,
		.level = 6,
		.option = 11,
		.length = 104,
		.nvalue = 5,
		.nversion = 5,
		.flags = PROTO_SEND_EOR,
		.ndata = 7,
		.value = "abcde",
		.version = "0.1.0",
		.data = "octets",
	};

	for (unsigned t = 1; t < PROTO_TLV_END; t++)
		m.has |= PROTO_HAS(t);
	for (int i = 0; i < 16; i++) {
		m.local.ip[i] = (uint8_t)i;
		m.peer.ip[i] = (uint8_t)(0xf0 + i);
	}
	return m;
}

static void same_addr(const struct proto_addr *a, const struct proto_addr *b)
{
	ck_assert_mem_eq(a->ip, b->ip, 16);
	ck_assert_uint_eq(a->port, b->port);
	ck_assert_uint_eq(a->family, b->family);
}

static void same(const struct proto_msg *a, const struct proto_msg *b)
{
	ck_assert_uint_eq(a->op, b->op);
	ck_assert_uint_eq(a->seq, b->seq);
	ck_assert_int_eq(a->err, b->err);
	ck_assert_uint_eq(a->has, b->has);
	ck_assert_uint_eq(a->domain, b->domain);
	same_addr(&a->local, &b->local);
	same_addr(&a->peer, &b->peer);
	ck_assert_uint_eq(a->backlog, b->backlog);
	ck_assert_uint_eq(a->level, b->level);
	ck_assert_uint_eq(a->option, b->option);
	ck_assert_uint_eq(a->length, b->length);
	ck_assert_uint_eq(a->nvalue, b->nvalue);
	ck_assert_mem_eq(a->value, b->value, a->nvalue);
	ck_assert_str_eq(a->version, b->version);
	ck_assert_uint_eq(a->flags, b->flags);
	ck_assert_uint_eq(a->ndata, b->ndata);
	ck_assert_mem_eq(a->data, b->data, a->ndata);
}

/* A copy of exactly |len| octets, so that one read too many shows in ASan. */
static enum proto_result parse(struct proto_msg *m, const uint8_t *p,
			       size_t len, bool reply)
{
	uint8_t *copy = malloc(len ? len : 1);
	enum proto_result r;

	ck_assert_ptr_nonnull(copy);
	memcpy(copy, p, len);
	r = reply ? proto_parse_reply(m, copy, len)
		  : proto_parse_request(m, copy, len);
	free(copy);
	return r;
}

START_TEST(proto_every_request_comes_back_as_it_was)
{
	uint8_t buf[PROTO_MAX];
	struct proto_msg m = full((uint16_t)_i), got;
	size_t n = proto_build_request(&m, buf, sizeof(buf));

	ck_assert_uint_gt(n, PROTO_HDR);
	ck_assert_int_eq(parse(&got, buf, n, false), PROTO_OK);
	same(&m, &got);
}
END_TEST

START_TEST(proto_every_reply_comes_back_as_it_was)
{
	uint8_t buf[PROTO_MAX];
	struct proto_msg m = full((uint16_t)_i), got;
	size_t n;

	m.err = ECONNREFUSED;
	n = proto_build_reply(&m, buf, sizeof(buf));
	ck_assert_int_eq(parse(&got, buf, n, true), PROTO_OK);
	same(&m, &got);
}
END_TEST

START_TEST(proto_each_tlv_stands_alone)
{
	uint8_t buf[PROTO_MAX];
	struct proto_msg m = full(PROTO_SETOPT), got;
	size_t n;

	m.has = PROTO_HAS(_i);
	n = proto_build_request(&m, buf, sizeof(buf));
	ck_assert_int_eq(parse(&got, buf, n, false), PROTO_OK);
	ck_assert_uint_eq(got.has, m.has);
}
END_TEST

START_TEST(proto_a_message_cut_anywhere_is_garbage)
{
	uint8_t buf[PROTO_MAX];
	struct proto_msg m = full(PROTO_CONNECT), got;
	size_t n = proto_build_reply(&m, buf, sizeof(buf));

	for (size_t cut = 0; cut < n; cut++)
		ck_assert_msg(parse(&got, buf, cut, true) == PROTO_GARBAGE,
			      "cut at %zu", cut);
}
END_TEST

/* The header's length is made to agree, so that the TLVs are what is cut. */
START_TEST(proto_tlvs_cut_anywhere_are_whole_or_refused)
{
	uint8_t buf[PROTO_MAX];
	struct proto_msg m = full(PROTO_CONNECT), got;
	size_t n = proto_build_request(&m, buf, sizeof(buf)), whole = 0;

	for (size_t cut = PROTO_HDR; cut < n; cut++) {
		uint32_t len = (uint32_t)(cut - PROTO_HDR);
		enum proto_result r;

		memcpy(buf + 12, &len, sizeof(len));
		r = parse(&got, buf, cut, false);
		ck_assert(r == PROTO_OK || r == PROTO_BAD_TLV);
		whole += r == PROTO_OK;
	}
	/* Only the cuts between two TLVs are messages. */
	ck_assert_uint_eq(whole, PROTO_TLV_END - 1);
}
END_TEST

START_TEST(proto_an_octet_too_many_is_garbage)
{
	uint8_t buf[PROTO_MAX + 1];
	struct proto_msg m = full(PROTO_BIND), got;
	size_t n = proto_build_request(&m, buf, sizeof(buf));

	ck_assert_int_eq(parse(&got, buf, n + 1, false), PROTO_GARBAGE);
}
END_TEST

START_TEST(proto_a_message_above_4096_octets_is_garbage)
{
	static uint8_t buf[PROTO_MAX + 1];
	struct proto_msg m = {.op = PROTO_HELLO}, got;
	uint32_t len = PROTO_MAX + 1 - PROTO_HDR;

	proto_build_request(&m, buf, sizeof(buf));
	memcpy(buf + 12, &len, sizeof(len));
	ck_assert_int_eq(parse(&got, buf, sizeof(buf), false), PROTO_GARBAGE);
}
END_TEST

START_TEST(proto_a_wrong_magic_is_garbage)
{
	uint8_t buf[PROTO_MAX];
	struct proto_msg m = full(PROTO_BIND), got;
	size_t n = proto_build_request(&m, buf, sizeof(buf));

	buf[0] ^= 1;
	ck_assert_int_eq(parse(&got, buf, n, false), PROTO_GARBAGE);
}
END_TEST

START_TEST(proto_another_major_version_is_told_with_op_and_seq)
{
	uint8_t buf[PROTO_MAX];
	struct proto_msg m = full(PROTO_BIND), got;
	size_t n = proto_build_request(&m, buf, sizeof(buf));

	buf[2] = PROTO_MAJOR + 1;
	ck_assert_int_eq(parse(&got, buf, n, false), PROTO_OTHER);
	ck_assert_uint_eq(got.op, PROTO_BIND);
	ck_assert_uint_eq(got.seq, m.seq);
}
END_TEST

START_TEST(proto_another_minor_version_is_read)
{
	uint8_t buf[PROTO_MAX];
	struct proto_msg m = full(PROTO_BIND), got;
	size_t n = proto_build_request(&m, buf, sizeof(buf));

	buf[3] = PROTO_MINOR + 1;
	ck_assert_int_eq(parse(&got, buf, n, false), PROTO_OK);
}
END_TEST

/* |n| octets and one more TLV, with the header's length made to agree. */
static size_t append(uint8_t *buf, size_t n, uint16_t type, uint16_t len)
{
	uint32_t all;

	memcpy(buf + n, &type, 2);
	memcpy(buf + n + 2, &len, 2);
	memset(buf + n + 4, 0, len);
	n += 4u + len;
	all = (uint32_t)(n - PROTO_HDR);
	memcpy(buf + 12, &all, sizeof(all));
	return n;
}

START_TEST(proto_an_unknown_tlv_is_skipped)
{
	uint8_t buf[PROTO_MAX];
	struct proto_msg m = full(PROTO_BIND), got;
	size_t n = proto_build_request(&m, buf, sizeof(buf));

	n = append(buf, n, 0x7777, 9);
	n = append(buf, n, 0, 0);
	ck_assert_int_eq(parse(&got, buf, n, false), PROTO_OK);
	same(&m, &got);
}
END_TEST

START_TEST(proto_a_tlv_that_is_there_twice_is_refused)
{
	uint8_t buf[PROTO_MAX];
	struct proto_msg m = full(PROTO_BIND), got;
	size_t n = proto_build_request(&m, buf, sizeof(buf));

	n = append(buf, n, PROTO_TLV_BACKLOG, 4);
	ck_assert_int_eq(parse(&got, buf, n, false), PROTO_BAD_TLV);
}
END_TEST

START_TEST(proto_a_tlv_of_a_wrong_length_is_refused)
{
	const struct proto_tlv_row *row = proto_tlv_row((unsigned)_i);
	const int lens[] = {row->min - 1, row->max + 1};

	for (int i = 0; i < 2; i++) {
		uint8_t buf[PROTO_MAX];
		struct proto_msg m = {.op = PROTO_HELLO}, got;
		size_t n = proto_build_request(&m, buf, sizeof(buf));

		if (lens[i] < 0)
			continue;
		n = append(buf, n, row->number, (uint16_t)lens[i]);
		ck_assert_msg(parse(&got, buf, n, false) == PROTO_BAD_TLV,
			      "%s of %d octets", row->name, lens[i]);
	}
}
END_TEST

START_TEST(proto_a_family_that_does_not_exist_is_refused)
{
	uint8_t buf[PROTO_MAX];
	struct proto_msg m = full(PROTO_BIND), got;
	size_t n;

	m.local.family = 5;
	n = proto_build_request(&m, buf, sizeof(buf));
	ck_assert_int_eq(parse(&got, buf, n, false), PROTO_BAD_TLV);
}
END_TEST

START_TEST(proto_a_buffer_that_is_too_small_is_never_overrun)
{
	uint8_t whole[PROTO_MAX];
	struct proto_msg m = full(PROTO_BIND);
	size_t n = proto_build_reply(&m, whole, sizeof(whole));

	for (size_t size = 0; size < n; size++) {
		uint8_t *p = malloc(size ? size : 1);

		ck_assert_ptr_nonnull(p);
		ck_assert_uint_eq(proto_build_reply(&m, p, size), 0);
		free(p);
	}
}
END_TEST

/* --- the document */

static char *read_doc(const char *path)
{
	FILE *f = fopen(path, "r");
	char *text = calloc(1, 65536);

	ck_assert_msg(f != NULL, "%s: %s (run it from the top folder)", path,
		      strerror(errno));
	ck_assert_ptr_nonnull(text);
	ck_assert_uint_gt(fread(text, 1, 65535, f), 0);
	(void)fclose(f);
	return text;
}

START_TEST(protocol_md_has_every_row_of_the_tables)
{
	char *doc = read_doc("doc/protocol.md"), row[256];

	for (unsigned i = 1; i < PROTO_OP_END; i++) {
		const struct proto_op_row *o = proto_op_row(i);

		(void)snprintf(row, sizeof(row),
			       "\n| %u | %s | %u | %u | %s |\n", i, o->name,
			       o->fds_in, o->fds_out, o->text);
		ck_assert_msg(strstr(doc, row) != NULL, "missing:%s", row);
	}
	for (unsigned i = 1; i < PROTO_TLV_END; i++) {
		const struct proto_tlv_row *t = proto_tlv_row(i);

		(void)snprintf(row, sizeof(row),
			       "\n| %u | %s | %u | %u | %s |\n", i, t->name,
			       t->min, t->max, t->text);
		ck_assert_msg(strstr(doc, row) != NULL, "missing:%s", row);
	}
	free(doc);
}
END_TEST

START_TEST(proto_rows_exist_for_their_numbers_only)
{
	ck_assert_ptr_null(proto_op_row(0));
	ck_assert_ptr_null(proto_op_row(PROTO_OP_END));
	ck_assert_ptr_null(proto_tlv_row(0));
	ck_assert_ptr_null(proto_tlv_row(PROTO_TLV_END));
	for (unsigned i = 1; i < PROTO_OP_END; i++)
		ck_assert_uint_eq(proto_op_row(i)->number, i);
	for (unsigned i = 1; i < PROTO_TLV_END; i++)
		ck_assert_uint_eq(proto_tlv_row(i)->number, i);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("proto");
	TCase *tc = tcase_create("messages");
	SRunner *sr = srunner_create(s);
	int failed;

#define T(name)		 tcase_add_test(tc, name)
#define LOOP(name, a, b) tcase_add_loop_test(tc, name, a, b)
	LOOP(proto_every_request_comes_back_as_it_was, 1, PROTO_OP_END);
	LOOP(proto_every_reply_comes_back_as_it_was, 1, PROTO_OP_END);
	LOOP(proto_each_tlv_stands_alone, 1, PROTO_TLV_END);
	T(proto_a_message_cut_anywhere_is_garbage);
	T(proto_tlvs_cut_anywhere_are_whole_or_refused);
	T(proto_an_octet_too_many_is_garbage);
	T(proto_a_message_above_4096_octets_is_garbage);
	T(proto_a_wrong_magic_is_garbage);
	T(proto_another_major_version_is_told_with_op_and_seq);
	T(proto_another_minor_version_is_read);
	T(proto_an_unknown_tlv_is_skipped);
	T(proto_a_tlv_that_is_there_twice_is_refused);
	LOOP(proto_a_tlv_of_a_wrong_length_is_refused, 1, PROTO_TLV_END);
	T(proto_a_family_that_does_not_exist_is_refused);
	T(proto_a_buffer_that_is_too_small_is_never_overrun);
	T(proto_rows_exist_for_their_numbers_only);
	T(protocol_md_has_every_row_of_the_tables);
#undef T
#undef LOOP
	suite_add_tcase(s, tc);
	srunner_set_tap(sr, "-");
	srunner_run_all(sr, CK_SILENT);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed != 0;
}
