/* SPDX-License-Identifier: MIT */
/*
 * sock.h - sockets of the world: a number that the kernel gave out (so that
 * packetdrill may close it), a handle of the stack, and what the socket layer
 * of Linux adds to it.
 */
#ifndef PACKETDRILL_SOCK_H
#define PACKETDRILL_SOCK_H

#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "world.h"

struct sock {
	int fd, domain;
	bool nonblock;
	bool listens, connects; /* neither: has a name at most */
	tcpd_handle h;		/* 0: no name yet */
	uint32_t ev;		/* enum tcpd_event_mask, all that came */
	int err;		/* errno for SO_ERROR and the next call */
	bool reuse, v6only;
	bool rd_shut, wr_shut;
	bool inq; /* TCP_INQ */
	/* options set before there is a handle */
	uint64_t early[TCPD_NOPTIONS];
	uint64_t early_mask;
	/* room for writing as Linux counts it (room.c) */
	uint32_t sndbuf; /* SO_SNDBUF as read back; 0: by sysctl */
	uint32_t lowat;	 /* TCP_NOTSENT_LOWAT; 0: by sysctl */
	uint32_t tail;	 /* octets of the chunk that is being filled */
	bool eor;	 /* ... which takes no more */
	bool starved;	 /* somebody looked for room and found none */
};

struct interest {
	int fd;
	struct epoll_event ev;
	bool ready; /* something has happened since it was told */
};

struct epoll {
	int fd;
	unsigned n;
	struct interest in[64];
};

/* By number: NULL when it is none of ours. */
struct sock *sock_of(struct world *w, int fd);
struct sock *sock_new(struct world *w, int domain);
/* The number stays open. */
void sock_forget(struct world *w, struct sock *s);

/* A handle for |s|, with the options set so far: 0 or -errno. */
int sock_name(struct world *w, struct sock *s, const struct tcpd_addr *a);
/* An option of the stack's, now or when there is a handle: 0 or -errno. */
int sock_set(struct world *w, struct sock *s, enum tcpd_option o,
	     uint64_t value);
int sock_get(struct world *w, struct sock *s, enum tcpd_option o,
	     uint64_t *value);

void sock_event(struct world *w, const struct tcpd_event *ev);
void sock_wake_writers(struct world *w);
/* What poll() would say of it. */
uint32_t sock_mask(struct world *w, struct sock *s);
/* The errno that waits, which is told once. */
int sock_error(struct sock *s);

/* Begin to connect; with |fast| by Fast Open, whose SYN may wait for text: 0 or
 * -errno. */
long sock_connect(struct world *w, struct sock *s, const struct tcpd_addr *peer,
		  bool fast);
/* Its SYN has not gone, or has no answer yet. */
bool sock_opening(struct world *w, const struct sock *s);

struct tcpd_status sock_status(struct world *w, const struct sock *s);

int errno_of(int64_t r); /* -TCPD_ERR_x to -errno; others as they are */
int addr_in(struct tcpd_addr *a, const struct sockaddr *sa, socklen_t len);
void addr_out(const struct sock *s, const struct tcpd_addr *a,
	      struct sockaddr *sa, socklen_t *len);

/* --- room.c */
/* Octets that a write may add now; 0: none.  |more|: to the same chunk. */
uint32_t room_now(struct world *w, struct sock *s);
void room_filled(struct world *w, struct sock *s, uint32_t n, bool eor);
/* Would a sleeping writer be woken? */
bool room_writable(struct world *w, struct sock *s);
uint32_t room_lowat(const struct world *w, const struct sock *s);

#endif /* PACKETDRILL_SOCK_H */
