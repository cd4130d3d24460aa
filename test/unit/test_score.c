/* SPDX-License-Identifier: MIT */
/*
 * test_score.c - the scoreboard: what SACK blocks mark, whatever their borders
 * are, against a plain array of segments; and that neighbours become one.
 *
 * LINK: test/unit/rig.c
 */
#include "sack_rig.h"

#define N 40u

static struct conn *c;

static unsigned nrecords(void)
{
	unsigned n = 0;

	for (uint32_t link = c->xmit_first; link;
	     link = xmit_at(rig.t, link - 1)->next)
		n++;
	return n;
}

START_TEST(score_of_a_block_is_its_octets_once)
{
	c = sack_conn(N);
	ck_assert_uint_eq(sack_send(c, N), N);
	sack_ack(c, 0, 10, 12);
	ck_assert_uint_eq(c->sacked, 2 * RIG_MSS);
	ck_assert_uint_eq(flow_of(rig.t, c)->nsacked, 2);
	sack_ack(c, 0, 10, 12);
	ck_assert_uint_eq(c->sacked, 2 * RIG_MSS);
	sack_ack(c, 0, 9, 14);
	ck_assert_uint_eq(c->sacked, 5 * RIG_MSS);
	sack_ack(c, 16, 16, 16);
	ck_assert_uint_eq(c->sacked | flow_of(rig.t, c)->nsacked, 0);
}
END_TEST

START_TEST(score_makes_one_record_of_neighbours)
{
	c = sack_conn(N);
	sack_send(c, N);
	for (unsigned i = 1; i < N; i += 2)
		sack_ack(c, 0, i, i + 1);
	for (unsigned i = 2; i < N; i += 2)
		sack_ack(c, 0, i, i + 1);
	ck_assert_uint_eq(nrecords(), 2);
	ck_assert_uint_eq(c->sacked, (N - 1) * RIG_MSS);
}
END_TEST

/* A super-segment arrives in segments: a block with other borders marks those
 * that lie in it as a whole. */
START_TEST(score_cuts_a_super_segment_at_its_segments)
{
	struct segment s = {.nwire = 1};

	rig.t->set.tso4 = rig.t->set.csum = true;
	c = sack_conn(N);
	ck_assert_uint_eq(sack_send(c, N), 1);
	s.tu = c->tu;
	s.h.flags = TCP_ACK;
	s.h.seq = c->rcv_nxt;
	s.h.ack = seg_at(0);
	s.h.wnd = 65535;
	s.h.opt.nsacks = 1;
	s.h.opt.sack[0].left = seg_at(3) + 1;
	s.h.opt.sack[0].right = seg_at(6) - 1;
	tcp_input(rig.t, &s);
	ck_assert_uint_eq(c->sacked, RIG_MSS);
	ck_assert(sack_record(c, 4)->flags & XMIT_SACKED);
	ck_assert(!(sack_record(c, 3)->flags & XMIT_SACKED));
	ck_assert(!(sack_record(c, 5)->flags & XMIT_SACKED));
	ck_assert_uint_eq(nrecords(), 3);
	ck_assert_ptr_null(tcpd_check(rig.st));
}
END_TEST

/* Any blocks in any order, and acknowledgments between: tcpd_check() adds up,
 * and each segment is what a plain array says. */
START_TEST(score_is_what_a_plain_array_says)
{
	struct rng r = {.state = (uint64_t)_i + 1};
	bool sacked[N] = {0};
	unsigned una = 0;

	rig.t->set.tso4 = rig.t->set.csum = _i % 2;
	c = sack_conn(4 * N);
	sack_send(c, N);
	while (una < N) {
		unsigned left = una + 1 + rng_below(&r, N - una);
		unsigned right = left + 1 + rng_below(&r, 6);

		right = min_u32(right, N);
		if (rng_below(&r, 4) == 0)
			una += rng_below(&r, 3);
		left = max_u32(left, una + 1);
		una = min_u32(una, N);
		if (left >= right)
			left = right = una;
		for (unsigned i = left; i < right; i++)
			sacked[i] = true;
		sack_ack(c, una, left, right);
		rig_drain();
		for (unsigned i = una; i < N; i++)
			ck_assert_msg(sacked[i] == !!(sack_record(c, i)->flags &
						      XMIT_SACKED),
				      "segment %u with SND.UNA at %u", i, una);
		if (rng_below(&r, 5) == 0)
			una++;
	}
}
END_TEST

START_TEST(score_of_reneging_marks_all_lost)
{
	c = sack_conn(N);
	sack_send(c, N);
	sack_ack(c, 0, 5, 20);
	score_renege(rig.t, c);
	ck_assert_uint_eq(c->sacked | flow_of(rig.t, c)->nsacked, 0);
	ck_assert(xmit_waits(sack_record(c, 5)));
	ck_assert_uint_ge(c->lost, 15 * RIG_MSS);
}
END_TEST

START_TEST(score_of_none_lost_is_in_flight_by_time)
{
	c = sack_conn(N);
	for (unsigned i = 0; i < 4; i++) {
		sack_send(c, 5);
		rig_pass(TCPD_MS(1));
	}
	for (unsigned i = 1; i < 15; i += 3)
		score_lost(rig.t, c, sack_record(c, i));
	ck_assert_uint_eq(c->lost, 5 * RIG_MSS);
	score_none_lost(rig.t, c);
	ck_assert_uint_eq(c->lost, 0);
	ck_assert_uint_eq(c->lost_root, 0);
	ck_assert_ptr_null(tcpd_check(rig.st));
}
END_TEST

int main(void)
{
	Suite *s = suite_create("score");
	TCase *tc = rig_case(s, "score");

	tcase_add_test(tc, score_of_a_block_is_its_octets_once);
	tcase_add_test(tc, score_makes_one_record_of_neighbours);
	tcase_add_test(tc, score_cuts_a_super_segment_at_its_segments);
	tcase_add_loop_test(tc, score_is_what_a_plain_array_says, 0, 20);
	tcase_add_test(tc, score_of_reneging_marks_all_lost);
	tcase_add_test(tc, score_of_none_lost_is_in_flight_by_time);
	return rig_run(s);
}
