/* SPDX-License-Identifier: MIT */
/*
 * bucket.h - at most so many in a time: a token bucket whose whole state is
 * one time, the one at which it will be full again.
 */
#ifndef BASE_BUCKET_H
#define BASE_BUCKET_H

#include <stdbool.h>
#include <stdint.h>

/*
 * Take a token: true; there is none: false.  One comes back every |gap|, and
 * the bucket holds |depth| / |gap| of them (at least one); |*full_at| is 0 at
 * first.  So no time of length t sees more than (t + depth) / gap + 1.
 */
static inline bool bucket_take(uint64_t *full_at, uint64_t now, uint64_t gap,
			       uint64_t depth)
{
	uint64_t ahead = *full_at > now ? *full_at - now : 0;

	if (ahead && ahead + gap > depth)
		return false;
	*full_at = now + ahead + gap;
	return true;
}

#endif /* BASE_BUCKET_H */
