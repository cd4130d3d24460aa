/* SPDX-License-Identifier: MIT */
/*
 * appkill.c - apps that are killed, over and over: each has a listener and
 * connections of both kinds, one of them with data unread, one that still
 * waits in its accept queue, one on its way to a peer that never answers.
 *
 *	appkill TCPD_ADDRESS KERNEL_ADDRESS ROUNDS
 *
 * After each kill the kernel's side must see end of file or reset, as a dead
 * process' kernel sockets would show, and the port must refuse within 100 ms.
 * Prints the longest time until it did.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tcpd_app.h"
#include "test/net/place.h"

#define PORT	  5000
#define BACK_PORT 5001
#define LIMIT	  100.0 /* ms */

static struct place t, k;
static unsigned round_no;
static pid_t child;

static void fail(const char *what)
{
	printf("round %u: %s: %s\n", round_no, what, strerror(errno));
	if (child > 0)
		kill(child, SIGKILL);
	exit(1);
}

static double now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec * 1e3 + (double)ts.tv_nsec / 1e6;
}

/* The app: says when it listens and when it has everything, then waits. */
_Noreturn static void be_app(int out)
{
	int family = t.any.sa_family, one = 1, c, n;
	int l = tcpd_app_socket(family, SOCK_STREAM, 0);
	struct place nobody = k;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	(void)tcpd_app_setsockopt(l, SOL_SOCKET, SO_REUSEADDR, &one,
				  sizeof(one));
	if (tcpd_app_bind(l, &t.any, t.len) < 0 || tcpd_app_listen(l, 16) < 0)
		_exit(1);
	(void)!write(out, "L", 1);
	for (int i = 0; i < 2; i++)
		if (tcpd_app_accept(l, NULL, NULL, 0) < 0)
			_exit(1);
	c = tcpd_app_socket(family, SOCK_STREAM, 0);
	if (tcpd_app_connect(c, &k.any, k.len) < 0)
		_exit(1);
	n = tcpd_app_socket(family, SOCK_STREAM | SOCK_NONBLOCK, 0);
	place_add(&nobody, 200);
	(void)tcpd_app_connect(n, &nobody.any, nobody.len);
	(void)!write(out, "A", 1);
	for (;;)
		pause();
}

static int dial(void)
{
	int fd = place_socket(&t, 0);

	if (connect(fd, &t.any, t.len) < 0) {
		close(fd);
		return -1;
	}
	return fd;
}

/* Its end: true for a reset, false for an end of file. */
static bool was_reset(int fd)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};
	char buf[64];
	ssize_t n;

	if (poll(&p, 1, 2000) != 1)
		fail("a connection of a dead app goes on");
	n = recv(fd, buf, sizeof(buf), 0);
	if (n > 0)
		fail("data from a dead app");
	close(fd);
	return n < 0;
}

static double until_refused(void)
{
	double begin = now_ms(), ms;
	int fd;

	do {
		fd = dial();
		if (fd >= 0)
			close(fd);
		ms = now_ms() - begin;
	} while (fd >= 0 && ms < 2000);
	return ms;
}

static void expect(int fd, char want)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};
	char got = 0;

	if (poll(&p, 1, 5000) != 1 || read(fd, &got, 1) != 1 || got != want)
		fail("the app did not get that far");
}

static double one_round(int back)
{
	int fds[4], out[2];
	double ms;

	if (pipe(out) < 0)
		fail("pipe");
	child = fork();
	if (child == 0)
		be_app(out[1]);
	close(out[1]);
	expect(out[0], 'L');
	for (int i = 0; i < 3; i++) {
		fds[i] = dial();
		if (fds[i] < 0)
			fail("connect");
		if (i == 1 && write(fds[i], "unread", 6) != 6)
			fail("write");
	}
	fds[3] = accept(back, NULL, NULL);
	expect(out[0], 'A');
	kill(child, SIGKILL);
	ms = until_refused();
	waitpid(child, NULL, 0);
	if (was_reset(fds[0]))
		fail("reset, and all was read");
	if (!was_reset(fds[1]))
		fail("no reset, and data was unread");
	if (!was_reset(fds[2]))
		fail("no reset of one that was never accepted");
	if (was_reset(fds[3]))
		fail("reset of the app's own connection");
	close(out[0]);
	return ms;
}

int main(int argc, char **argv)
{
	int back, one = 1;
	double ms, longest = 0;
	unsigned rounds;

	if (argc != 4) {
		(void)fputs("usage: appkill TCPD_ADDRESS KERNEL_ADDRESS "
			    "ROUNDS\n",
			    stderr);
		return 2;
	}
	t = place(argv[1], PORT);
	k = place(argv[2], BACK_PORT);
	back = place_socket(&k, 0);
	rounds = (unsigned)strtoul(argv[3], NULL, 10);
	(void)signal(SIGPIPE, SIG_IGN);
	setsockopt(back, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(back, &k.any, k.len) < 0 || listen(back, 16) < 0)
		fail("listen");
	for (round_no = 0; round_no < rounds; round_no++) {
		ms = one_round(back);
		longest = ms > longest ? ms : longest;
		if (ms > LIMIT) {
			printf("round %u: refused after %.1f ms\n", round_no,
			       ms);
			return 1;
		}
	}
	printf("%u rounds, refused after at most %.1f ms\n", rounds, longest);
	return 0;
}
