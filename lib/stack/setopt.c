/* SPDX-License-Identifier: MIT */
/*
 * setopt.c - tcpd_set_option(), tcpd_get_option() and what is left of soft
 * errors: of connections, of sockets that are none yet, and of listeners.
 */
#include "stack/stack.h"
#include "tcp/option.h"

/* Those that are in the settings of the listener. */
static void put_listener(struct listener *l, enum tcpd_option o, uint64_t v)
{
	if (o == TCPD_OPT_RCVBUF) {
		l->set.receive_buffer = (uint32_t)v;
	} else if (o == TCPD_OPT_SNDBUF) {
		l->set.send_buffer = (uint32_t)v;
	} else if (o == TCPD_OPT_CONGESTION) {
		l->set.congestion = (uint8_t)v;
	} else {
		l->opt.value[o] = v;
		l->opt.set |= UINT64_C(1) << o;
	}
}

static bool is_of_one(enum tcpd_option o)
{
	return o == TCPD_OPT_UNREAD || o == TCPD_OPT_LINGERING;
}

void stack_options_to_listener(const struct conn *c, struct listener *l)
{
	for (int i = 0; i < TCPD_NOPTIONS; i++) {
		enum tcpd_option o = (enum tcpd_option)i;

		if (!(c->options >> o & 1) || is_of_one(o))
			continue;
		put_listener(l, o, option_get(c, o));
	}
}

int tcpd_set_option(struct tcpd_stack *st, tcpd_handle h, enum tcpd_option o,
		    uint64_t value, tcpd_time now)
{
	struct tcp *t = &st->t;
	struct listener *l;
	struct conn *c;

	stack_enter(st, now);
	c = stack_conn(st, h);
	l = stack_listener(st, h);
	if (!c && !l)
		return -TCPD_ERR_HANDLE;
	if ((unsigned)o >= TCPD_NOPTIONS || (l && is_of_one(o)))
		return -TCPD_ERR_OPTION;
	if (!option_ok(o, &value))
		return -TCPD_ERR_INVALID;
	if (l) {
		put_listener(l, o, value);
		return 0;
	}
	/* the MSS was told in the SYN; nothing is accepted from a connection */
	if ((o == TCPD_OPT_MAXSEG || o == TCPD_OPT_DEFER_ACCEPT ||
	     o == TCPD_OPT_FASTOPEN || o == TCPD_OPT_FASTOPEN_CONNECT) &&
	    (c->state != TCPD_CLOSED || c->active))
		return -TCPD_ERR_INVALID;
	c->options |= 1u << o;
	option_put(t, c, o, value);
	return 0;
}

static uint64_t of_listener(const struct listener *l, enum tcpd_option o)
{
	if (o == TCPD_OPT_RCVBUF)
		return l->set.receive_buffer;
	if (o == TCPD_OPT_SNDBUF)
		return l->set.send_buffer;
	if (o == TCPD_OPT_CONGESTION)
		return l->set.congestion;
	return options_get(&l->opt, o);
}

int tcpd_get_option(const struct tcpd_stack *st, tcpd_handle h,
		    enum tcpd_option o, uint64_t *value)
{
	const struct conn *c = stack_conn(st, h);
	const struct listener *l = stack_listener(st, h);

	if (!c && !l)
		return -TCPD_ERR_HANDLE;
	if ((unsigned)o >= TCPD_NOPTIONS || (l && is_of_one(o)))
		return -TCPD_ERR_OPTION;
	*value = c ? option_get(c, o) : of_listener(l, o);
	return 0;
}

int tcpd_soft_error(struct tcpd_stack *st, tcpd_handle h)
{
	struct conn *c;

	stack_enter(st, 0);
	c = stack_conn(st, h);
	if (!c || !c->soft_new)
		return 0;
	c->soft_new = false;
	return c->soft_err;
}
