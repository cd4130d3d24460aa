/* SPDX-License-Identifier: MIT */
/*
 * memory.h - the memory that a stack under test gets: zeroed, given back
 * with a check that nothing is left, and poisoned where the stack says that
 * it does not need the contents.
 */
#ifndef HARNESS_MEMORY_H
#define HARNESS_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tcpd.h"

#define MEMORY_MAPS 16

struct memory {
	struct {
		uint8_t *p;
		size_t len;
	} map[MEMORY_MAPS];
	unsigned nmaps;	    /* held now */
	unsigned calls;	    /* of map, ever */
	unsigned fail_at;   /* this call of map gives NULL; 0: none */
	uint64_t discarded; /* octets, ever */
	const char *wrong;  /* what the stack did wrong with it; NULL */
};

/* Make |s| take its memory from |m| (zeroed by the caller). */
void memory_serve(struct memory *m, struct tcpd_settings *s);

#endif /* HARNESS_MEMORY_H */
