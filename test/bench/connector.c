/* SPDX-License-Identifier: MIT */
/*
 * connector.c - short connections, eight at a time, from many addresses (one
 * alone would run out of ports in a second).
 *
 *	connector echo|daytime ADDRESS PORT SECONDS FIRST_SOURCE NSOURCES
 *
 * echo: one octet there and back, then the client closes first.  daytime:
 * the server sends a line and closes first.  Prints: connections a second,
 * errors.
 */
#include "bench.h"

#define AT_ONCE 8

static struct place to, from;
static unsigned nsources, turn;
static bool echo;
static unsigned long done, errors;
static struct {
	int fd;
	bool asked;
} slot[AT_ONCE];

static void begin(int ep, uint64_t i)
{
	struct place p = from;
	int fd = place_socket(&to, SOCK_NONBLOCK);

	if (fd < 0)
		die("socket");
	place_add(&p, turn++ % nsources);
	set_flag(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT); /* of both */
	if (bind(fd, &p.any, p.len) < 0)
		die("bind");
	if (connect(fd, &to.any, to.len) < 0 && errno != EINPROGRESS)
		die("connect");
	slot[i].fd = fd;
	slot[i].asked = false;
	watch(ep, EPOLL_CTL_ADD, fd, echo ? EPOLLOUT : EPOLLIN, i);
}

static void end(int ep, uint64_t i, bool good)
{
	close(slot[i].fd);
	if (good)
		done++;
	else
		errors++;
	begin(ep, i);
}

static void step(int ep, uint64_t i, uint32_t events)
{
	char buf[256];
	ssize_t n;

	if (echo && !slot[i].asked) {
		if (events & (EPOLLERR | EPOLLHUP) ||
		    write(slot[i].fd, "x", 1) != 1) {
			end(ep, i, false);
			return;
		}
		slot[i].asked = true;
		watch(ep, EPOLL_CTL_MOD, slot[i].fd, EPOLLIN, i);
		return;
	}
	n = read(slot[i].fd, buf, sizeof(buf));
	if (n < 0 && errno == EAGAIN)
		return;
	if (n < 0)
		end(ep, i, false);
	else if (echo)
		end(ep, i, n == 1);
	else if (n == 0) /* end of file: asked says that the line came */
		end(ep, i, slot[i].asked);
	else
		slot[i].asked = true;
}

int main(int argc, char **argv)
{
	struct epoll_event ev[AT_ONCE];
	uint64_t start, stop;
	int ep;

	if (argc != 7 ||
	    (strcmp(argv[1], "echo") != 0 && strcmp(argv[1], "daytime") != 0)) {
		(void)fputs(
			"usage: connector echo|daytime ADDRESS PORT SECONDS "
			"FIRST_SOURCE NSOURCES\n",
			stderr);
		return 2;
	}
	echo = strcmp(argv[1], "echo") == 0;
	to = place(argv[2], (unsigned)number(argv[3]));
	from = place(argv[5], 0);
	nsources = (unsigned)number(argv[6]);
	if (!nsources)
		return 2;
	ep = epoll_create1(0);
	start = now_ns();
	stop = start + (uint64_t)(number(argv[4]) * 1e9);
	for (uint64_t i = 0; i < AT_ONCE; i++)
		begin(ep, i);
	while (now_ns() < stop) {
		int n = epoll_wait(ep, ev, AT_ONCE, 100);

		for (int i = 0; i < n; i++)
			step(ep, ev[i].data.u64, ev[i].events);
	}
	printf("%.0f %lu\n", (double)done / ((double)(now_ns() - start) / 1e9),
	       errors);
	return 0;
}
