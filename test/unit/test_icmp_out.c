/* SPDX-License-Identifier: MIT */
/*
 * test_icmp_out.c - echo, whole and in fragments; errors about what cannot be
 * taken, and their limits.
 *
 * LINK: test/unit/rig.c
 */
#include <stdlib.h>
#include <string.h>

#include "rig.h"

static uint8_t message[70000];

static uint8_t proto_of(uint8_t version)
{
	return version == 4 ? PROTO_ICMP : PROTO_ICMP6;
}

/* |len| octets of |message| to us, their checksum filled in. */
static struct packet icmp(uint8_t version, uint32_t len)
{
	struct peer p = peer_new(version, 80, 40000);
	struct packet k = peer_packet(&p, 0);
	uint64_t sum = 0;
	uint16_t c;

	k.protocol = proto_of(version);
	k.data = message;
	k.len = len;
	message[2] = message[3] = 0;
	if (version == 6)
		sum = packet_pseudo(&k, len);
	c = (uint16_t)~packet_fold(packet_add(sum, message, len));
	message[2] = (uint8_t)(c >> 8);
	message[3] = (uint8_t)c;
	return k;
}

static struct packet echo(uint8_t version, uint32_t len)
{
	pattern_fill(5, 0, message, len);
	message[0] = version == 4 ? 8 : 128;
	message[1] = 0;
	return icmp(version, len);
}

static const struct ping {
	const char *name;
	uint8_t version;
	bool answered;
	uint16_t mtu;
	uint32_t len;
} pings[] = {
	{"IPv4", 4, true, 1500, 64},
	{"IPv6", 6, true, 1500, 64},
	{"without data", 4, true, 1500, 8},
	{"an odd length", 6, true, 1500, 65},
	{"as large as the MTU takes", 4, true, 1500, 1480},
	{"larger: in fragments", 4, true, 1500, 1481},
	{"as large as the MTU takes, IPv6", 6, true, 1500, 1460},
	{"larger, IPv6", 6, true, 1500, 1461},
	{"3000 octets", 4, true, 1500, 3008},
	{"3000 octets, IPv6", 6, true, 1500, 3008},
	{"the largest one", 4, true, 1500, 65515},
	{"the largest one, IPv6", 6, true, 1500, 65495},
	{"over the smallest MTU", 4, true, 68, 3008},
	{"jumbo frames", 4, true, 9000, 8980},
	{"a large one", 4, true, 65535, 65000},
};

START_TEST(icmp_out_echo_is_answered)
{
	const struct ping *g = &pings[_i];
	struct packet k, a;

	rig.set.mtu = rig.t->set.mtu = g->mtu;
	k = echo(g->version, g->len);
	k.tos = 0x40;
	rig_in(&k);
	ck_assert_msg(rig_out(&a) == g->answered, "%s", g->name);
	while (g->answered && a.more)
		ck_assert_msg(rig_out(&a), "%s", g->name);
	ck_assert_uint_eq(rig.t->stat.drops[TCPD_DROP_ICMP_LIMIT],
			  !g->answered);
	if (g->answered) {
		ck_assert_uint_eq(a.type, g->version == 4 ? 0 : 129);
		ck_assert_uint_eq(a.code, 0);
		ck_assert_uint_eq(a.len, g->len);
		ck_assert_mem_eq(a.data + 4, message + 4, g->len - 4);
		ck_assert_mem_eq(a.src, k.dst, 16);
		ck_assert_mem_eq(a.dst, k.src, 16);
		ck_assert_uint_eq(a.tos, 0x40);
	}
	ck_assert_uint_eq(rig.t->pool.nused, 0);
}
END_TEST

START_TEST(icmp_out_echoes_do_not_take_the_memory_of_streams)
{
	struct conn *c;
	uint8_t *text = calloc(1, 50000);
	struct packet k;

	ck_assert_ptr_nonnull(text);
	rig_stop();
	rig.set.memory = POOL_MAX;
	rig_start();
	c = rig_conn(1, 1);
	/* promised a place, as long as its packet is borrowed */
	ck_assert_int_eq(recvq_put(rig.t, c, c->rcv_nxt, text, 50000),
			 RQ_IN_ORDER);
	for (unsigned i = 0; i < 20; i++) {
		uint8_t *copy;

		k = echo(4, 1400);
		copy = rig_in_borrowed(&k);
		free(copy);
	}
	tcpd_input_done(rig.st, rig.now);
	ck_assert_uint_eq(conn_readable(c), 50000);
	ck_assert_uint_gt(rig.t->stat.drops[TCPD_DROP_ICMP_LIMIT], 0);
	free(text);
	rig_drain();
}
END_TEST

START_TEST(icmp_out_answer_that_finds_no_place_gives_its_block_back)
{
	struct reply r = {.tu = rig_tuple(4, 9, 9), .flags = TCP_RST};
	struct packet k = echo(4, 64);

	while (rig.t->nreplies < NREPLIES)
		reply_push_own(rig.t, &r);
	rig_in(&k);
	ck_assert_uint_eq(rig.t->pool.nused, 0);
	ck_assert_uint_eq(rig.t->stat.drops[TCPD_DROP_REPLY_FULL], 1);
}
END_TEST

/* --- what we say of others */

static const struct unreach {
	const char *name;
	uint8_t version, protocol;
	uint32_t len;
	uint8_t type, code;
	uint32_t quoted; /* octets of the packet */
} unreaches[] = {
	{"UDP", 4, PROTO_UDP, 100, 3, 3, 120},
	{"UDP, IPv6", 6, PROTO_UDP, 100, 1, 4, 140},
	{"another protocol", 4, 132, 100, 3, 2, 120},
	{"another protocol, IPv6", 6, 132, 100, 4, 1, 140},
	{"a long one: 576 octets in all", 4, PROTO_UDP, 1400, 3, 3, 548},
	{"a long one, IPv6: 1280 octets in all", 6, PROTO_UDP, 1400, 1, 4,
	 1232},
};

START_TEST(icmp_out_other_protocols_hear_unreachable)
{
	const struct unreach *u = &unreaches[_i];
	struct peer p = peer_new(u->version, 80, 40000);
	struct packet k = peer_packet(&p, 0), a;
	static uint8_t octets[PACKET_MAX];

	pattern_fill(6, 0, message, u->len);
	k.protocol = u->protocol;
	k.data = message;
	k.len = u->len;
	rig_in(&k);
	ck_assert_uint_eq(rig.t->stat.drops[TCPD_DROP_IP_PROTOCOL], 1);
	ck_assert_msg(rig_out(&a), "%s", u->name);
	ck_assert_uint_eq(a.protocol, proto_of(u->version));
	ck_assert_uint_eq(a.type, u->type);
	ck_assert_uint_eq(a.code, u->code);
	ck_assert_uint_eq(a.len, 8 + u->quoted);
	ck_assert_uint_ge(packet_build(&k, octets), u->quoted);
	ck_assert_mem_eq(a.data + 8, octets, u->quoted);
	/* 4443, 3.4: where the next header is */
	ck_assert_uint_eq(a.data[7], u->type == 4 ? 6 : 0);
	ck_assert_uint_eq(rig.t->pool.nused, 0);
}
END_TEST

START_TEST(icmp_out_complaints_are_limited)
{
	struct peer p = peer_new(4, 80, 40000);
	struct packet k = peer_packet(&p, 0);

	k.protocol = PROTO_UDP;
	k.data = message;
	k.len = 8;
	for (unsigned i = 0; i < 200; i++)
		rig_in(&k);
	ck_assert_uint_eq(rig_drain(), 10);
	ck_assert_uint_eq(rig.t->stat.drops[TCPD_DROP_ICMP_LIMIT], 190);
	rig_pass(TCPD_MS(500)); /* 10 a second */
	for (unsigned i = 0; i < 200; i++)
		rig_in(&k);
	ck_assert_uint_eq(rig_drain(), 5);
	/* another source has its own */
	k.src[15] = 99;
	rig_in(&k);
	ck_assert_uint_eq(rig_drain(), 1);
	/* and all together 50, 1000 a second */
	rig_pass(TCPD_SEC(3600));
	for (unsigned i = 0; i < 200; i++) {
		k.src[14] = 7;
		k.src[15] = (uint8_t)i;
		rig_in(&k);
	}
	ck_assert_uint_eq(rig_drain(), 50);
	rig_pass(TCPD_MS(10));
	for (unsigned i = 0; i < 200; i++) {
		k.src[14] = 8;
		k.src[15] = (uint8_t)i;
		rig_in(&k);
	}
	ck_assert_uint_eq(rig_drain(), 10);
}
END_TEST

START_TEST(icmp_out_complaint_without_memory_is_dropped)
{
	struct peer p = peer_new(6, 80, 40000);
	struct packet k = peer_packet(&p, 0);

	while (pool_take(&rig.t->pool, 0) != POOL_NONE)
		;
	k.protocol = PROTO_UDP;
	k.data = message;
	k.len = 8;
	rig_in(&k);
	rig_expect_nothing();
	ck_assert_uint_eq(rig.t->stat.drops[TCPD_DROP_ICMP_LIMIT], 1);
}
END_TEST

/* After a change of addresses others are let in, for what an address that was
 * taken away still has: nothing is said in the name of one that we have not. */
START_TEST(icmp_out_is_silent_for_an_address_that_is_not_ours)
{
	struct peer p = peer_new(6, 80, 40000);
	struct packet k = peer_packet(&p, 0);
	static uint8_t octets[PACKET_MAX];
	size_t n;

	memset(message, 0, 16);
	rig.set.naddrs--;
	ck_assert_int_eq(tcpd_reconfigure(rig.st, &rig.set, rig.now), 0);
	rig.set.naddrs++;
	ck_assert_int_eq(tcpd_reconfigure(rig.st, &rig.set, rig.now), 0);
	for (uint8_t ours = 0; ours < 2; ours++) {
		k.protocol = 60; /* destination options: 0x80 is not known */
		k.dst[15] = ours ? 2 : 9;
		k.data = (const uint8_t *)"\x3b\0\x80\x04\0\0\0\0";
		k.len = 8;
		rig_in(&k);
		ck_assert_uint_eq(rig_drain(), ours);
		/* the first of two fragments, and the other never comes */
		k.protocol = 44;
		k.data = (const uint8_t *)"\x3b\0\0\x01\0\0\0\x07"
					  "12345678";
		k.len = 16;
		n = packet_build(&k, octets);
		rig_in_octets(octets, n, (struct tcpd_offload){0});
		rig_pass(TCPD_SEC(61));
		ck_assert_uint_eq(rig_drain(), ours);
	}
	rig_check();
}
END_TEST

int main(void)
{
	Suite *s = suite_create("icmp_out");
	TCase *tc = rig_case(s, "messages");

	tcase_add_loop_test(tc, icmp_out_echo_is_answered, 0,
			    ARRAY_SIZE(pings));
	tcase_add_test(tc, icmp_out_echoes_do_not_take_the_memory_of_streams);
	tcase_add_test(
		tc, icmp_out_answer_that_finds_no_place_gives_its_block_back);
	tcase_add_loop_test(tc, icmp_out_other_protocols_hear_unreachable, 0,
			    ARRAY_SIZE(unreaches));
	tcase_add_test(tc, icmp_out_complaints_are_limited);
	tcase_add_test(tc, icmp_out_complaint_without_memory_is_dropped);
	tcase_add_test(tc, icmp_out_is_silent_for_an_address_that_is_not_ours);
	return rig_run(s);
}
