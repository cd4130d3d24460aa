/* SPDX-License-Identifier: MIT */
/*
 * tcphdr.c - the TCP header (RFC 9293, 3.1).  The checksum is neither checked
 * nor filled in here: who does it (the device, or the stack with whatever way
 * is fastest) is not known here.
 */
#include <string.h>

#include "base/octets.h"
#include "tcphdr.h"

bool tcphdr_parse(struct tcphdr *h, const uint8_t *p, size_t len)
{
	struct octets in = octets_of(p, len);

	h->src = octets_be16(&in);
	h->dst = octets_be16(&in);
	h->seq = octets_be32(&in);
	h->ack = octets_be32(&in);
	h->nhead = (uint8_t)((octets_u8(&in) >> 4) * 4);
	h->flags = octets_u8(&in);
	h->wnd = octets_be16(&in);
	h->csum = octets_be16(&in);
	h->urg = octets_be16(&in);
	h->opt_bad = false;
	if (in.bad || h->nhead < TCP_HEAD || h->nhead > len) {
		memset(&h->opt, 0, sizeof(h->opt));
		return false;
	}
	h->opt_bad = !tcpopt_parse(&h->opt, p + TCP_HEAD,
				   (size_t)h->nhead - TCP_HEAD);
	return true;
}

size_t tcphdr_build(uint8_t *p, size_t room, const struct tcphdr *h)
{
	uint8_t opt[TCP_HEAD_MAX - TCP_HEAD];
	size_t nopt = tcpopt_build(opt, sizeof(opt), &h->opt);
	size_t n = TCP_HEAD + nopt;
	struct octets_out out = octets_into(p, room);

	if (room < n)
		return 0;
	octets_put_be16(&out, h->src);
	octets_put_be16(&out, h->dst);
	octets_put_be32(&out, h->seq);
	octets_put_be32(&out, h->ack);
	octets_put_u8(&out, (uint8_t)(n / 4 << 4));
	octets_put_u8(&out, h->flags);
	octets_put_be16(&out, h->wnd);
	octets_put_be16(&out, 0);
	octets_put_be16(&out, h->urg);
	octets_put(&out, opt, nopt);
	return n;
}
