/* SPDX-License-Identifier: MIT */
/*
 * test_ecn_path.c - ECN over paths that do with marks what they should not:
 * two stacks, a bottleneck with a queue between them, virtual time.  Each fault
 * has to be noticed within three time-outs, and then costs no more than a tenth
 * of what goes through without ECN.
 *
 * LINK: test/unit/rig.c
 */
#include <stdlib.h>
#include <string.h>

#include "rig.h"

#define START	 TCPD_SEC(1000)
#define RATE	 6250000u /* octets a second: 50 Mbit/s */
#define DELAY	 TCPD_MS(10)
#define QUEUE	 150000u /* octets: a little more than one BDP */
#define TOTAL	 24000000u
#define NFLIGHTS 1024u
#define SIDES	 2

enum fault {
	F_NONE,
	F_ALL_CE,     /* what is marked arrives as CE */
	F_REALLY_ALL, /* what is not marked, too */
	F_CLEARED,    /* nothing arrives marked */
	F_DROPPED,    /* what is marked is dropped */
	F_AQM	      /* above half of the queue: marked, or else dropped */
};

struct flight {
	tcpd_time at;
	uint32_t len;
	uint8_t *data;
};

/* One direction of the link. */
struct way {
	struct flight q[NFLIGHTS];
	unsigned first, n;
	tcpd_time free_at; /* the line has sent all before */
};

struct side {
	struct memory mem;
	struct tcpd_settings set;
	struct tcpd_stack *st;
	tcpd_handle h;
	bool open;
	uint64_t sent, got, total;
	struct way out;
};

static struct model {
	struct side s[SIDES];
	tcpd_time now, off_at, rto;
	uint64_t timeouts; /* until ECN went off */
	enum fault fault;
	uint8_t version;
	bool after; /* the fault begins half-way */
} m;

/* --- the path */

static uint8_t mark_of(const uint8_t *p)
{
	return p[0] >> 4 == 4 ? p[1] & 3 : p[1] >> 4 & 3;
}

static void set_mark(uint8_t *p, uint8_t mark)
{
	uint32_t sum = 0;

	if (p[0] >> 4 == 6) {
		p[1] = (uint8_t)((p[1] & 0xcf) | mark << 4);
		return;
	}
	p[1] = (uint8_t)((p[1] & 0xfc) | mark);
	p[10] = p[11] = 0;
	sum = (uint16_t)~packet_fold(packet_add(0, p, 20));
	p[10] = (uint8_t)(sum >> 8);
	p[11] = (uint8_t)sum;
}

static bool faulty(void)
{
	return !m.after || m.s[1].got >= TOTAL / 2;
}

/* False: it is dropped. */
static bool cross(uint8_t *p, uint32_t queued)
{
	uint8_t mark = mark_of(p);

	switch (m.fault) {
	case F_NONE:
		break;
	case F_ALL_CE:
		if (mark && faulty())
			set_mark(p, 3);
		break;
	case F_REALLY_ALL:
		set_mark(p, 3);
		break;
	case F_CLEARED:
		set_mark(p, 0);
		break;
	case F_DROPPED:
		return !mark || !faulty();
	case F_AQM:
		if (queued < QUEUE / 2)
			break;
		if (!mark)
			return false;
		set_mark(p, 3);
		break;
	}
	return true;
}

static void send_out(struct side *s, const struct tcpd_out *o)
{
	struct way *w = &s->out;
	struct flight *f = &w->q[(w->first + w->n) % NFLIGHTS];
	tcpd_time begins = w->free_at > m.now ? w->free_at : m.now;
	uint32_t queued = (uint32_t)((begins - m.now) * RATE / TCPD_SEC(1));
	uint32_t at = o->nhead;

	if (queued + o->len > QUEUE)
		return;
	f->data = malloc(o->len);
	ck_assert_ptr_nonnull(f->data);
	memcpy(f->data, o->head, o->nhead);
	for (unsigned i = 0; i < o->nslices; i++) {
		memcpy(f->data + at, o->slice[i].p, o->slice[i].len);
		at += o->slice[i].len;
	}
	f->len = o->len;
	if (!cross(f->data, queued)) {
		free(f->data);
		return;
	}
	ck_assert_uint_lt(++w->n, NFLIGHTS);
	w->free_at = begins + o->len * TCPD_SEC(1) / RATE;
	f->at = w->free_at + DELAY;
}

/* --- the stacks */

static void side_open(unsigned i, uint8_t ecn)
{
	struct side *s = &m.s[i];

	memset(s, 0, sizeof(*s));
	tcpd_settings_init(&s->set);
	s->set.max_conns = s->set.max_listeners = s->set.max_half_open = 4;
	s->set.max_time_wait = 4;
	s->set.memory = 16u << 20;
	s->set.conn.ecn = ecn;
	s->set.naddrs = 2;
	for (unsigned k = 0; k < 2; k++) {
		struct tcpd_prefix *p = &s->set.addr[k];

		p->family = k ? 6 : 4;
		p->len = k ? 64 : 24;
		if (k)
			p->ip[0] = 0xfd;
		else
			memcpy(p->ip + 10, "\377\377\12\115\0", 5);
		p->ip[15] = (uint8_t)(1 + i);
	}
	s->set.key[0] = (uint8_t)(i + 1);
	memory_serve(&s->mem, &s->set);
	ck_assert_int_eq(tcpd_new(&s->st, &s->set, m.now), 0);
}

static struct tcpd_addr address(unsigned i)
{
	struct tcpd_addr a = {.family = m.version, .port = 80};

	memcpy(a.ip, m.s[i].set.addr[m.version == 6].ip, 16);
	return a;
}

/* The programs write while there is room and read what comes: when they have
 * heard that they may, and so after the handshake. */
static bool work(struct side *s)
{
	static uint8_t text[65536];
	bool any = false;
	int64_t n;

	if (!s->open)
		return false;
	while (s->sent < s->total) {
		size_t len = sizeof(text);

		if (len > s->total - s->sent)
			len = (size_t)(s->total - s->sent);
		n = tcpd_send(s->st, s->h, text, len, m.now);
		if (n <= 0)
			break;
		s->sent += (uint64_t)n;
		any = true;
	}
	while ((n = tcpd_recv(s->st, s->h, text, sizeof(text), m.now)) > 0) {
		s->got += (uint64_t)n;
		any = true;
	}
	return any;
}

static void turn(struct side *s)
{
	struct tcpd_event ev;
	struct tcpd_out out;

	tcpd_expire(s->st, m.now);
	while (tcpd_next_event(s->st, &ev)) {
		s->open |= (ev.mask & TCPD_EV_OPEN) != 0;
		if (ev.mask & TCPD_EV_ACCEPT)
			ck_assert_int_eq(tcpd_accept(s->st, ev.h, &s->h, m.now),
					 0);
		s->open |= (ev.mask & TCPD_EV_ACCEPT) != 0;
	}
	do {
		while (tcpd_output(s->st, &out, m.now)) {
			send_out(s, &out);
			tcpd_output_done(s->st, &out, 0, m.now);
		}
	} while (work(s));
}

static void arrive(struct way *w, struct side *to)
{
	while (w->n && w->q[w->first].at <= m.now) {
		struct flight *f = &w->q[w->first];
		struct tcpd_packet p = {.data = f->data, .len = f->len};

		tcpd_input(to->st, &p, m.now);
		tcpd_input_done(to->st, m.now);
		free(f->data);
		w->first = (w->first + 1) % NFLIGHTS;
		w->n--;
	}
}

static tcpd_time next(void)
{
	tcpd_time at = TCPD_NEVER;

	for (unsigned i = 0; i < SIDES; i++) {
		const struct way *w = &m.s[i].out;
		tcpd_time due = tcpd_expiry(m.s[i].st);

		if (w->n && w->q[w->first].at < due)
			due = w->q[w->first].at;
		at = due < at ? due : at;
	}
	return at;
}

/* When ECN goes off at the sender, and the least RTO that it had until then. */
static void watch(void)
{
	struct tcpd_status s;

	ck_assert_int_eq(tcpd_status(m.s[0].st, m.s[0].h, &s, m.now), 0);
	if (!s.ecn)
		return;
	if (s.ecn_marks && s.octets_sent && s.rto < m.rto)
		m.rto = s.rto;
	if (!s.ecn_marks && !m.off_at) {
		m.off_at = m.now;
		m.timeouts = tcpd_stats(m.s[0].st)->timeouts_rexmt;
	}
}

static bool over(void)
{
	return m.s[0].h && m.s[1].got == m.s[0].total &&
	       m.s[0].got == m.s[1].total;
}

/* Goodput, octets a second. */
static double play(enum fault fault, uint8_t ecn, uint64_t back)
{
	struct tcpd_addr a;
	tcpd_handle l = 0;
	double took;

	m.fault = fault;
	m.now = START;
	m.off_at = 0;
	m.rto = TCPD_NEVER;
	side_open(0, ecn);
	side_open(1, ecn ? TCPD_ECN_PASSIVE : TCPD_ECN_OFF);
	m.s[0].total = TOTAL;
	m.s[1].total = back;
	a = address(1);
	ck_assert_int_eq(tcpd_listen(m.s[1].st, &l, &a, 0, NULL, m.now), 0);
	ck_assert_int_eq(tcpd_connect(m.s[0].st, &m.s[0].h, NULL, &a, m.now),
			 0);
	while (!over()) {
		turn(&m.s[0]);
		turn(&m.s[1]);
		watch();
		m.now = next() > m.now ? next() : m.now;
		ck_assert_uint_lt(m.now, START + TCPD_SEC(60));
		for (unsigned i = 0; i < SIDES; i++)
			arrive(&m.s[i].out, &m.s[!i]);
	}
	took = (double)(m.now - START) / 1e9;
	return TOTAL / took;
}

static void stop(void)
{
	for (unsigned i = 0; i < SIDES; i++) {
		struct way *w = &m.s[i].out;

		ck_assert_ptr_null(tcpd_check(m.s[i].st));
		for (; w->n; w->n--) {
			free(w->q[w->first].data);
			w->first = (w->first + 1) % NFLIGHTS;
		}
		tcpd_free(m.s[i].st);
		ck_assert_ptr_null(m.s[i].mem.wrong);
	}
}

static uint32_t retransmits(void)
{
	struct tcpd_status s;

	ck_assert_int_eq(tcpd_status(m.s[0].st, m.s[0].h, &s, m.now), 0);
	return s.retransmits;
}

/* --- the faults */

static const struct {
	const char *name;
	enum fault fault;
	uint64_t back; /* octets that the peer sends meanwhile */
	bool after;
	size_t count; /* of the reason, in struct tcpd_stats */
} faults[] = {
#define WHY(key) offsetof(struct tcpd_stats, ecn_##key)
	{"all marked", F_ALL_CE, 0, false, WHY(off_ce)},
	{"all marked, both ways", F_ALL_CE, TOTAL, false, WHY(off_ce)},
	{"all marked, later", F_ALL_CE, 0, true, WHY(off_ce)},
	{"marked lost", F_DROPPED, 0, false, WHY(off_lost)},
	{"marked lost, both ways", F_DROPPED, TOTAL, false, WHY(off_lost)},
	{"marked lost, later", F_DROPPED, 0, true, WHY(off_lost)},
	{"cleared both ways", F_CLEARED, TOTAL, false, WHY(off_changed)},
};

static double without(uint64_t back)
{
	double v = play(F_NONE, TCPD_ECN_OFF, back);

	stop();
	return v;
}

START_TEST(ecn_goes_off_where_the_path_falsifies_marks)
{
	double had, got;
	tcpd_time since = START;
	const struct tcpd_stats *st;

	m.version = _i % 2 ? 6 : 4;
	m.after = false;
	had = without(faults[_i].back);
	m.after = faults[_i].after;
	if (m.after)
		since += (tcpd_time)(TOTAL / 2 / had * 1e9);
	got = play(faults[_i].fault, TCPD_ECN_ON, faults[_i].back);
	st = tcpd_stats(m.s[0].st);
	ck_assert_msg(m.off_at, "%s: it was not noticed", faults[_i].name);
	ck_assert_msg(*(const uint64_t *)(const void *)((const char *)st +
							faults[_i].count) == 1,
		      "%s: it was taken for another fault", faults[_i].name);
	/* where nothing arrives no time but that of the time-outs counts */
	ck_assert_msg(faults[_i].fault == F_DROPPED
			      ? m.timeouts <= 3
			      : m.off_at <= since + 3 * m.rto,
		      "%s: noticed after %.3f s, with an RTO of %.3f s",
		      faults[_i].name, (double)(m.off_at - since) / 1e9,
		      (double)m.rto / 1e9);
	ck_assert_msg(got >= 0.9 * had, "%s: %.0f octets a second, not %.0f",
		      faults[_i].name, got, had);
	stop();
}
END_TEST

/* One way nobody can see that marks are cleared, and nothing comes of it. */
START_TEST(ecn_costs_nothing_where_marks_are_cleared_one_way)
{
	double had, got;

	m.version = _i ? 6 : 4;
	m.after = false;
	had = without(0);
	got = play(F_CLEARED, TCPD_ECN_ON, 0);
	ck_assert_msg(got >= 0.9 * had, "%.0f octets a second, not %.0f", got,
		      had);
	stop();
}
END_TEST

/* One that marks all packets shows it by the SYNs: nobody agrees on ECN. */
START_TEST(ecn_is_not_agreed_on_where_the_path_marks_syns)
{
	double had, got;
	struct tcpd_status s;

	m.version = _i ? 6 : 4;
	m.after = false;
	had = without(0);
	got = play(F_REALLY_ALL, TCPD_ECN_ON, 0);
	ck_assert_int_eq(tcpd_status(m.s[0].st, m.s[0].h, &s, m.now), 0);
	ck_assert(!s.ecn);
	ck_assert_msg(got >= 0.9 * had, "%.0f octets a second, not %.0f", got,
		      had);
	stop();
}
END_TEST

/* What it is for: a queue that marks instead of dropping.  (The window halves
 * for a mark of a queue that is half full, which leaves the line idle at
 * times.) */
START_TEST(ecn_saves_the_losses_of_a_queue_that_marks)
{
	double had, got;
	uint32_t lost;

	m.version = _i ? 6 : 4;
	m.after = false;
	had = play(F_AQM, TCPD_ECN_OFF, 0);
	lost = retransmits();
	stop();
	got = play(F_AQM, TCPD_ECN_ON, 0);
	/* slow start may still find the end of the queue, once */
	ck_assert_uint_lt(retransmits(), lost / 2);
	ck_assert_uint_eq(m.off_at, 0);
	ck_assert_uint_gt(tcpd_stats(m.s[1].st)->ecn_ce_in, 0);
	ck_assert_uint_gt(tcpd_stats(m.s[0].st)->ecn_cwr_out, 0);
	ck_assert_msg(got >= 0.85 * had, "%.0f octets a second, not %.0f", got,
		      had);
	stop();
}
END_TEST

int main(void)
{
	Suite *s = suite_create("ecn_path");
	TCase *tc = tcase_create("path");

	tcase_add_loop_test(tc, ecn_goes_off_where_the_path_falsifies_marks, 0,
			    sizeof(faults) / sizeof(faults[0]));
	tcase_add_loop_test(
		tc, ecn_costs_nothing_where_marks_are_cleared_one_way, 0, 2);
	tcase_add_loop_test(tc, ecn_is_not_agreed_on_where_the_path_marks_syns,
			    0, 2);
	tcase_add_loop_test(tc, ecn_saves_the_losses_of_a_queue_that_marks, 0,
			    2);
	suite_add_tcase(s, tc);
	return rig_run(s);
}
