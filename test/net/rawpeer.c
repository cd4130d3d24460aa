/* SPDX-License-Identifier: MIT */
/*
 * rawpeer.c - a TCP peer without a TCP: sends the segments it is told to and
 * prints what comes back, as tcpdump does.
 *
 *	rawpeer [-i tcpd0] [-s 10.77.0.77:4000] [-d 10.77.0.2:80] < script
 *	rawpeer -s '[fd77::77]:4000' -d '[fd77::2]:80' < script
 *
 * It sits on the TUN's interface with AF_PACKET.  Its address is not one of
 * the kernel's, so no kernel answers in its place.  One command a line:
 *
 *	send FLAGS [seq=N] [ack=N] [win=N] [mss=N] [ts=VAL,ECR] [data=TEXT]
 *	     [len=N]	 FLAGS of SFRPA.; N absolute, or +N/-N from what is due
 *	wait FLAGS [MS]	 until a segment with just these flags ("any": any; P
 *			 does not count) comes: exit code 1 after MS (2000)
 *	quiet MS	 nothing may come: exit code 1
 *	log MS		 print what comes
 *	port N		 go on as another connection, from port N
 *	accept [MS]	 wait for a SYN to any port of ours; be its peer
 *	sleep MS
 *	say WORD	 print "# WORD": so far it came
 *
 * SND.NXT and RCV.NXT are kept: a plain `send A` acknowledges all that came.
 * Lines printed: seconds since the start, direction, segment.
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "rawtcp.h"

static struct {
	struct rawdev dev;
	struct segment head; /* addresses and ports of what is sent */
	uint32_t snd_nxt, rcv_nxt;
	bool any_port; /* accept: the peer chooses */
	struct timespec start;
} me;

static void die(const char *what)
{
	(void)fprintf(stderr, "rawpeer: %s\n", what);
	exit(2);
}

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)(t.tv_sec - me.start.tv_sec) +
	       (double)(t.tv_nsec - me.start.tv_nsec) / 1e9;
}

static void print(const char *dir, const struct segment *s)
{
	char flags[8];
	size_t n = 0;

	for (unsigned i = 0; i < 4; i++)
		if (s->flags & 1u << i)
			flags[n++] = "FSRP"[i];
	if (s->flags & ACK)
		flags[n++] = '.';
	flags[n] = '\0';
	printf("%9.6f %s %u>%u %s %u:%u(%u)", now(), dir, s->sport, s->dport,
	       flags, s->seq, s->seq + s->len, s->len);
	if (s->flags & ACK)
		printf(" ack %u", s->ack);
	printf(" win %u", s->win);
	if (s->mss)
		printf(" mss %u", s->mss);
	if (s->has_ts)
		printf(" ts %u,%u", s->ts_val, s->ts_ecr);
	putchar('\n');
	(void)fflush(stdout);
}

static bool ours(const struct segment *s)
{
	const struct segment *h = &me.head;

	/* of the other family's addresses both have none */
	return s->v6 == h->v6 && s->src == h->dst && s->dst == h->src &&
	       IN6_ARE_ADDR_EQUAL(&s->src6, &h->dst6) &&
	       IN6_ARE_ADDR_EQUAL(&s->dst6, &h->src6) &&
	       (me.any_port || (s->sport == h->dport && s->dport == h->sport));
}

static void learn(const struct segment *s)
{
	uint32_t end = raw_end(s);

	if (s->flags & RST)
		return;
	if (s->flags & SYN || (int32_t)(end - me.rcv_nxt) > 0)
		me.rcv_nxt = end;
}

/* The next segment of ours before |until|; false: time is up. */
static bool receive(double until, struct segment *s)
{
	static uint8_t buf[70000];
	struct pollfd pfd = {.fd = me.dev.fd, .events = POLLIN};

	for (;;) {
		double left = until - now();

		if (poll(&pfd, 1, left > 0 ? (int)(left * 1000) + 1 : 0) <= 0) {
			if (left > 0)
				continue;
			return false;
		}
		if (!raw_receive(&me.dev, buf, sizeof(buf), s) || !ours(s))
			continue;
		print("<", s);
		learn(s);
		return true;
	}
}

static unsigned flags_of(const char *text)
{
	unsigned f = 0;

	if (strcmp(text, "any") == 0)
		return 256;
	for (; *text; text++)
		switch (*text) {
		case 'F':
			f |= FIN;
			break;
		case 'S':
			f |= SYN;
			break;
		case 'R':
			f |= RST;
			break;
		case 'P':
			f |= PSH;
			break;
		case 'A':
		case '.':
			f |= ACK;
			break;
		default:
			die("flags: expected letters of SFRPA.");
		}
	return f;
}

/* "7", "+7" and "-7" beside what is due. */
static uint32_t number(const char *text, uint32_t due)
{
	if (*text == '+' || *text == '-')
		return due + (uint32_t)strtol(text, NULL, 10);
	return (uint32_t)strtoul(text, NULL, 10);
}

static void do_send(char *flags, char **save)
{
	static uint8_t data[1460];
	struct segment s = me.head;
	char *w, *v;
	uint32_t end;

	s.win = 65535;
	s.flags = (uint8_t)flags_of(flags);
	s.seq = me.snd_nxt;
	if (s.flags & ACK)
		s.ack = me.rcv_nxt;
	while ((w = strtok_r(NULL, " \t\n", save)) != NULL) {
		v = strchr(w, '=');
		if (!v)
			die("send: expected NAME=VALUE");
		*v++ = '\0';
		if (strcmp(w, "seq") == 0) {
			s.seq = number(v, me.snd_nxt);
		} else if (strcmp(w, "ack") == 0) {
			s.ack = number(v, me.rcv_nxt);
		} else if (strcmp(w, "win") == 0) {
			s.win = (uint16_t)number(v, 0);
		} else if (strcmp(w, "mss") == 0) {
			s.mss = (uint16_t)number(v, 0);
		} else if (strcmp(w, "ts") == 0) {
			s.has_ts = true;
			s.ts_val = number(v, 0);
			v = strchr(v, ',');
			s.ts_ecr = v ? number(v + 1, 0) : 0;
		} else if (strcmp(w, "data") == 0) {
			s.data = (uint8_t *)v;
			s.len = (uint32_t)strlen(v);
		} else if (strcmp(w, "len") == 0) {
			s.data = data;
			s.len = number(v, 0);
			if (s.len > sizeof(data))
				die("len: at most 1460");
			memset(data, 'x', s.len);
		} else {
			die("send: unknown word");
		}
	}
	print(">", &s);
	if (raw_send(&me.dev, &s) < 0)
		die(strerror(errno));
	end = raw_end(&s);
	if (s.flags & SYN || (int32_t)(end - me.snd_nxt) > 0)
		me.snd_nxt = end;
}

static int do_wait(const char *flags, double ms)
{
	unsigned want = flags_of(flags);
	double until = now() + ms / 1000;
	struct segment s;

	while (receive(until, &s))
		if (want == 256 || ((s.flags ^ want) & ~(unsigned)PSH) == 0)
			return 0;
	printf("# nothing like %s came within %g ms\n", flags, ms);
	return 1;
}

static int do_accept(double ms)
{
	double until = now() + ms / 1000;
	struct segment s;

	me.any_port = true;
	while (receive(until, &s)) {
		if (s.flags != SYN)
			continue;
		me.any_port = false;
		me.head.sport = s.dport;
		me.head.dport = s.sport;
		me.rcv_nxt = s.seq + 1;
		return 0;
	}
	printf("# no SYN came within %g ms\n", ms);
	return 1;
}

static int command(char *line)
{
	char *save, *verb = strtok_r(line, " \t\n", &save), *arg;
	struct segment s;
	double until;

	if (!verb || *verb == '#')
		return 0;
	arg = strtok_r(NULL, " \t\n", &save);
	if (strcmp(verb, "accept") == 0)
		return do_accept(arg ? strtod(arg, NULL) : 2000);
	if (!arg)
		die("argument missing");
	until = now() + strtod(arg, NULL) / 1000;
	if (strcmp(verb, "send") == 0) {
		do_send(arg, &save);
	} else if (strcmp(verb, "wait") == 0) {
		char *ms = strtok_r(NULL, " \t\n", &save);

		return do_wait(arg, ms ? strtod(ms, NULL) : 2000);
	} else if (strcmp(verb, "quiet") == 0) {
		if (receive(until, &s)) {
			puts("# nothing should have come");
			return 1;
		}
	} else if (strcmp(verb, "log") == 0) {
		while (receive(until, &s))
			;
	} else if (strcmp(verb, "sleep") == 0) {
		usleep((useconds_t)(strtod(arg, NULL) * 1000));
	} else if (strcmp(verb, "say") == 0) {
		printf("# %s\n", arg);
		(void)fflush(stdout);
	} else if (strcmp(verb, "port") == 0) {
		me.head.sport = (uint16_t)strtoul(arg, NULL, 10);
		me.snd_nxt = 1000;
		me.rcv_nxt = 0;
	} else {
		die("unknown command");
	}
	return 0;
}

/* "10.77.0.2:80" or "[fd77::2]:80". */
static void address(const char *arg, uint32_t *ip, struct in6_addr *ip6,
		    uint16_t *port)
{
	char text[80];
	char *colon;

	(void)snprintf(text, sizeof(text), "%s", arg);
	colon = strrchr(text, ':');
	if (!colon)
		die("expected ADDRESS:PORT");
	*colon = '\0';
	*port = (uint16_t)strtoul(colon + 1, NULL, 10);
	if (text[0] == '[' && colon[-1] == ']') {
		colon[-1] = '\0';
		me.head.v6 = true;
		*ip = 0;
		if (inet_pton(AF_INET6, text + 1, ip6) == 1)
			return;
	} else if (inet_pton(AF_INET, text, ip) == 1) {
		return;
	}
	die("expected an IPv4 address, or an IPv6 address in brackets");
}

int main(int argc, char **argv)
{
	const char *dev = "tcpd0", *src = "10.77.0.77:4000",
		   *dst = "10.77.0.2:80";
	struct segment *h = &me.head;
	char line[4096];
	int c, rc = 0;

	while ((c = getopt(argc, argv, "i:s:d:")) != -1) {
		if (c == 'i')
			dev = optarg;
		else if (c == 's')
			src = optarg;
		else if (c == 'd')
			dst = optarg;
		else
			die("usage: rawpeer [-i DEV] [-s ADDR:PORT] "
			    "[-d ADDR:PORT] < script");
	}
	address(src, &h->src, &h->src6, &h->sport);
	address(dst, &h->dst, &h->dst6, &h->dport);
	if (!h->src != h->v6 || !h->dst != h->v6)
		die("both addresses have to be of one family");
	me.snd_nxt = 1000;
	if (raw_open_for(&me.dev, dev, h->v6 ? ETH_P_IPV6 : ETH_P_IP) < 0 ||
	    raw_only_to(&me.dev, h) < 0) {
		perror(dev);
		return 2;
	}
	clock_gettime(CLOCK_MONOTONIC, &me.start);
	while (rc == 0 && fgets(line, sizeof(line), stdin))
		rc = command(line);
	return rc;
}
