/* SPDX-License-Identifier: MIT */
/*
 * port.c - ephemeral ports by RFC 6056, algorithm 4 (double hash): the
 * sequence is fixed by the destination and a secret, and counters are shared
 * by few destinations, so nobody learns from his own ports what others get.
 */
#include <string.h>

#include "conn.h"
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

/* How far apart the ports of two connects may be: nobody who sees one guesses
 * the next more than once in so many times. */
#define STRIDE 256u

/* Tries that look further away; after them each port in turn. */
#define TRIES  1024u

static bool take(const struct tcp *t, struct tuple *tu, uint32_t n)
{
	const struct port *p;

	tu->lport = (uint16_t)(t->set.port_min + n);
	p = &t->ports[tu->lport];
	return !p->listeners && (p->nuse == 0 || port_tuple_free(t, tu));
}

bool port_choose(struct tcp *t, struct tuple *tu)
{
	uint32_t range = (uint32_t)t->set.port_max - t->set.port_min + 1;
	struct tuple who = *tu;
	uint32_t *step;
	uint64_t h;

	who.lport = 0;
	h = siphash(&t->k_port, &who, sizeof(who));
	/* An app that goes on asking shall not have all ports looked at again
	 * each time; its answer is the same as long as none is given back. */
	if (t->port_full == h && t->port_full_at == t->port_gone)
		return false;
	step = &t->port_step[(h >> 32) % ARRAY_SIZE(t->port_step)];
	/* past what is taken by a stride of its own each time: the port behind
	 * a long part that is taken is no likelier than others (3.3.1) */
	for (uint32_t i = 0; i < TRIES; i++) {
		*step += 1 + (uint32_t)(tcp_random(t) % STRIDE);
		if (take(t, tu, ((uint32_t)h + *step) % range))
			return true;
	}
	for (uint32_t i = 0; i < range; i++)
		if (take(t, tu, ((uint32_t)h + *step + i) % range))
			return true;
	tu->lport = 0;
	t->port_full = h;
	t->port_full_at = t->port_gone;
	return false;
}

uint16_t port_choose_unused(struct tcp *t)
{
	uint32_t range = (uint32_t)t->set.port_max - t->set.port_min + 1;
	uint32_t start = (uint32_t)(tcp_random(t) % range);

	for (uint32_t i = 0; i < range; i++) {
		uint32_t p = t->set.port_min + (start + i) % range;

		if (!t->ports[p].listeners && !t->ports[p].nuse)
			return (uint16_t)p;
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

bool port_is_broadcast(const struct tcp *t, const uint8_t ip[16])
{
	uint32_t addr = 0;

	if (!ip_is4(ip))
		return false;
	for (int k = 12; k < 16; k++)
		addr = addr << 8 | ip[k];
	if (addr == UINT32_MAX)
		return true;
	for (unsigned i = 0; i < t->set.naddrs; i++) {
		const struct tcpd_prefix *a = &t->set.addr[i];

		if (a->family == 4 && a->len < 31 && !a->local &&
		    ip_in_prefix(ip, a->ip, 4, a->len) &&
		    (addr | ~(UINT32_MAX >> a->len)) == UINT32_MAX)
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
