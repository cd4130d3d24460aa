/* SPDX-License-Identifier: MIT */
/*
 * reflex.c - short connections by reflex, from invented addresses: the server
 * closes first and is left with TIME-WAIT, and no client remembers more than
 * that it is over.
 *
 *	reflex -i IF -d ADDRESS:PORT -c COUNT [-w ATONCE] [-s FIRST_SOURCE]
 *	       [-o FIRST]
 *
 * A SYN for each of COUNT four-tuples (from number FIRST on), ATONCE (256) of
 * them open at a time; a SYN-ACK is answered by its ACK, a FIN by FIN,ACK.
 * What is lost is not sent again: the TUN's queue takes ATONCE packets.
 *
 * Prints: closed N of COUNT in S s = R/s; resets N.  Exit code 1 when the
 * server fell silent before all were closed.
 */
#include <linux/filter.h>
#include <poll.h>

#include "bench.h"
#include "test/net/rawtcp.h"

#define FIRST_PORT 1024u
#define NPORTS	   50000u
#define PATIENCE   2000 /* ms without a packet */
#define BATCH	   64u

static struct rawdev dev;
static struct place to, source; /* the first one */
static uint32_t first_source;	/* its last four octets */

static void put(const struct segment *s)
{
	while (raw_send(&dev, s) < 0)
		if (errno != ENOBUFS && errno != EAGAIN && errno != EINTR)
			die("send");
}

static void begin(uint64_t k)
{
	struct segment syn = {.sport = (uint16_t)(FIRST_PORT + k % NPORTS),
			      .seq = (uint32_t)k * 2654435761u,
			      .win = 65535,
			      .mss = 1460,
			      .flags = SYN};
	struct place from = source;

	place_add(&from, (uint32_t)(k / NPORTS));
	raw_between(&syn, &from, &to);
	put(&syn);
}

static void answer(const struct segment *in, uint8_t flags)
{
	const struct segment out = raw_reply(in, flags);

	put(&out);
}

/* Only what the server sends to us is looked at: by the last four octets of
 * both addresses. */
static void open_dev(const char *name, uint64_t most)
{
	bool v6 = place_v6(&to);
	uint32_t last = first_source + (uint32_t)(most / NPORTS);
	struct sock_filter code[] = {
		{BPF_LD | BPF_B | BPF_ABS, 0, 0, v6 ? 6 : 9},
		{BPF_JMP | BPF_JEQ | BPF_K, 0, 6, IPPROTO_TCP},
		{BPF_LD | BPF_W | BPF_ABS, 0, 0, v6 ? 20 : 12},
		{BPF_JMP | BPF_JEQ | BPF_K, 0, 4, raw_get32(place_tail(&to))},
		{BPF_LD | BPF_W | BPF_ABS, 0, 0, v6 ? 36 : 16},
		{BPF_JMP | BPF_JGE | BPF_K, 0, 2, first_source},
		{BPF_JMP | BPF_JGT | BPF_K, 1, 0, last},
		{BPF_RET | BPF_K, 0, 0, 256},
		{BPF_RET | BPF_K, 0, 0, 0},
	};
	struct sock_fprog prog = {sizeof(code) / sizeof(code[0]), code};
	int room = 16 << 20;

	if (raw_open_for(&dev, name, v6 ? ETH_P_IPV6 : ETH_P_IP) < 0 ||
	    setsockopt(dev.fd, SOL_SOCKET, SO_ATTACH_FILTER, &prog,
		       sizeof(prog)) < 0 ||
	    setsockopt(dev.fd, SOL_SOCKET, SO_RCVBUFFORCE, &room,
		       sizeof(room)) < 0)
		die(name);
	set_flag(dev.fd, SOL_PACKET, PACKET_IGNORE_OUTGOING);
	set_flag(dev.fd, SOL_PACKET, PACKET_QDISC_BYPASS);
}

struct count {
	uint64_t closed, resets, begun, all, first;
	uint8_t *over; /* a bit each */
};

/* A segment for one that is over is a repeated one: false. */
static bool is_over(struct count *n, const struct segment *in)
{
	uint32_t dst =
		in->v6 ? raw_get32(in->dst6.s6_addr + 12) : ntohl(in->dst);
	uint64_t k = (uint64_t)(dst - first_source) * NPORTS + in->dport -
		     FIRST_PORT - n->first;
	uint8_t bit = (uint8_t)(1u << k % 8);
	bool was;

	if (k >= n->all)
		return true;
	was = n->over[k / 8] & bit;
	n->over[k / 8] |= bit;
	return was;
}

static void one_more(struct count *n)
{
	if (n->begun < n->all)
		begin(n->first + n->begun++);
}

static void turn(struct count *n, const uint8_t *p, size_t len)
{
	struct segment s;

	if (!raw_parse(p, len, &s))
		return;
	if (s.flags & SYN) {
		answer(&s, ACK);
		return;
	}
	if (!(s.flags & (RST | FIN)))
		return;
	if (s.flags & FIN)
		answer(&s, FIN | ACK);
	if (is_over(n, &s))
		return;
	if (s.flags & RST)
		n->resets++;
	else
		n->closed++;
	one_more(n);
}

/* False: silence. */
static bool receive(struct count *n)
{
	static uint8_t buf[BATCH][256];
	struct iovec iov[BATCH];
	struct mmsghdr msg[BATCH];
	struct pollfd p = {.fd = dev.fd, .events = POLLIN};
	int got;

	if (poll(&p, 1, PATIENCE) == 0)
		return false;
	memset(msg, 0, sizeof(msg));
	for (unsigned i = 0; i < BATCH; i++) {
		iov[i] = (struct iovec){buf[i], sizeof(buf[i])};
		msg[i].msg_hdr.msg_iov = &iov[i];
		msg[i].msg_hdr.msg_iovlen = 1;
	}
	got = recvmmsg(dev.fd, msg, BATCH, MSG_DONTWAIT, NULL);
	for (int i = 0; i < got; i++)
		turn(n, buf[i], msg[i].msg_len);
	return true;
}

int main(int argc, char **argv)
{
	struct count n = {.all = 0};
	const char *name = NULL, *first = NULL;
	uint64_t at_once = 256, start;
	double took;
	int c;

	while ((c = getopt(argc, argv, "i:d:c:w:s:o:")) != -1) {
		if (c == 'i')
			name = optarg;
		else if (c == 'd')
			to = place_parse(optarg);
		else if (c == 'c')
			n.all = (uint64_t)number(optarg);
		else if (c == 'w')
			at_once = (uint64_t)number(optarg);
		else if (c == 's')
			first = optarg;
		else if (c == 'o')
			n.first = (uint64_t)number(optarg);
		else
			name = NULL;
	}
	if (!name || !to.len || !n.all || optind != argc) {
		(void)fputs("usage: reflex -i IF -d ADDRESS:PORT -c COUNT "
			    "[-w ATONCE] [-s FIRST_SOURCE] [-o FIRST]\n",
			    stderr);
		return 2;
	}
	n.over = calloc(1, n.all / 8 + 1);
	if (!n.over)
		die("calloc");
	if (!first)
		first = place_v6(&to) ? SOURCES_6 : SOURCES_4;
	source = place(first, 0);
	first_source = raw_get32(place_tail(&source));
	open_dev(name, n.first + n.all);
	start = now_ns();
	while (n.begun < at_once && n.begun < n.all)
		one_more(&n);
	while (n.closed + n.resets < n.all && receive(&n))
		;
	took = (double)(now_ns() - start) / 1e9;
	printf("closed %llu of %llu in %.3f s = %.0f/s; resets %llu\n",
	       (unsigned long long)n.closed, (unsigned long long)n.all, took,
	       (double)n.closed / took, (unsigned long long)n.resets);
	free(n.over);
	return n.closed == n.all ? 0 : 1;
}
