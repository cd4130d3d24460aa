/* SPDX-License-Identifier: MIT */
/*
 * log.c - what a replay shows: each packet as its sender and its receiver see
 * it, with their states, as text and as a pcapng of each end; and the
 * digest, which is the same wherever and however the same seed is played.
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "sim.h"

bool sim_fail(struct sim *s, const char *format, ...)
{
	va_list ap;
	size_t n;

	if (s->why[0])
		return false;
	n = (size_t)snprintf(s->why, sizeof(s->why), "at %.6f: ", sim_clock(s));
	va_start(ap, format);
	(void)vsnprintf(s->why + n, sizeof(s->why) - n, format, ap);
	va_end(ap);
	sim_say(s, "FAILED %s", s->why);
	return false;
}

void sim_say(struct sim *s, const char *format, ...)
{
	va_list ap;

	if (!s->verbose)
		return;
	printf("# %11.6f ", sim_clock(s));
	va_start(ap, format);
	vprintf(format, ap);
	va_end(ap);
	putchar('\n');
}

double sim_clock(const struct sim *s)
{
	return (double)(s->now - s->begin) / 1e9;
}

/* ------------------------------------------------------------- packets */

/* What a side has between these addresses, or NULL. */
static const char *state_of(struct sim *s, unsigned side,
			    const struct packet *p, bool sent)
{
	struct tcpd_cursor cur = {0};
	struct tcpd_status st;

	if (p->protocol != PROTO_TCP)
		return "";
	while (tcpd_each(s->side[side].st, &cur, &st, sim_now(s, side)))
		if (st.local.port == (sent ? p->sport : p->dport) &&
		    st.peer.port == (sent ? p->dport : p->sport) &&
		    !memcmp(st.peer.ip, sent ? p->dst : p->src, 16))
			return tcpd_state_name(st.state);
	return "-";
}

static void base(const struct sim *s, unsigned from, const struct packet *p,
		 struct packet_base *b)
{
	for (unsigned i = 0; i < 2; i++)
		for (unsigned k = 0; k < s->side[i].ntrails; k++) {
			const struct trail *t = &s->side[i].trail[k];

			if (t->sport == (i == from ? p->sport : p->dport) &&
			    t->dport == (i == from ? p->dport : p->sport))
				*(i == from ? &b->seq : &b->ack) = t->iss;
		}
}

static void narrate(struct sim *s, unsigned at, const struct packet *p,
		    bool sent, const char *note)
{
	struct packet_base b = {0};
	char text[400];

	base(s, sent ? at : !at, p, &b);
	sim_say(s, "%c %-12s %c IP%u %u > %u: %s%s%s", "AB"[at],
		state_of(s, at, p, sent), sent ? '>' : '<', p->version,
		p->sport, p->dport, packet_print(text, sizeof(text), p, &b),
		*note ? "  -- " : "", note);
}

void log_sent(struct sim *s, unsigned from, const struct packet *p, tcpd_id id)
{
	char note[40] = "";

	if (!s->verbose)
		return;
	if (id)
		(void)snprintf(note, sizeof(note), "#%llu",
			       (unsigned long long)id);
	narrate(s, from, p, true, note);
}

void log_came(struct sim *s, const struct flight *f)
{
	static uint8_t buf[PACKET_MAX];
	struct tcpd_out out = {.nslices = f->len > 0,
			       .slice = {{f->data, f->len}},
			       .off = f->off,
			       .len = f->len};
	struct packet p;
	const char *wrong;

	log_pcap(s, f->to, false, f->data, f->len);
	if (!s->verbose)
		return;
	out.off.flags &= (uint16_t)~TCPD_PKT_CSUM_VALID;
	wrong = packet_strict(&p, buf, &out, UINT16_MAX);
	if (p.version)
		narrate(s, f->to, &p, false,
			f->honest ? ""
			: wrong	  ? wrong
				  : "");
	else
		sim_say(s, "%c < %u octets: %s", "AB"[f->to], f -> len,
			wrong ? wrong : "");
}

void log_mix(struct sim *s, unsigned from, const uint8_t *p, size_t n)
{
	uint64_t v = 0;

	sim_mix(s, s->now << 1 | from);
	sim_mix(s, n);
	for (; n >= 8; n -= 8, p += 8) { /* the same on any machine */
		v = (uint64_t)p[0] | (uint64_t)p[1] << 8 |
		    (uint64_t)p[2] << 16 | (uint64_t)p[3] << 24 |
		    (uint64_t)p[4] << 32 | (uint64_t)p[5] << 40 |
		    (uint64_t)p[6] << 48 | (uint64_t)p[7] << 56;
		sim_mix(s, v);
	}
	for (v = 0; n; n--)
		v = v << 8 | *p++;
	sim_mix(s, v);
}

/* -------------------------------------------------------------- pcapng */

static void put(FILE *f, const void *p, size_t n)
{
	(void)fwrite(p, 1, n, f);
}

static void put32(FILE *f, uint32_t v)
{
	put(f, &v, 4);
}

/* An option of a block, padded to 4 octets. */
static void put_option(FILE *f, uint16_t code, const void *p, uint16_t n)
{
	static const char zero[4];

	put32(f, (uint32_t)n << 16 | code);
	put(f, p, n);
	put(f, zero, (4u - n % 4u) % 4u);
}

/* A section of one interface: raw IP, in nanoseconds. */
static FILE *begin(const char *prefix, unsigned side)
{
	char path[400];
	FILE *f;

	(void)snprintf(path, sizeof(path), "%s-%c.pcapng", prefix, "ab"[side]);
	f = fopen(path, "wb");
	if (!f) {
		perror(path);
		return NULL;
	}
	put32(f, 0x0a0d0d0a); /* section header */
	put32(f, 28);
	put32(f, 0x1a2b3c4d);
	put32(f, 1); /* version 1.0 */
	put32(f, UINT32_MAX);
	put32(f, UINT32_MAX);
	put32(f, 28);
	put32(f, 1); /* interface */
	put32(f, 16 + 8 + 8 + 4 + 4);
	put32(f, 101);
	put32(f, 0);
	put_option(f, 2, &"AB"[side], 1);
	put_option(f, 9, "\x09", 1);
	put32(f, 0);
	put32(f, 16 + 8 + 8 + 4 + 4);
	return f;
}

bool log_pcap_open(struct sim *s, const char *prefix)
{
	for (unsigned i = 0; i < 2; i++) {
		s->pcap[i] = begin(prefix, i);
		if (!s->pcap[i])
			return false;
	}
	return true;
}

void log_pcap(struct sim *s, unsigned side, bool out, const uint8_t *p,
	      size_t n)
{
	uint32_t flags = out ? 2 : 1;
	uint32_t len = (uint32_t)(n + 3) & ~3u;
	FILE *f = s->pcap[side];

	if (!f)
		return;
	put32(f, 6);
	put32(f, 28 + len + 8 + 4 + 4);
	put32(f, 0);
	put32(f, (uint32_t)(s->now >> 32));
	put32(f, (uint32_t)s->now);
	put32(f, (uint32_t)n);
	put32(f, (uint32_t)n);
	put(f, p, n);
	put(f, "\0\0\0", len - n);
	put_option(f, 2, &flags, 4);
	put32(f, 0);
	put32(f, 28 + len + 8 + 4 + 4);
}

void log_pcap_close(struct sim *s)
{
	for (unsigned i = 0; i < 2; i++) {
		if (s->pcap[i])
			(void)fclose(s->pcap[i]);
		s->pcap[i] = NULL;
	}
}
