/* SPDX-License-Identifier: MIT */
/*
 * test_undo.c - a recovery that was for nothing: who says so, and what is
 * restored.
 *
 * LINK: test/unit/rig.c
 */
#include "sack_rig.h"

static struct conn *c;
static struct flow *f;

/* Ten in flight, the first is sent again. */
static void recovering(void)
{
	c = sack_conn(10);
	sack_send(c, 10);
	f = flow_of(rig.t, c);
	rig_pass(SACK_RTT);
	sack_ack(c, 0, 1, 5);
	ck_assert_int_eq(c->recovery, REC_FAST);
	ck_assert_uint_ge(rig_drain(), 1);
}

/* A D-SACK of segments [left, right), all up to |una| acknowledged. */
static void twice(unsigned una, unsigned left, unsigned right)
{
	sack_ack(c, una, left, right);
}

START_TEST(undo_by_dsack_of_all_that_went_again)
{
	recovering();
	sack_ack(c, 10, 10, 10);
	ck_assert_uint_eq(c->ccs.ssthresh, 5 * RIG_MSS);
	twice(10, 0, 1);
	ck_assert_uint_eq(c->ccs.cwnd, 10 * RIG_MSS);
	ck_assert_uint_eq(c->ccs.ssthresh, UINT32_MAX);
	ck_assert_uint_eq(rig.t->stat.recovery_undone, 1);
	twice(10, 0, 1);
	ck_assert_uint_eq(rig.t->stat.recovery_undone, 1);
}
END_TEST

START_TEST(undo_is_not_by_a_dsack_of_a_part)
{
	recovering();
	f->undo_octets += RIG_MSS; /* another one went again */
	sack_ack(c, 10, 10, 10);
	twice(10, 0, 1);
	ck_assert_uint_eq(rig.t->stat.recovery_undone, 0);
}
END_TEST

START_TEST(undo_is_not_by_a_dsack_of_what_was_before)
{
	c = sack_conn(10);
	sack_send(c, 10);
	rig_pass(SACK_RTT);
	sack_ack(c, 5, 5, 5);
	f = flow_of(rig.t, c);
	sack_ack(c, 5, 6, 10);
	ck_assert_int_eq(c->recovery, REC_FAST);
	rig_drain();
	twice(5, 0, 1);
	ck_assert_uint_eq(rig.t->stat.recovery_undone, 0);
}
END_TEST

START_TEST(undo_takes_back_what_was_marked_lost)
{
	recovering();
	score_lost(rig.t, c, sack_record(c, 6));
	f->undo_octets = 0;
	c->ts = true;
	f->undo_ts = ts_now(rig.t, &c->tu);
	{
		struct segment s = {.tu = c->tu, .nwire = 1};
		struct news n = {.seg = &s, .acked = 1};

		s.h.opt.has_ts = true;
		s.h.opt.ts_ecr = f->undo_ts;
		ck_assert(!undo_heard(rig.t, c, &n));
		s.h.opt.ts_ecr = f->undo_ts - 1;
		ck_assert(undo_heard(rig.t, c, &n));
	}
	ck_assert(!xmit_waits(sack_record(c, 6)));
	ck_assert(f->reordering);
}
END_TEST

/* The ACKs that begin a recovery and end it come in one batch. */
START_TEST(undo_when_nothing_went_again)
{
	c = sack_conn(10);
	sack_send(c, 10);
	rig_pass(SACK_RTT);
	sack_ack(c, 0, 1, 5);
	ck_assert_int_eq(c->recovery, REC_FAST);
	sack_ack(c, 5, 5, 5);
	ck_assert_int_eq(c->recovery, REC_OPEN);
	ck_assert_uint_eq(c->ccs.ssthresh, UINT32_MAX);
	ck_assert_uint_eq(c->ccs.cwnd, 10 * RIG_MSS);
	ck_assert_uint_eq(c->retransmits, 0);
}
END_TEST

static const struct verdict {
	const char *name;
	enum frto was;
	bool sack, original;
	uint32_t acked, unsent;
	enum frto_verdict want;
} verdicts[] = {
	{"nothing was asked", FRTO_NONE, true, true, 1, 1, FRTO_LOST},
	{"SACK, an original", FRTO_AGAIN, true, true, 0, 1, FRTO_SPURIOUS},
	{"SACK, only the repeated one", FRTO_AGAIN, true, false, 1, 1,
	 FRTO_WAIT},
	{"... and nothing new to send", FRTO_AGAIN, true, false, 1, 0,
	 FRTO_LOST},
	{"no SACK, an original at first", FRTO_AGAIN, false, true, 1, 1,
	 FRTO_WAIT},
	{"no SACK, an original then", FRTO_NEW, false, true, 1, 1,
	 FRTO_SPURIOUS},
	{"no SACK, a duplicate first", FRTO_AGAIN, false, false, 0, 1,
	 FRTO_LOST},
	{"no SACK, a duplicate then", FRTO_NEW, false, false, 0, 1, FRTO_LOST},
};

START_TEST(undo_by_frto_hears_what_rfc_5682_says)
{
	const struct verdict *v = &verdicts[_i];
	struct news n = {.acked = v->acked, .original = v->original};

	c = sack_conn(10);
	sack_send(c, 3);
	f = flow_of(rig.t, c);
	undo_begin(rig.t, c);
	c->sack = v->sack;
	c->recovery = REC_RTO;
	f->frto = v->was;
	if (v->unsent)
		rig_fill(c, 1, 3 * RIG_MSS, RIG_MSS);
	ck_assert_msg(frto_heard(rig.t, c, &n) == v->want, "%s", v->name);
	ck_assert_uint_eq(f->frto_room, v->want == FRTO_WAIT ? 2 * RIG_MSS : 0);
}
END_TEST

START_TEST(undo_by_frto_is_not_asked_within_a_recovery)
{
	recovering();
	frto_begin(rig.t, c);
	ck_assert_int_eq(f->frto, FRTO_NONE);
	c->recovery = REC_OPEN;
	frto_begin(rig.t, c);
	ck_assert_int_eq(f->frto, FRTO_AGAIN);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("undo");
	TCase *tc = rig_case(s, "undo");

	tcase_add_test(tc, undo_by_dsack_of_all_that_went_again);
	tcase_add_test(tc, undo_is_not_by_a_dsack_of_a_part);
	tcase_add_test(tc, undo_is_not_by_a_dsack_of_what_was_before);
	tcase_add_test(tc, undo_takes_back_what_was_marked_lost);
	tcase_add_test(tc, undo_when_nothing_went_again);
	tcase_add_loop_test(tc, undo_by_frto_hears_what_rfc_5682_says, 0,
			    ARRAY_SIZE(verdicts));
	tcase_add_test(tc, undo_by_frto_is_not_asked_within_a_recovery);
	return rig_run(s);
}
