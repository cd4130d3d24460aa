/* SPDX-License-Identifier: MIT */
/*
 * verdict_rows.h - the packets of verdicts.c, and what must come of each.
 *
 * SEQ and ACK count from RCV.NXT and SND.NXT of the side that is shot at.  A
 * verdict is what it answered ("silence", or FLAGS +SEQ +ACK, counted in the
 * same way), then what is left of the connection.  |tcpd| is another verdict
 * for tcpd than for the kernel, and |why| its reason.
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
	const char *name;
	enum stage stage;
	struct shot shot; /* what is not the peer's usual segment */
	const char *expect;
	const char *tcpd;
	const char *cookies; /* |tcpd| without half-open entries */
	const char *why;
	const char *cookies_why; /* |why| there, where it is another */
	enum source from;
	int32_t ts;
	unsigned wait_ms; /* before it */
	uint8_t only;	  /* 4, 6: of this family */
	bool no_ts, port_zero;
};

#define X	  .data = "x", .len = 1
#define OPT(text) .opt = (text), .nopt = sizeof(text) - 1

#define TWICE_A_SECOND \
	"one client is answered twice a second, whatever its SYN's number is"

/* clang-format off */
static const struct row rows[] = {
	/* --- blind resets */
	{"RST exact", ESTABLISHED, {.flags = RST}, .expect = "silence; reset"},
	{"RST,ACK exact", ESTABLISHED, {.flags = RST | ACK},
	 .expect = "silence; reset"},
	{"RST +1", ESTABLISHED, {.flags = RST, .seq = 1},
	 .expect = "A +0 +0; alive"},
	{"RST +60000", ESTABLISHED, {.flags = RST, .seq = 60000},
	 .expect = "A +0 +0; alive"},
	{"RST -1", ESTABLISHED, {.flags = RST, .seq = -1u},
	 .expect = "silence; alive"},
	{"RST far out of the window", ESTABLISHED,
	 {.flags = RST, .seq = 1u << 30}, .expect = "silence; alive"},
	/* --- blind SYNs */
	{"SYN exact", ESTABLISHED, {.flags = SYN}, .expect = "A +0 +0; alive"},
	{"SYN 1000000 away", ESTABLISHED, {.flags = SYN, .seq = 1000000},
	 .expect = "A +0 +0; alive"},
	{"SYN,ACK", ESTABLISHED, {.flags = SYN | ACK},
	 .expect = "A +0 +0; alive"},
	{"SYN,ACK left of the window with text into it", ESTABLISHED,
	 {.flags = SYN | ACK, .seq = -8u, .data = "xxxxxxxxxxxxxxxx", .len = 16},
	 .expect = "A +0 +0; alive"},
	/* --- blind data */
	{"data with ACK of SND.NXT+1", ESTABLISHED,
	 {.flags = ACK, .ack = 1, X}, .expect = "A +0 +0; alive"},
	{"data with an ACK 1 GiB too old", ESTABLISHED,
	 {.flags = ACK, .ack = -(1u << 30), X}, .expect = "A +0 +0; alive"},
	{"data with an ACK of what was never sent", ESTABLISHED,
	 {.flags = ACK, .ack = -17u, X}, .expect = "A +0 +0; alive"},
	{"old data with ACK of SND.NXT+1", ESTABLISHED,
	 {.flags = ACK, .seq = -1u, .ack = 1, X}, .expect = "A +0 +0; alive"},
	{"a FIN in the text to come", ESTABLISHED,
	 {.flags = FIN | ACK, .seq = 1, X}, .expect = "A +0 +0; alive"},
	{"data without ACK", ESTABLISHED, {.flags = PSH, X},
	 .expect = "silence; alive"},
	{"FIN without ACK", ESTABLISHED, {.flags = FIN},
	 .expect = "silence; alive"},
	{"data without ACK out of the window", ESTABLISHED,
	 {.flags = PSH, .seq = 1u << 30, X}, .expect = "silence; alive"},
	{"null", ESTABLISHED, {.flags = 0}, .expect = "silence; alive"},
	{"null out of the window", ESTABLISHED, {.flags = 0, .seq = -1u},
	 .expect = "silence; alive"},
	{"xmas", ESTABLISHED, {.flags = FIN | URG | PSH},
	 .expect = "silence; alive"},
	{"bad checksum", ESTABLISHED, {.flags = ACK, X, .bad_sum = true},
	 .expect = "silence; alive"},
	{"old data", ESTABLISHED,
	 {.flags = ACK, .seq = -8u, .data = "xxxxxxxx", .len = 8},
	 .expect = "A +0 +0; alive"},
	{"data far out of the window", ESTABLISHED,
	 {.flags = ACK, .seq = 1u << 30, X}, .expect = "A +0 +0; alive"},
	/* --- what parsers stumble over */
	{"URG pointer 65535 with 1 octet", ESTABLISHED,
	 {.flags = ACK | URG | PSH, .urg = 65535, X},
	 .expect = "taken; alive, 1 octet"},
	{"option of length 0", ESTABLISHED, {.flags = ACK, X, OPT("\5\0\0")},
	 .expect = "taken; alive, 1 octet"},
	{"option past the header", ESTABLISHED,
	 {.flags = ACK, X, OPT("\1\1\10\12")},
	 .expect = "taken; alive, 1 octet"},

	/* --- a listener */
	{"ACK", LISTENER, {.flags = ACK}, .expect = "R +0"},
	{"SYN,ACK", LISTENER, {.flags = SYN | ACK}, .expect = "R +0"},
	{"RST", LISTENER, {.flags = RST}, .expect = "silence"},
	{"null", LISTENER, {.flags = 0}, .expect = "silence"},
	{"FIN", LISTENER, {.flags = FIN}, .expect = "silence"},
	{"SYN,FIN", LISTENER, {.flags = SYN | FIN}, .expect = "silence"},
	{"SYN,RST", LISTENER, {.flags = SYN | RST}, .expect = "silence"},
	{"SYN,URG,PSH", LISTENER, {.flags = SYN | URG | PSH},
	 .expect = "SA +1"},
	{"RST,ACK", LISTENER, {.flags = RST | ACK}, .expect = "silence"},
	{"data without ACK", LISTENER, {.flags = PSH, X}, .expect = "silence"},
	{"FIN,ACK", LISTENER, {.flags = FIN | ACK}, .expect = "R +0"},

	/* --- a closed port */
	{"SYN", CLOSED_PORT, {.flags = SYN}, .expect = "RA 0 +1"},
	{"SYN,FIN and 5 octets", CLOSED_PORT,
	 {.flags = SYN | FIN, .data = "xxxxx", .len = 5},
	 .expect = "RA 0 +7"},
	{"ACK", CLOSED_PORT, {.flags = ACK}, .expect = "R +0"},
	{"RST", CLOSED_PORT, {.flags = RST}, .expect = "silence"},
	{"RST,ACK", CLOSED_PORT, {.flags = RST | ACK}, .expect = "silence"},
	{"null", CLOSED_PORT, {.flags = 0}, .expect = "RA 0 +0"},
	{"FIN", CLOSED_PORT, {.flags = FIN}, .expect = "RA 0 +1"},

	/* --- sources that nobody may answer, to a listener */
	{"LAND: a SYN from itself", LISTENER, {.flags = SYN}, .from = ITSELF,
	 .expect = "silence", .only = 4},
	{"LAND: a SYN from itself", LISTENER, {.flags = SYN}, .from = ITSELF,
	 .expect = "astray", .tcpd = "silence", .only = 6,
	 .why = "what comes from outside is not from itself, in IPv6 neither"},
	{"SYN from a loopback address", LISTENER, {.flags = SYN}, .from = LOOPBACK,
	 .expect = "silence"},
	{"SYN from the network's broadcast address", LISTENER, {.flags = SYN},
	 .from = BROADCAST, .expect = "silence", .only = 4},
	{"SYN from 255.255.255.255", LISTENER, {.flags = SYN}, .from = ALL_ONES,
	 .expect = "silence", .only = 4},
	{"SYN from a multicast address", LISTENER, {.flags = SYN}, .from = MULTICAST,
	 .expect = "silence"},
	{"ACK from a multicast address", CLOSED_PORT, {.flags = ACK}, .from = MULTICAST,
	 .expect = "silence"},
	{"SYN from port 0", LISTENER, {.flags = SYN}, .port_zero = true,
	 .expect = "SA +1", .tcpd = "silence",
	 .why = "port 0 is reserved (RFC 6335, 6): no honest peer has it"},
	/* --- headers that contradict the packet */
	{"loose source route", ESTABLISHED, {.flags = ACK, X,
	 .ipopt = "\x83\7\4\12\130\0\1", .nipopt = 7},
	 .expect = "silence; alive", .only = 4},
	{"an IP header of 4 words", ESTABLISHED, {.flags = ACK, X, .ihl = 4},
	 .expect = "silence; alive", .only = 4},
	{"IP's length beyond the packet", ESTABLISHED,
	 {.flags = ACK, X, .total = 1}, .expect = "silence; alive"},
	{"a TCP header of 4 words", ESTABLISHED, {.flags = ACK, X, .doff = 4},
	 .expect = "silence; alive"},
	{"a TCP header beyond the packet", ESTABLISHED,
	 {.flags = ACK, X, .doff = 15}, .expect = "silence; alive"},
	{"wrong IP checksum", ESTABLISHED,
	 {.flags = ACK, X, .bad_ip_sum = true}, .expect = "silence; alive",
	 .only = 4},

	/* --- a half-open connection */
	{"RST exact", SYN_RECEIVED, {.flags = RST}, .expect = "silence; gone"},
	{"RST +1", SYN_RECEIVED, {.flags = RST, .seq = 1},
	 .expect = "A +0 +0; alive"},
	{"RST -1", SYN_RECEIVED, {.flags = RST, .seq = -1u},
	 .expect = "silence; alive"},
	{"RST far", SYN_RECEIVED, {.flags = RST, .seq = 1u << 30},
	 .expect = "silence; alive"},
	{"the SYN again", SYN_RECEIVED, {.flags = SYN, .seq = -1u},
	 .expect = "SA -1 +0; alive", .tcpd = "silence; alive",
	 .why = "one SYN is answered twice a second (a flood of one)"},
	{"the SYN again after 500 ms", SYN_RECEIVED, {.flags = SYN, .seq = -1u},
	 .expect = "SA -1 +0; alive", .wait_ms = 520},
	{"SYN exact", SYN_RECEIVED, {.flags = SYN},
	 .expect = "RA 0 +1; gone", .tcpd = "A +0 +0; alive",
	 .cookies = "silence; alive",
	 .why = "a blind SYN ends no handshake (RFC 5961, 4.2)",
	 .cookies_why = TWICE_A_SECOND},
	{"SYN far", SYN_RECEIVED, {.flags = SYN, .seq = 1000000},
	 .expect = "A +0 +0; alive", .cookies = "silence; alive",
	 .cookies_why = TWICE_A_SECOND},
	{"ACK of SND.NXT+1", SYN_RECEIVED, {.flags = ACK, .ack = 1},
	 .expect = "R +1; alive", .cookies = "R +1; alive",
	 .cookies_why = "there it is a cookie with another MSS, and the octet "
			"before it is lost"},
	{"ACK 1 GiB too old", SYN_RECEIVED, {.flags = ACK, .ack = -(1u << 30)},
	 .expect = "R -1073741824; alive"},
	{"data without ACK", SYN_RECEIVED, {.flags = PSH, X},
	 .expect = "silence; alive"},
	{"FIN without ACK", SYN_RECEIVED, {.flags = FIN},
	 .expect = "silence; alive"},
	{"ACK far out of the window", SYN_RECEIVED,
	 {.flags = ACK, .seq = 1u << 30}, .expect = "A +0 +0; alive"},

	/* --- time stamps */
	{"data with an old time stamp", STAMPED, {.flags = ACK, X},
	 .ts = -100000, .expect = "A +0 +0; alive"},
	{"data half of the numbers too old", STAMPED, {.flags = ACK, X},
	 .ts = -0x7ffffff0, .expect = "A +0 +0; alive"},
	{"RST exact with an old time stamp", STAMPED, {.flags = RST},
	 .ts = -100000, .expect = "silence; reset"},
	{"RST exact without a time stamp", STAMPED, {.flags = RST},
	 .no_ts = true, .expect = "silence; reset"},
	{"data without a time stamp", STAMPED, {.flags = ACK, X},
	 .no_ts = true, .expect = "taken; alive, 1 octet"},

	/* --- half closed by its app */
	{"RST exact", FIN_WAIT_2, {.flags = RST}, .expect = "silence; reset"},
	{"RST +1", FIN_WAIT_2, {.flags = RST, .seq = 1},
	 .expect = "A +0 +0; alive"},
	{"RST -1", FIN_WAIT_2, {.flags = RST, .seq = -1u},
	 .expect = "silence; alive"},
	{"SYN exact", FIN_WAIT_2, {.flags = SYN}, .expect = "A +0 +0; alive"},
	{"data with ACK of SND.NXT+1", FIN_WAIT_2,
	 {.flags = ACK, .ack = 1, X}, .expect = "A +0 +0; alive"},
	/* --- half closed by its peer */
	{"RST exact", CLOSE_WAIT, {.flags = RST}, .expect = "silence; reset"},
	{"RST +1", CLOSE_WAIT, {.flags = RST, .seq = 1},
	 .expect = "A +0 +0; alive"},
	{"RST -1", CLOSE_WAIT, {.flags = RST, .seq = -1u},
	 .expect = "silence; reset", .tcpd = "silence; alive",
	 .why = "RFC 5961, 3.2: at RCV.NXT alone, so one guess less"},
	{"SYN exact", CLOSE_WAIT, {.flags = SYN}, .expect = "A +0 +0; alive"},
	{"SYN,ACK", CLOSE_WAIT, {.flags = SYN | ACK},
	 .expect = "A +0 +0; alive"},

	/* --- TIME-WAIT: no RST may cut it short (RFC 1337) */
#define RFC_1337 .why = "RFC 1337: a RST does not end TIME-WAIT"
	{"RST exact", TIME_WAIT, {.flags = RST}, .expect = "silence; gone",
	 .tcpd = "silence; kept", RFC_1337},
	{"RST,ACK exact", TIME_WAIT, {.flags = RST | ACK},
	 .expect = "silence; gone", .tcpd = "silence; kept", RFC_1337},
	{"RST +1", TIME_WAIT, {.flags = RST, .seq = 1},
	 .expect = "silence; kept"},
	{"RST -1", TIME_WAIT, {.flags = RST, .seq = -1u},
	 .expect = "silence; kept"},
	{"RST far", TIME_WAIT, {.flags = RST, .seq = 1u << 30},
	 .expect = "silence; kept"},
	{"RST of an old ACK", TIME_WAIT, {.flags = RST, .seq = -17u},
	 .expect = "silence; kept"},
	{"old data", TIME_WAIT,
	 {.flags = ACK, .seq = -9u, .data = "xxxxxxxx", .len = 8},
	 .expect = "A +0 +0; kept"},
	{"an old SYN", TIME_WAIT, {.flags = SYN, .seq = -1000000u},
	 .expect = "A +0 +0; kept", .tcpd = "silence; kept",
	 .why = "RFC 6191, 2: it is dropped without a word"},
	{"a new SYN", TIME_WAIT, {.flags = SYN, .seq = 1000000},
	 .expect = "SA +1000001; reused"},
};
/* clang-format on */

#endif /* TEST_NET_VERDICT_ROWS_H */
