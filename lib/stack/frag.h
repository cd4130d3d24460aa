/* SPDX-License-Identifier: MIT */
/*
 * frag.h - datagrams that arrive in pieces (frag.c).
 *
 * Of each there is an entry, in three lists: by age, for the time-out, and by
 * use, of all and of its source, for who gives way.  Its pieces lie in blocks
 * of the pool, one behind the other as they came: four octets of head (struct
 * frag_piece), then the payload, padded to four.  The headers of the piece at
 * offset 0 are kept as a piece of their own, at FRAG_HEAD.
 */
#ifndef STACK_FRAG_H
#define STACK_FRAG_H

#include <stdbool.h>
#include <stdint.h>

#include "base/htab.h"
#include "base/siphash.h"
#include "base/slab.h"
#include "tcpd.h"
#include "wire/ip.h"

#define FRAG_MAX     1024u	/* datagrams */
#define FRAG_MEMORY  (1u << 20) /* octets of blocks, at most */
#define FRAG_OF_PEER 64u	/* datagrams of one source */
#define FRAG_PIECES  1366u	/* 65535 octets over the smallest MTU, 68 */
#define FRAG_TIMEOUT TCPD_SEC(60)
#define FRAG_PEERS   1024u /* cells: a source has one, by a keyed hash */

enum frag_list {
	FRAG_BY_AGE,
	FRAG_BY_USE,
	FRAG_OF_SOURCE, /* by use, too: its ends are in struct frag_peer */
	FRAG_NLISTS
};

struct frag {
	uint8_t src[16], dst[16];
	uint32_t id;
	uint8_t version,
		protocol; /* protocol: 0 for IPv6, it is no key there */
	uint8_t ecn;	  /* a bit for each codepoint seen */
	bool dead;  /* pieces overlapped: those that follow are dropped too */
	bool first; /* the piece at offset 0 is there */
	bool last;  /* the last one is: |end| is known */
	uint16_t npieces;
	uint16_t nhead;	     /* of the first: its headers ... */
	uint16_t named_at;   /* ... and where (IPv6) the fragment's is named */
	uint32_t got;	     /* octets of payload */
	uint32_t end;	     /* its whole length */
	uint32_t low, top;   /* the pieces lie between these */
	uint32_t head, tail; /* blocks */
	uint32_t mem;	     /* their octets */
	tcpd_time due;	     /* the time-out */
	uint32_t next[FRAG_NLISTS], prev[FRAG_NLISTS]; /* slot + 1 */
};

struct frag_piece {
	uint16_t at;  /* offset in 8 octets, or FRAG_HEAD */
	uint16_t len; /* octets */
};
#define FRAG_HEAD  UINT16_MAX
/* The largest packet, and what is quoted of a first piece as it came. */
#define FRAG_WHOLE (IP_MAX + IP6_FRAGMENT_HEAD)

/* What one source (or, by chance, two) holds. */
struct frag_peer {
	uint32_t n, mem;
	uint32_t first, last; /* slot + 1 */
};

struct frags {
	struct slab slab;
	struct htab tab;
	struct frag_peer *peers;
	uint8_t *whole; /* a datagram put together: FRAG_WHOLE octets */
	struct siphash_key key;
	uint32_t first[FRAG_OF_SOURCE], last[FRAG_OF_SOURCE]; /* slot + 1 */
	uint64_t mem;
};

struct tcpd_stack;

static inline struct frag *frag_at(const struct frags *f, uint32_t slot)
{
	return slab_at(&f->slab, slot);
}

/* Octets that a piece takes in its block. */
static inline uint32_t frag_size(uint32_t len)
{
	return (len + (uint32_t)sizeof(struct frag_piece) + 3) & ~3u;
}

/* Would pieces up to |top| behind |nhead| octets of headers make more than the
 * length of a packet can say?  IPv6's is of what follows the fixed header. */
static inline bool frag_too_long(uint8_t version, uint32_t nhead, uint32_t top)
{
	if (version == 6)
		nhead -= (uint32_t)IP6_HEAD + IP6_FRAGMENT_HEAD;
	return nhead + top > UINT16_MAX;
}

/*
 * The fragment |p|, parsed as |ip|.  True: with it a datagram is whole, |out|,
 * which is valid until the next call.  Otherwise it is kept, or dropped.
 */
bool frag_input(struct tcpd_stack *st, const struct ip *ip, const uint8_t *p,
		struct tcpd_packet *out);

/* Those whose time is over; when the next one's will be. */
void frag_expire(struct tcpd_stack *st);
tcpd_time frag_expiry(const struct tcpd_stack *st);

/* Where memory is short, connections have what the pieces hold. */
void frag_yield(struct tcpd_stack *st);

/* The budget: a part of the memory of the settings. */
uint64_t frag_budget(const struct tcpd_stack *st);

/* For records: an entry with its key set, into the table and (as the youngest)
 * into |FRAG_BY_AGE|; its blocks counted; at the used end of its list. */
bool frag_restore(struct tcpd_stack *st, uint32_t slot);
void frag_used(struct frags *f, uint32_t slot);

uint32_t frag_find(const struct frags *f, const struct frag *like);
struct frag_peer *frag_peer(const struct frags *f, const uint8_t src[16]);

#endif /* STACK_FRAG_H */
