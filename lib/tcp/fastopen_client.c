/* SPDX-License-Identifier: MIT */
/*
 * fastopen_client.c - TCP Fast Open as a client (RFC 7413, 4.1.3 and 4.2.1):
 * the table of cookies, and what a SYN says.
 *
 * Cookies are kept for a pair of addresses, failures for one port of the
 * server's (4.1.3.1): another service there may do better.  The table does not
 * grow; in each set what was used longest ago gives way.
 */
#include "fastopen.h"

#include <string.h>

#include "conn.h"
#include "wire/ip.h"
#include "xmit.h"

/* What a SYN's options may take, so that one that a router on the way adds
 * does not make it too large. */
#define OPTIONS_MAX 40u

/* --- the table */

/* |port| 0: of the server. */
static uint64_t hash_of(const struct tcp *t, const struct tuple *tu,
			uint16_t port)
{
	uint8_t in[34];

	memcpy(in, tu->local, 16);
	memcpy(in + 16, tu->peer, 16);
	memcpy(in + 32, &port, 2);
	return siphash(&t->k_fo, in, sizeof(in));
}

static struct fo_cell *find(const struct tcp *t, const struct tuple *tu,
			    uint16_t port)
{
	uint64_t hash = hash_of(t, tu, port);
	struct fo_cell *set = t->servers + hash % FO_SETS * FO_WAYS;

	for (unsigned i = 0; i < FO_WAYS; i++)
		if (set[i].used && set[i].hash == hash)
			return set + i;
	return NULL;
}

/* The one that there is, or a new one. */
static struct fo_cell *take(struct tcp *t, const struct tuple *tu,
			    uint16_t port)
{
	uint64_t hash = hash_of(t, tu, port);
	struct fo_cell *set = t->servers + hash % FO_SETS * FO_WAYS;
	struct fo_cell *cell = find(t, tu, port);

	if (!cell) {
		cell = set;
		for (unsigned i = 1; i < FO_WAYS; i++)
			if (set[i].used < cell->used)
				cell = set + i;
		*cell = (struct fo_cell){.hash = hash};
	}
	cell->used = t->now;
	return cell;
}

void fo_forget(struct tcp *t)
{
	memset(t->servers, 0, sizeof(*t->servers) * FO_CELLS);
}

/* --- what failed */

static bool shunned(const struct tcp *t, const struct tuple *tu)
{
	const struct fo_cell *path = find(t, tu, tu->pport);
	unsigned n;

	if (!path || path->fails < FO_FAILS)
		return false;
	n = min_u32(path->fails - FO_FAILS, FO_TWICE);
	return t->now - path->failed_at < FO_SHUN << n;
}

static void failed(struct tcp *t, const struct tuple *tu)
{
	struct fo_cell *path = take(t, tu, tu->pport);

	path->failed_at = t->now;
	if (path->fails < UINT8_MAX)
		path->fails++;
	t->stat.fast_open_failed++;
}

static void worked(const struct tcp *t, const struct tuple *tu)
{
	struct fo_cell *path = find(t, tu, tu->pport);

	if (path)
		path->used = 0;
}

/* --- a SYN */

/* As which option a cookie is asked for: where the one of the RFC was in vain,
 * once as the experiment that it was before. */
static uint8_t ask_as(const struct fo_cell *cell)
{
	return cell && cell->vain == FO_OPTION ? FO_EXPERIMENT : FO_OPTION;
}

void fo_connect(struct tcp *t, struct conn *c)
{
	struct fo_cell *cell;

	c->fo_form = FO_NONE;
	c->fo_text = c->fo_wait = false;
	if (!c->fo_want || !(t->set.fast_open & TCPD_FO_CLIENT) ||
	    shunned(t, &c->tu))
		return;
	if (c->fo_free || t->set.fast_open & TCPD_FO_CLIENT_NO_COOKIE) {
		c->fo_text = true;
	} else {
		cell = find(t, &c->tu, 0);
		c->fo_text = cell && cell->form != FO_NONE;
		c->fo_form = c->fo_text ? cell->form : ask_as(cell);
		if (cell)
			cell->used = t->now;
	}
	c->fo_wait = c->fo_text;
}

uint8_t fo_known(const struct tcp *t, const struct conn *c,
		 const uint8_t **cookie)
{
	const struct fo_cell *cell = find(t, &c->tu, 0);

	if (!c->fo_text || c->fo_form == FO_NONE || !cell ||
	    cell->form != c->fo_form)
		return 0;
	*cookie = cell->cookie;
	return cell->len;
}

uint32_t fo_room(const struct tcp *t, const struct conn *c)
{
	uint32_t heads = ip_is4(c->tu.local) ? TCP4_HEADS : TCP6_HEADS;
	uint32_t mss = max_u32(pmtu_now(t, c), heads) - heads;
	const struct fo_cell *cell = find(t, &c->tu, 0);
	const uint8_t *cookie;

	if (c->state != TCPD_SYN_SENT || !c->fo_text || c->snd_nxt != c->iss)
		return 0;
	/* another connection's cookie has taken its place since */
	if (c->fo_form != FO_NONE && !fo_known(t, c, &cookie))
		return 0;
	mss = min_u32(mss, c->advmss);
	if (cell && cell->mss)
		mss = min_u32(mss, cell->mss);
	return mss > OPTIONS_MAX ? mss - OPTIONS_MAX : 0;
}

/* --- the answer */

/* What was asked for and not given: never again as an experiment. */
static void in_vain(struct fo_cell *cell, uint8_t form)
{
	if (cell->form == FO_NONE && cell->vain < form)
		cell->vain = form;
}

static void learn(struct tcp *t, struct conn *c, const struct tcpopt *o)
{
	struct fo_cell *cell = take(t, &c->tu, 0);

	if (o->has_mss)
		cell->mss = o->mss;
	/* one that was not asked for is not kept (4.1.3) */
	if (c->fo_form == FO_NONE)
		return;
	if (o->fo_len) {
		cell->form = o->fo_form;
		cell->len = o->fo_len;
		memcpy(cell->cookie, o->fo, o->fo_len);
	} else if (!c->fo_text && !c->retransmits) {
		in_vain(cell, c->fo_form);
	}
}

void fo_answered(struct tcp *t, struct conn *c, const struct segment *seg)
{
	const struct tcpopt *o = &seg->h.opt;
	uint32_t first = c->iss + 1;
	bool took = seq_gt(c->snd_una, first);
	bool tried = c->syn_text || c->fo_form != FO_NONE;
	bool all = c->syn_text && seq_ge(c->snd_una, c->snd_nxt);

	if (!tried)
		return;
	learn(t, c, o);
	if (took || (o->fo_len && c->fo_form != FO_NONE))
		worked(t, &c->tu);
	else if (c->syn_text || c->retransmits)
		failed(t, &c->tu);
	c->fo_took = all;
	c->syn_took = (uint16_t)(c->syn_text ? c->snd_una - first : 0);
	t->stat.fast_open_used += all;
	if (c->syn_text && !all) /* at once, and no sign of congestion */
		rexmt_again(t, c, xmit_find(t, c, c->snd_una));
	c->fo_form = FO_NONE;
	c->fo_text = false;
}

void fo_failed(struct tcp *t, struct conn *c, int err)
{
	if (c->active && c->snd_una == c->iss && c->snd_nxt != c->iss &&
	    (c->syn_text || c->fo_form != FO_NONE) &&
	    (err == TCPD_ERR_TIMEOUT || err == TCPD_ERR_HOST_UNREACH ||
	     err == TCPD_ERR_NET_UNREACH))
		failed(t, &c->tu);
}
