/* SPDX-License-Identifier: MIT */
/* loop.h - the turn of the daemon around the stack. */
#ifndef DAEMON_LOOP_H
#define DAEMON_LOOP_H

#include "daemon/daemon.h"

/* Needs d->loop; then daemon_now() counts.  0, or -1 and one line of |err|. */
int loop_start(struct daemon *d, char *err, size_t nerr);
/* Needs d->st: from here on the loop serves it. */
void loop_serve(struct daemon *d);
void loop_stop(struct daemon *d);

/* Send what there is to send, now (at the end, after the loop). */
void loop_flush(struct daemon *d);

#endif /* DAEMON_LOOP_H */
