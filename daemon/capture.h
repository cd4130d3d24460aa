/* SPDX-License-Identifier: MIT */
/* capture.h - the capture directive, and the end of all captures. */
#ifndef DAEMON_CAPTURE_H
#define DAEMON_CAPTURE_H

#include "daemon/daemon.h"

/* Open the file of the capture directive: a descriptor, or -1 and |err|.  A
 * FIFO is opened whether somebody reads it or not. */
int capture_open(const char *path, char *err, size_t nerr);

/* End all captures; waits for their files until |deadline| (mono_now()). */
void capture_stop_all(struct daemon *d, uint64_t deadline);

#endif /* DAEMON_CAPTURE_H */
