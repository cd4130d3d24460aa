/* SPDX-License-Identifier: MIT */
/*
 * input_other.c - segment arrival in SYN-RECEIVED and later: RFC 9293,
 * 3.10.7.4, as eight checks in its order.  Each says whether the segment goes
 * on to the next; after a "no" the connection may be gone.
 */
#include "conn.h"
#include "listen.h"
#include "synq.h"
#include "timewait.h"
#include "uto.h"

#define PAWS_AGE TCPD_SEC(24u * 86400u) /* RFC 7323, 5.5 */

/* Text that came before is answered, and named (RFC 2883, 4). */
static void repeat(struct tcp *t, struct conn *c, const struct segment *seg)
{
	struct range dup = {.left = seg->h.seq,
			    .right =
				    seq_min(seg->h.seq + seg->len, c->rcv_nxt)};

	if (rst_repeat(t, c) && seq_lt(dup.left, dup.right))
		sack_arrived(t, c, dup);
}

/* An unacceptable segment, not a RST: <SEQ=SND.NXT><ACK=RCV.NXT>, but not for
 * what no peer sends in these states: neither ACK nor SYN. */
static void answer(struct tcp *t, struct conn *c, const struct segment *seg)
{
	if (!(seg->h.flags & (TCP_ACK | TCP_SYN)))
		return;
	if (seg->h.flags & TCP_SYN)
		rst_challenge(t, c); /* RFC 5961, 4.2 */
	else if (seg_len(seg))
		repeat(t, c, seg);
	else
		rst_reassure(t, c);
}

/* The window that was announced: its right edge never moved left. */
static uint32_t rcv_wnd(const struct conn *c)
{
	return seq_gt(c->rcv_adv, c->rcv_nxt) ? c->rcv_adv - c->rcv_nxt : 0;
}

/* RFC 7323, 5.3, R1: older than what was seen; RSTs are exempt. */
static bool paws_rejects(const struct tcp *t, const struct conn *c,
			 const struct segment *seg)
{
	return c->ts && seg->h.opt.has_ts && !(seg->h.flags & TCP_RST) &&
	       seq_lt(seg->h.opt.ts_val, c->ts_recent) &&
	       t->now - c->ts_recent_at < PAWS_AGE;
}

/* Table 6 of 3.4. */
static bool acceptable(const struct conn *c, const struct segment *seg)
{
	uint32_t wnd = rcv_wnd(c);
	uint32_t len = seg_len(seg);

	if (len == 0 && wnd == 0)
		return seg->h.seq == c->rcv_nxt;
	if (len == 0)
		return seq_in(seg->h.seq, c->rcv_nxt, wnd);
	if (wnd == 0) /* but a bare FIN needs no room: the peer would loop */
		return seg->len == 0 && (seg->h.flags & TCP_FIN) &&
		       seg->h.seq == c->rcv_nxt;
	return seq_in(seg->h.seq, c->rcv_nxt, wnd) ||
	       seq_in(seg->h.seq + len - 1, c->rcv_nxt, wnd);
}

/* Only what is new and inside the window stays.  (No SYN comes here: it would
 * be cut away, and is to be challenged.) */
static void trim(const struct conn *c, struct segment *seg)
{
	uint32_t edge = c->rcv_nxt + rcv_wnd(c);

	if (seq_lt(seg->h.seq, c->rcv_nxt)) {
		uint32_t cut = c->rcv_nxt - seg->h.seq;

		if (cut > seg->len) { /* the FIN is an old one too */
			seg->h.flags &= (uint8_t)~TCP_FIN;
			cut = seg->len;
		}
		seg->dup = cut;
		seg->data += cut;
		seg->len -= cut;
		seg->h.seq = c->rcv_nxt;
	}
	if (seg->len && seq_gt(seg->h.seq + seg->len, edge)) {
		seg->len = seq_gt(edge, seg->h.seq) ? edge - seg->h.seq : 0;
		seg->h.flags &= (uint8_t)~TCP_FIN;
	}
}

/* RFC 5961, 5.2, less what lies before the first octet that was ever sent. */
static bool ack_in_range(const struct conn *c, uint32_t ack)
{
	bool of_fin = c->fin_sent && c->snd_una == conn_fin_seq(c) + 1;
	uint64_t back = min_u64(c->max_snd_wnd, c->octets_acked + of_fin);

	return seq_ge(ack, c->snd_una - (uint32_t)back) &&
	       seq_le(ack, c->snd_nxt);
}

/*
 * An ACK inside a segment that the window refuses: a probe of a closed window,
 * a keep-alive, the other side of a simultaneous close or open (RFC 9293,
 * A.2).  Its text is dropped and answered; its ACK counts.
 */
static bool only_its_ack(struct tcp *t, struct conn *c, struct segment *seg)
{
	uint32_t back = c->rcv_nxt - seg->h.seq;

	if ((seg->h.flags & (TCP_SYN | TCP_RST | TCP_ACK)) != TCP_ACK ||
	    back > 1 || !ack_in_range(c, seg->h.ack) ||
	    (c->state == TCPD_SYN_RECEIVED && seg->h.ack == c->snd_una))
		return false;
	if (c->ecn && !back) /* RFC 3168, 6.1.6: probes are heeded */
		ecn_arrived(t, c, seg);
	answer(t, c, seg);
	seg->stale = back > 0;
	seg->len = 0;
	seg->h.flags &= (uint8_t)~TCP_FIN;
	seg->h.seq = c->rcv_nxt;
	return true;
}

/* The second SYN of a simultaneous open, as SYN,ACK: its SEQ is IRS.  One that
 * acknowledges something else is like any segment beside the window. */
static bool is_second_syn(const struct conn *c, const struct segment *seg)
{
	return c->active && conn_syn_out(c) && (seg->h.flags & TCP_SYN) &&
	       !(seg->h.flags & TCP_RST) && seg->h.seq == c->irs &&
	       (!(seg->h.flags & TCP_ACK) ||
		(seq_gt(seg->h.ack, c->iss) && seq_le(seg->h.ack, c->snd_nxt)));
}

static void update_ts(const struct tcp *t, struct conn *c,
		      const struct segment *seg)
{
	if (!c->ts || !seg->h.opt.has_ts || (seg->h.flags & TCP_RST) ||
	    seq_gt(seg->h.seq, c->last_ack_sent))
		return;
	if (seq_ge(seg->h.opt.ts_val, c->ts_recent) ||
	    t->now - c->ts_recent_at >= PAWS_AGE) {
		c->ts_recent = seg->h.opt.ts_val;
		c->ts_recent_at = t->now;
	}
}

/* The SYN of a Fast Open again: its peer has not seen the SYN-ACK. */
static bool is_syn_again(const struct conn *c, const struct segment *seg)
{
	return c->fo_from && seg->h.seq == c->irs &&
	       (seg->h.flags & (TCP_SYN | TCP_ACK | TCP_RST)) == TCP_SYN;
}

static void answer_syn_again(struct tcp *t, struct conn *c)
{
	if (!rst_first(t, &c->tu, TCPD_MS(SYNACK_GAP_MS))) {
		tcp_drop(t, TCPD_DROP_SYN_REPEATED); /* a flood of one tuple */
		return;
	}
	c->syn_due = true;
	conn_want_output(t, c);
}

/* First: sequence number (PAWS before it). */
static bool check_sequence(struct tcp *t, struct conn *c, struct segment *seg)
{
	if (is_second_syn(c, seg)) {
		if (!(seg->h.flags & TCP_ACK)) {
			c->syn_due = true;
			conn_want_output(t, c);
			return false;
		}
		ecn_answered(t, c, seg);
		seg->h.flags &= (uint8_t)~TCP_SYN;
		seg->h.seq++;
		/* a SYN's window is not scaled (RFC 7323, 2.2), but is read
		 * below as that of any segment */
		seg->h.wnd = (uint16_t)(seg->h.wnd >> c->snd_wscale);
		if (t->set.as_linux) { /* its SYN has come twice */
			sack_arrived(t, c, (struct range){c->irs, c->irs + 1});
			delack_now(t, c);
		}
	}
	if (is_syn_again(c, seg)) {
		answer_syn_again(t, c);
		return false;
	}
	if (paws_rejects(t, c, seg)) {
		tcp_drop(t, TCPD_DROP_PAWS);
		answer(t, c, seg);
		return false;
	}
	if (!acceptable(c, seg)) {
		if (seg->h.flags & TCP_RST) {
			rst_ignored(t, c->id, seg, TCPD_DROP_SEQUENCE);
			return false;
		}
		tcp_drop(t, TCPD_DROP_SEQUENCE);
		t->stat.segments_duplicate += seg->len > 0;
		if (only_its_ack(t, c, seg))
			return true;
		answer(t, c, seg);
		return false;
	}
	update_ts(t, c, seg);
	if (!(seg->h.flags & (TCP_RST | TCP_SYN)))
		trim(c, seg);
	return true;
}

static void reset(struct tcp *t, struct conn *c, const struct segment *seg)
{
	bool opening = c->state == TCPD_SYN_RECEIVED;
	int err = opening && c->active ? TCPD_ERR_REFUSED : TCPD_ERR_RESET;

	rst_taken(t, c->id, seg,
		  opening ? TCPD_RESET_NO_LISTENER
			  : rst_cause(seg, c->fin_rcvd));
	t->stat.opens_failed += opening;
	fo_end(t, c, true);
	conn_move(t, c, EV_RCV_RST);
	conn_ended(t, c, err, TCPD_EV_RESET);
}

/* Second: RST (RFC 5961, 3.2). */
static bool check_rst(struct tcp *t, struct conn *c, struct segment *seg)
{
	if (!(seg->h.flags & TCP_RST))
		return true;
	if (seg->h.seq == c->rcv_nxt) {
		reset(t, c, seg);
		return false;
	}
	rst_ignored(t, c->id, seg, TCPD_DROP_RST_INVALID);
	rst_challenge(t, c);
	return false;
}

/* Third: security and compartment are not compared (A.1). */
static bool check_security(struct tcp *t, struct conn *c, struct segment *seg)
{
	(void)t;
	(void)c;
	(void)seg;
	return true;
}

/* Fourth: SYN (RFC 5961, 4.2: whatever its number, a challenge). */
static bool check_syn(struct tcp *t, struct conn *c, struct segment *seg)
{
	if (!(seg->h.flags & TCP_SYN))
		return true;
	tcp_drop(t, TCPD_DROP_SYN_IN_STATE);
	rst_challenge(t, c);
	return false;
}

static void set_window(struct tcp *t, struct conn *c, uint32_t wnd)
{
	bool closes = wnd == 0 && c->snd_wnd > 0;

	c->snd_wnd = wnd;
	if (closes) {
		c->closed_at = t->now;
		orphan_window(t, c);
	}
}

/*
 * SND.WND by WL1 and WL2; an ACK of something new (|advances|) brings its
 * window whatever its SEQ, or a retransmission that closes a gap would leave
 * an old window on top of the new SND.UNA, and the edge too far right.
 */
static void update_window(struct tcp *t, struct conn *c,
			  const struct segment *seg, bool advances)
{
	uint32_t wnd = (uint32_t)seg->h.wnd << c->snd_wscale;

	if (!advances && !seq_lt(c->snd_wl1, seg->h.seq) &&
	    !(c->snd_wl1 == seg->h.seq && seq_le(c->snd_wl2, seg->h.ack)))
		return;
	c->snd_wl1 = seg->h.seq;
	c->snd_wl2 = seg->h.ack;
	c->max_snd_wnd = max_u32(c->max_snd_wnd, wnd);
	if (wnd == c->snd_wnd)
		return;
	if (wnd > 0)
		persist_end(t, c);
	set_window(t, c, wnd);
	conn_want_output(t, c);
}

/* SYN-RECEIVED and the ACK of our SYN: ESTABLISHED, or RST. */
static bool establish(struct tcp *t, struct conn *c, const struct segment *seg)
{
	if (!seq_gt(seg->h.ack, c->snd_una) || seq_gt(seg->h.ack, c->snd_nxt)) {
		tcp_drop(t, TCPD_DROP_SYN_RECEIVED);
		rst_answer(t, seg, TCPD_RESET_BAD_ACK);
		return false;
	}
	c->snd_wnd = (uint32_t)seg->h.wnd << c->snd_wscale;
	c->max_snd_wnd = max_u32(c->max_snd_wnd, c->snd_wnd);
	c->snd_wl1 = seg->h.seq;
	c->snd_wl2 = seg->h.ack;
	ack_take(t, c, seg);
	if (c->active)
		fo_answered(t, c, seg);
	conn_move(t, c, EV_RCV_ACK_OF_SYN);
	conn_established(t, c);
	return true;
}

/* Our FIN is acknowledged: the states that waited for that. */
static bool fin_acked(struct tcp *t, struct conn *c)
{
	switch ((enum tcpd_state)c->state) {
	case TCPD_FIN_WAIT_1:
		conn_move(t, c, EV_RCV_ACK_OF_FIN);
		conn_disarm(c, CT_LINGER);
		if (c->orphan)
			orphan_fin_wait_2(t, c);
		return true;
	case TCPD_CLOSING:
		conn_move(t, c, EV_RCV_ACK_OF_FIN);
		timewait_enter(t, c);
		return false;
	case TCPD_LAST_ACK:
		conn_move(t, c, EV_RCV_ACK_OF_FIN);
		conn_ended(t, c, 0, 0);
		return false;
	case TCPD_CLOSED:
	case TCPD_LISTEN:
	case TCPD_SYN_SENT:
	case TCPD_SYN_RECEIVED:
	case TCPD_ESTABLISHED:
	case TCPD_FIN_WAIT_2:
	case TCPD_CLOSE_WAIT:
	case TCPD_TIME_WAIT:
		break;
	}
	return true;
}

/* Fifth: ACK (with RFC 5961, 5.2). */
static bool check_ack(struct tcp *t, struct conn *c, struct segment *seg)
{
	uint32_t acked;

	if (!(seg->h.flags & TCP_ACK)) {
		tcp_drop(t, TCPD_DROP_NO_ACK_BIT);
		return false;
	}
	if (c->state == TCPD_SYN_RECEIVED)
		return establish(t, c, seg);
	if (!ack_in_range(c, seg->h.ack)) {
		tcp_drop(t, TCPD_DROP_ACK_RANGE);
		rst_challenge(t, c);
		return false;
	}
	acked = seq_gt(seg->h.ack, c->snd_una) ? seg->h.ack - c->snd_una : 0;
	ack_take(t, c, seg);
	if (seg->stale) /* its window is old: the edge stays where it was */
		set_window(t, c, c->snd_wnd - min_u32(acked, c->snd_wnd));
	else if (seg->h.ack == c->snd_una)
		update_window(t, c, seg, acked > 0);
	if (c->fin_sent && c->snd_una == conn_fin_seq(c) + 1)
		return fin_acked(t, c);
	return true;
}

/* Text for an app that has closed (RFC 9293, 3.6.1): the peer must learn that
 * nobody reads it. */
static void after_close(struct tcp *t, struct conn *c)
{
	tcp_drop(t, TCPD_DROP_AFTER_CLOSE);
	rst_send(t, c, TCPD_RESET_AFTER_CLOSE);
	conn_move(t, c, EV_ABORT);
	conn_ended(t, c, TCPD_ERR_RESET, TCPD_EV_RESET);
}

/* Text beyond a FIN that is out of order.  An honest peer sends none, so one of
 * the two is not his: what is in order wins, or the stream would stop here. */
static bool beyond_fin(struct conn *c, const struct segment *seg)
{
	if (!c->fin_ooo || seq_le(seg->h.seq + seg->len, c->fin_seq))
		return false;
	if (seg->h.seq != c->rcv_nxt)
		return true;
	c->fin_ooo = false;
	return false;
}

static bool takes_text(const struct conn *c)
{
	return c->state == TCPD_ESTABLISHED || c->state == TCPD_FIN_WAIT_1 ||
	       (c->state == TCPD_SYN_RECEIVED && c->fo_from) ||
	       c->state == TCPD_FIN_WAIT_2;
}

/* Sixth: URG; also where the window is closed (MUST-66), and not after FIN. */
static bool check_urg(struct tcp *t, struct conn *c, struct segment *seg)
{
	if (seg->h.flags & TCP_URG && takes_text(c))
		urgent_arrived(t, c, seg->up);
	return true;
}

static void out_of_order(struct tcp *t, struct conn *c,
			 const struct segment *seg, struct range dup, bool turn)
{
	t->stat.segments_out_of_order += seg->nwire;
	if (!turn && dup.left == dup.right && sack_joins(t, c, seg->h.seq))
		return;
	t->stat.segments_dup_acks_out++;
	delack_now(t, c);
	sack_arrived(t, c, dup);
}

/* Seventh: text. */
static bool check_text(struct tcp *t, struct conn *c, struct segment *seg)
{
	uint32_t had = c->rcv_nxt;
	bool ce = c->ce_now;
	struct range dup,
		cut = {.left = seg->h.seq - seg->dup, .right = seg->h.seq};
	enum recvq_took took;

	/* of those that pass the checks before */
	c->rcv_tos = seg->tos;
	if (seg->h.opt.has_uto)
		uto_take(t, c, seg);
	if (seg->len == 0)
		return true;
	if (!takes_text(c) || beyond_fin(c, seg)) {
		tcp_drop(t, TCPD_DROP_AFTER_FIN);
		rst_repeat(t, c);
		return false;
	}
	if (c->orphan) {
		after_close(t, c);
		return false;
	}
	if (c->ecn)
		ecn_arrived(t, c, seg);
	dup = seg->dup ? cut
		       : recvq_overlap(t, c, seg->h.seq, seg->h.seq + seg->len);
	took = recvq_put(t, c, seg->h.seq, seg->data, seg->len);
	switch (took) {
	case RQ_IN_ORDER:
		if (!seg->dup) {
			delack_in_order(t, c, seg);
			break;
		}
		delack_now(t, c);
		break;
	case RQ_OUT_OF_ORDER:
		out_of_order(t, c, seg, dup, ce != c->ce_now);
		return true;
	case RQ_FILLED_GAP: /* RFC 5681, 4.2 */
	case RQ_NOTHING:
		delack_now(t, c);
		break;
	}
	if (dup.left != dup.right)
		sack_arrived(t, c, dup);
	if (c->rcv_nxt != had)
		conn_event(t, c, TCPD_EV_READABLE);
	return true;
}

/* The peer's FIN is in order. */
static bool fin_arrived(struct tcp *t, struct conn *c)
{
	c->rcv_nxt++;
	c->fin_rcvd = true;
	c->fin_ooo = false;
	c->rcv_adv = seq_max(c->rcv_adv, c->rcv_nxt);
	c->ack_due = true;
	conn_want_ack(t, c);
	conn_event(t, c, TCPD_EV_FIN | TCPD_EV_READABLE);
	conn_move(t, c, EV_RCV_FIN);
	if (c->state == TCPD_TIME_WAIT) {
		timewait_enter(t, c);
		return false;
	}
	return true;
}

/* Eighth: FIN, this one or one that text was missing before. */
static bool check_fin(struct tcp *t, struct conn *c, struct segment *seg)
{
	if (c->fin_rcvd) {
		if (seg->h.flags & TCP_FIN)
			rst_repeat(t, c);
		return true;
	}
	if (seg->h.flags & TCP_FIN) {
		c->fin_seq = seg->h.seq + seg->len;
		c->fin_ooo = true;
		if (c->fin_seq != c->rcv_nxt && seg->len == 0)
			delack_now(t, c);
	}
	if (c->fin_ooo && c->fin_seq == c->rcv_nxt)
		return fin_arrived(t, c);
	if (seq_lt(c->fin_seq, c->rcv_nxt)) /* in text that was there already */
		c->fin_ooo = false;
	return true;
}

typedef bool check(struct tcp *t, struct conn *c, struct segment *seg);

static check *const checks[] = {
	check_sequence, check_rst, check_security, check_syn,
	check_ack,	check_urg, check_text,	   check_fin,
};

void input_other(struct tcp *t, struct conn *c, struct segment *seg)
{
	for (unsigned i = 0; i < ARRAY_SIZE(checks); i++)
		if (!checks[i](t, c, seg))
			return;
}

void input_text_and_fin(struct tcp *t, struct conn *c, struct segment *seg)
{
	trim(c, seg);
	check_urg(t, c, seg);
	if (check_text(t, c, seg))
		check_fin(t, c, seg);
}
