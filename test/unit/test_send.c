/* SPDX-License-Identifier: MIT */
/*
 * test_send.c - tcpd_app_send() as a program calls it: every octet once and
 * in order, blocking or not, whatever is between; and what it refuses.
 *
 * LINK: daemon/app.c daemon/app_allow.c daemon/app_client.c daemon/app_req.c
 * LINK: daemon/bridge.c daemon/bridge_accept.c daemon/bridge_info.c
 * LINK: daemon/bridge_io.c daemon/bridge_opt.c daemon/bridge_optval.c
 * LINK: daemon/bridge_send.c daemon/tcpinfo.c
 */
#include <stddef.h>
#include <sys/un.h>

#include "test/unit/app_daemon.h"

#define TOTAL (6u << 20) /* more than the buffers on the way hold */

static int connected(int type)
{
	int fd = tcpd_app_socket(AF_INET, SOCK_STREAM, 0);

	ck_assert_int_eq(try_connect(fd, PEER_PORT), 0);
	if (type & SOCK_NONBLOCK)
		(void)fcntl(fd, F_SETFL, O_NONBLOCK);
	return fd;
}

static uint8_t at_place(size_t i)
{
	return (uint8_t)(i + i / 251 + i / 65521);
}

/* A process that reads the echo: its exit status is 0 when all is right. */
static pid_t reader(int fd)
{
	static uint8_t buf[65536];
	pid_t pid = fork();
	size_t got = 0;

	if (pid)
		return pid;
	(void)poll(NULL, 0, 300); /* the buffers on the way fill */
	while (got < TOTAL) {
		struct pollfd p = {.fd = fd, .events = POLLIN};
		ssize_t n;

		(void)poll(&p, 1, -1);
		n = recv(fd, buf, sizeof(buf), MSG_DONTWAIT);
		if (n < 0 && errno == EAGAIN)
			continue;
		if (n <= 0)
			_exit(1);
		for (ssize_t i = 0; i < n; i++)
			if (buf[i] != at_place(got++))
				_exit(2);
	}
	_exit(0);
}

/* Pieces of all sizes, each third one a plain write. */
static void send_all(int fd, unsigned *nshort)
{
	static const int flags[] = {MSG_MORE, MSG_EOR, 0, MSG_MORE | MSG_EOR};
	static const size_t sizes[] = {1, 700, 2048, 2049, 3, 9000, 400000};
	static uint8_t buf[400000];
	size_t done = 0;

	for (unsigned i = 0; done < TOTAL; i++) {
		size_t n = sizes[i % 7];
		struct pollfd p = {.fd = fd, .events = POLLOUT};
		ssize_t r;

		if (n > TOTAL - done)
			n = TOTAL - done;
		for (size_t k = 0; k < n; k++)
			buf[k] = at_place(done + k);
		(void)poll(&p, 1, -1);
		r = tcpd_app_send(fd, buf, n, flags[i % 4]);
		if (r < 0) {
			ck_assert_int_eq(errno, EAGAIN);
			r = 0;
		}
		*nshort += (size_t)r < n;
		done += (size_t)r;
	}
}

START_TEST(every_octet_comes_once_and_in_order)
{
	int fd = connected(_i ? SOCK_NONBLOCK : 0), status = -1;
	unsigned nshort = 0;
	pid_t pid = reader(fd);

	send_all(fd, &nshort);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);
	/* a blocking one takes all, the other met full buffers */
	ck_assert_int_eq(nshort != 0, _i);
	close(fd);
}
END_TEST

START_TEST(without_flags_it_asks_nobody)
{
	int fd = connected(0);
	char buf[8] = "";

	setenv("TCPD_APP", "/nonexistent", 1);
	ck_assert_int_eq(tcpd_app_send(fd, "abc", 3, MSG_NOSIGNAL), 3);
	ck_assert_int_eq(tcpd_app_send(fd, "", 0, MSG_MORE), 0);
	ck_assert_int_eq(tcpd_app_send(fd, "d", 1, MSG_DONTWAIT), 1);
	ck_assert_int_eq(recv(fd, buf, 4, MSG_WAITALL), 4);
	ck_assert_str_eq(buf, "abcd");
	/* with them, it must: and sends nothing otherwise */
	ck_assert_int_eq(tcpd_app_send(fd, "abc", 3, MSG_MORE), -1);
	ck_assert_int_eq(errno, ENOENT);
	ck_assert_int_eq(tcpd_app_send(fd, "x", 1, 0), 1);
	ck_assert_int_eq(recv(fd, buf, 1, 0), 1);
	ck_assert_int_eq(buf[0], 'x');
	close(fd);
}
END_TEST

START_TEST(other_flags_are_refused)
{
	static const int flags[] = {MSG_FASTOPEN, MSG_ZEROCOPY, MSG_DONTROUTE,
				    MSG_OOB | MSG_MORE, MSG_OOB | MSG_EOR};
	int fd = connected(0);

	for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++) {
		errno = 0;
		ck_assert_int_eq(tcpd_app_send(fd, "x", 1, flags[i]), -1);
		ck_assert_int_eq(errno, EOPNOTSUPP);
	}
	close(fd);
}
END_TEST

START_TEST(what_is_no_connection_is_enotconn)
{
	int fd = tcpd_app_socket(AF_INET, SOCK_STREAM, 0);

	ck_assert_int_eq(tcpd_app_send(fd, "x", 1, MSG_MORE), -1);
	ck_assert_int_eq(errno, ENOTCONN);
	close(fd);
}
END_TEST

/* Its fds are closed when this returns; teardown() takes the rest. */
static void kill_daemon(void)
{
	siginfo_t si;

	kill(daemon_pid, SIGKILL);
	ck_assert_int_eq(
		waitid(P_PID, (id_t)daemon_pid, &si, WEXITED | WNOWAIT), 0);
}

START_TEST(after_the_end_it_is_epipe)
{
	int fd = connected(0);

	if (_i == 0)
		shutdown(fd, SHUT_WR);
	else if (_i == 1)
		ck_assert_int_eq(tcpd_app_abort(fd), 0);
	else
		kill_daemon();
	for (int i = 0; i < 2; i++) {
		errno = 0;
		ck_assert_int_eq(tcpd_app_send(fd, "x", 1, MSG_EOR), -1);
		ck_assert_int_eq(errno, EPIPE);
	}
	close(fd);
}
END_TEST

/* --- another daemon */

static const struct row {
	int err, length; /* of its reply; below 0: it hangs up */
	int want;	 /* errno of the call */
} rows[] = {
	{ENOSYS, 0, EOPNOTSUPP},
	{0, 2, EPROTO},
	{0, -1, ECONNREFUSED},
	{ENOBUFS, 0, ENOBUFS},
};

_Noreturn static void reply(int s, const struct row *r)
{
	static struct proto_msg m;
	uint8_t buf[PROTO_MAX];
	int c = accept(s, NULL, NULL);
	ssize_t n = recv(c, buf, sizeof(buf), 0);

	if (n <= 0 || r->length < 0 ||
	    proto_parse_request(&m, buf, (size_t)n) != PROTO_OK)
		_exit(0);
	m.has = PROTO_HAS(PROTO_TLV_LENGTH);
	m.err = r->err;
	m.length = (uint32_t)r->length;
	n = (ssize_t)proto_build_reply(&m, buf, sizeof(buf));
	(void)!send(c, buf, (size_t)n, MSG_NOSIGNAL);
	_exit(0);
}

START_TEST(a_daemon_that_does_not_help_is_an_error_and_nothing_is_sent)
{
	struct sockaddr_un sun = {.sun_family = AF_UNIX};
	int s = socket(AF_UNIX, SOCK_SEQPACKET, 0), pair[2];
	size_t head = offsetof(struct sockaddr_un, sun_path) + 1;
	char octet;
	pid_t pid;
	int n;

	(void)snprintf(sun.sun_path, sizeof(sun.sun_path), "%s/other", dir);
	(void)unlink(sun.sun_path);
	ck_assert_int_eq(bind(s, (struct sockaddr *)&sun, sizeof(sun)), 0);
	ck_assert_int_eq(listen(s, 1), 0);
	setenv("TCPD_APP", sun.sun_path, 1);
	pid = fork();
	if (pid == 0)
		reply(s, &rows[_i]);
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	memset(sun.sun_path, 0, sizeof(sun.sun_path));
	n = snprintf(sun.sun_path + 1, sizeof(sun.sun_path) - 1,
		     "tcpd/%08x1/10.77.0.2:80/10.77.0.1:7", (unsigned)pid);
	ck_assert_int_eq(bind(pair[0], (struct sockaddr *)&sun,
			      (socklen_t)(head + (size_t)n)),
			 0);
	errno = 0;
	ck_assert_int_eq(tcpd_app_send(pair[0], "x", 1, MSG_MORE), -1);
	ck_assert_int_eq(errno, rows[_i].want);
	ck_assert_int_eq(recv(pair[1], &octet, 1, MSG_DONTWAIT), -1);
	waitpid(pid, NULL, 0);
	close(pair[0]);
	close(pair[1]);
	close(s);
	(void)snprintf(sun.sun_path, sizeof(sun.sun_path), "%s/other", dir);
	(void)unlink(sun.sun_path);
}
END_TEST

static void add(TCase *tc)
{
	tcase_add_loop_test(tc, every_octet_comes_once_and_in_order, 0, 2);
	tcase_add_test(tc, without_flags_it_asks_nobody);
	tcase_add_test(tc, other_flags_are_refused);
	tcase_add_test(tc, what_is_no_connection_is_enotconn);
	tcase_add_loop_test(tc, after_the_end_it_is_epipe, 0, 3);
	tcase_add_loop_test(
		tc, a_daemon_that_does_not_help_is_an_error_and_nothing_is_sent,
		0, sizeof(rows) / sizeof(rows[0]));
}

int main(void)
{
	return run_suite("send", add);
}
