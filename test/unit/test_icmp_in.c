/* SPDX-License-Identifier: MIT */
/*
 * test_icmp_in.c - errors that count for the connection whose octets in flight
 * they quote, and for no other.
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

/* --- what others say of us */

/* An error about octet |seq| of |c|: header and 8 octets of it. */
static struct packet error_about(const struct conn *c, uint8_t version,
				 uint8_t type, uint8_t code, uint32_t rest,
				 uint32_t seq)
{
	struct packet q = {.version = version,
			   .protocol = PROTO_TCP,
			   .sport = c->tu.lport,
			   .dport = c->tu.pport,
			   .seq = seq,
			   .flags = FLAG_ACK};
	static uint8_t octets[PACKET_MAX];
	uint32_t n = version == 4 ? 28 : 48;

	memcpy(q.src, c->tu.local, 16);
	memcpy(q.dst, c->tu.peer, 16);
	packet_build(&q, octets);
	memset(message, 0, 8);
	message[0] = type;
	message[1] = code;
	message[4] = (uint8_t)(rest >> 24);
	message[5] = (uint8_t)(rest >> 16);
	message[6] = (uint8_t)(rest >> 8);
	message[7] = (uint8_t)rest;
	memcpy(message + 8, octets, n);
	return icmp(version, 8 + n);
}

static struct peer with_text_out(uint8_t version)
{
	struct peer p = peer_new(version, 0, 80);

	peer_connect(&p);
	ck_assert_int_eq(tcpd_send(rig.st, p.h, message, 3000, rig.now), 3000);
	rig_drain();
	while (rig_event().mask)
		;
	return p;
}

static const struct err_row {
	const char *name;
	uint8_t version, type, code;
	bool syn;      /* to a connection in SYN-SENT */
	int soft, err; /* what the connection has then */
} err_rows[] = {
	{"net", 4, 3, 0, false, TCPD_ERR_NET_UNREACH, 0},
	{"host", 4, 3, 1, false, TCPD_ERR_HOST_UNREACH, 0},
	{"protocol", 4, 3, 2, false, TCPD_ERR_REFUSED, 0},
	{"port", 4, 3, 3, false, TCPD_ERR_REFUSED, 0},
	{"prohibited", 4, 3, 13, false, TCPD_ERR_HOST_UNREACH, 0},
	{"time exceeded", 4, 11, 0, false, TCPD_ERR_HOST_UNREACH, 0},
	{"parameter problem", 4, 12, 0, false, TCPD_ERR_HOST_UNREACH, 0},
	{"no route, IPv6", 6, 1, 0, false, TCPD_ERR_NET_UNREACH, 0},
	{"port, IPv6", 6, 1, 4, false, TCPD_ERR_REFUSED, 0},
	{"time exceeded, IPv6", 6, 3, 0, false, TCPD_ERR_HOST_UNREACH, 0},
	{"SYN-SENT: net", 4, 3, 0, true, TCPD_ERR_NET_UNREACH, 0},
	{"SYN-SENT: host", 4, 3, 1, true, TCPD_ERR_HOST_UNREACH, 0},
	{"SYN-SENT: protocol", 4, 3, 2, true, 0, TCPD_ERR_REFUSED},
	{"SYN-SENT: port", 4, 3, 3, true, 0, TCPD_ERR_REFUSED},
	{"SYN-SENT: port, IPv6", 6, 1, 4, true, 0, TCPD_ERR_REFUSED},
	{"SYN-SENT: time exceeded", 4, 11, 0, true, TCPD_ERR_HOST_UNREACH, 0},
};

START_TEST(icmp_in_errors_are_soft_once_synchronized)
{
	const struct err_row *row = &err_rows[_i];
	struct peer p;
	struct packet k;

	if (row->syn) {
		p = peer_new(row->version, 0, 80);
		ck_assert_int_eq(
			tcpd_connect(rig.st, &p.h, &p.us, &p.them, rig.now), 0);
		rig_drain();
		p.c = stack_conn(rig.st, p.h);
	} else {
		p = with_text_out(row->version);
	}
	k = error_about(p.c, row->version, row->type, row->code, 0,
			p.c->snd_una);
	rig_in(&k);
	ck_assert_msg(p.c->soft_err == row->soft, "%s: %s", row->name,
		      tcpd_err_name(p.c->soft_err));
	ck_assert_msg(p.c->err == row->err, "%s: %s", row->name,
		      tcpd_err_name(p.c->err));
	ck_assert_uint_eq(rig_event().mask, row->err	    ? TCPD_EV_RESET
					    : p.c->soft_err ? TCPD_EV_SOFT
							    : 0);
	if (!row->err)
		ck_assert_int_ne(p.c->state, TCPD_CLOSED);
	rig_expect_nothing();
}
END_TEST

/* RFC 5927: [SND.UNA, SND.NXT), and the very tuple. */
START_TEST(icmp_in_errors_about_anything_else_are_strays)
{
	struct peer p = with_text_out(4);
	struct conn *c = p.c, other = *c;
	struct packet k;
	uint64_t strays = 0;
	const uint32_t seqs[] = {c->snd_una - 1, c->snd_nxt, c->snd_nxt + 1000,
				 c->snd_una - 100000};

	for (unsigned i = 0; i < ARRAY_SIZE(seqs); i++) {
		k = error_about(c, 4, 3, 3, 0, seqs[i]);
		rig_in(&k);
		ck_assert_uint_eq(rig.t->stat.drops[TCPD_DROP_ICMP_STRAY],
				  ++strays);
	}
	other.tu.lport++;
	k = error_about(&other, 4, 3, 3, 0, c->snd_una);
	rig_in(&k);
	k = error_about(c, 4, 3, 3, 0, c->snd_una);
	k.len = 8 + 20 + 7; /* its number is cut off */
	k = icmp(4, k.len);
	rig_in(&k);
	ck_assert_uint_eq(rig.t->stat.drops[TCPD_DROP_ICMP_STRAY], strays + 2);
	ck_assert_uint_eq(c->soft_err, 0);
	k = error_about(c, 4, 3, 3, 0, c->snd_nxt - 1);
	rig_in(&k);
	ck_assert_uint_ne(c->soft_err, 0);
}
END_TEST

static const struct big {
	const char *name;
	uint8_t version;
	uint32_t says, pmtu; /* 0: it stays as it was */
} bigs[] = {
	{"a tunnel", 4, 1400, 1400},
	{"the floor, IPv4", 4, 552, 552},
	{"below the floor", 4, 551, 552},
	{"far below", 4, 68, 552},
	{"a router that says nothing (RFC 1191)", 4, 0, 1492},
	{"as large as before", 4, 1500, 0},
	{"larger", 4, 9000, 0},
	{"a tunnel, IPv6", 6, 1400, 1400},
	{"the floor, IPv6", 6, 1280, 1280},
	{"below the floor, IPv6 (RFC 8201, 4)", 6, 1279, 0},
	{"far below, IPv6", 6, 0, 0},
	{"larger, IPv6", 6, 0xffffffff, 0},
};

START_TEST(icmp_in_too_big_lowers_the_path_mtu)
{
	const struct big *b = &bigs[_i];
	struct peer p = with_text_out(b->version);
	uint32_t heads = b->version == 4 ? 40 : 60, cwnd = p.c->ccs.cwnd;
	uint32_t sent = 0;
	struct packet k;

	k = error_about(p.c, b->version, b->version == 4 ? 3 : 2,
			b->version == 4 ? 4 : 0, b->says, p.c->snd_una);
	rig_in(&k);
	ck_assert_msg(p.c->pmtu == b->pmtu, "%s: %u", b->name, p.c->pmtu);
	ck_assert_uint_eq(p.c->mss, (b->pmtu ? b->pmtu : 1500) - heads);
	while (rig_out(&k)) { /* what was cut too large: one segment of it */
		ck_assert_uint_le(rig.out.len, b->pmtu);
		sent += k.len;
	}
	ck_assert_uint_eq(sent, b->pmtu ? p.c->mss : 0);
	ck_assert_uint_eq(rig.t->stat.drops[TCPD_DROP_ICMP_MTU], !b->pmtu);
	ck_assert_uint_eq(p.c->ccs.cwnd, cwnd); /* no congestion */
	ck_assert_uint_eq(p.c->backoff, 0);
}
END_TEST

static const struct other {
	const char *name;
	uint8_t version, type, code;
	bool spoiled;
	int drop;
} others[] = {
	{"echo reply", 4, 0, 0, false, TCPD_DROP_ICMP_IGNORED},
	{"redirect", 4, 5, 0, false, TCPD_DROP_ICMP_IGNORED},
	{"source quench", 4, 4, 0, false, TCPD_DROP_ICMP_IGNORED},
	{"an unknown code", 4, 3, 77, false, TCPD_DROP_ICMP_IGNORED},
	{"echo reply, IPv6", 6, 129, 0, false, TCPD_DROP_ICMP_IGNORED},
	{"neighbour solicitation", 6, 135, 0, false, TCPD_DROP_ICMP_IGNORED},
	{"wrong checksum", 4, 8, 0, true, TCPD_DROP_ICMP_BAD},
	{"wrong checksum, IPv6", 6, 128, 0, true, TCPD_DROP_ICMP_BAD},
};

START_TEST(icmp_in_ignores_the_rest)
{
	const struct other *o = &others[_i];
	struct packet k;

	memset(message, 0, 64);
	message[0] = o->type;
	message[1] = o->code;
	k = icmp(o->version, 64);
	message[2] ^= o->spoiled;
	rig_in(&k);
	for (int d = 0; d < TCPD_NDROPS; d++)
		ck_assert_msg(rig.t->stat.drops[d] == (d == o->drop), "%s: %s",
			      o->name, tcpd_drop_name((enum tcpd_drop)d));
	rig_expect_nothing();
}
END_TEST

int main(void)
{
	Suite *s = suite_create("icmp_in");
	TCase *tc = rig_case(s, "messages");

	tcase_add_loop_test(tc, icmp_in_errors_are_soft_once_synchronized, 0,
			    ARRAY_SIZE(err_rows));
	tcase_add_test(tc, icmp_in_errors_about_anything_else_are_strays);
	tcase_add_loop_test(tc, icmp_in_too_big_lowers_the_path_mtu, 0,
			    ARRAY_SIZE(bigs));
	tcase_add_loop_test(tc, icmp_in_ignores_the_rest, 0,
			    ARRAY_SIZE(others));
	return rig_run(s);
}
