/* SPDX-License-Identifier: MIT */
/*
 * matrix_batch.h - a batch of connections for matrix.c, of the kernel's or of
 * tcpd's: what both ends say and hear, and the way to the state where they are
 * shot at.
 */
#ifndef TEST_NET_MATRIX_BATCH_H
#define TEST_NET_MATRIX_BATCH_H

#include "matrix_case.h"
#include "side.h"

#define PORT	5000
#define NOWHERE 5001 /* nobody listens */

struct cell {
	struct kase k;
	struct peer c; /* .rcv: what we acknowledge, SND.UNA of the host */
	uint16_t hport;
	uint32_t end;	/* its SND.NXT */
	uint32_t acked; /* its RCV.NXT, as last heard */
	uint16_t wnd;
	uint8_t flags; /* heard since they were cleared */
	char opt[16];
	char heard[160];
	char state[32];
	bool probed, answered;
	int32_t rcv_moved, snd_moved;
	int soft;	 /* SO_ERROR while it lives */
	uint32_t opened; /* RCV.NXT moved so by a SYN */
	char verdict[256];
};

struct batch {
	struct side *s;
	struct cell *cell;
	size_t n;
	uint16_t first_port;
	enum { SETTING_UP, SHOOTING, PROBING } phase;
};

/* --- what we say */

static struct shot segment_of(const struct side *s, struct cell *x,
			      uint8_t flags)
{
	struct shot shot = segment(s, &x->c, flags);

	shot.dport = x->hport;
	return shot;
}

static void add_options(struct cell *x, struct shot *shot, int32_t ts)
{
	static const uint8_t syn[] = {2, 4, 5, 180, 4, 2, 8, 10};
	static const uint8_t other[] = {1, 1, 8, 10};
	uint8_t *o = (uint8_t *)x->opt;
	size_t n = shot->flags & SYN ? sizeof(syn) : sizeof(other);

	memcpy(o, shot->flags & SYN ? syn : other, n);
	raw_put32(o + n, 0x12345678 + (uint32_t)ts);
	raw_put32(o + n + 4, shot->flags & ACK ? x->c.ts_echo : 0);
	shot->opt = x->opt;
	shot->nopt = (uint8_t)(n + 8);
}

static void tell(const struct side *s, struct cell *x, uint8_t flags,
		 const char *data)
{
	struct shot shot = segment_of(s, x, flags);

	shot.data = data;
	shot.len = (uint16_t)strlen(data);
	if (x->k.opts != BARE)
		add_options(x, &shot, 0);
	put(s, &shot);
}

/* --- what we hear */

static void add_number(char *text, size_t room, uint32_t n, uint32_t base)
{
	if (n == 0)
		(void)snprintf(text, room, " 0");
	else
		(void)snprintf(text, room, " %+d", (int32_t)(n - base));
}

/* Of a new connection's number nothing can be said. */
static bool seq_is_known(const struct cell *x, const struct answer *a)
{
	return !(a->flags & SYN) || x->k.state == M_SYN_RECEIVED ||
	       x->k.state == M_CROSSED || x->k.state == M_SYN_SENT;
}

/* From RCV.NXT, or near the window's edge from that: not every window is as
 * large as every other. */
static const char *place_of(const struct cell *x, uint32_t seq, char *text,
			    size_t room)
{
	int32_t from_edge = (int32_t)(seq - x->c.snd - x->wnd);
	bool near = from_edge > -100 && from_edge < 100;

	(void)snprintf(text, room, "%s%+d", near ? "edge" : "",
		       near ? from_edge : (int32_t)(seq - x->c.snd));
	return text;
}

static void add_sack(const struct cell *x, const struct answer *a, char *text,
		     size_t room)
{
	for (size_t i = 0; i + 2 <= a->nopt && a->opt[i] != 0;) {
		const uint8_t *o = a->opt + i;

		if (*o == 1) {
			i++;
			continue;
		}
		for (size_t b = 2; *o == 5 && b + 8 <= o[1]; b += 8) {
			size_t at = strlen(text);
			char l[24], r[24];

			(void)snprintf(
				text + at, room - at, " sack %s..%s",
				place_of(x, raw_get32(o + b), l, sizeof(l)),
				place_of(x, raw_get32(o + b + 4), r,
					 sizeof(r)));
		}
		if (o[1] < 2)
			return;
		i += o[1];
	}
}

static bool has_stamp(const struct answer *a)
{
	for (size_t i = 0; i + 10 <= a->nopt; i++)
		if (a->opt[i] == 8 && a->opt[i + 1] == 10)
			return true;
	return false;
}

/* An ACK of what the shot carried is left out, for it may be delayed, and
 * RCV.NXT tells the same. */
static bool acks_the_shot(const struct cell *x, const struct answer *a)
{
	uint32_t news = a->ack - x->c.snd;

	return a->flags == ACK && a->seq == x->end && x->k.state > M_SYN_SENT &&
	       x->k.seq->off <= 0 && !x->k.seq->edge && news > 0 && news <= 9;
}

static void answered(struct cell *x, const struct answer *a)
{
	char flags[8], seq[16] = " *", ack[16] = "";
	size_t n = 0, at = strlen(x->heard), room = sizeof(x->heard);

	/* a timer's work: what it had sent before, again */
	if (x->k.state > M_CROSSED && (a->len || a->flags & FIN) &&
	    (int32_t)(a->seq - x->end) < 0)
		return;
	if (acks_the_shot(x, a))
		return;
	for (unsigned i = 0; i < 3; i++)
		if (a->flags & 1u << i)
			flags[n++] = "FSR"[i];
	if (a->flags & ACK)
		flags[n++] = 'A';
	flags[n] = '\0';
	if (seq_is_known(x, a))
		add_number(seq, sizeof(seq), a->seq, x->end);
	if (a->flags & ACK)
		add_number(ack, sizeof(ack), a->ack, x->c.snd);
	(void)snprintf(x->heard + at, room - at, "%s%s%s%s%s%s", at ? ", " : "",
		       flags, seq, ack, a->len ? " with data" : "",
		       x->k.opts == BARE || a->flags & RST || has_stamp(a)
			       ? ""
			       : " no stamp");
	add_sack(x, a, x->heard, room);
}

static void probe_answered(struct cell *x, const struct answer *a)
{
	if (a->len || a->flags & (FIN | SYN))
		return;
	x->answered = true;
	if (a->flags & RST) {
		(void)snprintf(x->state, sizeof(x->state), "reset by probe");
		return;
	}
	x->rcv_moved = (int32_t)(a->ack - x->c.snd);
	x->snd_moved = (int32_t)(a->seq - x->end);
}

static void note(void *arg, const struct answer *a)
{
	struct batch *b = arg;
	size_t i = (size_t)(a->dport - b->first_port);
	struct cell *x = &b->cell[i];
	uint32_t end = a->seq + a->len + !!(a->flags & (FIN | SYN));

	if (a->dport < b->first_port || i >= b->n)
		return; /* a late word to the peer of an earlier case */
	if (b->phase == SHOOTING) {
		answered(x, a);
		return;
	}
	if (b->phase == PROBING) {
		probe_answered(x, a);
		return;
	}
	x->flags |= a->flags;
	/* no window was announced yet, or none is remembered */
	if (x->k.state != M_SYN_SENT && x->k.state != M_TIME_WAIT)
		x->wnd = a->win;
	if (a->flags & ACK)
		x->acked = a->ack;
	if (a->flags & SYN) {
		x->hport = a->sport;
		x->c.rcv = a->seq;
		x->end = end;
	} else if ((int32_t)(end - x->end) > 0) {
		x->end = end;
	}
	for (size_t o = 0; o + 10 <= a->nopt; o++)
		if (a->opt[o] == 8 && a->opt[o + 1] == 10)
			x->c.ts_echo = raw_get32(a->opt + o + 2);
}

typedef bool heard_it(const struct cell *x);

static void pump(struct batch *b, heard_it *yet, const char *what)
{
	double until = line_now() + PATIENCE;
	struct answer a;
	size_t i = 0;

	for (;;) {
		while (i < b->n && yet(&b->cell[i]))
			i++;
		if (i == b->n)
			break;
		must(hear(b->s, until, &a), b->s, what);
		note(b, &a);
	}
	for (i = 0; i < b->n; i++)
		b->cell[i].flags = 0;
}

static bool heard_syn(const struct cell *x)
{
	return x->flags & SYN;
}

static bool heard_syn_ack(const struct cell *x)
{
	return (x->flags & (SYN | ACK)) == (SYN | ACK);
}

static bool heard_fin(const struct cell *x)
{
	return x->flags & FIN;
}

static bool heard_all_acked(const struct cell *x)
{
	return x->acked == x->c.snd;
}

static bool heard_text(const struct cell *x)
{
	return x->end - x->c.rcv >= 8;
}

/* --- the apps */

static uint16_t port_in(const struct sockaddr_storage *ss)
{
	return ntohs(ss->ss_family == AF_INET6
			     ? ((const struct sockaddr_in6 *)ss)->sin6_port
			     : ((const struct sockaddr_in *)ss)->sin_port);
}

/* |n| connections, each for the cell with its peer's port. */
static void accept_all(struct batch *b, size_t n)
{
	struct side *s = b->s;
	struct pollfd pfd = {.fd = s->listener, .events = POLLIN};

	while (n > 0) {
		struct sockaddr_storage ss;
		socklen_t len = sizeof(ss);
		struct sockaddr *sa = (struct sockaddr *)&ss;
		int fd = s->kernel
				 ? accept4(s->listener, sa, &len, SOCK_NONBLOCK)
				 : tcpd_app_accept(s->listener, sa, &len,
						   SOCK_NONBLOCK);
		size_t i;

		if (fd < 0) {
			must(poll(&pfd, 1, (int)(PATIENCE * 1000)) > 0, s,
			     "connection to accept");
			continue;
		}
		i = (size_t)(port_in(&ss) - b->first_port);
		if (i >= b->n || b->cell[i].c.fd >= 0) {
			close(fd);
			continue;
		}
		b->cell[i].c.fd = fd;
		n--;
	}
}

static void connect_from_app(struct side *s, struct cell *x)
{
	bool v6 = s->family == AF_INET6;
	struct sockaddr_in6 sa6 = {.sin6_family = AF_INET6,
				   .sin6_port = htons(x->c.port)};
	struct sockaddr_in sa4 = {.sin_family = AF_INET,
				  .sin_port = htons(x->c.port)};
	const struct sockaddr *sa =
		v6 ? (struct sockaddr *)&sa6 : (struct sockaddr *)&sa4;
	socklen_t len = v6 ? sizeof(sa6) : sizeof(sa4);
	int type = SOCK_STREAM | SOCK_NONBLOCK;

	address(s->family, s->peer[v6],
		v6 ? (uint8_t *)&sa6.sin6_addr : (uint8_t *)&sa4.sin_addr);
	x->c.fd = s->kernel ? socket(s->family, type, 0)
			    : tcpd_app_socket(s->family, type, 0);
	if (x->c.fd < 0 ||
	    ((s->kernel ? connect(x->c.fd, sa, len)
			: tcpd_app_connect(x->c.fd, sa, len)) < 0 &&
	     errno != EINPROGRESS))
		die("connect");
}

static int error_of(const struct side *s, int fd)
{
	int err = 0;
	socklen_t len = sizeof(err);

	if (s->kernel)
		(void)getsockopt(fd, SOL_SOCKET, SO_ERROR, &err, &len);
	else if (tcpd_app_getsockopt(fd, SOL_SOCKET, SO_ERROR, &err, &len) < 0)
		return errno;
	return err;
}

/* --- to the state where it is shot at */

static void new_cells(struct batch *b)
{
	b->first_port = b->s->next_port;
	for (struct cell *x = b->cell; x < b->cell + b->n; x++) {
		struct kase k = x->k;

		*x = (struct cell){.k = k, .c = peer_new(b->s), .hport = PORT};
		if (k.state == M_CLOSED)
			x->hport = NOWHERE;
		x->end = x->c.rcv;
		x->wnd = 65535;
	}
}

static void half_open_all(struct batch *b)
{
	for (struct cell *x = b->cell; x < b->cell + b->n; x++) {
		tell(b->s, x, SYN, "");
		x->c.snd++;
	}
	pump(b, heard_syn_ack, "SYN-ACK");
}

/* Text each way, so that there is something old to shoot with; not as much
 * each way, or what follows could be a cookie's last ACK. */
static void establish_all(struct batch *b)
{
	static const char text[] = "0123456789abcdef";
	char buf[sizeof(text)];
	int err;

	half_open_all(b);
	for (struct cell *x = b->cell; x < b->cell + b->n; x++) {
		x->c.rcv = x->end;
		tell(b->s, x, ACK, "");
		tell(b->s, x, PSH | ACK, text);
		x->c.snd += 16;
	}
	accept_all(b, b->n);
	for (struct cell *x = b->cell; x < b->cell + b->n; x++) {
		must(app_read(x->c.fd, buf, 16, &err) == 16, b->s, "text");
		must(write(x->c.fd, buf, 12) == 12, b->s, "room");
	}
	pump(b, heard_text, "echoed text");
	pump(b, heard_all_acked, "ACK of text");
	for (struct cell *x = b->cell; x < b->cell + b->n; x++) {
		x->c.rcv = x->end;
		tell(b->s, x, ACK, "");
	}
}

static void fin_from_apps(struct batch *b, bool acknowledge)
{
	for (struct cell *x = b->cell; x < b->cell + b->n; x++)
		must(shutdown(x->c.fd, SHUT_WR) == 0, b->s, "shutdown");
	pump(b, heard_fin, "FIN");
	for (struct cell *x = b->cell; x < b->cell + b->n; x++)
		if (acknowledge) {
			x->c.rcv = x->end;
			tell(b->s, x, ACK, "");
		}
}

static void fin_from_peers(struct batch *b)
{
	for (struct cell *x = b->cell; x < b->cell + b->n; x++) {
		tell(b->s, x, FIN | ACK, "");
		x->c.snd++;
	}
	pump(b, heard_all_acked, "ACK of a FIN");
}

static void open_from_apps(struct batch *b)
{
	for (struct cell *x = b->cell; x < b->cell + b->n; x++)
		connect_from_app(b->s, x);
	pump(b, heard_syn, "SYN");
}

static void bring_to(struct batch *b, enum state state)
{
	switch (state) {
	case M_CLOSED:
	case M_LISTEN:
	case M_STATES:
		break;
	case M_SYN_SENT:
		open_from_apps(b);
		break;
	case M_SYN_RECEIVED:
		half_open_all(b);
		break;
	case M_CROSSED:
		open_from_apps(b);
		half_open_all(b);
		break;
	case M_ESTABLISHED:
		establish_all(b);
		for (struct cell *x = b->cell; x < b->cell + b->n; x++)
			must(write(x->c.fd, "unacked.", 8) == 8, b->s, "room");
		pump(b, heard_text, "text");
		break;
	case M_FIN_WAIT_1:
	case M_FIN_WAIT_2:
		establish_all(b);
		fin_from_apps(b, state == M_FIN_WAIT_2);
		break;
	case M_CLOSE_WAIT:
		establish_all(b);
		fin_from_peers(b);
		break;
	case M_CLOSING:
	case M_TIME_WAIT:
		establish_all(b);
		fin_from_apps(b, state == M_TIME_WAIT);
		fin_from_peers(b);
		break;
	case M_LAST_ACK:
		establish_all(b);
		fin_from_peers(b);
		fin_from_apps(b, false);
		break;
	}
}

#endif /* TEST_NET_MATRIX_BATCH_H */
