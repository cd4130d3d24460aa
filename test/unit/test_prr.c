/* SPDX-License-Identifier: MIT */
/*
 * test_prr.c - RFC 9937, 6, on numbers: what a recovery begins with, and what
 * each ACK of it lets go.
 *
 * LINK: test/unit/rig.c
 */
#include "sack_rig.h"

#define M RIG_MSS

static struct conn c;
static struct flow f;

static void flying(unsigned out, unsigned sacked, unsigned lost,
		   unsigned resent, unsigned ssthresh)
{
	c = (struct conn){.mss = M,
			  .octets_acked = 1, /* the SYN is, too */
			  .snd_nxt = out * M,
			  .sacked = sacked * M,
			  .lost = lost * M,
			  .resent = resent * M};
	c.ccs.ssthresh = ssthresh * M;
	c.ccs.cwnd = out * M;
}

START_TEST(prr_begins_with_what_was_in_flight_before_the_ack)
{
	struct news n = {.delivered = 3 * M};

	flying(20, 3, 1, 0, 10); /* 9937-1 */
	f.prr_delivered = f.prr_out = 7;
	prr_begin(&c, &f, &n);
	ck_assert_uint_eq(f.recover_fs, 20 * M);
	ck_assert_uint_eq(f.prr_delivered | f.prr_out, 0);
}
END_TEST

START_TEST(prr_leaves_out_what_is_sacked_or_lost)
{
	flying(20, 5, 4, 2, 10); /* 9937-3 */
	ck_assert_uint_eq(conn_pipe(&c), 13 * M);
}
END_TEST

START_TEST(prr_does_nothing_for_an_ack_that_delivers_nothing)
{
	struct news n = {0};

	flying(20, 5, 4, 2, 10); /* 9937-2 */
	prr_heard(&c, &f, &n);
	ck_assert_uint_eq(c.ccs.cwnd, 20 * M);
}
END_TEST

/* 9937-4, 9937-6, 9937-7: one segment an ACK, of 20 to 14. */
START_TEST(prr_sends_in_proportion)
{
	struct news n = {.delivered = M};
	unsigned sent = 0;

	flying(20, 0, 1, 0, 14);
	f = (struct flow){.recover_fs = 20 * M};
	for (unsigned i = 1; i <= 10; i++) {
		uint32_t room;

		c.sacked += M;
		prr_heard(&c, &f, &n);
		room = c.ccs.cwnd - conn_pipe(&c);
		if (i == 1)
			ck_assert_uint_ge(room, M);
		for (; room >= M; room -= M) {
			c.snd_nxt += M;
			prr_sent(&f, M);
			sent++;
		}
	}
	ck_assert_uint_eq(sent, 7);
	ck_assert_uint_eq(f.prr_out, 7 * M);
}
END_TEST

static const struct low {
	const char *name;
	uint32_t delivered, acked, lost, room;
} lows[] = {
	{"a safe ACK: one more", M, M, 0, 2 * M},
	{"one that shows another loss", M, M, M, M},
	{"a duplicate", M, 0, 0, M},
	{"no more than ssthresh", 20 * M, M, 0, 8 * M},
};

/* 9937-5: two in flight, ten are to be. */
START_TEST(prr_catches_up_when_too_little_is_in_flight)
{
	const struct low *l = &lows[_i];
	struct news n = {
		.delivered = l->delivered, .acked = l->acked, .lost = l->lost};

	flying(20, 10, 8, 0, 10);
	f = (struct flow){
		.recover_fs = 20 * M, .prr_delivered = 5 * M, .prr_out = 5 * M};
	prr_heard(&c, &f, &n);
	ck_assert_msg(c.ccs.cwnd == 2 * M + l->room, "%s: %u", l->name,
		      c.ccs.cwnd);
}
END_TEST

/* 9937-9: a thousand duplicate ACKs without SACK. */
START_TEST(prr_without_sack_counts_no_more_than_was_in_flight)
{
	struct conn *k = sack_conn(20);
	unsigned sent;

	k->sack = false;
	sack_send(k, 20);
	rig_pass(SACK_RTT);
	for (unsigned i = 0; i < 3; i++)
		sack_ack(k, 0, 0, 0);
	sent = rig_drain();
	rig_fill(k, 1, 20 * RIG_MSS, 40 * RIG_MSS);
	for (unsigned i = 0; i < 1000; i++) {
		sack_ack(k, 0, 0, 0);
		sent += rig_drain();
	}
	ck_assert_uint_le(sent, 20);
	ck_assert_uint_le(k->ccs.cwnd, 20 * RIG_MSS);
}
END_TEST

START_TEST(prr_ends_with_ssthresh)
{
	struct conn *k = sack_conn(20);

	sack_send(k, 20); /* 9937-8 */
	rig_pass(SACK_RTT);
	sack_ack(k, 0, 1, 5);
	ck_assert_int_eq(k->recovery, REC_FAST);
	ck_assert_uint_eq(k->ccs.ssthresh, 10 * RIG_MSS);
	rig_drain();
	sack_ack(k, 20, 20, 20);
	ck_assert_int_eq(k->recovery, REC_OPEN);
	ck_assert_uint_eq(k->ccs.cwnd, 10 * RIG_MSS);
}
END_TEST

/* 8985-22: fifty are lost, and five may be in flight: no burst. */
START_TEST(prr_sends_no_burst_of_what_is_lost)
{
	struct conn *k = sack_conn(60);

	sack_send(k, 60);
	rig_pass(SACK_RTT);
	k->ccs.cwnd = 10 * RIG_MSS;
	sack_ack(k, 0, 55, 59);
	ck_assert_uint_ge(k->lost, 50 * RIG_MSS);
	ck_assert_uint_le(rig_drain(), 5);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("prr");
	TCase *tc = rig_case(s, "prr");

	tcase_add_test(tc, prr_begins_with_what_was_in_flight_before_the_ack);
	tcase_add_test(tc, prr_leaves_out_what_is_sacked_or_lost);
	tcase_add_test(tc, prr_does_nothing_for_an_ack_that_delivers_nothing);
	tcase_add_test(tc, prr_sends_in_proportion);
	tcase_add_loop_test(tc, prr_catches_up_when_too_little_is_in_flight, 0,
			    ARRAY_SIZE(lows));
	tcase_add_test(tc, prr_without_sack_counts_no_more_than_was_in_flight);
	tcase_add_test(tc, prr_ends_with_ssthresh);
	tcase_add_test(tc, prr_sends_no_burst_of_what_is_lost);
	return rig_run(s);
}
