/* SPDX-License-Identifier: MIT */
/*
 * app.h - what the files of libtcpd-app share: one request and its reply
 * (call.c), addresses and names (addr.c).  Not a public header.
 */
#ifndef APP_APP_H
#define APP_APP_H

#include <sys/socket.h>

#include "proto/name.h"
#include "proto/proto.h"

/*
 * Send |m| with |fd| (-1: none), and get the reply into |m| and, where
 * |got| is given, the fd that it carries (close-on-exec when |cloexec|).
 * 0, or -1 and errno: also when the daemon's answer was an error (then the
 * reply's values are in |m|).
 */
int app_call(struct proto_msg *m, int fd, int *got, bool cloexec);

/* An address of a program to one of ours: 0, or -1 and errno. |domain| 4, 6. */
int app_addr_in(struct proto_addr *a, const struct sockaddr *sa, socklen_t len,
		uint8_t domain);

/* And back, in the form of |domain|; |*len| as in getsockname(2). */
void app_addr_out(const struct proto_addr *a, uint8_t domain,
		  struct sockaddr *sa, socklen_t *len);

/*
 * What the names of |fd| say: its own, which listeners and connected sockets
 * have, else that of the other end.  0, or -1 and errno (ENOTSOCK: none of
 * tcpd's).
 */
int app_name(int fd, struct name *n);

#endif /* APP_APP_H */
