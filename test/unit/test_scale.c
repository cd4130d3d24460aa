/* SPDX-License-Identifier: MIT */
/*
 * test_scale.c - tables at their full size: what a half-open and a TIME-WAIT
 * entry cost in memory that is really touched, and a million connections that
 * the server closes first, in virtual time.
 *
 * The stack's memory is asked of the kernel page by page (mincore), so what is
 * counted is what a process would have in RSS.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "stack/stack.h"
#include "tcp/synq.h"
#include "tcp/timewait.h"
#include "test/harness/packet.h"

#define PAGE	   4096u
#define CAP	   262144u
#define PORT	   13
#define SOURCE	   0xc6120000u /* 198.18.0.0, RFC 2544 */
#define NPORTS	   50000u
#define BETWEEN	   TCPD_US(25) /* two connections: 40,000 a second */

/* An assertion of Check's writes down where it is, each time: here that would
 * be ten million times. */
#define MUST(cond) ((cond) ? (void)0 : ck_abort_msg("%s", #cond))

static struct tcpd_settings set;
static struct tcpd_stack *st;
static struct tcp *t;
static tcpd_handle listener;
static tcpd_time now;
static struct tcpd_out out;

static void *map(void *arg, size_t len)
{
	void *p = mmap(NULL, len, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	(void)arg;
	if (p == MAP_FAILED)
		return NULL;
	(void)madvise(p, len, MADV_NOHUGEPAGE); /* they would hide the pages */
	return p;
}

static void discard(void *arg, void *p, size_t len)
{
	(void)arg;
	(void)madvise(p, len, MADV_DONTNEED);
}

static void unmap(void *arg, void *p, size_t len)
{
	(void)arg;
	ck_assert_int_eq(munmap(p, len), 0);
}

/* Octets in pages of |p| that are there; each part begins with a page. */
static size_t touched(void *p, size_t len)
{
	size_t n = (len + PAGE - 1) / PAGE;
	unsigned char *in = malloc(n);
	size_t sum = 0;

	ck_assert_ptr_nonnull(in);
	ck_assert_int_eq(mincore(p, n * PAGE, in), 0);
	for (size_t i = 0; i < n; i++)
		sum += in[i] & 1 ? PAGE : 0;
	free(in);
	return sum;
}

static void start(void)
{
	static const uint8_t ours[16] = {0, 0, 0,    0,	   0,  0,  0, 0,
					 0, 0, 0xff, 0xff, 10, 77, 0, 2};
	const struct tcpd_addr a = {.port = PORT};

	set.map = map;
	set.discard = discard;
	set.unmap = unmap;
	set.naddrs = 1;
	set.addr[0] = (struct tcpd_prefix){.family = 4, .len = 24};
	memcpy(set.addr[0].ip, ours, 16);
	memset(set.key, 7, sizeof(set.key));
	now = TCPD_SEC(1000);
	ck_assert_int_eq(tcpd_new(&st, &set, now), 0);
	t = &st->t;
	listener = 0;
	ck_assert_int_eq(tcpd_listen(st, &listener, &a, 0, NULL, now), 0);
}

static void setup(void)
{
	tcpd_settings_init(&set);
}

static void teardown(void)
{
	tcpd_free(st);
}

static void put32(uint8_t *p, uint32_t v)
{
	for (int i = 0; i < 4; i++)
		p[i] = (uint8_t)(v >> (24 - 8 * i));
}

static uint32_t get32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 |
	       (uint32_t)p[2] << 8 | p[3];
}

/* Segment of client number |k|: the harness's packets are too slow here. */
static void send(uint32_t k, uint8_t flags, uint32_t seq, uint32_t ack)
{
	uint8_t p[44] = {0x45, 0, 0, 40, 0, 0, 0x40, 0, 64, PROTO_TCP};
	uint8_t *s = p + 20;
	uint16_t port = (uint16_t)(1024 + k % NPORTS), sum;
	struct tcpd_packet pkt = {.data = p, .len = 40};

	put32(p + 12, SOURCE + k / NPORTS);
	put32(p + 16, 0x0a4d0002);
	s[0] = (uint8_t)(port >> 8);
	s[1] = (uint8_t)port;
	s[3] = PORT;
	put32(s + 4, seq);
	put32(s + 8, ack);
	s[12] = 0x50;
	s[13] = flags;
	s[14] = s[15] = 0xff;
	if (flags & FLAG_SYN) {
		s[12] = 0x60;
		s[20] = OPTION_MSS;
		s[21] = 4;
		s[22] = 5;
		p[3] = 44;
		pkt.len = 44;
	}
	sum = (uint16_t)~packet_fold(packet_add(0, p, 20));
	p[10] = (uint8_t)(sum >> 8);
	p[11] = (uint8_t)sum;
	pkt.off.flags = TCPD_PKT_CSUM_VALID;
	tcpd_input(st, &pkt, now);
}

/* The stack's next segment, which has |flags|: its SEQ. */
static uint32_t take(uint8_t flags)
{
	MUST(tcpd_output(st, &out, now));
	tcpd_output_done(st, &out, 0, now);
	MUST((out.head[33] & 0xf7) == flags);
	return get32(out.head + 24);
}

static uint32_t open_half(uint32_t k)
{
	send(k, FLAG_SYN, k, 0);
	tcpd_input_done(st, now);
	return take(FLAG_SYN | FLAG_ACK);
}

/* A whole connection: the server sends a line and closes first. */
static void one(uint32_t k)
{
	uint32_t iss = open_half(k);
	struct tcpd_event ev;
	tcpd_handle h;

	send(k, FLAG_ACK, k + 1, iss + 1);
	while (tcpd_next_event(st, &ev))
		;
	MUST(tcpd_accept(st, listener, &h, now) == 0);
	MUST(tcpd_send(st, h, "now\r\n", 5, now) == 5);
	MUST(tcpd_close(st, h, now) == 0);
	tcpd_input_done(st, now);
	take(FLAG_FIN | FLAG_ACK);
	send(k, FLAG_FIN | FLAG_ACK, k + 1, iss + 7);
	tcpd_input_done(st, now);
	take(FLAG_ACK);
	while (tcpd_next_event(st, &ev))
		;
	now += BETWEEN;
	if (tcpd_expiry(st) <= now)
		tcpd_expire(st, now);
}

static size_t table(const struct htab *h)
{
	return touched(h->cell, sizeof(*h->cell) * ((size_t)h->mask + 1));
}

static void say(const char *what, uint32_t n, size_t mem, size_t tab,
		size_t all)
{
	printf("# a %s entry: %.1f octets, %.1f of the table, %.1f in all\n",
	       what, (double)mem / n, (double)tab / n, (double)all / n);
	(void)fflush(stdout);
}

static size_t others(void)
{
	return table(&t->conn_tab) + table(&t->half_tab) + table(&t->tw_tab);
}

/* Of memory |before| there was nothing in any table. */
static void time_wait_is_small(size_t before)
{
	size_t all = touched(st->mem, st->nmem) - before;
	size_t mem = touched(t->tws.mem, (size_t)t->tws.size * t->tws.max);
	size_t tab = table(&t->tw_tab);

	ck_assert_uint_eq(t->tws.count, CAP);
	say("TIME-WAIT", CAP, mem, tab, all);
	ck_assert_uint_le(mem, (size_t)64 * CAP + PAGE);
	ck_assert_uint_le(tab, (size_t)16 * CAP);
	/* what so many connections leave besides does not grow with them */
	ck_assert_uint_le(all, mem + others() + (1u << 20));
}

START_TEST(scale_half_open_entry_costs_96_octets_and_its_place_in_the_table)
{
	const uint32_t n = 100000;
	size_t before, all, mem, tab;

	set.max_half_open = n;
	start();
	before = touched(st->mem, st->nmem);
	for (uint32_t k = 0; k < n; k++)
		open_half(k);
	ck_assert_uint_eq(t->halves.count, n);
	all = touched(st->mem, st->nmem) - before;
	mem = touched(t->halves.mem, (size_t)t->halves.size * t->halves.max);
	tab = table(&t->half_tab);
	say("half-open", n, mem, tab, all);
	ck_assert_uint_le(mem, (size_t)96 * n + PAGE);
	ck_assert_uint_le(tab, (size_t)22 * n);
	ck_assert_uint_le(all, mem + others() + (1u << 20));
}
END_TEST

/* Octets touched; not where nothing but a look is taken: that costs no memory,
 * though mincore() tells of it. */
static size_t written(void)
{
	return touched(st->mem, st->nmem) - table(&t->conn_tab) -
	       table(&t->tw_tab);
}

/* From the first SYN on: the table fills up, is full, and takes in new ones.
 * What is left is the ring of traces. */
START_TEST(scale_flood_touches_nearly_nothing_that_was_not_touched_before)
{
	size_t before;

	set.flood_ready = true;
	start();
	before = written();
	for (uint32_t k = 0; k < 100000; k++) {
		open_half(k);
		now += TCPD_US(5);
	}
	ck_assert_uint_eq(t->halves.count, set.max_half_open);
	ck_assert_uint_le(written(),
			  before + sizeof(struct trace_entry) * NTRACES +
				  (size_t)16 * PAGE);
}
END_TEST

/* Every connect succeeds, the oldest entries go, memory stays where it was
 * when the table was full, and no number is given twice. */
START_TEST(scale_a_million_closes_stay_within_the_cap)
{
#ifdef __SANITIZE_ADDRESS__
	const uint32_t n = CAP + 40000;
#else
	const uint32_t n = 1000000;
#endif
	uint8_t *seen = calloc(1, (size_t)n * 2);
	struct tcpd_cursor cur = {0};
	struct tcpd_status s;
	uint32_t shown = 0;
	size_t before, full = 0;

	ck_assert_ptr_nonnull(seen);
	start();
	before = touched(st->mem, st->nmem);
	for (uint32_t k = 0; k < n; k++) {
		if (k == CAP)
			time_wait_is_small(before);
		if (k == CAP + 1000)
			full = touched(st->mem, st->nmem);
		one(k);
	}
	ck_assert_uint_eq(t->tws.count, CAP);
	ck_assert_uint_eq(t->stat.time_wait_entered, n);
	ck_assert_uint_eq(t->stat.time_wait_evicted, n - CAP);
	ck_assert_uint_eq(t->stat.opens_accepted, n);
	ck_assert_uint_le(touched(st->mem, st->nmem), full + (size_t)16 * PAGE);
	while (tcpd_each(st, &cur, &s, now)) {
		if (s.kind != TCPD_KIND_TIME_WAIT)
			continue;
		shown++;
		MUST(s.id < (uint64_t)n * 2 && !seen[s.id]);
		seen[s.id] = 1;
		/* the newest ones are left */
		MUST(s.timer_left >= TCPD_SEC(60) - (CAP + 1) * BETWEEN);
	}
	ck_assert_uint_eq(shown, CAP);
	free(seen);
	/* and one by one they go */
	now += TCPD_SEC(61);
	tcpd_expire(st, now);
	ck_assert_uint_eq(t->tws.count, 0);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("scale");
	TCase *tc = tcase_create("tables");
	SRunner *r = srunner_create(s);
	int failed;

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 120);
	tcase_add_test(
		tc,
		scale_half_open_entry_costs_96_octets_and_its_place_in_the_table);
	tcase_add_test(
		tc,
		scale_flood_touches_nearly_nothing_that_was_not_touched_before);
	tcase_add_test(tc, scale_a_million_closes_stay_within_the_cap);
	suite_add_tcase(s, tc);
	srunner_set_tap(r, "-");
	srunner_run_all(r, CK_SILENT);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed != 0;
}
