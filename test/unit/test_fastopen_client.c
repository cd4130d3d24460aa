/* SPDX-License-Identifier: MIT */
/*
 * test_fastopen_client.c - Fast Open as a client: the table of cookies does not
 * grow, keeps what was used last, and remembers failures for a while.
 * LINK: test/unit/rig.c
 */
#include <string.h>

#include "rig.h"

/* A connection that is to connect to 10.n.n.n:|port|, by Fast Open. */
static struct conn *conn(uint32_t n, uint16_t port)
{
	struct conn *c = rig_conn(1000, 1);

	conn_unhash(rig.t, c);
	c->tu.peer[12] = 10;
	c->tu.peer[13] = (uint8_t)(n >> 16);
	c->tu.peer[14] = (uint8_t)(n >> 8);
	c->tu.peer[15] = (uint8_t)n;
	c->tu.pport = port;
	c->state = TCPD_SYN_SENT;
	c->active = true;
	c->snd_una = c->snd_nxt = c->iss;
	c->advmss = 1460;
	c->fo_want = true;
	return c;
}

static void drop(struct conn *c)
{
	c->state = TCPD_CLOSED;
	conn_free(rig.t, c);
}

/* What its SYN would say of |n|: the form, and with a cookie. */
static uint8_t says(uint32_t n, uint16_t port, bool *cookie)
{
	struct conn *c = conn(n, port);
	uint8_t form;

	fo_connect(rig.t, c);
	form = c->fo_form;
	*cookie = c->fo_text;
	drop(c);
	return form;
}

/* A SYN-ACK of |n|: |acked| octets of |text|, a cookie of |len| octets. */
static void answer(uint32_t n, uint16_t port, uint32_t text, uint32_t acked,
		   uint8_t len, uint16_t mss)
{
	static const uint8_t cookie[16] = "0123456789abcde";
	struct conn *c = conn(n, port);
	struct segment seg = {.tu = c->tu};

	seg.h.opt.has_mss = mss != 0;
	seg.h.opt.mss = mss;
	seg.h.opt.fo_form = len ? FO_OPTION : FO_NONE;
	seg.h.opt.fo_len = len;
	seg.h.opt.fo = cookie;
	fo_connect(rig.t, c);
	c->syn_text = text != 0;
	c->snd_nxt = c->iss + 1 + text;
	c->snd_una = c->iss + 1 + acked;
	fo_answered(rig.t, c, &seg);
	ck_assert(c->fo_took == (text && text == acked));
	drop(c);
}

START_TEST(fastopen_client_keeps_cookie_and_mss_of_each_server)
{
	const uint8_t *p;
	struct conn *c;
	bool cookie;

	ck_assert_int_eq(says(1, 80, &cookie), FO_OPTION);
	ck_assert(!cookie);
	answer(1, 80, 0, 0, 8, 1000);
	ck_assert_int_eq(says(1, 80, &cookie), FO_OPTION);
	ck_assert(cookie);
	says(1, 81, &cookie); /* of every port */
	ck_assert(cookie);
	says(2, 80, &cookie);
	ck_assert(!cookie);
	c = conn(1, 80);
	ck_assert_uint_eq(fo_room(rig.t, c), 0);
	fo_connect(rig.t, c);
	ck_assert(c->fo_wait);
	ck_assert_uint_eq(fo_room(rig.t, c), 960);
	ck_assert_uint_eq(fo_known(rig.t, c, &p), 8);
	ck_assert_mem_eq(p, "01234567", 8);
	c->advmss = 540;
	ck_assert_uint_eq(fo_room(rig.t, c), 500);
	c->advmss = 40;
	ck_assert_uint_eq(fo_room(rig.t, c), 0);
	/* another one takes the cookie's place before the SYN goes */
	c->advmss = 1460;
	fo_forget(rig.t);
	ck_assert_uint_eq(fo_known(rig.t, c, &p), 0);
	ck_assert_uint_eq(fo_room(rig.t, c), 0);
	c->snd_nxt++;
	ck_assert_uint_eq(fo_room(rig.t, c), 0);
	drop(c);
}
END_TEST

START_TEST(fastopen_client_whom_nobody_has_asked_for_it_says_nothing)
{
	struct conn *c = conn(1, 80);

	answer(1, 80, 0, 0, 8, 1000);
	c->fo_want = false;
	fo_connect(rig.t, c);
	ck_assert(!c->fo_form && !c->fo_text && !c->fo_wait);
	c->fo_want = true;
	rig.t->set.fast_open = TCPD_FO_SERVER;
	fo_connect(rig.t, c);
	ck_assert(!c->fo_form && !c->fo_text && !c->fo_wait);
	rig.t->set.fast_open = TCPD_FO_CLIENT | TCPD_FO_CLIENT_NO_COOKIE;
	fo_connect(rig.t, c);
	ck_assert(!c->fo_form && c->fo_text && c->fo_wait);
	drop(c);
}
END_TEST

/* Of thousands of servers the table keeps as many as it has cells for, and the
 * one that is used all the time. */
START_TEST(fastopen_client_table_is_bounded_and_keeps_what_is_used)
{
	uint32_t known = 0;
	bool cookie;

	answer(0, 80, 0, 0, 8, 1460);
	for (uint32_t n = 1; n < 5000; n++) {
		rig_pass(TCPD_MS(1));
		answer(n, 80, 0, 0, 8, 1460);
		says(0, 80, &cookie);
		ck_assert(cookie);
		says(n, 80, &cookie);
		ck_assert(cookie);
	}
	for (uint32_t n = 0; n < 5000; n++) {
		says(n, 80, &cookie);
		known += cookie;
	}
	ck_assert_uint_le(known, FO_CELLS);
	ck_assert_uint_ge(known, FO_CELLS * 9 / 10);
}
END_TEST

START_TEST(fastopen_client_shuns_a_port_that_failed_twice)
{
	bool cookie;

	answer(1, 80, 0, 0, 8, 1460);
	answer(1, 80, 100, 0, 0, 1460);
	ck_assert(says(1, 80, &cookie) && cookie);
	answer(1, 80, 100, 0, 0, 1460);
	ck_assert(!says(1, 80, &cookie) && !cookie);
	ck_assert(says(1, 81, &cookie) && cookie);
	rig_pass(FO_SHUN - TCPD_MS(1));
	ck_assert(!says(1, 80, &cookie));
	rig_pass(TCPD_MS(1));
	ck_assert(says(1, 80, &cookie) && cookie);
	/* a third time: for twice as long */
	answer(1, 80, 100, 0, 0, 1460);
	rig_pass(2 * FO_SHUN - TCPD_MS(1));
	ck_assert(!says(1, 80, &cookie));
	rig_pass(TCPD_MS(1));
	ck_assert(says(1, 80, &cookie) && cookie);
	/* what works once is forgiven */
	answer(1, 80, 100, 60, 0, 1460);
	answer(1, 80, 100, 0, 0, 1460);
	ck_assert(says(1, 80, &cookie) && cookie);
	ck_assert_uint_eq(rig.t->stat.fast_open_failed, 4);
}
END_TEST

START_TEST(fastopen_client_shuns_for_an_hour_and_some_at_most)
{
	bool cookie;

	for (unsigned i = 0; i < 300; i++) {
		struct conn *c = conn(1, 80);

		fo_connect(rig.t, c);
		c->snd_nxt++;
		fo_failed(rig.t, c, TCPD_ERR_REFUSED); /* says nothing */
		if (c->fo_form)
			fo_failed(rig.t, c, TCPD_ERR_TIMEOUT);
		drop(c);
		rig_pass(FO_SHUN << FO_TWICE);
	}
	ck_assert(says(1, 80, &cookie));
	ck_assert_uint_eq(rig.t->stat.fast_open_failed, 300);
}
END_TEST

START_TEST(fastopen_client_asks_once_as_an_experiment)
{
	bool cookie;

	answer(1, 80, 0, 0, 0, 1460);
	ck_assert_int_eq(says(1, 80, &cookie), FO_EXPERIMENT);
	answer(1, 80, 0, 0, 0, 1460);
	ck_assert_int_eq(says(1, 80, &cookie), FO_OPTION);
	answer(1, 80, 0, 0, 0, 1460);
	ck_assert_int_eq(says(1, 80, &cookie), FO_OPTION);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("fastopen_client");
	TCase *tc = rig_case(s, "fastopen_client");

	tcase_add_test(tc, fastopen_client_keeps_cookie_and_mss_of_each_server);
	tcase_add_test(
		tc, fastopen_client_whom_nobody_has_asked_for_it_says_nothing);
	tcase_add_test(tc,
		       fastopen_client_table_is_bounded_and_keeps_what_is_used);
	tcase_add_test(tc, fastopen_client_shuns_a_port_that_failed_twice);
	tcase_add_test(tc, fastopen_client_shuns_for_an_hour_and_some_at_most);
	tcase_add_test(tc, fastopen_client_asks_once_as_an_experiment);
	return rig_run(s);
}
