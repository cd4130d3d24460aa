/* SPDX-License-Identifier: MIT */
/*
 * test_ecn.c - who asks for ECN and who agrees, flag by flag; what text that
 * comes marked makes of the ACKs that follow; when a sender answers an echo,
 * and when he believes it no more.
 *
 * LINK: test/unit/rig.c
 */
#include "rig.h"
#include "tcp/news.h"
#include "wire/ip.h"

static struct segment segment(uint8_t flags, uint8_t tos)
{
	return (struct segment){.h.flags = flags, .tos = tos, .nwire = 1};
}

static const struct {
	const char *name;
	uint8_t flags, tos;
	bool asks;
} syns[] = {
	{"both flags", TCP_SYN | TCP_ECE | TCP_CWR, 0, true},
	{"with a DS field", TCP_SYN | TCP_ECE | TCP_CWR, 0xb8, true},
	{"neither", TCP_SYN, 0, false},
	{"ECE alone", TCP_SYN | TCP_ECE, 0, false},
	{"CWR alone", TCP_SYN | TCP_CWR, 0, false},
	{"marked ECT(0)", TCP_SYN | TCP_ECE | TCP_CWR, IP_ECT0, false},
	{"marked ECT(1)", TCP_SYN | TCP_ECE | TCP_CWR, IP_ECT1, false},
	{"marked CE", TCP_SYN | TCP_ECE | TCP_CWR, IP_CE, false},
};

START_TEST(ecn_is_asked_for_by_both_flags_of_an_unmarked_syn)
{
	struct segment seg = segment(syns[_i].flags, syns[_i].tos);

	ck_assert_msg(ecn_asks(&seg) == syns[_i].asks, "%s", syns[_i].name);
}
END_TEST

static const struct {
	const char *name;
	uint8_t flags, tos;
	bool tried, again; /* our SYN asked; and was sent again without */
	bool agreed, marks;
} answers[] = {
	{"ECE alone", TCP_ECE, 0, true, false, true, true},
	{"mirrored", TCP_ECE | TCP_CWR, 0, true, false, false, false},
	{"CWR alone", TCP_CWR, 0, true, false, false, false},
	{"neither", 0, 0, true, false, false, false},
	{"not asked", TCP_ECE, 0, false, false, false, false},
	{"asked no more", TCP_ECE, 0, true, true, true, false},
	{"marked on its way", TCP_ECE, IP_CE, true, false, true, false},
};

START_TEST(ecn_is_agreed_on_by_a_syn_ack_with_ece_alone)
{
	struct segment seg =
		segment(TCP_SYN | TCP_ACK | answers[_i].flags, answers[_i].tos);
	struct conn *c = rig_conn(1, 1);

	c->state = TCPD_SYN_SENT;
	rig.t->set.conn.ecn =
		answers[_i].tried ? TCPD_ECN_ON : TCPD_ECN_PASSIVE;
	ecn_ask(rig.t, c);
	ck_assert_uint_eq(ecn_syn_flags(c),
			  answers[_i].tried ? TCP_ECE | TCP_CWR : 0);
	if (answers[_i].again) {
		c->rexmt_force = true;
		ck_assert_uint_eq(ecn_syn_flags(c), 0);
		ecn_syn_again(rig.t, c);
		c->rexmt_force = false;
		ck_assert_uint_eq(ecn_syn_flags(c), 0);
	}
	ecn_answered(rig.t, c, &seg);
	ck_assert_msg(c->ecn == answers[_i].agreed, "%s", answers[_i].name);
	ck_assert_msg((c->ecn && !c->ect_off) == answers[_i].marks, "%s",
		      answers[_i].name);
	ck_assert_uint_eq(rig.t->stat.ecn_syn_plain, answers[_i].again);
	ck_assert_uint_eq(rig.t->stat.ecn_off_changed, answers[_i].tos != 0);
}
END_TEST

/* Text arrives marked or not, with CWR or without: is ECE on afterwards, and
 * does an ACK go at once? */
static const struct {
	uint8_t mark;
	bool cwr, ece, now;
} texts[] = {
	{IP_ECT0, false, false, false}, {IP_CE, false, true, true},
	{IP_CE, false, true, false},	{IP_ECT0, false, true, true},
	{0, false, true, false},	{IP_ECT1, true, false, true},
	{IP_CE, true, true, true},	{IP_CE, true, true, true},
	{IP_ECT0, true, false, true},	{IP_ECT0, true, false, true},
	{IP_ECT0, false, false, false},
};

START_TEST(ecn_echoes_from_a_mark_until_cwr)
{
	struct conn *c = rig_conn(1, 1);

	c->ecn = true;
	for (unsigned i = 0; i < ARRAY_SIZE(texts); i++) {
		uint8_t cwr = texts[i].cwr ? TCP_CWR : 0;
		struct segment seg = segment(TCP_ACK | cwr, texts[i].mark);

		c->ack_due = false;
		ecn_arrived(rig.t, c, &seg);
		ck_assert_msg(c->ece_due == texts[i].ece, "ECE after %u", i);
		ck_assert_msg(c->ack_due == texts[i].now, "ACK after %u", i);
		ck_assert_msg(c->ce_now == (texts[i].mark == IP_CE),
			      "state after %u", i);
	}
	ck_assert(c->ect_in && !c->ect_off);
	ck_assert_uint_eq(rig.t->stat.ecn_ce_in, 4);
}
END_TEST

START_TEST(ecn_counts_every_segment_of_a_marked_super_segment)
{
	struct conn *c = rig_conn(1, 1);
	struct segment seg = segment(TCP_ACK, IP_CE);

	seg.nwire = 44;
	ecn_arrived(rig.t, c, &seg);
	ck_assert_uint_eq(rig.t->stat.ecn_ce_in, 44);
}
END_TEST

START_TEST(ecn_is_given_up_where_the_peers_marks_were_cleared)
{
	struct conn *c = rig_conn(1, 1);
	struct segment plain = segment(TCP_ACK, 0);
	struct segment marked = segment(TCP_ACK, IP_ECT0);

	c->ecn = true;
	for (unsigned i = 0; i < 3; i++) {
		ck_assert(!c->ect_off);
		ecn_arrived(rig.t, c, &plain);
	}
	ck_assert(c->ect_off);
	ck_assert_uint_eq(rig.t->stat.ecn_off_changed, 1);
	c = rig_conn(1, 1);
	c->ecn = true;
	ecn_arrived(rig.t, c, &plain); /* sent again, perhaps */
	ecn_arrived(rig.t, c, &marked);
	for (unsigned i = 0; i < 10; i++)
		ecn_arrived(rig.t, c, &plain);
	ck_assert(!c->ect_off);
}
END_TEST

START_TEST(ecn_marks_text_and_says_cwr_once)
{
	struct conn *c = rig_conn(1, 1);
	struct plan p = {.kind = PLAN_DATA, .len = 10};
	struct plan mtu = {.kind = PLAN_MTU, .len = 10};
	struct plan fin = {.kind = PLAN_DATA, .flags = TCP_FIN};

	c->cwr_due = true;
	ecn_plan(c, &p);
	ck_assert(!p.ect && !p.flags); /* it was not agreed on */
	c->ecn = true;
	ecn_plan(c, &fin);
	ck_assert(!fin.ect && !(fin.flags & TCP_CWR));
	ecn_plan(c, &mtu);
	ck_assert(mtu.ect && !(mtu.flags & TCP_CWR));
	ecn_plan(c, &p);
	ck_assert(p.ect && p.flags & TCP_CWR);
	conn_flow(rig.t, c);
	ck_assert_uint_ne(xmit_add(rig.t, c, 1, 11), SLAB_NONE);
	ecn_sent(rig.t, c, &mtu);
	ck_assert(c->cwr_due);
	ecn_sent(rig.t, c, &p);
	ck_assert(!c->cwr_due);
	ck_assert(xmit_at(rig.t, c->xmit_last - 1)->flags & XMIT_ECT);
	ck_assert_uint_eq(rig.t->stat.ecn_cwr_out, 1);
	/* after a time-out nothing is risked */
	c->recovery = REC_RTO;
	ecn_plan(c, &p);
	ck_assert(!p.ect);
	c->recovery = REC_OPEN;
	/* given up: no mark, but CWR is still the peer's due */
	c->ect_off = c->cwr_due = true;
	p.flags = 0;
	ecn_plan(c, &p);
	ck_assert(!p.ect && p.flags & TCP_CWR);
}
END_TEST

/* What ecn_cut() says of ECE after ECE, each of them after our CWR. */
static unsigned cuts(struct conn *c, tcpd_time gap)
{
	unsigned n = 0;

	while (!c->ect_off && n < 20) {
		rig.t->now += gap;
		c->cwr_due = flow_of(rig.t, c)->ecn.said = false;
		n += ecn_cut(rig.t, c);
	}
	return n;
}

static struct conn *sender(void)
{
	struct conn *c = rig_conn(1, 1);

	c->ecn = true;
	conn_flow(rig.t, c);
	c->ccs.cwnd = 10 * c->mss;
	return c;
}

START_TEST(ecn_is_believed_for_three_windows_without_an_ack_without_ece)
{
	struct conn *c = sender();
	struct segment seg = segment(TCP_ACK, 0);
	struct news n = {.seg = &seg, .marked = true};

	ck_assert_uint_eq(cuts(c, 1), 3);
	ck_assert_uint_eq(rig.t->stat.ecn_off_ce, 1);
	/* of a path that has not marked all before: six, or two time-outs */
	c = sender();
	ck_assert(!ecn_heard(rig.t, c, &n));
	ck_assert_uint_eq(cuts(c, 1), 6);
	c = sender();
	ck_assert(!ecn_heard(rig.t, c, &n));
	ck_assert_uint_eq(cuts(c, c->rto), 3);
	/* one ACK without ECE between them, and it counts anew */
	c = sender();
	for (unsigned i = 0; i < 20; i++) {
		c->cwr_due = flow_of(rig.t, c)->ecn.said = false;
		ck_assert(ecn_cut(rig.t, c));
		ck_assert(!ecn_heard(rig.t, c, &n));
	}
	ck_assert(!c->ect_off);
}
END_TEST

START_TEST(ecn_makes_the_window_smaller_once_a_cwr)
{
	struct conn *c = sender();
	struct flow *f = flow_of(rig.t, c);
	struct segment seg = segment(TCP_ACK | TCP_ECE, 0);
	struct news n = {.seg = &seg, .marked = true};
	struct plan p = {.kind = PLAN_DATA, .seq = c->snd_una, .len = 10};

	ck_assert(ecn_heard(rig.t, c, &n) && ecn_cut(rig.t, c));
	ck_assert(!ecn_cut(rig.t, c)); /* CWR is due */
	ecn_plan(c, &p);
	p.ect = false; /* there is no record */
	ecn_sent(rig.t, c, &p);
	ck_assert(f->ecn.said && ecn_heard(rig.t, c, &n));
	ck_assert(!ecn_cut(rig.t, c)); /* it is on its way */
	c->snd_una++;
	ck_assert(ecn_heard(rig.t, c, &n) && ecn_cut(rig.t, c));
	ck_assert_uint_eq(rig.t->stat.ecn_ece_in, 3);
}
END_TEST

/* Flights of |segments| are lost, one after the other: how many until ECN is
 * off; 0: it stays. */
static unsigned flights(struct conn *c, uint32_t segments, bool came,
			bool plain)
{
	struct segment seg = segment(TCP_ACK, 0);
	struct news marked = {.seg = &seg, .marked = true};
	struct news again = {.seg = &seg, .plain = true};

	for (unsigned i = 1; i <= 5; i++) {
		c->snd_nxt = c->snd_una + segments * c->mss;
		flow_of(rig.t, c)->ecn.out = true;
		if (came)
			ecn_heard(rig.t, c, &marked);
		if (plain)
			ecn_heard(rig.t, c, &again);
		ecn_lost(rig.t, c, UINT32_MAX);
		ck_assert(c->cwr_due);
		if (c->ect_off)
			return i;
	}
	return 0;
}

START_TEST(ecn_is_given_up_where_nothing_marked_arrives)
{
	ck_assert_uint_eq(flights(sender(), 1, false, false), 2);
	ck_assert_uint_eq(flights(sender(), 3, false, false), 1);
	ck_assert_uint_eq(flights(sender(), 3, true, false), 0);
	ck_assert_uint_eq(flights(sender(), 1, true, true), 0);
	/* what went again arrives, and nothing of what went before it */
	ck_assert_uint_eq(flights(sender(), 3, true, true), 1);
	ck_assert_uint_eq(rig.t->stat.ecn_off_lost, 3);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("ecn");
	TCase *tc = rig_case(s, "ecn");

	tcase_add_loop_test(tc,
			    ecn_is_asked_for_by_both_flags_of_an_unmarked_syn,
			    0, ARRAY_SIZE(syns));
	tcase_add_loop_test(tc, ecn_is_agreed_on_by_a_syn_ack_with_ece_alone, 0,
			    ARRAY_SIZE(answers));
	tcase_add_test(tc, ecn_echoes_from_a_mark_until_cwr);
	tcase_add_test(tc, ecn_counts_every_segment_of_a_marked_super_segment);
	tcase_add_test(tc, ecn_is_given_up_where_the_peers_marks_were_cleared);
	tcase_add_test(tc, ecn_marks_text_and_says_cwr_once);
	tcase_add_test(
		tc,
		ecn_is_believed_for_three_windows_without_an_ack_without_ece);
	tcase_add_test(tc, ecn_makes_the_window_smaller_once_a_cwr);
	tcase_add_test(tc, ecn_is_given_up_where_nothing_marked_arrives);
	return rig_run(s);
}
