/* SPDX-License-Identifier: MIT */
/*
 * test_fastopen.c - Fast Open as a server: whose cookie is good and for how
 * long, and how many SYNs with text a listener takes.
 * LINK: test/unit/rig.c
 */
#include <string.h>

#include "rig.h"

static struct tuple tuple_of(const uint8_t local[16], const uint8_t peer[16])
{
	struct tuple tu = {.lport = 80, .pport = 40000};

	memcpy(tu.local, local, 16);
	memcpy(tu.peer, peer, 16);
	return tu;
}

static void with_key(const char *octets, uint8_t n)
{
	rig.set.fast_open_nkeys = n;
	memcpy(rig.set.fast_open_key, octets, (size_t)n * 16);
	ck_assert_int_eq(tcpd_reconfigure(rig.st, &rig.set, rig.now), 0);
}

#define KEY_A "\xa1\xa1\xa1\xa1\xb2\xb2\xb2\xb2\xc3\xc3\xc3\xc3\xd4\xd4\xd4\xd4"
#define KEY_B "0123456789abcdef"

/* Those of Linux with this key: a host can follow another at its address. */
START_TEST(fastopen_cookie_is_the_one_that_others_make)
{
	static const uint8_t us4[16] = RIG_IP4(192, 168, 0, 1);
	static const uint8_t them4[16] = RIG_IP4(192, 0, 2, 1);
	static const uint8_t us6[16] = {0xfd, 0x3d, 0x0a,    0x0b,
					0x17, 0xd6, [15] = 1};
	static const uint8_t them6[16] = {0xfd, 0x3d, 0xfa,    0x7b,
					  0xd1, 0x7d, [15] = 1};
	struct tuple v4 = tuple_of(us4, them4), v6 = tuple_of(us6, them6);
	uint8_t out[FO_COOKIE];

	with_key(KEY_A, 1);
	fo_cookie(rig.t, &v4, out);
	ck_assert_mem_eq(out, "\x30\x21\xb9\xd8\x89\x01\x7e\xeb", 8);
	fo_cookie(rig.t, &v6, out);
	ck_assert_mem_eq(out, "\xc1\xd1\xe9\x74\x2a\x47\xa9\xbc", 8);
}
END_TEST

START_TEST(fastopen_cookie_is_good_for_two_addresses_and_every_port)
{
	struct tuple tu = rig_tuple(4, 80, 40000), other = tu;
	uint8_t c[FO_COOKIE + 1] = {0};

	fo_cookie(rig.t, &tu, c);
	ck_assert_int_eq(fo_cookie_check(rig.t, &tu, c, 8), FO_GOOD);
	other.pport++;
	other.lport++;
	ck_assert_int_eq(fo_cookie_check(rig.t, &other, c, 8), FO_GOOD);
	other.peer[15] ^= 1;
	ck_assert_int_eq(fo_cookie_check(rig.t, &other, c, 8), FO_BAD);
	other = tu;
	other.local[15] ^= 1;
	ck_assert_int_eq(fo_cookie_check(rig.t, &other, c, 8), FO_BAD);
	ck_assert_int_eq(fo_cookie_check(rig.t, &tu, c, 6), FO_BAD);
	ck_assert_int_eq(fo_cookie_check(rig.t, &tu, c, 9), FO_BAD);
	ck_assert_int_eq(fo_cookie_check(rig.t, &tu, NULL, 0), FO_BAD);
	for (unsigned bit = 0; bit < 64; bit++) {
		c[bit / 8] ^= (uint8_t)(1u << bit % 8);
		ck_assert_int_eq(fo_cookie_check(rig.t, &tu, c, 8), FO_BAD);
		c[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
}
END_TEST

START_TEST(fastopen_cookie_grows_old_after_one_key_and_bad_after_two)
{
	struct tuple tu = rig_tuple(6, 80, 40000);
	uint8_t c[FO_COOKIE], next[FO_COOKIE];

	rig_pass(FO_KEY_TIME - rig.now % FO_KEY_TIME);
	fo_cookie(rig.t, &tu, c);
	rig_pass(FO_KEY_TIME - TCPD_MS(1));
	ck_assert_int_eq(fo_cookie_check(rig.t, &tu, c, 8), FO_GOOD);
	rig_pass(TCPD_MS(1));
	ck_assert_int_eq(fo_cookie_check(rig.t, &tu, c, 8), FO_OLD);
	fo_cookie(rig.t, &tu, next);
	ck_assert_mem_ne(c, next, 8);
	rig_pass(FO_KEY_TIME - TCPD_MS(1));
	ck_assert_int_eq(fo_cookie_check(rig.t, &tu, c, 8), FO_OLD);
	rig_pass(TCPD_MS(1));
	ck_assert_int_eq(fo_cookie_check(rig.t, &tu, c, 8), FO_BAD);
	ck_assert_int_eq(fo_cookie_check(rig.t, &tu, next, 8), FO_OLD);
}
END_TEST

START_TEST(fastopen_keys_that_are_given_do_not_grow_old)
{
	struct tuple tu = rig_tuple(4, 80, 40000);
	uint8_t c[FO_COOKIE];

	with_key(KEY_A, 1);
	fo_cookie(rig.t, &tu, c);
	rig_pass(10 * FO_KEY_TIME);
	ck_assert_int_eq(fo_cookie_check(rig.t, &tu, c, 8), FO_GOOD);
	with_key(KEY_B KEY_A, 2);
	ck_assert_int_eq(fo_cookie_check(rig.t, &tu, c, 8), FO_OLD);
	with_key(KEY_B, 1);
	ck_assert_int_eq(fo_cookie_check(rig.t, &tu, c, 8), FO_BAD);
}
END_TEST

static struct fo_verdict judge(struct listener *l, uint32_t len, uint8_t form,
			       const uint8_t *cookie, uint8_t n)
{
	struct segment seg = {.tu = rig_tuple(4, 80, 40000), .len = len};

	seg.h.opt.fo_form = form;
	seg.h.opt.fo_len = n;
	seg.h.opt.fo = cookie;
	return fo_judge(rig.t, l, &seg);
}

static struct listener *listener(uint64_t most)
{
	tcpd_handle h = rig_listen(80);

	ck_assert_int_eq(
		tcpd_set_option(rig.st, h, TCPD_OPT_FASTOPEN, most, rig.now),
		0);
	return stack_listener(rig.st, h);
}

START_TEST(fastopen_verdicts)
{
	struct listener *l = listener(2);
	struct tuple tu = rig_tuple(4, 80, 40000);
	static const uint8_t bad[8] = {0};
	uint8_t good[8];
	struct fo_verdict v;

	fo_cookie(rig.t, &tu, good);
	v = judge(l, 10, FO_NONE, NULL, 0);
	ck_assert(!v.take && v.tells == FO_NONE);
	v = judge(l, 0, FO_OPTION, NULL, 0);
	ck_assert(!v.take && v.tells == FO_OPTION);
	v = judge(l, 10, FO_EXPERIMENT, bad, 8);
	ck_assert(!v.take && v.tells == FO_EXPERIMENT);
	v = judge(l, 10, FO_EXPERIMENT, good, 8);
	ck_assert(v.take && v.tells == FO_NONE);
	v = judge(l, 0, FO_OPTION, good, 8);
	ck_assert(v.take && v.tells == FO_NONE);
	/* nobody's queue takes it: a handshake, and the cookie */
	l->set.backlog = 0;
	l->nqueued = 1;
	v = judge(l, 10, FO_OPTION, good, 8);
	ck_assert(!v.take && v.tells == FO_OPTION);
	l->nqueued = 0;
	/* off for the listener, off for all */
	l->opt.value[TCPD_OPT_FASTOPEN] = 0;
	v = judge(l, 10, FO_OPTION, good, 8);
	ck_assert(!v.take && v.tells == FO_NONE);
	l->opt.value[TCPD_OPT_FASTOPEN] = 2;
	rig.t->set.fast_open = TCPD_FO_CLIENT;
	v = judge(l, 10, FO_OPTION, NULL, 0);
	ck_assert(!v.take && v.tells == FO_NONE);
	/* all listeners have it */
	l->opt.set = 0;
	l->set.backlog = 1;
	rig.t->set.fast_open = TCPD_FO_SERVER | TCPD_FO_ALL_LISTENERS;
	v = judge(l, 10, FO_OPTION, good, 8);
	ck_assert(v.take);
	l->set.backlog = 4096;
}
END_TEST

/* RFC 7413, 5.1. */
START_TEST(fastopen_counts_what_a_reset_has_ended_for_a_minute)
{
	struct listener *l = listener(3);
	struct conn *c[3];

	rig_pass(FO_RESET_TIME - rig.now % FO_RESET_TIME);
	for (uint32_t i = 0; i < 3; i++) {
		c[i] = rig_conn(1000 * i + 1000, 1);
		ck_assert(judge(l, 0, FO_OPTION, NULL, 0).tells);
		fo_begin(rig.t, l, c[i]);
		ck_assert_ptr_eq(fo_listener(rig.t, c[i]), l);
	}
	ck_assert(!judge(l, 0, FO_OPTION, NULL, 0).tells);
	ck_assert_uint_eq(rig.t->stat.fast_open_full, 1);
	fo_end(rig.t, c[0], true);
	ck_assert_ptr_null(fo_listener(rig.t, c[0]));
	ck_assert(!judge(l, 0, FO_OPTION, NULL, 0).tells);
	fo_end(rig.t, c[1], false);
	ck_assert(judge(l, 0, FO_OPTION, NULL, 0).tells);
	fo_begin(rig.t, l, c[1]);
	rig_pass(FO_RESET_TIME - FO_RESET_TIME / FO_STEPS);
	ck_assert(!judge(l, 0, FO_OPTION, NULL, 0).tells);
	rig_pass(FO_RESET_TIME / FO_STEPS);
	ck_assert(judge(l, 0, FO_OPTION, NULL, 0).tells);
	/* however long nobody asked */
	rig_pass(100 * FO_RESET_TIME);
	ck_assert(judge(l, 0, FO_OPTION, NULL, 0).tells);
	ck_assert_uint_eq(l->fo.pending, 2);
	fo_end(rig.t, c[1], false);
	fo_end(rig.t, c[2], false);
	ck_assert_uint_eq(l->fo.pending, 0);
}
END_TEST

START_TEST(fastopen_of_a_listener_that_has_gone_counts_for_no_other)
{
	tcpd_handle h = rig_listen(81);
	struct listener *l = stack_listener(rig.st, h);
	struct conn *c = rig_conn(1000, 1);

	fo_begin(rig.t, l, c);
	l->fo.pending--; /* as check() wants it: the connection is no child */
	ck_assert_int_eq(tcpd_close(rig.st, h, rig.now), 0);
	ck_assert_ptr_null(fo_listener(rig.t, c));
	h = rig_listen(81);
	ck_assert_ptr_eq(stack_listener(rig.st, h), l); /* the same slot */
	ck_assert_ptr_null(fo_listener(rig.t, c));
	fo_end(rig.t, c, false);
	ck_assert_uint_eq(l->fo.pending, 0);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("fastopen");
	TCase *tc = rig_case(s, "fastopen");

	tcase_add_test(tc, fastopen_cookie_is_the_one_that_others_make);
	tcase_add_test(
		tc, fastopen_cookie_is_good_for_two_addresses_and_every_port);
	tcase_add_test(
		tc, fastopen_cookie_grows_old_after_one_key_and_bad_after_two);
	tcase_add_test(tc, fastopen_keys_that_are_given_do_not_grow_old);
	tcase_add_test(tc, fastopen_verdicts);
	tcase_add_test(tc, fastopen_counts_what_a_reset_has_ended_for_a_minute);
	tcase_add_test(
		tc, fastopen_of_a_listener_that_has_gone_counts_for_no_other);
	return rig_run(s);
}
