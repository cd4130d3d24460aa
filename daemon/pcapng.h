/* SPDX-License-Identifier: MIT */
/*
 * pcapng.h - blocks of a pcapng file (draft-ietf-opsawg-pcapng) into memory:
 * one section, one interface of raw IP packets, times in ns.
 */
#ifndef DAEMON_PCAPNG_H
#define DAEMON_PCAPNG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tcpd.h"

#define PCAPNG_COMMENT_MAX  80 /* octets, NUL included */
#define PCAPNG_COMMENTS_MAX 4

struct pcapng_packet {
	uint64_t at; /* ns since 1970 */
	bool out;    /* from the stack to the device */
	const struct tcpd_slice *part;
	size_t nparts;
	const char *comment[PCAPNG_COMMENTS_MAX];
	size_t ncomments;
};

/* All: the octets written, 0: |room| is too small. */
size_t pcapng_head(uint8_t *p, size_t room, const char *ifname);
/* |*data|: where in |p| the packet's own octets begin; |*len|: how many. */
size_t pcapng_packet(uint8_t *p, size_t room, const struct pcapng_packet *k,
		     uint8_t **data, size_t *len);
size_t pcapng_end(uint8_t *p, size_t room, uint64_t at, uint64_t packets,
		  uint64_t lost);

/* The most that pcapng_packet() needs for |len| octets of packet. */
size_t pcapng_packet_room(size_t len, size_t ncomments);

#endif /* DAEMON_PCAPNG_H */
