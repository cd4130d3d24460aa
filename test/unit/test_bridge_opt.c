/* SPDX-License-Identifier: MIT */
/*
 * test_bridge_opt.c - every socket option of the table: set, read back, in
 * its range, on a socket and on a connection; and doc/sockopts.md has it.
 *
 * LINK: daemon/app.c daemon/app_allow.c daemon/app_client.c daemon/app_req.c
 * LINK: daemon/bridge.c daemon/bridge_accept.c daemon/bridge_info.c
 * LINK: daemon/bridge_io.c daemon/bridge_opt.c daemon/bridge_optval.c
 * LINK: daemon/bridge_send.c daemon/tcpinfo.c
 */
#include "test/unit/bridge_rig.h"

static const struct row {
	const char *name;
	int level, option, value;
	int want; /* what is read back; below 0: -errno of setsockopt */
	int conn; /* the same on a connection */
} rows[] = {
	{"KEEPALIVE on", SOL_SOCKET, SO_KEEPALIVE, 1, 1, 1},
	{"KEEPALIVE any", SOL_SOCKET, SO_KEEPALIVE, 5, 1, 1},
	{"KEEPALIVE off", SOL_SOCKET, SO_KEEPALIVE, 0, 0, 0},
	{"NODELAY", IPPROTO_TCP, TCP_NODELAY, 1, 1, 1},
	{"CORK", IPPROTO_TCP, TCP_CORK, 1, 1, 1},
	{"KEEPIDLE", IPPROTO_TCP, TCP_KEEPIDLE, 33, 33, 33},
	{"KEEPIDLE 0", IPPROTO_TCP, TCP_KEEPIDLE, 0, -EINVAL, -EINVAL},
	{"KEEPIDLE most", IPPROTO_TCP, TCP_KEEPIDLE, 32767, 32767, 32767},
	{"KEEPIDLE more", IPPROTO_TCP, TCP_KEEPIDLE, 32768, -EINVAL, -EINVAL},
	{"KEEPINTVL", IPPROTO_TCP, TCP_KEEPINTVL, 7, 7, 7},
	{"KEEPCNT", IPPROTO_TCP, TCP_KEEPCNT, 3, 3, 3},
	{"KEEPCNT more", IPPROTO_TCP, TCP_KEEPCNT, 128, -EINVAL, -EINVAL},
	{"USER_TIMEOUT", IPPROTO_TCP, TCP_USER_TIMEOUT, 1500, 1500, 1500},
	{"USER_TIMEOUT below 0", IPPROTO_TCP, TCP_USER_TIMEOUT, -1, -EINVAL,
	 -EINVAL},
	{"RCVBUF", SOL_SOCKET, SO_RCVBUF, 65536, 65536, 65536},
	{"RCVBUF little", SOL_SOCKET, SO_RCVBUF, 1, 2048, 2048},
	{"RCVBUF much", SOL_SOCKET, SO_RCVBUF, 1 << 30, 4 << 20, 4 << 20},
	{"SNDBUF", SOL_SOCKET, SO_SNDBUF, 65536, 65536, 65536},
	{"SNDBUF below 0", SOL_SOCKET, SO_SNDBUF, -5, 2048, 2048},
	{"NOTSENT_LOWAT", IPPROTO_TCP, TCP_NOTSENT_LOWAT, 262144, 262144,
	 262144},
	{"MAX_PACING_RATE", SOL_SOCKET, SO_MAX_PACING_RATE, 300000, 300000,
	 300000},
	{"MAX_PACING_RATE little", SOL_SOCKET, SO_MAX_PACING_RATE, 7, 1000,
	 1000},
	{"REUSEADDR", SOL_SOCKET, SO_REUSEADDR, 1, 1, -EINVAL},
	{"REUSEPORT", SOL_SOCKET, SO_REUSEPORT, 1, 1, -EINVAL},
	{"MAXSEG", IPPROTO_TCP, TCP_MAXSEG, 1000, 1000, -EINVAL},
	{"MAXSEG little", IPPROTO_TCP, TCP_MAXSEG, 87, -EINVAL, -EINVAL},
	{"V6ONLY on IPv4", IPPROTO_IPV6, IPV6_V6ONLY, 1, -ENOPROTOOPT,
	 -ENOPROTOOPT},
	{"TYPE", SOL_SOCKET, SO_TYPE, 1, -ENOPROTOOPT, -ENOPROTOOPT},
	{"ERROR", SOL_SOCKET, SO_ERROR, 1, -ENOPROTOOPT, -ENOPROTOOPT},
	{"INFO", IPPROTO_TCP, TCP_INFO, 1, -ENOPROTOOPT, -ENOPROTOOPT},
	{"QUICKACK", IPPROTO_TCP, TCP_QUICKACK, 1, 1, 1},
	{"OOBINLINE", SOL_SOCKET, SO_OOBINLINE, 1, 1, 1},
	{"OOBINLINE off", SOL_SOCKET, SO_OOBINLINE, 0, -ENOPROTOOPT,
	 -ENOPROTOOPT},
	{"SYNCNT", IPPROTO_TCP, TCP_SYNCNT, 3, 3, 3},
	{"SYNCNT 0", IPPROTO_TCP, TCP_SYNCNT, 0, -EINVAL, -EINVAL},
	{"LINGER2", IPPROTO_TCP, TCP_LINGER2, 7, 7, 7},
	{"LINGER2 much", IPPROTO_TCP, TCP_LINGER2, 500, 120, 120},
	{"LINGER2 below 0", IPPROTO_TCP, TCP_LINGER2, -1, -EINVAL, -EINVAL},
	{"DEFER_ACCEPT", IPPROTO_TCP, TCP_DEFER_ACCEPT, 5, 5, -EINVAL},
	{"WINDOW_CLAMP", IPPROTO_TCP, TCP_WINDOW_CLAMP, 9000, 9000, 9000},
	{"WINDOW_CLAMP little", IPPROTO_TCP, TCP_WINDOW_CLAMP, -1, -EINVAL,
	 -EINVAL},
	{"TOS", IPPROTO_IP, IP_TOS, 0xbb, 0xb8, 0xb8},
	{"TOS much", IPPROTO_IP, IP_TOS, 256, -EINVAL, -EINVAL},
	{"TTL", IPPROTO_IP, IP_TTL, 3, 3, 3},
	{"TTL default", IPPROTO_IP, IP_TTL, -1, 64, 64},
	{"TTL 0", IPPROTO_IP, IP_TTL, 0, -EINVAL, -EINVAL},
	{"TCLASS on IPv4", IPPROTO_IPV6, IPV6_TCLASS, 8, -ENOPROTOOPT,
	 -ENOPROTOOPT},
	{"UNICAST_HOPS on IPv4", IPPROTO_IPV6, IPV6_UNICAST_HOPS, 8,
	 -ENOPROTOOPT, -ENOPROTOOPT},
	{"PRIORITY", SOL_SOCKET, SO_PRIORITY, 1, -ENOPROTOOPT, -ENOPROTOOPT},
	{"another level", IPPROTO_UDP, TCP_NODELAY, 1, -ENOPROTOOPT,
	 -ENOPROTOOPT},
};

static void check_row(const struct row *r, int want, int fd)
{
	int got = -12345, rc;

	rc = rig_set(fd, r->level, r->option, &r->value, sizeof(r->value));
	if (want < 0) {
		ck_assert_msg(rc == -want, "%s: errno %d", r->name, rc);
		return;
	}
	ck_assert_msg(rc == 0, "%s: errno %d", r->name, rc);
	rc = rig_get(fd, r->level, r->option, &got, sizeof(got));
	ck_assert_msg(rc == 4 && got == want, "%s: %d", r->name, got);
}

START_TEST(option_of_a_socket)
{
	int fd = rig_socket(4);

	check_row(&rows[_i], rows[_i].want, fd);
	close(fd);
}
END_TEST

START_TEST(option_of_a_pacing_rate_has_two_widths)
{
	static const uint64_t rates[][3] = {
		/* set, read as 64 and 32 bits */
		{0, UINT64_MAX, UINT32_MAX},
		{UINT64_MAX, UINT64_MAX, UINT32_MAX},
		{300000, 300000, 300000},
		{5000000000, 5000000000, UINT32_MAX}};
	int fd = rig_socket(4);

	for (size_t i = 0; i < sizeof(rates) / sizeof(rates[0]); i++) {
		uint64_t wide = 1;
		uint32_t low = 1;

		ck_assert_int_eq(rig_set(fd, SOL_SOCKET, SO_MAX_PACING_RATE,
					 &rates[i][0], sizeof(rates[i][0])),
				 0);
		ck_assert_int_eq(rig_get(fd, SOL_SOCKET, SO_MAX_PACING_RATE,
					 &wide, sizeof(wide)),
				 sizeof(wide));
		ck_assert_uint_eq(wide, rates[i][1]);
		ck_assert_int_eq(rig_get(fd, SOL_SOCKET, SO_MAX_PACING_RATE,
					 &low, sizeof(low)),
				 sizeof(low));
		ck_assert_uint_eq(low, rates[i][2]);
	}
	close(fd);
}
END_TEST

START_TEST(option_of_a_connection)
{
	meet();
	check_row(&rows[_i], rows[_i].conn, a);
}
END_TEST

START_TEST(option_that_was_set_before_connect_holds_after_it)
{
	const struct row *r = &rows[_i];
	int got = -1;

	if (r->want < 0 || r->option == TCP_MAXSEG ||
	    r->option == TCP_DEFER_ACCEPT) /* of the SYN; of a listener */
		return;
	a = rig_socket(4);
	ck_assert_int_eq(
		rig_set(a, r->level, r->option, &r->value, sizeof(r->value)),
		0);
	peer_listen(99);
	ck_assert_int_eq(rig_connect(a, RIG_PEER, 99), EINPROGRESS);
	rig_settle();
	ck_assert_int_eq(rig_get(a, r->level, r->option, &got, sizeof(got)), 4);
	ck_assert_msg(got == r->want, "%s: %d", r->name, got);
}
END_TEST

START_TEST(option_cut_short_is_einval)
{
	int fd = rig_socket(4), v = 1;

	for (size_t n = 0; n < sizeof(v); n++)
		ck_assert_int_eq(rig_set(fd, IPPROTO_TCP, TCP_NODELAY, &v, n),
				 EINVAL);
	for (size_t n = 0; n < sizeof(struct linger); n++)
		ck_assert_int_eq(rig_set(fd, SOL_SOCKET, SO_LINGER, &rows, n),
				 EINVAL);
	close(fd);
}
END_TEST

START_TEST(option_is_cut_to_the_room_of_the_reader)
{
	int fd = rig_socket(4);
	char buf[4] = "xyz";

	ck_assert_int_eq(rig_get(fd, SOL_SOCKET, SO_TYPE, buf, 1), 1);
	ck_assert_int_eq(buf[0], SOCK_STREAM);
	ck_assert_int_eq(buf[1], 'y');
	close(fd);
}
END_TEST

START_TEST(option_tells_what_the_socket_is)
{
	int v = -1, six = rig_socket(6);

	l = listener(80, 4);
	rig_get(l, SOL_SOCKET, SO_DOMAIN, &v, sizeof(v));
	ck_assert_int_eq(v, AF_INET);
	rig_get(l, SOL_SOCKET, SO_PROTOCOL, &v, sizeof(v));
	ck_assert_int_eq(v, IPPROTO_TCP);
	rig_get(l, SOL_SOCKET, SO_ACCEPTCONN, &v, sizeof(v));
	ck_assert_int_eq(v, 1);
	rig_get(six, SOL_SOCKET, SO_DOMAIN, &v, sizeof(v));
	ck_assert_int_eq(v, AF_INET6);
	rig_get(six, SOL_SOCKET, SO_ACCEPTCONN, &v, sizeof(v));
	ck_assert_int_eq(v, 0);
	v = 1;
	ck_assert_int_eq(rig_set(six, IPPROTO_IPV6, IPV6_V6ONLY, &v, sizeof(v)),
			 0);
	v = 0;
	rig_get(six, IPPROTO_IPV6, IPV6_V6ONLY, &v, sizeof(v));
	ck_assert_int_eq(v, 1);
	close(six);
}
END_TEST

START_TEST(congestion_is_a_name)
{
	char name[16] = "";
	int fd = rig_socket(4);

	ck_assert_int_eq(rig_get(fd, IPPROTO_TCP, TCP_CONGESTION, name, 16),
			 16);
	ck_assert_str_eq(name, "cubic");
	ck_assert_int_eq(rig_set(fd, IPPROTO_TCP, TCP_CONGESTION, "newreno", 7),
			 0);
	ck_assert_int_eq(rig_get(fd, IPPROTO_TCP, TCP_CONGESTION, name, 16),
			 16);
	ck_assert_str_eq(name, "newreno");
	ck_assert_int_eq(rig_set(fd, IPPROTO_TCP, TCP_CONGESTION, "vegas", 5),
			 ENOENT);
	close(fd);
}
END_TEST

START_TEST(maxseg_is_in_the_syn_and_on_a_listener_in_the_syn_ack)
{
	int v = 700, fd;

	peer_listen(99);
	a = rig_socket(4);
	rig_set(a, IPPROTO_TCP, TCP_MAXSEG, &v, sizeof(v));
	ck_assert_int_eq(rig_connect(a, RIG_PEER, 99), EINPROGRESS);
	rig_settle();
	ck_assert_int_eq(tcpd_accept(rig.peer, plist, &p, rig.d.now), 0);
	ck_assert_uint_le(peer_status().mss, 700);
	fd = rig_socket(4);
	rig_set(fd, IPPROTO_TCP, TCP_MAXSEG, &v, sizeof(v));
	ck_assert_int_eq(rig_bind(fd, RIG_LOCAL, 80), 0);
	ck_assert_int_eq(rig_listen(fd, 5), 0);
	tcpd_close(rig.peer, p, rig.d.now);
	p = peer_connect(80);
	ck_assert_uint_le(peer_status().mss, 700);
	close(fd);
}
END_TEST

START_TEST(linger_has_two_numbers)
{
	static const struct linger want[] = {{1, 0}, {1, 7}, {0, 0}};
	struct linger got;

	meet();
	for (size_t i = 0; i < sizeof(want) / sizeof(want[0]); i++) {
		ck_assert_int_eq(rig_set(a, SOL_SOCKET, SO_LINGER, &want[i],
					 sizeof(want[i])),
				 0);
		ck_assert_int_eq(
			rig_get(a, SOL_SOCKET, SO_LINGER, &got, sizeof(got)),
			(int)sizeof(got));
		ck_assert_int_eq(got.l_onoff, want[i].l_onoff);
		ck_assert_int_eq(got.l_linger, want[i].l_linger);
	}
}
END_TEST

/* Before and after listen(). */
START_TEST(options_of_a_listener_are_its_connections)
{
	int v = 33, got = 0;

	l = rig_socket(4);
	ck_assert_int_eq(rig_bind(l, RIG_LOCAL, 80), 0);
	ck_assert_int_eq(rig_set(l, IPPROTO_TCP, TCP_KEEPIDLE, &v, 4), 0);
	ck_assert_int_eq(rig_listen(l, 5), 0);
	v = 44;
	ck_assert_int_eq(rig_set(l, IPPROTO_TCP, TCP_KEEPINTVL, &v, 4), 0);
	rig_get(l, IPPROTO_TCP, TCP_KEEPIDLE, &got, 4);
	ck_assert_int_eq(got, 33);
	p = peer_connect(80);
	a = app_accept(l);
	rig_get(a, IPPROTO_TCP, TCP_KEEPIDLE, &got, 4);
	ck_assert_int_eq(got, 33);
	rig_get(a, IPPROTO_TCP, TCP_KEEPINTVL, &got, 4);
	ck_assert_int_eq(got, 44);
}
END_TEST

static int queue(int which)
{
	int v = -1;

	ck_assert_int_eq(
		rig_get(a, (int)PROTO_LEVEL_QUEUES, which, &v, sizeof(v)), 4);
	return v;
}

START_TEST(queues_are_those_of_fd_and_stack_together)
{
	meet();
	peer_writes("12345");
	ck_assert_int_eq(queue(PROTO_QUEUE_SIOCINQ), 5);
	app_reads("12345");
	ck_assert_int_eq(queue(PROTO_QUEUE_SIOCINQ), 0);
	app_writes("abc");
	ck_assert_int_eq(queue(PROTO_QUEUE_SIOCOUTQ), 3);
	ck_assert_int_eq(queue(PROTO_QUEUE_SIOCOUTQNSD), 3);
	rig_settle();
	rig_pass(TCPD_SEC(1));
	ck_assert_int_eq(queue(PROTO_QUEUE_SIOCOUTQ), 0);
}
END_TEST

START_TEST(tcp_info_is_that_of_the_connection)
{
	struct tcp_info i;

	meet();
	app_writes("0123456789");
	rig_settle();
	peer_reads("0123456789");
	peer_writes("12345");
	rig_pass(TCPD_SEC(1));
	memset(&i, 0, sizeof(i));
	ck_assert_int_ge(rig_get(a, IPPROTO_TCP, TCP_INFO, &i, sizeof(i)),
			 (int)sizeof(i));
	ck_assert_int_eq(i.tcpi_state, TCP_ESTABLISHED);
	ck_assert_uint_eq(i.tcpi_unacked, 0);
	ck_assert_uint_gt(i.tcpi_snd_mss, 0);
	ck_assert_uint_gt(i.tcpi_snd_cwnd, 0);
	ck_assert_uint_ge(i.tcpi_last_data_recv, 1000);
	tcpd_abort(rig.peer, p, rig.d.now);
	rig_settle();
	rig_get(a, IPPROTO_TCP, TCP_INFO, &i, sizeof(i));
	ck_assert_int_eq(i.tcpi_state, TCP_CLOSE);
}
END_TEST

START_TEST(options_of_an_ended_connection_are_taken_without_effect)
{
	int v = 1;

	meet();
	tcpd_abort(rig.peer, p, rig.d.now);
	rig_settle();
	ck_assert_int_eq(rig_set(a, IPPROTO_TCP, TCP_NODELAY, &v, sizeof(v)),
			 0);
	ck_assert_int_eq(rig_set(a, IPPROTO_TCP, TCP_MD5SIG, &v, sizeof(v)),
			 ENOPROTOOPT);
	ck_assert_int_eq(rig_get(a, IPPROTO_TCP, TCP_NODELAY, &v, sizeof(v)),
			 -ENOTCONN);
}
END_TEST

START_TEST(sockopts_md_has_every_row_of_the_table)
{
	static char doc[65536];
	struct bridge_opt_row r;
	char row[512];
	FILE *f = fopen("doc/sockopts.md", "r");
	unsigned i;

	ck_assert_msg(f != NULL, "doc/sockopts.md: run it from the top folder");
	doc[fread(doc, 1, sizeof(doc) - 1, f)] = '\0';
	(void)fclose(f);
	for (i = 0; bridge_opt_row(i, &r); i++) {
		(void)snprintf(row, sizeof(row), "\n| %s | %s | %s | %s |\n",
			       r.level, r.name, r.value, r.text);
		ck_assert_msg(strstr(doc, row) != NULL, "missing:%s", row);
	}
	ck_assert_uint_gt(i, 20);
}
END_TEST

static void add(TCase *tc)
{
	const int n = sizeof(rows) / sizeof(rows[0]);

	tcase_add_loop_test(tc, option_of_a_socket, 0, n);
	tcase_add_loop_test(tc, option_of_a_connection, 0, n);
	tcase_add_loop_test(
		tc, option_that_was_set_before_connect_holds_after_it, 0, n);
	tcase_add_test(tc, option_cut_short_is_einval);
	tcase_add_test(tc, option_is_cut_to_the_room_of_the_reader);
	tcase_add_test(tc, option_tells_what_the_socket_is);
	tcase_add_test(tc, congestion_is_a_name);
	tcase_add_test(tc,
		       maxseg_is_in_the_syn_and_on_a_listener_in_the_syn_ack);
	tcase_add_test(tc, linger_has_two_numbers);
	tcase_add_test(tc, options_of_a_listener_are_its_connections);
	tcase_add_test(tc, queues_are_those_of_fd_and_stack_together);
	tcase_add_test(tc, tcp_info_is_that_of_the_connection);
	tcase_add_test(tc,
		       options_of_an_ended_connection_are_taken_without_effect);
	tcase_add_test(tc, option_of_a_pacing_rate_has_two_widths);
	tcase_add_test(tc, sockopts_md_has_every_row_of_the_table);
}

int main(void)
{
	return run_suite("bridge_opt", add);
}
