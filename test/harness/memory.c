/* SPDX-License-Identifier: MIT */
/*
 * memory.c - map, discard and unmap for stacks under test.
 *
 * A simulation opens thousands of stacks one after the other: what one has
 * given back the next one gets, and only the pages that were touched are
 * zeroed in between (a fresh page costs more than a stack's whole life).
 * Under ASan each has a mapping of its own, so that what lies behind it is
 * nobody's.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "memory.h"

#define PAGE   4096u
#define SPARES 6u
#define MANY   192u /* pages that cost more to zero than to fault in */
#define SPARE  ((size_t)48 << 20) /* reserved for each; larger: its own */

#ifdef __SANITIZE_ADDRESS__
#define KEEP 0
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define KEEP 0
#endif
#endif
#ifndef KEEP
#define KEEP 1
#endif

static struct {
	uint8_t *p;
	bool used;
} spare[SPARES];

static uint8_t *fresh(size_t len)
{
	void *p = mmap(NULL, len, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (p == MAP_FAILED)
		return NULL;
	(void)madvise(p, len, MADV_NOHUGEPAGE); /* or all of it is touched */
	return p;
}

static uint8_t *take(size_t len)
{
	for (unsigned i = 0; KEEP && len < SPARE && i < SPARES; i++) {
		if (spare[i].used)
			continue;
		if (!spare[i].p)
			spare[i].p = fresh(SPARE);
		spare[i].used = spare[i].p != NULL;
		return spare[i].p;
	}
	return fresh(len);
}

/* Zero what was touched; false: something behind |len| was. */
static bool wipe(uint8_t *p, size_t len)
{
	static unsigned char resident[SPARE / PAGE];
	static const uint8_t zero[PAGE];
	size_t pages = (len + PAGE - 1) / PAGE, n = 0;

	if (mincore(p, (pages + 1) * PAGE, resident))
		abort();
	if (resident[pages] & 1 && memcmp(p + pages * PAGE, zero, PAGE) != 0)
		return false;
	for (size_t i = 0; i < pages; i++) {
		if (!(resident[i] & 1))
			continue;
		memset(p + i * PAGE, 0, PAGE);
		n++;
	}
	if (n > MANY)
		(void)madvise(p, len, MADV_DONTNEED);
	return true;
}

static bool give(uint8_t *p, size_t len)
{
	for (unsigned i = 0; i < SPARES; i++)
		if (spare[i].p == p) {
			spare[i].used = false;
			return wipe(p, len);
		}
	munmap(p, len);
	return true;
}

static void *serve_map(void *arg, size_t len)
{
	struct memory *m = arg;
	void *p;

	if (++m->calls == m->fail_at || m->nmaps == MEMORY_MAPS || !len)
		return NULL;
	p = take(len);
	if (!p)
		return NULL;
	m->map[m->nmaps].p = p;
	m->map[m->nmaps++].len = len;
	return p;
}

static void serve_discard(void *arg, void *p, size_t len)
{
	struct memory *m = arg;
	const uint8_t *at = p;

	for (unsigned i = 0; i < m->nmaps; i++)
		if (at >= m->map[i].p &&
		    at + len <= m->map[i].p + m->map[i].len) {
			memset(p, 0xdb, len);
			m->discarded += len;
			return;
		}
	m->wrong = "discard of what was not mapped";
}

static void serve_unmap(void *arg, void *p, size_t len)
{
	struct memory *m = arg;

	for (unsigned i = 0; i < m->nmaps; i++)
		if (m->map[i].p == p && m->map[i].len == len) {
			m->map[i] = m->map[--m->nmaps];
			if (!give(p, len))
				m->wrong = "a write behind what was mapped";
			return;
		}
	m->wrong = "unmap of what was not mapped, or with another length";
}

void memory_serve(struct memory *m, struct tcpd_settings *s)
{
	s->map = serve_map;
	s->discard = serve_discard;
	s->unmap = serve_unmap;
	s->arg = m;
}
