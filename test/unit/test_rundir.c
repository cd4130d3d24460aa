/* SPDX-License-Identifier: MIT */
/*
 * test_rundir.c - one tcpd a directory, and no stale socket in its way.
 * LINK: daemon/rundir.c */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "daemon/rundir.h"

static char top[64], err[512];
static struct conf c;
static const struct privs nobody_else = {0};

static void set_up(void)
{
	const char *t = getenv("TMPDIR");

	(void)snprintf(top, sizeof(top), "%s/tcpd-rundir.XXXXXX",
		       t ? t : "/tmp");
	ck_assert_ptr_nonnull(mkdtemp(top));
	(void)snprintf(c.run_dir, sizeof(c.run_dir), "%s/run", top);
}

static void tear_down(void)
{
	static const char *const left[] = {"run/lock", "run/app.sock",
					   "run/ctl.sock", "run", ""};
	char path[128];

	for (size_t i = 0; i < sizeof(left) / sizeof(left[0]); i++) {
		(void)snprintf(path, sizeof(path), "%s/%s", top, left[i]);
		(void)remove(path);
	}
}

static const char *in_run(const char *name)
{
	static char path[256];

	(void)snprintf(path, sizeof(path), "%s/%s", c.run_dir, name);
	return path;
}

START_TEST(rundir_is_made_0755_and_locked_against_a_second_one)
{
	struct stat st;
	char pid[32];
	int fd = rundir_take(&c, &nobody_else, err, sizeof(err));

	ck_assert_msg(fd >= 0, "%s", err);
	ck_assert_int_eq(stat(c.run_dir, &st), 0);
	ck_assert_uint_eq(st.st_mode & 07777, 0755);
	ck_assert_int_lt(rundir_take(&c, &nobody_else, err, sizeof(err)), 0);
	(void)snprintf(pid, sizeof(pid), "pid %ld", (long)getpid());
	ck_assert_ptr_nonnull(strstr(err, "in use by another tcpd"));
	ck_assert_ptr_nonnull(strstr(err, pid));
	/* its end, however it comes, frees the lock */
	close(fd);
	fd = rundir_take(&c, &nobody_else, err, sizeof(err));
	ck_assert_int_ge(fd, 0);
	close(fd);
}
END_TEST

START_TEST(rundir_removes_stale_sockets_and_nothing_else)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	int fd, s = socket(AF_UNIX, SOCK_STREAM, 0);
	FILE *f;

	ck_assert_int_eq(mkdir(c.run_dir, 0700), 0);
	memcpy(a.sun_path, in_run("app.sock"), sizeof(a.sun_path) - 1);
	ck_assert_int_eq(bind(s, (struct sockaddr *)&a, sizeof(a)), 0);
	close(s);
	fd = rundir_take(&c, &nobody_else, err, sizeof(err));
	ck_assert_int_ge(fd, 0);
	ck_assert_int_ne(access(in_run("app.sock"), F_OK), 0);
	close(fd);
	f = fopen(in_run("ctl.sock"), "w");
	ck_assert_ptr_nonnull(f);
	(void)fclose(f);
	ck_assert_int_lt(rundir_take(&c, &nobody_else, err, sizeof(err)), 0);
	ck_assert_ptr_nonnull(strstr(err, "ctl.sock"));
	ck_assert_int_eq(access(in_run("ctl.sock"), F_OK), 0);
}
END_TEST

START_TEST(rundir_that_cannot_be_made_or_is_no_directory_is_named)
{
	(void)snprintf(c.run_dir, sizeof(c.run_dir), "%s/no/such", top);
	ck_assert_int_lt(rundir_take(&c, &nobody_else, err, sizeof(err)), 0);
	ck_assert_ptr_nonnull(strstr(err, c.run_dir));
	(void)snprintf(c.run_dir, sizeof(c.run_dir), "/dev/null");
	ck_assert_int_lt(rundir_take(&c, &nobody_else, err, sizeof(err)), 0);
	ck_assert_ptr_nonnull(strstr(err, "/dev/null: Not a directory"));
}
END_TEST

int main(void)
{
	Suite *s = suite_create("rundir");
	TCase *tc = tcase_create("lock");
	SRunner *sr = srunner_create(s);
	int failed;

	tcase_add_checked_fixture(tc, set_up, tear_down);
	tcase_add_test(tc, rundir_is_made_0755_and_locked_against_a_second_one);
	tcase_add_test(tc, rundir_removes_stale_sockets_and_nothing_else);
	tcase_add_test(tc,
		       rundir_that_cannot_be_made_or_is_no_directory_is_named);

	suite_add_tcase(s, tc);
	srunner_set_tap(sr, "-");
	srunner_run_all(sr, CK_SILENT);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed != 0;
}
