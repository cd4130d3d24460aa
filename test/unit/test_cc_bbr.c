/* SPDX-License-Identifier: MIT */
/*
 * test_cc_bbr.c - BBR against a model of a bottleneck in virtual time: what it
 * finds, how long its queue is, what loss and other flows leave of it, and the
 * cases of the draft's appendix that a module can show.
 *
 * LINK: test/unit/rig.c test/unit/bottleneck.c
 */
#include <string.h>

#include "bottleneck.h"
#include "rig.h"
#include "tcp/bbr.h"

#define MSS	1448u
#define MBIT(n) ((uint64_t)(n)*125000)

static struct bottleneck net;

static struct bbr *state(const struct flow_model *f)
{
	return (struct bbr *)(uintptr_t)f->priv;
}

static uint32_t bdp(const struct path *p)
{
	return bbr_volume(p->rate, p->rtt);
}

static void open_path(struct path p)
{
	bottleneck_init(&net, &p, MSS);
}

/* Per cent of the path's rate that |f| had delivered from then until now. */
static unsigned percent(const struct flow_model *f, uint64_t then,
			tcpd_time time)
{
	return (unsigned)((f->rc.delivered - then) * 100 /
			  bbr_volume(net.path.rate, time));
}

/* --- one flow */

static const struct one {
	const char *name;
	struct path path;
	tcpd_time first, time; /* goodput is measured after |first| */
	unsigned least;	       /* per cent of the path's rate */
	unsigned queue;	       /* at most, per cent of the BDP, on average */
} ones[] = {
	{"100 Mbit/s, 20 ms",
	 {MBIT(100), TCPD_MS(20), 250000, 0, 0},
	 TCPD_SEC(1),
	 TCPD_SEC(5),
	 95,
	 15},
	{"100 Mbit/s, 100 ms",
	 {MBIT(100), TCPD_MS(100), 1250000, 0, 0},
	 TCPD_SEC(2),
	 TCPD_SEC(10),
	 95,
	 25},
	{"1 Gbit/s, 20 ms, half a BDP of queue",
	 {MBIT(1000), TCPD_MS(20), 1250000, 0, 0},
	 TCPD_SEC(1),
	 TCPD_SEC(2),
	 88,
	 15},
	{"1 Gbit/s, 100 ms",
	 {MBIT(1000), TCPD_MS(100), 12500000, 0, 0},
	 TCPD_SEC(2),
	 TCPD_SEC(3),
	 95,
	 60},
	{"64 kbit/s, 500 ms",
	 {8000, TCPD_MS(500), 60000, 0, 0},
	 TCPD_SEC(20),
	 TCPD_SEC(20),
	 90,
	 400},
	{"1 Gbit/s, 50 us",
	 {MBIT(1000), TCPD_US(50), 1000000, 0, 0},
	 TCPD_MS(100),
	 TCPD_MS(500),
	 95,
	 3300},
	{"10 Gbit/s, 50 us, ACKs of 64 KiB at once",
	 {MBIT(10000), TCPD_US(50), 1000000, 0, TCPD_US(52)},
	 TCPD_MS(100),
	 TCPD_MS(200),
	 93,
	 400},
	{"ACKs every 20 ms",
	 {MBIT(100), TCPD_MS(40), 500000, 0, TCPD_MS(20)},
	 TCPD_SEC(2),
	 TCPD_SEC(5),
	 85,
	 40},
	{"1 % lost, 100 Mbit/s, 100 ms",
	 {MBIT(100), TCPD_MS(100), 1250000, 10000, 0},
	 TCPD_SEC(2),
	 TCPD_SEC(20),
	 80,
	 25},
	{"1 % lost, 1 Gbit/s, 100 ms, half a BDP of queue",
	 {MBIT(1000), TCPD_MS(100), 6250000, 10000, 0},
	 TCPD_SEC(2),
	 TCPD_SEC(8),
	 80,
	 25},
	{"1 % lost, 100 Mbit/s, 20 ms",
	 {MBIT(100), TCPD_MS(20), 250000, 10000, 0},
	 TCPD_SEC(1),
	 TCPD_SEC(10),
	 80,
	 15},
	{"1 % lost, 5 Gbit/s, 50 us",
	 {MBIT(5000), TCPD_US(50), 300000, 10000, 0},
	 TCPD_MS(100),
	 TCPD_MS(300),
	 90,
	 400},
	{"0.1 % lost, 100 Mbit/s, 20 ms, half a BDP of queue",
	 {MBIT(100), TCPD_MS(20), 125000, 1000, 0},
	 TCPD_SEC(1),
	 TCPD_SEC(10),
	 90,
	 15},
};

START_TEST(bbr_fills_the_path_and_not_its_queue)
{
	const struct one *o = &ones[_i];
	struct flow_model *f;
	uint64_t then, bw, waited;
	unsigned got, queue;

	open_path(o->path);
	f = bottleneck_add(&net, &cc_bbr, 0);
	bottleneck_run(&net, o->first);
	then = f->rc.delivered;
	net.queued_sum = net.narrived = 0;
	bottleneck_run(&net, o->first + o->time);
	got = percent(f, then, o->time);
	ck_assert_msg(got >= o->least, "%s: %u %%", o->name, got);
	waited = net.queued_sum / net.narrived;
	queue = (unsigned)(waited * 100 / o->path.rtt);
	ck_assert_msg(queue <= o->queue, "%s: a queue of %u %% of the BDP",
		      o->name, queue);
	/* the draft's appendix: within 2 % */
	bw = bbr_max_bw(state(f));
	if (o->path.loss)
		return;
	ck_assert_msg(
		bw * 100 >= o->path.rate * 98 && bw * 100 <= o->path.rate * 102,
		"%s: %llu octets a second", o->name, (unsigned long long)bw);
}
END_TEST

static const struct beside {
	const char *name;
	struct path path;
	tcpd_time time;
	unsigned times;
} besides[] = {
	{"1 %, 100 ms",
	 {MBIT(100), TCPD_MS(100), 1250000, 10000, 0},
	 TCPD_SEC(20),
	 5},
	{"5 %, 50 us",
	 {MBIT(5000), TCPD_US(50), 300000, 50000, 0},
	 TCPD_MS(400),
	 3},
};

START_TEST(bbr_has_many_times_of_newreno_under_random_loss)
{
	const struct beside *w = &besides[_i];
	const struct cc_ops *const ops[] = {&cc_bbr, &cc_newreno};
	uint64_t got[2];

	for (int i = 0; i < 2; i++) {
		open_path(w->path);
		bottleneck_add(&net, ops[i], 0);
		bottleneck_run(&net, w->time);
		got[i] = net.flow[0].rc.delivered;
		bottleneck_end(&net);
		net.nflows = 0;
	}
	ck_assert_msg(got[0] >= w->times * got[1], "%s: %llu beside %llu",
		      w->name, (unsigned long long)got[0],
		      (unsigned long long)got[1]);
}
END_TEST

/* --- a path that changes */

START_TEST(bbr_follows_a_path_that_becomes_ten_times_as_fast)
{
	struct flow_model *f;
	uint64_t then;

	open_path((struct path){MBIT(10), TCPD_MS(20), 250000, 0, 0});
	f = bottleneck_add(&net, &cc_bbr, 0);
	bottleneck_run(&net, TCPD_SEC(4));
	net.path.rate = MBIT(100);
	bottleneck_run(&net, TCPD_SEC(12));
	then = f->rc.delivered;
	bottleneck_run(&net, TCPD_SEC(16));
	ck_assert_uint_ge(percent(f, then, TCPD_SEC(4)), 90);
}
END_TEST

START_TEST(bbr_follows_a_path_that_becomes_a_tenth_as_fast)
{
	struct flow_model *f;

	open_path((struct path){MBIT(100), TCPD_MS(20), 250000, 0, 0});
	f = bottleneck_add(&net, &cc_bbr, 0);
	bottleneck_run(&net, TCPD_SEC(4));
	net.path.rate = MBIT(10);
	bottleneck_run(&net, TCPD_SEC(17));
	ck_assert_uint_le(bbr_max_bw(state(f)), MBIT(10) * 105 / 100);
	ck_assert_uint_ge(bbr_max_bw(state(f)), MBIT(10) * 95 / 100);
}
END_TEST

/* --- two flows */

static const struct pair {
	const char *name;
	struct path path;
	bool newreno;	/* the first one is not BBR's */
	unsigned least; /* per cent for each of them */
} pairs[] = {
	{"100 Mbit/s", {MBIT(100), TCPD_MS(20), 250000, 0, 0}, false, 35},
	{"100 Mbit/s, two BDPs",
	 {MBIT(100), TCPD_MS(20), 500000, 0, 0},
	 false,
	 30},
	{"10 Mbit/s", {MBIT(10), TCPD_MS(40), 50000, 0, 0}, false, 30},
	{"beside NewReno", {MBIT(100), TCPD_MS(20), 250000, 0, 0}, true, 20},
};

START_TEST(bbr_shares_with_a_flow_that_comes_later)
{
	const struct pair *w = &pairs[_i];
	uint64_t then[2];

	open_path(w->path);
	bottleneck_add(&net, w->newreno ? &cc_newreno : &cc_bbr, 0);
	bottleneck_add(&net, &cc_bbr, TCPD_SEC(2));
	bottleneck_run(&net, TCPD_SEC(16));
	for (int i = 0; i < 2; i++)
		then[i] = net.flow[i].rc.delivered;
	bottleneck_run(&net, TCPD_SEC(32));
	for (int i = 0; i < 2; i++) {
		unsigned got = percent(&net.flow[i], then[i], TCPD_SEC(16));

		ck_assert_msg(got >= w->least, "%s: flow %d has %u %%", w->name,
			      i, got);
	}
}
END_TEST

/* --- ProbeRTT */

static struct {
	unsigned times;
	tcpd_time since, least;
	uint32_t in_flight_min;
	unsigned probes; /* of the rate */
	uint8_t before;
} watch;

static void look(struct bottleneck *b, struct flow_model *f)
{
	const struct bbr *m = state(f);

	if (m->state == BBR_PROBE_RTT && watch.before != BBR_PROBE_RTT) {
		watch.times++;
		watch.since = b->now;
	}
	if (watch.before == BBR_PROBE_RTT && m->state != BBR_PROBE_RTT)
		watch.least = min_u64(watch.least, b->now - watch.since);
	if (m->state == BBR_PROBE_RTT)
		watch.in_flight_min =
			min_u32(watch.in_flight_min, f->in_flight);
	watch.probes += m->state == BBR_UP && watch.before != BBR_UP;
	watch.before = m->state;
}

static void watch_from_now(void)
{
	memset(&watch, 0, sizeof(watch));
	watch.least = watch.in_flight_min = UINT32_MAX;
	net.seen = look;
}

START_TEST(bbr_drains_the_queue_every_five_seconds_to_see_the_round_trip)
{
	struct flow_model *f;

	open_path((struct path){MBIT(100), TCPD_MS(40), 1000000, 0, 0});
	f = bottleneck_add(&net, &cc_bbr, 0);
	watch_from_now();
	bottleneck_run(&net, TCPD_SEC(21));
	ck_assert_uint_ge(watch.times, 3);
	ck_assert_uint_le(watch.times, 4);
	ck_assert_uint_ge(watch.least, TCPD_MS(200));
	ck_assert_uint_le(watch.in_flight_min, bdp(&net.path) / 2);
	/* a longer way is believed after two of them */
	net.path.rtt = TCPD_MS(60);
	bottleneck_run(&net, TCPD_SEC(36));
	ck_assert_uint_ge(state(f)->min_rtt, TCPD_MS(60));
	ck_assert_uint_le(state(f)->min_rtt, TCPD_MS(63));
}
END_TEST

START_TEST(bbr_needs_no_probe_of_the_round_trip_after_an_idle_time)
{
	struct flow_model *f;

	open_path((struct path){MBIT(100), TCPD_MS(40), 1000000, 0, 0});
	f = bottleneck_add(&net, &cc_bbr, 0);
	bottleneck_run(&net, TCPD_SEC(3));
	f->end = net.now;
	bottleneck_run(&net, TCPD_SEC(9));
	rate_idle(&f->rc, 0); /* the app comes: there was nothing to send */
	watch_from_now();
	f->end = UINT64_MAX;
	bottleneck_run(&net, TCPD_SEC(11));
	ck_assert_uint_eq(watch.times, 0);
}
END_TEST

/* --- the app */

START_TEST(bbr_restarts_from_idle_at_its_rate_without_a_burst)
{
	struct flow_model *f;
	uint64_t then, bw;

	open_path((struct path){MBIT(100), TCPD_MS(20), 250000, 0, 0});
	f = bottleneck_add(&net, &cc_bbr, 0);
	bottleneck_run(&net, TCPD_SEC(3));
	f->end = net.now;
	bottleneck_run(&net, TCPD_MS(3500));
	rate_idle(&f->rc, 0);
	bw = state(f)->bw;
	f->burst_max = 0;
	net.queued_max = 0;
	then = f->rc.delivered;
	f->end = UINT64_MAX;
	bottleneck_run(&net, TCPD_MS(3520));
	ck_assert_uint_ge(f->s.pacing_rate, bw * 98 / 100);
	ck_assert_uint_le(f->s.pacing_rate, bw);
	/* a millisecond of the rate, or of what probes for more */
	ck_assert_uint_le(f->burst_max, 12500 * 125 / 100);
	ck_assert_uint_le(net.queued_max, TCPD_MS(2));
	bottleneck_run(&net, TCPD_MS(3620));
	ck_assert_uint_ge(f->rc.delivered - then,
			  bbr_volume(net.path.rate, TCPD_MS(100)) * 9 / 10);
}
END_TEST

START_TEST(bbr_learns_nothing_wrong_from_a_slow_app)
{
	struct flow_model *f;
	uint64_t bw;

	open_path((struct path){MBIT(100), TCPD_MS(20), 250000, 0, 0});
	f = bottleneck_add(&net, &cc_bbr, 0);
	bottleneck_run(&net, TCPD_SEC(2));
	bw = bbr_max_bw(state(f));
	f->begin = net.now - (uint64_t)f->next * MSS * 1000; /* 1 MB/s */
	f->app_rate = 1000000;
	bottleneck_run(&net, TCPD_SEC(20));
	ck_assert_uint_lt(f->rc.delivered,
			  bbr_volume(MBIT(100), TCPD_SEC(2)) + 19000000);
	ck_assert_uint_eq(bbr_max_bw(state(f)), bw);
}
END_TEST

START_TEST(bbr_stays_in_startup_while_only_the_app_is_slow)
{
	struct flow_model *f;

	open_path((struct path){MBIT(100), TCPD_MS(20), 250000, 0, 0});
	f = bottleneck_add(&net, &cc_bbr, 0);
	f->app_rate = 1000000;
	bottleneck_run(&net, TCPD_SEC(4));
	ck_assert_uint_eq(state(f)->state, BBR_STARTUP);
	f->app_rate = 0;
	bottleneck_run(&net, TCPD_SEC(5));
	ck_assert_uint_ne(state(f)->state, BBR_STARTUP);
	ck_assert_uint_ge(bbr_max_bw(state(f)), MBIT(98));
}
END_TEST

/* --- chance */

START_TEST(bbr_waits_differ_from_flow_to_flow_and_not_from_run_to_run)
{
	struct cc_state s = {.cwnd = 14480, .mss = MSS};
	uint64_t priv[CC_NPRIV];
	struct bbr *b = (struct bbr *)priv;
	uint32_t wait[16];
	unsigned same = 0;

	for (unsigned run = 0; run < 2; run++)
		for (unsigned i = 0; i < 16; i++) {
			struct cc_begin n = {.now = 1, .seed = i, .sack = true};

			cc_bbr.init(&s, priv, &n);
			bbr_start_down(b, 1);
			ck_assert_uint_ge(b->probe_wait, TCPD_SEC(2));
			ck_assert_uint_lt(b->probe_wait, TCPD_SEC(3));
			ck_assert_uint_le(b->rounds_since_up, 1);
			if (run)
				ck_assert_uint_eq(b->probe_wait, wait[i]);
			wait[i] = b->probe_wait;
			same += i && wait[i] == wait[i - 1];
		}
	ck_assert_uint_eq(same, 0);
}
END_TEST

static void stop(void)
{
	bottleneck_end(&net);
	memset(&net, 0, sizeof(net));
}

int main(void)
{
	Suite *s = suite_create("cc_bbr");
	TCase *tc = rig_case(s, "path");

	tcase_add_checked_fixture(tc, NULL, stop);
	tcase_add_loop_test(tc, bbr_fills_the_path_and_not_its_queue, 0,
			    ARRAY_SIZE(ones));
	tcase_add_loop_test(tc, bbr_has_many_times_of_newreno_under_random_loss,
			    0, ARRAY_SIZE(besides));
	tcase_add_test(tc, bbr_follows_a_path_that_becomes_ten_times_as_fast);
	tcase_add_test(tc, bbr_follows_a_path_that_becomes_a_tenth_as_fast);
	tcase_add_loop_test(tc, bbr_shares_with_a_flow_that_comes_later, 0,
			    ARRAY_SIZE(pairs));
	tcase_add_test(
		tc,
		bbr_drains_the_queue_every_five_seconds_to_see_the_round_trip);
	tcase_add_test(tc,
		       bbr_needs_no_probe_of_the_round_trip_after_an_idle_time);
	tcase_add_test(tc, bbr_restarts_from_idle_at_its_rate_without_a_burst);
	tcase_add_test(tc, bbr_learns_nothing_wrong_from_a_slow_app);
	tcase_add_test(tc, bbr_stays_in_startup_while_only_the_app_is_slow);
	tcase_add_test(
		tc, bbr_waits_differ_from_flow_to_flow_and_not_from_run_to_run);
	return rig_run(s);
}
