/* SPDX-License-Identifier: MIT */
/*
 * asserts.c - the verbs that look and change nothing: states, counters, what
 * a status shows, events, options.
 */
#include <string.h>

#include "script.h"

static bool same_flow(const struct flow *f, const struct tcpd_status *st)
{
	return st->kind != TCPD_KIND_LISTENER &&
	       st->local.port == f->local.port &&
	       st->peer.port == f->peer.port &&
	       !memcmp(st->local.ip, f->local.ip, 16) &&
	       !memcmp(st->peer.ip, f->peer.ip, 16);
}

/* By its numbers (half-open and TIME-WAIT entries too), else by its handle. */
static bool find(struct stage *s, const struct flow *f, struct tcpd_status *st)
{
	struct tcpd_cursor cur = {0};

	while (tcpd_each(s->st, &cur, st, s->now))
		if (same_flow(f, st))
			return true;
	return f->h && !tcpd_status(s->st, f->h, st, s->now);
}

static bool do_state(struct stage *s, struct line *l, unsigned w)
{
	struct flow *f = flow_word(s, l, &w, "c");
	const char *want = word_at(l, w);
	struct tcpd_status st;
	const char *is;

	if (!f || !want)
		return stage_fail(s, "a state was expected");
	is = find(s, f, &st) ? tcpd_state_name(st.state) : "gone";
	if (!strcmp(is, want))
		return true;
	return stage_fail(s, "state %s was expected, it is %s", want, is);
}

static bool do_handle(struct stage *s, struct line *l, unsigned w)
{
	struct flow *f = flow_word(s, l, &w, "c");
	struct tcpd_status st;

	if (!f)
		return false;
	return verb_expect(s, l, w, tcpd_status(s->st, f->h, &st, s->now), 0);
}

/* "[>=|<=] N" */
static bool compare(struct stage *s, struct line *l, unsigned w, uint64_t came)
{
	const char *op = "=";
	uint64_t want;
	tcpd_time t;

	if (word_is(l, w, ">=") || word_is(l, w, "<=") || word_is(l, w, "="))
		op = l->words[w++];
	if (number_size(word_at(l, w), &want))
		;
	else if (number_time(word_at(l, w), &t))
		want = t;
	else
		return stage_fail(s, "a number was expected");
	if (*op == '>'	 ? came >= want
	    : *op == '<' ? came <= want
			 : came == want)
		return true;
	return stage_fail(s, "%s %llu was expected, it is %llu", op,
			  (unsigned long long)want, (unsigned long long)came);
}

/* "drops.paws", "resets.sent.abort", "segments.in" */
static const uint64_t *counter(const struct tcpd_stats *st, const char *key)
{
	const struct tcpd_stat_row *row;

	for (unsigned i = 0; !strncmp(key, "drops.", 6) && i < TCPD_NDROPS; i++)
		if (!strcmp(key + 6, tcpd_drop_name((enum tcpd_drop)i)))
			return &st->drops[i];
	for (unsigned i = 0; i < TCPD_NRESETS; i++) {
		const char *name = tcpd_reset_name((enum tcpd_reset)i);

		if (!strncmp(key, "resets.sent.", 12) &&
		    !strcmp(key + 12, name))
			return &st->resets_sent[i];
		if (!strncmp(key, "resets.received.", 16) &&
		    !strcmp(key + 16, name))
			return &st->resets_received[i];
	}
	for (unsigned i = 0; (row = tcpd_stat_row(i)) != NULL; i++) {
		size_t n = strlen(row->group);

		if (!strncmp(key, row->group, n) && key[n] == '.' &&
		    !strcmp(key + n + 1, row->key))
			return (const uint64_t *)((const char *)st +
						  row->offset);
	}
	return NULL;
}

static bool do_stat(struct stage *s, struct line *l, unsigned w)
{
	const char *key = word_at(l, w);
	const struct tcpd_stats *now = tcpd_stats(s->st);
	const uint64_t *v = key ? counter(now, key) : NULL;

	if (!v)
		return stage_fail(s, "no counter is called %s", key ? key : "");
	return compare(s, l, w + 1, *v);
}

#define FIELD(name, field)                                       \
	{                                                        \
		name, offsetof(struct tcpd_status, field),       \
			sizeof(((struct tcpd_status *)0)->field) \
	}
static const struct {
	const char *name;
	size_t offset, size;
} status_fields[] = {
	FIELD("recv-q", recv_q),
	FIELD("send-q", send_q),
	FIELD("retries", retries),
	FIELD("closed", closed),
	FIELD("srtt", srtt),
	FIELD("rttvar", rttvar),
	FIELD("rto", rto),
	FIELD("min-rtt", min_rtt),
	FIELD("cwnd", cwnd),
	FIELD("ssthresh", ssthresh),
	FIELD("pacing-rate", pacing_rate),
	FIELD("in-flight", in_flight),
	FIELD("unsent", unsent),
	FIELD("mss", mss),
	FIELD("pmtu", pmtu),
	FIELD("advmss", advmss),
	FIELD("snd-wnd", snd_wnd),
	FIELD("max-snd-wnd", max_snd_wnd),
	FIELD("rcv-wnd", rcv_wnd),
	FIELD("rcv-ooo", rcv_ooo),
	FIELD("urgent", urgent),
	FIELD("snd-wscale", snd_wscale),
	FIELD("rcv-wscale", rcv_wscale),
	FIELD("ts", ts),
	FIELD("wscale", wscale),
	FIELD("sack", sack),
	FIELD("ecn", ecn),
	FIELD("ecn-marks", ecn_marks),
	FIELD("ecn-seen", ecn_seen),
	FIELD("in-cwr", in_cwr),
	FIELD("in-recovery", in_recovery),
	FIELD("sacked", sacked),
	FIELD("reordering", reordering),
	FIELD("reordering-seen", reordering_seen),
	FIELD("after-rto", after_rto),
	FIELD("retransmits", retransmits),
	FIELD("octets-acked", octets_acked),
	FIELD("octets-received", octets_received),
	FIELD("octets-sent", octets_sent),
	FIELD("octets-retrans", octets_retrans),
	FIELD("segs-in", segs_in),
	FIELD("segs-out", segs_out),
	FIELD("rcv-buffer", rcv_buffer),
	FIELD("snd-buffer", snd_buffer),
	FIELD("rcv-rtt", rcv_rtt),
	FIELD("rcv-space", rcv_space),
	FIELD("busy", busy),
	FIELD("limited-by-window", limited_by_window),
	FIELD("limited-by-buffer", limited_by_buffer),
	FIELD("timer-left", timer_left),
	FIELD("tos", tos),
	FIELD("ttl", ttl),
	FIELD("rcv-tos", rcv_tos),
	FIELD("syn-data", syn_data),
};
#undef FIELD

static uint64_t number_at(const void *p, size_t size)
{
	uint64_t v = 0;

	memcpy(&v, p, size); /* little endian, as everything here */
	return v;
}

static const char *status_text(const struct tcpd_status *st, const char *name)
{
	if (!strcmp(name, "timer"))
		return tcpd_timer_name(st->timer);
	if (!strcmp(name, "err"))
		return st->err ? tcpd_err_name(st->err) : "none";
	if (!strcmp(name, "soft-err"))
		return st->soft_err ? tcpd_err_name(st->soft_err) : "none";
	if (!strcmp(name, "pmtu-how"))
		return tcpd_pmtu_name(st->pmtu_how);
	if (!strcmp(name, "congestion"))
		return st->congestion;
	return NULL;
}

static bool do_status(struct stage *s, struct line *l, unsigned w)
{
	struct flow *f = flow_word(s, l, &w, "c");
	const char *name = word_at(l, w);
	struct tcpd_status st;
	const char *is;

	if (!f || !name || !word_at(l, w + 1))
		return stage_fail(s, "a field and its value were expected");
	if (!find(s, f, &st))
		return stage_fail(s, "it is gone");
	is = status_text(&st, name);
	if (is) {
		if (!strcmp(is, l->words[w + 1]))
			return true;
		return stage_fail(s, "%s was expected, it is %s",
				  l->words[w + 1], is);
	}
	for (size_t i = 0; i < sizeof(status_fields) / sizeof(*status_fields);
	     i++)
		if (!strcmp(name, status_fields[i].name))
			return compare(
				s, l, w + 1,
				number_at((const char *)&st +
						  status_fields[i].offset,
					  status_fields[i].size));
	return stage_fail(s, "no field is called %s", name);
}

static const char *const event_names[] = {
	"ACCEPT", "OPEN",    "READABLE", "WRITABLE", "FIN",
	"RESET",  "TIMEOUT", "GONE",	 "SOFT",     "URGENT",
};

static bool do_event(struct stage *s, struct line *l, unsigned w)
{
	struct flow *f = flow_word(s, l, &w, "c");
	int err;

	if (!f)
		return false;
	if (word_is(l, w, "none"))
		return f->events ? stage_fail(s, "events came: %#x", f->events)
				 : true;
	for (; w < l->nwords && l->words[w][0] != '='; w++) {
		unsigned bit = 0;

		while (bit < 10 && strcmp(l->words[w], event_names[bit]) != 0)
			bit++;
		if (bit == 10)
			return stage_fail(s, "%s is no event", l->words[w]);
		if (!(f->events & 1u << bit))
			return stage_fail(s, "%s was expected, came: %#x",
					  l->words[w], f->events);
	}
	f->events = 0;
	err = f->err;
	f->err = 0;
	return verb_expect(s, l, w, -err, 0);
}

static bool do_eof(struct stage *s, struct line *l, unsigned w)
{
	struct flow *f = flow_word(s, l, &w, "c");
	bool want = word_is(l, w, "yes");

	if (!f)
		return false;
	if (tcpd_recv_eof(s->st, f->h) == want)
		return true;
	return stage_fail(s, "tcpd_recv_eof says %s", want ? "no" : "yes");
}

static bool do_unsent(struct stage *s, struct line *l, unsigned w)
{
	struct flow *f = flow_word(s, l, &w, "c");

	return f && compare(s, l, w, tcpd_unsent(s->st, f->h));
}

static bool do_unacked(struct stage *s, struct line *l, unsigned w)
{
	struct flow *f = flow_word(s, l, &w, "c");

	return f && compare(s, l, w, tcpd_unacked(s->st, f->h));
}

static bool do_readable(struct stage *s, struct line *l, unsigned w)
{
	struct flow *f = flow_word(s, l, &w, "c");

	return f && compare(s, l, w, tcpd_readable(s->st, f->h));
}

static bool do_soft_error(struct stage *s, struct line *l, unsigned w)
{
	struct flow *f = flow_word(s, l, &w, "c");

	return f && verb_expect(s, l, w, -tcpd_soft_error(s->st, f->h), 0);
}

static bool do_getoption(struct stage *s, struct line *l, unsigned w)
{
	struct flow *f = flow_word(s, l, &w, "c");
	int o = settings_option(word_at(l, w));
	uint64_t v = 0;
	int err;

	if (!f || o < 0)
		return stage_fail(s, "an option's name was expected");
	err = tcpd_get_option(s->st, f->h, (enum tcpd_option)o, &v);
	if (err || word_is(l, w + 1, "="))
		return verb_expect(s, l, w, err, 0);
	return compare(s, l, w + 1, v);
}

/* How many entries there are of all kinds but listeners. */
static bool do_entries(struct stage *s, struct line *l, unsigned w)
{
	struct tcpd_cursor cur = {0};
	struct tcpd_status st;
	uint64_t n = 0;

	while (tcpd_each(s->st, &cur, &st, s->now))
		n += st.kind != TCPD_KIND_LISTENER;
	return compare(s, l, w, n);
}

static bool do_syn_room(struct stage *s, struct line *l, unsigned w)
{
	struct flow *f = flow_word(s, l, &w, "c");

	return f && compare(s, l, w, tcpd_syn_room(s->st, f->h));
}

const struct verb assert_verbs[] = {
	{"syn-room", do_syn_room}, {"state", do_state},
	{"handle", do_handle},	   {"stat", do_stat},
	{"status", do_status},	   {"event", do_event},
	{"eof", do_eof},	   {"unacked", do_unacked},
	{"readable", do_readable}, {"soft-error", do_soft_error},
	{"unsent", do_unsent},	   {"option?", do_getoption},
	{"entries", do_entries},   {NULL, NULL},
};
