/* SPDX-License-Identifier: MIT */
/*
 * test_input.c - a segment in SYN-SENT, RFC 9293, 3.10.7.3, row by row; and
 * what both SYNs agreed on.
 *
 * LINK: test/unit/rig.c
 */
#include "rig.h"

/* A stack that has sent its SYN. */
static struct peer syn_sent(void)
{
	struct peer p = peer_new(4, 0, 80);

	ck_assert_int_eq(tcpd_connect(rig.st, &p.h, &p.us, &p.them, rig.now),
			 0);
	peer_take(&p, FLAG_SYN);
	p.c = stack_conn(rig.st, p.h);
	return p;
}

static const struct row {
	const char *name;
	uint8_t flags, answer; /* what comes; what goes, 0: silence */
	int32_t ack;	       /* from SND.NXT */
	int drop;	       /* enum tcpd_drop, -1: none */
	enum tcpd_state state;
} rows[] = {
	{"SYN,ACK of ours", FLAG_SYN | FLAG_ACK, FLAG_ACK, 0, -1,
	 TCPD_ESTABLISHED},
	{"SYN,ACK of the ISS", FLAG_SYN | FLAG_ACK, FLAG_RST, -1,
	 TCPD_DROP_SYN_SENT, TCPD_SYN_SENT},
	{"SYN,ACK of too much", FLAG_SYN | FLAG_ACK, FLAG_RST, 1,
	 TCPD_DROP_SYN_SENT, TCPD_SYN_SENT},
	{"SYN: simultaneous open", FLAG_SYN, FLAG_SYN | FLAG_ACK, 0, -1,
	 TCPD_SYN_RECEIVED},
	{"ACK of ours without SYN", FLAG_ACK, 0, 0, TCPD_DROP_SYN_SENT,
	 TCPD_SYN_SENT},
	{"ACK of something else", FLAG_ACK, FLAG_RST, 100, TCPD_DROP_SYN_SENT,
	 TCPD_SYN_SENT},
	{"RST without ACK", FLAG_RST, 0, 0, TCPD_DROP_RST_INVALID,
	 TCPD_SYN_SENT},
	{"RST,ACK of ours", FLAG_RST | FLAG_ACK, 0, 0, -1, TCPD_CLOSED},
	{"RST,ACK of something else", FLAG_RST | FLAG_ACK, 0, -1,
	 TCPD_DROP_SYN_SENT, TCPD_SYN_SENT},
	{"neither SYN nor RST nor ACK", FLAG_PSH, 0, 0, TCPD_DROP_SYN_SENT,
	 TCPD_SYN_SENT},
};

START_TEST(input_in_syn_sent_follows_3_10_7_3)
{
	const struct row *row = &rows[_i];
	struct peer p = syn_sent();
	struct packet k;

	p.ack += (uint32_t)row->ack;
	peer_send(&p, row->flags, NULL, 0);
	for (int d = 0; d < TCPD_NDROPS; d++)
		ck_assert_msg(rig.t->stat.drops[d] == (d == row->drop),
			      "%s: drop %s", row->name,
			      tcpd_drop_name((enum tcpd_drop)d));
	ck_assert_msg(p.c->state == row->state, "%s: %s", row->name,
		      tcpd_state_name((enum tcpd_state)p.c->state));
	ck_assert_msg(rig_out(&k) == (row->answer != 0), "%s", row->name);
	if (row->answer)
		ck_assert_msg(k.flags == row->answer, "%s: %#x", row->name,
			      k.flags);
	if (row->answer == FLAG_RST)
		ck_assert_uint_eq(k.seq, p.ack);
	rig_expect_nothing();
}
END_TEST

START_TEST(input_refusal_tells_the_user)
{
	struct peer p = syn_sent();
	struct tcpd_event ev;

	peer_send(&p, FLAG_RST | FLAG_ACK, NULL, 0);
	ev = rig_event();
	ck_assert_uint_eq(ev.mask, TCPD_EV_RESET);
	ck_assert_int_eq(ev.err, TCPD_ERR_REFUSED);
	ck_assert_uint_eq(rig.t->stat.opens_failed, 1);
	ck_assert_uint_eq(rig.t->stat.resets_received[TCPD_RESET_NO_LISTENER],
			  1);
	ck_assert_int_eq(tcpd_close(rig.st, p.h, rig.now), 0);
	rig_assert_empty();
}
END_TEST

START_TEST(input_syn_ack_with_text_and_fin_brings_them_too)
{
	struct peer p = syn_sent();
	char text[5];

	peer_send(&p, FLAG_SYN | FLAG_ACK | FLAG_FIN, "hello", 5);
	ck_assert_int_eq(p.c->state, TCPD_CLOSE_WAIT);
	ck_assert_uint_eq(rig_event().mask, TCPD_EV_OPEN | TCPD_EV_WRITABLE |
						    TCPD_EV_READABLE |
						    TCPD_EV_FIN);
	ck_assert_int_eq(tcpd_recv(rig.st, p.h, text, 5, rig.now), 5);
	ck_assert_mem_eq(text, "hello", 5);
	ck_assert(tcpd_recv_eof(rig.st, p.h));
	ck_assert_uint_eq(rig_expect(FLAG_ACK).ack, p.seq);
}
END_TEST

static const struct agreed {
	const char *name;
	bool ts, wscale;
	uint8_t shift;
	uint16_t mss;
	uint32_t want_mss;
} agreed_rows[] = {
	{"nothing", false, false, 0, 0, 536},
	{"all", true, true, 9, 1460, 1448},
	{"time stamps", true, false, 0, 1460, 1448},
	{"window scale 0", false, true, 0, 1460, 1460},
	{"MSS", false, false, 0, 700, 700},
};

START_TEST(input_takes_what_both_syns_offered)
{
	const struct agreed *a = &agreed_rows[_i];
	struct peer p = syn_sent();

	p.with_ts = a->ts;
	p.ts_val = 99;
	p.with_wscale = a->wscale;
	p.wscale = a->shift;
	p.mss = a->mss;
	p.wnd = 1000;
	peer_send(&p, FLAG_SYN | FLAG_ACK, NULL, 0);
	ck_assert_uint_eq(p.c->ts, a->ts);
	ck_assert_uint_eq(p.c->wscale, a->wscale);
	ck_assert_uint_eq(p.c->snd_wscale, a->shift);
	ck_assert_uint_eq(p.c->rcv_wscale, a->wscale ? rig.set.wscale : 0);
	ck_assert_uint_eq(p.c->mss, a->want_mss);
	ck_assert_uint_eq(p.c->snd_wnd, 1000); /* a SYN's is not scaled */
	if (a->ts)
		ck_assert_uint_eq(p.c->ts_recent, 99);
}
END_TEST

START_TEST(input_simultaneous_open_ends_established)
{
	struct peer p = syn_sent();
	uint32_t irs = p.seq;
	struct packet k;

	peer_send(&p, FLAG_SYN, NULL, 0);
	k = rig_expect(FLAG_SYN | FLAG_ACK);
	ck_assert_uint_eq(k.seq, p.c->iss); /* MUST-10: the same ISS */
	ck_assert_uint_eq(k.ack, irs + 1);
	p.seq = irs; /* the other side's SYN,ACK */
	peer_send(&p, FLAG_SYN | FLAG_ACK, NULL, 0);
	ck_assert_int_eq(p.c->state, TCPD_ESTABLISHED);
	ck_assert_uint_eq(rig_event().mask, TCPD_EV_OPEN | TCPD_EV_WRITABLE);
}
END_TEST

/* Both SYNs have crossed; what the peer says then, in SYN-RECEIVED. */
static const struct crossed {
	const char *name;
	uint8_t flags, answer; /* what comes; what goes, 0: silence */
	int32_t seq, ack;      /* from IRS + 1, from ISS + 1 */
	enum tcpd_state state;
} crossed_rows[] = {
	{"its SYN again: ours again", FLAG_SYN, FLAG_SYN | FLAG_ACK, -1, 0,
	 TCPD_SYN_RECEIVED},
	{"its SYN,ACK", FLAG_SYN | FLAG_ACK, 0, -1, 0, TCPD_ESTABLISHED},
	{"an ACK alone", FLAG_ACK, 0, 0, 0, TCPD_ESTABLISHED},
	{"an ACK of the ISS", FLAG_ACK, FLAG_RST, 0, -1, TCPD_SYN_RECEIVED},
	{"an ACK of too much", FLAG_ACK, FLAG_RST, 0, 1, TCPD_SYN_RECEIVED},
	{"RST", FLAG_RST, 0, 0, 0, TCPD_CLOSED},
};

START_TEST(input_after_syns_that_crossed)
{
	const struct crossed *row = &crossed_rows[_i];
	struct peer p = syn_sent();
	struct packet k;

	peer_send(&p, FLAG_SYN, NULL, 0);
	rig_expect(FLAG_SYN | FLAG_ACK);
	p.seq += (uint32_t)row->seq;
	p.ack += (uint32_t)row->ack;
	peer_send(&p, row->flags, NULL, 0);
	ck_assert_msg(p.c->state == row->state, "%s: %s", row->name,
		      tcpd_state_name((enum tcpd_state)p.c->state));
	ck_assert_msg(rig_out(&k) == (row->answer != 0), "%s", row->name);
	if (row->answer)
		ck_assert_msg(k.flags == row->answer, "%s: %#x", row->name,
			      k.flags);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("input");
	TCase *tc = rig_case(s, "syn-sent");

	tcase_add_loop_test(tc, input_in_syn_sent_follows_3_10_7_3, 0,
			    ARRAY_SIZE(rows));
	tcase_add_test(tc, input_refusal_tells_the_user);
	tcase_add_test(tc, input_syn_ack_with_text_and_fin_brings_them_too);
	tcase_add_loop_test(tc, input_takes_what_both_syns_offered, 0,
			    ARRAY_SIZE(agreed_rows));
	tcase_add_loop_test(tc, input_after_syns_that_crossed, 0,
			    ARRAY_SIZE(crossed_rows));
	tcase_add_test(tc, input_simultaneous_open_ends_established);
	return rig_run(s);
}
