/* SPDX-License-Identifier: MIT */
/* cmd_fsm.c - `tcpctl fsm`: the state diagram with counts. */
#include "tcpctl.h"

const struct subcommand cmd_fsm = {
	.name = "fsm",
	.args = "",
	.summary = "the state diagram of RFC 9293 with live counts",
	.help = "Draws figure 5 of RFC 9293. The number in a box says how many "
		"connections are in that state now, the number at an arrow how "
		"often it was taken since tcpd started. Below it are the "
		"arrows that the figure leaves out: aborts, resets, "
		"time-outs.\n\n"
		"Large numbers are rounded in the drawing (12.3M); --json has "
		"them all in full.",
	.data = true,
};
