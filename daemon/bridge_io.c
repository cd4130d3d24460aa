/* SPDX-License-Identifier: MIT */
/*
 * bridge_io.c - octets between an app's fd and the stack, without a copy of
 * their own: read straight into the send queue's rooms, written straight from
 * the receive queue's slices.
 *
 * The lag octet.  The daemon's receive queue must never be empty, so that its
 * close (or death) reaches the app as ECONNRESET.  So the last octet there (or
 * all of a few) is only peeked at: it has gone to the stack, and it is the
 * "lag" at the head of the queue when more comes.  At hand-over it is a
 * sentinel; while a connect runs it is all of the filler.
 *
 * Urgent data.  AF_UNIX has a mark, too: of the octet that an app sends with
 * MSG_OOB reads stop short, and with that octet the stack is told that what is
 * queued is urgent.  The other way the last urgent octet is sent with MSG_OOB.
 * Only where one is in the queue (EPOLLPRI, or a read that stopped) is asked
 * whether the mark is reached.
 */
#include <errno.h>
#include <linux/sockios.h>
#include <poll.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "base/clamp.h"
#include "bridge.h"

#define NROOMS	  8
#define NSLICES	  16
#define LIMIT_MIN (2u * 65536) /* two super-segments */
#define LIMIT_MAX (4u * 1024 * 1024)
#define FILLER	  65536
#define FILLS_MAX 128
/* As much as this, and so often, is looked at again with what comes next. */
#define PEEK_MAX  2048u
#define PEEKS	  8u

static char scratch[FILLER];

uint32_t bridge_inq(const struct bridge *b)
{
	int n = 0;

	if (ioctl(b->fd, FIONREAD, &n) < 0 || n < 0)
		return 0;
	return (uint32_t)n;
}

/* How many octets may wait unsent before the app has to. */
static uint32_t unsent_limit(const struct bridge *b)
{
	return b->lowat ? b->lowat : clamp_u32(b->rate, LIMIT_MIN, LIMIT_MAX);
}

/* What a millisecond moves; at most once in one is it looked at. */
static void measure_rate(struct bridge *b)
{
	struct daemon *d = b->app->d;
	struct tcpd_status s;

	if (d->now < b->rate_at + TCPD_MS(1))
		return;
	if (tcpd_status(d->st, b->h, &s, d->now) < 0)
		return;
	b->rate = clamp_u32(sub_sat(s.octets_acked, b->rate_acked) *
				    TCPD_MS(1) / (d->now - b->rate_at),
			    0, LIMIT_MAX);
	b->rate_acked = s.octets_acked;
	b->rate_at = d->now;
}

/* Fill |iov| with what stands before |n| octets: the lag, then the rooms. */
static int gather(const struct bridge *b, const struct tcpd_room *room, int nr,
		  size_t n, struct iovec *iov)
{
	int niov = 0;

	if (b->lag) {
		iov[niov].iov_base = scratch;
		iov[niov++].iov_len = b->lag;
	}
	for (int i = 0; i < nr && n; i++) {
		size_t part = min_u64(room[i].len, n);

		iov[niov].iov_base = room[i].p;
		iov[niov++].iov_len = part;
		n -= part;
	}
	return niov;
}

static uint8_t *room_at(const struct tcpd_room *room, size_t n)
{
	for (;; room++) {
		if (n < room->len)
			return room->p + n;
		n -= room->len;
	}
}

struct taken {
	uint32_t n; /* new octets in the rooms */
	bool rights, stuck;
};

/* One recvmsg: the octets, -1: none (errno). */
static ssize_t receive(struct bridge *b, struct iovec *iov, int niov, int flags,
		       bool *rights)
{
	struct msghdr mh = {.msg_iov = iov, .msg_iovlen = (size_t)niov};
	ssize_t r = recvmsg(b->fd, &mh, flags | MSG_DONTWAIT);

	if (r < 0 && errno == ECONNRESET)
		b->reset = true;
	/* Without room for control messages an fd that came is dropped by the
	 * kernel, and this flag tells. */
	if (r >= 0 && mh.msg_flags & MSG_CTRUNC)
		*rights = true;
	return r;
}

/* With nothing before it: is an urgent octet next? */
static bool at_mark(const struct bridge *b)
{
	int n = 0;

	return ioctl(b->fd, SIOCATMARK, &n) == 0 && n == 1;
}

/*
 * |want| octets behind the lag into the rooms, the last of them only peeked
 * at where |peek| says so; where they are few, all of them, which spares a
 * call.  A short read (an urgent octet, a boundary of the kernel's own) is
 * normal.  The last two are looked at together, so that an urgent one that has
 * come since the events were asked for makes that short, too.
 */
static struct taken take(struct bridge *b, const struct tcpd_room *room, int nr,
			 uint32_t want, bool peek)
{
	struct iovec iov[NROOMS + 1], last[2];
	struct taken t = {0};
	uint32_t keep = peek ? min_u32(want, 2) : 0;
	size_t len = b->lag + want - keep;
	ssize_t r;

	if (peek && b->npeeks < PEEKS && b->lag + want <= PEEK_MAX) {
		r = receive(b, iov, gather(b, room, nr, want, iov), MSG_PEEK,
			    &t.rights);
		b->pri |= r >= 0 && (size_t)r < b->lag + want;
		if (r > (ssize_t)b->lag) {
			t.n = (uint32_t)r - b->lag;
			b->lag = (uint32_t)r;
			b->npeeks++;
			return t;
		}
	}
	b->npeeks = 0;
	if (len) {
		r = receive(b, iov, gather(b, room, nr, want - keep, iov), 0,
			    &t.rights);
		if (r < (ssize_t)b->lag || r <= 0) {
			t.stuck = true;
			return t;
		}
		t.n = (uint32_t)r - b->lag;
		b->lag = 0;
		b->pri |= (size_t)r < len;
		if ((size_t)r < len)
			return t;
	}
	/* at the mark a read would go on */
	if (!peek || (b->pri && len && at_mark(b)))
		return t;
	for (uint32_t i = 0; i < keep; i++)
		last[i] = (struct iovec){room_at(room, t.n + i), 1};
	r = receive(b, last, (int)keep, MSG_PEEK, &t.rights);
	if (r > 0) {
		b->pri |= (size_t)r < keep;
		b->lag = (uint32_t)r;
		t.n += (uint32_t)r;
	} else {
		t.stuck = t.n == 0;
	}
	return t;
}

/* The stack takes no more from this app: its writes fail with EPIPE. */
static void refuse_writes(struct bridge *b)
{
	shutdown(b->fd, SHUT_RD);
	b->eof_in = true;
}

/* The lag is taken, for the mark is only known of what is at the head. */
static bool next_is_urgent(struct bridge *b)
{
	bridge_take_lag(b, 0);
	return b->lag == 0 && at_mark(b);
}

/* At most |want| new octets, |fresh| are there. */
static enum bridge_flow pump(struct bridge *b, uint32_t fresh, uint32_t want,
			     uint32_t *got)
{
	struct daemon *d = b->app->d;
	struct tcpd_room room[NROOMS];
	struct taken t;
	uint64_t space = 0;
	uint32_t flags;
	bool mark;
	int nr = tcpd_send_room(d->st, b->h, want, room, NROOMS);

	*got = 0;
	if (nr < 0) {
		if (!b->eof_in)
			refuse_writes(b);
		return FLOW_DRAINED;
	}
	for (int i = 0; i < nr; i++)
		space += room[i].len;
	want = bridge_mark_upto(b, (uint32_t)min_u64(want, space));
	if (!want) {
		tcpd_send_filled(d->st, b->h, 0, d->now);
		return FLOW_HELD;
	}
	mark = b->pri && next_is_urgent(b);
	if (mark)
		want = 1;
	/* Once the app has hung up, nobody is left who could see a reset. */
	t = take(b, room, nr, want, want == fresh && !b->hup);
	flags = bridge_mark_pass(b, t.n);
	tcpd_send_filled_as(d->st, b->h, t.rights ? 0 : t.n, flags, d->now);
	if (mark && t.n && !t.rights)
		tcpd_send_urgent(d->st, b->h, d->now);
	if ((mark && t.n) || t.n == fresh)
		b->pri = false;
	*got = t.n;
	if (t.rights)
		return FLOW_RIGHTS;
	/* Nothing could be read though FIONREAD counts something: whatever it
	 * is, an edge comes with the next octet. */
	return t.stuck || t.n == fresh ? FLOW_DRAINED : FLOW_BUDGET;
}

static enum bridge_flow hold(struct bridge *b, uint32_t unsent)
{
	b->held = true;
	tcpd_want_writable(b->app->d->st, b->h, unsent);
	return FLOW_HELD;
}

enum bridge_flow bridge_pump_in(struct bridge *b, uint32_t budget)
{
	struct tcpd_stack *st = b->app->d->st;
	enum bridge_flow flow = FLOW_DRAINED;
	uint32_t q, got, unsent, limit;

	if (b->held)
		return FLOW_HELD;
	while (budget) {
		q = bridge_inq(b);
		if (q <= b->lag)
			return FLOW_DRAINED;
		unsent = tcpd_unsent(st, b->h);
		limit = unsent_limit(b);
		if (unsent >= limit) {
			measure_rate(b);
			limit = unsent_limit(b);
			if (unsent >= limit)
				return hold(b, limit / 2);
		}
		flow = pump(b, q - b->lag, min_u32(q - b->lag, budget), &got);
		if (flow == FLOW_HELD)
			b->held = true; /* WRITABLE comes: the room was short */
		if (flow != FLOW_BUDGET)
			return flow;
		budget -= min_u32(got, budget);
	}
	return FLOW_BUDGET;
}

enum bridge_flow bridge_take_all(struct bridge *b)
{
	uint32_t q = bridge_inq(b), left = q > b->lag ? q - b->lag : 0, got;
	enum bridge_flow flow = FLOW_DRAINED;

	while (left) {
		q = bridge_inq(b);
		if (q <= b->lag)
			break;
		flow = pump(b, q - b->lag, min_u32(q - b->lag, left), &got);
		if (flow != FLOW_BUDGET)
			break;
		left -= min_u32(got, left);
	}
	return flow;
}

/* --- to the app */

static void drop_all(struct bridge *b)
{
	struct daemon *d = b->app->d;
	struct tcpd_slice s[NSLICES];
	int n;

	while ((n = tcpd_recv_peek(d->st, b->h, s, NSLICES)) > 0) {
		size_t len = 0;

		for (int i = 0; i < n; i++)
			len += s[i].len;
		if (!len || tcpd_recv_done(d->st, b->h, len, d->now) < 0)
			break;
	}
}

/* A write failed: has the app gone, or only shut its reading side? */
static void note_failure(struct bridge *b, int error)
{
	struct pollfd p = {.fd = b->fd, .events = POLLRDHUP};

	/* The error has used up EPOLLERR, which is remembered here. */
	if (error == ECONNRESET)
		b->reset = true;
	poll(&p, 1, 0);
	if (p.revents & POLLHUP)
		b->hup = true;
	if (p.revents & POLLERR)
		b->reset = true;
	if (!b->hup)
		b->no_reader = true;
}

/*
 * Of the |n| slices what goes with the next write: up to the end of the peer's
 * urgent data, whose last octet is to be the app's mark (|*oob|).
 */
static int up_to_urgent(struct bridge *b, struct tcpd_slice *s, int n,
			bool *oob)
{
	int64_t left = tcpd_urgent(b->app->d->st, b->h);

	*oob = false;
	b->urgent = left > 0;
	for (int i = 0; b->urgent && i < n; i++) {
		s[i].len = (uint32_t)min_u64(s[i].len, (uint64_t)left);
		left -= s[i].len;
		if (left == 0) {
			*oob = true;
			return i + 1;
		}
	}
	return n;
}

/* One write of what waits: false, there is nothing more to do now. */
static bool push(struct bridge *b, uint8_t *greeting)
{
	struct daemon *d = b->app->d;
	struct tcpd_slice s[NSLICES];
	struct iovec iov[NSLICES + 1];
	struct msghdr mh = {.msg_iov = iov};
	int n = b->h ? tcpd_recv_peek(d->st, b->h, s, NSLICES) : 0;
	bool oob = false;
	size_t len = 0;
	ssize_t r;

	if (b->urgent && n > 0)
		n = up_to_urgent(b, s, n, &oob);
	if (b->greet) {
		iov[mh.msg_iovlen].iov_base = greeting;
		iov[mh.msg_iovlen++].iov_len = 1;
		len++;
	}
	for (int i = 0; i < n; i++) {
		/* sendmsg() does not write to what it sends.
		 * NOLINTNEXTLINE(performance-no-int-to-ptr) */
		iov[mh.msg_iovlen].iov_base = (void *)(uintptr_t)s[i].p;
		iov[mh.msg_iovlen++].iov_len = s[i].len;
		len += s[i].len;
	}
	if (!len)
		return false;
	r = sendmsg(b->fd, &mh,
		    MSG_NOSIGNAL | MSG_DONTWAIT | (oob ? MSG_OOB : 0));
	if (r < 0 && oob && errno == EOPNOTSUPP) /* a kernel without it */
		r = sendmsg(b->fd, &mh, MSG_NOSIGNAL | MSG_DONTWAIT);
	if (r <= 0) {
		if (r < 0 && errno != EAGAIN)
			note_failure(b, errno);
		b->full = r < 0 && errno == EAGAIN;
		return false;
	}
	b->full = (size_t)r < len;
	b->written += (uint64_t)r;
	if (r > (ssize_t)b->greet)
		tcpd_recv_done(d->st, b->h, (size_t)r - b->greet, d->now);
	b->greet = false;
	return !b->full;
}

/*
 * What lies in the app's fd has not been read: a program that reads nothing
 * must not have its receive buffer grow.  The kernel counts it by its memory,
 * which is more; what matters is by how much it grows.
 */
static void tell_unread(struct bridge *b)
{
	struct daemon *d = b->app->d;
	int n = 0;

	if (!b->h || !tcpd_recv_asks(d->st, b->h, d->now))
		return;
	if (ioctl(b->fd, SIOCOUTQ, &n) == 0 && n >= 0)
		tcpd_recv_held(d->st, b->h, (uint64_t)n, d->now);
}

void bridge_pump_out(struct bridge *b)
{
	struct tcpd_stack *st = b->app->d->st;
	uint8_t greeting = 'A';

	while (!b->full && !b->no_reader && push(b, &greeting))
		;
	tell_unread(b);
	if (b->no_reader && b->h)
		drop_all(b);
	if (!b->eof_out && !b->full && b->h && tcpd_recv_eof(st, b->h)) {
		shutdown(b->fd, SHUT_WR);
		b->eof_out = true;
	}
}

/* --- the head of the queue */

void bridge_take_lag(struct bridge *b, uint32_t leave)
{
	struct iovec iov = {.iov_base = scratch};
	bool rights = false;
	ssize_t r;

	while (b->lag > leave) {
		iov.iov_len = min_u32(b->lag - leave, sizeof(scratch));
		r = receive(b, &iov, 1, 0, &rights);
		if (r <= 0)
			break;
		b->lag -= (uint32_t)r;
	}
}

static bool is_writable(int fd)
{
	struct pollfd p = {.fd = fd, .events = POLLOUT};

	return poll(&p, 1, 0) == 1 && p.revents & POLLOUT;
}

int bridge_fill(struct bridge *b, int app_fd)
{
	/* An end is writable while at most a quarter of its send buffer is
	 * used: one write does it at the default size. */
	for (int i = 0; i < FILLS_MAX && is_writable(app_fd); i++)
		if (send(app_fd, scratch, FILLER, MSG_DONTWAIT | MSG_NOSIGNAL) <
			    0 &&
		    errno != EAGAIN)
			return -1;
	b->lag = bridge_inq(b);
	return 0;
}
