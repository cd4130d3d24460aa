/* SPDX-License-Identifier: MIT */
/*
 * test_rst.c - resets with and without a connection and their budget, challenge
 * ACKs and their limits, and the queue of replies.
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

/* What is pushed by |push| until there is no room; the queue is empty at first.
 */
static unsigned fits(bool (*push)(struct tcp *t, const struct reply *r))
{
	struct reply r = {.tu = rig_tuple(4, 80, 1234),
			  .kind = REPLY_SEGMENT,
			  .flags = TCP_RST};
	uint64_t full = rig.t->stat.drops[TCPD_DROP_REPLY_FULL];

	while (push(rig.t, &r))
		r.seq++;
	ck_assert_uint_eq(rig.t->stat.drops[TCPD_DROP_REPLY_FULL], full + 1);
	return r.seq;
}

START_TEST(reply_queue_is_in_order_and_has_an_end)
{
	for (unsigned round = 0; round < 5; round++) { /* around its end */
		unsigned n = fits(reply_push_own);

		ck_assert_uint_eq(n, NREPLIES);
		for (unsigned i = 0; i < n; i++)
			ck_assert_uint_eq(rig_expect(FLAG_RST).seq, i);
		rig_expect_nothing();
	}
}
END_TEST

/* What connections have to say still finds a place. */
START_TEST(reply_queue_full_of_strangers_has_room_for_connections)
{
	struct conn *c = rig_conn(1000, 2000);
	unsigned n = fits(reply_push);
	struct packet k;

	ck_assert_uint_eq(n, NREPLIES - NREPLIES_OWN);
	for (unsigned i = 0; i < NREPLIES_OWN; i++)
		rst_send(rig.t, c, TCPD_RESET_ABORT);
	ck_assert_uint_eq(rig_drain(), NREPLIES);
	ck_assert_uint_eq(rig.t->stat.resets_sent[TCPD_RESET_ABORT],
			  NREPLIES_OWN);
	/* one that the device refuses keeps its place among them */
	n = fits(reply_push_own);
	ck_assert(tcpd_output(rig.st, &rig.out, rig.now));
	tcpd_output_done(rig.st, &rig.out, 1, rig.now);
	for (unsigned i = 1; i < n; i++)
		ck_assert_uint_eq(rig_expect(FLAG_RST).seq, i);
	k = rig_expect(FLAG_RST);
	ck_assert_uint_eq(k.seq, 0);
}
END_TEST

/* The device takes one packet a turn, and a flood asks for one a turn: the
 * queue of answers is never empty, and connections are heard all the same. */
START_TEST(reply_queue_that_never_empties_holds_up_no_connection)
{
	struct reply r = {.tu = rig_tuple(4, 80, 1234),
			  .kind = REPLY_SEGMENT,
			  .flags = TCP_RST};
	struct conn *c = rig_conn(1000, 2000);
	unsigned acks = 0;
	struct packet k;

	fits(reply_push);
	for (unsigned i = 0; i < 1000; i++) {
		delack_now(rig.t, c);
		ck_assert(rig_out(&k));
		acks += k.flags == FLAG_ACK;
		(void)reply_push(rig.t, &r);
	}
	ck_assert_uint_ge(acks, 10);
}
END_TEST

/* --- the budget of those that belong to no connection */

static void answer_to(uint32_t source)
{
	struct segment s = segment(TCP_ACK, 0);

	for (int i = 0; i < 4; i++)
		s.tu.peer[12 + i] = (uint8_t)(source >> 8 * i);
	rst_answer(rig.t, &s, TCPD_RESET_NO_CONNECTION);
}

/* |n| segments a millisecond for |ms|, from one source: RSTs out. */
static unsigned flood(unsigned n, unsigned ms)
{
	unsigned out = 0;

	for (unsigned i = 0; i < ms; i++, rig_pass(TCPD_MS(1))) {
		for (unsigned k = 0; k < n; k++)
			answer_to(1);
		out += rig_drain();
	}
	return out;
}

static const uint32_t rates[] = {0, 1, 10, 1000, 10000, 100000};

START_TEST(rst_budget_is_what_was_set)
{
	uint64_t rate = rates[_i], n;

	rig.t->set.resets_per_second = rates[_i];
	n = flood(300, 3000);
	/* a tenth of it at once, and the first of each second beside it */
	ck_assert_uint_ge(n, 3 * rate);
	ck_assert_uint_le(n, 3 * rate + rate / 10 + 5);
	ck_assert_uint_eq(rig.t->stat.segments_resets_held, 900000 - n);
	ck_assert_uint_eq(rig.t->stat.resets_sent[TCPD_RESET_NO_CONNECTION], n);
}
END_TEST

/* attacks.md, 1.1: whatever the flood, the first to a source goes. */
START_TEST(rst_flood_leaves_an_honest_source_its_first)
{
	uint32_t source = 1000;
	struct packet k;

	for (unsigned ms = 0; ms < 2000; ms++, rig_pass(TCPD_MS(1))) {
		for (unsigned i = 0; i < 100; i++)
			answer_to(ms % 2 ? 7 : source++); /* few, and many */
		rig_drain();
		answer_to(0x80000000u + ms);
		ck_assert_msg(rig_out(&k), "at %u ms", ms);
		ck_assert_uint_eq(k.dst[15], 0x80);
		rig_expect_nothing();
	}
	ck_assert_uint_gt(rig.t->stat.segments_resets_held, 80000);
}
END_TEST

START_TEST(rst_to_the_same_source_goes_again_after_a_second)
{
	rig.t->set.resets_per_second = 0;
	answer_to(1);
	answer_to(1);
	ck_assert_uint_eq(rig_drain(), 1);
	rig_pass(TCPD_MS(999));
	answer_to(1);
	answer_to(2);
	ck_assert_uint_eq(rig_drain(), 1);
	rig_pass(TCPD_MS(1));
	answer_to(1);
	ck_assert_uint_eq(rig_drain(), 1);
}
END_TEST

/* --- what people are told of it */

static struct tcpd_trace next_trace(void)
{
	struct tcpd_trace tr = {0};
	uint64_t lost;

	ck_assert(tcpd_next_trace(rig.st, &tr, &lost));
	ck_assert_uint_eq(lost, 0);
	return tr;
}

START_TEST(rst_that_left_is_told_with_its_cause)
{
	struct conn *c = rig_conn(1, 1);
	struct tcpd_trace tr;
	uint64_t lost;

	rst_send(rig.t, c, TCPD_RESET_UNREAD_DATA);
	answer_to(1);
	/* not before it has left */
	ck_assert(!tcpd_next_trace(rig.st, &tr, &lost));
	ck_assert(tcpd_output(rig.st, &rig.out, rig.now));
	tcpd_output_done(rig.st, &rig.out, 1, rig.now);
	ck_assert(!tcpd_next_trace(rig.st, &tr, &lost));
	rig_expect(FLAG_RST);
	ck_assert_uint_eq(rig.out.rst, 1 + TCPD_RESET_NO_CONNECTION);
	tr = next_trace();
	ck_assert_int_eq(tr.kind, TCPD_TRACE_RST_SENT);
	ck_assert_str_eq(tr.event, "no_connection");
	ck_assert_uint_eq(tr.id, 0);
	rig_expect(FLAG_RST | FLAG_ACK);
	ck_assert_uint_eq(rig.out.rst, 1 + TCPD_RESET_UNREAD_DATA);
	tr = next_trace();
	ck_assert_int_eq(tr.kind, TCPD_TRACE_RST_SENT);
	ck_assert_str_eq(tr.event, "unread_data");
	ck_assert_uint_eq(tr.id, c->id);
	ck_assert_uint_eq(tr.peer.port, c->tu.pport);
	delack_now(rig.t, c);
	rig_expect(FLAG_ACK);
	ck_assert_uint_eq(rig.out.rst, 0);
}
END_TEST

/* A flood is told in ten lines a second; what a connection does is not among
 * those that are left out. */
START_TEST(rst_flood_is_told_in_few_lines)
{
	struct conn *c = rig_conn(1, 1);
	struct segment s = segment(TCP_RST, 0);
	struct tcpd_trace tr;
	uint64_t lost;

	for (unsigned i = 0; i < 1000; i++)
		rst_ignored(rig.t, 0, &s, TCPD_DROP_NO_CONNECTION);
	ck_assert_uint_eq(rig.t->stat.drops[TCPD_DROP_NO_CONNECTION], 1000);
	rst_taken(rig.t, c->id, &s, TCPD_RESET_ABORT);
	for (unsigned i = 0; i < 10; i++) {
		tr = next_trace();
		ck_assert_int_eq(tr.kind, TCPD_TRACE_RST_IGNORED);
		ck_assert_str_eq(tr.event, "no_connection");
		ck_assert_uint_eq(tr.left_out, 0);
	}
	tr = next_trace();
	ck_assert_int_eq(tr.kind, TCPD_TRACE_RST_RECEIVED);
	ck_assert_uint_eq(tr.id, c->id);
	ck_assert_uint_eq(tr.left_out, 0);
	ck_assert(!tcpd_next_trace(rig.st, &tr, &lost));
	rig_pass(TCPD_SEC(1));
	answer_to(1);
	rig_drain();
	tr = next_trace();
	ck_assert_int_eq(tr.kind, TCPD_TRACE_RST_SENT);
	ck_assert_uint_eq(tr.left_out, 990);
	answer_to(2);
	rig_drain();
	ck_assert_uint_eq(next_trace().left_out, 0);
	/* and when none comes any more, the last one says it a second later */
	for (unsigned i = 0; i < 1000; i++)
		rst_ignored(rig.t, 9, &s, TCPD_DROP_SEQUENCE);
	for (unsigned i = 0; i < 8; i++)
		ck_assert_uint_eq(next_trace().left_out, 0);
	rig_pass(TCPD_MS(999));
	ck_assert(!tcpd_next_trace(rig.st, &tr, &lost));
	rig_pass(TCPD_MS(1));
	tr = next_trace();
	ck_assert_int_eq(tr.kind, TCPD_TRACE_RST_IGNORED);
	ck_assert_uint_eq(tr.id, 9);
	ck_assert_uint_eq(tr.left_out, 991);
	rig_pass(TCPD_SEC(5));
	ck_assert(!tcpd_next_trace(rig.st, &tr, &lost));
}
END_TEST

static const struct cause_row {
	uint8_t flags;
	bool after_fin;
	enum tcpd_reset why;
} causes[] = {
	{TCP_RST, false, TCPD_RESET_NO_CONNECTION},
	{TCP_RST | TCP_ACK, false, TCPD_RESET_ABORT},
	{TCP_RST, true, TCPD_RESET_AFTER_CLOSE},
	{TCP_RST | TCP_ACK, true, TCPD_RESET_AFTER_CLOSE},
};

START_TEST(rst_cause_is_what_the_wire_tells)
{
	struct segment s = segment(causes[_i].flags, 0);

	ck_assert_int_eq(rst_cause(&s, causes[_i].after_fin), causes[_i].why);
}
END_TEST

/* attacks.md, row 13: at most 100 in any second. */
START_TEST(rst_repeat_is_a_hundred_a_second_at_most)
{
	static unsigned out[3000];
	struct conn *c = rig_conn(1, 1), *d = rig_conn(1, 1);
	unsigned sum = 0;

	for (unsigned ms = 0; ms < 3000; ms++, rig_pass(TCPD_MS(1))) {
		for (unsigned i = 0; i < 7; i++)
			rst_repeat(rig.t, c);
		out[ms] = rig_drain();
		sum += out[ms];
		if (ms >= 1000)
			sum -= out[ms - 1000];
		ck_assert_uint_le(sum, 100);
	}
	ck_assert_uint_ge(sum, 50);
	rst_repeat(rig.t, d); /* nobody else's */
	ck_assert_uint_eq(rig_drain(), 1);
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
	tcase_add_test(tc, rst_repeat_is_a_hundred_a_second_at_most);
	tcase_add_test(tc, reply_queue_is_in_order_and_has_an_end);
	tcase_add_test(tc,
		       reply_queue_full_of_strangers_has_room_for_connections);
	tcase_add_test(tc,
		       reply_queue_that_never_empties_holds_up_no_connection);
	tcase_add_loop_test(tc, rst_budget_is_what_was_set, 0,
			    ARRAY_SIZE(rates));
	tcase_add_test(tc, rst_flood_leaves_an_honest_source_its_first);
	tcase_add_test(tc, rst_that_left_is_told_with_its_cause);
	tcase_add_test(tc, rst_flood_is_told_in_few_lines);
	tcase_add_loop_test(tc, rst_cause_is_what_the_wire_tells, 0,
			    ARRAY_SIZE(causes));
	tcase_add_test(tc, rst_to_the_same_source_goes_again_after_a_second);
	return rig_run(s);
}
