/* SPDX-License-Identifier: MIT */
/* pattern.h - the octets of the character generator (RFC 864). */
#ifndef DAEMON_PATTERN_H
#define DAEMON_PATTERN_H

#include <stddef.h>
#include <stdint.h>

/* 95 lines of 72 characters, each one further than the line above. */
#define PATTERN_PERIOD 7030u /* 95 times 74 */

/* The next |n| octets to |p|; |phase| is the place in the period, and the
 * new one is returned. */
uint32_t pattern_fill(uint8_t *p, size_t n, uint32_t phase);

#endif /* DAEMON_PATTERN_H */
