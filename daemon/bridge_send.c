/* SPDX-License-Identifier: MIT */
/*
 * bridge_send.c - octets with flags (MSG_MORE, MSG_EOR), which no fd carries.
 *
 * They come in a request, with their flags, and go to the stack behind all
 * that lies in the fd: nothing can come between.  Where the stack has no room
 * they must wait in the fd, whose writability tells the app when to go on; so
 * their place there is marked before the app writes them.  A mark is a range
 * of what comes through the fd, and it is forgotten as soon as another request
 * finds that not all of it was written.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clamp.h"
#include "bridge.h"

#define MARKS_MIN 8u
#define MARKS_MAX 4096u /* more than small writes fit into a queue */

struct bridge_mark {
	uint64_t at, end; /* places as bridge.in counts them */
	uint32_t flags;
};

/* In order, without overlaps, none empty, none behind bridge.in. */
struct bridge_marks {
	uint32_t first, n, size; /* m[first] to m[n - 1] */
	struct bridge_mark m[];
};

static uint32_t for_stack(uint32_t flags)
{
	return flags & (uint32_t)(PROTO_SEND_MORE | PROTO_SEND_EOR);
}

/* Behind all that lies in the fd. */
static uint64_t fd_end(const struct bridge *b)
{
	return b->in + sub_sat(bridge_inq(b), b->lag);
}

static void forget_none(struct bridge *b)
{
	if (b->marks->first < b->marks->n)
		return;
	free(b->marks);
	b->marks = NULL;
}

void bridge_unmark(struct bridge *b)
{
	struct bridge_marks *k = b->marks;
	uint64_t end;

	if (!k)
		return;
	end = fd_end(b);
	while (k->first < k->n && k->m[k->n - 1].end > end)
		k->n--;
	forget_none(b);
}

/* Room for one more at the end: 0 or an errno. */
static int make_room(struct bridge *b)
{
	struct bridge_marks *k = b->marks;
	uint32_t size = k ? k->size : 0;

	if (k && k->first) {
		k->n -= k->first;
		memmove(k->m, k->m + k->first, k->n * sizeof(k->m[0]));
		k->first = 0;
	}
	if (k && k->n < size)
		return 0;
	if (size >= MARKS_MAX)
		return ENOBUFS;
	size = size ? 2 * size : MARKS_MIN;
	k = realloc(k, sizeof(*k) + size * sizeof(k->m[0]));
	if (!k)
		return ENOMEM;
	if (!b->marks)
		k->first = k->n = 0;
	k->size = size;
	b->marks = k;
	return 0;
}

static int mark(struct bridge *b, uint32_t len, uint32_t flags)
{
	int err = make_room(b);
	uint64_t at;

	if (err)
		return err;
	at = fd_end(b);
	b->marks->m[b->marks->n++] = (struct bridge_mark){
		.at = at, .end = at + len, .flags = for_stack(flags)};
	return 0;
}

uint32_t bridge_mark_upto(const struct bridge *b, uint32_t want)
{
	const struct bridge_mark *m;

	if (!b->marks)
		return want;
	m = &b->marks->m[b->marks->first];
	return (uint32_t)min_u64(want,
				 (b->in < m->at ? m->at : m->end) - b->in);
}

uint32_t bridge_mark_pass(struct bridge *b, uint32_t n)
{
	const struct bridge_mark *m;
	uint32_t flags;

	b->in += n;
	if (!b->marks)
		return 0;
	m = &b->marks->m[b->marks->first];
	if (b->in <= m->at)
		return 0;
	if (b->in < m->end)
		return m->flags & PROTO_SEND_MORE;
	flags = m->flags;
	b->marks->first++;
	forget_none(b);
	return flags;
}

/* Nobody is to write any more. */
static bool is_over(const struct bridge *b)
{
	return !b->h || b->eof_in || b->rdhup || b->hup || b->ending;
}

int bridge_send(struct bridge *b, const void *p, uint32_t n, uint32_t len,
		uint32_t flags, uint32_t *taken)
{
	struct daemon *d = b->app->d;
	enum bridge_flow flow = FLOW_HELD;
	int64_t r;

	*taken = 0;
	if ((flags & ~(uint32_t)PROTO_SEND_MARK) != for_stack(flags))
		return EINVAL;
	bridge_unmark(b);
	if (b->kind != BRIDGE_CONN && b->kind != BRIDGE_CONNECTING)
		return ENOTCONN;
	if (is_over(b))
		return EPIPE;
	if (!n)
		return 0;
	if (b->kind == BRIDGE_CONN)
		flow = bridge_take_all(b);
	if (flow == FLOW_RIGHTS) {
		bridge_abort(b, ECONNABORTED);
		return ECONNABORTED;
	}
	if (flow != FLOW_HELD) {
		/* Behind the first |n| there is more of the same. */
		r = tcpd_send_as(d->st, b->h, p, n,
				 n < len ? TCPD_SEND_MORE : for_stack(flags),
				 d->now);
		if (r < 0 && r != -TCPD_ERR_AGAIN)
			return EPIPE;
		if (r > 0) {
			*taken = (uint32_t)r;
			return 0;
		}
	}
	return flags & PROTO_SEND_MARK ? mark(b, len, flags) : 0;
}
