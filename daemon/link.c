/* SPDX-License-Identifier: MIT */
/*
 * link.c - the interface around the TUN device.
 *
 * Set where tcpd has the right to (before it drops it): MTU, queue length, up,
 * addresses of the host's side, routes to the stack's addresses that those do
 * not cover.  Watched always: a link that is down gives no poll event, and
 * addresses and routes go with a deleted device.  Without the right, one line
 * says which commands to run.  With host-addresses = {} the interface is
 * somebody else's: nothing is set, its MTU is taken as it is.
 */
#include <errno.h>
#include <linux/rtnetlink.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "daemon/link.h"
#include "daemon/rtnl.h"
#include "daemon/tun.h"
#include "wire/pretty.h"

#define MTU_IP6 1280 /* RFC 8200, 5 */
#define SETTLE	0.2  /* s of silence before the addresses are looked at */

struct link {
	struct rtnl ask;
	struct mnl_socket *news;
	ev_io io;
	ev_timer settle;
	struct rtnl_link now;
	bool ip6;
	bool missing_told;
};

static const char *why_no_ip6(const struct daemon *d)
{
	char path[128], c = '1';
	FILE *f;

	if (d->conf->mtu < MTU_IP6)
		return "the MTU is below 1280";
	(void)snprintf(path, sizeof(path),
		       "/proc/sys/net/ipv6/conf/%s/disable_ipv6", tun_name(d));
	f = fopen(path, "re");
	if (f) {
		if (fread(&c, 1, 1, f) != 1)
			c = '1';
		(void)fclose(f);
	}
	return c == '0' ? NULL : "IPv6 is switched off there";
}

/* Does the prefix |p| hold the address of |a|? */
static bool covers(const struct tcpd_prefix *p, const struct tcpd_prefix *a)
{
	unsigned first = p->family == 4 ? 12 : 0;
	unsigned whole = p->len / 8, rest = p->len % 8;

	if (p->family != a->family || a->len < (a->local ? p->len : 0) ||
	    memcmp(p->ip + first, a->ip + first, whole) != 0)
		return false;
	return rest == 0 || ((p->ip[first + whole] ^ a->ip[first + whole]) >>
			     (8 - rest)) == 0;
}

/* What a route has to lead to: one address, or the whole prefix of a gateway,
 * with the bits behind it zero, as the kernel wants them. */
static struct tcpd_prefix target(const struct tcpd_prefix *a)
{
	struct tcpd_prefix t = *a;
	unsigned first = a->family == 4 ? 12 : 0;

	t.len = a->family == 4 ? 32 : 128;
	if (!a->local)
		return t;
	t.len = a->len;
	for (unsigned i = a->len; i < 8 * (16 - first); i++)
		t.ip[first + i / 8] &= (uint8_t) ~(0x80u >> i % 8);
	return t;
}

static bool needs_route(const struct daemon *d, const struct tcpd_prefix *a)
{
	const struct conf *c = d->conf;

	for (size_t i = 0; i < c->nhost_addresses; i++)
		if (covers(&c->host_addresses[i].p, a))
			return false;
	return true;
}

static bool counts(const struct daemon *d, const struct tcpd_prefix *p)
{
	return p->family == 4 || d->link->ip6;
}

__attribute__((format(printf, 3, 4))) static void more(char *buf, size_t len,
						       const char *fmt, ...)
{
	size_t n = strlen(buf);
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(buf + n, len - n, fmt, ap);
	va_end(ap);
}

char *link_commands(const struct daemon *d, char *buf, size_t len)
{
	const struct conf *c = d->conf;
	const char *name = tun_name(d);
	char ip[PRETTY_ADDR_MAX];

	buf[0] = '\0';
	more(buf, len, "ip link set %s mtu %u txqueuelen %u up", name,
	     (unsigned)c->mtu, (unsigned)c->txqueuelen);
	for (size_t i = 0; i < c->nhost_addresses; i++) {
		const struct tcpd_prefix *p = &c->host_addresses[i].p;

		if (counts(d, p))
			more(buf, len, "; ip addr replace %s/%u dev %s",
			     pretty_ip(ip, p->ip), p->len, name);
	}
	for (size_t i = 0; i < c->naddresses; i++) {
		struct tcpd_prefix t = target(&c->addresses[i].p);

		if (counts(d, &t) && needs_route(d, &c->addresses[i].p))
			more(buf, len, "; ip route replace %s/%u dev %s",
			     pretty_ip(ip, t.ip), t.len, name);
	}
	return buf;
}

bool link_complete(struct daemon *d)
{
	struct link *l = d->link;
	const struct conf *c = d->conf;

	if (!l->now.up || l->now.mtu != c->mtu)
		return false;
	for (size_t i = 0; i < c->nhost_addresses; i++)
		if (counts(d, &c->host_addresses[i].p) &&
		    !rtnl_has_address(&l->ask, l->now.index,
				      &c->host_addresses[i].p))
			return false;
	for (size_t i = 0; i < c->naddresses; i++) {
		struct tcpd_prefix t = target(&c->addresses[i].p);

		if (counts(d, &t) && needs_route(d, &c->addresses[i].p) &&
		    rtnl_route_index(&l->ask, &t) != l->now.index)
			return false;
	}
	return true;
}

static int failed(int rc, const char *what, const struct conf_prefix *p,
		  char *err, size_t nerr)
{
	if (p)
		(void)snprintf(err, nerr, "%s %s: %s", what, p->text,
			       strerror(rc));
	else
		(void)snprintf(err, nerr, "%s: %s", what, strerror(rc));
	return rc;
}

static int set_routes(struct daemon *d, char *err, size_t nerr)
{
	struct link *l = d->link;
	const struct conf *c = d->conf;

	for (size_t i = 0; i < c->naddresses; i++) {
		struct tcpd_prefix t = target(&c->addresses[i].p);
		int rc;

		if (!counts(d, &t) || !needs_route(d, &c->addresses[i].p))
			continue;
		rc = rtnl_add_route(&l->ask, l->now.index, &t);
		/* There already: good, when it is ours. */
		if (rc == EEXIST &&
		    rtnl_route_index(&l->ask, &t) == l->now.index)
			rc = 0;
		if (rc)
			return failed(rc, "cannot add a route to",
				      &c->addresses[i], err, nerr);
	}
	return 0;
}

/* 0, or an errno and |err|; EPERM: no right. */
static int set_all(struct daemon *d, char *err, size_t nerr)
{
	struct link *l = d->link;
	const struct conf *c = d->conf;
	int rc = rtnl_set_link(&l->ask, l->now.index, c->mtu, c->txqueuelen);

	if (rc)
		return failed(rc, "cannot set MTU and queue length, and up",
			      NULL, err, nerr);
	for (size_t i = 0; i < c->nhost_addresses; i++) {
		if (!counts(d, &c->host_addresses[i].p))
			continue;
		rc = rtnl_add_address(&l->ask, l->now.index,
				      &c->host_addresses[i].p);
		if (rc)
			return failed(rc, "host-addresses: cannot set",
				      &c->host_addresses[i], err, nerr);
	}
	return set_routes(d, err, nerr);
}

static void learn(struct daemon *d, const struct rtnl_link *now)
{
	struct link *l = d->link;
	bool was_up = l->now.up;
	uint32_t was = l->now.mtu;

	l->now = *now;
	tun_link(d, now->up, now->mtu);
	if (!d->st)
		return;
	if (now->up != was_up)
		log_info("link: %s is %s", tun_name(d),
			 now->up ? "up" : "down");
	if (now->mtu != was && now->mtu >= 68) {
		log_info("link: MTU of %s is %u", tun_name(d),
			 (unsigned)now->mtu);
		d->settings->mtu = (uint16_t)link_mtu(d);
		tcpd_reconfigure(d->st, d->settings, daemon_now(d));
	}
	daemon_kick(d);
}

static int look(struct daemon *d)
{
	struct rtnl_link now;
	int rc = rtnl_get_link(&d->link->ask, tun_name(d), &now);

	if (!rc && now.index == 0)
		rc = ENODEV;
	if (!rc)
		learn(d, &now);
	return rc;
}

int link_apply(struct daemon *d)
{
	struct link *l = d->link;
	char cmds[LINK_COMMANDS_MAX], err[160];
	int rc;

	if (d->conf->nhost_addresses == 0 || look(d))
		return 0;
	rc = set_all(d, err, sizeof(err));
	if (rc == 0) {
		look(d);
		l->missing_told = false;
		return 0;
	}
	if (link_complete(d)) {
		l->missing_told = false;
		return rc;
	}
	if (l->missing_told)
		return rc;
	l->missing_told = true;
	log_warn("link: %s: %s; run: %s", tun_name(d), err,
		 link_commands(d, cmds, sizeof(cmds)));
	return rc;
}

int link_attach(struct daemon *d)
{
	d->link->missing_told = false;
	look(d);
	return link_apply(d);
}

/* Before anything is set: may IPv6 be, and is any asked for? */
static void judge_ip6(struct daemon *d)
{
	const struct conf *c = d->conf;
	const char *why = c->nhost_addresses ? why_no_ip6(d) : NULL;
	char list[400] = "";

	d->link->ip6 = !why;
	if (!why)
		return;
	for (size_t i = 0; i < c->naddresses; i++)
		if (c->addresses[i].p.family == 6)
			more(list, sizeof(list), " %s", c->addresses[i].text);
	for (size_t i = 0; i < c->nhost_addresses; i++)
		if (c->host_addresses[i].p.family == 6)
			more(list, sizeof(list), " %s",
			     c->host_addresses[i].text);
	if (list[0])
		log_warn("link: %s takes no IPv6 (%s); left out:%s",
			 tun_name(d), why, list);
}

static void open_news(struct link *l)
{
	l->news = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (!l->news)
		return;
	if (mnl_socket_bind(l->news,
			    RTMGRP_LINK | RTMGRP_IPV4_IFADDR |
				    RTMGRP_IPV6_IFADDR,
			    MNL_SOCKET_AUTOPID) == 0)
		return;
	mnl_socket_close(l->news);
	l->news = NULL;
}

int link_start(struct daemon *d, char *err, size_t nerr)
{
	struct link *l = calloc(1, sizeof(*l));
	char cmds[LINK_COMMANDS_MAX], why[160];
	int rc = l ? rtnl_open(&l->ask) : ENOMEM;

	if (rc) {
		(void)snprintf(err, nerr, "link: cannot open netlink: %s",
			       strerror(rc));
		free(l);
		return -1;
	}
	d->link = l;
	/* Before the first look, so that nothing falls between. */
	open_news(l);
	judge_ip6(d);
	rc = look(d);
	if (rc) {
		(void)snprintf(err, nerr, "link: interface %s: %s", tun_name(d),
			       strerror(rc));
		return -1;
	}
	if (d->conf->nhost_addresses == 0) {
		if (l->now.mtu != d->conf->mtu)
			log_warn("link: MTU of %s is %u, not %u; taken as it "
				 "is, since host-addresses = {}",
				 tun_name(d), (unsigned)l->now.mtu,
				 (unsigned)d->conf->mtu);
		return 0;
	}
	rc = set_all(d, why, sizeof(why));
	if (rc && rc != EPERM) {
		(void)snprintf(err, nerr, "link: %s: %s", tun_name(d), why);
		return -1;
	}
	if (rc && !link_complete(d)) {
		l->missing_told = true;
		log_warn("link: no right to set up %s; have root run: %s",
			 tun_name(d), link_commands(d, cmds, sizeof(cmds)));
	}
	look(d);
	return 0;
}

static int take_news(const struct nlmsghdr *nlh, void *arg)
{
	struct daemon *d = arg;
	struct link *l = d->link;
	const struct ifaddrmsg *ifa;
	struct rtnl_link now;

	switch (nlh->nlmsg_type) {
	case RTM_NEWLINK:
		rtnl_read_link(nlh, &now);
		if (now.index != l->now.index)
			break;
		if (now.up != l->now.up)
			ev_timer_again(d->loop, &l->settle);
		learn(d, &now);
		break;
	case RTM_DELADDR:
		if (mnl_nlmsg_get_payload_len(nlh) < sizeof(*ifa))
			break;
		ifa = mnl_nlmsg_get_payload(nlh);
		if ((int)ifa->ifa_index == l->now.index)
			ev_timer_again(d->loop, &l->settle);
		break;
	default:
		break;
	}
	return MNL_CB_OK;
}

static void on_news(EV_P_ ev_io *w, int revents)
{
	struct daemon *d = w->data;
	struct link *l = d->link;
	_Alignas(8) char buf[16384];
	ssize_t n;

	(void)revents;
	for (int i = 0; i < 32; i++) {
		n = mnl_socket_recvfrom(l->news, buf, sizeof(buf));
		if (n > 0) {
			mnl_cb_run(buf, (size_t)n, 0, 0, take_news, d);
			continue;
		}
		/* News were lost: ask how things stand. */
		if (n < 0 && (errno == ENOBUFS || errno == ENOSPC)) {
			ev_timer_again(EV_A_ & l->settle);
			look(d);
			continue;
		}
		return;
	}
}

/* After a fault: what got lost with it is set again, or said. */
static void on_settled(EV_P_ ev_timer *w, int revents)
{
	struct daemon *d = w->data;

	(void)revents;
	ev_timer_stop(EV_A_ w);
	/* Down is somebody's will; IPv6 addresses come back when it is up. */
	if (look(d) == 0 && d->link->now.up && d->conf->nhost_addresses &&
	    !link_complete(d))
		link_apply(d);
}

void link_watch(struct daemon *d)
{
	struct link *l = d->link;
	char buf[16384];

	if (!l->news) {
		log_warn("link: the state of %s is not watched: no netlink "
			 "socket for news",
			 tun_name(d));
		return;
	}
	/* News of what we did ourselves are old by now: look instead. */
	while (mnl_socket_recvfrom(l->news, buf, sizeof(buf)) > 0 ||
	       errno == ENOBUFS)
		;
	look(d);
	ev_io_init(&l->io, on_news, mnl_socket_get_fd(l->news), EV_READ);
	ev_init(&l->settle, on_settled);
	l->settle.repeat = SETTLE;
	l->io.data = l->settle.data = d;
	ev_io_start(d->loop, &l->io);
}

void link_stop(struct daemon *d)
{
	struct link *l = d->link;

	if (!l)
		return;
	if (l->io.data) {
		ev_io_stop(d->loop, &l->io);
		ev_timer_stop(d->loop, &l->settle);
	}
	if (l->news)
		mnl_socket_close(l->news);
	rtnl_close(&l->ask);
	free(l);
	d->link = NULL;
}

uint32_t link_mtu(const struct daemon *d)
{
	uint32_t mtu = d->link->now.mtu;

	return mtu > 65535 ? 65535 : mtu < 68 ? 68 : mtu;
}

bool link_ip6(const struct daemon *d)
{
	return d->link->ip6;
}
