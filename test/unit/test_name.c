/* SPDX-License-Identifier: MIT */
/*
 * test_name.c - the abstract names of connections: both ways, cut anywhere,
 * and that the longest fits into an AF_UNIX address.
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "proto/name.h"

static const struct name_row {
	const char *text;
	enum name_kind kind;
	uint8_t domain;
	bool ok;
} names[] = {
	{"tcpd/01234567abc/10.77.0.2:80/10.77.0.1:40112", NAME_CONNECTION, 4,
	 true},
	{"tcpd/012345671/10.77.0.2:80/*", NAME_LISTENER, 4, true},
	{"tcpd/012345671/0.0.0.0:0/-", NAME_FRESH, 4, true},
	{"tcpd/012345671/::ffff:10.77.0.2:80/::ffff:10.77.0.1:1",
	 NAME_CONNECTION, 6, true},
	{"tcpd/012345671/fd770000000000000000000000000002:80/"
	 "fd770000000000000000000000000001:65535",
	 NAME_CONNECTION, 6, true},
	{"tcpd/012345671/00000000000000000000000000000000:0/-", NAME_FRESH, 6,
	 true},
	{"", NAME_FRESH, 0, false},
	{"tcpd/", NAME_FRESH, 0, false},
	{"tcpe/012345671/10.77.0.2:80/*", NAME_FRESH, 0, false},
	{"tcpd/01234567/10.77.0.2:80/*", NAME_FRESH, 0, false},
	{"tcpd/0123456x01/10.77.0.2:80/*", NAME_FRESH, 0, false},
	{"tcpd/012345671/10.77.0.256:80/*", NAME_FRESH, 0, false},
	{"tcpd/012345671/10.77.0:80/*", NAME_FRESH, 0, false},
	{"tcpd/012345671/10.77.0.2:65536/*", NAME_FRESH, 0, false},
	{"tcpd/012345671/10.77.0.2:000080/*", NAME_FRESH, 0, false},
	{"tcpd/012345671/10.77.0.2:80/**", NAME_FRESH, 0, false},
	{"tcpd/012345671/10.77.0.2:80/", NAME_FRESH, 0, false},
	{"tcpd/012345671/10.77.0.2:80", NAME_FRESH, 0, false},
	{"tcpd/012345671/10.77.0.2:80/fd770000000000000000000000000001:1",
	 NAME_FRESH, 0, false},
	{"tcpd/012345671/fd77000000000000000000000000000:80/*", NAME_FRESH, 0,
	 false},
	{"tcpd/012345671123456789abcdef/10.77.0.2:80/*", NAME_FRESH, 0, false},
};

START_TEST(name_is_read_and_written_alike)
{
	const struct name_row *row = &names[_i];
	char buf[NAME_MAX_LEN + 1];
	struct name n;

	ck_assert_msg(name_parse(&n, row->text, strlen(row->text)) == row->ok,
		      "%s", row->text);
	if (!row->ok)
		return;
	ck_assert_msg(n.kind == row->kind && n.domain == row->domain, "%s",
		      row->text);
	name_build(&n, buf);
	ck_assert_str_eq(buf, row->text);
}
END_TEST

START_TEST(name_cut_anywhere_is_never_read_beyond_its_end)
{
	const char *text = names[_i].text;
	struct name n;

	for (size_t cut = 0; cut < strlen(text); cut++) {
		char *p = malloc(cut ? cut : 1);

		ck_assert_ptr_nonnull(p);
		memcpy(p, text, cut);
		name_parse(&n, p, cut);
		free(p);
	}
}
END_TEST

START_TEST(name_of_the_longest_values_fits)
{
	struct name n = {.nonce = UINT32_MAX,
			 .id = (UINT64_C(1) << 53) - 1,
			 .kind = NAME_CONNECTION,
			 .domain = 6},
		    got;
	char buf[NAME_MAX_LEN + 1];

	memset(&n.local, 0xff, sizeof(n.local));
	n.local.family = 6;
	n.peer = n.local;
	ck_assert_uint_le(name_build(&n, buf), NAME_MAX_LEN);
	ck_assert(name_parse(&got, buf, strlen(buf)));
	ck_assert_uint_eq(got.id, n.id);
	ck_assert_uint_eq(got.nonce, n.nonce);
	ck_assert_mem_eq(got.peer.ip, n.peer.ip, 16);
	ck_assert_uint_eq(got.peer.port, n.peer.port);
}
END_TEST

int main(void)
{
	const int n = sizeof(names) / sizeof(names[0]);
	Suite *s = suite_create("name");
	TCase *tc = tcase_create("names");
	SRunner *sr = srunner_create(s);
	int failed;

	tcase_add_loop_test(tc, name_is_read_and_written_alike, 0, n);
	tcase_add_loop_test(tc, name_cut_anywhere_is_never_read_beyond_its_end,
			    0, n);
	tcase_add_test(tc, name_of_the_longest_values_fits);
	suite_add_tcase(s, tc);
	srunner_set_tap(sr, "-");
	srunner_run_all(sr, CK_SILENT);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed != 0;
}
