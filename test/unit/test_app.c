/* SPDX-License-Identifier: MIT */
/*
 * test_app.c - the calls of libtcpd-app as a program makes them, against the
 * app channel and two stacks that run in a process of their own.
 *
 * LINK: daemon/app.c daemon/app_allow.c daemon/app_client.c daemon/app_req.c
 * LINK: daemon/bridge.c daemon/bridge_accept.c daemon/bridge_info.c
 * LINK: daemon/bridge_io.c daemon/bridge_opt.c daemon/bridge_optval.c
 * LINK: daemon/bridge_send.c daemon/tcpinfo.c
 */
#include "test/unit/app_daemon.h"

static int listener(uint16_t port)
{
	struct sockaddr_in sa = at(RIG_LOCAL, port);
	int fd = tcpd_app_socket(AF_INET, SOCK_STREAM, 0);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(tcpd_app_bind(fd, (struct sockaddr *)&sa, sizeof(sa)),
			 0);
	ck_assert_int_eq(tcpd_app_listen(fd, 5), 0);
	return fd;
}

static void is_addr(const struct sockaddr_in *sa, const char *ip)
{
	char text[64];

	ck_assert_int_eq(sa->sin_family, AF_INET);
	inet_ntop(AF_INET, &sa->sin_addr, text, sizeof(text));
	ck_assert_str_eq(text, ip);
}

START_TEST(a_connection_echoes)
{
	int fd = tcpd_app_socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	char buf[16] = "";

	ck_assert_int_eq(fcntl(fd, F_GETFD), FD_CLOEXEC);
	ck_assert_int_eq(try_connect(fd, PEER_PORT), 0);
	ck_assert_int_eq(write(fd, "over there", 10), 10);
	ck_assert_int_eq(recv(fd, buf, 10, MSG_WAITALL), 10);
	ck_assert_str_eq(buf, "over there");
	shutdown(fd, SHUT_WR);
	ck_assert_int_eq(read(fd, buf, 1), 0);
	ck_assert_int_eq(close(fd), 0);
}
END_TEST

START_TEST(a_refused_connect_says_so)
{
	int fd = tcpd_app_socket(AF_INET, SOCK_STREAM, 0);

	ck_assert_int_eq(try_connect(fd, 1), -1);
	ck_assert_int_eq(errno, ECONNREFUSED);
	ck_assert_int_eq(try_connect(fd, 1), -1);
	ck_assert_int_eq(errno, ECONNABORTED);
	close(fd);
}
END_TEST

START_TEST(a_non_blocking_connect_ends_in_writability)
{
	int fd = tcpd_app_socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	struct pollfd p = {.fd = fd, .events = POLLOUT};
	int err = -1;
	socklen_t len = sizeof(err);

	ck_assert(fcntl(fd, F_GETFL) & O_NONBLOCK);
	ck_assert_int_eq(try_connect(fd, PEER_PORT), -1);
	ck_assert_int_eq(errno, EINPROGRESS);
	ck_assert_int_eq(poll(&p, 1, 5000), 1);
	ck_assert_int_eq(p.revents, POLLOUT);
	ck_assert_int_eq(
		tcpd_app_getsockopt(fd, SOL_SOCKET, SO_ERROR, &err, &len), 0);
	ck_assert_int_eq(err, 0);
	ck_assert_int_eq(try_connect(fd, PEER_PORT), -1);
	ck_assert_int_eq(errno, EISCONN);
	close(fd);
	fd = tcpd_app_socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	ck_assert_int_eq(try_connect(fd, 1), -1);
	p.fd = fd;
	ck_assert_int_eq(poll(&p, 1, 5000), 1);
	ck_assert(p.revents & POLLHUP);
	tcpd_app_getsockopt(fd, SOL_SOCKET, SO_ERROR, &err, &len);
	ck_assert_int_eq(err, ECONNREFUSED);
	tcpd_app_getsockopt(fd, SOL_SOCKET, SO_ERROR, &err, &len);
	ck_assert_int_eq(err, 0);
	close(fd);
}
END_TEST

START_TEST(accept_gives_the_connection_and_its_addresses)
{
	int l = listener(80), fd, err;
	struct sockaddr_in sa, me;
	socklen_t len = sizeof(sa);
	char buf[8] = "";

	peer_connects(80);
	fd = tcpd_app_accept(l, (struct sockaddr *)&sa, &len,
			     SOCK_NONBLOCK | SOCK_CLOEXEC);
	ck_assert_int_ge(fd, 0);
	ck_assert_uint_eq(len, sizeof(sa));
	is_addr(&sa, RIG_PEER);
	ck_assert(fcntl(fd, F_GETFL) & O_NONBLOCK);
	ck_assert_int_eq(fcntl(fd, F_GETFD), FD_CLOEXEC);
	ck_assert_int_eq(tcpd_app_getpeername(fd, (struct sockaddr *)&me, &len),
			 0);
	ck_assert_mem_eq(&me, &sa, sizeof(sa));
	ck_assert_int_eq(tcpd_app_getsockname(fd, (struct sockaddr *)&me, &len),
			 0);
	is_addr(&me, RIG_LOCAL);
	ck_assert_uint_eq(me.sin_port, htons(80));
	for (int i = 0; i < 1000 && recv(fd, buf, 5, MSG_PEEK) < 5; i++)
		usleep(1000);
	ck_assert_int_eq(read(fd, buf, 7), 5);
	ck_assert_str_eq(buf, "hello");
	(void)fcntl(l, F_SETFL, O_NONBLOCK);
	ck_assert_int_eq(tcpd_app_accept(l, NULL, NULL, 0), -1);
	err = errno;
	ck_assert_int_eq(err, EAGAIN);
	ck_assert_int_eq(tcpd_app_accept(l, NULL, NULL, SOCK_DGRAM), -1);
	ck_assert_int_eq(errno, EINVAL);
	ck_assert_int_eq(tcpd_app_accept(fd, NULL, NULL, 0), -1);
	ck_assert_int_eq(errno, EINVAL);
	close(fd);
	close(l);
}
END_TEST

START_TEST(a_forked_process_and_a_dup_have_the_same_connection)
{
	int fd = tcpd_app_socket(AF_INET, SOCK_STREAM, 0), copy, status, v = 1;
	struct sockaddr_in sa;
	socklen_t len = sizeof(sa);
	char c;
	pid_t pid;

	ck_assert_int_eq(try_connect(fd, PEER_PORT), 0);
	copy = dup(fd);
	close(fd);
	pid = fork();
	if (pid == 0) {
		_exit(tcpd_app_setsockopt(copy, IPPROTO_TCP, TCP_NODELAY, &v,
					  sizeof(v)) == 0 &&
				      tcpd_app_getpeername(
					      copy, (struct sockaddr *)&sa,
					      &len) == 0 &&
				      write(copy, "x", 1) == 1
			      ? 0
			      : 1);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);
	ck_assert_int_eq(read(copy, &c, 1), 1);
	v = 0;
	len = sizeof(v);
	ck_assert_int_eq(
		tcpd_app_getsockopt(copy, IPPROTO_TCP, TCP_NODELAY, &v, &len),
		0);
	ck_assert_int_eq(v, 1);
	close(copy);
}
END_TEST

START_TEST(names_of_a_socket_before_and_after)
{
	int fd = tcpd_app_socket(AF_INET, SOCK_STREAM, 0);
	struct sockaddr_in sa = at("0.0.0.0", 0);
	socklen_t len = sizeof(sa);

	ck_assert_int_eq(tcpd_app_bind(fd, (struct sockaddr *)&sa, sizeof(sa)),
			 0);
	ck_assert_int_eq(tcpd_app_getsockname(fd, (struct sockaddr *)&sa, &len),
			 0);
	is_addr(&sa, "0.0.0.0");
	ck_assert_uint_ne(sa.sin_port, 0);
	ck_assert_int_eq(tcpd_app_getpeername(fd, (struct sockaddr *)&sa, &len),
			 -1);
	ck_assert_int_eq(errno, ENOTCONN);
	ck_assert_int_eq(try_connect(fd, PEER_PORT), 0);
	ck_assert_int_eq(tcpd_app_getsockname(fd, (struct sockaddr *)&sa, &len),
			 0);
	is_addr(&sa, RIG_LOCAL);
	ck_assert_int_eq(tcpd_app_getpeername(fd, (struct sockaddr *)&sa, &len),
			 0);
	is_addr(&sa, RIG_PEER);
	ck_assert_uint_eq(sa.sin_port, htons(PEER_PORT));
	close(fd);
}
END_TEST

START_TEST(an_ipv6_socket_sees_ipv4_as_mapped)
{
	struct sockaddr_in6 sa = {.sin6_family = AF_INET6,
				  .sin6_port = htons(80)};
	int l = tcpd_app_socket(AF_INET6, SOCK_STREAM, 0), fd;
	socklen_t len = sizeof(sa);
	char text[64];

	ck_assert_int_eq(tcpd_app_bind(l, (struct sockaddr *)&sa, sizeof(sa)),
			 0);
	ck_assert_int_eq(tcpd_app_listen(l, 5), 0);
	peer_connects(80);
	fd = tcpd_app_accept(l, (struct sockaddr *)&sa, &len, 0);
	ck_assert_int_ge(fd, 0);
	ck_assert_uint_eq(len, sizeof(sa));
	inet_ntop(AF_INET6, &sa.sin6_addr, text, sizeof(text));
	ck_assert_str_eq(text, "::ffff:" RIG_PEER);
	ck_assert_int_eq(tcpd_app_getsockname(fd, (struct sockaddr *)&sa, &len),
			 0);
	inet_ntop(AF_INET6, &sa.sin6_addr, text, sizeof(text));
	ck_assert_str_eq(text, "::ffff:" RIG_LOCAL);
	close(fd);
	close(l);
}
END_TEST

START_TEST(an_abort_ends_it_and_leaves_the_fd)
{
	int fd = tcpd_app_socket(AF_INET, SOCK_STREAM, 0), err = 0;
	socklen_t len = sizeof(err);
	char c;

	ck_assert_int_eq(tcpd_app_abort(fd), -1);
	ck_assert_int_eq(errno, ENOTCONN);
	ck_assert_int_eq(try_connect(fd, PEER_PORT), 0);
	ck_assert_int_eq(tcpd_app_abort(fd), 0);
	ck_assert_int_eq(read(fd, &c, 1), -1);
	ck_assert_int_eq(errno, ECONNRESET);
	tcpd_app_getsockopt(fd, SOL_SOCKET, SO_ERROR, &err, &len);
	ck_assert_int_eq(err, ECONNABORTED);
	ck_assert_int_eq(close(fd), 0);
}
END_TEST

START_TEST(what_is_no_stream_socket_is_refused)
{
	ck_assert_int_eq(tcpd_app_socket(AF_UNIX, SOCK_STREAM, 0), -1);
	ck_assert_int_eq(errno, EAFNOSUPPORT);
	ck_assert_int_eq(tcpd_app_socket(AF_INET, SOCK_DGRAM, 0), -1);
	ck_assert_int_eq(errno, ESOCKTNOSUPPORT);
	ck_assert_int_eq(tcpd_app_socket(AF_INET, SOCK_STREAM, IPPROTO_UDP),
			 -1);
	ck_assert_int_eq(errno, EPROTONOSUPPORT);
}
END_TEST

START_TEST(every_call_refuses_an_fd_that_is_not_tcpds)
{
	struct sockaddr_in sa = at(RIG_LOCAL, 80);
	socklen_t len = sizeof(sa);
	int fd = socket(AF_INET, SOCK_STREAM, 0), v = 1;

#define REFUSED(call)                              \
	do {                                       \
		errno = 0;                         \
		ck_assert_int_eq(call, -1);        \
		ck_assert_int_eq(errno, ENOTSOCK); \
	} while (0)
	REFUSED(tcpd_app_bind(fd, (struct sockaddr *)&sa, len));
	REFUSED(tcpd_app_listen(fd, 5));
	REFUSED(tcpd_app_accept(fd, NULL, NULL, 0));
	REFUSED(tcpd_app_connect(fd, (struct sockaddr *)&sa, len));
	REFUSED(tcpd_app_getsockname(fd, (struct sockaddr *)&sa, &len));
	REFUSED(tcpd_app_getpeername(fd, (struct sockaddr *)&sa, &len));
	REFUSED(tcpd_app_setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &v, 4));
	REFUSED(tcpd_app_getsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &v, &len));
	REFUSED(tcpd_app_send(fd, "x", 1, MSG_MORE));
	REFUSED(tcpd_app_send(fd, "x", 1, 0));
	REFUSED(tcpd_app_abort(fd));
#undef REFUSED
	close(fd);
}
END_TEST

START_TEST(options_go_to_the_daemon_and_time_outs_to_the_kernel)
{
	int fd = tcpd_app_socket(AF_INET, SOCK_STREAM, 0), v = 0;
	struct timeval tv = {0, 20000}, got = {0};
	socklen_t len = sizeof(got);
	char c;

	ck_assert_int_eq(
		tcpd_app_setsockopt(fd, IPPROTO_TCP, TCP_MD5SIG, &v, 4), -1);
	ck_assert_int_eq(errno, ENOPROTOOPT);
	ck_assert_int_eq(try_connect(fd, PEER_PORT), 0);
	ck_assert_int_eq(tcpd_app_setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv,
					     sizeof(tv)),
			 0);
	ck_assert_int_eq(
		tcpd_app_getsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &got, &len),
		0);
	ck_assert_int_ge(got.tv_usec, 20000);
	ck_assert_int_eq(read(fd, &c, 1), -1);
	ck_assert_int_eq(errno, EAGAIN);
	close(fd);
}
END_TEST

START_TEST(a_daemon_that_dies_is_econnreset_everywhere)
{
	int fd = tcpd_app_socket(AF_INET, SOCK_STREAM, 0), l = listener(80);
	int err = 0;
	socklen_t len = sizeof(err);
	char c;

	ck_assert_int_eq(try_connect(fd, PEER_PORT), 0);
	kill(daemon_pid, SIGKILL);
	ck_assert_int_eq(read(fd, &c, 1), -1);
	ck_assert_int_eq(errno, ECONNRESET);
	ck_assert_int_eq(tcpd_app_accept(l, NULL, NULL, 0), -1);
	ck_assert_int_eq(errno, ECONNRESET);
	/* Nobody knows better than the kernel now. */
	ck_assert_int_eq(
		tcpd_app_getsockopt(fd, SOL_SOCKET, SO_ERROR, &err, &len), 0);
	ck_assert_int_eq(tcpd_app_socket(AF_INET, SOCK_STREAM, 0), -1);
	ck_assert_int_eq(errno, ECONNREFUSED);
	close(fd);
	close(l);
}
END_TEST

static void add(TCase *tc)
{
#define T(name) tcase_add_test(tc, name)
	T(a_connection_echoes);
	T(a_refused_connect_says_so);
	T(a_non_blocking_connect_ends_in_writability);
	T(accept_gives_the_connection_and_its_addresses);
	T(a_forked_process_and_a_dup_have_the_same_connection);
	T(names_of_a_socket_before_and_after);
	T(an_ipv6_socket_sees_ipv4_as_mapped);
	T(an_abort_ends_it_and_leaves_the_fd);
	T(what_is_no_stream_socket_is_refused);
	T(every_call_refuses_an_fd_that_is_not_tcpds);
	T(options_go_to_the_daemon_and_time_outs_to_the_kernel);
	T(a_daemon_that_dies_is_econnreset_everywhere);
#undef T
}

int main(void)
{
	return run_suite("app", add);
}
