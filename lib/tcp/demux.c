/* SPDX-License-Identifier: MIT */
/*
 * demux.c - whose segment is it: connections first, then half-open entries,
 * TIME-WAIT entries, listeners, and nobody (RFC 9293, 3.10.7).  One keyed hash
 * serves all three tables.
 */
#include <string.h>

#include "conn.h"
#include "listen.h"
#include "synq.h"
#include "timewait.h"
#include "wire/ip.h"

/* What tells |tu| from others, and the length the two families: of IPv4 it is
 * a third, for each SYN is hashed five times. */
static inline size_t octets_of_tuple(const struct tuple *tu,
				     uint8_t p[sizeof(*tu)])
{
	if (!ip_is4(tu->local) || !ip_is4(tu->peer)) {
		memcpy(p, tu, sizeof(*tu));
		return sizeof(*tu);
	}
	memcpy(p, tu->local + 12, 4);
	memcpy(p + 4, tu->peer + 12, 4);
	memcpy(p + 8, &tu->lport, 2);
	memcpy(p + 10, &tu->pport, 2);
	return 12;
}

uint64_t tuple_siphash(const struct siphash_key *key, const struct tuple *tu)
{
	uint8_t p[sizeof(*tu)];

	return siphash(key, p, octets_of_tuple(tu, p));
}

uint64_t tuple_siphash_with(const struct siphash_key *key,
			    const struct tuple *tu, uint32_t more)
{
	uint8_t p[sizeof(*tu) + sizeof(more)];
	size_t n = octets_of_tuple(tu, p);

	memcpy(p + n, &more, sizeof(more));
	return siphash(key, p, n + sizeof(more));
}

uint32_t tuple_hash(const struct tcp *t, const struct tuple *tu)
{
	return (uint32_t)tuple_siphash(&t->k_table, tu);
}

bool tuple_same(const struct tuple *a, const struct tuple *b)
{
	return memcmp(a, b, sizeof(*a)) == 0;
}

/* 3.10.7.1: CLOSED.  A RST is never answered. */
static void input_closed(struct tcp *t, const struct segment *seg)
{
	if (seg->h.flags & TCP_RST) {
		rst_ignored(t, 0, seg, TCPD_DROP_NO_CONNECTION);
		return;
	}
	tcp_drop(t, TCPD_DROP_NO_CONNECTION);
	rst_answer(t, seg,
		   seg->h.flags & TCP_SYN && !(seg->h.flags & TCP_ACK)
			   ? TCPD_RESET_NO_LISTENER
			   : TCPD_RESET_NO_CONNECTION);
}

/* 3.10.7.2: LISTEN. */
static void input_listen(struct tcp *t, struct listener *l, struct segment *seg)
{
	uint8_t f = seg->h.flags;

	if (f & TCP_RST) { /* first: a RST is ignored */
		rst_ignored(t, l->id, seg, TCPD_DROP_LISTEN_FLAGS);
		return;
	}
	if (f & TCP_ACK) { /* second: an ACK of something we never sent */
		if (synq_cookie_ack(t, l, seg))
			return;
		tcp_drop(t, TCPD_DROP_NO_CONNECTION);
		rst_answer(t, seg, TCPD_RESET_NO_CONNECTION);
		return;
	}
	if ((f & TCP_SYN) && !(f & TCP_FIN)) { /* third: a SYN */
		synq_syn(t, l, seg, NULL);
		return;
	}
	tcp_drop(t, TCPD_DROP_LISTEN_FLAGS); /* fourth: anything else */
}

static void input_conn(struct tcp *t, struct conn *c, struct segment *seg)
{
	c->segs_in += seg->nwire;
	if (seg->len)
		c->data_segs_in += seg->nwire;
	c->last_rcv = t->now;
	c->nkeep = 0;
	if (c->state == TCPD_SYN_SENT)
		input_syn_sent(t, c, seg);
	else
		input_other(t, c, seg);
}

void tcp_input(struct tcp *t, struct segment *seg)
{
	uint32_t hash = tuple_hash(t, &seg->tu);
	uint32_t slot;
	struct listener *l;

	seg->hash = hash;
	t->stat.segments_in += seg->nwire;
	t->stat.segments_super_in += seg->nwire > 1;
	slot = conn_find(t, &seg->tu, hash);
	if (slot != HTAB_NONE) {
		input_conn(t, conn_at(t, slot), seg);
		return;
	}
	slot = synq_find(t, &seg->tu, hash);
	if (slot != HTAB_NONE) {
		synq_input(t, slot, seg);
		return;
	}
	slot = timewait_find(t, &seg->tu, hash);
	if (slot != HTAB_NONE) {
		timewait_input(t, slot, seg);
		return;
	}
	l = listen_find(t, seg->tu.local, seg->tu.lport, hash);
	if (l)
		input_listen(t, l, seg);
	else
		input_closed(t, seg);
}
