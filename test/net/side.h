/* SPDX-License-Identifier: MIT */
/*
 * side.h - both ends of connections of tcpd, or of the kernel, in one program:
 * the peer, which it plays packet by packet, and the app on the socket.  What
 * must happen and does not ends the program.
 */
#ifndef TEST_NET_SIDE_H
#define TEST_NET_SIDE_H

#include <stdio.h>
#include <stdlib.h>

#include "shot.h"
#include "tcpd_app.h"

#define PATIENCE   2.0	 /* for what must come */
#define FIRST_PORT 20000 /* of the peers */

/* The kernel's or tcpd's. */
struct side {
	const char *dev;
	const char *host[2], *peer[2], *broadcast; /* IPv4, IPv6 */
	bool kernel;
	int family;
	struct line line;
	int listener;
	uint16_t port; /* of the listener */
	uint16_t next_port, next_echo;
};

struct peer {
	uint16_t port;
	uint32_t snd, rcv; /* RCV.NXT and SND.NXT of the side shot at */
	int fd;		   /* the app's; -1: none */
	bool stamped;
	uint32_t ts_echo;
	char opt[12];
};

static uint8_t packet[70000];

static inline void die(const char *what)
{
	(void)fprintf(stderr, "%s: %s: %s\n", program_invocation_short_name,
		      what, strerror(errno));
	exit(2);
}

/* --- packets */

static inline void address(int family, const char *text, uint8_t ip[16])
{
	if (inet_pton(family, text, ip) != 1)
		die(text);
}

static inline struct shot shot_of(const struct side *s)
{
	bool v6 = s->family == AF_INET6;
	struct shot shot = {
		.family = s->family, .dport = s->port, .win = 65535};

	address(s->family, s->peer[v6], shot.src);
	address(s->family, s->host[v6], shot.dst);
	return shot;
}

static inline struct shot segment(const struct side *s, const struct peer *c,
				  uint8_t flags)
{
	struct shot shot = shot_of(s);

	shot.sport = c->port;
	shot.seq = c->snd;
	shot.ack = flags & ACK ? c->rcv : 0;
	shot.flags = flags;
	return shot;
}

/* Time stamps: ours stand still, which RFC 7323 allows. */
static inline void stamp(struct peer *c, struct shot *s, int32_t ts)
{
	uint8_t *o = (uint8_t *)c->opt;

	memcpy(o, (const uint8_t[]){1, 1, 8, 10}, 4);
	raw_put32(o + 4, 0x12345678 + (uint32_t)ts);
	raw_put32(o + 8, s->flags & ACK ? c->ts_echo : 0);
	s->opt = c->opt;
	s->nopt = 12;
}

static inline void put(const struct side *s, const struct shot *shot)
{
	uint8_t p[SHOT_MAX];

	if (line_put(&s->line, p, shot_build(shot, p)) < 0)
		die("write");
}

static inline void say(const struct side *s, struct peer *c, uint8_t flags,
		       const char *data)
{
	struct shot shot = segment(s, c, flags);

	shot.data = data;
	shot.len = (uint16_t)strlen(data);
	if (c->stamped)
		stamp(c, &shot, 0);
	put(s, &shot);
}

/* The next segment of the host, to whomever. */
static inline bool hear(const struct side *s, double until, struct answer *a)
{
	struct shot us = shot_of(s);
	size_t n;

	while ((n = line_get(&s->line, packet, sizeof(packet), until)) > 0)
		if (shot_read(packet, n, a) &&
		    memcmp(a->src, us.dst, shot_alen(s->family)) == 0)
			return true;
	return false;
}

/* Until one to |c| that has all of |flags|, |len| octets, and, unless it has
 * SYN, begins where it should. */
static inline bool await(const struct side *s, const struct peer *c,
			 uint8_t flags, uint32_t len, struct answer *a)
{
	double until = line_now() + PATIENCE;

	while (hear(s, until, a))
		if (a->dport == c->port && (a->flags & flags) == flags &&
		    a->len >= len && (flags & SYN || a->seq == c->rcv))
			return true;
	return false;
}

/* --- the apps */

static inline void open_listener(struct side *s)
{
	bool v6 = s->family == AF_INET6;
	struct sockaddr_in6 sa6 = {.sin6_family = AF_INET6,
				   .sin6_port = htons(s->port)};
	struct sockaddr_in sa4 = {.sin_family = AF_INET,
				  .sin_port = htons(s->port)};
	const struct sockaddr *sa =
		v6 ? (struct sockaddr *)&sa6 : (struct sockaddr *)&sa4;
	socklen_t len = v6 ? sizeof(sa6) : sizeof(sa4);
	int type = SOCK_STREAM | SOCK_NONBLOCK;

	address(s->family, s->host[v6],
		v6 ? (uint8_t *)&sa6.sin6_addr : (uint8_t *)&sa4.sin_addr);
	if (s->kernel) {
		s->listener = socket(s->family, type, 0);
		if (bind(s->listener, sa, len) < 0 ||
		    listen(s->listener, 100) < 0)
			die("listen");
		return;
	}
	s->listener = tcpd_app_socket(s->family, type, 0);
	if (s->listener < 0 || tcpd_app_bind(s->listener, sa, len) < 0 ||
	    tcpd_app_listen(s->listener, 100) < 0)
		die("tcpd_app_listen");
}

static inline int take(const struct side *s)
{
	struct pollfd pfd = {.fd = s->listener, .events = POLLIN};

	if (poll(&pfd, 1, (int)(PATIENCE * 1000)) <= 0)
		return -1;
	return s->kernel ? accept4(s->listener, NULL, NULL, SOCK_NONBLOCK)
			 : tcpd_app_accept(s->listener, NULL, NULL,
					   SOCK_NONBLOCK);
}

/* |want| octets; fewer: *err is what ended it (0: the peer's FIN, ETIMEDOUT:
 * nothing came). */
static inline size_t app_read(int fd, char *buf, size_t want, int *err)
{
	struct pollfd pfd = {.fd = fd, .events = POLLIN};
	size_t got = 0;

	*err = 0;
	while (got < want) {
		ssize_t n = read(fd, buf + got, want - got);

		if (n > 0) {
			got += (size_t)n;
		} else if (n == 0 || errno != EAGAIN) {
			*err = n ? errno : 0;
			break;
		} else if (poll(&pfd, 1, (int)(PATIENCE * 1000)) <= 0) {
			*err = ETIMEDOUT;
			break;
		}
	}
	return got;
}

static inline void must(bool did, const struct side *s, const char *what)
{
	if (did)
		return;
	(void)fprintf(stderr, "%s: %s: no %s\n", program_invocation_short_name,
		      s->dev, what);
	exit(2);
}

static inline void open_side(struct side *s, int family)
{
	s->family = family;
	s->next_port = FIRST_PORT;
	if (line_open(&s->line, family, s->kernel, s->dev) < 0)
		die(s->dev);
	open_listener(s);
}

/* --- a fence: what is answered before an echo was answered for good */

typedef void heard(void *arg, const struct answer *a);

static inline void until_echo(struct side *s, heard *each, void *arg)
{
	struct shot us = shot_of(s);
	uint8_t p[SHOT_MAX];
	double until = line_now() + PATIENCE;
	struct answer a;
	size_t n;

	s->next_echo++;
	if (line_put(&s->line, p, shot_echo(&us, s->next_echo, p)) < 0)
		die("write");
	for (;;) {
		n = line_get(&s->line, packet, sizeof(packet), until);
		if (n == 0) {
			errno = ETIMEDOUT;
			die("no echo");
		}
		if (shot_is_echo(packet, n, s->next_echo))
			return;
		if (shot_read(packet, n, &a) &&
		    memcmp(a.src, us.dst, shot_alen(s->family)) == 0)
			each(arg, &a);
	}
}

/* Twice: tcpd may write what one turn of its loop owes in any order. */
static inline void fence(struct side *s, heard *each, void *arg)
{
	until_echo(s, each, arg);
	until_echo(s, each, arg);
}

/* --- a connection */

static inline struct peer peer_new(struct side *s)
{
	return (struct peer){.port = s->next_port++,
			     .snd = 0x10000000u + s->next_port * 65537u,
			     .rcv = 0x50000000u,
			     .fd = -1};
}

static inline void half_open(struct side *s, struct peer *c)
{
	struct shot shot;
	struct answer a;

	c->snd--;
	shot = segment(s, c, SYN);
	if (c->stamped)
		stamp(c, &shot, 0);
	put(s, &shot);
	must(await(s, c, SYN | ACK, 0, &a), s, "SYN-ACK");
	c->snd++;
	c->rcv = a.seq + 1;
	for (size_t i = 0; i + 10 <= a.nopt; i++)
		if (a.opt[i] == 8 && a.opt[i + 1] == 10)
			c->ts_echo = raw_get32(a.opt + i + 2);
}

/* Text each way, so that there is something old to shoot with; not as much
 * each way, or the kernel would take what follows for a cookie's last ACK. */
static inline void establish(struct side *s, struct peer *c)
{
	static const char text[] = "0123456789abcdef";
	char buf[sizeof(text)];
	struct answer a;
	int err;

	half_open(s, c);
	say(s, c, ACK, "");
	c->fd = take(s);
	must(c->fd >= 0, s, "connection");
	say(s, c, PSH | ACK, text);
	c->snd += 16;
	must(app_read(c->fd, buf, 16, &err) == 16, s, "text");
	must(write(c->fd, buf, 12) == 12, s, "room");
	must(await(s, c, 0, 12, &a), s, "echoed text");
	c->rcv += 12;
	say(s, c, ACK, "");
}

#endif /* TEST_NET_SIDE_H */
