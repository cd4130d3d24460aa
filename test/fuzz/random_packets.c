/* SPDX-License-Identifier: MIT */
/*
 * random_packets.c - random packets and mutations of valid ones into a stack,
 * by the million (build it with SAN=address,undefined).  TAP.
 *
 *	random_packets [--packets N] [--seed S]
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "test/harness/drive.h"
#include "test/harness/rng.h"

#define SCRIPT 4096 /* octets a stack: the next has other settings */

static int usage(void)
{
	(void)fprintf(stderr,
		      "usage: random_packets [--packets N] [--seed S]\n");
	return 2;
}

/* Octets of which many mean a segment, and whole handshakes come often. */
static void fill(struct rng *r, uint8_t *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		p[i] = (uint8_t)rng_next(r);
	for (size_t i = 0; i < n / 64; i++)
		p[rng_below(r, (uint32_t)n)] = 1;
	if (rng_below(r, 2))
		for (size_t i = 0; i < n / 8; i++)
			p[rng_below(r, (uint32_t)n)] = 0;
}

int main(int argc, char **argv)
{
	uint64_t packets = 200000, seed = 1, done = 0, scripts = 0;
	struct rng r;
	static uint8_t octets[SCRIPT];

	for (int i = 1; i < argc; i += 2) {
		uint64_t *to = !strcmp(argv[i], "--packets") ? &packets
			       : !strcmp(argv[i], "--seed")  ? &seed
							     : NULL;

		if (!to || i + 1 == argc)
			return usage();
		*to = strtoull(argv[i + 1], NULL, 10);
	}
	r.state = seed;
	while (done < packets) {
		struct drive *d;

		fill(&r, octets, sizeof(octets));
		d = drive_open(octets, sizeof(octets));
		while (drive_step(d))
			;
		done += drive_packets(d);
		drive_close(d);
		scripts++;
	}
	printf("ok 1 - %llu random packets into %llu stacks, no rule broken\n"
	       "1..1\n",
	       (unsigned long long)done, (unsigned long long)scripts);
	return 0;
}
