/* SPDX-License-Identifier: MIT */
/*
 * seen.c - notes what a test brought about, for scripts/check-complete.
 *
 * Linked into the test programs of a COVER=1 build with --wrap=tcpd_free:
 * when a stack is freed, each arrow of the diagram and each drop reason is
 * appended to the file $TCPD_SEEN with its count, those of 0 too, so that
 * the sum over all tests shows what none of them produced.
 */
#include <stdio.h>
#include <stdlib.h>

#include "tcpd.h"

void __real_tcpd_free(struct tcpd_stack *st);
void __wrap_tcpd_free(struct tcpd_stack *st);

static void note(FILE *f, struct tcpd_stack *st)
{
	const struct tcpd_stats *s = tcpd_stats(st);
	struct tcpd_arrow a;

	for (unsigned i = 0; tcpd_arrow(st, i, &a); i++)
		fprintf(f, "arrow\t%s - %s - %s\t%llu\n",
			tcpd_state_name(a.from), a.event, tcpd_state_name(a.to),
			(unsigned long long)a.taken);
	for (int d = 0; d < TCPD_NDROPS; d++)
		fprintf(f, "drop\t%s\t%llu\n",
			tcpd_drop_name((enum tcpd_drop)d),
			(unsigned long long)s->drops[d]);
	for (int r = 0; r < TCPD_NRESETS; r++)
		fprintf(f, "reset sent\t%s\t%llu\n",
			tcpd_reset_name((enum tcpd_reset)r),
			(unsigned long long)s->resets_sent[r]);
}

void __wrap_tcpd_free(struct tcpd_stack *st)
{
	const char *path = getenv("TCPD_SEEN");
	FILE *f = st && path ? fopen(path, "a") : NULL;
	static char buf[16384];

	if (f) {
		/* one write: other tests append to the same file */
		setvbuf(f, buf, _IOFBF, sizeof(buf));
		note(f, st);
		fclose(f);
	}
	__real_tcpd_free(st);
}
