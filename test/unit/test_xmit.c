/* SPDX-License-Identifier: MIT */
/*
 * test_xmit.c - the records of transmissions against a plain array of ranges:
 * found by any of their numbers, in order as a list, and the treap itself in
 * the right shape.
 *
 * LINK: test/unit/rig.c
 */
#include <string.h>

#include "rig.h"

#define MAX 300u

struct model {
	struct {
		uint32_t seq, end, slot;
	} r[MAX];
	unsigned n;
};

static struct model m;

static void model_insert(unsigned at, uint32_t seq, uint32_t end, uint32_t slot)
{
	memmove(m.r + at + 1, m.r + at, (m.n - at) * sizeof(m.r[0]));
	m.r[at].seq = seq;
	m.r[at].end = end;
	m.r[at].slot = slot;
	m.n++;
}

static void model_del(unsigned at)
{
	memmove(m.r + at, m.r + at + 1, (--m.n - at) * sizeof(m.r[0]));
}

/* A binary tree by number, a heap by priority: how deep |slot| lies in it. */
static unsigned depth_of(const struct conn *c, uint32_t slot)
{
	const struct xmit *x = xmit_at(rig.t, slot);
	uint32_t link = c->xmit_root;
	unsigned depth = 1;

	for (; link && link - 1 != slot; depth++) {
		const struct xmit *y = xmit_at(rig.t, link - 1);

		ck_assert_uint_ge(y->pri, x->pri);
		link = seq_lt(x->seq, y->seq) ? y->in[XT_SEQ].left
					      : y->in[XT_SEQ].right;
	}
	ck_assert_uint_ne(link, 0);
	return depth;
}

static unsigned same(const struct conn *c)
{
	uint32_t link = c->xmit_first, prev = 0;
	unsigned deepest = 0;

	for (unsigned i = 0; i < m.n; i++) {
		const struct xmit *x = xmit_at(rig.t, link - 1);

		ck_assert_uint_eq(link - 1, m.r[i].slot);
		ck_assert_uint_eq(x->seq, m.r[i].seq);
		ck_assert_uint_eq(x->end, m.r[i].end);
		ck_assert_uint_eq(x->prev, prev);
		deepest = max_u32(deepest, depth_of(c, m.r[i].slot));
		prev = link;
		link = x->next;
	}
	ck_assert_uint_eq(link, 0);
	ck_assert_uint_eq(c->xmit_last, prev);
	ck_assert_uint_eq(c->xmit_root != 0, m.n != 0);
	ck_assert_uint_eq(rig.t->xmits.count, m.n);
	return deepest;
}

static void find_any(const struct conn *c, struct rng *r)
{
	unsigned i = rng_below(r, m.n);
	uint32_t in = m.r[i].seq + rng_below(r, m.r[i].end - m.r[i].seq);

	ck_assert_uint_eq(xmit_find(rig.t, c, in), m.r[i].slot);
	ck_assert_uint_eq(xmit_find(rig.t, c, m.r[i].seq), m.r[i].slot);
	ck_assert_uint_eq(xmit_find(rig.t, c, m.r[i].end - 1), m.r[i].slot);
	ck_assert_uint_eq(xmit_find(rig.t, c, m.r[0].seq - 1), SLAB_NONE);
	ck_assert_uint_eq(xmit_find(rig.t, c, m.r[m.n - 1].end), SLAB_NONE);
}

static void split_any(struct conn *c, struct rng *r)
{
	unsigned i = rng_below(r, m.n);
	uint32_t len = m.r[i].end - m.r[i].seq;
	uint32_t at, slot;
	struct xmit was;

	if (len < 2)
		return;
	at = m.r[i].seq + 1 + rng_below(r, len - 1);
	was = *xmit_at(rig.t, m.r[i].slot);
	slot = xmit_split(rig.t, c, m.r[i].slot, at);
	ck_assert_uint_ne(slot, SLAB_NONE);
	model_insert(i + 1, at, m.r[i].end, slot);
	m.r[i].end = at;
	/* both halves were sent when the whole was */
	ck_assert_uint_eq(xmit_at(rig.t, slot)->sent_at, was.sent_at);
	ck_assert_uint_eq(xmit_at(rig.t, slot)->delivered, was.delivered);
	ck_assert_uint_eq(xmit_at(rig.t, slot)->flags, was.flags);
	ck_assert_uint_eq(xmit_at(rig.t, slot)->nsent, was.nsent);
}

START_TEST(xmit_is_what_a_plain_array_is)
{
	struct rng r = {.state = (uint64_t)_i};
	/* two of the runs cross the end of the sequence space */
	uint32_t end = _i % 2 ? 1000u : UINT32_MAX - 50000u;
	struct conn *c = rig_conn(end, 1);

	memset(&m, 0, sizeof(m));
	for (unsigned i = 0; i < 6000; i++) {
		bool full = m.n == MAX;
		unsigned what = rng_below(&r, i / 1000 % 2 ? 8 : 10);

		if (what >= 5 && !full) {
			uint32_t seq = end;
			uint32_t slot;

			end += 1 + rng_below(&r, 4000);
			slot = xmit_add(rig.t, c, seq, end);
			ck_assert_uint_ne(slot, SLAB_NONE);
			xmit_at(rig.t, slot)->sent_at = rng_next(&r);
			xmit_at(rig.t, slot)->delivered = rng_next(&r);
			xmit_at(rig.t, slot)->flags =
				(uint8_t)(rng_below(&r, 4) << 2);
			model_insert(m.n, seq, end, slot);
		} else if (m.n && what == 4 && !full) {
			split_any(c, &r);
		} else if (m.n) {
			/* mostly the oldest, as ACKs do */
			unsigned k = what ? 0 : rng_below(&r, m.n);

			xmit_del(rig.t, c, m.r[k].slot);
			model_del(k);
		}
		if (m.n)
			find_any(c, &r);
		if (i % 32 == 0)
			same(c);
	}
	xmit_clear(rig.t, c);
	m.n = 0;
	same(c);
}
END_TEST

START_TEST(xmit_is_found_in_few_steps_among_many)
{
	struct conn *c = rig_conn(7, 1);
	unsigned deepest;

	memset(&m, 0, sizeof(m));
	for (uint32_t i = 0; i < MAX; i++)
		model_insert(i, 8 + i * 10, 18 + i * 10,
			     xmit_add(rig.t, c, 8 + i * 10, 18 + i * 10));
	deepest = same(c);
	ck_assert_uint_le(deepest, 36); /* 4 * log2(300) */
}
END_TEST

START_TEST(xmit_says_when_there_is_no_slot_left)
{
	struct conn *c;
	uint32_t n, seq = 2, last = SLAB_NONE;

	rig_stop();
	rig.set.memory = POOL_MAX;
	rig.set.max_conns = 1;
	rig_start();
	c = rig_conn(1, 1);
	n = rig.t->xmits.max - 1; /* one is kept for a SYN */
	for (uint32_t i = 0; i < n; i++, seq += 10) {
		ck_assert(xmit_room(rig.t));
		last = xmit_add(rig.t, c, seq, seq + 10);
		ck_assert_uint_ne(last, SLAB_NONE);
	}
	ck_assert(!xmit_room(rig.t));
	ck_assert_uint_ne(xmit_add(rig.t, c, seq, seq + 10), SLAB_NONE);
	ck_assert_uint_eq(xmit_add(rig.t, c, seq + 10, seq + 20), SLAB_NONE);
	/* and a record that cannot be split stays whole */
	ck_assert_uint_eq(xmit_split(rig.t, c, last, seq - 5), SLAB_NONE);
	ck_assert_uint_eq(xmit_at(rig.t, last)->end, seq);
	ck_assert_uint_eq(xmit_find(rig.t, c, seq - 1), last);
	xmit_clear(rig.t, c);
	ck_assert_uint_eq(rig.t->xmits.count, 0);
}
END_TEST

/* An app that fills all records with single octets does not keep another one
 * from opening a connection. */
START_TEST(xmit_keeps_a_slot_for_each_syn)
{
	struct peer p = peer_new(4, 80, 1001);
	struct tcpd_addr to = {.port = 80, .family = 4};
	tcpd_handle h = 0;

	rig_stop();
	rig.set.memory = POOL_MAX;
	rig.set.max_conns = 4;
	rig_start();
	peer_accept(&p, rig_listen(80));
	p.c->nodelay = true;
	p.c->snd_wnd = p.c->ccs.cwnd = 60000;
	while (xmit_room(rig.t) &&
	       tcpd_send(rig.st, p.h, "x", 1, rig.now) == 1 && rig_drain())
		;
	ck_assert(!xmit_room(rig.t));
	memcpy(to.ip, rig_peer4, 16);
	ck_assert_int_eq(tcpd_connect(rig.st, &h, NULL, &to, rig.now), 0);
	rig_expect(TCP_SYN);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("xmit");
	TCase *tc = rig_case(s, "records");

	tcase_add_loop_test(tc, xmit_is_what_a_plain_array_is, 0, 4);
	tcase_add_test(tc, xmit_is_found_in_few_steps_among_many);
	tcase_add_test(tc, xmit_says_when_there_is_no_slot_left);
	tcase_add_test(tc, xmit_keeps_a_slot_for_each_syn);
	return rig_run(s);
}
