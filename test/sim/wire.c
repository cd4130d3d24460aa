/* SPDX-License-Identifier: MIT */
/*
 * wire.c - what every packet on the wire must be, whatever the stacks think:
 * acknowledgments and right edges never go back, nothing is sent beyond what
 * the peer has allowed, every octet is the one that belongs there, and no
 * answer to an answer goes on for ever.
 */
#include <string.h>

#include "sim.h"
#include "test/harness/pattern.h"

/* Answers in a row, without a timer or a program, that bring nothing new to
 * either side (attacks.md: an ACK war). */
#define WAR 10u

static int32_t diff(uint32_t a, uint32_t b)
{
	return (int32_t)(a - b);
}

static struct trail *find(struct side *side, const uint8_t *ip, uint16_t sport,
			  const uint8_t *peer, uint16_t dport)
{
	for (unsigned i = 0; i < side->ntrails; i++) {
		struct trail *t = &side->trail[i];

		if (t->sport == sport && t->dport == dport &&
		    !memcmp(t->ip, ip, 16) && !memcmp(t->peer, peer, 16))
			return t;
	}
	return NULL;
}

static struct trail *trail(struct sim *s, unsigned i, const struct packet *p)
{
	struct side *side = &s->side[i];
	struct trail *t = find(side, p->src, p->sport, p->dst, p->dport);

	if (t)
		return t;
	t = &side->trail[side->ntrails < MAX_TRAILS ? side->ntrails++ : 0];
	memset(t, 0, sizeof(*t));
	memcpy(t->ip, p->src, 16);
	memcpy(t->peer, p->dst, 16);
	t->sport = p->sport;
	t->dport = p->dport;
	t->wscale_offered = -1;
	return t;
}

/* Whose stream a trail carries, once both are known.  (The accepting end's
 * first packets may come before the program has the connection.) */
static void match(struct sim *s, unsigned side, struct trail *t)
{
	for (unsigned i = 0; !t->e && i < s->npairs; i++) {
		struct pair *p = &s->pair[i];
		unsigned end = p->ep[0].side == side ? 0 : 1;

		if ((t->ip[10] == 0xff) == (p->version == 4) && p->port &&
		    p->port == (end ? t->dport : t->sport) &&
		    p->iss[end] == t->iss && (!end || p->matched))
			t->e = &p->ep[end];
	}
}

static void text(struct sim *s, const struct trail *t, const struct packet *p)
{
	uint64_t at = p->seq - t->iss - 1;
	size_t same;

	if (!t->e || !p->len)
		return;
	same = pattern_same(t->e->salt, at, p->data, p->len);
	if (at + p->len > t->e->wrote)
		sim_fail(s, "octets %llu to %llu are sent, %llu were written",
			 (unsigned long long)at,
			 (unsigned long long)at + p->len,
			 (unsigned long long)t->e->wrote);
	else if (same < p->len)
		sim_fail(s, "octet %llu of a stream is sent wrong",
			 (unsigned long long)at + same);
}

static void opening(struct trail *t, const struct packet *p, bool cookies)
{
	/* sent again, or the SYN-ACK to its own SYN; but a cookie may be that
	 * of a connection which is long over, to a SYN that is as old */
	if (t->used && t->iss == p->seq &&
	    (t->top == t->iss + 1 || !(p->flags & FLAG_ACK) || !cookies))
		return;
	/* a cookie, then an entry or another cookie: the peer has a choice */
	if (t->used && p->flags & FLAG_ACK && t->top == t->iss + 1 &&
	    t->nothers < MAX_OFFERS) {
		t->other_wscale[t->nothers] = t->wscale_offered;
		t->other[t->nothers++] = t->iss;
	} else {
		t->nothers = 0;
	}
	t->used = true;
	t->iss = t->top = p->seq;
	t->has_ack = t->has_edge = t->has_peer_edge = t->heard = false;
	t->wscale_offered = packet_option(p, OPTION_WSCALE);
	t->e = NULL;
}

/* Which of several SYN-ACKs the connection came of: the first segment of either
 * end says, by the number |first| behind the ISN. */
static void choose(struct trail *t, uint32_t first)
{
	if (t->top != t->iss + 1)
		return;
	for (unsigned i = 0; i < t->nothers; i++) {
		uint32_t iss = t->other[i];
		int wscale = t->other_wscale[i];

		if (first != iss + 1)
			continue;
		t->other[i] = t->iss;
		t->other_wscale[i] = t->wscale_offered;
		t->iss = iss;
		t->top = iss + 1;
		t->wscale_offered = wscale;
	}
}

/* Both have offered: both scale (RFC 7323, 2.2). */
static void scales(struct trail *mine, struct trail *theirs)
{
	bool scale = mine->wscale_offered >= 0 && theirs->wscale_offered >= 0;

	mine->wscale = scale ? (uint8_t)mine->wscale_offered : 0;
	theirs->wscale = scale ? (uint8_t)theirs->wscale_offered : 0;
}

/* True: it brings something new. */
static bool numbers(struct sim *s, struct trail *t, const struct packet *p)
{
	bool news = false;
	uint32_t end = p->seq + packet_span(p);
	uint32_t edge;

	if (diff(p->seq, t->top) > 0)
		sim_fail(s, "a hole: %u is sent, all before ends at %u",
			 p->seq - t->iss, t->top - t->iss);
	/* but for a probe of one octet, and a FIN */
	if (t->has_peer_edge && diff(end, t->top) > 0 &&
	    diff(p->seq + p->len, t->peer_edge) > (p->len == 1))
		sim_fail(s, "sent up to %u, the peer allows %u", end - t->iss,
			 t->peer_edge - t->iss);
	if (diff(end, t->top) > 0) {
		t->top = end;
		news = true;
	}
	if (!(p->flags & FLAG_ACK))
		return news;
	if (t->has_ack && diff(p->ack, t->ack) < 0)
		sim_fail(s, "the acknowledgment goes back by %d",
			 diff(t->ack, p->ack));
	if (!t->has_ack || diff(p->ack, t->ack) > 0)
		news = true;
	t->ack = p->ack;
	t->has_ack = true;
	edge = p->ack +
	       ((uint32_t)p->wnd << (p->flags & FLAG_SYN ? 0 : t->wscale));
	/* but for rounding to the scale's unit (RFC 7323, 2.4) */
	if (t->has_edge && diff(edge, t->edge) <= -(1 << t->wscale))
		sim_fail(s, "the right edge goes back by %d",
			 diff(t->edge, edge));
	if (t->has_edge && diff(edge, t->edge) > 0)
		news = true;
	t->edge = edge;
	t->has_edge = true;
	return news;
}

/*
 * Without state (RFC 4987, 3.6) nobody can tell that a cookie was used: a SYN
 * that comes late gets the one of a connection which is over, and text that
 * comes late brings it back, for a new connection with the same ISN.
 */
static void reopening(const struct sim *s, unsigned from, struct trail *t,
		      const struct packet *p, tcpd_id id)
{
	bool bare = !id && p->flags & FLAG_SYN;
	bool again = id && t->id && id != t->id && p->seq == t->iss + 1;

	if (id)
		t->id = id;
	if ((!bare && !again) ||
	    s->side[from].set.conn.syn_cookies == TCPD_COOKIES_OFF)
		return;
	t->has_ack = t->has_edge = t->has_peer_edge = false;
	t->top = p->seq + bare;
}

/* Text before the peer has acknowledged the SYN would let a forged address
 * make it send (RFC 9293, 3.10.7.3). */
static void early(struct sim *s, const struct trail *t, const struct packet *p)
{
	if (p->len && !t->heard)
		sim_fail(s, "text leaves before the handshake is over");
}

/* SACK blocks tell something new if they are not those of the ACK before. */
static bool sack_news(struct trail *t, const struct packet *p)
{
	uint32_t sum = 0, had = t->sacks;

	for (uint8_t i = 0; i + 1 < p->nopt;) {
		uint8_t kind = p->opt[i];
		uint8_t len = kind <= OPTION_NOP ? 1 : p->opt[i + 1];

		for (uint8_t k = 0; kind == OPTION_SACK && k < len; k++)
			sum = sum * 31 + p->opt[i + k];
		i = (uint8_t)(i + len);
	}
	t->sacks = sum;
	return sum && sum != had;
}

uint8_t wire_out(struct sim *s, unsigned from, const struct packet *p,
		 tcpd_id id)
{
	struct trail *t, *other;
	uint32_t val, ecr;

	if (p->protocol != PROTO_TCP || p->flags & FLAG_RST)
		return 0;
	t = trail(s, from, p);
	if (p->flags & FLAG_SYN)
		opening(t, p,
			s->side[from].set.conn.syn_cookies != TCPD_COOKIES_OFF);
	if (!t->used)
		return 0;
	early(s, t, p);
	reopening(s, from, t, p, id);
	t->has_ts = packet_ts(p, &val, &ecr);
	t->ts_val = t->has_ts ? val : 0;
	other = find(&s->side[!from], p->dst, p->dport, p->src, p->sport);
	if (!(p->flags & FLAG_SYN)) {
		choose(t, p->seq);
		if (other) {
			choose(other, p->ack);
			scales(t, other);
		}
	}
	match(s, from, t);
	text(s, t, p);
	if (numbers(s, t, p)) {
		world_progress(s);
		t->gen = 0;
	}
	if (sack_news(t, p))
		t->gen = 0;
	if (t->gen > WAR)
		sim_fail(s, "%u answers to answers, and nothing new", t->gen);
	return t->gen;
}

void wire_moved(struct sim *s, unsigned side)
{
	for (unsigned i = 0; i < s->side[side].ntrails; i++)
		s->side[side].trail[i].gen = 0;
}

const struct trail *wire_trail(const struct sim *s, unsigned side,
			       const struct tcpd_addr *local,
			       const struct tcpd_addr *peer)
{
	const struct side *x = &s->side[side];

	for (unsigned i = 0; i < x->ntrails; i++) {
		const struct trail *t = &x->trail[i];

		if (t->sport == local->port && t->dport == peer->port &&
		    !memcmp(t->ip, local->ip, 16) &&
		    !memcmp(t->peer, peer->ip, 16))
			return t;
	}
	return NULL;
}

/* What the packet |f| that arrives allows its receiver to send. */
void wire_in(struct sim *s, const struct flight *f)
{
	const uint8_t *data = f->data;
	uint32_t len = f->len, to = f->to;
	uint32_t head = len && data[0] >> 4 == 4 ? 20 : 40;
	const uint8_t *tcp = data + head;
	struct packet p = {.version = head == 20 ? 4 : 6};
	struct trail *mine, *theirs;
	uint32_t edge;

	if (len < head + 20 || data[head == 20 ? 9 : 6] != PROTO_TCP)
		return;
	memset(p.src, 0, 10);
	memset(p.src + 10, 0xff, 2);
	memcpy(p.dst, p.src, 16);
	memcpy(p.src + (head == 20 ? 12 : 0),
	       data + head - (head == 20 ? 8 : 32), head == 20 ? 4 : 16);
	memcpy(p.dst + (head == 20 ? 12 : 0),
	       data + head - (head == 20 ? 4 : 16), head == 20 ? 4 : 16);
	p.sport = (uint16_t)(tcp[0] << 8 | tcp[1]);
	p.dport = (uint16_t)(tcp[2] << 8 | tcp[3]);
	p.ack = (uint32_t)tcp[8] << 24 | (uint32_t)tcp[9] << 16 |
		(uint32_t)tcp[10] << 8 | tcp[11];
	p.flags = tcp[13];
	p.wnd = (uint16_t)(tcp[14] << 8 | tcp[15]);
	mine = find(&s->side[to], p.dst, p.dport, p.src, p.sport);
	theirs = find(&s->side[!to], p.src, p.sport, p.dst, p.dport);
	/* such answers are limited to four in half a second (rst_reassure()):
	 * a chain with a longer round trip goes on at that rate, until what
	 * it is about changes, as RFC 9293 has it */
	if (mine)
		mine->gen = s->now - f->sent < TCPD_MS(50)
				    ? (uint8_t)(f->gen + 1)
				    : 0;
	if (!mine || !theirs || !(p.flags & FLAG_ACK) || p.flags & FLAG_RST)
		return;
	scales(mine, theirs);
	edge = p.ack +
	       ((uint32_t)p.wnd << (p.flags & FLAG_SYN ? 0 : theirs->wscale));
	if (!mine->has_peer_edge || diff(edge, mine->peer_edge) > 0)
		mine->peer_edge = edge;
	mine->has_peer_edge = mine->heard = true;
}
