/* SPDX-License-Identifier: MIT */
/*
 * report_stats.c - `tcpctl stats`: the stack's counters from the tables of
 * tcpd_stat.h and tcpd_drop.h, and what the daemon itself counts.
 */
#include <inttypes.h>
#include <string.h>

#include "report.h"

/* What the daemon counts beside the stack, in the form of tcpd_stat_row(). */
static const struct own_row {
	const char *group, *key, *text;
} own_rows[] = {
	{"device", "write_errors", "packets that the TUN refused"},
	{"device", "read_errors", "reads from the TUN that failed"},
	{"device", "bad_headers",
	 "virtio-net headers that contradict themselves"},
	{"device", "batches", "wake-ups that read packets"},
	{"captures", "running", "captures over ctl.sock that go on"},
	{"captures", "packets", "packets that captures over ctl.sock took"},
	{"captures", "octets", "their octets, IP header included"},
	{"captures", "lost", "packets that nobody took fast enough"},
	{"log", "lost", "log lines that stderr did not take"},
};
#define NOWN (sizeof(own_rows) / sizeof(own_rows[0]))

static uint64_t own_value(const struct report_stats *s, size_t i)
{
	const uint64_t v[NOWN] = {
		s->tun.write_errors, s->tun.read_errors,  s->tun.bad_headers,
		s->tun.batches,	     s->captures_running, s->captures.packets,
		s->captures.octets,  s->captures.lost,	  s->log_lost};

	return v[i];
}

static uint64_t value(const struct report_stats *s,
		      const struct tcpd_stat_row *row)
{
	uint64_t v;

	memcpy(&v, (const char *)s->st + row->offset, sizeof(v));
	return v;
}

/* ---------------------------------------------------------------- text */

struct printer {
	struct text *t;
	bool all;
	const char *group; /* whose heading stands already */
};

static void print(struct printer *p, const char *group, const char *key,
		  const char *text, uint64_t v)
{
	if (v == 0 && !p->all)
		return;
	if (!p->group || strcmp(p->group, group) != 0) {
		text_add(p->t, "%s%s\n", p->group ? "\n" : "", group);
		p->group = group;
	}
	text_add(p->t, "  %-16s %14" PRIu64 "  %s\n", key, v, text);
}

void report_stats_text(struct text *t, const struct report_stats *s, bool all)
{
	struct printer p = {.t = t, .all = all};
	const struct tcpd_stat_row *row;

	for (unsigned i = 0; (row = tcpd_stat_row(i)) != NULL; i++)
		print(&p, row->group, row->key, row->text, value(s, row));
	for (unsigned i = 0; i < TCPD_NDROPS; i++)
		print(&p, "drops", tcpd_drop_name((enum tcpd_drop)i),
		      tcpd_drop_text((enum tcpd_drop)i), s->st->drops[i]);
	for (unsigned i = 0; i < TCPD_NRESETS; i++)
		print(&p, "resets sent", tcpd_reset_name((enum tcpd_reset)i),
		      tcpd_reset_text((enum tcpd_reset)i),
		      s->st->resets_sent[i]);
	for (unsigned i = 0; i < TCPD_NRESETS; i++)
		print(&p, "resets received",
		      tcpd_reset_name((enum tcpd_reset)i),
		      tcpd_reset_text((enum tcpd_reset)i),
		      s->st->resets_received[i]);
	for (size_t i = 0; i < NOWN; i++)
		print(&p, own_rows[i].group, own_rows[i].key, own_rows[i].text,
		      own_value(s, i));
	if (!p.group)
		text_puts(t, "nothing was counted yet\n");
}

/* ---------------------------------------------------------------- JSON */

static void set(json_t *root, const char *group, const char *key, json_t *v)
{
	json_t *g = json_object_get(root, group);

	if (!g) {
		g = json_object();
		(void)json_object_set_new(root, group, g);
	}
	(void)json_object_set_new(g, key, v);
}

static json_t *by_cause(const uint64_t *v)
{
	json_t *j = json_object();

	for (unsigned i = 0; i < TCPD_NRESETS; i++)
		(void)json_object_set_new(j,
					  tcpd_reset_name((enum tcpd_reset)i),
					  json_integer((json_int_t)v[i]));
	return j;
}

json_t *report_stats_json(const struct report_stats *s)
{
	json_t *root = json_object();
	const struct tcpd_stat_row *row;

	for (unsigned i = 0; (row = tcpd_stat_row(i)) != NULL; i++)
		set(root, row->group, row->key,
		    json_integer((json_int_t)value(s, row)));
	for (unsigned i = 0; i < TCPD_NDROPS; i++)
		set(root, "drops", tcpd_drop_name((enum tcpd_drop)i),
		    json_integer((json_int_t)s->st->drops[i]));
	set(root, "resets", "sent", by_cause(s->st->resets_sent));
	set(root, "resets", "received", by_cause(s->st->resets_received));
	for (size_t i = 0; i < NOWN; i++)
		set(root, own_rows[i].group, own_rows[i].key,
		    json_integer((json_int_t)own_value(s, i)));
	set(root, "device", "offload", json_boolean(s->tun.offload));
	set(root, "device", "link_up", json_boolean(s->tun.link_up));
	return root;
}
