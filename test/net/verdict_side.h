/* SPDX-License-Identifier: MIT */
/*
 * verdict_side.h - the two sides of verdicts.c: the peer, which the program
 * plays packet by packet, and the app on the socket of the kernel or of tcpd.
 * What must happen and does not ends the program.
 */
#ifndef TEST_NET_VERDICT_SIDE_H
#define TEST_NET_VERDICT_SIDE_H

#include <stdio.h>
#include <stdlib.h>

#include "shot.h"
#include "tcpd_app.h"

#define PATIENCE 2.0 /* for what must come */
#define PORT	 5000

/* The kernel's or tcpd's. */
struct side {
	const char *dev;
	const char *host[2], *peer[2], *broadcast; /* IPv4, IPv6 */
	bool kernel;
	int family;
	struct line line;
	int listener;
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

static void die(const char *what)
{
	(void)fprintf(stderr, "verdicts: %s: %s\n", what, strerror(errno));
	exit(2);
}

/* --- packets */

static void address(int family, const char *text, uint8_t ip[16])
{
	if (inet_pton(family, text, ip) != 1)
		die(text);
}

static struct shot shot_of(const struct side *s)
{
	bool v6 = s->family == AF_INET6;
	struct shot shot = {.family = s->family, .dport = PORT, .win = 65535};

	address(s->family, s->peer[v6], shot.src);
	address(s->family, s->host[v6], shot.dst);
	return shot;
}

static struct shot segment(const struct side *s, const struct peer *c,
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
static void stamp(struct peer *c, struct shot *s, int32_t ts)
{
	uint8_t *o = (uint8_t *)c->opt;

	memcpy(o, (const uint8_t[]){1, 1, 8, 10}, 4);
	raw_put32(o + 4, 0x12345678 + (uint32_t)ts);
	raw_put32(o + 8, s->flags & ACK ? c->ts_echo : 0);
	s->opt = c->opt;
	s->nopt = 12;
}

static void put(const struct side *s, const struct shot *shot)
{
	uint8_t p[SHOT_MAX];

	if (line_put(&s->line, p, shot_build(shot, p)) < 0)
		die("write");
}

static void say(const struct side *s, struct peer *c, uint8_t flags,
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
static bool hear(const struct side *s, double until, struct answer *a)
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
static bool await(const struct side *s, const struct peer *c, uint8_t flags,
		  uint32_t len, struct answer *a)
{
	double until = line_now() + PATIENCE;

	while (hear(s, until, a))
		if (a->dport == c->port && (a->flags & flags) == flags &&
		    a->len >= len && (flags & SYN || a->seq == c->rcv))
			return true;
	return false;
}

/* --- the apps */

static void open_listener(struct side *s)
{
	bool v6 = s->family == AF_INET6;
	struct sockaddr_in6 sa6 = {.sin6_family = AF_INET6,
				   .sin6_port = htons(PORT)};
	struct sockaddr_in sa4 = {.sin_family = AF_INET,
				  .sin_port = htons(PORT)};
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

static int take(const struct side *s)
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
static size_t app_read(int fd, char *buf, size_t want, int *err)
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

static void must(bool did, const struct side *s, const char *what)
{
	if (did)
		return;
	(void)fprintf(stderr, "verdicts: %s: no %s\n", s->dev, what);
	exit(2);
}

#endif /* TEST_NET_VERDICT_SIDE_H */
