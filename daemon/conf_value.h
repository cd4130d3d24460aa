/* SPDX-License-Identifier: MIT */
/*
 * conf_value.h - single values of the configuration: text to value and back.
 *
 * A function that reads answers NULL, or what is wrong with the text in the
 * words that stand between the text and "expected" in an error ("has no
 * unit").  Nothing here knows a directive.
 */
#ifndef DAEMON_CONF_VALUE_H
#define DAEMON_CONF_VALUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "conf.h"

#define CONF_TEXT_MAX 96 /* enough for every conf_*_text() below */

const char *conf_count(const char *text, uint64_t *v);
const char *conf_size(const char *text, uint64_t *v);  /* k, M, G */
const char *conf_time(const char *text, tcpd_time *v); /* ms, s, min */
const char *conf_ports(const char *text, uint16_t *min, uint16_t *max);

/* "10.77.0.2/24"; with |may_be_local| also "10.9.0.0/16 local". */
const char *conf_prefix(const char *text, bool may_be_local,
			struct tcpd_prefix *p);

/* Where a service listens: a port that is not 0, and a TCP address. */
const char *conf_listen(const char *text, struct tcpd_addr *a);

/* "*:80", "10.0.0.0/8:*", "[fd77::/64]:8000-8999" */
const char *conf_rule(const char *text, struct conf_rule_addr *r);

/* Where kind forward goes: "tcp:127.0.0.1:8080", "unix:/path" */
const char *conf_target(const char *text);

/* One to |max| of A-Z a-z 0-9 . _ -, and neither "." nor "..". */
bool conf_is_name(const char *text, size_t max);

char *conf_size_text(char buf[CONF_TEXT_MAX], uint64_t v);
char *conf_time_text(char buf[CONF_TEXT_MAX], tcpd_time v);
char *conf_prefix_text(char buf[CONF_TEXT_MAX], const struct tcpd_prefix *p);
char *conf_listen_text(char buf[CONF_TEXT_MAX], const struct tcpd_addr *a);
char *conf_rule_text(char buf[CONF_TEXT_MAX], const struct conf_rule_addr *r);

/* Does |ip| lie in the first |len| bits (of the family) of |net|? */
bool conf_covers(const uint8_t net[16], uint8_t family, uint8_t len,
		 const uint8_t ip[16]);

/* |text| for a message: shortened, and what is no printable ASCII as \xNN. */
char *conf_show(char buf[CONF_TEXT_MAX], const char *text);

#endif /* DAEMON_CONF_VALUE_H */
