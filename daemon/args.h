/* SPDX-License-Identifier: MIT */
/*
 * args.h - the command line of tcpd as values.  What a value means (is the
 * file there, is the text right) is for those who use it.
 */
#ifndef DAEMON_ARGS_H
#define DAEMON_ARGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#define ARGS_FILE "/etc/tcpd/tcpd.conf"

struct args {
	const char *file;  /* -f, else ARGS_FILE */
	bool file_asked;   /* by -f: then it must be there */
	bool check;	   /* -n */
	const char **opts; /* texts of -o, in order */
	size_t nopts;
	int tun_fd; /* --tun-fd; -1: none */
	bool help, version;
};

/*
 * 0, or -1 and one line of |err| (without the program's name).  Strings stay
 * |argv|'s.  Afterwards args_free(), in both cases.
 */
int args_parse(struct args *a, int argc, char **argv, char *err, size_t nerr);
void args_free(struct args *a);

/* What --help prints. */
void args_help(FILE *f);

#endif /* DAEMON_ARGS_H */
