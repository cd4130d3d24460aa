/* SPDX-License-Identifier: MIT */
/*
 * real.h - backend daemon: a tcpd that runs, its sockets by libtcpd-app, its
 * packets on the TUN interface, and the time that it is.
 */
#ifndef PACKETDRILL_REAL_H
#define PACKETDRILL_REAL_H

#include <stdbool.h>

#include "flags.h"
#include "iface.h"
#include "preload.h"

#define REAL_FDS 1024

struct real {
	int packets; /* AF_PACKET on the TUN interface */
	int ifindex;
	int sync; /* a socket of tcpd's own that is only asked */
	/* sockets, by number */
	bool ours[REAL_FDS], rd_shut[REAL_FDS];
};

/* Fill the table: NULL, or what is wrong.  |hook| may be NULL. */
const char *real_start(const struct flags *f, struct packetdrill_interface *ifc,
		       preload_hook **hook);

/* --- real_net.c: packets and time */
const char *real_net_start(struct real *r, const char *tun);
void real_net_fill(struct packetdrill_interface *ifc);
/* tcpd has seen what came before. */
void real_settle(const struct real *r);

#endif /* PACKETDRILL_REAL_H */
