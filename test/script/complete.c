/* SPDX-License-Identifier: MIT */
/*
 * complete.c - what all conversations together have brought about, and what
 * they have not: arrows of the state diagram, drop reasons, errors, causes of
 * resets.
 */
#include <stdio.h>
#include <string.h>

#include "script.h"

void complete_note(struct stage *s)
{
	const struct tcpd_stats *st = tcpd_stats(s->st);
	struct tcpd_arrow a;

	if (!s->seen)
		return;
	for (unsigned i = 0; i < 128 && tcpd_arrow(s->st, i, &a); i++)
		s->seen->arrow[i] += a.taken;
	for (int i = 0; i < TCPD_NDROPS; i++)
		s->seen->drop[i] += st->drops[i];
	for (int i = 0; i < TCPD_NRESETS; i++) {
		s->seen->reset_sent[i] += st->resets_sent[i];
		s->seen->reset_received[i] += st->resets_received[i];
	}
}

/* A check of our own that fails would be a fault to be mended. */
static bool cannot_be(enum tcpd_reset r)
{
	return r == TCPD_RESET_FAULT;
}

/* What a receiver may find out (tcpd_stat.h). */
static bool can_be_told(enum tcpd_reset r)
{
	return r == TCPD_RESET_NO_LISTENER || r == TCPD_RESET_NO_CONNECTION ||
	       r == TCPD_RESET_ABORT || r == TCPD_RESET_AFTER_CLOSE;
}

static unsigned arrows(const struct seen *seen, unsigned test)
{
	struct tcpd_stack *st = NULL;
	struct stage s = {.version = 4};
	struct tcpd_arrow a;
	unsigned missing = 0;

	settings_default(&s);
	if (!stage_open(&s))
		return 1;
	st = s.st;
	for (unsigned i = 0; i < 128 && tcpd_arrow(st, i, &a); i++)
		if (!seen->arrow[i] && ++missing)
			printf("# not taken: %s -> %s on %s\n",
			       tcpd_state_name(a.from), tcpd_state_name(a.to),
			       a.event);
	stage_close(&s);
	printf("%sok %u - every arrow of the state diagram is taken\n",
	       missing ? "not " : "", test);
	return missing;
}

unsigned complete_report(const struct seen *seen, unsigned test)
{
	unsigned missing = 0, failed = arrows(seen, test) != 0;

	for (int i = 0; i < TCPD_NDROPS; i++)
		if (!seen->drop[i] && ++missing)
			printf("# no drop: %s\n",
			       tcpd_drop_name((enum tcpd_drop)i));
	printf("%sok %u - every drop reason is counted\n",
	       missing ? "not " : "", test + 1);
	failed += missing != 0;
	missing = 0;
	for (int i = 1; i < TCPD_NERRS; i++)
		if (!seen->err[i] && ++missing)
			printf("# no error: %s\n", tcpd_err_name(i));
	printf("%sok %u - every error is said\n", missing ? "not " : "",
	       test + 2);
	failed += missing != 0;
	missing = 0;
	for (int i = 0; i < TCPD_NRESETS; i++)
		if (!seen->reset_sent[i] && !cannot_be((enum tcpd_reset)i) &&
		    ++missing)
			printf("# no reset: %s\n",
			       tcpd_reset_name((enum tcpd_reset)i));
	printf("%sok %u - a reset is sent for every cause\n",
	       missing ? "not " : "", test + 3);
	failed += missing != 0;
	missing = 0;
	for (int i = 0; i < TCPD_NRESETS; i++)
		if ((seen->reset_received[i] != 0) !=
			    can_be_told((enum tcpd_reset)i) &&
		    ++missing)
			printf("# %s reset received: %s\n",
			       seen->reset_received[i] ? "a" : "no",
			       tcpd_reset_name((enum tcpd_reset)i));
	printf("%sok %u - a reset is received for every cause that can be "
	       "told\n",
	       missing ? "not " : "", test + 4);
	return failed + (missing != 0);
}
