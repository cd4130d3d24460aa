/* SPDX-License-Identifier: MIT */
/*
 * test_log.c - lines come out whole and in order; a reader that takes nothing
 * stops nobody, and what was lost is said.
 * LINK: daemon/log.c daemon/thread.c */
#include <check.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/log.h"
#include "daemon/thread.h"

static int pipe_fd[2];

static void set_up(void)
{
	ck_assert_int_eq(pipe(pipe_fd), 0);
	log_init(pipe_fd[1]);
	log_set_level(CONF_LOG_INFO);
}

static void tear_down(void)
{
	close(pipe_fd[0]);
	close(pipe_fd[1]);
}

/* All that is in the pipe up to its end (the writing side is closed). */
static char *read_all(size_t *len)
{
	size_t cap = 1u << 20;
	char *p = malloc(cap);
	ssize_t n;

	*len = 0;
	close(pipe_fd[1]);
	while ((n = read(pipe_fd[0], p + *len, cap - 1 - *len)) > 0)
		*len += (size_t)n;
	p[*len] = '\0';
	return p;
}

START_TEST(log_says_its_level_and_nothing_above_it)
{
	char *p;
	size_t n;

	log_error("one %d", 1);
	log_warn("two");
	log_info("three");
	log_debug("four");
	log_set_level(CONF_LOG_DEBUG);
	log_debug("five");
	log_set_level(CONF_LOG_ERROR);
	log_warn("six");
	p = read_all(&n);
	ck_assert_str_eq(p, "tcpd: error: one 1\ntcpd: warning: two\n"
			    "tcpd: three\nfive\n");
	free(p);
}
END_TEST

START_TEST(log_through_the_ring_loses_nothing_that_is_read)
{
	char want[64], *p, *at;
	size_t n;

	ck_assert(log_start());
	for (int i = 0; i < 1000; i++)
		log_info("line %d", i);
	log_stop();
	p = at = read_all(&n);
	for (int i = 0; i < 1000; i++) {
		int len = snprintf(want, sizeof(want), "tcpd: line %d\n", i);

		ck_assert_mem_eq(at, want, (size_t)len);
		at += len;
	}
	ck_assert_str_eq(at, "");
	ck_assert_uint_eq(log_lost(), 0);
	free(p);
}
END_TEST

START_TEST(log_never_waits_for_a_reader_and_counts_what_is_lost)
{
	char text[200], *p, *p_end, *last = text;
	uint64_t before, took, lost, said;
	size_t n, lines = 0;

	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	ck_assert(log_start());
	before = mono_now();
	for (int i = 0; i < 10000; i++) /* 2 MB into a ring of 256 KiB */
		log_info("%s", text);
	took = mono_now() - before;
	ck_assert_uint_lt(took, 5000000000u);
	lost = log_lost();
	ck_assert_uint_gt(lost, 0);
	/* a reader comes: what was kept is whole, and the rest is counted */
	ck_assert_int_ge(fcntl(pipe_fd[0], F_SETPIPE_SZ, 1 << 20), 1 << 20);
	log_stop();
	p = read_all(&n);
	for (char *l = p; *l; l = strchr(l, '\n') + 1, lines++)
		last = l;
	ck_assert_int_eq(strncmp(last, "tcpd: log: ", 11), 0);
	said = strtoull(last + 11, &p_end, 10);
	ck_assert_str_eq(p_end, " lines lost\n");
	ck_assert_uint_eq(said, lost);
	ck_assert_uint_eq(lines - 1 + lost, 10000);
	free(p);
}
END_TEST

START_TEST(log_makes_one_line_of_a_text_with_line_ends)
{
	char *p;
	size_t n;

	log_info("a\nb\r\x1b[31m");
	p = read_all(&n);
	ck_assert_str_eq(p, "tcpd: a?b??[31m\n");
	free(p);
}
END_TEST

START_TEST(log_cuts_a_line_that_is_too_long)
{
	char text[5000], *p;
	size_t n;

	memset(text, 'y', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	log_error("%s", text);
	p = read_all(&n);
	ck_assert_uint_lt(n, 1200);
	ck_assert_ptr_eq(strchr(p, '\n'), p + n - 1);
	free(p);
}
END_TEST

START_TEST(log_seldom_says_the_first_and_counts_the_rest)
{
	struct log_limit limit = {0};
	char *p;
	size_t n;

	for (int i = 0; i < 5; i++)
		log_seldom(&limit, CONF_LOG_WARN, "fault %d", i);
	limit.next = 0; /* as if ten seconds had passed */
	log_seldom(&limit, CONF_LOG_WARN, "fault 5");
	p = read_all(&n);
	ck_assert_str_eq(p, "tcpd: warning: fault 0\n"
			    "tcpd: warning: fault 5 (and 4 like it)\n");
	free(p);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("log");
	TCase *tc = tcase_create("lines");
	SRunner *sr = srunner_create(s);
	int failed;

	tcase_add_checked_fixture(tc, set_up, tear_down);
	tcase_add_test(tc, log_says_its_level_and_nothing_above_it);
	tcase_add_test(tc, log_through_the_ring_loses_nothing_that_is_read);
	tcase_add_test(tc,
		       log_never_waits_for_a_reader_and_counts_what_is_lost);
	tcase_add_test(tc, log_makes_one_line_of_a_text_with_line_ends);
	tcase_add_test(tc, log_cuts_a_line_that_is_too_long);
	tcase_add_test(tc, log_seldom_says_the_first_and_counts_the_rest);
	suite_add_tcase(s, tc);
	srunner_set_tap(sr, "-");
	srunner_run_all(sr, CK_SILENT);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed != 0;
}
