/* SPDX-License-Identifier: MIT */
/* proxy_v2.h - the head by which a forwarded connection names its client. */
#ifndef DAEMON_PROXY_V2_H
#define DAEMON_PROXY_V2_H

#include "tcpd.h"

#define PROXY_V2_MAX 52

/* The head for a connection from |src| to |dst|; its length is returned. */
size_t proxy_v2_write(uint8_t buf[PROXY_V2_MAX], const struct tcpd_addr *src,
		      const struct tcpd_addr *dst);

#endif /* DAEMON_PROXY_V2_H */
