/* SPDX-License-Identifier: MIT */
/*
 * option.h - the options of tcpd.h: their ranges, where a connection has each
 * of them, and those of a listener, which its connections take over.
 */
#ifndef TCP_OPTION_H
#define TCP_OPTION_H

#include "tcp.h"

struct conn;

/* What was set on a socket before it listens, and on a listener since. */
struct options {
	uint64_t set; /* bits of enum tcpd_option */
	uint64_t value[TCPD_NOPTIONS];
};

/* The value |v| of |o| as it is kept; false: it is out of its range. */
bool option_ok(enum tcpd_option o, uint64_t *v);

void option_put(struct tcp *t, struct conn *c, enum tcpd_option o, uint64_t v);
uint64_t option_get(const struct conn *c, enum tcpd_option o);

/* What |o| is where nobody has set it. */
uint64_t option_default(enum tcpd_option o);

static inline uint64_t options_get(const struct options *s, enum tcpd_option o)
{
	return s->set >> o & 1 ? s->value[o] : option_default(o);
}

/* All that was set on a listener, to a connection of its. */
void options_inherit(struct tcp *t, struct conn *c, const struct options *s);

#endif /* TCP_OPTION_H */
