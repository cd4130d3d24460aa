/* SPDX-License-Identifier: MIT */
/*
 * report.h - what tcpctl shows, as text and as JSON.  Values in, octets out:
 * nothing here asks the stack for anything but what it is told to show.
 */
#ifndef DAEMON_REPORT_H
#define DAEMON_REPORT_H

#include <jansson.h>

#include "daemon.h"
#include "text.h"

/* A connection, half-open or TIME-WAIT entry, socket or listener, and its
 * owner. */
struct report_row {
	struct tcpd_status s;
	struct endpoint_info info;
};

/* |s| with what its endpoint says: unread octets count as Recv-Q. */
void report_row_make(struct daemon *d, const struct tcpd_status *s,
		     struct report_row *r);
/* A socket of an app that the stack does not know of. */
void report_row_closed(const struct app_socket *a, struct report_row *r);

/* Seconds, to the microsecond. */
double report_seconds(tcpd_time ns);
/* 1234567 ns as "1.23ms"; |buf| of at least 24. */
char *report_duration(char *buf, size_t len, tcpd_time ns);
/* 1234567 as "1.2M" in at most 5 octets. */
char *report_count(char *buf, size_t len, uint64_t n);

/* --- report_ss.c: rows come in chunks; the columns only ever get wider. */
enum { REPORT_SS_COLUMNS = 7 };
struct report_ss {
	size_t width[REPORT_SS_COLUMNS];
	bool processes; /* -p: pid and uid too */
	bool json;
	uint64_t rows; /* so far */
};
void report_ss_rows(struct report_ss *ss, struct text *t,
		    const struct report_row *r, size_t n);
void report_ss_end(struct report_ss *ss, struct text *t);
/* The stable keys of a connection (tcpctl(1)).  The caller's reference. */
json_t *report_ss_json(const struct report_row *r);

/* --- report_show.c: everything about one; |now| for ages. */
void report_show_text(struct text *t, const struct report_row *r,
		      tcpd_time now);
json_t *report_show_json(const struct report_row *r, tcpd_time now);

/* --- report_stats.c */
struct report_stats {
	const struct tcpd_stats *st;
	struct tun_stats tun;
	struct capture_stats captures; /* over ctl.sock */
	uint64_t captures_running;
	uint64_t log_lost;
};
void report_stats_text(struct text *t, const struct report_stats *s, bool all);
json_t *report_stats_json(const struct report_stats *s);

/* --- report_fsm.c */
#define REPORT_MAX_ARROWS 96
struct report_fsm {
	uint64_t live[TCPD_NSTATES];
	struct tcpd_arrow arrow[REPORT_MAX_ARROWS];
	unsigned narrows;
};
void report_fsm_text(struct text *t, const struct report_fsm *f);
json_t *report_fsm_json(const struct report_fsm *f);

/* --- report.c */
/* |j| in one line, with a newline; takes the reference. */
void report_json(struct text *t, json_t *j);
/* A line of `events -f --json`. */
void report_trace_json(struct text *t, const struct daemon *d,
		       const struct tcpd_trace *tr);
json_t *report_trace_object(const struct daemon *d,
			    const struct tcpd_trace *tr);

#endif /* DAEMON_REPORT_H */
