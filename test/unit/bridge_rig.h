/* SPDX-License-Identifier: MIT */
/*
 * bridge_rig.h - a connection of an app and its peer, and what is done to
 * each in the tests of daemon/bridge*.c.  Include it once in a program.
 */
#ifndef TEST_UNIT_BRIDGE_RIG_H
#define TEST_UNIT_BRIDGE_RIG_H

#include <check.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>

#include "test/unit/app_rig.h"

static char dir[] = "/tmp/test-bridge-XXXXXX";
static int a = -1, l = -1;   /* the app's fds: a connection, a listener */
static tcpd_handle p, plist; /* the peer's */

static inline void setup(void)
{
	rig_start(dir);
	a = l = -1;
	p = plist = 0;
}

static inline void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

/* Whatever a test did, nothing of it stays. */
static inline void teardown(void)
{
	close_fd(&a);
	close_fd(&l);
	rig_settle();
	ck_assert_uint_eq(rig.d.app->bridges.count, 0);
	ck_assert_ptr_null(rig.d.app->users);
	rig_stop();
}

/* --- the app's side, non-blocking */

static inline int app_accept(int listener)
{
	union {
		struct cmsghdr align;
		char buf[CMSG_SPACE(sizeof(int))];
	} c;
	char octet, greeting = 0;
	struct iovec iov = {&octet, 1};
	struct msghdr mh = {.msg_iov = &iov,
			    .msg_iovlen = 1,
			    .msg_control = c.buf,
			    .msg_controllen = sizeof(c.buf)};
	struct cmsghdr *cm;
	int fd;

	if (recvmsg(listener, &mh, MSG_DONTWAIT) != 1)
		return -1;
	cm = CMSG_FIRSTHDR(&mh);
	ck_assert_ptr_nonnull(cm);
	memcpy(&fd, CMSG_DATA(cm), sizeof(int));
	ck_assert_int_eq(recv(fd, &greeting, 1, MSG_DONTWAIT), 1);
	(void)fcntl(fd, F_SETFL, O_NONBLOCK);
	return fd;
}

static inline int listener(uint16_t port, uint32_t backlog)
{
	int fd = rig_socket(4);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(rig_bind(fd, RIG_LOCAL, port), 0);
	ck_assert_int_eq(rig_listen(fd, backlog), 0);
	rig_settle();
	return fd;
}

static inline tcpd_handle peer_connect(uint16_t port)
{
	struct tcpd_addr to = rig_addr(RIG_LOCAL, port);
	tcpd_handle h = 0;

	ck_assert_int_eq(tcpd_connect(rig.peer, &h, NULL, &to, rig.d.now), 0);
	rig_settle();
	return h;
}

static inline void peer_listen(uint16_t port)
{
	struct tcpd_addr at = rig_addr(RIG_PEER, port);

	ck_assert_int_eq(tcpd_listen(rig.peer, &plist, &at, 0, NULL, rig.d.now),
			 0);
}

/* A connection that the app has accepted. */
static inline void meet(void)
{
	l = listener(80, 8);
	p = peer_connect(80);
	a = app_accept(l);
	ck_assert_int_ge(a, 0);
}

/* A connection that the app has asked for. */
static inline void reach(void)
{
	peer_listen(99);
	a = rig_socket(4);
	ck_assert_int_eq(rig_connect(a, RIG_PEER, 99), EINPROGRESS);
	rig_settle();
	ck_assert_int_eq(tcpd_accept(rig.peer, plist, &p, rig.d.now), 0);
}

static inline void app_writes(const char *s)
{
	ck_assert_int_eq(write(a, s, strlen(s)), (int)strlen(s));
}

static inline void app_reads(const char *want)
{
	char buf[256] = "";
	ssize_t n = read(a, buf, sizeof(buf) - 1);

	ck_assert_int_eq(n, (int)strlen(want));
	ck_assert_str_eq(buf, want);
}

static inline void app_read_fails(int err)
{
	char c;

	errno = 0;
	ck_assert_int_eq(read(a, &c, 1), -1);
	ck_assert_int_eq(errno, err);
}

static inline void app_at_eof(void)
{
	char c;

	ck_assert_int_eq(read(a, &c, 1), 0);
}

static inline int app_error(void)
{
	int err = -1;

	ck_assert_int_eq(rig_get(a, SOL_SOCKET, SO_ERROR, &err, sizeof(err)),
			 4);
	return err;
}

static inline short app_events(int fd)
{
	struct pollfd pfd = {.fd = fd, .events = POLLIN | POLLOUT | POLLRDHUP};

	(void)poll(&pfd, 1, 0);
	return pfd.revents;
}

/* --- the peer's side */

static inline void peer_writes(const char *s)
{
	ck_assert_int_eq(tcpd_send(rig.peer, p, s, strlen(s), rig.d.now),
			 (int)strlen(s));
	rig_settle();
}

static inline void peer_reads(const char *want)
{
	char buf[256] = "";

	ck_assert_int_eq(
		tcpd_recv(rig.peer, p, buf, sizeof(buf) - 1, rig.d.now),
		(int)strlen(want));
	ck_assert_str_eq(buf, want);
}

static inline struct tcpd_status peer_status(void)
{
	struct tcpd_status s;

	ck_assert_int_eq(tcpd_status(rig.peer, p, &s, rig.d.now), 0);
	return s;
}

static inline int peer_err(void)
{
	return peer_status().err;
}

static inline int run_suite(const char *name, void (*add)(TCase *tc))
{
	Suite *s = suite_create(name);
	TCase *tc = tcase_create(name);
	SRunner *sr = srunner_create(s);
	int failed;

	if (!mkdtemp(dir))
		return 1;
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 20);
	add(tc);
	suite_add_tcase(s, tc);
	srunner_set_tap(sr, "-");
	srunner_run_all(sr, CK_SILENT);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	(void)rmdir(dir);
	return failed != 0;
}

#endif /* TEST_UNIT_BRIDGE_RIG_H */
