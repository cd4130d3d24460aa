/* SPDX-License-Identifier: MIT */
/*
 * test_cc_rate.c - the interface of congestion control carries an algorithm
 * that works with rates: a dummy one, in the manner of BBR, sits in the place
 * of NewReno and learns a bottleneck in virtual time from nothing but the
 * samples; what it gives out (window, pacing rate, burst) is what the stack
 * then has.
 *
 * This file defines cc_ops_of() itself, so the archive's table is not linked.
 *
 * LINK: test/unit/rig.c
 */
#include <string.h>

#include "rig.h"

enum { BW, MIN_RTT, EVENTS }; /* priv */

/* What the stack told the module. */
static struct {
	unsigned init, acked, enter, leave, timeout, first, undo, restart;
	unsigned app_limited, invalid;
	struct cc_sample last;
} seen;

static void init(struct cc_state *s, uint64_t *priv, const struct cc_begin *b)
{
	seen.init++;
	ck_assert_uint_gt(s->cwnd, 0);
	ck_assert_uint_eq(priv[BW], 0);
	ck_assert_uint_eq(b->now, rig.t->now);
}

static void acked(struct cc_state *s, uint64_t *priv,
		  const struct cc_sample *rs)
{
	uint64_t bw, bdp;

	seen.acked++;
	seen.last = *rs;
	seen.app_limited += rs->app_limited;
	if (rs->rtt && (!priv[MIN_RTT] || rs->rtt < priv[MIN_RTT]))
		priv[MIN_RTT] = rs->rtt;
	if (!rs->interval || !rs->sample_delivered) {
		seen.invalid++;
		return;
	}
	bw = rs->sample_delivered * TCPD_SEC(1) / rs->interval;
	if (bw > priv[BW])
		priv[BW] = bw;
	bdp = priv[BW] * priv[MIN_RTT] / TCPD_SEC(1);
	s->cwnd = max_u32((uint32_t)(2 * bdp), 10 * s->mss);
	s->pacing_rate = 2 * priv[BW];
	s->burst = max_u32((uint32_t)(s->pacing_rate / 1000), 2 * s->mss);
}

static void enter_recovery(struct cc_state *s, uint64_t *priv,
			   uint32_t in_flight, enum cc_why why, tcpd_time now)
{
	ck_assert_int_eq(why, CC_LOSS);
	s->ssthresh = in_flight;
	ck_assert_uint_gt(in_flight, 0);
	ck_assert_uint_eq(now, rig.t->now);
	priv[EVENTS]++;
	seen.enter++;
}

static void exit_recovery(struct cc_state *s, uint64_t *priv,
			  uint32_t in_flight, tcpd_time now)
{
	(void)s;
	(void)in_flight;
	(void)now;
	priv[EVENTS]++;
	seen.leave++;
}

static void timeout(struct cc_state *s, uint64_t *priv, uint32_t in_flight,
		    bool first, tcpd_time now)
{
	(void)s;
	(void)in_flight;
	(void)now;
	priv[EVENTS]++;
	seen.timeout++;
	seen.first += first;
}

static void undo(struct cc_state *s, uint64_t *priv, const struct cc_prior *was,
		 tcpd_time now)
{
	(void)s;
	(void)priv;
	(void)was;
	(void)now;
	seen.undo++;
}

static void restart(struct cc_state *s, uint64_t *priv, uint32_t iw,
		    tcpd_time idle, tcpd_time now)
{
	(void)s;
	(void)priv;
	(void)now;
	ck_assert_uint_gt(iw, 0);
	ck_assert_uint_gt(idle, 0);
	seen.restart++;
}

static const struct cc_ops cc_rate = {.name = "rate",
				      .init = init,
				      .acked = acked,
				      .enter_recovery = enter_recovery,
				      .exit_recovery = exit_recovery,
				      .timeout = timeout,
				      .undo = undo,
				      .restart = restart};

const struct cc_ops *cc_ops_of(uint8_t congestion)
{
	(void)congestion;
	return &cc_rate;
}

const char *tcpd_congestion_name(enum tcpd_congestion cc)
{
	(void)cc;
	return cc_rate.name;
}

/* --- a bottleneck: |rate| octets a second, then |delay| there and back */

#define NACKS 4096

static struct {
	uint64_t rate;
	tcpd_time delay, idle_at; /* when its queue is empty */
	struct {
		tcpd_time at;
		uint32_t ack;
	} ack[NACKS];
	unsigned in, out;
} wire;

static struct peer p;

static void open_link(uint64_t rate, tcpd_time delay)
{
	memset(&seen, 0, sizeof(seen));
	memset(&wire, 0, sizeof(wire));
	wire.rate = rate;
	wire.delay = delay;
	p = peer_new(4, 0, 80);
	p.with_wscale = true;
	p.wscale = 10;
	peer_connect(&p);
	p.us.port = p.c->tu.lport;
}

static void send_all(void)
{
	struct packet k;

	while (rig_out(&k)) {
		tcpd_time from = max_u64(rig.now, wire.idle_at);

		if (!k.len)
			continue;
		wire.idle_at = from + rig.out.len * TCPD_SEC(1) / wire.rate;
		wire.ack[wire.in % NACKS].at = wire.idle_at + wire.delay;
		wire.ack[wire.in++ % NACKS].ack = k.seq + k.len;
		ck_assert_uint_lt(wire.in - wire.out, NACKS);
	}
}

static void take_acks(void)
{
	while (wire.out < wire.in && wire.ack[wire.out % NACKS].at <= rig.now) {
		p.ack = wire.ack[wire.out++ % NACKS].ack;
		peer_send(&p, FLAG_ACK, NULL, 0);
		send_all();
	}
}

/* Steps of 100 us; the app has |a_step| octets each time, as far as they fit.
 */
static void run(tcpd_time time, uint32_t a_step)
{
	static uint8_t text[65536];

	for (tcpd_time end = rig.now + time; rig.now < end;) {
		rig_pass(TCPD_US(100));
		take_acks();
		if (a_step)
			tcpd_send(rig.st, p.h, text, a_step, rig.now);
		send_all();
	}
}

static const struct path {
	const char *name;
	uint64_t rate;
	tcpd_time delay;
} paths[] = {
	{"10 Mbit/s, 40 ms", 1250000, TCPD_MS(40)},
	{"100 Mbit/s, 10 ms", 12500000, TCPD_MS(10)},
	{"1 Mbit/s, 100 ms", 125000, TCPD_MS(100)},
};

START_TEST(rate_based_module_learns_its_bottleneck)
{
	const struct path *path = &paths[_i];
	struct tcpd_status s;
	uint64_t bw, goodput = path->rate * 1460 / 1500;

	open_link(path->rate, path->delay);
	p.c->snd_max = 8u << 20;
	run(TCPD_SEC(4), 65536);
	bw = flow_of(rig.t, p.c)->cc[BW];
	ck_assert_msg(bw > goodput * 95 / 100 && bw < goodput * 105 / 100,
		      "%s: %llu octets a second, not %llu", path->name,
		      (unsigned long long)bw, (unsigned long long)goodput);
	ck_assert_uint_ge(flow_of(rig.t, p.c)->cc[MIN_RTT], path->delay);
	ck_assert_uint_le(flow_of(rig.t, p.c)->cc[MIN_RTT],
			  path->delay + 20 * TCPD_SEC(1500) / path->rate);
	/* and this is what the stack has from it */
	ck_assert_int_eq(tcpd_status(rig.st, p.h, &s, rig.now), 0);
	ck_assert_uint_eq(s.pacing_rate, 2 * bw);
	ck_assert_uint_eq(s.cwnd, p.c->ccs.cwnd);
	ck_assert_uint_ge(p.c->ccs.burst, 2920);
	ck_assert_str_eq(s.congestion, "rate");
	ck_assert_uint_le(s.in_flight, s.cwnd + 1460);
	ck_assert_uint_eq(seen.enter + seen.timeout + seen.restart, 0);
}
END_TEST

START_TEST(rate_samples_say_what_an_ack_says)
{
	open_link(1250000, TCPD_MS(40));
	run(TCPD_SEC(2), 65536);
	ck_assert_uint_le(seen.last.now, rig.t->now);
	ck_assert_uint_gt(seen.last.now, rig.t->now - TCPD_MS(2));
	ck_assert_uint_eq(seen.last.acked, 1460);
	ck_assert_uint_ge(seen.last.rtt, TCPD_MS(40));
	ck_assert_uint_ge(seen.last.interval, TCPD_MS(40));
	ck_assert_uint_gt(seen.last.sample_delivered, 43800);
	ck_assert_uint_eq(seen.last.prior_in_flight,
			  seen.last.in_flight + 1460);
	ck_assert(!seen.last.app_limited && !seen.last.in_recovery);
	ck_assert_uint_eq(seen.invalid, 0);
}
END_TEST

START_TEST(rate_samples_of_a_slow_app_are_marked)
{
	open_link(12500000, TCPD_MS(10));
	p.c->nodelay = true;
	run(TCPD_SEC(1), 10); /* 100 kB/s of 12.5 MB/s */
	ck_assert_uint_gt(seen.acked, 1000);
	ck_assert_uint_gt(seen.app_limited, seen.acked * 9 / 10);
	ck_assert_uint_lt(flow_of(rig.t, p.c)->cc[BW], 300000);
}
END_TEST

/* All of it leaves, burst by burst. */
static void send_paced(uint32_t len)
{
	static uint8_t text[14600];

	ck_assert_int_eq(tcpd_send(rig.st, p.h, text, len, rig.now), len);
	rig_drain();
	while (conn_unsent(p.c)) {
		rig_fire();
		rig_drain();
	}
}

START_TEST(rate_based_module_hears_of_every_event)
{
	open_link(1250000, TCPD_MS(40));
	/* a loss: three duplicates, then all of it */
	send_paced(14600);
	ck_assert_uint_eq(seen.init, 1);
	rig_pass(TCPD_MS(40));
	peer_send(&p, FLAG_ACK, NULL, 0); /* its window is scaled from now on */
	for (int i = 0; i < 3; i++)
		peer_send(&p, FLAG_ACK, NULL, 0);
	ck_assert_uint_eq(seen.enter, 1);
	rig_drain();
	p.ack = p.c->snd_nxt;
	peer_send(&p, FLAG_ACK, NULL, 0);
	ck_assert_uint_eq(seen.leave, 1);
	/* silence: time-outs, of which only the first is news */
	send_paced(14600);
	for (int i = 0; i < 3; i++) {
		rig_pass(TCPD_SEC(10));
		rig_drain();
	}
	ck_assert_uint_eq(seen.timeout, 3);
	ck_assert_uint_eq(seen.first, 1);
	p.ack = p.c->snd_nxt;
	peer_send(&p, FLAG_ACK, NULL, 0);
	/* and idle time */
	rig_pass(TCPD_SEC(100));
	send_paced(100);
	ck_assert_uint_ge(seen.restart, 1);
	ck_assert_uint_eq(flow_of(rig.t, p.c)->cc[EVENTS], 5);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("cc_rate");
	TCase *tc = rig_case(s, "interface");

	tcase_add_loop_test(tc, rate_based_module_learns_its_bottleneck, 0,
			    ARRAY_SIZE(paths));
	tcase_add_test(tc, rate_samples_say_what_an_ack_says);
	tcase_add_test(tc, rate_samples_of_a_slow_app_are_marked);
	tcase_add_test(tc, rate_based_module_hears_of_every_event);
	return rig_run(s);
}
