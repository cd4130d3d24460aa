/* SPDX-License-Identifier: MIT */
/*
 * sockopts_fast.h - the checks of TCP Fast Open's options, as a server and as
 * a client of the kernel's.  Included by sockopts.c alone.
 */
#ifndef TEST_NET_SOCKOPTS_FAST_H
#define TEST_NET_SOCKOPTS_FAST_H

#include "sockopts.h"

static bool has_syn_data(int fd)
{
	struct tcp_info i = {0};
	socklen_t len = sizeof(i);

	CHECK(tcpd_app_getsockopt(fd, IPPROTO_TCP, TCP_INFO, &i, &len) == 0);
	return i.tcpi_options & TCPI_OPT_SYN_DATA;
}

/* The peer's first SYN asks for a cookie, its second one brings it and text,
 * which is there before the last ACK. */
static void tcp_fastopen(void)
{
	struct pair p = {.l = app_socket()};
	union address a = of_tcpd();

	CHECK(get(p.l, IPPROTO_TCP, TCP_FASTOPEN) == 0);
	CHECK(set(p.l, IPPROTO_TCP, TCP_FASTOPEN, 5) == 0);
	CHECK(get(p.l, IPPROTO_TCP, TCP_FASTOPEN) == 5);
	app_listen(p.l);
	CHECK(get(p.l, IPPROTO_TCP, TCP_FASTOPEN) == 5);
	CHECK(set(p.l, IPPROTO_TCP, TCP_FASTOPEN, 65536) == -1 &&
	      errno == EINVAL);
	for (int fast = 0; fast < 3; fast++) {
		/* the third listens without */
		if (fast == 2)
			CHECK(set(p.l, IPPROTO_TCP, TCP_FASTOPEN, 0) == 0);
		p.peer = socket(af, SOCK_STREAM, 0);
		CHECK(sendto(p.peer, "hello", 5, MSG_FASTOPEN, &a.any,
			     sizeof(a)) == 5);
		p.app = tcpd_app_accept(p.l, NULL, NULL, 0);
		CHECK(p.app >= 0 && hears(p.app, "hello"));
		CHECK(has_syn_data(p.app) == (fast == 1));
		says(p.app, "bye");
		CHECK(hears(p.peer, "bye"));
		CHECK(set(p.app, IPPROTO_TCP, TCP_FASTOPEN, 1) == -1 &&
		      errno == EINVAL);
		close(p.app);
		close(p.peer);
	}
	close(p.l);
}

/* A connect to |a| that may be fast; |text| is for the SYN. */
static int fast_connect(union address a, const char *text, bool fast)
{
	int fd = app_socket();
	struct seen s = {0};

	CHECK(get(fd, IPPROTO_TCP, TCP_FASTOPEN_CONNECT) == 0);
	CHECK(set(fd, IPPROTO_TCP, TCP_FASTOPEN_CONNECT, 1) == 0);
	CHECK(get(fd, IPPROTO_TCP, TCP_FASTOPEN_CONNECT) == 1);
	wire_forget();
	nonblock(fd);
	if (fast) {
		CHECK(tcpd_app_connect(fd, &a.any, sizeof(a)) == 0);
		CHECK(!wire_next(&s, SYN, 0.05));
	} else {
		CHECK(tcpd_app_connect(fd, &a.any, sizeof(a)) == -1 &&
		      errno == EINPROGRESS);
	}
	CHECK(ready(fd, POLLOUT, 10000) == POLLOUT);
	CHECK(set(fd, IPPROTO_TCP, TCP_FASTOPEN_CONNECT, 1) == -1 &&
	      errno == EINVAL);
	says(fd, text);
	CHECK(wire_next(&s, SYN, PATIENCE));
	CHECK(s.len == (fast ? strlen(text) : 0));
	return fd;
}

static void tcp_fastopen_connect(void)
{
	union address a = of_peer();
	int k = socket(af, SOCK_STREAM, 0);

	CHECK(kset(k, IPPROTO_TCP, TCP_FASTOPEN, 5) == 0);
	CHECK(bind(k, &a.any, sizeof(a)) == 0 && listen(k, 8) == 0);
	for (int fast = 0; fast < 3; fast++) {
		int fd = fast_connect(a, "hello", fast);
		int peer;

		/* what is closed at once arrives whole, with its FIN */
		if (fast == 1)
			CHECK(shutdown(fd, SHUT_WR) == 0);
		if (fast == 2)
			close(fd);
		peer = accept(k, NULL, NULL);
		CHECK(hears(peer, "hello"));
		CHECK(!fast || ends(peer) == 0);
		if (fast == 1) {
			says(peer, "bye");
			CHECK(hears(fd, "bye") && has_syn_data(fd));
		}
		close(peer);
		if (fast != 2)
			close(fd);
	}
	close(k);
	/* nobody listens any more: a RST for the SYN and its text */
	k = fast_connect(a, "hello", true);
	CHECK(ends(k) == -ECONNRESET);
	CHECK(get(k, SOL_SOCKET, SO_ERROR) == ECONNREFUSED);
	close(k);
	/* closed before a word was said: nothing was sent */
	k = app_socket();
	CHECK(set(k, IPPROTO_TCP, TCP_FASTOPEN_CONNECT, 1) == 0);
	CHECK(tcpd_app_connect(k, &a.any, sizeof(a)) == 0);
	close(k);
	UNTIL(!ss_has("SYN-SENT"));
}

#endif /* TEST_NET_SOCKOPTS_FAST_H */
