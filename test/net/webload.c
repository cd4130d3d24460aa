/* SPDX-License-Identifier: MIT */
/*
 * webload.c - requests for a page, over a connection each or over a few that
 * are kept, from a client on tcpd's stack; and the server for it, on the
 * kernel's.
 *
 *	webload serve ADDRESS PORT		prints "ready", ends when killed
 *	webload short REQUESTS ADDRESS PORT	a connection each
 *	webload keep REQUESTS ADDRESS PORT	over 10 connections
 *
 * The client closes first, so it is the one that goes through TIME-WAIT.  It
 * stops at the first error.  Prints: answers, seconds, connections, and "-" or
 * the name of the error, the microseconds until it was told, and its words.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "tcpd_app.h"

#define KEPT  10
#define PAGE  "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nhello\n"
#define QUERY "GET / HTTP/1.1\r\nHost: lab\r\n\r\n"

static union {
	struct sockaddr any;
	struct sockaddr_in in;
	struct sockaddr_in6 in6;
} to;
static const socklen_t to_len = sizeof(to);

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static void address(const char *ip, const char *port)
{
	to.in.sin_family = AF_INET;
	if (inet_pton(AF_INET, ip, &to.in.sin_addr) != 1) {
		to.in6.sin6_family = AF_INET6;
		if (inet_pton(AF_INET6, ip, &to.in6.sin6_addr) != 1)
			die(ip);
	}
	/* at the same place in both */
	to.in.sin_port = htons((uint16_t)strtoul(port, NULL, 10));
}

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void serve(void)
{
	int l = socket(to.any.sa_family, SOCK_STREAM, 0), one = 1;
	int ep = epoll_create1(0);
	struct epoll_event ev = {.events = EPOLLIN, .data.fd = l};

	if (l < 0 || ep < 0 ||
	    setsockopt(l, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) < 0 ||
	    bind(l, &to.any, to_len) < 0 || listen(l, 4096) < 0 ||
	    epoll_ctl(ep, EPOLL_CTL_ADD, l, &ev) < 0)
		die("serve");
	puts("ready");
	(void)fflush(stdout);
	for (;;) {
		char query[4096];
		int fd;

		if (epoll_wait(ep, &ev, 1, -1) != 1)
			continue;
		fd = ev.data.fd;
		if (fd == l) {
			fd = accept(l, NULL, NULL);
			ev = (struct epoll_event){.events = EPOLLIN,
						  .data.fd = fd};
			if (fd >= 0 && epoll_ctl(ep, EPOLL_CTL_ADD, fd, &ev))
				die("epoll_ctl");
		} else if (read(fd, query, sizeof(query)) <= 0 ||
			   write(fd, PAGE, sizeof(PAGE) - 1) < 0) {
			/* a query is shorter than a segment: it comes whole */
			close(fd);
		}
	}
}

/* An fd, or -1 and errno. */
static int open_one(void)
{
	int fd = tcpd_app_socket(to.any.sa_family, SOCK_STREAM, 0), err;

	if (fd < 0 || tcpd_app_connect(fd, &to.any, to_len) == 0)
		return fd;
	err = errno;
	close(fd);
	errno = err;
	return -1;
}

static bool request(int fd)
{
	char page[sizeof(PAGE)];
	size_t n = 0;

	if (write(fd, QUERY, sizeof(QUERY) - 1) < 0)
		return false;
	while (n < sizeof(PAGE) - 1) {
		ssize_t r = read(fd, page + n, sizeof(PAGE) - 1 - n);

		if (r == 0)
			errno = ECONNRESET;
		if (r <= 0)
			return false;
		n += (size_t)r;
	}
	return true;
}

static int client(bool keep, unsigned long wanted)
{
	unsigned long answers = 0, opened = 0;
	int kept[KEPT], fd, err = 0;
	double begin = now(), asked = begin;

	for (int i = 0; i < KEPT; i++)
		kept[i] = -1;
	while (answers < wanted) {
		fd = keep ? kept[answers % KEPT] : -1;
		asked = now();
		if (fd < 0) {
			fd = open_one();
			if (fd < 0)
				break;
			opened++;
		}
		if (!request(fd))
			break;
		answers++;
		if (keep)
			kept[(answers - 1) % KEPT] = fd;
		else
			close(fd);
	}
	if (answers < wanted)
		err = errno;
	printf("%lu %.3f %lu %s %.0f %s\n", answers, now() - begin, opened,
	       err ? strerrorname_np(err) : "-",
	       err ? (now() - asked) * 1e6 : 0., err ? strerror(err) : "-");
	return 0;
}

int main(int argc, char **argv)
{
	bool keep = argc == 5 && strcmp(argv[1], "keep") == 0;

	(void)signal(SIGPIPE, SIG_IGN);
	if (argc == 4 && strcmp(argv[1], "serve") == 0) {
		address(argv[2], argv[3]);
		serve();
	} else if (keep || (argc == 5 && strcmp(argv[1], "short") == 0)) {
		address(argv[3], argv[4]);
		return client(keep, strtoul(argv[2], NULL, 10));
	}
	(void)fputs("usage: webload serve ADDRESS PORT\n"
		    "       webload short|keep REQUESTS ADDRESS PORT\n",
		    stderr);
	return 2;
}
