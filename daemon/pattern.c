/* SPDX-License-Identifier: MIT */
/*
 * pattern.c - the octets of the character generator (RFC 864): lines of 72
 * characters and CR LF, every line begins one character further in the ring
 * of the 95 printable ones.  They are copied from a prepared buffer of two
 * periods, which stays in the first-level cache.
 */
#include <stdbool.h>
#include <string.h>

#include "pattern.h"

static uint8_t ready[(size_t)2 * PATTERN_PERIOD];

static void prepare(void)
{
	uint8_t *p = ready;

	for (unsigned line = 0; line < 2 * 95; line++) {
		for (unsigned i = 0; i < 72; i++)
			*p++ = (uint8_t)(' ' + (line + i) % 95);
		*p++ = '\r';
		*p++ = '\n';
	}
}

uint32_t pattern_fill(uint8_t *p, size_t n, uint32_t phase)
{
	if (!ready[0])
		prepare();
	while (n) {
		size_t piece = sizeof(ready) - phase;

		if (piece > n)
			piece = n;
		memcpy(p, ready + phase, piece);
		phase = (uint32_t)((phase + piece) % PATTERN_PERIOD);
		p += piece;
		n -= piece;
	}
	return phase;
}
