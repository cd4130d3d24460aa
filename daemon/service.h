/* SPDX-License-Identifier: MIT */
/*
 * service.h - what the built-in services share: listeners, their set-up and
 * reload (service.c), and connections that live in the stack alone
 * (service_conn.c).
 */
#ifndef DAEMON_SERVICE_H
#define DAEMON_SERVICE_H

#include "daemon.h"

struct service;
struct service_conn;

struct service_kind {
	const char *name;
	/* Look at what this kind needs: -1 and one line of |err|.  Or NULL. */
	int (*check)(struct daemon *d, struct service *s, char *err,
		     size_t nerr);
	/* A connection: from here on its handle is the kind's. */
	void (*accept)(struct daemon *d, struct service *s, tcpd_handle h);
	/* With service_conn_accept(): there is news; it may close |c|. */
	void (*turn)(struct daemon *d, struct service_conn *c);
};

extern const struct service_kind service_echo, service_discard, service_chargen,
	service_daytime, service_forward, service_http;

struct service_listener {
	struct endpoint e;
	struct service *s;
	tcpd_handle h;
	struct tcpd_addr addr;
	struct service_listener *reuse; /* while services are set up */
};

/* Lives as long as it listens or has connections. */
struct service {
	struct conf_service conf;
	const struct service_kind *kind;
	unsigned refs;
	unsigned nlisteners;
	struct service_listener *listener[CONF_MAX_LISTEN];
	struct service *next;
};

struct services {
	struct service *list;
	struct service_conn *conns; /* all there are */
	struct service_conn *free;  /* for the next ones */
	unsigned nfree;
	struct log_limit log_limit;
	struct pump *pumps; /* pump.c: all there are */
	struct http *http;  /* service_http.c */
};

struct service *service_ref(struct service *s);
void service_unref(struct service *s);

/* service_http.c: the end of the web server and its connections. */
void service_http_stop(struct daemon *d);

/* ------------------- service_conn.c: connections of echo, discard, chargen */

struct service_conn {
	struct endpoint e;
	struct service *s;
	tcpd_handle h;
	struct service_conn *next, *prev;
	uint32_t phase; /* chargen: place in its pattern */
};

/* service_kind.accept: a connection that kind->turn serves. */
void service_conn_accept(struct daemon *d, struct service *s, tcpd_handle h);
/* CLOSE; |c| is gone afterwards. */
void service_conn_close(struct daemon *d, struct service_conn *c);
/* CLOSE of all of them, and the memory that was kept. */
void service_conn_stop(struct daemon *d);
/* Throw away what has arrived. */
void service_discard_input(struct daemon *d, tcpd_handle h);

#endif /* DAEMON_SERVICE_H */
