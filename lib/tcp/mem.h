/* SPDX-License-Identifier: MIT */
/*
 * mem.h - who may have how much of the pool.
 *
 * What lies in borrowed packets is promised a place; the rest is shared by a
 * dynamic threshold: a connection may hold at most a part of what is still
 * free.  A few may have much, many have little each, and those that stand
 * still cannot starve the others.
 */
#ifndef TCP_MEM_H
#define TCP_MEM_H

#include "tcp.h"

/* Free octets that nobody was promised. */
static inline uint64_t mem_left(const struct tcp *t)
{
	uint64_t promised = t->borrowed + (uint64_t)t->nborrows * POOL_UNIT;

	return sub_sat(pool_free(&t->pool), promised);
}

/* What one connection may hold, each way. */
static inline uint64_t mem_share(const struct tcp *t)
{
	return mem_left(t) / 4;
}

/* Send queues together: half of the memory.  What is beyond it goes to those
 * that move and, little by little, to those that have nothing yet. */
static inline uint64_t mem_send_left(const struct tcp *t)
{
	return sub_sat(t->set.memory / 2, t->send_mem);
}

/*
 * Three marks.  From the first on no window grows; from the second on a window
 * opens by a few segments only; at the third octets out of order are given up,
 * so that text in order always finds a place.
 */
static inline bool mem_low(const struct tcp *t)
{
	return mem_left(t) < t->set.memory * 3 / 8;
}

static inline bool mem_pressure(const struct tcp *t)
{
	return mem_left(t) < t->set.memory / 4;
}

static inline bool mem_tight(const struct tcp *t)
{
	return mem_left(t) < t->set.memory / 8;
}

#endif /* TCP_MEM_H */
