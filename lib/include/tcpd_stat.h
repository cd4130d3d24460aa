/* SPDX-License-Identifier: MIT */
/*
 * tcpd_stat.h - what the stack counts.  One row a counter: group and key as
 * `tcpctl stats --json` prints them (an object of objects), and the meaning.
 * All counters are uint64_t and only grow, but for those of the group "now".
 */
#ifndef TCPD_STAT_H
#define TCPD_STAT_H

#include <stdint.h>

#include "tcpd_drop.h"

/* clang-format off */
#define TCPD_STATS(X) \
	X(packets,  in,             "packets from the device") \
	X(packets,  out,            "packets to the device") \
	X(packets,  octets_in,      "their octets, IP header included") \
	X(packets,  octets_out,     "their octets, IP header included") \
	X(packets,  unsent,         "packets that the device did not take") \
	X(segments, in,             "TCP segments as they were on the wire") \
	X(segments, out,            "TCP segments as they are on the wire") \
	X(segments, super_in,       "segments above one MSS from the device") \
	X(segments, super_out,      "segments above one MSS to the device") \
	X(segments, retransmitted,  "segments sent again") \
	X(segments, out_of_order,   "segments that arrived ahead of RCV.NXT") \
	X(segments, duplicate,      "segments that brought nothing new") \
	X(segments, dup_acks_in,    "duplicate acknowledgments received") \
	X(segments, dup_acks_out,   "duplicate acknowledgments sent") \
	X(segments, acks_out,       "segments without text sent only to acknowledge") \
	X(segments, challenge_acks, "challenge ACKs sent (RFC 5961)") \
	X(segments, challenge_held, "challenge ACKs held back by the connection's limit") \
	X(segments, repeat_held,    "ACKs for unacceptable text held back by the connection's limit") \
	X(segments, resets_held,    "resets of no connection held back by their budget") \
	X(octets,   received,       "octets of the stream received in order") \
	X(octets,   sent,           "octets of the stream sent for the first time") \
	X(octets,   copied,         "octets of payload copied inside lib/") \
	X(opens,    active,         "connections opened by connect") \
	X(opens,    passive,        "connections opened by a peer's SYN") \
	X(opens,    failed,         "opens that ended in SYN-SENT or SYN-RECEIVED") \
	X(opens,    accepted,       "connections handed out by accept") \
	X(timeouts, rexmt,          "retransmission time-outs") \
	X(timeouts, r1,             "segments that three retransmissions got no answer to (R1)") \
	X(timeouts, tlp,            "probes of a tail that may be lost") \
	X(timeouts, reorder,        "looks for losses when no ACK came in time") \
	X(timeouts, persist,        "zero-window probes sent") \
	X(timeouts, keepalive,      "keep-alive probes sent") \
	X(timeouts, delack,         "ACKs sent because their delay was over") \
	X(timeouts, synack,         "SYN-ACKs sent again") \
	X(timeouts, half_open,      "half-open entries that were never answered") \
	X(timeouts, finwait2,       "FIN-WAIT-2 ended because nobody was left to read") \
	X(timeouts, gave_up,        "connections ended by R2 or a user time-out") \
	X(sack,     sent,           "SACK blocks sent") \
	X(sack,     joined,         "segments out of order that shared the ACK of the one before") \
	X(sack,     dsack_sent,     "D-SACK blocks sent: text that came twice") \
	X(sack,     received,       "SACK blocks received") \
	X(sack,     dsack_received, "D-SACK blocks received") \
	X(sack,     invalid,        "SACK blocks received of what was never sent") \
	X(sack,     reneged,        "times that a peer gave up what it had SACKed") \
	X(recovery, fast,           "fast retransmits begun") \
	X(recovery, partial_acks,   "partial ACKs during recovery") \
	X(recovery, rto,            "recoveries begun by the retransmission timer") \
	X(recovery, lost_again,     "retransmissions found lost without the timer") \
	X(recovery, reordering,     "connections on which segments overtook others") \
	X(recovery, undone,         "recoveries taken back: nothing was lost") \
	X(recovery, spurious_rto,   "of these time-outs (F-RTO)") \
	X(recovery, initial,        "recoveries begun before an initial window was acknowledged") \
	X(ecn,      agreed,         "connections opened whose peers agreed on ECN") \
	X(ecn,      syn_plain,      "SYNs that asked for ECN in vain, sent again without") \
	X(ecn,      ce_in,          "segments with text that came in marked: congestion experienced") \
	X(ecn,      ece_in,         "ACKs that told of congestion marks (ECE)") \
	X(ecn,      cwr_out,        "segments that told of a smaller window (CWR)") \
	X(ecn,      off_ce,         "connections that gave ECN up: every mark came back as congestion") \
	X(ecn,      off_lost,       "connections that gave ECN up: nothing marked arrived") \
	X(ecn,      off_changed,    "connections that gave ECN up: the path changed the marks of what came") \
	X(pmtu,     icmp,           "path MTUs lowered by what a router said") \
	X(pmtu,     black_holes,    "path MTUs lowered because full segments vanished") \
	X(pmtu,     probes,         "segments sent to see whether the path takes larger ones") \
	X(pmtu,     probes_lost,    "of those the ones that did not arrive") \
	X(pmtu,     no_super,       "connections that gave up super-segments, for none arrived") \
	X(time_wait, entered,       "connections that entered TIME-WAIT") \
	X(time_wait, reused,        "entries given to a new SYN (RFC 6191)") \
	X(time_wait, evicted,       "oldest entries dropped at the cap") \
	X(memory,   short_send,     "times that an app had to wait for memory") \
	X(memory,   ooo_pruned,     "out-of-order octets given up for memory") \
	X(memory,   stalled,        "connections ended that held the send budget and did not move") \
	X(memory,   stalled_octets, "octets of blocks that they held") \
	X(now,      connections,    "connections in the table") \
	X(now,      half_open,      "half-open entries") \
	X(now,      time_wait,      "TIME-WAIT entries") \
	X(now,      listeners,      "listeners") \
	X(now,      blocks,         "octets of buffer blocks in use") \
	X(now,      send_blocks,    "... of them in send queues") \
	X(now,      records,        "records of transmissions in use") \
	X(now,      timers,         "timers armed") \
	X(now,      orphans,        "closed by their app, FIN not acknowledged") \
	X(orphans,  evicted,        "oldest orphans reset at the limit") \
	X(orphans,  timed_out,      "orphans ended by R2 or a window that stayed closed") \
	X(cookies,  sent,           "SYN-ACKs whose ISN is a SYN cookie") \
	X(cookies,  accepted,       "connections made out of a SYN cookie") \
	X(cookies,  refused,        "ACKs whose SYN cookie was forged or too old") \
	X(cookies,  evicted,        "half-open entries that gave way: their cookie remains") \
	X(cookies,  ack_lost,       "of those accepted, by data or FIN: the bare ACK was lost") \
	X(fragments, in,            "fragments received") \
	X(fragments, whole,         "datagrams put together") \
	X(fragments, out,           "fragments sent, of echo replies") \
	X(now,      fragmented,     "datagrams that wait for fragments") \
	X(now,      fragment_blocks, "octets of buffer blocks that they hold") \
	X(fast_open, asked,         "SYNs that asked for a cookie") \
	X(fast_open, taken,         "connections made at once, by a SYN with a good cookie") \
	X(fast_open, refused,       "SYNs whose cookie was forged or too old") \
	X(fast_open, full,          "SYNs that found too many others without their last ACK") \
	X(fast_open, used,          "SYNs of ours whose text was taken") \
	X(fast_open, failed,        "SYNs of ours whose text or option got no answer")

/*
 * Why an RST was sent, or taken: keys of `resets.sent` and `resets.received`.
 * One that was received says little, so there are four of these: no_listener,
 * it refused our SYN; no_connection, it came without ACK bit, as the answer to
 * a segment of no connection (RFC 9293, 3.10.7.1); after_close, its peer had
 * sent FIN before; abort, any other: a call of the peer's, or one of the other
 * causes of this table.
 */
#define TCPD_RESETS(X) \
	X(NO_LISTENER,   "no_listener",   "SYN to a port where nobody listens") \
	X(NO_CONNECTION, "no_connection", "segment of no known connection") \
	X(BAD_ACK,       "bad_ack",       "acknowledgment of something never sent") \
	X(ABORT,         "abort",         "ABORT call, or SO_LINGER {1,0}") \
	X(UNREAD_DATA,   "unread_data",   "close with data unread") \
	X(AFTER_CLOSE,   "after_close",   "data after close") \
	X(BUDGET,        "budget",        "memory or orphan limit") \
	X(TIMEOUT,       "timeout",       "gave up") \
	X(FAULT,         "fault",         "a check of our own failed")
/* clang-format on */

enum tcpd_reset {
#define X(name, key, text) TCPD_RESET_##name,
	TCPD_RESETS(X)
#undef X
		TCPD_NRESETS
};

const char *tcpd_reset_name(enum tcpd_reset r); /* the key */
const char *tcpd_reset_text(enum tcpd_reset r);

struct tcpd_stats {
#define X(group, key, text) uint64_t group##_##key;
	TCPD_STATS(X)
#undef X
	uint64_t drops[TCPD_NDROPS];
	uint64_t resets_sent[TCPD_NRESETS];
	uint64_t resets_received[TCPD_NRESETS];
};

/* The rows of TCPD_STATS in order, for printing: NULL past the last one. */
struct tcpd_stat_row {
	const char *group, *key, *text;
	uint16_t offset; /* of the counter in struct tcpd_stats */
};
const struct tcpd_stat_row *tcpd_stat_row(unsigned i);

#endif /* TCPD_STAT_H */
