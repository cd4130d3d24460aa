/* SPDX-License-Identifier: MIT */
/* sack_rig.h - a bare connection with SACK, and ACKs of its peer's, for the
 * unit tests of loss detection and recovery (beside rig.h). */
#ifndef UNIT_SACK_RIG_H
#define UNIT_SACK_RIG_H

#include "rig.h"
#include "tcp/news.h"

#define SACK_ISS 1000u
#define SACK_RTT TCPD_MS(100)
#define SACK_MSS UINT64_C(1460)
#define SACK_SEQ (SACK_ISS + 1) /* the first octet of text */

/* Segment number |n|, from 0 on: where it begins. */
static inline uint32_t seg_at(unsigned n)
{
	return SACK_SEQ + n * RIG_MSS;
}

/* A connection with a round trip of SACK_RTT and a window of |segments|. */
static inline struct conn *sack_conn(unsigned segments)
{
	struct conn *c = rig_conn(SACK_ISS, 1);

	c->sack = true;
	c->nodelay = true;
	c->cc = TCPD_CC_NEWRENO;
	c->ccs.cwnd = segments * RIG_MSS;
	c->recover = c->snd_una - 1;
	c->snd_wnd = c->max_snd_wnd = 1u << 20;
	rtt_sample(rig.t, c, SACK_RTT);
	return c;
}

/* |segments| of new text; how many packets left. */
static inline unsigned sack_send(struct conn *c, unsigned segments)
{
	rig_fill(c, 1, c->sq.end - c->iss - 1, segments * RIG_MSS);
	conn_want_output(rig.t, c);
	return rig_drain();
}

/* An ACK up to segment |una| that SACKs the segments [left, right). */
static inline void sack_ack(struct conn *c, unsigned una, unsigned left,
			    unsigned right)
{
	struct segment s = {.tu = c->tu, .nwire = 1};

	s.h.flags = TCP_ACK;
	s.h.seq = c->rcv_nxt;
	s.h.ack = seg_at(una);
	s.h.wnd = 65535;
	if (left != right) {
		s.h.opt.nsacks = 1;
		s.h.opt.sack[0].left = seg_at(left);
		s.h.opt.sack[0].right = seg_at(right);
	}
	c->snd_wscale = 4;
	tcp_input(rig.t, &s);
	ck_assert_msg(!tcpd_check(rig.st), "%s", tcpd_check(rig.st));
}

static inline struct xmit *sack_record(const struct conn *c, unsigned n)
{
	uint32_t slot = xmit_find(rig.t, c, seg_at(n));

	ck_assert_uint_ne(slot, SLAB_NONE);
	return xmit_at(rig.t, slot);
}

#endif /* UNIT_SACK_RIG_H */
