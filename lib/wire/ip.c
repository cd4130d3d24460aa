/* SPDX-License-Identifier: MIT */
/*
 * ip.c - IPv4 (RFC 791) and the fixed part of IPv6 (RFC 8200) headers.
 *
 * Every length is compared with what is there before anything behind it is
 * read.  Nothing is decided here about whose packet it is, and fragments are
 * put together elsewhere.
 */
#include <string.h>

#include "base/octets.h"
#include "cksum.h"
#include "ip.h"

enum { /* IPv4 */
       IP4_DF = 0x4000,
       IP4_MF = 0x2000,
       IP4_OFFSET = 0x1fff,
       IP4_OPT_EOL = 0,
       IP4_OPT_NOP = 1,
       IP4_OPT_LSRR = 131,
       IP4_OPT_SSRR = 137
};

static const uint8_t mapped_head[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255};

static void get_ip4(uint8_t ip[16], struct octets *in)
{
	struct octets v = octets_take(in, 4);

	memcpy(ip, mapped_head, sizeof(mapped_head));
	if (!v.bad)
		memcpy(ip + 12, v.p, 4);
}

static void get_ip6(uint8_t ip[16], struct octets *in)
{
	struct octets v = octets_take(in, 16);

	if (!v.bad)
		memcpy(ip, v.p, 16);
}

/* The fixed 20 octets; the total length, 0: |p| is too short for it. */
static uint16_t head4(struct ip *ip, const uint8_t *p, size_t len)
{
	struct octets in = octets_of(p, len);
	uint8_t first = octets_u8(&in);
	uint16_t total, frag;

	ip->version = 4;
	ip->nhead = (uint16_t)((first & 15) * 4);
	ip->tos = octets_u8(&in);
	total = octets_be16(&in);
	ip->id = octets_be16(&in);
	frag = octets_be16(&in);
	ip->df = frag & IP4_DF;
	ip->fragment = frag & (IP4_MF | IP4_OFFSET);
	ip->more = frag & IP4_MF;
	ip->offset = (frag & IP4_OFFSET) * 8u;
	ip->ttl = octets_u8(&in);
	ip->protocol = octets_u8(&in);
	octets_take(&in, 2); /* the checksum */
	get_ip4(ip->src, &in);
	get_ip4(ip->dst, &in);
	if (in.bad || ip->nhead < IP4_HEAD || ip->nhead > len ||
	    total < ip->nhead)
		return 0;
	ip->len = (uint32_t)total - ip->nhead;
	return total;
}

static bool good_options4(struct octets in)
{
	while (octets_left(&in)) {
		uint8_t kind = octets_u8(&in);
		uint8_t n;

		if (kind == IP4_OPT_EOL)
			return true;
		if (kind == IP4_OPT_NOP)
			continue;
		n = octets_u8(&in); /* counts kind and itself */
		if (n < 2 || kind == IP4_OPT_LSRR || kind == IP4_OPT_SSRR)
			return false;
		octets_take(&in, n - 2u);
		if (in.bad)
			return false;
	}
	return true;
}

static enum ip_verdict parse4(struct ip *ip, const uint8_t *p, size_t len)
{
	uint16_t total = head4(ip, p, len);

	if (total == 0 || total > len)
		return IP_SHORT;
	if (cksum_fold(cksum_portable(p, ip->nhead)) != 0xffff)
		return IP_CHECKSUM;
	if (ip->nhead > IP4_HEAD &&
	    !good_options4(
		    octets_of(p + IP4_HEAD, (size_t)ip->nhead - IP4_HEAD)))
		return IP_OPTION;
	return IP_GOOD;
}

/* The fixed 40 octets; the header after it stands in ip->protocol. */
static bool head6(struct ip *ip, const uint8_t *p, size_t len)
{
	struct octets in = octets_of(p, len);
	uint32_t first = octets_be32(&in);

	ip->version = 6;
	ip->nhead = IP6_HEAD;
	ip->tos = (uint8_t)(first >> 20);
	ip->flow = first & 0xfffff;
	ip->len = octets_be16(&in);
	ip->protocol = octets_u8(&in);
	ip->named_at = 6;
	ip->ttl = octets_u8(&in);
	get_ip6(ip->src, &in);
	get_ip6(ip->dst, &in);
	return !in.bad;
}

static enum ip_verdict parse6(struct ip *ip, const uint8_t *p, size_t len)
{
	if (!head6(ip, p, len) || ip->len > len - IP6_HEAD)
		return IP_SHORT;
	/* it would pass for an IPv4 packet wherever addresses are compared */
	if (ip_is4(ip->src) || ip_is4(ip->dst))
		return IP_VERSION;
	return ip6_walk(ip, p, octets_of(p + IP6_HEAD, ip->len));
}

enum ip_verdict ip_parse(struct ip *ip, const uint8_t *p, size_t len)
{
	memset(ip, 0, sizeof(*ip));
	if (len == 0)
		return IP_SHORT;
	switch (p[0] >> 4) {
	case 4:
		return parse4(ip, p, len);
	case 6:
		return parse6(ip, p, len);
	default:
		return IP_VERSION;
	}
}

bool ip_parse_quoted(struct ip *ip, const uint8_t *p, size_t len)
{
	memset(ip, 0, sizeof(*ip));
	if (len == 0)
		return false;
	switch (p[0] >> 4) {
	case 4:
		return head4(ip, p, len) != 0;
	case 6:
		return head6(ip, p, len) && !ip_is4(ip->src) &&
		       !ip_is4(ip->dst);
	default:
		return false;
	}
}

/* |mf|, when more fragments follow. */
static uint16_t where(const struct ip *h, uint16_t mf)
{
	return h->fragment && h->more ? mf : 0;
}

static size_t build4(uint8_t *p, size_t room, const struct ip *h)
{
	struct octets_out out = octets_into(p, room);
	uint16_t sum;

	if (h->len > 65535 - IP4_HEAD || room < IP4_HEAD)
		return 0;
	octets_put_u8(&out, 4 << 4 | IP4_HEAD / 4);
	octets_put_u8(&out, h->tos);
	octets_put_be16(&out, (uint16_t)(IP4_HEAD + h->len));
	octets_put_be16(&out, (uint16_t)h->id);
	octets_put_be16(&out,
			(uint16_t)((h->df ? IP4_DF : 0) | where(h, IP4_MF) |
				   (h->fragment ? h->offset / 8 : 0)));
	octets_put_u8(&out, h->ttl);
	octets_put_u8(&out, h->protocol);
	octets_put_be16(&out, 0);
	octets_put(&out, h->src + 12, 4);
	octets_put(&out, h->dst + 12, 4);
	sum = (uint16_t)~cksum_fold(cksum_portable(p, IP4_HEAD));
	p[10] = (uint8_t)(sum >> 8);
	p[11] = (uint8_t)sum;
	return IP4_HEAD;
}

static size_t build6(uint8_t *p, size_t room, const struct ip *h)
{
	struct octets_out out = octets_into(p, room);

	size_t extra = h->fragment ? IP6_FRAGMENT_HEAD : 0;

	if (h->len > 65535 - IP6_HEAD - extra || room < IP6_HEAD + extra)
		return 0;
	octets_put_be32(&out, 6u << 28 | (uint32_t)h->tos << 20 |
				      (h->flow & 0xfffff));
	octets_put_be16(&out, (uint16_t)(h->len + extra));
	octets_put_u8(&out, h->fragment ? IP6_FRAGMENT : h->protocol);
	octets_put_u8(&out, h->ttl);
	octets_put(&out, h->src, 16);
	octets_put(&out, h->dst, 16);
	if (h->fragment) {
		octets_put_u8(&out, h->protocol);
		octets_put_u8(&out, 0);
		octets_put_be16(&out, (uint16_t)(h->offset | where(h, 1)));
		octets_put_be32(&out, h->id);
	}
	return IP6_HEAD + extra;
}

size_t ip_build(uint8_t *p, size_t room, const struct ip *h)
{
	if (h->version == 4)
		return build4(p, room, h);
	if (h->version == 6)
		return build6(p, room, h);
	return 0;
}

/* The first |n| octets are 0. */
static bool is_zero(const uint8_t *p, int n)
{
	while (n > 0)
		if (p[--n])
			return false;
	return true;
}

bool ip_is_any(const uint8_t ip[16])
{
	return ip_is4(ip) ? is_zero(ip + 12, 4) : is_zero(ip, 16);
}

bool ip_is_multicast(const uint8_t ip[16])
{
	return ip_is4(ip) ? ip[12] >> 4 == 14 : ip[0] == 255;
}

bool ip_is_loopback(const uint8_t ip[16])
{
	return ip_is4(ip) ? ip[12] == 127 : is_zero(ip, 15) && ip[15] == 1;
}

bool ip_is_reserved(const uint8_t ip[16])
{
	return ip_is4(ip) && ip[12] >> 4 == 15;
}

bool ip_is_error(const uint8_t *p, size_t len)
{
	struct ip ip;
	struct octets in = octets_of(p, len);
	uint8_t type;

	if (!ip_parse_quoted(&ip, p, len))
		return false;
	octets_take(&in, ip.nhead);
	if (ip.version == 6)
		return ip6_is_error(&ip, in);
	type = octets_u8(&in);
	if (in.bad || ip.protocol != IP_ICMP || ip.offset)
		return false;
	switch (type) { /* RFC 1122, 3.2.2: these are queries */
	case 0:
	case 8:
	case 9:
	case 10:
	case 13:
	case 14:
	case 15:
	case 16:
	case 17:
	case 18:
		return false;
	default:
		return true;
	}
}

bool ip_in_prefix(const uint8_t ip[16], const uint8_t prefix[16],
		  uint8_t family, uint8_t len)
{
	bool four = family == 4;
	const uint8_t *a = four ? ip + 12 : ip;
	const uint8_t *b = four ? prefix + 12 : prefix;

	if ((!four && family != 6) || ip_is4(ip) != four ||
	    len > (four ? 32 : 128))
		return false;
	for (; len >= 8; len = (uint8_t)(len - 8))
		if (*a++ != *b++)
			return false;
	return len == 0 || (*a ^ *b) >> (8 - len) == 0;
}
