/* SPDX-License-Identifier: MIT */
/*
 * tcpinfo.c - TCP_INFO out of a status.  What the stack does not have stays 0.
 */
#include "tcpinfo.h"

#include <linux/tcp.h>
#include <string.h>

#include "base/clamp.h"

/* The kernel's numbers for states (TCP_ESTABLISHED 1 ...). */
static uint8_t kernel_state(enum tcpd_state s)
{
	static const uint8_t map[TCPD_NSTATES] = {
		[TCPD_CLOSED] = 7,	[TCPD_LISTEN] = 10,
		[TCPD_SYN_SENT] = 2,	[TCPD_SYN_RECEIVED] = 3,
		[TCPD_ESTABLISHED] = 1, [TCPD_FIN_WAIT_1] = 4,
		[TCPD_FIN_WAIT_2] = 5,	[TCPD_CLOSE_WAIT] = 8,
		[TCPD_CLOSING] = 11,	[TCPD_LAST_ACK] = 9,
		[TCPD_TIME_WAIT] = 6,
	};

	return s < TCPD_NSTATES ? map[s] : TCPINFO_CLOSE;
}

static uint32_t us(tcpd_time t)
{
	return (uint32_t)min_u64(t / 1000, UINT32_MAX);
}

static uint32_t ms_since(tcpd_time now, tcpd_time t)
{
	if (!t)
		return 0;
	return (uint32_t)min_u64(sub_sat(now, t) / 1000000, UINT32_MAX);
}

static void sender(struct tcpinfo *i, const struct tcpd_status *s)
{
	uint32_t mss = s->mss ? s->mss : 1;

	/* TCP_CA_Loss, TCP_CA_Recovery, TCP_CA_CWR, TCP_CA_Disorder,
	 * TCP_CA_Open */
	i->ca_state = s->after_rto     ? 4
		      : s->in_recovery ? 3
		      : s->in_cwr      ? 2
				       : s->dupacks || s->sacked;
	i->retransmits = (uint8_t)min_u32(s->rexmits, UINT8_MAX);
	i->probes = s->probes;
	i->backoff = s->backoff;
	i->snd_mss = s->mss;
	i->unacked = (s->snd_nxt - s->snd_una + mss - 1) / mss;
	i->lost = (s->lost + mss - 1) / mss;
	i->retrans = (s->resent + mss - 1) / mss;
	i->sacked = s->sacked;
	/* at first: duplicate ACKs that tell of a loss */
	i->reordering = max_u32(s->reordering, 3);
	i->reord_seen = s->reordering_seen;
	i->snd_ssthresh = s->ssthresh == UINT32_MAX ? TCPINFO_NO_SSTHRESH
						    : s->ssthresh / mss;
	i->snd_cwnd = s->cwnd / mss;
	i->total_retrans = s->retransmits;
	i->pacing_rate = s->pacing_rate ? s->pacing_rate : UINT64_MAX;
	i->max_pacing_rate =
		s->max_pacing_rate ? s->max_pacing_rate : UINT64_MAX;
	i->bytes_acked = s->octets_acked;
	i->segs_out = (uint32_t)s->segs_out;
	i->data_segs_out = (uint32_t)s->data_segs_out;
	i->notsent_bytes = s->unsent;
	i->busy_time = s->busy / 1000;
	i->rwnd_limited = s->limited_by_window / 1000;
	i->sndbuf_limited = s->limited_by_buffer / 1000;
	i->delivered = s->delivered;
	i->bytes_sent = s->octets_sent + s->octets_retrans;
	i->bytes_retrans = s->octets_retrans;
	i->snd_wnd = s->snd_wnd;
}

void tcpinfo_fill(struct tcpinfo *i, const struct tcpd_status *s, tcpd_time now)
{
	memset(i, 0, sizeof(*i));
	i->state = kernel_state(s->state);
	i->options = (uint8_t)((s->ts ? TCPI_OPT_TIMESTAMPS : 0) |
			       (s->sack ? TCPI_OPT_SACK : 0) |
			       (s->syn_data ? TCPI_OPT_SYN_DATA : 0) |
			       (s->wscale ? TCPI_OPT_WSCALE : 0) |
			       (s->ecn ? TCPI_OPT_ECN : 0) |
			       (s->ecn_seen ? TCPI_OPT_ECN_SEEN : 0));
	i->wscales = (uint8_t)((s->snd_wscale & 15) | s->rcv_wscale << 4);
	sender(i, s);
	i->rto = us(s->rto);
	i->rcv_mss = s->rcv_mss ? s->rcv_mss : s->advmss;
	i->last_data_sent = ms_since(now, s->last_snd);
	i->last_data_recv = ms_since(now, s->last_rcv);
	i->last_ack_recv = ms_since(now, s->last_ack);
	i->pmtu = s->pmtu;
	i->rcv_ssthresh = s->rcv_buffer;
	i->rtt = us(s->srtt);
	i->rttvar = us(s->rttvar);
	i->min_rtt = us(s->min_rtt);
	i->advmss = s->advmss;
	i->rcv_rtt = us(s->rcv_rtt);
	i->rcv_space = s->rcv_space;
	i->rcv_wnd = s->rcv_wnd;
	i->bytes_received = s->octets_received;
	i->segs_in = (uint32_t)s->segs_in;
	i->data_segs_in = (uint32_t)s->data_segs_in;
}
