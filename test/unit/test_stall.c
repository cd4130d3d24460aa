/* SPDX-License-Identifier: MIT */
/*
 * test_stall.c - send queues that do not move: what they may hold in all, who
 * is ended when they hold too much, in which order, and who is not.
 *
 * LINK: test/unit/rig.c
 */
#include "rig.h"
#include "tcp/mem.h"

#define CONNS 4000u

static struct conn *conns[CONNS];
static uint32_t nconns;

/* A connection whose peer has had its window closed since its birth. */
static struct conn *closed(void)
{
	struct conn *c = rig_conn(1000, 1);

	c->snd_wnd = 0;
	conns[nconns++] = c;
	return c;
}

/* What an app gets in that has much to say; octets. */
static uint32_t write_all(struct conn *c)
{
	struct tcpd_room r[4];
	uint32_t all = 0;
	int k;

	while ((k = sendq_room(rig.t, c, 1u << 20, r, 4)) > 0) {
		uint32_t n = 0;

		for (int i = 0; i < k; i++)
			n += r[i].len;
		sendq_filled(rig.t, c, n);
		all += n;
	}
	conn_want_output(rig.t, c);
	return all;
}

static void memory_of(uint64_t octets)
{
	rig.set.max_conns = CONNS + 64;
	rig.set.memory = octets;
	rig_restart();
	nconns = 0;
}

static bool alive(const struct conn *c)
{
	return c->state == TCPD_ESTABLISHED;
}

static uint32_t nalive(void)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < nconns; i++)
		n += alive(conns[i]);
	return n;
}

/* Time passes, and whatever is due goes out to peers that never answer, but
 * that a probe is not taken for. */
static void pass(unsigned seconds)
{
	for (unsigned i = 0; i < seconds * 10; i++) {
		rig_pass(TCPD_MS(100));
		rig_drain();
	}
}

START_TEST(stall_hoarders_leave_memory_for_everybody)
{
	uint32_t held = 0;

	memory_of(64u << 20);
	for (uint32_t i = 0; i < CONNS; i++) {
		uint32_t n = write_all(closed());

		ck_assert_msg(n >= POOL_UNIT, "connection %u got %u", i, n);
		held += n;
	}
	/* half of it, and a unit each beyond that */
	ck_assert_uint_le(rig.t->send_mem,
			  rig.set.memory / 2 + (uint64_t)CONNS * POOL_UNIT);
	ck_assert_uint_le(held, rig.t->send_mem);
	ck_assert(!mem_tight(rig.t));
}
END_TEST

START_TEST(stall_a_reader_that_takes_what_it_gets_has_room)
{
	struct conn *c;

	memory_of(8u << 20);
	for (uint32_t i = 0; i < 1000; i++)
		write_all(closed());
	c = rig_conn(1000, 1);
	ck_assert_uint_lt(sendq_limit(rig.t, c), 16u << 10);
	c->octets_acked = 1;
	c->last_ack = rig.t->now;
	ck_assert_uint_eq(sendq_limit(rig.t, c), 16u << 10);
	rig_pass(TCPD_SEC(1));
	ck_assert_uint_lt(sendq_limit(rig.t, c), 16u << 10);
}
END_TEST

START_TEST(stall_nothing_ends_within_the_budget)
{
	memory_of(64u << 20);
	for (uint32_t i = 0; i < 20; i++)
		write_all(closed());
	ck_assert_uint_gt(mem_send_left(rig.t), 0);
	pass(200);
	ck_assert_uint_eq(nalive(), 20);
	ck_assert_uint_eq(tcpd_stats(rig.st)->memory_stalled, 0);
}
END_TEST

START_TEST(stall_nothing_ends_within_a_minute_and_the_largest_do_then)
{
	uint32_t most = 0, least_gone = UINT32_MAX;
	uint32_t held[CONNS], nended = 0;
	uint64_t excess;

	memory_of(8u << 20);
	for (uint32_t i = 0; i < 2000; i++) {
		struct conn *c = closed();

		if (i < 500) /* the large ones do not come first */
			rig_fill(c, 1, 0, 1000);
		else
			write_all(c);
		held[i] = c->sq.mem;
	}
	ck_assert_uint_eq(mem_send_left(rig.t), 0);
	excess = rig.t->send_mem - rig.set.memory / 2;
	pass(55);
	ck_assert_uint_eq(nalive(), 2000);
	pass(10);
	ck_assert_uint_gt(mem_send_left(rig.t), 0);
	for (uint32_t i = 0; i < 2000; i++)
		if (alive(conns[i]))
			most = max_u32(most, held[i]);
		else
			least_gone = min_u32(least_gone, held[i]);
	ck_assert_uint_ge(least_gone, most);
	/* no more than needed */
	ck_assert_uint_lt(tcpd_stats(rig.st)->memory_stalled_octets,
			  excess + most + (1u << 20));
	ck_assert_uint_eq(tcpd_stats(rig.st)->memory_stalled, 2000 - nalive());
	ck_assert_uint_eq(rig.t->stat.resets_sent[TCPD_RESET_BUDGET],
			  2000 - nalive());
	ck_assert_uint_gt(nalive(), 1900);
	for (struct tcpd_event ev; (ev = rig_event()).mask; nended++) {
		ck_assert_uint_eq(ev.mask, TCPD_EV_RESET);
		ck_assert_int_eq(ev.err, TCPD_ERR_RESET);
	}
	ck_assert_uint_eq(nended, 2000 - nalive());
}
END_TEST

START_TEST(stall_a_connection_that_moves_does_not_end)
{
	struct conn *moving, *opened;

	memory_of(8u << 20);
	for (uint32_t i = 0; i < 2000; i++)
		write_all(closed());
	moving = conns[0]; /* the largest of all */
	opened = conns[1]; /* its window opened a while ago */
	for (unsigned i = 0; i < 70; i++) {
		moving->closed_at = rig.t->now;
		moving->stalled_at = opened->stalled_at = 0;
		opened->snd_wnd = 1;
		pass(1);
	}
	ck_assert(alive(moving));
	ck_assert(alive(opened));
	ck_assert(!alive(conns[2]));
}
END_TEST

START_TEST(stall_taking_a_probes_octet_is_no_progress)
{
	struct conn *c;

	memory_of(8u << 20);
	c = closed();
	write_all(c);
	for (uint32_t i = 0; i < 2000; i++)
		write_all(closed());
	for (unsigned i = 0; alive(c) && i < 100; i++) {
		struct segment s = {.tu = c->tu, .nwire = 1};

		pass(1);
		if (!alive(c) || !conn_flight(c))
			continue;
		s.h.flags = TCP_ACK;
		s.h.seq = c->rcv_nxt;
		s.h.ack = c->snd_nxt;
		tcp_input(rig.t, &s);
	}
	ck_assert(!alive(c));
}
END_TEST

static unsigned heard[CONNS];

/* Its peer takes an octet at a time, and says so at once. */
static void take_one(struct packet *p)
{
	struct segment s = {.nwire = 1};
	uint32_t i = (uint32_t)(p->dport - conns[0]->tu.pport);
	struct conn *c;

	ck_assert_uint_lt(i, nconns);
	c = conns[i];
	heard[i]++;
	s.tu = c->tu;
	s.h.flags = TCP_ACK;
	s.h.seq = c->rcv_nxt;
	s.h.ack = p->seq + p->len;
	s.h.wnd = 1;
	tcp_input(rig.t, &s);
}

START_TEST(stall_slow_readers_cost_little_memory_and_few_packets)
{
	enum { READERS = 1000, SECONDS = 6 };
	uint64_t most = 0;

	memory_of(16u << 20);
	for (unsigned i = 0; i < READERS; i++) {
		struct conn *c = closed();

		c->snd_wnd = c->max_snd_wnd = 1;
		write_all(c);
	}
	for (unsigned i = 0; i < SECONDS * 100; i++) {
		struct packet p;

		rig_pass(TCPD_MS(10));
		while (rig_out(&p))
			take_one(&p);
		for (uint32_t k = i % 100; k < READERS; k += 100)
			write_all(conns[k]);
		most = max_u64(most, rig.t->send_mem);
	}
	ck_assert_uint_le(most, rig.set.memory / 2 + READERS * (16u << 10));
	ck_assert(!mem_tight(rig.t));
	for (unsigned i = 0; i < READERS; i++) {
		ck_assert_uint_le(heard[i], SECONDS * 5 + 1);
		ck_assert_uint_ge(heard[i], SECONDS);
	}
}
END_TEST

static const struct mss_row {
	const char *name;
	uint16_t mss;
	bool ts;
	bool small;
} mss_rows[] = {
	{"48", 48, false, true},
	{"215", 215, false, true},
	{"216", 216, false, false},
	{"216 with time stamps on each segment", 216, true, false},
	{"215 with time stamps on each segment", 215, true, true},
	{"1460", 1460, false, false},
};

START_TEST(stall_small_segments_have_a_small_queue)
{
	const struct mss_row *row = &mss_rows[_i];
	struct conn *c;

	memory_of(64u << 20);
	c = rig_conn(1000, 1);
	c->peer_mss = row->mss;
	c->ts = row->ts;
	conn_set_mss(rig.t, c);
	c->ccs.cwnd = 1u << 20;
	ck_assert_int_eq(sendq_limit(rig.t, c) == 64u << 10, row->small);
	if (row->small)
		ck_assert_uint_eq(write_all(c), 64u << 10);
	else
		ck_assert_uint_gt(write_all(c), 512u << 10);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("stall");
	TCase *tc = rig_case(s, "stall");

	tcase_add_test(tc, stall_hoarders_leave_memory_for_everybody);
	tcase_add_test(tc, stall_a_reader_that_takes_what_it_gets_has_room);
	tcase_add_test(tc, stall_nothing_ends_within_the_budget);
	tcase_add_test(
		tc, stall_nothing_ends_within_a_minute_and_the_largest_do_then);
	tcase_add_test(tc, stall_a_connection_that_moves_does_not_end);
	tcase_add_test(tc, stall_taking_a_probes_octet_is_no_progress);
	tcase_add_test(tc,
		       stall_slow_readers_cost_little_memory_and_few_packets);
	tcase_add_loop_test(tc, stall_small_segments_have_a_small_queue, 0,
			    (int)ARRAY_SIZE(mss_rows));
	return rig_run(s);
}
