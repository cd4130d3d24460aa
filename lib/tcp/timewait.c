/* SPDX-License-Identifier: MIT */
/*
 * timewait.c - TIME-WAIT: RFC 9293 3.6.1 and 3.10.7.4, reuse by RFC 6191, RSTs
 * ignored by RFC 1337.  The entries have a timer wheel of their own, so that
 * at the cap the one that would end first can be found and given up.
 */
#include <assert.h>

#include "conn.h"
#include "port.h"
#include "synq.h"
#include "timewait.h"
#include "wire/ip.h"

/* The entry does not remember what was announced; with the largest window no
 * right edge moves left (SHLD-14), and no text will come to fill it. */
#define WINDOW UINT16_MAX

static bool same_tw(const void *arg, uint32_t ref, const void *key)
{
	const struct tcp *t = arg;

	return tuple_same(&timewait_at(t, ref)->tu, key);
}

uint32_t timewait_find(const struct tcp *t, const struct tuple *tu,
		       uint32_t hash)
{
	if (t->tw_tab.count == 0)
		return HTAB_NONE;
	return htab_find(&t->tw_tab, hash, same_tw, t, tu);
}

/* Too old to be told by its low bits: half of what they count is left for
 * those that are born in the same stretch of time (tcp.tw_mark). */
static bool too_old(const struct tcp *t, tcpd_id id)
{
	return t->next_id - id >= 1u << (TW_ID_BITS - 1);
}

uint32_t timewait_began(const struct tcp *t, const struct timewait *tw)
{
	return tw->node.tick - (uint32_t)tick_of(t->tw_class[tw->class]);
}

static uint32_t mark_of(const struct tcp *t, const struct timewait *w)
{
	return timewait_began(t, w) >> TW_MARK_SHIFT & (NTW_MARKS - 1);
}

tcpd_id timewait_id(const struct tcp *t, const struct timewait *tw)
{
	/* The newest number with these low bits that there was then: under a
	 * flood of SYNs many times 2^26 are born while an entry lives. */
	tcpd_id then = t->tw_mark[mark_of(t, tw)];

	return then - ((then - tw->id) & ((1u << TW_ID_BITS) - 1));
}

uint32_t timewait_class(struct tcp *t, tcpd_time tw, uint8_t share)
{
	uint32_t best = NTW_CLASSES;
	tcpd_time had = 0;

	for (uint32_t i = 0; i < t->ntw_classes; i++) {
		tcpd_time is = t->tw_class[i];

		if (t->tw_share[i] != share)
			continue;
		if (is == tw)
			return i;
		/* the shortest of the longer ones, else the longest */
		if (had < tw ? is > had : is > tw && is < had) {
			best = i;
			had = is;
		}
	}
	if (t->ntw_classes == NTW_CLASSES)
		return best < NTW_CLASSES ? best : 0;
	t->tw_class[t->ntw_classes] = tw;
	t->tw_share[t->ntw_classes] = share;
	return t->ntw_classes++;
}

static void start(struct tcp *t, uint32_t slot)
{
	struct timewait *w = timewait_at(t, slot);

	wheel_arm(&t->tw_wheel, REF(REF_TW, slot),
		  tick_of(t->now + t->tw_class[w->class]));
	t->tw_mark[mark_of(t, w)] = t->next_id;
}

void timewait_count(struct tcp *t, const struct timewait *w, uint32_t n)
{
	struct port *p = &t->ports[w->tu.lport];

	p->nuse += n;
	p->ntw[!ip_is4(w->tu.local)] += n;
	if (!(t->tw_share[w->class] & TCPD_BIND_REUSE))
		p->ntw_alone += n;
}

static void forget(struct tcp *t, uint32_t slot)
{
	struct timewait *w = timewait_at(t, slot);
	bool there = htab_del(&t->tw_tab, tuple_hash(t, &w->tu), slot);

	assert(there);
	(void)there;
	timewait_count(t, w, UINT32_MAX); /* minus one */
	port_give(t, w->tu.lport);
	wheel_cancel(&t->tw_wheel, REF(REF_TW, slot));
	slab_give(&t->tws, slot);
}

void timewait_remove(struct tcp *t, uint32_t slot)
{
	struct timewait *w = timewait_at(t, slot);

	conn_trace(t, timewait_id(t, w), &w->tu, TCPD_TIME_WAIT, EV_ABORT);
	forget(t, slot);
}

void timewait_timeout(struct tcp *t, uint32_t slot)
{
	struct timewait *w = timewait_at(t, slot);

	conn_trace(t, timewait_id(t, w), &w->tu, TCPD_TIME_WAIT,
		   EV_TIMEOUT_2MSL);
	forget(t, slot);
}

static void evict(struct tcp *t)
{
	uint32_t ref = wheel_first(&t->tw_wheel);

	assert(ref != WHEEL_NONE);
	t->stat.time_wait_evicted++;
	timewait_remove(t, REF_SLOT(ref));
}

/* From then on our time stamps are above all that the peer has seen, however
 * coarse its clock, so that it takes our SYN for a new one. */
#define REOPEN_MS 1000u

/* A hundred a second are enough for whoever repeats his FIN by a timer. */
#define ACK_GAP	  TCPD_MS(10)

static void ack(struct tcp *t, const struct timewait *w)
{
	struct reply r = {.tu = w->tu,
			  .kind = REPLY_SEGMENT,
			  .flags = TCP_ACK,
			  .seq = w->snd_nxt,
			  .ack = w->rcv_nxt,
			  .wnd = WINDOW,
			  .id = timewait_id(t, w)};

	if (w->ts) {
		r.ts = true;
		r.ts_val = ts_now(t, &w->tu);
		r.ts_ecr = w->ts_recent;
	}
	reply_push_own(t, &r);
}

void timewait_enter(struct tcp *t, struct conn *c)
{
	bool owes_ack = c->ack_due || c->ack_delayed || c->acks_owed;
	tcpd_id id = c->id;
	uint32_t slot;
	struct timewait *w;

	if (t->tws.count == t->tws.max)
		evict(t);
	slot = slab_take(&t->tws);
	assert(slot != SLAB_NONE);
	if (too_old(t, id))
		id = t->next_id++;
	w = timewait_at(t, slot);
	w->tu = c->tu;
	w->snd_nxt = c->snd_nxt;
	w->rcv_nxt = c->rcv_nxt;
	w->ts_recent = c->ts_recent;
	w->ts = c->ts;
	w->id = (uint32_t)id & ((1u << TW_ID_BITS) - 1);
	w->class =
		timewait_class(t, c->time_wait, c->share) & (NTW_CLASSES - 1u);
	t->stat.time_wait_entered++;
	timewait_count(t, w, 1);
	htab_add(&t->tw_tab, tuple_hash(t, &w->tu), slot);
	start(t, slot);
	if (owes_ack)
		ack(t, w);
	c->id = id;
	c->in_tw = c->held && !c->orphan;
	w->held = c->in_tw;
	conn_ended(t, c, 0, 0);
}

uint32_t timewait_of(const struct tcp *t, const struct conn *c)
{
	uint32_t slot;

	if (!c->in_tw)
		return HTAB_NONE;
	slot = timewait_find(t, &c->tu, tuple_hash(t, &c->tu));
	if (slot != HTAB_NONE && timewait_id(t, timewait_at(t, slot)) != c->id)
		return HTAB_NONE; /* of another connection since */
	return slot;
}

tcpd_time timewait_left(const struct tcp *t, uint32_t slot)
{
	const struct timewait *w = timewait_at(t, slot);
	uint32_t age = (uint32_t)tick_of(t->now) - timewait_began(t, w);

	if (!w->ts)
		return TCPD_NEVER;
	return age < REOPEN_MS ? TCPD_MS(REOPEN_MS - age) : 0;
}

uint32_t timewait_reopen(struct tcp *t, uint32_t slot)
{
	struct timewait *w = timewait_at(t, slot);
	uint32_t snd_nxt = w->snd_nxt;

	conn_trace(t, timewait_id(t, w), &w->tu, TCPD_TIME_WAIT,
		   EV_ACTIVE_OPEN);
	forget(t, slot);
	t->stat.time_wait_reused++;
	return snd_nxt;
}

/* RFC 6191, section 2: may this SYN begin a new connection? */
static bool may_reuse(const struct timewait *w, const struct segment *seg)
{
	const struct tcpopt *o = &seg->h.opt;
	bool newer = seq_gt(seg->h.seq, w->rcv_nxt - 1);

	if (w->ts && o->has_ts) {
		if (seq_gt(o->ts_val, w->ts_recent))
			return true;
		return o->ts_val == w->ts_recent && newer;
	}
	if (!w->ts && o->has_ts)
		return true;
	return newer;
}

static bool reuse(struct tcp *t, uint32_t slot, struct segment *seg)
{
	struct timewait *w = timewait_at(t, slot);
	struct listener *l =
		listen_find(t, seg->tu.local, seg->tu.lport, seg->hash);
	uint32_t snd_nxt = w->snd_nxt;

	if (!may_reuse(w, seg))
		return false;
	if (!l) {
		rst_answer(t, seg, TCPD_RESET_NO_LISTENER);
		return true;
	}
	if (!synq_make_room(t))
		return false;
	conn_trace(t, timewait_id(t, w), &w->tu, TCPD_TIME_WAIT, EV_RCV_SYN);
	forget(t, slot);
	t->stat.time_wait_reused++;
	synq_syn(t, l, seg, &snd_nxt);
	return true;
}

/* RFC 7323, 5.3, R1: older than what was seen. */
static bool is_old_copy(const struct timewait *w, const struct segment *seg)
{
	const struct tcpopt *o = &seg->h.opt;

	return w->ts && o->has_ts && seq_lt(o->ts_val, w->ts_recent);
}

/* A segment that takes no number: answered where it is not acceptable, but as
 * rarely as any challenge, for two in TIME-WAIT could go on for 2MSL. */
static void stray(struct tcp *t, const struct timewait *w,
		  const struct segment *seg)
{
	if (!(seg->h.flags & TCP_ACK) ||
	    (seq_in(seg->h.seq, w->rcv_nxt, WINDOW) && !is_old_copy(w, seg)))
		return;
	if (rst_first(t, &w->tu, CHALLENGE_GAP))
		ack(t, w);
	else
		t->stat.segments_challenge_held++;
}

/*
 * The peer's FIN again, for the ACK of it was lost: 2MSL from now on (3.10.7.4,
 * eighth).  Not of an old copy (RFC 7323, PAWS), nor where the entry's number
 * could not be told any more.
 */
static bool is_fin_again(const struct tcp *t, const struct timewait *w,
			 const struct segment *seg)
{
	if (!(seg->h.flags & TCP_FIN) ||
	    seg->h.seq + seg_len(seg) != w->rcv_nxt || is_old_copy(w, seg))
		return false;
	return !too_old(t, timewait_id(t, w));
}

void timewait_input(struct tcp *t, uint32_t slot, struct segment *seg)
{
	struct timewait *w = timewait_at(t, slot);
	uint8_t f = seg->h.flags;

	if (f & TCP_RST) { /* RFC 1337, fix F1 */
		rst_ignored(t, timewait_id(t, w), seg, TCPD_DROP_TIME_WAIT);
		return;
	}
	/* one with FIN, too, no listener would take */
	if ((f & (TCP_SYN | TCP_ACK | TCP_FIN)) == TCP_SYN) {
		if (!reuse(t, slot, seg))
			tcp_drop(t, TCPD_DROP_TIME_WAIT);
		return;
	}
	tcp_drop(t, TCPD_DROP_TIME_WAIT);
	if (seg_len(seg) == 0) {
		stray(t, w, seg);
		return;
	}
	if (is_fin_again(t, w, seg)) {
		if (w->ts && seg->h.opt.has_ts)
			w->ts_recent = seg->h.opt.ts_val;
		start(t, slot);
	}
	if (rst_first(t, &w->tu, ACK_GAP))
		ack(t, w);
	else
		t->stat.segments_repeat_held++;
}
