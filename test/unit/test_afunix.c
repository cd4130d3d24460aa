/* SPDX-License-Identifier: MIT */
/*
 * test_afunix.c - what the app channel takes for granted about AF_UNIX.
 *
 * No code of ours is under test: these are the kernel's behaviours on which
 * daemon/bridge*.c rests, so that a kernel that differs is noticed here and
 * not as a connection that hangs.  "d" is the daemon's end, "a" the app's.
 */
#include <check.h>
#include <errno.h>
#include <linux/sockios.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef SO_PASSRIGHTS
#define SO_PASSRIGHTS 83
#endif

static int d, a;

static void setup(void)
{
	int s[2];

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, s),
			 0);
	d = s[0];
	a = s[1];
}

static void close_end(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

static void teardown(void)
{
	close_end(&d);
	close_end(&a);
}

static short events_of(int fd)
{
	struct pollfd p = {.fd = fd, .events = POLLIN | POLLOUT | POLLRDHUP};

	poll(&p, 1, 0);
	return p.revents;
}

static int inq(int fd)
{
	int n = -1;

	ck_assert_int_eq(ioctl(fd, FIONREAD, &n), 0);
	return n;
}

static int so_error(int fd)
{
	int e = -1;
	socklen_t len = sizeof(e);

	ck_assert_int_eq(getsockopt(fd, SOL_SOCKET, SO_ERROR, &e, &len), 0);
	return e;
}

static ssize_t get(int fd, char *buf, size_t n)
{
	return recv(fd, buf, n, MSG_DONTWAIT);
}

static ssize_t put(int fd, const char *s)
{
	return send(fd, s, strlen(s), MSG_DONTWAIT | MSG_NOSIGNAL);
}

START_TEST(shutdown_by_the_daemon_is_an_end_of_file_that_can_still_write)
{
	char buf[8];

	shutdown(d, SHUT_WR);
	ck_assert_int_eq(events_of(a), POLLIN | POLLOUT | POLLRDHUP);
	ck_assert_int_eq(get(a, buf, 8), 0);
	ck_assert_int_eq(put(a, "x"), 1);
}
END_TEST

START_TEST(close_with_nothing_unread_is_a_clean_end)
{
	char buf[8];

	close_end(&d);
	ck_assert(events_of(a) & POLLHUP);
	ck_assert(!(events_of(a) & POLLERR));
	ck_assert_int_eq(get(a, buf, 8), 0);
	ck_assert_int_eq(put(a, "x"), -1);
	ck_assert_int_eq(errno, EPIPE);
}
END_TEST

START_TEST(close_with_an_octet_unread_gives_queued_data_then_econnreset_once)
{
	char buf[8];

	put(a, "L");
	put(d, "abc");
	close_end(&d);
	ck_assert_int_eq(get(a, buf, 8), 3);
	ck_assert_int_eq(get(a, buf, 8), -1);
	ck_assert_int_eq(errno, ECONNRESET);
	ck_assert_int_eq(get(a, buf, 8), 0);
}
END_TEST

START_TEST(close_with_an_octet_unread_shows_in_so_error)
{
	put(a, "L");
	close_end(&d);
	ck_assert(events_of(a) & POLLERR);
	ck_assert_int_eq(so_error(a), ECONNRESET);
	ck_assert_int_eq(so_error(a), 0);
}
END_TEST

START_TEST(a_blocked_reader_wakes_with_econnreset)
{
	char buf[8];
	int status, go[2];
	pid_t pid;

	ck_assert_int_eq(pipe(go), 0);
	put(a, "L");
	pid = fork();
	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		close(d);
		close(go[0]);
		close(go[1]);
		_exit(recv(a, buf, 8, 0) == -1 && errno == ECONNRESET ? 0 : 1);
	}
	/* The child holds no end of this pipe any more: it has closed d. */
	close(go[1]);
	ck_assert_int_eq(read(go[0], buf, 1), 0);
	close(go[0]);
	close_end(&d);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);
}
END_TEST

START_TEST(a_daemon_that_is_killed_with_an_octet_unread_means_econnreset)
{
	char buf[8];
	int status;
	pid_t pid;

	put(a, "L");
	pid = fork();
	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		close(a);
		pause();
		_exit(1);
	}
	close_end(&d);
	kill(pid, SIGKILL);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(get(a, buf, 8), -1);
	ck_assert_int_eq(errno, ECONNRESET);
}
END_TEST

START_TEST(shutdown_by_the_app_is_rdhup_without_hup)
{
	shutdown(a, SHUT_WR);
	ck_assert_int_eq(events_of(d), POLLIN | POLLOUT | POLLRDHUP);
}
END_TEST

START_TEST(close_by_the_app_with_all_read_is_hup_without_err)
{
	put(a, "L");
	close_end(&a);
	ck_assert(events_of(d) & POLLHUP);
	ck_assert(!(events_of(d) & POLLERR));
}
END_TEST

START_TEST(close_by_the_app_with_data_unread_is_hup_and_err)
{
	put(a, "L");
	put(d, "x");
	close_end(&a);
	ck_assert(events_of(d) & POLLHUP);
	ck_assert(events_of(d) & POLLERR);
}
END_TEST

START_TEST(a_write_after_such_a_close_uses_up_the_err)
{
	put(a, "L");
	put(d, "x");
	close_end(&a);
	ck_assert_int_eq(put(d, "y"), -1);
	ck_assert(errno == ECONNRESET || errno == EPIPE);
	if (errno == ECONNRESET)
		ck_assert(!(events_of(d) & POLLERR));
}
END_TEST

START_TEST(shut_rd_by_the_app_is_no_event_but_epipe)
{
	shutdown(a, SHUT_RD);
	ck_assert_int_eq(events_of(d), POLLOUT);
	ck_assert_int_eq(put(d, "x"), -1);
	ck_assert_int_eq(errno, EPIPE);
}
END_TEST

START_TEST(a_peek_leaves_the_octet_and_counts_in_fionread)
{
	char buf[8];

	put(a, "Labc");
	ck_assert_int_eq(inq(d), 4);
	ck_assert_int_eq(get(d, buf, 3), 3);
	ck_assert_int_eq(recv(d, buf, 8, MSG_PEEK | MSG_DONTWAIT), 1);
	ck_assert_int_eq(buf[0], 'c');
	ck_assert_int_eq(inq(d), 1);
}
END_TEST

START_TEST(an_edge_comes_for_each_write_though_the_lag_octet_stays)
{
	struct epoll_event ev = {.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP |
					   EPOLLET};
	int ep = epoll_create1(EPOLL_CLOEXEC);

	put(a, "L");
	ck_assert_int_eq(epoll_ctl(ep, EPOLL_CTL_ADD, d, &ev), 0);
	ck_assert_int_eq(epoll_wait(ep, &ev, 1, 0), 1);
	ck_assert_int_eq(epoll_wait(ep, &ev, 1, 0), 0);
	put(a, "x");
	ck_assert_int_eq(epoll_wait(ep, &ev, 1, 0), 1);
	ck_assert(ev.events & EPOLLIN);
	ck_assert_int_eq(epoll_wait(ep, &ev, 1, 0), 0);
	shutdown(a, SHUT_WR);
	ck_assert_int_eq(epoll_wait(ep, &ev, 1, 0), 1);
	ck_assert(ev.events & EPOLLRDHUP);
	close(ep);
}
END_TEST

START_TEST(a_full_end_gives_an_edge_when_its_reader_has_taken_it)
{
	struct epoll_event ev = {.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP |
					   EPOLLET};
	int ep = epoll_create1(EPOLL_CLOEXEC);
	static char big[1 << 20];
	ssize_t n;

	put(a, "L");
	epoll_ctl(ep, EPOLL_CTL_ADD, d, &ev);
	epoll_wait(ep, &ev, 1, 0);
	n = send(d, big, sizeof(big), MSG_DONTWAIT);
	ck_assert_int_gt(n, 0);
	ck_assert_int_lt(n, (int)sizeof(big));
	ck_assert_int_eq(send(d, big, 1, MSG_DONTWAIT), -1);
	ck_assert_int_eq(errno, EAGAIN);
	while (epoll_wait(ep, &ev, 1, 0) == 1)
		;
	while (n > 0)
		n -= get(a, big, sizeof(big));
	ck_assert_int_eq(epoll_wait(ep, &ev, 1, 0), 1);
	ck_assert(ev.events & EPOLLOUT);
	close(ep);
}
END_TEST

START_TEST(filler_makes_an_end_unwritable_and_taking_it_writable_again)
{
	static char big[1 << 20];
	ssize_t n = 0, r;

	while (events_of(a) & POLLOUT) {
		r = send(a, big, 4096, MSG_DONTWAIT);
		ck_assert_int_gt(r, 0);
		n += r;
	}
	/* It is far from full: what the app writes early fits behind. */
	ck_assert_int_eq(put(a, "early"), 5);
	ck_assert_int_eq(inq(d), (int)n + 5);
	while (n > 1) {
		r = get(d, big, (size_t)(n - 1));
		ck_assert_int_gt(r, 0);
		n -= r;
	}
	ck_assert_int_eq(inq(d), 6);
	ck_assert(events_of(a) & POLLOUT);
}
END_TEST

START_TEST(the_apps_close_is_seen_only_when_no_copy_is_left)
{
	int copy = dup(a);

	close_end(&a);
	ck_assert(!(events_of(d) & POLLHUP));
	close(copy);
	ck_assert(events_of(d) & POLLHUP);
}
END_TEST

static ssize_t send_fd(int via, int fd, const char *s, int flags)
{
	union {
		struct cmsghdr align;
		char buf[CMSG_SPACE(sizeof(int))];
	} c = {.buf = {0}};
	char octet = s[0];
	struct iovec iov = {.iov_base = &octet, .iov_len = 1};
	struct msghdr mh = {.msg_iov = &iov,
			    .msg_iovlen = 1,
			    .msg_control = c.buf,
			    .msg_controllen = sizeof(c.buf)};
	struct cmsghdr *cm = CMSG_FIRSTHDR(&mh);

	cm->cmsg_level = SOL_SOCKET;
	cm->cmsg_type = SCM_RIGHTS;
	cm->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(cm), &fd, sizeof(int));
	return sendmsg(via, &mh, flags | MSG_DONTWAIT | MSG_NOSIGNAL);
}

START_TEST(rights_show_as_ctrunc_in_a_peek_without_control_room)
{
	char buf[8];
	struct iovec iov = {.iov_base = buf, .iov_len = 8};
	struct msghdr mh = {.msg_iov = &iov, .msg_iovlen = 1};

	ck_assert_int_eq(send_fd(a, a, "x", 0), 1);
	ck_assert_int_eq(recvmsg(d, &mh, MSG_PEEK | MSG_DONTWAIT), 1);
	ck_assert(mh.msg_flags & MSG_CTRUNC);
}
END_TEST

START_TEST(an_apps_own_fd_in_the_lag_octet_hides_its_end)
{
	ck_assert_int_eq(send_fd(a, a, "x", 0), 1);
	close_end(&a);
	ck_assert(!(events_of(d) & POLLHUP));
}
END_TEST

START_TEST(passrights_0_refuses_an_fd_with_eperm_where_it_exists)
{
	int off = 0;

	if (setsockopt(d, SOL_SOCKET, SO_PASSRIGHTS, &off, sizeof(off)) < 0) {
		ck_assert_int_eq(errno, ENOPROTOOPT);
		return;
	}
	ck_assert_int_eq(send_fd(a, a, "x", 0), -1);
	ck_assert_int_eq(errno, EPERM);
	ck_assert_int_eq(inq(d), 0);
}
END_TEST

START_TEST(with_oobinline_an_urgent_octet_stays_in_its_place)
{
	char buf[16] = "";
	size_t n = 0;
	int on = 1;
	ssize_t r;

	ck_assert_int_eq(
		setsockopt(d, SOL_SOCKET, SO_OOBINLINE, &on, sizeof(on)), 0);
	put(a, "abc");
	if (send(a, "O", 1, MSG_OOB) != 1) /* a kernel without AF_UNIX OOB */
		return;
	put(a, "def");
	ck_assert_int_eq(inq(d), 7);
	while (n < 7) {
		r = get(d, buf + n, sizeof(buf) - n);
		ck_assert_int_gt(r, 0);
		n += (size_t)r;
	}
	ck_assert_str_eq(buf, "abcOdef");
}
END_TEST

START_TEST(an_urgent_lag_octet_still_means_econnreset)
{
	char buf[8];
	int on = 1;

	setsockopt(d, SOL_SOCKET, SO_OOBINLINE, &on, sizeof(on));
	if (send(a, "O", 1, MSG_OOB) != 1)
		return;
	ck_assert_int_eq(recv(d, buf, 1, MSG_PEEK | MSG_DONTWAIT), 1);
	close_end(&d);
	ck_assert_int_eq(get(a, buf, 8), -1);
	ck_assert_int_eq(errno, ECONNRESET);
}
END_TEST

static socklen_t name_of(struct sockaddr_un *sun, const char *s)
{
	memset(sun, 0, sizeof(*sun));
	sun->sun_family = AF_UNIX;
	memcpy(sun->sun_path + 1, s, strlen(s));
	return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 +
			   strlen(s));
}

START_TEST(getpeername_tells_the_name_of_the_daemons_end_also_after_its_close)
{
	struct sockaddr_un sun, got;
	socklen_t len, n = sizeof(got);
	char name[64];

	(void)snprintf(name, sizeof(name), "tcpd-test/%ld", (long)getpid());
	len = name_of(&sun, name);
	ck_assert_int_eq(bind(d, (struct sockaddr *)&sun, len), 0);
	ck_assert_int_eq(getpeername(a, (struct sockaddr *)&got, &n), 0);
	ck_assert_int_eq(n, len);
	ck_assert_mem_eq(&got, &sun, len);
	close_end(&d);
	n = sizeof(got);
	ck_assert_int_eq(getpeername(a, (struct sockaddr *)&got, &n), 0);
	ck_assert_int_eq(n, len);
}
END_TEST

START_TEST(the_cookie_is_the_sockets_and_goes_with_a_passed_fd)
{
	uint64_t c1 = 0, c2 = 0, c3 = 0;
	socklen_t len = sizeof(c1);
	int copy = dup(a);

	getsockopt(a, SOL_SOCKET, SO_COOKIE, &c1, &len);
	getsockopt(copy, SOL_SOCKET, SO_COOKIE, &c2, &len);
	getsockopt(d, SOL_SOCKET, SO_COOKIE, &c3, &len);
	ck_assert_uint_ne(c1, 0);
	ck_assert_uint_eq(c1, c2);
	ck_assert_uint_ne(c1, c3);
	close(copy);
}
END_TEST

START_TEST(a_queue_of_fds_fills_to_eagain_and_each_costs_the_same)
{
	int n = 0, q1 = 0, q = 0;

	while (send_fd(d, STDIN_FILENO, "c", 0) == 1) {
		n++;
		ck_assert_int_eq(ioctl(d, SIOCOUTQ, n == 1 ? &q1 : &q), 0);
		if (n > 1)
			ck_assert(q == n * q1);
		ck_assert_int_lt(n, 100000);
	}
	ck_assert(errno == EAGAIN || errno == ETOOMANYREFS);
	ck_assert_int_ge(n, 64);
}
END_TEST

START_TEST(closing_an_accept_queue_closes_the_fds_in_it)
{
	int s[2];

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, s), 0);
	ck_assert_int_eq(send(s[0], "G", 1, 0), 1); /* the greeting */
	ck_assert_int_eq(send_fd(d, s[1], "c", 0), 1);
	close(s[1]);
	close_end(&a);
	/* ... and unread, the greeting tells that nobody has taken it. */
	ck_assert(events_of(s[0]) & POLLHUP);
	ck_assert(events_of(s[0]) & POLLERR);
	close(s[0]);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("afunix");
	TCase *tc = tcase_create("ends");
	SRunner *sr = srunner_create(s);
	int failed;

#define T(name) tcase_add_test(tc, name)
	tcase_add_checked_fixture(tc, setup, teardown);
	T(shutdown_by_the_daemon_is_an_end_of_file_that_can_still_write);
	T(close_with_nothing_unread_is_a_clean_end);
	T(close_with_an_octet_unread_gives_queued_data_then_econnreset_once);
	T(close_with_an_octet_unread_shows_in_so_error);
	T(a_blocked_reader_wakes_with_econnreset);
	T(a_daemon_that_is_killed_with_an_octet_unread_means_econnreset);
	T(shutdown_by_the_app_is_rdhup_without_hup);
	T(close_by_the_app_with_all_read_is_hup_without_err);
	T(close_by_the_app_with_data_unread_is_hup_and_err);
	T(a_write_after_such_a_close_uses_up_the_err);
	T(shut_rd_by_the_app_is_no_event_but_epipe);
	T(a_peek_leaves_the_octet_and_counts_in_fionread);
	T(an_edge_comes_for_each_write_though_the_lag_octet_stays);
	T(a_full_end_gives_an_edge_when_its_reader_has_taken_it);
	T(filler_makes_an_end_unwritable_and_taking_it_writable_again);
	T(the_apps_close_is_seen_only_when_no_copy_is_left);
	T(rights_show_as_ctrunc_in_a_peek_without_control_room);
	T(an_apps_own_fd_in_the_lag_octet_hides_its_end);
	T(passrights_0_refuses_an_fd_with_eperm_where_it_exists);
	T(with_oobinline_an_urgent_octet_stays_in_its_place);
	T(an_urgent_lag_octet_still_means_econnreset);
	T(getpeername_tells_the_name_of_the_daemons_end_also_after_its_close);
	T(the_cookie_is_the_sockets_and_goes_with_a_passed_fd);
	T(a_queue_of_fds_fills_to_eagain_and_each_costs_the_same);
	T(closing_an_accept_queue_closes_the_fds_in_it);
#undef T
	suite_add_tcase(s, tc);
	srunner_set_tap(sr, "-");
	srunner_run_all(sr, CK_SILENT);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed != 0;
}
