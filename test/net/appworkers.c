/* SPDX-License-Identifier: MIT */
/*
 * appworkers.c - several processes that accept on one listener's fd: every
 * connection is delivered, and to one of them only.
 *
 *	appworkers TCPD_ADDRESS WORKERS CONNECTIONS BACKLOG
 *
 * Each worker answers a connection by one octet, its number.  The kernel's
 * side opens up to 64 at a time.  Prints how many each worker had.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tcpd_app.h"
#include "test/net/place.h"

#define PORT	    5000
#define MAX_WORKERS 16
#define AT_ONCE	    64

static void fail(const char *what)
{
	printf("%s: %s\n", what, strerror(errno));
	exit(1);
}

_Noreturn static void work(int l, char number)
{
	struct pollfd p = {.fd = l, .events = POLLIN};
	int c;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (;;) {
		(void)poll(&p, 1, -1);
		c = tcpd_app_accept(l, NULL, NULL, 0);
		if (c < 0) {
			if (errno == EAGAIN) /* another was faster */
				continue;
			_exit(1);
		}
		if (write(c, &number, 1) != 1)
			_exit(1);
		close(c);
	}
}

static int dial(const struct place *to)
{
	int fd = place_socket(to, 0);

	if (connect(fd, &to->any, to->len) < 0)
		fail("connect");
	return fd;
}

/* The number of the worker that answered, and the end of file after it. */
static unsigned answer(int fd)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};
	char buf[8];
	unsigned number;

	if (poll(&p, 1, 20000) != 1)
		fail("nobody answered");
	if (recv(fd, buf, sizeof(buf), 0) != 1)
		fail("not one octet");
	number = (unsigned char)buf[0];
	if (poll(&p, 1, 10000) != 1 || recv(fd, buf, sizeof(buf), 0) != 0)
		fail("no end of file");
	close(fd);
	return number;
}

int main(int argc, char **argv)
{
	unsigned had[MAX_WORKERS] = {0}, workers, n, got = 0, number;
	pid_t pid[MAX_WORKERS];
	int fd[AT_ONCE], l;
	struct place t;

	if (argc != 5) {
		(void)fputs("usage: appworkers TCPD_ADDRESS WORKERS "
			    "CONNECTIONS BACKLOG\n",
			    stderr);
		return 2;
	}
	t = place(argv[1], PORT);
	workers = (unsigned)strtoul(argv[2], NULL, 10) % (MAX_WORKERS + 1);
	n = (unsigned)strtoul(argv[3], NULL, 10);
	l = tcpd_app_socket(t.any.sa_family, SOCK_STREAM | SOCK_NONBLOCK, 0);
	if (tcpd_app_bind(l, &t.any, t.len) < 0 ||
	    tcpd_app_listen(l, (int)strtol(argv[4], NULL, 10)) < 0)
		fail("listen");
	for (unsigned i = 0; i < workers; i++) {
		pid[i] = fork();
		if (pid[i] == 0)
			work(l, (char)i);
	}
	while (got < n) {
		unsigned batch = n - got < AT_ONCE ? n - got : AT_ONCE;

		for (unsigned i = 0; i < batch; i++)
			fd[i] = dial(&t);
		for (unsigned i = 0; i < batch; i++, got++) {
			number = answer(fd[i]);
			if (number >= workers)
				fail("an answer of nobody");
			had[number]++;
		}
	}
	printf("%u connections:", got);
	for (unsigned i = 0; i < workers; i++) {
		printf(" %u", had[i]);
		kill(pid[i], SIGKILL);
		waitpid(pid[i], NULL, 0);
	}
	putchar('\n');
	return 0;
}
