/* SPDX-License-Identifier: MIT */
/* bottleneck.c - see bottleneck.h. */
#include <stdlib.h>
#include <string.h>

#include "base/clamp.h"
#include "bottleneck.h"

#define RTO	TCPD_MS(300)
#define NEVER	UINT64_MAX
#define REORDER 3u
#define IW	10u

static struct sent *seg(const struct flow_model *f, uint32_t n)
{
	return &f->seg[n & (SEGMENTS - 1)];
}

void bottleneck_init(struct bottleneck *b, const struct path *p, uint32_t mss)
{
	memset(b, 0, sizeof(*b));
	b->path = *p;
	b->mss = mss;
	b->now = b->idle_at = TCPD_SEC(1);
	b->rng.state = 1;
}

struct flow_model *bottleneck_add(struct bottleneck *b,
				  const struct cc_ops *ops, tcpd_time begin)
{
	struct flow_model *f = &b->flow[b->nflows++];

	memset(f, 0, sizeof(*f));
	f->ops = ops;
	f->seg = calloc(SEGMENTS, sizeof(*f->seg));
	f->begin = TCPD_SEC(1) + begin;
	f->end = NEVER;
	return f;
}

void bottleneck_end(struct bottleneck *b)
{
	for (unsigned i = 0; i < b->nflows; i++)
		free(b->flow[i].seg);
}

static void start(struct bottleneck *b, struct flow_model *f)
{
	struct cc_begin n = {.now = b->now,
			     .srtt = b->path.rtt,
			     .seed = (uint64_t)(f - b->flow) + 1,
			     .sack = true};

	f->s = (struct cc_state){
		.cwnd = IW * b->mss, .ssthresh = UINT32_MAX, .mss = b->mss};
	f->min_rtt = b->path.rtt;
	f->ops->init(&f->s, f->priv, &n);
}

/* --- sending */

/* When there is something to send. */
static tcpd_time app_at(const struct bottleneck *b, const struct flow_model *f)
{
	tcpd_time at = f->begin;

	if (f->app_rate)
		at += (uint64_t)f->next * b->mss * TCPD_SEC(1) / f->app_rate;
	return max_u64(at, b->now) >= f->end ? NEVER : at;
}

static tcpd_time sends_at(const struct bottleneck *b,
			  const struct flow_model *f)
{
	tcpd_time at = app_at(b, f);

	if (at == NEVER)
		return NEVER;
	if (f->s.mss && (f->in_flight + b->mss > f->s.cwnd ||
			 f->next - f->first >= SEGMENTS))
		return NEVER;
	return max_u64(at, f->depart_at);
}

/* Into the queue: when its ACK comes, 0: it does not. */
static tcpd_time pass(struct bottleneck *b)
{
	tcpd_time wait = sub_sat(b->idle_at, b->now);
	tcpd_time at;

	b->narrived++;
	b->queued_sum += wait;
	b->queued_max = max_u64(b->queued_max, wait);
	if (wait * b->path.rate / TCPD_SEC(1) + b->mss > b->path.queue) {
		b->ndropped++;
		return 0;
	}
	b->idle_at = b->now + wait + b->mss * TCPD_SEC(1) / b->path.rate;
	if (rng_chance(&b->rng, b->path.loss))
		return 0;
	at = b->idle_at + b->path.rtt;
	if (b->path.ack_every)
		at = (at / b->path.ack_every + 1) * b->path.ack_every;
	return at;
}

static void send_one(struct bottleneck *b, struct flow_model *f)
{
	struct sent *s = seg(f, f->next);
	uint32_t burst = f->s.burst ? f->s.burst : b->mss;

	if (f->in_flight == 0)
		f->burst_left = 0;
	if (f->in_flight == 0 && f->ops->sending)
		f->ops->sending(&f->s, f->priv, f->rc.app_limited != 0, b->now);
	memset(s, 0, sizeof(*s));
	s->x.seq = f->next * b->mss;
	s->x.end = s->x.seq + b->mss;
	rate_sent(&f->rc, &s->x, f->in_flight, b->now);
	s->at = pass(b);
	f->next++;
	f->in_flight += b->mss;
	f->burst_now = f->sent_at == b->now ? f->burst_now + b->mss : b->mss;
	f->burst_max = max_u32(f->burst_max, f->burst_now);
	f->sent_at = b->now;
	if (app_at(b, f) > b->now && f->in_flight < f->s.cwnd)
		rate_idle(&f->rc, f->in_flight);
	if (!f->s.pacing_rate)
		return;
	/* a burst at once, then the time that it takes at its rate */
	if (f->burst_left < b->mss)
		f->burst_left = max_u32(burst, b->mss);
	f->burst_left -= b->mss;
	if (f->burst_left < b->mss) {
		uint64_t n = max_u32(burst / b->mss, 1) * b->mss;

		f->depart_at = max_u64(f->depart_at, b->now) +
			       n * TCPD_SEC(1) / f->s.pacing_rate;
		f->burst_left = 0;
	}
}

/* --- what comes back */

static void lose(struct bottleneck *b, struct flow_model *f, struct sent *s)
{
	struct cc_loss l = {.now = b->now,
			    .seq = s->x.seq,
			    .end = s->x.end,
			    .tx_in_flight = s->x.tx_in_flight,
			    .total_delivered = f->rc.delivered,
			    .app_limited =
				    (s->x.flags & XMIT_APP_LIMITED) != 0};

	s->gone = true;
	f->in_flight -= b->mss;
	f->marked += b->mss;
	rate_lost(&f->rc, b->mss);
	l.lost_since = rate_lost_since(&f->rc, &s->x);
	if (f->ops->lost)
		f->ops->lost(&f->s, f->priv, &l);
}

static void enter(struct bottleneck *b, struct flow_model *f)
{
	if (f->recovering)
		return;
	f->recovering = true;
	f->recover = f->next;
	f->recoveries++;
	f->ops->enter_recovery(&f->s, f->priv, f->in_flight, CC_LOSS, b->now);
	if (!f->ops->own_window)
		f->s.cwnd = f->s.ssthresh;
}

static void drop_gone(struct flow_model *f)
{
	while (f->first != f->next && seg(f, f->first)->gone)
		f->first++;
}

/* All ACKs that have come until now, as one. */
static void take_acks(struct bottleneck *b, struct flow_model *f, uint32_t n)
{
	struct cc_sample rs = {.now = b->now, .prior_in_flight = f->in_flight};
	bool recovering = f->recovering;
	bool lost = false;
	struct rate r;

	rate_begin(&r, &f->rc);
	for (; n != f->next; n++) {
		struct sent *s = seg(f, n);

		if (s->gone || !s->at)
			continue;
		if (s->at > b->now)
			break;
		s->gone = true;
		f->in_flight -= b->mss;
		rs.cwnd_limited = true;
		rate_delivered(&r, &f->rc, &s->x, b->mss, b->now);
	}
	for (; f->hole + REORDER < n; f->hole++) {
		struct sent *s = seg(f, f->hole);

		if (s->gone)
			continue;
		lose(b, f, s);
		lost = true;
	}
	if (lost)
		enter(b, f);
	drop_gone(f);
	if (f->recovering && (int32_t)(f->first - f->recover) >= 0) {
		f->recovering = false;
		f->ops->exit_recovery(&f->s, f->priv, f->in_flight, b->now);
	}
	rate_end(&r, &f->rc, f->min_rtt);
	rs.acked = rs.delivered = r.delivered;
	rs.lost = r.lost;
	rs.in_flight = f->in_flight;
	rs.rtt = r.rtt;
	rs.sample_delivered = (uint32_t)r.over;
	rs.sample_lost = r.lost_since;
	rs.tx_in_flight = r.tx_in_flight;
	rs.interval = r.interval;
	rs.prior_delivered = r.prior_delivered;
	rs.total_delivered = f->rc.delivered;
	rs.total_lost = f->rc.lost;
	rs.app_limited = r.app_limited;
	rs.in_recovery = recovering || f->recovering;
	f->ops->acked(&f->s, f->priv, &rs);
	if (b->seen)
		b->seen(b, f);
}

static void time_out(struct bottleneck *b, struct flow_model *f)
{
	uint32_t was = f->in_flight;

	f->rtos++;
	for (uint32_t n = f->first; n != f->next; n++)
		if (!seg(f, n)->gone)
			lose(b, f, seg(f, n));
	f->hole = f->first = f->next;
	f->recovering = true;
	f->recover = f->next;
	f->ops->timeout(&f->s, f->priv, was, true, b->now);
}

/* The first segment whose ACK is on its way, or f->next. */
static uint32_t next_acked(struct flow_model *f)
{
	uint32_t n = f->first;

	while (n != f->next && (seg(f, n)->gone || !seg(f, n)->at))
		n++;
	return n;
}

void bottleneck_run(struct bottleneck *b, tcpd_time until)
{
	tcpd_time end = TCPD_SEC(1) + until;

	for (;;) {
		struct flow_model *which = NULL;
		tcpd_time at = end;
		enum { SEND, ACK, TIMEOUT } what = SEND;
		uint32_t n = 0;

		for (unsigned i = 0; i < b->nflows; i++) {
			struct flow_model *f = &b->flow[i];
			uint32_t k = next_acked(f);
			tcpd_time send = sends_at(b, f);

			if (send < at) {
				at = send;
				which = f;
				what = SEND;
			}
			if (k != f->next && seg(f, k)->at <= at) {
				at = seg(f, k)->at;
				which = f;
				what = ACK;
				n = k;
			} else if (k == f->next && f->first != f->next &&
				   f->sent_at + RTO < at) {
				at = f->sent_at + RTO;
				which = f;
				what = TIMEOUT;
			}
		}
		b->now = max_u64(b->now, at);
		if (!which)
			break;
		if (!which->s.mss)
			start(b, which);
		else if (what == SEND)
			send_one(b, which);
		else if (what == ACK)
			take_acks(b, which, n);
		else
			time_out(b, which);
	}
	b->now = end;
}
