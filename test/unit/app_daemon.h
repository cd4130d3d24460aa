/* SPDX-License-Identifier: MIT */
/*
 * app_daemon.h - the app channel and two stacks in a process of their own, for
 * tests that make the calls of libtcpd-app as a program does.  Include it once
 * in a program.
 */
#ifndef TEST_UNIT_APP_DAEMON_H
#define TEST_UNIT_APP_DAEMON_H

#include <check.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "tcpd_app.h"
#include "test/unit/app_rig.h"

#define PEER_PORT 7 /* where the peer listens and echoes */
#define ECHO_MAX  65536

static char dir[] = "/tmp/test-app-XXXXXX";
static pid_t daemon_pid;
static int command; /* a port: the peer connects there and says "hello" */

/* --- the other process */

static inline void echo_all(tcpd_handle *h, size_t n)
{
	static char buf[16384];

	for (size_t i = 0; i < n; i++) {
		int64_t got;

		if (!h[i])
			continue;
		if (tcpd_unacked(rig.peer, h[i]) > ECHO_MAX)
			continue; /* so that there is room for what comes */
		got = tcpd_recv(rig.peer, h[i], buf, sizeof(buf), rig.d.now);
		if (got > 0)
			tcpd_send(rig.peer, h[i], buf, (size_t)got, rig.d.now);
		if (tcpd_recv_eof(rig.peer, h[i])) {
			tcpd_close(rig.peer, h[i], rig.d.now);
			h[i] = 0;
		}
	}
}

static inline void obey(int fd, tcpd_handle *h)
{
	struct tcpd_addr to = rig_addr(RIG_LOCAL, 0);

	if (read(fd, &to.port, sizeof(to.port)) != sizeof(to.port))
		return;
	if (tcpd_connect(rig.peer, h, NULL, &to, rig.d.now) == 0)
		tcpd_send(rig.peer, *h, "hello", 5, rig.d.now);
}

_Noreturn static inline void serve(int fd, int ready)
{
	struct tcpd_addr at = rig_addr(RIG_PEER, PEER_PORT);
	tcpd_handle l = 0, h[64] = {0};
	size_t n = 0;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	rig_start(dir);
	rig.real_time = true;
	daemon_now(&rig.d);
	tcpd_listen(rig.peer, &l, &at, 0, NULL, rig.d.now);
	(void)!write(ready, "", 1);
	for (;;) {
		struct pollfd p[3] = {{.fd = fd, .events = POLLIN},
				      {.fd = rig.d.app->sock, .events = POLLIN},
				      {.fd = rig.d.app->set, .events = POLLIN}};

		(void)poll(p, 3, 2);
		daemon_now(&rig.d);
		if (p[0].revents && n < 64)
			obey(fd, &h[n++]);
		rig_settle();
		while (n < 64 &&
		       tcpd_accept(rig.peer, l, &h[n], rig.d.now) == 0)
			n++;
		echo_all(h, n);
		rig_settle();
	}
}

static inline void setup(void)
{
	char path[64];
	int c[2], r[2];
	char octet;

	ck_assert_int_eq(pipe(c), 0);
	ck_assert_int_eq(pipe(r), 0);
	(void)fcntl(c[0], F_SETFL, O_NONBLOCK);
	daemon_pid = fork();
	ck_assert_int_ge(daemon_pid, 0);
	if (daemon_pid == 0)
		serve(c[0], r[1]);
	close(r[1]);
	ck_assert_int_eq(read(r[0], &octet, 1), 1);
	close(r[0]);
	close(c[0]);
	command = c[1];
	(void)snprintf(path, sizeof(path), "%s/app.sock", dir);
	setenv("TCPD_APP", path, 1);
	(void)signal(SIGPIPE, SIG_IGN);
}

static inline void teardown(void)
{
	kill(daemon_pid, SIGKILL);
	waitpid(daemon_pid, NULL, 0);
	close(command);
}

static inline void peer_connects(uint16_t port)
{
	ck_assert_int_eq(write(command, &port, sizeof(port)), 2);
}

/* --- the program */

static inline struct sockaddr_in at(const char *ip, uint16_t port)
{
	struct sockaddr_in sa = {.sin_family = AF_INET,
				 .sin_port = htons(port)};

	inet_pton(AF_INET, ip, &sa.sin_addr);
	return sa;
}

static inline int try_connect(int fd, uint16_t port)
{
	struct sockaddr_in sa = at(RIG_PEER, port);

	return tcpd_app_connect(fd, (struct sockaddr *)&sa, sizeof(sa));
}

static inline int run_suite(const char *name, void (*add)(TCase *tc))
{
	Suite *s = suite_create(name);
	TCase *tc = tcase_create("calls");
	SRunner *sr = srunner_create(s);
	char path[64];
	int failed;

	if (!mkdtemp(dir))
		return 1;
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 30);
	add(tc);
	suite_add_tcase(s, tc);
	srunner_set_tap(sr, "-");
	srunner_run_all(sr, CK_SILENT);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	(void)snprintf(path, sizeof(path), "%s/app.sock", dir);
	(void)unlink(path);
	(void)rmdir(dir);
	return failed != 0;
}

#endif /* TEST_UNIT_APP_DAEMON_H */
