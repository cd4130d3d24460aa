/* SPDX-License-Identifier: MIT */
/*
 * world.h - backend lib: a stack of the adapter's own, and a clock that moves
 * only when packetdrill lets it.
 *
 * Every call of the interface takes the world's lock.  What a call sets going
 * is played out at once (world_turn): events, calls that block, packets out,
 * which wait in a queue with the time at which they left.  A call that blocks
 * sleeps in its own thread; it is finished by whoever moves the world, at that
 * moment, and its thread's next gettimeofday() tells that moment.
 */
#ifndef PACKETDRILL_WORLD_H
#define PACKETDRILL_WORLD_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include "flags.h"
#include "tcpd.h"

#define WORLD_FDS 1024

/* A packet that has left the stack. */
struct frame {
	struct frame *next;
	tcpd_time at;
	size_t len;
	uint8_t octets[];
};

/* Sysctls of Linux that belong to the socket layer, not to the stack. */
struct sysctls {
	uint32_t wmem; /* tcp_wmem[1] */
	uint32_t notsent_lowat;
	struct {
		char path[64], value[64];
	} proc[8];	  /* settings in /proc as they were last seen */
	uint64_t seen;	  /* octets of the file of settings read so far */
	char path[64];	  /* ... which the stand-in for sysctl(8) writes */
	char restore[64]; /* what scripts that write /proc leave behind */
};

struct sock;
struct epoll;

struct world {
	pthread_mutex_t lock;
	pthread_cond_t done;
	pthread_t first; /* the thread that made the world: moves the time */
	struct flags flags;
	struct tcpd_settings set;
	struct tcpd_stack *st;
	tcpd_time now;
	struct frame *frame, **last_frame;
	struct op *ops;
	unsigned returning; /* threads whose call is done, and who have not
			       asked for the time since */
	struct sock *sock[WORLD_FDS]; /* by the number of their fd */
	struct epoll *epoll[WORLD_FDS];
	struct sysctls sysctl;
};

/* A call: it is tried until it gives something else than -EAGAIN. */
struct op {
	struct op *next;
	long (*attempt)(struct world *w, struct op *op);
	struct sock *sock;
	tcpd_time deadline; /* TCPD_NEVER; then 0 is its result */
	long result;
	tcpd_time at; /* when it was done */
	bool done;
	bool waits;   /* was tried before, in vain */
	bool foreign; /* of another thread than the world's first */
	/* arguments */
	void *p;
	size_t n, taken;
	int flags;
};

/* NULL, or what is wrong. */
const char *world_start(struct world *w);
void world_end(struct world *w);

void world_enter(struct world *w);
/* Play out, let go of the lock; |r| below 0 becomes errno and -1. */
long world_leave(struct world *w, long r);

/* Do |op|; block if it must and |block| is set.  The lock is held. */
long world_do(struct world *w, struct op *op, bool block);

void world_turn(struct world *w);
/* Packets out into the queue: true when there was one. */
bool world_send(struct world *w);
/* Until |t|, with everything that is due on the way. */
void world_until(struct world *w, tcpd_time t);
/* To the next thing that is due: false when nothing is before |limit|. */
bool world_step(struct world *w, tcpd_time limit);

/* The threads whose calls are done get on with it before the first one does:
 * what it does next may need what they have brought. */
void world_yield(struct world *w);

/* The time of the calling thread: that of its last call that blocked, once,
 * else the world's, which goes on by a microsecond with every look. */
tcpd_time world_clock(struct world *w);

/* Settings that scripts have changed since the last call. */
void sysctl_start(struct world *w);
void sysctl_look(struct world *w);
void sysctl_end(struct world *w);

#endif /* PACKETDRILL_WORLD_H */
