/* SPDX-License-Identifier: MIT */
/*
 * zerowin.c - many peers that send 100 octets and take none: their window is
 * zero from the first segment on.  What the other side wants to send them
 * must wait there.
 *
 *	zerowin [-i tcpd0] ADDRESS PORT COUNT [FIRST_SOURCE]
 *
 * Prints "ready" when all handshakes are done; at the end of stdin each gets
 * an RST.
 */
#include <poll.h>

#include "bench.h"
#include "test/net/rawtcp.h"

#define FIRST_PORT 1024u
#define MAX_COUNT  60000u

static struct rawdev dev;
static struct segment proto; /* addresses and port of all of them */
static uint32_t peer_nxt[MAX_COUNT];
static bool up[MAX_COUNT];

static void send_one(unsigned i, uint8_t flags, uint32_t seq, uint32_t len)
{
	static uint8_t data[100];
	struct segment s = proto;

	s.sport = (uint16_t)(FIRST_PORT + i);
	s.flags = flags;
	s.seq = seq;
	s.ack = peer_nxt[i];
	s.mss = flags == SYN ? 1460 : 0;
	s.data = data;
	s.len = len;
	if (raw_send(&dev, &s) < 0)
		die("send");
}

static unsigned answer(unsigned count)
{
	static uint8_t buf[70000];
	struct segment s;
	unsigned i;

	if (!raw_receive(&dev, buf, sizeof(buf), &s) ||
	    !raw_answers(&s, &proto) || s.flags != (SYN | ACK))
		return 0;
	i = s.dport - FIRST_PORT;
	if (s.dport < FIRST_PORT || i >= count)
		return 0;
	peer_nxt[i] = s.seq + 1;
	send_one(i, ACK | PSH, 1001, 100);
	if (up[i])
		return 0;
	up[i] = true;
	return 1;
}

int main(int argc, char **argv)
{
	unsigned count, begun = 0, done = 0;
	const char *name = "tcpd0";
	struct place from, to;
	struct pollfd pfd;

	if (argc > 2 && strcmp(argv[1], "-i") == 0) {
		name = argv[2];
		argv += 2;
		argc -= 2;
	}
	if (argc < 4) {
		(void)fputs("usage: zerowin [-i DEV] ADDRESS PORT COUNT "
			    "[FIRST_SOURCE]\n",
			    stderr);
		return 2;
	}
	to = place(argv[1], (unsigned)number(argv[2]));
	count = (unsigned)number(argv[3]);
	from = place(argc > 4	     ? argv[4]
		     : place_v6(&to) ? "fd77::77"
				     : "10.77.0.77",
		     0);
	raw_between(&proto, &from, &to);
	if (!count || count > MAX_COUNT)
		return 2;
	if (raw_open_for(&dev, name, proto.v6 ? ETH_P_IPV6 : ETH_P_IP) < 0)
		die(name);
	pfd = (struct pollfd){.fd = dev.fd, .events = POLLIN};
	while (done < count) {
		/* a few at a time: a queue that overflows would cost a second
		 */
		for (; begun < count && begun - done < 64; begun++)
			send_one(begun, SYN, 1000, 0);
		if (poll(&pfd, 1, 5000) <= 0) {
			errno = ETIMEDOUT;
			die("no answer");
		}
		done += answer(count);
	}
	(void)puts("ready");
	(void)fflush(stdout);
	while (getchar() != EOF)
		;
	for (unsigned i = 0; i < count; i++)
		send_one(i, RST, 1101, 0);
	return 0;
}
