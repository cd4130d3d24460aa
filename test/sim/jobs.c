/* SPDX-License-Identifier: MIT */
/*
 * jobs.c - seeds shared between processes: each plays every n-th one, says
 * what failed, and hands its sums back.  What comes out is the same for any
 * number of them.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sim.h"

static volatile uint64_t playing;

/* Only what a handler may do. */
static void killed(int sig)
{
	char text[64] = "# seed ", digits[24];
	size_t n = 7, k = 0;
	uint64_t v = playing;

	do {
		digits[k++] = (char)('0' + v % 10);
		v /= 10;
	} while (v);
	while (k)
		text[n++] = digits[--k];
	memcpy(text + n, " ends the program\n", 18);
	if (write(STDOUT_FILENO, text, n + 18) < 0)
		n = 0;
	(void)signal(sig, SIG_DFL);
	(void)raise(sig);
}

void jobs_playing(uint64_t seed)
{
	if (!playing)
		(void)signal(SIGABRT, killed);
	playing = seed;
}

static void add(struct tally *to, const struct tally *t)
{
	to->seeds += t->seeds;
	to->failed += t->failed;
	to->events += t->events;
	to->digest ^= t->digest;
	to->arrows |= t->arrows;
}

/* In a process of its own, whose sums come out of the returned descriptor. */
static int begin(uint64_t first, uint64_t n, unsigned step, jobs_part *part,
		 const void *arg, pid_t *pid)
{
	struct tally t = {0};
	int fd[2];

	(void)fflush(stdout);
	if (pipe(fd) || (*pid = fork()) < 0) {
		perror("sim");
		exit(2);
	}
	if (*pid) {
		close(fd[1]);
		return fd[0];
	}
	part(first, n, step, arg, &t);
	(void)fflush(stdout);
	_exit(write(fd[1], &t, sizeof(t)) == (ssize_t)sizeof(t) ? 0 : 2);
}

void jobs_run(uint64_t first, uint64_t n, unsigned jobs, jobs_part *part,
	      const void *arg, struct tally *sum)
{
	pid_t pid[MAX_JOBS];
	int fd[MAX_JOBS];

	if (jobs > n)
		jobs = (unsigned)n;
	if (jobs <= 1) {
		part(first, n, 1, arg, sum);
		return;
	}
	for (unsigned i = 0; i < jobs; i++)
		fd[i] = begin(first + i, n - i, jobs, part, arg, &pid[i]);
	for (unsigned i = 0; i < jobs; i++) {
		struct tally t = {0};
		int status = 0;

		if (read(fd[i], &t, sizeof(t)) != (ssize_t)sizeof(t)) {
			memset(&t, 0, sizeof(t));
			t.failed = 1;
		}
		close(fd[i]);
		if (waitpid(pid[i], &status, 0) == pid[i] && status)
			printf("# a process that plays seeds %llu + %u * k "
			       "ended by %s %d\n",
			       (unsigned long long)first + i, jobs,
			       WIFSIGNALED(status) ? "signal" : "exit code",
			       WIFSIGNALED(status) ? WTERMSIG(status)
						   : WEXITSTATUS(status));
		add(sum, &t);
	}
}
