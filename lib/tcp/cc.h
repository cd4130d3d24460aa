/* SPDX-License-Identifier: MIT */
/*
 * cc.h - congestion control behind one interface, shaped for algorithms that
 * work with rates: a sample goes in with every ACK; congestion window, pacing
 * rate and burst come out.  Loss detection and retransmission are not here
 * (rack.c, rexmt.c), nor is the window while a recovery lasts, which is
 * proportional rate reduction's (prr.c) unless the module says that it keeps
 * its own.  A module keeps its state in |priv| (zeroed at first, in the
 * connection's struct flow) and nowhere else.
 */
#ifndef TCP_CC_H
#define TCP_CC_H

#include "tcpd.h"

#define CC_NPRIV 32

struct cc_state {
	/* out */
	uint32_t cwnd, ssthresh; /* octets; ssthresh UINT32_MAX: not known */
	uint32_t burst;		 /* octets that may leave at once; 0: any */
	/* in: what every module needs */
	uint32_t mss;
	/* out again */
	uint64_t pacing_rate; /* octets a second; 0: the module asks for none */
};

/* What a module begins with; cwnd, ssthresh and mss are set. */
struct cc_begin {
	tcpd_time now;
	tcpd_time srtt; /* 0: no sample yet */
	uint64_t total_delivered;
	uint64_t seed; /* for a module that needs chance */
	bool sack;     /* more than one loss is seen in a round trip */
	bool as_linux; /* tcpd_settings.as_linux */
};

/* What one ACK says (draft-ietf-ccwg-bbr's rate sample). */
struct cc_sample {
	tcpd_time now;
	uint32_t acked;	    /* octets newly acknowledged, for growth */
	uint32_t delivered; /* octets newly delivered: SND.UNA and SACK */
	uint32_t lost;	    /* octets newly marked lost */
	uint32_t ce;	    /* octets of |delivered| with a congestion mark */
	uint32_t prior_in_flight;
	uint32_t in_flight; /* after this ACK */
	tcpd_time rtt;	    /* 0: none */
	/* of the packet sent last among those that this ACK delivers */
	uint32_t sample_delivered; /* octets delivered over |interval| */
	uint32_t sample_lost;	   /* octets lost since it was sent */
	uint32_t tx_in_flight;	   /* in flight when it had been sent */
	tcpd_time interval;	   /* 0: no valid sample */
	uint64_t prior_delivered;  /* |total_delivered| when it was sent */
	uint64_t total_delivered, total_lost; /* the connection's, now */
	bool app_limited;  /* it was sent while the app was slow */
	bool cwnd_limited; /* the window was in use when it was sent */
	bool in_recovery;
	bool ece; /* the peer says that congestion was marked (RFC 3168) */
};

/* A range that is newly thought lost. */
struct cc_loss {
	tcpd_time now;
	uint32_t seq, end;
	uint32_t tx_in_flight; /* in flight when it had been sent */
	uint32_t lost_since;   /* octets lost since, with it */
	uint64_t total_delivered;
	bool app_limited; /* it was sent while the app was slow */
};

enum cc_why { CC_LOSS, CC_CE };

/* What a recovery began with, for undo(). */
struct cc_prior {
	uint32_t cwnd, ssthresh;
};

struct cc_ops {
	const char *name;
	/* cwnd in a recovery is the module's own, set in acked() */
	bool own_window;
	void (*init)(struct cc_state *s, uint64_t *priv,
		     const struct cc_begin *b);
	void (*acked)(struct cc_state *s, uint64_t *priv,
		      const struct cc_sample *rs);
	/* Before the recovery that it begins, or in it, and before acked() of
	 * the same ACK; NULL: of no interest. */
	void (*lost)(struct cc_state *s, uint64_t *priv,
		     const struct cc_loss *l);
	/* Something leaves, and nothing is in flight; NULL: as with lost(). */
	void (*sending)(struct cc_state *s, uint64_t *priv, bool app_limited,
			tcpd_time now);
	/* Congestion was noticed with |in_flight| octets out: a new ssthresh;
	 * cwnd follows by and by (prr.c). */
	void (*enter_recovery)(struct cc_state *s, uint64_t *priv,
			       uint32_t in_flight, enum cc_why why,
			       tcpd_time now);
	/* ... and is over. */
	void (*exit_recovery)(struct cc_state *s, uint64_t *priv,
			      uint32_t in_flight, tcpd_time now);
	/* The retransmission timer fired; |first|: for this data. */
	void (*timeout)(struct cc_state *s, uint64_t *priv, uint32_t in_flight,
			bool first, tcpd_time now);
	/* What was thought lost was not. */
	void (*undo)(struct cc_state *s, uint64_t *priv,
		     const struct cc_prior *was, tcpd_time now);
	/* Text goes after |idle| ns, at least one RTO, without any. */
	void (*restart)(struct cc_state *s, uint64_t *priv, uint32_t iw,
			tcpd_time idle, tcpd_time now);
};

extern const struct cc_ops cc_newreno, cc_cubic, cc_bbr;

const struct cc_ops *cc_ops_of(uint8_t congestion); /* enum tcpd_congestion */

#endif /* TCP_CC_H */
