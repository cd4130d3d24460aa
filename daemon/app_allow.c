/* SPDX-License-Identifier: MIT */
/*
 * app_allow.c - the allow rules: who may listen on, or connect from, which
 * address and port of the stack.
 *
 * Root and tcpd's own user may do everything; everybody else only what a
 * section of the configuration says.  Pure decisions over conf.h.
 */
#include <string.h>

#include "bridge.h"

static bool same_bits(const uint8_t *a, const uint8_t *b, unsigned bits)
{
	unsigned whole = bits / 8, rest = bits % 8;

	if (memcmp(a, b, whole) != 0)
		return false;
	return !rest || (a[whole] ^ b[whole]) >> (8 - rest) == 0;
}

/* Is all of |a| (family 0, or all zero: any address) inside the rule? */
static bool covers(const struct conf_rule_addr *r, const struct tcpd_addr *a)
{
	static const uint8_t any[16];
	unsigned skip = r->family == 4 ? 96 : 0;

	if (a->port < r->port_min || a->port > r->port_max)
		return false;
	if (r->family == 0)
		return true;
	if (r->family != a->family)
		return false;
	if (memcmp(a->ip, any, sizeof(any)) == 0)
		return r->len == 0;
	return same_bits(a->ip, r->ip, skip + r->len);
}

static bool names(const struct conf_allow *w, uid_t uid, gid_t gid)
{
	return w->any_uid || (w->has_uid && w->uid == uid) ||
	       (w->has_gid && w->gid == gid);
}

static bool is_privileged(const struct daemon *d, uid_t uid)
{
	return uid == 0 || uid == d->uid;
}

bool app_allowed(const struct daemon *d, uid_t uid, gid_t gid, bool listen,
		 const struct tcpd_addr *a)
{
	const struct conf_allow *w;

	if (is_privileged(d, uid))
		return true;
	for (w = d->conf->allows; w; w = w->next) {
		const struct conf_rule_addr *r =
			listen ? w->listen : w->connect;
		size_t n = listen ? w->nlisten : w->nconnect;

		if (!names(w, uid, gid))
			continue;
		for (size_t i = 0; i < n; i++)
			if (covers(&r[i], a))
				return true;
	}
	return false;
}

bool app_allowed_any(const struct daemon *d, uid_t uid, gid_t gid)
{
	const struct conf_allow *w;

	if (is_privileged(d, uid))
		return true;
	for (w = d->conf->allows; w; w = w->next)
		if (names(w, uid, gid) && (w->nlisten || w->nconnect))
			return true;
	return false;
}
