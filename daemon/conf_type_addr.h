/* SPDX-License-Identifier: MIT */
/* conf_type_addr.h - for conf_type.c's table only: the address types. */
#ifndef DAEMON_CONF_TYPE_ADDR_H
#define DAEMON_CONF_TYPE_ADDR_H

#include <stdio.h>

#include "conf_table.h"

const char *conf_add_target(const struct conf_row *r, void *owner,
			    const char *text);
const char *conf_add_ports(const struct conf_row *r, void *owner,
			   const char *text);
const char *conf_add_prefix(const struct conf_row *r, void *owner,
			    const char *text);
const char *conf_add_listen(const struct conf_row *r, void *owner,
			    const char *text);
const char *conf_add_rule(const struct conf_row *r, void *owner,
			  const char *text);
void conf_form_target(const struct conf_row *r, char *buf);
void conf_form_ports(const struct conf_row *r, char *buf);
void conf_form_prefix(const struct conf_row *r, char *buf);
void conf_form_listen(const struct conf_row *r, char *buf);
void conf_form_rule(const struct conf_row *r, char *buf);
void conf_print_ports(const struct conf_row *r, const void *owner, FILE *f);
void conf_print_list(const struct conf_row *r, const void *owner, FILE *f);

/* Into a member of r->size octets: NULL, or "is too long". */
const char *conf_keep_text(const struct conf_row *r, void *owner,
			   const char *text);

#endif /* DAEMON_CONF_TYPE_ADDR_H */
