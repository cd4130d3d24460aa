/* SPDX-License-Identifier: MIT */
/*
 * ctl.c - ctl.sock: clients, their octets and their limits.
 *
 * Nothing here blocks, and nothing a client sends or does not read costs more
 * than its own buffers: a request is at most CTL_LINE_MAX octets, a long
 * answer is made while it is read, events that a reader is too slow for are
 * counted.  File descriptors sent along are never received (recv() without
 * room for them), so none can be lost.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "ctl.h"
#include "report.h"

#define REQUEST_TIME 10.0 /* s for the whole line */
#define REPLY_TIME   60.0 /* s without an octet taken */
#define PAUSE_TIME   0.1  /* s, when there are no fds left */
#define ACCEPT_MAX   32	  /* a turn */

static void client_io(struct ev_loop *loop, ev_io *w, int revents);
static void client_late(struct ev_loop *loop, ev_timer *w, int revents);

/* ------------------------------------------------------------- clients */

static void watch(struct ctl_client *c, int events)
{
	struct ev_loop *loop = c->ctl->d->loop;

	if (ev_is_active(&c->io) &&
	    (c->io.events & (EV_READ | EV_WRITE)) == events)
		return;
	ev_io_stop(loop, &c->io);
	if (!events)
		return;
	ev_io_set(&c->io, c->fd, events);
	ev_io_start(loop, &c->io);
}

static void patience(struct ctl_client *c, double seconds)
{
	c->patience.repeat = seconds;
	ev_timer_again(c->ctl->d->loop, &c->patience);
}

static void client_new(struct ctl *ctl, int fd, uid_t uid)
{
	struct ctl_client *c = calloc(1, sizeof(*c));

	if (!c) {
		close(fd);
		return;
	}
	c->ctl = ctl;
	c->fd = fd;
	c->uid = uid;
	c->next = ctl->clients;
	if (c->next)
		c->next->prev = c;
	ctl->clients = c;
	ctl->nclients++;
	ev_io_init(&c->io, client_io, fd, EV_READ);
	ev_timer_init(&c->patience, client_late, 0., 0.);
	watch(c, EV_READ);
	patience(c, REQUEST_TIME);
}

void ctl_close(struct ctl_client *c)
{
	struct ctl *ctl = c->ctl;

	if (c->capture) {
		/* its writer may be waiting for this very reader */
		(void)shutdown(c->fd, SHUT_RDWR);
		ctl_capture_stop(c);
	}
	if (c->mode == CTL_EVENTS)
		ctl->nevents--;
	if (c->half_closed)
		(void)epoll_ctl(ctl->hup_fd, EPOLL_CTL_DEL, c->fd, NULL);
	ev_io_stop(ctl->d->loop, &c->io);
	ev_timer_stop(ctl->d->loop, &c->patience);
	if (c->job)
		c->job_free(c->job);
	text_free(&c->out);
	close(c->fd);
	if (c->prev)
		c->prev->next = c->next;
	else
		ctl->clients = c->next;
	if (c->next)
		c->next->prev = c->prev;
	ctl->nclients--;
	free(c);
}

void ctl_refuse(struct ctl_client *c, const char *fmt, ...)
{
	char words[1024];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(words, sizeof(words), fmt, ap);
	va_end(ap);
	/* one line, whatever the request held */
	for (char *p = words; *p; p++)
		if (*p < ' ' || *p > '~')
			*p = '?';
	c->out.len = 0;
	if (c->json)
		report_json(&c->out, json_pack("{s:s}", "error", words));
	else
		text_add(&c->out, "error: %s\n", words);
}

/* -------------------------------------------------------------- output */

/* Send what waits: false: the client is gone. */
static bool send_out(struct ctl_client *c)
{
	size_t done = 0;
	ssize_t n;

	while (done < c->out.len) {
		n = send(c->fd, c->out.p + done, c->out.len - done,
			 MSG_DONTWAIT | MSG_NOSIGNAL);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno != EAGAIN)
			return false;
		if (n < 0)
			break;
		done += (size_t)n;
		if (c->mode == CTL_REPLYING)
			patience(c, REPLY_TIME);
	}
	text_drop(&c->out, done);
	return true;
}

/* What a client leaves unread in our direction would turn our close into
 * ECONNRESET on its side. */
static void drain(struct ctl_client *c)
{
	char junk[4096];

	for (int i = 0; i < 64; i++)
		if (recv(c->fd, junk, sizeof(junk), MSG_DONTWAIT) <= 0)
			break;
}

/* Go on with an answer, by one piece a turn of the loop: packets come first.
 * Its client may be closed afterwards. */
static void reply(struct ctl_client *c)
{
	if (c->out.len == 0 && c->more && !c->more(c))
		c->more = NULL;
	if (!send_out(c)) {
		ctl_close(c);
	} else if (c->out.len == 0 && (!c->more || c->out.failed)) {
		drain(c);
		ctl_close(c);
	} else {
		watch(c, EV_WRITE);
	}
}

void ctl_wake(struct ctl_client *c)
{
	watch(c, EV_WRITE | (c->half_closed ? 0 : EV_READ));
}

/* --------------------------------------------------------------- input */

/* The whole line is there, or no more of it will come. */
static void request(struct ctl_client *c)
{
	char *end = memchr(c->in, '\n', c->nin);
	size_t len = end ? (size_t)(end - c->in) : c->nin;

	c->mode = CTL_REPLYING;
	patience(c, REPLY_TIME);
	c->in[len] = '\0';
	if (len > CTL_LINE_MAX - 1)
		ctl_refuse(c, "a request of more than %d octets",
			   CTL_LINE_MAX - 1);
	else if (strlen(c->in) != len)
		ctl_refuse(c, "a request with a NUL octet");
	else
		ctl_run(c);
	if (c->mode == CTL_REPLYING) {
		reply(c);
		return;
	}
	ev_timer_stop(c->ctl->d->loop, &c->patience);
	if (c->mode == CTL_CAPTURE && end && end + 1 < c->in + c->nin)
		ctl_capture_end(c);
	else
		watch(c, EV_READ);
}

/* End of file from a reader of events or of a capture: it may have shut down
 * its side only (`echo events -f | socat ...`).  Then its end shows as HUP,
 * which libev cannot wait for without also waking for the end of file. */
static void stream_eof(struct ctl_client *c)
{
	struct pollfd p = {.fd = c->fd};
	struct epoll_event ev = {.events = 0, .data.ptr = c};

	if ((poll(&p, 1, 0) > 0 && (p.revents & POLLHUP)) ||
	    epoll_ctl(c->ctl->hup_fd, EPOLL_CTL_ADD, c->fd, &ev) < 0) {
		ctl_close(c);
		return;
	}
	c->half_closed = true;
	watch(c, c->mode == CTL_EVENTS && c->out.len ? EV_WRITE : 0);
}

static void read_in(struct ctl_client *c)
{
	char junk[512];
	bool asked = c->mode != CTL_READING;
	ssize_t n;

	n = asked ? recv(c->fd, junk, sizeof(junk), MSG_DONTWAIT)
		  : recv(c->fd, c->in + c->nin, CTL_LINE_MAX - c->nin,
			 MSG_DONTWAIT);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n < 0) {
		ctl_close(c);
	} else if (asked) {
		if (n == 0)
			stream_eof(c);
		else if (c->mode == CTL_CAPTURE)
			ctl_capture_end(c);
	} else if (n == 0) {
		if (c->nin == 0)
			ctl_close(c);
		else
			request(c);
	} else {
		char *from = c->in + c->nin;

		c->nin += (size_t)n;
		if (memchr(from, '\n', (size_t)n) || c->nin == CTL_LINE_MAX)
			request(c);
	}
}

static void client_io(struct ev_loop *loop, ev_io *w, int revents)
{
	struct ctl_client *c =
		(struct ctl_client *)((char *)w -
				      offsetof(struct ctl_client, io));

	(void)loop;
	if (c->mode == CTL_REPLYING) {
		reply(c);
		return;
	}
	if (revents & EV_WRITE) {
		if (!send_out(c)) {
			ctl_close(c);
			return;
		}
		if (c->mode == CTL_EVENTS)
			ctl_events_taken(c);
		if (c->out.len == 0)
			watch(c, c->half_closed ? 0 : EV_READ);
	}
	if (revents & EV_READ)
		read_in(c);
}

static void client_late(struct ev_loop *loop, ev_timer *w, int revents)
{
	struct ctl_client *c =
		(struct ctl_client *)((char *)w -
				      offsetof(struct ctl_client, patience));

	(void)loop;
	(void)revents;
	ctl_close(c);
}

static void hang_ups(struct ev_loop *loop, ev_io *w, int revents)
{
	struct ctl *ctl = w->data;
	struct epoll_event ev;

	(void)loop;
	(void)revents;
	/* one a turn: closing it may not touch another one's event */
	if (epoll_wait(ctl->hup_fd, &ev, 1, 0) == 1)
		ctl_close(ev.data.ptr);
}

/* -------------------------------------------------------------- accept */

static void refuse_fd(int fd, const char *words)
{
	char line[128];
	int n = snprintf(line, sizeof(line), "error: %s\n", words);

	(void)!send(fd, line, (size_t)n, MSG_DONTWAIT | MSG_NOSIGNAL);
	close(fd);
}

static void welcome(struct ctl *ctl, int fd)
{
	struct ucred cred;
	socklen_t len = sizeof(cred);
	unsigned same = 0;

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) < 0) {
		close(fd);
		return;
	}
	for (struct ctl_client *c = ctl->clients; c; c = c->next)
		same += c->uid == cred.uid;
	if (same >= CTL_MAX_PER_UID)
		refuse_fd(fd, "too many clients of this user");
	else if (ctl->nclients >= CTL_MAX_CLIENTS)
		refuse_fd(fd, "too many clients");
	else
		client_new(ctl, fd, cred.uid);
}

/* No fd is left: with the reserved one take the client and send it away, and
 * look again later instead of being woken all the time. */
static void no_fds(struct ctl *ctl)
{
	int fd;

	log_seldom(&ctl->log_limit, CONF_LOG_WARN,
		   "ctl.sock: no file descriptor left for a client");
	if (ctl->reserve_fd >= 0) {
		close(ctl->reserve_fd);
		fd = accept4(ctl->fd, NULL, NULL, SOCK_CLOEXEC);
		if (fd >= 0)
			refuse_fd(fd, "no file descriptor left");
		ctl->reserve_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	}
	ev_io_stop(ctl->d->loop, &ctl->io);
	ev_timer_set(&ctl->pause, PAUSE_TIME, 0.);
	ev_timer_start(ctl->d->loop, &ctl->pause);
}

static void on_accept(struct ev_loop *loop, ev_io *w, int revents)
{
	struct ctl *ctl = w->data;

	(void)loop;
	(void)revents;
	for (int i = 0; i < ACCEPT_MAX; i++) {
		int fd = accept4(ctl->fd, NULL, NULL, SOCK_CLOEXEC);

		if (fd >= 0) {
			welcome(ctl, fd);
			continue;
		}
		if (errno == EINTR || errno == ECONNABORTED)
			continue;
		if (errno == EMFILE || errno == ENFILE || errno == ENOMEM ||
		    errno == ENOBUFS)
			no_fds(ctl);
		break;
	}
}

static void pause_over(struct ev_loop *loop, ev_timer *w, int revents)
{
	struct ctl *ctl = w->data;

	(void)revents;
	if (ctl->reserve_fd < 0)
		ctl->reserve_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	ev_io_start(loop, &ctl->io);
}

/* ------------------------------------------------------- start and stop */

/* A socket file that nobody serves is left over: a live one is not ours. */
static int claim(const struct sockaddr_un *a, char *err, size_t nerr)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	struct stat st;
	int rc;

	if (fd < 0) {
		(void)snprintf(err, nerr, "socket: %s", strerror(errno));
		return -1;
	}
	rc = connect(fd, (const struct sockaddr *)a, sizeof(*a));
	if (rc == 0 || errno == EAGAIN) {
		(void)snprintf(err, nerr,
			       "%s: another tcpd serves it, expected a run-dir "
			       "of its own",
			       a->sun_path);
		close(fd);
		return -1;
	}
	close(fd);
	if (lstat(a->sun_path, &st) == 0 && S_ISSOCK(st.st_mode))
		(void)unlink(a->sun_path);
	return 0;
}

static int listen_at(struct ctl *ctl, char *err, size_t nerr)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	struct daemon *d = ctl->d;
	mode_t mask;
	int rc;

	if (strlen(ctl->path) >= sizeof(a.sun_path)) {
		(void)snprintf(err, nerr, "%s: expected at most %zu octets",
			       ctl->path, sizeof(a.sun_path) - 1);
		return -1;
	}
	memcpy(a.sun_path, ctl->path, strlen(ctl->path) + 1);
	if (claim(&a, err, nerr) < 0)
		return -1;
	ctl->fd =
		socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	mask = umask(0777 & ~0600);
	rc = bind(ctl->fd, (struct sockaddr *)&a, sizeof(a));
	umask(mask);
	if (rc < 0) {
		(void)snprintf(err, nerr, "%s: bind: %s", ctl->path,
			       strerror(errno));
		return -1;
	}
	/* who is not root cannot give it to another user, and is that user */
	if ((chown(ctl->path, d->uid, d->gid) < 0 && geteuid() == 0) ||
	    chmod(ctl->path, 0660) < 0 || listen(ctl->fd, 128) < 0) {
		(void)snprintf(err, nerr, "%s: %s", ctl->path, strerror(errno));
		return -1;
	}
	return 0;
}

int ctl_start(struct daemon *d, char *err, size_t nerr)
{
	struct ctl *ctl = calloc(1, sizeof(*ctl));

	if (!ctl) {
		(void)snprintf(err, nerr, "ctl.sock: out of memory");
		return -1;
	}
	d->ctl = ctl;
	ctl->d = d;
	ctl->fd = ctl->hup_fd = -1;
	ev_init(&ctl->io, on_accept);
	ev_init(&ctl->hup_io, hang_ups);
	ev_init(&ctl->pause, pause_over);
	ctl->io.data = ctl->hup_io.data = ctl->pause.data = ctl;
	(void)snprintf(ctl->path, sizeof(ctl->path), "%s/ctl.sock",
		       d->conf->run_dir);
	ctl->reserve_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	ctl->hup_fd = epoll_create1(EPOLL_CLOEXEC);
	if (ctl->hup_fd < 0 || ctl->reserve_fd < 0) {
		(void)snprintf(err, nerr, "ctl.sock: %s", strerror(errno));
		ctl_stop(d);
		return -1;
	}
	if (listen_at(ctl, err, nerr) < 0) {
		ctl->path[0] = '\0'; /* not ours to remove */
		ctl_stop(d);
		return -1;
	}
	ev_io_set(&ctl->io, ctl->fd, EV_READ);
	ev_io_start(d->loop, &ctl->io);
	ev_io_set(&ctl->hup_io, ctl->hup_fd, EV_READ);
	ev_io_start(d->loop, &ctl->hup_io);
	return 0;
}

void ctl_stop(struct daemon *d)
{
	struct ctl *ctl = d->ctl;

	if (!ctl)
		return;
	for (struct ctl_client *c = ctl->clients, *next; c; c = next) {
		next = c->next;
		(void)send_out(c);
		ctl_close(c);
	}
	ev_io_stop(d->loop, &ctl->io);
	ev_io_stop(d->loop, &ctl->hup_io);
	ev_timer_stop(d->loop, &ctl->pause);
	if (ctl->fd >= 0)
		close(ctl->fd);
	if (ctl->hup_fd >= 0)
		close(ctl->hup_fd);
	if (ctl->reserve_fd >= 0)
		close(ctl->reserve_fd);
	if (ctl->path[0])
		(void)unlink(ctl->path);
	d->ctl = NULL;
	free(ctl);
}
