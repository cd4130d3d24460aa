/* SPDX-License-Identifier: MIT */
/*
 * conf_value.c - single values of the configuration: text to value and back.
 *
 * Numbers are decimal and never wrap; a unit stands right behind its number.
 * Whether a value is in a directive's range is conf_type.c's to say.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "conf_value.h"
#include "wire/pretty.h"

struct unit {
	const char *name;
	uint64_t worth;
};

static const struct unit size_units[] = {
	{"G", 1u << 30}, {"M", 1u << 20}, {"k", 1u << 10}, {NULL, 0}};
static const struct unit time_units[] = {{"min", TCPD_SEC(60)},
					 {"s", TCPD_SEC(1)},
					 {"ms", TCPD_MS(1)},
					 {NULL, 0}};

static const char *digits(const char *text, const char **end, uint64_t *v)
{
	const char *p = text;

	*v = 0;
	for (; *p >= '0' && *p <= '9'; p++) {
		uint64_t digit = (uint64_t)(*p - '0');

		if (*v > (UINT64_MAX - digit) / 10)
			return "is too large";
		*v = *v * 10 + digit;
	}
	*end = p;
	return p == text ? "is no number" : NULL;
}

const char *conf_count(const char *text, uint64_t *v)
{
	const char *end, *why = digits(text, &end, v);

	if (why != NULL)
		return why;
	return *end == '\0' ? NULL : "is no number";
}

static const char *with_unit(const char *text, const struct unit *u,
			     uint64_t *v)
{
	const char *end, *why = digits(text, &end, v);

	if (why != NULL)
		return why;
	if (*end == '\0')
		return "has no unit";
	while (u->name != NULL && strcmp(end, u->name) != 0)
		u++;
	if (u->name == NULL)
		return "has an unknown unit";
	if (*v > UINT64_MAX / u->worth)
		return "is too large";
	*v *= u->worth;
	return NULL;
}

const char *conf_size(const char *text, uint64_t *v)
{
	return with_unit(text, size_units, v);
}

const char *conf_time(const char *text, tcpd_time *v)
{
	return with_unit(text, time_units, v);
}

static char *unit_text(char buf[CONF_TEXT_MAX], const struct unit *u,
		       uint64_t v)
{
	while (u[1].name != NULL && v % u->worth != 0)
		u++;
	(void)snprintf(buf, CONF_TEXT_MAX, "%" PRIu64 "%s", v / u->worth,
		       u->name);
	return buf;
}

char *conf_size_text(char buf[CONF_TEXT_MAX], uint64_t v)
{
	return unit_text(buf, size_units, v);
}

char *conf_time_text(char buf[CONF_TEXT_MAX], tcpd_time v)
{
	/* 60s and 93s are easier to compare than 1min and 93s */
	return unit_text(buf, time_units + 1, v);
}

/* "80", "8000-8999" and, where |any|, "*"; port 0 is none. */
static const char *port_range(const char *text, bool any, uint16_t *min,
			      uint16_t *max)
{
	uint64_t lo, hi;
	const char *end, *why;

	if (any && strcmp(text, "*") == 0) {
		*min = 0;
		*max = UINT16_MAX;
		return NULL;
	}
	why = digits(text, &end, &lo);
	hi = lo;
	if (why == NULL && *end == '-')
		why = digits(end + 1, &end, &hi);
	if (why != NULL || *end != '\0')
		return any ? "has no port" : "is no range of ports";
	if (lo < 1 || hi > UINT16_MAX)
		return "has a port that is not 1 to 65535";
	if (lo > hi)
		return "ends before it begins";
	*min = (uint16_t)lo;
	*max = (uint16_t)hi;
	return NULL;
}

const char *conf_ports(const char *text, uint16_t *min, uint16_t *max)
{
	return port_range(text, false, min, max);
}

static bool is_mapped(const uint8_t ip[16])
{
	static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};

	return memcmp(ip, mapped, sizeof(mapped)) == 0;
}

static bool same_bits(const uint8_t *a, const uint8_t *b, unsigned nbits)
{
	unsigned rest = nbits % 8;

	if (memcmp(a, b, nbits / 8) != 0)
		return false;
	return rest == 0 || (a[nbits / 8] ^ b[nbits / 8]) >> (8 - rest) == 0;
}

bool conf_covers(const uint8_t net[16], uint8_t family, uint8_t len,
		 const uint8_t ip[16])
{
	if (is_mapped(ip) != (family == 4))
		return false;
	return same_bits(net, ip, len + (family == 4 ? 96u : 0u));
}

/* The bits behind the prefix: all zero, or with |ones| all one. */
static bool host_bits_are(const uint8_t ip[16], uint8_t family, uint8_t len,
			  bool ones)
{
	unsigned bit = len + (family == 4 ? 96u : 0u);

	for (; bit < 128; bit++)
		if ((ip[bit / 8] >> (7 - bit % 8) & 1) != ones)
			return false;
	return true;
}

/* "ADDRESS" or "ADDRESS/LEN" into |ip|; |*has_len| says which. */
static const char *address(const char *text, uint8_t ip[16], uint8_t *family,
			   uint8_t *len, bool *has_len)
{
	char buf[PRETTY_ADDR_MAX];
	size_t n = strcspn(text, "/");
	uint64_t v;

	if (n >= sizeof(buf))
		return "is no address";
	memcpy(buf, text, n);
	buf[n] = '\0';
	/* one address has one name: IPv4 is never written as ::ffff:a.b.c.d */
	if (!pretty_parse_ip(ip, family, buf) ||
	    is_mapped(ip) != (strchr(buf, ':') == NULL))
		return "is no address";
	*len = *family == 4 ? 32 : 128;
	*has_len = text[n] == '/';
	if (!*has_len)
		return NULL;
	if (conf_count(text + n + 1, &v) != NULL || v > *len)
		return *family == 4
			       ? "has a prefix length that is not 0 to 32"
			       : "has a prefix length that is not 0 to 128";
	*len = (uint8_t)v;
	return NULL;
}

/* One host's address as it may stand in a header's source. */
static bool is_unicast(const uint8_t ip[16], uint8_t family)
{
	if (family == 4)
		return ip[12] != 0 && ip[12] != 127 && ip[12] < 224;
	if (ip[0] == 0xff)
		return false;
	/* :: and ::1 */
	return !host_bits_are(ip, 6, 0, false) &&
	       !(ip[15] == 1 && same_bits(ip, (const uint8_t[16]){0}, 120));
}

const char *conf_prefix(const char *text, bool may_be_local,
			struct tcpd_prefix *p)
{
	static const char suffix[] = " local";
	char buf[CONF_TEXT_MAX];
	size_t n = strlen(text), nsuffix = strlen(suffix);
	bool has_len;
	const char *why;

	*p = (struct tcpd_prefix){0};
	if (n >= sizeof(buf))
		return "is no address";
	memcpy(buf, text, n + 1);
	if (may_be_local && n > nsuffix &&
	    strcmp(buf + n - nsuffix, suffix) == 0) {
		p->local = true;
		buf[n - nsuffix] = '\0';
	}
	why = address(buf, p->ip, &p->family, &p->len, &has_len);
	if (why != NULL)
		return why;
	if (!has_len)
		return "has no prefix length";
	/* a gateway's prefix may be the whole net: 0.0.0.0/0 */
	if (p->local && p->len == 0)
		return NULL;
	if (!is_unicast(p->ip, p->family))
		return "is no unicast address";
	if (p->family == 6 || p->local || p->len > 30)
		return NULL;
	/* RFC 1122, 3.2.1.3: neither of the two names a host */
	if (host_bits_are(p->ip, 4, p->len, false))
		return "is the network's address";
	if (host_bits_are(p->ip, 4, p->len, true))
		return "is the network's broadcast address";
	return NULL;
}

char *conf_prefix_text(char buf[CONF_TEXT_MAX], const struct tcpd_prefix *p)
{
	char ip[PRETTY_ADDR_MAX];

	(void)snprintf(buf, CONF_TEXT_MAX, "%s/%u%s", pretty_ip(ip, p->ip),
		       (unsigned)p->len, p->local ? " local" : "");
	return buf;
}

const char *conf_listen(const char *text, struct tcpd_addr *a)
{
	if (!pretty_parse_addr(a, text))
		return "is no address and port";
	if (text[0] == '[' && is_mapped(a->ip))
		return "is no address and port";
	return a->port != 0 ? NULL : "has a port that is not 1 to 65535";
}

char *conf_listen_text(char buf[CONF_TEXT_MAX], const struct tcpd_addr *a)
{
	char addr[PRETTY_ADDR_MAX];

	if (a->family == 0)
		(void)snprintf(buf, CONF_TEXT_MAX, ":%u", (unsigned)a->port);
	else
		(void)snprintf(buf, CONF_TEXT_MAX, "%s", pretty_addr(addr, a));
	return buf;
}

const char *conf_rule(const char *text, struct conf_rule_addr *r)
{
	const char *colon = strrchr(text, ':'), *why;
	char buf[CONF_TEXT_MAX];
	char *host = buf;
	size_t n;
	bool has_len;

	*r = (struct conf_rule_addr){0};
	if (colon == NULL)
		return "has no port";
	n = (size_t)(colon - text);
	if (n >= sizeof(buf))
		return "is no address";
	memcpy(buf, text, n);
	buf[n] = '\0';
	why = port_range(colon + 1, true, &r->port_min, &r->port_max);
	if (why != NULL || n == 0 || strcmp(buf, "*") == 0)
		return why;
	if (buf[0] == '[' && buf[n - 1] == ']') {
		buf[n - 1] = '\0';
		host++;
	}
	why = address(host, r->ip, &r->family, &r->len, &has_len);
	if (why != NULL)
		return why;
	if ((r->family == 6) != (host != buf))
		return "is no address";
	if (!host_bits_are(r->ip, r->family, r->len, false))
		return "has bits set behind its prefix";
	return NULL;
}

char *conf_rule_text(char buf[CONF_TEXT_MAX], const struct conf_rule_addr *r)
{
	char ip[PRETTY_ADDR_MAX] = "*", len[8] = "", ports[16] = "*";

	if (r->family != 0)
		(void)pretty_ip(ip, r->ip);
	if (r->family != 0 && r->len != (r->family == 4 ? 32 : 128))
		(void)snprintf(len, sizeof(len), "/%u", (unsigned)r->len);
	if (r->port_min == r->port_max)
		(void)snprintf(ports, sizeof(ports), "%u",
			       (unsigned)r->port_min);
	else if (r->port_min != 0)
		(void)snprintf(ports, sizeof(ports), "%u-%u",
			       (unsigned)r->port_min, (unsigned)r->port_max);
	(void)snprintf(buf, CONF_TEXT_MAX,
		       r->family == 6 ? "[%s%s]:%s" : "%s%s:%s", ip, len,
		       ports);
	return buf;
}

const char *conf_target(const char *text)
{
	struct tcpd_addr a;

	if (strncmp(text, "unix:", 5) == 0) {
		if (text[5] != '/')
			return "has no absolute path";
		/* sun_path has 108 octets, its NUL included */
		return strlen(text + 5) <= 107
			       ? NULL
			       : "has a path of more than 107 octets";
	}
	if (strncmp(text, "tcp:", 4) != 0)
		return "is no target";
	if (!pretty_parse_addr(&a, text + 4) || a.port == 0)
		return "has no address and port";
	if (a.family != 4 || a.ip[12] != 127)
		return "is not on this host's loopback";
	return NULL;
}

bool conf_is_name(const char *text, size_t max)
{
	size_t n = strlen(text);

	if (n < 1 || n > max || strcmp(text, ".") == 0 ||
	    strcmp(text, "..") == 0)
		return false;
	return strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
			    "abcdefghijklmnopqrstuvwxyz0123456789._-") == n;
}

char *conf_show(char buf[CONF_TEXT_MAX], const char *text)
{
	static const char more[] = "...";
	size_t n = 0;

	/* an escape and the dots must still fit */
	for (; *text != '\0' && n < CONF_TEXT_MAX - 8; text++) {
		unsigned char c = (unsigned char)*text;

		if (c >= ' ' && c <= '~')
			buf[n++] = (char)c;
		else
			n += (size_t)snprintf(buf + n, CONF_TEXT_MAX - n,
					      "\\x%02x", c);
	}
	(void)snprintf(buf + n, CONF_TEXT_MAX - n, "%s",
		       *text != '\0' ? more : "");
	return buf;
}
