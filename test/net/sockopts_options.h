/* SPDX-License-Identifier: MIT */
/*
 * sockopts_options.h - the checks of the table of options in doc/sockopts.md:
 * what is set is read back, and does what its row says.  Included by sockopts.c
 * alone.
 */
#ifndef TEST_NET_SOCKOPTS_OPTIONS_H
#define TEST_NET_SOCKOPTS_OPTIONS_H

#include "sockopts_rows.h"

static void so_error(void)
{
	int fd = app_socket();
	union address a = of_peer();

	nonblock(fd);
	CHECK(tcpd_app_connect(fd, &a.any, sizeof(a)) == -1 &&
	      errno == EINPROGRESS);
	CHECK(ready(fd, POLLOUT, 10000));
	CHECK(get(fd, SOL_SOCKET, SO_ERROR) == ECONNREFUSED);
	CHECK(get(fd, SOL_SOCKET, SO_ERROR) == 0);
	CHECK(set(fd, SOL_SOCKET, SO_ERROR, 0) == -1);
	close(fd);
}

/* As the kernel says of its own. */
static void like_kernel(int option)
{
	int fd = app_socket(), k = socket(af, SOCK_STREAM, 0);

	CHECK(get(fd, SOL_SOCKET, option) == kget(k, SOL_SOCKET, option));
	CHECK(set(fd, SOL_SOCKET, option, 1) == -1 && errno == ENOPROTOOPT);
	app_listen(fd);
	CHECK(listen(k, 1) == 0);
	CHECK(get(fd, SOL_SOCKET, option) == kget(k, SOL_SOCKET, option));
	close(fd);
	close(k);
}

static void so_type(void)
{
	like_kernel(SO_TYPE);
}
static void so_domain(void)
{
	like_kernel(SO_DOMAIN);
}
static void so_protocol(void)
{
	like_kernel(SO_PROTOCOL);
}
static void so_acceptconn(void)
{
	like_kernel(SO_ACCEPTCONN);
}

/* Two sockets, both with |option| or not: may the second bind, and listen? */
static void two_of(int option, bool listens)
{
	for (int with = 0; with < 2; with++) {
		union address a = of_tcpd();
		int s[2];

		for (int i = 0; i < 2; i++) {
			s[i] = app_socket();
			CHECK(set(s[i], SOL_SOCKET, option, with) == 0);
			CHECK(get(s[i], SOL_SOCKET, option) == with);
			errno = 0;
			CHECK((tcpd_app_bind(s[i], &a.any, sizeof(a)) == 0) ==
			      (i == 0 || with));
			CHECK(i == 0 || with || errno == EADDRINUSE);
		}
		CHECK(set(s[0], SOL_SOCKET, option, 1) == -1 &&
		      errno == EINVAL);
		CHECK(tcpd_app_listen(s[0], 1) == 0);
		if (with)
			CHECK((tcpd_app_listen(s[1], 1) == 0) == listens);
		close(s[0]);
		close(s[1]);
		port++;
	}
}

static void so_reuseaddr(void)
{
	two_of(SO_REUSEADDR, false);
}

static void so_reuseport(void)
{
	two_of(SO_REUSEPORT, true);
}

static void so_linger(void)
{
	struct linger l = {1, 7}, got = {0};
	socklen_t len = sizeof(got);
	struct pair p = meet();

	CHECK(tcpd_app_setsockopt(p.app, SOL_SOCKET, SO_LINGER, &l,
				  sizeof(l)) == 0);
	CHECK(tcpd_app_getsockopt(p.app, SOL_SOCKET, SO_LINGER, &got, &len) ==
	      0);
	CHECK(len == sizeof(got) && got.l_onoff == 1 && got.l_linger == 7);
	part(&p); /* what it does: the table of ends */
}

/* Silence: a probe a second, and after two of them the end. */
static void so_keepalive(void)
{
	struct pair p = meet();
	struct seen s;
	unsigned n = 0;

	CHECK(get(p.app, SOL_SOCKET, SO_KEEPALIVE) == 0);
	CHECK(set(p.app, IPPROTO_TCP, TCP_KEEPIDLE, 1) == 0);
	CHECK(set(p.app, IPPROTO_TCP, TCP_KEEPINTVL, 1) == 0);
	CHECK(set(p.app, IPPROTO_TCP, TCP_KEEPCNT, 2) == 0);
	CHECK(set(p.app, SOL_SOCKET, SO_KEEPALIVE, 1) == 0);
	CHECK(get(p.app, SOL_SOCKET, SO_KEEPALIVE) == 1);
	silence(p.peer);
	wire_forget();
	while (wire_next(&s, ACK, 5) && !(s.flags & RST))
		n += s.len == 0;
	CHECK(s.flags & RST);
	CHECK(n == 2);
	CHECK(ends(p.app) == -ECONNRESET);
	CHECK(get(p.app, SOL_SOCKET, SO_ERROR) == ETIMEDOUT);
	part(&p);
}

static void tcp_keepidle(void)
{
	number(IPPROTO_TCP, TCP_KEEPIDLE, 100, 100);
	refused_number(IPPROTO_TCP, TCP_KEEPIDLE, 0);
}

static void tcp_keepintvl(void)
{
	number(IPPROTO_TCP, TCP_KEEPINTVL, 9, 9);
	refused_number(IPPROTO_TCP, TCP_KEEPINTVL, 40000);
}

static void tcp_keepcnt(void)
{
	number(IPPROTO_TCP, TCP_KEEPCNT, 4, 4);
	refused_number(IPPROTO_TCP, TCP_KEEPCNT, 128);
}

static void so_oobinline(void)
{
	number(SOL_SOCKET, SO_OOBINLINE, 1, 1);
	refused_number(SOL_SOCKET, SO_OOBINLINE, 0);
}

/* The window of the SYN-ACK of a listener with |option|. */
static void window_of(int level, int option, int v)
{
	int l = app_socket();
	struct seen s = {0};
	struct pair p;

	CHECK(set(l, level, option, v) == 0);
	wire_forget();
	p = meet_on(l);
	CHECK(wire_next(&s, SYN | ACK, PATIENCE) && s.win == v);
	CHECK(get(p.app, level, option) == v);
	part(&p);
	port++;
}

static void so_rcvbuf(void)
{
	number(SOL_SOCKET, SO_RCVBUF, 65536, 65536);
	number(SOL_SOCKET, SO_RCVBUF, 1, 2048);
	window_of(SOL_SOCKET, SO_RCVBUF, 8192);
}

static void so_sndbuf(void)
{
	struct pair p;
	size_t much;

	number(SOL_SOCKET, SO_SNDBUF, 65536, 65536);
	p = meet();
	much = writable(&p);
	part(&p);
	port++;
	p = meet();
	CHECK(set(p.app, SOL_SOCKET, SO_SNDBUF, 8192) == 0);
	CHECK(writable(&p) < much / 4);
	part(&p);
}

static void so_max_pacing_rate(void)
{
	uint64_t rate = UINT64_C(5) << 30, got = 0;
	uint8_t info[280];
	socklen_t len = sizeof(got);
	struct pair p;

	number(SOL_SOCKET, SO_MAX_PACING_RATE, 300000, 300000);
	number(SOL_SOCKET, SO_MAX_PACING_RATE, -1, -1);
	p = meet();
	CHECK(tcpd_app_setsockopt(p.app, SOL_SOCKET, SO_MAX_PACING_RATE, &rate,
				  sizeof(rate)) == 0);
	CHECK(tcpd_app_getsockopt(p.app, SOL_SOCKET, SO_MAX_PACING_RATE, &got,
				  &len) == 0);
	CHECK(len == sizeof(got) && got == rate);
	/* and this is what holds it: tcpi_pacing_rate, tcpi_max_pacing_rate,
	 * which the C library's struct does not have */
	len = sizeof(info);
	CHECK(tcpd_app_getsockopt(p.app, IPPROTO_TCP, TCP_INFO, info, &len) ==
	      0);
	memcpy(&got, info + 104, sizeof(got));
	CHECK(got == rate);
	memcpy(&got, info + 112, sizeof(got));
	CHECK(got == rate);
	part(&p);
}

static void so_rcvlowat(void)
{
	number(SOL_SOCKET, SO_RCVLOWAT, 5, 5); /* more: table of calls */
}

static void timeouts(int option, bool sends)
{
	struct timeval tv = {0, 100000}, got = {0};
	socklen_t len = sizeof(got);
	struct pair p = meet();
	static char big[65536];
	ssize_t r;
	double t0;

	CHECK(tcpd_app_setsockopt(p.app, SOL_SOCKET, option, &tv, sizeof(tv)) ==
	      0);
	CHECK(tcpd_app_getsockopt(p.app, SOL_SOCKET, option, &got, &len) == 0 &&
	      got.tv_usec == 100000);
	silence(p.peer);
	t0 = now();
	do
		r = sends ? write(p.app, big, sizeof(big))
			  : read(p.app, big, 1);
	while (r == sizeof(big));
	CHECK(sends || errno == EAGAIN);
	CHECK(now() - t0 >= 0.09);
	part(&p);
}

static void so_rcvtimeo(void)
{
	timeouts(SO_RCVTIMEO, false);
}

static void so_sndtimeo(void)
{
	timeouts(SO_SNDTIMEO, true);
}

/* Nagle's rule holds the second octet until it is switched off. */
static void tcp_nodelay(void)
{
	struct pair p;

	number(IPPROTO_TCP, TCP_NODELAY, 1, 1);
	p = meet();
	silence(p.peer);
	says(p.app, "a");
	UNTIL(queue(p.app, SIOCOUTQNSD) == 0);
	says(p.app, "b");
	CHECK(queue(p.app, SIOCOUTQNSD) == 1);
	pass_ms(50);
	CHECK(queue(p.app, SIOCOUTQNSD) == 1);
	CHECK(set(p.app, IPPROTO_TCP, TCP_NODELAY, 1) == 0);
	UNTIL(queue(p.app, SIOCOUTQNSD) == 0);
	part(&p);
}

static void tcp_cork(void)
{
	struct pair p = meet();
	struct seen s = {0};

	wire_forget();
	CHECK(set(p.app, IPPROTO_TCP, TCP_CORK, 1) == 0);
	CHECK(get(p.app, IPPROTO_TCP, TCP_CORK) == 1);
	says(p.app, "ab");
	CHECK(queue(p.app, SIOCOUTQNSD) == 2);
	says(p.app, "cd");
	CHECK(set(p.app, IPPROTO_TCP, TCP_CORK, 0) == 0);
	CHECK(wire_next(&s, PSH, PATIENCE) && s.len == 4);
	CHECK(hears(p.peer, "abcd"));
	part(&p);
}

static void tcp_quickack(void)
{
	struct pair p = meet();

	CHECK(set(p.app, IPPROTO_TCP, TCP_QUICKACK, 0) == 0);
	CHECK(get(p.app, IPPROTO_TCP, TCP_QUICKACK) == 0);
	CHECK(set(p.app, IPPROTO_TCP, TCP_QUICKACK, 1) == 0);
	CHECK(get(p.app, IPPROTO_TCP, TCP_QUICKACK) == 1);
	part(&p);
}

static void tcp_user_timeout(void)
{
	struct pair p = meet();
	double t0 = now();

	CHECK(set(p.app, IPPROTO_TCP, TCP_USER_TIMEOUT, 500) == 0);
	CHECK(get(p.app, IPPROTO_TCP, TCP_USER_TIMEOUT) == 500);
	silence(p.peer);
	says(p.app, "x");
	CHECK(ends(p.app) == -ECONNRESET && now() - t0 >= 0.5);
	CHECK(get(p.app, SOL_SOCKET, SO_ERROR) == ETIMEDOUT);
	part(&p);
}

/* To an address that nobody answers for: a SYN, another, and the end. */
static void tcp_syncnt(void)
{
	int fd = app_socket(), n = 0;
	union address a = address("10.77.0.99", "fd77::99", port);
	struct seen s;

	CHECK(get(fd, IPPROTO_TCP, TCP_SYNCNT) == 0);
	CHECK(set(fd, IPPROTO_TCP, TCP_SYNCNT, 1) == 0);
	wire_forget();
	CHECK(tcpd_app_connect(fd, &a.any, sizeof(a)) == -1 &&
	      (errno == ETIMEDOUT || errno == EHOSTUNREACH));
	while (wire_next(&s, SYN, 0.1))
		n++;
	CHECK(n == 2);
	CHECK(get(fd, IPPROTO_TCP, TCP_SYNCNT) < 0);
	close(fd);
}

static void tcp_linger2(void)
{
	struct pair p;

	number(IPPROTO_TCP, TCP_LINGER2, 500, 120);
	refused_number(IPPROTO_TCP, TCP_LINGER2, -1);
	p = meet();
	CHECK(set(p.app, IPPROTO_TCP, TCP_LINGER2, 1) == 0);
	close(p.app);
	p.app = -1;
	UNTIL(ss_has("FIN-WAIT-2"));
	UNTIL(!ss_has("FIN-WAIT-2"));
	part(&p);
}

static void tcp_defer_accept(void)
{
	struct pair p = {.l = app_socket(), .app = -1};

	CHECK(set(p.l, IPPROTO_TCP, TCP_DEFER_ACCEPT, 30) == 0);
	CHECK(get(p.l, IPPROTO_TCP, TCP_DEFER_ACCEPT) == 30);
	app_listen(p.l);
	nonblock(p.l);
	p.peer = peer_connect();
	CHECK(!ready(p.l, POLLIN, 50));
	CHECK(tcpd_app_accept(p.l, NULL, NULL, 0) == -1 && errno == EAGAIN);
	CHECK(ss_has("SYN-RECEIVED"));
	says(p.peer, "hello");
	CHECK(ready(p.l, POLLIN, 10000));
	p.app = tcpd_app_accept(p.l, NULL, NULL, 0);
	CHECK(p.app >= 0 && hears(p.app, "hello"));
	CHECK(set(p.app, IPPROTO_TCP, TCP_DEFER_ACCEPT, 1) == -1 &&
	      errno == EINVAL);
	part(&p);
}

static void tcp_window_clamp(void)
{
	number(IPPROTO_TCP, TCP_WINDOW_CLAMP, 5000, 5000);
	window_of(IPPROTO_TCP, TCP_WINDOW_CLAMP, 4096);
}

static void tcp_maxseg(void)
{
	union address a = of_peer();
	struct pair p = {.l = app_socket()};
	struct seen s = {0};
	int k, fd;

	CHECK(set(p.l, IPPROTO_TCP, TCP_MAXSEG, 700) == 0);
	CHECK(get(p.l, IPPROTO_TCP, TCP_MAXSEG) == 700);
	refused_number(IPPROTO_TCP, TCP_MAXSEG, 87);
	wire_forget();
	p = meet_on(p.l);
	CHECK(wire_next(&s, SYN | ACK, PATIENCE) && s.mss == 700);
	CHECK(get(p.app, IPPROTO_TCP, TCP_MAXSEG) == 700 - 12);
	CHECK(kget(p.peer, IPPROTO_TCP, TCP_MAXSEG) == 700 - 12);
	part(&p);
	port++;
	a = of_peer();
	k = socket(af, SOCK_STREAM, 0);
	CHECK(bind(k, &a.any, sizeof(a)) == 0 && listen(k, 1) == 0);
	fd = app_socket();
	CHECK(set(fd, IPPROTO_TCP, TCP_MAXSEG, 900) == 0);
	CHECK(tcpd_app_connect(fd, &a.any, sizeof(a)) == 0);
	CHECK(wire_next(&s, SYN, PATIENCE) && s.mss == 900);
	CHECK(set(fd, IPPROTO_TCP, TCP_MAXSEG, 500) == -1 && errno == EINVAL);
	close(fd);
	close(k);
}

static void tcp_congestion(void)
{
	char name[16] = "";
	socklen_t len = sizeof(name);
	int fd = app_socket();

	CHECK(tcpd_app_getsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, name,
				  &len) == 0 &&
	      name[0]);
	CHECK(tcpd_app_setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, name,
				  (socklen_t)strlen(name)) == 0);
	CHECK(tcpd_app_setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, "nobody's",
				  8) == -1 &&
	      errno == ENOENT);
	close(fd);
}

/* The kernel's of the same connection says the same where it must. */
static void tcp_info(void)
{
	struct tcp_info i = {0}, k = {0};
	uint8_t all[512];
	socklen_t len = sizeof(all), klen = sizeof(k);
	struct pair p = meet();

	says(p.app, "0123456789");
	CHECK(hears(p.peer, "0123456789"));
	UNTIL(queue(p.app, SIOCOUTQ) == 0);
	CHECK(tcpd_app_getsockopt(p.app, IPPROTO_TCP, TCP_INFO, all, &len) ==
		      0 &&
	      len == 280);
	memcpy(&i, all, sizeof(i));
	CHECK(getsockopt(p.peer, IPPROTO_TCP, TCP_INFO, &k, &klen) == 0);
	CHECK(i.tcpi_state == k.tcpi_state);
	CHECK(i.tcpi_options == k.tcpi_options);
	CHECK(i.tcpi_snd_wscale == k.tcpi_rcv_wscale &&
	      i.tcpi_rcv_wscale == k.tcpi_snd_wscale);
	CHECK(i.tcpi_snd_mss == k.tcpi_snd_mss);
	CHECK(i.tcpi_unacked == 0 && i.tcpi_snd_cwnd >= 10 && i.tcpi_rtt > 0);
	part(&p);
}

static void tcp_notsent_lowat(void)
{
	struct pair p;
	size_t much;

	number(IPPROTO_TCP, TCP_NOTSENT_LOWAT, 9999, 9999);
	p = meet();
	much = writable(&p);
	part(&p);
	port++;
	p = meet();
	CHECK(set(p.app, IPPROTO_TCP, TCP_NOTSENT_LOWAT, 16384) == 0);
	CHECK(writable(&p) < much / 4);
	CHECK(!ready(p.app, POLLOUT, 0));
	part(&p);
}

/* SYN-ACK, data, and data after a change. */
static void marks(int level, int option, const int v[2], bool tos)
{
	int l = app_socket();
	struct seen s = {0};
	struct pair p;

	CHECK(set(l, level, option, v[0]) == 0);
	wire_forget();
	p = meet_on(l);
	CHECK(wire_next(&s, SYN | ACK, PATIENCE));
	CHECK((tos ? s.tos : s.ttl) == v[0]);
	CHECK(get(p.app, level, option) == v[0]);
	says(p.app, "a");
	CHECK(wire_next(&s, PSH, PATIENCE) && (tos ? s.tos : s.ttl) == v[0]);
	CHECK(set(p.app, level, option, v[1]) == 0);
	says(p.app, "b");
	CHECK(wire_next(&s, PSH, PATIENCE) && (tos ? s.tos : s.ttl) == v[1]);
	CHECK(hears(p.peer, "ab"));
	part(&p);
	port++;
}

static void ip_tos(void)
{
	static const int v[] = {0xb8, 0x28};

	marks(IPPROTO_IP, IP_TOS, v, true);
	number(IPPROTO_IP, IP_TOS, 0xff, 0xfc);
	refused_number(IPPROTO_IP, IP_TOS, 256);
}

static void ip_ttl(void)
{
	static const int v[] = {17, 200};

	marks(IPPROTO_IP, IP_TTL, v, false);
	number(IPPROTO_IP, IP_TTL, -1, 64);
	refused_number(IPPROTO_IP, IP_TTL, 0);
}

static void ipv6_tclass(void)
{
	static const int v[] = {0xb8, 0x28};

	if (family == 4) {
		refused_number(IPPROTO_IPV6, IPV6_TCLASS, 8);
		return;
	}
	marks(IPPROTO_IPV6, IPV6_TCLASS, v, true);
	number(IPPROTO_IPV6, IPV6_TCLASS, -1, 0);
}

static void ipv6_unicast_hops(void)
{
	static const int v[] = {17, 200};

	if (family == 4) {
		refused_number(IPPROTO_IPV6, IPV6_UNICAST_HOPS, 8);
		return;
	}
	marks(IPPROTO_IPV6, IPV6_UNICAST_HOPS, v, false);
	number(IPPROTO_IPV6, IPV6_UNICAST_HOPS, -1, 64);
}

static void ipv6_v6only(void)
{
	struct sockaddr_in6 any = {.sin6_family = AF_INET6,
				   .sin6_port = htons(port)};
	struct sockaddr_in four = {.sin_family = AF_INET,
				   .sin_port = htons(port)};
	int l, k;

	if (family == 4) {
		refused_number(IPPROTO_IPV6, IPV6_V6ONLY, 1);
		return;
	}
	inet_pton(AF_INET, "10.77.0.2", &four.sin_addr);
	for (int only = 0; only < 2; only++) {
		l = app_socket();
		CHECK(set(l, IPPROTO_IPV6, IPV6_V6ONLY, only) == 0);
		CHECK(get(l, IPPROTO_IPV6, IPV6_V6ONLY) == only);
		CHECK(tcpd_app_bind(l, (struct sockaddr *)&any, sizeof(any)) ==
		      0);
		CHECK(tcpd_app_listen(l, 1) == 0);
		k = socket(AF_INET, SOCK_STREAM, 0);
		CHECK((connect(k, (struct sockaddr *)&four, sizeof(four)) ==
		       0) == !only);
		close(k);
		close(l);
	}
}

static void siocinq(void)
{
	struct pair p = meet();

	says(p.peer, "12345");
	UNTIL(queue(p.app, SIOCINQ) == 5);
	CHECK(hears(p.app, "123"));
	CHECK(queue(p.app, SIOCINQ) == 2);
	CHECK(queue(p.l, SIOCINQ) == -EINVAL);
	part(&p);
}

static void siocoutq(void)
{
	struct pair p = meet();

	silence(p.peer);
	says(p.app, "12345");
	CHECK(queue(p.app, SIOCOUTQ) == 5);
	CHECK(shutdown(p.app, SHUT_WR) == 0);
	UNTIL(queue(p.app, SIOCOUTQ) == 6);
	part(&p);
}

static void siocoutqnsd(void)
{
	struct pair p = meet();

	CHECK(set(p.app, IPPROTO_TCP, TCP_CORK, 1) == 0);
	says(p.app, "12345");
	CHECK(queue(p.app, SIOCOUTQNSD) == 5);
	CHECK(set(p.app, IPPROTO_TCP, TCP_CORK, 0) == 0);
	UNTIL(queue(p.app, SIOCOUTQNSD) == 0);
	part(&p);
}

#endif /* TEST_NET_SOCKOPTS_OPTIONS_H */
