/* SPDX-License-Identifier: MIT */
/*
 * conf_table.h - one row a directive: name, where it may stand, type, range,
 * defaults, meaning, and the member that holds it.  Reading, printing, errors,
 * tcpd.conf.example and tcpd.conf(5) all come from these rows.
 */
#ifndef DAEMON_CONF_TABLE_H
#define DAEMON_CONF_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "conf.h"

/* Where a directive may stand; bits. */
enum conf_scope {
	CONF_TOP = 1u << 0,
	CONF_SERVICE = 1u << 1,
	CONF_ALLOW = 1u << 2
};

/* Whose member it is. */
enum conf_owner {
	CONF_OF_CONF,	 /* struct conf */
	CONF_OF_CONN,	 /* struct tcpd_conn_settings, of either */
	CONF_OF_SERVICE, /* struct conf_service */
	CONF_OF_ALLOW	 /* struct conf_allow */
};

/* Rows of the table in conf_type.c. */
enum conf_type {
	CONF_T_COUNT,
	CONF_T_SIZE,
	CONF_T_TIME,
	CONF_T_WAITS,
	CONF_T_CHOICE, /* stored as its number */
	CONF_T_WORD,   /* stored as its word */
	CONF_T_TUN,
	CONF_T_USER,
	CONF_T_PATH,
	CONF_T_PORTS,
	CONF_T_PREFIXES,
	CONF_T_LISTEN,
	CONF_T_TARGET,
	CONF_T_UID,
	CONF_T_GID,
	CONF_T_RULES,
	CONF_NTYPES
};

struct conf_choice {
	const char *word; /* NULL: end of the list */
	unsigned value;
	bool later; /* refused: not in this version */
};

enum conf_profile_id { CONF_MODERN, CONF_TUTORIAL, CONF_LINUX, CONF_NPROFILES };

struct conf_profile {
	const char *name;
	tcpd_time rto_init; /* RFC 6298; 3 s is RFC 1122's */
	uint8_t syn_retries;
	uint8_t wscale;
	bool as_linux;
};
extern const struct conf_profile conf_profiles[CONF_NPROFILES];

struct conf_row {
	const char *name;
	uint8_t scope;	     /* enum conf_scope, ored */
	uint8_t owner;	     /* enum conf_owner */
	uint8_t type;	     /* enum conf_type */
	bool list;	     /* values in braces */
	bool one;	     /* list: a single value needs no braces */
	bool later;	     /* refused: not in this version */
	bool local;	     /* prefixes: an entry may own its whole prefix */
	uint16_t nmin, nmax; /* list: how many values */
	uint16_t off, size;  /* the member; size 0: nothing to keep */
	uint16_t noff;	     /* list: the member that counts its values */
	uint16_t nsize;
	uint64_t min, max; /* a number's range; a text's greatest length */
	const struct conf_choice *choices;
	const char *def[CONF_NPROFILES]; /* as written; NULL: as modern */
	const char *meaning;		 /* sentences */
};

#define CONF_MAX_ROWS 64 /* they are bits of masks */

extern const struct conf_row conf_rows[];
extern const size_t conf_nrows;

/* The row of |name| in |scope|, or NULL. */
const struct conf_row *conf_row_find(const char *name, enum conf_scope scope);

/* The row whose name is nearest to |name| in |scope|; NULL: none is near. */
const struct conf_row *conf_row_near(const char *name, enum conf_scope scope);

#define CONF_ROW_BIT(r) (UINT64_C(1) << ((r)-conf_rows))

/* The index of the profile called |name|; CONF_NPROFILES: there is none. */
enum conf_profile_id conf_profile_find(const char *name);

#endif /* DAEMON_CONF_TABLE_H */
