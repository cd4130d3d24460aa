/* SPDX-License-Identifier: MIT */
/*
 * rawtcp.h - TCP segments by hand over AF_PACKET on an interface without a
 * link layer (a TUN): building, checksums, reading.  IPv4 and IPv6.  For
 * programs of the tests that play a peer; it keeps no state of a connection.
 */
#ifndef TEST_NET_RAWTCP_H
#define TEST_NET_RAWTCP_H

#include <arpa/inet.h>
#include <linux/filter.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "test/net/place.h"

enum { FIN = 1, SYN = 2, RST = 4, PSH = 8, ACK = 16 };

struct segment {
	uint32_t src, dst; /* network order */
	struct in6_addr src6, dst6;
	uint16_t sport, dport;
	uint32_t seq, ack, ts_val, ts_ecr;
	uint16_t win, mss; /* mss 0: no such option */
	uint8_t flags;
	bool has_ts;
	bool v6; /* the addresses are src6 and dst6 */
	const uint8_t *data;
	uint32_t len;
};

struct rawdev {
	int fd;
	struct sockaddr_ll to;
};

/* For packets of |protocol| (ETH_P_IP): 0, or -1 and errno. */
static inline int raw_open_for(struct rawdev *d, const char *name,
			       uint16_t protocol)
{
	d->to = (struct sockaddr_ll){.sll_family = AF_PACKET,
				     .sll_protocol = htons(protocol),
				     .sll_ifindex = (int)if_nametoindex(name)};
	d->fd = socket(AF_PACKET, SOCK_DGRAM, htons(protocol));
	if (d->fd < 0 || !d->to.sll_ifindex)
		return -1;
	return bind(d->fd, (struct sockaddr *)&d->to, sizeof(d->to));
}

static inline int raw_open(struct rawdev *d, const char *name)
{
	return raw_open_for(d, name, ETH_P_IP);
}

static inline uint16_t raw_get16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

static inline uint32_t raw_get32(const uint8_t *p)
{
	return (uint32_t)raw_get16(p) << 16 | raw_get16(p + 2);
}

/* Only packets to where |s| comes from are looked at from here on: other
 * traffic would fill the socket's buffer.  0, or -1 and errno. */
static inline int raw_only_to(const struct rawdev *d, const struct segment *s)
{
	static const struct sock_filter end[2] = {
		BPF_STMT(BPF_RET | BPF_K, UINT32_MAX),
		BPF_STMT(BPF_RET | BPF_K, 0),
	};
	struct sock_filter code[10];
	unsigned words = s->v6 ? 4 : 1, n = 0;
	struct sock_fprog prog = {.filter = code};

	for (unsigned i = 0; i < words; i++) {
		const uint8_t *of = s->v6 ? s->src6.s6_addr + 4 * i
					  : (const uint8_t *)&s->src;

		code[n++] = (struct sock_filter)BPF_STMT(
			BPF_LD | BPF_W | BPF_ABS, s->v6 ? 24 + 4 * i : 16);
		code[n++] = (struct sock_filter)BPF_JUMP(
			BPF_JMP | BPF_JEQ | BPF_K, raw_get32(of), 0,
			(uint8_t)(2 * (words - 1 - i) + 1));
	}
	memcpy(code + n, end, sizeof(end));
	prog.len = (unsigned short)(n + 2);
	return setsockopt(d->fd, SOL_SOCKET, SO_ATTACH_FILTER, &prog,
			  sizeof(prog));
}

static inline void raw_put16(uint8_t *p, uint32_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static inline void raw_put32(uint8_t *p, uint32_t v)
{
	raw_put16(p, v >> 16);
	raw_put16(p + 2, v & 0xffff);
}

static inline uint32_t raw_add(uint32_t sum, const uint8_t *p, size_t len)
{
	for (; len > 1; p += 2, len -= 2)
		sum += raw_get16(p);
	return len ? sum + (uint32_t)(p[0] << 8) : sum;
}

static inline uint16_t raw_fold(uint32_t sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

/* The IP header of |s| with |len| octets of TCP behind it: its length.  The
 * sum of its addresses, for TCP's pseudo-header, goes to |*sum|. */
static inline size_t raw_ip_header(const struct segment *s, size_t len,
				   uint8_t *p, uint32_t *sum)
{
	memset(p, 0, 40);
	if (s->v6) {
		p[0] = 0x60;
		raw_put16(p + 4, (uint32_t)len);
		p[6] = IPPROTO_TCP;
		p[7] = 64;
		memcpy(p + 8, &s->src6, 16);
		memcpy(p + 24, &s->dst6, 16);
		*sum = raw_add(0, p + 8, 32);
		return 40;
	}
	p[0] = 0x45;
	raw_put16(p + 2, (uint32_t)(20 + len));
	p[6] = 0x40; /* do not fragment */
	p[8] = 64;
	p[9] = IPPROTO_TCP;
	memcpy(p + 12, &s->src, 4);
	memcpy(p + 16, &s->dst, 4);
	raw_put16(p + 10, raw_fold(raw_add(0, p, 20)));
	*sum = raw_add(0, p + 12, 8);
	return 20;
}

/* The packet's length, or 0 when |room| is too small. */
static inline size_t raw_build(const struct segment *s, uint8_t *p, size_t room)
{
	uint32_t nopt = (s->mss ? 4u : 0u) + (s->has_ts ? 12u : 0u), sum;
	size_t len = 20u + nopt + s->len, head;
	uint8_t *t, *o;

	if (40 + len > room)
		return 0;
	head = raw_ip_header(s, len, p, &sum);
	t = p + head;
	o = t + 20;
	memset(t, 0, 20);
	raw_put16(t, s->sport);
	raw_put16(t + 2, s->dport);
	raw_put32(t + 4, s->seq);
	raw_put32(t + 8, s->ack);
	t[12] = (uint8_t)((20 + nopt) / 4 << 4);
	t[13] = s->flags;
	raw_put16(t + 14, s->win);
	if (s->mss) {
		memcpy(o, (const uint8_t[]){2, 4}, 2);
		raw_put16(o + 2, s->mss);
		o += 4;
	}
	if (s->has_ts) {
		memcpy(o, (const uint8_t[]){1, 1, 8, 10}, 4);
		raw_put32(o + 4, s->ts_val);
		raw_put32(o + 8, s->ts_ecr);
		o += 12;
	}
	if (s->len)
		memcpy(o, s->data, s->len);
	raw_put16(t + 16, raw_fold(raw_add((uint32_t)(IPPROTO_TCP + len) + sum,
					   t, len)));
	return head + len;
}

/* A segment's addresses and the destination's port. */
static inline void raw_between(struct segment *s, const struct place *src,
			       const struct place *dst)
{
	s->v6 = place_v6(dst);
	if (s->v6) {
		s->src6 = src->in6.sin6_addr;
		s->dst6 = dst->in6.sin6_addr;
	} else {
		s->src = src->in.sin_addr.s_addr;
		s->dst = dst->in.sin_addr.s_addr;
	}
	s->dport = ntohs(dst->in.sin_port);
}

static inline bool raw_same(bool v6, uint32_t a, const struct in6_addr *a6,
			    uint32_t b, const struct in6_addr *b6)
{
	return v6 ? memcmp(a6, b6, sizeof(*a6)) == 0 : a == b;
}

/* Is |in| from where |out| goes, and to where that comes from? */
static inline bool raw_answers(const struct segment *in,
			       const struct segment *out)
{
	return in->v6 == out->v6 && in->sport == out->dport &&
	       raw_same(in->v6, in->src, &in->src6, out->dst, &out->dst6) &&
	       raw_same(in->v6, in->dst, &in->dst6, out->src, &out->src6);
}

/* What answers |in|: addresses and ports turned round, all of it taken. */
static inline struct segment raw_reply(const struct segment *in, uint8_t flags)
{
	return (struct segment){.v6 = in->v6,
				.src = in->dst,
				.dst = in->src,
				.src6 = in->dst6,
				.dst6 = in->src6,
				.sport = in->dport,
				.dport = in->sport,
				.seq = in->ack,
				.ack = in->seq + in->len + !!(in->flags & SYN) +
				       !!(in->flags & FIN),
				.win = 65535,
				.flags = flags};
}

/* 0, or -1 and errno. */
static inline int raw_send(const struct rawdev *d, const struct segment *s)
{
	uint8_t p[1600];
	size_t len = raw_build(s, p, sizeof(p));

	if (!len || sendto(d->fd, p, len, 0, (const struct sockaddr *)&d->to,
			   sizeof(d->to)) < 0)
		return -1;
	return 0;
}

static inline void raw_options(const uint8_t *o, const uint8_t *end,
			       struct segment *s)
{
	while (o < end && *o != 0) {
		if (*o == 1) {
			o++;
			continue;
		}
		if (end - o < 2 || o[1] < 2 || o[1] > end - o)
			return;
		if (*o == 2 && o[1] == 4)
			s->mss = raw_get16(o + 2);
		if (*o == 8 && o[1] == 10) {
			s->has_ts = true;
			s->ts_val = raw_get32(o + 2);
			s->ts_ecr = raw_get32(o + 6);
		}
		o += o[1];
	}
}

/* The length of the IP header in front of TCP, and of both in |*total|; 0: it
 * is something else, or not whole. */
static inline size_t raw_ip_parse(const uint8_t *p, size_t len, size_t *total,
				  struct segment *s)
{
	size_t ihl;

	if (len >= 60 && p[0] >> 4 == 6 && p[6] == IPPROTO_TCP) {
		s->v6 = true;
		memcpy(&s->src6, p + 8, 16);
		memcpy(&s->dst6, p + 24, 16);
		*total = 40u + raw_get16(p + 4);
		ihl = 40;
	} else if (len >= 40 && p[0] >> 4 == 4 && p[9] == IPPROTO_TCP) {
		memcpy(&s->src, p + 12, 4);
		memcpy(&s->dst, p + 16, 4);
		*total = raw_get16(p + 2);
		ihl = (size_t)(p[0] & 15) * 4;
	} else {
		return 0;
	}
	if (ihl < 20 || *total > len || *total < ihl + 20)
		return 0;
	return ihl;
}

/* Is |p| a whole TCP segment?  |s->data| points into it. */
static inline bool raw_parse(const uint8_t *p, size_t len, struct segment *s)
{
	size_t ihl, off, total;
	const uint8_t *t;

	memset(s, 0, sizeof(*s));
	ihl = raw_ip_parse(p, len, &total, s);
	if (!ihl)
		return false;
	t = p + ihl;
	off = (size_t)(t[12] >> 4) * 4;
	if (off < 20 || ihl + off > total)
		return false;
	s->sport = raw_get16(t);
	s->dport = raw_get16(t + 2);
	s->seq = raw_get32(t + 4);
	s->ack = raw_get32(t + 8);
	s->flags = t[13] & 0x1f;
	s->win = raw_get16(t + 14);
	s->data = t + off;
	s->len = (uint32_t)(total - ihl - off);
	raw_options(t + 20, t + off, s);
	return true;
}

/* The next packet into |buf| (which |s| then points into); false: none, or
 * one that is no TCP segment to us. */
static inline bool raw_receive(const struct rawdev *d, uint8_t *buf,
			       size_t room, struct segment *s)
{
	struct sockaddr_ll from = {0};
	socklen_t nfrom = sizeof(from);
	ssize_t n = recvfrom(d->fd, buf, room, MSG_DONTWAIT,
			     (struct sockaddr *)&from, &nfrom);

	return n > 0 && from.sll_pkttype != PACKET_OUTGOING &&
	       raw_parse(buf, (size_t)n, s);
}

/* Sequence numbers that a segment takes. */
static inline uint32_t raw_end(const struct segment *s)
{
	return s->seq + s->len + !!(s->flags & SYN) + !!(s->flags & FIN);
}

#endif /* TEST_NET_RAWTCP_H */
