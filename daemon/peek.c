/* SPDX-License-Identifier: MIT */
/* peek.c - addresses, ports and flags of a packet that is not trusted. */
#include <string.h>

#include "base/octets.h"
#include "daemon/peek.h"

enum {
	TCP = 6,
	FLAGS = 0x07 /* FIN, SYN, RST (RFC 9293, 3.1) */
};

static void set_ip4(struct tcpd_addr *a, struct octets *o)
{
	struct octets ip = octets_take(o, 4);

	a->family = 4;
	a->ip[10] = a->ip[11] = 0xff;
	if (!ip.bad)
		memcpy(a->ip + 12, ip.p, 4);
}

static void set_ip6(struct tcpd_addr *a, struct octets *o)
{
	struct octets ip = octets_take(o, 16);

	a->family = 6;
	if (!ip.bad)
		memcpy(a->ip, ip.p, 16);
}

/* The protocol of what follows; 0: none that is looked into. */
static uint8_t head4(struct octets *o, struct tcpd_addr *src,
		     struct tcpd_addr *dst)
{
	uint8_t words = octets_u8(o) & 0x0f, protocol;
	uint16_t fragment;

	octets_take(o, 5); /* TOS, length, identification */
	fragment = octets_be16(o);
	octets_take(o, 1); /* TTL */
	protocol = octets_u8(o);
	octets_take(o, 2); /* checksum */
	set_ip4(src, o);
	set_ip4(dst, o);
	octets_take(o, words < 5 ? 0 : 4u * (words - 5u));
	return fragment & 0x1fff ? 0 : protocol;
}

static uint8_t head6(struct octets *o, struct tcpd_addr *src,
		     struct tcpd_addr *dst)
{
	uint8_t protocol;

	octets_take(o, 6); /* version, class, label, length */
	protocol = octets_u8(o);
	octets_take(o, 1); /* hop limit */
	set_ip6(src, o);
	set_ip6(dst, o);
	return protocol;
}

void peek_at(struct peek *k, bool out, const uint8_t *p, size_t len)
{
	struct octets o = octets_of(p, len);
	struct tcpd_addr src = {0}, dst = {0};
	uint8_t protocol = 0, flags;

	*k = (struct peek){0};
	if (len && p[0] >> 4 == 4)
		protocol = head4(&o, &src, &dst);
	else if (len && p[0] >> 4 == 6)
		protocol = head6(&o, &src, &dst);
	if (protocol == TCP) {
		src.port = octets_be16(&o);
		dst.port = octets_be16(&o);
		octets_take(&o, 9); /* SEQ, ACK, offset */
		flags = octets_u8(&o);
		k->changes = !o.bad && (flags & FLAGS);
	}
	if (protocol == 0 && o.bad)
		return;
	k->local = out ? src : dst;
	k->peer = out ? dst : src;
}
