/* SPDX-License-Identifier: MIT */
/*
 * test_list.c - lists of references against plain arrays; one entry is on
 * several kinds of list at once, as a connection is.
 *
 * LINK: test/unit/rig.c
 */
#include <string.h>

#include "rig.h"

#define N 24u

struct model {
	struct rlist l;
	uint32_t ref[N];
	unsigned n;
};

static bool model_has(const struct model *m, uint32_t ref)
{
	for (unsigned i = 0; i < m->n; i++)
		if (m->ref[i] == ref)
			return true;
	return false;
}

static void model_del(struct model *m, uint32_t ref)
{
	unsigned i = 0;

	while (m->ref[i] != ref)
		i++;
	memmove(m->ref + i, m->ref + i + 1, (--m->n - i) * sizeof(m->ref[0]));
}

static const struct rlink *link_of(enum rlink_which w, uint32_t ref)
{
	const struct conn *c;

	if (REF_KIND(ref) == REF_LISTENER)
		return &listener_at(rig.t, REF_SLOT(ref))->ev;
	c = conn_at(rig.t, REF_SLOT(ref));
	return w == LINK_OUT ? &c->out : w == LINK_EVENT ? &c->ev : &c->aq;
}

/* Forwards and backwards. */
static void same(const struct model *m, enum rlink_which w)
{
	uint32_t ref = m->l.head;

	for (unsigned i = 0; i < m->n; i++) {
		ck_assert_uint_eq(ref, m->ref[i]);
		ck_assert_uint_eq(link_of(w, ref)->prev,
				  i ? m->ref[i - 1] : REF_NONE);
		ref = link_of(w, ref)->next;
	}
	ck_assert_uint_eq(ref, REF_NONE);
	ck_assert_uint_eq(m->l.tail, m->n ? m->ref[m->n - 1] : REF_NONE);
}

/* Every third one is a listener where there may be one. */
static uint32_t ref_of(unsigned i, enum rlink_which w)
{
	return i % 3 == 0 && w == LINK_EVENT ? REF(REF_LISTENER, i / 3)
					     : REF(REF_CONN, i);
}

START_TEST(list_is_what_a_plain_array_is)
{
	struct rng r = {.state = (uint64_t)_i};
	struct model m[3] = {0};

	for (unsigned i = 0; i < N; i++)
		ck_assert_uint_eq(slab_take(&rig.t->conns), i);
	for (unsigned i = 0; i < N / 3; i++)
		ck_assert_uint_eq(slab_take(&rig.t->listeners), i);
	for (unsigned i = 0; i < 4000; i++) {
		enum rlink_which w = (enum rlink_which)rng_below(&r, 3);
		struct model *one = &m[w];
		uint32_t ref = ref_of(rng_below(&r, N), w);

		if (!model_has(one, ref)) {
			rlist_push(rig.t, &one->l, w, ref);
			one->ref[one->n++] = ref;
		} else if (rng_below(&r, 2)) {
			rlist_del(rig.t, &one->l, w, ref);
			model_del(one, ref);
			/* nothing of it is left in the entry */
			ck_assert_uint_eq(link_of(w, ref)->next, REF_NONE);
			ck_assert_uint_eq(link_of(w, ref)->prev, REF_NONE);
		} else {
			ref = one->ref[0];
			ck_assert_uint_eq(rlist_pop(rig.t, &one->l, w), ref);
			model_del(one, ref);
		}
		same(&m[0], LINK_OUT);
		same(&m[1], LINK_EVENT);
		same(&m[2], LINK_ACCEPT);
	}
}
END_TEST

START_TEST(list_that_is_empty_gives_none)
{
	struct rlist l = {0};

	ck_assert_uint_eq(rlist_pop(rig.t, &l, LINK_OUT), REF_NONE);
	ck_assert_uint_eq(slab_take(&rig.t->conns), 0);
	rlist_push(rig.t, &l, LINK_OUT, REF(REF_CONN, 0));
	ck_assert_uint_eq(rlist_pop(rig.t, &l, LINK_OUT), REF(REF_CONN, 0));
	ck_assert_uint_eq(rlist_pop(rig.t, &l, LINK_OUT), REF_NONE);
	ck_assert_uint_eq(l.head | l.tail, REF_NONE);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("list");
	TCase *tc = rig_case(s, "list");

	tcase_add_loop_test(tc, list_is_what_a_plain_array_is, 0, 8);
	tcase_add_test(tc, list_that_is_empty_gives_none);
	return rig_run(s);
}
