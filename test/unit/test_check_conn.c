/* SPDX-License-Identifier: MIT */
/*
 * test_check_conn.c - tcpd_check() sees each way in which a connection can be
 * wrong.
 * LINK: test/unit/duo.c test/unit/duo_cases.c */
#include "broken.h"

/* --- what to break: the first connection that ... */

static struct conn *first(struct tcp *t, bool (*is)(const struct conn *c))
{
	for (uint32_t i = 0; i < t->conns.high; i++)
		if (slab_used(&t->conns, i) && is(conn_at(t, i)))
			return conn_at(t, i);
	return NULL;
}

static bool is_flying(const struct conn *c)
{
	return c->state == TCPD_ESTABLISHED && conn_flight(c) > 1000 &&
	       c->xmit_first != c->xmit_last;
}

static bool is_idle(const struct conn *c)
{
	return c->held && c->state == TCPD_ESTABLISHED && !conn_flight(c) &&
	       !conn_unsent(c) && !c->on_list && c->rq.head == POOL_NONE;
}

static bool has_ranges(const struct conn *c)
{
	return c->rq.nranges > 1;
}

static bool is_orphan(const struct conn *c)
{
	return c->state == TCPD_FIN_WAIT_1;
}

static bool is_opening(const struct conn *c)
{
	return c->state == TCPD_SYN_SENT && conn_flight(c);
}

static bool is_over(const struct conn *c)
{
	return c->state == TCPD_CLOSED;
}

static bool is_accepted(const struct conn *c)
{
	return !c->active && c->state == TCPD_ESTABLISHED;
}

static bool has_timer(const struct conn *c)
{
	return c->state == TCPD_ESTABLISHED && c->timer[CT_KEEPALIVE];
}

static bool is_reader(const struct conn *c)
{
	return c->state == TCPD_ESTABLISHED && c->rq.head != POOL_NONE &&
	       conn_readable(c) && !c->rq.nranges;
}

#define FIND(name)                          \
	static void *name(struct tcp *t)    \
	{                                   \
		return first(t, is_##name); \
	}
FIND(flying)
FIND(idle)
FIND(orphan)
FIND(opening)
FIND(over)
FIND(reader)

static void *timed(struct tcp *t)
{
	return first(t, has_timer);
}

static void *gappy(struct tcp *t)
{
	return first(t, has_ranges);
}

static void *record(struct tcp *t)
{
	const struct conn *c = flying(t);

	return c ? xmit_at(t, c->xmit_first - 1) : NULL;
}

static void *last_record(struct tcp *t)
{
	const struct conn *c = flying(t);

	return c ? xmit_at(t, c->xmit_last - 1) : NULL;
}

static bool has_blocks(const struct conn *c)
{
	return is_flying(c) && c->sq.head != c->sq.tail;
}

static void *send_block(struct tcp *t)
{
	const struct conn *c = first(t, has_blocks);

	return c ? &t->pool.block[c->sq.head] : NULL;
}

static void *recv_block(struct tcp *t)
{
	const struct conn *c = gappy(t);

	return c ? &t->pool.block[c->rq.head] : NULL;
}

static void *range(struct tcp *t)
{
	const struct conn *c = gappy(t);

	return c ? pool_at(&t->pool, c->rq.ranges) : NULL;
}

#define CONN(wrong, find, member, add) \
	BROKEN(wrong, find, struct conn, member, add)

static const struct broken rows[] = {
	CONN("conn: a state that no TCB has", idle, state, 6),
	CONN("conn: a state that no TCB has", idle, state, -3),
	CONN("conn: a number never given", idle, id, 1000),
	CONN("conn: a value that is not in its list", idle, recovery, 4),
	CONN("conn: a value that is not in its list", idle, cc, TCPD_NCCS),
	CONN("conn: a value that is not in its list", idle, err, 200),
	CONN("conn: a window scale above 14", idle, rcv_wscale, 8),
	CONN("conn: no segment has this MSS", idle, mss, 1),
	CONN("conn: no segment has this MSS", idle, ccs.mss, -1),
	CONN("conn: a buffer limit out of its range", idle, rcv_max, 1u << 31),
	CONN("conn: a window that no segment can give", idle, snd_wnd,
	     1u << 31),
	CONN("conn: an option out of its range", idle, keepintvl_ms, -75000),
	CONN("conn: a time of 0", idle, time_wait, -TCPD_SEC(60)),
	CONN("conn: a past time lies ahead", idle, last_rcv, TCPD_SEC(99)),
	CONN("conn: addresses of two families", idle, tu.peer[11], 1),
	CONN("conn: the table does not find it", idle, tu.pport, 1),
	CONN("conn: on no list that there is", flying, on_list, 7),
	CONN("conn: in the queue of no listener", idle, listener, 77),
	CONN("conn: in the table when CLOSED, or not in it when open", idle,
	     state, -4),
	CONN("conn: SYN acknowledged before its time", opening, snd_una, 1),
	CONN("conn: ESTABLISHED with SYN unacknowledged", idle, iss, 1),
	CONN("conn: FIN-WAIT-2 with FIN unacknowledged", orphan, state, 1),
	CONN("conn: FIN queued in a wrong state", idle, fin_queued, 1),
	CONN("conn: FIN queued in a wrong state", orphan, state, 2),
	CONN("conn: the peer's FIN in a wrong state", idle, fin_rcvd, 1),
	CONN("conn: CLOSED and waiting for output", over, on_list, 1),

	BROKEN("records: a link back is wrong", record, struct xmit, prev, 1),
	BROKEN("records: a gap, or two that overlap", record, struct xmit, seq,
	       1),
	BROKEN("records: a gap, or two that overlap", last_record, struct xmit,
	       end, UINT32_MAX / 2),
	BROKEN("records: one of the future", record, struct xmit, sent_at,
	       TCPD_SEC(1)),
	BROKEN("records: sent again and never lost", last_record, struct xmit,
	       flags, XMIT_RESENT),
	BROKEN("records: the sums of what is lost differ", last_record,
	       struct xmit, flags, XMIT_LOST),
	BROKEN("records: not up to SND.NXT", last_record, struct xmit, end, 1),
	CONN("records: the sums of what is lost differ", flying, lost, 1),
	CONN("records: the last one is another", flying, xmit_last, 1),
	CONN("conn: more has left than is in flight", flying, duped, 1000000),

	BROKEN("send queue: more octets than a block has", send_block,
	       struct pool_block, len, 100000),
	BROKEN("send queue: SND.UNA is not in its first block", send_block,
	       struct pool_block, off, 10000),
	BROKEN("send queue: a gap", send_block, struct pool_block, len, -1),
	CONN("send queue: the tail is not the last block", flying, sq.tail, 1),
	CONN("send queue: the sum of its blocks differs", flying, sq.mem, 2048),
	CONN("send queue: room elsewhere", flying, sq.room, 1),
	CONN("send queue: its blocks end elsewhere", flying, sq.end, 1),

	BROKEN("receive queue: a block of a wrong length", recv_block,
	       struct pool_block, len, 100000),
	BROKEN("receive queue: a link back is wrong", recv_block,
	       struct pool_block, prev, 1),
	CONN("receive queue: the tail is not the last block", gappy, rq.tail,
	     1),
	CONN("receive queue: the sum of its blocks differs", gappy, rq.mem, 1),
	CONN("receive queue: more was read than came", idle, rq.read, 1),
	CONN("receive queue: text in order that no block holds", idle, rq.read,
	     -1),
	BROKEN("ranges: not in order, or not apart", range, struct range, right,
	       -100000),
	BROKEN("ranges: not in order, or not apart", range, struct range, left,
	       -100000),
	CONN("ranges: their sum differs", gappy, rq.ooo, 1),
	CONN("ranges: none, and a block for them", gappy, rq.nranges, -3),
	CONN("receive queue: beyond the window", idle, rcv_adv, -1000000),
	CONN("conn: acknowledged what had not come", idle, last_ack_sent, 1),
	CONN("borrows: their sum differs", idle, rq.borrow_last, 1),

	CONN("timers: armed for another tick", flying, armed, 1),
	CONN("timers: one that never fires", idle, timer[CT_PERSIST],
	     UINT64_MAX - 5),
	CONN("timers: one of a CLOSED one", over, timer[CT_USER], 1),
	CONN("timers: one that nothing will wake", timed, timer[CT_KEEPALIVE],
	     -TCPD_SEC(7200)),
	CONN("fast open: a form that no option has", idle, fo_form, 3),
	CONN("fast open: it waits for no last ACK", idle, fo_from, 1),
	CONN("conn: a SYN is due, and does not wait", idle, syn_due, 1),
	CONN("conn: an ACK is due, and does not wait for output", idle, ack_due,
	     1),
	CONN("conn: an ACK is due, and does not wait for output", idle,
	     acks_owed, 1),
	CONN("conn: a delayed ACK that nothing will send", idle, ack_delayed,
	     1),
};

/* --- more than one member */

static bool no_root(struct tcp *t)
{
	struct conn *c = flying(t);

	if (c)
		c->xmit_root = c->xmit_root == c->xmit_first ? c->xmit_last
							     : c->xmit_first;
	return c != NULL;
}

static bool no_rexmt(struct tcp *t)
{
	struct conn *c = flying(t);

	if (c)
		c->timer[CT_REXMT] = 0;
	return c != NULL;
}

static bool rexmt_of_nothing(struct tcp *t)
{
	struct conn *c = idle(t);

	if (c)
		conn_arm(t, c, CT_REXMT, t->now + TCPD_SEC(1));
	return c != NULL;
}

static bool fin_left_lying(struct tcp *t)
{
	struct conn *c = idle(t);

	if (c) {
		c->state = TCPD_FIN_WAIT_1;
		c->fin_queued = true;
	}
	return c != NULL;
}

static bool small_cwnd(struct tcp *t)
{
	struct conn *c = idle(t);

	if (c)
		c->ccs.cwnd = c->mss - 1;
	return c != NULL;
}

static bool no_cwnd(struct tcp *t)
{
	struct conn *c = idle(t);

	if (c)
		c->ccs.cwnd = 0;
	return c != NULL;
}

static bool no_flow(struct tcp *t)
{
	for (uint32_t i = 0; i < t->conns.high; i++) {
		struct conn *c = conn_at(t, i);

		if (slab_used(&t->conns, i) && c->flow && c->xmit_first &&
		    !c->sacked && c->snd_una != c->iss) {
			c->flow = 0;
			return true;
		}
	}
	return false;
}

static bool flow_of_nobody(struct tcp *t)
{
	return slab_take(&t->flows) != SLAB_NONE;
}

static bool flow_not_in_use(struct tcp *t)
{
	struct conn *c = idle(t);

	if (c)
		c->flow = t->flows.max;
	return c != NULL;
}

static bool flow_without_purpose(struct tcp *t)
{
	for (uint32_t i = 0; i < t->flows.high; i++)
		if (slab_used(&t->flows, i)) {
			struct flow *f = slab_at(&t->flows, i);

			f->chrono = NCHRONOS;
			return true;
		}
	return false;
}

static bool inflow_of_nobody(struct tcp *t)
{
	return slab_take(&t->inflows) != SLAB_NONE;
}

static bool inflow_not_in_use(struct tcp *t)
{
	struct conn *c = idle(t);

	if (c)
		c->inflow = t->inflows.max;
	return c != NULL;
}

static bool inflow_of_the_future(struct tcp *t)
{
	struct conn *c = idle(t);
	struct inflow *g;

	if (!c)
		return false;
	if (!c->inflow)
		c->inflow = slab_take(&t->inflows) + 1;
	g = inflow_of(t, c);
	g->at = t->now + 1;
	return true;
}

static bool all_read(struct tcp *t)
{
	struct conn *c = reader(t);

	if (c)
		c->rq.read = c->rcv_nxt;
	return c != NULL;
}

static bool nobodys(struct tcp *t)
{
	struct conn *c = idle(t);

	if (c)
		c->held = false;
	return c != NULL;
}

static bool syn_waits(struct tcp *t)
{
	struct conn *c = opening(t);

	if (c)
		c->fo_wait = c->fo_text = true; /* and the SYN has gone */
	return c != NULL;
}

static bool text_of_peer(struct tcp *t)
{
	struct conn *c = first(t, is_accepted);

	if (c)
		c->syn_text = true;
	return c != NULL;
}

static bool beyond_the_end(struct tcp *t)
{
	struct conn *c = flying(t);

	if (c) {
		c->snd_nxt = c->sq.end + 1;
		xmit_at(t, c->xmit_last - 1)->end = c->snd_nxt;
	}
	return c != NULL;
}

static const struct broken_more more[] = {
	{"records: the tree does not find one", no_root},
	{"conn: in flight, and nothing will send it again", no_rexmt},
	{"conn: nothing in flight, and its timer runs", rexmt_of_nothing},
	{"conn: text waits, and nothing will send it", fin_left_lying},
	{"conn: a congestion window in which no segment fits", small_cwnd},
	{"conn: a congestion window that cannot be", no_cwnd},
	{"flow: in flight without one", no_flow},
	{"flow: a slot that belongs to nobody", flow_of_nobody},
	{"flow: a slot that is not in use", flow_not_in_use},
	{"flow: its time goes into nothing there is", flow_without_purpose},
	{"inflow: a slot that belongs to nobody", inflow_of_nobody},
	{"inflow: a slot that is not in use", inflow_not_in_use},
	{"inflow: a past time lies ahead", inflow_of_the_future},
	{"conn: nobody holds it", nobodys},
	{"fast open: a SYN that waits for text, and no more", syn_waits},
	{"fast open: text on the SYN of a peer", text_of_peer},
	{"receive queue: a block in an empty one", all_read},
	{"conn: SND.NXT is behind what was ever queued", beyond_the_end},
};

START_TEST(check_says_which_value_of_a_connection_is_wrong)
{
	broken_try(&rows[_i]);
}
END_TEST

START_TEST(check_says_what_does_not_go_together_in_a_connection)
{
	broken_try_more(&more[_i]);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("check_conn");
	TCase *tc = tcase_create("check_conn");
	SRunner *sr = srunner_create(s);
	int failed;

	tcase_add_loop_test(tc, check_says_which_value_of_a_connection_is_wrong,
			    0, ARRAY_SIZE(rows));
	tcase_add_loop_test(
		tc, check_says_what_does_not_go_together_in_a_connection, 0,
		ARRAY_SIZE(more));
	suite_add_tcase(s, tc);
	srunner_set_tap(sr, "-");
	srunner_run_all(sr, CK_SILENT);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed != 0;
}
