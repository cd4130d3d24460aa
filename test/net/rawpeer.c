/* SPDX-License-Identifier: MIT */
/*
 * rawpeer.c - a TCP peer without a TCP: sends the segments it is told to and
 * prints what comes back, as tcpdump does.
 *
 *	rawpeer [-i tcpd0] [-s 10.77.0.77:4000] [-d 10.77.0.2:80] < script
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
 *
 * SND.NXT and RCV.NXT are kept: a plain `send A` acknowledges all that came.
 * Lines printed: seconds since the start, direction, segment.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { FIN = 1, SYN = 2, RST = 4, PSH = 8, ACK = 16 };

struct segment {
	uint32_t seq, ack, ts_val, ts_ecr;
	uint16_t win, mss, sport, dport;
	uint8_t flags;
	bool has_ts;
	const uint8_t *data;
	uint32_t len;
};

static struct {
	int fd;
	struct sockaddr_ll to;
	uint32_t src, dst; /* network order */
	uint16_t sport, dport;
	uint32_t snd_nxt, rcv_nxt;
	bool any_port; /* accept: the peer chooses */
	struct timespec start;
} me;

static void die(const char *what)
{
	fprintf(stderr, "rawpeer: %s\n", what);
	exit(2);
}

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)(t.tv_sec - me.start.tv_sec) +
	       (double)(t.tv_nsec - me.start.tv_nsec) / 1e9;
}

static uint16_t get16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

static uint32_t get32(const uint8_t *p)
{
	return (uint32_t)get16(p) << 16 | get16(p + 2);
}

static void put16(uint8_t *p, uint32_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static void put32(uint8_t *p, uint32_t v)
{
	put16(p, v >> 16);
	put16(p + 2, v & 0xffff);
}

static uint32_t add(uint32_t sum, const uint8_t *p, size_t len)
{
	for (; len > 1; p += 2, len -= 2)
		sum += get16(p);
	return len ? sum + (uint32_t)(p[0] << 8) : sum;
}

static uint16_t fold(uint32_t sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
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
	fflush(stdout);
}

static void transmit(const struct segment *s)
{
	uint8_t p[1600] = {0}, *t = p + 20;
	uint32_t nopt = 0, sum;
	uint16_t len;

	if (s->mss) {
		memcpy(t + 20, (const uint8_t[]){2, 4}, 2);
		put16(t + 22, s->mss);
		nopt = 4;
	}
	if (s->has_ts) {
		memcpy(t + 20 + nopt, (const uint8_t[]){1, 1, 8, 10}, 4);
		put32(t + 24 + nopt, s->ts_val);
		put32(t + 28 + nopt, s->ts_ecr);
		nopt += 12;
	}
	if (40 + nopt + s->len > sizeof(p))
		die("segment too long");
	len = (uint16_t)(20 + nopt + s->len);
	p[0] = 0x45;
	put16(p + 2, 20u + len);
	put16(p + 6, 0x4000);
	p[8] = 64;
	p[9] = IPPROTO_TCP;
	memcpy(p + 12, &me.src, 4);
	memcpy(p + 16, &me.dst, 4);
	put16(p + 10, fold(add(0, p, 20)));
	put16(t, s->sport);
	put16(t + 2, s->dport);
	put32(t + 4, s->seq);
	put32(t + 8, s->ack);
	t[12] = (uint8_t)((20 + nopt) / 4 << 4);
	t[13] = s->flags;
	put16(t + 14, s->win);
	if (s->len)
		memcpy(t + 20 + nopt, s->data, s->len);
	sum = add(add(IPPROTO_TCP + (uint32_t)len, p + 12, 8), t, len);
	put16(t + 16, fold(sum));
	print(">", s);
	if (sendto(me.fd, p, 20u + len, 0, (struct sockaddr *)&me.to,
		   sizeof(me.to)) < 0)
		die(strerror(errno));
}

static void read_options(const uint8_t *o, const uint8_t *end,
			 struct segment *s)
{
	while (o < end && *o != 0) {
		if (*o == 1) {
			o++;
			continue;
		}
		if (end - o < 2 || o[1] < 2 || o[1] > end - o)
			return;
		if (*o == 2 && o[1] == 4)
			s->mss = get16(o + 2);
		if (*o == 8 && o[1] == 10) {
			s->has_ts = true;
			s->ts_val = get32(o + 2);
			s->ts_ecr = get32(o + 6);
		}
		o += o[1];
	}
}

/* A segment of our connection, if |p| holds one. */
static bool parse(const uint8_t *p, size_t len, struct segment *s)
{
	size_t ihl, off, total;
	const uint8_t *t;

	if (len < 40 || p[0] >> 4 != 4 || p[9] != IPPROTO_TCP ||
	    memcmp(p + 12, &me.dst, 4) != 0 || memcmp(p + 16, &me.src, 4) != 0)
		return false;
	ihl = (size_t)(p[0] & 15) * 4;
	total = get16(p + 2);
	if (ihl < 20 || total > len || total < ihl + 20)
		return false;
	t = p + ihl;
	off = (size_t)(t[12] >> 4) * 4;
	if (off < 20 || ihl + off > total)
		return false;
	memset(s, 0, sizeof(*s));
	s->sport = get16(t);
	s->dport = get16(t + 2);
	if (!me.any_port && (s->sport != me.dport || s->dport != me.sport))
		return false;
	s->seq = get32(t + 4);
	s->ack = get32(t + 8);
	s->flags = t[13] & 0x1f;
	s->win = get16(t + 14);
	s->data = t + off;
	s->len = (uint32_t)(total - ihl - off);
	read_options(t + 20, t + off, s);
	return true;
}

static void learn(const struct segment *s)
{
	uint32_t end =
		s->seq + s->len + !!(s->flags & SYN) + !!(s->flags & FIN);

	if (s->flags & RST)
		return;
	if (s->flags & SYN || (int32_t)(end - me.rcv_nxt) > 0)
		me.rcv_nxt = end;
}

/* The next segment of ours before |until|; false: time is up. */
static bool receive(double until, struct segment *s)
{
	static uint8_t buf[70000];
	struct pollfd pfd = {.fd = me.fd, .events = POLLIN};
	ssize_t n;

	for (;;) {
		struct sockaddr_ll from = {0};
		socklen_t nfrom = sizeof(from);
		double left = until - now();

		if (poll(&pfd, 1, left > 0 ? (int)(left * 1000) + 1 : 0) <= 0) {
			if (left > 0)
				continue;
			return false;
		}
		n = recvfrom(me.fd, buf, sizeof(buf), 0,
			     (struct sockaddr *)&from, &nfrom);
		if (n < 0 || from.sll_pkttype == PACKET_OUTGOING)
			continue;
		if (parse(buf, (size_t)n, s)) {
			print("<", s);
			learn(s);
			return true;
		}
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
	struct segment s = {.sport = me.sport, .dport = me.dport, .win = 65535};
	char *w, *v;
	uint32_t end;

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
	transmit(&s);
	end = s.seq + s.len + !!(s.flags & SYN) + !!(s.flags & FIN);
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
		me.sport = s.dport;
		me.dport = s.sport;
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
	} else if (strcmp(verb, "port") == 0) {
		me.sport = (uint16_t)strtoul(arg, NULL, 10);
		me.snd_nxt = 1000;
		me.rcv_nxt = 0;
	} else {
		die("unknown command");
	}
	return 0;
}

static void address(char *text, uint32_t *ip, uint16_t *port)
{
	char *colon = strchr(text, ':');
	struct in_addr a;

	if (!colon)
		die("expected ADDRESS:PORT");
	*colon = '\0';
	if (inet_pton(AF_INET, text, &a) != 1)
		die("expected an IPv4 address");
	*ip = a.s_addr;
	*port = (uint16_t)strtoul(colon + 1, NULL, 10);
}

int main(int argc, char **argv)
{
	char src[] = "10.77.0.77:4000", dst[] = "10.77.0.2:80", line[4096];
	const char *dev = "tcpd0";
	int c, rc = 0;

	address(src, &me.src, &me.sport);
	address(dst, &me.dst, &me.dport);
	while ((c = getopt(argc, argv, "i:s:d:")) != -1) {
		if (c == 'i')
			dev = optarg;
		else if (c == 's')
			address(optarg, &me.src, &me.sport);
		else if (c == 'd')
			address(optarg, &me.dst, &me.dport);
		else
			die("usage: rawpeer [-i DEV] [-s ADDR:PORT] "
			    "[-d ADDR:PORT] < script");
	}
	me.snd_nxt = 1000;
	me.fd = socket(AF_PACKET, SOCK_DGRAM, htons(ETH_P_IP));
	if (me.fd < 0)
		die(strerror(errno));
	me.to = (struct sockaddr_ll){.sll_family = AF_PACKET,
				     .sll_protocol = htons(ETH_P_IP),
				     .sll_ifindex = (int)if_nametoindex(dev)};
	if (!me.to.sll_ifindex ||
	    bind(me.fd, (struct sockaddr *)&me.to, sizeof(me.to)) < 0)
		die(dev);
	clock_gettime(CLOCK_MONOTONIC, &me.start);
	while (rc == 0 && fgets(line, sizeof(line), stdin))
		rc = command(line);
	return rc;
}
