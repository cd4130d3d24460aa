/* SPDX-License-Identifier: MIT */
/* cmd_end.c - `tcpctl abort`, `close`, `reload`, `stop`, `version`. */
#include "tcpctl.h"

const struct subcommand cmd_abort = {
	.name = "abort",
	.args = "ID",
	.summary = "end a connection by RST",
	.help = "Ends a connection as the ABORT call of RFC 9293 does: what is "
		"queued is thrown away, the peer gets RST, the program "
		"ECONNRESET. Half-open and TIME-WAIT entries can be ended too. "
		"Needs root or tcpd's user.",
	.min_words = 1,
	.max_words = 1,
	.words = WORDS_ID,
};

const struct subcommand cmd_close = {
	.name = "close",
	.args = "ID",
	.summary = "end a connection by FIN",
	.help = "Ends a connection in order: what is queued goes out, then "
		"FIN; the program may go on reading. A half-open or TIME-WAIT "
		"entry has no FIN to send and ends as by abort. Needs root or "
		"tcpd's user.",
	.min_words = 1,
	.max_words = 1,
	.words = WORDS_ID,
};

const struct subcommand cmd_reload = {
	.name = "reload",
	.args = "",
	.summary = "read the configuration again",
	.help = "Makes tcpd read its configuration again, as SIGHUP does. When "
		"it is wrong, nothing changes, the reason is printed and the "
		"exit code is 1. Needs root or tcpd's user.",
};

const struct subcommand cmd_stop = {
	.name = "stop",
	.args = "",
	.summary = "end tcpd after closing its connections in order",
	.help = "Begins an orderly stop, as SIGTERM does, and does not wait "
		"for its end. Needs root or tcpd's user.",
};

const struct subcommand cmd_version = {
	.name = "version",
	.args = "",
	.summary = "the version of the running tcpd",
	.help = "Prints the version of the daemon on that socket; `tcpctl "
		"--version` prints tcpctl's own.",
	.data = true,
};
