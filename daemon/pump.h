/* SPDX-License-Identifier: MIT */
/*
 * pump.h - octets both ways between a connection of the stack and a socket of
 * the kernel: what forward and the web server are made of.
 */
#ifndef DAEMON_PUMP_H
#define DAEMON_PUMP_H

#include "daemon.h"
#include "proxy_v2.h"
#include "service.h"

struct pump {
	struct endpoint e;
	struct daemon *d;
	struct service *s;
	struct pump *next, *prev;
	tcpd_handle h;
	int fd;
	ev_io io;
	bool connecting; /* the socket's connect() goes on */
	bool full;	 /* the socket takes no more */
	bool no_room;	 /* the stack takes no more */
	bool in_ended;	 /* FIN of the connection: passed on to the socket */
	bool out_ended;	 /* end of file of the socket: passed on as FIN */
	bool nobody;	 /* nobody reads the socket's other side any more */
	uint8_t head[PROXY_V2_MAX]; /* goes to the socket first */
	uint8_t nhead, head_done;
};

struct pump_socket {
	int fd; /* non-blocking */
	bool connecting;
	const uint8_t *head; /* for the socket, before all else */
	size_t nhead;	     /* at most PROXY_V2_MAX */
};

/* From here on |h| and the socket are the pump's.  False: no memory; both were
 * ended. */
bool pump_start(struct daemon *d, struct service *s, tcpd_handle h,
		const struct pump_socket *sock);
/* CLOSE of all of them. */
void pump_stop_all(struct daemon *d);

#endif /* DAEMON_PUMP_H */
