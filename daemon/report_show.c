/* SPDX-License-Identifier: MIT */
/*
 * report_show.c - `tcpctl show ID`: all that struct tcpd_status says about
 * one connection, entry or listener, in words and as JSON.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "report.h"
#include "wire/pretty.h"

static const char *kind_name(enum tcpd_kind k)
{
	switch (k) {
	case TCPD_KIND_CONN:
		return "connection";
	case TCPD_KIND_LISTENER:
		return "listener";
	case TCPD_KIND_HALF_OPEN:
		return "half-open entry";
	case TCPD_KIND_TIME_WAIT:
		return "TIME-WAIT entry";
	}
	return "?";
}

/* A line of the answer: its name, then what follows. */
static void head(struct text *t, const char *name)
{
	text_add(t, "  %-11s ", name);
}

static void ago(struct text *t, const char *what, tcpd_time at, tcpd_time now)
{
	char d[24];

	if (at == 0)
		text_add(t, "%s never", what);
	else
		text_add(
			t, "%s %s ago", what,
			report_duration(d, sizeof(d), now > at ? now - at : 0));
}

static void show_owner(struct text *t, const struct report_row *r)
{
	const struct endpoint_info *i = &r->info;

	head(t, "owner");
	if (i->has_process)
		text_add(t, "%s, pid %ld, uid %lu\n",
			 i->comm[0] ? i->comm : "?", (long)i->pid,
			 (unsigned long)i->uid);
	else if (i->comm[0])
		text_add(t, "service %s\n", i->comm);
	else
		text_puts(t, r->s.closed ? "none: it has closed\n" : "none\n");
}

static void show_timer(struct text *t, const struct tcpd_status *s)
{
	char d[24];

	head(t, "timer");
	text_puts(t, tcpd_timer_name(s->timer));
	if (s->timer != TCPD_TIMER_NONE)
		text_add(t, " in %s",
			 report_duration(d, sizeof(d), s->timer_left));
	if (s->retries)
		text_add(t, ", %" PRIu32 " retries", s->retries);
	text_puts(t, "\n");
	if (s->err) {
		head(t, "ended by");
		text_add(t, "%s\n", tcpd_err_text(s->err));
	}
	if (s->soft_err) {
		head(t, "soft error");
		text_add(t, "%s\n", tcpd_err_text(s->soft_err));
	}
}

static void show_path(struct text *t, const struct tcpd_status *s)
{
	char a[24], b[24], c[24], d[24];

	head(t, "round trip");
	if (s->srtt)
		text_add(t, "%s smoothed, %s variation, %s least, ",
			 report_duration(a, sizeof(a), s->srtt),
			 report_duration(b, sizeof(b), s->rttvar),
			 report_duration(c, sizeof(c), s->min_rtt));
	else
		text_puts(t, "not measured yet, ");
	text_add(t, "time-out %s\n", report_duration(d, sizeof(d), s->rto));
	head(t, "congestion");
	text_add(t, "%s: window %" PRIu32 ", threshold ",
		 s->congestion ? s->congestion : "?", s->cwnd);
	if (s->ssthresh >= INT32_MAX)
		text_puts(t, "none");
	else
		text_add(t, "%" PRIu32, s->ssthresh);
	text_add(t, ", in flight %" PRIu32, s->in_flight);
	if (s->pacing_rate)
		text_add(t, ", paced at %s octets/s",
			 report_count(a, sizeof(a), s->pacing_rate));
	if (s->after_rto)
		text_puts(t, ", after a time-out");
	else if (s->in_recovery)
		text_puts(t, ", in recovery");
	text_puts(t, "\n");
	head(t, "segments of");
	text_add(t,
		 "%" PRIu32 " octets (path %" PRIu32
		 " found by %s, offered %" PRIu32 ")\n",
		 s->mss, s->pmtu, tcpd_pmtu_name(s->pmtu_how), s->advmss);
}

static void show_sequence(struct text *t, const struct tcpd_status *s)
{
	head(t, "sending");
	text_add(t,
		 "una %" PRIu32 " (iss +%" PRIu32 "), nxt una +%" PRIu32
		 ", window %" PRIu32 " (most %" PRIu32 ", shift %u)\n",
		 s->snd_una, s->snd_una - s->iss, s->snd_nxt - s->snd_una,
		 s->snd_wnd, s->max_snd_wnd, s->snd_wscale);
	head(t, "receiving");
	text_add(t,
		 "nxt %" PRIu32 " (irs +%" PRIu32 "), window %" PRIu32
		 " (shift %u), out of order %" PRIu32 "\n",
		 s->rcv_nxt, s->rcv_nxt - s->irs, s->rcv_wnd, s->rcv_wscale,
		 s->rcv_ooo);
	head(t, "options");
	text_add(t, "%s%s%s%s%s%s%s%s\n", s->ts ? "time stamps, " : "",
		 s->wscale ? "window scale, " : "", s->sack ? "SACK, " : "",
		 !s->ecn	? ""
		 : s->ecn_marks ? "ECN, "
				: "ECN given up, ",
		 s->syn_data ? "text on the SYN, " : "",
		 s->nodelay ? "no delay, " : "Nagle, ",
		 s->cork ? "corked, " : "",
		 s->keepalive ? "keep-alive" : "no keep-alive");
}

static void show_counts(struct text *t, const struct tcpd_status *s,
			tcpd_time now)
{
	head(t, "octets");
	text_add(t,
		 "received %" PRIu64 ", sent %" PRIu64 ", acknowledged %" PRIu64
		 ", sent again %" PRIu64 "\n",
		 s->octets_received, s->octets_sent, s->octets_acked,
		 s->octets_retrans);
	head(t, "segments");
	text_add(t,
		 "in %" PRIu64 " (%" PRIu64 " with text), out %" PRIu64
		 " (%" PRIu64 " with text), sent again %" PRIu32 "\n",
		 s->segs_in, s->data_segs_in, s->segs_out, s->data_segs_out,
		 s->retransmits);
	head(t, "buffers");
	text_add(t, "receive %" PRIu32 ", send %" PRIu32 "\n", s->rcv_buffer,
		 s->snd_buffer);
	head(t, "last");
	ago(t, "sent", s->last_snd, now);
	ago(t, ", received", s->last_rcv, now);
	ago(t, ", ACK", s->last_ack, now);
	text_puts(t, "\n");
}

void report_show_text(struct text *t, const struct report_row *r, tcpd_time now)
{
	const struct tcpd_status *s = &r->s;
	char local[PRETTY_ADDR_MAX], peer[PRETTY_ADDR_MAX];

	text_add(t, "%" PRIu64 "  %s  %s  peer %s\n", s->id,
		 tcpd_state_name(s->state), pretty_addr(local, &s->local),
		 pretty_addr(peer, &s->peer));
	head(t, "kind");
	text_puts(t, kind_name(s->kind));
	if (s->born)
		ago(t, ", begun", s->born, now);
	text_puts(t, "\n");
	show_owner(t, r);
	head(t, "queues");
	if (s->kind == TCPD_KIND_LISTENER) {
		text_add(t, "%" PRIu64 " to accept, backlog %" PRIu64 "\n",
			 s->recv_q, s->send_q);
		return;
	}
	text_add(t, "receive %" PRIu64, s->recv_q);
	if (r->info.unread)
		text_add(t, " (%" PRIu64 " of them in the app's fd)",
			 r->info.unread);
	text_add(t, ", send %" PRIu64 " (%" PRIu32 " not sent yet)", s->send_q,
		 s->unsent);
	if (r->info.unsent)
		text_add(t, ", %" PRIu64 " more in the app's fd",
			 r->info.unsent);
	text_puts(t, "\n");
	show_timer(t, s);
	if (s->kind != TCPD_KIND_CONN || s->state == TCPD_CLOSED)
		return;
	show_path(t, s);
	show_sequence(t, s);
	show_counts(t, s, now);
}

/* ---------------------------------------------------------------- JSON */

static json_int_t us(tcpd_time ns)
{
	return (json_int_t)(ns / TCPD_US(1));
}

/* Milliseconds since |at|, or null for never. */
static json_t *ms_ago(tcpd_time at, tcpd_time now)
{
	if (at == 0)
		return json_null();
	return json_integer(
		(json_int_t)((now > at ? now - at : 0) / TCPD_MS(1)));
}

static json_t *json_conn(const struct tcpd_status *s, tcpd_time now)
{
	json_t *a, *b;

	a = json_pack(
		"{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:s,"
		" s:I, s:s?, s:b, s:b, s:b, s:b, s:b, s:b, s:b, s:b, s:b,"
		" s:b, s:b, s:b}",
		"srtt_us", us(s->srtt), "rttvar_us", us(s->rttvar), "rto_us",
		us(s->rto), "min_rtt_us", us(s->min_rtt), "cwnd",
		(json_int_t)s->cwnd, "ssthresh", (json_int_t)s->ssthresh,
		"in_flight", (json_int_t)s->in_flight, "unsent",
		(json_int_t)s->unsent, "pacing_rate",
		(json_int_t)s->pacing_rate, "mss", (json_int_t)s->mss, "pmtu",
		(json_int_t)s->pmtu, "pmtu_how", tcpd_pmtu_name(s->pmtu_how),
		"advmss", (json_int_t)s->advmss, "congestion", s->congestion,
		"ts", s->ts, "wscale", s->wscale, "sack", s->sack, "ecn",
		s->ecn, "ecn_marks", s->ecn_marks, "ecn_seen", s->ecn_seen,
		"nodelay", s->nodelay, "cork", s->cork, "keepalive",
		s->keepalive, "in_recovery", s->in_recovery, "after_rto",
		s->after_rto, "syn_data", s->syn_data);
	b = json_pack(
		"{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:i, s:i, s:o,"
		" s:o, s:o}",
		"snd_una", (json_int_t)s->snd_una, "snd_nxt",
		(json_int_t)s->snd_nxt, "snd_wnd", (json_int_t)s->snd_wnd,
		"max_snd_wnd", (json_int_t)s->max_snd_wnd, "iss",
		(json_int_t)s->iss, "rcv_nxt", (json_int_t)s->rcv_nxt,
		"rcv_wnd", (json_int_t)s->rcv_wnd, "irs", (json_int_t)s->irs,
		"rcv_ooo", (json_int_t)s->rcv_ooo, "snd_wscale",
		(int)s->snd_wscale, "rcv_wscale", (int)s->rcv_wscale,
		"last_snd_ms", ms_ago(s->last_snd, now), "last_rcv_ms",
		ms_ago(s->last_rcv, now), "last_ack_ms",
		ms_ago(s->last_ack, now));
	if (a && b)
		(void)json_object_update(a, b);
	json_decref(b);
	b = json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I,"
		      " s:I, s:I, s:I, s:I}",
		      "octets_acked", (json_int_t)s->octets_acked,
		      "octets_received", (json_int_t)s->octets_received,
		      "octets_sent", (json_int_t)s->octets_sent,
		      "octets_retrans", (json_int_t)s->octets_retrans,
		      "segs_in", (json_int_t)s->segs_in, "segs_out",
		      (json_int_t)s->segs_out, "data_segs_in",
		      (json_int_t)s->data_segs_in, "data_segs_out",
		      (json_int_t)s->data_segs_out, "retransmits",
		      (json_int_t)s->retransmits, "rcv_buffer",
		      (json_int_t)s->rcv_buffer, "snd_buffer",
		      (json_int_t)s->snd_buffer, "rcv_rtt_us", us(s->rcv_rtt),
		      "busy_us", us(s->busy), "limited_by_window_us",
		      us(s->limited_by_window), "limited_by_buffer_us",
		      us(s->limited_by_buffer));
	if (a && b)
		(void)json_object_update(a, b);
	json_decref(b);
	return a;
}

json_t *report_show_json(const struct report_row *r, tcpd_time now)
{
	const struct tcpd_status *s = &r->s;
	json_t *j = report_ss_json(r), *more;

	more = json_pack(
		"{s:s, s:o, s:s?, s:s?, s:b, s:I, s:I}", "kind",
		kind_name(s->kind), "age_ms", ms_ago(s->born, now), "error",
		s->err ? tcpd_err_name(s->err) : NULL, "soft_error",
		s->soft_err ? tcpd_err_name(s->soft_err) : NULL, "closed",
		s->closed, "app_unread", (json_int_t)r->info.unread,
		"app_unsent", (json_int_t)r->info.unsent);
	if (j && more)
		(void)json_object_update(j, more);
	json_decref(more);
	if (s->kind != TCPD_KIND_CONN || s->state == TCPD_CLOSED)
		return j;
	more = json_conn(s, now);
	if (j && more)
		(void)json_object_update(j, more);
	json_decref(more);
	return j;
}
