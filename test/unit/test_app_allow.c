/* SPDX-License-Identifier: MIT */
/*
 * test_app_allow.c - who may listen on, or connect from, which address.
 *
 * LINK: daemon/app_allow.c
 */
#include <arpa/inet.h>
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/bridge.h"

static struct conf_rule_addr rule(const char *ip, uint8_t family, uint8_t len,
				  uint16_t min, uint16_t max)
{
	struct conf_rule_addr r = {
		.family = family, .len = len, .port_min = min, .port_max = max};

	if (family == 6)
		inet_pton(AF_INET6, ip, r.ip);
	if (family == 4) {
		r.ip[10] = r.ip[11] = 0xff;
		inet_pton(AF_INET, ip, r.ip + 12);
	}
	return r;
}

static struct tcpd_addr addr(const char *ip, uint16_t port)
{
	struct tcpd_addr a = {.port = port};

	if (!ip)
		return a;
	a.family = strchr(ip, ':') ? 6 : 4;
	if (a.family == 6)
		inet_pton(AF_INET6, ip, a.ip);
	else if (strcmp(ip, "0.0.0.0") != 0) {
		a.ip[10] = a.ip[11] = 0xff;
		inet_pton(AF_INET, ip, a.ip + 12);
	}
	return a;
}

static struct conf_allow rules[3];
static struct conf conf;
static struct daemon d = {.conf = &conf, .uid = 900};

/* web: uid 1000 listens on 10.77.0.2:80-89 and [fd77::/64]:80; staff: gid 50
 * connects from anywhere; all: everybody listens on ports above 8000. */
static void setup(void)
{
	memset(rules, 0, sizeof(rules));
	rules[0].has_uid = true;
	rules[0].uid = 1000;
	rules[0].listen[0] = rule("10.77.0.2", 4, 32, 80, 89);
	rules[0].listen[1] = rule("fd77::", 6, 64, 80, 80);
	rules[0].nlisten = 2;
	rules[0].next = &rules[1];
	rules[1].has_gid = true;
	rules[1].gid = 50;
	rules[1].connect[0] = rule(NULL, 0, 0, 1, 65535);
	rules[1].nconnect = 1;
	rules[1].next = &rules[2];
	rules[2].any_uid = true;
	rules[2].listen[0] = rule("0.0.0.0", 4, 0, 8000, 65535);
	rules[2].nlisten = 1;
	conf.allows = rules;
}

static const struct row {
	const char *name;
	uid_t uid;
	gid_t gid;
	uint16_t port;
	bool listen, want;
	const char *ip; /* NULL: any, both families */
} rows[] = {
	{"root listens", 0, 0, 80, true, true, NULL},
	{"root connects", 0, 0, 999, false, true, "10.77.0.2"},
	{"tcpd's user too", 900, 900, 80, true, true, "10.77.0.2"},
	{"a user at his address", 1000, 1, 80, true, true, "10.77.0.2"},
	{"to the last port", 1000, 1, 89, true, true, "10.77.0.2"},
	{"and not beyond", 1000, 1, 90, true, false, "10.77.0.2"},
	{"nor below", 1000, 1, 79, true, false, "10.77.0.2"},
	{"nor another address", 1000, 1, 80, true, false, "10.77.0.3"},
	{"nor all addresses", 1000, 1, 80, true, false, "0.0.0.0"},
	{"nor of both families", 1000, 1, 80, true, false, NULL},
	{"within a prefix", 1000, 1, 80, true, true, "fd77::99"},
	{"and not outside", 1000, 1, 80, true, false, "fd78::99"},
	{"listen is not connect", 1000, 1, 80, false, false, "10.77.0.2"},
	{"another user", 1001, 1, 80, true, false, "10.77.0.2"},
	{"a group connects", 1001, 50, 40000, false, true, "10.77.0.2"},
	{"from all addresses", 1001, 50, 40000, false, true, NULL},
	{"and does not listen", 1001, 50, 80, true, false, "10.77.0.2"},
	{"everybody above 8000", 1234, 5, 8000, true, true, "10.77.0.9"},
	{"also on all of IPv4", 1234, 5, 8000, true, true, "0.0.0.0"},
	{"not on both families", 1234, 5, 8000, true, false, NULL},
	{"not on IPv6", 1234, 5, 8000, true, false, "fd77::2"},
};

START_TEST(allow_decides)
{
	const struct row *r = &rows[_i];
	struct tcpd_addr a = addr(r->ip, r->port);

	setup();
	ck_assert_msg(app_allowed(&d, r->uid, r->gid, r->listen, &a) == r->want,
		      "%s", r->name);
}
END_TEST

START_TEST(allow_without_rules_is_for_root_and_tcpds_user)
{
	struct tcpd_addr a = addr("10.77.0.2", 80);

	conf.allows = NULL;
	ck_assert(app_allowed(&d, 0, 0, true, &a));
	ck_assert(app_allowed(&d, 900, 1, false, &a));
	ck_assert(!app_allowed(&d, 1000, 1, true, &a));
	ck_assert(app_allowed_any(&d, 0, 0));
	ck_assert(!app_allowed_any(&d, 1000, 1));
}
END_TEST

START_TEST(allow_any_knows_who_has_a_rule_at_all)
{
	setup();
	ck_assert(app_allowed_any(&d, 4321, 1)); /* everybody, above 8000 */
	rules[2].any_uid = false;
	ck_assert(!app_allowed_any(&d, 4321, 1));
	ck_assert(app_allowed_any(&d, 1000, 1));
	ck_assert(app_allowed_any(&d, 4321, 50));
	rules[0].nlisten = 0;
	ck_assert(!app_allowed_any(&d, 1000, 1));
}
END_TEST

int main(void)
{
	Suite *s = suite_create("app_allow");
	TCase *tc = tcase_create("rules");
	SRunner *sr = srunner_create(s);
	int failed;

	tcase_add_loop_test(tc, allow_decides, 0,
			    sizeof(rows) / sizeof(rows[0]));
	tcase_add_test(tc, allow_without_rules_is_for_root_and_tcpds_user);
	tcase_add_test(tc, allow_any_knows_who_has_a_rule_at_all);
	suite_add_tcase(s, tc);
	srunner_set_tap(sr, "-");
	srunner_run_all(sr, CK_SILENT);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed != 0;
}
