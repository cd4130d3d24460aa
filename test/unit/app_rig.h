/* SPDX-License-Identifier: MIT */
/*
 * app_rig.h - the app channel of the daemon without a daemon: its stack is
 * wired to a second one (the peer), in virtual time; requests are made
 * without app.sock.  Include it once in a program that links daemon/app*.c
 * and daemon/bridge*.c.
 */
#ifndef TEST_UNIT_APP_RIG_H
#define TEST_UNIT_APP_RIG_H

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "daemon/bridge.h"

#define RIG_LOCAL "10.77.0.2"
#define RIG_PEER  "10.77.0.1"

struct rig {
	struct daemon d;
	struct conf conf;
	struct tcpd_stack *peer;
	struct tcpd_settings set[2];
	bool real_time; /* else |d.now| moves only by rig_pass() */
	bool cut;	/* nothing gets through between the stacks */
	unsigned long npackets;
	unsigned long nrst; /* from the daemon's stack to the peer */
	/* ... and each of its segments with octets, NULL: nobody looks */
	void (*saw)(uint32_t seq, uint32_t n);
};

static struct rig rig;

/* --- what loop.c and log.c bring to the daemon */

tcpd_time daemon_now(struct daemon *d)
{
	struct timespec ts;

	if (rig.real_time) {
		clock_gettime(CLOCK_MONOTONIC, &ts);
		d->now = (tcpd_time)ts.tv_sec * 1000000000u +
			 (tcpd_time)ts.tv_nsec;
	}
	return d->now;
}

void daemon_kick(struct daemon *d)
{
	(void)d;
}

void log_say(enum conf_log level, const char *fmt, ...)
{
	va_list ap;

	if (level > CONF_LOG_WARN)
		return;
	va_start(ap, fmt);
	(void)vfprintf(stderr, fmt, ap);
	va_end(ap);
	(void)fputc('\n', stderr);
}

bool log_wants(enum conf_log level)
{
	return level <= CONF_LOG_WARN;
}

/* --- the two stacks */

static void *rig_map(void *arg, size_t len)
{
	void *p;

	(void)arg;
	if (posix_memalign(&p, 4096, len) != 0)
		return NULL;
	return memset(p, 0, len);
}

static void rig_unmap(void *arg, void *p, size_t len)
{
	(void)arg;
	(void)len;
	free(p);
}

static void rig_discard(void *arg, void *p, size_t len)
{
	(void)arg;
	(void)p;
	(void)len;
}

static struct tcpd_addr rig_addr(const char *ip, uint16_t port)
{
	struct tcpd_addr a = {
		.ip = {[10] = 0xff, [11] = 0xff}, .port = port, .family = 4};

	if (inet_pton(AF_INET, ip, a.ip + 12) != 1)
		abort();
	return a;
}

static struct tcpd_stack *rig_stack(struct tcpd_settings *s, const char *ip,
				    uint8_t key)
{
	struct tcpd_stack *st;

	tcpd_settings_init(s);
	s->max_conns = 256;
	s->max_listeners = 16;
	s->max_half_open = 64;
	s->max_time_wait = 256;
	s->memory = 16u << 20;
	s->map = rig_map;
	s->unmap = rig_unmap;
	s->discard = rig_discard;
	s->naddrs = 1;
	memcpy(s->addr[0].ip, rig_addr(ip, 0).ip, 16);
	s->addr[0].family = 4;
	s->addr[0].len = 24;
	memset(s->key, key, sizeof(s->key));
	if (tcpd_new(&st, s, rig.d.now) < 0)
		abort();
	return st;
}

/* IPv4 without options, and TCP behind it. */
static void rig_look(const uint8_t *p, size_t len)
{
	uint32_t n = (uint32_t)len - 20 - 4u * (p[20 + 12] >> 4), seq;

	memcpy(&seq, p + 20 + 4, sizeof(seq));
	if (n && rig.saw)
		rig.saw(ntohl(seq), n);
}

/* Packets of |from| to |to|: how many.  Each is a copy of its exact size. */
static unsigned rig_carry(struct tcpd_stack *from, struct tcpd_stack *to)
{
	struct tcpd_out o;
	unsigned n = 0;

	while (n < 64 && tcpd_output(from, &o, rig.d.now)) {
		uint8_t *copy = malloc(o.len), *p = copy;
		struct tcpd_packet pkt = {
			.data = copy, .len = o.len, .off = o.off};

		if (!copy)
			abort();
		memcpy(p, o.head, o.nhead);
		p += o.nhead;
		for (int i = 0; i < o.nslices; i++) {
			memcpy(p, o.slice[i].p, o.slice[i].len);
			p += o.slice[i].len;
		}
		/* RST is bit 2 of the flags, octet 13 of the TCP header. */
		if (from == rig.d.st && copy[20 + 13] & 4)
			rig.nrst++;
		if (from == rig.d.st)
			rig_look(copy, o.len);
		tcpd_output_done(from, &o, 0, rig.d.now);
		if (!rig.cut) {
			tcpd_input(to, &pkt, rig.d.now);
			tcpd_input_done(to, rig.d.now);
		}
		free(copy);
		n++;
	}
	rig.npackets += n;
	return n;
}

static bool rig_events(void)
{
	struct tcpd_event ev;
	bool any = false;

	while (tcpd_next_event(rig.d.st, &ev)) {
		struct endpoint *e = ev.user;

		if (e)
			e->ops->event(&rig.d, e, &ev);
		any = true;
	}
	while (tcpd_next_event(rig.peer, &ev))
		any = true; /* tests look at the peer's handles themselves */
	return any;
}

/* Turns of the loop until nothing moves any more. */
static inline void rig_settle(void)
{
	for (int quiet = 0; quiet < 3;) {
		bool moved;

		daemon_now(&rig.d);
		ev_run(rig.d.loop, EVRUN_NOWAIT);
		moved = rig_events();
		if (rig.d.now >= tcpd_expiry(rig.d.st))
			tcpd_expire(rig.d.st, rig.d.now);
		if (rig.d.now >= tcpd_expiry(rig.peer))
			tcpd_expire(rig.peer, rig.d.now);
		moved |= rig_carry(rig.d.st, rig.peer) != 0;
		moved |= rig_carry(rig.peer, rig.d.st) != 0;
		moved |= rig_events();
		quiet = moved || rig.d.app->run_first ? 0 : quiet + 1;
	}
}

/* Virtual time goes on by |t|, timer by timer. */
static inline void rig_pass(tcpd_time t)
{
	tcpd_time end = rig.d.now + t, at;

	for (;;) {
		rig_settle();
		at = tcpd_expiry(rig.d.st);
		if (tcpd_expiry(rig.peer) < at)
			at = tcpd_expiry(rig.peer);
		if (at > end)
			break;
		rig.d.now = at > rig.d.now ? at : rig.d.now;
	}
	rig.d.now = end;
	rig_settle();
}

/* --- start and stop */

/* |run_dir|: an existing directory, for app.sock. */
static inline void rig_start(const char *run_dir)
{
	char err[256] = "";
	char path[160];

	(void)snprintf(path, sizeof(path), "%s/app.sock", run_dir);
	(void)unlink(path); /* of a run that was cut short */
	memset(&rig, 0, sizeof(rig));
	rig.d.now = TCPD_SEC(1000);
	rig.d.loop = ev_loop_new(EVBACKEND_EPOLL);
	rig.d.conf = &rig.conf;
	rig.d.uid = geteuid();
	rig.conf.connections = 256;
	(void)snprintf(rig.conf.run_dir, sizeof(rig.conf.run_dir), "%s",
		       run_dir);
	rig.d.st = rig_stack(&rig.set[0], RIG_LOCAL, 1);
	rig.peer = rig_stack(&rig.set[1], RIG_PEER, 2);
	rig.conf.conn = rig.set[0].conn;
	if (!rig.d.loop || app_start(&rig.d, err, sizeof(err)) < 0) {
		(void)fprintf(stderr, "app_rig: %s\n", err);
		abort();
	}
}

static inline void rig_stop(void)
{
	app_stop(&rig.d);
	tcpd_free(rig.d.st);
	tcpd_free(rig.peer);
	ev_loop_destroy(rig.d.loop);
}

/* --- requests, as app_client.c makes them */

static struct app_client rig_client = {.fd = -1};

/* The errno of the reply; |*m| is the reply, |*got| the fd that came (-1). */
static int rig_ask(struct proto_msg *m, int fd, int *got)
{
	int reply_fd = -1;

	app_request(rig.d.app, &rig_client, m, fd, &reply_fd);
	if (got)
		*got = reply_fd;
	else if (reply_fd >= 0)
		close(reply_fd);
	return m->err;
}

static inline int rig_socket(uint8_t domain)
{
	struct proto_msg m = {.op = PROTO_SOCKET,
			      .has = PROTO_HAS(PROTO_TLV_DOMAIN),
			      .domain = domain};
	int fd;

	rig_client.uid = geteuid();
	rig_client.pid = getpid();
	if (rig_ask(&m, -1, &fd) != 0)
		return -1;
	(void)fcntl(fd, F_SETFL, O_NONBLOCK);
	return fd;
}

static inline struct proto_addr rig_paddr(const char *ip, uint16_t port)
{
	struct tcpd_addr a = rig_addr(ip, port);
	struct proto_addr p = {.port = port, .family = 4};

	memcpy(p.ip, a.ip, 16);
	return p;
}

static inline int rig_bind(int fd, const char *ip, uint16_t port)
{
	struct proto_msg m = {.op = PROTO_BIND,
			      .has = PROTO_HAS(PROTO_TLV_LOCAL),
			      .local = rig_paddr(ip, port)};

	return rig_ask(&m, fd, NULL);
}

static inline int rig_listen(int fd, uint32_t backlog)
{
	struct proto_msg m = {.op = PROTO_LISTEN,
			      .has = PROTO_HAS(PROTO_TLV_BACKLOG),
			      .backlog = backlog};

	return rig_ask(&m, fd, NULL);
}

static inline int rig_connect(int fd, const char *ip, uint16_t port)
{
	struct proto_msg m = {.op = PROTO_CONNECT,
			      .has = PROTO_HAS(PROTO_TLV_PEER),
			      .peer = rig_paddr(ip, port)};

	return rig_ask(&m, fd, NULL);
}

static inline int rig_abort(int fd)
{
	struct proto_msg m = {.op = PROTO_ABORT};

	return rig_ask(&m, fd, NULL);
}

static inline int rig_set(int fd, int level, int option, const void *v,
			  size_t n)
{
	struct proto_msg m = {.op = PROTO_SETOPT,
			      .has = PROTO_HAS(PROTO_TLV_LEVEL) |
				     PROTO_HAS(PROTO_TLV_OPTION) |
				     PROTO_HAS(PROTO_TLV_VALUE),
			      .level = (uint32_t)level,
			      .option = (uint32_t)option,
			      .nvalue = (uint16_t)n};

	memcpy(m.value, v, n);
	return rig_ask(&m, fd, NULL);
}

/* The octets of the value that came, or -errno. */
static inline int rig_get(int fd, int level, int option, void *v, size_t n)
{
	struct proto_msg m = {.op = PROTO_GETOPT,
			      .has = PROTO_HAS(PROTO_TLV_LEVEL) |
				     PROTO_HAS(PROTO_TLV_OPTION) |
				     PROTO_HAS(PROTO_TLV_LENGTH),
			      .level = (uint32_t)level,
			      .option = (uint32_t)option,
			      .length = (uint32_t)n};
	int err = rig_ask(&m, fd, NULL);

	if (err)
		return -err;
	memcpy(v, m.value, m.nvalue < n ? m.nvalue : n);
	return m.nvalue;
}

#endif /* TEST_UNIT_APP_RIG_H */
