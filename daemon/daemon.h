/* SPDX-License-Identifier: MIT */
/*
 * daemon.h - what the parts of the daemon know of each other.
 *
 * One thread, one libev loop.  Packets come from tun.c; events of the stack go
 * to endpoints (a service's connection, an app's fd); whoever acts on the
 * stack outside a batch of packets calls daemon_kick(), and at the end of the
 * same turn of the loop events are delivered, output is flushed and the one
 * timer is armed (loop.c).
 */
#ifndef DAEMON_DAEMON_H
#define DAEMON_DAEMON_H

#include <ev.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "conf.h"
#include "tcpd.h"

struct daemon;
struct endpoint;

/* What `tcpctl ss` and the status page say about a connection's owner. */
struct endpoint_info {
	bool has_process;
	uid_t uid;
	pid_t pid;
	char comm[16];	 /* or the service's name */
	uint64_t unread; /* octets in the app's fd that it has not read yet */
	uint64_t unsent; /* octets the app wrote that the stack has not taken */
	uint32_t backlog; /* of an app's listener; the stack has its share */
};

struct endpoint_ops {
	/* Something new (tcpd.h).  GONE is the last event. */
	void (*event)(struct daemon *d, struct endpoint *e,
		      const struct tcpd_event *ev);
	/* Fill in what is known; |info| comes zeroed. */
	void (*info)(struct daemon *d, struct endpoint *e,
		     struct endpoint_info *info);
};

/* The user word (tcpd_set_user) of every handle is NULL or an endpoint: the
 * first member of its owner's own struct. */
struct endpoint {
	const struct endpoint_ops *ops;
};

struct daemon {
	struct ev_loop *loop;
	struct tcpd_stack *st;
	struct conf *conf;
	struct tcpd_settings *settings; /* what |st| runs with */
	tcpd_time start;		/* protocol time at which tcpd began:
					   epoch.c */
	tcpd_time now;			/* protocol time of this turn */
	struct loop *turn;		/* loop.c */
	struct tun *tun;		/* tun.c: packets */
	struct link *link;	   /* link.c: addresses, routes, link state */
	struct app *app;	   /* app.c: app.sock and the bridges */
	struct ctl *ctl;	   /* ctl.c: ctl.sock */
	struct services *services; /* service.c */
	struct capture *captures;  /* capture.c: running captures */
	uid_t uid; /* tcpd's user, whom privileged commands are for */
	gid_t gid;
	bool stopping;
	bool removing; /* tcpd_end_removed() is to be called (again) */
	bool failed;   /* ends with exit code 1 */
};

/* Protocol time now: from d->start on, time-scale times as fast as
 * CLOCK_MONOTONIC; also sets d->now. */
tcpd_time daemon_now(struct daemon *d);

/* The stack was acted on: events, output and timer before the loop sleeps. */
void daemon_kick(struct daemon *d);

/* The changes of state until now, for `tcpctl events`.  While nobody follows
 * them the stack keeps the last ones; who begins to asks for them first. */
void daemon_traces(struct daemon *d);

/* Begin an orderly stop (SIGTERM, `tcpctl stop`). */
void daemon_stop(struct daemon *d);

/* Read the configuration again: 0, or -1 and one line of |err|. */
int daemon_reload(struct daemon *d, char *err, size_t nerr);

/* A change of state as one line of `events` and of the debug log (design.md):
 * "93.000012 conn=7 10.77.0.1:40112>10.77.0.2:80 SYN-SENT -> CLOSED on=CLOSE";
 * times count from the start of tcpd.  Returns |buf|. */
/* An RST: "93.000012 conn=7 10.77.0.1:40112>10.77.0.2:80 RST sent
 * cause=abort", with " left-out=N" when so many before it were not shown, and
 * conn=- when it belongs to no connection. */
#define TRACE_LINE_MAX 256
char *trace_line(const struct daemon *d, const struct tcpd_trace *tr,
		 char buf[TRACE_LINE_MAX]);
/* What was done with an RST: "sent", "received", "ignored". */
const char *trace_verb(enum tcpd_trace_kind kind);

/* --- log.c: printf-like, one line each; |level| above log-level: nothing. */
void log_set_level(enum conf_log level);
bool log_wants(enum conf_log level);
__attribute__((format(printf, 2, 3))) void log_say(enum conf_log level,
						   const char *fmt, ...);
#define log_error(...) log_say(CONF_LOG_ERROR, __VA_ARGS__)
#define log_warn(...)  log_say(CONF_LOG_WARN, __VA_ARGS__)
#define log_info(...)  log_say(CONF_LOG_INFO, __VA_ARGS__)
#define log_debug(...) log_say(CONF_LOG_DEBUG, __VA_ARGS__)
/* For what a peer or a fault may bring about often: one line in ten seconds a
 * |limit| (zeroed at first), which then says how many were held back. */
struct log_limit {
	uint64_t next; /* CLOCK_MONOTONIC, ns */
	uint64_t held;
};
__attribute__((format(printf, 3, 4))) void
log_seldom(struct log_limit *limit, enum conf_log level, const char *fmt, ...);
/* Lines lost because stderr took none. */
uint64_t log_lost(void);

/* --- tun.c */
struct tun_stats {
	bool offload, link_up;
	uint64_t write_errors, read_errors, batches;
	uint64_t
		bad_headers; /* virtio-net headers that contradict themselves */
};
void tun_stats(const struct daemon *d, struct tun_stats *s);

/* --- app.c: app.sock.  -1 and one line of |err| when it cannot start. */
int app_start(struct daemon *d, char *err, size_t nerr);
void app_stop(struct daemon *d);
/* Sockets of apps that are known to the daemon but not to the stack (CLOSED,
 * not bound): called for each, for `tcpctl ss`. */
struct app_socket {
	tcpd_id id; /* of an ended connection its own, else above the stack's */
	struct tcpd_addr local, peer; /* of an ended connection */
	struct endpoint_info info;
};
void app_each_closed(struct daemon *d,
		     void (*fn)(void *arg, const struct app_socket *s),
		     void *arg);
/* May |uid|/|gid| listen on (or connect to) |a|?  The allow rules. */
bool app_allowed(const struct daemon *d, uid_t uid, gid_t gid, bool listen,
		 const struct tcpd_addr *a);

/* --- ctl.c: ctl.sock */
int ctl_start(struct daemon *d, char *err, size_t nerr);
void ctl_stop(struct daemon *d);
/* A change of state, for `events -f`. */
void ctl_trace(struct daemon *d, const struct tcpd_trace *tr, uint64_t lost);
/* Somebody waits for them. */
bool ctl_follows(const struct daemon *d);

/* --- service.c: listeners that the daemon serves.  apply: make what runs
 * equal to |d->conf| (start, and after a reload). */
int services_apply(struct daemon *d, char *err, size_t nerr);
void services_stop(struct daemon *d);

/* --- capture.c: pcapng of what crosses the TUN, written outside the loop. */
struct capture_stats {
	uint64_t packets, octets, lost;
};
/* |fd| is taken over and closed at the end (a file, pipe or socket); |filter|
 * as in `tcpctl ss`, NULL: all.  NULL and one line of |err|: it was wrong. */
struct capture *capture_start(struct daemon *d, int fd, const char *filter,
			      char *err, size_t nerr);
/* A capture ends by itself when its reader has gone or a write fails: then
 * |fn| is called once, in the loop, and the pointer is dead afterwards.  (Not
 * called by capture_stop.)  Whoever never looks at the pointer needs none. */
void capture_on_end(struct capture *c, void (*fn)(void *arg), void *arg);
void capture_stop(struct daemon *d, struct capture *c);
void capture_get_stats(const struct capture *c, struct capture_stats *s);
/* Called by loop.c for every packet while something is captured.  |part| of an
 * incoming one is borrowed until the next call or capture_flush(); |sent| is
 * the whole of an outgoing one, whose comments say what it does not show. */
void capture_packet(struct daemon *d, bool out, const struct tcpd_slice *part,
		    size_t nparts, const struct tcpd_offload *off,
		    const struct tcpd_out *sent);
/* A change of state: a comment on the incoming packet that was just captured,
 * or else on the next outgoing one of that connection.  An RST that came in: on
 * that packet. */
void capture_comment(struct daemon *d, const struct tcpd_trace *tr);
void capture_flush(struct daemon *d);
bool capture_running(const struct daemon *d);

/* --- filter.c: FILTER of ss(8): dport = 80, src 10.77.0.2, and, or, not,
 * state.  NULL and |err|: not understood. */
struct filter;
struct filter *filter_parse(const char *text, char *err, size_t nerr);
bool filter_match(const struct filter *f, const struct tcpd_addr *local,
		  const struct tcpd_addr *peer, enum tcpd_state state);
/* Does it ask for states, wherever in its text? */
bool filter_has_state(const struct filter *f);
void filter_free(struct filter *f);

#endif /* DAEMON_DAEMON_H */
