/* SPDX-License-Identifier: MIT */
/*
 * test_outring.c - what is filled in comes out, whatever the reader does.
 * LINK: daemon/outring.c daemon/thread.c */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "daemon/outring.h"
#include "daemon/thread.h"

#define SIZE ((size_t)65536)

static int ended_fd;

static void ended(void *arg)
{
	const uint64_t one = 1;

	(void)arg;
	ck_assert_int_eq(write(ended_fd, &one, sizeof(one)), sizeof(one));
}

/* Wait for |ended| at most five seconds. */
static bool has_ended(void)
{
	struct pollfd pfd = {.fd = ended_fd, .events = POLLIN};

	return poll(&pfd, 1, 5000) == 1;
}

static void set_up(void)
{
	(void)signal(SIGPIPE, SIG_IGN);
	ended_fd = eventfd(0, EFD_NONBLOCK);
}

static void free_ring(struct outring *r)
{
	ck_assert(outring_free(r, mono_now() + 5000000000u));
	close(ended_fd);
}

/* Counts into |read_sum| what comes, until a wrong octet or the end. */
static size_t read_sum;

static void *read_all(void *arg)
{
	const int *fd = arg;
	uint8_t buf[5000], want = 0;
	ssize_t n;
	size_t sum = 0;

	while ((n = read(*fd, buf, sizeof(buf))) > 0)
		for (ssize_t i = 0; i < n; i++, sum++)
			if (buf[i] != want++)
				return NULL;
	read_sum = sum;
	return NULL;
}

START_TEST(outring_hands_on_every_octet_in_order_many_times_round)
{
	struct outring *r;
	uint8_t next = 0, *p;
	size_t sum = 0, n;
	pthread_t reader;
	int fd[2];

	ck_assert_int_eq(pipe(fd), 0);
	r = outring_new(fd[1], SIZE, ended, NULL);
	ck_assert_ptr_nonnull(r);
	ck_assert_int_eq(pthread_create(&reader, NULL, read_all, &fd[0]), 0);
	while (sum < 40 * SIZE) {
		n = 1 + sum % 7001;
		p = outring_room(r, n);
		if (!p) {
			sched_yield();
			continue;
		}
		for (size_t i = 0; i < n; i++)
			p[i] = next++;
		outring_filled(r, n);
		sum += n;
	}
	outring_finish(r);
	ck_assert(has_ended());
	pthread_join(reader, NULL);
	ck_assert_uint_eq(read_sum, sum);
	ck_assert_int_eq(outring_error(r), 0);
	free_ring(r);
	close(fd[0]);
}
END_TEST

START_TEST(outring_refuses_what_does_not_fit_and_never_waits)
{
	struct outring *r;
	uint8_t *p;
	size_t kept = 0;
	int fd[2];

	ck_assert_int_eq(pipe(fd), 0);
	r = outring_new(fd[1], SIZE, ended, NULL);
	ck_assert_ptr_null(outring_room(r, SIZE + 1));
	/* nobody reads: the pipe and then the ring fill up */
	while (kept < SIZE + SIZE / 2) {
		p = outring_room(r, 1000);
		if (!p) {
			sched_yield();
			continue;
		}
		memset(p, 1, 1000);
		outring_filled(r, 1000);
		kept += 1000;
	}
	for (int i = 0; i < 10000; i++)
		if (outring_room(r, 1000)) {
			outring_filled(r, 1000);
			kept += 1000;
		}
	ck_assert_uint_le(kept, 3 * SIZE);
	/* and the end comes although nobody reads */
	outring_finish(r);
	ck_assert(has_ended());
	ck_assert_int_eq(outring_error(r), ETIMEDOUT);
	free_ring(r);
	close(fd[0]);
}
END_TEST

START_TEST(outring_ends_when_its_reader_goes_though_nothing_is_written)
{
	struct outring *r;
	int fd[2];

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, fd), 0);
	r = outring_new(fd[1], SIZE, ended, NULL);
	close(fd[0]);
	ck_assert(has_ended());
	ck_assert_int_eq(outring_error(r), EPIPE);
	free_ring(r);
}
END_TEST

START_TEST(outring_goes_on_for_a_reader_that_shut_down_its_sending_side)
{
	struct outring *r;
	uint8_t *p, got[4];
	int fd[2];

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, fd), 0);
	shutdown(fd[0], SHUT_WR);
	r = outring_new(fd[1], SIZE, ended, NULL);
	p = outring_room(r, 4);
	memset(p, 'a', 4);
	outring_filled(r, 4);
	ck_assert_int_eq(recv(fd[0], got, 4, MSG_WAITALL), 4);
	outring_finish(r);
	ck_assert(has_ended());
	ck_assert_int_eq(outring_error(r), 0);
	free_ring(r);
	close(fd[0]);
}
END_TEST

START_TEST(outring_on_a_full_disk_ends_with_what_the_disk_said)
{
	int fd = open("/dev/full", O_WRONLY);
	struct outring *r;
	uint8_t *p;

	ck_assert_int_ge(fd, 0);
	r = outring_new(fd, SIZE, ended, NULL);
	p = outring_room(r, 10);
	memset(p, 0, 10);
	outring_filled(r, 10);
	ck_assert(has_ended());
	ck_assert_int_eq(outring_error(r), ENOSPC);
	/* filling goes on to be harmless */
	ck_assert_ptr_nonnull(outring_room(r, 10));
	outring_filled(r, 10);
	free_ring(r);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("outring");
	TCase *tc = tcase_create("readers");
	SRunner *sr = srunner_create(s);
	int failed;

	tcase_set_timeout(tc, 30);
	tcase_add_checked_fixture(tc, set_up, NULL);
	tcase_add_test(tc,
		       outring_hands_on_every_octet_in_order_many_times_round);
	tcase_add_test(tc, outring_refuses_what_does_not_fit_and_never_waits);
	tcase_add_test(
		tc,
		outring_ends_when_its_reader_goes_though_nothing_is_written);
	tcase_add_test(
		tc,
		outring_goes_on_for_a_reader_that_shut_down_its_sending_side);
	tcase_add_test(tc, outring_on_a_full_disk_ends_with_what_the_disk_said);

	suite_add_tcase(s, tc);
	srunner_set_tap(sr, "-");
	srunner_run_all(sr, CK_SILENT);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed != 0;
}
