/* SPDX-License-Identifier: MIT */
/*
 * test_args.c - the command line of tcpd.
 * LINK: daemon/args.c
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/args.h"

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

/* |line| in words; what comes back lives until the next call. */
static int parse(struct args *a, const char *line, char *err, size_t nerr)
{
	static char text[256];
	static char *argv[32];
	int argc = 0;

	(void)snprintf(text, sizeof(text), "tcpd %s", line);
	for (char *w = strtok(text, " "); w != NULL; w = strtok(NULL, " "))
		argv[argc++] = w;
	argv[argc] = NULL;
	return args_parse(a, argc, argv, err, nerr);
}

START_TEST(args_without_any_are_the_defaults)
{
	char err[100];
	struct args a;

	ck_assert_int_eq(parse(&a, "", err, sizeof(err)), 0);
	ck_assert_str_eq(a.file, "/etc/tcpd/tcpd.conf");
	ck_assert(!a.file_asked && !a.check && !a.help && !a.version);
	ck_assert_uint_eq(a.nopts, 0);
	ck_assert_int_eq(a.tun_fd, -1);
	args_free(&a);
}
END_TEST

START_TEST(args_keep_what_was_given_in_order)
{
	char err[100];
	struct args a;

	ck_assert_int_eq(parse(&a, "-o one -f x.conf -n -o two --tun-fd 7 -o-n",
			       err, sizeof(err)),
			 0);
	ck_assert_str_eq(a.file, "x.conf");
	ck_assert(a.file_asked && a.check && !a.help && !a.version);
	ck_assert_uint_eq(a.nopts, 3);
	ck_assert_str_eq(a.opts[0], "one");
	ck_assert_str_eq(a.opts[1], "two");
	ck_assert_str_eq(a.opts[2], "-n");
	ck_assert_int_eq(a.tun_fd, 7);
	args_free(&a);
}
END_TEST

START_TEST(args_know_help_and_version)
{
	char err[100];
	struct args a;

	ck_assert_int_eq(parse(&a, "-h", err, sizeof(err)), 0);
	ck_assert(a.help && !a.version);
	args_free(&a);
	ck_assert_int_eq(parse(&a, "--help", err, sizeof(err)), 0);
	ck_assert(a.help && !a.version);
	args_free(&a);
	ck_assert_int_eq(parse(&a, "--version", err, sizeof(err)), 0);
	ck_assert(!a.help && a.version);
	args_free(&a);
}
END_TEST

static const struct {
	const char *line, *err;
} wrong[] = {
	{"-x", "-x: no such option, see --help"},
	{"-nx", "-x: no such option, see --help"},
	{"--foo", "--foo: no such option, see --help"},
	{"--foo=1", "--foo=1: no such option, see --help"},
	{"--version=1", "--version=1: no such option, see --help"},
	{"-f", "-f: without its value, see --help"},
	{"-n -o", "-o: without its value, see --help"},
	{"--tun-fd", "--tun-fd: without its value, see --help"},
	{"-f a -f b", "-f: given twice, expected once"},
	{"--tun-fd 3 --tun-fd 4", "--tun-fd: given twice, expected once"},
	{"--tun-fd x", "--tun-fd: expected the number of a file descriptor"},
	{"--tun-fd -1", "--tun-fd: expected the number of a file descriptor"},
	{"--tun-fd 3x", "--tun-fd: expected the number of a file descriptor"},
	{"--tun-fd 2147483648",
	 "--tun-fd: expected the number of a file descriptor"},
	{"--tun-fd 18446744073709551619",
	 "--tun-fd: expected the number of a file descriptor"},
	{"start", "start: not an option, see --help"},
	{"start -n", "start: not an option, see --help"},
	{"-n -- -f", "-f: not an option, see --help"},
};

START_TEST(args_refuse_everything_else_by_name)
{
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		char err[100] = "";
		struct args a;

		ck_assert_msg(parse(&a, wrong[i].line, err, sizeof(err)) == -1,
			      "\"%s\" is taken", wrong[i].line);
		ck_assert_str_eq(err, wrong[i].err);
		args_free(&a);
	}
}
END_TEST

START_TEST(args_help_names_every_option)
{
	static const char *const names[] = {"-f FILE",	  "-n",
					    "-o TEXT",	  "--tun-fd N",
					    "-h, --help", "--version"};
	char *text = NULL;
	size_t len;
	FILE *f = open_memstream(&text, &len);

	ck_assert_ptr_nonnull(f);
	args_help(f);
	(void)fclose(f);
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		ck_assert_msg(strstr(text, names[i]) != NULL, "%s is missing",
			      names[i]);
	free(text);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("args");
	TCase *tc = tcase_create("command line");
	SRunner *sr = srunner_create(s);
	int failed;

	tcase_add_test(tc, args_without_any_are_the_defaults);
	tcase_add_test(tc, args_keep_what_was_given_in_order);
	tcase_add_test(tc, args_know_help_and_version);
	tcase_add_test(tc, args_refuse_everything_else_by_name);
	tcase_add_test(tc, args_help_names_every_option);
	suite_add_tcase(s, tc);
	srunner_set_tap(sr, "-");
	srunner_run_all(sr, CK_SILENT);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed != 0;
}
