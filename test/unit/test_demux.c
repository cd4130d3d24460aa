/* SPDX-License-Identifier: MIT */
/*
 * test_demux.c - whose a segment is when several could have it, and what
 * LISTEN and CLOSED answer (RFC 9293, 3.10.7.1 and 3.10.7.2).
 *
 * LINK: test/unit/rig.c
 */
#include <string.h>

#include <stdlib.h>

#include "rig.h"

/* All four at once: connection, half-open entry, TIME-WAIT entry, listener. */
static struct tuple crowd(void)
{
	tcpd_handle h = rig_listen(80);
	struct conn *c = rig_conn(1000, 2000);
	struct segment syn = {.nwire = 1};

	syn.tu = c->tu;
	syn.h.flags = TCP_SYN;
	syn.h.seq = 2000;
	syn.hash = tuple_hash(rig.t, &syn.tu);
	synq_syn(rig.t, stack_listener(rig.st, h), &syn, NULL);
	rig_drain();
	/* the connection's own place in the table is not given up */
	conn_unhash(rig.t, c);
	c->held = false;
	timewait_enter(rig.t, c);
	c = rig_conn(1000, 2000);
	conn_unhash(rig.t, c);
	c->tu = syn.tu;
	ck_assert(conn_hash(rig.t, c));
	return syn.tu;
}

START_TEST(demux_asks_connection_half_open_time_wait_listener_nobody)
{
	struct segment rst = {.tu = crowd(), .nwire = 1};
	struct conn *c = conn_at(rig.t, 0);

	rst.h.flags = TCP_RST;
	rst.h.seq = 2001;
	ck_assert_uint_eq(rig.t->conns.count, 1);
	tcp_input(rig.t, &rst); /* ends the connection */
	ck_assert_int_eq(c->state, TCPD_CLOSED);
	ck_assert_uint_eq(rig.t->halves.count, 1);
	tcp_input(rig.t, &rst); /* then the entry */
	ck_assert_uint_eq(rig.t->halves.count, 0);
	ck_assert_uint_eq(rig.t->stat.drops[TCPD_DROP_TIME_WAIT], 0);
	tcp_input(rig.t, &rst); /* TIME-WAIT ignores it */
	ck_assert_uint_eq(rig.t->stat.drops[TCPD_DROP_TIME_WAIT], 1);
	timewait_remove(rig.t, 0);
	tcp_input(rig.t, &rst); /* and a listener does */
	ck_assert_uint_eq(rig.t->stat.drops[TCPD_DROP_LISTEN_FLAGS], 1);
	rst.tu.lport = 81;
	tcp_input(rig.t, &rst);
	ck_assert_uint_eq(rig.t->stat.drops[TCPD_DROP_NO_CONNECTION], 1);
	rig_expect_nothing();
}
END_TEST

/* Each part of the tuple is looked at. */
START_TEST(demux_takes_a_segment_with_another_tuple_for_another_one)
{
	struct conn *c = rig_conn(1, 1);
	struct tuple tu = c->tu;

	for (size_t i = 0; i < sizeof(tu); i++) {
		struct segment s = {.tu = tu, .nwire = 1};

		((uint8_t *)&s.tu)[i] ^= 1;
		s.h.flags = TCP_ACK;
		tcp_input(rig.t, &s);
		ck_assert_msg(c->segs_in == 0, "octet %zu", i);
	}
	ck_assert_uint_eq(rig.t->stat.drops[TCPD_DROP_NO_CONNECTION],
			  sizeof(tu));
}
END_TEST

static const struct row {
	const char *name;
	uint8_t flags, answer; /* what comes; what goes, 0: silence */
	uint32_t len;
	int drop; /* enum tcpd_drop, -1: none */
	int why;  /* enum tcpd_reset */
} closed_rows[] = {
	{"SYN", FLAG_SYN, FLAG_RST | FLAG_ACK, 0, TCPD_DROP_NO_CONNECTION,
	 TCPD_RESET_NO_LISTENER},
	{"SYN,ACK", FLAG_SYN | FLAG_ACK, FLAG_RST, 0, TCPD_DROP_NO_CONNECTION,
	 TCPD_RESET_NO_CONNECTION},
	{"ACK", FLAG_ACK, FLAG_RST, 0, TCPD_DROP_NO_CONNECTION,
	 TCPD_RESET_NO_CONNECTION},
	{"text", FLAG_ACK, FLAG_RST, 10, TCPD_DROP_NO_CONNECTION,
	 TCPD_RESET_NO_CONNECTION},
	{"text without ACK", 0, FLAG_RST | FLAG_ACK, 10,
	 TCPD_DROP_NO_CONNECTION, TCPD_RESET_NO_CONNECTION},
	{"SYN,FIN and text", FLAG_SYN | FLAG_FIN, FLAG_RST | FLAG_ACK, 10,
	 TCPD_DROP_NO_CONNECTION, TCPD_RESET_NO_LISTENER},
	{"RST", FLAG_RST, 0, 0, TCPD_DROP_NO_CONNECTION, 0},
	{"RST,ACK", FLAG_RST | FLAG_ACK, 0, 0, TCPD_DROP_NO_CONNECTION, 0},
};

static const struct row listen_rows[] = {
	{"SYN", FLAG_SYN, FLAG_SYN | FLAG_ACK, 0, -1, -1},
	{"SYN with text", FLAG_SYN, FLAG_SYN | FLAG_ACK, 10, -1, -1},
	{"RST", FLAG_RST, 0, 0, TCPD_DROP_LISTEN_FLAGS, -1},
	{"SYN,RST", FLAG_SYN | FLAG_RST, 0, 0, TCPD_DROP_LISTEN_FLAGS, -1},
	{"ACK", FLAG_ACK, FLAG_RST, 0, TCPD_DROP_NO_CONNECTION,
	 TCPD_RESET_NO_CONNECTION},
	{"SYN,ACK", FLAG_SYN | FLAG_ACK, FLAG_RST, 0, TCPD_DROP_NO_CONNECTION,
	 TCPD_RESET_NO_CONNECTION},
	{"RST,ACK", FLAG_RST | FLAG_ACK, 0, 0, TCPD_DROP_LISTEN_FLAGS, -1},
	{"FIN", FLAG_FIN, 0, 0, TCPD_DROP_LISTEN_FLAGS, -1},
	{"SYN,FIN", FLAG_SYN | FLAG_FIN, 0, 0, TCPD_DROP_LISTEN_FLAGS, -1},
	{"text", FLAG_PSH, 0, 10, TCPD_DROP_LISTEN_FLAGS, -1},
	{"nothing", 0, 0, 0, TCPD_DROP_LISTEN_FLAGS, -1},
};

static void answers(const struct row *row)
{
	struct peer p = peer_new(4, 80, 40000);
	struct packet k, sent = peer_packet(&p, row->flags);

	sent.data = rig.buf;
	sent.len = row->len;
	if (row->flags & FLAG_ACK)
		sent.ack = 12345;
	rig_in(&sent);
	for (int d = 0; d < TCPD_NDROPS; d++)
		ck_assert_msg(rig.t->stat.drops[d] == (d == row->drop),
			      "%s: drop %s", row->name,
			      tcpd_drop_name((enum tcpd_drop)d));
	ck_assert_msg(rig_out(&k) == (row->answer != 0), "%s", row->name);
	if (!row->answer)
		return;
	ck_assert_msg(k.flags == row->answer, "%s: %#x", row->name, k.flags);
	if (!(k.flags & FLAG_RST))
		return;
	ck_assert_uint_eq(rig.t->stat.resets_sent[row->why], 1);
	/* 3.10.7.1: <SEQ=SEG.ACK>, or <SEQ=0><ACK=SEG.SEQ+SEG.LEN> */
	ck_assert_uint_eq(k.seq, row->flags & FLAG_ACK ? 12345 : 0);
	ck_assert_uint_eq(
		k.ack, k.flags & FLAG_ACK ? sent.seq + packet_span(&sent) : 0);
}

START_TEST(demux_closed_answers_by_3_10_7_1)
{
	answers(&closed_rows[_i]);
}
END_TEST

START_TEST(demux_listen_answers_by_3_10_7_2)
{
	rig_listen(80);
	answers(&listen_rows[_i]);
	ck_assert_uint_eq(rig.t->listeners.count, 1);
}
END_TEST

START_TEST(demux_counts_a_super_segment_as_what_it_was_on_the_wire)
{
	struct peer p = peer_new(4, 0, 80);
	struct packet k;

	peer_connect(&p);
	k = peer_packet(&p, FLAG_ACK);
	k.data = rig.buf;
	k.len = 10 * 1448 + 1;
	k.gso = 1448;
	k.sum = SUM_PARTIAL;
	p.c->segs_in = 0;
	rig.t->stat.segments_in = 0;
	rig_in(&k);
	ck_assert_uint_eq(p.c->segs_in, 11);
	ck_assert_uint_eq(p.c->data_segs_in, 11);
	ck_assert_uint_eq(rig.t->stat.segments_in, 11);
	ck_assert_uint_eq(rig.t->stat.segments_super_in, 1);
	ck_assert_uint_eq(p.c->last_rcv, rig.now);
}
END_TEST

/* --- peers that choose their numbers so that they collide */

#define COLLIDERS  100000u
#define PROBE_MOST 12u

/* All of them have one sum of 16-bit words, as an unkeyed hash might take. */
static struct tuple same_sum(uint32_t i)
{
	struct tuple tu = rig_tuple(4, 80, 0);

	tu.peer[13] = (uint8_t)(i >> 16);
	tu.peer[14] = (uint8_t)(i >> 8);
	tu.peer[15] = (uint8_t)i;
	tu.pport = (uint16_t)(0u - (i & 0xffff) - (i >> 16));
	return tu;
}

/* ... one exclusive or of 32-bit words. */
static struct tuple same_xor(uint32_t i)
{
	struct tuple tu = rig_tuple(6, 80, 0);

	for (unsigned k = 0; k < 4; k++)
		tu.peer[4 + k] = tu.peer[8 + k] = (uint8_t)(i >> 8 * k);
	return tu;
}

/* ... one CRC-32: they differ by multiples of its polynomial. */
static struct tuple same_crc(uint32_t i)
{
	struct tuple tu = rig_tuple(6, 80, 0);
	uint64_t m = 0;

	for (unsigned bit = 0; bit < 20; bit++)
		if (i >> bit & 1)
			m ^= UINT64_C(0x104c11db7) << bit;
	for (unsigned k = 0; k < 8; k++)
		tu.peer[15 - k] = (uint8_t)(m >> 8 * k);
	return tu;
}

static uint32_t crc32_of(const struct tuple *tu)
{
	const uint8_t *p = (const uint8_t *)tu;
	uint32_t crc = UINT32_MAX;

	for (size_t i = 0; i < sizeof(*tu); i++) {
		crc ^= (uint32_t)p[i] << 24;
		for (int bit = 0; bit < 8; bit++)
			crc = crc << 1 ^ (crc >> 31 ? 0x04c11db7u : 0);
	}
	return crc;
}

static const struct collide_row {
	const char *name;
	struct tuple (*make)(uint32_t i);
} collide_rows[] = {
	{"the same sum", same_sum},
	{"the same exclusive or", same_xor},
	{"the same CRC", same_crc},
};

START_TEST(demux_tuples_that_collide_elsewhere_are_found_as_quickly)
{
	uint32_t cells = htab_cells(COLLIDERS);
	struct htab_cell *cell = calloc(cells, sizeof(*cell));
	struct tuple a = same_crc(1), b = same_crc(77777);
	struct htab h;

	ck_assert_uint_eq(crc32_of(&a), crc32_of(&b));
	ck_assert_ptr_nonnull(cell);
	htab_init(&h, cell, cells);
	for (uint32_t i = 0; i < COLLIDERS; i++) {
		struct tuple tu = collide_rows[_i].make(i);

		if (!htab_add(&h, tuple_hash(rig.t, &tu), i))
			ck_abort_msg("no cell for tuple %u", i);
	}
	ck_assert_uint_le(htab_longest(&h), PROBE_MOST);
	free(cell);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("demux");
	TCase *tc = rig_case(s, "demux");

	tcase_add_test(
		tc, demux_asks_connection_half_open_time_wait_listener_nobody);
	tcase_add_test(
		tc, demux_takes_a_segment_with_another_tuple_for_another_one);
	tcase_add_loop_test(tc, demux_closed_answers_by_3_10_7_1, 0,
			    ARRAY_SIZE(closed_rows));
	tcase_add_loop_test(tc, demux_listen_answers_by_3_10_7_2, 0,
			    ARRAY_SIZE(listen_rows));
	tcase_add_test(tc,
		       demux_counts_a_super_segment_as_what_it_was_on_the_wire);
	tcase_add_loop_test(
		tc, demux_tuples_that_collide_elsewhere_are_found_as_quickly, 0,
		(int)ARRAY_SIZE(collide_rows));
	return rig_run(s);
}
