/* SPDX-License-Identifier: MIT */
/*
 * notation.c - segments as tcpdump prints them, both ways:
 *	< P. 1:11(10) ack 1 win 512 <nop,nop,TS val 5 ecr 0>
 * In: built and given to the stack.  Out: compared with what came, its text
 * octet for octet.  Sequence numbers count from the two ISNs.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "script.h"
#include "test/harness/pattern.h"

/* What a line says about a segment. */
struct said {
	struct packet p; /* seq, ack: as written */
	bool ack, win, gso, rawopt;
	bool garbage, valid, badip;
	struct ip_said ip;
	int proto, doff, version, ttl, tos;
	int64_t cut, pad;
	int64_t csum_start, csum_offset, gso_size; /* -1: not said */
	const char *from, *to;
};

const char *word_at(const struct line *l, unsigned w)
{
	return w < l->nwords ? l->words[w] : NULL;
}

bool word_is(const struct line *l, unsigned w, const char *text)
{
	return w < l->nwords && !strcmp(l->words[w], text);
}

static bool read_flags(struct stage *s, const char *word, uint8_t *flags)
{
	static const char letters[] = "FSRP.UEW";

	*flags = 0;
	if (!word)
		return stage_fail(s, "flags were expected");
	if (!strcmp(word, "-"))
		return true;
	for (; *word; word++) {
		const char *at = strchr(letters, *word);

		if (!at)
			return stage_fail(s, "'%c' is no flag (of %s)", *word,
					  letters);
		*flags = (uint8_t)(*flags | 1u << (at - letters));
	}
	return true;
}

/* "1:11(10)" */
static bool read_range(struct stage *s, struct line *l, const char *word,
		       struct packet *p)
{
	char copy[80], *end, *len, *close;
	int64_t a, b, n;

	if (!word || strlen(word) >= sizeof(copy))
		return stage_fail(s, "FIRST:END(LENGTH) was expected");
	memcpy(copy, word, strlen(word) + 1);
	end = strchr(copy, ':');
	len = end ? strchr(end, '(') : NULL;
	close = len ? strchr(len, ')') : NULL;
	if (!close || close[1])
		return stage_fail(s, "FIRST:END(LENGTH) was expected, not %s",
				  word);
	*end = *len = *close = '\0';
	if (!number_expr(copy, l->index, &a) ||
	    !number_expr(end + 1, l->index, &b) ||
	    !number_expr(len + 1, l->index, &n))
		return stage_fail(s, "a number of %s cannot be read", word);
	if ((uint32_t)(b - a) != (uint32_t)n || n < 0 || n > 65495)
		return stage_fail(s, "%s: the length is not the distance",
				  word);
	p->seq = (uint32_t)a;
	p->len = (uint32_t)n;
	return true;
}

static bool read_number(struct stage *s, struct line *l, unsigned *w,
			int64_t *v)
{
	return line_number(s, l, (*w)++, v);
}

/* A word that takes no value: true when |word| is one. */
static bool read_plain(struct said *d, const char *word)
{
	if (!strcmp(word, "partial"))
		d->p.sum = SUM_PARTIAL;
	else if (!strcmp(word, "badsum"))
		d->p.sum = SUM_BAD;
	else if (!strcmp(word, "valid"))
		d->valid = true;
	else if (!strcmp(word, "garbage"))
		d->garbage = true;
	else if (!strcmp(word, "badip"))
		d->badip = true;
	else
		return false;
	return true;
}

static bool read_text(struct stage *s, struct line *l, unsigned *w,
		      struct said *d, const char *word)
{
	const char *value = word_at(l, *w);
	int n;

	if (strcmp(word, "from") != 0 && strcmp(word, "to") != 0 &&
	    strcmp(word, "rawopt") != 0)
		return false;
	++*w;
	if (!value)
		return stage_fail(s, "%s wants a value", word);
	if (!strcmp(word, "from"))
		d->from = value;
	else if (!strcmp(word, "to"))
		d->to = value;
	else {
		n = notation_hex(value, d->p.opt, sizeof(d->p.opt));
		if (n < 0)
			return stage_fail(s, "%s is not in hex", value);
		d->p.nopt = (uint8_t)n;
		d->rawopt = true;
	}
	return true;
}

static bool read_pair(struct stage *s, struct line *l, unsigned *w,
		      struct said *d, const char *word)
{
	int64_t v;

	if (read_text(s, l, w, d, word))
		return true;
	if (!read_number(s, l, w, &v))
		return stage_fail(s, "after '%s'", word);
	if (!strcmp(word, "ack")) {
		d->ack = true;
		d->p.ack = (uint32_t)v;
	} else if (!strcmp(word, "win")) {
		d->win = true;
		d->p.wnd = (uint16_t)v;
	} else if (!strcmp(word, "urg")) {
		d->p.urg = (uint16_t)v;
	} else if (!strcmp(word, "gso")) {
		d->gso = true;
		d->p.gso = (uint16_t)v;
	} else if (!strcmp(word, "proto")) {
		d->proto = (int)v;
	} else if (!strcmp(word, "doff")) {
		d->doff = (int)v;
	} else if (!strcmp(word, "reserved")) {
		d->p.reserved = v & 15;
	} else if (!strcmp(word, "version")) {
		d->version = (int)v;
	} else if (!strcmp(word, "ttl")) {
		d->ttl = (int)v;
	} else if (!strcmp(word, "tos")) {
		d->tos = (int)v;
	} else if (!strcmp(word, "cut")) {
		d->cut = v;
	} else if (!strcmp(word, "pad")) {
		d->pad = v;
	} else if (!strcmp(word, "csumstart")) {
		d->csum_start = v;
	} else if (!strcmp(word, "csumoffset")) {
		d->csum_offset = v;
	} else {
		return stage_fail(s, "'%s' is not known here", word);
	}
	return true;
}

static bool read_said(struct stage *s, struct line *l, unsigned w,
		      struct said *d)
{
	memset(d, 0, sizeof(*d));
	d->proto = d->doff = d->version = d->ttl = d->tos = -1;
	d->cut = d->csum_start = d->csum_offset = -1;
	d->p.protocol = PROTO_TCP;
	if (!read_flags(s, word_at(l, w), &d->p.flags) ||
	    !read_range(s, l, word_at(l, w + 1), &d->p))
		return false;
	for (w += 2; w < l->nwords;) {
		const char *word = l->words[w++];

		if (!read_plain(d, word) &&
		    !notation_ip_word(s, l, &w, word, &d->ip) &&
		    !read_pair(s, l, &w, d, word))
			return false;
		if (s->why[0])
			return false;
	}
	if (!!(d->p.flags & FLAG_ACK) != d->ack)
		return stage_fail(s, "'.' among the flags and 'ack N' go "
				     "together");
	return true;
}

/* ------------------------------------------------------------------- in */

/* Damage that a line asked for, done to the finished packet. */
static size_t mangle(const struct said *d, uint8_t *buf, size_t len)
{
	size_t tcp = d->p.version == 4 ? 20 : 40;

	if (d->doff >= 0)
		buf[tcp + 12] = (uint8_t)(d->doff << 4);
	if (d->proto >= 0)
		buf[d->p.version == 4 ? 9 : 6] = (uint8_t)d->proto;
	len = notation_ip_shape(&d->ip, d->p.version, buf, len);
	if (d->p.version == 4) {
		notation_ip_sum(buf);
		buf[10] ^= d->badip ? 4 : 0;
	}
	if (d->version >= 0)
		buf[0] = (uint8_t)(d->version << 4 | (buf[0] & 0x0f));
	if (d->pad > 0) {
		memset(buf + len, 0xee, (size_t)d->pad);
		len += (size_t)d->pad;
	}
	if (d->cut >= 0 && (size_t)d->cut < len)
		len = (size_t)d->cut;
	return len;
}

static bool address(struct stage *s, struct said *d, const struct flow *f)
{
	struct tcpd_addr src = f->peer, dst = f->local;

	if (d->from && !flow_place(s, d->from, &src))
		return stage_fail(s, "%s is no place", d->from);
	if (d->to && !flow_place(s, d->to, &dst))
		return stage_fail(s, "%s is no place", d->to);
	memcpy(d->p.src, src.ip, 16);
	memcpy(d->p.dst, dst.ip, 16);
	d->p.sport = src.port;
	d->p.dport = dst.port;
	d->p.version = s->version;
	d->p.ttl = d->ttl >= 0 ? (uint8_t)d->ttl : 64;
	d->p.tos = d->tos >= 0 ? (uint8_t)d->tos : 0;
	return true;
}

bool notation_in(struct stage *s, struct line *l)
{
	unsigned w = 1;
	struct flow *f;
	struct said d;
	uint8_t *text, *buf;
	struct tcpd_offload off;
	struct packet_base base = {0};
	uint64_t at;
	size_t len;

	if (word_is(l, 1, "hex"))
		return notation_hex_in(s, l, 2);
	f = flow_word(s, l, &w, "c");
	if (f && word_is(l, w, "icmp"))
		return notation_icmp_in(s, l, w + 1, f);
	if (!f || !read_said(s, l, w, &d) || !address(s, &d, f))
		return false;
	base.ts_ecr = f->ts_base;
	base.ack = f->has_isn ? f->our_isn : 0;
	if (!d.rawopt && !notation_options(s, l, &d.p, &base))
		return false;
	text = malloc(d.p.len + 1);
	buf = malloc((size_t)2 * PACKET_MAX);
	if (!text || !buf)
		abort();
	at = d.p.seq - !(d.p.flags & FLAG_SYN);
	if (at + d.p.len > UINT32_MAX) /* from before the stream into it */
		at -= (uint64_t)UINT32_MAX + 1;
	pattern_fill(d.garbage ? 99 : f->salt, at, text, d.p.len);
	d.p.data = text;
	d.p.seq += f->peer_isn;
	d.p.ack += d.ack ? base.ack : 0;
	len = mangle(&d, buf, packet_build(&d.p, buf));
	off = packet_offload(&d.p);
	if (d.valid)
		off.flags |= TCPD_PKT_CSUM_VALID;
	if (d.csum_start >= 0)
		off.csum_start = (uint16_t)d.csum_start;
	if (d.csum_offset >= 0)
		off.csum_offset = (uint16_t)d.csum_offset;
	stage_input(s, buf, len, &off);
	free(text);
	free(buf);
	return !s->why[0];
}

/* ------------------------------------------------------------------ out */

static bool text_is(struct stage *s, const struct flow *f,
		    const struct packet *p)
{
	uint64_t at = p->seq - f->our_isn - 1;
	size_t same;

	if (p->flags & FLAG_SYN)
		at = 0;
	same = pattern_same(f->salt + 1, at, p->data, p->len);
	if (same == p->len)
		return true;
	return stage_fail(s,
			  "octet %llu of the stream is wrong in this "
			  "segment",
			  (unsigned long long)at + same);
}

static bool same_ends(const struct flow *f, const struct packet *p)
{
	return p->sport == f->local.port && p->dport == f->peer.port &&
	       !memcmp(p->src, f->local.ip, 16) &&
	       !memcmp(p->dst, f->peer.ip, 16);
}

/* NULL, or which part of it is not as the line says. */
static const char *differs(struct stage *s, struct line *l, struct said *d,
			   struct flow *f, const struct packet *p)
{
	uint32_t isn = f->has_isn ? f->our_isn : 0;
	struct packet_base base = {.ts_val = f->ts_base, .ack = f->peer_isn};

	if (p->protocol != PROTO_TCP)
		return "protocol";
	if (!same_ends(f, p))
		return "addresses or ports";
	if (p->flags != d->p.flags)
		return "flags";
	if (p->seq != d->p.seq + isn &&
	    !(p->flags == (FLAG_RST | FLAG_ACK) && !p->seq && !d->p.seq))
		return "sequence number";
	if (p->len != d->p.len)
		return "length";
	if (d->ack && p->ack != d->p.ack + f->peer_isn)
		return "acknowledgment";
	if (d->win && p->wnd != d->p.wnd)
		return "window";
	if (p->urg != d->p.urg)
		return "urgent pointer";
	if (p->gso != d->p.gso)
		return "gso";
	if (d->ttl >= 0 && p->ttl != d->ttl)
		return "ttl";
	if (d->tos >= 0 && p->tos != d->tos)
		return "tos";
	notation_cookie(s, p);
	if (l->options && !strcmp(l->options, "..."))
		return NULL;
	if (!notation_options(s, l, &d->p, &base))
		return "options";
	if (p->nopt != d->p.nopt || memcmp(p->opt, d->p.opt, p->nopt) != 0)
		return "options";
	return NULL;
}

static bool compare(struct stage *s, struct line *l, struct said *d,
		    struct flow *f, const struct sent *p, tcpd_time at)
{
	const char *what = differs(s, l, d, f, &p->p);
	char text[500];

	if (!what && p->at < at)
		what = "time (early)";
	if (!what && p->at > at + TCPD_MS(1))
		what = "time (late)";
	if (!what)
		return text_is(s, f, &p->p);
	if (s->why[0])
		return false;
	return stage_fail(s, "%s is not as expected; came at %.6f: > %s", what,
			  stage_clock(s, p->at),
			  flow_print(text, sizeof(text),
				     flow_of_packet(s, &p->p), &p->p));
}

bool notation_out(struct stage *s, struct line *l)
{
	unsigned w = 1;
	struct flow *f = flow_word(s, l, &w, "c");
	tcpd_time at = l->timed ? l->at : s->now;
	struct sent *p;
	struct said d;
	bool fine;

	if (!f)
		return false;
	memset(&d, 0, sizeof(d));
	if (!word_is(l, w, "icmp") && !read_said(s, l, w, &d))
		return false;
	p = stage_next(s, at);
	if (!p)
		return stage_fail(s, "nothing came until %.6f",
				  stage_clock(s, s->now));
	if (word_is(l, w, "icmp"))
		fine = notation_icmp_out(s, l, w + 1, &p->p);
	else
		fine = compare(s, l, &d, f, p, at);
	free(p);
	return fine;
}
