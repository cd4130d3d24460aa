/* SPDX-License-Identifier: MIT */
/*
 * packet.c - packets of the tests: building, and printing as tcpdump does.
 * Reading what the stack sends is in strict.c.
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "packet.h"

uint64_t packet_add(uint64_t sum, const uint8_t *p, size_t len)
{
	size_t i;

	for (i = 0; i + 1 < len; i += 2)
		sum += (uint64_t)p[i] << 8 | p[i + 1];
	if (i < len)
		sum += (uint64_t)p[i] << 8;
	return sum;
}

uint16_t packet_fold(uint64_t sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)sum;
}

uint64_t packet_pseudo(const struct packet *p, uint32_t len)
{
	size_t skip = p->version == 4 ? 12 : 0;
	uint64_t sum = packet_add(0, p->src + skip, 16 - skip);

	sum = packet_add(sum, p->dst + skip, 16 - skip);
	return sum + len + p->protocol;
}

static uint8_t *put16(uint8_t *at, uint16_t v)
{
	at[0] = (uint8_t)(v >> 8);
	at[1] = (uint8_t)v;
	return at + 2;
}

static uint8_t *put32(uint8_t *at, uint32_t v)
{
	return put16(put16(at, (uint16_t)(v >> 16)), (uint16_t)v);
}

static uint8_t *put_ip4(uint8_t *at, const struct packet *p, size_t len)
{
	at[0] = 0x45;
	at[1] = p->tos;
	put16(at + 2, (uint16_t)(20 + len));
	put16(at + 4, 0);
	put16(at + 6, 0x4000); /* DF */
	at[8] = p->ttl ? p->ttl : 64;
	at[9] = p->protocol;
	put16(at + 10, 0);
	memcpy(at + 12, p->src + 12, 4);
	memcpy(at + 16, p->dst + 12, 4);
	put16(at + 10, (uint16_t)~packet_fold(packet_add(0, at, 20)));
	return at + 20;
}

static uint8_t *put_ip6(uint8_t *at, const struct packet *p, size_t len)
{
	put32(at, 0x60000000u | (uint32_t)p->tos << 20);
	put16(at + 4, (uint16_t)len);
	at[6] = p->protocol;
	at[7] = p->ttl ? p->ttl : 64;
	memcpy(at + 8, p->src, 16);
	memcpy(at + 24, p->dst, 16);
	return at + 40;
}

/* The header with its options, padded; no checksum yet. */
static uint8_t *put_tcp(uint8_t *at, const struct packet *p)
{
	uint8_t nopt = (uint8_t)((p->nopt + 3) & ~3);

	put16(at, p->sport);
	put16(at + 2, p->dport);
	put32(at + 4, p->seq);
	put32(at + 8, p->ack);
	at[12] = (uint8_t)((20 + nopt) / 4 << 4 | p->reserved);
	at[13] = p->flags;
	put16(at + 14, p->wnd);
	put16(at + 16, 0);
	put16(at + 18, p->urg);
	memset(at + 20, OPTION_EOL, nopt);
	memcpy(at + 20, p->opt, p->nopt);
	return at + 20 + nopt;
}

static void put_sum(const struct packet *p, uint8_t *tcp, size_t len)
{
	uint64_t sum = packet_pseudo(p, (uint32_t)len);
	uint16_t v = packet_fold(sum);

	if (p->sum != SUM_PARTIAL)
		v = (uint16_t)~packet_fold(packet_add(sum, tcp, len));
	if (p->sum == SUM_BAD)
		v ^= 0x0100;
	put16(tcp + 16, v);
}

size_t packet_build(const struct packet *p, uint8_t *buf)
{
	size_t nopt = (size_t)((p->nopt + 3) & ~3);
	size_t len = p->len;
	uint8_t *at = buf, *tcp;

	if (p->protocol == PROTO_TCP)
		len += 20 + nopt;
	if (len + 40 > PACKET_MAX)
		return 0;
	at = p->version == 4 ? put_ip4(at, p, len) : put_ip6(at, p, len);
	tcp = at;
	if (p->protocol == PROTO_TCP)
		at = put_tcp(at, p);
	if (p->len)
		memcpy(at, p->data, p->len);
	if (p->protocol == PROTO_TCP)
		put_sum(p, tcp, len);
	return (size_t)(at - buf) + p->len;
}

struct tcpd_offload packet_offload(const struct packet *p)
{
	struct tcpd_offload off = {.gso_size = p->gso};

	if (p->sum == SUM_PARTIAL) {
		off.flags = TCPD_PKT_CSUM_PARTIAL;
		off.csum_start = p->version == 4 ? 20 : 40;
		off.csum_offset = 16;
	}
	return off;
}

/* The value of option |kind|, or NULL. */
static const uint8_t *find(const struct packet *p, uint8_t kind, uint8_t len)
{
	uint8_t i = 0;

	while (i < p->nopt && p->opt[i] != OPTION_EOL) {
		if (p->opt[i] == OPTION_NOP) {
			i++;
			continue;
		}
		if (i + 1 >= p->nopt || p->opt[i + 1] < 2 ||
		    i + p->opt[i + 1] > p->nopt)
			return NULL;
		if (p->opt[i] == kind && p->opt[i + 1] == len)
			return &p->opt[i + 2];
		i = (uint8_t)(i + p->opt[i + 1]);
	}
	return NULL;
}

static uint32_t be32(const uint8_t *v)
{
	return (uint32_t)v[0] << 24 | (uint32_t)v[1] << 16 |
	       (uint32_t)v[2] << 8 | v[3];
}

bool packet_ts(const struct packet *p, uint32_t *val, uint32_t *ecr)
{
	const uint8_t *v = find(p, OPTION_TS, 10);

	if (!v)
		return false;
	*val = be32(v);
	*ecr = be32(v + 4);
	return true;
}

int packet_option(const struct packet *p, uint8_t kind)
{
	const uint8_t *v = find(p, kind, kind == OPTION_MSS ? 4 : 3);

	if (!v)
		return -1;
	return kind == OPTION_MSS ? v[0] << 8 | v[1] : v[0];
}

/* What was printed so far, and how much room is left. */
struct text {
	char *p;
	size_t left;
};

__attribute__((format(printf, 2, 3))) static void say(struct text *t,
						      const char *format, ...)
{
	va_list ap;
	int n;

	va_start(ap, format);
	n = vsnprintf(t->p, t->left, format, ap);
	va_end(ap);
	if (n < 0)
		return;
	if ((size_t)n >= t->left)
		n = (int)t->left - 1;
	t->p += n;
	t->left -= (size_t)n;
}

/* RFC 7413, 4.1.1; as an experiment it has 16 bits before it. */
static void print_cookie(struct text *t, const uint8_t *v)
{
	uint8_t from = v[0] == OPTION_FO ? 2 : 4;

	say(t, "%s%s", from == 2 ? "fo" : "foexp", v[1] > from ? " " : "");
	for (uint8_t k = from; k < v[1]; k++)
		say(t, "%02x", v[k]);
}

static void print_option(struct text *t, const struct packet *p, uint8_t i,
			 const struct packet_base *b)
{
	const uint8_t *v = &p->opt[i];

	switch (v[0]) {
	case OPTION_MSS:
		say(t, "mss %d", v[2] << 8 | v[3]);
		break;
	case OPTION_WSCALE:
		say(t, "wscale %d", v[2]);
		break;
	case OPTION_SACK_OK:
		say(t, "sackOK");
		break;
	case OPTION_TS:
		say(t, "TS val %u ecr %u", be32(v + 2) - b->ts_val,
		    be32(v + 6) ? be32(v + 6) - b->ts_ecr : 0);
		break;
	case OPTION_UTO:
		say(t, "uto %d%s", (v[2] & 0x7f) << 8 | v[3],
		    v[2] & 0x80 ? "m" : "");
		break;
	case OPTION_FO:
	case OPTION_EXP:
		print_cookie(t, v);
		break;
	case OPTION_SACK:
		say(t, "sack");
		for (uint8_t k = 2; k + 8 <= v[1]; k = (uint8_t)(k + 8))
			say(t, " %u:%u", be32(v + k) - b->ack,
			    be32(v + k + 4) - b->ack);
		break;
	default:
		say(t, "kind %d len %d", v[0], v[1]);
		break;
	}
}

static void print_options(struct text *t, const struct packet *p,
			  const struct packet_base *b)
{
	for (uint8_t i = 0; i < p->nopt;) {
		say(t, "%s", i ? "," : " <");
		if (p->opt[i] <= OPTION_NOP) {
			say(t, "%s", p->opt[i] ? "nop" : "eol");
			i++;
		} else if (i + 1 < p->nopt && p->opt[i + 1] >= 2 &&
			   i + p->opt[i + 1] <= p->nopt) {
			print_option(t, p, i, b);
			i = (uint8_t)(i + p->opt[i + 1]);
		} else {
			say(t, "damaged");
			break;
		}
	}
	if (p->nopt)
		say(t, ">");
}

char *packet_print(char *text, size_t room, const struct packet *p,
		   const struct packet_base *b)
{
	struct text t = {text, room};
	uint32_t seq = p->seq - b->seq;

	if (p->protocol == PROTO_ICMP || p->protocol == PROTO_ICMP6) {
		say(&t, "icmp type %u code %u (%u)", p->type, p->code, p->len);
		if (p->fragment)
			say(&t, " frag %u@%u%s", p->len, p->offset,
			    p->more ? "+" : "");
		return text;
	}
	for (int i = 0; i < 8; i++)
		if (i != 4 && p->flags & 1u << i)
			say(&t, "%c", "FSRP.UEW"[i]);
	if (p->flags & FLAG_ACK)
		say(&t, ".");
	if (!p->flags)
		say(&t, "-");
	say(&t, " %u:%u(%u)", seq, seq + p->len, p->len);
	if (p->flags & FLAG_ACK)
		say(&t, " ack %u", p->ack - b->ack);
	say(&t, " win %u", p->wnd);
	if (p->flags & FLAG_URG)
		say(&t, " urg %u", p->urg);
	print_options(&t, p, b);
	if (p->gso)
		say(&t, " gso %u", p->gso);
	return text;
}
