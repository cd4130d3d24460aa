/* SPDX-License-Identifier: MIT */
/*
 * notation_opt.c - TCP options as tcpdump prints them:
 *	<mss 1460,nop,nop,TS val 5 ecr 0,nop,wscale 7>
 *	<nop,nop,sack 11:21 31:41>
 *	<uto 120>, <uto 3m>: seconds, minutes
 *	<fo>, <fo 0011aabb>, <foexp>, <fo given>, <fo before>
 * SACK blocks count as acknowledgment numbers do.  Other kinds are written
 *`kind N len N`, whose value is zeros.
 */
#include <stdlib.h>
#include <string.h>

#include "script.h"

static bool put(struct packet *p, const uint8_t *v, size_t n)
{
	if (p->nopt + n > sizeof(p->opt))
		return false;
	memcpy(p->opt + p->nopt, v, n);
	p->nopt = (uint8_t)(p->nopt + n);
	return true;
}

static bool put_ts(struct packet *p, uint32_t val, uint32_t ecr)
{
	uint8_t v[10] = {OPTION_TS, 10};

	for (int i = 0; i < 4; i++) {
		v[2 + i] = (uint8_t)(val >> (24 - 8 * i));
		v[6 + i] = (uint8_t)(ecr >> (24 - 8 * i));
	}
	return put(p, v, sizeof(v));
}

/* "NAME NUMBER" at |o|: the number, and what follows it; NULL: it is not. */
static const char *named(const char *o, const char *name, uint32_t *v)
{
	size_t n = strlen(name);
	char *end;

	if (strncmp(o, name, n) != 0 || o[n] != ' ')
		return NULL;
	*v = (uint32_t)strtoul(o + n, &end, 10);
	return end == o + n ? NULL : end;
}

/* "NAME NUMBER NAME NUMBER" and nothing else. */
static bool pair(const char *o, const char *name, uint32_t *a,
		 const char *other, uint32_t *b)
{
	const char *rest = named(o, name, a);

	rest = rest && *rest == ' ' ? named(rest + 1, other, b) : NULL;
	return rest && !*rest;
}

static bool alone(const char *o, const char *name, uint32_t *v)
{
	const char *rest = named(o, name, v);

	return rest && !*rest;
}

static bool put_u32(struct packet *p, uint32_t v)
{
	return put(p,
		   (uint8_t[]){(uint8_t)(v >> 24), (uint8_t)(v >> 16),
			       (uint8_t)(v >> 8), (uint8_t)v},
		   4);
}

/* "sack" and then " LEFT:RIGHT" for each block. */
static bool put_sack(struct packet *p, struct line *l, char *o, uint32_t base)
{
	uint8_t *len = &p->opt[p->nopt + 1];
	uint8_t from = p->nopt;
	char *block;

	if (!put(p, (uint8_t[]){OPTION_SACK, 0}, 2))
		return false;
	strsep(&o, " ");
	while ((block = strsep(&o, " ")) != NULL) {
		char *right = strchr(block, ':');
		int64_t a, b;

		if (!right)
			return false;
		*right++ = '\0';
		if (!number_expr(block, l->index, &a) ||
		    !number_expr(right, l->index, &b) ||
		    !put_u32(p, (uint32_t)a + base) ||
		    !put_u32(p, (uint32_t)b + base))
			return false;
	}
	*len = (uint8_t)(p->nopt - from);
	return true;
}

static bool put_uto(struct packet *p, uint32_t v)
{
	return put(p, (uint8_t[]){OPTION_UTO, 4, (uint8_t)(v >> 8), (uint8_t)v},
		   4);
}

/* "fo" or "foexp", then perhaps a cookie: in hex, or the one that the stack
 * gave last, or another before it. */
static bool put_cookie(struct stage *s, struct packet *p, const char *o)
{
	bool exp = !strncmp(o, "foexp", 5);
	const char *word = o + (exp ? 5 : 2);
	uint8_t v[40] = {exp ? OPTION_EXP : OPTION_FO, exp ? 4 : 2, 0xf9, 0x89};
	const uint8_t *given = NULL;
	int n = 0;

	if (*word == ' ' && !strcmp(word + 1, "given"))
		given = s->cookie[0];
	else if (*word == ' ' && !strcmp(word + 1, "before"))
		given = s->cookie[1];
	else if (*word == ' ')
		n = notation_hex(word + 1, v + v[1], sizeof(v) - v[1]);
	else if (*word)
		return false;
	if (given) {
		memcpy(v + v[1], given, sizeof(s->cookie[0]));
		n = sizeof(s->cookie[0]);
	}
	if (n < 0)
		return false;
	v[1] = (uint8_t)(v[1] + n);
	return put(p, v, v[1]);
}

/* One of them, blanks before it gone. */
static bool one(struct stage *s, struct packet *p, struct line *l, char *o,
		const struct packet_base *base)
{
	uint32_t val_base = base->ts_val, ecr_base = base->ts_ecr;
	uint32_t a = 0, b = 0;
	const char *rest;

	if (!strcmp(o, "nop"))
		return put(p, (uint8_t[]){OPTION_NOP}, 1);
	if (!strcmp(o, "eol"))
		return put(p, (uint8_t[]){OPTION_EOL}, 1);
	if (!strcmp(o, "sackOK"))
		return put(p, (uint8_t[]){OPTION_SACK_OK, 2}, 2);
	if (!strncmp(o, "sack ", 5))
		return put_sack(p, l, o, base->ack);
	if (alone(o, "mss", &a))
		return put(p,
			   (uint8_t[]){OPTION_MSS, 4, (uint8_t)(a >> 8),
				       (uint8_t)a},
			   4);
	if (alone(o, "wscale", &a))
		return put(p, (uint8_t[]){OPTION_WSCALE, 3, (uint8_t)a}, 3);
	if (!strncmp(o, "fo", 2))
		return put_cookie(s, p, o);
	if (alone(o, "uto", &a))
		return put_uto(p, a);
	rest = named(o, "uto", &a);
	if (rest && !strcmp(rest, "m"))
		return put_uto(p, a | 0x8000);
	if (pair(o, "TS val", &a, "ecr", &b))
		return put_ts(p, a + val_base, b ? b + ecr_base : 0);
	rest = named(o, "TS val", &a);
	if (rest && !strcmp(rest, " ecr base"))
		return put_ts(p, a + val_base, ecr_base);
	if (pair(o, "kind", &a, "len", &b) && b >= 2 && b <= 40) {
		uint8_t v[40] = {(uint8_t)a, (uint8_t)b};

		return put(p, v, b);
	}
	return false;
}

void notation_cookie(struct stage *s, const struct packet *p)
{
	for (unsigned i = 0; i + 10 <= p->nopt; i++) {
		const uint8_t *v = &p->opt[i];
		unsigned head = v[0] == OPTION_FO ? 2 : 4;

		if (!(v[0] == OPTION_FO && v[1] == 10) &&
		    !(v[0] == OPTION_EXP && v[1] == 12 && i + 12 <= p->nopt))
			continue;
		if (memcmp(v + head, s->cookie[0], 8) != 0)
			memcpy(s->cookie[1], s->cookie[0], 8);
		memcpy(s->cookie[0], v + head, 8);
	}
}

bool notation_options(struct stage *s, struct line *l, struct packet *p,
		      const struct packet_base *base)
{
	char copy[200], *at = copy, *o;

	p->nopt = 0;
	if (!l->options)
		return true;
	if (strlen(l->options) >= sizeof(copy))
		return stage_fail(s, "options are too long to be read");
	memcpy(copy, l->options, strlen(l->options) + 1);
	while ((o = strsep(&at, ",")) != NULL) {
		o += strspn(o, " ");
		if (!one(s, p, l, o, base))
			return stage_fail(s,
					  "option '%s' cannot be read, or "
					  "there is no room for it",
					  o);
	}
	return true;
}
