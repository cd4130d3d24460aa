/* SPDX-License-Identifier: MIT */
/*
 * ctlpeer.c - clients of ctl.sock that tcpctl would never be.
 *
 *	ctlpeer hold CTL_SOCK N      N clients that say nothing, until stdin
 *ends ctlpeer fds CTL_SOCK         a request with 253 fds; prints the answer
 *	ctlpeer hangup CTL_SOCK N    connects and goes, asks and goes, N times
 *	ctlpeer deaf CTL_SOCK LINE   asks and does not read until stdin ends;
 *	                             then prints what is there
 */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define MANY_FDS 253 /* as many as a message can carry */

static const char *path;

static int open_sock(void)
{
	struct sockaddr_un sa = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	(void)snprintf(sa.sun_path, sizeof(sa.sun_path), "%s", path);
	if (fd < 0 || connect(fd, (struct sockaddr *)&sa, sizeof(sa)) < 0) {
		perror(path);
		exit(1);
	}
	return fd;
}

static void until_stdin_ends(void)
{
	char c;

	while (read(STDIN_FILENO, &c, 1) > 0)
		;
}

static void print_rest(int fd)
{
	char buf[4096];
	ssize_t n;

	while ((n = read(fd, buf, sizeof(buf))) > 0)
		(void)fwrite(buf, 1, (size_t)n, stdout);
}

static void hold(int n)
{
	while (n-- > 0)
		(void)open_sock();
	puts("held");
	(void)fflush(stdout);
	until_stdin_ends();
}

static void hang_up(int n)
{
	while (n-- > 0) {
		int fd;

		close(open_sock());
		fd = open_sock();
		(void)!send(fd, "ss -a\n", 6, MSG_NOSIGNAL);
		close(fd);
		fd = open_sock();
		(void)!send(fd, "events -f\n", 10, MSG_NOSIGNAL);
		close(fd);
		fd = open_sock();
		(void)!send(fd, "capture\n", 8, MSG_NOSIGNAL);
		close(fd);
	}
}

static void send_fds(void)
{
	char line[] = "version\n";
	union {
		struct cmsghdr align;
		char buf[CMSG_SPACE(MANY_FDS * sizeof(int))];
	} c;
	struct iovec iov = {line, sizeof(line) - 1};
	struct msghdr m = {.msg_iov = &iov,
			   .msg_iovlen = 1,
			   .msg_control = c.buf,
			   .msg_controllen = sizeof(c.buf)};
	int fds[MANY_FDS], fd = open_sock();

	memset(&c, 0, sizeof(c));
	memset(fds, 0, sizeof(fds)); /* stdin, so many times */
	c.align.cmsg_level = SOL_SOCKET;
	c.align.cmsg_type = SCM_RIGHTS;
	c.align.cmsg_len = CMSG_LEN(sizeof(fds));
	memcpy(CMSG_DATA(&c.align), fds, sizeof(fds));
	if (sendmsg(fd, &m, MSG_NOSIGNAL) < 0)
		perror("sendmsg");
	print_rest(fd);
}

static void deaf(const char *line)
{
	int fd = open_sock();
	struct pollfd p = {.fd = fd, .events = POLLIN};

	if (send(fd, line, strlen(line), MSG_NOSIGNAL) < 0 ||
	    send(fd, "\n", 1, MSG_NOSIGNAL) < 0)
		perror("send");
	until_stdin_ends();
	(void)shutdown(fd, SHUT_WR);
	/* what has piled up, until nothing more comes */
	while (poll(&p, 1, 1000) > 0) {
		char buf[4096];
		ssize_t n = read(fd, buf, sizeof(buf));

		if (n <= 0)
			break;
		(void)fwrite(buf, 1, (size_t)n, stdout);
	}
}

int main(int argc, char **argv)
{
	const char *what = argc > 2 ? argv[1] : "";

	path = argc > 2 ? argv[2] : "";
	if (strcmp(what, "fds") == 0)
		send_fds();
	else if (strcmp(what, "hold") == 0 && argc == 4)
		hold((int)strtol(argv[3], NULL, 10));
	else if (strcmp(what, "hangup") == 0 && argc == 4)
		hang_up((int)strtol(argv[3], NULL, 10));
	else if (strcmp(what, "deaf") == 0 && argc == 4)
		deaf(argv[3]);
	else
		return 2;
	return 0;
}
