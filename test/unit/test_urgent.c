/* SPDX-License-Identifier: MIT */
/*
 * test_urgent.c - the two urgent pointers (RFC 9293, 3.8.5), also where
 * sequence numbers wrap.
 *
 * LINK: test/unit/rig.c
 */
#include "rig.h"

static const uint32_t starts[] = {1, 0x7ffffff0u, 0xfffffff0u};

START_TEST(urgent_of_the_peer_moves_forward_only)
{
	struct conn *c = rig_conn(1, starts[_i]);
	uint32_t at = c->rq.read;

	ck_assert_uint_eq(urgent_unread(c), 0);
	urgent_arrived(rig.t, c, at); /* none of it is unread */
	ck_assert_uint_eq(urgent_unread(c), 0);
	ck_assert_uint_eq(rig_event().mask & TCPD_EV_URGENT, 0);
	urgent_arrived(rig.t, c, at + 100);
	ck_assert_uint_eq(urgent_unread(c), 100);
	ck_assert_uint_ne(rig_event().mask & TCPD_EV_URGENT, 0);
	urgent_arrived(rig.t, c, at + 100);
	urgent_arrived(rig.t, c, at + 99);
	ck_assert_uint_eq(rig_event().mask & TCPD_EV_URGENT, 0);
	ck_assert_uint_eq(urgent_unread(c), 100);
	urgent_arrived(rig.t, c, at + 65535);
	ck_assert_uint_ne(rig_event().mask & TCPD_EV_URGENT, 0);
	ck_assert_uint_eq(urgent_unread(c), 65535);
	c->rq.read = c->rcv_nxt = at + 65535;
	urgent_read(c);
	ck_assert_uint_eq(urgent_unread(c), 0);
	ck_assert(!c->urg_in);
}
END_TEST

START_TEST(urgent_of_ours_is_in_segments_before_its_end)
{
	struct conn *c = rig_conn(starts[_i], 1);
	uint32_t at = c->snd_nxt;

	ck_assert_uint_eq(urgent_pointer(c, at), 0);
	ck_assert_int_eq(urgent_mark(rig.t, c), -TCPD_ERR_INVALID);
	rig_fill(c, 1, 0, 70000);
	ck_assert_int_eq(urgent_mark(rig.t, c), 0);
	ck_assert_uint_eq(urgent_pointer(c, at), 65535);
	ck_assert_uint_eq(urgent_pointer(c, at + 70000 - 65535), 65535);
	ck_assert_uint_eq(urgent_pointer(c, at + 70000 - 65534), 65534);
	ck_assert_uint_eq(urgent_pointer(c, at + 69999), 1);
	ck_assert_uint_eq(urgent_pointer(c, at + 70000), 0);
	c->snd_una = at + 69999;
	urgent_acked(c);
	ck_assert(c->urg_out);
	c->snd_una++;
	urgent_acked(c);
	ck_assert(!c->urg_out);
	c->fin_queued = true;
	ck_assert_int_eq(urgent_mark(rig.t, c), -TCPD_ERR_CLOSING);
}
END_TEST

START_TEST(urgent_calls_refuse_what_is_no_connection)
{
	ck_assert_int_eq(tcpd_urgent(rig.st, 12345), -TCPD_ERR_HANDLE);
	ck_assert_int_eq(tcpd_send_urgent(rig.st, 12345, rig.now),
			 -TCPD_ERR_HANDLE);
	ck_assert_int_eq(tcpd_send_urgent(rig.st, rig_listen(80), rig.now),
			 -TCPD_ERR_HANDLE);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("urgent");
	TCase *tc = rig_case(s, "urgent");

	tcase_add_loop_test(tc, urgent_of_the_peer_moves_forward_only, 0,
			    ARRAY_SIZE(starts));
	tcase_add_loop_test(tc, urgent_of_ours_is_in_segments_before_its_end, 0,
			    ARRAY_SIZE(starts));
	tcase_add_test(tc, urgent_calls_refuse_what_is_no_connection);
	return rig_run(s);
}
