/* SPDX-License-Identifier: MIT */
/* tcpopt.h - TCP options: octets to values and back; no state, no policy. */
#ifndef WIRE_TCPOPT_H
#define WIRE_TCPOPT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	TCPOPT_EOL = 0,
	TCPOPT_NOP = 1,
	TCPOPT_MSS = 2,
	TCPOPT_WSCALE = 3,
	TCPOPT_SACK_OK = 4,
	TCPOPT_SACK = 5,
	TCPOPT_TS = 8,
	TCPOPT_UTO = 28,
	TCPOPT_FO = 34,	 /* TCP Fast Open cookie */
	TCPOPT_EXP = 254 /* experiments, told apart by 16 bits (RFC 6994) */
};

/* A Fast Open cookie (RFC 7413, 4.1.1), and how it is told: as its own option,
 * or (older peers) as an experiment. */
#define FO_COOKIE_MIN 4
#define FO_COOKIE_MAX 16
#define FO_MAGIC      0xf989
enum fo_form { FO_NONE, FO_OPTION, FO_EXPERIMENT };

#define TCPOPT_MAX_SACKS 4

struct tcpopt_sack {
	uint32_t left;
	uint32_t right;
};

struct tcpopt {
	uint32_t ts_val, ts_ecr;
	uint16_t mss;
	uint16_t uto; /* unit and value, as RFC 5482, 3.3 has them */
	uint8_t wscale;
	uint8_t nsacks;
	uint8_t fo_form; /* enum fo_form */
	uint8_t fo_len;	 /* 0: a cookie is asked for */
	bool has_mss, has_wscale, has_ts, has_uto, sack_ok;
	const uint8_t *fo; /* the cookie: parsed, it lies in the packet */
	struct tcpopt_sack sack[TCPOPT_MAX_SACKS];
};

/*
 * Parse the |len| option octets at |p| into |o|.  Unknown options are
 * skipped (MUST-6); an option that runs past the end ends the parse with
 * false, and |o| then holds what came before it (MUST-7).
 */
bool tcpopt_parse(struct tcpopt *o, const uint8_t *p, size_t len);

/*
 * Write the options that |o| has (has_mss, sack_ok, has_ts, has_wscale,
 * has_uto, fo_form, nsacks) and pad to a multiple of 4: on a SYN `mss, sackOK,
 * TS, nop, wscale, uto, cookie` with NOPs before what would not be aligned and
 * behind the cookie, else `nop nop TS`, `uto`, `nop nop SACK`.  The length (at
 * most 40), 0: nothing to write, or |room| is too small.
 */
size_t tcpopt_build(uint8_t *p, size_t room, const struct tcpopt *o);

#endif /* WIRE_TCPOPT_H */
