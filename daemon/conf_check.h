/* SPDX-License-Identifier: MIT */
/* conf_check.h - what makes a configuration wrong as a whole. */
#ifndef DAEMON_CONF_CHECK_H
#define DAEMON_CONF_CHECK_H

#include <stddef.h>

#include "conf.h"
#include "conf_table.h"

struct conf_place { /* where a thing was written; line 0: nowhere */
	const char *piece;
	int line;
};

struct conf_places {
	struct conf_place row[CONF_MAX_ROWS];
	struct conf_place service[CONF_MAX_SECTIONS]; /* in the list's order */
};

/* NULL, or what is wrong and what was expected. */
const char *conf_check_service(const struct conf_service *s);
const char *conf_check_allow(const struct conf_allow *a);

/* All of it, defaults included: 0, or -1 and one line of |err|. */
int conf_check(const struct conf *c, const struct conf_places *pl, char *err,
	       size_t nerr);

#endif /* DAEMON_CONF_CHECK_H */
