/* SPDX-License-Identifier: MIT */
/*
 * text.c - a growing piece of text.  It knows nothing of what is written; a
 * caller that must stay within a bound looks at |len|.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "text.h"

static bool room(struct text *t, size_t more)
{
	size_t cap = t->cap ? t->cap : 1024;
	char *p;

	if (t->failed)
		return false;
	while (cap - t->len <= more)
		cap *= 2;
	if (cap == t->cap)
		return true;
	p = realloc(t->p, cap);
	if (!p) {
		t->failed = true;
		return false;
	}
	t->p = p;
	t->cap = cap;
	return true;
}

void text_put(struct text *t, const char *p, size_t len)
{
	if (!room(t, len))
		return;
	if (len)
		memcpy(t->p + t->len, p, len);
	t->len += len;
	t->p[t->len] = '\0';
}

void text_puts(struct text *t, const char *s)
{
	text_put(t, s, strlen(s));
}

void text_add(struct text *t, const char *fmt, ...)
{
	va_list ap;
	int n;

	if (!room(t, 256))
		return;
	va_start(ap, fmt);
	n = vsnprintf(t->p + t->len, t->cap - t->len, fmt, ap);
	va_end(ap);
	if (n < 0)
		return;
	if ((size_t)n >= t->cap - t->len) {
		if (!room(t, (size_t)n))
			return;
		va_start(ap, fmt);
		(void)vsnprintf(t->p + t->len, t->cap - t->len, fmt, ap);
		va_end(ap);
	}
	t->len += (size_t)n;
}

void text_html(struct text *t, const char *s)
{
	for (; *s; s++) {
		switch (*s) {
		case '<':
			text_puts(t, "&lt;");
			break;
		case '>':
			text_puts(t, "&gt;");
			break;
		case '&':
			text_puts(t, "&amp;");
			break;
		case '"':
			text_puts(t, "&quot;");
			break;
		case '\'':
			text_puts(t, "&#39;");
			break;
		default:
			text_put(t, s, 1);
			break;
		}
	}
}

void text_pad(struct text *t, size_t from, size_t width)
{
	while (!t->failed && t->len - from < width)
		text_put(t, " ", 1);
}

void text_drop(struct text *t, size_t n)
{
	if (n >= t->len) {
		t->len = 0;
	} else if (n) {
		memmove(t->p, t->p + n, t->len - n);
		t->len -= n;
	}
	if (t->p)
		t->p[t->len] = '\0';
}

void text_free(struct text *t)
{
	free(t->p);
	memset(t, 0, sizeof(*t));
}
