/* SPDX-License-Identifier: MIT */
/*
 * bridge_tcpinfo.c - TCP_INFO: a connection's status in the layout of the
 * kernel's struct tcp_info.  What the stack does not have stays 0.
 */
#include <linux/tcp.h>

#include "base/clamp.h"
#include "bridge.h"

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

	return s < TCPD_NSTATES ? map[s] : 7;
}

static uint32_t us(tcpd_time t)
{
	return (uint32_t)min_u64(t / 1000, UINT32_MAX);
}

static uint32_t ms_since(const struct bridge *b, tcpd_time t)
{
	if (!t)
		return 0;
	return (uint32_t)min_u64(sub_sat(b->app->d->now, t) / 1000000,
				 UINT32_MAX);
}

void bridge_tcp_info(const struct bridge *b, const struct tcpd_status *s,
		     struct tcp_info *i)
{
	uint32_t mss = s->mss ? s->mss : 1;

	i->tcpi_state = kernel_state(s->state);
	i->tcpi_ca_state = s->after_rto ? 4 : s->in_recovery ? 3 : 0;
	i->tcpi_retransmits = (uint8_t)min_u32(s->retries, UINT8_MAX);
	i->tcpi_options = (uint8_t)((s->ts ? TCPI_OPT_TIMESTAMPS : 0) |
				    (s->sack ? TCPI_OPT_SACK : 0) |
				    (s->wscale ? TCPI_OPT_WSCALE : 0));
	i->tcpi_snd_wscale = s->snd_wscale & 15u;
	i->tcpi_rcv_wscale = s->rcv_wscale & 15u;
	i->tcpi_rto = us(s->rto);
	i->tcpi_snd_mss = s->mss;
	i->tcpi_rcv_mss = s->advmss;
	i->tcpi_unacked = (s->snd_nxt - s->snd_una + mss - 1) / mss;
	i->tcpi_last_data_sent = ms_since(b, s->last_snd);
	i->tcpi_last_data_recv = ms_since(b, s->last_rcv);
	i->tcpi_last_ack_recv = ms_since(b, s->last_ack);
	i->tcpi_pmtu = s->pmtu;
	i->tcpi_rcv_ssthresh = s->rcv_wnd;
	i->tcpi_rtt = us(s->srtt);
	i->tcpi_rttvar = us(s->rttvar);
	i->tcpi_snd_ssthresh = s->ssthresh / mss;
	i->tcpi_snd_cwnd = s->cwnd / mss;
	i->tcpi_advmss = s->advmss;
	i->tcpi_rcv_space = s->rcv_buffer;
	i->tcpi_total_retrans = s->retransmits;
	i->tcpi_pacing_rate = s->pacing_rate ? s->pacing_rate : UINT64_MAX;
	i->tcpi_max_pacing_rate = UINT64_MAX;
	i->tcpi_bytes_acked = s->octets_acked;
	i->tcpi_bytes_received = s->octets_received;
	i->tcpi_segs_out = (uint32_t)s->segs_out;
	i->tcpi_segs_in = (uint32_t)s->segs_in;
	i->tcpi_notsent_bytes = s->unsent;
	i->tcpi_min_rtt = us(s->min_rtt);
	i->tcpi_data_segs_in = (uint32_t)s->data_segs_in;
	i->tcpi_data_segs_out = (uint32_t)s->data_segs_out;
	i->tcpi_bytes_sent = s->octets_sent;
	i->tcpi_bytes_retrans = s->octets_retrans;
	i->tcpi_snd_wnd = s->snd_wnd;
}
