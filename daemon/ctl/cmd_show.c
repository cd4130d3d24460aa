/* SPDX-License-Identifier: MIT */
/* cmd_show.c - `tcpctl show`: everything about one connection. */
#include "tcpctl.h"

const struct subcommand cmd_show = {
	.name = "show",
	.args = "ID",
	.summary = "everything about one connection",
	.help = "Prints all that is known of one connection, half-open or "
		"TIME-WAIT entry, socket or listener: its owner, queues and "
		"timer, round-trip times, congestion window, path MTU, "
		"sequence numbers, windows, options, counts of octets and "
		"segments.\n\n"
		"The path MTU is followed by how it was found: device (it is "
		"the MTU of the TUN), icmp (a router said so) or probing (full "
		"segments vanished, or a larger one arrived).\n\n"
		"ID is the number that `tcpctl --json ss` and `tcpctl events` "
		"show. It is kept from the SYN to the end of TIME-WAIT and "
		"never used again while tcpd runs.",
	.min_words = 1,
	.max_words = 1,
	.words = WORDS_ID,
	.data = true,
};
