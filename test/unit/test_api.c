/* SPDX-License-Identifier: MIT */
/*
 * test_api.c - the calls of tcpd.h: handles that are stale or nobody's, wrong
 * arguments, and the stream.
 *
 * LINK: test/unit/rig.c
 */
#include <string.h>

#include "rig.h"

static struct tcpd_addr addr4(uint16_t port)
{
	struct tcpd_addr a = {.family = 4, .port = port};

	memcpy(a.ip, rig_our4, 16);
	return a;
}

static struct tcpd_addr peer4(uint16_t port)
{
	struct tcpd_addr a = {.family = 4, .port = port};

	memcpy(a.ip, rig_peer4, 16);
	return a;
}

/* --- handles */

/* What each call answers for a handle that is nobody's. */
static void is_nobodys(const char *name, tcpd_handle h)
{
	struct tcpd_addr to = peer4(80);
	struct tcpd_status st;
	struct tcpd_slice s;
	struct tcpd_room r;
	tcpd_handle got = h;
	uint64_t v;

	ck_assert_msg(!stack_conn(rig.st, h) && !stack_listener(rig.st, h),
		      "%s", name);
	if (h) { /* 0 would ask for a new one */
		ck_assert_int_eq(tcpd_connect(rig.st, &got, NULL, &to, rig.now),
				 -TCPD_ERR_HANDLE);
		ck_assert_int_eq(
			tcpd_listen(rig.st, &got, NULL, 0, NULL, rig.now),
			-TCPD_ERR_HANDLE);
		ck_assert_uint_eq(got, h);
	}
	ck_assert_int_eq(tcpd_accept(rig.st, h, &got, rig.now),
			 -TCPD_ERR_HANDLE);
	ck_assert_int_eq(tcpd_shutdown(rig.st, h, rig.now), -TCPD_ERR_HANDLE);
	ck_assert_int_eq(tcpd_close(rig.st, h, rig.now), -TCPD_ERR_HANDLE);
	ck_assert_int_eq(tcpd_abort(rig.st, h, rig.now), -TCPD_ERR_HANDLE);
	ck_assert_int_eq(tcpd_recv_peek(rig.st, h, &s, 1), -TCPD_ERR_HANDLE);
	ck_assert_int_eq(tcpd_recv_done(rig.st, h, 0, rig.now),
			 -TCPD_ERR_HANDLE);
	ck_assert_int_eq(tcpd_send_room(rig.st, h, 1, &r, 1), -TCPD_ERR_HANDLE);
	ck_assert_int_eq(tcpd_send_filled(rig.st, h, 0, rig.now),
			 -TCPD_ERR_HANDLE);
	ck_assert_int_eq(tcpd_recv(rig.st, h, &v, 1, rig.now),
			 -TCPD_ERR_HANDLE);
	ck_assert_int_eq(tcpd_send(rig.st, h, &v, 1, rig.now),
			 -TCPD_ERR_HANDLE);
	ck_assert_int_eq(tcpd_want_writable(rig.st, h, 0), -TCPD_ERR_HANDLE);
	ck_assert_int_eq(tcpd_status(rig.st, h, &st, rig.now),
			 -TCPD_ERR_HANDLE);
	ck_assert_int_eq(
		tcpd_set_option(rig.st, h, TCPD_OPT_NODELAY, 1, rig.now),
		-TCPD_ERR_HANDLE);
	ck_assert_int_eq(tcpd_get_option(rig.st, h, TCPD_OPT_NODELAY, &v),
			 -TCPD_ERR_HANDLE);
	ck_assert_uint_eq(tcpd_unsent(rig.st, h), 0);
	ck_assert(!tcpd_recv_eof(rig.st, h));
	tcpd_set_user(rig.st, h, rig.buf);
	ck_assert_ptr_null(tcpd_user(rig.st, h));
}

START_TEST(api_handle_that_is_stale_or_made_up_is_an_error)
{
	struct tcpd_addr a = addr4(80);
	tcpd_handle h, l = rig_listen(81);

	ck_assert_int_eq(tcpd_bind(rig.st, &h, &a, 0, rig.now), 0);
	ck_assert_uint_lt(h >> 58, 64);
	is_nobodys("no handle", 0);
	is_nobodys("another generation", h + 2);
	is_nobodys("an older generation", h - 1);
	is_nobodys("another slot", h + (UINT64_C(1) << 32));
	is_nobodys("a slot beyond the table", h | UINT64_C(0xffffff) << 32);
	is_nobodys("another queue", h | UINT64_C(1) << 60);
	is_nobodys("no kind", h & ~(UINT64_C(3) << 56));
	is_nobodys("both kinds", h | UINT64_C(3) << 56);
	is_nobodys("all ones", UINT64_MAX);
	ck_assert_int_eq(tcpd_close(rig.st, h, rig.now), 0);
	ck_assert_int_eq(tcpd_close(rig.st, l, rig.now), 0);
	is_nobodys("a closed socket's", h);
	is_nobodys("a closed listener's", l);
	/* nor is it that of who comes next into its slot */
	ck_assert_int_eq(tcpd_bind(rig.st, &h, &a, 0, rig.now), 0);
	is_nobodys("the one before", h - 2);
	rig_listen(81);
	is_nobodys("the listener before", l);
}
END_TEST

START_TEST(api_handles_at_random_are_nobodys)
{
	struct rng r = {.state = 5};
	tcpd_handle h, l = rig_listen(81);
	struct tcpd_addr a = addr4(80);

	ck_assert_int_eq(tcpd_bind(rig.st, &h, &a, 0, rig.now), 0);
	for (unsigned i = 0; i < 200000; i++) {
		tcpd_handle x = rng_next(&r);

		if (i % 2) /* one bit of a real one */
			x = (i % 4 == 1 ? h : l) ^ UINT64_C(1) << (x & 63);
		ck_assert(!stack_conn(rig.st, x));
		ck_assert(!stack_listener(rig.st, x));
	}
}
END_TEST

START_TEST(api_handles_carry_their_queue)
{
	struct tcpd_addr a = addr4(80);
	tcpd_handle h;

	rig_stop();
	rig.set.queue = 63;
	rig_start();
	ck_assert_int_eq(tcpd_bind(rig.st, &h, &a, 0, rig.now), 0);
	ck_assert_uint_eq(h >> 58, 63);
	ck_assert_ptr_nonnull(stack_conn(rig.st, h));
}
END_TEST

START_TEST(api_user_word_comes_back)
{
	tcpd_handle l = rig_listen(81), h = l;
	struct tcpd_addr a = addr4(80);

	ck_assert_int_eq(tcpd_bind(rig.st, &h, &a, 0, rig.now), 0);
	tcpd_set_user(rig.st, l, &l);
	tcpd_set_user(rig.st, h, &h);
	ck_assert_ptr_eq(tcpd_user(rig.st, l), &l);
	ck_assert_ptr_eq(tcpd_user(rig.st, h), &h);
	/* a socket that listens keeps it */
	ck_assert_int_eq(tcpd_listen(rig.st, &h, NULL, 0, NULL, rig.now), 0);
	ck_assert_ptr_eq(tcpd_user(rig.st, h), &h);
}
END_TEST

/* --- bind */

static const struct bind_row {
	const char *name;
	struct tcpd_addr a;
	int err;
} bind_rows[] = {
	{"all addresses", {.port = 80}, 0},
	{"all of IPv4", {.port = 80, .family = 4}, 0},
	{"all of IPv6", {.port = 80, .family = 6}, 0},
	{"0.0.0.0", {.ip = RIG_IP4(0, 0, 0, 0), .port = 80, .family = 4}, 0},
	{"ours", {.ip = RIG_IP4(10, 77, 0, 2), .port = 80, .family = 4}, 0},
	{"ours, IPv6", {.ip = RIG_IP6(2), .port = 80, .family = 6}, 0},
	{"an ephemeral port", {.ip = RIG_IP6(2), .family = 6}, 0},
	{"a neighbour's",
	 {.ip = RIG_IP4(10, 77, 0, 3), .port = 80, .family = 4},
	 TCPD_ERR_NOT_OURS},
	{"no family", {.port = 80, .family = 5}, TCPD_ERR_FAMILY},
	{"IPv4 that says it is IPv6",
	 {.ip = RIG_IP4(10, 77, 0, 2), .port = 80, .family = 6},
	 TCPD_ERR_FAMILY},
	{"IPv6 that says it is IPv4",
	 {.ip = RIG_IP6(2), .port = 80, .family = 4},
	 TCPD_ERR_FAMILY},
};

START_TEST(api_bind_takes_an_address_of_ours)
{
	const struct bind_row *row = &bind_rows[_i];
	tcpd_handle h = 1;
	int err = tcpd_bind(rig.st, &h, &row->a, 0, rig.now);

	ck_assert_msg(err == -row->err, "%s: %s", row->name,
		      tcpd_err_name(err));
	if (err) {
		ck_assert_uint_eq(h, 0);
		rig_assert_empty();
		return;
	}
	ck_assert_uint_ge(stack_conn(rig.st, h)->tu.lport,
			  row->a.port ? 80 : rig.set.port_min);
	ck_assert_uint_eq(rig.t->ports[stack_conn(rig.st, h)->tu.lport].nuse,
			  1);
	ck_assert_int_eq(tcpd_close(rig.st, h, rig.now), 0);
	rig_assert_empty();
}
END_TEST

START_TEST(api_numbers_are_used_once)
{
	struct tcpd_addr a = addr4(0), to = peer4(80);
	struct tcpd_status st;
	tcpd_handle h;
	tcpd_id was = 0;

	for (unsigned i = 0; i < 20; i++) {
		h = 0;
		if (i % 3 == 0)
			ck_assert_int_eq(tcpd_bind(rig.st, &h, &a, 0, rig.now),
					 0);
		else if (i % 3 == 1)
			ck_assert_int_eq(
				tcpd_listen(rig.st, &h, &a, 0, NULL, rig.now),
				0);
		else
			ck_assert_int_eq(
				tcpd_connect(rig.st, &h, NULL, &to, rig.now),
				0);
		ck_assert_int_eq(tcpd_status(rig.st, h, &st, rig.now), 0);
		ck_assert_uint_gt(st.id, was);
		was = st.id;
		if (i % 2)
			ck_assert_int_eq(tcpd_abort(rig.st, h, rig.now), 0);
	}
}
END_TEST

START_TEST(api_bind_without_a_port_or_a_slot)
{
	struct tcpd_addr a = addr4(0);
	tcpd_handle h;

	rig_stop();
	rig.set.port_min = rig.set.port_max = 4000;
	rig.set.max_conns = 2;
	rig_start();
	ck_assert_int_eq(tcpd_bind(rig.st, &h, &a, 0, rig.now), 0);
	ck_assert_int_eq(tcpd_bind(rig.st, &h, &a, 0, rig.now),
			 -TCPD_ERR_NO_PORT);
	a.port = 80;
	ck_assert_int_eq(tcpd_bind(rig.st, &h, &a, 0, rig.now), 0);
	a.port = 81;
	ck_assert_int_eq(tcpd_bind(rig.st, &h, &a, 0, rig.now),
			 -TCPD_ERR_RESOURCES);
	ck_assert_uint_eq(rig.t->ports[81].nuse, 0);
}
END_TEST

/* --- opening what is open already */

START_TEST(api_socket_is_opened_once)
{
	struct tcpd_addr a = addr4(4000), to = peer4(80);
	tcpd_handle l = rig_listen(81), h, had;

	ck_assert_int_eq(tcpd_connect(rig.st, &l, NULL, &to, rig.now),
			 -TCPD_ERR_EXISTS);
	ck_assert_int_eq(tcpd_shutdown(rig.st, l, rig.now), -TCPD_ERR_NOT_OPEN);
	ck_assert_int_eq(tcpd_bind(rig.st, &h, &a, 0, rig.now), 0);
	had = h;
	ck_assert_int_eq(tcpd_connect(rig.st, &h, NULL, &to, rig.now), 0);
	ck_assert_uint_eq(h, had);
	ck_assert_uint_eq(rig_expect(FLAG_SYN).sport, 4000);
	ck_assert_int_eq(tcpd_connect(rig.st, &h, NULL, &to, rig.now),
			 -TCPD_ERR_OPENING);
	ck_assert_int_eq(tcpd_listen(rig.st, &h, NULL, 0, NULL, rig.now),
			 -TCPD_ERR_OPENING);
	stack_conn(rig.st, h)->state = TCPD_ESTABLISHED;
	ck_assert_int_eq(tcpd_connect(rig.st, &h, NULL, &to, rig.now),
			 -TCPD_ERR_EXISTS);
	ck_assert_int_eq(tcpd_listen(rig.st, &h, NULL, 0, NULL, rig.now),
			 -TCPD_ERR_EXISTS);
}
END_TEST

static const struct connect_row {
	const char *name;
	struct tcpd_addr local, peer;
	int err;
} connect_rows[] = {
	{"no family",
	 {.family = 0},
	 {.port = 80, .family = 7},
	 TCPD_ERR_FAMILY},
	{"IPv4 that says it is IPv6",
	 {.family = 0},
	 {.ip = RIG_IP4(10, 77, 0, 1), .port = 80, .family = 6},
	 TCPD_ERR_FAMILY},
	{"port 0",
	 {.family = 0},
	 {.ip = RIG_IP4(10, 77, 0, 1), .family = 4},
	 TCPD_ERR_NO_PEER},
	{"from an address that is not ours",
	 {.ip = RIG_IP4(10, 77, 0, 9), .family = 4},
	 {.ip = RIG_IP4(10, 77, 0, 1), .port = 80, .family = 4},
	 TCPD_ERR_NOT_OURS},
	{"from IPv6 to IPv4",
	 {.ip = RIG_IP6(2), .family = 6},
	 {.ip = RIG_IP4(10, 77, 0, 1), .port = 80, .family = 4},
	 TCPD_ERR_FAMILY},
	{"multicast",
	 {.family = 0},
	 {.ip = RIG_IP4(239, 0, 0, 1), .port = 80, .family = 4},
	 TCPD_ERR_NET_UNREACH},
	{"all is well",
	 {.ip = RIG_IP4(10, 77, 0, 2), .family = 4},
	 {.ip = RIG_IP4(10, 77, 0, 1), .port = 80, .family = 4},
	 0},
};

START_TEST(api_connect_looks_at_both_sides)
{
	const struct connect_row *row = &connect_rows[_i];
	tcpd_handle h = 0;
	int err = tcpd_connect(rig.st, &h, &row->local, &row->peer, rig.now);

	ck_assert_msg(err == -row->err, "%s: %s", row->name,
		      tcpd_err_name(err));
	ck_assert_int_eq(h != 0, !err);
	if (!err)
		ck_assert_int_eq(tcpd_abort(rig.st, h, rig.now), 0);
	rig_assert_empty();
}
END_TEST

START_TEST(api_connect_of_a_socket_bound_to_a_family)
{
	struct tcpd_addr any6 = {.family = 6, .port = 4000}, to = peer4(80);
	struct tcpd_addr to6 = {.ip = RIG_IP6(1), .family = 6, .port = 80};
	tcpd_handle h;

	ck_assert_int_eq(tcpd_bind(rig.st, &h, &any6, 0, rig.now), 0);
	ck_assert_int_eq(tcpd_connect(rig.st, &h, NULL, &to, rig.now),
			 -TCPD_ERR_FAMILY);
	/* it is what it was, and may go elsewhere */
	ck_assert_int_eq(tcpd_connect(rig.st, &h, NULL, &to6, rig.now), 0);
	ck_assert_mem_eq(stack_conn(rig.st, h)->tu.local, rig_our6, 16);
}
END_TEST

START_TEST(api_connect_without_a_slot)
{
	struct tcpd_addr to = peer4(80);
	tcpd_handle h = 0;

	rig_stop();
	rig.set.max_conns = 1;
	rig_start();
	ck_assert_int_eq(tcpd_connect(rig.st, &h, NULL, &to, rig.now), 0);
	h = 0;
	ck_assert_int_eq(tcpd_connect(rig.st, &h, NULL, &to, rig.now),
			 -TCPD_ERR_RESOURCES);
}
END_TEST

/* --- the stream */

static const struct may_send {
	enum tcpd_state state;
	int err;
} may_send[] = {
	{TCPD_SYN_SENT, 0},
	{TCPD_SYN_RECEIVED, 0},
	{TCPD_ESTABLISHED, 0},
	{TCPD_FIN_WAIT_1, TCPD_ERR_CLOSING},
	{TCPD_FIN_WAIT_2, TCPD_ERR_CLOSING},
	{TCPD_CLOSE_WAIT, 0},
	{TCPD_CLOSING, TCPD_ERR_CLOSING},
	{TCPD_LAST_ACK, TCPD_ERR_CLOSING},
	{TCPD_CLOSED, TCPD_ERR_NOT_OPEN},
};

START_TEST(api_send_in_each_state)
{
	struct conn *c = rig_conn(1, 1);
	tcpd_handle h = stack_handle(rig.t, conn_ref(rig.t, c));
	int64_t n;

	c->state = (uint8_t)may_send[_i].state;
	n = tcpd_send(rig.st, h, "hello", 5, rig.now);
	ck_assert_int_eq(n, may_send[_i].err ? -may_send[_i].err : 5);
	ck_assert_uint_eq(tcpd_unsent(rig.st, h), may_send[_i].err ? 0 : 5);
	if (c->state != TCPD_CLOSED)
		return;
	c->fin_sent = true;
	ck_assert_int_eq(tcpd_send(rig.st, h, "x", 1, rig.now),
			 -TCPD_ERR_CLOSING);
	c->err = TCPD_ERR_RESET;
	ck_assert_int_eq(tcpd_send(rig.st, h, "x", 1, rig.now),
			 -TCPD_ERR_RESET);
}
END_TEST

START_TEST(api_send_takes_what_fits_and_says_how_much)
{
	struct peer p = peer_new(4, 0, 80);
	static uint8_t big[1u << 20];
	int64_t n;

	rig.set.memory = 64u << 20;
	rig_restart();
	peer_connect(&p);
	ck_assert_int_eq(tcpd_send(rig.st, p.h, big, 0, rig.now), 0);
	n = tcpd_send(rig.st, p.h, big, sizeof(big), rig.now);
	ck_assert_int_eq(n, sendq_limit(rig.t, p.c));
	ck_assert_int_eq(tcpd_send(rig.st, p.h, big, 1, rig.now),
			 -TCPD_ERR_AGAIN);
	ck_assert_int_eq(tcpd_unsent(rig.st, p.h), n);
	rig_drain();
	ck_assert_int_eq(tcpd_unsent(rig.st, p.h), n - conn_flight(p.c));
}
END_TEST

START_TEST(api_filled_is_at_most_what_was_given)
{
	struct peer p = peer_new(4, 0, 80);
	struct tcpd_room r[2];

	peer_connect(&p);
	ck_assert_int_eq(tcpd_send_filled(rig.st, p.h, 1, rig.now),
			 -TCPD_ERR_INVALID);
	ck_assert_int_eq(tcpd_send_room(rig.st, p.h, 100, r, 2), 1);
	ck_assert_int_eq(tcpd_send_filled(rig.st, p.h, r[0].len + 1, rig.now),
			 -TCPD_ERR_INVALID);
	ck_assert_int_eq(tcpd_send_filled(rig.st, p.h, r[0].len, rig.now), 0);
	ck_assert_int_eq(tcpd_send_room(rig.st, p.h, 100, r, 0), 0);
}
END_TEST

START_TEST(api_recv_takes_what_is_there)
{
	struct peer p = peer_new(4, 0, 80);
	struct tcpd_slice s[4];
	char buf[16];

	peer_connect(&p);
	ck_assert_int_eq(tcpd_recv(rig.st, p.h, buf, 16, rig.now),
			 -TCPD_ERR_AGAIN);
	ck_assert_int_eq(tcpd_recv(rig.st, p.h, buf, 0, rig.now), 0);
	peer_send(&p, FLAG_ACK, "hello, ", 7);
	peer_send(&p, FLAG_ACK, "world", 5);
	ck_assert_int_gt(tcpd_recv_peek(rig.st, p.h, s, 4), 0);
	ck_assert_int_eq(tcpd_recv_done(rig.st, p.h, 13, rig.now),
			 -TCPD_ERR_INVALID);
	ck_assert_int_eq(tcpd_recv_done(rig.st, p.h, 0, rig.now), 0);
	ck_assert_int_eq(tcpd_recv(rig.st, p.h, buf, 4, rig.now), 4);
	ck_assert_mem_eq(buf, "hell", 4);
	ck_assert(!tcpd_recv_eof(rig.st, p.h));
	peer_send(&p, FLAG_FIN | FLAG_ACK, NULL, 0);
	ck_assert(!tcpd_recv_eof(rig.st, p.h));
	ck_assert_int_eq(tcpd_recv(rig.st, p.h, buf, 16, rig.now), 8);
	ck_assert_mem_eq(buf, "o, world", 8);
	ck_assert(tcpd_recv_eof(rig.st, p.h));
	ck_assert_int_eq(tcpd_recv(rig.st, p.h, buf, 16, rig.now), 0);
}
END_TEST

START_TEST(api_recv_gives_what_was_queued_before_the_error)
{
	struct peer p = peer_new(4, 0, 80);
	char buf[16];

	peer_connect(&p);
	peer_send(&p, FLAG_ACK, "hello", 5);
	peer_send(&p, FLAG_RST | FLAG_ACK, NULL, 0);
	ck_assert_int_eq(tcpd_recv(rig.st, p.h, buf, 16, rig.now), 5);
	ck_assert_int_eq(tcpd_recv(rig.st, p.h, buf, 16, rig.now),
			 -TCPD_ERR_RESET);
	ck_assert_int_eq(tcpd_send(rig.st, p.h, buf, 1, rig.now),
			 -TCPD_ERR_RESET);
	ck_assert_int_eq(tcpd_shutdown(rig.st, p.h, rig.now), -TCPD_ERR_RESET);
	ck_assert_int_eq(tcpd_close(rig.st, p.h, rig.now), 0);
	rig_assert_empty();
}
END_TEST

START_TEST(api_want_writable_is_told_once)
{
	struct peer p = peer_new(4, 0, 80);
	static uint8_t text[20000];

	peer_connect(&p);
	rig_event();
	ck_assert_int_eq(tcpd_want_writable(rig.st, p.h, 0), 0);
	ck_assert_uint_eq(rig_event().mask, TCPD_EV_WRITABLE);
	ck_assert_int_eq(tcpd_send(rig.st, p.h, text, 20000, rig.now), 20000);
	ck_assert_int_eq(tcpd_want_writable(rig.st, p.h, 5400), 0);
	ck_assert_uint_eq(rig_event().mask, 0);
	rig_drain(); /* ten segments: 5400 are left */
	ck_assert_uint_eq(rig_event().mask, TCPD_EV_WRITABLE);
	ck_assert_uint_eq(rig_event().mask, 0);
}
END_TEST

/* --- what a closed handle may still do: nothing */

START_TEST(api_closed_connection_has_no_handle_but_an_event)
{
	struct peer p = peer_new(4, 0, 80);
	struct tcpd_event ev;
	struct tcpd_status st;

	peer_connect(&p);
	rig_event();
	ck_assert_int_eq(tcpd_close(rig.st, p.h, rig.now), 0);
	ck_assert_int_eq(tcpd_close(rig.st, p.h, rig.now), -TCPD_ERR_HANDLE);
	ck_assert_int_eq(tcpd_send(rig.st, p.h, "x", 1, rig.now),
			 -TCPD_ERR_HANDLE);
	/* its life goes on, and can be looked at */
	ck_assert_int_eq(tcpd_status(rig.st, p.h, &st, rig.now), 0);
	ck_assert(st.closed);
	ck_assert_int_eq(st.state, TCPD_FIN_WAIT_1);
	peer_take(&p, FLAG_FIN | FLAG_ACK);
	peer_send(&p, FLAG_FIN | FLAG_ACK, NULL, 0);
	ev = rig_event();
	ck_assert_uint_eq(ev.h, p.h);
	ck_assert_uint_ne(ev.mask & TCPD_EV_GONE, 0);
	is_nobodys("one that is gone", p.h);
	rig_drain();
	ck_assert_uint_eq(rig.t->tws.count, 1);
}
END_TEST

START_TEST(api_abort_of_an_orphan_takes_it_away)
{
	struct peer p = peer_new(4, 0, 80);

	peer_connect(&p);
	ck_assert_int_eq(tcpd_close(rig.st, p.h, rig.now), 0);
	ck_assert_int_eq(tcpd_abort(rig.st, p.h, rig.now), 0);
	rig_expect(FLAG_RST | FLAG_ACK);
	ck_assert_uint_eq(rig_event().mask, 0);
	rig_assert_empty();
}
END_TEST

int main(void)
{
	Suite *s = suite_create("api");
	TCase *tc = rig_case(s, "calls");

	tcase_add_test(tc, api_handle_that_is_stale_or_made_up_is_an_error);
	tcase_add_test(tc, api_handles_at_random_are_nobodys);
	tcase_add_test(tc, api_handles_carry_their_queue);
	tcase_add_test(tc, api_user_word_comes_back);
	tcase_add_loop_test(tc, api_bind_takes_an_address_of_ours, 0,
			    ARRAY_SIZE(bind_rows));
	tcase_add_test(tc, api_numbers_are_used_once);
	tcase_add_test(tc, api_bind_without_a_port_or_a_slot);
	tcase_add_test(tc, api_socket_is_opened_once);
	tcase_add_loop_test(tc, api_connect_looks_at_both_sides, 0,
			    ARRAY_SIZE(connect_rows));
	tcase_add_test(tc, api_connect_of_a_socket_bound_to_a_family);
	tcase_add_test(tc, api_connect_without_a_slot);
	tcase_add_loop_test(tc, api_send_in_each_state, 0,
			    ARRAY_SIZE(may_send));
	tcase_add_test(tc, api_send_takes_what_fits_and_says_how_much);
	tcase_add_test(tc, api_filled_is_at_most_what_was_given);
	tcase_add_test(tc, api_recv_takes_what_is_there);
	tcase_add_test(tc, api_recv_gives_what_was_queued_before_the_error);
	tcase_add_test(tc, api_want_writable_is_told_once);
	tcase_add_test(tc, api_closed_connection_has_no_handle_but_an_event);
	tcase_add_test(tc, api_abort_of_an_orphan_takes_it_away);
	return rig_run(s);
}
