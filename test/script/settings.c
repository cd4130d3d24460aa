/* SPDX-License-Identifier: MIT */
/*
 * settings.c - `setting NAME VALUE…` at the head of a script and `reconf NAME
 * VALUE…` within: struct tcpd_settings, one row a field.
 */
#include <stdlib.h>
#include <string.h>

#include "script.h"

enum kind { U8, U16, U32, U64, TIME };

static const struct {
	const char *name;
	enum kind kind;
	size_t offset;
} fields[] = {
#define FIELD(name, kind, field)                                  \
	{                                                         \
		name, kind, offsetof(struct tcpd_settings, field) \
	}
	FIELD("connections", U32, max_conns),
	FIELD("listeners", U32, max_listeners),
	FIELD("half-open", U32, max_half_open),
	FIELD("time-wait-max", U32, max_time_wait),
	FIELD("memory", U64, memory),
	FIELD("backlog", U32, conn.backlog),
	FIELD("time-wait", TIME, conn.time_wait),
	FIELD("receive-buffer", U32, conn.receive_buffer),
	FIELD("send-buffer", U32, conn.send_buffer),
	FIELD("rto-init", TIME, rto_init),
	FIELD("rto-min", TIME, rto_min),
	FIELD("rto-max", TIME, rto_max),
	FIELD("delack", TIME, delack),
	FIELD("ts-tick", TIME, ts_tick),
	FIELD("fin-wait-2", TIME, fin_wait_2),
	FIELD("syn-retries", U8, syn_retries),
	FIELD("retries", U8, retries),
	FIELD("burst-segments", U8, burst_segments),
	FIELD("orphan-retries", U8, orphan_retries),
	FIELD("orphans", U32, max_orphans),
	FIELD("wscale", U8, wscale),
	FIELD("resets", U32, resets_per_second),
	FIELD("mtu", U16, mtu),
	FIELD("port-min", U16, port_min),
	FIELD("port-max", U16, port_max),
	FIELD("queue", U8, queue),
	FIELD("naddrs", U8, naddrs),
	FIELD("fast-open", U8, fast_open),
#undef FIELD
};

static void add_address(struct tcpd_settings *set, const char *stack,
			uint8_t len)
{
	struct stage s = {.version = strchr(stack, '[') ? 6 : 4};
	struct tcpd_addr a;
	struct tcpd_prefix *p = &set->addr[set->naddrs++];

	flow_place(&s, stack, &a);
	memcpy(p->ip, a.ip, 16);
	p->family = a.family;
	p->len = len;
}

/* Small tables, so that a stack costs little; no offloads, so that each
 * segment is seen; no pacing, so that what a window allows leaves at once. */
void settings_default(struct stage *s)
{
	struct tcpd_settings *set = &s->set;

	tcpd_settings_init(set);
	set->pacing = false;
	set->max_conns = 64;
	set->max_listeners = 16;
	set->max_half_open = 64;
	set->max_time_wait = 64;
	set->memory = 16u << 20;
	set->tso4 = set->tso6 = set->csum = false;
	set->mtu = s->version == 4 ? 1500 : 1520;
	set->naddrs = 0;
	add_address(set, "10.77.0.2:0", 24);
	add_address(set, "[fd77::2]:0", 64);
	for (unsigned i = 0; i < sizeof(set->key); i++)
		set->key[i] = (uint8_t)(17 * i + 3);
	s->peer_isn = 0x10203040;
}

/* The same MSS for both families: IPv6 gets an MTU 20 octets larger. */
static void put(const struct stage *s, struct tcpd_settings *set, size_t i,
		uint64_t v)
{
	char *at = (char *)set + fields[i].offset;

	if (!strcmp(fields[i].name, "mtu") && s->version == 6)
		v += 20;
	switch (fields[i].kind) {
	case U8:
		*(uint8_t *)at = (uint8_t)v;
		break;
	case U16:
		*(uint16_t *)at = (uint16_t)v;
		break;
	case U32:
		*(uint32_t *)at = (uint32_t)v;
		break;
	case U64:
	case TIME:
		*(uint64_t *)at = v;
		break;
	}
}

static bool waits(struct stage *s, struct line *l, unsigned w,
		  struct tcpd_settings *set)
{
	set->conn.nsynack_waits = 0;
	for (; w < l->nwords && l->words[w][0] != '='; w++) {
		if (set->conn.nsynack_waits == TCPD_MAX_WAITS ||
		    !number_time(
			    l->words[w],
			    &set->conn.synack_wait[set->conn.nsynack_waits++]))
			return stage_fail(s, "%s is no wait, or one too many",
					  l->words[w]);
	}
	return true;
}

static bool address(struct stage *s, struct line *l, unsigned w,
		    struct tcpd_settings *set)
{
	struct tcpd_addr a;
	struct tcpd_prefix *p = &set->addr[set->naddrs];
	int64_t len;

	if (set->naddrs == TCPD_MAX_ADDRS ||
	    !flow_place(s, word_at(l, w), &a) ||
	    !line_number(s, l, w + 1, &len))
		return stage_fail(s, "ADDRESS:0 PREFIX [local] was expected");
	memset(p, 0, sizeof(*p));
	memcpy(p->ip, a.ip, 16);
	p->family = a.family;
	p->len = (uint8_t)len;
	p->local = word_is(l, w + 2, "local");
	set->naddrs++;
	return true;
}

bool settings_cookies(struct tcpd_conn_settings *cs, const char *mode)
{
	static const char *const modes[TCPD_NCOOKIES] = {
		[TCPD_COOKIES_OFF] = "off",
		[TCPD_COOKIES_AUTO] = "auto",
		[TCPD_COOKIES_ALWAYS] = "always",
	};

	for (uint8_t i = 0; mode && i < TCPD_NCOOKIES; i++)
		if (!strcmp(mode, modes[i])) {
			cs->syn_cookies = i;
			return true;
		}
	return false;
}

bool settings_ecn(struct tcpd_conn_settings *cs, const char *mode)
{
	static const char *const modes[TCPD_NECNS] = {
		[TCPD_ECN_OFF] = "off",
		[TCPD_ECN_PASSIVE] = "passive",
		[TCPD_ECN_ON] = "on",
	};

	for (uint8_t i = 0; mode && i < TCPD_NECNS; i++)
		if (!strcmp(mode, modes[i])) {
			cs->ecn = i;
			return true;
		}
	return false;
}

static bool congestion(struct tcpd_conn_settings *cs, const char *name)
{
	for (uint8_t i = 0; name && i < TCPD_NCCS; i++)
		if (!strcmp(name, tcpd_congestion_name(i))) {
			cs->congestion = i;
			return true;
		}
	return false;
}

/* The key of Fast Open cookies: in hex, 16 octets, or two of them. */
static bool cookie_key(struct tcpd_settings *set, const char *hex)
{
	int n = hex ? notation_hex(hex, set->fast_open_key[0],
				   sizeof(set->fast_open_key))
		    : -1;

	set->fast_open_nkeys = (uint8_t)(n / 16);
	return n == 16 || n == 32;
}

/* A name that is not a plain field: 1 taken, 0 not one, -1 failed. */
static int special(struct stage *s, struct line *l, unsigned w,
		   struct tcpd_settings *set)
{
	static const tcpd_time tutorial[] = {TCPD_SEC(3), TCPD_SEC(6),
					     TCPD_SEC(12), TCPD_SEC(24),
					     TCPD_SEC(48)};
	const char *name = l->words[w];
	bool on = word_is(l, w + 1, "on");

	if (!strcmp(name, "synack-backoff"))
		return waits(s, l, w + 1, set) ? 1 : -1;
	if (!strcmp(name, "address"))
		return address(s, l, w + 1, set) ? 1 : -1;
	if (!strcmp(name, "congestion"))
		return congestion(&set->conn, word_at(l, w + 1)) ? 1 : -1;
	if (!strcmp(name, "syn-cookies"))
		return settings_cookies(&set->conn, word_at(l, w + 1)) ? 1 : -1;
	if (!strcmp(name, "ecn"))
		return settings_ecn(&set->conn, word_at(l, w + 1)) ? 1 : -1;
	if (!strcmp(name, "offload"))
		set->tso4 = set->tso6 = set->csum = on;
	else if (!strcmp(name, "tso"))
		set->tso4 = set->tso6 = on;
	else if (!strcmp(name, "csum"))
		set->csum = on;
	else if (!strcmp(name, "timestamps"))
		set->timestamps = on;
	else if (!strcmp(name, "sack"))
		set->sack = on;
	else if (!strcmp(name, "pacing"))
		set->pacing = on;
	else if (!strcmp(name, "as-linux"))
		set->as_linux = on;
	else if (!strcmp(name, "family"))
		return 1; /* run.c has looked at it */
	else if (!strcmp(name, "fast-open-key"))
		return cookie_key(set, word_at(l, w + 1)) ? 1 : -1;
	else if (!strcmp(name, "key"))
		set->key[0] ^= 1;
	else if (!strcmp(name, "profile") && word_is(l, w + 1, "tutorial")) {
		memcpy(set->conn.synack_wait, tutorial, sizeof(tutorial));
		set->conn.nsynack_waits = 5;
	} else if (strcmp(name, "profile") != 0 || !word_is(l, w + 1, "modern"))
		return 0;
	return 1;
}

static bool apply(struct stage *s, struct line *l, unsigned w,
		  struct tcpd_settings *set)
{
	const char *name = word_at(l, w), *value = word_at(l, w + 1);
	uint64_t v;
	int done;

	if (!name)
		return stage_fail(s, "a setting's name was expected");
	done = special(s, l, w, set);
	if (done)
		return done > 0;
	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
		if (strcmp(name, fields[i].name) != 0)
			continue;
		if (!(fields[i].kind == TIME ? number_time(value, &v)
					     : number_size(value, &v)))
			return stage_fail(s, "'%s' is no value for %s",
					  value ? value : "", name);
		put(s, set, i, v);
		return true;
	}
	return stage_fail(s, "no setting is called %s", name);
}

bool settings_line(struct stage *s, struct line *l, unsigned w)
{
	struct tcpd_settings set = s->set;
	int err;

	if (!s->st && word_is(l, w, "peer-isn")) {
		int64_t v;

		if (!line_number(s, l, w + 1, &v))
			return false;
		s->peer_isn = (uint32_t)v;
		return true;
	}
	if (!apply(s, l, w, &set))
		return false;
	if (!s->st) {
		s->set = set;
		return true;
	}
	err = tcpd_reconfigure(s->st, &set, s->now);
	if (!err)
		s->set = set;
	stage_result(s, err);
	stage_turn(s);
	return verb_expect(s, l, w, err, 0);
}

int settings_option(const char *name)
{
	static const char *const names[] = {
		[TCPD_OPT_NODELAY] = "nodelay",
		[TCPD_OPT_CORK] = "cork",
		[TCPD_OPT_KEEPALIVE] = "keepalive",
		[TCPD_OPT_KEEPIDLE] = "keepidle",
		[TCPD_OPT_KEEPINTVL] = "keepintvl",
		[TCPD_OPT_KEEPCNT] = "keepcnt",
		[TCPD_OPT_USER_TIMEOUT] = "user-timeout",
		[TCPD_OPT_RCVBUF] = "rcvbuf",
		[TCPD_OPT_SNDBUF] = "sndbuf",
		[TCPD_OPT_MAXSEG] = "maxseg",
		[TCPD_OPT_CONGESTION] = "congestion",
		[TCPD_OPT_UNREAD] = "unread",
		[TCPD_OPT_TOS] = "tos",
		[TCPD_OPT_TTL] = "ttl",
		[TCPD_OPT_LINGER] = "linger",
		[TCPD_OPT_LINGERING] = "lingering",
		[TCPD_OPT_DEFER_ACCEPT] = "defer-accept",
		[TCPD_OPT_NOTSENT_LOWAT] = "notsent-lowat",
		[TCPD_OPT_SYNCNT] = "syncnt",
		[TCPD_OPT_LINGER2] = "linger2",
		[TCPD_OPT_WINDOW_CLAMP] = "window-clamp",
		[TCPD_OPT_QUICKACK] = "quickack",
		[TCPD_OPT_SOFT_ERRORS] = "soft-errors",
		[TCPD_OPT_ADV_UTO] = "adv-uto",
		[TCPD_OPT_MAX_PACING_RATE] = "max-pacing-rate",
		[TCPD_OPT_FASTOPEN] = "fastopen",
		[TCPD_OPT_FASTOPEN_CONNECT] = "fastopen-connect",
		[TCPD_OPT_FASTOPEN_NO_COOKIE] = "fastopen-no-cookie",
	};

	for (int i = 0; name && i < TCPD_NOPTIONS; i++)
		if (!strcmp(name, names[i]))
			return i;
	return name && !strcmp(name, "unknown") ? TCPD_NOPTIONS : -1;
}
