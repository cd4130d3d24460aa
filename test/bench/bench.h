/* SPDX-License-Identifier: MIT */
/*
 * bench.h - what the programs of test/bench share: time, arguments, sockets.
 * Each is one file; with --app a server's sockets come from tcpd, otherwise
 * from the kernel, and all the rest of it is the same.
 */
#ifndef TEST_BENCH_BENCH_H
#define TEST_BENCH_BENCH_H

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "test/net/place.h"

/* Who does not exist: the addresses for benchmarks (RFC 2544, RFC 5180). */
#define SOURCES_4 "198.18.0.0"
#define SOURCES_6 "2001:2::"

static inline void die(const char *what)
{
	(void)fprintf(stderr, "%s: %s: %s\n", program_invocation_short_name,
		      what, strerror(errno));
	exit(1);
}

static inline uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static inline double number(const char *text)
{
	char *end;
	double v = strtod(text, &end);

	if (end == text || *end) {
		(void)fprintf(stderr, "%s: %s: expected a number\n",
			      program_invocation_short_name, text);
		exit(2);
	}
	return v;
}

static inline void many_fds(void)
{
	struct rlimit r;

	if (getrlimit(RLIMIT_NOFILE, &r) == 0) {
		r.rlim_cur = r.rlim_max;
		(void)setrlimit(RLIMIT_NOFILE, &r);
	}
}

static inline void set_flag(int fd, int level, int name)
{
	int one = 1;

	(void)setsockopt(fd, level, name, &one, sizeof(one));
}

static inline void watch(int ep, int op, int fd, uint32_t events, uint64_t u)
{
	struct epoll_event ev = {.events = events, .data.u64 = u};

	if (epoll_ctl(ep, op, fd, &ev) < 0)
		die("epoll_ctl");
}

#endif /* TEST_BENCH_BENCH_H */
