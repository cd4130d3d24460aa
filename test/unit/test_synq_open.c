/* SPDX-License-Identifier: MIT */
/*
 * test_synq_open.c - what becomes of a passive open: the round trip that the
 * handshake tells, and a connection made at once by a SYN with a cookie.
 * LINK: test/unit/rig.c
 */
#include <string.h>

#include "rig.h"

START_TEST(synq_open_takes_the_round_trip_of_a_synack_sent_once)
{
	struct peer p = peer_new(4, 80, 40000);

	rig_listen(80);
	peer_send(&p, FLAG_SYN, NULL, 0);
	peer_take(&p, FLAG_SYN | FLAG_ACK);
	if (_i) { /* sent again: which one was answered? */
		rig_pass(TCPD_SEC(1));
		peer_take(&p, FLAG_SYN | FLAG_ACK);
	}
	rig_pass(TCPD_MS(30));
	peer_send(&p, FLAG_ACK, NULL, 0);
	ck_assert_uint_eq(rig.t->conns.count, 1);
	ck_assert_uint_eq(conn_at(rig.t, 0)->srtt / TCPD_MS(1), _i ? 0 : 30);
}
END_TEST

static void put_cookie(struct packet *p)
{
	struct tuple tu = {.lport = 80};

	memcpy(tu.local, p->dst, 16);
	memcpy(tu.peer, p->src, 16);
	p->opt[p->nopt] = OPTION_FO;
	p->opt[p->nopt + 1] = 10;
	fo_cookie(rig.t, &tu, &p->opt[p->nopt + 2]);
	p->opt[p->nopt + 10] = p->opt[p->nopt + 11] = OPTION_NOP;
	p->nopt = (uint8_t)(p->nopt + 12);
}

/* A SYN with |len| octets and a good cookie. */
static void fast_syn(struct peer *p, uint32_t len)
{
	static uint8_t text[2000];
	struct packet syn = peer_packet(p, FLAG_SYN);

	syn.data = text;
	syn.len = len;
	put_cookie(&syn);
	rig_in(&syn);
	p->seq += 1 + len;
}

START_TEST(synq_open_fast_is_accepted_with_its_text_before_the_last_ack)
{
	tcpd_handle l = rig_listen(80), h;
	struct peer p = peer_new(_i ? 6 : 4, 80, 40000);
	struct conn *c;

	tcpd_set_option(rig.st, l, TCPD_OPT_FASTOPEN, 5, rig.now);
	fast_syn(&p, 500);
	rig_check();
	ck_assert_int_eq(tcpd_accept(rig.st, l, &h, rig.now), 0);
	c = stack_conn(rig.st, h);
	ck_assert_int_eq(c->state, TCPD_SYN_RECEIVED);
	ck_assert_uint_eq(tcpd_readable(rig.st, h), 500);
	ck_assert_uint_eq(c->ccs.cwnd, conn_initial_window(c->mss));
	peer_take(&p, FLAG_SYN | FLAG_ACK);
	ck_assert_uint_eq(p.ack - 1, c->iss);
	ck_assert_ptr_nonnull(fo_listener(rig.t, c));
	rig_check();
	peer_send(&p, FLAG_ACK, NULL, 0);
	ck_assert_int_eq(c->state, TCPD_ESTABLISHED);
	ck_assert_ptr_null(fo_listener(rig.t, c));
	ck_assert_uint_eq(stack_listener(rig.st, l)->fo.pending, 0);
}
END_TEST

/* RFC 7413, 4.2.2: what is sent before the last ACK stays within RFC 6928's
 * window, however large the peer's. */
START_TEST(synq_open_fast_sends_no_more_than_the_first_window)
{
	tcpd_handle l = rig_listen(80), h;
	struct peer p = peer_new(4, 80, 40000);
	struct packet out;
	uint32_t sent = 0;

	tcpd_set_option(rig.st, l, TCPD_OPT_FASTOPEN, 5, rig.now);
	p.wnd = 65535;
	fast_syn(&p, 500);
	peer_take(&p, FLAG_SYN | FLAG_ACK);
	ck_assert_int_eq(tcpd_accept(rig.st, l, &h, rig.now), 0);
	rig_fill(stack_conn(rig.st, h), 1, 0, 60000);
	conn_want_output(rig.t, stack_conn(rig.st, h));
	while (rig_out(&out))
		sent += out.len;
	ck_assert_uint_eq(sent,
			  conn_initial_window(stack_conn(rig.st, h)->mss));
}
END_TEST

/* A table of connections that is full: a handshake, as without a cookie. */
START_TEST(synq_open_fast_that_finds_no_slot_waits_for_its_last_ack)
{
	struct peer a = peer_new(4, 80, 40000), b = peer_new(4, 80, 40001);
	tcpd_handle l;

	rig_stop();
	rig.set.max_conns = 1;
	rig_start();
	l = rig_listen(80);
	tcpd_set_option(rig.st, l, TCPD_OPT_FASTOPEN, 5, rig.now);
	fast_syn(&a, 100);
	peer_take(&a, FLAG_SYN | FLAG_ACK);
	fast_syn(&b, 100);
	peer_take(&b, FLAG_SYN | FLAG_ACK);
	ck_assert_uint_eq(rig.t->stat.fast_open_taken, 1);
	ck_assert_uint_eq(rig.t->halves.count, 1);
	rig_check();
}
END_TEST

int main(void)
{
	Suite *s = suite_create("synq_open");
	TCase *tc = rig_case(s, "synq_open");

	tcase_add_loop_test(
		tc, synq_open_takes_the_round_trip_of_a_synack_sent_once, 0, 2);
	tcase_add_loop_test(
		tc,
		synq_open_fast_is_accepted_with_its_text_before_the_last_ack, 0,
		2);
	tcase_add_test(tc, synq_open_fast_sends_no_more_than_the_first_window);
	tcase_add_test(
		tc, synq_open_fast_that_finds_no_slot_waits_for_its_last_ack);
	return rig_run(s);
}
