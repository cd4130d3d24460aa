/* SPDX-License-Identifier: MIT */
/*
 * test_port_addr.c - what port.c knows of the stack's own addresses: which are
 * ours, which are broadcast, and which one talks to a peer.
 *
 * LINK: test/unit/rig.c
 */
#include <string.h>

#include "rig.h"

static const struct addr_row {
	const char *name;
	uint8_t ip[16];
	bool ours;
} addr_rows[] = {
	{"our IPv4 address", RIG_IP4(10, 77, 0, 2), true},
	{"a neighbour's", RIG_IP4(10, 77, 0, 3), false},
	{"our IPv6 address", RIG_IP6(2), true},
	{"another IPv6 address", RIG_IP6(3), false},
	{"the first of a local prefix", RIG_IP4(192, 0, 2, 0), true},
	{"the last of a local prefix", RIG_IP4(192, 0, 2, 15), true},
	{"one beyond it", RIG_IP4(192, 0, 2, 16), false},
	{"0.0.0.0", RIG_IP4(0, 0, 0, 0), false},
};

START_TEST(port_is_ours_knows_addresses_and_local_prefixes)
{
	struct tcpd_prefix *p = &rig.t->set.addr[rig.t->set.naddrs++];

	*p = (struct tcpd_prefix){.ip = RIG_IP4(192, 0, 2, 0),
				  .family = 4,
				  .len = 28,
				  .local = true};
	ck_assert_msg(port_is_ours(rig.t, addr_rows[_i].ip) ==
			      addr_rows[_i].ours,
		      "%s", addr_rows[_i].name);
}
END_TEST

static const struct cast_row {
	const char *name;
	uint8_t ip[16];
	bool cast;
} cast_rows[] = {
	{"of all", RIG_IP4(255, 255, 255, 255), true},
	{"of our prefix", RIG_IP4(10, 77, 0, 255), true},
	{"of another prefix", RIG_IP4(10, 78, 0, 255), false},
	{"ours", RIG_IP4(10, 77, 0, 2), false},
	{"of a /31, which has none", RIG_IP4(192, 0, 2, 1), false},
	{"of a local prefix, which has none", RIG_IP4(198, 51, 100, 255),
	 false},
	{"IPv6, all ones",
	 {0xfd, 0x77, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
	  0xff, 0xff},
	 false},
};

START_TEST(port_is_broadcast_knows_the_ends_of_prefixes)
{
	struct tcpd_prefix *p = &rig.t->set.addr[rig.t->set.naddrs];

	p[0] = (struct tcpd_prefix){
		.ip = RIG_IP4(192, 0, 2, 0), .family = 4, .len = 31};
	p[1] = (struct tcpd_prefix){.ip = RIG_IP4(198, 51, 100, 0),
				    .family = 4,
				    .len = 24,
				    .local = true};
	rig.t->set.naddrs = (uint8_t)(rig.t->set.naddrs + 2);
	ck_assert_msg(port_is_broadcast(rig.t, cast_rows[_i].ip) ==
			      cast_rows[_i].cast,
		      "%s", cast_rows[_i].name);
}
END_TEST

static const struct source_row {
	const char *name;
	uint8_t peer[16], want[16];
} source_rows[] = {
	{"a neighbour", RIG_IP4(10, 77, 0, 9), RIG_IP4(10, 77, 0, 2)},
	{"one of the second prefix", RIG_IP4(10, 88, 1, 9),
	 RIG_IP4(10, 88, 0, 2)},
	{"far away: the first", RIG_IP4(8, 8, 8, 8), RIG_IP4(10, 77, 0, 2)},
	{"IPv6", RIG_IP6(9), RIG_IP6(2)},
};

START_TEST(port_source_shares_the_peers_prefix)
{
	struct tcpd_prefix *p = &rig.t->set.addr[rig.t->set.naddrs++];
	uint8_t ip[16];

	*p = (struct tcpd_prefix){
		.ip = RIG_IP4(10, 88, 0, 2), .family = 4, .len = 16};
	ck_assert(port_source(rig.t, source_rows[_i].peer, ip));
	ck_assert_msg(memcmp(ip, source_rows[_i].want, 16) == 0, "%s",
		      source_rows[_i].name);
}
END_TEST

START_TEST(port_source_needs_an_address_of_the_family)
{
	uint8_t ip[16];

	rig.t->set.naddrs = 1;
	ck_assert(!port_source(rig.t, rig_peer6, ip));
	ck_assert(port_source(rig.t, rig_peer4, ip));
}
END_TEST

int main(void)
{
	Suite *s = suite_create("port_addr");
	TCase *tc = rig_case(s, "addresses");

	tcase_add_loop_test(tc, port_is_ours_knows_addresses_and_local_prefixes,
			    0, ARRAY_SIZE(addr_rows));
	tcase_add_loop_test(tc, port_is_broadcast_knows_the_ends_of_prefixes, 0,
			    ARRAY_SIZE(cast_rows));
	tcase_add_loop_test(tc, port_source_shares_the_peers_prefix, 0,
			    ARRAY_SIZE(source_rows));
	tcase_add_test(tc, port_source_needs_an_address_of_the_family);
	return rig_run(s);
}
