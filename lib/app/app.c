/* SPDX-License-Identifier: MIT */
/*
 * app.c - the calls of libtcpd-app (tcpd_app.h).
 *
 * Each is a request to the daemon, or the few system calls that answer
 * without it.  No state, no table of fds: what an fd is, its names say.
 */
#include "tcpd_app.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdbool.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/uio.h>
#include <unistd.h>

#include "app/app.h"

static int set_nonblock(int fd)
{
	int on = 1;

	return ioctl(fd, FIONBIO, &on);
}

/* errno survives: the caller is on its way out with an error. */
static int close_and_fail(int fd)
{
	int saved = errno;

	close(fd);
	errno = saved;
	return -1;
}

int tcpd_app_socket(int domain, int type, int protocol)
{
	const int flags = SOCK_NONBLOCK | SOCK_CLOEXEC;
	struct proto_msg m = {.op = PROTO_SOCKET,
			      .has = PROTO_HAS(PROTO_TLV_DOMAIN),
			      .domain = domain == AF_INET6 ? 6 : 4};
	int fd;

	if (domain != AF_INET && domain != AF_INET6) {
		errno = EAFNOSUPPORT;
		return -1;
	}
	if ((type & ~flags) != SOCK_STREAM) {
		errno = ESOCKTNOSUPPORT;
		return -1;
	}
	if (protocol != 0 && protocol != IPPROTO_TCP) {
		errno = EPROTONOSUPPORT;
		return -1;
	}
	if (app_call(&m, -1, &fd, type & SOCK_CLOEXEC) < 0)
		return -1;
	if (type & SOCK_NONBLOCK && set_nonblock(fd) < 0)
		return close_and_fail(fd);
	return fd;
}

int tcpd_app_bind(int fd, const struct sockaddr *sa, socklen_t len)
{
	struct proto_msg m = {.op = PROTO_BIND,
			      .has = PROTO_HAS(PROTO_TLV_LOCAL)};
	struct name n;

	if (app_name(fd, &n) < 0)
		return -1;
	if (app_addr_in(&m.local, sa, len, n.domain) < 0)
		return -1;
	return app_call(&m, fd, NULL, false);
}

int tcpd_app_listen(int fd, int backlog)
{
	struct proto_msg m = {.op = PROTO_LISTEN,
			      .has = PROTO_HAS(PROTO_TLV_BACKLOG),
			      .backlog = backlog < 1 ? 1 : (uint32_t)backlog};
	struct name n;

	if (app_name(fd, &n) < 0)
		return -1;
	return app_call(&m, fd, NULL, false);
}

/* The fd in the next message of a listener's queue. */
static int take_fd(int listener, bool cloexec)
{
	union {
		struct cmsghdr align;
		char buf[CMSG_SPACE(sizeof(int))];
	} c;
	char octet;
	struct iovec iov = {.iov_base = &octet, .iov_len = 1};
	struct msghdr mh = {.msg_iov = &iov,
			    .msg_iovlen = 1,
			    .msg_control = c.buf,
			    .msg_controllen = sizeof(c.buf)};
	struct cmsghdr *cm;
	ssize_t n = recvmsg(listener, &mh, cloexec ? MSG_CMSG_CLOEXEC : 0);
	int fd;

	if (n < 0)
		return -1;
	cm = CMSG_FIRSTHDR(&mh);
	if (n == 0) {
		errno = ECONNRESET;
		return -1;
	}
	if (!cm || cm->cmsg_level != SOL_SOCKET ||
	    cm->cmsg_type != SCM_RIGHTS ||
	    cm->cmsg_len < CMSG_LEN(sizeof(int))) {
		/* The connection was there, but no fd was left for it. */
		errno = EMFILE;
		return -1;
	}
	memcpy(&fd, CMSG_DATA(cm), sizeof(int));
	return fd;
}

int tcpd_app_accept(int fd, struct sockaddr *sa, socklen_t *len, int flags)
{
	struct name n;
	char greeting;
	int c;

	if (flags & ~(SOCK_NONBLOCK | SOCK_CLOEXEC)) {
		errno = EINVAL;
		return -1;
	}
	if (app_name(fd, &n) < 0)
		return -1;
	if (n.kind != NAME_LISTENER) {
		errno = EINVAL;
		return -1;
	}
	c = take_fd(fd, flags & SOCK_CLOEXEC);
	if (c < 0)
		return -1;
	/* The first octet says that nobody has accepted it: unread, it makes
	 * the close of a queued connection one with data unread. */
	if (recv(c, &greeting, 1, MSG_DONTWAIT) != 1) {
		errno = ECONNABORTED;
		return close_and_fail(c);
	}
	if (flags & SOCK_NONBLOCK && set_nonblock(c) < 0)
		return close_and_fail(c);
	if (sa && len) {
		if (app_name(c, &n) < 0)
			return close_and_fail(c);
		app_addr_out(&n.peer, n.domain, sa, len);
	}
	return c;
}

static int get_error(int fd, int *err)
{
	socklen_t len = sizeof(*err);

	return tcpd_app_getsockopt(fd, SOL_SOCKET, SO_ERROR, err, &len);
}

/* Until the handshake is done or has failed. */
static int wait_open(int fd)
{
	struct pollfd p = {.fd = fd, .events = POLLOUT};
	int err = 0;

	if (poll(&p, 1, -1) < 0)
		return -1;
	if (!(p.revents & (POLLHUP | POLLERR)))
		return 0;
	if (get_error(fd, &err) < 0)
		return -1;
	if (!err)
		return 0;
	errno = err;
	return -1;
}

int tcpd_app_connect(int fd, const struct sockaddr *sa, socklen_t len)
{
	struct proto_msg m = {.op = PROTO_CONNECT,
			      .has = PROTO_HAS(PROTO_TLV_PEER)};
	struct name n;
	int flags = fcntl(fd, F_GETFL);

	if (flags < 0 || app_name(fd, &n) < 0)
		return -1;
	if (app_addr_in(&m.peer, sa, len, n.domain) < 0)
		return -1;
	if (app_call(&m, fd, NULL, false) == 0)
		return 0;
	if (flags & O_NONBLOCK)
		return -1;
	/* EALREADY: a call before was interrupted; this one waits for it. */
	if (errno != EINPROGRESS && errno != EALREADY)
		return -1;
	return wait_open(fd);
}

static int ask_name(int fd, struct proto_msg *m)
{
	memset(m, 0, sizeof(*m));
	m->op = PROTO_NAME;
	return app_call(m, fd, NULL, false);
}

int tcpd_app_getsockname(int fd, struct sockaddr *sa, socklen_t *len)
{
	struct proto_msg m;
	struct name n;

	if (app_name(fd, &n) < 0)
		return -1;
	if (n.kind == NAME_FRESH) {
		if (ask_name(fd, &m) < 0)
			return -1;
		n.local = m.local;
	}
	app_addr_out(&n.local, n.domain, sa, len);
	return 0;
}

/* Open for sure: an fd that connects is not writable. */
static bool is_writable(int fd)
{
	struct pollfd p = {.fd = fd, .events = POLLOUT};

	return poll(&p, 1, 0) == 1 && p.revents == POLLOUT;
}

int tcpd_app_getpeername(int fd, struct sockaddr *sa, socklen_t *len)
{
	struct proto_msg m;
	struct name n;

	if (app_name(fd, &n) < 0)
		return -1;
	if (n.kind != NAME_CONNECTION) {
		errno = ENOTCONN;
		return -1;
	}
	if (!is_writable(fd)) {
		/* It connects, has ended, or its buffer is full. */
		if (ask_name(fd, &m) < 0)
			return -1;
		if (!(m.has & PROTO_HAS(PROTO_TLV_PEER))) {
			errno = ENOTCONN;
			return -1;
		}
	}
	app_addr_out(&n.peer, n.domain, sa, len);
	return 0;
}

/* Time-outs of read and write, and for how much read waits, are the kernel's:
 * its socket does the waiting. */
static bool is_kernels(int level, int option)
{
	return level == SOL_SOCKET &&
	       (option == SO_RCVTIMEO || option == SO_SNDTIMEO ||
		option == SO_RCVLOWAT);
}

int tcpd_app_setsockopt(int fd, int level, int option, const void *value,
			socklen_t len)
{
	struct proto_msg m = {.op = PROTO_SETOPT,
			      .has = PROTO_HAS(PROTO_TLV_LEVEL) |
				     PROTO_HAS(PROTO_TLV_OPTION) |
				     PROTO_HAS(PROTO_TLV_VALUE),
			      .level = (uint32_t)level,
			      .option = (uint32_t)option,
			      .nvalue = (uint16_t)len};
	struct name n;

	if (app_name(fd, &n) < 0)
		return -1;
	if (is_kernels(level, option))
		return setsockopt(fd, level, option, value, len);
	if (len > sizeof(m.value)) {
		errno = EINVAL;
		return -1;
	}
	if (len)
		memcpy(m.value, value, len);
	return app_call(&m, fd, NULL, false);
}

int tcpd_app_getsockopt(int fd, int level, int option, void *value,
			socklen_t *len)
{
	struct proto_msg m = {.op = PROTO_GETOPT,
			      .has = PROTO_HAS(PROTO_TLV_LEVEL) |
				     PROTO_HAS(PROTO_TLV_OPTION) |
				     PROTO_HAS(PROTO_TLV_LENGTH),
			      .level = (uint32_t)level,
			      .option = (uint32_t)option,
			      .length = *len};
	bool error = level == SOL_SOCKET && option == SO_ERROR;
	struct name n;
	int own = 0;
	socklen_t nown = sizeof(own);

	if (app_name(fd, &n) < 0)
		return -1;
	if (is_kernels(level, option))
		return getsockopt(fd, level, option, value, len);
	/* The kernel's own mark of the same end is used up with it; it is the
	 * answer where no daemon is left that could know better. */
	if (error && getsockopt(fd, level, option, &own, &nown) < 0)
		return -1;
	if (app_call(&m, fd, NULL, false) < 0) {
		if (!error)
			return -1;
		memcpy(m.value, &own, sizeof(own));
		m.nvalue = sizeof(own);
	}
	if (*len > m.nvalue)
		*len = m.nvalue;
	if (*len)
		memcpy(value, m.value, *len);
	return 0;
}

int tcpd_app_ioctl(int fd, unsigned long request, int *value)
{
	socklen_t len = sizeof(*value);
	int queue;

	switch (request) {
	case SIOCINQ:
		queue = PROTO_QUEUE_SIOCINQ;
		break;
	case SIOCOUTQ:
		queue = PROTO_QUEUE_SIOCOUTQ;
		break;
	case SIOCOUTQNSD:
		queue = PROTO_QUEUE_SIOCOUTQNSD;
		break;
	default:
		errno = EINVAL;
		return -1;
	}
	return tcpd_app_getsockopt(fd, (int)PROTO_LEVEL_QUEUES, queue, value,
				   &len);
}

int tcpd_app_abort(int fd)
{
	struct proto_msg m = {.op = PROTO_ABORT};
	struct name n;

	if (app_name(fd, &n) < 0)
		return -1;
	return app_call(&m, fd, NULL, false);
}
