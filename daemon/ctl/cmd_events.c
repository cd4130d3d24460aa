/* SPDX-License-Identifier: MIT */
/* cmd_events.c - `tcpctl events`: changes of state, and resets. */
#include "tcpctl.h"

static const struct suboption options[] = {
	{"-f", NULL, "what happens from now on, until interrupted"},
	{NULL, NULL, NULL},
};

const struct subcommand cmd_events = {
	.name = "events",
	.args = "[-f]",
	.summary = "changes of state and resets, one line each",
	.help = "Prints the last changes of state (at most 1024), or with -f "
		"those that happen from now on, live, with notes of reload and "
		"stop:\n"
		"8.331207 conn=7 10.77.0.1:4000>10.77.0.2:80 ESTABLISHED -> "
		"CLOSED on=ABORT\n"
		"8.331207 conn=7 10.77.0.1:4000>10.77.0.2:80 RST sent "
		"cause=abort\n\n"
		"An RST was sent, received (and ended the connection), or "
		"ignored; the cause is a key of `tcpctl stats`, of an ignored "
		"one a reason to drop. Of those that end nothing at most ten a "
		"second are shown; left-out=N says how many were not.\n\n"
		"The time is in seconds since tcpd started. A reader that is "
		"too slow loses lines and is told how many. With --json: one "
		"array; with -f one object a line.",
	.options = options,
	.data = true,
};
