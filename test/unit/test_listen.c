/* SPDX-License-Identifier: MIT */
/*
 * test_listen.c - which listener a segment meets, which local address may be
 * taken, and the accept queue.
 *
 * LINK: test/unit/rig.c
 */
#include <string.h>

#include "rig.h"

/* Local addresses of the rows below. */
enum where { ANY, ANY4, ANY6, OURS4, OURS6, SECOND4, NWHERE };

static struct tcpd_addr addr_of(enum where w, uint16_t port)
{
	static const uint8_t second[16] = RIG_IP4(10, 77, 0, 3);
	struct tcpd_addr a = {.port = port};

	a.family = w == ANY ? 0 : w == ANY6 || w == OURS6 ? 6 : 4;
	if (w == OURS4)
		memcpy(a.ip, rig_our4, 16);
	else if (w == OURS6)
		memcpy(a.ip, rig_our6, 16);
	else if (w == SECOND4)
		memcpy(a.ip, second, 16);
	return a;
}

static void add_second_address(void)
{
	struct tcpd_prefix *p = &rig.t->set.addr[rig.t->set.naddrs++];
	struct tcpd_addr a = addr_of(SECOND4, 0);

	*p = (struct tcpd_prefix){.family = 4, .len = 24};
	memcpy(p->ip, a.ip, 16);
}

static int listen_on(tcpd_handle *h, enum where w, uint64_t flags)
{
	struct tcpd_addr a = addr_of(w, 80);

	*h = 0;
	return tcpd_listen(rig.st, h, &a, flags, NULL, rig.now);
}

/* --- who is met */

START_TEST(listen_the_most_specific_one_is_met)
{
	/* in six orders: the order of their birth decides nothing */
	static const enum where orders[6][3] = {
		{ANY, ANY4, OURS4}, {ANY, OURS4, ANY4}, {ANY4, ANY, OURS4},
		{ANY4, OURS4, ANY}, {OURS4, ANY, ANY4}, {OURS4, ANY4, ANY}};
	static char word[NWHERE]; /* whose address tells which one it is */
	struct listener *l;
	int err = 0;

	add_second_address();
	/* they would be IN_USE for each other: made below the API */
	for (unsigned i = 0; i < 3; i++) {
		enum where w = orders[_i][i];

		struct claim c = {.a = addr_of(w, 80), .any = w != OURS4};

		l = listen_new(rig.t, &c, &rig.set.conn, &err);
		ck_assert_ptr_nonnull(l);
		l->user = &word[w];
	}
	l = listen_find(rig.t, rig_our4, 80, 0);
	ck_assert_ptr_eq(l->user, &word[OURS4]);
	l = listen_find(rig.t, addr_of(SECOND4, 0).ip, 80, 0);
	ck_assert_ptr_eq(l->user, &word[ANY4]);
	l = listen_find(rig.t, rig_our6, 80, 0);
	ck_assert_ptr_eq(l->user, &word[ANY]);
	ck_assert_ptr_null(listen_find(rig.t, rig_our4, 81, 0));
}
END_TEST

static const struct meet {
	const char *name;
	enum where on;
	bool v4, second, v6;
} meets[] = {
	{"every address", ANY, true, true, true},
	{"every IPv4 address", ANY4, true, true, false},
	{"every IPv6 address", ANY6, false, false, true},
	{"one IPv4 address", OURS4, true, false, false},
	{"one IPv6 address", OURS6, false, false, true},
};

START_TEST(listen_is_met_by_what_it_listens_on)
{
	const struct meet *m = &meets[_i];
	tcpd_handle h;

	add_second_address();
	ck_assert_int_eq(listen_on(&h, m->on, 0), 0);
	ck_assert_msg(!!listen_find(rig.t, rig_our4, 80, 0) == m->v4, "%s",
		      m->name);
	ck_assert_msg(!!listen_find(rig.t, addr_of(SECOND4, 0).ip, 80, 0) ==
			      m->second,
		      "%s", m->name);
	ck_assert_msg(!!listen_find(rig.t, rig_our6, 80, 0) == m->v6, "%s",
		      m->name);
}
END_TEST

/* --- what may be taken */

enum has { BOUND, LISTENER, OPEN, TIMEWAIT };

#define R  TCPD_BIND_REUSE
#define P1 (TCPD_BIND_REUSEPORT | TCPD_BIND_OWNER(1))
#define P2 (TCPD_BIND_REUSEPORT | TCPD_BIND_OWNER(2))

static const struct taken {
	const char *name;
	enum has has;
	enum where at, wants;
	uint64_t with, flags; /* of who has it, of who wants it */
	bool bind, listen;    /* may he? */
} takens[] = {
	{"a listener, the same address", LISTENER, OURS4, OURS4, 0, 0, 0, 0},
	{"a listener, both REUSE", LISTENER, OURS4, OURS4, R, R, 0, 0},
	{"a listener, both REUSEPORT", LISTENER, OURS4, OURS4, P1, P1, 1, 1},
	{"a listener of another owner", LISTENER, OURS4, OURS4, P1, P2, 0, 0},
	{"a listener of another owner, all have both", LISTENER, OURS4, OURS4,
	 R | P1, R | P2, 0, 0},
	{"a listener, only he has REUSEPORT", LISTENER, OURS4, OURS4, P1, 0, 0,
	 0},
	{"a listener, only we have REUSEPORT", LISTENER, OURS4, OURS4, 0, P1, 0,
	 0},
	{"a listener on all addresses", LISTENER, ANY, OURS4, 0, R, 0, 0},
	{"a listener on all, both REUSEPORT", LISTENER, ANY, OURS4, P1, P1, 1,
	 1},
	{"a listener on one, all are wanted", LISTENER, OURS4, ANY, 0, R, 0, 0},
	{"a listener on another address", LISTENER, SECOND4, OURS4, 0, 0, 1, 1},
	{"a listener of the other family", LISTENER, ANY6, ANY4, 0, 0, 1, 1},
	{"a listener on an address of the other family", LISTENER, OURS6, OURS4,
	 0, 0, 1, 1},
	{"a listener of one family, both are wanted", LISTENER, ANY6, ANY, 0, 0,
	 0, 0},
	{"a bound socket", BOUND, OURS4, OURS4, 0, 0, 0, 0},
	{"a bound socket without REUSE", BOUND, OURS4, OURS4, 0, R, 0, 0},
	{"a bound socket with REUSE, ours without", BOUND, OURS4, OURS4, R, 0,
	 0, 0},
	{"a bound socket, both REUSE", BOUND, OURS4, OURS4, R, R, 1, 1},
	{"a bound socket on all, both REUSE", BOUND, ANY, OURS4, R, R, 1, 1},
	{"a bound socket, both REUSEPORT", BOUND, OURS4, OURS4, P1, P1, 1, 1},
	{"a bound socket of another owner", BOUND, OURS4, OURS4, P1, P2, 0, 0},
	{"a bound socket, one has REUSE, one REUSEPORT", BOUND, OURS4, OURS4, R,
	 P1, 0, 0},
	{"a bound socket on another address", BOUND, SECOND4, OURS4, 0, 0, 1,
	 1},
	{"a bound socket of the other family", BOUND, ANY6, ANY4, 0, 0, 1, 1},
	{"a connection", OPEN, OURS4, OURS4, 0, 0, 0, 0},
	{"a connection, only we have REUSE", OPEN, OURS4, OURS4, 0, R, 0, 0},
	{"a connection, both REUSE", OPEN, OURS4, OURS4, R, R, 1, 1},
	{"a connection, both REUSEPORT", OPEN, OURS4, OURS4, P1, P1, 1, 1},
	{"a connection of another owner", OPEN, OURS4, OURS4, P1, P2, 0, 0},
	{"a connection, all are wanted", OPEN, OURS4, ANY, 0, 0, 0, 0},
	{"a connection of another address", OPEN, OURS4, SECOND4, 0, 0, 1, 1},
	{"a connection of the other family", OPEN, OURS4, ANY6, 0, 0, 1, 1},
	{"TIME-WAIT", TIMEWAIT, OURS4, OURS4, 0, 0, 0, 0},
	{"TIME-WAIT, only we have REUSE", TIMEWAIT, OURS4, OURS4, 0, R, 0, 0},
	{"TIME-WAIT, only it has REUSE", TIMEWAIT, OURS4, OURS4, R, 0, 0, 0},
	{"TIME-WAIT, both REUSE", TIMEWAIT, OURS4, OURS4, R, R, 1, 1},
	{"TIME-WAIT, both REUSEPORT", TIMEWAIT, OURS4, OURS4, P1, P1, 1, 1},
	{"TIME-WAIT, which has no owner", TIMEWAIT, OURS4, OURS4, P1, P2, 1, 1},
	{"TIME-WAIT, one has REUSE, one REUSEPORT", TIMEWAIT, OURS4, OURS4, P1,
	 R, 0, 0},
	{"TIME-WAIT, both REUSE, all are wanted", TIMEWAIT, OURS4, ANY, R, R, 1,
	 1},
	{"TIME-WAIT, REUSE, all are wanted", TIMEWAIT, OURS4, ANY, 0, R, 0, 0},
	{"TIME-WAIT of another address", TIMEWAIT, OURS4, SECOND4, 0, 0, 1, 1},
	{"TIME-WAIT of another address, REUSE", TIMEWAIT, OURS4, SECOND4, 0, R,
	 1, 1},
	{"TIME-WAIT of the other family", TIMEWAIT, OURS4, ANY6, 0, 0, 1, 1},
};

static void take(const struct taken *row)
{
	struct tcpd_addr a = addr_of(row->at, 80);
	tcpd_handle h;
	struct conn *c;

	switch (row->has) {
	case BOUND:
		ck_assert_int_eq(tcpd_bind(rig.st, &h, &a, row->with, rig.now),
				 0);
		return;
	case LISTENER:
		ck_assert_int_eq(listen_on(&h, row->at, row->with), 0);
		return;
	case OPEN:
	case TIMEWAIT:
		c = rig_conn(1, 1); /* on OURS4, port 80 */
		c->share = row->with & (TCPD_BIND_REUSE | TCPD_BIND_REUSEPORT);
		c->owner = (uint32_t)(row->with >> 32);
		if (row->has == OPEN)
			return;
		c->held = false;
		timewait_enter(rig.t, c);
		return;
	}
}

START_TEST(listen_address_is_free_or_in_use)
{
	const struct taken *row = &takens[_i];
	struct tcpd_addr a = addr_of(row->wants, 80);
	uint32_t conns;
	tcpd_handle h;
	int err;

	add_second_address();
	take(row);
	conns = rig.t->conns.count;
	err = tcpd_bind(rig.st, &h, &a, row->flags, rig.now);
	ck_assert_msg(err == (row->bind ? 0 : -TCPD_ERR_IN_USE),
		      "%s: bind says %s", row->name, tcpd_err_name(err));
	if (!err)
		ck_assert_int_eq(tcpd_close(rig.st, h, rig.now), 0);
	err = listen_on(&h, row->wants, row->flags);
	ck_assert_msg(err == (row->listen ? 0 : -TCPD_ERR_IN_USE),
		      "%s: listen says %s", row->name, tcpd_err_name(err));
	ck_assert_uint_eq(rig.t->conns.count, conns);
	/* another port is nobody's business */
	a.port = 81;
	ck_assert_int_eq(tcpd_bind(rig.st, &h, &a, 0, rig.now), 0);
	ck_assert_ptr_null(tcpd_check(rig.st));
}
END_TEST

/* Those that share an address get about as much each, each tuple always the
 * same one; nobody's share goes to another owner or another address. */
START_TEST(listen_of_several_that_share_the_hash_tells)
{
	enum { GROUP = 4, N = 4000 };
	static unsigned hits[GROUP + 2];
	tcpd_handle h[GROUP + 2];
	struct listener *first = NULL;

	add_second_address();
	for (unsigned i = 0; i < GROUP + 2; i++) {
		enum where w = i == 1 ? ANY4 : i == 3 ? SECOND4 : OURS4;

		ck_assert_int_eq(listen_on(&h[i], w, P1), 0);
		tcpd_set_user(rig.st, h[i], &hits[i]);
	}
	for (uint32_t i = 0; i < N; i++) {
		uint32_t hash = (uint32_t)(((uint64_t)i << 32) / N);
		struct listener *l = listen_find(rig.t, rig_our4, 80, hash);

		first = i ? first : l;
		ck_assert_ptr_eq(l, listen_find(rig.t, rig_our4, 80, hash));
		++*(unsigned *)l->user;
	}
	for (unsigned i = 0; i < GROUP + 2; i++)
		ck_assert_uint_eq(hits[i], i == 1 || i == 3 ? 0 : N / GROUP);
	ck_assert_ptr_null(tcpd_check(rig.st));
	/* one goes: its share is the others' */
	ck_assert_int_eq(tcpd_close(rig.st, h[0], rig.now), 0);
	ck_assert_ptr_ne(listen_find(rig.t, rig_our4, 80, 0), first);
	ck_assert_ptr_nonnull(listen_find(rig.t, rig_our4, 80, UINT32_MAX));
}
END_TEST

/* With one address of a family the count of a port's entries is the answer;
 * with another one since, it is not. */
START_TEST(listen_address_that_is_new_has_no_time_wait_entries)
{
	struct tcpd_settings set = rig.set;
	struct tcpd_addr a = addr_of(OURS4, 80), b = addr_of(SECOND4, 80);
	struct conn *c = rig_conn(1, 1); /* on OURS4, port 80 */
	tcpd_handle h;

	c->held = false;
	timewait_enter(rig.t, c);
	ck_assert_int_eq(tcpd_bind(rig.st, &h, &a, 0, rig.now),
			 -TCPD_ERR_IN_USE);
	for (unsigned i = 0; i < set.naddrs; i++)
		if (set.addr[i].family == 4)
			memcpy(set.addr[i].ip, b.ip, 16);
	ck_assert_int_eq(tcpd_reconfigure(rig.st, &set, rig.now), 0);
	ck_assert_int_eq(tcpd_bind(rig.st, &h, &b, 0, rig.now), 0);
	ck_assert_int_eq(tcpd_close(rig.st, h, rig.now), 0);
	/* and it is theirs again with the address */
	ck_assert_int_eq(tcpd_reconfigure(rig.st, &rig.set, rig.now), 0);
	ck_assert_int_eq(tcpd_bind(rig.st, &h, &a, 0, rig.now),
			 -TCPD_ERR_IN_USE);
	timewait_remove(rig.t, 0);
	ck_assert_int_eq(tcpd_bind(rig.st, &h, &a, 0, rig.now), 0);
}
END_TEST

START_TEST(listen_only_one_of_two_bound_with_reuse)
{
	struct tcpd_addr a = addr_of(OURS4, 80);
	tcpd_handle one, two;

	ck_assert_int_eq(tcpd_bind(rig.st, &one, &a, TCPD_BIND_REUSE, rig.now),
			 0);
	ck_assert_int_eq(tcpd_bind(rig.st, &two, &a, TCPD_BIND_REUSE, rig.now),
			 0);
	ck_assert_int_eq(tcpd_listen(rig.st, &one, NULL, 0, NULL, rig.now), 0);
	ck_assert_int_eq(tcpd_listen(rig.st, &two, NULL, 0, NULL, rig.now),
			 -TCPD_ERR_IN_USE);
	/* it stays what it was, and may try again later */
	ck_assert_ptr_nonnull(stack_conn(rig.st, two));
	ck_assert_int_eq(tcpd_close(rig.st, one, rig.now), 0);
	ck_assert_int_eq(tcpd_listen(rig.st, &two, NULL, 0, NULL, rig.now), 0);
	ck_assert_int_eq(tcpd_close(rig.st, two, rig.now), 0);
	rig_assert_empty();
}
END_TEST

START_TEST(listen_looks_at_the_port_of_each_holder)
{
	struct tcpd_addr a = addr_of(OURS4, 81), b = addr_of(SECOND4, 80);
	tcpd_handle h;

	add_second_address();
	ck_assert_int_eq(tcpd_bind(rig.st, &h, &a, 0, rig.now), 0);
	ck_assert_int_eq(tcpd_bind(rig.st, &h, &b, 0, rig.now), 0);
	a.port = 80;
	ck_assert_int_eq(tcpd_bind(rig.st, &h, &a, 0, rig.now), 0);
}
END_TEST

START_TEST(listen_table_that_is_full_is_an_error)
{
	struct tcpd_addr a = {.port = 1000};
	tcpd_handle h;

	for (unsigned i = 0; i < rig.set.max_listeners; i++) {
		a.port++;
		h = 0;
		ck_assert_int_eq(tcpd_listen(rig.st, &h, &a, 0, NULL, rig.now),
				 0);
	}
	a.port++;
	h = 0;
	ck_assert_int_eq(tcpd_listen(rig.st, &h, &a, 0, NULL, rig.now),
			 -TCPD_ERR_RESOURCES);
	ck_assert_uint_eq(h, 0);
	ck_assert_uint_eq(rig.t->conns.count, 0);
	ck_assert_uint_eq(rig.t->ports[a.port].nuse, 0);
}
END_TEST

/* --- the accept queue */

START_TEST(listen_queue_holds_one_more_than_the_backlog)
{
	struct tcpd_conn_settings cs = rig.set.conn;
	struct tcpd_addr a = {.port = 80};
	tcpd_handle h = 0, got;
	struct listener *l;

	cs.backlog = 2;
	ck_assert_int_eq(tcpd_listen(rig.st, &h, &a, 0, &cs, rig.now), 0);
	l = stack_listener(rig.st, h);
	for (uint16_t i = 0; i < 3; i++) {
		struct peer p = peer_new(4, 80, (uint16_t)(40000 + i));

		ck_assert(!listen_full(l));
		peer_send(&p, FLAG_SYN, NULL, 0);
		peer_take(&p, FLAG_SYN | FLAG_ACK);
		peer_send(&p, FLAG_ACK, NULL, 0);
	}
	ck_assert(listen_full(l));
	ck_assert_uint_eq(rig_event().mask, TCPD_EV_ACCEPT);
	ck_assert_uint_eq(rig_event().mask, 0); /* nobody has the others yet */
	/* a second call changes the backlog, and nothing else */
	cs.backlog = 3;
	ck_assert_int_eq(tcpd_listen(rig.st, &h, NULL, 0, &cs, rig.now), 0);
	ck_assert_ptr_eq(stack_listener(rig.st, h), l);
	ck_assert(!listen_full(l));
	for (uint16_t i = 0; i < 3; i++) { /* in the order of their coming */
		ck_assert_int_eq(tcpd_accept(rig.st, h, &got, rig.now), 0);
		ck_assert_uint_eq(stack_conn(rig.st, got)->tu.pport, 40000 + i);
	}
	ck_assert_int_eq(tcpd_accept(rig.st, h, &got, rig.now),
			 -TCPD_ERR_AGAIN);
	ck_assert_uint_eq(got, 0);
	ck_assert_uint_eq(rig.t->stat.opens_accepted, 3);
}
END_TEST

START_TEST(listen_connection_that_ends_in_the_queue_leaves_it)
{
	tcpd_handle h = rig_listen(80), got;
	struct peer p[3];

	for (uint16_t i = 0; i < 3; i++) {
		p[i] = peer_new(4, 80, (uint16_t)(40000 + i));
		peer_send(&p[i], FLAG_SYN, NULL, 0);
		peer_take(&p[i], FLAG_SYN | FLAG_ACK);
		peer_send(&p[i], FLAG_ACK, NULL, 0);
	}
	peer_send(&p[1], FLAG_RST, NULL, 0);
	ck_assert_uint_eq(stack_listener(rig.st, h)->nqueued, 2);
	ck_assert_uint_eq(rig.t->conns.count, 2);
	ck_assert_int_eq(tcpd_accept(rig.st, h, &got, rig.now), 0);
	ck_assert_uint_eq(stack_conn(rig.st, got)->tu.pport, 40000);
	ck_assert_int_eq(tcpd_accept(rig.st, h, &got, rig.now), 0);
	ck_assert_uint_eq(stack_conn(rig.st, got)->tu.pport, 40002);
}
END_TEST

START_TEST(listen_close_resets_what_waits_in_the_queue)
{
	tcpd_handle h = rig_listen(80);

	for (uint16_t i = 0; i < 3; i++) {
		struct peer p = peer_new(4, 80, (uint16_t)(40000 + i));

		peer_send(&p, FLAG_SYN, NULL, 0);
		peer_take(&p, FLAG_SYN | FLAG_ACK);
		peer_send(&p, FLAG_ACK, "x", 1);
		rig_drain();
	}
	ck_assert_int_eq(tcpd_close(rig.st, h, rig.now), 0);
	for (unsigned i = 0; i < 3; i++)
		rig_expect(FLAG_RST | FLAG_ACK);
	rig_expect_nothing();
	ck_assert_ptr_null(stack_listener(rig.st, h));
	ck_assert_uint_eq(rig_event().mask, 0);
	rig_assert_empty();
}
END_TEST

START_TEST(listen_news_of_before_accept_come_with_the_handle)
{
	tcpd_handle h = rig_listen(80);
	struct peer p = peer_new(4, 80, 40000);
	struct tcpd_event ev;

	peer_send(&p, FLAG_SYN, NULL, 0);
	peer_take(&p, FLAG_SYN | FLAG_ACK);
	peer_send(&p, FLAG_ACK, "hello", 5);
	peer_send(&p, FLAG_FIN | FLAG_ACK, NULL, 0);
	ck_assert_uint_eq(rig_event().mask, TCPD_EV_ACCEPT);
	ck_assert_uint_eq(rig_event().mask, 0);
	ck_assert_int_eq(tcpd_accept(rig.st, h, &p.h, rig.now), 0);
	ev = rig_event();
	ck_assert_uint_eq(ev.h, p.h);
	ck_assert_uint_eq(ev.mask, TCPD_EV_READABLE | TCPD_EV_FIN);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("listen");
	TCase *tc = rig_case(s, "listeners");

	tcase_add_loop_test(tc, listen_the_most_specific_one_is_met, 0, 6);
	tcase_add_loop_test(tc, listen_is_met_by_what_it_listens_on, 0,
			    ARRAY_SIZE(meets));
	tcase_add_loop_test(tc, listen_address_is_free_or_in_use, 0,
			    ARRAY_SIZE(takens));
	tcase_add_test(tc, listen_address_that_is_new_has_no_time_wait_entries);
	tcase_add_test(tc, listen_of_several_that_share_the_hash_tells);
	tcase_add_test(tc, listen_only_one_of_two_bound_with_reuse);
	tcase_add_test(tc, listen_looks_at_the_port_of_each_holder);
	tcase_add_test(tc, listen_table_that_is_full_is_an_error);
	tcase_add_test(tc, listen_queue_holds_one_more_than_the_backlog);
	tcase_add_test(tc, listen_connection_that_ends_in_the_queue_leaves_it);
	tcase_add_test(tc, listen_close_resets_what_waits_in_the_queue);
	tcase_add_test(tc, listen_news_of_before_accept_come_with_the_handle);
	return rig_run(s);
}
