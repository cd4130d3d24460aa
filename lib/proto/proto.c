/* SPDX-License-Identifier: MIT */
/*
 * proto.c - the control protocol: messages of app.sock to values and back.
 *
 * What comes from the other side is checked here and nowhere else: every
 * length against what is there, every TLV against its row.  Whether the
 * values make sense for an op is the caller's to judge.
 */
#include "proto/proto.h"

#include <string.h>

#include "base/octets.h"

static const struct proto_op_row ops[] = {
#define X(name, number, in, out, text) {#name, text, number, in, out},
	PROTO_OPS(X)
#undef X
};

static const struct proto_tlv_row tlvs[] = {
#define X(name, number, min, max, text) {#name, text, number, min, max},
	PROTO_TLVS(X)
#undef X
};

/* Both tables are numbered from 1 without a gap. */
#define NOPS  (sizeof(ops) / sizeof(ops[0]))
#define NTLVS (sizeof(tlvs) / sizeof(tlvs[0]))
_Static_assert(PROTO_OP_END == NOPS + 1, "a gap in PROTO_OPS");
_Static_assert(PROTO_TLV_END == NTLVS + 1, "a gap in PROTO_TLVS");

const struct proto_op_row *proto_op_row(unsigned op)
{
	return op >= 1 && op <= NOPS ? &ops[op - 1] : NULL;
}

const struct proto_tlv_row *proto_tlv_row(unsigned tlv)
{
	return tlv >= 1 && tlv <= NTLVS ? &tlvs[tlv - 1] : NULL;
}

/* --- reading */

static void take(struct octets *o, void *to, size_t n)
{
	struct octets part = octets_take(o, n);

	memset(to, 0, n);
	if (!part.bad)
		memcpy(to, part.p, n);
}

static uint16_t take_u16(struct octets *o)
{
	uint16_t v;

	take(o, &v, sizeof(v));
	return v;
}

static uint32_t take_u32(struct octets *o)
{
	uint32_t v;

	take(o, &v, sizeof(v));
	return v;
}

static bool take_addr(struct octets *o, struct proto_addr *a)
{
	a->family = octets_u8(o);
	octets_u8(o);
	a->port = take_u16(o);
	take(o, a->ip, sizeof(a->ip));
	return !o->bad && (a->family == 0 || a->family == 4 || a->family == 6);
}

/* One TLV of the table, whose length has been checked. */
static bool take_tlv(struct proto_msg *m, uint16_t type, struct octets *v)
{
	size_t n = octets_left(v);

	switch ((enum proto_tlv)type) {
	case PROTO_TLV_DOMAIN:
		m->domain = octets_u8(v);
		return m->domain == 4 || m->domain == 6;
	case PROTO_TLV_LOCAL:
		return take_addr(v, &m->local);
	case PROTO_TLV_PEER:
		return take_addr(v, &m->peer);
	case PROTO_TLV_BACKLOG:
		m->backlog = take_u32(v);
		return true;
	case PROTO_TLV_LEVEL:
		m->level = take_u32(v);
		return true;
	case PROTO_TLV_OPTION:
		m->option = take_u32(v);
		return true;
	case PROTO_TLV_LENGTH:
		m->length = take_u32(v);
		return true;
	case PROTO_TLV_VALUE:
		m->nvalue = (uint16_t)n;
		take(v, m->value, n);
		return true;
	case PROTO_TLV_VERSION:
		m->nversion = (uint16_t)n;
		take(v, m->version, n);
		m->version[n] = '\0';
		return true;
	case PROTO_TLV_FLAGS:
		m->flags = take_u32(v);
		return true;
	case PROTO_TLV_DATA:
		m->ndata = (uint16_t)n;
		take(v, m->data, n);
		return true;
	case PROTO_TLV_NONE:
	case PROTO_TLV_END:
		break;
	}
	return false;
}

static enum proto_result take_tlvs(struct proto_msg *m, struct octets *o)
{
	while (octets_left(o)) {
		uint16_t type = take_u16(o);
		uint16_t len = take_u16(o);
		struct octets v = octets_take(o, len);
		const struct proto_tlv_row *row = proto_tlv_row(type);

		if (v.bad)
			return PROTO_BAD_TLV;
		if (!row)
			continue;
		if (len < row->min || len > row->max ||
		    m->has & PROTO_HAS(type))
			return PROTO_BAD_TLV;
		if (!take_tlv(m, type, &v))
			return PROTO_BAD_TLV;
		m->has |= PROTO_HAS(type);
	}
	return PROTO_OK;
}

static enum proto_result take_hdr(struct proto_msg *m, struct octets *o)
{
	uint16_t magic;
	uint32_t len;

	memset(m, 0, sizeof(*m));
	if (octets_left(o) > PROTO_MAX)
		return PROTO_GARBAGE;
	magic = take_u16(o);
	m->major = octets_u8(o);
	m->minor = octets_u8(o);
	m->op = take_u16(o);
	take_u16(o); /* flags: none has a meaning in this version */
	m->seq = take_u32(o);
	len = take_u32(o);
	if (o->bad || magic != PROTO_MAGIC || len != octets_left(o))
		return PROTO_GARBAGE;
	return m->major == PROTO_MAJOR ? PROTO_OK : PROTO_OTHER;
}

enum proto_result proto_parse_request(struct proto_msg *m, const void *p,
				      size_t len)
{
	struct octets o = octets_of(p, len);
	enum proto_result r = take_hdr(m, &o);

	return r == PROTO_OK ? take_tlvs(m, &o) : r;
}

enum proto_result proto_parse_reply(struct proto_msg *m, const void *p,
				    size_t len)
{
	struct octets o = octets_of(p, len);
	enum proto_result r = take_hdr(m, &o);

	if (r == PROTO_GARBAGE)
		return r;
	m->err = (int32_t)take_u32(&o);
	if (o.bad)
		return PROTO_GARBAGE;
	return r == PROTO_OK ? take_tlvs(m, &o) : r;
}

/* --- writing */

static void put_u16(struct octets_out *o, uint16_t v)
{
	octets_put(o, &v, sizeof(v));
}

static void put_u32(struct octets_out *o, uint32_t v)
{
	octets_put(o, &v, sizeof(v));
}

static void put_tlv(struct octets_out *o, uint16_t type, const void *p,
		    size_t n)
{
	put_u16(o, type);
	put_u16(o, (uint16_t)n);
	octets_put(o, p, n);
}

static void put_addr(struct octets_out *o, uint16_t type,
		     const struct proto_addr *a)
{
	put_u16(o, type);
	put_u16(o, PROTO_ADDR_LEN);
	octets_put_u8(o, a->family);
	octets_put_u8(o, 0);
	put_u16(o, a->port);
	octets_put(o, a->ip, sizeof(a->ip));
}

static void put_tlvs(struct octets_out *o, const struct proto_msg *m)
{
	const struct {
		uint16_t type;
		const uint32_t *v;
	} words[] = {
		{PROTO_TLV_BACKLOG, &m->backlog},
		{PROTO_TLV_LEVEL, &m->level},
		{PROTO_TLV_OPTION, &m->option},
		{PROTO_TLV_LENGTH, &m->length},
		{PROTO_TLV_FLAGS, &m->flags},
	};

	if (m->has & PROTO_HAS(PROTO_TLV_DOMAIN))
		put_tlv(o, PROTO_TLV_DOMAIN, &m->domain, 1);
	if (m->has & PROTO_HAS(PROTO_TLV_LOCAL))
		put_addr(o, PROTO_TLV_LOCAL, &m->local);
	if (m->has & PROTO_HAS(PROTO_TLV_PEER))
		put_addr(o, PROTO_TLV_PEER, &m->peer);
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (m->has & PROTO_HAS(words[i].type))
			put_tlv(o, words[i].type, words[i].v, sizeof(uint32_t));
	if (m->has & PROTO_HAS(PROTO_TLV_VALUE))
		put_tlv(o, PROTO_TLV_VALUE, m->value, m->nvalue);
	if (m->has & PROTO_HAS(PROTO_TLV_VERSION))
		put_tlv(o, PROTO_TLV_VERSION, m->version, m->nversion);
	if (m->has & PROTO_HAS(PROTO_TLV_DATA))
		put_tlv(o, PROTO_TLV_DATA, m->data, m->ndata);
}

static size_t build(const struct proto_msg *m, void *p, size_t size, bool reply)
{
	struct octets_out o = octets_into(p, size);
	uint8_t *start = o.p, *at;
	uint32_t len;

	put_u16(&o, PROTO_MAGIC);
	octets_put_u8(&o, PROTO_MAJOR);
	octets_put_u8(&o, PROTO_MINOR);
	put_u16(&o, m->op);
	put_u16(&o, 0);
	put_u32(&o, m->seq);
	at = octets_room(&o, sizeof(len));
	if (reply)
		put_u32(&o, (uint32_t)m->err);
	put_tlvs(&o, m);
	if (o.bad || !at)
		return 0;
	len = (uint32_t)((size_t)(o.p - start) - PROTO_HDR);
	memcpy(at, &len, sizeof(len));
	return (size_t)(o.p - start);
}

size_t proto_build_request(const struct proto_msg *m, void *p, size_t size)
{
	return build(m, p, size, false);
}

size_t proto_build_reply(const struct proto_msg *m, void *p, size_t size)
{
	return build(m, p, size, true);
}
