/* SPDX-License-Identifier: MIT */
/*
 * sysctl.c - settings that a script makes outside of the interface.
 *
 * bin/sysctl, the stand-in that goes first in PATH, adds a line "NAME=VALUE"
 * for each to the file named by TCPD_PACKETDRILL_SYSCTL, which the adapter
 * makes.  What scripts write to /proc/sys by themselves is read there: its
 * names are in the file by which they mean to restore it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clamp.h"
#include "world.h"

#define VARIABLE "TCPD_PACKETDRILL_SYSCTL"

static void synack_waits(struct tcpd_conn_settings *c, uint64_t retries)
{
	c->nsynack_waits = (uint8_t)min_u64(retries + 1, TCPD_MAX_WAITS);
	for (unsigned i = 0; i < c->nsynack_waits; i++)
		c->synack_wait[i] = min_u64(TCPD_SEC(1) << i, TCPD_SEC(120));
}

/* "a1a1a1a1-b2b2b2b2-c3c3c3c3-d4d4d4d4", and perhaps a comma and another: as
 * the kernel has it, each number with its lowest octet first. */
static void cookie_keys(struct tcpd_settings *s, const char *text)
{
	uint8_t n = 0;

	for (; text && n < 2; n++) {
		unsigned v[4];

		if (sscanf(text, "%x-%x-%x-%x", &v[0], &v[1], &v[2], &v[3]) !=
		    4)
			break;
		for (unsigned i = 0; i < 16; i++)
			s->fast_open_key[n][i] =
				(uint8_t)(v[i / 4] >> 8 * (i % 4));
		text = strchr(text, ',');
		text += text != NULL;
	}
	if (n)
		s->fast_open_nkeys = n;
}

static uint8_t fast_open(uint64_t v)
{
	static const struct {
		uint64_t kernel;
		uint8_t ours;
	} bits[] = {
		{0x1, TCPD_FO_CLIENT},
		{0x2, TCPD_FO_SERVER},
		{0x4, TCPD_FO_CLIENT_NO_COOKIE},
		{0x200, TCPD_FO_SERVER_NO_COOKIE},
		{0x400, TCPD_FO_ALL_LISTENERS},
	};
	uint8_t r = 0;

	for (size_t i = 0; i < ARRAY_SIZE(bits); i++)
		if (v & bits[i].kernel)
			r |= bits[i].ours;
	return r;
}

/* Others are the kernel's own, or belong to what this version has not. */
static void apply(struct world *w, const char *name, const char *value)
{
	static const uint8_t ecn[] = {TCPD_ECN_OFF, TCPD_ECN_ON,
				      TCPD_ECN_PASSIVE};
	struct tcpd_settings *s = &w->set;
	unsigned long long v = strtoull(value, NULL, 0), mid;

	if (!strcmp(name, "tcp_timestamps"))
		s->timestamps = v != 0;
	else if (!strcmp(name, "tcp_sack"))
		s->sack = v != 0;
	else if (!strcmp(name, "tcp_ecn"))
		s->conn.ecn = v == 0   ? TCPD_ECN_OFF
			      : v == 1 ? TCPD_ECN_ON
				       : TCPD_ECN_PASSIVE;
	else if (!strcmp(name, "tcp_syn_retries"))
		s->syn_retries = (uint8_t)min_u64(v, 127);
	else if (!strcmp(name, "tcp_synack_retries"))
		synack_waits(&s->conn, v);
	else if (!strcmp(name, "tcp_fastopen"))
		s->fast_open = fast_open(v);
	else if (!strcmp(name, "tcp_ecn") && v < ARRAY_SIZE(ecn))
		s->conn.ecn = ecn[v];
	else if (!strcmp(name, "tcp_fastopen_key"))
		cookie_keys(s, value);
	else if (!strcmp(name, "tcp_metrics_flush")) /* bin/ip */
		tcpd_fast_open_forget(w->st);
	else if (!strcmp(name, "tso")) /* bin/ethtool's */
		s->tso4 = s->tso6 = v != 0;
	else if (!strcmp(name, "tcp_min_tso_segs"))
		s->burst_segments = (uint8_t)min_u64(v, UINT8_MAX);
	else if (!strcmp(name, "tcp_notsent_lowat"))
		w->sysctl.notsent_lowat = v >= UINT32_MAX ? 0 : (uint32_t)v;
	else if (!strcmp(name, "tcp_wmem") &&
		 sscanf(value, "%*u %llu", &mid) == 1)
		w->sysctl.wmem = (uint32_t)min_u64(mid, UINT32_MAX);
}

static const char *last_part(const char *name)
{
	size_t n = strcspn(name, "= \t\n");

	while (n && name[n - 1] != '.' && name[n - 1] != '/')
		n--;
	return name + n;
}

static void line(struct world *w, char *text)
{
	char *eq = strchr(text, '=');

	text[strcspn(text, "\n")] = '\0';
	if (!eq)
		return;
	*eq = '\0';
	apply(w, last_part(text), eq + 1);
}

/* Has |path|'s value changed since the last look?  What the stand-in was told
 * since then holds. */
static bool changed(struct world *w, const char *path, const char *value)
{
	for (size_t i = 0; i < ARRAY_SIZE(w->sysctl.proc); i++) {
		char *had = w->sysctl.proc[i].path;
		char *was = w->sysctl.proc[i].value;
		bool known = !strcmp(had, path);

		if (*had && !known)
			continue;
		known = known && !strcmp(was, value);
		(void)snprintf(had, sizeof(w->sysctl.proc[i].path), "%s", path);
		(void)snprintf(was, sizeof(w->sysctl.proc[i].value), "%s",
			       value);
		return !known;
	}
	return true;
}

/* A setting of /proc/sys as it is now. */
static void from_proc(struct world *w, const char *path)
{
	char text[128] = "";
	FILE *f = fopen(path, "re");

	if (!f)
		return;
	if (fgets(text, sizeof(text), f) && changed(w, path, text))
		apply(w, last_part(path), text);
	fclose(f);
}

static void look_at_proc(struct world *w)
{
	char text[512];
	FILE *f = fopen(w->sysctl.restore, "re");

	if (!f)
		return;
	while (fgets(text, sizeof(text), f)) {
		char *path = strstr(text, "/proc/sys/net/ipv4/");

		if (!path)
			continue;
		path[strcspn(path, " \n")] = '\0';
		from_proc(w, path);
	}
	fclose(f);
}

void sysctl_look(struct world *w)
{
	char text[512];
	FILE *f = fopen(w->sysctl.path, "re");

	if (f) {
		(void)fseek(f, (long)w->sysctl.seen, SEEK_SET);
		while (fgets(text, sizeof(text), f))
			line(w, text);
		w->sysctl.seen = (uint64_t)ftell(f);
		fclose(f);
	}
	look_at_proc(w);
	(void)tcpd_reconfigure(w->st, &w->set, w->now);
}

void sysctl_start(struct world *w)
{
	int fd;

	w->sysctl.wmem = 262144;
	(void)snprintf(w->sysctl.restore, sizeof(w->sysctl.restore),
		       "/tmp/sysctl_restore_%d.sh", (int)getpid());
	(void)snprintf(w->sysctl.path, sizeof(w->sysctl.path),
		       "/tmp/tcpd-packetdrill.XXXXXX");
	fd = mkstemp(w->sysctl.path);
	if (fd < 0) {
		w->sysctl.path[0] = '\0';
		return;
	}
	close(fd);
	(void)setenv(VARIABLE, w->sysctl.path, 1);
}

void sysctl_end(struct world *w)
{
	if (w->sysctl.path[0])
		unlink(w->sysctl.path);
	w->sysctl.path[0] = '\0';
}
