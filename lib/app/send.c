/* SPDX-License-Identifier: MIT */
/*
 * send.c - tcpd_app_send(): the flags of send(2) that no fd carries.
 *
 * Octets with MSG_MORE or MSG_EOR go to the daemon in requests.  Where it has
 * no room for them they are written to the fd, so that its writability and its
 * blocking are the back-pressure, and the daemon knows their place there.
 * What the end of a connection looks like is the kernel's to tell: send(2).
 */
#include "tcpd_app.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>

#include "app/app.h"

#define OURS	 (MSG_MORE | MSG_EOR)
#define KERNELS	 (MSG_NOSIGNAL | MSG_DONTWAIT | MSG_OOB)
#define SEND_MAX 0x7ffff000u /* as the kernel has it */

struct sending {
	int fd;
	const uint8_t *p;
	size_t len, done;
	int kflags;	/* for send(2) */
	uint32_t flags; /* for the daemon */
	bool waits;
};

/* The next |n| octets: how many of them it took, or -1 and errno. */
static ssize_t ask(const struct sending *s, size_t n, uint32_t flags)
{
	struct proto_msg m = {.op = PROTO_SEND,
			      .has = PROTO_HAS(PROTO_TLV_FLAGS) |
				     PROTO_HAS(PROTO_TLV_LENGTH) |
				     PROTO_HAS(PROTO_TLV_DATA),
			      .flags = flags,
			      .length = n ? (uint32_t)(s->len - s->done) : 0,
			      .ndata = (uint16_t)n};

	memcpy(m.data, s->p + s->done, n);
	if (app_call(&m, s->fd, NULL, false) < 0)
		return -1;
	if (m.length > n) {
		errno = EPROTO;
		return -1;
	}
	return (ssize_t)m.length;
}

static bool is_hung_up(int fd)
{
	struct pollfd p = {.fd = fd};

	return poll(&p, 1, 0) == 1 && p.revents & (POLLHUP | POLLERR);
}

/* The daemon has taken none and says why, or cannot be asked. */
static ssize_t none_taken(const struct sending *s)
{
	int err = errno;

	if (s->done)
		return (ssize_t)s->done;
	if (err == EPIPE || is_hung_up(s->fd))
		return send(s->fd, s->p, s->len, s->kflags);
	errno = err == ENOSYS ? EOPNOTSUPP : err;
	return -1;
}

/* The rest, whose place in the fd is marked. */
static ssize_t write_marked(const struct sending *s)
{
	size_t left = s->len - s->done;
	int saved;
	ssize_t n = send(s->fd, s->p + s->done, left,
			 s->kflags | (s->done ? MSG_NOSIGNAL : 0));

	if (n == (ssize_t)left)
		return (ssize_t)s->len;
	saved = errno;
	(void)ask(s, 0, 0); /* the mark is on octets that do not come */
	errno = saved;
	if (n < 0 && s->done == 0)
		return -1;
	return (ssize_t)s->done + (n > 0 ? n : 0);
}

static ssize_t send_flagged(struct sending *s)
{
	while (s->done < s->len) {
		size_t left = s->len - s->done;
		size_t part = left < PROTO_DATA_MAX ? left : PROTO_DATA_MAX;
		bool mark = s->waits || s->done == 0;
		ssize_t n =
			ask(s, part, s->flags | (mark ? PROTO_SEND_MARK : 0));

		if (n < 0)
			return none_taken(s);
		if (n == 0)
			return mark ? write_marked(s) : (ssize_t)s->done;
		s->done += (size_t)n;
		if ((size_t)n < part && !s->waits)
			break;
	}
	return (ssize_t)s->done;
}

ssize_t tcpd_app_send(int fd, const void *buf, size_t len, int flags)
{
	struct sending s = {.fd = fd,
			    .p = buf,
			    .len = len < SEND_MAX ? len : SEND_MAX,
			    .kflags = flags & KERNELS};
	struct name n;
	int mode;

	if (flags & ~(OURS | KERNELS) || (flags & OURS && flags & MSG_OOB)) {
		errno = EOPNOTSUPP;
		return -1;
	}
	if (app_name(fd, &n) < 0)
		return -1;
	if (!(flags & OURS) || len == 0)
		return send(fd, buf, len, s.kflags);
	/* No octets: but after our own shutdown, EPIPE. */
	mode = fcntl(fd, F_GETFL);
	if (mode < 0 || send(fd, buf, 0, s.kflags) < 0)
		return -1;
	s.waits = !(mode & O_NONBLOCK) && !(flags & MSG_DONTWAIT);
	if (flags & MSG_MORE)
		s.flags |= PROTO_SEND_MORE;
	if (flags & MSG_EOR)
		s.flags |= PROTO_SEND_EOR;
	return send_flagged(&s);
}
