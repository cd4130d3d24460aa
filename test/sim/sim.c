/* SPDX-License-Identifier: MIT */
/*
 * sim.c - plays seeds and prints TAP: a line for each block of seeds; of one
 * that fails, the command that repeats it.  With --plain a sum instead of TAP
 * (scripts/sim), with --replay all of one seed.
 *
 *	sim [--seeds N] [--first S] [--block N] [--jobs N] [--plain]
 *	    [--replay S [--pcap PREFIX]] [--records N] [--errnos] [--crowd]
 *	    [--memory] [--golden TABLE]
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim.h"

#define MOST_SHOWN 20u /* failures, then it is enough */

struct options {
	uint64_t seeds, first, block, jobs, replay, records;
	const char *pcap, *golden;
	bool one, plain, errnos, crowd, memory;
};

static bool play(uint64_t seed, const struct options *o, struct tally *t)
{
	static struct sim s;
	bool fine;

	jobs_playing(seed);
	memset(&s, 0, sizeof(s));
	s.seed = seed;
	s.verbose = o->one;
	swarm_draw(&s);
	if (o->pcap && !log_pcap_open(&s, o->pcap))
		exit(2);
	fine = world_open(&s) && world_run(&s) && !s.why[0];
	world_close(&s);
	log_pcap_close(&s);
	free(s.hash);
	fine = fine && !s.why[0];
	sim_mix(&s, seed);
	t->seeds++;
	t->events += s.nevents;
	t->digest ^= s.digest; /* whatever the order of seeds */
	t->arrows |= s.arrows;
	t->failed += !fine;
	if (!fine)
		printf("# seed %llu: %s\n# again: scripts/sim --replay %llu\n",
		       (unsigned long long)seed, s.why,
		       (unsigned long long)seed);
	return fine;
}

static void part(uint64_t first, uint64_t n, uint64_t step, const void *arg,
		 struct tally *t)
{
	for (uint64_t i = 0; i < n && t->failed < MOST_SHOWN; i += step)
		play(first + i, arg, t);
}

/* All seeds, in blocks; how many tests failed. */
static unsigned blocks(const struct options *o, unsigned *test,
		       struct tally *all)
{
	unsigned failed = 0;

	for (uint64_t i = 0; i < o->seeds && all->failed < MOST_SHOWN;
	     i += o->block) {
		uint64_t n = o->seeds - i < o->block ? o->seeds - i : o->block;
		struct tally t = {0};

		jobs_run(o->first + i, n, (unsigned)o->jobs, part, o, &t);
		failed += t.failed > 0;
		if (!o->plain)
			printf("%sok %u - seeds %llu to %llu, %llu events\n",
			       t.failed ? "not " : "", ++*test,
			       (unsigned long long)(o->first + i),
			       (unsigned long long)(o->first + i + n - 1),
			       (unsigned long long)t.events);
		(void)fflush(stdout);
		all->seeds += t.seeds;
		all->failed += t.failed;
		all->events += t.events;
		all->digest ^= t.digest;
		all->arrows |= t.arrows;
	}
	return failed;
}

static int replay(const struct options *o)
{
	struct tally t = {0};

	play(o->replay, o, &t);
	printf("digest %016llx\n%llu seeds, %llu failed\n",
	       (unsigned long long)t.digest, (unsigned long long)t.seeds,
	       (unsigned long long)t.failed);
	return t.failed > 0;
}

static int usage(void)
{
	(void)fprintf(
		stderr,
		"usage: sim [--seeds N] [--first S] [--block N] [--jobs N] "
		"[--plain] [--replay S [--pcap PREFIX]] [--records N] "
		"[--errnos] [--crowd] [--memory] [--golden TABLE]\n");
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
		if (number("--replay", argv, &i, &o->replay)) {
			o->one = true;
			continue;
		}
		if (!strcmp(argv[i], "--pcap") && argv[i + 1]) {
			o->pcap = argv[++i];
			continue;
		}
		if (!strcmp(argv[i], "--golden") && argv[i + 1]) {
			o->golden = argv[++i];
			continue;
		}
		if (number("--seeds", argv, &i, &o->seeds) ||
		    number("--first", argv, &i, &o->first) ||
		    number("--block", argv, &i, &o->block) ||
		    number("--jobs", argv, &i, &o->jobs) ||
		    number("--records", argv, &i, &o->records))
			continue;
		if (flag("--plain", argv[i], &o->plain) ||
		    flag("--errnos", argv[i], &o->errnos) ||
		    flag("--crowd", argv[i], &o->crowd) ||
		    flag("--memory", argv[i], &o->memory))
			continue;
		return false;
	}
	return o->block > 0 && o->jobs > 0 && o->jobs <= MAX_JOBS &&
	       (o->one || !o->pcap);
}

int main(int argc, char **argv)
{
	struct options o = {.first = 1, .block = 1000, .jobs = 1};
	struct tally all = {0};
	unsigned test = 0, failed;

	(void)setvbuf(stdout, NULL, _IOLBF, 0);
	if (!options(&o, argc, argv))
		return usage();
	if (o.one)
		return replay(&o);
	if (o.golden)
		return golden_print(o.golden) ? 0 : usage();
	if (!o.seeds && !o.records && !o.errnos && !o.crowd && !o.memory)
		o.seeds = 1000;
	failed = blocks(&o, &test, &all);
	if (o.plain) {
		arrows_say(all.arrows);
		printf("digest %016llx\n%llu seeds, %llu failed\n",
		       (unsigned long long)all.digest,
		       (unsigned long long)all.seeds,
		       (unsigned long long)all.failed);
		return failed != 0;
	}
	if (o.records)
		failed += modes_records(o.first, o.records, &test);
	if (o.errnos)
		failed += modes_errnos(o.first, &test);
	if (o.memory)
		failed += modes_memory(&test);
	if (o.crowd)
		failed += crowd_run(o.first, &test, false);
	printf("1..%u\n", test);
	return failed != 0;
}
