/* SPDX-License-Identifier: MIT */
/*
 * bottleneck.h - a model of a path for tests of congestion control: flows with
 * as much to send as they like share one link with a queue, a delay and random
 * loss.  Virtual time, pacing, departures in bursts, selective ACKs that may
 * come in bunches, loss noticed three segments later, a time-out when nothing
 * comes back.  No stack: a module and its samples (rate.c) only.
 */
#ifndef UNIT_BOTTLENECK_H
#define UNIT_BOTTLENECK_H

#include "tcp/cc.h"
#include "tcp/rate.h"
#include "test/harness/rng.h"

#define FLOWS_MAX 4u
#define SEGMENTS  (1u << 16) /* of a flow, in flight: a power of two */

struct path {
	uint64_t rate;	     /* octets a second */
	tcpd_time rtt;	     /* without the queue */
	uint32_t queue;	     /* octets */
	uint32_t loss;	     /* of a million segments */
	tcpd_time ack_every; /* ACKs come together so often; 0: each alone */
};

struct sent {
	struct xmit x;
	tcpd_time at; /* its ACK comes; 0: it is lost */
	bool gone;
};

struct flow_model {
	const struct cc_ops *ops;
	struct cc_state s;
	uint64_t priv[CC_NPRIV];
	struct rate_conn rc;
	struct sent *seg;     /* SEGMENTS of them, a ring */
	uint32_t first, next; /* sent and not known to have arrived */
	uint32_t hole;	      /* all before it have gone */
	uint32_t in_flight;
	tcpd_time begin, end; /* when there is something to send */
	uint64_t app_rate;    /* octets a second; 0: always more */
	tcpd_time depart_at, sent_at, min_rtt;
	uint32_t burst_left;
	bool recovering;
	uint32_t recover;
	/* seen */
	uint64_t marked;
	unsigned rtos, recoveries;
	uint32_t burst_max; /* octets that left at one time */
	uint32_t burst_now;
};

struct bottleneck {
	struct path path;
	struct flow_model flow[FLOWS_MAX];
	unsigned nflows;
	uint32_t mss;
	tcpd_time now, idle_at;
	struct rng rng;
	/* seen: the queue that a segment met, in ns, summed and at most */
	uint64_t queued_sum, narrived, ndropped;
	tcpd_time queued_max;
	/* called after every ACK */
	void (*seen)(struct bottleneck *b, struct flow_model *f);
};

void bottleneck_init(struct bottleneck *b, const struct path *p, uint32_t mss);
struct flow_model *bottleneck_add(struct bottleneck *b,
				  const struct cc_ops *ops, tcpd_time begin);
void bottleneck_run(struct bottleneck *b, tcpd_time until);
void bottleneck_end(struct bottleneck *b);

#endif /* UNIT_BOTTLENECK_H */
