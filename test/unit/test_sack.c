/* SPDX-License-Identifier: MIT */
/*
 * test_sack.c - blocks against a map of what was sent: in whatever order
 * segments arrive, an ACK names octets that arrived, begins with the segment it
 * is for, and tells of what came twice once.
 *
 * LINK: test/unit/rig.c
 */
#include "rig.h"

#define STREAM 40000u
#define ROUNDS 1500

static struct {
	struct peer p;
	uint32_t first;	       /* sequence number of the stream's first octet */
	bool have[STREAM + 1]; /* arrived; never the one past the end */
	uint8_t text[STREAM];
	struct tcpopt_sack s[4];
	unsigned n; /* blocks of the last ACK */
	uint32_t next;
} m;

static void begin(bool ts)
{
	struct packet syn, in;
	tcpd_handle l = rig_listen(80);

	rig_pass(TCPD_MS(1));
	memset(&m, 0, sizeof(m));
	m.p = peer_new(4, 80, 40000);
	m.p.seq = 0xffffff00u; /* so that numbers wrap */
	syn = peer_packet(&m.p, FLAG_SYN);
	memcpy(syn.opt, "\2\4\5\264\1\1\4\2", 8);
	syn.nopt = 8;
	if (ts) {
		memcpy(syn.opt + 8, "\1\1\10\12\0\0\0\1\0\0\0\0", 12);
		syn.nopt = 20;
	}
	rig_in(&syn);
	in = rig_expect(FLAG_SYN | FLAG_ACK);
	ck_assert_mem_eq(in.opt + 4, ts ? "\4\2\10\12" : "\1\1\4\2", 4);
	m.p.seq++;
	m.p.ack = in.seq + 1;
	m.p.with_ts = ts;
	packet_ts(&in, &m.p.ts_ecr, &m.p.ts_val);
	m.p.ts_val = 2;
	m.first = m.p.seq;
	peer_send(&m.p, FLAG_ACK, NULL, 0);
	ck_assert_int_eq(tcpd_accept(rig.st, l, &m.p.h, rig.now), 0);
	rig_drain();
}

static uint32_t be(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 |
	       (uint32_t)p[2] << 8 | p[3];
}

/* The blocks of |p|, as offsets in the stream. */
static void blocks(const struct packet *p)
{
	m.n = 0;
	for (unsigned i = 0; i < p->nopt;) {
		const uint8_t *o = &p->opt[i];

		if (o[0] <= OPTION_NOP) {
			i++;
			continue;
		}
		if (o[0] == OPTION_SACK)
			for (; m.n < o[1] / 8u; m.n++)
				m.s[m.n] = (struct tcpopt_sack){
					be(o + 2 + 8 * m.n) - m.first,
					be(o + 6 + 8 * m.n) - m.first};
		i += o[1];
	}
	ck_assert_uint_eq(p->ack - m.first, m.next);
}

/* [at, at + len) arrives; its ACK is in m.s. */
static void arrive(uint32_t at, uint32_t len)
{
	struct packet p = peer_packet(&m.p, FLAG_ACK), out;

	p.seq = m.first + at;
	p.data = m.text + at;
	p.len = len;
	rig_in(&p);
	memset(m.have + at, true, len);
	while (m.have[m.next])
		m.next++;
	if (rig_out(&out))
		blocks(&out);
	else
		m.n = 0;
	rig_expect_nothing();
	rig_check();
}

/* Of [at, at + len), the first run of octets that were there: its edges. */
static struct tcpopt_sack was_there(uint32_t at, uint32_t len)
{
	struct tcpopt_sack s = {.left = at};
	uint32_t end = at + len;

	while (s.left < end && !m.have[s.left])
		s.left++;
	s.right = s.left;
	while (s.right < end && m.have[s.right] &&
	       (s.right != m.next || s.left >= m.next))
		s.right++;
	return s;
}

static bool holds(const struct tcpopt_sack *s, uint32_t at)
{
	return at >= s->left && at < s->right;
}

/* Each block but the D-SACK is a whole run above the acknowledgment. */
static void check_blocks(unsigned from)
{
	for (unsigned i = from; i < m.n; i++) {
		uint32_t at = m.s[i].left;

		ck_assert_uint_gt(at, m.next);
		ck_assert(!m.have[at - 1] && !m.have[m.s[i].right]);
		while (m.have[at]) /* an assertion an octet takes minutes */
			at++;
		ck_assert_uint_eq(at, m.s[i].right);
	}
}

static unsigned runs(void)
{
	unsigned n = 0;

	for (uint32_t at = m.next; at < STREAM; at++)
		n += m.have[at] && !m.have[at + 1];
	return n;
}

START_TEST(sack_names_what_arrived_in_whatever_order)
{
	struct rng r = {.state = (uint64_t)_i + 1};
	uint64_t twice = 0;

	begin(_i % 2);
	for (unsigned k = 0; k < ROUNDS && m.next < STREAM; k++) {
		uint32_t len = rng_in(&r, 1, 400);
		uint32_t low = m.next > 300 ? m.next - 300 : 0;
		uint32_t at = rng_in(&r, low, m.next + 6000);
		struct tcpopt_sack dup;
		unsigned max = _i % 2 ? 3 : 4, first = 0;

		if (at + len > STREAM)
			continue;
		dup = was_there(at, len);
		rig_pass(TCPD_MS(30)); /* no limit holds its ACK back */
		arrive(at, len);
		if (dup.left != dup.right) {
			twice++;
			first = 1;
			ck_assert_uint_ge(m.n, 1);
			ck_assert_uint_eq(m.s[0].left, dup.left);
			ck_assert_uint_eq(m.s[0].right, dup.right);
		}
		check_blocks(first);
		ck_assert_uint_eq(m.n - first,
				  runs() < max - first ? runs() : max - first);
		if (at > m.next) /* is above the acknowledgment */
			ck_assert(holds(&m.s[first], at));
		ck_assert_uint_eq(rig.t->stat.sack_dsack_sent, twice);
		while (tcpd_recv(rig.st, m.p.h, (uint8_t[4096]){0}, 4096,
				 rig.now) > 0)
			;
		rig_drain();
	}
	ck_assert_uint_gt(twice, 100);
}
END_TEST

START_TEST(sack_comes_back_to_blocks_that_had_no_room)
{
	begin(false);
	for (uint32_t at = 100; at <= 1000; at += 100)
		arrive(at, 50);
	ck_assert_uint_eq(m.n, 4);
	for (uint32_t at = 1000; at > 700; at -= 100)
		ck_assert_uint_eq(m.s[(1000 - at) / 100].left, at);
	arrive(650, 351); /* four runs become one: others have room again */
	check_blocks(1);
	ck_assert_uint_eq(m.n, 4);
	ck_assert_uint_eq(m.s[1].left, 600);
	ck_assert_uint_eq(m.s[2].left, 100);
	ck_assert_uint_eq(m.s[3].left, 200);
}
END_TEST

START_TEST(sack_keeps_to_eight_arrivals_between_two_outputs)
{
	struct packet out;
	unsigned n = 0;

	begin(false);
	for (uint32_t i = 0; i < 20; i++) {
		struct packet p = peer_packet(&m.p, FLAG_ACK);

		p.seq = m.first + 100 + 100 * i;
		p.data = m.text;
		p.len = 10;
		memset(m.have + 100 + 100 * i, true, 10);
		rig_in(&p);
	}
	while (rig_out(&out)) { /* one ACK each; the last ones repeat */
		blocks(&out);
		ck_assert_uint_eq(m.n, 4);
		check_blocks(0);
		ck_assert_uint_eq(m.s[0].left, n < 8 ? 1300 + 100 * n : 2000);
		n++;
	}
	ck_assert_uint_eq(n, 20);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("sack");
	TCase *tc = rig_case(s, "sack");

	tcase_add_loop_test(tc, sack_names_what_arrived_in_whatever_order, 0,
			    20);
	tcase_add_test(tc, sack_comes_back_to_blocks_that_had_no_room);
	tcase_add_test(tc, sack_keeps_to_eight_arrivals_between_two_outputs);
	return rig_run(s);
}
