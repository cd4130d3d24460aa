/* SPDX-License-Identifier: MIT */
/*
 * cookie.c - SYN cookies (RFC 4987, 3.6): making and checking them, and the
 * secrets, which change every minute.
 *
 * Each minute's secret is hashed out of the one before, which is then
 * forgotten as soon as its cookies are too old: what is in memory does not
 * tell which cookies were good earlier.
 */
#include "cookie.h"
#include <assert.h>

#include "base/clamp.h"
#include "tcp.h"
#include "wire/ip.h"

#define LOW24	  0xffffffu
#define MSS_AT	  22u
#define WINDOW	  65535u /* as a SYN-ACK announces it: not scaled */
#define TS_WSCALE 15u
#define TS_SACK	  16u
#define TS_ECN	  32u
#define NO_WSCALE 15u /* no scale: the largest one is 14 (RFC 7323, 2.3) */

/* What most paths have; an SYN's MSS is rounded down to one of these.  Every
 * host takes the smallest (RFC 1122, 3.3.2: 576 octets; RFC 8200, 5: 1280),
 * whatever it says. */
static const uint16_t mss4[] = {536, 1300, 1440, 1460};
static const uint16_t mss6[] = {1220, 1420, 1440, 8940};
#define NMSS ARRAY_SIZE(mss4)
static_assert(NMSS << MSS_AT == LOW24 + 1, "the table has every index");

static uint32_t minute_of(tcpd_time now)
{
	return (uint32_t)(now / COOKIE_TICK);
}

static struct siphash_key next_key(const struct siphash_key *old,
				   uint32_t minute)
{
	uint64_t in[2] = {(uint64_t)minute << 1, (uint64_t)minute << 1 | 1};

	return (struct siphash_key){{siphash(old, &in[0], sizeof(in[0])),
				     siphash(old, &in[1], sizeof(in[1]))}};
}

/* |minute| begins: its secret, and that of the minute before. */
static void turn(struct cookies *k, uint32_t minute)
{
	k->was = k->now;
	k->now.isn = next_key(&k->was.isn, minute);
	k->now.mss = next_key(&k->was.mss, minute);
	k->minute = minute;
}

/* However long nobody asked: two steps at most. */
static void catch_up(struct cookies *k, tcpd_time now)
{
	uint32_t minute = minute_of(now);

	if (minute <= k->minute)
		return;
	if (minute - k->minute > 1)
		turn(k, minute - 1);
	turn(k, minute);
}

void cookie_start(struct cookies *k, tcpd_time now)
{
	k->minute = minute_of(now);
	k->sent_at = 0;
}

static uint32_t hash_isn(const struct cookie_keys *k, const struct tuple *tu)
{
	return (uint32_t)tuple_siphash(&k->isn, tu);
}

static uint32_t hash_mss(const struct cookie_keys *k, const struct tuple *tu,
			 uint32_t minute)
{
	return (uint32_t)tuple_siphash_with(&k->mss, tu, minute);
}

static const uint16_t *table(const struct tuple *tu)
{
	return ip_is4(tu->local) ? mss4 : mss6;
}

uint32_t cookie_make(struct cookies *k, const struct tuple *tu,
		     uint32_t peer_isn, uint32_t mss, tcpd_time now)
{
	uint32_t i = NMSS - 1;

	catch_up(k, now);
	while (i && table(tu)[i] > mss)
		i--;
	k->sent_at = now;
	return hash_isn(&k->now, tu) + peer_isn + (k->minute << 24) +
	       ((hash_mss(&k->now, tu, k->minute) + (i << MSS_AT)) & LOW24);
}

int cookie_check(struct cookies *k, const struct tuple *tu, uint32_t peer_isn,
		 uint32_t isn, tcpd_time now)
{
	int said = 0;

	catch_up(k, now);
	for (uint32_t age = 0; age < 2; age++) {
		const struct cookie_keys *keys = age ? &k->was : &k->now;
		uint32_t minute = k->minute - age;
		uint32_t rest = isn - hash_isn(keys, tu) - peer_isn;
		uint32_t hash;

		/* most that are none are known by now */
		if (rest >> 24 != (minute & 0xff) &&
		    (rest + WINDOW) >> 24 != (minute & 0xff))
			continue;
		hash = hash_mss(keys, tu, minute);
		for (uint32_t i = 0; i < NMSS; i++) {
			uint32_t is = (minute << 24) +
				      ((hash + (i << MSS_AT)) & LOW24);

			if (rest == is)
				return table(tu)[i];
			if (is - rest <= WINDOW)
				said = COOKIE_LATER;
		}
	}
	return said;
}

uint32_t cookie_ts(uint32_t clock, const struct cookie_opts *o)
{
	uint32_t bits = o->has_wscale ? o->wscale & TS_WSCALE : NO_WSCALE;
	uint32_t ts;

	if (o->sack)
		bits |= TS_SACK;
	if (o->ecn)
		bits |= TS_ECN;
	ts = (clock & ~(COOKIE_TS_STEP - 1)) | bits;
	if (ts - clock - 1 < COOKIE_TS_STEP) /* above the clock */
		ts -= COOKIE_TS_STEP;
	return ts;
}

struct cookie_opts cookie_ts_opts(uint32_t ts)
{
	uint8_t wscale = ts & TS_WSCALE;
	bool scaled = wscale != NO_WSCALE;

	return (struct cookie_opts){.wscale = scaled ? wscale : 0,
				    .has_wscale = scaled,
				    .sack = (ts & TS_SACK) != 0,
				    .ecn = (ts & TS_ECN) != 0};
}
