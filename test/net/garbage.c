/* SPDX-License-Identifier: MIT */
/*
 * garbage.c - messages to app.sock that are no requests.  Every client must
 * be closed or get an error, and a good request afterwards an answer.
 *
 *	garbage APP_SOCK
 *
 * The header's layout stands here once more on purpose: the daemon's own
 * reader is not what it is checked with.  Exit code 1 and a line for each
 * that was not treated so.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define ROUNDS	 200
#define MANY_FDS 253 /* as many as a message can carry */

struct header {
	uint16_t magic;
	uint8_t major, minor;
	uint16_t op, flags;
	uint32_t seq, len;
};

static const char *path;
static int failures;

static int open_sock(void)
{
	struct sockaddr_un sa = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	(void)snprintf(sa.sun_path, sizeof(sa.sun_path), "%s", path);
	if (fd < 0 || connect(fd, (struct sockaddr *)&sa, sizeof(sa)) < 0) {
		perror(path);
		exit(2);
	}
	return fd;
}

/* What came back: 0 closed, above 0 a reply with that errno, -1 nothing
 * within two seconds, -2 a reply that says "done". */
static int outcome(int fd)
{
	struct pollfd pfd = {.fd = fd, .events = POLLIN};
	uint8_t buf[4096];
	int32_t err;
	ssize_t n;

	if (poll(&pfd, 1, 2000) <= 0)
		return -1;
	n = recv(fd, buf, sizeof(buf), 0);
	if (n < (ssize_t)(sizeof(struct header) + sizeof(err)))
		return 0;
	memcpy(&err, buf + sizeof(struct header), sizeof(err));
	return err > 0 ? err : -2;
}

static void expect(const char *what, bool fine, int got)
{
	if (fine)
		return;
	printf("%s: got %d\n", what, got);
	failures++;
}

static void send_raw(const char *what, const void *p, size_t len)
{
	int fd = open_sock(), got;

	if (send(fd, p, len, MSG_NOSIGNAL) < 0) {
		/* refused by the kernel: too long for it */
		close(fd);
		return;
	}
	got = outcome(fd);
	expect(what, got >= 0, got);
	close(fd);
}

static void send_header(const char *what, struct header h, int want)
{
	int fd = open_sock(), got;

	if (send(fd, &h, sizeof(h), MSG_NOSIGNAL) < 0)
		perror(what);
	got = outcome(fd);
	expect(what, want ? got == want : got >= 0, got);
	close(fd);
}

static void send_fds(void)
{
	union {
		struct cmsghdr align;
		char buf[CMSG_SPACE(MANY_FDS * sizeof(int))];
	} c;
	struct header h = {0x7463, 1, 0, 2, 0, 1, 0};
	struct iovec iov = {&h, sizeof(h)};
	struct msghdr m = {.msg_iov = &iov,
			   .msg_iovlen = 1,
			   .msg_control = c.buf,
			   .msg_controllen = sizeof(c.buf)};
	int fds[MANY_FDS], fd = open_sock(), got;

	memset(&c, 0, sizeof(c));
	for (int i = 0; i < MANY_FDS; i++)
		fds[i] = 0;
	c.align.cmsg_level = SOL_SOCKET;
	c.align.cmsg_type = SCM_RIGHTS;
	c.align.cmsg_len = CMSG_LEN(sizeof(fds));
	memcpy(CMSG_DATA(&c.align), fds, sizeof(fds));
	if (sendmsg(fd, &m, MSG_NOSIGNAL) < 0)
		perror("sendmsg");
	got = outcome(fd);
	expect("253 fds where none is due", got >= 0, got);
	close(fd);
}

static void garbage(void)
{
	static uint8_t noise[8192];
	const struct header good = {0x7463, 1, 0, 1, 0, 7, 0};
	struct header h = good;
	int rnd = open("/dev/urandom", O_RDONLY | O_CLOEXEC);

	if (rnd < 0 || read(rnd, noise, sizeof(noise)) < 0)
		perror("/dev/urandom");
	close(rnd);
	send_raw("one octet", noise, 1);
	send_raw("15 octets of a header", &good, 15);
	send_raw("4096 octets of noise", noise, 4096);
	send_raw("8192 octets of noise", noise, sizeof(noise));
	h.magic = 0x1234;
	send_header("wrong magic", h, 0);
	h = good;
	h.major = 99;
	send_header("another major version", h, EPROTONOSUPPORT);
	h = good;
	h.op = 4711;
	send_header("unknown op", h, ENOSYS);
	h = good;
	h.len = 100;
	send_header("a length beyond the message", h, 0);
	h.len = UINT32_MAX;
	send_header("the longest length", h, 0);
	for (uint16_t op = 3; op < 10; op++) {
		h = good;
		h.op = op;
		send_header("a request without its fd", h, 0);
	}
	send_fds();
}

int main(int argc, char **argv)
{
	struct header hello = {0x7463, 1, 0, 1, 0, 7, 0};
	int fd, got;

	if (argc != 2) {
		(void)fputs("usage: garbage APP_SOCK\n", stderr);
		return 2;
	}
	path = argv[1];
	for (int i = 0; i < ROUNDS; i++) /* connect and hang up */
		close(open_sock());
	for (int i = 0; i < ROUNDS; i++) { /* ask and hang up */
		fd = open_sock();
		(void)!send(fd, &hello, sizeof(hello), MSG_NOSIGNAL);
		close(fd);
	}
	garbage();
	fd = open_sock();
	if (send(fd, &hello, sizeof(hello), MSG_NOSIGNAL) < 0)
		perror("send");
	got = outcome(fd);
	expect("HELLO after all of it", got == -2, got);
	close(fd);
	return failures != 0;
}
