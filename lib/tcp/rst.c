/* SPDX-License-Identifier: MIT */
/*
 * rst.c - resets and challenge ACKs: RFC 9293 3.5.2 and 3.10.7.1, RFC 5961,
 * and how many of them a flood may cost.
 *
 * What belongs to no connection waits in the queue of replies.  Its resets
 * have a budget that all share; but the first to a source within a second
 * always goes, so whoever meets a closed port learns it at once, whatever
 * others send.
 */
#include "base/bucket.h"
#include "conn.h"

#define REASSURE_MAX 4 /* in CHALLENGE_GAP */

/* ACKs for text that cannot be accepted: at most 50 at once and 100 in any
 * second, which no peer needs that repeats itself by a timer. */
#define REPEAT_GAP   TCPD_MS(20)
#define REPEAT_DEPTH (50 * REPEAT_GAP - 1)

#define SOURCE_GAP   TCPD_SEC(1)
#define BUDGET_DEPTH TCPD_MS(100) /* of it may go at once */

static bool put(struct tcp *t, const struct reply *r, uint32_t room)
{
	if (t->nreplies >= room) {
		tcp_drop(t, TCPD_DROP_REPLY_FULL);
		return false;
	}
	t->replies[(t->reply_head + t->nreplies++) % NREPLIES] = *r;
	return true;
}

bool reply_push(struct tcp *t, const struct reply *r)
{
	return put(t, r, NREPLIES - NREPLIES_OWN);
}

bool reply_full(const struct tcp *t)
{
	return t->nreplies >= NREPLIES - NREPLIES_OWN;
}

bool reply_push_own(struct tcp *t, const struct reply *r)
{
	return put(t, r, NREPLIES);
}

bool reply_push_back(struct tcp *t, const struct reply *r)
{
	return put(t, r, NREPLIES);
}

/* --- what people are told (struct tcpd_trace) */

#define TRACED_MAX 10u /* a second, of those that end nothing */

/* May one more be told that ends nothing? */
static bool may_trace(struct tcp *t)
{
	if (t->now - t->rsts_traced_at >= TCPD_SEC(1)) {
		t->rsts_traced_at = t->now;
		t->rsts_traced = 0;
	}
	if (t->rsts_traced == TRACED_MAX)
		return false;
	t->rsts_traced++;
	return true;
}

static void trace(struct tcp *t, enum tcpd_trace_kind kind, unsigned cause,
		  tcpd_id id, const struct tuple *tu, bool ends)
{
	struct trace_entry e = {.at = t->now,
				.id = id,
				.tu = *tu,
				.kind = (uint8_t)kind,
				.cause = (uint8_t)cause};

	if (!ends && !may_trace(t)) {
		t->rst_left_out = e;
		t->rsts_left_out += t->rsts_left_out < UINT32_MAX;
		return;
	}
	if (!ends) {
		e.left_out = t->rsts_left_out;
		t->rsts_left_out = 0;
	}
	t->traces[t->trace_in++ % NTRACES] = e;
}

void rst_tell_left_out(struct tcp *t)
{
	struct trace_entry e = t->rst_left_out;

	if (!t->rsts_left_out || t->now - t->rsts_traced_at < TCPD_SEC(1) ||
	    !may_trace(t))
		return;
	e.left_out = t->rsts_left_out - 1;
	t->rsts_left_out = 0;
	t->traces[t->trace_in++ % NTRACES] = e;
}

void rst_ignored(struct tcp *t, tcpd_id id, const struct segment *seg,
		 enum tcpd_drop why)
{
	tcp_drop(t, why);
	trace(t, TCPD_TRACE_RST_IGNORED, why, id, &seg->tu, false);
}

void rst_taken(struct tcp *t, tcpd_id id, const struct segment *seg,
	       enum tcpd_reset why)
{
	t->stat.resets_received[why]++;
	trace(t, TCPD_TRACE_RST_RECEIVED, why, id, &seg->tu, true);
}

void rst_left(struct tcp *t, const struct reply *r)
{
	t->stat.resets_sent[r->reset]++;
	trace(t, TCPD_TRACE_RST_SENT, r->reset, r->id, &r->tu, r->id != 0);
}

enum tcpd_reset rst_cause(const struct segment *seg, bool after_fin)
{
	if (after_fin)
		return TCPD_RESET_AFTER_CLOSE;
	return seg->h.flags & TCP_ACK ? TCPD_RESET_ABORT
				      : TCPD_RESET_NO_CONNECTION;
}

/* --- who may be answered */

bool rst_first(struct tcp *t, const struct tuple *tu, tcpd_time gap)
{
	return recent_first(&t->recent, siphash(&t->k_recent, tu, sizeof(*tu)),
			    t->now, gap);
}

/* The budget first: while it lasts nothing is looked up. */
static bool may_reset(struct tcp *t, const uint8_t source[16])
{
	uint32_t rate = t->set.resets_per_second;
	uint64_t gap = rate ? TCPD_SEC(1) / rate : 0;

	if (rate && bucket_take(&t->resets_full_at, t->now, gap, BUDGET_DEPTH))
		return true;
	return recent_first(&t->recent, siphash(&t->k_recent, source, 16),
			    t->now, SOURCE_GAP);
}

void rst_answer(struct tcp *t, const struct segment *seg, enum tcpd_reset why)
{
	struct reply r = {.tu = seg->tu,
			  .kind = REPLY_SEGMENT,
			  .flags = TCP_RST,
			  .reset = (uint8_t)why};

	if (!may_reset(t, seg->tu.peer)) {
		t->stat.segments_resets_held++;
		return;
	}
	if (seg->h.flags & TCP_ACK) {
		r.seq = seg->h.ack;
	} else {
		r.flags |= TCP_ACK;
		r.ack = seg->h.seq + seg_len(seg);
	}
	if (seg->h.opt.has_ts) { /* RFC 7323, 5.2 */
		r.ts = true;
		r.ts_ecr = seg->h.opt.ts_val;
	}
	reply_push(t, &r);
}

/* Where the peer expects us, as far as is known: beyond its window, a probe's
 * octet for instance, it would not look at an RST (RFC 5961, 3.2). */
static uint32_t rst_seq(const struct conn *c)
{
	uint32_t edge = c->snd_una + c->snd_wnd;

	return !conn_syn_out(c) && seq_gt(c->snd_nxt, edge) ? edge : c->snd_nxt;
}

void rst_send(struct tcp *t, struct conn *c, enum tcpd_reset why)
{
	struct reply r = {.tu = c->tu,
			  .kind = REPLY_SEGMENT,
			  .flags = TCP_RST | TCP_ACK,
			  .reset = (uint8_t)why,
			  .seq = rst_seq(c),
			  .ack = c->rcv_nxt,
			  .tos = c->tos,
			  .ttl = c->ttl,
			  .id = c->id};

	if (c->ts) {
		r.ts = true;
		r.ts_val = ts_now(t, &c->tu);
		r.ts_ecr = c->ts_recent;
	}
	if (t->set.as_linux && why == TCPD_RESET_AFTER_CLOSE) {
		/* to one who is told that nobody is there: as if it were so */
		r.flags = TCP_RST;
		r.seq = c->snd_una;
		r.ack = 0;
	}
	reply_push_own(t, &r);
}

void rst_reassure(struct tcp *t, struct conn *c)
{
	if (!c->reassured_at || t->now - c->reassured_at >= CHALLENGE_GAP) {
		c->reassured_at = t->now;
		c->nreassured = 0;
	}
	if (c->nreassured++ < REASSURE_MAX)
		delack_now(t, c);
	else
		c->nreassured = REASSURE_MAX;
}

bool rst_repeat(struct tcp *t, struct conn *c)
{
	if (!bucket_take(&c->repeat_full_at, t->now, REPEAT_GAP,
			 REPEAT_DEPTH)) {
		t->stat.segments_repeat_held++;
		return false;
	}
	delack_now(t, c);
	return true;
}

void rst_challenge(struct tcp *t, struct conn *c)
{
	if (c->challenge_at && t->now - c->challenge_at < CHALLENGE_GAP) {
		t->stat.segments_challenge_held++;
		return;
	}
	c->challenge_at = t->now;
	t->stat.segments_challenge_acks++;
	delack_now(t, c);
}
