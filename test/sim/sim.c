/* SPDX-License-Identifier: MIT */
/*
 * sim.c - plays seeds and prints TAP: a line for each block of seeds; of one
 * that fails, the command that repeats it.
 *
 *	sim [--seeds N] [--first S] [--block N] [--seed S] [-v]
 *	    [--records N] [--errnos] [--crowd] [--memory]
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim.h"

struct options {
	uint64_t seeds, first, block, records;
	bool one, verbose, errnos, crowd, memory;
};

static bool play_seed(uint64_t seed, bool verbose, uint64_t *events)
{
	static struct sim s;
	bool fine;

	memset(&s, 0, sizeof(s));
	s.seed = seed;
	s.verbose = verbose;
	swarm_draw(&s);
	fine = world_open(&s) && world_run(&s);
	world_close(&s);
	free(s.hash);
	*events += s.nevents;
	if (fine && !s.why[0])
		return true;
	printf("# seed %llu: %s\n# again: sim --seed %llu -v\n",
	       (unsigned long long)seed, s.why, (unsigned long long)seed);
	return false;
}

/* One line of TAP for |n| seeds. */
static bool block(uint64_t first, uint64_t n, unsigned test, bool verbose)
{
	uint64_t events = 0;
	unsigned bad = 0;

	for (uint64_t i = 0; i < n && bad < 3; i++)
		bad += !play_seed(first + i, verbose, &events);
	printf("%sok %u - seeds %llu to %llu, %llu events\n", bad ? "not " : "",
	       test, (unsigned long long)first,
	       (unsigned long long)(first + n - 1), (unsigned long long)events);
	(void)fflush(stdout);
	return !bad;
}

static int usage(void)
{
	(void)fprintf(
		stderr,
		"usage: sim [--seeds N] [--first S] [--block N] [--seed S] "
		"[-v] [--records N] [--errnos] [--crowd] [--memory]\n");
	return 2;
}

static bool number(const char *name, char **argv, int *i, uint64_t *to)
{
	char *end;

	if (strcmp(argv[*i], name) != 0 || !argv[*i + 1])
		return false;
	*to = strtoull(argv[++*i], &end, 10);
	return *end == '\0';
}

static bool flag(const char *name, const char *word, bool *to)
{
	if (strcmp(name, word) != 0)
		return false;
	*to = true;
	return true;
}

static bool options(struct options *o, int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		if (number("--seed", argv, &i, &o->first)) {
			o->one = true;
			o->seeds = 1;
			continue;
		}
		if (number("--seeds", argv, &i, &o->seeds) ||
		    number("--first", argv, &i, &o->first) ||
		    number("--block", argv, &i, &o->block) ||
		    number("--records", argv, &i, &o->records))
			continue;
		if (flag("-v", argv[i], &o->verbose) ||
		    flag("--errnos", argv[i], &o->errnos) ||
		    flag("--crowd", argv[i], &o->crowd) ||
		    flag("--memory", argv[i], &o->memory))
			continue;
		return false;
	}
	return o->block > 0;
}

int main(int argc, char **argv)
{
	struct options o = {.first = 1, .block = 1000};
	unsigned test = 0, failed = 0;

	(void)setvbuf(stdout, NULL, _IOLBF, 0);
	if (!options(&o, argc, argv))
		return usage();
	if (!o.seeds && !o.records && !o.errnos && !o.crowd && !o.memory)
		o.seeds = 1000;
	for (uint64_t i = 0; i < o.seeds; i += o.block) {
		uint64_t n = o.seeds - i < o.block ? o.seeds - i : o.block;

		failed += !block(o.first + i, n, ++test, o.verbose);
	}
	if (o.records)
		failed += modes_records(o.first, o.records, &test);
	if (o.errnos)
		failed += modes_errnos(o.first, &test);
	if (o.memory)
		failed += modes_memory(&test);
	if (o.crowd)
		failed += crowd_run(o.first, &test, o.verbose);
	printf("1..%u\n", test);
	return failed != 0;
}
