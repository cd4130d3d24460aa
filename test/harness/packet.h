/* SPDX-License-Identifier: MIT */
/*
 * packet.h - packets as the tests see them: values to octets, and (strictly)
 * octets to values.  Written apart from lib/wire on purpose, so that a mistake
 * there is not made twice; nothing here is fast.
 */
#ifndef HARNESS_PACKET_H
#define HARNESS_PACKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tcpd.h"

#define PACKET_MAX (65535u + 64u)

enum packet_flag {
	FLAG_FIN = 1,
	FLAG_SYN = 2,
	FLAG_RST = 4,
	FLAG_PSH = 8,
	FLAG_ACK = 16,
	FLAG_URG = 32,
	FLAG_ECE = 64,
	FLAG_CWR = 128
};

enum packet_protocol {
	PROTO_ICMP = 1,
	PROTO_TCP = 6,
	PROTO_UDP = 17,
	PROTO_ICMP6 = 58
};

enum packet_option {
	OPTION_EOL = 0,
	OPTION_NOP = 1,
	OPTION_MSS = 2,
	OPTION_WSCALE = 3,
	OPTION_SACK_OK = 4,
	OPTION_SACK = 5,
	OPTION_TS = 8,
	OPTION_UTO = 28,
	OPTION_FO = 34,
	OPTION_EXP = 254
};

/* How a packet's TCP checksum is made, or was. */
enum packet_sum { SUM_FULL, SUM_PARTIAL, SUM_BAD };

struct packet {
	uint8_t version;  /* 4, 6 */
	uint8_t protocol; /* TCP, ICMP or ICMPv6, other */
	uint8_t src[16], dst[16];
	uint8_t ttl, tos;
	enum packet_sum sum;
	uint16_t gso;

	uint16_t sport, dport;
	uint32_t seq, ack;
	uint8_t flags, reserved; /* 4 bits beside the data offset; in only */
	uint16_t wnd, urg;
	uint8_t nopt;
	uint8_t opt[40];

	uint8_t type, code; /* ICMP */

	uint32_t flow; /* IPv6 */
	/* one of several; of the stack's |data| and |len| are its own part,
	 * but of the last one the whole message, put together */
	bool fragment, more;
	uint32_t offset, id;

	const uint8_t *data; /* TCP: the text; else all behind the IP header */
	uint32_t len;
};

/* Ones' complement sum of |len| octets, added to |sum|, not folded. */
uint64_t packet_add(uint64_t sum, const uint8_t *p, size_t len);
uint16_t packet_fold(uint64_t sum);
/* Of the pseudo header, not folded. */
uint64_t packet_pseudo(const struct packet *p, uint32_t len);

/* Sequence space that it takes. */
static inline uint32_t packet_span(const struct packet *p)
{
	return p->len + ((p->flags & FLAG_SYN) != 0) +
	       ((p->flags & FLAG_FIN) != 0);
}

/*
 * The octets of |p| (TCP: header, options and text; else |data| behind an IP
 * header) into |buf| of PACKET_MAX octets; the length.
 */
size_t packet_build(const struct packet *p, uint8_t *buf);

/* What a device would say about a packet of this kind. */
struct tcpd_offload packet_offload(const struct packet *p);

/* The value of the time stamp option; false: it has none. */
bool packet_ts(const struct packet *p, uint32_t *val, uint32_t *ecr);
/* The value of a SYN's window scale or MSS option, -1: none. */
int packet_option(const struct packet *p, uint8_t kind);

/*
 * Copy the stack's |out| together into |buf| (PACKET_MAX octets) and read it
 * without mercy: every length, checksum, flag and option must be as the RFCs
 * want them and nothing may be left over.  NULL, or what is wrong.  |mtu| is
 * the device's.
 */
const char *packet_strict(struct packet *p, uint8_t *buf,
			  const struct tcpd_out *out, uint16_t mtu);

/* "P. 1:11(10) ack 1 win 512 <nop,nop,TS val 5 ecr 7>": numbers count from
 * these. */
struct packet_base {
	uint32_t seq, ack, ts_val, ts_ecr;
};
char *packet_print(char *text, size_t room, const struct packet *p,
		   const struct packet_base *b);

#endif /* HARNESS_PACKET_H */
