/* SPDX-License-Identifier: MIT */
/*
 * test_ip_in.c - a packet from the device: what is not whole, not ours, not to
 * be answered, or contradicts what the device says of it.
 *
 * LINK: test/unit/rig.c
 */
#include <stdlib.h>
#include <string.h>

#include "rig.h"

/* A SYN to our port 80, IPv4 or IPv6, as octets to be spoiled. */
struct octet_packet {
	uint8_t p[2048];
	size_t len;
	struct tcpd_offload off;
};

static struct octet_packet good(uint8_t version)
{
	static uint8_t big[PACKET_MAX];
	struct peer peer = peer_new(version, 80, 40000);
	struct packet k = peer_packet(&peer, FLAG_SYN);
	struct octet_packet o = {.len = packet_build(&k, big)};

	memcpy(o.p, big, o.len);
	return o;
}

static void arrives(const struct octet_packet *o)
{
	rig_in_octets(o->p, o->len, o->off);
}

static void only_drop(const char *name, int drop)
{
	for (int d = 0; d < TCPD_NDROPS; d++)
		ck_assert_msg(rig.t->stat.drops[d] == (d == drop),
			      "%s: drop %s: %llu", name,
			      tcpd_drop_name((enum tcpd_drop)d),
			      (unsigned long long)rig.t->stat.drops[d]);
}

/* The IPv4 header checksum, after something in it was changed. */
static void sum4(struct octet_packet *o)
{
	uint16_t c;

	o->p[10] = o->p[11] = 0;
	c = (uint16_t)~packet_fold(
		packet_add(0, o->p, (size_t)(o->p[0] & 15) * 4));
	o->p[10] = (uint8_t)(c >> 8);
	o->p[11] = (uint8_t)c;
}

/* --- wholeness */

static void empty(struct octet_packet *o)
{
	o->len = 0;
}

static void short4(struct octet_packet *o)
{
	o->len = 19;
}

static void total_length(struct octet_packet *o)
{
	o->len--;
}

static void version5(struct octet_packet *o)
{
	o->p[0] = 0x55;
}

static void checksum4(struct octet_packet *o)
{
	o->p[10] ^= 1;
}

static void partial_fragment(struct octet_packet *o)
{
	o->p[6] = 0x20;
	sum4(o);
	o->off.flags = TCPD_PKT_CSUM_PARTIAL;
	o->off.csum_start = 20;
	o->off.csum_offset = 16;
}

static void gso_fragment(struct octet_packet *o)
{
	o->p[6] = 0x20;
	sum4(o);
	o->off.gso_size = 8;
}

static void fragment_offset(struct octet_packet *o)
{
	o->p[7] = 1;
	sum4(o);
}

/* A header of 8 octets before TCP's. */
static void extension(struct octet_packet *o, uint8_t kind)
{
	memmove(o->p + 48, o->p + 40, o->len - 40);
	memset(o->p + 40, 0, 8);
	o->p[40] = 6; /* TCP */
	o->p[6] = kind;
	o->len += 8;
	o->p[5] = (uint8_t)(o->p[5] + 8);
}

static void option6(struct octet_packet *o)
{
	extension(o, 60);
	o->p[42] = 0x5e; /* to be dropped by who does not know it */
	o->p[43] = 4;
}

static void tcp_cut(struct octet_packet *o)
{
	o->len = 20 + 19;
	o->p[3] = 39;
	sum4(o);
}

static void data_offset_4(struct octet_packet *o)
{
	o->p[32] = 0x40;
}

static void data_offset_15(struct octet_packet *o)
{
	o->p[32] = 0xf0;
}

static void tcp_checksum(struct octet_packet *o)
{
	o->p[36] ^= 1;
}

static void source_port_0(struct octet_packet *o)
{
	o->p[20] = o->p[21] = 0;
	o->off.flags = TCPD_PKT_CSUM_VALID;
}

static void port_0(struct octet_packet *o)
{
	o->p[22] = o->p[23] = 0;
	o->off.flags = TCPD_PKT_CSUM_VALID;
}

static void source_route(struct octet_packet *o)
{
	static const uint8_t lsrr[8] = {131, 7, 4, 10, 0, 0, 1, 0};

	memmove(o->p + 28, o->p + 20, o->len - 20);
	memcpy(o->p + 20, lsrr, 8);
	o->p[0] = 0x47;
	o->len += 8;
	o->p[3] = (uint8_t)(o->p[3] + 8);
	sum4(o);
}

static const struct row {
	const char *name;
	void (*spoil)(struct octet_packet *o);
	uint8_t version;
	int drop;
} rows[] = {
	{"an empty packet", empty, 4, TCPD_DROP_IP_SHORT},
	{"a cut header", short4, 4, TCPD_DROP_IP_SHORT},
	{"less than it says", total_length, 4, TCPD_DROP_IP_SHORT},
	{"less than it says, IPv6", total_length, 6, TCPD_DROP_IP_SHORT},
	{"version 5", version5, 4, TCPD_DROP_IP_VERSION},
	{"header checksum", checksum4, 4, TCPD_DROP_IP_CHECKSUM},
	{"a fragment with a checksum to fill in", partial_fragment, 4,
	 TCPD_DROP_OFFLOAD},
	{"a fragment to be cut", gso_fragment, 4, TCPD_DROP_OFFLOAD},
	{"a piece of a TCP header", fragment_offset, 4, TCPD_DROP_IP_FRAGMENT},
	{"a source route", source_route, 4, TCPD_DROP_IP_OPTION},
	{"an option of a later RFC", option6, 6, TCPD_DROP_IP_EXTENSION},
	{"a cut TCP header", tcp_cut, 4, TCPD_DROP_TCP_SHORT},
	{"a data offset of 4", data_offset_4, 4, TCPD_DROP_TCP_SHORT},
	{"a data offset beyond the end", data_offset_15, 4,
	 TCPD_DROP_TCP_SHORT},
	{"TCP checksum", tcp_checksum, 4, TCPD_DROP_TCP_CHECKSUM},
	{"from port 0", source_port_0, 4, TCPD_DROP_TCP_PORT_ZERO},
	{"to port 0", port_0, 4, TCPD_DROP_TCP_PORT_ZERO},
};

START_TEST(ip_in_drops_what_is_not_whole)
{
	const struct row *row = &rows[_i];
	struct octet_packet o = good(row->version);

	rig_listen(80);
	row->spoil(&o);
	arrives(&o);
	only_drop(row->name, row->drop);
	rig_expect_nothing();
	/* and without that it is a SYN like any other */
	o = good(row->version);
	arrives(&o);
	ck_assert_uint_eq(rig.t->halves.count, 1);
	ck_assert_uint_eq(rig.t->stat.packets_in, 2);
}
END_TEST

/* --- addresses */

static const struct addr_row {
	const char *name;
	uint8_t version;
	bool src; /* else the destination */
	uint8_t ip[16];
	int drop;
} addr_rows[] = {
	{"to a neighbour", 4, false, RIG_IP4(10, 77, 0, 3),
	 TCPD_DROP_IP_NOT_OURS},
	{"to the broadcast address", 4, false, RIG_IP4(10, 77, 0, 255),
	 TCPD_DROP_IP_NOT_OURS},
	{"to all", 4, false, RIG_IP4(255, 255, 255, 255),
	 TCPD_DROP_IP_NOT_OURS},
	{"to a multicast group", 4, false, RIG_IP4(224, 0, 0, 1),
	 TCPD_DROP_IP_NOT_OURS},
	{"to another IPv6 address", 6, false, RIG_IP6(3),
	 TCPD_DROP_IP_NOT_OURS},
	{"to an IPv6 group",
	 6,
	 false,
	 {0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1},
	 TCPD_DROP_IP_NOT_OURS},
	{"LAND", 4, true, RIG_IP4(10, 77, 0, 2), TCPD_DROP_IP_SOURCE},
	{"LAND, IPv6", 6, true, RIG_IP6(2), TCPD_DROP_IP_SOURCE},
	{"from 0.0.0.0", 4, true, RIG_IP4(0, 0, 0, 0), TCPD_DROP_IP_SOURCE},
	{"from 0.1.2.3", 4, true, RIG_IP4(0, 1, 2, 3), TCPD_DROP_IP_SOURCE},
	{"from ::", 6, true, {0}, TCPD_DROP_IP_SOURCE},
	{"from loopback", 4, true, RIG_IP4(127, 0, 0, 1), TCPD_DROP_IP_SOURCE},
	{"from ::1",
	 6,
	 true,
	 {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1},
	 TCPD_DROP_IP_SOURCE},
	{"from a group", 4, true, RIG_IP4(224, 0, 0, 1), TCPD_DROP_IP_SOURCE},
	{"from an IPv6 group",
	 6,
	 true,
	 {0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1},
	 TCPD_DROP_IP_SOURCE},
	{"from the broadcast address", 4, true, RIG_IP4(10, 77, 0, 255),
	 TCPD_DROP_IP_SOURCE},
	{"from all", 4, true, RIG_IP4(255, 255, 255, 255), TCPD_DROP_IP_SOURCE},
	{"from far away", 4, true, RIG_IP4(8, 8, 8, 8), -1},
};

START_TEST(ip_in_looks_at_both_addresses)
{
	const struct addr_row *row = &addr_rows[_i];
	struct peer p = peer_new(row->version, 80, 40000);
	struct packet k;

	rig_listen(80);
	memcpy(row->src ? p.them.ip : p.us.ip, row->ip, 16);
	k = peer_packet(&p, FLAG_SYN);
	rig_in(&k);
	only_drop(row->name, row->drop);
	ck_assert_uint_eq(rig.t->halves.count, row->drop < 0);
	if (row->drop >= 0) /* MUST-57, MUST-63: silence */
		rig_expect_nothing();
}
END_TEST

START_TEST(ip_in_takes_all_of_a_local_prefix)
{
	struct tcpd_prefix *a = &rig.t->set.addr[rig.t->set.naddrs++];
	struct peer p = peer_new(4, 80, 40000);
	static const uint8_t any[16] = RIG_IP4(192, 0, 2, 255);

	*a = (struct tcpd_prefix){.ip = RIG_IP4(192, 0, 2, 0),
				  .family = 4,
				  .len = 24,
				  .local = true};
	rig_listen(80);
	memcpy(p.us.ip, any, 16);
	peer_send(&p, FLAG_SYN, NULL, 0);
	ck_assert_mem_eq(peer_take(&p, FLAG_SYN | FLAG_ACK).src, any, 16);
}
END_TEST

/* --- what the device says */

static const struct off_row {
	const char *name;
	uint8_t version;
	bool spoiled; /* the TCP checksum is wrong */
	struct tcpd_offload off;
	int drop;
} off_rows[] = {
	{"a wrong checksum that somebody has checked",
	 4,
	 true,
	 {.flags = TCPD_PKT_CSUM_VALID},
	 -1},
	{"a partial one",
	 4,
	 true,
	 {.flags = TCPD_PKT_CSUM_PARTIAL, .csum_start = 20, .csum_offset = 16},
	 -1},
	{"a partial one, IPv6",
	 6,
	 true,
	 {.flags = TCPD_PKT_CSUM_PARTIAL, .csum_start = 40, .csum_offset = 16},
	 -1},
	{"partial, of another header",
	 4,
	 true,
	 {.flags = TCPD_PKT_CSUM_PARTIAL, .csum_start = 40, .csum_offset = 16},
	 TCPD_DROP_OFFLOAD},
	{"partial, of another field",
	 4,
	 true,
	 {.flags = TCPD_PKT_CSUM_PARTIAL, .csum_start = 20, .csum_offset = 6},
	 TCPD_DROP_OFFLOAD},
	{"partial, beyond the end",
	 4,
	 true,
	 {.flags = TCPD_PKT_CSUM_PARTIAL,
	  .csum_start = 65535,
	  .csum_offset = 65535},
	 TCPD_DROP_OFFLOAD},
	{"a wrong checksum, and nothing said",
	 4,
	 true,
	 {0},
	 TCPD_DROP_TCP_CHECKSUM},
	{"a gso_size without text", 4, false, {.gso_size = 1448}, -1},
};

START_TEST(ip_in_believes_the_device_but_not_contradictions)
{
	const struct off_row *row = &off_rows[_i];
	struct octet_packet o = good(row->version);

	rig_listen(80);
	if (row->spoiled)
		o.p[row->version == 4 ? 36 : 56] ^= 0x55;
	o.off = row->off;
	arrives(&o);
	only_drop(row->name, row->drop);
	ck_assert_uint_eq(rig.t->halves.count, row->drop < 0);
}
END_TEST

START_TEST(ip_in_offload_of_what_is_not_tcp_is_a_contradiction)
{
	struct peer p = peer_new(4, 80, 40000);
	struct packet k = peer_packet(&p, 0);
	static const uint8_t udp[8] = {0, 53, 0, 53, 0, 8, 0, 0};

	k.protocol = PROTO_UDP;
	k.data = udp;
	k.len = 8;
	k.gso = 100;
	rig_in(&k);
	only_drop("UDP with a gso_size", TCPD_DROP_OFFLOAD);
}
END_TEST

/* One segment or many in one: the text, and what was on the wire. */
START_TEST(ip_in_hands_the_text_on)
{
	static uint8_t text[10 * 1000 + 1], got[sizeof(text)];
	uint32_t len = _i ? sizeof(text) : 700;
	struct peer p = peer_new(_i == 2 ? 6 : 4, 0, 80);
	struct packet k;

	p.with_ts = true; /* 12 octets of options before it */
	peer_connect(&p);
	pattern_fill(3, 0, text, len);
	k = peer_packet(&p, FLAG_ACK);
	k.data = text;
	k.len = len;
	k.gso = _i ? 1000 : 0;
	k.sum = _i ? SUM_PARTIAL : SUM_FULL;
	p.c->segs_in = 0;
	rig_in(&k);
	rig_check();
	ck_assert_int_eq(tcpd_recv(rig.st, p.h, got, sizeof(got), rig.now),
			 len);
	ck_assert_mem_eq(got, text, len);
	ck_assert_uint_eq(p.c->segs_in, _i ? 11 : 1);
	ck_assert_uint_eq(p.c->rcv_mss, _i ? 1000 : 700);
}
END_TEST

/* Whatever comes, nothing is read beyond it, and all is counted. */
START_TEST(ip_in_random_octets_are_counted)
{
	struct rng r = {.state = (uint64_t)_i};
	uint64_t drops = 0, sent = 0;

	rig_listen(80);
	for (unsigned i = 0; i < 20000; i++) {
		struct octet_packet o = good(rng_below(&r, 2) ? 4 : 6);
		unsigned spoil = rng_below(&r, 6);

		for (unsigned k = 0; k < spoil; k++)
			o.p[rng_below(&r, (uint32_t)o.len)] ^=
				(uint8_t)(1u << rng_below(&r, 8));
		if (rng_below(&r, 4) == 0)
			o.len = rng_below(&r, (uint32_t)o.len + 1);
		if (rng_below(&r, 2))
			o.off.flags = TCPD_PKT_CSUM_VALID;
		if (o.len >= 20 && o.p[0] == 0x45)
			sum4(&o);
		arrives(&o);
		sent += rig_drain();
	}
	for (int d = 0; d < TCPD_NDROPS; d++)
		drops += rig.t->stat.drops[d];
	ck_assert_uint_gt(drops, 1000);
	ck_assert_uint_gt(sent, 100);
	ck_assert_uint_eq(rig.t->stat.packets_in, 20000);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("ip_in");
	TCase *tc = rig_case(s, "packets");

	tcase_add_loop_test(tc, ip_in_drops_what_is_not_whole, 0,
			    ARRAY_SIZE(rows));
	tcase_add_loop_test(tc, ip_in_looks_at_both_addresses, 0,
			    ARRAY_SIZE(addr_rows));
	tcase_add_test(tc, ip_in_takes_all_of_a_local_prefix);
	tcase_add_loop_test(tc,
			    ip_in_believes_the_device_but_not_contradictions, 0,
			    ARRAY_SIZE(off_rows));
	tcase_add_test(tc, ip_in_offload_of_what_is_not_tcp_is_a_contradiction);
	tcase_add_loop_test(tc, ip_in_hands_the_text_on, 0, 3);
	tcase_add_loop_test(tc, ip_in_random_octets_are_counted, 0, 3);
	return rig_run(s);
}
