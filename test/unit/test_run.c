/* SPDX-License-Identifier: MIT */
/*
 * test_run.c - what the caller's loop asks for.  Above all: a packet that did
 * not leave changes nothing, to the octet of the stack's memory.
 *
 * LINK: test/unit/rig.c
 */
#include <stdlib.h>
#include <string.h>

#include "rig.h"

static struct peer p;

static void open_peer(void)
{
	p = peer_new(4, 0, 80);
	p.with_ts = true;
	peer_connect(&p);
	while (rig_event().mask)
		;
}

static void queue(uint32_t n)
{
	rig_fill(p.c, 1, p.c->sq.end - p.c->iss - 1, n);
	conn_want_output(rig.t, p.c);
}

/* --- what waits to be sent, one kind each */

static void syn(void)
{
	struct tcpd_addr to = {.ip = RIG_IP4(10, 77, 0, 1), .port = 80};
	tcpd_handle h = 0;

	to.family = 4;
	ck_assert_int_eq(tcpd_connect(rig.st, &h, NULL, &to, rig.now), 0);
}

static void syn_again(void)
{
	syn();
	rig_drain();
	rig_pass(TCPD_SEC(1));
}

static void synack(void)
{
	rig_listen(80);
	p = peer_new(4, 80, 4000);
	peer_send(&p, FLAG_SYN, NULL, 0);
}

static void reset(void)
{
	p = peer_new(4, 80, 4000);
	peer_send(&p, FLAG_ACK, NULL, 0);
}

static void ping(void)
{
	static const uint8_t echo[8] = {8, 0, 0xf7, 0xff};
	struct packet k = peer_packet(&p, 0);

	p = peer_new(4, 80, 4000);
	k = peer_packet(&p, 0);
	k.protocol = PROTO_ICMP;
	k.data = echo;
	k.len = sizeof(echo);
	rig_in(&k);
}

static void text(void)
{
	open_peer();
	queue(3000);
}

static void text_after_idle(void)
{
	open_peer();
	p.c->ccs.cwnd = 100 * p.c->mss;
	queue(10);
	rig_drain();
	p.ack += 10;
	peer_send(&p, FLAG_ACK, NULL, 0);
	rig_pass(TCPD_SEC(10));
	queue(3000);
}

static void super(void)
{
	rig.t->set.tso4 = rig.t->set.csum = true;
	open_peer();
	queue(20000);
}

static void fin(void)
{
	open_peer();
	queue(100);
	ck_assert_int_eq(tcpd_shutdown(rig.st, p.h, rig.now), 0);
}

static void text_again(void)
{
	open_peer();
	queue(3000);
	rig_drain();
	rig_pass(TCPD_SEC(3));
}

static void fast_retransmit(void)
{
	open_peer();
	queue(5000);
	rig_drain();
	for (int i = 0; i < 3; i++)
		peer_send(&p, FLAG_ACK, NULL, 0);
}

static void probe(void)
{
	open_peer();
	p.wnd = 0;
	peer_send(&p, FLAG_ACK, NULL, 0);
	queue(100);
	rig_drain();
	rig_pass(TCPD_SEC(3));
}

static void keepalive(void)
{
	open_peer();
	p.c->keepalive = true;
	keepalive_arm(rig.t, p.c);
	rig_pass(TCPD_SEC(7201));
}

static void bare_ack(void)
{
	open_peer();
	peer_send(&p, FLAG_ACK, "hello", 5);
}

static void two_acks(void)
{
	open_peer();
	p.seq += 1000;
	peer_send(&p, FLAG_ACK, "hello", 5);
	peer_send(&p, FLAG_ACK, "hello", 5);
}

static const struct kind {
	const char *name;
	void (*make)(void);
} kinds[] = {
	{"SYN", syn},
	{"SYN again", syn_again},
	{"SYN,ACK of an entry", synack},
	{"RST", reset},
	{"echo reply", ping},
	{"text", text},
	{"text after idle", text_after_idle},
	{"a super-segment", super},
	{"FIN", fin},
	{"text again, after a time-out", text_again},
	{"text again, after duplicates", fast_retransmit},
	{"a probe", probe},
	{"a keep-alive", keepalive},
	{"an ACK", bare_ack},
	{"two ACKs", two_acks},
};

/* --- the memory of the stack, without what a failure may change */

static uint8_t *snapshot(void)
{
	uint8_t *copy = malloc(rig.st->nmem);
	struct tcp *t;

	ck_assert_ptr_nonnull(copy);
	memcpy(copy, rig.st->mem, rig.st->nmem);
	t = &((struct tcpd_stack *)(void *)copy)->t;
	memset(&t->plan, 0, sizeof(t->plan));
	t->stat.packets_unsent = 0;
	t->reply_head = 0; /* it goes behind the others that wait */
	memset(copy + ((uint8_t *)t->replies - (uint8_t *)rig.st->mem), 0,
	       NREPLIES * sizeof(struct reply));
	return copy;
}

static void same_memory(const char *name, const uint8_t *a, const uint8_t *b)
{
	const uint8_t *conns = rig.t->conns.mem;
	size_t at = 0, tcb = (size_t)(conns - (uint8_t *)rig.st->mem);

	while (at < rig.st->nmem && a[at] == b[at])
		at++;
	ck_assert_msg(at == rig.st->nmem,
		      "%s: octet %zu of the stack differs (of the TCBs: %zd)",
		      name, at, (ssize_t)at - (ssize_t)tcb);
}

START_TEST(run_packet_that_did_not_leave_changes_nothing)
{
	const struct kind *k = &kinds[_i];
	uint8_t *before, *after, *first;
	struct tcpd_out out;
	uint32_t len;
	struct packet got;

	k->make();
	before = snapshot();
	ck_assert(tcpd_output(rig.st, &out, rig.now));
	len = out.nhead;
	first = malloc(len);
	ck_assert_ptr_nonnull(first);
	memcpy(first, out.head, len);
	tcpd_output_done(rig.st, &out, 5, rig.now);
	for (unsigned i = 0; i < 20; i++) { /* the same packet each time */
		ck_assert(tcpd_output(rig.st, &out, rig.now));
		ck_assert_uint_eq(out.nhead, len);
		ck_assert_msg(memcmp(first, out.head, len) == 0, "%s", k->name);
		tcpd_output_done(rig.st, &out, 5, rig.now);
	}
	after = snapshot();
	same_memory(k->name, before, after);
	ck_assert_uint_eq(rig.t->stat.packets_unsent, 21);
	ck_assert_int_eq(rig.t->plan.kind, PLAN_NONE);
	/* and it still goes when it can */
	ck_assert(rig_out(&got));
	ck_assert_mem_eq(first, rig.out.head, len);
	free(first);
	free(before);
	free(after);
}
END_TEST

START_TEST(run_call_in_between_counts_as_sent)
{
	struct tcpd_out out;

	text();
	ck_assert(tcpd_output(rig.st, &out, rig.now));
	tcpd_expire(rig.st, rig.now);
	ck_assert_uint_eq(conn_flight(p.c), p.c->mss);
	/* what is said about it now is about nothing */
	tcpd_output_done(rig.st, &out, 5, rig.now);
	ck_assert_uint_eq(rig.t->stat.packets_unsent, 0);
	ck_assert_uint_eq(rig.t->stat.segments_retransmitted, 0);
}
END_TEST

START_TEST(run_counts_packets_and_octets_that_left)
{
	struct tcpd_out out;

	text();
	rig.t->stat.packets_out = rig.t->stat.packets_octets_out = 0;
	ck_assert(tcpd_output(rig.st, &out, rig.now));
	tcpd_output_done(rig.st, &out, 5, rig.now);
	ck_assert_uint_eq(rig.t->stat.packets_out, 0);
	ck_assert_uint_eq(rig.t->stat.packets_octets_out, 0);
	ck_assert(tcpd_output(rig.st, &out, rig.now));
	tcpd_output_done(rig.st, &out, 0, rig.now + 5);
	ck_assert_uint_eq(rig.t->now, rig.now + 5);
	ck_assert_uint_eq(rig.t->stat.packets_out, 1);
	ck_assert_uint_eq(rig.t->stat.packets_octets_out, out.len);
}
END_TEST

START_TEST(run_time_does_not_go_back)
{
	rig_pass(TCPD_SEC(5));
	tcpd_expire(rig.st, RIG_START);
	ck_assert_uint_eq(rig.t->now, RIG_START + TCPD_SEC(5));
}
END_TEST

START_TEST(run_traces_say_how_many_were_lost)
{
	struct tcpd_trace tr;
	struct tuple tu = rig_tuple(4, 80, 1);
	uint64_t lost;

	ck_assert(!tcpd_next_trace(rig.st, &tr, &lost));
	ck_assert_uint_eq(lost, 0);
	for (unsigned i = 0; i < NTRACES + 7; i++)
		conn_trace(rig.t, i, &tu, TCPD_LISTEN, EV_RCV_SYN);
	ck_assert(tcpd_next_trace(rig.st, &tr, &lost));
	ck_assert_uint_eq(lost, 7);
	ck_assert_uint_eq(tr.id, 7);
	for (unsigned i = 1; i < NTRACES; i++) {
		ck_assert(tcpd_next_trace(rig.st, &tr, &lost));
		ck_assert_uint_eq(lost, 0);
		ck_assert_uint_eq(tr.id, 7 + i);
	}
	ck_assert(!tcpd_next_trace(rig.st, &tr, &lost));
}
END_TEST

START_TEST(run_trace_of_a_listener_has_no_peer)
{
	struct tcpd_trace tr;
	uint64_t lost;

	rig_listen(80);
	ck_assert(tcpd_next_trace(rig.st, &tr, &lost));
	ck_assert_int_eq(tr.to, TCPD_LISTEN);
	ck_assert_uint_eq(tr.local.port, 80);
	ck_assert_uint_eq(tr.peer.family, 0);
	ck_assert_uint_eq(tr.peer.port, 0);
}
END_TEST

START_TEST(run_arrows_are_those_of_the_diagram)
{
	struct tcpd_arrow a;
	unsigned n = 0;

	open_peer();
	for (; tcpd_arrow(rig.st, n, &a); n++) {
		bool opened = a.from == TCPD_CLOSED && a.to == TCPD_SYN_SENT;
		bool open = a.from == TCPD_SYN_SENT && a.to == TCPD_ESTABLISHED;

		ck_assert_ptr_nonnull(a.event);
		ck_assert_ptr_nonnull(a.where);
		ck_assert_uint_eq(a.taken, opened || open);
	}
	ck_assert_uint_eq(n, fsm_nedges);
}
END_TEST

START_TEST(run_stats_know_what_there_is_now)
{
	const struct tcpd_stats *s = tcpd_stats(rig.st);
	struct peer q = peer_new(4, 80, 5000);
	struct conn *w;

	ck_assert_uint_eq(s->now_connections + s->now_timers, 0);
	open_peer();
	rig_listen(80);
	peer_send(&q, FLAG_SYN, NULL, 0);
	w = rig_conn(1, 1);
	w->held = false;
	timewait_enter(rig.t, w);
	queue(100);
	rig_drain();
	s = tcpd_stats(rig.st);
	ck_assert_uint_eq(s->now_connections, 1);
	ck_assert_uint_eq(s->now_listeners, 1);
	ck_assert_uint_eq(s->now_half_open, 1);
	ck_assert_uint_eq(s->now_time_wait, 1);
	ck_assert_uint_eq(s->now_blocks, POOL_UNIT);
	ck_assert_uint_eq(s->now_records, 1);
	ck_assert_uint_eq(s->now_timers, 3);
}
END_TEST

START_TEST(run_events_of_a_listener_have_its_handle_and_word)
{
	struct tcpd_event ev;
	tcpd_handle h = rig_listen(80);

	tcpd_set_user(rig.st, h, rig.buf);
	p = peer_new(4, 80, 4000);
	peer_send(&p, FLAG_SYN, NULL, 0);
	peer_take(&p, FLAG_SYN | FLAG_ACK);
	peer_send(&p, FLAG_ACK, NULL, 0);
	ev = rig_event();
	ck_assert_uint_eq(ev.h, h);
	ck_assert_ptr_eq(ev.user, rig.buf);
	ck_assert_uint_eq(ev.mask, TCPD_EV_ACCEPT);
	ck_assert_int_eq(ev.err, 0);
}
END_TEST

START_TEST(run_input_done_copies_what_was_borrowed)
{
	struct tcpd_slice s;
	struct packet k;
	uint8_t *copy;

	open_peer();
	k = peer_packet(&p, FLAG_ACK);
	k.data = (const uint8_t *)"hello";
	k.len = 5;
	copy = rig_in_borrowed(&k);
	ck_assert_int_eq(tcpd_recv_peek(rig.st, p.h, &s, 1), 1);
	ck_assert(s.p > copy && s.p < copy + 100);
	tcpd_input_done(rig.st, rig.now);
	memset(copy, 0, 20);
	free(copy);
	ck_assert_int_eq(tcpd_recv_peek(rig.st, p.h, &s, 1), 1);
	ck_assert_mem_eq(s.p, "hello", 5);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("run");
	TCase *tc = rig_case(s, "loop");

	tcase_add_loop_test(tc, run_packet_that_did_not_leave_changes_nothing,
			    0, ARRAY_SIZE(kinds));
	tcase_add_test(tc, run_call_in_between_counts_as_sent);
	tcase_add_test(tc, run_counts_packets_and_octets_that_left);
	tcase_add_test(tc, run_time_does_not_go_back);
	tcase_add_test(tc, run_traces_say_how_many_were_lost);
	tcase_add_test(tc, run_trace_of_a_listener_has_no_peer);
	tcase_add_test(tc, run_arrows_are_those_of_the_diagram);
	tcase_add_test(tc, run_stats_know_what_there_is_now);
	tcase_add_test(tc, run_events_of_a_listener_have_its_handle_and_word);
	tcase_add_test(tc, run_input_done_copies_what_was_borrowed);
	return rig_run(s);
}
