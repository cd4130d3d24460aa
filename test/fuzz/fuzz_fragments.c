/* SPDX-License-Identifier: MIT */
/*
 * fuzz_fragments.c - reassembly and ICMP fed by a script of octets: pieces of
 * a few datagrams of both families at places near each other, with headers
 * and options from the input, ICMP messages of any kind, and time.  Whatever
 * comes, tcpd_check() stays content, memory keeps to its bound, every packet
 * out is one that the strict reader accepts, and a record goes both ways.
 *
 * A step: what (1 octet), then what it takes.
 */
#include <stdlib.h>
#include <string.h>

#include "base/octets.h"
#include "tcpd.h"
#include "test/harness/memory.h"
#include "test/harness/packet.h"

#define MTU 1500

static struct tcpd_settings set;
static struct memory mem;
static struct tcpd_stack *st;
static tcpd_time now;

static void setup(void)
{
	static const uint8_t four[16] = {0, 0, 0,   0,	 0,  0,	 0, 0,
					 0, 0, 255, 255, 10, 77, 0, 2};
	static const uint8_t six[16] = {0xfd, 0x77, 0, 0, 0, 0, 0, 0,
					0,    0,    0, 0, 0, 0, 0, 2};

	tcpd_settings_init(&set);
	set.max_conns = set.max_listeners = 4;
	set.max_half_open = set.max_time_wait = 4;
	set.memory = 1 << 20;
	set.mtu = MTU;
	set.naddrs = 2;
	set.addr[0] = (struct tcpd_prefix){.family = 4, .len = 24};
	set.addr[1] = (struct tcpd_prefix){.family = 6, .len = 64};
	memcpy(set.addr[0].ip, four, 16);
	memcpy(set.addr[1].ip, six, 16);
	memory_serve(&mem, &set);
}

static void settle(void)
{
	static uint8_t buf[PACKET_MAX];
	struct tcpd_event ev;
	struct tcpd_out out;
	struct packet p;

	tcpd_input_done(st, now);
	while (tcpd_next_event(st, &ev))
		;
	while (tcpd_output(st, &out, now)) {
		if (packet_strict(&p, buf, &out, MTU))
			abort();
		tcpd_output_done(st, &out, 0, now);
	}
	if (tcpd_check(st) || tcpd_stats(st)->now_fragment_blocks > 1 << 17)
		abort();
}

/* An exact-size copy, for ASan. */
static void input(const uint8_t *p, size_t len)
{
	struct tcpd_packet pkt = {.len = (uint32_t)len};
	uint8_t *copy = malloc(len ? len : 1);

	if (!copy)
		abort();
	memcpy(copy, p, len);
	pkt.data = copy;
	tcpd_input(st, &pkt, now);
	settle();
	free(copy);
}

/* Of the next piece: octets of options before it, and what else is unusual. */
static struct {
	uint32_t extra;
	bool far, long_one;
} next;
#define FAR 61440u /* with what a piece has at most, that is beyond 65535 */

/* |extra| octets of padding behind the |head| octets of headers. */
static size_t widen(uint8_t *buf, size_t n, size_t head, uint32_t extra)
{
	bool v4 = head == 20;

	if (v4)
		extra = extra % 44 / 4 * 4;
	if (!extra || n + extra > PACKET_MAX)
		return n;
	memmove(buf + head + extra, buf + head, n - head);
	memset(buf + head, v4, extra); /* no operation */
	n += extra;
	if (v4) {
		buf[0] = (uint8_t)(0x40 | (head + extra) / 4);
		buf[2] = (uint8_t)(n >> 8);
		buf[3] = (uint8_t)n;
		return n;
	}
	buf[4] = (uint8_t)((n - head) >> 8);
	buf[5] = (uint8_t)(n - head);
	buf[head] = buf[6];
	buf[head + 1] = (uint8_t)(extra / 8 - 1);
	buf[head + 2] = 1;
	buf[head + 3] = (uint8_t)(extra - 4);
	buf[6] = 60;
	return n;
}

/* Version, host, id, protocol, place, length, more; then octets of its text. */
static void piece(struct octets *in)
{
	static uint8_t buf[PACKET_MAX + 8], text[PACKET_MAX];
	uint8_t how = octets_u8(in), where = octets_u8(in);
	uint32_t at = (where & 63) * 8u << (where >> 6);
	uint32_t len = octets_u8(in) * (how & 16 ? 8u : 1u);
	uint32_t extra = next.extra;
	bool v4 = how & 1, more = how & 2;
	struct packet p = {.version = v4 ? 4 : 6, .data = text, .len = len};
	size_t n, head = v4 ? 20 : 40, all;
	struct octets some = octets_take(in, octets_u8(in) & 31);

	at += next.far ? FAR : 0;
	p.len = len = next.long_one ? FAR - at % FAR : len;
	memset(&next, 0, sizeof(next));
	/* zeros: with any of them the checksum of an echo is this one (IPv4) */
	memset(text, 0, sizeof(text));
	text[0] = v4 ? 8 : 128;
	text[2] = 0xf7;
	text[3] = 0xff;
	if (at)
		memset(text, 0, 4);
	if (!some.bad)
		memcpy(text, some.p, octets_left(&some));
	p.protocol = how & 4 ? PROTO_TCP + 100 : v4 ? PROTO_ICMP : PROTO_ICMP6;
	memcpy(p.src, set.addr[!v4].ip, 16);
	memcpy(p.dst, p.src, 16);
	p.src[15] = (uint8_t)(9 + (how >> 3 & 1));
	n = packet_build(&p, buf);
	if (v4) {
		uint16_t sum;

		n = widen(buf, n, head, extra);
		all = (buf[0] & 15u) * 4u;
		buf[5] = how >> 5;
		buf[6] = (uint8_t)(at / 8 >> 8 | (more ? 0x20 : 0));
		buf[7] = (uint8_t)(at / 8);
		buf[10] = buf[11] = 0;
		sum = (uint16_t)~packet_fold(packet_add(0, buf, all));
		buf[10] = (uint8_t)(sum >> 8);
		buf[11] = (uint8_t)sum;
	} else {
		memmove(buf + head + 8, buf + head, n - head);
		n += 8;
		buf[4] = (uint8_t)((n - head) >> 8);
		buf[5] = (uint8_t)(n - head);
		memset(buf + head, 0, 8);
		buf[head] = how & 4 ? octets_u8(in) : buf[6];
		buf[head + 2] = (uint8_t)(at >> 8);
		buf[head + 3] = (uint8_t)(at | more);
		buf[head + 7] = how >> 5;
		buf[6] = 44;
		n = widen(buf, n, head, extra);
	}
	input(buf, n);
}

/* A message or payload of any kind behind a right header. */
static void whole(struct octets *in)
{
	static uint8_t buf[PACKET_MAX], text[64];
	uint8_t how = octets_u8(in);
	struct octets some = octets_take(in, octets_u8(in) & 63);
	bool v4 = how & 1;
	struct packet p = {.version = v4 ? 4 : 6, .data = text};
	uint64_t sum = 0;
	uint16_t c;

	if (some.bad)
		return;
	p.len = (uint32_t)octets_left(&some);
	memcpy(text, some.p, p.len);
	memcpy(p.src, set.addr[!v4].ip, 16);
	memcpy(p.dst, p.src, 16);
	p.src[15] = 9;
	p.protocol = how & 2 ? octets_u8(in) : v4 ? PROTO_ICMP : PROTO_ICMP6;
	if (p.protocol == PROTO_TCP)
		return; /* the other target's */
	if (p.len >= 4 && !(how & 4)) {
		text[2] = text[3] = 0;
		if (!v4)
			sum = packet_pseudo(&p, p.len);
		c = (uint16_t)~packet_fold(packet_add(sum, text, p.len));
		text[2] = (uint8_t)(c >> 8);
		text[3] = (uint8_t)c;
	}
	input(buf, packet_build(&p, buf));
}

/* Through a record into a fresh stack. */
static void record(void)
{
	int64_t len = tcpd_save(st, NULL, 0, now);
	struct tcpd_stack *fresh;
	uint8_t *buf = malloc((size_t)len);

	if (!buf || tcpd_save(st, buf, (size_t)len, now) != len ||
	    tcpd_new(&fresh, &set, now) ||
	    tcpd_load(fresh, buf, (size_t)len, now))
		abort();
	tcpd_free(st);
	st = fresh;
	free(buf);
}

/* libFuzzer gives the name */
/* NOLINTNEXTLINE(readability-identifier-naming) */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* NOLINTNEXTLINE(readability-identifier-naming) */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct octets in = octets_of(data, size);
	struct tcpd_addr any = {.port = 9};
	tcpd_handle h = 0;
	struct octets raw;

	setup();
	now = TCPD_SEC(1000);
	memset(&next, 0, sizeof(next));
	/* where a socket is bound, tcpd_check() does not look at every port */
	if (tcpd_new(&st, &set, now) || tcpd_bind(st, &h, &any, 0, now))
		abort();
	while (octets_left(&in) && !in.bad) {
		uint8_t what = octets_u8(&in);

		if (what < 160) {
			piece(&in);
		} else if (what < 200) {
			whole(&in);
		} else if (what < 215) { /* anything at all */
			raw = octets_take(&in, octets_u8(&in));
			if (!raw.bad)
				input(raw.p, octets_left(&raw));
		} else if (what < 240) {
			now += TCPD_MS(1) << (what & 15);
			tcpd_expire(st, now);
			settle();
		} else if (what < 244) {
			record();
		} else {
			what = octets_u8(&in);
			next.extra = (what & 31u) * 8u;
			next.far = what & 32;
			next.long_one = what & 64;
		}
	}
	now += TCPD_SEC(120);
	tcpd_expire(st, now);
	settle();
	if (tcpd_stats(st)->now_fragmented)
		abort();
	tcpd_free(st);
	if (mem.wrong)
		abort();
	return 0;
}
