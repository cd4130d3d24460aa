/* SPDX-License-Identifier: MIT */
/*
 * args.c - the command line of tcpd.
 *
 * Nothing is printed and nothing is opened here; what is wrong is one line
 * for main() to print.
 */
#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "args.h"

enum { OPT_TUN_FD = 256, OPT_VERSION };

static const struct option long_options[] = {
	{"help", no_argument, NULL, 'h'},
	{"tun-fd", required_argument, NULL, OPT_TUN_FD},
	{"version", no_argument, NULL, OPT_VERSION},
	{NULL, 0, NULL, 0}};

static int fail(char *err, size_t nerr, const char *what, const char *wrong)
{
	(void)snprintf(err, nerr, "%s: %s", what, wrong);
	return -1;
}

static int parse_fd(struct args *a, const char *text, char *err, size_t nerr)
{
	char *end;
	long v;

	if (a->tun_fd >= 0)
		return fail(err, nerr, "--tun-fd",
			    "given twice, expected once");
	errno = 0;
	v = strtol(text, &end, 10);
	if (*text < '0' || *text > '9' || *end != '\0' || errno != 0 ||
	    v > INT_MAX)
		return fail(err, nerr, "--tun-fd",
			    "expected the number of a file descriptor");
	a->tun_fd = (int)v;
	return 0;
}

static int take(struct args *a, int c, char **argv, char *err, size_t nerr)
{
	char name[] = {'-', (char)optopt, '\0'};
	/* a long option has no letter, or one above 255 */
	bool is_long = optopt == 0 || optopt > UCHAR_MAX;

	switch (c) {
	case 'f':
		if (a->file_asked)
			return fail(err, nerr, "-f",
				    "given twice, expected once");
		a->file = optarg;
		a->file_asked = true;
		return 0;
	case 'n':
		a->check = true;
		return 0;
	case 'o':
		a->opts[a->nopts++] = optarg;
		return 0;
	case OPT_TUN_FD:
		return parse_fd(a, optarg, err, nerr);
	case 'h':
		a->help = true;
		return 0;
	case OPT_VERSION:
		a->version = true;
		return 0;
	case ':':
		return fail(err, nerr, is_long ? argv[optind - 1] : name,
			    "without its value, see --help");
	default:
		return fail(err, nerr, is_long ? argv[optind - 1] : name,
			    "no such option, see --help");
	}
}

int args_parse(struct args *a, int argc, char **argv, char *err, size_t nerr)
{
	int c;

	*a = (struct args){.file = ARGS_FILE, .tun_fd = -1};
	/* there are at most as many texts as words */
	a->opts = calloc((size_t)argc + 1, sizeof(*a->opts));
	if (a->opts == NULL)
		return fail(err, nerr, "tcpd", "out of memory");
	optind = 0; /* of an earlier call nothing is left */
	while ((c = getopt_long(argc, argv, "+:f:no:h", long_options, NULL)) !=
	       -1)
		if (take(a, c, argv, err, nerr) < 0)
			return -1;
	if (optind < argc)
		return fail(err, nerr, argv[optind],
			    "not an option, see --help");
	return 0;
}

void args_free(struct args *a)
{
	free(a->opts);
	a->opts = NULL;
	a->nopts = 0;
}

void args_help(FILE *f)
{
	(void)fputs("usage: tcpd [-f FILE] [-n] [-o TEXT]... [--tun-fd N]\n"
		    "\n"
		    "A TCP/IP stack over a TUN device; it stays in the "
		    "foreground.\n"
		    "\n"
		    "  -f FILE      configuration, see tcpd.conf(5); default\n"
		    "               " ARGS_FILE ", or the built-in\n"
		    "               defaults when that is absent\n"
		    "  -n           check the configuration and print it\n"
		    "  -o TEXT      more configuration, read after FILE:\n"
		    "               -o 'mtu = 9000' -o 'service web { ... }'\n"
		    "  --tun-fd N   use the open TUN queue N instead of "
		    "opening one\n"
		    "  -h, --help   this text\n"
		    "  --version    the version\n"
		    "\n"
		    "SIGHUP reads the configuration again, SIGTERM and SIGINT "
		    "stop.\n"
		    "Exit codes: 0 stopped, 1 a fault of the system, 2 wrong\n"
		    "configuration or usage.\n",
		    f);
}
