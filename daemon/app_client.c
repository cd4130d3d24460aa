/* SPDX-License-Identifier: MIT */
/*
 * app_client.c - app.sock: who connects, what they send, and the limits.
 *
 * A client is never trusted: a message that is none closes that client, its
 * fds are closed, and nobody else notices.  What a message asks for is done
 * in app_req.c.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "bridge.h"

#define ACCEPTS	   64 /* a turn */
#define MESSAGES   16 /* of one client a turn */
#define PAUSE_TIME 0.1
#define MAX_FDS	   4 /* room for control messages; more are cut off */

/* --- one client */

void app_client_free(struct app *a, struct app_client *c)
{
	struct app_user *u = c->user;

	close(c->fd); /* leaves the epoll set by itself */
	u->nclients--;
	app_user_put(a, u);
	slab_give(&a->clients, slab_slot(&a->clients, c));
}

struct message {
	uint8_t buf[PROTO_MAX + 1];
	ssize_t len;
	int fd[MAX_FDS];
	unsigned nfds;
	bool cut; /* more fds, or octets, than a message may have */
};

static void take_fds(struct message *m, struct msghdr *mh)
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
			if (m->nfds < MAX_FDS)
				m->fd[m->nfds++] = fd;
			else
				close(fd);
		}
	}
}

static void receive(int s, struct message *m)
{
	union {
		struct cmsghdr align;
		char buf[CMSG_SPACE(MAX_FDS * sizeof(int))];
	} c;
	struct iovec iov = {.iov_base = m->buf, .iov_len = sizeof(m->buf)};
	struct msghdr mh = {.msg_iov = &iov,
			    .msg_iovlen = 1,
			    .msg_control = c.buf,
			    .msg_controllen = sizeof(c.buf)};

	m->nfds = 0;
	m->cut = false;
	m->len = recvmsg(s, &mh, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	if (m->len < 0)
		return;
	take_fds(m, &mh);
	m->cut = (mh.msg_flags & (MSG_CTRUNC | MSG_TRUNC)) != 0;
}

static bool reply(int s, const struct proto_msg *m, int fd)
{
	uint8_t buf[PROTO_MAX];
	union {
		struct cmsghdr align;
		char buf[CMSG_SPACE(sizeof(int))];
	} c = {.buf = {0}};
	struct iovec iov = {.iov_base = buf};
	struct msghdr mh = {.msg_iov = &iov, .msg_iovlen = 1};
	struct cmsghdr *cm;

	iov.iov_len = proto_build_reply(m, buf, sizeof(buf));
	if (fd >= 0) {
		mh.msg_control = c.buf;
		mh.msg_controllen = sizeof(c.buf);
		cm = CMSG_FIRSTHDR(&mh);
		cm->cmsg_level = SOL_SOCKET;
		cm->cmsg_type = SCM_RIGHTS;
		cm->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(cm), &fd, sizeof(int));
	}
	return sendmsg(s, &mh, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0;
}

/* What was asked, and its reply: false, this is no client of ours. */
static bool serve(struct app *a, const struct app_client *c,
		  const struct message *in)
{
	struct proto_msg m;
	int fd = -1;
	bool ok;

	if (in->cut || in->nfds > 1)
		return false;
	switch (proto_parse_request(&m, in->buf, (size_t)in->len)) {
	case PROTO_GARBAGE:
		return false;
	case PROTO_OTHER:
		m.has = 0;
		m.err = EPROTONOSUPPORT;
		break;
	case PROTO_BAD_TLV:
		m.has = 0;
		m.err = EBADMSG;
		break;
	case PROTO_OK:
		app_request(a, c, &m, in->nfds ? in->fd[0] : -1, &fd);
		break;
	}
	ok = reply(c->fd, &m, fd);
	if (fd >= 0)
		close(fd);
	return ok;
}

void app_client_event(struct app *a, struct app_client *c)
{
	static struct message in;
	bool ok;

	for (int i = 0; i < MESSAGES; i++) {
		receive(c->fd, &in);
		if (in.len < 0 && errno == EAGAIN)
			return;
		ok = in.len > 0 && serve(a, c, &in);
		for (unsigned k = 0; k < in.nfds; k++)
			close(in.fd[k]);
		if (!ok) {
			app_client_free(a, c);
			return;
		}
	}
}

/* --- the socket */

static void admit(struct app *a, int fd)
{
	struct ucred cred = {0};
	socklen_t len = sizeof(cred);
	uint32_t slot;
	struct app_client *c;
	struct app_user *u;

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) < 0) {
		close(fd);
		return;
	}
	u = app_user_get(a, cred.uid);
	slot = u->nclients < APP_USER_CLIENTS || app_is_privileged(a, cred.uid)
		       ? slab_take(&a->clients)
		       : SLAB_NONE;
	if (slot == SLAB_NONE) {
		app_user_put(a, u);
		close(fd);
		return;
	}
	c = slab_at(&a->clients, slot);
	*c = (struct app_client){.fd = fd,
				 .uid = cred.uid,
				 .gid = cred.gid,
				 .pid = cred.pid,
				 .user = u};
	u->nclients++;
	/* Its request is often there already, and so is its only one. */
	if (app_watch(a, fd, app_tag_client(a, c), EPOLLIN) < 0)
		app_client_free(a, c);
	else
		app_client_event(a, c);
}

/* No fd is left: with the reserved one take the client and send it away, and
 * let the others wait; accept() would fail over and over. */
static void out_of_fds(struct app *a)
{
	int fd;

	if (a->reserve_fd >= 0) {
		close(a->reserve_fd);
		fd = accept4(a->sock, NULL, NULL, SOCK_CLOEXEC);
		if (fd >= 0)
			close(fd);
		a->reserve_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	}
	ev_io_stop(a->d->loop, &a->sock_io);
	ev_timer_set(&a->pause, PAUSE_TIME, 0.);
	ev_timer_start(a->d->loop, &a->pause);
}

static void on_sock(struct ev_loop *loop, ev_io *w, int revents)
{
	struct app *a = w->data;
	int fd;

	(void)loop;
	(void)revents;
	for (int i = 0; i < ACCEPTS; i++) {
		fd = accept4(a->sock, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
		if (fd >= 0) {
			/* Who closes a listener and binds its port again means
			 * it in this order. */
			app_settle(a);
			admit(a, fd);
			continue;
		}
		if (errno == EMFILE || errno == ENFILE || errno == ENOMEM ||
		    errno == ENOBUFS)
			out_of_fds(a);
		if (errno != ECONNABORTED && errno != EINTR)
			break;
	}
	daemon_kick(a->d);
}

static void on_pause(struct ev_loop *loop, ev_timer *w, int revents)
{
	struct app *a = w->data;

	(void)revents;
	if (a->reserve_fd < 0)
		a->reserve_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	ev_io_start(loop, &a->sock_io);
}

int app_listen(struct app *a, char *err, size_t nerr)
{
	struct sockaddr_un sun = {.sun_family = AF_UNIX};
	int n = snprintf(a->path, sizeof(a->path), "%s/app.sock",
			 a->d->conf->run_dir);

	if (n < 0 || (size_t)n >= sizeof(sun.sun_path)) {
		(void)snprintf(
			err, nerr,
			"run-dir: %s: expected a path of at most %zu octets",
			a->path, sizeof(sun.sun_path) - 1);
		a->path[0] = '\0';
		return -1;
	}
	memcpy(sun.sun_path, a->path, (size_t)n);
	a->reserve_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	a->sock = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK,
			 0);
	/* Everybody may ask: the allow rules decide. */
	if (a->sock < 0 ||
	    bind(a->sock, (struct sockaddr *)&sun, sizeof(sun)) < 0 ||
	    chmod(a->path, 0666) < 0 || listen(a->sock, SOMAXCONN) < 0) {
		(void)snprintf(err, nerr, "%s: %s", a->path, strerror(errno));
		if (a->sock >= 0)
			close(a->sock);
		if (a->reserve_fd >= 0)
			close(a->reserve_fd);
		return -1;
	}
	ev_io_init(&a->sock_io, on_sock, a->sock, EV_READ);
	ev_timer_init(&a->pause, on_pause, 0., 0.);
	a->sock_io.data = a->pause.data = a;
	ev_io_start(a->d->loop, &a->sock_io);
	return 0;
}

void app_sock_stop(struct app *a)
{
	ev_io_stop(a->d->loop, &a->sock_io);
	ev_timer_stop(a->d->loop, &a->pause);
	close(a->sock);
	if (a->reserve_fd >= 0)
		close(a->reserve_fd);
	unlink(a->path);
}
