/* SPDX-License-Identifier: MIT */
/* rundir.h - the directory of the two sockets, and that it is ours alone. */
#ifndef DAEMON_RUNDIR_H
#define DAEMON_RUNDIR_H

#include "daemon/conf.h"
#include "daemon/privs.h"

/*
 * Make run-dir if it is absent, lock it, and remove the sockets that a tcpd
 * which was killed left behind.  The descriptor that holds the lock until it
 * is closed, or -1 and one line of |err|.
 */
int rundir_take(const struct conf *c, const struct privs *p, char *err,
		size_t nerr);

#endif /* DAEMON_RUNDIR_H */
