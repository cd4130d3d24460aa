/* SPDX-License-Identifier: MIT */
/*
 * matrix_rules.h - why tcpd's verdict in matrix.c is another than the
 * kernel's: patterns (fnmatch, NULL: any) over the case and both verdicts, and
 * the reason with its place.  The first that fits explains.
 */
#ifndef TEST_NET_MATRIX_RULES_H
#define TEST_NET_MATRIX_RULES_H

#include <stdbool.h>
#include <stdint.h>

struct rule {
	const char *state, *kind, *seq, *ack, *opts, *kernel, *tcpd, *why;
	uint8_t only;  /* 4, 6: of this family */
	bool but_sack; /* both are alike but for their SACK blocks */
	unsigned used;
};

#define SILENT "silence; *"
#define ACKED  "A +0 +0*; *"
#define CLOSED "*; CLOSED*"

/* clang-format off */
static struct rule rules[] = {
	/* --- ICMP errors */
#define ICMP "@(*unreachable|*exceeded|prohibited|parameter problem)"
#define ALIVE "silence; !(CLOSED*|* soft *)"
	{.kind = ICMP, .ack = "nxt", .tcpd = ALIVE,
	 .why = "RFC 5927, 4.1: what has SND.NXT was not sent yet"},
	{.kind = ICMP, .ack = "una", .state = "SYN-RECEIVED",
	 .kernel = "silence; CLOSED", .tcpd = "silence; SYN-RECEIVED",
	 .why = "RFC 9293, 3.9.2.2, MUST-56: no soft error ends a handshake "
		"that the peer has begun"},
	{.kind = "@(port|protocol) unreachable", .ack = "una",
	 .state = "SYN-RECEIVED", .kernel = "silence; SYN-RECEIVED",
	 .tcpd = "silence; CLOSED", .only = 4,
	 .why = "RFC 9293, 3.9.2.2, SHLD-26: a hard error ends what is not "
		"synchronized yet"},
	{.kind = "protocol unreachable", .ack = "una",
	 .state = "@(SYN-SENT|crossed)", .kernel = "silence; CLOSED; ENOPROTOOPT",
	 .tcpd = "silence; CLOSED; ECONNREFUSED", .only = 4,
	 .why = "RFC 9293, 3.9.2.2, SHLD-26: it ends, under which name is ours"},
	{.kind = ICMP, .ack = "una", .state = "@(SYN-SENT|crossed)",
	 .kernel = "silence; CLOSED; E*",
	 .tcpd = "silence; SYN-@(SENT|RECEIVED); soft E*",
	 .why = "RFC 9293, 3.9.2.2, MUST-56: no soft error ends a connection"},
	{.kind = "reassembly time exceeded", .ack = "una", .kernel = ALIVE,
	 .tcpd = "silence; !(CLOSED*); soft EHOSTUNREACH", .only = 4,
	 .why = "RFC 9293, 3.9.2.2, SHLD-25: it is told to the app, too"},
	{.kind = ICMP, .ack = "una", .state = "@(ESTABLISHED|FIN-WAIT-1)",
	 .kernel = "* soft E*",
	 .tcpd = "silence; !(CLOSED*); soft E@(HOSTUNREACH|CONNREFUSED)",
	 .why = "RFC 9293, 3.9.2.2, SHLD-25: it is told to the app, by the "
		"errno that is nearest"},
	{.kind = ICMP, .ack = "una", .state = "@(CLOSING|LAST-ACK)",
	 .kernel = "*; EOF; soft E*", .tcpd = ALIVE,
	 .why = "RFC 9293, 3.9.2.2, SHLD-25: after both have closed no call of "
		"the app is left to tell it to"},

	/* --- what a window holds */
	{.seq = "edge", .kind = "!(RST*)", .tcpd = "A +0 +0; *",
	 .why = "RFC 9293, 3.4, table 6: RCV.NXT+RCV.WND is beyond the window"},
	{.seq = "edge", .kind = "RST*", .kernel = "A +0 +0; *", .tcpd = SILENT,
	 .why = "RFC 5961, 3.2: a RST beyond the window, and its edge is, is "
		"dropped silently"},
	{.seq = "below", .kind = "FIN,ACK+8", .kernel = "!(* sack *)",
	 .tcpd = ACKED,
	 .why = "RFC 9293, 3.4, table 6: what ends before RCV.NXT is old, its "
		"ACK counts for nothing"},
	{.seq = "last", .kind = "*+8", .ack = "nxt", .state = "@(CLOSING|LAST-ACK)",
	 .kernel = ACKED, .tcpd = SILENT,
	 .why = "RFC 9293, 3.4, table 6: acceptable if it begins inside the "
		"window; what is beyond is cut off, its ACK counts"},

	{.seq = "last", .kind = "ACK+8", .kernel = "* sack edge-1..edge+7; *",
	 .tcpd = "* sack edge-1..edge+0; *", .but_sack = true,
	 .why = "RFC 9293, 3.10.7.4: what is beyond the window is trimmed off"},

	/* --- SACK blocks */
	{.kind = "FIN,ACK*", .kernel = "* sack *", .but_sack = true,
	 .why = "RFC 2018, 3: blocks tell of data, and a FIN is none"},
	{.seq = "below", .kind = "FIN,ACK+8", .kernel = "A +0 +0 sack *",
	 .tcpd = "A +0 +0 sack *",
	 .why = "RFC 9293, 3.4, table 6, and RFC 2018, 3: an old segment's ACK "
		"counts for nothing, blocks tell of data"},

	/* --- time stamps */
	{.opts = "no stamp", .state = "SYN-SENT", .kind = "SYN*",
	 .kernel = "SA *; SYN-RECEIVED", .tcpd = "SA * no stamp; SYN-RECEIVED",
	 .why = "RFC 7323, 3.2: a SYN,ACK has the option if the SYN had it"},
	{.opts = "old stamp", .kind = "RST*", .state = "SYN-RECEIVED",
	 .kernel = "silence; SYN-RECEIVED",
	 .why = "RFC 7323, 5.2: a RST is not judged by its time stamp"},
	{.opts = "old stamp", .kind = "ACK", .kernel = SILENT,
	 .tcpd = "A +0 +0; *",
	 .why = "RFC 7323, 5.3, R1: an old time stamp is answered by an ACK"},

	/* --- SYN-RECEIVED of a listener */
	{.state = "SYN-RECEIVED", .kind = "@(SYN|SYN,FIN)", .seq = "-1",
	 .kernel = "@(SA -1|A +0) +0; SYN-RECEIVED",
	 .tcpd = "silence; SYN-RECEIVED",
	 .why = "RFC 5961, 7: the SYN again is answered twice a second"},
	{.state = "SYN-RECEIVED", .kind = "SYN*", .kernel = CLOSED,
	 .tcpd = "A +0 +0; SYN-RECEIVED",
	 .why = "RFC 5961, 4.2: a blind SYN is challenged and ends no handshake "
		"(in RFC 9293, 3.10.7.4, that of a passive open)"},
	{.state = "@(SYN-RECEIVED|crossed)", .kernel = "R *; SYN-RECEIVED",
	 .tcpd = "A +0 +0*; SYN-RECEIVED",
	 .why = "RFC 9293, 3.10.7.4: SEQ, time stamp and SYN are judged before "
		"the ACK"},

	/* --- SYN-RECEIVED of a simultaneous open */
	{.state = "crossed", .kind = "@(SYN|SYN,FIN)", .seq = "-1",
	 .kernel = "A +0 +0; SYN-RECEIVED", .tcpd = "SA -1 +0; SYN-RECEIVED",
	 .why = "RFC 9293, 3.5, figure 8: the SYN again, for ours may be lost, "
		"and an ACK would not tell its number"},
	{.state = "crossed", .kind = "SYN,ACK", .seq = "-1", .ack = "nxt",
	 .kernel = "A +0 +0*; ESTABLISHED", .tcpd = "silence; ESTABLISHED",
	 .why = "RFC 9293, 3.5, figure 8: the SYN,ACK that crossed ours "
		"completes the handshake and asks for no more"},
	{.state = "crossed", .ack = "una",
	 .kernel = "*; @(ESTABLISHED|CLOSE-WAIT)*",
	 .tcpd = "@(R -1|A +0 +0); SYN-RECEIVED",
	 .why = "RFC 9293, 3.10.7.4, fifth: SND.UNA itself does not acknowledge "
		"the SYN"},
	{.state = "crossed", .kind = "RST*", .seq = "at",
	 .kernel = "silence; CLOSED; ECONNRESET",
	 .tcpd = "silence; CLOSED; ECONNREFUSED",
	 .why = "RFC 9293, 3.10.7.4, second: of an active OPEN it is "
		"\"connection refused\""},

	/* --- an ACK that stands in a segment just before the window */
	{.state = "crossed", .seq = "-1", .ack = "nxt",
	 .kernel = "A +0 +0*; SYN-RECEIVED", .tcpd = "A +0 +0; ESTABLISHED",
	 .why = "RFC 9293, A.2: its ACK counts, though the rest is old"},
	{.state = "FIN-WAIT-1", .seq = "-1", .ack = "nxt",
	 .kernel = "A +0 +0; FIN-WAIT-1", .tcpd = "A +0 +0; FIN-WAIT-2",
	 .why = "RFC 9293, A.2: its ACK counts, though the rest is old"},
	{.state = "CLOSING", .seq = "-1", .ack = "nxt",
	 .kernel = "@(A +0 +0; CLOSING|silence; TIME-WAIT); EOF",
	 .tcpd = "A +0 +0; TIME-WAIT; EOF",
	 .why = "RFC 9293, A.2: its ACK counts; the rest is old and answered"},
	{.state = "LAST-ACK", .seq = "-1", .ack = "nxt",
	 .kernel = "A +0 +0; LAST-ACK; EOF", .tcpd = "silence; CLOSED; EOF",
	 .why = "RFC 9293, A.2: its ACK counts, though the rest is old"},

	/* --- established */
	{.state = "ESTABLISHED", .kind = "ACK+8", .ack = "@(far below|never)",
	 .kernel = "silence; ESTABLISHED rcv+8*",
	 .tcpd = "A +0 +0; ESTABLISHED",
	 .why = "RFC 5961, 5.2: text with an ACK of nothing that was sent is "
		"not taken; the kernel looks past that on its fast path"},

	/* --- after the peer's FIN */
#define AFTER_FIN "@(CLOSE-WAIT|CLOSING|LAST-ACK)"
	{.state = AFTER_FIN, .kind = "RST*", .seq = "-1", .kernel = CLOSED,
	 .tcpd = "silence; !(CLOSED*)",
	 .why = "RFC 5961, 3.2: a RST counts at RCV.NXT alone"},
	{.state = "CLOSE-WAIT", .kind = "RST*", .seq = "at",
	 .kernel = "silence; CLOSED; EPIPE",
	 .tcpd = "silence; CLOSED; ECONNRESET",
	 .why = "RFC 9293, 3.10.7.4, second: the signal is \"connection "
		"reset\""},
	{.state = "@(CLOSING|LAST-ACK)", .kind = "RST*", .seq = "at",
	 .kernel = "silence; CLOSED; ECONNRESET", .tcpd = "silence; CLOSED; EOF",
	 .why = "RFC 9293, 3.10.7.4, second: no signal, for both have closed"},
	{.state = AFTER_FIN, .kind = "*+8", .seq = "-[14]",
	 .kernel = "R *; CLOSED; E*", .tcpd = "A +0 +0; !(CLOSED*); EOF",
	 .why = "RFC 9293, 3.10.7.4, seventh: text after a FIN is ignored; it "
		"resets nothing"},
	{.state = AFTER_FIN, .kind = "@(ACK+8|FIN,ACK*)",
	 .kernel = "silence; !(CLOSED*|TIME-WAIT*)", .tcpd = "A +0 +0; *",
	 .why = "RFC 9293, 3.10.7.4, seventh and eighth: it is ignored, and the "
		"ACK says where we are"},

	/* --- TIME-WAIT */
	{.state = "TIME-WAIT", .kind = "SYN", .kernel = "A +0 +0; TIME-WAIT; EOF",
	 .tcpd = "silence; TIME-WAIT; EOF",
	 .why = "RFC 6191, 2: an old SYN is dropped silently"},
	{.state = "TIME-WAIT", .kind = "SYN", .seq = "at",
	 .kernel = "A +0 +0; TIME-WAIT; EOF", .tcpd = "SA \\* +1*; SYN-RECEIVED; EOF",
	 .why = "RFC 9293, 3.6.1, MAY-2: RCV.NXT is larger than the largest "
		"number of the connection before"},
	{.state = "TIME-WAIT", .kind = "SYN,FIN", .kernel = "silence; CLOSED; EOF",
	 .tcpd = "A +0 +0; TIME-WAIT; EOF",
	 .why = "RFC 1337: what begins no connection does not end TIME-WAIT"},
	{.state = "TIME-WAIT", .kind = "ACK", .seq = "@(inside|last)",
	 .kernel = "A +0 +0; TIME-WAIT; EOF", .tcpd = "silence; TIME-WAIT; EOF",
	 .why = "RFC 9293, 3.10.7.4, first: an ACK inside the window is "
		"acceptable, and asks for no answer"},
	{.state = "TIME-WAIT", .kind = "null", .kernel = "A +0 +0; TIME-WAIT; EOF",
	 .tcpd = "silence; TIME-WAIT; EOF",
	 .why = "RFC 9293, 3.10.7.4, fifth: without an ACK it is dropped, and "
		"as in the other states of both nobody is told"},
};
/* clang-format on */

#endif /* TEST_NET_MATRIX_RULES_H */
