/* SPDX-License-Identifier: MIT */
/*
 * emit.c - from a plan to octets: IP and TCP header in |head|, text as slices
 * of the send queue, and the checksum, whole or (with offload) of the pseudo
 * header only.  Decides nothing.
 */
#include <assert.h>
#include <string.h>

#include "conn.h"
#include "synq.h"
#include "uto.h"
#include "wire/ip.h"

#define PATH_V6 1280u /* what every path takes: RFC 8200, 5 */

static void put_be16(uint8_t *p, uint16_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

/* The sum of all slices as one run of octets. */
static cksum_t sum_slices(const struct tcp *t, const struct tcpd_out *out)
{
	cksum_t sum = 0;
	bool odd = false;

	for (unsigned i = 0; i < out->nslices; i++) {
		cksum_t part = t->sum(out->slice[i].p, out->slice[i].len);

		sum += odd ? cksum_swap(part) : (cksum_t)cksum_fold(part);
		odd ^= out->slice[i].len & 1;
	}
	return sum;
}

/* What a user's options say of the IP header. */
struct marks {
	uint8_t tos, ttl; /* ttl 0: the default */
};

/* IP header before the TCP header |h|; then the checksum of it all. */
static void finish(struct tcp *t, struct tcpd_out *out, const struct tuple *tu,
		   struct marks m, const struct tcphdr *h, uint32_t text,
		   uint32_t mss)
{
	struct ip ip = {.version = ip_is4(tu->local) ? 4 : 6,
			.protocol = IP_TCP,
			.tos = m.tos,
			.ttl = m.ttl ? m.ttl : TTL_DEFAULT,
			.df = true};
	uint8_t tcp[TCP_HEAD_MAX];
	size_t ntcp = tcphdr_build(tcp, sizeof(tcp), h);
	size_t nip;
	uint8_t *at;
	cksum_t pseudo;

	memcpy(ip.src, tu->local, 16);
	memcpy(ip.dst, tu->peer, 16);
	if (ip.version == 6)
		ip.flow = flow_label(t, tu);
	ip.len = (uint32_t)ntcp + text;
	nip = ip_build(out->head, sizeof(out->head), &ip);
	assert(ntcp && nip && nip + ntcp <= sizeof(out->head));
	at = out->head + nip;
	memcpy(at, tcp, ntcp);
	out->nhead = (uint8_t)(nip + ntcp);
	out->len = out->nhead + text;
	out->off = (struct tcpd_offload){0};
	if (text > mss)
		out->off.gso_size = (uint16_t)mss;
	if (text > mss && h->flags & TCP_CWR)
		out->off.flags |= TCPD_PKT_ECN;
	pseudo = cksum_pseudo(tu->local, tu->peer, IP_TCP, ip.len);
	if (t->set.csum) {
		out->off.flags |= TCPD_PKT_CSUM_PARTIAL;
		out->off.csum_start = (uint16_t)nip;
		out->off.csum_offset = TCP_CSUM_AT;
		put_be16(at + TCP_CSUM_AT, cksum_fold(pseudo));
		return;
	}
	pseudo += t->sum(at, ntcp) + sum_slices(t, out);
	put_be16(at + TCP_CSUM_AT, (uint16_t)~cksum_fold(pseudo));
}

/* A cookie of ours, for the host at the other end of |tu|. */
static void tell_cookie(const struct tcp *t, struct tcphdr *h,
			const struct tuple *tu, uint8_t form,
			uint8_t cookie[FO_COOKIE])
{
	if (form == FO_NONE)
		return;
	fo_cookie(t, tu, cookie);
	h->opt.fo_form = form;
	h->opt.fo_len = FO_COOKIE;
	h->opt.fo = cookie;
}

/* Beside all others there is room for a user time-out or a long cookie. */
#define COOKIE_LONG 12u

static void syn_options(const struct tcp *t, const struct conn *c,
			struct tcphdr *h, uint8_t cookie[FO_COOKIE])
{
	bool answer = c->state != TCPD_SYN_SENT;

	h->opt.has_mss = true;
	h->opt.mss = (uint16_t)c->advmss;
	/* as Linux: what the path is known to take, in both directions */
	if (t->set.as_linux)
		h->opt.mss = (uint16_t)min_u32(
			c->advmss,
			pmtu_now(t, c) - (t->set.mtu - tcp_advmss(t, &c->tu)));
	h->opt.has_wscale = answer ? c->wscale : true;
	h->opt.wscale = c->rcv_wscale;
	h->opt.sack_ok = c->sack;
	if (answer && c->snd_nxt == c->iss) {
		tell_cookie(t, h, &c->tu, c->fo_form, cookie);
	} else if (c->snd_nxt == c->iss) {
		h->opt.fo_form = c->fo_form;
		h->opt.fo_len = fo_known(t, c, &h->opt.fo);
	}
	if (h->opt.fo_len <= COOKIE_LONG)
		uto_put(&h->opt, TCPD_SEC(c->adv_uto));
	if (!answer) {
		h->ack = 0;
		h->opt.ts_ecr = 0; /* RFC 7323, 3.2 */
	}
}

void emit_segment(struct tcp *t, struct tcpd_out *out, const struct plan *p)
{
	const struct conn *c = conn_at(t, p->conn);
	uint32_t len = p->len;
	uint32_t wnd = p->wnd;
	uint8_t cookie[FO_COOKIE];
	bool syn = (p->flags & TCP_SYN) != 0;
	struct tcphdr h = {.src = c->tu.lport,
			   .dst = c->tu.pport,
			   .seq = p->seq,
			   .ack = p->ack,
			   .flags = p->flags};

	h.opt.has_ts = c->ts;
	h.opt.ts_val = ts_now(t, &c->tu);
	h.opt.ts_ecr = c->ts_recent;
	if (syn) {
		syn_options(t, c, &h, cookie);
	} else {
		wnd >>= c->rcv_wscale;
		if (p->nsacks)
			sack_blocks(t, c, h.opt.sack);
		h.opt.nsacks = p->nsacks;
		if (p->uto)
			uto_put(&h.opt, TCPD_SEC(c->adv_uto));
		h.urg = urgent_pointer(c, p->seq);
		if (h.urg)
			h.flags |= TCP_URG;
	}
	h.wnd = (uint16_t)min_u32(wnd, UINT16_MAX);
	out->id = c->id;
	out->rst = 0;
	out->cookie = false;
	out->nslices = 0;
	if (len)
		out->nslices = (uint8_t)sendq_slices(
			t, c, p->seq + syn, &len, out->slice, TCPD_SLICES_MAX);
	assert(len == p->len);
	finish(t, out, &c->tu,
	       (struct marks){c->tos | (p->ect ? IP_ECT0 : 0), c->ttl}, &h, len,
	       p->mss);
}

/* RFC 791, 2.3; RFC 8200, 4.5: a multiple of 8 but for the last one. */
uint32_t emit_piece(const struct tcp *t, const struct reply *r)
{
	bool v4 = ip_is4(r->tu.local);
	uint32_t head = v4 ? IP4_HEAD : IP6_HEAD + IP6_FRAGMENT_HEAD;
	uint32_t path = v4 ? t->set.mtu : min_u32(t->set.mtu, PATH_V6);
	uint32_t left = r->len - r->done;

	if (!r->split || (!r->done && left + head <= path))
		return left;
	return min_u32(left, max_u32((path - head) / 8 * 8, 8));
}

static void emit_icmp(struct tcp *t, struct tcpd_out *out,
		      const struct reply *r)
{
	uint32_t len = emit_piece(t, r);
	struct ip ip = {.version = ip_is4(r->tu.local) ? 4 : 6,
			.protocol = r->protocol,
			.tos = r->tos,
			.ttl = TTL_DEFAULT,
			.df = !r->split,
			.more = r->done + len < r->len,
			.offset = r->done,
			.id = r->ip_id,
			.len = len};

	/* one piece alone: IPv6 has no atomic fragments (RFC 8021) */
	ip.fragment = r->split && (ip.more || r->done);
	memcpy(ip.src, r->tu.local, 16);
	memcpy(ip.dst, r->tu.peer, 16);
	if (ip.version == 6)
		ip.flow = flow_label(t, &r->tu);
	out->nhead = (uint8_t)ip_build(out->head, sizeof(out->head), &ip);
	out->nslices = 1;
	out->slice[0] = (struct tcpd_slice){
		.p = pool_at(&t->pool, r->block) + r->done, .len = len};
	out->len = out->nhead + len;
	out->off = (struct tcpd_offload){0};
}

void emit_reply(struct tcp *t, struct tcpd_out *out, const struct plan *p)
{
	const struct reply *r = &p->reply;
	struct tcphdr h = {.src = r->tu.lport,
			   .dst = r->tu.pport,
			   .seq = r->seq,
			   .ack = r->ack,
			   .flags = r->flags,
			   .wnd = r->wnd};
	uint8_t cookie[FO_COOKIE];

	out->id = r->id;
	out->rst = 0;
	if (r->kind == REPLY_SEGMENT && (r->flags & TCP_RST))
		out->rst = (uint8_t)(1 + r->reset);
	out->cookie = r->kind == REPLY_COOKIE;
	out->nslices = 0;
	if (r->kind == REPLY_ICMP) {
		emit_icmp(t, out, r);
		return;
	}
	h.opt.has_ts = r->ts;
	h.opt.ts_val = r->ts_val;
	h.opt.ts_ecr = r->ts_ecr;
	if (r->kind == REPLY_SYNACK) {
		synq_synack(t, r->half, &h);
	} else if (r->kind == REPLY_COOKIE) {
		h.opt.has_mss = true;
		h.opt.mss = r->mss;
		h.opt.has_wscale = r->has_wscale;
		h.opt.wscale = r->wscale;
		h.opt.sack_ok = r->sack;
	}
	tell_cookie(t, &h, &r->tu, r->fo_form, cookie);
	finish(t, out, &r->tu, (struct marks){r->tos, r->ttl}, &h, 0,
	       UINT16_MAX);
}
