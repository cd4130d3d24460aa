/* SPDX-License-Identifier: MIT */
/*
 * probe.c - numbered datagrams from one namespace to another, and when each of
 * them came: what a path does to packets, seen by both of its ends.
 *
 *	probe FROM-NETNS TO-NETNS ADDRESS PACKETS OCTETS GAP
 *
 * ADDRESS is the receiver's; a datagram of OCTETS every GAP microseconds.
 * Prints "NUMBER DELAY" (microseconds) of each in the order of arrival, until
 * 200 ms have brought none.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "test/net/place.h"

#define PORT  9
#define QUIET 200 /* ms */

struct mark {
	uint64_t sent;
	uint32_t number;
};

static void die(const char *what)
{
	(void)fprintf(stderr, "probe: %s: %s\n", what, strerror(errno));
	exit(1);
}

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static int socket_in(const char *netns, const struct place *p)
{
	char path[256];
	int ns, fd, room = 8 << 20;

	(void)snprintf(path, sizeof(path), "/run/netns/%s", netns);
	ns = open(path, O_RDONLY | O_CLOEXEC);
	if (ns < 0 || setns(ns, CLONE_NEWNET) < 0)
		die(path);
	close(ns);
	fd = socket(p->any.sa_family, SOCK_DGRAM | SOCK_NONBLOCK, 0);
	if (fd < 0)
		die("socket");
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof(room));
	(void)setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &room, sizeof(room));
	return fd;
}

static int receive(int fd)
{
	static char data[65536];
	struct mark m;
	int n = 0;

	while (recv(fd, data, sizeof(data), 0) >= (ssize_t)sizeof(m)) {
		memcpy(&m, data, sizeof(m));
		printf("%u %llu\n", m.number,
		       (unsigned long long)((now_ns() - m.sent) / 1000));
		n++;
	}
	return n;
}

static void sleep_until(int fd, uint64_t at)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};

	for (;;) {
		uint64_t now = now_ns();
		struct timespec t = {0, 0};

		if (now >= at)
			return;
		t.tv_nsec = (long)((at - now) % 1000000000u);
		if (ppoll(&p, 1, &t, NULL) > 0)
			(void)receive(fd);
	}
}

int main(int argc, char **argv)
{
	static char data[65536];
	struct place to;
	struct pollfd p = {.events = POLLIN};
	unsigned packets, octets, gap;
	uint64_t start;
	int from;

	if (argc != 7) {
		(void)fputs("usage: probe FROM-NETNS TO-NETNS ADDRESS PACKETS "
			    "OCTETS GAP\n",
			    stderr);
		return 2;
	}
	to = place(argv[3], PORT);
	packets = (unsigned)strtoul(argv[4], NULL, 10);
	octets = (unsigned)strtoul(argv[5], NULL, 10);
	gap = (unsigned)strtoul(argv[6], NULL, 10);
	if (octets < sizeof(struct mark) || octets > sizeof(data))
		return 2;
	from = socket_in(argv[1], &to);
	p.fd = socket_in(argv[2], &to);
	if (bind(p.fd, &to.any, to.len) < 0)
		die("bind");
	start = now_ns();
	for (unsigned i = 0; i < packets; i++) {
		struct mark m = {.number = i};

		sleep_until(p.fd, start + (uint64_t)i * gap * 1000);
		m.sent = now_ns();
		memcpy(data, &m, sizeof(m));
		if (sendto(from, data, octets, 0, &to.any, to.len) < 0)
			die("sendto");
	}
	while (poll(&p, 1, QUIET) > 0)
		(void)receive(p.fd);
	return 0;
}
