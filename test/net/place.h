/* SPDX-License-Identifier: MIT */
/*
 * place.h - an address and a port of either family, for programs of the tests
 * that connect, bind or send to what their command line says.
 */
#ifndef TEST_NET_PLACE_H
#define TEST_NET_PLACE_H

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

struct place {
	union {
		struct sockaddr any;
		struct sockaddr_in in;
		struct sockaddr_in6 in6;
	};
	socklen_t len;
};

/* |ip| without brackets; ends the program when it is no address. */
static inline struct place place(const char *ip, unsigned port)
{
	struct place p = {.in.sin_family = AF_INET,
			  .len = sizeof(struct sockaddr_in)};

	if (inet_pton(AF_INET, ip, &p.in.sin_addr) != 1) {
		p.in6 = (struct sockaddr_in6){.sin6_family = AF_INET6};
		p.len = sizeof(p.in6);
		if (inet_pton(AF_INET6, ip, &p.in6.sin6_addr) != 1) {
			(void)fprintf(stderr, "%s: expected an address\n", ip);
			exit(2);
		}
	}
	p.in.sin_port = htons((uint16_t)port); /* at the same place in both */
	return p;
}

/* "10.77.0.2:80", "[fd77::2]:80" */
static inline struct place place_parse(const char *text)
{
	const char *colon = strrchr(text, ':');
	char ip[INET6_ADDRSTRLEN];
	size_t n = colon ? (size_t)(colon - text) : 0;
	bool bare = n < 2 || text[0] != '[' || text[n - 1] != ']';

	if (n == 0 || n >= sizeof(ip)) {
		(void)fprintf(stderr, "%s: expected ADDRESS:PORT\n", text);
		exit(2);
	}
	n -= bare ? 0 : 2;
	memcpy(ip, text + !bare, n);
	ip[n] = '\0';
	return place(ip, (unsigned)strtoul(colon + 1, NULL, 10));
}

static inline bool place_v6(const struct place *p)
{
	return p->any.sa_family == AF_INET6;
}

static inline int place_socket(const struct place *p, int flags)
{
	return socket(p->any.sa_family, SOCK_STREAM | flags, 0);
}

/* The last four octets of the address: what counts through many of them. */
static inline uint8_t *place_tail(struct place *p)
{
	return place_v6(p) ? p->in6.sin6_addr.s6_addr + 12
			   : (uint8_t *)&p->in.sin_addr;
}

static inline void place_add(struct place *p, uint32_t n)
{
	uint32_t v;

	memcpy(&v, place_tail(p), 4);
	v = htonl(ntohl(v) + n);
	memcpy(place_tail(p), &v, 4);
}

#endif /* TEST_NET_PLACE_H */
