/* SPDX-License-Identifier: MIT */
/*
 * test_addr.c - addresses of programs to the protocol's and back, and what
 * the names of an fd say.
 */
#include <arpa/inet.h>
#include <check.h>
#include <errno.h>
#include <netinet/in.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "app/app.h"

static const struct row {
	const char *text;
	int family; /* of the program's address */
	uint8_t domain, want_family;
	int err;
	const char *ip; /* as 16 octets, in IPv6 notation */
} rows[] = {
	{"10.77.0.2", AF_INET, 4, 4, 0, "::ffff:10.77.0.2"},
	{"0.0.0.0", AF_INET, 4, 4, 0, "::"},
	{"10.77.0.2", AF_INET, 6, 0, EAFNOSUPPORT, NULL},
	{"fd77::2", AF_INET6, 4, 0, EAFNOSUPPORT, NULL},
	{"fd77::2", AF_INET6, 6, 6, 0, "fd77::2"},
	{"::", AF_INET6, 6, 6, 0, "::"},
	{"::ffff:10.77.0.2", AF_INET6, 6, 4, 0, "::ffff:10.77.0.2"},
};

static socklen_t make(const struct row *r, struct sockaddr_storage *ss)
{
	struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons(80)};
	struct sockaddr_in6 in6 = {.sin6_family = AF_INET6,
				   .sin6_port = htons(80)};

	memset(ss, 0, sizeof(*ss));
	if (r->family == AF_INET) {
		inet_pton(AF_INET, r->text, &in.sin_addr);
		memcpy(ss, &in, sizeof(in));
		return sizeof(in);
	}
	inet_pton(AF_INET6, r->text, &in6.sin6_addr);
	memcpy(ss, &in6, sizeof(in6));
	return sizeof(in6);
}

START_TEST(addr_goes_in_and_comes_back)
{
	const struct row *r = &rows[_i];
	struct sockaddr_storage ss, back;
	socklen_t len = make(r, &ss), n = sizeof(back);
	struct proto_addr a;
	uint8_t ip[16];
	int rc = app_addr_in(&a, (struct sockaddr *)&ss, len, r->domain);

	ck_assert_msg(rc == (r->err ? -1 : 0), "%s", r->text);
	if (r->err) {
		ck_assert_int_eq(errno, r->err);
		return;
	}
	inet_pton(AF_INET6, r->ip, ip);
	ck_assert_mem_eq(a.ip, ip, 16);
	ck_assert_uint_eq(a.family, r->want_family);
	ck_assert_uint_eq(a.port, 80);
	memset(&back, 0, sizeof(back));
	app_addr_out(&a, r->domain, (struct sockaddr *)&back, &n);
	ck_assert_uint_eq(n, len);
	ck_assert_mem_eq(&back, &ss, len);
}
END_TEST

START_TEST(addr_that_is_too_short_is_einval)
{
	struct sockaddr_storage ss;
	struct proto_addr a;
	socklen_t len = make(&rows[0], &ss);

	for (socklen_t n = 0; n < len; n++) {
		errno = 0;
		ck_assert_int_eq(app_addr_in(&a, (struct sockaddr *)&ss, n, 4),
				 -1);
		ck_assert_int_eq(errno, EINVAL);
	}
	ck_assert_int_eq(app_addr_in(&a, NULL, len, 4), -1);
}
END_TEST

START_TEST(addr_out_is_cut_to_the_room_and_tells_its_length)
{
	struct proto_addr a = {.family = 4, .port = 80};
	char buf[sizeof(struct sockaddr_in)];
	socklen_t n = 3;

	memset(buf, 0x55, sizeof(buf));
	app_addr_out(&a, 4, (struct sockaddr *)(void *)buf, &n);
	ck_assert_uint_eq(n, sizeof(struct sockaddr_in));
	ck_assert_int_eq(buf[3], 0x55);
}
END_TEST

/* --- names */

static void bind_name(int fd, const char *text)
{
	struct sockaddr_un sun = {.sun_family = AF_UNIX};
	size_t len = strlen(text);

	memcpy(sun.sun_path + 1, text, len);
	len += offsetof(struct sockaddr_un, sun_path) + 1;
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&sun, (socklen_t)len), 0);
}

static const char *with_pid(const char *tail)
{
	static char buf[128];

	(void)snprintf(buf, sizeof(buf), "tcpd/%08x%x%s", (unsigned)getpid(),
		       1u, tail);
	return buf;
}

START_TEST(name_of_the_other_end_tells)
{
	int s[2];
	struct name n;

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, s), 0);
	bind_name(s[0], with_pid("/10.77.0.2:80/10.77.0.1:4000"));
	ck_assert_int_eq(app_name(s[1], &n), 0);
	ck_assert_int_eq(n.kind, NAME_CONNECTION);
	ck_assert_uint_eq(n.peer.port, 4000);
	close(s[0]);
	close(s[1]);
}
END_TEST

START_TEST(name_of_its_own_goes_before)
{
	int s[2];
	struct name n;

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, s), 0);
	bind_name(s[0], with_pid("/0.0.0.0:0/-"));
	bind_name(s[1], with_pid("/10.77.0.2:80/*"));
	ck_assert_int_eq(app_name(s[1], &n), 0);
	ck_assert_int_eq(n.kind, NAME_LISTENER);
	ck_assert_uint_eq(n.local.port, 80);
	close(s[0]);
	close(s[1]);
}
END_TEST

START_TEST(name_of_an_fd_that_is_not_tcpds_is_enotsock)
{
	int s[2], tcp = socket(AF_INET, SOCK_STREAM, 0);
	struct name n;

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, s), 0);
	ck_assert_int_eq(app_name(s[1], &n), -1);
	ck_assert_int_eq(errno, ENOTSOCK);
	bind_name(s[0], "somebody/else");
	ck_assert_int_eq(app_name(s[1], &n), -1);
	ck_assert_int_eq(errno, ENOTSOCK);
	ck_assert_int_eq(app_name(tcp, &n), -1);
	ck_assert_int_eq(errno, ENOTSOCK);
	ck_assert_int_eq(app_name(STDIN_FILENO, &n), -1);
	ck_assert_int_eq(errno, ENOTSOCK);
	close(tcp);
	ck_assert_int_eq(app_name(tcp, &n), -1);
	ck_assert_int_eq(errno, EBADF);
	close(s[0]);
	close(s[1]);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("addr");
	TCase *tc = tcase_create("addresses");
	SRunner *sr = srunner_create(s);
	int failed;

	tcase_add_loop_test(tc, addr_goes_in_and_comes_back, 0,
			    sizeof(rows) / sizeof(rows[0]));
	tcase_add_test(tc, addr_that_is_too_short_is_einval);
	tcase_add_test(tc, addr_out_is_cut_to_the_room_and_tells_its_length);
	tcase_add_test(tc, name_of_the_other_end_tells);
	tcase_add_test(tc, name_of_its_own_goes_before);
	tcase_add_test(tc, name_of_an_fd_that_is_not_tcpds_is_enotsock);
	suite_add_tcase(s, tc);
	srunner_set_tap(sr, "-");
	srunner_run_all(sr, CK_SILENT);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed != 0;
}
