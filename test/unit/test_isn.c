/* SPDX-License-Identifier: MIT */
/*
 * test_isn.c - RFC 6528: numbers of one tuple go up with the clock, those of
 * another say nothing of them; time stamps the same (RFC 7323, 5.4); flow
 * labels (RFC 6437); and the stack's own random numbers.
 *
 * LINK: test/unit/rig.c
 */
#include <string.h>

#include "rig.h"

#define N 20000u

/* Every bit is set about every second time: 20 is one in 130,000. */
static void fair_bits(const char *what, const uint32_t *v)
{
	for (int bit = 0; bit < 32; bit++) {
		double set = 0, x;

		for (unsigned i = 0; i < N; i++)
			set += v[i] >> bit & 1;
		x = (set - N / 2.0) * (set - N / 2.0) / (N / 4.0);
		ck_assert_msg(x < 20, "%s: bit %d was set %.0f times of %u",
			      what, bit, set, N);
	}
}

static uint32_t numbers[N];

START_TEST(isn_of_one_tuple_goes_up_with_the_clock)
{
	struct tuple tu = rig_tuple(4, 80, 40000);
	uint32_t first = isn_for(rig.t, &tu);

	/* 6528-1, 6528-3: M counts 64 ns, F stays */
	ck_assert_uint_eq(first,
			  (uint32_t)(rig.t->now / 64) +
				  (uint32_t)tuple_siphash(&rig.t->k_isn, &tu));
	rig.t->now += TCPD_SEC(2);
	ck_assert_uint_eq(isn_for(rig.t, &tu) - first, TCPD_SEC(2) / 64);
	rig.t->now += 64;
	ck_assert_uint_eq(isn_for(rig.t, &tu) - first, TCPD_SEC(2) / 64 + 1);
	for (unsigned i = 0; i < 1000; i++) {
		uint32_t was = isn_for(rig.t, &tu);

		rig.t->now += TCPD_MS(i);
		ck_assert(seq_ge(isn_for(rig.t, &tu), was));
	}
	/* once around takes longer than 2MSL */
	ck_assert_uint_gt((uint64_t)64 << 32, TCPD_SEC(240));
}
END_TEST

START_TEST(isn_of_other_tuples_is_unrelated)
{
	struct tuple tu = rig_tuple(4, 80, 0);
	uint32_t was = 0;

	for (unsigned i = 0; i < N; i++) {
		uint32_t v;

		tu.pport = (uint16_t)(i + 1);
		v = isn_for(rig.t, &tu);
		numbers[i] = v ^ was;
		was = v;
	}
	fair_bits("neighbouring ports", numbers);
	for (unsigned i = 0; i < N; i++) {
		tu.peer[14] = (uint8_t)(i >> 8);
		tu.peer[15] = (uint8_t)i;
		numbers[i] = isn_for(rig.t, &tu);
	}
	fair_bits("neighbouring addresses", numbers);
}
END_TEST

/* attacks.md, row 18: a million of neighbouring tuples, one after the other as
 * they would be opened.  Each bit, and whether it is that of the number before
 * or of the neighbour's address, is fair: chi-square of one degree of freedom.
 * One of these 96 is beyond 15.1 with one key in a hundred. */
#define MILLION 1000000u
#define P_001	15.1

static void fair(const char *what, int bit, double set)
{
	double off = set - MILLION / 2.0;
	double x = off * off / (MILLION / 4.0);

	ck_assert_msg(x < P_001, "%s, bit %d: %.0f of %u, chi-square %.2f",
		      what, bit, set, MILLION, x);
}

START_TEST(isn_of_a_million_connections_is_fair_in_every_bit)
{
	static double set[32], turned[32], other[32];
	struct tuple tu = rig_tuple(4, 80, 0), next;
	uint32_t was = 0;

	rig_stop();
	memcpy(rig.set.key, "nobody knows these octets but us", 32);
	rig_start();
	for (unsigned i = 0; i < MILLION; i++) {
		uint32_t v, n;

		tu.pport = (uint16_t)(1024 + i % 60000);
		tu.peer[15] = (uint8_t)(i / 60000);
		next = tu;
		next.peer[14] ^= 1;
		v = isn_for(rig.t, &tu);
		n = v ^ isn_for(rig.t, &next);
		for (int bit = 0; bit < 32; bit++) {
			set[bit] += v >> bit & 1;
			turned[bit] += (v ^ was) >> bit & 1;
			other[bit] += n >> bit & 1;
		}
		was = v;
		rig.t->now += TCPD_US(10);
	}
	for (int bit = 0; bit < 32; bit++) {
		fair("set", bit, set[bit]);
		fair("other than the one before", bit, turned[bit]);
		fair("other than the neighbour's", bit, other[bit]);
	}
}
END_TEST

START_TEST(isn_depends_on_all_of_the_tuple_and_on_the_key)
{
	struct tuple tu = rig_tuple(4, 80, 40000), other;
	uint32_t v = isn_for(rig.t, &tu);

	for (size_t i = 0; i < sizeof(tu); i++) {
		other = tu;
		((uint8_t *)&other)[i] ^= 1;
		ck_assert_msg(isn_for(rig.t, &other) != v, "octet %zu", i);
	}
	rig.set.key[31] ^= 1;
	rig_restart();
	ck_assert_uint_ne(isn_for(rig.t, &tu), v);
}
END_TEST

START_TEST(isn_is_the_same_in_a_run_with_the_same_key)
{
	struct tuple tu = rig_tuple(6, 80, 40000);
	uint32_t isn = isn_for(rig.t, &tu), ts = ts_now(rig.t, &tu);
	uint64_t random = tcp_random(rig.t);

	rig_restart();
	ck_assert_uint_eq(isn_for(rig.t, &tu), isn);
	ck_assert_uint_eq(ts_now(rig.t, &tu), ts);
	ck_assert_uint_eq(tcp_random(rig.t), random);
}
END_TEST

START_TEST(ts_ticks_as_it_was_set_and_has_an_offset_of_each_tuple)
{
	struct tuple a = rig_tuple(4, 80, 40000), b = rig_tuple(4, 80, 40001);
	uint32_t was = ts_now(rig.t, &a);

	ck_assert_uint_ne(was, ts_now(rig.t, &b));
	ck_assert_uint_ne(was - isn_for(rig.t, &a),
			  ts_now(rig.t, &b) - isn_for(rig.t, &b));
	rig.t->now += TCPD_MS(250);
	ck_assert_uint_eq(ts_now(rig.t, &a) - was, 250);
	rig.t->set.ts_tick = TCPD_MS(20);
	was = ts_now(rig.t, &a);
	rig.t->now += TCPD_MS(100);
	ck_assert_uint_eq(ts_now(rig.t, &a) - was, 5);
	for (unsigned i = 0; i < N; i++) {
		a.pport = (uint16_t)(i + 1);
		numbers[i] = ts_now(rig.t, &a);
	}
	fair_bits("time stamps of neighbours", numbers);
}
END_TEST

START_TEST(random_numbers_are_fair_and_do_not_repeat)
{
	for (unsigned i = 0; i < N; i++)
		numbers[i] = (uint32_t)tcp_random(rig.t);
	fair_bits("low halves", numbers);
	for (unsigned i = 0; i < N; i++)
		numbers[i] = (uint32_t)(tcp_random(rig.t) >> 32);
	fair_bits("high halves", numbers);
	ck_assert_uint_ne(tcp_random(rig.t), tcp_random(rig.t));
}
END_TEST

/* What the stacks of two runs have for one tuple. */
static void next_run(uint32_t *isn, uint32_t *ts)
{
	struct tuple tu = rig_tuple(6, 80, 40000);

	rig_restart();
	*isn = isn_for(rig.t, &tu);
	*ts = ts_now(rig.t, &tu);
}

START_TEST(isn_and_time_stamps_go_on_with_a_kept_key)
{
	uint32_t isn[2], ts[2];
	struct siphash_key table;

	memset(rig.set.kept_key, 7, sizeof(rig.set.kept_key));
	next_run(&isn[0], &ts[0]);
	table = rig.t->k_table;
	/* another run: the clock has moved, all else is new */
	rig.set.key[9] ^= 1;
	rig.now += TCPD_SEC(3);
	next_run(&isn[1], &ts[1]);
	ck_assert_uint_eq(isn[1] - isn[0], TCPD_SEC(3) / 64);
	ck_assert_uint_eq(ts[1] - ts[0], 3000);
	ck_assert(memcmp(&table, &rig.t->k_table, sizeof(table)) != 0);
	/* without it they come from the one key */
	memset(rig.set.kept_key, 0, sizeof(rig.set.kept_key));
	next_run(&isn[0], &ts[0]);
	rig.set.key[9] ^= 1;
	next_run(&isn[1], &ts[1]);
	ck_assert_uint_ne(isn[0], isn[1]);
	ck_assert_uint_ne(ts[0], ts[1]);
}
END_TEST

START_TEST(time_stamps_count_from_their_base)
{
	uint32_t isn[2], ts[2];

	next_run(&isn[0], &ts[0]);
	rig.set.ts_base = 0xfffffffe;
	next_run(&isn[1], &ts[1]);
	ck_assert_uint_eq(isn[1], isn[0]);
	ck_assert_uint_eq(ts[0] - ts[1], 2);
	rig.set.ts_base = 1;
	ck_assert_int_eq(tcpd_reconfigure(rig.st, &rig.set, rig.now),
			 -TCPD_ERR_INVALID);
}
END_TEST

/* RFC 6437, 3: of other connections nothing is told, and each keeps its own. */
START_TEST(flow_labels_are_steady_and_near_uniform)
{
	struct tuple tu = rig_tuple(6, 80, 40000);
	uint32_t same = flow_label(rig.t, &tu);

	for (unsigned i = 0; i < N; i++) {
		uint32_t label;

		tu = rig_tuple(6, (uint16_t)(80 + i % 7), (uint16_t)i);
		label = flow_label(rig.t, &tu);
		ck_assert(label && label < 1u << 20);
		/* all 32 bits are looked at */
		numbers[i] = label | label << 20;
		rig.t->now += TCPD_MS(7);
		ck_assert_uint_eq(flow_label(rig.t, &tu), label);
	}
	fair_bits("flow label", numbers);
	tu = rig_tuple(6, 80, 40000);
	ck_assert_uint_eq(flow_label(rig.t, &tu), same);
	rig.set.key[0] ^= 1;
	rig_restart();
	ck_assert_uint_ne(flow_label(rig.t, &tu), same);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("isn");
	TCase *tc = rig_case(s, "numbers");

	tcase_add_test(tc, isn_of_one_tuple_goes_up_with_the_clock);
	tcase_add_test(tc, isn_of_other_tuples_is_unrelated);
	tcase_add_test(tc, isn_of_a_million_connections_is_fair_in_every_bit);
	tcase_add_test(tc, isn_depends_on_all_of_the_tuple_and_on_the_key);
	tcase_add_test(tc, isn_is_the_same_in_a_run_with_the_same_key);
	tcase_add_test(tc,
		       ts_ticks_as_it_was_set_and_has_an_offset_of_each_tuple);
	tcase_add_test(tc, random_numbers_are_fair_and_do_not_repeat);
	tcase_add_test(tc, isn_and_time_stamps_go_on_with_a_kept_key);
	tcase_add_test(tc, time_stamps_count_from_their_base);
	tcase_add_test(tc, flow_labels_are_steady_and_near_uniform);
	return rig_run(s);
}
