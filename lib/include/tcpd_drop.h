/* SPDX-License-Identifier: MIT */
/*
 * tcpd_drop.h - why a packet, or a part of it, was not used.  One row a
 * reason: the name in C, the key in `tcpctl stats`, and what it means.
 */
#ifndef TCPD_DROP_H
#define TCPD_DROP_H

/* clang-format off */
#define TCPD_DROPS(X) \
	X(IP_SHORT,       "ip_short",       "shorter than its IP header, or than it says") \
	X(IP_VERSION,     "ip_version",     "neither IPv4 nor IPv6") \
	X(IP_CHECKSUM,    "ip_checksum",    "IPv4 header checksum is wrong") \
	X(IP_OPTION,      "ip_option",      "source route, or a damaged IPv4 option") \
	X(IP_FRAGMENT,    "ip_fragment",    "fragment that can be no part of a datagram: its length, place, ECN mark, or a header that is cut") \
	X(IP_NOT_OURS,    "ip_not_ours",    "not for an address of the stack") \
	X(IP_SOURCE,      "ip_source",      "source that cannot be answered (broadcast, multicast, loopback, our own)") \
	X(IP_EXTENSION,   "ip_extension",   "IPv6 extension header or option that is refused, or beyond its bounds") \
	X(IP_PROTOCOL,    "ip_protocol",    "protocol that the stack does not speak") \
	X(OFFLOAD,        "offload",        "offload fields that contradict the packet") \
	X(ICMP_BAD,       "icmp_bad",       "ICMP message that is cut short or has a wrong checksum") \
	X(ICMP_IGNORED,   "icmp_ignored",   "ICMP message that asks nothing of us") \
	X(ICMP_STRAY,     "icmp_stray",     "ICMP error that quotes no segment in flight") \
	X(ICMP_MTU,       "icmp_mtu",       "packet too big, but none of ours is, or it asks for less than IPv6 has") \
	X(ICMP_LIMIT,     "icmp_limit",     "ICMP answer held back by its limit") \
	X(TCP_SHORT,      "tcp_short",      "shorter than its TCP header, or a header below 20 octets") \
	X(TCP_CHECKSUM,   "tcp_checksum",   "TCP checksum is wrong") \
	X(TCP_PORT_ZERO,  "tcp_port_zero",  "port 0") \
	X(NO_CONNECTION,  "no_connection",  "no connection and no listener; answered by RST unless it was one") \
	X(LISTEN_FLAGS,   "listen_flags",   "segment that means nothing to a listener") \
	X(HALF_OPEN_FULL, "half_open_full", "SYN, and the half-open table is full") \
	X(ACCEPT_FULL,    "accept_full",    "last ACK of a handshake, and the accept queue is full") \
	X(CONNS_FULL,     "conns_full",     "last ACK of a handshake, and the connection table is full") \
	X(SYN_SENT,       "syn_sent",       "segment that means nothing in SYN-SENT") \
	X(SYN_RECEIVED,   "syn_received",   "segment that means nothing in SYN-RECEIVED") \
	X(PAWS,           "paws",           "time stamp older than the last one (RFC 7323, 5)") \
	X(SEQUENCE,       "sequence",       "outside the receive window") \
	X(RST_INVALID,    "rst_invalid",    "RST that is not at RCV.NXT") \
	X(SYN_IN_STATE,   "syn_in_state",   "SYN on a synchronized connection") \
	X(NO_ACK_BIT,     "no_ack_bit",     "no ACK bit on a synchronized connection") \
	X(ACK_RANGE,      "ack_range",      "acknowledgment outside what RFC 5961, 5.2 allows") \
	X(TIME_WAIT,      "time_wait",      "segment that means nothing in TIME-WAIT") \
	X(AFTER_CLOSE,    "after_close",    "data for an app that has closed") \
	X(AFTER_FIN,      "after_fin",      "text beyond the peer's FIN") \
	X(DUPLICATE,      "duplicate",      "text that was there already") \
	X(OOO_RANGES,     "ooo_ranges",     "out of order, and the list of ranges is full") \
	X(OOO_MEMORY,     "ooo_memory",     "out of order, and memory is short") \
	X(MEMORY,         "memory",         "in order, and no memory at all is left") \
	X(REPLY_FULL,     "reply_full",     "answer without a connection, and too many of them wait") \
	X(COOKIE,         "cookie",         "ACK whose SYN cookie is forged or too old; answered by RST") \
	X(COOKIE_LATER,   "cookie_later",   "segment that came before the one with its SYN cookie") \
	X(SYN_REPEATED,   "syn_repeated",   "SYN whose SYN-ACK went less than 500 ms ago") \
	X(DEFERRED,       "deferred",       "last ACK of a handshake without data, where TCP_DEFER_ACCEPT waits for some") \
	X(FRAGMENT_OVERLAP, "fragment_overlap", "fragment of a datagram whose fragments overlap (RFC 5722)") \
	X(FRAGMENT_AGAIN, "fragment_again", "fragment that was there already") \
	X(FRAGMENT_LIMIT, "fragment_limit", "fragment that gave way to others") \
	X(FRAGMENT_TIMEOUT, "fragment_timeout", "fragment that waited 60 s for the others")
/* clang-format on */

enum tcpd_drop {
#define X(name, key, text) TCPD_DROP_##name,
	TCPD_DROPS(X)
#undef X
		TCPD_NDROPS
};

const char *tcpd_drop_name(enum tcpd_drop d); /* the key */
const char *tcpd_drop_text(enum tcpd_drop d);

#endif /* TCPD_DROP_H */
