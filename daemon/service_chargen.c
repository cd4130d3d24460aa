/* SPDX-License-Identifier: MIT */
/*
 * service_chargen.c - the Character Generator Protocol (RFC 864).  It fills
 * the room that the stack has and waits for more; what arrives is thrown
 * away.  A FIN of the peer does not end it, since a client may have shut down
 * only its own side: one that has closed answers by RST.
 */
#include "base/clamp.h"
#include "pattern.h"
#include "service.h"

#define PIECE 65536u

/*
 * What waits to be sent, at most: enough for the next packets, and written
 * just before they leave, while it is in the cache.  A queue that is filled to
 * its end costs a third of the throughput.
 */
#define AHEAD (8 * PIECE)

static void turn(struct daemon *d, struct service_conn *c)
{
	struct tcpd_room room[16];

	service_discard_input(d, c->h);
	for (;;) {
		size_t len = 0;
		int r;

		if (tcpd_unsent(d->st, c->h) >= AHEAD) {
			tcpd_want_writable(d->st, c->h, AHEAD / 2);
			return;
		}
		r = tcpd_send_room(d->st, c->h, PIECE, room, ARRAY_SIZE(room));

		if (r == 0) /* WRITABLE will come */
			return;
		if (r < 0) /* closed by `tcpctl close` */
			break;
		for (int i = 0; i < r; i++) {
			c->phase =
				pattern_fill(room[i].p, room[i].len, c->phase);
			len += room[i].len;
		}
		if (tcpd_send_filled(d->st, c->h, len, d->now) < 0 || len == 0)
			return;
	}
	if (tcpd_recv_eof(d->st, c->h))
		service_conn_close(d, c);
}

const struct service_kind service_chargen = {"chargen", NULL,
					     service_conn_accept, turn};
