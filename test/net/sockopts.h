/* SPDX-License-Identifier: MIT */
/*
 * sockopts.h - what the checks of sockopts.c have to work with: connections of
 * an app with a peer on the kernel's stack, pairs of kernel sockets to compare
 * with, the segments on tcpd0, and TAP.
 */
#ifndef TEST_NET_SOCKOPTS_H
#define TEST_NET_SOCKOPTS_H

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <linux/sockios.h>
#include <sys/ioctl.h>

#include "rawtcp.h"
#include "tcpd_app.h"

static int family, af, ntests, nfailed;
static uint16_t port = 5000; /* of the check that runs */
static struct rawdev dev;

/* --- TAP: a check is ok when none of its conditions failed */

static char why[400];

#define CHECK(x)                                                              \
	do {                                                                  \
		if (!(x) && !why[0])                                          \
			(void)snprintf(why, sizeof(why),                      \
				       "%s:%d: %s (errno %s)", __FILE__,      \
				       __LINE__, #x, strerrorname_np(errno)); \
	} while (0)

static inline void tap(const char *what, const char *name)
{
	ntests++;
	nfailed += why[0] != '\0';
	printf("%s %d - IPv%d: %s: %s\n", why[0] ? "not ok" : "ok", ntests,
	       family, what, name);
	if (why[0])
		printf("# %s\n", why);
	(void)fflush(stdout);
	why[0] = '\0';
}

/* --- time: nothing waits longer than this for what must come */

#define PATIENCE 10.0

static inline double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static inline short ready(int fd, short events, int ms)
{
	struct pollfd p = {.fd = fd, .events = events};

	return poll(&p, 1, ms) == 1 ? p.revents : 0;
}

static inline void pass_ms(int ms)
{
	(void)poll(NULL, 0, ms);
}

/* --- addresses */

union address {
	struct sockaddr any;
	struct sockaddr_in in;
	struct sockaddr_in6 in6;
};

static inline union address address(const char *v4, const char *v6, uint16_t n)
{
	union address a = {.in.sin_family = (sa_family_t)af};

	if (family == 4)
		inet_pton(AF_INET, v4, &a.in.sin_addr);
	else
		inet_pton(AF_INET6, v6, &a.in6.sin6_addr);
	a.in.sin_port = htons(n); /* at the same place in both */
	return a;
}

static inline union address of_tcpd(void)
{
	return address("10.77.0.2", "fd77::2", port);
}

static inline union address of_peer(void)
{
	return address("10.77.0.1", "fd77::1", port);
}

/* --- options, both ways */

static inline int set(int fd, int level, int option, int v)
{
	return tcpd_app_setsockopt(fd, level, option, &v, sizeof(v));
}

static inline int get(int fd, int level, int option)
{
	int v = -12345;
	socklen_t len = sizeof(v);

	if (tcpd_app_getsockopt(fd, level, option, &v, &len) < 0)
		return -errno;
	return v;
}

static inline int kset(int fd, int level, int option, int v)
{
	return setsockopt(fd, level, option, &v, sizeof(v));
}

static inline int kget(int fd, int level, int option)
{
	int v = -12345;
	socklen_t len = sizeof(v);

	return getsockopt(fd, level, option, &v, &len) < 0 ? -errno : v;
}

static inline int queue(int fd, unsigned long request)
{
	int v = -1;

	return tcpd_app_ioctl(fd, request, &v) < 0 ? -errno : v;
}

/* Until what is asked is so. */
#define UNTIL(x)                                                              \
	do {                                                                  \
		for (double began = now(); !(x) && now() - began < PATIENCE;) \
			pass_ms(5);                                           \
		CHECK(x);                                                     \
	} while (0)

/* --- connections */

struct pair {
	int l, app, peer;
};

static inline int app_socket(void)
{
	int fd = tcpd_app_socket(af, SOCK_STREAM, 0);

	CHECK(fd >= 0);
	return fd;
}

static inline void app_listen(int fd)
{
	union address a = of_tcpd();

	if (tcpd_app_bind(fd, &a.any, sizeof(a)) < 0 ||
	    tcpd_app_listen(fd, 8) < 0) {
		perror("sockopts: listen"); /* the rest would wait for ever */
		exit(2);
	}
}

/* The peer's end of a connection to tcpd, open or not. */
static inline int peer_connect(void)
{
	union address a = of_tcpd();
	int fd = socket(af, SOCK_STREAM, 0);

	CHECK(fd >= 0 && connect(fd, &a.any, sizeof(a)) == 0);
	return fd;
}

/* |l|: a fresh socket with options, or -1. */
static inline struct pair meet_on(int l)
{
	struct pair p = {.l = l < 0 ? app_socket() : l};

	app_listen(p.l);
	p.peer = peer_connect();
	p.app = tcpd_app_accept(p.l, NULL, NULL, 0);
	CHECK(p.app >= 0);
	return p;
}

static inline struct pair meet(void)
{
	return meet_on(-1);
}

static inline void part(struct pair *p)
{
	close(p->app);
	close(p->peer);
	close(p->l);
}

/* Two ends of a connection of the kernel's own: "app" and "peer". */
static inline struct pair kernel_pair(void)
{
	union address a = address("127.0.0.1", "::1", 0);
	socklen_t len = sizeof(a);
	struct pair p = {.l = socket(af, SOCK_STREAM, 0)};

	CHECK(bind(p.l, &a.any, sizeof(a)) == 0 && listen(p.l, 8) == 0);
	CHECK(getsockname(p.l, &a.any, &len) == 0);
	p.peer = socket(af, SOCK_STREAM, 0);
	CHECK(connect(p.peer, &a.any, sizeof(a)) == 0);
	p.app = accept(p.l, NULL, NULL);
	return p;
}

static inline void nonblock(int fd)
{
	CHECK(fcntl(fd, F_SETFL, O_NONBLOCK) == 0);
}

/* From here on the peer's stack hears nothing of this connection, and so says
 * nothing. */
static inline void silence(int fd)
{
	struct sock_filter none = BPF_STMT(BPF_RET | BPF_K, 0);
	struct sock_fprog prog = {.len = 1, .filter = &none};

	CHECK(setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &prog,
			 sizeof(prog)) == 0);
}

static inline void says(int fd, const char *text)
{
	CHECK(send(fd, text, strlen(text), MSG_NOSIGNAL) ==
	      (ssize_t)strlen(text));
}

static inline bool hears(int fd, const char *text)
{
	char buf[100] = "";
	size_t want = strlen(text), n = 0;

	while (n < want && ready(fd, POLLIN, 10000)) {
		ssize_t r = read(fd, buf + n, want - n);

		if (r <= 0)
			break;
		n += (size_t)r;
	}
	return n == want && memcmp(buf, text, want) == 0;
}

/* What a read gives at the end: 0, or -errno. */
static inline ssize_t ends(int fd)
{
	char c;

	ready(fd, POLLIN, 10000);
	return read(fd, &c, 1) < 0 ? -errno : 0;
}

/* --- the wire */

struct seen {
	uint8_t flags, tos, ttl;
	uint16_t win, mss, urg;
	uint32_t len;
};

static inline void wire_forget(void)
{
	char c;

	while (recv(dev.fd, &c, 1, MSG_DONTWAIT) >= 0)
		;
}

static inline uint16_t mss_of(const uint8_t *tcp)
{
	const uint8_t *end = tcp + 4 * (tcp[12] >> 4);

	for (const uint8_t *o = tcp + 20; o < end && *o; o += *o == 1 ? 1
							      : o[1]  ? o[1]
								      : 40)
		if (*o == 2)
			return (uint16_t)(o[2] << 8 | o[3]);
	return 0;
}

/* The next segment from tcpd with the check's port that has all of |flags|:
 * false when none came in |wait| s. */
static inline bool wire_next(struct seen *s, uint8_t flags, double wait)
{
	static uint8_t b[70000];
	double until = now() + wait;
	size_t ip = family == 4 ? 20 : 40;

	while (now() < until) {
		struct sockaddr_ll from;
		socklen_t n = sizeof(from);
		const uint8_t *tcp = b + ip;
		ssize_t len;

		if (!ready(dev.fd, POLLIN, 20))
			continue;
		len = recvfrom(dev.fd, b, sizeof(b), MSG_DONTWAIT,
			       (struct sockaddr *)&from, &n);
		if (len < (ssize_t)ip + 20 ||
		    from.sll_pkttype == PACKET_OUTGOING ||
		    b[family == 4 ? 9 : 6] != IPPROTO_TCP ||
		    ((tcp[0] << 8 | tcp[1]) != port &&
		     (tcp[2] << 8 | tcp[3]) != port) ||
		    (tcp[13] & flags) != flags)
			continue;
		s->flags = tcp[13];
		s->tos = family == 4 ? b[1] : (uint8_t)(b[0] << 4 | b[1] >> 4);
		s->ttl = b[family == 4 ? 8 : 7];
		s->win = (uint16_t)(tcp[14] << 8 | tcp[15]);
		s->urg = (uint16_t)(tcp[18] << 8 | tcp[19]);
		s->mss = mss_of(tcp);
		s->len = (uint32_t)len - (uint32_t)ip - 4u * (tcp[12] >> 4);
		return true;
	}
	return false;
}

/* A number that is set and read back, on a fresh socket and on a connection. */
static inline void number(int level, int option, int v, int want)
{
	int fd = app_socket();
	struct pair p = meet();

	CHECK(set(fd, level, option, v) == 0);
	CHECK(get(fd, level, option) == want);
	CHECK(set(p.app, level, option, v) == 0);
	CHECK(get(p.app, level, option) == want);
	close(fd);
	part(&p);
	port++;
}

static inline void refused_number(int level, int option, int v)
{
	int fd = app_socket();

	errno = 0;
	CHECK(set(fd, level, option, v) == -1 &&
	      (errno == EINVAL || errno == ENOPROTOOPT));
	close(fd);
}

/* What an app can write to a peer that is silent. */
static inline size_t writable(struct pair *p)
{
	static char big[65536];
	size_t n = 0;
	ssize_t r;

	silence(p->peer);
	nonblock(p->app);
	/* the daemon may take more until it is held */
	for (double t0 = now(); now() - t0 < 0.1;) {
		r = write(p->app, big, sizeof(big));
		n += r > 0 ? (size_t)r : 0;
		if (r > 0)
			t0 = now();
		else
			pass_ms(5);
	}
	return n;
}

/* One word that tcpctl's ss says of the check's connections. */
static inline bool ss_has(const char *word)
{
	char cmd[300], out[64] = "";
	FILE *f;

	(void)snprintf(cmd, sizeof(cmd),
		       "$TCPCTL ss -a | grep -E ':%u[ ]' | grep -c '%s'", port,
		       word);
	f = popen(cmd, "r"); /* NOLINT(cert-env33-c): our own words */
	if (!f)
		return false;
	(void)!fgets(out, sizeof(out), f);
	(void)pclose(f);
	return strtol(out, NULL, 10) > 0;
}

#endif /* TEST_NET_SOCKOPTS_H */
