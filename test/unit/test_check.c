/* SPDX-License-Identifier: MIT */
/*
 * test_check.c - tcpd_check() sees when tables, lists, timers and sums do not
 * say the same; and says nothing when all is well.
 * LINK: test/unit/duo.c test/unit/duo_cases.c */
#include "broken.h"
#include "tcp/pace.h"

/* --- what to break */

static void *stack(struct tcp *t)
{
	return t;
}

static void *slot_of(struct slab *s)
{
	for (uint32_t i = 0; i < s->high; i++)
		if (slab_used(s, i))
			return slab_at(s, i);
	return NULL;
}

static void *listener(struct tcp *t)
{
	for (uint32_t i = 0; i < t->listeners.high; i++)
		if (slab_used(&t->listeners, i) && listener_at(t, i)->nqueued)
			return listener_at(t, i);
	return NULL;
}

static void *half(struct tcp *t)
{
	return slot_of(&t->halves);
}

static void *tw(struct tcp *t)
{
	return slot_of(&t->tws);
}

static struct reply *reply_of(struct tcp *t, enum reply_kind kind)
{
	for (uint32_t i = 0; i < t->nreplies; i++) {
		struct reply *r = &t->replies[(t->reply_head + i) % NREPLIES];

		if (r->kind == kind)
			return r;
	}
	return NULL;
}

static void *rst(struct tcp *t)
{
	return reply_of(t, REPLY_SEGMENT);
}

static void *icmp(struct tcp *t)
{
	return reply_of(t, REPLY_ICMP);
}

static void *synack(struct tcp *t)
{
	return reply_of(t, REPLY_SYNACK);
}

static void *sender(struct tcp *t)
{
	return t->sends.head ? conn_at(t, REF_SLOT(t->sends.head)) : NULL;
}

static void *waiting(struct tcp *t)
{
	return t->npaced ? &t->paced[0] : NULL;
}

static void *newsy(struct tcp *t)
{
	return t->events.head && REF_KIND(t->events.head) == REF_CONN
		       ? conn_at(t, REF_SLOT(t->events.head))
		       : NULL;
}

static void *queued(struct tcp *t)
{
	const struct listener *l = listener(t);

	return l ? conn_at(t, REF_SLOT(l->accept.head)) : NULL;
}

static void *port(struct tcp *t)
{
	const struct timewait *w = tw(t);

	return w ? &t->ports[w->tu.lport] : NULL;
}

#define TCP(wrong, member, add) BROKEN(wrong, stack, struct tcp, member, add)
#define LISTENER(wrong, member, add) \
	BROKEN(wrong, listener, struct listener, member, add)
#define HALF(wrong, member, add) BROKEN(wrong, half, struct half, member, add)
#define TW(wrong, member, add)	 BROKEN(wrong, tw, struct timewait, member, add)

static const struct broken rows[] = {
	TCP("slab: another number is in use", conns.count, 1),
	TCP("slab: a slot is neither free nor in use", conns.high, 1),
	TCP("slab: a slot is neither free nor in use", listeners.nfree, 1),
	TCP("conn: the table holds another number", conn_tab.count, 1),
	TCP("memory: a block that belongs to nobody, or to two", pool.nused,
	    2048),
	TCP("borrows: the sum of all differs", borrowed, 1),
	TCP("timers: another number is armed", wheel.count, 1),
	TCP("timers: the wheel is ahead of the clock", wheel.now, 100000),
	TCP("timers: the wheel is ahead of the clock", tw_wheel.now, 100000),
	TCP("stack: a value out of range", next_id, UINT64_C(1) << 60),
	TCP("stack: a value out of range", ntw_classes, 20),
	TCP("output lists: fewer are on one than say so", sends.tail, 1),
	TCP("events: fewer are on the list than have any", events.tail, 1),
	TCP("half-open: the table holds another number", half_tab.count, 1),
	TCP("TIME-WAIT: the table holds another number", tw_tab.count, 1),
	TCP("TIME-WAIT: another number of timers is armed", tw_wheel.count, 1),

	BROKEN("output lists: one that is on another", sender, struct conn,
	       out.prev, 1),
	BROKEN("events: one without any, or a wrong link", newsy, struct conn,
	       ev.prev, 1),
	BROKEN("accept queue: one that is not in it", queued, struct conn,
	       aq.prev, 1),

	TCP("pace: another number waits than says so", npaced, -1),
	BROKEN("pace: it is to leave at another time", waiting,
	       struct pace_cell, at, 1),
	BROKEN("pace: the heap has another in its place", waiting,
	       struct pace_cell, conn, 1),

	LISTENER("listeners: a value out of range", set.nsynack_waits, 20),
	LISTENER("listeners: a value out of range", set.congestion, 9),
	LISTENER("listeners: a value out of range", set.synack_wait[0],
		 UINT64_C(1) << 63),
	LISTENER("listeners: a value out of range", id, 1000000),
	LISTENER("listeners: one that no segment can find", port, 1),
	LISTENER("accept queue: more are in it than were counted", nqueued, -1),
	LISTENER("accept queue: fewer are in it than were counted", nqueued, 1),
	LISTENER("accept queue: fewer are in it than were counted", accept.tail,
		 1),

	HALF("half-open: a number never given", id, 1000000),
	HALF("half-open: the table does not find it", tu.pport, 1),
	HALF("half-open: an entry that never ends", due, TCPD_SEC(1000)),
	HALF("half-open: an entry that never ends", node.tick, 1),
	BROKEN("half-open: a SYN-ACK waits nowhere", synack, struct reply, id,
	       77),

	TW("TIME-WAIT: the table does not find it", tu.peer[15], 1),

	BROKEN("replies: a value out of range", rst, struct reply, kind, 4),
	BROKEN("replies: a value out of range", rst, struct reply, reset, 100),
	BROKEN("replies: addresses of two families", rst, struct reply,
	       tu.peer[11], 1),
	BROKEN("replies: a message longer than its block", icmp, struct reply,
	       len, 3000),
	BROKEN("ports: a count of uses differs", port, struct port, nuse, 1),
	BROKEN("ports: a count of uses differs", port, struct port, nuse, -1),
	BROKEN("ports: a count of uses differs", port, struct port, ntw[0], 1),
	BROKEN("ports: a count of uses differs", port, struct port, ntw[1], 1),
};

/* --- more than one member */

static bool lost_record(struct tcp *t)
{
	uint32_t slot = slab_take(&t->xmits);

	return slot != SLAB_NONE;
}

static bool ends_never(struct tcp *t)
{
	struct timewait *w = tw(t);

	if (w)
		wheel_cancel(&t->tw_wheel, REF(REF_TW, slab_slot(&t->tws, w)));
	return w != NULL;
}

static bool ring_of_listeners(struct tcp *t)
{
	struct listener *l = listener(t);

	if (l)
		l->next = slab_slot(&t->listeners, l) + 1;
	return l != NULL;
}

static bool ring_of_senders(struct tcp *t)
{
	struct conn *c = sender(t);

	if (c)
		c->out.next = conn_ref(t, c);
	return c != NULL;
}

static bool ring_of_events(struct tcp *t)
{
	struct conn *c = newsy(t);

	if (c)
		c->ev.next = conn_ref(t, c);
	return c != NULL;
}

static bool news_unlisted(struct tcp *t)
{
	struct conn *c = newsy(t);

	if (c)
		rlist_del(t, &t->events, LINK_EVENT, conn_ref(t, c));
	return c != NULL;
}

static bool queued_nowhere(struct tcp *t)
{
	struct conn *c = queued(t);
	struct listener *l = listener(t);

	if (!c)
		return false;
	rlist_del(t, &l->accept, LINK_ACCEPT, conn_ref(t, c));
	l->nqueued--;
	return true;
}

static bool half_of_nobody(struct tcp *t)
{
	struct half *h = half(t);

	if (h)
		h->listener += 1000;
	return h != NULL;
}

static bool many_waits(struct tcp *t)
{
	struct half *h = half(t);

	if (h)
		h->nwait += 10;
	return h != NULL;
}

static bool more_synacks_than_waits(struct tcp *t)
{
	struct half *h = half(t);

	if (h)
		h->nsent = h->nwait + 1;
	return h != NULL;
}

static struct half *cookie(struct tcp *t)
{
	return t->cookie_head ? half_at(t, t->cookie_head - 1) : NULL;
}

static bool no_cookie(struct tcp *t)
{
	struct half *h = cookie(t);

	if (h)
		h->cookie = false;
	return h != NULL;
}

static bool cookie_not_on_the_list(struct tcp *t)
{
	if (t->cookie_head)
		synq_cookie_unlink(t, t->cookie_head - 1);
	return t->cookie_head != 0;
}

static bool youngest_cookie_first(struct tcp *t)
{
	uint32_t slot = t->cookie_head - 1;

	if (t->cookie_head == t->cookie_tail)
		return false;
	synq_cookie_unlink(t, slot);
	synq_cookie_link(t, slot);
	return true;
}

static bool ring_of_cookies(struct tcp *t)
{
	struct half *h = cookie(t);

	if (h)
		half_at(t, t->cookie_tail - 1)->next = t->cookie_head;
	return h != NULL;
}

static bool two_synacks(struct tcp *t)
{
	struct reply *r = synack(t);

	return r && reply_push(t, r);
}

/* A child of the heap's first one is due before it. */
static bool child_first(struct tcp *t)
{
	if (t->npaced < 2)
		return false;
	t->paced[1].at = t->paced[0].at - 1;
	flow_of(t, conn_at(t, t->paced[1].conn))->depart_at = t->paced[1].at;
	return true;
}

static bool ack_is_held(struct tcp *t)
{
	if (!t->npaced)
		return false;
	conn_at(t, t->paced[0].conn)->ack_due = true;
	return true;
}

static bool left_its_place(struct tcp *t)
{
	if (!t->npaced)
		return false;
	conn_at(t, t->paced[0].conn)->on_list = ON_NONE;
	return true;
}

static const struct broken_more more[] = {
	{"pace: one leaves before the one on top of it", child_first},
	{"pace: one waits for what goes at once", ack_is_held},
	{"pace: a place for one that has left", left_its_place},
	{"records: one that belongs to nobody", lost_record},
	{"TIME-WAIT: an entry that never ends", ends_never},
	{"listeners: more are asked than there are", ring_of_listeners},
	{"output lists: one that is on another", ring_of_senders},
	{"events: one without any, or a wrong link", ring_of_events},
	{"events: fewer are on the list than have any", news_unlisted},
	{"accept queue: another number say that they are in one",
	 queued_nowhere},
	{"half-open: two SYN-ACKs wait for one entry", two_synacks},
	{"half-open: an entry of no listener", half_of_nobody},
	{"half-open: more SYN-ACKs than there are waits", many_waits},
	{"half-open: more SYN-ACKs than there are waits",
	 more_synacks_than_waits},
	{"cookies: an entry that is not in its place", no_cookie},
	{"cookies: fewer are on the list than have one",
	 cookie_not_on_the_list},
	{"cookies: an entry that is not in its place", youngest_cookie_first},
	{"cookies: more are on the list than have one", ring_of_cookies},
};

START_TEST(check_says_which_value_is_wrong)
{
	broken_try(&rows[_i]);
}
END_TEST

START_TEST(check_says_what_does_not_go_together)
{
	broken_try_more(&more[_i]);
}
END_TEST

START_TEST(check_finds_a_port_that_stays_used)
{
	static struct duo d;

	duo_init(&d);
	duo_open(&d);
	ck_assert_ptr_null(tcpd_check(d.st[0]));
	d.st[0]->t.ports[4711].nuse = 1;
	broken_said("ports: one that nobody uses is", d.st[0]);
	duo_close(&d);
}
END_TEST

/* duo_turn() asks it after every step of every situation. */
START_TEST(check_has_nothing_to_say_about_what_is_well)
{
	static struct duo d;

	duo_init(&d);
	duo_open(&d);
	duo_cases[_i].make(&d);
	duo_play_on(&d);
	for (unsigned i = 0; i < 2; i++) {
		const char *said = tcpd_check(d.st[i]);

		ck_assert_msg(!said, "%s: %s", duo_cases[_i].name, said);
	}
	duo_close(&d);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("check");
	TCase *tc = tcase_create("check");
	SRunner *sr = srunner_create(s);
	int failed;

	tcase_add_loop_test(tc, check_says_which_value_is_wrong, 0,
			    ARRAY_SIZE(rows));
	tcase_add_loop_test(tc, check_says_what_does_not_go_together, 0,
			    ARRAY_SIZE(more));
	tcase_add_test(tc, check_finds_a_port_that_stays_used);
	tcase_add_loop_test(tc, check_has_nothing_to_say_about_what_is_well, 0,
			    (int)duo_ncases);
	suite_add_tcase(s, tc);
	srunner_set_tap(sr, "-");
	srunner_run_all(sr, CK_SILENT);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed != 0;
}
