/* SPDX-License-Identifier: MIT */
/*
 * epoch.h - what outlives a tcpd, so that the next one's initial sequence
 * numbers and time stamps are above those of the last one for the same four
 * numbers (RFC 9293, 3.4.3; RFC 6528): a key, and where the clock stood.
 */
#ifndef DAEMON_EPOCH_H
#define DAEMON_EPOCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/conf.h"
#include "daemon/privs.h"

#define EPOCH_BOOT 40

/* The clocks of the host. */
struct epoch_clocks {
	char boot[EPOCH_BOOT]; /* which start of the machine; "": unknown */
	uint64_t mono, real;   /* ns */
};

struct epoch {
	uint8_t key[32];
	struct epoch_clocks at;
	tcpd_time now;	  /* protocol time then */
	uint32_t scale;	  /* and how fast it goes from there on */
	uint32_t ts_base; /* settings.ts_base */
};

/*
 * From the start of another tcpd to one of ours, now and with |scale|: false
 * when nobody can tell how much time has passed, or it is too much to count.
 */
bool epoch_follow(struct epoch *e, const struct epoch_clocks *now,
		  uint32_t scale);

/*
 * What run-dir's file "epoch" gives, and what the next tcpd is to find there;
 * a file that is absent or not ours is replaced by a new one, and one that
 * cannot be written costs a warning.  False (errno): there are no random
 * octets for a key.
 */
bool epoch_take(const struct conf *c, const struct privs *p, struct epoch *e);

#endif /* DAEMON_EPOCH_H */
