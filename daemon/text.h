/* SPDX-License-Identifier: MIT */
/* text.h - a growing piece of text: replies of ctl.sock, the status page. */
#ifndef DAEMON_TEXT_H
#define DAEMON_TEXT_H

#include <stdbool.h>
#include <stddef.h>

struct text {
	char *p; /* NUL-terminated once something was added */
	size_t len, cap;
	bool failed; /* memory ran out: what was added last is missing */
};

void text_put(struct text *t, const char *p, size_t len);
void text_puts(struct text *t, const char *s);
__attribute__((format(printf, 2, 3))) void text_add(struct text *t,
						    const char *fmt, ...);
/* With <, >, &, " and ' written so that a browser shows them as they are. */
void text_html(struct text *t, const char *s);
/* Spaces until the line that began at octet |from| is |width| wide. */
void text_pad(struct text *t, size_t from, size_t width);
/* The first |n| octets are no longer needed. */
void text_drop(struct text *t, size_t n);
void text_free(struct text *t);

#endif /* DAEMON_TEXT_H */
