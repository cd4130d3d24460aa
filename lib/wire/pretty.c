/* SPDX-License-Identifier: MIT */
/*
 * pretty.c - addresses as text: IPv4 in four decimal numbers, IPv6 as RFC
 * 5952 wants it written and RFC 4291, 2.2 lets it be read.  No zones, no
 * names, no octal; numbers are formatted by hand, as lib/ has no stdio.
 */
#include <string.h>

#include "pretty.h"
#include "wire/ip.h"

/* |v| (below 65536) in |base|, without zeros in front. */
static char *put_number(char *s, unsigned v, unsigned base)
{
	unsigned unit = 1;

	while (v / unit >= base)
		unit *= base;
	for (; unit; unit /= base)
		*s++ = "0123456789abcdef"[v / unit % base];
	return s;
}

static char *put_ip4(char *s, const uint8_t ip[4])
{
	for (int i = 0; i < 4; i++) {
		if (i)
			*s++ = '.';
		s = put_number(s, ip[i], 10);
	}
	return s;
}

static unsigned group(const uint8_t ip[16], int i)
{
	const uint8_t *p = ip + (ptrdiff_t)i * 2;

	return (unsigned)p[0] << 8 | p[1];
}

/* The longest run of two or more zero groups, the first of equals (RFC 5952,
 * 4.2); its length, 0: none. */
static int longest_run(const uint8_t ip[16], int *from)
{
	int best = 0;

	for (int i = 0; i < 8; i++) {
		int n = 0;

		while (i + n < 8 && group(ip, i + n) == 0)
			n++;
		if (n >= 2 && n > best) {
			best = n;
			*from = i;
		}
		i += n;
	}
	return best;
}

static char *put_ip6(char *s, const uint8_t ip[16])
{
	int from = 8;
	int n = longest_run(ip, &from);

	for (int i = 0; i < 8; i++) {
		if (n && i == from) {
			*s++ = ':';
			*s++ = ':';
			i += n - 1;
			continue;
		}
		if (i && !(n && i == from + n))
			*s++ = ':';
		s = put_number(s, group(ip, i), 16);
	}
	return s;
}

char *pretty_ip(char buf[PRETTY_ADDR_MAX], const uint8_t ip[16])
{
	char *end = ip_is4(ip) ? put_ip4(buf, ip + 12) : put_ip6(buf, ip);

	*end = '\0';
	return buf;
}

char *pretty_addr(char buf[PRETTY_ADDR_MAX], const struct tcpd_addr *a)
{
	char *s = buf;

	if (a->family == 0) {
		*s++ = '*';
	} else if (a->family == 4 || ip_is4(a->ip)) {
		s = put_ip4(s, a->ip + 12);
	} else {
		*s++ = '[';
		s = put_ip6(s, a->ip);
		*s++ = ']';
	}
	*s++ = ':';
	if (a->family == 0 && a->port == 0)
		*s++ = '*';
	else
		s = put_number(s, a->port, 10);
	*s = '\0';
	return buf;
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* A decimal number without needless zeros, at most |max|; NULL: none. */
static const char *get_decimal(const char *s, unsigned *v, unsigned max)
{
	if (!is_digit(*s) || (*s == '0' && is_digit(s[1])))
		return NULL;
	for (*v = 0; is_digit(*s); s++) {
		*v = *v * 10 + (unsigned)(*s - '0');
		if (*v > max)
			return NULL;
	}
	return s;
}

/* All of [s, end) is an IPv4 address. */
static bool get_ip4(uint8_t ip[4], const char *s, const char *end)
{
	for (int i = 0; i < 4; i++) {
		unsigned v;

		if (i && *s++ != '.')
			return false;
		s = get_decimal(s, &v, 255);
		if (!s)
			return false;
		ip[i] = (uint8_t)v;
	}
	return s == end;
}

static int hex_digit(char c)
{
	if (is_digit(c))
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

/* One group of 1 to 4 digits; NULL: none. */
static const char *get_group(const char *s, uint8_t out[2])
{
	unsigned v = 0;
	int n = 0;

	for (; hex_digit(*s) >= 0; s++, n++) {
		if (n == 4)
			return NULL;
		v = v << 4 | (unsigned)hex_digit(*s);
	}
	out[0] = (uint8_t)(v >> 8);
	out[1] = (uint8_t)v;
	return n ? s : NULL;
}

/* Groups, one "::" at most, the last two groups as IPv4 if so wished. */
static bool get_ip6(uint8_t ip[16], const char *s, const char *end)
{
	int n = 0, gap = -1; /* octets read; where "::" stood */

	memset(ip, 0, 16);
	if (s[0] == ':' && s[1] != ':')
		return false;
	while (s < end) {
		if (s[0] == ':' && s[1] == ':') {
			if (gap >= 0)
				return false;
			gap = n;
			s += 2;
			continue;
		}
		if (*s == ':' && (n == 0 || gap == n))
			return false;
		s += *s == ':';
		if (n <= 12 && get_ip4(ip + n, s, end)) {
			n += 4;
			break;
		}
		s = n < 16 ? get_group(s, ip + n) : NULL;
		if (!s || (*s != ':' && s != end))
			return false;
		n += 2;
	}
	if (gap < 0)
		return n == 16;
	if (n > 14)
		return false;
	memmove(ip + 16 - (n - gap), ip + gap, (size_t)(n - gap));
	memset(ip + gap, 0, (size_t)(16 - n));
	return true;
}

static bool get_ip(uint8_t ip[16], uint8_t *family, const char *s,
		   const char *end)
{
	static const uint8_t mapped[12] = {[10] = 255, [11] = 255};
	uint8_t v[16];

	memcpy(v, mapped, sizeof(mapped));
	if (!get_ip4(v + 12, s, end) && !get_ip6(v, s, end))
		return false;
	memcpy(ip, v, 16);
	*family = ip_is4(v) ? 4 : 6;
	return true;
}

bool pretty_parse_ip(uint8_t ip[16], uint8_t *family, const char *text)
{
	return get_ip(ip, family, text, text + strlen(text));
}

bool pretty_parse_addr(struct tcpd_addr *a, const char *text)
{
	struct tcpd_addr v = {.family = 0};
	const char *colon = strrchr(text, ':');
	unsigned port;
	const char *end;

	if (!colon)
		return false;
	end = get_decimal(colon + 1, &port, 65535);
	if (!end || *end)
		return false;
	if (text[0] == '[') {
		if (colon[-1] != ']' || !get_ip6(v.ip, text + 1, colon - 1))
			return false;
		v.family = ip_is4(v.ip) ? 4 : 6;
	} else if (colon != text && !(text[0] == '*' && colon == text + 1)) {
		if (!get_ip(v.ip, &v.family, text, colon) || v.family != 4)
			return false;
	}
	v.port = (uint16_t)port;
	*a = v;
	return true;
}
