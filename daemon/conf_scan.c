/* SPDX-License-Identifier: MIT */
/*
 * conf_scan.c - the shape of a piece of configuration.
 *
 * libconfuse takes in silence what must be an error here: a section or
 * comment that is not closed, "+=", a list without braces, a directive given
 * twice, octets that it does not know; and it puts environment variables in
 * place of ${VAR}.  So the text is looked through first, by a grammar that is
 * narrower than libconfuse's: what passes means the same to both.  The lines
 * of all values are kept for the errors that come later.
 */
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conf_scan.h"
#include "conf_value.h"

enum token { T_END, T_WORD, T_STRING, T_PUNCT, T_WRONG };

struct scanner {
	const struct conf_piece *piece;
	struct conf_scan *out;
	char *err;
	size_t nerr;

	const char *p; /* what follows the token */
	int line;

	enum token token;
	const char *text; /* of the token; of a string: without quotes */
	size_t len;
	int token_line;

	size_t section;	      /* as in struct conf_item */
	size_t section_items; /* its first item */
	char where[160];      /* "service web: listen: ", or empty */
};

int conf_fail(char *err, size_t nerr, const char *piece, int line,
	      const char *fmt, ...)
{
	int n = snprintf(err, nerr, "%s:%d: ", piece, line);
	va_list ap;

	va_start(ap, fmt);
	if (n >= 0 && (size_t)n < nerr)
		(void)vsnprintf(err + n, nerr - (size_t)n, fmt, ap);
	va_end(ap);
	return -1;
}

#define FAIL_AT(s, at, ...) \
	conf_fail((s)->err, (s)->nerr, (s)->piece->name, at, __VA_ARGS__)
#define FAIL(s, fmt, ...) \
	FAIL_AT(s, (s)->line, "%s" fmt, (s)->where, __VA_ARGS__)

static const char *scope_name(enum conf_scope scope)
{
	return scope == CONF_SERVICE ? "service" : "allow";
}

char *conf_item_name(char *buf, size_t n, const struct conf_scan *s,
		     const struct conf_item *it)
{
	const struct conf_section *sec;

	if (it->section == 0) {
		(void)snprintf(buf, n, "%s", it->row->name);
		return buf;
	}
	sec = &s->sections[it->section - 1];
	(void)snprintf(buf, n, "%s %s: %s", scope_name(sec->scope), sec->title,
		       it->row->name);
	return buf;
}

/* -------------------------------------------------------------- tokens */

static bool is_word_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       (c >= '0' && c <= '9') ||
	       (c != '\0' && strchr("._:/@%[]-", c) != NULL);
}

static bool at_comment(const char *p)
{
	return p[0] == '#' || (p[0] == '/' && (p[1] == '/' || p[1] == '*'));
}

/*
 * Past a comment: -1 when it does not end.  libconfuse 3.3 knows comments only
 * where a directive may begin, so it gets blanks instead, line by line.
 */
static int skip_comment(struct scanner *s)
{
	const char *end = s->p + strcspn(s->p, "\n");

	if (s->p[0] == '/' && s->p[1] == '*') {
		end = strstr(s->p + 2, "*/");
		if (end == NULL)
			return FAIL_AT(s, s->line,
				       "comment: not closed, expected \"*/\"");
		end += 2;
	}
	for (; s->p < end; s->p++) {
		if (*s->p == '\n')
			s->line++;
		else
			s->out->text[s->p - s->piece->text] = ' ';
	}
	return 0;
}

/* Past blanks and comments; -1: a comment that does not end. */
static int skip_blanks(struct scanner *s)
{
	for (;;) {
		if (at_comment(s->p)) {
			if (skip_comment(s) < 0)
				return -1;
			continue;
		}
		if (*s->p == '\n')
			s->line++;
		else if (*s->p != ' ' && *s->p != '\t' &&
			 !(s->p[0] == '\r' && s->p[1] == '\n'))
			return 0;
		s->p++;
	}
}

static int wrong_octet(struct scanner *s)
{
	char octet[2] = {*s->p, '\0'}, shown[CONF_TEXT_MAX];

	if (s->p[0] == '$' && s->p[1] == '{')
		return FAIL(s, "\"%s\" is not replaced here, expected %s", "${",
			    "the value itself");
	if (*s->p == ';')
		return FAIL(s, "\"%s\" ends nothing here, expected %s", ";",
			    "a blank or a new line");
	return FAIL(s, "\"%s\" outside quotes, expected %s",
		    conf_show(shown, octet),
		    "a directive, or the value in quotes");
}

/* The octet at s->p, of a string in |quote|: how many belong together. */
static int string_octets(struct scanner *s, char quote)
{
	unsigned char c = (unsigned char)*s->p;
	char shown[CONF_TEXT_MAX], octet[2] = {*s->p, '\0'};

	if (c == '\0' || c == '\n')
		return FAIL(s, "text without its closing quote, expected %s",
			    quote == '"' ? "\"" : "'");
	if (c < ' ' || c == 0x7f)
		return FAIL(s, "octet %s in quotes, expected %s",
			    conf_show(shown, octet), "text");
	if (c == '$' && s->p[1] == '{')
		return wrong_octet(s);
	if (c != '\\')
		return 1;
	if (quote == '"' && (s->p[1] == '\\' || s->p[1] == '"'))
		return 2;
	return FAIL(s, "a backslash in quotes, expected %s",
		    quote == '"' ? "\\\\ or \\\" there"
				 : "double quotes and \\\\");
}

static int scan_string(struct scanner *s)
{
	char quote = *s->p++;

	s->token = T_STRING;
	s->text = s->p;
	while (*s->p != quote) {
		int n = string_octets(s, quote);

		if (n < 0)
			return -1;
		s->p += n;
	}
	s->len = (size_t)(s->p - s->text);
	s->p++;
	return 0;
}

static int scan_word(struct scanner *s)
{
	s->token = T_WORD;
	s->text = s->p;
	while (is_word_char(*s->p) && !at_comment(s->p))
		s->p++;
	s->len = (size_t)(s->p - s->text);
	/* libconfuse begins a comment here, which is hardly what was meant */
	if (at_comment(s->p))
		return FAIL(s, "\"%.*s\" right behind a value, expected %s",
			    *s->p == '#' ? 1 : 2, s->p,
			    "a blank between, or quotes");
	return 0;
}

/* The next token; -1: there is none, and the error is written. */
static int next_token(struct scanner *s)
{
	s->token = T_WRONG;
	if (skip_blanks(s) < 0)
		return -1;
	s->token_line = s->line;
	s->text = s->p;
	s->len = 1;
	if (*s->p == '\0') {
		s->token = T_END;
		return 0;
	}
	if (*s->p == '"' || *s->p == '\'')
		return scan_string(s);
	if (is_word_char(*s->p))
		return scan_word(s);
	if (s->p[0] == '+' && s->p[1] == '=')
		return FAIL(s, "\"+=\" cannot add to a value, expected %s",
			    "\"=\" and the whole value");
	if (strchr("={},()", *s->p) == NULL)
		return wrong_octet(s);
	s->token = T_PUNCT;
	s->p++;
	return 0;
}

static bool is_punct(const struct scanner *s, char c)
{
	return s->token == T_PUNCT && s->text[0] == c;
}

/* "... instead", for what stands where something else was expected. */
static int unexpected(struct scanner *s, const char *expected)
{
	char buf[CONF_TEXT_MAX], shown[CONF_TEXT_MAX];

	if (s->token == T_END)
		return FAIL_AT(s, s->token_line,
			       "%sthe text ends here, expected %s", s->where,
			       expected);
	(void)snprintf(buf, sizeof(buf), "%.*s",
		       s->len < sizeof(buf) ? (int)s->len
					    : (int)sizeof(buf) - 1,
		       s->text);
	return FAIL_AT(s, s->token_line,
		       "%s\"%s\" does not fit here, "
		       "expected %s",
		       s->where, conf_show(shown, buf), expected);
}

/* ------------------------------------------------------------- grammar */

/* Room for one more of |size| octets in |*array| of |n|: -1 without memory. */
static int grow(struct scanner *s, void *array, size_t n, size_t size)
{
	void *p;

	/* a power of two is full */
	if (n != 0 && (n & (n - 1)) != 0)
		return 0;
	memcpy(&p, array, sizeof(p));
	p = realloc(p, (n == 0 ? 1 : 2 * n) * size);
	if (p == NULL)
		return FAIL(s, "%s", "out of memory");
	memcpy(array, &p, sizeof(p));
	return 0;
}

static int add_value(struct scanner *s, struct conf_item *it)
{
	struct conf_scan *o = s->out;

	if (s->token != T_WORD && s->token != T_STRING)
		return unexpected(s, "a value");
	if (it->row->list && it->nvalues == it->row->nmax)
		return FAIL_AT(s, s->token_line,
			       "%stoo many values, expected at most %u",
			       s->where, it->row->nmax);
	if (grow(s, &o->lines, o->nlines, sizeof(*o->lines)) < 0)
		return -1;
	o->lines[o->nlines++] = s->token_line;
	it->nvalues++;
	return 0;
}

static int scan_list(struct scanner *s, struct conf_item *it)
{
	if (next_token(s) < 0)
		return -1;
	while (!is_punct(s, '}') || it->nvalues > 0) {
		if (add_value(s, it) < 0 || next_token(s) < 0)
			return -1;
		if (is_punct(s, '}'))
			break;
		if (!is_punct(s, ','))
			return unexpected(s, "\",\" or \"}\"");
		if (next_token(s) < 0)
			return -1;
	}
	if (it->nvalues < it->row->nmin)
		return FAIL_AT(s, s->token_line,
			       "%san empty list, expected at least one value",
			       s->where);
	return 0;
}

static int scan_value(struct scanner *s, struct conf_item *it)
{
	int line;

	if (next_token(s) < 0)
		return -1;
	if (!is_punct(s, '='))
		return unexpected(s, "\"=\"");
	line = s->token_line;
	if (next_token(s) < 0)
		return -1;
	/* the next line's directive must not be taken for a value */
	if (s->token_line != line)
		return FAIL_AT(s, line,
			       "%sno value in this line, expected one behind "
			       "\"=\"",
			       s->where);
	if (is_punct(s, '{') && it->row->list)
		return scan_list(s, it);
	if (is_punct(s, '{'))
		return FAIL_AT(s, s->token_line,
			       "%sa list, expected a single value", s->where);
	if (add_value(s, it) < 0)
		return -1;
	if (it->row->list && !it->row->one)
		return FAIL_AT(s, s->token_line,
			       "%sa value without braces, expected a list: "
			       "{...}",
			       s->where);
	return 0;
}

static int unknown(struct scanner *s, const char *name, enum conf_scope scope)
{
	const struct conf_row *near = conf_row_near(name, scope);

	if (strcmp(name, "include") == 0)
		return unexpected(s, "a directive: other files are not read");
	if (scope != CONF_TOP && conf_row_find(name, CONF_TOP) != NULL)
		return FAIL_AT(
			s, s->token_line,
			"%s%s: not allowed in a section, expected outside",
			s->where, name);
	if (scope == CONF_TOP && (conf_row_find(name, CONF_SERVICE) != NULL ||
				  conf_row_find(name, CONF_ALLOW) != NULL))
		return FAIL_AT(s, s->token_line,
			       "%s%s: outside a section, expected inside one",
			       s->where, name);
	return FAIL_AT(
		s, s->token_line, "%s%s: unknown directive, expected %s%s%s",
		s->where, name,
		near != NULL ? "perhaps \"" : "one of tcpd.conf(5)",
		near != NULL ? near->name : "", near != NULL ? "\"" : "");
}

static int scan_directive(struct scanner *s, const char *name)
{
	enum conf_scope scope =
		s->section == 0 ? CONF_TOP
				: s->out->sections[s->section - 1].scope;
	struct conf_scan *o = s->out;
	const struct conf_row *row = conf_row_find(name, scope);
	struct conf_item *it;
	size_t prefix = strlen(s->where);
	int r;

	if (row == NULL)
		return unknown(s, name, scope);
	if (row->later)
		return FAIL(s,
			    "%s: not in this version, expected no such "
			    "directive",
			    name);
	for (size_t i = s->section_items; i < o->nitems; i++)
		if (o->items[i].row == row && o->items[i].section == s->section)
			return FAIL(s,
				    "%s: given again, expected once "
				    "(line %d)",
				    name, o->items[i].line);
	if (grow(s, &o->items, o->nitems, sizeof(*o->items)) < 0)
		return -1;
	it = &o->items[o->nitems++];
	*it = (struct conf_item){row, s->section, o->nlines, 0, s->token_line};
	(void)snprintf(s->where + prefix, sizeof(s->where) - prefix,
		       "%s: ", name);
	r = scan_value(s, it);
	s->where[prefix] = '\0';
	return r;
}

static int scan_title(struct scanner *s, enum conf_scope scope)
{
	struct conf_scan *o = s->out;
	struct conf_section *sec;
	const char *kind = scope_name(scope);
	size_t n = 0;

	(void)snprintf(s->where, sizeof(s->where), "%s: ", kind);
	if (s->section != 0)
		return FAIL(s, "inside \"%s\", expected outside",
			    o->sections[s->section - 1].title);
	if (next_token(s) < 0)
		return -1;
	if (s->token != T_WORD && s->token != T_STRING)
		return unexpected(s, "a name");
	if (grow(s, &o->sections, o->nsections, sizeof(*o->sections)) < 0)
		return -1;
	sec = &o->sections[o->nsections];
	*sec = (struct conf_section){.scope = scope, .line = s->token_line};
	if (s->len < sizeof(sec->title))
		memcpy(sec->title, s->text, s->len);
	if (!conf_is_name(sec->title, sizeof(sec->title) - 1))
		return unexpected(s, "a name of 1 to 63 of A-Z a-z 0-9 . _ -");
	for (size_t i = 0; i < o->nsections; i++) {
		if (o->sections[i].scope != scope)
			continue;
		if (strcmp(o->sections[i].title, sec->title) == 0)
			return FAIL_AT(s, sec->line,
				       "%s %s: given again, expected once "
				       "(line %d)",
				       kind, sec->title, o->sections[i].line);
		n++;
	}
	if (n == CONF_MAX_SECTIONS)
		return FAIL(s, "too many sections, expected at most %d",
			    CONF_MAX_SECTIONS);
	o->nsections++;
	s->section = o->nsections;
	s->section_items = o->nitems;
	(void)snprintf(s->where, sizeof(s->where), "%s %s: ", kind, sec->title);
	if (next_token(s) < 0)
		return -1;
	return is_punct(s, '{') ? 0 : unexpected(s, "\"{\"");
}

/* The name, or the end of a section, that stands at the token. */
static int scan_statement(struct scanner *s)
{
	char name[64] = "";

	if (is_punct(s, '}') && s->section != 0) {
		s->section = 0;
		s->section_items = 0;
		s->where[0] = '\0';
		return 0;
	}
	if (s->token != T_WORD)
		return unexpected(s, "a directive");
	if (s->len < sizeof(name))
		memcpy(name, s->text, s->len);
	if (!conf_is_name(name, sizeof(name) - 1))
		return unexpected(s, "a directive");
	if (strcmp(name, "service") == 0)
		return scan_title(s, CONF_SERVICE);
	if (strcmp(name, "allow") == 0)
		return scan_title(s, CONF_ALLOW);
	return scan_directive(s, name);
}

int conf_scan(struct conf_scan *out, const struct conf_piece *piece, char *err,
	      size_t nerr)
{
	struct scanner s = {.piece = piece,
			    .out = out,
			    .err = err,
			    .nerr = nerr,
			    .p = piece->text,
			    .line = 1};

	*out = (struct conf_scan){.text = strdup(piece->text)};
	if (out->text == NULL)
		return FAIL(&s, "%s", "out of memory");
	for (;;) {
		if (next_token(&s) < 0)
			return -1;
		if (s.token == T_END)
			break;
		if (scan_statement(&s) < 0)
			return -1;
	}
	if (s.section != 0)
		return FAIL_AT(&s, out->sections[s.section - 1].line,
			       "%snot closed, expected \"}\"", s.where);
	return 0;
}

void conf_scan_free(struct conf_scan *s)
{
	free(s->items);
	free(s->sections);
	free(s->lines);
	free(s->text);
	*s = (struct conf_scan){0};
}
