/* SPDX-License-Identifier: MIT */
/*
 * ctl.h - what the parts of ctl.sock know of each other: ctl.c moves octets
 * and keeps the limits, ctl_cmd.c reads a request and has the table of
 * commands, ctl_walk.c answers what must look at every connection, ctl_live.c
 * is events and captures.
 */
#ifndef DAEMON_CTL_H
#define DAEMON_CTL_H

#include "daemon.h"
#include "text.h"

#define CTL_LINE_MAX	 4096	      /* octets of a request */
#define CTL_QUEUE_MAX	 (256 * 1024) /* that wait for a reader of events */
#define CTL_MAX_CLIENTS	 512
#define CTL_MAX_PER_UID	 64
#define CTL_MAX_CAPTURES 8
#define CTL_RECENT	 1024 /* changes of state that `events` knows */

enum ctl_mode {
	CTL_READING, /* the request is not complete */
	CTL_REPLYING,
	CTL_EVENTS,
	CTL_CAPTURE
};

struct ctl_client {
	struct ctl *ctl;
	struct ctl_client *next, *prev;
	int fd;
	uid_t uid;
	enum ctl_mode mode;
	bool json;
	bool half_closed; /* it has shut down its side, and goes on reading */
	ev_io io;
	ev_timer patience;
	char in[CTL_LINE_MAX + 1];
	size_t nin;
	struct text out;

	/* A long answer: |more| adds a piece to |out|, false: the last one. */
	bool (*more)(struct ctl_client *c);
	void *job;
	void (*job_free)(void *job);

	uint64_t lost; /* events: lines that did not fit */
	struct capture *capture;
};

struct ctl {
	struct daemon *d;
	char path[128];
	int fd, reserve_fd, hup_fd;
	ev_io io, hup_io;
	ev_timer pause;
	struct ctl_client *clients;
	unsigned nclients, nevents, ncaptures;
	struct log_limit log_limit;
	struct capture_stats captured;	      /* by captures that have ended */
	struct tcpd_trace recent[CTL_RECENT]; /* a ring */
	uint64_t nrecent;		      /* ever put into it */
};

/* --- ctl.c */
__attribute__((format(printf, 2, 3))) void ctl_refuse(struct ctl_client *c,
						      const char *fmt, ...);
/* There is something new in |c->out|. */
void ctl_wake(struct ctl_client *c);
void ctl_close(struct ctl_client *c);

/* --- ctl_cmd.c: carry out the request line in |c->in|. */
void ctl_run(struct ctl_client *c);

struct ctl_request {
	char **word; /* behind the command */
	int nwords;
};
/* The words from |i| on with one space between them; |buf| of CTL_LINE_MAX. */
const char *ctl_rest(const struct ctl_request *r, int i, char *buf);
/* Take options of one letter from the front: bit n for letters[n].  The
 * number of words used, or -1: refused already. */
int ctl_options(struct ctl_client *c, const struct ctl_request *r,
		const char *letters, unsigned *set);
/* The one word of |r| as an id; false: refused already. */
bool ctl_id(struct ctl_client *c, const struct ctl_request *r, tcpd_id *id);

/* Done: words for people, an object for programs. */
__attribute__((format(printf, 2, 3))) void ctl_done(struct ctl_client *c,
						    const char *fmt, ...);

/* --- ctl_walk.c */
void ctl_cmd_ss(struct ctl_client *c, const struct ctl_request *r);
void ctl_cmd_show(struct ctl_client *c, const struct ctl_request *r);
void ctl_cmd_abort(struct ctl_client *c, const struct ctl_request *r);
void ctl_cmd_close(struct ctl_client *c, const struct ctl_request *r);
void ctl_cmd_fsm(struct ctl_client *c, const struct ctl_request *r);

/* --- ctl_live.c */
void ctl_cmd_events(struct ctl_client *c, const struct ctl_request *r);
void ctl_cmd_capture(struct ctl_client *c, const struct ctl_request *r);
/* The reader has taken something: is there a loss to tell? */
void ctl_events_taken(struct ctl_client *c);
/* A note among the events: "reload", "stop". */
__attribute__((format(printf, 2, 3))) void ctl_note(struct ctl *ctl,
						    const char *fmt, ...);
/* The reader of a capture wants its end. */
void ctl_capture_end(struct ctl_client *c);
/* Stop the capture of |c|, if it has one. */
void ctl_capture_stop(struct ctl_client *c);
/* All captures over ctl.sock, those that run included. */
void ctl_capture_stats(const struct ctl *ctl, struct capture_stats *s);

#endif /* DAEMON_CTL_H */
