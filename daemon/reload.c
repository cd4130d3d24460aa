/* SPDX-License-Identifier: MIT */
/*
 * reload.c - reading the configuration again while tcpd runs.
 *
 * All or nothing: a file that is wrong, a value that cannot change while tcpd
 * runs, or a listener that cannot be had leaves everything as it was, and one
 * line says why.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "daemon/capture.h"
#include "daemon/conf_table.h"
#include "daemon/conf_value.h"
#include "daemon/link.h"
#include "daemon/notify.h"
#include "daemon/reload.h"
#include "daemon/tun.h"

static const struct args *args;

/* The capture of the directive, and the file it goes to. */
static struct {
	struct capture *c;
	char path[sizeof(((struct conf *)0)->capture)];
} own;

void reload_init(const struct args *a)
{
	args = a;
}

void reload_settings(struct daemon *d, struct tcpd_settings *s)
{
	struct tcpd_settings old = *d->settings;
	uint8_t n = 0;

	conf_settings(d->conf, s);
	memcpy(s->key, old.key, sizeof(s->key));
	memcpy(s->kept_key, old.kept_key, sizeof(s->kept_key));
	s->ts_base = old.ts_base;
	s->map = old.map;
	s->discard = old.discard;
	s->unmap = old.unmap;
	s->arg = old.arg;
	s->csum = s->tso4 = s->tso6 = tun_offloads(d);
	s->mtu = (uint16_t)link_mtu(d);
	for (uint8_t i = 0; i < s->naddrs; i++)
		if (s->addr[i].family == 4 || link_ip6(d))
			s->addr[n++] = s->addr[i];
	s->naddrs = n;
}

/* Sizes of tables and memory are laid out once, the device and the sockets are
 * opened with rights that are gone, the clock must not jump. */
const char *reload_fixed(const struct conf *was, const struct conf *c,
			 char *value, size_t nvalue)
{
	const struct {
		const char *name;
		uint64_t was, is;
	} numbers[] = {
		{"connections", was->connections, c->connections},
		{"half-open", was->half_open, c->half_open},
		{"time-wait-max", was->time_wait_max, c->time_wait_max},
		{"time-scale", was->time_scale, c->time_scale},
	};
	char memory_was[CONF_TEXT_MAX], memory_is[CONF_TEXT_MAX];
	const struct {
		const char *name, *was, *is;
	} texts[] = {
		{"memory", conf_size_text(memory_was, was->memory),
		 conf_size_text(memory_is, c->memory)},
		{"tun", was->tun, c->tun},
		{"run-dir", was->run_dir, c->run_dir},
		{"user", was->user, c->user},
		{"group", was->group, c->group},
		/* its window scale: half-open entries do not keep ours */
		{"profile",
		 was->numbers->wscale == c->numbers->wscale ? c->profile
							    : was->profile,
		 c->profile},
		{"offload", was->offload ? "auto" : "off",
		 c->offload ? "auto" : "off"},
	};

	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		if (numbers[i].was == numbers[i].is)
			continue;
		(void)snprintf(value, nvalue, "%" PRIu64, numbers[i].was);
		return numbers[i].name;
	}
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		if (strcmp(texts[i].was, texts[i].is) == 0)
			continue;
		(void)snprintf(value, nvalue, "%s", texts[i].was);
		return texts[i].name;
	}
	return NULL;
}

static void capture_ended(void *arg)
{
	(void)arg;
	own.c = NULL;
}

int reload_capture(struct daemon *d, int fd, char *err, size_t nerr)
{
	const char *path = d->conf->capture;

	if (fd < 0 && strcmp(path, own.path) == 0)
		return 0;
	if (fd < 0 && path[0]) {
		fd = capture_open(path, err, nerr);
		if (fd < 0)
			return -1;
	}
	if (own.c)
		capture_stop(d, own.c);
	own.c = NULL;
	own.path[0] = '\0';
	if (!path[0])
		return 0;
	daemon_traces(d);
	own.c = capture_start(d, fd, NULL, err, nerr);
	if (!own.c)
		return -1;
	(void)snprintf(own.path, sizeof(own.path), "%s", path);
	capture_on_end(own.c, capture_ended, NULL);
	return 0;
}

/* Make what runs equal to d->conf. */
static int apply(struct daemon *d, char *err, size_t nerr)
{
	struct tcpd_settings s;
	int rc;

	reload_settings(d, &s);
	rc = tcpd_reconfigure(d->st, &s, daemon_now(d));
	if (rc) {
		(void)snprintf(err, nerr, "the stack refused it: %s",
			       tcpd_err_text(rc));
		return -1;
	}
	*d->settings = s;
	if (reload_capture(d, -1, err, nerr) || services_apply(d, err, nerr))
		return -1;
	daemon_traces(d);
	log_set_level(d->conf->log_level);
	return 0;
}

static bool prefixes_differ(const struct conf_prefix *a, size_t na,
			    const struct conf_prefix *b, size_t nb)
{
	if (na != nb)
		return true;
	for (size_t i = 0; i < na; i++)
		if (strcmp(a[i].text, b[i].text) != 0)
			return true;
	return false;
}

/* What the interface should be like now, and may not let us say so: the right
 * to was given up at the start. */
static void apply_link(struct daemon *d, const struct conf *was,
		       const struct conf *c)
{
	const struct {
		const char *name;
		bool differs, shows; /* |shows|: link_complete() looks at it */
	} rows[] = {
		{"mtu", was->mtu != c->mtu, true},
		{"txqueuelen", was->txqueuelen != c->txqueuelen, false},
		{"addresses",
		 prefixes_differ(was->addresses, was->naddresses, c->addresses,
				 c->naddresses),
		 true},
		{"host-addresses",
		 prefixes_differ(was->host_addresses, was->nhost_addresses,
				 c->host_addresses, c->nhost_addresses),
		 true},
	};
	char names[64] = "";
	bool any = false, complete;
	size_t n = 0;
	int rc;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		any |= rows[i].differs;
	rc = any ? link_attach(d) : 0;
	if (!rc)
		return;
	complete = link_complete(d);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (rows[i].differs && !(rows[i].shows && complete))
			n += (size_t)snprintf(names + n, sizeof(names) - n,
					      "%s%s", n ? ", " : "",
					      rows[i].name);
	if (n)
		log_warn("reload: %s: not set on %s (%s): restart tcpd, or set "
			 "it by hand",
			 names, tun_name(d), strerror(rc));
}

static int read_again(struct daemon *d, char *err, size_t nerr)
{
	struct conf *was = d->conf, *c;
	const char *fixed;
	char value[128], ignored[256];

	c = conf_load(args->file, args->file_asked, args->opts, args->nopts,
		      err, nerr);
	if (!c)
		return -1;
	fixed = reload_fixed(was, c, value, sizeof(value));
	if (fixed) {
		(void)snprintf(
			err, nerr,
			"%s: cannot change while tcpd runs, expected %s (or a "
			"restart)",
			fixed, value);
		conf_free(c);
		return -1;
	}
	d->conf = c;
	if (apply(d, err, nerr)) {
		d->conf = was;
		if (apply(d, ignored, sizeof(ignored)))
			log_error("reload: the old configuration does not go "
				  "back: %s",
				  ignored);
		conf_free(c);
		return -1;
	}
	/* only now: what is refused changes nothing */
	d->removing = !c->keep_removed;
	apply_link(d, was, c);
	conf_free(was);
	return 0;
}

int daemon_reload(struct daemon *d, char *err, size_t nerr)
{
	int rc;

	if (d->stopping) {
		(void)snprintf(err, nerr, "tcpd is stopping");
		return -1;
	}
	notify_reloading();
	rc = read_again(d, err, nerr);
	daemon_kick(d);
	if (rc)
		log_error("reload: %s; the old configuration stays", err);
	else
		log_info("reload: done");
	notify_ready();
	return rc;
}
