/* SPDX-License-Identifier: MIT */
/*
 * matrix_case.h - the segments of matrix.c: every state, kind of segment, place
 * of its SEQ and of its ACK, and what the options are, multiplied.
 */
#ifndef TEST_NET_MATRIX_CASE_H
#define TEST_NET_MATRIX_CASE_H

#include <stdio.h>

#include "shot.h"

enum state {
	M_CLOSED,
	M_LISTEN,
	M_SYN_SENT,
	M_SYN_RECEIVED, /* of a listener */
	M_CROSSED,	/* the same after a simultaneous open */
	M_ESTABLISHED,
	M_FIN_WAIT_1,
	M_FIN_WAIT_2,
	M_CLOSE_WAIT,
	M_CLOSING,
	M_LAST_ACK,
	M_TIME_WAIT,
	M_STATES,
};

static const char *const state_names[] = {
	"CLOSED",     "LISTEN",	     "SYN-SENT",   "SYN-RECEIVED",
	"crossed",    "ESTABLISHED", "FIN-WAIT-1", "FIN-WAIT-2",
	"CLOSE-WAIT", "CLOSING",     "LAST-ACK",   "TIME-WAIT",
};

/* A segment; or an ICMP error, that quotes one with the ACK's number as SEQ. */
struct kind {
	const char *name;
	uint8_t flags;
	uint8_t len;
	bool icmp;
	uint8_t type[2], code[2]; /* IPv4, IPv6 */
};

#define SEGMENT(what, bits, octets)                              \
	{                                                        \
		.name = (what), .flags = (bits), .len = (octets) \
	}
#define ERROR(what, type4, code4, type6, code6)             \
	{                                                   \
		.name = (what), .flags = ACK, .icmp = true, \
		.type = {(type4), (type6)}, .code = {       \
			(code4),                            \
			(code6)                             \
		}                                           \
	}

static const struct kind kinds[] = {
	SEGMENT("SYN", SYN, 0),
	SEGMENT("SYN,FIN", SYN | FIN, 0),
	SEGMENT("SYN,ACK", SYN | ACK, 0),
	SEGMENT("ACK", ACK, 0),
	SEGMENT("RST", RST, 0),
	SEGMENT("RST,ACK", RST | ACK, 0),
	SEGMENT("FIN,ACK", FIN | ACK, 0),
	SEGMENT("FIN,ACK+8", FIN | ACK, 8),
	SEGMENT("ACK+8", PSH | ACK, 8),
	SEGMENT("FIN", FIN, 0),
	SEGMENT("+8", PSH, 8),
	SEGMENT("null", 0, 0),
	ERROR("net unreachable", 3, 0, 1, 0),
	ERROR("host unreachable", 3, 1, 1, 3),
	ERROR("protocol unreachable", 3, 2, 4, 1),
	ERROR("port unreachable", 3, 3, 1, 4),
	ERROR("prohibited", 3, 13, 1, 1),
	ERROR("time exceeded", 11, 0, 3, 0),
	ERROR("reassembly time exceeded", 11, 1, 3, 1),
	ERROR("parameter problem", 12, 0, 4, 0),
};

/* From RCV.NXT, or from its window's edge (the first number beyond). */
struct seq_place {
	const char *name;
	int32_t off;
	bool edge;
};

static const struct seq_place seqs[] = {
	{"far below", -(1 << 30), false},
	{"below", -9, false},
	{"-4", -4, false}, /* eight octets cross the left edge */
	{"-1", -1, false},
	{"at", 0, false},
	{"inside", 1000, false},
	{"last", -1, true},
	{"edge", 0, true},
	{"beyond", 1000, true},
	{"far beyond", 1 << 30, true},
};

/* From SND.NXT, or from SND.UNA. */
struct ack_place {
	const char *name;
	int32_t off;
	bool una;
};

static const struct ack_place acks[] = {
	{"nxt", 0, false},
	{"una", 0, true},
	{"old", -5, true},
	{"never", -40, true},
	{"far below", -(1 << 30), true},
	{"above", 1, false},
	{"far above", 1 << 30, false},
};

enum opts { BARE, STAMPED, OLD_STAMP, NO_STAMP, NOPTS };

static const char *const opt_names[] = {"bare", "stamped", "old stamp",
					"no stamp"};

#define NKINDS (sizeof(kinds) / sizeof(*kinds))
#define NSEQS  (sizeof(seqs) / sizeof(*seqs))
#define NACKS  (sizeof(acks) / sizeof(*acks))

struct kase {
	enum state state;
	enum opts opts;
	const struct kind *kind;
	const struct seq_place *seq;
	const struct ack_place *ack; /* NULL: no ACK bit */
};

/* Has it something that the peer has not acknowledged? */
static inline bool has_unacked(enum state s)
{
	return s != M_FIN_WAIT_2 && s != M_CLOSE_WAIT && s != M_TIME_WAIT &&
	       s > M_LISTEN;
}

/* Case number |*at| or the next that makes sense; false: there is none. */
static inline bool next_case(enum state state, enum opts opts, size_t *at,
			     struct kase *k)
{
	/* without a connection no number is more than a number, and no time
	 * stamp is due */
	bool none = state <= M_LISTEN;

	if (none && opts > STAMPED)
		return false;
	for (; *at < NKINDS * NSEQS * NACKS; ++*at) {
		size_t ack = *at % NACKS, seq = *at / NACKS % NSEQS;

		k->kind = &kinds[*at / NACKS / NSEQS];
		k->seq = &seqs[seq];
		k->ack = k->kind->flags & ACK ? &acks[ack] : NULL;
		k->state = state;
		k->opts = opts;
		if (!k->ack && ack > 0)
			continue;
		if (k->kind->icmp &&
		    (none || opts != BARE || seqs[seq].off || seqs[seq].edge))
			continue;
		if (k->ack && acks[ack].una && acks[ack].off == 0 &&
		    !has_unacked(state))
			continue;
		if (none && seqs[seq].edge)
			continue;
		++*at;
		return true;
	}
	return false;
}

static inline const char *case_name(const struct kase *k, char *text,
				    size_t room)
{
	(void)snprintf(text, room, "%s, %s: %s, SEQ %s%s%s",
		       state_names[k->state], opt_names[k->opts], k->kind->name,
		       k->seq->name, k->ack ? ", ACK " : "",
		       k->ack ? k->ack->name : "");
	return text;
}

#endif /* TEST_NET_MATRIX_CASE_H */
