/* SPDX-License-Identifier: MIT */
/* conf_type.h - what can be done with a value of each type of directive. */
#ifndef DAEMON_CONF_TYPE_H
#define DAEMON_CONF_TYPE_H

#include <stddef.h>
#include <stdio.h>

#include "conf_table.h"

#define CONF_FORM_MAX 200

extern const char conf_no_memory[]; /* the one answer that is no fault of the
				       text */

/* A list loses its values; anything else stays. */
void conf_clear(const struct conf_row *r, void *owner);

/*
 * Put the value |text| into |owner| (the struct that r->owner names), in a
 * list behind the others: NULL, or what is wrong with it ("is no number").
 */
const char *conf_add(const struct conf_row *r, void *owner, const char *text);

/* The value as it is written in a file. */
void conf_print_value(const struct conf_row *r, const void *owner, FILE *f);

/* What is expected of a value: "a number from 68 to 65535". */
char *conf_form(const struct conf_row *r, char buf[CONF_FORM_MAX]);

/* A text in double quotes, so that it is read as it is. */
void conf_print_quoted(const char *text, FILE *f);

#endif /* DAEMON_CONF_TYPE_H */
