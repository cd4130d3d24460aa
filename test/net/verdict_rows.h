/* SPDX-License-Identifier: MIT */
/*
 * verdict_rows.h - the packets of verdicts.c, and what must come of each.
 *
 * SEQ and ACK count from RCV.NXT and SND.NXT of the side that is shot at.  A
 * verdict is what it answered ("silence", or FLAGS +SEQ +ACK, counted in the
 * same way), then what is left of the connection.  |tcpd| is another verdict
 * for tcpd than for the kernel, and |why| its reason.  (With cookies: one SYN
 * is answered twice a second, whatever its number is, and the kernel takes the
 * ACK of SND.NXT+1 for a cookie with another MSS, losing an octet.)
 */
#ifndef TEST_NET_VERDICT_ROWS_H
#define TEST_NET_VERDICT_ROWS_H

#include "shot.h"

enum stage {
	CLOSED_PORT,
	LISTENER,
	SYN_RECEIVED,
	ESTABLISHED,
	STAMPED, /* ESTABLISHED with time stamps; TSval is due + |ts| */
	FIN_WAIT_2,
	CLOSE_WAIT,
	TIME_WAIT,
};

enum source { PEER, ITSELF, LOOPBACK, BROADCAST, ALL_ONES, MULTICAST };

struct row {
	enum stage stage;
	const char *name;
	struct shot shot; /* what is not the peer's usual segment */
	enum source from;
	const char *expect;
	const char *tcpd;
	const char *cookies; /* |tcpd| without half-open entries */
	const char *why;
	int32_t ts;
	bool no_ts, port_zero;
	unsigned wait_ms; /* before it */
	int only; /* 4, 6: of this family */
};

#define X	  .data = "x", .len = 1
#define OPT(text) .opt = (text), .nopt = sizeof(text) - 1

/* clang-format off */
static const struct row rows[] = {
	/* --- blind resets */
	{ESTABLISHED, "RST exact", {.flags = RST}, .expect = "silence; reset"},
	{ESTABLISHED, "RST,ACK exact", {.flags = RST | ACK},
	 .expect = "silence; reset"},
	{ESTABLISHED, "RST +1", {.flags = RST, .seq = 1},
	 .expect = "A +0 +0; alive"},
	{ESTABLISHED, "RST +60000", {.flags = RST, .seq = 60000},
	 .expect = "A +0 +0; alive"},
	{ESTABLISHED, "RST -1", {.flags = RST, .seq = -1u},
	 .expect = "silence; alive"},
	{ESTABLISHED, "RST far out of the window",
	 {.flags = RST, .seq = 1u << 30}, .expect = "silence; alive"},
	/* --- blind SYNs */
	{ESTABLISHED, "SYN exact", {.flags = SYN}, .expect = "A +0 +0; alive"},
	{ESTABLISHED, "SYN 1000000 away", {.flags = SYN, .seq = 1000000},
	 .expect = "A +0 +0; alive"},
	{ESTABLISHED, "SYN,ACK", {.flags = SYN | ACK},
	 .expect = "A +0 +0; alive"},
	{ESTABLISHED, "SYN,ACK left of the window with text into it",
	 {.flags = SYN | ACK, .seq = -8u, .data = "xxxxxxxxxxxxxxxx", .len = 16},
	 .expect = "A +0 +0; alive"},
	/* --- blind data */
	{ESTABLISHED, "data with ACK of SND.NXT+1",
	 {.flags = ACK, .ack = 1, X}, .expect = "A +0 +0; alive"},
	{ESTABLISHED, "data with an ACK 1 GiB too old",
	 {.flags = ACK, .ack = -(1u << 30), X}, .expect = "A +0 +0; alive"},
	{ESTABLISHED, "data with an ACK of what was never sent",
	 {.flags = ACK, .ack = -17u, X}, .expect = "A +0 +0; alive"},
	{ESTABLISHED, "old data with ACK of SND.NXT+1",
	 {.flags = ACK, .seq = -1u, .ack = 1, X}, .expect = "A +0 +0; alive"},
	{ESTABLISHED, "a FIN in the text to come",
	 {.flags = FIN | ACK, .seq = 1, X}, .expect = "A +0 +0; alive"},
	{ESTABLISHED, "data without ACK", {.flags = PSH, X},
	 .expect = "silence; alive"},
	{ESTABLISHED, "FIN without ACK", {.flags = FIN},
	 .expect = "silence; alive"},
	{ESTABLISHED, "data without ACK out of the window",
	 {.flags = PSH, .seq = 1u << 30, X}, .expect = "silence; alive"},
	{ESTABLISHED, "null", {.flags = 0}, .expect = "silence; alive"},
	{ESTABLISHED, "null out of the window", {.flags = 0, .seq = -1u},
	 .expect = "silence; alive"},
	{ESTABLISHED, "xmas", {.flags = FIN | URG | PSH},
	 .expect = "silence; alive"},
	{ESTABLISHED, "bad checksum", {.flags = ACK, X, .bad_sum = true},
	 .expect = "silence; alive"},
	{ESTABLISHED, "old data",
	 {.flags = ACK, .seq = -8u, .data = "xxxxxxxx", .len = 8},
	 .expect = "A +0 +0; alive"},
	{ESTABLISHED, "data far out of the window",
	 {.flags = ACK, .seq = 1u << 30, X}, .expect = "A +0 +0; alive"},
	/* --- what parsers stumble over */
	{ESTABLISHED, "URG pointer 65535 with 1 octet",
	 {.flags = ACK | URG | PSH, .urg = 65535, X},
	 .expect = "taken; alive, 1 octet"},
	{ESTABLISHED, "option of length 0", {.flags = ACK, X, OPT("\5\0\0")},
	 .expect = "taken; alive, 1 octet"},
	{ESTABLISHED, "option past the header",
	 {.flags = ACK, X, OPT("\1\1\10\12")},
	 .expect = "taken; alive, 1 octet"},

	/* --- a listener */
	{LISTENER, "ACK", {.flags = ACK}, .expect = "R +0"},
	{LISTENER, "SYN,ACK", {.flags = SYN | ACK}, .expect = "R +0"},
	{LISTENER, "RST", {.flags = RST}, .expect = "silence"},
	{LISTENER, "null", {.flags = 0}, .expect = "silence"},
	{LISTENER, "FIN", {.flags = FIN}, .expect = "silence"},
	{LISTENER, "SYN,FIN", {.flags = SYN | FIN}, .expect = "silence"},
	{LISTENER, "SYN,RST", {.flags = SYN | RST}, .expect = "silence"},
	{LISTENER, "SYN,URG,PSH", {.flags = SYN | URG | PSH},
	 .expect = "SA +1"},
	{LISTENER, "RST,ACK", {.flags = RST | ACK}, .expect = "silence"},
	{LISTENER, "data without ACK", {.flags = PSH, X}, .expect = "silence"},
	{LISTENER, "FIN,ACK", {.flags = FIN | ACK}, .expect = "R +0"},

	/* --- a closed port */
	{CLOSED_PORT, "SYN", {.flags = SYN}, .expect = "RA 0 +1"},
	{CLOSED_PORT, "SYN,FIN and 5 octets",
	 {.flags = SYN | FIN, .data = "xxxxx", .len = 5},
	 .expect = "RA 0 +7"},
	{CLOSED_PORT, "ACK", {.flags = ACK}, .expect = "R +0"},
	{CLOSED_PORT, "RST", {.flags = RST}, .expect = "silence"},
	{CLOSED_PORT, "RST,ACK", {.flags = RST | ACK}, .expect = "silence"},
	{CLOSED_PORT, "null", {.flags = 0}, .expect = "RA 0 +0"},
	{CLOSED_PORT, "FIN", {.flags = FIN}, .expect = "RA 0 +1"},

	/* --- sources that nobody may answer, to a listener */
	{LISTENER, "LAND: a SYN from itself", {.flags = SYN}, ITSELF,
	 .expect = "silence", .only = 4},
	{LISTENER, "LAND: a SYN from itself", {.flags = SYN}, ITSELF,
	 .expect = "astray", .tcpd = "silence", .only = 6,
	 .why = "what comes from outside is not from itself, in IPv6 neither"},
	{LISTENER, "SYN from a loopback address", {.flags = SYN}, LOOPBACK,
	 .expect = "silence"},
	{LISTENER, "SYN from the network's broadcast address", {.flags = SYN},
	 BROADCAST, .expect = "silence", .only = 4},
	{LISTENER, "SYN from 255.255.255.255", {.flags = SYN}, ALL_ONES,
	 .expect = "silence", .only = 4},
	{LISTENER, "SYN from a multicast address", {.flags = SYN}, MULTICAST,
	 .expect = "silence"},
	{CLOSED_PORT, "ACK from a multicast address", {.flags = ACK}, MULTICAST,
	 .expect = "silence"},
	{LISTENER, "SYN from port 0", {.flags = SYN}, .port_zero = true,
	 .expect = "SA +1", .tcpd = "silence",
	 .why = "port 0 is reserved (RFC 6335, 6): no honest peer has it"},
	/* --- headers that contradict the packet */
	{ESTABLISHED, "loose source route", {.flags = ACK, X,
	 .ipopt = "\x83\7\4\12\130\0\1", .nipopt = 7},
	 .expect = "silence; alive", .only = 4},
	{ESTABLISHED, "an IP header of 4 words", {.flags = ACK, X, .ihl = 4},
	 .expect = "silence; alive", .only = 4},
	{ESTABLISHED, "IP's length beyond the packet",
	 {.flags = ACK, X, .total = 1}, .expect = "silence; alive"},
	{ESTABLISHED, "a TCP header of 4 words", {.flags = ACK, X, .doff = 4},
	 .expect = "silence; alive"},
	{ESTABLISHED, "a TCP header beyond the packet",
	 {.flags = ACK, X, .doff = 15}, .expect = "silence; alive"},
	{ESTABLISHED, "wrong IP checksum",
	 {.flags = ACK, X, .bad_ip_sum = true}, .expect = "silence; alive",
	 .only = 4},

	/* --- a half-open connection */
	{SYN_RECEIVED, "RST exact", {.flags = RST}, .expect = "silence; gone"},
	{SYN_RECEIVED, "RST +1", {.flags = RST, .seq = 1},
	 .expect = "A +0 +0; alive"},
	{SYN_RECEIVED, "RST -1", {.flags = RST, .seq = -1u},
	 .expect = "silence; alive"},
	{SYN_RECEIVED, "RST far", {.flags = RST, .seq = 1u << 30},
	 .expect = "silence; alive"},
	{SYN_RECEIVED, "the SYN again", {.flags = SYN, .seq = -1u},
	 .expect = "SA -1 +0; alive", .tcpd = "silence; alive",
	 .why = "one SYN is answered twice a second (a flood of one)"},
	{SYN_RECEIVED, "the SYN again after 500 ms", {.flags = SYN, .seq = -1u},
	 .expect = "SA -1 +0; alive", .wait_ms = 520},
	{SYN_RECEIVED, "SYN exact", {.flags = SYN},
	 .expect = "RA 0 +1; gone", .tcpd = "A +0 +0; alive",
	 .cookies = "silence; alive",
	 .why = "a blind SYN ends no handshake (RFC 5961, 4.2)"},
	{SYN_RECEIVED, "SYN far", {.flags = SYN, .seq = 1000000},
	 .expect = "A +0 +0; alive", .cookies = "silence; alive"},
	{SYN_RECEIVED, "ACK of SND.NXT+1", {.flags = ACK, .ack = 1},
	 .expect = "R +1; alive", .cookies = "R +1; alive"},
	{SYN_RECEIVED, "ACK 1 GiB too old", {.flags = ACK, .ack = -(1u << 30)},
	 .expect = "R -1073741824; alive"},
	{SYN_RECEIVED, "data without ACK", {.flags = PSH, X},
	 .expect = "silence; alive"},
	{SYN_RECEIVED, "FIN without ACK", {.flags = FIN},
	 .expect = "silence; alive"},
	{SYN_RECEIVED, "ACK far out of the window",
	 {.flags = ACK, .seq = 1u << 30}, .expect = "A +0 +0; alive"},

	/* --- time stamps */
	{STAMPED, "data with an old time stamp", {.flags = ACK, X},
	 .ts = -100000, .expect = "A +0 +0; alive"},
	{STAMPED, "data half of the numbers too old", {.flags = ACK, X},
	 .ts = -0x7ffffff0, .expect = "A +0 +0; alive"},
	{STAMPED, "RST exact with an old time stamp", {.flags = RST},
	 .ts = -100000, .expect = "silence; reset"},
	{STAMPED, "RST exact without a time stamp", {.flags = RST},
	 .no_ts = true, .expect = "silence; reset"},
	{STAMPED, "data without a time stamp", {.flags = ACK, X},
	 .no_ts = true, .expect = "taken; alive, 1 octet"},

	/* --- half closed by its app */
	{FIN_WAIT_2, "RST exact", {.flags = RST}, .expect = "silence; reset"},
	{FIN_WAIT_2, "RST +1", {.flags = RST, .seq = 1},
	 .expect = "A +0 +0; alive"},
	{FIN_WAIT_2, "RST -1", {.flags = RST, .seq = -1u},
	 .expect = "silence; alive"},
	{FIN_WAIT_2, "SYN exact", {.flags = SYN}, .expect = "A +0 +0; alive"},
	{FIN_WAIT_2, "data with ACK of SND.NXT+1",
	 {.flags = ACK, .ack = 1, X}, .expect = "A +0 +0; alive"},
	/* --- half closed by its peer */
	{CLOSE_WAIT, "RST exact", {.flags = RST}, .expect = "silence; reset"},
	{CLOSE_WAIT, "RST +1", {.flags = RST, .seq = 1},
	 .expect = "A +0 +0; alive"},
	{CLOSE_WAIT, "RST -1", {.flags = RST, .seq = -1u},
	 .expect = "silence; reset", .tcpd = "silence; alive",
	 .why = "RFC 5961, 3.2: at RCV.NXT alone, so one guess less"},
	{CLOSE_WAIT, "SYN exact", {.flags = SYN}, .expect = "A +0 +0; alive"},
	{CLOSE_WAIT, "SYN,ACK", {.flags = SYN | ACK},
	 .expect = "A +0 +0; alive"},

	/* --- TIME-WAIT: no RST may cut it short (RFC 1337) */
#define RFC_1337 .why = "RFC 1337: a RST does not end TIME-WAIT"
	{TIME_WAIT, "RST exact", {.flags = RST}, .expect = "silence; gone",
	 .tcpd = "silence; kept", RFC_1337},
	{TIME_WAIT, "RST,ACK exact", {.flags = RST | ACK},
	 .expect = "silence; gone", .tcpd = "silence; kept", RFC_1337},
	{TIME_WAIT, "RST +1", {.flags = RST, .seq = 1},
	 .expect = "silence; kept"},
	{TIME_WAIT, "RST -1", {.flags = RST, .seq = -1u},
	 .expect = "silence; kept"},
	{TIME_WAIT, "RST far", {.flags = RST, .seq = 1u << 30},
	 .expect = "silence; kept"},
	{TIME_WAIT, "RST of an old ACK", {.flags = RST, .seq = -17u},
	 .expect = "silence; kept"},
	{TIME_WAIT, "old data",
	 {.flags = ACK, .seq = -9u, .data = "xxxxxxxx", .len = 8},
	 .expect = "A +0 +0; kept"},
	{TIME_WAIT, "an old SYN", {.flags = SYN, .seq = -1000000u},
	 .expect = "A +0 +0; kept", .tcpd = "silence; kept",
	 .why = "RFC 6191, 2: it is dropped without a word"},
	{TIME_WAIT, "a new SYN", {.flags = SYN, .seq = 1000000},
	 .expect = "SA +1000001; reused"},
};
/* clang-format on */

#endif /* TEST_NET_VERDICT_ROWS_H */
