/* SPDX-License-Identifier: MIT */
/*
 * name.c - abstract names of connections: values to text and back.
 *
 * Pure text.  What is parsed may come from any process on the machine, so
 * everything is bounded, and whatever does not parse to the last octet is
 * simply not ours.
 */
#include "proto/name.h"

#include <string.h>

static const char prefix[] = "tcpd/";
static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};

/* --- writing: the buffer always has room, see NAME_MAX_LEN */

static char *put_text(char *p, const char *s)
{
	while (*s)
		*p++ = *s++;
	return p;
}

static char *put_hex(char *p, uint64_t v, unsigned digits)
{
	for (unsigned i = digits; i-- > 0;)
		*p++ = "0123456789abcdef"[v >> (4 * i) & 15];
	return p;
}

static char *put_dec(char *p, unsigned v)
{
	char d[10];
	size_t n = 0;

	do
		d[n++] = (char)('0' + v % 10);
	while (v /= 10);
	while (n)
		*p++ = d[--n];
	return p;
}

static unsigned hex_digits(uint64_t v)
{
	unsigned n = 1;

	while (v >>= 4)
		n++;
	return n;
}

static bool is_v4(const struct proto_addr *a)
{
	return a->family == 4;
}

static char *put_addr(char *p, const struct proto_addr *a, uint8_t domain)
{
	if (is_v4(a) || domain == 4) {
		if (domain == 6)
			p = put_text(p, "::ffff:");
		for (int i = 12; i < 16; i++) {
			p = put_dec(p, a->ip[i]);
			*p++ = i < 15 ? '.' : ':';
		}
	} else {
		for (int i = 0; i < 16; i++)
			p = put_hex(p, a->ip[i], 2);
		*p++ = ':';
	}
	return put_dec(p, a->port);
}

size_t name_build(const struct name *n, char buf[NAME_MAX_LEN + 1])
{
	uint64_t id = n->id & ((UINT64_C(1) << 53) - 1);
	char *p = put_text(buf, prefix);

	p = put_hex(p, n->nonce, 8);
	p = put_hex(p, id, hex_digits(id));
	*p++ = '/';
	p = put_addr(p, &n->local, n->domain);
	*p++ = '/';
	if (n->kind == NAME_CONNECTION)
		p = put_addr(p, &n->peer, n->domain);
	else
		*p++ = n->kind == NAME_LISTENER ? '*' : '-';
	*p = '\0';
	return (size_t)(p - buf);
}

/* --- reading */

struct text {
	const char *p, *end;
	bool bad;
};

static char next(struct text *t)
{
	if (t->p == t->end) {
		t->bad = true;
		return '\0';
	}
	return *t->p++;
}

static char peek(const struct text *t)
{
	if (t->p == t->end)
		return '\0';
	return *t->p;
}

static bool have(struct text *t, const char *s)
{
	size_t n = strlen(s);

	if ((size_t)(t->end - t->p) < n || memcmp(t->p, s, n) != 0)
		return false;
	t->p += n;
	return true;
}

static void want(struct text *t, char c)
{
	if (next(t) != c)
		t->bad = true;
}

static int hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return -1;
}

/* Between |min| and |max| hex digits. */
static uint64_t get_hex(struct text *t, unsigned min, unsigned max)
{
	uint64_t v = 0;
	unsigned n;

	for (n = 0; n < max && hex_value(peek(t)) >= 0; n++)
		v = v << 4 | (unsigned)hex_value(next(t));
	if (n < min)
		t->bad = true;
	return v;
}

static unsigned get_dec(struct text *t, unsigned max)
{
	unsigned v = 0, n = 0;

	while (peek(t) >= '0' && peek(t) <= '9') {
		v = v * 10 + (unsigned)(next(t) - '0');
		if (v > max || ++n > 5) {
			t->bad = true;
			return 0;
		}
	}
	if (n == 0)
		t->bad = true;
	return v;
}

static void get_v4(struct text *t, struct proto_addr *a)
{
	memcpy(a->ip, mapped, sizeof(mapped));
	for (int i = 12; i < 16; i++) {
		a->ip[i] = (uint8_t)get_dec(t, 255);
		want(t, i < 15 ? '.' : ':');
	}
	a->family = 4;
}

/* |*domain| becomes what the notation tells. */
static void get_addr(struct text *t, struct proto_addr *a, uint8_t *domain)
{
	const char *slash = memchr(t->p, '/', (size_t)(t->end - t->p));
	const char *end = slash ? slash : t->end;

	if (have(t, "::ffff:")) {
		*domain = 6;
		get_v4(t, a);
	} else if (memchr(t->p, '.', (size_t)(end - t->p))) {
		*domain = 4;
		get_v4(t, a);
	} else {
		*domain = 6;
		a->family = 6;
		for (int i = 0; i < 16; i++)
			a->ip[i] = (uint8_t)get_hex(t, 2, 2);
		want(t, ':');
	}
	a->port = (uint16_t)get_dec(t, 65535);
}

bool name_parse(struct name *n, const char *p, size_t len)
{
	struct text t = {.p = p, .end = p + len};
	uint8_t domain = 0;

	memset(n, 0, sizeof(*n));
	if (!have(&t, prefix))
		return false;
	n->nonce = (uint32_t)get_hex(&t, 8, 8);
	n->id = get_hex(&t, 1, 14);
	want(&t, '/');
	if (t.bad)
		return false;
	get_addr(&t, &n->local, &n->domain);
	want(&t, '/');
	if (t.bad)
		return false;
	n->kind = NAME_CONNECTION;
	if (have(&t, "*"))
		n->kind = NAME_LISTENER;
	else if (have(&t, "-"))
		n->kind = NAME_FRESH;
	else
		get_addr(&t, &n->peer, &domain);
	if (n->kind == NAME_CONNECTION && domain != n->domain)
		t.bad = true;
	return !t.bad && t.p == t.end;
}
