/* SPDX-License-Identifier: MIT */
/*
 * grow.h - how the receive buffer follows what its reader takes (grow.c).  A
 * slab of its own: a connection to which little has come has none.  There are
 * as many slots as connections, so that one is always free.
 */
#ifndef TCP_GROW_H
#define TCP_GROW_H

#include "tcpd.h"

struct inflow {
	tcpd_time at;	   /* this round began */
	tcpd_time edge_at; /* |edge| was the edge of the window */
	tcpd_time rtt_at;  /* |rtt| was last found to be about right */
	uint32_t edge;	   /* text beyond it says how long a round trip is
			      at most */
	uint32_t rtt;	   /* ns, the least that was seen; 0: not known */
	uint32_t longer;   /* the least since |rtt_at|; 0: none */
	/* as this round began: next to be read, octets that had come, octets
	 * read that their reader had not got */
	uint32_t read, came, held_then;
	uint32_t held; /* the same now */
	uint32_t prev; /* octets of a round trip, in the round before */
};

#endif /* TCP_GROW_H */
