/* SPDX-License-Identifier: MIT */
/*
 * real_net.c - packets between packetdrill and a tcpd that runs: what is
 * injected leaves the kernel by the TUN interface, what tcpd sends comes in
 * there.
 */
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "real.h"
#include "tcpd_app.h"

#define PATIENCE_MS 10000 /* then no packet will come */

const char *real_net_start(struct real *r, const char *tun)
{
	struct sockaddr_ll at = {.sll_family = AF_PACKET,
				 .sll_protocol = htons(ETH_P_ALL)};
	int one = 1;

	r->ifindex = (int)if_nametoindex(tun);
	if (!r->ifindex)
		return "there is no such interface: tun";
	r->packets =
		socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC, htons(ETH_P_ALL));
	at.sll_ifindex = r->ifindex;
	if (r->packets < 0 ||
	    bind(r->packets, (struct sockaddr *)&at, sizeof(at)) ||
	    setsockopt(r->packets, SOL_SOCKET, SO_TIMESTAMPNS, &one,
		       sizeof(one)))
		return "no AF_PACKET socket on the interface";
	return NULL;
}

/* An answer of tcpd's: it is then done with what it was woken for before.  The
 * second one counts, for the first may be given before it looks at the TUN. */
void real_settle(const struct real *r)
{
	for (int i = 0; i < 2; i++) {
		int v;
		socklen_t len = sizeof(v);

		(void)tcpd_app_getsockopt(r->sync, IPPROTO_TCP, TCP_NODELAY, &v,
					  &len);
	}
}

static int do_netdev_send(void *u, const void *p, size_t n)
{
	struct real *r = u;
	struct sockaddr_ll to = {.sll_family = AF_PACKET};
	const unsigned char *head = p;
	bool v4 = n && head[0] >> 4 == 4;

	to.sll_ifindex = r->ifindex;
	to.sll_protocol = htons(v4 ? ETH_P_IP : ETH_P_IPV6);
	if (sendto(r->packets, p, n, 0, (struct sockaddr *)&to, sizeof(to)) !=
	    (ssize_t)n)
		return -1;
	real_settle(r);
	return 0;
}

static long long stamp(struct msghdr *m)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR(m, c))
		if (c->cmsg_level == SOL_SOCKET &&
		    c->cmsg_type == SCM_TIMESTAMPNS)
			memcpy(&ts, CMSG_DATA(c), sizeof(ts));
	return (long long)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

static int do_netdev_receive(void *u, void *p, size_t *n, long long *us)
{
	const struct real *r = u;
	size_t room = *n;

	for (;;) {
		struct pollfd pfd = {.fd = r->packets, .events = POLLIN};
		struct sockaddr_ll from;
		char control[128];
		struct iovec iov = {.iov_base = p, .iov_len = room};
		struct msghdr m = {.msg_name = &from,
				   .msg_namelen = sizeof(from),
				   .msg_iov = &iov,
				   .msg_iovlen = 1,
				   .msg_control = control,
				   .msg_controllen = sizeof(control)};
		ssize_t len;

		*n = 0;
		if (poll(&pfd, 1, PATIENCE_MS) <= 0)
			return 0;
		len = recvmsg(r->packets, &m, 0);
		if (len <= 0)
			return -1;
		if (from.sll_pkttype == PACKET_OUTGOING)
			continue; /* what was injected */
		*n = (size_t)len;
		*us = stamp(&m);
		return 0;
	}
}

static int do_usleep(void *u, useconds_t us)
{
	(void)u;
	return usleep(us);
}

static int do_gettimeofday(void *u, struct timeval *tv, struct timezone *tz)
{
	(void)u;
	return gettimeofday(tv, tz);
}

void real_net_fill(struct packetdrill_interface *ifc)
{
	ifc->netdev_send = do_netdev_send;
	ifc->netdev_receive = do_netdev_receive;
	ifc->usleep = do_usleep;
	ifc->gettimeofday = do_gettimeofday;
}
