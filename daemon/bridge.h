/* SPDX-License-Identifier: MIT */
/*
 * bridge.h - what the files of the app channel share.
 *
 * A bridge is a socket of a program: the daemon's end of a socketpair on one
 * side, a handle of the stack (or none yet) on the other.  app.c has the sets
 * and the turn, app_client.c talks on app.sock, app_req.c does what is asked;
 * bridge.c is the life of a bridge, bridge_io.c moves octets, bridge_accept.c
 * is listeners, bridge_opt.c options, bridge_info.c what `tcpctl ss` shows,
 * bridge_send.c octets with flags.
 */
#ifndef DAEMON_BRIDGE_H
#define DAEMON_BRIDGE_H

#include <ev.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/htab.h"
#include "base/slab.h"
#include "daemon.h"
#include "proto/name.h"
#include "proto/proto.h"

#define APP_ENDED	 16384u /* ended connections that are remembered */
#define APP_CLIENTS	 1024u	/* connections to app.sock */
#define APP_USER_CLIENTS 256u	/* ... of one user */
#define APP_TURN_EVENTS	 256
#define APP_TURN_OCTETS	 (256u * 1024) /* read from one app a turn */
#define APP_QUEUE	 64u /* connections in a listener's fd at once */

/* Numbers of sockets that the stack does not know are above these. */
#define APP_NUMBERS	 (UINT64_C(1) << 52)

/* A user, while anything is open that counts towards the limits. */
struct app_user {
	struct app_user *next;
	uid_t uid;
	uint32_t nbridges, nclients;
};

/* Whoever asked for a socket; shared by what a listener accepts. */
struct app_owner {
	uint32_t refs;
	uid_t uid;
	gid_t gid;
	pid_t pid;
	char comm[16];
};

enum bridge_kind {
	BRIDGE_SOCKET, /* CLOSED, perhaps bound */
	BRIDGE_LISTENER,
	BRIDGE_CONNECTING,
	BRIDGE_CONN
};

enum bridge_todo { TODO_IN = 1u << 0, TODO_OUT = 1u << 1 };

/* Options that a program has set before the stack could have them. */
struct bridge_options {
	uint64_t set; /* bits of enum tcpd_option */
	uint64_t value[TCPD_NOPTIONS];
};

struct bridge {
	struct endpoint ep; /* first: the user word of the handle */
	struct app *app;
	tcpd_handle h;	  /* 0: none */
	int fd;		  /* the daemon's end */
	uint32_t lag;	  /* octets at the head of its queue that are known */
	uint64_t cookie;  /* of the app's end */
	uint64_t number;  /* what tcpctl shows, and the name's */
	uint64_t written; /* octets written to the app, greeting included */
	uint64_t in;	  /* octets of the stream that came through the fd */
	struct bridge_marks *marks;   /* on what is to come; NULL: none */
	struct tcpd_addr local, peer; /* of a connection */
	struct app_owner *owner;
	struct bridge *run_next, *run_prev;
	struct bridge_options *options; /* NULL: none set */
	int pending_fd;	  /* listener: app's end that its queue did not take */
	uint32_t nqueued; /* listener: in the fd's queue, at most */
	uint32_t backlog; /* listener: that may wait, in all */
	uint32_t stack_backlog; /* ... of these, in the stack's queue */
	uint32_t lowat;		/* TCP_NOTSENT_LOWAT, 0: not set */
	uint32_t fd_sndbuf;	/* SO_SNDBUF of the app's end, 0: not set */
	int asked_fd;		/* the app's end, while it asks; else -1 */
	uint32_t rate;		/* octets in a millisecond, as last seen */
	tcpd_time rate_at;
	uint64_t rate_acked;
	uint64_t unread;      /* of the last dump */
	uint64_t unread_turn; /* the turn of that dump */
	int err;	      /* errno that SO_ERROR has not told yet */
	uint8_t kind;	      /* enum bridge_kind */
	uint8_t todo;	      /* enum bridge_todo */
	uint8_t domain;	      /* 4 or 6 */
	uint8_t npeeks;	      /* reads that have left all they found */
	/* sticky bits of its events */
	bool rdhup, hup, reset;
	bool pri;	/* an urgent octet may be in the daemon's queue */
	bool urgent;	/* the peer has urgent data on its way to the app */
	bool full;	/* the app's end takes no more: OUT will come */
	bool held;	/* the stack takes no more: WRITABLE will come */
	bool queued;	/* in the run queue */
	bool greet;	/* the greeting octet is to be written first */
	bool greeted;	/* accepted: one was */
	bool eof_out;	/* the app has been told of the peer's FIN */
	bool eof_in;	/* the stack has been told of the app's */
	bool no_reader; /* the app has shut its reading side */
	bool opening;	/* text may go with the SYN, which has no answer */
	bool dying;	/* RST in the next turn */
	bool ending;	/* the stack is done with it */
	bool clean;	/* ... in an orderly way */
	bool more;	/* listener: the stack's queue may hold some */
	bool reuse, reuseport, v6only, linger;
};

/* An ended connection whose fd a program may still hold. */
struct app_ended {
	uint64_t cookie; /* 0: unused */
	uint64_t number;
	uint64_t seen; /* turn of the dump that had it */
	struct tcpd_addr local, peer;
	struct app_owner *owner;
	int err;
	uint8_t domain;
};

struct app_client {
	int fd;
	uid_t uid;
	gid_t gid;
	pid_t pid;
	struct app_user *user;
};

/* A socketpair that is ready to be a connection. */
struct app_pair {
	int fd, app_fd; /* -1: none */
	uint64_t cookie;
};

struct app {
	struct daemon *d;
	int set; /* the edge-triggered epoll set */
	int sock, reserve_fd, diag_fd;
	char path[128];
	ev_io set_io, sock_io;
	ev_check check;
	ev_idle idle;
	ev_timer pause; /* app.sock: no fd was left */
	ev_timer retry; /* too many fds in flight */
	uint32_t nonce;
	uint64_t next_number;
	uint64_t turn;
	struct slab bridges, clients;
	struct htab cookies; /* bridge slots, then ended ones */
	struct app_ended *ended;
	uint32_t next_ended[2];
	struct app_user *users;
	struct bridge *run_first, *run_last;
	struct app_pair spare;
	uint32_t unit;	   /* what an fd costs in a queue (SIOCOUTQ) */
	int own_sndbuf;	   /* of our end, where the default does not suit */
	bool force_sndbuf; /* the kernel lets us go above wmem_max */
	bool passrights;   /* the kernel has SO_PASSRIGHTS */
	uint64_t dump_turn;
	void *mem; /* of slabs and tables */
	size_t nmem;
};

static inline struct bridge *bridge_at(const struct app *a, uint32_t slot)
{
	return slab_at(&a->bridges, slot);
}

/* errno of a TCPD_ERR_*, with or without its minus sign. */
int app_errno(int err);

/* --- app.c */
struct app_user *app_user_get(struct app *a, uid_t uid);
/* Nothing counts any more: forget it. */
void app_user_put(struct app *a, struct app_user *u);
bool app_is_privileged(const struct app *a, uid_t uid);
struct app_owner *app_owner_new(const struct app_client *c);
struct app_owner *app_owner_ref(struct app_owner *o);
void app_owner_unref(struct app_owner *o);
/* 0, or -1 and errno. */
int app_watch(struct app *a, int fd, uint64_t tag, uint32_t events);
uint64_t app_tag_bridge(const struct app *a, const struct bridge *b);
uint64_t app_tag_client(const struct app *a, const struct app_client *c);
/* What has happened to the fds of programs and clients until now. */
void app_settle(struct app *a);
/* Have |b| run in the next turn of the loop. */
void app_queue(struct app *a, struct bridge *b);
void app_unqueue(struct app *a, struct bridge *b);

/* --- app_client.c */
int app_listen(struct app *a, char *err, size_t nerr);
void app_client_event(struct app *a, struct app_client *c);
void app_client_free(struct app *a, struct app_client *c);
void app_sock_stop(struct app *a);

/* --- app_req.c: |m| becomes the reply.  |fd| is what came with it (-1:
 * none) and stays the caller's; |*reply_fd| is to go with the reply and is
 * the caller's to close. */
void app_request(struct app *a, const struct app_client *c, struct proto_msg *m,
		 int fd, int *reply_fd);

/* --- app_allow.c: any rule for this user at all? */
bool app_allowed_any(const struct daemon *d, uid_t uid, gid_t gid);

/* --- bridge.c */
int bridge_pair(struct app *a, struct app_pair *p, bool accepted);
void bridge_pair_close(struct app_pair *p);
/* A bridge that owns p->fd; NULL and errno. */
struct bridge *bridge_new(struct app *a, struct app_pair *p,
			  struct app_owner *o, enum bridge_kind kind,
			  uint8_t domain);
/* Give |fd| the name of |b|: 0, or -1 and errno. */
int bridge_name(struct bridge *b, int fd, enum name_kind kind,
		const struct tcpd_addr *local, const struct tcpd_addr *peer);
void bridge_free(struct bridge *b);
struct bridge *bridge_find(const struct app *a, uint64_t cookie);
struct app_ended *bridge_find_ended(const struct app *a, uint64_t cookie);
void bridge_fd_events(struct bridge *b, uint32_t events);
/* What there is to be done, until nothing is or it must wait. */
void bridge_run(struct bridge *b);
/* The stack's side is over: |err| 0 in order, else an errno. */
void bridge_end(struct bridge *b, int err);
/* End it: RST to the peer, ECONNRESET to the app, |err| for SO_ERROR. */
void bridge_abort(struct bridge *b, int err);
/* The daemon stops: what the app wrote is sent, then FIN. */
void bridge_stop(struct bridge *b);
void bridge_adopt(struct bridge *b, tcpd_handle h);
extern const struct endpoint_ops bridge_ops;

/* --- bridge_io.c */
uint32_t bridge_inq(const struct bridge *b);
/* Octets of the app to the stack, at most |budget|.  How that went. */
enum bridge_flow {
	FLOW_DRAINED, /* nothing new was left */
	FLOW_BUDGET,  /* there is more */
	FLOW_HELD,    /* there is more, and the stack wants no more now */
	FLOW_RIGHTS   /* the app sent an fd, which must not be */
};
enum bridge_flow bridge_pump_in(struct bridge *b, uint32_t budget);
/* Whatever lies in its fd now, for a request that comes after it. */
enum bridge_flow bridge_take_all(struct bridge *b);
/* Octets of the stack to the app. */
void bridge_pump_out(struct bridge *b);
/* Take what is known at the head of the queue, but the last |leave|. */
void bridge_take_lag(struct bridge *b, uint32_t leave);
/* Write through |app_fd| until it is not writable: 0, or -1 and errno. */
int bridge_fill(struct bridge *b, int app_fd);

/* --- bridge_send.c */
/*
 * Of |len| octets with |flags| (PROTO_SEND_*) the first |n|, behind what was
 * written: |*taken| of them went to the stack.  None: with MARK the next |len|
 * that are written will be as if they had come so.  0 or an errno.
 * ECONNABORTED: the bridge is gone.
 */
int bridge_send(struct bridge *b, const void *p, uint32_t n, uint32_t len,
		uint32_t flags, uint32_t *taken);
/* Of the next |want| octets from the fd, those that have the same flags. */
uint32_t bridge_mark_upto(const struct bridge *b, uint32_t want);
/* |n| of them have come: how they go to the stack (enum tcpd_send_flags). */
uint32_t bridge_mark_pass(struct bridge *b, uint32_t n);
/* Forget the marks on octets that have not been written. */
void bridge_unmark(struct bridge *b);

/* --- bridge_accept.c */
void bridge_listen(struct bridge *b, uint32_t backlog);
uint32_t bridge_stack_backlog(uint32_t backlog);
void bridge_accept(struct bridge *b);
void bridge_retry(struct app *a);

/* --- bridge_opt.c: setsockopt and getsockopt: 0 or an errno. */
int bridge_set(struct bridge *b, uint32_t level, uint32_t option,
	       const void *value, size_t len);
int bridge_get(struct bridge *b, uint32_t level, uint32_t option, void *value,
	       uint16_t *len);
/* Of a connection that has ended. */
int bridge_set_ended(uint32_t level, uint32_t option);
int bridge_get_ended(struct app *a, struct app_ended *e, uint32_t level,
		     uint32_t option, void *value, uint16_t *len);
/* Bring the options that were set to b->h: before the open, after it. */
void bridge_options_before(struct bridge *b);
void bridge_options_after(struct bridge *b);
/* ... of a listener. */
void bridge_options_listen(struct bridge *b);
/* What tcpd_bind() is to know of them. */
uint64_t bridge_bind_flags(const struct bridge *b);
/* The row |i| of the table for the document; false past the last one. */
struct bridge_opt_row {
	const char *level, *name, *value, *text;
};
bool bridge_opt_row(unsigned i, struct bridge_opt_row *row);

/* --- bridge_info.c */
void bridge_info_start(struct app *a);
void bridge_info(struct daemon *d, struct endpoint *e,
		 struct endpoint_info *info);
void bridge_dump(struct app *a);

#endif /* DAEMON_BRIDGE_H */
