/* SPDX-License-Identifier: MIT */
/*
 * sockopts_rows.h - the checks of the tables of differences in
 * doc/sockopts.md: what a kernel socket does, and what an fd of tcpd's does.
 * Included by sockopts.c alone.
 */
#ifndef TEST_NET_SOCKOPTS_ROWS_H
#define TEST_NET_SOCKOPTS_ROWS_H

#include <sys/sendfile.h>
#include <sys/un.h>
#include <sys/wait.h>

#include "sockopts.h"
#include "sockopts_send.h"

struct check {
	const char *row; /* the head of its line */
	const char *name;
	void (*call)(void);
	bool met;
};

/* --- ends of a connection */

static void linger_of(int fd, int seconds)
{
	struct linger l = {1, seconds};

	CHECK(tcpd_app_setsockopt(fd, SOL_SOCKET, SO_LINGER, &l, sizeof(l)) ==
	      0);
}

/* The peer sends RST: by SO_LINGER of the kernel's. */
static void peer_resets(struct pair *p)
{
	struct linger l = {1, 0};

	CHECK(setsockopt(p->peer, SOL_SOCKET, SO_LINGER, &l, sizeof(l)) == 0);
	close(p->peer);
	p->peer = -1;
}

static void end_fin(void)
{
	struct pair p = meet();

	says(p.peer, "bye");
	CHECK(shutdown(p.peer, SHUT_WR) == 0);
	CHECK(hears(p.app, "bye") && ends(p.app) == 0);
	part(&p);
}

static void end_rst(void)
{
	struct pair p = meet(), k = kernel_pair();

	says(p.peer, "bye");
	UNTIL(queue(p.app, SIOCINQ) == 3);
	peer_resets(&p);
	CHECK(hears(p.app, "bye") && ends(p.app) == -ECONNRESET);
	peer_resets(&k);
	CHECK(ends(k.app) == -ECONNRESET);
	part(&p);
	part(&k);
}

static void end_timeout(void)
{
	struct pair p = meet();

	says(p.peer, "bye");
	UNTIL(queue(p.app, SIOCINQ) == 3);
	CHECK(set(p.app, IPPROTO_TCP, TCP_USER_TIMEOUT, 200) == 0);
	silence(p.peer);
	says(p.app, "x");
	UNTIL(ready(p.app, POLLIN | POLLHUP, 0) & POLLHUP);
	CHECK(hears(p.app, "bye") && ends(p.app) == -ECONNRESET);
	CHECK(get(p.app, SOL_SOCKET, SO_ERROR) == ETIMEDOUT);
	part(&p);
}

static void end_write_after_reset(void)
{
	struct pair p = meet(), k = kernel_pair();

	peer_resets(&p);
	UNTIL(ready(p.app, POLLIN | POLLHUP, 0) & POLLHUP);
	CHECK(send(p.app, "x", 1, MSG_NOSIGNAL) == -1 && errno == EPIPE);
	peer_resets(&k);
	UNTIL(ready(k.app, POLLIN | POLLHUP, 0) & POLLHUP);
	CHECK(send(k.app, "x", 1, MSG_NOSIGNAL) == -1 && errno == ECONNRESET);
	part(&p);
	part(&k);
}

static void end_write_after_shutdown(void)
{
	struct pair p[2] = {meet(), kernel_pair()};

	for (int i = 0; i < 2; i++) {
		CHECK(shutdown(p[i].app, SHUT_WR) == 0);
		CHECK(send(p[i].app, "x", 1, MSG_NOSIGNAL) == -1 &&
		      errno == EPIPE);
		part(&p[i]);
	}
}

static void end_unread(void)
{
	struct pair p = meet();

	says(p.peer, "unread");
	CHECK(ready(p.app, POLLIN, 10000));
	close(p.app);
	p.app = -1;
	CHECK(ends(p.peer) == -ECONNRESET);
	part(&p);
}

static void end_linger_0(void)
{
	struct pair p = meet();
	struct seen s;

	linger_of(p.app, 0);
	wire_forget();
	close(p.app);
	p.app = -1;
	CHECK(ends(p.peer) == -ECONNRESET);
	CHECK(wire_next(&s, RST, PATIENCE));
	part(&p);
}

static void end_linger_n(void)
{
	struct pair p = meet();
	struct seen s;
	double t0 = now();

	linger_of(p.app, 1);
	silence(p.peer);
	says(p.app, "never acknowledged");
	wire_forget();
	close(p.app);
	p.app = -1;
	CHECK(now() - t0 < 0.9);
	CHECK(wire_next(&s, RST, PATIENCE) && now() - t0 >= 1);
	part(&p);
}

static int killed(pid_t pid)
{
	struct pair p = meet();

	CHECK(kill(pid, SIGKILL) == 0);
	CHECK(ends(p.app) == -ECONNRESET);
	CHECK(tcpd_app_accept(p.l, NULL, NULL, 0) == -1 && errno == ECONNRESET);
	part(&p);
	tap("row", "tcpd is killed");
	return nfailed != 0;
}

static void end_killed(void)
{
	/* killed() shows it, once no other check wants tcpd any more */
}

static void end_shut_rd(void)
{
	struct pair p = meet(), k = kernel_pair();

	CHECK(shutdown(p.app, SHUT_RD) == 0);
	says(p.peer, "lost");
	UNTIL(kget(p.peer, SOL_SOCKET, SO_ERROR) == 0 &&
	      queue(p.app, SIOCINQ) == 0);
	CHECK(ends(p.app) == 0);
	CHECK(shutdown(k.app, SHUT_RD) == 0);
	says(k.peer, "kept");
	CHECK(hears(k.app, "kept"));
	part(&p);
	part(&k);
}

/* --- calls on an fd */

static void call_fionread(void)
{
	struct pair p = meet();
	int n = -1;

	says(p.peer, "12345");
	UNTIL(queue(p.app, SIOCINQ) == 5);
	UNTIL(ioctl(p.app, FIONREAD, &n) == 0 && n == 5);
	part(&p);
}

static void call_siocoutq(void)
{
	struct pair p = meet(), k = kernel_pair();
	int n = -1;

	silence(p.peer);
	silence(k.peer);
	says(p.app, "12345");
	says(k.app, "12345");
	CHECK(queue(p.app, SIOCOUTQ) == 5); /* the daemon has them now */
	CHECK(ioctl(p.app, SIOCOUTQ, &n) == 0 && n != 5);
	CHECK(ioctl(k.app, SIOCOUTQ, &n) == 0 && n == 5);
	part(&p);
	part(&k);
}

/* Reads stop at the mark, at which SIOCATMARK says so, and POLLPRI tells of
 * it from afar; the octet is in line. */
static void at_the_mark(const struct pair *p)
{
	char buf[16];
	int n = -1;

	CHECK(send(p->peer, "abcU", 4, MSG_OOB) == 4);
	says(p->peer, "def");
	CHECK(ready(p->app, POLLPRI, 10000) & POLLPRI);
	UNTIL(ioctl(p->app, FIONREAD, &n) == 0 && n == 7);
	CHECK(ioctl(p->app, SIOCATMARK, &n) == 0 && n == 0);
	CHECK(read(p->app, buf, sizeof(buf)) == 3);
	CHECK(ioctl(p->app, SIOCATMARK, &n) == 0 && n == 1);
	CHECK(recv(p->app, buf, 1, MSG_OOB) == -1 && errno == EINVAL);
	CHECK(hears(p->app, "Udef"));
	CHECK(ioctl(p->app, SIOCATMARK, &n) == 0 && n == 0);
}

static void call_siocatmark(void)
{
	struct pair p = meet(), k = kernel_pair();

	at_the_mark(&p);
	CHECK(kset(k.app, SOL_SOCKET, SO_OOBINLINE, 1) == 0);
	at_the_mark(&k);
	part(&p);
	part(&k);
}

static void call_trunc(void)
{
	struct pair p = meet(), k = kernel_pair();

	says(p.peer, "12345");
	says(k.peer, "12345");
	CHECK(ready(p.app, POLLIN, 10000) && ready(k.app, POLLIN, 10000));
	CHECK(recv(p.app, NULL, 3, MSG_TRUNC) == -1 && errno == EFAULT);
	CHECK(recv(k.app, NULL, 3, MSG_TRUNC) == 3);
	CHECK(hears(p.app, "12345") && hears(k.app, "45"));
	part(&p);
	part(&k);
}

static void call_peek_off(void)
{
	struct pair p[2] = {meet(), kernel_pair()};

	for (int i = 0; i < 2; i++) {
		char c = 0;

		says(p[i].peer, "12345");
		UNTIL(recv(p[i].app, &c, 1, MSG_PEEK) == 1);
		CHECK(kset(p[i].app, SOL_SOCKET, SO_PEEK_OFF, 2) == 0);
		CHECK(recv(p[i].app, &c, 1, MSG_PEEK) == 1 && c == '3');
		CHECK(hears(p[i].app, "12345"));
		part(&p[i]);
	}
}

static void call_rcvlowat_poll(void)
{
	struct pair p = meet(), k = kernel_pair();

	CHECK(set(p.app, SOL_SOCKET, SO_RCVLOWAT, 4) == 0);
	CHECK(kset(k.app, SOL_SOCKET, SO_RCVLOWAT, 4) == 0);
	says(p.peer, "12");
	says(k.peer, "12");
	CHECK(ready(p.app, POLLIN, 10000));
	CHECK(!ready(k.app, POLLIN, 50));
	part(&p);
	part(&k);
}

/* The kernel's own TCP may sleep on where the octets come in two parts. */
static void call_rcvlowat_read(void)
{
	struct pair p = meet();
	char buf[10];
	pid_t child;

	CHECK(set(p.app, SOL_SOCKET, SO_RCVLOWAT, 4) == 0);
	says(p.peer, "12");
	child = fork();
	if (child == 0) {
		pass_ms(50);
		(void)!write(p.peer, "34", 2);
		_exit(0);
	}
	CHECK(read(p.app, buf, sizeof(buf)) == 4);
	(void)waitpid(child, NULL, 0);
	part(&p);
}

static void call_zerocopy(void)
{
	struct pair p = meet();

	CHECK(set(p.app, SOL_SOCKET, SO_ZEROCOPY, 1) == -1 &&
	      errno == ENOPROTOOPT);
	if (send(p.app, "x", 1, MSG_ZEROCOPY | MSG_NOSIGNAL) == 1)
		CHECK(hears(p.peer, "x"));
	part(&p);
}

static void call_oob(void)
{
	struct pair p = meet();
	char c = 0, big[20000];
	struct seen s;
	int n = 0;

	CHECK(kset(p.peer, SOL_SOCKET, SO_OOBINLINE, 1) == 0);
	says(p.app, "abc");
	CHECK(hears(p.peer, "abc"));
	wire_forget();
	CHECK(send(p.app, "O", 1, MSG_OOB) == 1);
	CHECK(wire_next(&s, 0x20, PATIENCE) && s.len == 1 && s.urg == 1);
	UNTIL(ioctl(p.peer, SIOCATMARK, &n) == 0 && n == 1);
	says(p.app, "def");
	CHECK(hears(p.peer, "Odef"));
	/* the last octet of many, and one before others */
	memset(big, 'x', sizeof(big));
	CHECK(send(p.app, big, sizeof(big), MSG_OOB) == sizeof(big));
	UNTIL(ioctl(p.peer, FIONREAD, &n) == 0 && n == (int)sizeof(big));
	for (int left = sizeof(big) - 1; left > 0; left -= n) {
		n = (int)read(p.peer, big, (size_t)left);
		CHECK(n > 0);
		if (n <= 0)
			break;
	}
	CHECK(ioctl(p.peer, SIOCATMARK, &n) == 0 && n == 1);
	CHECK(read(p.peer, &c, 1) == 1 && c == 'x');
	wire_forget();
	CHECK(send(p.app, "12O", 3, MSG_OOB) == 3);
	says(p.app, "4");
	CHECK(wire_next(&s, 0x20, PATIENCE) && s.urg == 3);
	CHECK(hears(p.peer, "12O4"));
	part(&p);
}

/* --- what setsockopt refuses, and the kernel takes */

static void refused(int level, int option)
{
	struct pair p = meet(), k = kernel_pair();
	int v = 1;

	CHECK(tcpd_app_setsockopt(p.app, level, option, &v, sizeof(v)) == -1 &&
	      errno == ENOPROTOOPT);
	if (level == SOL_SOCKET)
		CHECK(kset(k.app, level, option, 1) == 0);
	part(&p);
	part(&k);
}

static void call_timestamp(void)
{
	refused(SOL_SOCKET, SO_TIMESTAMP);
}

static void call_ulp(void)
{
	refused(IPPROTO_TCP, TCP_ULP);
}

static void call_splice(void)
{
	char name[] = "/tmp/sockopts-XXXXXX";
	int file = mkstemp(name), ends_of[2];
	struct pair p = meet();

	CHECK(file >= 0 && write(file, "file", 4) == 4 && pipe(ends_of) == 0);
	(void)unlink(name);
	CHECK(lseek(file, 0, SEEK_SET) == 0);
	CHECK(sendfile(p.app, file, NULL, 4) == 4);
	CHECK(hears(p.peer, "file"));
	says(p.peer, "pipe");
	CHECK(ready(p.app, POLLIN, 10000));
	CHECK(splice(p.app, NULL, ends_of[1], NULL, 4, 0) == 4);
	CHECK(hears(ends_of[0], "pipe"));
	close(file);
	close(ends_of[0]);
	close(ends_of[1]);
	part(&p);
}

static ssize_t send_an_fd(int fd)
{
	union {
		struct cmsghdr align;
		char buf[CMSG_SPACE(sizeof(int))];
	} c = {.buf = {0}};
	struct iovec iov = {.iov_base = (char[]){'x'}, .iov_len = 1};
	struct msghdr mh = {.msg_iov = &iov,
			    .msg_iovlen = 1,
			    .msg_control = c.buf,
			    .msg_controllen = sizeof(c.buf)};
	struct cmsghdr *cm = CMSG_FIRSTHDR(&mh);

	cm->cmsg_level = SOL_SOCKET;
	cm->cmsg_type = SCM_RIGHTS;
	cm->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(cm), &fd, sizeof(int));
	return sendmsg(fd, &mh, MSG_NOSIGNAL);
}

static void call_rights(void)
{
	struct pair p = meet();

	if (send_an_fd(p.app) == -1)
		CHECK(errno == EPERM);
	else
		CHECK(ends(p.app) == -ECONNRESET);
	part(&p);
}

static void call_getsockname(void)
{
	struct pair p = meet(), k = kernel_pair();
	struct sockaddr_storage sa = {0};
	socklen_t len = sizeof(sa);

	CHECK(getsockname(p.app, (struct sockaddr *)&sa, &len) == 0 &&
	      sa.ss_family == AF_UNIX);
	len = sizeof(sa);
	CHECK(tcpd_app_getsockname(p.app, (struct sockaddr *)&sa, &len) == 0 &&
	      sa.ss_family == af);
	len = sizeof(sa);
	CHECK(getsockname(k.app, (struct sockaddr *)&sa, &len) == 0 &&
	      sa.ss_family == af);
	part(&p);
	part(&k);
}

static void call_domain(void)
{
	struct pair p = meet();

	CHECK(kget(p.app, SOL_SOCKET, SO_DOMAIN) == AF_UNIX);
	CHECK(get(p.app, SOL_SOCKET, SO_DOMAIN) == af);
	part(&p);
}

static void call_nodelay(void)
{
	struct pair p = meet(), k = kernel_pair();

	CHECK(kset(p.app, IPPROTO_TCP, TCP_NODELAY, 1) == -1 &&
	      (errno == EOPNOTSUPP || errno == ENOPROTOOPT));
	CHECK(kset(k.app, IPPROTO_TCP, TCP_NODELAY, 1) == 0);
	part(&p);
	part(&k);
}

static void call_write_early(void)
{
	union address a = of_peer();
	int fd = app_socket(), k = socket(af, SOCK_STREAM, 0), c;

	CHECK(send(k, "x", 1, MSG_NOSIGNAL) == -1 && errno == EPIPE);
	CHECK(bind(k, &a.any, sizeof(a)) == 0 && listen(k, 1) == 0);
	CHECK(send(fd, "lost", 4, MSG_NOSIGNAL) == 4);
	CHECK(tcpd_app_connect(fd, &a.any, sizeof(a)) == 0);
	says(fd, "first");
	c = accept(k, NULL, NULL);
	CHECK(hears(c, "first"));
	close(c);
	close(k);
	close(fd);
}

static void call_connect_again(void)
{
	union address a = of_peer();
	int fd = app_socket(), k = socket(af, SOCK_STREAM, 0);

	for (int i = 0; i < 2; i++) {
		errno = 0;
		CHECK(tcpd_app_connect(fd, &a.any, sizeof(a)) == -1 &&
		      errno == (i ? ECONNABORTED : ECONNREFUSED));
		CHECK(connect(k, &a.any, sizeof(a)) == -1 &&
		      errno == ECONNREFUSED);
	}
	close(fd);
	close(k);
}

static void call_defer(void)
{
	int fd = app_socket(), k = socket(af, SOCK_STREAM, 0);

	CHECK(set(fd, IPPROTO_TCP, TCP_DEFER_ACCEPT, 5) == 0);
	CHECK(kset(k, IPPROTO_TCP, TCP_DEFER_ACCEPT, 5) == 0);
	CHECK(get(fd, IPPROTO_TCP, TCP_DEFER_ACCEPT) == 5);
	CHECK(kget(k, IPPROTO_TCP, TCP_DEFER_ACCEPT) == 7);
	close(fd);
	close(k);
}

static void call_rcvbuf(void)
{
	int fd = app_socket(), k = socket(af, SOCK_STREAM, 0);

	CHECK(set(fd, SOL_SOCKET, SO_RCVBUF, 20000) == 0);
	CHECK(kset(k, SOL_SOCKET, SO_RCVBUF, 20000) == 0);
	CHECK(get(fd, SOL_SOCKET, SO_RCVBUF) == 20000);
	CHECK(kget(k, SOL_SOCKET, SO_RCVBUF) == 40000);
	close(fd);
	close(k);
}

#define DIFF(name, call)                          \
	{                                         \
		"| " name " |", name, call, false \
	}
static struct check differences[] = {
	DIFF("the peer's FIN", end_fin),
	DIFF("RST", end_rst),
	DIFF("time-out, unreachable", end_timeout),
	DIFF("first write after a reset", end_write_after_reset),
	DIFF("write after our own shutdown", end_write_after_shutdown),
	DIFF("close with data unread", end_unread),
	DIFF("close with SO_LINGER {1, 0}", end_linger_0),
	DIFF("close with SO_LINGER {1, n}", end_linger_n),
	DIFF("tcpd is killed", end_killed),
	DIFF("SHUT_RD", end_shut_rd),
	DIFF("ioctl FIONREAD", call_fionread),
	DIFF("ioctl SIOCOUTQ", call_siocoutq),
	DIFF("ioctl SIOCATMARK", call_siocatmark),
	DIFF("recv with a NULL buffer and MSG_TRUNC", call_trunc),
	DIFF("recv with MSG_PEEK and SO_PEEK_OFF", call_peek_off),
	DIFF("SO_RCVLOWAT and poll", call_rcvlowat_poll),
	DIFF("SO_RCVLOWAT and read", call_rcvlowat_read),
	DIFF("MSG_ZEROCOPY", call_zerocopy),
	DIFF("MSG_OOB", call_oob),
	DIFF("MSG_MORE", call_more),
	DIFF("MSG_EOR", call_eor),
	DIFF("MSG_FASTOPEN", call_fastopen),
	DIFF("SO_TIMESTAMP", call_timestamp),
	DIFF("TCP_ULP", call_ulp),
	DIFF("splice and sendfile", call_splice),
	DIFF("sendmsg with SCM_RIGHTS", call_rights),
	DIFF("getsockname(2)", call_getsockname),
	DIFF("SO_DOMAIN of the kernel's getsockopt", call_domain),
	DIFF("TCP_NODELAY of the kernel's setsockopt", call_nodelay),
	DIFF("write before connect", call_write_early),
	DIFF("connect after a failed connect", call_connect_again),
	DIFF("TCP_DEFER_ACCEPT read back", call_defer),
	DIFF("SO_RCVBUF read back", call_rcvbuf),
};

#endif /* TEST_NET_SOCKOPTS_ROWS_H */
