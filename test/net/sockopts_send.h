/* SPDX-License-Identifier: MIT */
/*
 * sockopts_send.h - the checks of send(2)'s flags: without a meaning on an fd
 * of tcpd's, and through tcpd_app_send() the segments of a kernel socket.
 * Included by sockopts_rows.h alone.
 */
#ifndef TEST_NET_SOCKOPTS_SEND_H
#define TEST_NET_SOCKOPTS_SEND_H

#include "sockopts.h"

/* Without a meaning: what was written goes, in one stream. */
static void no_meaning(int flag)
{
	struct pair p = meet();

	if (send(p.app, "ab", 2, flag | MSG_NOSIGNAL) == 2)
		UNTIL(queue(p.app, SIOCOUTQ) == 0);
	else
		CHECK(errno == EOPNOTSUPP && send(p.app, "ab", 2, 0) == 2);
	says(p.app, "cd");
	CHECK(hears(p.peer, "abcd"));
	part(&p);
}

/* The octets of the next segment from tcpd that has some. */
static uint32_t next_segment(void)
{
	struct seen s = {0};

	while (wire_next(&s, 0, 5) && s.len == 0)
		;
	return s.len;
}

/* How many segments with octets a kernel socket has sent: TCP_INFO's
 * tcpi_data_segs_out. */
static uint32_t kernel_segments(int fd)
{
	uint32_t info[64] = {0};
	socklen_t len = sizeof(info);

	CHECK(getsockopt(fd, IPPROTO_TCP, TCP_INFO, info, &len) == 0);
	return info[156 / 4];
}

/* What is corked goes by itself after this time, here and in the kernel. */
#define CORK_TIME 0.2

static void call_more(void)
{
	struct pair p, k = kernel_pair();
	double t0;

	no_meaning(MSG_MORE);
	port++;
	p = meet();
	wire_forget();
	t0 = now();
	CHECK(tcpd_app_send(p.app, "ab", 2, MSG_MORE) == 2);
	CHECK(send(k.app, "ab", 2, MSG_MORE) == 2);
	says(p.app, "cd");
	says(k.app, "cd");
	CHECK(hears(p.peer, "abcd") && hears(k.peer, "abcd"));
	if (now() - t0 < CORK_TIME)
		CHECK(next_segment() == 4 && kernel_segments(k.app) == 1);
	/* alone it waits, and goes (with the next ACK, if one were to come) */
	UNTIL(queue(p.app, SIOCOUTQ) == 0);
	wire_forget();
	t0 = now();
	CHECK(tcpd_app_send(p.app, "ef", 2, MSG_MORE) == 2);
	CHECK(next_segment() == 2 && now() - t0 > CORK_TIME / 2);
	part(&p);
	part(&k);
}

static void call_eor(void)
{
	struct pair p, k = kernel_pair();
	double t0;

	no_meaning(MSG_EOR);
	port++;
	p = meet();
	wire_forget();
	t0 = now();
	CHECK(set(p.app, IPPROTO_TCP, TCP_CORK, 1) == 0);
	CHECK(kset(k.app, IPPROTO_TCP, TCP_CORK, 1) == 0);
	says(p.app, "a");
	says(k.app, "a");
	CHECK(tcpd_app_send(p.app, "bcd", 3, MSG_EOR) == 3);
	CHECK(send(k.app, "bcd", 3, MSG_EOR) == 3);
	says(p.app, "ef");
	says(k.app, "ef");
	CHECK(set(p.app, IPPROTO_TCP, TCP_CORK, 0) == 0);
	CHECK(kset(k.app, IPPROTO_TCP, TCP_CORK, 0) == 0);
	CHECK(hears(p.peer, "abcdef") && hears(k.peer, "abcdef"));
	if (now() - t0 < CORK_TIME)
		CHECK(next_segment() == 4 && next_segment() == 2 &&
		      kernel_segments(k.app) == 2);
	part(&p);
	part(&k);
}

static void call_fastopen(void)
{
	no_meaning(MSG_FASTOPEN);
}

#endif /* TEST_NET_SOCKOPTS_SEND_H */
