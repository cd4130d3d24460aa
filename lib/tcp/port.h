/* SPDX-License-Identifier: MIT */
/* port.h - ephemeral ports: RFC 6056, and which local address to use. */
#ifndef TCP_PORT_H
#define TCP_PORT_H

#include "tcp.h"

struct claim;

/* Is the four-tuple free in all three tables? */
bool port_tuple_free(const struct tcp *t, const struct tuple *tu);

/* ... or only a TIME-WAIT entry's that gives its place? */
bool port_tuple_usable(const struct tcp *t, const struct tuple *tu);

/* Something that had |port| has gone. */
void port_give(struct tcp *t, uint16_t port);

/* Choose tu->lport for a connection to tu->peer; false: none is free. */
bool port_choose(struct tcp *t, struct tuple *tu);

/* Choose a port for a bind: one that nothing uses, else one whose uses do not
 * overlap; 0: none is free. */
uint16_t port_choose_bind(struct tcp *t, const struct claim *w);

/* Is |ip| (IPv4 as mapped) one of the stack's own? */
bool port_is_ours(const struct tcp *t, const uint8_t ip[16]);

/* ... the broadcast address of one of its IPv4 prefixes, or of all? */
bool port_is_broadcast(const struct tcp *t, const uint8_t ip[16]);

/* The stack's address to talk to |peer| from; false: none of its family. */
bool port_source(const struct tcp *t, const uint8_t peer[16], uint8_t ip[16]);

#endif /* TCP_PORT_H */
