/* SPDX-License-Identifier: MIT */
/*
 * flags.h - the adapter's flags (--so_flags): NAME=VALUE, separated by
 * commas.
 *
 *	local=IP, remote=IP	of the script (packetdrill does not tell)
 *	mtu=N			of the device; default 1500
 *	clock=virtual|real	real with backend=daemon, and only there
 *	backend=lib|daemon	a stack of its own, or a running tcpd
 *	tun=NAME		daemon: the interface; default tcpd0
 *	ctl=PATH		daemon: its ctl.sock, beside which is app.sock
 *	set=DIRECTIVE=VALUE	lib: a line of tcpd.conf; may stand repeatedly
 */
#ifndef PACKETDRILL_FLAGS_H
#define PACKETDRILL_FLAGS_H

#include <stdbool.h>

#define FLAGS_SETS 16
#define FLAGS_TEXT 256

struct flags {
	char local[FLAGS_TEXT], remote[FLAGS_TEXT]; /* "": not said */
	char tun[16], ctl[FLAGS_TEXT];
	unsigned mtu;
	bool daemon, real;
	unsigned nsets;
	char set[FLAGS_SETS][FLAGS_TEXT]; /* "directive = value" */
};

/* NULL, or what is wrong with |text| (which may be NULL: the defaults). */
const char *flags_parse(struct flags *f, const char *text);

#endif /* PACKETDRILL_FLAGS_H */
