/* SPDX-License-Identifier: MIT */
/*
 * bind.c - bind(2)'s table, row by row: a first socket has a local address in
 * one of its states, a second one of the same or of another user asks for the
 * same port.  What bind and listen answer is printed, a line a row, so that a
 * kernel's sockets and tcpd's can be laid side by side.
 *
 *	bind kernel|tcpd table FIRST SECOND PEER FIRST6 SECOND6 PEER6
 *	bind kernel|tcpd share FIRST SECOND PEER FIRST6 SECOND6 PEER6
 *
 * FIRST and SECOND are addresses of the stack, PEER one of the kernel's, each
 * for IPv4, then for IPv6.  `share` is what listeners on one port get.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tcpd_app.h"

#define ANOTHER_USER 12345
#define PEER_PORT    900

static int kernel_accept(int fd, struct sockaddr *sa, socklen_t *len, int flags)
{
	return accept4(fd, sa, len, flags);
}

static struct calls {
	int (*socket)(int domain, int type, int protocol);
	int (*bind)(int fd, const struct sockaddr *sa, socklen_t len);
	int (*listen)(int fd, int backlog);
	int (*accept)(int fd, struct sockaddr *sa, socklen_t *len, int flags);
	int (*connect)(int fd, const struct sockaddr *sa, socklen_t len);
	int (*setsockopt)(int fd, int level, int option, const void *value,
			  socklen_t len);
} const kernels = {socket, bind, listen, kernel_accept, connect, setsockopt},
	tcpds = {tcpd_app_socket, tcpd_app_bind,    tcpd_app_listen,
		 tcpd_app_accept, tcpd_app_connect, tcpd_app_setsockopt};
static const struct calls *calls;

static const char *first4, *second4, *peer4, *first6, *second6, *peer6;

union address {
	struct sockaddr any;
	struct sockaddr_in in;
	struct sockaddr_in6 in6;
};

__attribute__((noreturn)) static void die(const char *what)
{
	perror(what);
	exit(1);
}

static void must(int rc, const char *what)
{
	if (rc < 0)
		die(what);
}

/* --- local addresses */

enum form {
	ONE4,
	TWO4,
	ANY4,
	ONE6,
	TWO6,
	BOTH,	/* [::] */
	ONLY6,	/* [::], IPV6_V6ONLY */
	MAPPED, /* ::ffff:FIRST */
	MAPPED_ANY,
	NFORMS,
	BOTH_BY_4 = NFORMS, /* [::], met over IPv4 */
	NFORMS_FIRST
};

static const char *const form_names[] = {
	"first IPv4",	  "second IPv4", "0.0.0.0",	"first IPv6",
	"second IPv6",	  "[::]",	 "[::]-v6only", "mapped first IPv4",
	"mapped 0.0.0.0", "[::] by IPv4"};

static bool is_inet6(enum form f)
{
	return f > ANY4;
}

/* Does IPv4 meet it? */
static bool met_by_4(enum form f)
{
	return f <= ANY4 || f >= MAPPED;
}

static union address address(bool inet6, const char *ip, uint16_t port)
{
	union address a;
	char mapped[64];

	memset(&a, 0, sizeof(a));
	if (!inet6) {
		a.in.sin_family = AF_INET;
		inet_pton(AF_INET, ip, &a.in.sin_addr);
	} else {
		(void)snprintf(mapped, sizeof(mapped), "%s%s",
			       strchr(ip, ':') ? "" : "::ffff:", ip);
		a.in6.sin6_family = AF_INET6;
		inet_pton(AF_INET6, mapped, &a.in6.sin6_addr);
	}
	a.in.sin_port = htons(port); /* at the same place in both */
	return a;
}

static union address local_of(enum form f, uint16_t port)
{
	const char *const ips[] = {first4,    second4, "0.0.0.0", first6,
				   second6,   "::",    "::",	  first4,
				   "0.0.0.0", "::"};

	return address(is_inet6(f), ips[f], port);
}

/* --- sockets */

enum { REUSE = 1, PORT = 2 };
static const char *const flag_names[] = {"-", "A", "P", "AP"};

static void set(int fd, int level, int option)
{
	int one = 1;

	must(calls->setsockopt(fd, level, option, &one, sizeof(one)),
	     "setsockopt");
}

static int socket_of(enum form f, int flags, bool another)
{
	int fd;

	if (another && seteuid(ANOTHER_USER) < 0)
		die("seteuid");
	fd = calls->socket(is_inet6(f) ? AF_INET6 : AF_INET, SOCK_STREAM, 0);
	must(fd, "socket");
	if (another && seteuid(0) < 0)
		die("seteuid");
	if (flags & REUSE)
		set(fd, SOL_SOCKET, SO_REUSEADDR);
	if (flags & PORT)
		set(fd, SOL_SOCKET, SO_REUSEPORT);
	if (f == ONLY6)
		set(fd, IPPROTO_IPV6, IPV6_V6ONLY);
	return fd;
}

static int bound(enum form f, uint16_t port, int flags)
{
	union address a = local_of(f, port);
	int fd = socket_of(f, flags, false);

	must(calls->bind(fd, &a.any, sizeof(a)), "bind the first");
	return fd;
}

/* Of the kernel's, beside whatever is tested. */
static int peer_socket(bool inet6)
{
	int fd = socket(inet6 ? AF_INET6 : AF_INET, SOCK_STREAM, 0);

	must(fd, "socket");
	return fd;
}

static void reset(int fd)
{
	struct linger l = {1, 0};

	setsockopt(fd, SOL_SOCKET, SO_LINGER, &l, sizeof(l));
	close(fd);
}

/* A client that has met |f|; with |ip|, at that address. */
static int client_at(enum form f, const char *ip, uint16_t port)
{
	const char *to = ip	       ? ip
			 : f == TWO4   ? second4
			 : f == TWO6   ? second6
			 : met_by_4(f) ? first4
				       : first6;
	bool inet6 = strchr(to, ':') != NULL;
	union address a = address(inet6, to, port);
	int fd = peer_socket(inet6);

	must(connect(fd, &a.any, inet6 ? sizeof(a.in6) : sizeof(a.in)),
	     "connect to the first");
	return fd;
}

static int listeners[2]; /* of the peer: IPv4, IPv6 */

static void peer_listen(void)
{
	for (int i = 0; i < 2; i++) {
		union address a = address(i, i ? peer6 : peer4, PEER_PORT);

		listeners[i] = peer_socket(i);
		must(bind(listeners[i], &a.any, sizeof(a)), "bind the peer");
		must(listen(listeners[i], 16), "listen");
	}
}

/* --- the first socket */

enum state { BOUND, LISTENING, ESTABLISHED, CONNECTED, TIMEWAIT, NSTATES };
static const char *const state_names[] = {
	"bound", "listening", "accepted, its listener closed", "connected",
	"TIME-WAIT, its listener closed"};

struct first {
	int fd, peer; /* -1: none */
};

/* The peer has sent FIN and hears the ACK of it. */
static void wait_for_last_ack(int fd)
{
	struct tcp_info ti = {0};
	socklen_t len = sizeof(ti);
	char c;

	must((int)read(fd, &c, 1), "read");
	must(shutdown(fd, SHUT_WR), "shutdown");
	while (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &ti, &len) == 0 &&
	       ti.tcpi_state != TCP_CLOSE)
		usleep(50);
}

static struct first first_in(enum state s, enum form f, int flags,
			     uint16_t port)
{
	struct first x = {.fd = bound(f, port, flags), .peer = -1};
	int l = x.fd;
	union address a;
	bool six = !met_by_4(f);

	if (s == BOUND)
		return x;
	if (s == CONNECTED) {
		a = address(is_inet6(f), six ? peer6 : peer4, PEER_PORT);
		must(calls->connect(x.fd, &a.any, sizeof(a)), "connect");
		x.peer = accept(listeners[six], NULL, NULL);
		return x;
	}
	must(calls->listen(l, 8), "listen");
	if (s == LISTENING)
		return x;
	x.peer = client_at(f, NULL, port);
	x.fd = calls->accept(l, NULL, NULL, 0);
	must(x.fd, "accept");
	close(l);
	if (s == TIMEWAIT) {
		close(x.fd);
		x.fd = -1;
		wait_for_last_ack(x.peer);
	}
	return x;
}

static void done_with(struct first *x)
{
	if (x->peer >= 0)
		reset(x->peer);
	if (x->fd >= 0)
		close(x->fd);
}

/* --- the table */

static const char *errno_name(int rc)
{
	return rc == 0 ? "ok" : strerrorname_np(errno);
}

static void row(enum state s, enum form f, int flags, enum form g, int wants,
		bool another, uint16_t port)
{
	struct first x = first_in(s, f, flags, port);
	union address a = local_of(g, port);
	int fd = socket_of(g, wants, another);
	int rc = calls->bind(fd, &a.any, sizeof(a));

	printf("%s\t%s\t%s\t%s\t%s\t%s\t%s", state_names[s], form_names[f],
	       flag_names[flags], form_names[g], flag_names[wants],
	       another ? "another user" : "same user", errno_name(rc));
	if (rc == 0) {
		rc = calls->listen(fd, 8);
		printf(" %s", errno_name(rc));
	}
	putchar('\n');
	close(fd);
	done_with(&x);
}

static void table(void)
{
	const int n = NSTATES * NFORMS_FIRST * NFORMS * 16;
	uint16_t port = 1024;

	peer_listen();
	for (int i = 0; i < n; i++) {
		enum form g = (enum form)(i / 16 % NFORMS);
		enum form f = (enum form)(i / 16 / NFORMS % NFORMS_FIRST);
		enum state s = (enum state)(i / 16 / NFORMS / NFORMS_FIRST);
		int flags = i & 3, wants = i >> 2 & 3;

		if (f == BOTH_BY_4 &&
		    (s == BOUND || s == LISTENING || s == CONNECTED))
			continue;
		row(s, f, flags, g, wants, false, ++port);
		if (flags & wants & PORT)
			row(s, f, flags, g, wants, true, ++port);
	}
}

/* --- listeners that share a port */

#define GROUP	4
#define CLIENTS 200

/* What waits for the listeners from |from| on. */
static int take(const int *fd, int *n, int from)
{
	int all = 0;

	for (int i = from; i < GROUP; i++) {
		int s = calls->accept(fd[i], NULL, NULL, 0);

		if (s < 0)
			continue;
		n[i]++;
		all++;
		close(s);
	}
	return all;
}

static void share_evenly(enum form f, uint16_t port)
{
	int fd[GROUP], c[CLIENTS], n[GROUP] = {0}, all = 0, least = CLIENTS;
	int ended = 0;

	for (int i = 0; i < GROUP; i++) {
		fd[i] = bound(f, port, PORT);
		must(calls->listen(fd[i], CLIENTS), "listen");
		fcntl(fd[i], F_SETFL, O_NONBLOCK);
	}
	for (int i = 0; i < CLIENTS; i++)
		c[i] = client_at(f, NULL, port);
	while (all < CLIENTS)
		all += take(fd, n, 0);
	for (int i = 0; i < GROUP; i++)
		least = n[i] < least ? n[i] : least;
	printf("%s: each of the listeners has a share: %s\n", form_names[f],
	       least > CLIENTS / GROUP / 3 ? "yes" : "no");
	for (int i = 0; i < CLIENTS; i++) {
		reset(c[i]);
		c[i] = client_at(f, NULL, port);
	}
	/* the first one takes none of its own now: they are reset */
	close(fd[0]);
	for (all = 0; all + ended < CLIENTS;) {
		all += take(fd, n, 1);
		for (int i = 0; i < CLIENTS; i++) {
			char octet;

			if (c[i] < 0 ||
			    recv(c[i], &octet, 1, MSG_DONTWAIT) >= 0 ||
			    errno != ECONNRESET)
				continue;
			ended++;
			close(c[i]);
			c[i] = -1;
		}
	}
	for (int i = 0; i < CLIENTS; i++)
		if (c[i] >= 0)
			reset(c[i]);
	printf("%s: the queue of one that is closed is reset: %s\n",
	       form_names[f], ended ? "yes" : "no");
	/* and nobody waits for him who has gone */
	for (all = 0; all < 20;) {
		reset(client_at(f, NULL, port));
		all += take(fd, n, 1);
	}
	printf("%s: the others take what comes then: yes\n", form_names[f]);
	for (int i = 1; i < GROUP; i++)
		close(fd[i]);
}

/* Who hears a client, of listeners on several forms of a port? */
static void most_specific(const enum form *forms, int n, const char *ip,
			  uint16_t port)
{
	int fd[NFORMS], c, s;

	for (int i = 0; i < n; i++) {
		fd[i] = bound(forms[i], port, PORT);
		must(calls->listen(fd[i], 8), "listen");
		fcntl(fd[i], F_SETFL, O_NONBLOCK);
	}
	c = client_at(forms[0], ip, port);
	printf("%s is met by", strcmp(ip, first4) == 0	  ? "the first IPv4"
			       : strcmp(ip, first6) == 0  ? "the first IPv6"
			       : strcmp(ip, second4) == 0 ? "the second IPv4"
							  : "the second IPv6");
	/* the handshake is done; tcpd's fd may take a moment to say so */
	for (int i = 0, found = 0; !found; i = (i + 1) % n) {
		s = calls->accept(fd[i], NULL, NULL, 0);
		if (s < 0)
			continue;
		printf(" %s of", form_names[forms[i]]);
		found = 1;
		close(s);
	}
	for (int i = 0; i < n; i++) {
		printf(" %s,", form_names[forms[i]]);
		close(fd[i]);
	}
	putchar('\n');
	reset(c);
}

static void share(void)
{
	static const enum form all[] = {BOTH, ANY4, ONE4, ONE6};
	static const enum form no4[] = {BOTH, ANY4, TWO4};
	static const enum form both[] = {BOTH};
	static const enum form two[] = {ANY4, ONLY6};
	static const enum form mapped[] = {BOTH, MAPPED};
	static const enum form mapped_any[] = {MAPPED_ANY, ONLY6};
	uint16_t port = 20000;

	share_evenly(ONE4, ++port);
	share_evenly(ANY4, ++port);
	share_evenly(ONE6, ++port);
	share_evenly(BOTH, ++port);
	most_specific(all, 4, first4, ++port);
	most_specific(all, 4, second4, ++port);
	most_specific(all, 4, first6, ++port);
	most_specific(all, 4, second6, ++port);
	most_specific(no4, 3, first4, ++port);
	most_specific(both, 1, first4, ++port);
	most_specific(both, 1, first6, ++port);
	most_specific(two, 2, first4, ++port);
	most_specific(two, 2, first6, ++port);
	most_specific(mapped, 2, first4, ++port);
	most_specific(mapped, 2, second4, ++port);
	most_specific(mapped_any, 2, first4, ++port);
	most_specific(mapped_any, 2, first6, ++port);
}

int main(int argc, char **argv)
{
	if (argc != 9) {
		(void)fputs("bind: see the head of bind.c\n", stderr);
		return 2;
	}
	calls = strcmp(argv[1], "kernel") == 0 ? &kernels : &tcpds;
	first4 = argv[3];
	second4 = argv[4];
	peer4 = argv[5];
	first6 = argv[6];
	second6 = argv[7];
	peer6 = argv[8];
	if (strcmp(argv[2], "share") == 0)
		share();
	else
		table();
	return 0;
}
