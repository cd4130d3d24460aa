/* SPDX-License-Identifier: MIT */
/*
 * conf_type.c - the types of directives: one row each, of what puts a value
 * into its member, prints it, and says what it must look like.
 *
 * What needs a look at more than one directive is conf.c's.
 */
#include <assert.h>
#include <grp.h>
#include <inttypes.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>

#include "conf_member.h"
#include "conf_type.h"
#include "conf_type_addr.h"
#include "conf_value.h"

const char conf_no_memory[] = "out of memory";

/* --------------------------------------------------- numbers with a range */

static const char *in_range(const struct conf_row *r, uint64_t v)
{
	return v < r->min || v > r->max ? "is out of range" : NULL;
}

static const char *add_count(const struct conf_row *r, void *owner,
			     const char *text)
{
	uint64_t v;
	const char *why = conf_count(text, &v);

	if (why == NULL && (why = in_range(r, v)) == NULL)
		conf_put_uint(conf_member(r, owner), r->size, v);
	return why;
}

static const char *add_size(const struct conf_row *r, void *owner,
			    const char *text)
{
	uint64_t v;
	const char *why = conf_size(text, &v);

	if (why == NULL && (why = in_range(r, v)) == NULL)
		conf_put_uint(conf_member(r, owner), r->size, v);
	return why;
}

static const char *add_time(const struct conf_row *r, void *owner,
			    const char *text)
{
	tcpd_time v;
	const char *why = conf_time(text, &v);

	if (why == NULL && (why = in_range(r, v)) == NULL)
		conf_put_uint(conf_member(r, owner), r->size, v);
	return why;
}

static const char *add_wait(const struct conf_row *r, void *owner,
			    const char *text)
{
	tcpd_time *waits = conf_member(r, owner), v;
	size_t n = conf_count_of(r, owner);
	const char *why = conf_time(text, &v);

	if (why != NULL || (why = in_range(r, v)) != NULL)
		return why;
	if (n == r->nmax)
		return "is one too many";
	waits[n] = v;
	conf_set_count(r, owner, n + 1);
	return NULL;
}

static void print_count(const struct conf_row *r, const void *owner, FILE *f)
{
	(void)fprintf(f, "%" PRIu64,
		      conf_get_uint(conf_peek(r, owner), r->size));
}

static void print_size(const struct conf_row *r, const void *owner, FILE *f)
{
	char buf[CONF_TEXT_MAX];

	(void)fputs(conf_size_text(buf,
				   conf_get_uint(conf_peek(r, owner), r->size)),
		    f);
}

static void print_time(const struct conf_row *r, const void *owner, FILE *f)
{
	char buf[CONF_TEXT_MAX];

	(void)fputs(conf_time_text(buf,
				   conf_get_uint(conf_peek(r, owner), r->size)),
		    f);
}

static void form_count(const struct conf_row *r, char *buf)
{
	(void)snprintf(buf, CONF_FORM_MAX,
		       "a number from %" PRIu64 " to %" PRIu64, r->min, r->max);
}

static void form_size(const struct conf_row *r, char *buf)
{
	char min[CONF_TEXT_MAX], max[CONF_TEXT_MAX];

	(void)snprintf(
		buf, CONF_FORM_MAX, "a size from %s to %s (units k, M, G)",
		conf_size_text(min, r->min), conf_size_text(max, r->max));
}

static void form_time(const struct conf_row *r, char *buf)
{
	char min[CONF_TEXT_MAX], max[CONF_TEXT_MAX];

	(void)snprintf(buf, CONF_FORM_MAX,
		       "a duration from %s to %s (units ms, s, min)",
		       conf_time_text(min, r->min),
		       conf_time_text(max, r->max));
}

/* ---------------------------------------------------------------- words */

static const char *choose(const struct conf_row *r, const char *text,
			  const struct conf_choice **chosen)
{
	for (const struct conf_choice *c = r->choices; c->word != NULL; c++) {
		if (strcmp(c->word, text) != 0)
			continue;
		*chosen = c;
		return c->later ? "is not in this version" : NULL;
	}
	return "is unknown";
}

static const char *add_choice(const struct conf_row *r, void *owner,
			      const char *text)
{
	const struct conf_choice *c;
	const char *why = choose(r, text, &c);

	if (why == NULL)
		conf_put_uint(conf_member(r, owner), r->size, c->value);
	return why;
}

static void print_choice(const struct conf_row *r, const void *owner, FILE *f)
{
	uint64_t v = conf_get_uint(conf_peek(r, owner), r->size);
	const struct conf_choice *c = r->choices;

	while (c[1].word != NULL && (c->value != v || c->later))
		c++;
	(void)fputs(c->word, f);
}

static void form_choice(const struct conf_row *r, char *buf)
{
	size_t left = 0, n = 0;

	for (const struct conf_choice *c = r->choices; c->word != NULL; c++)
		left += !c->later;
	for (const struct conf_choice *c = r->choices; c->word != NULL; c++) {
		if (c->later)
			continue;
		left--;
		n += (size_t)snprintf(buf + n, CONF_FORM_MAX - n, "%s%s",
				      c->word,
				      left > 1	  ? ", "
				      : left == 1 ? " or "
						  : "");
	}
}

/* A text that its checker has found to fit. */
const char *conf_keep_text(const struct conf_row *r, void *owner,
			   const char *text)
{
	size_t n = strlen(text);

	if (n >= r->size)
		return "is too long";
	memset(conf_member(r, owner), 0, r->size);
	memcpy(conf_member(r, owner), text, n);
	return NULL;
}

static const char *add_word(const struct conf_row *r, void *owner,
			    const char *text)
{
	const struct conf_choice *c;
	const char *why = choose(r, text, &c);

	return why != NULL ? why : conf_keep_text(r, owner, text);
}

static void print_text(const struct conf_row *r, const void *owner, FILE *f)
{
	const char *text = conf_peek(r, owner);

	/* a path that is empty stands for its one word ("off") */
	if (*text == '\0' && r->choices != NULL)
		(void)fputs(r->choices->word, f);
	else if (conf_is_name(text, SIZE_MAX))
		(void)fputs(text, f);
	else
		conf_print_quoted(text, f);
}

static const char *add_tun(const struct conf_row *r, void *owner,
			   const char *text)
{
	if (!conf_is_name(text, (size_t)r->max))
		return "is no interface name";
	return conf_keep_text(r, owner, text);
}

static void form_tun(const struct conf_row *r, char *buf)
{
	(void)snprintf(buf, CONF_FORM_MAX,
		       "1 to %" PRIu64 " of A-Z a-z 0-9 . _ -", r->max);
}

static const char *add_user(const struct conf_row *r, void *owner,
			    const char *text)
{
	if (!conf_is_name(text, r->size - 1u))
		return "is no name";
	return conf_keep_text(r, owner, text);
}

static void form_user(const struct conf_row *r, char *buf)
{
	(void)snprintf(buf, CONF_FORM_MAX,
		       "a name of 1 to %u of A-Z a-z 0-9 . _ -", r->size - 1u);
}

static const char *add_path(const struct conf_row *r, void *owner,
			    const char *text)
{
	const struct conf_choice *c;

	if (r->choices != NULL && choose(r, text, &c) == NULL)
		return conf_keep_text(r, owner, "");
	if (*text == '\0')
		return "is no path";
	if (strlen(text) > r->max)
		return "is too long";
	return conf_keep_text(r, owner, text);
}

static void form_path(const struct conf_row *r, char *buf)
{
	char word[CONF_FORM_MAX / 2] = "";

	if (r->choices != NULL) {
		form_choice(r, word);
		(void)snprintf(buf, CONF_FORM_MAX,
			       "%s or a path of at most %" PRIu64 " octets",
			       word, r->max);
		return;
	}
	(void)snprintf(buf, CONF_FORM_MAX,
		       "a path of 1 to %" PRIu64
		       " octets (a socket's path in it has at most 107)",
		       r->max);
}

/* ------------------------------------------------------ users and groups */

/* A number that may be an id: (uid_t)-1 means "none" to the kernel. */
static bool is_id(const char *text, uint32_t *id)
{
	uint64_t v;

	if (conf_count(text, &v) != NULL || v >= UINT32_MAX)
		return false;
	*id = (uint32_t)v;
	return true;
}

static const char *add_uid(const struct conf_row *r, void *owner,
			   const char *text)
{
	struct conf_allow *a = owner;
	const struct passwd *pw;

	(void)r;
	a->any_uid = strcmp(text, "*") == 0;
	if (a->any_uid)
		return NULL;
	if (!is_id(text, &a->uid)) {
		pw = conf_is_name(text, 63) ? getpwnam(text) : NULL;
		if (pw == NULL)
			return "is no user of this system";
		a->uid = pw->pw_uid;
	}
	a->has_uid = true;
	return NULL;
}

static const char *add_gid(const struct conf_row *r, void *owner,
			   const char *text)
{
	struct conf_allow *a = owner;
	const struct group *gr;

	(void)r;
	if (!is_id(text, &a->gid)) {
		gr = conf_is_name(text, 63) ? getgrnam(text) : NULL;
		if (gr == NULL)
			return "is no group of this system";
		a->gid = gr->gr_gid;
	}
	a->has_gid = true;
	return NULL;
}

static void print_uid(const struct conf_row *r, const void *owner, FILE *f)
{
	const struct conf_allow *a = owner;

	(void)r;
	if (a->any_uid)
		(void)fputs("\"*\"", f);
	else
		(void)fprintf(f, "%u", (unsigned)a->uid);
}

static void print_gid(const struct conf_row *r, const void *owner, FILE *f)
{
	(void)r;
	(void)fprintf(f, "%u",
		      (unsigned)((const struct conf_allow *)owner)->gid);
}

static void form_uid(const struct conf_row *r, char *buf)
{
	(void)r;
	(void)snprintf(buf, CONF_FORM_MAX, "a user's name or number, or \"*\"");
}

static void form_gid(const struct conf_row *r, char *buf)
{
	(void)r;
	(void)snprintf(buf, CONF_FORM_MAX, "a group's name or number");
}

/* ------------------------------------------------------------- the table */

struct type {
	const char *(*add)(const struct conf_row *, void *, const char *);
	void (*print)(const struct conf_row *, const void *, FILE *);
	void (*form)(const struct conf_row *, char *);
};

/* clang-format off */
static const struct type types[CONF_NTYPES] = {
	[CONF_T_COUNT] =    {add_count,  print_count,  form_count},
	[CONF_T_SIZE] =     {add_size,   print_size,   form_size},
	[CONF_T_TIME] =     {add_time,   print_time,   form_time},
	[CONF_T_WAITS] =    {add_wait,   conf_print_list,   form_time},
	[CONF_T_CHOICE] =   {add_choice, print_choice, form_choice},
	[CONF_T_WORD] =     {add_word,   print_text,   form_choice},
	[CONF_T_TUN] =      {add_tun,    print_text,   form_tun},
	[CONF_T_USER] =     {add_user,   print_text,   form_user},
	[CONF_T_PATH] =     {add_path,   print_text,   form_path},
	[CONF_T_PORTS] =    {conf_add_ports,  conf_print_ports,  conf_form_ports},
	[CONF_T_PREFIXES] = {conf_add_prefix, conf_print_list,   conf_form_prefix},
	[CONF_T_LISTEN] =   {conf_add_listen, conf_print_list,   conf_form_listen},
	[CONF_T_TARGET] =   {conf_add_target, print_text,   conf_form_target},
	[CONF_T_UID] =      {add_uid,    print_uid,    form_uid},
	[CONF_T_GID] =      {add_gid,    print_gid,    form_gid},
	[CONF_T_RULES] =    {conf_add_rule,   conf_print_list,   conf_form_rule},
};
/* clang-format on */

void conf_clear(const struct conf_row *r, void *owner)
{
	if (r->list)
		conf_set_count(r, owner, 0);
}

const char *conf_add(const struct conf_row *r, void *owner, const char *text)
{
	return types[r->type].add(r, owner, text);
}

void conf_print_value(const struct conf_row *r, const void *owner, FILE *f)
{
	types[r->type].print(r, owner, f);
}

char *conf_form(const struct conf_row *r, char buf[CONF_FORM_MAX])
{
	types[r->type].form(r, buf);
	return buf;
}

void conf_print_quoted(const char *text, FILE *f)
{
	(void)fputc('"', f);
	for (; *text != '\0'; text++) {
		if (*text == '"' || *text == '\\')
			(void)fputc('\\', f);
		(void)fputc(*text, f);
	}
	(void)fputc('"', f);
}
