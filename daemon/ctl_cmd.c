/* SPDX-License-Identifier: MIT */
/*
 * ctl_cmd.c - from a request line to its answer: the table of commands, who
 * may give them, and the short ones themselves.
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/clamp.h"
#include "ctl.h"
#include "report.h"

#define WORDS_MAX 600

/* ------------------------------------------------- help for the commands */

const char *ctl_rest(const struct ctl_request *r, int i, char *buf)
{
	size_t n = 0;

	/* never longer than the line that the words came from */
	for (; i < r->nwords; i++) {
		size_t len = strlen(r->word[i]);

		if (n)
			buf[n++] = ' ';
		memcpy(buf + n, r->word[i], len);
		n += len;
	}
	buf[n] = '\0';
	return buf;
}

int ctl_options(struct ctl_client *c, const struct ctl_request *r,
		const char *letters, unsigned *set)
{
	int i;

	*set = 0;
	for (i = 0; i < r->nwords && r->word[i][0] == '-'; i++) {
		const char *w = r->word[i], *at;

		for (const char *p = w + 1; p == w + 1 || *p; p++) {
			at = *p ? strchr(letters, *p) : NULL;
			if (!at) {
				ctl_refuse(c, "unknown option %s", w);
				return -1;
			}
			*set |= 1u << (at - letters);
		}
	}
	return i;
}

bool ctl_id(struct ctl_client *c, const struct ctl_request *r, tcpd_id *id)
{
	uint64_t v = 0;
	const char *p;

	if (r->nwords != 1) {
		ctl_refuse(c, "expected one ID, as `ss --json` shows it");
		return false;
	}
	for (p = r->word[0]; *p >= '0' && *p <= '9'; p++) {
		v = v * 10 + (uint64_t)(*p - '0');
		if (v >= (uint64_t)1 << 53)
			break;
	}
	if (*p || p == r->word[0]) {
		ctl_refuse(c, "ID %s, expected a number below 2^53",
			   r->word[0]);
		return false;
	}
	*id = v;
	return true;
}

static bool no_words(struct ctl_client *c, const struct ctl_request *r)
{
	if (r->nwords == 0)
		return true;
	ctl_refuse(c, "unexpected %s", r->word[0]);
	return false;
}

void ctl_done(struct ctl_client *c, const char *fmt, ...)
{
	char words[128];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(words, sizeof(words), fmt, ap);
	va_end(ap);
	if (c->json)
		report_json(&c->out, json_pack("{s:b}", "ok", 1));
	else
		text_add(&c->out, "%s\n", words);
}

/* ------------------------------------------------------------ commands */

static void cmd_stats(struct ctl_client *c, const struct ctl_request *r)
{
	struct daemon *d = c->ctl->d;
	struct report_stats s = {.st = tcpd_stats(d->st)};
	unsigned all;
	int n = ctl_options(c, r, "a", &all);

	if (n < 0)
		return;
	if (n < r->nwords) {
		ctl_refuse(c, "unexpected %s", r->word[n]);
		return;
	}
	tun_stats(d, &s.tun);
	ctl_capture_stats(c->ctl, &s.captures);
	s.captures_running = c->ctl->ncaptures;
	s.log_lost = log_lost();
	if (c->json)
		report_json(&c->out, report_stats_json(&s));
	else
		report_stats_text(&c->out, &s, all != 0);
}

static void cmd_reload(struct ctl_client *c, const struct ctl_request *r)
{
	char err[512] = "";

	if (!no_words(c, r))
		return;
	if (daemon_reload(c->ctl->d, err, sizeof(err)) < 0) {
		ctl_note(c->ctl, "reload refused: %s", err);
		ctl_refuse(c, "%s", err);
		return;
	}
	ctl_note(c->ctl, "reload by uid %lu", (unsigned long)c->uid);
	ctl_done(c, "reloaded");
}

static void cmd_stop(struct ctl_client *c, const struct ctl_request *r)
{
	if (!no_words(c, r))
		return;
	ctl_note(c->ctl, "stop by uid %lu", (unsigned long)c->uid);
	ctl_done(c, "stopping");
	daemon_stop(c->ctl->d);
}

static void cmd_version(struct ctl_client *c, const struct ctl_request *r)
{
	if (!no_words(c, r))
		return;
	if (c->json)
		report_json(&c->out,
			    json_pack("{s:s}", "version", TCPD_VERSION));
	else
		text_puts(&c->out, "tcpd " TCPD_VERSION "\n");
}

/* --------------------------------------------------------------- table */

static const struct command {
	const char *name;
	void (*run)(struct ctl_client *c, const struct ctl_request *r);
	bool privileged; /* changes something */
} commands[] = {
	{"ss", ctl_cmd_ss, false},
	{"netstat", ctl_cmd_ss, false},
	{"show", ctl_cmd_show, false},
	{"stats", cmd_stats, false},
	{"fsm", ctl_cmd_fsm, false},
	{"events", ctl_cmd_events, false},
	{"capture", ctl_cmd_capture, false},
	{"abort", ctl_cmd_abort, true},
	{"close", ctl_cmd_close, true},
	{"reload", cmd_reload, true},
	{"stop", cmd_stop, true},
	{"version", cmd_version, false},
};

static const char *const later[] = {"run", "why",    "fault",
				    "top", "record", "doctor"};

static void run(struct ctl_client *c, const char *name,
		const struct ctl_request *r)
{
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++) {
		if (strcmp(name, commands[i].name) != 0)
			continue;
		if (commands[i].privileged && c->uid != 0 &&
		    c->uid != c->ctl->d->uid)
			ctl_refuse(c, "%s needs root or tcpd's user", name);
		else
			commands[i].run(c, r);
		return;
	}
	for (size_t i = 0; i < ARRAY_SIZE(later); i++) {
		if (strcmp(name, later[i]) == 0) {
			ctl_refuse(c, "%s: not in this version", name);
			return;
		}
	}
	ctl_refuse(c, "unknown command %s", name);
}

void ctl_run(struct ctl_client *c)
{
	char *word[WORDS_MAX], *save = NULL;
	struct ctl_request r = {.word = word};

	for (char *w = strtok_r(c->in, " \t\r", &save); w;
	     w = strtok_r(NULL, " \t\r", &save)) {
		if (strcmp(w, "--json") == 0) {
			c->json = true;
		} else if (r.nwords == WORDS_MAX) {
			ctl_refuse(c, "more than %d words", WORDS_MAX);
			return;
		} else {
			word[r.nwords++] = w;
		}
	}
	if (r.nwords == 0) {
		ctl_refuse(c, "expected a command");
		return;
	}
	r.word++;
	r.nwords--;
	run(c, word[0], &r);
}
