/* SPDX-License-Identifier: MIT */
/*
 * port.c - ephemeral ports by RFC 6056, at random: each is drawn anew, so what
 * somebody sees of his own says nothing of what comes next, nor of how many
 * others were opened (CVE-2022-1012).  A port is free towards a peer when the
 * four-tuple is: what it is used for towards others says nothing.
 */
#include <string.h>

#include "base/clamp.h"
#include "conn.h"
#include "listen.h"
#include "port.h"
#include "synq.h"
#include "timewait.h"
#include "wire/ip.h"

bool port_tuple_free(const struct tcp *t, const struct tuple *tu)
{
	uint32_t hash = tuple_hash(t, tu);

	return conn_find(t, tu, hash) == HTAB_NONE &&
	       synq_find(t, tu, hash) == HTAB_NONE &&
	       timewait_find(t, tu, hash) == HTAB_NONE;
}

static bool whoever(const void *arg, uint32_t ref, const void *key)
{
	(void)arg;
	(void)ref;
	(void)key;
	return true;
}

/* How long until a connection may have the four-tuple: 0, or TCPD_NEVER.
 * Connections that have its whole hash are not looked at, which is what makes
 * a search among very many quick: once in 2^32 it is another's. */
static tcpd_time tuple_left(const struct tcp *t, const struct tuple *tu)
{
	uint32_t hash = tuple_hash(t, tu);
	uint32_t slot;

	if (htab_find(&t->conn_tab, hash, whoever, NULL, NULL) != HTAB_NONE ||
	    htab_find(&t->half_tab, hash, whoever, NULL, NULL) != HTAB_NONE)
		return TCPD_NEVER;
	slot = timewait_find(t, tu, hash);
	return slot == HTAB_NONE ? 0 : timewait_left(t, slot);
}

bool port_tuple_usable(const struct tcp *t, const struct tuple *tu)
{
	return tuple_left(t, tu) == 0;
}

void port_give(struct tcp *t, uint16_t port)
{
	t->port_given[t->port_gone++ % NPORT_GIVEN] = port;
}

/* Draws; after them each port in turn. */
#define TRIES	    1024u
/* ... of which the first few want a port that no TIME-WAIT entry has. */
#define TRIES_FRESH 32u

enum taken { FREE, REOPENED, TAKEN };

/* |*until|: when a port that is taken now may be had. */
static enum taken look(const struct tcp *t, struct tuple *tu, uint16_t port,
		       tcpd_time *until)
{
	const struct port *p = &t->ports[port];
	tcpd_time left;

	tu->lport = port;
	if (p->listeners || p->nbound)
		return TAKEN;
	if (p->nuse == 0)
		return FREE;
	left = tuple_left(t, tu);
	if (left == 0)
		return p->ntw[0] || p->ntw[1] ? REOPENED : FREE;
	if (left != TCPD_NEVER)
		*until = min_u64(*until, t->now + left);
	return TAKEN;
}

static uint32_t port_range(const struct tcp *t)
{
	return (uint32_t)t->set.port_max - t->set.port_min + 1;
}

static bool in_range(const struct tcp *t, uint16_t port)
{
	return port >= t->set.port_min && port <= t->set.port_max;
}

/*
 * None was free towards the destination |i|: only what was given since can
 * be.  An app that goes on asking shall not have all ports looked at again
 * each time.
 */
static bool choose_given(struct tcp *t, struct tuple *tu, uint32_t i)
{
	while (t->port_full_at[i] != t->port_gone) {
		uint16_t port = t->port_given[t->port_full_at[i] % NPORT_GIVEN];

		if (in_range(t, port) &&
		    look(t, tu, port, &t->port_full_until[i]) != TAKEN)
			return true;
		t->port_full_at[i]++;
	}
	tu->lport = 0;
	return false;
}

bool port_choose(struct tcp *t, struct tuple *tu)
{
	uint32_t range = port_range(t);
	tcpd_time until = TCPD_NEVER;
	uint64_t who;
	uint32_t n = 0, full;

	tu->lport = 0;
	who = siphash(&t->k_recent, tu, sizeof(*tu));
	full = who % NPORT_FULL;
	if (t->port_full[full] == who && t->now < t->port_full_until[full] &&
	    t->port_gone - t->port_full_at[full] <= NPORT_GIVEN)
		return choose_given(t, tu, full);
	/* not the port behind one that is taken: it would be likelier than
	 * others behind a long part that is taken (3.3.1) */
	for (uint32_t i = 0; i < TRIES; i++) {
		enum taken is;

		n = (uint32_t)(tcp_random(t) % range);
		is = look(t, tu, (uint16_t)(t->set.port_min + n), &until);
		if (is == FREE || (is == REOPENED && i >= TRIES_FRESH))
			return true;
	}
	for (uint32_t i = 0; i < range; i++) {
		uint32_t port = t->set.port_min + (n + i) % range;

		if (look(t, tu, (uint16_t)port, &until) != TAKEN)
			return true;
	}
	tu->lport = 0;
	t->port_full[full] = who;
	t->port_full_at[full] = t->port_gone;
	t->port_full_until[full] = until;
	return false;
}

static bool unused(const struct tcp *t, uint16_t port)
{
	return !t->ports[port].listeners && !t->ports[port].nuse;
}

uint16_t port_choose_bind(struct tcp *t, const struct claim *w)
{
	struct claim alone = *w;
	uint32_t range = port_range(t);
	uint32_t n = 0;

	for (uint32_t i = 0; i < TRIES; i++) {
		n = (uint32_t)(tcp_random(t) % range);
		if (unused(t, (uint16_t)(t->set.port_min + n)))
			return (uint16_t)(t->set.port_min + n);
	}
	/* as a port of its own, whatever it would share one with */
	alone.share = 0;
	for (uint32_t i = 0; i < range; i++) {
		alone.a.port = (uint16_t)(t->set.port_min + (n + i) % range);
		if (listen_port_free(t, &alone))
			return alone.a.port;
	}
	return 0;
}

bool port_is_ours(const struct tcp *t, const uint8_t ip[16])
{
	for (unsigned i = 0; i < t->set.naddrs; i++) {
		const struct tcpd_prefix *a = &t->set.addr[i];

		if (a->local ? ip_in_prefix(ip, a->ip, a->family, a->len)
			     : memcmp(ip, a->ip, 16) == 0)
			return true;
	}
	return false;
}

static uint32_t v4_of(const uint8_t ip[16])
{
	return (uint32_t)ip[12] << 24 | (uint32_t)ip[13] << 16 |
	       (uint32_t)ip[14] << 8 | ip[15];
}

bool port_is_broadcast(const struct tcp *t, const uint8_t ip[16])
{
	uint32_t addr;

	if (!ip_is4(ip))
		return false;
	addr = v4_of(ip);
	if (addr == UINT32_MAX)
		return true;
	for (unsigned i = 0; i < t->set.naddrs; i++) {
		const struct tcpd_prefix *a = &t->set.addr[i];
		uint32_t host = UINT32_MAX;

		if (a->family != 4 || a->len >= 31 || a->local)
			continue;
		if (a->len)
			host >>= a->len;
		if ((addr & host) == host && !((addr ^ v4_of(a->ip)) & ~host))
			return true;
	}
	return false;
}

/* The address whose prefix the peer shares, else the first of its family
 * (RFC 6724's rules come down to that on one interface). */
bool port_source(const struct tcp *t, const uint8_t peer[16], uint8_t ip[16])
{
	uint8_t family = ip_is4(peer) ? 4 : 6;
	const struct tcpd_prefix *best = NULL;

	for (unsigned i = 0; i < t->set.naddrs; i++) {
		const struct tcpd_prefix *a = &t->set.addr[i];

		if (a->family != family)
			continue;
		if (!best)
			best = a;
		if (ip_in_prefix(peer, a->ip, family, a->len)) {
			best = a;
			break;
		}
	}
	if (best)
		memcpy(ip, best->ip, 16);
	return best != NULL;
}
