/* SPDX-License-Identifier: MIT */
/*
 * log.c - lines to stderr that never stop the loop: they go through a bounded
 * ring to a thread that writes them.  What does not fit is counted, and the
 * count is a line of its own when there is room again.  No files, no syslog,
 * no time stamps: that is the service manager's.
 */
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/log.h"
#include "daemon/thread.h"

#define RING	  ((size_t)256 * 1024)
#define LINE_ROOM 1024
#define SELDOM	  10000000000u /* ns */

static struct {
	pthread_mutex_t lock;
	pthread_cond_t more;
	pthread_t thread;
	atomic_int level;
	int fd;
	bool running, stop, journal;
	size_t head, tail; /* count on and on; head - tail octets wait */
	uint64_t lost, told;
	char ring[RING];
} log_state = {
	.lock = PTHREAD_MUTEX_INITIALIZER,
	.more = PTHREAD_COND_INITIALIZER,
	.level = CONF_LOG_INFO,
	.fd = STDERR_FILENO,
};

/* stderr is the journal's own stream: it understands "<3>" (sd-daemon(3)). */
static bool is_journal(int fd)
{
	const char *v = getenv("JOURNAL_STREAM");
	struct stat st;
	uintmax_t dev, ino;
	char *end;

	if (!v || fstat(fd, &st))
		return false;
	dev = strtoumax(v, &end, 10);
	if (*end != ':')
		return false;
	ino = strtoumax(end + 1, &end, 10);
	return *end == '\0' && st.st_dev == dev && st.st_ino == ino;
}

void log_init(int fd)
{
	log_state.fd = fd;
	log_state.journal = is_journal(fd);
}

void log_set_level(enum conf_log level)
{
	atomic_store_explicit(&log_state.level, (int)level,
			      memory_order_relaxed);
}

bool log_wants(enum conf_log level)
{
	return (int)level <=
	       atomic_load_explicit(&log_state.level, memory_order_relaxed);
}

uint64_t log_lost(void)
{
	uint64_t n;

	pthread_mutex_lock(&log_state.lock);
	n = log_state.lost;
	pthread_mutex_unlock(&log_state.lock);
	return n;
}

/* What cannot be written is given up: there is nobody to tell. */
static void put_out(const char *p, size_t n)
{
	struct pollfd pfd = {.fd = log_state.fd, .events = POLLOUT};

	while (n) {
		ssize_t w = write(log_state.fd, p, n);

		if (w > 0) {
			p += w;
			n -= (size_t)w;
		} else if (w < 0 && errno == EAGAIN) {
			poll(&pfd, 1, -1);
		} else if (w == 0 || errno != EINTR) {
			return;
		}
	}
}

static void into_ring(const char *p, size_t n)
{
	size_t at = log_state.head % RING;
	size_t first = n < RING - at ? n : RING - at;

	memcpy(log_state.ring + at, p, first);
	memcpy(log_state.ring, p + first, n - first);
	log_state.head += n;
}

/* The next octets of the ring, or the line about lost ones; 0: the end. */
static size_t next_piece(char *buf, size_t room)
{
	size_t n, at;

	pthread_mutex_lock(&log_state.lock);
	while (log_state.head == log_state.tail &&
	       log_state.lost == log_state.told && !log_state.stop)
		pthread_cond_wait(&log_state.more, &log_state.lock);
	n = log_state.head - log_state.tail;
	if (n) {
		at = log_state.tail % RING;
		if (n > RING - at)
			n = RING - at;
		if (n > room)
			n = room;
		memcpy(buf, log_state.ring + at, n);
		log_state.tail += n;
	} else if (log_state.lost != log_state.told) {
		n = (size_t)snprintf(buf, room,
				     "tcpd: log: %" PRIu64 " lines lost\n",
				     log_state.lost - log_state.told);
		log_state.told = log_state.lost;
	}
	pthread_mutex_unlock(&log_state.lock);
	return n;
}

static void *writer(void *arg)
{
	char buf[4096];
	size_t n;

	(void)arg;
	while ((n = next_piece(buf, sizeof(buf))))
		put_out(buf, n);
	return NULL;
}

bool log_start(void)
{
	log_state.stop = false;
	if (thread_start(&log_state.thread, writer, NULL))
		return false;
	log_state.running = true;
	return true;
}

void log_stop(void)
{
	if (!log_state.running)
		return;
	pthread_mutex_lock(&log_state.lock);
	log_state.stop = true;
	pthread_cond_signal(&log_state.more);
	pthread_mutex_unlock(&log_state.lock);
	thread_join(log_state.thread, mono_now() + 500000000u);
	log_state.running = false;
}

static void say(enum conf_log level, const char *text)
{
	static const char *const word[] = {
		[CONF_LOG_ERROR] = "tcpd: error: ",
		[CONF_LOG_WARN] = "tcpd: warning: ",
		[CONF_LOG_INFO] = "tcpd: ",
		[CONF_LOG_DEBUG] = "",
	};
	static const char *const prio[] = {
		[CONF_LOG_ERROR] = "<3>",
		[CONF_LOG_WARN] = "<4>",
		[CONF_LOG_INFO] = "<6>",
		[CONF_LOG_DEBUG] = "<7>",
	};
	char line[LINE_ROOM + 64];
	int n = snprintf(line, sizeof(line) - 1, "%s%s%s",
			 log_state.journal ? prio[level] : "", word[level],
			 text);
	size_t len = n < 0 ? 0 : (size_t)n;

	if (len > sizeof(line) - 2)
		len = sizeof(line) - 2;
	/* A name out of a file or a process must not make a line of its own. */
	for (size_t i = 0; i < len; i++)
		if ((unsigned char)line[i] < ' ' || line[i] == 0x7f)
			line[i] = '?';
	line[len++] = '\n';
	if (!log_state.running) {
		put_out(line, len);
		return;
	}
	pthread_mutex_lock(&log_state.lock);
	if (log_state.head - log_state.tail + len > RING)
		log_state.lost++;
	else
		into_ring(line, len);
	pthread_cond_signal(&log_state.more);
	pthread_mutex_unlock(&log_state.lock);
}

void log_say(enum conf_log level, const char *fmt, ...)
{
	char text[LINE_ROOM];
	va_list ap;

	if (!log_wants(level))
		return;
	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	say(level, text);
}

void log_seldom(struct log_limit *limit, enum conf_log level, const char *fmt,
		...)
{
	char text[LINE_ROOM];
	uint64_t now = mono_now();
	va_list ap;
	int n;

	if (!log_wants(level))
		return;
	if (now < limit->next) {
		limit->held++;
		return;
	}
	va_start(ap, fmt);
	n = vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (limit->held && n >= 0 && (size_t)n < sizeof(text))
		(void)snprintf(text + n, sizeof(text) - (size_t)n,
			       " (and %" PRIu64 " like it)", limit->held);
	limit->held = 0;
	limit->next = now + SELDOM;
	say(level, text);
}
