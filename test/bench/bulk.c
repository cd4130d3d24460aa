/* SPDX-License-Identifier: MIT */
/*
 * bulk.c - how much goes through: N connections at once, into the server or
 * out of it, for some seconds after a warm-up.
 *
 *	bulk into|out ADDRESS PORT FLOWS SECONDS
 *
 * What it wrote counts when it is acknowledged, not when it lies in a buffer.
 * Prints: Gbit/s, octets, Jain's index of fairness over the flows, and the
 * CPU seconds that the whole machine was busy meanwhile.
 */
#include <linux/sockios.h>
#include <sys/ioctl.h>

#include "bench.h"

#define MAX_FLOWS 64
#define WARM_UP	  300000000u /* ns: windows and buffers have grown */

static char buf[256 * 1024];
static int fds[MAX_FLOWS];
static double octets[MAX_FLOWS];

static void connect_all(const struct place *to, int ep, int n, bool into)
{
	for (int i = 0; i < n; i++) {
		fds[i] = place_socket(to, 0);
		if (fds[i] < 0 || connect(fds[i], &to->any, to->len) < 0)
			die("connect");
		if (fcntl(fds[i], F_SETFL, O_NONBLOCK) < 0)
			die("fcntl");
		watch(ep, EPOLL_CTL_ADD, fds[i], into ? EPOLLOUT : EPOLLIN,
		      (uint64_t)i);
	}
}

static void run_until(int ep, uint64_t end, bool into)
{
	struct epoll_event ev[MAX_FLOWS];

	while (now_ns() < end) {
		int n = epoll_wait(ep, ev, MAX_FLOWS, 100);

		for (int i = 0; i < n; i++) {
			uint64_t f = ev[i].data.u64;
			ssize_t rc = into ? write(fds[f], buf, sizeof(buf))
					  : read(fds[f], buf, sizeof(buf));

			if (rc > 0)
				octets[f] += (double)rc;
			else if (rc == 0 || errno != EAGAIN)
				die(into ? "write" : "read");
		}
	}
}

/* What the kernel was given and the peer has not acknowledged. */
static void count_waiting(int n, double sign)
{
	for (int i = 0; i < n; i++) {
		int waiting = 0;

		(void)ioctl(fds[i], SIOCOUTQ, &waiting);
		octets[i] += sign * waiting;
	}
}

/* Of all processors, interrupts included, since the machine started. */
static double busy_seconds(void)
{
	double v[7] = {0}, sum = 0;
	char line[256] = "", *at;
	FILE *f = fopen("/proc/stat", "r");

	if (!f || !fgets(line, sizeof(line), f))
		die("/proc/stat");
	(void)fclose(f);
	at = line + strcspn(line, " ");
	for (int i = 0; i < 7;
	     i++) /* user nice system idle iowait irq softirq */
		v[i] = strtod(at, &at);
	for (int i = 0; i < 7; i++)
		sum += i == 3 || i == 4 ? 0 : v[i];
	return sum / (double)sysconf(_SC_CLK_TCK);
}

int main(int argc, char **argv)
{
	double sum = 0, squares = 0, seconds, busy;
	struct place to;
	uint64_t start;
	int ep, n;
	bool into;

	if (argc != 6 ||
	    (strcmp(argv[1], "into") != 0 && strcmp(argv[1], "out") != 0)) {
		(void)fputs("usage: bulk into|out ADDRESS PORT FLOWS SECONDS\n",
			    stderr);
		return 2;
	}
	into = strcmp(argv[1], "into") == 0;
	to = place(argv[2], (unsigned)number(argv[3]));
	n = (int)number(argv[4]);
	if (n < 1 || n > MAX_FLOWS)
		return 2;
	memset(buf, 'x', sizeof(buf));
	ep = epoll_create1(0);
	connect_all(&to, ep, n, into);
	run_until(ep, now_ns() + WARM_UP, into);
	memset(octets, 0, sizeof(octets));
	if (into)
		count_waiting(n, 1);
	busy = busy_seconds();
	start = now_ns();
	run_until(ep, start + (uint64_t)(number(argv[5]) * 1e9), into);
	seconds = (double)(now_ns() - start) / 1e9;
	busy = busy_seconds() - busy;
	if (into)
		count_waiting(n, -1);
	for (int i = 0; i < n; i++) {
		sum += octets[i];
		squares += octets[i] * octets[i];
	}
	printf("%.3f %.0f %.4f %.3f\n", sum * 8 / seconds / 1e9, sum,
	       squares > 0 ? sum * sum / (n * squares) : 0, busy);
	return 0;
}
