/* SPDX-License-Identifier: MIT */
/*
 * filter.c - FILTER of ss(8) for `tcpctl ss` and captures.
 *
 *	either	:= both { ("or" | "|" | "||") both }
 *	both	:= one { ["and" | "&" | "&&"] one }
 *	one	:= ("not" | "!") one | "(" either ")" | test
 *	test	:= ("src" | "dst") ["="] HOST
 *		 | ("sport" | "dport") [OP] PORT
 *		 | ("state" | "exclude") STATE { ("state" | "exclude") STATE }
 *
 * HOST is an address with an optional /LENGTH and :PORT ("[fd77::2]:80" in
 * IPv6), PORT a number with or without a colon before it.  No names are
 * looked up.  The text is an operator's: its depth and length are bounded.
 */
#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/clamp.h"
#include "daemon.h"
#include "wire/pretty.h"

#define FILTER_MAX_NODES 256
#define FILTER_MAX_DEPTH 32
#define FILTER_MAX_WORD	 80

enum op { OP_EQ, OP_NE, OP_LT, OP_GT, OP_LE, OP_GE };
enum what { F_AND, F_OR, F_NOT, F_SRC, F_DST, F_SPORT, F_DPORT, F_STATE };

struct node {
	enum what what;
	uint16_t a, b; /* and, or, not: the operands' places */
	enum op op;    /* ports */
	uint16_t port; /* ports, hosts; hosts: 0 is any */
	bool any_ip;   /* hosts: "*" */
	uint8_t ip[16];
	uint8_t bits;	 /* prefix length, of 128 */
	uint32_t states; /* one bit a state */
};

struct filter {
	uint16_t n, root;
	bool empty; /* no text: everything matches */
	struct node node[FILTER_MAX_NODES];
};

struct parser {
	const char *at;
	char word[FILTER_MAX_WORD]; /* the token that comes next; "": end */
	unsigned depth;
	struct filter *f;
	char *err;
	size_t nerr;
};

/* What ss(8) calls the states, beside the names of RFC 9293. */
static const struct alias {
	const char *name;
	uint32_t states;
} aliases[] = {
#define BIT(s) (1u << TCPD_##s)
#define ALL    ((1u << TCPD_NSTATES) - 1)
	{"listening", BIT(LISTEN)},
	{"syn-recv", BIT(SYN_RECEIVED)},
	{"closed", BIT(CLOSED)},
	{"unconnected", BIT(CLOSED)},
	{"all", ALL},
	{"connected", ALL & ~(BIT(LISTEN) | BIT(CLOSED))},
	{"synchronized", ALL & ~(BIT(LISTEN) | BIT(CLOSED) | BIT(SYN_SENT))},
	{"bucket", BIT(SYN_RECEIVED) | BIT(TIME_WAIT)},
	{"big", ALL & ~(BIT(SYN_RECEIVED) | BIT(TIME_WAIT))},
};

__attribute__((format(printf, 2, 3))) static int fail(struct parser *p,
						      const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(p->err, p->nerr, fmt, ap);
	va_end(ap);
	return -1;
}

/* ------------------------------------------------------------- words */

static bool is_special(char c)
{
	return c != '\0' && strchr("()!=<>&|", c) != NULL;
}

/* Read the next word into p->word. */
static int next(struct parser *p)
{
	static const char *const twos[] = {"==", "!=", "<=", ">=", "&&", "||"};
	size_t n = 0;

	while (isspace((unsigned char)*p->at))
		p->at++;
	for (size_t i = 0; i < ARRAY_SIZE(twos); i++)
		if (strncmp(p->at, twos[i], 2) == 0)
			n = 2;
	if (n == 0 && is_special(*p->at))
		n = 1;
	if (n == 0)
		while (p->at[n] && !isspace((unsigned char)p->at[n]) &&
		       !is_special(p->at[n]))
			n++;
	if (n >= sizeof(p->word))
		return fail(p,
			    "filter: a word of %zu octets, expected at "
			    "most %zu",
			    n, sizeof(p->word) - 1);
	memcpy(p->word, p->at, n);
	p->word[n] = '\0';
	p->at += n;
	return 0;
}

static bool is(const struct parser *p, const char *word)
{
	return strcasecmp(p->word, word) == 0;
}

static const char *shown(const struct parser *p)
{
	return p->word[0] ? p->word : "the end";
}

static int new_node(struct parser *p, enum what what)
{
	struct filter *f = p->f;

	if (f->n == FILTER_MAX_NODES)
		return fail(p, "filter: more than %d terms", FILTER_MAX_NODES);
	memset(&f->node[f->n], 0, sizeof(f->node[0]));
	f->node[f->n].what = what;
	return f->n++;
}

/* ------------------------------------------------------------- tests */

static int number(const char *s, unsigned max)
{
	unsigned v = 0;

	if (!*s)
		return -1;
	for (; *s; s++) {
		if (*s < '0' || *s > '9')
			return -1;
		v = v * 10 + (unsigned)(*s - '0');
		if (v > max)
			return -1;
	}
	return (int)v;
}

static int read_port(struct parser *p, const char *s, uint16_t *port)
{
	int v = strcmp(s, "*") == 0 ? 0 : number(s, 65535);

	if (v < 0)
		return fail(p,
			    "filter: port %s, expected a number from 0 to "
			    "65535",
			    s);
	*port = (uint16_t)v;
	return 0;
}

static int test_port(struct parser *p, enum what what)
{
	static const struct {
		const char *word;
		enum op op;
	} ops[] = {
		{"=", OP_EQ},	{"==", OP_EQ},	{"eq", OP_EQ}, {"!=", OP_NE},
		{"ne", OP_NE},	{"neq", OP_NE}, {"<", OP_LT},  {"lt", OP_LT},
		{">", OP_GT},	{"gt", OP_GT},	{"<=", OP_LE}, {"le", OP_LE},
		{"leq", OP_LE}, {">=", OP_GE},	{"ge", OP_GE}, {"geq", OP_GE}};
	const char *s;
	int i = new_node(p, what);

	if (i < 0)
		return -1;
	for (size_t k = 0; k < ARRAY_SIZE(ops); k++) {
		if (!is(p, ops[k].word))
			continue;
		p->f->node[i].op = ops[k].op;
		if (next(p) < 0)
			return -1;
		break;
	}
	s = p->word[0] == ':' ? p->word + 1 : p->word;
	if (!*s)
		return fail(p, "filter: expected a port, found %s", shown(p));
	if (read_port(p, s, &p->f->node[i].port) < 0 || next(p) < 0)
		return -1;
	return i;
}

/* The address part of HOST, with its /LENGTH. */
static int read_ip(struct parser *p, char *s, struct node *n)
{
	char *slash = strchr(s, '/');
	uint8_t family;
	int bits, max;

	if (slash)
		*slash++ = '\0';
	if (!pretty_parse_ip(n->ip, &family, s))
		return fail(p, "filter: address %s, expected IPv4, IPv6 or *",
			    s);
	max = family == 4 ? 32 : 128;
	bits = slash ? number(slash, (unsigned)max) : max;
	if (bits < 0)
		return fail(p, "filter: prefix length %s, expected 0 to %d",
			    slash, max);
	n->bits = (uint8_t)(bits + 128 - max);
	return 0;
}

static int test_host(struct parser *p, enum what what)
{
	char host[FILTER_MAX_WORD], *ip = host, *port = NULL;
	int i = new_node(p, what);
	struct node *n;

	if (i < 0 || ((is(p, "=") || is(p, "==")) && next(p) < 0))
		return -1;
	n = &p->f->node[i];
	if (!p->word[0])
		return fail(p, "filter: expected an address, found the end");
	memcpy(host, p->word, sizeof(host));
	if (host[0] == '[') {
		char *end = strchr(host, ']');

		ip = host + 1;
		if (!end || (end[1] && end[1] != ':' && end[1] != '/'))
			return fail(p,
				    "filter: address %s, expected "
				    "[ADDRESS]:PORT",
				    p->word);
		if (end[1] == '/') { /* [fd77::]/64:80 */
			port = strchr(end, ':');
			memmove(end, end + 1, strlen(end));
			port = port ? port - 1 : NULL;
		} else {
			port = end[1] ? end + 1 : NULL;
			*end = '\0';
		}
	} else if (strchr(host, ':') == strrchr(host, ':')) {
		port = strchr(host, ':'); /* two colons: IPv6 without port */
	}
	if (port)
		*port++ = '\0';
	if (*ip == '\0' || strcmp(ip, "*") == 0)
		n->any_ip = true;
	else if (read_ip(p, ip, n) < 0)
		return -1;
	if ((port && read_port(p, port, &n->port) < 0) || next(p) < 0)
		return -1;
	return i;
}

static int read_state(struct parser *p, uint32_t *states)
{
	for (unsigned s = 0; s < TCPD_NSTATES; s++) {
		if (!is(p, tcpd_state_name((enum tcpd_state)s)))
			continue;
		*states = 1u << s;
		return next(p);
	}
	for (size_t i = 0; i < ARRAY_SIZE(aliases); i++) {
		if (!is(p, aliases[i].name))
			continue;
		*states = aliases[i].states;
		return next(p);
	}
	return fail(p,
		    "filter: expected a state of RFC 9293 (such as "
		    "FIN-WAIT-1), all, connected, synchronized, bucket or "
		    "big, found %s",
		    shown(p));
}

/* As in ss(8), a row of `state A state B exclude C` is one set. */
static int test_state(struct parser *p, bool exclude)
{
	int i = new_node(p, F_STATE);
	uint32_t set = exclude ? ALL : 0, named = 0;

	if (i < 0)
		return -1;
	for (;;) {
		if (read_state(p, &named) < 0)
			return -1;
		set = exclude ? set & ~named : set | named;
		exclude = is(p, "exclude");
		if (!exclude && !is(p, "state"))
			break;
		if (next(p) < 0)
			return -1;
	}
	p->f->node[i].states = set;
	return i;
}

/* ----------------------------------------------------------- grammar */

static int either(struct parser *p);

/* Recursion: as deep as FILTER_MAX_DEPTH lets the brackets be. */
/* NOLINTBEGIN(misc-no-recursion) */
static int one(struct parser *p)
{
	int i, a;

	if (is(p, "not") || is(p, "!")) {
		i = new_node(p, F_NOT);
		if (++p->depth > FILTER_MAX_DEPTH)
			return fail(p, "filter: more than %d levels",
				    FILTER_MAX_DEPTH);
		if (i < 0 || next(p) < 0 || (a = one(p)) < 0)
			return -1;
		p->depth--;
		p->f->node[i].a = (uint16_t)a;
		return i;
	}
	if (is(p, "(")) {
		if (++p->depth > FILTER_MAX_DEPTH)
			return fail(p, "filter: more than %d levels",
				    FILTER_MAX_DEPTH);
		if (next(p) < 0 || (i = either(p)) < 0)
			return -1;
		p->depth--;
		if (!is(p, ")"))
			return fail(p, "filter: expected ), found %s",
				    shown(p));
		return next(p) < 0 ? -1 : i;
	}
	if (is(p, "src") || is(p, "dst")) {
		enum what what = is(p, "src") ? F_SRC : F_DST;

		return next(p) < 0 ? -1 : test_host(p, what);
	}
	if (is(p, "sport") || is(p, "dport")) {
		enum what what = is(p, "sport") ? F_SPORT : F_DPORT;

		return next(p) < 0 ? -1 : test_port(p, what);
	}
	if (is(p, "state") || is(p, "exclude")) {
		bool exclude = is(p, "exclude");

		return next(p) < 0 ? -1 : test_state(p, exclude);
	}
	return fail(p,
		    "filter: expected src, dst, sport, dport, state, "
		    "exclude, not or (, found %s",
		    shown(p));
}

static int pair(struct parser *p, enum what what, int a, int b)
{
	int i = new_node(p, what);

	if (i < 0)
		return -1;
	p->f->node[i].a = (uint16_t)a;
	p->f->node[i].b = (uint16_t)b;
	return i;
}

static int both(struct parser *p)
{
	int a = one(p), b;

	while (a >= 0 && p->word[0] && !is(p, ")") && !is(p, "or") &&
	       !is(p, "|") && !is(p, "||")) {
		if ((is(p, "and") || is(p, "&") || is(p, "&&")) && next(p) < 0)
			return -1;
		b = one(p);
		if (b < 0)
			return -1;
		a = pair(p, F_AND, a, b);
	}
	return a;
}

static int either(struct parser *p)
{
	int a = both(p), b;

	while (a >= 0 && (is(p, "or") || is(p, "|") || is(p, "||"))) {
		if (next(p) < 0 || (b = both(p)) < 0)
			return -1;
		a = pair(p, F_OR, a, b);
	}
	return a;
}

/* NOLINTEND(misc-no-recursion) */

struct filter *filter_parse(const char *text, char *err, size_t nerr)
{
	struct filter *f = calloc(1, sizeof(*f));
	struct parser p = {.at = text, .f = f, .err = err, .nerr = nerr};
	int root;

	if (!f) {
		(void)snprintf(err, nerr, "filter: out of memory");
		return NULL;
	}
	if (next(&p) < 0)
		goto bad;
	if (!p.word[0]) {
		f->empty = true;
		return f;
	}
	root = either(&p);
	if (root < 0)
		goto bad;
	if (p.word[0]) {
		fail(&p, "filter: expected the end, found %s", p.word);
		goto bad;
	}
	f->root = (uint16_t)root;
	return f;
bad:
	free(f);
	return NULL;
}

/* ---------------------------------------------------------- matching */

static bool match_port(const struct node *n, uint16_t port)
{
	switch (n->op) {
	case OP_EQ:
		return port == n->port;
	case OP_NE:
		return port != n->port;
	case OP_LT:
		return port < n->port;
	case OP_GT:
		return port > n->port;
	case OP_LE:
		return port <= n->port;
	case OP_GE:
		return port >= n->port;
	}
	return false;
}

static bool match_host(const struct node *n, const struct tcpd_addr *a)
{
	unsigned whole = n->bits / 8, rest = n->bits % 8;

	if (n->port && n->port != a->port)
		return false;
	if (n->any_ip)
		return true;
	/* a listener on every address has none that could match */
	if (a->family == 0 || memcmp(n->ip, a->ip, whole) != 0)
		return false;
	return rest == 0 ||
	       ((n->ip[whole] ^ a->ip[whole]) & (0xff00u >> rest) & 0xff) == 0;
}

/* NOLINTNEXTLINE(misc-no-recursion): at most FILTER_MAX_NODES deep */
static bool match(const struct filter *f, unsigned i,
		  const struct tcpd_addr *local, const struct tcpd_addr *peer,
		  enum tcpd_state state)
{
	const struct node *n = &f->node[i];

	switch (n->what) {
	case F_AND:
		return match(f, n->a, local, peer, state) &&
		       match(f, n->b, local, peer, state);
	case F_OR:
		return match(f, n->a, local, peer, state) ||
		       match(f, n->b, local, peer, state);
	case F_NOT:
		return !match(f, n->a, local, peer, state);
	case F_SRC:
		return match_host(n, local);
	case F_DST:
		return match_host(n, peer);
	case F_SPORT:
		return match_port(n, local->port);
	case F_DPORT:
		return match_port(n, peer->port);
	case F_STATE:
		return (n->states >> state & 1u) != 0;
	}
	return false;
}

bool filter_match(const struct filter *f, const struct tcpd_addr *local,
		  const struct tcpd_addr *peer, enum tcpd_state state)
{
	if (!f || f->empty)
		return true;
	return match(f, f->root, local, peer, state);
}

bool filter_has_state(const struct filter *f)
{
	for (unsigned i = 0; i < f->n; i++)
		if (f->node[i].what == F_STATE)
			return true;
	return false;
}

void filter_free(struct filter *f)
{
	free(f);
}
