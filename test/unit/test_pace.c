/* SPDX-License-Identifier: MIT */
/*
 * test_pace.c - which rate holds a connection, in which bursts its text leaves
 * and at which nanosecond; what is not held; and the order of those that wait.
 *
 * LINK: test/unit/rig.c
 */
#include "rig.h"
#include "tcp/pace.h"

#define RTT   TCPD_MS(20)
#define CWND  (100 * RIG_MSS)
/* 1.2 windows a round trip: 8760000 octets a second, of which a 1024th is 8554
 * octets or five segments, which take 833.3 us */
#define RATE  (UINT64_C(6) * CWND * TCPD_SEC(1) / 5 / RTT)
#define BURST 5u
#define GAP   (BURST * (RIG_MSS * TCPD_SEC(1) / RATE))

static struct conn *c;

/* It has sent, and had ACKs for, its first segments. */
static void conn(void)
{
	rig.set.pacing = true;
	rig_restart();
	c = rig_conn(1, 5000);
	rtt_sample(rig.t, c, RTT);
	c->ccs.cwnd = c->ccs.ssthresh = CWND;
	c->snd_wnd = c->max_snd_wnd = 2 * CWND;
	c->data_segs_out = 100;
	conn_flow(rig.t, c);
	c->last_snd = flow_of(rig.t, c)->depart_at = rig.now;
}

static void write(uint32_t n)
{
	rig_fill(c, 1, 0, n);
	conn_want_output(rig.t, c);
}

/* Octets of text that leave now. */
static uint32_t leaves(void)
{
	struct packet p;
	uint32_t n = 0;

	while (rig_out(&p))
		n += p.len;
	rig_check();
	return n;
}

static void at(tcpd_time t)
{
	rig.now = t;
	tcpd_expire(rig.st, rig.now);
}

START_TEST(pace_leaves_in_bursts_at_the_right_nanosecond)
{
	tcpd_time start;

	conn();
	start = rig.now;
	write(50 * RIG_MSS);
	for (unsigned i = 0; i < 10; i++) {
		ck_assert_uint_eq(leaves(), BURST * RIG_MSS);
		if (i == 9)
			break;
		ck_assert_uint_eq(tcpd_expiry(rig.st), start + (i + 1) * GAP);
		at(start + (i + 1) * GAP - 1);
		ck_assert_uint_eq(leaves(), 0);
		at(start + (i + 1) * GAP);
	}
	ck_assert_uint_eq(rig.t->npaced, 0); /* nothing is left to wait for */
}
END_TEST

START_TEST(pace_cuts_super_segments_to_a_burst)
{
	struct packet p;

	rig.set.tso4 = rig.set.csum = true;
	conn();
	write(50 * RIG_MSS);
	ck_assert(rig_out(&p));
	ck_assert_uint_eq(p.len, BURST * RIG_MSS);
	ck_assert(!rig_out(&p));
	at(tcpd_expiry(rig.st));
	ck_assert(rig_out(&p));
	ck_assert_uint_eq(p.len, BURST * RIG_MSS);
}
END_TEST

START_TEST(pace_spends_a_burst_as_the_app_writes)
{
	conn();
	c->nodelay = true;
	write(2 * RIG_MSS);
	ck_assert_uint_eq(leaves(), 2 * RIG_MSS);
	write(10 * RIG_MSS); /* still the same burst */
	ck_assert_uint_eq(leaves(), 3 * RIG_MSS);
	at(tcpd_expiry(rig.st));
	ck_assert_uint_eq(leaves(), 5 * RIG_MSS);
}
END_TEST

START_TEST(pace_makes_up_for_a_timer_that_was_late_but_not_at_once)
{
	tcpd_time due;

	conn();
	write(50 * RIG_MSS);
	leaves();
	due = tcpd_expiry(rig.st);
	at(due + 100000);
	ck_assert_uint_eq(leaves(), BURST * RIG_MSS);
	ck_assert_uint_eq(tcpd_expiry(rig.st), due + GAP);
	/* very late: half of the wait is left */
	due = tcpd_expiry(rig.st);
	at(due + TCPD_MS(100));
	ck_assert_uint_eq(leaves(), BURST * RIG_MSS);
	ck_assert_uint_ge(tcpd_expiry(rig.st), rig.now + GAP / 2);
	ck_assert_uint_le(tcpd_expiry(rig.st), rig.now + GAP / 2 + BURST);
}
END_TEST

START_TEST(pace_lets_the_initial_window_go_at_once)
{
	conn();
	c->data_segs_out = 0;
	c->ccs.ssthresh = UINT32_MAX;
	write(10 * RIG_MSS);
	ck_assert_uint_eq(leaves(), 10 * RIG_MSS);
}
END_TEST

START_TEST(pace_limits_the_initial_window_to_what_its_user_wants)
{
	conn();
	slab_give(&rig.t->flows, c->flow - 1);
	c->flow = c->data_segs_out = 0;
	c->max_pacing = 1000000;
	write(10 * RIG_MSS);
	ck_assert_uint_eq(leaves(), 2 * RIG_MSS);
}
END_TEST

START_TEST(pace_restarts_after_idle_without_a_burst)
{
	conn();
	at(rig.now + TCPD_SEC(5));
	write(40 * RIG_MSS);
	ck_assert_uint_le(c->ccs.cwnd, 10 * RIG_MSS);
	ck_assert_uint_eq(leaves(), 2 * RIG_MSS);
	ck_assert_uint_eq(rig.t->npaced, 1);
}
END_TEST

/* --- rates */

static void slow_start(void)
{
	c->ccs.ssthresh = UINT32_MAX;
}

static void near(void)
{
	c->min_rtt = TCPD_US(50);
}

static void short_trip(void)
{
	c->min_rtt = c->srtt = TCPD_US(1100);
}

/* Its last sample held a pause of the peer. */
static void paused(void)
{
	c->srtt = TCPD_SEC(60);
}

/* More is out than cwnd has in a recovery. */
static void much_out(void)
{
	c->ccs.cwnd = CWND / 10;
	c->ccs.ssthresh = CWND / 10;
	c->snd_nxt = c->snd_una + CWND;
}

static void module(void)
{
	c->ccs.pacing_rate = 123456;
}

static void module_nearby(void)
{
	near();
	module();
}

static void slower(void)
{
	c->max_pacing = 7000;
}

static void slower_nearby(void)
{
	near();
	slower();
}

static void faster(void)
{
	c->max_pacing = 2 * RATE;
}

static void off(void)
{
	rig.t->set.pacing = false;
}

static void off_but_module(void)
{
	off();
	module();
}

static void no_trip(void)
{
	c->srtt = c->min_rtt = 0;
}

static void nothing(void)
{
}

static const struct rate_row {
	const char *name;
	void (*change)(void);
	uint64_t rate;
} rates[] = {
	{"congestion avoidance", nothing, RATE},
	{"what is out, in a recovery", much_out, RATE},
	{"slow start", slow_start, RATE / 6 * 10},
	{"a round trip below 1 ms", near, 0},
	{"a millisecond takes the window", short_trip, 0},
	{"no round trip yet", no_trip, 0},
	{"the module's", module, 123456},
	{"the module's, nearby", module_nearby, 123456},
	{"a limit below", slower, 7000},
	{"a window a second at least", paused, CWND},
	{"a limit, nearby", slower_nearby, 7000},
	{"a limit above", faster, RATE},
	{"windows are not paced", off, 0},
	{"... but modules with a rate are", off_but_module, 123456},
};

START_TEST(pace_has_a_rate)
{
	conn();
	rates[_i].change();
	ck_assert_msg(pace_rate(rig.t, c) == rates[_i].rate, "%s: %llu",
		      rates[_i].name, (unsigned long long)pace_rate(rig.t, c));
}
END_TEST

START_TEST(pace_takes_the_burst_of_the_module)
{
	conn();
	c->ccs.pacing_rate = RATE;
	c->ccs.burst = 3 * RIG_MSS + 100;
	write(20 * RIG_MSS);
	ck_assert_uint_eq(leaves(), 3 * RIG_MSS);
	c->ccs.burst = 1; /* two segments at least */
	at(tcpd_expiry(rig.st));
	ck_assert_uint_eq(leaves(), 2 * RIG_MSS);
	c->ccs.burst = UINT32_MAX; /* 64 KiB at most */
	at(tcpd_expiry(rig.st));
	write(80 * RIG_MSS);
	ck_assert_uint_eq(leaves(), 44 * RIG_MSS);
}
END_TEST

START_TEST(pace_begins_anew_when_the_limit_is_lifted)
{
	conn();
	c->max_pacing = 1000;
	write(50 * RIG_MSS);
	ck_assert_uint_eq(leaves(), 2 * RIG_MSS);
	ck_assert_uint_gt(flow_of(rig.t, c)->depart_at, rig.now + TCPD_SEC(1));
	c->max_pacing = 0;
	pace_anew(rig.t, c);
	ck_assert_uint_eq(leaves(), BURST * RIG_MSS);
}
END_TEST

/* --- what is not held */

/* A burst has left, and more waits for more than a minute. */
static void held(void)
{
	conn();
	c->max_pacing = 1000;
	c->fin_queued = false;
	write(90 * RIG_MSS);
	ck_assert_uint_eq(leaves(), 2 * RIG_MSS);
	ck_assert_int_eq(c->on_list, ON_PACED);
}

START_TEST(pace_does_not_hold_acks)
{
	held();
	c->ack_due = true;
	conn_want_ack(rig.t, c);
	rig_expect(FLAG_ACK);
	rig_expect_nothing();
	ck_assert_int_eq(c->on_list, ON_PACED); /* it still waits */
	rig_check();
}
END_TEST

START_TEST(pace_does_not_hold_the_first_retransmission)
{
	tcpd_time due;

	held();
	due = flow_of(rig.t, c)->depart_at;
	for (unsigned i = 0; !c->rexmt_force && i < 100; i++) {
		ck_assert_uint_lt(rig.now, due);
		rig_pass(TCPD_MS(10));
	}
	ck_assert_uint_eq(leaves(), RIG_MSS);
	ck_assert_uint_eq(c->octets_retrans, RIG_MSS);
	/* but it counts */
	ck_assert_uint_ge(flow_of(rig.t, c)->depart_at, due + TCPD_SEC(1));
}
END_TEST

START_TEST(pace_does_not_hold_a_reset)
{
	held();
	user_abort(rig.t, c, TCPD_RESET_ABORT);
	rig_expect(FLAG_RST | FLAG_ACK);
	ck_assert_uint_eq(rig.t->npaced, 0);
	rig_check();
}
END_TEST

START_TEST(pace_holds_what_follows_the_first_retransmission)
{
	held();
	for (unsigned i = 0; !c->rexmt_force && i < 100; i++)
		rig_pass(TCPD_MS(10));
	ck_assert_uint_eq(leaves(), RIG_MSS);
	c->ccs.cwnd = CWND;
	conn_want_output(rig.t, c);
	ck_assert_uint_eq(leaves(), 0);
	ck_assert_int_eq(c->on_list, ON_PACED);
}
END_TEST

/* --- those that wait */

#define NCONNS 60u

/* Into the heap at random times, some out of it again. */
static void crowd(struct conn **v, struct rng *r)
{
	rig_restart();
	for (unsigned i = 0; i < NCONNS; i++) {
		v[i] = rig_conn(1, 5000);
		conn_flow(rig.t, v[i]);
		flow_of(rig.t, v[i])->depart_at =
			rig.now + 1 + rng_below(r, 30);
		pace_wait(rig.t, v[i]);
		ck_assert_ptr_null(tcpd_check(rig.st));
	}
	for (unsigned i = 0; i < NCONNS / 3; i++) {
		struct conn *x = v[rng_below(r, NCONNS)];

		if (x->on_list == ON_PACED)
			pace_leave(rig.t, x);
		ck_assert_ptr_null(tcpd_check(rig.st));
	}
}

START_TEST(pace_lets_those_that_wait_go_in_order)
{
	struct rng r = {(uint64_t)_i + 1};
	struct conn *v[NCONNS];
	tcpd_time last = 0;
	tcpd_id id = 0;
	uint32_t n;

	crowd(v, &r);
	n = rig.t->npaced;
	at(rig.now + 30);
	ck_assert_uint_eq(rig.t->npaced, 0);
	for (uint32_t ref = rig.t->sends.head; ref; n--) {
		const struct conn *x = conn_at(rig.t, REF_SLOT(ref));
		tcpd_time when = flow_of(rig.t, x)->depart_at;

		ck_assert(when > last || (when == last && x->id > id));
		last = when;
		id = x->id;
		ref = x->out.next;
	}
	ck_assert_uint_eq(n, 0);
}
END_TEST

START_TEST(pace_wakes_nobody_before_its_time)
{
	struct rng r = {(uint64_t)_i + 1};
	struct conn *v[NCONNS];

	crowd(v, &r);
	while (rig.t->npaced) {
		rig_fire();
		for (unsigned i = 0; i < NCONNS; i++) {
			tcpd_time due = flow_of(rig.t, v[i])->depart_at;

			if (v[i]->on_list == ON_PACED)
				ck_assert_uint_gt(due, rig.now);
			else if (v[i]->on_list)
				ck_assert_uint_le(due, rig.now);
		}
	}
}
END_TEST

int main(void)
{
	Suite *s = suite_create("pace");
	TCase *tc = rig_case(s, "pace");

	tcase_add_test(tc, pace_leaves_in_bursts_at_the_right_nanosecond);
	tcase_add_test(tc, pace_cuts_super_segments_to_a_burst);
	tcase_add_test(tc, pace_spends_a_burst_as_the_app_writes);
	tcase_add_test(tc,
		       pace_makes_up_for_a_timer_that_was_late_but_not_at_once);
	tcase_add_test(tc, pace_lets_the_initial_window_go_at_once);
	tcase_add_test(tc,
		       pace_limits_the_initial_window_to_what_its_user_wants);
	tcase_add_test(tc, pace_restarts_after_idle_without_a_burst);
	tcase_add_loop_test(tc, pace_has_a_rate, 0, ARRAY_SIZE(rates));
	tcase_add_test(tc, pace_takes_the_burst_of_the_module);
	tcase_add_test(tc, pace_begins_anew_when_the_limit_is_lifted);
	tcase_add_test(tc, pace_does_not_hold_acks);
	tcase_add_test(tc, pace_does_not_hold_the_first_retransmission);
	tcase_add_test(tc, pace_does_not_hold_a_reset);
	tcase_add_test(tc, pace_holds_what_follows_the_first_retransmission);
	tcase_add_loop_test(tc, pace_lets_those_that_wait_go_in_order, 0, 5);
	tcase_add_loop_test(tc, pace_wakes_nobody_before_its_time, 0, 5);
	return rig_run(s);
}
