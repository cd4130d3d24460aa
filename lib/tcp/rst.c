/* SPDX-License-Identifier: MIT */
/*
 * rst.c - resets and challenge ACKs: RFC 9293 3.5.2 and 3.10.7.1, RFC 5961.
 * What belongs to no connection waits in the queue of replies.
 */
#include "conn.h"

/* RFC 5961, 7: at most one challenge ACK of a connection in this time; no
 * counter is shared, so none can be probed (CVE-2016-5696). */
#define CHALLENGE_GAP TCPD_MS(500)
#define REASSURE_MAX  4 /* in the same time */

bool reply_push(struct tcp *t, const struct reply *r)
{
	if (t->nreplies == NREPLIES) {
		tcp_drop(t, TCPD_DROP_REPLY_FULL);
		return false;
	}
	t->replies[(t->reply_head + t->nreplies++) % NREPLIES] = *r;
	return true;
}

void rst_answer(struct tcp *t, const struct segment *seg, enum tcpd_reset why)
{
	struct reply r = {.tu = seg->tu,
			  .kind = REPLY_SEGMENT,
			  .flags = TCP_RST,
			  .reset = (uint8_t)why};

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

void rst_send(struct tcp *t, struct conn *c, enum tcpd_reset why)
{
	struct reply r = {.tu = c->tu,
			  .kind = REPLY_SEGMENT,
			  .flags = TCP_RST | TCP_ACK,
			  .reset = (uint8_t)why,
			  .seq = c->snd_nxt,
			  .ack = c->rcv_nxt,
			  .id = c->id};

	if (c->ts) {
		r.ts = true;
		r.ts_val = ts_now(t, &c->tu);
		r.ts_ecr = c->ts_recent;
	}
	reply_push(t, &r);
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
