/* SPDX-License-Identifier: MIT */
/*
 * tcpinfo.h - TCP_INFO: a connection's status in the layout of the kernel's
 * struct tcp_info, all 280 octets of it, whatever the headers that this is
 * built with know.  The names are the kernel's without tcpi_.
 */
#ifndef DAEMON_TCPINFO_H
#define DAEMON_TCPINFO_H

#include <assert.h>
#include <stdint.h>

#include "tcpd.h"

#define TCPINFO_CLOSE	    7	       /* TCP_CLOSE: a state of the kernel's */
#define TCPINFO_NO_SSTHRESH 0x7fffffff /* as the kernel: not known yet */

struct tcpinfo {
	uint8_t state, ca_state, retransmits, probes, backoff, options;
	uint8_t wscales; /* snd in the low 4 bits, rcv in the high ones */
	uint8_t rate_app_limited;
	uint32_t rto, ato, snd_mss, rcv_mss;
	uint32_t unacked, sacked, lost, retrans, fackets;
	uint32_t last_data_sent, last_ack_sent, last_data_recv, last_ack_recv;
	uint32_t pmtu, rcv_ssthresh, rtt, rttvar, snd_ssthresh, snd_cwnd;
	uint32_t advmss, reordering, rcv_rtt, rcv_space, total_retrans;
	uint64_t pacing_rate, max_pacing_rate, bytes_acked, bytes_received;
	uint32_t segs_out, segs_in, notsent_bytes, min_rtt;
	uint32_t data_segs_in, data_segs_out;
	uint64_t delivery_rate, busy_time, rwnd_limited, sndbuf_limited;
	uint32_t delivered, delivered_ce;
	uint64_t bytes_sent, bytes_retrans;
	uint32_t dsack_dups, reord_seen, rcv_ooopack, snd_wnd, rcv_wnd, rehash;
	uint16_t total_rto, total_rto_recoveries;
	uint32_t total_rto_time;
	uint32_t accecn[8]; /* counters of RFC 9768 */
};

static_assert(sizeof(struct tcpinfo) == 280, "the kernel's struct tcp_info");

void tcpinfo_fill(struct tcpinfo *i, const struct tcpd_status *s,
		  tcpd_time now);

#endif /* DAEMON_TCPINFO_H */
