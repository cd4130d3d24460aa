/* SPDX-License-Identifier: MIT */
/*
 * pcapng.c - blocks of a pcapng file into memory, in the machine's own octet
 * order, as the format has it.  No option names the machine or its user.  No
 * file and no time here: capture.c.
 */
#include <string.h>

#include "daemon/pcapng.h"

enum {
	BLOCK_SECTION = 0x0A0D0D0A,
	BLOCK_INTERFACE = 1,
	BLOCK_STATISTICS = 5,
	BLOCK_PACKET = 6,
	BYTE_ORDER_MAGIC = 0x1A2B3C4D,
	LINKTYPE_RAW = 101, /* an IP header, of version 4 or 6, comes first */
	OPT_END = 0,
	OPT_COMMENT = 1,
	SHB_USERAPPL = 4,
	IF_NAME = 2,
	IF_TSRESOL = 9,
	EPB_FLAGS = 2,
	ISB_IFRECV = 4,
	ISB_IFDROP = 5,
	FLAG_INBOUND = 1,
	FLAG_OUTBOUND = 2
};

struct block {
	uint8_t *p; /* its beginning */
	size_t len, room;
	bool bad;
};

static uint8_t *put(struct block *b, const void *src, size_t n)
{
	uint8_t *at = b->p + b->len;
	size_t pad = -n & 3u;

	if (b->bad || b->room - b->len < n + pad) {
		b->bad = true;
		return NULL;
	}
	if (src && n)
		memcpy(at, src, n);
	memset(at + n, 0, pad);
	b->len += n + pad;
	return at;
}

static void put_u16s(struct block *b, uint16_t first, uint16_t second)
{
	uint16_t v[2] = {first, second};

	put(b, v, sizeof(v));
}

static void put_u32(struct block *b, uint32_t v)
{
	put(b, &v, sizeof(v));
}

/* A time is two words, the high one first, whatever the octet order. */
static void put_time(struct block *b, uint64_t t)
{
	put_u32(b, (uint32_t)(t >> 32));
	put_u32(b, (uint32_t)t);
}

static void put_option(struct block *b, uint16_t code, const void *v, size_t n)
{
	put_u16s(b, code, (uint16_t)n);
	put(b, v, n);
}

static void begin(struct block *b, uint8_t *p, size_t room, uint32_t type)
{
	*b = (struct block){.p = p, .room = room};
	put_u32(b, type);
	put_u32(b, 0); /* the length: known at the end */
}

static size_t end(struct block *b)
{
	uint32_t total = (uint32_t)(b->len + 4);

	put_u32(b, total);
	if (b->bad)
		return 0;
	memcpy(b->p + 4, &total, sizeof(total));
	return b->len;
}

size_t pcapng_head(uint8_t *p, size_t room, const char *ifname)
{
	static const char app[] = "tcpd " TCPD_VERSION;
	static const uint8_t resolution = 9; /* 10^-9 s */
	const uint64_t unknown = UINT64_MAX;
	struct block b;
	size_t first, second;

	begin(&b, p, room, BLOCK_SECTION);
	put_u32(&b, BYTE_ORDER_MAGIC);
	put_u16s(&b, 1, 0);
	put(&b, &unknown, sizeof(unknown));
	put_option(&b, SHB_USERAPPL, app, sizeof(app) - 1);
	put_option(&b, OPT_END, NULL, 0);
	first = end(&b);
	if (!first)
		return 0;
	begin(&b, p + first, room - first, BLOCK_INTERFACE);
	put_u16s(&b, LINKTYPE_RAW, 0);
	put_u32(&b, 0); /* no limit: packets are never cut */
	put_option(&b, IF_NAME, ifname, strlen(ifname));
	put_option(&b, IF_TSRESOL, &resolution, 1);
	put_option(&b, OPT_END, NULL, 0);
	second = end(&b);
	return second ? first + second : 0;
}

size_t pcapng_packet_room(size_t len, size_t ncomments)
{
	return 32 + len + 3 + ncomments * (4 + PCAPNG_COMMENT_MAX + 3) + 8 + 4;
}

size_t pcapng_packet(uint8_t *p, size_t room, const struct pcapng_packet *k,
		     uint8_t **data, size_t *len)
{
	const uint32_t flags = k->out ? FLAG_OUTBOUND : FLAG_INBOUND;
	struct block b;
	uint8_t *at;

	*len = 0;
	for (size_t i = 0; i < k->nparts; i++)
		*len += k->part[i].len;
	begin(&b, p, room, BLOCK_PACKET);
	put_u32(&b, 0); /* the interface */
	put_time(&b, k->at);
	put_u32(&b, (uint32_t)*len);
	put_u32(&b, (uint32_t)*len);
	at = *data = put(&b, NULL, *len);
	for (size_t i = 0; at && i < k->nparts; i++) {
		memcpy(at, k->part[i].p, k->part[i].len);
		at += k->part[i].len;
	}
	for (size_t i = 0; i < k->ncomments; i++)
		put_option(&b, OPT_COMMENT, k->comment[i],
			   strnlen(k->comment[i], PCAPNG_COMMENT_MAX - 1));
	put_option(&b, EPB_FLAGS, &flags, sizeof(flags));
	put_option(&b, OPT_END, NULL, 0);
	return end(&b);
}

size_t pcapng_end(uint8_t *p, size_t room, uint64_t at, uint64_t packets,
		  uint64_t lost)
{
	struct block b;

	begin(&b, p, room, BLOCK_STATISTICS);
	put_u32(&b, 0); /* the interface */
	put_time(&b, at);
	put_option(&b, ISB_IFRECV, &packets, sizeof(packets));
	put_option(&b, ISB_IFDROP, &lost, sizeof(lost));
	put_option(&b, OPT_END, NULL, 0);
	return end(&b);
}
