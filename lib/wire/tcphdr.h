/* SPDX-License-Identifier: MIT */
/* tcphdr.h - the TCP header: octets to values and back (RFC 9293, 3.1). */
#ifndef WIRE_TCPHDR_H
#define WIRE_TCPHDR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tcpopt.h"

enum {
	TCP_FIN = 1,
	TCP_SYN = 2,
	TCP_RST = 4,
	TCP_PSH = 8,
	TCP_ACK = 16,
	TCP_URG = 32,
	TCP_ECE = 64,
	TCP_CWR = 128,
	TCP_HEAD = 20,
	TCP_HEAD_MAX = 60,
	TCP_CSUM_AT = 16 /* offset of the checksum */
};

struct tcphdr {
	uint16_t src, dst; /* ports */
	uint32_t seq, ack;
	uint8_t flags;
	uint16_t wnd; /* as on the wire, not scaled */
	uint16_t csum;
	uint16_t urg;
	uint8_t nhead; /* header with options, octets */
	bool opt_bad;  /* options that could not be parsed to their end */
	struct tcpopt opt;
};

/* False: |len| octets hold no whole header, or its length is below 20. */
bool tcphdr_parse(struct tcphdr *h, const uint8_t *p, size_t len);

/*
 * Write the header with the options of |h->opt| (see tcpopt_build) and a
 * checksum field of 0; the length, 0: |room| is too small.
 */
size_t tcphdr_build(uint8_t *p, size_t room, const struct tcphdr *h);

#endif /* WIRE_TCPHDR_H */
