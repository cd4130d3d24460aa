/* SPDX-License-Identifier: MIT */
/*
 * number.c - numbers in scripts: 1461, 1+1460*i, 64k, 3.25, 40ms.  |i| counts
 * the rounds of the innermost repeat, from 0.
 */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "script.h"

static bool factor(const char **p, int64_t index, int64_t *v)
{
	char *end;

	if (**p == 'i') {
		*v = index;
		(*p)++;
		return true;
	}
	if (!isdigit((unsigned char)**p))
		return false;
	errno = 0;
	*v = strtoll(*p, &end, 10);
	*p = end;
	return errno == 0;
}

static bool term(const char **p, int64_t index, int64_t *v)
{
	int64_t by;

	if (!factor(p, index, v))
		return false;
	while (**p == '*') {
		(*p)++;
		if (!factor(p, index, &by))
			return false;
		*v *= by;
	}
	return true;
}

bool number_expr(const char *word, int64_t index, int64_t *value)
{
	const char *p = word;
	int64_t v, sign = 1;

	if (!p)
		return false;
	if (*p == '-') {
		sign = -1;
		p++;
	}
	if (!term(&p, index, &v))
		return false;
	*value = sign * v;
	while (*p == '+' || *p == '-') {
		sign = *p++ == '+' ? 1 : -1;
		if (!term(&p, index, &v))
			return false;
		*value += sign * v;
	}
	return *p == '\0';
}

bool number_time(const char *word, tcpd_time *t)
{
	tcpd_time whole = 0, part = 0, scale = TCPD_SEC(1);
	const char *p = word;
	tcpd_time unit = TCPD_SEC(1);

	if (!p || !isdigit((unsigned char)*p))
		return false;
	while (isdigit((unsigned char)*p))
		whole = whole * 10 + (tcpd_time)(*p++ - '0');
	if (*p == '.')
		for (p++; isdigit((unsigned char)*p); p++) {
			scale /= 10;
			part += scale * (tcpd_time)(*p - '0');
		}
	if (!strcmp(p, "us"))
		unit = TCPD_US(1);
	else if (!strcmp(p, "ms"))
		unit = TCPD_MS(1);
	else if (!strcmp(p, "min"))
		unit = TCPD_SEC(60);
	else if (*p && strcmp(p, "s") != 0)
		return false;
	*t = whole * unit +
	     part / (TCPD_SEC(1) / TCPD_US(1)) * unit / TCPD_US(1);
	return true;
}

bool number_size(const char *word, uint64_t *n)
{
	char *end;

	if (!word || !isdigit((unsigned char)*word))
		return false;
	errno = 0;
	*n = strtoull(word, &end, 10);
	if (errno)
		return false;
	if (*end == 'k')
		*n <<= 10;
	else if (*end == 'M')
		*n <<= 20;
	else if (*end == 'G')
		*n <<= 30;
	else
		return *end == '\0';
	return end[1] == '\0';
}

bool line_number(struct stage *s, struct line *l, unsigned w, int64_t *v)
{
	const char *word = word_at(l, w);

	if (number_expr(word, l->index, v))
		return true;
	return stage_fail(s, "a number was expected, not '%s'",
			  word ? word : "end of line");
}
