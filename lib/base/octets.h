/* SPDX-License-Identifier: MIT */
/*
 * octets.h - reading untrusted octets and writing our own: the one place that
 * compares a length with what is there.  A read past the end gives 0, a write
 * past the end writes nothing, and both mark their object bad; the caller asks
 * once, at the end.
 */
#ifndef BASE_OCTETS_H
#define BASE_OCTETS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct octets {
	const uint8_t *p;
	const uint8_t *end;
	bool bad;
};

static inline struct octets octets_of(const uint8_t *p, size_t len)
{
	return (struct octets){.p = p, .end = p + len};
}

static inline size_t octets_left(const struct octets *o)
{
	return (size_t)(o->end - o->p);
}

/* The next |n| octets as a reader of their own; bad when they are not there. */
static inline struct octets octets_take(struct octets *o, size_t n)
{
	struct octets part = {.p = o->p, .end = o->p, .bad = true};

	if (o->bad || n > octets_left(o)) {
		o->bad = true;
		return part;
	}
	o->p += n;
	part.end = o->p;
	part.bad = false;
	return part;
}

static inline uint8_t octets_u8(struct octets *o)
{
	struct octets v = octets_take(o, 1);

	return v.bad ? 0 : v.p[0];
}

static inline uint16_t octets_be16(struct octets *o)
{
	struct octets v = octets_take(o, 2);

	if (v.bad)
		return 0;
	return (uint16_t)(v.p[0] << 8 | v.p[1]);
}

static inline uint32_t octets_be32(struct octets *o)
{
	uint32_t hi = octets_be16(o);

	return hi << 16 | octets_be16(o);
}

/* Where octets are written: |p| goes on to |end|. */
struct octets_out {
	uint8_t *p;
	uint8_t *end;
	bool bad;
};

static inline struct octets_out octets_into(uint8_t *p, size_t len)
{
	return (struct octets_out){.p = p, .end = p + len};
}

/* Room for |n| octets, now the caller's to fill; NULL and bad: none. */
static inline uint8_t *octets_room(struct octets_out *o, size_t n)
{
	uint8_t *p = o->p;

	if (o->bad || n > (size_t)(o->end - o->p)) {
		o->bad = true;
		return NULL;
	}
	o->p += n;
	return p;
}

static inline void octets_put_u8(struct octets_out *o, uint8_t v)
{
	uint8_t *p = octets_room(o, 1);

	if (p)
		p[0] = v;
}

static inline void octets_put_be16(struct octets_out *o, uint16_t v)
{
	uint8_t *p = octets_room(o, 2);

	if (p) {
		p[0] = (uint8_t)(v >> 8);
		p[1] = (uint8_t)v;
	}
}

static inline void octets_put_be32(struct octets_out *o, uint32_t v)
{
	octets_put_be16(o, (uint16_t)(v >> 16));
	octets_put_be16(o, (uint16_t)v);
}

static inline void octets_put(struct octets_out *o, const void *src, size_t n)
{
	uint8_t *p = octets_room(o, n);

	if (p && n)
		memcpy(p, src, n);
}

#endif /* BASE_OCTETS_H */
