/* SPDX-License-Identifier: MIT */
/*
 * record_fields.c - the tables of fields of what a record holds, one a struct,
 * and items to and from octets.  Links, references into slabs and what can be
 * worked out again are not here: record.c and record_load.c deal with them.
 */
#include "stack/record.h"

#define ONE(type, tag, member)                                               \
	{                                                                    \
		tag, offsetof(type, member), 1, sizeof(((type *)0)->member), \
			#member                                              \
	}
#define ARRAY(type, tag, member)                                              \
	{                                                                     \
		tag, offsetof(type, member), ARRAY_SIZE(((type *)0)->member), \
			sizeof(((type *)0)->member[0]), #member               \
	}

/* Two functions out of a list of X(bit, bool). */
#define FLAGS(what, LIST)                                   \
	static uint64_t what##_flags(const void *p)         \
	{                                                   \
		const struct what *s = p;                   \
		uint64_t v = 0;                             \
                                                            \
		LIST(GET_FLAG)                              \
		return v;                                   \
	}                                                   \
	static void set_##what##_flags(void *p, uint64_t v) \
	{                                                   \
		struct what *s = p;                         \
                                                            \
		LIST(SET_FLAG)                              \
	}                                                   \
	static const char what##_flag_names[] = LIST(NAME_FLAG) " ";
#define GET_FLAG(bit, name)  v |= (uint64_t)(s->name) << (bit);
#define SET_FLAG(bit, name)  s->name = (v >> (bit)&1) != 0;
#define NAME_FLAG(bit, name) " " #name

#define TYPE(what)                                                      \
	{                                                               \
		what##_fields, ARRAY_SIZE(what##_fields), what##_flags, \
			set_##what##_flags, what##_flag_names           \
	}
#define TYPE_PLAIN(what)                                                  \
	{                                                                 \
		what##_fields, ARRAY_SIZE(what##_fields), NULL, NULL, " " \
	}

/* clang-format off */

/* What two stacks must have in common for a record to go from one to the
 * other. */
#define F(tag, m) ONE(struct tcpd_settings, tag, m)
static const struct field sizes_fields[] = {
	F(1, max_conns),
	F(2, max_listeners),
	F(3, max_half_open),
	F(4, max_time_wait),
	F(5, memory),
	F(6, queue),
	F(7, wscale),
	F(8, ts_tick),
};
#undef F
const struct record_type record_sizes = TYPE_PLAIN(sizes);

#define F(tag, m) ONE(struct tcpd_stack, tag, m)
#define A(tag, m) ARRAY(struct tcpd_stack, tag, m)
static const struct field tcpd_stack_fields[] = {
	F(1, t.now),
	F(2, t.nrand),
	F(3, t.next_id),
	A(5, t.k_table.k),
	A(6, t.k_isn.k),
	A(7, t.k_ts.k),
	A(9, t.k_rand.k),
	A(10, t.tw_class),
	F(11, t.ntw_classes),
	F(200, icmp_full_at),
	F(201, split_full_at),
	F(202, ip_id),
	A(203, frags.key.k),
	A(204, t.k_flow.k),
	/* the rows of TCPD_STATS: counters up to the first array */
	{14, offsetof(struct tcpd_stack, t.stat),
	 offsetof(struct tcpd_stats, drops) / sizeof(uint64_t),
	 sizeof(uint64_t), "t.stat"},
	A(15, t.stat.drops),
	A(16, t.stat.resets_sent),
	A(17, t.stat.resets_received),
	A(18, t.taken),
	A(19, t.tw_mark),
	A(20, t.port_full),
	A(21, t.port_full_at),
	F(22, t.port_gone),
	A(23, t.port_full_until),
	A(25, t.port_given),
	A(24, t.tw_share),
	A(30, t.k_recent.k),
	A(33, t.k_pmtu.k),
	A(34, t.k_fo.k),
	F(31, t.resets_full_at),
	F(32, t.reply_run),
	F(40, t.ts_base),
	F(41, t.stall_at),
	F(42, t.stall_slot),
	A(50, t.cookie.now.isn.k),
	A(51, t.cookie.now.mss.k),
	A(52, t.cookie.was.isn.k),
	A(53, t.cookie.was.mss.k),
	F(54, t.cookie.minute),
	F(55, t.cookie.sent_at),
};
#undef F
#undef A
#define STACK_FLAGS(X) X(0, t.mem_waiters) X(1, t.moved)
FLAGS(tcpd_stack, STACK_FLAGS)
const struct record_type record_stack = TYPE(tcpd_stack);

#define F(tag, m) ONE(struct listener, tag, m)
#define A(tag, m) ARRAY(struct listener, tag, m)
static const struct field listener_fields[] = {
	A(1, ip),
	F(2, port),
	F(3, family),
	F(4, id),
	A(5, set.synack_wait),
	F(6, set.nsynack_waits),
	F(7, set.congestion),
	F(8, set.backlog),
	F(9, set.time_wait),
	F(10, set.receive_buffer),
	F(11, set.send_buffer),
	F(12, set.syn_cookies),
	F(13, share),
	F(14, owner),
	F(15, opt.set),
	A(16, opt.value),
	F(17, set.ecn),
	F(18, fo.pending),
	A(19, fo.reset),
	F(20, fo.step),
	F(21, set.fast_open),
};
#undef F
#undef A
#define LISTENER_FLAGS(X) X(0, any)
FLAGS(listener, LISTENER_FLAGS)
const struct record_type record_listener = TYPE(listener);

#define F(tag, m) ONE(struct half, tag, m)
#define A(tag, m) ARRAY(struct half, tag, m)
static const struct field half_fields[] = {
	A(1, tu.local),
	A(2, tu.peer),
	F(3, tu.lport),
	F(4, tu.pport),
	F(5, irs),
	F(6, iss),
	F(7, ts_recent),
	F(9, id),
	F(10, due),
	F(11, mss),
	F(12, wnd),
};
#undef F
#undef A

/* Its bit fields. */
static uint64_t half_flags(const void *p)
{
	const struct half *h = p;

	return (uint64_t)h->listener | (uint64_t)h->nwait << 24 |
	       (uint64_t)h->nsent << 29 | (uint64_t)h->wscale << 34 |
	       (uint64_t)h->answered << 38 | (uint64_t)h->deferred << 56 |
	       (uint64_t)h->acked << 57 |
	       (uint64_t)h->has_ts << 58 |
	       (uint64_t)h->queued << 59 | (uint64_t)h->cookie << 60 |
	       (uint64_t)h->has_wscale << 61 | (uint64_t)h->sack << 62 |
	       (uint64_t)h->ecn << 63;
}

static void set_half_flags(void *p, uint64_t v)
{
	struct half *h = p;

	h->listener = v & 0xffffffu;
	h->nwait = v >> 24 & 31;
	h->nsent = v >> 29 & 31;
	h->wscale = v >> 34 & 15;
	h->answered = v >> 38 & HALF_MS_MASK;
	h->deferred = v >> 56 & 1;
	h->acked = v >> 57 & 1;
	h->has_ts = v >> 58 & 1;
	h->queued = v >> 59 & 1;
	h->cookie = v >> 60 & 1;
	h->has_wscale = v >> 61 & 1;
	h->sack = v >> 62 & 1;
	h->ecn = v >> 63;
}
static const char half_flag_names[] =
	" listener nwait nsent wscale answered deferred acked has_ts queued cookie"
	" has_wscale sack ecn ";
const struct record_type record_half = TYPE(half);

#define F(tag, m) ONE(struct timewait, tag, m)
#define A(tag, m) ARRAY(struct timewait, tag, m)
static const struct field timewait_fields[] = {
	A(1, tu.local),
	A(2, tu.peer),
	F(3, tu.lport),
	F(4, tu.pport),
	F(5, snd_nxt),
	F(6, rcv_nxt),
	F(7, ts_recent),
};
#undef F
#undef A

/* Its bit fields: numbers too. */
static uint64_t timewait_flags(const void *p)
{
	const struct timewait *w = p;

	return (uint64_t)w->id | (uint64_t)w->class << 32 |
	       (uint64_t)w->ts << 40 | (uint64_t)w->held << 41;
}

static void set_timewait_flags(void *p, uint64_t v)
{
	struct timewait *w = p;

	w->id = (uint32_t)v & ((1u << TW_ID_BITS) - 1);
	w->class = v >> 32 & 15;
	w->ts = v >> 40 & 1;
	w->held = v >> 41 & 1;
}
static const char timewait_flag_names[] = " id class ts held ";
const struct record_type record_timewait = TYPE(timewait);

#define F(tag, m) ONE(struct xmit, tag, m)
static const struct field xmit_fields[] = {
	F(1, seq),
	F(2, end),
	F(3, sent_at),
	F(4, delivered),
	F(5, delivered_at),
	F(6, first_sent_at),
	F(7, mss),
	F(8, flags),
	F(9, nsent), F(13, nsegs),
	F(10, lost),
	F(11, tx_in_flight),
};
#undef F
const struct record_type record_xmit = TYPE_PLAIN(xmit);

#define F(tag, m) ONE(struct sackq, tag, m)
#define A(tag, m) ARRAY(struct sackq, tag, m)
static const struct field sackq_fields[] = {
	A(1, recent),
	A(2, left),
	A(3, right),
	F(4, nrecent),
	F(5, narrivals),
	F(6, episode),
	F(7, nalone),
	F(8, njoined),
};
#undef F
#undef A
const struct record_type record_sackq = TYPE_PLAIN(sackq);

#define F(tag, m) ONE(struct flow, tag, m)
#define A(tag, m) ARRAY(struct flow, tag, m)
static const struct field flow_fields[] = {
	A(1, cc), F(3, depart_at), F(4, rto_at),
	F(40, burst_left), F(41, late),
	F(5, rate.delivered), F(6, rate.lost), F(7, rate.delivered_at),
	F(8, rate.first_sent_at), F(9, rate.app_limited),
	F(10, rack_at), F(11, rack_rtt), F(12, reorder_at), F(13, reduced_at),
	F(14, rack_end), F(15, fack), F(16, dsack_round), F(17, nsacked),
	F(18, reo_mult), F(19, reo_persist),
	F(80, reorder_by), F(81, reorder_seen),
	F(20, prr_delivered), F(21, prr_out), F(22, recover_fs),
	F(23, prior.cwnd), F(24, prior.ssthresh), F(25, undo_from),
	F(26, undo_octets), F(27, undo_ts), F(28, frto), F(29, frto_room),
	F(30, min_rtt_at), F(31, min_rtt_next),
	F(42, chrono), F(43, chrono_at), A(44, spent),
	F(60, ecn.clean), F(61, ecn.news), F(62, ecn.out), F(63, ecn.back),
	F(64, ecn.said), F(65, ecn.cuts), F(66, ecn.gone), F(67, ecn.cwr_seq),
	F(68, ecn.was.cwnd), F(69, ecn.was.ssthresh), F(70, ecn.since),
	F(71, hold), F(72, ecn.plain), F(73, undo_to),
};
#undef F
#undef A
#define FLOW_FLAGS(X) \
	X(0, sampled) X(1, reordering) X(2, dsack_counts) X(3, may_undo) \
	X(4, undo_resent) X(5, went_back) X(6, sack_void) X(7, sack_good)
FLAGS(flow, FLOW_FLAGS)
const struct record_type record_flow = TYPE(flow);

#define F(tag, m) ONE(struct inflow, tag, m)
static const struct field inflow_fields[] = {
	F(1, at), F(2, edge_at), F(3, rtt_at),
	F(4, edge), F(5, rtt), F(6, longer),
	F(7, read), F(8, came), F(9, held_then), F(10, held), F(11, prev),
};
#undef F
const struct record_type record_inflow = TYPE_PLAIN(inflow);

#define F(tag, m) ONE(struct frag, tag, m)
#define A(tag, m) ARRAY(struct frag, tag, m)
static const struct field frag_fields[] = {
	A(1, src),
	A(2, dst),
	F(3, id),
	F(4, version),
	F(5, protocol),
	F(6, ecn),
	F(7, npieces),
	F(8, nhead),
	F(9, named_at),
	F(10, got),
	F(11, end),
	F(12, low),
	F(13, top),
	F(14, due),
};
#undef F
#undef A
#define FRAG_FLAGS(X) X(0, dead) X(1, first) X(2, last)
FLAGS(frag, FRAG_FLAGS)
const struct record_type record_frag = TYPE(frag);

#define F(tag, m) ONE(struct reply, tag, m)
#define A(tag, m) ARRAY(struct reply, tag, m)
static const struct field reply_fields[] = {
	A(1, tu.local),
	A(2, tu.peer),
	F(3, tu.lport),
	F(4, tu.pport),
	F(5, kind),
	F(6, flags),
	F(7, reset),
	F(8, wnd),
	F(9, seq),
	F(10, ack),
	F(11, ts_val),
	F(12, ts_ecr),
	F(13, half),
	F(14, id),
	F(15, len),
	F(16, protocol),
	F(17, tos),
	F(18, wscale),
	F(19, ttl),
	F(20, mss),
	F(21, fo_form),
	F(50, ip_id),
	F(51, done),
};
#undef F
#undef A
#define REPLY_FLAGS(X) X(0, ts) X(1, has_wscale) X(2, sack) X(3, split)
FLAGS(reply, REPLY_FLAGS)
const struct record_type record_reply = TYPE(reply);

#define F(tag, m) ONE(struct conn, tag, m)
#define A(tag, m) ARRAY(struct conn, tag, m)
static const struct field conn_fields[] = {
	A(1, tu.local), A(2, tu.peer), F(3, tu.lport), F(4, tu.pport),
	A(5, timer), F(6, armed), F(7, id),
	F(8, state), F(9, err), F(10, soft_err), F(11, recovery),
	F(12, nrexmt), F(13, backoff), F(14, nprobes), F(15, nkeep),
	F(16, dupacks), F(17, quick), F(18, snd_wscale), F(19, rcv_wscale),
	F(20, cc), F(21, keepcnt), F(22, family), F(23, acks_owed),
	F(24, nreassured), F(25, share), F(26, owner),
	/* send */
	F(30, iss), F(31, snd_una), F(32, snd_nxt), F(33, snd_wnd),
	F(34, snd_wl1), F(35, snd_wl2), F(36, max_snd_wnd), F(37, snd_sml),
	F(38, recover), F(39, mss), F(40, advmss), F(41, peer_mss),
	F(42, pmtu), F(43, unsent_low), F(44, sq.end), F(45, lost),
	F(46, resent), F(47, duped), F(48, sacked), F(59, snd_up),
	F(49, dup_flight),
	F(55, pmtu_how), F(50, pmtu_high), F(51, pmtu_at),
	F(52, mtu_probe), F(53, mtu_probe_seq), F(54, clocked), F(56, super_lost),
	F(57, burst_end), F(58, tlp_end),
	/* receive */
	F(60, irs), F(61, rcv_nxt), F(62, rcv_adv), F(63, rcv_buf),
	F(64, last_ack_sent), F(65, ts_recent), F(66, fin_seq),
	F(67, ts_recent_at), F(68, rq.read), F(69, rq.ooo),
	F(70, ack_pending), F(71, rcv_mss), F(80, rcv_up),
	/* time */
	F(90, srtt), F(91, rttvar), F(92, rto), F(93, min_rtt), F(94, born),
	F(95, last_snd), F(96, last_rcv), F(97, last_ack),
	F(98, challenge_at), F(99, keepidle_ms), F(100, keepintvl_ms),
	F(101, user_timeout), F(102, stalled_at), F(103, reassured_at),
	F(104, closed_at), F(105, orphan_at), F(106, rtt_round),
	F(107, rtt_n), F(108, rtt_per),
	F(110, repeat_full_at),
	/* congestion */
	F(120, ccs.cwnd), F(121, ccs.ssthresh), F(122, ccs.burst),
	F(123, ccs.pacing_rate), F(124, ccs.mss),
	F(125, max_pacing),
	/* limits, counts */
	F(140, rcv_max), F(141, snd_max), F(142, time_wait),
	F(170, options), F(171, lowat), F(172, clamp), F(173, tos),
	F(174, ttl), F(175, rcv_tos), F(176, syncnt), F(177, linger_ms),
	F(178, linger2_ms), F(179, defer_accept_ms),
	F(180, adv_uto), F(181, remote_uto), F(190, ecn_plain),
	F(182, fo_form), F(183, fo_from), F(184, fo_most),
	F(185, syn_took), F(186, syn_sent),
	F(150, octets_acked), F(151, octets_received), F(152, octets_sent),
	F(153, octets_retrans), F(154, segs_in), F(155, segs_out),
	F(156, data_segs_in), F(157, data_segs_out), F(158, retransmits),
};
#undef F
#undef A
#define CONN_FLAGS(X) \
	X(0, bound) X(1, hashed) X(2, active) X(3, held) X(4, orphan) \
	X(6, any_local) X(7, unread) X(8, in_tw) X(9, ts) \
	X(10, wscale) X(11, nodelay) X(12, cork) X(13, keepalive) \
	X(14, syn_due) X(15, fin_queued) X(16, fin_sent) X(17, fin_rcvd) \
	X(18, fin_ooo) X(19, ack_due) X(20, ack_delayed) X(21, probe_due) \
	X(22, keep_due) X(23, push_small) X(24, rexmt_force) \
	X(25, want_room) X(26, want_mem) X(27, want_unsent) \
	X(29, app_limited) X(30, faulty) X(31, sack) X(32, lingering) \
	X(33, more) X(34, soft_new) X(35, soft_quiet) X(36, pmtu_guess) \
	X(37, urg_out) X(38, urg_in) X(39, pmtu_search) X(40, no_super) \
	X(41, unpushed) X(42, tlp_due) X(43, tlp_out) X(44, tlp_resent) \
	X(45, uto_due) X(46, hands_on) X(47, starved) X(50, ecn) X(51, ect_off) X(52, ece_due) \
	X(53, cwr_due) X(54, ce_now) X(55, ect_in) X(56, ecn_tried) \
	X(57, fo_want) X(58, fo_free) X(59, fo_wait) X(60, fo_text) \
	X(61, syn_text) X(62, fo_took)
FLAGS(conn, CONN_FLAGS)
const struct record_type record_conn = TYPE(conn);
/* clang-format on */

/* --- writing */

void record_put(struct record_out *o, const void *p, size_t n)
{
	if (o->at <= o->room && n <= o->room - o->at && n)
		memcpy(o->p + o->at, p, n);
	o->at += n;
}

void record_put_int(struct record_out *o, uint64_t v, unsigned size)
{
	uint8_t octets[8];

	for (unsigned i = 0; i < size; i++)
		octets[i] = (uint8_t)(v >> 8 * i);
	record_put(o, octets, size);
}

void record_item(struct record_out *o, uint16_t tag, enum record_kind kind,
		 uint32_t len)
{
	record_put_int(o, tag, 2);
	record_put_int(o, (uint64_t)kind, 2);
	record_put_int(o, len, 4);
}

uint64_t record_begin(struct record_out *o, uint16_t tag, enum record_kind kind)
{
	record_item(o, tag, kind, 0);
	return o->at;
}

void record_end(struct record_out *o, uint64_t begun)
{
	struct record_out len = *o;

	len.at = begun - 4;
	record_put_int(&len, o->at - begun, 4);
}

void record_u32s(struct record_out *o, uint16_t tag, const uint32_t *v,
		 uint32_t n)
{
	record_item(o, tag, REC_U32, n * 4);
	for (uint32_t i = 0; i < n; i++)
		record_put_int(o, v[i], 4);
}

void record_u64(struct record_out *o, uint16_t tag, uint64_t v)
{
	record_item(o, tag, REC_U64, 8);
	record_put_int(o, v, 8);
}

/* An integer of the struct, whatever its size. */
static uint64_t load(const uint8_t *p, unsigned size)
{
	uint64_t u64;
	uint32_t u32;
	uint16_t u16;

	switch (size) {
	case 8:
		memcpy(&u64, p, sizeof(u64));
		return u64;
	case 4:
		memcpy(&u32, p, sizeof(u32));
		return u32;
	case 2:
		memcpy(&u16, p, sizeof(u16));
		return u16;
	default:
		return *p;
	}
}

static void store(uint8_t *p, unsigned size, uint64_t v)
{
	uint32_t u32 = (uint32_t)v;
	uint16_t u16 = (uint16_t)v;

	switch (size) {
	case 8:
		memcpy(p, &v, sizeof(v));
		break;
	case 4:
		memcpy(p, &u32, sizeof(u32));
		break;
	case 2:
		memcpy(p, &u16, sizeof(u16));
		break;
	default:
		*p = (uint8_t)v;
		break;
	}
}

static bool is_zero(const uint8_t *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (p[i])
			return false;
	return true;
}

void record_fields(struct record_out *o, const struct record_type *ty,
		   const void *s)
{
	for (size_t i = 0; i < ty->nfields; i++) {
		const struct field *f = &ty->field[i];
		const uint8_t *p = (const uint8_t *)s + f->offset;
		uint32_t len = (uint32_t)f->n * f->size;

		if (is_zero(p, len))
			continue;
		record_item(o, f->tag, (enum record_kind)f->size, len);
		for (uint32_t at = 0; at < len; at += f->size)
			record_put_int(o, load(p + at, f->size), f->size);
	}
	if (ty->flags)
		record_u64(o, MORE_FLAGS, ty->flags(s));
}

uint64_t record_sum(const uint8_t *p, size_t len)
{
	/* against accidents: whoever may write a record may sum it too */
	static const struct siphash_key key;

	return siphash(&key, p, len);
}

/* --- reading */

uint64_t record_int(struct octets *o, unsigned size)
{
	struct octets v = octets_take(o, size);
	uint64_t n = 0;

	for (unsigned i = 0; !v.bad && i < size; i++)
		n |= (uint64_t)v.p[i] << 8 * i;
	return n;
}

uint32_t record_u32(struct octets *o)
{
	return (uint32_t)record_int(o, 4);
}

bool record_next(struct octets *o, struct item *it)
{
	uint32_t len;

	if (o->bad || octets_left(o) == 0)
		return false;
	it->tag = (uint16_t)record_int(o, 2);
	it->kind = (uint16_t)record_int(o, 2);
	len = record_u32(o);
	it->data = octets_take(o, len);
	if (!o->bad && it->kind <= REC_U64 &&
	    (it->kind == 0 || it->kind & (it->kind - 1u) || len % it->kind))
		o->bad = true;
	return !o->bad;
}

struct octets record_find(struct octets group, uint16_t tag,
			  enum record_kind kind)
{
	struct item it;

	while (record_next(&group, &it))
		if (it.tag == tag && it.kind == kind)
			return it.data;
	return (struct octets){0};
}

/* Items come in the order of the table: the search goes on from |*i|. */
static const struct field *find(const struct record_type *ty, uint16_t tag,
				size_t *i)
{
	for (size_t n = 0; n < ty->nfields; n++) {
		const struct field *f = &ty->field[*i];

		*i = *i + 1 < ty->nfields ? *i + 1 : 0;
		if (f->tag == tag)
			return f;
	}
	return NULL;
}

bool record_read(struct octets group, const struct record_type *ty, void *s)
{
	struct item it;
	size_t i = 0;

	while (record_next(&group, &it)) {
		const struct field *f;
		uint8_t *p = s;

		if (it.tag == MORE_FLAGS && ty->flags) {
			ty->set_flags(s, record_int(&it.data, 8));
			if (it.data.bad)
				return false;
			continue;
		}
		f = find(ty, it.tag, &i);
		if (!f)
			continue;
		if (it.kind != f->size ||
		    octets_left(&it.data) > (size_t)f->n * f->size)
			return false;
		for (p += f->offset; octets_left(&it.data); p += f->size)
			store(p, f->size, record_int(&it.data, f->size));
	}
	return !group.bad;
}
