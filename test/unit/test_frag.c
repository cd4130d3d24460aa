/* SPDX-License-Identifier: MIT */
/*
 * test_frag.c - reassembly against a model of one array of octets: any number
 * of pieces in any order, overlaps, floods, and memory that is short; after
 * each step tcpd_check() finds nothing wrong.
 *
 * LINK: test/unit/rig.c
 */
#include <stdlib.h>
#include <string.h>

#include "rig.h"

#define LONGEST 60000u

static uint8_t text[65536];

/* An echo request of |len| octets in |text|. */
static void request(uint8_t version, uint32_t len)
{
	struct peer p = peer_new(version, 80, 40000);
	struct packet k = peer_packet(&p, 0);
	uint64_t sum = 0;
	uint16_t c;

	k.protocol = version == 4 ? PROTO_ICMP : PROTO_ICMP6;
	pattern_fill(3, 0, text, len);
	memset(text, 0, 4);
	text[0] = version == 4 ? 8 : 128;
	if (version == 6)
		sum = packet_pseudo(&k, len);
	c = (uint16_t)~packet_fold(packet_add(sum, text, len));
	text[2] = (uint8_t)(c >> 8);
	text[3] = (uint8_t)c;
}

/* Octets [at, at + len) of it, from host |who|. */
static void piece(uint8_t version, uint32_t who, uint32_t id, uint32_t at,
		  uint32_t len, bool more)
{
	static uint8_t octets[PACKET_MAX];
	struct peer p = peer_new(version, 80, 40000);
	struct packet k = peer_packet(&p, 0);
	size_t n;

	k.protocol = version == 4 ? PROTO_ICMP : PROTO_ICMP6;
	k.src[14] = (uint8_t)(k.src[14] + (who >> 8));
	k.src[15] = (uint8_t)(k.src[15] + who);
	k.data = text + at;
	k.len = len;
	n = packet_build(&k, octets);
	if (version == 4) {
		uint16_t c;

		octets[4] = (uint8_t)(id >> 8);
		octets[5] = (uint8_t)id;
		octets[6] = (uint8_t)(at / 8 >> 8 | (more ? 0x20 : 0));
		octets[7] = (uint8_t)(at / 8);
		octets[10] = octets[11] = 0;
		c = (uint16_t)~packet_fold(packet_add(0, octets, 20));
		octets[10] = (uint8_t)(c >> 8);
		octets[11] = (uint8_t)c;
	} else {
		memmove(octets + 48, octets + 40, len);
		n += 8;
		octets[4] = (uint8_t)((len + 8) >> 8);
		octets[5] = (uint8_t)(len + 8);
		octets[40] = octets[6];
		octets[41] = 0;
		octets[6] = 44;
		octets[42] = (uint8_t)(at >> 8);
		octets[43] = (uint8_t)(at | more);
		for (int i = 0; i < 4; i++)
			octets[44 + i] = (uint8_t)(id >> (24 - 8 * i));
	}
	rig_in_octets(octets, n, (struct tcpd_offload){0});
}

/* The same, its headers |extra| octets longer: options of padding. */
static void piece_behind(uint8_t version, uint32_t extra, uint32_t at,
			 uint32_t len, bool more)
{
	static uint8_t octets[PACKET_MAX];
	struct peer p = peer_new(version, 80, 40000);
	struct packet k = peer_packet(&p, 0);
	uint32_t head = version == 4 ? 20 : 40;
	uint8_t *ext = octets + head;
	uint32_t all = extra + len + (version == 4 ? head : 8);

	k.protocol = version == 4 ? PROTO_ICMP : PROTO_ICMP6;
	packet_build(&k, octets);
	memset(ext, 0, extra + 8);
	if (version == 4) {
		uint16_t c;

		octets[0] = (uint8_t)(0x40 | (head + extra) / 4);
		octets[2] = (uint8_t)(all >> 8);
		octets[3] = (uint8_t)all;
		octets[6] = (uint8_t)(at / 8 >> 8 | (more ? 0x20 : 0));
		octets[7] = (uint8_t)(at / 8);
		octets[10] = octets[11] = 0;
		c = (uint16_t)~packet_fold(packet_add(0, octets, head + extra));
		octets[10] = (uint8_t)(c >> 8);
		octets[11] = (uint8_t)c;
		memcpy(ext + extra, text + at, len);
		rig_in_octets(octets, all, (struct tcpd_offload){0});
		return;
	}
	octets[4] = (uint8_t)(all >> 8);
	octets[5] = (uint8_t)all;
	octets[6] = 44;
	if (extra) { /* hop by hop, with one PadN */
		octets[6] = 0;
		ext[0] = 44;
		ext[1] = (uint8_t)(extra / 8 - 1);
		ext[2] = 1;
		ext[3] = (uint8_t)(extra - 4);
	}
	ext += extra;
	ext[0] = PROTO_ICMP6;
	ext[2] = (uint8_t)(at >> 8);
	ext[3] = (uint8_t)(at | more);
	memcpy(ext + 8, text + at, len);
	rig_in_octets(octets, head + all, (struct tcpd_offload){0});
}

/* The answer to it, whole and octet for octet. */
static bool answered(uint32_t len)
{
	struct packet out;

	do
		if (!rig_out(&out))
			return false;
	while (out.more);
	ck_assert_uint_eq(out.len, len);
	ck_assert_mem_eq(out.data + 4, text + 4, len - 4);
	return true;
}

struct cut {
	uint32_t at, len;
};

/* |n| pieces of |len| octets, shuffled. */
static void cuts(struct rng *r, struct cut *c, unsigned n, uint32_t len)
{
	uint32_t size = len / n / 8 * 8;

	for (unsigned i = 0; i < n; i++) {
		unsigned to = rng_in(r, 0, i);

		c[i] = c[to];
		c[to] = (struct cut){i * size,
				     i + 1 < n ? size : len - i * size};
	}
}

START_TEST(frag_puts_2_to_45_pieces_together_in_any_order)
{
	struct rng r = {.state = (uint64_t)_i + 1};
	uint8_t version = _i % 2 ? 6 : 4;

	for (unsigned n = 2; n <= 45; n++) {
		uint32_t len = rng_in(&r, 45 * 8, n % 5 ? 3000 : LONGEST);
		struct cut c[45];

		cuts(&r, c, n, len);
		request(version, len);
		for (unsigned i = 0; i < n; i++) {
			ck_assert(!answered(len));
			piece(version, 0, n, c[i].at, c[i].len,
			      c[i].at + c[i].len < len);
			/* once more, here and there */
			if (i + 1 < n && i % 7 == 3)
				piece(version, 0, n, c[i].at, c[i].len,
				      c[i].at + c[i].len < len);
			rig_check();
		}
		ck_assert_msg(answered(len), "%u pieces of %u octets", n, len);
		rig_pass(TCPD_MS(10));
	}
	ck_assert_uint_eq(rig.st->frags.slab.count, 0);
	ck_assert_uint_eq(rig.st->frags.mem, 0);
	ck_assert_uint_eq(rig.t->stat.fragments_whole, 44);
	ck_assert_uint_eq(rig.t->stat.drops[TCPD_DROP_FRAGMENT_OVERLAP], 0);
}
END_TEST

/* A piece that shares an octet with what is there, and is not the same, ends
 * the datagram, however it lies. */
START_TEST(frag_drops_a_datagram_with_any_overlap)
{
	struct rng r = {.state = (uint64_t)_i + 100};
	uint8_t version = _i % 2 ? 6 : 4;

	request(version, 800);
	for (uint32_t id = 0; id < 300; id++) {
		struct cut c[20];
		unsigned n = rng_in(&r, 2, 20);
		unsigned at = rng_in(&r, 1, n - 1);
		uint32_t from, len;

		cuts(&r, c, n, 800);
		for (unsigned i = 0; i < at; i++)
			piece(version, 0, id, c[i].at, c[i].len,
			      c[i].at + c[i].len < 800);
		/* around the piece |at| - 1, never just it */
		from = c[at - 1].at;
		len = c[at - 1].len;
		if (from && rng_in(&r, 0, 1)) {
			from -= 8;
			len += 8;
		} else if (len > 8) {
			len = (len - 1) / 8 * 8;
		} else {
			len += 8;
		}
		piece(version, 0, id, from, len, from + len < 800);
		for (unsigned i = 0; i < n; i++)
			piece(version, 0, id, c[i].at, c[i].len,
			      c[i].at + c[i].len < 800);
		ck_assert_msg(!answered(800), "datagram %u", id);
		rig_check();
	}
	ck_assert_uint_eq(rig.t->stat.fragments_whole, 0);
	rig_pass(TCPD_SEC(61));
	rig_drain();
	ck_assert_uint_eq(rig.st->frags.slab.count, 0);
}
END_TEST

/* What is honest arrives, whoever else sends pieces of nothing. */
START_TEST(frag_floods_leave_honest_datagrams_alive)
{
	struct rng r = {.state = (uint64_t)_i + 1};
	uint32_t sources = _i ? 20000 : 1;
	unsigned good = 0, all = 0;

	rig_stop();
	rig.set.memory = 64u << 20;
	rig_start();
	request(4, 2000);
	for (unsigned i = 0; i < 20000; i++) {
		struct cut c[45];
		unsigned n = 2 + i % 44;

		piece(4, 2 + rng_in(&r, 0, sources - 1), (uint32_t)i,
		      i % 2 ? 0 : 8 * rng_in(&r, 1, 100), 8 * rng_in(&r, 1, 90),
		      true);
		rig_pass(TCPD_US(50));
		ck_assert_uint_le(rig.st->frags.mem, FRAG_MEMORY);
		if (i % 100)
			continue;
		cuts(&r, c, n, 2000);
		for (unsigned k = 0; k < n; k++) {
			piece(4, 0, i, c[k].at, c[k].len,
			      c[k].at + c[k].len < 2000);
			piece(4, 2 + rng_in(&r, 0, sources - 1), ~i - k, 8, 800,
			      true);
		}
		all++;
		good += answered(2000);
		rig_drain();
		rig_check();
	}
	ck_assert_uint_ge(good, all * 95 / 100);
	ck_assert_uint_gt(rig.t->stat.drops[TCPD_DROP_FRAGMENT_LIMIT], 10000);
}
END_TEST

START_TEST(frag_without_memory_drops_and_goes_on)
{
	uint32_t taken[2048];
	unsigned n = 0;

	while (n < ARRAY_SIZE(taken) &&
	       (taken[n] = pool_take(&rig.t->pool, 0)) != POOL_NONE)
		n++;
	request(4, 800);
	piece(4, 0, 1, 0, 400, true);
	piece(4, 0, 1, 400, 400, false);
	ck_assert(!answered(800));
	ck_assert_uint_gt(rig.t->stat.drops[TCPD_DROP_FRAGMENT_LIMIT], 0);
	while (n)
		pool_give(&rig.t->pool, taken[--n]);
	piece(4, 0, 2, 0, 400, true);
	piece(4, 0, 2, 400, 400, false);
	ck_assert(answered(800));
	rig_check();
}
END_TEST

START_TEST(frag_takes_no_more_pieces_than_the_smallest_mtu_makes)
{
	request(4, 16000);
	for (uint32_t i = 0; i < FRAG_PIECES; i++)
		piece(4, 0, 1, 16 * i % 15992, 8, true);
	rig_check();
	ck_assert_uint_eq(rig.st->frags.slab.count, 1);
	for (uint32_t i = 0; i < 16000 / 8; i++)
		piece(4, 0, 1, 8 * i, 8, i + 1 < 2000);
	ck_assert(!answered(16000));
	ck_assert_uint_eq(rig.st->frags.mem, 0);
	rig_check();
}
END_TEST

/*
 * RFC 8200, 4.5: what counts is the packet that would come out, and the headers
 * of the first piece may be longer than those of the last.
 */
START_TEST(frag_never_makes_more_than_a_packet_can_say)
{
	uint8_t version = _i % 2 ? 6 : 4;
	bool first_first = _i / 2;
	uint32_t extra = version == 4 ? 40 : 248;
	uint32_t len = version == 4 ? 65515 : 65535;
	const uint64_t *bad = &rig.t->stat.drops[TCPD_DROP_IP_FRAGMENT];
	static const uint8_t none[256];
	struct packet out;

	request(version, len);
	piece_behind(version, 0, 32000, 32000, true);
	piece_behind(version, first_first ? extra : 0, first_first ? 0 : 64000,
		     first_first ? 32000 : len - 64000, first_first);
	rig_expect_nothing();
	ck_assert_uint_eq(*bad, 0);
	piece_behind(version, first_first ? 0 : extra, first_first ? 64000 : 0,
		     first_first ? len - 64000 : 32000, !first_first);
	ck_assert_mem_eq(rig.st->frags.whole + 65575, none, sizeof(none));
	ck_assert_uint_eq(*bad, 1);
	ck_assert_uint_eq(rig.t->stat.fragments_whole, 0);
	rig_check();
	if (version == 6) { /* told, with the place of the offset */
		ck_assert(rig_out(&out));
		ck_assert_uint_eq(out.data[0], 4);
		ck_assert_uint_eq(out.data[1], 0);
		ck_assert_uint_eq(out.data[6] << 8 | out.data[7],
				  first_first ? 42 : 42 + extra);
	}
	rig_expect_nothing();
	/* it alone is dropped: with one that fits, the datagram is whole */
	if (first_first)
		return;
	piece_behind(version, 0, 0, 32000, true);
	ck_assert(answered(len));
	rig_check();
}
END_TEST

/* Pieces wait for what may never come: text in order goes first. */
START_TEST(frag_gives_its_memory_to_a_connection_where_none_is_left)
{
	struct peer p = peer_new(4, 80, 40000);
	static uint32_t taken[1 << 16];
	unsigned n = 0;

	peer_accept(&p, rig_listen(80));
	request(4, 60000);
	piece(4, 0, 1, 0, 30000, true);
	piece(4, 7, 2, 8, 30000, true);
	ck_assert_uint_gt(rig.st->frags.mem, 60000);
	while (n < ARRAY_SIZE(taken) &&
	       (taken[n] = pool_take(&rig.t->pool, 0)) != POOL_NONE)
		n++;
	for (unsigned i = 0; i < 8; i++) {
		struct packet k = peer_packet(&p, TCP_ACK);

		k.data = text;
		k.len = 1000;
		rig_in(&k);
		p.seq += 1000;
	}
	ck_assert_uint_eq(rig.st->frags.mem, 0);
	ck_assert_uint_eq(tcpd_readable(rig.st, p.h), 8000);
	while (n)
		pool_give(&rig.t->pool, taken[--n]);
	rig_check();
}
END_TEST

/* Through a record and back: what waited goes on (record_frag.c). */
START_TEST(frag_goes_on_from_a_record)
{
	uint8_t version = _i % 2 ? 6 : 4;
	int64_t len;
	uint8_t *buf;

	request(version, 2000);
	piece(version, 0, 1, 0, 800, true);
	piece(version, 0, 2, 800, 1200, false);
	piece(version, 0, 3, 0, 800, true);
	piece(version, 0, 3, 400, 800, true); /* overlaps */
	piece(version, 0, 1, 1600, 400, false);
	len = tcpd_save(rig.st, NULL, 0, rig.now);
	buf = malloc((size_t)len);
	ck_assert_ptr_nonnull(buf);
	ck_assert_int_eq(tcpd_save(rig.st, buf, (size_t)len, rig.now), len);
	rig_restart();
	ck_assert_int_eq(tcpd_load(rig.st, buf, (size_t)len, rig.now), 0);
	free(buf);
	rig_check();
	ck_assert_uint_eq(rig.st->frags.slab.count, 3);
	piece(version, 0, 1, 800, 800, true);
	ck_assert(answered(2000));
	piece(version, 0, 2, 0, 800, true);
	ck_assert(answered(2000));
	piece(version, 0, 3, 800, 1200, false);
	ck_assert(!answered(2000));
}
END_TEST

int main(void)
{
	Suite *s = suite_create("frag");
	TCase *tc = rig_case(s, "frag");

	tcase_add_loop_test(tc, frag_puts_2_to_45_pieces_together_in_any_order,
			    0, 4);
	tcase_add_loop_test(tc, frag_drops_a_datagram_with_any_overlap, 0, 2);
	tcase_add_loop_test(tc, frag_floods_leave_honest_datagrams_alive, 0, 2);
	tcase_add_test(tc, frag_without_memory_drops_and_goes_on);
	tcase_add_test(tc,
		       frag_takes_no_more_pieces_than_the_smallest_mtu_makes);
	tcase_add_loop_test(tc, frag_never_makes_more_than_a_packet_can_say, 0,
			    4);
	tcase_add_test(
		tc, frag_gives_its_memory_to_a_connection_where_none_is_left);
	tcase_add_loop_test(tc, frag_goes_on_from_a_record, 0, 2);
	return rig_run(s);
}
