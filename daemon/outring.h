/* SPDX-License-Identifier: MIT */
/*
 * outring.h - octets on their way to a descriptor that may be slow: a bounded
 * ring that the loop fills, and a thread that writes it out.  Filling never
 * waits.
 */
#ifndef DAEMON_OUTRING_H
#define DAEMON_OUTRING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct outring;

/*
 * |fd| is taken over (closed at the end; also when NULL is returned, with
 * errno).  |size|: a multiple of the page size.  |ended| is called in the
 * thread when it has closed |fd|: after outring_finish(), or before it when a
 * write failed or the reader has gone.
 */
struct outring *outring_new(int fd, size_t size, void (*ended)(void *arg),
			    void *arg);

/* |n| octets in one piece, or NULL: they do not fit now. */
uint8_t *outring_room(struct outring *r, size_t n);
/* The first |n| of them are to be written. */
void outring_filled(struct outring *r, size_t n);

/* Nothing more comes: write what waits, but do not wait longer than a second
 * for a reader that takes nothing. */
void outring_finish(struct outring *r);

/* After |ended|: the errno that ended it early, or 0. */
int outring_error(const struct outring *r);

/* Wait for the thread until |deadline| (mono_now()), and free.  False: it
 * hangs in a write; it keeps its memory and goes with the process. */
bool outring_free(struct outring *r, uint64_t deadline);

#endif /* DAEMON_OUTRING_H */
