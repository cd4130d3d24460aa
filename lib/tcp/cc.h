/* SPDX-License-Identifier: MIT */
/*
 * cc.h - congestion control behind one interface, shaped for algorithms that
 * work with rates: a sample goes in with every ACK; congestion window, pacing
 * rate and burst come out.  Loss detection and retransmission are not here
 * (rexmt.c).  A module keeps its state in cc_state.priv and nowhere else.
 */
#ifndef TCP_CC_H
#define TCP_CC_H

#include "tcpd.h"

#define CC_NPRIV 8

struct cc_state {
	/* out */
	uint32_t cwnd, ssthresh; /* octets; ssthresh UINT32_MAX: not known */
	uint32_t burst;		 /* octets that may leave at once; 0: any */
	/* in: what every module needs */
	uint32_t mss;
	/* out again */
	uint64_t pacing_rate; /* octets a second; 0: not paced */
	uint64_t priv[CC_NPRIV];
};

/* What one ACK says (draft-ietf-ccwg-bbr's rate sample). */
struct cc_sample {
	tcpd_time now;
	uint32_t acked;	    /* octets newly acknowledged */
	uint32_t delivered; /* octets delivered over |interval| */
	tcpd_time interval; /* 0: no valid sample */
	uint32_t lost;	    /* octets newly marked lost */
	uint32_t prior_in_flight;
	uint32_t in_flight; /* after this ACK */
	tcpd_time rtt;	    /* 0: none */
	bool app_limited;   /* the sample was taken while the app was slow */
	bool cwnd_limited;  /* the window was in use when this was sent */
	bool ce;	    /* congestion was marked */
	bool in_recovery;
};

struct cc_ops {
	const char *name;
	void (*init)(struct cc_state *s, uint32_t iw);
	void (*acked)(struct cc_state *s, const struct cc_sample *rs);
	/* Recovery begins with |in_flight| octets out. */
	void (*enter_recovery)(struct cc_state *s, uint32_t in_flight,
			       tcpd_time now);
	void (*exit_recovery)(struct cc_state *s, uint32_t in_flight,
			      tcpd_time now);
	/* The retransmission timer fired; |first|: for this data. */
	void (*timeout)(struct cc_state *s, uint32_t in_flight, bool first,
			tcpd_time now);
	/* What was thought lost was not: back to |cwnd| and |ssthresh|. */
	void (*undo)(struct cc_state *s, uint32_t cwnd, uint32_t ssthresh);
	/* Nothing was sent for |idle| ns, at least one RTO. */
	void (*restart)(struct cc_state *s, uint32_t iw, tcpd_time idle);
};

extern const struct cc_ops cc_newreno;

const struct cc_ops *cc_ops_of(uint8_t congestion); /* enum tcpd_congestion */

#endif /* TCP_CC_H */
