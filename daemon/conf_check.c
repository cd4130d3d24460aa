/* SPDX-License-Identifier: MIT */
/*
 * conf_check.c - what makes a configuration wrong although each of its values
 * is right: a section that is not complete, addresses in two lists, a service
 * where the stack has no address or another service listens.
 */
#include <string.h>

#include "conf_check.h"
#include "conf_scan.h"
#include "conf_value.h"

static bool has(const struct conf_service *s, const char *name)
{
	return (s->set & CONF_ROW_BIT(conf_row_find(name, CONF_SERVICE))) != 0;
}

const char *conf_check_service(const struct conf_service *s)
{
	const char *wrong = NULL;

	if (!has(s, "listen"))
		wrong = "no \"listen\", expected listen = \":PORT\"";
	else if (!has(s, "kind"))
		wrong = "no \"kind\", expected one, as kind = http";
	else if (s->kind == CONF_FORWARD && !has(s, "to"))
		wrong = "kind forward without \"to\", expected "
			"to = \"tcp:127.0.0.1:PORT\" or \"unix:/PATH\"";
	else if (s->kind != CONF_FORWARD && has(s, "to"))
		wrong = "\"to\" without kind forward, expected kind = forward";
	else if (s->kind != CONF_FORWARD && has(s, "proxy-protocol"))
		wrong = "\"proxy-protocol\" without kind forward, expected "
			"kind = forward";
	return wrong;
}

const char *conf_check_allow(const struct conf_allow *a)
{
	const char *wrong = NULL;

	if (!a->any_uid && !a->has_uid && !a->has_gid)
		wrong = "no \"user\" and no \"group\", expected one of them";
	else if (a->nlisten == 0 && a->nconnect == 0)
		wrong = "no \"listen\" and no \"connect\", expected one of "
			"them";
	return wrong;
}

static int check_host(const struct conf_places *pl, const struct conf *c,
		      char *err, size_t nerr)
{
	const struct conf_place *own, *host, *at;

	own = &pl->row[conf_row_find("addresses", CONF_TOP) - conf_rows];
	host = &pl->row[conf_row_find("host-addresses", CONF_TOP) - conf_rows];
	at = host->line != 0 ? host : own;
	for (size_t i = 0; i < c->naddresses; i++)
		for (size_t j = 0; j < c->nhost_addresses; j++)
			if (memcmp(c->addresses[i].p.ip,
				   c->host_addresses[j].p.ip, 16) == 0)
				return conf_fail(
					err, nerr, at->piece, at->line,
					"%s: \"%s\" is in \"%s\" too, expected "
					"different ones",
					at == host ? "host-addresses"
						   : "addresses",
					at == host ? c->host_addresses[j].text
						   : c->addresses[i].text,
					at == host ? "addresses"
						   : "host-addresses");
	return 0;
}

static bool is_any(const struct tcpd_addr *a)
{
	static const uint8_t zero[16];

	if (a->family == 0)
		return true;
	return memcmp(a->family == 4 ? a->ip + 12 : a->ip, zero,
		      a->family == 4 ? 4 : 16) == 0;
}

static bool is_own(const struct conf *c, const struct tcpd_addr *a)
{
	for (size_t i = 0; i < c->naddresses; i++) {
		const struct tcpd_prefix *p = &c->addresses[i].p;
		uint8_t all = p->family == 4 ? 32 : 128;

		if (conf_covers(p->ip, p->family, p->local ? p->len : all,
				a->ip))
			return true;
	}
	return is_any(a);
}

static bool same_listen(const struct tcpd_addr *a, const struct tcpd_addr *b)
{
	return a->port == b->port && a->family == b->family &&
	       (is_any(a) ? is_any(b) : memcmp(a->ip, b->ip, 16) == 0);
}

/* The service before |s| that listens on |a|, or NULL. */
static const struct conf_service *taken_by(const struct conf *c,
					   const struct conf_service *s,
					   const struct tcpd_addr *a)
{
	for (const struct conf_service *o = c->services; o != s; o = o->next)
		for (size_t i = 0; i < o->nlisten; i++)
			if (same_listen(&o->listen[i], a))
				return o;
	return NULL;
}

static int check_listens(const struct conf_places *pl, const struct conf *c,
			 char *err, size_t nerr)
{
	const struct conf_service_place *at = pl->service;
	char text[CONF_TEXT_MAX];

	for (const struct conf_service *s = c->services; s != NULL;
	     s = s->next, at++) {
		for (size_t i = 0; i < s->nlisten; i++) {
			const struct tcpd_addr *a = &s->listen[i];
			const struct conf_service *o = taken_by(c, s, a);

			(void)conf_listen_text(text, a);
			if (!is_own(c, a))
				return conf_fail(
					err, nerr, at->piece, at->line[i],
					"service %s: listen: \"%s\" is not in "
					"\"addresses\", expected one of them",
					s->name, text);
			if (o != NULL)
				return conf_fail(
					err, nerr, at->piece, at->line[i],
					"service %s: listen: \"%s\" is taken "
					"by service %s, expected another",
					s->name, text, o->name);
		}
	}
	return 0;
}

int conf_check(const struct conf *c, const struct conf_places *pl, char *err,
	       size_t nerr)
{
	if (check_host(pl, c, err, nerr) < 0)
		return -1;
	return check_listens(pl, c, err, nerr);
}
