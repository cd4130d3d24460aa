/* SPDX-License-Identifier: MIT */
/*
 * test_rst.c - resets with and without a connection, challenge ACKs and their
 * limit, and the queue of replies.
 *
 * LINK: test/unit/rig.c
 */
#include <string.h>

#include "rig.h"

static struct segment segment(uint8_t flags, uint32_t len)
{
	struct segment s = {
		.tu = rig_tuple(4, 80, 1234), .nwire = 1, .len = len};

	s.h.flags = flags;
	s.h.seq = 5000;
	s.h.ack = 7000;
	return s;
}

static const struct row {
	const char *name;
	uint8_t flags, answer;
	uint32_t len, seq, ack;
} rows[] = {
	{"ACK", TCP_ACK, FLAG_RST, 0, 7000, 0},
	{"ACK with text", TCP_ACK, FLAG_RST, 10, 7000, 0},
	{"SYN", TCP_SYN, FLAG_RST | FLAG_ACK, 0, 0, 5001},
	{"SYN with text", TCP_SYN, FLAG_RST | FLAG_ACK, 10, 0, 5011},
	{"FIN with text", TCP_FIN, FLAG_RST | FLAG_ACK, 10, 0, 5011},
	{"nothing", 0, FLAG_RST | FLAG_ACK, 0, 0, 5000},
};

START_TEST(rst_answer_is_that_of_3_10_7_1)
{
	const struct row *row = &rows[_i];
	struct segment s = segment(row->flags, row->len);
	uint32_t val, ecr;
	struct packet k;

	s.h.opt.has_ts = _i % 2;
	s.h.opt.ts_val = 42;
	rst_answer(rig.t, &s, TCPD_RESET_BAD_ACK);
	ck_assert(rig_out(&k));
	ck_assert_msg(k.flags == row->answer && k.seq == row->seq &&
			      k.ack == row->ack,
		      "%s: %#x %u %u", row->name, k.flags, k.seq, k.ack);
	ck_assert_uint_eq(k.sport, 80);
	ck_assert_uint_eq(k.dport, 1234);
	ck_assert_int_eq(packet_ts(&k, &val, &ecr), _i % 2); /* 7323, 5.2 */
	if (_i % 2)
		ck_assert_uint_eq(ecr, 42);
	ck_assert_uint_eq(rig.out.id, 0);
	ck_assert_uint_eq(rig.t->stat.resets_sent[TCPD_RESET_BAD_ACK], 1);
}
END_TEST

START_TEST(rst_of_a_connection_has_its_numbers)
{
	struct conn *c = rig_conn(1000, 2000);
	uint32_t val, ecr;
	struct packet k;

	c->ts = true;
	c->ts_recent = 55;
	rst_send(rig.t, c, TCPD_RESET_TIMEOUT);
	k = rig_expect(FLAG_RST | FLAG_ACK);
	ck_assert_uint_eq(k.seq, 1001);
	ck_assert_uint_eq(k.ack, 2001);
	ck_assert(packet_ts(&k, &val, &ecr));
	ck_assert_uint_eq(val, ts_now(rig.t, &c->tu));
	ck_assert_uint_eq(ecr, 55);
	ck_assert_uint_eq(rig.out.id, c->id);
	ck_assert_uint_eq(rig.t->stat.resets_sent[TCPD_RESET_TIMEOUT], 1);
}
END_TEST

/* RFC 5961, 7: one in 500 ms of a connection, and no connection's limit is
 * another's. */
START_TEST(rst_challenge_goes_once_in_500_ms)
{
	struct conn *a = rig_conn(1, 1), *b = rig_conn(1, 1);

	rst_challenge(rig.t, a);
	rst_challenge(rig.t, b);
	ck_assert_uint_eq(rig_drain(), 2);
	rst_challenge(rig.t, a);
	rig_pass(TCPD_MS(499));
	rst_challenge(rig.t, a);
	ck_assert_uint_eq(rig_drain(), 0);
	ck_assert_uint_eq(rig.t->stat.segments_challenge_held, 2);
	rig_pass(TCPD_MS(1));
	rst_challenge(rig.t, a);
	ck_assert_uint_eq(rig_drain(), 1);
	ck_assert_uint_eq(rig.t->stat.segments_challenge_acks, 3);
}
END_TEST

START_TEST(rst_reassures_only_so_often)
{
	struct conn *c = rig_conn(1, 1);
	unsigned first;

	for (unsigned i = 0; i < 1000; i++)
		rst_reassure(rig.t, c);
	first = rig_drain();
	ck_assert(first > 0 && first <= 16);
	rst_reassure(rig.t, c);
	ck_assert_uint_eq(rig_drain(), 0);
	rig_pass(TCPD_MS(500));
	rst_reassure(rig.t, c);
	ck_assert_uint_eq(rig_drain(), 1);
}
END_TEST

START_TEST(reply_queue_is_in_order_and_has_an_end)
{
	struct segment s = segment(TCP_ACK, 0);

	for (unsigned round = 0; round < 3; round++) { /* around its end */
		for (unsigned i = 0; i < NREPLIES; i++) {
			s.h.ack = round * 10000 + i;
			rst_answer(rig.t, &s, TCPD_RESET_BAD_ACK);
		}
		rst_answer(rig.t, &s, TCPD_RESET_BAD_ACK);
		ck_assert_uint_eq(rig.t->stat.drops[TCPD_DROP_REPLY_FULL],
				  round + 1);
		for (unsigned i = 0; i < NREPLIES; i++)
			ck_assert_uint_eq(rig_expect(FLAG_RST).seq,
					  round * 10000 + i);
		rig_expect_nothing();
		s.h.ack = 1;
		rst_answer(rig.t, &s, TCPD_RESET_BAD_ACK);
		rig_drain();
	}
}
END_TEST

int main(void)
{
	Suite *s = suite_create("rst");
	TCase *tc = rig_case(s, "resets");

	tcase_add_loop_test(tc, rst_answer_is_that_of_3_10_7_1, 0,
			    ARRAY_SIZE(rows));
	tcase_add_test(tc, rst_of_a_connection_has_its_numbers);
	tcase_add_test(tc, rst_challenge_goes_once_in_500_ms);
	tcase_add_test(tc, rst_reassures_only_so_often);
	tcase_add_test(tc, reply_queue_is_in_order_and_has_an_end);
	return rig_run(s);
}
