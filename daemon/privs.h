/* SPDX-License-Identifier: MIT */
/* privs.h - who tcpd is, and giving up what it needed for its start. */
#ifndef DAEMON_PRIVS_H
#define DAEMON_PRIVS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "daemon/conf.h"

struct privs {
	uid_t uid; /* whom to become, or who we are */
	gid_t gid;
	bool change; /* we are root: privs_drop() changes the ids */
};

/*
 * Work out whom the configuration wants.  0; 2 and one line of |err|: a user
 * or group that does not exist, or somebody else asked for without root.
 */
int privs_find(struct privs *p, const struct conf *c, char *err, size_t nerr);

/*
 * For good: ids, supplementary groups, capabilities and bounding set; no new
 * privileges, not dumpable.  Before any thread is started: capabilities are a
 * thread's own.  False and |err|: a call failed, and nothing may go on.
 */
bool privs_drop(const struct privs *p, char *err, size_t nerr);

#endif /* DAEMON_PRIVS_H */
