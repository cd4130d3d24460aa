/* SPDX-License-Identifier: MIT */
/*
 * conf_type_addr.c - the types of directives that name addresses and ports:
 * prefixes, listeners, targets, rules; and how a list is printed.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "conf_member.h"
#include "conf_type.h"
#include "conf_type_addr.h"
#include "conf_value.h"

const char *conf_add_target(const struct conf_row *r, void *owner,
			    const char *text)
{
	const char *why = conf_target(text);

	return why != NULL ? why : conf_keep_text(r, owner, text);
}

void conf_form_target(const struct conf_row *r, char *buf)
{
	(void)r;
	(void)snprintf(buf, CONF_FORM_MAX,
		       "\"tcp:127.0.0.1:PORT\" (any address of 127.0.0.0/8) or "
		       "\"unix:/PATH\" (at most 107 octets)");
}

/* ------------------------------------------------------------ addresses */

/* The row's member is the first of two: port_min, port_max. */
static_assert(offsetof(struct conf, port_max) ==
		      offsetof(struct conf, port_min) + sizeof(uint16_t),
	      "the two ports stand side by side");

const char *conf_add_ports(const struct conf_row *r, void *owner,
			   const char *text)
{
	uint16_t *p = conf_member(r, owner);

	return conf_ports(text, &p[0], &p[1]);
}

void conf_print_ports(const struct conf_row *r, const void *owner, FILE *f)
{
	const uint16_t *p = conf_peek(r, owner);

	(void)fprintf(f, "%u-%u", (unsigned)p[0], (unsigned)p[1]);
}

void conf_form_ports(const struct conf_row *r, char *buf)
{
	(void)r;
	(void)snprintf(buf, CONF_FORM_MAX,
		       "a range of ports from 1 to 65535, as 32768-60999");
}

const char *conf_add_prefix(const struct conf_row *r, void *owner,
			    const char *text)
{
	struct conf_prefix **list = conf_member(r, owner), *e;
	size_t n = conf_count_of(r, owner);
	struct tcpd_prefix p;
	char buf[CONF_TEXT_MAX];

	const char *why = conf_prefix(text, r->local, &p);

	if (why != NULL)
		return why;
	if (n == r->nmax)
		return "is one too many";
	for (size_t i = 0; i < n; i++)
		if (memcmp((*list)[i].p.ip, p.ip, sizeof(p.ip)) == 0)
			return "is given twice";
	if (*list == NULL)
		*list = calloc(r->nmax, sizeof(**list));
	if (*list == NULL)
		return conf_no_memory;
	e = &(*list)[n];
	e->p = p;
	(void)snprintf(e->text, sizeof(e->text), "%s",
		       conf_prefix_text(buf, &p));
	conf_set_count(r, owner, n + 1);
	return NULL;
}

void conf_form_prefix(const struct conf_row *r, char *buf)
{
	(void)snprintf(buf, CONF_FORM_MAX,
		       "a host's address and prefix length, as "
		       "\"10.77.0.2/24\" or \"fd77::2/64\"%s",
		       r->local ? ", or \"10.9.0.0/16 local\"" : "");
}

const char *conf_add_listen(const struct conf_row *r, void *owner,
			    const char *text)
{
	struct tcpd_addr *list = conf_member(r, owner), a = {0};
	size_t n = conf_count_of(r, owner);
	const char *why = conf_listen(text, &a);

	if (why != NULL)
		return why;
	if (n == r->nmax)
		return "is one too many";
	for (size_t i = 0; i < n; i++)
		if (list[i].port == a.port && list[i].family == a.family &&
		    memcmp(list[i].ip, a.ip, sizeof(a.ip)) == 0)
			return "is given twice";
	list[n] = a;
	conf_set_count(r, owner, n + 1);
	return NULL;
}

void conf_form_listen(const struct conf_row *r, char *buf)
{
	(void)r;
	(void)snprintf(buf, CONF_FORM_MAX,
		       "\":80\", \"10.77.0.2:80\", \"[fd77::2]:80\", "
		       "\"0.0.0.0:80\" or \"[::]:80\"");
}

const char *conf_add_rule(const struct conf_row *r, void *owner,
			  const char *text)
{
	struct conf_rule_addr *list = conf_member(r, owner), a;
	size_t n = conf_count_of(r, owner);
	const char *why = conf_rule(text, &a);

	if (why != NULL)
		return why;
	if (n == r->nmax)
		return "is one too many";
	list[n] = a;
	conf_set_count(r, owner, n + 1);
	return NULL;
}

void conf_form_rule(const struct conf_row *r, char *buf)
{
	(void)r;
	(void)snprintf(buf, CONF_FORM_MAX,
		       "\"10.77.0.2:80\", \"10.0.0.0/8:*\", "
		       "\"[fd77::/64]:80\" or \"*:8000-8999\"");
}

/* One value of any list, at its place. */
static void print_one(const struct conf_row *r, const void *owner, size_t i,
		      FILE *f)
{
	const void *list = conf_peek(r, owner);
	char buf[CONF_TEXT_MAX];

	if (r->type == CONF_T_WAITS) {
		(void)fputs(conf_time_text(buf, ((const tcpd_time *)list)[i]),
			    f);
		return;
	}
	if (r->type == CONF_T_PREFIXES)
		(void)conf_prefix_text(
			buf, &(*(struct conf_prefix *const *)list)[i].p);
	else if (r->type == CONF_T_LISTEN)
		(void)conf_listen_text(buf,
				       &((const struct tcpd_addr *)list)[i]);
	else
		(void)conf_rule_text(buf,
				     &((const struct conf_rule_addr *)list)[i]);
	conf_print_quoted(buf, f);
}

void conf_print_list(const struct conf_row *r, const void *owner, FILE *f)
{
	size_t n = conf_count_of(r, owner);

	if (n == 1 && r->one) {
		print_one(r, owner, 0, f);
		return;
	}
	(void)fputc('{', f);
	for (size_t i = 0; i < n; i++) {
		if (i > 0)
			(void)fputs(", ", f);
		print_one(r, owner, i, f);
	}
	(void)fputc('}', f);
}
