/* SPDX-License-Identifier: MIT */
/*
 * peek.h - whose a packet is, for captures and their filters: a look at its
 * addresses and flags, no more.
 */
#ifndef DAEMON_PEEK_H
#define DAEMON_PEEK_H

#include "tcpd.h"

struct peek {
	struct tcpd_addr local, peer; /* zeroed where they cannot be told */
	bool changes;		      /* TCP with SYN, FIN or RST */
};

/* |out|: from the stack, whose source is the local side.  |p|: from the IP
 * header on, |len| octets of it. */
void peek_at(struct peek *k, bool out, const uint8_t *p, size_t len);

#endif /* DAEMON_PEEK_H */
