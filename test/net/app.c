/* SPDX-License-Identifier: MIT */
/*
 * app.c - an app of tcpd that does what it is told, one command a line, and
 * says what came of it.  Several fds, each under a name.
 *
 *	app < script		(the app ends, and its fds with it, at the end
 *				of stdin; `sleep` keeps it there)
 *
 *	socket X		X is a fresh socket
 *	listen X ADDR:PORT [BACKLOG]
 *	bind X ADDR:PORT [reuse]	X is a fresh socket, with SO_REUSEADDR
 *	accept X L		X is the next connection of L
 *	connect X ADDR:PORT	blocking
 *	start X ADDR:PORT	non-blocking
 *	fast X ADDR:PORT	X is a fresh socket, with TCP_FASTOPEN_CONNECT
 *	write X N | read X N	N octets, as far as it goes
 *	drain X			read to the end
 *	shutdown X | close X | abort X | linger X	(SO_LINGER {1,0})
 *	pace X RATE		SO_MAX_PACING_RATE
 *	error X			SO_ERROR
 *	sleep MS
 *
 * Each prints a line: the command, X, then "ok", a number of octets, "eof" or
 * the name of the errno.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tcpd_app.h"

#define MAX_FDS 64

static struct {
	char name[16];
	int fd;
} fds[MAX_FDS];

static int *find(const char *name)
{
	for (int i = 0; i < MAX_FDS; i++)
		if (strcmp(fds[i].name, name) == 0)
			return &fds[i].fd;
	for (int i = 0; i < MAX_FDS; i++)
		if (!fds[i].name[0]) {
			(void)snprintf(fds[i].name, sizeof(fds[i].name), "%s",
				       name);
			fds[i].fd = -1;
			return &fds[i].fd;
		}
	(void)fputs("app: too many names\n", stderr);
	exit(2);
}

union address {
	struct sockaddr any;
	struct sockaddr_in in;
	struct sockaddr_in6 in6;
};

/* "10.77.0.2:80" or "[fd77::2]:80". */
static union address address(const char *text)
{
	union address a = {.in.sin_family = AF_INET};
	char ip[64] = "";
	const char *colon = text ? strrchr(text, ':') : NULL;
	size_t n = colon ? (size_t)(colon - text) : 0;
	int ok = 0;

	if (n && n < sizeof(ip)) {
		memcpy(ip, text, n);
		if (ip[0] == '[' && ip[n - 1] == ']') {
			ip[n - 1] = '\0';
			a.in6 = (struct sockaddr_in6){.sin6_family = AF_INET6};
			ok = inet_pton(AF_INET6, ip + 1, &a.in6.sin6_addr);
		} else {
			ok = inet_pton(AF_INET, ip, &a.in.sin_addr);
		}
	}
	if (ok != 1) {
		(void)fputs("app: expected ADDRESS:PORT\n", stderr);
		exit(2);
	}
	/* the port is at the same place in both */
	a.in.sin_port = htons((uint16_t)strtoul(colon + 1, NULL, 10));
	return a;
}

static void say(const char *verb, const char *name, long rc)
{
	if (rc < 0)
		printf("%s %s %s\n", verb, name, strerrorname_np(errno));
	else
		printf("%s %s ok\n", verb, name);
	(void)fflush(stdout);
}

static void say_count(const char *verb, const char *name, size_t n, ssize_t rc)
{
	printf("%s %s %zu", verb, name, n);
	if (rc == 0)
		printf(" eof");
	else if (rc < 0)
		printf(" %s", strerrorname_np(errno));
	putchar('\n');
	(void)fflush(stdout);
}

static void do_read(const char *verb, const char *name, int fd, size_t want)
{
	static char buf[65536];
	size_t n = 0;
	ssize_t rc = 1;

	while (n < want && rc > 0) {
		size_t part = want - n < sizeof(buf) ? want - n : sizeof(buf);

		rc = read(fd, buf, part);
		n += rc > 0 ? (size_t)rc : 0;
	}
	say_count(verb, name, n, rc);
}

static void do_write(const char *name, int fd, size_t want)
{
	static char buf[65536];
	size_t n = 0;
	ssize_t rc = 1;

	memset(buf, 'x', sizeof(buf));
	while (n < want && rc > 0) {
		size_t part = want - n < sizeof(buf) ? want - n : sizeof(buf);

		rc = write(fd, buf, part);
		n += rc > 0 ? (size_t)rc : 0;
	}
	say_count("write", name, n, rc);
}

static long do_listen(int *fd, const char *arg, const char *backlog)
{
	union address sa = address(arg);

	*fd = tcpd_app_socket(sa.any.sa_family, SOCK_STREAM, 0);
	if (*fd < 0 || tcpd_app_bind(*fd, &sa.any, sizeof(sa)) < 0)
		return -1;
	return tcpd_app_listen(*fd,
			       backlog ? (int)strtol(backlog, NULL, 10) : 128);
}

static long do_bind(int *fd, const char *arg, const char *reuse)
{
	union address sa = address(arg);
	int one = 1;

	*fd = tcpd_app_socket(sa.any.sa_family, SOCK_STREAM, 0);
	if (*fd < 0 ||
	    (reuse && tcpd_app_setsockopt(*fd, SOL_SOCKET, SO_REUSEADDR, &one,
					  sizeof(one)) < 0))
		return -1;
	return tcpd_app_bind(*fd, &sa.any, sizeof(sa));
}

static long do_connect(int *fd, const char *arg, int flags)
{
	union address sa = address(arg);

	if (*fd < 0)
		*fd = tcpd_app_socket(sa.any.sa_family, SOCK_STREAM | flags, 0);
	if (*fd < 0)
		return -1;
	return tcpd_app_connect(*fd, &sa.any, sizeof(sa));
}

static long do_fast(int *fd, const char *arg)
{
	union address sa = address(arg);
	int one = 1;

	*fd = tcpd_app_socket(sa.any.sa_family, SOCK_STREAM, 0);
	if (*fd < 0 ||
	    tcpd_app_setsockopt(*fd, IPPROTO_TCP, TCP_FASTOPEN_CONNECT, &one,
				sizeof(one)) < 0)
		return -1;
	return tcpd_app_connect(*fd, &sa.any, sizeof(sa));
}

static void do_error(int fd, const char *name)
{
	int err = 0;
	socklen_t len = sizeof(err);

	if (tcpd_app_getsockopt(fd, SOL_SOCKET, SO_ERROR, &err, &len) < 0) {
		say("error", name, -1);
		return;
	}
	printf("error %s %s\n", name, err ? strerrorname_np(err) : "none");
	(void)fflush(stdout);
}

static long do_pace(int fd, const char *arg)
{
	unsigned rate = (unsigned)strtoul(arg ? arg : "0", NULL, 10);

	return tcpd_app_setsockopt(fd, SOL_SOCKET, SO_MAX_PACING_RATE, &rate,
				   sizeof(rate));
}

static bool open_one(const char *verb, int *fd, const char *arg,
		     const char *more, long *rc)
{
	if (strcmp(verb, "socket") == 0)
		*rc = *fd = tcpd_app_socket(AF_INET, SOCK_STREAM, 0);
	else if (strcmp(verb, "listen") == 0)
		*rc = do_listen(fd, arg, more);
	else if (strcmp(verb, "bind") == 0)
		*rc = do_bind(fd, arg, more);
	else if (strcmp(verb, "accept") == 0)
		*rc = *fd =
			tcpd_app_accept(*find(arg ? arg : ""), NULL, NULL, 0);
	else if (strcmp(verb, "connect") == 0)
		*rc = do_connect(fd, arg, 0);
	else if (strcmp(verb, "start") == 0)
		*rc = do_connect(fd, arg, SOCK_NONBLOCK);
	else if (strcmp(verb, "fast") == 0)
		*rc = do_fast(fd, arg);
	else
		return false;
	return true;
}

static long end_one(const char *verb, int *fd)
{
	struct linger linger = {1, 0};
	int old = *fd;

	if (strcmp(verb, "shutdown") == 0)
		return shutdown(old, SHUT_WR);
	if (strcmp(verb, "abort") == 0)
		return tcpd_app_abort(old);
	if (strcmp(verb, "linger") == 0)
		return tcpd_app_setsockopt(old, SOL_SOCKET, SO_LINGER, &linger,
					   sizeof(linger));
	if (strcmp(verb, "close") == 0) {
		*fd = -1;
		return close(old);
	}
	(void)fprintf(stderr, "app: %s: unknown command\n", verb);
	exit(2);
}

static void command(char *line)
{
	char *save, *verb = strtok_r(line, " \t\n", &save);
	char *name = strtok_r(NULL, " \t\n", &save);
	char *arg = strtok_r(NULL, " \t\n", &save);
	char *more = strtok_r(NULL, " \t\n", &save);
	size_t n = arg ? strtoul(arg, NULL, 10) : 0;
	long rc;
	int *fd;

	if (!verb || *verb == '#' || !name)
		return;
	if (strcmp(verb, "sleep") == 0) {
		usleep((useconds_t)strtoul(name, NULL, 10) * 1000);
		return;
	}
	fd = find(name);
	if (strcmp(verb, "read") == 0)
		do_read(verb, name, *fd, n);
	else if (strcmp(verb, "drain") == 0)
		do_read(verb, name, *fd, SIZE_MAX);
	else if (strcmp(verb, "write") == 0)
		do_write(name, *fd, n);
	else if (strcmp(verb, "error") == 0)
		do_error(*fd, name);
	else if (strcmp(verb, "pace") == 0)
		say(verb, name, do_pace(*fd, arg));
	else if (open_one(verb, fd, arg, more, &rc))
		say(verb, name, rc);
	else
		say(verb, name, end_one(verb, fd));
}

int main(void)
{
	char line[256];

	(void)signal(SIGPIPE, SIG_IGN);
	while (fgets(line, sizeof(line), stdin))
		command(line);
	return 0;
}
