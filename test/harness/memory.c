/* SPDX-License-Identifier: MIT */
/* memory.c - map, discard and unmap for stacks under test. */
#include <string.h>
#include <sys/mman.h>

#include "memory.h"

static void *serve_map(void *arg, size_t len)
{
	struct memory *m = arg;
	void *p;

	if (++m->calls == m->fail_at || m->nmaps == MEMORY_MAPS || !len)
		return NULL;
	p = mmap(NULL, len, PROT_READ | PROT_WRITE,
		 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (p == MAP_FAILED)
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
			munmap(p, len);
			m->map[i] = m->map[--m->nmaps];
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
