/* SPDX-License-Identifier: MIT */
/*
 * test_pmtu.c - the table of what is known of peers' paths; what a router's
 * word and a time-out make of a connection's path MTU; when a probe is due.
 *
 * LINK: test/unit/rig.c
 */
#include "rig.h"

static void peer_of(uint8_t ip[16], uint32_t n)
{
	static const uint8_t first[16] = RIG_IP4(10, 0, 0, 0);

	memcpy(ip, first, 16);
	ip[12] = 10;
	ip[13] = (uint8_t)(n >> 16);
	ip[14] = (uint8_t)(n >> 8);
	ip[15] = (uint8_t)n;
}

static struct conn *conn(uint8_t version)
{
	struct conn *c = rig_conn(1000, 1);

	if (version == 6) {
		conn_unhash(rig.t, c);
		c->tu = rig_tuple(6, 80, 40000);
		ck_assert(conn_hash(rig.t, c));
	}
	c->advmss = tcp_advmss(rig.t, &c->tu);
	c->peer_mss = (uint16_t)c->advmss;
	conn_set_mss(rig.t, c);
	c->ccs.cwnd = 20 * c->mss;
	c->snd_wnd = c->max_snd_wnd = 1u << 20;
	return c;
}

START_TEST(pmtu_of_a_peer_is_kept_for_ten_minutes)
{
	uint8_t a[16], b[16];

	peer_of(a, 1);
	peer_of(b, 2);
	ck_assert_ptr_null(pmtu_known(rig.t, a));
	pmtu_too_big_for(rig.t, a, 1400, 0);
	ck_assert_uint_eq(pmtu_known(rig.t, a)->mtu, 1400);
	ck_assert_int_eq(pmtu_known(rig.t, a)->how, TCPD_PMTU_ICMP);
	ck_assert_ptr_null(pmtu_known(rig.t, b));
	pmtu_too_big_for(rig.t, a, 1450, 0); /* never up */
	ck_assert_uint_eq(pmtu_known(rig.t, a)->mtu, 1400);
	rig_pass(PMTU_AGE - TCPD_MS(1));
	ck_assert_ptr_nonnull(pmtu_known(rig.t, a));
	rig_pass(TCPD_MS(1));
	ck_assert_ptr_null(pmtu_known(rig.t, a));
	pmtu_too_big_for(rig.t, a, 1450, 0);
	ck_assert_uint_eq(pmtu_known(rig.t, a)->mtu, 1450);
}
END_TEST

/* Whatever comes: no more cells than there are, and the newest is known. */
START_TEST(pmtu_table_is_bounded_and_its_oldest_give_way)
{
	uint8_t ip[16];
	uint32_t known = 0, old = 0;

	for (uint32_t i = 0; i < 4 * PMTU_CELLS; i++) {
		peer_of(ip, i);
		pmtu_too_big_for(rig.t, ip, 1400, 0);
		ck_assert_ptr_nonnull(pmtu_known(rig.t, ip));
		if (i % 64 == 0)
			rig_pass(TCPD_MS(1));
	}
	for (uint32_t i = 0; i < 4 * PMTU_CELLS; i++) {
		peer_of(ip, i);
		known += pmtu_known(rig.t, ip) != NULL;
		old += i < PMTU_CELLS && pmtu_known(rig.t, ip);
	}
	ck_assert_uint_le(old, PMTU_CELLS / 100);
	ck_assert_uint_le(known, PMTU_CELLS);
	ck_assert_uint_ge(known, PMTU_CELLS * 9 / 10);
}
END_TEST

static const struct word {
	const char *name;
	uint8_t version;
	uint32_t mtu, quoted, had; /* had: 0: the device's */
	uint32_t want;		   /* 0: as before */
} words[] = {
	{"a tunnel", 4, 1400, 1500, 0, 1400},
	{"a tunnel, IPv6", 6, 1400, 1500, 0, 1400},
	{"the same again", 4, 1400, 1400, 1400, 0},
	{"more", 4, 1401, 1500, 1400, 0},
	{"below RFC 791's", 4, 40, 1500, 0, 552},
	{"below IPv6's", 6, 1279, 1500, 0, 0},
	{"IPv6's", 6, 1280, 1500, 0, 1280},
	{"nothing, of 1500", 4, 0, 1500, 0, 1492},
	{"nothing, of 1492", 4, 0, 1492, 0, 1006},
	{"nothing, of 1007", 4, 0, 1007, 0, 1006},
	{"nothing, of 1006", 4, 0, 1006, 0, 552},
	{"nothing, and quotes nothing", 4, 0, 0, 0, 1492},
	{"nothing, of more than was sent", 4, 0, 60000, 0, 1492},
	{"nothing, of an ACK", 4, 0, 52, 0, 1492},
	{"nothing, at the floor", 4, 0, 552, 552, 0},
	{"nothing, IPv6", 6, 0, 1500, 0, 0},
};

START_TEST(pmtu_falls_to_what_a_router_says)
{
	const struct word *w = &words[_i];
	struct conn *c = conn(w->version);
	uint32_t is;

	if (w->had) {
		c->pmtu = w->had;
		c->pmtu_how = TCPD_PMTU_PROBING;
	}
	pmtu_too_big(rig.t, c, w->mtu, w->quoted, c->snd_una);
	is = w->want ? w->want : w->had ? w->had : 1500;
	ck_assert_msg(pmtu_now(rig.t, c) == is, "%s: %u", w->name,
		      pmtu_now(rig.t, c));
	ck_assert_int_eq(pmtu_how(rig.t, c), w->want  ? TCPD_PMTU_ICMP
					     : w->had ? TCPD_PMTU_PROBING
						      : TCPD_PMTU_DEVICE);
	ck_assert_uint_eq(rig.t->stat.drops[TCPD_DROP_ICMP_MTU], !w->want);
	ck_assert_uint_eq(pmtu_known(rig.t, c->tu.peer) != NULL, w->want != 0);
}
END_TEST

static const struct hole {
	const char *name;
	uint8_t version;
	uint32_t text, mss; /* of the segment that vanishes; of the peer */
	uint8_t nrexmt;	    /* how often it was sent again already */
	uint32_t want;	    /* path MTU from then on; 0: as before */
} holes[] = {
	{"full, sent once", 4, 3000, 1460, 0, 0},
	{"full, sent twice", 4, 3000, 1460, 1, 1024},
	{"full, sent twice, IPv6", 6, 3000, 1440, 1, 1280},
	{"small, sent twice", 4, 984, 1460, 1, 0},
	{"small, sent twice, IPv6", 6, 1220, 1440, 1, 0},
	{"larger than the smaller ones", 4, 985, 1460, 1, 1024},
	{"1040 octets, sent twice", 4, 3000, 1000, 1, 0},
	{"1040 octets, sent six times", 4, 3000, 1000, 5, 1024},
	{"1024 octets, sent six times", 4, 3000, 984, 5, 512},
	{"1024 octets, sent seven times", 4, 3000, 984, 6, 0},
	{"576 octets, sent nine times", 4, 3000, 536, 8, 288},
	{"the least", 4, 3000, 60, 8, 88},
	{"less than the least", 4, 3000, 48, 8, 0},
	{"IPv6's least", 6, 3000, 1220, 8, 0},
};

START_TEST(pmtu_falls_when_full_segments_vanish)
{
	const struct hole *h = &holes[_i];
	struct conn *c = conn(h->version);
	uint32_t used;

	c->peer_mss = (uint16_t)h->mss;
	conn_set_mss(rig.t, c);
	used = pmtu_now(rig.t, c);
	rig_fill(c, 1, 0, h->text);
	conn_want_output(rig.t, c);
	rig_drain();
	c->nrexmt = h->nrexmt;
	pmtu_timeout(rig.t, c);
	ck_assert_msg(pmtu_now(rig.t, c) == (h->want ? h->want : used),
		      "%s: %u", h->name, pmtu_now(rig.t, c));
	ck_assert_uint_eq(rig.t->stat.pmtu_black_holes, h->want != 0);
	ck_assert_uint_eq(c->pmtu_guess, h->want != 0);
	/* a guess is no knowledge yet */
	ck_assert_ptr_null(pmtu_known(rig.t, c->tu.peer));
	c->snd_una += 1;
	pmtu_acked(rig.t, c);
	c->snd_una -= 1;
	ck_assert_uint_eq(pmtu_known(rig.t, c->tu.peer) != NULL, h->want != 0);
	if (h->want) /* nor does a peer's trick starve its neighbours */
		ck_assert_uint_ge(pmtu_known(rig.t, c->tu.peer)->mtu, 552);
}
END_TEST

/* Each of these alone forbids a probe. */
static void none(struct conn *c)
{
	(void)c;
}
static void not_known(struct conn *c)
{
	c->pmtu = 0;
	c->pmtu_how = TCPD_PMTU_DEVICE;
}
static void too_early(struct conn *c)
{
	c->pmtu_at = rig.now + 1;
}
static void another(struct conn *c)
{
	c->mtu_probe = 1400;
}
static void guessed(struct conn *c)
{
	c->pmtu_guess = true;
}
static void found(struct conn *c)
{
	c->pmtu_high = 1300;
}
static void recovers(struct conn *c)
{
	c->recovery = REC_FAST;
}
static void duplicates(struct conn *c)
{
	c->dupacks = 1;
}
static void restarts(struct conn *c)
{
	c->clocked = 1260;
}
static void congested(struct conn *c)
{
	c->ccs.cwnd = 1360 + 3 * 1260 - 1;
}
static void closed_window(struct conn *c)
{
	c->snd_wnd = 1360 + 3 * 1260 - 1;
}
static void peer_takes_no_more(struct conn *c)
{
	c->peer_mss = 1260;
}
static void small_device(struct conn *c)
{
	(void)c;
	rig.t->set.mtu = 1300;
}

static const struct due {
	const char *name;
	void (*change)(struct conn *c);
	uint32_t want;
} dues[] = {
	{"nothing forbids it", none, 1360},
	{"the device's is in use", not_known, 0},
	{"not yet", too_early, 0},
	{"one is in flight", another, 0},
	{"nothing has arrived since", guessed, 0},
	{"nothing larger arrives", found, 0},
	{"recovery", recovers, 0},
	{"a duplicate ACK", duplicates, 0},
	{"segments that were too big go again", restarts, 0},
	{"a small congestion window", congested, 0},
	{"a small window", closed_window, 0},
	{"the peer's MSS", peer_takes_no_more, 0},
	{"the device's MTU", small_device, 0},
};

START_TEST(pmtu_probe_is_due_when_nothing_forbids_it)
{
	const struct due *d = &dues[_i];
	struct conn *c = conn(4);

	c->pmtu = 1300;
	c->pmtu_how = TCPD_PMTU_ICMP;
	conn_set_mss(rig.t, c);
	rig_fill(c, 1, 0, 1360 + 3 * 1260);
	d->change(c);
	ck_assert_msg(pmtu_probe_len(rig.t, c) == d->want, "%s: %u", d->name,
		      pmtu_probe_len(rig.t, c));
}
END_TEST

/* The device is the limit again: nothing is left to be known. */
START_TEST(pmtu_that_is_the_devices_again_is_forgotten)
{
	struct conn *c = conn(4);

	pmtu_too_big(rig.t, c, 1499, 0, c->snd_una);
	ck_assert_ptr_nonnull(pmtu_known(rig.t, c->tu.peer));
	pmtu_probe_sent(rig.t, c, c->snd_una);
	ck_assert_uint_eq(c->mtu_probe, 1500);
	c->snd_una += 1460;
	c->snd_nxt = c->snd_una;
	pmtu_acked(rig.t, c);
	ck_assert_uint_eq(c->pmtu, 0);
	ck_assert_int_eq(pmtu_how(rig.t, c), TCPD_PMTU_DEVICE);
	ck_assert_uint_eq(c->mss, 1460);
	ck_assert_ptr_null(pmtu_known(rig.t, c->tu.peer));
}
END_TEST

int main(void)
{
	Suite *s = suite_create("pmtu");
	TCase *tc = rig_case(s, "paths");

	tcase_add_test(tc, pmtu_of_a_peer_is_kept_for_ten_minutes);
	tcase_add_test(tc, pmtu_table_is_bounded_and_its_oldest_give_way);
	tcase_add_loop_test(tc, pmtu_falls_to_what_a_router_says, 0,
			    ARRAY_SIZE(words));
	tcase_add_loop_test(tc, pmtu_falls_when_full_segments_vanish, 0,
			    ARRAY_SIZE(holes));
	tcase_add_loop_test(tc, pmtu_probe_is_due_when_nothing_forbids_it, 0,
			    ARRAY_SIZE(dues));
	tcase_add_test(tc, pmtu_that_is_the_devices_again_is_forgotten);
	return rig_run(s);
}
