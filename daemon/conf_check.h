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

struct conf_service_place {
	const char *piece;
	int line[CONF_MAX_LISTEN]; /* of each address */
};

struct conf_places {
	struct conf_place row[CONF_MAX_ROWS];
	/* in the list's order */
	struct conf_service_place service[CONF_MAX_SECTIONS];
};

/* NULL, or what is wrong and what was expected. */
const char *conf_check_service(const struct conf_service *s);
const char *conf_check_allow(const struct conf_allow *a);

/* All of it, defaults included: 0, or -1 and one line of |err|. */
int conf_check(const struct conf *c, const struct conf_places *pl, char *err,
	       size_t nerr);

#endif /* DAEMON_CONF_CHECK_H */
