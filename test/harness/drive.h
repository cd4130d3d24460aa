/* SPDX-License-Identifier: MIT */
/*
 * drive.h - a stack driven by octets, each step one of: a segment built near
 * the edges of a connection's windows, a damaged or raw packet, a user's call,
 * time, a write that fails, a record.  For the fuzzer, and for random octets.
 */
#ifndef HARNESS_DRIVE_H
#define HARNESS_DRIVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct drive;

/* |data| is read as the script; it may be NULL and follow by drive_feed(). */
struct drive *drive_open(const uint8_t *data, size_t size);
/* More octets, in place of those that are used up. */
void drive_feed(struct drive *d, const uint8_t *data, size_t size);
/* One step; false: no octets are left.  Aborts when a rule is broken. */
bool drive_step(struct drive *d);
/* Everything is closed, time goes on until all is gone, and it was clean. */
void drive_close(struct drive *d);
/* Packets in, ever. */
uint64_t drive_packets(const struct drive *d);

#endif /* HARNESS_DRIVE_H */
