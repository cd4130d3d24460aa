/* SPDX-License-Identifier: MIT */
/* rtnl.h - the few rtnetlink requests that link.c needs, one call each. */
#ifndef DAEMON_RTNL_H
#define DAEMON_RTNL_H

#include <libmnl/libmnl.h>
#include <stdbool.h>
#include <stdint.h>

#include "tcpd.h"

struct rtnl {
	struct mnl_socket *nl;
	uint32_t seq;
};

struct rtnl_link {
	int index; /* 0: there is none */
	bool up;
	uint32_t mtu;
};

/* All of them: 0 or an errno. */
int rtnl_open(struct rtnl *r);
void rtnl_close(struct rtnl *r);

int rtnl_get_link(struct rtnl *r, const char *name, struct rtnl_link *l);
/* Set MTU and queue length, and up. */
int rtnl_set_link(struct rtnl *r, int index, uint32_t mtu, uint32_t txqueuelen);
int rtnl_add_address(struct rtnl *r, int index, const struct tcpd_prefix *p);
/* EEXIST: a route to exactly |p| is there; |rtnl_route_index| says where to. */
int rtnl_add_route(struct rtnl *r, int index, const struct tcpd_prefix *p);
/* Interface that packets for |p| leave by; 0: none. */
int rtnl_route_index(struct rtnl *r, const struct tcpd_prefix *p);
bool rtnl_has_address(struct rtnl *r, int index, const struct tcpd_prefix *p);

/* What RTM_NEWLINK says; |l->index| 0: not about a link. */
void rtnl_read_link(const struct nlmsghdr *nlh, struct rtnl_link *l);

#endif /* DAEMON_RTNL_H */
