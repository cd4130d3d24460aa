/* SPDX-License-Identifier: MIT */
/*
 * test_stack.c - settings that are refused, memory that is not there, and
 * what a reload may change.
 *
 * LINK: test/unit/rig.c
 */
#include <string.h>

#include "rig.h"

static struct tcpd_settings *const s = &rig.set;

#define CHANGE(name, what)     \
	static void name(void) \
	{                      \
		what;          \
	}

CHANGE(size, s->size--)
CHANGE(no_map, s->map = NULL)
CHANGE(no_discard, s->discard = NULL)
CHANGE(no_unmap, s->unmap = NULL)
CHANGE(no_conns, s->max_conns = 0)
CHANGE(conns, s->max_conns = (1u << 24) + 1)
CHANGE(no_listeners, s->max_listeners = 0)
CHANGE(listeners, s->max_listeners = (1u << 24) + 1)
CHANGE(no_half_open, s->max_half_open = 0)
CHANGE(half_open, s->max_half_open = (1u << 24) + 1)
CHANGE(no_time_wait, s->max_time_wait = 0)
CHANGE(time_waits, s->max_time_wait = (1u << 24) + 1)
CHANGE(memory_small, s->memory = POOL_MAX - 1)
CHANGE(memory_large, s->memory = (UINT64_C(1) << 40) + 1)
CHANGE(rto_init, s->rto_init = 0)
CHANGE(rto_min, s->rto_min = 0)
CHANGE(rto_max, s->rto_max = s->rto_min - 1)
CHANGE(rto_max_init, s->rto_max = s->rto_init - 1)
CHANGE(ts_tick, s->ts_tick = 0)
CHANGE(delack, s->delack = 0)
CHANGE(mtu, s->mtu = 67)
CHANGE(no_port, s->port_min = 0)
CHANGE(ports, s->port_min = (uint16_t)(s->port_max + 1))
CHANGE(wscale, s->wscale = 15)
CHANGE(queue, s->queue = 64)
CHANGE(naddrs, s->naddrs = TCPD_MAX_ADDRS + 1)
CHANGE(family, s->addr[0].family = 5)
CHANGE(prefix4, s->addr[0].len = 33)
CHANGE(prefix6, s->addr[1].len = 129)
CHANGE(mapped, s->addr[1].family = 4)
CHANGE(not_mapped, s->addr[0].family = 6)
CHANGE(no_waits, s->conn.nsynack_waits = 0)
CHANGE(waits, s->conn.nsynack_waits = TCPD_MAX_WAITS + 1)
CHANGE(wait_0, s->conn.synack_wait[2] = 0)
CHANGE(congestion, s->conn.congestion = TCPD_NCCS)
CHANGE(time_wait, s->conn.time_wait = 0)
CHANGE(receive_small, s->conn.receive_buffer = POOL_UNIT - 1)
CHANGE(receive_large, s->conn.receive_buffer = (1u << 30) + 1)
CHANGE(send_small, s->conn.send_buffer = POOL_UNIT - 1)
CHANGE(send_large, s->conn.send_buffer = (1u << 30) + 1)

#define ROW(name, text)    \
	{                  \
		text, name \
	}

static const struct row {
	const char *name;
	void (*change)(void);
} wrongs[] = {
	ROW(size, "another size of the structure"),
	ROW(no_map, "no map"),
	ROW(no_discard, "no discard"),
	ROW(no_unmap, "no unmap"),
	ROW(no_conns, "no connections"),
	ROW(conns, "more connections than a handle has slots"),
	ROW(no_listeners, "no listeners"),
	ROW(listeners, "too many listeners"),
	ROW(no_half_open, "no half-open entries"),
	ROW(half_open, "too many half-open entries"),
	ROW(no_time_wait, "no TIME-WAIT entries"),
	ROW(time_waits, "too many TIME-WAIT entries"),
	ROW(memory_small, "less memory than a block"),
	ROW(memory_large, "more memory than a terabyte"),
	ROW(rto_init, "no first RTO"),
	ROW(rto_min, "no least RTO"),
	ROW(rto_max, "a largest RTO below the least"),
	ROW(rto_max_init, "a largest RTO below the first"),
	ROW(ts_tick, "no tick of time stamps"),
	ROW(delack, "no delay of ACKs"),
	ROW(mtu, "an MTU below 68"),
	ROW(no_port, "port 0"),
	ROW(ports, "ports the wrong way round"),
	ROW(wscale, "a window scale of 15"),
	ROW(queue, "a queue that has no place in a handle"),
	ROW(naddrs, "too many addresses"),
	ROW(family, "an address of no family"),
	ROW(prefix4, "an IPv4 prefix of 33 bits"),
	ROW(prefix6, "an IPv6 prefix of 129 bits"),
	ROW(mapped, "an IPv6 address that says it is IPv4"),
	ROW(not_mapped, "an IPv4 address that says it is IPv6"),
	ROW(no_waits, "no SYN-ACK waits"),
	ROW(waits, "too many SYN-ACK waits"),
	ROW(wait_0, "a SYN-ACK wait of 0"),
	ROW(congestion, "a congestion control that does not exist"),
	ROW(time_wait, "a 2MSL of 0"),
	ROW(receive_small, "a receive buffer below a block"),
	ROW(receive_large, "a receive buffer above 1 GiB"),
	ROW(send_small, "a send buffer below a block"),
	ROW(send_large, "a send buffer above 1 GiB"),
};

START_TEST(stack_refuses_each_wrong_setting)
{
	struct tcpd_stack *st = (void *)rig.buf;
	struct tcpd_settings had = *s;
	unsigned maps = rig.mem.calls;
	int err;

	wrongs[_i].change();
	err = tcpd_new(&st, s, rig.now);
	ck_assert_msg(err == -TCPD_ERR_INVALID, "%s: %s", wrongs[_i].name,
		      tcpd_err_name(err));
	ck_assert_ptr_null(st);
	ck_assert_uint_eq(rig.mem.calls, maps); /* nothing was asked for */
	/* nor does a reload take it, and all stays as it was */
	err = tcpd_reconfigure(rig.st, s, rig.now);
	ck_assert_msg(err == -TCPD_ERR_INVALID, "%s: reload: %s",
		      wrongs[_i].name, tcpd_err_name(err));
	ck_assert_mem_eq(&rig.t->set, &had, sizeof(had));
}
END_TEST

/* A listener's own settings come from the same people. */
START_TEST(stack_refuses_wrong_settings_of_a_listener)
{
	struct tcpd_addr any = {.port = 80};
	tcpd_handle h = 0;
	int err;

	wrongs[_i].change();
	err = tcpd_listen(rig.st, &h, &any, 0, &s->conn, rig.now);
	ck_assert_msg(err == -TCPD_ERR_INVALID, "%s: %s", wrongs[_i].name,
		      tcpd_err_name(err));
	ck_assert_uint_eq(h, 0);
	rig_assert_empty();
}
END_TEST

static const struct edge {
	const char *name;
	uint16_t mtu;
	uint32_t conns;
	uint64_t memory;
} edges[] = {
	{"the smallest of all", 68, 1, POOL_MAX},
	{"the largest MTU", 65535, 1, POOL_MAX},
	{"memory that is no multiple of a block", 1500, 3, POOL_MAX + 12345},
	{"the defaults", 1500, 65536, 256u << 20},
};

START_TEST(stack_takes_the_ends_of_the_ranges)
{
	const struct edge *e = &edges[_i];

	rig_stop();
	s->mtu = e->mtu;
	s->max_conns = e->conns;
	s->memory = e->memory;
	s->conn.synack_wait[0] = 1;
	s->conn.nsynack_waits = TCPD_MAX_WAITS;
	for (unsigned i = 0; i < TCPD_MAX_WAITS; i++)
		s->conn.synack_wait[i] = TCPD_SEC(1);
	s->conn.receive_buffer = s->conn.send_buffer = POOL_UNIT;
	s->wscale = 14;
	s->queue = 63;
	rig_start();
	ck_assert_uint_le(pool_free(&rig.t->pool), e->memory);
	ck_assert_uint_gt(pool_free(&rig.t->pool) + POOL_MAX, e->memory);
	rig_assert_empty();
}
END_TEST

START_TEST(stack_without_memory_says_so)
{
	struct tcpd_stack *st = (void *)rig.buf;

	rig.mem.fail_at = rig.mem.calls + 1;
	ck_assert_int_eq(tcpd_new(&st, s, rig.now), -TCPD_ERR_RESOURCES);
	ck_assert_ptr_null(st);
	ck_assert_int_eq(tcpd_new(&st, s, rig.now), 0);
	tcpd_free(st);
	tcpd_free(NULL);
	ck_assert_uint_eq(rig.mem.nmaps, 1);
}
END_TEST

/* Two stacks know nothing of each other. */
START_TEST(stack_is_one_region_and_no_global)
{
	struct tcpd_stack *other;
	struct tuple tu = rig_tuple(4, 80, 1);

	s->key[0] ^= 1;
	ck_assert_uint_eq(rig.mem.calls, 1);
	ck_assert_int_eq(tcpd_new(&other, s, rig.now), 0);
	ck_assert_uint_eq(rig.mem.calls, 2);
	rig_listen(80);
	ck_assert_uint_eq(other->t.listeners.count, 0);
	ck_assert_uint_ne(isn_for(&other->t, &tu), isn_for(rig.t, &tu));
	ck_assert_uint_ne(tuple_hash(&other->t, &tu), tuple_hash(rig.t, &tu));
	tcpd_free(other);
}
END_TEST

START_TEST(stack_keys_of_its_parts_differ)
{
	const struct siphash_key *k[] = {&rig.t->k_table, &rig.t->k_isn,
					 &rig.t->k_ts,	  &rig.t->k_recent,
					 &rig.t->k_rand,  &rig.t->k_pmtu};

	for (unsigned i = 0; i < ARRAY_SIZE(k); i++)
		for (unsigned j = 0; j < i; j++)
			ck_assert_int_ne(memcmp(k[i], k[j], sizeof(*k[i])), 0);
}
END_TEST

/* --- a reload */

CHANGE(re_conns, s->max_conns++)
CHANGE(re_listeners, s->max_listeners++)
CHANGE(re_half_open, s->max_half_open++)
CHANGE(re_time_wait, s->max_time_wait++)
CHANGE(re_memory, s->memory += POOL_MAX)
CHANGE(re_queue, s->queue++)
CHANGE(re_tick, s->ts_tick++)
CHANGE(re_wscale, s->wscale++)
CHANGE(re_key, s->key[31] ^= 1)

static const struct row fixed[] = {
	ROW(re_conns, "connections"),
	ROW(re_listeners, "listeners"),
	ROW(re_half_open, "half-open"),
	ROW(re_time_wait, "TIME-WAIT"),
	ROW(re_memory, "memory"),
	ROW(re_queue, "queue"),
	ROW(re_tick, "time stamp clock"),
	ROW(re_wscale, "window scale"),
	ROW(re_key, "key"),
};

START_TEST(stack_reload_does_not_change_what_cannot_change)
{
	struct tcpd_settings had = *s;

	fixed[_i].change();
	ck_assert_msg(tcpd_reconfigure(rig.st, s, rig.now) == -TCPD_ERR_INVALID,
		      "%s", fixed[_i].name);
	ck_assert_mem_eq(&rig.t->set, &had, sizeof(had));
}
END_TEST

START_TEST(stack_reload_counts_for_what_is_new_and_the_mtu_for_all)
{
	struct peer p = peer_new(4, 0, 80), q = peer_new(4, 0, 81);

	peer_connect(&p);
	s->mtu = 1000;
	s->conn.receive_buffer = 5000;
	s->conn.time_wait = TCPD_SEC(5);
	s->rto_min = TCPD_MS(10);
	s->port_min = s->port_max = 7777;
	s->csum = true;
	ck_assert_int_eq(tcpd_reconfigure(rig.st, s, rig.now), 0);
	ck_assert_uint_eq(p.c->mss, 960);
	ck_assert_uint_eq(p.c->rcv_max, 4u << 20);
	ck_assert_uint_eq(p.c->time_wait, TCPD_SEC(60));
	peer_connect(&q);
	ck_assert_uint_eq(q.us.port, 7777);
	ck_assert_uint_eq(q.c->rcv_max, 5000);
	ck_assert_uint_eq(q.c->time_wait, TCPD_SEC(5));
	ck_assert_uint_eq(q.c->mss, 960);
	s->mtu = 1500;
	ck_assert_int_eq(tcpd_reconfigure(rig.st, s, rig.now), 0);
	ck_assert_uint_eq(p.c->mss, 1460);
}
END_TEST

int main(void)
{
	Suite *su = suite_create("stack");
	TCase *tc = rig_case(su, "settings");

	tcase_add_loop_test(tc, stack_refuses_each_wrong_setting, 0,
			    ARRAY_SIZE(wrongs));
	tcase_add_loop_test(tc, stack_refuses_wrong_settings_of_a_listener,
			    ARRAY_SIZE(wrongs) - 9, ARRAY_SIZE(wrongs));
	tcase_add_loop_test(tc, stack_takes_the_ends_of_the_ranges, 0,
			    ARRAY_SIZE(edges));
	tcase_add_test(tc, stack_without_memory_says_so);
	tcase_add_test(tc, stack_is_one_region_and_no_global);
	tcase_add_test(tc, stack_keys_of_its_parts_differ);
	tcase_add_loop_test(tc, stack_reload_does_not_change_what_cannot_change,
			    0, ARRAY_SIZE(fixed));
	tcase_add_test(tc,
		       stack_reload_counts_for_what_is_new_and_the_mtu_for_all);
	return rig_run(su);
}
