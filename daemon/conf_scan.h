/* SPDX-License-Identifier: MIT */
/*
 * conf_scan.h - the shape of a piece of configuration: which directive stands
 * in which line.  libconfuse then reads the values.
 */
#ifndef DAEMON_CONF_SCAN_H
#define DAEMON_CONF_SCAN_H

#include <stddef.h>

#include "conf_table.h"

struct conf_section {
	enum conf_scope scope;
	char title[64];
	int line;
};

struct conf_item { /* one directive, in the order of the text */
	const struct conf_row *row;
	size_t section; /* 1: sections[0]; 0: in none */
	size_t first;	/* lines[first] is the first value's line */
	size_t nvalues;
	int line;
};

struct conf_scan {
	struct conf_item *items;
	size_t nitems;
	struct conf_section *sections;
	size_t nsections;
	int *lines;
	size_t nlines;
	char *text; /* for libconfuse: with blanks for comments */
};

/* 0, or -1 and |err|; conf_scan_free() in both cases. */
int conf_scan(struct conf_scan *s, const struct conf_piece *piece, char *err,
	      size_t nerr);
void conf_scan_free(struct conf_scan *s);

/* How a directive is called in errors: "mtu", "service web: listen". */
char *conf_item_name(char *buf, size_t n, const struct conf_scan *s,
		     const struct conf_item *it);

/* One line "PIECE:LINE: ..." into |err|; -1, for its caller to return. */
__attribute__((format(printf, 5, 6))) int conf_fail(char *err, size_t nerr,
						    const char *piece, int line,
						    const char *fmt, ...);

#endif /* DAEMON_CONF_SCAN_H */
