/* SPDX-License-Identifier: MIT */
/* pretty.h - addresses as people write them, and back. */
#ifndef WIRE_PRETTY_H
#define WIRE_PRETTY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tcpd.h"

#define PRETTY_ADDR_MAX 56 /* "[" 45 "]:65535" NUL */

/* "10.77.0.2:80", "[fd77::2]:80" (RFC 5952), "*:80" where family is 0;
 * "*:*" also for port 0 there.  Returns |buf|. */
char *pretty_addr(char buf[PRETTY_ADDR_MAX], const struct tcpd_addr *a);

/* The address alone: "10.77.0.2", "fd77::2". */
char *pretty_ip(char buf[PRETTY_ADDR_MAX], const uint8_t ip[16]);

/* "10.77.0.2", "fd77::2" to 16 octets and family 4 or 6; false: neither. */
bool pretty_parse_ip(uint8_t ip[16], uint8_t *family, const char *text);

/* "10.77.0.2:80", "[fd77::2]:80", ":80", "*:80" (family 0), "0.0.0.0:80",
 * "[::]:80"; false: none of these, or a port above 65535. */
bool pretty_parse_addr(struct tcpd_addr *a, const char *text);

#endif /* WIRE_PRETTY_H */
