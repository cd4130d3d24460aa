/* SPDX-License-Identifier: MIT */
/*
 * link.h - the interface around the TUN device: MTU, addresses, routes, and
 * whether it is up.
 */
#ifndef DAEMON_LINK_H
#define DAEMON_LINK_H

#include "daemon/daemon.h"

#define LINK_COMMANDS_MAX 800

/* Set what the configuration asks for and the kernel lets us, and learn what
 * is.  0, or -1 and one line of |err|. */
int link_start(struct daemon *d, char *err, size_t nerr);
/* From here on news of the kernel arrive in the loop. */
void link_watch(struct daemon *d);
void link_stop(struct daemon *d);

/* The MTU as it is; whether the IPv6 entries of the configuration count. */
uint32_t link_mtu(const struct daemon *d);
bool link_ip6(const struct daemon *d);

/* Set again: the device was made again, or the configuration was read again.
 * 0, or why the kernel did not let us (errno). */
int link_attach(struct daemon *d);
int link_apply(struct daemon *d);
/* Is everything there that these would set (the queue's length aside)? */
bool link_complete(struct daemon *d);

/* The `ip` commands that bring about what the configuration asks for. */
char *link_commands(const struct daemon *d, char *buf, size_t len);

#endif /* DAEMON_LINK_H */
