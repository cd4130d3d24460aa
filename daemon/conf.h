/* SPDX-License-Identifier: MIT */
/*
 * conf.h - the configuration as values.  conf_table.c holds one row a
 * directive (name, type, default, meaning); parsing, canonical printing, the
 * example file and the man page all come from it (scripts/gen-conf-example,
 * scripts/gen-man-conf).
 */
#ifndef DAEMON_CONF_H
#define DAEMON_CONF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

#include "tcpd.h"

#define CONF_NAME_MAX	  16 /* interface and section names, NUL included */
#define CONF_MAX_LISTEN	  16
#define CONF_MAX_SECTIONS 256 /* services, and as many allow rules */

struct conf_prefix { /* an address with its prefix length */
	struct tcpd_prefix p;
	char text[64]; /* canonical: "10.77.0.2/24", "10.9.0.0/16 local" */
};

enum conf_kind {
	CONF_HTTP,
	CONF_ECHO,
	CONF_DISCARD,
	CONF_CHARGEN,
	CONF_DAYTIME,
	CONF_FORWARD
};

struct conf_service {
	char name[64];
	enum conf_kind kind;
	struct tcpd_addr listen[CONF_MAX_LISTEN]; /* family 0: both, any */
	size_t nlisten;
	char to[128]; /* forward: "tcp:127.0.0.1:8080", "unix:/path" */
	bool proxy_v2;
	struct tcpd_conn_settings conn; /* directives repeated inside */
	uint64_t set; /* which ones were written: bits of conf_rows[] */
	struct conf_service *next;
};

struct conf_rule_addr { /* of an allow rule; any: family 0, port_max 65535 */
	uint8_t ip[16];
	uint8_t family, len; /* prefix length in the family's own bits */
	uint16_t port_min, port_max;
};

/* Who is meant: with a user and a group both must fit.  What is allowed: the
 * addresses listed; an empty list allows nothing of its kind. */
struct conf_allow {
	char name[64];
	bool any_uid, has_uid, has_gid;
	uid_t uid;
	gid_t gid;
	struct conf_rule_addr listen[CONF_MAX_LISTEN];
	size_t nlisten;
	struct conf_rule_addr connect[CONF_MAX_LISTEN];
	size_t nconnect;
	struct conf_allow *next;
};

enum conf_log { CONF_LOG_ERROR, CONF_LOG_WARN, CONF_LOG_INFO, CONF_LOG_DEBUG };

struct conf_profile; /* conf_table.h */

struct conf {
	char tun[CONF_NAME_MAX];
	struct conf_prefix *addresses, *host_addresses;
	size_t naddresses, nhost_addresses;
	uint32_t mtu, txqueuelen;
	bool offload; /* auto; false: off */
	bool keep_removed;
	char run_dir[108], user[64], group[64];
	bool user_set, group_set; /* written, not the default */
	char profile[16];
	uint32_t time_scale;
	uint32_t connections, orphans, half_open, time_wait_max, reset_rate;
	uint64_t memory;
	uint16_t port_min, port_max;
	struct tcpd_conn_settings conn;
	const struct conf_profile *numbers; /* what is no directive */
	enum conf_log log_level;
	char capture[256]; /* "": off */
	struct conf_service *services;
	struct conf_allow *allows;
};

/* One piece of configuration: a file's text, or that of an -o option. */
struct conf_piece {
	const char *name; /* what errors say before the line: path, "-o 2" */
	const char *text; /* NUL-terminated */
};

/*
 * Read |n| pieces, later ones on top of earlier ones, into a new object:
 * NULL when one is wrong, and |err| says so in one line
 * ("tcpd.conf:3: mtu: ..., expected ...").  The caller frees with conf_free().
 */
struct conf *conf_parse(const struct conf_piece *pieces, size_t n, char *err,
			size_t nerr);

/* A file's text, read whole: NULL and |err| when it cannot be read, is above
 * 1 MiB, is no regular file or has a NUL octet.  The caller frees it. */
char *conf_read_file(const char *path, char *err, size_t nerr);

/*
 * What a start and a reload do: |file|'s text, then the |nopts| texts of -o
 * ("-o 1" is the first).  A |file| that is absent and was not |asked| for by
 * name leaves the built-in defaults.
 */
struct conf *conf_load(const char *file, bool asked, const char *const *opts,
		       size_t nopts, char *err, size_t nerr);

void conf_free(struct conf *c);

/*
 * Canonical form: conf_parse() of what is printed gives the same values.
 * user and group stand in a comment while nobody has set them.
 */
void conf_print(const struct conf *c, FILE *f);

/* What lib/ gets of it; |key|, the memory functions and offloads are the
 * caller's to add. */
void conf_settings(const struct conf *c, struct tcpd_settings *s);

#endif /* DAEMON_CONF_H */
