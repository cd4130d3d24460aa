/* SPDX-License-Identifier: MIT */
/* recent.c - the table of recent.h. */
#include "recent.h"

bool recent_first(struct recent *r, uint64_t hash, uint64_t now, uint64_t gap)
{
	struct recent_cell *set = r->cell + hash % RECENT_SETS * RECENT_WAYS;
	struct recent_cell *oldest = set;

	for (unsigned i = 0; i < RECENT_WAYS; i++) {
		struct recent_cell *c = set + i;

		if (c->at && c->hash == hash) {
			if (now - c->at < gap)
				return false;
			oldest = c;
			break;
		}
		if (c->at < oldest->at)
			oldest = c;
	}
	oldest->hash = hash;
	oldest->at = now;
	return true;
}
