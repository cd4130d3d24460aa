/* SPDX-License-Identifier: MIT */
/*
 * stage.c - one stack in virtual time: its clock, its turns, what it sent.
 * The order of a turn is that of tcpd.h's head.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "script.h"

#define MAX_OUTPUTS 100000 /* of one turn: more is a stack that runs wild */

bool stage_fail(struct stage *s, const char *format, ...)
{
	va_list ap;

	if (s->why[0])
		return false;
	va_start(ap, format);
	(void)vsnprintf(s->why, sizeof(s->why), format, ap);
	va_end(ap);
	return false;
}

double stage_clock(const struct stage *s, tcpd_time at)
{
	(void)s;
	return ((double)at - (double)START) / 1e9;
}

static bool make(struct stage *s)
{
	int err;

	memset(&s->mem, 0, sizeof(s->mem));
	memory_serve(&s->mem, &s->set);
	err = tcpd_new(&s->st, &s->set, s->now);
	stage_result(s, err);
	if (err) {
		s->st = NULL;
		return stage_fail(s, "tcpd_new says %s", tcpd_err_name(err));
	}
	return true;
}

bool stage_open(struct stage *s)
{
	s->now = START;
	s->tail = &s->head;
	return make(s);
}

void stage_result(struct stage *s, int64_t result)
{
	if (result < 0 && -result < TCPD_NERRS && s->seen)
		s->seen->err[-result]++;
}

static void drop_kept(struct stage *s)
{
	while (s->nkept)
		free(s->kept[--s->nkept]);
}

static void unmake(struct stage *s)
{
	if (!s->st)
		return;
	complete_note(s);
	tcpd_free(s->st);
	s->st = NULL;
	if (s->mem.wrong)
		stage_fail(s, "memory: %s", s->mem.wrong);
	else if (s->mem.nmaps)
		stage_fail(s, "tcpd_free left %u maps", s->mem.nmaps);
}

void stage_ignore(struct stage *s)
{
	while (s->head) {
		struct sent *next = s->head->next;

		free(s->head);
		s->head = next;
	}
	s->tail = &s->head;
}

void stage_close(struct stage *s)
{
	unmake(s);
	stage_ignore(s);
	drop_kept(s);
	free(s->kept);
	s->kept = NULL;
	s->room = 0;
}

static void take_events(struct stage *s)
{
	struct tcpd_event ev;

	while (tcpd_next_event(s->st, &ev)) {
		struct flow *f = ev.user;

		if (!f)
			continue;
		f->events |= ev.mask;
		if (ev.err) {
			f->err = ev.err;
			stage_result(s, -ev.err);
		}
		if (s->verbose)
			printf("# %.6f @%s event %#x %s\n",
			       stage_clock(s, s->now), f->name, ev.mask,
			       ev.err ? tcpd_err_name(ev.err) : "");
	}
}

static void learn(struct stage *s, const struct packet *p)
{
	struct flow *f = flow_of_packet(s, p);
	uint32_t val, ecr, end;

	if (!f || p->protocol != PROTO_TCP || p->flags & FLAG_RST)
		return;
	if (p->flags & FLAG_SYN && (!f->has_isn || f->old)) {
		if (f->old && (int32_t)(p->seq - f->top) <= 0)
			stage_fail(s, "the new ISN is not above what the old "
				      "incarnation sent");
		f->our_isn = p->seq;
		f->top = p->seq;
		f->has_isn = true;
		f->old = false;
	}
	if (!f->has_ts && packet_ts(p, &val, &ecr)) {
		f->ts_base = val;
		f->has_ts = true;
	}
	end = p->seq + packet_span(p);
	if ((int32_t)(end - f->top) > 0)
		f->top = end;
}

static void keep_sent(struct stage *s, const struct tcpd_out *out)
{
	uint8_t *buf = malloc(PACKET_MAX);
	struct packet k;
	const char *wrong;
	struct sent *p;
	char text[400];

	if (!buf)
		abort();
	wrong = packet_strict(&k, buf, out, s->set.mtu);
	p = malloc(sizeof(*p) + k.len);
	if (!p)
		abort();
	p->p = k;
	if (wrong)
		stage_fail(s,
			   "at %.6f a packet goes out that breaks a rule: %s",
			   stage_clock(s, s->now), wrong);
	if (k.data)
		memcpy(p->buf, k.data, k.len);
	p->p.data = p->buf;
	free(buf);
	if (p->p.sum == SUM_PARTIAL && !s->set.csum)
		stage_fail(s,
			   "at %.6f a packet goes out without checksum, "
			   "though the device fills in none",
			   stage_clock(s, s->now));
	p->next = NULL;
	p->at = s->now;
	*s->tail = p;
	s->tail = &p->next;
	learn(s, &p->p);
	if (s->verbose && !wrong)
		printf("# %.6f > %s\n", stage_clock(s, s->now),
		       flow_print(text, sizeof(text), flow_of_packet(s, &p->p),
				  &p->p));
}

static void output(struct stage *s)
{
	struct tcpd_out out;
	unsigned n = 0;

	while (tcpd_output(s->st, &out, s->now)) {
		if (n++ > MAX_OUTPUTS) {
			stage_fail(s, "output without end");
			return;
		}
		if (s->blocked || s->fail) {
			if (s->verbose)
				printf("# %.6f a write fails\n",
				       stage_clock(s, s->now));
			if (s->fail)
				s->fail--;
			tcpd_output_done(s->st, &out, 5, s->now);
			if (s->blocked)
				return;
			continue;
		}
		keep_sent(s, &out);
		tcpd_output_done(s->st, &out, 0, s->now);
	}
}

static void check(struct stage *s)
{
	const char *wrong = tcpd_check(s->st);

	if (wrong)
		stage_fail(s, "at %.6f tcpd_check says: %s",
			   stage_clock(s, s->now), wrong);
}

void stage_turn(struct stage *s)
{
	if (s->batch || !s->st)
		return;
	take_events(s);
	output(s);
	take_events(s);
	check(s);
}

void stage_batch_end(struct stage *s)
{
	s->batch = false;
	take_events(s);
	tcpd_input_done(s->st, s->now);
	drop_kept(s);
	stage_turn(s);
}

void stage_input(struct stage *s, const uint8_t *p, size_t len,
		 const struct tcpd_offload *off)
{
	struct tcpd_packet pkt = {.len = (uint32_t)len, .off = *off};
	uint8_t *copy = malloc(len ? len : 1); /* exact, for ASan */

	if (!copy)
		abort();
	memcpy(copy, p, len);
	if (s->nkept == s->room) {
		s->room = s->room ? s->room * 2 : 16;
		s->kept = realloc(s->kept, s->room * sizeof(*s->kept));
		if (!s->kept)
			abort();
	}
	s->kept[s->nkept++] = copy;
	pkt.data = copy;
	tcpd_input(s->st, &pkt, s->now);
	if (!s->batch)
		stage_batch_end(s);
}

/* One step of the clock, not beyond |at|; false: |at| is reached. */
static bool step(struct stage *s, tcpd_time at)
{
	tcpd_time next = tcpd_expiry(s->st);

	if (next > at) {
		if (s->now < at)
			s->now = at;
		return false;
	}
	if (next > s->now)
		s->now = next;
	tcpd_expire(s->st, s->now);
	stage_turn(s);
	return !s->why[0];
}

/* The stack may have a timer at this very time: at most so often. */
#define MAX_STEPS 200000

bool stage_until(struct stage *s, tcpd_time at)
{
	char text[400];

	for (unsigned n = 0; n < MAX_STEPS; n++) {
		bool more;

		if (s->head && s->head->at < at && s->now < at)
			break;
		more = step(s, at);
		if (s->why[0])
			return false;
		if (s->head && s->head->at < at)
			break;
		if (!more)
			return true;
	}
	if (!s->head)
		return stage_fail(s, "the stack's timers never rest");
	return stage_fail(s, "nothing was expected, came at %.6f: > %s",
			  stage_clock(s, s->head->at),
			  flow_print(text, sizeof(text),
				     flow_of_packet(s, &s->head->p),
				     &s->head->p));
}

struct sent *stage_next(struct stage *s, tcpd_time at)
{
	struct sent *p;

	for (unsigned n = 0; !s->head && n < MAX_STEPS; n++)
		if (!step(s, at + TCPD_MS(1)))
			break;
	p = s->head;
	if (!p)
		return NULL;
	s->head = p->next;
	if (!s->head)
		s->tail = &s->head;
	return p;
}

bool stage_record(struct stage *s)
{
	int64_t need = tcpd_save(s->st, NULL, 0, s->now);
	uint8_t *buf;
	int64_t len;
	int err;

	if (need < 0)
		return stage_fail(s, "tcpd_save says %s",
				  tcpd_err_name((int)need));
	buf = malloc((size_t)need + 1);
	if (!buf)
		abort();
	buf[need] = 0x5a;
	len = tcpd_save(s->st, buf, (size_t)need, s->now);
	if (len != need || buf[need] != 0x5a) {
		free(buf);
		return stage_fail(s,
				  "tcpd_save wanted %lld octets and took "
				  "%lld",
				  (long long)need, (long long)len);
	}
	unmake(s);
	if (!make(s)) {
		free(buf);
		return false;
	}
	err = tcpd_load(s->st, buf, (size_t)need, s->now);
	free(buf);
	if (err)
		return stage_fail(s, "tcpd_load says %s", tcpd_err_name(err));
	check(s);
	return !s->why[0];
}
