/* SPDX-License-Identifier: MIT */
/*
 * test_notify.c - what the service manager hears.
 * LINK: daemon/notify.c daemon/thread.c */
#include <check.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "daemon/notify.h"

static char name[64];

/* A socket of an abstract name of our own, told as "@name". */
static int manager(void)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);

	(void)snprintf(name, sizeof(name), "@tcpd-notify-%ld", (long)getpid());
	memcpy(a.sun_path, name, strlen(name));
	a.sun_path[0] = '\0';
	ck_assert_int_eq(
		bind(fd, (struct sockaddr *)&a,
		     (socklen_t)(offsetof(struct sockaddr_un, sun_path) +
				 strlen(name))),
		0);
	setenv("NOTIFY_SOCKET", name, 1);
	return fd;
}

static const char *heard(int fd)
{
	static char buf[256];
	ssize_t n = recv(fd, buf, sizeof(buf) - 1, 0);

	buf[n > 0 ? n : 0] = '\0';
	return buf;
}

START_TEST(notify_says_ready_reloading_and_stopping)
{
	int fd = manager();

	notify_ready();
	ck_assert_int_eq(strncmp(heard(fd), "READY=1\n", 8), 0);
	notify_reloading();
	ck_assert_int_eq(strncmp(heard(fd), "RELOADING=1\nMONOTONIC_USEC=", 27),
			 0);
	notify_stopping();
	ck_assert_int_eq(strncmp(heard(fd), "STOPPING=1\n", 11), 0);
	close(fd);
}
END_TEST

START_TEST(notify_without_a_manager_does_nothing)
{
	static const char *const bad[] = {"", "x", "relative", "@gone",
					  "/no/such/socket"};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		setenv("NOTIFY_SOCKET", bad[i], 1);
		notify_ready();
	}
	unsetenv("NOTIFY_SOCKET");
	notify_ready();
}
END_TEST

int main(void)
{
	Suite *s = suite_create("notify");
	TCase *tc = tcase_create("words");
	SRunner *sr = srunner_create(s);
	int failed;

	tcase_add_test(tc, notify_says_ready_reloading_and_stopping);
	tcase_add_test(tc, notify_without_a_manager_does_nothing);

	suite_add_tcase(s, tc);
	srunner_set_tap(sr, "-");
	srunner_run_all(sr, CK_SILENT);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed != 0;
}
