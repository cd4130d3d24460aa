/* SPDX-License-Identifier: MIT */
/*
 * flags.c - the text of --so_flags to values; what it does not know is
 * refused by name.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "flags.h"

static char why[FLAGS_TEXT + 64];

static const char *wrong(const char *what, const char *name)
{
	(void)snprintf(why, sizeof(why), "%s: %.*s", what, FLAGS_TEXT, name);
	return why;
}

static const char *keep(char *to, size_t room, const char *value)
{
	if (strlen(value) >= room)
		return wrong("too long", value);
	memcpy(to, value, strlen(value) + 1);
	return NULL;
}

static const char *keep_mtu(struct flags *f, const char *value)
{
	char *end;
	unsigned long n = strtoul(value, &end, 10);

	if (*end || n < 68 || n > 65535)
		return wrong("mtu: 68 to 65535 expected", value);
	f->mtu = (unsigned)n;
	return NULL;
}

/* One of two words. */
static const char *keep_word(bool *to, const char *value, const char *no,
			     const char *yes)
{
	if (strcmp(value, no) && strcmp(value, yes))
		return wrong("unknown word", value);
	*to = strcmp(value, yes) == 0;
	return NULL;
}

static const char *keep_set(struct flags *f, char *value)
{
	char *eq = strchr(value, '=');
	int n;

	if (!eq)
		return wrong("set: DIRECTIVE=VALUE expected", value);
	if (f->nsets == FLAGS_SETS)
		return wrong("too many of set", value);
	*eq = '\0';
	n = snprintf(f->set[f->nsets], FLAGS_TEXT, "%s = %s", value, eq + 1);
	if (n < 0 || n >= FLAGS_TEXT)
		return wrong("too long", value);
	f->nsets++;
	return NULL;
}

static const char *one(struct flags *f, bool *clock, char *name, char *value)
{
	if (!strcmp(name, "local"))
		return keep(f->local, sizeof(f->local), value);
	if (!strcmp(name, "remote"))
		return keep(f->remote, sizeof(f->remote), value);
	if (!strcmp(name, "tun"))
		return keep(f->tun, sizeof(f->tun), value);
	if (!strcmp(name, "ctl"))
		return keep(f->ctl, sizeof(f->ctl), value);
	if (!strcmp(name, "mtu"))
		return keep_mtu(f, value);
	if (!strcmp(name, "backend"))
		return keep_word(&f->daemon, value, "lib", "daemon");
	if (!strcmp(name, "set"))
		return keep_set(f, value);
	if (strcmp(name, "clock") != 0)
		return wrong("no such flag", name);
	*clock = true;
	return keep_word(&f->real, value, "virtual", "real");
}

const char *flags_parse(struct flags *f, const char *text)
{
	const char *bad = NULL;
	bool clock = false;
	char *copy, *save = NULL;

	*f = (struct flags){.mtu = 1500, .tun = "tcpd0"};
	if (!text)
		return NULL;
	copy = strdup(text);
	if (!copy)
		return "no memory";
	for (char *p = strtok_r(copy, ",", &save); p && !bad;
	     p = strtok_r(NULL, ",", &save)) {
		char *eq = strchr(p, '=');

		if (!eq) {
			bad = wrong("NAME=VALUE expected", p);
			break;
		}
		*eq = '\0';
		bad = one(f, &clock, p, eq + 1);
	}
	free(copy);
	if (bad)
		return bad;
	if (!clock)
		f->real = f->daemon;
	if (f->real != f->daemon)
		return "clock=real goes with backend=daemon, and virtual with "
		       "lib";
	return NULL;
}
