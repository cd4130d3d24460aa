/* SPDX-License-Identifier: MIT */
/* ecn.h - what a sender has seen of its path: does it do with congestion marks
 * what it should (ecn.c)? */
#ifndef TCP_ECN_H
#define TCP_ECN_H

#include "cc.h"

struct ecn_path {
	bool clean;	  /* an ACK of marked text had no ECE, ever */
	bool news;	  /* marked text has arrived since the last loss */
	bool out;	  /* some has left since then */
	bool plain;	  /* only unmarked text has arrived since marked did */
	bool back;	  /* |was| is to be again */
	bool said;	  /* CWR has left, and was not acknowledged: ... */
	uint8_t cuts;	  /* windows made smaller, and no ACK without ECE */
	uint8_t gone;	  /* flights in a row of which nothing marked came */
	uint32_t cwr_seq; /* ... with this number */
	struct cc_prior was; /* the window before all that */
	tcpd_time since;     /* the first of |cuts| */
};

#endif /* TCP_ECN_H */
