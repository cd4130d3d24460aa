/* SPDX-License-Identifier: MIT */
/* cmd_stats.c - `tcpctl stats`: the counters. */
#include "tcpctl.h"

static const struct suboption options[] = {
	{"-a", NULL, "counters that are 0 too"},
	{NULL, NULL, NULL},
};

const struct subcommand cmd_stats = {
	.name = "stats",
	.args = "[-a]",
	.summary = "all counters: segments, drops by reason, resets by cause",
	.help = "Prints what tcpd has counted since its start, each with its "
		"meaning: packets and segments, retransmissions, time-outs, "
		"packets that were dropped by reason, resets sent and received "
		"by cause. The group \"now\" is what there is at this "
		"moment.\n\n"
		"Counters that are still 0 are left out, unless -a is given; "
		"with --json all are there, as one object of objects "
		"(.resets.sent.no_listener).",
	.options = options,
	.data = true,
};
