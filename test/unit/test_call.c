/* SPDX-License-Identifier: MIT */
/*
 * test_call.c - a request of libtcpd-app and what may come back: a reply, an
 * error, another version, nonsense, or nothing at all.  A process of its own
 * plays the daemon.
 */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "app/app.h"

static char dir[] = "/tmp/test-call-XXXXXX";
static char path[64];

enum answer {
	DONE,
	WITH_FD,
	WITHOUT_FD,
	AN_ERROR,
	HANG_UP,
	NOISE,
	OTHER_MAJOR,
	OTHER_OP,
	CUT
};

static void send_reply(int s, const struct proto_msg *m, enum answer what)
{
	union {
		struct cmsghdr align;
		char buf[CMSG_SPACE(sizeof(int))];
	} c = {.buf = {0}};
	uint8_t buf[PROTO_MAX];
	struct iovec iov = {buf, 0};
	struct msghdr mh = {.msg_iov = &iov, .msg_iovlen = 1};
	struct cmsghdr *cm;
	int fd = STDIN_FILENO;

	iov.iov_len = proto_build_reply(m, buf, sizeof(buf));
	if (what == NOISE)
		memset(buf, 0x55, iov.iov_len);
	if (what == OTHER_MAJOR)
		buf[2]++;
	if (what == CUT)
		iov.iov_len = PROTO_HDR;
	if (what == WITH_FD) {
		mh.msg_control = c.buf;
		mh.msg_controllen = sizeof(c.buf);
		cm = CMSG_FIRSTHDR(&mh);
		cm->cmsg_level = SOL_SOCKET;
		cm->cmsg_type = SCM_RIGHTS;
		cm->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(cm), &fd, sizeof(int));
	}
	(void)!sendmsg(s, &mh, MSG_NOSIGNAL);
}

/* One request, answered as |what| says. */
static pid_t play_daemon(enum answer what)
{
	struct sockaddr_un sun = {.sun_family = AF_UNIX};
	int s = socket(AF_UNIX, SOCK_SEQPACKET, 0), c;
	static struct proto_msg m;
	uint8_t buf[PROTO_MAX];
	ssize_t n;
	pid_t pid;

	(void)snprintf(sun.sun_path, sizeof(sun.sun_path), "%s", path);
	ck_assert_int_eq(bind(s, (struct sockaddr *)&sun, sizeof(sun)), 0);
	ck_assert_int_eq(listen(s, 1), 0);
	pid = fork();
	ck_assert_int_ge(pid, 0);
	if (pid) {
		close(s);
		return pid;
	}
	c = accept(s, NULL, NULL);
	n = recv(c, buf, sizeof(buf), 0);
	if (n > 0 && proto_parse_request(&m, buf, (size_t)n) == PROTO_OK &&
	    what != HANG_UP) {
		m.err = what == AN_ERROR ? EADDRINUSE : 0;
		if (what == OTHER_OP)
			m.op++;
		m.backlog++;
		send_reply(c, &m, what);
	}
	_exit(0);
}

static const struct row {
	enum answer what;
	bool want_fd;
	int err; /* 0: the call works */
} rows[] = {
	{DONE, false, 0},
	{WITH_FD, true, 0},
	{WITH_FD, false, 0}, /* which nobody wants, and is closed */
	{WITHOUT_FD, true, EPROTO},
	{AN_ERROR, false, EADDRINUSE},
	{HANG_UP, false, ECONNREFUSED},
	{NOISE, false, EPROTO},
	{OTHER_MAJOR, false, EPROTONOSUPPORT},
	{OTHER_OP, false, EPROTO},
	{CUT, false, EPROTO},
};

static struct proto_msg request(void)
{
	return (struct proto_msg){.op = PROTO_LISTEN,
				  .has = PROTO_HAS(PROTO_TLV_BACKLOG),
				  .backlog = 7};
}

static int count_fds(void)
{
	int n = 0;

	for (int fd = 0; fd < 256; fd++)
		n += fcntl(fd, F_GETFD) >= 0;
	return n;
}

START_TEST(call_treats_every_answer_as_it_should)
{
	const struct row *r = &rows[_i];
	struct proto_msg m = request();
	int got = -1, before, rc;
	pid_t pid = play_daemon(r->what);

	setenv("TCPD_APP", path, 1);
	before = count_fds();
	errno = 0;
	rc = app_call(&m, -1, r->want_fd ? &got : NULL, true);
	ck_assert_int_eq(rc, r->err ? -1 : 0);
	if (r->err)
		ck_assert_int_eq(errno, r->err);
	else
		ck_assert_uint_eq(m.backlog, 8);
	if (r->want_fd && !r->err)
		ck_assert_int_eq(close(got), 0);
	ck_assert_int_eq(count_fds(), before);
	waitpid(pid, NULL, 0);
	unlink(path);
}
END_TEST

START_TEST(call_finds_app_sock_beside_ctl_sock)
{
	struct proto_msg m = request();
	char ctl[80];
	pid_t pid = play_daemon(DONE);

	unsetenv("TCPD_APP");
	(void)snprintf(ctl, sizeof(ctl), "%s/ctl.sock", dir);
	setenv("TCPD_CTL", ctl, 1);
	ck_assert_int_eq(app_call(&m, -1, NULL, false), 0);
	waitpid(pid, NULL, 0);
	unlink(path);
}
END_TEST

START_TEST(call_without_a_daemon_says_so)
{
	struct proto_msg m = request();
	char longer[200];

	setenv("TCPD_APP", path, 1);
	ck_assert_int_eq(app_call(&m, -1, NULL, false), -1);
	ck_assert_int_eq(errno, ENOENT);
	memset(longer, 'x', sizeof(longer) - 1);
	longer[0] = '/';
	longer[sizeof(longer) - 1] = '\0';
	setenv("TCPD_APP", longer, 1);
	ck_assert_int_eq(app_call(&m, -1, NULL, false), -1);
	ck_assert_int_eq(errno, ENAMETOOLONG);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("call");
	TCase *tc = tcase_create("answers");
	SRunner *sr = srunner_create(s);
	int failed;

	if (!mkdtemp(dir))
		return 1;
	(void)snprintf(path, sizeof(path), "%s/app.sock", dir);
	tcase_add_loop_test(tc, call_treats_every_answer_as_it_should, 0,
			    sizeof(rows) / sizeof(rows[0]));
	tcase_add_test(tc, call_finds_app_sock_beside_ctl_sock);
	tcase_add_test(tc, call_without_a_daemon_says_so);
	suite_add_tcase(s, tc);
	srunner_set_tap(sr, "-");
	srunner_run_all(sr, CK_SILENT);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	(void)rmdir(dir);
	return failed != 0;
}
