/* SPDX-License-Identifier: MIT */
/*
 * test_chrono.c - what a sender's time counts for.  The peer's window:
 * test/script/persist/time_of_a_closed_window.
 *
 * LINK: test/unit/rig.c
 */
#include "rig.h"

static const struct why {
	const char *name;
	uint32_t queued, sent, wnd, cwnd; /* octets */
	bool wants;			  /* the app has more to give */
	enum chrono is;
} whys[] = {
	{"nothing is queued", 0, 0, 65535, 14600, false, CHRONO_NONE},
	{"... and the app waits for memory", 0, 0, 65535, 14600, true,
	 CHRONO_NONE},
	{"all of it is under way", 5000, 5000, 65535, 14600, false,
	 CHRONO_BUSY},
	{"... and the app would give more", 5000, 5000, 65535, 14600, true,
	 CHRONO_BUFFER},
	{"... and the congestion window is full", 14600, 14600, 65535, 14600,
	 true, CHRONO_BUSY},
	{"the peer's window is full", 20000, 5000, 5000, 14600, true,
	 CHRONO_WINDOW},
	{"... and takes a part of a segment", 20000, 5000, 5500, 14600, false,
	 CHRONO_WINDOW},
	{"... and takes all that waits", 5100, 5000, 5100, 14600, false,
	 CHRONO_BUSY},
	{"both windows are full", 20000, 14600, 14600, 14600, true,
	 CHRONO_BUSY},
};

START_TEST(chrono_knows_what_the_time_goes_into)
{
	const struct why *w = &whys[_i];
	struct conn *c = rig_conn(1, 5000);

	if (w->queued)
		rig_fill(c, 1, 0, w->queued);
	c->snd_nxt += w->sent;
	c->snd_wnd = w->wnd;
	c->ccs.cwnd = w->cwnd;
	c->starved = w->wants;
	chrono_look(rig.t, c);
	rig.t->now += TCPD_MS(7);
	for (unsigned i = CHRONO_BUSY; i < NCHRONOS; i++)
		ck_assert_msg(
			chrono_spent(rig.t, c, (enum chrono)i, rig.t->now) ==
				(i == w->is ? TCPD_MS(7) : 0),
			"%s: %u", w->name, i);
	ck_assert(c->flow || w->is == CHRONO_NONE);
	c->snd_nxt -= w->sent;
}
END_TEST

START_TEST(chrono_adds_up)
{
	struct conn *c = rig_conn(1, 5000);

	for (unsigned i = 0; i < 3; i++) {
		rig_fill(c, 1, 1000 * i, 1000);
		c->snd_nxt += 1000;
		chrono_look(rig.t, c);
		rig.t->now += TCPD_MS(10);
		chrono_look(rig.t, c); /* nothing new */
		c->snd_una = c->snd_nxt;
		sendq_acked(rig.t, c, c->snd_una);
		chrono_look(rig.t, c);
		rig.t->now += TCPD_SEC(1);
		ck_assert_uint_eq(
			chrono_spent(rig.t, c, CHRONO_BUSY, rig.t->now),
			(i + 1) * TCPD_MS(10));
	}
}
END_TEST

int main(void)
{
	Suite *s = suite_create("chrono");
	TCase *tc = rig_case(s, "chrono");

	tcase_add_loop_test(tc, chrono_knows_what_the_time_goes_into, 0,
			    ARRAY_SIZE(whys));
	tcase_add_test(tc, chrono_adds_up);
	return rig_run(s);
}
