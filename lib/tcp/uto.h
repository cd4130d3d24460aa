/* SPDX-License-Identifier: MIT */
/* uto.h - the user time-out option (RFC 5482) of a connection. */
#ifndef TCP_UTO_H
#define TCP_UTO_H

#include "tcp.h"

struct conn;

/* L_LIMIT and U_LIMIT of RFC 5482, 3.1. */
#define UTO_LEAST TCPD_SEC(100)
#define UTO_MOST  TCPD_SEC(86400)

/* A unit and 15 bits (3.3); what does not fit in seconds is rounded up. */
uint16_t uto_to_wire(uint32_t seconds);
uint32_t uto_from_wire(uint16_t v);

/* ADV_UTO |v| into the options of a segment; 0: not (3.4). */
void uto_put(struct tcpopt *o, tcpd_time v);

/* TCPD_OPT_ADV_UTO: ADV_UTO, which goes with the next segment. */
void uto_advertise(struct tcp *t, struct conn *c, tcpd_time v);
/* The option of |seg|. */
void uto_take(struct tcp *t, struct conn *c, const struct segment *seg);
/* USER_TIMEOUT is |v| from now on. */
void uto_use(struct tcp *t, struct conn *c, tcpd_time v);
/* The user time-out came about by the peer's option. */
bool uto_adopted(const struct conn *c);
/* How long a peer may be idle before he is probed. */
tcpd_time uto_keepidle(const struct conn *c);

#endif /* TCP_UTO_H */
