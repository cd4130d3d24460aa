/* SPDX-License-Identifier: MIT */
/*
 * outring.c - a bounded ring and the thread that writes it out.
 *
 * The ring's memory is mapped twice, one behind the other, so that every piece
 * of it lies in one.  One side fills, one side empties: two counters that only
 * grow are all they share.  The writer looks every 50 ms by itself, and the
 * filler makes a system call only when much has gathered meanwhile: a packet
 * that is captured costs the loop a copy and nothing else.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#include "daemon/outring.h"
#include "daemon/thread.h"

#define WRITE_MAX ((size_t)256 * 1024)
#define LOOK	  50   /* ms */
#define WAKE_FROM 8    /* parts of the ring: one full is worth a wake-up */
#define PATIENCE  1000 /* ms for a reader that takes nothing, at the end */

struct outring {
	int fd, wake;
	uint8_t *mem;
	size_t size;
	atomic_size_t head, tail; /* filled, emptied, since the beginning */
	atomic_bool asleep, finish;
	int error; /* of the thread, until |ended| was called */
	void (*ended)(void *arg);
	void *arg;
	pthread_t thread;
};

static uint8_t *map_twice(size_t size)
{
	int fd = memfd_create("tcpd", MFD_CLOEXEC);
	uint8_t *p;

	if (fd < 0)
		return NULL;
	p = ftruncate(fd, (off_t)size)
		    ? MAP_FAILED
		    : mmap(NULL, 2 * size, PROT_NONE,
			   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (p != MAP_FAILED &&
	    (mmap(p, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd,
		  0) == MAP_FAILED ||
	     mmap(p + size, size, PROT_READ | PROT_WRITE,
		  MAP_SHARED | MAP_FIXED, fd, 0) == MAP_FAILED)) {
		munmap(p, 2 * size);
		p = MAP_FAILED;
	}
	close(fd);
	return p == MAP_FAILED ? NULL : p;
}

/* Until there is something to write, or the end.  The reader's going is seen
 * here too: 0 or an errno. */
static int wait_for_work(struct outring *r)
{
	struct pollfd pfd[2] = {{.fd = r->wake, .events = POLLIN},
				{.fd = r->fd}};
	uint64_t n;

	atomic_store(&r->asleep, true);
	if (atomic_load(&r->head) == atomic_load(&r->tail) &&
	    !atomic_load(&r->finish))
		poll(pfd, 2, LOOK);
	atomic_store(&r->asleep, false);
	if (pfd[0].revents)
		(void)!read(r->wake, &n, sizeof(n));
	return pfd[1].revents & (POLLERR | POLLHUP) ? EPIPE : 0;
}

/* Until the descriptor takes more; false: nobody will. */
static bool wait_for_reader(struct outring *r)
{
	struct pollfd pfd[2] = {{.fd = r->fd, .events = POLLOUT},
				{.fd = r->wake, .events = POLLIN}};
	uint64_t n;

	if (atomic_load(&r->finish))
		return poll(pfd, 1, PATIENCE) > 0;
	poll(pfd, 2, -1);
	if (pfd[1].revents)
		(void)!read(r->wake, &n, sizeof(n));
	return true;
}

static int write_out(struct outring *r)
{
	for (;;) {
		size_t tail = atomic_load(&r->tail);
		size_t n = atomic_load(&r->head) - tail;
		ssize_t w;
		int rc;

		if (n == 0) {
			if (atomic_load(&r->finish))
				return 0;
			rc = wait_for_work(r);
			if (rc)
				return rc;
			continue;
		}
		w = write(r->fd, r->mem + tail % r->size,
			  n < WRITE_MAX ? n : WRITE_MAX);
		if (w > 0)
			atomic_store(&r->tail, tail + (size_t)w);
		else if (w < 0 && errno == EAGAIN && !wait_for_reader(r))
			return ETIMEDOUT;
		else if (w < 0 && errno != EAGAIN && errno != EINTR)
			return errno;
	}
}

static void *writer(void *arg)
{
	struct outring *r = arg;

	r->error = write_out(r);
	/* The last write-back of a file may fail as well (quota, NFS). */
	if (close(r->fd) && !r->error && errno != EINTR)
		r->error = errno;
	r->ended(r->arg);
	return NULL;
}

struct outring *outring_new(int fd, size_t size, void (*ended)(void *arg),
			    void *arg)
{
	struct outring *r = calloc(1, sizeof(*r));
	int flags = fcntl(fd, F_GETFL), rc;

	if (!r || flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK))
		goto fail;
	r->fd = fd;
	r->size = size;
	r->ended = ended;
	r->arg = arg;
	r->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (r->wake < 0)
		goto fail;
	r->mem = map_twice(size);
	rc = r->mem ? thread_start(&r->thread, writer, r) : errno;
	if (rc == 0)
		return r;
	if (r->mem)
		munmap(r->mem, 2 * size);
	close(r->wake);
	errno = rc;
fail:
	rc = errno;
	free(r);
	close(fd);
	errno = rc;
	return NULL;
}

uint8_t *outring_room(struct outring *r, size_t n)
{
	size_t head = atomic_load_explicit(&r->head, memory_order_relaxed);
	size_t tail = atomic_load_explicit(&r->tail, memory_order_acquire);

	return r->size - (head - tail) < n ? NULL : r->mem + head % r->size;
}

void outring_filled(struct outring *r, size_t n)
{
	const uint64_t one = 1;
	size_t head = atomic_fetch_add(&r->head, n) + n;

	if (head - atomic_load(&r->tail) >= r->size / WAKE_FROM &&
	    atomic_exchange(&r->asleep, false))
		(void)!write(r->wake, &one, sizeof(one));
}

void outring_finish(struct outring *r)
{
	const uint64_t one = 1;

	atomic_store(&r->finish, true);
	(void)!write(r->wake, &one, sizeof(one));
}

int outring_error(const struct outring *r)
{
	return r->error;
}

bool outring_free(struct outring *r, uint64_t deadline)
{
	if (!thread_join(r->thread, deadline))
		return false;
	munmap(r->mem, 2 * r->size);
	close(r->wake);
	free(r);
	return true;
}
