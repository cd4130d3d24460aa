/* SPDX-License-Identifier: MIT */
/*
 * name.h - the abstract names by which an fd says what it is.
 *
 *	tcpd/<nonce><id>/<local>/<peer>
 *
 * behind the NUL of an abstract AF_UNIX name: <nonce> 8 hex digits of this
 * run of the daemon, <id> the number that tcpctl shows, in hex.  An address
 * is 10.77.0.2:80, ::ffff:10.77.0.2:80 (IPv4 on an AF_INET6 socket) or 32 hex
 * digits and a port, since two IPv6 addresses in their own notation do not
 * fit into the 107 octets of a name.  <peer> is "*" on a listener and "-" on
 * a socket that has none yet.
 */
#ifndef PROTO_NAME_H
#define PROTO_NAME_H

#include "proto/proto.h"

#define NAME_MAX_LEN 107u /* octets of an abstract name, without its NUL */

enum name_kind { NAME_FRESH, NAME_LISTENER, NAME_CONNECTION };

struct name {
	uint32_t nonce;
	uint64_t id; /* below 2^53 */
	enum name_kind kind;
	uint8_t domain; /* 4 or 6: the family that the program asked for */
	struct proto_addr local, peer;
};

/* Without the leading NUL octet: the length; never above NAME_MAX_LEN. */
size_t name_build(const struct name *n, char buf[NAME_MAX_LEN + 1]);

/* False: |p| is no name of tcpd's. */
bool name_parse(struct name *n, const char *p, size_t len);

#endif /* PROTO_NAME_H */
