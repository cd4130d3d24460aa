/* SPDX-License-Identifier: MIT */
/*
 * test_flood.c - a million segments that somebody off the path invents, in
 * virtual time (attacks.md, 1.1 and 1.2): what they end, what they enter, how
 * many answers they draw, and what all that does to others.
 *
 * LINK: test/unit/rig.c
 */
#include <string.h>

#include "rig.h"

#define MILLION 1000000u
#define STEP	4096u
#define SALT	77u

/* --- one packet, sent again and again with other numbers */

struct shot {
	uint8_t octets[128];
	uint32_t len;
};

static struct shot shot_of(const struct packet *k)
{
	static uint8_t buf[PACKET_MAX];
	struct shot s = {.len = (uint32_t)packet_build(k, buf)};

	ck_assert_uint_le(s.len, sizeof(s.octets));
	memcpy(s.octets, buf, s.len);
	return s;
}

static void put_be32(uint8_t *p, uint32_t v)
{
	for (int i = 0; i < 4; i++)
		p[i] = (uint8_t)(v >> (24 - 8 * i));
}

/* |ip|: the end of the source's address; the header's checksum follows it. */
static void set_source(struct shot *s, uint32_t ip)
{
	bool v4 = s->octets[0] >> 4 == 4;
	uint16_t sum;

	put_be32(s->octets + (v4 ? 12 : 20), ip);
	if (!v4)
		return;
	s->octets[10] = s->octets[11] = 0;
	sum = (uint16_t)~packet_fold(packet_add(0, s->octets, 20));
	s->octets[10] = (uint8_t)(sum >> 8);
	s->octets[11] = (uint8_t)sum;
}

static void fire(struct shot *s, uint32_t seq, uint32_t ack)
{
	size_t tcp = s->octets[0] >> 4 == 4 ? 20 : 40;
	const struct tcpd_packet in = {.data = s->octets,
				       .len = s->len,
				       .off.flags = TCPD_PKT_CSUM_VALID};

	put_be32(s->octets + tcp + 4, seq);
	put_be32(s->octets + tcp + 8, ack);
	tcpd_input(rig.st, &in, rig.now);
	tcpd_input_done(rig.st, rig.now);
}

/* --- what comes of it */

/* No more than |most| in any second. */
struct meter {
	tcpd_time at[128]; /* of the last ones, a ring */
	unsigned most, n;
};

static void count(struct meter *m)
{
	tcpd_time *at = &m->at[m->n % m->most];

	if (m->n >= m->most)
		ck_assert_msg(rig.now - *at >= TCPD_SEC(1),
			      "more than %u in a second", m->most);
	*at = rig.now;
	m->n++;
}

/* All that the stack sends: packets; each is metered, where there is one. */
static unsigned answers(struct meter *m)
{
	unsigned n = 0;

	for (; tcpd_output(rig.st, &rig.out, rig.now); n++) {
		tcpd_output_done(rig.st, &rig.out, 0, rig.now);
		if (m)
			count(m);
	}
	return n;
}

static void pass(tcpd_time ns)
{
	rig.now += ns;
	if (rig.now >= tcpd_expiry(rig.st))
		tcpd_expire(rig.st, rig.now);
}

/* A listener's connection that has taken and sent some text. */
static struct peer open_peer(uint8_t version, uint16_t port)
{
	struct peer p = peer_new(version, 80, port);
	static tcpd_handle listener;

	if (rig.t->listeners.count == 0)
		listener = rig_listen(80);
	peer_accept(&p, listener);
	return p;
}

/* The connection goes on as if nothing had been: |n| octets each way, the
 * first of them number |at| of its stream. */
static void still_works(struct peer *p, uint64_t at, uint32_t n)
{
	uint8_t text[1000], got[1000];

	ck_assert_uint_le(n, sizeof(text));
	ck_assert_int_eq(p->c->state, TCPD_ESTABLISHED);
	pattern_fill(SALT, at, text, n);
	peer_send(p, FLAG_ACK, text, n);
	rig_pass(TCPD_MS(40));
	rig_drain();
	ck_assert_int_eq(tcpd_recv(rig.st, p->h, got, sizeof(got), rig.now), n);
	ck_assert_uint_eq(pattern_same(SALT, at, got, n), n);
	ck_assert_int_eq(tcpd_send(rig.st, p->h, text, n, rig.now), n);
	peer_take(p, FLAG_ACK);
	peer_send(p, FLAG_ACK, NULL, 0);
	ck_assert_uint_eq(p->c->snd_una, p->c->snd_nxt);
	rig_check();
}

static const uint8_t versions[] = {4, 6};

/* --- blind resets */

/* All of the sequence space in steps of 4,096, in an order in which those in
 * the window come now and then; none is at RCV.NXT. */
START_TEST(flood_of_resets_ends_no_connection)
{
	struct peer p = open_peer(versions[_i], 40000);
	struct packet k = peer_packet(&p, FLAG_RST);
	struct shot s = shot_of(&k);
	struct meter m = {.most = 2};
	uint32_t n = (uint32_t)((UINT64_C(1) << 32) / STEP);

	for (uint32_t i = 0; i < n; i++, pass(TCPD_US(20))) {
		fire(&s, p.seq + STEP / 2 + i * 0x9e3779b1u % n * STEP, 0);
		answers(&m);
	}
	ck_assert_uint_eq(rig.t->stat.drops[TCPD_DROP_SEQUENCE] +
				  rig.t->stat.drops[TCPD_DROP_RST_INVALID],
			  n);
	ck_assert_uint_ge(rig.t->stat.drops[TCPD_DROP_RST_INVALID],
			  65535 / STEP);
	ck_assert_uint_eq(m.n, rig.t->stat.segments_challenge_acks);
	still_works(&p, 0, 1000);
	/* and the one at RCV.NXT does */
	peer_send(&p, FLAG_RST, NULL, 0);
	ck_assert_int_eq(p.c->state, TCPD_CLOSED);
}
END_TEST

/* The same where all are in the window. */
START_TEST(flood_of_resets_in_the_window_is_answered_twice_a_second)
{
	struct peer p = open_peer(versions[_i], 40000);
	struct packet k = peer_packet(&p, FLAG_RST);
	struct shot s = shot_of(&k);
	struct meter m = {.most = 2};

	for (uint32_t i = 0; i < MILLION; i++, pass(TCPD_US(10))) {
		fire(&s, p.seq + 1 + i % 65534, 0);
		answers(&m);
	}
	ck_assert_uint_eq(rig.t->stat.drops[TCPD_DROP_RST_INVALID], MILLION);
	ck_assert_uint_eq(m.n, 20);
	ck_assert_uint_eq(rig.t->stat.segments_challenge_held, MILLION - 20);
	still_works(&p, 0, 1000);
}
END_TEST

/* --- blind text */

/* |n| segments with random numbers, of which those in the window are given an
 * ACK that RFC 5961, 5.2 does not let through. */
START_TEST(flood_of_blind_text_enters_no_stream)
{
	struct peer p = open_peer(versions[_i], 40000);
	struct rng rng = {1};
	struct meter m = {.most = 102}; /* 100 and two challenges */
	struct packet k;
	struct shot s;

	still_works(&p, 0, 1000);
	k = peer_packet(&p, FLAG_ACK | FLAG_PSH);
	k.data = (const uint8_t *)"foreign octets";
	k.len = 14;
	s = shot_of(&k);
	for (uint32_t i = 0; i < MILLION; i++, pass(TCPD_US(10))) {
		uint32_t seq = (uint32_t)rng_next(&rng);
		uint32_t ack = (uint32_t)rng_next(&rng);

		if (i % 4 == 0) /* the number itself is known to nobody */
			seq = p.seq + (uint32_t)(rng_next(&rng) % 60000);
		if (p.ack - ack <= 65535 + 1000)
			ack += 1u << 31;
		fire(&s, seq, ack);
		answers(&m);
	}
	ck_assert_uint_ge(rig.t->stat.drops[TCPD_DROP_ACK_RANGE], MILLION / 4);
	/* 10 s: two a second, and one at the edge */
	ck_assert_uint_le(rig.t->stat.segments_challenge_acks, 21);
	ck_assert_uint_eq(p.c->rcv_nxt, p.seq);
	ck_assert_uint_eq(p.c->rq.ooo, 0);
	ck_assert_uint_eq(p.c->snd_una, p.ack);
	still_works(&p, 1000, 1000);
}
END_TEST

/* attacks.md, row 13: 20,000 old duplicates on one connection. */
START_TEST(flood_of_old_duplicates_is_answered_a_hundred_times_a_second)
{
	struct peer p = open_peer(versions[_i], 40000);
	struct packet k = peer_packet(&p, FLAG_ACK);
	struct meter m = {.most = 100};
	struct shot s;
	uint8_t text[10];

	pattern_fill(SALT, 0, text, sizeof(text));
	k.data = text;
	k.len = sizeof(text);
	s = shot_of(&k);
	still_works(&p, 0, 1000);
	for (uint32_t i = 0; i < 20000; i++, pass(TCPD_US(100))) {
		fire(&s, k.seq, p.ack);
		answers(&m);
	}
	ck_assert_uint_ge(m.n, 100);
	ck_assert_uint_eq(rig.t->stat.segments_repeat_held, 20000 - m.n);
	still_works(&p, 1000, 1000);
}
END_TEST

/* --- what one connection's flood tells of another (CVE-2016-5696) */

/* Challenge ACKs to |p| for four resets a second, ten seconds long, beside
 * |noise| resets a millisecond for |s|. */
static unsigned challenges(struct peer *p, struct shot *s, uint32_t seq,
			   unsigned noise)
{
	struct packet k = peer_packet(p, FLAG_RST);
	struct shot mine = shot_of(&k);
	unsigned n = 0;

	for (unsigned ms = 0; ms < 10000; ms++, pass(TCPD_MS(1))) {
		for (unsigned i = 0; i < noise; i++)
			fire(s, seq + 1 + i, 0);
		if (ms % 250 == 0)
			fire(&mine, p->seq + 1, 0);
		while (tcpd_output(rig.st, &rig.out, rig.now)) {
			n += rig.out.id == p->c->id;
			tcpd_output_done(rig.st, &rig.out, 0, rig.now);
		}
	}
	return n;
}

START_TEST(flood_on_one_connection_changes_no_challenge_of_another)
{
	struct peer a = open_peer(versions[_i], 40000);
	struct peer b = open_peer(versions[_i], 40001);
	struct packet k = peer_packet(&a, FLAG_RST);
	struct shot s = shot_of(&k);

	ck_assert_uint_eq(challenges(&b, &s, a.seq, 0), 20);
	ck_assert_uint_eq(challenges(&b, &s, a.seq, 10), 20);
	ck_assert_uint_ge(rig.t->stat.drops[TCPD_DROP_RST_INVALID], 100000);
	still_works(&a, 0, 100);
	still_works(&b, 0, 100);
}
END_TEST

/* The same for entries, whose times are in one table. */
START_TEST(flood_on_one_entry_changes_no_challenge_of_another)
{
	struct peer a = peer_new(4, 80, 40000), b = peer_new(4, 80, 40001);
	struct packet k;
	struct shot s, t;

	rig_listen(80);
	peer_send(&a, FLAG_SYN, NULL, 0);
	peer_send(&b, FLAG_SYN, NULL, 0);
	rig_drain();
	k = peer_packet(&a, FLAG_RST);
	s = shot_of(&k);
	k = peer_packet(&b, FLAG_RST);
	t = shot_of(&k);
	for (unsigned i = 0; i < 100000; i++)
		fire(&s, a.seq + 1 + i % 60000, 0);
	ck_assert_uint_eq(answers(NULL), 1);
	fire(&t, b.seq + 1, 0);
	ck_assert_uint_eq(answers(NULL), 1);
	ck_assert_uint_eq(rig.t->halves.count, 2);
}
END_TEST

/* --- segments of no connection */

START_TEST(flood_of_resets_without_connection_is_silent)
{
	struct peer p = peer_new(versions[_i], 1234, 40000);
	struct packet k = peer_packet(&p, FLAG_RST);
	struct packet ka = peer_packet(&p, FLAG_RST | FLAG_ACK);
	struct shot s[] = {shot_of(&k), shot_of(&ka)};

	for (uint32_t i = 0; i < MILLION; i++, pass(TCPD_US(1))) {
		set_source(&s[i % 2], 0x0a4d0000u + (i >> 4 & 0xffff) + 3);
		fire(&s[i % 2], i * STEP, i);
	}
	ck_assert_uint_eq(answers(NULL), 0);
	rig_assert_empty();
}
END_TEST

static const struct stray {
	const char *name;
	uint8_t flags, answer;
} strays[] = {
	{"SYN", FLAG_SYN, FLAG_RST | FLAG_ACK},
	{"FIN", FLAG_FIN, FLAG_RST | FLAG_ACK},
	{"ACK", FLAG_ACK, FLAG_RST},
	{"nothing", 0, FLAG_RST | FLAG_ACK},
};

/* A million in a second to a closed port: the budget, and beside it each
 * millisecond a client whose first is answered. */
START_TEST(flood_of_strays_costs_the_budget_and_no_client_his_reset)
{
	const struct stray *row = &strays[_i];
	struct peer p = peer_new(4, 1234, 40000);
	struct packet k = peer_packet(&p, row->flags);
	struct packet h = peer_packet(&p, FLAG_SYN);
	struct shot s = shot_of(&k), honest = shot_of(&h);
	unsigned out = 0;

	for (unsigned ms = 0; ms < 1000; ms++, pass(TCPD_MS(1))) {
		for (unsigned i = 0; i < 1000; i++) {
			fire(&s, i, i);
			if (i % 64 == 63) /* as a daemon that reads batches */
				out += answers(NULL);
		}
		out += answers(NULL);
		ck_assert_uint_eq(rig.t->nreplies, 0);
		set_source(&honest, 0xc0000200u + ms);
		fire(&honest, 5, 0);
		ck_assert_msg(rig_out(&k), "%s: none at %u ms", row->name, ms);
		ck_assert_uint_eq(k.flags, FLAG_RST | FLAG_ACK);
		ck_assert_uint_eq(k.dst[15], ms & 255);
	}
	ck_assert_msg(out >= 10000 && out <= 11001, "%s: %u resets", row->name,
		      out);
}
END_TEST

/* A megabyte each way with such a flood, and without: not one segment more. */
static uint64_t transfer(struct peer *p, struct shot *s, unsigned noise,
			 bool sources)
{
	static uint8_t text[RIG_MSS], got[RIG_MSS];
	uint64_t before = rig.t->stat.segments_out;
	uint64_t strangers = 0;

	for (unsigned i = 0; i < 700; i++, pass(TCPD_MS(1))) {
		struct packet k = peer_packet(p, FLAG_ACK);
		uint64_t at = (uint64_t)i * sizeof(text);

		pattern_fill(SALT, at, text, sizeof(text));
		k.data = text;
		k.len = sizeof(text);
		for (unsigned n = 0; n < noise; n++) {
			if (sources)
				set_source(s, 0xc6120000u + i * noise + n);
			fire(s, n, n);
		}
		rig_in(&k);
		p->seq += k.len;
		ck_assert_int_eq(
			tcpd_recv(rig.st, p->h, got, sizeof(got), rig.now),
			sizeof(got));
		ck_assert_uint_eq(pattern_same(SALT, at, got, sizeof(got)),
				  sizeof(got));
		ck_assert_int_eq(
			tcpd_send(rig.st, p->h, text, sizeof(text), rig.now),
			sizeof(text));
		while (rig_out(&k)) {
			if (k.flags & (FLAG_RST | FLAG_SYN)) {
				strangers++;
				continue;
			}
			ck_assert_uint_eq(k.seq, p->ack);
			p->ack += k.len;
		}
		peer_send(p, FLAG_ACK, NULL, 0);
	}
	ck_assert_uint_eq(rig.t->stat.segments_retransmitted, 0);
	return rig.t->stat.segments_out - before - strangers;
}

START_TEST(flood_of_strays_leaves_an_established_flow_as_it_is)
{
	struct peer p = open_peer(4, 40000);
	struct peer stray = peer_new(4, 1234, 50000);
	struct packet k = peer_packet(&stray, FLAG_ACK);
	struct shot s = shot_of(&k);
	uint64_t calm = transfer(&p, &s, 0, false);

	ck_assert_uint_eq(transfer(&p, &s, 1000, false), calm);
	ck_assert_uint_ge(rig.t->stat.segments_resets_held, 600000);
}
END_TEST

/* 4987-6: the half-open table is full all the time. */
START_TEST(flood_of_syns_leaves_an_established_flow_as_it_is)
{
	struct peer p = open_peer(4, 40000);
	struct peer stray = peer_new(4, 80, 50000);
	struct packet k = peer_packet(&stray, FLAG_SYN);
	struct shot s = shot_of(&k);
	uint64_t calm = transfer(&p, &s, 0, false);

	ck_assert_uint_eq(transfer(&p, &s, 200, true), calm);
	ck_assert_uint_ge(rig.t->stat.cookies_sent, 130000);
	ck_assert_uint_eq(rig.t->halves.count, rig.t->halves.max);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("flood");
	TCase *tc = rig_case(s, "blind");

	tcase_set_timeout(tc, 200);
	tcase_add_loop_test(tc, flood_of_resets_ends_no_connection, 0, 2);
	tcase_add_loop_test(
		tc, flood_of_resets_in_the_window_is_answered_twice_a_second, 0,
		2);
	tcase_add_loop_test(tc, flood_of_blind_text_enters_no_stream, 0, 2);
	tcase_add_loop_test(
		tc,
		flood_of_old_duplicates_is_answered_a_hundred_times_a_second, 0,
		2);
	tcase_add_loop_test(
		tc, flood_on_one_connection_changes_no_challenge_of_another, 0,
		2);
	tcase_add_test(tc, flood_on_one_entry_changes_no_challenge_of_another);
	tcase_add_loop_test(tc, flood_of_resets_without_connection_is_silent, 0,
			    2);
	tcase_add_loop_test(
		tc, flood_of_strays_costs_the_budget_and_no_client_his_reset, 0,
		ARRAY_SIZE(strays));
	tcase_add_test(tc, flood_of_syns_leaves_an_established_flow_as_it_is);
	tcase_add_test(tc, flood_of_strays_leaves_an_established_flow_as_it_is);
	return rig_run(s);
}
