/* SPDX-License-Identifier: MIT */
/*
 * test_pace_acks.c - a path on which ACKs are few, or come in crowds: the
 * sender gets as much through as where each second segment has its own, and
 * never lets more go at once than its rate takes in a millisecond.
 *
 * LINK: test/unit/rig.c
 */
#include <stdio.h>
#include <string.h>

#include "rig.h"
#include "tcp/pace.h"

#define NACKS 8192

static const struct path {
	const char *name;
	uint64_t rate;	    /* octets a second */
	tcpd_time delay;    /* there and back */
	unsigned each;	    /* an ACK for so many segments ... */
	tcpd_time patience; /* ... or after this time */
	tcpd_time crowd;    /* ACKs pass together, at multiples of this */
	bool tso;
} paths[] = {
	{"100 Mbit/s, 20 ms", 12500000, TCPD_MS(20), 2, TCPD_MS(40), 0, false},
	{"... an ACK for 64 segments", 12500000, TCPD_MS(20), 64, TCPD_MS(10),
	 0, false},
	{"... with super-segments", 12500000, TCPD_MS(20), 64, TCPD_MS(10), 0,
	 true},
	{"... ACKs in crowds of 20 ms", 12500000, TCPD_MS(20), 2, TCPD_MS(40),
	 TCPD_MS(20), false},
	{"20 Mbit/s, 100 ms", 2500000, TCPD_MS(100), 2, TCPD_MS(40), 0, false},
	{"... an ACK for 64 segments", 2500000, TCPD_MS(100), 64, TCPD_MS(40),
	 0, false},
	{"... ACKs in crowds of 20 ms", 2500000, TCPD_MS(100), 2, TCPD_MS(40),
	 TCPD_MS(20), true},
};

/* --- the path: a queue before the bottleneck, a receiver behind it */

static struct {
	const struct path *path;
	tcpd_time idle_at; /* when the queue is empty */
	struct {
		tcpd_time at;
		uint32_t ack;
	} ack[NACKS];
	unsigned in, out;
	unsigned unacked;   /* segments that arrived since the last ACK */
	tcpd_time flush_at; /* when these get theirs */
	uint32_t arrived;   /* sequence number behind the last of them */
	uint64_t octets;    /* that arrived until |end| */
	tcpd_time end;
	double worst; /* what left at once, of what may */
	char worst_is[80];
} wire;

static struct peer p;

static void send_ack(tcpd_time at)
{
	const struct path *w = wire.path;

	at += w->delay;
	if (w->crowd)
		at = (at + w->crowd - 1) / w->crowd * w->crowd;
	wire.ack[wire.in % NACKS].at = at;
	wire.ack[wire.in++ % NACKS].ack = wire.arrived;
	ck_assert_uint_lt(wire.in - wire.out, NACKS);
	wire.unacked = 0;
}

/* A segment of the wire with |len| octets, up to |end|. */
static void carry(uint32_t len, uint32_t end)
{
	const struct path *w = wire.path;

	wire.idle_at = max_u64(rig.now, wire.idle_at) +
		       (len + 40) * TCPD_SEC(1) / w->rate;
	if (wire.unacked && wire.idle_at > wire.flush_at)
		send_ack(wire.flush_at);
	if (!wire.unacked)
		wire.flush_at = wire.idle_at + w->patience;
	wire.arrived = end;
	if (wire.idle_at <= wire.end)
		wire.octets += len;
	if (++wire.unacked >= w->each)
		send_ack(wire.idle_at);
}

/* What goes now; the first ten segments ever may go as one. */
static void send_all(void)
{
	uint64_t rate = pace_rate(rig.t, p.c);
	uint32_t may = max_u32((uint32_t)(rate >> 10), 2 * RIG_MSS);
	bool first = p.c->data_segs_out < 10;
	struct packet k;
	uint32_t sum = 0;

	while (rig_out(&k)) {
		sum += k.len;
		for (uint32_t at = 0; at < k.len; at += RIG_MSS) {
			uint32_t len = min_u32(k.len - at, RIG_MSS);

			carry(len, k.seq + at + len);
		}
	}
	if (first || sum <= wire.worst * may)
		return;
	wire.worst = (double)sum / may;
	(void)snprintf(wire.worst_is, sizeof(wire.worst_is),
		       "%u octets at once, at %llu octets a second", sum,
		       (unsigned long long)rate);
}

static void take_acks(void)
{
	if (wire.unacked && wire.flush_at <= rig.now)
		send_ack(wire.flush_at);
	while (wire.out < wire.in && wire.ack[wire.out % NACKS].at <= rig.now) {
		struct packet k;

		p.ack = wire.ack[wire.out++ % NACKS].ack;
		k = peer_packet(&p, FLAG_ACK);
		rig_in(&k);
	}
}

static tcpd_time next(void)
{
	tcpd_time at = tcpd_expiry(rig.st);

	if (wire.unacked)
		at = min_u64(at, wire.flush_at);
	if (wire.out < wire.in)
		at = min_u64(at, wire.ack[wire.out % NACKS].at);
	return at;
}

/* The app always has more. */
static void fill_up(void)
{
	static uint8_t text[65536];

	while (conn_unsent(p.c) < 4 * sizeof(text) &&
	       tcpd_send(rig.st, p.h, text, sizeof(text), rig.now) > 0)
		;
}

/* Octets a second that arrive within |time|. */
static double goodput(const struct path *path, uint8_t cc, bool lost,
		      tcpd_time time)
{
	rig_settings();
	rig.set.memory = 64u << 20;
	rig.set.conn.send_buffer = 16u << 20;
	rig.set.conn.congestion = cc;
	rig.set.pacing = true;
	rig.set.tso4 = rig.set.csum = path->tso;
	rig_start();
	memset(&wire, 0, sizeof(wire));
	wire.path = path;
	p = peer_new(4, 0, 80);
	p.with_wscale = true;
	p.wscale = 10;
	ck_assert_int_eq(tcpd_connect(rig.st, &p.h, &p.us, &p.them, rig.now),
			 0);
	peer_take(&p, FLAG_SYN);
	rig_pass(path->delay);
	peer_send(&p, FLAG_SYN | FLAG_ACK, NULL, 0);
	peer_take(&p, FLAG_ACK);
	p.c = stack_conn(rig.st, p.h);
	if (lost) /* slow start ends as before a queue as long as the path */
		p.c->ccs.ssthresh =
			(uint32_t)(2 * path->rate * path->delay / TCPD_SEC(1));
	for (wire.end = rig.now + time; rig.now < wire.end;) {
		fill_up();
		send_all();
		rig.now = max_u64(next(), rig.now + 1);
		tcpd_expire(rig.st, rig.now);
		take_acks();
	}
	rig_check();
	rig_stop();
	return (double)wire.octets * TCPD_SEC(1) / (double)time;
}

/* --- */

#define TIME TCPD_SEC(3)

static void path_is_as_good(uint8_t cc, bool lost)
{
	double smooth = 0;

	for (unsigned i = 0; i < ARRAY_SIZE(paths); i++) {
		double got = goodput(&paths[i], cc, lost, TIME);

		if (paths[i].name[0] != '.')
			smooth = got;
		ck_assert_msg(wire.worst <= 1, "%s: %s: %s",
			      tcpd_congestion_name((enum tcpd_congestion)cc),
			      paths[i].name, wire.worst_is);
		ck_assert_msg(got >= 0.9 * smooth,
			      "%s: %s: %.0f octets a second, not %.0f",
			      tcpd_congestion_name((enum tcpd_congestion)cc),
			      paths[i].name, got, smooth);
	}
}

/* For those that have a window only: a module with a rate has its own tests. */
START_TEST(pace_makes_few_acks_and_crowds_of_them_as_good_as_many)
{
	if (cc_ops_of((uint8_t)(_i / 2))->own_window)
		return;
	rig_stop(); /* each path has a stack of its own */
	path_is_as_good((uint8_t)(_i / 2), _i % 2);
	rig_settings();
	rig_start();
}
END_TEST

int main(void)
{
	Suite *s = suite_create("pace_acks");
	TCase *tc = rig_case(s, "acks");

	tcase_add_loop_test(
		tc, pace_makes_few_acks_and_crowds_of_them_as_good_as_many, 0,
		2 * TCPD_NCCS);
	return rig_run(s);
}
