/* SPDX-License-Identifier: MIT */
/*
 * cmd_capture.c - `tcpctl capture`: the daemon sends pcapng, this process
 * writes it to a file that its caller may write to.  The blocks are only
 * counted, not looked into.
 */
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "tcpctl.h"

#define END_WAIT_MS 10000 /* for what is still queued, after the end */
#define STUCK_MS    1000  /* for a file that takes nothing, after the end */
#define BLOCK_EPB   6u	  /* a packet */

static const struct suboption options[] = {
	{"--seconds", "N", "end after N seconds; otherwise by an interrupt"},
	{NULL, NULL, NULL},
};

static volatile sig_atomic_t interrupted;

static void on_signal(int sig)
{
	(void)sig;
	interrupted = 1;
}

/* Counts the blocks of a pcapng stream that comes in pieces. */
struct counter {
	uint8_t head[8];
	unsigned nhead;
	uint32_t left; /* octets of this block that are still to come */
	uint64_t packets, octets;
};

static void count(struct counter *k, const uint8_t *p, size_t n)
{
	uint32_t type, len;

	k->octets += n;
	while (n) {
		if (k->left) {
			size_t skip = n < k->left ? n : k->left;

			k->left -= (uint32_t)skip;
			p += skip;
			n -= skip;
			continue;
		}
		k->head[k->nhead++] = *p++;
		n--;
		if (k->nhead < sizeof(k->head))
			continue;
		k->nhead = 0;
		memcpy(&type, k->head, 4);
		memcpy(&len, k->head + 4, 4);
		k->packets += type == BLOCK_EPB;
		k->left = len > 8 ? len - 8 : 0;
	}
}

static int64_t now_ms(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

/*
 * Waits for |events| of |fd| with signals let through only here, so that none
 * is lost between a look and the wait: 1, 0 (time is up, a signal), -1.
 */
static int wait_for(int fd, short events, int64_t until)
{
	struct pollfd p = {.fd = fd, .events = events};
	int64_t left = until < 0 ? 0 : until - now_ms();
	struct timespec ts;
	sigset_t none;
	int n;

	if (left < 0)
		left = 0;
	ts.tv_sec = left / 1000;
	ts.tv_nsec = (left % 1000) * 1000000;
	(void)sigemptyset(&none);
	n = ppoll(&p, 1, until < 0 ? NULL : &ts, &none);
	return n < 0 && errno == EINTR ? 0 : n;
}

static bool may_write(int fd)
{
	for (;;) {
		bool last = interrupted;
		int64_t until = last ? now_ms() + STUCK_MS : -1;

		if (wait_for(fd, POLLOUT, until) != 0)
			return true; /* or write() says what is wrong */
		if (last)
			return false;
	}
}

/* A file that takes nothing (a FIFO without a reader) must not keep us from
 * ending: what it does not take then is lost, and said. */
static bool write_all(int fd, const uint8_t *p, size_t n, bool regular)
{
	while (n) {
		/* so much fits a pipe that is writable */
		size_t piece = regular || n < PIPE_BUF ? n : PIPE_BUF;
		ssize_t w;

		if (!regular && !may_write(fd)) {
			errno = EINTR;
			return false;
		}
		w = write(fd, p, piece);
		if (w < 0 && errno == EINTR)
			continue;
		if (w < 0)
			return false;
		p += w;
		n -= (size_t)w;
	}
	return true;
}

/* Ask for the end once the time is over: what still waits comes first. */
static bool ask_end(int sock, int64_t *until)
{
	*until = now_ms() + END_WAIT_MS;
	return send(sock, "end\n", 4, MSG_NOSIGNAL) == 4;
}

/* A piece from |sock| to |out|: 1, 0 at the end, -1: said on stderr. */
static int piece(int sock, int out, bool regular, bool ending,
		 struct counter *k)
{
	static uint8_t buf[65536];
	ssize_t n = read(sock, buf, sizeof(buf));

	if (n < 0 && errno == EINTR)
		return 1;
	if (n == 0 || (n < 0 && errno == ECONNRESET && ending))
		return 0;
	if (n < 0) {
		say("the daemon broke off: %s", strerror(errno));
		return -1;
	}
	if (k->octets == 0 && talk_refused((const char *)buf, (size_t)n))
		return -1;
	if (!write_all(out, buf, (size_t)n, regular)) {
		say("write: %s",
		    errno == EINTR ? "the file takes no more; the capture "
				     "is cut short"
				   : strerror(errno));
		return -1;
	}
	count(k, buf, (size_t)n);
	return 1;
}

/* From |sock| to |out| until the end: an exit code. */
static int copy(int sock, int out, int64_t until, struct counter *k)
{
	struct stat st;
	bool regular = fstat(out, &st) == 0 && S_ISREG(st.st_mode);
	bool ending = false;

	for (;;) {
		int n;

		if (!ending &&
		    (interrupted || (until >= 0 && now_ms() >= until))) {
			ending = true;
			if (!ask_end(sock, &until))
				return EXIT_REFUSED;
		}
		n = wait_for(sock, POLLIN, until);
		if (n == 0 && ending && now_ms() >= until) {
			say("the daemon does not end the "
			    "capture");
			return EXIT_REFUSED;
		}
		if (n == 0)
			continue;
		n = piece(sock, out, regular, ending, k);
		if (n < 0)
			return EXIT_REFUSED;
		if (n == 0)
			break;
	}
	if (ending)
		return EXIT_DONE;
	say("the daemon ended the capture");
	return EXIT_REFUSED;
}

static bool seconds(const char *text, int64_t *until)
{
	char *end;
	double v = strtod(text, &end);

	if (end == text || *end || !(v > 0 && v <= 1e6)) {
		say("capture: --seconds %s, expected a "
		    "number above 0",
		    text);
		return false;
	}
	*until = now_ms() + (int64_t)(v * 1000);
	return true;
}

static void result(const struct tcpctl *t, const char *file,
		   const struct counter *k)
{
	if (t->json && strcmp(file, "-") != 0) {
		json_t *j = json_pack("{s:s, s:I, s:I}", "file", file,
				      "packets", (json_int_t)k->packets,
				      "octets", (json_int_t)k->octets);

		(void)json_dumpf(j, stdout, JSON_COMPACT);
		putchar('\n');
		json_decref(j);
	} else {
		(void)fprintf(stderr, "%llu packets, %llu octets in %s\n",
			      (unsigned long long)k->packets,
			      (unsigned long long)k->octets,
			      strcmp(file, "-") == 0 ? "all" : file);
	}
}

/* They come while wait_for() waits, else not; a second one ends tcpctl. */
static void catch_signals(void)
{
	struct sigaction sa = {.sa_handler = on_signal};
	sigset_t both;

	sa.sa_flags = (int)SA_RESETHAND;
	(void)sigaction(SIGINT, &sa, NULL);
	(void)sigaction(SIGTERM, &sa, NULL);
	(void)sigemptyset(&both);
	(void)sigaddset(&both, SIGINT);
	(void)sigaddset(&both, SIGTERM);
	(void)sigprocmask(SIG_BLOCK, &both, NULL);
}

/* With O_EXCL first, so that a refusal leaves no new file behind. */
static int open_file(const char *file, bool *made)
{
	int fd;

	if (strcmp(file, "-") == 0)
		return fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
	fd = open(file, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
	*made = fd >= 0;
	if (fd < 0 && errno == EEXIST)
		fd = open(file, O_WRONLY | O_TRUNC | O_CLOEXEC);
	return fd;
}

static int run(const struct tcpctl *t, const struct subcommand *s, int nwords,
	       char **word)
{
	const struct tcpctl plain = {.socket = t->socket}; /* no JSON in it */
	struct counter k = {.octets = 0};
	const char *file = NULL;
	int64_t until = -1;
	bool made = false;
	int n = 0, code = EXIT_REFUSED, sock, out;

	for (int i = 0; i < nwords; i++) {
		if (strcmp(word[i], "--seconds") == 0) {
			if (!seconds(word[++i], &until))
				return EXIT_USAGE;
		} else if (!file) {
			file = word[i];
		} else {
			word[n++] = word[i];
		}
	}
	if (!file) {
		say("capture: expected a FILE");
		return EXIT_USAGE;
	}
	if (!is_filter(s, n, word))
		return EXIT_USAGE;
	sock = talk_connect(t, &code);
	if (sock < 0)
		return code;
	out = open_file(file, &made);
	if (out < 0) {
		say("%s: %s", file, strerror(errno));
		close(sock);
		return EXIT_REFUSED;
	}
	catch_signals();
	if (!talk_ask(sock, &plain, s->name, n, word))
		code = EXIT_USAGE;
	else
		code = copy(sock, out, until, &k);
	close(sock);
	if (close(out) < 0 && code == EXIT_DONE) {
		say("%s: %s", file, strerror(errno));
		code = EXIT_REFUSED;
	}
	if (k.octets == 0 && made)
		(void)unlink(file);
	if (k.octets)
		result(t, file, &k);
	return code;
}

const struct subcommand cmd_capture = {
	.name = "capture",
	.args = "FILE [FILTER] [--seconds N]",
	.summary = "write what crosses the TUN to a pcapng file",
	.help = "Writes the packets that cross the TUN to FILE (- is stdout), "
		"until interrupted or for N seconds. FILE is opened with the "
		"caller's rights, not the daemon's; the data comes over "
		"ctl.sock. FILTER is that of `tcpctl ss`.\n\n"
		"The packets are those of the device: raw IP, up to 64 KiB "
		"long, with their checksums filled in. One that changes a "
		"connection's state has a comment that says so. When FILE "
		"cannot keep up, packets are left out and counted; the stack "
		"never waits.\n\n"
		"For example: tcpctl capture - sport = 80 | tshark -r -",
	.options = options,
	.min_words = 1,
	.max_words = -1,
	.data = true,
	.run = run,
};
