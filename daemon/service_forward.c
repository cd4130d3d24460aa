/* SPDX-License-Identifier: MIT */
/*
 * service_forward.c - each connection goes on to a server of the host, over
 * TCP or a Unix socket, with a PROXY protocol head in front when asked for.
 * A target that does not answer is RST for the client, as if nobody listened.
 */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "pump.h"
#include "service.h"
#include "wire/pretty.h"

union target {
	struct sockaddr any;
	struct sockaddr_in in;
	struct sockaddr_in6 in6;
	struct sockaddr_un un;
};

/* |to| as an address of the kernel's; false: it is none. */
static bool target_of(const char *to, union target *t, socklen_t *len)
{
	struct tcpd_addr a;

	memset(t, 0, sizeof(*t));
	if (strncmp(to, "unix:", 5) == 0) {
		size_t n = strlen(to + 5);

		if (n == 0 || n >= sizeof(t->un.sun_path))
			return false;
		t->un.sun_family = AF_UNIX;
		memcpy(t->un.sun_path, to + 5, n + 1);
		*len = sizeof(t->un);
		return true;
	}
	if (strncmp(to, "tcp:", 4) != 0 || !pretty_parse_addr(&a, to + 4) ||
	    a.family == 0 || a.port == 0)
		return false;
	if (a.family == 4) {
		t->in.sin_family = AF_INET;
		t->in.sin_port = htons(a.port);
		memcpy(&t->in.sin_addr, a.ip + 12, 4);
		*len = sizeof(t->in);
	} else {
		t->in6.sin6_family = AF_INET6;
		t->in6.sin6_port = htons(a.port);
		memcpy(&t->in6.sin6_addr, a.ip, 16);
		*len = sizeof(t->in6);
	}
	return true;
}

static int check(struct daemon *d, struct service *s, char *err, size_t nerr)
{
	union target t;
	socklen_t len;

	(void)d;
	if (target_of(s->conf.to, &t, &len))
		return 0;
	(void)snprintf(err, nerr,
		       "service %s: to = \"%s\", expected "
		       "\"tcp:127.0.0.1:PORT\" or \"unix:PATH\"",
		       s->conf.name, s->conf.to);
	return -1;
}

static size_t proxy_head(struct daemon *d, const struct service *s,
			 tcpd_handle h, uint8_t head[PROXY_V2_MAX])
{
	struct tcpd_status st;

	if (!s->conf.proxy_v2 || tcpd_status(d->st, h, &st, d->now) < 0)
		return 0;
	return proxy_v2_write(head, &st.peer, &st.local);
}

static void accept_one(struct daemon *d, struct service *s, tcpd_handle h)
{
	uint8_t head[PROXY_V2_MAX];
	const int on = 1;
	struct pump_socket sock = {.head = head};
	union target t;
	socklen_t len = 0;
	int fd = -1;

	if (target_of(s->conf.to, &t, &len))
		fd = socket(t.any.sa_family,
			    SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd >= 0 && connect(fd, &t.any, len) < 0) {
		sock.connecting = errno == EINPROGRESS;
		if (!sock.connecting) {
			int e = errno;

			close(fd);
			fd = -1;
			errno = e;
		}
	}
	if (fd < 0) {
		log_seldom(&d->services->log_limit, CONF_LOG_WARN,
			   "service %s: %s: %s", s->conf.name, s->conf.to,
			   strerror(errno));
		(void)tcpd_abort(d->st, h, d->now);
		return;
	}
	/* the client's own writes say what belongs together, not our pieces */
	if (t.any.sa_family != AF_UNIX)
		(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	sock.fd = fd;
	sock.nhead = proxy_head(d, s, h, head);
	(void)pump_start(d, s, h, &sock);
}

const struct service_kind service_forward = {"forward", check, accept_one,
					     NULL};
