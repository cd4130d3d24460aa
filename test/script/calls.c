/* SPDX-License-Identifier: MIT */
/*
 * calls.c - the verbs that call the stack as a program would.  What a call is
 * to give stands behind `=`; without it, success.
 */
#include <stdlib.h>
#include <string.h>

#include "script.h"
#include "test/harness/pattern.h"

/* The value of an error's name, 0: none is called so. */
static int error_of(const char *word)
{
	for (int e = 1; e < TCPD_NERRS; e++)
		if (!strcmp(word, tcpd_err_name(e)))
			return e;
	return 0;
}

bool verb_expect(struct stage *s, struct line *l, unsigned w, int64_t came,
		 int64_t otherwise)
{
	int64_t want = otherwise;

	while (w < l->nwords && strcmp(l->words[w], "=") != 0)
		w++;
	if (w + 1 < l->nwords) {
		const char *word = l->words[w + 1];

		if (error_of(word))
			want = -error_of(word);
		else if (!strcmp(word, "EOF") || !strcmp(word, "ok"))
			want = 0;
		else if (!number_expr(word, l->index, &want))
			return stage_fail(s, "'%s' is no result", word);
	}
	stage_result(s, came);
	if (came == want)
		return true;
	return stage_fail(
		s, "%s%lld was expected, it says %s%lld",
		want < 0 ? tcpd_err_name((int)want) : "", (long long)want,
		came < 0 ? tcpd_err_name((int)came) : "", (long long)came);
}

static bool place(struct stage *s, struct line *l, unsigned *w,
		  struct tcpd_addr *a)
{
	if (flow_place(s, word_at(l, *w), a)) {
		++*w;
		return true;
	}
	return stage_fail(s, "PLACE:PORT was expected, not '%s'",
			  *w < l->nwords ? l->words[*w] : "end of line");
}

/* Options of listen: what this listener has of its own. */
static bool own_settings(struct stage *s, struct line *l, unsigned w,
			 struct tcpd_conn_settings *cs, uint64_t *flags)
{
	for (; w < l->nwords && l->words[w][0] != '='; w += 2) {
		uint64_t n = 0;
		tcpd_time t = 0;
		const char *value = word_at(l, w + 1);

		if (word_is(l, w, "reuse")) {
			*flags |= TCPD_BIND_REUSE;
			w--;
		} else if (word_is(l, w, "reuseport")) {
			*flags |= TCPD_BIND_REUSEPORT;
			w--;
		} else if (word_is(l, w, "owner") && number_size(value, &n)) {
			*flags |= TCPD_BIND_OWNER(n);
		} else if (word_is(l, w, "backlog") && number_size(value, &n)) {
			cs->backlog = (uint32_t)n;
		} else if (word_is(l, w, "rcvbuf") && number_size(value, &n)) {
			cs->receive_buffer = (uint32_t)n;
		} else if (word_is(l, w, "sndbuf") && number_size(value, &n)) {
			cs->send_buffer = (uint32_t)n;
		} else if (word_is(l, w, "time-wait") &&
			   number_time(value, &t)) {
			cs->time_wait = t;
		} else if (word_is(l, w, "cookies") &&
			   settings_cookies(cs, value)) {
			continue;
		} else if (word_is(l, w, "ecn") && settings_ecn(cs, value)) {
			continue;
		} else if (word_is(l, w, "wait") && number_time(value, &t)) {
			cs->synack_wait[0] = t;
			cs->nsynack_waits = 1;
		} else {
			return stage_fail(s, "'%s' is not known here",
					  l->words[w]);
		}
	}
	return true;
}

static bool do_listen(struct stage *s, struct line *l, unsigned w)
{
	struct flow *f = flow_word(s, l, &w, "l");
	struct tcpd_conn_settings cs = s->set.conn;
	struct tcpd_addr a = {.port = 0};
	uint64_t flags = 0;
	bool again = word_is(l, w, "again"); /* on a socket that we have */
	tcpd_handle h;
	int err;

	if (again)
		w++;
	else if (!f || !place(s, l, &w, &a))
		return false;
	if (!f || !own_settings(s, l, w, &cs, &flags))
		return false;
	h = again ? f->h : 0;
	err = tcpd_listen(s->st, &h, &a, flags, &cs, s->now);
	if (!err) {
		f->h = h;
		tcpd_set_user(s->st, h, f);
		if (tcpd_user(s->st, h) != f)
			return stage_fail(s, "the user word is lost");
		if (!again)
			f->local = a;
	}
	return verb_expect(s, l, w, err, 0);
}

/* "reuse", "reuseport", "no-port", "owner N". */
static bool bind_flags(struct stage *s, struct line *l, unsigned w,
		       uint64_t *flags)
{
	for (; w < l->nwords && l->words[w][0] != '='; w++) {
		uint64_t n = 0;

		if (word_is(l, w, "reuse"))
			*flags |= TCPD_BIND_REUSE;
		else if (word_is(l, w, "reuseport"))
			*flags |= TCPD_BIND_REUSEPORT;
		else if (word_is(l, w, "no-port"))
			*flags |= TCPD_BIND_NO_PORT;
		else if (word_is(l, w, "owner") &&
			 number_size(word_at(l, ++w), &n))
			*flags |= TCPD_BIND_OWNER(n);
		else
			return stage_fail(s, "reuse, reuseport, no-port or "
					     "owner N was expected");
	}
	return true;
}

static bool do_bind(struct stage *s, struct line *l, unsigned w)
{
	struct flow *f = flow_word(s, l, &w, "c");
	struct tcpd_addr a;
	tcpd_handle h;
	uint64_t flags = 0;
	int err;

	if (!f || !place(s, l, &w, &a) || !bind_flags(s, l, w, &flags))
		return false;
	err = tcpd_bind(s->st, &h, &a, flags, s->now);
	if (!err) {
		f->h = h;
		tcpd_set_user(s->st, h, f);
		f->local.port = a.port;
	}
	return verb_expect(s, l, w, err, 0);
}

static bool do_connect(struct stage *s, struct line *l, unsigned w)
{
	struct flow *f = flow_word(s, l, &w, "c");
	struct tcpd_addr peer, from, *local = NULL;
	tcpd_handle h;
	int err;

	if (!f || !place(s, l, &w, &peer))
		return false;
	if (!peer.family) { /* ":PORT": our peer's */
		uint16_t port = peer.port;

		flow_place(s, "peer:0", &peer);
		peer.port = port;
	}
	h = word_is(l, w, "bound") ? f->h : 0;
	if (word_is(l, w, "from")) {
		w++;
		if (!place(s, l, &w, &from))
			return false;
		local = &from;
	}
	err = tcpd_connect(s->st, &h, local, &peer, s->now);
	if (!err) {
		bool bound = f->h && f->h == h;

		f->h = h;
		f->peer = peer;
		f->local.port = local ? local->port : bound ? f->local.port : 0;
		tcpd_set_user(s->st, h, f);
	}
	stage_turn(s);
	return verb_expect(s, l, w, err, 0);
}

static bool do_accept(struct stage *s, struct line *l, unsigned w)
{
	struct flow *f = flow_word(s, l, &w, "c");
	struct flow *from = flow_get(s, "l");
	struct tcpd_status status;
	tcpd_handle h = 0;
	int err;

	if (word_is(l, w, "from"))
		from = flow_get(s,
				word_at(l, w + 1) ? l->words[w + 1] + 1 : "l");
	if (!f || !from)
		return false;
	err = tcpd_accept(s->st, from->h, &h, s->now);
	if (!err) {
		f->h = h;
		tcpd_set_user(s->st, h, f);
		if (tcpd_status(s->st, h, &status, s->now))
			return stage_fail(s, "no status of what it gave");
		if (status.peer.port != f->peer.port ||
		    memcmp(status.peer.ip, f->peer.ip, 16) != 0 ||
		    status.local.port != f->local.port)
			return stage_fail(s, "port %u was accepted, not %u",
					  status.peer.port, f->peer.port);
	}
	stage_turn(s);
	return verb_expect(s, l, w, err, 0);
}

/* How many octets a line names. */
static bool count(struct stage *s, struct line *l, unsigned w, int64_t *n)
{
	uint64_t size;

	if (number_size(word_at(l, w), &size) && size <= 64u << 20) {
		*n = (int64_t)size;
		return true;
	}
	return line_number(s, l, w, n);
}

/* write N [more] [eor] */
static bool do_write(struct stage *s, struct line *l, unsigned w)
{
	struct flow *f = flow_word(s, l, &w, "c");
	uint32_t flags = 0;
	int64_t n, came;
	uint8_t *p;

	if (!f || !count(s, l, w, &n))
		return false;
	p = malloc((size_t)n + 1);
	if (!p)
		abort();
	for (unsigned i = w + 1; i < l->nwords; i++)
		flags |= word_is(l, i, "more")	? TCPD_SEND_MORE
			 : word_is(l, i, "eor") ? TCPD_SEND_EOR
						: 0u;
	pattern_fill(f->salt + 1, f->wrote, p, (size_t)n);
	came = tcpd_send_as(s->st, f->h, p, (size_t)n, flags, s->now);
	free(p);
	if (came > 0)
		f->wrote += (uint64_t)came;
	stage_turn(s);
	return verb_expect(s, l, w, came, n);
}

/* write, by asking for room and filling it. */
static bool do_fill(struct stage *s, struct line *l, unsigned w)
{
	struct flow *f = flow_word(s, l, &w, "c");
	struct tcpd_room room[4];
	int64_t n, done = 0;
	int rooms;

	if (!f || !count(s, l, w, &n))
		return false;
	rooms = tcpd_send_room(s->st, f->h, (size_t)n, room, 4);
	for (int i = 0; i < rooms; i++) {
		size_t take = room[i].len;

		if ((int64_t)take > n - done)
			take = (size_t)(n - done);
		pattern_fill(f->salt + 1, f->wrote, room[i].p, take);
		f->wrote += take;
		done += (int64_t)take;
	}
	if (rooms < 0)
		done = rooms;
	else if (tcpd_send_filled(s->st, f->h, (size_t)done, s->now))
		return stage_fail(s, "tcpd_send_filled refuses it");
	stage_turn(s);
	return verb_expect(s, l, w, done, n);
}

static bool took(struct stage *s, struct flow *f, const uint8_t *p, size_t n)
{
	size_t same = pattern_same(f->salt, f->took, p, n);

	f->took += same;
	if (same == n)
		return true;
	return stage_fail(s, "octet %llu of the stream is not the peer's",
			  (unsigned long long)f->took);
}

static bool do_read(struct stage *s, struct line *l, unsigned w)
{
	struct flow *f = flow_word(s, l, &w, "c");
	int64_t n, came;
	uint8_t *p;
	bool fine = true;

	if (!f || !count(s, l, w, &n))
		return false;
	p = malloc((size_t)n + 1);
	if (!p)
		abort();
	came = tcpd_recv(s->st, f->h, p, (size_t)n, s->now);
	if (came > 0)
		fine = took(s, f, p, (size_t)came);
	free(p);
	stage_turn(s);
	return fine && verb_expect(s, l, w, came, n);
}

/* read, by looking at what is there and saying what was taken. */
static bool do_take(struct stage *s, struct line *l, unsigned w)
{
	struct flow *f = flow_word(s, l, &w, "c");
	struct tcpd_slice slice[64];
	int64_t n, done = 0;
	int slices, err;

	if (!f || !count(s, l, w, &n))
		return false;
	slices = tcpd_recv_peek(s->st, f->h, slice, 64);
	for (int i = 0; i < slices; i++) {
		size_t take = slice[i].len;

		if ((int64_t)take > n - done)
			take = (size_t)(n - done);
		if (!took(s, f, slice[i].p, take))
			return false;
		done += (int64_t)take;
	}
	err = slices < 0 ? slices
			 : tcpd_recv_done(s->st, f->h, (size_t)done, s->now);
	stage_turn(s);
	return verb_expect(s, l, w, err ? err : done, n);
}

static bool do_overtake(struct stage *s, struct line *l, unsigned w)
{
	struct flow *f = flow_word(s, l, &w, "c");
	int64_t n;

	if (!f || !count(s, l, w, &n))
		return false;
	return verb_expect(s, l, w,
			   tcpd_recv_done(s->st, f->h, (size_t)n, s->now), 0);
}

static bool do_want_writable(struct stage *s, struct line *l, unsigned w)
{
	struct flow *f = flow_word(s, l, &w, "c");
	int64_t n;

	if (!f || !count(s, l, w, &n))
		return false;
	return verb_expect(s, l, w,
			   tcpd_want_writable(s->st, f->h, (uint32_t)n), 0);
}

typedef int plain_call(struct tcpd_stack *st, tcpd_handle h, tcpd_time now);

static bool plain(struct stage *s, struct line *l, unsigned w, plain_call *call)
{
	struct flow *f = flow_word(s, l, &w, "c");
	int err;

	if (!f)
		return false;
	err = call(s->st, f->h, s->now);
	stage_turn(s);
	return verb_expect(s, l, w, err, 0);
}

static bool do_close(struct stage *s, struct line *l, unsigned w)
{
	return plain(s, l, w, tcpd_close);
}

static bool do_abort(struct stage *s, struct line *l, unsigned w)
{
	return plain(s, l, w, tcpd_abort);
}

static bool do_shutdown(struct stage *s, struct line *l, unsigned w)
{
	return plain(s, l, w, tcpd_shutdown);
}

static bool do_urgent(struct stage *s, struct line *l, unsigned w)
{
	return plain(s, l, w, tcpd_send_urgent);
}

/* Entries that have no handle: by their number. */
static bool by_id(struct stage *s, struct line *l, unsigned w,
		  int (*call)(struct tcpd_stack *, tcpd_id, tcpd_time))
{
	struct flow *f = flow_word(s, l, &w, "c");
	struct tcpd_cursor cur = {0};
	struct tcpd_status st;
	tcpd_id id = 1ull << 52; /* nobody's */
	int err;

	if (!f)
		return false;
	while (tcpd_each(s->st, &cur, &st, s->now))
		if (st.peer.port == f->peer.port &&
		    st.local.port == f->local.port &&
		    !memcmp(st.peer.ip, f->peer.ip, 16))
			id = st.id;
	err = call(s->st, id, s->now);
	stage_turn(s);
	return verb_expect(s, l, w, err, 0);
}

static bool do_end_removed(struct stage *s, struct line *l, unsigned w)
{
	(void)l;
	(void)w;
	if (tcpd_end_removed(s->st, s->now))
		return stage_fail(s, "RSTs wait");
	stage_turn(s);
	return true;
}

static bool do_abort_id(struct stage *s, struct line *l, unsigned w)
{
	return by_id(s, l, w, tcpd_abort_id);
}

static bool do_close_id(struct stage *s, struct line *l, unsigned w)
{
	return by_id(s, l, w, tcpd_close_id);
}

static bool do_option(struct stage *s, struct line *l, unsigned w)
{
	struct flow *f = flow_word(s, l, &w, "c");
	int o = settings_option(word_at(l, w));
	uint64_t v;
	int err;

	if (!f || o < 0)
		return stage_fail(s, "an option's name was expected");
	if (!number_size(word_at(l, w + 1), &v) &&
	    !number_time(word_at(l, w + 1), &v))
		return stage_fail(s, "an option's value was expected");
	err = tcpd_set_option(s->st, f->h, (enum tcpd_option)o, v, s->now);
	stage_turn(s);
	return verb_expect(s, l, w, err, 0);
}

const struct verb call_verbs[] = {
	{"listen", do_listen},
	{"bind", do_bind},
	{"connect", do_connect},
	{"accept", do_accept},
	{"write", do_write},
	{"fill", do_fill},
	{"read", do_read},
	{"take", do_take},
	{"overtake", do_overtake},
	{"close", do_close},
	{"abort", do_abort},
	{"shutdown", do_shutdown},
	{"urgent", do_urgent},
	{"want-writable", do_want_writable},
	{"abort-id", do_abort_id},
	{"close-id", do_close_id},
	{"option", do_option},
	{"reconf", settings_line},
	{"end-removed", do_end_removed},
	{NULL, NULL},
};
