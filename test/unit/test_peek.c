/* SPDX-License-Identifier: MIT */
/*
 * test_peek.c - whose a packet is; one that is cut short is nobody's.
 * LINK: daemon/peek.c */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/peek.h"
#include "wire/pretty.h"

/* 10.77.0.1:4660 > 10.77.0.2:80, and the same in IPv6; flags to be set. */
static const uint8_t ip4[40] = {
	0x45, 0, 0, 40,	  0,	0, 0x40, 0, 64, 6, 0, 0, 10, 77, 0, 1,	  10,
	77,   0, 2, 0x12, 0x34, 0, 80,	 0, 0,	0, 0, 0, 0,  0,	 0, 0x50, 0};
static const uint8_t ip6[60] = {
	0x60, 0, 0, 0, 0, 20, 6, 64, 0xfd, 0x77, 0,    0,    0, 0, 0,
	0,    0, 0, 0, 0, 0,  0, 0,  1,	   0xfd, 0x77, 0,    0, 0, 0,
	0,    0, 0, 0, 0, 0,  0, 0,  0,	   2,	 0x12, 0x34, 0, 80};

/* clang-format off */
static const struct row {
	const char *name;
	bool v6, out;
	uint8_t flags, protocol, words;
	bool changes;
	uint16_t fragment;
	const char *local, *peer;
} rows[] = {
	{"SYN in", false, false, 0x02, 6, 5, true, 0,
	 "10.77.0.2:80", "10.77.0.1:4660"},
	{"SYN out: the source is ours", false, true, 0x02, 6, 5, true, 0,
	 "10.77.0.1:4660", "10.77.0.2:80"},
	{"FIN", false, false, 0x11, 6, 5, true, 0,
	 "10.77.0.2:80", "10.77.0.1:4660"},
	{"RST", false, false, 0x04, 6, 5, true, 0,
	 "10.77.0.2:80", "10.77.0.1:4660"},
	{"ACK changes nothing", false, false, 0x10, 6, 5, false, 0,
	 "10.77.0.2:80", "10.77.0.1:4660"},
	{"IPv6", true, false, 0x02, 6, 0, true, 0,
	 "[fd77::2]:80", "[fd77::1]:4660"},
	{"IPv6 out", true, true, 0x10, 6, 0, false, 0,
	 "[fd77::1]:4660", "[fd77::2]:80"},
	{"not TCP: addresses alone", false, false, 0x02, 1, 5, false, 0,
	 "10.77.0.2:0", "10.77.0.1:0"},
	{"a later fragment has no ports", false, false, 0x02, 6, 5, false, 0x0001,
	 "10.77.0.2:0", "10.77.0.1:0"},
	{"options beyond the packet", false, false, 0x02, 6, 15, false, 0,
	 "10.77.0.2:0", "10.77.0.1:0"},
};
/* clang-format on */

static const char *addr(const struct tcpd_addr *a)
{
	static char buf[2][PRETTY_ADDR_MAX];
	static int i;

	i = !i;
	return pretty_addr(buf[i], a);
}

START_TEST(peek_tells_sides_ports_and_flags)
{
	const struct row *r = &rows[_i];
	size_t len = r->v6 ? sizeof(ip6) : sizeof(ip4);
	uint8_t *p = malloc(len);
	struct peek k;

	memcpy(p, r->v6 ? ip6 : ip4, len);
	p[len - 20 + 13] = r->flags;
	p[r->v6 ? 6 : 9] = r->protocol;
	if (!r->v6) {
		p[0] = (uint8_t)(0x40 | r->words);
		p[6] |= (uint8_t)(r->fragment >> 8);
		p[7] = (uint8_t)r->fragment;
	}
	peek_at(&k, r->out, p, len);
	ck_assert_msg(strcmp(addr(&k.local), r->local) == 0, "%s: local %s",
		      r->name, addr(&k.local));
	ck_assert_msg(strcmp(addr(&k.peer), r->peer) == 0, "%s: peer %s",
		      r->name, addr(&k.peer));
	ck_assert_msg(k.changes == r->changes, "%s", r->name);
	free(p);
}
END_TEST

START_TEST(peek_reads_nothing_beyond_a_packet_cut_anywhere)
{
	for (int v6 = 0; v6 < 2; v6++) {
		const uint8_t *whole = v6 ? ip6 : ip4;
		size_t tcp = v6 ? 40 : 20;

		for (size_t len = 0; len < tcp + 14; len++) {
			uint8_t *p = malloc(len ? len : 1);
			struct peek k;

			memcpy(p, whole, len);
			peek_at(&k, false, p, len);
			ck_assert(!k.changes);
			if (len < tcp)
				ck_assert_uint_eq(k.local.port, 0);
			free(p);
		}
	}
}
END_TEST

int main(void)
{
	Suite *s = suite_create("peek");
	TCase *tc = tcase_create("packets");
	SRunner *sr = srunner_create(s);
	int failed;

	tcase_add_loop_test(tc, peek_tells_sides_ports_and_flags, 0,
			    (int)(sizeof(rows) / sizeof(rows[0])));
	tcase_add_test(tc, peek_reads_nothing_beyond_a_packet_cut_anywhere);

	suite_add_tcase(s, tc);
	srunner_set_tap(sr, "-");
	srunner_run_all(sr, CK_SILENT);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed != 0;
}
