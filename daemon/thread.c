/* SPDX-License-Identifier: MIT */
/* thread.c - start a thread that takes no signals, and wait for one. */
#include <signal.h>

#include "daemon/thread.h"

int thread_start(pthread_t *t, void *(*fn)(void *), void *arg)
{
	sigset_t all, old;
	int rc;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	rc = pthread_create(t, NULL, fn, arg);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	return rc;
}

bool thread_join(pthread_t t, uint64_t deadline)
{
	struct timespec ts = {
		.tv_sec = (time_t)(deadline / 1000000000u),
		.tv_nsec = (long)(deadline % 1000000000u),
	};

	if (pthread_clockjoin_np(t, NULL, CLOCK_MONOTONIC, &ts) == 0)
		return true;
	pthread_detach(t);
	return false;
}
