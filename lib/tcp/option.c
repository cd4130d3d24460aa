/* SPDX-License-Identifier: MIT */
/*
 * option.c - the options of tcpd.h, one at a time: ranges, defaults, and what
 * setting one does to a connection at once.
 */
#include "option.h"
#include "conn.h"
#include "pace.h"
#include "uto.h"

#define DEFAULT_KEEPIDLE  TCPD_SEC(7200) /* MUST-28 */
#define DEFAULT_KEEPINTVL TCPD_SEC(75)
#define DEFAULT_KEEPCNT	  9

/* clang-format off */
static const struct {
	uint64_t least, most, initial;
} rows[TCPD_NOPTIONS] = {
	[TCPD_OPT_NODELAY] = {0, 1, 0},
	[TCPD_OPT_CORK] = {0, 1, 0},
	[TCPD_OPT_KEEPALIVE] = {0, 1, 0},
	[TCPD_OPT_KEEPIDLE] = {TCPD_SEC(1), TCPD_SEC(32767), DEFAULT_KEEPIDLE},
	[TCPD_OPT_KEEPINTVL] = {TCPD_SEC(1), TCPD_SEC(32767), DEFAULT_KEEPINTVL},
	[TCPD_OPT_KEEPCNT] = {1, 127, DEFAULT_KEEPCNT},
	[TCPD_OPT_USER_TIMEOUT] = {0, TCPD_SEC(UINT64_C(86400) * 25), 0},
	[TCPD_OPT_RCVBUF] = {POOL_UNIT, 1u << 30, 0},
	[TCPD_OPT_SNDBUF] = {POOL_UNIT, 1u << 30, 0},
	[TCPD_OPT_MAXSEG] = {88, 32767, 0},
	[TCPD_OPT_CONGESTION] = {0, TCPD_NCCS - 1, TCPD_CC_CUBIC},
	[TCPD_OPT_UNREAD] = {0, 1, 0},
	[TCPD_OPT_TOS] = {0, 255, 0},
	[TCPD_OPT_TTL] = {0, 255, 0},
	[TCPD_OPT_LINGER] = {0, TCPD_SEC(UINT64_C(86400) * 25), 0},
	[TCPD_OPT_LINGERING] = {0, 1, 0},
	[TCPD_OPT_DEFER_ACCEPT] = {0, TCPD_SEC(UINT64_C(86400)), 0},
	[TCPD_OPT_NOTSENT_LOWAT] = {0, UINT32_MAX, 0},
	[TCPD_OPT_SYNCNT] = {0, 127, 0},
	[TCPD_OPT_LINGER2] = {0, TCPD_SEC(120), 0},
	[TCPD_OPT_WINDOW_CLAMP] = {0, 1u << 30, 0},
	[TCPD_OPT_QUICKACK] = {0, 1, 1},
	[TCPD_OPT_SOFT_ERRORS] = {0, 1, 1},
	[TCPD_OPT_FASTOPEN] = {0, 65535, 0},
	[TCPD_OPT_FASTOPEN_CONNECT] = {0, 1, 0},
	[TCPD_OPT_FASTOPEN_NO_COOKIE] = {0, 1, 0},
	[TCPD_OPT_ADV_UTO] = {0, UTO_MOST, 0},
	[TCPD_OPT_MAX_PACING_RATE] = {0, TCPD_PACING_MAX, 0},
};
/* clang-format on */

uint64_t option_default(enum tcpd_option o)
{
	return rows[o].initial;
}

/* Times that a connection has in milliseconds; no row lets one in that is too
 * long for it. */
static bool is_in_ms(enum tcpd_option o)
{
	return o == TCPD_OPT_KEEPIDLE || o == TCPD_OPT_KEEPINTVL ||
	       o == TCPD_OPT_LINGER || o == TCPD_OPT_LINGER2 ||
	       o == TCPD_OPT_DEFER_ACCEPT;
}

static uint32_t ms_of(tcpd_time v)
{
	return (uint32_t)tick_of(v);
}

bool option_ok(enum tcpd_option o, uint64_t *v)
{
	if (*v < rows[o].least || *v > rows[o].most)
		return false;
	if (o == TCPD_OPT_ADV_UTO && *v % TCPD_SEC(1))
		return false; /* the option cannot say it */
	if (o == TCPD_OPT_TOS)
		*v &= ~UINT64_C(3); /* ECN is the stack's (RFC 3168, 5) */
	if (is_in_ms(o))	    /* upwards: 1 ns is not "off" */
		*v = TCPD_MS(ms_of(*v));
	/* A smaller one would make every octet a window of its own. */
	if (o == TCPD_OPT_WINDOW_CLAMP && *v)
		*v = max_u64(*v, POOL_UNIT / 2);
	if (o == TCPD_OPT_MAX_PACING_RATE && *v)
		*v = max_u64(*v, TCPD_PACING_MIN);
	return true;
}

/* More ACKs that are not delayed, or none any more. */
static void put_quickack(struct tcp *t, struct conn *c, bool on)
{
	c->quick = on ? QUICK_ACKS : 0;
	if (on && c->ack_delayed) {
		c->ack_due = true;
		conn_want_ack(t, c);
	}
}

static void put_lingering(struct tcp *t, struct conn *c, bool on)
{
	c->lingering = on;
	if (on && c->state != TCPD_CLOSED)
		linger_begin(t, c);
}

static void put_soft_errors(struct conn *c, bool on)
{
	c->soft_quiet = !on;
	c->soft_new = c->soft_new && on;
}

/* Those that only a timer looks at. */
static void put_time(struct conn *c, enum tcpd_option o, tcpd_time v)
{
	if (o == TCPD_OPT_KEEPINTVL)
		c->keepintvl_ms = ms_of(v);
	else if (o == TCPD_OPT_LINGER)
		c->linger_ms = ms_of(v);
	else if (o == TCPD_OPT_LINGER2)
		c->linger2_ms = ms_of(v);
	else
		c->defer_accept_ms = ms_of(v);
}

void option_put(struct tcp *t, struct conn *c, enum tcpd_option o, uint64_t v)
{
	switch (o) {
	case TCPD_OPT_NODELAY:
		c->nodelay = v != 0;
		/* as Linux: what waits goes, corked or not */
		c->push_small |= v && (c->cork || c->more) && conn_unsent(c);
		conn_want_output(t, c);
		break;
	case TCPD_OPT_CORK:
		c->cork = v != 0;
		c->more = false;
		conn_want_output(t, c);
		break;
	case TCPD_OPT_KEEPALIVE:
		c->keepalive = v != 0;
		keepalive_arm(t, c);
		break;
	case TCPD_OPT_KEEPCNT:
		c->keepcnt = (uint8_t)v;
		break;
	case TCPD_OPT_RCVBUF:
		c->rcv_max = c->rcv_buf = (uint32_t)v;
		break;
	case TCPD_OPT_SNDBUF:
		c->snd_max = (uint32_t)v;
		break;
	case TCPD_OPT_MAXSEG:
		c->advmss = (uint32_t)v;
		break;
	case TCPD_OPT_CONGESTION:
		conn_change_cc(t, c, (uint8_t)v);
		break;
	case TCPD_OPT_UNREAD:
		c->unread = v != 0;
		break;
	case TCPD_OPT_TOS:
		c->tos = (uint8_t)v;
		break;
	case TCPD_OPT_TTL:
		c->ttl = (uint8_t)v;
		break;
	case TCPD_OPT_LINGERING:
		put_lingering(t, c, v != 0);
		break;
	case TCPD_OPT_NOTSENT_LOWAT:
		c->lowat = (uint32_t)v;
		sendq_wake(t, c);
		break;
	case TCPD_OPT_SYNCNT:
		c->syncnt = (uint8_t)v;
		break;
	case TCPD_OPT_WINDOW_CLAMP:
		c->clamp = (uint32_t)v;
		break;
	case TCPD_OPT_QUICKACK:
		put_quickack(t, c, v != 0);
		break;
	case TCPD_OPT_FASTOPEN_CONNECT:
		c->fo_want = v != 0;
		break;
	case TCPD_OPT_FASTOPEN_NO_COOKIE:
		c->fo_free = v != 0;
		break;
	case TCPD_OPT_SOFT_ERRORS:
		put_soft_errors(c, v != 0);
		break;
	case TCPD_OPT_KEEPIDLE:
		c->keepidle_ms = ms_of(v);
		keepalive_arm(t, c);
		break;
	case TCPD_OPT_USER_TIMEOUT:
		uto_use(t, c, v);
		break;
	case TCPD_OPT_ADV_UTO:
		uto_advertise(t, c, v);
		break;
	case TCPD_OPT_MAX_PACING_RATE:
		c->max_pacing = v;
		pace_anew(t, c);
		break;
	case TCPD_OPT_FASTOPEN:
		c->fo_most = (uint16_t)v;
		break;
	case TCPD_OPT_KEEPINTVL:
	case TCPD_OPT_LINGER:
	case TCPD_OPT_LINGER2:
	case TCPD_OPT_DEFER_ACCEPT:
		put_time(c, o, v);
		break;
	}
}

uint64_t option_get(const struct conn *c, enum tcpd_option o)
{
	switch (o) {
	case TCPD_OPT_NODELAY:
		return c->nodelay;
	case TCPD_OPT_CORK:
		return c->cork;
	case TCPD_OPT_KEEPALIVE:
		return c->keepalive;
	case TCPD_OPT_KEEPIDLE:
		return TCPD_MS(c->keepidle_ms);
	case TCPD_OPT_KEEPINTVL:
		return TCPD_MS(c->keepintvl_ms);
	case TCPD_OPT_KEEPCNT:
		return c->keepcnt;
	case TCPD_OPT_USER_TIMEOUT:
		return c->user_timeout;
	case TCPD_OPT_ADV_UTO:
		return TCPD_SEC(c->adv_uto);
	case TCPD_OPT_MAX_PACING_RATE:
		return c->max_pacing;
	case TCPD_OPT_RCVBUF:
		return c->rcv_max;
	case TCPD_OPT_SNDBUF:
		return c->snd_max;
	case TCPD_OPT_MAXSEG:
		return c->mss ? c->mss : c->advmss;
	case TCPD_OPT_CONGESTION:
		return c->cc;
	case TCPD_OPT_UNREAD:
		return c->unread;
	case TCPD_OPT_TOS:
		return c->tos;
	case TCPD_OPT_TTL:
		return c->ttl;
	case TCPD_OPT_LINGER:
		return TCPD_MS(c->linger_ms);
	case TCPD_OPT_LINGERING:
		return c->lingering;
	case TCPD_OPT_NOTSENT_LOWAT:
		return c->lowat;
	case TCPD_OPT_SYNCNT:
		return c->syncnt;
	case TCPD_OPT_LINGER2:
		return TCPD_MS(c->linger2_ms);
	case TCPD_OPT_WINDOW_CLAMP:
		return c->clamp;
	case TCPD_OPT_QUICKACK:
		return c->quick != 0;
	case TCPD_OPT_SOFT_ERRORS:
		return !c->soft_quiet;
	case TCPD_OPT_FASTOPEN:
		return c->fo_most;
	case TCPD_OPT_FASTOPEN_CONNECT:
		return c->fo_want;
	case TCPD_OPT_FASTOPEN_NO_COOKIE:
		return c->fo_free;
	case TCPD_OPT_DEFER_ACCEPT:
		return TCPD_MS(c->defer_accept_ms);
	}
	return 0;
}

void options_inherit(struct tcp *t, struct conn *c, const struct options *s)
{
	c->options |= (uint32_t)s->set;
	for (int i = 0; i < TCPD_NOPTIONS; i++) {
		enum tcpd_option o = (enum tcpd_option)i;

		if (!(s->set >> o & 1))
			continue;
		if (o == TCPD_OPT_MAXSEG)
			c->advmss = min_u32(c->advmss, (uint32_t)s->value[o]);
		else
			option_put(t, c, o, s->value[o]);
	}
}
