/* SPDX-License-Identifier: MIT */
/*
 * call.c - one request to the daemon and its reply.
 *
 * A connection to app.sock a request: nothing is kept between two calls, so
 * threads, fork and exec need no thought, and a daemon that was restarted is
 * found by the next call.
 */
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "app/app.h"

static const char default_path[] = "/run/tcpd/app.sock";
static const char base_name[] = "app.sock";

/* $TCPD_APP, else beside $TCPD_CTL, else the default; -1: too long. */
static int find_path(struct sockaddr_un *sun)
{
	const char *path = secure_getenv("TCPD_APP");
	const char *dir = NULL, *slash;
	size_t len = 0;

	if (!path || !*path) {
		path = default_path;
		dir = secure_getenv("TCPD_CTL");
		if (dir && *dir)
			path = base_name;
		else
			dir = NULL;
	}
	memset(sun, 0, sizeof(*sun));
	sun->sun_family = AF_UNIX;
	if (dir) {
		slash = strrchr(dir, '/');
		len = slash ? (size_t)(slash - dir) + 1 : 0;
	}
	if (len + strlen(path) >= sizeof(sun->sun_path)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	if (len)
		memcpy(sun->sun_path, dir, len);
	memcpy(sun->sun_path + len, path, strlen(path));
	return 0;
}

static int dial(void)
{
	struct sockaddr_un sun;
	int s, saved;

	if (find_path(&sun) < 0)
		return -1;
	s = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	if (s < 0)
		return -1;
	while (connect(s, (struct sockaddr *)&sun, sizeof(sun)) < 0) {
		if (errno == EINTR)
			continue;
		saved = errno;
		close(s);
		errno = saved;
		return -1;
	}
	return s;
}

union control {
	struct cmsghdr align;
	char buf[CMSG_SPACE(sizeof(int))];
};

static int send_request(int s, const struct proto_msg *m, int fd)
{
	uint8_t buf[PROTO_MAX];
	union control c;
	struct iovec iov = {.iov_base = buf};
	struct msghdr mh = {.msg_iov = &iov, .msg_iovlen = 1};
	struct cmsghdr *cm;

	iov.iov_len = proto_build_request(m, buf, sizeof(buf));
	if (fd >= 0) {
		memset(&c, 0, sizeof(c));
		mh.msg_control = c.buf;
		mh.msg_controllen = sizeof(c.buf);
		cm = CMSG_FIRSTHDR(&mh);
		cm->cmsg_level = SOL_SOCKET;
		cm->cmsg_type = SCM_RIGHTS;
		cm->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(cm), &fd, sizeof(int));
	}
	while (sendmsg(s, &mh, MSG_NOSIGNAL) < 0)
		if (errno != EINTR)
			return -1;
	return 0;
}

/* The fds that came: the first to |*got|, what nobody wants is closed. */
static void take_fds(struct msghdr *mh, int *got)
{
	struct cmsghdr *cm;
	size_t n;
	int fd;

	for (cm = CMSG_FIRSTHDR(mh); cm; cm = CMSG_NXTHDR(mh, cm)) {
		if (cm->cmsg_level != SOL_SOCKET || cm->cmsg_type != SCM_RIGHTS)
			continue;
		n = (cm->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		for (size_t i = 0; i < n; i++) {
			memcpy(&fd, CMSG_DATA(cm) + i * sizeof(int),
			       sizeof(int));
			if (got && *got < 0)
				*got = fd;
			else
				close(fd);
		}
	}
}

static int recv_reply(int s, struct proto_msg *m, int *got, bool cloexec)
{
	uint8_t buf[PROTO_MAX];
	union control c;
	struct iovec iov = {.iov_base = buf, .iov_len = sizeof(buf)};
	struct msghdr mh = {.msg_iov = &iov,
			    .msg_iovlen = 1,
			    .msg_control = c.buf,
			    .msg_controllen = sizeof(c.buf)};
	uint16_t op = m->op;
	ssize_t n;

	do
		n = recvmsg(s, &mh, cloexec ? MSG_CMSG_CLOEXEC : 0);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return -1;
	take_fds(&mh, got);
	/* 0 octets: the daemon hung up, at its limits or at its end. */
	if (n == 0) {
		errno = ECONNREFUSED;
		return -1;
	}
	switch (proto_parse_reply(m, buf, (size_t)n)) {
	case PROTO_OK:
		break;
	case PROTO_OTHER:
		errno = EPROTONOSUPPORT;
		return -1;
	case PROTO_GARBAGE:
	case PROTO_BAD_TLV:
		errno = EPROTO;
		return -1;
	}
	if (m->err) {
		errno = m->err;
		return -1;
	}
	if (m->op != op || (got && *got < 0)) {
		errno = mh.msg_flags & MSG_CTRUNC ? EMFILE : EPROTO;
		return -1;
	}
	return 0;
}

int app_call(struct proto_msg *m, int fd, int *got, bool cloexec)
{
	int s = dial(), r, saved;

	if (got)
		*got = -1;
	if (s < 0)
		return -1;
	r = send_request(s, m, fd);
	if (r == 0)
		r = recv_reply(s, m, got, cloexec);
	saved = errno;
	close(s);
	if (r < 0 && got && *got >= 0) {
		close(*got);
		*got = -1;
	}
	errno = saved;
	return r;
}
