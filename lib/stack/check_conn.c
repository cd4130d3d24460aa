/* SPDX-License-Identifier: MIT */
/*
 * check_conn.c - tcpd_check() of one connection: what must be so between two
 * calls, whatever the peer and the app have done.  It is also the last word on
 * a record, so it asks for every value that code elsewhere relies on.
 */
#include "stack/check.h"
#include "tcp/option.h"
#include "tcp/pace.h"
#include "tcp/uto.h"

#define SEG_MAX	 65535u
#define WND_MAX	 (1u << 30)
#define BUF_MAX	 (1u << 30)
#define FAR_AWAY (UINT64_MAX / 2) /* no timer is: a sum has run over */

/* --- values by themselves */

static bool options_ok(const struct conn *c)
{
	for (int i = 0; i < TCPD_NOPTIONS; i++) {
		enum tcpd_option o = (enum tcpd_option)i;
		uint64_t v = option_get(c, o), had = v;

		/* as it is read it is the MSS that came of it */
		if (o != TCPD_OPT_MAXSEG && (!option_ok(o, &v) || v != had))
			return false;
	}
	return c->options >> TCPD_NOPTIONS == 0;
}

static bool past_ok(const struct conn *c, tcpd_time now)
{
	const tcpd_time past[] = {
		c->born,	 c->last_snd,	  c->last_rcv,
		c->last_ack,	 c->challenge_at, c->stalled_at,
		c->ts_recent_at, c->closed_at,	  c->orphan_at};

	for (size_t i = 0; i < ARRAY_SIZE(past); i++)
		if (past[i] > now)
			return false;
	return true;
}

static bool limit_ok(uint32_t v)
{
	return v >= POOL_UNIT && v <= BUF_MAX;
}

static const char *values(const struct tcp *t, const struct conn *c)
{
	bool open = c->state != TCPD_CLOSED;

	REQUIRE(c->state < TCPD_TIME_WAIT && c->state != TCPD_LISTEN,
		"conn: a state that no TCB has");
	REQUIRE(c->id && c->id < t->next_id, "conn: a number never given");
	REQUIRE(c->recovery <= REC_RTO && c->cc < TCPD_NCCS &&
			c->err < TCPD_NERRS && c->soft_err < TCPD_NERRS,
		"conn: a value that is not in its list");
	REQUIRE(c->snd_wscale <= 14 && c->rcv_wscale <= 14,
		"conn: a window scale above 14");
	REQUIRE(!open || (c->mss && c->mss <= SEG_MAX && c->ccs.mss == c->mss),
		"conn: no segment has this MSS");
	REQUIRE(limit_ok(c->rcv_max) && limit_ok(c->snd_max) &&
			c->rcv_buf <= BUF_MAX,
		"conn: a buffer limit out of its range");
	REQUIRE(c->snd_wnd <= WND_MAX && c->max_snd_wnd <= WND_MAX,
		"conn: a window that no segment can give");
	REQUIRE(!open || c->ccs.cwnd,
		"conn: a congestion window that cannot be");
	REQUIRE(c->pmtu <= SEG_MAX && c->pmtu_high <= SEG_MAX &&
			c->pmtu_how < TCPD_NPMTUS &&
			!c->pmtu == (c->pmtu_how == TCPD_PMTU_DEVICE),
		"conn: a path MTU that cannot be, or nobody found");
	REQUIRE(options_ok(c), "conn: an option out of its range");
	REQUIRE(c->rto && c->time_wait, "conn: a time of 0");
	REQUIRE(past_ok(c, t->now), "conn: a past time lies ahead");
	REQUIRE(!c->hashed || ip_is4(c->tu.local) == ip_is4(c->tu.peer),
		"conn: addresses of two families");
	return NULL;
}

/* --- what a state means */

static const char *state(const struct tcp *t, const struct conn *c)
{
	bool syn_acked = !conn_syn_out(c);
	bool fin_acked = c->fin_sent && c->snd_una == conn_fin_seq(c) + 1;
	bool closing = false;
	bool half_closed = false;

	REQUIRE(c->hashed == (c->state != TCPD_CLOSED),
		"conn: in the table when CLOSED, or not in it when open");
	REQUIRE(c->held || c->listener, "conn: nobody holds it");
	REQUIRE(!c->orphan || c->held, "conn: an orphan that has been freed");
	switch ((enum tcpd_state)c->state) {
	case TCPD_SYN_SENT:
	case TCPD_SYN_RECEIVED:
		REQUIRE(!syn_acked, "conn: SYN acknowledged before its time");
		break;
	case TCPD_ESTABLISHED:
		REQUIRE(syn_acked, "conn: ESTABLISHED with SYN unacknowledged");
		break;
	case TCPD_FIN_WAIT_1:
		closing = true;
		break;
	case TCPD_FIN_WAIT_2:
		closing = true;
		REQUIRE(fin_acked, "conn: FIN-WAIT-2 with FIN unacknowledged");
		REQUIRE(!c->orphan || c->timer[CT_ORPHAN],
			"conn: an orphan in FIN-WAIT-2 without its timer");
		break;
	case TCPD_CLOSE_WAIT:
		half_closed = true;
		break;
	case TCPD_CLOSING:
	case TCPD_LAST_ACK:
		closing = half_closed = true;
		break;
	case TCPD_CLOSED:
		REQUIRE(!c->orphan || c->ev_mask & TCPD_EV_GONE,
			"conn: CLOSED, orphaned, and no GONE to come");
		REQUIRE(!c->on_list, "conn: CLOSED and waiting for output");
		return NULL;
	case TCPD_LISTEN:
	case TCPD_TIME_WAIT:
		break;
	}
	(void)t;
	REQUIRE(c->orphaned ==
			(c->orphan && closing && c->state != TCPD_FIN_WAIT_2),
		"conn: an orphan that is not counted, or one that is none");
	REQUIRE(c->fin_queued == closing, "conn: FIN queued in a wrong state");
	REQUIRE(c->fin_rcvd == half_closed,
		"conn: the peer's FIN in a wrong state");
	REQUIRE(c->state == TCPD_FIN_WAIT_2 || !fin_acked,
		"conn: FIN acknowledged, and nothing came of it");
	return NULL;
}

/* --- send */

/* Those in flight, by time: true if |n| of them are a list. */
static bool by_time(const struct tcp *t, const struct conn *c, uint32_t n)
{
	uint32_t prev = 0;

	for (uint32_t link = c->sent_first; link; n--) {
		const struct xmit *x = xmit_at(t, link - 1);

		if (!n || !slab_used(&t->xmits, link - 1) ||
		    !xmit_in_flight(x) || x->in[XT_SET].left != prev ||
		    xmit_find(t, c, x->seq) != link - 1 ||
		    (prev && xmit_at(t, prev - 1)->sent_at > x->sent_at))
			return false;
		prev = link;
		link = x->in[XT_SET].right;
	}
	return !n && c->sent_last == prev;
}

static const char *record(const struct tcp *t, const struct conn *c,
			  const struct xmit *x)
{
	const struct flow *f = flow_of(t, c);

	REQUIRE(x->sent_at <= t->now && x->delivered_at <= t->now &&
			(!f || x->delivered <= f->rate.delivered),
		"records: one of the future");
	REQUIRE(!(x->flags & XMIT_RESENT) || x->flags & XMIT_LOST,
		"records: sent again and never lost");
	REQUIRE(!(x->flags & XMIT_SACKED) == !x->nsegs &&
			(!x->nsegs || !(x->flags & XMIT_LOST)),
		"records: SACKed and lost, or SACKed and nothing");
	return NULL;
}

/* Sums over the records. */
struct sums {
	uint32_t lost, resent, sacked, nsacked, nflight;
};

static void add_up(struct sums *s, const struct xmit *x)
{
	uint32_t len = x->end - x->seq;

	s->lost += x->flags & XMIT_LOST ? len : 0;
	s->resent += x->flags & XMIT_RESENT ? len : 0;
	s->sacked += x->flags & XMIT_SACKED ? len : 0;
	s->nsacked += x->nsegs;
	s->nflight += xmit_in_flight(x);
}

static const char *records(struct check *k, const struct conn *c)
{
	const struct tcp *t = k->t;
	const struct flow *f = flow_of(t, c);
	uint32_t at = c->snd_una, prev = 0, first_lost = 0;
	struct sums s = {0};

	for (uint32_t link = c->xmit_first; link;) {
		const struct xmit *x = xmit_at(t, link - 1);
		const char *wrong;

		REQUIRE(slab_used(&t->xmits, link - 1),
			"records: one that is not in use");
		REQUIRE(x->prev == prev, "records: a link back is wrong");
		REQUIRE(x->seq == at && seq_lt(x->seq, x->end),
			"records: a gap, or two that overlap");
		REQUIRE(xmit_find(t, c, x->seq) == link - 1,
			"records: the tree does not find one");
		wrong = record(t, c, x);
		if (wrong)
			return wrong;
		add_up(&s, x);
		if (!first_lost && xmit_waits(x))
			first_lost = link;
		at = x->end;
		prev = link;
		link = x->next;
		k->nrecords++;
	}
	REQUIRE(c->xmit_last == prev, "records: the last one is another");
	REQUIRE((c->xmit_root == 0) == (c->xmit_first == 0),
		"records: a tree without a list, or a list without a tree");
	REQUIRE(at == c->snd_nxt, "records: not up to SND.NXT");
	REQUIRE(s.lost == c->lost && s.resent == c->resent,
		"records: the sums of what is lost differ");
	REQUIRE(s.sacked == c->sacked && s.nsacked == (f ? f->nsacked : 0),
		"records: the sums of what is SACKed differ");
	REQUIRE(by_time(t, c, s.nflight),
		"records: those in flight are not a list by time");
	REQUIRE(xmit_first_lost(t, c) == first_lost,
		"records: another one is the first that is lost");
	REQUIRE(c->duped <= conn_flight(c) - c->lost - c->sacked,
		"conn: more has left than is in flight");
	return NULL;
}

static const char *numbers(const struct conn *c)
{
	REQUIRE(seq_le(c->snd_una, c->snd_nxt), "conn: SND.UNA > SND.NXT");
	REQUIRE(!c->fin_sent || c->fin_queued, "conn: FIN sent, never queued");
	REQUIRE(seq_le(c->snd_nxt, c->sq.end + c->fin_sent),
		"conn: SND.NXT is behind what was ever queued");
	REQUIRE(!c->fin_sent || c->snd_nxt == c->sq.end + 1,
		"conn: FIN sent, and SND.NXT is not behind it");
	REQUIRE(c->snd_una != c->iss || c->snd_nxt - c->iss <= 1 ||
			c->syn_text || c->fo_from,
		"conn: more sent than a SYN that is not acknowledged");
	REQUIRE(!c->mtu_probe ||
			(c->mtu_probe > c->pmtu &&
			 seq_in(c->mtu_probe_seq, c->snd_una, conn_flight(c))),
		"conn: a probe of the path that is not in flight");
	REQUIRE(seq_gt(c->sq.end, c->iss) && seq_ge(c->snd_una, c->iss),
		"conn: a sequence number before ISS");
	return NULL;
}

static const char *send_queue(struct check *k, const struct conn *c)
{
	const struct pool *p = &k->t->pool;
	const struct sendq *q = &c->sq;
	uint32_t at = seq_max(c->snd_una, c->iss + 1);
	uint32_t last = POOL_NONE;
	uint64_t mem = 0;
	uint32_t neors = 0;
	bool room = false; /* from here on blocks may be empty */

	for (uint32_t b = q->head; b != POOL_NONE; b = p->block[b].next) {
		const struct pool_block *n = &p->block[b];

		room |= q->room == b;
		REQUIRE(n->len <= pool_size(n->order),
			"send queue: more octets than a block has");
		REQUIRE(n->len || room, "send queue: an empty block");
		if (n->len && b == q->head)
			REQUIRE(seq_le(n->off, at) &&
					seq_gt(n->off + n->len, at),
				"send queue: SND.UNA is not in its first "
				"block");
		else if (n->len)
			REQUIRE(n->off == at, "send queue: a gap");
		REQUIRE(n->prev == last, "send queue: a link back is wrong");
		REQUIRE(n->owner <= (n->len != 0),
			"send queue: an empty block ends a record");
		at = n->len ? n->off + n->len : at;
		mem += pool_size(n->order);
		neors += n->owner;
		last = b;
	}
	REQUIRE(q->neors == neors,
		"send queue: the sum of its records differs");
	REQUIRE(q->tail == last, "send queue: the tail is not the last block");
	REQUIRE(q->mem == mem, "send queue: the sum of its blocks differs");
	REQUIRE(q->room == POOL_NONE || room, "send queue: room elsewhere");
	REQUIRE(c->state == TCPD_CLOSED ? q->head == POOL_NONE
		: q->head == POOL_NONE	? seq_ge(at, q->end)
					: at == q->end,
		"send queue: its blocks end elsewhere");
	k->mem += mem;
	k->send_mem += mem;
	return NULL;
}

/* --- receive */

/* Do the blocks from |*b| on hold [seq, end)? */
static bool covered(const struct pool *p, uint32_t *b, uint32_t seq,
		    uint32_t end)
{
	while (seq != end) {
		const struct pool_block *n;
		uint32_t at;

		if (*b == POOL_NONE)
			return false;
		n = &p->block[*b];
		at = seq - n->off;
		if (at >= n->len)
			*b = n->next;
		else
			seq += min_u32(end - seq, n->len - at);
	}
	return true;
}

static const char *recv_blocks(struct check *k, const struct conn *c)
{
	const struct pool *p = &k->t->pool;
	const struct recvq *q = &c->rq;
	uint32_t last = POOL_NONE;
	uint64_t mem = 0;
	bool hint = q->last == POOL_NONE;

	for (uint32_t b = q->head; b != POOL_NONE; b = p->block[b].next) {
		const struct pool_block *n = &p->block[b];

		REQUIRE(n->len && n->len <= pool_size(n->order),
			"receive queue: a block of a wrong length");
		REQUIRE(n->prev == last, "receive queue: a link back is wrong");
		REQUIRE(last == POOL_NONE ||
				seq_ge(n->off,
				       p->block[last].off + p->block[last].len),
			"receive queue: two blocks overlap");
		hint |= q->last == b;
		mem += pool_size(n->order);
		last = b;
	}
	if (q->ranges != POOL_NONE)
		mem += pool_size(p->block[q->ranges].order);
	REQUIRE(q->tail == last,
		"receive queue: the tail is not the last block");
	REQUIRE(hint, "receive queue: the last block written is elsewhere");
	REQUIRE(q->mem == mem, "receive queue: the sum of its blocks differs");
	REQUIRE(q->head == POOL_NONE || q->nranges ||
			conn_readable(c) != q->nborrowed,
		"receive queue: a block in an empty one");
	k->mem += mem;
	return NULL;
}

static const char *recv_queue(struct check *k, const struct conn *c)
{
	const struct pool *p = &k->t->pool;
	const struct recvq *q = &c->rq;
	const struct range *r = recvq_ranges(k->t, c);
	uint32_t text = c->rcv_nxt - (c->fin_rcvd ? 1 : 0);
	uint32_t edge = text, ooo = 0;
	uint32_t b = q->head;

	REQUIRE(seq_le(q->read, text) && conn_readable(c) >= q->nborrowed,
		"receive queue: more was read than came");
	REQUIRE(covered(p, &b, q->read, text - q->nborrowed),
		"receive queue: text in order that no block holds");
	REQUIRE((q->nranges == 0) == (q->ranges == POOL_NONE),
		"ranges: none, and a block for them");
	REQUIRE(q->nranges <= POOL_UNIT / sizeof(*r), "ranges: too many");
	for (unsigned i = 0; r && i < q->nranges; i++) {
		REQUIRE(seq_gt(r[i].left, edge) &&
				seq_gt(r[i].right, r[i].left),
			"ranges: not in order, or not apart");
		REQUIRE(covered(p, &b, r[i].left, r[i].right),
			"ranges: one that no block holds");
		edge = r[i].right;
		ooo += r[i].right - r[i].left;
	}
	REQUIRE(ooo == q->ooo, "ranges: their sum differs");
	if (c->state < TCPD_SYN_RECEIVED)
		return NULL;
	REQUIRE(seq_ge(c->rcv_adv, c->rcv_nxt) && seq_le(edge, c->rcv_adv),
		"receive queue: beyond the window");
	REQUIRE(seq_le(c->last_ack_sent, c->rcv_nxt),
		"conn: acknowledged what had not come");
	return NULL;
}

static const char *sacks(struct check *k, const struct conn *c)
{
	const struct sackq *q;

	if (!c->sackq) {
		REQUIRE(!c->sack || !c->rq.nranges,
			"sack: out of order, and nothing will tell of it");
		return NULL;
	}
	REQUIRE(slab_used(&k->t->sackqs, c->sackq - 1),
		"sack: a slot that is not in use");
	k->nsackqs++;
	q = sackq_of(k->t, c);
	REQUIRE(q->nrecent <= NSACKS && q->narrivals <= NARRIVALS,
		"sack: more blocks than there is room for");
	REQUIRE(q->narrivals <= c->acks_owed,
		"sack: an arrival that no ACK will tell of");
	REQUIRE(c->sack, "sack: blocks for a peer that wants none");
	REQUIRE(c->rq.nranges || q->narrivals,
		"sack: a slot with nothing to tell");
	for (unsigned i = 0; i < q->narrivals; i++)
		REQUIRE(seq_le(q->left[i], q->right[i]),
			"sack: a block that ends before it begins");
	return NULL;
}

static const char *flow(struct check *k, const struct conn *c)
{
	if (!c->flow) {
		REQUIRE(conn_flight(c) <= (c->snd_una == c->iss),
			"flow: in flight without one");
		return NULL;
	}
	REQUIRE(slab_used(&k->t->flows, c->flow - 1),
		"flow: a slot that is not in use");
	REQUIRE(flow_of(k->t, c)->chrono < NCHRONOS &&
			flow_of(k->t, c)->chrono_at <= k->t->now,
		"flow: its time goes into nothing there is");
	k->nflows++;
	return NULL;
}

/* In the heap only for its time: what does not wait for that is not there. */
static const char *paced(struct check *k, const struct conn *c)
{
	const struct tcp *t = k->t;
	const struct flow *f = flow_of(t, c);
	bool waits = c->on_list == ON_PACED;

	k->npaced += waits;
	if (!waits) {
		REQUIRE(!f || !f->paced, "pace: a place for one that has left");
		return NULL;
	}
	REQUIRE(f && f->paced && f->paced <= t->npaced &&
			t->paced[f->paced - 1].conn == conn_slot(t, c),
		"pace: the heap has another in its place");
	REQUIRE(t->paced[f->paced - 1].at == f->depart_at,
		"pace: it is to leave at another time");
	REQUIRE((!c->rexmt_force || c->lost == c->resent) && !c->syn_due &&
			!c->probe_due && !c->tlp_due && !c->ack_due &&
			!c->acks_owed,
		"pace: one waits for what goes at once");
	return NULL;
}

static const char *inflow(struct check *k, const struct conn *c)
{
	const struct inflow *g;

	if (!c->inflow)
		return NULL;
	REQUIRE(slab_used(&k->t->inflows, c->inflow - 1),
		"inflow: a slot that is not in use");
	k->ninflows++;
	g = inflow_of(k->t, c);
	REQUIRE(g->at <= k->t->now && g->edge_at <= k->t->now &&
			g->rtt_at <= k->t->now,
		"inflow: a past time lies ahead");
	return NULL;
}

static const char *urgent(const struct conn *c)
{
	REQUIRE(!c->urg_in || seq_gt(c->rcv_up, c->rq.read),
		"urgent: all of it was read, and some is left");
	REQUIRE(!c->urg_out || (seq_gt(c->snd_up, c->snd_una) &&
				seq_le(c->snd_up, c->sq.end)),
		"urgent: its end is not in the send queue");
	return NULL;
}

static const char *uto(const struct conn *c)
{
	REQUIRE(TCPD_SEC(c->adv_uto) <= UTO_MOST,
		"user time-out: more is told than is ever kept");
	REQUIRE(c->adv_uto || (!c->uto_due && !c->remote_uto),
		"user time-out: the peer's is used though nobody asked for it");
	REQUIRE(!uto_adopted(c) || (c->user_timeout >= UTO_LEAST &&
				    c->user_timeout <= UTO_MOST),
		"user time-out: adopted, and beyond the limits");
	return NULL;
}

static const char *borrows(struct check *k, const struct conn *c)
{
	const struct tcp *t = k->t;
	uint64_t sum = 0;
	uint32_t last = 0, n = 0;

	for (uint32_t link = c->rq.borrow_first; link;
	     link = t->borrows[link - 1].next) {
		REQUIRE(link <= t->nborrows && n++ < t->nborrows,
			"borrows: a wrong link");
		sum += t->borrows[link - 1].len;
		last = link;
	}
	REQUIRE(c->rq.borrow_last == last && c->rq.nborrowed == sum,
		"borrows: their sum differs");
	k->borrowed += sum;
	return NULL;
}

/* --- what will happen next */

static const char *timers(struct check *k, const struct conn *c)
{
	const struct wheel *w = &k->t->wheel;
	bool armed = wheel_armed(w, &c->node);

	k->narmed += armed;
	REQUIRE(!armed || c->node.tick == (uint32_t)c->armed ||
			c->armed - w->now > INT32_MAX / 2,
		"timers: armed for another tick");
	for (unsigned i = 0; i < CT_NTIMERS; i++) {
		if (!c->timer[i])
			continue;
		REQUIRE(c->state != TCPD_CLOSED, "timers: one of a CLOSED one");
		REQUIRE(c->timer[i] < FAR_AWAY, "timers: one that never fires");
		REQUIRE(armed && c->armed <= tick_of(c->timer[i]),
			"timers: one that nothing will wake");
	}
	return NULL;
}

/* Whoever waits for something is woken by something. */
static const char *progress(const struct conn *c)
{
	bool sends = c->on_list == ON_SENDS;
	bool due = sends &&
		   (c->rexmt_force || c->syn_due || c->probe_due || c->tlp_due);
	bool probing = c->nprobes && c->timer[CT_PERSIST];
	bool waits = conn_unsent(c) || (c->fin_queued && !c->fin_sent);

	REQUIRE(!conn_flight(c) || due || rexmt_armed(c) || probing,
		"conn: in flight, and nothing will send it again");
	REQUIRE(c->ccs.cwnd >= c->mss || c->snd_una == c->iss,
		"conn: a congestion window in which no segment fits");
	REQUIRE(!c->timer[CT_REXMT] + !c->timer[CT_TLP] +
				!c->timer[CT_REORDER] >=
			2,
		"timers: two for what is in flight");
	REQUIRE(conn_flight(c) || !rexmt_armed(c),
		"conn: nothing in flight, and its timer runs");
	REQUIRE(conn_flight(c) || c->snd_una != c->iss || c->syn_due ||
			c->fo_wait,
		"conn: a SYN that nothing will send");
	REQUIRE(!waits || conn_flight(c) || sends || c->timer[CT_PERSIST] ||
			c->on_list == ON_PACED,
		"conn: text waits, and nothing will send it");
	REQUIRE(!c->want_unsent || conn_unsent(c) > c->unsent_low,
		"conn: its app waits for what is so already");
	REQUIRE(!c->want_room || conn_queued(c) || c->want_mem,
		"conn: its app waits for room in an empty queue");
	REQUIRE(!c->syn_due || sends, "conn: a SYN is due, and does not wait");
	REQUIRE((!c->ack_due && !c->acks_owed) || c->on_list,
		"conn: an ACK is due, and does not wait for output");
	REQUIRE(!c->ack_delayed || c->ack_due || c->timer[CT_DELACK],
		"conn: a delayed ACK that nothing will send");
	return NULL;
}

static const char *fast_open(struct check *k, const struct conn *c)
{
	bool opening = c->state == TCPD_SYN_SENT && c->snd_nxt == c->iss;

	REQUIRE(c->fo_form <= FO_EXPERIMENT,
		"fast open: a form that no option has");
	REQUIRE(!c->fo_wait || (opening && c->fo_text && !c->syn_due),
		"fast open: a SYN that waits for text, and no more");
	REQUIRE(!c->syn_text || c->active,
		"fast open: text on the SYN of a peer");
	REQUIRE(!c->fo_from || (!c->active && c->snd_una == c->iss &&
				c->state != TCPD_CLOSED),
		"fast open: it waits for no last ACK");
	k->nfast += fo_listener(k->t, c) != NULL;
	return NULL;
}

static bool same_conn(const void *arg, uint32_t ref, const void *key)
{
	const struct tcp *t = arg;

	return tuple_same(&conn_at(t, ref)->tu, key);
}

static const char *places(struct check *k, const struct conn *c, uint32_t slot)
{
	const struct tcp *t = k->t;

	k->nhashed += c->hashed;
	k->nqueued += c->listener != 0;
	k->norphans += c->orphaned;
	k->nacks += c->on_list == ON_ACKS;
	k->nsends += c->on_list == ON_SENDS;
	k->nevents += c->ev_mask != 0;
	REQUIRE(!c->hashed || htab_find(&t->conn_tab, tuple_hash(t, &c->tu),
					same_conn, t, &c->tu) == slot,
		"conn: the table does not find it");
	REQUIRE(!c->ev_mask || c->held, "conn: events for nobody");
	REQUIRE(c->on_list <= ON_PACED, "conn: on no list that there is");
	REQUIRE(c->listener <= t->listeners.high,
		"conn: in the queue of no listener");
	return NULL;
}

const char *check_conn(struct check *k, uint32_t slot)
{
	const struct conn *c = conn_at(k->t, slot);
	const char *wrong = values(k->t, c);

	wrong = wrong ? wrong : places(k, c, slot);
	wrong = wrong ? wrong : state(k->t, c);
	wrong = wrong ? wrong : records(k, c);
	wrong = wrong ? wrong : send_queue(k, c);
	wrong = wrong ? wrong : recv_blocks(k, c);
	wrong = wrong ? wrong : recv_queue(k, c);
	wrong = wrong ? wrong : sacks(k, c);
	wrong = wrong ? wrong : flow(k, c);
	wrong = wrong ? wrong : paced(k, c);
	wrong = wrong ? wrong : inflow(k, c);
	wrong = wrong ? wrong : urgent(c);
	wrong = wrong ? wrong : uto(c);
	wrong = wrong ? wrong : fast_open(k, c);
	wrong = wrong ? wrong : borrows(k, c);
	wrong = wrong ? wrong : timers(k, c);
	if (wrong || c->state == TCPD_CLOSED)
		return wrong;
	wrong = numbers(c);
	return wrong ? wrong : progress(c);
}
