/* SPDX-License-Identifier: MIT */
/* test_proxy_v2.c - the head that names the client, octet by octet.
 * LINK: daemon/proxy_v2.c
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/proxy_v2.h"
#include "wire/pretty.h"

static const struct {
	const char *src, *dst;
	size_t len;
	const char *octets; /* behind the signature */
} rows[] = {
	{"10.77.0.1:40112", "10.77.0.2:80", 28,
	 "\x21\x11\x00\x0c\x0a\x4d\x00\x01\x0a\x4d\x00\x02\x9c\xb0\x00\x50"},
	{"[fd77::1]:50000", "[fd77::2]:443", 52,
	 "\x21\x21\x00\x24"
	 "\xfd\x77\0\0\0\0\0\0\0\0\0\0\0\0\0\x01"
	 "\xfd\x77\0\0\0\0\0\0\0\0\0\0\0\0\0\x02\xc3\x50\x01\xbb"},
};

START_TEST(proxy_v2_head_names_client_and_server)
{
	struct tcpd_addr src, dst;
	uint8_t buf[PROXY_V2_MAX];

	ck_assert(pretty_parse_addr(&src, rows[_i].src));
	ck_assert(pretty_parse_addr(&dst, rows[_i].dst));
	ck_assert_msg(proxy_v2_write(buf, &src, &dst) == rows[_i].len,
		      "%s: length", rows[_i].src);
	ck_assert(memcmp(buf, "\r\n\r\n\0\r\nQUIT\n", 12) == 0);
	ck_assert_msg(memcmp(buf + 12, rows[_i].octets, rows[_i].len - 12) == 0,
		      "%s: octets", rows[_i].src);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("proxy_v2");
	TCase *tc = tcase_create("head");
	SRunner *sr = srunner_create(s);
	int failed;

	tcase_add_loop_test(tc, proxy_v2_head_names_client_and_server, 0,
			    (int)(sizeof(rows) / sizeof(rows[0])));
	suite_add_tcase(s, tc);
	srunner_set_tap(sr, "-");
	srunner_run_all(sr, CK_SILENT);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed != 0;
}
