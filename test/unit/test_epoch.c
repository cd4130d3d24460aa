/* SPDX-License-Identifier: MIT */
/*
 * test_epoch.c - the clock and the key of a tcpd that follows another: above
 * it within one start of the machine, over a reboot, and with another
 * time-scale; and which files are not believed.
 *
 * LINK: daemon/epoch.c daemon/secrets.c
 */
#include <check.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "daemon/daemon.h"
#include "daemon/epoch.h"

#define SEC UINT64_C(1000000000)

static char dir[64], said[512];
static struct conf c;
static struct privs me;

void log_say(enum conf_log level, const char *fmt, ...)
{
	va_list ap;

	(void)level;
	va_start(ap, fmt);
	(void)vsnprintf(said, sizeof(said), fmt, ap);
	va_end(ap);
}

static const char *in_dir(const char *name)
{
	static char path[256];

	(void)snprintf(path, sizeof(path), "%s/%s", dir, name);
	return path;
}

static void set_up(void)
{
	const char *t = getenv("TMPDIR");

	(void)snprintf(dir, sizeof(dir), "%s/tcpd-epoch.XXXXXX",
		       t ? t : "/tmp");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	c = (struct conf){.time_scale = 1};
	(void)snprintf(c.run_dir, sizeof(c.run_dir), "%s", dir);
	me = (struct privs){.uid = geteuid(), .gid = getegid()};
	said[0] = '\0';
}

static void tear_down(void)
{
	static const char *const left[] = {"epoch", "epoch.new", "other", ""};

	(void)rmdir(in_dir("epoch.new"));
	for (size_t i = 0; i < sizeof(left) / sizeof(left[0]); i++)
		(void)remove(in_dir(left[i]));
}

static struct epoch take(void)
{
	struct epoch e;

	ck_assert(epoch_take(&c, &me, &e));
	return e;
}

/* --- the clock */

/* A time stamp without a connection's own offset (isn.c). */
static uint32_t time_stamp(const struct epoch *e, tcpd_time now)
{
	return e->ts_base + (uint32_t)(now / (e->scale * TCPD_MS(1)));
}

static const struct follow_row {
	const char *name;
	uint32_t was, scale; /* time-scale before and after */
	const char *boot;
	uint64_t mono, real; /* ns, after 1000 s and 1700000000 s */
	uint64_t passed;     /* protocol time; 0: cannot be told */
} follow_rows[] = {
	{"the next second", 1, 1, "a", 1001 * SEC, 1700000001 * SEC, SEC},
	{"the wall clock was set back", 1, 1, "a", 1001 * SEC, 5, SEC},
	{"the wall clock was set ahead", 1, 1, "a", 1001 * SEC,
	 1900000000 * SEC, SEC},
	{"a scaled clock", 20, 20, "a", 1003 * SEC, 1700000003 * SEC, 60 * SEC},
	{"slower from now on", 20, 1, "a", 1003 * SEC, 0, 60 * SEC},
	{"faster from now on", 1, 1000, "a", 1003 * SEC, 0, 3 * SEC},
	{"a reboot", 1, 1, "b", 7 * SEC, 1700000040 * SEC, 40 * SEC},
	{"a reboot with a scaled clock", 20, 20, "b", 7 * SEC, 1700000040 * SEC,
	 800 * SEC},
	{"a reboot, later by CLOCK_MONOTONIC", 1, 1, "b", 5000 * SEC,
	 1700000040 * SEC, 40 * SEC},
	{"a reboot, and the wall clock has gone back", 1, 1, "b", 7 * SEC,
	 1600000000 * SEC, 0},
	{"nobody knows whether it was a reboot", 1, 1, "", 1001 * SEC,
	 1700000040 * SEC, 40 * SEC},
	{"the same start, and its clock has gone back", 1, 1, "a", 7 * SEC,
	 1700000040 * SEC, 40 * SEC},
	{"more than can be counted", 1000, 1, "b", 7 * SEC, UINT64_MAX, 0},
};

START_TEST(epoch_goes_on_where_the_last_one_stood)
{
	const struct follow_row *row = &follow_rows[_i];
	struct epoch_clocks now = {.mono = row->mono, .real = row->real};
	struct epoch e = {.at = {.mono = 1000 * SEC, .real = 1700000000 * SEC},
			  .now = 5000 * SEC + 123456,
			  .scale = row->was,
			  .ts_base = 0xfffffff0};
	struct epoch was = e;

	(void)snprintf(now.boot, sizeof(now.boot), "%s", row->boot);
	(void)snprintf(e.at.boot, sizeof(e.at.boot), "%s",
		       row->boot[0] ? "a" : "");
	ck_assert_int_eq(epoch_follow(&e, &now, row->scale), row->passed != 0);
	if (!row->passed)
		return;
	ck_assert_uint_eq(e.now, was.now + row->passed);
	ck_assert_uint_eq(e.scale, row->scale);
	ck_assert_mem_eq(&e.at, &now, sizeof(now));
	/* whatever the last one sent, this one's are not below it */
	ck_assert_uint_eq(time_stamp(&e, e.now), time_stamp(&was, e.now));
}
END_TEST

START_TEST(epoch_survives_a_thousand_changes_of_scale)
{
	struct epoch e = {
		.at = {.boot = "a", .mono = SEC}, .scale = 1, .now = SEC};
	struct epoch_clocks now = e.at;
	uint32_t before = time_stamp(&e, e.now);

	for (uint32_t i = 0; i < 1000; i++) {
		tcpd_time was = e.now;
		uint32_t ts;

		now.mono += SEC / 50 + i;
		ck_assert(epoch_follow(&e, &now, 1 + i * 7 % 40));
		ck_assert_uint_gt(e.now, was);
		ts = time_stamp(&e, e.now);
		/* 20 ms of wall clock each, less a tick cut off at a change */
		ck_assert_uint_ge(ts - before, 19);
		ck_assert_uint_le(ts - before, 21);
		before = ts;
	}
}
END_TEST

/* --- the file */

START_TEST(epoch_file_is_private_and_read_again)
{
	struct epoch a = take(), b;
	struct stat st;

	ck_assert_str_eq(said, "");
	ck_assert_int_eq(stat(in_dir("epoch"), &st), 0);
	ck_assert_uint_eq(st.st_mode & 07777, 0600);
	ck_assert_int_ne(access(in_dir("epoch.new"), F_OK), 0);
	b = take();
	ck_assert_str_eq(said, "");
	ck_assert_mem_eq(a.key, b.key, sizeof(a.key));
	ck_assert_uint_gt(b.now, a.now);
	ck_assert_uint_lt(b.now - a.now, 100 * SEC);
}
END_TEST

START_TEST(epoch_of_another_directory_has_another_key)
{
	struct epoch a = take(), b;

	ck_assert_int_eq(unlink(in_dir("epoch")), 0);
	b = take();
	ck_assert_str_eq(said, "");
	ck_assert_mem_ne(a.key, b.key, sizeof(a.key));
}
END_TEST

START_TEST(epoch_counts_by_the_scale_it_was_left_with)
{
	struct epoch a, b;

	c.time_scale = 1000;
	a = take();
	(void)usleep(3000);
	c.time_scale = 1;
	b = take();
	ck_assert_uint_ge(b.now - a.now, 3 * SEC);
}
END_TEST

static void others_may_read(void)
{
	ck_assert_int_eq(chmod(in_dir("epoch"), 0640), 0);
}

static void cut_short(void)
{
	ck_assert_int_eq(truncate(in_dir("epoch"), 100), 0);
}

static void too_long(void)
{
	ck_assert_int_eq(truncate(in_dir("epoch"), 1000), 0);
}

static void damage(off_t at)
{
	int fd = open(in_dir("epoch"), O_RDWR);
	uint8_t octet;

	ck_assert_int_eq(pread(fd, &octet, 1, at), 1);
	octet ^= 1;
	ck_assert_int_eq(pwrite(fd, &octet, 1, at), 1);
	close(fd);
}

static void wrong_magic(void)
{
	damage(3);
}

static void wrong_key(void)
{
	damage(20);
}

static void a_link(void)
{
	char other[256];

	(void)snprintf(other, sizeof(other), "%s", in_dir("other"));
	ck_assert_int_eq(rename(in_dir("epoch"), other), 0);
	ck_assert_int_eq(symlink(other, in_dir("epoch")), 0);
}

static void a_second_name(void)
{
	char other[256];

	(void)snprintf(other, sizeof(other), "%s", in_dir("other"));
	ck_assert_int_eq(link(in_dir("epoch"), other), 0);
}

static void a_pipe(void)
{
	ck_assert_int_eq(unlink(in_dir("epoch")), 0);
	ck_assert_int_eq(mkfifo(in_dir("epoch"), 0600), 0);
}

static void somebody_elses(void)
{
	if (geteuid() == 0)
		ck_assert_int_eq(chown(in_dir("epoch"), 12345, 0), 0);
	else
		cut_short(); /* nobody can give a file away */
}

static const struct bad_row {
	const char *name;
	void (*make)(void);
} bad_rows[] = {
	{"others may read it", others_may_read},
	{"cut short", cut_short},
	{"too long", too_long},
	{"not one of ours", wrong_magic},
	{"a key that was changed", wrong_key},
	{"a symbolic link", a_link},
	{"a file with a second name", a_second_name},
	{"a pipe", a_pipe},
	{"somebody else's", somebody_elses},
};

START_TEST(epoch_file_that_is_not_ours_is_replaced)
{
	struct epoch a = take(), b, last;
	struct stat st;

	bad_rows[_i].make();
	b = take();
	ck_assert_msg(strstr(said, "epoch: ") && strstr(said, "begin anew"),
		      "%s", said);
	ck_assert_mem_ne(a.key, b.key, sizeof(a.key));
	ck_assert_int_eq(lstat(in_dir("epoch"), &st), 0);
	ck_assert(S_ISREG(st.st_mode));
	ck_assert_uint_eq(st.st_mode & 07777, 0600);
	ck_assert_uint_eq(st.st_uid, geteuid());
	said[0] = '\0';
	last = take();
	ck_assert_str_eq(said, "");
	ck_assert_mem_eq(b.key, last.key, sizeof(b.key));
}
END_TEST

START_TEST(epoch_that_cannot_be_written_costs_a_warning)
{
	struct epoch e;

	ck_assert_int_eq(mkdir(in_dir("epoch.new"), 0755), 0);
	ck_assert(epoch_take(&c, &me, &e));
	ck_assert_msg(strstr(said, "will begin anew"), "%s", said);
	ck_assert_uint_ne(e.now, 0);
}
END_TEST

/* The file that is left would tell the next one a pace that was not ours. */
START_TEST(epoch_that_cannot_be_written_with_another_scale_is_forgotten)
{
	struct epoch a = take(), b, last;

	ck_assert_int_eq(mkdir(in_dir("epoch.new"), 0755), 0);
	b = take();
	ck_assert_mem_eq(a.key, b.key, sizeof(a.key));
	c.time_scale = 1000;
	b = take();
	ck_assert_mem_eq(a.key, b.key, sizeof(a.key));
	(void)usleep(2000);
	c.time_scale = 1;
	last = take();
	ck_assert_mem_ne(a.key, last.key, sizeof(a.key));
}
END_TEST

START_TEST(epoch_of_tcpds_user_is_taken_over_by_root)
{
	struct epoch a, b;

	if (geteuid() != 0)
		return;
	a = take();
	ck_assert_int_eq(chown(in_dir("epoch"), 12345, 0), 0);
	me.uid = 12345;
	b = take();
	ck_assert_str_eq(said, "");
	ck_assert_mem_eq(a.key, b.key, sizeof(a.key));
}
END_TEST

int main(void)
{
	Suite *s = suite_create("epoch");
	TCase *tc = tcase_create("epoch");
	SRunner *sr;
	int failed;

	suite_add_tcase(s, tc);
	tcase_add_checked_fixture(tc, set_up, tear_down);
	tcase_add_loop_test(tc, epoch_goes_on_where_the_last_one_stood, 0,
			    sizeof(follow_rows) / sizeof(follow_rows[0]));
	tcase_add_test(tc, epoch_survives_a_thousand_changes_of_scale);
	tcase_add_test(tc, epoch_file_is_private_and_read_again);
	tcase_add_test(tc, epoch_of_another_directory_has_another_key);
	tcase_add_test(tc, epoch_counts_by_the_scale_it_was_left_with);
	tcase_add_loop_test(tc, epoch_file_that_is_not_ours_is_replaced, 0,
			    sizeof(bad_rows) / sizeof(bad_rows[0]));
	tcase_add_test(tc, epoch_that_cannot_be_written_costs_a_warning);
	tcase_add_test(
		tc,
		epoch_that_cannot_be_written_with_another_scale_is_forgotten);
	tcase_add_test(tc, epoch_of_tcpds_user_is_taken_over_by_root);
	sr = srunner_create(s);
	srunner_set_tap(sr, "-");
	srunner_run_all(sr, CK_SILENT);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed != 0;
}
