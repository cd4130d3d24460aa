/* SPDX-License-Identifier: MIT */
/*
 * flow.h - what a connection needs once it sends: congestion control, loss
 * detection, pacing.  A slab of its own: one that has only received, or does
 * nothing at all, has none.  There are as many slots as connections, so that
 * one is always free.
 */
#ifndef TCP_FLOW_H
#define TCP_FLOW_H

#include "cc.h"

/* What its time goes into (chrono.c). */
enum chrono { CHRONO_NONE, CHRONO_BUSY, CHRONO_WINDOW, CHRONO_BUFFER };
#define NCHRONOS (CHRONO_BUFFER + 1)

struct flow {
	uint64_t cc[CC_NPRIV]; /* the module's */
	uint64_t total_lost;   /* octets ever marked lost */
	/* pacing (pace.c) */
	tcpd_time depart_at; /* no burst begins before */
	uint32_t burst_left; /* octets of the present burst */
	uint32_t late;	/* ns by which it began late, not made up for yet */
	uint8_t chrono; /* enum chrono, since |chrono_at| */
	tcpd_time chrono_at, spent[NCHRONOS];
	uint32_t paced; /* place in the heap + 1; 0: not in it */
};

#endif /* TCP_FLOW_H */
