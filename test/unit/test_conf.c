/* SPDX-License-Identifier: MIT */
/*
 * test_conf.c - from text to values, and to the stack's settings.  What is
 * refused, and with which words, is in test/conf.
 * LINK: daemon/conf.c daemon/conf_check.c daemon/conf_load.c
 * LINK: daemon/conf_print.c daemon/conf_scan.c daemon/conf_table.c
 * LINK: daemon/conf_type.c daemon/conf_type_addr.c daemon/conf_value.c
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/conf.h"
#include "daemon/conf_table.h"

static struct conf *parse(const char *text)
{
	struct conf_piece piece = {"text", text};
	char err[512] = "";
	struct conf *c = conf_parse(&piece, 1, err, sizeof(err));

	ck_assert_msg(c != NULL, "%s", err);
	return c;
}

static char *print(const struct conf *c)
{
	char *text = NULL;
	size_t len;
	FILE *f = open_memstream(&text, &len);

	ck_assert_ptr_nonnull(f);
	conf_print(c, f);
	ck_assert_int_eq(fclose(f), 0);
	return text;
}

static void ck_same_conn(const struct tcpd_conn_settings *a,
			 const struct tcpd_conn_settings *b)
{
	ck_assert_uint_eq(a->nsynack_waits, b->nsynack_waits);
	for (size_t i = 0; i < a->nsynack_waits; i++)
		ck_assert_uint_eq(a->synack_wait[i], b->synack_wait[i]);
	ck_assert_uint_eq(a->congestion, b->congestion);
	ck_assert_uint_eq(a->backlog, b->backlog);
	ck_assert_uint_eq(a->time_wait, b->time_wait);
	ck_assert_uint_eq(a->receive_buffer, b->receive_buffer);
	ck_assert_uint_eq(a->send_buffer, b->send_buffer);
}

START_TEST(conf_of_nothing_is_the_defaults_of_the_interface)
{
	static const tcpd_time waits[] = {TCPD_SEC(1),	TCPD_SEC(2),
					  TCPD_SEC(4),	TCPD_SEC(8),
					  TCPD_SEC(16), TCPD_SEC(32)};
	char err[512];
	struct conf *c = conf_parse(NULL, 0, err, sizeof(err));

	struct tcpd_settings s;
	ck_assert_ptr_nonnull(c);
	ck_assert_str_eq(c->tun, "tcpd0");
	ck_assert_uint_eq(c->naddresses, 2);
	ck_assert_str_eq(c->addresses[0].text, "10.77.0.2/24");
	ck_assert_str_eq(c->addresses[1].text, "fd77::2/64");
	ck_assert_uint_eq(c->nhost_addresses, 2);
	ck_assert_str_eq(c->host_addresses[0].text, "10.77.0.1/24");
	ck_assert_str_eq(c->host_addresses[1].text, "fd77::1/64");
	ck_assert_uint_eq(c->mtu, 1500);
	ck_assert_uint_eq(c->txqueuelen, 10000);
	ck_assert(c->offload);
	ck_assert_str_eq(c->run_dir, "/run/tcpd");
	ck_assert_str_eq(c->user, "tcpd");
	ck_assert_str_eq(c->group, "tcpd");
	ck_assert(!c->user_set && !c->group_set);
	ck_assert_str_eq(c->profile, "modern");
	ck_assert_uint_eq(c->time_scale, 1);
	ck_assert_uint_eq(c->connections, 65536);
	ck_assert_uint_eq(c->half_open, 16384);
	ck_assert_uint_eq(c->time_wait_max, 262144);
	ck_assert_uint_eq(c->memory, 256u << 20);
	ck_assert_uint_eq(c->port_min, 32768);
	ck_assert_uint_eq(c->port_max, 60999);
	ck_assert_uint_eq(c->conn.nsynack_waits, 6);
	ck_assert_mem_eq(c->conn.synack_wait, waits, sizeof(waits));
	ck_assert_uint_eq(c->conn.congestion, TCPD_CC_CUBIC);
	ck_assert_uint_eq(c->conn.backlog, 4096);
	ck_assert_uint_eq(c->conn.time_wait, TCPD_SEC(60));
	ck_assert_uint_eq(c->conn.receive_buffer, 4u << 20);
	ck_assert_uint_eq(c->conn.send_buffer, 4u << 20);
	conf_settings(c, &s);
	ck_assert_uint_eq(s.rto_init, TCPD_SEC(1));
	ck_assert(!s.as_linux);
	ck_assert_int_eq(c->log_level, CONF_LOG_INFO);
	ck_assert_str_eq(c->capture, "");
	ck_assert_ptr_null(c->services);
	ck_assert_ptr_null(c->allows);
	conf_free(c);
}
END_TEST

START_TEST(conf_profile_tutorial_waits_93_s)
{
	struct conf *c = parse("profile = tutorial");
	struct tcpd_settings s;
	tcpd_time sum = 0;

	for (size_t i = 0; i < c->conn.nsynack_waits; i++)
		sum += c->conn.synack_wait[i];
	ck_assert_uint_eq(c->conn.nsynack_waits, 5);
	ck_assert_uint_eq(sum, TCPD_SEC(93));
	conf_settings(c, &s);
	ck_assert_uint_eq(s.rto_init, TCPD_SEC(3));
	conf_free(c);
}
END_TEST

START_TEST(conf_profile_linux_has_its_numbers)
{
	struct conf *c = parse("profile = linux");
	struct tcpd_settings s;

	conf_settings(c, &s);
	ck_assert_uint_eq(s.rto_init, TCPD_SEC(1));
	ck_assert_uint_eq(s.syn_retries, 10);
	ck_assert_uint_eq(s.wscale, 8);
	ck_assert(s.as_linux);
	ck_assert_uint_eq(c->conn.nsynack_waits, 6);
	conf_free(c);
}
END_TEST

START_TEST(conf_knows_what_was_asked_for_by_name)
{
	struct conf *c = parse("user = tcpd");

	ck_assert(c->user_set);
	ck_assert(!c->group_set);
	conf_free(c);
}
END_TEST

START_TEST(conf_service_has_the_stack_s_settings_but_for_its_own)
{
	struct conf *c =
		parse("service a { listen = \":80\" kind = http\n"
		      "backlog = 5 synack-backoff = {7s} }\n"
		      "time-wait = 10s profile = tutorial backlog = 9\n"
		      "service b { listen = \"[fd77::2]:81\""
		      " kind = forward to = \"unix:/x\""
		      " proxy-protocol = v2 }");
	const struct conf_service *a = c->services, *b = a->next;

	ck_assert_str_eq(a->name, "a");
	ck_assert_int_eq(a->kind, CONF_HTTP);
	ck_assert_uint_eq(a->nlisten, 1);
	ck_assert_uint_eq(a->listen[0].family, 0);
	ck_assert_uint_eq(a->listen[0].port, 80);
	ck_assert_uint_eq(a->conn.backlog, 5);
	ck_assert_uint_eq(a->conn.nsynack_waits, 1);
	ck_assert_uint_eq(a->conn.synack_wait[0], TCPD_SEC(7));
	ck_assert_uint_eq(a->conn.time_wait, TCPD_SEC(10));
	ck_assert_uint_eq(a->conn.send_buffer, 4u << 20);
	ck_assert(!a->proxy_v2);

	ck_assert_int_eq(b->kind, CONF_FORWARD);
	ck_assert_str_eq(b->to, "unix:/x");
	ck_assert(b->proxy_v2);
	ck_assert_uint_eq(b->listen[0].family, 6);
	ck_same_conn(&b->conn, &c->conn);
	ck_assert_uint_eq(b->conn.backlog, 9);
	ck_assert_uint_eq(b->conn.nsynack_waits, 5);
	ck_assert_ptr_null(b->next);
	conf_free(c);
}
END_TEST

START_TEST(conf_allow_finds_users_and_groups)
{
	struct conf *c = parse("allow a { user = root listen = \":80\" }\n"
			       "allow b { user = 1234 group = root"
			       " connect = {\"10.0.0.0/8:*\", \":1-2\"} }\n"
			       "allow c { user = \"*\" connect = \":80\" }");
	const struct conf_allow *a = c->allows;

	ck_assert(a->has_uid && !a->has_gid && !a->any_uid);
	ck_assert_uint_eq(a->uid, 0);
	ck_assert_uint_eq(a->nlisten, 1);
	ck_assert_uint_eq(a->nconnect, 0);
	ck_assert_uint_eq(a->listen[0].family, 0);
	ck_assert_uint_eq(a->listen[0].port_min, 80);
	a = a->next;
	ck_assert(a->has_uid && a->has_gid && !a->any_uid);
	ck_assert_uint_eq(a->uid, 1234);
	ck_assert_uint_eq(a->gid, 0);
	ck_assert_uint_eq(a->nconnect, 2);
	ck_assert_uint_eq(a->connect[0].family, 4);
	ck_assert_uint_eq(a->connect[0].len, 8);
	ck_assert_uint_eq(a->connect[0].port_max, 65535);
	ck_assert_uint_eq(a->connect[1].port_max, 2);
	a = a->next;
	ck_assert(a->any_uid && !a->has_uid && !a->has_gid);
	conf_free(c);
}
END_TEST

START_TEST(conf_settings_carry_every_limit_to_the_stack)
{
	struct conf *c = parse("connections = 100 half-open = 200 mtu = 9000\n"
			       "time-wait-max = 300 memory = 32M\n"
			       "ports = 40000-40009 profile = tutorial\n"
			       "time-wait = 5s backlog = 6\n"
			       "addresses = {\"10.1.2.3/8\","
			       " \"10.9.0.0/16 local\"}");
	struct tcpd_settings s, plain;

	tcpd_settings_init(&plain);
	conf_settings(c, &s);
	ck_assert_uint_eq(s.size, sizeof(s));
	ck_assert_uint_eq(s.max_conns, 100);
	ck_assert_uint_eq(s.max_half_open, 200);
	ck_assert_uint_eq(s.max_time_wait, 300);
	ck_assert_uint_eq(s.memory, 32u << 20);
	ck_assert_uint_eq(s.mtu, 9000);
	ck_assert_uint_eq(s.port_min, 40000);
	ck_assert_uint_eq(s.port_max, 40009);
	ck_assert_uint_eq(s.rto_init, TCPD_SEC(3));
	ck_assert_uint_eq(s.rto_min, plain.rto_min);
	ck_assert_uint_eq(s.ts_tick, plain.ts_tick);
	ck_same_conn(&s.conn, &c->conn);
	ck_assert_uint_eq(s.conn.backlog, 6);
	ck_assert_uint_eq(s.naddrs, 2);
	ck_assert_uint_eq(s.addr[0].len, 8);
	ck_assert(!s.addr[0].local);
	ck_assert_uint_eq(s.addr[1].ip[13], 9);
	ck_assert(s.addr[1].local);
	conf_free(c);
}
END_TEST

static const struct {
	const char *text;
	tcpd_time rto_min, ts_tick;
} scales[] = {
	{"time-scale = 2", TCPD_MS(200), TCPD_MS(2)},
	{"time-scale = 3", TCPD_MS(200), TCPD_MS(3)},
	{"time-scale = 4", TCPD_MS(240), TCPD_MS(4)},
	{"time-scale = 20", TCPD_MS(1200), TCPD_MS(20)},
	{"time-scale = 1000", TCPD_MS(60000), TCPD_MS(1000)},
};

START_TEST(conf_time_scale_leaves_a_peer_its_60_ms)
{
	for (size_t i = 0; i < sizeof(scales) / sizeof(scales[0]); i++) {
		struct conf *c = parse(scales[i].text);
		struct tcpd_settings s;

		conf_settings(c, &s);
		ck_assert_msg(s.rto_min == scales[i].rto_min, "%s: %llu",
			      scales[i].text, (unsigned long long)s.rto_min);
		ck_assert_msg(s.ts_tick == scales[i].ts_tick, "%s: %llu",
			      scales[i].text, (unsigned long long)s.ts_tick);
		ck_assert_uint_le(s.rto_min, s.rto_max);
		conf_free(c);
	}
}
END_TEST

START_TEST(conf_prints_what_reads_as_the_same)
{
	struct conf *c = parse("user = nobody run-dir = '/a\"b' capture = x\n"
			       "service s { listen = {\":80\", \"[::]:81\"}"
			       " kind = echo time-wait = 90s }\n"
			       "allow a { group = 7 listen = \":80\" }");
	char *first = print(c), *second;
	struct conf *again = parse(first);

	second = print(again);
	ck_assert_str_eq(first, second);
	ck_same_conn(&again->conn, &c->conn);
	ck_assert_uint_eq(again->services->set, c->services->set);
	ck_assert_mem_eq(again->services->listen, c->services->listen,
			 sizeof(c->services->listen));
	ck_assert_str_eq(again->run_dir, "/a\"b");
	ck_assert_str_eq(again->capture, "x");
	ck_assert(again->user_set && !again->group_set);
	free(first);
	free(second);
	conf_free(again);
	conf_free(c);
}
END_TEST

START_TEST(conf_errors_fit_any_buffer)
{
	struct conf_piece piece = {"text", "mtu = 1\n"};
	char whole[512], err[512];

	ck_assert_ptr_null(conf_parse(&piece, 1, whole, sizeof(whole)));
	ck_assert_ptr_null(strchr(whole, '\n'));
	for (size_t n = 1; n < strlen(whole) + 2; n++) {
		memset(err, 0x7f, sizeof(err));
		ck_assert_ptr_null(conf_parse(&piece, 1, err, n));
		ck_assert_int_eq(err[n], 0x7f);
		ck_assert_int_eq(strncmp(err, whole, strlen(err)), 0);
	}
	ck_assert_str_eq(err, whole);
}
END_TEST

/* |n| services, each on a port of its own, in as many pieces as needed. */
static char *services(unsigned n)
{
	char *text = NULL;
	size_t len;
	FILE *f = open_memstream(&text, &len);

	ck_assert_ptr_nonnull(f);
	for (unsigned i = 1; i <= n; i++)
		(void)fprintf(f, "service s%u {listen=\":%u\"kind=echo}\n", i,
			      i);
	ck_assert_int_eq(fclose(f), 0);
	return text;
}

START_TEST(conf_takes_256_services_and_no_more)
{
	char *text = services(CONF_MAX_SECTIONS), err[512] = "";
	struct conf_piece pieces[] = {
		{"a", text},
		{"b", "service s1 {listen=\":999\" kind=http}"},
		{"c", "service more {listen=\":1000\" kind=http}"}};
	struct conf *c = conf_parse(pieces, 2, err, sizeof(err));

	ck_assert_msg(c != NULL, "%s", err);
	ck_assert_int_eq(c->services->kind, CONF_HTTP);
	conf_free(c);
	ck_assert_ptr_null(conf_parse(pieces, 3, err, sizeof(err)));
	ck_assert_str_eq(err, "c:1: service more: too many services, expected "
			      "at most 256");
	free(text);
	text = services(CONF_MAX_SECTIONS + 1);
	pieces[0].text = text;
	ck_assert_ptr_null(conf_parse(pieces, 1, err, sizeof(err)));
	ck_assert_str_eq(err, "a:257: service: too many sections, expected at "
			      "most 256");
	free(text);
}
END_TEST

START_TEST(conf_rows_say_what_they_are)
{
	ck_assert_uint_le(conf_nrows, CONF_MAX_ROWS);
	for (size_t i = 0; i < conf_nrows; i++) {
		const struct conf_row *r = &conf_rows[i];

		if (r->later)
			continue;
		ck_assert_msg(r->meaning != NULL, "%s has no meaning", r->name);
		ck_assert_msg(((r->scope & CONF_TOP) != 0) ==
				      (r->def[0] != NULL),
			      "%s: a default, or outside sections", r->name);
		for (size_t j = 0; j < i; j++)
			ck_assert_msg(
				(conf_rows[j].scope & r->scope) == 0 ||
					strcmp(conf_rows[j].name, r->name) != 0,
				"%s stands twice", r->name);
	}
}
END_TEST

int main(void)
{
	Suite *s = suite_create("conf");
	TCase *tc = tcase_create("values");
	SRunner *sr = srunner_create(s);
	int failed;

	tcase_add_test(tc, conf_of_nothing_is_the_defaults_of_the_interface);
	tcase_add_test(tc, conf_profile_tutorial_waits_93_s);
	tcase_add_test(tc, conf_profile_linux_has_its_numbers);
	tcase_add_test(tc, conf_knows_what_was_asked_for_by_name);
	tcase_add_test(tc,
		       conf_service_has_the_stack_s_settings_but_for_its_own);
	tcase_add_test(tc, conf_allow_finds_users_and_groups);
	tcase_add_test(tc, conf_settings_carry_every_limit_to_the_stack);
	tcase_add_test(tc, conf_time_scale_leaves_a_peer_its_60_ms);
	tcase_add_test(tc, conf_prints_what_reads_as_the_same);
	tcase_add_test(tc, conf_errors_fit_any_buffer);
	tcase_add_test(tc, conf_takes_256_services_and_no_more);
	tcase_add_test(tc, conf_rows_say_what_they_are);
	suite_add_tcase(s, tc);
	srunner_set_tap(sr, "-");
	srunner_run_all(sr, CK_SILENT);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed != 0;
}
