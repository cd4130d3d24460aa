/* SPDX-License-Identifier: MIT */
/*
 * record.h - the form of a record: a head, then items {tag, kind, len} with
 * |len| octets each, all numbers little endian.  An item is an array of
 * integers, plain octets, or a group of items.  A struct is a group with an
 * item for each field that is not zero, by the one table of its fields; so an
 * unknown tag is skipped, and a missing one leaves its field at zero.
 *
 * Tags are never given a second meaning, and rows of arrays of counters only
 * grow at the end; whatever else changes asks for another RECORD_VERSION.
 */
#ifndef STACK_RECORD_H
#define STACK_RECORD_H

#include "base/octets.h"
#include "stack/stack.h"
#include "tcp/synq.h"
#include "tcp/timewait.h"
#include "tcp/xmit.h"

#define RECORD_MAGIC   "tcpd-rec"
#define RECORD_VERSION 4u
#define RECORD_HEAD    28u /* magic, u32 version, u64 octets, u64 sum */
#define RECORD_ITEM    8u  /* u16 tag, u16 kind, u32 len */

/* Integers: the size of one. */
enum record_kind {
	REC_U8 = 1,
	REC_U16 = 2,
	REC_U32 = 4,
	REC_U64 = 8,
	REC_OCTETS = 16,
	REC_GROUP = 32
};

/* Tags at the top, each of a group or of an array of U32. */
enum record_top {
	TOP_SIZES = 1,
	TOP_STACK,
	TOP_POOL,     /* group: POOL_* */
	TOP_LISTENER, /* group; those of one port follow each other */
	TOP_CONN,     /* group */
	TOP_HALF,     /* group */
	TOP_TIMEWAIT, /* group */
	TOP_CONNS,    /* group: SLAB_* */
	TOP_LISTENERS,
	TOP_ACKS,   /* U32: slots of connections, in order */
	TOP_SENDS,  /* U32: slots of connections, in order */
	TOP_EVENTS, /* U32: reference, mask; in order */
	TOP_ACCEPT, /* U32: slot of the listener, slots of connections */
	TOP_REPLY,  /* group */
	TOP_WHEEL,  /* group: WHEEL_* */
	TOP_TW_WHEEL,
	TOP_ORPHANS,	/* U32: slots of connections, in order */
	TOP_PACED = 19, /* U32: slots of connections, as they lie in the heap */
	TOP_RECENT =
		32, /* U64: cell, hash, time; for each of the last second */
	TOP_COOKIES = 40, /* U32: slots of half-open entries, in order */
	TOP_PATHS = 44,	  /* U64: cell, hash, until, next, the rest */
	TOP_SERVERS,	  /* U64: cell, hash, used, failed, the rest, cookie */
	TOP_FRAG = 48,	  /* group; the oldest first */
	TOP_FRAGS_USED,	  /* U32: slots, in order of use */
	TOP_ICMP_PEERS	  /* U64: cell, hash, time */
};

/* Tags below 0x100 are fields; these are what else belongs to a struct. */
enum record_more {
	MORE_FLAGS = 0x100, /* U64: its bools */
	MORE_PLACE,	    /* U32: slot, generation */
	MORE_USER,	    /* U64 */
	MORE_SEND_BLOCKS,   /* U32: block, order, off, len; for each */
	MORE_SEND_TEXT,	    /* octets: all that they hold */
	MORE_RECV_BLOCKS,
	MORE_RECV_TEXT,	    /* octets: in order and unread, then each range */
	MORE_RANGES_BLOCK,  /* U32: block, order */
	MORE_RANGES,	    /* U32: left, right; for each */
	MORE_XMIT,	    /* group; by sequence number */
	MORE_MESSAGE_BLOCK, /* U32: block, order */
	MORE_MESSAGE,	    /* octets: an ICMP message */
	MORE_SACKQ,	    /* group */
	MORE_FLOW,	    /* group */
	MORE_INFLOW,	    /* group */
	MORE_SENT_ORDER,    /* U32: SEQ of each record in flight, by time */
	MORE_FRAG_BLOCKS = 0x140, /* U32: block, order, len; for each */
	MORE_FRAG_PIECES	  /* octets: all that they hold */
};

enum record_pool {
	POOL_HIGH = 1, /* U32: units carved, low_hot */
	POOL_COLD,     /* U32: blocks */
	POOL_LIST      /* + order.  U32: block, off; for each */
};

enum record_slab {
	SLAB_FREE = 1, /* U32: slot, generation; the one taken last first */
	SLAB_SPENT     /* U32: slots */
};

enum record_wheel {
	WHEEL_TIME = 1, /* U64: tick */
	WHEEL_ARMED	/* U64: reference, tick; as they lie in their lists */
};

/* --- the fields of a struct */

struct field {
	uint16_t tag, offset;
	uint16_t n; /* elements */
	uint8_t size;
	const char *name;
};

struct record_type {
	const struct field *field;
	size_t nfields;
	/* the bools, a bit each */
	uint64_t (*flags)(const void *s);
	void (*set_flags)(void *s, uint64_t v);
	const char *flag_names; /* " one another " */
};

extern const struct record_type record_sizes; /* struct tcpd_settings */
extern const struct record_type record_stack; /* struct tcpd_stack */
extern const struct record_type record_conn, record_listener, record_half;
extern const struct record_type record_timewait, record_xmit, record_reply,
	record_sackq, record_flow, record_inflow;
extern const struct record_type record_frag;

/* --- writing */

/* Everything is counted; what does not fit is not written. */
struct record_out {
	uint8_t *p;
	uint64_t room, at;
};

void record_put(struct record_out *o, const void *p, size_t n);
void record_put_int(struct record_out *o, uint64_t v, unsigned size);
void record_item(struct record_out *o, uint16_t tag, enum record_kind kind,
		 uint32_t len);
/* An item whose length is known at its end, which gets what begin gave. */
uint64_t record_begin(struct record_out *o, uint16_t tag,
		      enum record_kind kind);
void record_end(struct record_out *o, uint64_t begun);
void record_u32s(struct record_out *o, uint16_t tag, const uint32_t *v,
		 uint32_t n);
void record_u64(struct record_out *o, uint16_t tag, uint64_t v);
/* The items of a struct's fields (inside a group). */
void record_fields(struct record_out *o, const struct record_type *ty,
		   const void *s);

/* Slot and generation; a block and its class (U32s of a group). */
void record_put_place(struct record_out *o, const struct slab *s,
		      uint32_t slot);
void record_put_block(struct record_out *o, const struct pool *p, uint16_t tag,
		      uint32_t b);
void record_put_conn(struct record_out *o, const struct tcp *t, uint32_t slot);
/* What damage to the octets behind the head changes. */
uint64_t record_sum(const uint8_t *p, size_t len);

/* --- reading: nothing is trusted */

struct item {
	uint16_t tag, kind;
	struct octets data;
};

/* The next item: true; the end: false; damaged: false, and |o->bad|. */
bool record_next(struct octets *o, struct item *it);
/* The item of a group with |tag| and |kind|; none: an empty one. */
struct octets record_find(struct octets group, uint16_t tag,
			  enum record_kind kind);
/* Numbers, one after the other; 0 and |o->bad| when there is none. */
uint64_t record_int(struct octets *o, unsigned size);
uint32_t record_u32(struct octets *o);
/* Fill the fields in; false: damaged. */
bool record_read(struct octets group, const struct record_type *ty, void *s);

/* What record_put_place() and record_put_block() wrote, taken out of the free
 * ones; false: damaged, or not free. */
bool record_place(struct slab *s, struct octets group, uint32_t *slot);
bool record_block(struct pool *p, struct octets *o, uint32_t *b);
void *record_user(struct octets group);
bool record_get_conn(struct tcp *t, struct octets group);

/* --- record_frag.c */
void record_put_frags(struct record_out *o, const struct tcpd_stack *st);
bool record_get_frag(struct tcpd_stack *st, struct octets group);
bool record_get_frags_used(struct tcpd_stack *st, struct octets o);
bool record_get_icmp_peers(struct tcpd_stack *st, struct octets o);

#endif /* STACK_RECORD_H */
