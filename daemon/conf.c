/* SPDX-License-Identifier: MIT */
/*
 * conf.c - pieces of configuration to one object.
 *
 * conf_scan.c has looked at a piece's shape, libconfuse gives the values of
 * its directives, conf_type.c puts them into their members.  Defaults come
 * last: what nobody has written takes the text of its row, for the profile
 * that was chosen in the end.  conf_check.c looks at the whole.
 */
#include <confuse.h>
#include <stdlib.h>
#include <string.h>

#include "conf.h"
#include "conf_check.h"
#include "conf_scan.h"
#include "conf_table.h"
#include "conf_type.h"
#include "conf_value.h"

struct reader {
	struct conf *conf;
	const struct conf_piece *piece;
	struct conf_scan scan;
	cfg_t *cfg;
	char *err;
	size_t nerr;

	uint64_t set; /* rows written outside sections */
	struct conf_places places;
	struct conf_service_place listens; /* of the section being read */
};

#define FAIL(rd, line, ...) \
	conf_fail((rd)->err, (rd)->nerr, (rd)->piece->name, line, __VA_ARGS__)

/* ------------------------------------------------------------ libconfuse */

static void say_nothing(cfg_t *cfg, const char *fmt, va_list ap)
{
	(void)cfg;
	(void)fmt;
	(void)ap;
}

#define MAX_OPTS (CONF_MAX_ROWS + 3) /* rows, two sections, the end */

/* libconfuse's options for what may stand in |scope|, from our rows. */
static void make_opts(cfg_opt_t *opts, enum conf_scope scope,
		      cfg_opt_t *service, cfg_opt_t *allow)
{
	static const cfg_opt_t end = CFG_END();
	size_t n = 0;

	for (size_t i = 0; i < conf_nrows; i++) {
		const struct conf_row *r = &conf_rows[i];
		cfg_opt_t one = CFG_STR(r->name, NULL, CFGF_NODEFAULT);
		cfg_opt_t list = CFG_STR_LIST(r->name, NULL, CFGF_NODEFAULT);

		if ((r->scope & scope) != 0)
			opts[n++] = r->list ? list : one;
	}
	if (scope == CONF_TOP) {
		cfg_opt_t s =
			CFG_SEC("service", service, CFGF_MULTI | CFGF_TITLE);
		cfg_opt_t a = CFG_SEC("allow", allow, CFGF_MULTI | CFGF_TITLE);

		opts[n++] = s;
		opts[n++] = a;
	}
	opts[n] = end;
}

static int parse_text(struct reader *rd)
{
	cfg_opt_t service[MAX_OPTS], allow[MAX_OPTS], top[MAX_OPTS];

	make_opts(service, CONF_SERVICE, NULL, NULL);
	make_opts(allow, CONF_ALLOW, NULL, NULL);
	make_opts(top, CONF_TOP, service, allow);
	rd->cfg = cfg_init(top, CFGF_NONE);
	if (rd->cfg == NULL)
		return FAIL(rd, 1, "%s", conf_no_memory);
	(void)cfg_set_error_function(rd->cfg, say_nothing);
	/* the scan has passed: what is left is a want of memory */
	if (cfg_parse_buf(rd->cfg, rd->scan.text) != CFG_SUCCESS)
		return FAIL(rd, rd->cfg->line,
			    "not understood, expected a "
			    "directive");
	return 0;
}

/* ----------------------------------------------------------- directives */

static void *owner_of(const struct conf_row *r, struct conf *c,
		      struct conf_service *s, struct conf_allow *a)
{
	switch ((enum conf_owner)r->owner) {
	case CONF_OF_CONF:
		return c;
	case CONF_OF_CONN:
		return s != NULL ? &s->conn : &c->conn;
	case CONF_OF_SERVICE:
		return s;
	case CONF_OF_ALLOW:
		return a;
	}
	return NULL;
}

/* One directive's values, from |cfg| (the text or a section) to |owner|. */
static int take_item(struct reader *rd, const struct conf_item *it, cfg_t *cfg,
		     void *owner)
{
	char name[160], shown[CONF_TEXT_MAX], form[CONF_FORM_MAX];
	cfg_opt_t *opt = cfg != NULL ? cfg_getopt(cfg, it->row->name) : NULL;

	(void)conf_item_name(name, sizeof(name), &rd->scan, it);
	if (opt == NULL || cfg_opt_size(opt) != it->nvalues)
		return FAIL(rd, it->line, "%s: not understood, expected %s",
			    name, conf_form(it->row, form));
	conf_clear(it->row, owner);
	rd->listens.piece = rd->piece->name;
	for (unsigned i = 0; i < it->nvalues; i++) {
		const char *text = cfg_opt_getnstr(opt, i);
		const char *why = conf_add(it->row, owner, text);
		int line = rd->scan.lines[it->first + i];

		if (it->row->type == CONF_T_LISTEN)
			rd->listens.line[i] = line;
		if (why == conf_no_memory)
			return FAIL(rd, line, "%s: %s", name, why);
		if (why != NULL)
			return FAIL(rd, line, "%s: \"%s\" %s, expected %s",
				    name, conf_show(shown, text), why,
				    conf_form(it->row, form));
	}
	return 0;
}

/* Put |new| at the end of the list, or in place of its namesake. */
static int keep_service(struct reader *rd, const struct conf_service *new,
			int line)
{
	struct conf_service *e = rd->conf->services, *last = NULL, *next;
	size_t i = 0;

	for (; e != NULL && strcmp(e->name, new->name) != 0; i++) {
		last = e;
		e = e->next;
	}
	if (i == CONF_MAX_SECTIONS)
		return FAIL(
			rd, line,
			"service %s: too many services, expected at most %d",
			new->name, CONF_MAX_SECTIONS);
	if (e == NULL) {
		e = calloc(1, sizeof(*e));
		if (e == NULL)
			return FAIL(rd, line, "%s", conf_no_memory);
		if (last == NULL)
			rd->conf->services = e;
		else
			last->next = e;
	}
	next = e->next;
	*e = *new;
	e->next = next;
	rd->places.service[i] = rd->listens;
	return 0;
}

static int keep_allow(struct reader *rd, const struct conf_allow *new, int line)
{
	struct conf_allow *e = rd->conf->allows, *last = NULL, *next;
	size_t i = 0;

	for (; e != NULL && strcmp(e->name, new->name) != 0; i++) {
		last = e;
		e = e->next;
	}
	if (i == CONF_MAX_SECTIONS)
		return FAIL(rd, line,
			    "allow %s: too many rules, expected at most %d",
			    new->name, CONF_MAX_SECTIONS);
	if (e == NULL) {
		e = calloc(1, sizeof(*e));
		if (e == NULL)
			return FAIL(rd, line, "%s", conf_no_memory);
		if (last == NULL)
			rd->conf->allows = e;
		else
			last->next = e;
	}
	next = e->next;
	*e = *new;
	e->next = next;
	return 0;
}

/* The directives of section |number|, from item |*i| on, to |s| or |a|. */
static int take_inside(struct reader *rd, size_t number, size_t *i,
		       struct conf_service *s, struct conf_allow *a)
{
	const struct conf_section *sec = &rd->scan.sections[number - 1];
	cfg_t *cfg = cfg_gettsec(rd->cfg, s != NULL ? "service" : "allow",
				 sec->title);

	for (; *i < rd->scan.nitems; (*i)++) {
		const struct conf_item *it = &rd->scan.items[*i];

		if (it->section != number)
			break;
		if (take_item(rd, it, cfg, owner_of(it->row, NULL, s, a)) < 0)
			return -1;
		if (s != NULL)
			s->set |= CONF_ROW_BIT(it->row);
	}
	return 0;
}

static int take_service(struct reader *rd, size_t number, size_t *i)
{
	const struct conf_section *sec = &rd->scan.sections[number - 1];
	struct conf_service s = {0};
	const char *wrong;

	memcpy(s.name, sec->title, sizeof(s.name));
	if (take_inside(rd, number, i, &s, NULL) < 0)
		return -1;
	wrong = conf_check_service(&s);
	if (wrong != NULL)
		return FAIL(rd, sec->line, "service %s: %s", s.name, wrong);
	return keep_service(rd, &s, sec->line);
}

static int take_allow(struct reader *rd, size_t number, size_t *i)
{
	const struct conf_section *sec = &rd->scan.sections[number - 1];
	struct conf_allow a = {0};
	const char *wrong;

	memcpy(a.name, sec->title, sizeof(a.name));
	if (take_inside(rd, number, i, NULL, &a) < 0)
		return -1;
	wrong = conf_check_allow(&a);
	if (wrong != NULL)
		return FAIL(rd, sec->line, "allow %s: %s", a.name, wrong);
	return keep_allow(rd, &a, sec->line);
}

static int take_top(struct reader *rd, const struct conf_item *it)
{
	rd->set |= CONF_ROW_BIT(it->row);
	rd->places.row[it->row - conf_rows] =
		(struct conf_place){rd->piece->name, it->line};
	return take_item(rd, it, rd->cfg,
			 owner_of(it->row, rd->conf, NULL, NULL));
}

static int take_items(struct reader *rd)
{
	const struct conf_scan *sc = &rd->scan;
	size_t section = 0, i = 0;
	int r = 0;

	/* a section may be without items */
	while (r == 0 && (i < sc->nitems || section < sc->nsections)) {
		if (i < sc->nitems && sc->items[i].section == 0)
			r = take_top(rd, &sc->items[i++]);
		else if (sc->sections[section].scope == CONF_SERVICE)
			r = take_service(rd, ++section, &i);
		else
			r = take_allow(rd, ++section, &i);
	}
	return r;
}

static int take_piece(struct reader *rd)
{
	int r = conf_scan(&rd->scan, rd->piece, rd->err, rd->nerr);

	if (r == 0)
		r = parse_text(rd);
	if (r == 0)
		r = take_items(rd);
	conf_scan_free(&rd->scan);
	if (rd->cfg != NULL)
		(void)cfg_free(rd->cfg);
	rd->cfg = NULL;
	return r;
}

/* ------------------------------------------------------------- defaults */

/* The values of a default: "1s, 2s". */
static const char *add_default(const struct conf_row *r, void *owner,
			       const char *def)
{
	const char *why = NULL;
	char buf[64];

	conf_clear(r, owner);
	while (why == NULL && *def != '\0') {
		size_t n = strcspn(def, ",");

		if (n >= sizeof(buf))
			return "is too long";
		memcpy(buf, def, n);
		buf[n] = '\0';
		why = conf_add(r, owner, buf);
		def += n;
		def += strspn(def, ", ");
	}
	return why;
}

/* The members of rows that |s| did not write become the stack's. */
static void inherit(struct conf_service *s, const struct conf *c)
{
	for (size_t i = 0; i < conf_nrows; i++) {
		const struct conf_row *r = &conf_rows[i];

		if (r->owner != CONF_OF_CONN || (s->set & CONF_ROW_BIT(r)) != 0)
			continue;
		memcpy((char *)&s->conn + r->off,
		       (const char *)&c->conn + r->off, r->size);
		memcpy((char *)&s->conn + r->noff,
		       (const char *)&c->conn + r->noff, r->nsize);
	}
}

static int add_defaults(struct reader *rd)
{
	struct conf *c = rd->conf;
	enum conf_profile_id id = CONF_MODERN;

	if (c->profile[0] != '\0')
		id = conf_profile_find(c->profile);
	c->numbers = &conf_profiles[id];
	for (size_t i = 0; i < conf_nrows; i++) {
		const struct conf_row *r = &conf_rows[i];
		const char *def = r->def[id] != NULL ? r->def[id] : r->def[0];
		const char *why;

		if (def == NULL || (rd->set & CONF_ROW_BIT(r)) != 0)
			continue;
		why = add_default(r, owner_of(r, c, NULL, NULL), def);
		if (why != NULL)
			return conf_fail(rd->err, rd->nerr, "built-in", 1,
					 "%s: %s", r->name, why);
	}
	if (rd->places.row[conf_row_find("orphans", CONF_TOP) - conf_rows]
		    .line == 0)
		c->orphans = c->connections < 8 ? 1 : c->connections / 8;
	c->user_set =
		rd->places.row[conf_row_find("user", CONF_TOP) - conf_rows]
			.line != 0;
	c->group_set =
		rd->places.row[conf_row_find("group", CONF_TOP) - conf_rows]
			.line != 0;
	for (struct conf_service *s = c->services; s != NULL; s = s->next)
		inherit(s, c);
	return 0;
}

struct conf *conf_parse(const struct conf_piece *pieces, size_t n, char *err,
			size_t nerr)
{
	struct reader *rd = calloc(1, sizeof(*rd));
	struct conf *c = calloc(1, sizeof(*c));
	int r = 0;

	if (rd == NULL || c == NULL) {
		(void)snprintf(err, nerr, "%s", conf_no_memory);
		free(rd);
		free(c);
		return NULL;
	}
	rd->conf = c;
	rd->err = err;
	rd->nerr = nerr;
	for (size_t i = 0; r == 0 && i < n; i++) {
		rd->piece = &pieces[i];
		r = take_piece(rd);
	}
	if (r == 0)
		r = add_defaults(rd);
	if (r == 0)
		r = conf_check(c, &rd->places, err, nerr);
	free(rd);
	if (r == 0)
		return c;
	conf_free(c);
	return NULL;
}

void conf_free(struct conf *c)
{
	if (c == NULL)
		return;
	while (c->services != NULL) {
		struct conf_service *s = c->services;

		c->services = s->next;
		free(s);
	}
	while (c->allows != NULL) {
		struct conf_allow *a = c->allows;

		c->allows = a->next;
		free(a);
	}
	free(c->addresses);
	free(c->host_addresses);
	free(c);
}

void conf_settings(const struct conf *c, struct tcpd_settings *s)
{
	tcpd_settings_init(s);
	s->max_conns = c->connections;
	s->max_orphans = c->orphans;
	s->max_half_open = c->half_open;
	s->max_time_wait = c->time_wait_max;
	s->resets_per_second = c->reset_rate;
	s->flood_ready = true;
	s->memory = c->memory;
	s->conn = c->conn;
	/* who asks for it is asked for permission before (bridge_opt.c) */
	s->fast_open = TCPD_FO_CLIENT | TCPD_FO_SERVER;
	s->rto_init = c->numbers->rto_init;
	s->syn_retries = c->numbers->syn_retries;
	s->wscale = c->numbers->wscale;
	s->as_linux = c->numbers->as_linux;
	s->pacing = !s->as_linux;
	s->mtu = (uint16_t)c->mtu;
	s->port_min = c->port_min;
	s->port_max = c->port_max;
	s->naddrs = (uint8_t)c->naddresses;
	for (size_t i = 0; i < c->naddresses; i++)
		s->addr[i] = c->addresses[i].p;
	if (c->time_scale <= 1)
		return;
	/*
	 * The stack's clock runs faster, a peer's does not: kernels hold an
	 * ACK for 40 to 44 ms of wall clock, and the octets of a time stamp
	 * option (RFC 7323, 5.4) must not run ahead of what a peer takes for
	 * a clock.
	 */
	if (s->rto_min < c->time_scale * TCPD_MS(60))
		s->rto_min = c->time_scale * TCPD_MS(60);
	s->tlp_delay = c->time_scale * TCPD_MS(60);
	s->ts_tick = c->time_scale * TCPD_MS(1);
}
