/* SPDX-License-Identifier: MIT */
/* check.h - what tcpd_check() adds up on its way through the connections. */
#ifndef STACK_CHECK_H
#define STACK_CHECK_H

#include "stack/stack.h"
#include "tcp/synq.h"
#include "tcp/timewait.h"
#include "tcp/xmit.h"

struct check {
	const struct tcp *t;
	uint64_t mem;	   /* octets of blocks */
	uint64_t send_mem; /* ... in send queues */
	uint64_t borrowed; /* octets in packets of the caller's */
	uint32_t nrecords; /* of transmissions */
	uint32_t nsackqs, nflows, ninflows;
	uint32_t norphans;
	uint32_t npaced;
	uint32_t nfast; /* that wait for the last ACK of a Fast Open */
	uint32_t nhashed, narmed, nqueued, nacks, nsends, nevents;
};

/* "Otherwise it is wrong that ..." */
#define REQUIRE(condition, wrong)       \
	do {                            \
		if (!(condition))       \
			return (wrong); \
	} while (0)

const char *check_conn(struct check *k, uint32_t slot);
const char *check_frags(struct check *k, const struct tcpd_stack *st);

#endif /* STACK_CHECK_H */
