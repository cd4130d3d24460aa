/* SPDX-License-Identifier: MIT */
/*
 * play.c - a script from its file to its end: lines, times, loops, and the
 * verbs that are about the stage itself.
 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "script.h"

struct loop {
	unsigned first; /* line after repeat */
	int64_t round, rounds;
	int64_t outer; /* i around it */
};

struct play {
	struct stage *s;
	char **lines;
	unsigned nlines, at;
	struct loop loop[MAX_DEPTH];
	unsigned depth;
	tcpd_time clock; /* time of the last line */
	int64_t index;
};

static char *load(const char *path)
{
	FILE *f = fopen(path, "r");
	char *text = NULL;
	size_t room = 0, len = 0;

	if (!f)
		return NULL;
	do {
		char *more = realloc(text, room += 65536);

		if (!more)
			abort();
		text = more;
		len += fread(text + len, 1, room - len - 1, f);
	} while (len == room - 1);
	text[len] = '\0';
	(void)fclose(f);
	return text;
}

static void split(struct play *p, char *text)
{
	char *line;
	unsigned room = 0;

	while ((line = strsep(&text, "\n")) != NULL) {
		if (p->nlines == room) {
			room = room ? 2 * room : 64;
			p->lines = realloc(p->lines, room * sizeof(*p->lines));
			if (!p->lines)
				abort();
		}
		p->lines[p->nlines++] = line;
	}
}

/* Take "<...>" out of |copy|: the options, not the direction `<` or `>`. */
static char *cut_options(char *copy)
{
	char *open = copy, *close, *options;

	while ((open = strchr(open, '<')) != NULL) {
		if (open[1] && !isspace((unsigned char)open[1]))
			break;
		open++;
	}
	close = open ? strchr(open, '>') : NULL;
	if (!close)
		return NULL;
	options = strndup(open + 1, (size_t)(close - open - 1));
	if (!options)
		abort();
	memset(open, ' ', (size_t)(close - open + 1));
	return options;
}

/* Words of a line in |copy|; false: too many. */
static bool words(struct line *l, char *copy)
{
	char *at = copy, *word;

	l->options = cut_options(copy);
	while ((word = strsep(&at, " \t")) != NULL) {
		if (!*word)
			continue;
		if (l->nwords == MAX_WORDS)
			return false;
		l->words[l->nwords++] = word;
	}
	return true;
}

/* A time at the head of the line is not a word of it. */
static bool timing(struct play *p, struct line *l)
{
	const char *word = word_at(l, 0);
	tcpd_time t;

	if (!word || !(isdigit((unsigned char)word[0]) || word[0] == '+'))
		return true;
	l->relative = word[0] == '+';
	if (!number_time(word + l->relative, &t))
		return stage_fail(p->s, "'%s' is no time", word);
	l->timed = true;
	l->at = t + (l->relative ? p->clock : START);
	if (l->at < p->clock)
		return stage_fail(p->s, "time goes back");
	p->clock = l->at;
	l->nwords--;
	memmove(l->words, l->words + 1, l->nwords * sizeof(*l->words));
	return true;
}

static bool do_repeat(struct play *p, struct line *l)
{
	struct loop *loop = &p->loop[p->depth];

	if (p->depth == MAX_DEPTH)
		return stage_fail(p->s, "too many repeats in each other");
	loop->outer = p->index;
	loop->first = p->at;
	loop->round = 0;
	if (!line_number(p->s, l, 1, &loop->rounds))
		return false;
	p->index = 0;
	p->depth++;
	return true;
}

static bool do_end(struct play *p)
{
	struct loop *loop;

	if (!p->depth)
		return stage_fail(p->s, "end without repeat");
	loop = &p->loop[p->depth - 1];
	if (++loop->round < loop->rounds) {
		p->index = loop->round;
		p->at = loop->first;
	} else {
		p->index = loop->outer;
		p->depth--;
	}
	return true;
}

static bool do_output(struct stage *s, struct line *l)
{
	int64_t n = 1;

	s->blocked = word_is(l, 1, "blocked");
	if (word_is(l, 1, "error")) {
		if (l->nwords > 2 && !line_number(s, l, 2, &n))
			return false;
		s->fail = (unsigned)n;
	} else if (!s->blocked && !word_is(l, 1, "open")) {
		return stage_fail(s, "output error [N], blocked or open");
	}
	if (word_is(l, 1, "open"))
		stage_turn(s);
	return true;
}

static bool do_flow(struct stage *s, struct line *l)
{
	unsigned w = 1;
	struct flow *f = flow_word(s, l, &w, "c");

	if (!f || !flow_place(s, word_at(l, w), &f->peer))
		return stage_fail(s, "flow @NAME PEER:PORT [LOCAL:PORT]");
	if (w + 1 < l->nwords && !flow_place(s, l->words[w + 1], &f->local))
		return stage_fail(s, "%s is no place", l->words[w + 1]);
	return true;
}

static bool do_reincarnate(struct stage *s, struct line *l)
{
	unsigned w = 1;
	struct flow *f = flow_word(s, l, &w, "c");
	int64_t v = 0;

	if (!f)
		return false;
	if (w < l->nwords && !line_number(s, l, w, &v))
		return false;
	f->old = f->has_isn;
	f->has_ts = false;
	f->peer_isn += (uint32_t)v; /* the peer's numbers count from here */
	f->took = f->wrote = 0;
	f->events = 0;
	f->h = 0;
	return true;
}

/* save N: into so many octets; load N: with octet N of it changed. */
static bool do_save(struct stage *s, struct line *l)
{
	int64_t n, len = tcpd_save(s->st, NULL, 0, s->now);
	uint8_t *buf;

	if (!line_number(s, l, 1, &n) || len < 0)
		return false;
	buf = malloc((size_t)n + 1); /* exact but one, for ASan */
	if (!buf)
		abort();
	len = tcpd_save(s->st, buf, (size_t)n, s->now);
	free(buf);
	return verb_expect(s, l, 2, len, 0);
}

static bool do_load(struct stage *s, struct line *l)
{
	int64_t n, len = tcpd_save(s->st, NULL, 0, s->now);
	struct tcpd_stack *fresh = NULL;
	uint8_t *buf = malloc((size_t)len);
	int err;

	if (!buf)
		abort();
	if (!line_number(s, l, 1, &n) || n >= len) {
		free(buf);
		return stage_fail(s, "the record has %lld octets",
				  (long long)len);
	}
	tcpd_save(s->st, buf, (size_t)len, s->now);
	buf[n] ^= 0x55;
	err = tcpd_new(&fresh, &s->set, s->now);
	if (!err) {
		err = tcpd_load(fresh, buf, (size_t)len, s->now);
		tcpd_free(fresh);
	}
	free(buf);
	return verb_expect(s, l, 2, err, 0);
}

/* A stack with one setting changed, thrown away at once. */
static bool do_new(struct stage *s, struct line *l)
{
	struct stage other = {.version = s->version, .set = s->set};
	struct tcpd_stack *fresh = NULL;
	int err;

	if (word_is(l, 1, "without-memory")) {
		other.set.arg = &other.mem;
		other.mem.fail_at = 1;
	} else {
		if (!settings_line(&other, l, 1))
			return stage_fail(s, "%s", other.why);
		other.set.arg = &other.mem;
	}
	err = tcpd_new(&fresh, &other.set, s->now);
	if (!err)
		tcpd_free(fresh);
	if (other.mem.nmaps || other.mem.wrong)
		return stage_fail(s, "tcpd_new or tcpd_free left memory");
	return verb_expect(s, l, 1, err, 0);
}

/* The verbs of the stage; 0: it is none of them. */
static int stage_verb(struct play *p, struct line *l)
{
	struct stage *s = p->s;
	const char *v = l->words[0];

	if (!strcmp(v, "<"))
		return notation_in(s, l) ? 1 : -1;
	if (!strcmp(v, ">"))
		return notation_out(s, l) ? 1 : -1;
	if (!strcmp(v, "repeat"))
		return do_repeat(p, l) ? 1 : -1;
	if (!strcmp(v, "end"))
		return do_end(p) ? 1 : -1;
	if (!strcmp(v, "output"))
		return do_output(s, l) ? 1 : -1;
	if (!strcmp(v, "flow"))
		return do_flow(s, l) ? 1 : -1;
	if (!strcmp(v, "reincarnate"))
		return do_reincarnate(s, l) ? 1 : -1;
	if (!strcmp(v, "save"))
		return do_save(s, l) ? 1 : -1;
	if (!strcmp(v, "load"))
		return do_load(s, l) ? 1 : -1;
	if (!strcmp(v, "new"))
		return do_new(s, l) ? 1 : -1;
	if (!strcmp(v, "record"))
		return stage_record(s) ? 1 : -1;
	if (!strcmp(v, "batch"))
		s->batch = true;
	else if (!strcmp(v, "ignore"))
		stage_ignore(s);
	else if (!strcmp(v, "done"))
		stage_batch_end(s);
	else if (strcmp(v, "nothing") != 0)
		return 0;
	return 1;
}

static bool verb(struct play *p, struct line *l)
{
	int done;

	if (word_is(l, 0, "nothing")) {
		if (!number_time(word_at(l, 2), &l->at))
			return stage_fail(p->s, "nothing until TIME");
		l->at += START;
		p->clock = l->at;
		return stage_until(p->s, l->at) &&
		       (!p->s->head || stage_until(p->s, l->at + 1));
	}
	if (!p->s->st) {
		if (word_is(l, 0, "setting"))
			return settings_line(p->s, l, 1);
		if (!stage_open(p->s))
			return false;
	}
	if (l->timed && !word_is(l, 0, ">") && !stage_until(p->s, l->at))
		return false;
	done = stage_verb(p, l);
	if (done)
		return done > 0;
	for (const struct verb *v = call_verbs; v->name; v++)
		if (!strcmp(v->name, l->words[0]))
			return v->run(p->s, l, 1);
	for (const struct verb *v = assert_verbs; v->name; v++)
		if (!strcmp(v->name, l->words[0]))
			return v->run(p->s, l, 1);
	return stage_fail(p->s, "'%s' is no verb", l->words[0]);
}

static bool play_line(struct play *p, const char *text)
{
	struct line l = {.text = text, .index = p->index};
	char *copy = strdup(text);
	bool fine;
	char *hash;

	if (!copy)
		abort();
	hash = strchr(copy, '#');
	if (hash)
		*hash = '\0';
	fine = words(&l, copy);
	if (!fine)
		stage_fail(p->s, "too many words");
	else if (l.nwords) {
		fine = timing(p, &l);
		if (fine && !l.nwords)
			fine = stage_fail(p->s, "a time alone");
		if (fine && p->s->verbose)
			printf("# %s\n", text);
		if (fine)
			fine = verb(p, &l);
		if (fine && p->s->record && p->s->st && !p->s->batch &&
		    !p->s->head)
			fine = stage_record(p->s);
	}
	free(l.options);
	free(copy);
	return fine && !p->s->why[0];
}

static bool leftover(struct stage *s)
{
	char text[400];

	if (!s->head)
		return true;
	return stage_fail(s, "at the end there came more: at %.6f > %s",
			  stage_clock(s, s->head->at),
			  flow_print(text, sizeof(text),
				     flow_of_packet(s, &s->head->p),
				     &s->head->p));
}

/* True: it went as written.  Else |*where| is "file:line: text". */
bool play_file(struct stage *s, const char *path, char **where)
{
	struct play p = {.s = s, .clock = START};
	char *text = load(path);
	char head[1200];
	bool fine;

	s->tail = &s->head;
	if (!text) {
		*where = strdup(path);
		return stage_fail(s, "cannot be read");
	}
	split(&p, text);
	do
		fine = p.at >= p.nlines || play_line(&p, p.lines[p.at++]);
	while (fine && p.at < p.nlines);
	if (fine)
		fine = p.depth ? stage_fail(s, "repeat without end")
			       : leftover(s);
	(void)snprintf(head, sizeof(head), "%s:%u:%.900s", path, p.at,
		       p.at ? p.lines[p.at - 1] : "");
	*where = strdup(head);
	stage_close(s);
	free(p.lines);
	free(text);
	return fine && !s->why[0];
}
