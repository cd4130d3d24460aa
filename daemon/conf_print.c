/* SPDX-License-Identifier: MIT */
/*
 * conf_print.c - the configuration in canonical form: every directive with
 * its value, in the order of the table, then the sections.
 */
#include "conf.h"
#include "conf_table.h"
#include "conf_type.h"

static void print_row(const struct conf_row *r, const void *owner,
		      const char *indent, FILE *f)
{
	(void)fprintf(f, "%s%s = ", indent, r->name);
	conf_print_value(r, owner, f);
	(void)fputc('\n', f);
}

static void print_service(const struct conf_service *s, FILE *f)
{
	(void)fprintf(f, "service %s {\n", s->name);
	for (size_t i = 0; i < conf_nrows; i++) {
		const struct conf_row *r = &conf_rows[i];

		if ((s->set & CONF_ROW_BIT(r)) == 0)
			continue;
		if (r->owner == CONF_OF_CONN)
			print_row(r, &s->conn, "\t", f);
		else
			print_row(r, s, "\t", f);
	}
	(void)fputs("}\n", f);
}

static void print_allow(const struct conf_allow *a, FILE *f)
{
	(void)fprintf(f, "allow %s {\n", a->name);
	for (size_t i = 0; i < conf_nrows; i++) {
		const struct conf_row *r = &conf_rows[i];

		if (r->owner != CONF_OF_ALLOW ||
		    (r->type == CONF_T_UID && !a->has_uid && !a->any_uid) ||
		    (r->type == CONF_T_GID && !a->has_gid) ||
		    (r->off == offsetof(struct conf_allow, listen) &&
		     a->nlisten == 0) ||
		    (r->off == offsetof(struct conf_allow, connect) &&
		     a->nconnect == 0))
			continue;
		print_row(r, a, "\t", f);
	}
	(void)fputs("}\n", f);
}

void conf_print(const struct conf *c, FILE *f)
{
	for (size_t i = 0; i < conf_nrows; i++) {
		const struct conf_row *r = &conf_rows[i];
		/* to ask for the default user is more than to have it */
		bool unset = (r->off == offsetof(struct conf, user) &&
			      !c->user_set) ||
			     (r->off == offsetof(struct conf, group) &&
			      !c->group_set);

		if ((r->scope & CONF_TOP) == 0)
			continue;
		if (r->owner == CONF_OF_CONN)
			print_row(r, &c->conn, "", f);
		else
			print_row(r, c, unset ? "# " : "", f);
	}
	for (const struct conf_service *s = c->services; s != NULL; s = s->next)
		print_service(s, f);
	for (const struct conf_allow *a = c->allows; a != NULL; a = a->next)
		print_allow(a, f);
}
