/* SPDX-License-Identifier: MIT */
/*
 * pieces.c - echo requests in fragments, by hand, and forged ICMP errors.
 *
 *	pieces 4|6 near|far DEV SRC DST cases
 *	pieces 4|6 near DEV SRC DST flood RATE SECONDS SOURCES
 *	pieces 4|6 near DEV SRC DST forge TYPE CODE PORT PORT SEQ
 *
 * near: into the interface DEV of somebody else; far: DEV is a TUN that is
 * made here, so what it sends arrives at the kernel.
 *
 * cases prints a line for each way to cut or to overlap: its name and whether
 * the echo was answered.  An echo in one piece tells when all before it have
 * been seen, so nothing waits for time.
 *
 * flood sends RATE fragments a second that belong to nothing, from SOURCES
 * addresses, and beside them an honest echo in 2 to 45 shuffled fragments a
 * hundred times a second: "honest N answered N junk N".
 *
 * forge sends an error to DST about its segment PORT > SRC:PORT at SEQ.
 */
#include <arpa/inet.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shot.h"

enum { PIECES = 6, MANY = 45, MOST = 1080 };

struct piece {
	uint16_t at, len;
	bool more;
};

static struct shot base;
static struct line line;
static uint32_t next_id; /* never that of a run before */
static uint8_t packet[SHOT_MAX];

static void die(const char *what)
{
	perror(what);
	exit(1);
}

/* The message of an echo request, number |n|, of |len| octets. */
static void message(uint8_t *m, uint16_t len, uint16_t n)
{
	bool v4 = base.family == AF_INET;

	memset(m, 0, 8);
	for (unsigned i = 8; i < len; i++)
		m[i] = (uint8_t)i;
	m[0] = v4 ? 8 : 128;
	raw_put16(m + 6, n);
	raw_put16(m + 2, v4 ? raw_fold(raw_add(0, m, len))
			    : shot_sum(&base, m, len, IPPROTO_ICMPV6));
}

/* One piece of |m| out. */
static void put(const struct shot *s, const uint8_t *m, struct piece k,
		uint32_t id)
{
	bool v4 = s->family == AF_INET;
	size_t head = v4 ? shot_ip4(s, packet, k.len)
			 : shot_ip6(s, packet, k.len + 8u);

	if (v4) {
		packet[9] = IPPROTO_ICMP;
		raw_put16(packet + 4, id & 0xffff);
		raw_put16(packet + 6, k.at / 8u | (k.more ? 0x2000u : 0));
		raw_put16(packet + 10, 0);
		raw_put16(packet + 10, raw_fold(raw_add(0, packet, 20)));
	} else {
		packet[6] = 44;
		packet[head] = IPPROTO_ICMPV6;
		packet[head + 1] = 0;
		raw_put16(packet + head + 2, k.at | k.more);
		raw_put32(packet + head + 4, id);
		head += 8;
	}
	memcpy(packet + head, m + k.at, k.len);
	while (line_put(&line, packet, head + k.len)) {
		if (errno != ENOBUFS && errno != EAGAIN)
			die("send");
		(void)poll(NULL, 0, 1);
	}
}

/* The number of the echo that comes next, 0: none until |until|. */
static uint16_t answered(double until)
{
	static uint8_t in[65536];
	bool v4 = base.family == AF_INET;
	size_t n;

	while ((n = line_get(&line, in, sizeof(in), until)) != 0) {
		const uint8_t *t = in + (v4 ? 20 : 40);

		if (in[0] >> 4 == (v4 ? 4 : 6) && n >= (v4 ? 28u : 48u) &&
		    in[v4 ? 9 : 6] == (v4 ? IPPROTO_ICMP : IPPROTO_ICMPV6) &&
		    t[0] == (v4 ? 0 : 129))
			return raw_get16(t + 6);
	}
	return 0;
}

/* Pieces of 80 octets; a length of 0 ends them. */
static const struct one {
	const char *name;
	struct piece p[PIECES];
} cases[] = {
	{"in order", {{0, 40, 1}, {40, 40, 0}}},
	{"the last one first", {{40, 40, 0}, {0, 40, 1}}},
	{"exact duplicate", {{0, 40, 1}, {0, 40, 1}, {40, 40, 0}}},
	{"overlap 1: same end, longer", {{40, 40, 0}, {32, 48, 0}, {0, 40, 1}}},
	{"overlap 2: same start, longer",
	 {{0, 40, 1}, {0, 48, 1}, {48, 32, 0}}},
	{"overlap 3: the tail of the one before", {{0, 40, 1}, {32, 48, 0}}},
	{"overlap 4: the head of the one behind", {{40, 40, 0}, {0, 48, 1}}},
	{"overlap 5: around another", {{32, 16, 1}, {0, 56, 1}, {56, 24, 0}}},
	{"overlap 6: over two and the gap",
	 {{0, 32, 1}, {56, 24, 0}, {24, 40, 1}, {32, 24, 1}}},
	{"overlap 7: teardrop", {{0, 40, 1}, {24, 8, 0}, {40, 40, 0}}},
	{"overlap 8: a second end", {{40, 40, 0}, {40, 32, 0}, {0, 40, 1}}},
	{"overlap 9: beyond the end", {{40, 40, 0}, {80, 16, 1}, {0, 40, 1}}},
	{"odd length", {{0, 37, 1}, {40, 40, 0}}},
	{"inside another", {{0, 56, 1}, {32, 16, 1}, {56, 24, 0}}},
	{"inside another, same start", {{0, 40, 1}, {0, 32, 1}, {40, 40, 0}}},
};
#define NCASES (sizeof(cases) / sizeof(cases[0]))

static unsigned ready(void)
{
	uint8_t m[8];

	for (unsigned i = 0; i < 500; i++) {
		message(m, 8, 0xffff);
		put(&base, m, (struct piece){0, 8, 0}, next_id++);
		if (answered(line_now() + 0.01) == 0xffff)
			return 1;
	}
	return 0;
}

static int run_cases(void)
{
	uint8_t m[MOST + 64];
	bool got[NCASES] = {false};
	uint16_t n;

	if (!ready())
		return 1;
	for (uint16_t i = 0; i < NCASES; i++) {
		message(m, 80, (uint16_t)(i + 1));
		for (unsigned k = 0; k < PIECES && cases[i].p[k].len; k++)
			put(&base, m, cases[i].p[k], next_id);
		next_id++;
	}
	message(m, 8, 1000);
	put(&base, m, (struct piece){0, 8, 0}, next_id++);
	while ((n = answered(line_now() + 10)) != 1000) {
		if (!n)
			return 1;
		if (n <= NCASES)
			got[n - 1] = true;
	}
	for (unsigned i = 0; i < NCASES; i++)
		printf("%s: %s\n", cases[i].name,
		       got[i] ? "answered" : "silence");
	return 0;
}

/* 2 to 45 pieces, shuffled. */
static void honest(uint16_t n)
{
	static uint8_t m[MOST];
	struct piece p[MANY];
	unsigned k = 2 + n % (MANY - 1);
	uint16_t size = (uint16_t)(MOST / k / 8 * 8);

	message(m, MOST, n);
	for (unsigned i = 0; i < k; i++) {
		uint16_t at = (uint16_t)(i * size);
		struct piece one = {at, size, i + 1 < k};
		unsigned to = (unsigned)rand() % (i + 1);

		if (!one.more)
			one.len = (uint16_t)(MOST - at);
		p[i] = p[to];
		p[to] = one;
	}
	for (unsigned i = 0; i < k; i++)
		put(&base, m, p[i], next_id);
	next_id++;
}

static void junk(unsigned i, unsigned sources)
{
	static const uint8_t octets[64];
	struct shot s = base;
	unsigned from = (unsigned)rand() % sources;
	bool first = i & 1;

	/* 198.18.0.0/15, and as many of a network of documentation */
	if (s.family == AF_INET) {
		raw_put32(s.src, 0xc6120000u + 1 + from);
	} else {
		memcpy(s.src, "\x20\x01\x0d\xb8", 4);
		raw_put32(s.src + 12, 1 + from);
	}
	put(&s, octets,
	    (struct piece){first ? 0 : (uint16_t)(8 * (1 + rand() % 4)), 32,
			   first || rand() % 2},
	    (uint32_t)rand());
}

static int flood(unsigned rate, double seconds, unsigned sources)
{
	unsigned sent = 0, back = 0, thrown = 0;
	double began;

	if (!ready())
		return 1;
	began = line_now();
	for (;;) {
		double passed = line_now() - began;
		unsigned due = (unsigned)(passed * rate);

		if (passed >= seconds)
			break;
		while (thrown < due)
			junk(thrown++, sources);
		if (sent < (unsigned)(passed * 100))
			honest((uint16_t)++sent);
		while (answered(0))
			back++;
		(void)poll(NULL, 0, 1);
	}
	while (back < sent && answered(line_now() + 0.5))
		back++;
	printf("honest %u answered %u junk %u\n", sent, back, thrown);
	return 0;
}

static int forge(char **arg)
{
	bool v4 = base.family == AF_INET;
	struct shot quote = base;
	uint8_t m[8 + 60] = {0};
	size_t n;

	memcpy(quote.src, base.dst, 16);
	memcpy(quote.dst, base.src, 16);
	quote.sport = (uint16_t)atoi(arg[2]);
	quote.dport = (uint16_t)atoi(arg[3]);
	quote.seq = (uint32_t)strtoul(arg[4], NULL, 10);
	quote.flags = 16;
	n = shot_build(&quote, packet) - 12; /* 8 octets of TCP */
	memcpy(m + 8, packet, n);
	n += 8;
	m[0] = (uint8_t)atoi(arg[0]);
	m[1] = (uint8_t)atoi(arg[1]);
	raw_put16(m + 2, v4 ? raw_fold(raw_add(0, m, n))
			    : shot_sum(&base, m, n, IPPROTO_ICMPV6));
	n += v4 ? shot_ip4(&base, packet, n) : shot_ip6(&base, packet, n);
	packet[v4 ? 9 : 6] = v4 ? IPPROTO_ICMP : IPPROTO_ICMPV6;
	if (v4) {
		raw_put16(packet + 10, 0);
		raw_put16(packet + 10, raw_fold(raw_add(0, packet, 20)));
	}
	memcpy(packet + (v4 ? 20 : 40), m, n - (v4 ? 20 : 40));
	return line_put(&line, packet, n) != 0;
}

int main(int argc, char **argv)
{
	if (argc < 7)
		return 2;
	next_id = (uint32_t)(line_now() * 1000);
	base.family = atoi(argv[1]) == 6 ? AF_INET6 : AF_INET;
	if (inet_pton(base.family, argv[4], base.src) != 1 ||
	    inet_pton(base.family, argv[5], base.dst) != 1)
		return 2;
	if (line_open(&line, base.family, strcmp(argv[2], "far") == 0, argv[3]))
		die(argv[3]);
	if (strcmp(argv[6], "cases") == 0)
		return run_cases();
	if (strcmp(argv[6], "flood") == 0 && argc == 10)
		return flood((unsigned)atoi(argv[7]), atof(argv[8]),
			     (unsigned)atoi(argv[9]));
	if (strcmp(argv[6], "forge") == 0 && argc == 12)
		return forge(argv + 7);
	return 2;
}
