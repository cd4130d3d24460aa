/* SPDX-License-Identifier: MIT */
/*
 * inject.c - what a peer can make of one connection (or seven), packet by
 * packet, over AF_PACKET.  For scripts/bench/attacks.
 *
 *	inject [-i tcpd0] ADDRESS PORT old N	 100 octets, and N copies of
 *them: prints ACKs a second
 *	inject [-i tcpd0] ADDRESS PORT gaps N	 N octets, a gap before each;
 *						 prints ready, ends with stdin
 *	inject [-i tcpd0] ADDRESS PORT mss	 connections with the MSS
 *options 0 1 8 47 48 65535 and none, from the ports 40000 on, that take
 *						 nothing; ready, ends with stdin
 */
#include <poll.h>

#include "bench.h"
#include "test/net/rawtcp.h"

#define FIRST_PORT 40000u
#define RATE	   20000u /* copies a second */
#define NO_MSS	   (-1)

struct peer {
	uint16_t port;
	uint32_t snd, rcv; /* the next numbers */
};

static struct rawdev dev;
static struct segment proto;

static void send_segment(const struct peer *p, uint8_t flags, uint32_t seq,
			 uint32_t len)
{
	static uint8_t data[100];
	struct segment s = proto;

	s.sport = p->port;
	s.flags = flags;
	s.seq = seq;
	s.ack = p->rcv;
	s.win = 65535;
	s.data = data;
	s.len = len;
	while (raw_send(&dev, &s) < 0)
		if (errno != ENOBUFS && errno != EINTR)
			die("send");
}

/* A SYN whose MSS option may say anything; rawtcp.h writes none for 0. */
static void send_syn(const struct peer *p, int mss)
{
	uint8_t pkt[96] = {0};
	struct segment s = proto;
	size_t len;

	s.sport = p->port;
	s.flags = SYN;
	s.seq = p->snd;
	s.win = 65535;
	s.mss = mss == NO_MSS ? 0 : 1;
	len = raw_build(&s, pkt, sizeof(pkt));
	if (mss != NO_MSS) {
		size_t ip = proto.v6 ? 40 : 20;
		uint8_t *t = pkt + ip;
		uint32_t sum = raw_add((uint32_t)(IPPROTO_TCP + len - ip),
				       proto.v6 ? pkt + 8 : pkt + 12,
				       proto.v6 ? 32 : 8);

		raw_put16(t + 22, (uint32_t)mss);
		raw_put16(t + 16, 0);
		raw_put16(t + 16, raw_fold(raw_add(sum, t, len - ip)));
	}
	if (sendto(dev.fd, pkt, len, 0, (const struct sockaddr *)&dev.to,
		   sizeof(dev.to)) < 0)
		die("send");
}

/* The next segment to |p| within |ms|; false: there is none. */
static bool receive(const struct peer *p, struct segment *s, int ms)
{
	static uint8_t buf[70000];
	uint64_t end = now_ns() + (uint64_t)ms * 1000000u, now;

	while ((now = now_ns()) < end) {
		struct pollfd pfd = {.fd = dev.fd, .events = POLLIN};

		if (poll(&pfd, 1, (int)((end - now) / 1000000u) + 1) > 0 &&
		    raw_receive(&dev, buf, sizeof(buf), s) &&
		    raw_answers(s, &proto) && s->dport == p->port)
			return true;
	}
	return false;
}

static void open_peer(struct peer *p, uint16_t port, int mss)
{
	struct segment s;

	*p = (struct peer){.port = port, .snd = 1000u * port};
	send_syn(p, mss);
	errno = ETIMEDOUT;
	if (!receive(p, &s, 5000) || s.flags != (SYN | ACK))
		die("no SYN-ACK");
	p->snd++;
	p->rcv = s.seq + 1;
	send_segment(p, ACK, p->snd, 0);
}

static void until_eof(void)
{
	(void)puts("ready");
	(void)fflush(stdout);
	while (getchar() != EOF)
		;
}

static void old(unsigned n)
{
	unsigned acks = 0, sent = 0;
	uint64_t begin, now;
	struct segment s;
	struct peer p;

	open_peer(&p, FIRST_PORT, 1460);
	send_segment(&p, ACK | PSH, p.snd, 100);
	while (receive(&p, &s, 300)) /* its ACK, and what it brings */
		p.rcv = raw_end(&s);
	begin = now_ns();
	while (sent < n) {
		now = now_ns();
		while (sent < n &&
		       sent < (now - begin) / (1000000000u / RATE)) {
			send_segment(&p, ACK | PSH, p.snd, 100);
			sent++;
		}
		while (receive(&p, &s, 1))
			acks += s.len == 0;
	}
	now = now_ns();
	while (receive(&p, &s, 100))
		acks += s.len == 0;
	printf("acks %u seconds %.3f\n", acks, (double)(now - begin) / 1e9);
	send_segment(&p, RST, p.snd + 100, 0);
}

static void gaps(unsigned n)
{
	struct segment s;
	struct peer p;

	open_peer(&p, FIRST_PORT, 1460);
	for (unsigned i = 0; i < n; i++) {
		send_segment(&p, ACK, p.snd + 2 * i + 1, 1);
		/* in step: the TUN's queue drops what is too much */
		if (i % 256 == 255)
			(void)receive(&p, &s, 100);
	}
	while (receive(&p, &s, 100))
		;
	until_eof();
	send_segment(&p, RST, p.snd, 0);
}

static void mss(void)
{
	static const int option[] = {0, 1, 8, 47, 48, 65535, NO_MSS};
	struct peer p[sizeof(option) / sizeof(option[0])];

	for (size_t i = 0; i < sizeof(option) / sizeof(option[0]); i++)
		open_peer(&p[i], (uint16_t)(FIRST_PORT + i), option[i]);
	until_eof();
	for (size_t i = 0; i < sizeof(option) / sizeof(option[0]); i++)
		send_segment(&p[i], RST, p[i].snd, 0);
}

int main(int argc, char **argv)
{
	const char *name = "tcpd0";
	struct place from, to;

	if (argc > 2 && strcmp(argv[1], "-i") == 0) {
		name = argv[2];
		argv += 2;
		argc -= 2;
	}
	if (argc < 4 || argc > 5) {
		(void)fputs("usage: inject [-i DEV] ADDRESS PORT old N|gaps N|"
			    "mss\n",
			    stderr);
		return 2;
	}
	to = place(argv[1], (unsigned)number(argv[2]));
	from = place(place_v6(&to) ? "fd77::78" : "10.77.0.78", 0);
	raw_between(&proto, &from, &to);
	if (raw_open_for(&dev, name, proto.v6 ? ETH_P_IPV6 : ETH_P_IP) < 0)
		die(name);
	if (strcmp(argv[3], "old") == 0 && argc == 5)
		old((unsigned)number(argv[4]));
	else if (strcmp(argv[3], "gaps") == 0 && argc == 5)
		gaps((unsigned)number(argv[4]));
	else if (strcmp(argv[3], "mss") == 0 && argc == 4)
		mss();
	else
		return 2;
	return 0;
}
