/* SPDX-License-Identifier: MIT */
/*
 * test_port.c - ephemeral ports (RFC 6056): where from, how hard to guess, and
 * what happens when few or none are left.
 *
 * LINK: test/unit/rig.c
 */
#include <string.h>

#include "rig.h"

#define N 10000u

static struct tuple to_peer(uint16_t port)
{
	return rig_tuple(4, 0, port);
}

static uint16_t choose(uint16_t peer_port)
{
	struct tuple tu = to_peer(peer_port);

	return port_choose(rig.t, &tu) ? tu.lport : 0;
}

static uint16_t choose_bind(void)
{
	struct claim w = {.any = true, .a.family = 4};

	return port_choose_bind(rig.t, &w);
}

START_TEST(port_comes_from_all_of_the_range_and_nowhere_else)
{
	static unsigned hits[65536];
	unsigned lowest = 65535, highest = 0;

	rig.t->set.port_min = 1024;
	rig.t->set.port_max = 65535;
	for (unsigned i = 0; i < N; i++) {
		uint16_t p = choose((uint16_t)(1 + i % 50));

		ck_assert_uint_ge(p, 1024);
		hits[p]++;
		lowest = min_u32(lowest, p);
		highest = max_u32(highest, p);
	}
	ck_assert_uint_lt(lowest, 1024 + 200); /* 6056-1 */
	ck_assert_uint_gt(highest, 65535 - 200);
	for (unsigned p = 0; p < 65536; p++)
		ck_assert_uint_lt(hits[p], 10);
}
END_TEST

/* What an observer of his own connections may try, each in its turn. */
static uint32_t guess(unsigned how, const uint16_t *last)
{
	switch (how) {
	case 0:
		return last[0] + 1u;
	case 1:
		return last[0] + 2u;
	case 2: /* the same stride again */
		return 2u * last[0] - last[1];
	case 3: /* the mean of the last strides */
		return last[0] + (uint32_t)((int)last[0] - (int)last[7]) / 7u;
	case 4: /* the stride before the last one */
		return last[0] + (uint32_t)((int)last[1] - (int)last[2]);
	default:
		return last[0] + how;
	}
}

/* 6056-2 and attacks.md: no predictor hits more than one in a hundred. */
START_TEST(port_of_the_next_connect_cannot_be_guessed)
{
	static unsigned stride[65536];
	unsigned hits[40] = {0};
	uint16_t last[8];

	for (unsigned i = 0; i < 8; i++)
		last[i] = choose(80);
	for (unsigned i = 0; i < N; i++) {
		uint16_t p = choose(80);

		for (unsigned k = 0; k < ARRAY_SIZE(hits); k++)
			hits[k] += (uint16_t)guess(k, last) == p;
		stride[(uint16_t)(p - last[0])]++;
		memmove(last + 1, last, sizeof(last) - sizeof(last[0]));
		last[0] = p;
	}
	for (unsigned k = 0; k < ARRAY_SIZE(hits); k++)
		ck_assert_msg(hits[k] <= N / 100, "predictor %u hits %u of %u",
			      k, hits[k], N);
	/* no stride at all is common: three standard deviations above 1 % */
	for (unsigned k = 0; k < 65536; k++)
		ck_assert_msg(stride[k] <= 130, "a stride of %u came %u times",
			      k, stride[k]);
}
END_TEST

/* How far apart the ports to one destination lie, in |n| parts of the range:
 * the chi-square of their numbers. */
static double strides(unsigned others)
{
	enum { PARTS = 16 };
	const uint32_t range = 61000 - 32768;
	double count[PARTS] = {0}, x = 0;
	uint16_t last = choose(80);

	for (unsigned i = 0; i < N; i++) {
		uint16_t p;

		for (unsigned k = 0; k < others; k++)
			choose((uint16_t)(1000 + k));
		p = choose(80);
		count[(p + range - last) % range * PARTS / range]++;
		last = p;
	}
	for (unsigned i = 0; i < PARTS; i++)
		x += (count[i] - N / (double)PARTS) *
		     (count[i] - N / (double)PARTS) / (N / (double)PARTS);
	return x;
}

/* CVE-2022-1012: whoever sees the ports to one destination cannot tell how many
 * connects to others came between, since no distance is likelier than another,
 * whatever their number. */
START_TEST(port_sequence_says_nothing_of_other_destinations)
{
	static const unsigned others[] = {0, 1, 7, 100};

	for (unsigned i = 0; i < ARRAY_SIZE(others); i++) {
		double x = strides(others[i]);

		/* 15 degrees of freedom: p = 0.001 */
		ck_assert_msg(x < 37.7, "%u others: chi-square %.1f", others[i],
			      x);
	}
}
END_TEST

START_TEST(port_sequences_of_two_destinations_are_unrelated)
{
	unsigned same = 0;

	for (unsigned i = 0; i < 10000; i++)
		same += choose(80) == choose(443);
	ck_assert_uint_le(same, 10);
}
END_TEST

/* 6056-3: the four-tuple is unused in each of the three tables. */
START_TEST(port_finds_the_only_one_that_is_free)
{
	struct tuple tu = to_peer(80);
	struct conn *c[8];

	rig.t->set.port_min = 40000;
	rig.t->set.port_max = 40007;
	for (unsigned i = 0; i < 8; i++) {
		c[i] = rig_conn(1, 1);
		conn_unhash(rig.t, c[i]);
		c[i]->tu = to_peer(80);
		c[i]->tu.lport = (uint16_t)(40000 + i);
		if (i != 5)
			ck_assert(conn_hash(rig.t, c[i]));
	}
	for (unsigned i = 0; i < 20; i++) {
		ck_assert(port_choose(rig.t, &tu));
		ck_assert_uint_eq(tu.lport, 40005);
	}
	/* to another port of the peer's they are all free */
	ck_assert_uint_ne(choose(81), 0);
	/* and then there is none */
	ck_assert(conn_hash(rig.t, c[5]));
	ck_assert(!port_choose(rig.t, &tu));
	ck_assert_uint_eq(tu.lport, 0);
	/* a TIME-WAIT entry holds its tuple as a connection does */
	c[2]->held = false;
	timewait_enter(rig.t, c[2]);
	ck_assert(!port_choose(rig.t, &tu));
	timewait_remove(rig.t, 0);
	ck_assert(port_choose(rig.t, &tu));
	ck_assert_uint_eq(tu.lport, 40002);
}
END_TEST

/* Nothing but luck would draw it. */
START_TEST(port_finds_the_only_one_among_very_many)
{
	rig.t->set.port_min = 1024;
	rig.t->set.port_max = 65535;
	for (unsigned p = 1024; p < 65536; p++)
		rig.t->ports[p].listeners = p != 55555;
	for (unsigned i = 0; i < 10; i++)
		ck_assert_uint_eq(choose((uint16_t)(1 + i)), 55555);
	for (unsigned p = 1024; p < 65536; p++)
		rig.t->ports[p].listeners = 0;
}
END_TEST

START_TEST(port_that_runs_out_is_an_error_of_its_own)
{
	struct tcpd_addr peer = {.family = 4, .port = 80};
	tcpd_handle h = 0;

	memcpy(peer.ip, rig_peer4, 16);
	rig_stop();
	rig.set.port_min = 40000;
	rig.set.port_max = 40001;
	rig_start();
	for (unsigned i = 0; i < 2; i++, h = 0)
		ck_assert_int_eq(tcpd_connect(rig.st, &h, NULL, &peer, rig.now),
				 0);
	ck_assert_int_eq(tcpd_connect(rig.st, &h, NULL, &peer, rig.now),
			 -TCPD_ERR_NO_PORT);
	ck_assert_uint_eq(h, 0);
	ck_assert_uint_eq(rig.t->conns.count, 2);
	peer.port = 81;
	ck_assert_int_eq(tcpd_connect(rig.st, &h, NULL, &peer, rig.now), 0);
}
END_TEST

/* attacks.md, 1.1: 28,232 connects to one peer, and one more.  While nothing
 * has become free the answer costs no look at all ports: nothing is drawn. */
START_TEST(port_range_that_is_used_up_says_so_at_once)
{
	struct tcpd_addr peer = {.family = 4, .port = 80}, other;
	tcpd_handle h = 0, first = 0;
	uint64_t drawn;

	memcpy(peer.ip, rig_peer4, 16);
	other = peer;
	other.port = 81;
	rig_stop();
	rig.set.max_conns = 30000;
	rig_start();
	for (unsigned i = 0; i < 28232; i++, h = 0) {
		ck_assert_int_eq(tcpd_connect(rig.st, &h, NULL, &peer, rig.now),
				 0);
		first = first ? first : h;
	}
	ck_assert_int_eq(tcpd_connect(rig.st, &h, NULL, &peer, rig.now),
			 -TCPD_ERR_NO_PORT);
	drawn = rig.t->nrand;
	for (unsigned i = 0; i < 1000; i++)
		ck_assert_int_eq(tcpd_connect(rig.st, &h, NULL, &peer, rig.now),
				 -TCPD_ERR_NO_PORT);
	ck_assert_uint_eq(rig.t->nrand, drawn);
	/* others have theirs */
	ck_assert_int_eq(tcpd_connect(rig.st, &h, NULL, &other, rig.now), 0);
	h = 0;
	ck_assert_int_eq(tcpd_connect(rig.st, &h, NULL, &peer, rig.now),
			 -TCPD_ERR_NO_PORT);
	/* and one that ends is found, as quickly */
	drawn = rig.t->nrand;
	ck_assert_int_eq(tcpd_abort(rig.st, first, rig.now), 0);
	ck_assert_int_eq(tcpd_connect(rig.st, &h, NULL, &peer, rig.now), 0);
	ck_assert_uint_eq(rig.t->nrand, drawn);
	h = 0;
	ck_assert_int_eq(tcpd_connect(rig.st, &h, NULL, &peer, rig.now),
			 -TCPD_ERR_NO_PORT);
	rig.set.port_max++;
	ck_assert_int_eq(tcpd_reconfigure(rig.st, &rig.set, rig.now), 0);
	ck_assert_int_eq(tcpd_connect(rig.st, &h, NULL, &peer, rig.now), 0);
}
END_TEST

/* Who has found none is not looked for again until one is given back: by an
 * entry that ends, a socket, a listener, or a new range. */
START_TEST(port_that_is_given_back_is_found_after_there_was_none)
{
	struct tcpd_settings set;
	struct tcpd_addr a = {.port = 40001};
	struct tuple tu = to_peer(80);
	tcpd_handle h, l;
	struct conn *c;

	rig.set.port_min = rig.set.port_max = 40000;
	rig_restart();
	c = rig_conn(1, 1);
	conn_unhash(rig.t, c);
	c->tu = to_peer(80);
	c->tu.lport = 40000;
	ck_assert(conn_hash(rig.t, c));
	ck_assert(!port_choose(rig.t, &tu));
	c->held = false;
	timewait_enter(rig.t, c);
	ck_assert(!port_choose(rig.t, &tu));
	timewait_remove(rig.t, 0);
	ck_assert(port_choose(rig.t, &tu));
	l = rig_listen(40000);
	ck_assert(!port_choose(rig.t, &tu));
	ck_assert_int_eq(tcpd_close(rig.st, l, rig.now), 0);
	ck_assert(port_choose(rig.t, &tu));
	rig_listen(40000);
	ck_assert(!port_choose(rig.t, &tu));
	ck_assert_int_eq(tcpd_bind(rig.st, &h, &a, 0, rig.now), 0);
	set = rig.set;
	set.port_max = 40002;
	ck_assert_int_eq(tcpd_reconfigure(rig.st, &set, rig.now), 0);
	ck_assert(port_choose(rig.t, &tu));
	ck_assert_uint_ne(tu.lport, 40000);
}
END_TEST

/* More are given back than are remembered, most of no use to this peer. */
START_TEST(port_is_found_however_many_were_given_back)
{
	struct tcpd_addr peer = {.family = 4, .port = 80}, other;
	tcpd_handle h[2] = {0}, n;

	memcpy(peer.ip, rig_peer4, 16);
	other = peer;
	other.port = 81;
	rig.t->set.port_min = 40000;
	rig.t->set.port_max = 40001;
	for (unsigned i = 0; i < 2; i++)
		ck_assert_int_eq(
			tcpd_connect(rig.st, &h[i], NULL, &peer, rig.now), 0);
	for (unsigned k = 1; k < 4 * NPORT_GIVEN; k += k / 4 + 1) {
		n = 0;
		ck_assert_int_eq(tcpd_connect(rig.st, &n, NULL, &peer, rig.now),
				 -TCPD_ERR_NO_PORT);
		ck_assert_int_eq(tcpd_abort(rig.st, h[k % 2], rig.now), 0);
		for (unsigned i = 0; i < k; i++) {
			n = 0;
			ck_assert_int_eq(
				tcpd_connect(rig.st, &n, NULL, &other, rig.now),
				0);
			ck_assert_int_eq(tcpd_abort(rig.st, n, rig.now), 0);
		}
		h[k % 2] = 0;
		ck_assert_msg(tcpd_connect(rig.st, &h[k % 2], NULL, &peer,
					   rig.now) == 0,
			      "after %u others", k);
	}
}
END_TEST

START_TEST(port_with_a_listener_is_never_chosen)
{
	rig.t->set.port_min = 40000;
	rig.t->set.port_max = 40003;
	rig_listen(40000);
	rig_listen(40001);
	rig_listen(40003);
	for (unsigned i = 0; i < 20; i++) {
		ck_assert_uint_eq(choose(80), 40002);
		ck_assert_uint_eq(choose_bind(), 40002);
	}
}
END_TEST

/* 6056-4: 60 % of the range are taken, in one piece; none of the others is
 * chosen more than three times as often as the mean. */
START_TEST(port_behind_a_part_that_is_taken_is_not_hotter)
{
	static unsigned hits[65536];
	const unsigned first = 40000, n = 1000, taken = 600;

	rig.t->set.port_min = (uint16_t)first;
	rig.t->set.port_max = (uint16_t)(first + n - 1);
	for (unsigned i = 0; i < taken; i++)
		rig.t->ports[first + 100 + i].listeners = 1;
	for (unsigned i = 0; i < N; i++) {
		uint16_t p = choose((uint16_t)(1 + i % 20));

		ck_assert(p < first + 100 || p >= first + 100 + taken);
		hits[p]++;
	}
	for (unsigned p = first; p < first + n; p++) {
		rig.t->ports[p].listeners = 0;
		ck_assert_msg(hits[p] <= 3 * N / (n - taken),
			      "port %u was chosen %u times", p, hits[p]);
	}
}
END_TEST

START_TEST(port_for_a_bind_is_one_that_nothing_uses)
{
	unsigned hits[4] = {0};

	rig.t->set.port_min = 40000;
	rig.t->set.port_max = 40003;
	for (unsigned i = 0; i < 400; i++)
		hits[choose_bind() - 40000]++;
	for (unsigned i = 0; i < 4; i++)
		ck_assert_uint_gt(hits[i], 50);
	for (uint16_t i = 0; i < 4; i++)
		if (i != 1)
			rig_listen((uint16_t)(40000 + i));
	ck_assert_uint_eq(choose_bind(), 40001);
	rig_listen(40001);
	ck_assert_uint_eq(choose_bind(), 0);
}
END_TEST

/* As in the kernel: two addresses have as many ports each. */
START_TEST(port_for_a_bind_may_be_another_address_s)
{
	struct tcpd_addr a = {.family = 4};
	tcpd_handle h;
	unsigned ok = 0;

	rig_stop();
	rig.set.max_conns = 300;
	rig_start();
	rig.t->set.port_min = 40000;
	rig.t->set.port_max = 40063;
	rig.t->set.addr[rig.t->set.naddrs++] = (struct tcpd_prefix){
		.ip = RIG_IP4(10, 77, 0, 3), .family = 4, .len = 24};
	for (unsigned i = 0; i < 200; i++) {
		a.ip[10] = a.ip[11] = 0xff;
		memcpy(a.ip + 12, (uint8_t[]){10, 77, 0, (uint8_t)(2 + i % 2)},
		       4);
		ok += tcpd_bind(rig.st, &h, &a, TCPD_BIND_REUSE, rig.now) == 0;
	}
	ck_assert_uint_eq(ok, 128);
	/* and one that wants both finds none */
	memset(a.ip, 0, sizeof(a.ip));
	ck_assert_int_eq(tcpd_bind(rig.st, &h, &a, 0, rig.now),
			 -TCPD_ERR_NO_PORT);
}
END_TEST

/* Somebody is about to listen there, or to connect by himself. */
START_TEST(port_that_is_bound_is_never_chosen)
{
	struct tcpd_addr a = {.family = 4, .port = 40001};
	tcpd_handle h;

	rig.t->set.port_min = 40000;
	rig.t->set.port_max = 40001;
	ck_assert_int_eq(tcpd_bind(rig.st, &h, &a, 0, rig.now), 0);
	for (unsigned i = 0; i < 20; i++)
		ck_assert_uint_eq(choose((uint16_t)(80 + i)), 40000);
	ck_assert_int_eq(tcpd_close(rig.st, h, rig.now), 0);
	for (unsigned i = 0; choose(80) != 40001; i++)
		ck_assert_uint_lt(i, 100);
}
END_TEST

/* Each port is good for each peer once. */
START_TEST(port_in_use_towards_one_peer_is_free_towards_others)
{
	struct tcpd_addr peer = {.family = 4, .port = 80};
	static unsigned uses[64];
	tcpd_handle h;

	rig_stop();
	rig.set.max_conns = 7000;
	rig_start();
	rig.t->set.port_min = 40000;
	rig.t->set.port_max = 40063;
	for (unsigned i = 0; i < 6400; i++) {
		struct tcpd_status s;

		h = 0;
		memcpy(peer.ip, (uint8_t[16])RIG_IP4(10, 77, 0, 0), 16);
		peer.ip[15] = (uint8_t)(10 + i % 100);
		ck_assert_msg(tcpd_connect(rig.st, &h, NULL, &peer, rig.now) ==
				      0,
			      "connect %u", i);
		ck_assert_int_eq(tcpd_status(rig.st, h, &s, rig.now), 0);
		uses[s.local.port - 40000]++;
	}
	for (unsigned i = 0; i < 64; i++)
		ck_assert_uint_eq(uses[i], 100);
	h = 0;
	ck_assert_int_eq(tcpd_connect(rig.st, &h, NULL, &peer, rig.now),
			 -TCPD_ERR_NO_PORT);
}
END_TEST

/* RFC 6191 from the other end: a second after the end, with time stamps. */
START_TEST(port_of_a_time_wait_entry_is_had_again_after_a_second)
{
	static const struct {
		bool ts;
		unsigned ms;
		bool free;
	} rows[] = {{true, 999, false},
		    {true, 1000, true},
		    {false, 1000, false},
		    {false, 59000, false}};

	for (unsigned i = 0; i < ARRAY_SIZE(rows); i++) {
		struct conn *c = rig_conn(1, 1);
		struct tuple tu = c->tu;

		c->ts = rows[i].ts;
		c->held = false;
		timewait_enter(rig.t, c);
		rig.t->set.port_min = rig.t->set.port_max = tu.lport;
		ck_assert(!port_choose(rig.t, &tu));
		rig_pass(TCPD_MS(rows[i].ms));
		tu.lport = c->tu.lport;
		ck_assert_msg(port_choose(rig.t, &tu) == rows[i].free, "row %u",
			      i);
	}
}
END_TEST

/* While others are free nobody's entry is taken. */
START_TEST(port_of_a_time_wait_entry_is_the_last_choice)
{
	struct conn *c = rig_conn(1, 1);
	struct tuple tu = c->tu;

	rig.t->set.port_min = tu.lport;
	rig.t->set.port_max = (uint16_t)(tu.lport + 1);
	c->ts = true;
	c->held = false;
	timewait_enter(rig.t, c);
	rig_pass(TCPD_SEC(2));
	for (unsigned i = 0; i < 1000; i++) {
		ck_assert(port_choose(rig.t, &tu));
		ck_assert_uint_eq(tu.lport, rig.t->set.port_max);
	}
}
END_TEST

int main(void)
{
	Suite *s = suite_create("port");
	TCase *tc = rig_case(s, "ports");

	tcase_add_test(tc, port_comes_from_all_of_the_range_and_nowhere_else);
	tcase_add_test(tc, port_of_the_next_connect_cannot_be_guessed);
	tcase_add_test(tc, port_sequence_says_nothing_of_other_destinations);
	tcase_add_test(tc, port_sequences_of_two_destinations_are_unrelated);
	tcase_add_test(tc, port_finds_the_only_one_that_is_free);
	tcase_add_test(tc, port_finds_the_only_one_among_very_many);
	tcase_add_test(tc, port_that_runs_out_is_an_error_of_its_own);
	tcase_add_test(tc,
		       port_that_is_given_back_is_found_after_there_was_none);
	tcase_add_test(tc, port_range_that_is_used_up_says_so_at_once);
	tcase_add_test(tc, port_is_found_however_many_were_given_back);
	tcase_add_test(tc, port_with_a_listener_is_never_chosen);
	tcase_add_test(tc, port_behind_a_part_that_is_taken_is_not_hotter);
	tcase_add_test(tc, port_for_a_bind_is_one_that_nothing_uses);
	tcase_add_test(tc, port_for_a_bind_may_be_another_address_s);
	tcase_add_test(tc, port_that_is_bound_is_never_chosen);
	tcase_add_test(tc, port_in_use_towards_one_peer_is_free_towards_others);
	tcase_add_test(tc,
		       port_of_a_time_wait_entry_is_had_again_after_a_second);
	tcase_add_test(tc, port_of_a_time_wait_entry_is_the_last_choice);
	return rig_run(s);
}
