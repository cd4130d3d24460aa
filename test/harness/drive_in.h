/* SPDX-License-Identifier: MIT */
/* drive_in.h - what the files of drive share. */
#ifndef HARNESS_DRIVE_IN_H
#define HARNESS_DRIVE_IN_H

#include "drive.h"
#include "memory.h"
#include "packet.h"

#define SOCKETS 8
#define KEPT	64

struct drive {
	const uint8_t *p, *end;
	struct tcpd_settings set;
	struct memory mem;
	struct tcpd_stack *st;
	tcpd_time now;
	tcpd_handle h[SOCKETS]; /* [0]: a listener */
	unsigned fail;		/* so many of the next writes fail */
	uint8_t *kept[KEPT];
	unsigned nkept, turns;
	uint64_t packets;
	uint32_t isn;	   /* of the last SYN-ACK out, */
	uint16_t isn_port; /* and for whom it was */
	uint32_t ts;	   /* the last time stamp out */
};

extern const uint8_t drive_ip4[16], drive_ip6[16];

/* The next octets of the script; 0 behind its end. */
uint8_t drive_u8(struct drive *d);
uint16_t drive_u16(struct drive *d);
uint32_t drive_u32(struct drive *d);

void drive_broken(const char *what, const char *why);
void drive_start(struct drive *d); /* a fresh stack with the settings */
void drive_turn(struct drive *d);
void drive_input(struct drive *d, const uint8_t *p, size_t len,
		 const struct tcpd_offload *off);

/* drive_segment.c */
void drive_segment(struct drive *d);
void drive_handshake(struct drive *d);
void drive_raw(struct drive *d);

/* drive_call.c: any of the user's calls */
void drive_call(struct drive *d, uint8_t which);

#endif /* HARNESS_DRIVE_IN_H */
