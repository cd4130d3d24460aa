/* SPDX-License-Identifier: MIT */
/*
 * mischief.c - what a hostile program does at a random point of its life:
 * closes, aborts, shuts down, reads nothing, takes more than there is, and
 * sets any option to anything.
 */
#include "sim.h"

static void any_option(struct sim *s, struct endpoint *e)
{
	struct rng *r = &s->rng;
	static const struct {
		enum tcpd_option o;
		uint32_t most; /* value: 0 to this, */
		uint32_t unit; /* times this */
	} set[] = {
		{TCPD_OPT_NODELAY, 1, 1},
		{TCPD_OPT_CORK, 1, 1},
		{TCPD_OPT_KEEPALIVE, 1, 1},
		{TCPD_OPT_KEEPIDLE, 4, 1000000000},
		{TCPD_OPT_KEEPINTVL, 4, 1000000000},
		{TCPD_OPT_KEEPCNT, 9, 1},
		{TCPD_OPT_USER_TIMEOUT, 5000, 1000000},
		{TCPD_OPT_RCVBUF, 100000, 1},
		{TCPD_OPT_SNDBUF, 100000, 1},
		{TCPD_OPT_CONGESTION, TCPD_NCCS, 1},
		{TCPD_OPT_UNREAD, 1, 1},
		{TCPD_OPT_TOS, 255, 1},
		{TCPD_OPT_TTL, 255, 1},
		{TCPD_OPT_LINGER, 3000, 1000000},
		{TCPD_OPT_NOTSENT_LOWAT, 20000, 1},
		{TCPD_OPT_LINGER2, 3000, 1000000},
		{TCPD_OPT_WINDOW_CLAMP, 40000, 1},
		{TCPD_OPT_QUICKACK, 1, 1},
		{TCPD_OPT_SOFT_ERRORS, 1, 1},
		{TCPD_OPT_ADV_UTO, 200, 1000000000},
		{TCPD_OPT_MAX_PACING_RATE, 1000, 1000},
	};
	uint32_t i = rng_below(r, sizeof(set) / sizeof(*set));
	uint64_t v = (uint64_t)rng_below(r, set[i].most + 1) * set[i].unit;

	/* refused or taken: either is an answer */
	(void)tcpd_set_option(app_stack(s, e), e->h, set[i].o, v,
			      sim_now(s, e->side));
}

static void take_too_much(struct sim *s, struct endpoint *e)
{
	int err = tcpd_recv_done(app_stack(s, e), e->h, 1u << 30,
				 sim_now(s, e->side));

	if (err != -TCPD_ERR_INVALID && !e->ended)
		sim_fail(s, "more can be taken than there is");
}

static void abort_it(struct sim *s, struct endpoint *e)
{
	if (tcpd_abort(app_stack(s, e), e->h, sim_now(s, e->side)))
		sim_fail(s, "tcpd_abort fails");
	sim_say(s, "%c of %u aborts", "AB"[e->side], e -> pair -> port);
	e->aborted = e->closed = true;
	app_over(e);
}

bool mischief(struct sim *s, struct endpoint *e)
{
	tcpd_time now = sim_now(s, e->side);

	switch (rng_below(&s->rng, 40)) {
	case 0:
		app_close(s, e);
		return true;
	case 1:
		abort_it(s, e);
		return true;
	case 2:
		app_shutdown(s, e);
		break;
	case 3:
		if (tcpd_recv(app_stack(s, e), e->h, NULL, 0, now) > 0)
			sim_fail(s, "a read of nothing gives something");
		break;
	case 4:
		take_too_much(s, e);
		break;
	case 5:
		(void)tcpd_send_urgent(app_stack(s, e), e->h, now);
		break;
	case 6:
		(void)tcpd_want_writable(app_stack(s, e), e->h,
					 rng_below(&s->rng, 5000));
		break;
	case 7: /* SO_LINGER, and at once */
		(void)tcpd_set_option(app_stack(s, e), e->h, TCPD_OPT_LINGER,
				      TCPD_MS(rng_below(&s->rng, 3000)), now);
		app_close(s, e);
		return true;
	case 8:
	case 9:
	case 10:
	case 11:
		any_option(s, e);
		break;
	default:
		break;
	}
	return false;
}
