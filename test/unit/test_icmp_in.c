/* SPDX-License-Identifier: MIT */
/*
 * test_icmp_in.c - echo, "unreachable" and its limit; errors that count for
 * the connection whose octets in flight they quote, and for no other.
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
	{"larger: its answer would not fit", 4, false, 1500, 1481},
	{"as large as the MTU takes, IPv6", 6, true, 1500, 1460},
	{"larger, IPv6", 6, false, 1500, 1461},
	{"jumbo frames", 4, true, 9000, 8980},
	{"a large one", 4, true, 65535, 65000},
};

START_TEST(icmp_in_echo_is_answered)
{
	const struct ping *g = &pings[_i];
	struct packet k, a;

	rig.set.mtu = rig.t->set.mtu = g->mtu;
	k = echo(g->version, g->len);
	k.tos = 0x40;
	rig_in(&k);
	ck_assert_msg(rig_out(&a) == g->answered, "%s", g->name);
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

START_TEST(icmp_in_echoes_do_not_take_the_memory_of_streams)
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

START_TEST(icmp_in_answer_that_finds_no_place_gives_its_block_back)
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

START_TEST(icmp_in_other_protocols_hear_unreachable)
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

START_TEST(icmp_in_complaints_are_limited)
{
	struct peer p = peer_new(4, 80, 40000);
	struct packet k = peer_packet(&p, 0);

	k.protocol = PROTO_UDP;
	k.data = message;
	k.len = 8;
	for (unsigned i = 0; i < 200; i++)
		rig_in(&k);
	ck_assert_uint_eq(rig_drain(), 50);
	ck_assert_uint_eq(rig.t->stat.drops[TCPD_DROP_ICMP_LIMIT], 150);
	rig_pass(TCPD_MS(10)); /* 1000 a second */
	for (unsigned i = 0; i < 200; i++)
		rig_in(&k);
	ck_assert_uint_eq(rig_drain(), 10);
	rig_pass(TCPD_SEC(3600));
	for (unsigned i = 0; i < 200; i++)
		rig_in(&k);
	ck_assert_uint_eq(rig_drain(), 50);
	/* half a gap twice is a whole one */
	rig_pass(TCPD_US(500));
	rig_in(&k);
	ck_assert_uint_eq(rig_drain(), 0);
	rig_pass(TCPD_US(500));
	rig_in(&k);
	ck_assert_uint_eq(rig_drain(), 1);
}
END_TEST

START_TEST(icmp_in_complaint_without_memory_is_dropped)
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
	{"protocol", 4, 3, 2, false, TCPD_ERR_HOST_UNREACH, 0},
	{"port", 4, 3, 3, false, TCPD_ERR_HOST_UNREACH, 0},
	{"prohibited", 4, 3, 13, false, TCPD_ERR_HOST_UNREACH, 0},
	{"time exceeded", 4, 11, 0, false, TCPD_ERR_HOST_UNREACH, 0},
	{"parameter problem", 4, 12, 0, false, TCPD_ERR_HOST_UNREACH, 0},
	{"no route, IPv6", 6, 1, 0, false, TCPD_ERR_NET_UNREACH, 0},
	{"port, IPv6", 6, 1, 4, false, TCPD_ERR_HOST_UNREACH, 0},
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

	tcase_add_loop_test(tc, icmp_in_echo_is_answered, 0, ARRAY_SIZE(pings));
	tcase_add_test(tc, icmp_in_echoes_do_not_take_the_memory_of_streams);
	tcase_add_test(tc,
		       icmp_in_answer_that_finds_no_place_gives_its_block_back);
	tcase_add_loop_test(tc, icmp_in_other_protocols_hear_unreachable, 0,
			    ARRAY_SIZE(unreaches));
	tcase_add_test(tc, icmp_in_complaints_are_limited);
	tcase_add_test(tc, icmp_in_complaint_without_memory_is_dropped);
	tcase_add_loop_test(tc, icmp_in_errors_are_soft_once_synchronized, 0,
			    ARRAY_SIZE(err_rows));
	tcase_add_test(tc, icmp_in_errors_about_anything_else_are_strays);
	tcase_add_loop_test(tc, icmp_in_too_big_lowers_the_path_mtu, 0,
			    ARRAY_SIZE(bigs));
	tcase_add_loop_test(tc, icmp_in_ignores_the_rest, 0,
			    ARRAY_SIZE(others));
	return rig_run(s);
}
