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
#include "ecn.h"
#include "rate.h"

/* RFC 5682: nothing; the first segment went again; new text followed it. */
enum frto { FRTO_NONE, FRTO_AGAIN, FRTO_NEW };

/* What its time goes into (chrono.c). */
enum chrono { CHRONO_NONE, CHRONO_BUSY, CHRONO_WINDOW, CHRONO_BUFFER };
#define NCHRONOS (CHRONO_BUFFER + 1)

struct flow {
	uint64_t cc[CC_NPRIV]; /* the module's */
	struct rate_conn rate;
	/* pacing (pace.c) */
	tcpd_time depart_at; /* no burst begins before */
	uint32_t burst_left; /* octets of the present burst */
	uint32_t late;	  /* ns by which it began late, not made up for yet */
	uint32_t paced;	  /* place in the heap + 1; 0: not in it */
	bool hold;	  /* nothing goes before |depart_at|, at any rate */
	tcpd_time rto_at; /* when the RTO is due, while another timer runs */

	/* RFC 8985's variables (rack.c): of the transmission that was sent
	 * last among those that arrived */
	tcpd_time rack_at, rack_rtt;
	tcpd_time reorder_at; /* then more is lost, without an ACK; 0: not */
	tcpd_time reduced_at; /* congestion was answered last (recover.c) */
	uint32_t rack_end;
	uint32_t fack;	      /* the highest number that arrived */
	uint32_t dsack_round; /* if |dsack_counts| is false: until then */
	uint32_t nsacked;     /* segments SACKed */
	uint8_t reo_mult, reo_persist;
	bool sack_void;	 /* its blocks name what was never sent, all of them */
	bool sack_good;	 /* one did not */
	bool sampled;	 /* an RTT, since the last probe of a tail */
	bool reordering; /* was ever seen */
	/* ... by how many segments, at most, and by how many ACKs */
	uint16_t reorder_by;
	uint32_t reorder_seen;
	bool dsack_counts; /* the next D-SACK belongs to a new round trip */

	/* RFC 9937's (prr.c) */
	uint32_t prr_delivered, prr_out, recover_fs;

	/* what a recovery began with (undo.c) */
	struct cc_prior prior;
	uint32_t undo_from;   /* SND.UNA then */
	uint32_t undo_to;     /* the end of what was sent again since */
	uint32_t undo_octets; /* sent again since, and not said to be twice */
	uint32_t undo_ts;     /* time stamp of the first retransmission */
	bool may_undo, undo_resent;
	bool went_back; /* all that was out at the time-out is marked lost */
	uint8_t frto;	/* enum frto */
	uint32_t frto_room; /* octets of new text that it lets go */

	/* the least RTT of a window of time (rtt.c): since when there has been
	 * that of conn.min_rtt, and the least of the second half */
	tcpd_time min_rtt_at, min_rtt_next;

	/* what its time goes into (chrono.c) */
	uint8_t chrono; /* enum chrono, since |chrono_at| */
	tcpd_time chrono_at, spent[NCHRONOS];

	struct ecn_path ecn;
};

#endif /* TCP_FLOW_H */
