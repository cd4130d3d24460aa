/* SPDX-License-Identifier: MIT */
/*
 * tcpctl.c - the command line of tcpctl: what stands before the subcommand,
 * which one it is, and whether its options exist.  What it does is in its
 * own file; most of them ask the daemon and print the answer.
 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/daemon.h"
#include "tcpctl.h"

const struct subcommand *const subcommands[] = {
	&cmd_ss,     &cmd_show,	   &cmd_stats,	 &cmd_fsm,
	&cmd_events, &cmd_capture, &cmd_abort,	 &cmd_close,
	&cmd_reload, &cmd_stop,	   &cmd_version, NULL,
};

static const char *const later[] = {"run",    "why",	"fault", "top",
				    "record", "doctor", NULL};

static const struct subcommand *find(const char *name)
{
	for (size_t i = 0; subcommands[i]; i++)
		if (strcmp(name, subcommands[i]->name) == 0 ||
		    (subcommands[i]->alias &&
		     strcmp(name, subcommands[i]->alias) == 0))
			return subcommands[i];
	return NULL;
}

/* Is |letter| an option "-x" of |s|? */
static bool has_letter(const struct subcommand *s, char letter)
{
	for (const struct suboption *o = s->options; o && o->name; o++)
		if (o->name[1] == letter && !o->name[2])
			return true;
	return false;
}

static bool is_option(const struct subcommand *s, const char *word)
{
	for (const struct suboption *o = s->options; o && o->name; o++)
		if (strcmp(o->name, word) == 0)
			return true;
	if (word[1] == '-' || !word[1])
		return false;
	for (const char *p = word + 1; *p; p++) /* -al */
		if (!has_letter(s, *p))
			return false;
	return true;
}

static bool takes_arg(const struct subcommand *s, const char *word)
{
	for (const struct suboption *o = s->options; o && o->name; o++)
		if (strcmp(o->name, word) == 0)
			return o->arg != NULL;
	return false;
}

bool is_filter(const struct subcommand *s, int n, char **word)
{
	char text[4096], err[256];
	struct filter *f;
	size_t len = 0;

	text[0] = '\0';
	for (int i = 0; i < n && len < sizeof(text); i++)
		len += (size_t)snprintf(text + len, sizeof(text) - len, "%s%s",
					i ? " " : "", word[i]);
	if (len >= sizeof(text)) /* talk_ask() refuses it by its length */
		return true;
	f = filter_parse(text, err, sizeof(err));
	if (!f) {
		say("%s: %s", s->name, err);
		return false;
	}
	filter_free(f);
	return true;
}

static bool is_id(const struct subcommand *s, const char *word)
{
	uint64_t v = 0;
	const char *p;

	for (p = word; *p >= '0' && *p <= '9' && v < UINT64_C(1) << 53; p++)
		v = v * 10 + (uint64_t)(*p - '0');
	if (p != word && !*p && v < UINT64_C(1) << 53)
		return true;
	say("%s: ID %s, expected a number below 2^53", s->name, word);
	return false;
}

/* The words, in which an option may stand before the others. */
static bool check_words(const struct subcommand *s, int n, char **word)
{
	while (n && word[0][0] == '-' && word[0][1]) {
		n--;
		word++;
	}
	switch (s->words) {
	case WORDS_ID:
		return is_id(s, word[0]);
	case WORDS_FILTER:
		return is_filter(s, n, word);
	case WORDS_ANY:
		break;
	}
	return true;
}

/* Options and words of |s| as the table says; EXIT_DONE: they are. */
static int check(const struct subcommand *s, int n, char **word)
{
	int plain = 0;

	for (int i = 0; i < n; i++) {
		for (const char *p = word[i]; *p; p++) {
			if (!iscntrl((unsigned char)*p))
				continue;
			say("%s: a control character in "
			    "an argument",
			    s->name);
			return EXIT_USAGE;
		}
		if (word[i][0] != '-' || !word[i][1]) {
			plain++;
		} else if (!is_option(s, word[i])) {
			say("%s: unknown option %s (see "
			    "tcpctl %s --help)",
			    s->name, word[i], s->name);
			return EXIT_USAGE;
		} else if (takes_arg(s, word[i]) && ++i == n) {
			say("%s: %s needs a value", s->name, word[i - 1]);
			return EXIT_USAGE;
		}
	}
	if (plain < s->min_words ||
	    (s->max_words >= 0 && plain > s->max_words)) {
		say("usage: tcpctl %s%s%s", s->name, s->args[0] ? " " : "",
		    s->args);
		return EXIT_USAGE;
	}
	return check_words(s, n, word) ? EXIT_DONE : EXIT_USAGE;
}

static int run(struct tcpctl *t, const char *name, int n, char **word)
{
	const struct subcommand *s = find(name);
	int code, kept = 0;

	if (!s) {
		for (size_t i = 0; later[i]; i++) {
			if (strcmp(name, later[i]) != 0)
				continue;
			say("%s: not in this version", name);
			return EXIT_USAGE;
		}
		say("unknown command %s (see tcpctl "
		    "--help)",
		    name);
		return EXIT_USAGE;
	}
	for (int i = 0; i < n; i++) {
		if (strcmp(word[i], "--help") == 0) {
			help_one(s);
			return EXIT_DONE;
		}
		if (strcmp(word[i], "--json") == 0)
			t->json = true;
		else
			word[kept++] = word[i];
	}
	code = check(s, kept, word);
	if (code != EXIT_DONE)
		return code;
	return s->run ? s->run(t, s, kept, word) : talk_run(t, s, kept, word);
}

int main(int argc, char **argv)
{
	struct tcpctl t = {.socket = getenv("TCPD_CTL")};
	int i;

	if (!t.socket || !t.socket[0])
		t.socket = "/run/tcpd/ctl.sock";
	for (i = 1; i < argc && argv[i][0] == '-'; i++) {
		if (strcmp(argv[i], "--help") == 0 ||
		    strcmp(argv[i], "-h") == 0) {
			help_all();
			return EXIT_DONE;
		}
		if (strcmp(argv[i], "--version") == 0) {
			puts("tcpctl " TCPD_VERSION);
			return EXIT_DONE;
		}
		if (strcmp(argv[i], "--man") == 0) {
			help_man();
			return EXIT_DONE;
		}
		if (strcmp(argv[i], "--json") == 0) {
			t.json = true;
		} else if (strcmp(argv[i], "-s") == 0 && i + 1 < argc) {
			t.socket = argv[++i];
		} else {
			say("%s: %s", argv[i],
			    strcmp(argv[i], "-s") == 0
				    ? "expected a path behind it"
				    : "unknown option (see tcpctl --help)");
			return EXIT_USAGE;
		}
	}
	if (i == argc) {
		say("expected a command (see tcpctl "
		    "--help)");
		return EXIT_USAGE;
	}
	return run(&t, argv[i], argc - i - 1, argv + i + 1);
}
