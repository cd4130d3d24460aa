/* SPDX-License-Identifier: MIT */
/*
 * test_bridge_io.c - octets through a bridge: the lag octet and what might eat
 * it, back-pressure, and requests in their place between the octets.
 *
 * LINK: daemon/app.c daemon/app_allow.c daemon/app_client.c daemon/app_req.c
 * LINK: daemon/bridge.c daemon/bridge_accept.c daemon/bridge_info.c
 * LINK: daemon/bridge_io.c daemon/bridge_opt.c daemon/bridge_optval.c
 * LINK: daemon/bridge_send.c daemon/tcpinfo.c
 */
#include <linux/sockios.h>
#include <sys/ioctl.h>

#include "test/unit/bridge_rig.h"

static ssize_t send_own_fd(void)
{
	union {
		struct cmsghdr align;
		char buf[CMSG_SPACE(sizeof(int))];
	} c = {.buf = {0}};
	char octet = 'x';
	struct iovec iov = {&octet, 1};
	struct msghdr mh = {.msg_iov = &iov,
			    .msg_iovlen = 1,
			    .msg_control = c.buf,
			    .msg_controllen = sizeof(c.buf)};
	struct cmsghdr *cm = CMSG_FIRSTHDR(&mh);

	cm->cmsg_level = SOL_SOCKET;
	cm->cmsg_type = SCM_RIGHTS;
	cm->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(cm), &a, sizeof(int));
	return sendmsg(a, &mh, MSG_NOSIGNAL | MSG_DONTWAIT);
}

START_TEST(an_fd_sent_through_a_connection_is_refused_or_ends_it)
{
	rig.d.app->passrights &= _i == 0; /* 1: as on an older kernel */
	meet();
	if (send_own_fd() < 0) {
		ck_assert_int_eq(errno, EPERM);
		ck_assert_int_eq(_i, 0);
		app_writes("unharmed");
		rig_settle();
		peer_reads("unharmed");
		return;
	}
	rig_settle();
	ck_assert_int_eq(peer_err(), TCPD_ERR_RESET);
	app_read_fails(ECONNRESET);
	ck_assert_int_eq(app_error(), ECONNABORTED);
}
END_TEST

START_TEST(urgent_octets_stay_in_their_place)
{
	meet();
	app_writes("abc");
	if (send(a, "O", 1, MSG_OOB) != 1)
		return; /* a kernel without them */
	app_writes("def");
	rig_settle();
	ck_assert_int_eq(tcpd_urgent(rig.peer, p), 4);
	peer_reads("abcOdef");
	ck_assert_int_eq(tcpd_urgent(rig.peer, p), 0);
	if (send(a, "P", 1, MSG_OOB) != 1)
		return;
	rig_settle();
	ck_assert_int_eq(tcpd_urgent(rig.peer, p), 1);
	peer_reads("P");
	tcpd_abort(rig.peer, p, rig.d.now);
	rig_settle();
	app_read_fails(ECONNRESET);
}
END_TEST

/* The bridge of the connection; NULL: it has gone. */
static struct bridge *bridge(void)
{
	const struct app *app = rig.d.app;

	for (uint32_t i = 0; i < app->bridges.high; i++)
		if (slab_used(&app->bridges, i) &&
		    bridge_at(app, i)->kind == BRIDGE_CONN)
			return bridge_at(app, i);
	return NULL;
}

/* What it has left in its queue. */
static uint32_t lag(void)
{
	const struct bridge *b = bridge();

	return b ? b->lag : 0;
}

/* Where the mark is among what one read takes: its place in the stream. */
static const struct {
	int before, after;
} marks[] = {{0, 0},	{0, 1},	   {1, 0},    {1, 1},	 {100, 0},
	     {100, 1},	{100, 7},  {2046, 0}, {2047, 0}, {2047, 1},
	     {2048, 0}, {2048, 1}, {2048, 2}, {2049, 0}, {5000, 0},
	     {5000, 1}, {5000, 2}, {5000, 3}, {5000, 99}};

START_TEST(an_urgent_octet_is_the_end_of_urgent_data_wherever_it_is)
{
	static char text[8192], got[8192];
	int before = marks[_i].before, after = marks[_i].after;

	meet();
	memset(text, 'x', sizeof(text));
	for (int round = 0; round < 20; round++) {
		int n = before + 1 + after;

		if (send(a, text, (size_t)before + 1, MSG_OOB) != before + 1)
			return; /* a kernel without them */
		if (after)
			ck_assert_int_eq(send(a, text, (size_t)after, 0),
					 after);
		rig_settle();
		rig_pass(TCPD_MS(100));
		ck_assert_int_eq(tcpd_urgent(rig.peer, p), before + 1);
		ck_assert_int_eq(
			tcpd_recv(rig.peer, p, got, sizeof(got), rig.d.now), n);
		ck_assert_int_eq(tcpd_urgent(rig.peer, p), 0);
	}
}
END_TEST

/* It came after the daemon had asked for events: the read finds it. */
START_TEST(an_urgent_octet_is_found_by_a_read_that_stops_short)
{
	static char text[8192];
	int before = marks[_i].before, after = marks[_i].after;

	if (after == 1)
		return; /* two octets end a read either way */
	meet();
	for (int round = 0; round < 20; round++) {
		if (send(a, text, (size_t)before + 1, MSG_OOB) != before + 1)
			return; /* a kernel without them */
		if (after)
			ck_assert_int_eq(send(a, text, (size_t)after, 0),
					 after);
		bridge()->pri = false;
		bridge_pump_in(bridge(), 65536);
		rig_settle();
		rig_pass(TCPD_MS(100));
		ck_assert_int_eq(tcpd_urgent(rig.peer, p), before + 1);
		ck_assert_int_eq(
			tcpd_recv(rig.peer, p, text, sizeof(text), rig.d.now),
			before + 1 + after);
	}
}
END_TEST

START_TEST(urgent_data_of_the_peer_stops_the_apps_read)
{
	char buf[16] = "";
	int n = -1;

	meet();
	if (send(a, "O", 1, MSG_OOB) != 1)
		return; /* a kernel without them */
	rig_settle();
	peer_reads("O");
	ck_assert_int_eq(tcpd_send(rig.peer, p, "abcU", 4, rig.d.now), 4);
	ck_assert_int_eq(tcpd_send_urgent(rig.peer, p, rig.d.now), 0);
	peer_writes("def");
	rig_settle();
	ck_assert_int_eq(read(a, buf, sizeof(buf)), 3);
	ck_assert_int_eq(ioctl(a, SIOCATMARK, &n), 0);
	ck_assert_int_eq(n, 1);
	app_reads("Udef");
	ck_assert_int_eq(ioctl(a, SIOCATMARK, &n), 0);
	ck_assert_int_eq(n, 0);
	peer_writes("ghi"); /* no mark is left */
	rig_settle();
	app_reads("ghi");
}
END_TEST

START_TEST(single_octets_arrive_one_by_one)
{
	meet();
	for (int i = 0; i < 100; i++) {
		app_writes("x");
		rig_settle();
		peer_reads("x");
		peer_writes("y");
		app_reads("y");
	}
}
END_TEST

START_TEST(pieces_of_every_size_arrive_whole_and_once)
{
	static const int sizes[] = {1,	2,    3,    1,	  700,	1300, 46,
				    47, 2046, 2047, 2048, 2049, 1,    5000};
	char piece[5001], got[5001];
	unsigned at = 0;
	bool oob = true; /* the kernel has them */

	meet();
	for (int i = 0; i < 280; i++) {
		int n = sizes[i % 14];

		for (int k = 0; k < n; k++)
			piece[k] = "abcdefghijklmnopqrstuvwxyz"[at++ % 26];
		piece[n] = '\0';
		/* every fifth one ends in an octet that stops a read */
		oob = oob &&
		      (i % 5 < 4 || send(a, piece, (size_t)n, MSG_OOB) == n);
		if (!oob || i % 5 < 4)
			app_writes(piece);
		rig_settle();
		rig_pass(TCPD_MS(100)); /* Nagle waits for a delayed ACK */
		ck_assert_int_eq(
			tcpd_recv(rig.peer, p, got, sizeof(got), rig.d.now), n);
		ck_assert_mem_eq(got, piece, (size_t)n);
		ck_assert_uint_ge(lag(), 1);
		ck_assert_uint_le(lag(), 2048);
	}
	close_fd(&a);
	rig_settle();
}
END_TEST

START_TEST(an_app_is_read_only_while_little_waits_unsent)
{
	static char big[65536];
	struct tcpd_cursor c = {0};
	struct tcpd_status s;
	ssize_t n = 0, r;

	meet();
	rig.cut = true;
	for (int i = 0; i < 1000; i++) {
		r = write(a, big, sizeof(big));
		n += r > 0 ? r : 0;
		rig_settle();
		if (r < 0)
			break;
	}
	ck_assert_int_eq(errno, EAGAIN);
	while (tcpd_each(rig.d.st, &c, &s, rig.d.now))
		if (s.kind == TCPD_KIND_CONN)
			ck_assert_uint_le(s.unsent, 128 * 1024 + 256 * 1024);
	/* When the peer is back all of it arrives. */
	rig.cut = false;
	for (int i = 0; i < 10000 && n > 0; i++) {
		rig_pass(TCPD_MS(100));
		for (;;) {
			int64_t got = tcpd_recv(rig.peer, p, big, sizeof(big),
						rig.d.now);

			if (got <= 0)
				break;
			n -= (ssize_t)got;
		}
	}
	ck_assert_int_eq(n, 0);
}
END_TEST

static uint64_t segments_out(void)
{
	struct tcp_info i;

	memset(&i, 0, sizeof(i));
	ck_assert_int_gt(rig_get(a, IPPROTO_TCP, TCP_INFO, &i, sizeof(i)), 100);
	return peer_status().data_segs_in;
}

START_TEST(an_option_takes_effect_after_what_was_written_before)
{
	int on = 1, off = 0;
	uint64_t before;

	meet();
	ck_assert_int_eq(rig_set(a, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)),
			 0);
	before = segments_out();
	app_writes("one"); /* before the cork: goes by itself */
	ck_assert_int_eq(rig_set(a, IPPROTO_TCP, TCP_CORK, &on, sizeof(on)), 0);
	app_writes("two");
	app_writes("three");
	rig_settle();
	ck_assert_uint_eq(segments_out(), before);
	ck_assert_int_eq(rig_set(a, IPPROTO_TCP, TCP_CORK, &off, sizeof(off)),
			 0);
	rig_settle();
	peer_reads("onetwothree");
	ck_assert_uint_le(segments_out(), before + 2);
}
END_TEST

static void add(TCase *tc)
{
	tcase_add_loop_test(
		tc, an_fd_sent_through_a_connection_is_refused_or_ends_it, 0,
		2);
	tcase_add_test(tc, urgent_octets_stay_in_their_place);
	tcase_add_loop_test(
		tc, an_urgent_octet_is_the_end_of_urgent_data_wherever_it_is, 0,
		sizeof(marks) / sizeof(marks[0]));
	tcase_add_loop_test(tc,
			    an_urgent_octet_is_found_by_a_read_that_stops_short,
			    0, sizeof(marks) / sizeof(marks[0]));
	tcase_add_test(tc, urgent_data_of_the_peer_stops_the_apps_read);
	tcase_add_test(tc, single_octets_arrive_one_by_one);
	tcase_add_test(tc, pieces_of_every_size_arrive_whole_and_once);
	tcase_add_test(tc, an_app_is_read_only_while_little_waits_unsent);
	tcase_add_test(tc,
		       an_option_takes_effect_after_what_was_written_before);
}

int main(void)
{
	return run_suite("bridge_io", add);
}
