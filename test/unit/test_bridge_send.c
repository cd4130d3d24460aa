/* SPDX-License-Identifier: MIT */
/*
 * test_bridge_send.c - octets with flags: in their place in the stream, in the
 * segments that a kernel would make, and through the fd where the stack has
 * no room.
 *
 * LINK: daemon/app.c daemon/app_allow.c daemon/app_client.c daemon/app_req.c
 * LINK: daemon/bridge.c daemon/bridge_accept.c daemon/bridge_info.c
 * LINK: daemon/bridge_io.c daemon/bridge_opt.c daemon/bridge_optval.c
 * LINK: daemon/bridge_send.c daemon/tcpinfo.c
 */
#include "test/unit/bridge_rig.h"

#define MORE PROTO_SEND_MORE
#define EOR  PROTO_SEND_EOR
#define MARK PROTO_SEND_MARK

/* Segments of the app's octets since look(): how long, where they began. */
static unsigned nsegs;
static uint32_t seg[4096], seq[4096];

static void saw(uint32_t begin, uint32_t n)
{
	if (nsegs < 4096) {
		seq[nsegs] = begin;
		seg[nsegs++] = n;
	}
}

static void look(void)
{
	rig.saw = saw;
	nsegs = 0;
}

/* A request of |n| octets, of |len| in all: taken, or -errno. */
static int ask(const void *s, uint32_t n, uint32_t len, uint32_t flags)
{
	struct proto_msg m = {.op = PROTO_SEND,
			      .has = PROTO_HAS(PROTO_TLV_FLAGS) |
				     PROTO_HAS(PROTO_TLV_LENGTH) |
				     PROTO_HAS(PROTO_TLV_DATA),
			      .flags = flags,
			      .length = len,
			      .ndata = (uint16_t)n};
	int err;

	memcpy(m.data, s, n);
	err = rig_ask(&m, a, NULL);
	return err ? -err : (int)m.length;
}

static void sends(const char *s, uint32_t flags)
{
	uint32_t n = (uint32_t)strlen(s);

	ck_assert_int_eq(ask(s, n, n, flags), (int)n);
}

/* A stream in which each octet tells its place. */
static char at(uint64_t i)
{
	return (char)('a' + (i + i / 251) % 26);
}

static void fill(char *to, size_t n, uint64_t from)
{
	for (size_t i = 0; i < n; i++)
		to[i] = at(from + i);
}

/* The peer reads all that comes in |t|, and each is the next of the stream. */
static void peer_takes(uint64_t *got, tcpd_time t)
{
	static char buf[65536];

	for (tcpd_time end = rig.d.now + t; rig.d.now < end;) {
		int64_t n = tcpd_recv(rig.peer, p, buf, sizeof(buf), rig.d.now);

		for (int64_t i = 0; i < n; i++)
			ck_assert_int_eq(buf[i], at((*got)++));
		rig_pass(TCPD_MS(10));
	}
}

/* The app writes until its fd takes no more: the stack has no room then. */
static uint64_t stuff(uint64_t from)
{
	static char buf[4096];
	int again = 0;

	while (again < 3) {
		ssize_t n;

		fill(buf, sizeof(buf), from);
		n = write(a, buf, sizeof(buf));
		from += n > 0 ? (uint64_t)n : 0;
		again = n > 0 ? 0 : again + 1;
		rig_pass(TCPD_MS(1));
	}
	return from;
}

START_TEST(what_is_sent_with_more_waits_for_what_is_written_next)
{
	meet();
	look();
	sends("abc", MORE);
	rig_settle();
	ck_assert_uint_eq(nsegs, 0);
	app_writes("def");
	rig_settle();
	ck_assert_uint_eq(nsegs, 1);
	ck_assert_uint_eq(seg[0], 6);
	peer_reads("abcdef");
}
END_TEST

START_TEST(what_is_sent_with_more_waits_200_ms_at_most)
{
	meet();
	look();
	sends("abc", MORE);
	rig_pass(TCPD_MS(190));
	ck_assert_uint_eq(nsegs, 0);
	rig_pass(TCPD_MS(20));
	peer_reads("abc");
}
END_TEST

START_TEST(full_segments_do_not_wait_for_more)
{
	char big[2000];

	meet();
	look();
	fill(big, sizeof(big), 0);
	rig.cut = true; /* an ACK would let the rest go, as in a kernel */
	ck_assert_int_eq(ask(big, 2000, 2000, MORE), 2000);
	rig_settle();
	ck_assert_uint_eq(nsegs, 1);
	ck_assert_uint_eq(seg[0], peer_status().mss);
}
END_TEST

START_TEST(what_was_written_before_goes_before)
{
	meet();
	app_writes("one ");
	sends("two ", MORE);
	app_writes("three ");
	sends("four", EOR);
	rig_settle();
	rig_pass(TCPD_SEC(1));
	peer_reads("one two three four");
}
END_TEST

START_TEST(no_segment_holds_octets_from_both_sides_of_a_record)
{
	int one = 1;

	meet();
	ck_assert_int_eq(rig_set(a, IPPROTO_TCP, TCP_CORK, &one, 4), 0);
	look();
	app_writes("ab");
	sends("cd", EOR);
	app_writes("efg");
	rig_pass(TCPD_SEC(2));
	ck_assert_uint_eq(nsegs, 2);
	ck_assert_uint_eq(seg[0], 4);
	ck_assert_uint_eq(seg[1], 3);
	peer_reads("abcdefg");
}
END_TEST

START_TEST(the_first_part_of_many_octets_waits_for_the_others)
{
	meet();
	look();
	ck_assert_int_eq(ask("abc", 3, 6, EOR), 3);
	rig_settle();
	ck_assert_uint_eq(nsegs, 0);
	sends("def", EOR);
	rig_settle();
	ck_assert_uint_eq(seg[0], 6);
	peer_reads("abcdef");
}
END_TEST

START_TEST(without_room_in_the_stack_none_is_taken_and_none_is_lost)
{
	uint64_t sent, got = 0;
	char s[100];

	meet();
	sent = stuff(0);
	fill(s, sizeof(s), sent);
	ck_assert_int_eq(ask(s, 100, 100, MORE), 0);
	peer_takes(&got, TCPD_SEC(5));
	ck_assert_uint_eq(got, sent);
	ck_assert_int_eq(ask(s, 100, 100, EOR), 100);
	peer_takes(&got, TCPD_SEC(1));
	ck_assert_uint_eq(got, sent + 100);
}
END_TEST

/* As much as the stack has room for, and nothing in the fd. */
static uint64_t stuff_stack(void)
{
	static char buf[2048];
	uint64_t sent = 0;
	int n;

	do {
		fill(buf, sizeof(buf), sent);
		n = ask(buf, sizeof(buf), sizeof(buf), 0);
		ck_assert_int_ge(n, 0);
		sent += (uint64_t)n;
		rig_settle();
	} while (n > 0);
	return sent;
}

START_TEST(a_record_that_waits_in_the_fd_ends_where_its_mark_says)
{
	uint64_t sent, records, got = 0;
	char s[300];

	meet();
	look();
	sent = records = stuff_stack();
	for (int i = 0; i < 20; i++, sent += 300) {
		fill(s, sizeof(s), sent);
		ck_assert_int_eq(ask(s, 300, 300, EOR | MARK), 0);
		ck_assert_int_eq(write(a, s, 300), 300);
		rig_settle();
	}
	fill(s, sizeof(s), sent);
	ck_assert_int_eq(write(a, s, 7), 7);
	sent += 7;
	peer_takes(&got, TCPD_SEC(20));
	ck_assert_uint_eq(got, sent);
	for (unsigned i = 0; i < nsegs; i++) {
		uint64_t from = seq[i] - seq[0], to = from + seg[i];

		for (uint64_t end = records + 300; end < sent; end += 300)
			ck_assert(from >= end || to <= end);
	}
}
END_TEST

START_TEST(a_mark_whose_octets_never_come_is_forgotten)
{
	uint64_t sent, got = 0;
	char s[100];

	meet();
	sent = stuff_stack();
	fill(s, sizeof(s), sent);
	ck_assert_int_eq(ask(s, 100, 100000, MORE | MARK), 0);
	ck_assert_int_eq(write(a, s, 10), 10); /* a short write */
	ck_assert_int_eq(ask(s, 0, 0, 0), 0);
	sent += 10;
	peer_takes(&got, TCPD_SEC(10));
	ck_assert_uint_eq(got, sent);
	/* so this does not wait for more */
	look();
	fill(s, 3, sent);
	ck_assert_int_eq(write(a, s, 3), 3);
	rig_settle();
	ck_assert_uint_eq(nsegs, 1);
}
END_TEST

START_TEST(marks_without_octets_do_not_pile_up)
{
	meet();
	stuff_stack();
	for (int i = 0; i < 10000; i++)
		ck_assert_int_eq(ask("x", 1, UINT32_MAX, EOR | MARK), 0);
}
END_TEST

START_TEST(what_is_sent_while_it_connects_has_its_flags)
{
	peer_listen(99);
	a = rig_socket(4);
	rig.cut = true;
	ck_assert_int_eq(rig_connect(a, RIG_PEER, 99), EINPROGRESS);
	rig_settle();
	ck_assert_int_eq(ask("abc", 3, 3, MORE | MARK), 0);
	app_writes("abc");
	rig.cut = false;
	look();
	rig_pass(TCPD_MS(1050)); /* the second SYN gets through */
	ck_assert_int_eq(tcpd_accept(rig.peer, plist, &p, rig.d.now), 0);
	ck_assert_uint_eq(nsegs, 0);
	app_writes("def");
	rig_settle();
	ck_assert_uint_eq(nsegs, 1);
	peer_reads("abcdef");
}
END_TEST

START_TEST(after_the_apps_fin_it_is_epipe)
{
	meet();
	if (_i) { /* and the FIN waits behind what has no room */
		stuff_stack();
		app_writes("x");
	}
	shutdown(a, SHUT_WR);
	rig_settle();
	ck_assert_int_eq(ask("abc", 3, 3, MORE | MARK), -EPIPE);
	tcpd_abort(rig.peer, p, rig.d.now);
	rig_settle();
}
END_TEST

START_TEST(what_is_no_connection_is_enotconn)
{
	meet();
	close_fd(&a);
	a = rig_socket(4);
	ck_assert_int_eq(ask("abc", 3, 3, MORE), -ENOTCONN);
	close_fd(&a);
	a = dup(l);
	ck_assert_int_eq(ask("abc", 3, 3, MORE), -ENOTCONN);
	close_fd(&a);
}
END_TEST

START_TEST(wrong_values_are_refused)
{
	struct proto_msg m = {.op = PROTO_SEND};

	meet();
	ck_assert_int_eq(ask("abc", 3, 3, 8), -EINVAL);
	ck_assert_int_eq(ask("abc", 3, 2, EOR), -EINVAL);
	ck_assert_int_eq(rig_ask(&m, a, NULL), EINVAL);
	app_writes("x");
	rig_settle();
	peer_reads("x");
}
END_TEST

static void add(TCase *tc)
{
	tcase_add_test(tc,
		       what_is_sent_with_more_waits_for_what_is_written_next);
	tcase_add_test(tc, what_is_sent_with_more_waits_200_ms_at_most);
	tcase_add_test(tc, full_segments_do_not_wait_for_more);
	tcase_add_test(tc, what_was_written_before_goes_before);
	tcase_add_test(tc, no_segment_holds_octets_from_both_sides_of_a_record);
	tcase_add_test(tc, the_first_part_of_many_octets_waits_for_the_others);
	tcase_add_test(
		tc, without_room_in_the_stack_none_is_taken_and_none_is_lost);
	tcase_add_test(tc,
		       a_record_that_waits_in_the_fd_ends_where_its_mark_says);
	tcase_add_test(tc, a_mark_whose_octets_never_come_is_forgotten);
	tcase_add_test(tc, marks_without_octets_do_not_pile_up);
	tcase_add_test(tc, what_is_sent_while_it_connects_has_its_flags);
	tcase_add_loop_test(tc, after_the_apps_fin_it_is_epipe, 0, 2);
	tcase_add_test(tc, what_is_no_connection_is_enotconn);
	tcase_add_test(tc, wrong_values_are_refused);
}

int main(void)
{
	return run_suite("bridge_send", add);
}
