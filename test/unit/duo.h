/* SPDX-License-Identifier: MIT */
/*
 * duo.h - two stacks and a wire between them in virtual time, for the unit
 * tests of records and checks.  Everything that comes out (packets, events,
 * what is read) is noted, so that two runs can be compared.
 */
#ifndef UNIT_DUO_H
#define UNIT_DUO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tcpd.h"
#include "test/harness/memory.h"

#define DUO_START   TCPD_SEC(1000)
#define DUO_DELAY   TCPD_MS(5)
#define DUO_PORT    80
#define DUO_HANDLES 48
#define DUO_FLIGHTS 512
#define DUO_NOTES   20000

struct duo_flight {
	tcpd_time at;
	unsigned to;
	uint32_t len;
	struct tcpd_offload off;
	uint8_t *data; /* exact */
};

struct duo {
	struct tcpd_settings set[2];
	struct memory mem[2];
	struct tcpd_stack *st[2];
	tcpd_time now;
	tcpd_handle h[2][DUO_HANDLES];
	unsigned nh[2];
	bool quiet[2];	  /* its events are not taken */
	bool silent[2];	  /* nothing of its output is asked for */
	uint64_t lose[2]; /* of its next packets, a bit each; all: for ever */
	struct duo_flight flight[DUO_FLIGHTS];
	unsigned nflights;
	uint64_t note[DUO_NOTES]; /* a number for whatever came out */
	unsigned nnotes;
};

/* Settings of both; they may be changed before duo_open(). */
void duo_init(struct duo *d);
void duo_open(struct duo *d);
void duo_close(struct duo *d);

/* What |side| is to |version|. */
struct tcpd_addr duo_addr(unsigned side, uint8_t version, uint16_t port);

/* A listener, a connection to the other's |port|: the handle, remembered. */
tcpd_handle duo_listen(struct duo *d, unsigned side, uint16_t port);
tcpd_handle duo_connect(struct duo *d, unsigned side, uint8_t version,
			uint16_t port);
/* The oldest of |listener|'s queue, which must be there. */
tcpd_handle duo_accept(struct duo *d, unsigned side, tcpd_handle listener);
/* A connection from 0 to 1, open at both ends. */
void duo_pair(struct duo *d, uint8_t version, tcpd_handle *a, tcpd_handle *b);
void duo_send(struct duo *d, unsigned side, tcpd_handle h, size_t n);

/* Events, end of a batch and output of one side. */
void duo_turn(struct duo *d, unsigned side);
/* Whatever happens in that time. */
void duo_run(struct duo *d, tcpd_time ns);

/* All that there is goes on: is read, written to, closed, and ends. */
void duo_play_on(struct duo *d);

/* A packet of the caller's to |side|. */
void duo_inject(struct duo *d, unsigned side, const uint8_t *p, uint32_t len);

/* The record of one side, exactly as long as it is; free() it. */
uint8_t *duo_save(struct duo *d, unsigned side, size_t *len);
/* A second pair of stacks, out of the records of |from|. */
void duo_clone(struct duo *d, struct duo *from);
/* Nothing came out of one that did not out of the other. */
void duo_assert_same(const struct duo *a, const struct duo *b,
		     const char *what);

/* A situation in which a connection, or a stack, can be. */
struct duo_case {
	const char *name;
	void (*make)(struct duo *d);
};
extern const struct duo_case duo_cases[];
extern const unsigned duo_ncases;
/* Half a dozen of them at once. */
void duo_crowd(struct duo *d);

#endif /* UNIT_DUO_H */
