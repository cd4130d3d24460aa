/* SPDX-License-Identifier: MIT */
/*
 * modes.c - tests of their own on top of the simulation: records, writes that
 * fail, memory that is not there.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim.h"

static bool play(struct sim *s, uint64_t seed)
{
	memset(s, 0, sizeof(*s));
	s->seed = seed;
	swarm_draw(s);
	return true;
}

static bool finish(struct sim *s)
{
	bool fine = world_open(s) && world_run(s);

	world_close(s);
	return fine && !s->why[0];
}

/* The first packet that is not the same in both, or SIZE_MAX. */
static size_t first_difference(const struct sim *a, const struct sim *b)
{
	size_t n = a->nhash < b->nhash ? a->nhash : b->nhash;

	for (size_t i = 0; i < n; i++)
		if (a->hash[i] != b->hash[i])
			return i;
	return a->nhash == b->nhash ? SIZE_MAX : n;
}

#define NEVER_REACHED UINT64_MAX

/* One seed twice: undisturbed, and through records at every 100th event. */
static bool one_record(struct sim *a, struct sim *b, uint64_t seed)
{
	size_t where;
	bool fine;

	play(a, seed);
	a->record_every = NEVER_REACHED;
	play(b, seed);
	b->record_every = 100;
	fine = finish(a);
	if (!fine) {
		printf("# seed %llu, undisturbed: %s\n",
		       (unsigned long long)seed, a->why);
	} else if (!finish(b)) {
		fine = false;
		printf("# seed %llu, through records: %s\n",
		       (unsigned long long)seed, b->why);
	}
	where = fine ? first_difference(a, b) : SIZE_MAX;
	if (where != SIZE_MAX) {
		fine = false;
		printf("# seed %llu: packet %zu of %zu is not the same\n",
		       (unsigned long long)seed, where, a->nhash);
	}
	free(a->hash);
	free(b->hash);
	return fine;
}

unsigned modes_records(uint64_t first, uint64_t n, unsigned *test)
{
	static struct sim a, b;
	unsigned bad = 0;

	for (uint64_t i = 0; i < n && bad < 5; i++)
		bad += !one_record(&a, &b, first + i);
	printf("%sok %u - %llu runs go on from records as if nothing had "
	       "happened\n",
	       bad ? "not " : "", ++*test, (unsigned long long)n);
	return bad != 0;
}

/* A quiet network and one friendly pair, so that nothing but the failed
 * writes could slow it down. */
static void calm(struct sim *s, uint64_t seed)
{
	play(s, seed);
	s->npairs = 1;
	s->adversary = false;
	s->forge = 0;
	s->pair[0].hostile = s->pair[0].crossing = false;
	for (unsigned i = 0; i < 2; i++) {
		memset(&s->side[i].out, 0, sizeof(s->side[i].out));
		s->side[i].out.delay = TCPD_MS(1);
		s->side[i].out.mtu_at = TCPD_NEVER;
		s->side[i].mtu_at = s->side[i].jump_at = TCPD_NEVER;
		s->side[i].stop_at = s->side[i].restart_at = TCPD_NEVER;
		s->side[i].set.conn.receive_buffer = 1u << 20;
		s->side[i].set.conn.send_buffer = 1u << 20;
		s->side[i].set.memory = 16u << 20;
		s->side[i].set.delack = TCPD_MS(40);
		s->side[i].set.max_time_wait = 32;
		s->side[i].set.conn.time_wait = TCPD_SEC(60);
		s->side[i].set.retries = s->side[i].set.orphan_retries = 15;
		s->side[i].set.rto_min = TCPD_MS(200);
		s->pair[0].ep[i].total = 100000;
		s->pair[0].ep[i].write_size = 5000;
		s->pair[0].ep[i].read_size = 20000;
	}
	s->errnos = true;
}

unsigned modes_errnos(uint64_t first, unsigned *test)
{
	static struct sim s;
	static const unsigned every[] = {2, 3, 4, 5, 7, 11, 19};
	unsigned bad = 0, runs = 0;

	for (int e = 1; e <= 133; e++)
		for (unsigned k = 0; k < sizeof(every) / sizeof(*every); k++) {
			calm(&s, first + (uint64_t)e);
			for (unsigned i = 0; i < 2; i++) {
				s.side[i].fail_every = every[k];
				s.side[i].fail_errno = e;
			}
			runs++;
			if (finish(&s))
				continue;
			if (bad++ < 5)
				printf("# errno %d at every %u-th write: %s\n",
				       e, every[k], s.why);
		}
	printf("%sok %u - %u runs with failing writes: the stream is whole, "
	       "the window untouched\n",
	       bad ? "not " : "", ++*test, runs);
	return bad != 0;
}

unsigned modes_memory(unsigned *test)
{
	static struct sim s;
	unsigned bad = 0, k;

	for (k = 1; k <= 64; k++) {
		struct side *side = &s.side[0];
		int err;

		play(&s, 1);
		memset(&side->mem, 0, sizeof(side->mem));
		memory_serve(&side->mem, &side->set);
		side->mem.fail_at = k;
		side->st = NULL;
		err = tcpd_new(&side->st, &side->set, s.now);
		if (!err)
			tcpd_free(side->st);
		if (side->mem.nmaps || side->mem.wrong) {
			printf("# map %u fails: %u maps are left\n", k,
			       side->mem.nmaps);
			bad++;
		}
		if (!err)
			break;
		if (err != -TCPD_ERR_RESOURCES) {
			printf("# map %u fails: %s\n", k, tcpd_err_name(err));
			bad++;
		}
	}
	if (k == 1)
		bad++;
	printf("%sok %u - tcpd_new without memory says RESOURCES and leaves "
	       "nothing (%u maps)\n",
	       bad ? "not " : "", ++*test, k - 1);
	return bad != 0;
}
