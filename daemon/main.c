/* SPDX-License-Identifier: MIT */
/*
 * main.c - start and end of tcpd.
 *
 * The order at start: configuration, TUN, addresses, secrets and stack,
 * sockets; then the user is dropped, and nothing is kept; then READY.  At the
 * end the other way round: what listens goes first, connections are closed in
 * order for at most two seconds, and what is left then gets RST.
 *
 * Exit codes: 0 stopped as asked, 1 a fault of the system, 2 wrong usage or
 * configuration.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "daemon/args.h"
#include "daemon/capture.h"
#include "daemon/daemon.h"
#include "daemon/epoch.h"
#include "daemon/link.h"
#include "daemon/log.h"
#include "daemon/loop.h"
#include "daemon/notify.h"
#include "daemon/privs.h"
#include "daemon/reload.h"
#include "daemon/rundir.h"
#include "daemon/secrets.h"
#include "daemon/stackmem.h"
#include "daemon/thread.h"
#include "daemon/tun.h"

#define GRACE	   2.	/* s for connections to close in order */
#define GRACE_POLL 0.02 /* s between two looks whether they have */
#define SCALE_WARN 20u
#define ERR_MAX	   1024

enum { DONE = 0, FAULT = 1, USAGE = 2 };

struct watchers {
	ev_signal term, intr, hup;
	ev_async stop;
	ev_timer grace;
	double left; /* s of grace */
};

static struct watchers watch;

void daemon_stop(struct daemon *d)
{
	ev_async_send(d->loop, &watch.stop);
}

/* Connections that somebody might still hear of. */
static bool closing(const struct daemon *d)
{
	const struct tcpd_stats *s = tcpd_stats(d->st);

	return s->now_connections || s->now_half_open;
}

static void on_grace(EV_P_ ev_timer *w, int revents)
{
	struct daemon *d = w->data;

	(void)revents;
	watch.left -= GRACE_POLL;
	if (watch.left <= 0 || !closing(d))
		ev_break(EV_A_ EVBREAK_ALL);
}

static void on_stop(EV_P_ ev_async *w, int revents)
{
	struct daemon *d = w->data;

	(void)revents;
	if (d->stopping) { /* asked twice: at once */
		ev_break(EV_A_ EVBREAK_ALL);
		return;
	}
	d->stopping = true;
	notify_stopping();
	log_info("stopping");
	services_stop(d);
	app_stop(d);
	daemon_kick(d);
	watch.left = GRACE;
	ev_timer_start(EV_A_ & watch.grace);
}

static void on_term(EV_P_ ev_signal *w, int revents)
{
	(void)loop;
	(void)revents;
	daemon_stop(w->data);
}

static void on_hup(EV_P_ ev_signal *w, int revents)
{
	char err[ERR_MAX];

	(void)loop;
	(void)revents;
	daemon_reload(w->data, err, sizeof(err)); /* says itself how it went */
}

static void watch_start(struct daemon *d)
{
	ev_signal_init(&watch.term, on_term, SIGTERM);
	ev_signal_init(&watch.intr, on_term, SIGINT);
	ev_signal_init(&watch.hup, on_hup, SIGHUP);
	ev_async_init(&watch.stop, on_stop);
	ev_timer_init(&watch.grace, on_grace, 0., GRACE_POLL);
	watch.term.data = watch.intr.data = watch.hup.data = d;
	watch.stop.data = watch.grace.data = d;
	ev_signal_start(d->loop, &watch.term);
	ev_signal_start(d->loop, &watch.intr);
	ev_signal_start(d->loop, &watch.hup);
	ev_async_start(d->loop, &watch.stop);
}

/* Descriptors 0 to 2 are never somebody's packets. */
static void hold_standard_fds(void)
{
	int fd;

	do
		fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	while (fd >= 0 && fd <= 2 && fcntl(fd, F_SETFD, 0) == 0);
	if (fd > 2)
		close(fd);
}

/* One fd a connection, and as many in flight: as many as we may have. */
static void raise_nofile(void)
{
	struct rlimit r;

	if (getrlimit(RLIMIT_NOFILE, &r) == 0 && r.rlim_cur < r.rlim_max) {
		r.rlim_cur = r.rlim_max;
		setrlimit(RLIMIT_NOFILE, &r);
	}
}

static int stack_start(struct daemon *d, const struct epoch *e, char *err,
		       size_t nerr)
{
	static struct tcpd_settings settings;
	struct tcpd_settings s;
	int rc;

	if (!secrets_fill(settings.key, sizeof(settings.key))) {
		(void)snprintf(err, nerr, "getrandom: %s", strerror(errno));
		return FAULT;
	}
	memcpy(settings.kept_key, e->key, sizeof(settings.kept_key));
	settings.ts_base = e->ts_base;
	stackmem_use(&settings);
	d->settings = &settings;
	reload_settings(d, &s);
	settings = s;
	rc = tcpd_new(&d->st, &settings, d->now);
	if (rc == 0)
		return DONE;
	d->st = NULL;
	(void)snprintf(err, nerr, "cannot make the stack: %s",
		       tcpd_err_text(rc));
	return rc == -TCPD_ERR_INVALID ? USAGE : FAULT;
}

/* Everything that needs a right, in the order of the head comment. */
static int set_up(struct daemon *d, const struct args *a, const struct epoch *e,
		  char *err, size_t nerr)
{
	int rc;

	d->loop = ev_default_loop(EVBACKEND_EPOLL | EVFLAG_NOENV);
	if (!d->loop) {
		(void)snprintf(err, nerr, "cannot make an epoll loop: %s",
			       strerror(errno));
		return FAULT;
	}
	if (loop_start(d, err, nerr) || tun_open(d, a->tun_fd, err, nerr) ||
	    link_start(d, err, nerr))
		return FAULT;
	rc = stack_start(d, e, err, nerr);
	if (rc)
		return rc;
	watch_start(d);
	if (ctl_start(d, err, nerr) || app_start(d, err, nerr))
		return FAULT;
	return services_apply(d, err, nerr) ? USAGE : DONE;
}

static void say_hello(const struct daemon *d)
{
	const struct conf *c = d->conf;

	log_info("tcpd " TCPD_VERSION " on %s, MTU %u, offload %s, %s",
		 tun_name(d), (unsigned)link_mtu(d),
		 tun_offloads(d) ? "on" : "off", c->run_dir);
	if (c->time_scale > SCALE_WARN)
		log_warn("time-scale = %u: above %u a peer's own delays look "
			 "like losses",
			 (unsigned)c->time_scale, SCALE_WARN);
}

/* After the drop: threads (capabilities are a thread's own), then READY. */
static int serve(struct daemon *d, const struct privs *p, char *err,
		 size_t nerr)
{
	int fd = -1;

	if (d->conf->capture[0]) {
		fd = capture_open(d->conf->capture, err, nerr);
		if (fd < 0)
			return FAULT;
	}
	if (!privs_drop(p, err, nerr))
		return FAULT;
	log_start();
	if (reload_capture(d, fd, err, nerr))
		return FAULT;
	tun_start(d);
	link_watch(d);
	loop_serve(d);
	say_hello(d);
	notify_ready();
	ev_run(d->loop, 0);
	return d->failed ? FAULT : DONE;
}

/* What did not close in time: RST, so that its peer knows. */
static void reset_rest(struct daemon *d)
{
	struct tcpd_cursor c = {0};
	struct tcpd_status s;
	unsigned n = 0;

	while (tcpd_each(d->st, &c, &s, d->now))
		if (s.kind == TCPD_KIND_CONN && s.state != TCPD_CLOSED &&
		    tcpd_abort_seen(d->st, &c, s.id, d->now) == 0)
			n++;
	if (n)
		log_info("%u connections did not close in time: reset", n);
	loop_flush(d);
}

static void tear_down(struct daemon *d, bool served)
{
	if (served)
		reset_rest(d);
	if (d->ctl)
		ctl_stop(d);
	if (d->services)
		services_stop(d);
	if (d->app)
		app_stop(d);
	capture_stop_all(d, mono_now() + TCPD_SEC(2));
	tun_close(d);
	link_stop(d);
	loop_stop(d);
	if (d->st)
		tcpd_free(d->st);
	if (d->settings) {
		explicit_bzero(d->settings->key, sizeof(d->settings->key));
		explicit_bzero(d->settings->kept_key,
			       sizeof(d->settings->kept_key));
	}
}

static int run(const struct args *a, struct conf *c)
{
	struct daemon d = {.conf = c};
	char err[ERR_MAX] = "";
	struct epoch e;
	struct privs p;
	int lock, rc;

	log_set_level(c->log_level);
	(void)signal(SIGPIPE, SIG_IGN);
	raise_nofile();
	reload_init(a);
	rc = privs_find(&p, c, err, sizeof(err));
	if (rc) {
		log_error("%s", err);
		conf_free(c);
		return rc;
	}
	d.uid = p.uid;
	d.gid = p.gid;
	lock = rundir_take(c, &p, err, sizeof(err));
	if (lock < 0) {
		log_error("%s", err);
		conf_free(c);
		return FAULT;
	}
	if (!epoch_take(c, &p, &e)) {
		log_error("getrandom: %s", strerror(errno));
		conf_free(c);
		close(lock);
		return FAULT;
	}
	d.start = e.now;
	rc = set_up(&d, a, &e, err, sizeof(err));
	explicit_bzero(&e, sizeof(e));
	if (rc == DONE)
		rc = serve(&d, &p, err, sizeof(err));
	if (rc)
		log_error("%s", err);
	tear_down(&d, rc == DONE);
	if (rc == DONE)
		log_info("stopped");
	log_stop();
	conf_free(d.conf);
	close(lock);
	return rc;
}

int main(int argc, char **argv)
{
	char err[ERR_MAX];
	struct args a;
	struct conf *c;
	int rc = DONE;

	hold_standard_fds();
	log_init(STDERR_FILENO);
	if (args_parse(&a, argc, argv, err, sizeof(err))) {
		log_error("%s", err);
		args_free(&a);
		return USAGE;
	}
	if (a.help) {
		args_help(stdout);
	} else if (a.version) {
		(void)puts("tcpd " TCPD_VERSION);
	} else {
		c = conf_load(a.file, a.file_asked, a.opts, a.nopts, err,
			      sizeof(err));
		if (!c) {
			/* as compilers say it: the line begins with the file */
			(void)fprintf(stderr, "%s\n", err);
			rc = USAGE;
		} else if (a.check) {
			conf_print(c, stdout);
			conf_free(c);
		} else {
			rc = run(&a, c);
		}
	}
	args_free(&a);
	if (fflush(stdout)) {
		log_error("stdout: %s", strerror(errno));
		return rc ? rc : FAULT;
	}
	return rc;
}
