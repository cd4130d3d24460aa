/* SPDX-License-Identifier: MIT */
/*
 * verdicts.c - one injector, the same packets (verdict_rows.h) to a socket of
 * the kernel behind one TUN and to one of tcpd behind another, each at a fresh
 * connection; what comes of each is compared.
 *
 *	verdicts 4|6 [cookies]	both sides keep no half-open entries: what is
 *				expected is just what the kernel does
 *
 * The far end of the TUN kern0 is the kernel's peer; on tcpd0, AF_PACKET plays
 * tcpd's.  The apps of both sides are here, too.  After a packet an echo
 * request goes: what is answered before the echo is the answer, so nothing is
 * left to a wait.  One line a row, fields between tabs: good or bad, stage and
 * name, what is expected, the kernel's verdict, tcpd's, and the reason where
 * tcpd's is to be another one.
 */
#include <signal.h>

#include "side.h"
#include "verdict_rows.h"

#define PORT	5000
#define NOWHERE 5001 /* nobody listens */
#define PROBE	"PPPPPPPP"

static const char *const stages[] = {
	[CLOSED_PORT] = "closed port",	 [LISTENER] = "listener",
	[SYN_RECEIVED] = "SYN-RECEIVED", [ESTABLISHED] = "ESTABLISHED",
	[STAMPED] = "with time stamps",	 [FIN_WAIT_2] = "FIN-WAIT-2",
	[CLOSE_WAIT] = "CLOSE-WAIT",	 [TIME_WAIT] = "TIME-WAIT",
};

struct answers {
	const struct peer *peer;
	enum stage stage;
	char text[128];
	bool reset;
};

static struct line loopback;

/* --- the answers to a shot */

static void add_number(char *text, size_t room, uint32_t n, uint32_t base)
{
	if (n == 0)
		(void)snprintf(text, room, " 0");
	else
		(void)snprintf(text, room, " %+d", (int32_t)(n - base));
}

static void add(struct answers *all, const struct answer *a,
		const struct peer *c, enum stage stage)
{
	char flags[8], seq[16] = "", ack[16] = "";
	size_t n = 0, at = strlen(all->text);

	for (unsigned i = 0; i < 3; i++)
		if (a->flags & 1u << i)
			flags[n++] = "FSR"[i];
	if (a->flags & ACK)
		flags[n++] = 'A';
	flags[n] = '\0';
	all->reset |= (a->flags & RST) != 0;
	if (!(a->flags & SYN) || stage == SYN_RECEIVED)
		add_number(seq, sizeof(seq), a->seq, c->rcv);
	if (a->flags & ACK)
		add_number(ack, sizeof(ack), a->ack, c->snd);
	(void)snprintf(all->text + at, sizeof(all->text) - at, "%s%s%s%s",
		       at ? ", " : "", flags, seq, ack);
	if (a->len)
		(void)strncat(all->text, " with data",
			      sizeof(all->text) - strlen(all->text) - 1);
}

/* An ACK of what the shot carried is left out, for it may be delayed, and what
 * the app got tells the same. */
static void judge(void *arg, const struct answer *a)
{
	struct answers *all = arg;
	const struct peer *c = all->peer;

	/* a late word to the peer of an earlier row */
	if (a->dport >= FIRST_PORT && a->dport < c->port)
		return;
	if (a->flags != ACK || a->seq != c->rcv || a->ack != c->snd + 1 ||
	    all->stage == CLOSED_PORT || all->stage == LISTENER)
		add(all, a, c, all->stage);
}

static struct answers collect(struct side *s, const struct peer *c,
			      enum stage stage)
{
	struct answers all = {.peer = c, .stage = stage};
	struct answer a;
	size_t n;

	fence(s, judge, &all);
	/* an answer to a martian may have gone the wrong way */
	while ((n = line_get(&loopback, packet, sizeof(packet), 0)) > 0)
		if (shot_read(packet, n, &a))
			(void)snprintf(all.text, sizeof(all.text), "astray");
	return all;
}

/* --- a connection up to the stage where it is shot at */

static void fin_from_peer(struct side *s, struct peer *c)
{
	double until = line_now() + PATIENCE;
	struct answer a;

	say(s, c, FIN | ACK, "");
	c->snd++;
	do
		must(hear(s, until, &a), s, "ACK of a FIN");
	while (a.dport != c->port || a.ack != c->snd);
}

static void fin_from_app(struct side *s, struct peer *c)
{
	struct answer a;

	must(shutdown(c->fd, SHUT_WR) == 0, s, "shutdown");
	must(await(s, c, FIN, 0, &a), s, "FIN");
	c->rcv++;
	say(s, c, ACK, "");
}

static void bring_to(struct side *s, struct peer *c, enum stage stage)
{
	char octet;
	int err;

	switch (stage) {
	case CLOSED_PORT:
	case LISTENER:
		break;
	case SYN_RECEIVED:
		half_open(s, c);
		break;
	case ESTABLISHED:
	case STAMPED:
		establish(s, c);
		break;
	case FIN_WAIT_2:
		establish(s, c);
		fin_from_app(s, c);
		break;
	case CLOSE_WAIT:
		establish(s, c);
		fin_from_peer(s, c);
		must(app_read(c->fd, &octet, 1, &err) == 0 && err == 0, s,
		     "end of file");
		break;
	case TIME_WAIT:
		establish(s, c);
		fin_from_app(s, c);
		fin_from_peer(s, c);
		close(c->fd);
		c->fd = -1;
		break;
	}
}

/* --- what is left of it */

static const char *ended(int err)
{
	static char text[64];

	if (err == ECONNRESET || err == EPIPE)
		return "reset";
	(void)snprintf(text, sizeof(text), "%s",
		       err ? strerrorname_np(err) : "end of file");
	return text;
}

/* An octet of the app reaches the peer. */
static const char *speaks(struct side *s, struct peer *c)
{
	struct answer a;

	if (write(c->fd, "E", 1) != 1)
		return ended(errno);
	return await(s, c, 0, 1, &a) && *a.data == 'E' ? "alive" : "mute";
}

/* Text of the peer reaches the app.  It begins where the shot's did: what the
 * app got of that stands in its place. */
static const char *hears(struct side *s, struct peer *c, bool may_speak)
{
	static char text[64];
	char buf[8];
	const char *fate = "alive";
	size_t foreign = 0;
	int err;

	say(s, c, PSH | ACK, PROBE);
	if (app_read(c->fd, buf, 8, &err) < 8)
		return ended(err);
	c->snd += 8;
	for (size_t i = 0; i < 8; i++)
		foreign += buf[i] != 'P';
	if (may_speak)
		fate = speaks(s, c);
	if (!foreign)
		return fate;
	(void)snprintf(text, sizeof(text), "%s, %zu octet%s", fate, foreign,
		       foreign == 1 ? "" : "s");
	return text;
}

static const char *completes(struct side *s, struct peer *c)
{
	say(s, c, ACK, "");
	if (collect(s, c, SYN_RECEIVED).reset)
		return "gone";
	c->fd = take(s);
	return c->fd < 0 ? "lost" : hears(s, c, true);
}

static const char *repeats_fin(struct side *s, struct peer *c)
{
	static struct answers all;

	usleep(20000); /* tcpd answers there at most once in 10 ms */
	c->snd--;
	say(s, c, FIN | ACK, "");
	c->snd++;
	all = collect(s, c, TIME_WAIT);
	if (all.reset)
		return "gone";
	return strcmp(all.text, "A +0 +0") == 0 ? "kept" : all.text;
}

static const char *fate(struct side *s, struct peer *c, enum stage stage)
{
	switch (stage) {
	case CLOSED_PORT:
	case LISTENER:
		break;
	case SYN_RECEIVED:
		return completes(s, c);
	case ESTABLISHED:
	case STAMPED:
		return hears(s, c, true);
	case FIN_WAIT_2:
		return hears(s, c, false);
	case CLOSE_WAIT:
		return speaks(s, c);
	case TIME_WAIT:
		return repeats_fin(s, c);
	}
	return "";
}

/* --- one row */

static void set_source(const struct side *s, enum source from, uint8_t src[16])
{
	bool v6 = s->family == AF_INET6;

	switch (from) {
	case PEER:
		break;
	case ITSELF:
		address(s->family, s->host[v6], src);
		break;
	case LOOPBACK:
		address(s->family, v6 ? "::1" : "127.0.0.1", src);
		break;
	case BROADCAST:
		address(s->family, s->broadcast, src);
		break;
	case ALL_ONES:
		memset(src, 255, 4);
		break;
	case MULTICAST:
		address(s->family, v6 ? "ff02::1" : "224.0.0.1", src);
		break;
	}
}

static void shoot(struct side *s, struct peer *c, const struct row *row)
{
	struct shot shot = row->shot, us = segment(s, c, ACK);

	shot.family = s->family;
	memcpy(shot.src, us.src, 16);
	memcpy(shot.dst, us.dst, 16);
	set_source(s, row->from, shot.src);
	shot.sport = row->port_zero ? 0 : c->port;
	if (row->from == ITSELF)
		shot.sport = PORT;
	shot.dport = row->stage == CLOSED_PORT ? NOWHERE : PORT;
	shot.win = 65535;
	shot.seq += c->snd;
	if (shot.flags & ACK)
		shot.ack += c->rcv;
	if (c->stamped && !row->no_ts)
		stamp(c, &shot, row->ts);
	put(s, &shot);
}

static const char *verdict(struct side *s, const struct row *row, char *text,
			   size_t room)
{
	static struct peer c;
	struct answers all;
	const char *end;

	c = peer_new(s);
	c.stamped = row->stage == STAMPED;
	bring_to(s, &c, row->stage);
	(void)collect(s, &c, row->stage);
	usleep(row->wait_ms * 1000);
	shoot(s, &c, row);
	all = collect(s, &c, row->stage);
	end = row->stage == TIME_WAIT && (all.text[0] == 'S')
		      ? "reused"
		      : fate(s, &c, row->stage);
	(void)snprintf(text, room, "%s%s%s",
		       all.text[0]	  ? all.text
		       : strchr(end, ',') ? "taken"
					  : "silence",
		       *end ? "; " : "", end);
	say(s, &c, RST, "");
	if (c.fd >= 0)
		close(c.fd);
	return text;
}

static void print(const struct row *r, const char *expect, const char *want,
		  const char *kernel, const char *tcpd, const char *why)
{
	bool good = strcmp(kernel, expect) == 0 && strcmp(tcpd, want) == 0;

	printf("%s\t%s, %s\t%s\t%s\t%s\t%s\n", good ? "good" : "bad",
	       stages[r->stage], r->name, expect, kernel, tcpd, why ? why : "");
}

int main(int argc, char **argv)
{
	struct side kernel = {.dev = "kern0",
			      .port = PORT,
			      .host = {"10.88.0.2", "fd88::2"},
			      .peer = {"10.88.0.77", "fd88::77"},
			      .broadcast = "10.88.0.255",
			      .kernel = true};
	struct side tcpd = {.dev = "tcpd0",
			    .port = PORT,
			    .host = {"10.77.0.2", "fd77::2"},
			    .peer = {"10.77.0.77", "fd77::77"},
			    .broadcast = "10.77.0.255"};
	int family = argc > 1 && *argv[1] == '6' ? AF_INET6 : AF_INET;
	bool cookies = argc > 2;

	(void)signal(SIGPIPE, SIG_IGN);
	open_side(&kernel, family);
	open_side(&tcpd, family);
	if (line_open(&loopback, family, false, "lo") < 0)
		die("lo");
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		const struct row *r = &rows[i];
		const char *want = r->tcpd ? r->tcpd : r->expect;
		const char *why;
		char k[400], t[400];

		if ((r->only && r->only != (family == AF_INET ? 4 : 6)) ||
		    (cookies && r->stage > SYN_RECEIVED))
			continue;
		(void)verdict(&kernel, r, k, sizeof(k));
		(void)verdict(&tcpd, r, t, sizeof(t));
		if (cookies)
			want = r->cookies ? r->cookies : r->tcpd ? r->tcpd : k;
		why = cookies && r->cookies_why ? r->cookies_why : r->why;
		print(r, cookies ? k : r->expect, want, k, t, why);
		(void)fflush(stdout);
	}
	return 0;
}
