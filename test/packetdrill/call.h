/* SPDX-License-Identifier: MIT */
/*
 * call.h - the interface's functions for backend lib; their names are those
 * of the members of struct packetdrill_interface.
 */
#ifndef PACKETDRILL_CALL_H
#define PACKETDRILL_CALL_H

#include "iface.h"

void call_open_fill(struct packetdrill_interface *ifc);
void call_io_fill(struct packetdrill_interface *ifc);
void call_opt_fill(struct packetdrill_interface *ifc);
void call_poll_fill(struct packetdrill_interface *ifc);
void call_net_fill(struct packetdrill_interface *ifc);

/* getsockopt() of our fds by other ways than the interface (preload.c). */
int call_getsockopt(void *u, int fd, int level, int name, void *p,
		    socklen_t *len);

#endif /* PACKETDRILL_CALL_H */
