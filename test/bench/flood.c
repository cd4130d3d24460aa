/* SPDX-License-Identifier: MIT */
/*
 * flood.c - segments from invented sources into an interface, as fast as
 * asked for, and what comes back for them.
 *
 *	flood -i IF -d ADDRESS:PORT [-r RATE] [-t SECONDS | -c COUNT]
 *	      [-k syn|ack|rst|fin] [-n SOURCES] [-s FIRST_SOURCE]
 *	      [-m MAC] [-b] [-q]
 *
 * Without -r, as many as the core makes.  Each packet of a run has four numbers
 * that none before had: SOURCES addresses (65536) from FIRST_SOURCE on
 * (198.18.0.0, 2001:2::), then the next port of each.  A SYN has the options
 * of a Linux client, with -b none.  -m: the other side's address, where the
 * link has some.
 *
 * Prints: sent N in S s = R/s; refused N; answers A/s; synack N rst N other N.
 * "refused": the interface did not take them.  The answers a second are those
 * that were back when the last packet left, the counts those of a moment
 * later.
 *
 * The packets go past the queueing discipline: on a TUN that is the same
 * queue of txqueuelen packets, which drops what has no room and tells nobody.
 */
#include <linux/filter.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <netinet/ether.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/uio.h>

#include "bench.h"
#include "test/net/rawtcp.h"

#define BATCH	   64u
#define TICK	   250000u /* ns between two bursts, when there is a rate */
#define FIRST_PORT 1024u
#define NPORTS	   (65536u - FIRST_PORT)
#define PATIENCE   500 /* ms for answers, at the end */

struct flood {
	const char *name;
	struct place to, source; /* the first one */
	double rate, seconds;
	uint64_t count;
	uint32_t sources, first; /* the last four octets of |source| */
	uint8_t flags;
	bool bare, quiet;
	struct ether_addr mac;
	bool has_mac;
	int fd, synack, rst, other;
	uint64_t sent, refused;
	uint32_t random;
	uint32_t port; /* which one comes first: another in each run */
	uint32_t ip_sum, tcp_sum; /* of what is the same in all */
	size_t nlink, nip, len;
	uint8_t pkt[BATCH][128];
	struct iovec iov[BATCH];
	struct mmsghdr msg[BATCH];
};

static uint32_t next_random(struct flood *f)
{
	f->random ^= f->random << 13;
	f->random ^= f->random >> 17;
	f->random ^= f->random << 5;
	return f->random;
}

static size_t options(const struct flood *f, uint8_t *o)
{
	static const uint8_t of_syn[20] = {2, 4, 5, 180, 4, 2, 8, 10, 0, 0,
					   0, 0, 0, 0,	 0, 0, 1, 3,  3, 7};

	if (f->flags != SYN || f->bare)
		return 0;
	memcpy(o, of_syn, sizeof(of_syn));
	return sizeof(of_syn);
}

/* All that is the same in every packet, and its part of the checksums. */
static void template(struct flood *f, uint8_t *p)
{
	struct segment s = {.v6 = place_v6(&f->to)};
	size_t nopt = options(f, p + f->nip + 20);
	uint8_t *t = p + f->nip;
	struct place none = f->source;

	memset(place_tail(&none), 0, 4);
	raw_between(&s, &none, &f->to);
	raw_ip_header(&s, 20 + nopt, p, &f->tcp_sum);
	raw_put16(t + 2, s.dport);
	t[12] = (uint8_t)((20 + nopt) / 4 << 4);
	t[13] = f->flags;
	raw_put16(t + 14, f->flags & RST ? 0 : 64240);
	if (!s.v6) {
		raw_put16(p + 10, 0);
		f->ip_sum = raw_add(0, p, 20);
	}
	f->tcp_sum = raw_add(f->tcp_sum + (uint32_t)(IPPROTO_TCP + 20 + nopt),
			     t, 20 + nopt);
	f->len = f->nip + 20 + nopt;
}

static void prepare(struct flood *f)
{
	for (unsigned i = 0; i < BATCH; i++) {
		uint8_t *p = f->pkt[i];

		if (f->nlink) {
			memcpy(p, &f->mac, 6);
			raw_put16(p + 12, f->nip == 40 ? ETH_P_IPV6 : ETH_P_IP);
		}
		template(f, p + f->nlink);
		f->iov[i] = (struct iovec){p, f->nlink + f->len};
		f->msg[i].msg_hdr =
			(struct msghdr){.msg_iov = &f->iov[i], .msg_iovlen = 1};
	}
}

/* Packet number |k|: source, port, sequence and acknowledgment number. */
static void vary(const struct flood *f, uint8_t *p, uint64_t k, uint32_t seq,
		 uint32_t ack)
{
	uint32_t src = f->first + (uint32_t)(k % f->sources);
	uint16_t port =
		(uint16_t)(FIRST_PORT + (k / f->sources + f->port) % NPORTS);
	uint32_t of_src = (src >> 16) + (src & 0xffff);
	uint8_t *t = p + f->nip;

	if (!(f->flags & ACK))
		ack = 0;
	if (f->nip == 40) {
		raw_put32(p + 20, src);
	} else {
		raw_put32(p + 12, src);
		raw_put16(p + 10, raw_fold(f->ip_sum + of_src));
	}
	raw_put16(t, port);
	raw_put32(t + 4, seq);
	raw_put32(t + 8, ack);
	raw_put16(t + 16,
		  raw_fold(f->tcp_sum + of_src + port + (seq >> 16) +
			   (seq & 0xffff) + (ack >> 16) + (ack & 0xffff)));
}

static void send_some(struct flood *f, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		uint32_t seq = next_random(f);

		vary(f, f->pkt[i] + f->nlink, f->sent + i, seq, seq * 69069u);
	}
	for (unsigned i = 0; i < n;) {
		int rc = sendmmsg(f->fd, f->msg + i, n - i, 0);

		if (rc > 0) {
			i += (unsigned)rc;
			continue;
		}
		/* a full queue: what happens to a packet on a real wire */
		if (errno != ENOBUFS && errno != EAGAIN && errno != EINTR)
			die("sendmmsg");
		if (errno != EINTR) {
			f->refused++;
			i++;
		}
	}
	f->sent += n;
}

static uint16_t protocol(const struct flood *f)
{
	return htons(f->nip == 40 ? ETH_P_IPV6 : ETH_P_IP);
}

/* Counts, without taking them, the TCP packets that come in with |flags| of
 * those in |mask|: its queue is full from the first one on. */
static int counter(const struct flood *f, uint32_t mask, uint32_t flags)
{
	bool v6 = f->nip == 40;
	struct sock_filter code[] = {
		{BPF_LD | BPF_B | BPF_ABS, 0, 0, v6 ? 6 : 9},
		{BPF_JMP | BPF_JEQ | BPF_K, 0, 7, IPPROTO_TCP},
		{BPF_LD | BPF_W | BPF_ABS, 0, 0, v6 ? 36 : 16},
		{BPF_JMP | BPF_JGE | BPF_K, 0, 5, f->first},
		{BPF_JMP | BPF_JGT | BPF_K, 4, 0, f->first + f->sources - 1},
		{BPF_LD | BPF_B | BPF_ABS, 0, 0, (uint32_t)f->nip + 13},
		{BPF_ALU | BPF_AND | BPF_K, 0, 0, mask},
		{BPF_JMP | BPF_JEQ | BPF_K, 0, 1, flags},
		{BPF_RET | BPF_K, 0, 0, 1},
		{BPF_RET | BPF_K, 0, 0, 0},
	};
	struct sock_fprog prog = {sizeof(code) / sizeof(code[0]), code};
	struct sockaddr_ll at = {.sll_family = AF_PACKET,
				 .sll_protocol = protocol(f),
				 .sll_ifindex = (int)if_nametoindex(f->name)};
	int fd = socket(AF_PACKET, SOCK_DGRAM, 0), least = 0;

	if (fd < 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &least, sizeof(least)) < 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &prog, sizeof(prog)) <
		    0 ||
	    bind(fd, (struct sockaddr *)&at, sizeof(at)) < 0)
		die("counter");
	return fd;
}

/* Since the last time that it was asked. */
static uint64_t counted(int fd)
{
	struct tpacket_stats s;
	socklen_t n = sizeof(s);

	if (getsockopt(fd, SOL_PACKET, PACKET_STATISTICS, &s, &n) < 0)
		die("PACKET_STATISTICS");
	return s.tp_packets; /* with those that had no room */
}

static void open_all(struct flood *f)
{
	struct sockaddr_ll at = {.sll_family = AF_PACKET,
				 .sll_protocol = protocol(f),
				 .sll_ifindex = (int)if_nametoindex(f->name)};
	int room = 4 << 20;
	struct ifreq ifr = {0};

	f->fd = socket(AF_PACKET, SOCK_RAW, 0);
	if (f->fd < 0)
		die("AF_PACKET");
	if (strlen(f->name) >= sizeof(ifr.ifr_name) || !at.sll_ifindex)
		die(f->name);
	memcpy(ifr.ifr_name, f->name, strlen(f->name));
	if (ioctl(f->fd, SIOCGIFHWADDR, &ifr) < 0)
		die("SIOCGIFHWADDR");
	if (ifr.ifr_hwaddr.sa_family == ARPHRD_ETHER) {
		f->nlink = sizeof(struct ethhdr);
		if (!f->has_mac) {
			(void)fprintf(stderr, "flood: %s needs -m\n", f->name);
			exit(2);
		}
	}
	set_flag(f->fd, SOL_PACKET, PACKET_QDISC_BYPASS);
	(void)setsockopt(f->fd, SOL_SOCKET, SO_SNDBUFFORCE, &room,
			 sizeof(room));
	if (bind(f->fd, (struct sockaddr *)&at, sizeof(at)) < 0)
		die("bind");
	if (!f->quiet) {
		f->synack = counter(f, SYN | ACK | RST, SYN | ACK);
		f->rst = counter(f, RST, RST);
		f->other = counter(f, 0, 0);
	}
	/* for bursts on time */
	(void)prctl(PR_SET_TIMERSLACK, 1000UL, 0, 0, 0);
}

static void sleep_to(uint64_t t)
{
	struct timespec ts = {.tv_sec = (time_t)(t / 1000000000u),
			      .tv_nsec = (long)(t % 1000000000u)};

	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &ts, NULL) ==
	       EINTR)
		;
}

/* Returns how long it took: s. */
static double run(struct flood *f)
{
	uint64_t begin = now_ns(), now = begin;
	uint64_t end = begin + (uint64_t)(f->seconds * 1e9);

	while (f->sent < f->count && now < end) {
		uint64_t due = UINT64_MAX;
		uint64_t left = f->count - f->sent;

		if (f->rate > 0)
			due = (uint64_t)((double)(now - begin) * f->rate / 1e9);
		if (due > f->sent) {
			if (due - f->sent < left)
				left = due - f->sent;
			send_some(f, left < BATCH ? (unsigned)left : BATCH);
		} else {
			sleep_to(now + TICK);
		}
		now = now_ns();
	}
	return (double)(now - begin) / 1e9;
}

static void report(struct flood *f, double took)
{
	uint64_t synack = 0, rst = 0, all = 0, at_end = 0;

	printf("sent %llu in %.3f s = %.0f/s; refused %llu",
	       (unsigned long long)f->sent, took, (double)f->sent / took,
	       (unsigned long long)f->refused);
	/* until nothing comes any more */
	for (int ms = 0; !f->quiet && ms < PATIENCE; ms += 50) {
		uint64_t more = counted(f->other);

		synack += counted(f->synack);
		rst += counted(f->rst);
		all += more;
		if (ms == 0)
			at_end = all;
		else if (!more)
			break;
		sleep_to(now_ns() + 50000000u);
	}
	if (!f->quiet)
		printf("; answers %.0f/s; synack %llu rst %llu other %llu",
		       (double)at_end / took, (unsigned long long)synack,
		       (unsigned long long)rst,
		       (unsigned long long)(all > synack + rst
						    ? all - synack - rst
						    : 0));
	(void)putchar('\n');
}

static void usage(void)
{
	(void)fputs("usage: flood -i IF -d ADDRESS:PORT [-r RATE] "
		    "[-t SECONDS | -c COUNT]\n"
		    "             [-k syn|ack|rst|fin] [-n SOURCES] "
		    "[-s FIRST_SOURCE] [-m MAC] [-b] [-q]\n",
		    stderr);
	exit(2);
}

static uint8_t kind(const char *name)
{
	static const struct {
		const char *name;
		uint8_t flags;
	} all[] = {
		{"syn", SYN}, {"ack", ACK}, {"rst", RST}, {"fin", FIN | ACK}};

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		if (strcmp(name, all[i].name) == 0)
			return all[i].flags;
	usage();
	return 0;
}

static void arguments(struct flood *f, int argc, char **argv)
{
	const char *first = NULL;
	int c;

	while ((c = getopt(argc, argv, "i:d:r:t:c:k:n:s:m:bq")) != -1) {
		switch (c) {
		case 'i':
			f->name = optarg;
			break;
		case 'd':
			f->to = place_parse(optarg);
			break;
		case 'r':
			f->rate = number(optarg);
			break;
		case 't':
			f->seconds = number(optarg);
			break;
		case 'c':
			f->count = (uint64_t)number(optarg);
			break;
		case 'k':
			f->flags = kind(optarg);
			break;
		case 'n':
			f->sources = (uint32_t)number(optarg);
			break;
		case 's':
			first = optarg;
			break;
		case 'm':
			f->has_mac = ether_aton_r(optarg, &f->mac) != NULL;
			break;
		case 'b':
			f->bare = true;
			break;
		case 'q':
			f->quiet = true;
			break;
		default:
			usage();
		}
	}
	if (!f->name || !f->to.len || !f->sources || optind != argc ||
	    f->rate < 0)
		usage();
	f->nip = place_v6(&f->to) ? 40 : 20;
	if (!first)
		first = f->nip == 40 ? SOURCES_6 : SOURCES_4;
	f->source = place(first, 0);
	f->first = raw_get32(place_tail(&f->source));
	if (place_v6(&f->source) != place_v6(&f->to) ||
	    f->first + (f->sources - 1) < f->first)
		usage();
}

int main(int argc, char **argv)
{
	static struct flood f = {.flags = SYN, .sources = 65536};

	f.random = (uint32_t)now_ns() | 1;
	f.port = next_random(&f) % NPORTS;
	arguments(&f, argc, argv);
	if (f.count == 0) {
		f.count = UINT64_MAX;
		if (f.seconds <= 0)
			f.seconds = 1;
	} else if (f.seconds <= 0) {
		f.seconds = 1e6;
	}
	open_all(&f);
	prepare(&f);
	report(&f, run(&f));
	return 0;
}
