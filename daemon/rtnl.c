/* SPDX-License-Identifier: MIT */
/*
 * rtnl.c - rtnetlink requests by libmnl: one question, its answer, no state.
 * What the kernel says is parsed by libmnl's bounds; attributes that are too
 * short are passed over.
 */
#include <errno.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>

#include "daemon/rtnl.h"

#define BUF 8192

int rtnl_open(struct rtnl *r)
{
	struct timeval patience = {.tv_sec = 2};

	*r = (struct rtnl){0};
	r->nl = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC);
	if (!r->nl)
		return errno;
	if (mnl_socket_bind(r->nl, 0, MNL_SOCKET_AUTOPID) ||
	    setsockopt(mnl_socket_get_fd(r->nl), SOL_SOCKET, SO_RCVTIMEO,
		       &patience, sizeof(patience))) {
		int rc = errno;

		rtnl_close(r);
		return rc;
	}
	return 0;
}

void rtnl_close(struct rtnl *r)
{
	if (r->nl)
		mnl_socket_close(r->nl);
	r->nl = NULL;
}

static int ask(struct rtnl *r, struct nlmsghdr *nlh, mnl_cb_t cb, void *arg)
{
	unsigned port = mnl_socket_get_portid(r->nl);
	_Alignas(8) char buf[BUF];
	ssize_t n;
	int rc;

	nlh->nlmsg_seq = ++r->seq;
	if (mnl_socket_sendto(r->nl, nlh, nlh->nlmsg_len) < 0)
		return errno;
	do {
		n = mnl_socket_recvfrom(r->nl, buf, sizeof(buf));
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return errno;
		/* The late answer to an earlier question that timed out. */
		if ((size_t)n >= sizeof(*nlh) &&
		    ((struct nlmsghdr *)(void *)buf)->nlmsg_seq != r->seq)
			continue;
		rc = mnl_cb_run(buf, (size_t)n, r->seq, port, cb, arg);
		if (rc < 0)
			return errno;
		if (rc == MNL_CB_STOP)
			return 0;
	} while (1);
}

static int u32_of(const struct nlattr *a, uint32_t *v)
{
	if (mnl_attr_validate(a, MNL_TYPE_U32) < 0)
		return -1;
	*v = mnl_attr_get_u32(a);
	return 0;
}

static int take_mtu(const struct nlattr *a, void *arg)
{
	if (mnl_attr_get_type(a) == IFLA_MTU)
		u32_of(a, arg);
	return MNL_CB_OK;
}

void rtnl_read_link(const struct nlmsghdr *nlh, struct rtnl_link *l)
{
	const struct ifinfomsg *ifi;

	*l = (struct rtnl_link){0};
	if (mnl_nlmsg_get_payload_len(nlh) < sizeof(*ifi))
		return;
	ifi = mnl_nlmsg_get_payload(nlh);
	l->index = ifi->ifi_index;
	l->up = ifi->ifi_flags & IFF_UP;
	mnl_attr_parse(nlh, sizeof(*ifi), take_mtu, &l->mtu);
}

static int take_link(const struct nlmsghdr *nlh, void *arg)
{
	if (nlh->nlmsg_type == RTM_NEWLINK)
		rtnl_read_link(nlh, arg);
	return MNL_CB_OK;
}

static struct nlmsghdr *message(char *buf, uint16_t type, uint16_t flags)
{
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);

	nlh->nlmsg_type = type;
	nlh->nlmsg_flags = (uint16_t)(NLM_F_REQUEST | NLM_F_ACK | flags);
	return nlh;
}

int rtnl_get_link(struct rtnl *r, const char *name, struct rtnl_link *l)
{
	_Alignas(8) char buf[BUF];
	struct nlmsghdr *nlh = message(buf, RTM_GETLINK, 0);

	*l = (struct rtnl_link){0};
	mnl_nlmsg_put_extra_header(nlh, sizeof(struct ifinfomsg));
	mnl_attr_put_strz(nlh, IFLA_IFNAME, name);
	return ask(r, nlh, take_link, l);
}

int rtnl_set_link(struct rtnl *r, int index, uint32_t mtu, uint32_t txqueuelen)
{
	_Alignas(8) char buf[BUF];
	struct nlmsghdr *nlh = message(buf, RTM_NEWLINK, 0);
	struct ifinfomsg *ifi = mnl_nlmsg_put_extra_header(nlh, sizeof(*ifi));

	ifi->ifi_index = index;
	ifi->ifi_flags = IFF_UP;
	ifi->ifi_change = IFF_UP;
	mnl_attr_put_u32(nlh, IFLA_MTU, mtu);
	mnl_attr_put_u32(nlh, IFLA_TXQLEN, txqueuelen);
	return ask(r, nlh, NULL, NULL);
}

/* The family's own octets of an address, and how many. */
static const uint8_t *octets(const struct tcpd_prefix *p, size_t *len)
{
	*len = p->family == 4 ? 4 : 16;
	return p->family == 4 ? p->ip + 12 : p->ip;
}

static uint8_t af(const struct tcpd_prefix *p)
{
	return p->family == 4 ? AF_INET : AF_INET6;
}

int rtnl_add_address(struct rtnl *r, int index, const struct tcpd_prefix *p)
{
	_Alignas(8) char buf[BUF];
	struct nlmsghdr *nlh =
		message(buf, RTM_NEWADDR, NLM_F_CREATE | NLM_F_REPLACE);
	struct ifaddrmsg *ifa = mnl_nlmsg_put_extra_header(nlh, sizeof(*ifa));
	size_t len;
	const uint8_t *ip = octets(p, &len);

	ifa->ifa_family = af(p);
	ifa->ifa_prefixlen = p->len;
	ifa->ifa_index = (unsigned)index;
	ifa->ifa_scope = RT_SCOPE_UNIVERSE;
	/* Nobody else can have it: usable at once (RFC 4862, 5.4 says no
	 * duplicate detection is due where there is no link layer). */
	ifa->ifa_flags = p->family == 6 ? IFA_F_NODAD : 0;
	mnl_attr_put(nlh, IFA_LOCAL, len, ip);
	mnl_attr_put(nlh, IFA_ADDRESS, len, ip);
	return ask(r, nlh, NULL, NULL);
}

int rtnl_add_route(struct rtnl *r, int index, const struct tcpd_prefix *p)
{
	_Alignas(8) char buf[BUF];
	struct nlmsghdr *nlh =
		message(buf, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL);
	struct rtmsg *rtm = mnl_nlmsg_put_extra_header(nlh, sizeof(*rtm));
	size_t len;
	const uint8_t *ip = octets(p, &len);

	rtm->rtm_family = af(p);
	rtm->rtm_dst_len = p->len;
	rtm->rtm_table = RT_TABLE_MAIN;
	rtm->rtm_protocol = RTPROT_STATIC;
	rtm->rtm_scope = p->family == 4 ? RT_SCOPE_LINK : RT_SCOPE_UNIVERSE;
	rtm->rtm_type = RTN_UNICAST;
	mnl_attr_put(nlh, RTA_DST, len, ip);
	mnl_attr_put_u32(nlh, RTA_OIF, (uint32_t)index);
	return ask(r, nlh, NULL, NULL);
}

static int take_oif(const struct nlattr *a, void *arg)
{
	if (mnl_attr_get_type(a) == RTA_OIF)
		u32_of(a, arg);
	return MNL_CB_OK;
}

static int take_route(const struct nlmsghdr *nlh, void *arg)
{
	if (nlh->nlmsg_type == RTM_NEWROUTE &&
	    mnl_nlmsg_get_payload_len(nlh) >= sizeof(struct rtmsg))
		mnl_attr_parse(nlh, sizeof(struct rtmsg), take_oif, arg);
	return MNL_CB_OK;
}

int rtnl_route_index(struct rtnl *r, const struct tcpd_prefix *p)
{
	_Alignas(8) char buf[BUF];
	struct nlmsghdr *nlh = message(buf, RTM_GETROUTE, 0);
	struct rtmsg *rtm = mnl_nlmsg_put_extra_header(nlh, sizeof(*rtm));
	size_t len;
	const uint8_t *ip = octets(p, &len);
	uint32_t index = 0;

	rtm->rtm_family = af(p);
	rtm->rtm_dst_len = (unsigned char)(len * 8);
	mnl_attr_put(nlh, RTA_DST, len, ip);
	return ask(r, nlh, take_route, &index) ? 0 : (int)index;
}

struct wanted_addr {
	int index;
	const struct tcpd_prefix *p;
	const void *local, *address; /* of the message that is looked at */
	bool found;
};

static int take_local(const struct nlattr *a, void *arg)
{
	struct wanted_addr *want = arg;
	size_t len;

	octets(want->p, &len);
	if (mnl_attr_get_payload_len(a) != len)
		return MNL_CB_OK;
	if (mnl_attr_get_type(a) == IFA_LOCAL)
		want->local = mnl_attr_get_payload(a);
	else if (mnl_attr_get_type(a) == IFA_ADDRESS)
		want->address = mnl_attr_get_payload(a);
	return MNL_CB_OK;
}

static int take_addr(const struct nlmsghdr *nlh, void *arg)
{
	struct wanted_addr *want = arg;
	const struct ifaddrmsg *ifa;
	size_t len;
	const uint8_t *ip = octets(want->p, &len);

	if (nlh->nlmsg_type != RTM_NEWADDR ||
	    mnl_nlmsg_get_payload_len(nlh) < sizeof(*ifa))
		return MNL_CB_OK;
	ifa = mnl_nlmsg_get_payload(nlh);
	want->local = want->address = NULL;
	mnl_attr_parse(nlh, sizeof(*ifa), take_local, want);
	/* IPv6 has IFA_ADDRESS alone, where there is no peer. */
	if (!want->local)
		want->local = want->address;
	if (want->local && (int)ifa->ifa_index == want->index &&
	    ifa->ifa_family == af(want->p) &&
	    ifa->ifa_prefixlen == want->p->len &&
	    memcmp(want->local, ip, len) == 0)
		want->found = true;
	return MNL_CB_OK;
}

bool rtnl_has_address(struct rtnl *r, int index, const struct tcpd_prefix *p)
{
	struct wanted_addr want = {.index = index, .p = p};
	_Alignas(8) char buf[BUF];
	struct nlmsghdr *nlh = message(buf, RTM_GETADDR, NLM_F_DUMP);
	struct ifaddrmsg *ifa = mnl_nlmsg_put_extra_header(nlh, sizeof(*ifa));

	ifa->ifa_family = af(p);
	return ask(r, nlh, take_addr, &want) == 0 && want.found;
}
