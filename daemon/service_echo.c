/* SPDX-License-Identifier: MIT */
/*
 * service_echo.c - the Echo Protocol (RFC 862).  One copy, from what has
 * arrived straight into the room for what goes out; while there is no room
 * nothing is taken, so the window closes and the client feels it.
 */
#include <string.h>

#include "base/clamp.h"
#include "service.h"

static size_t sum(const struct tcpd_slice *slice, int n)
{
	size_t len = 0;

	for (int i = 0; i < n; i++)
		len += slice[i].len;
	return len;
}

static size_t copy(const struct tcpd_room *room, int nrooms,
		   const struct tcpd_slice *slice, int nslices)
{
	size_t done = 0, from = 0, to = 0;
	int r = 0, s = 0;

	while (r < nrooms && s < nslices) {
		size_t n = min_u64(room[r].len - to, slice[s].len - from);

		memcpy(room[r].p + to, slice[s].p + from, n);
		done += n;
		to += n;
		from += n;
		if (to == room[r].len) {
			r++;
			to = 0;
		}
		if (from == slice[s].len) {
			s++;
			from = 0;
		}
	}
	return done;
}

static void turn(struct daemon *d, struct service_conn *c)
{
	struct tcpd_slice slice[16];
	struct tcpd_room room[16];

	for (;;) {
		int n = tcpd_recv_peek(d->st, c->h, slice, ARRAY_SIZE(slice));
		int r;
		size_t len;

		if (n <= 0)
			break;
		r = tcpd_send_room(d->st, c->h, sum(slice, n), room,
				   ARRAY_SIZE(room));
		if (r == 0) /* WRITABLE will come */
			return;
		if (r < 0) { /* closed by `tcpctl close`: no echo any more */
			service_conn_close(d, c);
			return;
		}
		/* slices live until the next call but a peek: look again */
		n = tcpd_recv_peek(d->st, c->h, slice, ARRAY_SIZE(slice));
		len = n > 0 ? copy(room, r, slice, n) : 0;
		if (tcpd_send_filled(d->st, c->h, len, d->now) < 0 ||
		    len == 0 || tcpd_recv_done(d->st, c->h, len, d->now) < 0)
			return;
	}
	if (tcpd_recv_eof(d->st, c->h))
		service_conn_close(d, c);
}

const struct service_kind service_echo = {"echo", NULL, service_conn_accept,
					  turn};
