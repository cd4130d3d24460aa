/* SPDX-License-Identifier: MIT */
/*
 * test_ipid.c - identifications of what goes in fragments: none again before
 * all others, and none that tells of somebody else's.
 *
 * LINK: test/unit/rig.c
 */
#include <stdlib.h>
#include <string.h>

#include "rig.h"

static struct ip to(uint8_t version, uint8_t who)
{
	struct ip ip = {.version = version};

	memcpy(ip.src, version == 4 ? rig_our4 : rig_our6, 16);
	memcpy(ip.dst, version == 4 ? rig_peer4 : rig_peer6, 16);
	ip.dst[15] = who;
	return ip;
}

START_TEST(ipid_comes_again_only_after_all_65536)
{
	static uint8_t seen[65536];
	struct ip a = to(4, 1);
	uint32_t first = ipid_next(rig.st, &a);

	memset(seen, 0, sizeof(seen));
	seen[first] = 1;
	for (unsigned i = 1; i < 65536; i++) {
		uint32_t id = ipid_next(rig.st, &a);

		ck_assert_uint_lt(id, 65536);
		if (seen[id]++)
			ck_abort_msg("%u came again after %u", id, i);
	}
	ck_assert_uint_eq(ipid_next(rig.st, &a), first);
}
END_TEST

/* 6864-3: how often is the next one told by the last two, as of a counter? */
START_TEST(ipid_is_no_counter_and_another_for_each_peer)
{
	struct ip a = to(_i % 2 ? 6 : 4, 1), b = to(a.version, 9);
	unsigned steps = 0, same = 0;
	uint32_t before = 0, step = 0;

	for (unsigned i = 0; i < 10000; i++) {
		uint32_t id = ipid_next(rig.st, &a);

		steps += id - before == step;
		step = id - before;
		before = id;
		/* the counter goes on between: the same place for both */
		rig.st->ip_id--;
		same += ipid_next(rig.st, &b) == id;
	}
	ck_assert_uint_le(steps, 5);
	ck_assert_uint_le(same, 5);
}
END_TEST

/* 6864-2: while a datagram may live, 2 minutes, fewer go than there are. */
START_TEST(ipid_lasts_for_the_life_of_a_datagram)
{
	static uint8_t text[65536];
	struct peer p = peer_new(4, 80, 40000);
	struct packet k = peer_packet(&p, 0), out;
	unsigned sent = 0;
	uint16_t c;

	memset(text, 0, sizeof(text));
	text[0] = 8;
	k.protocol = PROTO_ICMP;
	k.data = text;
	k.len = 1500;
	c = (uint16_t)~packet_fold(packet_add(0, text, k.len));
	text[2] = (uint8_t)(c >> 8);
	text[3] = (uint8_t)c;
	for (unsigned i = 0; i < 12000; i++) { /* 1000 a second, 12 s long */
		rig_in(&k);
		while (rig_out(&out))
			sent += !out.more;
		rig_pass(TCPD_MS(1));
	}
	ck_assert_uint_ge(sent, 12 * 540);
	ck_assert_uint_le(sent, 12 * 65536 / 120 + 65);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("ipid");
	TCase *tc = rig_case(s, "ipid");

	tcase_add_test(tc, ipid_comes_again_only_after_all_65536);
	tcase_add_loop_test(tc, ipid_is_no_counter_and_another_for_each_peer, 0,
			    2);
	tcase_add_test(tc, ipid_lasts_for_the_life_of_a_datagram);
	return rig_run(s);
}
