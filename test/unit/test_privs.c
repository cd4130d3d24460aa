/* SPDX-License-Identifier: MIT */
/*
 * test_privs.c - whom tcpd becomes, and that nothing is left afterwards.
 * LINK: daemon/privs.c */
#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "daemon/privs.h"

static char err[512];

/* Run |fn| in a process of its own: its exit code. */
static int apart(int (*fn)(void))
{
	pid_t pid = fork();
	int status = 0;

	if (pid == 0)
		_exit(fn());
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static bool not_root(void)
{
	return geteuid() != 0;
}

START_TEST(privs_as_root_takes_the_user_with_his_own_group)
{
	struct conf c = {.user = "nobody", .user_set = true, .group = "tcpd"};
	struct privs p;

	if (not_root())
		return;
	ck_assert_int_eq(privs_find(&p, &c, err, sizeof(err)), 0);
	ck_assert(p.change);
	ck_assert_uint_eq(p.uid, 65534);
	ck_assert_uint_eq(p.gid, 65534);
	strcpy(c.group, "daemon");
	c.group_set = true;
	ck_assert_int_eq(privs_find(&p, &c, err, sizeof(err)), 0);
	ck_assert_uint_eq(p.gid, 1);
}
END_TEST

START_TEST(privs_as_root_says_what_to_do_about_a_missing_user)
{
	struct conf c = {.user = "no-such-user", .group = "no-such-group"};
	struct privs p;

	if (not_root())
		return;
	ck_assert_int_eq(privs_find(&p, &c, err, sizeof(err)), 2);
	ck_assert_ptr_nonnull(strstr(err, "'no-such-user'"));
	ck_assert_ptr_nonnull(strstr(err, "useradd --system no-such-user"));
	strcpy(c.user, "nobody");
	ck_assert_int_eq(privs_find(&p, &c, err, sizeof(err)), 2);
	ck_assert_ptr_nonnull(strstr(err, "groupadd --system no-such-group"));
}
END_TEST

static int find_as_nobody(void)
{
	struct conf c = {.user = "tcpd", .group = "tcpd"};
	struct privs p;

	if (setgid(65534) || setuid(65534))
		return 10;
	/* the defaults ask for nothing */
	if (privs_find(&p, &c, err, sizeof(err)) || p.change || p.uid != 65534)
		return 11;
	c.user_set = true;
	if (privs_find(&p, &c, err, sizeof(err)) != 2)
		return 12;
	strcpy(c.user, "nobody");
	if (privs_find(&p, &c, err, sizeof(err)))
		return 13;
	c.group_set = true;
	if (privs_find(&p, &c, err, sizeof(err)) != 2)
		return 14;
	strcpy(c.group, "nogroup");
	return privs_find(&p, &c, err, sizeof(err)) ? 15 : 0;
}

START_TEST(privs_without_root_stays_and_refuses_to_become_another)
{
	if (not_root())
		return;
	ck_assert_int_eq(apart(find_as_nobody), 0);
}
END_TEST

/* What /proc says about us in line |key|, compared with |want|. */
static bool status_is(const char *key, const char *want)
{
	char line[256];
	bool same = false;
	FILE *f = fopen("/proc/self/status", "re");

	while (f && fgets(line, sizeof(line), f))
		if (strncmp(line, key, strlen(key)) == 0)
			same = strcmp(line + strlen(key), want) == 0;
	if (f)
		(void)fclose(f);
	return same;
}

static int drop(void)
{
	const struct privs p = {.uid = 65534, .gid = 65534, .change = true};

	if (!privs_drop(&p, err, sizeof(err)))
		return 10;
	if (!status_is("Uid:", "\t65534\t65534\t65534\t65534\n"))
		return 11;
	if (!status_is("Gid:", "\t65534\t65534\t65534\t65534\n"))
		return 12;
	if (!status_is("Groups:", "\t \n") && !status_is("Groups:", "\t\n"))
		return 13;
	if (!status_is("CapEff:", "\t0000000000000000\n") ||
	    !status_is("CapPrm:", "\t0000000000000000\n") ||
	    !status_is("CapBnd:", "\t0000000000000000\n") ||
	    !status_is("CapInh:", "\t0000000000000000\n"))
		return 14;
	if (!status_is("NoNewPrivs:", "\t1\n"))
		return 15;
	return setuid(0) == 0 ? 16 : 0;
}

START_TEST(privs_drop_leaves_no_id_no_group_and_no_capability)
{
	if (not_root())
		return;
	ck_assert_int_eq(apart(drop), 0);
}
END_TEST

static int drop_twice(void)
{
	const struct privs p = {.uid = 65534, .gid = 65534, .change = true};

	if (setgid(65534) || setuid(65534))
		return 10;
	/* it says so when a call fails: without root nothing can change */
	if (privs_drop(&p, err, sizeof(err)))
		return 11;
	return strstr(err, "cannot give up privileges") ? 0 : 12;
}

START_TEST(privs_drop_that_fails_says_so)
{
	if (not_root())
		return;
	ck_assert_int_eq(apart(drop_twice), 0);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("privs");
	TCase *tc = tcase_create("ids");
	SRunner *sr = srunner_create(s);
	int failed;

	tcase_add_test(tc, privs_as_root_takes_the_user_with_his_own_group);
	tcase_add_test(tc, privs_as_root_says_what_to_do_about_a_missing_user);
	tcase_add_test(tc,
		       privs_without_root_stays_and_refuses_to_become_another);
	tcase_add_test(tc, privs_drop_leaves_no_id_no_group_and_no_capability);
	tcase_add_test(tc, privs_drop_that_fails_says_so);

	suite_add_tcase(s, tc);
	srunner_set_tap(sr, "-");
	srunner_run_all(sr, CK_SILENT);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed != 0;
}
