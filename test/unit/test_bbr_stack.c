/* SPDX-License-Identifier: MIT */
/*
 * test_bbr_stack.c - BBR in the place where it works: a connection of the real
 * stack, its samples, its pacing and its bursts, over a link in virtual time.
 *
 * LINK: test/unit/rig.c
 */
#include <string.h>

#include "rig.h"
#include "tcp/bbr.h"

#define NACKS 8192

/* |rate| octets of text a second, then |delay| there and back. */
static struct {
	uint64_t rate;
	tcpd_time delay, idle_at, queued_max;
	struct {
		tcpd_time at;
		uint32_t ack;
	} ack[NACKS];
	unsigned in, out;
	uint32_t burst, burst_max;
} wire;

static struct peer p;

static const struct bbr *state(void)
{
	return (const struct bbr *)flow_of(rig.t, p.c)->cc;
}

static void open_link(uint64_t rate, tcpd_time delay)
{
	memset(&wire, 0, sizeof(wire));
	wire.rate = rate;
	wire.delay = delay;
	rig.set.conn.congestion = TCPD_CC_BBR;
	rig_restart();
	p = peer_new(4, 0, 80);
	p.with_wscale = true;
	p.wscale = 10;
	peer_connect(&p);
	p.us.port = p.c->tu.lport;
	p.c->snd_max = 8u << 20;
	p.c->srtt = p.c->min_rtt = 0; /* the handshake took no time */
}

static void send_all(void)
{
	struct packet k;

	while (rig_out(&k)) {
		tcpd_time from = max_u64(rig.now, wire.idle_at);

		if (!k.len)
			continue;
		wire.burst += k.len;
		wire.burst_max = max_u32(wire.burst_max, wire.burst);
		wire.queued_max = max_u64(wire.queued_max, from - rig.now);
		wire.idle_at = from + k.len * TCPD_SEC(1) / wire.rate;
		wire.ack[wire.in % NACKS].at = wire.idle_at + wire.delay;
		wire.ack[wire.in++ % NACKS].ack = k.seq + k.len;
		ck_assert_uint_lt(wire.in - wire.out, NACKS);
	}
}

/* Steps of 100 us; the app has as much as fits, if |app|. */
static void run(tcpd_time time, bool app)
{
	static uint8_t text[65536];

	for (tcpd_time end = rig.now + time; rig.now < end;) {
		rig_pass(TCPD_US(100));
		wire.burst = 0;
		while (wire.out < wire.in &&
		       wire.ack[wire.out % NACKS].at <= rig.now) {
			p.ack = wire.ack[wire.out++ % NACKS].ack;
			peer_send(&p, FLAG_ACK, NULL, 0);
			send_all();
		}
		while (app &&
		       tcpd_send(rig.st, p.h, text, sizeof(text), rig.now) > 0)
			;
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

START_TEST(bbr_fills_its_path_with_the_whole_stack)
{
	const struct path *path = &paths[_i];
	uint64_t then, got;

	open_link(path->rate, path->delay);
	run(TCPD_SEC(2), true);
	then = p.c->octets_acked;
	wire.queued_max = 0;
	run(TCPD_SEC(1), true);
	got = p.c->octets_acked - then;
	ck_assert_msg(got * 100 >= path->rate * 95, "%s: %llu octets",
		      path->name, (unsigned long long)got);
	ck_assert_uint_ge(bbr_max_bw(state()) * 100, path->rate * 98);
	ck_assert_uint_le(bbr_max_bw(state()) * 100, path->rate * 102);
	ck_assert_uint_le(state()->min_rtt,
			  path->delay + 2 * 1460 * TCPD_SEC(1) / path->rate +
				  TCPD_US(200));
	ck_assert_uint_ge(state()->min_rtt, path->delay);
}
END_TEST

START_TEST(bbr_leaves_no_burst_after_an_idle_time_with_the_whole_stack)
{
	open_link(12500000, TCPD_MS(10));
	run(TCPD_SEC(2), true);
	run(TCPD_SEC(2), false);
	ck_assert_uint_eq(conn_flight(p.c), 0);
	ck_assert(state()->full_bw_reached);
	wire.burst_max = 0;
	wire.queued_max = 0;
	run(TCPD_MS(8), true);
	ck_assert(state()->idle_restart);
	ck_assert_uint_le(wire.burst_max, 2 * 12500);
	ck_assert_uint_le(wire.queued_max, TCPD_MS(3));
	ck_assert_uint_ge(conn_flight(p.c), 12500 * 6);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("bbr_stack");
	TCase *tc = rig_case(s, "link");

	tcase_add_loop_test(tc, bbr_fills_its_path_with_the_whole_stack, 0,
			    ARRAY_SIZE(paths));
	tcase_add_test(
		tc,
		bbr_leaves_no_burst_after_an_idle_time_with_the_whole_stack);
	return rig_run(s);
}
