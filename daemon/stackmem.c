/* SPDX-License-Identifier: MIT */
/*
 * stackmem.c - the memory of the stack: address space without a promise
 * (NORESERVE), which costs only what is touched and goes back to the system
 * page by page.  It holds keys and people's data: not in a core dump.
 */
#include <stdint.h>
#include <sys/mman.h>

#include "daemon/stackmem.h"

#define PAGE 4096u

static void *map(void *arg, size_t len)
{
	void *p = mmap(NULL, len, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	(void)arg;
	if (p == MAP_FAILED)
		return NULL;
	madvise(p, len, MADV_DONTDUMP);
	return p;
}

/* Only the pages that lie wholly inside: their neighbours stay as they are. */
static void discard(void *arg, void *p, size_t len)
{
	uintptr_t at = (uintptr_t)p;
	uintptr_t from = (at + PAGE - 1) & ~(uintptr_t)(PAGE - 1);
	uintptr_t to = (at + len) & ~(uintptr_t)(PAGE - 1);

	(void)arg;
	if (from < to)
		madvise((char *)p + (from - at), to - from, MADV_DONTNEED);
}

static void unmap(void *arg, void *p, size_t len)
{
	(void)arg;
	if (p)
		munmap(p, len);
}

void stackmem_use(struct tcpd_settings *s)
{
	s->map = map;
	s->discard = discard;
	s->unmap = unmap;
	s->arg = NULL;
}
