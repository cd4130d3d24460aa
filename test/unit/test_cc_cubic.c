/* SPDX-License-Identifier: MIT */
/*
 * test_cc_cubic.c - RFC 9438 row by row, beside its equations in doubles, and
 * two flows at one bottleneck.
 *
 * LINK: test/unit/rig.c
 */
#include "rig.h"
#include "tcp/cc_window.h"

#define MSS  1000u
#define FULL UINT32_MAX /* in flight: all of the window */

struct one {
	struct cc_state s;
	uint64_t priv[CC_NPRIV];
	uint64_t total;
	tcpd_time now;
};

static struct one f;

static void begin_one(struct one *o, uint32_t cwnd, uint32_t mss)
{
	memset(o, 0, sizeof(*o));
	o->now = TCPD_SEC(1);
	o->s = (struct cc_state){
		.mss = mss, .cwnd = cwnd, .ssthresh = UINT32_MAX};
	cc_cubic.init(&o->s, o->priv, &(struct cc_begin){.now = o->now});
}

static void ack_one(struct one *o, uint32_t n, tcpd_time after, tcpd_time rtt,
		    uint32_t in_flight)
{
	struct cc_sample rs = {
		.now = o->now += after,
		.acked = n,
		.delivered = n,
		.rtt = rtt,
		.total_delivered = o->total += n,
		.prior_in_flight = in_flight == FULL ? o->s.cwnd : in_flight,
		.cwnd_limited = in_flight == FULL,
	};

	rs.in_flight = rs.prior_in_flight - n;
	cc_cubic.acked(&o->s, o->priv, &rs);
}

static void lose(struct one *o, uint32_t in_flight)
{
	cc_cubic.enter_recovery(&o->s, o->priv, in_flight, CC_LOSS, o->now);
	o->s.cwnd = o->s.ssthresh; /* what the core does by and by */
	cc_cubic.exit_recovery(&o->s, o->priv, o->s.cwnd, o->now);
}

/* A window of |segs| that has just lost something. */
static void after_loss(uint32_t segs, uint32_t mss)
{
	begin_one(&f, segs * mss, mss);
	f.priv[W_PEAK] = f.s.cwnd;
	lose(&f, f.s.cwnd);
}

/* No libm: the cube root by Newton's way. */
static double root3(double v)
{
	double r = v > 1 ? v : 1;

	for (int i = 0; i < 200; i++)
		r -= (r * r * r - v) / (3 * r * r);
	return r;
}

static double cubed(double v)
{
	return v * v * v;
}

/* 4.2 and 4.3, step by step, as the RFC has them: in segments. */
struct model {
	double cwnd, w_max, k, est, prior, t;
};

static void model_ack(struct model *m, double rtt, double after, double segs)
{
	double w, target, alpha = m->est >= m->prior ? 1 : 9.0 / 17;

	m->t += after;
	m->est += alpha * segs / m->cwnd;
	w = 0.4 * cubed(m->t - m->k) + m->w_max;
	if (w < m->est) {
		m->cwnd = m->est > m->cwnd ? m->est : m->cwnd;
		return;
	}
	target = 0.4 * cubed(m->t + rtt - m->k) + m->w_max;
	target = target < m->cwnd ? m->cwnd : target;
	target = target > 1.5 * m->cwnd ? 1.5 * m->cwnd : target;
	m->cwnd += (target - m->cwnd) / m->cwnd * segs;
}

static const struct curve {
	const char *name;
	uint32_t segs, mss;
	unsigned rtt_ms, seconds, per_ack; /* segments */
} curves[] = {
	{"10 segments, 1 ms: Reno's", 10, 1460, 1, 1, 1},
	{"12 segments, 20 ms", 12, 1460, 20, 10, 1},
	{"100 segments, 100 ms", 100, 1460, 100, 15, 2},
	{"1700 segments, 20 ms (1 Gbit/s)", 1700, 1460, 20, 18, 64},
	{"8600 segments, 100 ms (1 Gbit/s)", 8600, 1460, 100, 30, 64},
	{"100000 segments, 300 ms", 100000, 1460, 300, 60, 512},
	{"the same of 9000 octets", 100000, 8960, 300, 60, 512},
};

START_TEST(cubic_follows_the_curve_of_the_rfc)
{
	const struct curve *c = &curves[_i];
	double rtt = c->rtt_ms / 1e3, worst = 0, sent = 0;
	struct model m;

	after_loss(c->segs, c->mss);
	m = (struct model){.cwnd = f.s.ssthresh / (double)c->mss,
			   .w_max = c->segs,
			   .prior = c->segs,
			   .t = 0};
	m.est = m.cwnd;
	m.k = root3((m.w_max - m.cwnd) / 0.4);
	for (bool first = true; sent < c->seconds; first = false) {
		double gap = rtt * c->per_ack / m.cwnd, off;
		tcpd_time ns = (tcpd_time)(gap * 1e9);

		ack_one(&f, c->per_ack * c->mss, ns, TCPD_MS(c->rtt_ms), FULL);
		model_ack(&m, rtt, first ? 0 : (double)ns / 1e9, c->per_ack);
		sent += gap;
		off = f.s.cwnd / (double)c->mss / m.cwnd - 1;
		off = off < 0 ? -off : off;
		worst = off > worst ? off : worst;
	}
	ck_assert_msg(worst < 1e-3, "%s: %g off", c->name, worst);
	ck_assert_msg(m.cwnd > c->segs, "%s: %g only", c->name, m.cwnd);
}
END_TEST

static const uint32_t sizes[] = {2,	10,	100,	1000,	 8600,
				 65536, 100000, 524288, 1000000, 1u << 20};

/* K in units of 2^-13 s: the largest whose cube is not above (Wmax - cwnd)/C */
START_TEST(cubic_k_is_exact_up_to_2_20_segments)
{
	uint32_t segs = sizes[_i], mss = 1000;
	uint64_t k, gap;
	unsigned __int128 want;

	after_loss(segs, mss);
	ack_one(&f, 1, 1, TCPD_MS(10), FULL);
	k = f.priv[H_WORDS + 8];
	gap = segs * (uint64_t)mss - f.s.ssthresh;
	/* k^3 <= gap * 5 / (2 * mss) * 2^39 < (k + 1)^3 */
	want = ((unsigned __int128)gap * 5 << 39) / (2 * mss);
	ck_assert_msg((unsigned __int128)k * k * k <= want, "%u: too large",
		      segs);
	k += 1 + k / 1000000;
	ck_assert_msg((unsigned __int128)k * k * k > want, "%u: too small",
		      segs);
}
END_TEST

START_TEST(cubic_grows_by_a_target_between_cwnd_and_half_as_much_again)
{
	uint32_t was;

	/* far behind K: W_cubic is out of reach */
	after_loss(1000, MSS);
	ack_one(&f, MSS, 1, TCPD_MS(100), FULL);
	for (unsigned i = 0; i < 2000; i++)
		ack_one(&f, 1, TCPD_MS(100), TCPD_MS(100), FULL);
	was = f.s.cwnd;
	ack_one(&f, was / 10, 1, TCPD_MS(100), FULL);
	ck_assert_uint_le(f.s.cwnd, was + was / 20 + 1);
	ck_assert_uint_ge(f.s.cwnd, was + was / 20 - 1);

	/* at once after a larger window was lost: no less than it is */
	after_loss(10, MSS);
	was = f.s.cwnd;
	f.s.cwnd = f.s.ssthresh = was;
	ack_one(&f, MSS, 1, TCPD_MS(1), FULL);
	ck_assert_uint_ge(f.s.cwnd, was);
}
END_TEST

static const struct loss {
	const char *name;
	uint32_t cwnd, in_flight, ssthresh;
} losses[] = {
	{"9438-3: all of it out", 100, 100, 70},
	{"most of it out: the window", 100, 60, 70},
	{"7661-2: less than half of it out", 100, 40, 28},
	{"9438-8: one segment of ten", 10, 1, 2},
	{"two segments at least", 2, 2, 2},
};

START_TEST(cubic_loss_leaves_seven_tenths)
{
	const struct loss *l = &losses[_i];

	begin_one(&f, l->cwnd * MSS, MSS);
	cc_cubic.enter_recovery(&f.s, f.priv, l->in_flight * MSS, CC_LOSS, 1);
	ck_assert_msg(f.s.ssthresh == l->ssthresh * MSS, "%s: %u", l->name,
		      f.s.ssthresh);
	/* what was sent again is lost again: once more (RFC 5681, 4.3) */
	cc_cubic.enter_recovery(&f.s, f.priv, 2 * MSS, CC_LOSS, 2);
	ck_assert_uint_eq(f.s.ssthresh,
			  max_u32(l->ssthresh * MSS * 7 / 10, 2 * MSS));
}
END_TEST

/* 9438-11: a peer that says for ever that there is congestion */
START_TEST(cubic_marks_bring_the_window_down_to_a_segment)
{
	begin_one(&f, 10 * MSS, MSS);
	for (unsigned i = 0; i < 20; i++) {
		uint32_t was = f.s.cwnd;

		cc_cubic.enter_recovery(&f.s, f.priv, was, CC_CE, f.now);
		f.s.cwnd = f.s.ssthresh;
		cc_cubic.exit_recovery(&f.s, f.priv, was, f.now);
		ck_assert_uint_eq(f.s.cwnd, max_u32(was * 7 / 10, MSS));
		ck_assert_uint_ge(f.s.ssthresh, 2 * MSS);
	}
	ck_assert_uint_eq(f.s.cwnd, MSS);
	/* something lost: two segments */
	f.s.cwnd = 2 * MSS;
	lose(&f, 2 * MSS);
	ck_assert_uint_eq(f.s.cwnd, 2 * MSS);
}
END_TEST

/* The core told of no end, as after a time-out: the next loss counts whole. */
START_TEST(cubic_recovery_is_over_when_acks_say_so)
{
	begin_one(&f, 100 * MSS, MSS);
	cc_cubic.enter_recovery(&f.s, f.priv, 100 * MSS, CC_LOSS, f.now);
	ack_one(&f, MSS, TCPD_MS(1), TCPD_MS(10), FULL);
	f.s.cwnd = 200 * MSS;
	cc_cubic.enter_recovery(&f.s, f.priv, 200 * MSS, CC_LOSS, f.now);
	ck_assert_uint_eq(f.s.ssthresh, 140 * MSS);
}
END_TEST

/* Where K leads to is what the window flattens at. */
static uint32_t plateau(struct one *o)
{
	uint32_t was;

	do {
		was = o->s.cwnd;
		for (unsigned i = 0; i < 10; i++)
			ack_one(o, o->s.cwnd / 10, TCPD_MS(10), TCPD_MS(100),
				FULL);
	} while (o->s.cwnd - was > MSS / 8);
	return o->s.cwnd / MSS;
}

START_TEST(cubic_makes_room_when_it_lost_below_its_last_maximum)
{
	after_loss(1000, MSS); /* Wmax 1000 */
	ack_one(&f, MSS, 1, TCPD_MS(100), FULL);
	f.s.cwnd = 800 * MSS;
	f.priv[W_PEAK] = f.s.cwnd;
	lose(&f, 800 * MSS);
	ck_assert_uint_eq(f.s.ssthresh, 560 * MSS);
	ck_assert_uint_ge(plateau(&f), 670); /* 0.85 * 800 = 680 */
	ck_assert_uint_le(f.s.cwnd / MSS, 690);

	after_loss(1000, MSS);
	ack_one(&f, MSS, 1, TCPD_MS(100), FULL);
	f.s.cwnd = 1200 * MSS;
	f.priv[W_PEAK] = f.s.cwnd;
	lose(&f, 1200 * MSS);
	ck_assert_uint_ge(plateau(&f), 1185);
	ck_assert_uint_le(f.s.cwnd / MSS, 1215);
}
END_TEST

START_TEST(cubic_epoch_after_a_timeout_begins_at_its_own_maximum)
{
	begin_one(&f, 100 * MSS, MSS);
	cc_cubic.timeout(&f.s, f.priv, 100 * MSS, true, f.now);
	ck_assert_uint_eq(f.s.cwnd, MSS);
	ck_assert_uint_eq(f.s.ssthresh, 70 * MSS);
	cc_cubic.timeout(&f.s, f.priv, MSS, false, f.now); /* of the same */
	ck_assert_uint_eq(f.s.ssthresh, 70 * MSS);
	while (f.s.cwnd < f.s.ssthresh)
		ack_one(&f, MSS, TCPD_MS(1), TCPD_MS(100), FULL);
	ck_assert_uint_eq(f.s.cwnd, 70 * MSS);
	/* from there: 0.4 t^3 and no way back to 100; Reno's is faster */
	for (unsigned i = 0; i < 10; i++)
		ack_one(&f, f.s.cwnd, TCPD_MS(100), TCPD_MS(100), FULL);
	ck_assert_uint_ge(f.s.cwnd, 75 * MSS); /* 70 + 10 * 9 / 17 */
	ck_assert_uint_le(f.s.cwnd, 76 * MSS);
}
END_TEST

START_TEST(cubic_time_without_text_to_send_does_not_count)
{
	struct one busy;

	after_loss(1000, MSS);
	for (unsigned i = 0; i < 10; i++)
		ack_one(&f, f.s.cwnd / 10, TCPD_MS(10), TCPD_MS(100), FULL);
	busy = f;
	/* an app that says little, then nothing, for ten seconds */
	for (unsigned i = 0; i < 50; i++)
		ack_one(&f, MSS, TCPD_MS(100), TCPD_MS(100), MSS);
	ck_assert_uint_eq(f.s.cwnd, busy.s.cwnd);
	f.now += TCPD_SEC(5);
	for (unsigned i = 0; i < 10; i++) {
		ack_one(&f, f.s.cwnd / 10, TCPD_MS(10), TCPD_MS(100), FULL);
		ack_one(&busy, busy.s.cwnd / 10, TCPD_MS(10), TCPD_MS(100),
			FULL);
	}
	/* its first ACK came a round trip after the text, not 10 ms */
	ck_assert_uint_le(f.s.cwnd, busy.s.cwnd + 10 * MSS);
	ck_assert_uint_ge(f.s.cwnd, busy.s.cwnd);
}
END_TEST

START_TEST(cubic_window_that_is_not_in_use_does_not_grow)
{
	begin_one(&f, 10 * MSS, MSS);
	for (unsigned i = 0; i < 600; i++) /* 9438-8: a minute */
		ack_one(&f, MSS, TCPD_MS(100), TCPD_MS(100), MSS);
	ck_assert_uint_eq(f.s.cwnd, 10 * MSS);
	cc_cubic.enter_recovery(&f.s, f.priv, MSS, CC_LOSS, f.now);
	ck_assert_uint_le(f.s.ssthresh, 7 * MSS);
}
END_TEST

START_TEST(cubic_undo_goes_on_as_if_nothing_had_been)
{
	struct one was;
	struct cc_prior p;

	after_loss(1000, MSS);
	for (unsigned i = 0; i < 20; i++)
		ack_one(&f, f.s.cwnd / 10, TCPD_MS(10), TCPD_MS(100), FULL);
	was = f;
	p = (struct cc_prior){f.s.cwnd, f.s.ssthresh};
	if (_i)
		cc_cubic.timeout(&f.s, f.priv, f.s.cwnd, true, f.now);
	else
		cc_cubic.enter_recovery(&f.s, f.priv, f.s.cwnd, CC_LOSS, f.now);
	f.s.cwnd = f.s.ssthresh;
	cc_cubic.undo(&f.s, f.priv, &p, f.now);
	ck_assert_uint_eq(f.s.cwnd, was.s.cwnd);
	ck_assert_uint_eq(f.s.ssthresh, was.s.ssthresh);
	for (unsigned i = 0; i < 50; i++) {
		ack_one(&f, MSS, TCPD_MS(10), TCPD_MS(100), FULL);
		ack_one(&was, MSS, TCPD_MS(10), TCPD_MS(100), FULL);
		ck_assert_uint_eq(f.s.cwnd, was.s.cwnd);
	}
}
END_TEST

START_TEST(cubic_undo_leaves_a_window_that_has_grown_beyond)
{
	struct cc_prior p = {50 * MSS, 40 * MSS};

	after_loss(100, MSS);
	cc_cubic.undo(&f.s, f.priv, &p, f.now);
	ck_assert_uint_eq(f.s.cwnd, 70 * MSS);
}
END_TEST

START_TEST(cubic_restarts_after_idle_and_finds_back)
{
	begin_one(&f, 100 * MSS, MSS);
	cc_cubic.restart(&f.s, f.priv, 10 * MSS, TCPD_SEC(2), f.now);
	ck_assert_uint_eq(f.s.cwnd, 10 * MSS);
	ck_assert_uint_eq(f.s.ssthresh, UINT32_MAX); /* still the first one */
	after_loss(100, MSS);
	cc_cubic.restart(&f.s, f.priv, 10 * MSS, TCPD_SEC(2), f.now);
	ck_assert_uint_eq(f.s.cwnd, 10 * MSS);
	ck_assert_uint_eq(f.s.ssthresh, 70 * MSS);
}
END_TEST

/*
 * Two flows at one queue: rounds of a round trip of 40 ms; 500 segments fit
 * into path and queue.  Whoever comes later has his share after a minute
 * (RFC 5033).
 */
START_TEST(cubic_flows_that_share_a_path_get_equal_shares)
{
	struct one a, b;
	double sum_a = 0, sum_b = 0, share;

	begin_one(&a, 450 * MSS, MSS);
	begin_one(&b, 10 * MSS, MSS);
	a.s.ssthresh = 450 * MSS;
	b.s.ssthresh = 10 * MSS;
	for (unsigned i = 0; i < 6000; i++) { /* 240 s */
		for (unsigned j = 0; j < 4; j++) {
			ack_one(&a, a.s.cwnd / 4, TCPD_MS(10), TCPD_MS(40),
				FULL);
			ack_one(&b, b.s.cwnd / 4, TCPD_MS(10), TCPD_MS(40),
				FULL);
		}
		if (a.s.cwnd + b.s.cwnd > 500 * MSS) {
			lose(&a, a.s.cwnd);
			lose(&b, b.s.cwnd);
		}
		if (i < 1500)
			continue;
		sum_a += a.s.cwnd;
		sum_b += b.s.cwnd;
	}
	share = sum_a / (sum_a + sum_b);
	ck_assert_msg(share > 0.4 && share < 0.6, "share %g", share);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("cc_cubic");
	TCase *tc = tcase_create("rows");

	suite_add_tcase(s, tc);
	tcase_add_loop_test(tc, cubic_follows_the_curve_of_the_rfc, 0,
			    ARRAY_SIZE(curves));
	tcase_add_loop_test(tc, cubic_k_is_exact_up_to_2_20_segments, 0,
			    ARRAY_SIZE(sizes));
	tcase_add_test(
		tc,
		cubic_grows_by_a_target_between_cwnd_and_half_as_much_again);
	tcase_add_loop_test(tc, cubic_loss_leaves_seven_tenths, 0,
			    ARRAY_SIZE(losses));
	tcase_add_test(tc, cubic_marks_bring_the_window_down_to_a_segment);
	tcase_add_test(tc, cubic_recovery_is_over_when_acks_say_so);
	tcase_add_test(tc,
		       cubic_makes_room_when_it_lost_below_its_last_maximum);
	tcase_add_test(tc,
		       cubic_epoch_after_a_timeout_begins_at_its_own_maximum);
	tcase_add_test(tc, cubic_time_without_text_to_send_does_not_count);
	tcase_add_test(tc, cubic_window_that_is_not_in_use_does_not_grow);
	tcase_add_loop_test(tc, cubic_undo_goes_on_as_if_nothing_had_been, 0,
			    2);
	tcase_add_test(tc, cubic_undo_leaves_a_window_that_has_grown_beyond);
	tcase_add_test(tc, cubic_restarts_after_idle_and_finds_back);
	tcase_add_test(tc, cubic_flows_that_share_a_path_get_equal_shares);
	return rig_run(s);
}
