/* SPDX-License-Identifier: MIT */
/*
 * pmtu.c - the greatest packet that reaches a peer.
 *
 * It falls when a router says so (RFC 1191, RFC 8201; icmp_in.c has seen that
 * the message quotes what is in flight), and when full segments vanish without
 * a word (RFC 4821, 7.7).  It rises by probes alone: one segment that is
 * larger and carries the stream's next text, half-way between what is known to
 * arrive and what is not known to be lost.  The loss of a probe is no sign of
 * congestion (7.6.2).  What was found is kept for other connections to the
 * same peer, in a table that does not grow.
 */
#include "pmtu.h"
#include "conn.h"
#include "wire/ip.h"
#include "xmit.h"

/* RFC 4821, 7.2: search_low.  No segment has less than 48 octets. */
#define BASE_V4	  1024u
#define LEAST_V4  88u
/* Links that carry less than what IPv6 asks of every link are rare: smaller
 * packets that vanish are more probably a path that is down for a while. */
#define SUSPECT	  1280u
#define LATER	  5u /* ... retransmissions until they are suspected, too */
#define LATER_GAP 3u
/* RFC 1191, 3: between two raises, but for a search that a black hole began */
#define RAISE_GAP TCPD_SEC(60)
#define SUPERS	  3u /* super-segments in a row that never arrived */
/* RFC 4821, 7.4: what follows a probe, so that duplicate ACKs tell its loss */
#define BEHIND	  3u

static bool is_v4(const struct conn *c)
{
	return ip_is4(c->tu.local);
}

uint32_t pmtu_now(const struct tcp *t, const struct conn *c)
{
	return c->pmtu && c->pmtu < t->set.mtu ? c->pmtu : t->set.mtu;
}

enum tcpd_pmtu pmtu_how(const struct tcp *t, const struct conn *c)
{
	return pmtu_now(t, c) == t->set.mtu ? TCPD_PMTU_DEVICE
					    : (enum tcpd_pmtu)c->pmtu_how;
}

/* --- the table */

static uint64_t hash_of(const struct tcp *t, const uint8_t peer[16])
{
	return siphash(&t->k_pmtu, peer, 16);
}

static struct pmtu_cell *cell_of(const struct tcp *t, uint64_t hash)
{
	struct pmtu_cell *set = t->paths + hash % PMTU_SETS * PMTU_WAYS;

	for (unsigned i = 0; i < PMTU_WAYS; i++)
		if (set[i].until && set[i].hash == hash)
			return set + i;
	return NULL;
}

const struct pmtu_cell *pmtu_known(const struct tcp *t, const uint8_t peer[16])
{
	const struct pmtu_cell *p = cell_of(t, hash_of(t, peer));

	return p && t->now < p->until ? p : NULL;
}

/* Where the set is full, what would be forgotten first gives way. */
static void learn(struct tcp *t, const uint8_t peer[16], struct pmtu_cell p)
{
	uint64_t hash = hash_of(t, peer);
	struct pmtu_cell *set = t->paths + hash % PMTU_SETS * PMTU_WAYS;
	struct pmtu_cell *to = cell_of(t, hash);

	for (unsigned i = 0; !to && i < PMTU_WAYS; i++)
		if (set[i].until <= t->now)
			to = set + i;
	if (!to) {
		to = set;
		for (unsigned i = 1; i < PMTU_WAYS; i++)
			if (set[i].until < to->until)
				to = set + i;
	}
	p.hash = hash;
	p.until = t->now + PMTU_AGE;
	*to = p;
}

static void forget(struct tcp *t, const uint8_t peer[16])
{
	struct pmtu_cell *p = cell_of(t, hash_of(t, peer));

	if (p)
		*p = (struct pmtu_cell){0};
}

static void remember(struct tcp *t, const struct conn *c)
{
	uint32_t least = is_v4(c) ? PMTU_V4_MIN : PMTU_V6_MIN;

	if (c->pmtu_how == TCPD_PMTU_DEVICE) {
		forget(t, c->tu.peer);
		return;
	}
	learn(t, c->tu.peer,
	      (struct pmtu_cell){.next = c->pmtu_at,
				 .mtu = (uint16_t)max_u32(c->pmtu, least),
				 .high = (uint16_t)c->pmtu_high,
				 .how = c->pmtu_how});
}

void pmtu_open(const struct tcp *t, struct conn *c)
{
	const struct pmtu_cell *p = pmtu_known(t, c->tu.peer);

	if (!p || p->mtu >= t->set.mtu)
		return;
	c->pmtu = p->mtu;
	c->pmtu_how = p->how;
	c->pmtu_high = p->high;
	c->pmtu_at = p->next;
	c->pmtu_search = p->high && !p->next;
}

/* --- routers */

/* RFC 1191, 7.1: MTUs in use, for a router that does not say its own. */
static uint32_t plateau_below(uint32_t len)
{
	static const uint16_t plateaus[] = {65535, 32000, 17914, 8166,
					    4352,  2002,  1492,	 1006};

	for (unsigned i = 0; i < ARRAY_SIZE(plateaus); i++)
		if (plateaus[i] < len)
			return plateaus[i];
	return PMTU_V4_MIN;
}

/* What the message means, where |used| octets were too many; 0: nothing. */
static uint32_t told(bool v4, uint32_t mtu, uint32_t quoted, uint32_t used)
{
	if (!v4)
		return mtu < PMTU_V6_MIN ? 0 : mtu;
	if (mtu == 0) {
		bool known = quoted > PMTU_V4_MIN && quoted <= used;

		mtu = plateau_below(known ? quoted : used);
	}
	return max_u32(mtu, PMTU_V4_MIN);
}

/* Upwards only later: RFC 1191, 6.3 and RFC 8201, 4 forbid 5 minutes. */
static void lower(struct tcp *t, struct conn *c, uint32_t mtu)
{
	c->pmtu = mtu;
	c->pmtu_how = TCPD_PMTU_ICMP;
	c->pmtu_high = 0;
	c->pmtu_at = t->now + PMTU_AGE;
	c->pmtu_guess = c->pmtu_search = false;
	c->mtu_probe = 0;
	remember(t, c);
	conn_set_mss(t, c);
	t->stat.pmtu_icmp++;
}

static void probe_failed(struct tcp *t, struct conn *c, uint32_t high);
static void repeat_probe(struct tcp *t, struct conn *c);

void pmtu_too_big(struct tcp *t, struct conn *c, uint32_t mtu, uint32_t quoted,
		  uint32_t seq)
{
	uint32_t had = pmtu_now(t, c);
	uint32_t probe = seq == c->mtu_probe_seq ? c->mtu_probe : 0;

	mtu = told(is_v4(c), mtu, quoted, max_u32(probe, had));
	if (mtu && mtu < had) {
		lower(t, c, mtu);
		/* a Fast Open's text goes again behind its SYN's ACK */
		if (conn_synchronized(c) && !conn_syn_out(c)) {
			rexmt_too_big(t, c);
		} else if (c->syn_text) { /* without it, at once */
			c->syn_due = true;
			conn_want_output(t, c);
		}
	} else if (mtu && mtu < probe) {
		/* a hint where to search on, no more (RFC 4821, 7.6.4) */
		probe_failed(t, c, mtu);
		repeat_probe(t, c);
		c->recover =
			c->snd_nxt - 1; /* of what duplicate ACKs will tell */
	} else {
		tcp_drop(t, TCPD_DROP_ICMP_MTU);
	}
}

void pmtu_too_big_for(struct tcp *t, const uint8_t peer[16], uint32_t mtu,
		      uint32_t quoted)
{
	const struct pmtu_cell *p = pmtu_known(t, peer);
	uint32_t had = p ? min_u32(p->mtu, t->set.mtu) : t->set.mtu;

	mtu = told(ip_is4(peer), mtu, quoted, had);
	if (!mtu || mtu >= had) {
		tcp_drop(t, TCPD_DROP_ICMP_MTU);
		return;
	}
	learn(t, peer,
	      (struct pmtu_cell){.next = t->now + PMTU_AGE,
				 .mtu = (uint16_t)mtu,
				 .how = TCPD_PMTU_ICMP});
	t->stat.pmtu_icmp++;
}

/* --- black holes */

/* What a full segment of |c| is as a packet. */
static uint32_t packet_len(const struct conn *c)
{
	return c->mss + (c->ts ? TS_OPTION : 0) +
	       (is_v4(c) ? TCP4_HEADS : TCP6_HEADS);
}

/* The size to go down to; 0: it is no time for it. */
static uint32_t smaller(const struct conn *c)
{
	uint32_t used = packet_len(c);
	bool early = c->nrexmt == 1;
	bool late = c->nrexmt >= LATER && (c->nrexmt - LATER) % LATER_GAP == 0;

	if (used > SUSPECT && (early || late))
		return is_v4(c) ? BASE_V4 : PMTU_V6_MIN;
	if (!late || !is_v4(c) || used <= LEAST_V4)
		return 0;
	return used > BASE_V4 ? BASE_V4 : max_u32(used / 2, LEAST_V4);
}

/*
 * Where nobody cuts super-segments, or somebody takes them for packets that are
 * too large, each of them is lost, and each first segment that the timer sends
 * arrives.
 */
static void super_timeout(struct tcp *t, struct conn *c, const struct xmit *x)
{
	if (c->nrexmt || c->no_super || x->end - x->seq <= c->mss + 1)
		return;
	c->super_lost++;
	c->no_super = c->super_lost >= SUPERS;
	t->stat.pmtu_no_super += c->no_super;
}

void pmtu_timeout(struct tcp *t, struct conn *c)
{
	uint32_t used = packet_len(c), mtu = smaller(c);
	const struct xmit *x;

	if (c->mtu_probe && c->mtu_probe_seq == c->snd_una)
		probe_failed(t, c, c->mtu_probe - 1);
	pmtu_probe_end(c);
	if (!c->xmit_first)
		return;
	x = xmit_at(t, c->xmit_first - 1);
	super_timeout(t, c, x);
	if (!mtu)
		return;
	if (min_u32(x->end - x->seq, c->mss) <= conn_mss_at(c, mtu))
		return; /* what vanishes is not large */
	c->pmtu = mtu;
	c->pmtu_how = TCPD_PMTU_PROBING;
	c->pmtu_high = max_u32(c->pmtu_high, used);
	c->pmtu_at = 0;
	c->pmtu_guess = c->pmtu_search = true;
	conn_set_mss(t, c);
	t->stat.pmtu_black_holes++;
}

/* --- probes */

/* No packet of |c|'s can be larger: the device's MTU, and both ends' MSS. */
static uint32_t top(const struct tcp *t, const struct conn *c)
{
	uint32_t mss = conn_mss_at(c, t->set.mtu) + (c->ts ? TS_OPTION : 0);

	return mss + (is_v4(c) ? TCP4_HEADS : TCP6_HEADS);
}

static uint32_t next_size(const struct tcp *t, const struct conn *c)
{
	uint32_t high = min_u32(top(t, c), t->set.mtu);

	if (c->pmtu_high)
		high = min_u32(high, c->pmtu_high);
	return high > c->pmtu ? c->pmtu + (high - c->pmtu + 1) / 2 : 0;
}

uint32_t pmtu_probe_len(const struct tcp *t, const struct conn *c)
{
	uint32_t size, len, all;

	if (!c->pmtu || c->mtu_probe || c->pmtu_guess || t->now < c->pmtu_at)
		return 0;
	if (c->recovery != REC_OPEN || c->dupacks || c->lost || c->clocked)
		return 0;
	size = next_size(t, c);
	if (!size)
		return 0;
	len = conn_mss_at(c, size);
	all = len + BEHIND * c->mss;
	/* without that a loss would be told by the timer */
	if (len <= c->mss || conn_unsent(c) < all || c->ccs.cwnd < all)
		return 0;
	return (int32_t)all <= seq_diff(c->snd_una + c->snd_wnd, c->snd_nxt)
		       ? len
		       : 0;
}

void pmtu_probe_sent(struct tcp *t, struct conn *c, uint32_t seq)
{
	c->mtu_probe = next_size(t, c);
	c->mtu_probe_seq = seq;
	t->stat.pmtu_probes++;
}

void pmtu_probe_end(struct conn *c)
{
	c->mtu_probe = 0;
}

/* The search is over where nothing is left between what arrives and what does
 * not: RFC 4821, 7.3 asks for 5 to 10 minutes until the next one. */
static void conclude(struct tcp *t, struct conn *c)
{
	if (c->pmtu_high && c->pmtu_high <= c->pmtu) {
		c->pmtu_high = 0;
		c->pmtu_at = t->now + PMTU_AGE;
		c->pmtu_search = false;
	}
	if (c->pmtu >= t->set.mtu) {
		c->pmtu = c->pmtu_high = 0;
		c->pmtu_how = TCPD_PMTU_DEVICE;
	}
	remember(t, c);
}

static void probe_failed(struct tcp *t, struct conn *c, uint32_t high)
{
	c->mtu_probe = 0;
	c->pmtu_high = high;
	t->stat.pmtu_probes_lost++;
	conclude(t, c);
}

static void repeat_probe(struct tcp *t, struct conn *c)
{
	rexmt_again(t, c, xmit_find(t, c, c->mtu_probe_seq));
}

bool pmtu_probe_lost(struct tcp *t, struct conn *c, uint32_t seq)
{
	if (!c->mtu_probe || c->mtu_probe_seq != seq)
		return false;
	probe_failed(t, c, c->mtu_probe - 1);
	repeat_probe(t, c);
	return true;
}

void pmtu_acked(struct tcp *t, struct conn *c)
{
	if (c->pmtu_guess) { /* the smaller ones arrive */
		c->pmtu_guess = false;
		remember(t, c);
	}
	if (!c->mtu_probe || seq_le(c->snd_una, c->mtu_probe_seq))
		return;
	c->pmtu = c->mtu_probe;
	c->pmtu_how = TCPD_PMTU_PROBING;
	if (!c->pmtu_high)
		c->pmtu_high = min_u32(top(t, c), t->set.mtu);
	c->mtu_probe = 0;
	if (!c->pmtu_search)
		c->pmtu_at = t->now + RAISE_GAP;
	conclude(t, c);
	conn_set_mss(t, c);
}
