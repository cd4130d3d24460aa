/* SPDX-License-Identifier: MIT */
/*
 * flow.c - the names of a script: each is a pair of addresses and ports, the
 * numbers that its packets count from, and a handle once a call gave one.
 * `@c` is what is meant where no name stands, `@l` the listener.
 */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "script.h"

#define FIRST_PORT 40000

static const struct {
	const char *name, *ip4, *ip6;
} places[] = {
	{"stack", "10.77.0.2", "fd77::2"},
	{"stack2", "10.77.0.9", "fd77::9"},
	{"peer", "10.77.0.1", "fd77::1"},
	{"peer2", "10.77.0.3", "fd77::3"},
	{"other", "10.99.0.9", "fd99::9"},
	{"any", "0.0.0.0", "::"},
	{"loopback", "127.0.0.1", "::1"},
	{"multicast", "224.0.0.5", "ff02::5"},
	{"broadcast", "10.77.0.255", "ff02::1"},
	{"all-ones", "255.255.255.255", "ff0e::1"},
};

static bool parse_ip(const char *text, struct tcpd_addr *a)
{
	memset(a->ip, 0, 10);
	memset(a->ip + 10, 0xff, 2);
	if (inet_pton(AF_INET, text, a->ip + 12) == 1) {
		a->family = 4;
		return true;
	}
	a->family = 6;
	return inet_pton(AF_INET6, text, a->ip) == 1;
}

/* "stack:80", ":80" (every address), "10.77.0.2:80", "[fd77::2]:80". */
bool flow_place(const struct stage *s, const char *word, struct tcpd_addr *a)
{
	char host[64];
	const char *colon = word ? strrchr(word, ':') : NULL;
	size_t n;
	char *end;
	unsigned long port;

	memset(a, 0, sizeof(*a));
	if (!colon || (size_t)(colon - word) >= sizeof(host))
		return false;
	port = strtoul(colon + 1, &end, 10);
	if (*end || end == colon + 1 || port > 65535)
		return false;
	a->port = (uint16_t)port;
	n = (size_t)(colon - word);
	if (n == 0)
		return true;
	memcpy(host, word, n);
	host[n] = '\0';
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++)
		if (!strcmp(host, places[i].name))
			return parse_ip(s->version == 4 ? places[i].ip4
							: places[i].ip6,
					a);
	if (host[0] == '[' && host[n - 1] == ']') {
		host[n - 1] = '\0';
		return parse_ip(host + 1, a);
	}
	return parse_ip(host, a);
}

struct flow *flow_get(struct stage *s, const char *name)
{
	struct flow *f;

	for (unsigned i = 0; i < s->nflows; i++)
		if (!strcmp(s->flow[i].name, name))
			return &s->flow[i];
	if (s->nflows == MAX_FLOWS || strlen(name) >= sizeof(f->name)) {
		stage_fail(s, "too many names, or too long a one: %s", name);
		return NULL;
	}
	f = &s->flow[s->nflows];
	memcpy(f->name, name, strlen(name) + 1);
	flow_place(s, "stack:80", &f->local);
	flow_place(s, "peer:1", &f->peer);
	f->peer.port = (uint16_t)(FIRST_PORT + s->nflows);
	f->peer_isn = s->peer_isn + 0x10000 * s->nflows;
	f->salt = 2 * s->nflows;
	s->nflows++;
	return f;
}

struct flow *flow_word(struct stage *s, struct line *l, unsigned *w,
		       const char *otherwise)
{
	const char *word = word_at(l, *w);

	if (!word || word[0] != '@')
		return flow_get(s, otherwise);
	++*w;
	return flow_get(s, word + 1);
}

static bool same_end(const struct tcpd_addr *a, const uint8_t ip[16],
		     uint16_t port)
{
	return a->port == port && !memcmp(a->ip, ip, 16);
}

/* Whose packet out this is; it may teach us a port of ours. */
struct flow *flow_of_packet(struct stage *s, const struct packet *p)
{
	for (unsigned i = 0; i < s->nflows; i++)
		if (same_end(&s->flow[i].peer, p->dst, p->dport) &&
		    same_end(&s->flow[i].local, p->src, p->sport))
			return &s->flow[i];
	for (unsigned i = 0; i < s->nflows; i++) {
		struct flow *f = &s->flow[i];

		if (!same_end(&f->peer, p->dst, p->dport) || f->local.port)
			continue;
		memcpy(f->local.ip, p->src, 16);
		f->local.port = p->sport;
		return f;
	}
	return NULL;
}

char *flow_print(char *text, size_t room, struct flow *f,
		 const struct packet *p)
{
	struct packet_base b = {0};
	int n = 0;

	if (f) {
		if (strcmp(f->name, "c") != 0)
			n = snprintf(text, room, "@%s ", f->name);
		b.ack = p->flags & FLAG_ACK ? f->peer_isn : 0;
		b.seq = f->has_isn ? f->our_isn : 0;
		b.ts_val = f->ts_base;
	} else if (p->protocol == PROTO_TCP) {
		n = snprintf(text, room, "(from %u to %u) ", p->sport,
			     p->dport);
	}
	packet_print(text + n, room - (size_t)n, p, &b);
	return text;
}
