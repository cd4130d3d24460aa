/* SPDX-License-Identifier: MIT */
/*
 * tcpctl.h - the table of subcommands.  --help, the man page and the check of
 * options all come from it; a subcommand is a file of its own.
 */
#ifndef CTL_TCPCTL_H
#define CTL_TCPCTL_H

#include <stdbool.h>
#include <stddef.h>

enum { /* exit codes: tcpctl(1) */
       EXIT_DONE = 0,
       EXIT_REFUSED = 1,
       EXIT_USAGE = 2,
       EXIT_NO_DAEMON = 3
};

struct suboption {
	const char *name; /* "-a", "--seconds" */
	const char *arg;  /* what follows it, NULL: nothing */
	const char *text;
};

/* What the words behind the options are, as far as it is checked here. */
enum words { WORDS_ANY, WORDS_ID, WORDS_FILTER };

struct tcpctl; /* what stood before the subcommand */

struct subcommand {
	const char *name, *alias;
	const char *args;    /* "[-a] [FILTER]" */
	const char *summary; /* a line, begins small, ends without a dot */
	const char *help;    /* paragraphs, an empty line between two */
	const struct suboption *options; /* ends with name NULL; or NULL */
	int min_words, max_words;	 /* behind the options; -1: no limit */
	enum words words;
	bool data; /* prints data, so --json says more */
	/* NULL: the words go to the daemon, its answer to stdout. */
	int (*run)(const struct tcpctl *t, const struct subcommand *s,
		   int nwords, char **word);
};

struct tcpctl {
	const char *socket;
	bool json;
};

extern const struct subcommand cmd_ss, cmd_show, cmd_stats, cmd_fsm, cmd_events,
	cmd_capture, cmd_abort, cmd_close, cmd_reload, cmd_stop, cmd_version;
extern const struct subcommand *const subcommands[]; /* ends with NULL */

/* --- tcpctl.c: false: said on stderr. */
bool is_filter(const struct subcommand *s, int n, char **word);

/* --- talk.c */
/* "tcpctl: ", the words and a newline to stderr. */
__attribute__((format(printf, 1, 2))) void say(const char *fmt, ...);
/* Connected, or -1 after a word on stderr; |*code| is the exit code. */
int talk_connect(const struct tcpctl *t, int *code);
/* Send |name| and its words as one line; false: said on stderr. */
bool talk_ask(int fd, const struct tcpctl *t, const char *name, int nwords,
	      char **word);
/* Is what the daemon said (so far) a refusal?  Then its words are printed. */
bool talk_refused(const char *said, size_t len);
/* The usual subcommand: ask, and copy the answer to stdout. */
int talk_run(const struct tcpctl *t, const struct subcommand *s, int nwords,
	     char **word);

/* --- help.c */
void help_all(void);
void help_one(const struct subcommand *s);
void help_man(void);

#endif /* CTL_TCPCTL_H */
