/* SPDX-License-Identifier: MIT */
/* reload.h - what a reload may change (daemon_reload() is in daemon.h). */
#ifndef DAEMON_RELOAD_H
#define DAEMON_RELOAD_H

#include "daemon/args.h"
#include "daemon/daemon.h"

/* The command line stays what a reload reads again. */
void reload_init(const struct args *a);

/* Settings of the stack from d->conf and from what the device is. */
void reload_settings(struct daemon *d, struct tcpd_settings *s);

/* Begin, end or change the capture of the capture directive; |fd|: opened
 * already, or -1.  0, or -1 and |err|. */
int reload_capture(struct daemon *d, int fd, char *err, size_t nerr);

/* The first directive that differs and cannot change while tcpd runs, and its
 * old value; NULL: none.  For tests. */
const char *reload_fixed(const struct conf *was, const struct conf *c,
			 char *value, size_t nvalue);

#endif /* DAEMON_RELOAD_H */
