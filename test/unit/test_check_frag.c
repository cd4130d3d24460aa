/* SPDX-License-Identifier: MIT */
/*
 * test_check_frag.c - what can be wrong among the datagrams in pieces, broken
 * by hand one after the other: each is found, and its absence too.
 *
 * LINK: test/unit/rig.c
 */
#include <stdlib.h>
#include <string.h>

#include "rig.h"

static struct frag *entry(uint32_t nth)
{
	struct frags *f = &rig.st->frags;
	uint32_t link = f->first[FRAG_BY_AGE];

	while (nth--)
		link = frag_at(f, link - 1)->next[FRAG_BY_AGE];
	return frag_at(f, link - 1);
}

/* Two datagrams of two pieces each wait for a third one. */
static void fill(void)
{
	static uint8_t octets[PACKET_MAX], text[400];

	for (unsigned i = 0; i < 4; i++) {
		struct peer p = peer_new(6, 80, 40000);
		struct packet k = peer_packet(&p, 0);
		size_t n;

		k.protocol = PROTO_ICMP6;
		k.data = text;
		k.len = 80;
		n = packet_build(&k, octets);
		memmove(octets + 48, octets + 40, n - 40);
		octets[5] = 88;
		memset(octets + 40, 0, 8);
		octets[40] = octets[6];
		octets[6] = 44;
		octets[43] = i % 2 ? 161 : 1; /* at 160, at 0; more follow */
		octets[47] = (uint8_t)(i / 2 + 1);
		rig_in_octets(octets, n + 8, (struct tcpd_offload){0});
		rig_pass(TCPD_MS(1));
	}
	ck_assert_uint_eq(rig.st->frags.slab.count, 2);
	rig_check();
}

static void got(void)
{
	entry(0)->got++;
}
static void npieces(void)
{
	entry(0)->npieces++;
}
static void low(void)
{
	entry(0)->low = 8;
}
static void top(void)
{
	entry(1)->top += 8;
}
static void dead(void)
{
	entry(0)->dead = true;
}
static void no_first(void)
{
	entry(0)->first = false;
}
static void head(void)
{
	entry(0)->nhead -= 8;
}
static void name(void)
{
	entry(0)->named_at = 200;
}
static void ends(void)
{
	entry(0)->last = true;
	entry(0)->end = 8;
}
static void version(void)
{
	entry(0)->version = 5;
}
static void due(void)
{
	entry(1)->due += TCPD_SEC(3600);
}
static void order(void)
{
	entry(0)->due = entry(1)->due + 1;
}
static void mem(void)
{
	entry(0)->mem += 2048;
}
static void sum(void)
{
	rig.st->frags.mem -= 2048;
}
static void key(void)
{
	entry(0)->id ^= 1;
}
static void peer_n(void)
{
	frag_peer(&rig.st->frags, entry(0)->src)->n--;
}
static void peer_many(void)
{
	frag_peer(&rig.st->frags, entry(0)->src)->n = 65;
}
static void peer_mem(void)
{
	frag_peer(&rig.st->frags, entry(0)->src)->mem++;
}
static void last(void)
{
	rig.st->frags.last[FRAG_BY_USE] = 0;
}
static void link(void)
{
	entry(1)->prev[FRAG_BY_USE] = 0;
}
static void of_source(void)
{
	entry(1)->prev[FRAG_OF_SOURCE] = 0;
}
static void source_first(void)
{
	frag_peer(&rig.st->frags, entry(0)->src)->first = 0;
}
static void lost(void)
{
	rig.st->frags.first[FRAG_BY_AGE] = 0;
}
static void piece(void)
{
	struct frag_piece k = {.len = 5000};

	memcpy(pool_at(&rig.t->pool, entry(0)->head), &k, sizeof(k));
}
/* All sums right, but it would be longer than any packet. */
static void giant(void)
{
	struct frag_piece head = {.at = FRAG_HEAD, .len = 1000};
	struct frag_piece k = {.at = 8191, .len = 16};
	struct frag *d = entry(0);
	uint8_t *p = pool_at(&rig.t->pool, d->head);

	memcpy(p, &head, sizeof(head));
	memcpy(p + frag_size(1000), &k, sizeof(k));
	rig.t->pool.block[d->head].len = frag_size(1000) + frag_size(16);
	d->nhead = 1000;
	d->npieces = 1;
	d->got = 16;
	d->low = 65528;
	d->top = 65544;
}
static void ends_later(void)
{
	entry(0)->last = true;
	entry(0)->end = entry(0)->top + 8;
}
static void filled(void)
{
	rig.t->pool.block[entry(0)->head].len += 2;
}
static void nsplit(void)
{
	rig.t->nsplit++;
}

static const struct {
	const char *name;
	void (*spoil)(void);
} rows[] = {
	{"octets", got},
	{"pieces", npieces},
	{"the lowest", low},
	{"the highest", top},
	{"dead with pieces", dead},
	{"no first piece", no_first},
	{"headers", head},
	{"place of a name", name},
	{"an end before the rest", ends},
	{"an end behind the rest", ends_later},
	{"more than a packet", giant},
	{"version", version},
	{"a time-out far away", due},
	{"an older one behind", order},
	{"memory of one", mem},
	{"memory of all", sum},
	{"a key", key},
	{"a source's number", peer_n},
	{"too many of a source", peer_many},
	{"a source's memory", peer_mem},
	{"the end of a list", last},
	{"a link back", link},
	{"a link back, of a source", of_source},
	{"a source's list", source_first},
	{"an empty list", lost},
	{"a piece beyond its block", piece},
	{"what a block holds", filled},
	{"messages in fragments", nsplit},
};

START_TEST(check_finds_what_is_wrong_with_fragments)
{
	fill();
	rows[_i].spoil();
	ck_assert_msg(tcpd_check(rig.st) != NULL, "%s", rows[_i].name);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("check_frag");
	TCase *tc = rig_case(s, "check");

	tcase_add_loop_test(tc, check_finds_what_is_wrong_with_fragments, 0,
			    ARRAY_SIZE(rows));
	return rig_run(s);
}
