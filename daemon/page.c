/* SPDX-License-Identifier: MIT */
/*
 * page.c - the status page: what runs, how many connections are in which
 * state, a table of the first ones, and what was dropped.  One piece of HTML
 * without a script or anything from elsewhere; the words of a peer or program
 * that are shown in it are only ever addresses and cleaned names.
 */
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "page.h"
#include "report.h"
#include "wire/pretty.h"

#define ROWS_MAX 200

static const char top[] =
	"<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n"
	"<meta charset=\"utf-8\">\n"
	"<meta name=\"viewport\" content=\"width=device-width, "
	"initial-scale=1\">\n"
	"<title>tcpd</title>\n<style>\n"
	":root{color-scheme:light dark;--line:#d0d4d9;--soft:#f3f5f7;"
	"--dim:#5c6670;--mark:#0a62a6}\n"
	"@media(prefers-color-scheme:dark){:root{--line:#3a4149;"
	"--soft:#1e2329;--dim:#9aa5b1;--mark:#6cb6f5}}\n"
	"body{font:16px/1.5 system-ui,sans-serif;max-width:64rem;"
	"margin:0 auto;padding:1rem}\n"
	"h1{font-size:1.4rem;margin:.2rem 0}"
	"h2{font-size:1.1rem;margin:1.6rem 0 .5rem}\n"
	".dim{color:var(--dim)}\n"
	"dl{display:grid;grid-template-columns:max-content 1fr;gap:.1rem 1rem;"
	"margin:.8rem 0}dt{color:var(--dim)}dd{margin:0;"
	"overflow-wrap:anywhere}\n"
	".states{display:grid;gap:.5rem;"
	"grid-template-columns:repeat(auto-fill,minmax(8.2rem,1fr))}\n"
	".states div{background:var(--soft);border-radius:.4rem;"
	"padding:.4rem .6rem;font-size:.75rem;color:var(--dim)}\n"
	".states b{display:block;font-size:1.3rem;color:var(--mark)}"
	".states .none b{color:var(--dim);font-weight:400}\n"
	".wide{overflow-x:auto}table{border-collapse:collapse;width:100%;"
	"font-size:.85rem;font-variant-numeric:tabular-nums}\n"
	"th,td{text-align:left;padding:.25rem .7rem .25rem 0;"
	"border-bottom:1px solid var(--line);white-space:nowrap}"
	"th{color:var(--dim);font-weight:600}.n{text-align:right}\n"
	"code{font:inherit;color:var(--mark)}\n"
	"</style>\n</head>\n<body>\n";

/* What one walk over the stack finds. */
struct seen {
	uint64_t live[TCPD_NSTATES];
	uint64_t rows; /* that could be shown */
	struct text table;
};

static void cell(struct text *t, const char *s)
{
	text_puts(t, "<td>");
	text_html(t, s);
}

static void table_row(struct daemon *d, struct text *t,
		      const struct tcpd_status *s)
{
	char a[PRETTY_ADDR_MAX];
	struct report_row r;

	report_row_make(d, s, &r);
	text_puts(t, "<tr>");
	cell(t, tcpd_state_name(s->state));
	text_add(t, "<td class=\"n\">%" PRIu64 "<td class=\"n\">%" PRIu64,
		 r.s.recv_q, r.s.send_q);
	cell(t, pretty_addr(a, &s->local));
	cell(t, pretty_addr(a, &s->peer));
	text_puts(t, "<td>");
	if (s->timer == TCPD_TIMER_NONE)
		text_puts(t, "-");
	else
		text_add(t, "%s %s", tcpd_timer_name(s->timer),
			 report_duration(a, sizeof(a), s->timer_left));
	cell(t, r.info.comm[0] ? r.info.comm : "-");
	text_puts(t, "\n");
}

static void closed(void *arg, const struct app_socket *s)
{
	struct seen *seen = arg;

	(void)s;
	seen->live[TCPD_CLOSED]++;
}

static void walk(struct daemon *d, struct seen *seen)
{
	const struct tcpd_stats *st = tcpd_stats(d->st);
	uint64_t nhalf = st->now_half_open; /* not seen */
	struct tcpd_cursor c = {0};
	struct tcpd_status s;

	while (tcpd_each(d->st, &c, &s, d->now)) {
		/* of these there may be a million: their numbers are known */
		if (s.kind == TCPD_KIND_TIME_WAIT ||
		    (s.kind == TCPD_KIND_HALF_OPEN && seen->rows >= ROWS_MAX))
			break;
		if (s.kind == TCPD_KIND_HALF_OPEN)
			nhalf--;
		else if (s.state != TCPD_TIME_WAIT) /* that has an entry */
			seen->live[s.state]++;
		if (seen->rows++ < ROWS_MAX)
			table_row(d, &seen->table, &s);
	}
	seen->rows += nhalf;
	seen->live[TCPD_SYN_RECEIVED] += st->now_half_open;
	seen->live[TCPD_TIME_WAIT] = st->now_time_wait;
	app_each_closed(d, closed, seen);
}

static void term(struct text *t, const char *name, const char *value)
{
	text_add(t, "<dt>%s<dd>", name);
	text_html(t, value);
	text_puts(t, "\n");
}

static void facts(struct daemon *d, struct text *t)
{
	const struct tcpd_stats *st = tcpd_stats(d->st);
	tcpd_time up = d->now > d->start ? d->now - d->start : 0;
	char buf[96];

	text_puts(t, "<dl>\n");
	text_puts(t, "<dt>addresses<dd>");
	for (size_t i = 0; i < d->conf->naddresses; i++) {
		text_puts(t, i ? ", " : "");
		text_html(t, d->conf->addresses[i].text);
	}
	text_puts(t, "\n");
	term(t, "device", d->conf->tun);
	term(t, "profile", d->conf->profile);
	term(t, "up for",
	     report_duration(
		     buf, sizeof(buf),
		     up / (d->conf->time_scale ? d->conf->time_scale : 1)));
	text_add(t,
		 "<dt>segments<dd>%" PRIu64 " in, %" PRIu64 " out, %" PRIu64
		 " sent again\n",
		 st->segments_in, st->segments_out, st->segments_retransmitted);
	text_add(t,
		 "<dt>octets<dd>%" PRIu64 " received, %" PRIu64
		 " sent\n<dt>buffers<dd>%" PRIu64 " of %" PRIu64
		 " octets\n</dl>\n",
		 st->octets_received, st->octets_sent, st->now_blocks,
		 d->conf->memory);
}

static void states(struct text *t, const struct seen *seen)
{
	text_puts(t, "<h2>States</h2>\n<div class=\"states\">\n");
	for (unsigned s = 0; s < TCPD_NSTATES; s++)
		text_add(t, "<div%s><b>%" PRIu64 "</b>%s</div>\n",
			 seen->live[s] ? "" : " class=\"none\"", seen->live[s],
			 tcpd_state_name((enum tcpd_state)s));
	text_puts(t, "</div>\n");
}

static void connections(struct text *t, const struct seen *seen)
{
	text_puts(t, "<h2>Connections and listeners</h2>\n"
		     "<div class=\"wide\"><table>\n<tr><th>State"
		     "<th class=\"n\">Recv-Q<th class=\"n\">Send-Q<th>Local"
		     "<th>Peer<th>Timer<th>Process\n");
	text_put(t, seen->table.p ? seen->table.p : "", seen->table.len);
	text_puts(t, "</table></div>\n");
	if (seen->rows > ROWS_MAX)
		text_add(t,
			 "<p class=\"dim\">The first %d of %" PRIu64
			 "; <code>tcpctl ss -a</code> shows them all.</p>\n",
			 ROWS_MAX, seen->rows);
	if (seen->live[TCPD_TIME_WAIT])
		text_add(t,
			 "<p class=\"dim\">And %" PRIu64 " in TIME-WAIT.</p>\n",
			 seen->live[TCPD_TIME_WAIT]);
}

static void drops(struct daemon *d, struct text *t)
{
	const struct tcpd_stats *st = tcpd_stats(d->st);
	bool any = false;

	text_puts(t, "<h2>Dropped</h2>\n");
	for (unsigned i = 0; i < TCPD_NDROPS; i++) {
		if (!st->drops[i])
			continue;
		if (!any)
			text_puts(t, "<div class=\"wide\"><table>\n<tr>"
				     "<th>Reason<th class=\"n\">Packets"
				     "<th>Meaning\n");
		any = true;
		text_puts(t, "<tr>");
		cell(t, tcpd_drop_name((enum tcpd_drop)i));
		text_add(t, "<td class=\"n\">%" PRIu64, st->drops[i]);
		cell(t, tcpd_drop_text((enum tcpd_drop)i));
		text_puts(t, "\n");
	}
	text_puts(t, any ? "</table></div>\n"
			 : "<p class=\"dim\">Nothing so far.</p>\n");
}

void page_make(struct daemon *d, struct text *t)
{
	struct seen seen = {.rows = 0};

	walk(d, &seen);
	text_puts(t, top);
	text_puts(
		t,
		"<h1>tcpd is running</h1>\n<p class=\"dim\">tcpd " TCPD_VERSION
		", a TCP/IP stack in user space: this page "
		"came through it, not through the kernel's TCP.</p>\n");
	facts(d, t);
	states(t, &seen);
	connections(t, &seen);
	drops(d, t);
	text_puts(t, "</body>\n</html>\n");
	t->failed = t->failed || seen.table.failed;
	text_free(&seen.table);
}
