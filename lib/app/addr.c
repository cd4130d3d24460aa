/* SPDX-License-Identifier: MIT */
/*
 * addr.c - the addresses of programs (struct sockaddr) to the protocol's and
 * back, and what the names of an fd say.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stddef.h>
#include <string.h>
#include <sys/un.h>

#include "app/app.h"

static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
static const uint8_t zero[16];

static void from_v4(struct proto_addr *a, const void *four)
{
	a->family = 4;
	memset(a->ip, 0, sizeof(a->ip));
	/* 0.0.0.0 is any address, which is all zero here. */
	if (memcmp(four, zero, 4) != 0) {
		memcpy(a->ip, mapped, sizeof(mapped));
		memcpy(a->ip + 12, four, 4);
	}
}

int app_addr_in(struct proto_addr *a, const struct sockaddr *sa, socklen_t len,
		uint8_t domain)
{
	struct sockaddr_in in;
	struct sockaddr_in6 in6;

	memset(a, 0, sizeof(*a));
	if (!sa || len < sizeof(sa->sa_family)) {
		errno = EINVAL;
		return -1;
	}
	if (sa->sa_family != (domain == 4 ? AF_INET : AF_INET6)) {
		errno = EAFNOSUPPORT;
		return -1;
	}
	if (len < (domain == 4 ? sizeof(in) : sizeof(in6))) {
		errno = EINVAL;
		return -1;
	}
	if (domain == 4) {
		memcpy(&in, sa, sizeof(in));
		from_v4(a, &in.sin_addr);
		a->port = ntohs(in.sin_port);
		return 0;
	}
	memcpy(&in6, sa, sizeof(in6));
	a->port = ntohs(in6.sin6_port);
	if (memcmp(&in6.sin6_addr, mapped, sizeof(mapped)) == 0) {
		from_v4(a, in6.sin6_addr.s6_addr + 12);
		return 0;
	}
	a->family = 6;
	memcpy(a->ip, &in6.sin6_addr, 16);
	return 0;
}

void app_addr_out(const struct proto_addr *a, uint8_t domain,
		  struct sockaddr *sa, socklen_t *len)
{
	union {
		struct sockaddr_in in;
		struct sockaddr_in6 in6;
	} u;
	socklen_t n;

	memset(&u, 0, sizeof(u));
	if (domain == 4) {
		n = sizeof(u.in);
		u.in.sin_family = AF_INET;
		u.in.sin_port = htons(a->port);
		memcpy(&u.in.sin_addr, a->ip + 12, 4);
	} else {
		n = sizeof(u.in6);
		u.in6.sin6_family = AF_INET6;
		u.in6.sin6_port = htons(a->port);
		memcpy(&u.in6.sin6_addr, a->ip, 16);
		if (a->family == 4)
			memcpy(&u.in6.sin6_addr, mapped, sizeof(mapped));
	}
	memcpy(sa, &u, *len < n ? *len : n);
	*len = n;
}

typedef int name_call(int fd, struct sockaddr *sa, socklen_t *len);

/* 1: one of ours, 0: not, -1 and errno: not even a socket. */
static int ask(name_call *call, int fd, struct name *n)
{
	struct sockaddr_un sun = {0};
	socklen_t len = sizeof(sun);
	const size_t head = offsetof(struct sockaddr_un, sun_path);

	if (call(fd, (struct sockaddr *)&sun, &len) < 0)
		return errno == EBADF ? -1 : 0;
	if (sun.sun_family != AF_UNIX || len <= head || len > sizeof(sun) ||
	    sun.sun_path[0] != '\0')
		return 0;
	return name_parse(n, sun.sun_path + 1, len - head - 1);
}

static int own_name(int fd, struct sockaddr *sa, socklen_t *len)
{
	return getsockname(fd, sa, len);
}

static int peer_name(int fd, struct sockaddr *sa, socklen_t *len)
{
	return getpeername(fd, sa, len);
}

int app_name(int fd, struct name *n)
{
	int r = ask(own_name, fd, n);

	if (r == 0)
		r = ask(peer_name, fd, n);
	if (r == 0)
		errno = ENOTSOCK;
	return r > 0 ? 0 : -1;
}
