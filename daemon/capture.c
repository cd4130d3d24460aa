/* SPDX-License-Identifier: MIT */
/*
 * capture.c - pcapng of what crosses the TUN.
 *
 * Each capture has a ring and a thread of its own (outring.c): the loop copies
 * a packet into the ring, or counts it as lost.  An incoming packet is held
 * until the stack has looked at it, so that the changes of state that it
 * brought are its comments; those that a call or a timer brought go with the
 * SYN, FIN or RST that tells the peer.  An RST says why it goes, or what became
 * of it.  Checksums that the device would fill
 * in are filled in in the copy: over a whole super-segment, as tshark sums it.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "daemon/capture.h"
#include "daemon/outring.h"
#include "daemon/pcapng.h"
#include "daemon/peek.h"
#include "daemon/thread.h"
#include "daemon/tun.h"
#include "wire/cksum.h"

#define RING	  ((size_t)16 * 1024 * 1024)
#define END_ROOM  64 /* kept for the statistics at the end */
#define PARTS_MAX (1 + TCPD_SLICES_MAX)
#define NWAITING  64

struct capture {
	struct capture *next;
	struct daemon *d;
	struct filter *filter;
	struct outring *ring;
	ev_async ended;
	bool stopping; /* by capture_stop(): in |dying|, nobody's pointer */
	void (*on_end)(void *arg);
	void *on_end_arg;
	struct capture_stats stats;
	struct log_limit limit;
};

struct note { /* a change of state that no packet has carried yet */
	struct tcpd_addr local, peer;
	char text[PCAPNG_COMMENT_MAX];
};

/* One loop, one set of captures: what they share. */
static struct {
	struct capture *dying;
	cksum_fn *sum;
	uint64_t epoch; /* CLOCK_REALTIME minus CLOCK_MONOTONIC, ns */

	bool held; /* an incoming packet waits for its comments */
	struct tcpd_slice part[PARTS_MAX];
	size_t nparts;
	struct tcpd_offload off;
	uint64_t at;
	char comment[PCAPNG_COMMENTS_MAX][PCAPNG_COMMENT_MAX];
	size_t ncomments;

	struct note waiting[NWAITING]; /* the oldest gives way */
	unsigned next_waiting;
} cap;

bool capture_running(const struct daemon *d)
{
	return d->captures != NULL;
}

static uint64_t clock_ns(clockid_t id)
{
	struct timespec ts;

	clock_gettime(id, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

/* What the device does for CSUM_PARTIAL: sum from csum_start to the end, the
 * pseudo header's sum being there already. */
static void fill_checksum(uint8_t *p, size_t len,
			  const struct tcpd_offload *off)
{
	size_t at = (size_t)off->csum_start + off->csum_offset;
	uint16_t c;

	if (!(off->flags & TCPD_PKT_CSUM_PARTIAL) || at + 2 > len)
		return;
	c = (uint16_t)~cksum_fold(
		cksum_sum(cap.sum, p + off->csum_start, len - off->csum_start));
	p[at] = (uint8_t)(c >> 8);
	p[at + 1] = (uint8_t)c;
}

static void store(struct capture *c, const struct pcapng_packet *k, size_t len,
		  const struct tcpd_offload *off)
{
	size_t room = pcapng_packet_room(len, k->ncomments), n;
	uint8_t *p = outring_room(c->ring, room + END_ROOM), *data;

	n = p ? pcapng_packet(p, room, k, &data, &len) : 0;
	if (!n) {
		c->stats.lost++;
		log_seldom(&c->limit, CONF_LOG_WARN,
			   "capture: nobody takes it fast enough; %" PRIu64
			   " packets lost so far",
			   c->stats.lost);
		return;
	}
	fill_checksum(data, len, off);
	outring_filled(c->ring, n);
	c->stats.packets++;
	c->stats.octets += len;
}

static void emit(struct daemon *d, const struct pcapng_packet *k,
		 const struct tcpd_offload *off, const struct peek *what)
{
	size_t len = 0;

	for (size_t i = 0; i < k->nparts; i++)
		len += k->part[i].len;
	for (struct capture *c = d->captures; c; c = c->next)
		if (!c->filter || filter_match(c->filter, &what->local,
					       &what->peer, TCPD_NSTATES))
			store(c, k, len, off);
}

void capture_flush(struct daemon *d)
{
	struct pcapng_packet k = {
		.at = cap.at,
		.part = cap.part,
		.nparts = cap.nparts,
		.ncomments = cap.ncomments,
	};
	struct peek what;

	if (!cap.held)
		return;
	cap.held = false;
	for (size_t i = 0; i < k.ncomments; i++)
		k.comment[i] = cap.comment[i];
	peek_at(&what, false, cap.part[0].p, cap.part[0].len);
	emit(d, &k, &cap.off, &what);
}

static bool same(const struct tcpd_addr *a, const struct tcpd_addr *b)
{
	return a->port == b->port && memcmp(a->ip, b->ip, 16) == 0;
}

/* The notes that the outgoing packet |what| carries, oldest first. */
static void take_notes(struct pcapng_packet *k, const struct peek *what)
{
	for (unsigned i = 0; i < NWAITING; i++) {
		struct note *n =
			&cap.waiting[(cap.next_waiting + i) % NWAITING];

		if (!n->text[0] || k->ncomments == PCAPNG_COMMENTS_MAX ||
		    !same(&n->local, &what->local) ||
		    !same(&n->peer, &what->peer))
			continue;
		memcpy(cap.comment[k->ncomments], n->text, sizeof(n->text));
		k->comment[k->ncomments] = cap.comment[k->ncomments];
		k->ncomments++;
		n->text[0] = '\0';
	}
}

static void add_cause(struct pcapng_packet *k, enum tcpd_reset why)
{
	char *text;

	if (k->ncomments == PCAPNG_COMMENTS_MAX)
		return;
	text = cap.comment[k->ncomments];
	(void)snprintf(text, PCAPNG_COMMENT_MAX, "RST sent: %s",
		       tcpd_reset_name(why));
	k->comment[k->ncomments++] = text;
}

void capture_packet(struct daemon *d, bool out, const struct tcpd_slice *part,
		    size_t nparts, const struct tcpd_offload *off,
		    const struct tcpd_out *sent)
{
	struct pcapng_packet k = {.out = out, .part = part, .nparts = nparts};
	struct peek what;

	capture_flush(d);
	if (nparts == 0 || nparts > PARTS_MAX)
		return;
	k.at = mono_now() + cap.epoch;
	if (!out) {
		cap.held = true;
		cap.at = k.at;
		memcpy(cap.part, part, nparts * sizeof(*part));
		cap.nparts = nparts;
		cap.off = *off;
		cap.ncomments = 0;
		return;
	}
	peek_at(&what, true, part[0].p, part[0].len);
	if (what.changes)
		take_notes(&k, &what);
	if (sent && sent->rst)
		add_cause(&k, (enum tcpd_reset)(sent->rst - 1));
	if (sent && sent->cookie && k.ncomments < PCAPNG_COMMENTS_MAX)
		k.comment[k.ncomments++] = "SYN cookie sent";
	emit(d, &k, off, &what);
}

/* An RST on its way out says itself why it goes (capture_packet). */
static void comment_text(char text[PCAPNG_COMMENT_MAX],
			 const struct tcpd_trace *tr)
{
	if (tr->kind == TCPD_TRACE_STATE)
		(void)snprintf(text, PCAPNG_COMMENT_MAX,
			       "conn=%" PRIu64 " %s -> %s", tr->id,
			       tcpd_state_name(tr->from),
			       tcpd_state_name(tr->to));
	else
		(void)snprintf(text, PCAPNG_COMMENT_MAX, "RST %s: %s",
			       trace_verb(tr->kind), tr->event);
}

void capture_comment(struct daemon *d, const struct tcpd_trace *tr)
{
	struct note *n;

	if (!d->captures || tr->kind == TCPD_TRACE_RST_SENT)
		return;
	if (cap.held) {
		if (cap.ncomments < PCAPNG_COMMENTS_MAX)
			comment_text(cap.comment[cap.ncomments++], tr);
		return;
	}
	if (tr->kind != TCPD_TRACE_STATE)
		return;
	n = &cap.waiting[cap.next_waiting++ % NWAITING];
	n->local = tr->local;
	n->peer = tr->peer;
	comment_text(n->text, tr);
}

/* ------------------------------------------------------ begin and end */

static void unlist(struct capture **list, struct capture *c)
{
	while (*list && *list != c)
		list = &(*list)->next;
	if (*list)
		*list = c->next;
}

static void release(struct capture *c, uint64_t deadline)
{
	struct ev_loop *loop = c->d->loop;

	/* A thread that hangs may still call |ended|: it keeps its memory. */
	if (!outring_free(c->ring, deadline))
		return;
	ev_async_stop(loop, &c->ended);
	filter_free(c->filter);
	free(c);
}

/* In the writer's thread. */
static void tell_loop(void *arg)
{
	struct capture *c = arg;

	ev_async_send(c->d->loop, &c->ended);
}

static void say_end(const struct capture *c, int error)
{
	if (error && error != EPIPE)
		log_error("capture: ended: %s; %" PRIu64 " packets, %" PRIu64
			  " lost",
			  strerror(error), c->stats.packets, c->stats.lost);
	else
		log_info("capture: ended%s; %" PRIu64 " packets, %" PRIu64
			 " lost",
			 error ? " by its reader" : "", c->stats.packets,
			 c->stats.lost);
}

static void on_ended(EV_P_ ev_async *w, int revents)
{
	struct capture *c = w->data;

	(void)loop;
	(void)revents;
	unlist(c->stopping ? &cap.dying : &c->d->captures, c);
	say_end(c, outring_error(c->ring));
	if (c->on_end && !c->stopping)
		c->on_end(c->on_end_arg);
	release(c, UINT64_MAX);
}

int capture_open(const char *path, char *err, size_t nerr)
{
	const int flags = O_CREAT | O_NOCTTY | O_CLOEXEC | O_NONBLOCK;
	int fd = open(path, flags | O_WRONLY | O_TRUNC, 0640);

	/* A FIFO that nobody reads: opened for both, it need not wait. */
	if (fd < 0 && errno == ENXIO)
		fd = open(path, flags | O_RDWR, 0640);
	if (fd < 0)
		(void)snprintf(err, nerr, "capture: cannot open %s: %s", path,
			       strerror(errno));
	return fd;
}

/* A packet has no state of its own that a filter could ask for. */
static bool asks_for_state(const char *text)
{
	static const char *const words[] = {"state", "exclude"};
	static const char between[] = " \t()!";

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		for (const char *p = text; (p = strstr(p, words[i])); p++)
			if ((p == text || strchr(between, p[-1])) &&
			    strchr(between, p[strlen(words[i])]))
				return true;
	return false;
}

static struct capture *begin(struct daemon *d, int fd, struct filter *f)
{
	struct capture *c = calloc(1, sizeof(*c));
	uint8_t *p;

	if (!c) {
		close(fd);
		return NULL;
	}
	c->d = d;
	ev_async_init(&c->ended, on_ended);
	c->ended.data = c;
	ev_async_start(d->loop, &c->ended);
	c->ring = outring_new(fd, RING, tell_loop, c);
	if (!c->ring) {
		ev_async_stop(d->loop, &c->ended);
		free(c);
		return NULL;
	}
	c->filter = f;
	p = outring_room(c->ring, 256);
	outring_filled(c->ring, pcapng_head(p, 256, tun_name(d)));
	return c;
}

struct capture *capture_start(struct daemon *d, int fd, const char *filter,
			      char *err, size_t nerr)
{
	struct filter *f = NULL;
	struct capture *c;

	if (filter && asks_for_state(filter)) {
		(void)snprintf(err, nerr,
			       "a capture's filter takes src, dst, sport "
			       "and dport, not state");
		close(fd);
		return NULL;
	}
	if (filter) {
		f = filter_parse(filter, err, nerr);
		if (!f) {
			close(fd);
			return NULL;
		}
	}
	if (!d->captures) {
		cap.epoch = clock_ns(CLOCK_REALTIME) - mono_now();
		cap.sum = cksum_choose();
		cap.held = false;
		memset(cap.waiting, 0, sizeof(cap.waiting));
	}
	c = begin(d, fd, f);
	if (!c) {
		(void)snprintf(err, nerr, "capture: %s", strerror(errno));
		filter_free(f);
		return NULL;
	}
	c->next = d->captures;
	d->captures = c;
	return c;
}

void capture_on_end(struct capture *c, void (*fn)(void *arg), void *arg)
{
	c->on_end = fn;
	c->on_end_arg = arg;
}

void capture_stop(struct daemon *d, struct capture *c)
{
	uint8_t *p;
	size_t n;

	capture_flush(d);
	unlist(&d->captures, c);
	c->next = cap.dying;
	cap.dying = c;
	c->stopping = true;
	p = outring_room(c->ring, END_ROOM);
	n = p ? pcapng_end(p, END_ROOM, mono_now() + cap.epoch,
			   c->stats.packets, c->stats.lost)
	      : 0;
	if (n)
		outring_filled(c->ring, n);
	outring_finish(c->ring);
}

void capture_stop_all(struct daemon *d, uint64_t deadline)
{
	struct capture *c;

	while (d->captures)
		capture_stop(d, d->captures);
	while ((c = cap.dying)) {
		cap.dying = c->next;
		say_end(c, 0);
		release(c, deadline);
	}
}

void capture_get_stats(const struct capture *c, struct capture_stats *s)
{
	*s = c->stats;
}
