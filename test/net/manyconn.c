/* SPDX-License-Identifier: MIT */
/*
 * manyconn.c - an app of tcpd's that connects to each of many peers as often
 * as there are ports: one after the other, and none is closed before the end.
 * Every other one has an option that its SYN shows, which binds no port.
 *
 *	manyconn PREFIX PEERS PORTS	to PREFIX1:9 ... PREFIX<PEERS>:9
 *
 * The peers are a listener of the kernel's here, whose queue takes them all.
 * Prints how many connects succeeded, how many local ports they have, the
 * most connections on one of these, and the error of one more to each peer.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include "tcpd_app.h"

static int connect_to(const char *prefix, int peer, bool option)
{
	struct sockaddr_in sa = {.sin_family = AF_INET, .sin_port = htons(9)};
	int size = 100000;
	char ip[64];
	int fd = tcpd_app_socket(AF_INET, SOCK_STREAM, 0);

	(void)snprintf(ip, sizeof(ip), "%s%d", prefix, peer);
	if (option)
		tcpd_app_setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size,
				    sizeof(size));
	if (fd < 0 || inet_pton(AF_INET, ip, &sa.sin_addr) != 1 ||
	    tcpd_app_connect(fd, (struct sockaddr *)&sa, sizeof(sa)) < 0)
		return -1;
	return fd;
}

static void peers_listen(int backlog)
{
	struct sockaddr_in sa = {.sin_family = AF_INET, .sin_port = htons(9)};
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	if (fd >= 0 && bind(fd, (struct sockaddr *)&sa, sizeof(sa)) == 0 &&
	    listen(fd, backlog) == 0)
		return;
	perror("listen");
	exit(1);
}

static unsigned port_of(int fd)
{
	struct sockaddr_in sa = {0};
	socklen_t len = sizeof(sa);

	tcpd_app_getsockname(fd, (struct sockaddr *)&sa, &len);
	return ntohs(sa.sin_port);
}

int main(int argc, char **argv)
{
	static unsigned uses[65536];
	unsigned ok = 0, ports = 0, most = 0;
	const char *last = "none";
	struct rlimit r;
	int peers, n;

	if (argc != 4)
		return 2;
	peers = (int)strtol(argv[2], NULL, 10);
	n = (int)strtol(argv[3], NULL, 10);
	if (getrlimit(RLIMIT_NOFILE, &r) == 0) {
		r.rlim_cur = r.rlim_max;
		setrlimit(RLIMIT_NOFILE, &r);
	}
	peers_listen(peers * n);
	for (int i = 0; i < peers * n; i++) {
		int fd = connect_to(argv[1], 1 + i % peers, i & 1);

		if (fd < 0) {
			perror("connect");
			continue;
		}
		ok++;
		uses[port_of(fd)]++;
	}
	for (int i = 0; i < 65536; i++) {
		ports += uses[i] != 0;
		most = uses[i] > most ? uses[i] : most;
	}
	for (int i = 1; i <= peers; i++)
		last = connect_to(argv[1], i, false) >= 0
			       ? "none"
			       : strerrorname_np(errno);
	printf("%u connects, %u ports, %u on one, then %s\n", ok, ports, most,
	       last);
	return 0;
}
