/* SPDX-License-Identifier: MIT */
/*
 * thread.h - the few threads beside the loop: writers that may block on a
 * file.  They take no signals and share no lock with the loop for longer than
 * a copy takes.
 */
#ifndef DAEMON_THREAD_H
#define DAEMON_THREAD_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <time.h>

/* CLOCK_MONOTONIC in ns. */
static inline uint64_t mono_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

/* 0 or an errno. */
int thread_start(pthread_t *t, void *(*fn)(void *), void *arg);

/* Wait for its end, at most until |deadline| (mono_now()); false: it is still
 * at it and goes with the process. */
bool thread_join(pthread_t t, uint64_t deadline);

#endif /* DAEMON_THREAD_H */
