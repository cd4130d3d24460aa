/* SPDX-License-Identifier: MIT */
/*
 * bridge_opt.h - between the table of socket options (bridge_opt.c) and those
 * of its rows that are not just a number of the stack's (bridge_optval.c).
 */
#ifndef DAEMON_BRIDGE_OPT_H
#define DAEMON_BRIDGE_OPT_H

#include <errno.h>
#include <string.h>

#include "bridge.h"

/* --- bridge_opt.c */

/* An int out of what the program gave, and its answer: 0 or an errno. */
int opt_int(const void *p, size_t len, int *v);
int opt_give(void *p, uint16_t *len, const void *v, size_t n);
int opt_give_int(void *p, uint16_t *len, int v);
/* In the stack there is a connection or a listener that has the value. */
bool opt_is_open(const struct bridge *b);
/* There, or for later in the bridge. */
int opt_store(struct bridge *b, enum tcpd_option o, uint64_t value);
int opt_value(const struct bridge *b, enum tcpd_option o, uint64_t *value);

/* --- bridge_optval.c */
typedef int opt_setter(struct bridge *b, const void *p, size_t len);
typedef int opt_getter(struct bridge *b, void *p, uint16_t *len);
opt_setter optval_set_reuse, optval_set_reuseport, optval_set_linger,
	optval_set_oobinline, optval_set_v6only, optval_set_lowat,
	optval_set_maxseg, optval_set_congestion, optval_set_sndbuf,
	optval_set_tos, optval_set_tclass, optval_set_ttl, optval_set_hops,
	optval_set_defer, optval_set_linger2, optval_set_clamp,
	optval_set_pacing;
opt_getter optval_get_error, optval_get_type, optval_get_domain,
	optval_get_protocol, optval_get_acceptconn, optval_get_reuse,
	optval_get_reuseport, optval_get_linger, optval_get_oobinline,
	optval_get_v6only, optval_get_lowat, optval_get_maxseg,
	optval_get_congestion, optval_get_sndbuf, optval_get_info,
	optval_get_tos, optval_get_tclass, optval_get_ttl, optval_get_hops,
	optval_get_defer, optval_get_linger2, optval_get_clamp, optval_get_inq,
	optval_get_outq, optval_get_outqnsd, optval_get_pacing;

/* As the kernel does: what is out of the range is brought into it. */
uint64_t optval_clamp_buffer(int v, uint64_t most);

#endif /* DAEMON_BRIDGE_OPT_H */
