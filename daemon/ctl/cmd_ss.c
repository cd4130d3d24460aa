/* SPDX-License-Identifier: MIT */
/* cmd_ss.c - `tcpctl ss`: the table of connections. */
#include "tcpctl.h"

static const struct suboption options[] = {
	{"-a", NULL,
	 "TIME-WAIT entries, listeners and sockets that were never opened too"},
	{"-l", NULL, "listeners alone"},
	{"-p", NULL, "the owner's process and user id too"},
	{NULL, NULL, NULL},
};

const struct subcommand cmd_ss = {
	.name = "ss",
	.alias = "netstat",
	.args = "[-a] [-l] [-p] [state STATE] [FILTER]",
	.summary = "one row for each connection and half-open entry",
	.help = "Prints a row for each connection and half-open entry, in the "
		"columns of ss(8).\n\n"
		"Recv-Q is what the peer has sent and the program has not read "
		"yet, wherever it waits; of a listener: the connections that "
		"wait to be accepted. Send-Q is what the peer has not "
		"acknowledged; of a listener: its backlog. Timer is what ends "
		"or repeats something next, how long until then, and in "
		"brackets how often it has fired. Process is the program, or "
		"the service of tcpd's own.\n\n"
		"FILTER is as in ss(8): src ADDRESS[/LENGTH][:PORT], dst, "
		"sport OP PORT, dport OP PORT with OP one of = != < > <= >=, "
		"state STATE and exclude STATE, joined by and, or, not and "
		"brackets. STATE is a name of RFC 9293 (FIN-WAIT-1, in any "
		"case), or all, connected, synchronized, bucket, big. With a "
		"state, only the state decides what is shown.\n\n"
		"Rows come while tcpd finds them, between its packets, and no "
		"faster than they are read: what appears or goes meanwhile "
		"may be missing, nothing is shown twice.\n\n"
		"For example: tcpctl ss -a state time-wait dport = 80",
	.options = options,
	.max_words = -1,
	.words = WORDS_FILTER,
	.data = true,
};
