/* SPDX-License-Identifier: MIT */
/*
 * bridge_info.c - whose a connection is and how much of it lies in the app's
 * fd, for `tcpctl ss` and the status page.
 *
 * The kernel counts what waits in a socket by its memory (SIOCOUTQ), not by
 * octets; octets are told only from the receiver's side.  So the app's ends
 * are asked for by sock_diag: one dump of all AF_UNIX sockets, which serves
 * all questions of the same turn of the loop.
 */
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <linux/unix_diag.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clamp.h"
#include "bridge.h"

void bridge_info_start(struct app *a)
{
	a->diag_fd =
		socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);
	if (a->diag_fd < 0)
		log_warn("app: no sock_diag (%s): Recv-Q will not count what "
			 "lies in an app's fd",
			 strerror(errno));
}

static int ask(const struct app *a)
{
	struct {
		struct nlmsghdr nlh;
		struct unix_diag_req req;
	} m = {
		.nlh = {.nlmsg_len = sizeof(m),
			.nlmsg_type = SOCK_DIAG_BY_FAMILY,
			.nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP},
		.req = {.sdiag_family = AF_UNIX,
			.udiag_states = UINT32_MAX,
			.udiag_show = UDIAG_SHOW_RQLEN},
	};

	return send(a->diag_fd, &m, sizeof(m), 0) < 0 ? -1 : 0;
}

static int take_queue(const struct nlattr *at, void *arg)
{
	const struct unix_diag_rqlen *q = mnl_attr_get_payload(at);
	struct bridge *b = arg;

	if (mnl_attr_get_type(at) == UNIX_DIAG_RQLEN &&
	    mnl_attr_get_payload_len(at) >= sizeof(*q)) {
		b->unread = q->udiag_rqueue;
		b->unread_turn = b->app->dump_turn;
	}
	return MNL_CB_OK;
}

/* One socket of the dump: is it an end that an app has? */
static void take_one(struct app *a, const struct nlmsghdr *nlh)
{
	const struct unix_diag_msg *m = mnl_nlmsg_get_payload(nlh);
	struct app_ended *e;
	struct bridge *b;
	uint64_t cookie;

	if (mnl_nlmsg_get_payload_len(nlh) < sizeof(*m))
		return;
	cookie = (uint64_t)m->udiag_cookie[1] << 32 | m->udiag_cookie[0];
	b = bridge_find(a, cookie);
	if (!b) {
		e = bridge_find_ended(a, cookie);
		if (e)
			e->seen = a->dump_turn;
		return;
	}
	mnl_attr_parse(nlh, sizeof(*m), take_queue, b);
}

/* False: the dump is over. */
static bool take_some(struct app *a)
{
	static union {
		struct nlmsghdr nlh;
		char buf[32768];
	} u;
	const struct nlmsghdr *h = &u.nlh;
	ssize_t n;
	int len;

	do
		n = recv(a->diag_fd, &u, sizeof(u), 0);
	while (n < 0 && errno == EINTR);
	for (len = (int)n; mnl_nlmsg_ok(h, len); h = mnl_nlmsg_next(h, &len)) {
		if (h->nlmsg_type == NLMSG_DONE || h->nlmsg_type == NLMSG_ERROR)
			return false;
		if (h->nlmsg_type == SOCK_DIAG_BY_FAMILY)
			take_one(a, h);
	}
	return n > 0;
}

void bridge_dump(struct app *a)
{
	if (a->dump_turn == a->turn + 1)
		return;
	a->dump_turn = a->turn + 1; /* never 0 */
	if (a->diag_fd < 0 || ask(a) < 0)
		return;
	while (take_some(a))
		;
}

/*
 * Octets that the app has not read.  As long as nothing was read at all the
 * greeting is among them, so nobody has accepted it; it is not data.
 */
static uint64_t unread(const struct bridge *b)
{
	if (b->unread_turn != b->app->dump_turn)
		return 0;
	if (b->greeted && b->unread && b->unread == b->written)
		return b->unread - 1;
	return b->unread;
}

void bridge_info(struct daemon *d, struct endpoint *e,
		 struct endpoint_info *info)
{
	struct bridge *b = (struct bridge *)e;

	bridge_dump(d->app);
	info->has_process = true;
	info->uid = b->owner->uid;
	info->pid = b->owner->pid;
	memcpy(info->comm, b->owner->comm, sizeof(info->comm));
	if (b->kind == BRIDGE_LISTENER)
		info->backlog = b->backlog;
	if (b->kind != BRIDGE_CONN)
		return;
	info->unread = unread(b);
	info->unsent = sub_sat(bridge_inq(b), b->lag);
}
