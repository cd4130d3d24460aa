/* SPDX-License-Identifier: MIT */
/*
 * shot.h - one TCP packet over IPv4 or IPv6 with whatever is to be wrong with
 * it, and the reading of what answers it.  For programs that play an attacker
 * or a peer; it keeps no state of a connection.  Addresses are 16 octets, of
 * which IPv4 uses the first four.
 */
#ifndef TEST_NET_SHOT_H
#define TEST_NET_SHOT_H

#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <time.h>

#include "rawtcp.h"

enum { URG = 32, SHOT_MAX = 1600 };

struct shot {
	int family; /* AF_INET, AF_INET6 */
	uint8_t src[16], dst[16];
	uint16_t sport, dport;
	uint32_t seq, ack;
	uint16_t win, urg;
	uint8_t flags;
	const char *opt; /* octets of TCP options; padded with 0 */
	uint8_t nopt;
	const char *ipopt; /* of IPv4, padded with 0 */
	uint8_t nipopt;
	const char *data;
	uint16_t len;

	/* what is wrong: 0 for what is right */
	uint8_t ihl, doff; /* in words */
	int total;	   /* is added to the length in IP's header */
	bool bad_ip_sum, bad_sum;
};

struct answer {
	uint8_t src[16], dst[16];
	uint16_t sport, dport;
	uint32_t seq, ack;
	uint32_t len;
	uint8_t flags;
	uint16_t win;
	uint16_t ip_id; /* IPv4 */
	bool df;
	const uint8_t *opt; /* points into the packet */
	size_t nopt;
	const uint8_t *data;
};

static inline size_t shot_alen(int family)
{
	return family == AF_INET ? 4 : 16;
}

static inline size_t shot_ip4(const struct shot *s, uint8_t *p, size_t len)
{
	size_t nopt = ((size_t)s->nipopt + 3) / 4 * 4;

	memset(p, 0, 20 + nopt);
	p[0] = (uint8_t)(0x40 | (s->ihl ? s->ihl : 5 + nopt / 4));
	raw_put16(p + 2, (uint32_t)((int)(20 + nopt + len) + s->total));
	p[6] = 0x40; /* do not fragment */
	p[8] = 64;
	p[9] = IPPROTO_TCP;
	memcpy(p + 12, s->src, 4);
	memcpy(p + 16, s->dst, 4);
	if (s->nipopt)
		memcpy(p + 20, s->ipopt, s->nipopt);
	/* over what the header says that it is, as its reader does */
	raw_put16(p + 10, raw_fold(raw_add(0, p, (size_t)(p[0] & 15) * 4)));
	if (s->bad_ip_sum)
		p[10] ^= 0x55;
	return 20 + nopt;
}

static inline size_t shot_ip6(const struct shot *s, uint8_t *p, size_t len)
{
	memset(p, 0, 40);
	p[0] = 0x60;
	raw_put16(p + 4, (uint32_t)((int)len + s->total));
	p[6] = IPPROTO_TCP;
	p[7] = 64;
	memcpy(p + 8, s->src, 16);
	memcpy(p + 24, s->dst, 16);
	return 40;
}

/* The sum over |len| octets at |t| and the pseudo-header of |s|. */
static inline uint16_t shot_sum(const struct shot *s, const uint8_t *t,
				size_t len, uint8_t protocol)
{
	size_t n = shot_alen(s->family);
	uint32_t sum = (uint32_t)(protocol + len);

	sum = raw_add(raw_add(sum, s->src, n), s->dst, n);
	return raw_fold(raw_add(sum, t, len));
}

/* Into |p| of SHOT_MAX octets; its length. */
static inline size_t shot_build(const struct shot *s, uint8_t *p)
{
	size_t nopt = ((size_t)s->nopt + 3) / 4 * 4;
	size_t len = 20 + nopt + s->len;
	size_t head = s->family == AF_INET ? shot_ip4(s, p, len)
					   : shot_ip6(s, p, len);
	uint8_t *t = p + head;

	memset(t, 0, 20 + nopt);
	raw_put16(t, s->sport);
	raw_put16(t + 2, s->dport);
	raw_put32(t + 4, s->seq);
	raw_put32(t + 8, s->ack);
	t[12] = (uint8_t)((s->doff ? s->doff : 5 + nopt / 4) << 4);
	t[13] = s->flags;
	raw_put16(t + 14, s->win);
	raw_put16(t + 18, s->urg);
	if (s->nopt)
		memcpy(t + 20, s->opt, s->nopt);
	if (s->len)
		memcpy(t + 20 + nopt, s->data, s->len);
	raw_put16(t + 16, shot_sum(s, t, len, IPPROTO_TCP));
	if (s->bad_sum)
		t[16] ^= 0x55;
	return head + len;
}

/* An ICMP message from |s|'s source; |word| is what follows its checksum. */
static inline size_t shot_icmp(const struct shot *s, uint8_t type, uint8_t code,
			       uint32_t word, const uint8_t *data, size_t n,
			       uint8_t *p)
{
	bool v4 = s->family == AF_INET;
	size_t len = 8 + n;
	size_t head = v4 ? shot_ip4(s, p, len) : shot_ip6(s, p, len);
	uint8_t *t = p + head;

	p[v4 ? 9 : 6] = v4 ? IPPROTO_ICMP : IPPROTO_ICMPV6;
	if (v4) {
		raw_put16(p + 10, 0);
		raw_put16(p + 10, raw_fold(raw_add(0, p, 20)));
	}
	t[0] = type;
	t[1] = code;
	raw_put16(t + 2, 0);
	raw_put32(t + 4, word);
	if (n)
		memcpy(t + 8, data, n);
	raw_put16(t + 2, v4 ? raw_fold(raw_add(0, t, len))
			    : shot_sum(s, t, len, IPPROTO_ICMPV6));
	return head + len;
}

/* An echo request from |s|'s source, number |n|. */
static inline size_t shot_echo(const struct shot *s, uint16_t n, uint8_t *p)
{
	return shot_icmp(s, s->family == AF_INET ? 8 : 128, 0, n, NULL, 0, p);
}

/* Is it the answer to that? */
static inline bool shot_is_echo(const uint8_t *p, size_t len, uint16_t n)
{
	bool v4 = p[0] >> 4 == 4;
	const uint8_t *t = p + (v4 ? 20 : 40);

	return len >= (v4 ? 28 : 48) &&
	       p[v4 ? 9 : 6] == (v4 ? IPPROTO_ICMP : IPPROTO_ICMPV6) &&
	       t[0] == (v4 ? 0 : 129) && raw_get16(t + 6) == n;
}

/* Is |p| a whole TCP segment? */
static inline bool shot_read(const uint8_t *p, size_t len, struct answer *a)
{
	bool v4 = len && p[0] >> 4 == 4;
	size_t head = v4 ? 20 : 40, n = v4 ? 4 : 16, off;
	const uint8_t *t = p + head;

	if (len < head + 20 || p[v4 ? 9 : 6] != IPPROTO_TCP)
		return false;
	off = (size_t)(t[12] >> 4) * 4;
	if (off < 20 || head + off > len)
		return false;
	memset(a, 0, sizeof(*a));
	memcpy(a->src, p + (v4 ? 12 : 8), n);
	memcpy(a->dst, p + (v4 ? 16 : 24), n);
	if (v4) {
		a->ip_id = raw_get16(p + 4);
		a->df = p[6] & 0x40;
	}
	a->sport = raw_get16(t);
	a->dport = raw_get16(t + 2);
	a->seq = raw_get32(t + 4);
	a->ack = raw_get32(t + 8);
	a->flags = t[13] & 0x3f;
	a->win = raw_get16(t + 14);
	a->opt = t + 20;
	a->nopt = off - 20;
	a->data = t + off;
	a->len = (uint32_t)(len - head - off);
	return true;
}

/* Where packets go in and come out: the far end of a TUN of our own, or with
 * AF_PACKET the near end of another's. */
struct line {
	int fd;
	bool far;
	struct sockaddr_ll to;
};

/* 0, or -1 and errno. */
static inline int line_open(struct line *l, int family, bool far,
			    const char *name)
{
	struct ifreq ifr = {.ifr_flags = IFF_TUN | IFF_NO_PI};
	int size = 8 << 20;

	l->far = far;
	if (far) {
		(void)strncpy(ifr.ifr_name, name, IFNAMSIZ - 1);
		l->fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
		return l->fd < 0 ? -1 : ioctl(l->fd, TUNSETIFF, &ifr);
	}
	l->to = (struct sockaddr_ll){
		.sll_family = AF_PACKET,
		.sll_protocol =
			htons(family == AF_INET ? ETH_P_IP : ETH_P_IPV6),
		.sll_ifindex = (int)if_nametoindex(name)};
	l->fd = socket(AF_PACKET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC,
		       l->to.sll_protocol);
	if (l->fd < 0 || !l->to.sll_ifindex)
		return -1;
	(void)setsockopt(l->fd, SOL_SOCKET, SO_RCVBUFFORCE, &size,
			 sizeof(size));
	return bind(l->fd, (struct sockaddr *)&l->to, sizeof(l->to));
}

/* 0, or -1 and errno. */
static inline int line_put(const struct line *l, const uint8_t *p, size_t len)
{
	ssize_t n =
		l->far ? write(l->fd, p, len)
		       : sendto(l->fd, p, len, 0,
				(const struct sockaddr *)&l->to, sizeof(l->to));

	return n < 0 ? -1 : 0;
}

static inline double line_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* What comes next until |until| (by line_now()); 0: nothing. */
static inline size_t line_get(const struct line *l, uint8_t *p, size_t room,
			      double until)
{
	struct pollfd pfd = {.fd = l->fd, .events = POLLIN};

	for (;;) {
		struct sockaddr_ll from = {0};
		socklen_t nfrom = sizeof(from);
		ssize_t n = l->far ? read(l->fd, p, room)
				   : recvfrom(l->fd, p, room, 0,
					      (struct sockaddr *)&from, &nfrom);
		double left;

		if (n > 0 && from.sll_pkttype != PACKET_OUTGOING)
			return (size_t)n;
		left = until - line_now();
		if (n <= 0 && left <= 0)
			return 0;
		if (n <= 0)
			(void)poll(&pfd, 1, (int)(left * 1000) + 1);
	}
}

#endif /* TEST_NET_SHOT_H */
