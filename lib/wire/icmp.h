/* SPDX-License-Identifier: MIT */
/* icmp.h - ICMP and ICMPv6 messages that the stack reads and writes. */
#ifndef WIRE_ICMP_H
#define WIRE_ICMP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cksum.h"
#include "ip.h"

enum icmp_kind {
	ICMP_BAD,	  /* cut short, or wrong checksum */
	ICMP_OTHER,	  /* well formed, asks nothing of us */
	ICMP_ECHO,	  /* echo request */
	ICMP_UNREACHABLE, /* see |reason| */
	ICMP_TOO_BIG,	  /* fragmentation needed / packet too big: |mtu| */
	ICMP_SOFT	  /* time exceeded, parameter problem */
};

enum icmp_reason { /* of ICMP_UNREACHABLE, both families */
		   ICMP_NET,
		   ICMP_HOST,
		   ICMP_PROTOCOL,
		   ICMP_PORT,
		   ICMP_PROHIBITED
};

struct icmp {
	enum icmp_kind kind;
	enum icmp_reason reason;
	uint8_t type, code;
	uint32_t mtu;
	/* of an error: what it quotes, when that is TCP and long enough */
	bool has_quote;
	struct ip quote; /* addresses and protocol of the quoted packet */
	uint16_t quote_src, quote_dst;
	uint32_t quote_seq;
};

/* Parse the payload |p| of |ip| (checksum is verified, but not where
 * |csum_valid|). */
void icmp_parse(struct icmp *m, const struct ip *ip, const uint8_t *p,
		size_t len, cksum_fn *sum, bool csum_valid);

/*
 * Write an error (type, code, the 32-bit field |rest|, then |quote|) for
 * |ip->version|, checksum included; the length, 0: no room.
 */
size_t icmp_build_error(uint8_t *p, size_t room, const struct ip *ip,
			uint8_t type, uint8_t code, uint32_t rest,
			const uint8_t *quote, size_t nquote, cksum_fn *sum);

/* Turn the echo request |p| of |len| octets into its reply, in place;
 * |ip| is the reply's header (addresses already turned). */
void icmp_echo_reply(uint8_t *p, size_t len, const struct ip *ip,
		     cksum_fn *sum);

#endif /* WIRE_ICMP_H */
