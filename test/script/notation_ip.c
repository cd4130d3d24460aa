/* SPDX-License-Identifier: MIT */
/*
 * notation_ip.c - what a line says of the internet layer of a packet in, done
 * to the finished packet:
 *	ipopt HEX              options of IPv4's header
 *	ext KIND HEX           a header of IPv6 before the payload: its octets
 *	                       but the first, which names the next
 *	frag ID:LEN@OFFSET[+]  this part of the payload alone; + more follow
 */
#include <stdlib.h>
#include <string.h>

#include "script.h"

/* "7:24@0+" */
static bool read_frag(struct stage *s, struct line *l, const char *word,
		      struct ip_said *d)
{
	char copy[80], *len, *off;
	int64_t id, n, at;
	size_t all = strlen(word);

	if (all >= sizeof(copy) || all == 0)
		return stage_fail(s, "frag ID:LEN@OFFSET[+]");
	memcpy(copy, word, all + 1);
	d->more = copy[all - 1] == '+';
	if (d->more)
		copy[all - 1] = '\0';
	len = strchr(copy, ':');
	off = len ? strchr(len, '@') : NULL;
	if (!off)
		return stage_fail(s, "frag ID:LEN@OFFSET[+]");
	*len = *off = '\0';
	if (!number_expr(copy, l->index, &id) ||
	    !number_expr(len + 1, l->index, &n) ||
	    !number_expr(off + 1, l->index, &at) || n < 0 || n > 60000 ||
	    at < 0 || at > 65528 || at % 8)
		return stage_fail(s, "a number of %s cannot be read", word);
	d->frag = true;
	d->id = (uint32_t)id;
	d->len = (uint32_t)n;
	d->offset = (uint32_t)at;
	return true;
}

static bool read_ext(struct stage *s, struct line *l, unsigned w,
		     struct ip_said *d)
{
	struct ext_said *x = &d->ext[d->next];
	int64_t kind;
	int n;

	if (d->next == MAX_EXT || w + 1 >= l->nwords)
		return stage_fail(s, "ext KIND HEX");
	if (!line_number(s, l, w, &kind))
		return false;
	n = notation_hex(l->words[w + 1], x->octets, sizeof(x->octets));
	if (n < 0)
		return stage_fail(s, "%s is not in hex", l->words[w + 1]);
	x->kind = (uint8_t)kind;
	x->len = (uint32_t)n;
	d->next++;
	return true;
}

bool notation_ip_word(struct stage *s, struct line *l, unsigned *w,
		      const char *word, struct ip_said *d)
{
	const char *value = word_at(l, *w);
	int n;

	if (strcmp(word, "frag") != 0 && strcmp(word, "ext") != 0 &&
	    strcmp(word, "ipopt") != 0)
		return false;
	++*w;
	if (!value) {
		stage_fail(s, "%s wants a value", word);
	} else if (!strcmp(word, "frag")) {
		read_frag(s, l, value, d);
	} else if (!strcmp(word, "ext")) {
		read_ext(s, l, *w - 1, d);
		++*w;
	} else {
		n = notation_hex(value, d->opt, sizeof(d->opt));
		if (n < 0)
			stage_fail(s, "%s is not in hex", value);
		else
			d->nopt = (size_t)n;
	}
	return true;
}

static void put16(uint8_t *at, size_t v)
{
	at[0] = (uint8_t)(v >> 8);
	at[1] = (uint8_t)v;
}

void notation_ip_sum(uint8_t *buf)
{
	size_t head = (size_t)4 * (buf[0] & 0x0f);

	buf[10] = buf[11] = 0;
	put16(buf + 10, (uint16_t)~packet_fold(packet_add(0, buf, head)));
}

/* Room of |n| octets at |at| in |buf|. */
static void insert(uint8_t *buf, size_t *len, size_t at, const uint8_t *p,
		   size_t n)
{
	memmove(buf + at + n, buf + at, *len - at);
	memcpy(buf + at, p, n);
	*len += n;
}

/* The payload from |head| on becomes that part of it. */
static void cut(const struct ip_said *d, uint8_t *buf, size_t *len, size_t head)
{
	size_t has = *len - head;
	uint8_t *p = buf + head;

	if (d->offset + d->len > has)
		memset(p + has, 0xee, d->offset + d->len - has);
	memmove(p, p + d->offset, d->len);
	*len = head + d->len;
}

static size_t shape4(const struct ip_said *d, uint8_t *buf, size_t len)
{
	size_t head = 20 + d->nopt;

	insert(buf, &len, 20, d->opt, d->nopt);
	buf[0] = (uint8_t)(0x40 | head / 4);
	if (d->frag) {
		cut(d, buf, &len, head);
		put16(buf + 4, d->id);
		put16(buf + 6, d->offset / 8 | (d->more ? 0x2000 : 0));
	}
	put16(buf + 2, len);
	notation_ip_sum(buf);
	return len;
}

static size_t shape6(const struct ip_said *d, uint8_t *buf, size_t len)
{
	size_t at = 40, named = 6;
	uint8_t head[8] = {0};

	for (unsigned i = 0; i < d->next; i++) {
		const struct ext_said *x = &d->ext[i];

		insert(buf, &len, at, x->octets, x->len);
		insert(buf, &len, at, &buf[named], 1);
		buf[named] = x->kind;
		named = at;
		at += x->len + 1;
	}
	if (d->frag) {
		cut(d, buf, &len, at);
		head[0] = buf[named];
		put16(head + 2, d->offset | d->more);
		put16(head + 4, d->id >> 16);
		put16(head + 6, d->id & 0xffff);
		insert(buf, &len, at, head, 8);
		buf[named] = 44;
	}
	put16(buf + 4, len - 40);
	return len;
}

size_t notation_ip_shape(const struct ip_said *d, uint8_t version, uint8_t *buf,
			 size_t len)
{
	return version == 4 ? shape4(d, buf, len) : shape6(d, buf, len);
}
