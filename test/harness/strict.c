/* SPDX-License-Identifier: MIT */
/*
 * strict.c - reads what the stack sends as its worst enemy would: no octet
 * too many or too few, no flag, option or checksum that the RFCs do not want
 * exactly so.  Knows nothing of connections.
 */
#include <stdio.h>
#include <string.h>

#include "base/octets.h"
#include "packet.h"

static const char *join(struct octets *o, uint8_t *buf,
			const struct tcpd_out *out)
{
	size_t len = out->nhead;

	if (out->nhead > TCPD_HEAD_MAX || out->nslices > TCPD_SLICES_MAX)
		return "more head or slices than there is room for";
	memcpy(buf, out->head, out->nhead);
	for (int i = 0; i < out->nslices; i++) {
		if (!out->slice[i].len)
			return "an empty slice";
		if (len + out->slice[i].len > 65535)
			return "longer than 65535 octets";
		memcpy(buf + len, out->slice[i].p, out->slice[i].len);
		len += out->slice[i].len;
	}
	if (len != out->len)
		return "its length is not that of its parts";
	*o = octets_of(buf, len);
	return NULL;
}

static const char *read_ip4(struct packet *p, struct octets *o)
{
	size_t len = octets_left(o);
	uint64_t sum = packet_add(0, o->p, len < 20 ? len : 20);
	uint16_t frag;

	if (octets_u8(o) != 0x45)
		return "IPv4 header is not 20 octets";
	p->tos = octets_u8(o);
	if (octets_be16(o) != len)
		return "IPv4 total length is not the packet's";
	p->id = octets_be16(o);
	frag = octets_be16(o);
	p->fragment = (frag & 0x3fff) != 0;
	p->more = (frag & 0x2000) != 0;
	p->offset = (frag & 0x1fff) * 8u;
	p->ttl = octets_u8(o);
	p->protocol = octets_u8(o);
	if (frag != 0x4000 && p->protocol != PROTO_ICMP)
		return "IPv4 segment without DF, or a fragment";
	if (frag == 0x4000 && p->id)
		return "an identification that nobody needs";
	if (frag & 0x8000 || (p->fragment && frag & 0x4000))
		return "DF on a fragment, or the reserved bit";
	octets_be16(o);
	memset(p->src, 0, 10);
	memset(p->src + 10, 0xff, 2);
	memcpy(p->dst, p->src, 12);
	for (int i = 12; i < 16; i++)
		p->src[i] = octets_u8(o);
	for (int i = 12; i < 16; i++)
		p->dst[i] = octets_u8(o);
	if (o->bad)
		return "IPv4 header is cut short";
	return packet_fold(sum) != 0xffff ? "IPv4 checksum is wrong" : NULL;
}

static const char *read_fragment6(struct packet *p, struct octets *o)
{
	uint16_t frag;

	p->protocol = octets_u8(o);
	if (octets_u8(o))
		return "reserved octet of a fragment header";
	frag = octets_be16(o);
	p->fragment = true;
	p->more = frag & 1;
	p->offset = frag & 0xfff8u;
	p->id = octets_be32(o);
	if (p->protocol != PROTO_ICMP6)
		return "a fragment that is not of ICMPv6";
	if (!p->more && !p->offset)
		return "an atomic fragment";
	if (frag & 6)
		return "reserved bits of a fragment header";
	return o->bad ? "fragment header is cut short" : NULL;
}

static const char *read_ip6(struct packet *p, struct octets *o)
{
	uint32_t word = octets_be32(o);

	p->tos = (uint8_t)(word >> 20);
	p->flow = word & 0xfffff;
	if (!p->flow)
		return "IPv6 packet without a flow label";
	if (octets_be16(o) != octets_left(o) - 34)
		return "IPv6 payload length is not the packet's";
	p->protocol = octets_u8(o);
	p->ttl = octets_u8(o);
	for (int i = 0; i < 16; i++)
		p->src[i] = octets_u8(o);
	for (int i = 0; i < 16; i++)
		p->dst[i] = octets_u8(o);
	if (p->protocol == 44)
		return read_fragment6(p, o);
	return o->bad ? "IPv6 header is cut short" : NULL;
}

static uint32_t number(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 |
	       (uint32_t)p[2] << 8 | p[3];
}

/* Blocks of RFC 2018 that begin at |i|: above the ACK and apart, but for the
 * first, which may be of a duplicate (RFC 2883). */
static bool sack(const struct packet *p, uint8_t i)
{
	uint8_t n = p->opt[i + 1] / 8;

	if (p->opt[i + 1] != 2 + 8 * n || n < 1 || n > 4 || i % 4 != 2 ||
	    i + p->opt[i + 1] > p->nopt)
		return false;
	for (uint8_t k = 0; k < n; k++) {
		const uint8_t *v = &p->opt[i + 2 + 8 * k];
		uint32_t left = number(v), right = number(v + 4);

		if ((int32_t)(right - left) <= 0 ||
		    (k && (int32_t)(left - p->ack) <= 0))
			return false;
		for (uint8_t j = 1; j < k; j++) {
			const uint8_t *w = &p->opt[i + 2 + 8 * j];

			if ((int32_t)(left - number(w + 4)) <= 0 &&
			    (int32_t)(number(w) - right) <= 0)
				return false;
		}
	}
	return true;
}

/* A Fast Open cookie on a SYN, RFC 7413, 4.1.1: one at most, none or 4 to 16
 * octets, an even number. */
static bool cookie(const struct packet *p, uint8_t i, uint32_t *seen)
{
	uint8_t head = p->opt[i] == OPTION_FO ? 2 : 4;
	uint8_t len = i + 1 < p->nopt ? p->opt[i + 1] : 0;

	if (!(p->flags & FLAG_SYN) || *seen & 1u || len < head ||
	    i + len > p->nopt || (len - head) % 2 || len - head > 16 ||
	    (len > head && len - head < 4))
		return false;
	*seen |= 1u;
	return head == 2 || (p->opt[i + 2] == 0xf9 && p->opt[i + 3] == 0x89);
}

/* One option that begins at |i|; its length, 0: what it is is wrong. */
static uint8_t option(const struct packet *p, uint8_t i, uint32_t *seen)
{
	static const uint8_t lens[] = {[OPTION_MSS] = 4,
				       [OPTION_WSCALE] = 3,
				       [OPTION_SACK_OK] = 2,
				       [OPTION_TS] = 10,
				       [OPTION_UTO] = 4};
	uint8_t kind = p->opt[i];
	bool syn = p->flags & FLAG_SYN;

	if (kind == OPTION_SACK && !syn && i + 1 < p->nopt &&
	    !(*seen & 1u << kind) && p->flags & FLAG_ACK && sack(p, i)) {
		*seen |= 1u << OPTION_SACK;
		return p->opt[i + 1];
	}
	if (kind == OPTION_FO || kind == OPTION_EXP)
		return cookie(p, i, seen) ? p->opt[i + 1] : 0;
	if (kind >= sizeof(lens) || !lens[kind] || i + 1 >= p->nopt ||
	    p->opt[i + 1] != lens[kind] || i + lens[kind] > p->nopt ||
	    *seen & 1u << kind)
		return 0;
	if (!syn && kind != OPTION_TS && kind != OPTION_UTO)
		return 0; /* MUST-65; RFC 7323, 2.2 */
	if (kind == OPTION_TS && i % 4 != 2)
		return 0; /* RFC 7323, appendix A */
	if (kind == OPTION_UTO && !((p->opt[i + 2] & 0x7f) | p->opt[i + 3]))
		return 0; /* RFC 5482, 3.4 */
	if (kind == OPTION_MSS && i != 0)
		return 0;
	*seen |= 1u << kind;
	return lens[kind];
}

static const char *options(const struct packet *p)
{
	uint32_t seen = 0;
	uint8_t i = 0;

	while (i < p->nopt) {
		uint8_t n = 1;

		if (p->opt[i] == OPTION_EOL)
			return "EOL where NOP pads"; /* we never need it */
		if (p->opt[i] != OPTION_NOP) {
			n = option(p, i, &seen);
			if (!n)
				return "an option that is unknown, twice, not "
				       "in its place or not of its length";
		}
		i = (uint8_t)(i + n);
	}
	if (p->flags & FLAG_SYN && !(seen & 1u << OPTION_MSS))
		return "SYN without MSS";
	return NULL;
}

/* RFC 3168, 6.1: what may be marked, and say what, whoever agreed to it. */
static const char *ecn(const struct packet *p)
{
	uint8_t f = p->flags & (FLAG_ECE | FLAG_CWR), mark = p->tos & 3;

	if (mark && mark != 2)
		return "marked, and not ECT(0)";
	if (mark && (!p->len || p->flags & (FLAG_SYN | FLAG_RST)))
		return "marked as ECN-capable without text";
	if (f && p->flags & FLAG_RST)
		return "ECN flags on an RST";
	if (p->flags & FLAG_SYN)
		return f == FLAG_CWR || (f && (f == FLAG_ECE) !=
						      !!(p->flags & FLAG_ACK))
			       ? "ECN flags of no SYN or SYN-ACK"
			       : NULL;
	return f & FLAG_CWR && !p->len ? "CWR without text" : NULL;
}

static const char *flags(const struct packet *p)
{
	uint8_t f = p->flags;
	const char *wrong;

	if (f & FLAG_SYN && f & (FLAG_FIN | FLAG_RST))
		return "SYN together with FIN or RST";
	if (f & FLAG_FIN && f & FLAG_RST)
		return "FIN together with RST";
	if (!(f & (FLAG_SYN | FLAG_RST | FLAG_ACK)))
		return "neither SYN, RST nor ACK";
	if (!(f & FLAG_ACK) && p->ack)
		return "acknowledgment number without ACK";
	if (!(f & FLAG_URG) && p->urg)
		return "urgent pointer without URG";
	if (f & FLAG_URG && !p->urg)
		return "URG with a pointer at no urgent octet";
	if (p->len && (f & FLAG_RST || (f & FLAG_SYN && f & FLAG_ACK)))
		return "text on a SYN-ACK or RST";
	if (f & FLAG_PSH && !p->len)
		return "PSH without text";
	wrong = ecn(p);
	if (wrong)
		return wrong;
	if (!p->sport || !p->dport)
		return "port 0";
	return NULL;
}

static const char *sums(struct packet *p, const struct octets *tcp,
			const struct tcpd_offload *off)
{
	uint32_t len = (uint32_t)octets_left(tcp);
	uint64_t sum = packet_pseudo(p, len);
	uint16_t field = (uint16_t)(tcp->p[16] << 8 | tcp->p[17]);

	bool cwr = off->gso_size && p->flags & FLAG_CWR;

	if (off->flags & ~(uint16_t)(TCPD_PKT_CSUM_PARTIAL | TCPD_PKT_ECN) ||
	    !!(off->flags & TCPD_PKT_ECN) != cwr)
		return "offload flags that an output never has";
	if (off->flags & TCPD_PKT_CSUM_PARTIAL) {
		p->sum = SUM_PARTIAL;
		if (off->csum_start != (p->version == 4 ? 20 : 40) ||
		    off->csum_offset != 16)
			return "csum_start or csum_offset is not TCP's";
		if (field != packet_fold(sum))
			return "partial checksum is not the pseudo header's";
		return NULL;
	}
	p->sum = SUM_FULL;
	if (off->csum_start || off->csum_offset)
		return "csum_start without CSUM_PARTIAL";
	if (packet_fold(packet_add(sum, tcp->p, len)) != 0xffff)
		return "TCP checksum is wrong";
	return NULL;
}

static const char *gso(struct packet *p, const struct tcpd_out *out,
		       uint16_t mtu)
{
	uint32_t head = out->len - p->len;

	p->gso = out->off.gso_size;
	if (!p->gso)
		return out->len > mtu ? "longer than the MTU" : NULL;
	if (p->sum != SUM_PARTIAL)
		return "super-segment whose checksum is not the device's";
	if (p->len <= p->gso)
		return "gso_size on what is one segment";
	if (head + p->gso > mtu)
		return "gso_size does not fit the MTU";
	if (p->flags & (FLAG_SYN | FLAG_RST | FLAG_URG))
		return "super-segment with SYN, RST or URG";
	return NULL;
}

static const char *read_tcp(struct packet *p, struct octets *o,
			    const struct tcpd_out *out, uint16_t mtu)
{
	struct octets tcp = *o;
	uint8_t offset;
	const char *wrong;

	if (octets_left(o) < 20)
		return "TCP header is cut short";
	p->sport = octets_be16(o);
	p->dport = octets_be16(o);
	p->seq = octets_be32(o);
	p->ack = octets_be32(o);
	offset = octets_u8(o);
	p->flags = octets_u8(o);
	p->wnd = octets_be16(o);
	octets_be16(o);
	p->urg = octets_be16(o);
	if (offset & 0x0f || offset >> 4 < 5)
		return "reserved bits, or a data offset below 5";
	p->nopt = (uint8_t)((offset >> 4) * 4 - 20);
	if (p->nopt > octets_left(o))
		return "data offset is past the end";
	for (uint8_t i = 0; i < p->nopt; i++)
		p->opt[i] = octets_u8(o);
	p->data = o->p;
	p->len = (uint32_t)octets_left(o);
	wrong = flags(p);
	if (!wrong)
		wrong = options(p);
	if (!wrong)
		wrong = sums(p, &tcp, &out->off);
	return wrong ? wrong : gso(p, out, mtu);
}

/*
 * Fragments of one message follow each other, each as long as it says and none
 * of them overlapping; the last one brings all of it.
 */
static const char *join_fragment(struct packet *p)
{
	static uint8_t whole[65536];
	static uint32_t len, id;

	if (p->more && (p->len % 8 || !p->len))
		return "a fragment whose length is no multiple of 8";
	if (!p->offset) {
		len = 0;
		id = p->id;
	}
	if (p->offset != len || p->id != id)
		return "a fragment that does not follow the one before";
	if (len + p->len > 65535)
		return "fragments of more than 65535 octets";
	memcpy(whole + len, p->data, p->len);
	len += p->len;
	if (!p->more) {
		p->data = whole;
		p->len = len;
	}
	return NULL;
}

static const char *read_other(struct packet *p, const struct octets *o,
			      const struct tcpd_out *out, uint16_t mtu)
{
	const char *wrong;
	uint64_t sum = 0;

	p->data = o->p;
	p->len = (uint32_t)octets_left(o);
	if (p->protocol != (p->version == 4 ? PROTO_ICMP : PROTO_ICMP6))
		return "neither TCP nor ICMP";
	if (out->off.flags || out->off.gso_size)
		return "ICMP message with offloads";
	if (out->len > mtu)
		return "longer than the MTU";
	wrong = p->fragment ? join_fragment(p) : NULL;
	if (wrong || p->more)
		return wrong;
	if (p->len < 8)
		return "ICMP message below 8 octets";
	p->type = p->data[0];
	p->code = p->data[1];
	if (p->version == 6)
		sum = packet_pseudo(p, p->len);
	if (packet_fold(packet_add(sum, p->data, p->len)) != 0xffff)
		return "ICMP checksum is wrong";
	return NULL;
}

const char *packet_strict(struct packet *p, uint8_t *buf,
			  const struct tcpd_out *out, uint16_t mtu)
{
	struct octets o = {.p = NULL};
	const char *wrong = join(&o, buf, out);

	memset(p, 0, sizeof(*p));
	if (wrong)
		return wrong;
	if (!octets_left(&o))
		return "an empty packet";
	p->version = o.p[0] >> 4;
	if (p->version != 4 && p->version != 6)
		return "neither IPv4 nor IPv6";
	wrong = p->version == 4 ? read_ip4(p, &o) : read_ip6(p, &o);
	if (wrong)
		return wrong;
	if (p->ttl == 0)
		return "TTL 0";
	if (p->protocol == PROTO_TCP)
		return read_tcp(p, &o, out, mtu);
	return read_other(p, &o, out, mtu);
}
