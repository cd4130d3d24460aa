/* SPDX-License-Identifier: MIT */
/*
 * test_ack.c - an acknowledgment: what it frees, what it measures (Karn), and
 * what counts as a duplicate.
 *
 * LINK: test/unit/rig.c
 */
#include <string.h>

#include "rig.h"

static struct conn *c;

/* |n| octets queued and sent, as the windows allow. */
static void send(uint32_t n)
{
	rig_fill(c, 1, c->sq.end - c->iss - 1, n);
	conn_want_output(rig.t, c);
	rig_drain();
}

static struct segment ack_of(uint32_t octets)
{
	struct segment s = {.tu = c->tu, .nwire = 1};

	s.h.flags = TCP_ACK;
	s.h.seq = c->rcv_nxt;
	s.h.ack = c->snd_una + octets;
	s.h.wnd = (uint16_t)(c->snd_wnd >> c->snd_wscale);
	return s;
}

static void acked(uint32_t octets)
{
	struct segment s = ack_of(octets);

	tcp_input(rig.t, &s);
}

START_TEST(ack_frees_what_it_covers_and_no_more)
{
	c = rig_conn(1000, 1);
	send(10000);
	ck_assert_uint_eq(conn_flight(c), 10000);
	acked(1460 + 700); /* in the middle of the second record */
	ck_assert_uint_eq(c->snd_una, 1001 + 2160);
	ck_assert_uint_eq(xmit_at(rig.t, c->xmit_first - 1)->seq, c->snd_una);
	ck_assert_uint_eq(xmit_find(rig.t, c, 1001), SLAB_NONE);
	ck_assert_uint_eq(c->octets_acked, 2160);
	ck_assert_uint_eq(flow_of(rig.t, c)->rate.delivered, 2160);
	acked(10000 - 2160);
	ck_assert_uint_eq(rig.t->xmits.count, 0);
	ck_assert_uint_eq(rig.t->pool.nused, 0);
	ck_assert_uint_eq(c->octets_acked, 10000);
	ck_assert_uint_eq(c->timer[CT_REXMT], 0);
	ck_assert_uint_eq(c->last_ack, rig.now);
}
END_TEST

START_TEST(ack_of_a_fin_is_no_octet_of_the_stream)
{
	c = rig_conn(1000, 1);
	rig_fill(c, 1, 0, 100);
	ck_assert_int_eq(user_shutdown(rig.t, c), 0);
	rig_drain();
	ck_assert_uint_eq(conn_flight(c), 101);
	acked(101);
	ck_assert_uint_eq(c->octets_acked, 100);
	ck_assert_int_eq(c->state, TCPD_FIN_WAIT_2);
}
END_TEST

START_TEST(ack_counts_what_was_lost_out_again)
{
	c = rig_conn(1000, 1);
	send(10 * RIG_MSS);
	rig_pass(TCPD_SEC(1)); /* RTO */
	ck_assert_uint_eq(c->lost, RIG_MSS);
	rig_drain();
	ck_assert_uint_eq(c->resent, RIG_MSS);
	acked(0); /* so the time-out was not spurious (RFC 5682) */
	ck_assert_uint_eq(c->lost, UINT64_C(10) * RIG_MSS);
	acked(RIG_MSS + 60);
	ck_assert_uint_eq(c->lost, 9 * RIG_MSS - 60);
	ck_assert_uint_eq(c->resent, 0);
	rig_drain();
	acked(9 * RIG_MSS - 60);
	ck_assert_uint_eq(c->lost | c->resent | c->duped, 0);
}
END_TEST

/* --- round trips */

START_TEST(ack_takes_the_time_of_what_was_sent_last)
{
	c = rig_conn(1000, 1);
	c->nodelay = true;
	send(1000);
	rig_pass(TCPD_MS(30));
	send(1000);
	rig_pass(TCPD_MS(50));
	acked(2000);
	ck_assert_uint_eq(c->srtt, TCPD_MS(50));
}
END_TEST

/* 6298-6, 6298-7: a super-segment is measured with each ACK of a part. */
START_TEST(ack_measures_each_part_of_a_super_segment)
{
	rig.t->set.tso4 = rig.t->set.csum = true;
	c = rig_conn(1000, 1);
	send(10 * RIG_MSS);
	ck_assert_uint_eq(rig.t->xmits.count, 1);
	rig_pass(TCPD_MS(20));
	acked(5 * RIG_MSS);
	ck_assert_uint_eq(c->srtt, TCPD_MS(20));
	rig_pass(TCPD_MS(8));
	acked(5 * RIG_MSS);
	ck_assert_uint_eq(c->srtt, TCPD_MS(21));
}
END_TEST

static const struct karn {
	const char *name;
	bool ts, echo;
	tcpd_time want; /* SRTT */
} karns[] = {
	{"without time stamps: no sample", false, false, 0},
	{"with an echo: from it", true, true, TCPD_MS(100)},
	{"with time stamps, but none in the ACK", true, false, 0},
};

START_TEST(ack_of_what_was_sent_again_is_ambiguous)
{
	const struct karn *k = &karns[_i];
	struct segment s;

	c = rig_conn(1000, 1);
	c->ts = k->ts;
	conn_set_mss(rig.t, c);
	send(1000);
	rig_pass(TCPD_SEC(1));
	ck_assert_uint_eq(rig_drain(), 1);
	ck_assert_uint_eq(c->backoff, 1);
	rig_pass(TCPD_MS(100));
	s = ack_of(1000);
	s.h.opt.has_ts = k->echo;
	s.h.opt.ts_val = 1;
	s.h.opt.ts_ecr = ts_now(rig.t, &c->tu) - 100;
	tcp_input(rig.t, &s);
	ck_assert_msg(c->srtt == k->want, "%s: %llu", k->name,
		      (unsigned long long)c->srtt);
	/* 5.7: the back-off stays until there is a measure */
	ck_assert_uint_eq(c->backoff, k->want ? 0 : 1);
}
END_TEST

START_TEST(ack_with_an_echo_from_the_future_is_not_believed)
{
	struct segment s;

	c = rig_conn(1000, 1);
	c->ts = true;
	conn_set_mss(rig.t, c);
	send(1000);
	rig_pass(TCPD_SEC(1));
	rig_drain();
	s = ack_of(1000);
	s.h.opt.has_ts = true;
	s.h.opt.ts_ecr = ts_now(rig.t, &c->tu) + 5;
	tcp_input(rig.t, &s);
	ck_assert_uint_eq(c->srtt, 0);
	ck_assert_uint_eq(c->snd_una, c->snd_nxt);
}
END_TEST

START_TEST(ack_grows_a_window_that_was_in_use)
{
	c = rig_conn(1000, 1);
	send(10 * RIG_MSS); /* all of it */
	for (unsigned i = 0; i < 10; i++)
		acked(RIG_MSS);
	ck_assert_uint_eq(c->ccs.cwnd, UINT64_C(20) * RIG_MSS);
	for (unsigned i = 0; i < 10; i++) { /* RFC 7661: a tenth of it */
		send(2 * RIG_MSS);
		acked(2 * RIG_MSS);
	}
	ck_assert_uint_eq(c->ccs.cwnd, UINT64_C(20) * RIG_MSS);
}
END_TEST

/* --- duplicates: RFC 5681, section 2, (a) to (e) */

static const struct dup {
	const char *name;
	uint32_t flight, len;
	uint8_t flags;
	int32_t ack, wnd;
	bool counts;
} dups[] = {
	{"all five conditions", 3000, 0, TCP_ACK, 0, 0, true},
	{"(a) nothing is outstanding", 0, 0, TCP_ACK, 0, 0, false},
	{"(b) it brings data", 3000, 10, TCP_ACK, 0, 0, false},
	{"(c) FIN", 3000, 0, TCP_ACK | TCP_FIN, 0, 0, false},
	{"(d) it is an older one", 3000, 0, TCP_ACK, -1, 0, false},
	{"(e) another window", 3000, 0, TCP_ACK, 0, -100, false},
};

START_TEST(ack_is_a_duplicate_by_rfc_5681)
{
	const struct dup *d = &dups[_i];
	struct segment s;

	c = rig_conn(1000, 1);
	if (d->flight)
		send(d->flight);
	s = ack_of((uint32_t)d->ack);
	s.h.flags = d->flags;
	s.h.wnd = (uint16_t)(s.h.wnd + d->wnd);
	s.len = d->len;
	s.data = rig.buf;
	tcp_input(rig.t, &s);
	recvq_settle(rig.t);
	ck_assert_msg(c->dupacks == d->counts, "%s", d->name);
	ck_assert_uint_eq(rig.t->stat.segments_dup_acks_in, d->counts);
}
END_TEST

START_TEST(ack_of_a_probe_is_no_duplicate)
{
	c = rig_conn(1000, 1);
	c->snd_wnd = 0;
	rig_fill(c, 1, 0, 100);
	conn_want_output(rig.t, c);
	rig_drain();
	for (unsigned i = 0; i < 5; i++) {
		rig_pass(TCPD_SEC(120));
		ck_assert_uint_eq(rig_drain(), 1);
		acked(0);
	}
	ck_assert_uint_eq(c->dupacks, 0);
	ck_assert_uint_eq(c->recovery, REC_OPEN);
}
END_TEST

START_TEST(ack_ends_what_pointed_to_trouble)
{
	c = rig_conn(1000, 1);
	send(1000);
	c->soft_err = TCPD_ERR_HOST_UNREACH;
	rig_pass(TCPD_SEC(1));
	rig_drain();
	rig_pass(TCPD_SEC(2));
	rig_drain();
	ck_assert_uint_eq(c->nrexmt, 2);
	ck_assert_uint_ne(c->stalled_at, 0);
	acked(1000);
	ck_assert_uint_eq(c->nrexmt | c->soft_err, 0);
	ck_assert_uint_eq(c->stalled_at, 0);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("ack");
	TCase *tc = rig_case(s, "acks");

	tcase_add_test(tc, ack_frees_what_it_covers_and_no_more);
	tcase_add_test(tc, ack_of_a_fin_is_no_octet_of_the_stream);
	tcase_add_test(tc, ack_counts_what_was_lost_out_again);
	tcase_add_test(tc, ack_takes_the_time_of_what_was_sent_last);
	tcase_add_test(tc, ack_measures_each_part_of_a_super_segment);
	tcase_add_loop_test(tc, ack_of_what_was_sent_again_is_ambiguous, 0,
			    ARRAY_SIZE(karns));
	tcase_add_test(tc, ack_with_an_echo_from_the_future_is_not_believed);
	tcase_add_test(tc, ack_grows_a_window_that_was_in_use);
	tcase_add_loop_test(tc, ack_is_a_duplicate_by_rfc_5681, 0,
			    ARRAY_SIZE(dups));
	tcase_add_test(tc, ack_of_a_probe_is_no_duplicate);
	tcase_add_test(tc, ack_ends_what_pointed_to_trouble);
	return rig_run(s);
}
