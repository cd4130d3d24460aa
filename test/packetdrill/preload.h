/* SPDX-License-Identifier: MIT */
/*
 * preload.h - between the adapter and its companion (preload.c), which hands
 * over each getsockopt() that asks about one of the adapter's sockets.
 */
#ifndef PACKETDRILL_PRELOAD_H
#define PACKETDRILL_PRELOAD_H

#include <sys/socket.h>

#define PRELOAD_HOOK	 "tcpd_packetdrill_hook"
#define PRELOAD_NOT_OURS 1

/* 0, -1 and errno, or PRELOAD_NOT_OURS. */
typedef int preload_hook(int fd, int level, int name, void *p, socklen_t *len);

extern preload_hook *tcpd_packetdrill_hook;

#endif /* PACKETDRILL_PRELOAD_H */
