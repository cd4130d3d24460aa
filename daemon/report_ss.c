/* SPDX-License-Identifier: MIT */
/*
 * report_ss.c - the table of `tcpctl ss`, and its rows as JSON.
 *
 * A table may have hundreds of thousands of rows and is written while its
 * reader takes it, so the columns' widths are those of the rows so far.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "report.h"
#include "wire/pretty.h"

#define CELL_MAX 64

static const char *const titles[REPORT_SS_COLUMNS] = {
	"State", "Recv-Q", "Send-Q", "Local", "Peer", "Timer", "Process",
};
static const bool right[REPORT_SS_COLUMNS] = {false, true, true};

static void cell_timer(char *cell, const struct tcpd_status *s)
{
	char left[24];

	if (s->timer == TCPD_TIMER_NONE) {
		(void)snprintf(cell, CELL_MAX, "-");
		return;
	}
	report_duration(left, sizeof(left), s->timer_left);
	if (s->retries)
		(void)snprintf(cell, CELL_MAX, "%s %s (%" PRIu32 ")",
			       tcpd_timer_name(s->timer), left, s->retries);
	else
		(void)snprintf(cell, CELL_MAX, "%s %s",
			       tcpd_timer_name(s->timer), left);
}

static void cell_process(char *cell, const struct endpoint_info *i,
			 bool processes)
{
	const char *comm = i->comm[0] ? i->comm : "-";

	if (processes && i->has_process)
		(void)snprintf(cell, CELL_MAX, "%s pid=%ld uid=%lu", comm,
			       (long)i->pid, (unsigned long)i->uid);
	else
		(void)snprintf(cell, CELL_MAX, "%s", comm);
}

static void cells(char cell[REPORT_SS_COLUMNS][CELL_MAX],
		  const struct report_row *r, bool processes)
{
	const struct tcpd_status *s = &r->s;

	(void)snprintf(cell[0], CELL_MAX, "%s", tcpd_state_name(s->state));
	(void)snprintf(cell[1], CELL_MAX, "%" PRIu64, s->recv_q);
	(void)snprintf(cell[2], CELL_MAX, "%" PRIu64, s->send_q);
	pretty_addr(cell[3], &s->local);
	pretty_addr(cell[4], &s->peer);
	cell_timer(cell[5], s);
	cell_process(cell[6], &r->info, processes);
}

static void line(const struct report_ss *ss, struct text *t,
		 const char *const cell[REPORT_SS_COLUMNS])
{
	size_t last = REPORT_SS_COLUMNS - 1;

	for (size_t i = 0; i < last; i++)
		text_add(t, right[i] ? "%*s  " : "%-*s  ", (int)ss->width[i],
			 cell[i]);
	text_puts(t, cell[last]);
	text_puts(t, "\n");
}

static void widen(struct report_ss *ss, const char *cell, size_t i)
{
	size_t n = strlen(cell);

	if (n > ss->width[i])
		ss->width[i] = n;
}

static void rows_text(struct report_ss *ss, struct text *t,
		      const struct report_row *r, size_t n)
{
	char cell[REPORT_SS_COLUMNS][CELL_MAX];
	const char *p[REPORT_SS_COLUMNS];

	for (size_t i = 0; i < REPORT_SS_COLUMNS; i++) {
		widen(ss, titles[i], i);
		p[i] = cell[i];
	}
	for (size_t k = 0; k < n; k++) {
		cells(cell, &r[k], ss->processes);
		for (size_t i = 0; i < REPORT_SS_COLUMNS; i++)
			widen(ss, cell[i], i);
	}
	if (ss->rows == 0)
		line(ss, t, titles);
	for (size_t k = 0; k < n; k++) {
		cells(cell, &r[k], ss->processes);
		line(ss, t, p);
	}
}

/* A key without meaning is null (tcpctl(1)). */
static json_t *number_or_null(bool meant, uint64_t n)
{
	return meant ? json_integer((json_int_t)n) : json_null();
}

json_t *report_ss_json(const struct report_row *r)
{
	const struct tcpd_status *s = &r->s;
	const struct endpoint_info *i = &r->info;
	char local[PRETTY_ADDR_MAX], peer[PRETTY_ADDR_MAX];
	bool runs = s->state != TCPD_LISTEN && s->state != TCPD_CLOSED;
	bool timed = runs && s->timer != TCPD_TIMER_NONE;

	return json_pack(
		"{s:I, s:s, s:s, s:s, s:I, s:I, s:s?, s:o, s:o, s:o, s:o, "
		"s:s?}",
		"id", (json_int_t)s->id, "state", tcpd_state_name(s->state),
		"local", pretty_addr(local, &s->local), "peer",
		pretty_addr(peer, &s->peer), "recv_q", (json_int_t)s->recv_q,
		"send_q", (json_int_t)s->send_q, "timer",
		runs ? tcpd_timer_name(s->timer) : NULL, "timer_ms",
		number_or_null(timed, s->timer_left / TCPD_MS(1)), "retries",
		number_or_null(runs && s->kind != TCPD_KIND_TIME_WAIT,
			       s->retries),
		"uid", number_or_null(i->has_process, i->uid), "pid",
		number_or_null(i->has_process, (uint64_t)i->pid), "comm",
		i->comm[0] ? i->comm : NULL);
}

static void json_number(struct text *t, const char *key, bool meant, uint64_t n)
{
	if (meant)
		text_add(t, ",\"%s\":%" PRIu64, key, n);
	else
		text_add(t, ",\"%s\":null", key);
}

/* |s|: printable ASCII, as report_row_make() leaves it. */
static void json_word(struct text *t, const char *key, const char *s)
{
	if (!s) {
		text_add(t, ",\"%s\":null", key);
		return;
	}
	text_add(t, ",\"%s\":\"", key);
	for (; *s; s++) {
		if (*s == '"' || *s == '\\')
			text_put(t, "\\", 1);
		text_put(t, s, 1);
	}
	text_puts(t, "\"");
}

/* As report_ss_json(), octet by octet: a million rows made of objects would
 * cost the loop many times as much. */
static void row_json(struct text *t, const struct report_row *r)
{
	const struct tcpd_status *s = &r->s;
	const struct endpoint_info *i = &r->info;
	char local[PRETTY_ADDR_MAX], peer[PRETTY_ADDR_MAX];
	bool runs = s->state != TCPD_LISTEN && s->state != TCPD_CLOSED;

	text_add(t,
		 "{\"id\":%" PRIu64 ",\"state\":\"%s\",\"local\":\"%s\","
		 "\"peer\":\"%s\",\"recv_q\":%" PRIu64 ",\"send_q\":%" PRIu64,
		 s->id, tcpd_state_name(s->state),
		 pretty_addr(local, &s->local), pretty_addr(peer, &s->peer),
		 s->recv_q, s->send_q);
	json_word(t, "timer", runs ? tcpd_timer_name(s->timer) : NULL);
	json_number(t, "timer_ms", runs && s->timer != TCPD_TIMER_NONE,
		    s->timer_left / TCPD_MS(1));
	json_number(t, "retries", runs && s->kind != TCPD_KIND_TIME_WAIT,
		    s->retries);
	json_number(t, "uid", i->has_process, i->uid);
	json_number(t, "pid", i->has_process, (uint64_t)i->pid);
	json_word(t, "comm", i->comm[0] ? i->comm : NULL);
	text_puts(t, "}\n");
}

void report_ss_rows(struct report_ss *ss, struct text *t,
		    const struct report_row *r, size_t n)
{
	if (!ss->json) {
		rows_text(ss, t, r, n);
		ss->rows += n;
		return;
	}
	for (size_t k = 0; k < n; k++) {
		text_puts(t, ss->rows++ ? "," : "[");
		row_json(t, &r[k]);
	}
}

void report_ss_end(struct report_ss *ss, struct text *t)
{
	if (ss->json)
		text_puts(t, ss->rows ? "]\n" : "[]\n");
	else if (ss->rows == 0)
		rows_text(ss, t, NULL, 0);
}
