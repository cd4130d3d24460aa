/* SPDX-License-Identifier: MIT */
/*
 * proxy_v2.c - the PROXY protocol, version 2 (binary): signature, version 2
 * and command PROXY, family and STREAM, length, addresses, ports, all in
 * network order.  No TLVs.
 */
#include <string.h>

#include "proxy_v2.h"

static uint8_t *put16(uint8_t *p, size_t v)
{
	*p++ = (uint8_t)(v >> 8);
	*p++ = (uint8_t)v;
	return p;
}

size_t proxy_v2_write(uint8_t buf[PROXY_V2_MAX], const struct tcpd_addr *src,
		      const struct tcpd_addr *dst)
{
	static const uint8_t signature[12] = {0x0d, 0x0a, 0x0d, 0x0a,
					      0x00, 0x0d, 0x0a, 0x51,
					      0x55, 0x49, 0x54, 0x0a};
	size_t ip = src->family == 4 ? 4 : 16;
	uint8_t *p = buf;

	memcpy(p, signature, sizeof(signature));
	p += sizeof(signature);
	*p++ = 0x21;
	*p++ = src->family == 4 ? 0x11 : 0x21;
	p = put16(p, 2 * ip + 4);
	memcpy(p, src->ip + 16 - ip, ip);
	p += ip;
	memcpy(p, dst->ip + 16 - ip, ip);
	p += ip;
	p = put16(p, src->port);
	p = put16(p, dst->port);
	return (size_t)(p - buf);
}
