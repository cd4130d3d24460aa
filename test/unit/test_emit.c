/* SPDX-License-Identifier: MIT */
/*
 * test_emit.c - from a plan to octets, read back strictly: checksums over odd
 * slices, whole and partial, offload fields, options, both families.
 *
 * LINK: test/unit/rig.c
 */
#include <string.h>

#include "rig.h"

static struct packet read_back(const struct tcpd_out *out)
{
	const char *wrong;
	struct packet p;

	wrong = packet_strict(&p, rig.buf, out, rig.t->set.mtu);
	ck_assert_msg(!wrong, "%s", wrong);
	return p;
}

static struct conn *conn_of(uint8_t version)
{
	struct conn *c = rig_conn(1000, 5000);

	conn_unhash(rig.t, c);
	c->tu = rig_tuple(version, 80, 40000);
	ck_assert(conn_hash(rig.t, c));
	return c;
}

static struct packet emit(const struct conn *c, uint32_t seq, uint32_t len,
			  uint8_t flags, uint32_t wnd)
{
	struct plan p = {.kind = PLAN_DATA,
			 .mss = c->mss,
			 .conn = conn_slot(rig.t, c),
			 .seq = seq,
			 .len = len,
			 .flags = flags,
			 .ack = flags & TCP_ACK ? c->rcv_nxt : 0,
			 .wnd = wnd};

	memset(&rig.out, 0xa5, sizeof(rig.out));
	emit_segment(rig.t, &rig.out, &p);
	return read_back(&rig.out);
}

/* Any place, any length, one to three slices: where a slice begins decides
 * whether its octets are swapped in the sum. */
START_TEST(emit_sums_any_slices_of_the_queue)
{
	struct rng r = {.state = (uint64_t)_i};
	struct conn *c = conn_of(_i % 2 ? 4 : 6);
	unsigned seen[TCPD_SLICES_MAX + 1] = {0};

	rig.t->set.mtu = 65535;
	rig.t->set.csum = _i >= 2;
	c->mss = 65000;
	for (uint32_t at = 0; at < 100000; at += 100)
		rig_fill(c, 9, at, 100);
	for (unsigned i = 0; i < 2000; i++) {
		uint32_t at = rng_below(&r, 100000);
		uint32_t len = rng_in(&r, 1, min_u32(60000, 100000 - at));
		struct tcpd_slice s[TCPD_SLICES_MAX];
		struct packet p;

		sendq_slices(rig.t, c, 1001 + at, &len, s, TCPD_SLICES_MAX);
		p = emit(c, 1001 + at, len, TCP_ACK, 60000);
		ck_assert_uint_eq(p.len, len);
		ck_assert_uint_eq(p.seq, 1001 + at);
		ck_assert_uint_eq(pattern_same(9, at, p.data, len), len);
		ck_assert_int_eq(p.sum, _i >= 2 ? SUM_PARTIAL : SUM_FULL);
		seen[rig.out.nslices]++;
	}
	for (unsigned i = 1; i <= TCPD_SLICES_MAX; i++)
		ck_assert_uint_gt(seen[i], 0);
}
END_TEST

static const struct off {
	const char *name;
	uint8_t version;
	uint32_t len;
	uint16_t gso, csum_start;
} offs[] = {
	{"one segment, IPv4", 4, 1000, 0, 20},
	{"one segment, IPv6", 6, 1000, 0, 40},
	{"a full segment", 4, RIG_MSS, 0, 20},
	{"one octet more", 4, RIG_MSS + 1, RIG_MSS, 20},
	{"a super-segment, IPv6", 6, 10 * 1440, 1440, 40},
};

START_TEST(emit_says_what_the_device_is_to_do)
{
	const struct off *o = &offs[_i];
	struct conn *c = conn_of(o->version);

	rig.t->set.csum = true;
	c->mss = o->version == 4 ? 1460 : 1440;
	rig_fill(c, 9, 0, 20000);
	emit(c, 1001, o->len, TCP_ACK, 60000);
	ck_assert_msg(rig.out.off.gso_size == o->gso, "%s", o->name);
	ck_assert_uint_eq(rig.out.off.csum_start, o->csum_start);
	ck_assert_uint_eq(rig.out.off.csum_offset, 16);
	ck_assert_uint_eq(rig.out.off.flags, TCPD_PKT_CSUM_PARTIAL);
	ck_assert_uint_eq(rig.out.id, c->id);
}
END_TEST

START_TEST(emit_of_a_syn_offers_and_answers)
{
	struct conn *c = conn_of(4);
	uint32_t val, ecr;
	struct packet p;

	c->state = TCPD_SYN_SENT;
	c->rcv_wscale = rig.set.wscale;
	c->ts = c->sack = true;
	p = emit(c, 1000, 0, TCP_SYN, 65535);
	ck_assert_mem_eq(p.opt + 4, "\4\2\10\12", 4); /* Linux's order */
	ck_assert_int_eq(packet_option(&p, OPTION_MSS), RIG_MSS);
	ck_assert_int_eq(packet_option(&p, OPTION_WSCALE), rig.set.wscale);
	ck_assert(packet_ts(&p, &val, &ecr));
	ck_assert_uint_eq(ecr, 0);
	ck_assert_uint_eq(p.ack, 0);
	ck_assert_uint_eq(p.wnd, 65535); /* a SYN's is not scaled */
	c->state = TCPD_SYN_RECEIVED;
	for (int i = 0; i < 4; i++) { /* only what the peer offered */
		c->ts = i & 1;
		c->wscale = i >> 1;
		p = emit(c, 1000, 0, TCP_SYN | TCP_ACK, 65535);
		ck_assert_int_eq(packet_ts(&p, &val, &ecr), i & 1);
		ck_assert_int_eq(packet_option(&p, OPTION_WSCALE) >= 0, i >> 1);
	}
}
END_TEST

START_TEST(emit_scales_the_window)
{
	struct conn *c = conn_of(4);

	ck_assert_uint_eq(emit(c, 1001, 0, TCP_ACK, 65535).wnd, 65535);
	ck_assert_uint_eq(emit(c, 1001, 0, TCP_ACK, 1u << 20).wnd, 65535);
	c->rcv_wscale = 7;
	ck_assert_uint_eq(emit(c, 1001, 0, TCP_ACK, 1u << 20).wnd, 8192);
	ck_assert_uint_eq(emit(c, 1001, 0, TCP_ACK, 127).wnd, 0);
}
END_TEST

START_TEST(emit_echoes_time_stamps)
{
	struct conn *c = conn_of(6);
	uint32_t val, ecr;
	struct packet p;

	c->ts = true;
	c->ts_recent = 123456;
	rig.t->now += TCPD_MS(77);
	p = emit(c, 1001, 0, TCP_ACK, 1000);
	ck_assert(packet_ts(&p, &val, &ecr));
	ck_assert_uint_eq(val, ts_now(rig.t, &c->tu));
	ck_assert_uint_eq(ecr, 123456);
}
END_TEST

/* A reply of each kind and family. */
START_TEST(emit_reply_is_a_whole_packet)
{
	uint8_t version = _i % 2 ? 4 : 6;
	struct plan p = {.kind = PLAN_REPLY};
	struct reply *r = &p.reply;
	uint32_t val, ecr;
	struct packet k;

	rig.t->set.csum = _i >= 2;
	r->tu = rig_tuple(version, 80, 40000);
	r->kind = REPLY_SEGMENT;
	r->flags = TCP_ACK;
	r->seq = 1;
	r->ack = 2;
	r->wnd = 3;
	r->ts = true;
	r->ts_val = 4;
	r->ts_ecr = 5;
	r->id = 99;
	memset(&rig.out, 0xa5, sizeof(rig.out));
	emit_reply(rig.t, &rig.out, &p);
	k = read_back(&rig.out);
	ck_assert_uint_eq(k.version, version);
	ck_assert_uint_eq(k.sport, 80);
	ck_assert_uint_eq(k.seq, 1);
	ck_assert_uint_eq(k.ack, 2);
	ck_assert_uint_eq(k.wnd, 3);
	ck_assert(packet_ts(&k, &val, &ecr));
	ck_assert_uint_eq(val, 4);
	ck_assert_uint_eq(ecr, 5);
	ck_assert_uint_eq(rig.out.id, 99);
	ck_assert_uint_eq(rig.out.nslices, 0);
	ck_assert_uint_eq(k.ttl, 64); /* MUST-49 */
}
END_TEST

START_TEST(emit_icmp_points_into_its_block)
{
	/* an echo reply, its checksum right (IPv4: no pseudo header) */
	static const uint8_t pong[8] = {0, 0, 0xff, 0xfd, 0, 1, 0, 1};
	struct plan p = {.kind = PLAN_REPLY};
	struct reply *r = &p.reply;
	struct packet k;

	r->tu = rig_tuple(4, 0, 0);
	r->kind = REPLY_ICMP;
	r->protocol = PROTO_ICMP;
	r->tos = 0x20;
	r->block = pool_take(&rig.t->pool, 0);
	r->len = sizeof(pong);
	memcpy(pool_at(&rig.t->pool, r->block), pong, sizeof(pong));
	memset(&rig.out, 0xa5, sizeof(rig.out));
	emit_reply(rig.t, &rig.out, &p);
	k = read_back(&rig.out);
	ck_assert_ptr_eq(rig.out.slice[0].p, pool_at(&rig.t->pool, r->block));
	ck_assert_uint_eq(k.protocol, PROTO_ICMP);
	ck_assert_mem_eq(k.src, rig_our4, 16);
	ck_assert_mem_eq(k.dst, rig_peer4, 16);
	ck_assert_uint_eq(k.tos, 0x20);
	ck_assert_mem_eq(k.data, pong, sizeof(pong));
	ck_assert_uint_eq(rig.out.id, 0);
}
END_TEST

START_TEST(emit_keeps_the_smallest_mtu)
{
	struct conn *c = conn_of(4);
	struct packet p;

	rig.t->set.mtu = 100;
	c->ts = true;
	conn_set_mss(rig.t, c);
	rig_fill(c, 9, 0, 1000);
	p = emit(c, 1001, c->mss, TCP_ACK, 1000);
	ck_assert_uint_eq(p.len, c->mss);
	ck_assert_uint_le(rig.out.len, 100);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("emit");
	TCase *tc = rig_case(s, "octets");

	tcase_add_loop_test(tc, emit_sums_any_slices_of_the_queue, 0, 4);
	tcase_add_loop_test(tc, emit_says_what_the_device_is_to_do, 0,
			    ARRAY_SIZE(offs));
	tcase_add_test(tc, emit_of_a_syn_offers_and_answers);
	tcase_add_test(tc, emit_scales_the_window);
	tcase_add_test(tc, emit_echoes_time_stamps);
	tcase_add_loop_test(tc, emit_reply_is_a_whole_packet, 0, 4);
	tcase_add_test(tc, emit_icmp_points_into_its_block);
	tcase_add_test(tc, emit_keeps_the_smallest_mtu);
	return rig_run(s);
}
